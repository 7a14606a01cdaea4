//! An evaluator as it lies on disk: the feature networks of [`super::t2m`] with their statistics and how they were trained,
//! and the figures that come out of them.
//!
//! The published evaluator reads GloVe words with parts of speech. Neither is at hand: words here are the last hidden states
//! of MiniLM, one for each word piece, and all pieces are of one and the same part of speech. Figures of different
//! evaluators cannot be compared: another embedding has other distances.

use std::path::Path;

use nalgebra::{DMatrix, DVector, Vector3};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::report::{Metric, Row};
use super::t2m::{
    DIVERSITY_PAIRS, Extractor, Gaussian, POOL, diversity, fid, matching_score, r_precision, stack,
};
use crate::error::{Error, Result, read, write_atomically};
use crate::model::Weights;
use crate::model::checkpoint::{CONFIG_FILE, WEIGHTS_FILE, parse_tensors, write_tensors};
use crate::skeleton::JOINTS;
use crate::text::MiniLm;

/// Version of the form of `config.json`.
pub const CONFIG_VERSION: u32 = 1;
/// Numbers of a frame: 24 joints.
const FRAME: i64 = 3 * JOINTS as i64;
const KIND: &str = "evaluator";

/// A sentence as the text network reads it.
pub trait Words {
    /// A vector for each word or piece of one, in order, all of the same width.
    ///
    /// # Errors
    /// [`Error::Invalid`] for text that cannot be read.
    fn words(&self, sentence: &str) -> Result<Vec<Vec<f32>>>;

    /// Which vectors these are, as recorded beside the weights.
    fn name(&self) -> &str;
}

impl Words for MiniLm {
    fn words(&self, sentence: &str) -> Result<Vec<Vec<f32>>> {
        self.pieces_in_context(sentence)
    }

    fn name(&self) -> &str {
        "last hidden states of all-MiniLM-L6-v2, one for each word piece"
    }
}

/// Widths of the networks. Published: 512, 512, 1024, 512, 512, words of 300 numbers, 15 parts of speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widths {
    /// Within the movement encoder.
    pub movement_hidden: i64,
    /// Of a movement step.
    pub movement_latent: i64,
    /// Of the motion GRU's states.
    pub motion_hidden: i64,
    /// Of the text GRU's states.
    pub text_hidden: i64,
    /// Of both embeddings.
    pub embedding: i64,
    /// Of a word's vector.
    pub words: i64,
    /// Classes of words; 1 where they are not told apart.
    pub parts_of_speech: i64,
}

impl Default for Widths {
    /// An eighth to a quarter of the published widths. An embedding of 64 needs few windows for its covariance.
    fn default() -> Self {
        Self {
            movement_hidden: 128,
            movement_latent: 128,
            motion_hidden: 192,
            text_hidden: 128,
            embedding: 64,
            words: 384,
            parts_of_speech: 1,
        }
    }
}

impl Widths {
    /// Refuses widths that no file should ask memory for.
    fn validate(&self) -> Result<()> {
        let all = [
            ("movement_hidden", self.movement_hidden),
            ("movement_latent", self.movement_latent),
            ("motion_hidden", self.motion_hidden),
            ("text_hidden", self.text_hidden),
            ("embedding", self.embedding),
            ("words", self.words),
            ("parts_of_speech", self.parts_of_speech),
        ];
        for (name, width) in all {
            if !(1..=4096).contains(&width) {
                return Err(Error::invalid(
                    format!("widths.{name}"),
                    format!("is {width}; it must be between 1 and 4096"),
                ));
            }
        }
        Ok(())
    }

