//! What may be said of the checkpoint that was trained on made motion alone.

use chois::diffusion::Flow;
use chois::evaluation::metrics::{feet_height, foot_sliding};
use chois::model::checkpoint::parse_config;
use chois::motion::MotionClip;
use chois::request::{GuidanceConfig, InteractionRequest, WalkRequest};
use chois::skeleton::joint;
use chois::synthesis::{Order, Synthesizer, WalkOrder};
use chois_tests::contact_suite::{assets, object};

fn synthesizer() -> Synthesizer {
    let folder = assets().join("models/chois-own");
    Synthesizer::load(&folder, None, tch::Device::Cpu).expect("the checkpoint")
}

fn walk(synthesizer: &mut Synthesizer, request: &WalkRequest) -> MotionClip {
    let order = WalkOrder {
        request,
        scene: None,
    };
    let walk = synthesizer.walk(&order, &mut |_| Flow::Continue);
    walk.expect("a walk").clip
}

/// Least and largest of a value over a clip.
fn range(clip: &MotionClip, of: impl Fn(&MotionClip, usize) -> f32) -> [f32; 2] {
    (0..clip.frames.len())
        .map(|t| of(clip, t))
        .fold([f32::MAX, f32::MIN], |[a, b], v| [a.min(v), b.max(v)])
}

#[test]
fn nobody_elses_terms_are_on_it() {
    let path = assets().join("models/chois-own/config.json");
    let bytes = std::fs::read(&path).expect("read");
    let config = parse_config(&bytes, &path).expect("a config");
    let said = format!("{} {}", config.provenance.data, config.provenance.licence).to_lowercase();
    for name in ["omomo", "bandai", "research", "nc"] {
        let mut words = said.split(|c: char| !c.is_alphanumeric());
        assert!(!words.any(|word| word == name), "{said}");
    }
    assert!(said.contains("mit or apache-2.0"), "{said}");
}

/// Left to itself, too: what lifts the feet is the network, not guidance. Who slides lifts them by 1 cm.
#[test]
fn it_walks_without_guidance() {
    let mut synthesizer = synthesizer();
    for seed in 0..3 {
        let mut request = WalkRequest::to([2.5, 0.0]).seed(seed);
        request.guidance = GuidanceConfig::off();
        let clip = walk(&mut synthesizer, &request);
        for ankle in [joint::LEFT_ANKLE, joint::RIGHT_ANKLE] {
            let [low, high] = range(&clip, |clip, t| clip.joints(t)[ankle].z);
            assert!(
                high - low > 0.06,
                "seed {seed}: an ankle rises {}",
                high - low
            );
        }
        // Each knee passes the other, both ways.
        let [behind, before] = range(&clip, |clip, t| {
            let joints = clip.joints(t);
            joints[joint::LEFT_KNEE].x - joints[joint::RIGHT_KNEE].x
        });
        assert!(
            before > 0.08 && behind < -0.08,
            "seed {seed}: {behind} {before}"
        );
    }
}

#[test]
fn it_lifts_what_it_never_saw_and_brings_it() {
    let crate_ = object(&assets().join("objects/crate.glb"), &Default::default());
    let request = InteractionRequest::new("Lift the largebox, move the largebox, and put it down.")
        .end([1.2, 0.4, 0.0])
        .seed(2);
    let order = Order {
        request: &request,
        object: crate_.geometry(),
        scene: None,
    };
    let mut synthesizer = synthesizer();
    let generated = synthesizer.generate(&order, &mut |_| Flow::Continue);
    let clip = generated.expect("a clip").clip;
    let [low, high] = range(&clip, |clip, t| clip.frames[t].object_position.z);
    println!("lifted by {}", high - low);
    assert!(high - low > 0.25, "lifted by {}", high - low);
    let held = clip
        .frames
        .iter()
        .filter(|f| f.contact[0] > 0.5 && f.contact[1] > 0.5);
    assert!(
        2 * held.count() > clip.frames.len(),
        "in both hands half of the time"
    );
    let joints: Vec<_> = (0..clip.frames.len()).map(|t| clip.joints(t)).collect();
    let slides = foot_sliding(&joints, feet_height(&joints));
    assert!(slides < 0.004, "{slides} m a frame");
}
