//! Where things lie: workspace, cache, target folders; and whose libtorch is used.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::component::LIBTORCH_VERSION;
use crate::error::{Error, Result};

/// Looks up an environment variable; tests bring their own.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn path_of(variables: Variables, name: &str) -> Option<PathBuf> {
    variables(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The workspace this program belongs to.
///
/// `cargo run` names the crate's folder at run time, which is right even where several checkouts share a target
/// folder; the path it was compiled at is for a program started by hand.
pub fn workspace(variables: Variables) -> PathBuf {
    let by_cargo = path_of(variables, "CARGO_MANIFEST_DIR")
        .filter(|_| variables("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME")));
    let manifest = by_cargo.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    normal(&manifest.join("../.."))
}

/// The per-user cache: `$CHOIS_CACHE`, else `$XDG_CACHE_HOME/bevy_chois`, else `~/.cache/bevy_chois` (the same rule as
/// where `chois` looks for the text encoder).
///
/// # Errors
/// [`Error::NoCache`] where none of the variables is set.
pub fn cache(variables: Variables, current: &Path) -> Result<PathBuf> {
    let path = |name| path_of(variables, name);
    path("CHOIS_CACHE")
        .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("bevy_chois")))
        .or_else(|| {
            path("HOME")
                .or_else(|| path("USERPROFILE"))
                .map(|home| home.join(".cache/bevy_chois"))
        })
        .map(|cache| normal(&current.join(cache)))
        .ok_or(Error::NoCache)
}

/// The folders that get links: the workspace's `target`, and cargo's own where the user moved it.
pub fn targets(variables: Variables, workspace: &Path, current: &Path) -> Vec<PathBuf> {
    let mut targets = vec![workspace.join("target")];
    let moved = path_of(variables, "CARGO_TARGET_DIR")
        .or_else(|| path_of(variables, "CARGO_BUILD_TARGET_DIR"));
    if let Some(moved) = moved.map(|path| normal(&current.join(path)))
        && moved != targets[0]
    {
        targets.push(moved);
    }
    targets
}

/// Whose libtorch the build uses.
#[derive(Debug, PartialEq, Eq)]
pub enum Libtorch {
    /// The one this program provisions.
    Ours,
    /// The user's: a folder with `include` and `lib`.
    Users(PathBuf),
    /// The user's: that of the Python found by the build (`LIBTORCH_USE_PYTORCH`).
    Python,
}

/// Reads the variables that `torch-sys` reads, in its order.
///
/// `LIBTORCH` is always set under cargo, because `.cargo/config.toml` names `target/libtorch`; that path, or `libtorch`
/// in the user's own target folder, is the link this program makes. Anything else is the user's and wins.
///
/// # Errors
/// [`Error::OwnLibtorch`] where the user's folder lacks the library or is of another version.
pub fn whose_libtorch(
    variables: Variables,
    targets: &[PathBuf],
    current: &Path,
) -> Result<Libtorch> {
    if variables("LIBTORCH_USE_PYTORCH").is_some() {
        return Ok(Libtorch::Python);
    }
    let Some(value) = variables("LIBTORCH") else {
        return Ok(Libtorch::Ours);
    };
    let wrong = |path: &Path, reason: String| Error::OwnLibtorch {
        variable: "LIBTORCH",
        path: path.to_owned(),
        reason,
    };
    if value.is_empty() {
        return Err(wrong(Path::new("\"\""), "it is empty".into()));
    }
    let root = normal(&current.join(&value));
    if targets
        .iter()
        .any(|target| same_place(&root, &target.join("libtorch")))
    {
        return Ok(Libtorch::Ours);
    }
    let lib = path_of(variables, "LIBTORCH_LIB")
        .unwrap_or_else(|| root.clone())
        .join("lib");
    let include = path_of(variables, "LIBTORCH_INCLUDE")
        .unwrap_or_else(|| root.clone())
        .join("include");
    let names = [
        "libtorch_cpu.so",
        "libtorch_cpu.dylib",
        "torch_cpu.lib",
        "libtorch_cpu.a",
    ];
    if !names.iter().any(|name| lib.join(name).is_file()) {
        return Err(wrong(
            &root,
            format!("{} holds no torch_cpu library", lib.display()),
        ));
    }
    if !include.join("torch").is_dir() {
        return Err(wrong(
            &root,
            format!("{} holds no headers of torch", include.display()),
        ));
    }
    if variables("LIBTORCH_BYPASS_VERSION_CHECK").is_none()
        && let Ok(version) = std::fs::read_to_string(root.join("build-version"))
    {
        let version = version.trim();
        if version.split('+').next() != Some(LIBTORCH_VERSION) {
            return Err(wrong(
                &root,
                format!("that is version {version} where {LIBTORCH_VERSION} is needed"),
            ));
        }
    }
    Ok(Libtorch::Users(root))
}

/// Whether two paths name one place, though a folder above it may be reached through a link. The last part is compared
/// by name: it is a link itself, and where it leads to does not matter.
fn same_place(a: &Path, b: &Path) -> bool {
    let above = |path: &Path| path.parent().and_then(|parent| parent.canonicalize().ok());
    a == b || (a.file_name() == b.file_name() && above(a).is_some() && above(a) == above(b))
}

