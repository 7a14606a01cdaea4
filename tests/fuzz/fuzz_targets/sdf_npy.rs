//! The array of a distance grid of any bytes is a usable grid or an error.
#![no_main]

use std::path::Path;

use chois::geometry::SdfGrid;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let about = br#"{"centroid": [0, 0.5, 0], "extents": [1, 1, 2.5], "grid_dim": 4}"#;
    if let Ok(grid) = SdfGrid::parse(bytes, about, Path::new("fuzz.ply.npy")) {
        assert!(grid.query(&grid.centroid()).is_finite());
    }
});
