//! A checkpoint's `config.json` of any bytes can be run or is an error.
#![no_main]

use std::path::Path;

use chois::model::checkpoint::parse_config;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = parse_config(bytes, Path::new("config.json")) {
        config.validate().expect("a read config is valid");
    }
});
