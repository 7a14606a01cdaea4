//! Motion clips in files: our safetensors form, glTF to look at, BVH for other tools.

pub mod bvh;
mod file;
pub mod glb;
mod shading;

pub use file::{parse_clip, read_clip, write_clip};

use nalgebra::{UnitQuaternion, Vector3};

use crate::motion::{Frame, MotionClip};

/// The first thing that keeps a clip from being written in a form to look at, as one sentence.
fn fault(clip: &MotionClip) -> Option<String> {
    if clip.frames.is_empty() {
        return Some("it has no frames; there is nothing to show".into());
    }
    if !(clip.fps.is_finite() && clip.fps > 0.0) {
        return Some(format!(
            "its frame rate is {}; it must be above 0",
            clip.fps
        ));
    }
    let finite = |v: &Vector3<f32>| v.iter().all(|c| c.is_finite());
    if !clip.skeleton.rest_offsets.iter().all(finite) {
        return Some("a bone of its skeleton is not finite".into());
    }
    let turned = |q: &UnitQuaternion<f32>| (q.norm() - 1.0).abs() < 1e-2;
    let good = |f: &Frame| {
        finite(&f.pose.root)
            && finite(&f.object_position)
            && turned(&f.object_rotation)
            && f.pose.rotations.iter().all(turned)
            && f.contact.iter().all(|c| c.is_finite())
    };
    let bad = clip.frames.iter().position(|f| !good(f))?;
    Some(format!(
        "frame {bad} holds a value that is not finite or a rotation that is none; generate or load the clip again"
    ))
}
