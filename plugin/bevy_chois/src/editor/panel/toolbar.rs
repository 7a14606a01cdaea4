//! The row of tools, the status line, and what teaches where there is nothing yet.

use std::path::PathBuf;

use bevy_egui::egui::{self, Button, RichText, Ui};
use chois::project::export::Format;
use chois::project::file;
use chois::project::generate::Which;
use chois::project::stale::State;

use super::{Panel, colors, keys};
use crate::editor::session::{Ask, Editor, Kind, Tone};

/// Draws the tools.
pub fn draw(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    ui.horizontal(|ui| {
        let [past, future] = editor.history().len();
        let undo = editor.history().undoes().unwrap_or("nothing").to_owned();
        if tool(ui, "⟲", past > 0, &format!("Undo: {undo} (Ctrl Z)")) {
            editor.undo();
        }
        let redo = editor.history().redoes().unwrap_or("nothing").to_owned();
        if tool(ui, "⟳", future > 0, &format!("Redo: {redo} (Ctrl Shift Z)")) {
            editor.redo();
        }
        ui.separator();
        let (icon, hint) = if editor.playing {
            ("⏸", "Pause (Space)")
        } else {
            ("▶", "Play (Space)")
        };
        let some = editor.project().seconds() > 0.0;
        if tool(ui, icon, some, hint) {
            keys::play(editor);
        }
        let time = format!("{:5.2} s", editor.playhead);
        ui.label(RichText::new(time).monospace()).on_hover_text(
            "The playhead. Drag in the timeline's ruler; Left and Right go by a frame.",
        );
        ui.separator();
        add_menu(ui, editor, panel);
        ui.separator();
        generate(ui, editor);
        // Numbered on its own, whatever stands before it.
        ui.push_id("chois file", |ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = editor.path().and_then(|p| p.file_name());
                let name =
                    name.map_or_else(|| "not saved".into(), |n| n.to_string_lossy().into_owned());
                let changed = if editor.is_unsaved() { "*" } else { "" };
                if tool(ui, "💾", editor.is_unsaved(), "Save (Ctrl S)")
                    && let Err(error) = editor.save(None)
                {
                    editor.complain(&error);
                }
                file_menu(ui, editor, panel);
                ui.label(RichText::new(format!("{name}{changed}")).weak());
                status(ui, editor);
            })
        });
    });
}

/// Documents and what leaves them.
fn file_menu(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    ui.menu_button("☰", |ui| {
        ui.set_min_width(230.0);
        if ui.button("New document").clicked() {
            editor.new_document();
            ui.close();
        }
        ui.separator();
        ui.label("Project's file");
        let hint = format!("name{}", file::ENDING);
        ui.add(egui::TextEdit::singleline(&mut panel.file).hint_text(hint));
        ui.horizontal(|ui| {
            let path = PathBuf::from(panel.file.trim());
            let some = !panel.file.trim().is_empty();
            let open = ui.add_enabled(some, Button::new("Open"));
            let save = ui.add_enabled(some, Button::new("Save as"));
            let done = if open.clicked() {
                Some(editor.open_beside(&path))
            } else if save.clicked() {
                Some(editor.save(Some(&path)))
            } else {
                None
            };
            match done {
                Some(Ok(())) => ui.close(),
                Some(Err(error)) => editor.complain(&error),
                None => {}
            }
        });
        ui.separator();
        ui.label("Export");
        ui.horizontal(|ui| {
            for format in Format::ALL {
                let mut on = panel.formats.contains(&format);
                if ui.checkbox(&mut on, format.ending()).changed() {
                    panel.formats.retain(|f| *f != format);
                    if on {
                        panel.formats.push(format);
                    }
                }
            }
        });
        ui.horizontal(|ui| {
            for fps in [24.0, 30.0, 60.0] {
                ui.selectable_value(&mut panel.fps, fps, format!("{fps}"));
            }
            ui.label("frames a second");
        });
        ui.checkbox(&mut panel.takes, "every take that was not discarded");
        let folder = editor.path().map(|p| file::folder(p).join("export"));
        let some = folder.is_some() && !panel.formats.is_empty();
        if ui
            .add_enabled(some, Button::new("Export"))
            .on_hover_text("Into the folder \"export\" beside the project's file")
            .on_disabled_hover_text("Save the project first, and choose a format.")
            .clicked()
            && let Some(folder) = folder
        {
            editor.asks.push(Ask::Export {
                folder,
                takes: panel.takes,
                fps: panel.fps,
                formats: panel.formats.clone(),
            });
            ui.close();
        }
    })
    .response
    .on_hover_text("Documents and export");
}

fn tool(ui: &mut Ui, icon: &str, can: bool, hint: &str) -> bool {
    let button = Button::new(RichText::new(icon).size(15.0)).min_size(egui::vec2(26.0, 22.0));
    ui.add_enabled(can, button)
        .on_hover_text(hint)
        .on_disabled_hover_text(hint)
        .clicked()
}

/// The track that strips are added to.
pub fn current_track(editor: &Editor, panel: &Panel) -> usize {
    let selected = editor.selected.and_then(|id| editor.project().track_of(id));
    let last = editor.project().tracks.len().saturating_sub(1);
    selected.unwrap_or(panel.track).min(last)
}