    /// Name and shape of every weight that is learned, in the order in which they are initialised.
    pub fn shapes(&self) -> Vec<(String, Vec<i64>)> {
        let mut out = Vec::new();
        let mut affine = |name: &str, shape: &[i64]| {
            out.push((format!("{name}.weight"), shape.to_vec()));
            out.push((format!("{name}.bias"), shape[..1].to_vec()));
        };
        let (hidden, latent) = (self.movement_hidden, self.movement_latent);
        affine("movement_encoder.main.0", &[hidden, FRAME, 4]);
        affine("movement_encoder.main.3", &[latent, hidden, 4]);
        affine("movement_encoder.out_net", &[latent, latent]);
        affine("text_encoder.pos_emb", &[self.words, self.parts_of_speech]);
        for (net, input, state) in [
            ("motion_encoder", latent, self.motion_hidden),
            ("text_encoder", self.words, self.text_hidden),
        ] {
            affine(&format!("{net}.input_emb"), &[state, input]);
            affine(&format!("{net}.output_net.0"), &[state, 2 * state]);
            affine(&format!("{net}.output_net.1"), &[state]);
            affine(&format!("{net}.output_net.3"), &[self.embedding, state]);
        }
        for (net, state) in [
            ("motion_encoder", self.motion_hidden),
            ("text_encoder", self.text_hidden),
        ] {
            out.push((format!("{net}.hidden"), vec![2, 1, state]));
            for direction in ["", "_reverse"] {
                for (name, shape) in [
                    ("weight_ih", vec![3 * state, state]),
                    ("weight_hh", vec![3 * state, state]),
                    ("bias_ih", vec![3 * state]),
                    ("bias_hh", vec![3 * state]),
                ] {
                    out.push((format!("{net}.gru.{name}_l0{direction}"), shape));
                }
            }
        }
        out
    }
}

/// Settings of the training, [`crate::training::evaluator`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluatorTraining {
    /// Optimiser steps.
    pub steps: u64,
    /// Windows in a batch.
    pub batch: usize,
    /// Learning rate; it falls linearly over the last half of the run.
    pub rate: f64,
    /// Distance to which what does not belong together is pushed.
    pub margin: f64,
    /// Sentences whose vectors have this cosine or more mean the same: they are not pushed apart.
    pub alike: f64,
    /// Share of the movement steps' numbers and of the words' that are left out in a step, so that none is relied on.
    pub dropout: f64,
    /// Standard deviation of noise on the joints, in their own standard deviations.
    pub noise: f64,
    /// Seed of weights, windows and chance.
    pub seed: u64,
}

impl Default for EvaluatorTraining {
    fn default() -> Self {
        Self {
            steps: 2500,
            batch: 64,
            rate: 1e-3,
            margin: 10.0,
            alike: 0.95,
            dropout: 0.2,
            noise: 0.02,
            seed: 7,
        }
    }
}

impl EvaluatorTraining {
    /// Refuses settings that cannot train.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the setting.
    pub fn validate(&self) -> Result<()> {
        let positive = |name: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            Err(Error::invalid(
                name,
                format!("is {value}; it must be above 0"),
            ))
        };
        if self.steps == 0 {
            return Err(Error::invalid("steps", "is 0; give at least 1"));
        }
        if !(2..=1024).contains(&self.batch) {
            return Err(Error::invalid(
                "batch",
                format!("is {}; it must be between 2 and 1024", self.batch),
            ));
        }
        positive("rate", self.rate)?;
        positive("margin", self.margin)?;
        positive("alike", self.alike)?;
        if !(0.0..0.9).contains(&self.dropout) {
            return Err(Error::invalid(
                "dropout",
                format!("is {}; it must be between 0 and 0.9", self.dropout),
            ));
        }
        if !(0.0..=1.0).contains(&self.noise) {
            return Err(Error::invalid(
                "noise",
                format!("is {}; it must be between 0 and 1", self.noise),
            ));
        }
        Ok(())
    }

    /// Learning rate of a step.
    pub fn rate_at(&self, step: u64) -> f64 {
        let done = step as f64 / self.steps as f64;
        self.rate * (2.0 * (1.0 - done)).clamp(0.02, 1.0)
    }
}

/// How it does on data apart from what it was trained on, pools of 32.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Windows.
    pub windows: usize,
    /// Different sentences among them.
    pub sentences: usize,
    /// Share of sentences whose own motion is among the 1, 2, 3 nearest; none for fewer windows than a pool.
    pub r_precision: Option<[f64; 3]>,
}

/// `config.json` of an evaluator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorConfig {
    /// Version of this file's form.
    pub version: u32,
    /// Sizes.
    pub widths: Widths,
    /// Which vectors stand for words.
    pub words: String,
    /// Settings of its training.
    pub training: EvaluatorTraining,
    /// What it was trained on, and its terms.
    pub data: String,
    /// Licence of the weights.
    pub licence: String,
    /// Captures whose motions it never saw.
    pub held_captures: Vec<String>,
    /// Sentences that it never saw.
    pub held_sentences: Vec<String>,
    /// How it does on motions that it never saw.
    pub on_motions: HeldOut,
    /// How it does on sentences that it never saw.
    pub on_sentences: HeldOut,
}

