//! The pointer over the scene: what it is over, clicks, and drags.

use bevy::ecs::prelude::*;
use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::math::Vec2;
use bevy::picking::pointer::{PointerAction, PointerButton, PointerInput};
use bevy_egui::{EguiContext, egui};
use chois::contact::ObstacleShape;
use chois::motion::FPS;
use chois::project::{Deed, Project, Strip, StripId};
use chois::request::ObjectPlace;
use chois::scene::rotation;
use nalgebra::{Vector2, Vector3};

use super::edit;
use super::handles::{Handle, Part, Spot};
use super::lens::{Cameras, Lens};
use super::walls::{Seen, Walls};
use super::way::{Planned, Way};
use crate::editor::session::Editor;

/// A press that moves less is a click, logical pixels.
const STILL: f32 = 4.0;
/// So near a knob counts as on it, logical pixels.
const NEAR: f32 = 12.0;
/// The same of the way.
const NEAR_WAY: f32 = 8.0;
/// Where the time of a waypoint is written, seen from its place, logical pixels.
pub(super) const TIME_AT: Vec2 = Vec2::new(26.0, -18.0);
/// Highest and lowest that an object can be asked to be, metres: what requests take.
const HEIGHTS: [f32; 2] = [0.0, 2.5];
/// A height so near to what carries things is that, metres.
const MAGNET: f32 = 0.04;

/// Knobs that can be taken: where they are seen, logical pixels. For scripts and tests.
#[derive(Resource, Clone, Debug, Default)]
pub struct SceneKnobs(pub Vec<(Handle, Part, Vec2)>);

impl SceneKnobs {
    /// Where a knob is seen.
    pub fn at(&self, handle: Handle, part: Part) -> Option<Vec2> {
        let found = self.0.iter().find(|k| (k.0, k.1) == (handle, part));
        found.map(|k| k.2)
    }

