//! The network's 220 features per frame (specification, section 1): object, person, contact.
//!
//! This is the only place of the 6D form of a rotation: the first two ROWS of the matrix, row-major.

use std::ops::Range;

use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::Frame;
use crate::error::{Error, Result};
use crate::skeleton::{JOINTS, Pose, ROTATIONS};

/// Features of one frame.
pub const FEATURES: usize = 220;
/// Position of the object's centre, normalised.
pub const OBJECT_POSITION: Range<usize> = 0..3;
/// Rotation of the object relative to the reference frame, 3 x 3 row-major.
pub const OBJECT_ROTATION: Range<usize> = 3..12;
/// Positions of the 24 joints, joint-major, normalised.
pub const JOINT_POSITIONS: Range<usize> = 12..84;
/// World rotations of the 22 joints, 6D.
pub const JOINT_ROTATIONS: Range<usize> = 84..216;
/// Contact of left hand, right hand, left foot, right foot with the object.
pub const CONTACT: Range<usize> = 216..220;

/// Bounds of the min-max normalisation to [-1, 1], metres, canonical window frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Smallest coordinate of each joint.
    pub joint_min: Vec<[f32; 3]>,
    /// Largest coordinate of each joint.
    pub joint_max: Vec<[f32; 3]>,
    /// Smallest coordinate of the object's centre.
    pub object_min: [f32; 3],
    /// Largest coordinate of the object's centre.
    pub object_max: [f32; 3],
}

