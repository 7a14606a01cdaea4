//! Generated interactions to measure contact on: objects of the project by kinds of instruction, each before and after the
//! physics.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chois::clip::read_clip;
use chois::contact::report::{Comparison, ContactReport, ReportOptions};
use chois::contact::{
    ContactOptions, Corrected, LiveContact, ObjectPhysics, PhysicalObject, correct,
};
use chois::diffusion::Flow;
use chois::geometry::{ObjectGeometry, UpAxis, load_mesh};
use chois::motion::MotionClip;
use chois::request::InteractionRequest;
use chois::synthesis::{Generated, Order, Synthesizer};
use nalgebra::Vector3;

/// Objects of `assets/objects`, with the word that instructions use for their kind.
pub const OBJECTS: [(&str, &str); 11] = [
    ("crate", "largebox"),
    ("box", "largebox"),
    ("storage_box", "plasticbox"),
    ("suitcase", "suitcase"),
    ("chair", "woodchair"),
    ("table", "smalltable"),
    ("stool", "smalltable"),
    ("floor_lamp", "floorlamp"),
    ("clothes_stand", "clothesstand"),
    ("bin", "trashcan"),
    ("tripod", "tripod"),
];

/// Kinds of instruction, `{}` for the object.
pub const INSTRUCTIONS: [(&str, &str); 5] = [
    ("carry", "Lift the {}, move the {}, and put down the {}."),
    ("push", "Push the {}, and set it back down."),
    ("pull", "Pull the {}, and set it back down."),
    (
        "rotate",
        "Lift the {}, rotate the {}, and set it back down.",
    ),
    (
        "drag",
        "Push the {}, release the hands, then drag the {}, and set it back down.",
    ),
];

/// A folder of the shipped assets.
pub fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

/// The shipped checkpoint.
pub fn synthesizer() -> Synthesizer {
    tch::set_num_threads(2);
    Synthesizer::load(
        &assets().join("models/chois-compact"),
        None,
        tch::Device::Cpu,
    )
    .expect("the shipped checkpoint loads")
}

/// A mesh file as the network and the physics see it.
pub fn object(path: &Path, physics: &ObjectPhysics) -> PhysicalObject {
    let mesh = load_mesh(path, None).expect("a mesh");
    let name = path.file_stem().expect("a name").to_string_lossy();
    let geometry = ObjectGeometry::new(name, mesh.refined()).expect("a mesh");
    PhysicalObject::new(&geometry, physics).expect("an object")
}

/// One interaction.
pub struct Case {
    /// Object and kind of instruction.
    pub name: String,
    /// The object.
    pub object: PhysicalObject,
    /// The clip as the network, or a person, made it.
    pub clip: MotionClip,
    /// Where the object's centre is to be in some frames: waypoints and end.
    pub goals: Vec<(usize, Vector3<f32>)>,
}

/// Generates one interaction with the shipped checkpoint.
pub fn case(
    synthesizer: &mut Synthesizer,
    object: &PhysicalObject,
    word: &str,
    kind: &str,
    instruction: &str,
    seed: u64,
) -> Case {
    let text = instruction.replace("{}", word);
    let request = InteractionRequest::new(text)
        .waypoints([[0.5, 0.1], [0.9, 0.4]])
        .end([1.1, 0.8, 0.0])
        .seed(seed);
    let order = Order {
        request: &request,
        object: object.geometry(),
        scene: None,
    };
    let generated = synthesizer
        .generate(&order, &mut |_| Flow::Continue)
        .expect("a clip");
    let Generated { clip, plan } = generated;
    let last = clip.frames.len() - 1;
    let frames = plan.waypoint_frames.iter().copied().chain([last]);
    Case {
        name: format!("{} {kind}", object.geometry().name()),
        object: object.clone(),
        goals: frames.map(|f| (f, plan.center(f))).collect(),
        clip,
    }
}

/// Captured interactions: the clips of a folder, with the meshes `<object>.obj` of another.
pub fn captured(clips: &Path, meshes: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> = (std::fs::read_dir(clips).expect("a folder"))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .collect();
    files.sort();
    let mut objects: HashMap<String, PhysicalObject> = HashMap::new();
    (files.iter())
        .map(|path| {
            let clip = read_clip(path).expect("a clip");
            let object = objects.entry(clip.object.clone()).or_insert_with(|| {
                let mesh = meshes.join(format!("{}.obj", clip.object));
                // Captured meshes are in their own frame, which the clip's poses are about.
                let geometry = ObjectGeometry::load(&mesh, Some(UpAxis::Z)).expect("a mesh");
                PhysicalObject::new(&geometry, &ObjectPhysics::default()).expect("an object")
            });
            Case {
                name: clip.name.clone(),
                object: object.clone(),
                goals: Vec::new(),
                clip,
            }
        })
        .collect()
}

