//! The authoring panel: what it generates, what it shows, and what a person does in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::editor::{
    Ask, Choice, Editor, EditorObject, EditorPlugin, Kind, Panel, Tone, draw_panel,
};
use bevy_chois::synthesis::{CheckpointFiles, Model, ModelLoader, SynthesisPlugin};
use bevy_chois_tests::{assets, engine, tick, tick_times, tick_until};
use bevy_egui::egui::{self, Event, Id, Key, Modifiers, PointerButton, Pos2, pos2};
use chois::project::export::Format;
use chois::project::generate::Which;
use chois::project::stale::State;
use chois::project::{Deed, ObjectId, Project, StripId, Verdict};
use chois::request::{ObjectPlace, PersonPlace};
use chois::synthesis::Synthesizer;
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

#[derive(Debug)]
struct Tiny;

impl ModelLoader for Tiny {
    fn load(&self, files: &CheckpointFiles) -> chois::Result<Box<dyn Model>> {
        chois::device::set_threads(1);
        let parts = chois::model::Checkpoint::from_parts(
            files.config.clone(),
            &files.weights,
            &files.weights_path,
        )?;
        let cpu = chois::device::Device::Cpu;
        let synthesizer = Synthesizer::new(parts, Box::new(tiny::Digested), cpu)?;
        Ok(Box::new(synthesizer))
    }
}

/// An app with the editor and no panel to draw: nobody added `EguiPlugin`.
fn app() -> App {
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
        EditorPlugin,
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
        editor.asks.is_empty() && editor.progress.is_none()
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
        assert!(line.starts_with(&format!("strip {}: ", all[0].0)), "{line}");
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
fn takes_are_split_and_trimmed_by_hand() {
    let mut app = app();
    begin(&mut editor(&mut app));
    editor(&mut app).variations = 1;
    editor(&mut app).asks.push(Ask::Generate(Which::Stale));
    wait(&mut app);
    let mut editor = editor(&mut app);
    let all = strips(&editor);
    editor.selected = Some(all[1]);
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

/// The panel in a context without a screen.
struct Screen {
    context: egui::Context,
    editor: Editor,
    panel: Panel,
    time: f64,
}

const SIZE: egui::Vec2 = egui::vec2(1280.0, 720.0);

impl Screen {
    fn new() -> Self {
        let mut editor = Editor::default();
        begin(&mut editor);
        let mut screen = Self {
            context: egui::Context::default(),
            editor,
            panel: Panel::default(),
            time: 0.0,
        };
        (0..3).for_each(|_| screen.frame(Vec::new()));
        screen
    }

    fn frame(&mut self, events: Vec<Event>) {
        let Self { editor, panel, .. } = self;
        self.time += 1.0 / 60.0;
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            events,
            ..egui::RawInput::default()
        };
        let output = self.context.clone().run_ui(input, |ui| {
            draw_panel(ui.ctx(), editor, panel);
        });
        // As a renderer would.
        let shapes = self
            .context
            .tessellate(output.shapes, output.pixels_per_point);
        assert!(!shapes.is_empty());
    }

    fn button(&mut self, at: Pos2, pressed: bool) {
        self.frame(vec![
            Event::PointerMoved(at),
            Event::PointerButton {
                pos: at,
                button: PointerButton::Primary,
                pressed,
                modifiers: Modifiers::NONE,
            },
        ]);
    }

    fn click(&mut self, at: Pos2) {
        self.frame(vec![Event::PointerMoved(at)]);
        self.button(at, true);
        self.button(at, false);
        // Not the first half of a double click.
        self.time += 1.0;
        self.frame(Vec::new());
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        self.frame(vec![Event::PointerMoved(from)]);
        self.button(from, true);
        for i in 1..=10 {
            let at = from.lerp(to, i as f32 / 10.0);
            self.frame(vec![Event::PointerMoved(at)]);
        }
        self.button(to, false);
        self.time += 1.0;
        // Between frames egui tells of the last but one.
        (0..2).for_each(|_| self.frame(Vec::new()));
    }

    fn key(&mut self, key: Key, modifiers: Modifiers) {
        for pressed in [true, false] {
            let event = Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers,
            };
            self.time += 1.0 / 60.0;
            let Self { editor, panel, .. } = self;
            let input = egui::RawInput {
                screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, SIZE)),
                time: Some(self.time),
                events: vec![event],
                modifiers,
                ..egui::RawInput::default()
            };
            let _ = self.context.clone().run_ui(input, |ui| {
                draw_panel(ui.ctx(), editor, panel);
            });
        }
    }

    /// Where a strip is drawn.
    fn rect(&self, strip: StripId) -> egui::Rect {
        let response = self
            .context
            .read_response(Id::new(("chois strip", strip.0)));
        response.expect("it is drawn").rect
    }
}

