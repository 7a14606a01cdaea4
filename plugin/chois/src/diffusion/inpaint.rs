//! Frames of which something is known: in every step it stands in the clean prediction, and what surrounds it is led there,
//! so that the network makes the rest to suit (as [`super::sampler::KeepRule::Predicted`] does with first frames).

use tch::{Device, Tensor};

use super::window::WindowInput;
use crate::motion::WINDOW;
use crate::motion::features::FEATURES;
use crate::motion::lock::shares;

/// What is known of one frame of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldFrame {
    /// The frame.
    pub frame: usize,
    /// Values, 220, normalised.
    pub values: Vec<f32>,
    /// Which of them are known, 220.
    pub known: Vec<bool>,
}

/// What is known of one window's frames.
struct Row {
    /// The frames, (K).
    at: Tensor,
    /// Values, (K, 220).
    values: Tensor,
    /// How much of the error at each known frame is made up for, (T, K, 220).
    shares: Tensor,
}

/// What is known of a batch of windows.
pub struct Inpaint(Vec<Option<Row>>);

impl Inpaint {
    /// Of windows that hold frames; none where nothing is held.
    pub fn of(inputs: &[WindowInput<'_>], device: Device) -> Option<Self> {
        let rows: Vec<Option<Row>> = inputs.iter().map(|w| Row::of(w, device)).collect();
        rows.iter().any(Option::is_some).then_some(Self(rows))
    }

    /// Clean predictions (B, T, 220) with what is known.
    pub(super) fn put_into(&self, x0: &Tensor) -> Tensor {
        let parts: Vec<Tensor> = (self.0.iter().enumerate())
            .map(|(b, row)| {
                let own = x0.narrow(0, b as i64, 1);
                let Some(row) = row else { return own };
                let off = &row.values - own.squeeze_dim(0).index_select(0, &row.at);
                let by = (&row.shares * off.unsqueeze(0)).sum_dim_intlist(
                    [1_i64].as_slice(),
                    false,
                    tch::Kind::Float,
                );
                own + by.unsqueeze(0)
            })
            .collect();
        Tensor::cat(&parts, 0)
    }
}

impl Row {
    fn of(window: &WindowInput<'_>, device: Device) -> Option<Self> {
        // What was made before is no more to be changed.
        let kept = (window.keep.len() / FEATURES).max(1);
        let held: Vec<&HeldFrame> = (window.held.iter())
            .filter(|h| h.frame >= kept && h.frame < window.length)
            .collect();
        if held.is_empty() {
            return None;
        }
        let count = held.len();
        let mut all = vec![0.0_f32; WINDOW * count * FEATURES];
        // Channels that are known at the same frames share their shares.
        let mut done: Vec<(Vec<usize>, Vec<Vec<f32>>)> = Vec::new();
        for c in 0..FEATURES {
            let own: Vec<usize> = (0..count).filter(|k| held[*k].known[c]).collect();
            if own.is_empty() {
                continue;
            }
            if !done.iter().any(|(known, _)| *known == own) {
                let frames: Vec<usize> = own.iter().map(|k| held[*k].frame).collect();
                done.push((own.clone(), shares(WINDOW, &frames, [Some(kept - 1), None])));
            }
            let Some((_, shares)) = done.iter().find(|(known, _)| *known == own) else {
                continue;
            };
            for (k, share) in own.iter().zip(shares) {
                for (t, share) in share.iter().enumerate() {
                    all[(t * count + k) * FEATURES + c] = *share;
                }
            }
        }
        let values: Vec<f32> = held.iter().flat_map(|h| h.values.iter().copied()).collect();
        let at: Vec<i64> = held.iter().map(|h| h.frame as i64).collect();
        let size = [count as i64, FEATURES as i64];
        Some(Self {
            at: Tensor::from_slice(&at).to_device(device),
            values: Tensor::from_slice(&values).view(size).to_device(device),
            shares: Tensor::from_slice(&all)
                .view([WINDOW as i64, size[0], size[1]])
                .to_device(device),
        })
    }
}
