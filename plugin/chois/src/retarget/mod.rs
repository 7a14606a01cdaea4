//! Retargeting: the model's 22 joints on the bones of any humanoid rig.
//!
//! A [`Rig`] is what a file says about bones: names, parents, bind pose. A [`RigMap`] says which bone is which part of
//! the body.

mod bake;
mod bind;
mod body;
mod calibrate;
mod capture;
mod change;
pub mod export;
mod find;
mod finish;
mod gltf;
mod hints;
mod links;
mod map;
mod overrides;
mod parts;
mod pose;
mod rig;
mod shape;
mod skeletons;
mod solve;
mod stance;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;
pub mod usd;
mod vrm;
mod words;

use nalgebra::{UnitQuaternion, Vector3};

pub use bake::RetargetOptions;
pub use bind::{Bound, Skin, to_bind_pose};
pub use capture::Capture;
pub use change::Change;
pub use find::find_bones;
pub use gltf::GltfRig;
pub use hints::RigHints;
pub use map::{Naming, RigMap, TwistBone};
pub use overrides::{Facing, RigOverrides};
pub use parts::{BodyPart, Digit, Side};
pub use rig::Placed;
pub use solve::{Retarget, RigPose};
pub use vrm::{humanoid as vrm_humanoid, is_vrm_0};

/// One node of a rig: a bone, or what stands between the avatar's root and its bones.
#[derive(Clone, Debug, PartialEq)]
pub struct Bone {
    /// Its name in the file.
    pub name: String,
    /// Its parent; always with a smaller index. None: a child of the avatar's root.
    pub parent: Option<usize>,
    /// Bind pose relative to the parent: translation, in the parent's units.
    pub translation: Vector3<f32>,
    /// Bind pose relative to the parent: rotation.
    pub rotation: UnitQuaternion<f32>,
    /// Bind pose relative to the parent: scale, x y z.
    pub scale: Vector3<f32>,
    /// Whether skin hangs on it.
    pub skinned: bool,
}

/// The bones of an avatar in its bind pose. The root's frame is Y up; it need not be metres.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rig {
    /// Parents before children.
    pub bones: Vec<Bone>,
}

/// Where the avatar's root stands in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RootPlace {
    /// Position in the model's world (metres, Z up): on the floor under the pelvis.
    pub position: Vector3<f32>,
    /// Rotation in the model's world; identity leaves a Y-up rig as its file has it (see [`crate::frame`]). Only a
    /// turn about the vertical: where the person faces.
    pub rotation: UnitQuaternion<f32>,
}

/// A clip on the bones of a rig: what playing needs, frame by frame, nothing left to solve.
#[derive(Clone, Debug, PartialEq)]
pub struct RigClip {
    /// Frames per second.
    pub fps: f32,
    /// Bones of the [`Rig`] that turn, by index; all others keep their bind pose.
    pub bones: Vec<usize>,
    /// Rotations relative to each bone's parent, Y-up rig frame, frame after frame: `frames x bones.len()`.
    pub rotations: Vec<UnitQuaternion<f32>>,
    /// The bone that carries the body, by index in the [`Rig`].
    pub hips: usize,
    /// Translation of `hips` relative to its parent, in the parent's units, one a frame.
    pub hips_translations: Vec<Vector3<f32>>,
    /// Where the avatar's root stands, one a frame.
    pub roots: Vec<RootPlace>,
}

impl RigClip {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.roots.len()
    }
}
