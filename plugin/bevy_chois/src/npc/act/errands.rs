//! What somebody has to do, and how far they are with it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bevy::asset::Handle;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::system::Commands;
use bevy::ecs::world::Mut;
use bevy::math::Vec3;
use bevy::transform::components::Transform;
use chois::geometry::SdfGrid;
use chois::navigation::Leg;
use chois::skeleton::Pose;

use crate::clip::MotionClip;
use crate::npc::events::CommandCancelled;
use crate::npc::mind::{Answer, Thought, Way};
use crate::npc::scene::entity;
use crate::npc::{NpcCommand, StopNpc};
use crate::playback::InteractionPlayer;
use crate::playback::events::tell;

/// What an [`Npc`] has to do.
#[derive(Component, Default)]
pub(in crate::npc) struct Errands {
    pub(super) queue: VecDeque<NpcCommand>,
    /// What the next of them waits for, and since when.
    pub(super) things: Option<(Vec<Entity>, Instant)>,
    /// Things that were waited for in vain.
    pub(super) missing: Vec<Entity>,
    pub(super) current: Option<Current>,
    /// Things spoken of, the latest first.
    pub(super) recent: Vec<Entity>,
    /// How the last clip left them.
    pub(super) stood: Option<Stood>,
    pub(super) stop: Option<StopNpc>,
    /// They stand still in the middle of what they do.
    pub(super) paused: bool,
    /// They have an [`NpcPlan`].
    pub(super) shown: bool,
}

impl Errands {
    /// What waits is called off at once, what is being done at its next turn.
    pub(super) fn call_off(&mut self, stop: StopNpc, commands: &mut Commands) {
        self.things = None;
        for waiting in self.queue.drain(..) {
            let cancelled = CommandCancelled {
                entity: stop.entity,
                command: waiting.id,
            };
            tell(commands, cancelled);
        }
        if self.current.is_some() {
            let at_once = stop.at_once || self.stop.is_some_and(|before| before.at_once);
            self.stop = Some(StopNpc { at_once, ..stop });
        }
    }

    /// Pauses, or goes on.
    pub(super) fn pause(&mut self, paused: bool, player: Option<Mut<InteractionPlayer>>) {
        if self.paused == paused {
            return;
        }
        self.paused = paused;
        let plays = (self.current.as_ref()).is_some_and(|current| current.playing.is_some());
        if let Some(mut player) = player.filter(|_| plays) {
            player.paused = paused;
        }
    }
}

/// How somebody stands, as long as the game leaves them there.
pub(super) struct Stood {
    pub(super) pose: Pose,
    pub(super) at: Transform,
}

/// The command that is being carried out.
pub(super) struct Current {
    pub(super) command: NpcCommand,
    pub(super) answer: Option<Answer<Thought>>,
    /// A walk that is found anew.
    pub(super) way: Option<Answer<Way>>,
    pub(super) thought: Option<Thought>,
    /// Legs that were ordered.
    pub(super) ordered: usize,
    /// Those whose clips are yet to play, the next first.
    pub(super) coming: VecDeque<Coming>,
    pub(super) playing: Option<Coming>,
    /// Since when its avatar's bones are waited for.
    pub(super) boneless: Option<Instant>,
    /// The step that was last told to have begun.
    pub(super) begun: Option<usize>,
    /// The plan's first step in the command's own count: what was done before planning anew.
    pub(super) done: usize,
    pub(super) replans: u8,
    /// It ends with the clip that plays.
    pub(super) ending: bool,
    /// Where everything was when it was planned.
    pub(super) seen: HashMap<Entity, Vec3>,
}

/// A leg with its clip; waiting has none.
pub(super) struct Coming {
    pub(super) leg: usize,
    pub(super) clip: Option<Handle<MotionClip>>,
    /// How often it was made again.
    pub(super) again: usize,
    /// One made before that leaves its thing where it should be, but its person bent over it.
    pub(super) spare: Option<Handle<MotionClip>>,
    /// It began to play before it was whole.
    pub(super) early: bool,
}

impl Current {
    pub(super) fn new(command: NpcCommand) -> Self {
        Self {
            command,
            answer: None,
            way: None,
            thought: None,
            ordered: 0,
            coming: VecDeque::new(),
            playing: None,
            boneless: None,
            begun: None,
            done: 0,
            replans: 0,
            ending: false,
            seen: HashMap::new(),
        }
    }

    pub(super) fn legs(&self) -> &[Leg] {
        self.thought.as_ref().map_or(&[], |thought| &thought.legs)
    }

    /// What stands about a leg.
    pub(super) fn about(&self, leg: usize) -> Option<Arc<SdfGrid>> {
        self.thought.as_ref()?.about.get(leg)?.clone()
    }

    /// The step of a leg, in the present plan's count.
    pub(super) fn step_of(&self, leg: usize) -> usize {
        match self.legs().get(leg) {
            Some(Leg::Walk(leg)) => leg.step,
            Some(Leg::Interact(leg)) => leg.step,
            Some(Leg::Wait { step }) => *step,
            None => self.begun.unwrap_or(0),
        }
    }

    /// Things that it will move.
    pub(super) fn things(&self) -> impl Iterator<Item = Entity> + '_ {
        self.legs().iter().filter_map(thing)
    }
}

/// The thing that a leg moves.
pub(super) fn thing(leg: &Leg) -> Option<Entity> {
    match leg {
        Leg::Interact(leg) => entity(leg.item),
        Leg::Walk(_) | Leg::Wait { .. } => None,
    }
}
