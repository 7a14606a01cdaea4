//! The document that an animator edits.
//!
//! Metres, Z up, the floor at z = 0; seconds. Places are those of [`crate::request`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::shared::Shared;
use crate::contact::ContactConfig;
use crate::geometry::UpAxis;
use crate::motion::edit::{JointTouchUp, RootKey, warped};
use crate::motion::lock::LockedKey;
use crate::request::{
    EndTurn, GuidanceConfig, InHand, ObjectPlace, PersonPlace, SamplingConfig, Variation, Waypoint,
};

/// Version of the form that this program writes.
pub const VERSION: u32 = 1;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);
    };
}

id!(
    /// Which object of a project.
    ObjectId
);
id!(
    /// Which strip of a project.
    StripId
);
id!(
    /// Which take of a project; its clip is the file of that number in the folder of takes.
    TakeId
);

/// A scene, and what people do in it over time. Parts are [`Shared`]: a copy costs little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Version of the form, [`VERSION`].
    pub version: u32,
    /// The next number that no object, strip or take has had.
    #[serde(default = "one")]
    pub next: u64,
    /// The folder of the takes' clips, relative to the project's. Given when the project is first saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<PathBuf>,
    /// Geometry that body and object keep out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
    /// Things that can be handled.
    #[serde(default)]
    pub objects: Vec<Shared<Object>>,
    /// One for each person.
    #[serde(default)]
    pub tracks: Vec<Shared<Track>>,
}

fn one() -> u64 {
    1
}

/// A mesh that body and object keep out of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// `.glb`, `.gltf`, `.obj` or `.ply`, relative to the project's folder.
    pub file: PathBuf,
    /// Which axis of the mesh points up; by default the format's custom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<UpAxis>,
}

/// A thing of the scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Which.
    pub id: ObjectId,
    /// What it is called.
    pub name: String,
    /// `.glb`, `.gltf`, `.obj` or `.ply`, relative to the project's folder.
    pub file: PathBuf,
    /// Which axis of the mesh points up; by default the format's custom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<UpAxis>,
    /// Where it is before anybody touches it.
    #[serde(default)]
    pub place: ObjectPlace,
    /// How heavy it is, and whether hands are made to hold it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub contact: ContactConfig,
}

/// A person, and what they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Track {
    /// What the person is called.
    pub name: String,
    /// The avatar's file, relative to the project's folder, for programs that show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<PathBuf>,
    /// Where the person stands before the first strip.
    pub person: PersonPlace,
    /// What they do, in any order in the file; no two at one time.
    pub strips: Vec<Shared<Strip>>,
}

/// One thing that a person does, and what was generated for it. It begins as the strip before it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strip {
    /// Which.
    pub id: StripId,
    /// When it begins, seconds.
    pub start: f32,
    /// How long it lasts, seconds.
    pub seconds: f32,
    /// What is done.
    pub deed: Deed,
    /// Seed of its first take; the next of the same batch have the next numbers.
    #[serde(default)]
    pub seed: u64,
    /// Moments that stay as they are given, whatever is generated around them. Takes that are there stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<LockedKey>,
    /// How to sample.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sampling: SamplingConfig,
    /// What the motion is moved toward while sampling.
    #[serde(default, skip_serializing_if = "is_default")]
    pub guidance: GuidanceConfig,
    /// What was generated, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Shared<Take>>,
    /// The take that is shown, and that the next strip goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<TakeId>,
}