impl Statistics {
    /// Refuses bounds that cannot normalise: wrong count, not finite, empty interval.
    pub fn validate(&self) -> Result<()> {
        if self.joint_min.len() != JOINTS || self.joint_max.len() != JOINTS {
            return Err(Error::invalid(
                "statistics",
                format!(
                    "{} and {} joints have bounds, expected {JOINTS}",
                    self.joint_min.len(),
                    self.joint_max.len()
                ),
            ));
        }
        let pairs = self
            .joint_min
            .iter()
            .zip(&self.joint_max)
            .chain([(&self.object_min, &self.object_max)]);
        for (min, max) in pairs {
            for axis in 0..3 {
                let span = max[axis] - min[axis];
                if !span.is_finite() || span <= 0.0 {
                    return Err(Error::invalid(
                        "statistics",
                        format!(
                            "bounds {} to {} do not span an interval",
                            min[axis], max[axis]
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Bounds that hold both.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let low = |a: &[f32; 3], b: &[f32; 3]| std::array::from_fn(|k| a[k].min(b[k]));
        let high = |a: &[f32; 3], b: &[f32; 3]| std::array::from_fn(|k| a[k].max(b[k]));
        let joints =
            |a: &[[f32; 3]], b: &[[f32; 3]], of: &dyn Fn(&[f32; 3], &[f32; 3]) -> [f32; 3]| {
                a.iter().zip(b).map(|(a, b)| of(a, b)).collect()
            };
        Self {
            joint_min: joints(&self.joint_min, &other.joint_min, &low),
            joint_max: joints(&self.joint_max, &other.joint_max, &high),
            object_min: low(&self.object_min, &other.object_min),
            object_max: high(&self.object_max, &other.object_max),
        }
    }

    /// A joint position in metres as a normalised one.
    pub fn normalise_joint(&self, joint: usize, v: &Vector3<f32>) -> [f32; 3] {
        normalise(v, &self.joint_min[joint], &self.joint_max[joint])
    }

    /// A normalised joint position in metres.
    pub fn denormalise_joint(&self, joint: usize, n: &[f32]) -> Vector3<f32> {
        denormalise(n, &self.joint_min[joint], &self.joint_max[joint])
    }

    /// A position of the object's centre in metres as a normalised one.
    pub fn normalise_object(&self, v: &Vector3<f32>) -> [f32; 3] {
        normalise(v, &self.object_min, &self.object_max)
    }

    /// A normalised position of the object's centre in metres.
    pub fn denormalise_object(&self, n: &[f32]) -> Vector3<f32> {
        denormalise(n, &self.object_min, &self.object_max)
    }
}

fn normalise(v: &Vector3<f32>, min: &[f32; 3], max: &[f32; 3]) -> [f32; 3] {
    std::array::from_fn(|a| (v[a] - min[a]) / (max[a] - min[a]) * 2.0 - 1.0)
}

fn denormalise(n: &[f32], min: &[f32; 3], max: &[f32; 3]) -> Vector3<f32> {
    Vector3::from_fn(|a, _| (n[a] + 1.0) * 0.5 * (max[a] - min[a]) + min[a])
}

/// First two rows of the rotation's matrix, row-major.
pub fn to_6d(q: &UnitQuaternion<f32>) -> [f32; 6] {
    let m = q.to_rotation_matrix();
    [
        m[(0, 0)],
        m[(0, 1)],
        m[(0, 2)],
        m[(1, 0)],
        m[(1, 1)],
        m[(1, 2)],
    ]
}

/// The matrix whose first two rows are nearest to `d` in the sense of Gram-Schmidt (norms floored at 1e-12).
pub fn matrix_from_6d(d: &[f32]) -> Matrix3<f32> {
    let unit = |v: Vector3<f32>| v / v.norm().max(1e-12);
    let a = Vector3::new(d[0], d[1], d[2]);
    let b = Vector3::new(d[3], d[4], d[5]);
    let r1 = unit(a);
    let r2 = unit(b - r1 * r1.dot(&b));
    let r3 = r1.cross(&r2);
    Matrix3::from_rows(&[r1.transpose(), r2.transpose(), r3.transpose()])
}

/// The rotation of a 6D form.
pub fn from_6d(d: &[f32]) -> UnitQuaternion<f32> {
    quaternion(&matrix_from_6d(d))
}

/// The quaternion, w >= 0, of a matrix that is already a rotation.
pub fn quaternion(m: &Matrix3<f32>) -> UnitQuaternion<f32> {
    UnitQuaternion::new_normalize(matrix_to_quaternion(m))
}

/// The rotation nearest to a matrix (its orthogonal polar factor), w >= 0. Unlike [`quaternion`] it changes no faster than
/// the matrix does: the published conversion takes another of its four ways where another component becomes the largest,
/// which a matrix that is no rotation shows as a jump of tens of degrees.
pub fn nearest_rotation(m: &Matrix3<f32>) -> UnitQuaternion<f32> {
    let svd = (m.iter().all(|v| v.is_finite())).then(|| m.cast::<f64>().svd(true, true));
    let Some((Some(u), Some(v_t))) = svd.map(|svd| (svd.u, svd.v_t)) else {
        return quaternion(m);
    };
    let mirror = (u * v_t).determinant().signum();
    // Singular values come in falling order: the least gives way.
    let nearest = u * Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, mirror)) * v_t;
    quaternion(&nearest.cast())
}

/// How the matrix that a network gives for the object's rotation becomes a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orthonormal {
    /// The nearest ([`nearest_rotation`]).
    #[default]
    Nearest,
    /// By way of a quaternion, as the published code does for meshes (specification, Q9); it jumps.
    Published,
}

/// The published conversion (PyTorch3D), w >= 0: of the four ways the one with the largest divisor. Not of unit length
/// when the matrix is not a rotation, which the network's relative rotations of the object are not.
pub fn matrix_to_quaternion(m: &Matrix3<f32>) -> Quaternion<f32> {
    let d = [m[(0, 0)], m[(1, 1)], m[(2, 2)]];
    let twice = [
        1.0 + d[0] + d[1] + d[2],
        1.0 + d[0] - d[1] - d[2],
        1.0 - d[0] + d[1] - d[2],
        1.0 - d[0] - d[1] + d[2],
    ]
    .map(|square| square.max(0.0).sqrt());
    let off = |a: usize, b: usize, sign: f32| m[(a, b)] + sign * m[(b, a)];
    let mut best = 0;
    for i in 1..4 {
        if twice[i] > twice[best] {
            best = i;
        }
    }
    let square = twice[best] * twice[best];
    let numerators = match best {
        0 => [square, off(2, 1, -1.0), off(0, 2, -1.0), off(1, 0, -1.0)],
        1 => [off(2, 1, -1.0), square, off(1, 0, 1.0), off(0, 2, 1.0)],
        2 => [off(0, 2, -1.0), off(1, 0, 1.0), square, off(2, 1, 1.0)],
        _ => [off(1, 0, -1.0), off(2, 0, 1.0), off(2, 1, 1.0), square],
    };
    let divisor = 2.0 * twice[best].max(0.1);
    let [w, x, y, z] = numerators.map(|n| n / divisor);
    let q = Quaternion::new(w, x, y, z);
    if w < 0.0 { -q } else { q }
}

/// A window of motion in its canonical frame (see [`super::canonical`]). Metres, Z up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// Joint positions.
    pub joints: Vec<[Vector3<f32>; JOINTS]>,
    /// World rotations of the joints.
    pub rotations: Vec<[UnitQuaternion<f32>; ROTATIONS]>,
    /// The object's centre (mean of its vertices).
    pub object_center: Vec<Vector3<f32>>,
    /// The object's rotation.
    pub object_rotation: Vec<UnitQuaternion<f32>>,
    /// Contact of left hand, right hand, left foot, right foot with the object.
    pub contact: Vec<[f32; 4]>,
}

impl Window {
    /// Number of frames.
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// The frames of a range.
    ///
    /// # Panics
    /// When the range ends past the last frame.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        Self {
            joints: self.joints[range.clone()].to_vec(),
            rotations: self.rotations[range.clone()].to_vec(),
            object_center: self.object_center[range.clone()].to_vec(),
            object_rotation: self.object_rotation[range.clone()].to_vec(),
            contact: self.contact[range].to_vec(),
        }
    }

