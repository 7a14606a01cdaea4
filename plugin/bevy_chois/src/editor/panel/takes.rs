//! The gallery of a strip's takes.

use bevy_egui::egui::{
    self, Align2, Color32, FontId, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use chois::motion::MotionClip;
use chois::project::generate::Which;
use chois::project::{Edit, Strip, Take, TakeId, Verdict};
use chois::skeleton::PARENTS;
use nalgebra::{UnitQuaternion, Vector3};

use super::{Panel, colors, numbers};
use crate::editor::session::{Ask, Editor};

/// Size of a preview.
const SIZE: [f32; 2] = [61.0, 76.0];
/// Metres that a preview shows from top to bottom, and where the floor is in it.
const TALL: f32 = 2.1;
const FLOOR: f32 = 0.9;

/// Draws the takes, and what can be done with the one that is shown.
pub fn draw(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    if strip.takes.is_empty() {
        ui.weak("None yet: Generate makes some.");
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (i, take) in strip.takes.iter().enumerate() {
            preview(ui, editor, strip, take, i);
        }
    });
    let Some(shown) = strip.shown() else { return };
    ui.horizontal(|ui| {
        for (icon, verdict, hint) in [
            (
                "✔ Accept",
                Verdict::Accepted,
                "This is the one: rendering uses it",
            ),
            ("★ Keep", Verdict::Kept, "Worth keeping"),
            (
                "✖ Discard",
                Verdict::Discarded,
                "Not wanted; its file stays, and undo brings it back",
            ),
        ] {
            let on = shown.verdict == verdict;
            if ui.selectable_label(on, icon).on_hover_text(hint).clicked() {
                let next = if on { Verdict::Open } else { verdict };
                editor.judge(strip.id, shown.id, next);
            }
        }
    });
    let free = editor.progress.is_none() && shown.made.is_some();
    ui.horizontal(|ui| {
        let count = editor.variations;
        let text = if count == 1 {
            "≈ One more like this".to_owned()
        } else {
            format!("≈ {count} more like this")
        };
        if ui
            .add_enabled(free, egui::Button::new(text))
            .on_hover_text("Generates takes that differ from the shown one a little")
            .on_disabled_hover_text(
                "A take that was made by hand has no likes; nor while something is generated.",
            )
            .clicked()
        {
            editor.asks.push(Ask::Generate(Which::Like(shown.id)));
        }
    });
    if !shown.variations.is_empty() {
        let times = match shown.variations.len() {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        ui.weak(format!("Seed {}, varied {times}.", shown.seed));
    }
    ui.separator();
    numbers::draw(ui, editor, strip);
}

/// A take, moving.
fn preview(ui: &mut Ui, editor: &mut Editor, strip: &Strip, take: &Take, number: usize) {
    let (rect, response) = ui.allocate_exact_size(SIZE.into(), Sense::click());
    let visuals = ui.visuals();
    let shown = strip.shown == Some(take.id);
    let gone = take.verdict == Verdict::Discarded;
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 4.0, visuals.extreme_bg_color);
    let fade = if gone { 0.3 } else { 1.0 };
    if let Some(clip) = editor.library().clip(take.id) {
        let seconds = clip.seconds();
        // The shown one is where the playhead is, the others move on their own.
        let now = ui.input(|i| i.time) as f32;
        let at = editor.playhead - strip.start;
        let time = if shown && (0.0..=seconds).contains(&at) {
            at
        } else {
            now % (seconds + 0.5)
        };
        let frame = ((time * clip.fps) as usize).min(clip.frames.len() - 1);
        let thing = strip.object().and_then(|id| editor.library().thing(id));
        let corners = thing.map(|t| t.mesh.bounds_corners());
        figure(
            &painter,
            rect,
            &clip,
            frame,
            corners,
            visuals.text_color().gamma_multiply(fade),
            colors::sides(visuals)[1].gamma_multiply(fade),
        );
    } else {
        let why = editor.library().fault(take.id).unwrap_or("clip missing");
        painter.text(
            rect.center(),
            Align2::CENTER_CENTER,
            "?",
            FontId::proportional(24.0),
            colors::bad(visuals),
        );
        response.clone().on_hover_text(why);
    }
    let stroke = if shown {
        Stroke::new(2.0, visuals.selection.stroke.color)
    } else if response.hovered() {
        Stroke::new(1.0, visuals.strong_text_color())
    } else {
        Stroke::new(1.0, visuals.widgets.noninteractive.bg_stroke.color)
    };
    painter.rect_stroke(rect, 4.0, stroke, StrokeKind::Inside);
    let icon = match take.verdict {
        Verdict::Open => "",
        Verdict::Kept => " ★",
        Verdict::Accepted => " ✔",
        Verdict::Discarded => " ✖",
    };
    let label = format!("{}{icon}", number + 1);
    painter.text(
        rect.left_top() + vec2(5.0, 3.0),
        Align2::LEFT_TOP,
        label,
        FontId::proportional(12.0),
        visuals.strong_text_color(),
    );
    let response = response.on_hover_text(format!(
        "Take {}, seed {}. Click to show it.",
        number + 1,
        take.seed
    ));
    if response.clicked() {
        editor.show_take(strip.id, take.id);
    }
}

