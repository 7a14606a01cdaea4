//! A clip in, a clip with hands that hold out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::ContactEvent;
use super::follow::{Follower, HandGoal, Help};
use super::object::PhysicalObject;
use super::session::Session;
use super::{ContactOptions, Hold};
use crate::error::Result;
use crate::motion::MotionClip;
use crate::skeleton::Pose;

/// What a hand had to do at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// Newtons.
    pub force: f32,
    /// Newton metres.
    pub torque: f32,
    /// How far the object stayed behind, metres.
    pub lag: f32,
}

/// A clip under physics.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrected {
    /// The clip: the object where physics has it, palms on its surface, contact channels as the hands hold.
    pub clip: MotionClip,
    /// The holds that were planned.
    pub holds: Vec<Hold>,
    /// What happened.
    pub events: Vec<ContactEvent>,
    /// What the left and the right hand had to do.
    pub efforts: [Effort; 2],
}

/// What a run of the session left, frame by frame.
pub(crate) struct Run {
    pub clip: MotionClip,
    pub goals: Vec<[Option<HandGoal>; 2]>,
    pub holds: Vec<Hold>,
    pub events: Vec<ContactEvent>,
    pub efforts: [Effort; 2],
}

/// Runs a clip against physics; poses are still the clip's own.
pub(crate) fn run(
    clip: &MotionClip,
    object: &PhysicalObject,
    options: &ContactOptions,
) -> Result<Run> {
    let mut session = Session::new(Arc::new(clip.clone()), object, options)?;
    let mut out = clip.clone();
    let mut goals = Vec::with_capacity(clip.frames.len());
    let mut efforts = [Effort::default(); 2];
    for (f, frame) in out.frames.iter_mut().enumerate() {
        if f > 0 {
            let facts = session.advance(1.0 / clip.fps)?;
            for (effort, hand) in efforts.iter_mut().zip(&facts.hands) {
                effort.force = effort.force.max(hand.force);
                effort.torque = effort.torque.max(hand.torque);
                effort.lag = effort.lag.max(hand.lag);
            }
        }
        goals.push(session.goals(&clip.frames[f].pose));
        object.put(&session.place(), frame);
        frame.contact = session.contact(frame.contact);
    }
    Ok(Run {
        clip: out,
        goals,
        holds: session.holds().to_vec(),
        events: session.take_events(),
        efforts,
    })
}

/// What the body does beside its arms over a run.
pub(crate) fn helps(follower: &Follower, run: &Run) -> Vec<Help> {
    let poses: Vec<Pose> = run.clip.frames.iter().map(|f| f.pose).collect();
    follower.plan(&poses, &run.goals, run.clip.fps)
}

/// Corrects a clip: hands on the surface, an object that moves because it is moved. The same clip, object and options give
/// the same result, bit for bit, on the same machine.
///
/// # Errors
/// [`crate::Error::Invalid`] for a clip that has no frames or a number that is none (the frame is named), for options that
/// are none, and when the physics diverged; the clip that was given is as good as before.
pub fn correct(
    clip: &MotionClip,
    object: &PhysicalObject,
    options: &ContactOptions,
) -> Result<Corrected> {
    let mut run = run(clip, object, options)?;
    let follower = Follower::new(&clip.skeleton);
    let helps = helps(&follower, &run);
    for ((frame, goals), help) in run.clip.frames.iter_mut().zip(&run.goals).zip(&helps) {
        frame.pose = follower.follow(&frame.pose, goals, help);
    }
    Ok(Corrected {
        clip: run.clip,
        holds: run.holds,
        events: run.events,
        efforts: run.efforts,
    })
}
