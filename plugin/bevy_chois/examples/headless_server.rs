//! Shows a server: no window, no renderer, sixty ticks a second; the person carries a box and the server knows where
//! both are and who holds what.
//!
//! `cargo run -p bevy_chois --example headless_server --no-default-features` (the pictures in the shipped files need
//! Bevy's feature `png`, which a server of your own adds unless its files have none).

use std::time::Duration;

use bevy::animation::AnimationPlugin;
use bevy::app::ScheduleRunnerPlugin;
use bevy::camera::visibility::VisibilityPlugin;
use bevy::gltf::GltfPlugin;
use bevy::log::LogPlugin;
use bevy::mesh::MeshPlugin;
use bevy::prelude::*;
use bevy::world_serialization::WorldSerializationPlugin;
use bevy_chois::playback::events::{
    ContactLost, ContactMade, InteractionFinished, InteractionInterrupted,
};
use bevy_chois::prelude::*;
use bevy_chois::synthesis::GenerationFailed;

fn main() -> AppExit {
    App::new()
        .add_plugins((
            MinimalPlugins.set(ScheduleRunnerPlugin::run_loop(Duration::from_secs_f64(
                1.0 / 60.0,
            ))),
            LogPlugin::default(),
            TransformPlugin,
            AssetPlugin {
                file_path: "../../assets".into(),
                ..default()
            },
            // What glTF files are made of.
            WorldSerializationPlugin,
            ImagePlugin::default(),
            MeshPlugin,
            VisibilityPlugin,
            GltfPlugin::default(),
            AnimationPlugin,
            ChoisPlugins::default(),
        ))
        .add_systems(Startup, setup)
        .add_systems(Update, report)
        .add_observer(|made: On<ContactMade>| println!("{:?} touches at {}", made.part, made.point))
        .add_observer(|lost: On<ContactLost>| println!("{:?} lets go", lost.part))
        .add_observer(
            |_: On<InteractionFinished>, mut exit: MessageWriter<AppExit>| {
                exit.write(AppExit::Success);
            },
        )
        .add_observer(
            |ended: On<InteractionInterrupted>, mut exit: MessageWriter<AppExit>| {
                eprintln!("{}", ended.reason);
                exit.write(AppExit::from_code(1));
            },
        )
        .add_systems(Update, |mut failures: MessageReader<GenerationFailed>| {
            for failure in failures.read() {
                eprintln!("{}", failure.reason);
            }
        })
        .run()
}

fn setup(mut commands: Commands, assets: Res<AssetServer>, mut synthesizer: MotionSynthesizer) {
    let carried = commands
        .spawn(Interactable::from_gltf(&assets, "objects/box.glb", "box"))
        .id();
    // People face their +Z.
    let person = commands
        .spawn((
            Avatar::from_gltf(&assets, "avatars/mannequin.glb"),
            Transform::from_xyz(0.0, 0.0, -0.8),
        ))
        .id();
    let clip = synthesizer.generate(
        InteractionOrder::new(carried, "Lift the box, move the box, and put down the box.")
            .avatar(person)
            .end(vec3(1.4, 0.0, 0.3)),
    );
    commands
        .entity(person)
        .insert(InteractionPlayer::new(clip).with_object(carried));
}

/// Once a second, where everything is.
fn report(
    time: Res<Time>,
    mut last: Local<u64>,
    people: Query<&Transform, With<Avatar>>,
    things: Query<(&Interactable, &Transform)>,
) {
    let second = time.elapsed().as_secs();
    if std::mem::replace(&mut *last, second) == second {
        return;
    }
    for person in &people {
        println!("{second} s: the person stands at {:.2}", person.translation);
    }
    for (thing, place) in &things {
        println!(
            "{second} s: the {} is at {:.2}",
            thing.name, place.translation
        );
    }
}
