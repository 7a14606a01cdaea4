//! The published sampler: every step of the schedule.

use tch::Tensor;

use super::{Run, Sampler};
use crate::error::Result;

/// The published sampler: every step of the schedule, ancestral (specification, section 6).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ancestral;

impl Ancestral {
    /// One step: x_{t-1} and the posterior's mean from x_t.
    pub fn step(run: &Run<'_>, x: &Tensor, step: usize, noise: &Tensor) -> (Tensor, Tensor) {
        let x0 = run.clean(x, step, step);
        let mean = run.schedule.posterior_mean(&x0, x, step);
        let out = if step == 0 {
            mean.copy()
        } else {
            let deviation =
                (0.5 * f64::from(run.schedule.posterior_log_variance_clipped[step])).exp();
            &mean + noise * deviation
        };
        (out, mean)
    }
}

impl Sampler for Ancestral {
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor> {
        let mut x = run.begin()?;
        let total = run.schedule.steps();
        for step in (0..total).rev() {
            // Drawn at the last step too, although it plays no part: the order of random numbers is the published one.
            let noise = run.noise.next(&x.size())?;
            let (next, _) = Self::step(run, &x, step, &noise);
            x = run.after(next, total - step, total)?;
        }
        Ok(x)
    }
}
