//! A data set generated anew in several ways and with several seeds: all that tables and plots are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluator::{Evaluator, Judge, Scores, Words};
use super::long::{self, Sequence};
use super::metrics::{ClipMetrics, LongMetrics, aggregate};
use super::report::Row;
use super::windows::{EvaluationConfig, Measured, evaluate};
use crate::diffusion::{Flow, Progress};
use crate::error::{Error, Result};
use crate::request::{GuidanceConfig, Method, SamplingConfig};
use crate::synthesis::Synthesizer;
use crate::training::dataset::{Choice, Dataset};
use crate::training::hold_out::{HoldOut, object_of, subject_of};

/// What is generated, how often and how.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyConfig {
    /// The sampler.
    pub method: Method,
    /// Numbers of sampling steps; each is tried.
    pub steps: Vec<usize>,
    /// Guidance of the guided runs.
    pub guidance: GuidanceConfig,
    /// Seed of the first window of the first run. No two windows of a way share a seed.
    pub seed: u64,
    /// How many seeds are tried.
    pub seeds: usize,
    /// Windows generated together.
    pub batch: usize,
}

impl StudyConfig {
    /// Refuses what cannot be tried.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no or too many steps or seeds.
    pub fn validate(&self) -> Result<()> {
        if self.steps.is_empty() {
            return Err(Error::invalid("steps", "give at least one number"));
        }
        if !(1..=100).contains(&self.seeds) {
            return Err(Error::invalid(
                "seeds",
                format!("{} of them; give 1 to 100", self.seeds),
            ));
        }
        Ok(())
    }

    /// Every way, fewest steps first as given, guided before not.
    pub fn ways(&self) -> Vec<Way> {
        (self.steps.iter())
            .flat_map(|steps| {
                [true, false].map(|guided| Way {
                    guided,
                    steps: *steps,
                })
            })
            .collect()
    }

    fn sampling(&self, way: Way) -> SamplingConfig {
        SamplingConfig {
            method: self.method,
            steps: way.steps,
        }
    }

    fn guidance(&self, way: Way) -> GuidanceConfig {
        if way.guided {
            self.guidance
        } else {
            GuidanceConfig::off()
        }
    }

    /// How `count` windows are generated in a way, in run `run`.
    pub fn evaluation(&self, way: Way, run: usize, count: usize) -> EvaluationConfig {
        EvaluationConfig {
            sampling: self.sampling(way),
            guidance: self.guidance(way),
            seed: self.seed(run, count),
            batch: self.batch,
        }
    }

    /// Seed of the first of `count` things in run `run`.
    fn seed(&self, run: usize, count: usize) -> u64 {
        self.seed.wrapping_add((run * count) as u64)
    }
}

/// One way of generating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// With guidance.
    pub guided: bool,
    /// Sampling steps.
    pub steps: usize,
}

impl Way {
    /// "guided", "no guidance".
    pub fn name(self) -> &'static str {
        if self.guided { "guided" } else { "no guidance" }
    }

    /// The name, with the number of steps where `ways` differ in it.
    pub fn among(self, ways: &[Self]) -> String {
        if ways.iter().all(|w| w.steps == self.steps) {
            return self.name().to_owned();
        }
        let s = if self.steps == 1 { "" } else { "s" };
        format!("{}, {} step{s}", self.name(), self.steps)
    }
}

/// All windows, in one way, with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How they were generated.
    pub way: Way,
    /// Which seed, from 0.
    pub seed: usize,
    /// Metrics of each window, in the order of [`Study::windows`].
    pub windows: Vec<ClipMetrics>,
    /// Metrics of each long sequence; none unless asked for.
    pub long: Vec<LongMetrics>,
    /// What an evaluator says of all windows; none without one.
    pub scores: Option<Scores>,
}

/// A window of the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowName {
    /// Name of the clip.
    pub clip: String,
    /// Who was captured; empty where nobody was.
    pub subject: String,
    /// Name of the object.
    pub object: String,
    /// First frame.
    pub start: usize,
}

/// A data set generated anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Number of steps that tables of one number show: the last given.
    pub steps: usize,
    /// How many seeds.
    pub seeds: usize,
    /// The windows.
    pub windows: Vec<WindowName>,
    /// Different sentences among them.
    pub sentences: usize,
    /// Windows of a long sequence; none without such.
    pub long: Option<usize>,
    /// All runs: for each way, for each seed.
    pub runs: Vec<Run>,
    /// What an evaluator says of the captured motions; none without one.
    pub captured_scores: Option<Scores>,
}

