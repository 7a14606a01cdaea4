//! Steps under a body that moves: feet stand still while they stand, and are where the body needs them next.

use nalgebra::{UnitQuaternion, Vector3};

use super::course::{BEAT, Course, Ground, minimum_jerk};
use crate::skeleton::{Pose, Skeleton, TOE_HEIGHT, joint};

/// Share of a step for which the foot is in the air.
const AIR: f32 = 0.78;
/// Height of a step, metres, of a way of `LONG` metres and more.
const LIFT: f32 = 0.075;
const LONG: f32 = 0.45;
/// How far a heel lifts before the foot leaves and how far toes lift before it lands, radians, at `LONG`.
const HEEL: f32 = 0.55;
const TOES: f32 = 0.28;
/// Farthest that one foot stands behind the other, metres.
const STAGGER: f32 = 0.06;
/// Frames for which the heel lifts before the foot leaves, and in which the toes come down after it landed.
const BEFORE: f32 = 6.0;
const AFTER: f32 = 4.0;

/// A foot at a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Foot {
    /// The ankle, world.
    pub ankle: Vector3<f32>,
    /// Rotation of the ankle and of the toes, world.
    pub rotation: UnitQuaternion<f32>,
    pub toes: UnitQuaternion<f32>,
}

/// How a person stands: feet relative to the ground frame.
#[derive(Clone, Debug)]
pub(super) struct Stance {
    /// Toe joints, relative to the place between the feet, facing -Y.
    toes: [Vector3<f32>; 2],
    /// Feet flat on the floor.
    flat: [UnitQuaternion<f32>; 2],
    /// From ankle to toe joint, in the foot's frame.
    bones: [Vector3<f32>; 2],
}

impl Stance {
    /// Of a standing pose that faces -Y.
    pub fn of(skeleton: &Skeleton, standing: &Pose) -> Self {
        let joints = skeleton.forward(standing);
        let ankles = [joint::LEFT_ANKLE, joint::RIGHT_ANKLE];
        let middle = (joints[ankles[0]] + joints[ankles[1]]) / 2.0;
        let bones = ankles.map(|a| skeleton.rest_offsets[a + 3]);
        let flat = [0, 1].map(|side| {
            // Pitched so that the ankle is as high over the toe joint as in the rest pose.
            let rotation = standing.rotations[ankles[side]];
            let ahead = rotation * Vector3::z();
            let yaw = ahead.x.atan2(-ahead.y).clamp(-0.35, 0.35);
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw) * crate::frame::y_up_to_z_up()
        });
        let toes = [0, 1].map(|side| {
            let apart = joints[ankles[side]] - middle;
            // Beside each other, neither crossed nor astride.
            let sign = if side == 0 { 1.0 } else { -1.0 };
            let x = (apart.x * sign).clamp(0.07, 0.16) * sign;
            let y = apart.y.clamp(-STAGGER / 2.0, STAGGER / 2.0);
            let toe = Vector3::new(x, y, 0.0) + flat[side] * bones[side];
            Vector3::new(toe.x, toe.y, TOE_HEIGHT)
        });
        Self { toes, flat, bones }
    }

    /// Both feet standing flat.
    pub fn standing(&self, ground: &Ground) -> [Foot; 2] {
        [0, 1].map(|side| self.foot(side, self.toe(side, ground), ground.yaw, 0.0))
    }

    fn toe(&self, side: usize, ground: &Ground) -> Vector3<f32> {
        let at = ground.turn() * self.toes[side];
        Vector3::new(at.x + ground.at.x, at.y + ground.at.y, at.z)
    }

    /// A foot with its toe joint there, turned and pitched (toes down positive).
    fn foot(&self, side: usize, toe: Vector3<f32>, yaw: f32, pitch: f32) -> Foot {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        let flat = turn * self.flat[side];
        let across = flat * Vector3::x();
        let across = Vector3::new(across.x, across.y, 0.0);
        let rotation = UnitQuaternion::from_scaled_axis(
            across.try_normalize(1e-6).unwrap_or_default() * pitch,
        ) * flat;
        Foot {
            ankle: toe - rotation * self.bones[side],
            rotation,
            toes: if pitch > 0.0 { flat } else { rotation },
        }
    }
}

/// One step.
struct Step {
    side: usize,
    from: f32,
    to: f32,
    start: (Vector3<f32>, f32),
    end: (Vector3<f32>, f32),
}

