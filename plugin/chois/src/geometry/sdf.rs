//! Signed distance grids in the published format (section 8 of the specification).

use std::path::Path;

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use super::bvh::Bvh;
use super::mesh::Mesh;
use super::npy;
use crate::{Error, Result, error};

/// Most grid points along an axis; the published grids have 256.
pub const MAX_GRID: usize = 512;

/// Signed distance to a surface, sampled on a grid: negative inside.
///
/// The grid spans a cube about `centroid` with sides of the largest of `extents`; its outermost points lie on the
/// cube's faces. Values are distances divided by half of that side, as in the published files. The frame is that of
/// the mesh that the grid was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct SdfGrid {
    dims: [usize; 3],
    centroid: Vector3<f32>,
    extents: Vector3<f32>,
    values: Vec<f32>,
}

/// The file beside the numbers.
#[derive(Serialize, Deserialize)]
struct About {
    centroid: [f32; 3],
    extents: [f32; 3],
    grid_dim: usize,
}

impl SdfGrid {
    /// A grid from its parts: `values` in order of x, then y, then z (z runs fastest), divided by half the side;
    /// `centroid` and `extents` in metres.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an axis has fewer than 2 or more than [`MAX_GRID`] points, the number of values is
    /// not the product of `dims`, a number is not finite, or the extents have no size.
    pub fn new(
        dims: [usize; 3],
        centroid: Vector3<f32>,
        extents: Vector3<f32>,
        values: Vec<f32>,
    ) -> Result<Self> {
        let grid = Self {
            dims,
            centroid,
            extents,
            values,
        };
        match grid.fault() {
            None => Ok(grid),
            Some(reason) => Err(Error::invalid("distance grid", reason)),
        }
    }

    fn fault(&self) -> Option<String> {
        let dims = self.dims;
        if dims.iter().any(|d| !(2..=MAX_GRID).contains(d)) {
            return Some(format!(
                "it has {} x {} x {} points; 2 to {MAX_GRID} along each axis are possible",
                dims[0], dims[1], dims[2]
            ));
        }
        let count: usize = dims.iter().product();
        if self.values.len() != count {
            return Some(format!(
                "it has {} values for {count} points",
                self.values.len()
            ));
        }
        if let Some(i) = self.values.iter().position(|v| !v.is_finite()) {
            return Some(format!("value {i} is not finite"));
        }
        let finite = |v: &Vector3<f32>| v.iter().all(|c| c.is_finite());
        if !finite(&self.centroid) || !finite(&self.extents) {
            return Some("its centroid and extents must be finite".to_owned());
        }
        if self.extents.max() <= 0.0 || self.extents.min() < 0.0 {
            return Some("its extents must be positive".to_owned());
        }
        None
    }

    /// Samples the signed distance to a mesh at `resolution` points along each axis.
    ///
    /// Distances are exact; a point is inside when the surface winds round it by more than a half either way, so
    /// that holes and a surface turned inside out do no harm. Works on all processors, for a time that grows with
    /// the third power of the resolution.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the mesh fails [`Mesh::check`] or the resolution is not 2 to [`MAX_GRID`].
    pub fn from_mesh(mesh: &Mesh, resolution: usize) -> Result<Self> {
        mesh.check()?;
        if !(2..=MAX_GRID).contains(&resolution) {
            return Err(Error::invalid(
                "resolution",
                format!("{resolution} was asked for; 2 to {MAX_GRID} are possible"),
            ));
        }
        let (low, high) = mesh.bounds();
        let (centroid, extents) = ((low + high) / 2.0, high - low);
        let half = extents.max() / 2.0;
        let normalised = Mesh {
            vertices: (mesh.vertices.iter())
                .map(|v| (v - centroid) / half)
                .collect(),
            triangles: mesh.triangles.clone(),
        };
        let bvh = Bvh::new(&normalised);
        let last = (resolution - 1) as f32;
        let coordinate = |i: usize| 2.0 * i as f32 / last - 1.0;
        let slab = resolution * resolution;
        let mut values = vec![0.0f32; resolution * slab];
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
        let per_worker = resolution.div_ceil(workers);
        std::thread::scope(|scope| {
            for (worker, part) in values.chunks_mut(per_worker * slab).enumerate() {
                let bvh = &bvh;
                scope.spawn(move || {
                    for (row, line) in part.chunks_exact_mut(resolution).enumerate() {
                        let row = row + worker * per_worker * resolution;
                        let (x, y) = (coordinate(row / resolution), coordinate(row % resolution));
                        let mut bound = f32::INFINITY;
                        for (k, value) in line.iter_mut().enumerate() {
                            let point = Vector3::new(x, y, coordinate(k));
                            let distance = bvh.distance(&point, bound);
                            let inside = bvh.winding(&point).abs() > 0.5;
                            *value = if inside { -distance } else { distance };
                            // The next point is one step away; a little room for rounding.
                            bound = (distance + 2.0 / last) * 1.0001;
                        }
                    }
                });
            }
        });
        Self::new([resolution; 3], centroid, extents, values)
    }

