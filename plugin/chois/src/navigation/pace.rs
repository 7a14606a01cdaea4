//! How fast a way is gone, and the waypoints that the network is told of it (specification, section 9: a waypoint for every
//! 30 frames, 0.6 to 0.8 m apart, at frames 29, 59 and 89 of each window).

use nalgebra::Vector2;

use super::route::sampled;
use crate::command::{Manner, Pace};
use crate::condition::WAYPOINT_FRAMES;
use crate::motion::FPS;
use crate::request::curve::{Curve, eased};
use crate::request::plan::{RAMP, moving};
use crate::request::{InteractionRequest, MAX_SECONDS, MAX_WAYPOINTS};

/// Speed of a carried object at its fastest, metres a second: waypoints then lie 0.8 m apart at most.
const CARRYING: f32 = 0.8;
/// Speed at which a person turns together with what they carry, in the mean, radians a second.
const TURNING: f32 = 0.75;
/// Speed of a person with empty hands, metres a second.
const WALKING: f32 = 1.2;
/// Time to speed up and to slow down when walking, seconds.
const START: f32 = 0.6;
/// Shortest interaction, seconds: one window of the network.
const SHORTEST: f32 = 4.0;
/// The same where somebody takes something up and sets it down, seconds: at the end of a single window they are still bent over
/// it.
pub(super) const UPRIGHT: f32 = 5.0;
/// How far the curve through the waypoints may be from the way, metres.
const ASTRAY: f32 = 0.05;
/// Waypoints this near to an end add nothing, metres.
const AT_END: f32 = 0.2;

fn factor(manner: &Manner) -> f32 {
    let pace = match manner.pace {
        Pace::Slow => 0.6,
        Pace::Usual => 1.0,
        Pace::Quick => 1.5,
    };
    if manner.careful { pace * 0.8 } else { pace }
}

/// Seconds that moving an object so far takes, reaching for it and letting go included.
pub(super) fn carrying_seconds(length: f32, manner: &Manner) -> f32 {
    let fastest = CARRYING * factor(manner);
    // The mean of a motion that speeds up and slows down over its ramps.
    let under_way = length / (fastest * (1.0 - RAMP));
    let enough = |seconds: f32| {
        let (from, to) = moving(seconds);
        (to - from) / FPS >= under_way
    };
    let mut seconds = SHORTEST;
    while !enough(seconds) && seconds < MAX_SECONDS + 1.0 {
        seconds += 0.1;
    }
    (seconds * FPS).round() / FPS
}

/// Seconds that turning so far together with an object takes, reaching for it and letting go included.
pub(super) fn turning_seconds(turn: f32) -> f32 {
    let mut seconds = SHORTEST;
    let under_way = turn / TURNING;
    while seconds < MAX_SECONDS {
        let (from, to) = moving(seconds);
        if (to - from) / FPS >= under_way {
            break;
        }
        seconds += 0.1;
    }
    (seconds * FPS).round() / FPS
}

/// The longest way that one carry may have, metres.
pub(super) fn longest_carry(manner: &Manner) -> f32 {
    let (from, to) = moving(MAX_SECONDS);
    (to - from) / FPS * CARRYING * factor(manner) * (1.0 - RAMP)
}

/// The waypoints of a way that is gone within a request's seconds: where the object is at the network's waypoint frames,
/// and as many more as it takes for the curve through them to keep to the way.
pub(super) fn waypoints(points: &[Vector2<f32>], request: &InteractionRequest) -> Vec<[f32; 2]> {
    let lengths = lengths(points);
    let total = lengths[lengths.len() - 1];
    if total < AT_END {
        return Vec::new();
    }
    let (from, to) = moving(request.seconds);
    let mut marks: Vec<f32> = Vec::new();
    for start in request.window_starts() {
        // The last frame of a window is given, too.
        for frame in WAYPOINT_FRAMES.iter().map(|f| start + f) {
            let share = eased((frame as f32 - from) / (to - from).max(1.0), RAMP);
            marks.push(share * total);
        }
    }
    marks.retain(|at| *at > AT_END && *at < total - AT_END);
    marks.sort_by(f32::total_cmp);
    // Windows overlap: two frames may be near to each other.
    marks.dedup_by(|b, a| *b - *a < AT_END);
    let fine = sampled(points, 0.05);
    let along = self::lengths(&fine);
    while marks.len() < MAX_WAYPOINTS {
        let mut knots = vec![points[0]];
        knots.extend(marks.iter().map(|at| point_at(points, &lengths, *at)));
        knots.push(points[points.len() - 1]);
        let curve = Curve::through(&knots);
        let count = (curve.length() / 0.05).ceil().max(1.0) as usize;
        let drawn: Vec<Vector2<f32>> = (0..=count)
            .map(|k| curve.point(curve.length() * k as f32 / count as f32))
            .collect();
        let off = |p: &Vector2<f32>| {
            let away = drawn.iter().map(|q| (p - q).norm());
            away.fold(f32::INFINITY, f32::min)
        };
        let worst = (0..fine.len())
            .map(|i| (off(&fine[i]), along[i]))
            .filter(|(_, at)| marks.iter().all(|m| (m - at).abs() > 0.1))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match worst {
            Some((off, at)) if off > ASTRAY => marks.push(at),
            _ => break,
        }
        marks.sort_by(f32::total_cmp);
    }
    marks
        .iter()
        .map(|at| point_at(points, &lengths, *at).into())
        .collect()
}

