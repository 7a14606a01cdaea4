//! Subjects and objects that a training does not see, so that it can be measured on them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::dataset::{Dataset, Source};
use super::evaluator::capture_of;
use crate::error::{Error, Result};

/// What is kept apart: "subject=sub9" or "object=smalltable".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldOut {
    /// Everything that this person did, and what `chois synthesize` made of it.
    Subject(String),
    /// Every clip that shows this object or, as `chois synthesize` names them, a reshaped one. Motion that was captured with
    /// it and is shown with another object stays.
    Object(String),
}

impl HoldOut {
    /// Whether it is about this person or object.
    pub fn holds(&self, subject: &str, object: &str) -> bool {
        match self {
            Self::Subject(name) => subject == name,
            Self::Object(name) => (object.strip_prefix(name.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('_')),
        }
    }
}

impl fmt::Display for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(name) => write!(f, "subject={name}"),
            Self::Object(name) => write!(f, "object={name}"),
        }
    }
}

impl FromStr for HoldOut {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some(("subject", name)) if !name.is_empty() => Ok(Self::Subject(name.to_owned())),
            Some(("object", name)) if !name.is_empty() => Ok(Self::Object(name.to_owned())),
            _ => Err(Error::invalid(
                "hold-out",
                format!("{text:?} is neither subject=NAME nor object=NAME"),
            )),
        }
    }
}

/// Who moves in a source: as the clip says, or whose capture it was made of; empty where nobody was captured.
pub fn subject_of(source: &Source) -> &str {
    if !source.subject.is_empty() {
        return &source.subject;
    }
    let capture = capture_of(&source.name);
    match capture.split_once('_') {
        Some((subject, _)) if capture.starts_with("sub") => subject,
        _ => "",
    }
}

/// The name of its object; empty in a walk.
pub fn object_of(source: &Source) -> &str {
    source.geometry.as_ref().map_or("", |g| g.name())
}

/// `data` without what is held out, and that.
///
/// # Errors
/// [`Error::Invalid`] when one of `held` is about no clip, or nothing is left.
pub fn split(data: Dataset, held: &[HoldOut]) -> Result<(Dataset, Dataset)> {
    for one in held {
        let is_held = |s: &Source| one.holds(subject_of(s), object_of(s));
        if !data.sources.iter().any(is_held) {
            let names: BTreeSet<&str> = (data.sources.iter())
                .map(match one {
                    HoldOut::Subject(_) => subject_of,
                    HoldOut::Object(_) => object_of,
                })
                .filter(|n| !n.is_empty())
                .take(1000)
                .collect();
            let known: Vec<&str> = names.into_iter().take(20).collect();
            return Err(Error::invalid(
                "hold-out",
                format!("{one} is about no clip; there are {}", known.join(", ")),
            ));
        }
    }
    let (held, kept) =
        data.partition(|s| held.iter().any(|h| h.holds(subject_of(s), object_of(s))));
    if kept.sources.is_empty() {
        return Err(Error::invalid(
            "hold-out",
            "nothing is left to learn from; hold less out",
        ));
    }
    Ok((kept, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_out_is_read_and_told() {
        for text in ["subject=sub9", "object=smalltable", "object=a=b"] {
            let held: HoldOut = text.parse().expect("readable");
            assert_eq!(held.to_string(), text);
        }
        for text in ["", "sub9", "subject=", "objects=box", "=x"] {
            let error = text.parse::<HoldOut>().expect_err("unreadable").to_string();
            assert!(error.contains("subject=NAME"), "{error}");
        }
    }

    #[test]
    fn reshaped_objects_are_held_out_too() {
        let held = HoldOut::Object("smallbox".into());
        assert!(held.holds("sub1", "smallbox") && held.holds("", "smallbox_12_0321"));
        assert!(!held.holds("sub1", "smallboxes") && !held.holds("smallbox", "largebox"));
        let held = HoldOut::Subject("sub1".into());
        assert!(held.holds("sub1", "box") && !held.holds("sub10", "box") && !held.holds("", ""));
    }
}