/// What is tried beside the windows themselves.
#[derive(Clone, Copy, Default)]
pub struct Extras<'a> {
    /// Windows of long sequences; none without such.
    pub long: Option<usize>,
    /// An evaluator with the words that it reads.
    pub evaluator: Option<(&'a Evaluator, &'a dyn Words)>,
}

/// What is being generated now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// In which way.
    pub way: Way,
    /// With which seed, from 0.
    pub seed: usize,
    /// Whether long sequences are being generated.
    pub long: bool,
}

impl Study {
    /// Generates and measures `choices` of `data` in every way and with every seed, and what `extras` ask for. `made` hears of
    /// each way and seed what was generated of the windows.
    ///
    /// # Errors
    /// Those of [`evaluate`] and [`long::evaluate`]; [`Error::Invalid`] for settings that cannot be tried or no window; those
    /// of `made`.
    pub fn of(
        synthesizer: &mut Synthesizer,
        data: &Dataset,
        choices: &[Choice],
        extras: Extras<'_>,
        config: &StudyConfig,
        progress: &mut dyn FnMut(Stage, Progress) -> Flow,
        made: &mut dyn FnMut(Stage, &[Measured]) -> Result<()>,
    ) -> Result<Self> {
        config.validate()?;
        if choices.is_empty() {
            return Err(Error::invalid("windows", "there is none to be measured"));
        }
        let sequences: Vec<Sequence<'_>> = match extras.long {
            Some(windows) => long::sequences(data, windows)?,
            None => Vec::new(),
        };
        let judge = match extras.evaluator {
            None => None,
            Some((evaluator, words)) => {
                let sentences: Vec<&str> = (choices.iter())
                    .map(|c| data.sources[c.source].text.as_str())
                    .collect();
                let captured: Vec<_> = choices.iter().map(|c| data.window(c).0.joints).collect();
                Some(Judge::new(evaluator, words, &sentences, &captured)?)
            }
        };
        let captured_scores = judge.as_ref().map(Judge::captured).transpose()?;
        let mut runs = Vec::new();
        for way in config.ways() {
            for seed in 0..config.seeds {
                let mut stage = Stage {
                    way,
                    seed,
                    long: false,
                };
                let evaluation = config.evaluation(way, seed, choices.len());
                let measured = evaluate(
                    &synthesizer.generator(),
                    data,
                    choices,
                    &evaluation,
                    &mut |p| progress(stage, p),
                )?;
                made(stage, &measured)?;
                let (windows, joints): (Vec<_>, Vec<_>) = measured
                    .into_iter()
                    .map(|m| (m.metrics, m.window.joints))
                    .unzip();
                stage.long = true;
                let mut sequence = Progress {
                    done: 0,
                    total: sequences.len(),
                };
                runs.push(Run {
                    way,
                    seed,
                    windows,
                    scores: (judge.as_ref())
                        .map(|judge| judge.score(&joints))
                        .transpose()?,
                    long: long::evaluate(
                        synthesizer,
                        &sequences,
                        config.sampling(way),
                        config.guidance(way),
                        config.seed(seed, sequences.len()),
                        &mut || {
                            sequence.done += 1;
                            progress(stage, sequence)
                        },
                    )?,
                });
            }
        }
        let name = |choice: &Choice| {
            let source = &data.sources[choice.source];
            WindowName {
                clip: source.name.clone(),
                subject: subject_of(source).to_owned(),
                object: object_of(source).to_owned(),
                start: choice.start,
            }
        };
        Ok(Self {
            steps: config.steps.last().copied().unwrap_or_default(),
            seeds: config.seeds,
            windows: choices.iter().map(name).collect(),
            sentences: (choices.iter())
                .map(|c| &data.sources[c.source].text)
                .collect::<BTreeSet<_>>()
                .len(),
            long: extras.long,
            runs,
            captured_scores,
        })
    }

    /// Every way that was tried.
    pub fn ways(&self) -> Vec<Way> {
        let mut ways: Vec<Way> = self.runs.iter().map(|r| r.way).collect();
        ways.dedup();
        ways
    }

    /// The runs of a way, one for each seed.
    pub fn runs(&self, way: Way) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |r| r.way == way)
    }

    /// "guided", with the number of steps where several were tried.
    pub fn row_name(&self, way: Way) -> String {
        way.among(&self.ways())
    }

    /// Figures of a way over all seeds, of the windows for which `wanted` holds; none where it holds for none.
    ///
    /// # Errors
    /// Those of [`aggregate`].
    pub fn row(&self, way: Way, wanted: &dyn Fn(&WindowName) -> bool) -> Result<Option<Row>> {
        let name = self.row_name(way);
        let rows: Vec<Row> = (self.runs(way).map(|run| self.seed_row(&name, run, wanted)))
            .filter_map(Result::transpose)
            .collect::<Result<_>>()?;
        if rows.is_empty() {
            return Ok(None);
        }
        Row::over_seeds(&rows).map(Some)
    }

    /// The same of one run.
    ///
    /// # Errors
    /// Those of [`aggregate`].
    pub fn seed_row(
        &self,
        name: &str,
        run: &Run,
        wanted: &dyn Fn(&WindowName) -> bool,
    ) -> Result<Option<Row>> {
        let windows = self.chosen(run, wanted);
        if windows.is_empty() {
            return Ok(None);
        }
        let row = Row::measured(name, windows.len(), &aggregate(&windows)?);
        Ok(Some(self.scored(row, run.scores.as_ref())))
    }

    fn chosen(&self, run: &Run, wanted: &dyn Fn(&WindowName) -> bool) -> Vec<ClipMetrics> {
        (self.windows.iter().zip(&run.windows))
            .filter(|(name, _)| wanted(name))
            .map(|(_, metrics)| metrics.clone())
            .collect()
    }

    /// What the captured motions of those windows tell; none where there is none.
    ///
    /// # Errors
    /// Those of [`aggregate`].
    pub fn captured(&self, wanted: &dyn Fn(&WindowName) -> bool) -> Result<Option<Row>> {
        let Some(run) = self.runs.first() else {
            return Ok(None);
        };
        let windows = self.chosen(run, wanted);
        if windows.is_empty() {
            return Ok(None);
        }
        let row = Row::captured(windows.len(), &aggregate(&windows)?);
        Ok(Some(self.scored(row, self.captured_scores.as_ref())))
    }

    /// The row with the evaluator's figures, where it is about all windows, as they are.
    fn scored(&self, row: Row, scores: Option<&Scores>) -> Row {
        match scores {
            Some(scores) if row.clips == Some(self.windows.len()) => scores.add_to(row),
            _ => row,
        }
    }

    /// The rows of the table: every way, then the captured motions.
    ///
    /// # Errors
    /// Those of [`aggregate`].
    pub fn rows(&self) -> Result<Vec<Row>> {
        let all = |_: &WindowName| true;
        let ways = self.ways();
        (ways.into_iter().map(|way| self.row(way, &all)))
            .chain([self.captured(&all)])
            .filter_map(Result::transpose)
            .collect()
    }

    /// Rows of what is held out and of what is not, named so, of every way with the number of steps that tables show; empty
    /// where all windows are of one kind.
    ///
    /// # Errors
    /// Those of [`aggregate`].
    pub fn apart(&self, held: &[HoldOut], [out, rest]: [&str; 2]) -> Result<Vec<Row>> {
        let is_held = |w: &WindowName| held.iter().any(|h| h.holds(&w.subject, &w.object));
        let is_rest = |w: &WindowName| !is_held(w);
        if !self.windows.iter().any(is_held) || !self.windows.iter().any(is_rest) {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for way in self.ways() {
            if way.steps != self.steps {
                continue;
            }
            let kinds: [(&str, &dyn Fn(&WindowName) -> bool); 2] =
                [(out, &is_held), (rest, &is_rest)];
            for (kind, wanted) in kinds {
                rows.extend(self.row(way, wanted)?.map(|row| Row {
                    name: format!("{}, {kind}", way.name()),
                    ..row
                }));
            }
        }
        Ok(rows)
    }

    /// The rows of the table of long sequences; empty without such.
    ///
    /// # Errors
    /// Those of [`LongMetrics::mean`].
    pub fn long_rows(&self) -> Result<Vec<Row>> {
        if self.long.is_none() {
            return Ok(Vec::new());
        }
        (self.ways().into_iter())
            .map(|way| {
                let name = self.row_name(way);
                let rows: Vec<Row> = (self.runs(way))
                    .map(|run| {
                        let mean = LongMetrics::mean(&run.long)?;
                        Ok(Row::long(&name, run.long.len(), &mean))
                    })
                    .collect::<Result<_>>()?;
                Row::over_seeds(&rows)
            })
            .collect()
    }

    /// How many clips the windows are of.
    pub fn clips(&self) -> usize {
        let mut clips: Vec<&str> = self.windows.iter().map(|w| w.clip.as_str()).collect();
        clips.sort_unstable();
        clips.dedup();
        clips.len()
    }

    /// How many windows each object has.
    pub fn objects(&self) -> BTreeMap<&str, usize> {
        let mut out = BTreeMap::new();
        for window in &self.windows {
            *out.entry(window.object.as_str()).or_default() += 1;
        }
        out
    }
}
