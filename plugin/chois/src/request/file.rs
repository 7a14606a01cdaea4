//! Request files: one job or a list of jobs, in RON (`.ron`) or JSON (anything else).
//!
//! ```ron
//! [
//!     (
//!         object: "box.glb",
//!         out: "carry.glb",
//!         request: (
//!             text: "Lift the box, move the box, and put down the box.",
//!             waypoints: [(at: (0.6, 0.1)), (at: (1.2, 0.4))],
//!             end: (1.6, 0.8, 0.0),
//!             seed: 7,
//!         ),
//!     ),
//! ]
//! ```

use std::path::{Path, PathBuf};

use ron::extensions::Extensions;
use serde::{Deserialize, Serialize};

use super::{GuidanceConfig, InteractionRequest};
use crate::contact::ContactConfig;
use crate::error::{Error, Result, read};
use crate::geometry::UpAxis;

/// Largest request file, bytes.
const MAX_BYTES: usize = 16 << 20;
/// Most jobs of one file.
pub const MAX_JOBS: usize = 10_000;

/// One interaction to be generated from files into files. Paths are relative to the request file's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The object's mesh: `.glb`, `.gltf`, `.obj` or `.ply`.
    pub object: PathBuf,
    /// Which axis of the mesh points up; by default the format's custom.
    #[serde(default)]
    pub up: Option<UpAxis>,
    /// A mesh of the scene that body and object keep out of; same frame as the request, or turned by `scene_up`.
    #[serde(default)]
    pub scene: Option<PathBuf>,
    /// Which axis of the scene's mesh points up; by default the format's custom.
    #[serde(default)]
    pub scene_up: Option<UpAxis>,
    /// The `.glb` to be written.
    #[serde(default)]
    pub out: Option<PathBuf>,
    /// The motion clip (`.safetensors`) to be written.
    #[serde(default)]
    pub clip: Option<PathBuf>,
    /// What is asked for.
    pub request: InteractionRequest,
    /// How contact is enforced on it.
    #[serde(default)]
    pub contact: ContactConfig,
}

/// Reads a request file.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] with the line where parsing stopped; the first [`Error::Invalid`] of a request.
pub fn read_jobs(path: &Path) -> Result<Vec<Job>> {
    parse_jobs(&read(path)?, path)
}

/// Parses a request file's bytes; `path` is for its extension, its folder and messages.
///
/// # Errors
/// As [`read_jobs`].
pub fn parse_jobs(bytes: &[u8], path: &Path) -> Result<Vec<Job>> {
    let malformed = |reason: String| Error::malformed(path, "request file", reason);
    if bytes.len() > MAX_BYTES {
        return Err(malformed(format!(
            "{} bytes; {MAX_BYTES} are the limit",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(format!("not UTF-8 text: {e}")))?;
    // Told by the first character: an untagged enum would swallow the reason.
    let many = skip_comments(text).starts_with('[');
    let mut jobs: Vec<Job> = if many {
        parse(text, path).map_err(malformed)?
    } else {
        vec![parse(text, path).map_err(malformed)?]
    };
    if jobs.is_empty() {
        return Err(malformed("it holds no job".to_owned()));
    }
    if jobs.len() > MAX_JOBS {
        return Err(malformed(format!(
            "{} jobs; {MAX_JOBS} are the limit",
            jobs.len()
        )));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for (i, job) in jobs.iter_mut().enumerate() {
        job.request.validate().map_err(|e| match e {
            Error::Invalid { field, reason } => Error::Invalid {
                field: format!("{}: job {i}: {field}", path.display()),
                reason,
            },
            other => other,
        })?;
        job.object = folder.join(&job.object);
        for p in [&mut job.scene, &mut job.out, &mut job.clip] {
            *p = p.as_ref().map(|p| folder.join(p));
        }
    }
    Ok(jobs)
}

/// Reads guidance weights, RON or JSON as request files are.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`], [`Error::Invalid`] for weights out of range.
pub fn read_guidance(path: &Path) -> Result<GuidanceConfig> {
    let malformed = |reason: String| Error::malformed(path, "guidance file", reason);
    let text =
        String::from_utf8(read(path)?).map_err(|e| malformed(format!("not UTF-8 text: {e}")))?;
    let config: GuidanceConfig = parse(&text, path).map_err(malformed)?;
    config.validate()?;
    Ok(config)
}

/// RON where the file is called so, else JSON.
fn parse<T: serde::de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, String> {
    if path.extension().is_some_and(|e| e == "ron") {
        ron::Options::default()
            .with_default_extension(Extensions::IMPLICIT_SOME)
            .from_str(text)
            .map_err(|e| e.to_string())
    } else {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }
}

/// What follows leading white space, `//` and `/* */` comments and `#![...]` attributes.
fn skip_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let rest = if let Some(rest) = text.strip_prefix("//") {
            rest.split_once('\n').map(|(_, rest)| rest)
        } else if let Some(rest) = text.strip_prefix("/*") {
            rest.split_once("*/").map(|(_, rest)| rest)
        } else if let Some(rest) = text.strip_prefix("#!") {
            rest.split_once(']').map(|(_, rest)| rest)
        } else {
            return text;
        };
        text = rest.unwrap_or("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ron_and_json_say_the_same() {
        let ron = r#"// a comment
            (object: "box.glb", out: "carry.glb", request: (text: "Lift the box.", end: (1.0, 0.5, 0.0), seed: 7,
             waypoints: [(at: (0.5, 0.25))]))"#;
        let json = r#"{"object": "box.glb", "out": "carry.glb", "request": {"text": "Lift the box.",
            "end": [1.0, 0.5, 0.0], "seed": 7, "waypoints": [{"at": [0.5, 0.25]}]}}"#;
        let a = parse_jobs(ron.as_bytes(), Path::new("x/a.ron")).expect("RON");
        let b = parse_jobs(json.as_bytes(), Path::new("x/a.json")).expect("JSON");
        assert_eq!(a, b);
        assert_eq!(a[0].object, Path::new("x/box.glb"));
        assert_eq!(a[0].request.seconds, 4.0);
        let list = format!("[{json}, {json}]");
        let many = parse_jobs(list.as_bytes(), Path::new("x/a.json")).expect("a list");
        assert_eq!(many.len(), 2);
    }

    #[test]
    fn faults_name_the_place() {
        let says = |text: &str, name: &str| {
            parse_jobs(text.as_bytes(), Path::new(name))
                .expect_err("a fault")
                .to_string()
        };
        let e = says(
            r#"{"object": "b.obj", "request": {"text": "x", "sedonds": 3}}"#,
            "a.json",
        );
        assert!(e.contains("a.json") && e.contains("sedonds"), "{e}");
        let e = says(r#"{"object": "b.obj", "request": {"text": " "}}"#, "a.json");
        assert!(e.contains("job 0: text") && e.contains("empty"), "{e}");
        let e = says(
            r#"(object: "b.obj", request: (text: "x", seconds: NaN))"#,
            "a.ron",
        );
        assert!(e.contains("seconds"), "{e}");
        assert!(says("[]", "a.json").contains("no job"));
    }
}
