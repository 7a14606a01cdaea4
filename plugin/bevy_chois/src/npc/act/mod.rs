//! From commands to clips that play: one leg after the other, each ordered as soon as the one before is there.
//!
//! `hear` has a command understood, `clips` orders its legs, `play` plays them; how far somebody is stands in `errands`.

mod clips;
mod errands;
mod hear;
mod play;

use std::mem;
use std::time::Duration;

use bevy::asset::{Assets, Handle};
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::lifecycle::Remove;
use bevy::ecs::message::{Message, MessageReader};
use bevy::ecs::observer::On;
use bevy::ecs::query::With;
use bevy::ecs::system::{Commands, Query, Res, SystemParam};
use bevy::log::warn;
use bevy::transform::components::Transform;

use self::errands::Current;
pub(in crate::npc) use self::errands::Errands;
use super::events::CommandCancelled;
use super::mind::Mind;
use super::plan::NpcPlan;
use super::scene::Surroundings;
use super::{Npc, NpcCommand, NpcState, PauseNpc, StopNpc, Turn};
use crate::avatar::AvatarRefused;
use crate::clip::MotionClip;
use crate::playback::events::{InteractionFinished, InteractionInterrupted, InterruptReason, tell};
use crate::playback::{InteractionPlayer, InteractionState};
use crate::synthesis::{GenerationStatus, MotionSynthesizer, Patience};

/// A thing that is farther than this from where it was when its clip was made has been moved, metres.
const MOVED: f32 = 0.1;
/// How often a command is planned anew because the world has changed.
const REPLANS: u8 = 2;

/// A command is given.
pub(in crate::npc) fn told(
    command: On<NpcCommand>,
    mut npcs: Query<(&mut Errands, Option<&mut InteractionPlayer>), With<Npc>>,
    mut commands: Commands,
) {
    let command = command.event().clone();
    let npc = command.entity;
    let Ok((mut errands, player)) = npcs.get_mut(npc) else {
        warn!("{npc} was given a command and is no Npc; put Npc on the avatar");
        return;
    };
    if command.turn == Turn::Replace {
        let gently = StopNpc {
            entity: npc,
            at_once: false,
        };
        errands.call_off(gently, &mut commands);
        errands.pause(false, player);
    }
    errands.queue.push_back(command);
}

/// Somebody is to stop.
pub(in crate::npc) fn stopped(
    stop: On<StopNpc>,
    mut npcs: Query<(&mut Errands, Option<&mut InteractionPlayer>), With<Npc>>,
    mut commands: Commands,
) {
    if let Ok((mut errands, player)) = npcs.get_mut(stop.entity) {
        errands.call_off(*stop.event(), &mut commands);
        errands.pause(false, player);
    }
}

/// Somebody is to pause, or to go on.
pub(in crate::npc) fn paused(
    pause: On<PauseNpc>,
    mut npcs: Query<(&mut Errands, Option<&mut InteractionPlayer>), With<Npc>>,
) {
    if let Ok((mut errands, player)) = npcs.get_mut(pause.entity) {
        errands.pause(pause.paused, player);
    }
}

/// Somebody takes no commands any more, or is despawned.
pub(in crate::npc) fn dismissed(
    gone: On<Remove, Npc>,
    mut npcs: Query<&mut Errands>,
    mut commands: Commands,
) {
    let npc = gone.entity;
    let Ok(mut errands) = npcs.get_mut(npc) else {
        return;
    };
    let errands = mem::take(&mut *errands);
    // Before anybody hears of it, who may make them an Npc again.
    (commands.entity(npc)).try_remove::<(Errands, NpcState, NpcPlan)>();
    let current = errands.current.map(|current| current.command);
    for command in current.into_iter().chain(errands.queue) {
        let cancelled = CommandCancelled {
            entity: npc,
            command: command.id,
        };
        tell(&mut commands, cancelled);
    }
}

/// What happened to what plays.
#[derive(SystemParam)]
pub(in crate::npc) struct Happened<'w, 's> {
    finished: MessageReader<'w, 's, InteractionFinished>,
    interrupted: MessageReader<'w, 's, InteractionInterrupted>,
    refused: MessageReader<'w, 's, AvatarRefused>,
}

