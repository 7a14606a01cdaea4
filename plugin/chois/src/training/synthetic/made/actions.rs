//! What happens when, action by action.

use nalgebra::Vector3;
use rand::{Rng, RngExt};

use super::course::{Ground, minimum_jerk};
use super::handling::{Manner, Side, places};
use super::kick::kick;
use super::poles::{lay, pick_up};
use super::stage::{Cast, HELD, Held, Lift, Plan, ROOM, Stage, grasp};
use crate::training::synthetic::catalogue::Thing;
use crate::training::synthetic::things::Kind;
use crate::training::synthetic::words::Action;

/// Share of people who lose no time.
const BRISK: f32 = 0.65;
/// Seconds in which they want to be there, and the fastest that anybody goes with a thing, metres a second.
const THERE: f32 = 1.9;
const FASTEST: f32 = 1.35;

/// Height of shoulders, how far palms are from them with ease, and how high palms are at most while something is carried before
/// the body, as shares of the person's height.
const SHOULDERS: f32 = 0.82;
const ARM: f32 = 0.32;
const HIGH: f32 = 0.76;

/// Whether an action makes sense with a thing.
pub(super) fn suits(action: Action, thing: &Thing) -> bool {
    let pole = thing.kind.is_pole();
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
    let back = if within(0.0, 1.0) < 0.35 {
        within(0.3, 1.1)
    } else {
        0.0
    };
    let speed = within(0.6, 1.3);
    let (reaching, lifting) = (within(0.55, 0.95), within(0.55, 0.95));
    let (pause, end) = (within(0.0, 0.3), within(0.7, 1.1));
    let bulge = within(-0.18, 0.18);
    let way = within(0.6, 2.6);
    let course_turn = within(-1.2, 1.2);
    let end_turn = within(-0.9, 0.9);
    let angle = within(0.8, 2.6) * if within(0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
    let carried = within(0.0, 1.0);
    let tilt = within(0.3, 0.6);
    let step_back = within(0.0, 1.0) < 0.2;
    // Who is brisk does all of it within a window: reaches sooner, goes less far but faster, and lifts while setting off.
    let brisk = within(0.0, 1.0) < BRISK;
    let under_way = if brisk { within(0.3, 0.7) } else { 0.0 };
    let (pause, reaching, end, way) = if brisk {
        (0.0, 0.65 * reaching, 0.6 * end, 0.7 * way)
    } else {
        (pause, reaching, end, way)
    };
    let speed = if brisk {
        speed.max((way + 0.3) / THERE).min(FASTEST)
    } else {
        speed
    };
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
            let pole = thing.kind.is_pole();
            // Hands between hip and breast, the thing off the floor.
            let hands = cast.size * (0.54 + 0.14 * carried);
            let clear = if pole { 0.06 + 0.2 * carried } else { 0.1 };
            // What is held far ahead is held high: the nearer to the shoulders, the farther arms reach.
            let far = cast.ahead(&side, &places, hands, HELD) - grasp(&places).dot(&toward);
            let down = (ARM * ARM - (far / cast.size).powi(2)).max(0.0).sqrt();
            let hands = hands.max(cast.size * (SHOULDERS - down).min(HIGH));
            let hands = hands.max(over + clear).min(0.88 * cast.size.max(over));
            let lifted = Held {
                ahead: cast.ahead(&side, &places, hands, HELD),
                height: half + hands - over,
                ..standing
            };
            let here = stage.course.here();
            if action == Action::Carry {
                let to = goal(&here, way, course_turn);
                let lift = Lift {
                    to: lifted,
                    seconds: lifting,
                    under_way,
                };
                stage.carry(to, bulge, speed, lift);
            } else {
                stage.bring(lifted, lifting);
                stage.round(here.at, angle, speed);
                stage.bring(standing, lifting * 1.1);
            }
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
            stage.bring_over(up, true, lifting * 1.3);
            let here = stage.course.here();
            if action == Action::Overhead {
                stage.walk(goal(&here, way, course_turn), bulge, false, speed);
            } else {
                stage.round(here.at, angle, speed);
            }
            stage.bring_over(before, false, lifting * 1.3);
            stage.bring(standing, lifting * 1.1);
        }
        Action::DragEdge | Action::TiltPull => {
            // A table's near legs leave the floor; a box is drawn over its near edge.
            let by = if action == Action::DragEdge {
                -(0.12 + 0.1 * carried)
            } else {
                (0.14 + 0.12 * carried).min(0.16 / thing.size.z)
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
            // What is high would come down on the person.
            let toward = carried < 0.5 && thing.size.z < 0.6;
            let by = if toward { tilt } else { -tilt };
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
