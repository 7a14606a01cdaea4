//! An action as it is laid out in time: a course for the person, a path for the thing, hands and feet that touch it.

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use super::course::{Course, Ground, minimum_jerk};
use super::handling::{Place, Side};
use super::posture::Table;
use crate::motion::FPS;
use crate::training::synthetic::catalogue::Thing;

/// Room between a thing and the middle between the feet beside it, metres.
pub(super) const ROOM: f32 = 0.24;
/// The same to what is held before the body.
pub(super) const HELD: f32 = 0.18;

/// A hand that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grip {
    pub place: Place,
    pub first: usize,
    pub last: usize,
}

/// A foot that strikes: which one, from when to when, where its toe joint is when it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Strike {
    pub foot: usize,
    pub first: usize,
    pub hit: usize,
    pub last: usize,
    pub toe: Vector3<f32>,
    /// How far it goes on, level.
    pub through: Vector2<f32>,
}

/// A thing at a frame: the middle of its bounding box, and its turn from the upright frame.
pub(super) type At = (Vector3<f32>, UnitQuaternion<f32>);

/// An action laid out in time.
pub(super) struct Plan {
    pub course: Course,
    pub thing: Vec<At>,
    pub grips: Vec<Grip>,
    pub strikes: Vec<Strike>,
    /// Whether the person goes backward, walk by walk.
    pub backward: Vec<bool>,
}

/// Who does it with what.
pub(super) struct Cast<'a> {
    pub thing: &'a Thing,
    /// The person's height and their way of stooping.
    pub size: f32,
    pub table: &'a Table,
}

/// How a thing is held over time: relative to the person's ground frame.
#[derive(Clone, Copy)]
pub(super) struct Held {
    /// Ahead of the place between the feet, and height of the middle of its box, metres.
    pub ahead: f32,
    pub height: f32,
    /// Turn about the vertical and toward the person, radians.
    pub yaw: f32,
    pub tilt: f32,
    /// To the left, metres, and a turn to the left about the edge on the floor, radians, whose foot is meant by the place.
    pub left: f32,
    pub roll: f32,
}

/// How something is lifted, and set down again.
#[derive(Clone, Copy)]
pub(super) struct Lift {
    /// How it is carried.
    pub to: Held,
    /// Time of the lifting, and of the setting down, seconds.
    pub seconds: f32,
    /// Share of that time in which the person walks.
    pub under_way: f32,
}

pub(super) struct Stage<'a> {
    pub cast: &'a Cast<'a>,
    pub side: Side,
    /// Turn of the thing when the person faces -Y before it.
    pub facing: UnitQuaternion<f32>,
    pub course: Course,
    pub thing: Vec<At>,
    pub grips: Vec<Grip>,
    pub backward: Vec<bool>,
    /// What holds now.
    pub held: Option<Held>,
}

