//! The panel: what is asked for, how far it is, what plays, what happened.

use bevy::prelude::*;
use bevy_chois::clip::MotionClip;
use bevy_chois::npc::SceneObject;
use bevy_chois::object::Interactable;
use bevy_chois::playback::InteractionPlayer;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Color32, RichText, Ui};
use chois::request::{MAX_SECONDS, MIN_SECONDS};
use chois::text::MAX_TEXT_CHARS;

use crate::cast::Cast;
use crate::catalogue::Catalogue;
use crate::eye::Covered;
use crate::journal::{Journal, Status};
use crate::making::Making;
use crate::player::{self, Player};
use crate::say::Talk;
use crate::shows::Shows;
use crate::wishes::{Ask, Wishes, sentence};

/// Width of the panel, logical pixels.
const WIDTH: f32 = 290.0;

/// Draws the panel.
pub fn draw(
    mut contexts: EguiContexts,
    mut covered: ResMut<Covered>,
    mut wishes: ResMut<Wishes>,
    mut shows: ResMut<Shows>,
    mut player: ResMut<Player>,
    mut asks: MessageWriter<Ask>,
    mut interactions: Query<&mut InteractionPlayer>,
    clips: Res<Assets<MotionClip>>,
    things: Query<&Interactable>,
    (cast, catalogue, making, journal): (Res<Cast>, Res<Catalogue>, Res<Making>, Res<Journal>),
    (mut talk, names): (ResMut<Talk>, Query<&SceneObject>),
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    if context.input(|i| i.key_pressed(egui::Key::F1)) {
        shows.panel = !shows.panel;
    }
    if context.input(|i| i.key_pressed(egui::Key::F2)) {
        shows.editor = !shows.editor;
    }
    // One at a time.
    if !shows.panel || shows.editor {
        covered.set_if_neq(Covered(0.0));
        return Ok(());
    }
    let mut whole = Ui::new(
        context.clone(),
        "viewer".into(),
        egui::UiBuilder::new()
            .layer_id(egui::LayerId::background())
            .max_rect(context.viewport_rect()),
    );
    let shown = egui::Panel::left("panel")
        .exact_size(WIDTH)
        .resizable(false)
        .show_inside(&mut whole, |ui| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                ui.add_space(6.0);
                cast_part(ui, &cast, &catalogue, &things, &mut asks);
                wishes_part(ui, &mut wishes, &cast);
                generate_part(ui, &making, &cast, &mut asks);
                let known = (things.iter().map(|thing| thing.name.as_str()))
                    .chain(names.iter().map(|object| object.name.as_str()));
                say_part(ui, &mut talk, known, &mut asks);
                status_part(ui, &journal);
                player_part(ui, &cast, &making, &mut player, &mut interactions, &clips);
                shows_part(ui, &mut shows);
                journal_part(ui, &journal);
            });
        });
    covered.set_if_neq(Covered(shown.response.rect.width()));
    Ok(())
}

/// Who, and with what.
fn cast_part(
    ui: &mut Ui,
    cast: &Cast,
    catalogue: &Catalogue,
    things: &Query<&Interactable>,
    asks: &mut MessageWriter<Ask>,
) {
    let mut standing: Vec<&str> = things.iter().map(|thing| thing.name.as_str()).collect();
    let shipped = catalogue.objects.iter().map(|entry| entry.name.as_str());
    standing.extend(shipped);
    standing.sort_unstable();
    standing.dedup();
    let avatars: Vec<&str> = catalogue.avatars.iter().map(|e| e.name.as_str()).collect();
    egui::Grid::new("cast").num_columns(2).show(ui, |ui| {
        if let Some(name) = choice(ui, "Person", &cast.avatar_name, &avatars) {
            asks.write(Ask::Avatar(name));
        }
        ui.end_row();
        if let Some(name) = choice(ui, "Object", &cast.object_name, &standing) {
            asks.write(Ask::Object(name));
        }
        ui.end_row();
    });
}

/// One of several names; the one that was chosen just now.
fn choice(ui: &mut Ui, label: &str, now: &str, names: &[&str]) -> Option<String> {
    ui.label(label);
    let mut chosen = None;
    egui::ComboBox::from_id_salt(label)
        .selected_text(now)
        .width(200.0)
        .show_ui(ui, |ui| {
            for name in names {
                if ui.selectable_label(*name == now, *name).clicked() && *name != now {
                    chosen = Some((*name).to_owned());
                }
            }
        });
    chosen
}

/// What is asked for.
fn wishes_part(ui: &mut Ui, wishes: &mut Wishes, cast: &Cast) {
    ui.add_space(6.0);
    let hint = sentence(&cast.object_name);
    ui.add(
        egui::TextEdit::multiline(&mut wishes.text)
            .hint_text(hint)
            .char_limit(MAX_TEXT_CHARS)
            .desired_rows(2)
            .desired_width(f32::INFINITY),
    );
    ui.horizontal(|ui| {
        ui.label("Waypoints");
        if !wishes.waypoints.is_empty() && ui.small_button("clear").clicked() {
            wishes.waypoints.clear();
        }
    });
    if wishes.waypoints.is_empty() {
        ui.weak("Click on the floor; the last is where it ends.");
    }
    let mut gone = None;
    let last = wishes.waypoints.len().wrapping_sub(1);
    for (i, at) in wishes.waypoints.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let label = if i == last {
                "end".into()
            } else {
                format!("{}", i + 1)
            };
            ui.add_sized([26.0, 18.0], egui::Label::new(label));
            for value in [&mut at.x, &mut at.y] {
                let field = egui::DragValue::new(value).speed(0.01).fixed_decimals(2);
                ui.add(field.range(-50.0..=50.0).suffix(" m"));
            }
            if ui.small_button("delete").clicked() {
                gone = Some(i);
            }
        });
    }
    if let Some(i) = gone {
        wishes.waypoints.remove(i);
    }
    ui.add_space(4.0);
    egui::Grid::new("numbers").num_columns(4).show(ui, |ui| {
        ui.label("Seconds");
        let seconds = egui::DragValue::new(&mut wishes.seconds).speed(0.05);
        ui.add(seconds.range(MIN_SECONDS..=MAX_SECONDS).fixed_decimals(1));
        ui.label("Seed");
        ui.add(egui::DragValue::new(&mut wishes.seed).speed(0.2));
        ui.end_row();
        ui.label("Steps");
        ui.add(egui::DragValue::new(&mut wishes.steps).range(1..=1000));
        ui.label("Guidance");
        ui.checkbox(&mut wishes.guidance, "");
        ui.end_row();
    });
}

