//! How a person moves over their feet while they walk: what captured walking shows of hips, trunk, arms and head, or a rule.

use nalgebra::{UnitQuaternion, Vector3};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::motion::blend::slerp;
use crate::motion::{MotionClip, canonical};
use crate::skeleton::{Pose, ROTATIONS, joint};
use crate::training::footwork::passings;

type Turn = UnitQuaternion<f32>;

/// Frames to either side over which a walker's facing is averaged: a whole stride.
const STRIDE: usize = 17;
/// In a step (see [`super::footing::feet`]) the moving foot passes the other here.
const PASSES: f32 = 0.4;

/// A body over its feet: everything relative to the way the person faces, as if that were -Y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Carriage {
    /// The pelvis beside its mean place, metres.
    pub sway: Vector3<f32>,
    /// Rotations of the joints, world.
    pub rotations: [Turn; ROTATIONS],
}

/// A captured walk as carriages.
pub struct Gait {
    frames: Vec<Carriage>,
    /// When one foot passes the other, and which one moves.
    passings: Vec<(f32, usize)>,
    /// Mean direction of going relative to facing: 1 ahead, -1 backward.
    ahead: f32,
    /// Mean speed, metres a second.
    speed: f32,
}

impl Gait {
    /// None where a walk is too short.
    pub fn of(clip: &MotionClip) -> Option<Self> {
        let poses: Vec<Pose> = clip.frames.iter().map(|f| f.pose).collect();
        let count = poses.len();
        if count < 3 * STRIDE {
            return None;
        }
        let mut yaws: Vec<f32> = Vec::with_capacity(count);
        for pose in &poses {
            let q = canonical::heading(&pose.rotations[0]);
            let yaw = 2.0 * q.k.atan2(q.w);
            let last = yaws.last().copied().unwrap_or(yaw);
            yaws.push(last + super::course::wrapped(yaw - last));
        }
        let about = |t: usize| t.saturating_sub(STRIDE)..(t + STRIDE + 1).min(count);
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let turns: Vec<Turn> = (0..count)
            .map(|t| Turn::from_axis_angle(&Vector3::z_axis(), mean(&yaws[about(t)])))
            .collect();
        let frames = (0..count)
            .map(|t| {
                let roots: Vec<Vector3<f32>> = poses[about(t)].iter().map(|p| p.root).collect();
                // Of a straight line through the neighbourhood, so that its ends do not pull.
                let n = roots.len() as f32;
                let middle = roots.iter().sum::<Vector3<f32>>() / n;
                let place = about(t);
                let offset = t as f32 - (place.start + place.end - 1) as f32 / 2.0;
                let slope = (roots[roots.len() - 1] - roots[0]) / (n - 1.0);
                let mut sway = poses[t].root - middle - slope * offset;
                sway.x = sway.x.clamp(-0.04, 0.04);
                sway.y = sway.y.clamp(-0.04, 0.04);
                sway.z = sway.z.clamp(-0.04, 0.04);
                let back = turns[t].inverse();
                Carriage {
                    sway: back * sway,
                    rotations: poses[t].rotations.map(|q| back * q),
                }
            })
            .collect();
        let (mut ahead, mut way) = (0.0f32, 0.0f32);
        for t in STRIDE..count - STRIDE {
            let step = turns[t].inverse() * (poses[t].root - poses[t - 1].root);
            ahead -= step.y;
            way += step.xy().norm();
        }
        let moving = |t: usize| {
            let step = |ankle: usize| {
                let joints = |t: usize| clip.skeleton.forward(&poses[t])[ankle];
                (joints(t + 1) - joints(t - 1)).xy().norm()
            };
            usize::from(step(joint::RIGHT_ANKLE) > step(joint::LEFT_ANKLE))
        };
        let mut found: Vec<(f32, usize)> = Vec::new();
        for t in passings(&clip.skeleton, &poses) {
            let side = moving(t);
            if found.last().is_none_or(|(_, last)| *last != side) {
                found.push((t as f32, side));
            }
        }
        let seconds = (count - 2 * STRIDE) as f32 / clip.fps;
        (found.len() >= 4).then_some(Self {
            frames,
            passings: found,
            ahead: ahead / way.max(1e-6),
            speed: way / seconds,
        })
    }

