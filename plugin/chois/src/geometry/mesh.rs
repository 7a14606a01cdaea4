//! A triangle mesh and what makes one usable.

use std::collections::HashMap;

use nalgebra::Vector3;

use crate::{Error, Result};

/// Most vertices a mesh may have.
pub const MAX_VERTICES: usize = 2_000_000;
/// Most triangles a mesh may have.
pub const MAX_TRIANGLES: usize = 8_000_000;
/// Largest extent along any axis, metres. Beyond it the unit is almost certainly not the metre.
pub const MAX_EXTENT: f32 = 20.0;
/// A mesh whose extents are all below this (metres) has no size.
pub const MIN_EXTENT: f32 = 1e-3;

/// A triangle mesh, metres. Which frame it is in is said by whoever made it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    /// Vertex positions, metres.
    pub vertices: Vec<Vector3<f32>>,
    /// Corners of each triangle as indices into `vertices`, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// A box with its smallest corner at `low`, twelve triangles, outward winding. Metres.
    pub fn cuboid(low: Vector3<f32>, size: Vector3<f32>) -> Self {
        let vertices = (0..8)
            .map(|i| {
                let corner = Vector3::new(i & 1, (i >> 1) & 1, (i >> 2) & 1).cast::<f32>();
                low + corner.component_mul(&size)
            })
            .collect();
        let quads = [
            [0, 2, 3, 1],
            [4, 5, 7, 6],
            [0, 1, 5, 4],
            [2, 6, 7, 3],
            [0, 4, 6, 2],
            [1, 3, 7, 5],
        ];
        let triangles = quads
            .iter()
            .flat_map(|q| [[q[0], q[1], q[2]], [q[0], q[2], q[3]]])
            .collect();
        Self {
            vertices,
            triangles,
        }
    }

    /// Smallest and largest corner of the axis-aligned bounding box; both zero when there are no vertices.
    pub fn bounds(&self) -> (Vector3<f32>, Vector3<f32>) {
        bounds(&self.vertices)
    }

    /// Lengths of the bounding box along x, y and z, metres.
    pub fn extents(&self) -> Vector3<f32> {
        let (low, high) = self.bounds();
        high - low
    }

    /// The corners of one triangle.
    ///
    /// # Panics
    /// When the triangle or one of its indices does not exist; [`Mesh::check`] rules the latter out.
    pub fn corners(&self, triangle: usize) -> [Vector3<f32>; 3] {
        self.triangles[triangle].map(|i| self.vertices[i as usize])
    }

    /// Whether the mesh can be used: finite vertices, indices in range, at least one triangle, a size between
    /// [`MIN_EXTENT`] and [`MAX_EXTENT`], and no more than [`MAX_VERTICES`] and [`MAX_TRIANGLES`].
    ///
    /// # Errors
    /// [`Error::Invalid`] with the field `mesh`, saying the first thing that is wrong.
    pub fn check(&self) -> Result<()> {
        match self.fault() {
            None => Ok(()),
            Some(reason) => Err(Error::invalid("mesh", reason)),
        }
    }

    /// The first thing that makes the mesh unusable, as one sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.vertices.len() > MAX_VERTICES {
            return Some(too_many_vertices());
        }
        if self.triangles.len() > MAX_TRIANGLES {
            return Some(too_many_triangles());
        }
        if let Some(i) = self
            .vertices
            .iter()
            .position(|v| !v.iter().all(|c| c.is_finite()))
        {
            let v = self.vertices[i];
            return Some(format!(
                "vertex {i} is ({}, {}, {}); every coordinate must be a finite number",
                v.x, v.y, v.z
            ));
        }
        let count = self.vertices.len();
        for (t, corners) in self.triangles.iter().enumerate() {
            if let Some(i) = corners.iter().find(|i| **i as usize >= count) {
                return Some(format!(
                    "triangle {t} asks for vertex {i}, but there are only {count} vertices"
                ));
            }
        }
        if self.triangles.is_empty() {
            return Some(
                "it has no triangles; export the object as a surface, not as points or lines"
                    .to_owned(),
            );
        }
        let extents = self.extents();
        let largest = extents.max();
        if largest > MAX_EXTENT {
            let scale = if largest <= 100.0 * MAX_EXTENT {
                "0.01, if the file is in centimetres"
            } else {
                "0.001, if the file is in millimetres"
            };
            return Some(format!(
                "it measures {:.4} x {:.4} x {:.4} metres, and {MAX_EXTENT} is the most along any axis; scale it \
                 (by {scale})",
                extents.x, extents.y, extents.z
            ));
        }
        if largest < MIN_EXTENT {
            return Some(format!(
                "it measures {:e} x {:e} x {:e} metres, less than a millimetre along every axis; scale it to metres",
                extents.x, extents.y, extents.z
            ));
        }
        None
    }

    /// The same surface with vertices at the same place made one, and without vertices that no triangle uses and
    /// triangles that collapse.
    ///
    /// File formats split vertices where normals, texture coordinates or materials differ. CHOIS's centre is the
    /// mean of the vertices, so without this it would depend on how a mesh happened to be exported.
    #[must_use]
    pub fn welded(&self) -> Self {
        // -0.0 and 0.0 are the same place.
        let key = |v: &Vector3<f32>| [v.x + 0.0, v.y + 0.0, v.z + 0.0].map(f32::to_bits);
        let mut places = HashMap::with_capacity(self.vertices.len());
        let mut welded = Self::default();
        for corners in &self.triangles {
            let places_of = corners.map(|i| self.vertices.get(i as usize).map(key));
            let [Some(a), Some(b), Some(c)] = places_of else {
                continue;
            };
            if a == b || b == c || c == a {
                continue;
            }
            welded.triangles.push([a, b, c].map(|place| {
                *places.entry(place).or_insert_with(|| {
                    welded
                        .vertices
                        .push(Vector3::from(place.map(f32::from_bits)));
                    welded.vertices.len() as u32 - 1
                })
            }));
        }
        welded
    }
}

