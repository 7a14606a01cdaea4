//! Where the model's world (metres, Z up, right-handed) meets a world with Y up (glTF, Bevy, BVH).
//!
//! Both are right-handed; the turn is a quarter about X. Nobody else in this crate swaps axes.

use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector3};

/// A vector of a Y-up world in the model's Z-up world.
pub fn from_y_up(v: Vector3<f32>) -> Vector3<f32> {
    Vector3::new(v.x, -v.z, v.y)
}

/// A vector of the model's Z-up world in a Y-up world.
pub fn to_y_up(v: Vector3<f32>) -> Vector3<f32> {
    Vector3::new(v.x, v.z, -v.y)
}

/// A rotation of a Y-up world in the model's Z-up world (conjugation by the quarter turn).
pub fn rotation_from_y_up(q: UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let v = from_y_up(q.imag());
    UnitQuaternion::new_unchecked(Quaternion::new(q.w, v.x, v.y, v.z))
}

/// A rotation of the model's Z-up world in a Y-up world (conjugation by the quarter turn).
pub fn rotation_to_y_up(q: UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let v = to_y_up(q.imag());
    UnitQuaternion::new_unchecked(Quaternion::new(q.w, v.x, v.y, v.z))
}

/// The turn itself: maps coordinates of a Y-up world to the model's Z-up world.
pub fn y_up_to_z_up() -> UnitQuaternion<f32> {
    UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f32::consts::FRAC_PI_2)
}

/// The turn itself as a matrix.
pub fn y_up_to_z_up_matrix() -> Matrix3<f32> {
    Matrix3::new(1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_matrix_and_quaternion_agree() {
        let v = Vector3::new(0.3, -1.2, 2.5);
        assert_eq!(to_y_up(from_y_up(v)), v);
        assert_eq!(y_up_to_z_up_matrix() * v, from_y_up(v));
        assert!((y_up_to_z_up() * v - from_y_up(v)).norm() < 1e-6);
        let q = UnitQuaternion::from_euler_angles(0.4, -0.9, 1.3);
        let turned = rotation_from_y_up(q) * from_y_up(v);
        assert!((turned - from_y_up(q * v)).norm() < 1e-6);
        assert!(rotation_to_y_up(rotation_from_y_up(q)).angle_to(&q) < 1e-6);
    }
}
