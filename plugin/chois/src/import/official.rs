//! The official release's three files (specification, sections 1, 3 and 5) as one checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nalgebra::Vector3;
use tch::{Kind, Tensor};

use super::joblib::{Array, read_arrays};
use super::pickle::{Node, Pickle};
use super::torch_zip::TorchArchive;
use crate::condition::{Fill, Skip};
use crate::diffusion::Schedule;
use crate::error::read;
use crate::geometry::BpsBasis;
use crate::model::config::{
    Architecture, Basis, CONFIG_VERSION, Conditioning, DiffusionConfig, Provenance, TextEncoderKind,
};
use crate::model::denoiser::position_table;
use crate::model::weights::shapes;
use crate::model::{Checkpoint, ModelConfig, Weights};
use crate::motion::features::{FEATURES, Statistics};
use crate::skeleton::{JOINTS, Skeleton};
use crate::{Error, Result};

const KIND: &str = "official checkpoint";
/// The averaged weights, which the release samples with.
const PREFIX: &str = "ema_model.";
const TRANSFORMER: &str = "denoise_fn.motion_transformer";
const POSITIONS: &str = "denoise_fn.motion_transformer.position_vec.weight";
/// Farthest that a constant may be from its formula: it went through the moving average, in half precision at worst.
const ROUNDING: f64 = 2e-3;

/// `model-10.pt`: its averaged weights and how long they were trained.
#[derive(Debug)]
pub struct OfficialCheckpoint {
    /// Optimiser steps.
    pub step: i64,
    /// The averaged weights and buffers by their published names, without prefix, as they are stored.
    pub tensors: BTreeMap<String, Tensor>,
    path: PathBuf,
}

