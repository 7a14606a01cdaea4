//! A person who does what a plan says: feet by steps, hips and trunk by where the hands must be, arms to their places.

use nalgebra::{UnitQuaternion, Vector3};

use super::course::{Ground, minimum_jerk};
use super::footing::{Foot, Stance, feet};
use super::gait::Walker;
use super::posture::{BALANCE, Posture, Table, bow, legs};
use super::shoulders::{self, Shoulders};
use super::stage::{At, Grip, Plan};
use crate::contact::Grasp;
use crate::contact::palm::{Palm, pad};
use crate::figure::feet::ease;
use crate::ik;
use crate::motion::blend::slerp;
use crate::motion::{FPS, Frame, MotionClip, canonical};
use crate::skeleton::{Pose, ROTATIONS, Skeleton, joint};
use crate::training::synthetic::catalogue::Thing;
use crate::training::synthetic::stepping::reach_feet;

type Turn = UnitQuaternion<f32>;

/// Time in which a person stoops toward a thing, and straightens after letting go, seconds.
const STOOPS: f32 = 0.85;
/// Time in which a hand comes to its place, and leaves it, seconds.
const REACHES: f32 = 0.7;
/// Legs of who stands are stretched to this share of their bones.
const STANDS: f32 = 0.99;
/// Farthest that a heel rises, radians.
const RISES: f32 = 0.6;
/// Half the time over which hips and hands' heights are smoothed, frames.
const SMOOTH: usize = 5;
/// Frames in which a walk begins to show and ceases to.
const SETS_OFF: f32 = 8.0;
/// Farthest that a trunk bows for arms that are too short, radians, how far it is from upright then at most, and how far the
/// hips sink, of the legs.
const BOWS: f32 = 0.9;
const LOWEST: f32 = 1.3;
const SINKS: f32 = 0.45;
/// In how many parts of these that is looked for, and what a metre costs that arms are too short.
const PARTS: usize = 16;
const SHORT: f32 = 40.0;
/// What all of the bowing and all of the sinking cost, and of who rather squats.
const STRAINS: [f32; 2] = [1.0, 3.0];
const SQUATTING: [f32; 2] = [3.0, 0.6];
/// Half the time over which it does, frames.
const BOWING: usize = 9;
/// Share of an arm's length over which it reaches with ease, and how far the middle of a palm is from its wrist, metres.
const EASY: f32 = 0.94;
const PALM: f32 = 0.05;
/// How much the head turns toward what is looked at and bows or rises to it, eyes doing the rest, and at most, radians.
const LOOKS: [f32; 2] = [0.6, 0.3];
const MOST: f32 = 0.7;

/// Who acts.
pub(super) struct Actor<'a> {
    pub skeleton: &'a Skeleton,
    pub standing: &'a [Turn; ROTATIONS],
    pub table: &'a Table,
    /// None where captured poses have theirs.
    pub shoulders: Option<&'a Shoulders>,
    /// Ahead and backward.
    pub walkers: [Walker<'a>; 2],
}

/// How much something is there at a frame that is there fully from `first` to `last`.
fn presence(t: usize, first: usize, last: usize, seconds: f32) -> f32 {
    let away = if t < first {
        first - t
    } else {
        t.saturating_sub(last)
    };
    1.0 - minimum_jerk(away as f32 / (seconds * FPS))
}

/// Values smoothed over time.
fn smoothed(values: &[f32], half: usize) -> Vec<f32> {
    let last = values.len() as isize - 1;
    let half = half as isize;
    let weight = |k: isize| 0.5 + 0.5 * (std::f32::consts::PI * k as f32 / (half + 1) as f32).cos();
    let total: f32 = (-half..=half).map(weight).sum();
    (0..values.len() as isize)
        .map(|t| {
            (-half..=half)
                .map(|k| values[(t + k).clamp(0, last) as usize] * weight(k))
                .sum::<f32>()
                / total
        })
        .collect()
}

