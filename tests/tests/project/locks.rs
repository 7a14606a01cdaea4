//! What is locked stays, and takes like a take are near it. With the shipped checkpoint: nothing stays near in noise.

use std::sync::{Arc, LazyLock, Mutex};

use chois::diffusion::Flow;
use chois::motion::MotionClip;
use chois::motion::lock::{LockedKey, Part};
use chois::project::generate::{Which, generate};
use chois::project::{
    Deed, Edit, History, Library, Measures, Numbers, Object, ObjectId, Project, Strip, StripId,
};
use chois::project::{TakeId, Track, file};
use chois::request::{InHand, ObjectPlace, PersonPlace, Waypoint};
use chois::skeleton::joint;
use chois::synthesis::Synthesizer;
use chois_tests::contact_suite::{assets, synthesizer};
use nalgebra::{UnitQuaternion, Vector3};

static SHIPPED: LazyLock<Mutex<Synthesizer>> = LazyLock::new(|| Mutex::new(synthesizer()));

/// Somebody carries a crate.
fn stage() -> (Project, Library, StripId) {
    let mut project = Project::default();
    let object = ObjectId(project.fresh());
    project.objects.push(
        Object {
            id: object,
            name: "largebox".into(),
            file: "objects/crate.glb".into(),
            up: None,
            place: ObjectPlace {
                position: [0.7, 0.0, 0.0],
                ..ObjectPlace::default()
            },
            contact: Default::default(),
        }
        .into(),
    );
    let id = StripId(project.fresh());
    let deed = Deed::Interact {
        text: "Lift the largebox, move the largebox, and put down the largebox.".into(),
        object,
        waypoints: vec![Waypoint {
            at: [0.8, 0.7],
            time: None,
        }],
        end: Some([0.6, 1.4, 0.0]),
        turn: None,
        in_hand: InHand::default(),
    };
    let mut strip = Strip::new(id, 0.0, 4.0, deed);
    strip.seed = 7;
    project.tracks.push(
        Track {
            name: "Ann".into(),
            person: PersonPlace::default(),
            strips: vec![strip.into()],
            ..Track::default()
        }
        .into(),
    );
    let mut library = Library::default();
    assert_eq!(library.load(&project, &assets()), []);
    (project, library, id)
}

fn make(project: &mut Project, library: &mut Library, which: Which, count: usize) -> Vec<TakeId> {
    let mut synthesizer = SHIPPED.lock().expect("a synthesizer");
    let before: Vec<TakeId> = all(project);
    generate(
        project,
        library,
        &mut synthesizer,
        which,
        count,
        &mut |_, _| Flow::Continue,
    )
    .expect("generated");
    project.validate().expect("a valid project");
    all(project)
        .into_iter()
        .filter(|id| !before.contains(id))
        .collect()
}

fn all(project: &Project) -> Vec<TakeId> {
    let strips = project.strips().into_iter();
    strips
        .flat_map(|(_, s)| s.takes.iter().map(|t| t.id))
        .collect()
}

fn clip(library: &Library, take: TakeId) -> Arc<MotionClip> {
    library.clip(take).expect("a clip")
}

/// How far apart two takes' joints are, metres: mean over joints and frames.
fn apart(a: &MotionClip, b: &MotionClip) -> f32 {
    let sum: f32 = (0..a.frames.len())
        .map(|f| {
            let pairs = a.joints(f).into_iter().zip(b.joints(f));
            pairs.map(|(p, q)| (p - q).norm()).sum::<f32>() / 24.0
        })
        .sum();
    sum / a.frames.len() as f32
}

/// Hardest that a joint or the object accelerates, metres a frame squared.
fn roughest(clip: &MotionClip) -> f32 {
    let all: Vec<Vec<_>> = (0..clip.frames.len())
        .map(|f| {
            let mut points = clip.joints(f).to_vec();
            points.push(clip.frames[f].object_position);
            points
        })
        .collect();
    let second = |w: &[Vec<nalgebra::Vector3<f32>>]| {
        let points = (0..w[0].len()).map(|j| (w[2][j] - w[1][j] * 2.0 + w[0][j]).norm());
        points.fold(0.0, f32::max)
    };
    all.windows(3).map(second).fold(0.0, f32::max)
}

