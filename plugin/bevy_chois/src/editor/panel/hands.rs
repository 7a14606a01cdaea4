//! When each hand holds, as bars under the selected strip: they are put there, dragged and deleted, physics obeys.

use bevy_egui::egui::{
    Align2, CursorIcon, FontId, Id, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
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
/// The shortest bar, and the time between two, seconds.
const SHORTEST: f32 = 0.1;
/// How long a bar is that is put somewhere, seconds.
const NEW: f32 = 0.6;

/// When the left and the right hand hold, seconds of the take.
type Bars = [Vec<[f32; 2]>; 2];

/// What of a bar is dragged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// Its beginning (0) or its end (1).
    End(usize),
    /// All of it, taken so many seconds after its beginning.
    Whole(f32),
}

/// Bars that are dragged, before physics has heard of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dragged {
    take: TakeId,
    bars: Bars,
    /// Which hand, which bar, what of it.
    part: Option<(usize, usize, Part)>,
}

/// Whether a strip has bars.
pub fn has_bars(editor: &Editor, strip: &Strip) -> bool {
    let measured = strip.shown.and_then(|take| editor.measures.get(&take));
    strip.object().is_some() && measured.is_some()
}

/// When the hands of a take hold.
fn bars(editor: &Editor, take: TakeId) -> Option<Bars> {
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

/// Whether bars cannot be changed now: physics runs, or what it made is not measured yet.
fn is_busy(editor: &Editor, take: TakeId) -> bool {
    let measured = (editor.library().clip(take)).is_some_and(|clip| {
        (editor.measures.get(&take)).is_some_and(|m| std::sync::Arc::ptr_eq(&m.clip, &clip))
    });
    editor.is_holding() || !measured
}

/// Deletes the bar that was taken last; false where none was, or something else was since.
pub fn delete_picked(editor: &mut Editor, panel: &mut Panel) -> bool {
    let Some((take, hand, bar)) = panel.bar.filter(|_| editor.scene.picked.is_none()) else {
        return false;
    };
    let known = bars(editor, take).filter(|all| bar < all[hand].len());
    let Some(mut now) = known.filter(|_| editor.strip().and_then(|s| s.shown) == Some(take)) else {
        return false;
    };
    if is_busy(editor, take) {
        editor.say("hands are being told already; wait for that");
        return true;
    }
    panel.bar = None;
    now[hand].remove(bar);
    tell(editor, panel, take, now);
    true
}

/// Has physics make the take anew; until it has, the bars are shown as they were told.
fn tell(editor: &mut Editor, panel: &mut Panel, take: TakeId, bars: Bars) {
    let [left, right] = bars.clone();
    if editor.set_contact(left, right) {
        panel.bars = Some(Dragged {
            take,
            bars,
            part: None,
        });
    }
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
    let busy = is_busy(editor, take);
    let dragged = panel.bars.clone().filter(|d| d.take == take);
    let mut now = dragged.unwrap_or(Dragged {
        take,
        bars: measured.clone(),
        part: None,
    });
    if now.part.is_none() && !busy {
        // Physics has answered.
        now.bars = measured;
    }
    let painter = ui.painter().with_clip_rect(lane);
    let (left, right) = (x(strip.start), x(strip.end()));
    let weak = ui.visuals().weak_text_color();
    let at_pointer = |ui: &Ui| {
        let at = ui.input(|i| i.pointer.latest_pos())?;
        Some(((seconds(at.x) - strip.start) * FPS).round() / FPS)
    };
    let mut changed = false;
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
        let id = Id::new(("chois bar ground", strip.id.0, hand));
        let empty = ui
            .interact(ground.intersect(lane), id, Sense::click())
            .on_hover_text(
                [
                    "Double-click: the left hand holds there too",
                    "Double-click: the right hand holds there too",
                ][hand],
            );
        if empty.clicked() {
            panel.bar = None;
        }
        let mut wanted = empty.double_clicked();
        empty.context_menu(|ui| {
            if ui.button("Hold here").clicked() {
                wanted = true;
                ui.close();
            }
        });
        if empty.secondary_clicked() {
            panel.bar_at = at_pointer(ui).unwrap_or_default();
        }
        if wanted && !busy {
            let asked = if empty.double_clicked() {
                at_pointer(ui)
            } else {
                Some(panel.bar_at)
            };
            let made = asked.and_then(|at| add(&mut now.bars[hand], at, strip.seconds));
            if let Some(i) = made {
                panel.bar = Some((take, hand, i));
                editor.scene.picked = None;
                changed = true;
            }
        }
        for i in 0..now.bars[hand].len() {
            let Some([from, to]) = now.bars[hand].get(i).map(|b| b.map(|s| x(strip.start + s)))
            else {
                break;
            };
            let bar = Rect::from_x_y_ranges(from..=to, top..=top + BAR);
            let fill = if busy {
                color.gamma_multiply(0.5)
            } else {
                color
            };
            painter.rect_filled(bar, 2.0, fill);
            let id = Id::new(("chois bar", strip.id.0, hand, i, "whole"));
            let body = ui
                .interact(bar.intersect(lane), id, Sense::click_and_drag())
                .on_hover_text("Drag: the hand holds at another time. Click, then X: it does not");
            let mut grips: Vec<(Response, Part)> = Vec::with_capacity(3);
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
                grips.push((response, Part::End(end)));
            }
            let picked = panel.bar == Some((take, hand, i));
            let held = now.part.is_some_and(|(h, k, _)| (h, k) == (hand, i));
            if picked || held || body.hovered() || grips.iter().any(|(r, _)| r.hovered()) {
                let stroke = Stroke::new(1.5, ui.visuals().strong_text_color());
                painter.rect_stroke(bar, 2.0, stroke, StrokeKind::Inside);
            }
            if body.clicked() || body.secondary_clicked() || body.drag_started() {
                panel.bar = Some((take, hand, i));
                // What was taken last is what is deleted.
                editor.scene.picked = None;
            }
            let mut gone = false;
            body.context_menu(|ui| {
                if ui.button("Hold no more").clicked() {
                    gone = true;
                    ui.close();
                }
            });
            if gone && !busy {
                now.bars[hand].remove(i);
                panel.bar = None;
                changed = true;
                continue;
            }
            let begun = now.bars[hand][i][0];
            let pressed = ui.input(|i| i.pointer.press_origin());
            let from = pressed.map_or(0.0, |at| seconds(at.x) - strip.start - begun);
            grips.push((body, Part::Whole(from)));
            for (response, part) in grips {
                if response.drag_started() && !busy {
                    now.part = Some((hand, i, part));
                }
                let Some((h, k, held)) = now.part else {
                    continue;
                };
                let same = match (held, part) {
                    (Part::Whole(_), Part::Whole(_)) => true,
                    (held, part) => held == part,
                };
                if (h, k) != (hand, i) || !same {
                    continue;
                }
                if let Some(at) = at_pointer(ui) {
                    match held {
                        Part::End(end) => pull(&mut now.bars[hand], i, end, at, strip.seconds),
                        Part::Whole(by) => push(&mut now.bars[hand], i, at - by, strip.seconds),
                    }
                }
                if response.drag_stopped() {
                    now.part = None;
                    changed = true;
                }
            }
        }
    }
    if changed {
        tell(editor, panel, take, now.bars);
    } else {
        panel.bars = (now.part.is_some() || busy).then_some(now);
    }
}

