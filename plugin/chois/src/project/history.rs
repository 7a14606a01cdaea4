//! Undo and redo.

use std::collections::VecDeque;

use super::document::Project;
use crate::error::Result;

/// Most steps that can be undone.
const DEPTH: usize = 200;

/// What an edit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Nothing: the document is as it was.
    Nothing,
    /// It is a step of its own.
    Step,
    /// It went on with the step before, as while a handle is dragged.
    Merged,
}

/// A document as it was, and what was done to it then.
#[derive(Clone, Debug)]
struct Past {
    project: Project,
    label: String,
}

/// A document with its past and its future. Documents share what is the same in them, so that a step costs what it
/// changed. What is selected is no part of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    now: Project,
    past: VecDeque<Past>,
    future: Vec<Past>,
    /// What the last step goes on with.
    merging: Option<String>,
}

impl History {
    /// A document without a past.
    pub fn new(project: Project) -> Self {
        Self {
            now: project,
            ..Self::default()
        }
    }

    /// The document.
    pub fn project(&self) -> &Project {
        &self.now
    }

    /// Changes the document; `label` is what a menu calls it ("Move strip"). An edit that leaves what cannot be is
    /// refused, and the document stays as it was. A new edit ends the future.
    ///
    /// # Errors
    /// The edit's own, and those of [`Project::validate`].
    pub fn edit(
        &mut self,
        label: &str,
        edit: impl FnOnce(&mut Project) -> Result<()>,
    ) -> Result<Changed> {
        self.settle();
        self.step(label, edit)
    }

    /// The same for edits that follow one another while something is dragged: those of one `key` are one step, until
    /// [`Self::settle`] or another edit.
    ///
    /// # Errors
    /// As [`Self::edit`].
    pub fn drag(
        &mut self,
        key: &str,
        label: &str,
        edit: impl FnOnce(&mut Project) -> Result<()>,
    ) -> Result<Changed> {
        if self.merging.as_deref() != Some(key) {
            self.settle();
            let changed = self.step(label, edit)?;
            if changed == Changed::Step {
                self.merging = Some(key.to_owned());
            }
            return Ok(changed);
        }
        let Some(next) = self.changed(edit)? else {
            return Ok(Changed::Nothing);
        };
        self.now = next;
        // Dragged back to where it was: nothing was done.
        if self
            .past
            .back()
            .is_some_and(|past| past.project == self.now)
        {
            self.past.pop_back();
            self.merging = None;
        }
        Ok(Changed::Merged)
    }

    fn changed(&self, edit: impl FnOnce(&mut Project) -> Result<()>) -> Result<Option<Project>> {
        let mut next = self.now.clone();
        edit(&mut next)?;
        if next == self.now {
            return Ok(None);
        }
        next.validate()?;
        Ok(Some(next))
    }

    fn step(
        &mut self,
        label: &str,
        edit: impl FnOnce(&mut Project) -> Result<()>,
    ) -> Result<Changed> {
        let Some(next) = self.changed(edit)? else {
            return Ok(Changed::Nothing);
        };
        self.past.push_back(Past {
            project: std::mem::replace(&mut self.now, next),
            label: label.to_owned(),
        });
        if self.past.len() > DEPTH {
            self.past.pop_front();
        }
        self.future.clear();
        Ok(Changed::Step)
    }

    /// Ends a drag: the next edit is a step of its own.
    pub fn settle(&mut self) {
        self.merging = None;
    }

    /// What undo would undo.
    pub fn undoes(&self) -> Option<&str> {
        self.past.back().map(|past| &*past.label)
    }

    /// What redo would do again.
    pub fn redoes(&self) -> Option<&str> {
        self.future.last().map(|past| &*past.label)
    }

    /// Steps that can be undone, and that can be done again.
    pub fn len(&self) -> [usize; 2] {
        [self.past.len(), self.future.len()]
    }

    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        self.past.is_empty() && self.future.is_empty()
    }

    /// Goes back a step; false where there is none.
    pub fn undo(&mut self) -> bool {
        self.settle();
        let Some(past) = self.past.pop_back() else {
            return false;
        };
        let now = self.go(past.project);
        self.future.push(Past {
            project: now,
            label: past.label,
        });
        true
    }

    /// Goes forward again; false where nothing was undone.
    pub fn redo(&mut self) -> bool {
        self.settle();
        let Some(future) = self.future.pop() else {
            return false;
        };
        let now = self.go(future.project);
        self.past.push_back(Past {
            project: now,
            label: future.label,
        });
        true
    }

    /// Puts another document in place of this one, and returns this one. Numbers that were given once are never given
    /// again: a take's clip lies in the file of its number.
    fn go(&mut self, to: Project) -> Project {
        let was = std::mem::replace(&mut self.now, to);
        self.now.next = self.now.next.max(was.next);
        was
    }

    /// Says where the takes' clips lie, in all of the past and the future: saving is no edit.
    pub(super) fn set_takes(&mut self, folder: &std::path::Path) {
        let all = self.past.iter_mut().chain(&mut self.future);
        for project in all.map(|p| &mut p.project).chain([&mut self.now]) {
            project.takes = Some(folder.to_owned());
        }
    }
}
