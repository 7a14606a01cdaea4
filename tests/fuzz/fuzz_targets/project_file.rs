//! A project file of any bytes holds a valid project, which is written and read again as it is, or is an error.
#![no_main]

use std::path::Path;

use chois::project::file::{parse_project, to_text};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzz.chois.ron");
    if let Ok(project) = parse_project(bytes, path) {
        let text = to_text(&project).expect("a read project is valid");
        let again = parse_project(text.as_bytes(), path).expect("what was written is read");
        assert_eq!(again, project);
    }
});