/// What is done. Times within it count from the strip's start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Deed {
    /// A walk to a place.
    Walk {
        /// What happens, as a sentence.
        #[serde(default = "walk")]
        text: String,
        /// Places on the way, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waypoints: Vec<Waypoint>,
        /// Where the person stands at the end.
        end: [f32; 2],
        /// Where the person faces at the end, degrees from +x; without it, as the walk arrives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facing: Option<f32>,
        /// Walk backward.
        #[serde(default, skip_serializing_if = "is_default")]
        backward: bool,
    },
    /// Something done with an object: lifted, carried, pushed, put down.
    Interact {
        /// What happens, as a sentence.
        text: String,
        /// With what.
        object: ObjectId,
        /// Places on the way, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waypoints: Vec<Waypoint>,
        /// Where the object is at the end; without it, at the last waypoint, or where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<[f32; 3]>,
        /// How the object is turned at the end; without it, as the motion leaves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<EndTurn>,
        /// Whether the person has it in hand at the start, where a strip is before this one, and at the end.
        #[serde(default, skip_serializing_if = "is_default")]
        in_hand: InHand,
    },
    /// Standing where one is.
    Idle,
}

fn walk() -> String {
    "Walk.".to_owned()
}

/// What an animator thinks of a take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Not said yet.
    #[default]
    Open,
    /// Worth keeping.
    Kept,
    /// The one that is used.
    Accepted,
    /// Not wanted; its clip stays where it is.
    Discarded,
}

/// One motion that was generated for a strip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Which.
    pub id: TakeId,
    /// The seed it was generated with.
    pub seed: u64,
    /// What was mixed into the seed's noise: another take of the same seed is like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variations: Vec<Variation>,
    /// What is thought of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub verdict: Verdict,
    /// What it was generated from (see [`super::stale`]); none where it was made by hand, which never is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// What was changed by hand since, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// A change of a take by hand; the generated clip stays as it is. Seconds count from the start of the clip as the edits
/// before it leave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Edit {
    /// Only a part is left.
    Trim {
        /// Where it begins, seconds.
        from: f32,
        /// Where it ends, seconds.
        to: f32,
    },
    /// Other times: `[then, now]` in seconds, both rising (see [`crate::motion::edit::warp`]).
    Warp {
        /// The times.
        keys: Vec<[f32; 2]>,
    },
    /// The end goes over into the beginning (see [`crate::motion::edit::looped`]).
    Loop {
        /// In how many of the last seconds.
        seconds: f32,
        /// Whether the way that was gone stays.
        travels: bool,
    },
    /// Another take of the strip is mixed in (see [`crate::motion::edit::blend`]).
    Blend {
        /// The other take, as its own edits leave it.
        with: TakeId,
        /// Its share, 0 to 1.
        share: f32,
    },
    /// A joint is turned about a time.
    Joint(JointTouchUp),
    /// Hands hold at other times: contact is enforced once more (see [`crate::contact::ContactOptions::given`]).
    Contact {
        /// When the left hand holds, `[from, to]` in seconds.
        left: Vec<[f32; 2]>,
        /// When the right hand holds.
        right: Vec<[f32; 2]>,
        /// Locked moments that the take comes through, and goes on coming through.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<LockedKey>,
    },
    /// Person and held object go another way.
    Path {
        /// By how much, when.
        keys: Vec<RootKey>,
    },
}

impl Edit {
    /// When what was at a time, seconds, is after the edit; none where it is cut away.
    pub fn when(&self, at: f32) -> Option<f32> {
        match self {
            Self::Trim { from, to } => (*from..*to).contains(&at).then_some(at - from),
            Self::Warp { keys } => warped(keys, at),
            _ => Some(at),
        }
    }
}

/// Noise that a take is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draw {
    /// Its seed.
    pub seed: u64,
    /// What is mixed in.
    pub variations: Vec<Variation>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Project {
    fn default() -> Self {
        Self {
            version: VERSION,
            next: one(),
            takes: None,
            room: None,
            objects: Vec::new(),
            tracks: Vec::new(),
        }
    }
}

impl Deed {
    /// Places on the way, in order.
    pub fn waypoints(&self) -> &[Waypoint] {
        match self {
            Self::Walk { waypoints, .. } | Self::Interact { waypoints, .. } => waypoints,
            Self::Idle => &[],
        }
    }

    /// The same, to be changed; none for what goes nowhere.
    pub fn waypoints_mut(&mut self) -> Option<&mut Vec<Waypoint>> {
        match self {
            Self::Walk { waypoints, .. } | Self::Interact { waypoints, .. } => Some(waypoints),
            Self::Idle => None,
        }
    }
}

