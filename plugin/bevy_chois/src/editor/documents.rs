//! Several documents, what was not saved before a crash, and what is missing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chois::motion::MotionClip;
use chois::project::stale::State;
use chois::project::{
    Draft, History, Library, Lost, Missing, Project, StripId, TakeId, draft, file,
};
use chois::{Error, Result};

use super::session::{Ask, Editor, Measured};

/// A document that is open and not shown.
pub(super) struct Parked {
    history: History,
    library: Library,
    measures: HashMap<TakeId, Measured>,
    measured_before: HashMap<TakeId, Measured>,
    // Numbers of takes are a document's own: another's would be found by them.
    uncorrected: HashMap<TakeId, Arc<MotionClip>>,
    states: HashMap<StripId, State>,
    missing: Vec<Missing>,
    path: Option<PathBuf>,
    offer: Option<PathBuf>,
    draft: Option<Draft>,
    selected: Option<StripId>,
    playhead: f32,
    revision: u64,
    saved: u64,
    autosaved: u64,
}

/// A document as a tab shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Its file's name, or that it has none.
    pub name: String,
    /// Whether something was changed since it was saved.
    pub unsaved: bool,
    /// Whether it is the one that is shown.
    pub shown: bool,
}

fn name(path: Option<&Path>) -> String {
    let name = path.and_then(Path::file_name).map(|n| n.to_string_lossy());
    let name = name.as_deref().map(|n| n.trim_end_matches(file::ENDING));
    name.unwrap_or("not saved").to_owned()
}

impl Editor {
    /// The open documents, in the order in which they were opened.
    pub fn tabs(&self) -> Vec<Tab> {
        let mut tabs: Vec<Tab> = (self.parked.iter())
            .map(|p| Tab {
                name: name(p.path.as_deref()),
                unsaved: p.revision != p.saved,
                shown: false,
            })
            .collect();
        let own = Tab {
            name: name(self.path()),
            unsaved: self.is_unsaved(),
            shown: true,
        };
        tabs.insert(self.place.min(tabs.len()), own);
        tabs
    }

    /// Puts the shown document aside.
    fn park(&mut self) -> Parked {
        self.asks.push(Ask::Cancel);
        self.playing = false;
        self.settle();
        self.wanted_contact = None;
        self.holding = None;
        self.compared = None;
        Parked {
            history: std::mem::take(&mut self.history),
            library: std::mem::take(&mut self.library),
            measures: std::mem::take(&mut self.measures),
            measured_before: std::mem::take(&mut self.measured_before),
            uncorrected: std::mem::take(&mut self.uncorrected),
            states: std::mem::take(&mut self.states),
            missing: std::mem::take(&mut self.missing),
            path: self.path.take(),
            offer: self.offer.take(),
            draft: self.draft.take(),
            selected: self.selected.take(),
            playhead: std::mem::take(&mut self.playhead),
            revision: self.revision,
            saved: self.saved,
            autosaved: self.autosaved,
        }
    }

    fn unpark(&mut self, document: Parked) {
        self.history = document.history;
        self.library = document.library;
        self.measures = document.measures;
        self.measured_before = document.measured_before;
        self.uncorrected = document.uncorrected;
        self.states = document.states;
        self.missing = document.missing;
        self.path = document.path;
        self.offer = document.offer;
        self.draft = document.draft;
        self.selected = document.selected;
        self.playhead = document.playhead;
        self.revision = document.revision;
        self.saved = document.saved;
        self.autosaved = document.autosaved;
        self.say("");
    }

    /// Puts the shown document among those that are open. It saves itself first: nothing does while it is not shown. One
    /// that could not tries again when it is shown.
    fn put_aside(&mut self) -> Result<()> {
        let saved = self.autosave_now();
        let parked = self.park();
        self.parked
            .insert(self.place.min(self.parked.len()), parked);
        saved
    }

    /// Opens an empty document beside those that are open, and shows it. What is generated is called off.
    pub fn new_document(&mut self) {
        let saved = self.put_aside();
        self.place = self.parked.len();
        self.set_project(Project::default(), None);
        if let Err(error) = saved {
            self.complain(&error);
        }
    }

    /// Opens a project's file beside those that are open, or shows it where it is open already.
    ///
    /// # Errors
    /// Those of [`file::read_project`]; what is open stays as it is.
    pub fn open_beside(&mut self, path: &Path) -> Result<()> {
        let open = |p: Option<&Path>| p == Some(path);
        if open(self.path()) {
            return Ok(());
        }
        if let Some(i) = self.parked.iter().position(|p| open(p.path.as_deref())) {
            self.show_document(if i < self.place { i } else { i + 1 });
            return Ok(());
        }
        // Read before anything is put aside.
        file::read_project(path)?;
        self.new_document();
        self.open(path)
    }

    /// Shows another of the open documents, by its place in [`Self::tabs`]. What is generated is called off.
    pub fn show_document(&mut self, place: usize) {
        if place == self.place || place > self.parked.len() {
            return;
        }
        let saved = self.put_aside();
        let document = self.parked.remove(place);
        self.place = place;
        self.unpark(document);
        if let Err(error) = saved {
            self.complain(&error);
        }
    }

