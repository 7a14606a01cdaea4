//! Clips played one after the other, and what comes of them.

use std::time::Instant;

use bevy::ecs::entity::Entity;
use bevy::ecs::world::EntityWorldMut;
use chois::navigation::Leg;

use super::errands::{Stood, thing};
use super::{Actor, MOVED, REPLANS};
use crate::frame;
use crate::npc::events::{
    CommandCancelled, CommandFinished, CommandStepFinished, CommandStepStarted,
};
use crate::npc::plan::NpcPlan;
use crate::npc::scene::entity;
use crate::playback::events::InterruptReason;
use crate::playback::{InteractionPlayer, InteractionState, WaitingFor};
use crate::synthesis::GenerationStatus;

/// What has come nearer than this to a way since it was planned may be in it, metres.
const IN_THE_WAY: f32 = 0.9;

impl Actor<'_, '_, '_, '_, '_, '_> {
    /// Plays the next clip, once it is there.
    pub(super) fn play(&mut self) {
        loop {
            let Some(current) = &self.errands.current else {
                return;
            };
            if current.playing.is_some() {
                return;
            }
            let Some(next) = current.coming.front() else {
                return;
            };
            let leg = next.leg;
            let Some(clip) = next.clip.clone() else {
                self.begun(leg);
                if let Some(current) = &mut self.errands.current {
                    current.coming.pop_front();
                }
                self.ended(leg, None);
                continue;
            };
            match self.synthesizer.status(&clip) {
                Some(GenerationStatus::Failed(reason)) => {
                    let reason = reason.clone();
                    return self.fail(reason);
                }
                Some(GenerationStatus::Cancelled(reason)) => {
                    let reason = format!("its clip was called off: {reason}");
                    return self.fail(reason);
                }
                _ => {}
            }
            if !self.clips.contains(&clip) {
                return;
            }
            let object = current.legs().get(leg).and_then(thing);
            if let Some(Leg::Interact(interact)) = current.legs().get(leg) {
                let start = interact.request.start.position;
                let Some(place) =
                    object.and_then(|object| self.around.place(object, self.npc.floor))
                else {
                    return self.fail("the thing is no longer there".into());
                };
                let apart = start
                    .iter()
                    .zip(&place.position)
                    .map(|(a, b)| (a - b).powi(2));
                if apart.sum::<f32>().sqrt() > MOVED {
                    return self.replan("somebody has moved the thing meanwhile");
                }
            }
            if self.is_changed(leg) {
                return self.replan("something has come into the way");
            }
            let early = self.whole(&clip).is_none();
            let mut interaction = InteractionPlayer::new(clip).with_origin(self.npc.origin());
            interaction.object = object;
            (self.commands.entity(self.avatar)).try_insert(interaction);
            self.begun(leg);
            if let Some(current) = &mut self.errands.current {
                current.playing = current.coming.pop_front();
                if let Some(playing) = &mut current.playing {
                    playing.early = early;
                }
            }
            return;
        }
    }

    /// Tells of a step that begins with a leg.
    pub(super) fn begun(&mut self, leg: usize) {
        let shown = move |mut avatar: EntityWorldMut| {
            if let Some(mut plan) = avatar.get_mut::<NpcPlan>() {
                plan.now = leg;
            }
        };
        // Somebody may despawn them in this very frame.
        (self.commands.entity(self.avatar)).queue_silenced(shown);
        let Some(current) = &mut self.errands.current else {
            return;
        };
        let step = current.step_of(leg);
        if current.begun.replace(step) == Some(step) {
            return;
        }
        let Some(told) = (current.thought.as_ref()).and_then(|t| t.plan.steps.get(step)) else {
            return;
        };
        let started = CommandStepStarted {
            entity: self.avatar,
            command: current.command.id,
            step: current.done + step,
            action: told.action,
            object: told.object.and_then(entity),
        };
        self.tell(started);
    }

    /// Whether something has come since it was planned to where a leg leads. Somebody who has planned anew often enough goes
    /// on all the same.
    pub(super) fn is_changed(&self, leg: usize) -> bool {
        let Some(current) = self
            .errands
            .current
            .as_ref()
            .filter(|c| c.replans < REPLANS)
        else {
            return false;
        };
        let way: &[[f32; 2]] = match current.legs().get(leg) {
            Some(Leg::Walk(walk)) => &walk.points,
            Some(Leg::Interact(interact)) => &interact.path,
            Some(Leg::Wait { .. }) | None => return false,
        };
        let own: Vec<Entity> = current.things().collect();
        self.around.all().any(|(thing, at)| {
            let was = current.seen.get(&thing);
            let at = frame::vector(at);
            let is_near = || {
                way.windows(2).any(|pair| {
                    let [a, b] = [pair[0], pair[1]].map(nalgebra::Vector2::from);
                    let along = b - a;
                    let t = (at.xy() - a).dot(&along) / along.norm_squared().max(1e-9);
                    (at.xy() - a - along * t.clamp(0.0, 1.0)).norm() < IN_THE_WAY
                })
            };
            !own.contains(&thing)
                && was.is_none_or(|was| (frame::vector(*was) - at).norm() > MOVED)
                && is_near()
        })
    }

