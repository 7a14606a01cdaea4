//! A clip played against physics, step by step: who holds when, where the object really is, where the hands belong.
//!
//! The same session bakes a clip (steps of one frame, as fast as it goes) and runs live in a game (steps of the game's).

use std::sync::Arc;

use nalgebra::{Isometry3, Translation3, Unit, UnitQuaternion, Vector3};

use super::away::{Away, LEVER, WAY};
use super::event::{ContactEvent, LetGo};
use super::follow::{HandGoal, ease};
use super::hold::{self, HoldPlan};
use super::object::PhysicalObject;
use super::palm::{Palm, pad, part};
use super::simulation::{HandFacts, Simulation, between};
use super::stand::{over_floor, supports};
use super::{ContactOptions, Hold};
use crate::error::{Error, Result};
use crate::motion::{ContactPart, MotionClip, inertia};
use crate::skeleton::{Pose, joint};

/// A hand that lets go leaves no faster than this, metres a second.
const QUICK: f32 = 1.5;
/// How far a hand keeps off the surface on its way, metres.
const CLEARANCE: f32 = 0.02;
/// How fast an object that is not where the clip has it is brought there once it is held, metres a second, and how long
/// that takes at least and at most, seconds.
const CATCH_UP: f32 = 0.25;
const CATCHING_UP: [f32; 2] = [0.4, 1.5];
/// How fast hands aim anew, a second, and how far at most, metres and radians.
const TRIMS: f32 = 6.0;
const TRIM: [f32; 2] = [0.06, 0.3];
/// A hand lets go of what is farther from its shoulder than its arm is long by this much, metres, for so long, seconds:
/// trunk and hips help that far.
const STRETCH: f32 = 0.45;
const STRETCHED: f32 = 0.3;
/// What leaves a hand faster than this is torn from it, metres a second.
const TORN: f32 = 5.0;
/// All force, for so long, is too much; seconds.
const STRAIN: f32 = 0.25;
/// Deepest that a free hand is pushed out of the object, metres; what is deeper means to be elsewhere.
const PUSHED: f32 = 0.04;
/// Angular frequency of the spring that does so, radians a second.
const PUSH_RATE: f32 = 12.0;

/// What a hand does.
#[derive(Clone, Debug, Default)]
struct Hand {
    /// Its holds, by index in the plan, that are still to come.
    coming: Vec<usize>,
    /// The hold it has.
    holding: Option<usize>,
    /// Where it let go, if it is still on its way from there.
    leaving: Option<Away>,
    /// How it comes to each of its holds, planned; by index in the plan.
    approaches: Vec<(usize, Away, HandGoal)>,
    /// Seconds for which it has given all it can, and whether that was told.
    strained: f32,
    told: bool,
    /// Seconds for which it has been out of reach.
    stretched: f32,
    /// How far the object stayed behind at the last step, metres.
    lag: f32,
    /// Where it was when it was last asked for.
    last: Option<HandGoal>,
    /// How far it is kept out of the object, world, how fast that changes, and when it was looked at.
    pushed: Vector3<f32>,
    push_rate: Vector3<f32>,
    pushed_at: f32,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepFacts {
    /// What each hand did.
    pub hands: [HandFacts; 2],
    /// Which hands hold at the end of the step.
    pub holding: [bool; 2],
}

/// A clip and its object under physics. Metres, Z up, floor at z = 0; seconds from the clip's first frame.
pub struct Session {
    clip: Arc<MotionClip>,
    object: PhysicalObject,
    palms: [Palm; 2],
    plan: HoldPlan,
    /// Where the clip has the object's centre, no part of it below the floor.
    places: Vec<Isometry3<f32>>,
    simulation: Simulation,
    hands: [Hand; 2],
    /// How far above and before it the hands aim so that the object comes to where it is wanted: what a person who knows the
    /// weight does. Metres and a rotation vector, world.
    trim: (Vector3<f32>, Vector3<f32>),
    /// Where the object was taken up, relative to where the clip has it; since when, and for how long that shows.
    offset: Option<(f32, f32, Vector3<f32>, Vector3<f32>)>,
    time: f32,
    events: Vec<ContactEvent>,
    supports: [Option<usize>; 2],
    disturbed: f32,
    /// How long hands take to come and go, times what is usual.
    pace: f32,
}

impl Session {
    /// Plans the holds of a clip and puts its object into a world.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a clip that has no frames or a number that is none, and for options that are none.
    pub fn new(
        clip: Arc<MotionClip>,
        object: &PhysicalObject,
        options: &ContactOptions,
    ) -> Result<Self> {
        Self::paced(clip, object, options, 1.0)
    }

