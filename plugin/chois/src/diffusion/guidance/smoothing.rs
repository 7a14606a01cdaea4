//! Filters over time. Rows are frames of `width` numbers each, the first and the last one repeated beyond the ends.

/// Reaches, in frames, of the two mean filters that make a smooth transition of a jump.
pub(super) const GENTLE: [usize; 2] = [2, 3];

/// Means over as many frames to either side as each reach says, one filter after another.
pub(super) fn mean(rows: &mut [f32], width: usize, reaches: &[usize]) {
    let frames = rows.len() / width;
    let mut before = rows.to_vec();
    for &reach in reaches {
        before.copy_from_slice(rows);
        let share = 1.0 / (2 * reach + 1) as f32;
        for (t, row) in rows.chunks_exact_mut(width).enumerate() {
            row.fill(0.0);
            for k in 0..=2 * reach {
                let from = (t + k).saturating_sub(reach).min(frames - 1);
                for (sum, value) in row.iter_mut().zip(&before[from * width..][..width]) {
                    *sum += value;
                }
            }
            for value in row {
                *value *= share;
            }
        }
    }
}

/// Numbers that are everywhere as large as they are within the reach of the filters, and rise and fall smoothly.
pub(super) fn widened(rows: &mut [f32], width: usize, reaches: &[usize]) {
    let frames = rows.len() / width;
    let reach: usize = reaches.iter().sum();
    let before = rows.to_vec();
    for (t, row) in rows.chunks_exact_mut(width).enumerate() {
        let (from, to) = (t.saturating_sub(reach), (t + reach).min(frames - 1));
        for near in before[from * width..(to + 1) * width].chunks_exact(width) {
            for (most, value) in row.iter_mut().zip(near) {
                *most = most.max(*value);
            }
        }
    }
    mean(rows, width, reaches);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_keep_what_stands_and_spread_what_jumps() {
        let mut rows = [0.0, 2.0].repeat(20);
        rows[20] = 6.0;
        mean(&mut rows, 2, &GENTLE);
        let first: Vec<f32> = rows.chunks(2).map(|r| r[0]).collect();
        assert!((first.iter().sum::<f32>() - 6.0).abs() < 1e-5);
        assert_eq!((first[4], first[16]), (0.0, 0.0));
        assert!(first[5] > 0.0 && first[10] > first[6]);
        assert!(rows.chunks(2).all(|r| (r[1] - 2.0).abs() < 1e-6));
    }

    #[test]
    fn what_is_widened_is_nowhere_less() {
        let mut rows = vec![0.0; 30];
        rows[12..15].fill(1.0);
        let before = rows.clone();
        widened(&mut rows, 1, &[2, 2]);
        assert!(rows.iter().zip(&before).all(|(a, b)| *a > b - 1e-6));
        assert_eq!((rows[0], rows[29]), (0.0, 0.0));
        let steps = rows.windows(2).map(|w| (w[1] - w[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.3);
    }
}
