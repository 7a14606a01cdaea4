//! Motion clips in files: our safetensors form and glTF.

mod file;
pub mod glb;
mod shading;

pub use file::{parse_clip, read_clip, write_clip};
