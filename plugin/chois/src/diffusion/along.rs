//! People keep up with what they hold: a network that thinks of a window's end as the end has them slow down toward it, while
//! the object goes on along its path. Trunk and arms then stretch after it, and in the end it is lost.

use tch::{Device, Tensor};

use super::guidance::{FewStep, held, mean_filtered};
use crate::motion::features::JOINT_POSITIONS;
use crate::skeleton::joint;

/// Somebody is left behind who is farther from what they hold than is usual in the window by more than this, metres.
const SLACK: f32 = 0.1;
/// For so many frames of a window they must hold it for something to be usual.
const USUAL: usize = 20;
/// Reaches of the mean filters by which they come to it, frames.
const COMING: [i64; 2] = [4, 5];

impl FewStep<'_> {
    /// The whole person moved toward what they hold where it has left them behind; None where it has not.
    pub(super) fn keep_up(&self, x: &Tensor) -> Option<Tensor> {
        let (batch, frames) = (x.size()[0], x.size()[1]);
        let posed = self.interaction.pose(x);
        let pelvis = posed.joints.select(2, joint::PELVIS as i64);
        let off = (&posed.center - pelvis).narrow(2, 0, 2);
        let far = off.norm_scalaropt_dim(2, [2], false);
        let holds = held(x).amax([2], false);
        let rows = |t: &Tensor| -> Option<Vec<f32>> {
            Vec::try_from(t.to_device(Device::Cpu).contiguous().view(-1)).ok()
        };
        let (away, sure) = (rows(&far)?, rows(&holds)?);
        let count = frames as usize;
        let behind: Vec<f32> = (away.chunks_exact(count).zip(sure.chunks_exact(count)))
            .flat_map(|(far, holds)| left_behind(far, holds))
            .collect();
        if behind.iter().all(|way| *way == 0.0) {
            return None;
        }
        let behind = Tensor::from_slice(&behind)
            .view([batch, frames, 1])
            .to_device(x.device());
        let shift = off / far.unsqueeze(-1).clamp_min(1e-3) * behind;
        let shift = mean_filtered(shift.transpose(1, 2), &COMING).transpose(1, 2);
        let shift = Tensor::cat(&[&shift, &shift.narrow(2, 0, 1).zeros_like()], 2);
        let bounds = &self.interaction.bounds;
        let (from, width) = (JOINT_POSITIONS.start as i64, JOINT_POSITIONS.len() as i64);
        // As a difference, so that windows in which nobody is left behind stay bit for bit what they are.
        let shift = shift.unsqueeze(2).expand([-1, -1, width / 3, -1], false);
        let by = bounds.normalise_joints(&shift) - bounds.normalise_joints(&shift.zeros_like());
        let out = x.copy();
        let places = x.narrow(2, from, width) + by.reshape([batch, frames, -1]);
        out.narrow(2, from, width).copy_(&places);
        Some(out)
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
