//! Training of an evaluator (see [`crate::evaluation::evaluator`]): sentences and motions that belong together are drawn
//! together, others pushed apart to a margin (Guo et al., "Generating diverse and natural 3D human motions from text", CVPR
//! 2022).
//!
//! Every pair of a batch is used, not one shuffled partner; sentences that mean nearly the same are no negatives of each
//! other, as in TMR (Petrovich et al., ICCV 2023). A run takes minutes on one core, so that there is nothing to resume: the
//! same settings and data give the same bits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Device, Kind, Tensor};

use super::dataset::{Choice, Dataset, Sampling, Source, mirror_text, step_rng};
use super::optimiser::Adam;
use crate::diffusion::Flow;
use crate::error::{Error, Result};
use crate::evaluation::evaluator::{Evaluator, EvaluatorTraining, HeldOut, Judge, Widths, Words};
use crate::evaluation::t2m::{MotionEncoder, MovementEncoder, TextEncoder, UNIT};
use crate::model::Weights;
use crate::motion::WINDOW;
use crate::skeleton::JOINTS;

/// Frames that a window of the data has, at least, to be learned from.
const SHORTEST: usize = 60;
/// One capture of so many is held out, with all that was made of it.
const CAPTURES: usize = 8;
/// One sentence of so many is held out.
const SENTENCES: usize = 12;
/// Windows at most that the statistics are taken from, and that a held-out figure is measured on.
const MEASURED: usize = 512;

/// What is learned from, and what is kept apart.
pub struct Split {
    /// To be learned from.
    pub train: Dataset,
    /// Other motions, of sentences that are learned too.
    pub motions: Dataset,
    /// Clips of other sentences.
    pub sentences: Dataset,
    /// Captures that are held out.
    pub held_captures: Vec<String>,
    /// Sentences that are held out.
    pub held_sentences: Vec<String>,
}

/// The capture that a clip was made from: `chois synthesize` names what it makes of `sub2_woodchair_003` after it, with
/// numbers behind and `mirrored_` in front. What was made from nothing is a capture of its own.
pub fn capture_of(clip: &str) -> &str {
    let name = clip.trim_start_matches('~');
    let name = name.strip_prefix("mirrored_").unwrap_or(name);
    if !name.starts_with("sub") {
        return name;
    }
    let third = name.match_indices('_').nth(2);
    third.map_or(name, |(at, _)| &name[..at])
}

/// A sentence and its mirror image are one.
fn sentence_of(source: &Source) -> String {
    let mirrored = mirror_text(&source.text);
    source.text.clone().min(mirrored)
}

/// Keeps every eighth capture and every twelfth sentence apart.
///
/// # Errors
/// [`Error::Invalid`] when nothing is left to learn from.
pub fn split(data: Dataset) -> Result<Split> {
    let every = |names: BTreeSet<String>, n: usize| -> BTreeSet<String> {
        names.into_iter().skip(n / 2).step_by(n).collect()
    };
    let all = |name: &dyn Fn(&Source) -> String| data.sources.iter().map(name).collect();
    let captures = every(all(&|s| capture_of(&s.name).to_owned()), CAPTURES);
    let sentences = every(all(&sentence_of), SENTENCES);
    let (held_sentences, rest) = data.partition(|s| sentences.contains(&sentence_of(s)));
    let (motions, train) = rest.partition(|s| captures.contains(capture_of(&s.name)));
    if !train.has_interactions() {
        return Err(Error::invalid(
            "data",
            "too few clips or sentences are left to learn from when some are kept apart",
        ));
    }
    Ok(Split {
        train,
        motions,
        sentences: held_sentences,
        // Made from nothing, thousands of names say nothing.
        held_captures: captures
            .into_iter()
            .filter(|c| c.starts_with("sub"))
            .collect(),
        held_sentences: sentences.into_iter().collect(),
    })
}

/// A sentence as the batch needs it.
struct Sentence {
    /// Words, T x width.
    words: Vec<f32>,
    length: usize,
    /// Of unit length.
    vector: Arc<Vec<f32>>,
}

