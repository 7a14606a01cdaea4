//! From legs to clips, ordered as soon as it is known how the one before ends.

use std::sync::Arc;

use bevy::asset::Handle;
use bevy::ecs::entity::Entity;
use chois::command::Pace;
use chois::geometry::SdfGrid;
use chois::navigation::{InteractLeg, Leg, TRIES, WalkLeg};
use chois::request::PersonPlace;
use chois::scene::ItemId;
use chois::skeleton::Pose;
use nalgebra::{Isometry3, Vector3};

use super::Actor;
use super::errands::Coming;
use crate::clip::MotionClip;
use crate::npc::mind::Way;
use crate::npc::scene::entity;
use crate::synthesis::{InteractionOrder, WalkOrder};

/// Clips that are made ahead of the one that plays.
const AHEAD: usize = 1;
/// What is begun after something that takes no longer than this is streamed as what is waited for is, seconds.
const BRIEF: f32 = 4.0;

impl Actor<'_, '_, '_, '_, '_, '_> {
    /// Orders the clips of the next legs.
    pub(super) fn order(&mut self) {
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
                        .origin(self.npc.origin())
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

    /// Whether a clip that is ordered now is waited for, or nearly: its beginning is played as soon as it is there.
    pub(super) fn is_awaited(&self) -> bool {
        let before = (self.errands.current.as_ref())
            .and_then(|current| current.coming.back().or(current.playing.as_ref()))
            .and_then(|before| self.whole(before.clip.as_ref()?))
            .map_or(0.0, |clip| clip.motion.seconds());
        !self.npc.whole && before <= BRIEF
    }

    /// A walk from where a clip that is yet to play will have left them and the thing that it moves; None while it is being
    /// found.
    pub(super) fn way(&mut self, walk: WalkLeg, item: ItemId, pose: Pose) -> Option<Way> {
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
        let mut scene = self
            .around
            .scene(&current.command, &self.errands.recent, self.npc.floor);
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
    pub(super) fn again(&mut self) {
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
    pub(super) fn instead(
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

    pub(super) fn interaction(
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
            .origin(self.npc.origin())
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
}