    /// The same; hands take `pace` times as long as usual to come to the object and to leave it.
    pub(crate) fn paced(
        clip: Arc<MotionClip>,
        object: &PhysicalObject,
        options: &ContactOptions,
        pace: f32,
    ) -> Result<Self> {
        if let Some(fault) = clip.fault() {
            return Err(Error::invalid(format!("clip {:?}", clip.name), fault));
        }
        for (hand, given) in ["left", "right"].into_iter().zip(&options.given) {
            let bad = given.iter().flatten().find(|[from, to]| {
                !(from.is_finite() && to.is_finite() && *from >= 0.0 && from < to)
            });
            if let Some([from, to]) = bad {
                return Err(Error::invalid(
                    format!("contact of the {hand} hand"),
                    format!(
                        "from {from} to {to} s is no stretch of time; begin at 0 or later and end after that"
                    ),
                ));
            }
        }
        let palms = Palm::of(&clip.skeleton);
        let places: Vec<Isometry3<f32>> = (clip.frames.iter())
            .map(|frame| over_floor(object, object.place(frame)))
            .collect();
        let plan = hold::plan(&clip, object, &places, &palms, options);
        let mut simulation = Simulation::new(
            object,
            &places[0],
            &clip.skeleton,
            options.grip,
            &options.obstacles,
        )?;
        let supports = if options.supports {
            supports(&clip, object, &places, &plan, &mut simulation)?
        } else {
            [None, None]
        };
        let hands = [0, 1].map(|hand| Hand {
            coming: (0..plan.holds.len())
                .rev()
                .filter(|&k| plan.holds[k].hand == hand)
                .collect(),
            ..Hand::default()
        });
        let mut out = Self {
            events: plan.events.clone(),
            clip,
            object: object.clone(),
            palms,
            plan,
            places,
            simulation,
            hands,
            trim: Default::default(),
            offset: None,
            time: 0.0,
            supports,
            disturbed: f32::NEG_INFINITY,
            pace,
        };
        for k in 0..out.plan.holds.len() {
            let approach = out.approach(k);
            out.hands[out.plan.holds[k].hand].approaches.push(approach);
        }
        out.grasp_and_release(0.0);
        Ok(out)
    }

    /// Seconds gone.
    pub fn time(&self) -> f32 {
        self.time
    }

    /// The holds that were planned.
    pub fn holds(&self) -> &[Hold] {
        &self.plan.holds
    }

    /// The world of the object.
    pub fn simulation(&mut self) -> &mut Simulation {
        &mut self.simulation
    }

    /// What happened since this was last asked.
    pub fn take_events(&mut self) -> Vec<ContactEvent> {
        std::mem::take(&mut self.events)
    }

    /// Where the object's centre is now. What the points that it stands on leave below the floor, some millimetres, is raised
    /// out of it.
    pub fn place(&self) -> Isometry3<f32> {
        over_floor(&self.object, self.simulation.place())
    }

    /// The object.
    pub(crate) fn object(&self) -> &PhysicalObject {
        &self.object
    }

    /// Somebody else strikes the object: an impulse (newton seconds) at a point, world.
    pub fn strike(&mut self, impulse: &Vector3<f32>, point: &Vector3<f32>) {
        self.disturbed = self.time;
        self.simulation.strike(impulse, point);
    }

    /// Somebody else puts the object elsewhere; hands that cannot follow let go at the next step.
    pub fn put(&mut self, place: &Isometry3<f32>) {
        self.disturbed = self.time;
        self.simulation.put(place);
        for hand in 0..2 {
            if self.simulation.lag(hand) > self.simulation.grip().lag {
                self.release(hand, LetGo::Taken);
            }
        }
        if self.hands.iter().all(|h| h.holding.is_none()) {
            self.simulation.want(place);
        }
    }

    /// All hands let go, as when a player takes the object.
    pub fn let_go(&mut self, reason: LetGo) {
        for hand in 0..2 {
            if self.hands[hand].holding.is_some() {
                self.release(hand, reason);
            }
            self.hands[hand].coming.clear();
        }
    }

