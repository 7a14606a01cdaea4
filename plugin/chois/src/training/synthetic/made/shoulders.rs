//! Shoulder blades, elbows and what twists in an arm, of who has no captured ones.
//!
//! A shoulder blade takes a third of an arm's way (Inman, Saunders and Abbott, *Observations on the function of the shoulder
//! joint*, 1944), an upper arm that hangs is turned inward, and elbows point outward rather than at the ribs.

use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, RngExt};

use crate::ik::{self, LEFT_ARM, RIGHT_ARM};
use crate::skeleton::{Pose, ROTATIONS, Skeleton, joint};

type Turn = UnitQuaternion<f32>;

/// Above what is level an arm lifts its shoulder blade, below this it lets it down; radians.
const LEVEL: f32 = -0.35;
/// Share of a hand's turn about its forearm that the forearm takes: its bones roll over each other.
const ROLLS: f32 = 0.6;
/// Share of an upper arm's inward turn that forearm and hand have beyond it.
const PRONE: [f32; 2] = [0.33, 0.55];

/// Somebody's shoulders. Angles in radians.
pub(super) struct Shoulders {
    /// How far they are forward while arms hang.
    rounded: f32,
    /// Share of an arm's way that its shoulder blade takes.
    share: f32,
    /// How far the bend of an arm that holds is turned outward from straight below.
    flare: f32,
    /// How far upper arms are turned inward.
    inward: f32,
}

impl Shoulders {
    pub fn of_somebody(rng: &mut impl Rng) -> Self {
        Self {
            rounded: rng.random_range(0.15..0.45),
            share: rng.random_range(0.25..0.42),
            flare: rng.random_range(0.05..0.5),
            inward: rng.random_range(0.35..0.7),
        }
    }

    /// Arms of a standing pose as they hang from such shoulders.
    pub fn hang(&self, skeleton: &Skeleton, standing: &mut [Turn; ROTATIONS]) {
        let mut pose = Pose {
            root: Vector3::zeros(),
            rotations: *standing,
        };
        for (side, limb) in [LEFT_ARM, RIGHT_ARM].into_iter().enumerate() {
            let bones = [
                (limb.upper, limb.middle, 0.0),
                (limb.middle, limb.end, PRONE[0]),
                (limb.end, limb.tip, PRONE[1]),
            ];
            for (j, next, beyond) in bones {
                let bone = skeleton.rest_offsets[next].try_normalize(1e-6);
                // Bones point to the left on the left; inward is the same turn on both sides.
                let inward = self.inward * (1.0 + beyond) * [1.0, -1.0][side];
                let turn = bone.unwrap_or_default() * inward;
                pose.rotations[j] *= Turn::from_scaled_axis(turn);
            }
            self.point(skeleton, &mut pose, side, 1.0);
        }
        self.follow(skeleton, &mut pose);
        *standing = pose.rotations;
    }

    /// Shoulder blades as upper arms are.
    pub fn follow(&self, skeleton: &Skeleton, pose: &mut Pose) {
        for (side, limb) in [LEFT_ARM, RIGHT_ARM].into_iter().enumerate() {
            let way = pose.rotations[limb.upper] * skeleton.rest_offsets[limb.middle];
            self.toward(pose, side, &way);
        }
    }

    /// The shoulder blade of an arm that points this way (world).
    pub fn toward(&self, pose: &mut Pose, side: usize, way: &Vector3<f32>) {
        let trunk = pose.rotations[joint::SPINE3];
        let Some(way) = (trunk.inverse() * way).try_normalize(1e-6) else {
            return;
        };
        let up = self.share * (way.y.clamp(-1.0, 1.0).asin() - LEVEL);
        let forward = self.rounded + self.share * way.z.clamp(-1.0, 1.0).asin();
        let sign = [1.0, -1.0][side];
        pose.rotations[joint::LEFT_COLLAR + side] = trunk
            * Turn::from_axis_angle(&Vector3::y_axis(), -sign * forward)
            * Turn::from_axis_angle(&Vector3::z_axis(), sign * up);
    }

    /// Turns an arm about the line from shoulder to wrist so that its elbow points outward, `share` of the way; the wrist
    /// stays.
    pub fn point(&self, skeleton: &Skeleton, pose: &mut Pose, side: usize, share: f32) {
        let arm = [LEFT_ARM, RIGHT_ARM][side];
        let angle = [1.0, -1.0][side] * self.flare * share;
        ik::swivel(skeleton, pose, arm, angle);
    }
}

