use std::collections::HashSet;

use chois::Error;
use chois::diffusion::Flow;
use chois::motion::MotionClip;
use chois::project::export::{Format, jobs};
use chois::project::file::{open, save};
use chois::project::generate::{Which, generate};
use chois::project::stale::{self, State};
use chois::project::{Deed, Edit, History, Library, Project, Strip, StripId, sequence};
use chois::request::Waypoint;
use chois::synthesis::Synthesizer;
use chois_tests::tiny;

use crate::{project, strips, write_box};

/// A project with its box loaded, and hands that hold nothing: the tiny network's motion is noise.
fn stage(folder: &std::path::Path) -> (Project, Library, Synthesizer) {
    write_box(folder);
    let mut project = project();
    let object = project.objects[0].id;
    project.object_mut(object).expect("a box").contact.enforce = false;
    for id in strips(&project) {
        let strip = project.strip_mut(id).expect("a strip");
        strip.sampling.steps = 1;
    }
    let mut library = Library::default();
    assert_eq!(library.load(&project, folder), []);
    (project, library, tiny::walking_synthesizer())
}

fn run(
    project: &mut Project,
    library: &mut Library,
    synthesizer: &mut Synthesizer,
    which: Which,
    variations: usize,
) -> Vec<StripId> {
    generate(
        project,
        library,
        synthesizer,
        which,
        variations,
        &mut |_, _| Flow::Continue,
    )
    .expect("generated")
}

fn states(project: &Project, library: &Library) -> Vec<State> {
    stale::states(project, library)
        .into_iter()
        .map(|(_, s)| s)
        .collect()
}

