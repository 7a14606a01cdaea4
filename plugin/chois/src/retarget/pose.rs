//! One pose of the source on a rig: trunk and limbs as they are turned, then feet and hands where they belong.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::calibrate::smooth;
use super::solve::{Goals, Retarget, RigPose, Role, Turn, Turns, Whole};
use super::{BodyPart, RootPlace, Side};
use crate::figure::hands;
use crate::frame;
use crate::ik::{hinged, two_bone};
use crate::skeleton::{Pose, TOE_HEIGHT, joint};

/// A leg straightens ever more slowly beyond the first share of its length, never to the second.
const SOFT: [f32; 2] = [0.985, 0.9995];

impl Retarget {
    /// One pose, for live use: legs reach the floor, hands where `palms` say. Nothing is known of the frames before and
    /// after, so feet are not held in place; nothing is allocated. Fingers keep what they had.
    ///
    /// `palms`: where the left and the right palm shall be (model's world, metres, Z up) and how much that matters,
    /// 0 to 1.
    pub fn solve(&self, pose: &Pose, palms: [Option<(Vector3<f32>, f32)>; 2], out: &mut RigPose) {
        let mut turns = source_turns(pose);
        let joints = self.source.forward(pose);
        let balls = [0, 1].map(|side| {
            let ball = frame::to_y_up(joints[joint::LEFT_TOE + side]);
            let heading = heading_turn(heading(&turns[0]).unwrap_or(out.heading));
            Some(self.ball_target(side, &ball, &heading))
        });
        let palms = palms.map(|p| p.map(|(at, w)| (frame::to_y_up(at), w)));
        let goals = Goals {
            palms,
            balls,
            ..Goals::default()
        };
        self.pose(pose, &mut turns, &goals, out);
        self.write(&turns, out);
    }

    /// The middle between the source's hip joints about the pelvis at rest.
    pub(super) fn rest_middle(&self) -> Vector3<f32> {
        (self.source.rest_offsets[joint::LEFT_HIP] + self.source.rest_offsets[joint::RIGHT_HIP])
            / 2.0
    }

    /// Where the ball of a foot belongs when the source's is at `ball` (Y up).
    pub(super) fn ball_target(
        &self,
        side: usize,
        ball: &Vector3<f32>,
        heading: &Turn,
    ) -> Vector3<f32> {
        let leg = &self.legs[side];
        let mut out = ball + heading * leg.aside;
        out.y = (leg.ball_height + (ball.y - TOE_HEIGHT) * self.size()).max(leg.ball_height);
        out
    }

    /// Where the middle between the hip joints belongs, Y-up world.
    fn hips_target(&self, pose: &Pose, turns: &Turns) -> Vector3<f32> {
        let mut middle = frame::to_y_up(pose.root) + turns[0] * self.rest_middle();
        middle.y *= self.size();
        middle
    }

    /// Places all links for a pose with the goals reached. `turns` come back as they became.
    pub(super) fn pose(&self, pose: &Pose, turns: &mut Turns, goals: &Goals, out: &mut RigPose) {
        if let Some(lean) = goals.lean {
            for (j, share) in [
                (joint::SPINE1, 0.34),
                (joint::SPINE2, 0.67),
                (joint::SPINE3, 1.0),
                (joint::LEFT_COLLAR, 1.0),
                (joint::RIGHT_COLLAR, 1.0),
                (joint::NECK, 0.6),
                (joint::HEAD, 0.3),
            ] {
                turns[j] = Turn::identity().slerp(&lean, share) * turns[j];
            }
        }
        let middle = self.hips_target(pose, turns) + goals.shift;
        self.place(turns, &middle, out);
        // The pieces of a limb need not lie on one line: what is left after the first time is little.
        let mut wrists = [None; 2];
        for round in 0..3 {
            for side in 0..2 {
                if let Some(ball) = goals.balls[side] {
                    self.stand(side, ball, turns, out, round == 0, goals.lifts[side]);
                }
                if let Some((palm, weight)) = goals.palms[side].filter(|g| g.1 > 0.0) {
                    let arm = &self.arms[side];
                    let wrist = *wrists[side].get_or_insert_with(|| {
                        let wanted = palm - turns[joint::LEFT_WRIST + side] * arm.palm;
                        out.places[arm.hand].lerp(&wanted, weight)
                    });
                    self.reach(side, wrist, turns, out);
                }
            }
            self.place(turns, &middle, out);
        }
    }

