//! Why something is not brought anywhere, in words for the player.

use serde::{Deserialize, Serialize};

/// Why there is no place or no path. Every message is a sentence that a player can be shown.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NavigationRefusal {
    /// Something else is where the item should go.
    #[error("There is no room for the {name} there: the {by} is in the way.")]
    Occupied {
        /// What should go there.
        name: String,
        /// What is in the way.
        by: String,
    },
    /// It is where it is wanted: there is nothing to be done.
    #[error("The {name} is already {place}.")]
    AlreadyThere {
        /// What should go there.
        name: String,
        /// Where, in words: "behind the sofa".
        place: String,
    },
    /// No free place is in that relation to the target.
    #[error("There is no room for the {name} {place}.")]
    NoRoom {
        /// What should go there.
        name: String,
        /// Where, in words: "behind the sofa".
        place: String,
    },
    /// The surface does not hold it.
    #[error(
        "The {on} is too small for the {name}: {has_wide:.2} m x {has_deep:.2} m, and it takes {wide:.2} m x {deep:.2} m."
    )]
    SurfaceTooSmall {
        /// What should stand there.
        name: String,
        /// On what.
        on: String,
        /// What it takes, metres.
        wide: f32,
        /// What it takes, metres.
        deep: f32,
        /// What the surface has, metres.
        has_wide: f32,
        /// What the surface has, metres.
        has_deep: f32,
    },
    /// The surface is out of reach.
    #[error("The top of the {on} is {height:.2} m high; a person reaches {reach:.2} m.")]
    SurfaceTooHigh {
        /// On what.
        on: String,
        /// Metres.
        height: f32,
        /// Metres.
        reach: f32,
    },
    /// It does not fit below.
    #[error("The {name} is {height:.2} m high and does not fit under the {under}.")]
    TooHighFor {
        /// What should go there.
        name: String,
        /// Under what.
        under: String,
        /// Metres.
        height: f32,
    },
    /// A gap on the only way is too narrow.
    #[error(
        "The way is too narrow for the {name}: {gap:.2} m wide where {needed:.2} m are needed."
    )]
    TooNarrow {
        /// Who or what does not get through: "floor lamp", "person".
        name: String,
        /// Width of the widest way's narrowest gap, metres.
        gap: f32,
        /// What is needed, metres.
        needed: f32,
        /// Where it is: x and y, metres.
        at: [f32; 2],
    },
    /// There is no way at all.
    #[error("There is no way to {place}.")]
    NoWay {
        /// Where to.
        place: String,
    },
    /// Nobody can stand where the item can be taken.
    #[error("Nobody can get beside the {name} to take it.")]
    OutOfReach {
        /// What is to be taken.
        name: String,
    },
    /// Something must be moved away first.
    #[error("The {by} stands on the {name}; it has to go first.")]
    Laden {
        /// What is to be moved.
        name: String,
        /// What is on it.
        by: String,
    },
    /// The way takes longer than one interaction may.
    #[error("The way is {length:.0} m long; one carry goes no further than {limit:.0} m.")]
    TooFar {
        /// Metres.
        length: f32,
        /// Metres.
        limit: f32,
    },
    /// The plan speaks of what the scene does not have.
    #[error("{reason}")]
    Unusable {
        /// What is wrong and what would be right.
        reason: String,
    },
}
