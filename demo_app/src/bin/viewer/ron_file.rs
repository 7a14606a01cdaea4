//! Files that people write by hand, in RON: what is wrong is told with its line.

use std::path::Path;

use chois::{Error, Result};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

/// Largest file, bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a file; `kind` says what it should be.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] with line and column.
pub fn read<T: DeserializeOwned>(path: &Path, kind: &'static str) -> Result<T> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MAX_BYTES {
        let reason = format!("{bytes} bytes; {MAX_BYTES} are the limit");
        return Err(Error::malformed(path, kind, reason));
    }
    parse(&std::fs::read_to_string(path).map_err(failed)?, path, kind)
}

/// Parses a file's text.
///
/// # Errors
/// [`Error::Malformed`] with line and column.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path, kind: &'static str) -> Result<T> {
    let options = ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES);
    options.from_str(text).map_err(|e| {
        let place = e.span.start;
        let reason = format!("line {}, column {}: {}", place.line, place.col, e.code);
        Error::malformed(path, kind, reason)
    })
}
