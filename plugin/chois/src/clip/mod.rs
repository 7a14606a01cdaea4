//! Motion clips in files: our safetensors form, glTF to look at, BVH for other tools.

pub mod bvh;
mod file;
pub mod glb;
mod name;
pub mod packet;
mod shading;
pub mod usda;

pub(crate) use file::clip_bytes;
pub use file::{parse_clip, read_clip, write_clip};
pub use name::file_name;
