//! A path through places on the floor, and how it is gone along in time.

use nalgebra::Vector2;

use super::Waypoint;
use crate::error::{Error, Result};
use crate::motion::FPS;

/// A smooth curve through points: centripetal Catmull-Rom, sampled finely.
pub(crate) struct Curve {
    samples: Vec<Vector2<f32>>,
    /// Arc length up to each sample.
    lengths: Vec<f32>,
    /// Arc length at each point.
    pub at: Vec<f32>,
}

impl Curve {
    pub fn through(points: &[Vector2<f32>]) -> Self {
        let mut distinct: Vec<Vector2<f32>> = Vec::new();
        let mut index = Vec::new();
        for p in points {
            if distinct.last().is_none_or(|q| (p - q).norm() > 1e-4) {
                distinct.push(*p);
            }
            index.push(distinct.len() - 1);
        }
        let mut samples = vec![distinct[0]];
        let mut ends = vec![0];
        for i in 1..distinct.len() {
            let (b, c) = (distinct[i - 1], distinct[i]);
            let a = if i >= 2 { distinct[i - 2] } else { b * 2.0 - c };
            let d = distinct.get(i + 1).copied().unwrap_or(c * 2.0 - b);
            for k in 1..=64 {
                samples.push(catmull_rom([a, b, c, d], k as f32 / 64.0));
            }
            ends.push(samples.len() - 1);
        }
        let mut lengths = vec![0.0];
        for pair in samples.windows(2) {
            let before = lengths[lengths.len() - 1];
            lengths.push(before + (pair[1] - pair[0]).norm());
        }
        Self {
            at: index.into_iter().map(|i| lengths[ends[i]]).collect(),
            samples,
            lengths,
        }
    }

    pub fn length(&self) -> f32 {
        self.lengths[self.lengths.len() - 1]
    }

    /// Direction in radians from +x at an arc length; none on a path without length.
    pub fn direction(&self, length: f32) -> Option<f32> {
        const NEAR: f32 = 0.05;
        let way = self.point(length + NEAR) - self.point(length - NEAR);
        (way.norm() > 1e-4).then(|| way.y.atan2(way.x))
    }

    pub fn point(&self, length: f32) -> Vector2<f32> {
        let i = self.lengths.partition_point(|l| *l < length);
        if i == 0 {
            return self.samples[0];
        }
        if i == self.lengths.len() {
            return self.samples[i - 1];
        }
        let (a, b) = (self.lengths[i - 1], self.lengths[i]);
        let w = if b > a { (length - a) / (b - a) } else { 1.0 };
        self.samples[i - 1].lerp(&self.samples[i], w)
    }

