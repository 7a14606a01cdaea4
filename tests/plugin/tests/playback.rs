//! Playing clips on avatars and objects: the pose that is written, how it begins and ends, and what is told meanwhile.
//!
//! The avatar is a puppet with the model's own skeleton (see [`bevy_chois_tests::puppet`]), so every pose has a right
//! answer: forward kinematics of the clip.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy_chois::clip::MotionClip;
use bevy_chois::clip::bake::BakedClips;
use bevy_chois::frame;
use bevy_chois::object::Interactable;
use bevy_chois::playback::events::{
    ContactLost, ContactMade, InteractionFinished, InteractionInterrupted, InteractionStarted,
    InterruptReason, ObjectReleased, ObjectTaken,
};
use bevy_chois::playback::{BodyParts, HeldBy, InteractionPlayer, InteractionState, WaitingFor};
use bevy_chois_tests::puppet::{self, TOUCH, bone, place};
use bevy_chois_tests::{Heard, hear, heard, tick, tick_times, tick_until};
use chois::motion::ContactPart;
use chois::skeleton::{JOINTS, joint};

/// Frames of the clip that most tests play: 4 s.
const FRAMES: usize = 120;
/// Seconds of the test's own clock for work on other threads.
const PATIENCE: f32 = 20.0;

fn listening() -> App {
    let mut app = puppet::app();
    hear::<InteractionStarted>(&mut app);
    hear::<ContactMade>(&mut app);
    hear::<ContactLost>(&mut app);
    hear::<InteractionFinished>(&mut app);
    hear::<InteractionInterrupted>(&mut app);
    hear::<ObjectTaken>(&mut app);
    hear::<ObjectReleased>(&mut app);
    app
}

/// Where the clip has its object at a frame, in the game's world.
fn object_at(clip: &chois::motion::MotionClip, f: usize) -> Isometry3d {
    let f = &clip.frames[f];
    frame::isometry(f.object_position, f.object_rotation)
}

fn spawn_object(app: &mut App, at: Isometry3d) -> Entity {
    let transform = Transform::from_isometry(at);
    app.world_mut().spawn(transform).id()
}

fn insert(app: &mut App, avatar: Entity, interaction: InteractionPlayer) {
    app.world_mut().entity_mut(avatar).insert(interaction);
}

fn state(app: &App, avatar: Entity) -> Option<InteractionState> {
    app.world().get::<InteractionState>(avatar).copied()
}

fn interaction(app: &mut App, avatar: Entity) -> Mut<'_, InteractionPlayer> {
    let entity = app.world_mut().entity_mut(avatar);
    entity.into_mut::<InteractionPlayer>().expect("it plays")
}

fn tick_until_state(app: &mut App, avatar: Entity, want: InteractionState) {
    let there = tick_until(app, PATIENCE, |world| {
        world.get::<InteractionState>(avatar) == Some(&want)
    });
    assert!(there, "it is {:?}, not {want:?}", state(app, avatar));
}

fn set_tick(app: &mut App, seconds: f64) {
    let step = Duration::from_secs_f64(seconds);
    app.insert_resource(TimeUpdateStrategy::ManualDuration(step));
}

fn reasons(app: &App) -> Vec<InterruptReason> {
    let all = heard::<InteractionInterrupted>(app);
    all.into_iter().map(|i| i.reason).collect()
}

/// A puppet that plays [`puppet::clip`], with its box; started.
fn playing(app: &mut App) -> (Entity, Entity, chois::motion::MotionClip) {
    let clip = puppet::clip(FRAMES);
    let handle = puppet::add(app, clip.clone());
    let avatar = puppet::spawn(app, Transform::IDENTITY);
    let object = spawn_object(app, object_at(&clip, 0));
    insert(
        app,
        avatar,
        InteractionPlayer::new(handle).with_object(object),
    );
    tick_until_state(app, avatar, InteractionState::Playing);
    (avatar, object, clip)
}

/// Every joint stands where the clip has it at a frame.
fn assert_pose(
    app: &App,
    avatar: Entity,
    clip: &chois::motion::MotionClip,
    f: usize,
    origin: Isometry3d,
) {
    let joints = clip.joints(f);
    for j in 0..JOINTS {
        let want: Vec3 = origin * frame::vec3(joints[j]);
        let got = Vec3::from(place(app, bone(app, avatar, j)).translation);
        assert!(
            got.distance(want) < 2e-4,
            "frame {f}, joint {j}: {got} for {want}"
        );
    }
}

#[test]
fn every_frame_is_exact_wherever_the_clips_world_stands() {
    let mut app = listening();
    let clip = puppet::clip(FRAMES);
    let handle = puppet::add(&mut app, clip.clone());
    // Avatar and object hang under things that are moved, turned and scaled.
    let ship = Transform::from_xyz(3.0, -1.0, 2.0)
        .with_rotation(Quat::from_euler(EulerRot::YXZ, 0.7, 0.2, -0.3))
        .with_scale(Vec3::splat(2.0));
    let deck = app.world_mut().spawn(ship).id();
    let avatar = puppet::spawn(&mut app, Transform::from_scale(Vec3::splat(0.5)));
    let object = spawn_object(&mut app, Isometry3d::IDENTITY);
    app.world_mut()
        .entity_mut(deck)
        .add_children(&[avatar, object]);
    let origin = Isometry3d::new(Vec3::new(-2.0, 0.5, 4.0), Quat::from_rotation_y(2.1));
    insert(
        &mut app,
        avatar,
        InteractionPlayer::new(handle)
            .with_object(object)
            .with_origin(origin),
    );
    tick_until_state(&mut app, avatar, InteractionState::Playing);
    for f in [17, 0, 1, 44, 69, FRAMES - 1, 3] {
        interaction(&mut app, avatar).seek(f as f32 / 30.0);
        // The ship sails on.
        app.world_mut()
            .get_mut::<Transform>(deck)
            .expect("the ship")
            .translation
            .x += 0.3;
        tick(&mut app);
        assert_pose(&app, avatar, &clip, f, origin);
        if f < TOUCH.end {
            let want = origin * object_at(&clip, f);
            let got = place(&app, object);
            assert!(
                got.translation.distance(want.translation) < 2e-4,
                "frame {f}"
            );
            assert!(
                got.rotation.angle_between(want.rotation) < 2e-3,
                "frame {f}"
            );
        }
    }
    assert_eq!(reasons(&app), []);
}