    /// Points along x, y and z.
    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    /// Centre of the cube, metres.
    pub fn centroid(&self) -> Vector3<f32> {
        self.centroid
    }

    /// Lengths of the surface's bounding box, metres; the cube's side is the largest.
    pub fn extents(&self) -> Vector3<f32> {
        self.extents
    }

    /// The values: order of x, then y, then z (fastest); distances divided by half the cube's side.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Signed distance at a point, metres, negative inside. Between grid points it is interpolated linearly along
    /// each axis; outside the cube it is that of the nearest point of the cube.
    pub fn query(&self, point: &Vector3<f32>) -> f32 {
        self.query_with_gradient(point).0
    }

    /// [`Self::query`], and how it changes with the point (metres per metre; outward where the surface is smooth).
    /// Beyond the cube it does not change along the axes on which the point is outside.
    pub fn query_with_gradient(&self, point: &Vector3<f32>) -> (f32, Vector3<f32>) {
        let half = self.extents.max() / 2.0;
        let mut cell = [0usize; 3];
        let mut part = [0.0f32; 3];
        let mut slope = Vector3::zeros();
        for axis in 0..3 {
            let last = (self.dims[axis] - 1) as f32;
            let along = ((point[axis] - self.centroid[axis]) / half + 1.0) / 2.0 * last;
            let clamped = along.clamp(0.0, last);
            cell[axis] = (clamped as usize).min(self.dims[axis] - 2);
            part[axis] = clamped - cell[axis] as f32;
            slope[axis] = if along == clamped { last / 2.0 } else { 0.0 };
        }
        let [_, ny, nz] = self.dims;
        let first = (cell[0] * ny + cell[1]) * nz + cell[2];
        let (mut value, mut gradient) = (0.0, Vector3::zeros());
        for corner in 0..8 {
            let bit = [corner & 1, corner >> 1 & 1, corner >> 2 & 1];
            let v = self.values[first + (bit[0] * ny + bit[1]) * nz + bit[2]];
            let weight = |axis: usize| match bit[axis] {
                0 => 1.0 - part[axis],
                _ => part[axis],
            };
            let w = [weight(0), weight(1), weight(2)];
            value += v * w[0] * w[1] * w[2];
            for axis in 0..3 {
                let others = w[(axis + 1) % 3] * w[(axis + 2) % 3];
                gradient[axis] += if bit[axis] == 0 { -v } else { v } * others;
            }
        }
        (value * half, gradient.component_mul(&slope))
    }

    /// Loads a published pair of files: `path` is the array (`<name>.ply.npy`), and the centroid and extents lie
    /// beside it with the ending `.json` (`<name>.ply.json`).
    ///
    /// # Errors
    /// [`Error::Read`] when one of them cannot be read, [`Error::Malformed`] when it is not what it should be.
    pub fn load(path: &Path) -> Result<Self> {
        let about = path.with_extension("json");
        Self::parse_pair(&error::read(path)?, path, &error::read(&about)?, &about)
    }

    /// [`Self::load`] for files that are already in memory. `name` is what errors call the array.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the bytes are not what they should be.
    pub fn parse(npy: &[u8], json: &[u8], name: &Path) -> Result<Self> {
        Self::parse_pair(npy, name, json, &name.with_extension("json"))
    }

    fn parse_pair(npy: &[u8], npy_name: &Path, json: &[u8], json_name: &Path) -> Result<Self> {
        const KIND: &str = "distance grid";
        let about: About = serde_json::from_slice(json).map_err(|e| {
            let reason = format!("{e}; it must have centroid, extents and grid_dim");
            Error::malformed(json_name, KIND, reason)
        })?;
        let refuse = |reason: String| Error::malformed(npy_name, KIND, reason);
        let (shape, values) = npy::read(npy).map_err(refuse)?;
        if shape != [about.grid_dim; 3] {
            return Err(refuse(format!(
                "its shape is {shape:?}, but {} says {n} x {n} x {n}",
                json_name.display(),
                n = about.grid_dim
            )));
        }
        let grid = Self {
            dims: [about.grid_dim; 3],
            centroid: about.centroid.into(),
            extents: about.extents.into(),
            values,
        };
        match grid.fault() {
            None => Ok(grid),
            Some(reason) => Err(refuse(reason)),
        }
    }

