//! What is done, and how it is said: the sentences of the captured data's vocabulary, and other ways to say the same.

use rand::Rng;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use super::things::Kind;
use crate::error::{Error, Result};

/// What a person does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Lift, carry, put down.
    Carry,
    /// Lift, turn in the air, put down.
    Rotate,
    /// Push over the floor.
    Push,
    /// Pull over the floor.
    Pull,
    /// Push, let go, pull back.
    PushPull,
    /// Pull with one hand on the back.
    PullBack,
    /// Turn on the spot.
    Turn,
    /// Lift over the head and walk.
    Overhead,
    /// Lift over the head and turn.
    OverheadSpin,
    /// Lift one edge, rotate and drag.
    DragEdge,
    /// Kick with a foot.
    Kick,
    /// Kick, then carry.
    KickCarry,
    /// Tilt toward oneself and pull.
    TiltPull,
    /// Tilt and set back.
    Tilt,
    /// Lay what stands on the floor.
    LayDown,
    /// Pick up what lies.
    PickUp,
    /// Lay down, then pick up.
    LayAndPickUp,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Carry,
        Self::Rotate,
        Self::Push,
        Self::Pull,
        Self::PushPull,
        Self::PullBack,
        Self::Turn,
        Self::Overhead,
        Self::OverheadSpin,
        Self::DragEdge,
        Self::Kick,
        Self::KickCarry,
        Self::TiltPull,
        Self::Tilt,
        Self::LayDown,
        Self::PickUp,
        Self::LayAndPickUp,
    ];

    /// Its name, as files and tables say it.
    pub fn name(self) -> String {
        let mut out = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        out
    }

    /// The action of this name, words apart by blanks, dashes or underscores.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is none; it lists them all.
    pub fn parse(name: &str) -> Result<Self> {
        let plain = |s: &str| s.to_lowercase().replace(['-', '_', ' '], "");
        let found = Self::ALL.into_iter();
        let mut found = found.filter(|a| plain(&a.name()) == plain(name));
        found.next().ok_or_else(|| {
            let all = Self::ALL.map(|a| a.name().replace(' ', "-"));
            Error::invalid(
                "action",
                format!("{name:?} is none; there are {}", all.join(", ")),
            )
        })
    }

    /// The action that a captured sentence tells of; `object` is the object's name in it.
    pub fn of_sentence(sentence: &str, object: &str) -> Option<Self> {
        let plain = sentence.replace(object, "{o}");
        let all = Self::ALL.into_iter();
        let mut found = all.filter(|a| a.sentences().iter().any(|s| *s == plain));
        found.next()
    }

    /// How it is said, `{o}` for the object; those of the captured vocabulary first.
    pub fn sentences(self) -> &'static [&'static str] {
        match self {
            Self::Carry => &[
                "Lift the {o}, move the {o}, and put down the {o}.",
                "Lift the {o}, move the {o} and put down the {o}.",
                "Facing the back of the {o}, lift the {o}, move the {o}, and then place the {o} on the floor.",
                "Pick up the {o}, carry it, and put it down.",
                "Lift the {o}, carry it over and set it down.",
                "Take the {o} and move it over there.",
                "Grab the {o}, lift it, walk and place it on the floor.",
                "Carry the {o} to the goal.",
                "Move the {o}.",
            ],
            Self::Rotate => &[
                "Lift the {o}, rotate the {o}, and set it back down.",
                "Lift the {o}, rotate the {o}, and put down the {o}.",
                "Lift the {o}, adjust the orientation of the {o}, and set it back down.",
                "Lift the {o}, put down the {o} while rotating it.",
                "Lift the {o}, put down the {o}, and then rotate the {o} to adjust its orientation..",
                "Pick up the {o}, turn it around, and put it down again.",
                "Raise the {o}, rotate it and set it back.",
            ],
            Self::Push => &[
                "Push the {o}, and set it back down.",
                "Push the {o}.",
                "Push the {o} forward over the floor.",
                "Lay hands on the {o} and push it along.",
                "Shove the {o} across the floor.",
            ],
            Self::Pull => &[
                "Pull the {o}, and set it back down.",
                "Pull the {o}.",
                "Pull the {o} toward you, walking backward.",
                "Drag the {o} over the floor.",
                "Drag the {o} backward.",
            ],
            Self::PushPull => &[
                "Push the {o}, release the hands, then pull the {o}, and set it back down.",
                "Push the {o}, release the hands, then drag the {o}, and set it back down.",
                "Push the {o}, let go, then pull it back.",
            ],
            Self::PullBack => &[
                "Put your hand on the back of the {o}, pull the {o}, and set it back down.",
                "Pull the {o} by its back.",
                "Take the back of the {o} with one hand and pull it.",
            ],
            Self::Turn => &[
                "Hold and turn the {o} around to a different orientation.",
                "Hold the {o} and turn it around to face a diffferent orientation.",
                "Turn the {o} around.",
                "Turn the {o} so that it faces another way.",
            ],
            Self::Overhead => &[
                "Lift the {o} above your head, walk, and put the {o} down.",
                "Lift the {o} over your head, walk and then place the {o} on the floor.",
                "Raise the {o} over your head, carry it and put it down.",
            ],
            Self::OverheadSpin => &[
                "Lift the {o} above your head, spin it and put the {o} down.",
                "Lift the {o} over your head, turn it and put it down.",
            ],
            Self::DragEdge => &[
                "Lift the {o} by one of the edges, rotate it, drag the {o} and place the legs back down.",
                "Lift the {o}, so only two legs are off the floor. Slide your feet and rotate the {o} as you slide. \
                 Lower the {o} with your hands.",
                "Lift one edge of the {o}, drag it around and set it down.",
            ],
            Self::Kick => &[
                "Kick the {o}, and set it back down.",
                "Kick the base of the {o}, and set it back down.",
                "Use the foot to scoot the {o} to change its orientation.",
                "Kick the {o} away.",
                "Push the {o} with your foot.",
            ],
            Self::KickCarry => &[
                "Kick the {o}, lift the {o}, move the {o}, and put down the {o}.",
                "Kick the {o}, then pick it up, carry it and put it down.",
            ],
            Self::TiltPull => &[
                "Grasp the sides of the {o}, tilt it, pull the {o}, and set it back down.",
                "Tilt the {o} and pull it along.",
            ],
            Self::Tilt => &[
                "Grab the {o}'s legs, tilt the {o}.",
                "Grab the top of the {o}, swing the {o}, and put down the {o}.",
                "Tilt the {o} and set it back.",
            ],
            Self::LayDown => &[
                "Put the {o} horizontally down.",
                "Lay the {o} on the floor.",
                "Lay the {o} down on its side.",
            ],
            Self::PickUp => &[
                "Pick up the fallen {o}.",
                "Set the fallen {o} upright.",
                "Stand the {o} up again.",
            ],
            Self::LayAndPickUp => &[
                "Put the {o} horizontally down, then pick up the fallen {o}.",
                "Lay the {o} down, then stand it up again.",
            ],
        }
    }

    /// A sentence for it.
    pub fn say(self, noun: &str, rng: &mut impl Rng) -> String {
        let sentence = self
            .sentences()
            .choose(rng)
            .copied()
            .unwrap_or("Move the {o}.");
        sentence.replace("{o}", noun)
    }
}

