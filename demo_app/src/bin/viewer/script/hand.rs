//! The pointer of a script: it goes where handles are seen, presses and lets go.

use bevy::camera::RenderTarget;
use bevy::math::Vec2;
use bevy::picking::pointer::{Location, PointerAction, PointerButton, PointerId, PointerInput};
use bevy::prelude::*;
use bevy_chois::editor::{Handle as Grip, Part, SceneKnobs};
use serde::Deserialize;

use crate::eye::Eye;

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

/// Takes a handle and brings it to where the eye sees a place of the room.
pub fn grab(world: &mut World, knob: Knob, by: By, place: Vec3) -> Result<(), String> {
    let handle = match knob {
        Knob::Person => Grip::Person,
        Knob::Object => Grip::Object,
        Knob::Waypoint(number) => Grip::Waypoint(number.saturating_sub(1)),
        Knob::End => Grip::End,
    };
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
