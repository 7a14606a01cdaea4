//! Training data that is made: the same whatever the threads, of every kind, judged, read back, and clear when it cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chois::Result;
use chois::clip::{read_clip, write_clip};
use chois::contact::report::{ContactReport, ReportOptions};
use chois::geometry::ObjectGeometry;
use chois::text::TextEncoder;
use chois::training::dataset::Dataset;
use chois::training::locomotion;
use chois::training::synthetic::limits::{Limits, Rejection};
use chois::training::synthetic::words::Action;
use chois::training::synthetic::{Settings, Summary, synthesize};

/// A sentence encoder that only counts.
struct Letters;

impl TextEncoder for Letters {
    fn dimension(&self) -> usize {
        1
    }
    fn name(&self) -> &str {
        "letters"
    }
    fn encode(&self, sentence: &str) -> Result<Vec<f32>> {
        Ok(vec![sentence.len() as f32])
    }
}

/// Own motion only, few objects.
fn own(out: &Path, hours: f64) -> Settings {
    Settings {
        hours,
        own_motion_only: true,
        made: 3,
        ..Settings::new(out)
    }
}

fn run(settings: &Settings) -> Result<Summary> {
    synthesize(settings, &mut |_, _| {})
}

/// Every file of a folder and its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for name in ["clips", "objects"] {
        for entry in std::fs::read_dir(folder.join(name)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            out.insert(path.strip_prefix(folder).expect("inside").to_owned(), bytes);
        }
    }
    out
}

/// Walks only but for a clip or two.
fn walking(out: &Path, hours: f64, seed: u64) -> Settings {
    Settings {
        seed,
        walking: hours,
        actions: vec![Action::Turn],
        ..own(out, 0.0005)
    }
}

#[test]
fn walks_are_made_judged_and_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = |name: &str, threads: usize, seed: u64| {
        let out = folder.path().join(name);
        let settings = Settings {
            threads,
            ..walking(&out, 0.05, seed)
        };
        let summary = run(&settings).expect("a corpus");
        (
            summary,
            locomotion::read(&out.join("walks")).expect("walks"),
        )
    };
    let (summary, walks) = corpus("one", 1, 4);
    let (again, same) = corpus("two", 2, 4);
    assert_eq!(summary, again);
    assert_eq!(summary.walks.clips, walks.len());
    let (mut frames, mut fastest, mut backward) = (0, 0.0f32, 0);
    for (walk, twin) in walks.iter().zip(&same) {
        let [clip] = walk.clips.as_slice() else {
            panic!("{} clips", walk.clips.len());
        };
        assert_eq!(clip, &twin.clips[0]);
        assert!(!clip.has_object() && locomotion::SENTENCES.contains(&clip.text.as_str()));
        let figures = Limits::default()
            .judge_walk(clip)
            .expect("what was promised");
        assert!(figures.foot_skate > 0.0 && figures.acceleration > 1.0);
        for w in clip.frames.windows(2) {
            let step = w[1].pose.root - w[0].pose.root;
            let speed = step.xy().norm() * clip.fps;
            fastest = fastest.max(speed);
            let ahead = w[0].pose.rotations[0] * nalgebra::Vector3::z();
            backward += usize::from(speed > 0.3 && step.dot(&ahead) < -0.9 * step.norm());
        }
        frames += clip.frames.len();
    }
    let hours = frames as f64 / 30.0 / 3600.0;
    assert!((hours - summary.walks.hours).abs() < 1e-9 && hours >= 0.05);
    // People walk, no one runs, and some go backward.
    assert!((0.9..2.0).contains(&fastest), "{fastest}");
    assert!(backward > 0 && backward * 5 < frames);
    let (_, other) = corpus("other", 1, 5);
    assert_ne!(walks[0].clips, other[0].clips);

    // A walk with a jump in it is not taken, and what has an object is no walk.
    let mut jumping = walks[0].clips[0].clone();
    jumping.frames[20].pose.root.x += 0.3;
    assert_eq!(
        Limits::default().judge_walk(&jumping),
        Err(Rejection::Jitter)
    );
    let clips = folder.path().join("one/clips");
    let error = locomotion::read(&clips)
        .err()
        .expect("no walks")
        .to_string();
    assert!(error.contains("give it by --clips"), "{error}");
    let empty = folder.path().join("one");
    let error = locomotion::read(&empty)
        .err()
        .expect("no walks")
        .to_string();
    assert!(error.contains("no .safetensors"), "{error}");
}

/// The message of what must fail.
fn refused(settings: &Settings) -> String {
    run(settings).expect_err("it cannot be").to_string()
}

