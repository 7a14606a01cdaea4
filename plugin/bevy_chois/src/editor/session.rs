//! The document that is open, and what is selected, played and generated.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::documents::Parked;
use bevy::ecs::resource::Resource;
use chois::motion::lock::{LockedKey, Part};
use chois::motion::{FPS, MotionClip};
use chois::project::export::Format;
use chois::project::generate::{Made, Which, add};
use chois::project::stale::{self, State};
use chois::project::{
    Changed, Deed, Draft, Edit, History, Library, Measures, Missing, Numbers, Object, ObjectId,
    Project, Strip, StripId, Take, TakeId, Track, Verdict, file,
};
use chois::request::{InteractionRequest, PersonPlace};
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
pub(super) struct Measured {
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
    /// Logical pixels that the panel covers at the right and at the bottom, for whoever fits a camera. Read only.
    pub covers: [f32; 2],
    /// What is missing of what the project names. Read only.
    pub missing: Vec<Missing>,
    /// What is taken and shown in the scene; no part of the history.
    pub scene: SceneState,
    /// Takes as the network made them, before hands were made to hold; of this session alone.
    pub(super) uncorrected: HashMap<TakeId, Arc<MotionClip>>,
    /// The take whose hands are told to hold at other times now. Read only.
    pub holding: Option<TakeId>,
    /// The same that is to be begun: when the left and the right hand hold.
    pub(super) wanted_contact: Option<(TakeId, Vec<[f32; 2]>, Vec<[f32; 2]>)>,
    pub(super) library: Library,
    pub(super) measures: HashMap<TakeId, Measured>,
    /// The take that the shown one is compared with.
    pub compared: Option<TakeId>,
    pub(super) history: History,
    pub(super) path: Option<PathBuf>,
    /// What was saved by itself and not taken yet.
    pub(super) offer: Option<PathBuf>,
    /// The folder in which documents that have no file yet save themselves; none where they are not kept.
    /// [`EditorPlugin`](super::EditorPlugin) says which.
    pub drafts: Option<PathBuf>,
    /// How long nothing is changed before what was is saved by itself.
    pub autosave_after: Duration,
    /// The shown document as it saves itself while it has no file.
    pub(super) draft: Option<Draft>,
    /// Documents without a file that a program left behind when it ended, and that were not taken yet.
    pub(super) left: Vec<PathBuf>,
    /// Documents that are open and not shown, and the shown one's place among them.
    pub(super) parked: Vec<Parked>,
    pub(super) place: usize,
    status: (String, Tone),
    pub(super) states: HashMap<StripId, State>,
    /// Counts changes.
    pub(super) revision: u64,
    pub(super) saved: u64,
    pub(super) autosaved: u64,
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
            covers: [0.0; 2],
            missing: Vec::new(),
            scene: SceneState::default(),
            holding: None,
            wanted_contact: None,
            library: Library::default(),
            uncorrected: HashMap::new(),
            measures: HashMap::new(),
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
        self.uncorrected.clear();
        self.scene.picked = None;
        self.path = path;
        self.offer = None;
        self.drop_draft();
        self.compared = None;
        self.wanted_contact = None;
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
    pub(super) fn autosave(&mut self) {
        // What was not taken yet is not written over.
        if self.offer.is_some()
            || self.revision == self.autosaved
            || self.changed.elapsed() < self.autosave_after
        {
            return;
        }
        self.autosaved = self.revision;
        let saved = match &self.path {
            Some(path) => file::autosave(&self.history, &mut self.library, path).map(|_| ()),
            None => self.save_draft(),
        };
        if let Err(error) = saved {
            self.complain(&error);
        }
    }

