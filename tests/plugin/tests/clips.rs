//! Clips as assets and as Bevy animations that a game's own graph blends and masks.

use bevy::animation::graph::AnimationNodeIndex;
use bevy::animation::{AnimatedBy, AnimationTargetId};
use bevy::asset::LoadState;
use bevy::ecs::system::RunSystemOnce;
use bevy::prelude::*;
use bevy_chois::avatar::AvatarRig;
use bevy_chois::clip::animation::{
    AnimationBaked, AnimationFailed, AnimationOptions, AnimationTargets, ClipAnimations, ClipTouch,
    object_target, rig_targets, root_target,
};
use bevy_chois::clip::{MotionClip, RiggedClip};
use bevy_chois::frame;
use bevy_chois_tests::puppet::{self, bone, place};
use bevy_chois_tests::{hear, heard, tick, tick_times, tick_until};
use chois::motion::ContactPart;
use chois::skeleton::{JOINTS, Skeleton, joint};

/// Seconds of the test's own clock for work on other threads.
const PATIENCE: f32 = 20.0;

#[test]
fn a_saved_clip_is_loaded_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = puppet::clip(40);
    MotionClip::from(clip.clone())
        .save(&folder.path().join("carry.safetensors"))
        .expect("it is written");
    std::fs::write(folder.path().join("broken.safetensors"), b"no clip").expect("it is written");
    let mut app = puppet::app_reading(folder.path());
    let server = app.world().resource::<AssetServer>().clone();
    let good: Handle<MotionClip> = server.load("carry.safetensors");
    let broken: Handle<MotionClip> = server.load("broken.safetensors");
    assert!(tick_until(&mut app, PATIENCE, |world| {
        world.resource::<Assets<MotionClip>>().get(&good).is_some()
            && matches!(server.get_load_state(&broken), Some(LoadState::Failed(_)))
    }));
    let clips = app.world().resource::<Assets<MotionClip>>();
    let loaded = &clips.get(&good).expect("it is loaded").motion;
    assert_eq!((loaded.frames.len(), loaded.name.as_str()), (40, "puppet"));
    for (a, b) in loaded.frames.iter().zip(&clip.frames) {
        assert!((a.object_position - b.object_position).norm() < 1e-6);
        assert!(a.pose.rotations[5].angle_to(&b.pose.rotations[5]) < 1e-3);
    }
    let Some(LoadState::Failed(e)) = server.get_load_state(&broken) else {
        unreachable!("it failed")
    };
    assert!(e.to_string().contains("not a usable motion clip"), "{e}");
}

#[test]
fn a_retargeted_clip_that_does_not_fit_is_refused_in_words() {
    let motion = puppet::clip(20);
    let rig = puppet::rig(&Skeleton::adult());
    let job = bevy_chois::clip::bake::BakeJob {
        motion: motion.clone().into(),
        rig: rig.clone().into(),
        map: Default::default(),
        scale: 1.0,
        geometry: None,
    };
    let good = puppet::put_on(&job).expect("it fits");
    let made = RiggedClip::new(&motion, &rig, &good, None).expect("it is fine");
    assert!((made.duration() - 19.0 / 30.0).abs() < 1e-6);
    let refused = |change: &dyn Fn(&mut chois::retarget::RigClip)| {
        let mut bad = good.clone();
        change(&mut bad);
        let e = RiggedClip::new(&motion, &rig, &bad, None).expect_err("it is bad");
        e.to_string()
    };
    assert!(refused(&|c| c.roots.truncate(19)).contains("20 frames were retargeted to 19"));
    assert!(refused(&|c| c.rotations.truncate(7)).contains("rotations"));
    assert!(refused(&|c| c.hips = 99).contains("bone 99"));
    assert!(refused(&|c| c.bones[3] = 40).contains("bone 40"));
    assert!(refused(&|c| c.fps = 0.0).contains("frame rate"));
    assert!(refused(&|c| c.hips_translations[2].x = f32::NAN).contains("not finite"));
    assert!(refused(&|c| c.roots[2].position.y = f32::INFINITY).contains("not finite"));
}

