//! A pickle of any bytes is data or an error, and so is every tensor that it describes.
#![no_main]

use std::path::Path;

use chois::import::{Node, Pickle, TorchArchive};

const ARCHIVE: &[u8] = include_bytes!("../../golden/import/kinds.pt");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzz.pt");
    if let Ok(pickle) = Pickle::parse(bytes, path) {
        let mut archive = TorchArchive::open(ARCHIVE, path).expect("a good archive");
        for id in pickle.ids() {
            if matches!(pickle.node(id), Node::Object { .. }) {
                let _ = archive.tensor(&pickle, id, "tensor");
            }
        }
    }
});
