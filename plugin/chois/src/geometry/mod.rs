//! Object geometry: meshes from files, objects about their centre, basis point sets, signed distance grids.
//!
//! Everything here is plain Rust in metres. A [`Mesh`] comes from a file ([`load_mesh`]), an [`ObjectGeometry`]
//! puts it about the mean of its vertices and answers the questions the pipeline asks about a shape, a
//! [`BpsBasis`] holds the points that the network's view of a shape is measured from.

mod bps;
pub(crate) mod bvh;
mod columns;
mod legacy_rng;
mod load;
mod mesh;
mod npy;
mod object;
mod sdf;
mod silhouette;
mod surface;
mod symmetry;

pub use bps::{BASIS_POINTS, BpsBasis};
pub use load::{MeshFormat, UpAxis, load_mesh, parse_mesh};
pub use mesh::{MAX_EXTENT, MAX_TRIANGLES, MAX_VERTICES, MIN_EXTENT, Mesh};
pub use object::ObjectGeometry;
pub use sdf::{MAX_GRID, SdfGrid};
pub(crate) use silhouette::{Silhouette, convex_hull};
pub use surface::{Surface, SurfacePoint};
pub use symmetry::alike_turns;
