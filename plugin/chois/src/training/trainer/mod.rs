//! The training loop: batches from loader threads, losses, Adam, moving average, exact resume.

mod batch;
mod settings;
mod spread;
mod windows;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::dataset::{Choice, Dataset, step_rng};
use super::distillation::{Teacher, led};
use super::losses::{Losses, Target};
use super::optimiser::{Adam, Ema};
use crate::condition::Mode;
use crate::diffusion::{Preconditioning, Schedule};
use crate::error::{Error, Result, read};
use crate::model::checkpoint::{parse_tensors, write_tensors};
use crate::model::config::{FeatureScale, ModelConfig};
use crate::model::kinematics::Bounds;
use crate::model::{Network, Weights};

pub use batch::{Batch, make_batch};
use batch::{Loader, draw};
pub use settings::TrainingConfig;
use spread::SpreadSum;
use windows::Windows;

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepReport {
    /// Total loss; not a number when the batch was skipped.
    pub total: f64,
    /// Diffusion loss.
    pub diffusion: f64,
    /// Forward-kinematics loss.
    pub kinematics: f64,
    /// Contact loss.
    pub contact: f64,
    /// Loss of the points on the object.
    pub keypoints: f64,
    /// Loss of the palms relative to the object.
    pub hand_object: f64,
    /// Loss of the palms' velocity in the object's frame.
    pub hand_slip: f64,
    /// Loss of the speed of the feet.
    pub foot_speed: f64,
    /// Squared error of all features.
    pub squared: f64,
    /// Error in the data's units; 0 where the model is not preconditioned.
    pub units: f64,
    /// Loss of the acceleration of all joints.
    pub acceleration: f64,
    /// Norm of the gradient before clipping.
    pub gradient: f64,
    /// Learning rate.
    pub rate: f64,
    /// Whether the batch was skipped for values that are not finite.
    pub skipped: bool,
}

#[derive(Serialize, Deserialize)]
struct State {
    step: u64,
    seconds: f64,
    skipped: u64,
    adam_step: i64,
    ema_step: i64,
    ema_initialised: bool,
    model: ModelConfig,
    training: TrainingConfig,
}

/// A run in progress.
pub struct Trainer {
    model: ModelConfig,
    config: TrainingConfig,
    device: Device,
    schedule: Schedule,
    bounds: Bounds,
    weights: Weights,
    network: Network,
    adam: Adam,
    ema: Ema,
    teacher: Option<Teacher>,
    step: u64,
    seconds: f64,
    skipped: u64,
}

impl Trainer {
    /// A fresh run.
    pub fn new(model: ModelConfig, config: TrainingConfig, device: Device) -> Result<Self> {
        let weights = Weights::initialise(&model.architecture, config.seed);
        Self::with_weights(model, config, device, weights)
    }

    /// A fresh run, with fresh optimiser state, from the weights of a checkpoint of the model's architecture.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a model or settings that cannot train, or weights of another architecture.
    pub fn tune(
        model: ModelConfig,
        config: TrainingConfig,
        device: Device,
        weights: &Weights,
    ) -> Result<Self> {
        let tensors = weights
            .iter()
            .map(|(n, t)| (n.to_owned(), t.shallow_clone()))
            .collect();
        model.validate()?;
        let weights = Weights::checked(&model.architecture, tensors, Path::new(&model.name))?;
        Self::with_weights(model, config, device, weights)
    }

    /// A fresh run that distils a checkpoint into a student of the same form (see [`super::distillation`]). The average of the
    /// student's weights is both what its predictions are compared with and what is shipped.
    ///
    /// # Errors
    /// As [`Self::tune`].
    pub fn distil(
        model: ModelConfig,
        mut config: TrainingConfig,
        device: Device,
        teacher: &Weights,
    ) -> Result<Self> {
        config.distillation = Some(config.distillation.unwrap_or_default());
        (config.ema_beta, config.ema_every, config.ema_after) = (0.95, 1, 0);
        let mut out = Self::tune(model, config, device, teacher)?;
        out.teacher = Some(out.teaching(teacher.clone())?);
        Ok(out)
    }

