//! An evaluator is trained, told from chance, written and read back; what is held out stays apart.

use chois::clip::write_clip;
use chois::diffusion::Flow;
use chois::evaluation::evaluator::{
    CONFIG_VERSION, Evaluator, EvaluatorConfig, EvaluatorTraining, HeldOut, Judge, Widths, Words,
};
use chois::model::Weights;
use chois::model::checkpoint::{CONFIG_FILE, WEIGHTS_FILE};
use chois::motion::{Frame, MotionClip};
use chois::skeleton::{Pose, ROTATIONS};
use chois::text::{MiniLm, TextEncoder};
use chois::training::dataset::Dataset;
use chois::training::evaluator::{EvaluatorTrainer, held_out, split};
use chois::training::hold_out::{self, HoldOut};
use chois::training::locomotion::Walks;
use chois::{Error, Result};
use chois_tests::{carry, tiny};
use nalgebra::{UnitQuaternion, Vector3};

/// Sentences that differ in a number only, of which there are so many.
const KINDS: usize = 16;

/// Reads the number of "sentence 7".
struct Numbers;

impl Numbers {
    fn one_hot(sentence: &str) -> Vec<f32> {
        let digits: String = sentence.chars().filter(char::is_ascii_digit).collect();
        let kind = digits.parse::<usize>().unwrap_or_default() % KINDS;
        (0..KINDS).map(|k| f32::from(u8::from(k == kind))).collect()
    }
}

impl TextEncoder for Numbers {
    fn dimension(&self) -> usize {
        KINDS
    }
    fn name(&self) -> &str {
        "numbers"
    }
    fn encode(&self, sentence: &str) -> Result<Vec<f32>> {
        Ok(Self::one_hot(sentence))
    }
}

impl Words for Numbers {
    fn words(&self, sentence: &str) -> Result<Vec<Vec<f32>>> {
        // As many words as the number says, so that lengths differ.
        let word = Self::one_hot(sentence);
        let count = 1 + word.iter().position(|w| *w > 0.0).unwrap_or_default() % 3;
        Ok(vec![word; count])
    }
    fn name(&self) -> &str {
        "numbers"
    }
}

/// Someone who drifts in one of 16 ways, never twice quite alike.
fn drift(kind: usize, take: usize) -> MotionClip {
    let wobble = ((take * 7919 + kind * 3571) % 997) as f32 / 997.0;
    let speed = 0.2 + 0.35 * (kind / 4) as f32 + 0.03 * wobble;
    let heading = -1.2 + 0.8 * (kind % 4) as f32 + 0.1 * (wobble - 0.5);
    let frame = |t: usize| {
        let way = speed * t as f32 / 30.0;
        let bob = 0.02 * (t as f32 * 0.3 + 6.0 * wobble).sin();
        Frame {
            pose: Pose {
                root: Vector3::new(way * heading.cos(), way * heading.sin(), 0.95 + bob),
                rotations: [UnitQuaternion::identity(); ROTATIONS],
            },
            object_position: Vector3::zeros(),
            object_rotation: UnitQuaternion::identity(),
            contact: [0.0; 4],
        }
    };
    MotionClip {
        name: format!("drift_{kind}_{take}"),
        subject: String::new(),
        object: String::new(),
        text: format!("sentence {kind}"),
        fps: 30.0,
        skeleton: tiny::checkpoint().skeleton(),
        frames: (0..150).map(frame).collect(),
    }
}

fn drifts(takes: std::ops::Range<usize>) -> Dataset {
    let walks: Vec<Walks> = takes
        .flat_map(|take| (0..KINDS).map(move |kind| drift(kind, take)))
        .map(|clip| Walks {
            name: clip.name.clone(),
            clips: vec![clip],
        })
        .collect();
    Dataset::of_walks(&walks, &Numbers, false).expect("a data set")
}

fn widths() -> Widths {
    Widths {
        movement_hidden: 24,
        movement_latent: 16,
        motion_hidden: 24,
        text_hidden: 16,
        embedding: 8,
        words: KINDS as i64,
        parts_of_speech: 1,
    }
}

