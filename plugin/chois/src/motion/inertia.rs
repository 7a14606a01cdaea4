//! Going over from one motion to another without a jump.
//!
//! Inertialisation (Bollo, "Inertialization: high-performance animation transitions in Gears of War", GDC 2018): the
//! new motion starts at once, and the difference to the old one, with its velocity, decays on top of it. Here it decays
//! as the polynomial of degree five that begins with that value and velocity and no acceleration, and ends after a
//! given time with all three zero.

/// The share of the first offset, and of its velocity times the duration, that is left at `s` = elapsed time over
/// duration. Both are 0 from 1 on.
#[inline]
pub fn left(s: f32) -> (f32, f32) {
    let s = s.clamp(0.0, 1.0);
    let g = 1.0 - s;
    let cube = g * g * g;
    (
        cube * (1.0 + 3.0 * s + 6.0 * s * s),
        s * cube * (1.0 + 3.0 * s),
    )
}

/// Seconds in which an `offset` with a `velocity` (its amount per second) decays with no more than `acceleration` (per
/// second squared; above 0).
pub fn seconds(offset: f32, velocity: f32, acceleration: f32) -> f32 {
    // The greatest second derivatives of the two shares: 10 / sqrt(3), and 3.94.
    let from_offset = 5.773_503 * offset;
    let from_velocity = 3.94 * velocity;
    (from_velocity
        + (from_velocity * from_velocity + 4.0 * acceleration * from_offset)
            .max(0.0)
            .sqrt())
        / (2.0 * acceleration)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Value after `t` seconds of an offset that decays in `duration`.
    fn offset(x: f32, v: f32, duration: f32, t: f32) -> f32 {
        let (of_x, of_v) = left(t / duration);
        x * of_x + v * duration * of_v
    }

    #[test]
    fn begins_as_it_was_and_ends_at_rest() {
        let (x, v, d) = (0.8, -1.5, 0.4);
        assert_eq!(offset(x, v, d, 0.0), x);
        let e = 1e-3;
        assert!(((offset(x, v, d, e) - x) / e - v).abs() < 0.02);
        for t in [d, d + 0.1, 100.0] {
            assert_eq!(offset(x, v, d, t), 0.0);
        }
        assert!(offset(x, v, d, d - 0.01).abs() < 1e-4);
    }

    #[test]
    fn the_duration_keeps_the_acceleration() {
        for (x, v) in [(1.4, 0.0), (0.2, 3.0), (0.0, 2.0), (1e-4, 0.0)] {
            let limit = 20.0;
            let d = seconds(x, v, limit);
            let e = d / 200.0;
            let most = (1..199)
                .map(|k| {
                    let t = k as f32 * e;
                    let at = |t| offset(x, v, d, t);
                    ((at(t + e) - 2.0 * at(t) + at(t - e)) / (e * e)).abs()
                })
                .fold(0.0, f32::max);
            assert!(most < limit * 1.05, "{x} {v}: {most}");
            assert!(most > limit * 0.5, "{x} {v}: {most} is needlessly slow");
        }
        assert_eq!(seconds(0.0, 0.0, 5.0), 0.0);
    }
}
