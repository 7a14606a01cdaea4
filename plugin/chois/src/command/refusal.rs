//! Why a command is not carried out, in words for whoever gave it.

use serde::{Deserialize, Serialize};

use super::MAX_COMMAND_CHARS;
use crate::scene::ItemId;

/// One of several items that a command may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub id: ItemId,
    /// Its name.
    pub name: String,
    /// What tells it from the others: "red", "near the window".
    pub differs: String,
}

/// Why there is no plan. Every message is a sentence or two that a player can be shown.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CommandRefusal {
    /// Nothing of the scene is called so.
    #[error("There is no \"{words}\" here.{}", suggest(suggestions))]
    UnknownObject {
        /// What was said.
        words: String,
        /// Names of what comes nearest.
        suggestions: Vec<String>,
    },
    /// Several items are called so.
    #[error("Which \"{words}\": {}?", choices(candidates))]
    Ambiguous {
        /// What was said.
        words: String,
        /// What it may be.
        candidates: Vec<Candidate>,
    },
    /// "It" or "there", and nothing that it could be.
    #[error("What is \"{word}\"? Name the thing, or show the place.")]
    NoReferent {
        /// What was said.
        word: String,
    },
    /// The item cannot be moved that way.
    #[error("The {name} cannot be {done}.{hint}")]
    NotLiftable {
        /// Which.
        id: ItemId,
        /// Its name.
        name: String,
        /// "lifted", "moved".
        done: String,
        /// What can be done instead; empty or a sentence after a space.
        hint: String,
    },
    /// No action, or an action without the thing to do it with.
    #[error("There is nothing to do in that: {reason}.")]
    NothingToDo {
        /// What is missing.
        reason: String,
    },
    /// It asks for what cannot be.
    #[error("That cannot be: {reason}.")]
    Contradictory {
        /// Why.
        reason: String,
    },
    /// More than is read.
    #[error("That is too long ({length} {unit}); say it in at most {limit}.")]
    TooLong {
        /// What it has.
        length: usize,
        /// What it may have.
        limit: usize,
        /// Characters or steps.
        unit: String,
    },
    /// No English command.
    #[error("I do not understand: {reason}. Say it like \"move the lamp next to the sofa\".")]
    NotUnderstood {
        /// What is not understood.
        reason: String,
    },
    /// The scene, the plan of a language model, or the encoder is not as it should be.
    #[error("{reason}")]
    Unusable {
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl CommandRefusal {
    /// Which kind, as a short name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownObject { .. } => "unknown_object",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NoReferent { .. } => "no_referent",
            Self::NotLiftable { .. } => "not_liftable",
            Self::NothingToDo { .. } => "nothing_to_do",
            Self::Contradictory { .. } => "contradictory",
            Self::TooLong { .. } => "too_long",
            Self::NotUnderstood { .. } => "not_understood",
            Self::Unusable { .. } => "unusable",
        }
    }

    pub(super) fn nothing(reason: impl Into<String>) -> Self {
        Self::NothingToDo {
            reason: reason.into(),
        }
    }

    pub(super) fn contradictory(reason: impl Into<String>) -> Self {
        Self::Contradictory {
            reason: reason.into(),
        }
    }

    pub(super) fn not_understood(reason: impl Into<String>) -> Self {
        Self::NotUnderstood {
            reason: reason.into(),
        }
    }

    pub(super) fn too_many_characters(length: usize) -> Self {
        Self::TooLong {
            length,
            limit: MAX_COMMAND_CHARS,
            unit: "characters".into(),
        }
    }
}

fn suggest(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(" Do you mean the {}?", names.join(", or the ")),
    }
}

fn choices(candidates: &[Candidate]) -> String {
    let one = |c: &Candidate| match c.differs.as_str() {
        "" => format!("the {}", c.name),
        differs => format!("the {} ({differs})", c.name),
    };
    let all: Vec<String> = candidates.iter().map(one).collect();
    all.join(", or ")
}