    fn teaching(&self, weights: Weights) -> Result<Teacher> {
        let weights = weights.to_device(self.device);
        let mut network = Network::new(&self.model, &weights, self.device)?;
        network.refresh(self.kind());
        Ok(Teacher {
            weights,
            network,
            average: Network::new(&self.model, self.ema.average(), self.device)?,
        })
    }

    /// Kind of the large products.
    fn kind(&self) -> Kind {
        if self.config.mixed {
            Kind::BFloat16
        } else {
            Kind::Float
        }
    }

    fn with_weights(
        model: ModelConfig,
        config: TrainingConfig,
        device: Device,
        weights: Weights,
    ) -> Result<Self> {
        model.validate()?;
        config.validate()?;
        if let Some(distillation) = &config.distillation {
            distillation.validate(model.diffusion.steps as usize)?;
        }
        let weights = Weights::from_tensors(weights.iter().map(|(n, t)| {
            (
                n.to_owned(),
                t.to_device(device).copy().set_requires_grad(true),
            )
        }));
        Ok(Self {
            schedule: Schedule::cosine(model.diffusion.steps as usize),
            bounds: Bounds::new(&model.statistics, device),
            network: Network::new(&model, &weights, device)?,
            adam: Adam::new(&weights),
            ema: Ema::new(
                &weights,
                config.ema_beta,
                config.ema_every,
                config.ema_after,
            ),
            weights,
            model,
            config,
            device,
            teacher: None,
            step: 0,
            seconds: 0.0,
            skipped: 0,
        })
    }