    /// Turns and places of all links, the hip joints' middle at `middle`.
    pub(super) fn place(&self, turns: &Turns, middle: &Vector3<f32>, out: &mut RigPose) {
        for (i, link) in self.links.iter().enumerate() {
            let turn = match (&link.role, link.parent) {
                (Role::Joints(mix), _) => mixed(mix, turns) * link.turn,
                (
                    Role::Share {
                        base,
                        whole,
                        share,
                        about,
                    },
                    _,
                ) => {
                    let base = out.turns[*base];
                    match whole {
                        Whole::Own { joint } => {
                            let on = base.inverse() * turns[*joint] * link.turn;
                            let roll = roll(&on, about);
                            // All of the swing, a share of the roll.
                            base * on * part(&roll, 1.0 - share).inverse()
                        }
                        Whole::Next { joint, part: end } => {
                            let on = base.inverse() * turns[*joint] * self.turn_of(*end);
                            base * part(&roll(&on, about), *share)
                        }
                    }
                }
                (_, Some(p)) => out.turns[p],
                (_, None) => Turn::identity(),
            };
            out.turns[i] = turn;
            out.places[i] = match link.parent {
                None => middle - turn * self.middle,
                Some(p) => out.places[p] + out.turns[p] * link.offset,
            };
        }
    }

    fn turn_of(&self, part: BodyPart) -> Turn {
        match part {
            BodyPart::Hand(side) => self.links[self.arms[side.index()].hand].turn,
            BodyPart::Foot(side) => self.links[self.legs[side.index()].foot].turn,
            _ => Turn::identity(),
        }
    }

    /// How far heel and toes of a foot with its ball at a height must be turned so that they are not in the floor:
    /// radians about the level axis across the foot.
    pub(super) fn lifts(&self, side: usize, height: f32, turns: &Turns) -> [f32; 2] {
        let leg = &self.legs[side];
        let (ankle, toe) = (
            turns[joint::LEFT_ANKLE + side],
            turns[joint::LEFT_TOE + side],
        );
        let mut out = [0.0; 2];
        let mut on = Turn::identity();
        if let Some(axis) = across(&ankle) {
            out[0] = lift(&(ankle * (leg.heel - leg.ball)), height, &axis);
            on = Turn::from_axis_angle(&axis, out[0]);
        }
        let toe = on * toe;
        if let (true, Some(axis)) = (leg.toes, across(&toe)) {
            out[1] = lift(&(toe * leg.tip), height, &axis);
        }
        out
    }

    /// Turns a foot and its toes as [`Self::lifts`] says.
    fn lift_sole(&self, side: usize, lifts: [f32; 2], turns: &mut Turns) {
        let (ankle, toe) = (joint::LEFT_ANKLE + side, joint::LEFT_TOE + side);
        if let Some(axis) = across(&turns[ankle]) {
            let turn = Turn::from_axis_angle(&axis, lifts[0]);
            turns[ankle] = turn * turns[ankle];
            turns[toe] = turn * turns[toe];
        }
        if let Some(axis) = across(&turns[toe]) {
            turns[toe] = Turn::from_axis_angle(&axis, lifts[1]) * turns[toe];
        }
    }

