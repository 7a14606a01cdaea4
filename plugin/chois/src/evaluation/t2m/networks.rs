//! The text and motion feature networks of the published evaluation. Embeddings leave them as vectors, without tensors.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{DVector, Vector3};
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::model::Weights;
use crate::skeleton::JOINTS;

/// Frames that become one step of the movement encoder.
pub const UNIT: i64 = 4;

/// Slope of the leaky rectifiers below zero.
const LEAK: f64 = 0.2;
const LAYER_NORM_EPS: f64 = 1e-5;
/// Longest motion, in frames, that the extractor takes: a minute.
const LONGEST: usize = 1800;

fn leaky(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_maximum(&x.f_mul_scalar(LEAK)?)?)
}

/// A weight of this shape; -1 stands for any size.
fn weight(weights: &Weights, name: &str, shape: &[i64]) -> Result<Tensor> {
    let tensor = weights.get(name)?;
    let size = tensor.size();
    let fits = size.len() == shape.len()
        && size
            .iter()
            .zip(shape)
            .all(|(s, want)| *s > 0 && (*want < 0 || s == want));
    if !fits {
        return Err(Error::invalid(
            "weights",
            format!("tensor {name} has shape {size:?}, expected {shape:?} (-1: any)"),
        ));
    }
    Ok(tensor)
}

/// A weight and its bias.
struct Affine {
    weight: Tensor,
    bias: Tensor,
}

impl Affine {
    fn load(weights: &Weights, name: &str, shape: &[i64]) -> Result<Self> {
        let matrix = weight(weights, &format!("{name}.weight"), shape)?;
        let bias = weight(weights, &format!("{name}.bias"), &matrix.size()[..1])?;
        Ok(Self {
            weight: matrix,
            bias,
        })
    }

    fn outputs(&self) -> i64 {
        self.weight.size()[0]
    }

    fn inputs(&self) -> i64 {
        self.weight.size()[1]
    }

    fn linear(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }

    /// Kernel 4, stride 2, padding 1 over (B, C, T): halves T.
    fn halve(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_conv1d(&self.weight, Some(&self.bias), 2, 1, 1, 1)?)
    }
}

/// `MovementConvEncoder`: four frames become one step.
pub struct MovementEncoder {
    first: Affine,
    second: Affine,
    out: Affine,
}

impl MovementEncoder {
    /// Reads `<prefix>main.0`, `<prefix>main.3` and `<prefix>out_net`; the widths are those of the tensors.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a tensor is missing or its shape does not fit the others.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let first = Affine::load(weights, &format!("{prefix}main.0"), &[-1, -1, 4])?;
        let hidden = first.outputs();
        let second = Affine::load(weights, &format!("{prefix}main.3"), &[-1, hidden, 4])?;
        let latent = second.outputs();
        let out = Affine::load(weights, &format!("{prefix}out_net"), &[-1, latent])?;
        Ok(Self { first, second, out })
    }

    /// Width of what goes in: 72 for standardised positions of 24 joints.
    pub fn inputs(&self) -> i64 {
        self.first.inputs()
    }

    /// (B, T, inputs) to (B, T / 4, latent).
    ///
    /// # Errors
    /// [`Error::Invalid`] for another shape or fewer than 4 frames, [`Error::Torch`] from libtorch.
    pub fn forward(&self, motion: &Tensor) -> Result<Tensor> {
        check_sequence("motion", motion, self.inputs(), UNIT)?;
        let x = motion.f_permute([0, 2, 1])?;
        let x = leaky(&self.first.halve(&x)?)?;
        let x = leaky(&self.second.halve(&x)?)?;
        self.out.linear(&x.f_permute([0, 2, 1])?)
    }
}

/// A bidirectional GRU with a learned first state whose two last states become one embedding: what the motion and the text
/// encoder have in common.
struct Recurrent {
    input: Affine,
    /// (2, 1, width).
    hidden: Tensor,
    /// Of both directions: weight_ih, weight_hh, bias_ih, bias_hh.
    gru: Vec<Tensor>,
    head: Affine,
    norm: Affine,
    out: Affine,
}