#[test]
fn strips_are_dragged_stretched_deleted_and_brought_back() {
    let mut screen = Screen::new();
    let all = strips(&screen.editor);
    let last = screen.rect(all[1]);
    let points = last.width() / 4.0;
    let steps = |screen: &Screen| screen.editor.history().len()[0];
    let before = steps(&screen);
    // A second later.
    screen.drag(last.center(), last.center() + egui::vec2(points, 0.0));
    let start = |screen: &Screen, i: usize| {
        screen
            .editor
            .project()
            .strip(all[i])
            .expect("a strip")
            .start
    };
    assert!(
        (start(&screen, 1) - 5.0).abs() < 0.06,
        "{}",
        start(&screen, 1)
    );
    assert_eq!(steps(&screen), before + 1, "a drag is one step");
    assert_eq!(
        screen.editor.selected,
        Some(all[1]),
        "what is dragged is selected"
    );
    // Not through its neighbour.
    let rect = screen.rect(all[1]);
    screen.drag(rect.center(), pos2(0.0, rect.center().y));
    assert_eq!(start(&screen, 1), 4.0);
    // Its edge stretches it.
    let rect = screen.rect(all[1]);
    let edge = pos2(rect.right() - 2.0, rect.center().y);
    screen.drag(edge, edge - egui::vec2(1.5 * points, 0.0));
    let long = screen
        .editor
        .project()
        .strip(all[1])
        .expect("a strip")
        .seconds;
    assert!((long - 2.5).abs() < 0.11, "{long}");
    let done = steps(&screen);
    screen.key(Key::Z, Modifiers::CTRL | Modifiers::COMMAND);
    assert_eq!(steps(&screen), done - 1);
    assert_eq!(
        screen
            .editor
            .project()
            .strip(all[1])
            .expect("a strip")
            .seconds,
        4.0
    );
    screen.key(
        Key::Z,
        Modifiers::CTRL | Modifiers::COMMAND | Modifiers::SHIFT,
    );
    assert_eq!(steps(&screen), done);
    screen.key(Key::D, Modifiers::SHIFT);
    assert_eq!(strips(&screen.editor).len(), 3);
    screen.key(Key::X, Modifiers::NONE);
    assert_eq!(strips(&screen.editor), all);
    screen.click(screen.rect(all[0]).center());
    assert_eq!(screen.editor.selected, Some(all[0]));
    screen.key(Key::Delete, Modifiers::NONE);
    assert_eq!(strips(&screen.editor), all[1..]);
}

#[test]
fn words_are_written_where_they_stand() {
    let mut screen = Screen::new();
    let all = strips(&screen.editor);
    let at = screen.rect(all[1]).center();
    screen.frame(vec![Event::PointerMoved(at)]);
    for pressed in [true, false, true, false] {
        screen.button(at, pressed);
    }
    (0..3).for_each(|_| screen.frame(Vec::new()));
    screen.frame(vec![Event::Text(" Gently.".into())]);
    screen.frame(Vec::new());
    let text = screen
        .editor
        .project()
        .strip(all[1])
        .expect("a strip")
        .text()
        .to_owned();
    assert!(text.contains(" Gently."), "{text}");
    // X is a letter meanwhile.
    screen.key(Key::X, Modifiers::NONE);
    assert_eq!(strips(&screen.editor), all);
}

