//! Joining two windows of a long sequence (specification, section 9, step 8: `interpolate_transition`).

use nalgebra::{Quaternion, UnitQuaternion};

use super::features::Window;
use crate::error::{Error, Result};

/// Below this difference of the cosine from 1, two rotations are interpolated along the chord.
const NEARLY_EQUAL: f32 = 0.01;

/// The rotation at weight `w` (0 = `a`, 1 = `b`) on the shorter arc between two, as published: spherical, along the
/// chord where the two nearly agree.
pub fn slerp(a: &UnitQuaternion<f32>, b: &UnitQuaternion<f32>, w: f32) -> UnitQuaternion<f32> {
    UnitQuaternion::new_normalize(slerp_quaternion(a, b, w))
}

/// [`slerp`] of quaternions that need not be of unit length, nor is the result: what the published code does with
/// matrices that are not rotations (see [`super::features::matrix_to_quaternion`]).
pub fn slerp_quaternion(a: &Quaternion<f32>, b: &Quaternion<f32>, w: f32) -> Quaternion<f32> {
    let dot = a.coords.dot(&b.coords);
    let (b, dot) = if dot < 0.0 {
        (-b.coords, -dot)
    } else {
        (b.coords, dot)
    };
    let (wa, wb) = if 1.0 - dot < NEARLY_EQUAL {
        (1.0 - w, w)
    } else {
        let angle = dot.acos();
        let sine = angle.sin();
        (((1.0 - w) * angle).sin() / sine, (w * angle).sin() / sine)
    };
    Quaternion::from_vector(a.coords * wa + b * wb)
}

/// Fades `next` in over `previous`: frame k of the n frames of `previous` gets the weight k / (n - 1), so the first
/// frame is that of `previous` and frame n - 1 that of `next`. Positions go straight, rotations along the shorter arc,
/// contact stays that of `next`. Both in the same frame of reference; `previous` holds what stands at the first frames
/// of `next`.
///
/// # Errors
/// [`Error::Invalid`] when `previous` is longer than `next`.
pub fn fade(previous: &Window, next: &mut Window) -> Result<()> {
    let n = previous.len();
    if n > next.len() {
        return Err(Error::invalid(
            "overlap",
            format!(
                "{n} frames are to be blended into a window of {}; give a window at least as long",
                next.len()
            ),
        ));
    }
    for k in 0..n {
        // One frame alone is the previous one: the sequence goes on from there.
        let w = if n > 1 {
            k as f32 / (n - 1) as f32
        } else {
            0.0
        };
        for (b, a) in next.joints[k].iter_mut().zip(&previous.joints[k]) {
            *b = a * (1.0 - w) + *b * w;
        }
        for (b, a) in next.rotations[k].iter_mut().zip(&previous.rotations[k]) {
            *b = slerp(a, b, w);
        }
        let center = previous.object_center[k] * (1.0 - w) + next.object_center[k] * w;
        next.object_center[k] = center;
        next.object_rotation[k] = slerp(&previous.object_rotation[k], &next.object_rotation[k], w);
    }
    Ok(())
}

/// Replaces the last `overlap` frames of `sequence` by `next`, which begins where they begin. Both in the same frame of
/// reference, `next` already faded in (see [`fade`]).
///
/// # Errors
/// [`Error::Invalid`] when the sequence is shorter than the overlap.
pub fn append(sequence: &mut Window, next: &Window, overlap: usize) -> Result<()> {
    let Some(keep) = sequence.len().checked_sub(overlap) else {
        return Err(Error::invalid(
            "overlap",
            format!(
                "{overlap} frames of a sequence of {} cannot be replaced; give a longer sequence",
                sequence.len()
            ),
        ));
    };
    sequence.truncate(keep);
    sequence.extend(next);
    Ok(())
}
