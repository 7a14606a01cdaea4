//! What the network is told (specification, section 4): the first frame, the object's waypoints on the floor and its
//! end, each with a mask.
//!
//! A network may know a second mode, walking without an object (not in the published model). There the object's and the
//! contact channels are zero everywhere, in what is given, in what is denoised and in what is predicted, which no
//! interaction's are; given are the first frame's pose, the pelvis' x, y and heading at the waypoint frames and at the
//! end, and the whole pose at the end of a walk that arrives.

use serde::{Deserialize, Serialize};

use crate::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION,
};

/// Frames of a window at which the object's, or a walker's, x and y are given.
pub const WAYPOINT_FRAMES: [usize; 3] = [29, 59, 89];
/// The pelvis' x and y and its heading: the level components of the body's left axis, which are the first column of the
/// pelvis' rotation.
pub const WALK_CHANNELS: [usize; 4] = [
    JOINT_POSITIONS.start,
    JOINT_POSITIONS.start + 1,
    JOINT_ROTATIONS.start,
    JOINT_ROTATIONS.start + 3,
];

/// What a window is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A person and an object.
    #[default]
    Interaction,
    /// A person who walks.
    Walk,
}

/// How walking reaches a network that knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Walking {
    /// Between given frames of the pelvis' path and heading.
    pub fill: Fill,
    /// What the output is measured from.
    pub skip: WalkSkip,
}

impl Default for Walking {
    fn default() -> Self {
        Self {
            fill: Fill::Interpolate,
            skip: WalkSkip::Joints,
        }
    }
}

/// What a walking network's output is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkSkip {
    /// The network predicts everything itself.
    None,
    /// The pelvis' x and y are offsets from its interpolated path.
    Pelvis,
    /// Every joint's x and y are offsets from the path's displacement.
    #[default]
    Joints,
    /// As `Joints`, and every joint's height is an offset from the first frame's, its rotation too, turned as the heading has
    /// turned since.
    Pose,
}

/// What stands in the object's position channels between given frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Zeros, as published. Official checkpoints need it.
    #[default]
    Zeros,
    /// Linear interpolation between the given frames. Learns the path within minutes instead of days.
    Interpolate,
    /// As `Interpolate`, and whatever else is given of the first frame stands in every frame that has nothing of its own:
    /// which foot is where follows from the pose at the start *and* from the time since, which no frame knows that has to
    /// look the one up elsewhere.
    Hold,
}

impl Fill {
    fn path(self) -> bool {
        self != Self::Zeros
    }

    /// Puts the first frame's values, frames x 220, where the mask says that nothing is given.
    fn hold(self, values: &mut [f32], mask: &[f32]) {
        if self != Self::Hold {
            return;
        }
        let first = values[..FEATURES].to_vec();
        for (n, (value, unknown)) in values.iter_mut().zip(mask).enumerate() {
            if *unknown == 1.0 {
                *value = first[n % FEATURES];
            }
        }
    }
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
    /// As `Object`, and every joint's height and rotation as offsets from the first frame's.
    ObjectAndPose,
}

/// Conditions of one window. All values normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Given values, `frames` x 220; unknown ones zero or filled.
    pub values: Vec<f32>,
    /// The object's interpolated path, `frames` x 3; in a walk the pelvis' x and y, and zero.
    pub path: Vec<f32>,
}

/// 1 at the channels that a mode uses, 0 at the others, 220.
pub fn channels(mode: Mode) -> Vec<f32> {
    let mut out = vec![1.0; FEATURES];
    if mode == Mode::Walk {
        out[..OBJECT_ROTATION.end].fill(0.0);
        out[CONTACT].fill(0.0);
    }
    out
}

/// The mask of a walking window, `frames` x 220: 1 = unknown, 0 = given. The end is frame `length - 1`; `arrives` says
/// whether its whole pose is given.
pub fn walk_mask(length: usize, frames: usize, arrives: bool) -> Vec<f32> {
    let mut mask = vec![1.0; frames * FEATURES];
    let last = length.clamp(1, frames) - 1;
    let person = JOINT_POSITIONS.start..JOINT_ROTATIONS.end;
    mask[person.clone()].fill(0.0);
    for frame in walk_frames(last) {
        for channel in WALK_CHANNELS {
            mask[frame * FEATURES + channel] = 0.0;
        }
    }
    if arrives {
        mask[last * FEATURES..][person].fill(0.0);
    }
    mask
}

/// Frames of a walking window that ends with frame `last` at which the walker's place and heading are given, ascending.
pub fn walk_frames(last: usize) -> Vec<usize> {
    let mut frames = vec![0];
    frames.extend(WAYPOINT_FRAMES.iter().copied().filter(|f| *f < last));
    if last > 0 {
        frames.push(last);
    }
    frames
}

