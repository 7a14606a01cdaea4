//! The denoiser (specification, section 5): a post-norm transformer over one time token and the frames.
//!
//! This is the parity path: the same operations in the same order as the published code. [`super::fused`] computes
//! the same thing faster.

use tch::{Device, Kind, Tensor};

use super::config::Architecture;
use super::weights::Weights;
use crate::error::Result;

pub(super) const LAYER_NORM_EPS: f64 = 1e-5;
pub(super) const TRANSFORMER: &str = "denoise_fn.motion_transformer";

/// A weight and its bias.
#[derive(Debug)]
pub(super) struct Affine {
    pub weight: Tensor,
    pub bias: Tensor,
}

impl Affine {
    pub fn new(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            weight: weights.get(&format!("{name}.weight"))?,
            bias: weights.get(&format!("{name}.bias"))?,
        })
    }

    pub fn linear(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }

    /// A convolution of kernel 1 over (B, C, T).
    fn convolve(&self, x: &Tensor) -> Tensor {
        x.conv1d(&self.weight, Some(&self.bias), 1, 0, 1, 1)
    }

    pub fn norm(&self, x: &Tensor) -> Tensor {
        let width = self.weight.size()[0];
        x.layer_norm(
            [width],
            Some(&self.weight),
            Some(&self.bias),
            LAYER_NORM_EPS,
            true,
        )
    }
}

pub(super) struct Layer {
    pub q: Affine,
    pub k: Affine,
    pub v: Affine,
    pub out: Affine,
    pub attention_norm: Affine,
    pub hidden: Affine,
    pub back: Affine,
    pub feed_forward_norm: Affine,
}

/// The denoiser's weights by their role.
pub struct Denoiser {
    pub(super) architecture: Architecture,
    pub(super) start: Affine,
    /// Rows 0..=window+1; row 0 is zero.
    pub(super) positions: Tensor,
    pub(super) layers: Vec<Layer>,
    pub(super) out: Affine,
    pub(super) time_in: Affine,
    pub(super) time_out: Affine,
}

/// Values inside the denoiser, for comparison with golden files.
#[derive(Debug, Default)]
pub struct Activations {
    /// Output of the time embedding's two layers, before the sentence is added.
    pub time: Option<Tensor>,
    /// Output of the first layer over frames, (B, width, T).
    pub start: Option<Tensor>,
    /// Per layer: after attention, and after the feed-forward block.
    pub layers: Vec<(Tensor, Tensor)>,
}

/// The position table: row p, column j: sin or cos of p / 10000^(2 (j div 2) / width); row 0 zero. In `f64`, then `f32`.
pub fn position_table(rows: i64, width: i64) -> Tensor {
    let mut values = vec![0.0_f32; (rows * width) as usize];
    for p in 1..rows {
        for j in 0..width {
            let angle = p as f64 / 10000_f64.powf((2 * (j / 2)) as f64 / width as f64);
            values[(p * width + j) as usize] = if j % 2 == 0 {
                angle.sin() as f32
            } else {
                angle.cos() as f32
            };
        }
    }
    Tensor::from_slice(&values).view([rows, width])
}

/// Sine and cosine of the diffusion step at 32 frequencies: (B) to (B, 64).
pub fn time_embedding(t: &Tensor) -> Tensor {
    let half = 32_i64;
    let step = -(10000_f64.ln()) / (half - 1) as f64;
    let frequencies = (Tensor::arange(half, (Kind::Float, t.device())) * step).exp();
    let angles = t.to_kind(Kind::Float).unsqueeze(1) * frequencies.unsqueeze(0);
    Tensor::cat(&[angles.sin(), angles.cos()], -1)
}

