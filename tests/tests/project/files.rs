use std::cell::Cell;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use chois::clip::write_clip;
use chois::motion::edit::{JointTouchUp, RootKey};
use chois::motion::lock::{LockedKey, Part};
use chois::project::file::{
    autosave, autosave_path, newer_autosave, open, parse_project, read_project, save, save_on,
    to_text,
};
use chois::project::{
    Deed, Disk, Edit, History, Library, Lost, Project, RealDisk, Room, Take, TakeId, Verdict,
};
use chois::request::{EndTurn, Method, Variation};
use chois_tests::carry;
use proptest::prelude::*;

use crate::history::minute;
use crate::{project, strips, write_box};

/// A project with a take, its clip in the library.
fn with_take() -> (History, Library) {
    let mut project = project();
    let mut library = Library::default();
    add_take(&mut project, &mut library);
    (History::new(project), library)
}

fn add_take(project: &mut Project, library: &mut Library) -> TakeId {
    let id = TakeId(project.fresh());
    // Rotations that a network made are of unit length but for rounding.
    let mut clip = carry::clip(0.5, 0.0);
    for q in clip.frames.iter_mut().flat_map(|f| &mut f.pose.rotations) {
        *q = nalgebra::UnitQuaternion::new_unchecked(q.into_inner() * 1.000_01);
    }
    library.insert(id, clip);
    let strip = strips(project)[1];
    let strip = project.strip_mut(strip).expect("a strip");
    strip.takes.push(
        Take {
            id,
            seed: 3,
            variations: Vec::new(),
            verdict: Verdict::Open,
            made: None,
            edits: Vec::new(),
        }
        .into(),
    );
    strip.shown = Some(id);
    id
}

#[test]
fn what_is_saved_opens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    write_box(folder.path());
    let path = folder.path().join("scene.chois.ron");
    let (mut history, mut library) = with_take();
    let own = strips(history.project())[1];
    let in_memory = library.shown(history.project().strip(own).expect("a strip"));
    let in_memory = in_memory.expect("a clip");
    save(&mut history, &mut library, &path).expect("saved");
    let text = std::fs::read_to_string(&path).expect("text");
    // A person can read it, and change it.
    for line in [
        "version: 1,",
        "takes: \"scene.takes\",",
        "name: \"box\",",
        "text: \"Lift the box, move the box, and put down the box.\",",
        "deed: Idle,",
    ] {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    let (read, library, missing) = open(&path).expect("opened");
    assert_eq!(missing, []);
    assert_eq!(read, *history.project());
    let shown = read.strip(strips(&read)[1]).expect("a strip");
    let clip = library.shown(shown).expect("a clip");
    assert_eq!(*clip, *in_memory, "what is shown is what is saved");
    // Saved elsewhere, it takes its clips along.
    let other = folder.path().join("deep/other.chois.ron");
    let (mut history, mut library) = (History::new(read), library);
    save(&mut history, &mut library, &other).expect("saved");
    let (read, _, missing) = open(&other).expect("opened");
    assert_eq!(
        read.takes.as_deref(),
        Some(Path::new("other.takes")),
        "{missing:?}"
    );
    assert!(missing.iter().all(|m| matches!(m.what, Lost::Object(_))));
    assert!(path.is_file() && folder.path().join("scene.takes").is_dir());
}