/// Longest edge of the captured meshes' even triangulation, metres: what [`Mesh::refined`] aims at.
pub const EVEN_EDGE: f32 = 0.03;
/// Most vertices that [`Mesh::refined`] makes.
const REFINED_VERTICES: usize = 6_000;
/// Most triangles that it adds: on a surface, each vertex adds two.
const REFINED_TRIANGLES: usize = 16 * REFINED_VERTICES;

impl Mesh {
    /// The same surface with edges of at most 3 cm (longer where that would take more than a few thousand
    /// vertices).
    ///
    /// CHOIS sees shape, centre and contact through vertices alone and learned from densely and evenly scanned meshes; a
    /// modelled table top has four vertices and would be nearly invisible.
    #[must_use]
    pub fn refined(&self) -> Self {
        let area: f32 = (0..self.triangles.len())
            .map(|t| {
                let [a, b, c] = self.corners(t);
                (b - a).cross(&(c - a)).norm() / 2.0
            })
            .sum();
        // Bisected triangles have about a third of the area of a square over the longest edge, and half a vertex each.
        let affordable = (area * 3.0 / (2.0 * REFINED_VERTICES as f32)).sqrt();
        let longest = EVEN_EDGE.max(affordable);
        let mut out = self.clone();
        let mut midpoints: HashMap<(u32, u32), u32> = HashMap::new();
        let mut work = std::mem::take(&mut out.triangles);
        let most = work.len() + REFINED_TRIANGLES;
        while let Some(triangle) = work.pop() {
            let [a, b, c] = triangle.map(|i| out.vertices[i as usize]);
            let lengths = [(b - a).norm(), (c - b).norm(), (a - c).norm()];
            let edge = (0..3).fold(
                0,
                |best, e| if lengths[e] > lengths[best] { e } else { best },
            );
            // Triangles that lie on each other share their vertices: what they become is counted, too.
            let full = out.vertices.len() >= 4 * REFINED_VERTICES
                || out.triangles.len() + work.len() >= most;
            if lengths[edge] <= longest || full {
                out.triangles.push(triangle);
                continue;
            }
            let [i, j, k] = [edge, (edge + 1) % 3, (edge + 2) % 3].map(|e| triangle[e]);
            let m = *midpoints.entry((i.min(j), i.max(j))).or_insert_with(|| {
                let middle = (out.vertices[i as usize] + out.vertices[j as usize]) / 2.0;
                out.vertices.push(middle);
                out.vertices.len() as u32 - 1
            });
            work.push([i, m, k]);
            work.push([m, j, k]);
        }
        out
    }
}

/// Smallest and largest corner of the axis-aligned bounding box; both zero when there are no points.
pub(super) fn bounds(points: &[Vector3<f32>]) -> (Vector3<f32>, Vector3<f32>) {
    let Some(first) = points.first() else {
        return Default::default();
    };
    points
        .iter()
        .fold((*first, *first), |(low, high), v| (low.inf(v), high.sup(v)))
}

/// The sentence for a mesh above [`MAX_VERTICES`].
pub(super) fn too_many_vertices() -> String {
    format!("it has more than {MAX_VERTICES} vertices; simplify it")
}

