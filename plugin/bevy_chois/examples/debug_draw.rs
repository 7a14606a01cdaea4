//! Shows what an interaction is made of: contact heat, the object's path, ghosts at other times, bones and palms.
//!
//! `cargo run -p bevy_chois --example debug_draw`; the keys 1 to 5 switch each of them on and off.

use bevy::prelude::*;
use bevy_chois::debug_draw::ChoisGizmos;
use bevy_chois::prelude::*;

fn main() -> AppExit {
    let assets = AssetPlugin {
        file_path: "../../assets".into(),
        ..default()
    };
    App::new()
        .add_plugins((DefaultPlugins.set(assets), ChoisPlugins::default()))
        .add_systems(Startup, (setup, begin))
        .add_systems(Update, toggle)
        .run()
}

/// Nothing is drawn until it is asked for.
fn begin(mut store: ResMut<GizmoConfigStore>) {
    let (_, chois) = store.config_mut::<ChoisGizmos>();
    chois.contact_heat = Some(default());
    chois.ribbon = Some(default());
}

/// The settings hold for everybody who plays; `DebugDraw` on one avatar overrides them.
fn toggle(keys: Res<ButtonInput<KeyCode>>, mut store: ResMut<GizmoConfigStore>) {
    fn switch<T>(item: &mut Option<T>, on: Option<T>) {
        *item = if item.is_some() { None } else { on };
    }
    let (_, chois) = store.config_mut::<ChoisGizmos>();
    let all = ChoisGizmos::all();
    for key in keys.get_just_pressed() {
        match key {
            KeyCode::Digit1 => switch(&mut chois.contact_heat, all.contact_heat.clone()),
            KeyCode::Digit2 => switch(&mut chois.ribbon, all.ribbon.clone()),
            KeyCode::Digit3 => switch(&mut chois.ghosts, all.ghosts.clone()),
            KeyCode::Digit4 => switch(&mut chois.bones, all.bones),
            KeyCode::Digit5 => switch(&mut chois.palms, all.palms),
            _ => {}
        }
    }
}

fn setup(
    mut commands: Commands,
    assets: Res<AssetServer>,
    mut synthesizer: MotionSynthesizer,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    let box_ = commands
        .spawn(Interactable::from_gltf(&assets, "objects/box.glb", "box"))
        .id();
    let person = commands
        .spawn(Avatar::from_gltf(&assets, "avatars/woman.glb"))
        .insert(Transform::from_xyz(0.0, 0.0, -0.8))
        .id();
    let order = InteractionOrder::new(box_, "Lift the box, move the box, and put down the box.")
        .avatar(person)
        .waypoints([vec3(0.6, 0.0, 0.0), vec3(1.2, 0.0, 0.3)])
        .end(vec3(1.6, 0.0, 0.6));
    let clip = synthesizer.generate(order);
    commands
        .entity(person)
        .insert(InteractionPlayer::new(clip).with_object(box_).looped());

    let floor = meshes.add(Plane3d::default().mesh().size(8.0, 8.0));
    let grey = materials.add(StandardMaterial::from_color(Color::srgb(0.4, 0.42, 0.45)));
    commands.spawn((Mesh3d(floor), MeshMaterial3d(grey)));
    let place = Transform::from_xyz(-1.5, 2.0, 4.0).looking_at(vec3(0.6, 0.7, 0.0), Vec3::Y);
    commands.spawn((Camera3d::default(), place));
    commands.spawn((DirectionalLight::default(), place));
}
