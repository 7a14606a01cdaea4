//! Where a strip that is generated again has to end: the strip after it goes on from there.

use nalgebra::{Isometry3, Translation3};

use super::check::SAME_TIME;
use super::document::{Deed, Project, Strip, StripId};
use super::library::Library;
use super::stale::{self, State};
use super::task::stands;
use crate::motion::Frame;
use crate::motion::lock::{LockedKey, MAX_KEYS, Part};
use crate::scene::place_of;

/// A take ends as its strip asks within so many metres and degrees.
const ENDS_AT: (f32, f32) = (0.1, 15.0);

impl Project {
    /// The strip after another on its track.
    pub fn after(&self, strip: StripId) -> Option<&Strip> {
        let track = &self.tracks[self.track_of(strip)?];
        let own = track.strips.iter().find(|s| s.id == strip)?;
        let later = (track.strips.iter()).filter(|s| s.id != strip && s.start > own.start);
        later
            .min_by(|a, b| a.start.total_cmp(&b.start))
            .map(|s| &**s)
    }

    /// How a strip has to end when it is generated again: as the take that it shows, where the strip after it goes on from
    /// there and is up to date. None where none does, or where the strip is asked to end elsewhere, or to take longer.
    pub fn kept_end(&self, library: &Library, strip: StripId) -> Option<LockedKey> {
        let strip = self.strip(strip)?;
        let clip = library.shown(strip)?;
        let next = self.after(strip.id)?;
        if stale::state(self, library, next) != State::Fresh
            || (clip.seconds() - strip.seconds).abs() > SAME_TIME
            || strip.keys.len() >= MAX_KEYS
            || !self.ends_as_asked(library, strip, [clip.frames.first()?, clip.frames.last()?])
        {
            return None;
        }
        let at = (clip.frames.len() - 1) as f32 / clip.fps;
        let mut parts = vec![Part::Body];
        parts.extend(strip.object().map(|_| Part::Object));
        let key = LockedKey::of(&clip, at, parts)?;
        let locked = strip.keys.iter().any(|own| own.frame() == key.frame());
        (!locked && key.frame() > 0).then_some(key)
    }

    /// Whether a take with these first and last frames ends where its strip is to end.
    fn ends_as_asked(&self, library: &Library, strip: &Strip, [first, last]: [&Frame; 2]) -> bool {
        let near = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < ENDS_AT.0;
        let turned = |a: f32, b: f32, alike: u32| {
            let off = (a - b).rem_euclid(360.0 / alike.max(1) as f32);
            off.min(360.0 / alike.max(1) as f32 - off) < ENDS_AT.1
        };
        match &strip.deed {
            Deed::Idle => true,
            Deed::Walk { end, facing, .. } => {
                let person = stands(&last.pose);
                near(*end, person.position)
                    && facing.is_none_or(|facing| turned(facing, person.facing, 1))
            }
            Deed::Interact {
                object, end, turn, ..
            } => {
                let place = |frame: &Frame| {
                    let at = Translation3::from(frame.object_position);
                    let origin = Isometry3::from_parts(at, frame.object_rotation);
                    place_of(&library.thing(*object)?.geometry, &origin)
                };
                let places = place(first).zip(place(last));
                places.is_some_and(|(start, place)| {
                    end.is_none_or(|end| {
                        near([end[0], end[1]], [place.position[0], place.position[1]])
                            && (end[2] - place.position[2]).abs() < ENDS_AT.0
                    }) && turn.is_none_or(|turn| {
                        // What leans has its turn in its rotation, not in a yaw.
                        let by = super::cut::turned(&start, &place);
                        turned(turn.yaw - start.yaw, by, turn.alike)
                    })
                })
            }
        }
    }
}
