//! The body follows its hands: arms reach, collarbones and trunk help, hips sink, feet stay.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::aside::Aside;
use super::notches;
use super::palm::{Palm, pad};
use crate::ik::{self, Limb};
use crate::skeleton::{Pose, Skeleton, joint};

/// An arm reaches without strain over this share of its bones' length.
const ARM: f32 = 0.96;
/// Farthest that a collarbone turns, radians.
const COLLAR: f32 = 0.3;
/// Farthest that the trunk leans, radians, and that hips go aside and down, metres.
const LEAN: f32 = 0.5;
const ASIDE: f32 = 0.2;
const DOWN: f32 = 0.3;
/// Legs are no longer than this share of their bones.
const LEG: f32 = 0.995;
/// How far a wrist bends from the forearm's line, and how far it twists before the forearm does, radians.
const BEND: f32 = 1.3;
const TWIST: f32 = 0.7;
/// A wrist bends so far with ease, radians.
const EASY: f32 = 0.8;
/// Farthest that an elbow swivels, radians, and what a radian of that costs, radians of a wrist bent beyond what is easy.
const SWIVEL: f32 = 0.8;
const ELBOW: f32 = 0.8;
/// Farthest that a hand turns about the normal of what it lies on, radians; turns that are told apart, an odd number; what each
/// costs where a wrist that bends beyond what is easy by as much as it can costs one, and what a notch from one frame to the
/// next does.
const MOST_TURN: f32 = 2.4;
const NOTCHES: usize = 25;
const TURNING: [f32; NOTCHES] = turning();
const NOTCH: f32 = 0.2;
/// A hand that is in the object by so much more than its flesh gives, metres, costs one too.
const SUNK: f32 = 0.002;
/// A palm is lifted off by all that its skin needs once its hand is turned out of its grasp by so much, radians.
const GIVEN: f32 = 0.25;
/// How deep the edge of a hand gives, metres.
const GIVES: f32 = 0.002;
/// Over this last share of its length an arm whose palm does not yet lie on anything gives way more and more.
const SOFT: f32 = 0.06;
/// Elbows that are straighter than this (length of the normal of their bend, square metres) bend about their hinge.
const STRAIGHT: f32 = 0.004;
/// Rounds in which help is found, and how long it takes to come and go, seconds.
const ROUNDS: usize = 4;
const EASE: f32 = 0.3;

const fn turning() -> [f32; NOTCHES] {
    let mut out = [0.0; NOTCHES];
    let mut notch = 0;
    while notch < NOTCHES {
        let turn = notch as f32 / (NOTCHES / 2) as f32 - 1.0;
        out[notch] = turn * turn;
        notch += 1;
    }
    out
}

/// Where a hand is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HandGoal {
    /// The middle of the palm, world.
    pub pad: Vector3<f32>,
    /// The hand's rotation, world.
    pub rotation: UnitQuaternion<f32>,
    /// The surface's normal under the palm, world: the hand may turn about it.
    pub normal: Unit<Vector3<f32>>,
    /// How much the palm lies on that surface, 0 to 1.
    pub laid: f32,
    /// Whether the rest of the body helps the hand to get there.
    pub helped: bool,
}

/// What the rest of the body does so that the hands arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Help {
    /// How far the pelvis goes, world.
    pub pelvis: Vector3<f32>,
    /// How the trunk turns, as a rotation vector, world.
    pub lean: Vector3<f32>,
    /// How the elbows turn about the lines from shoulder to wrist, radians.
    pub swivel: [f32; 2],
    /// How hands that lie on a surface turn about its normal so that their wrists bend less, radians.
    pub turn: [f32; 2],
    /// How the arms keep out of what stands about.
    pub aside: [Aside; 2],
}

impl Help {
    /// At `t` of the way from `a` (0) to `b` (1).
    pub(crate) fn between(a: &Self, b: &Self, t: f32) -> Self {
        Self {
            pelvis: a.pelvis.lerp(&b.pelvis, t),
            lean: a.lean.lerp(&b.lean, t),
            swivel: [0, 1].map(|hand| a.swivel[hand] + (b.swivel[hand] - a.swivel[hand]) * t),
            turn: [0, 1].map(|hand| a.turn[hand] + (b.turn[hand] - a.turn[hand]) * t),
            aside: [0, 1].map(|hand| Aside::between(&a.aside[hand], &b.aside[hand], t)),
        }
    }
}

/// The person: bones, palms and arms.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(super) skeleton: Skeleton,
    pub(super) palms: [Palm; 2],
}

pub(super) const ARMS: [Limb; 2] = [ik::LEFT_ARM, ik::RIGHT_ARM];
const LEGS: [Limb; 2] = [ik::LEFT_LEG, ik::RIGHT_LEG];

impl Follower {
    pub(crate) fn new(skeleton: &Skeleton) -> Self {
        Self {
            skeleton: skeleton.clone(),
            palms: Palm::of(skeleton),
        }
    }

