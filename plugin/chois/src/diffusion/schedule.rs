//! The cosine noise schedule and its posterior (specification, section 6). Computed in `f64`, kept in `f32`.

use tch::{Device, Tensor};

/// Buffers of a schedule, each with one value per step.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Noise added at each step.
    pub betas: Vec<f32>,
    /// Product of 1 - beta up to and with the step.
    pub alphas_cumprod: Vec<f32>,
    /// The same of the step before; 1 at step 0.
    pub alphas_cumprod_prev: Vec<f32>,
    /// Square root of `alphas_cumprod`.
    pub sqrt_alphas_cumprod: Vec<f32>,
    /// Square root of its complement.
    pub sqrt_one_minus_alphas_cumprod: Vec<f32>,
    /// Logarithm of its complement.
    pub log_one_minus_alphas_cumprod: Vec<f32>,
    /// Square root of its reciprocal.
    pub sqrt_recip_alphas_cumprod: Vec<f32>,
    /// Square root of its reciprocal minus one.
    pub sqrt_recipm1_alphas_cumprod: Vec<f32>,
    /// Variance of the posterior q(x_{t-1} | x_t, x_0).
    pub posterior_variance: Vec<f32>,
    /// Its logarithm, the variance floored at 1e-20.
    pub posterior_log_variance_clipped: Vec<f32>,
    /// Weight of x_0 in the posterior's mean.
    pub posterior_mean_coef1: Vec<f32>,
    /// Weight of x_t in the posterior's mean.
    pub posterior_mean_coef2: Vec<f32>,
    /// Weight of a step in the loss (all 1, gamma = 0).
    pub p2_loss_weight: Vec<f32>,
}

impl Schedule {
    /// The cosine schedule of this many steps (s = 0.008, betas at most 0.999).
    pub fn cosine(steps: usize) -> Self {
        let curve = |i: usize| {
            let x = i as f64 / steps as f64;
            ((x + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2)
                .cos()
                .powi(2)
        };
        let first = curve(0);
        let betas: Vec<f64> = (0..steps)
            .map(|t| (1.0 - (curve(t + 1) / first) / (curve(t) / first)).clamp(0.0, 0.999))
            .collect();
        let cumulative: Vec<f64> = betas
            .iter()
            .scan(1.0, |product, beta| {
                *product *= 1.0 - beta;
                Some(*product)
            })
            .collect();
        let before = |t: usize| if t == 0 { 1.0 } else { cumulative[t - 1] };
        let each = |f: &dyn Fn(usize) -> f64| (0..steps).map(|t| f(t) as f32).collect::<Vec<_>>();
        let variance = |t: usize| betas[t] * (1.0 - before(t)) / (1.0 - cumulative[t]);
        Self {
            betas: each(&|t| betas[t]),
            alphas_cumprod: each(&|t| cumulative[t]),
            alphas_cumprod_prev: each(&before),
            sqrt_alphas_cumprod: each(&|t| cumulative[t].sqrt()),
            sqrt_one_minus_alphas_cumprod: each(&|t| (1.0 - cumulative[t]).sqrt()),
            log_one_minus_alphas_cumprod: each(&|t| (1.0 - cumulative[t]).ln()),
            sqrt_recip_alphas_cumprod: each(&|t| (1.0 / cumulative[t]).sqrt()),
            sqrt_recipm1_alphas_cumprod: each(&|t| (1.0 / cumulative[t] - 1.0).sqrt()),
            posterior_variance: each(&variance),
            posterior_log_variance_clipped: each(&|t| variance(t).max(1e-20).ln()),
            posterior_mean_coef1: each(&|t| betas[t] * before(t).sqrt() / (1.0 - cumulative[t])),
            posterior_mean_coef2: each(&|t| {
                (1.0 - before(t)) * (1.0 - betas[t]).sqrt() / (1.0 - cumulative[t])
            }),
            p2_loss_weight: vec![1.0; steps],
        }
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.betas.len()
    }

    /// Noisy motion at steps `t` (B): x_t = sqrt(a) x_0 + sqrt(1 - a) noise.
    pub fn add_noise(&self, x0: &Tensor, t: &[i64], noise: &Tensor) -> Tensor {
        let at = |buffer: &[f32]| per_item(buffer, t, x0.device());
        x0 * at(&self.sqrt_alphas_cumprod) + noise * at(&self.sqrt_one_minus_alphas_cumprod)
    }

    /// The noise that, added to `x0`, gives `x` at steps `t` (B).
    pub fn noise_from_start(&self, x: &Tensor, t: &[i64], x0: &Tensor) -> Tensor {
        let at = |buffer: &[f32]| per_item(buffer, t, x0.device());
        (x * at(&self.sqrt_recip_alphas_cumprod) - x0) / at(&self.sqrt_recipm1_alphas_cumprod)
    }

    /// Mean of the posterior q(x_{t-1} | x_t, x_0) at step `t`.
    pub fn posterior_mean(&self, x0: &Tensor, x: &Tensor, t: usize) -> Tensor {
        x0 * f64::from(self.posterior_mean_coef1[t]) + x * f64::from(self.posterior_mean_coef2[t])
    }
}

/// Values of a buffer at steps `t` (B) as (B, 1, 1).
fn per_item(buffer: &[f32], t: &[i64], device: Device) -> Tensor {
    let values: Vec<f32> = t.iter().map(|t| buffer[*t as usize]).collect();
    Tensor::from_slice(&values)
        .view([-1, 1, 1])
        .to_device(device)
}