impl OfficialCheckpoint {
    /// Reads `model-10.pt`.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be read, otherwise as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?, path)
    }

    /// Reads the bytes of `model-10.pt`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no file of `torch.save`, or lacks `step` or the averaged weights.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let failed = |reason: String| Error::malformed(path, KIND, reason);
        let mut archive = TorchArchive::open(bytes, path)?;
        let pickled = archive.pickle()?;
        let pickle = Pickle::parse(&pickled, path)?;
        let root = pickle.root();
        let ema = pickle.get(root, "ema").ok_or_else(|| {
            let keys: Vec<&str> = pickle.entries(root).map(|(k, _)| k).take(8).collect();
            failed(format!(
                "it has no entry ema with the averaged weights (its entries: {})",
                listed(&keys)
            ))
        })?;
        let step = pickle
            .get(root, "step")
            .and_then(|s| pickle.int(s))
            .filter(|s| *s >= 0)
            .ok_or_else(|| failed("its entry step is no number of training steps".to_owned()))?;
        let mut tensors = BTreeMap::new();
        for (name, id) in pickle.entries(ema) {
            if let Some(short) = name.strip_prefix(PREFIX) {
                tensors.insert(short.to_owned(), archive.tensor(&pickle, id, name)?);
            }
        }
        if tensors.is_empty() {
            return Err(failed(format!(
                "its entry ema has no tensor whose name starts with {PREFIX}"
            )));
        }
        Ok(Self {
            step,
            tensors,
            path: path.to_owned(),
        })
    }

    /// Sizes of the network, read from the shapes of its tensors. How many heads share an attention layer's width
    /// does not show in them; the release has 4.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming the tensor that is missing or has a shape that no such network has.
    pub fn architecture(&self, heads: i64) -> Result<Architecture> {
        let failed = |reason: String| Error::malformed(&self.path, KIND, reason);
        let sizes = |name: &str, axes: usize| -> Result<Vec<i64>> {
            let tensor = self
                .tensors
                .get(name)
                .ok_or_else(|| failed(format!("tensor {PREFIX}{name} is missing")))?;
            let size = tensor.size();
            if size.len() != axes {
                return Err(failed(format!(
                    "tensor {PREFIX}{name} has shape {size:?}, expected {axes} axes"
                )));
            }
            Ok(size)
        };
        let layer = format!("{TRANSFORMER}.layer_stack.");
        let layers = self
            .tensors
            .keys()
            .filter_map(|n| n.strip_prefix(&layer)?.split('.').next()?.parse().ok())
            .max()
            .map_or(0, |last: u16| i64::from(last) + 1);
        let width = sizes(&format!("{TRANSFORMER}.start_conv.weight"), 3)?[0];
        let attention = sizes(&format!("{layer}0.self_attn.w_q.weight"), 2)?[0];
        let hidden = sizes(&format!("{layer}0.pos_ffn.w_1.weight"), 3)?[0];
        let object_in = sizes("bps_encoder.0.weight", 2)?;
        let object_width = sizes("bps_encoder.2.weight", 2)?[0];
        let text_width = sizes("clip_encoder.0.weight", 2)?[1];
        let rows = sizes(POSITIONS, 2)?[0];
        if heads < 1 || attention % heads != 0 {
            return Err(Error::invalid(
                "heads",
                format!("{heads} heads cannot share the attention's width {attention}"),
            ));
        }
        if object_in[1] % 3 != 0 {
            return Err(failed(format!(
                "tensor {PREFIX}bps_encoder.0.weight has shape {object_in:?}; the last axis is three for each basis point"
            )));
        }
        Ok(Architecture {
            width,
            layers,
            heads,
            head_width: attention / heads,
            hidden,
            object_hidden: object_in[0],
            object_width,
            basis_points: object_in[1] / 3,
            text_width,
            // One row for padding, one for the time token.
            window: rows - 2,
            dropout: Architecture::official().dropout,
        })
    }

    /// Refuses tensors that are missing, not known, of another shape, of whole numbers or not finite, and constants
    /// that are not those of the published schedule and position table. Gives the schedule's number of steps.
    fn check(&self, architecture: &Architecture) -> Result<i64> {
        let failed = |reason: String| Error::malformed(&self.path, KIND, reason);
        let betas = self
            .tensors
            .get("betas")
            .ok_or_else(|| failed(format!("tensor {PREFIX}betas is missing")))?;
        let steps = betas.numel();
        if !(1..=10_000).contains(&steps) {
            return Err(failed(format!(
                "tensor {PREFIX}betas has {steps} steps, expected 1 to 10000"
            )));
        }
        let schedule = Schedule::cosine(steps);
        let mut constants: BTreeMap<&str, Tensor> = buffers(&schedule)
            .map(|(name, values)| (name, Tensor::from_slice(values)))
            .into();
        constants.insert(
            POSITIONS,
            position_table(architecture.window + 2, architecture.width),
        );
        let mut wanted: BTreeMap<String, Vec<i64>> = shapes(architecture).into_iter().collect();
        wanted.extend(constants.iter().map(|(n, t)| ((*n).to_owned(), t.size())));
        let missing: Vec<&str> = wanted
            .keys()
            .filter(|n| !self.tensors.contains_key(*n))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(failed(format!(
                "tensors are missing under {PREFIX}: {}",
                listed(&missing)
            )));
        }
        let extra: Vec<&str> = self
            .tensors
            .keys()
            .filter(|n| !wanted.contains_key(*n))
            .map(String::as_str)
            .collect();
        if !extra.is_empty() {
            return Err(failed(format!(
                "tensors under {PREFIX} are not the published network's: {}",
                listed(&extra)
            )));
        }
        for (name, tensor) in &self.tensors {
            let shape = &wanted[name];
            if tensor.size() != *shape {
                return Err(failed(format!(
                    "tensor {PREFIX}{name} has shape {:?}, expected {shape:?}",
                    tensor.size()
                )));
            }
            if !tensor.is_floating_point() {
                return Err(failed(format!(
                    "tensor {PREFIX}{name} holds {:?}, expected floating-point numbers",
                    tensor.kind()
                )));
            }
            // In f32, since a weight that only f64 can hold would become infinite.
            let values = tensor.to_kind(Kind::Float);
            if !bool::try_from(values.isfinite().all())? {
                return Err(failed(format!(
                    "tensor {PREFIX}{name} holds values that are not finite"
                )));
            }
            if let Some(formula) = constants.get(name.as_str()) {
                let error = ((&values - formula).abs() / (formula.abs() + 1.0))
                    .max()
                    .double_value(&[]);
                if error > ROUNDING {
                    return Err(failed(format!(
                        "tensor {PREFIX}{name} is not the published one (off by {error:.1e}); this build computes \
                         the cosine schedule and the sine table itself"
                    )));
                }
            }
        }
        Ok(steps as i64)
    }
}

