//! When each hand holds, as bars under the selected strip: their ends are dragged, physics obeys.

use bevy_egui::egui::{
    Align2, CursorIcon, FontId, Id, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use chois::motion::FPS;
use chois::project::{Strip, TakeId};

use super::{Panel, colors};
use crate::editor::session::Editor;

/// Height of one hand's bar, and of the lane of both.
const BAR: f32 = 9.0;
pub const LANE: f32 = 2.0 * BAR + 5.0;
/// How near to an end it is taken, points.
const GRIP: f32 = 5.0;
/// The shortest bar, seconds.
const SHORTEST: f32 = 0.1;

/// Bars that are dragged, before physics has heard of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dragged {
    take: TakeId,
    bars: [Vec<[f32; 2]>; 2],
    /// Which hand, which bar, which end.
    end: Option<(usize, usize, usize)>,
}

/// Whether a strip has bars.
pub fn has_bars(editor: &Editor, strip: &Strip) -> bool {
    let measured = strip.shown.and_then(|take| editor.measures.get(&take));
    strip.object().is_some() && measured.is_some()
}

/// When the hands of a take hold, seconds of the take.
fn bars(editor: &Editor, take: TakeId) -> Option<[Vec<[f32; 2]>; 2]> {
    let measures = &editor.measures.get(&take)?.measures;
    Some([0, 1].map(|hand| {
        let spans = measures.touches[hand].iter();
        spans
            .map(|[first, last]| {
                [
                    *first as f32 * measures.step,
                    (*last + 1) as f32 * measures.step,
                ]
            })
            .collect()
    }))
}

/// Draws the lane; `x` puts seconds of the timeline on the screen and `seconds` back.
pub fn draw(
    ui: &mut Ui,
    editor: &mut Editor,
    panel: &mut Panel,
    strip: &Strip,
    lane: Rect,
    (x, seconds): (impl Fn(f32) -> f32, impl Fn(f32) -> f32),
) {
    let Some(take) = strip.shown else { return };
    let Some(measured) = bars(editor, take) else {
        return;
    };
    // What physics made is measured a moment later; until then the bars stay as they were told.
    let measures_it = (editor.library().clip(take)).is_some_and(|clip| {
        (editor.measures.get(&take)).is_some_and(|m| std::sync::Arc::ptr_eq(&m.clip, &clip))
    });
    let busy = editor.is_holding() || !measures_it;
    let dragged = panel.bars.clone().filter(|d| d.take == take);
    let mut now = dragged.unwrap_or(Dragged {
        take,
        bars: measured.clone(),
        end: None,
    });
    if now.end.is_none() && !busy {
        // Physics has answered.
        now.bars = measured;
    }
    let painter = ui.painter().with_clip_rect(lane);
    let (left, right) = (x(strip.start), x(strip.end()));
    let weak = ui.visuals().weak_text_color();
    let mut released = false;
    for (hand, color) in colors::sides(ui.visuals()).into_iter().enumerate() {
        let top = lane.top() + 2.0 + hand as f32 * (BAR + 2.0);
        let ground = Rect::from_x_y_ranges(left..=right, top..=top + BAR);
        painter.rect_filled(ground, 2.0, ui.visuals().faint_bg_color);
        // Beside the lane where the strip begins with it.
        ui.painter().text(
            pos2(left.max(lane.left()) - 4.0, ground.center().y),
            Align2::RIGHT_CENTER,
            ["L", "R"][hand],
            FontId::proportional(9.5),
            weak,
        );
        for i in 0..now.bars[hand].len() {
            let [from, to] = now.bars[hand][i].map(|s| x(strip.start + s));
            let bar = Rect::from_x_y_ranges(from..=to, top..=top + BAR);
            let fill = if busy {
                color.gamma_multiply(0.5)
            } else {
                color
            };
            painter.rect_filled(bar, 2.0, fill);
            for (end, at) in [from, to].into_iter().enumerate() {
                let grip =
                    Rect::from_center_size(pos2(at, ground.center().y), vec2(2.0 * GRIP, BAR));
                let id = Id::new(("chois bar", strip.id.0, hand, i, end));
                let response = ui
                    .interact(grip.intersect(lane), id, Sense::drag())
                    .on_hover_cursor(CursorIcon::ResizeHorizontal)
                    .on_hover_text(
                        [
                            "Drag: the hand takes hold earlier or later",
                            "Drag: the hand lets go earlier or later",
                        ][end],
                    );
                if response.hovered() || now.end == Some((hand, i, end)) {
                    let stroke = Stroke::new(1.5, ui.visuals().strong_text_color());
                    painter.rect_stroke(bar, 2.0, stroke, StrokeKind::Inside);
                }
                if response.drag_started() && !busy {
                    now.end = Some((hand, i, end));
                }
                if now.end == Some((hand, i, end))
                    && let Some(at) = ui.input(|i| i.pointer.latest_pos())
                {
                    let at = ((seconds(at.x) - strip.start) * FPS).round() / FPS;
                    pull(&mut now.bars[hand], i, end, at, strip.seconds);
                    released |= response.drag_stopped();
                }
            }
        }
    }
    if released {
        now.end = None;
        let [left, right] = now.bars.clone();
        editor.set_contact(left, right);
    }
    panel.bars = (now.end.is_some() || busy || editor.is_holding()).then_some(now);
}

/// An end of a bar at a time, between its neighbours.
fn pull(bars: &mut [[f32; 2]], i: usize, end: usize, at: f32, seconds: f32) {
    let low = match end {
        0 => i.checked_sub(1).map_or(0.0, |b| bars[b][1] + SHORTEST),
        _ => bars[i][0] + SHORTEST,
    };
    let high = match end {
        0 => bars[i][1] - SHORTEST,
        _ => bars.get(i + 1).map_or(seconds, |b| b[0] - SHORTEST),
    };
    bars[i][end] = at.min(high).max(low);
}

#[cfg(test)]
mod tests {
    use super::pull;

    #[test]
    fn bars_stay_between_their_neighbours() {
        let mut bars = vec![[0.5, 1.0], [2.0, 3.0]];
        pull(&mut bars, 0, 1, 2.5, 4.0);
        assert_eq!(bars[0], [0.5, 1.9]);
        pull(&mut bars, 1, 0, 0.0, 4.0);
        assert_eq!(bars[1], [2.0, 3.0]);
        pull(&mut bars, 1, 1, 9.0, 4.0);
        assert_eq!(bars[1], [2.0, 4.0]);
    }
}
