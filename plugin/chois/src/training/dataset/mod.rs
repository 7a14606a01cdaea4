//! Windows from clips: floor, contact labels, mirroring, canonical frame, features, conditions (specification,
//! sections 1 to 4 and 7).

mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::locomotion::Walks;
use crate::clip;
use crate::condition::{self, Mode};
use crate::error::{Error, Result};
use crate::geometry::{BpsBasis, ObjectGeometry};
use crate::model::config::Conditioning;
use crate::motion::canonical::Canonical;
use crate::motion::features::{Statistics, Window};
use crate::motion::{FPS, WINDOW, blend};
use crate::skeleton::ROTATIONS;
use crate::text::TextEncoder;

pub use source::{CONTACT_DISTANCE, Source, mirror_text};
use source::{mirror_source, object, prepare, walk_source};

/// Clips up to this long are also shown whole, played faster so that they fit a window: a person lifts, carries and puts
/// down within 5 to 8 s, and is asked to do it in 4.
const LONGEST_RETIMED: usize = 250;
/// Share of windows whose object is shown to the network stretched, and the most that each axis is stretched by. It keeps
/// the network from telling the action from the exact shape instead of the sentence, and new shapes from being strange.
const STRETCHED: f64 = 0.5;
const STRETCH: f32 = 0.2;
/// The least number of frames of a window.
const SHORTEST: usize = 30;
/// Share of walking windows whose end is given as a whole pose.
const ARRIVING: f64 = 0.5;
/// Shares of walking windows: as long as a window can be, at the start of a walk, at its end, played at another speed; and
/// the most by which that differs.
const WALK_FULL: f64 = 0.6;
const WALK_FROM_START: f64 = 0.25;
const WALK_TO_END: f64 = 0.35;
const WALK_RETIMED: f64 = 0.3;
const WALK_TEMPO: f32 = 0.2;

/// What the network learns from in one window.
pub struct Sample {
    /// Clean features, 120 x 220.
    pub features: Vec<f32>,
    /// Given values, 120 x 220.
    pub given: Vec<f32>,
    /// What it is about.
    pub mode: Mode,
    /// The object's interpolated path, or the walker's, 120 x 3, normalised.
    pub path: Vec<f32>,
    /// Frames that exist.
    pub length: usize,
    /// Basis point set at the reference frame, points x 3.
    pub bps: Vec<f32>,
    /// Sentence vector.
    pub sentence: Arc<Vec<f32>>,
    /// Bones, 24 x 3.
    pub offsets: Vec<f32>,
    /// Points of the object at rest, relative to the centre, K x 3.
    pub keypoints: Vec<f32>,
    /// The object's rotation at the reference frame, row-major.
    pub reference: [f32; 9],
}

/// A window chosen from a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Index of the source.
    pub source: usize,
    /// First frame.
    pub start: usize,
    /// Frames of the window.
    pub length: usize,
    /// Frames of the source per frame of the window.
    pub speed: f32,
    /// Frame of the window whose rotation is the reference.
    pub reference: usize,
}

/// How windows are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Share of windows that begin with the clip.
    pub from_start: f64,
    /// Share of windows that hold the whole clip, retimed to a window's length.
    pub whole: f64,
    /// Share of walking windows, where there are walks.
    pub walking: f64,
}

/// All sources, and how windows come out of them.
pub struct Dataset {
    /// The sources.
    pub sources: Vec<Source>,
    basis: BpsBasis,
    /// Weight of each source in what is drawn: those of interactions sum to the weights of their folders, those of walks
    /// alike.
    weights: Vec<f64>,
    /// Cumulative share of each source in what is drawn of interactions; empty where there is none.
    shares: Vec<f64>,
    /// The same of walks.
    walk_shares: Vec<f64>,
}

/// What a group of clips with the same object and sentence weighs for its size: 1 would be as much as it has frames, 0
/// as much as any other group. With 1, a box that is pushed in twelve clips and lifted in one is pushed whatever the
/// sentence says.
const GROUP_POWER: f64 = 0.3;

