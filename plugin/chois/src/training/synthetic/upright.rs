//! How a captured object stands: its scan has axes of its own, which say nothing of top, side or back.

use std::f32::consts::FRAC_PI_2;

use nalgebra::{Rotation2, UnitQuaternion, Vector2, Vector3};

use super::things::Kind;
use crate::geometry::{Mesh, ObjectGeometry};

/// Turns of the footprint that are tried, over a quarter turn.
const TURNS: usize = 90;

/// The upright frame of an object: Z up, its longer side along X, the back of a chair at -Y, the middle of its bounding box
/// at the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upright {
    /// From the rest frame to the upright one.
    pub turn: UnitQuaternion<f32>,
    /// Middle of the bounding box, upright axes, relative to the object's centre, metres.
    pub middle: Vector3<f32>,
    /// Bounding box in the upright frame, metres.
    pub size: Vector3<f32>,
}

impl Upright {
    /// The frame of an object that stands when it is turned by `standing` (rest frame to world).
    pub fn of(object: &ObjectGeometry, standing: &UnitQuaternion<f32>, kind: Kind) -> Self {
        let points: Vec<Vector3<f32>> = (object.vertices().iter()).map(|v| standing * v).collect();
        let box_of = |yaw: f32| {
            let turn = Rotation2::new(yaw);
            let mut low = Vector2::repeat(f32::INFINITY);
            let mut high = Vector2::repeat(f32::NEG_INFINITY);
            for p in &points {
                let p = turn * p.xy();
                (low, high) = (low.inf(&p), high.sup(&p));
            }
            (low, high)
        };
        let area = |yaw: f32| {
            let (low, high) = box_of(yaw);
            (high - low).product()
        };
        let mut yaw = (0..TURNS)
            .map(|k| k as f32 * FRAC_PI_2 / TURNS as f32)
            .min_by(|a, b| area(*a).total_cmp(&area(*b)))
            .unwrap_or(0.0);
        if kind == Kind::Chair {
            yaw += quarter_to_back(&points, yaw);
        } else {
            let (low, high) = box_of(yaw);
            if (high - low).x < (high - low).y {
                yaw += FRAC_PI_2;
            }
        }
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw) * standing;
        Self::turned(object, turn)
    }

    /// The frame with this turn.
    pub fn turned(object: &ObjectGeometry, turn: UnitQuaternion<f32>) -> Self {
        let mut low = Vector3::repeat(f32::INFINITY);
        let mut high = Vector3::repeat(f32::NEG_INFINITY);
        for v in object.vertices() {
            let v = turn * v;
            (low, high) = (low.inf(&v), high.sup(&v));
        }
        Self {
            turn,
            middle: (low + high) / 2.0,
            size: high - low,
        }
    }

    /// The object's mesh in its upright frame, stretched along its axes.
    pub fn stretched(&self, mesh: &Mesh, stretch: &Vector3<f32>) -> Mesh {
        Mesh {
            vertices: (mesh.vertices.iter())
                .map(|v| self.map(v, stretch))
                .collect(),
            triangles: mesh.triangles.clone(),
        }
    }

    /// A place of the rest frame (relative to the centre) in the upright frame, stretched along its axes.
    pub fn map(&self, place: &Vector3<f32>, stretch: &Vector3<f32>) -> Vector3<f32> {
        (self.turn * place - self.middle).component_mul(stretch)
    }
}

/// The quarter turns that bring the back of a chair, which is what is highest, to -Y.
fn quarter_to_back(points: &[Vector3<f32>], yaw: f32) -> f32 {
    let heights = points.iter().map(|p| p.z);
    let (low, high) = heights.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), z| {
        (low.min(z), high.max(z))
    });
    let turn = Rotation2::new(yaw);
    let mean =
        |points: &[Vector2<f32>]| points.iter().sum::<Vector2<f32>>() / points.len().max(1) as f32;
    let all: Vec<Vector2<f32>> = points.iter().map(|p| turn * p.xy()).collect();
    let above = low + 0.7 * (high - low);
    let back: Vec<Vector2<f32>> = (points.iter().zip(&all))
        .filter(|(p, _)| p.z > above)
        .map(|(_, flat)| *flat)
        .collect();
    let way = mean(&back) - mean(&all);
    let quarters = ((-FRAC_PI_2 - way.y.atan2(way.x)) / FRAC_PI_2).round();
    quarters * FRAC_PI_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chair_turned_any_way_stands_with_its_back_behind() {
        for k in 0..12 {
            // A seat with a back at +X, scanned lying on its side.
            let mut mesh =
                Mesh::cuboid(Vector3::new(-0.2, -0.25, 0.4), Vector3::new(0.4, 0.5, 0.05));
            let back = Mesh::cuboid(
                Vector3::new(0.17, -0.25, 0.45),
                Vector3::new(0.03, 0.5, 0.5),
            );
            let first = mesh.vertices.len() as u32;
            mesh.vertices.extend(&back.vertices);
            let moved = back.triangles.iter().map(|t| t.map(|i| i + first));
            mesh.triangles.extend(moved);
            let standing = UnitQuaternion::from_euler_angles(1.2, 0.4, k as f32 * 0.5);
            for v in &mut mesh.vertices {
                let world = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), k as f32) * *v;
                *v = standing.inverse() * world;
            }
            let object = ObjectGeometry::new("chair", mesh.refined()).expect("a mesh");
            let upright = Upright::of(&object, &standing, Kind::Chair);
            assert!(
                (upright.size - Vector3::new(0.5, 0.4, 0.55)).norm() < 0.02,
                "{}",
                upright.size
            );
            let mesh = upright.stretched(object.mesh(), &Vector3::repeat(1.0));
            let back: Vec<_> = mesh.vertices.iter().filter(|v| v.z > 0.1).collect();
            assert!(back.iter().all(|v| v.y < -0.1), "{k}");
        }
    }
}