/// Farthest that joints are from a key's, metres; the object, metres and degrees; the palms, metres.
fn off(clip: &MotionClip, key: &LockedKey) -> (f32, f32, f32, [f32; 2]) {
    let f = key.frame();
    let (now, then) = (clip.joints(f), clip.skeleton.forward(&key.pose));
    let joints = now
        .iter()
        .zip(&then)
        .map(|(a, b)| (a - b).norm())
        .fold(0.0, f32::max);
    let object = key.object.expect("an object");
    let frame = &clip.frames[f];
    let palm = |p: usize| (now[p] - then[p]).norm();
    (
        joints,
        (frame.object_position - object.position).norm(),
        frame
            .object_rotation
            .angle_to(&object.rotation)
            .to_degrees(),
        [palm(joint::LEFT_PALM), palm(joint::RIGHT_PALM)],
    )
}

#[test]
fn what_is_locked_comes_out_as_it_was_with_hands_that_hold() {
    let (mut project, mut library, id) = stage();
    let first = make(&mut project, &mut library, Which::Strip(id), 1)[0];
    let was = clip(&library, first);
    // Other noise, with nothing locked.
    project.strip_mut(id).expect("a strip").seed = 11;
    let free = make(&mut project, &mut library, Which::Strip(id), 1)[0];
    let free = clip(&library, free);
    let everything = vec![Part::Body, Part::Object];
    let thing = library.thing(ObjectId(1)).expect("a crate").clone();
    let slip = |clip: &MotionClip| {
        let measures = Measures::of(clip, Some(&thing));
        let numbers = Numbers::of(clip, Some(&thing), &Deed::Idle, &measures);
        numbers.slip.expect("hands that touch")
    };
    let hands = vec![Part::LeftHand, Part::RightHand];
    let cases: [(&str, Vec<(f32, Vec<Part>)>); 9] = [
        ("a moment", vec![(2.0, everything.clone())]),
        (
            "two moments",
            vec![(1.6, everything.clone()), (2.4, everything)],
        ),
        ("the left hand", vec![(2.0, vec![Part::LeftHand])]),
        ("both hands", vec![(1.8, hands)]),
        ("the body", vec![(2.0, vec![Part::Body])]),
        (
            "a hand and the object",
            vec![(2.2, vec![Part::RightHand, Part::Object])],
        ),
        ("the object", vec![(2.0, vec![Part::Object])]),
        (
            "an elbow",
            vec![(2.6, vec![Part::Joint("left_elbow".into())])],
        ),
        ("a spine", vec![(2.0, vec![Part::Joint("spine3".into())])]),
    ];
    for (name, keys) in cases {
        let keys: Vec<LockedKey> = keys
            .into_iter()
            .map(|(at, parts)| LockedKey::of(&was, at, parts).expect("a moment"))
            .collect();
        project
            .strip_mut(id)
            .expect("a strip")
            .keys
            .clone_from(&keys);
        let take = make(&mut project, &mut library, Which::Strip(id), 1)[0];
        let now = clip(&library, take);
        for key in &keys {
            let (joints, place, turn, palms) = off(&now, key);
            let (fj, fp, ft, fh) = off(&free, key);
            println!(
                "{name}: slip {:.4} m (free {:.4}); joints {joints:.4} m (free {fj:.3}), object {place:.4} m {turn:.2} deg (free {fp:.3}, {ft:.1}), \
                 palms {palms:.4?} (free {fh:.3?}); roughest {:.4} (free {:.4}, first {:.4})",
                slip(&now),
                slip(&free),
                roughest(&now),
                roughest(&free),
                roughest(&was)
            );
            if key.holds(&Part::Body) {
                assert!(fj > 0.03, "{name}: the other take is no other");
                assert!(joints < 0.001, "{name}: {joints}");
            }
            if key.holds(&Part::Object) {
                assert!(place < 0.002 && turn < 0.5, "{name}: {place} {turn}");
            }
            for (hand, part) in [Part::LeftHand, Part::RightHand].iter().enumerate() {
                if key.holds(part) {
                    assert!(palms[hand] < 0.001, "{name}: {palms:?}");
                }
            }
            for j in (0..22).filter(|j| key.holds(&Part::Joint(chois::skeleton::NAMES[*j].into())))
            {
                let turned = now.frames[key.frame()].pose.rotations[j];
                let angle = turned.angle_to(&key.pose.rotations[j]).to_degrees();
                assert!(angle < 0.5, "{name}: {angle}");
            }
        }
        // What holds goes on holding where it does.
        assert!(slip(&now) < 0.01, "{name}: {}", slip(&now));
        // Nothing jumps for it, and it still begins where it began.
        let most = 1.5 * roughest(&free).max(roughest(&was));
        assert!(
            roughest(&now) < most,
            "{name}: {} of {most}",
            roughest(&now)
        );
        assert!((now.frames[0].pose.root - was.frames[0].pose.root).norm() < 1e-3);
        assert!(
            apart(&now, &was) > 1e-3,
            "{name}: the rest is generated anew"
        );
        let again = make(&mut project, &mut library, Which::Strip(id), 1)[0];
        assert_eq!(
            *clip(&library, again),
            *now,
            "{name}: the same seed and keys"
        );
    }
}