    /// The pose with its hands where they are to be, as far as it can.
    pub(crate) fn follow(&self, pose: &Pose, goals: &[Option<HandGoal>; 2], help: &Help) -> Pose {
        let mut out = *pose;
        self.help(pose, help, &mut out);
        let moved = help.pelvis.norm() + help.lean.norm() > 1e-6;
        for hand in 0..2 {
            let aside = &help.aside[hand];
            let (mut goal, swivel) = match goals[hand] {
                Some(goal) => (goal, help.swivel[hand]),
                // A free hand stays where it is, whatever the other makes the trunk do.
                None if moved || !aside.is_none() => (self.own(hand, pose), 0.0),
                None => continue,
            };
            goal.pad += aside.push;
            goal.rotation =
                UnitQuaternion::from_axis_angle(&goal.normal, help.turn[hand] * goal.laid)
                    * goal.rotation;
            self.reach(hand, &goal, swivel + aside.swivel, &mut out);
        }
        out
    }

    /// Where a pose has a hand.
    fn own(&self, hand: usize, pose: &Pose) -> HandGoal {
        let rotation = pose.rotations[joint::LEFT_WRIST + hand];
        HandGoal {
            pad: pad(
                &self.palms[hand],
                hand,
                &self.skeleton.forward(pose),
                &rotation,
            ),
            rotation,
            normal: Vector3::z_axis(),
            laid: 0.0,
            helped: false,
        }
    }

    /// Leans and sinks; feet stay where they are.
    fn help(&self, pose: &Pose, help: &Help, out: &mut Pose) {
        if help.pelvis.norm() > 1e-6 {
            let before = self.skeleton.forward(pose);
            out.root += help.pelvis;
            for leg in LEGS {
                ik::reach(&self.skeleton, out, leg, before[leg.tip]);
            }
        }
        if help.lean.norm() > 1e-6 {
            for (joint, share) in LEANING {
                let turn = UnitQuaternion::from_scaled_axis(help.lean * share);
                out.rotations[joint] = turn * out.rotations[joint];
            }
        }
    }

    fn reach(&self, hand: usize, goal: &HandGoal, swivel: f32, out: &mut Pose) {
        let arm = ARMS[hand];
        let collar = joint::LEFT_COLLAR + hand;
        let mut rotation = goal.rotation;
        let joints = self.skeleton.forward(out);
        let wrist = goal.pad - rotation * self.palms[hand].pad;
        let length = self.arm(arm);
        let reached = (joints[arm.end] - joints[arm.upper]).norm();
        // Beyond what the clip itself does.
        let lacking = (wrist - joints[arm.upper]).norm() - reached.max(0.9 * length);
        if lacking > 0.0 {
            let (from, to) = (joints[arm.upper] - joints[collar], wrist - joints[collar]);
            if let Some(turn) = UnitQuaternion::rotation_between(&from, &to)
                && let Some(axis) = turn.axis()
            {
                let most = COLLAR * ease(lacking / (0.15 * length));
                let turn = UnitQuaternion::from_axis_angle(&axis, turn.angle().min(most));
                for j in [collar, arm.upper, arm.middle, arm.end] {
                    out.rotations[j] = turn * out.rotations[j];
                }
            }
        }
        // First with the hand as it is to be, then as the wrist can turn it.
        let model = *out;
        let own = self.swing_twist(
            arm,
            &(model.rotations[arm.middle].inverse() * model.rotations[arm.end]),
        );
        let mut pad = goal.pad;
        for round in 0..3 {
            *out = model;
            self.bend(hand, &pad, &rotation, goal.laid, out);
            self.swivel(hand, swivel, out);
            if round == 2 {
                break;
            }
            let forearm = out.rotations[arm.middle];
            let able = self.able(hand, &forearm, &rotation, own.0.angle());
            if able.angle_to(&rotation) < 1e-3 {
                break;
            }
            rotation = able;
            pad = goal.pad + goal.normal.into_inner() * self.rise(hand, goal, &rotation);
        }
        self.untwist(arm, out, own.1.angle());
    }

    /// How far the middle of a palm is over its place, metres, with its hand turned so: one that does not lie flat touches
    /// with its edge.
    fn rise(&self, hand: usize, goal: &HandGoal, rotation: &UnitQuaternion<f32>) -> f32 {
        let palm = &self.palms[hand];
        let deepest = (palm.skin().iter())
            .map(|p| -(rotation * (p - palm.pad)).dot(&goal.normal))
            .fold(0.0, f32::max);
        // As its wrist gives way, not all at once: skin may hang beside a narrow thing where a grasp wants it so.
        let given = ease(rotation.angle_to(&goal.rotation) / GIVEN);
        (deepest - GIVES).max(0.0) * given * goal.laid
    }

