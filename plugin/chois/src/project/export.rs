//! A project's tracks and takes in files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{Project, Verdict};
use super::library::Library;
use super::sequence::{self, Sequence};
use crate::clip::glb::GlbOptions;
use crate::clip::{bvh, file_name, write_clip};
use crate::error::{Error, Result};

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// glTF: person with skin (the track's avatar, or else the mannequin), objects, contacts as extras.
    Glb,
    /// Biovision: the person's skeleton.
    Bvh,
    /// USD: person with skin (the track's avatar, its pictures in files beside; or else the mannequin), objects, contacts as
    /// attributes.
    Usda,
    /// A motion clip.
    Safetensors,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Glb, Self::Bvh, Self::Usda, Self::Safetensors];

    /// How its files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Glb => "glb",
            Self::Bvh => "bvh",
            Self::Usda => "usda",
            Self::Safetensors => "safetensors",
        }
    }
}

/// What is written under one name.
pub struct Job {
    /// The files' name, without an ending.
    pub name: String,
    what: Sequence,
    /// The file of the body that does it; without one, the mannequin does.
    avatar: Option<PathBuf>,
}

/// All tracks of a project that have strips, and with `takes` every take that was not discarded. Cheap: nothing is written
/// yet, and the library is needed no more. A person whose avatar is missing is the mannequin.
///
/// # Errors
/// Those of [`sequence::track`].
pub fn jobs(project: &Project, library: &Library, takes: bool) -> Result<Vec<Job>> {
    let mut names = HashSet::new();
    let mut out = Vec::new();
    let mut room = sequence::MOST_PLACES;
    for (k, track) in project.tracks.iter().enumerate() {
        if track.strips.is_empty() {
            continue;
        }
        let name = file_name(&track.name, &mut names);
        let avatar = library.avatar(track);
        let what = sequence::track(project, library, k)?;
        let places = what.clip.frames.len() * what.props.len();
        room = room.checked_sub(places).ok_or_else(|| {
            Error::invalid(
                format!("track {:?}", track.name),
                "with the tracks before it, it is too long to be written at once; write fewer tracks, or shorter ones",
            )
        })?;
        out.push(Job {
            name: name.clone(),
            what,
            avatar: avatar.clone(),
        });
        for (_, strip) in project.strips().iter().filter(|(t, _)| takes && *t == k) {
            let thing = strip
                .object()
                .and_then(|id| Some((id, library.thing(id)?.clone())));
            for take in &strip.takes {
                let clip = library.clip(take.id);
                let Some(clip) = clip.filter(|_| take.verdict != Verdict::Discarded) else {
                    continue;
                };
                out.push(Job {
                    name: format!("{name}-strip{}-take{}", strip.id.0, take.id.0),
                    what: sequence::take(&clip, thing.clone()),
                    avatar: avatar.clone(),
                });
            }
        }
    }
    Ok(out)
}

impl Job {
    /// Writes it in some formats, `fps` frames a second. Returns the files.
    ///
    /// # Errors
    /// Those of the formats' writers and of [`Sequence::at_rate`].
    pub fn write(&self, folder: &Path, fps: f32, formats: &[Format]) -> Result<Vec<PathBuf>> {
        let options = GlbOptions::default();
        let sequence = self.what.at_rate(fps)?;
        let mut written = Vec::with_capacity(formats.len());
        for format in formats {
            let path = folder.join(format!("{}.{}", self.name, format.ending()));
            match (format, &self.avatar) {
                (Format::Glb, Some(avatar)) => sequence.write_avatar(&path, avatar, &options)?,
                (Format::Glb, None) => sequence.write_glb(&path, &options)?,
                (Format::Usda, Some(avatar)) => {
                    sequence.write_avatar_usda(&path, avatar, &options)?;
                }
                (Format::Usda, None) => sequence.write_usda(&path, &options)?,
                (Format::Bvh, _) => bvh::write(&path, &sequence.clip)?,
                (Format::Safetensors, _) => write_clip(&path, &sequence.clip)?,
            }
            written.push(path);
        }
        Ok(written)
    }
}
