//! Noise and predictions in the data's own units (not in the published model).
//!
//! Normalised between bounds, as published, a step is worth a few hundredths where a room is worth one: under noise of
//! deviation 1 nothing is left of it over most of the schedule, and the few steps of a sampler that would decide which foot
//! goes first decide nothing. Here noise is as large in each channel as the data are, and the network sees and says values of
//! mean 0 and variance 1 at every step: what it says is what the best linear guess from its input leaves (Karras et al.,
//! *Elucidating the Design Space of Diffusion-Based Generative Models*, NeurIPS 2022, section 5; for such data and a schedule
//! that keeps the variance it is the v of Salimans and Ho, ICLR 2022, appendix D), so that it need not learn to copy.

use tch::{Device, Tensor};

use super::schedule::Schedule;
use crate::condition::Mode;
use crate::model::config::{ModelConfig, Spread};
use crate::motion::features::FEATURES;

/// The units of the data of a batch's windows, on a checkpoint's schedule.
pub struct Preconditioning {
    /// Weights of motion and noise at each step, (steps).
    motion: Tensor,
    noise: Tensor,
    /// Of the features about what they are measured from, (B, 1, 220), or (220) where all windows have the same.
    mean: Tensor,
    deviation: Tensor,
}

/// Noisy motion as a preconditioned network sees it, and what its raw output is put into.
pub struct Preconditioned {
    /// What the network sees, (B, T, 220), of variance 1 at every step.
    pub input: Tensor,
    guess: Tensor,
    unit: Tensor,
}

impl Preconditioned {
    /// Clean motion (B, T, 220) from the network's raw output.
    pub fn motion(&self, raw: &Tensor) -> Tensor {
        &self.guess + raw * &self.unit
    }
}

impl Preconditioning {
    /// The preconditioning of windows of these modes, `None` where the model has none, as in the published form.
    pub fn of(
        model: &ModelConfig,
        schedule: &Schedule,
        modes: &[Mode],
        device: Device,
    ) -> Option<Self> {
        let spread = model.diffusion.spread.as_ref()?;
        let Some(walk) = &model.diffusion.walk_spread else {
            return Some(Self::new(spread, schedule, device));
        };
        let rows = |part: fn(&Spread) -> &[f32]| -> Tensor {
            let flat: Vec<f32> = (modes.iter())
                .flat_map(|mode| match mode {
                    Mode::Interaction => part(spread),
                    Mode::Walk => part(walk),
                })
                .copied()
                .collect();
            let size = [modes.len() as i64, 1, FEATURES as i64];
            Tensor::from_slice(&flat).view(size).to_device(device)
        };
        Some(Self {
            mean: rows(|spread| &spread.mean),
            deviation: rows(|spread| &spread.deviation),
            ..Self::new(spread, schedule, device)
        })
    }

    /// The units of data of this spread (220 values each).
    pub fn new(spread: &Spread, schedule: &Schedule, device: Device) -> Self {
        let row = |v: &[f32]| Tensor::from_slice(v).to_device(device);
        Self {
            motion: row(&schedule.sqrt_alphas_cumprod),
            noise: row(&schedule.sqrt_one_minus_alphas_cumprod),
            mean: row(&spread.mean),
            deviation: row(&spread.deviation),
        }
    }

    /// What the network's raw output is multiplied by at steps `t` ((B) or (1), whole numbers), (B, 1, 220).
    pub fn unit(&self, t: &Tensor) -> Tensor {
        &self.deviation * self.noise.index_select(0, t).view([-1, 1, 1])
    }

    /// Noise of deviation 1, (..., 220), in the data's units.
    pub fn noise(&self, noise: &Tensor) -> Tensor {
        noise * &self.deviation
    }

    /// Noisy motion `x` (B, T, 220) at steps `t` ((B) or (1), whole numbers), of which clean motion is measured from `base`
    /// (B, T, 220), see [`crate::model::Network::base`].
    pub fn around(&self, x: &Tensor, t: &Tensor, base: Option<&Tensor>) -> Preconditioned {
        let at = |values: &Tensor| values.index_select(0, t).view([-1, 1, 1]);
        let motion = at(&self.motion);
        let center = match base {
            Some(base) => base + &self.mean,
            None => self.mean.shallow_clone(),
        };
        let off = x - &motion * &center;
        Preconditioned {
            input: &off / &self.deviation,
            guess: center + off * motion,
            unit: self.unit(t),
        }
    }
}

