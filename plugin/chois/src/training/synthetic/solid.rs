//! Shapes put together of convex pieces: the mesh that hands and the network see, and the parts that physics moves.

use std::f32::consts::TAU;

use nalgebra::{UnitQuaternion, Vector3};

use crate::contact::{ObjectPhysics, PhysicalObject};
use crate::error::Result;
use crate::geometry::{Mesh, ObjectGeometry};

/// A shape of convex, closed pieces that may overlap. Metres, Z up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solid {
    pieces: Vec<Mesh>,
}

impl Solid {
    /// Adds a block about `middle` with these edge lengths.
    pub fn block(&mut self, middle: [f32; 3], size: [f32; 3]) -> &mut Self {
        let (middle, size) = (Vector3::from(middle), Vector3::from(size));
        self.pieces.push(Mesh::cuboid(middle - size / 2.0, size));
        self
    }

    /// Adds a round or many-sided post from `a` to `b`, `radii` wide at either end.
    pub fn post(&mut self, a: [f32; 3], b: [f32; 3], radii: [f32; 2], sides: u32) -> &mut Self {
        let (a, b) = (Vector3::from(a), Vector3::from(b));
        let turn = UnitQuaternion::rotation_between(&Vector3::z(), &(b - a))
            .unwrap_or_else(|| UnitQuaternion::from_scaled_axis(Vector3::x() * (TAU / 2.0)));
        let mut mesh = Mesh::default();
        for (end, radius) in [a, b].into_iter().zip(radii) {
            for k in 0..sides {
                let (s, c) = ((k as f32 + 0.5) * TAU / sides as f32).sin_cos();
                mesh.vertices
                    .push(end + turn * Vector3::new(c * radius, s * radius, 0.0));
            }
        }
        for k in 0..sides {
            let next = (k + 1) % sides;
            mesh.triangles.push([k, next, sides + next]);
            mesh.triangles.push([k, sides + next, sides + k]);
            if k > 0 && next > 0 {
                mesh.triangles.push([0, next, k]);
                mesh.triangles.push([sides, sides + k, sides + next]);
            }
        }
        self.pieces.push(mesh);
        self
    }

    /// Adds the frame of a hoop in the plane z = `middle[2]`: a ring of posts.
    pub fn hoop(&mut self, middle: [f32; 3], radius: f32, thick: f32, sides: u32) -> &mut Self {
        let at = |k: u32| {
            let (s, c) = (k as f32 * TAU / sides as f32).sin_cos();
            [middle[0] + radius * c, middle[1] + radius * s, middle[2]]
        };
        for k in 0..sides {
            self.post(at(k), at(k + 1), [thick, thick], 6);
        }
        self
    }

    /// The shape stretched and moved so that its bounding box is `size` about the origin.
    #[must_use]
    pub fn fitted(mut self, size: Vector3<f32>) -> Self {
        let all = self.pieces.iter().flat_map(|p| &p.vertices);
        let (mut low, mut high) = (
            Vector3::repeat(f32::INFINITY),
            Vector3::repeat(f32::NEG_INFINITY),
        );
        for v in all {
            (low, high) = (low.inf(v), high.sup(v));
        }
        let middle = (low + high) / 2.0;
        let stretch = size.component_div(&(high - low).sup(&Vector3::repeat(1e-4)));
        for v in self.pieces.iter_mut().flat_map(|p| &mut p.vertices) {
            *v = (*v - middle).component_mul(&stretch);
        }
        self
    }

    /// All pieces in one mesh.
    pub fn mesh(&self) -> Mesh {
        let mut out = Mesh::default();
        for piece in &self.pieces {
            let first = out.vertices.len() as u32;
            out.vertices.extend_from_slice(&piece.vertices);
            let moved = piece.triangles.iter().map(|t| t.map(|i| i + first));
            out.triangles.extend(moved);
        }
        out
    }

    /// The shape as an object: its mesh evenly refined, its pieces the parts of physics.
    ///
    /// # Errors
    /// Those of [`ObjectGeometry::new`] and [`PhysicalObject::new`].
    pub fn object(&self, name: &str, physics: &ObjectPhysics) -> Result<PhysicalObject> {
        let geometry = ObjectGeometry::new(name, self.mesh().refined().welded())?;
        let center = geometry.center();
        let parts = self.pieces.iter();
        let parts = parts.map(|p| p.vertices.iter().map(|v| v - center).collect());
        PhysicalObject::of_hulls(&geometry, physics, parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Surface;

    #[test]
    fn pieces_are_closed_and_face_outward() {
        let mut solid = Solid::default();
        solid
            .block([0.0, 0.0, 0.1], [0.4, 0.3, 0.2])
            .post([0.0, 0.0, 0.2], [0.1, 0.0, 0.8], [0.03, 0.02], 8)
            .post([0.0, 0.0, 0.2], [0.0, 0.0, -0.2], [0.05, 0.02], 5)
            .hoop([0.0, 0.0, 0.9], 0.2, 0.01, 8);
        solid.mesh().check().expect("a usable mesh");
        let solid = solid.fitted(Vector3::new(0.5, 0.4, 1.2));
        let object = solid.object("x", &ObjectPhysics::default());
        let object = object.expect("an object");
        let extents = object.geometry().extents();
        assert!((extents - Vector3::new(0.5, 0.4, 1.2)).norm() < 1e-4);
        let surface = Surface::new(object.geometry());
        for piece in &solid.pieces {
            let middle: Vector3<f32> =
                piece.vertices.iter().sum::<Vector3<f32>>() / piece.vertices.len() as f32;
            let depth = surface.signed_distance(&(middle - object.geometry().center()));
            assert!(depth < 0.0, "{depth}");
        }
    }
}