    /// A number that differs after every change of the project or its takes.
    pub(super) fn revision(&self) -> u64 {
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
                if self.status.1 == Tone::Bad {
                    self.say("");
                }
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

    /// Adds a person.
    pub fn add_track(&mut self, name: &str, person: PersonPlace) -> bool {
        self.edit("Add person", |p| {
            p.tracks.push(
                Track {
                    name: name.to_owned(),
                    person,
                    ..Track::default()
                }
                .into(),
            );
            Ok(())
        })
    }

    /// Adds one more person, a metre to the left of the last one and with the same body.
    pub fn add_person(&mut self) -> bool {
        let count = self.project().tracks.len();
        let Some(last) = self.project().tracks.last() else {
            return self.add_track("Person", PersonPlace::default());
        };
        let (mut person, avatar) = (last.person, last.avatar.clone());
        let facing = person.facing.to_radians();
        person.position[0] -= facing.sin();
        person.position[1] += facing.cos();
        self.edit("Add person", |p| {
            let track = Track {
                name: format!("Person {}", count + 1),
                avatar,
                person,
                ..Track::default()
            };
            p.tracks.push(track.into());
            Ok(())
        })
    }

    /// Adds an object.
    pub fn add_object(&mut self, choice: &Choice) -> Option<ObjectId> {
        let mut id = None;
        self.edit("Add object", |p| {
            let new = ObjectId(p.fresh());
            id = Some(new);
            p.objects.push(
                Object {
                    id: new,
                    name: choice.name.clone(),
                    file: choice.file.clone(),
                    up: None,
                    place: choice.place,
                    contact: Default::default(),
                }
                .into(),
            );
            Ok(())
        });
        id
    }

    /// Where a person is at the end of what they do so far, and faces.
    fn stands(&self, track: usize) -> PersonPlace {
        let Some(track) = self.project().tracks.get(track) else {
            return PersonPlace::default();
        };
        let mut place = track.person;
        let mut strips: Vec<&Strip> = track.strips.iter().map(|s| &**s).collect();
        strips.sort_by(|a, b| a.start.total_cmp(&b.start));
        for strip in strips {
            if let Some(frame) = self
                .library
                .shown(strip)
                .and_then(|c| c.frames.last().copied())
            {
                let ahead = frame.pose.rotations[0] * nalgebra::Vector3::z();
                let facing = ahead.y.atan2(ahead.x).to_degrees();
                place = PersonPlace {
                    position: [frame.pose.root.x, frame.pose.root.y],
                    facing,
                };
            } else if let Deed::Walk { end, facing, .. } = &strip.deed {
                place.position = *end;
                place.facing = facing.unwrap_or(place.facing);
            }
        }
        place
    }

    /// Adds a strip after the last of a track, and selects it.
    pub fn add_strip(&mut self, track: usize, kind: Kind) -> Option<StripId> {
        let stands = self.stands(track);
        let start = (self.project().tracks.get(track)?.strips.iter())
            .map(|s| s.end())
            .fold(0.0, f32::max);
        let ahead = stands.facing.to_radians();
        let deed = match kind {
            Kind::Walk => Deed::Walk {
                text: "Walk.".into(),
                waypoints: Vec::new(),
                end: [
                    stands.position[0] + 1.5 * ahead.cos(),
                    stands.position[1] + 1.5 * ahead.sin(),
                ],
                facing: None,
                backward: false,
            },
            Kind::Idle => Deed::Idle,
            Kind::Interact(object) => {
                let name = self.project().object(object)?.name.clone();
                let place = self.project().object_place(&self.library, object, start);
                let [x, y, z] = place.unwrap_or_default().position;
                Deed::Interact {
                    text: format!("Lift the {name}, move the {name}, and put down the {name}."),
                    object,
                    waypoints: Vec::new(),
                    // To the left, where people mostly carry.
                    end: Some([x - ahead.sin(), y + ahead.cos(), z]),
                    turn: None,
                }
            }
        };
        let mut id = None;
        let added = self.edit("Add strip", |p| {
            let new = StripId(p.fresh());
            id = Some(new);
            let seconds = if kind == Kind::Idle { 2.0 } else { NEW_SECONDS };
            let strip = Strip::new(new, start, seconds, deed);
            p.tracks[track].edit().strips.push(strip.into());
            Ok(())
        });
        if added {
            self.selected = id;
        }
        id.filter(|_| added)
    }

    /// Deletes the selected strip; its takes' clips stay where they are.
    pub fn delete_strip(&mut self) {
        let Some(id) = self.selected else { return };
        self.edit("Delete strip", |p| {
            if let Some(k) = p.track_of(id) {
                p.tracks[k].edit().strips.retain(|s| s.id != id);
            }
            Ok(())
        });
    }

    /// Puts a copy of the selected strip, without takes, after the last one.
    pub fn duplicate_strip(&mut self) {
        let Some(strip) = self.strip().cloned() else {
            return;
        };
        let mut id = None;
        let done = self.edit("Duplicate strip", |p| {
            let Some(k) = p.track_of(strip.id) else {
                return Ok(());
            };
            let new = StripId(p.fresh());
            id = Some(new);
            let end = p.tracks[k]
                .strips
                .iter()
                .map(|s| s.end())
                .fold(0.0, f32::max);
            let copy = Strip {
                id: new,
                start: end,
                takes: Vec::new(),
                shown: None,
                ..strip
            };
            p.tracks[k].edit().strips.push(copy.into());
            Ok(())
        });
        if done {
            self.selected = id;
        }
    }

    /// Changes the selected strip; edits of one `key` are one step.
    pub fn change_strip(
        &mut self,
        key: &str,
        label: &str,
        change: impl FnOnce(&mut Strip),
    ) -> bool {
        let Some(id) = self.selected else {
            return false;
        };
        self.drag(&format!("{key} {}", id.0), label, |p| {
            if let Some(strip) = p.strip_mut(id) {
                change(strip);
            }
            Ok(())
        })
    }

    /// Times that a strip may begin and end at, between its neighbours.
    pub fn room(&self, id: StripId) -> [f32; 2] {
        let mut room = [0.0, f32::INFINITY];
        let project = self.project();
        let (Some(track), Some(own)) = (project.track_of(id), project.strip(id)) else {
            return room;
        };
        for other in project.tracks[track].strips.iter().filter(|s| s.id != id) {
            if other.start < own.start {
                room[0] = f32::max(room[0], other.end());
            } else {
                room[1] = f32::min(room[1], other.start);
            }
        }
        room
    }

    /// Shows another take of a strip.
    pub fn show_take(&mut self, strip: StripId, take: TakeId) {
        self.edit("Show take", |p| {
            if let Some(strip) = p.strip_mut(strip) {
                strip.shown = Some(take);
            }
            Ok(())
        });
    }

    /// Says what is thought of a take. One that is accepted is shown, and the only one that is.
    pub fn judge(&mut self, strip: StripId, take: TakeId, verdict: Verdict) {
        let label = match verdict {
            Verdict::Open => "Leave take open",
            Verdict::Kept => "Keep take",
            Verdict::Accepted => "Accept take",
            Verdict::Discarded => "Discard take",
        };
        self.edit(label, |p| {
            let Some(strip) = p.strip_mut(strip) else {
                return Ok(());
            };
            for other in &mut strip.takes {
                if other.id == take {
                    other.edit().verdict = verdict;
                } else if verdict == Verdict::Accepted && other.verdict == Verdict::Accepted {
                    other.edit().verdict = Verdict::Kept;
                }
            }
            if verdict == Verdict::Accepted {
                strip.shown = Some(take);
            } else if verdict == Verdict::Discarded && strip.shown == Some(take) {
                let left = strip.takes.iter().rev();
                let next = left.into_iter().find(|t| t.verdict != Verdict::Discarded);
                strip.shown = next.map(|t| t.id);
            }
            Ok(())
        });
    }

    /// Edits the take that the selected strip shows; a strip is then as long as its take.
    pub fn edit_take(&mut self, label: &str, edit: Edit) -> bool {
        let Some((of, take)) = self.strip().and_then(|s| Some((s.clone(), s.shown?))) else {
            return false;
        };
        let strip = of.id;
        // Tried first, so that what cannot be done is refused with its own words.
        let Some(clip) = self.library.clip(take) else {
            self.complain(&"the take's clip is missing");
            return false;
        };
        let seconds = match self.library.apply(&of, &clip, &edit) {
            Ok(clip) => clip.seconds(),
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        self.edit(label, |p| {
            let Some(strip) = p.strip_mut(strip) else {
                return Ok(());
            };
            strip.stretch(seconds);
            strip.keys.retain_mut(|key| match edit.when(key.at) {
                Some(at) => {
                    key.at = at;
                    key.frame() > 0
                }
                None => false,
            });
            if let Some(take) = strip.takes.iter_mut().find(|t| t.id == take) {
                take.edit().edits.push(edit);
            }
            Ok(())
        })
    }

    /// Tunes the shown take: the last of its edits by hand becomes this one where `same` says that it goes on with it, else it
    /// comes after it. Tunings of one `key` are one step.
    pub fn tune(
        &mut self,
        key: &str,
        label: &str,
        same: impl Fn(&Edit) -> bool,
        edit: Edit,
    ) -> bool {
        let Some((of, take)) = self.strip().and_then(|s| Some((s.clone(), s.shown?))) else {
            return false;
        };
        let Some(mut edits) = of.take(take).map(|t| t.edits.clone()) else {
            return false;
        };
        if edits.last().is_some_and(same) {
            edits.pop();
        }
        edits.push(edit);
        // Tried first, so that what cannot be done is refused with its own words.
        let seconds = match self.library.with_edits(&of, take, &edits) {
            Ok(clip) => clip.seconds(),
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        let key = format!("{key} {}", take.0);
        self.drag(&key, label, |p| {
            if let Some(strip) = p.strip_mut(of.id) {
                strip.seconds = seconds;
                if let Some(own) = strip.takes.iter_mut().find(|t| t.id == take) {
                    own.edit().edits = edits;
                }
            }
            Ok(())
        })
    }

    /// Has the hands of the shown take hold at other times, `[from, to]` in seconds of the take; physics runs elsewhere, and
    /// what it makes is an edit of the take. Returns whether there is such a take.
    pub fn set_contact(&mut self, left: Vec<[f32; 2]>, right: Vec<[f32; 2]>) -> bool {
        let Some(take) = self.strip().and_then(|s| s.object().and(s.shown)) else {
            return false;
        };
        self.wanted_contact = Some((take, left, right));
        true
    }

    /// Whether hands are being told to hold at other times.
    pub fn is_holding(&self) -> bool {
        self.holding.is_some() || self.wanted_contact.is_some()
    }

    /// A take as it was before its hands were told to hold at other times, with the edits that made it so.
    pub(super) fn before_contact(
        &self,
        take: TakeId,
    ) -> Option<(Strip, Arc<MotionClip>, Vec<Edit>)> {
        let (strip, own) = self.project().take(take)?;
        let mut edits = own.edits.clone();
        if matches!(edits.last(), Some(Edit::Contact { .. })) {
            edits.pop();
        }
        let clip = self.library.with_edits(strip, take, &edits).ok()?;
        Some((strip.clone(), clip, edits))
    }

    /// The take with hands that hold at other times is there.
    pub(super) fn finish_contact(&mut self, take: TakeId, edits: Vec<Edit>, clip: MotionClip) {
        let Some(strip) = self.project().take(take).map(|(s, _)| s.id) else {
            return;
        };
        let given = match edits.last() {
            Some(Edit::Contact { left, right }) => [left.clone(), right.clone()],
            _ => Default::default(),
        };
        let heard = kept_to(&clip, &given);
        self.library.know(take, edits.clone(), clip);
        self.edit("Change contact", |p| {
            if let Some(strip) = p.strip_mut(strip)
                && let Some(own) = strip.takes.iter_mut().find(|t| t.id == take)
            {
                own.edit().edits = edits;
            }
            Ok(())
        });
        match heard {
            None => self.say("hands hold as they are told"),
            Some(line) => self.complain(&line),
        }
    }

    /// Locks a moment of the shown take at the playhead: what is generated from now on goes through it. Parts that are
    /// locked there already stay locked.
    pub fn lock(&mut self, parts: Vec<Part>) -> bool {
        let Some((id, start, take)) = self.strip().and_then(|s| Some((s.id, s.start, s.shown?)))
        else {
            self.complain(&"only a strip with a take can be locked; generate it first");
            return false;
        };
        let at = ((self.playhead - start) * FPS).round() / FPS;
        let key = self.library.clip(take);
        let Some(key) = key.and_then(|clip| LockedKey::of(&clip, at, parts)) else {
            self.complain(&"the playhead is not in the strip; put it where the moment is");
            return false;
        };
        self.edit("Lock", |p| {
            let Some(strip) = p.strip_mut(id) else {
                return Ok(());
            };
            match strip.keys.iter_mut().find(|k| k.frame() == key.frame()) {
                Some(own) => {
                    let mut all = own.parts.clone();
                    all.extend(key.parts.iter().filter(|&p| !own.holds(p)).cloned());
                    *own = LockedKey { parts: all, ..key };
                }
                None => {
                    strip.keys.push(key);
                    strip.keys.sort_by(|a, b| a.at.total_cmp(&b.at));
                }
            }
            Ok(())
        })
    }

    /// Unlocks a moment of the selected strip: the number of its key.
    pub fn unlock(&mut self, key: usize) -> bool {
        let Some(id) = self.selected else {
            return false;
        };
        self.edit("Unlock", |p| {
            if let Some(strip) = p.strip_mut(id)
                && key < strip.keys.len()
            {
                strip.keys.remove(key);
            }
            Ok(())
        })
    }

    /// Cuts the selected strip and the take it shows in two at the playhead.
    pub fn split_strip(&mut self) -> bool {
        let Some(strip) = self.strip().cloned() else {
            return false;
        };
        let at = ((self.playhead - strip.start) * FPS).round() / FPS;
        let Some(take) = strip.shown().cloned() else {
            self.complain(&"only a strip with a take can be split; generate it first");
            return false;
        };
        let Some(clip) = self.library.clip(take.id) else {
            self.complain(&"the take's clip is missing");
            return false;
        };
        let parts = match chois::motion::edit::split(&clip, at) {
            Ok(parts) => parts,
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        if parts
            .iter()
            .any(|p| p.seconds() < chois::request::MIN_SECONDS)
        {
            self.complain(&"each part must be at least a second long; move the playhead");
            return false;
        }
        let [first, second] = parts;
        let (mut one, mut other) = (strip.clone(), strip.clone());
        let library = &mut self.library;
        let changed = self.history.edit("Split strip", |p| {
            let Some(k) = p.track_of(strip.id) else {
                return Ok(());
            };
            for (part, clip) in [(&mut one, first), (&mut other, second)] {
                let id = TakeId(p.fresh());
                part.seconds = clip.seconds();
                library.insert(id, clip);
                part.shown = Some(id);
                let by_hand = Take {
                    id,
                    seed: take.seed,
                    variations: take.variations.clone(),
                    verdict: Verdict::Kept,
                    made: None,
                    edits: Vec::new(),
                };
                part.takes = vec![by_hand.into()];
            }
            other.id = StripId(p.fresh());
            other.start = one.start + one.seconds;
            one.keys.retain(|key| key.at < one.seconds);
            other.keys.retain_mut(|key| {
                key.at -= one.seconds;
                key.frame() > 0
            });
            let strips = &mut p.tracks[k].edit().strips;
            strips.retain(|s| s.id != strip.id);
            strips.push(one.into());
            strips.push(other.into());
            Ok(())
        });
        self.after(changed)
    }

    /// Adds what was generated; `before` are the same clips before hands were made to hold.
    pub(super) fn add_takes(&mut self, made: Made, before: Vec<Arc<MotionClip>>) -> bool {
        let (library, uncorrected) = (&mut self.library, &mut self.uncorrected);
        let changed = self.history.edit("Generate", |p| {
            uncorrected.extend(add(p, library, made)?.into_iter().zip(before));
            Ok(())
        });
        self.after(changed)
    }

    /// The clip by which a take is seen: as its edits leave it, or before contact where that is to be seen and known.
    pub(super) fn seen_clip(&self, take: TakeId) -> Option<Arc<MotionClip>> {
        let before = self.uncorrected.get(&take);
        match before.filter(|_| self.scene.see.uncorrected) {
            Some(clip) => {
                let (strip, take) = self.project().take(take)?;
                // When hands are told to hold is told to what corrects the clip.
                let mut edits = (take.edits.iter()).filter(|e| !matches!(e, Edit::Contact { .. }));
                edits
                    .try_fold(clip.clone(), |clip, edit| {
                        self.library.apply(strip, &clip, edit).map(Arc::new)
                    })
                    .ok()
            }
            None => self.library.clip(take),
        }
    }

    /// The strip of a track at a time.
    pub fn at(&self, track: usize, seconds: f32) -> Option<&Strip> {
        let track = self.project().tracks.get(track)?;
        let strips = track.strips.iter();
        strips
            .map(|s| &**s)
            .find(|s| (s.start..s.end()).contains(&seconds))
    }
}

/// What hands could not do of what they were told, as one sentence.
fn kept_to(clip: &MotionClip, given: &[Vec<[f32; 2]>; 2]) -> Option<String> {
    /// Frames that rounding may cost.
    const SLACK: usize = 3;
    for (hand, name) in [(0, "left"), (1, "right")] {
        for [from, to] in &given[hand] {
            let frames = (from * clip.fps).round() as usize..(to * clip.fps).round() as usize;
            let frames = frames.start..frames.end.min(clip.frames.len());
            let holds = |f: &usize| clip.frames[*f].contact[hand] > 0.5;
            let lost = frames.clone().filter(|f| !holds(f)).count();
            if lost > SLACK {
                let when = frames.into_iter().find(|f| !holds(f)).unwrap_or_default();
                return Some(format!(
                    "the {name} hand cannot hold all the while: at {:.2} s the object is out of its reach or lost; shorten the bar",
                    when as f32 / clip.fps
                ));
            }
        }
    }
    None
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
pub(super) const LONGEST_STRIP: f32 = chois::request::MAX_SECONDS;
/// The shortest that a strip may be, seconds.
pub(super) const SHORTEST_STRIP: f32 = chois::request::MIN_SECONDS;

/// Whether the sentence is one that can be asked for.
pub(super) fn usable(text: &str) -> bool {
    InteractionRequest::new(text).validate().is_ok()
}
