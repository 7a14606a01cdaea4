//! Windows in, windows out: plain numbers around the tensors of a denoising run.

use std::sync::Arc;

use nalgebra::UnitQuaternion;
use tch::{Device, Kind, Tensor};

use super::guidance::published::{Interaction, Published};
use super::guidance::{
    Batch, GivenWay, Guided, InteractionGuide, SceneField, TurnGoal, WalkGuide, WindowGuide,
};
use super::inpaint::{HeldFrame, Inpaint};
use super::precondition::Preconditioning;
use super::sampler::{
    Ancestral, Consistency, Ddim, FastPredictor, Flow, Guide, InUnits, Keep, KeepRule, Moment,
    NoiseSource, Progress, Run, Sampler, VariedNoise,
};
use super::schedule::Schedule;
use crate::condition::{self, Conditions, Mode};
use crate::error::{Error, Result};
use crate::geometry::{BpsBasis, ObjectGeometry, SdfGrid};
use crate::model::kinematics::Bounds;
use crate::model::{ModelConfig, Network};
use crate::motion::WINDOW;
use crate::motion::canonical::Canonical;
use crate::motion::features::FEATURES;
use crate::request::plan::Ground;
use crate::request::{GuidanceConfig, Method, SamplingConfig, Variation};
use crate::skeleton::Skeleton;

/// Most vertices that the published guidance looks at (specification, section 8).
const PUBLISHED_VERTICES: usize = 30_000;

/// One window to be generated.
pub struct WindowInput<'a> {
    /// How to sample.
    pub sampling: SamplingConfig,
    /// What the motion is moved toward.
    pub guidance: GuidanceConfig,
    /// Seed of the request.
    pub seed: u64,
    /// What is mixed into the seed's noise.
    pub variations: &'a [Variation],
    /// Tells apart the noise of the windows of one request.
    pub index: u64,
    /// The person's bones.
    pub skeleton: &'a Skeleton,
    /// Sentence vector.
    pub sentence: Arc<Vec<f32>>,
    /// Features, 120 x 220, normalised, that hold the given values: all of frame 0 and what `task` says.
    pub features: Vec<f32>,
    /// Frames that exist.
    pub length: usize,
    /// Clean first frames from the window before, o x 220 (specification, section 9), or none.
    pub keep: Vec<f32>,
    /// Frames of which something is known and held.
    pub held: Vec<HeldFrame>,
    /// Distance to the scene, and the window's frame in it.
    pub scene: Option<(&'a SdfGrid, Canonical)>,
    /// What the window is about.
    pub task: WindowTask<'a>,
}

/// What a window is about.
pub enum WindowTask<'a> {
    /// A person and an object.
    Interaction(InteractionWindow<'a>),
    /// A person who walks.
    Walk(WalkWindow),
}

/// A window of an interaction. Its features also hold the object's x and y at the waypoint frames and at `path_keys`, its z
/// at `height_keys`, its position at the last frame.
pub struct InteractionWindow<'a> {
    /// The object.
    pub object: &'a ObjectGeometry,
    /// The object's rotation at the reference frame (frame 0), window frame.
    pub reference: UnitQuaternion<f32>,
    /// Further frames at which guidance, not the network, is given the object's x and y.
    pub path_keys: Vec<usize>,
    /// Frames at which guidance, not the network, is given the object's z.
    pub height_keys: Vec<usize>,
    /// The object rests up to the first of these frames, and from the second on, where that is planned.
    pub rest: [Option<usize>; 2],
    /// How the object is turned where it stands, but for its turn about the vertical, window frame.
    pub standing: UnitQuaternion<f32>,
    /// What the object stays on all the while, where it is not lifted.
    pub ground: Option<Ground>,
    /// How the object is to be turned since the reference frame.
    pub turn: Option<TurnGoal>,
}

/// A window of a walk. Its features also hold the pelvis' x, y and heading at the waypoint frames, at `path_keys` and at the
/// last frame (see [`crate::condition::WALK_CHANNELS`]), and the last frame's whole pose where the walk arrives.
pub struct WalkWindow {
    /// Further frames at which guidance, not the network, is given the pelvis' x and y.
    pub path_keys: Vec<usize>,
    /// Whether the walk ends with this window.
    pub arrives: bool,
}

impl WindowInput<'_> {
    fn mode(&self) -> Mode {
        match self.task {
            WindowTask::Interaction(_) => Mode::Interaction,
            WindowTask::Walk(_) => Mode::Walk,
        }
    }

    fn offsets(&self, device: Device) -> Tensor {
        let offsets: Vec<f32> = self
            .skeleton
            .rest_offsets
            .iter()
            .flat_map(|o| [o.x, o.y, o.z])
            .collect();
        Tensor::from_slice(&offsets)
            .view([1, -1, 3])
            .to_device(device)
    }

    /// Frames at which guidance is given places: the first and the last, and those of `frames` between.
    fn given_frames(&self, frames: impl Iterator<Item = usize>) -> Vec<usize> {
        let last = self.length - 1;
        let mut frames: Vec<usize> = frames.filter(|f| *f > 0 && *f < last).collect();
        frames.extend([0, last]);
        frames.sort_unstable();
        frames.dedup();
        frames
    }
}

