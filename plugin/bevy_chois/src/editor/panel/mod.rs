//! What is drawn: a bar of tools and the timeline below, the selected strip at the right.

mod colors;
mod hands;
mod inspector;
mod keys;
mod locks;
mod notices;
mod numbers;
mod plots;
mod takes;
mod timeline;
mod toolbar;
pub(super) mod touch;

use bevy::ecs::resource::Resource;
use bevy_egui::egui::{self, Frame, Ui, UiBuilder};
use chois::project::export::Format;
use chois::project::{StripId, TakeId};

use super::session::Editor;

/// Width of the inspector, and height of the timeline, logical pixels.
const INSPECTOR: f32 = 280.0;
const TIMELINE: f32 = 122.0;

/// What the panel remembers that is no part of the project.
#[derive(Resource, Clone, Debug)]
pub struct Panel {
    /// First second of the timeline that is shown, and how many are; 0 for all there is.
    view: [f32; 2],
    /// The same as it was drawn last: what is dragged must not stretch the ground it is dragged over.
    drawn: [f32; 2],
    /// The strip that is dragged: where it was, seconds, and how long.
    grab: Option<(StripId, f32, f32, f32)>,
    /// The strip whose words are written in the timeline.
    writing: Option<StripId>,
    /// The take that is blended in, and its share.
    blend: Option<(TakeId, f32)>,
    /// The page of the inspector that is open.
    pub page: Page,
    /// Bars of contact that are dragged.
    bars: Option<hands::Dragged>,
    /// The track that strips are added to where none is selected.
    track: usize,
    /// The bar that was taken last: its take, its hand, which.
    bar: Option<(TakeId, usize, usize)>,
    /// Where a menu was opened in a lane of bars, seconds of the take.
    bar_at: f32,
    /// The joint that is touched up, and within how many seconds.
    joint: String,
    fade: f32,
    /// Where something that is missing is now.
    relink: String,
    /// The project's file as it is written.
    file: String,
    /// What is exported.
    formats: Vec<Format>,
    fps: f32,
    takes: bool,
}

/// A page of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// What is asked for.
    #[default]
    Ask,
    /// The takes, and what is thought of them.
    Takes,
    /// What is changed by hand, and what stays.
    Edit,
    /// The shown take over time and in numbers.
    Measure,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            view: [0.0; 2],
            drawn: [0.0, 1.0],
            grab: None,
            writing: None,
            blend: None,
            page: Page::Ask,
            bars: None,
            track: 0,
            bar: None,
            bar_at: 0.0,
            joint: "neck".into(),
            fade: 0.4,
            relink: String::new(),
            file: String::new(),
            formats: vec![Format::Glb],
            fps: 30.0,
            takes: false,
        }
    }
}

/// Draws the panel over whatever the context shows; [`EditorPlugin`](super::EditorPlugin) does. For programs that run egui
/// themselves.
pub fn draw_panel(context: &egui::Context, editor: &mut Editor, panel: &mut Panel) {
    if !editor.shown {
        if editor.covers != [0.0; 2] {
            editor.covers = [0.0; 2];
        }
        return;
    }
    keys::read(context, editor, panel);
    let mut whole = Ui::new(
        context.clone(),
        "chois editor".into(),
        UiBuilder::new()
            .layer_id(egui::LayerId::background())
            .max_rect(context.viewport_rect()),
    );
    let frame = |ui: &Ui| Frame::side_top_panel(ui.style()).inner_margin(8.0);
    let below = egui::Panel::bottom("chois timeline")
        .exact_size(
            TIMELINE + timeline::more(editor) + notices::LINE * notices::lines(editor) as f32,
        )
        .resizable(false)
        .frame(frame(&whole))
        .show_inside(&mut whole, |ui| {
            notices::draw(ui, editor, panel);
            toolbar::draw(ui, editor, panel);
            ui.add_space(4.0);
            if editor.project().tracks.iter().all(|t| t.strips.is_empty()) {
                toolbar::teach(ui, editor);
            } else {
                timeline::draw(ui, editor, panel);
            }
        });
    let mut covers = [0.0, below.response.rect.height()];
    if editor.strip().is_some() {
        let aside = egui::Panel::right("chois inspector")
            .exact_size(INSPECTOR)
            .resizable(false)
            .frame(frame(&whole))
            .show_inside(&mut whole, |ui| {
                // Seen where there is more: one that shows itself under the pointer alone cuts off what is under the edge.
                ui.spacing_mut().scroll = egui::style::ScrollStyle::solid();
                ui.spacing_mut().scroll.bar_width = 6.0;
                egui::ScrollArea::vertical()
                    .auto_shrink([false, false])
                    .show(ui, |ui| inspector::draw(ui, editor, panel));
            });
        // What stands over its edge is cut off, and covers nothing.
        covers[0] = aside.response.rect.width().min(INSPECTOR);
    }
    if editor.covers != covers {
        editor.covers = covers;
    }
}
