//! What happens between hands and an object, for people to read and programs to act on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a hand let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetGo {
    /// The clip says so.
    Planned,
    /// The object is heavier than the person can lift or drag.
    TooHeavy,
    /// Something is in the object's way.
    Blocked,
    /// Somebody, or the game, took or moved it away.
    Taken,
    /// The arm is too short for where the object went.
    OutOfReach,
    /// A flat palm that nothing holds against slid off: its fingers cannot close around what is there.
    Slipped,
}

/// Something that happened, or could not happen. Frames count from the clip's first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ContactEvent {
    /// A hand (0 left, 1 right) took hold.
    Held {
        /// Which hand.
        hand: usize,
        /// When.
        frame: usize,
    },
    /// A hand let go.
    Released {
        /// Which hand.
        hand: usize,
        /// When.
        frame: usize,
        /// Why.
        reason: LetGo,
    },
    /// A hand gives all it can and the object does not follow as it should.
    Strained {
        /// Which hand.
        hand: usize,
        /// When.
        frame: usize,
        /// Why.
        reason: LetGo,
    },
    /// The clip says that a hand touches where no surface is within reach; the hand is left where the clip has it.
    OutOfReach {
        /// Which hand.
        hand: usize,
        /// First frame.
        first: usize,
        /// Last frame.
        last: usize,
        /// How far the nearest surface is, metres.
        distance: f32,
    },
    /// The clip moves the object where no hand or foot is near; it stays where it was.
    NobodyThere {
        /// First frame.
        first: usize,
        /// Last frame.
        last: usize,
    },
}

fn why(reason: LetGo) -> &'static str {
    match reason {
        LetGo::Planned => "",
        LetGo::TooHeavy => ": the object is too heavy; make it lighter or raise the grip's force",
        LetGo::Blocked => ": something is in the object's way",
        LetGo::Taken => ": the object was taken away",
        LetGo::OutOfReach => ": the object went out of the arm's reach",
        LetGo::Slipped => {
            ": a flat palm cannot pull so hard; make the object lighter, let a hand take an edge, or raise the grip's pull"
        }
    }
}

impl fmt::Display for ContactEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |hand: &usize| if *hand == 0 { "left" } else { "right" };
        match self {
            Self::Held { hand, frame } => {
                write!(f, "frame {frame}: the {} hand takes hold", name(hand))
            }
            Self::Released {
                hand,
                frame,
                reason,
            } => {
                write!(
                    f,
                    "frame {frame}: the {} hand lets go{}",
                    name(hand),
                    why(*reason)
                )
            }
            Self::Strained {
                hand,
                frame,
                reason,
            } => write!(
                f,
                "frame {frame}: the {} hand gives all it can{}",
                name(hand),
                why(*reason)
            ),
            Self::OutOfReach {
                hand,
                first,
                last,
                distance,
            } => write!(
                f,
                "frames {first} to {last}: the {} hand should touch, but the surface is {:.0} cm away; it is left where \
                 the clip has it",
                name(hand),
                distance * 100.0
            ),
            Self::NobodyThere { first, last } => write!(
                f,
                "frames {first} to {last}: the clip moves the object with nobody at it; it stays where it is"
            ),
        }
    }
}