#[test]
fn what_is_missing_is_told_and_the_rest_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scene.chois.ron");
    let (mut history, mut library) = with_take();
    history
        .edit("Avatar and room", |p| {
            p.tracks[0].edit().avatar = Some("ann.glb".into());
            p.room = Some(chois::project::Room {
                file: "room.glb".into(),
                up: None,
            });
            Ok(())
        })
        .expect("edited");
    save(&mut history, &mut library, &path).expect("saved");
    let clips = folder.path().join("scene.takes");
    for entry in std::fs::read_dir(&clips).expect("a folder") {
        std::fs::write(entry.expect("an entry").path(), b"no clip").expect("written");
    }
    let (project, mut library, missing) = open(&path).expect("it opens all the same");
    let told: Vec<String> = missing.iter().map(ToString::to_string).collect();
    for (words, remedy) in [
        ("object \"box\"", "relink the object"),
        ("ann.glb", "relink the avatar"),
        ("room.glb", "relink the room"),
        ("take 6", "generate the strip again"),
    ] {
        let line = told
            .iter()
            .find(|l| l.contains(words))
            .unwrap_or_else(|| panic!("{words}: {told:#?}"));
        assert!(line.contains(remedy) && line.lines().count() == 1, "{line}");
    }
    assert_eq!(missing.len(), 4);
    let object = project.objects[0].id;
    assert!(
        library
            .thing(object)
            .expect("a box stands for it")
            .placeholder
    );
    let refused = project
        .task(&library, strips(&project)[0])
        .map(|task| task.is_some());
    assert!(refused.expect("a walk needs no box"));
    // Relinked, it is there.
    write_box(folder.path());
    let missing = library.load(&project, folder.path());
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(!library.thing(object).expect("the box").placeholder);
}

#[test]
fn what_cannot_be_read_is_refused_in_one_sentence() {
    let good = to_text(&project()).expect("text");
    let says = |text: &str| {
        let error = parse_project(text.as_bytes(), Path::new("a.chois.ron"));
        let error = error.expect_err("a fault").to_string();
        assert!(
            error.contains("a.chois.ron") && error.lines().count() == 1,
            "{error}"
        );
        error
    };
    let swap = |from: &str, to: &str| {
        assert!(good.contains(from), "{from:?} is not in:\n{good}");
        says(&good.replacen(from, to, 1))
    };
    for (from, to, words) in [
        ("version: 1", "version: 2", "newer program"),
        ("version: 1", "version: 2, colour: \"red\"", "newer program"),
        ("version: 1", "version: 0", "never written"),
        (
            "seconds: 2.0",
            "seconds: 0.2",
            "tracks[0].strips[0].seconds",
        ),
        ("seconds: 2.0", "sekonds: 2.0", "sekonds"),
        ("seconds: 3.0", "seconds: 4.0", "overlap"),
        ("object: 1", "object: 77", "none of the objects"),
        ("id: 2", "id: 3", "there twice"),
        ("id: 2", "id: 99", "raise next"),
        ("name: \"box\"", "name: \" \"", "objects[0].name"),
        ("file: \"box.obj\"", "file: \"\"", "objects[0].file"),
        (
            "1.5, 0.0, 0.0",
            "1.5, NaN, 0.0",
            "objects[0].place.position",
        ),
        (
            "1.5, 0.0, 0.0",
            "1.5, 0.0, 9.0",
            "objects[0].place.position",
        ),
        ("text: \"Lift", "text: \"\", // \"Lift", "text: is empty"),
    ] {
        let error = swap(from, to);
        assert!(error.contains(words), "{words:?} is not in: {error}");
    }
    assert!(says("").contains("line 1"));
    assert!(says("(version: 1, tracks: [").contains("line 1"));
    let error = read_project(Path::new("none.chois.ron")).expect_err("no file");
    assert!(error.to_string().contains("none.chois.ron"));
    let mut history = History::new(project());
    let error = save(&mut history, &mut Library::default(), Path::new("a.ron"));
    assert!(
        error
            .expect_err("no project's name")
            .to_string()
            .contains(".chois.ron")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_byte_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 1..12),
    ) {
        let mut bytes = to_text(&minute()).expect("text").into_bytes();
        for (at, how, with) in changes {
            if bytes.is_empty() {
                break;
            }
            let i = at.index(bytes.len());
            match how {
                0 => bytes[i] = with,
                1 => {
                    bytes.remove(i);
                }
                2 => bytes.insert(i, with),
                3 => bytes.truncate(i.max(1)),
                // A piece once more: nesting, and fields twice.
                _ => {
                    let end = (i + usize::from(with)).min(bytes.len());
                    let piece = bytes[i..end].to_vec();
                    bytes.splice(i..i, piece);
                }
            }
        }
        match parse_project(&bytes, Path::new("a.chois.ron")) {
            Ok(project) => {
                project.validate().expect("what is read is valid");
                let text = to_text(&project).expect("text");
                prop_assert_eq!(parse_project(text.as_bytes(), Path::new("b.chois.ron")).expect("read"), project);
            }
            Err(error) => prop_assert!(error.to_string().contains("a.chois.ron")),
        }
    }
}