fn settings(steps: u64) -> EvaluatorTraining {
    EvaluatorTraining {
        steps,
        batch: 16,
        rate: 4e-3,
        margin: 4.0,
        dropout: 0.05,
        ..EvaluatorTraining::default()
    }
}

/// Weights after so many steps, and the loss of each.
fn train(data: &Dataset, steps: u64) -> (Weights, Vec<f64>) {
    let mut trainer =
        EvaluatorTrainer::new(data, &Numbers, widths(), settings(steps)).expect("a trainer");
    let mut losses = Vec::new();
    trainer
        .run(&mut |report| {
            losses.push(report.loss);
            Flow::Continue
        })
        .expect("trained");
    (trainer.weights(), losses)
}

fn config() -> EvaluatorConfig {
    EvaluatorConfig {
        version: CONFIG_VERSION,
        widths: widths(),
        words: "numbers".into(),
        training: settings(1),
        data: "drifts".into(),
        licence: "none".into(),
        held_captures: Vec::new(),
        held_sentences: Vec::new(),
        on_motions: HeldOut::default(),
        on_sentences: HeldOut::default(),
    }
}

fn bytes(weights: &Weights) -> Vec<(String, Vec<u32>)> {
    let bits = |t: &tch::Tensor| -> Vec<u32> {
        let values = Vec::<f32>::try_from(&t.reshape([-1])).expect("floats");
        values.into_iter().map(f32::to_bits).collect()
    };
    weights
        .iter()
        .map(|(n, t)| (n.to_owned(), bits(t)))
        .collect()
}

#[test]
fn training_lowers_the_loss_and_finds_motions_that_it_never_saw() {
    chois::device::set_threads(1);
    let data = drifts(0..4);
    let (weights, losses) = train(&data, 120);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[110..]));
    assert!(last < 0.8 * first, "{first} to {last}");

    let folder = tempfile::tempdir().expect("a folder");
    Evaluator::save(folder.path(), &config(), &weights).expect("written");
    let evaluator = Evaluator::load(folder.path()).expect("an evaluator");
    let unseen = drifts(4..6);
    let held = held_out(&evaluator, &Numbers, &unseen).expect("measured");
    assert_eq!((held.windows, held.sentences), (32, KINDS));
    // Each sentence is twice among 32: chance finds its own at 3 in 32, knowledge at 2 of 2.
    let found = held.r_precision.expect("a full pool");
    assert!(found[1] > 0.3 && found[2] >= found[1], "{found:?}");

    // A judge likes the right motions better than another's, and says so in every figure.
    let choices = unseen.windows(60);
    let sentences: Vec<&str> = (choices.iter())
        .map(|c| unseen.sources[c.source].text.as_str())
        .collect();
    let motions: Vec<_> = choices.iter().map(|c| unseen.window(c).0.joints).collect();
    let judge = Judge::new(&evaluator, &Numbers, &sentences, &motions).expect("a judge");
    let right = judge.score(&motions).expect("scores");
    assert!(right.fid.expect("a distance") < 1e-3, "{right:?}");
    let still = vec![vec![motions[0][0]; 120]; motions.len()];
    let wrong = judge.score(&still).expect("scores");
    assert!(wrong.fid > right.fid && wrong.matching > right.matching);
    assert!(wrong.diversity < 1e-6 && right.diversity > 0.1);
    assert!(judge.score(&motions[1..]).is_err());
    struct Others;
    impl Words for Others {
        fn words(&self, sentence: &str) -> Result<Vec<Vec<f32>>> {
            Numbers.words(sentence)
        }
        fn name(&self) -> &str {
            "others"
        }
    }
    let error = Judge::new(&evaluator, &Others, &sentences, &motions).err();
    let error = error.expect("other words").to_string();
    assert!(
        error.contains("trained on numbers, not on others"),
        "{error}"
    );
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    chois::device::set_threads(1);
    let data = drifts(0..1);
    let (one, losses) = train(&data, 4);
    let (two, again) = train(&data, 4);
    assert_eq!(bytes(&one), bytes(&two));
    assert_eq!(losses, again);
    let mut other = settings(4);
    other.seed += 1;
    let trainer = EvaluatorTrainer::new(&data, &Numbers, widths(), other).expect("a trainer");
    assert_ne!(bytes(&trainer.weights()), bytes(&one));
    let narrow = Widths {
        words: 3,
        ..widths()
    };
    let error = EvaluatorTrainer::new(&data, &Numbers, narrow, settings(4)).err();
    assert!(
        error
            .expect("other words")
            .to_string()
            .contains("3 numbers")
    );
    let mut stopped = EvaluatorTrainer::new(&data, &Numbers, widths(), settings(4)).expect("one");
    let result = stopped.run(&mut |_| Flow::Cancel);
    assert!(matches!(result, Err(Error::Cancelled)));
}