    /// Goes on by a step. Past the clip's end its last frame stands.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the physics diverged.
    pub fn advance(&mut self, seconds: f32) -> Result<StepFacts> {
        let next = self.time + seconds;
        self.grasp_and_release(next);
        let wanted = if self.hands.iter().any(|h| h.holding.is_some()) {
            let wanted = self.wanted(next);
            Isometry3::from_parts(
                Translation3::from(wanted.translation.vector + self.trim.0),
                UnitQuaternion::from_scaled_axis(self.trim.1) * wanted.rotation,
            )
        } else {
            self.offset = None;
            self.trim = Default::default();
            let place = self.simulation.place();
            self.simulation.want(&place);
            place
        };
        let frame = self.frame_at(next);
        let kicking = [ContactPart::LeftFoot, ContactPart::RightFoot].map(|foot| {
            (self.plan.kicks.iter()).any(|k| k.part == foot && (k.first..=k.last).contains(&frame))
        });
        let hands = if kicking.contains(&true) {
            let pose = self.pose_at(next);
            let joints = self.clip.skeleton.forward(&pose);
            let kicks = kicking.map(|k| k.then_some((&pose, &joints)));
            self.simulation.advance(seconds, &wanted, kicks)?
        } else {
            self.simulation.advance(seconds, &wanted, [None, None])?
        };
        self.time = next;
        self.learn(seconds, &hands);
        self.judge(seconds, &hands);
        Ok(StepFacts {
            hands,
            holding: [0, 1].map(|h| self.hands[h].holding.is_some()),
        })
    }

    fn frame_at(&self, time: f32) -> usize {
        ((time * self.clip.fps).round().max(0.0) as usize).min(self.clip.frames.len() - 1)
    }

    /// Neighbouring frames of a time, and how far it is between them.
    fn about(&self, time: f32) -> (usize, usize, f32) {
        let last = self.clip.frames.len() - 1;
        let at = (time * self.clip.fps).clamp(0.0, last as f32);
        // A hair below a whole number is that number.
        let whole = (at + 1e-3).floor();
        let t = at - whole;
        let t = if t < 1e-3 { 0.0 } else { t };
        let first = whole as usize;
        (first, (first + 1).min(last), t)
    }

    /// The clip's pose at a time, between its frames.
    pub fn pose_at(&self, time: f32) -> Pose {
        let (a, b, t) = self.about(time);
        let (a, b) = (&self.clip.frames[a].pose, &self.clip.frames[b].pose);
        if t == 0.0 {
            return *a;
        }
        Pose::between(a, b, t)
    }

    /// Where the clip has the object at a time.
    fn clips_place(&self, time: f32) -> Isometry3<f32> {
        let (a, b, t) = self.about(time);
        between(&self.places[a], &self.places[b], t)
    }

    /// Where the hands want the object at a time: the clip's place, and what is left of the way to there.
    fn wanted(&self, time: f32) -> Isometry3<f32> {
        let clips = self.clips_place(time);
        let Some((since, seconds, shift, turn)) = self.offset else {
            return clips;
        };
        let (left, _) = inertia::left((time - since) / seconds);
        let wanted = Isometry3::from_parts(
            Translation3::from(clips.translation.vector + shift * left),
            UnitQuaternion::from_scaled_axis(turn * left) * clips.rotation,
        );
        over_floor(&self.object, wanted)
    }

    /// Hands take hold and let go as planned, up to a time.
    fn grasp_and_release(&mut self, until: f32) {
        let frame = until * self.clip.fps + 1e-3;
        for hand in 0..2 {
            if let Some(k) = self.hands[hand].holding
                && frame > (self.plan.holds[k].last + 1) as f32
            {
                self.release(hand, LetGo::Planned);
            }
        }
        for hand in 0..2 {
            while let Some(&k) = self.hands[hand].coming.last() {
                let hold = self.plan.holds[k];
                if self.hands[hand].holding.is_some() || frame < hold.first as f32 {
                    break;
                }
                self.hands[hand].coming.pop();
                if frame <= (hold.last + 1) as f32 {
                    self.take_hold(hand, k, until);
                }
            }
        }
        self.lift_supports();
    }

