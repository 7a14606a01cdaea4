//! Walking as motion clips without an object: captured, a folder of BVH files of one person, on the model's bones; or made
//! by [`super::synthetic`].

use std::path::{Path, PathBuf};

use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::footwork;
use crate::clip::{self, bvh};
use crate::error::{Error, Result};
use crate::motion::{FPS, Frame, MotionClip, WINDOW, feet};
use crate::retarget::Capture;
use crate::skeleton::{Pose, ROTATIONS, Skeleton};

/// Sentences that walks are told with; which one says nothing that the path does not say.
pub const SENTENCES: [&str; 6] = [
    "Walk.",
    "Walk there.",
    "Walk over there.",
    "Go to the place.",
    "Step over.",
    "Walk to the goal and stop.",
];

/// Frames of standing before and after a walk that begins and ends at rest.
const STILL: usize = 12;
/// Walks of a few steps that are cut from each capture.
const SHORT_WALKS: usize = 3;
/// Shares of short walks that begin or end by turning on the spot, and that go backward.
const TURNED: f64 = 0.4;
const BACKWARD: f64 = 0.15;
/// Farthest way in steps aside, forth and back, metres.
const FARTHEST_ASIDE: f32 = 1.1;
/// Most that is turned on the spot, radians.
const MOST_TURNED: f32 = 3.1;

/// Which walks are made of captures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocomotionOptions {
    /// Add walks that begin and end standing (see [`footwork`]).
    pub footwork: bool,
    /// Seed of what is cut where.
    pub seed: u64,
}

impl Default for LocomotionOptions {
    fn default() -> Self {
        Self {
            footwork: true,
            seed: 7,
        }
    }
}

/// The walks of one capture.
pub struct Walks {
    /// Name of the file, without extension.
    pub name: String,
    /// The capture as it is, then what was made of it.
    pub clips: Vec<MotionClip>,
}

/// Reads all `.bvh` of a folder and puts the person on `skeleton`; `standing` are the world rotations of the model's person
/// standing, facing -y. Clips have no object (see [`MotionClip::has_object`]).
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] for a folder without BVH, a file that is none or not of 30 frames a second;
/// [`Error::Invalid`] where bones are not those of one person.
pub fn load(
    folder: &Path,
    skeleton: &Skeleton,
    standing: &[UnitQuaternion<f32>; ROTATIONS],
    options: &LocomotionOptions,
) -> Result<Vec<Walks>> {
    let paths = files(folder, "bvh")?;
    let motions = paths
        .iter()
        .map(|path| {
            let motion = bvh::read::read(path)?;
            if (motion.fps - FPS).abs() > 0.05 {
                return Err(Error::malformed(
                    path,
                    "capture of walking",
                    format!("{} frames a second; resample it to {FPS}", motion.fps),
                ));
            }
            Ok(motion)
        })
        .collect::<Result<Vec<_>>>()?;
    let capture = Capture::new(&motions, skeleton, standing)?;
    Ok(paths
        .iter()
        .zip(&motions)
        .enumerate()
        .map(|(n, (path, motion))| {
            let name = path
                .file_stem()
                .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(n as u64);
            let mut poses = capture.poses(motion);
            feet::plant(skeleton, &mut poses, 1.0);
            let mut walks = vec![poses];
            if options.footwork {
                let made = made(skeleton, &walks[0], standing, &mut rng);
                walks.extend(made);
            }
            let clips = walks
                .into_iter()
                .map(|poses| captured(&name, skeleton, poses, n))
                .collect();
            Walks { name, clips }
        })
        .collect())
}

/// Reads all motion clips of a folder (`*.safetensors`), which show nobody with an object: what `chois synthesize` makes.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] for a folder without clips, a file that is none, has an object or is not of 30
/// frames a second.
pub fn read(folder: &Path) -> Result<Vec<Walks>> {
    let paths = files(folder, "safetensors")?;
    let walk = |path: &PathBuf| {
        let clip = clip::read_clip(path)?;
        let wrong = |what: String| Error::malformed(path, "walk for training", what);
        if clip.has_object() {
            return Err(wrong(format!(
                "it shows {:?} too; give it by --clips",
                clip.object
            )));
        }
        if (clip.fps - FPS).abs() > 0.01 {
            return Err(wrong(format!(
                "{} frames a second; resample it to {FPS}",
                clip.fps
            )));
        }
        Ok(Walks {
            name: clip.name.clone(),
            clips: vec![clip],
        })
    };
    paths.iter().map(walk).collect()
}