/// Asks for a clip as an animation of an avatar.
fn bake(
    app: &mut App,
    avatar: Entity,
    clip: &Handle<MotionClip>,
    object: Option<Entity>,
    options: AnimationOptions,
) -> Handle<AnimationClip> {
    let clip = clip.clone();
    app.world_mut()
        .run_system_once(move |mut animations: ClipAnimations| {
            animations.bake(avatar, clip.clone(), object, options)
        })
        .expect("it runs")
}

fn until_baked(app: &mut App, animations: &[&Handle<AnimationClip>]) {
    assert!(tick_until(app, PATIENCE, |world| {
        let all = world.resource::<Assets<AnimationClip>>();
        animations.iter().all(|a| all.get(*a).is_some())
    }));
}

/// Plays nodes of a graph, standing still at a time.
fn play(
    app: &mut App,
    avatar: Entity,
    graph: AnimationGraph,
    nodes: &[(AnimationNodeIndex, f32)],
    at: f32,
) {
    let graph = app
        .world_mut()
        .resource_mut::<Assets<AnimationGraph>>()
        .add(graph);
    let targets = app.world().get::<AnimationTargets>(avatar).cloned();
    let player = targets.expect("its bones have names").player;
    let mut entity = app.world_mut().entity_mut(player);
    entity.insert(AnimationGraphHandle(graph));
    let mut player = entity.get_mut::<AnimationPlayer>().expect("a player");
    player.stop_all();
    for (node, weight) in nodes {
        player
            .play(*node)
            .set_weight(*weight)
            .set_seek_time(at)
            .pause();
    }
    tick_times(app, 3);
}

fn rotation(app: &App, avatar: Entity, joint: usize) -> Quat {
    let bone = bone(app, avatar, joint);
    app.world().get::<Transform>(bone).expect("a bone").rotation
}

#[test]
fn an_animation_shows_the_clip_and_moves_avatar_and_object() {
    let mut app = puppet::app();
    hear::<AnimationBaked>(&mut app);
    let clip = puppet::clip(60);
    let handle = puppet::add(&mut app, clip.clone());
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let object = app.world_mut().spawn(Transform::IDENTITY).id();
    let origin = Isometry3d::new(Vec3::new(1.0, 0.0, -2.0), Quat::from_rotation_y(0.6));
    let options = AnimationOptions {
        root_motion: Some(origin),
        object: true,
    };
    let animation = bake(&mut app, avatar, &handle, Some(object), options);
    until_baked(&mut app, &[&animation]);
    tick(&mut app);
    assert_eq!(heard::<AnimationBaked>(&app).len(), 1);
    app.world_mut()
        .entity_mut(object)
        .insert((object_target(), AnimatedBy(avatar)));
    assert_eq!(
        app.world().get::<AnimationTargetId>(avatar),
        Some(&root_target())
    );
    for f in [0usize, 13, 45, 58] {
        let (graph, node) = AnimationGraph::from_clip(animation.clone());
        play(&mut app, avatar, graph, &[(node, 1.0)], f as f32 / 30.0);
        let joints = clip.joints(f);
        for j in 0..JOINTS {
            let want = origin * frame::vec3(joints[j]);
            let got = Vec3::from(place(&app, bone(&app, avatar, j)).translation);
            assert!(
                got.distance(want) < 5e-4,
                "frame {f}, joint {j}: {got}, {want}"
            );
        }
        let want = origin * frame::vec3(clip.frames[f].object_position);
        let got = Vec3::from(place(&app, object).translation);
        assert!(got.distance(want) < 5e-4);
    }
}