    /// Writes the pair of files that [`Self::load`] reads. Existing ones are replaced.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the grid has not the same number of points along each axis (the format has but one),
    /// [`Error::Write`] when a file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let [grid_dim, y, z] = self.dims;
        if [y, z] != [grid_dim; 2] {
            return Err(Error::invalid(
                "distance grid",
                "only a grid with as many points along each axis can be saved",
            ));
        }
        let about = serde_json::json!(About {
            centroid: self.centroid.into(),
            extents: self.extents.into(),
            grid_dim,
        });
        error::write_atomically(&path.with_extension("json"), about.to_string().as_bytes())?;
        error::write_atomically(path, &npy::write(&self.dims, &self.values))
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::tests::{ball, cuboid};
    use super::*;

    #[test]
    fn a_ball_has_the_distance_of_a_ball() {
        let mut mesh = ball(40);
        for v in &mut mesh.vertices {
            *v = *v * 0.3 + Vector3::new(1.0, 2.0, 0.5);
        }
        let check = |mesh: &Mesh| {
            let grid = SdfGrid::from_mesh(mesh, 24).expect("a grid");
            for i in 0..200 {
                let t = i as f32;
                let away = Vector3::new((t * 0.7).sin(), (t * 1.3).cos(), (t * 2.1).sin()) * 0.29;
                let (distance, gradient) = grid.query_with_gradient(&(grid.centroid() + away));
                assert!((distance - (away.norm() - 0.3)).abs() < 0.012, "{distance}");
                // The centre of a ball has no direction.
                if away.norm() > 0.06 {
                    assert!(gradient.normalize().dot(&away.normalize()) > 0.95);
                    assert!((gradient.norm() - 1.0).abs() < 0.2);
                }
            }
        };
        check(&mesh);
        // Turned inside out, and with a hole.
        for t in &mut mesh.triangles {
            t.swap(0, 1);
        }
        check(&mesh);
        mesh.triangles.pop();
        check(&mesh);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_distance() {
        let mesh = cuboid(Vector3::new(0.1, 0.2, 0.3), Vector3::new(0.4, 1.0, 0.7));
        let grid = SdfGrid::from_mesh(&mesh, 9).expect("a grid");
        let step = 1e-3;
        for i in 0..50 {
            let t = i as f32 + 0.4;
            let p = grid.centroid() + Vector3::new(t.sin(), (t * 1.7).cos(), (t * 2.3).sin()) * 0.7;
            let (_, gradient) = grid.query_with_gradient(&p);
            for axis in 0..3 {
                let mut d = Vector3::zeros();
                d[axis] = step;
                let slopes = [
                    (grid.query(&(p + d)) - grid.query(&p)) / step,
                    (grid.query(&p) - grid.query(&(p - d))) / step,
                ];
                // At a grid plane the slope changes; there one side must agree.
                let off = slopes.map(|s| (s - gradient[axis]).abs());
                assert!(off[0].min(off[1]) < 2e-3, "{off:?}");
            }
        }
    }

    #[test]
    fn points_that_are_no_numbers_or_far_away_do_not_panic() {
        let mesh = cuboid(Vector3::zeros(), Vector3::repeat(1.0));
        let grid = SdfGrid::from_mesh(&mesh, 4).expect("a grid");
        assert!(grid.query(&Vector3::repeat(f32::NAN)).is_nan());
        let corner = grid.query(&Vector3::repeat(1.0));
        assert_eq!(grid.query(&Vector3::repeat(f32::INFINITY)), corner);
        assert_eq!(grid.query(&Vector3::repeat(1e30)), corner);
    }

    #[test]
    fn bad_parts_are_refused() {
        let good = || {
            (
                [2, 2, 3],
                Vector3::zeros(),
                Vector3::repeat(1.0),
                vec![0.5; 12],
            )
        };
        type Parts = ([usize; 3], Vector3<f32>, Vector3<f32>, Vec<f32>);
        let refused = |change: fn(&mut Parts)| {
            let mut parts = good();
            change(&mut parts);
            SdfGrid::new(parts.0, parts.1, parts.2, parts.3).is_err()
        };
        assert!(!refused(|_| ()));
        assert!(refused(|p| p.0 = [2, 1, 6]));
        assert!(refused(|p| p.0 = [usize::MAX, 2, 2]));
        assert!(refused(|p| p.3.truncate(11)));
        assert!(refused(|p| p.3[4] = f32::NAN));
        assert!(refused(|p| p.1.x = f32::INFINITY));
        assert!(refused(|p| p.2 = Vector3::zeros()));
        assert!(refused(|p| p.2.y = -1.0));
        assert!(SdfGrid::from_mesh(&Mesh::default(), 8).is_err());
        let mesh = cuboid(Vector3::zeros(), Vector3::repeat(1.0));
        assert!(SdfGrid::from_mesh(&mesh, 1).is_err());
        assert!(SdfGrid::from_mesh(&mesh, MAX_GRID + 1).is_err());
    }
}