    /// The same, with the elbow turned by `angle` about the line from shoulder to wrist: how far the wrist cannot make up for
    /// it. `own` is the clip's pose, `out` what became of it with the hand at its goal.
    pub(super) fn lifted(
        &self,
        hand: usize,
        goal: &HandGoal,
        own: &Pose,
        out: &Pose,
        angle: f32,
    ) -> f32 {
        let arm = ARMS[hand];
        let joints = self.skeleton.forward(out);
        let Some(axis) = Unit::try_new(joints[arm.end] - joints[arm.upper], 1e-4) else {
            return 0.0;
        };
        let clips = own.rotations[arm.middle].inverse() * own.rotations[arm.end];
        let most = self.swing_twist(arm, &clips).0.angle();
        let forearm = UnitQuaternion::from_axis_angle(&axis, angle) * out.rotations[arm.middle];
        let bone = forearm * self.skeleton.rest_offsets[arm.end];
        let along = goal.rotation * self.palms[hand].along.into_inner();
        let turn = easing(&goal.normal, &along, &bone) * goal.laid;
        let turned = UnitQuaternion::from_axis_angle(&goal.normal, turn) * goal.rotation;
        let able = self.able(hand, &forearm, &turned, most);
        self.rise(hand, goal, &able)
    }

    /// Two-bone inverse kinematics to a palm's place with the hand turned so. An arm whose palm lies on nothing is not
    /// stretched out to the last: its elbow would snap.
    fn bend(
        &self,
        hand: usize,
        pad: &Vector3<f32>,
        rotation: &UnitQuaternion<f32>,
        laid: f32,
        out: &mut Pose,
    ) {
        let arm = ARMS[hand];
        let joints = self.skeleton.forward(out);
        let goal = pad - rotation * self.palms[hand].pad;
        let (shoulder, length) = (joints[arm.upper], self.arm(arm));
        let reached = (joints[arm.end] - shoulder).norm();
        let way = goal - shoulder;
        let soft = if laid < 1.0 { SOFT * length } else { 0.0 };
        let stretched = way.norm() - (length - soft);
        let goal = if soft > 1e-4 && stretched > 0.0 && way.norm() > reached + 1e-4 {
            // What the clip itself does, it may do.
            let eased = length - soft * (-stretched / soft).exp();
            shoulder + way * (eased.max(reached.min(way.norm())) / way.norm())
        } else {
            goal
        };
        let hinge = arm.hinge(&out.rotations[arm.upper]);
        let turns = ik::in_plane(
            joints[arm.upper],
            joints[arm.middle],
            joints[arm.end],
            goal,
            hinge,
            STRAIGHT,
        );
        if let Some((upper, lower)) = turns {
            out.rotations[arm.upper] = upper * out.rotations[arm.upper];
            out.rotations[arm.middle] = lower * out.rotations[arm.middle];
        }
        out.rotations[arm.end] = *rotation;
    }

    /// Turns the arm about the line from shoulder to wrist; hand and wrist stay.
    fn swivel(&self, hand: usize, angle: f32, out: &mut Pose) {
        ik::swivel(&self.skeleton, out, ARMS[hand], angle);
    }

    /// The swivel with which a hand's wrist would bend less, as far as that pays for an elbow out of its place. `own` is the
    /// clip's pose, `out` what became of it with the hand at its goal.
    fn ideal_swivel(&self, hand: usize, goal: &HandGoal, own: &Pose, out: &Pose) -> f32 {
        let arm = ARMS[hand];
        let joints = self.skeleton.forward(out);
        let Some(axis) = Unit::try_new(joints[arm.end] - joints[arm.upper], 1e-4) else {
            return 0.0;
        };
        let bone = self.skeleton.rest_offsets[arm.end];
        let (forearm, along) = (out.rotations[arm.middle] * bone, goal.rotation * bone);
        let clips = own.rotations[arm.middle].inverse() * own.rotations[arm.end];
        let easy = EASY.max(self.swing_twist(arm, &clips).0.angle());
        let cost = |angle: f32| {
            let turned = UnitQuaternion::from_axis_angle(&axis, angle) * forearm;
            let over = (turned.angle(&along) - easy).max(0.0);
            over * over + (angle * ELBOW).powi(2)
        };
        if cost(0.0) < 1e-6 {
            return 0.0;
        }
        // Between two ends by thirds: so near, the cost falls and rises once.
        let (mut low, mut high) = (-SWIVEL, SWIVEL);
        for _ in 0..12 {
            let third = (high - low) / 3.0;
            if cost(low + third) < cost(high - third) {
                high -= third;
            } else {
                low += third;
            }
        }
        (low + high) / 2.0
    }

    /// The rotation that a wrist lets the hand have: bent back.
    fn able(
        &self,
        hand: usize,
        forearm: &UnitQuaternion<f32>,
        rotation: &UnitQuaternion<f32>,
        own: f32,
    ) -> UnitQuaternion<f32> {
        let arm = ARMS[hand];
        let (swing, twist) = self.swing_twist(arm, &(forearm.inverse() * rotation));
        let angle = swing.angle();
        // What the clip itself does, a wrist can do.
        let most = BEND.max(own);
        if angle <= most {
            return *rotation;
        }
        // Softly: a hard stop would show.
        let over = angle - most;
        let eased = most + 0.3 * (1.0 - (-over / 0.3).exp());
        let swing = UnitQuaternion::identity().slerp(&swing, eased / angle);
        forearm * swing * twist
    }