#[test]
fn the_same_seed_gives_the_same_files_whatever_the_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = |name: &str, threads: usize, seed: u64| {
        let out = folder.path().join(name);
        let settings = Settings {
            threads,
            seed,
            actions: vec![Action::Push, Action::Carry, Action::Tilt],
            ..own(&out, 0.006)
        };
        let summary = run(&settings).expect("a corpus");
        (summary, files(&out))
    };
    let (one, first) = corpus("one", 1, 4);
    let (three, second) = corpus("three", 3, 4);
    assert_eq!(one, three);
    assert_eq!(first, second);
    assert!(one.clips >= 3, "{}", one.clips);
    let (_, other) = corpus("other", 2, 5);
    assert_ne!(first, other);
}

#[test]
fn every_action_is_done_with_several_things_and_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        made: 4,
        ..own(folder.path(), 0.55)
    };
    let summary = run(&settings).expect("a corpus");
    // What was refused has reasons, and all add up.
    let reasons = summary.tally.rejected.values();
    let refused: usize = reasons.flat_map(BTreeMap::values).sum();
    assert_eq!(refused, summary.tally.refused());
    assert!(refused > 0 && summary.tally.clips() == summary.clips);
    let table = summary.tally.to_string();
    assert!(
        table.contains("made, carry") && table.contains("rejected for"),
        "{table}"
    );

    let mut things: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let clips = folder.path().join("clips");
    let objects = folder.path().join("objects");
    let mut seen = 0;
    for entry in std::fs::read_dir(&clips).expect("clips") {
        let path = entry.expect("an entry").path();
        let clip = read_clip(&path).expect("a clip");
        let action = clip.name.trim_start_matches("made_");
        let action = action.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        assert!(Action::parse(action).is_ok(), "{}", clip.name);
        assert!(!clip.text.contains("{o}") && !clip.text.is_empty());
        things
            .entry(action.to_owned())
            .or_default()
            .insert(clip.object.clone());
        seen += 1;
        if seen % 12 == 0 {
            // What was promised holds for what was written.
            let mesh = objects.join(format!("{}.obj", clip.object));
            let object = ObjectGeometry::load(&mesh, Some(chois::geometry::UpAxis::Z));
            let object = object.expect("a mesh");
            let report = ContactReport::of(
                &clip,
                &object,
                &ReportOptions {
                    skin: false,
                    ..Default::default()
                },
            );
            let report = report.expect("a report");
            let limits = Limits::default();
            assert!(report.foot_skate.expect("feet") <= limits.foot_skate);
            assert!(
                report
                    .hand_distance
                    .is_none_or(|d| d.p95 <= limits.hand_distance + 1e-4)
            );
            assert!(report.object_below_floor.expect("a floor") <= limits.below_floor[0] + 1e-4);
        }
    }
    for action in Action::ALL {
        let count = things
            .get(&action.name().replace(' ', "_"))
            .map_or(0, BTreeSet::len);
        assert!(count >= 3, "{action:?} with {count} things\n{table}");
    }

    let data = Dataset::load(&clips, &objects, &Letters, true).expect("a data set");
    assert_eq!(data.sources.len(), 2 * summary.clips);
    let held = |c: &[f32; 4]| c.iter().any(|c| *c > 0.5);
    for source in &data.sources {
        assert!(source.motion.contact.iter().any(held), "{}", source.name);
    }
}

/// Clips as if they were captured: made ones under a name and with a sentence of the captured vocabulary.
fn as_captured(folder: &Path) -> (PathBuf, PathBuf) {
    let made = folder.join("made");
    let settings = Settings {
        actions: vec![Action::Carry, Action::Push],
        seed: 2,
        ..own(&made, 0.012)
    };
    run(&settings).expect("a corpus");
    let (clips, objects) = (folder.join("clips"), folder.join("objects"));
    std::fs::create_dir_all(&objects).expect("a folder");
    let mut known = BTreeSet::new();
    for entry in std::fs::read_dir(made.join("clips")).expect("clips") {
        let path = entry.expect("an entry").path();
        let mut clip = read_clip(&path).expect("a clip");
        let object = clip.object.clone();
        let kind = object.split('_').next().unwrap_or_default();
        let name = match kind {
            "box" => "smallbox",
            "tub" => "plasticbox",
            "bin" => "trashcan",
            "table" => "smalltable",
            "chair" => "woodchair",
            "lamp" => "floorlamp",
            other => other,
        };
        if name == kind && !["suitcase", "monitor", "tripod"].contains(&kind)
            || !known.insert(name.to_owned())
        {
            continue;
        }
        let mesh = made.join(format!("objects/{}.obj", clip.object));
        std::fs::copy(mesh, objects.join(format!("{name}.obj"))).expect("copied");
        let action = if clip.name.contains("carry") {
            "Lift the X, move the X, and put down the X."
        } else {
            "Push the X, and set it back down."
        };
        clip.text = action.replace('X', name);
        clip.object = name.to_owned();
        write_clip(&clips.join(path.file_name().expect("a name")), &clip).expect("written");
    }
    assert!(!known.is_empty());
    (clips, objects)
}