#[test]
fn a_hand_that_is_locked_away_from_the_object_does_not_hold_there() {
    let (mut project, mut library, id) = stage();
    let first = make(&mut project, &mut library, Which::Strip(id), 1)[0];
    let was = clip(&library, first);
    // The left arm goes up in the middle of the way, where both hands carry.
    let mut key = LockedKey::of(&was, 2.0, vec![Part::LeftHand]).expect("a moment");
    let up = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), 1.2);
    let arm = [joint::LEFT_SHOULDER, joint::LEFT_ELBOW, joint::LEFT_WRIST];
    for j in arm {
        key.pose.rotations[j] =
            key.pose.rotations[0] * up * key.pose.rotations[0].inverse() * key.pose.rotations[j];
    }
    let free = [0, 1].map(|hand| held(&was, hand).len());
    let strip = project.strip_mut(id).expect("a strip");
    strip.keys = vec![key.clone()];
    let take = make(&mut project, &mut library, Which::Strip(id), 1)[0];
    let now = clip(&library, take);
    let (.., palms) = off(&now, &key);
    let frames = [0, 1].map(|hand| held(&now, hand));
    println!("held {free:?} frames, then {frames:?}; palms off by {palms:.4?}");
    assert!(palms[0] < 0.001, "{palms:?}");
    let about = |f: &&usize| f.abs_diff(key.frame()) < 12;
    assert!(frames[0].iter().find(about).is_none(), "{:?}", frames[0]);
    // The other hand goes on.
    assert!(frames[1].contains(&key.frame()), "{:?}", frames[1]);
    let thing = library.thing(ObjectId(1)).expect("a crate");
    let measures = Measures::of(&now, Some(thing));
    let numbers = Numbers::of(&now, Some(thing), &Deed::Idle, &measures);
    let [left, right] = numbers.touch.expect("there is an object");
    assert!(left < right, "the numbers say so: {left} s and {right} s");
}

/// The frames in which a hand holds.
fn held(clip: &MotionClip, hand: usize) -> Vec<usize> {
    let frames = clip.frames.iter().enumerate();
    frames
        .filter(|(_, f)| f.contact[hand] > 0.5)
        .map(|(f, _)| f)
        .collect()
}

