//! The text tower of CLIP: a causal transformer whose state at the end marker is the sentence.

use std::path::Path;

use instant_clip_tokenizer::{Token, Tokenizer};
use tch::{Kind, Tensor};

use super::layers::{AttentionNames, LayerNorm, Linear, SelfAttention, embed};
use super::weights::Weights;
use super::{TextEncoder, check_text};
use crate::Result;

const WHAT: &str = "the CLIP text encoder";
const REMEDY: &str =
    "give the model.safetensors of the Hugging Face release openai/clip-vit-base-patch32";

/// Tokens of one input, padding included.
const CONTEXT: usize = 77;
/// Tokens that CHOIS keeps of a sentence, start and end marker included (`context_length=32`).
const KEPT: usize = 32;
/// Tokens of OpenAI's vocabulary; the last is the end marker.
const VOCABULARY: i64 = 49408;
/// All text towers that OpenAI published have heads of this width.
const HEAD_WIDTH: i64 = 64;
const EPSILON: f64 = 1e-5;

const TOKEN_TABLE: &str = "text_model.embeddings.token_embedding.weight";
const POSITION_TABLE: &str = "text_model.embeddings.position_embedding.weight";
const PROJECTION: &str = "text_projection";

/// The text tower of CLIP (Radford et al. 2021), which the published CHOIS checkpoints were trained with.
///
/// For ViT-B/32: 12 layers, 8 heads, width 512, 512 numbers out, **not** normalised (specification, section 4
/// "Language"). Width, layers and outputs are taken from the file, whose tensors are named as in the Hugging Face
/// releases `CLIPModel` and `CLIPTextModelWithProjection`.
///
/// Text is read as it stands: HTML entities and mis-decoded characters, which OpenAI's Python code repairs first, are
/// not.
pub struct ClipText {
    name: String,
    tokenizer: Tokenizer,
    tokens: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    projection: Linear,
    outputs: usize,
}

impl ClipText {
    /// The name of the encoder that the published checkpoints need. A tower of another size has another name.
    pub const NAME: &str = "clip-vit-b-32";

    /// Loads the text tower from a safetensors file; float16 and bfloat16 weights become float32. A vision tower in
    /// the same file is not read.
    ///
    /// # Errors
    /// [`Error::Missing`](crate::Error::Missing) where the file is not there,
    /// [`Error::Malformed`](crate::Error::Malformed) naming the tensor where one is absent, has a shape that does not
    /// fit or is not finite.
    pub fn load(safetensors: &Path) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let mut weights = Weights::open(safetensors, WHAT, REMEDY)?;

        let [_, width] = weights.matrix_shape(TOKEN_TABLE)?;
        if width == 0 || width % HEAD_WIDTH != 0 {
            return Err(weights.malformed(format!(
                "tensor {TOKEN_TABLE} has {width} columns; a multiple of {HEAD_WIDTH} is needed"
            )));
        }
        let tokens = weights.tensor(TOKEN_TABLE, &[VOCABULARY, width])?;
        let positions = weights.tensor(POSITION_TABLE, &[CONTEXT as i64, width])?;
        let mut layers = Vec::new();
        loop {
            let prefix = format!("text_model.encoder.layers.{}", layers.len());
            // The first layer must be there; its absence is an error that names it.
            if !layers.is_empty() && !weights.contains_under(&format!("{prefix}.")) {
                break;
            }
            layers.push(Layer::load(&mut weights, &prefix, width)?);
        }
        let final_norm =
            LayerNorm::load(&mut weights, "text_model.final_layer_norm", width, EPSILON)?;
        let [outputs, _] = weights.matrix_shape(&format!("{PROJECTION}.weight"))?;
        if outputs == 0 {
            return Err(weights.malformed(format!("tensor {PROJECTION}.weight has no rows")));
        }
        let projection = Linear::load_unbiased(&mut weights, PROJECTION, width, outputs)?;

        let name = if (width, layers.len(), outputs) == (512, 12, 512) {
            Self::NAME.to_owned()
        } else {
            format!("clip-text-{}x{width}-{outputs}", layers.len())
        };
        Ok(Self {
            name,
            tokenizer: Tokenizer::new(),
            tokens,
            positions,
            layers,
            final_norm,
            projection,
            outputs: outputs as usize,
        })
    }

    /// The 77 token ids of a sentence, by CHOIS's rule: start marker, at most 30 tokens of text, end marker, zeros.
    ///
    /// # Errors
    /// As [`encode`](TextEncoder::encode).
    pub fn tokens(&self, sentence: &str) -> Result<[u16; 77]> {
        check_text(sentence)?;
        Ok(tokenize(&self.tokenizer, sentence))
    }
}

