//! The sun, and its shadows.

use bevy::camera::visibility::RenderLayers;
use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, light_consts};
use bevy::prelude::*;

use crate::room::{Room, UNSEEN};

/// Light from nowhere in particular until the room's own is known, candela per square metre.
const FILL: f32 = 700.0;
const COLOR: Color = Color::srgb(1.0, 0.93, 0.82);

/// Light of the sun on a surface that faces it, lux, by colour.
pub fn illuminance() -> Vec3 {
    COLOR.to_linear().to_vec3() * light_consts::lux::FULL_DAYLIGHT
}

/// Spawns the sun.
pub fn spawn(commands: &mut Commands, room: &Room) {
    commands.insert_resource(DirectionalLightShadowMap { size: 4096 });
    commands.insert_resource(GlobalAmbientLight {
        color: Color::srgb(0.93, 0.96, 1.0),
        brightness: FILL,
        ..default()
    });
    commands.spawn((
        DirectionalLight {
            color: COLOR,
            illuminance: light_consts::lux::FULL_DAYLIGHT,
            shadow_maps_enabled: true,
            shadow_normal_bias: 1.2,
            ..default()
        },
        // One cascade: a room is small.
        CascadeShadowConfigBuilder {
            num_cascades: 1,
            maximum_distance: 18.0,
            ..default()
        }
        .build(),
        Transform::default().looking_to(*room.sunlight(), Vec3::Y),
        RenderLayers::from_layers(&[0, UNSEEN]),
    ));
}