/// The sentence for a mesh above [`MAX_TRIANGLES`].
pub(super) fn too_many_triangles() -> String {
    format!("it has more than {MAX_TRIANGLES} triangles; simplify it")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::geometry) fn cuboid(low: Vector3<f32>, size: Vector3<f32>) -> Mesh {
        Mesh::cuboid(low, size)
    }

    /// A unit ball about the origin with `n` rings of `2 n` quads, closed, outward winding.
    pub(in crate::geometry) fn ball(n: u32) -> Mesh {
        use std::f32::consts::PI;
        let around = 2 * n;
        let mut mesh = Mesh::default();
        for ring in 0..=n {
            let polar = PI * ring as f32 / n as f32;
            for step in 0..around {
                let turn = PI * step as f32 / n as f32;
                let (s, z) = polar.sin_cos();
                mesh.vertices
                    .push(Vector3::new(s * turn.cos(), s * turn.sin(), z));
            }
        }
        let at = |ring: u32, step: u32| ring * around + step % around;
        for ring in 0..n {
            for step in 0..around {
                let (a, b) = (at(ring, step), at(ring, step + 1));
                let (c, d) = (at(ring + 1, step + 1), at(ring + 1, step));
                mesh.triangles.extend([[a, d, c], [a, c, b]]);
            }
        }
        mesh.welded()
    }

    fn fault(change: impl FnOnce(&mut Mesh)) -> String {
        let mut mesh = cuboid(Vector3::zeros(), Vector3::new(1.0, 2.0, 3.0));
        change(&mut mesh);
        mesh.check().expect_err("a fault").to_string()
    }

    #[test]
    fn triangles_on_each_other_do_not_become_millions() {
        let vertices = [0.0, 10.0, 20.0]
            .map(|x| Vector3::new(x, 0.0, 0.0))
            .to_vec();
        let count = 500;
        let mesh = Mesh {
            vertices,
            triangles: vec![[0, 1, 2]; count],
        };
        assert!(mesh.check().is_ok());
        let refined = mesh.refined();
        assert!(refined.triangles.len() <= count + REFINED_TRIANGLES + 1);
        assert!(refined.check().is_ok());
    }

    #[test]
    fn every_fault_is_named() {
        assert!(
            cuboid(Vector3::zeros(), Vector3::repeat(1.0))
                .check()
                .is_ok()
        );
        assert!(fault(|m| m.triangles.clear()).contains("no triangles"));
        assert!(fault(|m| m.vertices[5].y = f32::NAN).contains("vertex 5"));
        assert!(fault(|m| m.vertices[2].z = f32::INFINITY).contains("vertex 2"));
        assert!(fault(|m| m.triangles[3][1] = 8).contains("triangle 3 asks for vertex 8"));
        let scale = |m: &mut Mesh, s: f32| m.vertices.iter_mut().for_each(|v| *v *= s);
        assert!(fault(|m| scale(m, 1e-5)).contains("less than a millimetre"));
        let centimetres = fault(|m| scale(m, 100.0));
        assert!(centimetres.contains("100.0000 x 200.0000 x 300.0000"));
        assert!(centimetres.contains("0.01,"));
        assert!(fault(|m| scale(m, 1000.0)).contains("0.001,"));
        assert!(
            fault(|m| {
                m.vertices[0].x = f32::MIN;
                m.vertices[1].x = f32::MAX;
            })
            .contains("inf")
        );
        assert!(fault(|m| m.vertices.resize(MAX_VERTICES + 1, Vector3::zeros())).contains("more"));
        assert!(fault(|m| m.triangles.resize(MAX_TRIANGLES + 1, [0; 3])).contains("more"));
    }

    #[test]
    fn welding_joins_split_vertices_and_drops_strays() {
        let solid = cuboid(Vector3::repeat(-0.5), Vector3::repeat(1.0));
        let mut split = Mesh::default();
        for t in 0..solid.triangles.len() {
            let first = split.vertices.len() as u32;
            split.vertices.extend(solid.corners(t));
            split.triangles.push([first, first + 1, first + 2]);
        }
        split.vertices.push(Vector3::repeat(9.0));
        split.triangles.push([0, 0, 1]);
        let welded = split.welded();
        assert_eq!(welded.vertices.len(), 8);
        assert_eq!(welded.triangles.len(), 12);
        for t in 0..12 {
            assert_eq!(welded.corners(t), solid.corners(t));
        }
    }

    #[test]
    fn refining_keeps_the_surface_and_shortens_edges() {
        let mesh = Mesh {
            vertices: vec![
                Vector3::zeros(),
                Vector3::new(0.4, 0.0, 0.0),
                Vector3::new(0.4, 0.3, 0.0),
                Vector3::new(0.0, 0.3, 0.0),
            ],
            triangles: vec![[0, 1, 2], [0, 2, 3]],
        };
        let area = |m: &Mesh| -> f32 {
            (0..m.triangles.len())
                .map(|t| {
                    let [a, b, c] = m.corners(t);
                    (b - a).cross(&(c - a)).z / 2.0
                })
                .sum()
        };
        let fine = mesh.refined();
        assert!((area(&fine) - 0.12).abs() < 1e-5, "{}", area(&fine));
        for t in 0..fine.triangles.len() {
            let [a, b, c] = fine.corners(t);
            for edge in [b - a, c - b, a - c] {
                assert!(edge.norm() <= EVEN_EDGE + 1e-6);
            }
        }
        // The mesh's own vertices come first, and refining again adds none.
        assert_eq!(fine.vertices[..4], mesh.vertices[..]);
        assert_eq!(fine.refined().vertices, fine.vertices);
        let huge = Mesh {
            vertices: mesh.vertices.iter().map(|v| v * 40.0).collect(),
            ..mesh
        };
        assert!(huge.refined().vertices.len() < 4 * REFINED_VERTICES);
    }
}
