//! The panel of an app's editor in which somebody carries a box.

use std::path::Path;
use std::time::{Duration, Instant};

use bevy::app::App;
use bevy_chois::editor::{Editor, Panel, draw_panel};
use bevy_chois_tests::{tick, tick_until};
use bevy_egui::egui::{self, Event, Id, Key, Modifiers, PointerButton, Pos2};

use crate::screen::SIZE;
use crate::{PATIENCE, app, editor, strips};

/// The panel of an app's editor.
pub struct Seen {
    pub app: App,
    context: egui::Context,
    pub panel: Panel,
    time: f64,
}

impl Seen {
    pub fn new(path: &Path) -> Self {
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

    pub fn frame(&mut self, events: Vec<Event>) {
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
    pub fn rect(&self, name: &str, hand: usize, end: usize) -> Option<egui::Rect> {
        let id = Id::new((name, strips(self.editor())[0].0, hand, 0_usize, end));
        self.context.read_response(id).map(|r| r.rect)
    }

    /// Where something of the strip's lane of bars is.
    pub fn place(&self, id: impl std::hash::Hash) -> egui::Rect {
        let response = self.context.read_response(Id::new(id));
        response.expect("it is drawn").rect
    }

    /// Clicks a number of times in quick succession.
    pub fn click(&mut self, at: Pos2, times: usize) {
        self.frame(vec![Event::PointerMoved(at)]);
        for pressed in [true, false].repeat(times) {
            self.frame(vec![Event::PointerButton {
                pos: at,
                button: PointerButton::Primary,
                pressed,
                modifiers: Modifiers::NONE,
            }]);
        }
        // What comes next is no part of it.
        self.time += 1.0;
        (0..2).for_each(|_| self.frame(Vec::new()));
    }

    pub fn key(&mut self, key: Key) {
        for pressed in [true, false] {
            self.frame(vec![Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: Modifiers::NONE,
            }]);
        }
    }

    /// Waits until physics has answered, and the answer is measured and drawn.
    pub fn settle(&mut self) {
        let done = tick_until(&mut self.app, PATIENCE, |world| {
            !world.resource::<Editor>().is_holding()
        });
        assert!(done, "{:?}", self.editor().status());
        for _ in 0..200 {
            tick(&mut self.app);
            std::thread::sleep(Duration::from_millis(5));
        }
        (0..3).for_each(|_| self.frame(Vec::new()));
    }

    pub fn editor(&self) -> &Editor {
        self.app.world().resource::<Editor>()
    }

    pub fn drag(&mut self, from: Pos2, to: Pos2) {
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