#[test]
fn strips_go_on_from_each_other_and_only_what_changed_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let all = strips(&project);
    use State::{Changed, Fresh, New, Waits};
    assert_eq!(states(&project, &library), [New, Waits, Waits, Waits]);
    let done = run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        1,
    );
    assert_eq!(done, all);
    assert_eq!(states(&project, &library), [Fresh, Fresh, Fresh, Fresh]);
    project.validate().expect("a valid project");
    // Each begins as the one before ends.
    let shown = |project: &Project, library: &Library, i: usize| {
        library
            .shown(project.strip(all[i]).expect("a strip"))
            .expect("a clip")
    };
    for i in 1..4 {
        let end = shown(&project, &library, i - 1)
            .frames
            .last()
            .expect("frames")
            .pose;
        let begin = shown(&project, &library, i).frames[0].pose;
        assert!((end.root - begin.root).norm() < 1e-3, "strip {i}");
        let turned = (end.rotations.iter().zip(&begin.rotations))
            .map(|(a, b)| a.angle_to(b))
            .fold(0.0, f32::max);
        assert!(turned < 0.02, "strip {i}: {turned}");
    }
    assert!(
        run(
            &mut project,
            &mut library,
            &mut synthesizer,
            Which::Stale,
            1
        )
        .is_empty()
    );
    // The third says something else: it alone, ending as it did, so that what goes on from it stays.
    project.strip_mut(all[2]).expect("a strip").seed = 9;
    assert_eq!(states(&project, &library), [Fresh, Fresh, Changed, Fresh]);
    let before: Vec<_> = (0..4).map(|i| shown(&project, &library, i)).collect();
    let done = run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        1,
    );
    assert_eq!(done, [all[2]]);
    assert_eq!(states(&project, &library), [Fresh, Fresh, Fresh, Fresh]);
    for i in [0, 1, 3] {
        assert_eq!(
            shown(&project, &library, i),
            before[i],
            "strip {i} is left alone"
        );
    }
    let last = |clip: &MotionClip| *clip.frames.last().expect("frames");
    let now = shown(&project, &library, 2);
    assert_ne!(now, before[2]);
    assert_eq!(last(&now).pose, last(&before[2]).pose, "to the bit");
    // What is done with the box ends with the box where it was too.
    project.strip_mut(all[1]).expect("a strip").seed = 8;
    let done = run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        2,
    );
    assert_eq!(done, [all[1]]);
    for take in &project.strip(all[1]).expect("a strip").takes[1..] {
        let clip = library.clip(take.id).expect("a clip");
        let (was, is) = (last(&before[1]), last(&clip));
        assert_eq!(is.pose, was.pose);
        assert_eq!(
            (is.object_position, is.object_rotation),
            (was.object_position, was.object_rotation)
        );
        let far = |t: usize| (clip.joints(t)[0] - before[1].joints(t)[0]).norm();
        assert!((10..60).any(|t| far(t) > 1e-3));
    }
    // Asked to end elsewhere, it does, and what goes on from it is to be made again.
    let mut elsewhere = project.clone();
    match &mut elsewhere.strip_mut(all[1]).expect("a strip").deed {
        Deed::Interact { end, .. } => end.get_or_insert([0.9, 0.4, 0.0])[0] += 0.4,
        other => panic!("{other:?}"),
    }
    assert!(project.kept_end(&library, all[1]).is_some());
    assert!(elsewhere.kept_end(&library, all[1]).is_none());
    let only = Which::Strip(all[1]);
    run(&mut elsewhere, &mut library, &mut synthesizer, only, 1);
    assert_eq!(states(&elsewhere, &library)[1..3], [Fresh, Changed]);
    // All that it depends on makes a strip out of date, and nothing else does.
    let changes: [(&str, fn(&mut Project, StripId)); 8] = [
        ("text", |p, id| {
            match &mut p.strip_mut(id).expect("a strip").deed {
                Deed::Interact { text, .. } => text.push_str(" Slowly."),
                other => panic!("{other:?}"),
            }
        }),
        ("way", |p, id| {
            match &mut p.strip_mut(id).expect("a strip").deed {
                Deed::Interact { waypoints, .. } => waypoints[0].at[0] += 0.1,
                other => panic!("{other:?}"),
            }
        }),
        ("seed", |p, id| p.strip_mut(id).expect("a strip").seed += 1),
        ("steps", |p, id| {
            p.strip_mut(id).expect("a strip").sampling.steps += 1
        }),
        ("guidance", |p, id| {
            p.strip_mut(id).expect("a strip").guidance.given = 0.5
        }),
        ("length", |p, id| {
            p.strip_mut(id).expect("a strip").seconds -= 0.5
        }),
        ("place", |p, _| {
            let id = p.objects[0].id;
            p.object_mut(id).expect("a box").place.position[0] += 0.1;
        }),
        ("grip", |p, _| {
            let id = p.objects[0].id;
            p.object_mut(id).expect("a box").contact.mass = Some(9.0);
        }),
    ];
    let fresh = |p: &Project, l: &Library| states(p, l)[1] == Fresh;
    assert!(fresh(&project, &library));
    for (what, change) in changes {
        let mut other = project.clone();
        change(&mut other, all[1]);
        library.load(&other, folder.path());
        assert!(!fresh(&other, &library), "{what}");
        assert!(states(&other, &library)[0] == Fresh, "{what}");
    }
    library.load(&project, folder.path());
    let mut other = project.clone();
    other.tracks[0].edit().name = "Eve".into();
    other.strip_mut(all[1]).expect("a strip").takes[0]
        .edit()
        .verdict = chois::project::Verdict::Kept;
    assert!(fresh(&other, &library));
    // An edit of a take is no reason to make it again, but what goes on from it moves.
    let edit = Edit::Path {
        keys: vec![chois::motion::edit::RootKey {
            at: 2.0,
            shift: [0.2, 0.0],
        }],
    };
    other.strip_mut(all[0]).expect("a strip").takes[0]
        .edit()
        .edits
        .push(edit);
    library.refresh(&other);
    assert_eq!(states(&other, &library)[..2], [Fresh, Changed]);
}

