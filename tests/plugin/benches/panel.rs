//! What the authoring panel costs the main thread: a frame of 12 strips with four takes each, the shown ones measured and
//! moving in the gallery, cut into triangles as a renderer would; and all that the editor does in a frame of an app, handles
//! in the scene among it.
//!
//! The aim is 4 ms for 95 frames of 100.

use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy_chois::ChoisPlugins;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::editor::{
    Editor, EditorPerson, EditorPlugin, EditorSystems, Page, Panel, See, draw_panel,
};
use bevy_chois_tests::{TICK, carry, window};
use bevy_egui::egui::{self, Pos2};
use bevy_egui::{EguiPlugin, EguiPrimaryContextPass};
use chois::project::Edit;
use criterion::{Criterion, criterion_group, criterion_main};

/// Frames that are timed for the percentile.
const FRAMES: usize = 2_000;
/// The same of a whole app.
const APP_FRAMES: usize = 600;
const PAGES: [Page; 4] = [Page::Ask, Page::Takes, Page::Edit, Page::Measure];

/// The editor in a headless app: drawing needs a device, egui does not.
fn app() -> App {
    let mut app = App::new();
    app.add_plugins((
        window::plugins(),
        EguiPlugin::default(),
        ChoisPlugins::default().build().disable::<DebugDrawPlugin>(),
        EditorPlugin { drafts: None },
    ));
    app.insert_resource(TimeUpdateStrategy::ManualDuration(TICK));
    let eye = Transform::from_xyz(0.6, 4.0, 4.0).looking_at(Vec3::new(0.6, 0.0, 0.0), Vec3::Y);
    app.world_mut().spawn((Camera3d::default(), eye));
    app.world_mut().spawn(EditorPerson { track: 0 });
    app.init_resource::<Spent>();
    // What the editor does, wherever it does it: what comes between is not in it.
    app.add_systems(
        Update,
        (
            begin.before(EditorSystems::Work),
            end.after(EditorSystems::Handle),
        ),
    );
    app.add_systems(
        PostUpdate,
        (
            begin.before(EditorSystems::Show),
            end.after(EditorSystems::Show),
        ),
    );
    app.add_systems(
        EguiPrimaryContextPass,
        (
            begin.before(EditorSystems::Paint),
            end.after(EditorSystems::Draw),
        ),
    );
    app.finish();
    app.cleanup();
    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::twelve(folder.path());
    let mut editor = app.world_mut().resource_mut::<Editor>();
    editor.open(&path).expect("opened");
    assert_eq!(editor.missing, []);
    editor.selected = editor.project().strips().first().map(|(_, s)| s.id);
    editor.compared = editor.strip().map(|s| s.takes[1].id);
    editor.playhead = 2.0;
    for _ in 0..60 {
        app.update();
        std::thread::sleep(Duration::from_millis(5));
    }
    app
}

/// What the editor has cost in this frame.
#[derive(Resource, Default)]
struct Spent {
    since: Option<Instant>,
    all: Duration,
}

fn begin(mut spent: ResMut<Spent>) {
    spent.since = Some(Instant::now());
}

fn end(mut spent: ResMut<Spent>) {
    if let Some(since) = spent.since.take() {
        spent.all += since.elapsed();
    }
}

fn told(name: &str, times: &mut [Duration]) {
    times.sort();
    let [median, most] = [times[times.len() / 2], times[times.len() * 95 / 100]];
    println!("{name}: median {median:?}, 95th percentile {most:?}");
}

fn frame(context: &egui::Context, editor: &mut Editor, panel: &mut Panel, time: f64) {
    let input = egui::RawInput {
        screen_rect: Some(egui::Rect::from_min_size(
            Pos2::ZERO,
            egui::vec2(1280.0, 720.0),
        )),
        time: Some(time),
        ..egui::RawInput::default()
    };
    let output = context
        .clone()
        .run_ui(input, |ui| draw_panel(ui.ctx(), editor, panel));
    let shapes = context.tessellate(output.shapes, output.pixels_per_point);
    assert!(!shapes.is_empty());
}

fn panel(criterion: &mut Criterion) {
    let mut app = app();
    // The panel alone, with what the app has measured of the takes.
    let mut time = 0.0;
    for page in PAGES {
        let context = egui::Context::default();
        let mut panel = Panel::default();
        panel.page = page;
        let mut editor = app.world_mut().resource_mut::<Editor>();
        let mut next = || {
            time += 1.0 / 60.0;
            frame(&context, &mut editor, &mut panel, time);
        };
        (0..10).for_each(|_| next());
        let mut times: Vec<Duration> = (0..FRAMES)
            .map(|_| {
                let began = Instant::now();
                next();
                began.elapsed()
            })
            .collect();
        told(&format!("a frame of the panel, {page:?}"), &mut times);
        criterion.bench_function(&format!("a frame of the panel, {page:?}"), |b| {
            b.iter(&mut next);
        });
    }
    // All of the editor in an app: standing, played, with everything seen, and while a take is tuned.
    for page in PAGES {
        app.world_mut().resource_mut::<Panel>().page = page;
        let mut times = run(&mut app, |_, _| {});
        told(&format!("the editor in an app, {page:?}"), &mut times);
    }
    let mut times = run(&mut app, |editor, i| {
        editor.playhead = (i % 1_400) as f32 / 30.0;
    });
    told("the editor in an app, scrubbing", &mut times);
    app.world_mut().resource_mut::<Editor>().scene.see = See {
        paths: true,
        skate: true,
        skeleton: true,
        ..default()
    };
    let mut times = run(&mut app, |_, _| {});
    told("the editor in an app, lines seen", &mut times);
    app.world_mut().resource_mut::<Editor>().scene.see = See::default();
    let mut times = run(&mut app, |editor, i| {
        let edit = Edit::Joint(chois::motion::edit::JointTouchUp {
            joint: "neck".into(),
            at: 1.5,
            rise: 0.4,
            hold: 0.0,
            fall: 0.4,
            turn: [0.0, (i % 90) as f32, 0.0],
        });
        let began = Instant::now();
        editor.tune("turn", "Turn joint", |e| matches!(e, Edit::Joint(_)), edit);
        assert!(began.elapsed() < Duration::from_secs(1));
    });
    told("the editor in an app, a joint being turned", &mut times);
}

/// What the editor costs in frames of an app, each after something was done.
fn run(app: &mut App, mut doing: impl FnMut(&mut Editor, usize)) -> Vec<Duration> {
    (0..APP_FRAMES)
        .map(|i| {
            let began = Instant::now();
            doing(&mut app.world_mut().resource_mut::<Editor>(), i);
            let done = began.elapsed();
            app.world_mut().resource_mut::<Spent>().all = done;
            app.update();
            app.world().resource::<Spent>().all
        })
        .collect()
}

criterion_group!(benches, panel);
criterion_main!(benches);
