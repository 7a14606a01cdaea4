//! The SMPL body skeleton that CHOIS moves: 22 body joints and two palms (specification, section 1).
//!
//! Rest pose: T-pose, Y up, facing +Z, left hand on +X. A standing person in the model's Z-up world
//! therefore carries the quarter turn from Y-up to Z-up in the rotation of every joint.

use nalgebra::{UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

/// Joints with a position: 22 body joints, then the left and the right palm.
pub const JOINTS: usize = 24;
/// Joints with a rotation of their own; palms turn with the wrists.
pub const ROTATIONS: usize = 22;

/// Height of a toe joint over the floor while its foot stands, metres: the sole is that thick (specification, section 8).
pub const TOE_HEIGHT: f32 = 0.02;

/// Parent of each joint; the pelvis has none.
pub const PARENTS: [Option<usize>; JOINTS] = [
    None,
    Some(0),
    Some(0),
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(4),
    Some(5),
    Some(6),
    Some(7),
    Some(8),
    Some(9),
    Some(9),
    Some(9),
    Some(12),
    Some(13),
    Some(14),
    Some(16),
    Some(17),
    Some(18),
    Some(19),
    Some(20),
    Some(21),
];

/// Name of each joint, SMPL's.
pub const NAMES: [&str; JOINTS] = [
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_palm",
    "right_palm",
];

/// The joint on the other side of the body; joints of the middle are their own.
pub const MIRRORED: [usize; JOINTS] = [
    0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22,
];

/// Indices of single joints, for code that needs them by name.
pub mod joint {
    #![allow(missing_docs)]
    pub const PELVIS: usize = 0;
    pub const LEFT_HIP: usize = 1;
    pub const RIGHT_HIP: usize = 2;
    pub const SPINE1: usize = 3;
    pub const LEFT_KNEE: usize = 4;
    pub const RIGHT_KNEE: usize = 5;
    pub const SPINE2: usize = 6;
    pub const LEFT_ANKLE: usize = 7;
    pub const RIGHT_ANKLE: usize = 8;
    pub const SPINE3: usize = 9;
    pub const LEFT_TOE: usize = 10;
    pub const RIGHT_TOE: usize = 11;
    pub const NECK: usize = 12;
    pub const LEFT_COLLAR: usize = 13;
    pub const RIGHT_COLLAR: usize = 14;
    pub const HEAD: usize = 15;
    pub const LEFT_SHOULDER: usize = 16;
    pub const RIGHT_SHOULDER: usize = 17;
    pub const LEFT_ELBOW: usize = 18;
    pub const RIGHT_ELBOW: usize = 19;
    pub const LEFT_WRIST: usize = 20;
    pub const RIGHT_WRIST: usize = 21;
    pub const LEFT_PALM: usize = 22;
    pub const RIGHT_PALM: usize = 23;
}

/// One pose: position of the pelvis and rotation of every joint, both in the world.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// Position of the pelvis joint, metres, world.
    pub root: Vector3<f32>,
    /// Rotation of each joint, world (product along the chain).
    pub rotations: [UnitQuaternion<f32>; ROTATIONS],
}

impl Pose {
    /// Between two poses: at `t` of the way from `a` (0) to `b` (1).
    #[must_use]
    pub fn between(a: &Self, b: &Self, t: f32) -> Self {
        let mut out = *b;
        out.root = a.root.lerp(&b.root, t);
        for (out, (a, b)) in (out.rotations.iter_mut()).zip(a.rotations.iter().zip(&b.rotations)) {
            *out = turned_between(a, b, t);
        }
        out
    }
}

/// Between two rotations. Of unit length: between close ones [`UnitQuaternion::try_slerp`] is off by rounding.
pub(crate) fn turned_between(
    a: &UnitQuaternion<f32>,
    b: &UnitQuaternion<f32>,
    t: f32,
) -> UnitQuaternion<f32> {
    let mut out = a.try_slerp(b, t, 1e-6).unwrap_or(*b);
    out.renormalize();
    out
}

/// A subject's bones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skeleton {
    /// Vector from the parent joint to each joint in the rest pose, metres, SMPL axes. The pelvis' entry is
    /// its offset from the subject's origin and plays no part in forward kinematics.
    pub rest_offsets: [Vector3<f32>; JOINTS],
}

