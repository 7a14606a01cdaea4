//! Motion of a person and an object: the clip, the network's features, the canonical frame, blending.

pub mod blend;
pub mod canonical;
pub mod edit;
pub mod features;
pub mod feet;
pub mod inertia;
pub mod lock;
pub mod mirror;
pub mod path;
pub mod seam;
pub mod spline;
pub mod touch;

use nalgebra::{UnitQuaternion, Vector3};

use crate::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton, turned_between};

/// Frames per second of the model's world.
pub const FPS: f32 = 30.0;
/// Most frames of a clip, whatever its rate.
pub const MOST_FRAMES: usize = 100_000;
/// Frames of one window (4 s).
pub const WINDOW: usize = 120;
/// Frames that two neighbouring windows of a long sequence share (specification, section 9).
pub const OVERLAP: usize = 10;

/// Which part of the body touches the object, in the order of the network's contact channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactPart {
    /// Left hand, channel 0.
    LeftHand = 0,
    /// Right hand, channel 1.
    RightHand = 1,
    /// Left foot (against the object, not the floor), channel 2.
    LeftFoot = 2,
    /// Right foot (against the object, not the floor), channel 3.
    RightFoot = 3,
}

/// One frame of a person and the object. Metres, Z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Pelvis position and world rotations of the 22 joints.
    pub pose: Pose,
    /// Position of the object's mesh origin: world vertex = `object_rotation` v + `object_position`.
    pub object_position: Vector3<f32>,
    /// Rotation of the object's mesh.
    pub object_rotation: UnitQuaternion<f32>,
    /// Contact of left hand, right hand, left foot, right foot with the object, 0 to 1.
    pub contact: [f32; 4],
}

impl Frame {
    /// Between two frames: at `t` of the way from `a` (0) to `b` (1). Contact is that of `b`.
    #[must_use]
    pub fn between(a: &Self, b: &Self, t: f32) -> Self {
        Self {
            pose: Pose::between(&a.pose, &b.pose, t),
            object_position: a.object_position.lerp(&b.object_position, t),
            object_rotation: turned_between(&a.object_rotation, &b.object_rotation, t),
            contact: b.contact,
        }
    }
}

/// A person and an object moving together. Metres, Z up, [`FPS`] frames per second.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionClip {
    /// Name of the clip.
    pub name: String,
    /// Who moved, or whose bones these are; may be empty.
    pub subject: String,
    /// Name of the object; empty where there is none (see [`Self::has_object`]).
    pub object: String,
    /// What happens, as a sentence.
    pub text: String,
    /// Frames per second.
    pub fps: f32,
    /// The person's bones.
    pub skeleton: Skeleton,
    /// The frames.
    pub frames: Vec<Frame>,
}

impl MotionClip {
    /// World positions of the 24 joints at a frame, by forward kinematics.
    pub fn joints(&self, frame: usize) -> [Vector3<f32>; JOINTS] {
        self.skeleton.forward(&self.frames[frame].pose)
    }

    /// Whether there is an object. Where there is none, as in a walk, the frames' object poses mean nothing.
    pub fn has_object(&self) -> bool {
        !self.object.is_empty()
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f32 {
        self.frames.len() as f32 / self.fps
    }

    /// World rotations of a joint over time.
    pub fn rotations(&self, joint: usize) -> impl Iterator<Item = UnitQuaternion<f32>> + '_ {
        debug_assert!(joint < ROTATIONS);
        self.frames.iter().map(move |f| f.pose.rotations[joint])
    }

    /// The first thing that keeps the clip from being shown or corrected, as one sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.frames.is_empty() {
            return Some("it has no frames; there is nothing to show".into());
        }
        if !(self.fps.is_finite() && self.fps > 0.0) {
            return Some(format!(
                "its frame rate is {}; it must be above 0",
                self.fps
            ));
        }
        let finite = |v: &Vector3<f32>| v.iter().all(|c| c.is_finite());
        if !self.skeleton.rest_offsets.iter().all(finite) {
            return Some("a bone of its skeleton is not finite".into());
        }
        let turned = |q: &UnitQuaternion<f32>| (q.norm() - 1.0).abs() < 1e-2;
        let good = |f: &Frame| {
            finite(&f.pose.root)
                && finite(&f.object_position)
                && turned(&f.object_rotation)
                && f.pose.rotations.iter().all(turned)
                && f.contact.iter().all(|c| c.is_finite())
        };
        let bad = self.frames.iter().position(|f| !good(f))?;
        Some(format!(
            "frame {bad} holds a value that is not finite or a rotation that is none; generate or load the clip again"
        ))
    }
}
