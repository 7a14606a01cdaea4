//! Measures of place alone: distance, slip, jerk, motion out of reach.

use nalgebra::Vector3;

use super::track::Track;
use super::{Distances, HoldSlip, Jerk, Slip};
use crate::contact::palm;

/// An object of which no point is faster than this is at rest, metres per second.
pub(super) const MOVING: f64 = 0.05;

/// Values in rising order; at least one.
pub(super) struct Sample(Vec<f64>);

impl Sample {
    /// None when there is no value.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self(values))
    }

    /// The value that this share of all stays below, between two values in proportion: 0 is the least, 1 the greatest.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.0.len() - 1;
        let rank = share.clamp(0.0, 1.0) * last as f64;
        let below = rank.floor() as usize;
        let above = (below + 1).min(last);
        self.0[below] + (self.0[above] - self.0[below]) * (rank - below as f64)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

/// Distances of the pads from the surface in all frames of contact.
pub(super) fn hand_distance(track: &Track<'_>) -> Option<Distances> {
    let distances = (0..2).flat_map(|hand| {
        let held = track.held[hand].iter().zip(&track.distances[hand]);
        held.filter_map(|(held, d)| held.then_some(d.abs()))
    });
    let sample = Sample::new(distances)?;
    Some(Distances {
        median: sample.percentile(0.5),
        p95: sample.percentile(0.95),
        max: sample.percentile(1.0),
    })
}

/// Every contact of a hand, with its slip.
pub(super) fn holds(track: &Track<'_>) -> Vec<HoldSlip> {
    let of_hand = |touch: &crate::motion::touch::Touch| {
        let hand = (0..2).find(|hand| palm::part(*hand) == touch.part)?;
        let places: Vec<_> = (touch.first..=touch.last)
            .map(|t| track.pad_on_object(hand, t))
            .collect();
        Some(HoldSlip {
            hand,
            first: touch.first,
            last: touch.last,
            slip: diameter(&places),
            drift: drift(&places),
            path: places.windows(2).map(|w| (w[1] - w[0]).norm()).sum(),
        })
    };
    track.touches.iter().filter_map(of_hand).collect()
}

/// The holds together; None when there are none.
pub(super) fn slip(track: &Track<'_>, holds: &[HoldSlip]) -> Option<Slip> {
    let slips = Sample::new(holds.iter().map(|h| h.slip))?;
    let steps: usize = holds.iter().map(|h| h.last - h.first).sum();
    let path: f64 = holds.iter().map(|h| h.path).sum();
    Some(Slip {
        speed: path * track.fps / steps.max(1) as f64,
        mean: slips.mean(),
        worst: slips.percentile(1.0),
    })
}

/// Median of each coordinate.
fn median(places: &[Vector3<f64>]) -> Option<Vector3<f64>> {
    let axis = |i: usize| Some(Sample::new(places.iter().map(|p| p[i]))?.percentile(0.5));
    Some(Vector3::new(axis(0)?, axis(1)?, axis(2)?))
}

/// Greatest distance from the median place.
fn drift(places: &[Vector3<f64>]) -> f64 {
    let Some(median) = median(places) else {
        return 0.0;
    };
    (places.iter()).fold(0.0, |most, p| most.max((p - median).norm()))
}

/// Greatest distance between two of these places.
fn diameter(places: &[Vector3<f64>]) -> f64 {
    let Some(median) = median(places) else {
        return 0.0;
    };
    let mut radii: Vec<(f64, Vector3<f64>)> =
        places.iter().map(|p| ((p - median).norm(), *p)).collect();
    radii.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut most = 0.0;
    for (i, (outer, a)) in radii.iter().enumerate() {
        for (inner, b) in &radii[i + 1..] {
            // No pair further in the list can be farther apart: holds may be long.
            if outer + inner <= most {
                break;
            }
            most = (a - b).norm().max(most);
        }
    }
    most
}

/// Third differences of paths, all together; None when none has four places.
pub(super) fn jerk<'p>(
    paths: impl IntoIterator<Item = &'p [Vector3<f64>]>,
    fps: f64,
) -> Option<Jerk> {
    let jerks = paths.into_iter().flat_map(|path| {
        let third = |w: &[Vector3<f64>]| (w[3] - w[2] * 3.0 + w[1] * 3.0 - w[0]).norm();
        path.windows(4).map(move |w| third(w) * fps.powi(3))
    });
    let sample = Sample::new(jerks)?;
    Some(Jerk {
        mean: sample.mean(),
        p99: sample.percentile(0.99),
    })
}

/// Share of frames in which the object moves on to the next, or has come from the one before if there is none, with
/// nobody within reach at either end. None for a clip without motion: below two frames.
pub(super) fn moved_unreached(track: &Track<'_>) -> Option<f64> {
    let last = track.speeds.len().checked_sub(1)?;
    let alone = |t: &usize| {
        let step = (*t).min(last);
        track.speeds[step] > MOVING && !track.reached[step] && !track.reached[step + 1]
    };
    let frames = track.len();
    Some((0..frames).filter(alone).count() as f64 / frames as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_the_values() {
        assert!(Sample::new([]).is_none());
        let one = Sample::new([4.0]).expect("a value");
        assert_eq!((one.percentile(0.0), one.percentile(0.95)), (4.0, 4.0));
        let five = Sample::new([5.0, 1.0, 2.0, 4.0, 3.0]).expect("values");
        assert_eq!(five.percentile(0.5), 3.0);
        assert_eq!(five.percentile(1.0), 5.0);
        assert!((five.percentile(0.95) - 4.8).abs() < 1e-12);
        assert_eq!(five.mean(), 3.0);
    }

    #[test]
    fn the_diameter_is_that_of_all_pairs() {
        // A spiral: neither end is one of the farthest pair.
        let places: Vec<_> = (0..200)
            .map(|i| {
                let (turn, size) = (f64::from(i) * 0.31, (f64::from(i) * 0.09).sin());
                Vector3::new(size * turn.cos(), size * turn.sin(), 0.001 * f64::from(i))
            })
            .collect();
        let pairs = places
            .iter()
            .flat_map(|a| places.iter().map(move |b| (a - b).norm()));
        assert_eq!(diameter(&places), pairs.fold(0.0, f64::max));
        assert_eq!(diameter(&[]), 0.0);
        assert_eq!(diameter(&places[..1]), 0.0);
    }

    #[test]
    fn jerk_of_a_cubic_is_its_third_derivative() {
        let cubic: Vec<_> = (0..10)
            .map(|i| Vector3::new(0.0, 0.5 * (f64::from(i) / 30.0).powi(3), 1.0))
            .collect();
        let jerk = jerk([cubic.as_slice(), &cubic[..3]], 30.0).expect("enough places");
        assert!((jerk.mean - 3.0).abs() < 1e-9 && (jerk.p99 - 3.0).abs() < 1e-9);
        assert_eq!(super::jerk([&cubic[..3]], 30.0), None);
    }
}
