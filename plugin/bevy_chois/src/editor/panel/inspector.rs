//! The selected strip.

use bevy_egui::egui::{self, DragValue, Grid, RichText, TextEdit, Ui};
use chois::project::{Deed, Strip};
use chois::request::{EndTurn, GuidanceConfig, Waypoint};
use chois::text::MAX_TEXT_CHARS;

use super::numbers as take_numbers;
use super::{Page, Panel, colors, locks, plots, takes, timeline, touch};
use crate::editor::session::{Editor, LONGEST_STRIP, SHORTEST_STRIP, usable};

/// Draws what is known of the selected strip.
pub fn draw(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    let Some(strip) = editor.strip().cloned() else {
        return;
    };
    let kind = match &strip.deed {
        Deed::Walk { .. } => "Walk".to_owned(),
        Deed::Interact { object, .. } => {
            let object = editor.project().object(*object);
            format!("With the {}", object.map_or("object", |o| &o.name))
        }
        Deed::Idle => "Stand".to_owned(),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(kind).heading().size(16.0));
        let (color, word, why) = colors::state(ui.visuals(), editor.state(strip.id));
        let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, color);
        ui.label(RichText::new(word).color(color))
            .on_hover_text(why);
    });
    if !matches!(strip.deed, Deed::Idle) {
        let mut text = strip.text().to_owned();
        let field = TextEdit::multiline(&mut text)
            .desired_rows(2)
            .char_limit(MAX_TEXT_CHARS)
            .desired_width(f32::INFINITY);
        let response = ui.add(field).on_hover_text(
            "What happens, as a sentence: \"Lift the box, move the box, and put down the box.\"",
        );
        if response.changed() && usable(&text) {
            timeline::set_text(editor, strip.id, text);
        }
        if response.lost_focus() {
            editor.settle();
        }
    }
    pages(ui, panel, &strip);
    match panel.page {
        Page::Ask => {
            numbers(ui, editor, &strip);
            way(ui, editor, &strip);
            guidance(ui, editor, &strip);
        }
        Page::Takes => takes::draw(ui, editor, &strip),
        Page::Edit => match strip.shown() {
            Some(shown) => {
                locks::draw(ui, editor, &strip);
                ui.separator();
                touch::draw(ui, editor, panel, &strip, shown);
                ui.separator();
                takes::edits(ui, editor, panel, &strip, shown);
            }
            None => {
                ui.weak("There is no take to edit yet; generate one.");
            }
        },
        Page::Measure => {
            if strip.shown.is_none() {
                ui.weak("There is no take to measure yet; generate one.");
            }
            take_numbers::draw(ui, editor, &strip);
            plots::draw(ui, editor, &strip);
        }
    }
}

/// The pages' names.
fn pages(ui: &mut Ui, panel: &mut Panel, strip: &Strip) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let takes = match strip.takes.len() {
            0 => "Takes".to_owned(),
            n => format!("Takes {n}"),
        };
        for (page, name, hint) in [
            (Page::Ask, "Ask", "What is asked for: length, way, guidance"),
            (
                Page::Takes,
                &*takes,
                "What was generated, and what you think of it",
            ),
            (
                Page::Edit,
                "Edit",
                "What stays, what is touched up, cut and blended",
            ),
            (
                Page::Measure,
                "Measure",
                "The shown take in numbers and over time",
            ),
        ] {
            ui.selectable_value(&mut panel.page, page, name)
                .on_hover_text(hint);
        }
    });
    ui.separator();
}

/// A number that is dragged: one step of the history for each drag.
fn number<N: egui::emath::Numeric>(
    ui: &mut Ui,
    editor: &mut Editor,
    label: &str,
    hint: &str,
    field: (N, DragRange),
    set: impl FnOnce(&mut Strip, N),
) {
    let (mut value, range) = field;
    let drag = DragValue::new(&mut value)
        .speed(range.speed)
        .range(range.from..=range.to)
        .max_decimals(range.decimals)
        .suffix(range.suffix);
    let response = ui.add(drag).on_hover_text(hint);
    if response.changed() {
        editor.change_strip(label, label, |s| set(s, value));
    }
    if response.drag_stopped() || response.lost_focus() {
        editor.settle();
    }
}

