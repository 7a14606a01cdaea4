//! A checkpoint's weights of any bytes are tensors or an error.
#![no_main]

use std::path::Path;

use chois::model::checkpoint::parse_tensors;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for (name, tensor) in parse_tensors(bytes, Path::new("model.safetensors")).unwrap_or_default() {
        assert!(tensor.numel() > 0, "tensor {name} holds something");
    }
});