    /// Closes the shown document, and shows the one before it; the last one becomes an empty one.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it was changed since it was saved, unless `anyway`.
    pub fn close_document(&mut self, anyway: bool) -> Result<()> {
        if self.is_unsaved() && !anyway {
            return Err(Error::invalid(
                "project",
                "is not saved; save it, or close it anyway",
            ));
        }
        if self.parked.is_empty() {
            self.set_project(Project::default(), None);
            return Ok(());
        }
        let next = self.place.saturating_sub(1).min(self.parked.len() - 1);
        self.drop_draft();
        drop(self.park());
        let document = self.parked.remove(next);
        self.place = next;
        self.unpark(document);
        Ok(())
    }

    /// What was saved by itself and never by the animator: after the opened project was, or else of a document that had no
    /// file. The program ended before.
    pub fn offer(&self) -> Option<&Path> {
        let draft = self.left.first();
        self.offer.as_deref().or(draft.map(PathBuf::as_path))
    }

    /// Whether what is offered is a document that never had a file.
    pub fn offers_draft(&self) -> bool {
        self.offer.is_none() && !self.left.is_empty()
    }

    /// Takes what was saved by itself: in place of what was opened, or, of a document that had no file, in place of one that
    /// nobody changed and beside others. It is not saved yet.
    ///
    /// # Errors
    /// Those of [`file::read_project`]; the project stays as it was opened.
    pub fn take_offer(&mut self) -> Result<()> {
        if let (Some(offer), Some(path)) = (self.offer.clone(), self.path.clone()) {
            let project = file::open(&offer)?.0;
            self.set_project(project, Some(path));
        } else if let Some(path) = self.left.first().cloned() {
            self.left.remove(0);
            let Some(draft) = Draft::adopt(&path)? else {
                return Err(Error::invalid(
                    "draft",
                    "another program has opened it meanwhile",
                ));
            };
            let project = draft.read()?;
            if self.is_unsaved() || self.path.is_some() {
                self.new_document();
            }
            self.set_project(project, None);
            self.draft = Some(draft);
        } else {
            return Ok(());
        }
        self.offer = None;
        self.revision += 1;
        self.autosaved = self.revision;
        self.say("this is what was not saved; save it to keep it");
        Ok(())
    }

    /// Forgets what was saved by itself, and deletes it.
    ///
    /// # Errors
    /// [`Error::Write`] where it cannot be deleted.
    pub fn refuse_offer(&mut self) -> Result<()> {
        if let Some(path) = self.offer.take() {
            return std::fs::remove_file(&path).map_err(|source| Error::Write { path, source });
        }
        if self.left.is_empty() {
            return Ok(());
        }
        match Draft::adopt(&self.left.remove(0))? {
            Some(draft) => draft.discard(),
            None => Ok(()),
        }
    }

    /// Looks for documents without a file that a program left behind when it ended, in [`Self::drafts`].
    pub fn look_for_drafts(&mut self) {
        self.left = self.drafts.as_deref().map(draft::left).unwrap_or_default();
    }

    /// Saves a document that has no file yet among the drafts.
    pub(super) fn save_draft(&mut self) -> Result<()> {
        if self.draft.is_none() {
            let Some(folder) = &self.drafts else {
                return Ok(());
            };
            self.draft = Some(Draft::new(folder)?);
        }
        match &self.draft {
            Some(draft) => draft.save(&self.history, &mut self.library),
            None => Ok(()),
        }
    }

    /// The document has a file now, or is not wanted.
    pub(super) fn drop_draft(&mut self) {
        if let Some(draft) = self.draft.take()
            && let Err(error) = draft.discard()
        {
            self.complain(&error);
        }
    }

    /// Says where something is that is missing, in one step that can be undone: a file, in full or relative to the project's
    /// folder. A take's clip cannot be somewhere else.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such file.
    pub fn relink(&mut self, what: Lost, to: &Path) -> Result<()> {
        let folder = self
            .path
            .as_deref()
            .map(file::folder)
            .unwrap_or(Path::new(""));
        let full = folder.join(to);
        if !full.is_file() {
            return Err(Error::invalid(
                "relink",
                format!("{} is no file; name one that is there", full.display()),
            ));
        }
        let to = to.to_owned();
        self.edit("Relink", |p| {
            match what {
                Lost::Object(id) => {
                    if let Some(object) = p.object_mut(id) {
                        object.file = to;
                    }
                }
                Lost::Avatar(track) => {
                    if let Some(track) = p.tracks.get_mut(track) {
                        track.edit().avatar = Some(to);
                    }
                }
                Lost::Room => {
                    if let Some(room) = &mut p.room {
                        room.file = to;
                    }
                }
                Lost::Take(_) => {
                    return Err(Error::invalid(
                        "relink",
                        "a take's clip lies in the project's folder of takes; put its file back there, or generate again",
                    ));
                }
            }
            Ok(())
        });
        Ok(())
    }
}
