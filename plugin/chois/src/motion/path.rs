//! The object's path over the floor, from planned corners to the waypoints of a long sequence (specification,
//! section 9). Metres, Z up.

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use super::canonical::turn_between;
use super::{FPS, OVERLAP, WINDOW};
use crate::condition::WAYPOINT_FRAMES;
use crate::error::{Error, Result};
use crate::frame::from_y_up;

/// Waypoints of one window: x and y at frames 29, 59 and 89, x, y and z at its last frame.
pub const PER_WINDOW: usize = WAYPOINT_FRAMES.len() + 1;
/// Frames from one waypoint to the next, as published (1 s).
pub const WAYPOINT_FRAMES_APART: usize = FPS as usize;

/// How densely a path is set with waypoints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// A segment is cut until its pieces are at most this long, metres.
    pub low: f32,
    /// A segment is never cut into fewer pieces than its length holds this, metres.
    pub high: f32,
    /// The number of points divided by [`PER_WINDOW`] leaves this remainder.
    pub remainder: usize,
}

impl Spacing {
    /// For carrying an object: 0.6 to 0.8 m a second. With the first and the last point doubled there are 4 n + 1.
    pub const INTERACTION: Self = Self {
        low: 0.6,
        high: 0.8,
        remainder: 3,
    };
    /// For walking alone: 0.7 to 0.9 m a second. Without its last point there are 4 n + 1.
    pub const NAVIGATION: Self = Self {
        low: 0.7,
        high: 0.9,
        remainder: 2,
    };
}

fn check<'a>(points: impl Iterator<Item = &'a [f32]>, least: usize) -> Result<()> {
    let mut count = 0;
    for (i, point) in points.enumerate() {
        if !point.iter().all(|c| c.is_finite()) {
            return Err(Error::invalid(
                "path",
                format!("point {i} is not finite; give numbers in metres"),
            ));
        }
        count += 1;
    }
    if count < least {
        return Err(Error::invalid(
            "path",
            format!("it has {count} points; give at least {least}"),
        ));
    }
    Ok(())
}

fn check_2(points: &[Vector2<f32>], least: usize) -> Result<()> {
    check(points.iter().map(|p| p.as_slice()), least)
}

fn check_3(points: &[Vector3<f32>], least: usize) -> Result<()> {
    check(points.iter().map(|p| p.as_slice()), least)
}

/// The turn that carries the path's first leg to +x, and the turned path: the frame in which the published planner hands
/// paths on. The first leg goes from point 1 to point 2, because point 0 is point 1 doubled (the approach). A leg with a
/// slope is turned in three dimensions, as published; a leg of no length is not turned.
///
/// # Errors
/// [`Error::Invalid`] when there are fewer than three points or one is not finite.
pub fn canonicalise(path: &[Vector3<f32>]) -> Result<(UnitQuaternion<f32>, Vec<Vector3<f32>>)> {
    check_3(path, 3)?;
    let leg = path[2] - path[1];
    let length = leg.norm();
    let turn = if length > 1e-8 {
        turn_between(&(leg / length), &Vector3::x())
    } else {
        UnitQuaternion::identity()
    };
    let turned = path.iter().map(|p| turn * p).collect();
    Ok((turn, turned))
}

