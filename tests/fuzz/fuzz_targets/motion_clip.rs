//! A motion clip of any bytes is a usable clip or an error.
#![no_main]

use std::path::Path;

use chois::clip::parse_clip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(clip) = parse_clip(bytes, Path::new("fuzz.safetensors")) {
        let joints = (0..clip.frames.len()).flat_map(|t| clip.joints(t));
        assert!(joints.flat_map(|p| [p.x, p.y, p.z]).all(f32::is_finite));
    }
});
