//! What corpus is wanted.

use std::path::PathBuf;

use super::limits::Limits;
use super::words::Action;
use crate::error::{Error, Result};

/// What is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Folder that the clips (`clips/*.safetensors`, `walks/*.safetensors`) and meshes (`objects/*.obj`) are written to.
    pub out: PathBuf,
    /// Hours of motion.
    pub hours: f64,
    /// Hours of walking with nothing to handle besides, `walks/*.safetensors`.
    pub walking: f64,
    /// Where all chance comes from.
    pub seed: u64,
    /// Threads that work.
    pub threads: usize,
    /// Folder of captured clips, and of their objects.
    pub captured: Option<(PathBuf, PathBuf)>,
    /// Folder of captured walking, BVH.
    pub locomotion: Option<PathBuf>,
    /// Nothing of what is made comes from captured motion or captured objects.
    pub own_motion_only: bool,
    /// Share of tries that are made from nothing, the others being captured clips with other objects.
    pub made_share: f64,
    /// Folder of meshes that are handled besides.
    pub meshes: Option<PathBuf>,
    /// Variants of each captured object, stretched and by a stand-in.
    pub variants: [usize; 2],
    /// Objects of each kind that code makes.
    pub made: usize,
    /// Actions that are made from nothing; captured clips show what they show.
    pub actions: Vec<Action>,
    /// What is taken.
    pub limits: Limits,
}

impl Settings {
    /// An hour, half of it made from nothing and half captured clips with other objects once their folders are named; seed 0,
    /// all the processor's threads.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            hours: 1.0,
            walking: 0.0,
            seed: 0,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            captured: None,
            locomotion: None,
            own_motion_only: false,
            made_share: 0.5,
            meshes: None,
            variants: [14, 14],
            made: 12,
            actions: Action::ALL.to_vec(),
            limits: Limits::default(),
        }
    }

    /// Refuses what cannot be; the error names the field.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn validate(&self) -> Result<()> {
        if !(self.hours > 0.0 && self.hours <= 1000.0) {
            return Err(Error::invalid(
                "hours",
                format!("{}; give more than 0 and at most 1000", self.hours),
            ));
        }
        if !(0.0..=1000.0).contains(&self.walking) {
            return Err(Error::invalid(
                "walking",
                format!("{}; give between 0 and 1000 hours", self.walking),
            ));
        }
        let named = self.captured.is_some() || self.locomotion.is_some();
        if self.own_motion_only && named {
            return Err(Error::invalid(
                "own_motion_only",
                "captured clips or walking are named beside it; name none, or leave it out",
            ));
        }
        if !self.own_motion_only && self.captured.is_none() {
            return Err(Error::invalid(
                "captured",
                "name a folder of captured clips and one of their objects, or ask for own motion only",
            ));
        }
        if !(0.0..=1.0).contains(&self.made_share) {
            return Err(Error::invalid(
                "made_share",
                format!("{}; give between 0 and 1", self.made_share),
            ));
        }
        for part in ["clips", "walks"] {
            let folder = self.out.join(part);
            if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(Error::invalid(
                    "out",
                    format!(
                        "{} holds files already, which would mix with what is made; name a new folder or empty it",
                        folder.display()
                    ),
                ));
            }
        }
        let made = self.own_motion_only || self.made_share > 0.0;
        if made && self.actions.is_empty() {
            return Err(Error::invalid("actions", "name one at least"));
        }
        if self.captured.is_some() && self.variants == [0, 0] {
            return Err(Error::invalid("variants", "give one of either at least"));
        }
        Ok(())
    }
}