/// An evaluator, checked.
pub struct Evaluator {
    /// Everything that is not a weight.
    pub config: EvaluatorConfig,
    extractor: Extractor,
}

impl Evaluator {
    /// Reads and checks an evaluator's folder.
    ///
    /// # Errors
    /// [`Error::Read`] where a file is not there, [`Error::Malformed`] when it is not what it should be.
    pub fn load(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::malformed(
                folder,
                KIND,
                format!(
                    "it is not a folder with {WEIGHTS_FILE} and {CONFIG_FILE}; `chois train-evaluator` makes one"
                ),
            ));
        }
        let path = folder.join(CONFIG_FILE);
        let config: EvaluatorConfig = serde_json::from_slice(&read(&path)?)
            .map_err(|e| Error::malformed(&path, "evaluator config", e))?;
        if config.version != CONFIG_VERSION {
            return Err(Error::malformed(
                &path,
                "evaluator config",
                format!(
                    "version {}; this program reads {CONFIG_VERSION}",
                    config.version
                ),
            ));
        }
        (config.widths.validate()).map_err(|e| Error::malformed(&path, "evaluator config", e))?;
        let path = folder.join(WEIGHTS_FILE);
        let mut tensors = parse_tensors(&read(&path)?, &path)?;
        let mut weights = Vec::new();
        for (name, shape) in config.widths.shapes().into_iter().chain(statistics()) {
            let tensor = tensors.remove(&name).ok_or_else(|| {
                Error::malformed(&path, KIND, format!("tensor {name} is missing"))
            })?;
            if tensor.size() != shape {
                return Err(Error::malformed(
                    &path,
                    KIND,
                    format!(
                        "tensor {name} has shape {:?}, but config.json asks for {shape:?}",
                        tensor.size()
                    ),
                ));
            }
            weights.push((name, tensor.to_kind(Kind::Float)));
        }
        let extractor = Extractor::new(&Weights::from_tensors(weights)).map_err(|e| match e {
            Error::Invalid { reason, .. } => Error::malformed(&path, KIND, reason),
            other => other,
        })?;
        Ok(Self { config, extractor })
    }

    /// Writes an evaluator's folder, weights in half precision. `weights` hold `mean` and `std` too.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(folder: &Path, config: &EvaluatorConfig, weights: &Weights) -> Result<()> {
        let tensors: Vec<(String, Tensor)> = weights
            .iter()
            .map(|(n, t)| (n.to_owned(), t.shallow_clone()))
            .collect();
        write_tensors(&folder.join(WEIGHTS_FILE), &tensors, true, None)?;
        let mut json =
            serde_json::to_vec_pretty(config).map_err(|e| Error::invalid("config", e))?;
        json.push(b'\n');
        write_atomically(&folder.join(CONFIG_FILE), &json)
    }

    /// Embedding of joints (metres, canonical window frame, 30 frames a second).
    ///
    /// # Errors
    /// Those of [`Extractor::motion`].
    pub fn motion(&self, joints: &[[Vector3<f32>; JOINTS]]) -> Result<DVector<f64>> {
        self.extractor.motion(joints)
    }

    /// Embedding of a sentence.
    ///
    /// # Errors
    /// Those of [`Words::words`] and [`Extractor::text`].
    pub fn sentence(&self, sentence: &str, words: &dyn Words) -> Result<DVector<f64>> {
        let words = words.words(sentence)?;
        // Words are not told apart: all are of the first class.
        let mut part = vec![0.0; self.config.widths.parts_of_speech as usize];
        part[0] = 1.0;
        let parts = vec![part; words.len()];
        self.extractor.text(&words, &parts)
    }
}

/// Mean and standard deviation of the joints' coordinates.
fn statistics() -> [(String, Vec<i64>); 2] {
    ["mean", "std"].map(|name| (name.to_owned(), vec![FRAME]))
}

/// An order of these sentences whose groups of [`POOL`] hold as many different ones as can be, drawn from `seed`: a pool
/// that holds a sentence twice cannot tell which motion is whose.
pub fn pools(sentences: &[&str], seed: u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..sentences.len()).collect();
    left.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut out: Vec<usize> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let pool = &out[out.len() / POOL * POOL..];
        let is_new = |i: &usize| pool.iter().all(|p| sentences[*p] != sentences[*i]);
        let next = left.iter().position(is_new).unwrap_or(0);
        out.push(left.remove(next));
    }
    out
}

