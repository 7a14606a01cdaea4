//! Contact in a running game: the clip plays on while things get in the way.

use std::sync::Arc;

use nalgebra::{Isometry3, Vector3};

use super::ContactOptions;
use super::bake::{self, Followed};
use super::event::{ContactEvent, LetGo};
use super::follow::{Follower, Help};
use super::object::PhysicalObject;
use super::scene::Obstacle;
use super::session::{Session, StepFacts};
use crate::error::Result;
use crate::motion::{Frame, MotionClip};
use crate::skeleton::Pose;

/// A clip that is corrected while it plays. Metres, Z up, floor at z = 0.
pub struct LiveContact {
    session: Session,
    follower: Follower,
    helps: Vec<Help>,
    clip: Arc<MotionClip>,
}

/// The person and the object at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveFrame {
    /// The corrected frame.
    pub frame: Frame,
    /// The pose that the clip itself has at this time.
    pub clips_pose: Pose,
    /// The points that the left and the right hand hold, in the object's mesh frame, metres.
    pub points: [Option<Vector3<f32>>; 2],
    /// What happened on the way to it.
    pub events: Vec<ContactEvent>,
    /// What the hands did.
    pub facts: StepFacts,
}

impl LiveContact {
    /// Prepares a clip; takes about as long as [`bake::correct`], so not on a thread that draws. How trunk and hips help is
    /// planned from an undisturbed run.
    ///
    /// # Errors
    /// Those of [`bake::correct`].
    pub fn new(
        clip: Arc<MotionClip>,
        object: &PhysicalObject,
        options: &ContactOptions,
    ) -> Result<Self> {
        let Followed { helps, pace, .. } = bake::follow(&clip, object, options)?;
        Ok(Self {
            session: Session::paced(clip.clone(), object, options, pace)?,
            follower: Follower::new(&clip.skeleton),
            helps,
            clip,
        })
    }

    /// Goes on by a step of the game, seconds.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the physics diverged: play the clip as it is from here.
    pub fn advance(&mut self, seconds: f32) -> Result<LiveFrame> {
        let facts = self.session.advance(seconds)?;
        let time = self.session.time();
        let pose = self.session.pose_at(time);
        let goals = self.session.goals(&pose);
        let at = time * self.clip.fps;
        let before = (at.max(0.0) as usize).min(self.helps.len() - 1);
        let after = (before + 1).min(self.helps.len() - 1);
        let t = (at - before as f32).clamp(0.0, 1.0);
        let (a, b) = (&self.helps[before], &self.helps[after]);
        let help = Help::between(a, b, t);
        let mut frame = self.clip.frames[before];
        frame.pose = self.follower.follow(&pose, &goals, &help);
        self.session.object().put(&self.session.place(), &mut frame);
        frame.contact = self.session.contact(frame.contact);
        Ok(LiveFrame {
            frame,
            clips_pose: pose,
            points: [0, 1].map(|hand| self.session.held_point(hand)),
            events: self.session.take_events(),
            facts,
        })
    }

    /// Seconds from the clip's first frame.
    pub fn time(&self) -> f32 {
        self.session.time()
    }

    /// Whether the clip has been played to its end.
    pub fn is_over(&self) -> bool {
        self.time() * self.clip.fps >= (self.clip.frames.len() - 1) as f32
    }

    /// Where the object's centre is, world, metres.
    pub fn place(&self) -> Isometry3<f32> {
        self.session.place()
    }

    /// Somebody strikes the object: an impulse (newton seconds) at a point, world. Hands that lose it let go.
    pub fn strike(&mut self, impulse: &Vector3<f32>, point: &Vector3<f32>) {
        self.session.strike(impulse, point);
    }

    /// The game puts the object's centre elsewhere (world, metres), as another physics engine does; hands that cannot follow
    /// let go.
    pub fn put(&mut self, place: &Isometry3<f32>) {
        self.session.put(place);
    }

    /// Somebody takes the object: all hands let go, and take no hold again.
    pub fn take(&mut self) {
        self.session.let_go(LetGo::Taken);
    }

    /// Something comes into the way; the number names it.
    pub fn add_obstacle(&mut self, obstacle: &Obstacle) -> usize {
        self.session.simulation().add(obstacle)
    }

    /// An obstacle moves over the next step.
    pub fn move_obstacle(&mut self, obstacle: usize, place: &Isometry3<f32>) {
        self.session.simulation().move_obstacle(obstacle, place);
    }
}