impl Actor<'_> {
    /// The clip of a plan; contact says when hands hold and feet strike.
    pub fn act(&self, plan: &Plan, thing: &Thing) -> MotionClip {
        // A head that bows over a pole that is laid down is in it.
        let lies = |(_, turn): &At| (turn * Vector3::z()).z < 0.5;
        let pole = thing.kind.is_pole();
        let mut poses = self.poses(plan, pole && plan.thing.iter().any(lies));
        self.reach(plan, thing, &mut poses);
        let contact = |t: usize| {
            let mut out = [0.0; 4];
            for grip in &plan.grips {
                if (grip.first..=grip.last).contains(&t) {
                    out[grip.place.hand] = 1.0;
                }
            }
            for strike in &plan.strikes {
                if (strike.hit.saturating_sub(2)..=strike.hit + 6).contains(&t) {
                    out[2 + strike.foot] = 1.0;
                }
            }
            out
        };
        let frames = (poses.iter().zip(&plan.thing)).enumerate();
        let frames = frames.map(|(t, (pose, (at, turn)))| Frame {
            pose: *pose,
            object_position: *at,
            object_rotation: *turn,
            contact: contact(t),
        });
        self.clip(&thing.name, frames.collect())
    }

    /// The clip of a plan with nothing to handle.
    pub fn walk(&self, plan: &Plan) -> MotionClip {
        let frames = self.poses(plan, false).into_iter().map(|pose| Frame {
            pose,
            object_position: Vector3::zeros(),
            object_rotation: Turn::identity(),
            contact: [0.0; 4],
        });
        self.clip("", frames.collect())
    }

    fn clip(&self, object: &str, frames: Vec<Frame>) -> MotionClip {
        MotionClip {
            name: String::new(),
            subject: String::new(),
            object: object.to_owned(),
            text: String::new(),
            fps: FPS,
            skeleton: self.skeleton.clone(),
            frames,
        }
    }

    /// Where the body is, hands not yet at their places. `squats`: rather knees bend than the trunk bows.
    fn poses(&self, plan: &Plan, squats: bool) -> Vec<Pose> {
        let frames = plan.course.ground.len();
        let (size, legs) = (self.skeleton.height(), legs(self.skeleton));
        let upright = Pose {
            root: Vector3::zeros(),
            rotations: *self.standing,
        };
        let stance = Stance::of(self.skeleton, &upright);
        let (mut steps, phases) = feet(&plan.course, &stance);
        self.strike(plan, &mut steps);
        let stands = self.stands(&stance);

        let stoop: Vec<f32> = (0..frames)
            .map(|t| {
                let most = plan
                    .grips
                    .iter()
                    .map(|g| presence(t, g.first, g.last, STOOPS));
                most.fold(0.0, f32::max)
            })
            .collect();
        let heights = smoothed(&self.heights(plan, size), SMOOTH);
        let walking = self.walking(plan);

        let mut poses: Vec<Pose> = (0..frames)
            .map(|t| {
                let ground = &plan.course.ground[t];
                let mut posture = Posture {
                    pelvis: stands,
                    ahead: 0.0,
                    rotations: *self.standing,
                };
                let mut sway = Vector3::zeros();
                for (walk, phase) in plan.course.walks.iter().zip(&phases) {
                    let index = plan
                        .course
                        .walks
                        .iter()
                        .position(|w| w == walk)
                        .unwrap_or(0);
                    if !(walk.first..=walk.last).contains(&t) || walking[t] < 1e-3 {
                        continue;
                    }
                    let backward = plan.backward.get(index).copied().unwrap_or_default();
                    let walker = &self.walkers[usize::from(backward)];
                    let carriage = walker.at(phase[t - walk.first], self.standing);
                    let inside = (t - walk.first).min(walk.last - t) as f32;
                    let share =
                        (walking[t] / walker.speed()).min(1.0) * minimum_jerk(inside / SETS_OFF);
                    sway = carriage.sway * share;
                    for j in 0..ROTATIONS {
                        posture.rotations[j] =
                            slerp(&posture.rotations[j], &carriage.rotations[j], share);
                    }
                }
                let low = self.table.at(heights[t]);
                let share = stoop[t];
                // Who walks with something keeps some of the walk's life in the trunk.
                posture.pelvis = posture.pelvis.lerp(&(low.pelvis * legs), share);
                for j in 0..ROTATIONS {
                    posture.rotations[j] =
                        slerp(&posture.rotations[j], &low.rotations[j], share * 0.92);
                }
                pose(ground, &posture, &(sway * (1.0 - 0.4 * share)))
            })
            .collect();
        self.bow(plan, squats, &mut poses);
        self.heels(&poses, &mut steps);
        let targets = [0, 1].map(|side| steps.iter().map(|s| s[side].ankle).collect::<Vec<_>>());
        for (pose, step) in poses.iter_mut().zip(&steps) {
            for side in 0..2 {
                pose.rotations[joint::LEFT_ANKLE + side] = step[side].rotation;
                pose.rotations[joint::LEFT_TOE + side] = step[side].toes;
            }
        }
        reach_feet(self.skeleton, &mut poses, &targets, true);
        self.look(plan, &mut poses);
        if let Some(shoulders) = self.shoulders {
            for pose in &mut poses {
                shoulders.follow(self.skeleton, pose);
            }
        }
        poses
    }

    /// Where the pelvis is over the place between the feet while a person stands, legs almost straight.
    fn stands(&self, stance: &Stance) -> Vector3<f32> {
        let upright = Pose {
            root: Vector3::zeros(),
            rotations: *self.standing,
        };
        let joints = self.skeleton.forward(&upright);
        let ground = Ground::default();
        let feet = stance.standing(&ground);
        let mut height = f32::INFINITY;
        for (side, leg) in [ik::LEFT_LEG, ik::RIGHT_LEG].into_iter().enumerate() {
            let length = self.skeleton.rest_offsets[leg.middle].norm()
                + self.skeleton.rest_offsets[leg.end].norm();
            let hip = joints[leg.upper];
            let level = (feet[side].ankle - hip).xy().norm();
            let most = STANDS * length;
            let up = (most * most - level * level).max(0.0).sqrt();
            height = height.min(feet[side].ankle.z + up - hip.z);
        }
        // Ankles under the hips.
        let hips = (joints[joint::LEFT_HIP] + joints[joint::RIGHT_HIP]) / 2.0;
        Vector3::new(-hips.x, 0.01 - hips.y.clamp(-0.05, 0.05), height)
    }

    /// Heights of the hands over time, shares of the person's: of what is held, else of what will be or was.
    fn heights(&self, plan: &Plan, size: f32) -> Vec<f32> {
        let frames = plan.course.ground.len();
        (0..frames)
            .map(|t| {
                let (mut sum, mut all) = (0.0f32, 0.0f32);
                for grip in &plan.grips {
                    let at = t.clamp(grip.first, grip.last);
                    let weight = presence(t, grip.first, grip.last, 1.5).max(1e-4);
                    let (middle, turn) = &plan.thing[at];
                    sum += weight * (middle + turn * grip.place.point).z;
                    all += weight;
                }
                if all > 0.0 { sum / all / size } else { 0.5 }
            })
            .collect()
    }

    /// Speed of the steps over time, metres a second, coming and going gently.
    fn walking(&self, plan: &Plan) -> Vec<f32> {
        let ground = &plan.course.ground;
        let speed: Vec<f32> = (0..ground.len())
            .map(|t| {
                let (a, b) = (t.saturating_sub(1), (t + 1).min(ground.len() - 1));
                let way = (ground[b].at - ground[a].at).norm();
                let turn = (ground[b].yaw - ground[a].yaw).abs();
                (way + 0.2 * turn) * FPS / (b - a).max(1) as f32
            })
            .collect();
        smoothed(&speed, SMOOTH)
    }

    /// Trunks that bow and knees that bend where arms are too short for what the hands take. `squats`: rather the knees.
    fn bow(&self, plan: &Plan, squats: bool, poses: &mut [Pose]) {
        let legs = legs(self.skeleton);
        let bowed = |pose: &Pose, [bows, sinks]: [f32; 2]| {
            let facing = canonical::heading(&pose.rotations[0]);
            let upright = (pose.rotations[joint::SPINE3] * Vector3::y())
                .z
                .clamp(0.0, 1.0);
            let angle = (BOWS * bows).min((LOWEST - upright.acos()).max(0.0));
            let mut out = *pose;
            bow(&mut out.rotations, &(facing * Vector3::x_axis()), angle);
            out.root += facing * Vector3::new(0.0, BALANCE * angle, -SINKS * sinks) * legs;
            out
        };
        let lacks = |pose: &Pose, t: usize| {
            let holding = || {
                let held = plan.grips.iter();
                held.filter(|g| (g.first..=g.last).contains(&t))
            };
            let arm = |grip: &Grip| [ik::LEFT_ARM, ik::RIGHT_ARM][grip.place.hand];
            let palm = |grip: &Grip| {
                let (middle, turn) = &plan.thing[t];
                middle + turn * grip.place.point
            };
            let mut joints = self.skeleton.forward(pose);
            if let Some(shoulders) = self.shoulders {
                let mut pose = *pose;
                for grip in holding() {
                    let way = palm(grip) - joints[arm(grip).upper];
                    shoulders.toward(&mut pose, grip.place.hand, &way);
                }
                joints = self.skeleton.forward(&pose);
            }
            let lack = |grip: &Grip| {
                let length = self.skeleton.rest_offsets[arm(grip).middle].norm()
                    + self.skeleton.rest_offsets[arm(grip).end].norm();
                (palm(grip) - joints[arm(grip).upper]).norm() - (EASY * length + PALM)
            };
            holding().map(lack).fold(0.0, f32::max)
        };
        let [bowing, sinking] = if squats { SQUATTING } else { STRAINS };
        let needed: Vec<[f32; 2]> = (0..poses.len())
            .map(|t| {
                if lacks(&poses[t], t) <= 0.0 {
                    return [0.0; 2];
                }
                let shares = (0..=PARTS).flat_map(|b| (0..=PARTS).map(move |s| [b, s]));
                let each = shares.map(|k| {
                    let share = k.map(|k| k as f32 / PARTS as f32);
                    // Knees bend far for the first centimetres.
                    let strains = bowing * share[0] * share[0] + sinking * share[1];
                    (SHORT * lacks(&bowed(&poses[t], share), t) + strains, share)
                });
                let least = each.min_by(|a, b| a.0.total_cmp(&b.0));
                least.map_or([0.0; 2], |(_, share)| share)
            })
            .collect();
        let [bows, sinks] = [0, 1].map(|k| ease(needed.iter().map(|n| n[k]), BOWING));
        for (pose, share) in poses.iter_mut().zip(bows.into_iter().zip(sinks)) {
            *pose = bowed(pose, share.into());
        }
    }

    /// Heels that rise where a leg is too short for a foot that stands flat: its toe joint stays where it is.
    fn heels(&self, poses: &[Pose], steps: &mut [[Foot; 2]]) {
        for (side, leg) in [ik::LEFT_LEG, ik::RIGHT_LEG].into_iter().enumerate() {
            let bone = self.skeleton.rest_offsets[joint::LEFT_TOE + side];
            let length = self.skeleton.rest_offsets[leg.middle].norm()
                + self.skeleton.rest_offsets[leg.end].norm();
            let risen = |foot: &Foot, angle: f32| {
                let across = foot.rotation * Vector3::x();
                let across = Vector3::new(across.x, across.y, 0.0);
                let across = across.try_normalize(1e-6).unwrap_or_default();
                let rotation = Turn::from_scaled_axis(across * angle) * foot.rotation;
                let toe = foot.ankle + foot.rotation * bone;
                (toe - rotation * bone, rotation)
            };
            let needed = poses.iter().zip(steps.iter()).map(|(pose, step)| {
                let hip = self.skeleton.forward(pose)[leg.upper];
                let angles = (0..=12).map(|k| k as f32 * RISES / 12.0);
                let mut angles = angles
                    .filter(|angle| (risen(&step[side], *angle).0 - hip).norm() <= STANDS * length);
                angles.next().unwrap_or(RISES)
            });
            let angles = ease(needed, 4);
            for (step, angle) in steps.iter_mut().zip(angles) {
                let foot = &mut step[side];
                (foot.ankle, foot.rotation) = risen(foot, angle);
            }
        }
    }

    /// Feet that strike leave their steps for it.
    fn strike(&self, plan: &Plan, steps: &mut [[Foot; 2]]) {
        for strike in &plan.strikes {
            let still = steps[strike.first][strike.foot];
            let bone = self.skeleton.rest_offsets[joint::LEFT_TOE + strike.foot];
            let through = Vector3::new(strike.through.x, strike.through.y, 0.02);
            let ahead = through.try_normalize(1e-6).unwrap_or_default();
            let touch = strike.toe - still.rotation * bone - ahead * 0.05;
            let back = still.ankle - ahead * 0.22 + Vector3::new(0.0, 0.0, 0.13);
            let over = touch + through;
            let keys = [
                (strike.first, still.ankle),
                (strike.first + 9, back),
                (strike.hit, touch),
                (strike.hit + 7, over),
                (strike.last, still.ankle),
            ];
            for t in strike.first..=strike.last {
                let at = curve(&keys, t as f32);
                steps[t][strike.foot].ankle = at;
            }
        }
    }

    /// Gaze: head and neck turn to what is taken, and to where one walks.
    fn look(&self, plan: &Plan, poses: &mut [Pose]) {
        let frames = poses.len();
        let mut turns: Vec<[f32; 2]> = Vec::with_capacity(frames);
        for t in 0..frames {
            let pose = &poses[t];
            let head = self.skeleton.forward(pose)[joint::HEAD];
            let ground = &plan.course.ground[t];
            let later = &plan.course.ground[(t + 25).min(frames - 1)];
            let way = later.at - ground.at;
            let forward = Vector3::new(ground.ahead().x, ground.ahead().y, -0.3);
            let thing = plan.thing.get(t).map_or(forward, |(at, _)| at - head);
            // Backward one looks at what one pulls.
            let going = if way.dot(&ground.ahead()) > 0.15 {
                Vector3::new(way.x, way.y, -0.35 * way.norm()).normalize()
            } else {
                thing.try_normalize(0.05).unwrap_or(forward)
            };
            let walks = (way.norm() / 0.5).min(1.0);
            let wanted = thing
                .try_normalize(0.05)
                .unwrap_or(forward)
                .lerp(&going, walks);
            let local = pose.rotations[joint::HEAD].inverse() * wanted;
            let yaw = local.x.atan2(local.z.max(0.05));
            let pitch = (-local.y).atan2(local.xz().norm());
            turns.push([
                (LOOKS[0] * yaw).clamp(-MOST, MOST),
                (LOOKS[1] * pitch).clamp(-0.5 * MOST, MOST),
            ]);
        }
        let column = |k: usize| smoothed(&turns.iter().map(|t| t[k]).collect::<Vec<_>>(), 12);
        let (yaw, pitch) = (column(0), column(1));
        for (t, pose) in poses.iter_mut().enumerate() {
            for (j, share) in [(joint::NECK, 0.4), (joint::HEAD, 1.0)] {
                let turn = Turn::from_scaled_axis(Vector3::y() * (yaw[t] * share))
                    * Turn::from_scaled_axis(Vector3::x() * (pitch[t] * share));
                pose.rotations[j] *= turn;
            }
        }
    }

    /// Hands come to their places, lie on them and leave.
    fn reach(&self, plan: &Plan, thing: &Thing, poses: &mut [Pose]) {
        let palms = Palm::of(self.skeleton);
        let limbs = [ik::LEFT_ARM, ik::RIGHT_ARM];
        for grip in &plan.grips {
            let hand = grip.place.hand;
            let palm = &palms[hand];
            let wrist = joint::LEFT_WRIST + hand;
            for t in 0..poses.len() {
                let share = presence(t, grip.first, grip.last, REACHES);
                if share < 1e-3 {
                    continue;
                }
                let (middle, turn) = plan.thing[t];
                let now = poses[t].rotations[wrist];
                let local = turn.inverse() * now;
                let grasp = Grasp {
                    point: grip.place.point + thing.middle(),
                    normal: grip.place.normal,
                    lift: 0.0,
                    rotation: local,
                    closes: false,
                };
                let laid = turn * grasp.aligned(palm, &local);
                poses[t].rotations[wrist] = slerp(&now, &laid, share);
                let joints = self.skeleton.forward(&poses[t]);
                let at = pad(palm, hand, &joints, &poses[t].rotations[wrist]);
                let off = turn * grip.place.normal.into_inner();
                let clear = off * (0.05 * 4.0 * share * (1.0 - share));
                let wanted = middle + turn * grip.place.point + clear;
                let target = joints[limbs[hand].tip] + (wanted - at) * share;
                let pose = &mut poses[t];
                ik::reach(self.skeleton, pose, limbs[hand], target);
                if let Some(shoulders) = self.shoulders {
                    // The shoulder comes along, and leaves less for the arm to do.
                    for _ in 0..2 {
                        shoulders.follow(self.skeleton, pose);
                        ik::reach(self.skeleton, pose, limbs[hand], target);
                    }
                    shoulders.point(self.skeleton, pose, hand, share);
                    shoulders::roll(self.skeleton, pose, hand, share);
                }
            }
        }
    }
}

