//! Motion seen in a mirror: the plane x = 0, left and right of the body exchanged. Doubles the training data.

use nalgebra::{Quaternion, UnitQuaternion, Vector3};

use super::features::Window;
use crate::skeleton::MIRRORED;

/// The mirror image of a position or direction.
pub fn vector(v: &Vector3<f32>) -> Vector3<f32> {
    Vector3::new(-v.x, v.y, v.z)
}

/// The mirror image of a rotation: it does to mirrored vectors what the rotation does to vectors.
pub fn rotation(q: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    // The axis is a pseudovector: reflection in x turns y and z of it around.
    UnitQuaternion::new_unchecked(Quaternion::new(q.w, q.i, -q.j, -q.k))
}

impl Window {
    /// The mirror image: left joints take the place of right ones, contact channels likewise. Goes with the mirrored
    /// skeleton ([`crate::skeleton::Skeleton::mirrored`]) and object
    /// ([`crate::geometry::ObjectGeometry::mirrored`]).
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self {
            joints: self
                .joints
                .iter()
                .map(|f| std::array::from_fn(|j| vector(&f[MIRRORED[j]])))
                .collect(),
            rotations: self
                .rotations
                .iter()
                .map(|f| std::array::from_fn(|j| rotation(&f[MIRRORED[j]])))
                .collect(),
            object_center: self.object_center.iter().map(vector).collect(),
            object_rotation: self.object_rotation.iter().map(rotation).collect(),
            contact: self
                .contact
                .iter()
                .map(|c| [c[1], c[0], c[3], c[2]])
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_rotation_acts_on_mirrored_vectors() {
        let q = UnitQuaternion::from_euler_angles(0.3, -0.8, 1.9);
        let v = Vector3::new(0.2, 0.5, -1.0);
        assert!((rotation(&q) * vector(&v) - vector(&(q * v))).norm() < 1e-6);
    }
}
