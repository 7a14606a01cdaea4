//! The pointer over the scene: what it is over, clicks, and drags.

use bevy::ecs::prelude::*;
use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::math::Vec2;
use bevy::picking::pointer::{PointerAction, PointerButton, PointerInput};
use bevy_egui::{EguiContext, egui};
use chois::contact::ObstacleShape;
use chois::motion::FPS;
use chois::project::Deed;

use super::grip::{Grip, Test, To};
use super::handles::{Handle, Part};
use super::lens::{Cameras, Lens};
use super::walls::{Seen, Walls};
use super::way::{Planned, Way};
use super::{bar, edit};
use crate::editor::session::Editor;

/// A press that moves less is a click, logical pixels.
const STILL: f32 = 4.0;
/// So near a knob counts as on it, logical pixels.
const NEAR: f32 = 12.0;
/// The same of the way.
const NEAR_WAY: f32 = 8.0;
/// Where the time of a waypoint is written, seen from its place, logical pixels.
pub(super) const TIME_AT: Vec2 = Vec2::new(26.0, -18.0);

/// Knobs that can be taken: where they are seen, logical pixels. For scripts and tests.
#[derive(Resource, Clone, Debug, Default)]
pub struct SceneKnobs(pub Vec<(Handle, Part, Vec2)>);

impl SceneKnobs {
    /// Where a knob is seen.
    pub fn at(&self, handle: Handle, part: Part) -> Option<Vec2> {
        let found = self.0.iter().find(|k| (k.0, k.1) == (handle, part));
        found.map(|k| k.2)
    }

    fn lay(&mut self, planned: &Planned, lens: &Lens, replaced: Option<(Handle, Part)>) {
        self.0.clear();
        for spot in &planned.spots {
            for part in spot.parts() {
                if replaced == Some((spot.handle, part)) {
                    continue;
                }
                let at = match part {
                    Part::Floor => Some(spot.at),
                    Part::Turn => spot.knob(),
                    Part::Height => spot.peak(),
                    Part::Time => Some(spot.at),
                };
                let shift = if part == Part::Time {
                    TIME_AT
                } else {
                    Vec2::ZERO
                };
                if let Some(at) = at.and_then(|at| lens.screen(at)) {
                    self.0.push((spot.handle, part, at + shift));
                }
            }
        }
    }

    /// The knob at a place of the screen.
    fn under(&self, at: Vec2) -> Option<(Handle, Part)> {
        let near = self.0.iter().map(|k| (k, k.2.distance(at)));
        near.filter(|(_, d)| *d < NEAR)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|((handle, part, _), _)| (*handle, *part))
    }
}

/// The pointer over the scene. Whoever turns the camera by dragging looks here whether the drag is the editor's.
#[derive(Resource, Default)]
pub struct ScenePointer {
    cursor: Option<Vec2>,
    press: Option<Press>,
    over: Option<Over>,
    /// Whether it is over something else than the scene.
    off: bool,
    /// Whether it is over Bevy's gizmo or drags it.
    pub(super) gizmo: bool,
    /// What the gizmo drags.
    by_gizmo: Option<(Handle, Part)>,
    /// The part that the gizmo stands for.
    pub(super) replaced: Option<(Handle, Part)>,
    /// Why the handle cannot go where it is dragged.
    pub(super) trouble: Option<String>,
}

/// What the pointer is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Over {
    Knob(Handle, Part),
    /// The way, at a frame.
    Way(usize),
}

struct Press {
    at: Vec2,
    moved: bool,
    held: Option<Held>,
}

/// A handle that is dragged.
struct Held {
    grip: Grip,
    /// From the place that is meant to the pointer, logical pixels.
    offset: Vec2,
}

impl ScenePointer {
    /// Whether the pointer drags a handle or is over one: a press is the editor's.
    pub fn is_busy(&self) -> bool {
        self.gizmo || self.drags_any() || matches!(self.over, Some(Over::Knob(..)))
    }

