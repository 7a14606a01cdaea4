//! Shows a generated clip in a game's own animation graph: the person carries the box while a nod of the game's own is
//! added to it.
//!
//! `cargo run -p bevy_chois --example blending`

use std::f32::consts::TAU;

use bevy::animation::{AnimatedBy, AnimationTargetId, animated_field};
use bevy::math::curve::{FunctionCurve, Interval};
use bevy::prelude::*;
use bevy_chois::chois::retarget::BodyPart;
use bevy_chois::clip::animation::{
    AnimationBaked, AnimationOptions, AnimationTargets, ClipAnimations, object_target,
};
use bevy_chois::prelude::*;

/// The thing that is carried.
#[derive(Resource)]
struct Carried(Entity);

fn main() -> AppExit {
    App::new()
        .add_plugins((
            DefaultPlugins.set(AssetPlugin {
                file_path: "../../assets".into(),
                ..default()
            }),
            ChoisPlugins::default(),
        ))
        .add_systems(Startup, setup)
        .add_observer(blend)
        .run()
}

fn setup(
    mut commands: Commands,
    assets: Res<AssetServer>,
    mut synthesizer: MotionSynthesizer,
    mut animations: ClipAnimations,
) {
    let carried = commands
        .spawn(Interactable::from_gltf(&assets, "objects/box.glb", "box"))
        .id();
    let person = commands
        .spawn((
            Avatar::from_gltf(&assets, "avatars/man.glb"),
            Transform::from_xyz(0.0, 0.0, -0.8),
        ))
        .id();
    let clip = synthesizer.generate(
        InteractionOrder::new(carried, "Lift the box, move the box, and put down the box.")
            .avatar(person)
            .end(vec3(1.4, 0.0, 0.3)),
    );
    // The clip as a Bevy animation, person and box together, once it has been generated.
    animations.bake(
        person,
        clip,
        Some(carried),
        AnimationOptions {
            root_motion: Some(Isometry3d::IDENTITY),
            object: true,
        },
    );
    commands.insert_resource(Carried(carried));

    commands.spawn((
        Camera3d::default(),
        Transform::from_xyz(-1.0, 1.8, 4.0).looking_at(vec3(0.7, 0.8, 0.0), Vec3::Y),
    ));
    commands.spawn((
        DirectionalLight::default(),
        Transform::from_xyz(2.0, 5.0, 3.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
}

/// The clip is an animation now: play it with the nod on top.
fn blend(
    baked: On<AnimationBaked>,
    mut commands: Commands,
    carried: Res<Carried>,
    avatars: Query<(&AvatarRig, &AnimationTargets)>,
    mut players: Query<&mut AnimationPlayer>,
    mut clips: ResMut<Assets<AnimationClip>>,
    mut graphs: ResMut<Assets<AnimationGraph>>,
) -> Result {
    let (rig, targets) = avatars.get(baked.entity)?;
    let head = rig.map.bone(BodyPart::Head).ok_or("no head")?;

    let mut graph = AnimationGraph::new();
    let both = graph.add_additive_blend(1.0, graph.root);
    let carry = graph.add_clip(baked.animation.clone(), 1.0, both);
    let nod = graph.add_clip(clips.add(nod(targets.bones[head])), 1.0, both);

    let mut player = players.get_mut(targets.player)?;
    player.play(carry).repeat();
    player.play(nod).repeat();
    commands
        .entity(targets.player)
        .insert(AnimationGraphHandle(graphs.add(graph)));
    // The box is moved by the same player.
    commands
        .entity(carried.0)
        .insert((object_target(), AnimatedBy(targets.player)));
    Ok(())
}

/// A nod twice a second, about the axis of the bone that it is for.
fn nod(head: AnimationTargetId) -> AnimationClip {
    let mut clip = AnimationClip::default();
    let angle = |t: f32| Quat::from_rotation_x(0.12 * (TAU * 2.0 * t).sin());
    let curve = FunctionCurve::new(Interval::new(0.0, 1.0).expect("an interval"), angle);
    clip.add_curve_to_target(
        head,
        AnimatableCurve::new(animated_field!(Transform::rotation), curve),
    );
    clip
}
