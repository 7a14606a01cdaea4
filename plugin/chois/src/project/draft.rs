//! Documents that have no file yet, kept in a folder of their own until they are saved, for the case that the program ends.
//!
//! `draft-NAME.chois.ron` with its `draft-NAME.takes` is what an autosave of a saved project is; `draft-NAME.lock` is held by
//! the program that has the document open. What nobody holds was left behind.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::disk::{RealDisk, replace};
use super::document::Project;
use super::file::{self, ENDING};
use super::history::History;
use super::library::Library;
use crate::error::{Error, Result};

/// How drafts' files begin.
const PREFIX: &str = "draft-";

/// A document without a file, as it saves itself. Dropped it stays on the disk, to be found by [`left`].
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    /// Held as long as the document is open.
    lock: File,
}

impl Draft {
    /// A new one in a folder, which is made.
    ///
    /// # Errors
    /// [`Error::Write`] where nothing can be written there.
    pub fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Write {
            path: folder.to_owned(),
            source,
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        // Two documents of one program, or two programs, may begin at once.
        for k in 0_u32.. {
            let name = format!("{PREFIX}{now}-{}-{k}{ENDING}", std::process::id());
            let path = folder.join(name);
            let lock = lock_path(&path);
            match File::create_new(&lock) {
                Ok(file) => {
                    file.lock()
                        .map_err(|source| Error::Write { path: lock, source })?;
                    return Ok(Self { path, lock: file });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path: lock, source }),
            }
        }
        Err(Error::invalid("draft", "there are too many of them"))
    }

    /// Takes one over that was left behind; none where another program has it by now.
    ///
    /// # Errors
    /// [`Error::Write`] where it cannot be held.
    pub fn adopt(path: &Path) -> Result<Option<Self>> {
        let at = lock_path(path);
        let open = File::options().create(true).append(true).open(&at);
        let lock = open.map_err(|source| Error::Write {
            path: at.clone(),
            source,
        })?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                path: path.to_owned(),
                lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::Write { path: at, source }),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves the document as it is now. Paths in it that are relative are to the present folder, and become whole.
    ///
    /// # Errors
    /// Those of [`file::save`].
    pub fn save(&self, history: &History, library: &mut Library) -> Result<()> {
        let mut project = history.project().clone();
        let takes = PathBuf::from(format!("{}.takes", file::stem(&self.path)?));
        let folder = file::folder(&self.path);
        file::store(&RealDisk, &project, library, &folder.join(&takes))?;
        project.takes = Some(takes);
        let whole = |path: &mut PathBuf| {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        };
        for object in &mut project.objects {
            whole(&mut object.edit().file);
        }
        for track in &mut project.tracks {
            if track.avatar.is_some() {
                track.edit().avatar.iter_mut().for_each(whole);
            }
        }
        if let Some(room) = &mut project.room {
            whole(&mut room.file);
        }
        replace(&RealDisk, &self.path, file::to_text(&project)?.as_bytes())
    }

    /// Reads it. Its takes are where they lie until the document is saved under a name of its own.
    ///
    /// # Errors
    /// Those of [`file::read_project`].
    pub fn read(&self) -> Result<Project> {
        let mut project = file::read_project(&self.path)?;
        let folder = file::folder(&self.path);
        project.takes = project.takes.map(|takes| folder.join(takes));
        Ok(project)
    }

    /// Deletes it: the document was saved, or is not wanted.
    ///
    /// # Errors
    /// [`Error::Write`] where it cannot be deleted.
    pub fn discard(self) -> Result<()> {
        let Self { path, lock } = self;
        let takes = path.with_file_name(format!("{}.takes", file::stem(&path)?));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        if path.exists() {
            std::fs::remove_file(&path).map_err(failed(&path))?;
        }
        if takes.is_dir() {
            std::fs::remove_dir_all(&takes).map_err(failed(&takes))?;
        }
        drop(lock);
        let lock = lock_path(&path);
        std::fs::remove_file(&lock).map_err(failed(&lock))
    }
}

/// Drafts of a folder whose programs have ended, the newest first. A folder that is not there has none.
pub fn left(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<(SystemTime, PathBuf)> = (entries.flatten())
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let draft = name.starts_with(PREFIX) && name.ends_with(ENDING);
            let time = entry.metadata().and_then(|m| m.modified()).ok()?;
            draft.then(|| (time, entry.path()))
        })
        // Held for a moment only: that it can be is what is asked.
        .filter(|(_, path)| matches!(Draft::adopt(path), Ok(Some(_))))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

fn lock_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{}.lock", name.trim_end_matches(ENDING)))
}
