//! What an object can stand on and bump into, besides the floor.

use nalgebra::{Isometry3, Vector3};
use rapier3d::prelude::SharedShape;

use super::convert::to_vec;
use super::object::PhysicalObject;
use crate::error::{Error, Result};
use crate::geometry::Mesh;

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
    /// Friction.
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