    fn lay(&mut self, planned: &Planned, lens: &Lens) {
        self.0.clear();
        for spot in &planned.spots {
            for part in spot.parts() {
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
    grip: Option<Grip>,
}

/// A handle that is dragged, and how all was when it was taken.
struct Grip {
    strip: StripId,
    spot: Spot,
    part: Part,
    /// From the place that is meant to the pointer, logical pixels.
    offset: Vec2,
    before: Project,
    way: Option<Way>,
    /// The object's hull, where it is the object that is moved.
    hull: Option<ObstacleShape>,
}

impl ScenePointer {
    /// Whether the pointer drags a handle or is over one: a press is the editor's.
    pub fn is_busy(&self) -> bool {
        let grips = self.press.as_ref().is_some_and(|p| p.grip.is_some());
        grips || matches!(self.over, Some(Over::Knob(..)))
    }

    /// What it is over.
    pub(super) fn over(&self) -> Option<Over> {
        self.over
    }

    /// What it drags.
    pub(super) fn drags(&self) -> Option<(Handle, Part)> {
        let press = self.press.as_ref().filter(|p| p.moved)?;
        press.grip.as_ref().map(|g| (g.spot.handle, g.part))
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
    knobs.lay(&planned, &lens);
    let pointer = &mut *pointer;
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
                if let (true, Some(grip)) = (press.moved, &press.grip) {
                    pointer.trouble = drag(grip, at, &scene, &mut editor);
                    planned.follow(&editor);
                    knobs.lay(&planned, &lens);
                }
            }
            PointerAction::Press(PointerButton::Primary) => {
                pointer.cursor = Some(at);
                if !is_ours(&editor, &panels, &lens, at) {
                    // Whoever goes on in the panel means the strip.
                    if editor.scene.picked.is_some() {
                        editor.scene.picked = None;
                    }
                    continue;
                }
                let taken = knobs.under(at);
                let grip = taken.and_then(|taken| take(taken, at, &editor, &planned, &knobs));
                if let Some(grip) = &grip {
                    editor.settle();
                    editor.scene.picked = Some((grip.strip, grip.spot.handle));
                }
                pointer.press = Some(Press {
                    at,
                    moved: false,
                    grip,
                });
            }
            PointerAction::Release(PointerButton::Primary) => {
                let Some(press) = pointer.press.take() else {
                    continue;
                };
                match press.grip {
                    Some(_) => {
                        editor.settle();
                        pointer.trouble = None;
                    }
                    None if !press.moved => click(press.at, shift, &scene, &mut editor, &planned),
                    None => {}
                }
                planned.follow(&editor);
                knobs.lay(&planned, &lens);
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
        pointer.over = over;
    }
}

/// Puts back what was dragged.
fn give_up(pointer: &mut ScenePointer, editor: &mut Editor) {
    let Some(press) = pointer.press.take() else {
        return;
    };
    pointer.trouble = None;
    if let Some(grip) = press.grip.filter(|_| press.moved) {
        let key = grip.key();
        editor.drag(&key, "Drag", |p| {
            *p = grip.before;
            Ok(())
        });
        editor.settle();
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
) -> Option<Grip> {
    let strip = editor.strip()?;
    let moves_thing = match handle {
        Handle::Object => true,
        Handle::Waypoint(_) | Handle::End => strip.object().is_some(),
        Handle::Person => false,
    };
    let thing = strip.object().and_then(|id| editor.library().thing(id));
    let hull = thing.filter(|_| moves_thing);
    // A time is written beside the place that is meant.
    let shift = if part == Part::Time {
        TIME_AT
    } else {
        Vec2::ZERO
    };
    Some(Grip {
        strip: strip.id,
        spot: planned.spot(handle)?,
        part,
        offset: at - knobs.at(handle, part)? + shift,
        before: editor.project().clone(),
        way: planned.way.clone(),
        hull: hull.and_then(|thing| ObstacleShape::hull(&thing.geometry).ok()),
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

/// Whether a handle may be somewhere.
struct Test<'a> {
    strip: &'a Strip,
    handle: Handle,
    /// When the object is there.
    frame: usize,
    /// The object's hull, where it is an object that is there.
    hull: Option<&'a ObstacleShape>,
    way: Option<&'a Way>,
}

impl Test<'_> {
    /// Why it may not.
    fn refuse(
        &self,
        editor: &Editor,
        walls: &Walls,
        at: Vector2<f32>,
        height: Option<f32>,
        angle: f32,
    ) -> Option<String> {
        let thing = self
            .strip
            .object()
            .and_then(|id| editor.library().thing(id));
        let (Some(hull), Some(thing)) = (self.hull, thing) else {
            return walls.refuse_person(editor, self.strip, at);
        };
        let start = self.way.and_then(|way| way.start).unwrap_or_default();
        let (height, yaw) = match self.handle {
            // As high as it is carried there, turned as it began.
            Handle::Waypoint(_) => {
                let heights = self.way.and_then(|way| way.heights.as_ref());
                let carried = heights.and_then(|h| h.get(self.frame).copied());
                (carried.unwrap_or(0.0), start.yaw)
            }
            _ => (height.unwrap_or(0.0), angle.to_degrees()),
        };
        let turn = rotation(&ObjectPlace { yaw, ..start });
        let center = Vector3::new(at.x, at.y, height - thing.geometry.lowest(&turn));
        walls.refuse_thing(editor, self.strip, hull, center, turn)
    }
}

impl Grip {
    /// What its edits are one step by.
    fn key(&self) -> String {
        format!(
            "scene {} {:?} {:?}",
            self.strip.0, self.spot.handle, self.part
        )
    }

    fn test<'a>(&'a self, strip: &'a Strip) -> Test<'a> {
        let frame = self.spot.time.map_or(0, |(t, _)| (t * FPS) as usize);
        Test {
            strip,
            handle: self.spot.handle,
            frame,
            hull: self.hull.as_ref(),
            way: self.way.as_ref(),
        }
    }
}

/// Brings a handle to where the pointer is, or as near as it can be; why it cannot, if so.
fn drag(grip: &Grip, pointer: Vec2, scene: &Scene, editor: &mut Editor) -> Option<String> {
    let strip = editor.project().strip(grip.strip)?.clone();
    let snap = editor.scene.snap.inverted(scene.ctrl);
    let at = pointer - grip.offset;
    let spot = &grip.spot;
    let (id, handle) = (grip.strip, spot.handle);
    let angle = spot.angle.map_or(0.0, |a| a.0);
    let refuse = |editor: &Editor, at, height, angle| {
        grip.test(&strip)
            .refuse(editor, scene.walls, at, height, angle)
    };
    let (label, change): (_, Box<dyn FnOnce(&mut Project)>) = match grip.part {
        Part::Floor => {
            let sight = scene.lens.ray(at)?;
            let stands = grip.hull.is_some() && !matches!(handle, Handle::Waypoint(_));
            let carried = (stands && snap.surface)
                .then(|| scene.walls.seen(editor, &strip, sight))
                .and_then(|seen| match seen {
                    Some(Seen::Surface(at)) => Some(at),
                    _ => None,
                });
            let place = carried.or_else(|| sight.level(spot.at.z))?;
            let height = stands.then(|| place.z.clamp(HEIGHTS[0], HEIGHTS[1]));
            let ground = snap.place(place.xy());
            if let Some(why) = refuse(editor, ground, height, angle) {
                editor.complain(&why);
                return Some(why);
            }
            let label = match handle {
                Handle::Person => "Move person",
                Handle::Object => "Move object",
                Handle::Waypoint(_) => "Move waypoint",
                Handle::End => "Move end",
            };
            (
                label,
                Box::new(move |p| edit::put(p, id, handle, ground, height)),
            )
        }
        Part::Height => {
            let peak = spot.peak()?;
            let across = scene.lens.ahead();
            let seen = scene.lens.ray(at)?.height(peak, across)?;
            let wanted = snap.height(seen - spot.top?).clamp(HEIGHTS[0], HEIGHTS[1]);
            let over = Vector3::new(spot.at.x, spot.at.y, wanted);
            let rest = scene.walls.rest(editor, &strip, over);
            let height = if (wanted - rest).abs() < MAGNET {
                rest
            } else {
                wanted
            };
            let ground = spot.at.xy();
            if let Some(why) = refuse(editor, ground, Some(height), angle) {
                editor.complain(&why);
                return Some(why);
            }
            (
                "Raise",
                Box::new(move |p| edit::put(p, id, handle, ground, Some(height))),
            )
        }
        Part::Turn => {
            let place = scene.lens.ray(at)?.level(spot.at.z)?;
            let way = (place - spot.at).xy();
            if way.norm() < 1e-3 {
                return None;
            }
            let degrees = snap.turn(way.y.atan2(way.x).to_degrees());
            let ground = spot.at.xy();
            if grip.hull.is_some()
                && let Some(why) = refuse(editor, ground, Some(spot.at.z), degrees.to_radians())
            {
                editor.complain(&why);
                return Some(why);
            }
            (
                "Turn",
                Box::new(move |p| edit::turn(p, id, handle, degrees)),
            )
        }
        Part::Time => {
            let way = grip.way.clone()?;
            let Handle::Waypoint(i) = handle else {
                return None;
            };
            let (t, _) = nearest(&way, scene.lens, at)?;
            (
                "Time waypoint",
                Box::new(move |p| edit::pass(p, id, i, t as f32 / FPS, Some(&way))),
            )
        }
    };
    editor.drag(&grip.key(), label, |p| {
        change(p);
        Ok(())
    });
    None
}
