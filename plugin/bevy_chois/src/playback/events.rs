//! What playback tells: every one is a buffered message and an event on the avatar ([`ObjectTaken`] and [`ObjectReleased`] on the object).

use std::sync::Arc;

use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use bevy::ecs::system::Commands;
use bevy::math::Vec3;
use chois::contact::LetGo;
use chois::motion::ContactPart;

/// An interaction began to play.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct InteractionStarted {
    /// The avatar.
    pub entity: Entity,
    /// The object that the clip moves.
    pub object: Option<Entity>,
}

/// A part of the body began to touch the object.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct ContactMade {
    /// The avatar.
    pub entity: Entity,
    /// The object that the clip moves.
    pub object: Option<Entity>,
    /// What touches.
    pub part: ContactPart,
    /// Where, in the world, metres: a point of the object's surface where its shape is known.
    pub point: Vec3,
}

/// A part of the body let go of the object.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct ContactLost {
    /// The avatar.
    pub entity: Entity,
    /// The object that the clip moves.
    pub object: Option<Entity>,
    /// What touched.
    pub part: ContactPart,
    /// Where, in the world, metres.
    pub point: Vec3,
}

/// An interaction came to its end (backwards: to its beginning). The last pose is held.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct InteractionFinished {
    /// The avatar.
    pub entity: Entity,
    /// The object that the clip moved.
    pub object: Option<Entity>,
}

/// An interaction ended early, or could not begin.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct InteractionInterrupted {
    /// The avatar.
    pub entity: Entity,
    /// The object that the clip moved.
    pub object: Option<Entity>,
    /// Why.
    pub reason: InterruptReason,
}

/// A clip drives the object from now on. On the object.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct ObjectTaken {
    /// The object.
    pub entity: Entity,
    /// Whose interaction drives it.
    pub avatar: Entity,
}

/// The object is the game's again. On the object.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct ObjectReleased {
    /// The object.
    pub entity: Entity,
    /// Whose interaction drove it.
    pub avatar: Entity,
    /// How fast it moves at this moment, world, metres per second.
    pub velocity: Vec3,
    /// How fast it turns at this moment, world, radians per second.
    pub angular_velocity: Vec3,
    /// Whether the game took it away: moved it, or took [`HeldBy`](super::HeldBy) off it. Else the clip put it down, or ended.
    pub taken: bool,
}

/// The object is under physics from now on; see [`LivePhysics`](super::LivePhysics).
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct PhysicsStarted {
    /// The avatar.
    pub entity: Entity,
    /// The object.
    pub object: Entity,
}

/// A hand let go of the object before the clip says so; live contact only (see [`LivePhysics`](super::LivePhysics)).
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct HandLetGo {
    /// The avatar.
    pub entity: Entity,
    /// The object.
    pub object: Entity,
    /// Which hand: 0 left, 1 right.
    pub hand: usize,
    /// Why.
    pub reason: LetGo,
}

/// Why an interaction ended early.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InterruptReason {
    /// The component was removed.
    Removed,
    /// The avatar was despawned.
    AvatarDespawned,
    /// Another one was inserted in its place.
    Replaced,
    /// The object was despawned.
    ObjectDespawned,
    /// Something else moved the object, or took [`HeldBy`](super::HeldBy) off it.
    ObjectMoved,
    /// Another avatar holds the object.
    ObjectHeld {
        /// That one.
        by: Entity,
    },
    /// The clip could not be loaded, or not be generated.
    ClipFailed(Arc<str>),
    /// The clip was taken out of its assets.
    ClipUnloaded,
    /// The clip could not be put on the avatar's bones.
    Retarget(Arc<str>),
}

impl std::fmt::Display for InterruptReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Removed => write!(f, "its component was removed"),
            Self::AvatarDespawned => write!(f, "the avatar was despawned"),
            Self::Replaced => write!(f, "another one took its place"),
            Self::ObjectDespawned => {
                write!(f, "the object was despawned; end the interaction first")
            }
            Self::ObjectMoved => write!(
                f,
                "something else moved the object or took it away; leave its transform alone (and its body kinematic) \
                 while it carries HeldBy"
            ),
            Self::ObjectHeld { by } => write!(
                f,
                "avatar {by} holds the object; wait until it carries HeldBy no more"
            ),
            Self::ClipFailed(reason) => write!(f, "there is no clip: {reason}"),
            Self::ClipUnloaded => {
                write!(
                    f,
                    "the clip was removed from its assets; keep it while it plays"
                )
            }
            Self::Retarget(reason) => {
                write!(
                    f,
                    "the clip could not be put on the avatar's bones: {reason}"
                )
            }
        }
    }
}

/// Tells it both ways.
pub(crate) fn tell<E>(commands: &mut Commands, event: E)
where
    E: Message + Clone + for<'a> EntityEvent<Trigger<'a>: Default>,
{
    commands.write_message(event.clone());
    commands.trigger(event);
}
