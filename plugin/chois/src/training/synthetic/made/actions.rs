//! What happens when: for each action a course for the person, a path for the thing, and hands that hold.

use nalgebra::{Rotation2, UnitQuaternion, Vector2, Vector3};
use rand::{Rng, RngExt};

use super::course::{Course, Ground, minimum_jerk};
use super::handling::{Manner, Place, Side, places};
use super::posture::Table;
use crate::motion::FPS;
use crate::training::synthetic::catalogue::Thing;
use crate::training::synthetic::things::Kind;
use crate::training::synthetic::words::Action;

/// Room between a thing and the middle between the feet beside it, metres.
const ROOM: f32 = 0.24;
/// The same to what is held before the body.
const HELD: f32 = 0.16;

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
struct Held {
    /// Ahead of the place between the feet, and height of the middle of its box, metres.
    ahead: f32,
    height: f32,
    /// Turn about the vertical and toward the person, radians.
    yaw: f32,
    tilt: f32,
    /// To the left, metres, and a turn to the left about the edge on the floor, radians, whose foot is meant by the place.
    left: f32,
    roll: f32,
}

struct Stage<'a> {
    cast: &'a Cast<'a>,
    side: Side,
    /// Turn of the thing when the person faces -Y before it.
    facing: UnitQuaternion<f32>,
    course: Course,
    thing: Vec<At>,
    grips: Vec<Grip>,
    backward: Vec<bool>,
    /// What holds now.
    held: Option<Held>,
}

