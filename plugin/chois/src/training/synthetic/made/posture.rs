//! How a body stoops, squats and stretches to have its hands at a height: the mean of captured frames, or a rule.

use nalgebra::{Quaternion, Unit, UnitQuaternion, Vector3, Vector4};
use rand::Rng;
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::motion::blend::slerp;
use crate::motion::canonical;
use crate::skeleton::{Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};
use crate::training::dataset::Source;

type Turn = UnitQuaternion<f32>;

/// Heights of hands, as shares of the person's, that have an entry.
const HEIGHTS: usize = 27;
const LOWEST: f32 = 0.02;
const STEP: f32 = 0.05;
/// How near a frame's hands must be in height to count for an entry.
const NEAR: f32 = 0.035;
/// Hands farther to the side than this are not before the body, radians.
const ASIDE: f32 = 0.45;
/// Who bows moves the hips back by this share of the legs for a radian.
pub(super) const BALANCE: f32 = 0.09;
/// Captured clips that make one person's way of doing it.
const CLIPS: usize = 10;

/// A body with its hands at some height; facing -Y, the place between its ankles at the origin. Heights of hands and what is
/// ahead are shares of the person's height ([`Skeleton::height`]), the pelvis' place is one of the legs ([`legs`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Posture {
    /// The pelvis.
    pub pelvis: Vector3<f32>,
    /// How far ahead the hands are.
    pub ahead: f32,
    /// Rotations of the joints, world.
    pub rotations: [Turn; ROTATIONS],
}

/// One captured frame with its hands on something before the body.
#[derive(Clone, Copy)]
struct Seen {
    height: f32,
    posture: Posture,
}

/// What captured clips show of hands at all heights; empty: the rule.
#[derive(Default)]
pub struct Postures {
    clips: Vec<Vec<Seen>>,
}

impl Postures {
    /// Looks at every frame in which both hands hold.
    pub fn of<'a>(sources: impl Iterator<Item = &'a Source>) -> Self {
        let clips = sources.map(seen).filter(|seen| seen.len() > 10).collect();
        Self { clips }
    }

    /// Somebody's way: a table by the height of the hands.
    pub(super) fn somebody(
        &self,
        skeleton: &Skeleton,
        standing: &[Turn; ROTATIONS],
        rng: &mut impl Rng,
    ) -> Table {
        let squats = rng.random_range(0.15..0.85);
        let rule: Vec<Posture> = (0..HEIGHTS)
            .map(|k| by_rule(LOWEST + STEP * k as f32, squats, skeleton, standing))
            .collect();
        let own: Vec<&Vec<Seen>> = self.clips.sample(rng, CLIPS).collect();
        let entries = (0..HEIGHTS)
            .map(|k| {
                let height = LOWEST + STEP * k as f32;
                let mut mean = Mean::default();
                for seen in own.iter().copied().flatten() {
                    mean.add(seen, height, 1.0);
                }
                for seen in self.clips.iter().flatten() {
                    mean.add(seen, height, 0.02);
                }
                mean.posture(&rule[k])
            })
            .collect();
        Table(entries)
    }
}

/// Postures by height.
pub(super) struct Table(Vec<Posture>);

impl Table {
    /// The posture with hands at a height, a share of the person's.
    pub fn at(&self, height: f32) -> Posture {
        let place = ((height - LOWEST) / STEP).clamp(0.0, (self.0.len() - 1) as f32);
        let k = (place as usize).min(self.0.len() - 2);
        let (a, b, t) = (&self.0[k], &self.0[k + 1], place - k as f32);
        Posture {
            pelvis: a.pelvis.lerp(&b.pelvis, t),
            ahead: a.ahead + (b.ahead - a.ahead) * t,
            rotations: std::array::from_fn(|j| slerp(&a.rotations[j], &b.rotations[j], t)),
        }
    }
}

/// Length of a leg, from the hip to the sole, metres.
pub(super) fn legs(skeleton: &Skeleton) -> f32 {
    let bones = [joint::LEFT_KNEE, joint::LEFT_ANKLE, joint::LEFT_TOE];
    let [thigh, shin, foot] = bones.map(|j| skeleton.rest_offsets[j]);
    thigh.norm() + shin.norm() + foot.y.abs() + crate::skeleton::TOE_HEIGHT
}

fn seen(source: &Source) -> Vec<Seen> {
    let motion = &source.motion;
    let (size, legs) = (source.skeleton.height(), legs(&source.skeleton));
    let mut out = Vec::new();
    for t in (0..motion.len()).step_by(2) {
        if motion.contact[t][0] < 0.5 || motion.contact[t][1] < 0.5 {
            continue;
        }
        let joints = &motion.joints[t];
        let back = canonical::heading(&motion.rotations[t][0]).inverse();
        let feet = (joints[joint::LEFT_ANKLE] + joints[joint::RIGHT_ANKLE]) / 2.0;
        let hands = (joints[joint::LEFT_PALM] + joints[joint::RIGHT_PALM]) / 2.0;
        let at = |p: Vector3<f32>| back * Vector3::new(p.x - feet.x, p.y - feet.y, p.z);
        let (pelvis, palms) = (at(joints[0]) / legs, at(hands) / size);
        let way = at(hands) - at(joints[0]);
        if way.x.atan2(-way.y).abs() > ASIDE || pelvis.xy().norm() > 0.35 {
            continue;
        }
        out.push(Seen {
            height: palms.z,
            posture: Posture {
                pelvis,
                ahead: -palms.y,
                rotations: motion.rotations[t].map(|q| back * q),
            },
        });
    }
    out
}