struct DragRange {
    from: f64,
    to: f64,
    speed: f64,
    decimals: usize,
    suffix: &'static str,
}

const METRES: DragRange = DragRange {
    from: -100.0,
    to: 100.0,
    speed: 0.01,
    decimals: 2,
    suffix: " m",
};
const DEGREES: DragRange = DragRange {
    from: -360.0,
    to: 360.0,
    speed: 1.0,
    decimals: 0,
    suffix: "°",
};

fn numbers(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    Grid::new("chois numbers").num_columns(4).show(ui, |ui| {
        ui.label("Length");
        let [_, high] = editor.room(strip.id);
        let range = DragRange {
            from: SHORTEST_STRIP.into(),
            to: LONGEST_STRIP.min(high - strip.start).into(),
            speed: 0.05,
            decimals: 2,
            suffix: " s",
        };
        number(
            ui,
            editor,
            "Stretch strip",
            "Seconds, up to the next strip",
            (strip.seconds, range),
            |s, v| {
                s.stretch(v);
            },
        );
        ui.label("Seed");
        let range = DragRange {
            from: 0.0,
            to: 4e9,
            speed: 0.2,
            decimals: 0,
            suffix: "",
        };
        let hint =
            "The same seed gives the same take; of several takes the next have the next numbers";
        number(ui, editor, "Seed", hint, (strip.seed, range), |s, v| {
            s.seed = v
        });
        ui.end_row();
        ui.label("Steps");
        let range = DragRange {
            from: 1.0,
            to: 100.0,
            speed: 0.1,
            decimals: 0,
            suffix: "",
        };
        let hint = "Denoising steps: 2 are quick, 8 are good, more are seldom better";
        number(
            ui,
            editor,
            "Steps",
            hint,
            (strip.sampling.steps, range),
            |s, v| s.sampling.steps = v,
        );
        ui.end_row();
    });
}

/// Where it goes.
fn way(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    match &strip.deed {
        Deed::Idle => {}
        Deed::Walk {
            end,
            facing,
            waypoints,
            ..
        } => {
            points(ui, editor, waypoints);
            let (end, facing) = (*end, *facing);
            ui.horizontal(|ui| {
                ui.label("End")
                    .on_hover_text("Where the person stands at the end, x and y");
                for i in 0..2 {
                    number(
                        ui,
                        editor,
                        "Move end",
                        "Metres",
                        (end[i], METRES),
                        |s, v| {
                            if let Deed::Walk { end, .. } = &mut s.deed {
                                end[i] = v;
                            }
                        },
                    );
                }
            });
            ui.horizontal(|ui| {
                let mut faces = facing.is_some();
                if ui.checkbox(&mut faces, "facing").on_hover_text("Where the person looks at the end, degrees from x; else as the walk arrives").changed() {
                    editor.change_strip("faces", "Facing", |s| {
                        if let Deed::Walk { facing, .. } = &mut s.deed {
                            *facing = faces.then_some(0.0);
                        }
                    });
                    editor.settle();
                }
                if let Some(degrees) = facing {
                    number(ui, editor, "Facing", "Degrees from x, counter-clockwise", (degrees, DEGREES), |s, v| {
                        if let Deed::Walk { facing, .. } = &mut s.deed {
                            *facing = Some(v);
                        }
                    });
                }
            });
        }
        Deed::Interact {
            end,
            turn,
            waypoints,
            in_hand,
            ..
        } => {
            points(ui, editor, waypoints);
            let (end, turn, in_hand) = (*end, *turn, *in_hand);
            if let Some(end) = end {
                ui.horizontal(|ui| {
                    ui.label("End").on_hover_text("Where the object is at the end: x and y of its centre, height of its lowest point");
                    for i in 0..3 {
                        number(ui, editor, "Move end", "Metres", (end[i], METRES), |s, v| {
                            if let Deed::Interact { end: Some(end), .. } = &mut s.deed {
                                end[i] = v;
                            }
                        });
                    }
                });
            }
            ui.horizontal(|ui| {
                let mut turned = turn.is_some();
                if ui.checkbox(&mut turned, "turned").on_hover_text("How the object is turned at the end, degrees; else as the motion leaves it").changed() {
                    editor.change_strip("turned", "Turn", |s| {
                        if let Deed::Interact { turn, .. } = &mut s.deed {
                            *turn = turned.then_some(EndTurn { yaw: 0.0, alike: 1 });
                        }
                    });
                    editor.settle();
                }
                if let Some(turn) = turn {
                    number(ui, editor, "Turn", "Degrees, counter-clockwise", (turn.yaw, DEGREES), |s, v| {
                        if let Deed::Interact { turn: Some(turn), .. } = &mut s.deed {
                            turn.yaw = v;
                        }
                    });
                }
            });
            ui.horizontal(|ui| {
                ui.label("In hand").on_hover_text("Nothing is reached for at the start, and nothing put down at the end: for strips in the middle of carrying");
                for (at_end, label) in [(false, "at the start"), (true, "at the end")] {
                    let mut held = if at_end { in_hand.end } else { in_hand.start };
                    if ui.checkbox(&mut held, label).changed() {
                        editor.change_strip("in hand", "In hand", |s| {
                            if let Deed::Interact { in_hand, .. } = &mut s.deed {
                                *(if at_end { &mut in_hand.end } else { &mut in_hand.start }) = held;
                            }
                        });
                        editor.settle();
                    }
                }
            });
        }
    }
}

