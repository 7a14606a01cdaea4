//! Meshes and clips of a project, in memory.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use nalgebra::{Isometry3, Vector3};
use sha2::{Digest, Sha256};

use super::document::{Edit, Object, ObjectId, Project, Room, Strip, Take, TakeId, Track};
use super::task::hex;
use crate::clip::{clip_bytes, parse_clip, read_clip};
use crate::contact::{ContactConfig, ContactOptions, Obstacle, ObstacleShape, PhysicalObject};
use crate::error::Result;
use crate::geometry::{Mesh, ObjectGeometry, SdfGrid, load_mesh};
use crate::motion::{MotionClip, edit};

/// Points along each axis of the room's distance grid.
const ROOM_GRID: usize = 96;
/// Edge of what stands for an object whose file is missing, metres.
const PLACEHOLDER: f32 = 0.4;

/// An object's shape.
#[derive(Clone, Debug)]
pub struct Thing {
    /// As it looks, in the frame that clips' object poses turn (Z up, metres).
    pub mesh: Arc<Mesh>,
    /// As the network sees it: even triangles, about its centre.
    pub geometry: ObjectGeometry,
    /// How hands hold it.
    pub contact: ContactConfig,
    /// Whether a box stands for a file that is missing.
    pub placeholder: bool,
    /// Tells this shape from others.
    pub(super) digest: Arc<str>,
    pub(super) physical: Arc<Mutex<Option<Arc<PhysicalObject>>>>,
}

/// What a project names and is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is.
    pub what: Lost,
    /// Where it was looked for.
    pub path: PathBuf,
    /// Why it cannot be had, and the remedy.
    pub reason: String,
}

/// Kinds of what can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lost {
    /// An object's mesh; a box stands for it.
    Object(ObjectId),
    /// A person's avatar: the number of the track.
    Avatar(usize),
    /// The room; generated as if there were none.
    Room,
    /// A take's clip; the take cannot be shown.
    Take(TakeId),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.what {
            Lost::Object(_) => "relink the object; a box stands for it",
            Lost::Avatar(_) => "relink the avatar",
            Lost::Room => "relink the room; it is left out",
            Lost::Take(_) => "put the file back, or generate the strip again",
        };
        write!(f, "{}: {remedy}", self.reason)
    }
}

/// The room, as guidance and as physics take it.
#[derive(Debug)]
pub(super) struct Walls {
    pub grid: Arc<SdfGrid>,
    pub obstacle: Obstacle,
    pub digest: String,
}

/// What stands about when hands are made to hold.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What the object meets.
    pub obstacles: Vec<Obstacle>,
    /// What arms keep out of (see [`ContactOptions::scene`]).
    pub scene: Option<Arc<SdfGrid>>,
}

impl About {
    pub(super) fn options(&self, contact: &ContactConfig) -> ContactOptions {
        ContactOptions {
            scene: self.scene.clone(),
            ..contact.options(self.obstacles.clone())
        }
    }
}

/// A take with hands that hold at other times.
#[derive(Debug)]
struct Held {
    take: TakeId,
    /// The edits that made it so; the last is of contact.
    edits: Vec<Edit>,
    clip: Arc<MotionClip>,
}

/// Most clips that physics made and that are known.
const MOST_HELD: usize = 64;

/// Meshes and clips of a project. Clips stay until the library goes, so that undo finds them.
#[derive(Debug, Default)]
pub struct Library {
    things: HashMap<ObjectId, (Object, Thing)>,
    pub(super) walls: Option<(Room, Walls)>,
    /// As generated.
    pub(super) clips: HashMap<TakeId, Arc<MotionClip>>,
    /// As their edits leave them.
    edited: HashMap<TakeId, (Vec<Edit>, Result<Arc<MotionClip>, String>)>,
    /// What physics made of takes.
    held: Mutex<VecDeque<Held>>,
    /// Those whose files are up to date in the folder of that name.
    pub(super) stored: HashMap<TakeId, PathBuf>,
    /// The project's.
    folder: PathBuf,
}