/// How well motions fit their sentences and resemble captured ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// R-precision, top 1 to 3 of pools of 32; none for fewer windows than a pool.
    pub r_precision: Option<[f64; 3]>,
    /// Mean distance of a sentence to its motion.
    pub matching: f64,
    /// Fréchet distance to the captured motions; none for fewer windows than a pool.
    pub fid: Option<f64>,
    /// Mean distance of random pairs.
    pub diversity: f64,
}

impl Scores {
    /// Of embeddings, a row for each window; rows of `text` and `motion` in an order of [`pools`].
    ///
    /// # Errors
    /// Those of [`r_precision`], [`fid`] and [`diversity`].
    pub fn of(text: &DMatrix<f64>, motion: &DMatrix<f64>, captured: &DMatrix<f64>) -> Result<Self> {
        let windows = motion.nrows();
        let enough = windows >= POOL && captured.nrows() >= POOL;
        Ok(Self {
            r_precision: if windows >= POOL {
                r_precision(text, motion, 3, POOL)?.try_into().ok()
            } else {
                None
            },
            matching: matching_score(text, motion)?,
            fid: if enough {
                // Rounding makes the distance of equal ones a little negative.
                Some(fid(&Gaussian::of(motion)?, &Gaussian::of(captured)?)?.max(0.0))
            } else {
                None
            },
            diversity: diversity(motion, DIVERSITY_PAIRS.min(windows), 0)?,
        })
    }

    /// A row with these figures added.
    pub fn add_to(&self, row: Row) -> Row {
        let mut row = row
            .with(Metric::Matching, self.matching)
            .with(Metric::Diversity, self.diversity);
        if let Some([first, second, third]) = self.r_precision {
            row = row
                .with(Metric::RPrecisionTop1, first)
                .with(Metric::RPrecisionTop2, second)
                .with(Metric::RPrecision, third);
        }
        match self.fid {
            Some(fid) => row.with(Metric::Fid, fid),
            None => row,
        }
    }
}

/// Windows of a data set as an evaluator sees them, ready to judge motions made in their place.
pub struct Judge<'a> {
    evaluator: &'a Evaluator,
    order: Vec<usize>,
    text: DMatrix<f64>,
    captured: DMatrix<f64>,
}

impl<'a> Judge<'a> {
    /// Embeds sentences and captured joints, one of each for each window. Pools are always the same.
    ///
    /// # Errors
    /// Those of [`Evaluator::motion`] and [`Evaluator::sentence`]; [`Error::Invalid`] for no window.
    pub fn new(
        evaluator: &'a Evaluator,
        words: &dyn Words,
        sentences: &[&str],
        captured: &[Vec<[Vector3<f32>; JOINTS]>],
    ) -> Result<Self> {
        if words.name() != evaluator.config.words {
            return Err(Error::invalid(
                "evaluator",
                format!(
                    "it was trained on {}, not on {}; train one on these",
                    evaluator.config.words,
                    words.name()
                ),
            ));
        }
        let order = pools(sentences, 0);
        let mut known = std::collections::BTreeMap::new();
        let mut text = Vec::with_capacity(order.len());
        for i in &order {
            let sentence = sentences[*i];
            if !known.contains_key(sentence) {
                known.insert(sentence, evaluator.sentence(sentence, words)?);
            }
            text.push(known[sentence].clone());
        }
        let mut out = Self {
            evaluator,
            order,
            text: stack(&text)?,
            captured: DMatrix::zeros(0, 0),
        };
        out.captured = out.embed(captured)?;
        Ok(out)
    }

    fn embed(&self, motions: &[Vec<[Vector3<f32>; JOINTS]>]) -> Result<DMatrix<f64>> {
        if motions.len() != self.order.len() {
            return Err(Error::invalid(
                "motions",
                format!(
                    "{} for {} windows; give one for each",
                    motions.len(),
                    self.order.len()
                ),
            ));
        }
        let all: Vec<DVector<f64>> = (self.order.iter())
            .map(|i| self.evaluator.motion(&motions[*i]))
            .collect::<Result<_>>()?;
        stack(&all)
    }