/// Resolves `.` and `..` by name, so that paths can be compared before they exist.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn given<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.into())
        }
    }

    #[test]
    fn the_cache_follows_the_variables_in_order() {
        let at = |pairs: &[(&str, &str)]| cache(&given(pairs), Path::new("/here"));
        let all = &[
            ("CHOIS_CACHE", "/a"),
            ("XDG_CACHE_HOME", "/b"),
            ("HOME", "/c"),
            ("USERPROFILE", "/d"),
        ];
        assert_eq!(at(all).unwrap(), Path::new("/a"));
        assert_eq!(at(&all[1..]).unwrap(), Path::new("/b/bevy_chois"));
        assert_eq!(at(&all[2..]).unwrap(), Path::new("/c/.cache/bevy_chois"));
        assert_eq!(at(&all[3..]).unwrap(), Path::new("/d/.cache/bevy_chois"));
        assert!(matches!(at(&[]), Err(Error::NoCache)));
        assert_eq!(
            at(&[("CHOIS_CACHE", ""), ("HOME", "/c")]).unwrap(),
            Path::new("/c/.cache/bevy_chois")
        );
        assert_eq!(
            at(&[("CHOIS_CACHE", "../mine")]).unwrap(),
            Path::new("/mine")
        );
    }

    #[test]
    fn the_workspace_holds_this_crate() {
        let here = workspace(&given(&[]));
        assert!(here.join("plugin/setup/Cargo.toml").is_file());
        let other = [
            ("CARGO_MANIFEST_DIR", "/clone/plugin/setup"),
            ("CARGO_PKG_NAME", "chois_setup"),
        ];
        assert_eq!(workspace(&given(&other)), Path::new("/clone"));
        // Started from a build script or program of another crate, cargo's variables mean that one.
        let foreign = [("CARGO_MANIFEST_DIR", "/game"), ("CARGO_PKG_NAME", "game")];
        assert_eq!(workspace(&given(&foreign)), here);
    }

    #[test]
    fn targets_are_the_workspaces_and_the_users() {
        let at =
            |pairs: &[(&str, &str)]| targets(&given(pairs), Path::new("/w"), Path::new("/w/sub"));
        assert_eq!(at(&[]), [Path::new("/w/target")]);
        assert_eq!(
            at(&[("CARGO_TARGET_DIR", "../target/")]),
            [Path::new("/w/target")]
        );
        assert_eq!(
            at(&[("CARGO_TARGET_DIR", "/t")]),
            [Path::new("/w/target"), Path::new("/t")]
        );
        assert_eq!(
            at(&[("CARGO_BUILD_TARGET_DIR", "t")]),
            [Path::new("/w/target"), Path::new("/w/sub/t")]
        );
    }

    #[test]
    fn our_libtorch_is_the_link_in_a_target_folder() {
        let targets = [PathBuf::from("/w/target"), PathBuf::from("/t")];
        let of = |pairs: &[(&str, &str)]| whose_libtorch(&given(pairs), &targets, Path::new("/w"));
        assert_eq!(of(&[]).unwrap(), Libtorch::Ours);
        for value in [
            "/w/target/libtorch",
            "/w/plugin/../target/libtorch/",
            "target/libtorch",
            "/t/libtorch",
        ] {
            assert_eq!(
                of(&[("LIBTORCH", value)]).unwrap(),
                Libtorch::Ours,
                "{value}"
            );
        }
        let python = [
            ("LIBTORCH_USE_PYTORCH", "1"),
            ("LIBTORCH", "/w/target/libtorch"),
        ];
        assert_eq!(of(&python).unwrap(), Libtorch::Python);
    }

    #[cfg(unix)]
    #[test]
    fn our_libtorch_is_known_through_a_linked_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (real, linked) = (dir.path().join("real"), dir.path().join("linked"));
        fs::create_dir_all(real.join("target")).unwrap();
        std::os::unix::fs::symlink(&real, &linked).unwrap();
        let value = linked.join("target/libtorch");
        let of = whose_libtorch(
            &given(&[("LIBTORCH", value.to_str().unwrap())]),
            &[real.join("target")],
            Path::new("/"),
        );
        assert_eq!(of.unwrap(), Libtorch::Ours);
    }

    #[test]
    fn a_users_libtorch_wins_when_it_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("mine");
        let targets = [PathBuf::from("/w/target")];
        let value = root.to_str().unwrap();
        let of = |more: &[(&str, &str)]| {
            let mut pairs = vec![("LIBTORCH", value)];
            pairs.extend(more);
            whose_libtorch(&given(&pairs), &targets, Path::new("/w"))
        };
        let refused = |more: &[(&str, &str)]| {
            let message = of(more).unwrap_err().to_string();
            assert!(
                message.starts_with("LIBTORCH names ") && message.contains("unset it"),
                "{message}"
            );
            message
        };
        assert!(refused(&[]).contains("holds no torch_cpu library"));
        fs::create_dir_all(root.join("lib")).unwrap();
        fs::write(root.join("lib/libtorch_cpu.so"), "").unwrap();
        assert!(refused(&[]).contains("holds no headers"));
        fs::create_dir_all(root.join("include/torch")).unwrap();
        assert_eq!(of(&[]).unwrap(), Libtorch::Users(root.clone()));
        fs::write(root.join("build-version"), "2.11.0+cu130\n").unwrap();
        assert_eq!(of(&[]).unwrap(), Libtorch::Users(root.clone()));
        fs::write(root.join("build-version"), "2.12.0\n").unwrap();
        assert!(refused(&[]).contains("version 2.12.0 where 2.11.0"));
        assert!(of(&[("LIBTORCH_BYPASS_VERSION_CHECK", "1")]).is_ok());

        let empty = whose_libtorch(&given(&[("LIBTORCH", "")]), &targets, Path::new("/w"));
        assert!(matches!(empty, Err(Error::OwnLibtorch { .. })));
    }
}