/// A body over its ground frame.
fn pose(ground: &Ground, posture: &Posture, sway: &Vector3<f32>) -> Pose {
    let turn = ground.turn();
    let root = turn * (posture.pelvis + sway);
    Pose {
        root: Vector3::new(root.x + ground.at.x, root.y + ground.at.y, root.z),
        rotations: posture.rotations.map(|q| turn * q),
    }
}

/// A smooth curve through places at frames: Catmull-Rom, at rest at its ends.
fn curve(keys: &[(usize, Vector3<f32>)], time: f32) -> Vector3<f32> {
    let last = keys.len() - 1;
    let k = (0..last).rfind(|k| keys[*k].0 as f32 <= time).unwrap_or(0);
    let slope = |k: usize| {
        if k == 0 || k == last {
            return Vector3::zeros();
        }
        (keys[k + 1].1 - keys[k - 1].1) / (keys[k + 1].0 - keys[k - 1].0) as f32
    };
    let span = (keys[k + 1].0 - keys[k].0) as f32;
    let u = ((time - keys[k].0 as f32) / span).clamp(0.0, 1.0);
    let (u2, u3) = (u * u, u * u * u);
    keys[k].1 * (2.0 * u3 - 3.0 * u2 + 1.0)
        + slope(k) * (span * (u3 - 2.0 * u2 + u))
        + keys[k + 1].1 * (3.0 * u2 - 2.0 * u3)
        + slope(k + 1) * (span * (u3 - u2))
}
