//! Strips in time.

use bevy_egui::egui::{
    self, Align2, Color32, CornerRadius, CursorIcon, FontId, Id, Pos2, Rect, Sense, Stroke,
    StrokeKind, TextEdit, Ui, UiBuilder, pos2, vec2,
};
use chois::project::stale::State;
use chois::project::{Deed, Strip, StripId};
use chois::text::MAX_TEXT_CHARS;

use super::{Panel, colors, hands, locks, toolbar};
use crate::editor::session::{Editor, LONGEST_STRIP, SHORTEST_STRIP, usable};

/// Heights, and the width of the names at the left.
const RULER: f32 = 18.0;
const ROW: f32 = 44.0;
const GAP: f32 = 4.0;
const NAMES: f32 = 64.0;
/// The edge by which a strip is stretched.
const EDGE: f32 = 7.0;
/// Strips snap to times this near, points.
const SNAP: f32 = 7.0;

/// Seconds on the screen.
#[derive(Clone, Copy)]
struct Scale {
    left: f32,
    from: f32,
    points: f32,
}

impl Scale {
    fn x(&self, seconds: f32) -> f32 {
        self.left + (seconds - self.from) * self.points
    }

    fn seconds(&self, x: f32) -> f32 {
        (x - self.left) / self.points + self.from
    }
}

/// Height beside that of one plain track, points.
pub fn more(editor: &Editor) -> f32 {
    let tracks = editor.project().tracks.len().saturating_sub(1) as f32;
    tracks * (ROW + GAP) + hands_of(editor).map_or(0.0, |_| hands::LANE)
}

/// The track and the strip whose hands have bars.
fn hands_of(editor: &Editor) -> Option<(usize, Strip)> {
    let strip = editor.strip().filter(|s| hands::has_bars(editor, s))?;
    Some((editor.project().track_of(strip.id)?, strip.clone()))
}

/// Draws the timeline.
pub fn draw(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel) {
    let tracks = editor.project().tracks.len();
    let bars = hands_of(editor);
    let height = RULER + tracks as f32 * (ROW + GAP) + bars.as_ref().map_or(0.0, |_| hands::LANE);
    let (rect, whole) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let lanes = Rect::from_min_max(pos2(rect.left() + NAMES, rect.top()), rect.max);
    // Also over a strip, which is hovered in its stead.
    let scale = zoom(ui, editor, panel, lanes, whole.contains_pointer());
    let painter = ui.painter().with_clip_rect(rect);
    ruler(ui, &painter.with_clip_rect(lanes), editor, lanes, scale);
    for k in 0..tracks {
        let above = bars.as_ref().filter(|(track, _)| *track < k);
        let lower = above.map_or(0.0, |_| hands::LANE);
        let top = rect.top() + RULER + k as f32 * (ROW + GAP) + lower;
        let row = Rect::from_min_size(pos2(lanes.left(), top), vec2(lanes.width(), ROW));
        painter.rect_filled(row, 3.0, ui.visuals().extreme_bg_color);
        let name = editor.project().tracks[k].name.clone();
        let place = Rect::from_min_max(
            pos2(rect.left(), row.top()),
            pos2(lanes.left() - 4.0, row.bottom()),
        );
        let chosen = ui
            .interact(place, Id::new(("chois track", k)), Sense::click())
            .on_hover_text("Click: strips are added here");
        if chosen.clicked() {
            editor.selected = None;
            panel.track = k;
        }
        let current = tracks > 1 && toolbar::current_track(editor, panel) == k;
        painter
            .with_clip_rect(Rect::from_min_max(
                rect.min,
                pos2(lanes.left() - 4.0, rect.bottom()),
            ))
            .text(
                pos2(rect.left() + 2.0, row.center().y),
                Align2::LEFT_CENTER,
                name,
                FontId::proportional(13.0),
                if current {
                    ui.visuals().strong_text_color()
                } else {
                    ui.visuals().text_color()
                },
            );
        let strips: Vec<Strip> = editor.project().tracks[k]
            .strips
            .iter()
            .map(|s| (**s).clone())
            .collect();
        if row.contains(pointer(ui)) && ui.input(|i| i.pointer.primary_clicked()) && whole.hovered()
        {
            let at = scale.seconds(pointer(ui).x);
            if !strips.iter().any(|s| (s.start..s.end()).contains(&at)) {
                editor.selected = None;
                panel.track = k;
            }
        }
        for one in &strips {
            strip(ui, editor, panel, one, row, scale);
        }
        if let Some((_, held)) = bars.as_ref().filter(|(track, _)| *track == k) {
            let lane = Rect::from_min_size(row.left_bottom(), vec2(row.width(), hands::LANE));
            let ways = (|s: f32| scale.x(s), |x: f32| scale.seconds(x));
            hands::draw(ui, editor, panel, held, lane, ways);
        }
    }
    let x = scale.x(editor.playhead);
    if lanes.x_range().contains(x) {
        let color = ui.visuals().selection.stroke.color;
        painter.vline(x, rect.y_range(), Stroke::new(1.5, color));
        let tip = |dx: f32, dy: f32| pos2(x + dx, rect.top() + dy);
        painter.add(egui::Shape::convex_polygon(
            vec![tip(-5.0, 0.0), tip(5.0, 0.0), tip(0.0, 7.0)],
            color,
            Stroke::NONE,
        ));
    }
}

