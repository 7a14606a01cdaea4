//! Batches in plain memory, and the threads that prepare them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::TrainingConfig;
use crate::condition::{Mode, WALK_CHANNELS};
use crate::error::{Error, Result};
use crate::model::config::{ModelConfig, Spread};
use crate::motion::WINDOW;
use crate::motion::features::{FEATURES, JOINT_ROTATIONS};
use crate::training::dataset::{Choice, Dataset, Sampling, step_rng};

/// A batch in plain memory, made by a loader thread.
pub struct Batch {
    pub(super) size: usize,
    pub(super) modes: Vec<Mode>,
    pub(super) keypoint_count: usize,
    pub(super) features: Vec<f32>,
    pub(super) given: Vec<f32>,
    /// What is added to every frame's given values for the network to see, windows x 220; empty for nothing.
    pub(super) blur: Vec<f32>,
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
        blur: Vec::new(),
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
    if let Some(spread) = &model.conditioning.spread
        && config.given_noise > 0.0
    {
        batch.blur = (0..choices.len())
            .flat_map(|_| blur(spread, config.given_noise as f32, rng))
            .collect();
    }
    batch
}

/// Noise of one window's given rotations, 220: the same in all frames, as they hold the first one's. A walker's heading is
/// where to go, and stays.
fn blur(spread: &Spread, most: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let scale = most * rng.random::<f32>();
    let mut out = vec![0.0; FEATURES];
    for channel in JOINT_ROTATIONS.filter(|c| !WALK_CHANNELS.contains(c)) {
        out[channel] = scale * spread.deviation[channel] * rng.sample::<f32, _>(StandardNormal);
    }
    out
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn given_rotations_are_blurred_as_far_as_they_vary() {
        let spread = Spread {
            mean: vec![0.0; FEATURES],
            deviation: (0..FEATURES).map(|i| 0.1 + i as f32 / 200.0).collect(),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let rows: Vec<Vec<f32>> = (0..4000).map(|_| blur(&spread, 0.5, &mut rng)).collect();
        for channel in 0..FEATURES {
            let square: f32 = rows.iter().map(|r| r[channel] * r[channel]).sum();
            let got = (square / rows.len() as f32).sqrt();
            if JOINT_ROTATIONS.contains(&channel) && !WALK_CHANNELS.contains(&channel) {
                // Windows have between none and all of it: the mean square of such shares is a third.
                let want = 0.5 * spread.deviation[channel] / 3.0_f32.sqrt();
                assert!((got / want - 1.0).abs() < 0.1, "{channel}: {got}, {want}");
            } else {
                assert_eq!(got, 0.0, "{channel}");
            }
        }
    }
}