impl<'a> Stage<'a> {
    /// A thing at the origin and a person before one side of it, `back` metres farther away than they will stand.
    fn new(cast: &'a Cast<'a>, side: Side, ahead: f32, back: f32, yaw: f32) -> Self {
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

    fn now(&self) -> usize {
        self.course.now()
    }

    /// The thing goes on for the frames that the person has gone on.
    fn follow(&mut self, held: impl Fn(f32) -> Option<Held>) {
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
    fn place(&self, held: &Held, ground: &Ground) -> At {
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
    fn tilted(&self, base: &Held, angle: f32) -> Held {
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

    fn stand(&mut self, seconds: f32) {
        self.course.stand(seconds);
        let held = self.held;
        self.follow(|_| held);
    }

    /// What is held moves to another place before the person while they stand.
    fn bring(&mut self, to: Held, seconds: f32) {
        let from = self.held.unwrap_or(to);
        self.course.stand(seconds);
        self.follow(|u| Some(between(&from, &to, minimum_jerk(u))));
        self.held = Some(to);
    }

    fn walk(&mut self, to: Ground, bulge: f32, backward: bool, speed: f32) {
        self.course.walk(to, bulge, backward, speed);
        self.backward.push(backward);
        let held = self.held;
        self.follow(|_| held);
    }

    fn round(&mut self, about: Vector2<f32>, angle: f32, speed: f32) {
        self.course.round(about, angle, speed);
        self.backward.push(false);
        let held = self.held;
        self.follow(|_| held);
    }

    /// Hands take hold now; given back is when.
    fn hold(&mut self, held: Held) -> usize {
        self.held = Some(held);
        self.now()
    }

    /// Hands let go now of what they took at `first`.
    fn release(&mut self, places: &[Place], first: usize) {
        let last = self.now();
        self.grips.extend(places.iter().map(|place| Grip {
            place: *place,
            first,
            last,
        }));
        self.held = None;
    }

    fn finish(self) -> Plan {
        Plan {
            course: self.course,
            thing: self.thing,
            grips: self.grips,
            strikes: Vec::new(),
            backward: self.backward,
        }
    }
}

fn between(a: &Held, b: &Held, t: f32) -> Held {
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
    fn ahead(&self, side: &Side, places: &[Place], height: f32, room: f32) -> f32 {
        let toward = Vector3::new(side.toward.x, side.toward.y, 0.0);
        let grasp = grasp(places).dot(&toward);
        let reach = self.table.at(height / self.size).ahead * self.size;
        (reach + grasp).max(side.deep + room)
    }
}

/// Mean of the places of hands.
fn grasp(places: &[Place]) -> Vector3<f32> {
    places.iter().map(|p| p.point).sum::<Vector3<f32>>() / places.len().max(1) as f32
}

/// Whether an action makes sense with a thing.
pub(super) fn suits(action: Action, thing: &Thing) -> bool {
    let pole = matches!(thing.kind, Kind::Lamp | Kind::Stand | Kind::Tripod);
    let [w, d, h] = thing.size.into();
    match action {
        Action::Carry => w.min(d) < 0.8,
        Action::Rotate | Action::Turn => true,
        Action::Push => !pole && h > 0.3,
        Action::Pull => pole || h > 0.3,
        Action::PushPull => !pole && h > 0.4,
        Action::PullBack => !pole && h > 0.65,
        Action::Overhead | Action::OverheadSpin => {
            !pole && h < 0.55 && w.min(d) < 0.62 && thing.object.mass() < 9.0
        }
        Action::DragEdge => thing.kind == Kind::Table,
        Action::Kick => thing.object.mass() < 12.0,
        Action::KickCarry => !pole && thing.object.mass() < 12.0 && w.min(d) < 0.62,
        Action::TiltPull => !pole && h > 0.38,
        Action::Tilt => h > 0.4,
        Action::LayDown | Action::PickUp | Action::LayAndPickUp => pole && h > 1.1,
    }
}

fn manner(action: Action) -> Manner {
    match action {
        Action::Push | Action::PushPull => Manner::Push,
        Action::Pull | Action::TiltPull | Action::DragEdge | Action::Tilt => Manner::Pull,
        Action::PullBack => Manner::OneHand,
        Action::LayDown | Action::PickUp | Action::LayAndPickUp => Manner::High,
        _ => Manner::Lift,
    }
}

/// Lays out an action. None where the thing offers no hold for it.
pub(super) fn plan(action: Action, cast: &Cast<'_>, rng: &mut impl Rng) -> Option<Plan> {
    let manner = manner(action);
    let side = Side::choose(cast.thing, manner, rng);
    let thing = cast.thing;
    let half = thing.size.z / 2.0;
    let mut within = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let yaw = within(-3.1, 3.1);
    let back = if within(0.0, 1.0) < 0.45 {
        within(0.3, 1.1)
    } else {
        0.0
    };
    let speed = within(0.5, 0.95);
    let (reaching, lifting) = (within(0.75, 1.1), within(0.7, 1.2));
    let (pause, end) = (within(0.1, 0.4), within(0.6, 1.0));
    let bulge = within(-0.18, 0.18);
    let way = within(0.9, 2.2);
    let course_turn = within(-1.2, 1.2);
    let end_turn = within(-0.9, 0.9);
    let angle = within(0.8, 2.6) * if within(0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
    let carried = within(0.0, 1.0);
    let tilt = within(0.3, 0.6);
    let step_back = within(0.0, 1.0) < 0.3;
    let places = places(thing, &side, manner, cast.size, rng)?;
    let over = grasp(&places).z + half;
    let toward = Vector3::new(side.toward.x, side.toward.y, 0.0);
    let ahead = cast.ahead(&side, &places, over, ROOM);

    if matches!(action, Action::Kick | Action::KickCarry) {
        return kick(
            action,
            cast,
            side,
            &places,
            [yaw, back, speed, ahead, pause],
            rng,
        );
    }
    if action == Action::PickUp {
        return pick_up(
            cast,
            side,
            &places,
            angle.signum(),
            [yaw, ahead, reaching, lifting, end],
        );
    }
    let mut stage = Stage::new(cast, side, ahead, back, yaw);
    stage.stand(pause);
    if back > 0.0 {
        let to = Ground {
            at: stage.course.here().offset(back, 0.0),
            yaw,
        };
        stage.walk(to, 0.0, false, speed + 0.15);
    }
    stage.stand(reaching);
    let standing = Held {
        ahead,
        height: half,
        yaw: 0.0,
        tilt: 0.0,
        left: 0.0,
        roll: 0.0,
    };
    let first = stage.hold(standing);
    stage.stand(0.12);
    // Somewhere ahead, to the side or behind.
    let goal = |here: &Ground, way: f32, turn: f32| {
        let direction = here.yaw + turn;
        let facing = Ground {
            yaw: direction,
            ..*here
        };
        Ground {
            at: facing.offset(way, 0.0),
            yaw: direction + end_turn,
        }
    };
    match action {
        Action::Carry | Action::Rotate => {
            let pole = matches!(thing.kind, Kind::Lamp | Kind::Stand | Kind::Tripod);
            // Hands between hip and chest, the thing off the floor.
            let hands = cast.size * (0.56 + 0.16 * carried);
            let clear = if pole { 0.06 + 0.2 * carried } else { 0.1 };
            let hands = hands.max(over + clear).min(0.88 * cast.size.max(over));
            let lifted = Held {
                ahead: cast.ahead(&side, &places, hands, HELD),
                height: half + hands - over,
                ..standing
            };
            stage.bring(lifted, lifting);
            let here = stage.course.here();
            if action == Action::Carry {
                stage.walk(goal(&here, way, course_turn), bulge, false, speed);
            } else {
                stage.round(here.at, angle, speed);
            }
            stage.bring(standing, lifting * 1.1);
        }
        Action::Push => {
            let here = stage.course.here();
            stage.walk(
                goal(&here, way, course_turn * 0.3),
                bulge * 0.5,
                false,
                speed,
            );
        }
        Action::Pull | Action::PullBack => {
            let here = stage.course.here();
            pull(
                &mut stage,
                &here,
                way,
                course_turn * 0.3,
                bulge * 0.5,
                speed,
            );
        }
        Action::PushPull => {
            let here = stage.course.here();
            let to = Ground {
                at: here.offset(way * 0.6, 0.0),
                yaw: here.yaw,
            };
            stage.walk(to, 0.0, false, speed);
            stage.stand(0.15);
            stage.release(&places, first);
            stage.stand(1.3);
            let pulled = super::handling::places(thing, &side, Manner::Pull, cast.size, rng)?;
            let again = stage.hold(standing);
            stage.stand(0.12);
            let here = stage.course.here();
            pull(&mut stage, &here, way * 0.7, 0.0, bulge * 0.3, speed);
            stage.stand(0.15);
            stage.release(&pulled, again);
            stage.stand(end);
            return Some(stage.finish());
        }
        Action::Turn => {
            let about = stage.course.here().offset(ahead, 0.0);
            stage.round(about, angle * 0.75, speed * 0.8);
        }
        Action::Overhead | Action::OverheadSpin => {
            // First before the chest, then up and over the head.
            let chest = 0.78 * cast.size;
            let before = Held {
                ahead: cast.ahead(&side, &places, chest, HELD).max(side.deep + 0.2),
                height: half + chest - over,
                ..standing
            };
            stage.bring(before, lifting);
            let hands = (1.13 * cast.size + 0.04).max(cast.size * 1.02 + over + 0.12);
            let up = Held {
                ahead: 0.1 + grasp(&places).dot(&toward) * 0.5,
                height: half + hands - over,
                ..standing
            };
            stage.bring(up, lifting * 1.1);
            let here = stage.course.here();
            if action == Action::Overhead {
                stage.walk(goal(&here, way, course_turn), bulge, false, speed);
            } else {
                stage.round(here.at, angle, speed);
            }
            stage.bring(before, lifting * 1.1);
            stage.bring(standing, lifting * 1.1);
        }
        Action::DragEdge | Action::TiltPull => {
            // A table's near legs leave the floor; a box is drawn over its near edge.
            let by = if action == Action::DragEdge {
                -(0.12 + 0.1 * carried)
            } else {
                0.14 + 0.12 * carried
            };
            let tilted = stage.tilted(&standing, by);
            lean(&mut stage, &standing, 0.0, by, lifting);
            stage.held = Some(tilted);
            let here = stage.course.here();
            if action == Action::DragEdge && carried < 0.5 {
                let about = here.offset(ahead + side.deep, 0.0);
                stage.round(about, angle.signum() * 0.7, speed * 0.8);
            } else {
                pull(
                    &mut stage,
                    &here,
                    way * 0.6,
                    course_turn * 0.3,
                    bulge * 0.5,
                    speed * 0.8,
                );
            }
            lean(&mut stage, &standing, by, 0.0, lifting);
            stage.held = Some(standing);
        }
        Action::Tilt => {
            let by = if carried < 0.5 { tilt } else { -tilt };
            lean(&mut stage, &standing, 0.0, by, lifting * 1.2);
            stage.held = Some(stage.tilted(&standing, by));
            stage.stand(0.3);
            lean(&mut stage, &standing, by, 0.0, lifting * 1.2);
            stage.held = Some(standing);
        }
        Action::LayDown | Action::LayAndPickUp => {
            let down = lay(
                &mut stage,
                &standing,
                &places,
                0.0,
                angle.signum(),
                lifting * 2.2,
            );
            if action == Action::LayAndPickUp {
                stage.stand(0.4);
                lay(
                    &mut stage,
                    &down,
                    &places,
                    angle.signum(),
                    0.0,
                    lifting * 2.2,
                );
            }
        }
        Action::PickUp | Action::Kick | Action::KickCarry => {}
    }
    stage.stand(0.15);
    stage.release(&places, first);
    stage.stand(end);
    if step_back && !matches!(action, Action::LayDown) {
        let here = stage.course.here();
        let to = Ground {
            at: here.offset(-0.45, 0.0),
            yaw: here.yaw,
        };
        stage.walk(to, 0.0, true, 0.5);
        stage.stand(0.3);
    }
    Some(stage.finish())
}

/// Walks backward with what is held.
fn pull(stage: &mut Stage<'_>, here: &Ground, way: f32, turn: f32, bulge: f32, speed: f32) {
    let yaw = here.yaw + turn;
    let facing = Ground { yaw, ..*here };
    let to = Ground {
        at: facing.offset(-way, 0.0),
        yaw: yaw + turn * 0.5,
    };
    stage.walk(to, bulge, true, speed * 0.8);
}

/// Tilts what stands from one angle to another while the person stands.
fn lean(stage: &mut Stage<'_>, standing: &Held, from: f32, to: f32, seconds: f32) {
    stage.course.stand(seconds);
    let first = stage.thing.len();
    let count = stage.course.ground.len() - first;
    for k in 0..count {
        let u = minimum_jerk((k + 1) as f32 / count as f32);
        // The sign of an angle tells the edge that stays; at none it does not matter.
        let angle = from + (to - from) * u;
        let held = stage.tilted(standing, angle + 1e-6 * (from + to).signum());
        let at = stage.place(&held, &stage.course.ground[first + k]);
        stage.thing.push(at);
    }
}

/// A pole goes down to the side of the person, who goes along, or up again; `from` and `to` are shares of a right angle, to
/// the left where positive. Gives how it is held then.
fn lay(
    stage: &mut Stage<'_>,
    held: &Held,
    places: &[Place],
    from: f32,
    to: f32,
    seconds: f32,
) -> Held {
    let half = stage.cast.thing.size.z / 2.0;
    let high = grasp(places).z + half;
    let size = stage.cast.size;
    let right = std::f32::consts::FRAC_PI_2 * 0.985;
    let wide = stage.side.wide;
    // Where the person is beside the line on which the pole goes down: as far off it as hands reach with ease, as far along
    // it as the hands are.
    let beside = |angle: f32| {
        let (s, c) = angle.abs().sin_cos();
        let height = (high * c).max(0.05);
        let ahead = (stage.cast.table.at(height / size).ahead * size).max(0.26);
        let along = wide * (1.0 - c) + (high * s - wide * 0.5 * s).max(0.0);
        (ahead, along * angle.signum())
    };
    let (a, b) = (right * from, right * to);
    let here = stage.course.here();
    // The foot of the pole stays: everything is told from there.
    let (ahead, along) = beside(a);
    let extra = if from.abs() < 0.5 {
        held.ahead - ahead
    } else {
        0.0
    };
    let foot = here.offset(ahead + extra, -along);
    let moves = {
        let (ahead, along_b) = beside(b);
        (ahead - beside(a).0).hypot(along_b - along)
    };
    let frames = (seconds.max(moves / 0.45) * FPS).round() as usize;
    let first = stage.course.now();
    let mut out = *held;
    for k in 1..=frames {
        let u = minimum_jerk(k as f32 / frames as f32);
        let angle = a + (b - a) * u;
        let (ahead, along) = beside(angle);
        let off = if from.abs() < 0.5 {
            extra * (1.0 - u)
        } else {
            extra
        };
        let at = foot - here.ahead() * (ahead + off) + here.left() * along;
        stage.course.ground.push(Ground { at, ..here });
        out = Held {
            ahead: ahead + off,
            left: -along,
            roll: angle,
            ..*held
        };
        let at = stage.place(&out, &stage.course.here());
        stage.thing.push(at);
    }
    stage.course.walks.push(super::course::Walk {
        first,
        last: stage.course.now(),
        steps: ((moves / 0.3).ceil() as usize + 1).max(2),
    });
    stage.backward.push(false);
    stage.held = Some(out);
    out
}

/// A pole that lies is stood up.
fn pick_up(
    cast: &Cast<'_>,
    side: Side,
    places: &[Place],
    way: f32,
    [yaw, ahead, reaching, lifting, end]: [f32; 5],
) -> Option<Plan> {
    // Laid down first, which is not shown.
    let mut stage = Stage::new(cast, side, ahead, 0.0, yaw);
    let standing = Held {
        ahead,
        height: cast.thing.size.z / 2.0,
        yaw: 0.0,
        tilt: 0.0,
        left: 0.0,
        roll: 0.0,
    };
    let down = lay(&mut stage, &standing, places, 0.0, way, 2.0);
    let here = stage.course.here();
    let thing = *stage.thing.last()?;
    stage.course = Course::new(here);
    stage.thing = vec![thing];
    stage.backward.clear();
    stage.held = None;
    stage.stand(0.2 + reaching);
    let first = stage.hold(down);
    stage.stand(0.12);
    lay(&mut stage, &down, places, way, 0.0, lifting * 2.2);
    stage.stand(0.15);
    stage.release(places, first);
    stage.stand(end);
    Some(stage.finish())
}

/// A foot strikes a thing, which slides away; then it may be carried.
fn kick(
    action: Action,
    cast: &Cast<'_>,
    side: Side,
    places: &[Place],
    [yaw, back, speed, ahead, pause]: [f32; 5],
    rng: &mut impl Rng,
) -> Option<Plan> {
    let thing = cast.thing;
    let foot = rng.random_range(0..2usize);
    let slid: f32 = rng.random_range(0.2..0.5);
    let near = side.deep + 0.3;
    let mut stage = Stage::new(cast, side, near, back, yaw);
    stage.stand(pause + 0.2);
    if back > 0.0 {
        let to = Ground {
            at: stage.course.here().offset(back, 0.0),
            yaw,
        };
        stage.walk(to, 0.0, false, speed + 0.15);
        stage.stand(0.2);
    }
    let here = stage.course.here();
    let first = stage.now();
    let hit = first + 16;
    let over = hit + 7;
    let last = over + 16;
    stage.course.stand((last - first) as f32 / FPS);
    let start = *stage.thing.last()?;
    let way = here.ahead() * slid;
    let slide = 18.0;
    for t in stage.thing.len()..stage.course.ground.len() {
        let u = ((t as f32 - hit as f32 + 3.0) / slide).clamp(0.0, 1.0);
        // Fast at first, then friction.
        let s = minimum_jerk(0.5 + u / 2.0) * 2.0 - 1.0;
        let flat = way * s;
        stage
            .thing
            .push((start.0 + Vector3::new(flat.x, flat.y, 0.0), start.1));
    }
    let sign = if foot == 0 { 1.0 } else { -1.0 };
    let touch = here.offset(near - side.deep, sign * 0.06);
    let strike = Strike {
        foot,
        first,
        hit,
        last,
        toe: Vector3::new(touch.x, touch.y, 0.09),
        through: here.ahead() * 0.3,
    };
    stage.stand(0.5);
    if action == Action::KickCarry {
        let at = stage.thing.last()?.0.xy();
        let to = Ground {
            at: at - here.ahead() * ahead,
            yaw: here.yaw,
        };
        if (to.at - here.at).norm() > 0.08 {
            stage.walk(to, 0.0, (to.at - here.at).dot(&here.ahead()) < 0.0, speed);
        }
        stage.stand(0.9);
        let half = thing.size.z / 2.0;
        let standing = Held {
            ahead,
            height: half,
            yaw: 0.0,
            tilt: 0.0,
            left: 0.0,
            roll: 0.0,
        };
        let took = stage.hold(standing);
        stage.stand(0.12);
        let over = grasp(places).z + half;
        let hands = (cast.size * 0.6).max(over + 0.1);
        let lifted = Held {
            ahead: cast.ahead(&side, places, hands, HELD),
            height: half + hands - over,
            ..standing
        };
        stage.bring(lifted, 0.9);
        let here = stage.course.here();
        let turn = rng.random_range(-1.0..1.0f32);
        let goal = here.at + Rotation2::new(turn) * here.ahead() * rng.random_range(0.8..1.6f32);
        let to = Ground {
            at: goal,
            yaw: here.yaw + turn,
        };
        stage.walk(to, 0.0, false, speed);
        stage.bring(standing, 1.0);
        stage.stand(0.15);
        stage.release(places, took);
        stage.stand(0.7);
    }
    let mut plan = stage.finish();
    plan.strikes.push(strike);
    Some(plan)
}
