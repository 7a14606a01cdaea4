//! Live contact: the clip plays on while physics has the object, step by step behind the player's time.

use std::sync::Arc;

use bevy::ecs::entity::Entity;
use bevy::log::warn;
use bevy::math::{Isometry3d, Vec3};
use bevy::tasks::{AsyncComputeTaskPool, Task, futures::check_ready};
use bevy::transform::components::Transform;
use chois::contact::{ContactEvent, ContactOptions, LetGo, LiveContact};
use chois::motion::{Frame, MotionClip};
use chois::retarget::{Change, Retarget, RigPose, RootPlace};
use chois::skeleton::{Pose, joint};
use nalgebra::Vector3;

use super::LivePhysics;
use super::events::{HandLetGo, PhysicsStarted, tell};
use super::hold::is_moved;
use super::parts::BodyParts;
use super::play::Turn;
use crate::clip::bake::BakeJob;
use crate::contact::{ObjectPhysics, PhysicalObjects, Solid, model};
use crate::frame;

/// Length of a step, seconds; what is shown is between two of them.
const STEP: f32 = 1.0 / 60.0;
/// Seconds in which physics takes over from the clip, in which a palm comes to the object, and in which a hand opens.
const TAKE_OVER: f32 = 0.3;
const CLOSE: f32 = 0.2;
const OPEN: f32 = 0.25;
/// A time ahead of physics by more than this, seconds, is a seek.
const AHEAD: f32 = 1.0;
/// Physics that is ready and behind by more than this, seconds, catches up in the background.
const BEHIND: f32 = 0.25;

/// A session, ready to go on.
struct Session {
    contact: LiveContact,
    /// The last two steps, and the clip's own pose at them.
    frames: [Frame; 2],
    own: [Pose; 2],
    /// The points that the hands hold, in the object's frame, or held last; and whether they do.
    points: [Vector3<f32>; 2],
    holding: [bool; 2],
    retarget: Retarget,
    change: Change,
    shown: Box<RigPose>,
    /// What is in the way, its number, and where it is in the clip's world.
    obstacles: Vec<(Entity, usize, nalgebra::Isometry3<f32>)>,
    /// Seconds since it is shown.
    age: f32,
    /// How much each palm belongs to the object, and how far each hand has opened before the clip opens it, 0 to 1.
    held: [f32; 2],
    open: [f32; 2],
}

/// Live contact of one avatar.
#[derive(Default)]
pub(super) struct Live {
    /// What it was prepared for.
    job: Option<BakeJob>,
    // In a lock because it cannot be shared; nobody else ever holds it.
    task: Option<Task<Result<Box<Session>, Arc<str>>>>,
    session: Option<std::sync::Mutex<Box<Session>>>,
    /// It has caught up with the player.
    started: bool,
    /// Where the object was put last.
    written: Option<Transform>,
    /// The game has taken the object; the hands stay away from it.
    pub lost: bool,
    /// It is about to: somebody took [`HeldBy`](super::HeldBy) off it.
    pub grabbed: bool,
    failed: bool,
}

impl Live {
    /// How fast the object moves (metres per second) and turns (radians per second) in the clip's world, where physics has it;
    /// not at all when the game has taken it.
    pub fn velocity(&mut self) -> Option<(Vec3, Vec3)> {
        if self.lost {
            return Some(Default::default());
        }
        self.written?;
        let session = self.session.as_mut()?.get_mut().ok()?;
        let [a, b] = &session.frames;
        let shift = (b.object_position - a.object_position) / STEP;
        let turn = (b.object_rotation * a.object_rotation.inverse()).scaled_axis() / STEP;
        Some((frame::vec3(shift), frame::vec3(turn)))
    }

    /// Which hands hold the object, and the points that they hold or held last, in the object's frame, Y up, metres. None
    /// where there is no physics.
    pub fn held(&mut self) -> Option<([bool; 2], [Vec3; 2])> {
        let lost = self.lost;
        let session = self.session.as_mut()?.get_mut().ok()?;
        let holding = session.holding.map(|holds| holds && !lost);
        Some((holding, session.points.map(frame::vec3)))
    }

    /// Whether the object is where physics has it.
    pub fn drives(&self) -> bool {
        self.session.is_some() && !self.lost && self.written.is_some()
    }
}

/// Whether what is prepared for one job is right for the other: bones are known by their numbers in the rig.
fn is_same(a: &BakeJob, b: &BakeJob) -> bool {
    Arc::ptr_eq(&a.motion, &b.motion)
        && Arc::ptr_eq(&a.rig, &b.rig)
        && Arc::ptr_eq(&a.map, &b.map)
        && a.scale == b.scale
        && match (&a.geometry, &b.geometry) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
}