/// A project on the disk: somebody carries a box in a take, as if it had been generated.
fn with_take(folder: &Path) -> PathBuf {
    use chois::project::{History, Library, Object, Strip, Take, TakeId, Track};
    let mesh = chois::geometry::Mesh::cuboid(
        nalgebra::Vector3::new(-0.2, -0.15, -0.15),
        nalgebra::Vector3::new(0.4, 0.3, 0.3),
    );
    std::fs::write(folder.join("box.obj"), tiny::obj(&mesh)).expect("written");
    let mut project = Project::default();
    let object = ObjectId(project.fresh());
    project.objects.push(
        Object {
            id: object,
            name: "box".into(),
            file: "box.obj".into(),
            up: Some(chois::geometry::UpAxis::Z),
            place: ObjectPlace {
                position: [0.0, -0.45, 0.8],
                ..default()
            },
            contact: default(),
        }
        .into(),
    );
    let id = StripId(project.fresh());
    let deed = Deed::Interact {
        text: "Lift the box, move the box, and put down the box.".into(),
        object,
        waypoints: Vec::new(),
        end: Some([0.5, -0.45, 0.8]),
        turn: None,
    };
    let mut strip = Strip::new(id, 0.0, 4.0, deed);
    let mut library = Library::default();
    for (seed, way) in [(0, 0.5), (1, 0.4)] {
        let take = TakeId(project.fresh());
        library.insert(take, chois_tests::carry::clip(way, 0.0));
        let take = Take {
            id: take,
            seed,
            variations: Vec::new(),
            verdict: Verdict::Open,
            made: None,
            edits: Vec::new(),
        };
        strip.takes.push(take.into());
    }
    strip.shown = Some(strip.takes[0].id);
    project.tracks.push(
        Track {
            name: "Ann".into(),
            strips: vec![strip.into()],
            ..default()
        }
        .into(),
    );
    let path = folder.join("carry.chois.ron");
    chois::project::file::save(&mut History::new(project), &mut library, &path).expect("saved");
    path
}

/// The panel of an app's editor.
struct Seen {
    app: App,
    context: egui::Context,
    panel: Panel,
    time: f64,
}

impl Seen {
    fn new(path: &Path) -> Self {
        let mut app = app();
        let mut editor = editor(&mut app);
        editor.open(path).expect("opened");
        assert_eq!(editor.missing, []);
        editor.selected = strips(&editor).first().copied();
        let mut seen = Self {
            app,
            context: egui::Context::default(),
            panel: Panel::default(),
            time: 0.0,
        };
        // Until the take is measured.
        let end = Instant::now() + Duration::from_secs_f32(PATIENCE);
        while seen.rect("chois bar", 0, 1).is_none() {
            assert!(Instant::now() < end, "it is never measured");
            tick(&mut seen.app);
            seen.frame(Vec::new());
        }
        seen
    }

    fn frame(&mut self, events: Vec<Event>) {
        self.time += 1.0 / 60.0;
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            events,
            ..egui::RawInput::default()
        };
        let Self {
            app,
            context,
            panel,
            ..
        } = self;
        let mut editor = editor(app);
        let output = context.clone().run_ui(input, |ui| {
            draw_panel(ui.ctx(), &mut editor, panel);
        });
        let shapes = self
            .context
            .tessellate(output.shapes, output.pixels_per_point);
        assert!(!shapes.is_empty());
    }

    /// Where an end of a hand's first bar is.
    fn rect(&self, name: &str, hand: usize, end: usize) -> Option<egui::Rect> {
        let id = Id::new((name, strips(self.editor())[0].0, hand, 0_usize, end));
        self.context.read_response(id).map(|r| r.rect)
    }

    fn editor(&self) -> &Editor {
        self.app.world().resource::<Editor>()
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        let button = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.frame(vec![Event::PointerMoved(from)]);
        self.frame(vec![button(from, true)]);
        for i in 1..=10 {
            let at = from.lerp(to, i as f32 / 10.0);
            self.frame(vec![Event::PointerMoved(at)]);
        }
        self.frame(vec![button(to, false)]);
        (0..2).for_each(|_| self.frame(Vec::new()));
    }
}

#[test]
fn a_bar_that_is_dragged_has_the_hand_let_go_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&with_take(folder.path()));
    let touches = |seen: &Seen| -> Vec<usize> {
        let editor = seen.editor();
        let clip = editor
            .library()
            .shown(editor.strip().expect("a strip"))
            .expect("a clip");
        let frames = 0..clip.frames.len();
        frames
            .filter(|f| clip.frames[*f].contact[0] > 0.5)
            .collect()
    };
    let last = *touches(&seen).last().expect("it touches");
    let end = seen.rect("chois bar", 0, 1).expect("a bar").center();
    let start = seen.rect("chois bar", 0, 0).expect("a bar").center();
    let before = touches(&seen).len() as f32;
    // A third of it off.
    let to = pos2(end.x - (end.x - start.x) / 3.0, end.y);
    let steps = seen.editor().history().len()[0];
    seen.drag(end, to);
    assert!(seen.editor().is_holding(), "{:?}", seen.editor().status());
    let done = tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    });
    assert!(done);
    let now = *touches(&seen).last().expect("it touches");
    let want = last as f32 - before / 3.0;
    assert!((now as f32 - want).abs() < 4.0, "{now}, not {want}");
    assert_eq!(seen.editor().history().len()[0], steps + 1);
    // Again: the bar is told anew, not on top.
    editor(&mut seen.app).set_contact(vec![[1.0, 2.0]], vec![[1.0, 2.0]]);
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
    let strip = seen.editor().strip().expect("a strip");
    assert_eq!(strip.shown().expect("a take").edits.len(), 1);
    let now = *touches(&seen).last().expect("it touches");
    assert!(now.abs_diff(59) <= 1, "{now}");
    editor(&mut seen.app).undo();
    editor(&mut seen.app).undo();
    assert_eq!(*touches(&seen).last().expect("it touches"), last);
    // What hands cannot do is told.
    editor(&mut seen.app).set_contact(vec![[0.0, 4.0]], vec![[1.0, 1.1]]);
    assert!(tick_until(&mut seen.app, PATIENCE, |world| {
        !world.resource::<Editor>().is_holding()
    }));
    assert_eq!(
        seen.editor()
            .strip()
            .expect("a strip")
            .shown()
            .expect("a take")
            .edits
            .len(),
        1
    );
}

