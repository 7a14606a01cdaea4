//! Handles and what is written beside them, painted over the scene.

use bevy::ecs::prelude::*;
use bevy::math::Vec2;
use bevy::prelude::Result;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Align2, Color32, FontId, Id, LayerId, Order, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2,
};
use nalgebra::Vector3;

use super::bar;
use super::handles::{Handle, Part, Spot};
use super::lens::{Cameras, Lens};
use super::pointer::{Over, ScenePointer, TIME_AT};
use super::way::Planned;
use crate::editor::session::Editor;

const WAYPOINT: Color32 = Color32::from_rgb(255, 199, 64);
const END: Color32 = Color32::from_rgb(94, 220, 122);
const START: Color32 = Color32::from_rgb(110, 178, 255);
const BAD: Color32 = Color32::from_rgb(255, 96, 80);
const INK: Color32 = Color32::from_rgb(20, 22, 26);
const PAPER: Color32 = Color32::from_rgba_premultiplied(18, 20, 24, 208);
/// Radius of a knob, logical pixels.
const KNOB: f32 = 6.5;
/// Radius of the mark of a place that a click would add, and half the size of what is written beside a waypoint.
const PLUS: f32 = 7.0;
const WRITTEN: [f32; 2] = [24.0, 11.0];
/// How far down Bevy's arrows reach where one looks at them from as high as a person, logical pixels.
const ARROWS: f32 = 42.0;
/// Corners of a ring.
const CORNERS: usize = 48;

/// Paints what can be taken.
pub(super) fn draw(
    mut contexts: EguiContexts,
    cameras: Cameras,
    mut editor: ResMut<Editor>,
    planned: Res<Planned>,
    pointer: Res<ScenePointer>,
) -> Result {
    if !editor.shown {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let Some(lens) = cameras.lens() else {
        return Ok(());
    };
    let zoom = context.zoom_factor();
    let place = move |at: Vec2| pos2(at.x / zoom, at.y / zoom);
    let mut painter =
        context.layer_painter(LayerId::new(Order::Background, Id::new("chois handles")));
    if let Some(frame) = lens.frame() {
        let scene = Rect::from_min_max(place(frame.min), place(frame.max));
        painter.set_clip_rect(scene);
        // Looked at without a change, so that nothing is told of one.
        bar::draw(&context, editor.bypass_change_detection(), scene);
    }
    let brush = Brush {
        painter,
        lens: &lens,
        place: &place,
    };
    // Under the handles, and not at all where it would be read into what is written beside one.
    if let (Some(Over::Way(t)), Some(way)) = (pointer.over(), &planned.way)
        && let Some(at) = way.ground(t).and_then(|at| brush.at(at))
        && !planned
            .spots
            .iter()
            .any(|spot| brush.is_written_at(spot, at))
    {
        brush
            .painter
            .circle(at, PLUS, PAPER, Stroke::new(1.5, WAYPOINT));
        let font = FontId::proportional(14.0);
        brush
            .painter
            .text(at, Align2::CENTER_CENTER, "+", font, WAYPOINT);
    }
    for spot in &planned.spots {
        brush.spot(spot, &editor, &pointer);
    }
    if let Some(way) = &planned.way
        && let Some((_, speed)) = way.fastest()
        && pointer.trouble.is_none()
        && let Some(end) = planned.spot(Handle::End)
        && let Some(at) = brush.under(&end, &editor)
    {
        if speed > way.limit || way.refusal.is_some() {
            let text = format!("{speed:.1} m/s: {:.1} can be reached", way.limit);
            brush.label(at, &text, BAD);
        } else {
            brush.label(at, &format!("up to {speed:.1} m/s"), Color32::WHITE);
        }
    }
    Ok(())
}

struct Brush<'a> {
    painter: Painter,
    lens: &'a Lens<'a>,
    place: &'a dyn Fn(Vec2) -> Pos2,
}

