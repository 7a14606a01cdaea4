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
//! | K | lock the whole moment |
//! | Home | show the whole timeline |
//! | Ctrl S | save |

mod documents;
mod panel;
mod plugin;
mod session;
mod stage;
mod work;

pub use documents::Tab;
pub use panel::{Page, Panel, draw_panel};
pub use plugin::{EditorPlugin, EditorSystems};
pub use session::{Ask, Choice, Editor, Kind, Progress, Tone};
pub use stage::{EditorObject, EditorPerson};