/// Mean and standard deviation of the joints' coordinates over windows spread over the data.
fn statistics(data: &Dataset) -> Result<[Vec<f32>; 2]> {
    const FRAME: usize = 3 * JOINTS;
    let choices = spread(data.windows(30), MEASURED);
    if choices.is_empty() {
        return Err(Error::invalid(
            "clips",
            "none that is learned from is as long as a window (4 s)",
        ));
    }
    let (mut sum, mut squares, mut count) = (vec![0.0; FRAME], vec![0.0; FRAME], 0.0);
    for choice in &choices {
        for joints in &data.window(choice).0.joints {
            for (k, x) in joints.iter().flatten().enumerate() {
                sum[k] += f64::from(*x);
                squares[k] += f64::from(*x).powi(2);
            }
            count += 1.0;
        }
    }
    let mean: Vec<f64> = sum.iter().map(|s| s / count).collect();
    let std = (squares.iter().zip(&mean))
        // A coordinate that never moves must not blow up what little it does.
        .map(|(s, m)| ((s / count - m * m).max(0.0).sqrt() as f32).max(1e-2))
        .collect();
    Ok([mean.into_iter().map(|m| m as f32).collect(), std])
}

/// At most so many, evenly spread.
fn spread(choices: Vec<Choice>, most: usize) -> Vec<Choice> {
    let step = choices.len().div_ceil(most).max(1);
    choices.into_iter().step_by(step).collect()
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Steps made.
    pub step: u64,
    /// The loss.
    pub loss: f64,
    /// Mean distance of what belongs together.
    pub together: f64,
    /// Share of pairs of the batch that are nearer than the margin and should not be.
    pub violating: f64,
}

/// A run.
pub struct EvaluatorTrainer<'a> {
    settings: EvaluatorTraining,
    widths: Widths,
    data: &'a Dataset,
    sentences: BTreeMap<&'a str, Sentence>,
    mean: Vec<f32>,
    std: Vec<f32>,
    weights: Weights,
    movement: MovementEncoder,
    motion: MotionEncoder,
    text: TextEncoder,
    adam: Adam,
    step: u64,
}

impl<'a> EvaluatorTrainer<'a> {
    /// A fresh run on `data`, whose sentences `words` reads.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings or data that cannot train; those of [`Words::words`].
    pub fn new(
        data: &'a Dataset,
        words: &dyn Words,
        widths: Widths,
        settings: EvaluatorTraining,
    ) -> Result<Self> {
        settings.validate()?;
        let mut sentences = BTreeMap::new();
        for source in &data.sources {
            if sentences.contains_key(source.text.as_str()) {
                continue;
            }
            let rows = words.words(&source.text)?;
            if rows.is_empty() || rows.iter().any(|r| r.len() as i64 != widths.words) {
                return Err(Error::invalid(
                    "words",
                    format!(
                        "sentence {:?} has none of {} numbers",
                        source.text, widths.words
                    ),
                ));
            }
            let sentence = Sentence {
                length: rows.len(),
                words: rows.concat(),
                vector: source.sentence.clone(),
            };
            sentences.insert(source.text.as_str(), sentence);
        }
        let [mean, std] = statistics(data)?;
        let weights = initialise(&widths, settings.seed);
        Ok(Self {
            movement: MovementEncoder::new(&weights, "movement_encoder.")?,
            motion: MotionEncoder::new(&weights, "motion_encoder.")?,
            text: TextEncoder::new(&weights, "text_encoder.")?,
            adam: Adam::new(&weights),
            settings,
            widths,
            data,
            sentences,
            mean,
            std,
            weights,
            step: 0,
        })
    }

    /// Trains to the end, or until `each` says that it is enough.
    ///
    /// # Errors
    /// [`Error::Torch`]; [`Error::Invalid`] when the loss is no number.
    pub fn run(&mut self, each: &mut dyn FnMut(&StepReport) -> Flow) -> Result<()> {
        while self.step < self.settings.steps {
            let report = self.step()?;
            if each(&report) == Flow::Cancel {
                return Err(Error::Cancelled);
            }
        }
        Ok(())
    }

