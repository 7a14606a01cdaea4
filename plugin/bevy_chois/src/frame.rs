//! Where the model's world (metres, Z up, nalgebra) meets Bevy's (metres, Y up, glam). Nobody else swaps axes.

use bevy::math::{Isometry3d, Mat4, Quat, Vec3};
use chois::frame::{from_y_up, rotation_from_y_up, rotation_to_y_up, to_y_up};
use nalgebra::{Matrix4, Quaternion, UnitQuaternion, Vector3};

/// A vector of the model's world in Bevy's.
pub fn vec3(v: Vector3<f32>) -> Vec3 {
    let v = to_y_up(v);
    Vec3::new(v.x, v.y, v.z)
}

/// A vector of Bevy's world in the model's.
pub fn vector(v: Vec3) -> Vector3<f32> {
    from_y_up(Vector3::new(v.x, v.y, v.z))
}

/// A rotation of the model's world in Bevy's: turns Bevy's vectors as the given one turns the model's.
pub fn quat(q: UnitQuaternion<f32>) -> Quat {
    same_quat(rotation_to_y_up(q))
}

/// A rotation of Bevy's world in the model's.
pub fn rotation(q: Quat) -> UnitQuaternion<f32> {
    rotation_from_y_up(same_rotation(q))
}

/// A place of the model's world in Bevy's.
pub fn isometry(position: Vector3<f32>, rotation: UnitQuaternion<f32>) -> Isometry3d {
    Isometry3d::new(vec3(position), quat(rotation))
}

/// The same numbers in Bevy's type, no axes swapped: for what is Y up on both sides, such as the bones of a rig.
pub fn same_vec3(v: Vector3<f32>) -> Vec3 {
    Vec3::new(v.x, v.y, v.z)
}

/// The same numbers in nalgebra's type, no axes swapped.
pub fn same_vector(v: Vec3) -> Vector3<f32> {
    Vector3::new(v.x, v.y, v.z)
}

/// The same rotation in Bevy's type, no axes swapped.
pub fn same_quat(q: UnitQuaternion<f32>) -> Quat {
    Quat::from_xyzw(q.i, q.j, q.k, q.w)
}

/// The same rotation in nalgebra's type, no axes swapped.
pub fn same_rotation(q: Quat) -> UnitQuaternion<f32> {
    UnitQuaternion::new_normalize(Quaternion::new(q.w, q.x, q.y, q.z))
}

/// The same matrix in nalgebra's type, no axes swapped.
pub fn same_matrix(m: Mat4) -> Matrix4<f32> {
    Matrix4::from_column_slice(&m.to_cols_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let v = Vector3::new(0.3, -1.2, 2.5);
        let q = UnitQuaternion::from_euler_angles(0.4, -0.9, 1.3);
        assert_eq!(vector(vec3(v)), v);
        assert!(rotation(quat(q)).angle_to(&q) < 1e-3);
        assert!((quat(q) * vec3(v) - vec3(q * v)).length() < 1e-5);
        // Up stays up.
        assert!((vec3(Vector3::z()) - Vec3::Y).length() < 1e-6);
    }
}
