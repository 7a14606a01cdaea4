//! From a command to legs: asked of the mind, heard, asked again when the world has changed.

use std::collections::HashMap;
use std::time::Instant;

use bevy::ecs::entity::Entity;
use chois::command::CommandPlan;

use super::errands::{Current, Errands, thing};
use super::{Actor, REPLANS};
use crate::npc::events::{
    CommandAccepted, CommandFailed, CommandFinished, CommandRefused, Refusal,
};
use crate::npc::mind::{Answer, Question};
use crate::npc::plan;
use crate::npc::scene::entity;

/// Things spoken of before that are remembered.
const RECENT: usize = 8;

impl Actor<'_, '_, '_, '_, '_, '_> {
    /// Takes the next command in hand.
    pub(super) fn begin(&mut self) {
        if self.errands.queue.is_empty() || self.awaits_things() {
            return;
        }
        let Some(command) = self.errands.queue.pop_front() else {
            return;
        };
        let scene = (self.around).scene(&command, &self.errands.recent, self.npc.floor);
        let question = Question::Command(command.text.clone());
        match (self.mind).ask(self.synthesizer, question, scene, self.npc.seed) {
            Ok(answer) => {
                self.errands.current = Some(Current {
                    answer: Some(answer),
                    seen: self.around.all().collect(),
                    ..Current::new(command)
                });
            }
            Err(refusal) => self.tell(CommandRefused {
                entity: self.avatar,
                command: command.id,
                refusal,
            }),
        }
    }

    /// Whether things that were being loaded when the next command's turn came are yet to come.
    fn awaits_things(&mut self) -> bool {
        let Errands {
            things, missing, ..
        } = &mut *self.errands;
        let (awaited, since) = things.get_or_insert_with(|| {
            let coming = self
                .around
                .coming()
                .filter(|thing| !missing.contains(thing));
            (coming.collect(), Instant::now())
        });
        awaited.retain(|thing| self.around.coming().any(|coming| coming == *thing));
        if !awaited.is_empty() && since.elapsed() < self.patience {
            return true;
        }
        // No further command waits for what has not come by now.
        missing.append(awaited);
        *things = None;
        false
    }

    /// Hears what a command comes to.
    pub(super) fn hear(&mut self) {
        let Some(current) = &mut self.errands.current else {
            return;
        };
        let Some(answer) = current.answer.as_mut().and_then(Answer::get) else {
            return;
        };
        current.answer = None;
        let (avatar, again) = (self.avatar, current.replans > 0);
        let answer = answer.and_then(|thought| {
            let others = (thought.legs.iter().filter_map(thing))
                .find_map(|thing| self.taken.iter().find(|t| t.0 == thing && t.1 != avatar));
            match others {
                None => Ok(thought),
                Some((object, by)) => Err(Refusal::Taken {
                    name: self.around.name(*object),
                    by: *by,
                }),
            }
        });
        match answer {
            Err(refusal) if again => self.fail(refusal.to_string()),
            Err(refusal) => {
                let command = current.command.id;
                self.errands.current = None;
                self.tell(CommandRefused {
                    entity: avatar,
                    command,
                    refusal,
                });
            }
            Ok(thought) => {
                let mentioned = thought.plan.mentioned();
                let mut recent: Vec<Entity> = mentioned.into_iter().filter_map(entity).collect();
                recent.extend(
                    self.errands
                        .recent
                        .iter()
                        .filter(|e| !recent.contains(e))
                        .copied()
                        .collect::<Vec<_>>(),
                );
                recent.truncate(RECENT);
                let command = current.command.id;
                let (plan, words) = (thought.plan.clone(), thought.words.clone());
                let things: Vec<_> = thought.legs.iter().filter_map(thing).collect();
                let nothing = thought.legs.is_empty();
                let names: HashMap<Entity, String> = (thought.plan.mentioned().into_iter())
                    .filter_map(entity)
                    .map(|thing| (thing, self.around.name(thing)))
                    .collect();
                let shown = plan::plan(&thought, current.done, &names, self.npc.floor);
                self.commands.entity(self.avatar).try_insert(shown);
                self.errands.shown = true;
                current.thought = Some(thought);
                self.errands.recent = recent;
                self.taken
                    .extend(things.into_iter().map(|thing| (thing, avatar)));
                if !again {
                    self.tell(CommandAccepted {
                        entity: avatar,
                        command,
                        plan,
                        words,
                    });
                }
                if nothing {
                    // They are there already.
                    self.errands.current = None;
                    self.tell(CommandFinished {
                        entity: avatar,
                        command,
                    });
                }
            }
        }
    }

    /// The world has changed: what is left of the plan is planned anew, or given up for this reason.
    pub(super) fn replan(&mut self, reason: &str) {
        let Some(current) = &mut self.errands.current else {
            return;
        };
        let Some(thought) = current.thought.take().filter(|_| current.replans < REPLANS) else {
            return self.fail(reason.to_owned());
        };
        let from = current.begun.unwrap_or(0).min(thought.plan.steps.len());
        let left = CommandPlan {
            steps: thought.plan.steps[from..].to_vec(),
        };
        let mut again = Current::new(current.command.clone());
        again.done = current.done + from;
        again.replans = current.replans + 1;
        let scene = (self.around).scene(&again.command, &self.errands.recent, self.npc.floor);
        again.seen = self.around.all().collect();
        let asked = self
            .mind
            .ask(self.synthesizer, Question::Plan(left), scene, self.npc.seed);
        self.errands.current = Some(again);
        match asked {
            Ok(answer) => {
                if let Some(current) = &mut self.errands.current {
                    current.answer = Some(answer);
                }
            }
            Err(refusal) => self.fail(refusal.to_string()),
        }
    }

    /// A command cannot be brought to its end.
    pub(super) fn fail(&mut self, reason: String) {
        if let Some(current) = self.errands.current.take() {
            let step = current.done + current.begun.unwrap_or(0);
            self.tell(CommandFailed {
                entity: self.avatar,
                command: current.command.id,
                step,
                reason,
            });
        }
    }
}
