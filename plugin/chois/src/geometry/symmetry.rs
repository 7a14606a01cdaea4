//! Shapes that look the same when they are turned.

use nalgebra::{UnitQuaternion, Vector3};

use super::{ObjectGeometry, Surface};

/// Turns of a full circle that are asked about: as good as round, square, two-sided.
const ASKED: [u32; 3] = [12, 4, 2];
/// How far a turned shape may be off itself: metres, and as a share of its size across.
const OFF: f32 = 0.01;
const OFF_SHARE: f32 = 0.03;
/// Vertices that are looked at.
const SAMPLES: usize = 160;

/// In how many ways an object, lying as `rotation` says, looks the same on one turn about the vertical through its centre: 12
/// for what is as good as round, 4, 2, or 1.
pub fn alike_turns(object: &ObjectGeometry, rotation: &UnitQuaternion<f32>) -> u32 {
    let surface = Surface::new(object);
    let up = nalgebra::Unit::new_unchecked(rotation.inverse() * Vector3::z());
    let vertices = object.vertices();
    let across = |v: &Vector3<f32>| (v - up.into_inner() * v.dot(&up)).norm();
    let size = vertices.iter().map(across).fold(0.0, f32::max);
    let most = OFF.max(OFF_SHARE * size);
    let stride = (vertices.len() / SAMPLES).max(1);
    let same = |ways: u32| {
        let turn = UnitQuaternion::from_axis_angle(&up, std::f32::consts::TAU / ways as f32);
        (vertices.iter().step_by(stride)).all(|v| {
            let v = turn * v;
            (surface.nearest(&v)).is_none_or(|near| (near.position - v).norm() < most)
        })
    };
    ASKED.into_iter().find(|ways| same(*ways)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Mesh;

    #[test]
    fn boxes_and_posts_look_the_same_more_often() {
        let ways = |size: [f32; 3], turn: UnitQuaternion<f32>| {
            let size = Vector3::from(size);
            let mesh = Mesh::cuboid(-size / 2.0, size).refined();
            let object = ObjectGeometry::new("thing", mesh).expect("a box");
            alike_turns(&object, &turn)
        };
        let still = UnitQuaternion::identity();
        assert_eq!(ways([0.6, 0.3, 0.4], still), 2);
        assert_eq!(ways([0.4, 0.4, 0.9], still), 4);
        assert_eq!(ways([0.02, 0.02, 1.5], still), 12);
        // Laid on its side, the square box is two-sided.
        let laid = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f32::consts::FRAC_PI_2);
        assert_eq!(ways([0.4, 0.4, 0.9], laid), 2);
        // With a back it is a chair.
        let mut chair = Mesh::cuboid(Vector3::new(-0.2, -0.2, 0.0), Vector3::new(0.4, 0.4, 0.4));
        let back = Mesh::cuboid(Vector3::new(-0.2, 0.15, 0.4), Vector3::new(0.4, 0.05, 0.5));
        let first = chair.vertices.len() as u32;
        chair.vertices.extend(&back.vertices);
        chair
            .triangles
            .extend(back.triangles.iter().map(|t| t.map(|i| i + first)));
        let chair = ObjectGeometry::new("chair", chair.refined()).expect("a chair");
        assert_eq!(alike_turns(&chair, &still), 1);
    }
}