/// What can be added.
fn add_menu(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    let track = current_track(editor, panel);
    ui.menu_button("➕ Add", |ui| {
        if editor.project().tracks.is_empty() && ui.button("Person").clicked() {
            editor.add_person();
        }
        if !editor.project().tracks.is_empty() {
            if ui.button("Walk").clicked() {
                editor.add_strip(track, Kind::Walk);
            }
            if ui.button("Stand").clicked() {
                editor.add_strip(track, Kind::Idle);
            }
            let objects: Vec<_> = (editor.project().objects.iter())
                .map(|o| (o.id, o.name.clone()))
                .collect();
            for (id, name) in objects {
                if ui.button(format!("Carry the {name}")).clicked() {
                    editor.add_strip(track, Kind::Interact(id));
                }
            }
        }
        for choice in editor.choices.clone() {
            let there = editor
                .project()
                .objects
                .iter()
                .any(|o| o.name == choice.name);
            if !there && ui.button(format!("Object: {}", choice.name)).clicked() {
                editor.add_object(&choice);
            }
        }
        if !editor.project().tracks.is_empty() {
            ui.separator();
            let more = ui.button("Another person");
            if more.on_hover_text("A track of their own").clicked() && editor.add_person() {
                editor.selected = None;
                panel.track = editor.project().tracks.len() - 1;
            }
        }
    })
    .response
    .on_hover_text("A strip after the last one of this person, an object, or another person");
}

/// The button, or how far it is.
fn generate(ui: &mut Ui, editor: &mut Editor) {
    if let Some(progress) = editor.progress {
        let bar = egui::ProgressBar::new(progress.share)
            .show_percentage()
            .desired_width(150.0);
        ui.add(bar).on_hover_text(editor.named(progress.strip));
        if ui
            .button("Cancel")
            .on_hover_text("Takes that are done stay")
            .clicked()
        {
            editor.asks.push(Ask::Cancel);
        }
        return;
    }
    let strips = editor.project().strips();
    let stale = strips
        .iter()
        .filter(|(_, s)| editor.state(s.id).is_stale())
        .count();
    let text = match stale {
        0 => "Generate".to_owned(),
        n => format!("Generate {n}"),
    };
    let mut button = Button::new(RichText::new(text).strong());
    if stale > 0 {
        button = button.fill(ui.visuals().selection.bg_fill);
    }
    let hint = "Generates the strips that are new or out of date, one after the other, each from the end of the one before. \
                What is up to date stays.";
    if ui
        .add_enabled(stale > 0, button)
        .on_hover_text(hint)
        .on_disabled_hover_text("Every strip is up to date.")
        .clicked()
    {
        editor.asks.push(Ask::Generate(Which::Stale));
    }
    let again = editor
        .selected
        .filter(|id| !matches!(editor.state(*id), State::Waits));
    if ui
        .add_enabled(again.is_some(), Button::new("More takes"))
        .on_hover_text("Generates more takes of the selected strip; those that are there stay.")
        .on_disabled_hover_text("Select a strip that does not wait for another.")
        .clicked()
        && let Some(id) = again
    {
        editor.asks.push(Ask::Generate(Which::Strip(id)));
    }
    let suffix = if editor.variations == 1 {
        " take"
    } else {
        " takes"
    };
    ui.add(
        egui::DragValue::new(&mut editor.variations)
            .range(1..=16)
            .suffix(suffix),
    )
    .on_hover_text("Takes of each strip that are generated at once, each with a seed of its own");
}

fn status(ui: &mut Ui, editor: &Editor) {
    let (line, tone) = editor.status();
    let text = match tone {
        Tone::Plain => RichText::new(line).weak(),
        Tone::Bad => RichText::new(line).color(colors::bad(ui.visuals())),
    };
    ui.add(egui::Label::new(text).truncate())
        .on_hover_text(line);
    if !editor.missing.is_empty() {
        let all: Vec<String> = editor.missing.iter().map(ToString::to_string).collect();
        let text = RichText::new(format!("{} missing", all.len())).color(colors::bad(ui.visuals()));
        ui.label(text).on_hover_text(all.join("\n"));
    }
}

/// What to do first.
pub fn teach(ui: &mut Ui, editor: &mut Editor) {
    ui.vertical_centered(|ui| {
        ui.add_space(10.0);
        ui.label(RichText::new("Nothing happens yet.").size(16.0).strong());
        ui.label("Add strips for what the person does, one after the other; write what happens in each; then Generate.");
        ui.add_space(6.0);
        if editor.project().tracks.is_empty() {
            if ui.button("Add a person").clicked() {
                editor.add_person();
            }
            return;
        }
        ui.horizontal(|ui| {
            let free = ui.available_width();
            ui.add_space((free / 2.0 - 130.0).max(0.0));
            if ui.button("Add a walk").clicked() {
                editor.add_strip(0, Kind::Walk);
            }
            let object = editor.project().objects.first().map(|o| (o.id, o.name.clone()));
            if let Some((id, name)) = object
                && ui.button(format!("Carry the {name}")).clicked()
            {
                editor.add_strip(0, Kind::Interact(id));
            }
            if ui.button("Stand").clicked() {
                editor.add_strip(0, Kind::Idle);
            }
        });
    });
}
