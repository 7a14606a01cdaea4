//! Shows your own avatar carrying something: any skinned glTF or VRM file of a humanoid, named on the command line.
//!
//! `cargo run -p bevy_chois --example own_avatar -- path/to/person.glb [path/to/corrections.rig.ron]`
//!
//! What was found of its skeleton is printed. Where that is wrong, write the corrections file: it names bones by body
//! part, and only what finding got wrong has to be in it.

use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy_chois::avatar::{AvatarReady, AvatarRefused};
use bevy_chois::prelude::*;

/// The files of the command line.
#[derive(Resource)]
struct Files {
    person: PathBuf,
    corrections: Option<PathBuf>,
}

fn main() -> AppExit {
    let mut arguments = std::env::args().skip(1);
    // Assets are looked up from the assets folder; a path from the command line is not in it.
    let absolute = |path: String| {
        Path::new(&path)
            .canonicalize()
            .unwrap_or_else(|_| path.into())
    };
    let Some(person) = arguments.next().map(absolute) else {
        eprintln!("usage: own_avatar person.glb [corrections.rig.ron]");
        return AppExit::from_code(2);
    };
    App::new()
        .insert_resource(Files {
            person,
            corrections: arguments.next().map(absolute),
        })
        .add_plugins((
            DefaultPlugins.set(AssetPlugin {
                file_path: "../../assets".into(),
                // Files from anywhere, because the user named them.
                unapproved_path_mode: bevy::asset::UnapprovedPathMode::Allow,
                ..default()
            }),
            ChoisPlugins::default(),
        ))
        .add_systems(Startup, setup)
        .add_observer(|ready: On<AvatarReady>| println!("{}", ready.report))
        .add_observer(
            |refused: On<AvatarRefused>, mut exit: MessageWriter<AppExit>| {
                eprintln!("{}", refused.reason);
                exit.write(AppExit::from_code(1));
            },
        )
        .run()
}

fn setup(
    mut commands: Commands,
    assets: Res<AssetServer>,
    files: Res<Files>,
    mut synthesizer: MotionSynthesizer,
) {
    let chair = commands
        .spawn(Interactable::from_gltf(
            &assets,
            "objects/chair.glb",
            "chair",
        ))
        .id();
    let person = commands
        .spawn((
            WorldAssetRoot(assets.load(GltfAssetLabel::Scene(0).from_asset(files.person.clone()))),
            Avatar {
                overrides: files.corrections.clone().map(|path| assets.load(path)),
            },
            Transform::from_xyz(0.0, 0.0, -0.8),
        ))
        .id();
    let clip = synthesizer.generate(
        InteractionOrder::new(
            chair,
            "Lift the chair, move the chair, and put down the chair.",
        )
        .avatar(person)
        .waypoints([vec3(0.7, 0.0, 0.1)])
        .end(vec3(1.5, 0.0, 0.4)),
    );
    commands
        .entity(person)
        .insert(InteractionPlayer::new(clip).with_object(chair).looped());

    commands.spawn((
        Camera3d::default(),
        Transform::from_xyz(-1.0, 1.8, 4.0).looking_at(vec3(0.7, 0.8, 0.0), Vec3::Y),
    ));
    commands.spawn((
        DirectionalLight {
            shadow_maps_enabled: true,
            ..default()
        },
        Transform::from_xyz(2.0, 5.0, 3.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
}
