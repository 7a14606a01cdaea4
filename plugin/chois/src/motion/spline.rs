//! The smooth curve through the frames of a clip.
//!
//! Clips have 30 frames a second, screens 60 or 144. Straight lines between frames make steps of velocity at every frame,
//! which show. Here the curve is the interpolating cubic B-spline (Unser, Aldroubi and Eden, "B-spline signal
//! processing", 1993): it passes through every frame, its velocity and acceleration are continuous, and a value costs
//! four products. Its ends are natural (no acceleration), so it needs nothing beyond the first and last frame.

use std::ops::{Add, Mul, Sub};

/// Replaces values at frames by the coefficients of the spline through them. `values` is `frames x columns`, row by
/// row; every column is a curve of its own. Quaternions are four columns (or one of 4-vectors) and must change sign
/// nowhere; the curve is to be normalised.
pub fn fit<T>(values: &mut [T], columns: usize)
where
    T: Copy + Add<Output = T> + Sub<Output = T> + Mul<f32, Output = T>,
{
    let frames = values.len().checked_div(columns).unwrap_or(0);
    if frames < 3 {
        return;
    }
    // c[i-1] + 4 c[i] + c[i+1] = 6 p[i], with c = p at both ends: Thomas's algorithm, all columns at once.
    let mut upper = vec![0.0f32; frames - 1];
    for i in 1..frames - 1 {
        let scale = 1.0 / (4.0 - upper[i - 1]);
        upper[i] = scale;
        for j in i * columns..(i + 1) * columns {
            values[j] = (values[j] * 6.0 - values[j - columns]) * scale;
        }
    }
    for i in (1..frames - 1).rev() {
        for j in i * columns..(i + 1) * columns {
            values[j] = values[j] - values[j + columns] * upper[i];
        }
    }
}

/// Which coefficients make the value at one time, and how much of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Frames whose coefficients count; all exist.
    pub frames: [usize; 4],
    /// Weights of the value.
    pub value: [f32; 4],
    /// Weights of its derivative, per frame.
    pub slope: [f32; 4],
}