/// A disk that fails at one of its operations, leaving half a file as a full one does.
struct Full {
    left: Cell<usize>,
}

impl Full {
    fn fails(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0
    }
}

impl Disk for Full {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.fails() {
            std::fs::write(path, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.fails() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.rename(from, to)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if self.fails() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.create_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

#[test]
fn a_full_disk_leaves_the_old_project_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    write_box(folder.path());
    let path = folder.path().join("scene.chois.ron");
    let (mut history, mut library) = with_take();
    save(&mut history, &mut library, &path).expect("saved");
    let old = history.project().clone();
    history
        .edit("Take", |p| {
            add_take(p, &mut library);
            Ok(())
        })
        .expect("edited");
    let mut failures = 0;
    loop {
        let disk = Full {
            left: Cell::new(failures),
        };
        // Another folder, so that all clips are to be written, and the same one.
        let saved = save_on(&disk, &mut history, &mut library, &path);
        let (read, _, missing) = open(&path).expect("a whole project");
        assert_eq!(missing, []);
        let names = std::fs::read_dir(folder.path())
            .expect("a folder")
            .chain(std::fs::read_dir(folder.path().join("scene.takes")).expect("a folder"));
        for name in names {
            let name = name.expect("an entry").file_name();
            assert!(!name.to_string_lossy().ends_with(".part"), "{name:?}");
        }
        match saved {
            Ok(()) => {
                assert_eq!(read, *history.project());
                break;
            }
            Err(error) => {
                assert!(error.to_string().contains("cannot write"), "{error}");
                assert_eq!(read.strips(), old.strips(), "the old one");
            }
        }
        failures += 1;
    }
    // A clip (folder, file, name) and the document.
    assert!(failures >= 4, "{failures} ways to fail");
}

#[test]
fn what_was_not_saved_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    write_box(folder.path());
    let path = folder.path().join("scene.chois.ron");
    let (mut history, mut library) = with_take();
    assert_eq!(newer_autosave(&path).expect("a name"), None);
    save(&mut history, &mut library, &path).expect("saved");
    let saved = history.project().clone();
    history
        .edit("Take", |p| {
            add_take(p, &mut library);
            Ok(())
        })
        .expect("edited");
    let auto = autosave(&history, &mut library, &path).expect("saved by itself");
    assert_eq!(newer_autosave(&path).expect("a name"), Some(auto.clone()));
    assert_eq!(open(&path).expect("opened").0.strips(), saved.strips());
    let (read, _, missing) = open(&auto).expect("opened");
    assert_eq!(
        (read.strips(), missing),
        (history.project().strips(), vec![])
    );
    // Whoever goes on with the old one does not write over the new one's clip.
    let (old, ..) = open(&path).expect("opened");
    assert_eq!(old.next, history.project().next);
    save(&mut history, &mut library, &path).expect("saved");
    assert!(!autosave_path(&path).expect("a name").exists());
    assert_eq!(newer_autosave(&path).expect("a name"), None);
}

#[test]
fn a_minute_opens_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("minute.chois.ron");
    let mut history = History::new(minute());
    save(&mut history, &mut Library::default(), &path).expect("saved");
    // 150 frames for each of the 48 takes.
    let mut clip = carry::clip(0.5, 0.0);
    clip.frames.extend_from_within(..30);
    let one = folder.path().join("one.safetensors");
    write_clip(&one, &clip).expect("written");
    let takes = folder.path().join("minute.takes");
    std::fs::create_dir_all(&takes).expect("a folder");
    for (_, strip) in history.project().strips() {
        for take in &strip.takes {
            let to = takes.join(format!("{}.safetensors", take.id.0));
            std::fs::copy(&one, to).expect("copied");
        }
    }
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let (_, _, missing) = open(&path).expect("opened");
        least = least.min(began.elapsed());
        assert_eq!(missing, []);
    }
    println!("a minute of 12 strips and 48 takes opens in {least:?}");
    assert!(least < Duration::from_millis(300), "{least:?}");
}

