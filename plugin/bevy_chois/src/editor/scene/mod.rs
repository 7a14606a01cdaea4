//! The scene: handles of the selected strip, its way and its speed, what is in the way, and what else can be seen.
//!
//! Handles are seen and dragged through the camera that carries [`EditorCamera`], or the only one. They listen to Bevy's
//! [`PointerInput`](bevy::picking::pointer::PointerInput), which `DefaultPlugins` makes of the mouse and which scripts write.

mod bar;
mod edit;
mod gizmo;
mod grip;
mod handles;
mod lens;
mod overlay;
mod paint;
mod pointer;
mod route;
mod see;
mod snap;
mod walls;
mod way;

use bevy::app::{App, PostUpdate, Startup, Update};
use bevy::ecs::prelude::*;
use bevy::gizmos::transform_gizmo::TransformGizmoState;
use bevy::gizmos::{AppGizmoBuilder, GizmoPlugin};
use bevy::picking::pointer::PointerInput;
use bevy_egui::EguiPrimaryContextPass;
use chois::project::StripId;

pub use gizmo::Tool;
pub use handles::{Handle, Part};
pub(super) use overlay::Overlay;
pub use pointer::{SceneKnobs, ScenePointer};
pub use route::EditorDrawing;
pub use see::{EditorGizmos, See};
pub use snap::Snap;

use super::film::Film;
use super::plugin::EditorSystems;
use crate::debug_draw::DebugDrawSystems;
use gizmo::Gizmo;
pub(super) use walls::Walls;
use way::Planned;

/// The camera through which the editor's handles are seen and dragged; needed where there is more than one.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct EditorCamera;

/// What is no part of the project, of the scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SceneState {
    /// The handle that was taken last, and of which strip.
    pub picked: Option<(StripId, Handle)>,
    /// What Bevy's gizmo does with it.
    pub tool: Tool,
    /// Where handles snap to.
    pub snap: Snap,
    /// What is shown of the takes.
    pub see: See,
    /// The film that is made next.
    pub film: Film,
    /// How much of a film is made, 0 to 1; none while none is made. Read only.
    pub filming: Option<f32>,
}

pub(super) fn build(app: &mut App) {
    let there = resource_exists::<TransformGizmoState>;
    app.add_message::<PointerInput>()
        .init_resource::<ScenePointer>()
        .init_resource::<SceneKnobs>()
        .init_resource::<Planned>()
        .init_resource::<Walls>()
        .init_resource::<Gizmo>()
        .add_systems(
            Update,
            (
                (walls::look, way::follow).chain(),
                gizmo::pull.run_if(there),
                pointer::read,
                gizmo::stand.run_if(there),
                route::lay,
            )
                .chain()
                .after(EditorSystems::Work)
                .in_set(EditorSystems::Handle),
        );
}

/// What needs plugins that may be added later.
pub(super) fn finish(app: &mut App) {
    app.add_systems(PostUpdate, see::dress.before(DebugDrawSystems::Build));
    if app.is_plugin_added::<GizmoPlugin>() {
        app.init_gizmo_group::<EditorGizmos>();
        app.add_systems(Startup, see::configure);
        app.add_systems(PostUpdate, see::draw.after(EditorSystems::Show));
        overlay::finish(app);
    }
}

pub(super) fn build_panel(app: &mut App) {
    app.add_systems(
        EguiPrimaryContextPass,
        paint::draw
            .before(EditorSystems::Draw)
            .in_set(EditorSystems::Paint),
    );
}