impl Tap {
    /// The tap at `time`, in frames since the first, of a curve of `frames` frames (at least one). Times outside, and
    /// what is not a number, go to the nearest end.
    pub fn new(time: f32, frames: usize) -> Self {
        let last = frames.saturating_sub(1);
        let time = if time > 0.0 {
            time.min(last as f32)
        } else {
            0.0
        };
        let at = (time as usize).min(last.saturating_sub(1));
        let f = time - at as f32;
        let g = 1.0 - f;
        let mut value = [
            g * g * g / 6.0,
            (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0,
            (3.0 * g * g * g - 6.0 * g * g + 4.0) / 6.0,
            f * f * f / 6.0,
        ];
        let mut slope = [
            -g * g / 2.0,
            (3.0 * f * f - 4.0 * f) / 2.0,
            (4.0 * g - 3.0 * g * g) / 2.0,
            f * f / 2.0,
        ];
        if last == 0 {
            return Self {
                frames: [0; 4],
                value: [0.0, 1.0, 0.0, 0.0],
                slope: [0.0; 4],
            };
        }
        // Beyond a natural end the coefficients go on in a straight line.
        for weights in [&mut value, &mut slope] {
            if at == 0 {
                weights[1] += 2.0 * weights[0];
                weights[2] -= weights[0];
                weights[0] = 0.0;
            }
            if at + 1 == last {
                weights[2] += 2.0 * weights[3];
                weights[1] -= weights[3];
                weights[3] = 0.0;
            }
        }
        Self {
            frames: [at.saturating_sub(1), at, at + 1, (at + 2).min(last)],
            value,
            slope,
        }
    }

    /// The value of one column of coefficients (`frames x columns`, see [`fit`]).
    #[inline]
    pub fn value<T>(&self, coefficients: &[T], columns: usize, column: usize) -> T
    where
        T: Copy + Add<Output = T> + Mul<f32, Output = T>,
    {
        self.sum(&self.value, coefficients, columns, column)
    }

    /// The derivative of one column, per frame.
    #[inline]
    pub fn slope<T>(&self, coefficients: &[T], columns: usize, column: usize) -> T
    where
        T: Copy + Add<Output = T> + Mul<f32, Output = T>,
    {
        self.sum(&self.slope, coefficients, columns, column)
    }

    #[inline]
    fn sum<T>(&self, weights: &[f32; 4], coefficients: &[T], columns: usize, column: usize) -> T
    where
        T: Copy + Add<Output = T> + Mul<f32, Output = T>,
    {
        let of = |k: usize| coefficients[self.frames[k] * columns + column] * weights[k];
        of(0) + of(1) + of(2) + of(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[f32]) -> impl Fn(f32) -> f32 {
        let mut c = points.to_vec();
        fit(&mut c, 1);
        let n = points.len();
        move |t| Tap::new(t, n).value(&c, 1, 0)
    }

    #[test]
    fn passes_through_every_frame_and_is_straight_where_the_frames_are() {
        let points = [0.3, -1.0, 4.0, 4.0, 2.5, 0.0, 7.0];
        let at = curve(&points);
        for (i, p) in points.iter().enumerate() {
            assert!((at(i as f32) - p).abs() < 1e-5, "frame {i}");
        }
        let line = curve(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        for k in 0..=40 {
            let t = k as f32 * 0.1;
            assert!((line(t) - (1.0 + t)).abs() < 1e-5);
        }
        let two = curve(&[1.0, 3.0]);
        assert!((two(0.25) - 1.5).abs() < 1e-6);
        assert_eq!(curve(&[5.0])(0.7), 5.0);
    }

    #[test]
    fn velocity_and_acceleration_have_no_steps() {
        let points: Vec<f32> = (0..30).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        let mut c = points.clone();
        fit(&mut c, 1);
        let slope = |t: f32| Tap::new(t, points.len()).slope(&c, 1, 0);
        let e = 1e-2;
        for i in 1..29 {
            let t = i as f32;
            assert!((slope(t + 1e-4) - slope(t - 1e-4)).abs() < 1e-2);
            let before = (slope(t) - slope(t - e)) / e;
            let after = (slope(t + e) - slope(t)) / e;
            assert!((before - after).abs() < 0.06, "frame {i}: {before} {after}");
        }
        // The slope is the derivative of the value.
        let value = |t: f32| Tap::new(t, points.len()).value(&c, 1, 0);
        for t in [0.0f32, 0.4, 7.3, 28.5] {
            let measured = (value(t + 0.01) - value(t)) / 0.01;
            assert!((measured - slope(t + 0.005)).abs() < 1e-2, "{t}");
        }
    }

    #[test]
    fn columns_are_curves_of_their_own() {
        let a = [0.0f32, 2.0, 1.0, 5.0];
        let b = [9.0f32, -2.0, 0.5, 1.0];
        let mut both: Vec<f32> = a.iter().zip(&b).flat_map(|(a, b)| [*a, *b]).collect();
        fit(&mut both, 2);
        let tap = Tap::new(1.3, 4);
        assert!((tap.value(&both, 2, 0) - curve(&a)(1.3)).abs() < 1e-6);
        assert!((tap.value(&both, 2, 1) - curve(&b)(1.3)).abs() < 1e-6);
    }

    #[test]
    fn times_outside_go_to_the_ends() {
        let at = curve(&[1.0, 2.0, 5.0]);
        for (t, want) in [
            (-3.0, 1.0),
            (f32::NAN, 1.0),
            (f32::INFINITY, 5.0),
            (f32::NEG_INFINITY, 1.0),
            (9.0, 5.0),
        ] {
            assert!((at(t) - want).abs() < 1e-5, "{t}");
        }
    }
}
