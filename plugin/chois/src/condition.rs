//! What the network is told (specification, section 4): the first frame, the object's waypoints on the floor and its
//! end, each with a mask.

use serde::{Deserialize, Serialize};

use crate::motion::features::{CONTACT, FEATURES, OBJECT_POSITION};

/// Frames of a window at which the object's x and y are given.
pub const WAYPOINT_FRAMES: [usize; 3] = [29, 59, 89];

/// What stands in the object's position channels between given frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Zeros, as published. Official checkpoints need it.
    #[default]
    Zeros,
    /// Linear interpolation between the given frames. Learns the path within minutes instead of days.
    Interpolate,
}

/// What the network's output is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The network predicts everything itself, as published.
    #[default]
    None,
    /// The network predicts the object's offset from the interpolated path.
    Object,
    /// As `Object`, and every joint's x and y as offsets from the path's own displacement.
    ObjectAndJoints,
}

/// Conditions of one window. All values normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Given values, `frames` x 220; unknown ones zero or filled.
    pub values: Vec<f32>,
    /// The object's interpolated path, `frames` x 3.
    pub path: Vec<f32>,
}

/// The mask of a window, `frames` x 220: 1 = unknown, 0 = given. The end is frame `length - 1`. Waypoint frames count
/// as given even beyond `length` (Q5), contact never does.
pub fn mask(length: usize, frames: usize) -> Vec<f32> {
    let mut mask = vec![1.0; frames * FEATURES];
    let mut give = |frame: usize, range: std::ops::Range<usize>| {
        if frame < frames {
            mask[frame * FEATURES..][range].fill(0.0);
        }
    };
    give(0, 0..CONTACT.start);
    give(length.max(1) - 1, OBJECT_POSITION);
    for frame in WAYPOINT_FRAMES {
        if frame + 1 < frames {
            give(frame, 0..2);
        }
    }
    mask
}

/// Conditions from features that hold the given values at least where [`mask`] says "given".
pub fn conditions(features: &[f32], length: usize, frames: usize, fill: Fill) -> Conditions {
    let mask = mask(length, frames);
    let mut values: Vec<f32> = features
        .iter()
        .zip(&mask)
        .map(|(v, m)| v * (1.0 - m))
        .collect();
    let last = length.clamp(1, frames) - 1;
    let at = |frame: usize, axis: usize| features[frame * FEATURES + axis];
    let mut path = vec![0.0; frames * 3];
    for axis in 0..3 {
        let mut given = vec![0];
        if axis < 2 {
            given.extend(WAYPOINT_FRAMES.iter().copied().filter(|f| *f < last));
        }
        if last > 0 {
            given.push(last);
        }
        for t in 0..frames {
            let next = given.iter().position(|g| *g >= t);
            path[3 * t + axis] = match next {
                // Past the end the object stays where it is.
                None => at(last, axis),
                Some(0) => at(0, axis),
                Some(n) => {
                    let (a, b) = (given[n - 1], given[n]);
                    let w = (t - a) as f32 / (b - a) as f32;
                    at(a, axis) * (1.0 - w) + at(b, axis) * w
                }
            };
        }
    }
    if fill == Fill::Interpolate {
        for t in 0..frames {
            values[t * FEATURES..][OBJECT_POSITION].copy_from_slice(&path[3 * t..3 * t + 3]);
        }
    }
    Conditions { values, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_passes_through_what_is_given() {
        let mut x = vec![0.0; 120 * FEATURES];
        for t in 0..120 {
            x[t * FEATURES] = (t as f32).sqrt();
            x[t * FEATURES + 2] = t as f32;
        }
        let c = conditions(&x, 120, 120, Fill::Interpolate);
        for t in [0, 29, 59, 89, 119] {
            assert!((c.path[3 * t] - (t as f32).sqrt()).abs() < 1e-5);
        }
        assert!((c.path[3 * 40 + 2] - 40.0).abs() < 1e-4);
        assert!(c.path[3 * 40] != (40.0_f32).sqrt());
        let short = conditions(&x, 40, 120, Fill::Zeros);
        assert_eq!(short.path[3 * 100 + 2], 39.0);
        assert_eq!(short.values[100 * FEATURES], 0.0);
    }
}
