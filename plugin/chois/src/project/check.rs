//! What a project may say. The first thing that is wrong is told in one sentence that names the field and the remedy.

use std::collections::HashSet;
use std::path::Path;

use super::document::{Deed, Edit, ObjectId, Project, Strip, TakeId, Track, VERSION};
use crate::error::{Error, Result};
use crate::motion::FPS;
use crate::request::{InteractionRequest, PersonPlace, WalkRequest, check_locks};

/// Numbers of objects, strips and takes are below.
pub(super) const MOST_IDS: u64 = 1 << 53;
/// Most tracks, objects, strips of a track, takes of a strip, edits of a take, and keys of an edit.
const MOST_TRACKS: usize = 64;
const MOST_OBJECTS: usize = 512;
const MOST_STRIPS: usize = 1000;
const MOST_TAKES: usize = 1000;
const MOST_EDITS: usize = 256;
const MOST_KEYS: usize = 10_000;
/// Longest project, seconds.
pub const LONGEST: f32 = 36_000.0;
/// Longest name, characters.
const MOST_NAME: usize = 200;
/// Strips that overlap by less than this do not, seconds: rounding.
pub(super) const SAME_TIME: f32 = 1e-3;

fn bad<T>(field: impl Into<String>, reason: impl std::fmt::Display) -> Result<T> {
    Err(Error::invalid(field, reason))
}

fn few(field: &str, count: usize, most: usize) -> Result<()> {
    if count > most {
        return bad(field, format!("{count} of them; {most} are the limit"));
    }
    Ok(())
}

/// Puts where it is before the field of an error.
fn within<T>(place: &str, result: Result<T>) -> Result<T> {
    result.map_err(|e| match e {
        Error::Invalid { field, reason } => Error::Invalid {
            field: format!("{place}.{field}"),
            reason,
        },
        other => other,
    })
}

impl Project {
    /// Refuses what cannot be shown or generated.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first field that is wrong.
    pub fn validate(&self) -> Result<()> {
        if self.version != VERSION {
            return bad(
                "version",
                format!(
                    "{} is not {VERSION}; open the file with a program of its version",
                    self.version
                ),
            );
        }
        if self.next > MOST_IDS {
            return bad(
                "next",
                format!("{} is above {MOST_IDS}; lower it", self.next),
            );
        }
        few("tracks", self.tracks.len(), MOST_TRACKS)?;
        few("objects", self.objects.len(), MOST_OBJECTS)?;
        for (field, path) in [
            ("takes", self.takes.as_deref()),
            ("room.file", self.room.as_ref().map(|r| &*r.file)),
        ] {
            if let Some(path) = path {
                check_path(field, path)?;
            }
        }
        let mut ids = HashSet::new();
        let mut own = |field: String, id: u64| {
            if id >= self.next {
                return bad(
                    field,
                    format!("{id} is not below next, which is {}; raise next", self.next),
                );
            }
            if !ids.insert(id) {
                return bad(
                    field,
                    format!(
                        "{id} is there twice; give each object, strip and take a number of its own"
                    ),
                );
            }
            Ok(())
        };
        for (i, object) in self.objects.iter().enumerate() {
            let field = format!("objects[{i}]");
            own(format!("{field}.id"), object.id.0)?;
            check_name(&format!("{field}.name"), &object.name)?;
            check_path(&format!("{field}.file"), &object.file)?;
            // The request's own checks, for the same fields.
            let mut request = InteractionRequest::new("Move it.");
            request.start = object.place;
            within(&field, request.validate()).map_err(|e| rename(e, "start", "place"))?;
            within(&field, object.contact.grip.validate())?;
            within(&field, object.contact.physics().validate())?;
        }
        for (k, track) in self.tracks.iter().enumerate() {
            let place = format!("tracks[{k}]");
            self.check_track(&place, track)?;
            for (i, strip) in track.strips.iter().enumerate() {
                let place = format!("{place}.strips[{i}]");
                own(format!("{place}.id"), strip.id.0)?;
                for (t, take) in strip.takes.iter().enumerate() {
                    own(format!("{place}.takes[{t}].id"), take.id.0)?;
                }
                self.check_strip(&place, strip)?;
            }
        }
        self.check_times()
    }

    fn check_track(&self, place: &str, track: &Track) -> Result<()> {
        check_name(&format!("{place}.name"), &track.name)?;
        if let Some(path) = &track.avatar {
            check_path(&format!("{place}.avatar"), path)?;
        }
        let mut standing = WalkRequest::to([0.0; 2]);
        standing.person = track.person;
        within(place, standing.validate())?;
        few(&format!("{place}.strips"), track.strips.len(), MOST_STRIPS)
    }

