//! An object as physics sees it: convex parts, mass, friction; and its exact surface, for hands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::{Isometry3, Translation3, Vector3};
use rapier3d::glamx::Vec3;
use rapier3d::parry::transformation::vhacd::{VHACD, VHACDParameters};
use rapier3d::prelude::{MassProperties, SharedShape};

use super::convert::{from_vec, to_vec};
use super::hulls::{read_hulls, write_hulls};
use super::material::Mass;
use crate::error::{Error, Result};
use crate::geometry::{Mesh, ObjectGeometry, Surface};
use crate::motion::Frame;

/// Most convex parts of one object.
const MAX_HULLS: u32 = 48;
/// Meshes with more triangles are decomposed from their voxels alone, in seconds instead of minutes.
const MANY_TRIANGLES: usize = 60_000;
/// Parts thinner than this, metres, are made this thick: rapier tells inside from outside by the way in.
const THIN: f32 = 0.004;
/// A hull that is so little larger than the mesh it is of stands for all of it.
const NEARLY_CONVEX: f32 = 1.04;

/// How an object behaves when hands move it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectPhysics {
    /// How heavy it is.
    pub mass: Mass,
    /// Friction against floor and scene; None takes the material's, or 0.4 where the mass is given.
    pub friction: Option<f32>,
    /// How much it bounces, 0 to 1.
    pub restitution: f32,
}

impl Default for ObjectPhysics {
    fn default() -> Self {
        Self {
            mass: Mass::default(),
            friction: None,
            restitution: 0.05,
        }
    }
}

/// An object with all that contact needs of it. The frame of its parts is the rest frame about the centre (as
/// [`ObjectGeometry`]'s vertices), metres. Cheap to clone.
#[derive(Clone)]
pub struct PhysicalObject {
    inner: Arc<Inner>,
}

struct Inner {
    geometry: ObjectGeometry,
    surface: Surface,
    hulls: Vec<Vec<Vector3<f32>>>,
    shapes: Vec<SharedShape>,
    properties: MassProperties,
    friction: f32,
    restitution: f32,
}

impl std::fmt::Debug for PhysicalObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhysicalObject")
            .field("name", &self.inner.geometry.name())
            .field("hulls", &self.inner.hulls.len())
            .field("mass", &self.mass())
            .finish()
    }
}

impl PhysicalObject {
    /// Decomposes an object's mesh into convex parts (V-HACD, Mamou 2016, on the exact mesh) and weighs it. Takes a
    /// fraction of a second to some seconds.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a mass, a friction or a bounce that is none.
    pub fn new(geometry: &ObjectGeometry, physics: &ObjectPhysics) -> Result<Self> {
        Self::of_hulls(geometry, physics, decompose(geometry.mesh()))
    }