    /// Continues a run from its state file, bit for bit as if it had not stopped. `steps` and `decay` of `change` replace the
    /// saved ones, so that a run can be prolonged.
    pub fn resume(path: &Path, device: Device, change: Option<(u64, f64)>) -> Result<Self> {
        let bytes = read(path)?;
        let bad = |reason: String| Error::malformed(path, "training state", reason);
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)
            .map_err(|e| bad(format!("{e} (truncated or not safetensors)")))?;
        let state = header
            .metadata()
            .as_ref()
            .and_then(|m| m.get("state"))
            .ok_or_else(|| bad("its header has no `state`".into()))?;
        let mut state: State = serde_json::from_str(state).map_err(|e| bad(e.to_string()))?;
        // Before anything is made as large as it says.
        state.model.validate()?;
        if let Some((steps, decay)) = change {
            state.training.steps = steps;
            state.training.decay = decay;
        }
        let mut parts: BTreeMap<&str, BTreeMap<String, Tensor>> = BTreeMap::new();
        for (name, tensor) in parse_tensors(&bytes, path)? {
            for part in ["online", "ema", "adam1", "adam2", "teacher"] {
                if let Some(rest) = name.strip_prefix(part).and_then(|n| n.strip_prefix('.')) {
                    parts
                        .entry(part)
                        .or_default()
                        .insert(rest.to_owned(), tensor.shallow_clone());
                }
            }
        }
        let mut part = |name: &str| -> Result<Weights> {
            Weights::checked(
                &state.model.architecture,
                parts.remove(name).unwrap_or_default(),
                path,
            )
        };
        let online = part("online")?;
        let average = part("ema")?.to_device(device);
        let (first, second) = (
            part("adam1")?.to_device(device),
            part("adam2")?.to_device(device),
        );
        let teacher = match state.training.distillation {
            Some(_) => Some(part("teacher")?),
            None => None,
        };
        let mut out = Self::with_weights(state.model, state.training, device, online)?;
        out.ema
            .restore(state.ema_step, state.ema_initialised, average);
        if let Some(teacher) = teacher {
            out.teacher = Some(out.teaching(teacher)?);
        }
        tch::no_grad(|| {
            for ((name, m), (_, v)) in first.iter().zip(second.iter()) {
                out.adam.restore(state.adam_step, name, m, v);
            }
        });
        out.step = state.step;
        out.seconds = state.seconds;
        out.skipped = state.skipped;
        Ok(out)
    }

    /// Writes everything that [`Self::resume`] needs, atomically.
    pub fn save(&self, path: &Path) -> Result<()> {
        let (adam_step, moments) = self.adam.state();
        let (ema_step, ema_initialised) = self.ema.state();
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        let mut push = |part: &str, name: &str, t: &Tensor| {
            tensors.push((format!("{part}.{name}"), t.detach()));
        };
        for (name, m, v) in moments {
            push("adam1", name, m);
            push("adam2", name, v);
        }
        for (name, t) in self.weights.iter() {
            push("online", name, t);
        }
        for (name, t) in self.ema.average().iter() {
            push("ema", name, t);
        }
        for (name, t) in self.teacher.iter().flat_map(|t| t.weights.iter()) {
            push("teacher", name, t);
        }
        let state = State {
            step: self.step,
            seconds: self.seconds,
            skipped: self.skipped,
            adam_step,
            ema_step,
            ema_initialised,
            model: self.model.clone(),
            training: self.config.clone(),
        };
        let json = serde_json::to_string(&state).map_err(|e| Error::invalid("state", e))?;
        let metadata = HashMap::from([("state".to_owned(), json)]);
        write_tensors(path, &tensors, false, Some(metadata))
    }

    /// The model's config, with steps and seconds of this run.
    pub fn model(&self) -> ModelConfig {
        let mut model = self.model.clone();
        model.provenance.steps = self.step as i64;
        model.provenance.seconds = self.seconds;
        model
    }

    /// Settings of the run.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    /// Averaged weights: what is shipped.
    pub fn average(&self) -> &Weights {
        self.ema.average()
    }

    /// Steps made.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// Batches skipped for values that are not finite.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Wall-clock seconds of training, over all resumptions.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Preconditions a run that has not begun by what its data vary, see [`crate::diffusion::precondition`].
    ///
    /// # Errors
    /// [`Error::Invalid`] where the run has begun: its weights have learned without it.
    pub fn precondition(&mut self, data: &Dataset) -> Result<()> {
        const BATCHES: u64 = 24;
        if self.step > 0 {
            return Err(Error::invalid(
                "precondition",
                "the run has begun without; begin a new one",
            ));
        }
        self.model.conditioning.features = None;
        self.network = Network::new(&self.model, &self.weights, self.device)?;
        let [mut sum, mut walks, mut given]: [SpreadSum; 3] = Default::default();
        let (mut objects, mut sentences) = (Vec::new(), Vec::new());
        for n in 0..BATCHES {
            let mut rng = step_rng(self.config.seed ^ 0x7661_7279, n);
            let choices = draw(data, &self.config, &mut rng);
            let batch = make_batch(data, &choices, &self.model, &self.config, &mut rng);
            tch::no_grad(|| {
                let windows = Windows::new(&batch, &self.bounds, None, self.device);
                windows.measure(&self.network, Mode::Interaction, &mut sum);
                windows.measure(&self.network, Mode::Walk, &mut walks);
                given.add(&windows.given, &windows.frames.unsqueeze(-1));
                let (object, sentence) = windows.features(&self.network);
                objects.push(object);
                sentences.push(sentence);
            });
        }
        self.model.diffusion.spread = Some(sum.spread());
        self.model.diffusion.walk_spread = data.has_walks().then(|| walks.spread());
        self.model.conditioning.spread = Some(given.spread_of_given());
        self.model.conditioning.features = Some(FeatureScale {
            object: spread::scale(&objects),
            sentence: spread::scale(&sentences),
        });
        self.network = Network::new(&self.model, &self.weights, self.device)?;
        Ok(())
    }

    /// Batches a second that all loader threads together can prepare while nothing else runs: to be compared with the steps
    /// a second of a run, which they must not hold up.
    pub fn loader_rate(&self, data: &Dataset) -> f64 {
        const BATCHES: u64 = 4;
        let began = Instant::now();
        for n in 0..BATCHES {
            let mut rng = step_rng(self.config.seed ^ 0x7370_6565, n);
            let choices = draw(data, &self.config, &mut rng);
            make_batch(data, &choices, &self.model, &self.config, &mut rng);
        }
        let one = BATCHES as f64 / began.elapsed().as_secs_f64().max(1e-9);
        one * self.config.loaders.max(1) as f64
    }

    /// Trains until `stop` says so or the run's steps are made. `each` sees every step.
    pub fn run(
        &mut self,
        data: &Arc<Dataset>,
        mut each: impl FnMut(&mut Self, &StepReport) -> Result<bool>,
    ) -> Result<()> {
        if data.has_walks() && self.model.conditioning.walking.is_none() {
            return Err(Error::invalid(
                "conditioning.walking",
                "is not set, but the data has walks; begin a run that knows walking",
            ));
        }
        if data.sources.is_empty() {
            return Err(Error::invalid("data", "it has no clip to learn from"));
        }
        let mut loader = Loader::new(data, &self.model, &self.config, self.step);
        while self.step < self.config.steps {
            let began = Instant::now();
            let batch = loader.next()?;
            let report = self.step(&batch);
            self.seconds += began.elapsed().as_secs_f64();
            if !each(self, &report)? {
                break;
            }
        }
        Ok(())
    }

    /// One optimiser step.
    pub fn step(&mut self, batch: &Batch) -> StepReport {
        let rate = self.config.rate_at(self.step);
        let kind = self.kind();
        self.network.refresh(kind);
        if self.model.architecture.dropout > 0.0 {
            // Dropout draws from libtorch's own generator, which no state keeps: seeded anew, a step is the same whenever it is
            // made.
            let mut rng = step_rng(self.config.seed ^ 0x6472_6f70, self.step);
            tch::manual_seed(i64::from(rng.random::<u32>()));
        }
        if let Some(teacher) = &mut self.teacher {
            tch::no_grad(|| teacher.average.refresh(kind));
        }
        let (total, mut report) = match &self.teacher {
            Some(teacher) => {
                let loss = self.consistency(teacher, batch);
                let value = loss.double_value(&[]);
                let report = StepReport {
                    total: value,
                    diffusion: value,
                    ..StepReport::default()
                };
                (loss, report)
            }
            None => {
                let losses = self.losses(&self.network, batch, self.model.architecture.dropout);
                let total = losses.total(&self.config.losses);
                let report = StepReport {
                    total: total.double_value(&[]),
                    diffusion: losses.diffusion.double_value(&[]),
                    kinematics: losses.kinematics.double_value(&[]),
                    contact: losses.contact.double_value(&[]),
                    keypoints: losses.keypoints.double_value(&[]),
                    hand_object: losses.hand_object.double_value(&[]),
                    hand_slip: losses.hand_slip.double_value(&[]),
                    foot_speed: losses.foot_speed.double_value(&[]),
                    squared: losses.squared.double_value(&[]),
                    units: losses.units.double_value(&[]),
                    acceleration: losses.acceleration.double_value(&[]),
                    ..StepReport::default()
                };
                (total, report)
            }
        };
        report.rate = rate;
        if report.total.is_finite() {
            total.backward();
            report.gradient = Adam::gradient_norm(&self.weights);
        }
        if report.total.is_finite() && report.gradient.is_finite() {
            let scale = if self.config.clip > 0.0 && report.gradient > self.config.clip {
                self.config.clip / report.gradient
            } else {
                1.0
            };
            self.adam.step(&self.weights, rate, scale);
            self.ema.update(&self.weights);
        } else {
            Adam::skip(&self.weights);
            report.skipped = true;
            self.skipped += 1;
        }
        self.step += 1;
        report
    }

    /// Mean total loss of the averaged weights on fixed windows with fixed steps and noise.
    pub fn validate(&self, data: &Dataset, choices: &[Choice]) -> Result<f64> {
        let network = Network::new(&self.model, self.ema.average(), self.device)?;
        let config = TrainingConfig {
            given_noise: 0.0,
            ..self.config.clone()
        };
        let mut sum = 0.0;
        let mut count = 0;
        for (n, part) in choices.chunks(self.config.batch).enumerate() {
            let batch = make_batch(
                data,
                part,
                &self.model,
                &config,
                &mut step_rng(self.config.seed ^ 0x7661_6c69, n as u64),
            );
            let losses = tch::no_grad(|| self.losses(&network, &batch, 0.0));
            sum += losses.total(&self.config.losses).double_value(&[]) * part.len() as f64;
            count += part.len();
        }
        Ok(sum / count.max(1) as f64)
    }

    /// The units of a batch's windows, where the model has such.
    fn units(&self, batch: &Batch) -> Option<Preconditioning> {
        Preconditioning::of(&self.model, &self.schedule, &batch.modes, self.device)
    }

    fn losses(&self, network: &Network, batch: &Batch, dropout: f64) -> Losses {
        let w = Windows::new(batch, &self.bounds, self.units(batch), self.device);
        let x = self.schedule.add_noise(&w.features, &batch.steps, &w.noise);
        let prediction = w.predict(network, x, &batch.steps, dropout);
        Losses::new(
            &prediction,
            &Target {
                features: &w.features,
                frames: &w.frames,
                offsets: &w.offsets,
                keypoints_rest: &w.keypoints_rest,
                keypoints: &w.keypoints,
                reference: &w.reference,
                channels: network.channels(&batch.modes).as_ref(),
                unit: w.unit(&batch.steps).as_ref(),
            },
            &self.bounds,
            &self.config.losses,
        )
    }

    /// How far the student's predictions at both ends of its teacher's steps are from each other.
    fn consistency(&self, teacher: &Teacher, batch: &Batch) -> Tensor {
        let settings = self.config.distillation.unwrap_or_default();
        let w = Windows::new(batch, &self.bounds, self.units(batch), self.device);
        let pairs: Vec<(usize, Option<usize>)> = (batch.steps.iter())
            .map(|step| settings.pair(*step, self.schedule.steps()))
            .collect();
        let upper: Vec<i64> = pairs.iter().map(|(from, _)| *from as i64).collect();
        let lower: Vec<i64> = (pairs.iter())
            .map(|(_, to)| to.map_or(0, |to| to as i64))
            .collect();
        let x = self.schedule.add_noise(&w.features, &upper, &w.noise);
        let target = tch::no_grad(|| {
            let clean = w.predict(&teacher.network, x.copy(), &upper, 0.0);
            let led = led(&self.schedule, &x, &clean, &pairs);
            let said = w.predict(&teacher.average, led.copy(), &lower, 0.0);
            // Clean motion needs no prediction.
            let ends: Vec<f32> = (pairs.iter())
                .map(|(_, to)| f32::from(u8::from(to.is_none())))
                .collect();
            let ends = Tensor::from_slice(&ends)
                .view([-1, 1, 1])
                .to_device(self.device);
            said.lerp_tensor(&led, &ends)
        });
        let prediction = w.predict(&self.network, x, &upper, self.model.architecture.dropout);
        let frames = w.frames.unsqueeze(-1);
        let counts = match self.network.channels(&batch.modes) {
            Some(channels) => frames * channels,
            None => frames,
        };
        settings.loss(&prediction, &target, &counts)
    }
}
