//! The one error type of this crate. Every variant carries the data, every message says what to do.

use std::path::{Path, PathBuf};

/// What can go wrong. Nothing that a user can supply panics; it ends here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}: {source}; name a file that is there and may be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
    },
    /// A file could not be written. Nothing half-written is left behind.
    #[error("cannot write {path}: {source}; choose a writable place")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
    },
    /// A file was read but is not what it should be.
    #[error("{path} is not a usable {kind}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should have been: "checkpoint", "motion clip", "mesh", ...
        kind: &'static str,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// A field of a request, a config or an argument holds a value that cannot be used.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, as the user wrote it.
        field: String,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// Something that must be provisioned first is not there.
    #[error("{what} is missing ({path}); {remedy}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// How to get it.
        remedy: &'static str,
    },
    /// The run was cancelled between two steps. Nothing of it was written.
    #[error("cancelled")]
    Cancelled,
    /// libtorch reported an error.
    #[error(
        "libtorch: {0}; see that it has memory enough and is version 2.11.0, which `cargo setup` fetches"
    )]
    Torch(#[from] tch::TchError),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A file that is not what it should be.
    pub fn malformed(
        path: impl AsRef<Path>,
        kind: &'static str,
        reason: impl std::fmt::Display,
    ) -> Self {
        Self::Malformed {
            path: path.as_ref().to_owned(),
            kind,
            reason: reason.to_string(),
        }
    }

    /// A value that cannot be used.
    pub fn invalid(field: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.to_string(),
        }
    }
}

/// Reads a whole file, naming it when that fails.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// Writes a whole file by way of a neighbour and a rename, so that nothing half-written is left.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.map_err(failed)
}

/// The first line of another crate's error, cut to a readable length: some quote whole lines of the file.
pub(crate) fn brief(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(160).collect();
    if short.len() < line.len() {
        short.push_str("...");
    }
    short
}