    /// What a wrist twists more than it can, and more than it does in the clip, the forearm does.
    fn untwist(&self, arm: Limb, pose: &mut Pose, own: f32) {
        let forearm = pose.rotations[arm.middle];
        let local = forearm.inverse() * pose.rotations[arm.end];
        let (_, twist) = self.swing_twist(arm, &local);
        let scaled = twist.scaled_axis();
        let angle = scaled.norm();
        let most = TWIST.max(own);
        if angle > most {
            let turn = UnitQuaternion::from_scaled_axis(scaled * ((angle - most) / angle));
            pose.rotations[arm.middle] = forearm * turn;
        }
    }

    /// A hand's rotation on its forearm as a bend after a twist about the forearm.
    fn swing_twist(
        &self,
        arm: Limb,
        local: &UnitQuaternion<f32>,
    ) -> (UnitQuaternion<f32>, UnitQuaternion<f32>) {
        let twist = ik::twist(local, &self.skeleton.rest_offsets[arm.end]);
        (local * twist.inverse(), twist)
    }

    fn arm(&self, arm: Limb) -> f32 {
        self.skeleton.rest_offsets[arm.middle].norm() + self.skeleton.rest_offsets[arm.end].norm()
    }

    /// How far the wrist of each hand would have to come nearer to its shoulder, world; zero where the arm is long enough.
    fn lacking(&self, pose: &Pose, goals: &[Option<HandGoal>; 2], help: &Help) -> Vector3<f32> {
        if goals.iter().all(Option::is_none) {
            return Vector3::zeros();
        }
        let mut helped = *pose;
        self.help(pose, help, &mut helped);
        let joints = self.skeleton.forward(&helped);
        let mut most = Vector3::<f32>::zeros();
        for hand in 0..2 {
            let Some(goal) = goals[hand].as_ref().filter(|g| g.helped) else {
                continue;
            };
            let wrist = goal.pad - goal.rotation * self.palms[hand].pad;
            let way = wrist - joints[ARMS[hand].upper];
            let distance = way.norm();
            let lack = distance - ARM * self.arm(ARMS[hand]);
            if lack > 0.0 {
                let lack = way * (lack / distance);
                // Two hands that lack the same way need it once.
                most = if most.norm() < 1e-6 {
                    lack
                } else {
                    let unit = most.normalize();
                    most + lack - unit * lack.dot(&unit).clamp(0.0, most.norm())
                };
            }
        }
        most
    }

    /// Help over a whole clip, coming and going gently. `deep` is how deep a hand (0 left, 1 right) would be in what it lies on
    /// in a frame if it were turned by an angle about its normal, metres.
    pub(crate) fn plan(
        &self,
        poses: &[Pose],
        goals: &[[Option<HandGoal>; 2]],
        deep: impl Fn(usize, usize, f32) -> f32,
        fps: f32,
    ) -> Vec<Help> {
        let mut need = vec![Vector3::zeros(); poses.len()];
        let half = (EASE * fps).round().max(1.0) as usize;
        let mut helps = vec![Help::default(); poses.len()];
        for _ in 0..ROUNDS {
            let lacking: Vec<Vector3<f32>> = (poses.iter().zip(goals).zip(&helps))
                .map(|((pose, goals), help)| self.lacking(pose, goals, help))
                .collect();
            if lacking.iter().all(|l| l.norm() < 1e-4) {
                break;
            }
            for (need, lack) in need.iter_mut().zip(&lacking) {
                *need += lack * 1.1;
            }
            let smooth = widened(&need, half);
            for (f, need) in smooth.iter().enumerate() {
                helps[f] = self.share(&poses[f], need);
            }
        }
        // What a walking pelvis or a leg at its end make of an even need is not even.
        let pelvis: Vec<Vector3<f32>> = helps.iter().map(|h| h.pelvis).collect();
        let lean: Vec<Vector3<f32>> = helps.iter().map(|h| h.lean).collect();
        let each = smoothed(&pelvis, half / 2)
            .into_iter()
            .zip(smoothed(&lean, half / 2));
        for (help, (pelvis, lean)) in helps.iter_mut().zip(each) {
            (help.pelvis, help.lean) = (pelvis, lean);
        }
        let ideal: Vec<[f32; 2]> = (poses.iter().zip(goals).zip(&helps))
            .map(|((pose, goals), help)| {
                let laid = |goal: &&HandGoal| goal.laid > 0.0;
                if !goals.iter().flatten().any(|goal| laid(&goal)) {
                    return [0.0; 2];
                }
                let out = self.follow(pose, goals, help);
                [0, 1].map(|hand| {
                    (goals[hand].as_ref().filter(laid))
                        .map_or(0.0, |g| self.ideal_swivel(hand, g, pose, &out) * g.laid)
                })
            })
            .collect();
        for hand in 0..2 {
            let ideal: Vec<f32> = ideal.iter().map(|angles| angles[hand]).collect();
            if ideal.iter().any(|angle| *angle != 0.0) {
                for (help, angle) in helps.iter_mut().zip(smoothed(&ideal, half)) {
                    help.swivel[hand] = angle;
                }
            }
        }
        self.turn(poses, goals, deep, &mut helps, half);
        // The clip's first pose stays as it is, unless a hand holds at once: help comes over the time that there is.
        let holds = |goals: &[Option<HandGoal>; 2]| goals.iter().flatten().any(|g| g.laid > 0.5);
        let first = goals.iter().position(holds).unwrap_or(goals.len());
        if first > half / 2 {
            let fade = first.min(2 * half);
            for (f, help) in helps.iter_mut().enumerate().take(fade) {
                *help = Help::between(&Help::default(), help, ease(f as f32 / fade as f32));
            }
        }
        helps
    }

