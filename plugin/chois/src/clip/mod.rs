//! Motion clips in files: our safetensors form and glTF.

mod file;

pub use file::{parse_clip, read_clip, write_clip};