#[test]
fn unusable_folders_are_named_in_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("evaluator");
    let refused = |words: &[&str]| {
        let error = Evaluator::load(&place).err().expect("unusable").to_string();
        assert!(!error.contains('\n'), "{error}");
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    };
    refused(&["evaluator", "not a folder", "chois train-evaluator"]);
    let data = drifts(0..1);
    let trainer = EvaluatorTrainer::new(&data, &Numbers, widths(), settings(1)).expect("one");
    let weights = trainer.weights();
    let write = |change: &dyn Fn(&mut serde_json::Value)| {
        Evaluator::save(&place, &config(), &weights).expect("written");
        let path = place.join(CONFIG_FILE);
        let text = std::fs::read(&path).expect("a config");
        let mut json = serde_json::from_slice(&text).expect("JSON");
        change(&mut json);
        std::fs::write(&path, json.to_string()).expect("written");
    };
    write(&|_| ());
    Evaluator::load(&place).expect("usable");
    write(&|json| json["version"] = 99.into());
    refused(&[CONFIG_FILE, "version 99"]);
    write(&|json| json["surprise"] = 1.into());
    refused(&[CONFIG_FILE, "surprise"]);
    write(&|json| json["widths"]["embedding"] = 9.into());
    refused(&[WEIGHTS_FILE, "output_net.3.weight", "config.json asks for"]);
    write(&|json| json["widths"]["text_hidden"] = 1_000_000_000_i64.into());
    refused(&[CONFIG_FILE, "text_hidden", "between 1 and 4096"]);
    write(&|_| ());
    let path = place.join(WEIGHTS_FILE);
    let whole = std::fs::read(&path).expect("weights");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    refused(&[WEIGHTS_FILE, "truncated"]);
    let mut odd = whole.clone();
    let end = odd.len();
    // The last tensor's last number: half precision's NaN.
    odd[end - 2..].copy_from_slice(&[0xff, 0x7f]);
    std::fs::write(&path, &odd).expect("written");
    refused(&[WEIGHTS_FILE, "not finite"]);
    std::fs::remove_file(&path).expect("removed");
    refused(&["cannot read", WEIGHTS_FILE]);
}

/// Clips of a thing that is carried, by these people with these objects.
fn carried(named: &[(&str, &str, &str)]) -> Dataset {
    let folder = tempfile::tempdir().expect("a folder");
    let clips = folder.path().join("clips");
    std::fs::create_dir(&clips).expect("a folder");
    for (name, subject, object) in named {
        let clip = MotionClip {
            name: (*name).to_owned(),
            subject: (*subject).to_owned(),
            object: (*object).to_owned(),
            text: format!("Lift the {object}."),
            ..carry::clip(1.0, 0.0)
        };
        write_clip(&clips.join(format!("{name}.safetensors")), &clip).expect("written");
        let mesh = tiny::cuboid([0.0; 3], [0.4, 0.5, 0.6]);
        let path = folder.path().join(format!("{object}.obj"));
        std::fs::write(path, tiny::obj(&mesh)).expect("written");
    }
    Dataset::load(&clips, folder.path(), &Numbers, true).expect("a data set")
}

