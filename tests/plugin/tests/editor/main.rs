//! The authoring panel: what it generates, what it shows, and what a person does in it.

mod documents;
mod hands;
mod pages;
mod screen;
mod seen;
mod stage;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::editor::{Ask, Choice, Editor, EditorObject, EditorPlugin, Film, Kind, Tone};
use bevy_chois::synthesis::SynthesisPlugin;
use bevy_chois_tests::tiny_model::Tiny;
use bevy_chois_tests::{assets, engine, tick, tick_times, tick_until};
use chois::project::export::Format;
use chois::project::generate::Which;
use chois::project::stale::State;
use chois::project::{Deed, ObjectId, Project, StripId, Verdict};
use chois::request::{ObjectPlace, PersonPlace};
use chois_tests::tiny;

/// Seconds that anything may take on a busy machine.
const PATIENCE: f32 = 60.0;

static TINY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor");
    tiny::walking_checkpoint()
        .save(&folder.join("models/tiny"), false)
        .expect("a checkpoint");
    folder
});

/// An app with the editor and no panel to draw: nobody added `EguiPlugin`.
fn app() -> App {
    app_with(None)
}

/// The same, which keeps what was never saved in a folder.
fn app_with(drafts: Option<PathBuf>) -> App {
    let mut app = engine(&TINY);
    let synthesis = SynthesisPlugin {
        checkpoint: "models/tiny/config.json".into(),
        loader: Arc::new(Tiny),
        ..default()
    };
    app.add_plugins((
        ChoisPlugins { synthesis }
            .build()
            .disable::<DebugDrawPlugin>(),
        EditorPlugin { drafts },
    ));
    app
}

/// Somebody walks to a box and carries it.
fn begin(editor: &mut Editor) -> ObjectId {
    editor.set_project(Project::default(), None);
    assert!(editor.add_track("Ann", PersonPlace::default()));
    let object = editor
        .add_object(&Choice {
            name: "box".into(),
            file: assets().join("objects/storage_box.glb"),
            place: ObjectPlace {
                position: [1.2, 0.0, 0.0],
                ..default()
            },
        })
        .expect("an object");
    editor.add_strip(0, Kind::Walk).expect("a strip");
    editor
        .add_strip(0, Kind::Interact(object))
        .expect("a strip");
    let quick = |p: &mut Project| {
        let all: Vec<StripId> = p.strips().iter().map(|(_, s)| s.id).collect();
        for id in all {
            p.strip_mut(id).expect("a strip").sampling.steps = 1;
        }
        // The tiny network's motion is noise, which nobody can hold anything in.
        p.object_mut(object).expect("a box").contact.enforce = false;
        Ok(())
    };
    assert!(editor.edit("Quick", quick));
    assert_eq!(editor.missing, []);
    object
}

fn editor(app: &mut App) -> Mut<'_, Editor> {
    app.world_mut().resource_mut::<Editor>()
}

fn strips(editor: &Editor) -> Vec<StripId> {
    editor
        .project()
        .strips()
        .iter()
        .map(|(_, s)| s.id)
        .collect()
}

#[track_caller]
fn wait(app: &mut App) {
    let done = tick_until(app, PATIENCE, |world| {
        let editor = world.resource::<Editor>();
        editor.asks.is_empty() && editor.progress.is_none() && editor.exports == 0
    });
    assert!(done, "{:?}", editor(app).status());
}