impl Recurrent {
    fn new(weights: &Weights, prefix: &str, inputs: i64) -> Result<Self> {
        let input = Affine::load(weights, &format!("{prefix}input_emb"), &[-1, inputs])?;
        let width = input.outputs();
        // The hidden width is free of the embedding's.
        let hidden = weight(weights, &format!("{prefix}hidden"), &[2, 1, -1])?;
        let state = hidden.size()[2];
        let mut gru = Vec::with_capacity(8);
        for direction in ["", "_reverse"] {
            for (name, shape) in [
                ("weight_ih", vec![3 * state, width]),
                ("weight_hh", vec![3 * state, state]),
                ("bias_ih", vec![3 * state]),
                ("bias_hh", vec![3 * state]),
            ] {
                let name = format!("{prefix}gru.{name}_l0{direction}");
                gru.push(weight(weights, &name, &shape)?);
            }
        }
        let head = Affine::load(weights, &format!("{prefix}output_net.0"), &[-1, 2 * state])?;
        let norm = Affine::load(weights, &format!("{prefix}output_net.1"), &[head.outputs()])?;
        let out = Affine::load(
            weights,
            &format!("{prefix}output_net.3"),
            &[-1, head.outputs()],
        )?;
        Ok(Self {
            input,
            hidden,
            gru,
            head,
            norm,
            out,
        })
    }

    /// (B, T, inputs), of which the first `lengths` steps count, to (B, outputs).
    fn forward(&self, sequence: &Tensor, lengths: &[i64]) -> Result<Tensor> {
        let (batch, steps) = (sequence.size()[0], sequence.size()[1]);
        if lengths.len() as i64 != batch || lengths.iter().any(|l| !(1..=steps).contains(l)) {
            return Err(Error::invalid(
                "lengths",
                format!("give {batch} numbers from 1 to {steps}, one for each sequence"),
            ));
        }
        // Packing wants the longest first.
        let mut order: Vec<i64> = (0..batch).collect();
        order.sort_by_key(|i| -lengths[*i as usize]);
        let sorted: Vec<i64> = order.iter().map(|i| lengths[*i as usize]).collect();
        let order = Tensor::f_from_slice(&order)?.f_to_device(sequence.device())?;
        let x = self.input.linear(&sequence.f_index_select(0, &order)?)?;
        let sorted = Tensor::f_from_slice(&sorted)?;
        let (data, sizes) = x.f_internal_pack_padded_sequence(&sorted, true)?;
        let first = self
            .hidden
            .f_expand([2, batch, -1], false)?
            .f_contiguous()?;
        let (_, last) =
            Tensor::f_gru_data(&data, &sizes, &first, &self.gru, true, 1, 0.0, false, true)?;
        let both = Tensor::f_cat(&[last.f_select(0, 0)?, last.f_select(0, 1)?], -1)?;
        let x = self.head.linear(&both)?;
        let x = x.f_layer_norm(
            self.norm.weight.size(),
            Some(&self.norm.weight),
            Some(&self.norm.bias),
            LAYER_NORM_EPS,
            false,
        )?;
        let x = self.out.linear(&leaky(&x)?)?;
        Ok(x.f_index_select(0, &order.f_argsort(0, false)?)?)
    }
}

/// `MotionEncoderBiGRUCo`: the embedding of a sequence of movement steps.
pub struct MotionEncoder(Recurrent);

impl MotionEncoder {
    /// Reads `<prefix>input_emb`, `hidden`, `gru.*_l0[_reverse]` and `output_net.{0,1,3}`; the widths are those of the
    /// tensors.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a tensor is missing or its shape does not fit the others.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        Ok(Self(Recurrent::new(weights, prefix, -1)?))
    }

    /// (B, steps, latent), of which the first `lengths` steps count, to (B, embedding).
    ///
    /// # Errors
    /// [`Error::Invalid`] for another shape or lengths that do not fit, [`Error::Torch`] from libtorch.
    pub fn forward(&self, movement: &Tensor, lengths: &[i64]) -> Result<Tensor> {
        check_sequence("movement", movement, self.0.input.inputs(), 1)?;
        self.0.forward(movement, lengths)
    }
}