    /// The same with the parts kept in a file beside the asset ([`Self::cache_path`]): read when it is of this very mesh,
    /// else made and written. That it cannot be written is logged and does no harm.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn cached(
        geometry: &ObjectGeometry,
        physics: &ObjectPhysics,
        asset: &Path,
    ) -> Result<Self> {
        let path = Self::cache_path(asset);
        if let Some(hulls) = read_hulls(&path, geometry.mesh()) {
            return Self::of_hulls(geometry, physics, hulls);
        }
        let hulls = decompose(geometry.mesh());
        if let Err(error) = write_hulls(&path, geometry.mesh(), &hulls) {
            log::info!(
                "the convex parts of {} are not kept: {error}",
                geometry.name()
            );
        }
        Self::of_hulls(geometry, physics, hulls)
    }

    /// Where the convex parts of an asset are kept: `lamp.glb` has `lamp.glb.hulls`.
    pub fn cache_path(asset: &Path) -> PathBuf {
        let mut name = asset.file_name().unwrap_or_default().to_owned();
        name.push(".hulls");
        asset.with_file_name(name)
    }

    fn of_hulls(
        geometry: &ObjectGeometry,
        physics: &ObjectPhysics,
        hulls: Vec<Vec<Vector3<f32>>>,
    ) -> Result<Self> {
        let unit = |field: &str, value: f32, most: f32| {
            if (0.0..=most).contains(&value) {
                Ok(value)
            } else {
                Err(Error::invalid(
                    field,
                    format!("{value}; give between 0 and {most}"),
                ))
            }
        };
        let friction = match (physics.friction, physics.mass) {
            (Some(friction), _) => unit("friction", friction, 4.0)?,
            (None, Mass::Of(material)) => material.friction(),
            (None, Mass::Kilograms(_)) => 0.4,
        };
        let restitution = unit("restitution", physics.restitution, 1.0)?;
        let mut kept = Vec::with_capacity(hulls.len());
        let mut shapes = Vec::with_capacity(hulls.len());
        for hull in hulls {
            if let Some(shape) = convex(&hull) {
                kept.push(hull);
                shapes.push(shape);
            }
        }
        if shapes.is_empty() {
            // Nothing but slivers: its bounding box stands for it.
            let (low, high) = geometry.mesh().bounds();
            let corners = box_corners(&low, &high);
            shapes.extend(convex(&corners));
            kept.push(corners);
        }
        let hull_volume: f32 = shapes.iter().map(|s| s.mass_properties(1.0).mass()).sum();
        let (volume, area) = volume_and_area(geometry.mesh());
        // The integral over an open mesh, or over one whose sides face anywhere, is no volume.
        let volume = if volume > 0.05 * hull_volume && volume < 1.5 * hull_volume {
            volume
        } else {
            hull_volume
        };
        let mass = physics.mass.kilograms(volume, area)?;
        let mut properties = MassProperties::from_compound(
            1.0,
            &shapes
                .iter()
                .map(|s| (rapier3d::prelude::Pose::IDENTITY, s.clone()))
                .collect::<Vec<_>>(),
        );
        if !(properties.mass().is_finite() && properties.mass() > 0.0) {
            return Err(Error::invalid(
                format!("mesh of {}", geometry.name()),
                "its convex parts have no volume; give it some thickness",
            ));
        }
        properties.set_mass(mass, true);
        Ok(Self {
            inner: Arc::new(Inner {
                surface: Surface::new(geometry),
                geometry: geometry.clone(),
                hulls: kept,
                shapes,
                properties,
                friction,
                restitution,
            }),
        })
    }

    /// The object's shape.
    pub fn geometry(&self) -> &ObjectGeometry {
        &self.inner.geometry
    }

    /// Its exact surface.
    pub fn surface(&self) -> &Surface {
        &self.inner.surface
    }

    /// Corners of its convex parts.
    pub fn hulls(&self) -> &[Vec<Vector3<f32>>] {
        &self.inner.hulls
    }

    /// Kilograms.
    pub fn mass(&self) -> f32 {
        self.inner.properties.mass()
    }

    /// Centre of gravity.
    pub fn center_of_mass(&self) -> Vector3<f32> {
        from_vec(self.inner.properties.local_com)
    }

    /// Friction against floor and scene.
    pub fn friction(&self) -> f32 {
        self.inner.friction
    }

    pub(crate) fn restitution(&self) -> f32 {
        self.inner.restitution
    }

    pub(crate) fn shapes(&self) -> &[SharedShape] {
        &self.inner.shapes
    }

    pub(crate) fn properties(&self) -> MassProperties {
        self.inner.properties
    }

    /// Where its centre is in a frame of a clip, world.
    pub fn place(&self, frame: &Frame) -> Isometry3<f32> {
        let center = frame.object_position + frame.object_rotation * self.geometry().center();
        Isometry3::from_parts(Translation3::from(center), frame.object_rotation)
    }

    /// Puts it into a frame of a clip.
    pub fn put(&self, place: &Isometry3<f32>, frame: &mut Frame) {
        frame.object_rotation = place.rotation;
        frame.object_position =
            place.translation.vector - place.rotation * self.geometry().center();
    }
}

/// Convex parts of a mesh, as the corners of their hulls. Never empty.
fn decompose(mesh: &Mesh) -> Vec<Vec<Vector3<f32>>> {
    let whole = hull_of(&mesh.vertices);
    if let Some(whole) = &whole {
        let (volume, _) = volume_and_area(mesh);
        let hull = convex(whole).map_or(0.0, |s| s.mass_properties(1.0).mass());
        if hull > 0.0 && hull <= NEARLY_CONVEX * volume {
            return vec![whole.clone()];
        }
    }
    let points: Vec<Vec3> = mesh.vertices.iter().map(to_vec).collect();
    let parameters = VHACDParameters {
        max_convex_hulls: MAX_HULLS,
        ..VHACDParameters::default()
    };
    let exact = mesh.triangles.len() <= MANY_TRIANGLES;
    // The decomposition is another's code and asserts what it takes for granted; a strange mesh must not end a program.
    let parts = std::panic::catch_unwind(|| {
        let parts = VHACD::decompose(&parameters, &points, &mesh.triangles, exact);
        if exact {
            (parts
                .compute_primitive_intersections(&points, &mesh.triangles)
                .into_iter())
            .map(|part| part.into_iter().map(from_vec).collect::<Vec<_>>())
            .collect::<Vec<_>>()
        } else {
            (parts.compute_convex_hulls(4).into_iter())
                .map(|(corners, _)| corners.into_iter().map(from_vec).collect())
                .collect()
        }
    });
    let parts: Vec<_> = (parts.unwrap_or_default().iter())
        .filter_map(|part| hull_of(part))
        .collect();
    match (parts.is_empty(), whole) {
        (false, _) => parts,
        (true, Some(whole)) => vec![whole],
        (true, None) => {
            let (low, high) = mesh.bounds();
            vec![box_corners(&low, &high)]
        }
    }
}

