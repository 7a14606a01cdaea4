//! A Wavefront OBJ file of any bytes is a usable mesh or an error.
#![no_main]

use std::path::Path;

use chois::geometry::{MeshFormat, parse_mesh};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(mesh) = parse_mesh(bytes, MeshFormat::Obj, Path::new("fuzz.obj"), None) {
        mesh.check().expect("a loaded mesh is usable");
    }
});