    /// Turns hip and knee so that the ball of the foot comes to its place, the sole over the floor.
    fn stand(
        &self,
        side: usize,
        ball: Vector3<f32>,
        turns: &mut Turns,
        out: &mut RigPose,
        first: bool,
        lifts: Option<[f32; 2]>,
    ) {
        let leg = &self.legs[side];
        let (hip, knee, ankle) = (
            joint::LEFT_HIP + side,
            joint::LEFT_KNEE + side,
            joint::LEFT_ANKLE + side,
        );
        if first {
            let lifts = lifts.unwrap_or_else(|| self.lifts(side, ball.y, turns));
            self.lift_sole(side, lifts, turns);
        }
        let (a, b, c) = (
            out.places[leg.upper],
            out.places[leg.lower],
            out.places[leg.foot],
        );
        let goal = a + within(
            ball - turns[ankle] * leg.ball - a,
            (b - a).norm() + (c - b).norm(),
        );
        let hinge = turns[hip] * Vector3::x();
        let straight = 0.02 * leg.length * leg.length;
        if let Some((upper, lower)) = hinged(a, b, c, goal, hinge, straight) {
            turns[hip] = upper * turns[hip];
            turns[knee] = lower * turns[knee];
        }
    }

    /// Turns shoulder and elbow so that the wrist comes to its place, the hand keeping its rotation.
    fn reach(&self, side: usize, wrist: Vector3<f32>, turns: &mut Turns, out: &RigPose) {
        let arm = &self.arms[side];
        let (shoulder, elbow) = (joint::LEFT_SHOULDER + side, joint::LEFT_ELBOW + side);
        let (a, b, c) = (
            out.places[arm.upper],
            out.places[arm.lower],
            out.places[arm.hand],
        );
        let bend = if side == 0 {
            -Vector3::y()
        } else {
            Vector3::y()
        };
        let hinge = turns[shoulder] * bend;
        let straight = 0.002 * arm.length * arm.length;
        if let Some((upper, lower)) = two_bone(a, b, c, wrist, hinge, straight) {
            turns[shoulder] = upper * turns[shoulder];
            turns[elbow] = lower * turns[elbow];
        }
    }

    /// Root, hips and rotations relative to parents from what was placed.
    pub(super) fn write(&self, turns: &Turns, out: &mut RigPose) {
        let yaw = heading(&turns[0]).unwrap_or(out.heading);
        self.write_with(yaw, out);
    }

    pub(super) fn write_with(&self, yaw: f32, out: &mut RigPose) {
        out.heading = yaw;
        let heading = heading_turn(yaw);
        let hips = out.places[0];
        let middle = hips + out.turns[0] * self.middle;
        let root = Vector3::new(middle.x, 0.0, middle.z);
        out.root = RootPlace {
            position: frame::from_y_up(root),
            rotation: frame::rotation_from_y_up(heading * self.to_person),
        };
        let back = heading.inverse();
        let in_root = self.to_person.inverse() * (back * (hips - root)) / self.scale;
        out.hips_translation = self.into_parent * (in_root - self.parent_position);
        for (k, &i) in self.moving.iter().enumerate() {
            let link = &self.links[i];
            let on = match (&link.role, link.parent) {
                // Fingers bend from the T-pose of what carries them, wherever that is.
                (Role::Finger(side, digit, p), Some(parent)) => {
                    let side = side.index();
                    let bend = out.bends[side][*digit as usize][*p];
                    let turn = self.hands[side].rotation(*digit as usize, *p, bend);
                    self.links[parent].turn.inverse() * turn * link.turn
                }
                (_, Some(p)) => out.turns[p].inverse() * out.turns[i],
                (_, None) => back * out.turns[i],
            };
            let local = link.above.inverse() * on * link.above * link.local;
            out.rotations[k] = UnitQuaternion::new_normalize(local.into_inner());
        }
    }

    /// World position (Y up) of a palm of the rig as placed.
    pub(super) fn palm(&self, side: usize, turns: &Turns, out: &RigPose) -> Vector3<f32> {
        out.places[self.arms[side].hand] + turns[joint::LEFT_WRIST + side] * self.arms[side].palm
    }
}

