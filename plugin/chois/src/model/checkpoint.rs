//! A checkpoint on disk: `model.safetensors` (weights) beside `config.json` (everything else).

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{UnitQuaternion, Vector3};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Device, Kind, Tensor};

use super::config::{Basis, ModelConfig};
use super::network::Network;
use super::weights::Weights;
use crate::error::{Error, Result, read, write_atomically};
use crate::geometry::BpsBasis;
use crate::skeleton::{ROTATIONS, Skeleton};

/// Name of the weights' file in a checkpoint's folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// Name of the config's file in a checkpoint's folder.
pub const CONFIG_FILE: &str = "config.json";
const BASIS_TENSOR: &str = "basis";

/// A network as it lies on disk, checked.
pub struct Checkpoint {
    /// Everything that is not a weight.
    pub config: ModelConfig,
    /// Weights as `f32`, on the CPU.
    pub weights: Weights,
    /// Basis points of the object encoding.
    pub basis: BpsBasis,
}

impl Checkpoint {
    /// Reads and checks a checkpoint's folder.
    pub fn load(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::malformed(
                folder,
                "checkpoint",
                format!(
                    "it is not a folder with {WEIGHTS_FILE} and {CONFIG_FILE}; `chois train` and `chois import` write one"
                ),
            ));
        }
        let config_path = folder.join(CONFIG_FILE);
        let config = parse_config(&read(&config_path)?, &config_path)?;
        let path = folder.join(WEIGHTS_FILE);
        Self::from_parts(config, &read(&path)?, &path)
    }

    /// A checkpoint from a config and the bytes of a weights' file; `path` is for messages.
    pub fn from_parts(config: ModelConfig, bytes: &[u8], path: &Path) -> Result<Self> {
        let mut tensors = parse_tensors(bytes, path)?;
        let basis = match config.basis {
            Basis::Standard => BpsBasis::standard().clone(),
            Basis::Tensor => {
                let tensor = tensors.remove(BASIS_TENSOR).ok_or_else(|| {
                    Error::malformed(
                        path,
                        "checkpoint",
                        format!(
                            "config.json says basis = tensor, but tensor {BASIS_TENSOR} is missing"
                        ),
                    )
                })?;
                if tensor.size().get(1..) != Some(&[3]) {
                    return Err(Error::malformed(
                        path,
                        "checkpoint",
                        format!(
                            "tensor {BASIS_TENSOR} has shape {:?}, expected points x 3",
                            tensor.size()
                        ),
                    ));
                }
                let values = Vec::<f32>::try_from(&tensor.to_kind(Kind::Float).view(-1))?;
                BpsBasis::from_points(
                    values
                        .chunks_exact(3)
                        .map(|p| Vector3::new(p[0], p[1], p[2]))
                        .collect(),
                )
                .map_err(|e| Error::malformed(path, "checkpoint", e))?
            }
        };
        if basis.points().len() as i64 != config.architecture.basis_points {
            return Err(Error::malformed(
                path,
                "checkpoint",
                format!(
                    "{} basis points, but config.json asks for {}",
                    basis.points().len(),
                    config.architecture.basis_points
                ),
            ));
        }
        let weights = Weights::checked(&config.architecture, tensors, path)?;
        Ok(Self {
            config,
            weights,
            basis,
        })
    }

    /// Writes the folder; weights in half precision when `half` is set.
    pub fn save(&self, folder: &Path, half: bool) -> Result<()> {
        let mut tensors: Vec<(String, Tensor)> = self
            .weights
            .iter()
            .map(|(n, t)| (n.to_owned(), t.shallow_clone()))
            .collect();
        if self.config.basis == Basis::Tensor {
            let points: Vec<f32> = self
                .basis
                .points()
                .iter()
                .flat_map(|p| [p.x, p.y, p.z])
                .collect();
            tensors.push((
                BASIS_TENSOR.to_owned(),
                Tensor::from_slice(&points).view([-1, 3]),
            ));
        }
        write_tensors(&folder.join(WEIGHTS_FILE), &tensors, half, None)?;
        let mut json =
            serde_json::to_vec_pretty(&self.config).map_err(|e| Error::invalid("config", e))?;
        json.push(b'\n');
        write_atomically(&folder.join(CONFIG_FILE), &json)
    }

    /// The network on a device.
    pub fn network(&self, device: Device) -> Result<Network> {
        tch::no_grad(|| Network::new(&self.config, &self.weights.to_device(device), device))
    }

    /// Bones of the default person.
    pub fn skeleton(&self) -> Skeleton {
        self.config.skeleton()
    }

    /// World rotations of a standing person facing -y.
    pub fn standing(&self) -> [UnitQuaternion<f32>; ROTATIONS] {
        self.config.standing()
    }
}

/// A checked config from the bytes of `config.json`; `path` is for messages.
pub fn parse_config(bytes: &[u8], path: &Path) -> Result<ModelConfig> {
    let config: ModelConfig = serde_json::from_slice(bytes)
        .map_err(|e| Error::malformed(path, "checkpoint config", e))?;
    config
        .validate()
        .map_err(|e| Error::malformed(path, "checkpoint config", e))?;
    Ok(config)
}

/// Named tensors from the bytes of a safetensors file; `path` is for messages.
pub fn parse_tensors(bytes: &[u8], path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        Error::malformed(
            path,
            "checkpoint",
            format!("{e} (truncated or not safetensors)"),
        )
    })?;
    let mut out = BTreeMap::new();
    for (name, view) in file.tensors() {
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F64 => Kind::Double,
            Dtype::I64 => Kind::Int64,
            Dtype::U8 => Kind::Uint8,
            other => {
                return Err(Error::malformed(
                    path,
                    "checkpoint",
                    format!("tensor {name} has type {other:?}; expected F32, F16 or BF16"),
                ));
            }
        };
        // An empty tensor may claim any other size: libtorch must not see it.
        if view.data().is_empty() {
            return Err(Error::malformed(
                path,
                "checkpoint",
                format!("tensor {name} of shape {:?} holds nothing", view.shape()),
            ));
        }
        let shape: Vec<i64> = view.shape().iter().map(|d| *d as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind).map_err(|e| {
            let e = e.to_string();
            let line = e.lines().next().unwrap_or_default();
            Error::malformed(path, "checkpoint", format!("tensor {name}: {line}"))
        })?;
        out.insert(name, tensor);
    }
    Ok(out)
}

/// Writes named tensors as safetensors, atomically; floats in half precision when `half` is set.
/// `metadata` goes into the file's header.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, Tensor)],
    half: bool,
    metadata: Option<std::collections::HashMap<String, String>>,
) -> Result<()> {
    let mut data = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
        let (tensor, dtype) = match tensor.kind() {
            Kind::Float if half => (tensor.to_kind(Kind::Half), Dtype::F16),
            Kind::Int64 => (tensor, Dtype::I64),
            Kind::Float => (tensor, Dtype::F32),
            _ => (tensor.to_kind(Kind::Float), Dtype::F32),
        };
        let size = tensor.numel() * tensor.kind().elt_size_in_bytes();
        let mut bytes = vec![0_u8; size];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        let shape: Vec<usize> = tensor.size().iter().map(|d| *d as usize).collect();
        data.push((name.as_str(), dtype, shape, bytes));
    }
    let views = data
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes)
                .map(|v| (*name, v))
                .map_err(|e| Error::invalid(*name, e))
        })
        .collect::<Result<Vec<_>>>()?;
    let bytes =
        safetensors::serialize(views, metadata).map_err(|e| Error::invalid("checkpoint", e))?;
    write_atomically(path, &bytes)
}
