//! The objects of a corpus: captured ones stretched, things that code makes in their place or for themselves, and meshes
//! that a user adds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::Vector3;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::parallel::parallel;
use super::seeded;
use super::things::Kind;
use super::upright::Upright;
use crate::contact::{Mass, ObjectPhysics, PhysicalObject};
use crate::error::{Error, Result, write_atomically};
use crate::geometry::{Mesh, ObjectGeometry, UpAxis};

/// The most that a captured object is stretched along each axis beside its size, and smallest and largest size.
const STRETCH: f32 = 0.15;
const SIZE: [f32; 2] = [0.82, 1.2];
/// Formats of meshes that a user's folder may hold.
const FORMATS: [&str; 4] = ["obj", "glb", "gltf", "ply"];

/// An object of the corpus, in its upright frame about the middle of its bounding box.
#[derive(Clone, Debug)]
pub struct Thing {
    /// Name, and its mesh's file name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Index of the captured object that it takes the place of.
    pub base: Option<usize>,
    /// Whether it is the captured object itself, stretched.
    pub stretched: bool,
    /// Its bounding box, metres.
    pub size: Vector3<f32>,
    /// Shape and weight.
    pub object: PhysicalObject,
}

impl Thing {
    /// Middle of the bounding box relative to the centre, metres.
    pub fn middle(&self) -> Vector3<f32> {
        -self.object.geometry().center()
    }
}

/// A captured object.
pub struct Base {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How it stands.
    pub upright: Upright,
    /// Its shape.
    pub geometry: Arc<ObjectGeometry>,
}

/// What to make of what.
enum Recipe {
    Stretched(usize),
    StandIn(usize, Kind),
    Made(Kind),
    File(PathBuf),
}

/// How many of each there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Of each captured object, stretched.
    pub stretched: usize,
    /// Of each captured object, by something that code makes.
    pub stand_ins: usize,
    /// Made by code for themselves, of each kind.
    pub made: usize,
}

/// Makes all objects; the same for any number of threads.
///
/// # Errors
/// Those of reading a mesh of `folder`; [`Error::Malformed`] when it holds none.
pub(super) fn catalogue(
    bases: &[Base],
    counts: Counts,
    folder: Option<&Path>,
    seed: u64,
    threads: usize,
) -> Result<Vec<Thing>> {
    let plain = ObjectPhysics::default();
    let parts: Vec<PhysicalObject> = parallel(bases.len(), threads, |k| {
        PhysicalObject::new(&bases[k].geometry, &plain)
    })
    .into_iter()
    .collect::<Result<_>>()?;
    let mut recipes = Vec::new();
    for (k, base) in bases.iter().enumerate() {
        recipes.extend((0..counts.stretched).map(|_| Recipe::Stretched(k)));
        // Nothing that nobody would take for one of its kind, such as a stool of a hand's height.
        let size = base.upright.size;
        let alike = base.kind.stand_ins().iter().copied();
        let kinds: Vec<Kind> = alike.filter(|kind| kind.can_be(&size)).collect();
        let kinds = if kinds.is_empty() {
            vec![base.kind]
        } else {
            kinds
        };
        let stand_ins = kinds.iter().cycle().take(counts.stand_ins);
        recipes.extend(stand_ins.map(|kind| Recipe::StandIn(k, *kind)));
    }
    for kind in Kind::ALL {
        recipes.extend((0..counts.made).map(|_| Recipe::Made(kind)));
    }
    if let Some(folder) = folder {
        recipes.extend(meshes(folder)?.into_iter().map(Recipe::File));
    }
    parallel(recipes.len(), threads, |number| {
        let mut rng = seeded(seed, "objects", number as u64);
        // Names of one seed differ from those of another, so that corpora can be put together.
        let k = format!("{seed}_{number:04}");
        match &recipes[number] {
            Recipe::Stretched(base) => stretched(&bases[*base], *base, &parts[*base], &k, &mut rng),
            Recipe::StandIn(base, kind) => stand_in(&bases[*base], *base, *kind, &k, &mut rng),
            Recipe::Made(kind) => {
                let size = kind.size(&mut rng);
                made(*kind, size, None, &k, &mut rng)
            }
            Recipe::File(path) => loaded(path, &mut rng),
        }
    })
    .into_iter()
    .collect()
}

fn label(kind: Kind) -> String {
    format!("{kind:?}").to_lowercase()
}

/// Mass and friction of one of a kind; large ones are heavier.
fn physics(kind: Kind, size: &Vector3<f32>, rng: &mut impl Rng) -> ObjectPhysics {
    let [low, high] = kind.masses();
    let [small, large] = kind.sizes().map(Vector3::from);
    let span = (large.product() - small.product()).max(1e-6);
    let large = ((size.product() - small.product()) / span).clamp(0.0, 1.0);
    let share = 0.6 * large + 0.4 * rng.random::<f32>();
    let friction = kind.materials().choose(rng).map(|m| m.friction());
    ObjectPhysics {
        mass: Mass::Kilograms(low + (high - low) * share),
        friction,
        ..ObjectPhysics::default()
    }
}

