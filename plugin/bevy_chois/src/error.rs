//! The one error type of this crate: what can go wrong between a game and the model, each with its remedy.

use bevy::asset::AssetPath;

/// What can go wrong. Nothing that a user can supply panics; it ends here, in one event and one line of the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine-free part refused.
    #[error(transparent)]
    Chois(#[from] chois::error::Error),
    /// An asset could not be read.
    #[error(
        "cannot read {path}: {source}; put the file into the assets folder, or correct the path"
    )]
    Read {
        /// The asset.
        path: AssetPath<'static>,
        /// The reader's word.
        source: std::io::Error,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