    /// A hand holds as planned, from the time up to which the session goes on now.
    fn take_hold(&mut self, hand: usize, k: usize, from: f32) {
        let place = self.simulation.place();
        if self.hands.iter().all(|h| h.holding.is_none()) {
            let clips = self.clips_place(self.time);
            let shift = place.translation.vector - clips.translation.vector;
            let turn = (place.rotation * clips.rotation.inverse()).scaled_axis();
            let seconds = (shift.norm().max(turn.norm() * 0.3) / CATCH_UP)
                .clamp(CATCHING_UP[0], CATCHING_UP[1]);
            self.offset = Some((self.time, seconds, shift, turn));
            self.simulation.want(&place);
        }
        let grasp = self.plan.holds[k].grasp;
        self.simulation.hold(hand, &grasp);
        let state = &mut self.hands[hand];
        state.holding = Some(k);
        state.strained = 0.0;
        state.stretched = 0.0;
        state.lag = 0.0;
        state.told = false;
        self.events.push(ContactEvent::Held {
            hand,
            frame: (from * self.clip.fps).round() as usize,
        });
    }

    fn release(&mut self, hand: usize, reason: LetGo) {
        let Some(k) = self.hands[hand].holding.take() else {
            return;
        };
        let pose = self.pose_at(self.time);
        let own = self.own(hand, &pose);
        // What is torn from a hand does not take the hand along.
        let goal = match (reason, self.hands[hand].last) {
            (LetGo::Planned, _) | (_, None) => self.held_goal(k, &self.place(), &pose),
            (_, Some(last)) => last,
        };
        // The hand goes on as it went: with the object, while the clip's hand has its own way.
        let (velocity, spin) = self.simulation.velocity();
        let middle = self.simulation.place() * nalgebra::Point3::from(self.object.center_of_mass());
        let velocity = velocity + spin.cross(&(goal.pad - middle.coords));
        let velocity = velocity.cap_magnitude(QUICK);
        let spin = spin.cap_magnitude(QUICK / LEVER);
        let step = 1.0 / self.clip.fps;
        let next = self.own(hand, &self.pose_at(self.time + step));
        let clips = (next.pad - own.pad) / step;
        let clips_spin = (next.rotation * own.rotation.inverse()).scaled_axis() / step;
        self.hands[hand].leaving = Some(Away::new(
            self.time,
            [goal.pad - own.pad, velocity - clips],
            [
                (goal.rotation * own.rotation.inverse()).scaled_axis(),
                spin - clips_spin,
            ],
            goal.normal,
            self.pace,
        ));
        self.simulation.release(hand);
        self.events.push(ContactEvent::Released {
            hand,
            frame: (self.time * self.clip.fps).round() as usize,
            reason,
        });
    }

    /// Hands aim anew by what is missing, unless they give all they can or the object is held up.
    fn learn(&mut self, seconds: f32, facts: &[HandFacts; 2]) {
        let held = self.hands.iter().any(|h| h.holding.is_some());
        if !held || facts.iter().any(|f| f.strained) || self.simulation.is_obstructed() {
            return;
        }
        let (wanted, place) = (self.wanted(self.time), self.simulation.place());
        let rate = (seconds * TRIMS).min(0.5);
        let (shift, turn) = &mut self.trim;
        *shift += (wanted.translation.vector - place.translation.vector) * rate;
        *turn += (wanted.rotation * place.rotation.inverse()).scaled_axis() * rate;
        *shift *= (TRIM[0] / shift.norm().max(TRIM[0])).min(1.0);
        *turn *= (TRIM[1] / turn.norm().max(TRIM[1])).min(1.0);
    }

    /// Whether hands can go on as they do.
    fn judge(&mut self, seconds: f32, facts: &[HandFacts; 2]) {
        let pose = self.pose_at(self.time);
        let joints = self.clip.skeleton.forward(&pose);
        for hand in 0..2 {
            let Some(k) = self.hands[hand].holding else {
                continue;
            };
            let goal = self.held_goal(k, &self.simulation.place(), &pose);
            let offsets = &self.clip.skeleton.rest_offsets;
            let arm = offsets[joint::LEFT_ELBOW + hand].norm()
                + offsets[joint::LEFT_WRIST + hand].norm()
                + self.palms[hand].pad.norm();
            let far = (goal.pad - joints[joint::LEFT_SHOULDER + hand]).norm() > arm + STRETCH;
            let state = &mut self.hands[hand];
            let count = |so_far: f32, more: bool| if more { so_far + seconds } else { 0.0 };
            state.strained = count(state.strained, facts[hand].strained);
            state.stretched = count(state.stretched, far);
            let stretched = state.stretched > STRETCHED;
            let torn = (facts[hand].lag - state.lag) / seconds > TORN;
            state.lag = facts[hand].lag;
            let lost = torn || facts[hand].lag > self.simulation.grip().lag;
            let strained = state.strained > STRAIN;
            if !(lost || stretched || strained) {
                continue;
            }
            let reason = if self.time - self.disturbed < 1.0 {
                LetGo::Taken
            } else if self.simulation.is_obstructed() {
                LetGo::Blocked
            } else if facts[hand].slides {
                LetGo::Slipped
            } else if self.simulation.is_too_heavy() || strained {
                LetGo::TooHeavy
            } else {
                LetGo::OutOfReach
            };
            if lost || stretched {
                self.release(hand, reason);
            } else if !state.told {
                state.told = true;
                self.events.push(ContactEvent::Strained {
                    hand,
                    frame: (self.time * self.clip.fps).round() as usize,
                    reason,
                });
            }
        }
    }

