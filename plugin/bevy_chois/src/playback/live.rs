//! Live contact: the clip plays on while physics has the object, step by step behind the player's time.

use std::sync::Arc;

use bevy::ecs::entity::Entity;
use bevy::log::warn;
use bevy::math::{Isometry3d, Vec3};
use bevy::tasks::{AsyncComputeTaskPool, Task, futures::check_ready};
use bevy::transform::components::Transform;
use chois::contact::{ContactEvent, ContactOptions, LetGo, LiveContact, Obstacle, ObstacleShape};
use chois::motion::{Frame, MotionClip};
use chois::retarget::{Retarget, RigPose};
use nalgebra::{Isometry3, Translation3};

use super::LivePhysics;
use super::events::{HandLetGo, PhysicsStarted, tell};
use super::hold::is_moved;
use super::parts::BodyParts;
use super::play::Turn;
use crate::contact::{ObjectPhysics, PhysicalObjects};
use crate::frame;

/// Length of a step, seconds; what is shown is between two of them.
const STEP: f32 = 1.0 / 60.0;
/// A time ahead of physics by more than this, seconds, is a seek.
const AHEAD: f32 = 1.0;

/// A session, ready to go on.
struct Session {
    contact: LiveContact,
    frames: [Frame; 2],
    retarget: Retarget,
    pose: Box<RigPose>,
    /// What is in the way, its number, and where it is in the clip's world.
    obstacles: Vec<(Entity, usize, Isometry3d)>,
}

/// Live contact of one avatar.
#[derive(Default)]
pub(super) struct Live {
    /// What it was prepared for.
    motion: Option<Arc<MotionClip>>,
    // In a lock because it cannot be shared; nobody else ever holds it.
    task: Option<Task<Result<Box<Session>, Arc<str>>>>,
    session: Option<std::sync::Mutex<Box<Session>>>,
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

    /// Whether the object is where physics has it.
    pub fn drives(&self) -> bool {
        self.session.is_some() && !self.lost && self.written.is_some()
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
        ..ContactOptions::default()
    };
    let first = motion.frames.first().copied();
    let first = first.ok_or_else(|| Arc::from("the clip has no frames"))?;
    let contact = LiveContact::new(motion, &object, &options).map_err(fail)?;
    let pose = Box::new(retarget.rest());
    let mut session = Box::new(Session {
        contact,
        frames: [first; 2],
        retarget,
        pose,
        obstacles: Vec::new(),
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
            events.extend(step.events);
        }
        Ok(events)
    }

    /// Between the last two steps.
    fn frame_at(&self, time: f32) -> Frame {
        let [a, b] = &self.frames;
        let t = (1.0 - (self.contact.time() - time) / STEP).clamp(0.0, 1.0);
        let mut out = *b;
        out.pose.root = a.pose.root.lerp(&b.pose.root, t);
        for (out, (a, b)) in
            (out.pose.rotations.iter_mut()).zip(a.pose.rotations.iter().zip(&b.pose.rotations))
        {
            *out = a.try_slerp(b, t, 1e-6).unwrap_or(*b);
        }
        out.object_position = a.object_position.lerp(&b.object_position, t);
        out.object_rotation = (a.object_rotation)
            .try_slerp(&b.object_rotation, t, 1e-6)
            .unwrap_or(b.object_rotation);
        // Between close rotations it is off by rounding.
        out.object_rotation.renormalize();
        out
    }
}

