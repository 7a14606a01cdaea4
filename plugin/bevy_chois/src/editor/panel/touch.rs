//! Touching a take up by hand: a joint turned, time made longer or shorter, another way. What is dragged is seen at once
//! and is one step of the history.

use bevy_egui::egui::{self, DragValue, Ui};
use chois::motion::edit::{JointTouchUp, RootKey};
use chois::project::{Edit, Strip, Take};
use chois::skeleton::{NAMES, ROTATIONS};

use super::Panel;
use crate::editor::session::Editor;

/// Two moments this near are one, seconds.
const SAME: f32 = 0.02;

/// Draws it.
pub fn draw(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel, strip: &Strip, shown: &Take) {
    let Some(clip) = editor.library().clip(shown.id) else {
        return;
    };
    let at = (editor.playhead - strip.start).clamp(0.0, clip.seconds());
    ui.strong(format!("Touch up at {at:.2} s"));
    joint(ui, editor, panel, shown, at);
    way(ui, editor, shown, at);
    time(ui, editor, shown, at, clip.seconds());
}

/// A number that tunes the take; whether it was changed.
fn tuned(ui: &mut Ui, editor: &mut Editor, value: &mut f32, look: Look<'_>) -> bool {
    // Brought into range by itself it would count as changed.
    *value = value.min(look.range[1]).max(look.range[0]);
    let drag = DragValue::new(value)
        .speed(look.speed)
        .range(look.range[0]..=look.range[1])
        .max_decimals(look.decimals)
        .prefix(look.prefix)
        .suffix(look.suffix);
    let response = ui.add(drag).on_hover_text(look.hint);
    if response.drag_stopped() || response.lost_focus() {
        editor.settle();
    }
    response.changed()
}

struct Look<'a> {
    range: [f32; 2],
    speed: f64,
    decimals: usize,
    prefix: &'a str,
    suffix: &'a str,
    hint: &'a str,
}

/// The turn of the chosen joint that the take ends with, if it is one of this moment.
fn last(panel: &Panel, shown: &Take, at: f32) -> Option<JointTouchUp> {
    match shown.edits.last() {
        Some(Edit::Joint(by)) if by.joint == panel.joint && (by.at - at).abs() < SAME => {
            Some(by.clone())
        }
        _ => None,
    }
}

/// The turn of the chosen joint at a moment of the take, seconds: as far as it was turned, or not at all.
pub fn begun(panel: &Panel, shown: &Take, at: f32) -> JointTouchUp {
    last(panel, shown, at).unwrap_or_else(|| JointTouchUp {
        joint: panel.joint.clone(),
        at,
        rise: panel.fade,
        hold: 0.0,
        fall: panel.fade,
        turn: [0.0; 3],
    })
}

fn joint(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel, shown: &Take, at: f32) {
    let last = last(panel, shown, at);
    ui.horizontal(|ui| {
        egui::ComboBox::from_id_salt("chois joint")
            .width(92.0)
            .selected_text(panel.joint.replace('_', " "))
            .show_ui(ui, |ui| {
                for joint in &NAMES[..ROTATIONS] {
                    let text = joint.replace('_', " ");
                    ui.selectable_value(&mut panel.joint, (*joint).to_owned(), text);
                }
            })
            .response
            .on_hover_text("The joint that is turned; what hangs on it goes along");
        ui.label("within")
            .on_hover_text("How long the turn takes to come, and to go");
        let look = Look {
            range: [0.05, 4.0],
            speed: 0.01,
            decimals: 2,
            prefix: "",
            suffix: " s",
            hint: "How long the turn takes to come, and to go",
        };
        let mut fade = last.as_ref().map_or(panel.fade, |l| l.rise);
        if tuned(ui, editor, &mut fade, look) {
            panel.fade = fade;
            if let Some(by) = &last {
                let by = JointTouchUp {
                    rise: fade,
                    fall: fade,
                    ..by.clone()
                };
                turn(editor, by, at);
            }
        }
    });
    ui.horizontal(|ui| {
        let mut by = begun(panel, shown, at);
        let mut changed = false;
        for (axis, (prefix, hint)) in [
            (
                "x ",
                "About the joint's own x, to the person's left: forward and back",
            ),
            ("y ", "About the joint's own y, up: to the left and right"),
            ("z ", "About the joint's own z, ahead: to the sides"),
        ]
        .into_iter()
        .enumerate()
        {
            let look = Look {
                range: [-180.0, 180.0],
                speed: 0.5,
                decimals: 0,
                prefix,
                suffix: "°",
                hint,
            };
            changed |= tuned(ui, editor, &mut by.turn[axis], look);
        }
        if changed {
            turn(editor, by, at);
        }
    });
}

