//! Contact and feet of the shown take, over time.

use bevy_egui::egui::{self, Ui};
use chois::project::{Measures, Strip};
use egui_plot::{GridMark, HLine, Line, Plot, PlotPoints, Span, VLine};

use super::colors;
use crate::editor::session::Editor;

/// Height of one plot: as there is room, lowest and highest.
const TALL: [f32; 2] = [46.0, 68.0];
/// What stands about a plot, and what is written under the last.
const ABOUT: [f32; 2] = [24.0, 22.0];

/// Draws the plots.
pub fn draw(ui: &mut Ui, editor: &mut Editor, strip: &Strip) {
    let measured = strip.shown.and_then(|t| editor.measures.get(&t));
    let Some(measures) = measured.map(|m| m.measures.clone()) else {
        return;
    };
    let now = f64::from(editor.playhead - strip.start);
    let seek = |at: f64| strip.start + at as f32;
    let mut sought = None;
    let held = measures.distance.iter().any(|d| !d.is_empty());
    let count = if held { 3.0 } else { 1.0 };
    // Down to the inspector's end; what does not fit is scrolled to.
    let left = ui.clip_rect().bottom() - ui.cursor().top() - ABOUT[1];
    let tall = (left / count - ABOUT[0]).clamp(TALL[0], TALL[1]);
    if held {
        sought = sought.or(plot(
            ui,
            "palm to surface, cm",
            &measures,
            &measures.distance,
            100.0,
            now,
            (tall, Some(0.0)),
        ));
        sought = sought.or(plot(
            ui,
            "slip, cm/s",
            &measures,
            &measures.slip,
            100.0,
            now,
            (tall, None),
        ));
    }
    sought = sought.or(plot(
        ui,
        "foot skate, cm/s",
        &measures,
        &measures.skate,
        100.0,
        now,
        (tall, None),
    ));
    let [left, right] = colors::sides(ui.visuals());
    ui.horizontal(|ui| {
        ui.colored_label(left, "left");
        ui.colored_label(right, "right");
        ui.weak("shaded: the hand touches");
    });
    if let Some(at) = sought {
        editor.playhead = seek(at).clamp(strip.start, strip.end());
        editor.playing = false;
    }
}

/// The largest of 1, 2, 5, 10, ... that is no larger: a low plot has room for that and 0.
fn tick(high: f64) -> f64 {
    let ten = 10_f64.powf(high.max(1e-3).log10().floor());
    let most = [5.0, 2.0].into_iter().find(|m| m * ten <= high);
    most.unwrap_or(1.0) * ten
}

/// One plot; the time that was clicked in it.
fn plot(
    ui: &mut Ui,
    name: &str,
    measures: &Measures,
    values: &[Vec<f32>; 2],
    unit: f64,
    now: f64,
    (tall, line): (f32, Option<f64>),
) -> Option<f64> {
    ui.small(name);
    let step = f64::from(measures.step);
    let sides = colors::sides(ui.visuals());
    let weak = ui.visuals().weak_text_color();
    let strong = ui.visuals().selection.stroke.color;
    let shown = Plot::new(name)
        .height(tall)
        .show_axes([false, true])
        .y_axis_min_width(30.0)
        .y_grid_spacer(|input| {
            let step_size = tick(input.bounds.1);
            [0.0, step_size]
                .map(|value| GridMark { value, step_size })
                .to_vec()
        })
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_x(true)
        // What is small is to look small.
        .include_y(5.0)
        .set_margin_fraction(egui::vec2(0.0, 0.1))
        .show(ui, |plot| {
            for (touches, color) in measures.touches.iter().zip(sides) {
                for [first, last] in touches {
                    let span = Span::new("", *first as f64 * step..=(*last + 1) as f64 * step);
                    plot.span(span.fill(color.gamma_multiply(0.10)).border_width(0.0));
                }
            }
            if let Some(at) = line {
                plot.hline(HLine::new("surface", at).color(weak).width(1.0));
            }
            for (side, color) in values.iter().zip(sides) {
                let points: PlotPoints<'_> = side
                    .iter()
                    .enumerate()
                    .map(|(f, v)| [f as f64 * step, f64::from(*v) * unit])
                    .collect();
                plot.line(Line::new(name, points).color(color).width(1.4));
            }
            plot.vline(VLine::new("playhead", now).color(strong).width(1.0));
            plot.response()
                .clicked()
                .then(|| plot.pointer_coordinate().map(|p| p.x))
                .flatten()
        });
    shown.inner
}
