//! What of the selected strip can be taken hold of.

use chois::project::{Deed, Project};
use chois::scene::rotation;
use nalgebra::Vector3;

use super::way::Way;
use crate::editor::session::Editor;

/// Radius of the ring about a person, metres.
const PERSON_RING: f32 = 0.32;
/// Room between an object and its ring, metres.
const RING_ROOM: f32 = 0.1;
/// How far over an object the knob for its height is, metres.
const OVER: f32 = 0.14;

/// A place of the selected strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handle {
    /// Where the person stands before the track's first strip.
    Person,
    /// Where the object is before anybody moves it.
    Object,
    /// A place on the way, by its number from 0.
    Waypoint(usize),
    /// Where it ends.
    End,
}

/// What of it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Its place, over the floor.
    Floor,
    /// Its height.
    Height,
    /// How it is turned.
    Turn,
    /// When it is passed.
    Time,
}

/// A place that can be taken. Metres, Z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub handle: Handle,
    pub at: Vector3<f32>,
    /// Direction it is turned in, radians from +x, and whether the strip says so; none where it cannot be.
    pub angle: Option<(f32, bool)>,
    /// Radius of its ring, metres.
    pub ring: f32,
    /// How far over it the knob for its height is, metres; none where it stays on the floor.
    pub top: Option<f32>,
    /// When it is passed, seconds of the strip, and whether the strip says so.
    pub time: Option<(f32, bool)>,
}

impl Spot {
    fn on_floor(handle: Handle, at: [f32; 2]) -> Self {
        Self {
            handle,
            at: Vector3::new(at[0], at[1], 0.0),
            angle: None,
            ring: 0.0,
            top: None,
            time: None,
        }
    }

    /// Where the knob of its ring is.
    pub fn knob(&self) -> Option<Vector3<f32>> {
        let (angle, _) = self.angle?;
        Some(self.at + Vector3::new(angle.cos(), angle.sin(), 0.0) * self.ring)
    }

    /// Where the knob for its height is.
    pub fn peak(&self) -> Option<Vector3<f32>> {
        Some(self.at + Vector3::z() * self.top?)
    }

    /// Its parts, those that are taken before others first.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let parts = [
            self.angle.map(|_| Part::Turn),
            self.top.map(|_| Part::Height),
            self.time.map(|_| Part::Time),
            Some(Part::Floor),
        ];
        parts.into_iter().flatten()
    }
}

/// All that can be taken of the selected strip.
pub(super) fn spots(editor: &Editor, way: Option<&Way>) -> Vec<Spot> {
    let mut spots = Vec::new();
    let Some(strip) = editor.strip() else {
        return spots;
    };
    let project: &Project = editor.project();
    if let Some(track) = project.track_of(strip.id)
        && project.before(strip.id).is_none()
    {
        let person = project.tracks[track].person;
        spots.push(Spot {
            angle: Some((person.facing.to_radians(), true)),
            ring: PERSON_RING,
            ..Spot::on_floor(Handle::Person, person.position)
        });
    }
    // An object that stands there turned.
    let thing = |handle, at: [f32; 3], yaw: f32, told, still: &chois::request::ObjectPlace| {
        let thing = editor.library().thing(strip.object()?)?;
        let turn = rotation(&chois::request::ObjectPlace { yaw, ..*still });
        let (mut reach, mut low, mut high) = (0.0_f32, f32::INFINITY, f32::NEG_INFINITY);
        for v in thing.geometry.vertices() {
            let v = turn * v;
            reach = reach.max(v.xy().norm());
            (low, high) = (low.min(v.z), high.max(v.z));
        }
        Some(Spot {
            handle,
            at: Vector3::from(at),
            angle: Some((yaw.to_radians(), told)),
            ring: reach + RING_ROOM,
            top: Some((high - low).max(0.0) + OVER),
            time: None,
        })
    };
    let start = way.and_then(|way| way.start);
    if let Deed::Interact { object, .. } = &strip.deed
        && project.mover(*object, strip.start).is_none()
        && let Some(place) = project.object(*object).map(|o| o.place)
    {
        spots.extend(thing(
            Handle::Object,
            place.position,
            place.yaw,
            true,
            &place,
        ));
    }
    let waypoints = match &strip.deed {
        Deed::Walk { waypoints, .. } | Deed::Interact { waypoints, .. } => &waypoints[..],
        Deed::Idle => &[],
    };
    for (i, waypoint) in waypoints.iter().enumerate() {
        let planned = way.and_then(|way| way.passes(i)).map(|t| (t, false));
        spots.push(Spot {
            time: waypoint.time.map(|t| (t, true)).or(planned),
            ..Spot::on_floor(Handle::Waypoint(i), waypoint.at)
        });
    }
    match &strip.deed {
        Deed::Walk { end, facing, .. } => {
            let arrives = way.and_then(Way::arrives);
            let angle = facing.map(|f| (f.to_radians(), true));
            spots.push(Spot {
                angle: angle.or(arrives.map(|a| (a, false))),
                ring: PERSON_RING,
                ..Spot::on_floor(Handle::End, *end)
            });
        }
        Deed::Interact { end, turn, .. } => {
            let start = start.unwrap_or_default();
            let last = waypoints
                .last()
                .map(|w| [w.at[0], w.at[1], start.position[2]]);
            let at = end.or(last).unwrap_or(start.position);
            let yaw = turn.map_or((start.yaw, false), |t| (t.yaw, true));
            spots.extend(thing(Handle::End, at, yaw.0, yaw.1, &start));
        }
        Deed::Idle => {}
    }
    spots
}
