//! A project: what an animator asks for over time, what was generated for it, and what they think of it.
//!
//! [`Project`] is the document: things, people, and for each person a track of [`Strip`]s in time. A strip says what is
//! done, like a request; its [`Take`]s are what was generated. A strip begins where the one before it on the track ends,
//! and its object where the last strip with that object left it. [`stale`] tells what must be generated (again),
//! [`generate`] does, [`sequence`] puts takes one after another. [`History`] keeps what was, for undo and redo.
//!
//! A project is a file, `name.chois.ron`, with a folder of clips beside it, `name.takes` (see [`mod@file`]). Meshes and clips
//! are held by a [`Library`], so that a project opens whatever is missing.

mod check;
mod cut;
mod disk;
mod document;
pub mod draft;
mod ending;
mod expect;
pub mod export;
pub mod file;
pub mod generate;
mod history;
mod library;
mod measures;
mod numbers;
pub mod sequence;
mod shared;
pub mod stale;
mod task;

pub use check::LONGEST;
pub use disk::{Disk, RealDisk};
pub use document::{
    Deed, Draw, Edit, Object, ObjectId, Project, Room, Strip, StripId, Take, TakeId, Track,
    VERSION, Verdict,
};
pub use draft::Draft;
pub use history::{Changed, History};
pub use library::{About, Library, Lost, Missing, Thing};
pub use measures::Measures;
pub use numbers::{Grade, Numbers, Row};
pub use shared::Shared;
pub use stale::State;
pub use task::Task;