#[test]
fn graphs_blend_and_mask_it() {
    let mut app = puppet::app();
    let first = puppet::clip(60);
    let mut second = first.clone();
    for f in &mut second.frames {
        // The other arm swings, the other way round.
        *f = Frame::mirrored(f);
    }
    let first = puppet::add(&mut app, first);
    let second = puppet::add(&mut app, second);
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let options = AnimationOptions::default();
    let a = bake(&mut app, avatar, &first, None, options);
    let b = bake(&mut app, avatar, &second, None, options);
    until_baked(&mut app, &[&a, &b]);
    tick(&mut app);
    let at = 0.7;
    let pose = |app: &mut App, weights: [f32; 2]| {
        let mut graph = AnimationGraph::new();
        let blend = graph.add_blend(1.0, graph.root);
        let nodes = [
            (graph.add_clip(a.clone(), 1.0, blend), weights[0]),
            (graph.add_clip(b.clone(), 1.0, blend), weights[1]),
        ];
        play(app, avatar, graph, &nodes, at);
        let all: Vec<Quat> = (0..JOINTS).map(|j| rotation(app, avatar, j)).collect();
        all
    };
    let only_a = pose(&mut app, [1.0, 0.0]);
    let only_b = pose(&mut app, [0.0, 1.0]);
    let both = pose(&mut app, [0.5, 0.5]);
    let mut apart: f32 = 0.0;
    for j in 0..JOINTS {
        apart = apart.max(only_a[j].angle_between(only_b[j]));
        let half = only_a[j].slerp(only_b[j], 0.5);
        assert!(both[j].angle_between(half) < 2e-3, "joint {j}");
    }
    assert!(apart > 0.3, "the two differ");

    // The upper body of the first over the legs of the second.
    let rig = app
        .world()
        .get::<AvatarRig>(avatar)
        .expect("a rig")
        .rig
        .clone();
    let names = rig_targets(&rig);
    let is_leg = |j: usize| {
        let leg = [joint::LEFT_HIP, joint::RIGHT_HIP];
        let mut at = Some(j);
        std::iter::from_fn(|| {
            let now = at?;
            at = chois::skeleton::PARENTS[now];
            Some(now)
        })
        .any(|j| leg.contains(&j))
    };
    let mut graph = AnimationGraph::new();
    let blend = graph.add_blend(1.0, graph.root);
    for j in 0..JOINTS {
        graph.add_target_to_mask_group(names[j], u32::from(is_leg(j)));
    }
    // Masked groups are left out: group 1 are the legs, group 0 the rest.
    let upper = graph.add_clip_with_mask(a.clone(), 1 << 1, 1.0, blend);
    let lower = graph.add_clip_with_mask(b.clone(), 1 << 0, 1.0, blend);
    play(&mut app, avatar, graph, &[(upper, 1.0), (lower, 1.0)], at);
    for j in 0..JOINTS {
        let want = if is_leg(j) { only_b[j] } else { only_a[j] };
        assert!(
            rotation(&app, avatar, j).angle_between(want) < 2e-3,
            "joint {j}"
        );
    }
}

/// What the second clip of [`graphs_blend_and_mask_it`] is made of.
trait Mirrored {
    fn mirrored(&self) -> Self;
}
type Frame = chois::motion::Frame;
impl Mirrored for Frame {
    fn mirrored(&self) -> Self {
        let mut frame = *self;
        for (a, b) in [
            (joint::LEFT_HIP, joint::RIGHT_HIP),
            (joint::LEFT_KNEE, joint::RIGHT_KNEE),
        ] {
            frame.pose.rotations.swap(a, b);
        }
        let bend = nalgebra::UnitQuaternion::from_euler_angles(0.0, 0.0, 0.4);
        for j in [joint::LEFT_ELBOW, joint::RIGHT_ELBOW] {
            frame.pose.rotations[j] = bend * frame.pose.rotations[j];
        }
        frame
    }
}

