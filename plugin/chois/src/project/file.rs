//! Projects in files.
//!
//! `name.chois.ron` is the document, to be read and written by people too; `name.takes` beside it holds the takes' clips,
//! one `.safetensors` file each, called after the take's number. Clips are written first and the document last, each by
//! way of a neighbour and a rename: a disk that fills up, or a program that ends, leaves the old document with all of its
//! clips. `name.autosave.chois.ron` holds what was not saved yet.

use std::path::{Path, PathBuf};

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::Deserialize;

use super::check::MOST_IDS;
use super::disk::{Disk, RealDisk, replace};
use super::document::{Project, VERSION};
use super::history::History;
use super::library::{Library, Missing, all_takes, take_file};
use crate::clip::clip_bytes;
use crate::error::{Error, Result, read};

/// How project files end.
pub const ENDING: &str = ".chois.ron";
const KIND: &str = "project";
/// Largest project file, bytes.
const MAX_BYTES: usize = 64 << 20;

fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// Reads a project, and what it names into a library. What is missing of that is told; the project opens all the same.
///
/// # Errors
/// Those of [`read_project`].
pub fn open(path: &Path) -> Result<(Project, Library, Vec<Missing>)> {
    let mut project = read_project(path)?;
    if let Some(takes) = &project.takes {
        // Clips of takes that were never saved keep their numbers, whoever may still want them.
        let used = highest(&folder(path).join(takes));
        project.next = project.next.max(used.saturating_add(1));
    }
    let mut library = Library::default();
    let missing = library.load(&project, folder(path));
    Ok((project, library, missing))
}

/// The highest number of a clip in a folder of takes.
fn highest(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|e| e.path().file_stem()?.to_str()?.parse().ok())
        .filter(|id| *id < MOST_IDS)
        .max()
        .unwrap_or(0)
}

/// The folder that a project's paths are relative to.
pub fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads a project's document.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] with the line where parsing stopped, or for another version; the first
/// [`Error::Invalid`] of the document.
pub fn read_project(path: &Path) -> Result<Project> {
    parse_project(&read(path)?, path)
}

/// Parses a project's bytes; `path` is for messages.
///
/// # Errors
/// As [`read_project`].
pub fn parse_project(bytes: &[u8], path: &Path) -> Result<Project> {
    let malformed = |reason: String| Error::malformed(path, KIND, reason);
    if bytes.len() > MAX_BYTES {
        return Err(malformed(format!(
            "{} bytes; {MAX_BYTES} are the limit",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(format!("not UTF-8 text: {e}")))?;
    /// What every version has.
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let place = |e: ron::error::SpannedError| {
        let at = e.span.start;
        format!("line {}, column {}: {}", at.line, at.col, e.code)
    };
    // Another version's fields may be others.
    if let Ok(head) = options().from_str::<Head>(text)
        && head.version != VERSION
    {
        return Err(malformed(if head.version > VERSION {
            format!(
                "it is of version {}, this program knows up to {VERSION}; open it with a newer program",
                head.version
            )
        } else {
            format!("version {} was never written; 1 is the first", head.version)
        }));
    }
    let project: Project = options().from_str(text).map_err(|e| malformed(place(e)))?;
    project.validate().map_err(|e| match e {
        Error::Invalid { field, reason } => Error::Invalid {
            field: format!("{}: {field}", path.display()),
            reason,
        },
        other => other,
    })?;
    Ok(project)
}

/// The text of a project's file.
///
/// # Errors
/// [`Error::Invalid`] where the document is not valid.
pub fn to_text(project: &Project) -> Result<String> {
    project.validate()?;
    let pretty = PrettyConfig::new()
        .indentor("  ")
        .depth_limit(7)
        .extensions(Extensions::IMPLICIT_SOME);
    let text = options()
        .to_string_pretty(project, pretty)
        .map_err(|e| Error::invalid("project", e))?;
    Ok(text + "\n")
}

/// Saves a project with its clips. From then on the takes lie beside that file.
///
/// # Errors
/// [`Error::Write`]; what was saved before is there, whole. [`Error::Invalid`] where the path names no project file or
/// the document is not valid.
pub fn save(history: &mut History, library: &mut Library, path: &Path) -> Result<()> {
    save_on(&RealDisk, history, library, path)
}

/// [`save`] on any disk.
///
/// # Errors
/// As [`save`].
pub fn save_on(
    disk: &dyn Disk,
    history: &mut History,
    library: &mut Library,
    path: &Path,
) -> Result<()> {
    let takes = PathBuf::from(format!("{}.takes", stem(path)?));
    let mut project = history.project().clone();
    let old = project.takes.replace(takes.clone());
    store(disk, &project, library, &folder(path).join(&takes))?;
    replace(disk, path, to_text(&project)?.as_bytes())?;
    if old.as_ref() != Some(&takes) {
        history.set_takes(&takes);
    }
    let auto = autosave_path(path)?;
    if auto.exists() {
        // It would win over what was saved just now.
        disk.remove(&auto)
            .map_err(|source| Error::Write { path: auto, source })?;
    }
    Ok(())
}

/// Writes the clips of all takes that a folder does not have yet.
pub(super) fn store(
    disk: &dyn Disk,
    project: &Project,
    library: &mut Library,
    folder: &Path,
) -> Result<()> {
    for take in all_takes(project) {
        if library.stored.get(&take.id).is_some_and(|at| at == folder) {
            continue;
        }
        // A take whose file is missing has none to be written.
        if let Some(clip) = library.clips.get(&take.id) {
            replace(disk, &folder.join(take_file(take.id)), &clip_bytes(clip))?;
            library.stored.insert(take.id, folder.to_owned());
        }
    }
    for (name, clip) in library.held_files(project) {
        // Its name tells it from all others.
        let path = folder.join(name);
        if !path.exists() {
            replace(disk, &path, &clip_bytes(&clip))?;
        }
    }
    Ok(())
}

/// Saves what was not saved yet beside a project's file, without touching that file. Takes' clips go where they would go.
///
/// # Errors
/// As [`save`].
pub fn autosave(history: &History, library: &mut Library, path: &Path) -> Result<PathBuf> {
    let takes = PathBuf::from(format!("{}.takes", stem(path)?));
    let mut project = history.project().clone();
    store(&RealDisk, &project, library, &folder(path).join(&takes))?;
    project.takes = Some(takes);
    let auto = autosave_path(path)?;
    replace(&RealDisk, &auto, to_text(&project)?.as_bytes())?;
    Ok(auto)
}

/// What was saved by itself after a project's file was: the program ended before the animator saved.
///
/// # Errors
/// [`Error::Invalid`] where the path names no project file.
pub fn newer_autosave(path: &Path) -> Result<Option<PathBuf>> {
    let auto = autosave_path(path)?;
    let time = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
    Ok(match (time(&auto), time(path)) {
        (Ok(auto_time), Ok(own)) => (auto_time >= own).then_some(auto),
        (Ok(_), Err(_)) => Some(auto),
        _ => None,
    })
}

/// Where a project saves itself.
///
/// # Errors
/// [`Error::Invalid`] where the path names no project file.
pub fn autosave_path(path: &Path) -> Result<PathBuf> {
    Ok(path.with_file_name(format!("{}.autosave{ENDING}", stem(path)?)))
}

/// The project's name.
pub(super) fn stem(path: &Path) -> Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(ENDING) {
        Some(stem) if !stem.is_empty() => Ok(stem.to_owned()),
        _ => Err(Error::invalid(
            "project",
            format!("{} must end in {ENDING}", path.display()),
        )),
    }
}
