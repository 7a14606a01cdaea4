//! The authoring panel: an animator directs, compares and keeps (feature `editor`).
//!
//! Add [`EditorPlugin`] and bevy_egui's `EguiPlugin`, and open a [`chois::project`] in the [`Editor`]. The panel has a timeline
//! of strips, an inspector of the selected one, and a gallery of its takes; the inference thread of
//! [`synthesis`](crate::synthesis) generates, while everything else goes on. What is at the playhead is shown by the
//! entities that carry [`EditorPerson`] and [`EditorObject`].
//!
//! | keys | as in Blender |
//! |---|---|
//! | Space | play, pause |
//! | Left, Right; with Shift | a frame back, on; to the beginning, the end |
//! | Ctrl Z, Ctrl Shift Z | undo, redo |
//! | Shift D | duplicate the strip |
//! | X, Delete | delete the strip |
//! | Home | show the whole timeline |
//! | Ctrl S | save |

mod film;
mod panel;
mod plugin;
mod scene;
mod session;
mod stage;
mod work;

pub use film::{Film, FilmCamera, FilmKind, RATES};
pub use panel::{Panel, draw_panel};
pub use plugin::{EditorPlugin, EditorSystems};
pub use scene::{
    EditorCamera, EditorDrawing, EditorGizmos, Handle, Part, SceneKnobs, ScenePointer, SceneState,
    See, Snap, stretch,
};
pub use session::{Ask, Choice, Editor, Kind, Progress, Tone};
pub use stage::{EditorObject, EditorPerson};