/// Sets a path over the floor with evenly spaced points, keeping its corners, until `spacing` is met; then takes out the
/// end of the shortest segment until the remainder is met.
///
/// The first and the last point always stay. (The published rule would take out the last point where the last segment is
/// the shortest; here the point before it goes. Where too few points would be left, the longest segment is halved
/// instead.)
///
/// # Errors
/// [`Error::Invalid`] when there are fewer than two points, one is not finite, or the spacing is not `0 < low <= high`.
pub fn sample_dense_waypoints(
    path: &[Vector2<f32>],
    spacing: &Spacing,
) -> Result<Vec<Vector2<f32>>> {
    check_2(path, 2)?;
    if !(spacing.low > 0.0 && spacing.low <= spacing.high && spacing.high.is_finite()) {
        return Err(Error::invalid(
            "spacing",
            format!(
                "{} to {} m is no range; give 0 < low <= high",
                spacing.low, spacing.high
            ),
        ));
    }
    let mut points = vec![path[0]];
    for leg in path.windows(2) {
        let length = (leg[1] - leg[0]).norm();
        let pieces = (length / spacing.low)
            .ceil()
            .max((length / spacing.high).floor())
            .max(1.0);
        // A path of absurd length would fill the memory; no segment needs more points than an hour has seconds.
        if pieces > 3600.0 {
            return Err(Error::invalid(
                "path",
                format!("a segment is {length} m long; give points closer together"),
            ));
        }
        let pieces = pieces as usize;
        for i in 1..pieces {
            points.push(leg[0] + (leg[1] - leg[0]) * (i as f32 / pieces as f32));
        }
        points.push(leg[1]);
    }
    let remainder = spacing.remainder % PER_WINDOW;
    let surplus = (points.len() + PER_WINDOW - remainder) % PER_WINDOW;
    if points.len() >= surplus + 2 {
        for _ in 0..surplus {
            let shortest = shortest(&points);
            // The end of the segment, unless that is the end of the path.
            points.remove((shortest + 1).min(points.len() - 2));
        }
    } else {
        while points.len() % PER_WINDOW != remainder {
            let longest = longest(&points);
            let middle = (points[longest] + points[longest + 1]) * 0.5;
            points.insert(longest + 1, middle);
        }
    }
    Ok(points)
}

/// Pieces of one segment are equal but for rounding: lengths this close count as equal, metres.
const SAME_LENGTH: f32 = 1e-4;

/// The first of the shortest segments.
fn shortest(points: &[Vector2<f32>]) -> usize {
    first_best(points, |length, best| length < best - SAME_LENGTH)
}

/// The first of the longest segments.
fn longest(points: &[Vector2<f32>]) -> usize {
    first_best(points, |length, best| length > best + SAME_LENGTH)
}

fn first_best(points: &[Vector2<f32>], better: impl Fn(f32, f32) -> bool) -> usize {
    let length = |i: usize| (points[i + 1] - points[i]).norm();
    (1..points.len() - 1).fold(0, |best, i| {
        if better(length(i), length(best)) {
            i
        } else {
            best
        }
    })
}

/// Waypoints for carrying an object along a path (corners, metres, Z up): dense by [`Spacing::INTERACTION`], the first
/// doubled for the approach and the last for the release, so that there are 4 n + 1. All lie at the height of the path's
/// first point (the floor), but the very last keeps the height of the path's end (a table top, say).
///
/// # Errors
/// Those of [`sample_dense_waypoints`].
pub fn interaction_waypoints(path: &[Vector3<f32>]) -> Result<Vec<Vector3<f32>>> {
    check_3(path, 2)?;
    let flat: Vec<_> = path.iter().map(|p| p.xy()).collect();
    let dense = sample_dense_waypoints(&flat, &Spacing::INTERACTION)?;
    let floor = path[0].z;
    let (first, last) = (flat[0], path[path.len() - 1]);
    let mut out = vec![Vector3::new(first.x, first.y, floor)];
    out.extend(dense.iter().map(|p| Vector3::new(p.x, p.y, floor)));
    out.push(last);
    Ok(out)
}

/// Waypoints for walking along a path over the floor: dense by [`Spacing::NAVIGATION`] without the last point, 4 n + 1.
///
/// # Errors
/// Those of [`sample_dense_waypoints`].
pub fn navigation_waypoints(path: &[Vector2<f32>]) -> Result<Vec<Vector2<f32>>> {
    let mut dense = sample_dense_waypoints(path, &Spacing::NAVIGATION)?;
    dense.pop();
    Ok(dense)
}

/// A path of the Habitat simulator (metres, Y up) in the model's world.
pub fn from_habitat(path: &[[f32; 3]]) -> Vec<Vector3<f32>> {
    path.iter().map(|p| from_y_up(Vector3::from(*p))).collect()
}

