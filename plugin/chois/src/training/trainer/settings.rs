//! Settings of a training run.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::training::distillation::Distillation;
use crate::training::losses::LossWeights;

/// Settings of a run. The defaults suit the compact network on two cores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Windows in a batch.
    pub batch: usize,
    /// Learning rate after warm-up.
    pub rate: f64,
    /// Steps over which the rate rises from zero.
    pub warm_up: u64,
    /// Optimiser steps of the whole run.
    pub steps: u64,
    /// Last share of the run over which the rate falls linearly to a twentieth. 0 keeps it.
    pub decay: f64,
    /// Gradients longer than this are shortened to it; 0 never.
    pub clip: f64,
    /// Seed of weights, windows, steps and noise.
    pub seed: u64,
    /// Share of windows that begin with the clip.
    pub from_start: f64,
    /// Share of windows that hold a whole clip, retimed.
    pub whole: f64,
    /// Share of windows that walk, where the data set has walks.
    pub walking: f64,
    /// Noise through which the network sees given rotations, deviations of the data; each window has between none and so much
    /// of it. Of a network with `conditioning.spread` alone. People stand in more ways than any data know.
    pub given_noise: f64,
    /// Points on the object for its loss.
    pub keypoints: usize,
    /// Weights of the losses.
    pub losses: LossWeights,
    /// Largest decay of the moving average.
    pub ema_beta: f64,
    /// Steps between its updates.
    pub ema_every: i64,
    /// Steps before which it is a plain copy.
    pub ema_after: i64,
    /// Large products in bfloat16: on processors with such instructions twice as fast (an AMD EPYC) or two thirds as fast (an
    /// Intel Xeon without AMX), far slower elsewhere.
    pub mixed: bool,
    /// Threads that prepare batches.
    pub loaders: usize,
    /// Learn from a teacher's steps in place of the data's motion, see [`super::Trainer::distil`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            batch: 32,
            rate: 1e-3,
            warm_up: 150,
            steps: 6000,
            decay: 0.4,
            clip: 1.0,
            seed: 7,
            from_start: 0.2,
            whole: 0.25,
            walking: 0.35,
            given_noise: 0.0,
            keypoints: 32,
            losses: LossWeights {
                contact: 1.0,
                kinematics: 1.0,
                pelvis: true,
                keypoints: 1.0,
                hand_object: 0.5,
                hand_slip: 0.0,
                foot_speed: 6.0,
                squared: 0.0,
                units: 0.0,
                // More from the first step on teaches to stand still: raise it late, see the model card.
                acceleration: 10.0,
            },
            ema_beta: 0.995,
            ema_every: 2,
            ema_after: 100,
            mixed: false,
            loaders: 1,
            distillation: None,
        }
    }
}

impl TrainingConfig {
    /// The published run: rate 2e-4, no warm-up, no clipping, published losses and average.
    pub fn official() -> Self {
        Self {
            batch: 64,
            rate: 2e-4,
            warm_up: 0,
            steps: 400_000,
            decay: 0.0,
            clip: 0.0,
            from_start: 0.0,
            whole: 0.0,
            keypoints: 100,
            losses: LossWeights::default(),
            ema_every: 10,
            ..Self::default()
        }
    }

    /// Refuses settings that cannot train.
    pub fn validate(&self) -> Result<()> {
        if self.batch == 0 || self.batch > 4096 {
            return Err(Error::invalid("batch", "must be between 1 and 4096"));
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(Error::invalid("rate", "must be a positive number"));
        }
        if !(0.0..=1.0).contains(&self.ema_beta) {
            return Err(Error::invalid("ema_beta", "must be between 0 and 1"));
        }
        if self.keypoints == 0 || self.keypoints > 4096 {
            return Err(Error::invalid("keypoints", "must be between 1 and 4096"));
        }
        if self.loaders > 256 {
            return Err(Error::invalid("loaders", "must be at most 256"));
        }
        if self.ema_every < 1 {
            return Err(Error::invalid("ema_every", "must be at least 1"));
        }
        if !(0.0..=1.0).contains(&self.walking) {
            return Err(Error::invalid("walking", "must be between 0 and 1"));
        }
        if !(0.0..=10.0).contains(&self.given_noise) {
            return Err(Error::invalid("given_noise", "must be between 0 and 10"));
        }
        if !(0.0..=1.0).contains(&self.decay) {
            return Err(Error::invalid("decay", "must be between 0 and 1"));
        }
        Ok(())
    }

    /// Learning rate of a step.
    pub fn rate_at(&self, step: u64) -> f64 {
        let warm = if step < self.warm_up {
            (step + 1) as f64 / self.warm_up as f64
        } else {
            1.0
        };
        let from = self.steps as f64 * (1.0 - self.decay);
        let fall = if self.decay > 0.0 && step as f64 > from {
            let done = ((step as f64 - from) / (self.steps as f64 * self.decay)).min(1.0);
            1.0 - 0.95 * done
        } else {
            1.0
        };
        self.rate * warm * fall
    }
}
