//! A request file of any bytes, RON or JSON, holds valid requests or is an error.
#![no_main]

use std::path::Path;

use chois::request::file::parse_jobs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for name in ["fuzz.ron", "fuzz.json"] {
        for job in parse_jobs(bytes, Path::new(name)).unwrap_or_default() {
            job.request.validate().expect("a read request is valid");
        }
    }
});