#[test]
fn tells_what_happens_in_order_and_at_the_right_time() {
    #[derive(Resource, Default)]
    struct Told(Vec<(String, f32)>);
    fn note<E: EntityEvent>(
        what: &'static str,
    ) -> impl Fn(On<E>, ResMut<Told>, Query<&InteractionPlayer>) {
        move |event, mut told, playing| {
            let time = playing.iter().next().map_or(-1.0, |i| i.time);
            assert_ne!(event.event_target(), Entity::PLACEHOLDER);
            told.0.push((what.to_owned(), time));
        }
    }
    let mut app = listening();
    app.init_resource::<Told>();
    app.add_observer(note::<InteractionStarted>("started"));
    app.add_observer(note::<ObjectTaken>("taken"));
    app.add_observer(note::<ContactMade>("made"));
    app.add_observer(note::<ContactLost>("lost"));
    app.add_observer(note::<ObjectReleased>("released"));
    app.add_observer(note::<InteractionFinished>("finished"));
    let (avatar, object, clip) = playing(&mut app);
    assert_eq!(
        app.world().get::<HeldBy>(object),
        Some(&HeldBy { avatar }),
        "the clip drives it"
    );
    tick_until_state(&mut app, avatar, InteractionState::Finished);
    tick(&mut app);
    let told = app.world().resource::<Told>().0.clone();
    let words: Vec<&str> = told.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(
        words,
        [
            "started", "taken", "made", "made", "lost", "lost", "released", "finished"
        ]
    );
    let time = |k: usize| told[k].1;
    let (begins, ends) = (TOUCH.start as f32 / 30.0, (TOUCH.end - 1) as f32 / 30.0);
    assert!((time(2) - begins).abs() < 0.02, "{}", time(2));
    assert!((time(4) - ends).abs() < 0.02, "{}", time(4));
    assert!(time(6) >= ends && time(6) < ends + 0.1, "{}", time(6));

    // The messages say the same, and where.
    let made = heard::<ContactMade>(&app);
    assert_eq!(made.len(), 2);
    assert_eq!(made[0].part, ContactPart::LeftHand);
    assert_eq!((made[0].entity, made[0].object), (avatar, Some(object)));
    let palm = frame::vec3(clip.joints(TOUCH.start)[joint::LEFT_PALM]);
    assert!(made[0].point.distance(palm) < 0.05, "{}", made[0].point);
    assert_eq!(heard::<ContactLost>(&app).len(), 2);
    assert_eq!(heard::<InteractionFinished>(&app).len(), 1);
    assert_eq!(reasons(&app), []);

    // The last pose is held, the object is the game's.
    assert_pose(&app, avatar, &clip, FRAMES - 1, Isometry3d::IDENTITY);
    assert_eq!(app.world().get::<HeldBy>(object), None);
    let elsewhere = Transform::from_xyz(9.0, 9.0, 9.0);
    app.world_mut().entity_mut(object).insert(elsewhere);
    tick_times(&mut app, 5);
    assert_eq!(app.world().get::<Transform>(object), Some(&elsewhere));
    // So is the avatar's place.
    app.world_mut().entity_mut(avatar).insert(elsewhere);
    tick_times(&mut app, 5);
    assert_eq!(app.world().get::<Transform>(avatar), Some(&elsewhere));
    assert_eq!(state(&app, avatar), Some(InteractionState::Finished));
}

/// Local rotations of all bones, and where root and object stand.
fn snapshot(app: &App, avatar: Entity, object: Entity) -> (Vec<Quat>, [Vec3; 2]) {
    let get = |e: Entity| app.world().get::<Transform>(e).copied().unwrap_or_default();
    let bones = (0..JOINTS).map(|j| get(bone(app, avatar, j)).rotation);
    (
        bones.collect(),
        [get(avatar).translation, get(object).translation],
    )
}

/// Greatest change of angular velocity of any bone between two ticks (radians per second), and of the velocity of
/// root and object (metres per second), over a run of snapshots `dt` apart; and the greatest angular speed.
fn jumps(shots: &[(Vec<Quat>, [Vec3; 2])], dt: f32) -> (f32, f32, f32) {
    let (mut turn, mut shift, mut peak) = (0.0f32, 0.0f32, 0.0f32);
    let spin = |a: Quat, b: Quat| {
        let q = b * a.inverse();
        (if q.w < 0.0 { -q } else { q }).to_scaled_axis() / dt
    };
    for w in shots.windows(3) {
        for j in 0..JOINTS {
            let before = spin(w[0].0[j], w[1].0[j]);
            let after = spin(w[1].0[j], w[2].0[j]);
            turn = turn.max((after - before).length());
            peak = peak.max(after.length());
        }
        for k in 0..2 {
            let before = (w[1].1[k] - w[0].1[k]) / dt;
            let after = (w[2].1[k] - w[1].1[k]) / dt;
            shift = shift.max((after - before).length());
        }
    }
    (turn, shift, peak)
}