    /// Plans how hands turn about the normals of what they lie on. Chosen frame by frame, a hand would flip as its forearm
    /// comes over it: turning it moves the wrist, and with it the forearm.
    fn turn(
        &self,
        poses: &[Pose],
        goals: &[[Option<HandGoal>; 2]],
        deep: impl Fn(usize, usize, f32) -> f32,
        helps: &mut [Help],
        half: usize,
    ) {
        let followed: Vec<Option<Pose>> = (poses.iter().zip(goals).zip(helps.iter()))
            .map(|((pose, goals), help)| {
                let laid = goals.iter().flatten().any(|goal| goal.laid > 0.0);
                laid.then(|| self.follow(pose, goals, help))
            })
            .collect();
        let deep = &deep;
        for hand in 0..2 {
            let costs: Vec<_> = (followed.iter().zip(goals).zip(poses).enumerate())
                .map(|(f, ((out, goals), own))| {
                    let (out, goal) = (out.as_ref()?, goals[hand].as_ref()?);
                    let deep = move |turn| deep(f, hand, turn);
                    Some(self.turning(hand, goal, deep, own, out))
                })
                .collect();
            if costs
                .iter()
                .flatten()
                .all(|cost| cost(NOTCHES / 2, f32::INFINITY) < 1e-3)
            {
                continue;
            }
            let costs: Vec<[f32; NOTCHES]> = (costs.iter())
                .map(|cost| match cost {
                    Some(cost) => {
                        let unturned = cost(NOTCHES / 2, f32::INFINITY);
                        std::array::from_fn(|notch| cost(notch, unturned))
                    }
                    None => TURNING,
                })
                .collect();
            let turns: Vec<f32> = (notches::cheapest(&costs, NOTCH).into_iter())
                .map(|notch| notches::angle::<NOTCHES>(notch, MOST_TURN))
                .collect();
            for (help, turn) in helps.iter_mut().zip(smoothed(&turns, half)) {
                help.turn[hand] = turn;
            }
        }
    }

    /// What each turn of a hand about the normal costs: how far it is, by how much the wrist has to bend, and, where that costs
    /// no more than a limit, how deep the hand is in the object. `own` is the clip's pose, `out` what became of it with the hand
    /// at its goal.
    fn turning(
        &self,
        hand: usize,
        goal: &HandGoal,
        deep: impl Fn(f32) -> f32,
        own: &Pose,
        out: &Pose,
    ) -> impl Fn(usize, f32) -> f32 {
        let arm = ARMS[hand];
        let joints = self.skeleton.forward(out);
        let [shoulder, elbow, wrist] = [arm.upper, arm.middle, arm.end].map(|j| joints[j]);
        let hinge = arm.hinge(&out.rotations[arm.upper]);
        let clips = own.rotations[arm.middle].inverse() * own.rotations[arm.end];
        let easy = EASY.max(self.swing_twist(arm, &clips).0.angle());
        let (palm, goal) = (&self.palms[hand], *goal);
        move |notch, limit| {
            let angle = notches::angle::<NOTCHES>(notch, MOST_TURN);
            let rotation = UnitQuaternion::from_axis_angle(&goal.normal, angle) * goal.rotation;
            let to = goal.pad - rotation * palm.pad;
            let forearm = ik::in_plane(shoulder, elbow, wrist, to, hinge, STRAIGHT)
                .map_or(wrist - elbow, |(_, lower)| lower * (wrist - elbow));
            let along = rotation * palm.along.into_inner();
            let over = (forearm.angle(&along) - easy).max(0.0) / (BEND - EASY);
            let cost = TURNING[notch] + over * over * goal.laid;
            // To find out how deep is dear, and only adds.
            if cost > limit {
                return cost;
            }
            cost + (deep(angle) / SUNK).powi(2) * goal.laid
        }
    }

