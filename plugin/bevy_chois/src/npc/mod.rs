//! Say it and it happens: people who take commands.
//!
//! Put [`Npc`] on an avatar and trigger an [`NpcCommand`] on it: "move the lamp next to the sofa". The sentence is grounded in
//! the scene ([`chois::command`]: things are [`Interactable`](crate::object::Interactable)s, described further by
//! [`SceneObject`]), places and ways are found ([`chois::navigation`]), and the person walks there, takes the thing, brings it
//! and sets it down: one clip after the other, each made while the one before plays. What cannot be understood or done ends
//! in an event with a reason that can be shown to a player.
//!
//! Understanding and planning are done on the worker's thread, between two batches. Commands of several people are made in
//! one batch where they ask at the same time. A thing that somebody has been told to move is theirs until they are done.
//!
//! A command that is given while things are being loaded waits for them, for as long as
//! [`SynthesisPlugin::patience`](crate::synthesis::SynthesisPlugin::patience). People walk on a level floor, by default at the
//! height 0 ([`Npc::floor`]).
//!
//! What a person is told while busy waits, or takes the place of what they do ([`Turn`]); [`StopNpc`] ends it, [`PauseNpc`] has
//! them stand still in the middle of it. The [`events`] tell every step, and [`NpcPlan`] what is still to come.
//!
//! A clip that leaves its thing elsewhere than it should is made again with another seed before it is played. Where nobody
//! could wait for that, for it has begun to play before it was whole, the step is planned anew from where the thing was left.
//!
//! Where several machines show the same people, one of them generates: a seed makes another clip on another processor. What
//! it plays is sent as [`chois::clip::packet`], 5 kB for a second of motion, and put into the others'
//! `Assets<`[`MotionClip`](crate::clip::MotionClip)`>` to be played there.

mod act;
pub mod events;
mod mind;
mod plan;
mod plugin;
mod scene;

use std::sync::atomic::{AtomicU64, Ordering};

use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::math::{Isometry3d, Vec3};
use bevy::transform::components::Transform;
use chois::request::SamplingConfig;

use crate::contact::ContactMode;

pub use chois::command::{Action, CommandParser, CommandPlan, CommandRefusal, Grammar};
pub use chois::navigation::{NavigationConfig, NavigationRefusal};
pub use chois::scene::{ItemKind, Mobility};
pub use events::Refusal;
pub use mind::ParserMaker;
pub use plan::{NpcLeg, NpcPlan};
pub use plugin::{NpcPlugin, NpcSystems};
pub use scene::{SceneFloor, SceneMarker, SceneObject};

/// An avatar that takes commands. Taking it off calls them off; a clip that plays is the game's then. An
/// [`InteractionPlayer`](crate::playback::InteractionPlayer) that the game puts in the place of a command's fails that command.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq)]
#[require(NpcState, act::Errands, Transform)]
pub struct Npc {
    /// Height of the floor that they walk on, world, metres: of the storey they are in. Things that are wholly below it, or
    /// higher above it than a person reaches, are not there for them.
    pub floor: f32,
    /// The same commands in the same scene, given alone, make the same clips with the same seed.
    pub seed: u64,
    /// How clips are sampled.
    pub sampling: SamplingConfig,
    /// Clips of higher priority are made first.
    pub priority: i32,
    /// Whether hands are made to hold.
    pub contact: ContactMode,
    /// Whether every clip is waited for until it is whole. Else somebody who would stand and wait begins with what there is
    /// of it, four seconds, and plays on while the rest is made; clips are the same, but what is played of them before they
    /// are whole depends on how fast the machine is. For replays.
    pub whole: bool,
}

impl Npc {
    /// Where the model's world, whose floor is at 0, stands in the game's.
    fn origin(&self) -> Isometry3d {
        Isometry3d::from_translation(Vec3::Y * self.floor)
    }
}

/// What an [`Npc`] is at. Read only.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NpcState {
    /// Nothing.
    #[default]
    Idle,
    /// The command is being understood, or its way planned.
    Thinking,
    /// It waits for a clip.
    Waiting {
        /// Step of the plan, from 0.
        step: usize,
    },
    /// It moves.
    Acting {
        /// Step of the plan, from 0.
        step: usize,
    },
    /// It was told to pause.
    Paused {
        /// Step of the plan, from 0.
        step: usize,
    },
}

/// Names a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(u64);

/// When a command's turn comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// After those that were given before.
    #[default]
    Queue,
    /// In their place: what is being done now comes to where it can be left (a thing in the hands is set down), the others are
    /// called off.
    Replace,
}

/// Tells an [`Npc`] what to do.
#[derive(EntityEvent, Clone, Debug)]
pub struct NpcCommand {
    /// Who is told.
    pub entity: Entity,
    /// Names it in events.
    pub id: CommandId,
    /// What is said, in English.
    pub text: String,
    /// The point that is shown with it, world, metres: "put it there".
    pub pointed: Option<Vec3>,
    /// Who says it: "bring it to me". Faces where its +Z points.
    pub speaker: Option<Entity>,
    /// When its turn comes.
    pub turn: Turn,
}

impl NpcCommand {
    /// "Move the lamp next to the sofa."
    pub fn new(npc: Entity, text: impl Into<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            entity: npc,
            id: CommandId(NEXT.fetch_add(1, Ordering::Relaxed)),
            text: text.into(),
            pointed: None,
            speaker: None,
            turn: Turn::default(),
        }
    }

    /// Sets the point that is shown with it, world, metres.
    #[must_use]
    pub fn pointing(mut self, at: Vec3) -> Self {
        self.pointed = Some(at);
        self
    }

    /// Sets who says it.
    #[must_use]
    pub fn said_by(mut self, speaker: Entity) -> Self {
        self.speaker = Some(speaker);
        self
    }

    /// Has it take the place of what is being done.
    #[must_use]
    pub fn replacing(mut self) -> Self {
        self.turn = Turn::Replace;
        self
    }
}

/// Ends what an [`Npc`] does and calls off what waits.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct StopNpc {
    /// Who.
    pub entity: Entity,
    /// Whether it freezes where it is, letting go of what it holds; else it first sets down what it has in its hands.
    pub at_once: bool,
}

/// Has an [`Npc`] stand still where it is, in the middle of what it does, or go on with it. While it pauses commands wait;
/// [`StopNpc`] and a command that [replaces](Turn::Replace) end the pause.
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct PauseNpc {
    /// Who.
    pub entity: Entity,
    /// Whether it pauses; else it goes on.
    pub paused: bool,
}
