//! Moments that stay.

use bevy_egui::egui::{self, Button, Ui};
use chois::motion::lock::{LockedKey, Part};
use chois::project::Strip;
use chois::skeleton::{NAMES, ROTATIONS};

use super::colors;
use crate::editor::session::Editor;

/// What a part is called.
pub fn name(part: &Part) -> String {
    match part {
        Part::Body => "body".into(),
        Part::Object => "object".into(),
        Part::LeftHand => "left hand".into(),
        Part::RightHand => "right hand".into(),
        Part::Joint(name) => name.replace('_', " "),
    }
}

/// What a key holds, in words.
pub fn names(key: &LockedKey) -> String {
    let all: Vec<String> = key.parts.iter().map(name).collect();
    all.join(", ")
}

/// Draws the keys, and what can be locked at the playhead.
pub fn draw(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    let at = editor.playhead - strip.start;
    let clip = editor.library().shown(strip);
    let inside = clip.is_some_and(|c| at > 0.5 / c.fps && at < c.seconds());
    ui.strong("Keep this moment").on_hover_text(
        "What is locked at the playhead comes out as it is now when the strip is generated again; the rest is made anew \
         around it.",
    );
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let mut button = |text: &str, hint: &str| {
            ui.add_enabled(inside, Button::new(text).small())
                .on_hover_text(hint)
                .on_disabled_hover_text("Put the playhead into the strip, after its first frame.")
                .clicked()
        };
        let object = strip.object().is_some();
        let mut parts = Vec::new();
        if button("🔒 Whole", "The whole pose, and the object (K)") {
            parts.push(Part::Body);
            parts.extend(object.then_some(Part::Object));
        }
        if button(
            "Left hand",
            "Where the left palm is, and how the hand is turned",
        ) {
            parts.push(Part::LeftHand);
        }
        if button(
            "Right hand",
            "Where the right palm is, and how the hand is turned",
        ) {
            parts.push(Part::RightHand);
        }
        if object && button("Object", "Where the object is, and how it is turned") {
            parts.push(Part::Object);
        }
        if !parts.is_empty() {
            editor.lock(parts);
        }
    });
    // A line of its own: a box does not wrap.
    ui.horizontal(|ui| {
        let mut parts = Vec::new();
        ui.add_enabled_ui(inside, |ui| {
            egui::ComboBox::from_id_salt("chois lock joint")
                .width(110.0)
                .selected_text("One joint")
                .show_ui(ui, |ui| {
                    for joint in &NAMES[..ROTATIONS] {
                        if ui
                            .selectable_label(false, joint.replace('_', " "))
                            .clicked()
                        {
                            parts.push(Part::Joint((*joint).to_owned()));
                        }
                    }
                });
        });
        if !parts.is_empty() {
            editor.lock(parts);
        }
    });
    if strip.keys.is_empty() {
        ui.weak("Nothing is locked.");
    }
    for (k, key) in strip.keys.iter().enumerate() {
        ui.horizontal(|ui| {
            let (mark, _) = ui.allocate_exact_size(egui::vec2(12.0, 12.0), egui::Sense::hover());
            diamond(ui.painter(), mark.center(), colors::lock(ui.visuals()));
            let text = format!("{:.2} s  {}", key.at, names(key));
            let go = ui
                .selectable_label((at - key.at).abs() < 0.02, text)
                .on_hover_text("Click to go there");
            if go.clicked() {
                editor.playhead = strip.start + key.at;
                editor.playing = false;
            }
            if ui.small_button("✖").on_hover_text("Unlock").clicked() {
                editor.unlock(k);
            }
        });
    }
}

/// The mark of a key.
pub fn diamond(painter: &egui::Painter, at: egui::Pos2, color: egui::Color32) {
    let point = |x: f32, y: f32| at + egui::vec2(x, y);
    let points = vec![
        point(0.0, -5.0),
        point(5.0, 0.0),
        point(0.0, 5.0),
        point(-5.0, 0.0),
    ];
    let edge = egui::Stroke::new(1.0, egui::Color32::from_black_alpha(150));
    painter.add(egui::Shape::convex_polygon(points, color, edge));
}
