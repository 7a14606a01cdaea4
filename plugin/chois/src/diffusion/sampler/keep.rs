//! First frames of a window that are known, and what follows led on from them (specification, section 8).

use tch::Tensor;

use crate::motion::inertia;

/// Frames over which a window is led on from the frames that it keeps.
const LEAD: f32 = 15.0;
/// Kept frames by which it is told how fast the prediction departs from them.
const SPEED_SPAN: i64 = 3;

/// Known first frames of windows.
pub struct Keep {
    /// Clean frames (B, o, 220).
    pub frames: Tensor,
    /// How they are kept.
    pub rule: KeepRule,
}

/// How known first frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepRule {
    /// As published: after each step but the last they are put back without noise.
    Clean,
    /// They stand in the clean prediction of each step, so that the state around them is as noisy as the network has
    /// learned to expect.
    Predicted,
}

impl Keep {
    pub(super) fn put_into(&self, x: &Tensor) -> Tensor {
        let o = self.frames.size()[1];
        Tensor::cat(
            &[self.frames.shallow_clone(), x.narrow(1, o, x.size()[1] - o)],
            1,
        )
    }

    /// The kept frames put in, and what the prediction was off at the last of them, in place and in speed, added to those that
    /// follow, less and less: else they would not go on from there (see [`inertia`]).
    pub(super) fn lead_into(&self, x0: &Tensor) -> Tensor {
        let (kept, frames) = (self.frames.size()[1], x0.size()[1]);
        let out = self.put_into(x0);
        if kept == 0 || kept >= frames {
            return out;
        }
        let off = |t: i64| self.frames.narrow(1, t, 1) - x0.narrow(1, t, 1);
        let place = off(kept - 1);
        // One frame alone has no speed; that of two tells more of noise than of motion.
        let span = (kept - 1).min(SPEED_SPAN);
        let speed = if span > 0 {
            (&place - off(kept - 1 - span)) / span as f64
        } else {
            place.zeros_like()
        };
        let (places, speeds): (Vec<f32>, Vec<f32>) = (1..=frames - kept)
            .map(|t| inertia::left(t as f32 / LEAD))
            .map(|(place, speed)| (place, speed * LEAD))
            .unzip();
        let shares = |values: &[f32]| {
            let shares = Tensor::from_slice(values).view([1, -1, 1]);
            shares.to_device(x0.device())
        };
        let led = place * shares(&places) + speed * shares(&speeds);
        let after = out.narrow(1, kept, frames - kept) + led;
        Tensor::cat(&[out.narrow(1, 0, kept), after], 1)
    }
}
