//! Retargeting: the model's 22 joints on the bones of any humanoid rig.
//!
//! A [`Rig`] is what a file says about bones: names, parents, bind pose. A [`RigMap`] says which bone is which part of
//! the body.

use nalgebra::{UnitQuaternion, Vector3};

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

/// Which bone is which part of the body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RigMap {}