    fn check_strip(&self, place: &str, strip: &Strip) -> Result<()> {
        if !(0.0..=LONGEST).contains(&strip.start) {
            return bad(
                format!("{place}.start"),
                format!("{} s is not between 0 and {LONGEST}", strip.start),
            );
        }
        if let Deed::Interact { object, .. } = &strip.deed
            && self.object(*object).is_none()
        {
            return bad(
                format!("{place}.deed.object"),
                format!(
                    "{} is none of the objects; add it, or choose one that is there",
                    object.0
                ),
            );
        }
        within(place, strip.walk(PersonPlace::default()).validate())
            .and_then(|()| within(place, strip.interaction().map_or(Ok(()), |r| r.validate())))?;
        few(&format!("{place}.takes"), strip.takes.len(), MOST_TAKES)?;
        if let Some(shown) = strip.shown
            && strip.take(shown).is_none()
        {
            return bad(
                format!("{place}.shown"),
                format!(
                    "{} is none of the strip's takes; choose one of them",
                    shown.0
                ),
            );
        }
        for (t, take) in strip.takes.iter().enumerate() {
            let place = format!("{place}.takes[{t}]");
            few(&format!("{place}.edits"), take.edits.len(), MOST_EDITS)?;
            for (e, edit) in take.edits.iter().enumerate() {
                check_edit(&format!("{place}.edits[{e}]"), edit, strip, take.id)?;
            }
        }
        Ok(())
    }

    /// No two strips of a person at one time, nor two that move the same object.
    fn check_times(&self) -> Result<()> {
        let all = self.strips();
        for (i, (k, a)) in all.iter().enumerate() {
            for (l, b) in &all[i + 1..] {
                if b.start > a.end() - SAME_TIME {
                    break;
                }
                let both = format!("strips {} and {}", a.id.0, b.id.0);
                let times = format!(
                    "the first ends at {:.2} s, the second begins at {:.2} s",
                    a.end(),
                    b.start
                );
                if k == l {
                    return bad(
                        format!("tracks[{k}]"),
                        format!("{both} overlap: {times}; move one of them"),
                    );
                }
                if a.object().is_some() && a.object() == b.object() {
                    return bad(
                        format!("tracks[{l}]"),
                        format!("{both} move one object at one time: {times}; move one of them"),
                    );
                }
            }
        }
        Ok(())
    }
}

fn rename(error: Error, from: &str, to: &str) -> Error {
    match error {
        Error::Invalid { field, reason } => Error::Invalid {
            field: field.replace(from, to),
            reason,
        },
        other => other,
    }
}

fn check_name(field: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return bad(field, "is empty; give it a name");
    }
    if name.chars().count() > MOST_NAME {
        return bad(
            field,
            format!("is longer than {MOST_NAME} characters; shorten it"),
        );
    }
    Ok(())
}

fn check_path(field: &str, path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        return bad(
            field,
            "is empty; name a file, relative to the project's folder",
        );
    }
    Ok(())
}

fn check_edit(place: &str, edit: &Edit, strip: &Strip, own: TakeId) -> Result<()> {
    let time = |name: &str, value: f32| {
        if (0.0..=LONGEST).contains(&value) {
            return Ok(());
        }
        bad(
            format!("{place}.{name}"),
            format!("{value} s is not between 0 and {LONGEST}"),
        )
    };
    match edit {
        Edit::Trim { from, to } => {
            time("from", *from)?;
            time("to", *to)?;
            if to - from < 2.0 / FPS {
                return bad(
                    format!("{place}.to"),
                    "leaves less than two frames; move it away from the start",
                );
            }
        }
        Edit::Warp { keys } => {
            few(&format!("{place}.keys"), keys.len(), MOST_KEYS)?;
            within(place, crate::motion::edit::check_keys(keys))?;
        }
        Edit::Loop { seconds, .. } => time("seconds", *seconds)?,
        Edit::Blend { with, share } => {
            // Older ones only, so that no take hangs on itself.
            if strip.take(*with).is_none() || *with >= own {
                return bad(
                    format!("{place}.with"),
                    format!(
                        "{} is no older take of the strip; choose one that is",
                        with.0
                    ),
                );
            }
            if !(0.0..=1.0).contains(share) {
                return bad(
                    format!("{place}.share"),
                    format!("{share} is not between 0 and 1"),
                );
            }
        }
        Edit::Contact { left, right, keys } => {
            within(place, check_locks(keys, usize::MAX, true))?;
            for (hand, stretches) in [("left", left), ("right", right)] {
                few(&format!("{place}.{hand}"), stretches.len(), MOST_KEYS)?;
                for (i, [from, to]) in stretches.iter().enumerate() {
                    time(&format!("{hand}[{i}]"), *from)?;
                    time(&format!("{hand}[{i}]"), *to)?;
                    if from >= to {
                        return bad(
                            format!("{place}.{hand}[{i}]"),
                            format!("{from} s is not before {to} s; put the earlier time first"),
                        );
                    }
                }
            }
        }
        Edit::Joint(touch_up) => within(place, touch_up.validate())?,
        Edit::Path { keys } => {
            few(&format!("{place}.keys"), keys.len(), MOST_KEYS)?;
            within(place, crate::motion::edit::check_path(keys))?;
        }
    }
    Ok(())
}

impl ObjectId {
    /// The name that messages use.
    pub(super) fn describe(self, project: &Project) -> String {
        project.object(self).map_or_else(
            || format!("object {}", self.0),
            |o| format!("object {:?}", o.name),
        )
    }
}