/// Lets a forearm share in how its hand is turned about it, `share` of the way.
pub(super) fn roll(skeleton: &Skeleton, pose: &mut Pose, side: usize, share: f32) {
    let (forearm, hand) = (joint::LEFT_ELBOW + side, joint::LEFT_WRIST + side);
    let turn = pose.rotations[forearm].inverse() * pose.rotations[hand];
    let twist = ik::twist(&turn, &skeleton.rest_offsets[hand]);
    pose.rotations[forearm] *= Turn::from_scaled_axis(twist.scaled_axis() * (ROLLS * share));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::plan::relaxed;
    use crate::training::synthetic::seeded;

    fn somebody(seed: u64) -> (Skeleton, Shoulders, Pose) {
        let skeleton = Skeleton::adult();
        let shoulders = Shoulders::of_somebody(&mut seeded(seed, "test", 0));
        let mut rotations = relaxed();
        shoulders.hang(&skeleton, &mut rotations);
        let root = Vector3::new(0.3, -0.2, 0.9);
        (skeleton, shoulders, Pose { root, rotations })
    }

    #[test]
    fn shoulders_come_along_with_arms() {
        for seed in 0..8 {
            let (skeleton, shoulders, mut pose) = somebody(seed);
            let hanging = skeleton.forward(&pose);
            // They face -Y.
            let mut pointing = |way: Vector3<f32>| {
                for side in 0..2 {
                    shoulders.toward(&mut pose, side, &way);
                }
                skeleton.forward(&pose)
            };
            let (up, ahead) = (pointing(Vector3::z()), pointing(-Vector3::y()));
            for j in [joint::LEFT_SHOULDER, joint::RIGHT_SHOULDER] {
                assert!(up[j].z > hanging[j].z + 0.05, "{seed}: {j}");
                assert!(ahead[j].y < hanging[j].y - 0.02, "{seed}: {j}");
            }
            let apart = |joints: &[Vector3<f32>; 24]| {
                joints[joint::LEFT_SHOULDER].x + joints[joint::RIGHT_SHOULDER].x - 2.0 * 0.3
            };
            assert!(apart(&up).abs() < 0.02 && apart(&ahead).abs() < 0.02);
        }
    }

    #[test]
    fn elbows_point_outward_and_nothing_else_moves() {
        for seed in 0..8 {
            let (skeleton, shoulders, mut pose) = somebody(seed);
            for side in 0..2 {
                // Forearms ahead.
                for j in [joint::LEFT_ELBOW, joint::LEFT_WRIST] {
                    let turn = Turn::from_scaled_axis(-Vector3::x() * 1.2);
                    pose.rotations[j + side] = turn * pose.rotations[j + side];
                }
                let before = skeleton.forward(&pose);
                let hand = pose.rotations[joint::LEFT_WRIST + side];
                shoulders.point(&skeleton, &mut pose, side, 1.0);
                roll(&skeleton, &mut pose, side, 1.0);
                let after = skeleton.forward(&pose);
                let elbow = joint::LEFT_ELBOW + side;
                let out = (after[elbow].x - before[elbow].x) * [1.0, -1.0][side];
                assert!(out > 0.005, "{seed}: {out}");
                for j in (0..24).filter(|j| *j != elbow) {
                    let moved = (after[j] - before[j]).norm();
                    assert!(moved < 1e-5, "{seed}: joint {j} by {moved}");
                }
                assert!(hand.angle_to(&pose.rotations[joint::LEFT_WRIST + side]) < 1e-4);
            }
        }
    }

    #[test]
    fn a_forearm_shares_in_the_turn_of_its_hand() {
        let (skeleton, _, mut pose) = somebody(3);
        for side in 0..2 {
            let (forearm, hand) = (joint::LEFT_ELBOW + side, joint::LEFT_WRIST + side);
            let bone = skeleton.rest_offsets[hand].normalize();
            pose.rotations[hand] = pose.rotations[forearm] * Turn::from_scaled_axis(bone * -1.5);
            roll(&skeleton, &mut pose, side, 1.0);
            let left = pose.rotations[forearm].inverse() * pose.rotations[hand];
            let want = bone * (-1.5 * (1.0 - ROLLS));
            assert!((left.scaled_axis() - want).norm() < 1e-4);
        }
    }
}