#[test]
fn what_is_held_out_is_not_among_what_is_learned() {
    let data = || {
        carried(&[
            ("sub1_box_000", "sub1", "box"),
            ("sub2_box_000", "sub2", "box"),
            ("sub2_table_000", "sub2", "table"),
            ("mirrored_sub2_box_000_000017", "", "box_0017"),
            ("made_push_000003", "", "lamp_0003"),
        ])
    };
    let names = |data: &Dataset| -> Vec<String> {
        let mut names: Vec<String> = data.sources.iter().map(|s| s.name.clone()).collect();
        names.retain(|n| !n.starts_with('~'));
        names.sort();
        names
    };
    let held = |what: &[&str]| -> Result<(Dataset, Dataset)> {
        let what: Vec<HoldOut> = what.iter().map(|w| w.parse().expect("readable")).collect();
        hold_out::split(data(), &what)
    };
    let (kept, out) = held(&["subject=sub2"]).expect("split");
    // What was made of their motion goes with them, mirrored twins too.
    assert_eq!(names(&kept), ["made_push_000003", "sub1_box_000"]);
    assert_eq!((kept.sources.len(), out.sources.len()), (4, 6));
    let (kept, _) = held(&["object=box"]).expect("split");
    assert_eq!(names(&kept), ["made_push_000003", "sub2_table_000"]);
    let (kept, _) = held(&["object=box", "subject=sub2"]).expect("split");
    assert_eq!(names(&kept), ["made_push_000003"]);
    let error = held(&["subject=sub3"]).err().expect("nobody").to_string();
    assert!(
        error.contains("subject=sub3 is about no clip") && error.contains("sub1, sub2"),
        "{error}"
    );
    let error = held(&["object=box", "object=table", "object=lamp"]).err();
    assert!(error.expect("all").to_string().contains("nothing is left"));

    // An evaluator's own split keeps captures and sentences apart, twins and what was made of them included.
    let names: Vec<(String, String, String)> = (0..24)
        .map(|k| {
            (
                format!("sub1_thing{k}_000"),
                "sub1".to_owned(),
                format!("thing{k}"),
            )
        })
        .collect();
    let named: Vec<_> = (names.iter())
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    let parts = split(carried(&named)).expect("split");
    assert_eq!(parts.held_sentences.len(), 2);
    assert_eq!(parts.sentences.sources.len(), 4);
    let total = parts.train.sources.len() + parts.motions.sources.len() + 4;
    assert_eq!(total, 48);
    assert!((4..=6).contains(&parts.motions.sources.len()));
    for source in &parts.train.sources {
        assert!(
            !parts.held_sentences.contains(&source.text),
            "{}",
            source.name
        );
        let own = source.name.trim_start_matches('~');
        assert!(!parts.held_captures.iter().any(|c| c == own), "{own}");
    }
}

#[test]
fn the_shipped_evaluator_tells_a_sentence_from_another() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/models/evaluator");
    let evaluator = Evaluator::load(folder.as_ref()).expect("shipped");
    let encoder = MiniLm::load(&MiniLm::default_folder()).expect("`cargo setup` provides it");
    assert_eq!(evaluator.config.words, Words::name(&encoder));
    let [first, _, third] = evaluator.config.on_motions.r_precision.expect("measured");
    assert!(
        first > 3.0 / 32.0 && third > 9.0 / 32.0,
        "three times chance"
    );
    let sentence = |s: &str| evaluator.sentence(s, &encoder).expect("an embedding");
    let lift = sentence("Lift the box, move the box, and put down the box.");
    let again = sentence("Lift the box, move it, and put down the box.");
    let kick = sentence("Kick the box, and set it back down.");
    assert_eq!(lift.len(), 64);
    assert!((&lift - &again).norm() < 0.5 * (&lift - &kick).norm());
}