#[test]
fn variations_have_seeds_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let all = strips(&project);
    project.strip_mut(all[0]).expect("a strip").seed = u64::MAX - 1;
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Strip(all[0]),
        4,
    );
    let strip = project.strip(all[0]).expect("a strip");
    assert_eq!(strip.takes.len(), 4);
    let seeds: Vec<u64> = strip.takes.iter().map(|t| t.seed).collect();
    assert_eq!(seeds, [u64::MAX - 1, u64::MAX, 0, 1]);
    let clips: HashSet<String> = (strip.takes.iter())
        .map(|t| format!("{:?}", library.clip(t.id).expect("a clip").frames[30].pose))
        .collect();
    assert_eq!(clips.len(), 4, "each is another");
    assert_eq!(strip.shown, Some(strip.takes[0].id));
    // The next batch leaves these where they are.
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Strip(all[0]),
        2,
    );
    assert_eq!(project.strip(all[0]).expect("a strip").takes.len(), 6);
    // Showing another one moves the next strip's beginning.
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        2,
    );
    assert!(
        states(&project, &library)
            .iter()
            .all(|s| *s == State::Fresh)
    );
    let strip = project.strip_mut(all[1]).expect("a strip");
    strip.shown = Some(strip.takes[1].id);
    use State::{Changed, Fresh};
    assert_eq!(states(&project, &library)[..3], [Fresh, Fresh, Changed]);
}

#[test]
fn what_fails_half_way_leaves_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let all = strips(&project);
    let cancel = |p: &mut Project, l: &mut Library, s: &mut Synthesizer, at: StripId| {
        generate(p, l, s, Which::Stale, 2, &mut |id, _| {
            if id == at {
                Flow::Cancel
            } else {
                Flow::Continue
            }
        })
    };
    let ended = cancel(&mut project, &mut library, &mut synthesizer, all[2]);
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    let takes = |p: &Project| {
        all.iter()
            .map(|id| p.strip(*id).expect("a strip").takes.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(takes(&project), [2, 2, 0, 0]);
    project.validate().expect("a valid project");
    // A walk that nobody can walk.
    if let Deed::Walk { end, .. } = &mut project.strip_mut(all[2]).expect("a strip").deed {
        *end = [90.0, 0.0];
    }
    let was = project.clone();
    let error = generate(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        1,
        &mut |_, _| Flow::Continue,
    )
    .expect_err("too far");
    assert!(
        error.to_string().contains("m/s") || error.to_string().contains("fast"),
        "{error}"
    );
    assert_eq!(project, was);
    // A strip alone, whose beginning is not known yet.
    let error = generate(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Strip(all[3]),
        1,
        &mut |_, _| Flow::Continue,
    )
    .expect_err("it waits");
    assert!(error.to_string().contains("before it"), "{error}");
}

#[test]
fn a_track_is_one_motion_with_all_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let all = strips(&project);
    project.strip_mut(all[3]).expect("a strip").start = 13.0;
    let error = sequence::track(&project, &library, 0).expect_err("no takes");
    assert!(error.to_string().contains("generate it"), "{error}");
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        1,
    );
    let sequence = sequence::track(&project, &library, 0).expect("a sequence");
    let frames = &sequence.clip.frames;
    assert_eq!(frames.len(), 420);
    assert_eq!(sequence.clip.object, "box");
    let places = &sequence.props[0].places;
    // Untouched it stands where the project says, on the floor.
    let start = places[0].0;
    assert!(
        (start - nalgebra::Vector3::new(1.5, 0.0, 0.2)).norm() < 1e-4,
        "{start}"
    );
    assert!(places[..60].iter().all(|p| *p == places[0]));
    let carried = library
        .shown(project.strip(all[1]).expect("a strip"))
        .expect("a clip");
    for t in 60..150 {
        assert_eq!(places[t].0, carried.frames[t - 60].object_position);
        assert_eq!(frames[t].pose, carried.frames[t - 60].pose);
    }
    assert!(places[150..].iter().all(|p| *p == places[149]));
    // Nothing is done from 11 to 13 s.
    assert!(frames[330..390].iter().all(|f| f.pose == frames[329].pose));
    let path = folder.path().join("out.glb");
    sequence
        .write_glb(&path, &Default::default())
        .expect("written");
    let gltf = gltf::Gltf::open(&path).expect("a valid file");
    assert!(gltf.nodes().any(|n| n.name() == Some("box")));
    // The same as USD, and at another rate.
    let path = folder.path().join("out.usda");
    let slow = sequence.at_rate(24.0).expect("slower");
    slow.write_usda(&path, &Default::default())
        .expect("written");
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.starts_with("#usda 1.0\n"));
    for part in [
        "upAxis = \"Z\"",
        "timeCodesPerSecond = 24",
        "endTimeCode = 335",
        "def SkelRoot \"Person\"",
        "def Xform \"box\"",
        "xformOp:translate.timeSamples",
        "chois:contact:leftHand",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    assert!(!text.contains("NaN") && !text.contains("(inf") && !text.contains("inf,"));
    // It is the same after saving and opening.
    let file = folder.path().join("a.chois.ron");
    let mut history = History::new(project);
    save(&mut history, &mut library, &file).expect("saved");
    let (mut project, mut library, missing) = open(&file).expect("opened");
    assert_eq!(missing, []);
    assert!(
        states(&project, &library)
            .iter()
            .all(|s| *s == State::Fresh)
    );
    let again = sequence::track(&project, &library, 0).expect("a sequence");
    assert_eq!(again.clip, sequence.clip);
    // The body is the track's avatar where there is one, and the mannequin where it is missing.
    let hips = |project: &Project, library: &Library| {
        let mut all = jobs(project, library, true).expect("jobs");
        assert_eq!(all.len(), 1 + 4, "the track and a take of each strip");
        let written = all.remove(0).write(folder.path(), 24.0, &[Format::Glb]);
        let gltf = gltf::Gltf::open(&written.expect("written")[0]).expect("a valid file");
        assert!(gltf.nodes().any(|n| n.name() == Some("box")));
        gltf.nodes().any(|n| n.name() == Some("mixamorig:Hips"))
    };
    assert!(!hips(&project, &library));
    let woman = chois_tests::contact_suite::assets().join("avatars/woman.glb");
    project.tracks[0].edit().avatar = Some(woman);
    assert_eq!(library.load(&project, folder.path()), []);
    assert!(hips(&project, &library));
    project.tracks[0].edit().avatar = Some("nobody.glb".into());
    assert_eq!(library.load(&project, folder.path()).len(), 1);
    assert!(!hips(&project, &library));
}

