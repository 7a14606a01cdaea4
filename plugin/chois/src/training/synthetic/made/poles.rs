//! Poles that are laid down beside the person and stood up again.

use super::course::{Course, Ground, Walk, leader, minimum_jerk};
use super::handling::{Place, Side};
use super::stage::{Cast, Held, Plan, Stage, grasp};
use crate::motion::FPS;

/// A pole goes down to the side of the person, who goes along, or up again; `from` and `to` are shares of a right angle, to
/// the left where positive. Gives how it is held then.
pub(super) fn lay(
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
    stage.course.walks.push(Walk {
        first,
        last: stage.course.now(),
        leader: leader(&here, &stage.course.here()).unwrap_or_default(),
    });
    stage.backward.push(false);
    stage.held = Some(out);
    out
}

/// A pole that lies is stood up.
pub(super) fn pick_up(
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
