//! What becomes of commands: each is a buffered message and an event on the [`Npc`](super::Npc).

use std::fmt;
use std::sync::Arc;

use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use chois::command::{Action, CommandPlan, CommandRefusal};
use chois::navigation::NavigationRefusal;

use super::CommandId;

/// A command was understood and its way found; it begins.
#[derive(EntityEvent, Message, Clone, Debug)]
pub struct CommandAccepted {
    /// Who does it.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
    /// What will be done.
    pub plan: Arc<CommandPlan>,
    /// The same in words, with the scene's names: "carry floor lamp next_to sofa".
    pub words: String,
}

/// A command will not be carried out.
#[derive(EntityEvent, Message, Clone, Debug)]
pub struct CommandRefused {
    /// Who was told.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
    /// Why; written out, it can be shown to a player.
    pub refusal: Refusal,
}

/// A step of a command begins.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct CommandStepStarted {
    /// Who does it.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
    /// Which step of its plan, from 0.
    pub step: usize,
    /// What is done.
    pub action: Action,
    /// With what.
    pub object: Option<Entity>,
}

/// A step of a command was done.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct CommandStepFinished {
    /// Who did it.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
    /// Which step of its plan, from 0.
    pub step: usize,
    /// How far the thing is from where it was to be, metres along the floor.
    pub off: Option<f32>,
}

/// All of a command was done.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct CommandFinished {
    /// Who did it.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
}

/// A command was begun and cannot be brought to its end.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct CommandFailed {
    /// Who was at it.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
    /// Which step of its plan, from 0.
    pub step: usize,
    /// Why, in a sentence.
    pub reason: String,
}

/// A command was called off.
#[derive(EntityEvent, Message, Clone, Debug, PartialEq)]
pub struct CommandCancelled {
    /// Who was told; they may have been despawned.
    pub entity: Entity,
    /// Which command.
    pub command: CommandId,
}

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// It was not understood.
    Command(CommandRefusal),
    /// There is no place, or no way.
    Navigation(NavigationRefusal),
    /// Somebody else has been told to move that.
    Taken {
        /// What.
        name: String,
        /// Who.
        by: Entity,
    },
    /// Nothing may stay in the hands when a command has ended.
    StaysInHands {
        /// What.
        name: String,
    },
    /// Whoever understands commands is not to be had.
    NoMind(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(refusal) => refusal.fmt(f),
            Self::Navigation(refusal) => refusal.fmt(f),
            Self::Taken { name, .. } => write!(f, "Somebody else is moving the {name}."),
            Self::StaysInHands { name } => write!(
                f,
                "The {name} cannot stay in the hands; say where it is to be put down."
            ),
            Self::NoMind(reason) => write!(f, "Commands are not understood: {reason}"),
        }
    }
}