impl RigPose {
    /// Bends the fingers of a hand: 0 is relaxed, 1 a fist. Holds until it is said again.
    pub fn grip(&mut self, side: Side, closed: f32) {
        let closed = if closed.is_finite() {
            closed.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.bends[side.index()] = hands::blend(&hands::RELAXED, &hands::CLOSED, closed);
    }
}

/// The source's rotations in a Y-up world, from the rest pose.
pub(super) fn source_turns(pose: &Pose) -> Turns {
    let back = frame::y_up_to_z_up().inverse();
    pose.rotations.map(|q| back * q)
}

/// Angle about the vertical at which the pelvis faces; none when it lies on its side.
pub(super) fn heading(pelvis: &Turn) -> Option<f32> {
    let left = pelvis * Vector3::x();
    let level = (left.x * left.x + left.z * left.z).sqrt();
    (level > 0.25).then(|| (-left.z).atan2(left.x))
}

pub(super) fn heading_turn(yaw: f32) -> Turn {
    Turn::from_axis_angle(&Vector3::y_axis(), yaw)
}

/// A way that a limb of a length can go, straightening ever more slowly: a knee that is all but straight would snap.
fn within(way: Vector3<f32>, length: f32) -> Vector3<f32> {
    let (size, from, most) = (way.norm(), SOFT[0] * length, SOFT[1] * length);
    if size <= from {
        return way;
    }
    let rest = most - from;
    way * ((from + rest * (1.0 - ((from - size) / rest).exp())) / size)
}

/// The level axis across a foot, to its left; none when the foot stands on its side.
fn across(foot: &Turn) -> Option<Unit<Vector3<f32>>> {
    let side = foot * Vector3::x();
    Unit::try_new(Vector3::new(side.x, 0.0, side.z), 0.1)
}

/// The angle about an axis across the foot that lifts a point (about the ball) out of the floor, if it is below it.
fn lift(point: &Vector3<f32>, height: f32, axis: &Vector3<f32>) -> f32 {
    if height + point.y >= -1e-5 {
        return 0.0;
    }
    // Height over angle: m cos(angle - phase).
    let up = axis.cross(point).y;
    let m = point.y.hypot(up);
    if m < 1e-6 {
        return 0.0;
    }
    let phase = up.atan2(point.y);
    let reach = (-height / m).clamp(-1.0, 1.0).acos();
    let wrap = |a: f32| {
        let turn = std::f32::consts::TAU;
        (a + turn / 2.0).rem_euclid(turn) - turn / 2.0
    };
    let (a, b) = (wrap(phase - reach), wrap(phase + reach));
    let angle = if a.abs() < b.abs() { a } else { b };
    if angle.abs() < 1.2 { angle } else { 0.0 }
}

/// The roll of a turn about an axis, faded out where the turn is so far that there is none.
fn roll(on: &Turn, about: &Vector3<f32>) -> Turn {
    let along = on.imag().dot(about);
    let size = (on.w * on.w + along * along).sqrt();
    if size < 1e-4 {
        return Turn::identity();
    }
    let sign = if on.w < 0.0 { -1.0 } else { 1.0 };
    let angle = 2.0 * (sign * along).atan2(sign * on.w);
    let sure = smooth((size - 0.15) / 0.35);
    Turn::new(about * (angle * sure))
}

fn part(turn: &Turn, share: f32) -> Turn {
    Turn::new(turn.scaled_axis() * share)
}

fn mixed(mix: &[(usize, f32); 4], turns: &Turns) -> Turn {
    let (first, mut total) = mix[0];
    let mut out = turns[first];
    for &(joint, weight) in &mix[1..] {
        if weight > 0.0 {
            total += weight;
            out = crate::motion::blend::slerp(&out, &turns[joint], weight / total);
        }
    }
    out
}
