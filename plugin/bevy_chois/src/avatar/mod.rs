//! Avatars: the bones of skinned glTF humanoids, found and measured.
//!
//! Put [`Avatar`] on the entity with the glTF scene. When the scene has spawned, its nodes are read as a
//! [`Rig`] in its bind pose, the bones of the body are found in it ([`chois::retarget::find_bones`]), and [`AvatarRig`]
//! is inserted; [`AvatarReady`] or [`AvatarRefused`] says how it went, and so does one line of the log. Avatars of the
//! same file share what was found.
//!
//! - **Bind pose:** from the skins' inverse bind matrices, so that it does not matter in which pose the file's nodes
//!   stand ([`chois::retarget::to_bind_pose`]).
//! - **VRM:** files that say themselves which node is which part of the body are believed; `.vrm` files load like
//!   `.glb` files. Your own loader can put [`HumanoidBone`] on nodes to the same effect.
//! - **Overrides:** where finding goes wrong, a [`.rig.ron` file](AvatarOverrides) has the last word.
//! - **Scale:** the entity and its parents may be scaled; the rig is measured below the entity.
//! - **Clothes:** several skins may hang on one skeleton. A second skeleton with the same bone names (clothes exported
//!   with a copy of it) follows the first: [`AvatarRig::followers`].
//! - **Culling:** bounds of skinned meshes follow the joints (Bevy's `DynamicSkinnedMeshBounds`, which its glTF loader
//!   adds); where that is not possible, culling is switched off for the mesh.
//! - **Animations of the file:** glTF scenes with animations bring an `AnimationPlayer`. It does nothing until a game
//!   starts it; while it plays on bones that an interaction drives too, both write the same `Transform`s, and the
//!   interaction, which writes later, wins. Blend them as clips instead.

mod hierarchy;
mod overrides;
mod plugin;
mod vrm;

use std::sync::Arc;

use bevy::asset::{AssetPath, AssetServer, Handle};
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use bevy::gltf::GltfAssetLabel;
use bevy::prelude::{Transform, Visibility};
use bevy::world_serialization::WorldAssetRoot;
use chois::retarget::{Rig, RigMap};

pub use overrides::{AvatarOverrides, AvatarOverridesLoader};
use plugin::FindingState;
pub use plugin::{AvatarPlugin, AvatarSystems};
pub use vrm::{HumanoidBone, VrmLoader};

/// A humanoid that can play interactions: put it on the entity whose descendants are a skinned glTF scene (usually the
/// one with `WorldAssetRoot`). When the scene has spawned and its bones were found, [`AvatarRig`] is inserted beside it.
///
/// ```
/// # use bevy::prelude::*;
/// # use bevy_chois::avatar::Avatar;
/// fn spawn(mut commands: Commands, assets: Res<AssetServer>) {
///     commands.spawn(Avatar::from_gltf(&assets, "avatars/mannequin.glb"));
/// }
/// ```
#[derive(Component, Clone, Debug, Default)]
#[require(Transform, Visibility, FindingState)]
pub struct Avatar {
    /// Corrections for this rig; waited for before bones are looked for.
    pub overrides: Option<Handle<AvatarOverrides>>,
}

impl Avatar {
    /// An avatar and the scene of a glTF file, to be spawned: the first scene, unless the path has a label.
    pub fn from_gltf<'a>(
        assets: &AssetServer,
        path: impl Into<AssetPath<'a>>,
    ) -> (Self, WorldAssetRoot) {
        let mut path = path.into().into_owned();
        if path.label().is_none() {
            path = path.with_label(GltfAssetLabel::Scene(0).to_string());
        }
        (Self::default(), WorldAssetRoot(assets.load(path)))
    }

    /// Sets the corrections.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Handle<AvatarOverrides>) -> Self {
        self.overrides = Some(overrides);
        self
    }
}

/// The bones of an [`Avatar`], once found. Goes away with its bones, and comes back when the scene has spawned again.
#[derive(Component, Clone, Debug)]
pub struct AvatarRig {
    /// Every node from the avatar's entity (exclusive) down to its last bone, parents first, bind pose.
    pub rig: Arc<Rig>,
    /// Which of them is which part of the body, and what was not found.
    pub map: Arc<RigMap>,
    /// The entity of each node of `rig`, in the same order.
    pub bones: Vec<Entity>,
    /// Joints of further skeletons with the same names (clothes that were exported with a copy of the body's), each
    /// with the bone of `rig` whose `Transform` it gets ([`AvatarSystems::Follow`]).
    pub followers: Vec<(Entity, usize)>,
}

/// On every bone of an [`Avatar`]: whose it is.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvatarBone {
    /// The entity with [`Avatar`].
    pub avatar: Entity,
    /// Its number in [`AvatarRig::rig`].
    pub index: usize,
}

/// The bones of an [`Avatar`] were found, for the first time or again.
///
/// A buffered message and an event on the entity.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct AvatarReady {
    /// The [`Avatar`].
    pub entity: Entity,
    /// What was found, what is missing, what should be known: several lines for people. See [`AvatarRig::map`] for the
    /// same as data.
    pub report: Arc<str>,
}

/// An [`Avatar`] cannot be used; it has no [`AvatarRig`]. Sent once; when its scene changes it is looked at again.
///
/// A buffered message and an event on the entity.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct AvatarRefused {
    /// The [`Avatar`].
    pub entity: Entity,
    /// What is wrong and what would be right, as one sentence.
    pub reason: String,
}
