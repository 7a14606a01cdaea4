//! A clip made ready for windows: on its floor, with contact labels, and its mirror image.

use std::path::Path;
use std::sync::Arc;

use nalgebra::{UnitQuaternion, Vector3};

use crate::condition::Mode;
use crate::error::Result;
use crate::geometry::{ObjectGeometry, UpAxis};
use crate::ik;
use crate::motion::MotionClip;
use crate::motion::features::Window;
use crate::skeleton::{Skeleton, TOE_HEIGHT, joint};
use crate::training::contact_labels;

/// Distance of a palm to the object at which the hand counts as touching (specification, section 10).
pub const CONTACT_DISTANCE: f32 = 0.05;
/// The same where the source labels the hand as touching: chairs are gripped with the fingers, the palm 8 cm off.
const LABELLED_CONTACT_DISTANCE: f32 = 0.10;
/// Gaps of contact up to this many frames are closed.
const CONTACT_GAP: usize = 8;
/// A clip made ready for windows, in the world's frame.
pub struct Source {
    /// Name of the clip, with `~` in front when mirrored.
    pub name: String,
    /// Who was captured; empty where nobody was.
    pub subject: String,
    /// What happens.
    pub text: String,
    /// The sentence as a vector.
    pub sentence: Arc<Vec<f32>>,
    /// The person's bones.
    pub skeleton: Skeleton,
    /// The object; none in a walk.
    pub geometry: Option<Arc<ObjectGeometry>>,
    /// All frames.
    pub motion: Window,
}

impl Source {
    /// What its windows are about.
    pub fn mode(&self) -> Mode {
        match self.geometry {
            Some(_) => Mode::Interaction,
            None => Mode::Walk,
        }
    }
}

/// A clip on its floor with contact from distance. The object's lowest point defines the floor; captured feet float up to
/// 5 cm over it, so the person is lowered until the toes stand, arms reaching back to where the hands were on the object.
pub(super) fn prepare(
    clip: &MotionClip,
    geometry: Arc<ObjectGeometry>,
    sentence: Arc<Vec<f32>>,
) -> Source {
    let center = geometry.center();
    let mut poses: Vec<_> = clip.frames.iter().map(|f| f.pose).collect();
    let mut object: Vec<_> = clip
        .frames
        .iter()
        .map(|f| {
            (
                f.object_rotation * center + f.object_position,
                f.object_rotation,
            )
        })
        .collect();
    let floor = object
        .iter()
        .map(|(c, r)| c.z + geometry.lowest(r))
        .fold(f32::INFINITY, f32::min);
    for pose in &mut poses {
        pose.root.z -= floor;
    }
    for (c, _) in &mut object {
        c.z -= floor;
    }
    let distances: Vec<[f32; 2]> = poses
        .iter()
        .zip(&object)
        .map(|(pose, (c, r))| {
            let joints = clip.skeleton.forward(pose);
            [joint::LEFT_PALM, joint::RIGHT_PALM].map(|palm| {
                geometry
                    .nearest_vertex(&(r.inverse() * (joints[palm] - c)))
                    .1
            })
        })
        .collect();
    let labels = contact_labels::derive(&distances, CONTACT_DISTANCE, CONTACT_GAP);

    let mut toes: Vec<f32> = poses
        .iter()
        .map(|p| {
            let j = clip.skeleton.forward(p);
            j[joint::LEFT_TOE].z.min(j[joint::RIGHT_TOE].z)
        })
        .collect();
    toes.sort_by(f32::total_cmp);
    let lower = toes[toes.len() / 20] - TOE_HEIGHT;
    for (t, pose) in poses.iter_mut().enumerate() {
        let before = clip.skeleton.forward(pose);
        pose.root.z -= lower;
        for (hand, limb) in [ik::LEFT_ARM, ik::RIGHT_ARM].into_iter().enumerate() {
            // Full near the object, none from 25 cm on.
            let near = ((0.25 - distances[t][hand]) / 0.17).clamp(0.0, 1.0);
            let near = near * near * (3.0 - 2.0 * near);
            if near > 0.0 {
                let target = before[limb.tip] - Vector3::new(0.0, 0.0, lower * (1.0 - near));
                ik::reach(&clip.skeleton, pose, limb, target);
            }
        }
    }
    let mut motion = Window::default();
    for (t, (pose, (c, r))) in poses.iter().zip(&object).enumerate() {
        motion.joints.push(clip.skeleton.forward(pose));
        motion.rotations.push(pose.rotations);
        motion.object_center.push(*c);
        motion.object_rotation.push(*r);
        let source = clip.frames[t].contact;
        let hand = |h: usize| {
            let labelled = source[h] > 0.5 && distances[t][h] < LABELLED_CONTACT_DISTANCE;
            labels[t][h].max(f32::from(u8::from(labelled)))
        };
        motion
            .contact
            .push([hand(0), hand(1), source[2], source[3]]);
    }
    Source {
        name: clip.name.clone(),
        subject: clip.subject.clone(),
        text: clip.text.clone(),
        sentence,
        skeleton: clip.skeleton.clone(),
        geometry: Some(geometry),
        motion,
    }
}

/// A walk, which stands on its floor already.
pub(super) fn walk_source(clip: &MotionClip, sentence: Arc<Vec<f32>>) -> Source {
    let mut motion = Window::default();
    for (t, frame) in clip.frames.iter().enumerate() {
        motion.joints.push(clip.joints(t));
        motion.rotations.push(frame.pose.rotations);
        motion.object_center.push(Vector3::zeros());
        motion.object_rotation.push(UnitQuaternion::identity());
        motion.contact.push([0.0; 4]);
    }
    Source {
        name: clip.name.clone(),
        subject: clip.subject.clone(),
        text: clip.text.clone(),
        sentence,
        skeleton: clip.skeleton.clone(),
        geometry: None,
        motion,
    }
}

/// The object of a clip, `<name>.obj` in its capture frame (Z up, no turn) or `<name>.glb`.
pub(super) fn object(folder: &Path, name: &str) -> Result<ObjectGeometry> {
    let glb = folder.join(format!("{name}.glb"));
    if glb.is_file() {
        return ObjectGeometry::load(&glb, None);
    }
    ObjectGeometry::load(&folder.join(format!("{name}.obj")), Some(UpAxis::Z))
}

pub(super) fn mirror_source(
    source: &Source,
    geometry: Option<Arc<ObjectGeometry>>,
    text: String,
    sentence: Arc<Vec<f32>>,
) -> Source {
    Source {
        name: format!("~{}", source.name),
        subject: source.subject.clone(),
        text,
        sentence,
        skeleton: source.skeleton.mirrored(),
        geometry,
        motion: source.motion.mirrored(),
    }
}

/// Left and right exchanged, word by word.
pub fn mirror_text(text: &str) -> String {
    text.split_inclusive(|c: char| !c.is_alphabetic())
        .map(|piece| {
            let word = piece.trim_end_matches(|c: char| !c.is_alphabetic());
            let rest = &piece[word.len()..];
            let swapped = match word {
                "left" => "right",
                "right" => "left",
                "Left" => "Right",
                "Right" => "Left",
                other => other,
            };
            format!("{swapped}{rest}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_mirrored_by_words() {
        assert_eq!(
            mirror_text("Use the left hand, then the Right one; leftover stays."),
            "Use the right hand, then the Left one; leftover stays."
        );
    }
}
