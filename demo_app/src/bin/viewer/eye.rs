//! The camera: it orbits what is looked at, and the panel lies over its picture.

use bevy::camera::visibility::RenderLayers;
use bevy::camera::{CameraOutputMode, Exposure, Hdr, RenderTarget, Viewport};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::post_process::bloom::Bloom;
use bevy::prelude::*;
use bevy::render::render_resource::BlendState;
use bevy_chois::editor::{Editor, EditorCamera, ScenePointer};
use bevy_egui::PrimaryEguiContext;
use bevy_panorbit_camera::PanOrbitCamera;

/// The camera that sees the room.
#[derive(Component)]
pub struct Eye;

/// The camera that sees only the panel.
#[derive(Component)]
pub struct PanelEye;

/// Where the eye is at the start, and what it looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Its place, metres.
    pub from: Vec3,
    /// What it looks at, metres.
    pub at: Vec3,
}

/// Pixels at the left that the panel covers.
#[derive(Resource, Debug, Default, PartialEq)]
pub struct Covered(pub f32);

/// Spawns both cameras. Without a target they show in the window.
pub fn spawn(
    commands: &mut Commands,
    target: Option<RenderTarget>,
    view: View,
    sky: Handle<Image>,
) {
    let target = target.unwrap_or_default();
    let eye = (
        Eye,
        EditorCamera,
        Camera3d::default(),
        target.clone(),
        Hdr,
        Msaa::Sample4,
        Exposure { ev100: 9.0 },
        Tonemapping::TonyMcMapface,
        Bloom {
            intensity: 0.06,
            ..Bloom::NATURAL
        },
        Projection::from(PerspectiveProjection {
            fov: 44f32.to_radians(),
            near: 0.05,
            ..default()
        }),
        bevy::light::Skybox {
            image: Some(sky),
            brightness: crate::daylight::SKY_LUMINANCE,
            ..default()
        },
        Transform::from_translation(view.from).looking_at(view.at, Vec3::Y),
        orbit(view),
    );
    commands.spawn(eye);
    let panel = (
        PanelEye,
        PrimaryEguiContext,
        // Two dimensions would do; this way one pipeline is built less.
        Camera3d::default(),
        target,
        Msaa::Off,
        RenderLayers::none(),
        Camera {
            // Over what Bevy's gizmo is drawn by.
            order: 2,
            output_mode: CameraOutputMode::Write {
                blend_state: Some(BlendState::ALPHA_BLENDING),
                clear_color: ClearColorConfig::None,
            },
            clear_color: ClearColorConfig::Custom(Color::NONE),
            ..default()
        },
    );
    commands.spawn(panel);
}

/// The orbit whose camera stands and looks as asked.
pub fn orbit(view: View) -> PanOrbitCamera {
    let mut orbit = PanOrbitCamera {
        zoom_lower_limit: 0.3,
        zoom_upper_limit: Some(30.0),
        pitch_lower_limit: Some(-0.05),
        orbit_smoothness: 0.15,
        // A picture taken while time stands still must show where the camera is.
        use_real_time: true,
        ..default()
    };
    look(&mut orbit, view);
    orbit
}

/// Moves an orbit at once, with no glide.
pub fn look(orbit: &mut PanOrbitCamera, view: View) {
    let away = view.from - view.at;
    let radius = away.length().max(orbit.zoom_lower_limit);
    let yaw = away.x.atan2(away.z);
    let pitch = (away.y / radius).clamp(-1.0, 1.0).asin();
    (orbit.focus, orbit.target_focus) = (view.at, view.at);
    (orbit.radius, orbit.target_radius) = (Some(radius), radius);
    (orbit.yaw, orbit.target_yaw) = (Some(yaw), yaw);
    (orbit.pitch, orbit.target_pitch) = (Some(pitch), pitch);
    orbit.initialized = true;
    orbit.force_update = true;
}

/// Keeps the room's picture beside the panel.
pub fn fit(
    covered: Res<Covered>,
    editor: Res<Editor>,
    eye: Single<&mut Camera, (With<Eye>, Without<PanelEye>)>,
    panel: Single<&Camera, With<PanelEye>>,
) {
    let Some(whole) = panel.physical_viewport_size() else {
        return;
    };
    let scale = panel.target_scaling_factor().unwrap_or(1.0);
    let pixels = |points: f32, most: u32| ((points * scale).round() as u32).min(most - 1);
    let left = pixels(covered.0, whole.x);
    let [right, below] = editor.covers;
    let right = pixels(right, whole.x - left);
    let below = pixels(below, whole.y);
    let viewport = (left + right + below > 0).then(|| Viewport {
        physical_position: UVec2::new(left, 0),
        physical_size: UVec2::new(whole.x - left - right, whole.y - below),
        ..default()
    });
    let mut eye = eye.into_inner();
    let same = match (&eye.viewport, &viewport) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.physical_position == b.physical_position && a.physical_size == b.physical_size
        }
        _ => false,
    };
    if !same {
        eye.viewport = viewport;
    }
}

/// Holds the eye still while the pointer is on a handle of the editor.
pub fn hold(pointer: Res<ScenePointer>, eye: Single<&mut PanOrbitCamera, With<Eye>>) {
    let mut orbit = eye.into_inner();
    if orbit.enabled == pointer.is_busy() {
        orbit.enabled = !pointer.is_busy();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orbit_stands_where_the_view_says() {
        for from in [Vec3::new(3.0, 2.0, -1.0), Vec3::new(-2.0, 1.0, 4.0)] {
            let at = Vec3::new(0.5, 0.8, -0.2);
            let orbit = orbit(View { from, at });
            let (yaw, pitch) = (orbit.target_yaw, orbit.target_pitch);
            let turn = Quat::from_rotation_y(yaw) * Quat::from_rotation_x(-pitch);
            let place = at + turn * Vec3::Z * orbit.target_radius;
            assert!((place - from).length() < 1e-4, "{place} is not {from}");
        }
    }
}
