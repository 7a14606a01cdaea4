//! An object's shape about its centre.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kiddo::SquaredEuclidean;
use kiddo::immutable::float::kdtree::ImmutableKdTree;
use nalgebra::{UnitQuaternion, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bps::BpsBasis;
use super::columns::columns;
use super::load::{UpAxis, load_mesh};
use super::mesh::{Mesh, bounds};
use super::sdf::SdfGrid;
use super::silhouette::Silhouette;
use crate::{Error, Result};

/// Points per leaf of the nearest-vertex index.
const LEAF: usize = 32;
/// Ways of lying whose silhouettes are kept.
const LYING: usize = 8;

/// The shape of one object, its vertices relative to its centre (the mean of its vertices, which CHOIS calls the
/// centre of mass). Metres. The axes are those of the mesh it was made from: the object's rest frame. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct ObjectGeometry {
    name: String,
    shape: Arc<Shape>,
}

#[derive(Debug)]
struct Shape {
    mesh: Mesh,
    center: Vector3<f32>,
    index: ImmutableKdTree<f32, u32, 3, LEAF>,
    /// The vertex that each entry of `index` stands for: the first of those at its place.
    indexed: Vec<u32>,
    /// See [`ObjectGeometry::columns`].
    columns: OnceLock<Option<SdfGrid>>,
    /// See [`ObjectGeometry::silhouette`]; by the turn's numbers.
    silhouettes: Mutex<Vec<([u32; 4], Arc<Silhouette>)>>,
}

impl ObjectGeometry {
    /// An object from a mesh in its rest frame; the mesh is moved so that its mean vertex is at the origin.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the mesh fails [`Mesh::check`].
    pub fn new(name: impl Into<String>, mesh: Mesh) -> Result<Self> {
        let name = name.into();
        if let Some(reason) = mesh.fault() {
            return Err(Error::invalid(format!("mesh of {name}"), reason));
        }
        Ok(Self::from_checked(name, mesh))
    }