/// Times that a bar may begin and end at, between its neighbours.
fn room(bars: &[[f32; 2]], i: usize, seconds: f32) -> [f32; 2] {
    let low = i.checked_sub(1).map_or(0.0, |b| bars[b][1] + SHORTEST);
    let high = bars.get(i + 1).map_or(seconds, |b| b[0] - SHORTEST);
    [low, high]
}

/// An end of a bar at a time, between its neighbours.
fn pull(bars: &mut [[f32; 2]], i: usize, end: usize, at: f32, seconds: f32) {
    let [mut low, mut high] = room(bars, i, seconds);
    match end {
        0 => high = bars[i][1] - SHORTEST,
        _ => low = bars[i][0] + SHORTEST,
    }
    bars[i][end] = at.min(high).max(low);
}

/// A bar that begins at a time, as long as it is, between its neighbours.
fn push(bars: &mut [[f32; 2]], i: usize, at: f32, seconds: f32) {
    let [low, high] = room(bars, i, seconds);
    let [from, to] = bars[i];
    // On a frame: what is between two is neither.
    let at = (at * FPS).round() / FPS;
    let from = at.min(high - (to - from)).max(low);
    bars[i] = [from, from + (to - bars[i][0])];
}

/// One more bar about a time, where there is room; its number.
fn add(bars: &mut Vec<[f32; 2]>, at: f32, seconds: f32) -> Option<usize> {
    let i = bars.partition_point(|b| b[0] < at);
    let low = i.checked_sub(1).map_or(0.0, |b| bars[b][1] + SHORTEST);
    let high = bars.get(i).map_or(seconds, |b| b[0] - SHORTEST);
    if !(low..=high).contains(&at) || high - low < SHORTEST {
        return None;
    }
    let from = (at - NEW / 2.0).min(high - NEW).max(low);
    bars.insert(i, [from, (from + NEW).min(high)]);
    Some(i)
}

#[cfg(test)]
mod tests {
    use super::{add, pull, push};

    #[test]
    fn bars_stay_between_their_neighbours() {
        let mut bars = vec![[0.5, 1.0], [2.0, 3.0]];
        pull(&mut bars, 0, 1, 2.5, 4.0);
        assert_eq!(bars[0], [0.5, 1.9]);
        pull(&mut bars, 1, 0, 0.0, 4.0);
        assert_eq!(bars[1], [2.0, 3.0]);
        pull(&mut bars, 1, 1, 9.0, 4.0);
        assert_eq!(bars[1], [2.0, 4.0]);
        push(&mut bars, 0, -3.0, 4.0);
        assert_eq!(bars[0][0], 0.0);
        assert!((bars[0][1] - 1.4).abs() < 1e-6);
    }

    #[test]
    fn a_bar_is_put_where_there_is_room() {
        let mut bars = vec![[1.0, 2.0]];
        assert_eq!(add(&mut bars, 1.5, 4.0), None, "it holds there");
        assert_eq!(add(&mut bars, 3.0, 4.0), Some(1));
        assert!((bars[1][0] - 2.7).abs() < 1e-6 && (bars[1][1] - 3.3).abs() < 1e-6);
        // Shorter where there is less room.
        assert_eq!(add(&mut bars, 2.4, 4.0), Some(1));
        assert!((bars[1][0] - 2.1).abs() < 1e-6 && (bars[1][1] - 2.6).abs() < 1e-6);
        assert_eq!(add(&mut bars, 2.65, 4.0), None);
    }
}