/// `count` points at equal distances along the path, the first and the last exactly the path's own.
///
/// # Errors
/// [`Error::Invalid`] when the path has fewer than two points or one is not finite, or `count` is less than two.
pub fn resample(path: &[Vector3<f32>], count: usize) -> Result<Vec<Vector3<f32>>> {
    check_3(path, 2)?;
    if count < 2 {
        return Err(Error::invalid(
            "path",
            format!("it is to be sampled at {count} points; ask for at least 2"),
        ));
    }
    let mut reached = vec![0.0f64];
    for leg in path.windows(2) {
        let before = reached[reached.len() - 1];
        reached.push(before + f64::from((leg[1] - leg[0]).norm()));
    }
    let total = reached[reached.len() - 1];
    let mut leg = 0;
    let mut out: Vec<_> = (0..count)
        .map(|k| {
            let at = total * k as f64 / (count - 1) as f64;
            while leg + 2 < path.len() && reached[leg + 1] < at {
                leg += 1;
            }
            let length = reached[leg + 1] - reached[leg];
            let w = if length > 0.0 {
                ((at - reached[leg]) / length).clamp(0.0, 1.0) as f32
            } else {
                0.0
            };
            path[leg] * (1.0 - w) + path[leg + 1] * w
        })
        .collect();
    out[count - 1] = path[path.len() - 1];
    Ok(out)
}

/// Length of a path, metres.
pub fn length(path: &[Vector3<f32>]) -> f32 {
    path.windows(2).map(|leg| (leg[1] - leg[0]).norm()).sum()
}

/// Windows needed for this many waypoints after the start: four to a window, the last being its end.
pub fn windows(waypoints: usize) -> usize {
    waypoints.div_ceil(PER_WINDOW).max(1)
}

/// Frames of a sequence of `windows` windows, each overlapping the one before by [`OVERLAP`].
pub fn sequence_frames(windows: usize) -> usize {
    windows * WINDOW - windows.saturating_sub(1) * OVERLAP
}

/// The window that a waypoint belongs to and its frame there. `waypoint` counts from 0 and leaves out the start: 29, 59,
/// 89, 119 of window 0, then of window 1, and so on. Window w begins at frame 110 w of the sequence.
pub fn waypoint_frame(waypoint: usize) -> (usize, usize) {
    let (window, place) = (waypoint / PER_WINDOW, waypoint % PER_WINDOW);
    (window, (place + 1) * WAYPOINT_FRAMES_APART - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waypoints_fall_on_the_frames_of_their_window() {
        let frames: Vec<_> = (0..6).map(waypoint_frame).collect();
        assert_eq!(
            frames,
            [(0, 29), (0, 59), (0, 89), (0, 119), (1, 29), (1, 59)]
        );
        assert_eq!([windows(0), windows(4), windows(5)], [1, 1, 2]);
        assert_eq!([sequence_frames(1), sequence_frames(3)], [120, 340]);
    }

    #[test]
    fn the_end_stays_where_the_last_segment_is_the_shortest() {
        let path = [0.0, 0.6, 1.2, 1.8, 1.9].map(|x| Vector2::new(x, 0.0));
        for remainder in 0..4 {
            let spacing = Spacing {
                remainder,
                ..Spacing::INTERACTION
            };
            let dense = sample_dense_waypoints(&path, &spacing).expect("a path");
            assert_eq!(dense.len() % 4, remainder);
            assert_eq!((dense[0], dense[dense.len() - 1]), (path[0], path[4]));
        }
    }

    #[test]
    fn unusable_paths_are_refused_in_words() {
        let error = |r: Result<Vec<Vector2<f32>>>| r.expect_err("refused").to_string();
        let one = [Vector2::new(1.0, 2.0)];
        assert!(error(navigation_waypoints(&one)).contains("at least 2"));
        let nan = [Vector2::zeros(), Vector2::new(f32::NAN, 0.0)];
        assert!(error(navigation_waypoints(&nan)).contains("point 1"));
        let far = [Vector2::zeros(), Vector2::new(1e30, 0.0)];
        assert!(error(navigation_waypoints(&far)).contains("closer together"));
        assert!(canonicalise(&[Vector3::zeros(); 2]).is_err());
        assert!(resample(&[Vector3::zeros(); 2], 1).is_err());
    }

    #[test]
    fn a_path_that_stands_still_is_kept() {
        let still = [Vector3::new(1.0, 2.0, 0.0); 3];
        assert_eq!(canonicalise(&still).expect("a path").1, still);
        assert_eq!(resample(&still, 3).expect("a path"), still);
        assert_eq!(interaction_waypoints(&still).expect("a path").len(), 5);
    }
}
