//! A motion as the metrics see it.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use super::CONTACT_DISTANCE;
use crate::error::{Error, Result};
use crate::geometry::ObjectGeometry;
use crate::motion::MotionClip;
use crate::motion::features::Window;
use crate::skeleton::{JOINTS, Skeleton, joint};

/// A motion of a person and an object as the metrics see it, T frames. Metres, Z up, world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// Positions of the joints.
    pub joints: Vec<[Vector3<f32>; JOINTS]>,
    /// SMPL's translation of the body: the pelvis without its offset in the subject's rest pose.
    pub translation: Vec<Vector3<f32>>,
    /// World rotation of the pelvis.
    pub root_rotation: Vec<Matrix3<f32>>,
    /// Centre (mean vertex) of the object.
    pub object_center: Vec<Vector3<f32>>,
    /// Rotation of the object from its rest pose. The published metric takes the network's matrix as it is, not made a
    /// rotation (Q9); [`Self::from_window`] can only give rotations.
    pub object_rotation: Vec<Matrix3<f32>>,
    /// Distances of the left and the right palm to the nearest VERTEX of the object (not its surface).
    pub palm_distances: Vec<[f32; 2]>,
    /// Vertices of a skinned body, as many in each frame, where there is one.
    pub body_vertices: Option<Vec<Vec<Vector3<f32>>>>,
}

impl Trajectory {
    /// The trajectory of a window, whose person has these bones.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the parts of the window have different lengths.
    pub fn from_window(
        window: &Window,
        skeleton: &Skeleton,
        object: &ObjectGeometry,
    ) -> Result<Self> {
        let frames = window.joints.len();
        for (name, length) in [
            ("rotations", window.rotations.len()),
            ("object_center", window.object_center.len()),
            ("object_rotation", window.object_rotation.len()),
        ] {
            same_length(name, length, frames)?;
        }
        let mut out = Self::default();
        for t in 0..frames {
            out.push(
                window.joints[t],
                &window.rotations[t][joint::PELVIS],
                window.object_center[t],
                &window.object_rotation[t],
                skeleton,
                object,
            );
        }
        Ok(out)
    }

    /// The trajectory of a clip; `object` is the mesh that the clip's object poses are about.
    pub fn from_clip(clip: &MotionClip, object: &ObjectGeometry) -> Self {
        let mut out = Self::default();
        for (t, frame) in clip.frames.iter().enumerate() {
            out.push(
                clip.joints(t),
                &frame.pose.rotations[joint::PELVIS],
                frame.object_rotation * object.center() + frame.object_position,
                &frame.object_rotation,
                &clip.skeleton,
                object,
            );
        }
        out
    }

    fn push(
        &mut self,
        joints: [Vector3<f32>; JOINTS],
        root_rotation: &UnitQuaternion<f32>,
        center: Vector3<f32>,
        rotation: &UnitQuaternion<f32>,
        skeleton: &Skeleton,
        object: &ObjectGeometry,
    ) {
        let matrix = |q: &UnitQuaternion<f32>| q.to_rotation_matrix().into_inner();
        self.translation
            .push(joints[joint::PELVIS] - skeleton.rest_offsets[joint::PELVIS]);
        self.root_rotation.push(matrix(root_rotation));
        self.palm_distances
            .push([joint::LEFT_PALM, joint::RIGHT_PALM].map(|palm| {
                let local = rotation.inverse() * (joints[palm] - center);
                object.nearest_vertex(&local).1
            }));
        self.joints.push(joints);
        self.object_center.push(center);
        self.object_rotation.push(matrix(rotation));
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// Refuses parts of different lengths, no frames, and values that are not finite.
    pub(super) fn check(&self, whose: &str) -> Result<()> {
        let frames = self.len();
        if frames == 0 {
            return Err(Error::invalid(
                format!("{whose} motion"),
                "it has no frames; give at least one",
            ));
        }
        let finite = |v: &Vector3<f32>| v.iter().all(|c| c.is_finite());
        let matrix = |m: &Matrix3<f32>| m.iter().all(|c| c.is_finite());
        let parts = [
            ("joints", frames, self.joints.iter().flatten().all(finite)),
            (
                "translation",
                self.translation.len(),
                self.translation.iter().all(finite),
            ),
            (
                "root_rotation",
                self.root_rotation.len(),
                self.root_rotation.iter().all(matrix),
            ),
            (
                "object_center",
                self.object_center.len(),
                self.object_center.iter().all(finite),
            ),
            (
                "object_rotation",
                self.object_rotation.len(),
                self.object_rotation.iter().all(matrix),
            ),
            (
                "palm_distances",
                self.palm_distances.len(),
                self.palm_distances.iter().flatten().all(|d| d.is_finite()),
            ),
            (
                "body_vertices",
                self.body_vertices.as_ref().map_or(frames, Vec::len),
                self.body_vertices.iter().flatten().flatten().all(finite),
            ),
        ];
        for (name, length, finite) in parts {
            let name = format!("{name} of the {whose} motion");
            same_length(&name, length, frames)?;
            if !finite {
                return Err(Error::invalid(
                    name,
                    "it holds values that are not finite; leave such clips out",
                ));
            }
        }
        Ok(())
    }

    /// Whether either palm touches, per frame.
    pub(super) fn touching(&self) -> impl Iterator<Item = bool> + '_ {
        (self.palm_distances.iter()).map(|d| d.iter().any(|d| *d < CONTACT_DISTANCE))
    }
}

pub(super) fn same_length(name: &str, length: usize, frames: usize) -> Result<()> {
    if length == frames {
        return Ok(());
    }
    Err(Error::invalid(
        name,
        format!("it has {length} frames, expected {frames}"),
    ))
}

/// Distances of the left and the right palm to the nearest of the object's posed vertices, per frame, metres.
///
/// # Errors
/// [`Error::Invalid`] when the numbers of frames differ or a frame has no vertices.
pub fn palm_distances(
    joints: &[[Vector3<f32>; JOINTS]],
    vertices: &[Vec<Vector3<f32>>],
) -> Result<Vec<[f32; 2]>> {
    same_length("object vertices", vertices.len(), joints.len())?;
    if vertices.iter().any(Vec::is_empty) {
        return Err(Error::invalid(
            "object vertices",
            "a frame has none; give the posed vertices of every frame",
        ));
    }
    let nearest = |palm: &Vector3<f32>, vertices: &[Vector3<f32>]| {
        (vertices.iter())
            .map(|v| (v - palm).norm_squared())
            .fold(f32::INFINITY, f32::min)
            .sqrt()
    };
    Ok(joints
        .iter()
        .zip(vertices)
        .map(|(j, v)| [joint::LEFT_PALM, joint::RIGHT_PALM].map(|palm| nearest(&j[palm], v)))
        .collect())
}
