//! Windows of captured walks generated anew from what the network is given of them, and measured against the capture.

use serde::{Deserialize, Serialize};

use super::metrics::{feet_height, foot_sliding};
use super::report::Row;
use super::study::StudyConfig;
use super::windows::EvaluationConfig;
use crate::condition::walk_frames;
use crate::diffusion::window::{Generator, WalkWindow, WindowInput, WindowTask};
use crate::diffusion::{Flow, Progress};
use crate::error::{Error, Result};
use crate::motion::features::{FEATURES, Orthonormal, Window};
use crate::motion::{WINDOW, canonical, feet};
use crate::request::WalkRequest;
use crate::skeleton::{JOINTS, Pose};
use crate::training::dataset::{Choice, Dataset};

/// Metrics of one walk, or their means. Metres, degrees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WalkMetrics {
    /// Windows that these are means of.
    pub windows: usize,
    /// Mean distance of the pelvis on the floor at the waypoint frames.
    pub waypoint_error: f64,
    /// Distance of the pelvis on the floor at the last frame.
    pub end_error: f64,
    /// Difference of the headings at the last frame, degrees.
    pub heading_error: f64,
    /// H_feet, and that of the capture.
    pub feet_height: [f64; 2],
    /// FS, and that of the capture.
    pub foot_sliding: [f64; 2],
    /// Mean depth of the lower toe joint under the floor.
    pub under_floor: f64,
    /// MPJPE: mean distance of the joints relative to the pelvis.
    pub joint_error: f64,
    /// T_root: mean distance of the pelvis.
    pub root_error: f64,
}

impl WalkMetrics {
    fn of(ours: &[[nalgebra::Vector3<f32>; JOINTS]], theirs: &Window, headings: [f32; 2]) -> Self {
        let frames = ours.len();
        let last = frames - 1;
        let flat = |t: usize| f64::from((ours[t][0] - theirs.joints[t][0]).xy().norm());
        let waypoints: Vec<f64> = walk_frames(last)
            .into_iter()
            .filter(|f| *f > 0 && *f < last)
            .map(flat)
            .collect();
        let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
        let apart = |t: usize, j: usize| {
            let (a, b) = (&ours[t], &theirs.joints[t]);
            f64::from(((a[j] - a[0]) - (b[j] - b[0])).norm())
        };
        let depth = |t: usize| f64::from((-ours[t][10].z.min(ours[t][11].z)).max(0.0));
        let (floor, true_floor) = (feet_height(ours), feet_height(&theirs.joints));
        let turned = f64::from(headings[0] - headings[1]).to_degrees();
        Self {
            windows: 1,
            waypoint_error: mean(waypoints.iter().sum(), waypoints.len()),
            end_error: flat(last),
            heading_error: (turned - 360.0 * (turned / 360.0).round()).abs(),
            feet_height: [floor, true_floor],
            foot_sliding: [
                foot_sliding(ours, floor),
                foot_sliding(&theirs.joints, true_floor),
            ],
            under_floor: mean((0..frames).map(depth).sum(), frames),
            joint_error: mean(
                (0..frames)
                    .flat_map(|t| (0..JOINTS).map(move |j| (t, j)))
                    .map(|(t, j)| apart(t, j))
                    .sum(),
                frames * JOINTS,
            ),
            root_error: mean(
                (0..frames)
                    .map(|t| f64::from((ours[t][0] - theirs.joints[t][0]).norm()))
                    .sum(),
                frames,
            ),
        }
    }

    /// Means of several.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none.
    pub fn mean(all: &[Self]) -> Result<Self> {
        if all.is_empty() {
            return Err(Error::invalid("walks", "there is none to be measured"));
        }
        let mean = |f: &dyn Fn(&Self) -> f64| all.iter().map(f).sum::<f64>() / all.len() as f64;
        Ok(Self {
            windows: all.iter().map(|m| m.windows).sum(),
            waypoint_error: mean(&|m| m.waypoint_error),
            end_error: mean(&|m| m.end_error),
            heading_error: mean(&|m| m.heading_error),
            feet_height: [0, 1].map(|k| mean(&|m| m.feet_height[k])),
            foot_sliding: [0, 1].map(|k| mean(&|m| m.foot_sliding[k])),
            under_floor: mean(&|m| m.under_floor),
            joint_error: mean(&|m| m.joint_error),
            root_error: mean(&|m| m.root_error),
        })
    }
}

