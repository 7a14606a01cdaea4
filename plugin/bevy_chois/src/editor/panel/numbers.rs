//! The shown take in numbers, beside another.

use bevy_egui::egui::{self, Grid, RichText, Ui, Visuals};
use chois::project::{Grade, Row, Strip, TakeId};

use super::colors;
use crate::editor::session::Editor;

/// Draws them.
pub fn draw(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    let Some(shown) = strip.shown else { return };
    let number = |id: TakeId| strip.takes.iter().position(|t| t.id == id).unwrap_or(0) + 1;
    let others: Vec<TakeId> = (strip.takes.iter().map(|t| t.id))
        .filter(|id| *id != shown)
        .collect();
    let compared = editor.compared.filter(|id| others.contains(id));
    ui.horizontal(|ui| {
        ui.strong(format!("Take {}", number(shown)));
        if others.is_empty() {
            return;
        }
        ui.weak("beside");
        let text = compared.map_or("none".to_owned(), |id| format!("take {}", number(id)));
        egui::ComboBox::from_id_salt("chois compared")
            .width(70.0)
            .selected_text(text)
            .show_ui(ui, |ui| {
                let mut choice = compared;
                ui.selectable_value(&mut choice, None, "none");
                for id in &others {
                    ui.selectable_value(&mut choice, Some(*id), format!("take {}", number(*id)));
                }
                if choice != compared {
                    editor.compared = choice;
                }
            });
    });
    let rows = |id: TakeId| -> Option<Vec<Row>> { Some(editor.measures.get(&id)?.numbers.rows()) };
    let Some(own) = rows(shown) else {
        ui.weak("It is being measured.");
        return;
    };
    let other = compared.and_then(rows);
    Grid::new("chois take numbers")
        .num_columns(3)
        .spacing([14.0, 1.0])
        .striped(true)
        .show(ui, |ui| {
            if compared.is_some() {
                ui.label("");
                ui.weak("this");
                ui.weak("that");
                ui.end_row();
            }
            for row in &own {
                ui.label(row.name).on_hover_text(row.hint);
                cell(ui, row, compared.is_none());
                if let Some(other) = &other {
                    match other.iter().find(|o| o.name == row.name) {
                        Some(row) => cell(ui, row, false),
                        None => {
                            ui.label("");
                        }
                    }
                }
                ui.end_row();
            }
        });
}

fn cell(ui: &mut Ui, row: &Row, with_word: bool) {
    let color = color(ui.visuals(), row.grade);
    let text = match (with_word, row.word) {
        (true, word) if !word.is_empty() => format!("{}  {word}", row.value),
        _ => row.value.clone(),
    };
    ui.label(RichText::new(text).color(color))
        .on_hover_text(row.word);
}

fn color(visuals: &Visuals, grade: Grade) -> egui::Color32 {
    match grade {
        Grade::Plain => visuals.text_color(),
        Grade::Good => colors::good(visuals),
        Grade::Fair => colors::fair(visuals),
        Grade::Poor => colors::bad(visuals),
    }
}
