//! People keep up with what they hold: a network that thinks of a window's end as the end has them slow down toward it, while
//! the object goes on along its path. Trunk and arms then stretch after it, and in the end it is lost.

use nalgebra::{Vector2, Vector3};

use super::interaction::InteractionGuide;
use super::person::held;
use super::smoothing::mean;
use crate::motion::features::FEATURES;

/// Somebody is left behind who is farther from what they hold than is usual in the window by more than this, metres.
const SLACK: f32 = 0.1;
/// For so many frames of a window they must hold it for something to be usual.
const USUAL: usize = 20;
/// Reaches of the mean filters by which they come to it, frames.
const COMING: [usize; 2] = [4, 5];

impl InteractionGuide<'_> {
    /// The whole person moved toward what they hold where it has left them behind; false where it has not.
    pub(super) fn keep_up(&self, x: &mut [f32]) -> bool {
        let rows = || x.chunks_exact(FEATURES);
        let off: Vec<Vector2<f32>> = rows()
            .map(|row| (self.thing.center(row) - self.person.stated(row, 0)).xy())
            .collect();
        let far: Vec<f32> = off.iter().map(Vector2::norm).collect();
        let holds: Vec<f32> = rows()
            .map(|row| {
                let [left, right] = held(row);
                left.max(right)
            })
            .collect();
        let behind = left_behind(&far, &holds);
        if behind.iter().all(|way| *way == 0.0) {
            return false;
        }
        let mut shift: Vec<f32> = (off.iter().zip(&far).zip(&behind))
            .flat_map(|((off, far), behind)| {
                let by = off / far.max(1e-3) * *behind;
                [by.x, by.y]
            })
            .collect();
        mean(&mut shift, 2, &COMING);
        for (row, by) in x.chunks_exact_mut(FEATURES).zip(shift.chunks_exact(2)) {
            self.person.shift(row, &Vector3::new(by[0], by[1], 0.0));
        }
        true
    }
}

/// How far each frame has left somebody behind, metres, from how far they are from what they hold, and how surely they do.
fn left_behind(far: &[f32], holds: &[f32]) -> Vec<f32> {
    let mut held: Vec<f32> = (far.iter().zip(holds))
        .filter(|(_, holds)| **holds > 0.5)
        .map(|(far, _)| *far)
        .collect();
    if held.len() < USUAL {
        return vec![0.0; far.len()];
    }
    held.sort_by(f32::total_cmp);
    let usual = held[held.len() / 2] + SLACK;
    (far.iter().zip(holds))
        .map(|(far, holds)| (far - usual).max(0.0) * holds)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_left_behind_is_so_from_where_it_goes_on_without_them() {
        let far: Vec<f32> = (0..120)
            .map(|t| 0.6 + 0.02 * (t as f32 - 90.0).max(0.0))
            .collect();
        let behind = left_behind(&far, &[1.0; 120]);
        assert!(behind[..90].iter().all(|way| *way == 0.0));
        assert!(
            (behind[119] - (0.58 - SLACK)).abs() < 1e-4,
            "{}",
            behind[119]
        );
        // Who holds nothing, or hardly ever, is nowhere left behind.
        assert!(left_behind(&far, &[0.0; 120]).iter().all(|way| *way == 0.0));
        let mut brief = [0.0; 120];
        brief[100..110].fill(1.0);
        assert!(left_behind(&far, &brief).iter().all(|way| *way == 0.0));
    }
}
