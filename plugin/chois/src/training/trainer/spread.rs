//! What the units of a preconditioned run are measured with.

use tch::{Device, Kind, Tensor};

use crate::model::config::Spread;
use crate::motion::features::{FEATURES, JOINT_ROTATIONS};

/// Sums from which a [`Spread`] is measured.
#[derive(Default)]
pub(super) struct SpreadSum {
    sums: Option<[Tensor; 3]>,
}

impl SpreadSum {
    /// Least deviation, normalised units: a channel that never varied in what was measured may vary yet.
    const LEAST: f64 = 0.005;
    /// The same of given rotations, normalised units (matrix entries: some six degrees). Joints that the data hardly bend stand
    /// so much otherwise in other people, and mean nothing by it.
    const LEAST_TURN: f32 = 0.1;

    /// Adds clean motion measured from its base, or what is given of it, (B, T, 220), where `counts` (the same shape, or what broadcasts to it) is 1.
    pub fn add(&mut self, off: &Tensor, counts: &Tensor) {
        let counts = counts.expand_as(off);
        let sum = |t: Tensor| t.sum_dim_intlist([0_i64, 1].as_slice(), false, Kind::Double);
        let new = [
            sum(counts.shallow_clone()),
            sum(off * &counts),
            sum(off.square() * &counts),
        ];
        self.sums = Some(match self.sums.take() {
            Some([a, b, c]) => [a + &new[0], b + &new[1], c + &new[2]],
            None => new,
        });
    }

    /// Mean and deviation of all that was added; channels that never counted have mean 0 and the least deviation.
    pub fn spread(&self) -> Spread {
        let Some([counts, sums, squares]) = &self.sums else {
            return Spread {
                mean: vec![0.0; FEATURES],
                deviation: vec![Self::LEAST as f32; FEATURES],
            };
        };
        let counts = counts.clamp_min(1.0);
        let mean = sums / &counts;
        let deviation = (squares / counts - mean.square())
            .clamp_min(Self::LEAST * Self::LEAST)
            .sqrt();
        let plain = |t: &Tensor| -> Vec<f32> {
            let t = t.to_device(Device::Cpu);
            (0..FEATURES as i64)
                .map(|i| t.double_value(&[i]) as f32)
                .collect()
        };
        Spread {
            mean: plain(&mean),
            deviation: plain(&deviation),
        }
    }

    /// The same of what is given.
    pub fn spread_of_given(&self) -> Spread {
        let mut spread = self.spread();
        for deviation in &mut spread.deviation[JOINT_ROTATIONS] {
            *deviation = deviation.max(Self::LEAST_TURN);
        }
        spread
    }
}

/// What features of these windows, (rows, width) each, are multiplied by to differ by 1 from window to window; 1 where they
/// hardly differ, as those of a single object do.
pub(super) fn scale(features: &[Tensor]) -> f32 {
    const LEAST: f64 = 1e-3;
    if features.iter().map(|f| f.size()[0]).sum::<i64>() == 0 {
        return 1.0;
    }
    let rows = Tensor::cat(features, 0);
    let mean = rows.mean_dim(0_i64, true, Kind::Double);
    let square = (rows - mean).square().mean(Kind::Double);
    let deviation = square.double_value(&[]).sqrt();
    if deviation > LEAST {
        (1.0 / deviation) as f32
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_scaled_by_what_they_differ() {
        tch::manual_seed(6);
        let part = |rows| Tensor::randn([rows, 50], (Kind::Float, Device::Cpu)) * 0.04 + 3.0;
        let got = scale(&[part(40), part(60)]);
        assert!((got - 25.0).abs() < 1.0, "{got}");
        assert_eq!(
            scale(&[Tensor::ones([9, 50], (Kind::Float, Device::Cpu))]),
            1.0
        );
        assert_eq!(scale(&[part(0)]), 1.0);
    }

    #[test]
    fn a_spread_is_measured_where_it_counts() {
        tch::manual_seed(4);
        let shape = [300, 20, FEATURES as i64];
        let normal = Tensor::randn(shape, (Kind::Float, Device::Cpu));
        let want = Spread {
            mean: (0..FEATURES).map(|i| i as f32 / 200.0 - 0.5).collect(),
            deviation: (0..FEATURES).map(|i| 0.05 + i as f32 / 400.0).collect(),
        };
        let off = normal * Tensor::from_slice(&want.deviation) + Tensor::from_slice(&want.mean);
        // Frames from the tenth on do not exist, and hold what must not be seen; channel 5 is used by nobody.
        let counts = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let _ = counts.narrow(1, 0, 10).fill_(1.0);
        let _ = counts.narrow(2, 5, 1).fill_(0.0);
        let off = off.where_self(&counts.gt(0.5), &Tensor::from(1000.0_f32));
        let mut sum = SpreadSum::default();
        for part in 0..3 {
            sum.add(
                &off.narrow(0, part * 100, 100),
                &counts.narrow(0, part * 100, 100),
            );
        }
        let got = sum.spread();
        for i in (0..FEATURES).filter(|i| *i != 5) {
            assert!((got.mean[i] - want.mean[i]).abs() < 0.05, "channel {i}");
            assert!(
                (got.deviation[i] / want.deviation[i] - 1.0).abs() < 0.06,
                "channel {i}"
            );
        }
        assert_eq!((got.mean[5], got.deviation[5]), (0.0, 0.005));
        assert_eq!(SpreadSum::default().spread().mean.len(), FEATURES);
    }
}