    /// Who does how much of what is needed at a pose; nothing of it jumps while need and pose do not.
    fn share(&self, pose: &Pose, need: &Vector3<f32>) -> Help {
        let aside = Vector3::new(need.x, need.y, 0.0) * 0.5;
        let aside = aside * (ASIDE / aside.norm().max(ASIDE));
        let down = (0.7 * need.z).clamp(-DOWN, 0.03);
        let mut pelvis = aside + Vector3::new(0.0, 0.0, down);
        // No farther than the legs are long: down always goes, aside as far as it does.
        let joints = self.skeleton.forward(pose);
        let reaches = |p: &Vector3<f32>| {
            LEGS.iter().all(|leg| {
                let length = LEG
                    * (self.skeleton.rest_offsets[leg.middle].norm()
                        + self.skeleton.rest_offsets[leg.end].norm());
                let (hip, ankle) = (joints[leg.upper], joints[leg.tip]);
                (hip + p - ankle).norm() <= length.max((hip - ankle).norm())
            })
        };
        if !reaches(&pelvis) {
            let (mut possible, mut too_far) = (0.0f32, 1.0f32);
            for _ in 0..12 {
                let middle = (possible + too_far) / 2.0;
                if reaches(&(pelvis * middle)) {
                    possible = middle;
                } else {
                    too_far = middle;
                }
            }
            pelvis *= possible;
        }
        let rest = need - pelvis;
        // The shoulders turn about the lowest joint of the spine.
        let shoulders = (joints[joint::LEFT_SHOULDER] + joints[joint::RIGHT_SHOULDER]) / 2.0;
        let arm = shoulders - joints[joint::SPINE1];
        let square = arm.norm_squared();
        let mut lean = if square > 1e-4 {
            arm.cross(&rest) / square
        } else {
            Vector3::zeros()
        };
        if lean.norm() > LEAN {
            lean *= LEAN / lean.norm();
        }
        Help {
            pelvis,
            lean,
            ..Help::default()
        }
    }
}

/// What leans with the trunk, and how much: the head less, so that the eyes stay on what they look at.
const LEANING: [(usize, f32); 13] = [
    (joint::SPINE1, 0.34),
    (joint::SPINE2, 0.67),
    (joint::SPINE3, 1.0),
    (joint::NECK, 0.8),
    (joint::HEAD, 0.5),
    (joint::LEFT_COLLAR, 1.0),
    (joint::RIGHT_COLLAR, 1.0),
    (joint::LEFT_SHOULDER, 1.0),
    (joint::RIGHT_SHOULDER, 1.0),
    (joint::LEFT_ELBOW, 1.0),
    (joint::RIGHT_ELBOW, 1.0),
    (joint::LEFT_WRIST, 1.0),
    (joint::RIGHT_WRIST, 1.0),
];

/// How far a hand on a surface with this normal turns about it, radians, so that its wrist bends less: as much as it is bent
/// beyond what is easy. `along` is the hand's direction, `forearm` the forearm's.
pub(crate) fn easing(
    normal: &Unit<Vector3<f32>>,
    along: &Vector3<f32>,
    forearm: &Vector3<f32>,
) -> f32 {
    let flat = |v: &Vector3<f32>| v - normal.into_inner() * v.dot(normal);
    let (from, to) = (flat(along), flat(forearm));
    let turn = from.cross(&to).dot(normal).atan2(from.dot(&to));
    // A direction that is none turns nothing.
    let sure = (to.norm() / forearm.norm().max(1e-6) / 0.3).min(1.0);
    let share = ((along.angle(forearm) - EASY) / (BEND - EASY)).clamp(0.0, 1.0);
    turn * share * share * (3.0 - 2.0 * share) * sure
}

/// From 0 to 1 without a corner, in speed or acceleration.
pub(crate) fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// Each value with the largest about it, smoothed: nowhere much smaller than what is needed there.
pub(super) fn widened(need: &[Vector3<f32>], half: usize) -> Vec<Vector3<f32>> {
    let count = need.len();
    let largest: Vec<Vector3<f32>> = (0..count)
        .map(|f| {
            let near = half / 2;
            let about = &need[f.saturating_sub(near)..(f + near + 1).min(count)];
            let top = about.iter().map(Vector3::norm).fold(0.0, f32::max);
            // The mean direction, so that two needs that take turns do not swing the body.
            let sum: Vector3<f32> = about.iter().map(|n| n * n.norm()).sum();
            sum.try_normalize(1e-9)
                .map_or_else(Vector3::zeros, |d| d * top)
        })
        .collect();
    smoothed(&largest, half)
}

/// The mean over `half` values to either side, weighted by a raised cosine.
pub(super) fn smoothed<T>(values: &[T], half: usize) -> Vec<T>
where
    T: Copy + std::ops::Mul<f32, Output = T> + std::iter::Sum,
{
    let weight = |k: isize| 0.5 + 0.5 * (std::f32::consts::PI * k as f32 / (half + 1) as f32).cos();
    let (half, count) = (half as isize, values.len() as isize);
    let total: f32 = (-half..=half).map(weight).sum();
    (0..count)
        .map(|f| {
            (-half..=half)
                .map(|k| values[(f + k).clamp(0, count - 1) as usize] * (weight(k) / total))
                .sum()
        })
        .collect()
}

