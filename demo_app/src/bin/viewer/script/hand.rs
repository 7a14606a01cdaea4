//! The pointer of a script: it goes where handles are seen, presses and lets go.

use bevy::camera::RenderTarget;
use bevy::gizmos::transform_gizmo::{
    TransformGizmoFocus, TransformGizmoSettings, TransformGizmoSpace,
};
use bevy::input::ButtonState;
use bevy::input::mouse::MouseButtonInput;
use bevy::math::Vec2;
use bevy::picking::pointer::{Location, PointerAction, PointerButton, PointerId, PointerInput};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_chois::editor::{Handle as Grip, Part, SceneKnobs};
use serde::Deserialize;

use crate::eye::Eye;

/// A knob is taken from nearer than this, logical pixels.
const CLEAR: f32 = 14.0;
/// Steps of a drag.
const STEPS: usize = 8;

/// A place of the selected strip that can be taken; waypoints count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Knob {
    /// Where the person stands at first.
    Person,
    /// Where the object is at first.
    Object,
    /// A place on the way.
    Waypoint(usize),
    /// Where it ends.
    End,
}

impl Knob {
    fn grip(self) -> Grip {
        match self {
            Self::Person => Grip::Person,
            Self::Object => Grip::Object,
            Self::Waypoint(number) => Grip::Waypoint(number.saturating_sub(1)),
            Self::End => Grip::End,
        }
    }
}

/// An axis of Bevy's gizmo: Bevy's own, or the joint's that it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Axis {
    /// X.
    X,
    /// Y.
    Y,
    /// Z.
    Z,
}

/// What of it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum By {
    /// Its place, over the floor.
    Floor,
    /// Its height.
    Height,
    /// How it is turned.
    Turn,
    /// When it is passed.
    Time,
}

/// Clicks where the eye sees a place of the room.
pub fn click(world: &mut World, place: Vec3) -> Result<(), String> {
    let at = seen(world, place)?;
    to(world, at)?;
    press(world, at, true)?;
    press(world, at, false)
}

/// Clicks a handle's disc, so that Bevy's gizmo stands on it.
pub fn pick(world: &mut World, knob: Knob) -> Result<(), String> {
    let at = world.resource::<SceneKnobs>().at(knob.grip(), Part::Floor);
    let at = at.ok_or_else(|| format!("there is no {knob:?} to take"))?;
    to(world, at)?;
    press(world, at, true)?;
    press(world, at, false)
}

/// Takes a handle and brings it to where the eye sees a place of the room.
pub fn grab(world: &mut World, knob: Knob, by: By, place: Vec3) -> Result<(), String> {
    let handle = knob.grip();
    let part = match by {
        By::Floor => Part::Floor,
        By::Height => Part::Height,
        By::Turn => Part::Turn,
        By::Time => Part::Time,
    };
    let knobs = world.resource::<SceneKnobs>();
    let from = knobs.at(handle, part);
    let from = from.ok_or_else(|| format!("there is no {by:?} of {knob:?} to take"))?;
    // A time is taken beside the waypoint, and dragged as far as the waypoint would be.
    let beside = knobs.at(handle, Part::Floor).filter(|_| by == By::Time);
    let until = seen(world, place)? + from - beside.unwrap_or(from);
    to(world, from)?;
    press(world, from, true)?;
    for i in 1..=STEPS {
        to(world, from.lerp(until, i as f32 / STEPS as f32))?;
    }
    Ok(())
}

/// Lets go, wherever the pointer is.
pub fn drop(world: &mut World) -> Result<(), String> {
    // The place of a release plays no part.
    press(world, Vec2::ZERO, false)
}

/// A drag of Bevy's gizmo by a mouse over the window. The gizmo looks at the mouse once a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Pull {
    path: Vec<Vec2>,
    frame: usize,
}

impl Pull {
    /// By an arrow, metres.
    pub fn arrow(world: &mut World, axis: Axis, by: f32) -> Result<Self, String> {
        let Stood {
            at, along, scale, ..
        } = stood(world, axis)?;
        // Where no knob lies over it.
        let mut free = None;
        for share in [0.6, 0.9, 0.4] {
            let from = at + along * scale * share;
            let on_screen = seen(world, from)?;
            let knobs = &world.resource::<SceneKnobs>().0;
            if free.is_none() && knobs.iter().all(|k| k.2.distance(on_screen) > CLEAR) {
                free = Some(from);
            }
        }
        let from = free.ok_or("other handles lie over that arrow; move the camera")?;
        let place = |i: usize| from + along * by * i as f32 / STEPS as f32;
        Self::through(world, (0..=STEPS).map(place).collect())
    }

