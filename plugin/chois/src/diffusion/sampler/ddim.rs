//! Denoising diffusion implicit models: a choice of the schedule's steps.

use tch::Tensor;

use super::{Run, Sampler, check_steps};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// DDIM on an even choice of steps (specification, section 6).
#[derive(Clone, Copy, Debug)]
pub struct Ddim {
    /// Steps, at least 1 and at most the schedule's.
    pub steps: usize,
    /// 0 deterministic, 1 as noisy as the ancestral sampler.
    pub eta: f64,
    /// How steps are chosen.
    pub spacing: Spacing,
}

/// Which steps of the schedule are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As the published `ddim_sample`: evenly from the last step down to -1.
    Published,
    /// Evenly from the last step down to 0, both included: for few steps, so that the last prediction is of nearly clean
    /// motion.
    Ends,
}

impl Ddim {
    /// The few-step sampler: deterministic, both ends included.
    pub fn few(steps: usize) -> Self {
        Self {
            steps,
            eta: 0.0,
            spacing: Spacing::Ends,
        }
    }

    /// The published one: 50 steps, eta 1.
    pub fn published() -> Self {
        Self {
            steps: 50,
            eta: 1.0,
            spacing: Spacing::Published,
        }
    }

    /// Steps of a schedule, descending; a final -1 (clean) is implied.
    pub fn times(&self, schedule: usize) -> Result<Vec<usize>> {
        check_steps(self.steps, schedule)?;
        let last = (schedule - 1) as f64;
        Ok(match self.spacing {
            // torch.linspace in f32, truncated towards zero.
            Spacing::Published => (0..self.steps)
                .map(|k| {
                    let span = (last + 1.0) / self.steps as f64;
                    (last - span * k as f64 + 1e-6) as usize
                })
                .collect(),
            Spacing::Ends if self.steps == 1 => vec![schedule - 1],
            Spacing::Ends => (0..self.steps)
                .map(|k| {
                    let share = k as f64 / (self.steps - 1) as f64;
                    (last * (1.0 - share)).round() as usize
                })
                .collect(),
        })
    }

    /// One step from `x` at `time` with clean prediction `x0` to `next`; `noise` is used when eta is not 0.
    pub fn step(
        &self,
        schedule: &Schedule,
        x: &Tensor,
        x0: &Tensor,
        time: usize,
        next: usize,
        noise: Option<&Tensor>,
    ) -> Tensor {
        let at = |t: usize| f64::from(schedule.alphas_cumprod[t]);
        let epsilon = (x * f64::from(schedule.sqrt_recip_alphas_cumprod[time]) - x0)
            / f64::from(schedule.sqrt_recipm1_alphas_cumprod[time]);
        let (a, b) = (at(time), at(next));
        let sigma = self.eta * ((1.0 - a / b) * (1.0 - b) / (1.0 - a)).max(0.0).sqrt();
        let c = (1.0 - b - sigma * sigma).max(0.0).sqrt();
        let out = x0 * b.sqrt() + epsilon * c;
        match noise {
            Some(noise) if sigma > 0.0 => out + noise * sigma,
            _ => out,
        }
    }
}

impl Sampler for Ddim {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let times = self.times(run.schedule.steps())?;
        run.descend(&times, |run, x, x0, [time, next]| {
            let noise = if self.eta > 0.0 {
                Some(run.noise.next(&x.size())?)
            } else {
                None
            };
            Ok(self.step(run.schedule, x, x0, time, next, noise.as_ref()))
        })
    }
}
