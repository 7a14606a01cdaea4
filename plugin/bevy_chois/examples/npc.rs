//! Shows a person who is told what to do, in words, and prints what comes of it.
//!
//! `cargo run -p bevy_chois --example npc -- "move the lamp next to the sofa"`

use bevy::prelude::*;
use bevy_chois::prelude::*;

fn main() -> AppExit {
    let assets = AssetPlugin {
        file_path: "../../assets".into(),
        ..default()
    };
    App::new()
        .add_plugins((DefaultPlugins.set(assets), ChoisPlugins::default()))
        .add_systems(Startup, setup)
        .add_observer(|it: On<CommandAccepted>| println!("understood: {}", it.words))
        .add_observer(|it: On<CommandStepStarted>| println!("now: {:?}", it.action))
        .add_observer(|it: On<CommandFinished>| println!("{} is done", it.entity))
        .add_observer(|it: On<CommandRefused>| println!("no: {}", it.refusal))
        .add_observer(|it: On<CommandFailed>| println!("given up: {}", it.reason))
        .run()
}

fn setup(mut commands: Commands, assets: Res<AssetServer>) {
    let lamp = Interactable::from_gltf(&assets, "objects/floor_lamp.glb", "lamp");
    commands.spawn((lamp, Transform::from_xyz(1.6, 0.0, 0.4)));
    // It stays where it is, and things can be put on it.
    let sofa = SceneObject {
        mobility: Mobility::Fixed,
        surface: true,
        ..default()
    };
    commands.spawn((
        Interactable::from_gltf(&assets, "rooms/sofa.glb", "sofa"),
        Transform::from_xyz(-1.0, 0.0, -2.0),
        sofa,
    ));
    let npc = commands
        .spawn((
            Npc::default(),
            Avatar::from_gltf(&assets, "avatars/woman.glb"),
        ))
        .id();
    // It waits for lamp and sofa to be loaded.
    let text = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "move the lamp next to the sofa".into());
    commands.trigger(NpcCommand::new(npc, text));

    let place = Transform::from_xyz(1.0, 2.5, 5.0).looking_at(vec3(0.0, 0.7, -0.5), Vec3::Y);
    commands.spawn((Camera3d::default(), place));
    commands.spawn((DirectionalLight::default(), place));
}
