//! A batch as tensors, and what a network makes of it.

use tch::{Device, Kind, Tensor};

use super::batch::Batch;
use super::spread::SpreadSum;
use crate::condition::Mode;
use crate::diffusion::Preconditioning;
use crate::model::Network;
use crate::model::kinematics::Bounds;
use crate::motion::WINDOW;
use crate::motion::features::{FEATURES, OBJECT_POSITION, OBJECT_ROTATION};

/// A batch of B windows of T frames as tensors.
pub(super) struct Windows<'a> {
    pub modes: &'a [Mode],
    preconditioning: Option<Preconditioning>,
    pub features: Tensor,
    pub given: Tensor,
    /// What the network sees of it.
    seen: Tensor,
    pub path: Tensor,
    pub frames: Tensor,
    pub padding: Tensor,
    pub offsets: Tensor,
    pub keypoints_rest: Tensor,
    pub keypoints: Tensor,
    pub reference: Tensor,
    pub noise: Tensor,
    pub bps: Tensor,
    pub sentences: Tensor,
}

impl<'a> Windows<'a> {
    pub fn new(
        batch: &'a Batch,
        bounds: &Bounds,
        preconditioning: Option<Preconditioning>,
        device: Device,
    ) -> Self {
        let b = batch.size as i64;
        let (t, f) = (WINDOW as i64, FEATURES as i64);
        let tensor = |v: &[f32], shape: &[i64]| Tensor::from_slice(v).view(shape).to_device(device);
        let features = tensor(&batch.features, &[b, t, f]);
        let frames = tensor(&batch.frames, &[b, t]);
        let keypoints_rest = tensor(&batch.keypoints, &[b, batch.keypoint_count as i64, 3]);
        let reference = tensor(&batch.references, &[b, 3, 3]);
        let keypoints = tch::no_grad(|| {
            let rotation = features
                .narrow(2, OBJECT_ROTATION.start as i64, 9)
                .view([b, t, 3, 3])
                .matmul(&reference.unsqueeze(1));
            let center = bounds.object(&features.narrow(2, OBJECT_POSITION.start as i64, 3));
            (keypoints_rest
                .unsqueeze(1)
                .matmul(&rotation.transpose(2, 3))
                + center.unsqueeze(2))
                * frames.unsqueeze(-1).unsqueeze(-1)
        });
        let noise = tensor(&batch.noise, &[b, t, f]);
        let noise = (preconditioning.as_ref()).map_or(noise.shallow_clone(), |by| by.noise(&noise));
        let padding = Tensor::cat(
            &[
                Tensor::ones([b, 1], (Kind::Float, device)),
                frames.shallow_clone(),
            ],
            1,
        )
        .unsqueeze(1);
        let given = tensor(&batch.given, &[b, t, f]);
        let seen = match batch.blur.as_slice() {
            [] => given.shallow_clone(),
            blur => &given + tensor(blur, &[b, 1, f]),
        };
        Self {
            modes: &batch.modes,
            preconditioning,
            given,
            seen,
            path: tensor(&batch.path, &[b, t, 3]),
            offsets: tensor(&batch.offsets, &[b, 24, 3]),
            noise,
            bps: tensor(&batch.bps, &[b, 1, -1]),
            sentences: tensor(&batch.sentences, &[b, -1]),
            features,
            frames,
            padding,
            keypoints_rest,
            keypoints,
            reference,
        }
    }

    /// Clean motion (B, T, 220) that a network predicts from noisy motion at these steps.
    pub fn predict(&self, network: &Network, x: Tensor, steps: &[i64], dropout: f64) -> Tensor {
        let object = network.encode_object(&self.bps);
        let language = network.encode_sentence(&self.sentences);
        let condition = network.condition(&object, &self.seen);
        let steps = Tensor::from_slice(steps).to_device(network.device());
        let base = network.base(&self.path, &self.given, self.modes);
        let around = (self.preconditioning.as_ref()).map(|by| by.around(&x, &steps, base.as_ref()));
        let seen = around.as_ref().map_or(&x, |a| &a.input);
        let masked = network.channels(self.modes).map(|channels| seen * channels);
        let seen = masked.as_ref().unwrap_or(seen);
        let fused = network.fused();
        let constants = fused.constants(&condition, Some(&language), Some(&self.padding));
        let time = fused.time_tokens(&steps);
        let raw = fused.forward(seen, &time, &constants, dropout);
        match (around, base) {
            (Some(around), _) => around.motion(&raw),
            (None, Some(base)) => raw + base,
            (None, None) => raw,
        }
    }

    /// What the network's raw output at these steps is multiplied by, (B, 1, 220), where it is preconditioned.
    pub fn unit(&self, steps: &[i64]) -> Option<Tensor> {
        let by = self.preconditioning.as_ref()?;
        Some(by.unit(&Tensor::from_slice(steps).to_device(self.features.device())))
    }

    /// Features of the objects, (windows of interactions, object width), and of the sentences, (B, width).
    pub fn features(&self, network: &Network) -> (Tensor, Tensor) {
        let interactions: Vec<i64> = (0..)
            .zip(self.modes)
            .filter(|(_, mode)| **mode == Mode::Interaction)
            .map(|(row, _)| row)
            .collect();
        let rows = Tensor::from_slice(&interactions).to_device(self.bps.device());
        let objects = network.encode_object(&self.bps.index_select(0, &rows));
        (
            objects.squeeze_dim(1),
            network.encode_sentence(&self.sentences),
        )
    }

    /// Adds how far the clean motion of windows of a mode is from what the network's output is measured from.
    pub fn measure(&self, network: &Network, mode: Mode, sum: &mut SpreadSum) {
        let off = match network.base(&self.path, &self.given, self.modes) {
            Some(base) => &self.features - base,
            None => self.features.shallow_clone(),
        };
        let of_mode: Vec<f32> = (self.modes.iter())
            .map(|m| f32::from(u8::from(*m == mode)))
            .collect();
        let of_mode = Tensor::from_slice(&of_mode).to_device(self.features.device());
        let frames = (&self.frames * of_mode.unsqueeze(-1)).unsqueeze(-1);
        let counts = match network.channels(self.modes) {
            Some(channels) => frames * channels,
            None => frames,
        };
        sum.add(&off, &counts);
    }
}
