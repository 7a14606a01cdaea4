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
//! | X, Delete | delete the bar or the waypoint that was taken last, else the strip |
//! | K | lock the whole moment |
//! | Home | show the whole timeline |
//! | Ctrl S | save |
//! | G, R | what was taken is moved, turned |
//!
//! Bars under the selected strip say when each hand holds: dragged by an end or the middle, put there by a double click in
//! their lane, deleted by X; physics obeys.
//!
//! In the scene the selected strip has handles, seen through the [`EditorCamera`]:
//!
//! | in the scene | does |
//! |---|---|
//! | click the floor | one more waypoint, before the end |
//! | click the way | a waypoint in between |
//! | Shift click | the end goes there |
//! | click a disc | it is taken: Bevy's transform gizmo moves and turns it |
//! | drag a disc | over the floor; an object's end over whatever it can stand on |
//! | drag the arrows over it, the knob of its ring | its height, how it is turned |
//! | drag a waypoint's time along the way | when it is passed |
//! | Ctrl while dragging | snapping, the other way than it is switched |
//! | Escape | the drag was none |

mod documents;
mod export;
mod film;
mod panel;
mod plugin;
mod scene;
mod session;
mod stage;
mod work;

pub use documents::Tab;
pub use film::{Film, FilmCamera, FilmKind, RATES};
pub use panel::{Page, Panel, draw_panel};
pub use plugin::{EditorPlugin, EditorSystems};
pub use scene::{
    EditorCamera, EditorDrawing, EditorGizmos, Handle, Part, SceneKnobs, ScenePointer, SceneState,
    See, Snap, Tool,
};
pub use session::{Ask, Choice, Editor, Kind, Progress, Tone};
pub use stage::{EditorObject, EditorPerson};
