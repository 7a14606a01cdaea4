//! From commands to clips that play: one leg after the other, each ordered as soon as the one before is there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bevy::asset::{Assets, Handle};
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::{Message, MessageReader};
use bevy::ecs::observer::On;
use bevy::ecs::query::With;
use bevy::ecs::system::{Commands, Query, Res, SystemParam};
use bevy::ecs::world::Mut;
use bevy::log::warn;
use bevy::math::Vec3;
use bevy::transform::components::Transform;
use chois::command::{CommandPlan, Pace};
use chois::geometry::SdfGrid;
use chois::navigation::{InteractLeg, Leg, TRIES, WalkLeg};
use chois::request::PersonPlace;
use chois::scene::ItemId;
use chois::skeleton::Pose;
use nalgebra::{Isometry3, Vector3};

use super::events::{
    CommandAccepted, CommandCancelled, CommandFailed, CommandFinished, CommandRefused,
    CommandStepFinished, CommandStepStarted, Refusal,
};
use super::mind::{Answer, Mind, Question, Thought, Way};
use super::plan::{self, NpcPlan};
use super::scene::{Surroundings, entity};
use super::{Npc, NpcCommand, NpcState, PauseNpc, StopNpc, Turn};
use crate::clip::MotionClip;
use crate::frame;
use crate::playback::InteractionPlayer;
use crate::playback::events::{InteractionFinished, InteractionInterrupted, InterruptReason, tell};
use crate::synthesis::{GenerationStatus, InteractionOrder, MotionSynthesizer, WalkOrder};

/// Clips that are made ahead of the one that plays.
const AHEAD: usize = 1;
/// A thing that is farther than this from where it was when its clip was made has been moved, metres.
const MOVED: f32 = 0.1;
/// What is begun after something that takes no longer than this is streamed as what is waited for is, seconds.
const BRIEF: f32 = 4.0;
/// What has come nearer than this to a way since it was planned may be in it, metres.
const IN_THE_WAY: f32 = 0.9;
/// How often a command is planned anew because the world has changed.
const REPLANS: u8 = 2;
/// Things spoken of before that are remembered.
const RECENT: usize = 8;

/// What an [`Npc`] has to do.
#[derive(Component, Default)]
pub(super) struct Errands {
    queue: VecDeque<NpcCommand>,
    current: Option<Current>,
    /// Things spoken of, the latest first.
    recent: Vec<Entity>,
    /// How the last clip left them.
    stood: Option<Stood>,
    stop: Option<StopNpc>,
    /// They stand still in the middle of what they do.
    paused: bool,
    /// They have an [`NpcPlan`].
    shown: bool,
}

impl Errands {
    /// What waits is called off at once, what is being done at its next turn.
    fn call_off(&mut self, stop: StopNpc, commands: &mut Commands) {
        for waiting in self.queue.drain(..) {
            let cancelled = CommandCancelled {
                entity: stop.entity,
                command: waiting.id,
            };
            tell(commands, cancelled);
        }
        if self.current.is_some() {
            self.stop = Some(stop);
        }
    }