/// The game moves the left arm until the interaction covers it.
#[derive(Resource)]
struct Waving(Entity);

fn wave(waving: Option<Res<Waving>>, time: Res<Time>, mut transforms: Query<&mut Transform>) {
    if let Some(waving) = waving
        && let Ok(mut transform) = transforms.get_mut(waving.0)
    {
        transform.rotation = Quat::from_rotation_z(0.8 * (3.0 * time.elapsed_secs()).sin());
    }
}

#[test]
fn begins_in_the_pose_of_the_moment_without_a_pop() {
    let dt = 1.0 / 60.0;
    // The clip by itself.
    let mut app = listening();
    let (avatar, object, clip) = playing(&mut app);
    interaction(&mut app, avatar).seek(0.0);
    let mut alone = Vec::new();
    for _ in 0..230 {
        tick(&mut app);
        alone.push(snapshot(&app, avatar, object));
    }
    let (own_turn, own_shift, peak) = jumps(&alone, dt);
    assert!(peak > 1.0);

    // The same from a T-pose, waving, a bit away and turned, the box elsewhere.
    let mut app = listening();
    app.add_systems(Update, wave);
    let handle = puppet::add(&mut app, clip.clone());
    let avatar = puppet::spawn(
        &mut app,
        Transform::from_xyz(0.3, 0.0, 0.2).with_rotation(Quat::from_rotation_y(0.5)),
    );
    let mut near = object_at(&clip, 0);
    near.translation.x += 0.1;
    let object = spawn_object(&mut app, near);
    let arm = bone(&app, avatar, joint::LEFT_SHOULDER);
    app.insert_resource(Waving(arm));
    insert(
        &mut app,
        avatar,
        InteractionPlayer::new(handle).with_object(object),
    );
    let mut shots = Vec::new();
    let mut started = None;
    for k in 0..4000_usize {
        tick(&mut app);
        shots.push(snapshot(&app, avatar, object));
        if started.is_none() && state(&app, avatar) == Some(InteractionState::Playing) {
            started = Some(k);
        }
        if started.is_some_and(|s| k > s + 120) {
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let started = started.expect("it starts");
    let from = started.saturating_sub(3);
    let (turn, shift, _) = jumps(&shots[from..], dt);
    println!(
        "speed jumps per 1/60 s: bones {turn:.3} rad/s (the clip alone {own_turn:.3}, its peak speed {peak:.2}), \
         places {shift:.3} m/s (alone {own_shift:.3})"
    );
    // What the clip accelerates by itself is no pop.
    let waving = 0.8 * 9.0 * dt;
    assert!(turn - own_turn.max(waving) < 0.1 * peak, "{turn} of {peak}");
    assert!(shift < own_shift + 0.12, "{shift}");
    // In the frame in which it starts nothing moves by more than it did before.
    let (turn, shift, _) = jumps(&shots[from..started + 2], dt);
    assert!(turn < waving + 0.1 * peak, "{turn}");
    assert!(shift < 0.1, "{shift}");
    // And then it is the clip.
    let time = interaction(&mut app, avatar).time;
    interaction(&mut app, avatar).pause();
    tick(&mut app);
    let was = snapshot(&app, avatar, object);
    interaction(&mut app, avatar).seek(time + 1e-4);
    tick(&mut app);
    let exact = snapshot(&app, avatar, object);
    let off = |j: usize| was.0[j].angle_between(exact.0[j]);
    assert!((0..JOINTS).all(|j| off(j) < 5e-3));
    assert!(was.1[1].distance(exact.1[1]) < 1e-3);
}

#[test]
fn sixty_and_144_hertz_are_smoother_than_straight_lines() {
    for rate in [60.0, 144.0] {
        let dt = 1.0 / rate;
        let mut app = listening();
        let (avatar, object, clip) = playing(&mut app);
        set_tick(&mut app, f64::from(dt));
        interaction(&mut app, avatar).seek(0.0);
        tick(&mut app);
        let mut shots = Vec::new();
        for _ in 0..(3.5 * rate) as usize {
            shots.push(snapshot(&app, avatar, object));
            tick(&mut app);
        }
        // The same frames with straight lines between them.
        let frames: Vec<_> = (0..FRAMES)
            .map(|f| {
                interaction(&mut app, avatar).seek(f as f32 / 30.0);
                tick(&mut app);
                snapshot(&app, avatar, object)
            })
            .collect();
        let straight: Vec<_> = (0..(3.5 * rate) as usize)
            .map(|k| {
                let t = k as f32 * dt * 30.0;
                let (a, b) = (&frames[t as usize], &frames[t as usize + 1]);
                let s = t.fract();
                let bones = (0..JOINTS).map(|j| a.0[j].slerp(b.0[j], s));
                let lerp = |k: usize| a.1[k].lerp(b.1[k], s);
                (bones.collect::<Vec<_>>(), [lerp(0), lerp(1)])
            })
            .collect();
        let (turn, shift, _) = jumps(&shots, dt);
        let (lines, shift_lines, _) = jumps(&straight, dt);
        println!(
            "{rate} Hz: greatest step of angular velocity {turn:.3} rad/s, straight lines {lines:.3}; of velocity \
             {shift:.4} m/s, straight lines {shift_lines:.4}"
        );
        let gain = if rate > 100.0 { 0.35 } else { 0.7 };
        assert!(turn < gain * lines, "{rate} Hz: {turn} of {lines}");
        assert!(
            shift < gain * shift_lines,
            "{rate} Hz: {shift} of {shift_lines}"
        );
        assert!(clip.frames.len() == FRAMES);
    }
}

#[test]
fn pauses_seeks_and_runs_at_any_speed() {
    let mut app = listening();
    let (avatar, _, clip) = playing(&mut app);
    let time = |app: &mut App| interaction(app, avatar).time;
    // Pause and play.
    tick_times(&mut app, 10);
    let before = time(&mut app);
    interaction(&mut app, avatar).pause();
    tick_times(&mut app, 10);
    assert_eq!(time(&mut app), before);
    interaction(&mut app, avatar).play();
    tick_times(&mut app, 6);
    assert!((time(&mut app) - before - 0.1).abs() < 1e-3);
    // Faster, backwards.
    interaction(&mut app, avatar).speed = 3.0;
    tick_times(&mut app, 6);
    assert!((time(&mut app) - before - 0.4).abs() < 1e-3);
    interaction(&mut app, avatar).speed = -1.0;
    tick_times(&mut app, 6);
    assert!((time(&mut app) - before - 0.3).abs() < 1e-3);
    // What is no number stands still, and breaks nothing.
    for bad in [f32::NAN, f32::INFINITY, 0.0] {
        let before = time(&mut app);
        interaction(&mut app, avatar).speed = bad;
        tick_times(&mut app, 3);
        assert_eq!(time(&mut app), before, "{bad}");
    }
    interaction(&mut app, avatar).seek(f32::NAN);
    interaction(&mut app, avatar).weight = f32::NAN;
    interaction(&mut app, avatar).blend_in = f32::NAN;
    interaction(&mut app, avatar).origin.translation.x = f32::NAN;
    tick_times(&mut app, 3);
    assert!(time(&mut app).is_finite());
    assert!(place(&app, bone(&app, avatar, 5)).translation.is_finite());
    // Seeking outside goes to the ends.
    interaction(&mut app, avatar).speed = 1.0;
    interaction(&mut app, avatar)
        .pause()
        .seek(f32::NEG_INFINITY);
    tick(&mut app);
    assert_eq!(time(&mut app), 0.0);
    assert_pose(&app, avatar, &clip, 0, Isometry3d::IDENTITY);
    interaction(&mut app, avatar).seek(1e9);
    tick(&mut app);
    assert_pose(&app, avatar, &clip, FRAMES - 1, Isometry3d::IDENTITY);
    assert_eq!(state(&app, avatar), Some(InteractionState::Playing));
    interaction(&mut app, avatar).play();
    tick_times(&mut app, 2);
    assert_eq!(state(&app, avatar), Some(InteractionState::Finished));
    // From the end back to the beginning.
    interaction(&mut app, avatar).speed = -4.0;
    interaction(&mut app, avatar).seek(3.0);
    tick_until_state(&mut app, avatar, InteractionState::Finished);
    assert_pose(&app, avatar, &clip, 0, Isometry3d::IDENTITY);
    assert_eq!(heard::<InteractionFinished>(&app).len(), 2);
    assert_eq!(reasons(&app), []);
}

#[test]
fn loops_without_a_pop_in_the_pose() {
    let mut app = listening();
    let (avatar, object, _) = playing(&mut app);
    interaction(&mut app, avatar).looping = true;
    interaction(&mut app, avatar).seek(3.5);
    let mut shots = Vec::new();
    for _ in 0..90 {
        tick(&mut app);
        let mut shot = snapshot(&app, avatar, object);
        // Avatar and box are back at the beginning at once: they are metres away.
        shot.1 = [Vec3::ZERO; 2];
        shots.push(shot);
    }
    let time = interaction(&mut app, avatar).time;
    assert!(time < 1.5, "it began again: {time}");
    assert_eq!(state(&app, avatar), Some(InteractionState::Playing));
    let (turn, _, peak) = jumps(&shots, 1.0 / 60.0);
    println!("loop: greatest step of angular velocity {turn:.3} rad/s of a peak of {peak:.2}");
    assert!(turn < 0.2 * peak, "{turn} of {peak}");
    assert!(app.world().get::<HeldBy>(object).is_some());
    assert_eq!(heard::<InteractionFinished>(&app).len(), 0);
    assert_eq!(reasons(&app), []);
    // Taken once for each time through.
    let (taken, released) = (heard::<ObjectTaken>(&app), heard::<ObjectReleased>(&app));
    assert_eq!(taken.len(), released.len() + 1);
}

#[test]
fn waits_for_clip_and_rig() {
    let mut app = listening();
    let clips = app.world().resource::<Assets<MotionClip>>();
    let handle = clips.reserve_handle();
    let avatar = app.world_mut().spawn(Transform::IDENTITY).id();
    insert(&mut app, avatar, InteractionPlayer::new(handle.clone()));
    tick_times(&mut app, 3);
    let waits = |what| Some(InteractionState::Waiting(what));
    assert_eq!(state(&app, avatar), waits(WaitingFor::Clip));
    let clip = puppet::clip(40);
    let mut clips = app.world_mut().resource_mut::<Assets<MotionClip>>();
    clips
        .insert(handle.id(), clip.into())
        .expect("it is reserved");
    tick_times(&mut app, 3);
    assert_eq!(state(&app, avatar), waits(WaitingFor::Rig));
    // Somebody else's bones will do.
    let other = puppet::spawn(&mut app, Transform::IDENTITY);
    let rig = app
        .world_mut()
        .entity_mut(other)
        .take::<bevy_chois::avatar::AvatarRig>();
    app.world_mut()
        .entity_mut(avatar)
        .insert(rig.expect("a rig"));
    // An object whose shape is not read yet.
    let object = app.world_mut().spawn(Interactable::default()).id();
    interaction(&mut app, avatar).object = Some(object);
    tick_times(&mut app, 3);
    assert_eq!(state(&app, avatar), waits(WaitingFor::Object));
    interaction(&mut app, avatar).object = None;
    tick_until_state(&mut app, avatar, InteractionState::Playing);
    assert_eq!(reasons(&app), []);
}

#[test]
fn interruptions_are_told_and_harm_nothing() {
    let only = |app: &App, reason: InterruptReason| {
        assert_eq!(reasons(app), [reason]);
        assert_eq!(heard::<InteractionFinished>(app).len(), 0);
        let (made, lost) = (heard::<ContactMade>(app), heard::<ContactLost>(app));
        assert_eq!(made.len(), lost.len());
    };
    let carrying = |app: &mut App| {
        let it = playing(app);
        interaction(app, it.0).seek(1.5);
        tick_times(app, 2);
        it
    };
    // The object is despawned.
    let mut app = listening();
    let (avatar, object, _) = carrying(&mut app);
    app.world_mut().despawn(object);
    tick_times(&mut app, 60);
    only(&app, InterruptReason::ObjectDespawned);
    assert_eq!(state(&app, avatar), Some(InteractionState::Interrupted));

    // The game moves it: it stays where the game put it, the avatar comes to rest.
    let mut app = listening();
    let (avatar, object, _) = carrying(&mut app);
    let elsewhere = Transform::from_xyz(5.0, 0.0, 0.0);
    app.world_mut().entity_mut(object).insert(elsewhere);
    let mut shots = vec![snapshot(&app, avatar, object)];
    for _ in 0..40 {
        tick(&mut app);
        let mut shot = snapshot(&app, avatar, object);
        shot.1[1] = Vec3::ZERO;
        shots.push(shot);
    }
    only(&app, InterruptReason::ObjectMoved);
    assert!(heard::<ObjectReleased>(&app)[0].taken);
    assert_eq!(app.world().get::<Transform>(object), Some(&elsewhere));
    assert_eq!(app.world().get::<HeldBy>(object), None);
    let (_, _, still) = jumps(&shots[35..], 1.0 / 60.0);
    assert!(still < 1e-3, "{still}");
    let (turn, _, peak) = jumps(&shots[1..], 1.0 / 60.0);
    assert!(turn < 0.25 * peak.max(1.0), "{turn} of {peak}");

    // The game takes it out of the hands.
    let mut app = listening();
    let (_, object, _) = carrying(&mut app);
    app.world_mut().entity_mut(object).remove::<HeldBy>();
    tick_times(&mut app, 5);
    only(&app, InterruptReason::ObjectMoved);

    // The component is removed; the avatar is despawned.
    let mut app = listening();
    let (avatar, object, _) = carrying(&mut app);
    app.world_mut()
        .entity_mut(avatar)
        .remove::<InteractionPlayer>();
    tick_times(&mut app, 2);
    only(&app, InterruptReason::Removed);
    assert!(!heard::<ObjectReleased>(&app)[0].taken);
    assert_eq!(state(&app, avatar), None);
    assert_eq!(app.world().get::<HeldBy>(object), None);
    let mut app = listening();
    let (avatar, object, _) = carrying(&mut app);
    app.world_mut().despawn(avatar);
    tick_times(&mut app, 2);
    only(&app, InterruptReason::AvatarDespawned);
    assert_eq!(app.world().get::<HeldBy>(object), None);
    assert_eq!(heard::<ObjectReleased>(&app).len(), 1);

    // The clip is taken away; its bones lose a member.
    let mut app = listening();
    let (avatar, _, _) = carrying(&mut app);
    let id = interaction(&mut app, avatar).clip.id();
    app.world_mut()
        .resource_mut::<Assets<MotionClip>>()
        .remove(id);
    tick_times(&mut app, 5);
    only(&app, InterruptReason::ClipUnloaded);
    let mut app = listening();
    let (avatar, _, _) = carrying(&mut app);
    let arm = bone(&app, avatar, joint::LEFT_SHOULDER);
    app.world_mut().despawn(arm);
    tick_times(&mut app, 5);
    assert_eq!(reasons(&app), []);
}

#[test]
fn what_cannot_be_played_is_told_once() {
    let once = |app: &mut App, avatar: Entity| {
        assert!(tick_until(app, PATIENCE, |world| {
            world.get::<InteractionState>(avatar) == Some(&InteractionState::Interrupted)
                && !world
                    .resource::<Heard<InteractionInterrupted>>()
                    .0
                    .is_empty()
        }));
        tick_times(app, 20);
        let mut all = reasons(app);
        assert_eq!(all.len(), 1);
        assert_eq!(heard::<InteractionStarted>(app).len(), 0);
        all.remove(0)
    };
    // A file that is not there.
    let mut app = listening();
    let server = app.world().resource::<AssetServer>();
    let handle = server.load("no/such/clip.safetensors");
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    insert(&mut app, avatar, InteractionPlayer::new(handle));
    let reason = once(&mut app, avatar);
    assert!(matches!(&reason, InterruptReason::ClipFailed(why) if why.contains("no/such/clip")));
    // A rig that the solver refuses.
    let mut app = listening();
    let handle = puppet::add(&mut app, puppet::clip(30));
    let mut rig = puppet::rig(&chois::skeleton::Skeleton::adult());
    rig.bones.pop();
    let avatar = puppet::spawn_with(&mut app, Transform::IDENTITY, rig.into());
    insert(&mut app, avatar, InteractionPlayer::new(handle));
    let reason = once(&mut app, avatar);
    assert!(matches!(&reason, InterruptReason::Retarget(why) if why.contains("no puppet")));
    // A clip of no frames, an object that is none.
    let mut app = listening();
    let handle = puppet::add(&mut app, puppet::clip(0));
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    insert(&mut app, avatar, InteractionPlayer::new(handle));
    assert!(matches!(
        once(&mut app, avatar),
        InterruptReason::Retarget(_)
    ));
    let mut app = listening();
    let handle = puppet::add(&mut app, puppet::clip(30));
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let nothing = app.world_mut().spawn_empty().id();
    insert(
        &mut app,
        avatar,
        InteractionPlayer::new(handle).with_object(nothing),
    );
    assert_eq!(once(&mut app, avatar), InterruptReason::ObjectDespawned);
}

#[test]
fn an_object_has_one_holder() {
    let mut app = listening();
    let (first, object, clip) = playing(&mut app);
    let handle = puppet::add(&mut app, clip);
    let second = puppet::spawn(&mut app, Transform::from_xyz(2.0, 0.0, 0.0));
    insert(
        &mut app,
        second,
        InteractionPlayer::new(handle).with_object(object),
    );
    tick_until_state(&mut app, second, InteractionState::Interrupted);
    assert!(tick_until(&mut app, PATIENCE, |world| {
        !world
            .resource::<Heard<InteractionInterrupted>>()
            .0
            .is_empty()
    }));
    assert_eq!(reasons(&app), [InterruptReason::ObjectHeld { by: first }]);
    assert_eq!(
        app.world().get::<HeldBy>(object),
        Some(&HeldBy { avatar: first })
    );
    assert_eq!(state(&app, first), Some(InteractionState::Playing));
}

/// The object stands where the clip has it at a frame.
fn assert_object(app: &App, object: Entity, clip: &chois::motion::MotionClip, f: usize) {
    let (want, got) = (object_at(clip, f), place(app, object));
    let off = got.translation.distance(want.translation);
    assert!(off < 1e-3, "frame {f}: {got:?} for {want:?}");
}

#[test]
fn what_is_put_down_may_be_taken_by_others_or_go() {
    let mut app = listening();
    let (first, object, clip) = playing(&mut app);
    // The hands have let go; it stands still while the other one gets ready.
    interaction(&mut app, first).seek(2.5).pause();
    tick_times(&mut app, 2);
    assert_eq!(app.world().get::<HeldBy>(object), None);
    let handle = puppet::add(&mut app, clip);
    let second = puppet::spawn(&mut app, Transform::from_xyz(2.0, 0.0, 0.0));
    insert(
        &mut app,
        second,
        InteractionPlayer::new(handle).with_object(object),
    );
    tick_until_state(&mut app, second, InteractionState::Playing);
    interaction(&mut app, first).play();
    tick_until_state(&mut app, first, InteractionState::Finished);
    assert_eq!(reasons(&app), []);
    assert_eq!(
        app.world().get::<HeldBy>(object),
        Some(&HeldBy { avatar: second })
    );

    let mut app = listening();
    let (avatar, object, _) = playing(&mut app);
    interaction(&mut app, avatar).seek(2.5);
    tick_times(&mut app, 2);
    app.world_mut().despawn(object);
    tick_until_state(&mut app, avatar, InteractionState::Finished);
    tick_times(&mut app, 5);
    assert_eq!(state(&app, avatar), Some(InteractionState::Finished));
    assert_eq!(reasons(&app), []);
    // What is gone cannot be taken again.
    interaction(&mut app, avatar).seek(1.5);
    tick_times(&mut app, 2);
    assert_eq!(reasons(&app), [InterruptReason::ObjectDespawned]);
}

#[test]
fn an_object_changes_hands_in_one_frame() {
    let mut app = listening();
    let (first, object, clip) = playing(&mut app);
    // As one who scrubs over the strips of two persons does.
    let handle = puppet::add(&mut app, clip.clone());
    let mut without = InteractionPlayer::new(handle).with_blend_in(0.0);
    without.pause();
    let second = puppet::spawn(&mut app, Transform::from_xyz(2.0, 0.0, 0.0));
    insert(&mut app, second, without.clone());
    tick_until_state(&mut app, second, InteractionState::Playing);
    interaction(&mut app, first).seek(1.2).pause();
    tick_times(&mut app, 2);
    assert_object(&app, object, &clip, 36);
    let replaced = InterruptReason::Replaced;

    interaction(&mut app, first).seek(3.0);
    let with = without.clone().with_object(object).starting_at(1.5);
    insert(&mut app, second, with);
    tick_times(&mut app, 3);
    assert_eq!(reasons(&app), std::slice::from_ref(&replaced));
    let held = app.world().get::<HeldBy>(object);
    assert_eq!(held, Some(&HeldBy { avatar: second }));
    assert_object(&app, object, &clip, 45);

    // And back.
    interaction(&mut app, first).seek(1.2);
    insert(&mut app, second, without);
    tick_times(&mut app, 3);
    assert_eq!(reasons(&app), [replaced.clone(), replaced]);
    let held = app.world().get::<HeldBy>(object);
    assert_eq!(held, Some(&HeldBy { avatar: first }));
    assert_object(&app, object, &clip, 36);
    for avatar in [first, second] {
        assert_eq!(state(&app, avatar), Some(InteractionState::Playing));
    }
}

#[test]
fn an_object_stands_where_it_was_put_down_from_however_far() {
    for sought in [true, false] {
        let mut app = listening();
        let (avatar, object, clip) = playing(&mut app);
        interaction(&mut app, avatar).seek(2.2);
        tick(&mut app);
        assert_object(&app, object, &clip, 66);
        if sought {
            interaction(&mut app, avatar).seek(3.9);
        } else {
            set_tick(&mut app, 0.25);
        }
        tick(&mut app);
        assert!(interaction(&mut app, avatar).time > 2.4);
        assert_eq!(app.world().get::<HeldBy>(object), None);
        assert_object(&app, object, &clip, FRAMES - 1);
        assert_eq!(heard::<ObjectReleased>(&app).len(), 1);
        assert_eq!(reasons(&app), []);
    }
}

#[test]
fn what_is_replaced_comes_to_rest_where_it_plays() {
    let mut app = listening();
    let (avatar, _, _) = playing(&mut app);
    interaction(&mut app, avatar).seek(1.6);
    tick_times(&mut app, 5);
    let head = bone(&app, avatar, joint::HEAD);
    let before = place(&app, head);
    // The next one is elsewhere, stands still, shows nothing, and its clip is not there yet.
    let clips = app.world().resource::<Assets<MotionClip>>();
    let handle = clips.reserve_handle();
    let quarter = Quat::from_rotation_y(std::f32::consts::FRAC_PI_2);
    let mut next = InteractionPlayer::new(handle)
        .with_origin(Isometry3d::new(Vec3::new(10.0, 0.0, 0.0), quarter))
        .with_weight(0.0);
    next.pause();
    insert(&mut app, avatar, next);
    for _ in 0..20 {
        tick(&mut app);
        let off = place(&app, head).translation.distance(before.translation);
        assert!(off < 0.25, "{off}");
    }
    let off = place(&app, head).translation.distance(before.translation);
    assert!(off > 0.02, "it stopped dead: {off}");
    assert_eq!(reasons(&app), [InterruptReason::Replaced]);
    // The model's -y is Bevy's +Z.
    let released = heard::<ObjectReleased>(&app);
    let velocity = released[0].velocity;
    assert!(velocity.z > 0.5 && velocity.x.abs() < 0.2, "{velocity}");
}

#[test]
fn replacing_goes_on_from_the_speed_of_the_moment() {
    let mut app = listening();
    let (avatar, object, clip) = playing(&mut app);
    interaction(&mut app, avatar).seek(1.6);
    tick_times(&mut app, 5);
    let peak = 2.2;
    // The same clip from elsewhere: known on this rig, so it starts in the same frame.
    let again = interaction(&mut app, avatar).clone().starting_at(0.9);
    let mut shots = Vec::new();
    for k in 0..60 {
        if k == 4 {
            insert(&mut app, avatar, again.clone());
        }
        tick(&mut app);
        shots.push(snapshot(&app, avatar, object));
    }
    assert_eq!(reasons(&app), [InterruptReason::Replaced]);
    assert_eq!(state(&app, avatar), Some(InteractionState::Playing));
    let (turn, shift, _) = jumps(&shots, 1.0 / 60.0);
    println!("replaced: {turn:.3} rad/s, {shift:.3} m/s");
    assert!(turn < 0.2 * peak, "{turn}");
    assert!(shift < 0.25, "{shift}");
    assert_eq!(app.world().get::<HeldBy>(object), Some(&HeldBy { avatar }));

    // Another clip that has to be put on the rig first: the old one comes to rest meanwhile.
    let mut other = clip;
    other.name = "other".into();
    let handle = puppet::add(&mut app, other);
    insert(
        &mut app,
        avatar,
        InteractionPlayer::new(handle).with_object(object),
    );
    tick_until_state(&mut app, avatar, InteractionState::Playing);
    assert_eq!(reasons(&app).len(), 2);
}

#[test]
fn a_clip_that_changes_while_it_plays_goes_over() {
    let mut app = listening();
    let (avatar, object, mut clip) = playing(&mut app);
    interaction(&mut app, avatar).seek(1.0).pause();
    tick_times(&mut app, 2);
    let before = place(&app, bone(&app, avatar, joint::HEAD));
    for f in &mut clip.frames {
        f.pose.root.z += 0.2;
    }
    let id = interaction(&mut app, avatar).clip.id();
    let mut clips = app.world_mut().resource_mut::<Assets<MotionClip>>();
    clips.insert(id, clip.clone().into()).expect("it is there");
    let higher = |world: &mut World| world.resource::<Time>().elapsed_secs() > 0.0;
    assert!(tick_until(&mut app, PATIENCE, higher));
    let risen = (0..2000).any(|_| {
        tick(&mut app);
        std::thread::sleep(Duration::from_millis(1));
        let now = place(&app, bone(&app, avatar, joint::HEAD));
        (now.translation.y - before.translation.y - 0.2).abs() < 1e-3
    });
    assert!(risen);
    assert_eq!(heard::<InteractionStarted>(&app).len(), 1);
    assert_eq!(reasons(&app), []);
    assert!(app.world().get::<HeldBy>(object).is_some());
}

#[test]
fn weight_leaves_room_for_the_game() {
    let mut app = listening();
    app.add_systems(Update, wave);
    let (avatar, _, _) = playing(&mut app);
    let arm = bone(&app, avatar, joint::LEFT_SHOULDER);
    let rotation = |app: &App| app.world().get::<Transform>(arm).map(|t| t.rotation);
    interaction(&mut app, avatar).seek(1.0).pause();
    tick(&mut app);
    let ours = rotation(&app).expect("an arm");
    app.insert_resource(Waving(arm));
    tick(&mut app);
    assert!(
        ours.angle_between(rotation(&app).expect("an arm")) < 1e-3,
        "ours covers"
    );
    interaction(&mut app, avatar).weight = 0.5;
    tick(&mut app);
    let seconds = app.world().resource::<Time>().elapsed_secs();
    let game = Quat::from_rotation_z(0.8 * (3.0 * seconds).sin());
    let half = rotation(&app).expect("an arm");
    assert!(half.angle_between(game.slerp(ours, 0.5)) < 1e-2);
    interaction(&mut app, avatar).weight = 0.0;
    tick(&mut app);
    let seconds = app.world().resource::<Time>().elapsed_secs();
    let game = Quat::from_rotation_z(0.8 * (3.0 * seconds).sin());
    assert!(rotation(&app).expect("an arm").angle_between(game) < 1e-3);
}

#[test]
fn parts_leave_the_others_to_the_game() {
    let mut app = listening();
    let (avatar, _, clip) = playing(&mut app);
    interaction(&mut app, avatar).parts = BodyParts::ALL.without(BodyParts::LEFT_ARM);
    let arm = bone(&app, avatar, joint::LEFT_SHOULDER);
    let raised = Transform::from_xyz(0.1, 0.0, 0.0).with_rotation(Quat::from_rotation_z(1.3));
    app.world_mut().entity_mut(arm).insert(raised);
    interaction(&mut app, avatar).seek(0.5);
    tick(&mut app);
    assert_eq!(app.world().get::<Transform>(arm), Some(&raised));
    for j in [joint::RIGHT_WRIST, joint::LEFT_ANKLE, joint::HEAD] {
        let want = frame::vec3(clip.joints(15)[j]);
        let got = Vec3::from(place(&app, bone(&app, avatar, j)).translation);
        assert!(got.distance(want) < 1e-3, "joint {j}");
    }
}

/// The solver that is shipped, on the same puppet: feet, hands and hips are where the clip has them.
#[test]
fn the_shipped_solver_plays_too() {
    let mut app = listening();
    app.insert_resource(bevy_chois::clip::bake::Retargeter::default());
    let (avatar, _, clip) = playing(&mut app);
    for f in [10, 50, 90] {
        interaction(&mut app, avatar).seek(f as f32 / 30.0);
        tick(&mut app);
        for j in [
            joint::PELVIS,
            joint::LEFT_ANKLE,
            joint::HEAD,
            joint::RIGHT_WRIST,
        ] {
            let want = frame::vec3(clip.joints(f)[j]);
            let got = Vec3::from(place(&app, bone(&app, avatar, j)).translation);
            assert!(
                got.distance(want) < 0.25,
                "frame {f}, joint {j}: {got}, {want}"
            );
        }
    }
    assert_eq!(reasons(&app), []);
}

#[test]
fn a_clip_of_one_frame_is_a_pose() {
    let mut app = listening();
    let handle = puppet::add(&mut app, puppet::clip(1));
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    insert(&mut app, avatar, InteractionPlayer::new(handle.clone()));
    tick_until_state(&mut app, avatar, InteractionState::Finished);
    assert_eq!(heard::<InteractionStarted>(&app).len(), 1);
    insert(&mut app, avatar, InteractionPlayer::new(handle).looped());
    tick_times(&mut app, 30);
    assert_eq!(state(&app, avatar), Some(InteractionState::Playing));
    assert_eq!(reasons(&app), []);
}

#[test]
fn who_hears_of_an_interruption_may_have_them_play_something_else() {
    let mut app = listening();
    let (avatar, _, clip) = playing(&mut app);
    interaction(&mut app, avatar).seek(1.5);
    tick_times(&mut app, 2);
    let idle = puppet::add(&mut app, clip);
    let other = idle.clone();
    app.add_observer(
        move |event: On<InteractionInterrupted>, mut commands: Commands| {
            (commands.entity(event.entity)).insert(InteractionPlayer::new(other.clone()));
        },
    );
    (app.world_mut().entity_mut(avatar)).remove::<InteractionPlayer>();
    tick_until_state(&mut app, avatar, InteractionState::Playing);
    let player = app.world().get::<InteractionPlayer>(avatar);
    assert_eq!(player.map(|player| &player.clip), Some(&idle));
}

#[test]
fn an_avatar_whose_size_changes_is_retargeted_once_it_has_one() {
    let mut app = listening();
    let (avatar, ..) = playing(&mut app);
    let known = app.world().resource::<BakedClips>().len();
    for tick in 1..=60 {
        let scale = Vec3::splat(1.0 + 0.005 * tick as f32);
        let mut place = app.world_mut().get_mut::<Transform>(avatar);
        place.as_mut().expect("a place").scale = scale;
        self::tick(&mut app);
    }
    assert_eq!(app.world().resource::<BakedClips>().len(), known);
    let more = |world: &mut World| world.resource::<BakedClips>().len() > known;
    assert!(tick_until(&mut app, PATIENCE, more), "for its new size");
}
