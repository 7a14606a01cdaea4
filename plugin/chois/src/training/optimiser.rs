//! Adam and the exponential moving average, with their state in reach so that a run resumes exactly.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::model::weights::Weights;

/// Adam (β 0.9 / 0.999, eps 1e-8, no weight decay), operation by operation as PyTorch's.
pub struct Adam {
    beta1: f64,
    beta2: f64,
    eps: f64,
    step: i64,
    moments: BTreeMap<String, (Tensor, Tensor)>,
}

impl Adam {
    /// Fresh state for these weights.
    pub fn new(weights: &Weights) -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            step: 0,
            moments: weights
                .iter()
                .map(|(n, t)| (n.to_owned(), (t.zeros_like(), t.zeros_like())))
                .collect(),
        }
    }

    /// Norm of all gradients together.
    pub fn gradient_norm(weights: &Weights) -> f64 {
        let squares: Vec<Tensor> = weights
            .iter()
            .map(|(_, t)| t.grad())
            .filter(Tensor::defined)
            .map(|g| g.square().sum(tch::Kind::Float))
            .collect();
        if squares.is_empty() {
            return 0.0;
        }
        Tensor::stack(&squares, 0)
            .sum(tch::Kind::Float)
            .sqrt()
            .double_value(&[])
    }

    /// One step with gradients multiplied by `scale` (clipping), then cleared.
    pub fn step(&mut self, weights: &Weights, rate: f64, scale: f64) {
        self.step += 1;
        let correction1 = 1.0 - self.beta1.powi(self.step as i32);
        let correction2 = (1.0 - self.beta2.powi(self.step as i32)).sqrt();
        tch::no_grad(|| {
            for (name, tensor) in weights.iter() {
                let mut gradient = tensor.grad();
                let Some((m, v)) = self.moments.get_mut(name) else {
                    continue;
                };
                if !gradient.defined() {
                    continue;
                }
                let g = if scale == 1.0 {
                    gradient.shallow_clone()
                } else {
                    &gradient * scale
                };
                let _ = m.lerp_(&g, 1.0 - self.beta1);
                let _ = v.g_mul_scalar_(self.beta2);
                let _ = v.g_add_(&(g.square() * (1.0 - self.beta2)));
                let denominator = v.sqrt() / correction2 + self.eps;
                let _ = tensor
                    .shallow_clone()
                    .g_add_(&(&*m / denominator * (-rate / correction1)));
                let _ = gradient.zero_();
            }
        });
    }

    /// Clears gradients without a step.
    pub fn skip(weights: &Weights) {
        for (_, tensor) in weights.iter() {
            let mut gradient = tensor.grad();
            if gradient.defined() {
                let _ = gradient.zero_();
            }
        }
    }

    /// Number of steps made, and both moments by name.
    pub fn state(&self) -> (i64, impl Iterator<Item = (&str, &Tensor, &Tensor)>) {
        (
            self.step,
            self.moments.iter().map(|(n, (m, v))| (n.as_str(), m, v)),
        )
    }

    /// Puts state back. Moments of unknown names are ignored.
    pub fn restore(&mut self, step: i64, name: &str, first: &Tensor, second: &Tensor) {
        self.step = step;
        if let Some((m, v)) = self.moments.get_mut(name) {
            m.copy_(first);
            v.copy_(second);
        }
    }
}

/// Exponential moving average of weights (specification, section 7, "EMA").
pub struct Ema {
    /// Largest decay.
    pub beta: f64,
    /// Calls between updates.
    pub every: i64,
    /// Calls before which the average is a plain copy.
    pub after: i64,
    step: i64,
    initialised: bool,
    average: Weights,
}

impl Ema {
    /// The published average: β 0.995, every 10 steps, after 100.
    pub fn new(weights: &Weights, beta: f64, every: i64, after: i64) -> Self {
        Self {
            beta,
            every,
            after,
            step: 0,
            initialised: false,
            average: tch::no_grad(|| {
                Weights::from_tensors(
                    weights
                        .iter()
                        .map(|(n, t)| (n.to_owned(), t.detach().copy())),
                )
            }),
        }
    }

    /// Decay when the step counter reads `step`: 0 up to `after + 1`, then 1 - (1 + n)^(-2/3), at most β.
    pub fn decay(&self, step: i64) -> f64 {
        let n = (step - self.after - 1).max(0);
        if n == 0 {
            return 0.0;
        }
        (1.0 - (1.0 + n as f64).powf(-2.0 / 3.0)).clamp(0.0, self.beta)
    }

    /// To be called once after each optimiser step.
    pub fn update(&mut self, weights: &Weights) {
        let step = self.step;
        self.step += 1;
        if step % self.every != 0 {
            return;
        }
        let copy = step <= self.after || !self.initialised;
        if step > self.after {
            self.initialised = true;
        }
        let keep = if copy { 0.0 } else { self.decay(self.step) };
        tch::no_grad(|| {
            for ((_, average), (_, online)) in self.average.iter().zip(weights.iter()) {
                let mut average = average.shallow_clone();
                if keep == 0.0 {
                    average.copy_(online);
                } else {
                    let _ = average.lerp_(online, 1.0 - keep);
                }
            }
        });
    }

    /// The averaged weights.
    pub fn average(&self) -> &Weights {
        &self.average
    }

    /// The step counter and whether the average has begun.
    pub fn state(&self) -> (i64, bool) {
        (self.step, self.initialised)
    }

    /// Puts state back.
    pub fn restore(&mut self, step: i64, initialised: bool, average: Weights) {
        self.step = step;
        self.initialised = initialised;
        self.average = average;
    }
}
