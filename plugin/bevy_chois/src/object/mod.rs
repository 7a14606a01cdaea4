//! Objects that avatars do things with: [`Interactable`] on an entity, [`ObjectShape`] beside it once its meshes were
//! read.
//!
//! Every mesh below the entity belongs to the object, whatever its nesting and scale, except below a
//! [`NotPartOfObject`], another [`Interactable`] or an [`Avatar`](crate::avatar::Avatar). Lines and points are no
//! surface and are passed over; skinned meshes are taken in their present pose, morphed ones in their basic shape.
//! The shape is read again when meshes come, go or change, and when the entity's world scale changes; parts that move
//! within the object (a drawer, a lid) do not start that. Remove [`ObjectShape`] to have it read again at any time.

mod parts;
mod plugin;
mod surface;

use std::sync::Arc;

use bevy::asset::{AssetPath, AssetServer};
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use bevy::gltf::GltfAssetLabel;
use bevy::math::bounding::Aabb3d;
use bevy::math::{Isometry3d, Quat, Vec3};
use bevy::prelude::{Transform, Visibility};
use bevy::reflect::Reflect;
use bevy::world_serialization::WorldAssetRoot;
use chois::geometry::ObjectGeometry;

use crate::frame;
pub(crate) use plugin::ReadingState;
pub use plugin::{ObjectPlugin, ObjectSystems};

/// A thing that can be moved: put it on the entity whose descendants are its meshes (usually the one with
/// `WorldAssetRoot`, or one with `Mesh3d` itself). When they have spawned and loaded, [`ObjectShape`] is inserted beside
/// it and [`ObjectReady`] is sent; [`ObjectRefused`] says why not.
#[derive(Component, Clone, Debug, Default)]
#[require(Transform, Visibility, ReadingState)]
pub struct Interactable {
    /// What people call it, for requests: "floor lamp". May be empty; messages then use the entity's `Name`.
    pub name: String,
}

impl Interactable {
    /// A thing that people call `name`: "floor lamp".
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// A thing that people call `name` and the scene of a glTF file, to be spawned: the first scene, unless the path has
    /// a label.
    pub fn from_gltf<'a>(
        assets: &AssetServer,
        path: impl Into<AssetPath<'a>>,
        name: impl Into<String>,
    ) -> (Self, WorldAssetRoot) {
        let mut path = path.into().into_owned();
        if path.label().is_none() {
            path = path.with_label(GltfAssetLabel::Scene(0).to_string());
        }
        (Self::named(name), WorldAssetRoot(assets.load(path)))
    }
}

/// Put on a descendant of an [`Interactable`]: neither it nor anything below it belongs to the object's shape. For
/// lights' bulbs, markers, collision hulls, lower levels of detail, things that only lie on it.
#[derive(Component, Clone, Copy, Debug, Default, Reflect)]
pub struct NotPartOfObject;

/// The shape of an [`Interactable`], once read: metres, Z up, about the entity's own origin, the entity's world scale
/// applied. A vertex `v` of it (`geometry.center() + geometry.vertices()[i]`) stands at `frame::vec3(v)`, turned and
/// moved by the entity's world rotation and translation (not scaled again).
#[derive(Component, Clone, Debug)]
pub struct ObjectShape {
    /// What the network, guidance and hands see.
    pub geometry: Arc<ObjectGeometry>,
}

impl ObjectShape {
    /// Mean of the shape's vertices: metres, Y up, relative to the entity's origin, in the entity's axes.
    pub fn center(&self) -> Vec3 {
        frame::vec3(self.geometry.center())
    }

    /// Smallest box around the shape: metres, Y up, relative to the entity's origin, in the entity's axes.
    pub fn bounds(&self) -> Aabb3d {
        let (low, high) = self.geometry.mesh().bounds();
        let corners = [low, high].map(|corner| self.center() + frame::vec3(corner));
        Aabb3d {
            min: corners[0].min(corners[1]).into(),
            max: corners[0].max(corners[1]).into(),
        }
    }

    /// Lengths of [`Self::bounds`], metres.
    pub fn size(&self) -> Vec3 {
        let bounds = self.bounds();
        (bounds.max - bounds.min).into()
    }

    /// Height of the lowest vertex relative to the entity's origin when the entity is turned by `rotation` (its world
    /// rotation), metres.
    pub fn lowest(&self, rotation: Quat) -> f32 {
        (rotation * self.center()).y + self.geometry.lowest(&frame::rotation(rotation))
    }

    /// The given place of the entity in the world, raised or lowered so that the shape's lowest vertex is at the height
    /// `floor`, metres.
    #[must_use]
    pub fn rest_on(&self, floor: f32, place: Isometry3d) -> Isometry3d {
        let mut translation = place.translation;
        translation.y = floor - self.lowest(place.rotation);
        Isometry3d::new(translation, place.rotation)
    }
}

/// The shape of an [`Interactable`] was read, for the first time or again: its [`ObjectShape`] is up to date.
///
/// A buffered message and an event on the entity.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct ObjectReady {
    /// The [`Interactable`].
    pub entity: Entity,
}

/// The shape of an [`Interactable`] cannot be read; it has no [`ObjectShape`]. Sent once; when its meshes change they
/// are looked at again.
///
/// A buffered message and an event on the entity.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct ObjectRefused {
    /// The [`Interactable`].
    pub entity: Entity,
    /// What is wrong and what would be right, as one sentence.
    pub reason: String,
}
