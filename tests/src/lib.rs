//! Golden vectors: numbers made by the published PyTorch code, and how to compare against them.
//!
//! The folder is `tests/golden`, or `CHOIS_GOLDEN_DIR` when that is set, so that the same tests run on other
//! numbers. Each `.json` beside a `.safetensors` explains its tensors.

pub mod network;

use std::collections::HashMap;
use std::path::PathBuf;

use tch::{Kind, Tensor};

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
        let tensors = Tensor::read_safetensors(&path)
            .unwrap_or_else(|e| panic!("golden file {}: {e}", path.display()));
        Self {
            name: name.to_owned(),
            tensors: tensors.into_iter().collect(),
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