fn pointer(ui: &Ui) -> Pos2 {
    ui.input(|i| i.pointer.latest_pos())
        .unwrap_or(pos2(-1.0, -1.0))
}

/// The wheel zooms about the pointer, with Shift it moves along.
fn zoom(ui: &Ui, editor: &Editor, panel: &mut Panel, lanes: Rect, within: bool) -> Scale {
    let all = (editor.project().seconds() + 1.0).max(8.0);
    let [mut from, mut span] = panel.view;
    if span == 0.0 {
        (from, span) = (0.0, all);
    }
    if panel.grab.is_some() {
        [from, span] = panel.drawn;
    }
    if within && lanes.contains(pointer(ui)) {
        let (scroll, shift) = ui.input(|i| (i.smooth_scroll_delta(), i.modifiers.shift));
        if shift && scroll.x + scroll.y != 0.0 {
            from = (from - (scroll.x + scroll.y) / lanes.width() * span).max(0.0);
            panel.view = [from, span];
        } else if scroll.y != 0.0 {
            let at = from + (pointer(ui).x - lanes.left()) / lanes.width() * span;
            let next = (span * (-scroll.y * 0.004).exp()).clamp(1.0, all.max(span) * 2.0);
            from = (at - (at - from) * next / span).max(0.0);
            panel.view = [from, next];
            span = next;
        }
    }
    panel.drawn = [from, span];
    Scale {
        left: lanes.left(),
        from,
        points: lanes.width() / span,
    }
}

/// Seconds, and the place to drag the playhead.
fn ruler(ui: &Ui, painter: &egui::Painter, editor: &mut Editor, lanes: Rect, scale: Scale) {
    let rect = Rect::from_min_size(lanes.min, vec2(lanes.width(), RULER));
    let step = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0]
        .into_iter()
        .find(|s| s * scale.points > 46.0)
        .unwrap_or(120.0);
    let color = ui.visuals().weak_text_color();
    let first = (scale.from / step).floor() as i32;
    let last = (scale.seconds(lanes.right()) / step).ceil() as i32;
    for i in first..=last {
        let seconds = i as f32 * step;
        let x = scale.x(seconds);
        painter.vline(
            x,
            egui::Rangef::new(rect.bottom() - 5.0, rect.bottom()),
            Stroke::new(1.0, color),
        );
        let text = if step < 1.0 {
            format!("{seconds:.1}")
        } else {
            format!("{seconds:.0}")
        };
        painter.text(
            pos2(x + 3.0, rect.top()),
            Align2::LEFT_TOP,
            text,
            FontId::proportional(11.0),
            color,
        );
    }
    let response = ui
        .interact(rect, Id::new("chois ruler"), Sense::click_and_drag())
        .on_hover_cursor(CursorIcon::ResizeHorizontal);
    if (response.dragged() || response.clicked())
        && let Some(at) = response.interact_pointer_pos()
    {
        let end = editor.project().seconds();
        editor.playhead = scale.seconds(at.x).clamp(0.0, end);
        editor.playing = false;
    }
}

