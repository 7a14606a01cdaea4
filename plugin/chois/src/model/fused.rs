//! The denoiser, fast: q, k and v in one product, scaled-dot-product attention, linear layers instead of convolutions
//! of kernel 1, and whatever does not change between the steps of a request computed once. The network's weights are
//! shared with [`Denoiser`]; autograd passes through, so training uses this too.

use tch::{Kind, Tensor};

use super::config::Architecture;
use super::denoiser::{Affine, Denoiser};
use crate::motion::features::FEATURES;

struct Layer {
    qkv: Affine,
    out: Affine,
    attention_norm: Affine,
    hidden: Affine,
    back: Affine,
    feed_forward_norm: Affine,
}

/// A denoiser arranged for speed.
pub struct FusedDenoiser {
    architecture: Architecture,
    /// Kind of the large products; residuals, norms and the last layer stay `f32`.
    compute: Kind,
    /// The part of the first layer that sees the noisy motion, (width, 220).
    start_motion: Tensor,
    /// The part of the first layer that sees the condition.
    start_condition: Affine,
    positions: Tensor,
    layers: Vec<Layer>,
    out: Affine,
    time_in: Affine,
    time_out: Affine,
}

/// What stays the same between the steps of a request.
pub struct Constants {
    /// The condition's share of the frames' tokens, positions included, (B, T, width).
    frames: Tensor,
    /// What is added to the time token: the sentence and the position, (B, width) or (1, width).
    time: Tensor,
    /// (B, T + 1, 1).
    mask: Option<Tensor>,
}

fn share(a: &Affine) -> Affine {
    Affine {
        weight: a.weight.shallow_clone(),
        bias: a.bias.shallow_clone(),
    }
}

/// A convolution of kernel 1 as a linear layer.
fn flat(a: &Affine) -> Affine {
    Affine {
        weight: a.weight.squeeze_dim(-1),
        bias: a.bias.shallow_clone(),
    }
}

impl FusedDenoiser {
    /// Arranges a denoiser's weights for `f32`.
    pub fn new(denoiser: &Denoiser) -> Self {
        Self::with_kind(denoiser, Kind::Float)
    }

    /// Arranges a denoiser's weights with the large products in `compute` (`BFloat16` for mixed-precision training).
    pub fn with_kind(denoiser: &Denoiser, compute: Kind) -> Self {
        let cast = |a: Affine| Affine {
            weight: a.weight.to_kind(compute),
            bias: a.bias.to_kind(compute),
        };
        let motion = FEATURES as i64;
        let start = flat(&denoiser.start);
        Self {
            architecture: denoiser.architecture.clone(),
            compute,
            start_motion: start
                .weight
                .narrow(1, 0, motion)
                .contiguous()
                .to_kind(compute),
            start_condition: cast(Affine {
                weight: start
                    .weight
                    .narrow(1, motion, denoiser.architecture.condition_width())
                    .contiguous(),
                bias: start.bias,
            }),
            positions: denoiser.positions.shallow_clone(),
            layers: denoiser
                .layers
                .iter()
                .map(|l| Layer {
                    qkv: cast(Affine {
                        weight: Tensor::cat(&[&l.q.weight, &l.k.weight, &l.v.weight], 0),
                        bias: Tensor::cat(&[&l.q.bias, &l.k.bias, &l.v.bias], 0),
                    }),
                    out: cast(share(&l.out)),
                    attention_norm: share(&l.attention_norm),
                    hidden: cast(flat(&l.hidden)),
                    back: cast(flat(&l.back)),
                    feed_forward_norm: share(&l.feed_forward_norm),
                })
                .collect(),
            out: share(&denoiser.out),
            time_in: share(&denoiser.time_in),
            time_out: share(&denoiser.time_out),
        }
    }

    /// What stays the same between the steps of a request; shapes as in [`Denoiser::forward`].
    pub fn constants(
        &self,
        condition: &Tensor,
        language: Option<&Tensor>,
        padding: Option<&Tensor>,
    ) -> Constants {
        let frames = condition.size()[1];
        let position = self.positions.narrow(0, 1, 1);
        Constants {
            frames: self
                .start_condition
                .linear(&condition.to_kind(self.compute))
                .to_kind(Kind::Float)
                + self.positions.narrow(0, 2, frames).unsqueeze(0),
            time: match language {
                Some(language) => language + position,
                None => position,
            },
            mask: padding.map(|p| p.to_kind(Kind::Float).transpose(1, 2)),
        }
    }

    /// Tokens of diffusion steps: (N) to (N, width).
    pub fn time_tokens(&self, t: &Tensor) -> Tensor {
        let hidden = self
            .time_in
            .linear(&super::denoiser::time_embedding(t))
            .gelu("none");
        self.time_out.linear(&hidden)
    }

    /// Clean motion (B, T, 220) from noisy motion `x` and the token of the step, (B, width) or (1, width).
    /// `dropout` is 0 except while training.
    pub fn forward(
        &self,
        x: &Tensor,
        time: &Tensor,
        constants: &Constants,
        dropout: f64,
    ) -> Tensor {
        let a = &self.architecture;
        let (batch, frames) = (x.size()[0], x.size()[1]);
        let drop = |y: Tensor| {
            if dropout > 0.0 {
                y.dropout(dropout, true)
            } else {
                y
            }
        };
        let low = |y: &Tensor| y.to_kind(self.compute);
        let full = |y: Tensor| y.to_kind(Kind::Float);
        let motion = full(low(x).linear(&self.start_motion, None::<&Tensor>)) + &constants.frames;
        let time = (time + &constants.time)
            .expand([batch, a.width], false)
            .unsqueeze(1);
        let mut tokens = Tensor::cat(&[time, motion], 1);
        for layer in &self.layers {
            let qkv = layer
                .qkv
                .linear(&low(&tokens))
                .view([batch, frames + 1, 3, a.heads, a.head_width])
                .permute([2, 0, 3, 1, 4]);
            let attended = Tensor::scaled_dot_product_attention(
                &qkv.get(0),
                &qkv.get(1),
                &qkv.get(2),
                None::<&Tensor>,
                dropout,
                false,
                None,
                false,
            )
            .transpose(1, 2)
            .reshape([batch, frames + 1, a.heads * a.head_width]);
            let mut attention = layer
                .attention_norm
                .norm(&(drop(full(layer.out.linear(&attended))) + &tokens));
            if let Some(mask) = &constants.mask {
                attention *= mask;
            }
            let back = full(
                layer
                    .back
                    .linear(&layer.hidden.linear(&low(&attention)).relu()),
            );
            tokens = layer.feed_forward_norm.norm(&(drop(back) + attention));
            if let Some(mask) = &constants.mask {
                tokens *= mask;
            }
        }
        self.out.linear(&tokens.narrow(1, 1, frames))
    }
}