/// An interaction under physics.
pub struct Outcome {
    /// What became of it.
    pub corrected: Corrected,
    /// Its reports.
    pub comparison: Comparison,
    /// Seconds that correcting took.
    pub seconds: f64,
    /// How far the object's centre is from where the model had it, metres, one a frame.
    pub strayed: Vec<f32>,
    /// The same at each waypoint and at the end.
    pub missed: Vec<f32>,
    /// Seconds that a step of a sixtieth of a second takes, live.
    pub step: f64,
    /// The jerkiest moment of the clip as the model made it.
    pub before: Peak,
    /// The same after correction.
    pub after: Peak,
}

/// The largest second difference of any joint's position.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    /// Metres a frame squared.
    pub size: f32,
    /// Whose.
    pub joint: usize,
    /// When.
    pub frame: usize,
}

impl Case {
    /// Corrects and measures.
    pub fn run(&self, options: &ContactOptions) -> Outcome {
        let clip = &self.clip;
        let began = Instant::now();
        let corrected = correct(clip, &self.object, options).expect("a clip");
        let seconds = began.elapsed().as_secs_f64();
        let measure = ReportOptions {
            mass: self.object.mass(),
            friction: self.object.friction(),
            ..ReportOptions::default()
        };
        let report = |clip| ContactReport::of(clip, self.object.geometry(), &measure);
        let center = |clip: &chois::MotionClip, f: usize| {
            self.object.place(&clip.frames[f]).translation.vector
        };
        let away = |f: usize| (center(&corrected.clip, f) - center(clip, f)).norm();
        let last = clip.frames.len() - 1;
        let missed = (self.goals.iter())
            .map(|(f, wanted)| (center(&corrected.clip, *f) - wanted).xy().norm())
            .collect();
        let strayed = (0..=last).map(away).collect();
        let (before, after) = (peak(clip), peak(&corrected.clip));
        Outcome {
            comparison: Comparison {
                before: report(clip).expect("a report"),
                after: report(&corrected.clip).expect("a report"),
            },
            corrected,
            seconds,
            step: self.live(options),
            strayed,
            missed,
            before,
            after,
        }
    }
}

impl Case {
    /// Mean seconds of a live step.
    fn live(&self, options: &ContactOptions) -> f64 {
        let clip = Arc::new(self.clip.clone());
        let mut live = LiveContact::new(clip, &self.object, options).expect("prepared");
        let (began, mut steps) = (Instant::now(), 0);
        while !live.is_over() {
            live.advance(1.0 / 60.0).expect("a step");
            steps += 1;
        }
        began.elapsed().as_secs_f64() / f64::from(steps)
    }
}

/// The jerkiest moment of a clip.
fn peak(clip: &chois::MotionClip) -> Peak {
    let joints: Vec<_> = (0..clip.frames.len()).map(|f| clip.joints(f)).collect();
    let mut most = Peak::default();
    for (f, w) in joints.windows(3).enumerate() {
        for joint in 0..w[0].len() {
            let size = (w[2][joint] - w[1][joint] * 2.0 + w[0][joint]).norm();
            if size > most.size {
                most = Peak {
                    size,
                    joint,
                    frame: f + 1,
                };
            }
        }
    }
    most
}

/// A share of some values, 0.5 for the median.
pub fn quantile(values: &mut [f32], share: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = ((values.len() as f32 - 1.0) * share).round() as usize;
    values.get(at).copied().unwrap_or(f32::NAN)
}

/// The share of the frames of many clips in which a hand that holds is deeper in the object than flesh gives: below 0.05, the
/// 95th percentile of all depths is below [`chois::contact::report::DEEP`]. All clips are as long.
pub fn deep(outcomes: &[Outcome], report: impl Fn(&Outcome) -> &ContactReport) -> f64 {
    let shares: Vec<f64> = (outcomes.iter())
        .filter_map(|o| Some(report(o).hand_penetration.as_ref()?.deep))
        .collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}