/// The person and the object's box, seen from one side and a little from above.
fn figure(
    painter: &Painter,
    rect: Rect,
    clip: &MotionClip,
    frame: usize,
    corners: Option<[Vector3<f32>; 8]>,
    person: Color32,
    thing: Color32,
) {
    let joints = clip.joints(frame);
    let middle = joints[0];
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -0.9);
    let scale = rect.height() / TALL;
    let project = |p: Vector3<f32>| -> Pos2 {
        let flat = turn * Vector3::new(p.x - middle.x, p.y - middle.y, 0.0);
        let up = p.z + 0.25 * flat.y;
        pos2(
            rect.center().x + flat.x * scale,
            rect.top() + rect.height() * FLOOR - up * scale,
        )
    };
    let floor = rect.top() + rect.height() * FLOOR;
    painter.hline(
        rect.x_range(),
        floor,
        Stroke::new(1.0, person.gamma_multiply(0.25)),
    );
    if let (Some(corners), true) = (corners, clip.has_object()) {
        let at = &clip.frames[frame];
        let points = corners.map(|c| project(at.object_rotation * c + at.object_position));
        for (a, b) in EDGES {
            painter.line_segment([points[a], points[b]], Stroke::new(1.3, thing));
        }
    }
    for (j, parent) in PARENTS.iter().enumerate() {
        if let Some(p) = parent {
            let stroke = Stroke::new(if j < 12 { 2.4 } else { 2.0 }, person);
            painter.line_segment([project(joints[*p]), project(joints[j])], stroke);
        }
    }
    painter.circle_filled(
        project(joints[15] + Vector3::new(0.0, 0.0, 0.06)),
        4.2,
        person,
    );
}

/// Edges of a box whose corners count through x, y, z.
const EDGES: [(usize, usize); 12] = [
    (0, 1),
    (2, 3),
    (4, 5),
    (6, 7),
    (0, 2),
    (1, 3),
    (4, 6),
    (5, 7),
    (0, 4),
    (1, 5),
    (2, 6),
    (3, 7),
];

trait Corners {
    /// Corners of the box about a mesh.
    fn bounds_corners(&self) -> [Vector3<f32>; 8];
}

impl Corners for chois::geometry::Mesh {
    fn bounds_corners(&self) -> [Vector3<f32>; 8] {
        let (low, high) = self.vertices.iter().fold(
            (
                Vector3::repeat(f32::INFINITY),
                Vector3::repeat(f32::NEG_INFINITY),
            ),
            |(low, high), v| (low.inf(v), high.sup(v)),
        );
        std::array::from_fn(|i| {
            let pick = |axis: usize| {
                if i >> axis & 1 == 1 {
                    high[axis]
                } else {
                    low[axis]
                }
            };
            Vector3::new(pick(0), pick(1), pick(2))
        })
    }
}

/// Changes by hand.
pub fn edits(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel, strip: &Strip, shown: &Take) {
    let Some(clip) = editor.library().clip(shown.id) else {
        return;
    };
    let at = editor.playhead - strip.start;
    let inside = (0.0..clip.seconds()).contains(&at);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let mut button = |text: &str, hint: &str| {
            ui.add_enabled(inside, egui::Button::new(text).small())
                .on_hover_text(hint)
                .on_disabled_hover_text("Put the playhead into the strip.")
                .clicked()
        };
        let trim_start = button("Trim start", "The take begins at the playhead");
        let trim_end = button("Trim end", "The take ends at the playhead");
        let split = button("Split", "Two strips, cut at the playhead");
        if trim_start {
            editor.edit_take(
                "Trim take",
                Edit::Trim {
                    from: at,
                    to: clip.seconds(),
                },
            );
        }
        if trim_end {
            editor.edit_take("Trim take", Edit::Trim { from: 0.0, to: at });
        }
        if split {
            editor.split_strip();
        }
        let hint =
            "The last second goes over into the beginning; a walk goes on from where it came to";
        if ui.small_button("Loop").on_hover_text(hint).clicked() {
            let seconds = (clip.seconds() / 3.0).min(1.0);
            editor.edit_take(
                "Loop take",
                Edit::Loop {
                    seconds,
                    travels: !clip.has_object(),
                },
            );
        }
    });
    let older: Vec<TakeId> = strip
        .takes
        .iter()
        .map(|t| t.id)
        .filter(|id| *id < shown.id)
        .collect();
    if !older.is_empty() {
        ui.horizontal(|ui| {
            ui.label("Blend")
                .on_hover_text("Mix an older take into this one");
            let name = |id: TakeId| {
                let at = strip.takes.iter().position(|t| t.id == id).unwrap_or(0);
                format!("take {}", at + 1)
            };
            let (mut with, mut share) = panel
                .blend
                .filter(|(id, _)| older.contains(id))
                .unwrap_or((older[0], 0.5));
            egui::ComboBox::from_id_salt("chois blend")
                .width(64.0)
                .selected_text(name(with))
                .show_ui(ui, |ui| {
                    for id in &older {
                        ui.selectable_value(&mut with, *id, name(*id));
                    }
                });
            ui.add(
                egui::DragValue::new(&mut share)
                    .range(0.0..=1.0)
                    .speed(0.01)
                    .max_decimals(2),
            );
            panel.blend = Some((with, share));
            if ui.small_button("mix").clicked() {
                editor.edit_take("Blend takes", Edit::Blend { with, share });
            }
        });
    }
    if !shown.edits.is_empty() {
        ui.horizontal(|ui| {
            let count = shown.edits.len();
            ui.weak(format!(
                "{count} {} by hand",
                if count == 1 { "edit" } else { "edits" }
            ));
            if ui
                .small_button("take back")
                .on_hover_text("The take as it was generated")
                .clicked()
            {
                let (strip, take) = (strip.id, shown.id);
                let length = editor.library().raw(take).map(|c| c.seconds());
                editor.edit("Take edits back", |p| {
                    if let Some(strip) = p.strip_mut(strip) {
                        if let Some(take) = strip.takes.iter_mut().find(|t| t.id == take) {
                            take.edit().edits.clear();
                        }
                        strip.seconds = length.unwrap_or(strip.seconds);
                    }
                    Ok(())
                });
            }
        });
    }
}
