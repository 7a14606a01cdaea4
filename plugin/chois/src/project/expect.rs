//! What a strip will be asked to do, as far as that can be told before the strips ahead of it are generated.

use nalgebra::Vector2;

use super::document::{Deed, ObjectId, Project, Strip, StripId};
use super::library::Library;
use super::task::{Task, stands};
use crate::error::{Error, Result};
use crate::request::{ObjectPlace, PersonPlace};

impl Project {
    /// A strip's task as [`Self::task`] makes it; where the strip waits for others, one that begins where they are told to
    /// end, without a first pose. For showing its way beforehand.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub fn expected(&self, library: &Library, strip: StripId) -> Result<Task> {
        if let Some(task) = self.task(library, strip)? {
            return Ok(task);
        }
        let unknown = || {
            Error::invalid(
                "strip",
                format!("{} is none of the project's; it was removed", strip.0),
            )
        };
        let strip = self.strip(strip).ok_or_else(unknown)?;
        let person = self.expected_person(library, strip).ok_or_else(unknown)?;
        let (Some(mut request), Some(object)) = (strip.interaction(), strip.object()) else {
            return Ok(Task::Walk(Box::new(strip.walk(person))));
        };
        let thing = library.thing(object).ok_or_else(unknown)?;
        request.start = self
            .expected_object(library, object, strip.start)
            .unwrap_or_default();
        request.person = Some(person);
        Ok(Task::Interact(Box::new(request), thing.clone()))
    }

    /// Where a strip's person is expected to stand when it begins.
    pub fn expected_person(&self, library: &Library, strip: &Strip) -> Option<PersonPlace> {
        let track = self.tracks.get(self.track_of(strip.id)?)?;
        let mut before: Vec<&Strip> = (track.strips.iter().map(|s| &**s))
            .filter(|s| s.start < strip.start)
            .collect();
        before.sort_by(|a, b| a.start.total_cmp(&b.start));
        let mut place = track.person;
        for strip in before {
            let last = library.shown(strip).and_then(|c| c.frames.last().copied());
            if let Some(frame) = last {
                place = stands(&frame.pose);
                continue;
            }
            match &strip.deed {
                Deed::Walk {
                    end,
                    facing,
                    waypoints,
                    ..
                } => {
                    let from = waypoints.last().map_or(place.position, |w| w.at);
                    let way = Vector2::from(*end) - Vector2::from(from);
                    let arrives = (way.norm() > 0.01).then(|| way.y.atan2(way.x).to_degrees());
                    place.facing = facing.or(arrives).unwrap_or(place.facing);
                    place.position = *end;
                }
                // Whoever carries something goes as far as it does.
                Deed::Interact { object, .. } => {
                    let at = |time: f32| self.expected_object(library, *object, time);
                    if let (Some(from), Some(to)) = (at(strip.start), at(strip.end())) {
                        for i in 0..2 {
                            place.position[i] += to.position[i] - from.position[i];
                        }
                    }
                }
                Deed::Idle => {}
            }
        }
        Some(place)
    }

    /// Where an object is expected to be once all that moves it before a time, seconds, has been done.
    pub fn expected_object(
        &self,
        library: &Library,
        object: ObjectId,
        before: f32,
    ) -> Option<ObjectPlace> {
        if let Some(known) = self.object_place(library, object, before) {
            return Some(known);
        }
        let mover = self.mover(object, before)?;
        let mut place = self.expected_object(library, object, mover.start)?;
        if let Deed::Interact {
            waypoints,
            end,
            turn,
            ..
        } = &mover.deed
        {
            let last = waypoints
                .last()
                .map(|w| [w.at[0], w.at[1], place.position[2]]);
            place.position = end.or(last).unwrap_or(place.position);
            place.yaw = turn.map_or(place.yaw, |t| t.yaw);
        }
        Some(place)
    }
}
