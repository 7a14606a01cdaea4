//! What is up to date, and what must be generated again.
//!
//! A take remembers a fingerprint of what it was generated from ([`Task::fingerprint`](super::Task::fingerprint)):
//! sentence, path, seed, steps, guidance, object, and how the strip began, which is how the strip before it ended. A strip
//! is up to date while the take it shows has the fingerprint that it would be generated from now, and is as long as the
//! strip.

use super::document::{Project, Strip, StripId};
use super::library::Library;
use super::task::Task;
use crate::error::Result;

/// How far a take may be longer or shorter than its strip, seconds.
const LENGTH: f32 = 0.02;

/// Where a strip stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It shows what it asks for.
    Fresh,
    /// Nothing was generated for it yet.
    New,
    /// It waits for the strip before it.
    Waits,
    /// It shows a take of something else than it asks for now: its words, its path, or its beginning have changed.
    Changed,
    /// The clip of the take that it shows is missing, or cannot be edited so; why.
    Broken(String),
    /// It cannot be generated; why.
    Refused(String),
}

impl State {
    /// Whether it should be generated.
    pub fn is_stale(&self) -> bool {
        matches!(
            self,
            Self::New | Self::Waits | Self::Changed | Self::Broken(_)
        )
    }
}

/// Where a strip stands.
pub fn state(project: &Project, library: &Library, strip: &Strip) -> State {
    let task = match project.task(library, strip.id) {
        Ok(Some(task)) => Ok(task),
        Ok(None) => Err(State::Waits),
        Err(error) => Err(State::Refused(error.to_string())),
    };
    let Some(take) = strip.shown() else {
        return match task {
            Ok(_) => State::New,
            Err(state) => state,
        };
    };
    let Some(clip) = library.clip(take.id) else {
        let missing = || format!("the clip of take {} is missing; generate again", take.id.0);
        return State::Broken(library.fault(take.id).map_or_else(missing, str::to_owned));
    };
    let Some(made) = &take.made else {
        return State::Fresh;
    };
    match task {
        Ok(task) => {
            let long = (clip.seconds() - strip.seconds).abs() < LENGTH;
            if long && *made == task.fingerprint(library.room_digest()) {
                State::Fresh
            } else {
                State::Changed
            }
        }
        Err(state) => state,
    }
}

/// All strips and where they stand, in the order in which they begin.
pub fn states(project: &Project, library: &Library) -> Vec<(StripId, State)> {
    let strips = project.strips().into_iter();
    strips
        .map(|(_, strip)| (strip.id, state(project, library, strip)))
        .collect()
}

/// The first strip of those wanted that must be generated and can be, with its task. Generate it, add its takes, and ask
/// again: the next one goes on from there.
///
/// # Errors
/// Those of [`Project::task`].
pub fn next(
    project: &Project,
    library: &Library,
    wanted: impl Fn(StripId) -> bool,
) -> Result<Option<(StripId, Task)>> {
    for (_, strip) in project.strips() {
        let stale = wanted(strip.id)
            && !matches!(state(project, library, strip), State::Fresh | State::Waits);
        if stale && let Some(task) = project.task(library, strip.id)? {
            return Ok(Some((strip.id, task)));
        }
    }
    Ok(None)
}