    /// Path and waypoint frames when every waypoint, all points but the first and the last, has its time.
    ///
    /// # Errors
    /// [`Error::Invalid`] when that asks for more than `limit` metres a second.
    pub fn timed(
        &self,
        waypoints: &[Waypoint],
        way: &OnTheWay,
        frames: usize,
        limit: f32,
    ) -> Result<(Vec<Vector2<f32>>, Vec<usize>)> {
        let curve = self;
        let mut times = vec![way.from / FPS];
        times.extend(waypoints.iter().filter_map(|w| w.time));
        times.push((way.to / FPS).max(times[times.len() - 1] + 1e-3));
        let too_fast = |i: usize, speed: f32| {
            let name = |i: usize| match i {
                0 => "the start".to_owned(),
                i if i + 1 == times.len() => "the end".to_owned(),
                i => format!("waypoint {}", i - 1),
            };
            Error::invalid(
                "waypoints",
                format!(
                    "{:.2} m from {} to {} in {:.2} s asks for {speed:.2} m/s; the limit is {limit} m/s: give more \
                 time or a shorter way",
                    curve.at[i] - curve.at[i - 1],
                    name(i - 1),
                    name(i),
                    times[i] - times[i - 1],
                ),
            )
        };
        for i in 1..times.len() {
            let speed = (curve.at[i] - curve.at[i - 1]) / (times[i] - times[i - 1]);
            if speed > limit {
                return Err(too_fast(i, speed));
            }
        }
        // Monotone cubic through (time, length) (Fritsch and Carlson 1980).
        let n = times.len();
        let slope: Vec<f32> = (1..n)
            .map(|i| (curve.at[i] - curve.at[i - 1]) / (times[i] - times[i - 1]))
            .collect();
        let mut tangent = vec![0.0; n];
        for i in 1..n - 1 {
            let (a, b) = (slope[i - 1], slope[i]);
            if a > 0.0 && b > 0.0 {
                // The harmonic mean keeps the curve monotone.
                tangent[i] = 2.0 * a * b / (a + b);
            }
        }
        let [at_first, at_last] = way.moves;
        if at_first {
            tangent[0] = slope[0];
        }
        if at_last {
            tangent[n - 1] = slope[n - 2];
        }
        let length = |t: f32| {
            let i = times.partition_point(|x| *x <= t).clamp(1, n - 1);
            let h = times[i] - times[i - 1];
            let s = ((t - times[i - 1]) / h).clamp(0.0, 1.0);
            let (s2, s3) = (s * s, s * s * s);
            (2.0 * s3 - 3.0 * s2 + 1.0) * curve.at[i - 1]
                + (s3 - 2.0 * s2 + s) * h * tangent[i - 1]
                + (3.0 * s2 - 2.0 * s3) * curve.at[i]
                + (s3 - s2) * h * tangent[i]
        };
        let lengths: Vec<f32> = (0..frames).map(|t| length(t as f32 / FPS)).collect();
        // Speeding up and slowing down take their share of a leg: its fastest frame is faster than its mean.
        let speed = |t: &usize| (lengths[*t] - lengths[*t - 1]) * FPS;
        let fastest = (1..frames).max_by(|a, b| speed(a).total_cmp(&speed(b)));
        if let Some(t) = fastest.filter(|t| speed(t) > limit) {
            let middle = (t as f32 - 0.5) / FPS;
            let leg = times.partition_point(|x| *x <= middle).clamp(1, n - 1);
            return Err(too_fast(leg, speed(&t)));
        }
        let path = lengths.iter().map(|l| curve.point(*l)).collect();
        let waypoint_frames = waypoints
            .iter()
            .filter_map(|w| w.time)
            .map(|t| ((t * FPS).round() as usize).clamp(1, frames - 1))
            .collect();
        Ok((path, waypoint_frames))
    }
}

/// Centripetal Catmull-Rom between the second and third of four points (Yuksel et al. 2011): no loops, no overshoot.
fn catmull_rom(p: [Vector2<f32>; 4], u: f32) -> Vector2<f32> {
    let step = |a: Vector2<f32>, b: Vector2<f32>| (b - a).norm().sqrt().max(1e-3);
    let t0 = 0.0;
    let t1 = t0 + step(p[0], p[1]);
    let t2 = t1 + step(p[1], p[2]);
    let t3 = t2 + step(p[2], p[3]);
    let t = t1 + (t2 - t1) * u;
    let mix = |a: Vector2<f32>, b: Vector2<f32>, ta: f32, tb: f32| {
        a * ((tb - t) / (tb - ta)) + b * ((t - ta) / (tb - ta))
    };
    let a1 = mix(p[0], p[1], t0, t1);
    let a2 = mix(p[1], p[2], t1, t2);
    let a3 = mix(p[2], p[3], t2, t3);
    let b1 = mix(a1, a2, t0, t2);
    let b2 = mix(a2, a3, t1, t3);
    mix(b1, b2, t1, t2)
}

/// When somebody or something is on the way, frames, and whether it moves already in the first of them, and still in the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OnTheWay {
    pub from: f32,
    pub to: f32,
    pub moves: [bool; 2],
}

/// Progress 0 to 1 of a motion that speeds up over a share `ramp` of its time (up to a half), goes evenly and slows down
/// over the same share; smooth in speed.
pub(crate) fn eased(u: f32, ramp: f32) -> f32 {
    eased_at(u, [ramp, ramp])
}

/// The same with shares of their own for speeding up and slowing down; 0 for going evenly from the start, or to the end.
pub(crate) fn eased_at(u: f32, [first, last]: [f32; 2]) -> f32 {
    let u = u.clamp(0.0, 1.0);
    let top = 1.0 / (1.0 - (first + last) / 2.0);
    // Speed rises as a smoothstep over the ramp: its integral is r (s^3 - s^4 / 2).
    let rise = |x: f32, ramp: f32| {
        let s = x / ramp;
        top * ramp * (s.powi(3) - s.powi(4) / 2.0)
    };
    if u < first {
        rise(u, first)
    } else if u > 1.0 - last {
        1.0 - rise(1.0 - u, last)
    } else {
        top * (u - first / 2.0)
    }
}
