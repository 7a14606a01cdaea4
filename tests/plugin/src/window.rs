//! A window that nobody sees, and that nothing is drawn into: what looks at cameras, the mouse and egui runs as in a game.

use bevy::app::PluginGroupBuilder;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::winit::WinitPlugin;

/// Bevy's default plugins, without a device to draw with, an event loop and a log.
pub fn plugins() -> PluginGroupBuilder {
    let nothing = WgpuSettings {
        backends: None,
        ..default()
    };
    let render = RenderPlugin {
        render_creation: nothing.into(),
        ..default()
    };
    DefaultPlugins
        .set(render)
        .disable::<WinitPlugin>()
        .disable::<LogPlugin>()
}