    /// Pauses, or goes on.
    fn pause(&mut self, paused: bool, player: Option<Mut<InteractionPlayer>>) {
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
struct Stood {
    pose: Pose,
    at: Transform,
}

/// The command that is being carried out.
struct Current {
    command: NpcCommand,
    answer: Option<Answer<Thought>>,
    /// A walk that is found anew.
    way: Option<Answer<Way>>,
    thought: Option<Thought>,
    /// Legs that were ordered.
    ordered: usize,
    /// Those whose clips are yet to play, the next first.
    coming: VecDeque<Coming>,
    playing: Option<Coming>,
    /// The step that was last told to have begun.
    begun: Option<usize>,
    /// The plan's first step in the command's own count: what was done before planning anew.
    done: usize,
    replans: u8,
    /// It ends with the clip that plays.
    ending: bool,
    /// Where everything was when it was planned.
    seen: HashMap<Entity, Vec3>,
}

/// A leg with its clip; waiting has none.
struct Coming {
    leg: usize,
    clip: Option<Handle<MotionClip>>,
    /// How often it was made again.
    again: usize,
    /// One made before that leaves its thing where it should be, but its person bent over it.
    spare: Option<Handle<MotionClip>>,
    /// It began to play before it was whole.
    early: bool,
}

impl Current {
    fn new(command: NpcCommand) -> Self {
        Self {
            command,
            answer: None,
            way: None,
            thought: None,
            ordered: 0,
            coming: VecDeque::new(),
            playing: None,
            begun: None,
            done: 0,
            replans: 0,
            ending: false,
            seen: HashMap::new(),
        }
    }

    fn legs(&self) -> &[Leg] {
        self.thought.as_ref().map_or(&[], |thought| &thought.legs)
    }

    /// What stands about a leg.
    fn about(&self, leg: usize) -> Option<Arc<SdfGrid>> {
        self.thought.as_ref()?.about.get(leg)?.clone()
    }

    /// The step of a leg, in the present plan's count.
    fn step_of(&self, leg: usize) -> usize {
        match self.legs().get(leg) {
            Some(Leg::Walk(leg)) => leg.step,
            Some(Leg::Interact(leg)) => leg.step,
            Some(Leg::Wait { step }) => *step,
            None => self.begun.unwrap_or(0),
        }
    }

    /// Things that it will move.
    fn things(&self) -> impl Iterator<Item = Entity> + '_ {
        self.legs().iter().filter_map(thing)
    }
}

/// The thing that a leg moves.
fn thing(leg: &Leg) -> Option<Entity> {
    match leg {
        Leg::Interact(leg) => entity(leg.item),
        Leg::Walk(_) | Leg::Wait { .. } => None,
    }
}

/// A command is given.
pub(super) fn told(
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
pub(super) fn stopped(
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
pub(super) fn paused(
    pause: On<PauseNpc>,
    mut npcs: Query<(&mut Errands, Option<&mut InteractionPlayer>), With<Npc>>,
) {
    if let Ok((mut errands, player)) = npcs.get_mut(pause.entity) {
        errands.pause(pause.paused, player);
    }
}

/// What happened to what plays.
#[derive(SystemParam)]
pub(super) struct Happened<'w, 's> {
    finished: MessageReader<'w, 's, InteractionFinished>,
    interrupted: MessageReader<'w, 's, InteractionInterrupted>,
}

/// Everything that is done for [`Npc`]s.
pub(super) fn act(
    mut npcs: Query<(Entity, &Npc, &mut NpcState, &mut Errands, &Transform)>,
    mut around: Surroundings,
    mut happened: Happened,
    mut synthesizer: MotionSynthesizer,
    mind: Res<Mind>,
    clips: Res<Assets<MotionClip>>,
    mut commands: Commands,
) {
    let finished: Vec<Entity> = happened.finished.read().map(|event| event.entity).collect();
    let interrupted: Vec<_> = happened.interrupted.read().cloned().collect();
    let mut taken: Vec<(Entity, Entity)> = (npcs.iter())
        .flat_map(|(npc, _, _, errands, _)| {
            let things = errands.current.iter().flat_map(Current::things);
            things.map(move |thing| (thing, npc)).collect::<Vec<_>>()
        })
        .collect();
    for (avatar, npc, mut state, mut errands, place) in &mut npcs {
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
        };
        actor.stop();
        if finished.contains(&avatar) {
            actor.played();
        }
        if let Some(event) = interrupted.iter().find(|event| event.entity == avatar) {
            actor.interrupted(&event.reason);
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

    /// Whether a clip that is ordered now is waited for, or nearly: its beginning is played as soon as it is there.
    fn is_awaited(&self) -> bool {
        let before = (self.errands.current.as_ref())
            .and_then(|current| current.coming.back().or(current.playing.as_ref()))
            .and_then(|before| self.whole(before.clip.as_ref()?))
            .map_or(0.0, |clip| clip.motion.seconds());
        !self.npc.whole && before <= BRIEF
    }

    /// Ends what is being done, if that was asked for.
    fn stop(&mut self) {
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
        let plays = current.playing.is_some();
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

    /// The clip that played has come to its end.
    fn played(&mut self) {
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
            && let Some(place) = entity(leg.item).and_then(|object| self.around.place(object))
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
    fn ended(&mut self, leg: usize, off: Option<f32>) {
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

    /// The clip that played was interrupted.
    fn interrupted(&mut self, reason: &InterruptReason) {
        let plays = (self.errands.current.as_ref()).is_some_and(|c| c.playing.is_some());
        if !plays || matches!(reason, InterruptReason::Replaced) {
            return;
        }
        self.errands.stood = None;
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

    /// A command cannot be brought to its end.
    fn fail(&mut self, reason: String) {
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

    /// The world has changed: what is left of the plan is planned anew, or given up for this reason.
    fn replan(&mut self, reason: &str) {
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
        let scene = self.around.scene(&again.command, &self.errands.recent);
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
            None => NpcState::Idle,
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

    /// Takes the next command in hand.
    fn begin(&mut self) {
        let Some(command) = self.errands.queue.pop_front() else {
            return;
        };
        let scene = self.around.scene(&command, &self.errands.recent);
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

    /// Hears what a command comes to.
    fn hear(&mut self) {
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
                let shown = plan::plan(&thought, current.done, &names);
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

    /// Orders the clips of the next legs.
    fn order(&mut self) {
        loop {
            let Some(current) = &self.errands.current else {
                return;
            };
            let ahead = current.coming.len();
            let room = AHEAD + usize::from(current.playing.is_none());
            let leg = current.ordered;
            let Some(next) = current
                .legs()
                .get(leg)
                .filter(|_| ahead < room && !current.ending)
            else {
                return;
            };
            let before = current.coming.back().or(current.playing.as_ref());
            let pose = match before {
                // How they will stand is known once that clip is there.
                Some(Coming {
                    clip: Some(clip), ..
                }) => match self.whole(clip).and_then(|c| c.motion.frames.last()) {
                    Some(last) => Some(last.pose),
                    None => return,
                },
                _ => (self.errands.stood.as_ref())
                    .filter(|stood| stood.at == *self.place)
                    .map(|stood| stood.pose),
            };
            // What was done before with a thing has not left them quite where it was planned.
            let from = match (leg.checked_sub(1).and_then(|l| current.legs().get(l)), pose) {
                (Some(Leg::Interact(before)), Some(pose)) => Some((before.item, pose)),
                _ => None,
            };
            let next = next.clone();
            let way = match (&next, from) {
                (Leg::Walk(walk), Some((item, pose))) => {
                    match self.way(walk.clone(), item, pose) {
                        Some(way) => Some(way),
                        // It is being found.
                        None => return,
                    }
                }
                _ => None,
            };
            let Some(current) = &self.errands.current else {
                return;
            };
            let clip = match next {
                Leg::Wait { .. } => None,
                Leg::Walk(walk) => {
                    let (walk, about) = match way {
                        Some(way) => (way.leg, way.about),
                        None => (walk, current.about(leg)),
                    };
                    let seed = self.npc.seed.wrapping_add(leg as u64);
                    let slow_or_quick = (current.thought.as_ref())
                        .and_then(|t| t.plan.steps.get(walk.step))
                        .is_some_and(|step| step.manner.pace != Pace::Usual);
                    let mut request = walk.request(slow_or_quick).seed(seed);
                    request.sampling = self.npc.sampling;
                    request.person = self.around.person(self.avatar).unwrap_or_default();
                    request.pose = pose;
                    let mut order = WalkOrder::from_request(request)
                        .avatar(self.avatar)
                        .priority(self.npc.priority);
                    if let Some(grid) = about {
                        order = order.scene(grid);
                    }
                    if self.is_awaited() {
                        order = order.streamed();
                    }
                    Some(self.synthesizer.walk(order))
                }
                Leg::Interact(interact) => {
                    let about = current.about(leg);
                    Some(self.interaction(*interact, 0, pose, about))
                }
            };
            if let Some(current) = &mut self.errands.current {
                current.coming.push_back(Coming {
                    leg,
                    clip,
                    again: 0,
                    spare: None,
                    early: false,
                });
                current.ordered += 1;
            }
        }
    }

    /// A walk from where a clip that is yet to play will have left them and the thing that it moves; None while it is being
    /// found.
    fn way(&mut self, walk: WalkLeg, item: ItemId, pose: Pose) -> Option<Way> {
        let planned = Way {
            leg: walk,
            about: None,
        };
        let current = self.errands.current.as_mut()?;
        if let Some(answer) = &mut current.way {
            let way = answer.get()?;
            current.way = None;
            return Some(way.unwrap_or(planned));
        }
        let current = self.errands.current.as_ref()?;
        let last = (current.coming.back().or(current.playing.as_ref()))
            .and_then(|coming| self.whole(coming.clip.as_ref()?))
            .and_then(|clip| clip.motion.frames.last());
        let moved = last.and_then(|last| {
            let turn = last.object_rotation;
            let origin = Isometry3::from_parts(last.object_position.into(), turn);
            self.around.place_at(entity(item)?, &origin)
        });
        let mut scene = self.around.scene(&current.command, &self.errands.recent);
        if let (Some(place), Some(item)) = (moved, scene.items.iter_mut().find(|i| i.id == item)) {
            item.place = place;
        }
        let facing = pose.rotations[0] * Vector3::z();
        let person = PersonPlace {
            position: [pose.root.x, pose.root.y],
            facing: facing.y.atan2(facing.x).to_degrees(),
        };
        let leg = planned.leg.clone();
        match self.mind.ask_way(self.synthesizer, leg, person, scene) {
            Ok(answer) => {
                self.errands.current.as_mut()?.way = Some(answer);
                None
            }
            Err(_) => Some(planned),
        }
    }

    /// Has the next clip made again where it leaves its thing elsewhere than it should, or its person bent over it.
    fn again(&mut self) {
        let Some(current) = &self.errands.current else {
            return;
        };
        let Some(next) = current.coming.front() else {
            return;
        };
        let (leg, again) = (next.leg, next.again + 1);
        let Some(Leg::Interact(interact)) = current.legs().get(leg) else {
            return;
        };
        let ends = (next.clip.as_ref())
            .and_then(|clip| self.whole(clip))
            .and_then(|clip| clip.motion.frames.last())
            .and_then(|last| {
                let turn = last.object_rotation;
                let origin = Isometry3::from_parts(last.object_position.into(), turn);
                let place = self.around.place_at(entity(interact.item)?, &origin)?;
                Some((interact.is_done(&place), interact.is_upright(&last.pose)))
            });
        let Some((done, upright)) = ends else {
            return;
        };
        let spare = next.spare.clone();
        if (done && upright) || (again >= TRIES && (done || spare.is_none())) {
            return;
        }
        if again >= TRIES {
            return self.instead(leg, spare, again - 1, None);
        }
        let spare = if done { next.clip.clone() } else { spare };
        let (interact, about) = ((**interact).clone(), current.about(leg));
        let pose = match &current.playing {
            Some(before) => (before.clip.as_ref())
                .and_then(|clip| self.whole(clip)?.motion.frames.last())
                .map(|last| last.pose),
            // They have stood since the clip before.
            None => (self.errands.stood.as_ref())
                .filter(|stood| stood.at == *self.place)
                .map(|stood| stood.pose),
        };
        let clip = self.interaction(interact, again, pose, about);
        self.instead(leg, Some(clip), again, spare);
    }

    /// Takes another clip for the next leg than the one that is there.
    fn instead(
        &mut self,
        leg: usize,
        clip: Option<Handle<MotionClip>>,
        again: usize,
        spare: Option<Handle<MotionClip>>,
    ) {
        if let Some(current) = &mut self.errands.current {
            // What was made to follow the other one does not follow this one.
            current.way = None;
            current.coming.clear();
            current.ordered = leg + 1;
            current.coming.push_back(Coming {
                leg,
                clip,
                again,
                spare,
                early: false,
            });
        }
    }

    fn interaction(
        &mut self,
        leg: InteractLeg,
        again: usize,
        pose: Option<Pose>,
        about: Option<Arc<SdfGrid>>,
    ) -> Handle<MotionClip> {
        let seed = leg.seed(again);
        let mut request = leg.request;
        request.seed = seed;
        request.sampling = self.npc.sampling;
        request.pose = pose;
        let object = entity(leg.item).unwrap_or(Entity::PLACEHOLDER);
        // What is made again is looked at before it plays.
        let streamed = again == 0 && self.is_awaited();
        let mut order = InteractionOrder::from_request(object, request)
            .avatar(self.avatar)
            .contact(self.npc.contact)
            .priority(self.npc.priority);
        if let Some(grid) = about {
            order = order.scene(grid);
        }
        if streamed {
            order = order.streamed();
        }
        self.synthesizer.generate(order)
    }

    /// Plays the next clip, once it is there.
    fn play(&mut self) {
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
                let Some(place) = object.and_then(|object| self.around.place(object)) else {
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
            let mut interaction = InteractionPlayer::new(clip);
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

    /// Whether something has come since it was planned to where a leg leads. Somebody who has planned anew often enough goes
    /// on all the same.
    fn is_changed(&self, leg: usize) -> bool {
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

    /// Tells of a step that begins with a leg.
    fn begun(&mut self, leg: usize) {
        let shown = move |mut plan: Mut<NpcPlan>| plan.now = leg;
        (self.commands.entity(self.avatar).entry::<NpcPlan>()).and_modify(shown);
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
}
