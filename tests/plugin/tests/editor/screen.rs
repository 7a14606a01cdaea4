//! The panel in a context without a screen: strips are dragged, words written.

use bevy_chois::editor::{Editor, Panel, Tone, Tool, draw_panel};
use bevy_egui::egui::{self, Event, Id, Key, Modifiers, PointerButton, Pos2, pos2};
use chois::project::StripId;

use crate::{begin, strips};

/// The panel in a context without a screen.
struct Screen {
    context: egui::Context,
    editor: Editor,
    panel: Panel,
    time: f64,
}

pub const SIZE: egui::Vec2 = egui::vec2(1280.0, 720.0);

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

#[test]
fn keys_play_step_show_all_and_choose_what_the_gizmo_does() {
    let mut screen = Screen::new();
    let seconds = screen.editor.project().seconds();
    assert!(seconds > 7.9);
    // A frame on, a frame back, not before the beginning; to the end and back.
    screen.key(Key::ArrowRight, Modifiers::NONE);
    screen.key(Key::ArrowRight, Modifiers::NONE);
    assert!((screen.editor.playhead - 2.0 / 30.0).abs() < 1e-5);
    (0..3).for_each(|_| screen.key(Key::ArrowLeft, Modifiers::NONE));
    assert_eq!(screen.editor.playhead, 0.0);
    screen.key(Key::ArrowRight, Modifiers::SHIFT);
    assert_eq!(screen.editor.playhead, seconds);
    screen.key(Key::ArrowRight, Modifiers::NONE);
    assert_eq!(screen.editor.playhead, seconds, "there is no more");
    // From the end it plays from the beginning; a step stops it where it is.
    screen.key(Key::Space, Modifiers::NONE);
    assert!(screen.editor.playing && screen.editor.playhead == 0.0);
    screen.key(Key::Space, Modifiers::NONE);
    assert!(!screen.editor.playing);
    screen.key(Key::Space, Modifiers::NONE);
    screen.key(Key::ArrowRight, Modifiers::NONE);
    assert!(!screen.editor.playing && screen.editor.playhead > 0.0);
    screen.key(Key::ArrowLeft, Modifiers::SHIFT);
    assert_eq!(screen.editor.playhead, 0.0);

    // Scrolled into, the timeline shows all again.
    let all = strips(&screen.editor);
    let whole = screen.rect(all[0]);
    let zoom = |screen: &mut Screen| {
        let at = whole.center();
        screen.frame(vec![
            Event::PointerMoved(at),
            Event::MouseWheel {
                unit: egui::MouseWheelUnit::Line,
                delta: egui::vec2(0.0, 6.0),
                phase: egui::TouchPhase::Move,
                modifiers: Modifiers::NONE,
            },
        ]);
        (0..20).for_each(|_| screen.frame(Vec::new()));
    };
    zoom(&mut screen);
    let near = screen.rect(all[0]);
    assert!(near.width() > 1.2 * whole.width(), "{near:?} of {whole:?}");
    screen.key(Key::Home, Modifiers::NONE);
    screen.frame(Vec::new());
    assert!((screen.rect(all[0]).width() - whole.width()).abs() < 1.0);

    assert_eq!(screen.editor.scene.tool, Tool::Move);
    screen.key(Key::R, Modifiers::NONE);
    assert_eq!(screen.editor.scene.tool, Tool::Turn);
    screen.key(Key::G, Modifiers::NONE);
    assert_eq!(screen.editor.scene.tool, Tool::Move);
}

#[test]
fn ctrl_s_saves_where_there_is_a_file_and_says_what_is_missing_where_not() {
    let mut screen = Screen::new();
    let ctrl = Modifiers::CTRL | Modifiers::COMMAND;
    screen.key(Key::S, ctrl);
    let (line, tone) = screen.editor.status();
    assert!(
        tone == Tone::Bad && line.contains("has no file yet"),
        "{line}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.chois.ron");
    screen.editor.save(Some(&path)).expect("saved");
    screen.key(Key::D, Modifiers::SHIFT);
    assert!(screen.editor.is_unsaved());
    screen.key(Key::S, ctrl);
    assert!(!screen.editor.is_unsaved());
    let read = chois::project::file::read_project(&path).expect("read");
    assert_eq!(read.strips().len(), strips(&screen.editor).len());
    // Also while words are written, which take no other key.
    let at = screen.rect(strips(&screen.editor)[0]).center();
    screen.frame(vec![Event::PointerMoved(at)]);
    for pressed in [true, false, true, false] {
        screen.button(at, pressed);
    }
    (0..3).for_each(|_| screen.frame(Vec::new()));
    screen.frame(vec![Event::Text(" Gently.".into())]);
    screen.key(Key::Space, Modifiers::NONE);
    assert!(!screen.editor.playing, "it is a space of the words");
    assert!(screen.editor.is_unsaved());
    screen.key(Key::S, ctrl);
    assert!(!screen.editor.is_unsaved());
}