/// `TextEncoderBiGRUCo`: the embedding of a sentence of word vectors (300 numbers of GloVe 840B as published) and parts of
/// speech (one-hot, 15).
pub struct TextEncoder {
    parts: Affine,
    recurrent: Recurrent,
}

impl TextEncoder {
    /// Reads `<prefix>pos_emb` and what [`MotionEncoder::new`] reads; the widths are those of the tensors.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a tensor is missing or its shape does not fit the others.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let parts = Affine::load(weights, &format!("{prefix}pos_emb"), &[-1, -1])?;
        let recurrent = Recurrent::new(weights, prefix, parts.outputs())?;
        Ok(Self { parts, recurrent })
    }

    /// Words (B, T, word width) and parts of speech (B, T, 15), of which the first `lengths` count, to (B, embedding).
    ///
    /// # Errors
    /// [`Error::Invalid`] for another shape or lengths that do not fit, [`Error::Torch`] from libtorch.
    pub fn forward(&self, words: &Tensor, parts: &Tensor, lengths: &[i64]) -> Result<Tensor> {
        check_sequence("words", words, self.parts.outputs(), 1)?;
        check_sequence("parts of speech", parts, self.parts.inputs(), 1)?;
        if words.size()[..2] != parts.size()[..2] {
            return Err(Error::invalid(
                "parts of speech",
                format!(
                    "{:?} do not belong to words {:?}",
                    parts.size(),
                    words.size()
                ),
            ));
        }
        let x = words.f_add(&self.parts.linear(parts)?)?;
        self.recurrent.forward(&x, lengths)
    }
}

fn check_sequence(name: &str, x: &Tensor, width: i64, shortest: i64) -> Result<()> {
    match x.size()[..] {
        [batch, steps, w] if batch > 0 && steps >= shortest && w == width => Ok(()),
        _ => Err(Error::invalid(
            name,
            format!(
                "shape {:?}, expected (samples, at least {shortest} steps, {width})",
                x.size()
            ),
        )),
    }
}

/// The networks of the published evaluation with the statistics of what goes in.
pub struct Extractor {
    movement: MovementEncoder,
    motion: MotionEncoder,
    text: TextEncoder,
    /// Mean and standard deviation of each coordinate, 72 each.
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Extractor {
    /// Reads a `safetensors` file: the three state dicts of the published `finest.tar` under `movement_encoder.`,
    /// `motion_encoder.` and `text_encoder.`, and `mean` and `std` (72 each) of `t2m_mean_std_jpos.p`.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such file, [`Error::Malformed`] when it is not what it should be.
    pub fn load(path: &Path) -> Result<Self> {
        const KIND: &str = "motion feature checkpoint";
        if !path.is_file() {
            return Err(Error::Missing {
                what: "the checkpoint of the motion feature networks",
                path: path.to_owned(),
                remedy: "convert the published finest.tar and t2m_mean_std_jpos.p to one safetensors file",
            });
        }
        let tensors = Tensor::read_safetensors(path)
            .map_err(|e| Error::malformed(path, KIND, format!("not safetensors: {e}")))?;
        let tensors: BTreeMap<String, Tensor> = tensors
            .into_iter()
            .map(|(name, t)| (name, t.to_kind(Kind::Float)))
            .collect();
        Self::new(&Weights::from_tensors(tensors)).map_err(|e| match e {
            Error::Invalid { reason, .. } => Error::malformed(path, KIND, reason),
            other => other,
        })
    }

    /// As [`Self::load`], from named tensors (`f32`, on the processor).
    ///
    /// # Errors
    /// [`Error::Invalid`] when a tensor is missing, its shape does not fit, or a value cannot be used.
    pub fn new(weights: &Weights) -> Result<Self> {
        let width = 3 * JOINTS as i64;
        for (name, tensor) in weights.iter() {
            if !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
                return Err(Error::invalid(
                    "weights",
                    format!("tensor {name} holds values that are not finite"),
                ));
            }
        }
        let row = |name: &str| -> Result<Vec<f32>> {
            Ok(Vec::try_from(&weight(weights, name, &[width])?)?)
        };
        let (mean, std) = (row("mean")?, row("std")?);
        if std.iter().any(|s| *s <= 0.0) {
            return Err(Error::invalid("weights", "tensor std must be above 0"));
        }
        let movement = MovementEncoder::new(weights, "movement_encoder.")?;
        let motion = MotionEncoder::new(weights, "motion_encoder.")?;
        if movement.inputs() != width || motion.0.input.inputs() != movement.out.outputs() {
            return Err(Error::invalid(
                "weights",
                format!(
                    "the movement encoder must read {width} numbers a frame and feed the motion encoder"
                ),
            ));
        }
        Ok(Self {
            movement,
            motion,
            text: TextEncoder::new(weights, "text_encoder.")?,
            mean,
            std,
        })
    }