/// What things of a kind are called: names of the captured vocabulary and others. `size` is the bounding box, metres.
pub fn nouns(kind: Kind, size: [f32; 3]) -> Vec<&'static str> {
    let large = size.iter().product::<f32>() > 0.045;
    let mut out: Vec<&'static str> = match kind {
        Kind::Box => vec!["box", "crate", "carton", "chest"],
        Kind::Tub => vec!["plasticbox", "plasticbox", "storage box", "tub", "basket"],
        Kind::Bin => vec!["trashcan", "trashcan", "bin", "barrel", "bucket"],
        Kind::Suitcase => vec!["suitcase", "suitcase", "bag", "case"],
        Kind::Table => vec!["table", "desk"],
        Kind::Chair => vec!["woodchair", "whitechair", "chair", "chair"],
        Kind::Stool => vec!["stool", "seat"],
        Kind::Lamp => vec!["floorlamp", "floorlamp", "lamp", "floor lamp"],
        Kind::Stand => vec!["clothesstand", "clothesstand", "stand", "coat rack"],
        Kind::Tripod => vec!["tripod"],
        Kind::Monitor => vec!["monitor", "monitor", "screen", "display"],
        Kind::Shelf => vec!["shelf", "bookcase", "rack"],
    };
    match kind {
        Kind::Box if large => out.extend(["largebox", "largebox", "largebox"]),
        Kind::Box => out.extend(["smallbox", "smallbox", "smallbox"]),
        Kind::Table if size[0] > 0.8 => out.extend(["largetable", "largetable"]),
        Kind::Table => out.extend(["smalltable", "smalltable"]),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_captured_sentence_is_known() {
        for (sentence, object, action) in [
            (
                "Lift the largetable, move the largetable and put down the largetable.",
                "largetable",
                Action::Carry,
            ),
            (
                "Kick the base of the floorlamp, and set it back down.",
                "floorlamp",
                Action::Kick,
            ),
            (
                "Push the woodchair, release the hands, then drag the woodchair, and set it back down.",
                "woodchair",
                Action::PushPull,
            ),
            (
                "Lift the smalltable, so only two legs are off the floor. Slide your feet and rotate the smalltable as you slide. Lower the smalltable with your hands.",
                "smalltable",
                Action::DragEdge,
            ),
        ] {
            assert_eq!(
                Action::of_sentence(sentence, object),
                Some(action),
                "{sentence}"
            );
        }
        assert_eq!(Action::of_sentence("Dance.", "box"), None);
    }

    #[test]
    fn no_sentence_tells_of_two_actions() {
        for a in Action::ALL {
            for s in a.sentences() {
                assert!(s.contains("{o}"), "{s}");
                assert_eq!(
                    Action::of_sentence(&s.replace("{o}", "lamp"), "lamp"),
                    Some(a)
                );
            }
        }
    }
}