/// Everything that is done for [`Npc`]s.
pub(in crate::npc) fn act(
    mut npcs: Query<(
        Entity,
        &Npc,
        &mut NpcState,
        &mut Errands,
        &Transform,
        Option<&mut InteractionPlayer>,
        Option<&InteractionState>,
    )>,
    mut around: Surroundings,
    mut happened: Happened,
    mut synthesizer: MotionSynthesizer,
    mind: Res<Mind>,
    clips: Res<Assets<MotionClip>>,
    patience: Res<Patience>,
    mut commands: Commands,
) {
    let finished: Vec<Entity> = happened.finished.read().map(|event| event.entity).collect();
    // A clip that begins tells this of what it takes the place of, such as a game's idle.
    let interrupted: Vec<_> = (happened.interrupted.read())
        .filter(|event| event.reason != InterruptReason::Replaced)
        .cloned()
        .collect();
    let mut taken: Vec<(Entity, Entity)> = (npcs.iter())
        .flat_map(|(npc, _, _, errands, ..)| {
            let things = errands.current.iter().flat_map(Current::things);
            things.map(move |thing| (thing, npc)).collect::<Vec<_>>()
        })
        .collect();
    let refused: Vec<_> = (happened.refused.read())
        .map(|event| (event.entity, event.reason.clone()))
        .collect();
    for (avatar, npc, mut state, mut errands, place, mut player, playing) in &mut npcs {
        let mut actor = Actor {
            avatar,
            npc,
            errands: &mut errands,
            place,
            around: &mut around,
            synthesizer: &mut synthesizer,
            mind: &mind,
            clips: &clips,
            commands: &mut commands,
            taken: &mut taken,
            patience: patience.0,
        };
        actor.stop(player.as_deref());
        if finished.contains(&avatar) {
            actor.played();
        }
        if let Some(event) = interrupted.iter().find(|event| event.entity == avatar) {
            actor.interrupted(&event.reason);
        }
        // Last: what came of their own clip in the frame in which the game put another in its place still counts.
        if actor.is_taken_over(player.as_deref()) {
            actor.interrupted(&InterruptReason::Replaced);
        }
        let refused = refused.iter().find(|(entity, _)| *entity == avatar);
        actor.boneless(playing, refused.map(|(_, reason)| &**reason));
        // Told in the frame in which their clip was put on them.
        if actor.errands.paused
            && let Some(player) = player.as_mut().filter(|p| !p.paused && actor.is_own(p))
        {
            player.paused = true;
        }
        let now = actor.go();
        if *state != now {
            *state = now;
        }
    }
}

/// One person's turn.
struct Actor<'a, 'aw, 'as_, 'mw, 'cw, 'cs> {
    avatar: Entity,
    npc: &'a Npc,
    errands: &'a mut Errands,
    place: &'a Transform,
    around: &'a mut Surroundings<'aw, 'as_>,
    synthesizer: &'a mut MotionSynthesizer<'mw>,
    mind: &'a Mind,
    clips: &'a Assets<MotionClip>,
    commands: &'a mut Commands<'cw, 'cs>,
    /// Things and who moves them.
    taken: &'a mut Vec<(Entity, Entity)>,
    /// How long what is yet to come is waited for.
    patience: Duration,
}

impl Actor<'_, '_, '_, '_, '_, '_> {
    fn tell<E>(&mut self, event: E)
    where
        E: Message + Clone + for<'a> EntityEvent<Trigger<'a>: Default>,
    {
        tell(self.commands, event);
    }

    /// A clip of which no more is being made.
    fn whole(&self, clip: &Handle<MotionClip>) -> Option<&MotionClip> {
        let status = self.synthesizer.status(clip);
        let there = status.is_none_or(|status| *status == GenerationStatus::Finished);
        self.clips.get(clip).filter(|_| there)
    }

    /// Ends what is being done, if that was asked for.
    fn stop(&mut self, player: Option<&InteractionPlayer>) {
        let taken_over = self.is_taken_over(player);
        let Some(stop) = self.errands.stop.take() else {
            return;
        };
        let Some(current) = &mut self.errands.current else {
            return;
        };
        if current.playing.is_some() && !stop.at_once {
            current.ending = true;
            current.coming.clear();
            return;
        }
        // What the game has put in its place goes on.
        let plays = current.playing.is_some() && !taken_over;
        let command = current.command.id;
        self.errands.current = None;
        if plays {
            self.errands.stood = None;
            (self.commands.entity(self.avatar)).try_remove::<InteractionPlayer>();
        }
        self.tell(CommandCancelled {
            entity: self.avatar,
            command,
        });
    }

    /// Goes on; what they are at then.
    fn go(&mut self) -> NpcState {
        if self.errands.current.is_none() && !self.errands.paused {
            self.begin();
        }
        self.hear();
        self.order();
        self.again();
        if !self.errands.paused {
            self.play();
        }
        let planned = (self.errands.current.as_ref()).is_some_and(|c| c.thought.is_some());
        if self.errands.shown && !planned {
            self.errands.shown = false;
            self.commands.entity(self.avatar).try_remove::<NpcPlan>();
        }
        match &self.errands.current {
            current if self.errands.paused => NpcState::Paused {
                step: (current.as_ref()).map_or(0, |c| c.done + c.begun.unwrap_or(0)),
            },
            None if self.errands.queue.is_empty() => NpcState::Idle,
            // It waits for things to be loaded.
            None => NpcState::Thinking,
            Some(current) if current.thought.is_none() => NpcState::Thinking,
            Some(current) => {
                let step = current.done + current.begun.unwrap_or(0);
                match &current.playing {
                    Some(_) => NpcState::Acting { step },
                    None => NpcState::Waiting { step },
                }
            }
        }
    }
}