impl Turn<'_, '_, '_, '_> {
    /// After the clip's own pose was written: what physics makes of it, where it is ready.
    /// Without `places` only the bones are written.
    pub(super) fn live(&mut self, places: bool) {
        let strikes = std::mem::take(&mut self.interaction.strikes);
        let Some(options) = self.interaction.live else {
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
        if !(live.motion.as_ref()).is_some_and(|m| Arc::ptr_eq(m, &job.motion)) {
            *live = Live {
                motion: Some(job.motion.clone()),
                ..Live::default()
            };
        }
        if live.failed {
            return Ok(());
        }
        if let Some(done) = live.task.as_mut().and_then(check_ready) {
            live.task = None;
            live.session = Some(done?.into());
            let entity = self.avatar;
            tell(&mut self.scene.commands, PhysicsStarted { entity, object });
        }
        if let Some(session) = &mut live.session {
            let at = session.get_mut().map_err(|_| "it panicked")?.contact.time();
            if time < at - 2.0 * STEP || time > at + AHEAD {
                // A seek, or a loop: another session, from the clip's beginning to there.
                live.session = None;
                live.written = None;
                live.lost = false;
                live.grabbed = false;
            }
        }
        let Some(session) = &mut live.session else {
            if live.task.is_none() {
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
        let back = self.interaction.origin.inverse();
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
        let frame = session.frame_at(time);
        if self.player.decay.left().is_none()
            && self.interaction.weight >= 1.0
            && self.interaction.parts == BodyParts::ALL
        {
            let Session { retarget, pose, .. } = &mut **session;
            let joints = job.motion.skeleton.forward(&frame.pose);
            let palm = |hand: usize| Some((joints[chois::skeleton::joint::LEFT_PALM + hand], 1.0));
            retarget.solve(&frame.pose, [palm(0), palm(1)], pose);
            self.put_on(retarget, pose, places);
        }
        if !places {
            return Ok(());
        }
        // What is lost is given back at the next frame.
        if !live.lost && self.player.driven > 0 {
            live.written = self.put_object(object, &frame);
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
        let back = self.interaction.origin.inverse();
        let model = |place: Isometry3d| {
            let at = frame::vector(place.translation.into());
            Isometry3::from_parts(Translation3::from(at), frame::rotation(place.rotation))
        };
        for (entity, obstacle, place) in &self.scene.obstacles {
            let (scale, ..) = place.to_scale_rotation_translation();
            let here = back * place.to_isometry();
            let known = session.obstacles.iter_mut().find(|o| o.0 == entity);
            if let Some((_, number, at)) = known {
                if *at != here {
                    session.contact.move_obstacle(*number, &model(here));
                    *at = here;
                }
            } else if let Ok(shape) =
                ObstacleShape::cuboid(frame::vector(obstacle.half * scale).abs())
            {
                let number = (session.contact).add_obstacle(&Obstacle::new(shape, model(here)));
                session.obstacles.push((entity, number, here));
            }
        }
        session.obstacles.retain(|(entity, number, _)| {
            let there = self.scene.obstacles.contains(*entity);
            if !there {
                // What is gone is out of everybody's way.
                let away = Isometry3d::from_xyz(0.0, -1e3, 0.0);
                session.contact.move_obstacle(*number, &model(away));
            }
            there
        });
    }

    /// Writes a pose of the rig.
    fn put_on(&mut self, retarget: &Retarget, pose: &RigPose, places: bool) {
        let Some(ready) = &self.player.playing else {
            return;
        };
        for (bone, rotation) in retarget.bones().iter().zip(&pose.rotations) {
            if let Ok(mut transform) = self.scene.transforms.get_mut(ready.entities[*bone]) {
                transform.rotation = frame::same_quat(*rotation);
                self.player.now[*bone] = *transform;
            }
        }
        let hips = retarget.hips();
        if let Ok(mut transform) = self.scene.transforms.get_mut(ready.entities[hips]) {
            transform.translation = frame::same_vec3(pose.hips_translation);
            self.player.now[hips] = *transform;
        }
        if !places {
            return;
        }
        let root = frame::isometry(pose.root.position, pose.root.rotation);
        let root = self.local(self.avatar, root, Default::default(), Default::default());
        if let Ok(mut transform) = self.scene.transforms.get_mut(self.avatar) {
            transform.translation = root.translation;
            transform.rotation = root.rotation;
            self.player.root[0] = *transform;
        }
    }

    /// Puts the object where physics has it; there.
    fn put_object(&mut self, object: Entity, frame: &Frame) -> Option<Transform> {
        let place = frame::isometry(frame.object_position, frame.object_rotation);
        let place = self.local(object, place, Default::default(), Default::default());
        let mut transform = self.scene.transforms.get_mut(object).ok()?;
        transform.translation = place.translation;
        transform.rotation = place.rotation;
        self.player.object_places[0] = *transform;
        self.player.driven = self.player.driven.saturating_add(1);
        Some(*transform)
    }
}