/// What steadies motion of these lengths, (B, frames, frames): each frame becomes a mean of those about it (Gaussian, 1.2
/// frames), of as many before it as after, so that what moves evenly stays as it is, and so do the first, the last and those
/// that do not exist.
///
/// In such units a pelvis has as much noise as it has way, some centimetres; what few steps leave of it is a trembling of a
/// centimetre from frame to frame, which nobody's body does.
pub fn steadying(lengths: &[usize], frames: usize, device: Device) -> Tensor {
    const DEVIATION: f32 = 1.2;
    const REACH: usize = 3;
    let mut rows = Vec::with_capacity(lengths.len() * frames * frames);
    for &length in lengths {
        for t in 0..frames {
            let reach = if t < length {
                REACH.min(t).min(length - 1 - t)
            } else {
                0
            };
            let weight = |s: usize| {
                let off = s.abs_diff(t);
                let share = (-0.5 * (off as f32 / DEVIATION).powi(2)).exp();
                if off <= reach { share } else { 0.0 }
            };
            let sum: f32 = (0..frames).map(weight).sum();
            rows.extend((0..frames).map(|s| weight(s) / sum));
        }
    }
    let (b, t) = (lengths.len() as i64, frames as i64);
    Tensor::from_slice(&rows).view([b, t, t]).to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn spread() -> Spread {
        Spread {
            mean: (0..FEATURES).map(|i| i as f32 / 200.0 - 0.5).collect(),
            deviation: (0..FEATURES).map(|i| 0.05 + i as f32 / 400.0).collect(),
        }
    }

    #[test]
    fn what_trembles_is_steadied_and_what_moves_is_not() {
        let (frames, length) = (20, 15);
        let by = steadying(&[frames, length], frames, Device::Cpu);
        let motion = |at: fn(usize) -> f32| {
            let values: Vec<f32> = (0..2 * frames).map(|i| at(i % frames)).collect();
            Tensor::from_slice(&values).view([2, frames as i64, 1])
        };
        let values = |t: Tensor| Vec::<f32>::try_from(t.view(-1)).expect("values");
        let even = motion(|t| 0.3 * t as f32 - 1.0);
        let off = values((by.matmul(&even) - &even).abs());
        assert!(off.iter().all(|d| *d < 1e-5), "{off:?}");
        let trembling = motion(|t| if t % 2 == 0 { 1.0 } else { -1.0 });
        let (before, after) = (
            values(trembling.shallow_clone()),
            values(by.matmul(&trembling)),
        );
        for (row, end) in [(0, frames), (1, length)] {
            for t in 0..frames {
                let (a, b) = (before[row * frames + t], after[row * frames + t]);
                if t == 0 || t + 1 >= end {
                    assert_eq!(a, b, "window {row}, frame {t}");
                } else {
                    let most = if t < 3 || t + 4 > end { 0.3 } else { 0.1 };
                    assert!(b.abs() < most, "window {row}, frame {t}: {b}");
                }
            }
        }
    }

    /// What the network sees, and what it has to say, have mean 0 and variance 1 at every step; nothing of either tells of
    /// the other's linear part.
    #[test]
    fn what_is_seen_and_said_is_of_one_size_at_every_step() {
        tch::manual_seed(3);
        let schedule = Schedule::cosine(1000);
        let by = Preconditioning::new(&spread(), &schedule, Device::Cpu);
        let (rows, frames) = (64, 40);
        let shape = [rows, frames, FEATURES as i64];
        let normal = || Tensor::randn(shape, (Kind::Float, Device::Cpu));
        let base = Tensor::randn([rows, 1, FEATURES as i64], (Kind::Float, Device::Cpu));
        let spread = spread();
        let clean = &base
            + Tensor::from_slice(&spread.mean)
            + normal() * Tensor::from_slice(&spread.deviation);
        for step in [0, 20, 200, 500, 800, 950] {
            let noise = by.noise(&normal());
            let x = schedule.add_noise(&clean, &vec![step; rows as usize], &noise);
            let around = by.around(&x, &Tensor::from_slice(&[step]), Some(&base));
            let said = (&clean - &around.guess) / &around.unit;
            let mean = |t: &Tensor| t.mean_dim([0_i64, 1].as_slice(), false, Kind::Float);
            let most = |t: Tensor| t.abs().max().double_value(&[]);
            for (name, seen) in [("seen", &around.input), ("said", &said)] {
                assert!(most(mean(seen)) < 0.1, "{name}, step {step}");
                assert!(
                    most(mean(&seen.square()) - 1.0) < 0.15,
                    "{name}, step {step}"
                );
            }
            assert!(most(mean(&(&around.input * &said))) < 0.1, "step {step}");
            // The right answer gives the motion back.
            assert!(most(around.motion(&said) - &clean) < 1e-4);
        }
    }
}
