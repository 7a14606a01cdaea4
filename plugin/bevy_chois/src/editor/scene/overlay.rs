//! The camera that draws Bevy's gizmo over the scene.
//!
//! Bevy's own comes with the gizmo: it shows in the window, with a lens of its own, and counts as a camera of the app's even
//! where nothing is taken, so that whoever looks for the only camera (bevy_egui, to show a panel) finds two. Where the editor
//! has brought the gizmo it is none until something is taken, and then sees what the editor's camera sees, into the same target.

use bevy::app::{App, PostStartup, PostUpdate};
use bevy::camera::visibility::RenderLayers;
use bevy::camera::{
    Camera, Camera3d, CameraOutputMode, CameraUpdateSystems, ClearColorConfig, MsaaWriteback,
    Projection, RenderTarget,
};
use bevy::color::Color;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::ecs::prelude::*;
use bevy::gizmos::transform_gizmo::{
    TransformGizmoCamera, TransformGizmoMeshMarker, TransformGizmoPlugin,
};
use bevy::input::InputPlugin;
use bevy::render::render_resource::BlendState;
use bevy::render::view::Msaa;
use bevy::window::WindowPlugin;

use super::gizmo::Gizmo;
use super::lens::Cameras;

/// The layer that Bevy draws its gizmo in, and its camera sees alone.
const LAYER: usize = 15;

/// Bevy's camera of the gizmo.
#[derive(Component)]
pub(in crate::editor) struct Overlay;

/// Adds the gizmo where the app has not, and everything is there that it needs.
pub(super) fn finish(app: &mut App) {
    let needed = app.is_plugin_added::<InputPlugin>() && app.is_plugin_added::<WindowPlugin>();
    let own = !app.is_plugin_added::<TransformGizmoPlugin>();
    if own && !needed {
        return;
    }
    app.add_systems(PostStartup, mark)
        .add_systems(PostUpdate, hide);
    if own {
        app.add_plugins(TransformGizmoPlugin)
            .add_systems(PostStartup, rest.after(mark))
            .add_systems(PostUpdate, follow.before(CameraUpdateSystems));
    }
}

/// Bevy's camera has a marker that nobody else can see: it is known by its layer.
fn mark(mut commands: Commands, cameras: Query<(Entity, &RenderLayers), With<Camera3d>>) {
    for (entity, layers) in &cameras {
        if *layers == RenderLayers::layer(LAYER) {
            commands.entity(entity).insert(Overlay);
        }
    }
}

fn rest(mut commands: Commands, overlay: Query<Entity, With<Overlay>>) {
    for entity in &overlay {
        commands.entity(entity).remove::<Camera>();
    }
}

/// Has it see what the editor's camera sees.
fn follow(
    mut commands: Commands,
    gizmo: Res<Gizmo>,
    cameras: Cameras,
    optics: Query<(Ref<Projection>, Option<&RenderTarget>), Without<Overlay>>,
    mut overlay: Query<
        (Entity, Option<&mut Camera>),
        (With<Overlay>, Without<TransformGizmoCamera>),
    >,
) {
    let Ok((entity, own)) = overlay.single_mut() else {
        return;
    };
    let lens = cameras.lens().filter(|_| gizmo.stands());
    let eye = lens.and_then(|lens| Some((lens.camera, optics.get(lens.entity).ok()?)));
    match (eye, own) {
        (None, None) => {}
        (None, Some(mut own)) => {
            if own.is_active {
                own.is_active = false;
            }
        }
        (Some((eye, (projection, target))), own) => {
            let mut entity = commands.entity(entity);
            if projection.is_changed() {
                entity.insert(Projection::clone(&projection));
            }
            let awake = own.as_ref().is_some_and(|own| own.is_active);
            if let Some(mut own) = own.filter(|_| awake || !eye.is_active) {
                if own.is_active != eye.is_active {
                    own.is_active = eye.is_active;
                }
                return;
            }
            entity.insert((
                Camera {
                    order: eye.order + 1,
                    is_active: eye.is_active,
                    viewport: eye.viewport.clone(),
                    // Drawn apart and laid over: the eye may draw in other colours, or with other samples.
                    clear_color: ClearColorConfig::Custom(Color::NONE),
                    output_mode: CameraOutputMode::Write {
                        blend_state: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                        clear_color: ClearColorConfig::None,
                    },
                    msaa_writeback: MsaaWriteback::Off,
                    ..Camera::default()
                },
                Projection::clone(&projection),
                Msaa::Sample4,
                Tonemapping::None,
                target.cloned().unwrap_or_default(),
            ));
        }
    }
}

/// Shows of the gizmo what can be dragged.
fn hide(gizmo: Res<Gizmo>, mut parts: Query<(&TransformGizmoMeshMarker, &mut RenderLayers)>) {
    for (part, mut layers) in &mut parts {
        let layer = if !gizmo.stands() || gizmo.axes.contains(&part.axis) {
            RenderLayers::layer(LAYER)
        } else {
            RenderLayers::none()
        };
        layers.set_if_neq(layer);
    }
}
