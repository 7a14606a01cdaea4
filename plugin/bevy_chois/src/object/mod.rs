//! Objects that avatars do things with.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::ecs::component::Component;
use bevy::prelude::{Transform, Visibility};
use chois::geometry::ObjectGeometry;

/// A thing that can be moved: put it on the entity whose descendants are its meshes (usually the one with
/// `WorldAssetRoot`). When they have spawned, [`ObjectShape`] is inserted beside it.
#[derive(Component, Clone, Debug, Default)]
#[require(Transform, Visibility)]
pub struct Interactable {
    /// What people call it, for requests: "floor lamp".
    pub name: String,
}

/// The shape of an [`Interactable`], once read: metres, Z up, about the entity's own origin, the entity's world scale
/// applied. A vertex `v` of it stands at `frame::vec3(v)`, turned and moved by the entity's world rotation and
/// translation (not scaled again).
#[derive(Component, Clone, Debug)]
pub struct ObjectShape {
    /// What the network, guidance and hands see.
    pub geometry: Arc<ObjectGeometry>,
}

/// Reads shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectPlugin;

impl Plugin for ObjectPlugin {
    fn build(&self, _app: &mut App) {}
}