    /// By a ring, degrees about the axis.
    pub fn ring(world: &mut World, axis: Axis, by: f32) -> Result<Self, String> {
        let Stood {
            at,
            along,
            scale,
            eye,
            radius,
        } = stood(world, axis)?;
        // At its side: Bevy takes no part of a ring that is seen much nearer to its middle than the ring is wide.
        let near = along
            .cross(eye - at)
            .normalize_or(along.any_orthonormal_vector());
        let place = |i: usize| {
            let angle = by.to_radians() * i as f32 / STEPS as f32;
            at + Quat::from_axis_angle(along, angle) * near * radius * scale
        };
        Self::through(world, (0..=STEPS).map(place).collect())
    }

    fn through(world: &mut World, places: Vec<Vec3>) -> Result<Self, String> {
        let path: Result<_, String> = places.into_iter().map(|at| seen(world, at)).collect();
        Ok(Self {
            path: path?,
            frame: 0,
        })
    }

    /// Goes on by a frame; whether it is over.
    pub fn go_on(&mut self, world: &mut World) -> Result<bool, String> {
        let last = self.path.len() - 1;
        let frame = self.frame;
        self.frame += 1;
        match frame {
            0 => over(world, self.path[0])?,
            1 => button(world, self.path[0], true)?,
            n if n - 1 <= last => over(world, self.path[n - 1])?,
            n if n - 1 == last + 1 => button(world, self.path[last], false)?,
            // The gizmo lets go, and the editor sees that it has.
            n => return Ok(n > last + 4),
        }
        Ok(false)
    }
}

/// Where the gizmo stands, and one of its axes.
struct Stood {
    at: Vec3,
    along: Vec3,
    /// Length of what is a metre long in the gizmo.
    scale: f32,
    radius: f32,
    eye: Vec3,
}

fn stood(world: &mut World, axis: Axis) -> Result<Stood, String> {
    let mut focus = world.query_filtered::<&GlobalTransform, With<TransformGizmoFocus>>();
    let focus = *focus
        .single(world)
        .map_err(|_| "nothing is taken that the gizmo could stand on; put Pick before it")?;
    let mut eyes = world.query_filtered::<&GlobalTransform, With<Eye>>();
    let eye = eyes.single(world).map_err(|e| e.to_string())?.translation();
    let settings = world.resource::<TransformGizmoSettings>();
    let axis = match axis {
        Axis::X => Vec3::X,
        Axis::Y => Vec3::Y,
        Axis::Z => Vec3::Z,
    };
    let at = focus.translation();
    Ok(Stood {
        at,
        along: match settings.space {
            TransformGizmoSpace::World => axis,
            TransformGizmoSpace::Local => focus.rotation() * axis,
        },
        scale: at.distance(eye) * settings.screen_scale_factor,
        radius: settings.rotate_ring_radius,
        eye,
    })
}

/// The mouse goes there, in the window and over what is drawn.
fn over(world: &mut World, at: Vec2) -> Result<(), String> {
    let mut windows = world.query_filtered::<&mut Window, With<PrimaryWindow>>();
    let mut window = windows.single_mut(world).map_err(|e| e.to_string())?;
    window.set_cursor_position(Some(at));
    to(world, at)
}

fn button(world: &mut World, at: Vec2, down: bool) -> Result<(), String> {
    let mut windows = world.query_filtered::<Entity, With<PrimaryWindow>>();
    let window = windows.single(world).map_err(|e| e.to_string())?;
    world.write_message(MouseButtonInput {
        button: MouseButton::Left,
        state: match down {
            true => ButtonState::Pressed,
            false => ButtonState::Released,
        },
        window,
    });
    press(world, at, down)
}

fn seen(world: &mut World, place: Vec3) -> Result<Vec2, String> {
    let mut eyes = world.query_filtered::<(&Camera, &GlobalTransform), With<Eye>>();
    let (camera, eye) = eyes.single(world).map_err(|e| e.to_string())?;
    let at = camera.world_to_viewport(eye, place).ok();
    let inside = camera.logical_viewport_rect();
    at.filter(|at| inside.is_some_and(|rect| rect.contains(*at)))
        .ok_or_else(|| format!("{place} is not in view; move the camera before it"))
}

fn to(world: &mut World, at: Vec2) -> Result<(), String> {
    tell(world, at, PointerAction::Move { delta: Vec2::ZERO })
}

fn press(world: &mut World, at: Vec2, down: bool) -> Result<(), String> {
    let button = PointerButton::Primary;
    let action = if down {
        PointerAction::Press(button)
    } else {
        PointerAction::Release(button)
    };
    tell(world, at, action)
}

fn tell(world: &mut World, position: Vec2, action: PointerAction) -> Result<(), String> {
    let mut targets = world.query_filtered::<&RenderTarget, With<Eye>>();
    let target = targets.single(world).map_err(|e| e.to_string())?;
    let target = target
        .normalize(None)
        .ok_or("there is nothing to point at")?;
    let location = Location { target, position };
    world.write_message(PointerInput::new(PointerId::Mouse, location, action));
    Ok(())
}