/// Everything up to `time`, on another thread.
fn prepare(
    motion: Arc<MotionClip>,
    retarget: chois::Result<Retarget>,
    geometry: &chois::geometry::ObjectGeometry,
    physics: ObjectPhysics,
    objects: &PhysicalObjects,
    live: LivePhysics,
    time: f32,
) -> Result<Box<Session>, Arc<str>> {
    let fail = |e: chois::Error| Arc::from(e.to_string());
    let retarget = retarget.map_err(fail)?;
    let object = objects.get(geometry, &physics)?;
    let options = ContactOptions {
        grip: live.grip,
        scene: live.scene,
        ..ContactOptions::default()
    };
    let first = motion.frames.first().copied();
    let first = first.ok_or_else(|| Arc::from("the clip has no frames"))?;
    let contact = LiveContact::new(motion, &object, &options).map_err(fail)?;
    let mut session = Box::new(Session {
        contact,
        frames: [first; 2],
        own: [first.pose; 2],
        points: [Vector3::zeros(); 2],
        holding: [false; 2],
        change: retarget.unchanged(),
        shown: Box::new(retarget.rest()),
        retarget,
        obstacles: Vec::new(),
        age: 0.0,
        held: [0.0; 2],
        open: [0.0; 2],
    });
    session.follow(time).map_err(fail)?;
    Ok(session)
}

impl Session {
    /// Goes on until `time` lies within the last step; what happened.
    fn follow(&mut self, time: f32) -> chois::Result<Vec<ContactEvent>> {
        let mut events = Vec::new();
        while self.contact.time() < time {
            let step = self.contact.advance(STEP)?;
            self.frames = [self.frames[1], step.frame];
            self.own = [self.own[1], step.clips_pose];
            for (hand, point) in step.points.into_iter().enumerate() {
                self.holding[hand] = point.is_some();
                self.points[hand] = point.unwrap_or(self.points[hand]);
            }
            events.extend(step.events);
        }
        Ok(events)
    }

    /// How far `time` is from the last step but one to the last.
    fn share(&self, time: f32) -> f32 {
        (1.0 - (self.contact.time() - time) / STEP).clamp(0.0, 1.0)
    }

    /// Hands come to the object and open gently. `clips` is what the clip's own hands do.
    fn ease(&mut self, dt: f32, clips: [f32; 4]) {
        self.age += dt;
        for hand in 0..2 {
            let toward = |value: f32, wanted: bool, seconds: f32| {
                let goal = f32::from(u8::from(wanted));
                value + (goal - value).clamp(-dt / seconds, dt / seconds)
            };
            let holds = self.holding[hand];
            self.held[hand] = toward(self.held[hand], holds, CLOSE);
            self.open[hand] = toward(self.open[hand], clips[hand] > 0.5 && !holds, OPEN);
        }
    }
}

/// From 0 to 1 without a corner.
fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

impl Turn<'_, '_, '_, '_> {
    /// After the clip's own pose was written: what physics makes of it, where it is ready.
    /// Without `places` only the bones are written.
    pub(super) fn live(&mut self, places: bool) {
        let strikes = std::mem::take(&mut self.interaction.strikes);
        let Some(options) = self.interaction.live.clone() else {
            self.player.live = Live::default();
            return;
        };
        let mut live = std::mem::take(&mut self.player.live);
        if let Err(reason) = self.go_live(&mut live, options, &strikes, places) {
            warn!(
                "live contact of avatar {}: {reason}; the clip plays as it is from here",
                self.avatar
            );
            live.failed = true;
            live.session = None;
        }
        self.player.live = live;
    }