/// Places on the way.
fn points(ui: &mut Ui, editor: &mut Editor, all: &[Waypoint]) {
    ui.horizontal(|ui| {
        ui.label("Way")
            .on_hover_text("Places that are passed, in order");
        if ui
            .small_button("➕")
            .on_hover_text("One more place")
            .clicked()
        {
            let at = all.last().map_or([0.0; 2], |w| [w.at[0] + 0.3, w.at[1]]);
            editor.change_strip("add place", "Add place", |s| {
                if let Some(all) = s.deed.waypoints_mut() {
                    all.push(Waypoint { at, time: None });
                }
            });
            editor.settle();
        }
    });
    for (i, waypoint) in all.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.weak(format!("{}", i + 1));
            for axis in 0..2 {
                number(
                    ui,
                    editor,
                    "Move place",
                    "Metres",
                    (waypoint.at[axis], METRES),
                    |s, v| {
                        if let Some(w) = s.deed.waypoints_mut().and_then(|all| all.get_mut(i)) {
                            w.at[axis] = v;
                        }
                    },
                );
            }
            if ui
                .small_button("✖")
                .on_hover_text("Delete this place")
                .clicked()
            {
                editor.change_strip("delete place", "Delete place", |s| {
                    if let Some(all) = s.deed.waypoints_mut() {
                        all.remove(i);
                    }
                });
                editor.settle();
            }
        });
    }
}

/// The weights of guidance.
fn guidance(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    egui::CollapsingHeader::new("Guidance")
        .id_salt("chois guidance")
        .show(ui, |ui| {
            let weights: [(&str, &str, fn(&mut GuidanceConfig) -> &mut f64); 7] = [
                ("contact", "Palms to the object's surface", |g| {
                    &mut g.contact
                }),
                ("consistency", "Palms at one place of the object", |g| {
                    &mut g.consistency
                }),
                ("object on floor", "Object not under the floor", |g| {
                    &mut g.object_floor
                }),
                ("feet on floor", "The lower toe at the floor", |g| {
                    &mut g.feet_floor
                }),
                ("feet still", "Feet that are down do not slide", |g| {
                    &mut g.feet_slide
                }),
                (
                    "places",
                    "Start, places on the way, and end; 1 meets them exactly",
                    |g| &mut g.given,
                ),
                ("room", "Body and object outside the room's geometry", |g| {
                    &mut g.scene
                }),
            ];
            Grid::new("chois weights").num_columns(2).show(ui, |ui| {
                for (name, hint, of) in weights {
                    ui.label(name).on_hover_text(hint);
                    let mut config = strip.guidance;
                    let range = DragRange {
                        from: 0.0,
                        to: 2.0,
                        speed: 0.01,
                        decimals: 2,
                        suffix: "",
                    };
                    number(ui, editor, name, hint, (*of(&mut config), range), |s, v| {
                        *of(&mut s.guidance) = v
                    });
                    ui.end_row();
                }
            });
        });
}