/// A network with what sampling needs beside it.
pub struct Generator<'a> {
    /// The checkpoint's config.
    pub config: &'a ModelConfig,
    /// The network.
    pub network: &'a Network,
    /// Its schedule.
    pub schedule: &'a Schedule,
    /// Its basis point set.
    pub basis: &'a BpsBasis,
}

/// Noise of several windows, each from its own seed: a window does not depend on its neighbours in the batch.
struct BatchNoise(Vec<VariedNoise>);

impl NoiseSource for BatchNoise {
    fn next(&mut self, shape: &[i64]) -> Result<Tensor> {
        let mut one = shape.to_vec();
        one[0] = 1;
        let parts = self
            .0
            .iter_mut()
            .map(|n| n.next(&one))
            .collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&parts, 0))
    }
}

/// Guidance of several windows: as published, by tensors, or on plain numbers; a window has one of them or none.
struct Each<'a> {
    published: Vec<Option<Published<'a>>>,
    plain: Batch<'a>,
}

impl Guide for Each<'_> {
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor> {
        let mut any = false;
        let parts: Vec<Tensor> = (0..)
            .zip(&self.published)
            .map(|(i, guide)| {
                let own = x0.narrow(0, i, 1);
                let guided = guide.as_ref().and_then(|guide| guide.guide(&own, at));
                any |= guided.is_some();
                guided.unwrap_or(own)
            })
            .collect();
        let published = any.then(|| Tensor::cat(&parts, 0));
        let plain = self.plain.guide(published.as_ref().unwrap_or(x0), at);
        plain.or(published)
    }
}

