//! Corrections at given frames, spread over time so that nothing jumps.

/// Frames over which a correction of the first pose fades.
pub(super) const FADE: usize = 15;

/// Values at `given` frames (ascending, not empty), spread over all frames, linearly; beyond the first and the last they stay.
pub(super) fn interpolated(given: &[usize], values: &[f32], frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|t| match given.partition_point(|g| *g < t) {
            0 => values[0],
            n if n == given.len() => values[n - 1],
            n => {
                let span = (given[n] - given[n - 1]).max(1) as f32;
                let w = (t - given[n - 1]) as f32 / span;
                values[n - 1] * (1.0 - w) + values[n] * w
            }
        })
        .collect()
}

/// 1 at 0, and from `reach` on 0.
pub(super) fn faded(away: usize, reach: usize) -> f32 {
    let s = (away as f32 / reach as f32).min(1.0);
    (1.0 + (std::f32::consts::PI * s).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_met_and_what_lies_between_is_between() {
        let all = interpolated(&[2, 6, 7], &[1.0, 3.0, 0.0], 10);
        assert_eq!(all, [1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 0.0, 0.0, 0.0]);
        assert_eq!(interpolated(&[0], &[4.0], 3), [4.0; 3]);
        assert_eq!((faded(0, FADE), faded(FADE, FADE)), (1.0, 0.0));
        assert!((faded(5, 10) - 0.5).abs() < 1e-6);
    }
}