    /// What the clip's object stands on gives way once it is lifted, and is there again when it is let go of.
    fn lift_supports(&mut self) {
        let held = self.hands.iter().any(|h| h.holding.is_some());
        let coming = self.hands.iter().any(|h| !h.coming.is_empty());
        if let Some(start) = self.supports[0] {
            let raised = self.simulation.place().translation.z - self.places[0].translation.z;
            if held && raised > 0.05 {
                self.simulation.enable_obstacle(start, false);
                self.supports[0] = None;
            }
        }
        if let Some(end) = self.supports[1]
            && !held
            && !coming
        {
            self.simulation.enable_obstacle(end, true);
            self.supports[1] = None;
        }
    }

    fn clips_pad(&self, hand: usize, pose: &Pose) -> Vector3<f32> {
        let joints = self.clip.skeleton.forward(pose);
        let rotation = pose.rotations[joint::LEFT_WRIST + hand];
        pad(&self.palms[hand], hand, &joints, &rotation)
    }

    /// Where a hold has its hand, the object at `place`.
    fn held_goal(&self, k: usize, place: &Isometry3<f32>, pose: &Pose) -> HandGoal {
        let hold = &self.plan.holds[k];
        let clips = pose.rotations[joint::LEFT_WRIST + hold.hand];
        let local = place.rotation.inverse() * clips;
        HandGoal {
            pad: (place * nalgebra::Point3::from(hold.grasp.pad())).coords,
            rotation: place.rotation * hold.grasp.aligned(&self.palms[hold.hand], &local),
            normal: Unit::new_unchecked(place.rotation * hold.grasp.normal.into_inner()),
            laid: 1.0,
            helped: true,
        }
    }

    /// Where the clip has a hand.
    fn own(&self, hand: usize, pose: &Pose) -> HandGoal {
        HandGoal {
            pad: self.clips_pad(hand, pose),
            rotation: pose.rotations[joint::LEFT_WRIST + hand],
            normal: Vector3::z_axis(),
            laid: 0.0,
            helped: false,
        }
    }

    /// How a hand comes to a hold, as far as the clip tells beforehand.
    fn approach(&self, k: usize) -> (usize, Away, HandGoal) {
        let hold = &self.plan.holds[k];
        let step = 1.0 / self.clip.fps;
        let at = |f: usize| {
            let pose = &self.clip.frames[f].pose;
            let held = self.held_goal(k, &self.places[f], pose);
            let own = self.own(hold.hand, pose);
            let turn = (held.rotation * own.rotation.inverse()).scaled_axis();
            (held.pad - own.pad, turn, held)
        };
        let (shift, turn, held) = at(hold.first);
        let (before, turned, _) = at(hold.first.saturating_sub(1));
        // Seen backwards in time it decays. The clip's first pose stays as it is, where there is time for that.
        let mut away = Away::new(
            hold.first as f32 * step,
            [shift, (before - shift) / step],
            [turn, (turned - turn) / step],
            held.normal,
            self.pace,
        );
        if away.at >= WAY[0] {
            away.seconds = away.seconds.min(away.at);
        }
        (k, away, held)
    }

    /// Where the hands belong now; None for a hand that is free.
    pub(crate) fn goals(&mut self, pose: &Pose) -> [Option<HandGoal>; 2] {
        let place = self.place();
        [0, 1].map(|hand| {
            self.push_out(hand, pose, &place);
            let goal = self.goal(hand, pose, &place);
            self.hands[hand].last = goal;
            goal
        })
    }

