//! Shows the least that is needed: one person, one box, one sentence.
//!
//! `cargo run -p bevy_chois --example minimal`

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
        .run()
}

fn setup(mut commands: Commands, assets: Res<AssetServer>, mut synthesizer: MotionSynthesizer) {
    let box_ = commands
        .spawn(Interactable::from_gltf(&assets, "objects/box.glb", "box"))
        .id();
    let person = commands
        .spawn(Avatar::from_gltf(&assets, "avatars/woman.glb"))
        .insert(Transform::from_xyz(0.0, 0.0, -0.8))
        .id();
    // The order waits for the box to be loaded, the interaction for the clip.
    let order = InteractionOrder::new(box_, "Lift the box, move the box, and put down the box.")
        .avatar(person)
        .waypoints([vec3(0.6, 0.0, 0.0), vec3(1.2, 0.0, 0.3)])
        .end(vec3(1.6, 0.0, 0.6));
    let clip = synthesizer.generate(order);
    commands
        .entity(person)
        .insert(InteractionPlayer::new(clip).with_object(box_));

    let place = Transform::from_xyz(-1.5, 2.0, 4.0).looking_at(vec3(0.6, 0.7, 0.0), Vec3::Y);
    commands.spawn((Camera3d::default(), place));
    commands.spawn((DirectionalLight::default(), place));
}