    /// Scores of motions made in place of the captured ones, in the order of the windows.
    ///
    /// # Errors
    /// Those of [`Evaluator::motion`] and [`Scores::of`]; [`Error::Invalid`] for another number of motions.
    pub fn score(&self, motions: &[Vec<[Vector3<f32>; JOINTS]>]) -> Result<Scores> {
        Scores::of(&self.text, &self.embed(motions)?, &self.captured)
    }

    /// Scores of the captured motions themselves: what the evaluator can see at all. The Fréchet distance is that of one
    /// half of them to the other, which only chance tells apart.
    ///
    /// # Errors
    /// Those of [`Scores::of`].
    pub fn captured(&self) -> Result<Scores> {
        let mut scores = Scores::of(&self.text, &self.captured, &self.captured)?;
        let rows = self.captured.nrows();
        scores.fid = None;
        if rows >= 2 * POOL {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut ranks: Vec<(u64, usize)> = (0..rows).map(|i| (rng.random(), i)).collect();
            ranks.sort_unstable();
            let half = |part: &[(u64, usize)]| {
                Gaussian::of(&self.captured.select_rows(part.iter().map(|(_, i)| i)))
            };
            let (a, b) = ranks.split_at(rows / 2);
            scores.fid = Some(fid(&half(a)?, &half(b)?)?.max(0.0));
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pools_hold_different_sentences_where_there_are_enough() {
        // 40 sentences, two windows each: two full pools and a rest.
        let names: Vec<String> = (0..80).map(|i| format!("sentence {}", i % 40)).collect();
        let sentences: Vec<&str> = names.iter().map(String::as_str).collect();
        let order = pools(&sentences, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..80).collect::<Vec<_>>());
        for pool in order.chunks_exact(POOL) {
            let different: BTreeSet<&str> = pool.iter().map(|i| sentences[*i]).collect();
            assert_eq!(different.len(), POOL);
        }
        assert_ne!(order, pools(&sentences, 4));
        assert_eq!(order, pools(&sentences, 3));
        // Too few sentences: all windows are used all the same.
        assert_eq!(pools(&["a"; 33], 0).len(), 33);
        assert!(pools(&[], 0).is_empty());
    }

    #[test]
    fn scores_of_motions_that_sit_on_their_sentences_are_perfect() {
        let text = DMatrix::from_fn(64, 3, |r, c| ((r * 7 + c * 13) % 64) as f64);
        let scores = Scores::of(&text, &text, &text).expect("scores");
        assert_eq!(scores.r_precision, Some([1.0; 3]));
        assert_eq!(scores.matching, 0.0);
        assert!(scores.fid.expect("a distance") < 1e-6);
        assert!(scores.diversity > 0.0);
        // Every sentence at its neighbour's motion: each has exactly one that is nearer than its own, or more.
        let turned = DMatrix::from_fn(64, 3, |r, c| text[((r + 1) % 64, c)]);
        let scores = Scores::of(&text, &turned, &text).expect("scores");
        assert!(scores.r_precision.expect("pools")[0] < 0.1);
        assert!(scores.fid.expect("a distance") < 1e-6, "the same motions");
        let few = text.rows(0, 11).into_owned();
        let scores = Scores::of(&few, &few, &text).expect("scores");
        assert_eq!((scores.r_precision, scores.fid), (None, None));
        let row = scores.add_to(Row::new("few", 11));
        assert!(!row.values.contains_key(&Metric::RPrecision));
        assert_eq!(row.values[&Metric::Matching], 0.0);
    }

    #[test]
    fn settings_that_cannot_train_are_named() {
        let refused = |change: fn(&mut EvaluatorTraining), word: &str| {
            let mut settings = EvaluatorTraining::default();
            change(&mut settings);
            let error = settings.validate().expect_err("unusable").to_string();
            assert!(error.contains(word), "{error}");
        };
        EvaluatorTraining::default().validate().expect("usable");
        refused(|s| s.steps = 0, "steps");
        refused(|s| s.batch = 1, "batch");
        refused(|s| s.rate = f64::NAN, "rate");
        refused(|s| s.margin = 0.0, "margin");
        refused(|s| s.alike = -1.0, "alike");
        refused(|s| s.dropout = 0.95, "dropout");
        refused(|s| s.noise = f64::INFINITY, "noise");
    }
}
