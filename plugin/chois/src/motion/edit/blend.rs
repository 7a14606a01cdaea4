//! Two takes become one.

use nalgebra::Vector3;

use super::time::sample;
use super::{hold_feet, smooth, usable};
use crate::error::{Error, Result};
use crate::ik;
use crate::motion::{Frame, MotionClip};
use crate::skeleton::{JOINTS, joint};

/// Hands go over to what they hold in so many frames to either side.
const OVER: usize = 6;

/// `a` with a `share` of `b`, 0 to 1, at every time; `b` is played as long as `a`. Hands that touch the object in both lie
/// between their two places on it. Feet step as in the take with
/// the greater share.
///
/// # Errors
/// [`Error::Invalid`] where bones or objects differ, for a share that is none, and for a clip that is none.
pub fn blend(a: &MotionClip, b: &MotionClip, share: f32) -> Result<MotionClip> {
    usable(a)?;
    usable(b)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::invalid(
            "share",
            format!("{share} is not between 0 and 1"),
        ));
    }
    if a.object != b.object {
        return Err(Error::invalid(
            "blend",
            format!(
                "one take has the object {:?}, the other {:?}; blend takes of one strip",
                a.object, b.object
            ),
        ));
    }
    if a.skeleton != b.skeleton {
        return Err(Error::invalid(
            "blend",
            "the takes' bones differ; blend takes of one checkpoint",
        ));
    }
    if share == 0.0 {
        return Ok(a.clone());
    }
    let count = a.frames.len();
    let stretch = (b.frames.len() - 1) as f64 / (count - 1).max(1) as f64;
    let other: Vec<Frame> = (0..count).map(|f| sample(b, f as f64 * stretch)).collect();
    let mut out = a.clone();
    if share == 1.0 {
        out.frames = other;
        return Ok(out);
    }
    for (frame, other) in out.frames.iter_mut().zip(&other) {
        let contact =
            std::array::from_fn(|c| frame.contact[c] * (1.0 - share) + other.contact[c] * share);
        *frame = Frame::between(frame, other, share);
        frame.contact = contact;
    }
    let steps = if share <= 0.5 { &a.frames } else { &other };
    hold_feet(steps, &mut out);
    if out.has_object() {
        for (hand, palm, arm) in [
            (0, joint::LEFT_PALM, ik::LEFT_ARM),
            (1, joint::RIGHT_PALM, ik::RIGHT_ARM),
        ] {
            let hold = holds(&a.frames, &other, hand);
            for f in 0..count {
                if hold[f] == 0.0 {
                    continue;
                }
                // Where the palm is on the object in each.
                let on = |frame: &Frame, joints: [Vector3<f32>; JOINTS]| {
                    frame.object_rotation.inverse() * (joints[palm] - frame.object_position)
                };
                let place = on(&a.frames[f], a.joints(f))
                    .lerp(&on(&other[f], b.skeleton.forward(&other[f].pose)), share);
                let frame = &mut out.frames[f];
                let there = frame.object_position + frame.object_rotation * place;
                let now = out.skeleton.forward(&frame.pose)[palm];
                ik::reach(
                    &out.skeleton,
                    &mut frame.pose,
                    arm,
                    now.lerp(&there, hold[f]),
                );
            }
        }
    }
    Ok(out)
}

/// How much a hand is held to its place at every frame: all where it touches in both, nothing far from it.
fn holds(a: &[Frame], b: &[Frame], hand: usize) -> Vec<f32> {
    let touches: Vec<bool> = a
        .iter()
        .zip(b)
        .map(|(a, b)| a.contact[hand] > 0.5 && b.contact[hand] > 0.5)
        .collect();
    (0..touches.len())
        .map(|f| {
            let near = (0..=OVER).find(|d| {
                f.checked_sub(*d).is_some_and(|f| touches[f]) || touches.get(f + d) == Some(&true)
            });
            near.map_or(0.0, |d| smooth(1.0 - d as f32 / (OVER + 1) as f32))
        })
        .collect()
}