impl Denoiser {
    /// Takes the denoiser's weights out of a network's.
    pub fn new(architecture: &Architecture, weights: &Weights, device: Device) -> Result<Self> {
        let layer = |i: i64| -> Result<Layer> {
            let at = |part: &str| format!("{TRANSFORMER}.layer_stack.{i}.{part}");
            Ok(Layer {
                q: Affine::new(weights, &at("self_attn.w_q"))?,
                k: Affine::new(weights, &at("self_attn.w_k"))?,
                v: Affine::new(weights, &at("self_attn.w_v"))?,
                out: Affine::new(weights, &at("self_attn.fc"))?,
                attention_norm: Affine::new(weights, &at("self_attn.layer_norm"))?,
                hidden: Affine::new(weights, &at("pos_ffn.w_1"))?,
                back: Affine::new(weights, &at("pos_ffn.w_2"))?,
                feed_forward_norm: Affine::new(weights, &at("pos_ffn.layer_norm"))?,
            })
        };
        Ok(Self {
            architecture: architecture.clone(),
            start: Affine::new(weights, &format!("{TRANSFORMER}.start_conv"))?,
            positions: position_table(architecture.window + 2, architecture.width)
                .to_device(device),
            layers: (0..architecture.layers).map(layer).collect::<Result<_>>()?,
            out: Affine::new(weights, "denoise_fn.linear_out")?,
            time_in: Affine::new(weights, "denoise_fn.time_mlp.1")?,
            time_out: Affine::new(weights, "denoise_fn.time_mlp.3")?,
        })
    }

    /// (B) steps to (B, width).
    pub(super) fn time(&self, t: &Tensor) -> Tensor {
        let hidden = self.time_in.linear(&time_embedding(t)).gelu("none");
        self.time_out.linear(&hidden)
    }

    /// Clean motion from noisy motion.
    ///
    /// `x` (B, T, 220), `t` (B) steps, `condition` (B, T, object width + 220), `language` (B, width) after the
    /// sentence layer, `padding` (B, 1, T + 1) with 1 at tokens that exist. Returns (B, T, 220).
    pub fn forward(
        &self,
        x: &Tensor,
        t: &Tensor,
        condition: &Tensor,
        language: Option<&Tensor>,
        padding: Option<&Tensor>,
        mut keep: Option<&mut Activations>,
    ) -> Tensor {
        let a = &self.architecture;
        let (batch, frames) = (x.size()[0], x.size()[1]);
        let mut time = self.time(t);
        if let Some(keep) = keep.as_deref_mut() {
            keep.time = Some(time.copy());
        }
        if let Some(language) = language {
            time += language;
        }
        let source = Tensor::cat(&[x, condition], -1).transpose(1, 2);
        let start = self.start.convolve(&source);
        if let Some(keep) = keep.as_deref_mut() {
            keep.start = Some(start.copy());
        }
        let tokens = Tensor::cat(&[time.unsqueeze(1), start.transpose(1, 2)], 1);
        let mut tokens = tokens + self.positions.narrow(0, 1, frames + 1).unsqueeze(0);
        let mask = padding.map(|p| p.to_kind(Kind::Float).transpose(1, 2));
        let heads = |y: Tensor| {
            y.view([batch, frames + 1, a.heads, a.head_width])
                .permute([2, 0, 1, 3])
                .contiguous()
                .view([a.heads * batch, frames + 1, a.head_width])
        };
        for layer in &self.layers {
            let q = heads(layer.q.linear(&tokens));
            let k = heads(layer.k.linear(&tokens));
            let v = heads(layer.v.linear(&tokens));
            let logits = q.bmm(&k.transpose(1, 2)) / (a.head_width as f64).sqrt();
            let attended = logits.softmax(-1, Kind::Float).bmm(&v);
            let attended = attended
                .view([a.heads, batch, frames + 1, a.head_width])
                .permute([1, 2, 0, 3])
                .contiguous()
                .view([batch, frames + 1, a.heads * a.head_width]);
            let mut attention = layer
                .attention_norm
                .norm(&(layer.out.linear(&attended) + &tokens));
            if let Some(mask) = &mask {
                attention *= mask;
            }
            let hidden = layer.hidden.convolve(&attention.transpose(1, 2)).relu();
            let back = layer.back.convolve(&hidden).transpose(1, 2);
            let mut out = layer.feed_forward_norm.norm(&(back + &attention));
            if let Some(mask) = &mask {
                out *= mask;
            }
            if let Some(keep) = keep.as_deref_mut() {
                keep.layers.push((attention.copy(), out.copy()));
            }
            tokens = out;
        }
        self.out.linear(&tokens.narrow(1, 1, frames))
    }
}
