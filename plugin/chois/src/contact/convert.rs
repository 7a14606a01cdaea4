//! Between nalgebra, which this crate speaks, and glam, which rapier3d speaks.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::glamx::{Pose3, Quat, Vec3};

pub(crate) fn to_vec(v: &Vector3<f32>) -> Vec3 {
    Vec3::new(v.x, v.y, v.z)
}

pub(crate) fn from_vec(v: Vec3) -> Vector3<f32> {
    Vector3::new(v.x, v.y, v.z)
}

pub(crate) fn to_pose(pose: &Isometry3<f32>) -> Pose3 {
    let q = pose.rotation.coords;
    Pose3::from_parts(
        to_vec(&pose.translation.vector),
        Quat::from_xyzw(q.x, q.y, q.z, q.w).normalize(),
    )
}

pub(crate) fn from_pose(pose: &Pose3) -> Isometry3<f32> {
    let q = pose.rotation;
    Isometry3::from_parts(
        Translation3::from(from_vec(pose.translation)),
        UnitQuaternion::from_quaternion(Quaternion::new(q.w, q.x, q.y, q.z)),
    )
}
