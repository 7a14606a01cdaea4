//! Samplers, which turn noise into motion, and what they share: the run they work on, progress and cancellation.

mod ancestral;
mod consistency;
mod ddim;
mod keep;
mod noise;
mod predict;

use tch::Tensor;

use super::inpaint::Inpaint;
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::motion::features::FEATURES;

pub use ancestral::Ancestral;
pub use consistency::Consistency;
pub use ddim::{Ddim, Spacing};
pub use keep::{Keep, KeepRule};
pub use noise::{InUnits, NoiseSource, RecordedNoise, SeededNoise, VariedNoise};
pub use predict::{FastPredictor, ParityPredictor, Predict};

/// Where a sampler stands when it asks for guidance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Step of the schedule, counting down to 0.
    pub step: usize,
    /// Steps that this sampler still makes after this one.
    pub remaining: usize,
    /// Variance of the schedule's posterior at the step.
    pub variance: f32,
}

/// Moves a clean prediction toward what is wanted.
pub trait Guide {
    /// The moved prediction, or `None` when nothing is to be done at this moment.
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor>;
}

/// Told after each step of a sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps made.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Whether to go on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop; the run ends with [`Error::Cancelled`].
    Cancel,
}

/// One denoising run: B windows of T frames.
pub struct Run<'a> {
    /// The schedule the network was trained on.
    pub schedule: &'a Schedule,
    /// The network with its conditions.
    pub predictor: &'a dyn Predict,
    /// Guidance, if any.
    pub guide: Option<&'a dyn Guide>,
    /// Noise, the first of it for the start.
    pub noise: &'a mut dyn NoiseSource,
    /// Windows and frames.
    pub shape: (i64, i64),
    /// Start in place of fresh noise, (B, T, 220).
    pub start: Option<Tensor>,
    /// First frames that are known (long sequences).
    pub keep: Option<Keep>,
    /// Frames of which something is known.
    pub inpaint: Option<Inpaint>,
    /// Clamp clean predictions to [-1, 1].
    pub clamp: bool,
    /// Told after each step.
    pub progress: &'a mut dyn FnMut(Progress) -> Flow,
}

impl Run<'_> {
    fn begin(&mut self) -> Result<Tensor> {
        match self.start.take() {
            Some(start) => Ok(start),
            None => self
                .noise
                .next(&[self.shape.0, self.shape.1, FEATURES as i64]),
        }
    }

    /// Clean prediction at a step: network, guidance, clamp.
    fn clean(&self, x: &Tensor, step: usize, remaining: usize) -> Tensor {
        let mut x0 = tch::no_grad(|| self.predictor.predict(x, step));
        if let Some(guide) = self.guide {
            let at = Moment {
                step,
                remaining,
                variance: self.schedule.posterior_variance[step],
            };
            if let Some(guided) = guide.guide(&x0, at) {
                x0 = guided;
            }
        }
        if let Some(inpaint) = &self.inpaint {
            x0 = tch::no_grad(|| inpaint.put_into(&x0));
        }
        if let Some(keep) = self.keep.as_ref().filter(|k| k.rule == KeepRule::Predicted) {
            x0 = keep.lead_into(&x0);
        }
        if self.clamp { x0.clamp_(-1.0, 1.0) } else { x0 }
    }

    /// After a step: first frames put back, progress told.
    fn after(&mut self, x: Tensor, done: usize, total: usize) -> Result<Tensor> {
        let x = match &self.keep {
            Some(keep) if done < total && keep.rule == KeepRule::Clean => keep.put_into(&x),
            _ => x,
        };
        match (self.progress)(Progress { done, total }) {
            Flow::Continue => Ok(x),
            Flow::Cancel => Err(Error::Cancelled),
        }
    }
    /// From noise to motion over some of the schedule's steps, descending: the clean prediction at each, and from it, by
    /// `step` (given the state, the prediction, and the steps from and to which it goes), the state at the next; the last
    /// prediction is the motion.
    fn descend(
        &mut self,
        times: &[usize],
        mut step: impl FnMut(&mut Self, &Tensor, &Tensor, [usize; 2]) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let total = times.len();
        let mut x = self.begin()?;
        for (k, &time) in times.iter().enumerate() {
            let x0 = self.clean(&x, time, total - 1 - k);
            let next = match times.get(k + 1) {
                Some(&next) => step(self, &x, &x0, [time, next])?,
                None => x0,
            };
            x = self.after(next, k + 1, total)?;
        }
        Ok(x)
    }
}

/// Turns noise into motion.
pub trait Sampler: Send + Sync {
    /// Clean motion (B, T, 220), normalised.
    fn sample(&self, run: &mut Run<'_>) -> Result<Tensor>;
}

/// Refuses more steps than a schedule has, or none.
fn check_steps(steps: usize, schedule: usize) -> Result<()> {
    if steps == 0 || steps > schedule {
        return Err(Error::invalid(
            "steps",
            format!("{steps} sampling steps; choose between 1 and the schedule's {schedule}"),
        ));
    }
    Ok(())
}