/// The table of many outcomes: a line for each measure, before and after.
pub fn table(outcomes: &[Outcome]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut line =
        |name: &str, value: &dyn Fn(&ContactReport) -> Option<f64>, share: f32, unit: f64| {
            let pick = |report: &dyn Fn(&Outcome) -> &ContactReport| {
                let mut values: Vec<f32> = (outcomes.iter())
                    .filter_map(|o| value(report(o)))
                    .map(|v| (v * unit) as f32)
                    .collect();
                quantile(&mut values, share)
            };
            let (before, after) = (
                pick(&|o| &o.comparison.before),
                pick(&|o| &o.comparison.after),
            );
            let _ = writeln!(out, "| {name} | {before:.2} | {after:.2} |");
        };
    line(
        "palm to surface in contact, median of clips' medians, cm",
        &|r| r.hand_distance.as_ref().map(|d| d.median),
        0.5,
        100.0,
    );
    line(
        "palm to surface in contact, worst clip's median, cm",
        &|r| r.hand_distance.as_ref().map(|d| d.median),
        1.0,
        100.0,
    );
    line(
        "palm to surface in contact, median of clips' 95th percentiles, cm",
        &|r| r.hand_distance.as_ref().map(|d| d.p95),
        0.5,
        100.0,
    );
    line(
        "the same, 95% of clips, cm",
        &|r| r.hand_distance.as_ref().map(|d| d.p95),
        0.95,
        100.0,
    );
    line(
        "slip of the contact point, total a hold, median clip, cm",
        &|r| r.slip.as_ref().map(|s| s.mean),
        0.5,
        100.0,
    );
    line(
        "the same, worst hold of 95% of clips, cm",
        &|r| r.slip.as_ref().map(|s| s.worst),
        0.95,
        100.0,
    );
    line(
        "hand inside object, 95th percentile depth, median clip, cm",
        &|r| r.hand_penetration.as_ref().map(|d| d.p95),
        0.5,
        100.0,
    );
    line(
        "the same, 95% of clips, cm",
        &|r| r.hand_penetration.as_ref().map(|d| d.p95),
        0.95,
        100.0,
    );
    line(
        "body inside object, 95th percentile depth, median clip, cm",
        &|r| r.body_penetration.as_ref().map(|d| d.p95),
        0.5,
        100.0,
    );
    line(
        "object below floor, worst frame of all clips, cm",
        &|r| r.object_below_floor,
        1.0,
        100.0,
    );
    line(
        "unexplained impulse on the untouched object, median clip, N s",
        &|r| r.unexplained_impulse,
        0.5,
        1.0,
    );
    line(
        "the same, 95% of clips, N s",
        &|r| r.unexplained_impulse,
        0.95,
        1.0,
    );
    line("foot skate FS, median clip", &|r| r.foot_skate, 0.5, 100.0);
    line(
        "foot skate FS, 95% of clips",
        &|r| r.foot_skate,
        0.95,
        100.0,
    );
    line(
        "hand jerk, 99th percentile, median clip, m/s3",
        &|r| r.hand_jerk.as_ref().map(|j| j.p99),
        0.5,
        1.0,
    );
    let mut strayed: Vec<f32> = outcomes.iter().flat_map(|o| o.strayed.clone()).collect();
    let mut medians: Vec<f32> = (outcomes.iter())
        .map(|o| quantile(&mut o.strayed.clone(), 0.5))
        .collect();
    let mut missed: Vec<f32> = outcomes.iter().flat_map(|o| o.missed.clone()).collect();
    let mut ratios: Vec<f32> = (outcomes.iter())
        .map(|o| o.after.size / o.before.size)
        .collect();
    let mut steps: Vec<f32> = outcomes.iter().map(|o| o.step as f32).collect();
    let mut seconds: Vec<f32> = outcomes.iter().map(|o| o.seconds as f32).collect();
    let _ = writeln!(
        out,
        "object's way from the model's: median {:.1} cm, 95% {:.1} cm, worst clip's median {:.1} cm",
        quantile(&mut strayed, 0.5) * 100.0,
        quantile(&mut strayed, 0.95) * 100.0,
        quantile(&mut medians, 1.0) * 100.0
    );
    let _ = writeln!(
        out,
        "waypoints and end missed by: median {:.1} cm, 95% {:.1} cm, most {:.1} cm",
        quantile(&mut missed, 0.5) * 100.0,
        quantile(&mut missed, 0.95) * 100.0,
        quantile(&mut missed, 1.0) * 100.0
    );
    let _ = writeln!(
        out,
        "peak joint acceleration over the clip's: median {:.2}, 95% {:.2}, most {:.2}",
        quantile(&mut ratios, 0.5),
        quantile(&mut ratios, 0.95),
        quantile(&mut ratios, 1.0)
    );
    let _ = writeln!(
        out,
        "a live step: median {:.0} microseconds, 95% {:.0}",
        quantile(&mut steps, 0.5) * 1e6,
        quantile(&mut steps, 0.95) * 1e6
    );
    let _ = writeln!(
        out,
        "correcting: median {:.0} ms, 95% {:.0} ms ({} clips)",
        quantile(&mut seconds, 0.5) * 1e3,
        quantile(&mut seconds, 0.95) * 1e3,
        outcomes.len()
    );
    let _ = writeln!(
        out,
        "| hand deeper than 0.5 cm in the object, % of all frames of all clips | {:.1} | {:.1} |",
        100.0 * deep(outcomes, |o| &o.comparison.before),
        100.0 * deep(outcomes, |o| &o.comparison.after),
    );
    out
}