#[test]
fn strips_are_generated_one_after_another_by_the_worker() {
    let mut app = app();
    let object = begin(&mut editor(&mut app));
    let place = Transform::from_xyz(9.0, 9.0, 9.0);
    let thing = app.world_mut().spawn((EditorObject { object }, place)).id();
    tick_times(&mut app, 3);
    // Untouched it is where the project says: 1.2 m along x, on the floor.
    let at = app
        .world()
        .get::<Transform>(thing)
        .expect("a place")
        .translation;
    assert!((at.x - 1.2).abs() < 0.3 && at.z.abs() < 0.3, "{at}");
    let all = strips(&editor(&mut app));
    assert_eq!(*editor(&mut app).state(all[1]), State::Waits);
    editor(&mut app).variations = 2;
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    wait(&mut app);
    let editor_now = editor(&mut app);
    assert_eq!(
        editor_now.status().1,
        Tone::Plain,
        "{:?}",
        editor_now.status()
    );
    for id in &all {
        assert_eq!(*editor_now.state(*id), State::Fresh);
        let strip = editor_now.project().strip(*id).expect("a strip");
        assert_eq!(strip.takes.len(), 2);
        assert_eq!(strip.takes[0].seed + 1, strip.takes[1].seed);
    }
    let undone = {
        let mut editor = editor_now;
        editor.undo();
        editor.undo();
        let takes = editor
            .project()
            .strips()
            .iter()
            .map(|(_, s)| s.takes.len())
            .sum::<usize>();
        editor.redo();
        editor.redo();
        takes
    };
    assert_eq!(undone, 0, "generating can be undone, a strip a step");
    // What cannot be is told, and what was done stays.
    let far = |p: &mut Project| {
        if let Deed::Walk { end, .. } = &mut p.strip_mut(all[0]).expect("a strip").deed {
            *end = [80.0, 0.0];
        }
        Ok(())
    };
    editor(&mut app).edit("Far", far);
    editor(&mut app)
        .asks
        .push(Ask::Generate(Which::Strip(all[0])));
    wait(&mut app);
    {
        let editor = editor(&mut app);
        let (line, tone) = editor.status();
        assert_eq!(tone, Tone::Bad, "{line}");
        let words = editor.project().strip(all[0]).expect("a strip").text();
        assert!(line.starts_with(&format!("\"{words}\": ")), "{line}");
    }
    assert_eq!(
        editor(&mut app)
            .project()
            .strip(all[0])
            .expect("a strip")
            .takes
            .len(),
        2
    );
    editor(&mut app).undo();
    assert_eq!(*editor(&mut app).state(all[0]), State::Fresh);
    // Called off at once.
    editor(&mut app)
        .asks
        .push(Ask::Generate(Which::Strip(all[0])));
    tick(&mut app);
    editor(&mut app).asks.push(Ask::Cancel);
    wait(&mut app);
    assert_eq!(
        editor(&mut app)
            .project()
            .strip(all[0])
            .expect("a strip")
            .takes
            .len(),
        2
    );
    // Accepted, saved, exported.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.chois.ron");
    let take = editor(&mut app)
        .project()
        .strip(all[1])
        .expect("a strip")
        .takes[1]
        .id;
    editor(&mut app).judge(all[1], take, Verdict::Accepted);
    assert!(editor(&mut app).save(None).is_err() && editor(&mut app).is_unsaved());
    editor(&mut app).save(Some(&path)).expect("saved");
    assert!(!editor(&mut app).is_unsaved());
    editor(&mut app).asks.push(Ask::Export {
        folder: folder.path().join("out"),
        takes: true,
        fps: 24.0,
        formats: vec![Format::Glb, Format::Bvh, Format::Usda],
    });
    wait(&mut app);
    let count = std::fs::read_dir(folder.path().join("out"))
        .expect("a folder")
        .count();
    assert_eq!(count, 3 * (1 + 4), "{:?}", editor(&mut app).status());
    let project = editor(&mut app).project().clone();
    editor(&mut app).open(&path).expect("opened");
    assert_eq!(editor(&mut app).project().strips(), project.strips());
}

#[test]
fn an_app_that_cannot_generate_says_so_and_exports() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = bevy_chois_tests::carry::project(folder.path());
    let mut app = engine(&TINY);
    app.add_plugins((
        ChoisPlugins::default()
            .build()
            .disable::<DebugDrawPlugin>()
            .disable::<SynthesisPlugin>(),
        EditorPlugin { drafts: None },
    ));
    editor(&mut app).open(&path).expect("opened");
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    tick(&mut app);
    let (line, tone) = {
        let editor = editor(&mut app);
        let (line, tone) = editor.status();
        (line.to_owned(), tone)
    };
    assert!(
        tone == Tone::Bad && line.contains("SynthesisPlugin"),
        "{line}"
    );
    let out = folder.path().join("out");
    editor(&mut app).asks.push(Ask::Export {
        folder: out.clone(),
        takes: false,
        fps: 30.0,
        formats: vec![Format::Bvh],
    });
    wait(&mut app);
    assert_eq!(std::fs::read_dir(&out).expect("a folder").count(), 1);
}

#[test]
fn takes_are_split_and_trimmed_by_hand() {
    let mut app = app();
    begin(&mut editor(&mut app));
    editor(&mut app).variations = 1;
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    wait(&mut app);
    let mut editor = editor(&mut app);
    let all = strips(&editor);
    editor.selected = Some(all[1]);
    let whole = editor.strip().expect("a strip").deed.clone();
    editor.playhead = 6.0;
    assert!(editor.split_strip(), "{:?}", editor.status());
    let lengths: Vec<f32> = editor
        .project()
        .strips()
        .iter()
        .map(|(_, s)| s.seconds)
        .collect();
    assert_eq!(lengths, [4.0, 2.0, 2.0]);
    let states: Vec<State> = strips(&editor)
        .iter()
        .map(|id| editor.state(*id).clone())
        .collect();
    assert!(states.iter().all(|s| *s == State::Fresh), "{states:?}");
    // Each part asks for what it shows, so that it can be generated again.
    let (first, second) = (
        editor.project().strips()[1].1,
        editor.project().strips()[2].1,
    );
    let cut = editor.library().shown(first).expect("a clip");
    let last = cut.frames.last().expect("frames");
    let Deed::Interact {
        object,
        end: Some(end),
        ..
    } = &first.deed
    else {
        panic!("{:?}", first.deed);
    };
    let thing = editor.library().thing(*object).expect("a thing");
    let center = last.object_position + last.object_rotation * thing.geometry.center();
    assert!(
        (end[0] - center.x).hypot(end[1] - center.y) < 1e-3,
        "{end:?} {center}"
    );
    let (Deed::Interact { end, .. }, Deed::Interact { end: asked, .. }) = (&second.deed, &whole)
    else {
        panic!("{:?}", second.deed);
    };
    assert_eq!(end, asked);
    editor.undo();
    assert_eq!(strips(&editor), all);
    editor.selected = Some(all[1]);
    assert!(editor.edit_take("Trim", chois::project::Edit::Trim { from: 0.0, to: 3.0 }));
    assert_eq!(editor.strip().expect("a strip").seconds, 3.0);
    assert_eq!(
        *editor.state(all[1]),
        State::Fresh,
        "it is as long as its take"
    );
    // Refused with its reason, and nothing changes.
    let before = editor.project().clone();
    assert!(!editor.edit_take("Trim", chois::project::Edit::Trim { from: 2.0, to: 2.0 }));
    assert_eq!(editor.status().1, Tone::Bad);
    assert_eq!(*editor.project(), before);
}