    /// One optimiser step.
    fn step(&mut self) -> Result<StepReport> {
        let mut rng = step_rng(self.settings.seed, self.step);
        let sampling = Sampling {
            from_start: 0.3,
            whole: 0.2,
            walking: 0.0,
        };
        let mut choices = Vec::with_capacity(self.settings.batch);
        // Windows that are over before anything happens tell nothing of their sentence; where there is no other, they do.
        let mut tries = 0;
        while choices.len() < self.settings.batch {
            let choice = self.data.draw(&mut rng, &sampling);
            tries += 1;
            if choice.length >= SHORTEST || tries > 20 * self.settings.batch {
                choices.push(choice);
            }
        }
        let motion = self.embed_motions(&choices, &mut rng)?;
        let text = self.embed_sentences(&choices, &mut rng)?;
        let (loss, together, violating) = self.loss(&choices, &text, &motion)?;
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return Err(Error::invalid(
                "loss",
                format!("is {value} at step {}; lower the rate", self.step),
            ));
        }
        loss.f_backward()?;
        let norm = Adam::gradient_norm(&self.weights);
        let scale = if norm > 1.0 { 1.0 / norm } else { 1.0 };
        (self.adam).step(&self.weights, self.settings.rate_at(self.step), scale);
        self.step += 1;
        Ok(StepReport {
            step: self.step,
            loss: value,
            together,
            violating,
        })
    }

    /// (B, embedding). Shorter windows than the longest of the batch end where they end.
    fn embed_motions(&self, choices: &[Choice], rng: &mut impl Rng) -> Result<Tensor> {
        let width = 3 * JOINTS;
        let mut values = vec![0.0_f32; choices.len() * WINDOW * width];
        let mut lengths = Vec::with_capacity(choices.len());
        for (choice, row) in choices.iter().zip(values.chunks_exact_mut(WINDOW * width)) {
            let (window, _) = self.data.window(choice);
            for (frame, joints) in row.chunks_exact_mut(width).zip(&window.joints) {
                for (k, x) in joints.iter().flatten().enumerate() {
                    let noise: f32 = rng.sample(StandardNormal);
                    frame[k] =
                        (x - self.mean[k]) / self.std[k] + noise * self.settings.noise as f32;
                }
            }
            lengths.push((choice.length as i64 / UNIT).max(1));
        }
        let x = Tensor::f_from_slice(&values)?.f_view([
            choices.len() as i64,
            WINDOW as i64,
            width as i64,
        ])?;
        let steps = self.drop(&self.movement.forward(&x)?, rng)?;
        self.motion.forward(&steps, &lengths)
    }

    /// (B, embedding).
    fn embed_sentences(&self, choices: &[Choice], rng: &mut impl Rng) -> Result<Tensor> {
        let sentences: Vec<&Sentence> = choices
            .iter()
            .filter_map(|c| {
                self.sentences
                    .get(self.data.sources[c.source].text.as_str())
            })
            .collect();
        let longest = sentences.iter().map(|s| s.length).max().unwrap_or(1);
        let width = self.widths.words as usize;
        let mut words = vec![0.0_f32; sentences.len() * longest * width];
        for (sentence, row) in sentences
            .iter()
            .zip(words.chunks_exact_mut(longest * width))
        {
            row[..sentence.words.len()].copy_from_slice(&sentence.words);
        }
        let size = [sentences.len() as i64, longest as i64];
        let words = Tensor::f_from_slice(&words)?.f_view([size[0], size[1], width as i64])?;
        let classes = self.widths.parts_of_speech;
        let parts = Tensor::f_zeros([size[0], size[1], classes], (Kind::Float, Device::Cpu))?;
        let mut first = parts.f_narrow(2, 0, 1)?;
        let _ = first.f_fill_(1.0)?;
        let lengths: Vec<i64> = sentences.iter().map(|s| s.length as i64).collect();
        self.text
            .forward(&self.drop(&words, rng)?, &parts, &lengths)
    }

    /// Numbers left out by chance, the others larger for it. The chance is the run's own, not libtorch's.
    fn drop(&self, x: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
        if self.settings.dropout <= 0.0 {
            return Ok(x.shallow_clone());
        }
        let kept = 1.0 / (1.0 - self.settings.dropout) as f32;
        let below = (self.settings.dropout * f64::from(u32::MAX)) as u32;
        let mask: Vec<f32> = (0..x.numel())
            .map(|_| if rng.next_u32() < below { 0.0 } else { kept })
            .collect();
        Ok(x.f_mul(&Tensor::f_from_slice(&mask)?.f_view(&x.size()[..])?)?)
    }

    /// Squared distances of what belongs together, and of what does not the squares of what lacks to the margin, mean over
    /// those that lack anything. With it the mean distance of the former and the share of the latter.
    fn loss(
        &self,
        choices: &[Choice],
        text: &Tensor,
        motion: &Tensor,
    ) -> Result<(Tensor, f64, f64)> {
        let source = |c: &Choice| &self.data.sources[c.source];
        let size = choices.len() as i64;
        let mut negative = Vec::with_capacity(choices.len().pow(2));
        for a in choices {
            for b in choices {
                let (a, b) = (source(a), source(b));
                let alike = a.text == b.text || {
                    let [a, b] = [a, b].map(|s| &self.sentences[s.text.as_str()].vector);
                    let cosine: f32 = a.iter().zip(b.iter()).map(|(x, y)| x * y).sum();
                    f64::from(cosine) >= self.settings.alike
                };
                negative.push(if alike { 0.0_f32 } else { 1.0 });
            }
        }
        let negative = Tensor::f_from_slice(&negative)?.f_view([size, size])?;
        // The root has no slope at 0.
        let apart = text.f_unsqueeze(1)?.f_sub(&motion.f_unsqueeze(0)?)?;
        let squares =
            apart
                .f_square()?
                .f_sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float)?;
        let distance = squares.f_add_scalar(1e-6)?.f_sqrt()?;
        let own = distance.f_diagonal(0, 0, 1)?;
        let lacking = distance
            .f_neg()?
            .f_add_scalar(self.settings.margin)?
            .f_clamp_min(0.0)?
            .f_mul(&negative)?;
        let lack = lacking.f_gt(0.0)?.f_sum(Kind::Float)?.double_value(&[]);
        let pushed = lacking
            .f_square()?
            .f_sum(Kind::Float)?
            .f_div_scalar(lack.max(1.0))?;
        let loss = own.f_square()?.f_mean(Kind::Float)?.f_add(&pushed)?;
        let pairs = negative.f_sum(Kind::Float)?.double_value(&[]).max(1.0);
        Ok((
            loss,
            own.f_mean(Kind::Float)?.double_value(&[]),
            lack / pairs,
        ))
    }

    /// What has been learned, with the statistics.
    pub fn weights(&self) -> Weights {
        let learned = self.weights.iter();
        let learned = learned.map(|(n, t)| (n.to_owned(), t.detach().copy()));
        let statistics = [("mean", &self.mean), ("std", &self.std)];
        let statistics = statistics.map(|(n, v)| (n.to_owned(), Tensor::from_slice(v)));
        Weights::from_tensors(learned.chain(statistics))
    }
}

