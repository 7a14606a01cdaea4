//! The document that is open, and what is selected, played and generated.

mod holding;
mod people;
mod strips;
mod takes;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::documents::Parked;
use bevy::ecs::resource::Resource;
use chois::motion::MotionClip;
use chois::project::export::Format;
use chois::project::generate::Which;
use chois::project::stale::{self, State};
use chois::project::{
    Changed, Deed, Draft, History, Library, Measures, Missing, Numbers, ObjectId, Project, Strip,
    StripId, TakeId, file,
};
use chois::request::InteractionRequest;
use chois::{Error, Result};

use super::film::Film;
use super::scene::SceneState;

/// Time without a change after which what was changed is saved by itself.
const AUTOSAVE: Duration = Duration::from_secs(30);
/// Seconds of a strip that is added.
const NEW_SECONDS: f32 = 4.0;

/// Something that others have to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Generate.
    Generate(Which),
    /// Generate no more.
    Cancel,
    /// Film the timeline.
    Film(Film),
    /// Film no more; pictures that were taken stay.
    StopFilm,
    /// Write all tracks, and with `takes` every take that was not discarded, into a folder.
    Export {
        /// Where to.
        folder: PathBuf,
        /// Whether takes are written too.
        takes: bool,
        /// Frames a second.
        fps: f32,
        /// What is written of each.
        formats: Vec<Format>,
    },
}

/// How a line of the status is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// It tells.
    #[default]
    Plain,
    /// Something is wrong.
    Bad,
}

/// An object that can be added.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// Its file, in full or relative to the project's folder.
    pub file: PathBuf,
    /// Where it is at first.
    pub place: chois::request::ObjectPlace,
}

/// What is generated now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// For which strip.
    pub strip: StripId,
    /// How much of it is done, 0 to 1.
    pub share: f32,
}

/// What was measured of a take as it was then.
#[derive(Clone, Debug)]
pub(in crate::editor) struct Measured {
    pub clip: Arc<MotionClip>,
    pub measures: Arc<Measures>,
    pub numbers: Arc<Numbers>,
    pub deed: Deed,
}

/// The project that is edited.
#[derive(Resource)]
pub struct Editor {
    /// Whether the panel is shown.
    pub shown: bool,
    /// The selected strip; no part of the history.
    pub selected: Option<StripId>,
    /// Time that is shown, seconds.
    pub playhead: f32,
    /// Whether time runs.
    pub playing: bool,
    /// Takes that are generated at once.
    pub variations: usize,
    /// What can be added besides what is in the project.
    pub choices: Vec<Choice>,
    /// What is to be done by others; [`EditorPlugin`](super::EditorPlugin) takes it.
    pub asks: Vec<Ask>,
    /// What is generated now. Read only.
    pub progress: Option<Progress>,
    /// Exports that are being written, or wait for that. Read only.
    pub exports: usize,
    /// Logical pixels that the panel covers at the right and at the bottom, for whoever fits a camera. Read only.
    pub covers: [f32; 2],
    /// What is missing of what the project names. Read only.
    pub missing: Vec<Missing>,
    /// What is taken and shown in the scene; no part of the history.
    pub scene: SceneState,
    /// Takes as the network made them, before hands were made to hold; of this session alone.
    pub(in crate::editor) uncorrected: HashMap<TakeId, Arc<MotionClip>>,
    /// The take whose hands are told to hold at other times now. Read only.
    pub holding: Option<TakeId>,
    /// The same that is to be begun: when the left and the right hand hold.
    pub(in crate::editor) wanted_contact: Option<(TakeId, Vec<[f32; 2]>, Vec<[f32; 2]>)>,
    pub(in crate::editor) library: Library,
    pub(in crate::editor) measures: HashMap<TakeId, Measured>,
    /// The same of takes before hands were made to hold, where that is looked at.
    pub(in crate::editor) measured_before: HashMap<TakeId, Measured>,
    /// The take that the shown one is compared with.
    pub compared: Option<TakeId>,
    pub(in crate::editor) history: History,
    pub(in crate::editor) path: Option<PathBuf>,
    /// What was saved by itself and not taken yet.
    pub(in crate::editor) offer: Option<PathBuf>,
    /// The folder in which documents that have no file yet save themselves; none where they are not kept.
    /// [`EditorPlugin`](super::EditorPlugin) says which.
    pub drafts: Option<PathBuf>,
    /// How long nothing is changed before what was is saved by itself.
    pub autosave_after: Duration,
    /// The shown document as it saves itself while it has no file.
    pub(in crate::editor) draft: Option<Draft>,
    /// Documents without a file that a program left behind when it ended, and that were not taken yet.
    pub(in crate::editor) left: Vec<PathBuf>,
    /// Documents that are open and not shown, and the shown one's place among them.
    pub(in crate::editor) parked: Vec<Parked>,
    pub(in crate::editor) place: usize,
    status: (String, Tone),
    pub(in crate::editor) states: HashMap<StripId, State>,
    /// Counts changes.
    pub(in crate::editor) revision: u64,
    pub(in crate::editor) saved: u64,
    pub(in crate::editor) autosaved: u64,
    changed: Instant,
}

