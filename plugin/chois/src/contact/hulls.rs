//! Convex parts kept in a file: safetensors with `corners` (N x 3, `f32`, metres, rest frame about the centre) and `counts`
//! (corners of each part, `i64`); the text metadata `mesh` is a digest of the mesh they are of.

use std::collections::HashMap;
use std::path::Path;

use nalgebra::Vector3;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{self, Error, Result};
use crate::geometry::Mesh;

/// Raised when decomposition changes, so that what was kept is made again.
const VERSION: u64 = 1;
/// Largest file that is looked at, bytes.
const LARGEST: u64 = 16 << 20;

/// Digest (FNV-1a, 64 bits) of a mesh.
fn digest(mesh: &Mesh) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ VERSION;
    let mut eat = |bytes: [u8; 4]| {
        for b in bytes {
            hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for v in &mesh.vertices {
        v.iter().for_each(|c| eat(c.to_le_bytes()));
    }
    for t in &mesh.triangles {
        t.iter().for_each(|i| eat(i.to_le_bytes()));
    }
    format!("{hash:016x}")
}

/// The kept parts of this mesh; None when there are none, or others.
pub(crate) fn read_hulls(path: &Path, mesh: &Mesh) -> Option<Vec<Vec<Vector3<f32>>>> {
    if std::fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
    if header.metadata().as_ref()?.get("mesh")? != &digest(mesh) {
        return None;
    }
    let tensors = SafeTensors::deserialize(&bytes).ok()?;
    let corners = tensors.tensor("corners").ok()?;
    let counts = tensors.tensor("counts").ok()?;
    if corners.dtype() != Dtype::F32 || counts.dtype() != Dtype::I64 {
        return None;
    }
    let numbers: Vec<f32> = (corners.data().as_chunks::<4>().0.iter())
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    if numbers.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut points = (numbers.as_chunks::<3>().0.iter()).map(|p| Vector3::from(*p));
    let mut hulls = Vec::new();
    for count in counts.data().as_chunks::<8>().0 {
        let count = usize::try_from(i64::from_le_bytes(*count)).ok()?;
        let hull: Vec<_> = points.by_ref().take(count).collect();
        if hull.len() != count || count < 4 {
            return None;
        }
        hulls.push(hull);
    }
    (points.next().is_none() && !hulls.is_empty()).then_some(hulls)
}

/// Keeps the parts of a mesh.
///
/// # Errors
/// [`Error::Write`].
pub(crate) fn write_hulls(path: &Path, mesh: &Mesh, hulls: &[Vec<Vector3<f32>>]) -> Result<()> {
    let corners: Vec<u8> = (hulls.iter().flatten())
        .flat_map(|v| [v.x, v.y, v.z])
        .flat_map(f32::to_le_bytes)
        .collect();
    let counts: Vec<u8> = (hulls.iter())
        .flat_map(|h| (h.len() as i64).to_le_bytes())
        .collect();
    let view = |dtype, shape, data| {
        TensorView::new(dtype, shape, data).map_err(|e| Error::invalid("convex parts", e))
    };
    let total = hulls.iter().map(Vec::len).sum();
    let tensors = [
        ("corners", view(Dtype::F32, vec![total, 3], &corners)?),
        ("counts", view(Dtype::I64, vec![hulls.len()], &counts)?),
    ];
    let metadata = HashMap::from([("mesh".to_owned(), digest(mesh))]);
    let bytes = safetensors::serialize(tensors, Some(metadata))
        .map_err(|e| Error::invalid("convex parts", e))?;
    error::write_atomically(path, &bytes)
}
