//! Clicks into the room: on the floor for a waypoint, on a thing to choose it; and the waypoints' marks.

use bevy::camera::visibility::RenderLayers;
use bevy::light::NotShadowCaster;
use bevy::picking::mesh_picking::ray_cast::{MeshRayCast, MeshRayCastSettings};
use bevy::prelude::*;
use bevy::window::WindowEvent;
use bevy_chois::avatar::Avatar;
use bevy_chois::object::Interactable;
use bevy_egui::input::EguiWantsInput;
use bevy_egui::{EguiContext, egui};

use crate::eye::Eye;
use crate::pointer::Pointer;
use crate::wishes::{Ask, Wishes};

/// What is lower than this is floor (or rug), metres.
const FLOOR: f32 = 0.06;

/// A mark of a waypoint.
#[derive(Component)]
pub struct Mark;

/// Reads clicks.
pub fn click(
    mut pointer: Local<Pointer>,
    mut events: MessageReader<WindowEvent>,
    egui: Res<EguiWantsInput>,
    mut panels: Query<&mut EguiContext>,
    eye: Single<(&Camera, &GlobalTransform, Option<&RenderLayers>), With<Eye>>,
    mut rays: MeshRayCast,
    parents: Query<&ChildOf>,
    layers: Query<&RenderLayers>,
    things: Query<&Interactable>,
    people: Query<(), With<Avatar>>,
    marks: Query<(), With<Mark>>,
    mut wishes: ResMut<Wishes>,
    mut asks: MessageWriter<Ask>,
) {
    let (camera, place, sees) = *eye;
    let of = |entity: Entity| std::iter::once(entity).chain(parents.iter_ancestors(entity));
    let sees = sees.cloned().unwrap_or_default();
    let seen = |entity| {
        let layers = layers.get(entity).cloned().unwrap_or_default();
        layers.intersects(&sees)
    };
    // The person is in nobody's way, and walls that gave way to the eye count as in view for the shadow they throw.
    let solid =
        |entity| seen(entity) && !of(entity).any(|e| people.contains(e) || marks.contains(e));
    let settings = MeshRayCastSettings::default().with_filter(&solid);

    let panels: Vec<egui::Context> = panels.iter_mut().map(|mut p| p.get_mut().clone()).collect();
    let mut list_open = egui.is_popup_open();
    let mut in_room = |at: Vec2| {
        // A press while a list is open is for the list, or closes it.
        let for_list = std::mem::take(&mut list_open);
        let over = |panel: &egui::Context| {
            let layer = panel.layer_id_at(egui::pos2(at.x, at.y));
            layer.is_some_and(|layer| layer.order != egui::Order::Background)
        };
        let inside = camera.logical_viewport_rect();
        !for_list && !panels.iter().any(over) && inside.is_some_and(|rect| rect.contains(at))
    };
    for event in events.read() {
        let Some(at) = pointer.read(event, &mut in_room) else {
            continue;
        };
        let Ok(ray) = camera.viewport_to_world(place, at) else {
            continue;
        };
        let Some((entity, hit)) = rays.cast_ray(ray, &settings).first() else {
            continue;
        };
        if hit.point.y < FLOOR {
            wishes.waypoints.push(hit.point.xz());
        } else if let Some(thing) = of(*entity).find_map(|e| things.get(e).ok()) {
            asks.write(Ask::Object(thing.name.clone()));
        }
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

#[cfg(test)]
mod tests {
    use bevy::input::ButtonState;
    use bevy::input::mouse::MouseButtonInput;
    use bevy::log::LogPlugin;
    use bevy::render::RenderPlugin;
    use bevy::render::settings::WgpuSettings;
    use bevy::window::{CursorMoved, PrimaryWindow};
    use bevy::winit::WinitPlugin;

    use super::*;
    use crate::room::UNSEEN;

    /// A floor behind a wall that gave way to the eye but throws its shadow, in a window that nothing is drawn into.
    fn room() -> App {
        let mut app = App::new();
        let nothing = WgpuSettings {
            backends: None,
            ..default()
        };
        let render = RenderPlugin {
            render_creation: nothing.into(),
            ..default()
        };
        let plugins = DefaultPlugins
            .set(render)
            .disable::<WinitPlugin>()
            .disable::<LogPlugin>();
        app.add_plugins(plugins);
        app.init_resource::<EguiWantsInput>();
        app.init_resource::<Wishes>();
        app.add_message::<Ask>();
        app.add_systems(Update, click);
        let world = app.world_mut();
        let mut meshes = world.resource_mut::<Assets<Mesh>>();
        let floor = meshes.add(Plane3d::default().mesh().size(6.0, 6.0));
        let wall = meshes.add(Cuboid::new(6.0, 3.0, 0.1));
        let thing = meshes.add(Cuboid::new(0.4, 0.4, 0.4));
        world.spawn(Mesh3d(floor));
        let place = Transform::from_xyz(0.0, 1.5, 2.6);
        world.spawn((Mesh3d(wall), RenderLayers::layer(UNSEEN), place));
        let place = Transform::from_xyz(1.5, 0.2, 0.0);
        world.spawn((Mesh3d(thing), Interactable::named("box"), place));
        world.spawn((
            DirectionalLight {
                shadow_maps_enabled: true,
                ..default()
            },
            Transform::from_xyz(0.0, 3.0, 4.0).looking_at(Vec3::ZERO, Vec3::Y),
            RenderLayers::from_layers(&[0, UNSEEN]),
        ));
        let eye = Transform::from_xyz(0.3, 2.1, 4.9).looking_at(Vec3::ZERO, Vec3::Y);
        world.spawn((Eye, Camera3d::default(), eye));
        world.spawn(EguiContext::default());
        app.finish();
        app.cleanup();
        // Bounds, the camera's size, and what is in view.
        for _ in 0..3 {
            app.update();
        }
        app
    }

    /// What the mouse does.
    enum Does {
        /// Goes to where the eye has a place in the room.
        To(Vec3),
        Press,
        Release,
    }
    use Does::{Press, Release, To};

    /// Tells the app as a window does, all before its next frame.
    fn mouse(app: &mut App, all: &[Does]) {
        let world = app.world_mut();
        let (window, _) = world
            .query_filtered::<(Entity, &Window), With<PrimaryWindow>>()
            .single(world)
            .expect("a window");
        for does in all {
            if let To(place) = does {
                let mut eye = world.query_filtered::<(&Camera, &GlobalTransform), With<Eye>>();
                let (camera, eye) = eye.single(world).expect("an eye");
                let position = camera.world_to_viewport(eye, *place).expect("in view");
                let mut size = world.query::<&mut Window>();
                let mut size = size.get_mut(world, window).expect("a window");
                size.set_cursor_position(Some(position));
                let moved = CursorMoved {
                    window,
                    position,
                    delta: None,
                };
                world.write_message(moved.clone());
                world.write_message(WindowEvent::from(moved));
                continue;
            }
            let input = MouseButtonInput {
                button: MouseButton::Left,
                state: match does {
                    Press => ButtonState::Pressed,
                    _ => ButtonState::Released,
                },
                window,
            };
            world.write_message(input);
            world.write_message(WindowEvent::from(input));
        }
        app.update();
    }

    #[track_caller]
    fn assert_waypoints(app: &App, places: &[Vec3]) {
        let got = &app.world().resource::<Wishes>().waypoints;
        let near = |(a, b): (&Vec2, &Vec3)| a.distance(b.xz()) < 0.01;
        let same = got.len() == places.len() && got.iter().zip(places).all(near);
        assert!(same, "{got:?} is not {places:?}");
    }

    #[test]
    fn every_click_in_a_slow_frame_counts() {
        let mut app = room();
        let [a, b, c] = [(-0.8, 0.4), (0.6, 0.9), (0.2, -0.7)].map(|(x, z)| Vec3::new(x, 0.0, z));
        mouse(&mut app, &[To(a), Press, Release]);
        assert_waypoints(&app, &[a]);
        // Two clicks, and the mouse is elsewhere when the frame comes.
        mouse(
            &mut app,
            &[To(b), Press, Release, To(c), Press, Release, To(a)],
        );
        assert_waypoints(&app, &[a, b, c]);
        // A click that two frames share.
        mouse(&mut app, &[To(b), Press]);
        mouse(&mut app, &[Release, To(c)]);
        assert_waypoints(&app, &[a, b, c, b]);
        // What turns the camera sets nothing, even when it comes back.
        mouse(&mut app, &[To(a), Press, To(b), To(a), Release]);
        assert_waypoints(&app, &[a, b, c, b]);
        // A thing is chosen.
        mouse(&mut app, &[To(Vec3::new(1.5, 0.2, 0.0)), Press, Release]);
        assert_waypoints(&app, &[a, b, c, b]);
        let asks = app.world().resource::<Messages<Ask>>();
        let asked: Vec<&Ask> = asks.iter_current_update_messages().collect();
        assert_eq!(asked, [&Ask::Object("box".into())]);
    }

    #[test]
    fn what_lies_over_the_room_takes_its_clicks() {
        let mut app = room();
        let place = Vec3::new(-0.8, 0.0, 0.4);
        let world = app.world_mut();
        let mut eye = world.query_filtered::<(&Camera, &GlobalTransform), With<Eye>>();
        let (camera, eye) = eye.single(world).expect("an eye");
        let over = camera.world_to_viewport(eye, place).expect("in view");
        let mut panel = world.query::<&mut EguiContext>();
        let panel = panel.single_mut(world).expect("a panel").get_mut().clone();
        // A list of a combo box, opened over the room.
        for _ in 0..2 {
            let _ = panel.run_ui(egui::RawInput::default(), |ui| {
                egui::Area::new("list".into())
                    .order(egui::Order::Foreground)
                    .fixed_pos(egui::pos2(over.x - 20.0, over.y - 20.0))
                    .show(ui.ctx(), |ui| ui.allocate_space(egui::vec2(40.0, 40.0)));
            });
        }
        let beside = Vec3::new(0.6, 0.0, 0.9);
        mouse(&mut app, &[To(place), Press, Release]);
        assert_waypoints(&app, &[]);
        mouse(&mut app, &[To(beside), Press, Release]);
        assert_waypoints(&app, &[beside]);
    }
}
