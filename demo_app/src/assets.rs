//! Where shipped files lie.

use std::path::PathBuf;

use chois::{Error, Result};

/// The file or folder `name` under `assets`: the folder that `CHOIS_ASSETS` names, or the first `assets` found beside or
/// above the running program or the current folder that holds it.
pub fn find(name: &str) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("CHOIS_ASSETS") {
        return Ok(PathBuf::from(folder).join(name));
    }
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    // `cargo run` names the package's folder: with a shared target folder the program lies outside the checkout.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    for start in [here, package, program].into_iter().flatten() {
        for folder in start.ancestors() {
            let candidate = folder.join("assets").join(name);
            if candidate.exists() {
                return Ok(candidate);
            }
        }
    }
    Err(Error::Missing {
        what: "a shipped file",
        path: PathBuf::from("assets").join(name),
        remedy: "run inside the checkout, or name the assets folder in CHOIS_ASSETS",
    })
}
