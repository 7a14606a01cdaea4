//! Links from target folders into the cache, so that a fresh clone fetches nothing twice.

use std::fs;
use std::io;
use std::path::Path;

use crate::component::Component;
use crate::error::{Error, Result, write};

/// Makes `TARGET/NAME` lead to the component's folder in the cache; returns whether anything changed.
///
/// A link that leads elsewhere is replaced, in one step where the system can. A real folder is never touched: complete
/// it serves as it is, otherwise it is an error.
///
/// # Errors
/// [`Error::InTheWay`], [`Error::Write`].
pub fn link(component: &Component, cache: &Path, target: &Path) -> Result<bool> {
    let to = cache.join(component.folder);
    let place = target.join(component.link);
    match place.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(write(&place)(e)),
        Ok(data) if is_link(&data) => {
            if place.canonicalize().ok() == to.canonicalize().ok() {
                return Ok(false);
            }
        }
        Ok(_) if component.is_complete(&place) => return Ok(false),
        Ok(data) => {
            return Err(Error::InTheWay {
                path: place,
                reason: if data.is_dir() {
                    "an incomplete folder stands where a link belongs"
                } else {
                    "a file stands where a link belongs"
                },
            });
        }
    }
    fs::create_dir_all(target).map_err(write(target))?;
    let fresh = target.join(format!(".{}-{}", component.link, std::process::id()));
    make(&to, &fresh)
        .and_then(|()| replace(&fresh, &place))
        .map_err(write(&place))?;
    Ok(true)
}

#[cfg(unix)]
fn is_link(data: &fs::Metadata) -> bool {
    data.is_symlink()
}

#[cfg(unix)]
fn make(to: &Path, at: &Path) -> io::Result<()> {
    fs::remove_file(at).ok();
    std::os::unix::fs::symlink(to, at)
}

#[cfg(unix)]
fn replace(fresh: &Path, place: &Path) -> io::Result<()> {
    fs::rename(fresh, place).inspect_err(|_| {
        fs::remove_file(fresh).ok();
    })
}

/// Junctions count as links too: both are reparse points.
#[cfg(windows)]
fn is_link(data: &fs::Metadata) -> bool {
    use std::os::windows::fs::MetadataExt;
    const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
    data.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0
}

/// A junction, which needs no privilege but a local drive; where that fails, a copy.
#[cfg(windows)]
fn make(to: &Path, at: &Path) -> io::Result<()> {
    let junction = std::process::Command::new("cmd")
        .args(["/C", "mklink", "/J"])
        .arg(at)
        .arg(to)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    if junction.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    copy(to, at)
}

#[cfg(windows)]
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), &place)?;
        }
    }
    Ok(())
}

#[cfg(windows)]
fn replace(fresh: &Path, place: &Path) -> io::Result<()> {
    // Removes a junction, not what it leads to.
    fs::remove_dir(place).ok();
    fs::rename(fresh, place)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SMALL: Component = Component {
        title: "small",
        folder: "small-1",
        link: "small",
        wheels: &[],
        written: &[("version", "1\n")],
        landmarks: &[],
    };

    fn lay(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("version"), "1\n").unwrap();
    }

    #[test]
    fn a_link_is_made_kept_and_moved() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two, target) = (
            dir.path().join("one"),
            dir.path().join("two"),
            dir.path().join("w/target"),
        );
        lay(&one.join("small-1"));
        lay(&two.join("small-1"));
        assert!(link(&SMALL, &one, &target).unwrap());
        assert_eq!(
            fs::read_to_string(target.join("small/version")).unwrap(),
            "1\n"
        );
        assert!(!link(&SMALL, &one, &target).unwrap());
        assert!(link(&SMALL, &two, &target).unwrap());
        assert_eq!(
            fs::read_link(target.join("small")).unwrap(),
            two.join("small-1")
        );
        // A link that leads nowhere any more.
        fs::remove_dir_all(&two).unwrap();
        assert!(link(&SMALL, &one, &target).unwrap());
        assert!(target.join("small/version").is_file());
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
    }

    #[test]
    fn a_relative_link_to_the_same_place_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        lay(&dir.path().join("small-1"));
        fs::create_dir(dir.path().join("target")).unwrap();
        std::os::unix::fs::symlink("../small-1", dir.path().join("target/small")).unwrap();
        assert!(!link(&SMALL, dir.path(), &dir.path().join("target")).unwrap());
    }

    #[test]
    fn what_is_no_link_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        lay(&dir.path().join("small-1"));
        lay(&target.join("small"));
        assert!(!link(&SMALL, dir.path(), &target).unwrap());
        fs::remove_file(target.join("small/version")).unwrap();
        fs::write(target.join("small/precious"), "").unwrap();
        let message = link(&SMALL, dir.path(), &target).unwrap_err().to_string();
        assert!(
            message.contains("small is in the way") && message.contains("move it away"),
            "{message}"
        );
        assert!(target.join("small/precious").is_file());
    }
}
