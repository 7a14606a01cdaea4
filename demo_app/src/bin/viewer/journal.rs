//! What happened, for the panel and the log.

use std::collections::VecDeque;

use bevy::prelude::*;

/// Lines kept.
const LINES: usize = 200;

/// The status line, and what happened so far.
#[derive(Resource, Debug, Default)]
pub struct Journal {
    /// What is the case now.
    pub status: Status,
    lines: VecDeque<String>,
}

/// What is the case now.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Status {
    /// Nothing to report.
    #[default]
    Ready,
    /// All is well.
    Good(String),
    /// Something went wrong; says what to do.
    Bad(String),
}

impl Journal {
    /// Something happened.
    pub fn note(&mut self, line: impl Into<String>) {
        let line = line.into();
        info!("{line}");
        self.push(line);
    }

    /// All is well.
    pub fn good(&mut self, line: impl Into<String>) {
        let line = line.into();
        self.status = Status::Good(line.clone());
        self.note(line);
    }

    /// Something went wrong.
    pub fn bad(&mut self, line: impl Into<String>) {
        let line = line.into();
        warn!("{line}");
        self.status = Status::Bad(line.clone());
        self.push(line);
    }

    /// What happened, the newest last.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(String::as_str)
    }

    fn push(&mut self, line: String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}