/// Conditions of a walking window from features that hold the given values at least where [`walk_mask`] says "given".
pub fn walk_conditions(
    features: &[f32],
    length: usize,
    frames: usize,
    arrives: bool,
    fill: Fill,
) -> Conditions {
    let mask = walk_mask(length, frames, arrives);
    let mut values = shown(features, &mask);
    fill.hold(&mut values, &mask);
    let given = walk_frames(length.clamp(1, frames) - 1);
    let mut path = vec![0.0; frames * 3];
    for (k, channel) in WALK_CHANNELS.into_iter().enumerate() {
        for t in 0..frames {
            let value = between(&given, t, |f| features[f * FEATURES + channel]);
            if k < 2 {
                path[3 * t + k] = value;
            }
            if fill.path() {
                values[t * FEATURES + channel] = value;
            }
        }
    }
    Conditions { values, path }
}

/// What a mask says is given; zero elsewhere.
fn shown(features: &[f32], mask: &[f32]) -> Vec<f32> {
    let each = features.iter().zip(mask);
    each.map(|(v, m)| v * (1.0 - m)).collect()
}

/// The value at a frame, linear between the frames `given` (ascending, not empty), constant beyond them.
fn between(given: &[usize], t: usize, at: impl Fn(usize) -> f32) -> f32 {
    match given.iter().position(|g| *g >= t) {
        None => at(given[given.len() - 1]),
        Some(0) => at(given[0]),
        Some(n) => {
            let (a, b) = (given[n - 1], given[n]);
            let w = (t - a) as f32 / (b - a) as f32;
            at(a) * (1.0 - w) + at(b) * w
        }
    }
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
    let mut values = shown(features, &mask);
    fill.hold(&mut values, &mask);
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
            // Past the end the object stays where it is.
            path[3 * t + axis] = between(&given, t, |frame| at(frame, axis));
        }
    }
    if fill.path() {
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
    fn a_walk_is_told_path_heading_and_arrival() {
        let mut x = vec![0.5; 120 * FEATURES];
        for t in 0..120 {
            for channel in WALK_CHANNELS {
                x[t * FEATURES + channel] = (t as f32).powi(2);
            }
        }
        let c = walk_conditions(&x, 100, 120, true, Fill::Interpolate);
        for t in [0, 29, 59, 89, 99] {
            assert_eq!(c.path[3 * t], (t as f32).powi(2));
            assert_eq!(
                c.values[t * FEATURES + WALK_CHANNELS[3]],
                (t as f32).powi(2)
            );
        }
        assert_eq!(c.path[3 * 119], 99.0 * 99.0);
        assert_eq!(c.path[3 * 94], (89.0 * 89.0 + 99.0 * 99.0) / 2.0);
        let object = 0..OBJECT_ROTATION.end;
        for t in 0..120 {
            let row = &c.values[t * FEATURES..][..FEATURES];
            assert!(
                row[object.clone()]
                    .iter()
                    .chain(&row[CONTACT])
                    .all(|v| *v == 0.0)
            );
            let whole = t == 0 || t == 99;
            assert_eq!(row[JOINT_POSITIONS.start + 5] == 0.5, whole, "frame {t}");
        }
        let passing = walk_conditions(&x, 100, 120, false, Fill::Zeros);
        assert_eq!(
            passing.values[99 * FEATURES + JOINT_POSITIONS.start + 5],
            0.0
        );
        assert_eq!(
            passing.values[99 * FEATURES + WALK_CHANNELS[0]],
            99.0 * 99.0
        );
        assert_eq!(passing.values[94 * FEATURES + WALK_CHANNELS[0]], 0.0);
        // What does not fit a window is cut, not a fault.
        assert_eq!(walk_frames(0), [0]);
        assert_eq!(
            walk_conditions(&x, 0, 120, true, Fill::Zeros).path.len(),
            360
        );
    }

    #[test]
    fn what_is_held_is_the_first_frames() {
        let x: Vec<f32> = (0..120 * FEATURES)
            .map(|n| 1.0 + (n / FEATURES) as f32 + (n % FEATURES) as f32 / 1000.0)
            .collect();
        let at = |c: &Conditions, t: usize, channel: usize| c.values[t * FEATURES + channel];
        let knee = JOINT_POSITIONS.start + 3 * 4;
        let held = walk_conditions(&x, 100, 120, true, Fill::Hold);
        let told = walk_conditions(&x, 100, 120, true, Fill::Interpolate);
        assert_eq!(held.path, told.path);
        for t in 0..120 {
            // The end of a walk that arrives has a pose of its own, the path and the heading are as they were.
            let want = if t == 99 {
                x[99 * FEATURES + knee]
            } else {
                x[knee]
            };
            assert_eq!(at(&held, t, knee), want, "frame {t}");
            for channel in WALK_CHANNELS {
                assert_eq!(at(&held, t, channel), at(&told, t, channel));
            }
            assert_eq!(at(&held, t, OBJECT_POSITION.start), 0.0);
            assert_eq!(at(&held, t, CONTACT.start), 0.0);
        }
        let held = conditions(&x, 100, 120, Fill::Hold);
        let told = conditions(&x, 100, 120, Fill::Interpolate);
        for t in 0..120 {
            assert_eq!(at(&held, t, knee), x[knee]);
            assert_eq!(
                at(&held, t, OBJECT_ROTATION.start),
                x[OBJECT_ROTATION.start]
            );
            assert_eq!(at(&held, t, CONTACT.start), 0.0, "contact is never given");
            for channel in OBJECT_POSITION {
                assert_eq!(at(&held, t, channel), at(&told, t, channel));
            }
        }
    }

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
