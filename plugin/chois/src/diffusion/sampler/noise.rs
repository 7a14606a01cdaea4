//! Where the noise of a run comes from: a seed, seeds near each other, or a record.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Device, Tensor};

use crate::diffusion::precondition::Preconditioning;
use crate::error::{Error, Result};
use crate::request::Variation;

/// Where noise comes from.
pub trait NoiseSource {
    /// Standard normal values of this shape.
    fn next(&mut self, shape: &[i64]) -> Result<Tensor>;
}

/// Noise from a seed: the same on every machine and device.
pub struct SeededNoise {
    rng: ChaCha8Rng,
    device: Device,
}

impl SeededNoise {
    /// A stream of noise.
    pub fn new(seed: u64, device: Device) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            device,
        }
    }

    /// The stream of one window of a request.
    pub fn window(seed: u64, index: u64, device: Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self { rng, device }
    }
}

impl NoiseSource for SeededNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let count = shape.iter().product::<i64>() as usize;
        let values: Vec<f32> = (0..count)
            .map(|_| self.rng.sample::<f32, _>(StandardNormal))
            .collect();
        Ok(Tensor::from_slice(&values)
            .view(shape)
            .to_device(self.device))
    }
}

/// Noise near that of a seed: of each variation so much as it says is mixed in, the whole staying standard normal.
pub struct VariedNoise {
    base: SeededNoise,
    variations: Vec<(f64, SeededNoise)>,
}

impl VariedNoise {
    /// The stream of one window of a request.
    pub fn window(seed: u64, variations: &[Variation], index: u64, device: Device) -> Self {
        Self {
            base: SeededNoise::window(seed, index, device),
            variations: (variations.iter())
                .zip(1_u64..)
                .map(|(v, number)| {
                    // Numbers that none has in common with the base, which may have the same seed: mixed with itself, noise
                    // would be larger, not other.
                    let noise = SeededNoise::window(v.seed, index | (number << 40), device);
                    (f64::from(v.amount), noise)
                })
                .collect(),
        }
    }
}

impl NoiseSource for VariedNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let mut out = self.base.next(shape)?;
        for (amount, noise) in &mut self.variations {
            let rest = (1.0 - *amount * *amount).max(0.0).sqrt();
            out = out * rest + noise.next(shape)? * *amount;
        }
        Ok(out)
    }
}

/// Noise recorded beforehand, to follow another program's run.
pub struct RecordedNoise {
    noise: std::vec::IntoIter<Tensor>,
}

impl RecordedNoise {
    /// Tensors in the order in which they will be asked for.
    pub fn new(noise: Vec<Tensor>) -> Self {
        Self {
            noise: noise.into_iter(),
        }
    }
}

impl NoiseSource for RecordedNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        match self.noise.next() {
            Some(noise) if noise.size() == shape => Ok(noise),
            Some(noise) => Err(Error::invalid(
                "noise",
                format!("recorded as {:?}, asked for {shape:?}", noise.size()),
            )),
            None => Err(Error::invalid("noise", "the record is at its end")),
        }
    }
}

/// A source whose noise is in the data's units where the model has such.
pub struct InUnits<'a, N> {
    /// Noise of deviation 1.
    pub source: N,
    /// The units.
    pub by: Option<&'a Preconditioning>,
}

impl<N: NoiseSource> NoiseSource for InUnits<'_, N> {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let noise = self.source.next(shape)?;
        Ok(match self.by {
            Some(by) => by.noise(&noise),
            None => noise,
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn a_variation_of_the_same_seed_is_other_noise() {
        let of = |variations: &[Variation]| {
            let mut noise = VariedNoise::window(3, variations, 0, Device::Cpu);
            noise.next(&[4000]).expect("noise")
        };
        let same = Variation {
            seed: 3,
            amount: 0.6,
        };
        let (plain, once, twice) = (of(&[]), of(&[same]), of(&[same, same]));
        for varied in [&once, &twice] {
            let size = varied.square().mean(Kind::Float).double_value(&[]);
            assert!((size - 1.0).abs() < 0.1, "{size}");
        }
        let alike = |a: &Tensor, b: &Tensor| (a * b).mean(Kind::Float).double_value(&[]);
        assert!((alike(&plain, &once) - 0.8).abs() < 0.08);
        assert!((alike(&plain, &twice) - 0.64).abs() < 0.08);
    }
}