/// The files of a folder with this extension, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|source| Error::Read {
            path: folder.to_owned(),
            source,
        })?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| (p.extension()).is_some_and(|e| e.eq_ignore_ascii_case(extension)))
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err(Error::malformed(
            folder,
            "folder of walking",
            format!("it holds no .{extension} file"),
        ));
    }
    Ok(paths)
}

/// Every so many captures, one is held out.
const HELD_OUT: usize = 10;

/// What to learn from, and what is held out by name: every tenth capture.
#[must_use]
pub fn hold_out(walks: Vec<Walks>) -> (Vec<Walks>, Vec<Walks>) {
    let (held, learned): (Vec<_>, Vec<_>) = walks
        .into_iter()
        .enumerate()
        .partition(|(n, _)| n % HELD_OUT == HELD_OUT / 2);
    let part = |walks: Vec<(usize, Walks)>| walks.into_iter().map(|(_, w)| w).collect();
    (part(learned), part(held))
}

/// Poses as a clip without an object.
fn captured(name: &str, skeleton: &Skeleton, poses: Vec<Pose>, n: usize) -> MotionClip {
    MotionClip {
        name: name.to_owned(),
        subject: String::new(),
        object: String::new(),
        text: SENTENCES[n % SENTENCES.len()].to_owned(),
        fps: FPS,
        skeleton: skeleton.clone(),
        frames: poses
            .into_iter()
            .map(|pose| Frame {
                pose,
                object_position: Vector3::zeros(),
                object_rotation: UnitQuaternion::identity(),
                contact: [0.0; 4],
            })
            .collect(),
    }
}

/// Walks that begin and end standing: the whole capture, and a few of some steps.
fn made(
    skeleton: &Skeleton,
    poses: &[Pose],
    standing: &[UnitQuaternion<f32>; ROTATIONS],
    rng: &mut impl Rng,
) -> Vec<Vec<Pose>> {
    let passings = footwork::passings(skeleton, poses);
    let mut out = Vec::new();
    // A speed needs frames on both sides.
    let usable: Vec<usize> = passings
        .into_iter()
        .filter(|t| *t >= 3 && t + 3 < poses.len())
        .collect();
    if let (Some(&from), Some(&to)) = (usable.first(), usable.last())
        && to > from + 3
    {
        out.extend(footwork::rested(
            skeleton,
            &poses[from..=to],
            standing,
            STILL,
        ));
    }
    for _ in 0..SHORT_WALKS {
        if usable.len() < 2 {
            break;
        }
        let from = rng.random_range(0..usable.len() - 1);
        let to = (from + rng.random_range(1..=6)).min(usable.len() - 1);
        let mut walk = poses[usable[from]..=usable[to]].to_vec();
        if rng.random_bool(BACKWARD) {
            walk.reverse();
        }
        let Some(mut walk) = footwork::rested(skeleton, &walk, standing, STILL) else {
            continue;
        };
        let angle = |rng: &mut dyn FnMut() -> f32| (rng() * 2.0 - 1.0) * MOST_TURNED;
        if rng.random_bool(TURNED) {
            // Turned toward where the walk sets off.
            let angle = angle(&mut || rng.random());
            let back = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -angle);
            let first = walk[0];
            let mut start = first;
            start.rotations = first.rotations.map(|q| back * q);
            let mut turn = vec![start; STILL];
            turn.extend(footwork::shuffle(skeleton, &start, Vector3::zeros(), angle));
            turn.extend_from_slice(&walk);
            walk = turn;
        }
        if rng.random_bool(TURNED / 2.0) {
            let angle = angle(&mut || rng.random());
            let last = walk[walk.len() - 1];
            walk.extend(footwork::shuffle(skeleton, &last, Vector3::zeros(), angle));
            let last = walk[walk.len() - 1];
            walk.extend(std::iter::repeat_n(last, STILL));
        }
        out.push(walk);
    }
    // A few steps in any direction, or none and a turn.
    let start = footwork::standing_at(skeleton, standing, &poses[0].root, &poses[0].rotations[0]);
    let toward = rng.random_range(-std::f32::consts::PI..std::f32::consts::PI);
    let far: f32 = rng.random_range(0.0..FARTHEST_ASIDE);
    let turned = MOST_TURNED * rng.random_range(-1.0_f32..1.0).powi(3);
    let mut aside = vec![start; STILL];
    aside.extend(footwork::shuffle(
        skeleton,
        &start,
        Vector3::new(toward.cos(), toward.sin(), 0.0) * far,
        turned,
    ));
    let last = aside[aside.len() - 1];
    aside.extend(std::iter::repeat_n(last, STILL));
    out.push(aside);
    out.retain(|w| w.len() >= WINDOW / 4);
    out
}