#[test]
fn a_walk_that_is_cut_asks_for_what_each_part_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let first = strips(&project)[0];
    let given = [[0.4, 0.1], [0.8, 0.0]].map(|at| Waypoint { at, time: None });
    let strip = project.strip_mut(first).expect("a strip");
    let Deed::Walk { waypoints, .. } = &mut strip.deed else {
        panic!("the first strip walks");
    };
    waypoints.extend(given);
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Strip(first),
        1,
    );
    let strip = project.strip(first).expect("a strip").clone();
    let clip = library.shown(&strip).expect("a clip");
    // Halfway between passing the one waypoint and the other: the tiny network's motion is noise, but guidance brings it there.
    let passed = given.map(|waypoint| {
        let off = |t: &usize| {
            let at = clip.frames[*t].pose.root;
            (at.x - waypoint.at[0]).hypot(at.y - waypoint.at[1])
        };
        let nearest = (0..clip.frames.len()).min_by(|a, b| off(a).total_cmp(&off(b)));
        nearest.expect("frames")
    });
    assert!(passed[0] + 1 < passed[1], "{passed:?}");
    let frame = passed[0].midpoint(passed[1]) + 1;
    let [one, other] = project.cut(&library, &strip, &clip, frame);
    let (
        Deed::Walk {
            waypoints: before,
            end,
            facing,
            ..
        },
        Deed::Walk {
            waypoints: after,
            end: goal,
            facing: free,
            ..
        },
    ) = (one, other)
    else {
        panic!("both parts walk");
    };
    let last = clip.frames[frame - 1].pose.root;
    assert!((end[0] - last.x).hypot(end[1] - last.y) < 1e-4, "{end:?}");
    assert!(facing.is_some(), "as the take faces there");
    assert_eq!((goal, free), ([0.9, 0.0], None), "the strip's own");
    assert_eq!(before, given[..1]);
    assert_eq!(after, given[1..]);
    // Nothing to show, nothing to part.
    let [one, other] = project.cut(&library, &strip, &clip, 0);
    assert_eq!((&one, &other), (&strip.deed, &strip.deed));
}

