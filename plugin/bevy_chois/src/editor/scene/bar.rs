//! The bar over the scene: how handles snap, what is seen, and films.

use bevy_egui::egui::{self, Align2, Area, Color32, DragValue, Frame, Id, Rect, RichText, Ui};
use chois::project::Deed;

use super::gizmo::Tool;
use crate::editor::film::{FilmKind, RATES};
use crate::editor::session::{Ask, Editor};

/// The colours of contact heat, from what touches to what is far (matplotlib's "inferno", as the shader has it).
const HEAT: [Color32; 6] = [
    Color32::from_rgb(247, 209, 61),
    Color32::from_rgb(251, 155, 6),
    Color32::from_rgb(229, 92, 48),
    Color32::from_rgb(171, 41, 83),
    Color32::from_rgb(96, 19, 110),
    Color32::from_rgb(35, 12, 75),
];
/// Farthest and nearest that ghosts are apart, seconds.
const GHOSTS: std::ops::RangeInclusive<f32> = 0.2..=4.0;

const BAR: &str = "chois scene";

/// Whether it lies there, logical pixels.
pub(super) fn is_at(context: &egui::Context, at: bevy::math::Vec2) -> bool {
    let at = egui::pos2(at.x, at.y) / context.zoom_factor();
    let layer = context.layer_id_at(at);
    layer.is_some_and(|layer| layer.id == Id::new(BAR))
}

/// Draws it at the top of the scene.
pub(super) fn draw(context: &egui::Context, editor: &mut Editor, scene: Rect) {
    Area::new(Id::new(BAR))
        .fixed_pos(scene.left_top() + egui::vec2(8.0, 8.0))
        .pivot(Align2::LEFT_TOP)
        .constrain_to(scene)
        .show(context, |ui| {
            Frame::popup(ui.style()).inner_margin(4.0).show(ui, |ui| {
                ui.horizontal(|ui| {
                    tool(ui, editor);
                    ui.separator();
                    snap(ui, editor);
                    ui.separator();
                    ui.menu_button("See", |ui| see(ui, editor));
                    ui.menu_button("Film", |ui| film(ui, editor));
                });
            });
            if editor.scene.see.heat {
                heat(ui, editor);
            }
            if let Some(hint) = hint(editor) {
                let text = RichText::new(hint)
                    .size(11.0)
                    .color(Color32::WHITE)
                    .background_color(Color32::from_black_alpha(150));
                ui.add(egui::Label::new(text).extend());
            }
        });
}

fn tool(ui: &mut Ui, editor: &mut Editor) {
    let mut now = editor.scene.tool;
    ui.selectable_value(&mut now, Tool::Move, "Move")
        .on_hover_text("What was taken last has arrows along which it is moved (G).");
    ui.selectable_value(&mut now, Tool::Turn, "Turn")
        .on_hover_text("What was taken last has a ring by which it is turned (R).");
    if now != editor.scene.tool {
        editor.scene.tool = now;
    }
}

fn snap(ui: &mut Ui, editor: &mut Editor) {
    let mut snap = editor.scene.snap;
    ui.toggle_value(&mut snap.on, "Snap").on_hover_text(format!(
        "Places to {:.0} cm, turns to {:.0} degrees. Ctrl while dragging does the other thing.",
        snap.grid * 100.0,
        snap.angle
    ));
    ui.toggle_value(&mut snap.surface, "On surfaces")
        .on_hover_text(
            "An object that is dragged stands on what is under the pointer: floor, table, sofa.",
        );
    if snap != editor.scene.snap {
        editor.scene.snap = snap;
    }
    if editor.is_timed()
        && ui
            .button("Free times")
            .on_hover_text(
                "Waypoints are passed when the distance says, not at times of their own.",
            )
            .clicked()
    {
        editor.free_times();
    }
}

fn see(ui: &mut Ui, editor: &mut Editor) {
    let mut see = editor.scene.see;
    ui.horizontal(|ui| {
        let mut ghosts = see.ghosts.is_some();
        ui.checkbox(&mut ghosts, "Ghosts every");
        let mut step = see.ghosts.unwrap_or(1.0);
        ui.add_enabled(
            ghosts,
            DragValue::new(&mut step)
                .range(GHOSTS)
                .speed(0.02)
                .suffix(" s"),
        );
        see.ghosts = ghosts.then_some(step);
    });
    ui.checkbox(&mut see.paths, "Ways of hands and object")
        .on_hover_text("Blue is the left hand, orange the right, green the object.");
    ui.checkbox(&mut see.heat, "Contact heat").on_hover_text(
        "Bright where palms touch, a line from each palm to the surface, and how far that is: now, and before hands were made \
         to hold.",
    );
    ui.checkbox(&mut see.skate, "Foot skate")
        .on_hover_text("Where feet slide that should stand.");
    let known = editor.strip().and_then(|s| s.shown);
    let known = known.is_some_and(|take| editor.uncorrected.contains_key(&take));
    ui.add_enabled(
        known,
        egui::Checkbox::new(&mut see.uncorrected, "Before contact"),
    )
    .on_hover_text("The take as the network made it, before hands were made to hold.")
    .on_disabled_hover_text(
        "Known of takes with an object that were generated since the project was opened.",
    );
    ui.checkbox(&mut see.skeleton, "Source skeleton")
        .on_hover_text("What the avatar's motion is made from, beside it.");
    if see != editor.scene.see {
        editor.scene.see = see;
    }
}