/// A weighted mean of postures.
struct Mean {
    weight: f32,
    pelvis: Vector3<f32>,
    ahead: f32,
    rotations: [Vector4<f32>; ROTATIONS],
}

impl Default for Mean {
    fn default() -> Self {
        Self {
            weight: 0.0,
            pelvis: Vector3::zeros(),
            ahead: 0.0,
            rotations: [Vector4::zeros(); ROTATIONS],
        }
    }
}

impl Mean {
    fn add(&mut self, seen: &Seen, height: f32, share: f32) {
        let off = (seen.height - height) / NEAR;
        let weight = share * (-0.5 * off * off).exp();
        if weight < 1e-4 * share {
            return;
        }
        self.weight += weight;
        self.pelvis += seen.posture.pelvis * weight;
        self.ahead += seen.posture.ahead * weight;
        for (sum, q) in self.rotations.iter_mut().zip(&seen.posture.rotations) {
            let sign = if sum.dot(&q.coords) < 0.0 { -1.0 } else { 1.0 };
            *sum += q.coords * (weight * sign);
        }
    }

    /// The mean, of which the rule is a small part: all of it where nothing was seen.
    fn posture(self, rule: &Posture) -> Posture {
        const RULE: f32 = 0.05;
        let w = self.weight + RULE;
        Posture {
            pelvis: (self.pelvis + rule.pelvis * RULE) / w,
            ahead: (self.ahead + rule.ahead * RULE) / w,
            rotations: std::array::from_fn(|j| {
                let q = rule.rotations[j].coords;
                let sign = if self.rotations[j].dot(&q) < 0.0 {
                    -1.0
                } else {
                    1.0
                };
                let sum = self.rotations[j] + q * (RULE * sign);
                UnitQuaternion::from_quaternion(Quaternion::from(sum))
            }),
        }
    }
}

/// Bows a trunk by `angle` about an axis to the person's left; arms stay as they are in the world.
pub(super) fn bow(rotations: &mut [Turn; ROTATIONS], left: &Unit<Vector3<f32>>, angle: f32) {
    let shares = [
        (joint::PELVIS, 0.4),
        (joint::SPINE1, 0.8),
        (joint::SPINE2, 0.95),
        (joint::SPINE3, 1.0),
        (joint::NECK, 0.8),
        (joint::HEAD, 0.55),
        (joint::LEFT_COLLAR, 1.0),
        (joint::RIGHT_COLLAR, 1.0),
    ];
    for (j, share) in shares {
        rotations[j] = Turn::from_axis_angle(left, angle * share) * rotations[j];
    }
}

/// A posture by rule: knees and hips share in what the hands are too low, `squats` of it the knees; arms before the body.
fn by_rule(height: f32, squats: f32, skeleton: &Skeleton, standing: &[Turn; ROTATIONS]) -> Posture {
    let size = legs(skeleton);
    let up = {
        let pose = Pose {
            root: Vector3::zeros(),
            rotations: *standing,
        };
        let j = skeleton.forward(&pose);
        (TOE_HEIGHT - j[joint::LEFT_TOE].z.min(j[joint::RIGHT_TOE].z)) / size
    };
    // How far hands are below where they are with ease, as a share of all that is possible.
    let low = ((0.62 - height) / 0.6).clamp(0.0, 1.0);
    let lean = low * (1.25 - 0.75 * squats) + 0.06;
    let sink = low * low * (0.1 + 0.5 * squats);
    let about = |angle: f32| Turn::from_scaled_axis(Vector3::x() * angle);
    let mut rotations = *standing;
    bow(&mut rotations, &Vector3::x_axis(), lean);
    for j in [16, 17, 18, 19, 20, 21] {
        rotations[j] = about(lean) * rotations[j];
    }
    // Arms lift to where the hands are before the body: down along it at the side, ahead at the shoulders, up over them.
    let lift = ((height - 0.35) / 0.62).clamp(0.1, 1.35) * 1.35 + 0.15 + lean;
    for side in 0..2 {
        for j in [joint::LEFT_SHOULDER, joint::LEFT_ELBOW, joint::LEFT_WRIST] {
            rotations[j + side] = about(-lift) * rotations[j + side];
        }
        for j in [joint::LEFT_ELBOW, joint::LEFT_WRIST] {
            rotations[j + side] = about(-0.5) * rotations[j + side];
        }
    }
    // Thighs turn up as the pelvis sinks; the legs' own solution follows the feet.
    for side in 0..2 {
        rotations[joint::LEFT_HIP + side] =
            about(-1.2 * sink - 0.06) * rotations[joint::LEFT_HIP + side];
        rotations[joint::LEFT_KNEE + side] =
            about(1.2 * sink + 0.06) * rotations[joint::LEFT_KNEE + side];
    }
    Posture {
        pelvis: Vector3::new(0.0, BALANCE * lean + 0.02 * low, up - sink - 0.005),
        // What is high is held near.
        ahead: 0.18 + 0.14 * (2.0 * low).min(1.0),
        rotations,
    }
}