    /// Loads a mesh file (see [`load_mesh`]); the object is named after the file.
    ///
    /// # Errors
    /// Those of [`load_mesh`].
    pub fn load(path: &Path, up: Option<UpAxis>) -> Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self::from_checked(name.into_owned(), load_mesh(path, up)?))
    }

    fn from_checked(name: String, mut mesh: Mesh) -> Self {
        let sum: Vector3<f64> = mesh.vertices.iter().map(|v| v.cast::<f64>()).sum();
        let mean = sum / mesh.vertices.len() as f64;
        for v in &mut mesh.vertices {
            *v = (v.cast::<f64>() - mean).cast();
        }
        Self::centred(name, mesh, mean.cast())
    }

    fn centred(name: String, mesh: Mesh, center: Vector3<f32>) -> Self {
        let mut seen = HashSet::with_capacity(mesh.vertices.len());
        let (points, indexed): (Vec<[f32; 3]>, Vec<u32>) = mesh
            .vertices
            .iter()
            .zip(0..)
            .filter(|(v, _)| seen.insert([v.x + 0.0, v.y + 0.0, v.z + 0.0].map(f32::to_bits)))
            .map(|(v, i)| ([v.x, v.y, v.z], i))
            .unzip();
        let index = ImmutableKdTree::new_from_slice(&points);
        Self {
            name,
            shape: Arc::new(Shape {
                mesh,
                center,
                index,
                indexed,
                columns: OnceLock::new(),
                silhouettes: Mutex::default(),
            }),
        }
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same shape under another name; nothing is copied.
    #[must_use]
    pub fn named(&self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            shape: Arc::clone(&self.shape),
        }
    }

    /// Whether both have the same name and share one shape (not merely an equal one).
    pub fn is(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.shape, &other.shape)
    }

    /// Vertices relative to the centre, rest frame, metres. Never empty.
    pub fn vertices(&self) -> &[Vector3<f32>] {
        &self.shape.mesh.vertices
    }

    /// Corners of each triangle as indices into [`Self::vertices`], counter-clockwise seen from outside.
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.shape.mesh.triangles
    }

    /// The whole mesh about the centre.
    pub fn mesh(&self) -> &Mesh {
        &self.shape.mesh
    }

    /// The mesh in the frame that it was made from.
    pub fn original(&self) -> Mesh {
        let mut mesh = self.mesh().clone();
        for vertex in &mut mesh.vertices {
            *vertex += self.center();
        }
        mesh
    }

    /// A rough distance to it (relative to the centre, rest frame), made when first asked for: as columns over what it covers
    /// seen from above, a box or a table, not a bottle with its neck. None for what has no size.
    pub fn columns(&self) -> Option<&SdfGrid> {
        let made = self
            .shape
            .columns
            .get_or_init(|| columns(&self.mesh().refined().vertices));
        made.as_ref()
    }

    /// Where the centre lies in the frame of the mesh that this was made from, metres. A vertex was at
    /// `center() + vertex`.
    pub fn center(&self) -> Vector3<f32> {
        self.shape.center
    }

    /// Lengths of the bounding box along the axes of the rest frame, metres.
    pub fn extents(&self) -> Vector3<f32> {
        let (low, high) = bounds(self.vertices());
        high - low
    }

    /// What the network sees of the shape: for each basis point the nearest vertex of the object turned by
    /// `rotation`, minus that basis point. Both are relative to the centre; axes of the window frame; metres.
    pub fn bps(&self, rotation: &UnitQuaternion<f32>, basis: &BpsBasis) -> Vec<Vector3<f32>> {
        let back = rotation.inverse();
        basis
            .points()
            .iter()
            .map(|point| {
                let (vertex, _) = self.nearest_vertex(&(back * point));
                rotation * self.vertices()[vertex] - point
            })
            .collect()
    }

    /// The vertex nearest to a point (relative to the centre, rest frame) and its distance, metres.
    pub fn nearest_vertex(&self, local: &Vector3<f32>) -> (usize, f32) {
        let found = self
            .shape
            .index
            .nearest_one::<SquaredEuclidean>(&[local.x, local.y, local.z]);
        // A point that is not finite is near to nothing; the index then answers with an item of its own.
        let vertex = self.shape.indexed.get(found.item as usize).copied();
        (vertex.unwrap_or(0) as usize, found.distance.sqrt())
    }

    /// Height of the lowest vertex relative to the centre when the object is turned by `rotation`, metres; minus
    /// this is the height at which the object rests on the floor.
    pub fn lowest(&self, rotation: &UnitQuaternion<f32>) -> f32 {
        // The last row of the rotation: z of each turned vertex.
        let up = rotation.inverse() * Vector3::z();
        let heights = self.vertices().iter().map(|v| up.dot(v));
        heights.fold(f32::INFINITY, f32::min)
    }

    /// What is outermost of it, seen from above, turned by `tilt`; made once for each of the few ways in which things lie.
    pub(crate) fn silhouette(&self, tilt: &UnitQuaternion<f32>) -> Arc<Silhouette> {
        let key = [tilt.i, tilt.j, tilt.k, tilt.w].map(f32::to_bits);
        // What is in it is whole, whoever panicked beside it.
        let mut known = (self.shape.silhouettes.lock()).unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = known.iter().find(|(of, _)| *of == key) {
            return Arc::clone(made);
        }
        let made = Arc::new(Silhouette::new(self.vertices(), tilt));
        if known.len() >= LYING {
            known.remove(0);
        }
        known.push((key, Arc::clone(&made)));
        made
    }

    /// The object's mirror image in the plane x = 0 of its rest frame, under the same name.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let flip = |v: &Vector3<f32>| Vector3::new(-v.x, v.y, v.z);
        let mesh = Mesh {
            vertices: self.vertices().iter().map(flip).collect(),
            // A mirrored triangle winds the other way round.
            triangles: self
                .triangles()
                .iter()
                .map(|t| [t[0], t[2], t[1]])
                .collect(),
        };
        Self::centred(self.name.clone(), mesh, flip(&self.center()))
    }

    /// `n` points spread evenly over the surface (by area), relative to the centre, rest frame, metres. The same
    /// seed gives the same points.
    pub fn surface_samples(&self, n: usize, seed: u64) -> Vec<Vector3<f32>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut total = 0.0f64;
        let mut areas: Vec<f64> = (0..self.triangles().len())
            .map(|t| {
                let [a, b, c] = self.mesh().corners(t).map(|v| v.cast::<f64>());
                total += (b - a).cross(&(c - a)).norm();
                total
            })
            .collect();
        // Slivers only: every triangle is as good as any other.
        if total <= 0.0 {
            total = areas.len() as f64;
            areas = (1..=areas.len()).map(|i| i as f64).collect();
        }
        (0..n)
            .map(|_| {
                let at = random.random::<f64>() * total;
                let t = areas.partition_point(|sum| *sum <= at).min(areas.len() - 1);
                let [a, b, c] = self.mesh().corners(t);
                let (mut u, mut v) = (random.random::<f32>(), random.random::<f32>());
                // Folds the parallelogram onto the triangle.
                if u + v > 1.0 {
                    (u, v) = (1.0 - u, 1.0 - v);
                }
                a + (b - a) * u + (c - a) * v
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::tests::cuboid;
    use super::*;

    fn lamp() -> ObjectGeometry {
        let mesh = cuboid(Vector3::new(1.0, -2.0, 0.5), Vector3::new(0.2, 0.4, 1.6));
        ObjectGeometry::new("lamp", mesh).expect("a good mesh")
    }

    #[test]
    fn vertices_are_about_their_mean() {
        let lamp = lamp();
        assert_eq!(lamp.name(), "lamp");
        assert!((lamp.center() - Vector3::new(1.1, -1.8, 1.3)).norm() < 1e-6);
        let sum: Vector3<f32> = lamp.vertices().iter().sum();
        assert!(sum.norm() < 1e-5);
        assert!((lamp.extents() - Vector3::new(0.2, 0.4, 1.6)).norm() < 1e-5);
        let mut broken = lamp.mesh().clone();
        broken.triangles.clear();
        let error = ObjectGeometry::new("lamp", broken).expect_err("no triangles");
        assert!(error.to_string().starts_with("mesh of lamp: "));
    }

    #[test]
    fn lowest_is_the_smallest_turned_height() {
        let lamp = lamp();
        for q in [
            UnitQuaternion::identity(),
            UnitQuaternion::from_euler_angles(0.5, -1.1, 2.0),
            UnitQuaternion::from_euler_angles(std::f32::consts::FRAC_PI_2, 0.0, 0.0),
        ] {
            let heights = lamp.vertices().iter().map(|v| (q * v).z);
            let want = heights.fold(f32::INFINITY, f32::min);
            assert!((lamp.lowest(&q) - want).abs() < 1e-6);
        }
        assert!((lamp.lowest(&UnitQuaternion::identity()) + 0.8).abs() < 1e-6);
    }

    #[test]
    fn the_index_agrees_with_brute_force() {
        // A flat grid has many equal coordinates along every axis, and every point is there twice.
        let mut grid = Mesh::default();
        for i in 0..40 {
            for j in 0..40 {
                let v = Vector3::new(i as f32 * 0.03, (j / 8) as f32 * 0.03, 0.0);
                grid.vertices.extend([v, v]);
            }
        }
        let n = grid.vertices.len() as u32;
        grid.triangles = (2..n).map(|i| [0, i - 1, i]).collect();
        let object = ObjectGeometry::new("grid", grid).expect("a good mesh");
        let q = UnitQuaternion::from_euler_angles(0.3, 0.8, -2.0);
        let deltas = object.bps(&q, BpsBasis::standard());
        for (delta, point) in deltas.iter().zip(BpsBasis::standard().points()) {
            let distances = object.vertices().iter().map(|v| (q * v - point).norm());
            let want = distances.fold(f32::INFINITY, f32::min);
            assert!((delta.norm() - want).abs() < 1e-5);
        }
        let (at, distance) = object.nearest_vertex(&object.vertices()[17]);
        assert_eq!(object.vertices()[at], object.vertices()[17]);
        assert_eq!(distance, 0.0);
    }

    #[test]
    fn a_point_that_is_no_number_does_not_panic() {
        let nothing = Vector3::repeat(f32::NAN);
        assert!(lamp().nearest_vertex(&nothing).0 < 8);
    }

    #[test]
    fn mirroring_twice_is_nothing_and_keeps_the_outside_out() {
        let lamp = lamp();
        let mirrored = lamp.mirrored();
        assert_eq!(mirrored.center().x, -lamp.center().x);
        assert_eq!(mirrored.mirrored().mesh(), lamp.mesh());
        for t in 0..mirrored.triangles().len() {
            let [a, b, c] = mirrored.mesh().corners(t);
            assert!((b - a).cross(&(c - a)).dot(&(a + b + c)) > 0.0);
        }
    }

    #[test]
    fn samples_lie_on_the_surface_and_follow_the_area() {
        let lamp = lamp();
        let samples = lamp.surface_samples(4000, 3);
        assert_eq!(samples, lamp.surface_samples(4000, 3));
        let half = lamp.extents() / 2.0;
        let on_face = |s: &Vector3<f32>, axis: usize| (s[axis].abs() - half[axis]).abs() < 1e-5;
        assert!(samples.iter().all(|s| (0..3).any(|axis| on_face(s, axis))));
        // Faces along x have 0.4 x 1.6 of the 2.08 square metres, twice.
        let share = samples.iter().filter(|s| on_face(s, 0)).count() as f32 / 4000.0;
        assert!((share - 1.28 / 2.08).abs() < 0.03, "{share}");
    }
}