    /// The carriage at a place in a walk's steps, going on from the captured passing `from`.
    fn at(&self, phase: f32, from: usize) -> Carriage {
        // Passings at k + PASSES, the left foot's at even k.
        let count = self.passings.len();
        let first = (from..count)
            .find(|k| self.passings[*k].1 == 0)
            .unwrap_or(0);
        let place = phase - PASSES;
        let k = place.floor();
        let t = place - k;
        // There and back again, so that nothing jumps where the capture ends.
        let index = |k: f32| {
            let usable = count - first;
            let usable = usable - usize::from(usable.is_multiple_of(2));
            let period = 2 * (usable - 1).max(1);
            let at = (k as i64).rem_euclid(period as i64) as usize;
            first + at.min(period - at)
        };
        let (a, b) = (self.passings[index(k)].0, self.passings[index(k + 1.0)].0);
        self.frame(a + (b - a) * t)
    }

    fn frame(&self, time: f32) -> Carriage {
        let last = self.frames.len() - 1;
        let k = (time.max(0.0) as usize).min(last);
        let (a, b) = (&self.frames[k], &self.frames[(k + 1).min(last)]);
        let t = (time - k as f32).clamp(0.0, 1.0);
        Carriage {
            sway: a.sway.lerp(&b.sway, t),
            rotations: std::array::from_fn(|j| slerp(&a.rotations[j], &b.rotations[j], t)),
        }
    }
}

/// How a person of a corpus walks.
pub(super) enum Walker<'a> {
    Captured { gait: &'a Gait, from: usize },
    Rule { swing: f32, twist: f32, bob: f32 },
}

impl<'a> Walker<'a> {
    /// One that goes ahead or backward; by rule where there is no captured walk of that direction.
    pub fn choose(gaits: &'a [Gait], backward: bool, rng: &mut impl Rng) -> Self {
        let fit: Vec<&Gait> = (gaits.iter())
            .filter(|g| {
                if backward {
                    g.ahead < -0.6
                } else {
                    g.ahead > 0.6
                }
            })
            .collect();
        let (swing, twist, bob) = (
            rng.random::<f32>(),
            rng.random::<f32>(),
            rng.random::<f32>(),
        );
        match fit.choose(rng) {
            Some(gait) => Self::Captured {
                gait,
                from: rng.random_range(0..gait.passings.len() / 2),
            },
            // The foot that has just moved is ahead, or behind.
            None => Self::Rule {
                swing: (0.22 + 0.33 * swing) * if backward { -1.0 } else { 1.0 },
                twist: (0.04 + 0.08 * twist) * if backward { -1.0 } else { 1.0 },
                bob: 0.008 + 0.012 * bob,
            },
        }
    }

    /// Speed at which it shows in full, metres a second.
    pub fn speed(&self) -> f32 {
        match self {
            Self::Captured { gait, .. } => gait.speed.clamp(0.5, 1.2),
            Self::Rule { .. } => 1.1,
        }
    }

    /// The carriage at a place in a walk's steps; a rule turns the joints of `standing`.
    pub fn at(&self, phase: f32, standing: &[Turn; ROTATIONS]) -> Carriage {
        match self {
            Self::Captured { gait, from } => gait.at(phase, *from),
            Self::Rule { swing, twist, bob } => {
                // The left foot is ahead when phase is 1, the right one at 0 and 2.
                let wave = (std::f32::consts::PI * phase).cos();
                let about = |axis: Vector3<f32>, angle: f32| Turn::from_scaled_axis(axis * angle);
                let mut rotations = *standing;
                for j in [
                    joint::PELVIS,
                    joint::SPINE1,
                    joint::LEFT_HIP,
                    joint::RIGHT_HIP,
                ] {
                    rotations[j] = about(Vector3::z(), wave * twist) * rotations[j];
                }
                let chest = [9, 13, 14, 16, 17, 18, 19, 20, 21];
                for j in chest {
                    rotations[j] = about(Vector3::z(), -wave * twist) * rotations[j];
                }
                for (side, sign) in [(0, 1.0), (1, -1.0)] {
                    // An arm swings with the leg of the other side; forward is a turn about -X.
                    let angle = swing * wave * sign;
                    for j in [joint::LEFT_SHOULDER, joint::LEFT_ELBOW, joint::LEFT_WRIST] {
                        rotations[j + side] = about(-Vector3::x(), angle) * rotations[j + side];
                    }
                    let bend = 0.12 + 0.3 * angle.max(0.0);
                    for j in [joint::LEFT_ELBOW, joint::LEFT_WRIST] {
                        rotations[j + side] = about(-Vector3::x(), bend) * rotations[j + side];
                    }
                }
                let up = (2.0 * std::f32::consts::PI * (phase - PASSES)).cos();
                let side = (std::f32::consts::PI * (phase - PASSES)).cos();
                Carriage {
                    // Over the standing foot, which is the right one while the left moves.
                    sway: Vector3::new(-0.018 * side, 0.0, bob * up),
                    rotations,
                }
            }
        }
    }
}
