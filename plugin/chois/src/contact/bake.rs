//! A clip in, a clip with hands that hold out.

use std::sync::Arc;

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use super::aside;
use super::event::ContactEvent;
use super::follow::{Follower, HandGoal, Help};
use super::object::PhysicalObject;
use super::palm::{Palm, flesh};
use super::session::Session;
use super::turned::Turned;
use super::{ContactOptions, Hold};
use crate::error::{Error, Result};
use crate::motion::{MotionClip, lock};
use crate::skeleton::{JOINTS, Pose};

/// No joint shall accelerate more than so many times as hard as the clip's own at its hardest.
const ROUGH: f32 = 1.5;
/// How long hands take to come to the object, times what is usual: the first with which that holds.
const PACES: [f32; 3] = [1.0, 1.5, 2.2];

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
fn run(
    clip: &MotionClip,
    object: &PhysicalObject,
    options: &ContactOptions,
    pace: f32,
) -> Result<Run> {
    let mut session = Session::paced(Arc::new(clip.clone()), object, options, pace)?;
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

/// A clip under physics with the body following.
pub(crate) struct Followed {
    /// What came of it; the clip's poses are those that follow.
    pub run: Run,
    /// What the body does beside its arms.
    pub helps: Vec<Help>,
    /// How long hands take to come and go, times what is usual.
    pub pace: f32,
}

/// Runs a clip against physics and has the body follow, hands coming as slowly as it takes for a smooth motion.
pub(crate) fn follow(
    clip: &MotionClip,
    object: &PhysicalObject,
    options: &ContactOptions,
) -> Result<Followed> {
    let follower = Follower::new(&clip.skeleton);
    let most = ROUGH * jerkiest(clip);
    let mut best: Option<(f32, Followed)> = None;
    let flesh = flesh(&clip.skeleton);
    let mut turned = None;
    for pace in PACES {
        let mut run = run(clip, object, options, pace)?;
        let poses: Vec<Pose> = run.clip.frames.iter().map(|f| f.pose).collect();
        let turned = turned.get_or_insert_with(|| {
            let of = |hold: &Hold| {
                let palm = &follower.palms[hold.hand];
                Turned::new(&hold.grasp, palm, &flesh[hold.hand], object.surface())
            };
            run.holds.iter().map(of).collect::<Vec<_>>()
        });
        // How deep a hand that holds is in the object when it is turned from its goal.
        let deep = |f: usize, hand: usize, turn: f32| {
            let holds = |h: &Hold| h.hand == hand && (h.first..=h.last).contains(&f);
            match (&run.goals[f][hand], run.holds.iter().position(holds)) {
                (Some(goal), Some(k)) => {
                    let place = object.place(&run.clip.frames[f]);
                    let local = place.rotation.inverse() * goal.rotation;
                    turned[k].at(turned[k].angle(&local) + turn)
                }
                _ => 0.0,
            }
        };
        let mut helps = follower.plan(&poses, &run.goals, deep, run.clip.fps);
        if let Some(scene) = &options.scene {
            aside::plan(
                &follower,
                &poses,
                &run.goals,
                &mut helps,
                scene,
                run.clip.fps,
            );
        }
        for ((frame, goals), help) in run.clip.frames.iter_mut().zip(&run.goals).zip(&helps) {
            frame.pose = follower.follow(&frame.pose, goals, help);
        }
        let jerk = jerkiest(&run.clip);
        if best.as_ref().is_none_or(|(least, _)| jerk < *least) {
            best = Some((jerk, Followed { run, helps, pace }));
        }
        if jerk <= most {
            break;
        }
    }
    best.map(|(_, followed)| followed)
        .ok_or_else(|| Error::invalid("contact", "the body's motion is none"))
}

/// The greatest acceleration of any joint, metres per frame and frame.
fn jerkiest(clip: &MotionClip) -> f32 {
    let mut last = [None; 2];
    let mut most = 0.0f32;
    for frame in &clip.frames {
        let joints = clip.skeleton.forward(&frame.pose);
        if let [Some(a), Some(b)] = last {
            let second = |((a, b), c): ((&Vector3<f32>, &Vector3<f32>), &Vector3<f32>)| {
                (c - b * 2.0 + a).norm()
            };
            let (a, b): ([Vector3<f32>; JOINTS], [Vector3<f32>; JOINTS]) = (a, b);
            most = a
                .iter()
                .zip(&b)
                .zip(&joints)
                .map(second)
                .fold(most, f32::max);
        }
        last = [last[1], Some(joints)];
    }
    most
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
    let Followed { run, .. } = follow(clip, object, options)?;
    let mut clip = run.clip;
    let pads = Palm::of(&clip.skeleton).map(|palm| palm.pad);
    lock::hold(&mut clip, &options.keys, Some(pads));
    Ok(Corrected {
        clip,
        holds: run.holds,
        events: run.events,
        efforts: run.efforts,
    })
}
