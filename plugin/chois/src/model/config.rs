//! `config.json` of a checkpoint: everything that is not a weight.

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use crate::condition::{Fill, Skip, WalkSkip, Walking};
use crate::error::{Error, Result};
use crate::motion::WINDOW;
use crate::motion::features::{FEATURES, Statistics};
use crate::skeleton::{JOINTS, ROTATIONS, Skeleton};

/// Sizes of the network (specification, section 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Width of a token.
    pub width: i64,
    /// Transformer layers.
    pub layers: i64,
    /// Attention heads.
    pub heads: i64,
    /// Width of a head (queries, keys and values alike).
    pub head_width: i64,
    /// Hidden width of the feed-forward block.
    pub hidden: i64,
    /// Hidden width of the object encoder.
    pub object_hidden: i64,
    /// Width of the object's feature.
    pub object_width: i64,
    /// Points of the basis point set.
    pub basis_points: i64,
    /// Width of the sentence vector that the text encoder gives.
    pub text_width: i64,
    /// Frames of a window.
    pub window: i64,
    /// Dropout while training.
    pub dropout: f64,
}

impl Architecture {
    /// The published network.
    pub fn official() -> Self {
        Self {
            width: 512,
            layers: 4,
            heads: 4,
            head_width: 256,
            hidden: 512,
            object_hidden: 512,
            object_width: 256,
            basis_points: 1024,
            text_width: 512,
            window: WINDOW as i64,
            dropout: 0.1,
        }
    }

    /// A quarter of the published network's cost, for training and running on a CPU.
    pub fn compact() -> Self {
        Self {
            width: 256,
            heads: 4,
            head_width: 64,
            hidden: 512,
            text_width: 384,
            dropout: 0.0,
            ..Self::official()
        }
    }

    /// Width of the condition beside the noisy motion.
    pub fn condition_width(&self) -> i64 {
        self.object_width + FEATURES as i64
    }

    fn validate(&self) -> Result<()> {
        let sizes = [
            ("width", self.width, 4096),
            ("layers", self.layers, 64),
            ("heads", self.heads, 64),
            ("head_width", self.head_width, 1024),
            ("hidden", self.hidden, 16384),
            ("object_hidden", self.object_hidden, 16384),
            ("object_width", self.object_width, 4096),
            ("basis_points", self.basis_points, 65536),
            ("text_width", self.text_width, 8192),
        ];
        for (name, value, limit) in sizes {
            if value < 1 || value > limit {
                return Err(Error::invalid(
                    format!("architecture.{name}"),
                    format!("{value} is not between 1 and {limit}"),
                ));
            }
        }
        if self.width % 2 != 0 {
            return Err(Error::invalid("architecture.width", "must be even"));
        }
        if self.window != WINDOW as i64 {
            return Err(Error::invalid(
                "architecture.window",
                format!(
                    "{} frames; this build generates windows of {WINDOW}",
                    self.window
                ),
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::invalid("architecture.dropout", "must be in 0..1"));
        }
        Ok(())
    }
}

/// How conditions reach the network. The default is the published form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditioning {
    /// Between given frames of the object's path.
    #[serde(default)]
    pub fill: Fill,
    /// What the output is measured from.
    #[serde(default)]
    pub skip: Skip,
    /// Where given values reach the network in units of their own, which; as they are in the published form. Between bounds
    /// that hold a room the poses that somebody begins in differ by a tenth, and are not noticed for thousands of steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// What the features of object and sentence are multiplied by; nothing in the published form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureScale>,
    /// How walking without an object reaches the network; none where it does not know it, as in the published form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walking: Option<Walking>,
}

/// What the features of object and sentence are multiplied by. Sentence vectors have length 1, basis point sets differ by a
/// decimetre: between objects and between sentences the features of fresh encoders differ by hundredths, beside noise of
/// variance 1, and go unheard for tens of thousands of steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureScale {
    /// Of the object's feature.
    pub object: f32,
    /// Of the sentence's.
    pub sentence: f32,
}

impl FeatureScale {
    fn validate(&self) -> Result<()> {
        for (name, scale) in [("object", self.object), ("sentence", self.sentence)] {
            if !(1e-3..=1e4).contains(&scale) {
                return Err(Error::invalid(
                    format!("conditioning.features.{name}"),
                    format!("{scale} is not between 0.001 and 10000"),
                ));
            }
        }
        Ok(())
    }
}

/// The noise schedule a network was trained on (specification, section 6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffusionConfig {
    /// Steps of the cosine schedule.
    pub steps: i64,
    /// Whether the clean prediction is clamped to [-1, 1], as published.
    pub clamp: bool,
    /// Where the network is preconditioned (see [`crate::diffusion::precondition`]), what by; none in the published form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// The same of walks, where they have units of their own: they vary less than interactions do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk_spread: Option<Spread>,
}

/// Mean and deviation of normalised features over data: of what is given, or of how far clean motion is from what a network's
/// output is measured from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Mean of each of the 220.
    pub mean: Vec<f32>,
    /// Standard deviation of each.
    pub deviation: Vec<f32>,
}

impl Spread {
    fn validate(&self, name: &str) -> Result<()> {
        let whole = |v: &[f32], fits: fn(f32) -> bool| {
            v.len() == FEATURES && v.iter().all(|x| x.is_finite() && x.abs() < 1e3 && fits(*x))
        };
        if !whole(&self.mean, |_| true) || !whole(&self.deviation, |x| x > 0.0) {
            return Err(Error::invalid(
                name,
                format!("must hold {FEATURES} means and as many deviations above 0"),
            ));
        }
        Ok(())
    }
}

