//! What an animator changes on a clip by hand. Each is a function from clip to clip: the same clip and numbers give the
//! same clip, bones keep their lengths, and what changes nothing gives the clip back bit for bit.

mod blend;
mod looped;
mod monotone;
mod path;
mod time;
mod touch_up;

pub use blend::blend;
pub use looped::looped;
pub use path::{RootKey, check_path, shift_path};
pub use time::{check_keys, resample, split, trim, warp, warped};
pub use touch_up::{JointTouchUp, touch_up};

use nalgebra::Vector3;

use super::{Frame, MotionClip, feet};
use crate::error::{Error, Result};
use crate::ik;
use crate::skeleton::joint;

/// A foot that stands again within so many frames has not stepped.
const STEP: usize = 8;

/// From 0 to 1 with neither speed nor acceleration at both ends.
fn smooth(u: f32) -> f32 {
    let u = u.clamp(0.0, 1.0);
    u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
}

/// Refuses a clip that is none.
fn usable(clip: &MotionClip) -> Result<()> {
    match clip.fault() {
        Some(reason) => Err(Error::invalid(format!("clip {:?}", clip.name), reason)),
        None => Ok(()),
    }
}

/// Holds the feet of a changed clip where they stood before it was changed, `before`: while a foot stands it is elsewhere
/// by the same all the while, and on its way to where it stands next it goes over.
fn hold_feet(before: &[Frame], clip: &mut MotionClip) {
    let pelvis: Vec<Vector3<f32>> = before.iter().map(|f| f.pose.root).collect();
    for (toe, leg) in [
        (joint::LEFT_TOE, ik::LEFT_LEG),
        (joint::RIGHT_TOE, ik::RIGHT_LEG),
    ] {
        let path = |frames: &[Frame]| -> Vec<Vector3<f32>> {
            let joints = frames.iter().map(|f| clip.skeleton.forward(&f.pose));
            joints.map(|j| j[toe]).collect()
        };
        let (was, is) = (path(before), path(&clip.frames));
        let found = if clip.has_object() {
            feet::stances(&was, feet::SLOW)
        } else {
            feet::walk_stances(&was, &pelvis)
        };
        // A step takes longer: what is shorter is one stance that was lost for a moment.
        let mut stances: Vec<(usize, usize)> = Vec::with_capacity(found.len());
        for (from, to) in found {
            match stances.last_mut() {
                Some((_, end)) if from < *end + STEP => *end = to,
                _ => stances.push((from, to)),
            }
        }
        if stances.is_empty() {
            continue;
        }
        let moved: Vec<Vector3<f32>> = is.iter().zip(&was).map(|(a, b)| a - b).collect();
        for (t, offset) in held(&moved, &stances).into_iter().enumerate() {
            if offset.norm() > 1e-6 {
                let pose = &mut clip.frames[t].pose;
                let ankle = clip.skeleton.forward(pose)[leg.tip];
                ik::reach(&clip.skeleton, pose, leg, ankle + offset);
            }
        }
    }
}

/// What is added to a foot that was `moved` by so much at every frame, so that it stands where `stances` say.
fn held(moved: &[Vector3<f32>], stances: &[(usize, usize)]) -> Vec<Vector3<f32>> {
    let last = moved.len() - 1;
    // Where it stands by how much: from frame, to frame.
    let mut holds: Vec<(usize, usize, Vector3<f32>)> = Vec::with_capacity(stances.len() + 2);
    if stances[0].0 > 0 {
        holds.push((0, 0, moved[0]));
    }
    for &(from, to) in stances {
        let by = if from == 0 {
            moved[0]
        } else {
            moved[from..to].iter().sum::<Vector3<f32>>() / (to - from) as f32
        };
        holds.push((from, to - 1, by));
    }
    if stances[stances.len() - 1].1 <= last {
        holds.push((last, last, moved[last]));
    }
    let mut out = vec![Vector3::zeros(); moved.len()];
    for (from, to, by) in &holds {
        for t in *from..=*to {
            out[t] = by - moved[t];
        }
    }
    for pair in holds.windows(2) {
        let ((_, from, a), (to, _, b)) = (&pair[0], &pair[1]);
        for t in from + 1..*to {
            let u = (t - from) as f32 / (to - from) as f32;
            out[t] = a.lerp(b, smooth(u)) - moved[t];
        }
    }
    out
}
