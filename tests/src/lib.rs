//! Golden vectors: numbers made by the published PyTorch code, and how to compare against them.
//!
//! The folder is `tests/golden`, or `CHOIS_GOLDEN_DIR` when that is set, so that the same tests run on other
//! numbers. Each `.json` beside a `.safetensors` explains its tensors. Large random inputs are not stored: the `.json`
//! says under `regenerated` how to draw them again. A tensor in the `.safetensors` wins over its recipe.

pub mod carry;
pub mod contact_suite;
pub mod errands;
pub mod home;
pub mod rooms;
pub mod torch_random;

pub mod network;
pub mod tiny;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tch::{Kind, Tensor};

use torch_random::TorchRandom;

/// The folder of golden files.
pub fn golden_dir() -> PathBuf {
    std::env::var_os("CHOIS_GOLDEN_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden"))
}

/// One golden file.
pub struct Golden {
    name: String,
    tensors: HashMap<String, Tensor>,
}

impl Golden {
    /// Opens `<name>.safetensors`; a missing file fails the test that asked for it.
    pub fn open(name: &str) -> Self {
        let path = golden_dir().join(format!("{name}.safetensors"));
        let mut tensors: HashMap<String, Tensor> = Tensor::read_safetensors(&path)
            .unwrap_or_else(|e| panic!("golden file {}: {e}", path.display()))
            .into_iter()
            .collect();
        for (key, recipe) in recipes(&path.with_extension("json")) {
            tensors.entry(key).or_insert_with_key(|key| {
                regenerate(&recipe)
                    .unwrap_or_else(|e| panic!("golden file {name}, tensor {key}: {e}"))
            });
        }
        Self {
            name: name.to_owned(),
            tensors,
        }
    }

    /// The tensor of this name, as stored.
    pub fn tensor(&self, key: &str) -> Tensor {
        self.tensors
            .get(key)
            .unwrap_or_else(|| panic!("golden file {} has no tensor {key}", self.name))
            .shallow_clone()
    }

    /// Names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Dimensions of a tensor.
    pub fn shape(&self, key: &str) -> Vec<i64> {
        self.tensor(key).size()
    }

    /// The values of a tensor, row-major, as `f32`.
    pub fn f32(&self, key: &str) -> Vec<f32> {
        let t = self.tensor(key).to_kind(Kind::Float).contiguous().view(-1);
        Vec::<f32>::try_from(&t).expect("a float tensor becomes a vector")
    }

    /// The values of a tensor, row-major, as `f64`.
    pub fn f64(&self, key: &str) -> Vec<f64> {
        let t = self.tensor(key).to_kind(Kind::Double).contiguous().view(-1);
        Vec::<f64>::try_from(&t).expect("a double tensor becomes a vector")
    }

    /// The values of a tensor, row-major, as `i64`.
    pub fn i64(&self, key: &str) -> Vec<i64> {
        let t = self.tensor(key).to_kind(Kind::Int64).contiguous().view(-1);
        Vec::<i64>::try_from(&t).expect("an integer tensor becomes a vector")
    }

    /// The single value of a tensor.
    pub fn scalar(&self, key: &str) -> f64 {
        self.f64(key)[0]
    }
}

/// The entry `regenerated` of a description; files without one hold all their tensors.
fn recipes(path: &Path) -> serde_json::Map<String, Value> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return serde_json::Map::new();
    };
    let about: Value = serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("golden description {}: {e}", path.display()));
    about["regenerated"]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// Draws a tensor by its recipe and checks it against the recorded SHA-256.
fn regenerate(recipe: &Value) -> Result<Tensor, String> {
    let number = |key: &str| recipe[key].as_f64().ok_or(format!("no number {key}"));
    let shape: Vec<i64> = recipe["shape"]
        .as_array()
        .ok_or("no shape")?
        .iter()
        .filter_map(Value::as_i64)
        .collect();
    let count = shape.iter().product::<i64>() as usize;
    let mut random = TorchRandom::new(number("seed")? as u32);
    random.skip(number("skip")? as usize);
    let values = match recipe["distribution"].as_str() {
        Some("normal") => {
            let scale = number("scale")? as f32;
            random.normal(count).iter().map(|v| v * scale).collect()
        }
        Some("uniform") => random.uniform(count, number("low")? as f32, number("high")? as f32),
        other => return Err(format!("unknown distribution {other:?}")),
    };
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    if recipe["sha256"].as_str() != Some(&digest) {
        return Err("the drawn values are not the recorded ones".to_owned());
    }
    Ok(Tensor::from_slice(&values).view(&shape[..]))
}

/// Largest relative error |a-b| / (1+|b|), the measure of the golden files.
pub fn relative_error(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len(), "number of values");
    got.iter().zip(want).fold(0.0, |worst, (a, b)| {
        let e = (a - b).abs() / (1.0 + b.abs());
        // NaN must fail, and `max` would drop it.
        if e.is_nan() {
            f32::INFINITY
        } else {
            worst.max(e)
        }
    })
}

/// Fails unless every value is within `tolerance` by [`relative_error`].
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    let error = relative_error(got, want);
    assert!(
        error <= tolerance,
        "{what}: error {error:.3e} exceeds {tolerance:.1e}"
    );
}

/// [`assert_close`] for tensors; shapes must agree too.
#[track_caller]
pub fn assert_tensors_close(what: &str, got: &Tensor, want: &Tensor, tolerance: f64) {
    assert_eq!(got.size(), want.size(), "{what}: shape");
    let got = got.to_kind(Kind::Double);
    let want = want.to_kind(Kind::Double);
    let error = ((&got - &want).abs() / (want.abs() + 1.0))
        .max()
        .double_value(&[]);
    assert!(
        error <= tolerance,
        "{what}: error {error:.3e} exceeds {tolerance:.1e}"
    );
}
