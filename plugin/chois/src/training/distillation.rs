//! Consistency distillation: a student that says in one step what its teacher says in many (latent consistency models, Luo
//! et al., 2023; for motion MotionLCM, Dai et al., ECCV 2024).
//!
//! The teacher makes one deterministic step of [`Distillation::skip`] steps of the schedule along its own path from noise to
//! motion; the student must say the same of both ends of it. Both predict clean motion, so the published blend of input and
//! output is left out: beyond the first steps of the schedule it takes nothing of the input, and where the step ends in clean
//! motion the teacher's own prediction is what it would give.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::diffusion::{Ddim, Schedule};
use crate::error::{Error, Result};
use crate::model::{Network, Weights};

/// Settings of a distillation. The defaults are MotionLCM's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distillation {
    /// Steps of the schedule that the teacher makes at once.
    pub skip: usize,
    /// Where the pseudo-Huber loss goes over from a square to a line, normalised features.
    pub huber: f64,
}

impl Default for Distillation {
    fn default() -> Self {
        Self {
            skip: 20,
            huber: 1e-3,
        }
    }
}

impl Distillation {
    /// Refuses settings that cannot train on a schedule of this many steps.
    pub fn validate(&self, schedule: usize) -> Result<()> {
        if self.skip == 0 || self.skip > schedule {
            return Err(Error::invalid(
                "distillation.skip",
                format!(
                    "{} is not between 1 and the schedule's {schedule}",
                    self.skip
                ),
            ));
        }
        if !(self.huber.is_finite() && self.huber > 0.0) {
            return Err(Error::invalid(
                "distillation.huber",
                "must be a positive number",
            ));
        }
        Ok(())
    }

    /// The step of the teacher's path nearest above a step of the schedule, and the one it leads to; `None` is clean motion.
    pub fn pair(&self, step: i64, schedule: usize) -> (usize, Option<usize>) {
        let from = ((step as usize / self.skip + 1) * self.skip).min(schedule) - 1;
        (from, from.checked_sub(self.skip))
    }

    /// Mean pseudo-Huber distance of predictions (B, T, 220) where `counts` (B, T or 1, 220 or 1) is 1.
    pub fn loss(&self, prediction: &Tensor, target: &Tensor, counts: &Tensor) -> Tensor {
        let off = (prediction - target) * counts;
        let c = self.huber;
        ((off.square() + c * c).sqrt() - c).mean(Kind::Float)
    }
}

/// Whoever is learned from.
pub(super) struct Teacher {
    pub weights: Weights,
    pub network: Network,
    /// The student's own average, at the lower ends of the teacher's steps.
    pub average: Network,
}

/// Noisy motion at the lower ends of the teacher's steps, (B, T, 220), from its clean predictions at the upper ends; rows
/// whose step ends in clean motion are the prediction itself.
pub(super) fn led(
    schedule: &Schedule,
    x: &Tensor,
    clean: &Tensor,
    pairs: &[(usize, Option<usize>)],
) -> Tensor {
    let ddim = Ddim::few(1);
    let rows: Vec<Tensor> = (pairs.iter().enumerate())
        .map(|(i, (from, to))| {
            let row = |t: &Tensor| t.narrow(0, i as i64, 1);
            match to {
                Some(to) => ddim.step(schedule, &row(x), &row(clean), *from, *to, None),
                None => row(clean),
            }
        })
        .collect();
    Tensor::cat(&rows, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_teachers() {
        let settings = Distillation::default();
        assert_eq!(settings.pair(0, 1000), (19, None));
        assert_eq!(settings.pair(19, 1000), (19, None));
        assert_eq!(settings.pair(20, 1000), (39, Some(19)));
        assert_eq!(settings.pair(999, 1000), (999, Some(979)));
        // A schedule that is no multiple of them.
        assert_eq!(settings.pair(989, 990), (989, Some(969)));
        let far = Distillation {
            skip: 1001,
            ..settings
        };
        assert!(far.validate(1000).is_err() && settings.validate(1000).is_ok());
    }
}