/// One strip: its look, and what is done with it.
fn strip(
    ui: &mut Ui,
    editor: &mut Editor,
    panel: &mut Panel,
    strip: &Strip,
    row: Rect,
    scale: Scale,
) {
    let rect = Rect::from_x_y_ranges(
        scale.x(strip.start) + 0.5..=scale.x(strip.end()) - 0.5,
        row.top() + 2.0..=row.bottom() - 2.0,
    );
    let visible = rect.intersect(row);
    if visible.width() <= 0.0 {
        return;
    }
    let id = Id::new(("chois strip", strip.id.0));
    let body = ui.interact(visible, id, Sense::click_and_drag());
    let edge = Rect::from_x_y_ranges(rect.right() - EDGE..=rect.right(), rect.y_range());
    let edge = ui
        .interact(edge.intersect(row), id.with("edge"), Sense::drag())
        .on_hover_cursor(CursorIcon::ResizeHorizontal);
    paint(ui, editor, strip, rect, row, body.hovered());
    let (_, word, why) = colors::state(ui.visuals(), editor.state(strip.id));
    let body = body.on_hover_ui(|ui| {
        ui.strong(strip.text());
        ui.label(format!(
            "{:.1} s to {:.1} s, {word}",
            strip.start,
            strip.end()
        ));
        ui.weak(why);
        ui.weak("Drag to move, its right edge to stretch; double-click to write.");
    });
    if body.clicked() {
        editor.selected = Some(strip.id);
        panel.bar = None;
    }
    if body.double_clicked() && !matches!(strip.deed, Deed::Idle) {
        panel.writing = Some(strip.id);
        editor.selected = Some(strip.id);
    }
    drag(ui, editor, panel, strip, &body, &edge, scale);
    if panel.writing == Some(strip.id) {
        write(ui, editor, panel, strip, visible);
    }
}

fn paint(ui: &Ui, editor: &Editor, strip: &Strip, rect: Rect, row: Rect, hovered: bool) {
    let visuals = ui.visuals();
    let painter = ui.painter().with_clip_rect(row);
    let state = editor.state(strip.id);
    let selected = editor.selected == Some(strip.id);
    let mut fill = colors::deed(visuals, &strip.deed);
    if *state != State::Fresh {
        fill = fill.gamma_multiply(0.45);
    }
    if hovered {
        fill = fill.gamma_multiply(1.15);
    }
    let corners = CornerRadius::same(4);
    painter.rect_filled(rect, corners, fill);
    let stroke = if selected {
        Stroke::new(2.0, visuals.strong_text_color())
    } else {
        Stroke::new(1.0, Color32::from_black_alpha(90))
    };
    painter.rect_stroke(rect, corners, stroke, StrokeKind::Inside);
    let (color, ..) = colors::state(visuals, state);
    let dot = pos2(rect.left() + 10.0, rect.top() + 11.0);
    if *state == State::Fresh {
        painter.circle_filled(dot, 4.0, color);
    } else {
        painter.circle_stroke(dot, 3.5, Stroke::new(1.5, color));
    }
    let inside = painter.with_clip_rect(rect.shrink2(vec2(4.0, 0.0)).intersect(row));
    let text = visuals.strong_text_color();
    inside.text(
        pos2(rect.left() + 19.0, rect.top() + 11.0),
        Align2::LEFT_CENTER,
        strip.text(),
        FontId::proportional(12.5),
        text,
    );
    let takes = match (strip.takes.len(), strip.shown()) {
        (0, _) => "no take".to_owned(),
        (n, Some(take)) => {
            let at = strip
                .takes
                .iter()
                .position(|t| t.id == take.id)
                .unwrap_or(0);
            format!("take {} of {n}", at + 1)
        }
        (n, None) => format!("{n} takes, none shown"),
    };
    inside.text(
        pos2(rect.left() + 19.0, rect.bottom() - 14.0),
        Align2::LEFT_CENTER,
        format!("{:.1} s   {takes}", strip.seconds),
        FontId::proportional(11.0),
        text.gamma_multiply(0.75),
    );
    for key in &strip.keys {
        let x = rect.left() + key.at / strip.seconds * rect.width();
        locks::diamond(
            &painter,
            pos2(x, rect.bottom() - 6.0),
            colors::lock(visuals),
        );
    }
    if let Some(progress) = editor.progress.filter(|p| p.strip == strip.id) {
        let width = rect.width() * progress.share;
        let bar = Rect::from_min_size(pos2(rect.left(), rect.bottom() - 3.0), vec2(width, 3.0));
        painter.rect_filled(bar, 0.0, visuals.selection.stroke.color);
    }
}