impl Default for DiffusionConfig {
    fn default() -> Self {
        Self {
            steps: 1000,
            clamp: true,
            spread: None,
            walk_spread: None,
        }
    }
}

/// Which text encoder made the sentence vectors a network was trained with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextEncoderKind {
    /// all-MiniLM-L6-v2, 384 wide, provisioned by the set-up.
    MiniLm,
    /// CLIP ViT-B/32's text tower, 512 wide; the user brings the weights.
    ClipVitB32,
}

/// Where a checkpoint comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Data it was trained on, and their terms.
    pub data: String,
    /// Licence of the weights.
    pub licence: String,
    /// Optimiser steps.
    pub steps: i64,
    /// Wall-clock seconds of training.
    pub seconds: f64,
    /// Anything a reader should know.
    #[serde(default)]
    pub notes: String,
    /// Subjects and objects that its training did not see, as [`crate::training::hold_out::HoldOut`] writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<String>,
}

/// `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Version of this file's form.
    pub version: u32,
    /// Name of the model.
    pub name: String,
    /// Sizes.
    pub architecture: Architecture,
    /// How conditions reach the network.
    #[serde(default)]
    pub conditioning: Conditioning,
    /// Noise schedule.
    #[serde(default)]
    pub diffusion: DiffusionConfig,
    /// Who makes the sentence vectors.
    pub text_encoder: TextEncoderKind,
    /// Normalisation.
    pub statistics: Statistics,
    /// Bones of the default person: vector from the parent joint, metres, rest pose.
    pub skeleton: Vec<[f32; 3]>,
    /// From the pelvis to SMPL's translation, metres: the published canonical frame depends on it (specification, section
    /// 2). Zero for models of our own.
    #[serde(default)]
    pub trans2joint: [f32; 3],
    /// A standing person at the start: world rotations of the 22 joints (quaternions x, y, z, w), facing -y. Without it,
    /// [`crate::request::plan::relaxed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Vec<[f32; 4]>>,
    /// Basis point set: `standard` (regenerated by the published recipe) or `tensor` (`basis` beside the weights).
    #[serde(default)]
    pub basis: Basis,
    /// Where it comes from.
    #[serde(default)]
    pub provenance: Provenance,
}

/// Where a checkpoint's basis points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Regenerated by the published recipe.
    #[default]
    Standard,
    /// Tensor `basis` in the weights' file.
    Tensor,
}

/// The present version of [`ModelConfig`].
pub const CONFIG_VERSION: u32 = 1;

impl ModelConfig {
    /// Bones of the default person.
    pub fn skeleton(&self) -> Skeleton {
        let mut rest_offsets = [Vector3::zeros(); JOINTS];
        for (to, from) in rest_offsets.iter_mut().zip(&self.skeleton) {
            *to = Vector3::from(*from);
        }
        Skeleton { rest_offsets }
    }

    /// World rotations of a standing person facing -y.
    pub fn standing(&self) -> [UnitQuaternion<f32>; ROTATIONS] {
        match &self.standing {
            Some(given) if given.len() == ROTATIONS => std::array::from_fn(|j| {
                let [x, y, z, w] = given[j];
                UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z))
            }),
            _ => crate::request::plan::relaxed(),
        }
    }

    /// Refuses what cannot be run, naming the field.
    pub fn validate(&self) -> Result<()> {
        if self.version != CONFIG_VERSION {
            return Err(Error::invalid(
                "version",
                format!(
                    "{}; this build reads version {CONFIG_VERSION}",
                    self.version
                ),
            ));
        }
        self.architecture.validate()?;
        if !(1..=10_000).contains(&self.diffusion.steps) {
            return Err(Error::invalid(
                "diffusion.steps",
                format!("{} is not between 1 and 10000", self.diffusion.steps),
            ));
        }
        let walking = self.conditioning.walking;
        if walking.is_some_and(|w| w.skip == WalkSkip::Pose && w.fill == Fill::Zeros) {
            return Err(Error::invalid(
                "conditioning.walking.skip",
                "pose turns with the heading; fill must be interpolate or hold",
            ));
        }
        if let Some(spread) = &self.conditioning.spread {
            spread.validate("conditioning.spread")?;
        }
        if let Some(scale) = &self.conditioning.features {
            scale.validate()?;
        }
        if let Some(spread) = &self.diffusion.spread {
            spread.validate("diffusion.spread")?;
        }
        if let Some(spread) = &self.diffusion.walk_spread {
            spread.validate("diffusion.walk_spread")?;
            if self.diffusion.spread.is_none() {
                return Err(Error::invalid(
                    "diffusion.walk_spread",
                    "is of no use without diffusion.spread; remove it, or give both",
                ));
            }
        }
        self.statistics.validate()?;
        if self.skeleton.len() != JOINTS {
            return Err(Error::invalid(
                "skeleton",
                format!("{} bones, expected {JOINTS}", self.skeleton.len()),
            ));
        }
        if self
            .skeleton
            .iter()
            .flatten()
            .any(|x| !x.is_finite() || x.abs() > 3.0)
        {
            return Err(Error::invalid(
                "skeleton",
                "a bone is not finite or longer than 3 m",
            ));
        }
        if self
            .trans2joint
            .iter()
            .any(|x| !x.is_finite() || x.abs() > 3.0)
        {
            return Err(Error::invalid(
                "trans2joint",
                "is not finite or longer than 3 m",
            ));
        }
        if let Some(standing) = &self.standing {
            let unit = |q: &[f32; 4]| (q.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-3;
            if standing.len() != ROTATIONS || !standing.iter().all(unit) {
                return Err(Error::invalid(
                    "standing",
                    format!("must be {ROTATIONS} quaternions x, y, z, w of length 1"),
                ));
            }
        }
        Ok(())
    }
}