impl Brush<'_> {
    fn at(&self, at: Vector3<f32>) -> Option<Pos2> {
        self.lens.screen(at).map(self.place)
    }

    /// Whether a mark there would lie on a waypoint's knob or on its time.
    fn is_written_at(&self, spot: &Spot, mark: Pos2) -> bool {
        let (Handle::Waypoint(_), Some(at)) = (spot.handle, self.at(spot.at)) else {
            return false;
        };
        let time = (self.place)(TIME_AT) + at.to_vec2();
        let written = Rect::from_center_size(time, 2.0 * vec2(WRITTEN[0], WRITTEN[1]));
        at.distance(mark) < PLUS + KNOB || written.expand(PLUS).contains(mark)
    }

    fn spot(&self, spot: &Spot, editor: &Editor, pointer: &ScenePointer) {
        let Some(at) = self.at(spot.at) else {
            return;
        };
        let own = match spot.handle {
            Handle::Person | Handle::Object => START,
            Handle::Waypoint(_) => WAYPOINT,
            Handle::End => END,
        };
        let drags = pointer.drags().filter(|(handle, _)| *handle == spot.handle);
        let trouble = pointer.trouble.as_deref().filter(|_| drags.is_some());
        let color = if trouble.is_some() { BAD } else { own };
        let picked = editor.scene.picked == editor.selected.map(|id| (id, spot.handle));
        // Bevy's gizmo stands for the other.
        let has = |part: Part| pointer.replaced != Some((spot.handle, part));
        let lit = |part: Part| {
            drags.map(|d| d.1) == Some(part)
                || pointer.over() == Some(Over::Knob(spot.handle, part))
        };
        if let (Some((_, told)), Some(knob)) = (spot.angle, spot.knob()) {
            let rim: Vec<Pos2> = self.rim(spot).collect();
            if rim.len() == CORNERS {
                let shadow = Stroke::new(3.5, INK.gamma_multiply(0.5));
                self.painter.add(Shape::closed_line(rim.clone(), shadow));
                self.painter
                    .add(Shape::closed_line(rim, Stroke::new(1.8, color)));
            }
            if let Some(knob) = self.at(knob) {
                self.line(at, knob, color);
                if has(Part::Turn) {
                    self.knob(knob, color, lit(Part::Turn), !told);
                }
            }
        }
        if has(Part::Height)
            && let Some(peak) = spot.peak().and_then(|peak| self.at(peak))
        {
            self.line(at, peak, color);
            self.arrow(peak, color, lit(Part::Height));
        }
        if picked {
            self.painter
                .circle_stroke(at, KNOB + 4.0, Stroke::new(1.5, Color32::WHITE));
        }
        self.knob(at, color, lit(Part::Floor), false);
        if let Handle::Waypoint(i) = spot.handle {
            let font = FontId::proportional(10.0);
            self.painter
                .text(at, Align2::CENTER_CENTER, i + 1, font, INK);
            if let Some((time, told)) = spot.time {
                let text = if told {
                    format!("{time:.1} s")
                } else {
                    format!("~{time:.1} s")
                };
                let color = if lit(Part::Time) {
                    Color32::WHITE
                } else {
                    color
                };
                self.label((self.place)(TIME_AT) + at.to_vec2(), &text, color);
            }
        }
        if let Some(why) = trouble {
            // The whole sentence is in the status line.
            let short = why.split([';', ':']).nth(1).unwrap_or(why).trim();
            if let Some(under) = self.under(spot, editor) {
                self.label(under, short, BAD);
            }
        }
    }

    /// Where something is written about a spot: under its ring, and under Bevy's arrows where they stand.
    fn under(&self, spot: &Spot, editor: &Editor) -> Option<Pos2> {
        let at = self.at(spot.at)?;
        let low = self.rim(spot).map(|p| p.y - at.y).fold(KNOB, f32::max);
        let picked = editor.scene.picked == editor.selected.map(|id| (id, spot.handle));
        let low = if picked { low.max(ARROWS) } else { low };
        Some(at + vec2(0.0, low + 13.0))
    }

    /// The ring about a spot, as far as it can be seen.
    fn rim(&self, spot: &Spot) -> impl Iterator<Item = Pos2> {
        (0..CORNERS).filter_map(|i| {
            let a = i as f32 * std::f32::consts::TAU / CORNERS as f32;
            self.at(spot.at + Vector3::new(a.cos(), a.sin(), 0.0) * spot.ring)
        })
    }

    fn line(&self, from: Pos2, to: Pos2, color: Color32) {
        self.painter
            .line_segment([from, to], Stroke::new(3.5, INK.gamma_multiply(0.5)));
        self.painter
            .line_segment([from, to], Stroke::new(1.8, color));
    }

    /// A knob; hollow where it says what follows by itself.
    fn knob(&self, at: Pos2, color: Color32, lit: bool, hollow: bool) {
        let radius = if lit { KNOB + 2.0 } else { KNOB };
        let fill = if hollow { PAPER } else { color };
        let rim = if hollow { color } else { INK };
        self.painter.circle(at, radius, fill, Stroke::new(1.6, rim));
    }

    /// Two heads, up and down.
    fn arrow(&self, at: Pos2, color: Color32, lit: bool) {
        let size = if lit { 8.5 } else { 6.5 };
        for side in [-1.0, 1.0] {
            let tip = pos2(at.x, at.y + side * (size + 3.0));
            let base = at.y + side * 2.0;
            let corners = vec![tip, pos2(at.x - size, base), pos2(at.x + size, base)];
            self.painter
                .add(Shape::convex_polygon(corners, color, Stroke::new(1.2, INK)));
        }
    }

    fn label(&self, at: Pos2, text: &str, color: Color32) {
        let font = FontId::proportional(11.5);
        let galley = self.painter.layout_no_wrap(text.to_owned(), font, color);
        let rect = Align2::CENTER_CENTER.anchor_size(at, galley.size());
        self.painter
            .rect_filled(rect.expand2(vec2(5.0, 2.0)), 4.0, PAPER);
        self.painter.galley(rect.min, galley, color);
    }
}