impl Default for Editor {
    fn default() -> Self {
        Self {
            shown: true,
            selected: None,
            playhead: 0.0,
            playing: false,
            variations: 4,
            choices: Vec::new(),
            asks: Vec::new(),
            progress: None,
            exports: 0,
            covers: [0.0; 2],
            missing: Vec::new(),
            scene: SceneState::default(),
            holding: None,
            wanted_contact: None,
            library: Library::default(),
            uncorrected: HashMap::new(),
            measures: HashMap::new(),
            measured_before: HashMap::new(),
            compared: None,
            history: History::default(),
            path: None,
            offer: None,
            drafts: None,
            autosave_after: AUTOSAVE,
            draft: None,
            left: Vec::new(),
            parked: Vec::new(),
            place: 0,
            status: (String::new(), Tone::Plain),
            states: HashMap::new(),
            revision: 0,
            saved: 0,
            autosaved: 0,
            changed: Instant::now(),
        }
    }
}

impl Editor {
    /// Opens a project in place of the present one. What is missing of what it names is told in [`Self::missing`].
    pub fn set_project(&mut self, project: Project, path: Option<PathBuf>) {
        self.history = History::new(project);
        self.library = Library::default();
        self.measures.clear();
        self.measured_before.clear();
        self.uncorrected.clear();
        self.scene.picked = None;
        self.path = path;
        self.offer = None;
        self.drop_draft();
        self.compared = None;
        self.wanted_contact = None;
        self.holding = None;
        self.selected = None;
        self.playhead = 0.0;
        self.playing = false;
        self.asks = vec![Ask::Cancel];
        self.revision += 1;
        self.saved = self.revision;
        self.autosaved = self.revision;
        self.reload();
        self.say(match self.missing.len() {
            0 => String::new(),
            n => format!("{n} things that the project names are missing"),
        });
    }

    /// Opens a project's file.
    ///
    /// # Errors
    /// Those of [`file::read_project`]; the present project stays.
    pub fn open(&mut self, path: &Path) -> Result<()> {
        let project = file::open(path)?.0;
        self.set_project(project, Some(path.to_owned()));
        self.offer = file::newer_autosave(path)?;
        Ok(())
    }

    /// Saves; `path` is needed the first time.
    ///
    /// # Errors
    /// Those of [`file::save`].
    pub fn save(&mut self, path: Option<&Path>) -> Result<()> {
        let path = path.map(Path::to_owned).or_else(|| self.path.clone());
        let Some(path) = path else {
            return Err(Error::invalid(
                "project",
                format!(
                    "has no file yet; save it under a name that ends in {}",
                    file::ENDING
                ),
            ));
        };
        file::save(&mut self.history, &mut self.library, &path)?;
        self.say(format!("saved {}", path.display()));
        self.path = Some(path);
        self.offer = None;
        self.drop_draft();
        self.saved = self.revision;
        self.autosaved = self.revision;
        Ok(())
    }

    /// Saves by itself what was changed a while ago: beside the file, or among the drafts where there is none yet.
    pub(in crate::editor) fn autosave(&mut self) {
        if self.changed.elapsed() < self.autosave_after {
            return;
        }
        if let Err(error) = self.autosave_now() {
            // Told once, not in every frame.
            self.autosaved = self.revision;
            self.complain(&error);
        }
    }