impl Skeleton {
    /// Bones of an adult of about 1.70 m in round numbers, for when nobody's bones are known.
    pub fn adult() -> Self {
        let mut rest_offsets = [Vector3::zeros(); JOINTS];
        let left = [
            (joint::LEFT_HIP, [0.06, -0.09, -0.01]),
            (joint::LEFT_KNEE, [0.04, -0.38, 0.0]),
            (joint::LEFT_ANKLE, [-0.01, -0.40, -0.04]),
            (joint::LEFT_TOE, [0.04, -0.06, 0.12]),
            (joint::LEFT_COLLAR, [0.07, 0.11, -0.02]),
            (joint::LEFT_SHOULDER, [0.11, 0.04, -0.02]),
            (joint::LEFT_ELBOW, [0.26, -0.01, -0.02]),
            (joint::LEFT_WRIST, [0.25, 0.01, 0.0]),
            (joint::LEFT_PALM, [0.11, -0.01, 0.01]),
        ];
        for (j, [x, y, z]) in left {
            rest_offsets[j] = Vector3::new(x, y, z);
            rest_offsets[MIRRORED[j]] = Vector3::new(-x, y, z);
        }
        let middle = [
            (joint::SPINE1, [0.0, 0.12, -0.03]),
            (joint::SPINE2, [0.0, 0.14, 0.0]),
            (joint::SPINE3, [0.0, 0.06, 0.02]),
            (joint::NECK, [0.0, 0.21, -0.03]),
            (joint::HEAD, [0.0, 0.09, 0.05]),
        ];
        for (j, [x, y, z]) in middle {
            rest_offsets[j] = Vector3::new(x, y, z);
        }
        Self { rest_offsets }
    }

    /// Joint positions of a pose (specification, section 1, "Kinematics"), metres, world.
    pub fn forward(&self, pose: &Pose) -> [Vector3<f32>; JOINTS] {
        let mut out = [pose.root; JOINTS];
        for j in 1..JOINTS {
            if let Some(p) = PARENTS[j] {
                // A parent is always one of the 22 joints that turn.
                out[j] = out[p] + pose.rotations[p] * self.rest_offsets[j];
            }
        }
        out
    }

    /// Positions of the joints in the rest pose with the pelvis at the origin, metres, SMPL axes (Y up).
    pub fn rest_positions(&self) -> [Vector3<f32>; JOINTS] {
        self.forward(&Pose {
            root: Vector3::zeros(),
            rotations: [UnitQuaternion::identity(); ROTATIONS],
        })
    }

    /// Height from the toes to the head joint in the rest pose, metres.
    pub fn height(&self) -> f32 {
        let rest = self.rest_positions();
        rest[joint::HEAD].y - rest[joint::LEFT_TOE].y.min(rest[joint::RIGHT_TOE].y)
    }

    /// The same bones seen in a mirror (left and right exchanged).
    pub fn mirrored(&self) -> Self {
        let mut rest_offsets = self.rest_offsets;
        for j in 0..JOINTS {
            let o = self.rest_offsets[MIRRORED[j]];
            rest_offsets[j] = Vector3::new(-o.x, o.y, o.z);
        }
        Self { rest_offsets }
    }
}

/// Rotations relative to the parent joint, from rotations in the world.
pub fn local_rotations(
    world: &[UnitQuaternion<f32>; ROTATIONS],
) -> [UnitQuaternion<f32>; ROTATIONS] {
    let mut out = *world;
    for j in 1..ROTATIONS {
        if let Some(p) = PARENTS[j] {
            out[j] = world[p].inverse() * world[j];
        }
    }
    out
}

/// Rotations in the world, from rotations relative to the parent joint.
pub fn world_rotations(
    local: &[UnitQuaternion<f32>; ROTATIONS],
) -> [UnitQuaternion<f32>; ROTATIONS] {
    let mut out = *local;
    for j in 1..ROTATIONS {
        if let Some(p) = PARENTS[j] {
            out[j] = out[p] * local[j];
        }
    }
    out
}