#[test]
fn every_page_is_drawn_and_what_is_touched_up_is_seen_at_once() {
    use bevy_chois::editor::Page;
    use chois::motion::lock::Part;
    use chois::project::Edit;
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = Seen::new(&with_take(folder.path()));
    let other = {
        let strip = seen.editor().strip().expect("a strip");
        strip.takes[1].id
    };
    editor(&mut seen.app).compared = Some(other);
    editor(&mut seen.app).playhead = 1.5;
    tick_times(&mut seen.app, 20);
    for page in [Page::Ask, Page::Takes, Page::Edit, Page::Measure] {
        seen.panel.page = page;
        (0..3).for_each(|_| seen.frame(Vec::new()));
    }
    // A joint that is turned more and more is one edit and one step.
    let head = |seen: &Seen| {
        let editor = seen.editor();
        let clip = editor.library().shown(editor.strip().expect("a strip"));
        clip.expect("a clip").frames[45].pose.rotations[15]
    };
    let was = head(&seen);
    let turn = |degrees: f32| {
        Edit::Joint(chois::motion::edit::JointTouchUp {
            joint: "neck".into(),
            at: 1.5,
            rise: 0.4,
            hold: 0.0,
            fall: 0.4,
            turn: [0.0, degrees, 0.0],
        })
    };
    let steps = seen.editor().history().len()[0];
    for degrees in [10.0, 20.0, 30.0] {
        let same = |e: &Edit| matches!(e, Edit::Joint(_));
        assert!(editor(&mut seen.app).tune("turn", "Turn joint", same, turn(degrees)));
    }
    assert_eq!(seen.editor().history().len()[0], steps + 1);
    assert!((head(&seen).angle_to(&was).to_degrees() - 30.0).abs() < 0.1);
    let mut now = editor(&mut seen.app);
    now.settle();
    now.undo();
    assert!(head(&seen).angle_to(&was) < 1e-6);
    // K locks the whole moment; a hand comes to the same key.
    let event = |pressed| Event::Key {
        key: Key::K,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    seen.frame(vec![event(true)]);
    seen.frame(vec![event(false)]);
    assert!(editor(&mut seen.app).lock(vec![Part::LeftHand]));
    let keys = seen.editor().strip().expect("a strip").keys.clone();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].parts, [Part::Body, Part::Object, Part::LeftHand]);
    assert!((keys[0].at - 1.5).abs() < 1e-6);
    // Where the strip begins it goes on from the one before.
    editor(&mut seen.app).playhead = 0.0;
    assert!(!editor(&mut seen.app).lock(vec![Part::Body]));
    assert_eq!(seen.editor().status().1, Tone::Bad);
    assert!(editor(&mut seen.app).unlock(0));
    assert!(seen.editor().strip().expect("a strip").keys.is_empty());
    // A take made by hand is like nothing that could be generated.
    let take = seen
        .editor()
        .strip()
        .expect("a strip")
        .shown
        .expect("a take");
    editor(&mut seen.app)
        .asks
        .push(Ask::Generate(Which::Like(take)));
    tick_times(&mut seen.app, 3);
    assert!(
        seen.editor().status().0.contains("by hand"),
        "{:?}",
        seen.editor().status()
    );
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
fn documents_stand_beside_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = with_take(folder.path());
    let mut editor = Editor::default();
    editor.open(&path).expect("opened");
    editor.selected = strips(&editor).first().copied();
    assert!(editor.change_strip("seed", "Seed", |s| s.seed = 5));
    editor.settle();
    editor.new_document();
    assert!(editor.project().tracks.is_empty() && editor.path().is_none());
    assert!(editor.add_track("Bo", PersonPlace::default()));
    let names = |editor: &Editor| -> Vec<(String, bool, bool)> {
        let tabs = editor.tabs().into_iter();
        tabs.map(|t| (t.name, t.unsaved, t.shown)).collect()
    };
    let both = [
        ("carry".to_owned(), true, false),
        ("not saved".to_owned(), true, true),
    ];
    assert_eq!(names(&editor), both);
    // What is open is shown, not opened twice; nothing of it was lost.
    editor.open_beside(&path).expect("shown");
    assert_eq!(editor.strip().expect("a strip").seed, 5);
    assert_eq!(editor.tabs().len(), 2);
    editor.undo();
    assert_eq!(editor.strip().expect("a strip").seed, 0);
    editor.show_document(1);
    assert_eq!(editor.project().tracks[0].name, "Bo");
    // A broken file leaves everything as it was.
    let broken = folder.path().join("broken.chois.ron");
    std::fs::write(&broken, "(version: 99)").expect("written");
    let error = editor.open_beside(&broken).expect_err("newer").to_string();
    assert!(error.contains("newer program"), "{error}");
    assert_eq!(editor.tabs().len(), 2);
    assert!(editor.close_document(false).is_err());
    editor.close_document(true).expect("closed");
    assert_eq!(editor.project().tracks[0].name, "Ann");
    assert_eq!(editor.tabs().len(), 1);
}

