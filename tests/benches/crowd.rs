//! One person and eight: how long a second of their motion takes to make, contact enforced; and how long somebody who is to
//! carry something far stands still before they begin.
//!
//! `cargo bench --profile dev -p chois_tests --bench crowd`; with `-- --threads N` on other than two threads.

use std::time::{Duration, Instant};

use chois::contact::{ContactOptions, ObjectPhysics, PhysicalObject, correct};
use chois::diffusion::Flow;
use chois::geometry::ObjectGeometry;
use chois::motion::MotionClip;
use chois::request::{InteractionRequest, WalkRequest};
use chois::synthesis::{Order, Synthesizer, WalkOrder};
use chois_tests::contact_suite::assets;

/// How often each is made; the median counts.
const ROUNDS: u64 = 5;
/// Metres from one waypoint to the next.
const STEP: f32 = 0.5;

/// A carry of so many seconds, straight on.
fn carry(seconds: f32, seed: u64) -> InteractionRequest {
    let text = "Lift the largebox, move the largebox, and put down the largebox.";
    let metres = 0.7 * (seconds - 2.0);
    let count = (metres / STEP) as usize;
    InteractionRequest::new(text)
        .seconds(seconds)
        .waypoints((1..count).map(|k| [STEP * k as f32, 0.1 * (k as f32).sin()]))
        .end([metres, 0.0, 0.0])
        .seed(seed)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let threads = (arguments.iter().position(|a| a == "--threads"))
        .and_then(|at| arguments.get(at + 1)?.parse().ok())
        .unwrap_or(2);
    tch::set_num_threads(threads);
    let model = assets().join("models/chois-compact");
    let mut synthesizer = Synthesizer::load(&model, None, tch::Device::Cpu).expect("a checkpoint");
    let crate_ = ObjectGeometry::load(&assets().join("objects/crate.glb"), None).expect("a crate");
    let thing = PhysicalObject::new(&crate_, &ObjectPhysics::default()).expect("an object");
    let held = |clip: &MotionClip| {
        correct(clip, &thing, &ContactOptions::default())
            .expect("held")
            .clip
    };
    println!("{threads} threads");

    for people in [1_u64, 8] {
        for seconds in [4.0, 12.0] {
            let mut carries = Vec::new();
            let mut walks = Vec::new();
            // The first warms up.
            for round in 0..=ROUNDS {
                let requests: Vec<_> = (0..people).map(|k| carry(seconds, 8 * round + k)).collect();
                let orders: Vec<_> = (requests.iter())
                    .map(|request| Order {
                        request,
                        object: &crate_,
                        scene: None,
                    })
                    .collect();
                let began = Instant::now();
                let mut motion = 0.0;
                synthesizer.generate_batch(&orders, &mut |_, _| Flow::Continue, &mut |_, made| {
                    motion += held(&made.expect("a carry").clip).seconds();
                });
                carries.push(began.elapsed().div_f32(motion / people as f32));
                let requests: Vec<_> = (0..people)
                    .map(|k| WalkRequest::to([1.2 * seconds, 0.3 * k as f32]).seed(8 * round + k))
                    .collect();
                let orders: Vec<_> = (requests.iter())
                    .map(|request| WalkOrder {
                        request,
                        scene: None,
                    })
                    .collect();
                let began = Instant::now();
                let mut motion = 0.0;
                synthesizer.walk_batch(&orders, &mut |_, _| Flow::Continue, &mut |_, made| {
                    motion += made.expect("a walk").clip.seconds();
                });
                walks.push(began.elapsed().div_f32(motion / people as f32));
            }
            println!(
                "{people} at once, a second of all their motion: carries of {seconds} s, contact enforced {:.3} s; walks as \
                 far {:.3} s",
                median(carries.split_off(1)).as_secs_f32(),
                median(walks.split_off(1)).as_secs_f32()
            );
        }
    }

    for seconds in [4.0, 12.0, 20.0] {
        let [mut first, mut whole] = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            let request = carry(seconds, round);
            let order = Order {
                request: &request,
                object: &crate_,
                scene: None,
            };
            let began = Instant::now();
            let mut begun = None;
            let mut shown = |clip: &MotionClip| {
                let clip = held(clip);
                begun.get_or_insert((began.elapsed(), clip.seconds()));
            };
            // One after the other: who hears of a part hears of the whole later.
            let heard = std::cell::RefCell::new(&mut shown);
            synthesizer.generate_streamed(
                &[order],
                &mut |_, _| Flow::Continue,
                &mut |_, part| (heard.borrow_mut())(&part.clip),
                &mut |_, made| (heard.borrow_mut())(&made.expect("a carry").clip),
            );
            whole.push(began.elapsed());
            first.extend(begun.map(|(after, _)| after));
        }
        println!(
            "a carry of {seconds} s, contact enforced: its beginning is there after {:.2} s, the whole after {:.2} s",
            median(first).as_secs_f32(),
            median(whole).as_secs_f32()
        );
    }
}
