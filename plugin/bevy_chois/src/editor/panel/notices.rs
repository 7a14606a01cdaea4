//! What stands over the timeline: tabs, what was not saved before a crash, what is missing.

use std::path::PathBuf;

use bevy_egui::egui::{self, Frame, RichText, TextEdit, Ui};
use chois::project::{Lost, Missing};

use super::{Panel, colors};
use crate::editor::session::Editor;

/// Height of one line, points.
pub const LINE: f32 = 26.0;

/// Lines that are drawn.
pub fn lines(editor: &Editor) -> usize {
    let tabs = usize::from(editor.tabs().len() > 1);
    tabs + usize::from(editor.offer().is_some()) + usize::from(relinkable(editor).is_some())
}

/// The first thing that is missing and can be somewhere else.
fn relinkable(editor: &Editor) -> Option<&Missing> {
    let all = editor.missing.iter();
    all.into_iter().find(|m| !matches!(m.what, Lost::Take(_)))
}

/// Draws them.
pub fn draw(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    let tabs = editor.tabs();
    if tabs.len() > 1 {
        ui.horizontal(|ui| {
            for (place, tab) in tabs.iter().enumerate() {
                let star = if tab.unsaved { " *" } else { "" };
                let label = ui.selectable_label(tab.shown, format!("{}{star}", tab.name));
                if label.on_hover_text("Shows this document").clicked() {
                    editor.show_document(place);
                }
                if tab.shown {
                    let hint = if tab.unsaved {
                        "Close without saving"
                    } else {
                        "Close"
                    };
                    if ui.small_button("✖").on_hover_text(hint).clicked()
                        && let Err(error) = editor.close_document(true)
                    {
                        editor.complain(&error);
                    }
                }
            }
        });
    }
    if editor.offer().is_some() {
        strip(ui, |ui| {
            let what = if editor.offers_draft() {
                "A project that was never saved is left from before: the program ended."
            } else {
                "This project was changed after it was saved, and the program ended."
            };
            ui.label(RichText::new(what).strong());
            let take = ui
                .button("Take what was not saved")
                .on_hover_text("Opens what was saved by itself");
            if take.clicked()
                && let Err(error) = editor.take_offer()
            {
                editor.complain(&error);
            }
            let leave = ui
                .button("Leave it")
                .on_hover_text("Goes on without it, and deletes it");
            if leave.clicked()
                && let Err(error) = editor.refuse_offer()
            {
                editor.complain(&error);
            }
        });
    }
    if let Some(lost) = relinkable(editor).cloned() {
        strip(ui, |ui| {
            let what = match lost.what {
                Lost::Object(id) => {
                    let name = editor.project().object(id).map(|o| o.name.clone());
                    format!(
                        "The file of {} is missing; a box stands for it.",
                        name.unwrap_or_default()
                    )
                }
                Lost::Avatar(_) => "The avatar's file is missing.".to_owned(),
                Lost::Room => "The room's file is missing; it is left out.".to_owned(),
                Lost::Take(_) => String::new(),
            };
            let color = colors::bad(ui.visuals());
            ui.label(RichText::new(what).color(color))
                .on_hover_text(lost.to_string());
            // One of the same name that is known.
            let known = match lost.what {
                Lost::Object(id) => {
                    let name = editor.project().object(id).map(|o| o.name.clone());
                    let choice = editor
                        .choices
                        .iter()
                        .find(|c| Some(&c.name) == name.as_ref());
                    choice.map(|c| c.file.clone())
                }
                _ => None,
            };
            let mut to = None;
            if let Some(file) = known
                && ui
                    .button("Use the one of that name")
                    .on_hover_text(file.display().to_string())
                    .clicked()
            {
                to = Some(file);
            }
            let hint = lost.path.display().to_string();
            ui.add(
                TextEdit::singleline(&mut panel.relink)
                    .hint_text(hint)
                    .desired_width(220.0),
            );
            let can = !panel.relink.trim().is_empty();
            if ui
                .add_enabled(can, egui::Button::new("Relink"))
                .on_disabled_hover_text("Write where the file is now.")
                .clicked()
            {
                to = Some(PathBuf::from(panel.relink.trim()));
            }
            if let Some(to) = to {
                match editor.relink(lost.what, &to) {
                    Ok(()) => panel.relink.clear(),
                    Err(error) => editor.complain(&error),
                }
            }
        });
    }
}

fn strip(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let fill = ui.visuals().faint_bg_color;
    Frame::new()
        .fill(fill)
        .inner_margin(egui::Margin::symmetric(6, 0))
        .show(ui, |ui| {
            ui.horizontal(add);
        });
}