#[test]
fn takes_like_one_come_as_a_batch() {
    let mut app = app();
    begin(&mut editor(&mut app));
    editor(&mut app).variations = 2;
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    wait(&mut app);
    let all = strips(&editor(&mut app));
    editor(&mut app).selected = Some(all[1]);
    let first = editor(&mut app).strip().expect("a strip").takes[0].id;
    editor(&mut app)
        .asks
        .push(Ask::Generate(Which::Like(first)));
    wait(&mut app);
    let editor = editor(&mut app);
    let strip = editor.strip().expect("a strip");
    assert_eq!(strip.takes.len(), 4, "{:?}", editor.status());
    assert_eq!(strip.takes[2].seed, strip.takes[0].seed);
    assert_ne!(strip.takes[2].variations, strip.takes[3].variations);
    assert_eq!(*editor.state(all[1]), State::Fresh);
}

#[test]
fn a_take_is_seen_as_the_network_made_it() {
    use bevy_chois::clip::MotionClip;
    use bevy_chois::editor::{EditorPerson, See};
    use bevy_chois::playback::InteractionPlayer;
    let mut app = app();
    let object = begin(&mut editor(&mut app));
    let held = |p: &mut Project| {
        p.object_mut(object).expect("a box").contact.enforce = true;
        Ok(())
    };
    assert!(editor(&mut app).edit("Hold", held));
    editor(&mut app).variations = 1;
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    wait(&mut app);
    let person = app.world_mut().spawn(EditorPerson { track: 0 }).id();
    editor(&mut app).playhead = 6.0;
    let played = |app: &mut App, uncorrected: bool| {
        editor(app).scene.see = See {
            uncorrected,
            ..default()
        };
        tick_times(app, 2);
        let player = app.world().get::<InteractionPlayer>(person);
        let clip = player.expect("it plays").clip.clone();
        let clips = app.world().resource::<Assets<MotionClip>>();
        clips.get(&clip).expect("a clip").motion.clone()
    };
    let (after, before) = (played(&mut app, false), played(&mut app, true));
    let take = {
        let editor = editor(&mut app);
        let strip = editor.project().strips()[1].1.clone();
        editor.library().shown(&strip).expect("a clip")
    };
    assert_eq!(after, take);
    assert_eq!(before.frames.len(), after.frames.len());
    assert_ne!(before.frames, after.frames, "physics changes what is noise");
    assert_eq!(played(&mut app, false), take);
}

#[test]
fn one_more_person_stands_where_nobody_comes_past() {
    let mut editor = Editor::default();
    begin(&mut editor);
    // The first stands at the origin and faces +x; their end lies where the next would stand.
    let strip = strips(&editor)[0];
    let aside = |p: &mut Project| {
        if let Deed::Walk { end, .. } = &mut p.strip_mut(strip).expect("a strip").deed {
            *end = [0.1, 1.1];
        }
        Ok(())
    };
    assert!(editor.edit("Aside", aside));
    for _ in 0..3 {
        assert!(editor.add_person());
    }
    let mut taken: Vec<[f32; 2]> = vec![[0.1, 1.1], [1.2, 0.0]];
    for track in &editor.project().tracks {
        let at = track.person.position;
        for other in &taken {
            let far = (other[0] - at[0]).hypot(other[1] - at[1]);
            assert!(far > 0.74, "{at:?} is {far} m from {other:?}");
        }
        taken.push(at);
    }
    let at = editor.project().tracks[1].person.position;
    assert!(at[0].hypot(at[1]) < 1.6, "and near: {at:?}");
}

#[test]
fn a_film_that_is_refused_leaves_no_folder() {
    let mut app = app();
    begin(&mut editor(&mut app));
    let folder = tempfile::tempdir().expect("a folder");
    let film = Film {
        to: folder.path().join("walk"),
        fps: 25,
        ..default()
    };
    // Neither for its rate, nor for want of a camera.
    for fps in [25, 30] {
        let film = Film {
            fps,
            ..film.clone()
        };
        editor(&mut app).asks.push(Ask::Film(film));
        tick_times(&mut app, 3);
        assert_eq!(editor(&mut app).status().1, Tone::Bad);
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "{:?}", editor(&mut app).status());
    }
}
