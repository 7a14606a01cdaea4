//! Motion played faster or slower along the smooth curve through its frames.

use nalgebra::{Quaternion, UnitQuaternion, Vector3, Vector4};

use crate::motion::features::Window;
use crate::motion::spline::{Tap, fit};
use crate::skeleton::{Pose, ROTATIONS, Skeleton};

/// Quaternions in the half that each shares with the one before, as curves need them.
fn aligned(rotations: impl Iterator<Item = UnitQuaternion<f32>>) -> Vec<Vector4<f32>> {
    let mut out: Vec<Vector4<f32>> = Vec::new();
    for q in rotations {
        let v = q.coords;
        let turned = out.last().is_some_and(|last| last.dot(&v) < 0.0);
        out.push(if turned { -v } else { v });
    }
    out
}

/// A motion at these times, in frames of it. Contact is that of the nearest frame.
pub(super) fn at_times(motion: &Window, skeleton: &Skeleton, times: &[f32]) -> Window {
    let frames = motion.len();
    let mut roots: Vec<Vector3<f32>> = motion.joints.iter().map(|j| j[0]).collect();
    let mut centers = motion.object_center.clone();
    let mut turns = aligned(motion.object_rotation.iter().copied());
    let mut joints: Vec<Vec<Vector4<f32>>> = (0..ROTATIONS)
        .map(|j| aligned(motion.rotations.iter().map(|r| r[j])))
        .collect();
    fit(&mut roots, 1);
    fit(&mut centers, 1);
    fit(&mut turns, 1);
    for joint in &mut joints {
        fit(joint, 1);
    }
    let unit = |v: Vector4<f32>| UnitQuaternion::from_quaternion(Quaternion::from(v));
    let mut out = Window::default();
    for &time in times {
        let tap = Tap::new(time, frames);
        let rotations: [UnitQuaternion<f32>; ROTATIONS] =
            std::array::from_fn(|j| unit(tap.value(&joints[j], 1, 0)));
        let root = tap.value(&roots, 1, 0);
        out.joints.push(skeleton.forward(&Pose { root, rotations }));
        out.rotations.push(rotations);
        out.object_center.push(tap.value(&centers, 1, 0));
        out.object_rotation.push(unit(tap.value(&turns, 1, 0)));
        let nearest = (time.round().max(0.0) as usize).min(frames.saturating_sub(1));
        out.contact.push(motion.contact[nearest]);
    }
    out
}
