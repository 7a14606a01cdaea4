//! Scripts: what a user would do, step by step, with nobody at the screen.

mod author;
mod hand;
mod runner;

use std::path::Path;

pub use author::Author;
use chois::contact::material::MASSES;
use chois::request::{MAX_SECONDS, MAX_WAYPOINTS, MIN_SECONDS};
use chois::{Error, Result};
pub use runner::{Runner, run};
use serde::Deserialize;

use crate::catalogue::{Catalogue, names};
use crate::ron_file;
use crate::room::{Kind, PersonPlace, Room, ViewPlace};

/// Most steps of a script.
const MAX_STEPS: usize = 10_000;

/// One step. Places are Bevy's: metres, Y up, the floor at y = 0.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Chooses an avatar by its name.
    Avatar(String),
    /// Chooses an object by its name.
    Object(String),
    /// Puts the person somewhere.
    Person(PersonPlace),
    /// Says what happens. Without it, the object is lifted, moved and put down.
    Text(String),
    /// Where the object passes, x and z; it ends at the last.
    Waypoints(Vec<[f32; 2]>),
    /// Length of what is generated.
    Seconds(f32),
    /// The same seed gives the same clip.
    Seed(u64),
    /// Sampling steps.
    Steps(usize),
    /// Whether guidance is on.
    Guidance(bool),
    /// What objects weigh from now on, kilograms; guessed from their shapes without it.
    Mass(f32),
    /// Generates, and waits for it; the clip then stands at its beginning.
    Generate,
    /// Tells the person to do something, and waits until they begin.
    Say(String),
    /// Waits until what was said is done.
    Done,
    /// Plays until that second of the clip, and pauses.
    Play(f32),
    /// Goes to that second of the clip at once.
    Seek(f32),
    /// Speed of playing, 1 is the clip's own.
    Speed(f32),
    /// Waits that many seconds of the room's time.
    Wait(f32),
    /// Moves the eye.
    Camera(ViewPlace),
    /// Shows something, or hides it.
    Show(Part, bool),
    /// Takes a picture: the name of a file without `.png`.
    Screenshot(String),
    /// A step in the authoring panel.
    Author(Author),
    /// Writes the clip as a `.glb` beside the pictures: the name of a file without `.glb`.
    Save(String),
}

/// What can be shown and hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Part {
    /// The panel.
    Panel,
    /// The authoring panel, in its place.
    Editor,
    /// The person.
    Avatar,
    /// The room's pieces.
    Room,
    /// The waypoints' marks.
    Marks,
    /// Contact heat on object and palms.
    Heat,
    /// The waypoints' ribbon.
    Ribbon,
    /// The clip's ghosts.
    Ghosts,
    /// The ways of who carries a command out, and where things go.
    Plan,
}

/// Reads a script.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] with the line, or with the step that cannot be done.
pub fn read(path: &Path, room: &Room, catalogue: &Catalogue) -> Result<Vec<Step>> {
    let steps: Vec<Step> = ron_file::read(path, "script")?;
    check(&steps, room, catalogue).map_err(|reason| Error::malformed(path, "script", reason))?;
    Ok(steps)
}

/// Refuses before anything is done what cannot be done later.
fn check(steps: &[Step], room: &Room, catalogue: &Catalogue) -> std::result::Result<(), String> {
    if steps.len() > MAX_STEPS {
        return Err(format!("{} steps; {MAX_STEPS} are the limit", steps.len()));
    }
    let things = || room.pieces.iter().filter(|p| p.kind == Kind::Thing);
    let mut generated = false;
    for (i, step) in steps.iter().enumerate() {
        let wrong = |reason: String| Err(format!("step {} ({}): {reason}", i + 1, step.name()));
        let far = |v: &f32| v.is_nan() || v.abs() > 100.0;
        match step {
            Step::Avatar(name) if catalogue.avatar(name).is_none() => {
                let known = names(&catalogue.avatars);
                return wrong(format!("there is no avatar {name:?}; there are {known}"));
            }
            Step::Object(name)
                if catalogue.object(name).is_none() && !things().any(|p| p.name == *name) =>
            {
                let known: Vec<_> = things().map(|p| format!("{:?}", p.name)).collect();
                return wrong(format!(
                    "there is no object {name:?}; in the room are {}, and there are {}",
                    known.join(", "),
                    names(&catalogue.objects)
                ));
            }
            Step::Waypoints(places) if places.len() > MAX_WAYPOINTS => {
                return wrong(format!(
                    "{} places; {MAX_WAYPOINTS} are the limit",
                    places.len()
                ));
            }
            Step::Waypoints(places) if places.iter().flatten().any(far) => {
                return wrong("a place is farther than 100 m".into());
            }
            Step::Person(place) if place.at.iter().any(far) || !place.facing.is_finite() => {
                return wrong("the place is farther than 100 m".into());
            }
            Step::Camera(view) if !view.is_usable() => {
                return wrong("from and at must be two places within 100 m".into());
            }
            Step::Seconds(s) if !(MIN_SECONDS..=MAX_SECONDS).contains(s) => {
                return wrong(format!(
                    "{s} is not between {MIN_SECONDS} and {MAX_SECONDS}"
                ));
            }
            Step::Steps(n) if !(1..=1000).contains(n) => {
                return wrong(format!("{n} is not between 1 and 1000"));
            }
            Step::Mass(m) if !MASSES.contains(m) => {
                let (least, most) = (MASSES.start(), MASSES.end());
                return wrong(format!("{m} is not between {least} and {most} kilograms"));
            }
            Step::Speed(s) if !(0.05..=8.0).contains(s) => {
                return wrong(format!("{s} is not between 0.05 and 8"));
            }
            Step::Wait(s) if !(0.0..=60.0).contains(s) => {
                return wrong(format!("{s} is not between 0 and 60 seconds"));
            }
            Step::Play(s) | Step::Seek(s) if !(0.0..=MAX_SECONDS).contains(s) => {
                return wrong(format!("{s} is not between 0 and {MAX_SECONDS} seconds"));
            }
            Step::Play(_) | Step::Seek(_) | Step::Save(_) if !generated => {
                return wrong("there is no clip yet; put Generate before it".into());
            }
            Step::Say(text) if text.trim().is_empty() => {
                return wrong("say something: \"move the lamp next to the sofa\"".into());
            }
            Step::Author(Author::Takes(n)) if !(1..=16).contains(n) => {
                return wrong(format!("{n} is not between 1 and 16"));
            }
            Step::Screenshot(name)
            | Step::Save(name)
            | Step::Author(Author::Save(name) | Author::Film(_, name, ..))
                if !is_file_name(name) =>
            {
                return wrong(format!(
                    "{name:?} is not a file's name; letters, digits, '-' and '_' make one"
                ));
            }
            Step::Generate => generated = true,
            _ => {}
        }
    }
    Ok(())
}

