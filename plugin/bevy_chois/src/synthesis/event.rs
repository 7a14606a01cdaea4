//! What the worker tells: each a buffered message, sent once, and an event on the entities that the order names.

use std::fmt;

use bevy::asset::{AssetId, Handle};
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use bevy::math::Isometry3d;

use crate::clip::MotionClip;
use crate::contact::ContactOutcome;

/// Which order a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderId {
    /// Id of the handle that [`generate`](super::MotionSynthesizer::generate) gave.
    pub clip: AssetId<MotionClip>,
    /// The order's avatar.
    pub avatar: Option<Entity>,
    /// The order's object, where that is an entity.
    pub object: Option<Entity>,
}

impl OrderId {
    /// The entity that a buffered message names: the avatar, else the object, else none.
    pub(super) fn entity(&self) -> Entity {
        self.avatar.or(self.object).unwrap_or(Entity::PLACEHOLDER)
    }
}

/// The network is at work on an order.
///
/// A buffered message, and an event on the order's avatar and object.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct GenerationStarted {
    /// The entity that is told: the order's avatar, or its object. In buffered messages the avatar if there is one, else
    /// the object, else [`Entity::PLACEHOLDER`].
    pub entity: Entity,
    /// The order.
    pub order: OrderId,
}

/// A denoising step of an order was made.
///
/// A buffered message, and an event on the order's avatar and object.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct GenerationProgress {
    /// As in [`GenerationStarted`].
    pub entity: Entity,
    /// The order.
    pub order: OrderId,
    /// Steps made.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// A clip is there: `Assets<MotionClip>` has it from now on.
///
/// A buffered message, and an event on the order's avatar and object.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct GenerationFinished {
    /// As in [`GenerationStarted`].
    pub entity: Entity,
    /// The order.
    pub order: OrderId,
    /// The clip.
    pub clip: Handle<MotionClip>,
    /// Where the clip's world stands in the game's: the order's origin, for
    /// [`InteractionPlayer::origin`](crate::playback::InteractionPlayer::origin).
    pub origin: Isometry3d,
    /// How far the object has been moved since it was asked for, metres. The clip begins where it was.
    pub object_moved: f32,
    /// What came of enforcing contact. That it failed is a line of the log as well.
    pub contact: ContactOutcome,
}

/// There will be no clip.
///
/// A buffered message, and an event on the order's avatar and object.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct GenerationFailed {
    /// As in [`GenerationStarted`].
    pub entity: Entity,
    /// The order.
    pub order: OrderId,
    /// What is wrong and what would be right, as one sentence.
    pub reason: String,
}

/// An order is no longer wanted.
///
/// A buffered message, and an event on those of the order's avatar and object that are still there.
#[derive(Message, EntityEvent, Clone, Debug)]
pub struct GenerationCancelled {
    /// As in [`GenerationStarted`].
    pub entity: Entity,
    /// The order.
    pub order: OrderId,
    /// Why.
    pub reason: CancelReason,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// By [`cancel`](super::MotionSynthesizer::cancel).
    Asked,
    /// Nobody holds the handle of its clip any more.
    HandleDropped,
    /// Its deadline has passed.
    Deadline,
    /// Its object was despawned.
    ObjectDespawned,
    /// Its avatar was despawned.
    AvatarDespawned,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "it was cancelled",
            Self::HandleDropped => "nobody holds its clip's handle any more",
            Self::Deadline => "its deadline has passed",
            Self::ObjectDespawned => "its object was despawned",
            Self::AvatarDespawned => "its avatar was despawned",
        })
    }
}

/// The model is loaded: for the first time, or after its checkpoint has changed. A buffered message.
#[derive(Message, Clone, Debug)]
pub struct ModelReady {
    /// The checkpoint's name.
    pub name: String,
}

/// The model cannot be loaded. While there is no earlier one, orders fail with the same reason. A buffered message, sent
/// once per reason.
#[derive(Message, Clone, Debug)]
pub struct ModelFailed {
    /// What is wrong and what would be right, as one sentence.
    pub reason: String,
}
