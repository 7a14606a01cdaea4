//! Kicks: a foot strikes a thing, which slides as physics has it.

use nalgebra::{Rotation2, Vector3};
use rand::{Rng, RngExt};

use super::course::{Ground, minimum_jerk};
use super::handling::{Place, Side, low_place};
use super::stage::{Cast, HELD, Held, Plan, Stage, Strike, grasp};
use crate::motion::FPS;
use crate::training::synthetic::words::Action;

/// Height at which the toe joint strikes, metres: low, so that what is high does not tip over.
const TOE: f32 = 0.065;

/// A foot strikes a thing, which slides away; then it may be carried.
pub(super) fn kick(
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
    let (deep, aside) = low_place(thing, &side, TOE)?;
    let near = deep.max(side.deep - 0.12) + 0.3;
    let mut stage = Stage::new(cast, side, near, back, yaw);
    // The foot comes straight ahead to what it strikes.
    let sign = if foot == 0 { 1.0 } else { -1.0 };
    let shift = stage.course.here().left() * (sign * 0.08 - aside);
    stage.thing[0].0 += Vector3::new(shift.x, shift.y, 0.0);
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
    let touch = here.offset(near - deep, sign * 0.08);
    let strike = Strike {
        foot,
        first,
        hit,
        last,
        toe: Vector3::new(touch.x, touch.y, TOE),
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