/// Moves and stretches, between the neighbours.
fn drag(
    ui: &Ui,
    editor: &mut Editor,
    panel: &mut Panel,
    strip: &Strip,
    body: &egui::Response,
    edge: &egui::Response,
    scale: Scale,
) {
    if body.drag_started() || edge.drag_started() {
        editor.selected = Some(strip.id);
        // From where it was pressed: it counts as a drag some points later.
        let from = ui.input(|i| i.pointer.press_origin());
        let from = from.unwrap_or_else(|| pointer(ui)).x;
        panel.grab = Some((strip.id, strip.start, strip.seconds, scale.seconds(from)));
        editor.settle();
    }
    if body.drag_stopped() || edge.drag_stopped() {
        panel.grab = None;
        editor.settle();
    }
    let Some((_, start, seconds, at)) = panel.grab.filter(|(id, ..)| *id == strip.id) else {
        return;
    };
    let by = scale.seconds(pointer(ui).x) - at;
    let [low, high] = editor.room(strip.id);
    let free = ui.input(|i| i.modifiers.shift);
    let snap = |value: f32, places: &[f32]| {
        if free {
            return value;
        }
        let near = places
            .iter()
            .copied()
            .find(|p| (p - value).abs() * scale.points < SNAP);
        near.unwrap_or((value * 10.0).round() / 10.0)
    };
    if edge.dragged() {
        let end = snap(start + seconds + by, &[high]);
        let long = (end - start).min(LONGEST_STRIP.min(high - start));
        let long = long.max(SHORTEST_STRIP);
        change(editor, strip.id, "stretch", "Stretch strip", |s| {
            s.stretch(long);
        });
    } else if body.dragged() {
        let mut place = snap(start + by, &[low, editor.playhead]);
        if (start + by + seconds - high).abs() * scale.points < SNAP {
            place = high - seconds;
        }
        let place = place.min(high - seconds).max(low);
        change(editor, strip.id, "move", "Move strip", |s| s.start = place);
    }
}

fn change(
    editor: &mut Editor,
    id: StripId,
    key: &str,
    label: &str,
    change: impl FnOnce(&mut Strip),
) {
    editor.drag(&format!("{key} {}", id.0), label, |p| {
        if let Some(strip) = p.strip_mut(id) {
            change(strip);
        }
        Ok(())
    });
}

/// The words, edited where they stand.
fn write(ui: &mut Ui, editor: &mut Editor, panel: &mut Panel, strip: &Strip, rect: Rect) {
    let rect = Rect::from_min_size(rect.min, vec2(rect.width().max(180.0), rect.height()));
    let mut text = strip.text().to_owned();
    let mut inner = ui.new_child(UiBuilder::new().max_rect(rect.shrink(2.0)));
    let field = TextEdit::multiline(&mut text)
        .desired_rows(2)
        .char_limit(MAX_TEXT_CHARS)
        .font(FontId::proportional(12.0))
        .desired_width(rect.width());
    let response = inner.add(field);
    if !response.has_focus() && !response.lost_focus() {
        response.request_focus();
    }
    text.retain(|c| c != '\n');
    if response.changed() && usable(&text) {
        set_text(editor, strip.id, text);
    }
    let done = ui.input(|i| i.key_pressed(egui::Key::Enter) || i.key_pressed(egui::Key::Escape));
    if response.lost_focus() || done {
        panel.writing = None;
        editor.settle();
    }
}

/// Has a strip say something else.
pub fn set_text(editor: &mut Editor, id: StripId, words: String) {
    change(editor, id, "text", "Write", |s| match &mut s.deed {
        Deed::Walk { text, .. } | Deed::Interact { text, .. } => *text = words,
        Deed::Idle => {}
    });
}