    /// The same at once, if anything was changed.
    pub(in crate::editor) fn autosave_now(&mut self) -> Result<()> {
        // What was not taken yet is not written over.
        if self.offer.is_some() || self.revision == self.autosaved {
            return Ok(());
        }
        match &self.path {
            Some(path) => {
                file::autosave(&self.history, &mut self.library, path)?;
            }
            None => self.save_draft()?,
        }
        self.autosaved = self.revision;
        Ok(())
    }

    /// A number that differs after every change of the project or its takes.
    pub(in crate::editor) fn revision(&self) -> u64 {
        self.revision
    }

    /// The project's file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether something was changed since it was saved.
    pub fn is_unsaved(&self) -> bool {
        self.revision != self.saved
    }

    /// The project.
    pub fn project(&self) -> &Project {
        self.history.project()
    }

    /// Its past and future.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Its meshes and clips.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The selected strip.
    pub fn strip(&self) -> Option<&Strip> {
        self.project().strip(self.selected?)
    }

    /// Where a strip stands.
    pub fn state(&self, strip: StripId) -> &State {
        self.states.get(&strip).unwrap_or(&State::New)
    }

    /// What was said last.
    pub fn status(&self) -> (&str, Tone) {
        (&self.status.0, self.status.1)
    }

    /// Says something in the panel's status line.
    pub fn say(&mut self, line: impl Into<String>) {
        self.status = (line.into(), Tone::Plain);
    }

    /// The same of something that is wrong.
    pub fn complain(&mut self, error: &dyn std::fmt::Display) {
        self.status = (error.to_string(), Tone::Bad);
    }

    /// Changes the project, in one step that can be undone; what cannot be is told in the status line.
    pub fn edit(&mut self, label: &str, edit: impl FnOnce(&mut Project) -> Result<()>) -> bool {
        let changed = self.history.edit(label, edit);
        self.after(changed)
    }

    /// The same for edits that follow one another, such as those of a handle that is dragged: one step for one `key`.
    pub fn drag(
        &mut self,
        key: &str,
        label: &str,
        edit: impl FnOnce(&mut Project) -> Result<()>,
    ) -> bool {
        let changed = self.history.drag(key, label, edit);
        self.after(changed)
    }

    /// Ends a drag.
    pub fn settle(&mut self) {
        self.history.settle();
    }

    fn after(&mut self, changed: Result<Changed>) -> bool {
        match changed {
            Ok(Changed::Nothing) => false,
            Ok(_) => {
                // What was said was about the project before.
                self.say("");
                self.touched();
                true
            }
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    fn touched(&mut self) {
        self.revision += 1;
        self.changed = Instant::now();
        self.reload();
    }

    /// Brings all that hangs on the project up to date.
    fn reload(&mut self) {
        let folder = self.path.as_deref().map(file::folder);
        let folder = folder.unwrap_or(Path::new("")).to_owned();
        self.missing = self.library.load(self.history.project(), &folder);
        let states = stale::states(self.history.project(), &self.library);
        self.states = states.into_iter().collect();
        if self.strip().is_none() {
            self.selected = None;
        }
    }

    /// Undoes a step.
    pub fn undo(&mut self) {
        let label = self.history.undoes().unwrap_or_default().to_owned();
        if self.history.undo() {
            self.touched();
            self.say(format!("undid: {label}"));
        }
    }

    /// Does again what was undone.
    pub fn redo(&mut self) {
        let label = self.history.redoes().unwrap_or_default().to_owned();
        if self.history.redo() {
            self.touched();
            self.say(format!("did again: {label}"));
        }
    }
}

/// What a strip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A walk.
    Walk,
    /// Something done with an object.
    Interact(ObjectId),
    /// Standing.
    Idle,
}

/// The longest that a strip may be, seconds.
pub(in crate::editor) const LONGEST_STRIP: f32 = chois::request::MAX_SECONDS;
/// The shortest that a strip may be, seconds.
pub(in crate::editor) const SHORTEST_STRIP: f32 = chois::request::MIN_SECONDS;

/// Whether the sentence is one that can be asked for.
pub(in crate::editor) fn usable(text: &str) -> bool {
    InteractionRequest::new(text).validate().is_ok()
}