fn film(ui: &mut Ui, editor: &mut Editor) {
    if let Some(share) = editor.scene.filming {
        ui.add(
            egui::ProgressBar::new(share)
                .desired_width(140.0)
                .show_percentage(),
        );
        if ui.button("Stop").clicked() {
            editor.asks.push(Ask::StopFilm);
        }
        return;
    }
    let mut wish = editor.scene.film.clone();
    ui.horizontal(|ui| {
        for (kind, name) in [
            (FilmKind::Images, "Images"),
            (FilmKind::Gif, "GIF"),
            (FilmKind::Mp4, "MP4"),
        ] {
            ui.selectable_value(&mut wish.kind, kind, name);
        }
    });
    ui.horizontal(|ui| {
        let [width, height] = &mut wish.size;
        ui.add(DragValue::new(width).range(16..=7680));
        ui.label("x");
        ui.add(DragValue::new(height).range(16..=4320));
        for rate in RATES {
            ui.selectable_value(&mut wish.fps, rate, format!("{rate}"));
        }
        ui.label("fps");
    });
    let mut to = wish.to.to_string_lossy().into_owned();
    ui.horizontal(|ui| {
        ui.label("To");
        ui.text_edit_singleline(&mut to);
    });
    wish.to = to.into();
    let some = editor.project().seconds() > 0.0;
    if ui
        .add_enabled(some, egui::Button::new("Record"))
        .on_hover_text("The whole timeline through this camera, without handles.")
        .clicked()
    {
        editor.asks.push(Ask::Film(wish.clone()));
    }
    if wish != editor.scene.film {
        editor.scene.film = wish;
    }
}

/// What the heat's colours mean, and how far palms are from the surface: now, and before hands were made to hold.
fn heat(ui: &mut Ui, editor: &Editor) {
    Frame::popup(ui.style()).inner_margin(4.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.horizontal(|ui| {
            ui.small("touches");
            let (rect, _) = ui.allocate_exact_size(egui::vec2(90.0, 8.0), egui::Sense::hover());
            let wide = rect.width() / HEAT.len() as f32;
            for (i, color) in HEAT.iter().enumerate() {
                let left = rect.left() + wide * i as f32;
                let part = egui::pos2(left, rect.top());
                let part = Rect::from_min_size(part, egui::vec2(wide + 0.5, rect.height()));
                ui.painter().rect_filled(part, 0.0, *color);
            }
            ui.small("far");
        });
        let Some(strip) = editor.strip() else { return };
        let Some(take) = strip.shown else { return };
        let before = editor.measured_before.get(&take);
        let rows = [
            (
                "",
                editor.measures.get(&take),
                !editor.scene.see.uncorrected,
            ),
            ("before contact: ", before, editor.scene.see.uncorrected),
        ];
        for (name, measured, shown) in rows {
            let Some(measures) = measured.map(|m| &m.measures) else {
                continue;
            };
            let frame = (editor.playhead - strip.start) / measures.step;
            let gap = |hand: usize| measures.distance[hand].get(frame.round().max(0.0) as usize);
            let (Some(left), Some(right)) = (gap(0), gap(1)) else {
                continue;
            };
            let text = format!("{name}left palm {}, right {}", apart(*left), apart(*right));
            ui.label(match shown {
                true => RichText::new(text).small().strong(),
                false => RichText::new(text).small(),
            });
        }
    });
}

/// How far a palm is from the surface, in words.
fn apart(distance: f32) -> String {
    let text = format!("{:.1} cm", distance.abs() * 100.0);
    match distance {
        d if d <= -0.0005 => format!("{text} inside"),
        _ => format!("{text} off"),
    }
}

/// What can be done in the scene now.
fn hint(editor: &Editor) -> Option<&'static str> {
    let strip = editor.strip()?;
    let known = |take| editor.uncorrected.contains_key(&take);
    if editor.scene.see.uncorrected && strip.shown.is_some_and(known) {
        return Some(" As the network made it, before hands were made to hold. ");
    }
    Some(match &strip.deed {
        Deed::Idle => return None,
        Deed::Walk { waypoints, .. } | Deed::Interact { waypoints, .. } if waypoints.is_empty() => {
            " Click the floor for a place on the way; drag the green end. "
        }
        _ if editor.scene.picked.is_some() => {
            " Drag the arrows (G) or the ring (R); Ctrl snaps; X deletes a waypoint; Escape gives up. "
        }
        _ => {
            " Click the way for a place in between; drag a time along it; click a disc for arrows. "
        }
    })
}