impl Generator<'_> {
    /// Generates windows of one batch; all must ask for the same sampling. Returns features, 120 x 220 each.
    pub fn windows(
        &self,
        inputs: &[WindowInput<'_>],
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Vec<Vec<f32>>> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let device = self.network.device();
        let batch = inputs.len() as i64;
        let frames = WINDOW as i64;
        let conditions: Vec<Conditions> = inputs
            .iter()
            .map(|w| self.conditions(w))
            .collect::<Result<_>>()?;
        let modes: Vec<Mode> = inputs.iter().map(WindowInput::mode).collect();
        let stack = |rows: Vec<Tensor>| Tensor::stack(&rows, 0).to_device(device);
        let given = stack(
            conditions
                .iter()
                .map(|c| Tensor::from_slice(&c.values).view([frames, FEATURES as i64]))
                .collect(),
        );
        let path = stack(
            conditions
                .iter()
                .map(|c| Tensor::from_slice(&c.path).view([frames, 3]))
                .collect(),
        );
        let bps = stack(
            inputs
                .iter()
                .map(|w| {
                    let flat: Vec<f32> = match &w.task {
                        WindowTask::Interaction(i) => {
                            let deltas = i.object.bps(&i.reference, self.basis);
                            deltas.iter().flat_map(|d| [d.x, d.y, d.z]).collect()
                        }
                        WindowTask::Walk(_) => vec![0.0; 3 * self.basis.points().len()],
                    };
                    Tensor::from_slice(&flat).view([1, -1])
                })
                .collect(),
        );
        let sentence = stack(
            inputs
                .iter()
                .map(|w| Tensor::from_slice(w.sentence.as_slice()))
                .collect(),
        );
        let short = inputs.iter().any(|w| w.length < WINDOW);
        let padding = short.then(|| {
            stack(
                inputs
                    .iter()
                    .map(|w| {
                        let row: Vec<f32> = (0..=WINDOW)
                            .map(|t| f32::from(u8::from(t <= w.length)))
                            .collect();
                        Tensor::from_slice(&row).view([1, frames + 1])
                    })
                    .collect(),
            )
        });
        let lengths: Vec<usize> = inputs.iter().map(|w| w.length).collect();
        let preconditioning = Preconditioning::of(self.config, self.schedule, &modes, device);
        let predictor = tch::no_grad(|| {
            let condition = self
                .network
                .condition(&self.network.encode_object(&bps), &given);
            FastPredictor::new(
                self.network.fused(),
                self.schedule,
                &condition,
                Some(&self.network.encode_sentence(&sentence)),
                padding.as_ref(),
                self.network.base(&path, &given, &modes),
            )
            .channels(self.network.channels(&modes))
            .preconditioned(preconditioning.as_ref(), &lengths)
        });
        let published: Vec<Option<Interaction>> =
            (inputs.iter()).map(|w| self.published(w, device)).collect();
        let guide = Each {
            published: (published.iter().zip(inputs))
                .map(|(interaction, w)| {
                    interaction.as_ref().map(|interaction| Published {
                        interaction,
                        length: Some(w.length as i64),
                    })
                })
                .collect(),
            plain: Batch(inputs.iter().map(|w| self.guide(w)).collect()),
        };
        let sampling = inputs[0].sampling;
        let sampler: Box<dyn Sampler> = match sampling.method {
            Method::FewStep => Box::new(Ddim::few(sampling.steps)),
            Method::Consistency => Box::new(Consistency {
                steps: sampling.steps,
            }),
            Method::Ddim => Box::new(Ddim {
                steps: sampling.steps,
                ..Ddim::published()
            }),
            Method::Ancestral => Box::new(Ancestral),
        };
        let keep = (!inputs[0].keep.is_empty()).then(|| Keep {
            frames: stack(
                inputs
                    .iter()
                    .map(|w| Tensor::from_slice(&w.keep).view([-1, FEATURES as i64]))
                    .collect(),
            ),
            rule: match sampling.method {
                Method::FewStep | Method::Consistency => KeepRule::Predicted,
                Method::Ddim | Method::Ancestral => KeepRule::Clean,
            },
        });
        let mut noise = InUnits {
            source: BatchNoise(
                inputs
                    .iter()
                    .map(|w| VariedNoise::window(w.seed, w.variations, w.index, device))
                    .collect(),
            ),
            by: preconditioning.as_ref(),
        };
        let out = sampler.sample(&mut Run {
            schedule: self.schedule,
            predictor: &predictor,
            guide: Some(&guide),
            noise: &mut noise,
            shape: (batch, frames),
            start: None,
            keep,
            inpaint: Inpaint::of(inputs, device),
            clamp: self.config.diffusion.clamp,
            progress,
        })?;
        let out = out.to_kind(Kind::Float).to_device(Device::Cpu).contiguous();
        (0..batch)
            .map(|i| Ok(Vec::<f32>::try_from(&out.get(i).view(-1))?))
            .collect()
    }

    /// What the network is given of a window.
    fn conditions(&self, w: &WindowInput<'_>) -> Result<Conditions> {
        let conditioning = &self.config.conditioning;
        match &w.task {
            WindowTask::Interaction(_) => Ok(condition::conditions(
                &w.features,
                w.length,
                WINDOW,
                conditioning.fill,
            )),
            WindowTask::Walk(walk) => {
                let walking = conditioning.walking.ok_or_else(cannot_walk)?;
                Ok(condition::walk_conditions(
                    &w.features,
                    w.length,
                    WINDOW,
                    walk.arrives,
                    walking.fill,
                ))
            }
        }
    }

    /// Person and object for the published guidance; None where a window has another, or none.
    fn published(&self, w: &WindowInput<'_>, device: Device) -> Option<Interaction> {
        let WindowTask::Interaction(i) = &w.task else {
            return None;
        };
        if w.sampling.method != Method::Ancestral || w.guidance.is_off() {
            return None;
        }
        let vertices = i.object.vertices();
        let flat: Vec<f32> = (vertices.iter())
            .step_by(vertices.len() / PUBLISHED_VERTICES + 1)
            .flat_map(|v| [v.x, v.y, v.z])
            .collect();
        let matrix = i.reference.to_rotation_matrix();
        let rows: Vec<f32> = (0..9).map(|i| matrix[(i / 3, i % 3)]).collect();
        let reference = Tensor::from_slice(&rows).view([1, 3, 3]).to_device(device);
        Some(Interaction {
            bounds: Bounds::new(&self.config.statistics, device),
            offsets: w.offsets(device),
            vertices: Tensor::from_slice(&flat).view([-1, 3]).to_device(device),
            consistency_reference: reference.shallow_clone(),
            reference,
        })
    }

    /// Guidance for few steps of a window.
    fn guide<'a>(&self, w: &'a WindowInput<'_>) -> Option<Guided<'a>> {
        let config = w.guidance;
        if config.is_off() {
            return None;
        }
        let statistics = &self.config.statistics;
        let scene = (w.scene.as_ref()).map(|(grid, canonical)| SceneField::new(grid, *canonical));
        let with_waypoints = |keys: &[usize]| {
            let frames = condition::WAYPOINT_FRAMES.into_iter();
            w.given_frames(frames.chain(keys.iter().copied()))
        };
        let given = &w.features[..w.length * FEATURES];
        let guide: Box<dyn WindowGuide + 'a> = match &w.task {
            WindowTask::Interaction(_) if w.sampling.method == Method::Ancestral => return None,
            WindowTask::Interaction(task) => Box::new(InteractionGuide::new(
                statistics,
                w.skeleton,
                task.object,
                &task.reference,
                config,
                GivenWay {
                    values: given,
                    places: with_waypoints(&task.path_keys),
                    heights: w.given_frames(task.height_keys.iter().copied()),
                    rest: task.rest,
                    standing: task.standing,
                    ground: task.ground,
                    turn: task.turn,
                    kept: w.keep.len() / FEATURES,
                },
                scene,
            )),
            WindowTask::Walk(task) => Box::new(WalkGuide::new(
                statistics,
                w.skeleton,
                config,
                given,
                with_waypoints(&task.path_keys),
                task.arrives,
                scene,
            )),
        };
        Some(Guided {
            guide,
            frames: w.length,
        })
    }
}

/// What a checkpoint that does not know walking answers to a walk.
pub(crate) fn cannot_walk() -> Error {
    Error::invalid(
        "checkpoint",
        "it has not learned to walk without an object (no conditioning.walking in its config.json); use one that has",
    )
}
