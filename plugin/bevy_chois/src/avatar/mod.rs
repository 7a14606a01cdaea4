//! Avatars: the bones of skinned glTF humanoids, found and measured.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::prelude::{Transform, Visibility};
use chois::retarget::{Rig, RigMap};

/// A humanoid that can play interactions: put it on the entity whose descendants are a skinned glTF scene (usually the
/// one with `WorldAssetRoot`). When the scene has spawned and its bones were found, [`AvatarRig`] is inserted beside it.
#[derive(Component, Clone, Debug, Default)]
#[require(Transform, Visibility)]
pub struct Avatar {}

/// The bones of an [`Avatar`], once found.
#[derive(Component, Clone, Debug)]
pub struct AvatarRig {
    /// Every node from the avatar's entity (exclusive) down to its last bone, parents first, bind pose.
    pub rig: Arc<Rig>,
    /// Which of them is which part of the body, and what was not found.
    pub map: Arc<RigMap>,
    /// The entity of each node of `rig`, in the same order.
    pub bones: Vec<Entity>,
}

/// Finds bones.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvatarPlugin;

impl Plugin for AvatarPlugin {
    fn build(&self, _app: &mut App) {}
}