    fn drags_any(&self) -> bool {
        self.press.as_ref().is_some_and(|p| p.held.is_some())
    }

    /// Whether a press is a handle's or the panel's, and never Bevy's gizmo's.
    pub(super) fn keeps(&self) -> bool {
        self.off || self.drags_any() || matches!(self.over, Some(Over::Knob(..)))
    }

    /// What it is over.
    pub(super) fn over(&self) -> Option<Over> {
        self.over
    }

    /// What it drags.
    pub(super) fn drags(&self) -> Option<(Handle, Part)> {
        let press = self.press.as_ref().filter(|p| p.moved);
        let held = press.and_then(|p| p.held.as_ref());
        held.map(|h| (h.grip.spot.handle, h.grip.part))
            .or(self.by_gizmo)
    }

    /// Takes in what the gizmo drags, and why it cannot go on.
    pub(super) fn tell(&mut self, drags: Option<(Handle, Part)>, trouble: Option<String>) {
        (self.by_gizmo, self.trouble) = (drags, trouble);
    }
}

/// What a drag is told of.
struct Scene<'a> {
    lens: &'a Lens<'a>,
    walls: &'a Walls,
    ctrl: bool,
}

/// Takes in what the pointer did, one thing after the other: on a slow machine a frame may hold several clicks.
pub(super) fn read(
    mut inputs: MessageReader<PointerInput>,
    keys: Option<Res<ButtonInput<KeyCode>>>,
    (cameras, walls): (Cameras, Res<Walls>),
    mut panels: Query<&mut EguiContext>,
    mut editor: ResMut<Editor>,
    mut planned: ResMut<Planned>,
    mut knobs: ResMut<SceneKnobs>,
    mut pointer: ResMut<ScenePointer>,
) {
    let lens = cameras.lens().filter(|_| editor.shown);
    let Some(lens) = lens else {
        inputs.clear();
        if pointer.over.is_some() || pointer.press.is_some() {
            *pointer = ScenePointer::default();
        }
        knobs.0.clear();
        return;
    };
    let down = |any: [KeyCode; 2]| keys.as_ref().is_some_and(|k| k.any_pressed(any));
    let shift = down([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
    let scene = Scene {
        lens: &lens,
        walls: &walls,
        ctrl: down([KeyCode::ControlLeft, KeyCode::ControlRight]),
    };
    let pointer = &mut *pointer;
    knobs.lay(&planned, &lens, pointer.replaced);
    if keys
        .as_ref()
        .is_some_and(|k| k.just_pressed(KeyCode::Escape))
    {
        give_up(pointer, &mut editor);
    }
    let panels: Vec<egui::Context> = panels.iter_mut().map(|mut p| p.get_mut().clone()).collect();
    for input in inputs.read() {
        if lens
            .target
            .as_ref()
            .is_some_and(|t| *t != input.location.target)
        {
            continue;
        }
        let at = input.location.position;
        match input.action {
            PointerAction::Move { .. } => {
                pointer.cursor = Some(at);
                let Some(press) = &mut pointer.press else {
                    continue;
                };
                press.moved |= press.at.distance(at) >= STILL;
                if let (true, Some(held)) = (press.moved, &press.held) {
                    pointer.trouble = drag(held, at, &scene, &mut editor);
                    planned.follow(&editor);
                    knobs.lay(&planned, &lens, pointer.replaced);
                }
            }
            PointerAction::Press(PointerButton::Primary) => {
                pointer.cursor = Some(at);
                if !is_ours(&editor, &panels, &lens, at) {
                    // Whoever goes on in the panel means the strip; how handles are taken is said in the bar.
                    if editor.scene.picked.is_some() && !panels.iter().any(|p| bar::is_at(p, at)) {
                        editor.scene.picked = None;
                    }
                    continue;
                }
                let taken = knobs.under(at);
                let held = taken.and_then(|taken| take(taken, at, &editor, &planned, &knobs));
                if let Some(Held { grip, .. }) = &held {
                    editor.settle();
                    editor.scene.picked = Some((grip.strip, grip.spot.handle));
                }
                pointer.press = Some(Press {
                    at,
                    // What drags the gizmo is no click.
                    moved: pointer.gizmo && held.is_none(),
                    held,
                });
            }
            PointerAction::Release(PointerButton::Primary) => {
                let Some(press) = pointer.press.take() else {
                    continue;
                };
                match press.held {
                    Some(_) => {
                        editor.settle();
                        pointer.trouble = None;
                    }
                    None if !press.moved => click(press.at, shift, &scene, &mut editor, &planned),
                    None => {}
                }
                planned.follow(&editor);
                knobs.lay(&planned, &lens, pointer.replaced);
            }
            PointerAction::Cancel => give_up(pointer, &mut editor),
            _ => {}
        }
    }
    if pointer.press.is_none() {
        let free = pointer
            .cursor
            .filter(|at| is_ours(&editor, &panels, &lens, *at));
        let over = free.and_then(|at| {
            let knob = knobs
                .under(at)
                .map(|(handle, part)| Over::Knob(handle, part));
            knob.or_else(|| on_way(&planned, &lens, at).map(Over::Way))
        });
        pointer.off = pointer.cursor.is_some() && free.is_none();
        pointer.over = over;
    }
}

/// Puts back what was dragged.
fn give_up(pointer: &mut ScenePointer, editor: &mut Editor) {
    let Some(press) = pointer.press.take() else {
        return;
    };
    pointer.trouble = None;
    if let Some(held) = press.held.filter(|_| press.moved) {
        held.grip.give_up(editor);
    }
}

/// Whether the scene is what is pressed there, and not the panel or anything else that lies over it.
fn is_ours(editor: &Editor, panels: &[egui::Context], lens: &Lens, at: Vec2) -> bool {
    let over = |panel: &egui::Context| {
        let at = egui::pos2(at.x, at.y) / panel.zoom_factor();
        let layer = panel.layer_id_at(at);
        let covered = panel.viewport_rect().max - egui::vec2(editor.covers[0], editor.covers[1]);
        layer.is_some_and(|layer| layer.order != egui::Order::Background)
            || (panel.viewport_rect().is_positive() && (at.x > covered.x || at.y > covered.y))
    };
    lens.frame().is_some_and(|frame| frame.contains(at)) && !panels.iter().any(over)
}

fn take(
    (handle, part): (Handle, Part),
    at: Vec2,
    editor: &Editor,
    planned: &Planned,
    knobs: &SceneKnobs,
) -> Option<Held> {
    // A time is written beside the place that is meant.
    let shift = if part == Part::Time {
        TIME_AT
    } else {
        Vec2::ZERO
    };
    Some(Held {
        offset: at - knobs.at(handle, part)? + shift,
        grip: Grip::of(handle, part, editor, planned)?,
    })
}

/// The frame of the way that is seen there.
fn on_way(planned: &Planned, lens: &Lens, at: Vec2) -> Option<usize> {
    let way = planned.way.as_ref()?;
    nearest(way, lens, at).and_then(|(t, d)| (d < NEAR_WAY).then_some(t))
}

/// The frame of the way that is seen nearest, and how near, logical pixels.
fn nearest(way: &Way, lens: &Lens, at: Vec2) -> Option<(usize, f32)> {
    (0..way.path.len())
        .filter_map(|t| Some((t, lens.screen(way.ground(t)?)?.distance(at))))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A click that is on no knob.
fn click(at: Vec2, to_end: bool, scene: &Scene, editor: &mut Editor, planned: &Planned) {
    let Some(strip) = editor.strip().cloned() else {
        return;
    };
    let (Deed::Walk { waypoints, .. } | Deed::Interact { waypoints, .. }) = &strip.deed else {
        return;
    };
    if let Some(t) = on_way(planned, scene.lens, at).filter(|_| !to_end)
        && let Some(way) = &planned.way
        && let Some(place) = way.path.get(t)
    {
        let place = editor.scene.snap.inverted(scene.ctrl).place(*place);
        editor.add_waypoint(way.leg(t), place.into());
        return;
    }
    let Some(sight) = scene.lens.ray(at) else {
        return;
    };
    let place = match scene.walls.seen(editor, &strip, sight) {
        Some(Seen::Surface(place)) if place.z < 0.06 || to_end => place,
        Some(Seen::Surface(_)) => {
            editor.complain(&"waypoints lie on the floor; click beside what stands there");
            return;
        }
        Some(Seen::Side(name)) => {
            editor.complain(&format!("that is the {name}; click the floor"));
            return;
        }
        None => return,
    };
    let ground = editor.scene.snap.inverted(scene.ctrl).place(place.xy());
    let index = waypoints.len();
    let (handle, height) = if to_end {
        (Handle::End, Some(place.z))
    } else {
        (Handle::Waypoint(index), None)
    };
    let last = planned.way.as_ref().map_or(0, |way| way.path.len() / 2);
    let turn = planned.spot(Handle::End).and_then(|end| end.angle);
    let thing = strip.object().and_then(|id| editor.library().thing(id));
    let hull = thing.and_then(|thing| ObstacleShape::hull(&thing.geometry).ok());
    let test = Test {
        strip: &strip,
        handle,
        frame: last,
        hull: hull.as_ref(),
        way: planned.way.as_ref(),
    };
    let angle = turn.map_or(0.0, |t| t.0);
    if let Some(why) = test.refuse(editor, scene.walls, ground, height, angle) {
        editor.complain(&why);
        return;
    }
    if to_end {
        editor.edit("Move end", |p| {
            edit::put(p, strip.id, Handle::End, ground, height);
            Ok(())
        });
        editor.scene.picked = Some((strip.id, Handle::End));
    } else {
        editor.add_waypoint(index, ground.into());
    }
}

/// Brings a handle to where the pointer is, or as near as it can be; why it cannot, if so.
fn drag(held: &Held, pointer: Vec2, scene: &Scene, editor: &mut Editor) -> Option<String> {
    let Held { grip, offset } = held;
    let strip = editor.project().strip(grip.strip)?.clone();
    let snap = editor.scene.snap.inverted(scene.ctrl);
    let at = pointer - *offset;
    let spot = &grip.spot;
    let to = match grip.part {
        Part::Floor => {
            let sight = scene.lens.ray(at)?;
            let carried = (grip.stands() && snap.surface)
                .then(|| scene.walls.seen(editor, &strip, sight))
                .and_then(|seen| match seen {
                    Some(Seen::Surface(at)) => Some(at),
                    _ => None,
                });
            let place = carried.or_else(|| sight.level(spot.at.z))?;
            let height = grip.stands().then_some(place.z);
            To::Place(snap.place(place.xy()), height)
        }
        Part::Height => {
            let peak = spot.peak()?;
            let across = scene.lens.ahead();
            let seen = scene.lens.ray(at)?.height(peak, across)?;
            let height = grip.height(snap.height(seen - spot.top?), scene.walls, editor);
            To::Place(spot.at.xy(), Some(height))
        }
        Part::Turn => {
            let place = scene.lens.ray(at)?.level(spot.at.z)?;
            let way = (place - spot.at).xy();
            if way.norm() < 1e-3 {
                return None;
            }
            To::Turn(snap.turn(way.y.atan2(way.x).to_degrees()))
        }
        Part::Time => {
            let (t, _) = nearest(grip.way.as_ref()?, scene.lens, at)?;
            To::Time(t as f32 / FPS)
        }
    };
    grip.bring(to, scene.walls, editor)
}