/// Fresh weights: PyTorch's default initialisation, the GRU's first states from a normal distribution, as published.
fn initialise(widths: &Widths, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bound = 0.0_f32;
    let tensors = widths.shapes().into_iter().map(|(name, shape)| {
        let count = shape.iter().product::<i64>() as usize;
        let values: Vec<f32> = if name.ends_with("output_net.1.weight") {
            vec![1.0; count]
        } else if name.ends_with("output_net.1.bias") {
            vec![0.0; count]
        } else if name.ends_with(".hidden") {
            (0..count).map(|_| rng.sample(StandardNormal)).collect()
        } else {
            if name.contains(".gru.") {
                bound = 1.0 / (shape[0] as f32 / 3.0).sqrt();
            } else if name.ends_with(".weight") {
                // The bias that follows has the bound of its weight's fan-in.
                bound = 1.0 / (shape[1..].iter().product::<i64>() as f32).sqrt();
            }
            (0..count)
                .map(|_| rng.random_range(-bound..bound))
                .collect()
        };
        let tensor = Tensor::from_slice(&values).view(&shape[..]);
        (name, tensor.set_requires_grad(true))
    });
    Weights::from_tensors(tensors.collect::<Vec<_>>())
}

/// R-precision of captured motions of data that was kept apart.
///
/// # Errors
/// Those of [`Judge::new`].
pub fn held_out(evaluator: &Evaluator, words: &dyn Words, data: &Dataset) -> Result<HeldOut> {
    let choices = spread(data.windows(60), MEASURED);
    let sentences: Vec<&str> = (choices.iter())
        .map(|c| data.sources[c.source].text.as_str())
        .collect();
    let mut out = HeldOut {
        windows: choices.len(),
        sentences: sentences.iter().collect::<BTreeSet<_>>().len(),
        r_precision: None,
    };
    if !choices.is_empty() {
        let joints: Vec<_> = choices.iter().map(|c| data.window(c).0.joints).collect();
        let judge = Judge::new(evaluator, words, &sentences, &joints)?;
        out.r_precision = judge.captured()?.r_precision;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_of_a_capture_is_known_by_its_name() {
        for (clip, capture) in [
            ("sub2_woodchair_003", "sub2_woodchair_003"),
            ("~sub2_woodchair_003", "sub2_woodchair_003"),
            ("sub2_woodchair_003_001381", "sub2_woodchair_003"),
            ("~mirrored_sub8_largebox_025_12_000001", "sub8_largebox_025"),
            (
                "made_lay_and_pick_up_12_000001",
                "made_lay_and_pick_up_12_000001",
            ),
            ("sub", "sub"),
            ("", ""),
        ] {
            assert_eq!(capture_of(clip), capture, "{clip}");
        }
    }
}
