//! Clicks into the room: on the floor for a waypoint, on a thing to choose it; and the waypoints' marks.

use bevy::light::NotShadowCaster;
use bevy::picking::mesh_picking::ray_cast::{MeshRayCast, MeshRayCastSettings};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_chois::avatar::Avatar;
use bevy_chois::object::Interactable;
use bevy_egui::input::EguiWantsInput;

use crate::eye::Eye;
use crate::wishes::{Ask, Wishes};

/// A press that moves farther than this turns the camera, logical pixels.
const STILL: f32 = 4.0;
/// What is lower than this is floor (or rug), metres.
const FLOOR: f32 = 0.06;

/// A mark of a waypoint.
#[derive(Component)]
pub struct Mark;

/// Reads clicks.
pub fn click(
    mut pressed: Local<Option<Vec2>>,
    buttons: Res<ButtonInput<MouseButton>>,
    egui: Res<EguiWantsInput>,
    window: Single<&Window, With<PrimaryWindow>>,
    eye: Single<(&Camera, &GlobalTransform), With<Eye>>,
    mut rays: MeshRayCast,
    parents: Query<&ChildOf>,
    things: Query<&Interactable>,
    people: Query<(), With<Avatar>>,
    marks: Query<(), With<Mark>>,
    mut wishes: ResMut<Wishes>,
    mut asks: MessageWriter<Ask>,
) {
    let Some(cursor) = window.cursor_position() else {
        *pressed = None;
        return;
    };
    if buttons.just_pressed(MouseButton::Left) {
        *pressed = (!egui.wants_any_pointer_input()).then_some(cursor);
    }
    if !buttons.just_released(MouseButton::Left) {
        return;
    }
    let Some(start) = pressed.take().filter(|p| p.distance(cursor) < STILL) else {
        return;
    };
    let (camera, place) = *eye;
    let inside = camera
        .logical_viewport_rect()
        .is_some_and(|r| r.contains(start));
    let Ok(ray) = camera.viewport_to_world(place, cursor) else {
        return;
    };
    if !inside {
        return;
    }
    let of = |entity: Entity| std::iter::once(entity).chain(parents.iter_ancestors(entity));
    // The person is in nobody's way.
    let solid = |entity| !of(entity).any(|e| people.contains(e) || marks.contains(e));
    let settings = MeshRayCastSettings::default().with_filter(&solid);
    let Some((entity, hit)) = rays.cast_ray(ray, &settings).first() else {
        return;
    };
    if hit.point.y < FLOOR {
        wishes.waypoints.push(hit.point.xz());
    } else if let Some(thing) = of(*entity).find_map(|e| things.get(e).ok()) {
        asks.write(Ask::Object(thing.name.clone()));
    }
}

/// What marks are made of.
#[derive(Resource)]
pub struct Marks {
    ring: Handle<Mesh>,
    way: Handle<StandardMaterial>,
    end: Handle<StandardMaterial>,
}

impl FromWorld for Marks {
    fn from_world(world: &mut World) -> Self {
        let ring = Annulus::new(0.075, 0.1).mesh().resolution(48).build();
        // It lies on the floor.
        let ring = ring.rotated_by(Quat::from_rotation_x(-std::f32::consts::FRAC_PI_2));
        let ring = world.resource_mut::<Assets<Mesh>>().add(ring);
        let mut materials = world.resource_mut::<Assets<StandardMaterial>>();
        let mut material = |color: Color| {
            materials.add(StandardMaterial {
                base_color: color,
                unlit: true,
                alpha_mode: AlphaMode::Blend,
                depth_bias: 40.0,
                ..default()
            })
        };
        Self {
            ring,
            way: material(Color::srgba(1.0, 0.78, 0.25, 0.85)),
            end: material(Color::srgba(0.35, 0.85, 0.45, 0.9)),
        }
    }
}

/// Shows the waypoints on the floor.
pub fn mark(
    mut commands: Commands,
    wishes: Res<Wishes>,
    mut shown: Local<Vec<Vec2>>,
    marks: Res<Marks>,
    old: Query<Entity, With<Mark>>,
) {
    if *shown == wishes.waypoints {
        return;
    }
    shown.clone_from(&wishes.waypoints);
    for entity in &old {
        commands.entity(entity).despawn();
    }
    for (i, at) in wishes.waypoints.iter().enumerate() {
        let last = i + 1 == wishes.waypoints.len();
        let material = if last { &marks.end } else { &marks.way };
        commands.spawn((
            Mark,
            Mesh3d(marks.ring.clone()),
            MeshMaterial3d(material.clone()),
            Transform::from_xyz(at.x, 0.012, at.y),
            NotShadowCaster,
        ));
    }
}
