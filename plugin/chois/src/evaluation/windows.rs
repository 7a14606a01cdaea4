//! Windows of captured clips generated anew from what the network is given of them, and measured against the capture.

use nalgebra::{UnitQuaternion, Vector3};

use super::metrics::{ClipMetrics, Trajectory, hand_bone_points};
use crate::diffusion::window::{Generator, InteractionWindow, WindowInput, WindowTask};
use crate::diffusion::{Flow, Progress};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, Surface};
use crate::motion::features::{FEATURES, Orthonormal, Window};
use crate::motion::{FPS, MotionClip, WINDOW, feet};
use crate::request::{GuidanceConfig, InteractionRequest, SamplingConfig};
use crate::skeleton::Pose;
use crate::training::dataset::{Choice, Dataset, Source};

/// How windows are generated for evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvaluationConfig {
    /// The sampler.
    pub sampling: SamplingConfig,
    /// Guidance.
    pub guidance: GuidanceConfig,
    /// Seed of the first window; each has its own.
    pub seed: u64,
    /// Windows generated together.
    pub batch: usize,
}

/// A window generated anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// It against the capture.
    pub metrics: ClipMetrics,
    /// What was generated, metres, window frame.
    pub window: Window,
}

/// A window of a source as a clip, called `name`: what was generated, or what was captured.
#[must_use]
pub fn clip(source: &Source, window: &Window, name: String) -> MotionClip {
    let object = source.geometry.as_deref();
    MotionClip {
        name,
        subject: source.subject.clone(),
        object: object.map_or("", ObjectGeometry::name).to_owned(),
        text: source.text.clone(),
        fps: FPS,
        skeleton: source.skeleton.clone(),
        frames: window.frames(object.map(ObjectGeometry::center)),
    }
}

/// The object of an interaction.
pub(super) fn object(source: &Source) -> Result<&ObjectGeometry> {
    source.geometry.as_deref().ok_or_else(|| {
        Error::invalid(
            format!("clip {:?}", source.name),
            "it shows no object; evaluate walks as walks",
        )
    })
}

/// Each window of `choices` measured: the first frame, waypoints and end come from the capture, all else is generated.
/// Joints follow from the generated rotations, as published.
///
/// # Errors
/// Those of [`Generator::windows`]; [`crate::Error::Cancelled`].
pub fn evaluate(
    generator: &Generator<'_>,
    data: &Dataset,
    choices: &[Choice],
    config: &EvaluationConfig,
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<Measured>> {
    let statistics = &generator.config.statistics;
    let mut out = Vec::with_capacity(choices.len());
    for (k, group) in choices.chunks(config.batch.max(1)).enumerate() {
        let first = k * config.batch.max(1);
        let requests: Vec<InteractionRequest> = group
            .iter()
            .enumerate()
            .map(|(i, choice)| InteractionRequest {
                sampling: config.sampling,
                guidance: config.guidance,
                ..InteractionRequest::new(&data.sources[choice.source].text)
                    .seed(config.seed.wrapping_add((first + i) as u64))
            })
            .collect();
        let captured: Vec<Window> = group.iter().map(|c| data.window(c).0).collect();
        let inputs: Vec<WindowInput<'_>> = group
            .iter()
            .zip(&requests)
            .zip(&captured)
            .map(|((choice, request), window)| {
                let source = &data.sources[choice.source];
                let reference = window.object_rotation[0];
                Ok(WindowInput {
                    sampling: request.sampling,
                    guidance: request.guidance,
                    seed: request.seed,
                    variations: &[],
                    index: 0,
                    held: Vec::new(),
                    skeleton: &source.skeleton,
                    sentence: source.sentence.clone(),
                    features: window.encode(statistics, &reference, WINDOW),
                    length: choice.length,
                    keep: Vec::new(),
                    scene: None,
                    task: WindowTask::Interaction(InteractionWindow {
                        object: object(source)?,
                        reference,
                        path_keys: Vec::new(),
                        height_keys: Vec::new(),
                        rest: [None; 2],
                        standing: reference,
                        // As published: told no more than the network is.
                        ground: None,
                        turn: None,
                    }),
                })
            })
            .collect::<Result<_>>()?;
        let generated = generator.windows(&inputs, &mut |_| Flow::Continue)?;
        for (((choice, request), features), captured) in
            group.iter().zip(&requests).zip(generated).zip(captured)
        {
            let source = &data.sources[choice.source];
            let object = object(source)?;
            let mut window = Window::decode(
                &features[..choice.length * FEATURES],
                statistics,
                &captured.object_rotation[0],
                Orthonormal::Nearest,
            );
            let mut poses: Vec<Pose> = window
                .joints
                .iter()
                .zip(&window.rotations)
                .map(|(joints, rotations)| Pose {
                    root: joints[0],
                    rotations: *rotations,
                })
                .collect();
            let planting = request.planting();
            if planting > 0.0 {
                feet::plant(&source.skeleton, &mut poses, planting);
            }
            for (t, pose) in poses.iter().enumerate() {
                window.joints[t] = source.skeleton.forward(pose);
                window.rotations[t] = pose.rotations;
            }
            let ours = Trajectory::from_window(&window, &source.skeleton, object)?;
            let theirs = Trajectory::from_window(&captured, &source.skeleton, object)?;
            let surface = Surface::new(object);
            let local = |t: usize, p: &Vector3<f32>, q: UnitQuaternion<f32>| {
                q * (p - window.object_center[t])
            };
            // There is no skinned body here: points along the hands' bones stand for its hands. Both the published
            // rotation and the right one are reported (Q3).
            let mean = |turn: &dyn Fn(usize) -> UnitQuaternion<f32>| {
                let (mut sum, mut count) = (0.0, 0_usize);
                for (t, points) in hand_bone_points(&ours.joints).iter().enumerate() {
                    for p in points {
                        let d = surface.signed_distance(&local(t, p, turn(t)));
                        sum += f64::from((-d).max(0.0));
                        count += 1;
                    }
                }
                sum / count.max(1) as f64
            };
            let mut metrics = ClipMetrics::compare(&ours, &theirs)?;
            metrics.hand_penetration = Some(mean(&|t| window.object_rotation[t]));
            metrics.hand_penetration_corrected =
                Some(mean(&|t| window.object_rotation[t].inverse()));
            out.push(Measured { metrics, window });
        }
        let done = Progress {
            done: out.len(),
            total: choices.len(),
        };
        if progress(done) == Flow::Cancel {
            return Err(crate::Error::Cancelled);
        }
    }
    Ok(out)
}