/// Weights of the sources of one folder: interactions by groups of one object and sentence, balanced, and within a group by
/// frames; walks by frames. Both sum to 1.
fn weights(sources: &[Source]) -> Vec<f64> {
    let key = |s: &Source| {
        let object = s.geometry.as_ref()?;
        Some((object.name().to_owned(), s.text.clone()))
    };
    let mut frames: BTreeMap<_, f64> = BTreeMap::new();
    for s in sources {
        *frames.entry(key(s)).or_default() += s.motion.len() as f64;
    }
    let mut weights: Vec<f64> = sources
        .iter()
        .map(|s| match key(s) {
            None => s.motion.len() as f64,
            key => s.motion.len() as f64 * frames[&key].max(1.0).powf(GROUP_POWER - 1.0),
        })
        .collect();
    for mode in [Mode::Interaction, Mode::Walk] {
        let own = |s: &Source| s.mode() == mode;
        let of = sources.iter().zip(&weights);
        let sum: f64 = of.filter(|(s, _)| own(s)).map(|(_, w)| w).sum();
        for (_, weight) in sources.iter().zip(&mut weights).filter(|(s, _)| own(s)) {
            *weight /= sum.max(f64::MIN_POSITIVE);
        }
    }
    weights
}

/// Running sums of the weights of a mode's sources over the last; empty where it has none.
fn cumulative(sources: &[Source], weights: &[f64], mode: Mode) -> Vec<f64> {
    let mut sum = 0.0;
    let mut out: Vec<f64> = sources
        .iter()
        .zip(weights)
        .map(|(source, weight)| {
            if source.mode() == mode {
                sum += weight;
            }
            sum
        })
        .collect();
    if sum <= 0.0 {
        return Vec::new();
    }
    out.iter_mut().for_each(|x| *x /= sum);
    out
}

impl Dataset {
    fn new(sources: Vec<Source>) -> Self {
        let weights = weights(&sources);
        Self::with_weights(sources, weights)
    }

    fn with_weights(sources: Vec<Source>, weights: Vec<f64>) -> Self {
        Self {
            shares: cumulative(&sources, &weights, Mode::Interaction),
            walk_shares: cumulative(&sources, &weights, Mode::Walk),
            weights,
            sources,
            basis: BpsBasis::standard().clone(),
        }
    }

    /// The same with so much weight beside others that it is merged with; 1 at first.
    #[must_use]
    pub fn weighing(mut self, weight: f64) -> Self {
        self.weights.iter_mut().for_each(|w| *w *= weight);
        self
    }