#[test]
fn takes_like_a_take_are_nearer_to_it_than_others_and_not_the_same() {
    let (mut project, mut library, id) = stage();
    let fresh = make(&mut project, &mut library, Which::Strip(id), 4);
    let like = make(&mut project, &mut library, Which::Like(fresh[0]), 3);
    let base = clip(&library, fresh[0]);
    let distances = |takes: &[TakeId]| -> Vec<f32> {
        takes
            .iter()
            .map(|t| apart(&base, &clip(&library, *t)))
            .collect()
    };
    let (near, far) = (distances(&like), distances(&fresh[1..]));
    println!("like it {near:?}, of other seeds {far:?} m");
    let mean = |all: &[f32]| all.iter().sum::<f32>() / all.len() as f32;
    assert!(near.iter().all(|d| *d > 2e-4), "{near:?}");
    assert!(mean(&near) < 0.6 * mean(&far), "{near:?} {far:?}");
    // They are told apart, written down, up to date, and made again bit for bit alone from what is written.
    let (strip, take) = project.take(like[0]).expect("a take");
    assert_eq!((take.seed, take.variations.len()), (7, 1));
    assert_eq!(strip.shown, Some(like[0]));
    let states = chois::project::stale::states(&project, &library);
    assert!(
        states
            .iter()
            .all(|(_, s)| *s == chois::project::State::Fresh),
        "{states:?}"
    );
    let task = project
        .task(&library, id)
        .expect("a task")
        .expect("no wait");
    let draw = chois::project::Draw {
        seed: take.seed,
        variations: take.variations.clone(),
    };
    let mut synthesizer = SHIPPED.lock().expect("a synthesizer");
    let again = |draw: &chois::project::Draw, synthesizer: &mut Synthesizer| {
        let draws = std::slice::from_ref(draw);
        chois::project::generate::takes(synthesizer, &task, &library, draws, &mut |_| {
            Flow::Continue
        })
        .expect("made")
        .remove(0)
        .1
    };
    let (one, two) = (
        again(&draw, &mut synthesizer),
        again(&draw, &mut synthesizer),
    );
    assert_eq!(one, two);
    // Beside others it is the same but for rounding.
    assert!(apart(&one, &clip(&library, like[0])) < 0.01);
    drop(synthesizer);
    // Of one that is like it there are others, and none twice.
    let more = make(&mut project, &mut library, Which::Like(like[0]), 2);
    let depth = |t: TakeId| project.take(t).expect("a take").1.variations.clone();
    assert_eq!(depth(more[0]).len(), 2);
    assert_ne!(depth(more[0]), depth(more[1]));
}

