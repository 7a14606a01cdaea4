//! An object as physics sees it: convex parts, mass, friction; and its exact surface, for hands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rapier3d::prelude::{MassProperties, SharedShape};

use super::convert::from_vec;
use super::decompose::{box_corners, convex, decompose, hull_of, supports};
use super::hulls::{read_hulls, write_hulls};
use super::material::Mass;
use super::weigh::weigh;
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, Surface};
use crate::motion::Frame;

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

impl ObjectPhysics {
    /// Refuses what cannot be; the error names the field.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a mass, a friction or a bounce that is none.
    pub fn validate(&self) -> Result<()> {
        // A shape of any size tells whether a given mass can be.
        self.mass.kilograms(1.0, 1.0)?;
        let bounds = [
            ("friction", self.friction.unwrap_or_default(), 4.0),
            ("restitution", self.restitution, 1.0),
        ];
        for (field, value, most) in bounds {
            if !(0.0..=most).contains(&value) {
                let reason = format!("{value}; give between 0 and {most}");
                return Err(Error::invalid(field, reason));
            }
        }
        Ok(())
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

    /// The same shape with other properties; its parts are not made again.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_physics(&self, physics: &ObjectPhysics) -> Result<Self> {
        Self::of_hulls(self.geometry(), physics, self.hulls().to_vec())
    }

    /// Where the convex parts of an asset are kept: `lamp.glb` has `lamp.glb.hulls`.
    pub fn cache_path(asset: &Path) -> PathBuf {
        let mut name = asset.file_name().unwrap_or_default().to_owned();
        name.push(".hulls");
        asset.with_file_name(name)
    }

    pub(crate) fn of_hulls(
        geometry: &ObjectGeometry,
        physics: &ObjectPhysics,
        hulls: Vec<Vec<Vector3<f32>>>,
    ) -> Result<Self> {
        physics.validate()?;
        let friction = match (physics.friction, physics.mass) {
            (Some(friction), _) => friction,
            (None, Mass::Of(material)) => material.friction(),
            (None, Mass::Kilograms(_)) => 0.4,
        };
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
                restitution: physics.restitution,
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

    /// Centre of gravity, metres, relative to the object's centre in its rest pose.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::convert::to_vec;
    use crate::contact::material::Material;
    use crate::geometry::Mesh;

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
        // The same shape, filled with lead.
        let heavy = ObjectPhysics {
            mass: Mass::Kilograms(900.0),
            ..ObjectPhysics::default()
        };
        let again = thing.with_physics(&heavy).expect("an object");
        assert_eq!((again.mass(), again.hulls()), (900.0, thing.hulls()));
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