    fn go_live(
        &mut self,
        live: &mut Live,
        options: LivePhysics,
        strikes: &[(Vec3, Vec3)],
        places: bool,
    ) -> Result<(), Arc<str>> {
        let (Some(ready), Some(object)) = (&self.player.playing, self.player.object) else {
            return Ok(());
        };
        let (job, time) = (ready.job.clone(), self.player.time);
        if !(live.job.as_ref()).is_some_and(|of| is_same(of, &job)) {
            *live = Live {
                job: Some(job.clone()),
                ..Live::default()
            };
        }
        if live.failed {
            return Ok(());
        }
        if let Some(done) = live.task.as_mut().and_then(check_ready) {
            live.task = None;
            live.session = Some(done?.into());
        }
        if let Some(mut session) = live.session.take() {
            let at = session.get_mut().map_err(|_| "it panicked")?.contact.time();
            if time < at - 2.0 * STEP || live.started && time > at + AHEAD {
                // A seek, or a loop: another session, from the clip's beginning to there.
                live.written = None;
                live.started = false;
                live.lost = false;
                live.grabbed = false;
            } else if !live.started && time > at + BEHIND {
                // The clip has run on meanwhile.
                let mut session = session.into_inner().map_err(|_| "it panicked")?;
                let pool = AsyncComputeTaskPool::get_or_init(Default::default);
                live.task = Some(pool.spawn(async move {
                    session.follow(time).map_err(|e| Arc::from(e.to_string()))?;
                    Ok(session)
                }));
            } else {
                live.session = Some(session);
            }
        }
        let Some(session) = &mut live.session else {
            // Backwards the clip runs as it is.
            if live.task.is_none() && self.moving_speed() >= 0.0 {
                let (Some(geometry), Some(objects)) = (&job.geometry, &self.scene.objects) else {
                    return Err("the object's shape is not known; give it an Interactable".into());
                };
                let (geometry, objects) = (geometry.clone(), (**objects).clone());
                let physics = self.scene.physics.get(object).copied().unwrap_or_default();
                live.task = Some(AsyncComputeTaskPool::get_or_init(Default::default).spawn(
                    async move {
                        let retarget =
                            Retarget::new(&job.rig, &job.map, &job.motion.skeleton, job.scale);
                        let motion = job.motion.clone();
                        prepare(
                            motion, retarget, &geometry, physics, &objects, options, time,
                        )
                    },
                ));
            }
            return Ok(());
        };
        let session = session.get_mut().map_err(|_| "it panicked")?;
        if !live.started {
            live.started = true;
            let entity = self.avatar;
            tell(&mut self.scene.commands, PhysicsStarted { entity, object });
        }
        // Somebody else has moved the object: it is theirs.
        if let (Some(written), Ok(now)) = (live.written, self.scene.transforms.get(object))
            && places
            && !live.lost
            && self.player.driven > 0
            && (live.grabbed || is_moved(&written, now))
        {
            live.lost = true;
            session.contact.take();
        }
        self.place_obstacles(session);
        let back = self.player.settings.origin.inverse();
        for (impulse, point) in strikes
            .iter()
            .filter(|(i, p)| i.is_finite() && p.is_finite())
        {
            let impulse = frame::vector(back.rotation * *impulse);
            session
                .contact
                .strike(&impulse, &frame::vector(back * *point));
        }
        let events = session.follow(time).map_err(|e| Arc::from(e.to_string()))?;
        self.tell_let_go(object, &events);
        let t = session.share(time);
        let frame = Frame::between(&session.frames[0], &session.frames[1], t);
        let own = Pose::between(&session.own[0], &session.own[1], t);
        let at =
            ((time * job.motion.fps).round().max(0.0) as usize).min(job.motion.frames.len() - 1);
        session.ease(self.dt, job.motion.frames[at].contact);
        self.show(session, &frame, &own, places);
        // What is lost is given back at the next frame.
        if places && !live.lost && self.player.driven > 0 {
            live.written = self.put_object(object, &frame, smooth(session.age / TAKE_OVER));
        }
        Ok(())
    }

    fn tell_let_go(&mut self, object: Entity, events: &[ContactEvent]) {
        for event in events {
            if let ContactEvent::Released { hand, reason, .. } = *event
                && reason != LetGo::Planned
            {
                let let_go = HandLetGo {
                    entity: self.avatar,
                    object,
                    hand,
                    reason,
                };
                tell(&mut self.scene.commands, let_go);
            }
        }
    }

    /// Tells physics what is in the way.
    fn place_obstacles(&self, session: &mut Session) {
        let back = self.player.settings.origin.inverse();
        for (entity, solid, place) in &self.scene.obstacles {
            if Some(entity) == self.player.object {
                continue;
            }
            let here = Solid::place(back, place);
            let known = session.obstacles.iter_mut().find(|o| o.0 == entity);
            if let Some((_, number, at)) = known {
                if *at != here {
                    session.contact.move_obstacle(*number, &here);
                    *at = here;
                }
            } else {
                let number = session.contact.add_obstacle(&solid.at(here));
                session.obstacles.push((entity, number, here));
            }
        }
        session.obstacles.retain(|(entity, number, _)| {
            let there = self.scene.obstacles.contains(*entity);
            if !there {
                // What is gone is out of everybody's way.
                let away = model(Isometry3d::from_xyz(0.0, -1e3, 0.0));
                session.contact.move_obstacle(*number, &away);
            }
            there
        });
    }