/// Constants that the release keeps in its checkpoints, by their published names.
fn buffers(s: &Schedule) -> [(&'static str, &Vec<f32>); 13] {
    [
        ("betas", &s.betas),
        ("alphas_cumprod", &s.alphas_cumprod),
        ("alphas_cumprod_prev", &s.alphas_cumprod_prev),
        ("sqrt_alphas_cumprod", &s.sqrt_alphas_cumprod),
        (
            "sqrt_one_minus_alphas_cumprod",
            &s.sqrt_one_minus_alphas_cumprod,
        ),
        (
            "log_one_minus_alphas_cumprod",
            &s.log_one_minus_alphas_cumprod,
        ),
        ("sqrt_recip_alphas_cumprod", &s.sqrt_recip_alphas_cumprod),
        (
            "sqrt_recipm1_alphas_cumprod",
            &s.sqrt_recipm1_alphas_cumprod,
        ),
        ("posterior_variance", &s.posterior_variance),
        (
            "posterior_log_variance_clipped",
            &s.posterior_log_variance_clipped,
        ),
        ("posterior_mean_coef1", &s.posterior_mean_coef1),
        ("posterior_mean_coef2", &s.posterior_mean_coef2),
        ("p2_loss_weight", &s.p2_loss_weight),
    ]
}

/// At most six names, shortened, and how many more there are.
fn listed(names: &[&str]) -> String {
    let mut out = names
        .iter()
        .take(6)
        .map(|n| {
            n.chars()
                .take(96)
                .flat_map(char::escape_default)
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() {
        0 => out.push_str("none"),
        7.. => out.push_str(&format!(" and {} more", names.len() - 6)),
        _ => {}
    }
    out
}

/// Reads the statistics file (`cano_min_max_mean_std_data_window_120_joints24.p`): bounds of every joint and of the
/// object's centre, metres, canonical window frame.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read, otherwise as [`parse_statistics`].
pub fn read_statistics(path: &Path) -> Result<Statistics> {
    parse_statistics(&read(path)?, path)
}

/// Statistics from the file's bytes; `path` is for messages.
///
/// # Errors
/// [`Error::Malformed`] when it is no joblib file, lacks one of the four bounds, or they span no intervals.
pub fn parse_statistics(bytes: &[u8], path: &Path) -> Result<Statistics> {
    const KIND: &str = "statistics file";
    const KEYS: [&str; 4] = [
        "global_jpos_min",
        "global_jpos_max",
        "obj_com_pos_min",
        "obj_com_pos_max",
    ];
    let arrays = read_arrays(bytes, &KEYS, path)?;
    let bounds = |key: &str, points: usize| -> Result<Vec<[f32; 3]>> {
        let array: &Array = arrays
            .get(key)
            .ok_or_else(|| Error::malformed(path, KIND, format!("entry {key} is missing")))?;
        if array.values.len() != points * 3 {
            return Err(Error::malformed(
                path,
                KIND,
                format!(
                    "entry {key} has shape {:?}, expected {} numbers",
                    array.shape,
                    points * 3
                ),
            ));
        }
        let point = |p: &[f64]| [p[0] as f32, p[1] as f32, p[2] as f32];
        Ok(array.values.chunks_exact(3).map(point).collect())
    };
    let statistics = Statistics {
        joint_min: bounds(KEYS[0], JOINTS)?,
        joint_max: bounds(KEYS[1], JOINTS)?,
        object_min: bounds(KEYS[2], 1)?[0],
        object_max: bounds(KEYS[3], 1)?[0],
    };
    statistics
        .validate()
        .map_err(|e| Error::malformed(path, KIND, e))?;
    Ok(statistics)
}

/// Reads `bps.pt`: the basis points, metres about the object's centre.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read, otherwise as [`parse_bps`].
pub fn read_bps(path: &Path) -> Result<BpsBasis> {
    parse_bps(&read(path)?, path)
}

/// Basis points from the bytes of `bps.pt`: a tensor of shape (1, 1024, 3) or (1024, 3), alone or as entry `obj`;
/// `path` is for messages.
///
/// # Errors
/// [`Error::Malformed`] when it is no file of `torch.save` or holds no such tensor.
pub fn parse_bps(bytes: &[u8], path: &Path) -> Result<BpsBasis> {
    const KIND: &str = "basis point file";
    let mut archive = TorchArchive::open(bytes, path)?;
    let pickled = archive.pickle()?;
    let pickle = Pickle::parse(&pickled, path)?;
    let root = pickle.root();
    let id = match pickle.node(root) {
        Node::Dict(_) => pickle.get(root, "obj").ok_or_else(|| {
            Error::malformed(path, KIND, "it has no entry obj with the basis points")
        })?,
        _ => root,
    };
    let tensor = archive.tensor(&pickle, id, "basis points")?;
    match tensor.size()[..] {
        [1, _, 3] | [_, 3] => {}
        ref other => {
            return Err(Error::malformed(
                path,
                KIND,
                format!("the basis points have shape {other:?}, expected [1, 1024, 3]"),
            ));
        }
    }
    let values = Vec::<f32>::try_from(&tensor.to_kind(Kind::Float).view(-1))?;
    let points = values
        .chunks_exact(3)
        .map(|p| Vector3::new(p[0], p[1], p[2]))
        .collect();
    BpsBasis::from_points(points).map_err(|e| Error::malformed(path, KIND, e))
}

/// What the official files do not say.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Name of the model.
    pub name: String,
    /// Attention heads. The release has 4.
    pub heads: i64,
    /// Bones of the default person.
    pub skeleton: Skeleton,
    /// From the pelvis to SMPL's translation, metres. The release keeps it per subject in its sequence files, which
    /// are not imported; the published canonical frame depends on it (specification, section 2).
    pub trans2joint: [f32; 3],
}

/// [`ImportOptions::trans2joint`] of an average SMPL-X body, rounded: its pelvis rests 35 cm below the origin.
const AVERAGE_TRANS2JOINT: [f32; 3] = [0.0, 0.35, -0.01];

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            name: "chois-official".to_owned(),
            heads: Architecture::official().heads,
            skeleton: Skeleton::adult(),
            trans2joint: AVERAGE_TRANS2JOINT,
        }
    }
}