impl TextEncoder for ClipText {
    fn dimension(&self) -> usize {
        self.outputs
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&self, sentence: &str) -> Result<Vec<f32>> {
        let ids = self.tokens(sentence)?;
        // No token sees a later one, so what follows the end marker cannot change the state there.
        let ids: Vec<i64> = ids[..=end_position(&ids)]
            .iter()
            .map(|&id| id.into())
            .collect();
        let count = ids.len() as i64;

        let _no_grad = tch::no_grad_guard();
        let mask = Tensor::f_full(
            [count, count],
            f64::NEG_INFINITY,
            (Kind::Float, self.tokens.device()),
        )?
        .f_triu(1)?;
        let mut x = embed(&self.tokens, &ids)?.f_add(&self.positions.f_narrow(0, 0, count)?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &mask)?;
        }
        let end = self.final_norm.forward(&x.f_narrow(0, count - 1, 1)?)?;
        let vector = self.projection.forward(&end)?.f_reshape([-1])?;
        Ok(Vec::<f32>::try_from(&vector)?)
    }
}

/// One layer: attention and two linear maps, each normalised before and added after.
struct Layer {
    attention_norm: LayerNorm,
    attention: SelfAttention,
    inner_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
}

impl Layer {
    fn load(weights: &mut Weights, prefix: &str, width: i64) -> Result<Self> {
        let names = AttentionNames {
            query: "q_proj",
            key: "k_proj",
            value: "v_proj",
            output: "out_proj",
        };
        let [inner, _] = weights.matrix_shape(&format!("{prefix}.mlp.fc1.weight"))?;
        let heads = width / HEAD_WIDTH;
        let norm = |weights: &mut Weights, name| {
            LayerNorm::load(weights, &format!("{prefix}.{name}"), width, EPSILON)
        };
        Ok(Self {
            attention_norm: norm(weights, "layer_norm1")?,
            attention: SelfAttention::load(
                weights,
                &format!("{prefix}.self_attn"),
                &names,
                width,
                heads,
            )?,
            inner_norm: norm(weights, "layer_norm2")?,
            inner: Linear::load(weights, &format!("{prefix}.mlp.fc1"), width, inner)?,
            outer: Linear::load(weights, &format!("{prefix}.mlp.fc2"), inner, width)?,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let attended = self
            .attention
            .forward(&self.attention_norm.forward(x)?, Some(mask))?;
        let x = attended.f_add(x)?;
        let inner = self.inner.forward(&self.inner_norm.forward(&x)?)?;
        self.outer
            .forward(&quick_gelu(&inner)?)?
            .f_add(&x)
            .map_err(Into::into)
    }
}

/// CLIP's approximation of GELU: x·σ(1.702 x).
fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_mul_scalar(1.702)?.f_sigmoid()?.f_mul(x)?)
}

fn tokenize(tokenizer: &Tokenizer, sentence: &str) -> [u16; CONTEXT] {
    let mut text = Vec::new();
    tokenizer.encode(sentence, &mut text);
    text.truncate(KEPT - 2);
    let all = std::iter::once(tokenizer.start_of_text())
        .chain(text)
        .chain(std::iter::once(tokenizer.end_of_text()));
    let mut ids = [0; CONTEXT];
    for (id, token) in ids.iter_mut().zip(all) {
        *id = Token::to_u16(token);
    }
    ids
}

/// Where the sentence's state is read: the first of the largest ids, which is the end marker.
fn end_position(ids: &[u16; CONTEXT]) -> usize {
    let mut best = 0;
    for (i, id) in ids.iter().enumerate() {
        if *id > ids[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_tokens() {
        let tokenizer = Tokenizer::new();
        let cases: [(&str, &[u16]); 3] = [
            (
                "a photo of a cat",
                &[49406, 320, 1125, 539, 320, 2368, 49407],
            ),
            ("a diagram", &[49406, 320, 22697, 49407]),
            ("Hello   WORLD!", &[49406, 3306, 1002, 256, 49407]),
        ];
        for (sentence, want) in cases {
            let ids = tokenize(&tokenizer, sentence);
            assert_eq!(&ids[..want.len()], want, "{sentence}");
            assert!(ids[want.len()..].iter().all(|&id| id == 0));
            assert_eq!(end_position(&ids), want.len() - 1);
        }
    }

    #[test]
    fn long_text_keeps_thirty_tokens_and_the_end_marker() {
        let tokenizer = Tokenizer::new();
        for words in [29, 30, 31, 200] {
            let ids = tokenize(&tokenizer, &"a ".repeat(words));
            let kept = words.min(30);
            assert_eq!(ids[0], 49406);
            assert!(ids[1..=kept].iter().all(|&id| id == 320));
            assert_eq!(ids[kept + 1], 49407);
            assert!(ids[kept + 2..].iter().all(|&id| id == 0));
        }
    }

    #[test]
    fn quick_gelu_is_the_sigmoid_form() {
        let x = [-3.0f32, -0.5, 0.0, 0.5, 3.0];
        let y = quick_gelu(&Tensor::from_slice(&x)).expect("five numbers");
        let y = Vec::<f32>::try_from(&y).expect("five numbers");
        for (x, y) in x.iter().zip(y) {
            assert!((y - x / (1.0 + (-1.702 * x).exp())).abs() < 1e-6);
        }
    }
}
