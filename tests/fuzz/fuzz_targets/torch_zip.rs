//! A file of torch.save of any bytes is a checkpoint, a basis or an error.
#![no_main]

use std::path::Path;

use chois::import::{OfficialCheckpoint, parse_bps};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzz.pt");
    if let Ok(official) = OfficialCheckpoint::parse(bytes, path) {
        let _ = official.architecture(4);
    }
    if let Ok(basis) = parse_bps(bytes, path) {
        assert!(basis.points().iter().flatten().all(|c| c.is_finite()));
    }
});
