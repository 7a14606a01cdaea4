//! What the user sees, and how they stop it.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Result};

/// Set once the user asks to stop (Ctrl-C, termination); long work looks at it between pieces.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A stop that Ctrl-C and termination signals set.
    pub fn on_signals() -> Self {
        let stop = Self::default();
        let set = stop.clone();
        // Without a handler the signal ends the program at once. That is safe too: the next run clears up.
        ctrlc::set_handler(move || set.set()).ok();
        stop
    }

    /// Asks to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`Error::Interrupted`] once a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_set() {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// Standard error: lines, and on a terminal progress bars.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    terminal: bool,
    silent: bool,
}

impl Screen {
    /// Standard error of this process.
    pub fn stderr() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            silent: false,
        }
    }

    /// Shows nothing.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self {
            terminal: false,
            silent: true,
        }
    }

    /// Writes a line.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.silent {
            eprintln!("{}", line.as_ref());
        }
    }

    /// Begins a stage of `bytes` bytes: `fetching torch 2.11.0`.
    pub fn bar(&self, stage: &str, bytes: u64) -> Bar {
        let bar = if self.terminal {
            let bar = ProgressBar::new(bytes);
            bar.set_style(
                ProgressStyle::with_template(
                    "  {msg:34} [{bar:28}] {decimal_bytes:>9} of {decimal_total_bytes}, \
                     {decimal_bytes_per_sec}, {eta} left",
                )
                .expect("a valid template")
                .progress_chars("=> "),
            );
            bar.set_message(stage.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            self.say(format!("  {stage} ({})", megabytes(bytes)));
            ProgressBar::hidden()
        };
        Bar {
            bar,
            bytes,
            stage: stage.to_owned(),
            screen: *self,
            started: Instant::now(),
        }
    }
}

/// A stage under way. Dropped without [`done`](Self::done), it vanishes.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    bytes: u64,
    stage: String,
    screen: Screen,
    started: Instant,
}

impl Bar {
    /// `bytes` in all are done.
    pub fn set(&self, bytes: u64) {
        self.bar.set_position(bytes.min(self.bytes));
    }

    /// `bytes` more are done.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Ends the stage and, on a terminal, leaves one line about it.
    pub fn done(self) {
        self.bar.finish_and_clear();
        if self.screen.terminal {
            self.screen.say(format!(
                "  {}: {} in {:.1} s",
                self.stage,
                megabytes(self.bytes),
                self.started.elapsed().as_secs_f64()
            ));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `530.7 MB`.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