    /// Walks as sources, with a mirrored twin each when `mirror` is set.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn of_walks(walks: &[Walks], encoder: &dyn TextEncoder, mirror: bool) -> Result<Self> {
        let mut sentences = BTreeMap::new();
        let mut sources = Vec::new();
        for clip in walks.iter().flat_map(|w| &w.clips) {
            let sentence = match sentences.get(&clip.text) {
                Some(known) => Arc::clone(known),
                None => {
                    let vector = Arc::new(encoder.encode(&clip.text)?);
                    sentences.insert(clip.text.clone(), vector.clone());
                    vector
                }
            };
            let source = walk_source(clip, sentence.clone());
            if mirror {
                let text = source.text.clone();
                sources.push(mirror_source(&source, None, text, sentence));
            }
            sources.push(source);
        }
        Ok(Self::new(sources))
    }

    /// The sources of both; how often each is drawn follows from [`Self::weighing`], not from how many clips it has.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.sources.extend(other.sources);
        self.weights.extend(other.weights);
        Self::with_weights(self.sources, self.weights)
    }

    /// The captured one of each walk, not what was made of it or its mirror image.
    #[must_use]
    pub fn captured_walks(walks: &[Walks]) -> Vec<Walks> {
        walks
            .iter()
            .map(|w| Walks {
                name: w.name.clone(),
                clips: w.clips.iter().take(1).cloned().collect(),
            })
            .collect()
    }

    /// Reads all clips of a folder, their objects from `objects/<name>.obj` or `.glb`, and prepares them: each on its floor,
    /// contact from distance, with a mirrored twin when `mirror` is set.
    pub fn load(
        clips: &Path,
        objects: &Path,
        encoder: &dyn TextEncoder,
        mirror: bool,
    ) -> Result<Self> {
        let mut paths: Vec<_> = std::fs::read_dir(clips)
            .map_err(|source| Error::Read {
                path: clips.to_owned(),
                source,
            })?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "safetensors"))
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(Error::malformed(
                clips,
                "folder of motion clips",
                "it holds no .safetensors file",
            ));
        }
        let mut geometries = BTreeMap::new();
        let mut sentences = BTreeMap::new();
        let mut sources = Vec::new();
        for path in paths {
            let clip = clip::read_clip(&path)?;
            if (clip.fps - FPS).abs() > 0.01 {
                return Err(Error::malformed(
                    &path,
                    "motion clip for training",
                    format!("{} frames a second; resample it to {FPS}", clip.fps),
                ));
            }
            if !geometries.contains_key(&clip.object) {
                let geometry = object(objects, &clip.object)?;
                let mirrored = geometry.mirrored();
                geometries.insert(
                    clip.object.clone(),
                    (Arc::new(geometry), Arc::new(mirrored)),
                );
            }
            let (geometry, mirrored) = &geometries[&clip.object];
            let mut vector = |text: &str| -> Result<Arc<Vec<f32>>> {
                if !sentences.contains_key(text) {
                    sentences.insert(text.to_owned(), Arc::new(encoder.encode(text)?));
                }
                Ok(sentences[text].clone())
            };
            let sentence = vector(&clip.text)?;
            let source = prepare(&clip, geometry.clone(), sentence);
            if mirror {
                let text = mirror_text(&clip.text);
                let sentence = vector(&text)?;
                let mirrored = Some(mirrored.clone());
                sources.push(mirror_source(&source, mirrored, text, sentence));
            }
            sources.push(source);
        }
        Ok(Self::new(sources))
    }

    /// Those sources for which `wanted` holds, and the others; each keeps its weight.
    pub fn partition(self, wanted: impl Fn(&Source) -> bool) -> (Self, Self) {
        let (yes, no): (Vec<_>, Vec<_>) =
            (self.sources.into_iter().zip(self.weights)).partition(|(source, _)| wanted(source));
        let of = |part: Vec<(Source, f64)>| {
            let (sources, weights) = part.into_iter().unzip();
            Self::with_weights(sources, weights)
        };
        (of(yes), of(no))
    }

    /// Splits off every `n`-th clip (with its twin) for validation.
    pub fn split(mut self, n: usize) -> (Self, Self) {
        let mut names: Vec<String> = self
            .sources
            .iter()
            .map(|s| s.name.trim_start_matches('~').to_owned())
            .collect();
        names.sort();
        names.dedup();
        let held: Vec<String> = names.into_iter().skip(n / 2).step_by(n.max(1)).collect();
        let (out, keep): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sources)
            .into_iter()
            .partition(|s| held.iter().any(|h| h == s.name.trim_start_matches('~')));
        (Self::new(keep), Self::new(out))
    }

    /// Windows at a fixed stride: what evaluation and statistics look at. Reference is the first frame.
    pub fn windows(&self, stride: usize) -> Vec<Choice> {
        let mut out = Vec::new();
        for (source, s) in self.sources.iter().enumerate() {
            let frames = s.motion.len();
            for start in (0..)
                .step_by(stride)
                .take_while(|start| start + WINDOW <= frames)
            {
                out.push(Choice {
                    source,
                    start,
                    length: WINDOW,
                    speed: 1.0,
                    reference: 0,
                });
            }
        }
        out
    }

    /// Whether there is a walk among the sources.
    pub fn has_walks(&self) -> bool {
        !self.walk_shares.is_empty()
    }

    /// Whether there is an interaction among the sources.
    pub fn has_interactions(&self) -> bool {
        !self.shares.is_empty()
    }

    /// Draws a window; groups of one object and sentence come almost equally often (see `GROUP_POWER`).
    pub fn draw(&self, rng: &mut impl Rng, sampling: &Sampling) -> Choice {
        if self.has_walks() && (!self.has_interactions() || rng.random_bool(sampling.walking)) {
            return self.draw_walk(rng);
        }
        let at: f64 = rng.random();
        let source = self
            .shares
            .partition_point(|share| *share <= at)
            .min(self.sources.len() - 1);
        let frames = self.sources[source].motion.len();
        let kind: f64 = rng.random();
        let (start, length, speed) =
            if kind < sampling.whole && (WINDOW..=LONGEST_RETIMED).contains(&frames) {
                (0, WINDOW, (frames - 1) as f32 / (WINDOW - 1) as f32)
            } else if kind < sampling.whole + sampling.from_start {
                (0, frames.min(WINDOW), 1.0)
            } else {
                let start = rng.random_range(0..frames.saturating_sub(SHORTEST).max(1));
                (start, (frames - start).min(WINDOW), 1.0)
            };
        Choice {
            source,
            start,
            length,
            speed,
            reference: rng.random_range(0..length),
        }
    }

    /// Draws a walking window.
    fn draw_walk(&self, rng: &mut impl Rng) -> Choice {
        let at: f64 = rng.random();
        let source = self
            .walk_shares
            .partition_point(|share| *share <= at)
            .min(self.sources.len() - 1);
        let frames = self.sources[source].motion.len();
        let mut length = if rng.random_bool(WALK_FULL) {
            WINDOW
        } else {
            rng.random_range(SHORTEST..=WINDOW)
        };
        let speed = if rng.random_bool(WALK_RETIMED) {
            1.0 + rng.random_range(-WALK_TEMPO..WALK_TEMPO)
        } else {
            1.0
        };
        // Frames of the source that a window of `length` spans.
        let span = |length: usize| ((length - 1) as f32 * speed).ceil() as usize + 1;
        length = length.min(frames.max(1));
        while length > 1 && span(length) > frames {
            length -= 1;
        }
        let last = frames.saturating_sub(span(length));
        let kind: f64 = rng.random();
        let start = if kind < WALK_FROM_START {
            0
        } else if kind < WALK_FROM_START + WALK_TO_END {
            last
        } else {
            rng.random_range(0..=last)
        };
        Choice {
            source,
            start,
            length,
            speed,
            reference: 0,
        }
    }

    /// The window of a choice in its canonical frame.
    pub fn window(&self, choice: &Choice) -> (Window, Canonical) {
        let source = &self.sources[choice.source];
        let mut window = slice(source, choice);
        let canonical = Canonical::of(&window.joints[0][0], &window.rotations[0][0]);
        canonical.apply(&mut window);
        (window, canonical)
    }

    /// What the network learns from in the window of a choice; `keypoints` points are drawn from the object's.
    pub fn sample(
        &self,
        choice: &Choice,
        statistics: &Statistics,
        conditioning: &Conditioning,
        keypoints: usize,
        rng: &mut impl Rng,
    ) -> Sample {
        let source = &self.sources[choice.source];
        let (window, _) = self.window(choice);
        let offsets = source
            .skeleton
            .rest_offsets
            .iter()
            .flat_map(|o| [o.x, o.y, o.z])
            .collect();
        let Some(geometry) = &source.geometry else {
            let features = window.encode_person(statistics, WINDOW);
            let fill = conditioning.walking.unwrap_or_default().fill;
            let arrives = rng.random_bool(ARRIVING);
            let given = condition::walk_conditions(&features, choice.length, WINDOW, arrives, fill);
            return Sample {
                given: given.values,
                path: given.path,
                features,
                length: choice.length,
                mode: Mode::Walk,
                bps: vec![0.0; 3 * self.basis.points().len()],
                sentence: source.sentence.clone(),
                offsets,
                keypoints: vec![0.0; 3 * keypoints],
                reference: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            };
        };
        let reference = window.object_rotation[choice.reference.min(choice.length - 1)];
        let features = window.encode(statistics, &reference, WINDOW);
        let given = condition::conditions(&features, choice.length, WINDOW, conditioning.fill);
        let vertices = geometry.vertices();
        let matrix = reference.to_rotation_matrix();
        let stretch = if rng.random_bool(STRETCHED) {
            Vector3::from_fn(|_, _| 1.0 + rng.random_range(-STRETCH..STRETCH))
        } else {
            Vector3::repeat(1.0)
        };
        Sample {
            given: given.values,
            path: given.path,
            features,
            length: choice.length,
            mode: Mode::Interaction,
            bps: stretched_bps(geometry, &reference, &self.basis, &stretch),
            sentence: source.sentence.clone(),
            offsets,
            keypoints: (0..keypoints)
                .flat_map(|_| {
                    let v = vertices[rng.random_range(0..vertices.len())];
                    [v.x, v.y, v.z]
                })
                .collect(),
            reference: std::array::from_fn(|i| matrix[(i / 3, i % 3)]),
        }
    }

    /// The most typical first pose: world rotations (x, y, z, w), facing -y, of the clip whose start is nearest to all
    /// others.
    pub fn standing(&self) -> Vec<[f32; 4]> {
        let starts: Vec<[UnitQuaternion<f32>; ROTATIONS]> = self
            .sources
            .iter()
            .filter(|s| s.mode() == Mode::Interaction && !s.motion.is_empty())
            .map(|s| {
                let rotations = &s.motion.rotations[0];
                let canonical = Canonical::of(&s.motion.joints[0][0], &rotations[0]);
                rotations.map(|q| canonical.rotation * q)
            })
            .collect();
        let apart = |a: &[UnitQuaternion<f32>; ROTATIONS], b: &[UnitQuaternion<f32>; ROTATIONS]| {
            a.iter().zip(b).map(|(a, b)| a.angle_to(b)).sum::<f32>()
        };
        let total = |a| starts.iter().map(|b| apart(a, b)).sum::<f32>();
        starts
            .iter()
            .min_by(|a, b| total(a).total_cmp(&total(b)))
            .copied()
            .unwrap_or_else(crate::request::plan::relaxed)
            .iter()
            .map(|q| [q.i, q.j, q.k, q.w])
            .collect()
    }

    /// Bounds over all windows, widened by `margin` of their span on each side so that other paths and sizes fit. Those of
    /// the object are empty (the smallest over the largest) where there is none; see [`Statistics::joined`].
    pub fn statistics(&self, margin: f32) -> Statistics {
        let mut s = Statistics {
            joint_min: vec![[f32::INFINITY; 3]; 24],
            joint_max: vec![[f32::NEG_INFINITY; 3]; 24],
            object_min: [f32::INFINITY; 3],
            object_max: [f32::NEG_INFINITY; 3],
        };
        let mut choices = self.windows(10);
        if choices.is_empty() {
            choices.extend(self.sources.iter().enumerate().map(|(source, s)| Choice {
                source,
                start: 0,
                length: s.motion.len().min(WINDOW),
                speed: 1.0,
                reference: 0,
            }));
        }
        for choice in choices {
            let (window, _) = self.window(&choice);
            for axis in 0..3 {
                for frame in &window.joints {
                    for (j, p) in frame.iter().enumerate() {
                        s.joint_min[j][axis] = s.joint_min[j][axis].min(p[axis]);
                        s.joint_max[j][axis] = s.joint_max[j][axis].max(p[axis]);
                    }
                }
                let objects = match self.sources[choice.source].mode() {
                    Mode::Interaction => window.object_center.as_slice(),
                    Mode::Walk => &[],
                };
                for p in objects {
                    s.object_min[axis] = s.object_min[axis].min(p[axis]);
                    s.object_max[axis] = s.object_max[axis].max(p[axis]);
                }
            }
        }
        let widen = |min: &mut f32, max: &mut f32| {
            let by = (*max - *min).max(0.01) * margin;
            *min -= by;
            *max += by;
        };
        for j in 0..24 {
            for axis in 0..3 {
                widen(&mut s.joint_min[j][axis], &mut s.joint_max[j][axis]);
            }
        }
        for axis in 0..3 {
            widen(&mut s.object_min[axis], &mut s.object_max[axis]);
        }
        s
    }
}

