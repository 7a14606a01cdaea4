//! The golden files themselves: tensors that are not stored come back bit for bit.

use chois_tests::{Golden, golden_dir};

/// Opening a file draws what is left out and compares it with its SHA-256.
#[test]
fn left_out_tensors_are_drawn_again() {
    let entries = std::fs::read_dir(golden_dir()).expect("the golden folder");
    let mut opened = 0;
    for path in entries.map(|e| e.expect("an entry").path()) {
        if path.extension().is_some_and(|e| e == "safetensors") {
            let name = path.file_stem().expect("a name").to_string_lossy();
            assert!(Golden::open(&name).names().count() > 0, "{name} is empty");
            opened += 1;
        }
    }
    assert!(opened >= 14, "only {opened} golden files");
}

#[test]
fn shapes_are_the_described_ones() {
    for name in ["ddim_chain", "long_sequence", "weights_small"] {
        let path = golden_dir().join(format!("{name}.json"));
        let text = std::fs::read_to_string(path).expect("a description");
        let about: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let golden = Golden::open(name);
        let tensors = about["tensors"].as_object().expect("tensors");
        assert_eq!(tensors.len(), golden.names().count(), "{name}");
        for (key, entry) in tensors {
            let shape: Vec<i64> = serde_json::from_value(entry["shape"].clone()).expect("a shape");
            assert_eq!(golden.shape(key), shape, "{name}: {key}");
        }
    }
}