impl Library {
    /// Reads what a project names and the library does not have yet; `folder` is the project's. What cannot be had is
    /// told, one by one. Call it after every change of the project: it looks at files of new things only.
    pub fn load(&mut self, project: &Project, folder: &Path) -> Vec<Missing> {
        let mut missing = Vec::new();
        folder.clone_into(&mut self.folder);
        for object in &project.objects {
            let known = self.things.get(&object.id);
            let same = known.is_some_and(|(known, thing)| {
                !thing.placeholder
                    && known.file == object.file
                    && known.up == object.up
                    && known.name == object.name
            });
            if same {
                if let Some((known, thing)) = self.things.get_mut(&object.id) {
                    if known.contact != object.contact {
                        thing.contact = object.contact;
                        thing.physical = Arc::default();
                    }
                    known.clone_from(object);
                }
                continue;
            }
            let path = folder.join(&object.file);
            let thing = load_mesh(&path, object.up).and_then(|mesh| Thing::new(object, mesh));
            let thing = match thing {
                Ok(thing) => thing,
                Err(error) => {
                    missing.push(Missing {
                        what: Lost::Object(object.id),
                        path,
                        reason: format!("object {:?}: {error}", object.name),
                    });
                    Thing::placeholder(object)
                }
            };
            self.things.insert(object.id, ((**object).clone(), thing));
        }
        for (k, track) in project.tracks.iter().enumerate() {
            if let Some(avatar) = &track.avatar {
                let path = folder.join(avatar);
                if !path.is_file() {
                    missing.push(Missing {
                        what: Lost::Avatar(k),
                        reason: format!(
                            "the avatar of {:?}: {} is no file",
                            track.name,
                            path.display()
                        ),
                        path,
                    });
                }
            }
        }
        self.load_room(project, folder, &mut missing);
        if let Some(takes) = &project.takes {
            let takes = folder.join(takes);
            for take in all_takes(project) {
                if self.clips.contains_key(&take.id) {
                    continue;
                }
                let path = takes.join(take_file(take.id));
                match read_clip(&path) {
                    Ok(clip) => {
                        self.clips.insert(take.id, Arc::new(clip));
                        self.stored.insert(take.id, takes.clone());
                    }
                    Err(error) => missing.push(Missing {
                        what: Lost::Take(take.id),
                        path,
                        reason: format!("take {}: {error}", take.id.0),
                    }),
                }
            }
        }
        if let Some(takes) = &project.takes {
            self.load_held(project, &folder.join(takes));
        }
        self.refresh(project);
        missing
    }

    fn load_room(&mut self, project: &Project, folder: &Path, missing: &mut Vec<Missing>) {
        let Some(room) = &project.room else {
            self.walls = None;
            return;
        };
        if self.walls.as_ref().is_some_and(|(known, _)| known == room) {
            return;
        }
        let path = folder.join(&room.file);
        let walls = load_mesh(&path, room.up).and_then(|mesh| {
            Ok(Walls {
                grid: Arc::new(SdfGrid::from_mesh(&mesh, ROOM_GRID)?),
                obstacle: Obstacle::new(ObstacleShape::mesh(&mesh)?, Isometry3::identity()),
                digest: digest(&mesh),
            })
        });
        self.walls = match walls {
            Ok(walls) => Some((room.clone(), walls)),
            Err(error) => {
                missing.push(Missing {
                    what: Lost::Room,
                    path,
                    reason: format!("the room: {error}"),
                });
                None
            }
        };
    }

    /// Brings the takes' clips up to date with their edits. [`Self::load`] does so too.
    pub fn refresh(&mut self, project: &Project) {
        for (_, strip) in project.strips() {
            // Older takes first: what is blended in was made before.
            for take in &strip.takes {
                self.refresh_take(strip, take);
            }
        }
    }

    fn refresh_take(&mut self, strip: &Strip, take: &Take) {
        let Some(clip) = self.clips.get(&take.id) else {
            return;
        };
        // A blend hangs on another take's edits: made anew, they are few.
        let settled = !take.edits.iter().any(|e| matches!(e, Edit::Blend { .. }));
        if settled
            && self
                .edited
                .get(&take.id)
                // What could not be made may be by now: its object is there again.
                .is_some_and(|(edits, made)| made.is_ok() && *edits == take.edits)
        {
            return;
        }
        let made = self
            .edited_by(strip, take.id, Arc::clone(clip), &take.edits)
            .map_err(|e| e.to_string());
        self.edited.insert(take.id, (take.edits.clone(), made));
    }

    /// A take's clip as edits leave it. Physics takes its time: what it made is known as long as the library is there.
    fn edited_by(
        &self,
        strip: &Strip,
        take: TakeId,
        mut clip: Arc<MotionClip>,
        edits: &[Edit],
    ) -> Result<Arc<MotionClip>> {
        let mut known = match self.held.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        for (i, edit) in edits.iter().enumerate() {
            let so_far = &edits[..=i];
            let slow = matches!(edit, Edit::Contact { .. });
            let settled = !so_far.iter().any(|e| matches!(e, Edit::Blend { .. }));
            let place = |h: &&Held| h.take == take && h.edits == so_far;
            if let Some(held) = known.iter().find(place).filter(|_| slow && settled) {
                clip = Arc::clone(&held.clip);
                continue;
            }
            clip = Arc::new(self.apply(strip, &clip, edit)?);
            if slow && settled {
                if known.len() >= MOST_HELD {
                    known.pop_front();
                }
                known.push_back(Held {
                    take,
                    edits: so_far.to_vec(),
                    clip: Arc::clone(&clip),
                });
            }
        }
        Ok(clip)
    }