fn is_file_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl Step {
    /// As the file writes it.
    fn name(&self) -> &'static str {
        match self {
            Self::Avatar(_) => "Avatar",
            Self::Object(_) => "Object",
            Self::Person(_) => "Person",
            Self::Text(_) => "Text",
            Self::Waypoints(_) => "Waypoints",
            Self::Seconds(_) => "Seconds",
            Self::Seed(_) => "Seed",
            Self::Steps(_) => "Steps",
            Self::Guidance(_) => "Guidance",
            Self::Mass(_) => "Mass",
            Self::Generate => "Generate",
            Self::Say(_) => "Say",
            Self::Done => "Done",
            Self::Play(_) => "Play",
            Self::Seek(_) => "Seek",
            Self::Speed(_) => "Speed",
            Self::Wait(_) => "Wait",
            Self::Camera(_) => "Camera",
            Self::Show(..) => "Show",
            Self::Screenshot(_) => "Screenshot",
            Self::Save(_) => "Save",
            Self::Author(_) => "Author",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Entry;

    fn refused(text: &str) -> String {
        let room: Room = ron::from_str(
            "(pieces: [(name: \"table\", file: \"t.glb\")], sun: (0, -1, 0), \
             camera: (from: (1, 1, 1), at: (0, 0, 0)), person: (at: (0, 0), facing: 0))",
        )
        .expect("a room");
        let entry = |name: &str| Entry {
            name: name.into(),
            path: "x.glb".into(),
        };
        let catalogue = Catalogue {
            avatars: vec![entry("ann")],
            objects: vec![entry("crate")],
        };
        let path = Path::new("s.ron");
        ron_file::parse::<Vec<Step>>(text, path, "script")
            .and_then(|steps| {
                check(&steps, &room, &catalogue).map_err(|r| Error::malformed(path, "script", r))
            })
            .map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn what_can_be_done_is_taken() {
        let good = "[Avatar(\"ann\"), Object(\"table\"), Object(\"crate\"), Waypoints([(1, 2)]), Generate, \
                    Play(1.5), Camera(from: (1, 2, 3), at: (0, 1, 0)), Show(Panel, false), \
                    Person(at: (1, 2), facing: 90), Screenshot(\"a-1\"), Save(\"b\")]";
        assert_eq!(refused(good), "");
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_place() {
        for (text, words) in [
            ("[\n Jump(3)]", "line 2"),
            ("[Seed(-1)]", "line 1"),
            (
                "[Avatar(\"bob\")]",
                "step 1 (Avatar): there is no avatar \"bob\"; there are \"ann\"",
            ),
            ("[Generate, Object(\"sofa\")]", "step 2 (Object)"),
            ("[Play(1)]", "Generate"),
            ("[Seconds(900)]", "900"),
            ("[Speed(0)]", "0.05"),
            ("[Steps(0)]", "step 1"),
            ("[Mass(0)]", "kilograms"),
            ("[Say(\" \")]", "say something"),
            ("[Wait(-1)]", "step 1"),
            ("[Waypoints([(1, 2), (1e9, 0)])]", "100 m"),
            ("[Camera(from: (1, 1, 1), at: (1, 1, 1))]", "two places"),
            ("[Screenshot(\"../x\")]", "file's name"),
            ("[Show(Roof, true)]", "Roof"),
        ] {
            let error = refused(text);
            assert!(
                error.contains("s.ron") && error.contains(words),
                "{words:?} is not in: {error}"
            );
        }
    }
}