fn varied(rng: &mut impl Rng) -> Vector3<f32> {
    let all = SIZE[0] + (SIZE[1] - SIZE[0]) * rng.random::<f32>();
    Vector3::from_fn(|_, _| all * (1.0 + rng.random_range(-STRETCH..STRETCH)))
}

fn stretched(
    base: &Base,
    number: usize,
    parts: &PhysicalObject,
    k: &str,
    rng: &mut impl Rng,
) -> Result<Thing> {
    let stretch = varied(rng);
    let mesh = base.upright.stretched(base.geometry.mesh(), &stretch);
    let name = format!("{}_{k}", base.name);
    let geometry = ObjectGeometry::new(name.as_str(), mesh)?;
    let center = geometry.center();
    let hulls = (parts.hulls().iter())
        .map(|hull| {
            let mapped = hull.iter().map(|v| base.upright.map(v, &stretch) - center);
            mapped.collect()
        })
        .collect();
    let size = base.upright.size.component_mul(&stretch);
    let physics = physics(base.kind, &size, rng);
    Ok(Thing {
        name,
        kind: base.kind,
        base: Some(number),
        stretched: true,
        size,
        object: PhysicalObject::of_hulls(&geometry, &physics, hulls)?,
    })
}

fn stand_in(base: &Base, number: usize, kind: Kind, k: &str, rng: &mut impl Rng) -> Result<Thing> {
    let mut size = base.upright.size.component_mul(&varied(rng));
    // A pole's foot is as wide as it is deep; what is round stays so.
    if matches!(kind, Kind::Bin | Kind::Stool) {
        let side = (size.x * size.y).sqrt();
        (size.x, size.y) = (side, side);
    }
    made(kind, size, Some(number), k, rng)
}

fn made(
    kind: Kind,
    size: Vector3<f32>,
    base: Option<usize>,
    k: &str,
    rng: &mut impl Rng,
) -> Result<Thing> {
    let solid = kind.make(size, rng);
    let name = format!("{}_{k}", label(kind));
    let physics = physics(kind, &size, rng);
    Ok(Thing {
        object: solid.object(&name, &physics)?,
        name,
        kind,
        base,
        stretched: false,
        size,
    })
}

/// The mesh files of a folder, in order.
fn meshes(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|source| Error::Read {
        path: folder.to_owned(),
        source,
    })?;
    let mut paths: Vec<PathBuf> = (entries.filter_map(|e| e.ok().map(|e| e.path())))
        .filter(|p| {
            let ending = p.extension().map(|e| e.to_string_lossy().to_lowercase());
            ending.is_some_and(|e| FORMATS.contains(&e.as_str()))
        })
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err(Error::malformed(
            folder,
            "folder of objects",
            "it holds no mesh (.obj, .glb, .gltf or .ply)",
        ));
    }
    Ok(paths)
}

/// A user's mesh, standing as its file has it. What it is, is told from its name, else from its shape.
fn loaded(path: &Path, rng: &mut impl Rng) -> Result<Thing> {
    // Captured objects keep Z up in files that are Y up by custom.
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let captured = path.extension().is_some_and(|e| e == "obj");
    let geometry = ObjectGeometry::load(path, captured.then_some(UpAxis::Z))?;
    let geometry = ObjectGeometry::new(geometry.name(), geometry.mesh().refined())?;
    let kind = Kind::of_name(&name).unwrap_or_else(|| guessed(&geometry.extents()));
    let standing = nalgebra::UnitQuaternion::identity();
    let upright = Upright::of(&geometry, &standing, kind);
    let mesh = upright.stretched(geometry.mesh(), &Vector3::repeat(1.0));
    let name = format!("{name}_own");
    let geometry = ObjectGeometry::new(name.as_str(), mesh)?;
    let physics = physics(kind, &upright.size, rng);
    Ok(Thing {
        name,
        kind,
        base: None,
        stretched: false,
        size: upright.size,
        object: PhysicalObject::new(&geometry, &physics)?,
    })
}

/// What a thing of unknown name is handled like.
fn guessed(size: &Vector3<f32>) -> Kind {
    let wide = size.x.max(size.y);
    if size.z > 1.1 && size.z > 2.0 * wide {
        Kind::Lamp
    } else if wide > 0.6 && size.z > 0.3 && size.z < wide {
        Kind::Table
    } else {
        Kind::Box
    }
}

/// Writes a mesh as `.obj`, to be read with Z up.
///
/// # Errors
/// [`Error::Write`].
pub(super) fn write_obj(path: &Path, thing: &Thing) -> Result<()> {
    let geometry = thing.object.geometry();
    let Mesh {
        vertices,
        triangles,
    } = geometry.mesh();
    let center = geometry.center();
    let mut text = String::with_capacity(vertices.len() * 48);
    for v in vertices {
        let v = v + center;
        text += &format!("v {} {} {}\n", v.x, v.y, v.z);
    }
    for [a, b, c] in triangles {
        text += &format!("f {} {} {}\n", a + 1, b + 1, c + 1);
    }
    write_atomically(path, text.as_bytes())
}