#[test]
fn what_was_not_saved_before_a_crash_is_offered() {
    use chois::project::{History, file};
    let folder = tempfile::tempdir().expect("a folder");
    let path = with_take(folder.path());
    // As a program leaves it that ends after it saved by itself.
    let crash = || {
        let (project, mut library, _) = file::open(&path).expect("opened");
        let mut history = History::new(project);
        let seed = |p: &mut Project| {
            let id = p.strips()[0].1.id;
            p.strip_mut(id).expect("a strip").seed = 77;
            Ok(())
        };
        history.edit("Seed", seed).expect("edited");
        file::autosave(&history, &mut library, &path).expect("saved by itself")
    };
    let auto = crash();
    let seed = |editor: &Editor| editor.project().strips()[0].1.seed;
    let mut editor = Editor::default();
    editor.open(&path).expect("opened");
    assert_eq!(editor.offer(), Some(&*auto));
    assert_eq!(seed(&editor), 0, "nothing is taken unasked");
    editor.take_offer().expect("taken");
    assert_eq!(seed(&editor), 77);
    assert!(editor.is_unsaved() && editor.offer().is_none());
    assert_eq!(editor.path(), Some(&*path));
    assert_eq!(editor.missing, [], "its takes are there");
    editor.save(None).expect("saved");
    assert!(!auto.exists());
    editor.open(&path).expect("opened");
    assert_eq!((seed(&editor), editor.offer()), (77, None));
    let auto = crash();
    editor.open(&path).expect("opened");
    editor.refuse_offer().expect("left");
    assert!(!auto.exists() && seed(&editor) == 77);
}

#[test]
fn what_is_missing_is_relinked() {
    use chois::project::Lost;
    let folder = tempfile::tempdir().expect("a folder");
    let path = with_take(folder.path());
    let elsewhere = folder.path().join("things");
    std::fs::create_dir(&elsewhere).expect("a folder");
    std::fs::rename(folder.path().join("box.obj"), elsewhere.join("crate.obj")).expect("moved");
    let mut editor = Editor::default();
    editor.open(&path).expect("it opens all the same");
    assert_eq!(editor.missing.len(), 1);
    let Lost::Object(id) = editor.missing[0].what else {
        panic!("{:?}", editor.missing);
    };
    assert!(
        editor
            .library()
            .thing(id)
            .expect("a box stands for it")
            .placeholder
    );
    let error = editor.relink(Lost::Object(id), Path::new("nowhere.obj"));
    assert!(
        error
            .expect_err("no file")
            .to_string()
            .contains("nowhere.obj")
    );
    editor
        .relink(Lost::Object(id), Path::new("things/crate.obj"))
        .expect("relinked");
    assert_eq!(editor.missing, []);
    assert!(!editor.library().thing(id).expect("a thing").placeholder);
    editor.undo();
    assert_eq!(editor.missing.len(), 1, "relinking can be undone");
}
