//! A walk with nothing to handle: there and back, aside, backward, turns on the spot.

use nalgebra::{Rotation2, Vector2};
use rand::{Rng, RngExt};

use super::course::{Course, Ground};
use super::stage::Plan;

/// Parts of a walk, and how often each comes beside the others.
const PARTS: [(Part, u32); 6] = [
    (Part::Curve, 45),
    (Part::Straight, 20),
    (Part::Steps, 10),
    (Part::Aside, 10),
    (Part::Backward, 7),
    (Part::Turn, 8),
];
/// Most parts of a walk.
const MOST: usize = 3;
/// Share of parts that are followed by a stop.
const STOPS: f64 = 0.7;
/// Fastest and slowest, metres a second.
const SPEEDS: [f32; 2] = [0.5, 1.25];

#[derive(Clone, Copy)]
enum Part {
    /// Through one or two places without a stop.
    Curve,
    Straight,
    /// A step or two ahead.
    Steps,
    /// A few steps in any direction, facing as before.
    Aside,
    Backward,
    /// On the spot.
    Turn,
}

/// A walk, as chance has it.
pub(super) fn stroll(rng: &mut impl Rng) -> Plan {
    let angle = |rng: &mut dyn FnMut() -> f32, most: f32| (rng() * 2.0 - 1.0) * most;
    let mut course = Course::new(Ground {
        at: Vector2::zeros(),
        yaw: angle(&mut || rng.random(), std::f32::consts::PI),
    });
    let mut backward = Vec::new();
    for _ in 0..rng.random_range(1..=MOST) {
        let speed = rng.random_range(SPEEDS[0]..SPEEDS[1]);
        let here = course.here();
        let part = chosen(rng);
        match part {
            Part::Curve => {
                let mut toward = here.yaw + angle(&mut || rng.random(), 1.4);
                let mut at = here.at;
                let mut places = Vec::new();
                for _ in 0..rng.random_range(2..=4) {
                    let far = rng.random_range(0.8..1.8);
                    at += Rotation2::new(toward) * Vector2::new(0.0, -far);
                    places.push(at);
                    toward += angle(&mut || rng.random(), 1.1);
                }
                course.through(&places, toward, speed);
            }
            Part::Straight | Part::Steps => {
                let far = match part {
                    Part::Straight => rng.random_range(0.9..4.0),
                    _ => rng.random_range(0.25..0.8),
                };
                let toward = here.yaw + angle(&mut || rng.random(), 2.6).powi(3) / 9.0;
                let to = Ground {
                    at: here.at + Rotation2::new(toward) * Vector2::new(0.0, -far),
                    yaw: toward + angle(&mut || rng.random(), 1.2).powi(3),
                };
                course.walk(to, angle(&mut || rng.random(), 0.08), false, speed);
            }
            Part::Aside => {
                let toward = Rotation2::new(angle(&mut || rng.random(), std::f32::consts::PI));
                let to = Ground {
                    at: here.at + toward * Vector2::new(rng.random_range(0.15..1.1), 0.0),
                    yaw: here.yaw + angle(&mut || rng.random(), 1.0).powi(3),
                };
                course.aside(to, speed.min(0.8));
            }
            Part::Backward => {
                let to = Ground {
                    at: here.offset(-rng.random_range(0.4..1.8), rng.random_range(-0.2..0.2)),
                    yaw: here.yaw + angle(&mut || rng.random(), 0.3),
                };
                course.walk(to, 0.0, true, speed.min(0.8));
            }
            Part::Turn => {
                let to = Ground {
                    yaw: here.yaw + angle(&mut || rng.random(), 3.1),
                    ..here
                };
                course.aside(to, speed.min(0.9));
            }
        }
        backward.push(matches!(part, Part::Backward));
        if rng.random_bool(STOPS) {
            course.stand(rng.random_range(0.1..0.8));
        }
    }
    course.stand(rng.random_range(0.2..0.7));
    Plan {
        course,
        thing: Vec::new(),
        grips: Vec::new(),
        strikes: Vec::new(),
        backward,
    }
}

fn chosen(rng: &mut impl Rng) -> Part {
    let all: u32 = PARTS.iter().map(|(_, weight)| weight).sum();
    let mut at = rng.random_range(0..all);
    for (part, weight) in PARTS {
        if at < weight {
            return part;
        }
        at -= weight;
    }
    Part::Curve
}