    /// A take's clip as some edits leave it.
    ///
    /// # Errors
    /// Those of [`Self::apply`]; [`crate::Error::Invalid`] where the take's clip is missing.
    pub fn with_edits(
        &self,
        strip: &Strip,
        take: TakeId,
        edits: &[Edit],
    ) -> Result<Arc<MotionClip>> {
        let missing = || {
            let name = format!("take {}", take.0);
            crate::Error::invalid(name, "its clip is missing; put its file back")
        };
        let clip = self.raw(take).ok_or_else(missing)?;
        self.edited_by(strip, take, clip, edits)
    }

    /// Takes note of what a contact edit comes to, made elsewhere, so that it is there when the edit is made: `edits` are
    /// the take's, that one the last.
    pub fn know(&mut self, take: TakeId, edits: Vec<Edit>, clip: MotionClip) {
        let known = match self.held.get_mut() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        known.push_back(Held {
            take,
            edits,
            clip: Arc::new(clip),
        });
    }

    /// A clip with one edit more.
    ///
    /// # Errors
    /// Those of the functions of [`crate::motion::edit`] and of [`Thing::hold`]; [`crate::Error::Invalid`] where a take to be
    /// blended in is not there, or there is no object to hold.
    pub fn apply(&self, strip: &Strip, clip: &MotionClip, edit: &Edit) -> Result<MotionClip> {
        match edit {
            Edit::Trim { from, to } => edit::trim(clip, *from, *to),
            Edit::Warp { keys } => edit::warp(clip, keys),
            Edit::Loop { seconds, travels } => edit::looped(clip, *seconds, *travels),
            Edit::Blend { with, share } => match self.clip(*with) {
                Some(other) => edit::blend(clip, &other, *share),
                None => Err(crate::Error::invalid(
                    "blend",
                    format!("the clip of take {} is missing; put its file back", with.0),
                )),
            },
            Edit::Contact { left, right, keys } => {
                let thing = strip.object().and_then(|id| self.thing(id));
                let Some(thing) = thing.filter(|t| !t.placeholder) else {
                    return Err(crate::Error::invalid(
                        "contact",
                        "there is no object that hands could hold; relink its file",
                    ));
                };
                thing.hold(clip, [left.clone(), right.clone()], keys, &self.about())
            }
            Edit::Joint(by) => edit::touch_up(clip, by),
            Edit::Path { keys } => edit::shift_path(clip, keys),
        }
    }

    /// A take's clip as its edits leave it.
    pub fn clip(&self, take: TakeId) -> Option<Arc<MotionClip>> {
        self.edited.get(&take)?.1.as_ref().ok().cloned()
    }

    /// A take's clip as it was generated.
    pub fn raw(&self, take: TakeId) -> Option<Arc<MotionClip>> {
        self.clips.get(&take).cloned()
    }

    /// Why a take's edits cannot be done.
    pub fn fault(&self, take: TakeId) -> Option<&str> {
        self.edited.get(&take)?.1.as_ref().err().map(String::as_str)
    }

    /// The clip that a strip shows.
    pub fn shown(&self, strip: &Strip) -> Option<Arc<MotionClip>> {
        self.clip(strip.shown?)
    }

    /// The file of a track's avatar, where there is one.
    pub fn avatar(&self, track: &Track) -> Option<PathBuf> {
        let path = self.folder.join(track.avatar.as_ref()?);
        path.is_file().then_some(path)
    }

    /// An object's shape.
    pub fn thing(&self, id: ObjectId) -> Option<&Thing> {
        self.things.get(&id).map(|(_, thing)| thing)
    }

    /// Takes a new take's clip in, as its file will hold it: rotations of unit length. What goes on from it would be out of
    /// date after saving and opening else.
    pub fn insert(&mut self, take: TakeId, clip: MotionClip) {
        let name = take_file(take);
        let clip = Arc::new(parse_clip(&clip_bytes(&clip), Path::new(&name)).unwrap_or(clip));
        self.stored.remove(&take);
        self.edited.insert(take, (Vec::new(), Ok(clip.clone())));
        self.clips.insert(take, clip);
    }