/// Somebody who stands, arms hanging, elbows and knees a little bent.
#[cfg(test)]
pub(super) fn standing() -> (Follower, Pose) {
    use crate::frame::y_up_to_z_up;
    use crate::skeleton::ROTATIONS;

    let skeleton = Skeleton::adult();
    let mut pose = Pose {
        root: Vector3::new(0.0, 0.0, 0.95),
        rotations: [y_up_to_z_up(); ROTATIONS],
    };
    for (hand, side) in [(0, 1.0), (1, -1.0)] {
        let hang = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -1.3 * side);
        let bend = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), -0.4 * side);
        for j in [16, 18, 20] {
            pose.rotations[j + hand] = y_up_to_z_up() * hang;
        }
        for j in [18, 20] {
            pose.rotations[j + hand] = pose.rotations[16 + hand] * bend;
        }
    }
    (Follower::new(&skeleton), pose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::ROTATIONS;

    fn arrived(follower: &Follower, pose: &Pose, hand: usize, goal: &HandGoal) -> f32 {
        let joints = follower.skeleton.forward(pose);
        let rotation = pose.rotations[joint::LEFT_WRIST + hand];
        (pad(&follower.palms[hand], hand, &joints, &rotation) - goal.pad).norm()
    }

    #[test]
    fn hands_arrive_and_feet_stay() {
        let (follower, pose) = standing();
        let before = follower.skeleton.forward(&pose);
        for (hand, side) in [(0, 1.0f32), (1, -1.0)] {
            let now = pad(
                &follower.palms[hand],
                hand,
                &before,
                &pose.rotations[joint::LEFT_WRIST + hand],
            );
            for away in [
                Vector3::new(0.05 * side, -0.1, 0.1),
                // Out of the arm's own reach: forward and down.
                Vector3::new(0.1 * side, -0.5, -0.2),
            ] {
                let goal = HandGoal {
                    pad: now + away,
                    rotation: pose.rotations[joint::LEFT_WRIST + hand],
                    normal: Vector3::z_axis(),
                    laid: 0.0,
                    helped: true,
                };
                let mut goals = [None, None];
                goals[hand] = Some(goal);
                let poses = vec![pose; 60];
                let helps = follower.plan(&poses, &vec![goals; 60], |_, _, _| 0.0, 30.0);
                let after = follower.follow(&pose, &goals, &helps[30]);
                let left = arrived(&follower, &after, hand, &goal);
                assert!(left < 0.004, "hand {hand}, {away:?}: {left}");
                let joints = follower.skeleton.forward(&after);
                for ankle in [joint::LEFT_ANKLE, joint::RIGHT_ANKLE] {
                    assert!((joints[ankle] - before[ankle]).norm() < 2e-3);
                }
                // The other arm is where the trunk takes it, bones keep their lengths by construction.
                assert!(
                    after
                        .rotations
                        .iter()
                        .all(|q| (q.norm() - 1.0).abs() < 1e-4)
                );
            }
        }
        // Nothing to do, nothing done.
        let same = follower.follow(&pose, &[None, None], &Help::default());
        assert_eq!(same, pose);
        let own = [0, 1].map(|hand| Some(follower.own(hand, &pose)));
        let same = follower.follow(&pose, &own, &Help::default());
        for j in 0..ROTATIONS {
            assert!(same.rotations[j].angle_to(&pose.rotations[j]) < 2e-3, "{j}");
        }
    }

    #[test]
    fn wrists_bend_no_further_than_they_can() {
        let (follower, mut pose) = standing();
        // Well bent: this is about the wrist, not about how far the arm reaches.
        let bend = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), -0.6);
        for j in [18, 20] {
            pose.rotations[j] *= bend;
        }
        let joints = follower.skeleton.forward(&pose);
        let hand = 0;
        let now = pad(&follower.palms[hand], hand, &joints, &pose.rotations[20]);
        let mut last: Option<UnitQuaternion<f32>> = None;
        // Beyond, the hand would come round the other side.
        for k in 0..30 {
            let angle = k as f32 * 0.05;
            let turned =
                UnitQuaternion::from_axis_angle(&Vector3::x_axis(), angle) * pose.rotations[20];
            let goal = HandGoal {
                pad: now,
                rotation: turned,
                normal: Vector3::z_axis(),
                laid: 0.0,
                helped: true,
            };
            let after = follower.follow(&pose, &[Some(goal), None], &Help::default());
            let local = after.rotations[18].inverse() * after.rotations[20];
            let (swing, _) = follower.swing_twist(ik::LEFT_ARM, &local);
            assert!(swing.angle() < BEND + 0.5, "{k}: {}", swing.angle());
            assert!(arrived(&follower, &after, hand, &goal) < 0.01, "{k}");
            if let Some(last) = last {
                assert!(after.rotations[20].angle_to(&last) < 0.3, "{k}");
            }
            last = Some(after.rotations[20]);
        }
    }

    #[test]
    fn a_hand_does_not_flip_as_its_forearm_comes_over_it() {
        let (follower, pose) = standing();
        let hand = 0;
        let rotation = pose.rotations[joint::LEFT_WRIST];
        // Flat on something low, fingers to the left, while the person goes by to the left, from one side of it to the other.
        let palm = &follower.palms[hand];
        let down = UnitQuaternion::rotation_between(&(rotation * palm.inward), &-Vector3::z())
            .expect("a turn")
            * rotation;
        let along = down * palm.along.into_inner();
        let about = -along.y.atan2(along.x);
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), about) * down;
        let joints = follower.skeleton.forward(&pose);
        let under = joints[joint::LEFT_SHOULDER] - Vector3::new(0.0, 0.1, 0.45);
        let goal = HandGoal {
            pad: under,
            rotation,
            normal: Vector3::z_axis(),
            laid: 1.0,
            helped: false,
        };
        let frames = 90;
        let poses: Vec<Pose> = (0..frames)
            .map(|f| {
                let mut pose = pose;
                pose.root.x += 0.3 * (2.0 * f as f32 / (frames - 1) as f32 - 1.0);
                pose
            })
            .collect();
        let goals = vec![[Some(goal), None]; frames];
        let rotations = |helps: &[Help]| -> Vec<UnitQuaternion<f32>> {
            (poses.iter().zip(helps))
                .map(|(pose, help)| {
                    follower.follow(pose, &[Some(goal), None], help).rotations[joint::LEFT_WRIST]
                })
                .collect()
        };
        let helps = follower.plan(&poses, &goals, |_, _, _| 0.0, 30.0);
        let turned = rotations(&helps);
        let fastest = (turned.windows(2))
            .map(|w| w[0].angle_to(&w[1]))
            .fold(0.0, f32::max);
        assert!(fastest < 0.25, "{fastest} rad a frame");
        // It does turn: the wrist that would bend most bends less.
        let bend = |helps: &[Help], f: usize| {
            let out = follower.follow(
                &poses[f],
                &[Some(goal), None],
                helps.get(f).unwrap_or(&Help::default()),
            );
            let local =
                out.rotations[joint::LEFT_ELBOW].inverse() * out.rotations[joint::LEFT_WRIST];
            follower.swing_twist(ik::LEFT_ARM, &local).0.angle()
        };
        let most = |helps: &[Help]| (0..frames).map(|f| bend(helps, f)).fold(0.0, f32::max);
        let (with, without) = (most(&helps), most(&[]));
        assert!(with < without - 0.1, "{with} of {without}");
        // Where turning would put it into what it lies on, it does not.
        let kept = follower.plan(&poses, &goals, |_, _, turn| 0.02 * turn.abs(), 30.0);
        let turn = |helps: &[Help]| helps.iter().map(|h| h.turn[0].abs()).fold(0.0, f32::max);
        assert!(
            turn(&kept) < 0.3 * turn(&helps),
            "{} of {}",
            turn(&kept),
            turn(&helps)
        );
    }

    #[test]
    fn a_free_arm_gives_way_before_it_is_straight() {
        let (follower, pose) = standing();
        let joints = follower.skeleton.forward(&pose);
        let (hand, arm) = (0, ik::LEFT_ARM);
        let way = (joints[arm.end] - joints[arm.upper]).normalize();
        let rotation = pose.rotations[20];
        let length = follower.arm(arm);
        // Evenly from within reach to well beyond it, a centimetre a frame.
        let bent = |k: usize, laid: f32| {
            let wrist = joints[arm.upper] + way * (0.9 * length + 0.01 * k as f32);
            let goal = HandGoal {
                pad: wrist + rotation * follower.palms[hand].pad,
                rotation,
                normal: Vector3::z_axis(),
                laid,
                helped: false,
            };
            let mut bent = pose;
            let elbow = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), -0.8);
            for j in [18, 20] {
                bent.rotations[j] *= elbow;
            }
            bent.rotations[20] = rotation;
            let after = follower.follow(&bent, &[Some(goal), None], &Help::default());
            let j = follower.skeleton.forward(&after);
            (j, arrived(&follower, &after, hand, &goal))
        };
        let most = |laid: f32| {
            let elbows: Vec<Vector3<f32>> = (0..20).map(|k| bent(k, laid).0[arm.middle]).collect();
            (elbows.windows(3))
                .map(|e| (e[2] - e[1] * 2.0 + e[0]).norm())
                .fold(0.0, f32::max)
        };
        let (free, lying) = (most(0.0), most(1.0));
        assert!(free < 0.5 * lying, "{free} against {lying}");
        // A palm that lies on something stays on it as long as the arm can.
        let within = (0.09 * length / 0.01) as usize;
        assert!(bent(within, 1.0).1 < 1e-3);
        assert!(bent(within, 0.0).1 < SOFT * length);
    }

    #[test]
    fn help_is_enough_and_gentle() {
        let mut need = vec![Vector3::zeros(); 100];
        need[45..56].fill(Vector3::new(0.0, 0.1, 0.0));
        let smooth = widened(&need, 10);
        assert!(smooth[50].y > 0.099);
        assert!(smooth[20].norm() < 1e-6);
        for f in 1..99 {
            let second = smooth[f + 1] - smooth[f] * 2.0 + smooth[f - 1];
            assert!(second.norm() < 0.002, "{f}");
        }
        assert!(widened(&[], 5).is_empty());
    }
}
