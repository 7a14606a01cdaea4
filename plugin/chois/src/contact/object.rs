//! An object as physics sees it: convex parts, mass, friction; and its exact surface, for hands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::{Isometry3, Matrix3, Translation3, UnitQuaternion, Vector3};
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
/// Most points that an object stands on, and how far they are apart at least, metres.
const SUPPORTS: usize = 56;
const APART: f32 = 0.005;
/// Most of them on one side, whose corners are those so near to the outermost, metres.
const SIDE: usize = 10;
const FLAT: f32 = 0.002;
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
    corners: Vec<Vector3<f32>>,
    supports: Vec<Vector3<f32>>,
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
        let properties = weigh(geometry, physics.mass, &shapes)?;
        let corners = hull_of(&geometry.mesh().vertices).unwrap_or_else(|| {
            let (low, high) = geometry.mesh().bounds();
            box_corners(&low, &high)
        });
        Ok(Self {
            inner: Arc::new(Inner {
                surface: Surface::new(geometry),
                supports: supports(&corners),
                corners,
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

    /// Height of its lowest point relative to its centre when it is turned by `rotation`, metres: from its convex hull, a
    /// hundred times as quick as [`ObjectGeometry::lowest`].
    pub fn lowest(&self, rotation: &UnitQuaternion<f32>) -> f32 {
        let up = rotation.inverse() * Vector3::z();
        let heights = self.inner.corners.iter().map(|c| up.dot(c));
        heights.fold(f32::INFINITY, f32::min)
    }

    /// Corners that it can stand on, spread over its convex hull.
    pub(crate) fn supports(&self) -> &[Vector3<f32>] {
        &self.inner.supports
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
        let volume = Moments::solid(mesh).size as f32;
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

/// Mass, centre of gravity and inertia. What is weighed by its walls has its mass in them.
fn weigh(geometry: &ObjectGeometry, mass: Mass, shapes: &[SharedShape]) -> Result<MassProperties> {
    let parts: Vec<_> = (shapes.iter())
        .map(|s| (rapier3d::prelude::Pose::IDENTITY, s.clone()))
        .collect();
    let mut hulls = MassProperties::from_compound(1.0, &parts);
    let (solid, walls) = (
        Moments::solid(geometry.mesh()),
        Moments::walls(geometry.mesh()),
    );
    // The integral over an open mesh, or over one whose sides face anywhere, is no volume.
    let closed =
        solid.size > 0.05 * f64::from(hulls.mass()) && solid.size < 1.5 * f64::from(hulls.mass());
    let volume = if closed {
        solid.size as f32
    } else {
        hulls.mass()
    };
    let mass_of = mass.kilograms(volume, walls.size as f32)?;
    let hollow = match mass {
        Mass::Of(material) => walls.size as f32 * material.wall() < volume,
        Mass::Kilograms(_) => false,
    };
    let exact = if hollow {
        walls.properties(mass_of)
    } else if closed {
        solid.properties(mass_of)
    } else {
        None
    };
    if let Some(exact) = exact {
        return Ok(exact);
    }
    hulls.set_mass(mass_of, true);
    let sane = hulls.mass() > 0.0 && hulls.principal_inertia().min_element() > 0.0;
    if sane && hulls.principal_inertia().is_finite() {
        return Ok(hulls);
    }
    Err(Error::invalid(
        format!("mesh of {}", geometry.name()),
        "its convex parts have no volume; give it some thickness",
    ))
}

/// Size (cubic or square metres) and moments of a mesh: the integrals of 1, x and x x' over it.
struct Moments {
    size: f64,
    first: Vector3<f64>,
    second: Matrix3<f64>,
}

impl Moments {
    fn none() -> Self {
        Self {
            size: 0.0,
            first: Vector3::zeros(),
            second: Matrix3::zeros(),
        }
    }

    /// Over what is inside, whichever way the triangles face.
    fn solid(mesh: &Mesh) -> Self {
        let mut out = Self::none();
        for t in 0..mesh.triangles.len() {
            let corners = mesh.corners(t).map(|v| v.cast::<f64>());
            let [a, b, c] = corners;
            // A tetrahedron with its top in the origin.
            out.add(&corners, a.dot(&b.cross(&c)) / 6.0, 4.0, 20.0);
        }
        if out.size < 0.0 {
            out.size = -out.size;
            out.first = -out.first;
            out.second = -out.second;
        }
        out
    }

    /// Over the surface.
    fn walls(mesh: &Mesh) -> Self {
        let mut out = Self::none();
        for t in 0..mesh.triangles.len() {
            let corners = mesh.corners(t).map(|v| v.cast::<f64>());
            let [a, b, c] = corners;
            out.add(&corners, (b - a).cross(&(c - a)).norm() / 2.0, 3.0, 12.0);
        }
        out
    }

    fn add(&mut self, corners: &[Vector3<f64>; 3], size: f64, one: f64, two: f64) {
        let sum: Vector3<f64> = corners.iter().sum();
        let squares: Matrix3<f64> = corners.iter().map(|v| v * v.transpose()).sum();
        self.size += size;
        self.first += sum * (size / one);
        self.second += (squares + sum * sum.transpose()) * (size / two);
    }

    /// Spread evenly over it; None when that gives no inertia.
    fn properties(&self, mass: f32) -> Option<MassProperties> {
        let center = self.first / self.size;
        let about = self.second / self.size - center * center.transpose();
        let inertia = (Matrix3::identity() * about.trace() - about) * f64::from(mass);
        let least = inertia.symmetric_eigenvalues().min();
        if !(inertia.iter().all(|v| v.is_finite()) && least > 1e-9) {
            return None;
        }
        let m = inertia.cast::<f32>();
        let column = |i: usize| to_vec(&m.column(i).into_owned());
        let matrix = rapier3d::math::Matrix::from_cols(column(0), column(1), column(2));
        let properties = MassProperties::with_inertia_matrix(to_vec(&center.cast()), mass, matrix);
        properties
            .principal_inertia()
            .is_finite()
            .then_some(properties)
    }
}

/// Corners of the convex hull to stand on: those of the six sides first, then such as are far from all before. Rapier takes
/// no more than four corners of a face into account, so that the round foot of a lamp would stand on one side of it; points
/// stand all round.
fn supports(corners: &[Vector3<f32>]) -> Vec<Vector3<f32>> {
    let mut out: Vec<Vector3<f32>> = Vec::new();
    for side in 0..6 {
        let axis = side / 2;
        let sign = if side % 2 == 0 { -1.0 } else { 1.0 };
        let most = corners
            .iter()
            .map(|c| sign * c[axis])
            .fold(f32::NEG_INFINITY, f32::max);
        let face: Vec<Vector3<f32>> = (corners.iter().copied())
            .filter(|c| sign * c[axis] > most - FLAT)
            .collect();
        spread(&face, SIDE, &mut out);
    }
    spread(corners, SUPPORTS.saturating_sub(out.len()), &mut out);
    out
}

/// Adds up to `count` of some points, each the farthest from those that are there already.
fn spread(points: &[Vector3<f32>], count: usize, out: &mut Vec<Vector3<f32>>) {
    let center = points.iter().sum::<Vector3<f32>>() / points.len().max(1) as f32;
    let mut away: Vec<f32> = (points.iter())
        .map(|p| {
            let nearest = out
                .iter()
                .map(|o| (o - p).norm())
                .fold(f32::INFINITY, f32::min);
            // The first of all is one far from the middle.
            if nearest.is_finite() {
                nearest
            } else {
                1e3 + (p - center).norm()
            }
        })
        .collect();
    for _ in 0..count {
        let farthest = (0..points.len()).max_by(|a, b| away[*a].total_cmp(&away[*b]));
        let Some(next) = farthest.filter(|&i| away[i] > APART) else {
            return;
        };
        for (away, point) in away.iter_mut().zip(points) {
            *away = away.min((point - points[next]).norm());
        }
        out.push(points[next]);
    }
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
        let tilted = UnitQuaternion::from_euler_angles(0.3, 0.8, 2.0);
        let lowest = thing.geometry().lowest(&tilted);
        assert!((thing.lowest(&tilted) - lowest).abs() < 1e-5);
        let inertia = thing.properties().principal_inertia();
        // Six walls, summed by hand for the axis along z: floor and lid m (a^2 + b^2) / 12, sides as their distances say.
        let wall = |share: f32, a: f32, off: f32| share * 1.152 / 1.28 * (a * a / 12.0 + off * off);
        let lid = 0.24 * 1.152 / 1.28 * (0.36 + 0.16) / 12.0;
        let want = 2.0 * lid + 2.0 * wall(0.16, 0.4, 0.3) + 2.0 * wall(0.24, 0.6, 0.2);
        let most = inertia.x.max(inertia.y).max(inertia.z);
        assert!((most / want - 1.0).abs() < 1e-3, "{most} {want}");
        // A solid one, m (a^2 + b^2) / 12.
        let solid = object(&[block([0.0; 3], [0.6, 0.4, 0.4])], Mass::Kilograms(12.0));
        let inertia = solid.properties().principal_inertia();
        let most = inertia.x.max(inertia.y).max(inertia.z);
        assert!((most / 0.52 - 1.0).abs() < 1e-3, "{most}");
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