    /// Distance to the room's geometry.
    pub fn room(&self) -> Option<Arc<SdfGrid>> {
        self.walls.as_ref().map(|(_, walls)| walls.grid.clone())
    }

    /// The room as hands and objects meet it.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        self.walls
            .iter()
            .map(|(_, walls)| walls.obstacle.clone())
            .collect()
    }

    /// What a take of a task is marked with (see [`super::stale`]).
    pub fn fingerprint(&self, task: &super::Task) -> String {
        task.fingerprint(self.room_digest())
    }

    /// The room as hands, arms and objects meet it.
    pub fn about(&self) -> About {
        About {
            obstacles: self.obstacles(),
            scene: self.room(),
        }
    }

    /// What physics made of takes whose hands were told to hold at other times: names of files, and clips. It knew of what
    /// stands about in the editor's scene, which nobody knows who opens the project elsewhere.
    pub(super) fn held_files(&self, project: &Project) -> Vec<(String, Arc<MotionClip>)> {
        let known = match self.held.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        let mut out = Vec::new();
        for take in all_takes(project) {
            for edits in held_edits(take) {
                let held = known.iter().find(|h| h.take == take.id && h.edits == edits);
                out.extend(held.map(|h| (held_file(take.id, edits), h.clip.clone())));
            }
        }
        out
    }

    /// Reads what [`Self::held_files`] wrote, where it is there.
    fn load_held(&mut self, project: &Project, takes: &Path) {
        let known = match self.held.get_mut() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        for take in all_takes(project) {
            for edits in held_edits(take) {
                let is_known = known.iter().any(|h| h.take == take.id && h.edits == edits);
                let path = takes.join(held_file(take.id, edits));
                // Made anew where it cannot be read.
                if !is_known
                    && path.is_file()
                    && let Ok(clip) = read_clip(&path)
                {
                    known.push_back(Held {
                        take: take.id,
                        edits: edits.to_vec(),
                        clip: Arc::new(clip),
                    });
                }
            }
        }
    }

    /// Tells the room from others.
    pub(super) fn room_digest(&self) -> Option<&str> {
        self.walls.as_ref().map(|(_, walls)| &*walls.digest)
    }
}

impl Thing {
    /// A shape from a mesh.
    ///
    /// # Errors
    /// Those of [`ObjectGeometry::new`].
    pub fn new(object: &Object, mesh: Mesh) -> Result<Self> {
        Ok(Self {
            geometry: ObjectGeometry::new(object.name.clone(), mesh.refined())?,
            digest: digest(&mesh).into(),
            mesh: Arc::new(mesh),
            contact: object.contact,
            placeholder: false,
            physical: Arc::default(),
        })
    }

    fn placeholder(object: &Object) -> Self {
        let half = PLACEHOLDER / 2.0;
        let low = Vector3::new(-half, -half, 0.0);
        let mesh = Mesh::cuboid(low, Vector3::repeat(PLACEHOLDER));
        let mut thing = Self::new(object, mesh).expect("a box is a shape");
        thing.placeholder = true;
        thing
    }
}

/// All takes of a project.
pub(super) fn all_takes(project: &Project) -> impl Iterator<Item = &Take> {
    let strips = project.tracks.iter().flat_map(|t| t.strips.iter());
    strips.flat_map(|s| s.takes.iter()).map(|t| &**t)
}

/// The edits of a take up to each that physics made, where they hang on no other take.
fn held_edits(take: &Take) -> impl Iterator<Item = &[Edit]> {
    let settled = (take.edits.iter())
        .position(|e| matches!(e, Edit::Blend { .. }))
        .unwrap_or(take.edits.len());
    let made = |i: &usize| matches!(take.edits[*i], Edit::Contact { .. });
    (0..settled).filter(made).map(|i| &take.edits[..=i])
}

/// The name of the file of a take with edits that physics made.
fn held_file(take: TakeId, edits: &[Edit]) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(edits).unwrap_or_default());
    format!("{}-{}.safetensors", take.0, hex(&hash.finalize()[..8]))
}

/// The name of a take's file.
pub(super) fn take_file(take: TakeId) -> String {
    format!("{}.safetensors", take.0)
}

fn digest(mesh: &Mesh) -> String {
    let mut hash = Sha256::new();
    for v in &mesh.vertices {
        v.iter().for_each(|c| hash.update(c.to_le_bytes()));
    }
    for t in &mesh.triangles {
        t.iter().for_each(|i| hash.update(i.to_le_bytes()));
    }
    hex(&hash.finalize()[..8])
}
