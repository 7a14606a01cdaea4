//! Weights by name, as in the published state dict (specification, section 5).

use std::collections::BTreeMap;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use super::config::Architecture;
use crate::error::{Error, Result};
use crate::motion::features::FEATURES;

/// Name and shape of every weight of this architecture that is learned.
pub fn shapes(a: &Architecture) -> Vec<(String, Vec<i64>)> {
    let mut out = Vec::new();
    let mut linear = |name: &str, shape: &[i64]| {
        out.push((format!("{name}.weight"), shape.to_vec()));
        out.push((format!("{name}.bias"), vec![shape[0]]));
    };
    linear("bps_encoder.0", &[a.object_hidden, a.basis_points * 3]);
    linear("bps_encoder.2", &[a.object_width, a.object_hidden]);
    linear("clip_encoder.0", &[a.width, a.text_width]);
    let t = "denoise_fn.motion_transformer";
    let d = a.heads * a.head_width;
    linear(
        &format!("{t}.start_conv"),
        &[a.width, FEATURES as i64 + a.condition_width(), 1],
    );
    for i in 0..a.layers {
        let layer = format!("{t}.layer_stack.{i}");
        for part in ["w_q", "w_k", "w_v"] {
            linear(&format!("{layer}.self_attn.{part}"), &[d, a.width]);
        }
        linear(&format!("{layer}.self_attn.fc"), &[a.width, d]);
        linear(&format!("{layer}.self_attn.layer_norm"), &[a.width]);
        linear(&format!("{layer}.pos_ffn.w_1"), &[a.hidden, a.width, 1]);
        linear(&format!("{layer}.pos_ffn.w_2"), &[a.width, a.hidden, 1]);
        linear(&format!("{layer}.pos_ffn.layer_norm"), &[a.width]);
    }
    linear("denoise_fn.linear_out", &[FEATURES as i64, a.width]);
    linear("denoise_fn.time_mlp.1", &[256, 64]);
    linear("denoise_fn.time_mlp.3", &[a.width, 256]);
    out
}

/// Tensors by name.
#[derive(Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl Clone for Weights {
    fn clone(&self) -> Self {
        Self::from_tensors(self.iter().map(|(n, t)| (n.to_owned(), t.copy())))
    }
}

impl Weights {
    /// Weights from named tensors, unchecked.
    pub fn from_tensors(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        Self {
            tensors: tensors.into_iter().collect(),
        }
    }

    /// Fresh weights: PyTorch's default initialisation (uniform in ±1/√fan_in), from a seed.
    pub fn initialise(architecture: &Architecture, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bound = 0.0_f32;
        let tensors = shapes(architecture).into_iter().map(|(name, shape)| {
            let n = shape.iter().product::<i64>() as usize;
            let tensor = if name.ends_with("layer_norm.weight") {
                Tensor::ones(&shape, (Kind::Float, tch::Device::Cpu))
            } else if name.ends_with("layer_norm.bias") {
                Tensor::zeros(&shape, (Kind::Float, tch::Device::Cpu))
            } else {
                if name.ends_with("weight") {
                    // The bias that follows has the bound of its weight's fan-in.
                    bound = 1.0 / (shape[1..].iter().product::<i64>() as f32).sqrt();
                }
                let values: Vec<f32> = (0..n).map(|_| rng.random_range(-bound..bound)).collect();
                Tensor::from_slice(&values).view(&shape[..])
            };
            (name, tensor)
        });
        Self::from_tensors(tensors.collect::<Vec<_>>())
    }

    /// The weights of this architecture among named tensors, as `f32`; `path` is for messages. Names that are not the
    /// network's (published buffers, say) are left out.
    pub fn checked(
        architecture: &Architecture,
        mut tensors: BTreeMap<String, Tensor>,
        path: &Path,
    ) -> Result<Self> {
        let mut out = BTreeMap::new();
        for (name, shape) in shapes(architecture) {
            let tensor = tensors.remove(&name).ok_or_else(|| {
                Error::malformed(path, "checkpoint", format!("tensor {name} is missing"))
            })?;
            if tensor.size() != shape {
                return Err(Error::malformed(
                    path,
                    "checkpoint",
                    format!(
                        "tensor {name} has shape {:?}, but config.json asks for {shape:?}",
                        tensor.size()
                    ),
                ));
            }
            let tensor = tensor.to_kind(Kind::Float);
            if !bool::try_from(tensor.isfinite().all()).unwrap_or(false) {
                return Err(Error::malformed(
                    path,
                    "checkpoint",
                    format!("tensor {name} holds values that are not finite"),
                ));
            }
            out.insert(name, tensor);
        }
        Ok(Self { tensors: out })
    }

    /// A tensor by name; shares storage. Fails when it is not there.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        self.tensors
            .get(name)
            .map(Tensor::shallow_clone)
            .ok_or_else(|| Error::invalid("weights", format!("tensor {name} is missing")))
    }

    /// All tensors with their names, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(n, t)| (n.as_str(), t))
    }

    /// The same weights on a device.
    pub fn to_device(&self, device: tch::Device) -> Self {
        Self::from_tensors(
            self.iter()
                .map(|(n, t)| (n.to_owned(), t.to_device(device))),
        )
    }

    /// Number of values.
    pub fn count(&self) -> usize {
        self.iter().map(|(_, t)| t.numel()).sum()
    }
}
