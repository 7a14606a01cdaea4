//! The network with its conditions, as samplers ask it.

use tch::{Kind, Tensor};

use crate::diffusion::precondition::{Preconditioning, steadying};
use crate::diffusion::schedule::Schedule;
use crate::model::denoiser::Denoiser;
use crate::model::fused::{Constants, FusedDenoiser};
use crate::motion::WINDOW;

/// Predicts clean motion (B, T, 220) from noisy motion at a step of the schedule.
pub trait Predict {
    /// The prediction, unclamped.
    fn predict(&self, x: &Tensor, step: usize) -> Tensor;
}

/// The parity path: the published operations in their order.
pub struct ParityPredictor<'a> {
    /// The denoiser.
    pub denoiser: &'a Denoiser,
    /// (B, T, object width + 220).
    pub condition: &'a Tensor,
    /// (B, width).
    pub language: Option<&'a Tensor>,
    /// (B, 1, T + 1).
    pub padding: Option<&'a Tensor>,
}

impl Predict for ParityPredictor<'_> {
    fn predict(&self, x: &Tensor, step: usize) -> Tensor {
        let t = Tensor::full([x.size()[0]], step as i64, (Kind::Int64, x.device()));
        self.denoiser
            .forward(x, &t, self.condition, self.language, self.padding, None)
    }
}

/// The fast path, with the tokens of all steps computed at once.
pub struct FastPredictor<'a> {
    denoiser: &'a FusedDenoiser,
    constants: Constants,
    times: Tensor,
    base: Option<Tensor>,
    channels: Option<Tensor>,
    preconditioning: Option<&'a Preconditioning>,
    steadying: Option<Tensor>,
}

impl<'a> FastPredictor<'a> {
    /// Prepares the constants of a request. `base` is what the raw output is measured from.
    pub fn new(
        denoiser: &'a FusedDenoiser,
        schedule: &Schedule,
        condition: &Tensor,
        language: Option<&Tensor>,
        padding: Option<&Tensor>,
        base: Option<Tensor>,
    ) -> Self {
        let steps = Tensor::arange(schedule.steps() as i64, (Kind::Int64, condition.device()));
        Self {
            denoiser,
            constants: denoiser.constants(condition, language, padding),
            times: denoiser.time_tokens(&steps),
            base,
            channels: None,
            preconditioning: None,
            steadying: None,
        }
    }

    /// With the channels (B, 1, 220) that the windows use, see [`crate::model::Network::channels`].
    #[must_use]
    pub fn channels(mut self, channels: Option<Tensor>) -> Self {
        self.channels = channels;
        self
    }

    /// With the model's preconditioning. What is predicted at the last step is steadied in windows of these lengths, see
    /// [`steadying`].
    #[must_use]
    pub fn preconditioned(mut self, by: Option<&'a Preconditioning>, lengths: &[usize]) -> Self {
        self.preconditioning = by;
        self.steadying = by.map(|_| steadying(lengths, WINDOW, self.times.device()));
        self
    }
}

impl Predict for FastPredictor<'_> {
    fn predict(&self, x: &Tensor, step: usize) -> Tensor {
        let time = self.times.narrow(0, step as i64, 1);
        let around = self.preconditioning.map(|by| {
            let t = Tensor::full([1], step as i64, (Kind::Int64, x.device()));
            by.around(x, &t, self.base.as_ref())
        });
        let x = around.as_ref().map_or(x, |a| &a.input);
        let used = self.channels.as_ref().map(|c| x * c);
        let x = used.as_ref().unwrap_or(x);
        let raw = self.denoiser.forward(x, &time, &self.constants, 0.0);
        let out = match (&around, &self.base) {
            (Some(around), _) => around.motion(&raw),
            (None, Some(base)) => raw + base,
            (None, None) => raw,
        };
        let out = match &self.steadying {
            Some(steadying) if step == 0 => steadying.matmul(&out),
            _ => out,
        };
        match &self.channels {
            Some(channels) => out * channels,
            None => out,
        }
    }
}