    /// Its frames, as clips have them. `center` is where the object's centre lies in the frame of its mesh, metres; None without
    /// an object.
    pub fn frames(&self, center: Option<Vector3<f32>>) -> Vec<Frame> {
        (0..self.len())
            .map(|t| {
                let (object_position, object_rotation, contact) = match center {
                    Some(center) => (
                        self.object_center[t] - self.object_rotation[t] * center,
                        self.object_rotation[t],
                        self.contact[t].map(|c| c.clamp(0.0, 1.0)),
                    ),
                    None => (Vector3::zeros(), UnitQuaternion::identity(), [0.0; 4]),
                };
                Frame {
                    pose: Pose {
                        root: self.joints[t][0],
                        rotations: self.rotations[t],
                    },
                    object_position,
                    object_rotation,
                    contact,
                }
            })
            .collect()
    }

    /// Leaves the first `frames` frames.
    pub fn truncate(&mut self, frames: usize) {
        self.joints.truncate(frames);
        self.rotations.truncate(frames);
        self.object_center.truncate(frames);
        self.object_rotation.truncate(frames);
        self.contact.truncate(frames);
    }

    /// Adds the frames of another window at the end.
    pub fn extend(&mut self, other: &Self) {
        self.joints.extend_from_slice(&other.joints);
        self.rotations.extend_from_slice(&other.rotations);
        self.object_center.extend_from_slice(&other.object_center);
        self.object_rotation
            .extend_from_slice(&other.object_rotation);
        self.contact.extend_from_slice(&other.contact);
    }

    /// Moves the person and the object together, metres.
    pub fn translate(&mut self, by: &Vector3<f32>) {
        for p in self.joints.iter_mut().flatten() {
            *p += by;
        }
        for p in &mut self.object_center {
            *p += by;
        }
    }

    /// Features, `frames` x 220 row-major; frames past the end are zero. `reference` is the object's rotation that
    /// the relative rotation is measured against: R_rel = R R_ref^T.
    pub fn encode(
        &self,
        statistics: &Statistics,
        reference: &UnitQuaternion<f32>,
        frames: usize,
    ) -> Vec<f32> {
        let mut out = vec![0.0; frames * FEATURES];
        let inverse = reference.inverse();
        for (t, row) in out.chunks_exact_mut(FEATURES).enumerate().take(self.len()) {
            row[OBJECT_POSITION]
                .copy_from_slice(&statistics.normalise_object(&self.object_center[t]));
            let relative = (self.object_rotation[t] * inverse).to_rotation_matrix();
            for r in 0..3 {
                for c in 0..3 {
                    row[OBJECT_ROTATION.start + 3 * r + c] = relative[(r, c)];
                }
            }
            for j in 0..JOINTS {
                let at = JOINT_POSITIONS.start + 3 * j;
                row[at..at + 3].copy_from_slice(&statistics.normalise_joint(j, &self.joints[t][j]));
            }
            for j in 0..ROTATIONS {
                let at = JOINT_ROTATIONS.start + 6 * j;
                row[at..at + 6].copy_from_slice(&to_6d(&self.rotations[t][j]));
            }
            row[CONTACT].copy_from_slice(&self.contact[t]);
        }
        out
    }

    /// As [`Self::encode`] for a window without an object: the person's features, all else zero.
    pub fn encode_person(&self, statistics: &Statistics, frames: usize) -> Vec<f32> {
        let mut out = self.encode(statistics, &UnitQuaternion::identity(), frames);
        for row in out.chunks_exact_mut(FEATURES) {
            row[..JOINT_POSITIONS.start].fill(0.0);
            row[CONTACT].fill(0.0);
        }
        out
    }

    /// The window of these features (`T` x 220 row-major). The object's rotation is made one after the reference is applied.
    pub fn decode(
        features: &[f32],
        statistics: &Statistics,
        reference: &UnitQuaternion<f32>,
        orthonormal: Orthonormal,
    ) -> Self {
        let mut out = Self::default();
        let reference = reference.to_rotation_matrix();
        let rotation = match orthonormal {
            Orthonormal::Nearest => nearest_rotation,
            Orthonormal::Published => quaternion,
        };
        for row in features.chunks_exact(FEATURES) {
            out.object_center
                .push(statistics.denormalise_object(&row[OBJECT_POSITION]));
            let relative = Matrix3::from_row_slice(&row[OBJECT_ROTATION]);
            out.object_rotation
                .push(rotation(&(relative * reference.matrix())));
            out.joints.push(std::array::from_fn(|j| {
                statistics.denormalise_joint(j, &row[JOINT_POSITIONS.start + 3 * j..][..3])
            }));
            out.rotations.push(std::array::from_fn(|j| {
                from_6d(&row[JOINT_ROTATIONS.start + 6 * j..][..6])
            }));
            out.contact
                .push(std::array::from_fn(|c| row[CONTACT.start + c]));
        }
        out
    }
}