    /// Changes the pose that was just written as physics changes the clip's.
    fn show(&mut self, session: &mut Session, frame: &Frame, own: &Pose, places: bool) {
        let Some(ready) = &self.player.playing else {
            return;
        };
        let motion = ready.job.motion.clone();
        let Session {
            retarget,
            change,
            shown,
            held,
            open,
            ..
        } = session;
        change.set(retarget, own, &frame.pose);
        let takes_over = smooth(session.age / TAKE_OVER);
        let weight = self.player.settings.weight.clamp(0.0, 1.0);
        let share = takes_over * weight;
        let parts = self.player.settings.parts;
        let mine = |k: usize| parts == BodyParts::ALL || parts.contains(self.player.parts[k]);
        for (k, &bone) in retarget.bones().iter().enumerate() {
            let now = frame::same_rotation(self.player.now[bone].rotation);
            shown.rotations[k] = match mine(k) {
                true => change.rotation(retarget, k, &now, share, open.map(smooth)),
                false => now,
            };
        }
        let hips = retarget.hips();
        let now = frame::same_vector(self.player.now[hips].translation);
        let trunk = parts.contains(BodyParts::TRUNK);
        shown.hips_translation = change.hips(&now, if trunk { share } else { 0.0 });
        shown.root = self.root_place();
        if places {
            shown.root = change.root(&shown.root, takes_over);
        }
        let joints = motion.skeleton.forward(&frame.pose);
        let palm = |hand: usize, arm: BodyParts| {
            let weight = smooth(held[hand]) * share;
            (weight > 0.0 && parts.contains(arm)).then(|| (joints[joint::LEFT_PALM + hand], weight))
        };
        let palms = [palm(0, BodyParts::LEFT_ARM), palm(1, BodyParts::RIGHT_ARM)];
        change.reach(retarget, palms, shown);

        for (k, &bone) in retarget.bones().iter().enumerate() {
            if mine(k)
                && let Ok(mut transform) = self.scene.transforms.get_mut(ready.entities[bone])
            {
                transform.rotation = frame::same_quat(shown.rotations[k]);
                self.player.now[bone] = *transform;
            }
        }
        if trunk && let Ok(mut transform) = self.scene.transforms.get_mut(ready.entities[hips]) {
            transform.translation = frame::same_vec3(shown.hips_translation);
            self.player.now[hips] = *transform;
        }
        if places {
            let root = frame::isometry(shown.root.position, shown.root.rotation);
            let root = self.local(self.avatar, root, Default::default(), Default::default());
            if let Ok(mut transform) = self.scene.transforms.get_mut(self.avatar) {
                transform.translation = root.translation;
                transform.rotation = root.rotation;
                self.player.root[0] = *transform;
            }
        }
    }

    /// Where the avatar's root was written, in the clip's world.
    fn root_place(&self) -> RootPlace {
        let root = &self.player.root[0];
        let (mut at, mut turn) = (root.translation, root.rotation);
        if let Some((affine, rotation)) = self.parent(self.avatar) {
            (at, turn) = (affine.transform_point3(at), rotation * turn);
        }
        let place = self.player.settings.origin.inverse() * Isometry3d::new(at, turn);
        RootPlace {
            position: frame::vector(place.translation.into()),
            rotation: frame::rotation(place.rotation),
        }
    }

    /// Puts the object where physics has it, a share of the way from where the clip has it; there.
    fn put_object(&mut self, object: Entity, frame: &Frame, share: f32) -> Option<Transform> {
        let ready = self.player.playing.as_ref()?;
        let mut place = frame::isometry(frame.object_position, frame.object_rotation);
        if share < 1.0
            && let Some(clips) = ready.clip.object(&ready.clip.tap(self.player.time))
        {
            place = Isometry3d::new(
                Vec3::from(clips.translation).lerp(place.translation.into(), share),
                clips.rotation.slerp(place.rotation, share),
            );
        }
        let mut place = self.local(object, place, Default::default(), Default::default());
        if let Some(left) = self.player.object_decay.left() {
            let offset = &self.player.object_offset;
            offset.lay_over(&left, &mut place.translation, &mut place.rotation);
        }
        let mut transform = self.scene.transforms.get_mut(object).ok()?;
        transform.translation = place.translation;
        transform.rotation = place.rotation;
        self.player.object_places[1] = self.player.object_places[0];
        self.player.object_places[0] = *transform;
        self.player.driven = self.player.driven.saturating_add(1);
        Some(*transform)
    }
}