/// Seconds at which a walking person passes each point.
pub(super) fn walking_times(points: &[Vector2<f32>], manner: &Manner) -> Vec<f32> {
    let lengths = lengths(points);
    let total = lengths[lengths.len() - 1];
    let fastest = WALKING * factor(manner);
    // Short ways never get to full speed.
    let ramp = (fastest * START / 2.0).min(total / 2.0);
    let top = (2.0 * ramp / START).max(1e-3);
    let speeding = if ramp > 0.0 { 2.0 * ramp / top } else { 0.0 };
    let whole = 2.0 * speeding + (total - 2.0 * ramp).max(0.0) / top;
    lengths
        .iter()
        .map(|at| {
            if *at < ramp {
                (2.0 * at * speeding / top).sqrt()
            } else if *at > total - ramp {
                whole - (2.0 * (total - at).max(0.0) * speeding / top).sqrt()
            } else {
                speeding + (at - ramp) / top
            }
        })
        .collect()
}

pub(super) fn lengths(points: &[Vector2<f32>]) -> Vec<f32> {
    let mut found = vec![0.0];
    for pair in points.windows(2) {
        found.push(found[found.len() - 1] + (pair[1] - pair[0]).norm());
    }
    found
}

fn point_at(points: &[Vector2<f32>], lengths: &[f32], at: f32) -> Vector2<f32> {
    let i = lengths.partition_point(|l| *l < at);
    if i == 0 {
        return points[0];
    }
    if i >= points.len() {
        return points[points.len() - 1];
    }
    let leg = (lengths[i] - lengths[i - 1]).max(1e-6);
    points[i - 1].lerp(&points[i], (at - lengths[i - 1]) / leg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waypoints_are_as_far_apart_as_the_network_knows() {
        let points = [Vector2::new(0.0, 0.0), Vector2::new(6.0, 0.0)];
        let mut request = InteractionRequest::new("Lift the box.");
        request.seconds = carrying_seconds(6.0, &Manner::default());
        let marks = waypoints(&points, &request);
        let steps: Vec<f32> = marks.windows(2).map(|p| p[1][0] - p[0][0]).collect();
        // Where a window ends the next given frame is up to 50 frames away, not 30.
        assert!(
            steps.iter().all(|s| *s < 0.8 * 50.0 / 30.0 + 0.01),
            "{steps:?}"
        );
        let cruising = steps.iter().filter(|s| (0.55..0.81).contains(*s)).count();
        assert!(cruising * 2 >= steps.len(), "{steps:?}");
    }

    #[test]
    fn walking_speeds_up_and_slows_down() {
        let points: Vec<Vector2<f32>> = (0..=40)
            .map(|k| Vector2::new(k as f32 * 0.1, 0.0))
            .collect();
        let times = walking_times(&points, &Manner::default());
        assert_eq!(times[0], 0.0);
        assert!(times.windows(2).all(|t| t[1] > t[0]), "{times:?}");
        let fastest = times
            .windows(2)
            .map(|t| 0.1 / (t[1] - t[0]))
            .fold(0.0, f32::max);
        assert!((fastest - 1.2).abs() < 0.02, "{fastest}");
        let still = walking_times(&[Vector2::zeros(), Vector2::zeros()], &Manner::default());
        assert!(still.iter().all(|t| t.is_finite()));
    }

    #[test]
    fn a_way_that_turns_has_waypoints_where_it_turns() {
        let points = [
            Vector2::new(0.0, 0.0),
            Vector2::new(3.0, 0.0),
            Vector2::new(3.0, 3.0),
        ];
        let mut request = InteractionRequest::new("Lift the box.");
        request.seconds = carrying_seconds(6.0, &Manner::default());
        let marks = waypoints(&points, &request);
        let corner = marks
            .iter()
            .map(|m| (Vector2::from(*m) - points[1]).norm())
            .fold(f32::INFINITY, f32::min);
        assert!(corner < 0.25, "{marks:?}");
    }
}