    /// A free hand is not inside the object: what keeps it out comes and goes as a damped spring.
    fn push_out(&mut self, hand: usize, pose: &Pose, place: &Isometry3<f32>) {
        let seconds = self.time - self.hands[hand].pushed_at;
        self.hands[hand].pushed_at = self.time;
        let mut wanted = Vector3::zeros();
        if self.hands[hand].holding.is_none() {
            let pad = (self.goal(hand, pose, place)).map_or_else(
                || self.clips_pad(hand, pose),
                |g| g.pad - self.hands[hand].pushed,
            );
            let local = (place.inverse() * nalgebra::Point3::from(pad)).coords;
            let depth = self.object.surface().depth(&local);
            if depth > 0.0
                && depth < 2.0 * PUSHED
                && let Some(out) = self.object.surface().nearest(&local)
            {
                let push = depth.min(2.0 * PUSHED - depth);
                wanted = place.rotation * out.normal.into_inner() * push;
            }
        }
        let state = &mut self.hands[hand];
        // Critically damped, solved over the step, so that any step is stable.
        let omega = PUSH_RATE;
        let decay = (-omega * seconds.max(0.0)).exp();
        let off = state.pushed - wanted;
        let rate = (state.push_rate + off * omega) * seconds.max(0.0);
        state.pushed = wanted + (off + rate) * decay;
        state.push_rate = (state.push_rate
            - (state.push_rate + off * omega) * (omega * seconds.max(0.0)))
            * decay;
    }

    fn goal(&mut self, hand: usize, pose: &Pose, place: &Isometry3<f32>) -> Option<HandGoal> {
        if let Some(k) = self.hands[hand].holding {
            return Some(self.held_goal(k, place, pose));
        }
        let mut goal = self.own(hand, pose);
        let mut busy = false;
        if let Some(leaving) = self.hands[hand].leaving {
            let since = self.time - leaving.at;
            if since < leaving.seconds {
                let (shift, turn) = leaving.left(since);
                goal.pad += shift;
                goal.rotation = UnitQuaternion::from_scaled_axis(turn) * goal.rotation;
                goal.normal = leaving.normal;
                goal.laid = 1.0 - ease(since / leaving.seconds);
                busy = true;
            } else {
                self.hands[hand].leaving = None;
            }
        }
        let coming = self.hands[hand].coming.last().copied();
        let approach = (self.hands[hand].approaches.iter()).find(|(k, ..)| Some(*k) == coming);
        if let Some((k, away, planned)) = approach {
            let until = away.at - self.time;
            if until < away.seconds {
                let (shift, turn) = away.left(until.max(0.0));
                goal.pad += shift;
                goal.rotation = UnitQuaternion::from_scaled_axis(turn) * goal.rotation;
                // The object may be elsewhere than the clip has it.
                let near = ease(1.0 - until / away.seconds);
                let held = self.held_goal(*k, place, pose);
                goal.pad += (held.pad - planned.pad) * near;
                let moved = held.rotation * planned.rotation.inverse();
                goal.rotation = UnitQuaternion::identity()
                    .try_slerp(&moved, near, 1e-6)
                    .unwrap_or(moved)
                    * goal.rotation;
                let off = place.rotation * self.plan.holds[*k].grasp.normal.into_inner();
                goal.pad += off * (CLEARANCE * 4.0 * near * (1.0 - near));
                goal.helped = true;
                if near > goal.laid {
                    (goal.normal, goal.laid) = (held.normal, near);
                }
                busy = true;
            }
        }
        let pushed = self.hands[hand].pushed;
        if pushed.norm() > 1e-4 {
            goal.pad += pushed;
            busy = true;
        }
        busy.then_some(goal)
    }

    /// Where the middle of a palm that holds is, in the object's mesh frame, metres.
    pub(crate) fn held_point(&self, hand: usize) -> Option<Vector3<f32>> {
        let k = self.hands[hand].holding?;
        Some(self.plan.holds[k].grasp.pad() + self.object.geometry().center())
    }

    /// What the clip's contact channels become: 1 where a hand holds, the foot's own where it kicks.
    pub(crate) fn contact(&self, clips: [f32; 4]) -> [f32; 4] {
        let mut out = clips;
        for hand in 0..2 {
            let holds = self.hands[hand].holding.is_some();
            out[part(hand) as usize] = if holds { 1.0 } else { 0.0 };
        }
        out
    }
}