#[test]
fn keys_and_contact_are_saved_undone_and_cut_with_the_take() {
    let (mut project, mut library, id) = stage();
    let take = make(&mut project, &mut library, Which::Strip(id), 1)[0];
    let was = clip(&library, take);
    let mut history = History::new(project);
    let key = LockedKey::of(&was, 2.0, vec![Part::Body, Part::RightHand]).expect("a moment");
    let lock = |p: &mut Project| {
        p.strip_mut(id).expect("a strip").keys.push(key.clone());
        Ok(())
    };
    history.edit("Lock", lock).expect("locked");
    // Hands hold from 1 to 2 s, as a contact edit says; what physics made is made once.
    let held = |p: &mut Project| {
        let strip = p.strip_mut(id).expect("a strip");
        let edit = Edit::Contact {
            left: vec![[1.0, 2.0]],
            right: vec![[1.0, 2.0]],
            keys: vec![key.clone()],
        };
        strip.takes[0].edit().edits.push(edit);
        Ok(())
    };
    history.edit("Change contact", held).expect("held");
    library.refresh(history.project());
    let now = clip(&library, take);
    let touching = |clip: &MotionClip, f: usize| clip.frames[f].contact[0] > 0.5;
    assert!(
        (32..58).all(|f| touching(&now, f)),
        "{:?}",
        library.fault(take)
    );
    assert!((62..now.frames.len()).all(|f| !touching(&now, f)));
    // What is locked is as it was: the pose whole, and the hand where it was.
    assert!(key.is_met_by(&was) && key.is_met_by(&now));
    let far = |f: usize| {
        let (a, b) = (was.joints(f), now.joints(f));
        let apart = a.iter().zip(&b).map(|(a, b)| (a - b).norm());
        apart.fold(0.0, f32::max)
    };
    assert!(far(60) < 2e-3, "{}", far(60));
    let mut elsewhere = (*now).clone();
    elsewhere.frames[60].pose.root.x += 0.05;
    assert!(!key.is_met_by(&elsewhere));
    history.undo();
    library.refresh(history.project());
    assert_eq!(*clip(&library, take), *was);
    history.redo();
    library.refresh(history.project());
    assert!(Arc::ptr_eq(&clip(&library, take), &now), "it was made once");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.chois.ron");
    file::save(&mut history, &mut library, &path).expect("saved");
    let read = file::read_project(&path).expect("read");
    assert_eq!(read.strips(), history.project().strips());
    // What physics made lies beside, and is taken from there: whoever opens it elsewhere knows of no furniture.
    let takes = folder.path().join("a.takes");
    let made: Vec<_> = std::fs::read_dir(&takes)
        .expect("takes")
        .filter_map(|file| file.ok().map(|file| file.path()))
        .filter(|path| path.to_string_lossy().contains('-'))
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let opened = |path: &std::path::Path| {
        let mut library = Library::default();
        library.load(&file::read_project(path).expect("read"), folder.path());
        (*clip(&library, take)).clone()
    };
    let near = |a: &MotionClip, b: &MotionClip| {
        let apart = |(a, b): (&chois::motion::Frame, &chois::motion::Frame)| {
            (a.pose.root - b.pose.root).norm()
        };
        a.frames.len() == b.frames.len() && a.frames.iter().zip(&b.frames).all(|f| apart(f) < 1e-4)
    };
    assert!(near(&opened(&path), &now));
    let mut other = (*now).clone();
    other.frames.iter_mut().for_each(|f| f.pose.root.x += 0.5);
    chois::clip::write_clip(&made[0], &other).expect("written");
    assert!(near(&opened(&path), &other), "it is not made anew");
    history.undo();
    history.undo();
    assert!(
        history
            .project()
            .strip(id)
            .expect("a strip")
            .keys
            .is_empty()
    );
    // What cannot be is told with its place and the remedy.
    let bad: [(&str, fn(&mut LockedKey)); 4] = [
        ("keys[0].at", |k| k.at = 0.0),
        ("keys[0].at", |k| k.at = 4.2),
        ("keys[0].parts", |k| k.parts.clear()),
        ("tail", |k| k.parts = vec![Part::Joint("tail".into())]),
    ];
    for (word, spoil) in bad {
        let mut key = key.clone();
        spoil(&mut key);
        let edit = |p: &mut Project| {
            p.strip_mut(id).expect("a strip").keys = vec![key];
            Ok(())
        };
        let error = history.edit("Lock", edit).expect_err(word).to_string();
        assert!(
            error.contains(word) && error.contains("strips[0]"),
            "{error}"
        );
    }
    let backward = Edit::Contact {
        left: vec![[2.0, 1.0]],
        right: Vec::new(),
        keys: Vec::new(),
    };
    let edit = |p: &mut Project| {
        let strip = p.strip_mut(id).expect("a strip");
        strip.takes[0].edit().edits.push(backward);
        Ok(())
    };
    let error = history
        .edit("Hold", edit)
        .expect_err("backward")
        .to_string();
    assert!(error.contains("left[0]"), "{error}");
}

#[test]
fn times_go_along_with_cuts_and_warps() {
    let trim = Edit::Trim { from: 1.0, to: 3.0 };
    assert_eq!(trim.when(2.5), Some(1.5));
    assert_eq!((trim.when(0.5), trim.when(3.5)), (None, None));
    let warp = Edit::Warp {
        keys: vec![[0.0, 0.0], [1.0, 2.0], [4.0, 5.0]],
    };
    for (then, now) in [(0.0, 0.0), (1.0, 2.0), (4.0, 5.0)] {
        let at = warp.when(then).expect("it is there");
        assert!((at - now).abs() < 1e-3, "{then}: {at}");
    }
}
