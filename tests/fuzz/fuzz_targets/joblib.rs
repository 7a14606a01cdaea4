//! A file of joblib.dump of any bytes is usable statistics or an error.
#![no_main]

use std::path::Path;

use chois::import::parse_statistics;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(statistics) = parse_statistics(bytes, Path::new("fuzz.p")) {
        statistics.validate().expect("what is read is usable");
    }
});