    /// The clip that played has come to its end.
    pub(super) fn played(&mut self) {
        let Some(current) = &mut self.errands.current else {
            return;
        };
        let Some(played) = current.playing.take() else {
            return;
        };
        let clip = played.clip.as_ref().and_then(|clip| self.clips.get(clip));
        self.errands.stood = clip.and_then(|clip| {
            let pose = clip.motion.frames.last()?.pose;
            Some(Stood {
                pose,
                at: *self.place,
            })
        });
        let (mut off, mut done) = (None, true);
        if let Some(Leg::Interact(leg)) = current.legs().get(played.leg)
            && let Some(place) =
                entity(leg.item).and_then(|object| self.around.place(object, self.npc.floor))
        {
            let [x, y, _] = place.position;
            off = Some((x - leg.end.position[0]).hypot(y - leg.end.position[1]));
            done = leg.is_done(&place);
        }
        // What is made before it is played is made again where it leaves its thing elsewhere; this could not be.
        if played.early && !done && !current.ending && current.replans < REPLANS {
            return self.replan("the thing has not come to where it should be");
        }
        self.ended(played.leg, off);
    }

    /// A leg was done.
    pub(super) fn ended(&mut self, leg: usize, off: Option<f32>) {
        let Some(current) = &mut self.errands.current else {
            return;
        };
        let step = current.step_of(leg);
        let last = leg + 1 >= current.legs().len();
        let (command, entity) = (current.command.id, self.avatar);
        let (ending, done) = (current.ending, current.done);
        if last || current.step_of(leg + 1) != step {
            self.tell(CommandStepFinished {
                entity,
                command,
                step: done + step,
                off,
            });
        }
        if last || ending {
            self.errands.current = None;
            if last {
                self.tell(CommandFinished { entity, command });
            } else {
                self.tell(CommandCancelled { entity, command });
            }
        }
    }

    /// Whether what plays is their command's.
    pub(super) fn is_own(&self, player: &InteractionPlayer) -> bool {
        let current = self.errands.current.as_ref();
        let playing = current.and_then(|current| current.playing.as_ref());
        playing.is_some_and(|playing| playing.clip.as_ref() == Some(&player.clip))
    }

    /// Fails what nobody will ever see: the clip waits for bones that are `refused`, or do not come.
    pub(super) fn boneless(&mut self, state: Option<&InteractionState>, refused: Option<&str>) {
        let Some(current) = (self.errands.current.as_mut()).filter(|c| c.playing.is_some()) else {
            return;
        };
        if state != Some(&InteractionState::Waiting(WaitingFor::Rig)) {
            current.boneless = None;
            return;
        }
        let since = *current.boneless.get_or_insert_with(Instant::now);
        let reason = match refused {
            Some(reason) => reason.to_owned(),
            None if since.elapsed() < self.patience => return,
            None => format!(
                "{} has had no AvatarRig for {:.1} s; put Avatar on it, above its skin, and see AvatarRefused",
                self.avatar,
                self.patience.as_secs_f32()
            ),
        };
        (self.commands.entity(self.avatar)).try_remove::<InteractionPlayer>();
        self.fail(reason);
    }

    /// Whether the game has them play something else than what their command has come to.
    pub(super) fn is_taken_over(&self, player: Option<&InteractionPlayer>) -> bool {
        let current = self.errands.current.as_ref();
        let (Some(playing), Some(player)) = (current.and_then(|c| c.playing.as_ref()), player)
        else {
            return false;
        };
        playing.clip.as_ref() != Some(&player.clip)
    }

    /// The clip that played was interrupted.
    pub(super) fn interrupted(&mut self, reason: &InterruptReason) {
        let Some(current) = (self.errands.current.as_ref()).filter(|c| c.playing.is_some()) else {
            return;
        };
        let (command, ending) = (current.command.id, current.ending);
        self.errands.stood = None;
        if ending {
            // It was called off: nothing of it is planned anew.
            self.errands.current = None;
            let entity = self.avatar;
            return self.tell(CommandCancelled { entity, command });
        }
        let moved = matches!(
            reason,
            InterruptReason::ObjectMoved | InterruptReason::ObjectHeld { .. }
        );
        if moved {
            self.replan(&reason.to_string());
        } else {
            self.fail(reason.to_string());
        }
    }
}