/// Turns a joint; what follows it with the same joint and moment is the same step.
pub fn turn(editor: &mut Editor, by: JointTouchUp, at: f32) {
    let joint = by.joint.clone();
    let same =
        move |e: &Edit| matches!(e, Edit::Joint(l) if l.joint == joint && (l.at - at).abs() < SAME);
    let key = format!("turn {} {at:.2}", by.joint);
    editor.tune(&key, "Turn joint", same, Edit::Joint(by));
}

fn way(ui: &mut Ui, editor: &mut Editor, shown: &Take, at: f32) {
    let key = |edit: &Edit| match edit {
        Edit::Path { keys } => keys.first().filter(|k| (k.at - at).abs() < SAME).copied(),
        _ => None,
    };
    ui.horizontal(|ui| {
        ui.label("Way").on_hover_text(
            "Shifts the person, and what they hold, from here on; feet stand as much elsewhere",
        );
        let last = shown.edits.last().and_then(key);
        let mut shift = last.map_or([0.0; 2], |k| k.shift);
        let mut changed = false;
        for (axis, prefix) in ["x ", "y "].into_iter().enumerate() {
            let look = Look {
                range: [-3.0, 3.0],
                speed: 0.005,
                decimals: 2,
                prefix,
                suffix: " m",
                hint: "By how much the way is elsewhere from here on, metres",
            };
            changed |= tuned(ui, editor, &mut shift[axis], look);
        }
        if changed {
            let keys = vec![RootKey { at, shift }];
            let name = format!("way {at:.2}");
            editor.tune(
                &name,
                "Shift way",
                |e| key(e).is_some(),
                Edit::Path { keys },
            );
        }
    });
}

fn time(ui: &mut Ui, editor: &mut Editor, shown: &Take, at: f32, seconds: f32) {
    // A warp that moves the moment where the playhead was put before it.
    let last = match shown.edits.last() {
        Some(Edit::Warp { keys }) if keys.len() == 3 && (keys[1][1] - at).abs() < SAME => {
            Some(keys.clone())
        }
        _ => None,
    };
    let whole = match shown.edits.last() {
        Some(Edit::Warp { keys }) if keys.len() == 2 => Some(keys.clone()),
        _ => None,
    };
    ui.horizontal(|ui| {
        ui.label("Time").on_hover_text("Moves this moment, or makes the take longer or shorter");
        let (then, end) = match &last {
            Some(keys) => (keys[1][0], keys[2][0]),
            None => (at, seconds),
        };
        let mut now = at;
        let inside = then > 0.1 && then < end - 0.1;
        let look = Look {
            range: [0.05, (end - 0.05).max(0.1)],
            speed: 0.01,
            decimals: 2,
            prefix: "moment ",
            suffix: " s",
            hint: "When what is at the playhead happens; the take stays as long",
        };
        let moved = ui.add_enabled_ui(inside, |ui| tuned(ui, editor, &mut now, look)).inner;
        if moved {
            let keys = vec![[0.0, 0.0], [then, now], [end, end]];
            let before = |e: &Edit| {
                matches!(e, Edit::Warp { keys } if keys.len() == 3 && (keys[1][0] - then).abs() < SAME)
            };
            let name = format!("moment {then:.2}");
            let start = editor.strip().map_or(0.0, |s| s.start);
            if editor.tune(&name, "Move moment", before, Edit::Warp { keys }) {
                editor.playhead = start + now;
            }
        }
        let then = whole.as_ref().map_or(seconds, |keys| keys[1][0]);
        let mut long = seconds;
        let room = editor
            .strip()
            .map_or(f32::INFINITY, |s| editor.room(s.id)[1] - s.start);
        let look = Look {
            range: [0.5, room.min(60.0)],
            speed: 0.01,
            decimals: 2,
            prefix: "length ",
            suffix: " s",
            hint: "Plays the take slower or faster, so that it lasts as long",
        };
        if tuned(ui, editor, &mut long, look) {
            let keys = vec![[0.0, 0.0], [then, long]];
            let before = |e: &Edit| matches!(e, Edit::Warp { keys } if keys.len() == 2);
            editor.tune("length of take", "Retime take", before, Edit::Warp { keys });
        }
    });
}