#[test]
fn what_is_cut_while_it_is_carried_stays_in_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut project, mut library, mut synthesizer) = stage(folder.path());
    let second = strips(&project)[1];
    run(
        &mut project,
        &mut library,
        &mut synthesizer,
        Which::Stale,
        1,
    );
    let strip = project.strip(second).expect("a strip").clone();
    // Taken after a second, there after two, held all the while and a little longer.
    let mut clip = (*library.shown(&strip).expect("a clip")).clone();
    let [from, to] = [0, clip.frames.len() - 1].map(|t| clip.frames[t]);
    for (t, frame) in clip.frames.iter_mut().enumerate() {
        let share = ((t as f32 - 30.0) / 30.0).clamp(0.0, 1.0);
        frame.object_position = from.object_position.lerp(&to.object_position, share);
        frame.object_rotation = from.object_rotation;
        frame.contact = [f32::from(u8::from((25..65).contains(&t))), 0.0, 0.0, 0.0];
    }
    let in_hand = |deed: &Deed| match deed {
        Deed::Interact { in_hand, .. } => [in_hand.start, in_hand.end],
        _ => panic!("both carry"),
    };
    let cut = |frame: usize| project.cut(&library, &strip, &clip, frame);
    assert_eq!(cut(45).map(|d| in_hand(&d)), [[false, true], [true, false]]);
    for elsewhere in [28, 63, 80] {
        let parts = cut(elsewhere).map(|d| in_hand(&d));
        assert_eq!(parts, [[false; 2]; 2], "cut at {elsewhere}");
    }
    // A part of a part is in hand though it has hardly gone on from where that part begins.
    let [_, later] = cut(45);
    let part = Strip {
        deed: later,
        ..strip.clone()
    };
    let [_, rest] = chois::motion::edit::split(&clip, 1.5).expect("two parts");
    assert!((rest.frames[0].object_position - rest.frames[1].object_position).norm() < 0.03);
    let parts = project.cut(&library, &part, &rest, 1);
    assert_eq!(parts.map(|d| in_hand(&d)), [[true, true], [true, false]]);
    // The second part begins with it in hand where the strip before leaves it there, and not where that sets it down, does
    // something else, or is gone.
    let mut open = strip.clone();
    if let Deed::Interact { end, .. } = &mut open.deed {
        *end = None;
    }
    let [_, later] = project.cut(&library, &open, &clip, 45);
    let Deed::Interact { end: Some(end), .. } = later else {
        panic!("ends where the whole does: {later:?}");
    };
    assert_eq!(end[..2], [1.8, 0.2]);
    let [earlier, later] = cut(45);
    project.strip_mut(second).expect("a strip").deed = later;
    let starts = |project: &Project| {
        let task = project.task(&library, second).expect("a task");
        match task.expect("nothing to wait for") {
            chois::project::Task::Interact(request, _) => request.in_hand.start,
            chois::project::Task::Walk(_) => panic!("it carries"),
        }
    };
    assert!(!starts(&project), "a walk is before it");
    let first = strips(&project)[0];
    project.strip_mut(first).expect("a strip").deed = earlier.clone();
    assert!(starts(&project));
    let mut set_down = earlier;
    if let Deed::Interact { in_hand, .. } = &mut set_down {
        in_hand.end = false;
    }
    project.strip_mut(first).expect("a strip").deed = set_down;
    assert!(!starts(&project));
    let track = project.tracks[0].edit();
    track.strips.retain(|s| s.id == second);
    assert!(!starts(&project));
}
