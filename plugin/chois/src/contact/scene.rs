//! What an object can stand on and bump into, besides the floor.

use nalgebra::{Isometry3, Vector3};
use rapier3d::parry::query::{Ray, intersection_test};
use rapier3d::prelude::SharedShape;

use super::convert::{from_vec, to_pose, to_vec};
use super::object::PhysicalObject;
use crate::error::{Error, Result};
use crate::geometry::{Mesh, ObjectGeometry};

/// The shape of an obstacle, metres.
#[derive(Clone)]
pub struct ObstacleShape(Vec<SharedShape>);

impl std::fmt::Debug for ObstacleShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ObstacleShape").field(&self.0.len()).finish()
    }
}

impl ObstacleShape {
    /// A box with these half lengths about its middle.
    ///
    /// # Errors
    /// [`Error::Invalid`] for lengths that are not finite and above zero.
    pub fn cuboid(half: Vector3<f32>) -> Result<Self> {
        if !half.iter().all(|h| h.is_finite() && *h > 0.0) {
            return Err(Error::invalid(
                "obstacle",
                format!("half lengths {half:?}; give finite ones above 0"),
            ));
        }
        Ok(Self(vec![SharedShape::cuboid(half.x, half.y, half.z)]))
    }

    /// The surface of a mesh as it is, in its own frame; for what does not move.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the mesh fails [`Mesh::check`] or has no triangle with an area.
    pub fn mesh(mesh: &Mesh) -> Result<Self> {
        mesh.check()?;
        let vertices = mesh.vertices.iter().map(to_vec).collect();
        let shape = SharedShape::trimesh(vertices, mesh.triangles.clone())
            .map_err(|e| Error::invalid("obstacle", e))?;
        Ok(Self(vec![shape]))
    }

    /// The convex hull of an object, about its centre: what is asked for quickly, not what physics takes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an object that is flat.
    pub fn hull(object: &ObjectGeometry) -> Result<Self> {
        let hull = super::decompose::convex(object.vertices()).ok_or_else(|| {
            Error::invalid(
                object.name(),
                "has no volume; give it a mesh that is not flat",
            )
        })?;
        Ok(Self(vec![hull]))
    }

    /// An upright column about its middle, metres.
    ///
    /// # Errors
    /// [`Error::Invalid`] for lengths that are not finite and above zero.
    pub fn column(half_height: f32, radius: f32) -> Result<Self> {
        if ![half_height, radius]
            .iter()
            .all(|v| v.is_finite() && *v > 0.0)
        {
            return Err(Error::invalid(
                "obstacle",
                format!("half height {half_height} m, radius {radius} m; give finite ones above 0"),
            ));
        }
        Ok(Self(vec![SharedShape::capsule_z(
            (half_height - radius).max(1e-3),
            radius,
        )]))
    }

    /// The convex parts of another object, about its centre.
    pub fn object(object: &PhysicalObject) -> Self {
        Self(object.shapes().to_vec())
    }

    pub(crate) fn shapes(&self) -> &[SharedShape] {
        &self.0
    }
}

/// Something that the object cannot pass.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// Its shape.
    pub shape: ObstacleShape,
    /// Where it is, world.
    pub place: Isometry3<f32>,
    /// Coefficient of friction; 0.5 unless set.
    pub friction: f32,
}

impl Obstacle {
    /// An obstacle with ordinary friction.
    pub fn new(shape: ObstacleShape, place: Isometry3<f32>) -> Self {
        Self {
            shape,
            place,
            friction: 0.5,
        }
    }
}

/// Questions about where there is room.
impl Obstacle {
    /// Whether a convex shape there touches it.
    pub fn touches(&self, shape: &ObstacleShape, place: &Isometry3<f32>) -> bool {
        let (own, other) = (to_pose(&self.place), to_pose(place));
        (self.shape.0.iter()).any(|a| {
            (shape.0.iter()).any(|b| intersection_test(&own, &**a, &other, &**b).unwrap_or(false))
        })
    }

    /// Whether a convex shape there touches it or is within it; of something solid, not of a room.
    pub fn meets(&self, shape: &ObstacleShape, place: &Isometry3<f32>) -> bool {
        self.touches(shape, place) || self.is_around(&place.translation.vector)
    }

    /// Whether a point is within its closed surface: a surface alone is touched by nothing that it holds.
    fn is_around(&self, point: &Vector3<f32>) -> bool {
        const MOST: usize = 64;
        let mut from = *point;
        for crossed in 0..MOST {
            let Some((distance, _)) = self.cast(&from, &Vector3::z()) else {
                return crossed % 2 == 1;
            };
            from.z += distance + 1e-4;
        }
        false
    }

    /// Where a ray first meets its surface: metres from where it begins, `along` being a unit vector, and the surface's
    /// normal there.
    pub fn cast(&self, from: &Vector3<f32>, along: &Vector3<f32>) -> Option<(f32, Vector3<f32>)> {
        const FARTHEST: f32 = 1e3;
        let ray = Ray::new(to_vec(from), to_vec(along));
        let own = to_pose(&self.place);
        (self.shape.0.iter())
            .filter_map(|s| s.cast_ray_and_get_normal(&own, &ray, FARTHEST, false))
            .map(|hit| (hit.time_of_impact, from_vec(hit.normal)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of a top and a block under one half of it.
    fn table() -> Obstacle {
        let mut mesh = Mesh::cuboid(Vector3::new(-0.5, -0.5, 0.7), Vector3::new(1.0, 1.0, 0.05));
        let block = Mesh::cuboid(Vector3::new(-0.5, -0.5, 0.0), Vector3::new(0.5, 1.0, 0.6));
        let first = mesh.vertices.len() as u32;
        mesh.vertices.extend(block.vertices);
        let shifted = block.triangles.iter().map(|t| t.map(|i| i + first));
        mesh.triangles.extend(shifted);
        let shape = ObstacleShape::mesh(&mesh).expect("a mesh");
        Obstacle::new(shape, Isometry3::translation(2.0, 0.0, 0.0))
    }

    #[test]
    fn what_stands_within_or_against_something_meets_it() {
        let table = table();
        let small = ObstacleShape::cuboid(Vector3::repeat(0.1)).expect("a box");
        let at = |x, y, z| table.meets(&small, &Isometry3::translation(x, y, z));
        assert!(at(1.5, 0.0, 0.3), "through the side of the block");
        assert!(at(1.75, 0.0, 0.3), "wholly within the block");
        assert!(!at(2.25, 0.0, 0.3), "under the free half");
        assert!(at(2.25, 0.0, 0.7), "in the top");
        assert!(!at(2.25, 0.0, 0.9), "on the top");
        assert!(!at(0.0, 0.0, 0.3));
    }

    #[test]
    fn rays_find_the_surface_they_meet_first() {
        let table = table();
        let down = -Vector3::z();
        let (far, normal) = table
            .cast(&Vector3::new(2.2, 0.1, 2.0), &down)
            .expect("a hit");
        assert!(
            (far - 1.25).abs() < 1e-4 && normal.z > 0.99,
            "{far} {normal}"
        );
        assert!(table.cast(&Vector3::new(0.0, 0.0, 2.0), &down).is_none());
    }
}