impl<'a> Stage<'a> {
    /// A thing at the origin and a person before one side of it, `back` metres farther away than they will stand.
    pub fn new(cast: &'a Cast<'a>, side: Side, ahead: f32, back: f32, yaw: f32) -> Self {
        // The person's -Y is the thing's way from the person.
        let angle = (-side.toward.x).atan2(side.toward.y);
        // The thing's `toward` has to come to +Y when the person faces -Y.
        let facing = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -angle);
        let mut start = Ground {
            at: Vector2::zeros(),
            yaw,
        };
        start.at = -start.ahead() * (ahead + back);
        let height = cast.thing.size.z / 2.0;
        let turn = start.turn() * facing;
        let course = Course::new(start);
        Self {
            cast,
            side,
            facing,
            thing: vec![(Vector3::new(0.0, 0.0, height), turn)],
            course,
            grips: Vec::new(),
            backward: Vec::new(),
            held: None,
        }
    }

    pub fn now(&self) -> usize {
        self.course.now()
    }

    /// The thing goes on for the frames that the person has gone on.
    pub fn follow(&mut self, held: impl Fn(f32) -> Option<Held>) {
        let from = self.thing.len();
        let to = self.course.ground.len();
        for t in from..to {
            let share = (t + 1 - from) as f32 / (to - from) as f32;
            let at = match held(share) {
                Some(held) => self.place(&held, &self.course.ground[t]),
                None => self.thing[t - 1],
            };
            self.thing.push(at);
        }
    }

    /// Where a thing is that is held so.
    pub fn place(&self, held: &Held, ground: &Ground) -> At {
        let body = ground.turn();
        let yaw = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), held.yaw);
        let tilt = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -held.tilt);
        let roll = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), held.roll);
        let turn = body * tilt * roll * yaw * self.facing;
        let at = ground.offset(held.ahead, held.left);
        let mut middle = Vector3::new(at.x, at.y, held.height);
        if held.roll != 0.0 {
            // About the edge on the floor that it goes over.
            let edge = Vector3::new(
                self.side.wide * held.roll.signum(),
                0.0,
                -self.cast.thing.size.z / 2.0,
            );
            middle += body * (edge - roll * edge);
            let lowest = self.cast.thing.object.lowest(&turn) - (turn * self.cast.thing.middle()).z;
            middle.z = -lowest;
        }
        (middle, turn)
    }

    /// A tilt by `angle` toward the person (away where negative) about the edge on the floor.
    pub fn tilted(&self, base: &Held, angle: f32) -> Held {
        let half = self.cast.thing.size.z / 2.0;
        // Level distance from the middle of the box to the edge that stays, toward the person.
        let edge = self.side.deep * angle.signum();
        let (s, c) = angle.sin_cos();
        // The middle relative to the edge is (away from the person, up) = (edge, half); turned by `angle` toward the person.
        let ahead = edge * c - half * s;
        let up = edge * s + half * c;
        Held {
            ahead: base.ahead - edge + ahead,
            height: up,
            tilt: angle,
            ..*base
        }
    }

    pub fn stand(&mut self, seconds: f32) {
        self.course.stand(seconds);
        let held = self.held;
        self.follow(|_| held);
    }

    /// What is held moves to another place before the person while they stand.
    pub fn bring(&mut self, to: Held, seconds: f32) {
        let from = self.held.unwrap_or(to);
        self.course.stand(seconds);
        self.follow(|u| Some(between(&from, &to, minimum_jerk(u))));
        self.held = Some(to);
    }

    /// What is held goes over the head, or comes down from there: past the face, not through it.
    pub fn bring_over(&mut self, to: Held, up: bool, seconds: f32) {
        let from = self.held.unwrap_or(to);
        self.course.stand(seconds);
        self.follow(|u| {
            let (early, late) = (minimum_jerk(u / 0.75), minimum_jerk((u - 0.35) / 0.65));
            let (rise, back) = if up { (early, late) } else { (late, early) };
            Some(Held {
                ahead: between(&from, &to, back).ahead,
                ..between(&from, &to, rise)
            })
        });
        self.held = Some(to);
    }

    pub fn walk(&mut self, to: Ground, bulge: f32, backward: bool, speed: f32) {
        self.course.walk(to, bulge, backward, speed);
        self.backward.push(backward);
        let held = self.held;
        self.follow(|_| held);
    }

    /// What is held is lifted, carried and set down: `under_way` of the lifting and the setting down while the person already,
    /// or still, walks.
    pub fn carry(&mut self, to: Ground, bulge: f32, speed: f32, lift: Lift) {
        let Some(low) = self.held else { return };
        let from = self.course.ground.len();
        let still = lift.seconds * (1.0 - lift.under_way);
        self.course.stand(still);
        let ready = self.course.now();
        self.course.walk(to, bulge, false, speed);
        self.backward.push(false);
        self.course.stand(still);
        let seconds = (self.course.ground.len() - from) as f32 / FPS;
        // It is not lifted before the beat that the person waits for.
        let first = self.course.walks.last().map_or(ready, |walk| walk.first);
        let waits = (first - ready) as f32 / FPS;
        self.follow(|u| {
            let up = minimum_jerk((u * seconds - waits) / lift.seconds);
            let down = minimum_jerk((1.0 - u) * seconds / lift.seconds);
            Some(between(&low, &lift.to, up * down))
        });
        self.held = Some(low);
    }

    pub fn round(&mut self, about: Vector2<f32>, angle: f32, speed: f32) {
        self.course.round(about, angle, speed);
        self.backward.push(false);
        let held = self.held;
        self.follow(|_| held);
    }

    /// Hands take hold now; given back is when.
    pub fn hold(&mut self, held: Held) -> usize {
        self.held = Some(held);
        self.now()
    }

    /// Hands let go now of what they took at `first`.
    pub fn release(&mut self, places: &[Place], first: usize) {
        let last = self.now();
        self.grips.extend(places.iter().map(|place| Grip {
            place: *place,
            first,
            last,
        }));
        self.held = None;
    }

    pub fn finish(self) -> Plan {
        Plan {
            course: self.course,
            thing: self.thing,
            grips: self.grips,
            strikes: Vec::new(),
            backward: self.backward,
        }
    }
}

pub(super) fn between(a: &Held, b: &Held, t: f32) -> Held {
    let mix = |a: f32, b: f32| a + (b - a) * t;
    Held {
        ahead: mix(a.ahead, b.ahead),
        height: mix(a.height, b.height),
        yaw: mix(a.yaw, b.yaw),
        tilt: mix(a.tilt, b.tilt),
        left: mix(a.left, b.left),
        roll: mix(a.roll, b.roll),
    }
}

impl Cast<'_> {
    /// How far ahead the thing's middle is when its grasps, at a height over the floor, are where hands are with ease; never
    /// nearer than its near side allows.
    pub fn ahead(&self, side: &Side, places: &[Place], height: f32, room: f32) -> f32 {
        let toward = Vector3::new(side.toward.x, side.toward.y, 0.0);
        let grasp = grasp(places).dot(&toward);
        let reach = self.table.at(height / self.size).ahead * self.size;
        (reach + grasp).max(side.deep + room)
    }
}

/// Mean of the places of hands.
pub(super) fn grasp(places: &[Place]) -> Vector3<f32> {
    places.iter().map(|p| p.point).sum::<Vector3<f32>>() / places.len().max(1) as f32
}