/// Corners of the convex hull of some points, made at least [`THIN`]; None for fewer than three.
fn hull_of(points: &[Vector3<f32>]) -> Option<Vec<Vector3<f32>>> {
    if points.len() < 3 {
        return None;
    }
    let thick = thickened(points);
    let points: Vec<Vec3> = thick.iter().map(to_vec).collect();
    let hull =
        std::panic::catch_unwind(|| rapier3d::parry::transformation::try_convex_hull(&points).ok());
    let (corners, _) = hull.ok()??;
    Some(corners.into_iter().map(from_vec).collect())
}

/// The points and, where they lie in a plane or nearly so, the same on both sides of it.
fn thickened(points: &[Vector3<f32>]) -> Vec<Vector3<f32>> {
    let n = points.len() as f32;
    let mean = points.iter().sum::<Vector3<f32>>() / n;
    let mut spread = nalgebra::Matrix3::zeros();
    for p in points {
        let d = p - mean;
        spread += d * d.transpose() / n;
    }
    let axes = spread.symmetric_eigen();
    let least = axes.eigenvalues.imin();
    let normal: Vector3<f32> = axes.eigenvectors.column(least).into_owned();
    let reach = (points.iter().map(|p| (p - mean).dot(&normal).abs())).fold(0.0, f32::max);
    if 2.0 * reach >= THIN {
        return points.to_vec();
    }
    let aside = normal * (THIN / 2.0);
    points.iter().flat_map(|p| [p + aside, p - aside]).collect()
}

fn convex(corners: &[Vector3<f32>]) -> Option<SharedShape> {
    let points: Vec<Vec3> = corners.iter().map(to_vec).collect();
    let shape = std::panic::catch_unwind(|| SharedShape::convex_hull(&points)).ok()??;
    let mass = shape.mass_properties(1.0).mass();
    (mass.is_finite() && mass > 0.0).then_some(shape)
}

fn box_corners(low: &Vector3<f32>, high: &Vector3<f32>) -> Vec<Vector3<f32>> {
    let middle = (low + high) / 2.0;
    let half = ((high - low) / 2.0).sup(&Vector3::repeat(THIN / 2.0));
    (0..8)
        .map(|i| {
            let sign = |bit: usize| if i >> bit & 1 == 1 { 1.0 } else { -1.0 };
            middle + half.component_mul(&Vector3::new(sign(0), sign(1), sign(2)))
        })
        .collect()
}