#[test]
fn captured_clips_are_shown_with_other_things() {
    let folder = tempfile::tempdir().expect("a folder");
    let captured = as_captured(folder.path());
    let settings = Settings {
        captured: Some(captured),
        hours: 0.03,
        made_share: 0.6,
        variants: [3, 3],
        made: 2,
        ..Settings::new(folder.path().join("out"))
    };
    let summary = run(&settings).expect("a corpus");
    assert!(!summary.own_motion_only);
    let kinds: Vec<&String> = summary.tally.taken.keys().collect();
    assert!(
        kinds.iter().any(|k| k.starts_with("captured, ")),
        "{kinds:?}"
    );
    assert!(kinds.iter().any(|k| k.starts_with("made, ")), "{kinds:?}");
    let out = folder.path().join("out");
    let data = Dataset::load(&out.join("clips"), &out.join("objects"), &Letters, false);
    let data = data.expect("a data set");
    assert_eq!(data.sources.len(), summary.clips);
    let bodies: BTreeSet<u32> = (data.sources.iter())
        .map(|s| s.skeleton.height().to_bits())
        .collect();
    assert!(bodies.len() > 2, "people of one size only");
}

#[test]
fn what_cannot_be_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let empty = folder.path().join("empty");
    std::fs::create_dir_all(&empty).expect("a folder");
    for hours in [0.0, -1.0, f64::NAN, 1e9] {
        let message = refused(&own(&out, hours));
        assert!(message.starts_with("hours: "), "{message}");
    }
    for walking in [-1.0, f64::NAN, 1e9] {
        let message = refused(&Settings {
            walking,
            ..own(&out, 0.01)
        });
        assert!(message.starts_with("walking: "), "{message}");
    }
    let message = refused(&Settings::new(&out));
    assert!(message.starts_with("captured: "), "{message}");
    let message = refused(&Settings {
        locomotion: Some(empty.clone()),
        ..own(&out, 0.01)
    });
    assert!(message.starts_with("own_motion_only: "), "{message}");
    let message = refused(&Settings {
        actions: Vec::new(),
        ..own(&out, 0.01)
    });
    assert!(message.starts_with("actions: "), "{message}");
    let message = refused(&Settings {
        captured: Some((empty.clone(), empty.clone())),
        ..Settings::new(&out)
    });
    assert!(message.contains("holds no .safetensors"), "{message}");
    // Meshes: none, or one that is none.
    let message = refused(&Settings {
        meshes: Some(empty.clone()),
        ..own(&out, 0.01)
    });
    assert!(message.contains("holds no mesh"), "{message}");
    let message = refused(&Settings {
        meshes: Some(folder.path().join("nowhere")),
        ..own(&out, 0.01)
    });
    assert!(
        message.starts_with("cannot read ") && message.contains("nowhere"),
        "{message}"
    );
    let broken = folder.path().join("broken");
    std::fs::create_dir_all(&broken).expect("a folder");
    std::fs::write(broken.join("thing.obj"), "v 0 0 nonsense").expect("written");
    let message = refused(&Settings {
        meshes: Some(broken),
        ..own(&out, 0.01)
    });
    assert!(
        message.contains("thing.obj is not a usable mesh"),
        "{message}"
    );
    // Walking that is not there.
    let (clips, objects) = as_captured(&folder.path().join("captured"));
    let message = refused(&Settings {
        captured: Some((clips, objects)),
        locomotion: Some(folder.path().join("no-walks")),
        ..Settings::new(&out)
    });
    assert!(
        message.starts_with("cannot read ") && message.contains("no-walks"),
        "{message}"
    );
    // Nothing is good enough.
    let message = refused(&Settings {
        limits: Limits {
            acceleration: 1e-3,
            ..Limits::default()
        },
        actions: vec![Action::Push],
        made: 1,
        ..own(&out, 0.01)
    });
    assert!(
        message.starts_with("limits: ") && message.contains("refused for: jitter"),
        "{message}"
    );
    // What was made before is not mixed with.
    let full = folder.path().join("full");
    std::fs::create_dir_all(full.join("clips")).expect("a folder");
    std::fs::write(full.join("clips/old.safetensors"), "").expect("written");
    let message = refused(&own(&full, 0.01));
    assert!(message.starts_with("out: "), "{message}");
    assert!(
        Action::parse("dance")
            .expect_err("none")
            .to_string()
            .contains("kick-carry")
    );
}