/// Basis point set of an object stretched along its rest axes. The nearest vertex is looked for before stretching, which is
/// near enough for stretches of a fifth and spares an index for each.
fn stretched_bps(
    geometry: &ObjectGeometry,
    reference: &UnitQuaternion<f32>,
    basis: &BpsBasis,
    stretch: &Vector3<f32>,
) -> Vec<f32> {
    let vertices = geometry.vertices();
    let inverse = reference.inverse();
    basis
        .points()
        .iter()
        .flat_map(|b| {
            let local = (inverse * b).component_div(stretch);
            let (nearest, _) = geometry.nearest_vertex(&local);
            let d = reference * vertices[nearest].component_mul(stretch) - b;
            [d.x, d.y, d.z]
        })
        .collect()
}

fn slice(source: &Source, choice: &Choice) -> Window {
    let m = &source.motion;
    if choice.speed == 1.0 {
        let range = choice.start..choice.start + choice.length;
        return m.slice(range);
    }
    let mut out = Window::default();
    for k in 0..choice.length {
        let at = (choice.start as f32 + k as f32 * choice.speed).min((m.len() - 1) as f32);
        let (a, w) = (at.floor() as usize, at.fract());
        let b = (a + 1).min(m.len() - 1);
        let rotations: [UnitQuaternion<f32>; ROTATIONS] =
            std::array::from_fn(|j| blend::slerp(&m.rotations[a][j], &m.rotations[b][j], w));
        let root = m.joints[a][0].lerp(&m.joints[b][0], w);
        out.joints.push(
            source
                .skeleton
                .forward(&crate::skeleton::Pose { root, rotations }),
        );
        out.rotations.push(rotations);
        out.object_center
            .push(m.object_center[a].lerp(&m.object_center[b], w));
        out.object_rotation.push(blend::slerp(
            &m.object_rotation[a],
            &m.object_rotation[b],
            w,
        ));
        out.contact.push(m.contact[if w < 0.5 { a } else { b }]);
    }
    out
}

/// The random numbers of training step `step`: the same whichever thread draws them, so that a run resumes exactly.
pub fn step_rng(seed: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(step);
    rng
}