#[test]
fn everything_that_can_be_said_is_read_as_it_was_written() {
    let mut project = project();
    let mut library = Library::default();
    let first = add_take(&mut project, &mut library);
    let second = add_take(&mut project, &mut library);
    let all = strips(&project);
    let strip = project.strip_mut(all[1]).expect("a strip");
    strip.guidance.contact = 0.25;
    strip.sampling.method = Method::Ddim;
    let clip = chois_tests::carry::clip(0.5, 0.0);
    let parts = vec![
        Part::Body,
        Part::Object,
        Part::LeftHand,
        Part::RightHand,
        Part::Joint("left_elbow".into()),
    ];
    strip.keys = vec![LockedKey::of(&clip, 1.5, parts).expect("a moment")];
    if let Deed::Interact {
        turn, waypoints, ..
    } = &mut strip.deed
    {
        *turn = Some(EndTurn {
            yaw: 45.0,
            alike: 2,
        });
        waypoints[0].time = Some(1.5);
    }
    let take = strip
        .takes
        .iter_mut()
        .find(|t| t.id == second)
        .expect("a take")
        .edit();
    take.made = Some("0123456789abcdef".into());
    take.verdict = Verdict::Accepted;
    take.variations = vec![Variation {
        seed: 4,
        amount: 0.35,
    }];
    take.edits = vec![
        Edit::Contact {
            left: vec![[0.5, 1.0], [2.0, 3.0]],
            right: Vec::new(),
            keys: LockedKey::of(&carry::clip(0.5, 0.0), 1.0, vec![Part::RightHand])
                .into_iter()
                .collect(),
        },
        Edit::Trim { from: 0.5, to: 3.5 },
        Edit::Warp {
            keys: vec![[0.0, 0.0], [3.0, 2.0]],
        },
        Edit::Loop {
            seconds: 0.5,
            travels: true,
        },
        Edit::Blend {
            with: first,
            share: 0.3,
        },
        Edit::Joint(JointTouchUp {
            joint: "left_wrist".into(),
            at: 1.0,
            rise: 0.2,
            hold: 0.1,
            fall: 0.3,
            turn: [1.0, 2.0, 3.0],
        }),
        Edit::Path {
            keys: vec![RootKey {
                at: 1.0,
                shift: [0.1, -0.2],
            }],
        },
    ];
    let track = project.tracks[0].edit();
    track.avatar = Some("ann.glb".into());
    project.room = Some(Room {
        file: "room.glb".into(),
        up: Some(chois::geometry::UpAxis::Y),
    });
    let object = project.objects[0].id;
    let object = project.object_mut(object).expect("a box");
    object.contact.mass = Some(3.0);
    object.place.rotation = Some([0.0, 0.0, 0.0, 1.0]);
    let text = to_text(&project).expect("text");
    let read = parse_project(text.as_bytes(), Path::new("a.chois.ron")).expect("read");
    assert_eq!(read, project, "{text}");

    // A moment that hands are held at is a pose, too.
    let track = project.tracks[0].edit();
    let takes = track.strips.iter_mut().flat_map(|s| &mut s.edit().takes);
    for take in takes {
        for edit in &mut take.edit().edits {
            if let Edit::Contact { keys, .. } = edit {
                keys[0].pose.root.x = f32::NAN;
            }
        }
    }
    let refused = project.validate().expect_err("no pose").to_string();
    assert!(refused.contains("keys[0].pose.root"), "{refused}");
}
