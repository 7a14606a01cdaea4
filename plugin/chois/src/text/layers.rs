//! The blocks that both transformers are made of. One sentence at a time: activations are (tokens, width).

use tch::{Kind, Tensor};

use super::weights::Weights;
use crate::Result;

/// y = x·Wᵀ + b.
pub(super) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Reads `<prefix>.weight` (outputs, inputs) and `<prefix>.bias`.
    pub fn load(weights: &mut Weights, prefix: &str, inputs: i64, outputs: i64) -> Result<Self> {
        let bias = weights.tensor(&format!("{prefix}.bias"), &[outputs])?;
        Ok(Self {
            bias: Some(bias),
            ..Self::load_unbiased(weights, prefix, inputs, outputs)?
        })
    }

    /// Reads `<prefix>.weight` (outputs, inputs).
    pub fn load_unbiased(
        weights: &mut Weights,
        prefix: &str,
        inputs: i64,
        outputs: i64,
    ) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{prefix}.weight"), &[outputs, inputs])?,
            bias: None,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.weight, self.bias.as_ref())?)
    }
}

/// Normalises every token to zero mean and unit variance, then scales and shifts.
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    /// Reads `<prefix>.weight` and `<prefix>.bias`.
    pub fn load(weights: &mut Weights, prefix: &str, width: i64, epsilon: f64) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{prefix}.weight"), &[width])?,
            bias: weights.tensor(&format!("{prefix}.bias"), &[width])?,
            epsilon,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_layer_norm(
            self.weight.size(),
            Some(&self.weight),
            Some(&self.bias),
            self.epsilon,
            false,
        )?)
    }
}

/// Names of the four projections of an attention block in a checkpoint.
pub(super) struct AttentionNames<'a> {
    pub query: &'a str,
    pub key: &'a str,
    pub value: &'a str,
    pub output: &'a str,
}

/// Multi-head scaled dot-product self-attention (Vaswani et al. 2017, section 3.2).
pub(super) struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: i64,
}

impl SelfAttention {
    /// Reads `<prefix>.<name>.{weight,bias}` of the four projections. `heads` divides `width`.
    pub fn load(
        weights: &mut Weights,
        prefix: &str,
        names: &AttentionNames,
        width: i64,
        heads: i64,
    ) -> Result<Self> {
        let mut linear = |name| Linear::load(weights, &format!("{prefix}.{name}"), width, width);
        Ok(Self {
            query: linear(names.query)?,
            key: linear(names.key)?,
            value: linear(names.value)?,
            output: linear(names.output)?,
            heads,
        })
    }

    /// `mask` (tokens, tokens) is added to the scores before the softmax.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (tokens, width) = x.size2()?;
        let head = width / self.heads;
        let split = |projection: &Linear| -> Result<Tensor> {
            Ok(projection
                .forward(x)?
                .f_reshape([tokens, self.heads, head])?
                .f_transpose(0, 1)?)
        };
        let query = split(&self.query)?.f_mul_scalar((head as f64).powf(-0.5))?;
        let mut scores = query.f_matmul(&split(&self.key)?.f_transpose(1, 2)?)?;
        if let Some(mask) = mask {
            scores = scores.f_add(mask)?;
        }
        let mixed = scores
            .f_softmax(-1, Kind::Float)?
            .f_matmul(&split(&self.value)?)?
            .f_transpose(0, 1)?
            .f_reshape([tokens, width])?;
        self.output.forward(&mixed)
    }
}

/// The rows of an embedding table. The caller has checked that every id is below the number of rows.
pub(super) fn embed(table: &Tensor, ids: &[i64]) -> Result<Tensor> {
    Ok(table.f_index_select(0, &Tensor::f_from_slice(ids)?)?)
}