/// The official network as a checkpoint: published conditioning (unknown entries zero, nothing skipped), clamped
/// clean prediction, CLIP ViT-B/32. Values stay as they are, bit for bit where they are `f32`.
///
/// # Errors
/// [`Error::Malformed`] naming tensors that are missing, too many, misshapen or not finite, and constants of another
/// schedule or position table; [`Error::Invalid`] when the sizes make no network that this build runs.
pub fn convert(
    model: &OfficialCheckpoint,
    statistics: Statistics,
    basis: BpsBasis,
    options: &ImportOptions,
) -> Result<Checkpoint> {
    let architecture = model.architecture(options.heads)?;
    let file = model
        .path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let config = ModelConfig {
        version: CONFIG_VERSION,
        name: options.name.clone(),
        architecture,
        conditioning: Conditioning {
            fill: Fill::Zeros,
            skip: Skip::None,
            spread: None,
            features: None,
            walking: None,
        },
        diffusion: DiffusionConfig {
            steps: 1000,
            clamp: true,
            spread: None,
            walk_spread: None,
        },
        text_encoder: TextEncoderKind::ClipVitB32,
        statistics,
        skeleton: options
            .skeleton
            .rest_offsets
            .map(|o| [o.x, o.y, o.z])
            .to_vec(),
        standing: None,
        trans2joint: options.trans2joint,
        // The recipe gives the released table to its last bit or so; another table is kept as it is.
        basis: if basis == *BpsBasis::standard() {
            Basis::Standard
        } else {
            Basis::Tensor
        },
        provenance: Provenance {
            data: "as the official CHOIS release: FullBodyManipulation (OMOMO)".to_owned(),
            licence: "terms of the release that the files came from".to_owned(),
            steps: model.step,
            seconds: 0.0,
            notes: format!("averaged weights imported from {file}"),
            held_out: Vec::new(),
        },
    };
    // Sizes are checked before anything of that size is made.
    config.validate()?;
    let expected = 2 * FEATURES as i64 + config.architecture.object_width;
    let start = format!("{TRANSFORMER}.start_conv.weight");
    let found = model.tensors[&start].size()[1];
    if found != expected {
        return Err(Error::malformed(
            &model.path,
            KIND,
            format!(
                "tensor {PREFIX}{start} takes {found} features, expected {expected} (a model without object keypoints)"
            ),
        ));
    }
    let steps = model.check(&config.architecture)?;
    let config = ModelConfig {
        diffusion: DiffusionConfig {
            steps,
            ..config.diffusion
        },
        ..config
    };
    let tensors = model
        .tensors
        .iter()
        .map(|(n, t)| (n.clone(), t.shallow_clone()))
        .collect();
    let weights = Weights::checked(&config.architecture, tensors, &model.path)?;
    Ok(Checkpoint {
        config,
        weights,
        basis,
    })
}
