//! Runs cargo for `demo` and `verify`, each command printed before it runs.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::screen::{Screen, Stop};

/// What `verify` runs, in order.
pub const VERIFY: &[&[&str]] = &[
    &["fmt", "--all", "--check"],
    &[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ],
    &["test", "--workspace"],
];

/// What `demo` runs; the user's own arguments follow.
pub const DEMO: &[&str] = &["run", "-p", "chois_demo", "--bin", "viewer", "--"];

/// Runs stages in the workspace until one fails; returns that one's exit code, or 130 when stopped.
///
/// # Errors
/// [`Error::Start`] where cargo is not there, [`Error::Interrupted`] when stopped before it began.
pub fn run(
    stages: &[Vec<String>],
    workspace: &Path,
    screen: &Screen,
    stop: &Stop,
) -> Result<ExitCode> {
    let started = Instant::now();
    for stage in stages {
        stop.check()?;
        let line = format!("cargo {}", stage.join(" "));
        screen.say(format!("$ {line}"));
        let code = run_one(stage, workspace, stop)?;
        if stop.is_set() {
            screen.say(format!("stopped: {line}"));
            // As a shell reports a program that Ctrl-C ended.
            return Ok(ExitCode::from(130));
        }
        if code != 0 {
            screen.say(format!("failed (exit code {code}): {line}"));
            return Ok(ExitCode::from(code));
        }
    }
    if stages.len() > 1 {
        screen.say(format!(
            "all {} checks passed in {} s",
            stages.len(),
            started.elapsed().as_secs()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn run_one(arguments: &[String], workspace: &Path, stop: &Stop) -> Result<u8> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let failed = |source| Error::Start {
        program: program.to_string_lossy().into_owned(),
        source,
    };
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(workspace);
    // What `cargo run` sets for this program must not reach builds: scripts that watch these variables would run again
    // at the next plain `cargo build`.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_run) {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn().map_err(failed)?;
    let mut asked = None;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1));
        }
        // Ctrl-C reaches cargo by itself; a signal sent to this program alone does not.
        if stop.is_set()
            && asked.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(3)
        {
            child.kill().ok();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether cargo set a variable only for the program that `cargo run` starts.
fn is_of_this_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || [
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_MANIFEST_LINKS",
            "CARGO_BIN_NAME",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "OUT_DIR",
        ]
        .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_set_for_cargo_reaches_the_stages() {
        for name in [
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "CARGO_HOME",
            "LIBTORCH",
            "CXXFLAGS",
            "CARGO_BUILD_JOBS",
        ] {
            assert!(!is_of_this_run(name), "{name}");
        }
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_PKG_VERSION_MAJOR",
            "CARGO_MANIFEST_DIR",
        ] {
            assert!(is_of_this_run(name), "{name}");
        }
    }

    #[test]
    fn the_first_failure_ends_the_run_with_its_code() {
        let stages = |lines: &[&str]| -> Vec<Vec<String>> {
            lines
                .iter()
                .map(|line| line.split(' ').map(str::to_owned).collect())
                .collect()
        };
        let dir = tempfile::tempdir().unwrap();
        let go = |lines: &[&str]| {
            run(
                &stages(lines),
                dir.path(),
                &Screen::silent(),
                &Stop::default(),
            )
            .unwrap()
        };
        assert_eq!(go(&["--version", "--version"]), ExitCode::SUCCESS);
        // Cargo's own code for a wrong command line is 101 or 1; a folder without a manifest gives 101.
        assert_eq!(go(&["locate-project", "new made"]), ExitCode::from(101));
        assert!(!dir.path().join("made").exists(), "the second stage ran");
        assert_eq!(go(&["--version", "new --vcs none made"]), ExitCode::SUCCESS);
        assert!(dir.path().join("made").exists());
    }
}