/// The feet of a course, frame by frame. Also where in its steps each walk is: at `k` the k-th foot begins to move.
pub(super) fn feet(course: &Course, stance: &Stance) -> (Vec<[Foot; 2]>, Vec<Vec<f32>>) {
    let last = course.now();
    let first = course.ground[0];
    let mut at = [0, 1].map(|side| (stance.toe(side, &first), first.yaw));
    let mut steps: Vec<Step> = Vec::new();
    let mut phases = Vec::new();
    for walk in &course.walks {
        let frames = (walk.last - walk.first) as f32;
        // The last foot is down when the body stands still.
        let beat = BEAT as f32;
        let count = ((frames / beat + 1.0 - AIR) as usize).max(2);
        let pace = beat.min(frames / (count as f32 - 1.0 + AIR));
        for k in 0..count {
            let side = (k + walk.leader) % 2;
            let from = walk.first as f32 + pace * k as f32;
            // Where the body is when this foot carries it, and in the end where it stands.
            let middle = (from + 1.5 * pace).round() as usize;
            let frame = if k + 2 < count { middle } else { walk.last };
            let ground = course.ground[frame.min(walk.last)];
            let end = (stance.toe(side, &ground), ground.yaw);
            steps.push(Step {
                side,
                from,
                to: from + AIR * pace,
                start: at[side],
                end,
            });
            at[side] = end;
        }
        phases.push(
            (walk.first..=walk.last)
                .map(|t| (t - walk.first) as f32 / pace + walk.leader as f32)
                .collect(),
        );
    }
    let out = (0..=last)
        .map(|t| [0, 1].map(|side| foot_at(&steps, stance, side, t as f32, &first)))
        .collect();
    (out, phases)
}

fn foot_at(steps: &[Step], stance: &Stance, side: usize, t: f32, first: &Ground) -> Foot {
    let own = || steps.iter().filter(move |s| s.side == side);
    let (mut toe, mut yaw) = (stance.toe(side, first), first.yaw);
    let mut pitch = 0.0;
    for step in own() {
        let way = step.end.0 - step.start.0;
        let level = way.xy().norm();
        let share = (level / LONG).min(1.0);
        // Backward the toes leave last and land first.
        let facing = Ground {
            yaw: step.start.1,
            ..Ground::default()
        };
        let forward = (way.xy().dot(&facing.ahead()) / LONG).clamp(-0.3, 1.0);
        let small = ((step.end.1 - step.start.1).abs() / 0.6).min(1.0);
        if t >= step.from {
            let s = minimum_jerk((t - step.from) / (step.to - step.from));
            toe = step.start.0.lerp(&step.end.0, s);
            yaw = step.start.1 + (step.end.1 - step.start.1) * s;
            let u = ((t - step.from) / (step.to - step.from)).clamp(0.0, 1.0);
            let bump = (std::f32::consts::PI * u).sin().powi(2);
            toe.z += LIFT * share.max(0.35 * small) * bump;
        }
        let leaves = (t - step.from + BEFORE) / BEFORE;
        let swing = (t - step.from) / (step.to - step.from);
        if leaves > 0.0 && swing < 1.0 {
            let up = minimum_jerk(leaves.min(1.0));
            let down = minimum_jerk(swing / 0.6);
            pitch += HEEL * forward.max(0.0) * up * (1.0 - down);
        }
        let landed = (t - step.to) / AFTER;
        if swing > 0.5 && landed < 1.0 {
            let up = minimum_jerk((swing - 0.5) / 0.5);
            let down = minimum_jerk(landed);
            let lift = TOES * forward.max(0.0) * up * (1.0 - down);
            pitch -= lift;
            // The heel is what touches: the toes are as much higher.
            toe.z += lift * stance.bones[side].norm() * 0.9;
        }
    }
    let mut foot = stance.foot(side, toe, yaw, pitch);
    // A heel that lifts turns about the toe joint, which stays.
    let lowest = TOE_HEIGHT + 0.02;
    if foot.ankle.z < lowest {
        foot.ankle.z = lowest;
    }
    foot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::plan::relaxed;
    use nalgebra::Vector2;

    #[test]
    fn a_foot_is_still_while_it_stands() {
        let skeleton = Skeleton::adult();
        let standing = Pose {
            root: Vector3::zeros(),
            rotations: relaxed(),
        };
        let stance = Stance::of(&skeleton, &standing);
        let mut course = Course::new(Ground::default());
        course.stand(0.5);
        let to = Ground {
            at: Vector2::new(0.5, -2.0),
            yaw: 0.4,
        };
        course.walk(to, 0.1, false, 0.9);
        course.stand(0.5);
        let (feet, _) = feet(&course, &stance);
        for side in 0..2 {
            let toe = |t: usize| feet[t][side].ankle + feet[t][side].rotation * stance.bones[side];
            let mut stands = 0;
            for t in 1..feet.len() {
                let step = toe(t) - toe(t - 1);
                assert!(step.norm() < 0.16, "{t}: {}", step.norm());
                assert!(toe(t).z > TOE_HEIGHT - 1e-3);
                stands += usize::from(step.norm() < 1e-4);
            }
            assert!(stands > feet.len() / 2);
            // In the end both feet are where a standing person has them.
            let end = stance.toe(side, &course.here());
            let off = (toe(feet.len() - 1) - end).norm();
            assert!(off < 1e-3, "foot {side}: {off}");
        }
    }
}
