//! The sampler of distilled networks.

use tch::Tensor;

use super::{Run, Sampler, check_steps};
use crate::error::Result;

/// Few steps of a network that says the same of every point on a way from noise to motion: each prediction is made noisy anew
/// for the next (Song et al., "Consistency models", 2023, algorithm 1).
#[derive(Clone, Copy, Debug)]
pub struct Consistency {
    /// Steps, at least 1 and at most the schedule's.
    pub steps: usize,
}

impl Consistency {
    /// Steps of a schedule, descending, evenly from the last.
    pub fn times(&self, schedule: usize) -> Result<Vec<usize>> {
        check_steps(self.steps, schedule)?;
        Ok((0..self.steps)
            .map(|k| schedule - 1 - k * schedule / self.steps)
            .collect())
    }
}

impl Sampler for Consistency {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let times = self.times(run.schedule.steps())?;
        run.descend(&times, |run, x, x0, [_, next]| {
            let noise = run.noise.next(&x.size())?;
            let schedule = run.schedule;
            Ok(x0 * f64::from(schedule.sqrt_alphas_cumprod[next])
                + noise * f64::from(schedule.sqrt_one_minus_alphas_cumprod[next]))
        })
    }
}
