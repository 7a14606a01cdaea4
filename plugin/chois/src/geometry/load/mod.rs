//! Meshes from `.glb`, `.gltf`, `.obj` and `.ply` files.
//!
//! Every reader treats its bytes as hostile: no count in a file is believed before the bytes behind it are seen,
//! and whatever is wrong ends as [`Error::Malformed`].

mod gltf;
mod obj;
mod ply;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::mesh::Mesh;
use crate::error::{self, brief};
use crate::{Error, Result, frame};

/// Largest mesh file, or buffer beside one, that is read into memory, bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Which axis of a file's frame points up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpAxis {
    /// Y up, as in glTF and most OBJ files; turned by [`frame::from_y_up`].
    Y,
    /// Z up, as in the model's world and the captured objects; left as it is.
    Z,
}

/// A mesh file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeshFormat {
    /// glTF 2.0, binary or text (told apart by the first bytes).
    Gltf,
    /// Wavefront OBJ.
    Obj,
    /// Stanford PLY, text or binary.
    Ply,
}

impl MeshFormat {
    /// The format that a file's ending names.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it names none of `.glb`, `.gltf`, `.obj`, `.ply`.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("glb" | "gltf") => Ok(Self::Gltf),
            Some("obj") => Ok(Self::Obj),
            Some("ply") => Ok(Self::Ply),
            _ => Err(malformed(
                path,
                "its ending is none of .glb, .gltf, .obj and .ply; convert it to one of these",
            )),
        }
    }

    /// The up axis of files that do not say: glTF is Y up by its specification, OBJ by custom; PLY scans are Z up.
    pub fn usual_up(self) -> UpAxis {
        match self {
            Self::Gltf | Self::Obj => UpAxis::Y,
            Self::Ply => UpAxis::Z,
        }
    }
}

/// Loads a mesh file: all of its parts in one [`Mesh`], in the model's Z-up world, welded ([`Mesh::welded`]) and
/// checked ([`Mesh::check`]).
///
/// `up` is the up axis of the file's own frame; `None` takes [`MeshFormat::usual_up`]. From glTF come the nodes of
/// the default scene with their transforms; skins, morph targets and materials are not applied.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read, [`Error::Malformed`] when it is no usable mesh.
pub fn load_mesh(path: &Path, up: Option<UpAxis>) -> Result<Mesh> {
    let format = MeshFormat::of(path)?;
    let bytes = read_file(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&bytes, format, path, Some(folder), up)
}

/// [`load_mesh`] for a file that is already in memory. `name` is what errors call it. A text glTF whose buffers lie
/// in files of their own is refused: only [`load_mesh`] knows where to look for them.
///
/// # Errors
/// [`Error::Malformed`] when the bytes are no usable mesh.
pub fn parse_mesh(
    bytes: &[u8],
    format: MeshFormat,
    name: &Path,
    up: Option<UpAxis>,
) -> Result<Mesh> {
    parse(bytes, format, name, None, up)
}

fn parse(
    bytes: &[u8],
    format: MeshFormat,
    name: &Path,
    folder: Option<&Path>,
    up: Option<UpAxis>,
) -> Result<Mesh> {
    if bytes.is_empty() {
        return Err(malformed(name, "it is empty"));
    }
    let mut mesh = match format {
        MeshFormat::Gltf => gltf::parse(bytes, name, folder)?,
        MeshFormat::Obj => obj::parse(bytes).map_err(|reason| malformed(name, reason))?,
        MeshFormat::Ply => ply::parse(bytes).map_err(|reason| malformed(name, reason))?,
    };
    // Before welding, so that indices in the message are the file's.
    let refuse = |mesh: &Mesh| match mesh.fault() {
        None => Ok(()),
        Some(reason) => Err(malformed(name, reason)),
    };
    refuse(&mesh)?;
    if up.unwrap_or(format.usual_up()) == UpAxis::Y {
        for v in &mut mesh.vertices {
            *v = frame::from_y_up(*v);
        }
    }
    let mesh = mesh.welded();
    // Again: what is left may be smaller, or nothing.
    refuse(&mesh)?;
    Ok(mesh)
}

fn malformed(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::malformed(path, "mesh", reason)
}

/// Reads a whole regular file of no more than [`MAX_FILE_BYTES`].
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let about = std::fs::metadata(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    if !about.is_file() {
        return Err(malformed(path, "it is not a file"));
    }
    if about.len() > MAX_FILE_BYTES {
        return Err(malformed(
            path,
            format!("it has {} bytes; simplify the mesh", about.len()),
        ));
    }
    error::read(path)
}
