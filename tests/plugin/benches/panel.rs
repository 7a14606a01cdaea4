//! What the authoring panel costs the main thread: a frame with 12 strips, drawn and cut into triangles as a renderer would.
//!
//! The aim is 4 ms for 95 frames of 100. Measured (two cores, the development profile), by pages: 0.2 to 0.4 ms.

use std::time::{Duration, Instant};

use bevy_chois::editor::{Choice, Editor, Kind, Page, Panel, draw_panel};
use bevy_chois_tests::assets;
use bevy_egui::egui::{self, Pos2};
use chois::project::Project;
use chois::request::PersonPlace;
use criterion::{Criterion, criterion_group, criterion_main};

/// Frames that are timed for the percentile.
const FRAMES: usize = 2_000;

/// Twelve strips, the first of them selected.
fn editor() -> Editor {
    let mut editor = Editor::default();
    editor.set_project(Project::default(), None);
    assert!(editor.add_track("Ann", PersonPlace::default()));
    let choice = Choice {
        name: "box".into(),
        file: assets().join("objects/storage_box.glb"),
        place: Default::default(),
    };
    let object = editor.add_object(&choice).expect("an object");
    for i in 0..12 {
        let kind = match i % 3 {
            0 => Kind::Walk,
            1 => Kind::Interact(object),
            _ => Kind::Idle,
        };
        editor.add_strip(0, kind).expect("a strip");
    }
    editor.selected = editor.project().strips().first().map(|(_, s)| s.id);
    editor
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
    let (context, mut editor, mut panel) = (egui::Context::default(), editor(), Panel::default());
    let mut time = 0.0;
    for page in [Page::Ask, Page::Takes, Page::Edit, Page::Measure] {
        panel.page = page;
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
        times.sort();
        let [median, most] = [times[FRAMES / 2], times[FRAMES * 95 / 100]];
        println!("a frame of the panel, {page:?}: median {median:?}, 95th percentile {most:?}");
        criterion.bench_function(&format!("a frame of the panel, {page:?}"), |b| {
            b.iter(&mut next);
        });
    }
}

criterion_group!(benches, panel);
criterion_main!(benches);