/// The button, or how far it is.
fn generate_part(ui: &mut Ui, making: &Making, cast: &Cast, asks: &mut MessageWriter<Ask>) {
    ui.add_space(6.0);
    match making.progress {
        Some([done, total]) => {
            ui.horizontal(|ui| {
                let part = if total == 0 {
                    0.0
                } else {
                    done as f32 / total as f32
                };
                let text = match total {
                    0 => "getting ready".to_owned(),
                    _ => format!("{done} of {total} steps"),
                };
                let bar = egui::ProgressBar::new(part).text(text).desired_width(200.0);
                ui.add(bar.animate(total == 0));
                if ui.button("Cancel").clicked() {
                    asks.write(Ask::Cancel);
                }
            });
        }
        None => {
            let can = cast.avatar.is_some() && cast.object.is_some();
            let button = egui::Button::new(RichText::new("Generate").strong());
            let size = egui::vec2(ui.available_width(), 28.0);
            if ui.add_enabled(can, button.min_size(size)).clicked() {
                asks.write(Ask::Generate);
            }
        }
    }
}

/// The command line.
fn say_part<'n>(
    ui: &mut Ui,
    talk: &mut Talk,
    names: impl Iterator<Item = &'n str>,
    asks: &mut MessageWriter<Ask>,
) {
    ui.separator();
    ui.horizontal(|ui| {
        let line = egui::TextEdit::singleline(&mut talk.line)
            .hint_text("move the lamp next to the sofa")
            .char_limit(MAX_TEXT_CHARS)
            .lock_focus(true)
            .desired_width(200.0);
        let line = ui.add(line);
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if line.has_focus() {
            if pressed(egui::Key::Tab) {
                talk.complete(names);
            } else if pressed(egui::Key::ArrowUp) || pressed(egui::Key::ArrowDown) {
                talk.recall(pressed(egui::Key::ArrowUp));
            }
        }
        let entered = line.lost_focus() && pressed(egui::Key::Enter);
        if talk.busy.is_some() {
            if ui.button("Stop").clicked() {
                asks.write(Ask::Stop);
            }
        } else if (ui.button("Say").clicked() || entered) && !talk.line.trim().is_empty() {
            asks.write(Ask::Say(std::mem::take(&mut talk.line)));
        }
    });
    ui.weak("Enter says it, Tab completes a name, arrows bring back what was said.");
}

fn status_part(ui: &mut Ui, journal: &Journal) {
    ui.add_space(4.0);
    match &journal.status {
        Status::Ready => ui.weak("ready"),
        Status::Good(line) => ui.label(line),
        Status::Bad(line) => ui.colored_label(Color32::from_rgb(255, 120, 100), line),
    };
}

/// Play, pause, scrub.
fn player_part(
    ui: &mut Ui,
    cast: &Cast,
    making: &Making,
    player: &mut Player,
    interactions: &mut Query<&mut InteractionPlayer>,
    clips: &Assets<MotionClip>,
) {
    ui.separator();
    let Some((mut interaction, seconds)) = player::playing(cast, making, interactions, clips)
    else {
        ui.weak("Nothing plays yet.");
        return;
    };
    ui.horizontal(|ui| {
        let label = if interaction.paused { "Play" } else { "Pause" };
        if ui.button(label).clicked() {
            interaction.paused = !interaction.paused;
            // At the end there is nothing left to play.
            if !interaction.paused && interaction.time >= seconds {
                interaction.time = 0.0;
            }
        }
        let mut time = interaction.time;
        ui.spacing_mut().slider_width = 130.0;
        let slider = egui::Slider::new(&mut time, 0.0..=seconds).suffix(" s");
        if ui.add(slider.fixed_decimals(2)).changed() {
            interaction.time = time;
            interaction.paused = true;
        }
    });
    ui.horizontal(|ui| {
        ui.label("Speed");
        ui.add(
            egui::Slider::new(&mut player.speed, 0.1..=4.0)
                .logarithmic(true)
                .fixed_decimals(2),
        );
        ui.checkbox(&mut player.looping, "loop");
    });
}

fn shows_part(ui: &mut Ui, shows: &mut Shows) {
    ui.separator();
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut shows.heat, "contact heat");
        ui.checkbox(&mut shows.ribbon, "ribbon");
        ui.checkbox(&mut shows.ghosts, "ghosts");
        ui.checkbox(&mut shows.marks, "marks");
        ui.checkbox(&mut shows.plan, "plan");
    });
    ui.weak("F1 hides this panel, F2 opens the authoring panel. Drag to turn, right drag to move, wheel to zoom, click a thing to choose it.");
}

/// What happened, the newest first.
fn journal_part(ui: &mut Ui, journal: &Journal) {
    if journal.lines().len() == 0 {
        return;
    }
    ui.separator();
    for line in journal.lines().rev().take(40) {
        ui.small(line);
    }
}
