//! A minute of motion: how smooth it is where windows are joined, and whether it drifts.
//!
//! `cargo bench --profile dev -p chois_tests --bench seams`; with `-- --model FOLDER` another checkpoint than the shipped one,
//! with `-- --dump FOLDER` a file of each clip's joints (JSON, metres), to be drawn.

use std::path::PathBuf;

use chois::InteractionRequest;
use chois::diffusion::Flow;
use chois::geometry::ObjectGeometry;
use chois::motion::{FPS, MotionClip, OVERLAP, WINDOW};
use chois::request::{WalkRequest, window_starts};
use chois::synthesis::{Order, Synthesizer, WalkOrder};
use chois_tests::contact_suite::assets;
use nalgebra::Vector3;
use serde_json::json;

/// Length of what is made, seconds.
const SECONDS: f32 = 60.0;
/// How many of each kind.
const SEEDS: u64 = 3;
/// Places on the way, and the size of the eight that it makes, metres.
const PLACES: usize = 28;
const EIGHT: [f32; 2] = [4.0, 1.6];

/// A place on a way that is an eight, gone through so often.
fn eight(share: f32, rounds: f32) -> [f32; 2] {
    let angle = std::f32::consts::TAU * share * rounds;
    [EIGHT[0] * angle.sin(), EIGHT[1] * (2.0 * angle).sin()]
}

/// Speeds and accelerations of the joints, cm a frame and cm a frame squared, at the frames at which windows are joined and
/// at the others.
#[derive(Default)]
struct Smoothness {
    speed: [Vec<f32>; 2],
    acceleration: [Vec<f32>; 2],
}

impl Smoothness {
    fn look(&mut self, clip: &MotionClip) {
        let frames = clip.frames.len();
        let joints: Vec<_> = (0..frames).map(|f| clip.joints(f)).collect();
        let seams: Vec<usize> = (window_starts(frames).iter().skip(1).copied()).collect();
        for t in 1..frames - 1 {
            // A window keeps frames of the one before, and is led on from them.
            let seam = seams
                .iter()
                .any(|start| (*start..start + OVERLAP + 2).contains(&t));
            for j in 0..joints[t].len() {
                let [a, b, c] = [t - 1, t, t + 1].map(|f| joints[f][j]);
                let acceleration: Vector3<f32> = a - b * 2.0 + c;
                self.speed[usize::from(seam)].push((c - b).norm() * 100.0);
                self.acceleration[usize::from(seam)].push(acceleration.norm() * 100.0);
            }
        }
    }

    fn print(&mut self, name: &str) {
        for (what, [inside, seam]) in [
            ("speed, cm a frame", &mut self.speed),
            ("acceleration, cm a frame squared", &mut self.acceleration),
        ] {
            println!(
                "{name}: {what}: inside windows 99% {:.2}, most {:.2}; at seams 99% {:.2}, most {:.2}",
                share(inside, 0.99),
                share(inside, 1.0),
                share(seam, 0.99),
                share(seam, 1.0)
            );
        }
    }
}

fn share(values: &mut [f32], at: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f32 * at).round() as usize)
        .copied()
        .unwrap_or_default()
}

/// How far places are missed, metres, in the first window and in the last.
fn drift(name: &str, missed: &[(usize, f32)], frames: usize) {
    let most = |from: usize, to: usize| {
        let there = missed.iter().filter(|(f, _)| (from..to).contains(f));
        there.map(|(_, way)| *way).fold(0.0, f32::max) * 100.0
    };
    println!(
        "{name}: places missed by at most {:.1} cm in the first window, {:.1} in the last, {:.1} in all",
        most(0, WINDOW),
        most(frames - WINDOW, frames),
        most(0, frames)
    );
}

/// Joints and the object's place, frame by frame, and where windows begin.
fn drawn(clip: &MotionClip) -> serde_json::Value {
    let frames = clip.frames.len();
    let joints: Vec<Vec<[f32; 3]>> = (0..frames)
        .map(|f| clip.joints(f).iter().map(|p| [p.x, p.y, p.z]).collect())
        .collect();
    let object: Vec<[f32; 3]> = (clip.frames.iter())
        .map(|f| f.object_position.into())
        .collect();
    json!({ "joints": joints, "object": object, "starts": window_starts(frames) })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let model = (arguments.iter().position(|a| a == "--model"))
        .and_then(|at| arguments.get(at + 1))
        .map_or_else(|| assets().join("models/chois-compact"), PathBuf::from);
    let dump = (arguments.iter().position(|a| a == "--dump"))
        .and_then(|at| arguments.get(at + 1))
        .map(PathBuf::from);
    let write = |name: String, clip: &MotionClip| {
        if let Some(folder) = &dump {
            std::fs::write(folder.join(name), drawn(clip).to_string()).expect("a file");
        }
    };
    let mut synthesizer = Synthesizer::load(&model, None, tch::Device::Cpu).expect("a checkpoint");

    let mut smooth = Smoothness::default();
    for seed in 0..SEEDS {
        let mut request = WalkRequest::to(eight(1.0, 3.0)).seconds(SECONDS).seed(seed);
        // Three times through an eight of 19 m at 1 m/s.
        let places = 3 * PLACES;
        request = request
            .waypoints((1..places).map(|k| eight(k as f32 / places as f32, 3.0)))
            .facing(60.0);
        request.person.position = eight(0.0, 1.0);
        let order = WalkOrder {
            request: &request,
            scene: None,
        };
        let made = (synthesizer.walk(&order, &mut |_| Flow::Continue)).expect("a walk");
        smooth.look(&made.clip);
        write(format!("walk{seed}.json"), &made.clip);
        let missed: Vec<(usize, f32)> = (made.plan.waypoint_frames.iter())
            .zip(&request.waypoints)
            .map(|(frame, place)| {
                let root = made.clip.frames[*frame].pose.root;
                (*frame, (root.x - place.at[0]).hypot(root.y - place.at[1]))
            })
            .collect();
        drift(&format!("walk {seed}"), &missed, made.clip.frames.len());
    }
    smooth.print("walks");

    let crate_ = ObjectGeometry::load(&assets().join("objects/crate.glb"), None).expect("a crate");
    let mut smooth = Smoothness::default();
    for seed in 0..SEEDS {
        let text = "Lift the largebox, move the largebox, and put down the largebox.";
        let places = 2 * PLACES;
        let [x, y] = eight(1.0, 1.6);
        let request = InteractionRequest::new(text)
            .seconds(SECONDS)
            .waypoints((1..places).map(|k| eight(k as f32 / places as f32, 1.6)))
            .end([x, y, 0.0])
            .seed(seed);
        let order = Order {
            request: &request,
            object: &crate_,
            scene: None,
        };
        let made = (synthesizer.generate(&order, &mut |_| Flow::Continue)).expect("a carry");
        smooth.look(&made.clip);
        write(format!("carry{seed}.json"), &made.clip);
        let missed: Vec<(usize, f32)> = (made.plan.waypoint_frames.iter())
            .zip(&request.waypoints)
            .map(|(frame, place)| {
                let now = &made.clip.frames[*frame];
                let center = now.object_position + now.object_rotation * crate_.center();
                (
                    *frame,
                    (center.x - place.at[0]).hypot(center.y - place.at[1]),
                )
            })
            .collect();
        drift(&format!("carry {seed}"), &missed, made.clip.frames.len());
    }
    smooth.print("carries");
    println!(
        "{SECONDS} s each, {} windows",
        window_starts((SECONDS * FPS) as usize).len()
    );
}
