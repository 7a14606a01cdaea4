//! A project's tracks and takes in files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::document::{Project, Verdict};
use super::library::{Library, Thing};
use super::sequence::{self, Sequence};
use crate::clip::glb::{self, GlbOptions, Prop};
use crate::clip::{bvh, file_name, usda, write_clip};
use crate::error::Result;
use crate::motion::{MotionClip, edit};

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// glTF: person with skin, objects, contacts as extras.
    Glb,
    /// Biovision: the person's skeleton.
    Bvh,
    /// USD: person with skin, objects, contacts as attributes.
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
    what: What,
}

enum What {
    Track(Box<Sequence>),
    Take(Arc<MotionClip>, Option<Thing>),
}

/// All tracks of a project that have strips, and with `takes` every take that was not discarded. Cheap: nothing is written
/// yet, and the library is needed no more.
///
/// # Errors
/// Those of [`sequence::track`].
pub fn jobs(project: &Project, library: &Library, takes: bool) -> Result<Vec<Job>> {
    let mut names = HashSet::new();
    let mut out = Vec::new();
    for (k, track) in project.tracks.iter().enumerate() {
        if track.strips.is_empty() {
            continue;
        }
        let name = file_name(&track.name, &mut names);
        let sequence = Box::new(sequence::track(project, library, k)?);
        out.push(Job {
            name: name.clone(),
            what: What::Track(sequence),
        });
        for (_, strip) in project.strips().iter().filter(|(t, _)| takes && *t == k) {
            let thing = strip.object().and_then(|id| library.thing(id));
            for take in &strip.takes {
                let clip = library.clip(take.id);
                let Some(clip) = clip.filter(|_| take.verdict != Verdict::Discarded) else {
                    continue;
                };
                out.push(Job {
                    name: format!("{name}-strip{}-take{}", strip.id.0, take.id.0),
                    what: What::Take(clip, thing.cloned()),
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
    /// Those of the formats' writers and of [`edit::resample`].
    pub fn write(&self, folder: &Path, fps: f32, formats: &[Format]) -> Result<Vec<PathBuf>> {
        let options = GlbOptions::default();
        let paths = formats.iter().map(|format| {
            let path = folder.join(format!("{}.{}", self.name, format.ending()));
            (*format, path)
        });
        let mut written = Vec::with_capacity(formats.len());
        let sequence = match &self.what {
            What::Track(sequence) => Some(sequence.at_rate(fps)?),
            What::Take(..) => None,
        };
        let take = match &self.what {
            What::Take(clip, thing) => Some((edit::resample(clip, fps)?, thing)),
            What::Track(_) => None,
        };
        for (format, path) in paths {
            match (&sequence, &take) {
                (Some(sequence), _) => match format {
                    Format::Glb => sequence.write_glb(&path, &options)?,
                    Format::Usda => sequence.write_usda(&path, &options)?,
                    Format::Bvh => bvh::write(&path, &sequence.clip)?,
                    Format::Safetensors => write_clip(&path, &sequence.clip)?,
                },
                (None, Some((clip, thing))) => match format {
                    Format::Glb => {
                        let mesh = thing.as_ref().map(|t| &*t.mesh);
                        glb::write(&path, clip, mesh, &options)?;
                    }
                    Format::Usda => {
                        let places: Vec<_> = (clip.frames.iter())
                            .map(|f| (f.object_position, f.object_rotation))
                            .collect();
                        let handled = vec![true; places.len()];
                        let prop = thing.as_ref().map(|thing| Prop {
                            name: thing.geometry.name(),
                            mesh: &thing.mesh,
                            places: &places,
                            handled: &handled,
                        });
                        usda::write_scene(&path, clip, prop.as_slice(), &options)?;
                    }
                    Format::Bvh => bvh::write(&path, clip)?,
                    Format::Safetensors => write_clip(&path, clip)?,
                },
                (None, None) => {}
            }
            written.push(path);
        }
        Ok(written)
    }
}