/// `choices` in every way and with every seed of `config`, as rows of a table: the ways, then the captures themselves.
/// `progress` is told of windows made, of all.
///
/// # Errors
/// Those of [`evaluate`] and [`StudyConfig::validate`]; [`Error::Invalid`] where there is no window.
pub fn rows(
    generator: &Generator<'_>,
    data: &Dataset,
    choices: &[Choice],
    config: &StudyConfig,
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<Row>> {
    config.validate()?;
    let ways = config.ways();
    let total = ways.len() * config.seeds * choices.len();
    let mut made = 0;
    let mut out = Vec::new();
    let mut captured = None;
    for &way in &ways {
        let mut seeds = Vec::with_capacity(config.seeds);
        for seed in 0..config.seeds {
            let evaluation = config.evaluation(way, seed, choices.len());
            let metrics = evaluate(generator, data, choices, &evaluation, &mut |p| {
                progress(Progress {
                    done: made + p.done,
                    total,
                })
            })?;
            made += choices.len();
            let mean = WalkMetrics::mean(&metrics)?;
            seeds.push(Row::walk(way.among(&ways), &mean));
            captured.get_or_insert(Row::captured_walk(&mean));
        }
        out.push(Row::over_seeds(&seeds)?);
    }
    out.extend(captured);
    Ok(out)
}

/// Metrics of each walking window of `choices`: the first pose, and place and heading at the waypoint frames and the end,
/// come from the capture; all else is generated. Joints follow from the generated rotations.
///
/// # Errors
/// Those of [`Generator::windows`]; [`Error::Cancelled`]; [`Error::Invalid`] for a window with an object.
pub fn evaluate(
    generator: &Generator<'_>,
    data: &Dataset,
    choices: &[Choice],
    config: &EvaluationConfig,
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<WalkMetrics>> {
    let statistics = &generator.config.statistics;
    let mut out = Vec::with_capacity(choices.len());
    for (k, group) in choices.chunks(config.batch.max(1)).enumerate() {
        let first = k * config.batch.max(1);
        if let Some(odd) = group
            .iter()
            .map(|c| &data.sources[c.source])
            .find(|s| s.geometry.is_some())
        {
            return Err(Error::invalid(
                format!("clip {:?}", odd.name),
                "it shows an object; evaluate interactions as interactions",
            ));
        }
        let captured: Vec<Window> = group.iter().map(|c| data.window(c).0).collect();
        let inputs: Vec<WindowInput<'_>> = group
            .iter()
            .zip(&captured)
            .enumerate()
            .map(|(i, (choice, window))| WindowInput {
                sampling: config.sampling,
                guidance: config.guidance,
                seed: config.seed.wrapping_add((first + i) as u64),
                variations: &[],
                index: 0,
                held: Vec::new(),
                skeleton: &data.sources[choice.source].skeleton,
                sentence: data.sources[choice.source].sentence.clone(),
                features: window.encode_person(statistics, WINDOW),
                length: choice.length,
                keep: Vec::new(),
                scene: None,
                task: WindowTask::Walk(WalkWindow {
                    path_keys: Vec::new(),
                    arrives: false,
                }),
            })
            .collect();
        let generated = generator.windows(&inputs, &mut |_| Flow::Continue)?;
        let request = WalkRequest {
            sampling: config.sampling,
            guidance: config.guidance,
            ..WalkRequest::to([0.0; 2])
        };
        for ((choice, features), captured) in group.iter().zip(generated).zip(captured) {
            let source = &data.sources[choice.source];
            let window = Window::decode(
                &features[..choice.length * FEATURES],
                statistics,
                &nalgebra::UnitQuaternion::identity(),
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
            if request.planting() > 0.0 {
                feet::plant_walk(&source.skeleton, &mut poses, request.planting());
            }
            let joints: Vec<_> = poses.iter().map(|p| source.skeleton.forward(p)).collect();
            let last = choice.length - 1;
            let yaw = |q| canonical::heading(q).euler_angles().2;
            let headings = [
                yaw(&poses[last].rotations[0]),
                yaw(&captured.rotations[last][0]),
            ];
            out.push(WalkMetrics::of(&joints, &captured, headings));
        }
        let done = Progress {
            done: out.len(),
            total: choices.len(),
        };
        if progress(done) == Flow::Cancel {
            return Err(Error::Cancelled);
        }
    }
    Ok(out)
}