    /// Embedding of the joints of a motion (metres, canonical window frame, 30 frames a second). The published evaluation
    /// gives whole windows of 120 frames.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fewer than 4 or more than 1,800 frames, or values that are not finite.
    pub fn motion(&self, joints: &[[Vector3<f32>; JOINTS]]) -> Result<DVector<f64>> {
        if !(UNIT as usize..=LONGEST).contains(&joints.len()) {
            return Err(Error::invalid(
                "motion",
                format!(
                    "{} frames; {UNIT} to {LONGEST} can be embedded",
                    joints.len()
                ),
            ));
        }
        let values: Vec<f32> = (joints.iter().flatten().flatten())
            .zip(self.mean.iter().zip(&self.std).cycle())
            .map(|(x, (mean, std))| (x - mean) / std)
            .collect();
        let x =
            Tensor::f_from_slice(&values)?.f_view([1, joints.len() as i64, 3 * JOINTS as i64])?;
        let _no_grad = tch::no_grad_guard();
        let steps = self.movement.forward(&x)?;
        embedding("motion", &self.motion.forward(&steps, &[steps.size()[1]])?)
    }

    /// Embedding of a sentence: per word its vector and its part of speech (one-hot). The published evaluation pads to 32
    /// words and says how many of them count; here only those that count are given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are no words, a row has another width, or a value is not finite.
    pub fn text(&self, words: &[Vec<f32>], parts: &[Vec<f32>]) -> Result<DVector<f64>> {
        let table = |name: &str, rows: &[Vec<f32>]| -> Result<Tensor> {
            let width = rows.first().map_or(0, Vec::len);
            if rows.iter().any(|r| r.len() != width) {
                return Err(Error::invalid(name, "its rows have different widths"));
            }
            Ok(Tensor::f_from_slice(&rows.concat())?.f_view([
                1,
                rows.len() as i64,
                width as i64,
            ])?)
        };
        if words.is_empty() {
            return Err(Error::invalid("words", "there are none; give at least one"));
        }
        let _no_grad = tch::no_grad_guard();
        let (words, parts) = (table("words", words)?, table("parts of speech", parts)?);
        let length = words.size()[1];
        embedding("text", &self.text.forward(&words, &parts, &[length])?)
    }
}

fn embedding(name: &str, x: &Tensor) -> Result<DVector<f64>> {
    let x = x.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    let values = Vec::<f64>::try_from(&x.f_reshape([-1])?)?;
    if values.iter().any(|v| !v.is_finite()) {
        return Err(Error::invalid(
            name,
            "its embedding is not finite; leave such samples out",
        ));
    }
    Ok(DVector::from_vec(values))
}