#[test]
fn touches_are_animation_events() {
    #[derive(Resource, Default)]
    struct Felt(Vec<ClipTouch>);
    let mut app = puppet::app();
    app.init_resource::<Felt>();
    app.add_observer(|touch: On<ClipTouch>, mut felt: ResMut<Felt>| felt.0.push(*touch));
    let handle = puppet::add(&mut app, puppet::clip(100));
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let animation = bake(&mut app, avatar, &handle, None, AnimationOptions::default());
    until_baked(&mut app, &[&animation]);
    tick(&mut app);
    let (graph, node) = AnimationGraph::from_clip(animation);
    play(&mut app, avatar, graph, &[], 0.0);
    let mut player = app
        .world_mut()
        .get_mut::<AnimationPlayer>(avatar)
        .expect("a player");
    player.play(node);
    tick_times(&mut app, 240);
    let felt = &app.world().resource::<Felt>().0;
    let hand = |part, made| ClipTouch { part, made };
    assert_eq!(felt.len(), 4, "{felt:?}");
    assert!(felt[..2].contains(&hand(ContactPart::LeftHand, true)));
    assert!(felt[..2].contains(&hand(ContactPart::RightHand, true)));
    assert!(felt[2..].contains(&hand(ContactPart::LeftHand, false)));
}

#[test]
fn bones_that_have_names_and_a_player_keep_them() {
    let mut app = puppet::app();
    let handle = puppet::add(&mut app, puppet::clip(40));
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    // As a glTF scene with animations comes: the player is on a node of the scene.
    let pelvis = bone(&app, avatar, joint::PELVIS);
    app.world_mut()
        .entity_mut(pelvis)
        .insert(AnimationPlayer::default());
    let theirs = AnimationTargetId::from_iter(["Armature", "hand.L"]);
    let wrist = bone(&app, avatar, joint::LEFT_WRIST);
    app.world_mut()
        .entity_mut(wrist)
        .insert((theirs, AnimatedBy(pelvis)));
    let animation = bake(&mut app, avatar, &handle, None, AnimationOptions::default());
    until_baked(&mut app, &[&animation]);
    tick(&mut app);
    let targets = app.world().get::<AnimationTargets>(avatar).expect("names");
    assert_eq!(targets.player, pelvis);
    assert_eq!(targets.bones[joint::LEFT_WRIST], theirs);
    let animations = app.world().resource::<Assets<AnimationClip>>();
    let clip = animations.get(&animation).expect("it is there");
    assert!(clip.curves_for_target(theirs).is_some());
    assert!(app.world().get::<AnimationPlayer>(avatar).is_none());
    let head = bone(&app, avatar, joint::HEAD);
    let by = app.world().get::<AnimatedBy>(head).expect("animated");
    assert_eq!(by.0, pelvis);
}

#[test]
fn what_cannot_become_an_animation_is_told() {
    let mut app = puppet::app();
    hear::<AnimationFailed>(&mut app);
    let handle = puppet::add(&mut app, puppet::clip(40));
    let gone = puppet::spawn(&mut app, Transform::IDENTITY);
    app.world_mut().despawn(gone);
    bake(&mut app, gone, &handle, None, AnimationOptions::default());
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let empty = puppet::add(&mut app, puppet::clip(0));
    bake(&mut app, avatar, &empty, None, AnimationOptions::default());
    assert!(tick_until(&mut app, PATIENCE, |world| {
        let heard = world.resource::<bevy_chois_tests::Heard<AnimationFailed>>();
        heard.0.len() == 2
    }));
    tick_times(&mut app, 5);
    let failed = heard::<AnimationFailed>(&app);
    assert_eq!(failed.len(), 2);
    assert!(
        failed
            .iter()
            .any(|f| f.entity == gone && f.reason.contains("despawned"))
    );
    assert!(
        failed
            .iter()
            .any(|f| f.entity == avatar && f.reason.contains("frames"))
    );
}