impl Strip {
    /// A strip without takes.
    pub fn new(id: StripId, start: f32, seconds: f32, deed: Deed) -> Self {
        Self {
            id,
            start,
            seconds,
            deed,
            seed: 0,
            keys: Vec::new(),
            sampling: SamplingConfig::default(),
            guidance: GuidanceConfig::default(),
            takes: Vec::new(),
            shown: None,
        }
    }

    /// When it ends, seconds.
    pub fn end(&self) -> f32 {
        self.start + self.seconds
    }

    /// Has it last so long, seconds; the times of its waypoints go with it.
    pub fn stretch(&mut self, seconds: f32) {
        let share = seconds / self.seconds;
        self.seconds = seconds;
        for waypoint in self.deed.waypoints_mut().into_iter().flatten() {
            waypoint.time = waypoint.time.map(|t| t * share);
        }
    }

    /// The take that is shown.
    pub fn shown(&self) -> Option<&Take> {
        self.shown.and_then(|id| self.take(id))
    }

    /// A take.
    pub fn take(&self, id: TakeId) -> Option<&Take> {
        self.takes.iter().find(|t| t.id == id).map(|t| &**t)
    }

    /// The object that it is about.
    pub fn object(&self) -> Option<ObjectId> {
        match self.deed {
            Deed::Interact { object, .. } => Some(object),
            Deed::Walk { .. } | Deed::Idle => None,
        }
    }

    /// What happens, as a sentence.
    pub fn text(&self) -> &str {
        match &self.deed {
            Deed::Walk { text, .. } | Deed::Interact { text, .. } => text,
            Deed::Idle => "Stand.",
        }
    }
}

impl Project {
    /// A number that nothing of this project has had.
    pub fn fresh(&mut self) -> u64 {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        id
    }

    /// An object.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.objects.iter().find(|o| o.id == id).map(|o| &**o)
    }

    /// An object, to be changed.
    pub fn object_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        self.objects
            .iter_mut()
            .find(|o| o.id == id)
            .map(Shared::edit)
    }

    /// All strips with the numbers of their tracks, in the order in which they begin.
    pub fn strips(&self) -> Vec<(usize, &Strip)> {
        let mut all: Vec<(usize, &Strip)> = (self.tracks.iter().enumerate())
            .flat_map(|(k, track)| track.strips.iter().map(move |s| (k, &**s)))
            .collect();
        all.sort_by(|(_, a), (_, b)| a.start.total_cmp(&b.start).then(a.id.cmp(&b.id)));
        all
    }

    /// A strip.
    pub fn strip(&self, id: StripId) -> Option<&Strip> {
        self.tracks
            .iter()
            .flat_map(|t| t.strips.iter())
            .find(|s| s.id == id)
            .map(|s| &**s)
    }

    /// A strip, to be changed.
    pub fn strip_mut(&mut self, id: StripId) -> Option<&mut Strip> {
        let k = self.track_of(id)?;
        self.tracks[k]
            .edit()
            .strips
            .iter_mut()
            .find(|s| s.id == id)
            .map(Shared::edit)
    }

    /// The number of a strip's track.
    pub fn track_of(&self, id: StripId) -> Option<usize> {
        self.tracks
            .iter()
            .position(|t| t.strips.iter().any(|s| s.id == id))
    }

    /// A take, with its strip.
    pub fn take(&self, id: TakeId) -> Option<(&Strip, &Take)> {
        self.tracks
            .iter()
            .flat_map(|t| t.strips.iter())
            .find_map(|s| s.take(id).map(|take| (&**s, take)))
    }

    /// When the last strip ends, seconds.
    pub fn seconds(&self) -> f32 {
        let strips = self.tracks.iter().flat_map(|t| t.strips.iter());
        strips.map(|s| s.end()).fold(0.0, f32::max)
    }
}
