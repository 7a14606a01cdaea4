//! Batches in plain memory, and the threads that prepare them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::TrainingConfig;
use crate::condition::Mode;
use crate::error::{Error, Result};
use crate::model::config::ModelConfig;
use crate::motion::WINDOW;
use crate::motion::features::FEATURES;
use crate::training::dataset::{Choice, Dataset, Sampling, step_rng};

/// A batch in plain memory, made by a loader thread.
pub struct Batch {
    pub(super) size: usize,
    pub(super) modes: Vec<Mode>,
    pub(super) keypoint_count: usize,
    pub(super) features: Vec<f32>,
    pub(super) given: Vec<f32>,
    pub(super) path: Vec<f32>,
    pub(super) frames: Vec<f32>,
    pub(super) bps: Vec<f32>,
    pub(super) sentences: Vec<f32>,
    pub(super) offsets: Vec<f32>,
    pub(super) keypoints: Vec<f32>,
    pub(super) references: Vec<f32>,
    pub(super) steps: Vec<i64>,
    pub(super) noise: Vec<f32>,
}

/// The windows of one batch.
pub(super) fn draw(data: &Dataset, config: &TrainingConfig, rng: &mut ChaCha8Rng) -> Vec<Choice> {
    let sampling = Sampling {
        from_start: config.from_start,
        whole: config.whole,
        walking: config.walking,
    };
    (0..config.batch)
        .map(|_| data.draw(rng, &sampling))
        .collect()
}

/// A batch of these windows, with its diffusion steps and noise.
pub fn make_batch(
    data: &Dataset,
    choices: &[Choice],
    model: &ModelConfig,
    config: &TrainingConfig,
    rng: &mut ChaCha8Rng,
) -> Batch {
    let mut batch = Batch {
        size: choices.len(),
        modes: Vec::with_capacity(choices.len()),
        keypoint_count: config.keypoints,
        features: Vec::with_capacity(choices.len() * WINDOW * FEATURES),
        given: Vec::with_capacity(choices.len() * WINDOW * FEATURES),
        path: Vec::new(),
        frames: Vec::new(),
        bps: Vec::new(),
        sentences: Vec::new(),
        offsets: Vec::new(),
        keypoints: Vec::new(),
        references: Vec::new(),
        steps: Vec::new(),
        noise: Vec::new(),
    };
    for choice in choices {
        let sample = data.sample(
            choice,
            &model.statistics,
            &model.conditioning,
            config.keypoints,
            rng,
        );
        batch.modes.push(sample.mode);
        batch.features.extend(sample.features);
        batch.given.extend(sample.given);
        batch.path.extend(sample.path);
        batch
            .frames
            .extend((0..WINDOW).map(|t| if t < sample.length { 1.0 } else { 0.0 }));
        batch.bps.extend(sample.bps);
        batch.sentences.extend(sample.sentence.iter());
        batch.offsets.extend(sample.offsets);
        batch.keypoints.extend(sample.keypoints);
        batch.references.extend(sample.reference);
        batch.steps.push(rng.random_range(0..model.diffusion.steps));
    }
    batch.noise = (0..choices.len() * WINDOW * FEATURES)
        .map(|_| rng.sample::<f32, _>(StandardNormal))
        .collect();
    batch
}

/// Threads that prepare batches ahead of the step that needs them, in order.
pub(super) struct Loader {
    queues: Vec<Receiver<Batch>>,
    next: usize,
}

impl Loader {
    pub fn new(
        data: &Arc<Dataset>,
        model: &ModelConfig,
        config: &TrainingConfig,
        first: u64,
    ) -> Self {
        let threads = config.loaders.max(1);
        let queues = (0..threads)
            .map(|thread| {
                let (send, receive) = sync_channel(2);
                let (data, model, config) = (data.clone(), model.clone(), config.clone());
                std::thread::spawn(move || {
                    for step in (first + thread as u64..).step_by(threads) {
                        let mut rng = step_rng(config.seed, step);
                        let choices = draw(&data, &config, &mut rng);
                        let batch = make_batch(&data, &choices, &model, &config, &mut rng);
                        if send.send(batch).is_err() {
                            // The run is over.
                            break;
                        }
                    }
                });
                receive
            })
            .collect();
        Self { queues, next: 0 }
    }

    pub fn next(&mut self) -> Result<Batch> {
        let queue = &self.queues[self.next];
        self.next = (self.next + 1) % self.queues.len();
        queue
            .recv()
            .map_err(|_| Error::invalid("loader", "a loader thread ended; see its message above"))
    }
}