/// Volume inside (cubic metres, whichever way the triangles face) and area (square metres).
fn volume_and_area(mesh: &Mesh) -> (f32, f32) {
    let (mut volume, mut area) = (0.0f64, 0.0f64);
    for t in 0..mesh.triangles.len() {
        let [a, b, c] = mesh.corners(t).map(|v| v.cast::<f64>());
        let normal = (b - a).cross(&(c - a));
        area += normal.norm() / 2.0;
        volume += a.dot(&normal) / 6.0;
    }
    (volume.abs() as f32, area as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::material::Material;

    fn object(meshes: &[Mesh], mass: Mass) -> PhysicalObject {
        let mut all = Mesh::default();
        for mesh in meshes {
            let base = all.vertices.len() as u32;
            all.vertices.extend(&mesh.vertices);
            all.triangles
                .extend(mesh.triangles.iter().map(|t| t.map(|i| i + base)));
        }
        let geometry = ObjectGeometry::new("thing", all).expect("a mesh");
        let physics = ObjectPhysics {
            mass,
            ..ObjectPhysics::default()
        };
        PhysicalObject::new(&geometry, &physics).expect("an object")
    }

    fn block(at: [f32; 3], size: [f32; 3]) -> Mesh {
        Mesh::cuboid(Vector3::from(at), Vector3::from(size))
    }

    #[test]
    fn a_box_is_one_part_and_weighs_its_walls() {
        let thing = object(
            &[block([1.0, 2.0, 3.0], [0.6, 0.4, 0.4])],
            Mass::Of(Material::Cardboard),
        );
        assert_eq!(thing.hulls().len(), 1);
        assert!((thing.mass() - 1.152).abs() < 0.01, "{}", thing.mass());
        assert!(thing.center_of_mass().norm() < 1e-3);
        let inertia = thing.properties().principal_inertia();
        // m (a^2 + b^2) / 12
        let want = 1.152 * (0.36 + 0.16) / 12.0;
        let most = inertia.x.max(inertia.y).max(inertia.z);
        assert!((most / want - 1.0).abs() < 0.03, "{most} {want}");
    }

    #[test]
    fn one_reaches_between_the_legs_of_a_table() {
        let legs = [[0.0, 0.0], [0.95, 0.0], [0.0, 0.55], [0.95, 0.55]];
        let mut parts = vec![block([0.0, 0.0, 0.7], [1.0, 0.6, 0.03])];
        parts.extend(legs.map(|[x, y]| block([x, y, 0.0], [0.05, 0.05, 0.7])));
        let table = object(&parts, Mass::Kilograms(9.0));
        assert!(table.hulls().len() >= 5, "{}", table.hulls().len());
        let center = table.geometry().center();
        let free = |x, y, z| {
            let p = rapier3d::prelude::Pose::from_translation(to_vec(
                &(Vector3::new(x, y, z) - center),
            ));
            let ball = rapier3d::parry::shape::Ball::new(0.04);
            !table.shapes().iter().any(|s| {
                rapier3d::parry::query::intersection_test(
                    &rapier3d::prelude::Pose::IDENTITY,
                    s.as_ref(),
                    &p,
                    &ball,
                )
                .unwrap_or(true)
            })
        };
        assert!(free(0.5, 0.3, 0.35), "under the top");
        assert!(free(0.5, 0.02, 0.35), "between two legs");
        assert!(!free(0.5, 0.3, 0.71), "the top");
        assert!(!free(0.02, 0.02, 0.35), "a leg");
    }

    #[test]
    fn strange_meshes_have_parts_and_a_mass() {
        // A single sheet, one turned inside out, an open box, a needle.
        let sheet = Mesh {
            vertices: vec![
                Vector3::zeros(),
                Vector3::new(0.5, 0.0, 0.0),
                Vector3::new(0.0, 0.5, 0.0),
            ],
            triangles: vec![[0, 1, 2]],
        };
        let mut inverted = block([0.0; 3], [0.3; 3]);
        for t in &mut inverted.triangles {
            t.swap(1, 2);
        }
        let mut open = block([0.0; 3], [0.3; 3]);
        open.triangles.truncate(10);
        let needle = block([0.0; 3], [0.0001, 0.0001, 1.0]);
        let tiny = block([0.0; 3], [0.02; 3]);
        let huge = block([0.0; 3], [6.0, 6.0, 2.0]);
        for (name, mesh) in [
            ("sheet", sheet),
            ("inverted", inverted),
            ("open", open),
            ("needle", needle),
            ("tiny", tiny),
            ("huge", huge),
        ] {
            let thing = object(&[mesh], Mass::default());
            assert!(!thing.hulls().is_empty(), "{name}");
            assert!(thing.mass() > 0.0 && thing.mass().is_finite(), "{name}");
            let inertia = thing.properties().principal_inertia();
            assert!(inertia.is_finite(), "{name}");
        }
    }

    #[test]
    fn parts_are_kept_beside_the_asset() {
        let name = format!("chois-hulls-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let asset = folder.join("box.glb");
        let mesh = block([0.0; 3], [0.2, 0.3, 0.4]);
        let geometry = ObjectGeometry::new("box", mesh).expect("a mesh");
        let physics = ObjectPhysics::default();
        let made = PhysicalObject::cached(&geometry, &physics, &asset).expect("an object");
        let kept = PhysicalObject::cache_path(&asset);
        let bytes = std::fs::read(&kept).expect("a cache");
        let again = PhysicalObject::cached(&geometry, &physics, &asset).expect("an object");
        assert_eq!(made.hulls(), again.hulls());
        // Another mesh, or a damaged file, is not taken for it.
        let other = block([0.0; 3], [0.2, 0.3, 0.5]);
        assert!(read_hulls(&kept, &other).is_none());
        for damage in [&bytes[..bytes.len() / 2], b"", b"nonsense"] {
            std::fs::write(&kept, damage).expect("written");
            assert!(read_hulls(&kept, geometry.mesh()).is_none());
        }
        let healed = PhysicalObject::cached(&geometry, &physics, &asset).expect("an object");
        assert_eq!(made.hulls(), healed.hulls());
        assert_eq!(std::fs::read(&kept).expect("a cache"), bytes);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
