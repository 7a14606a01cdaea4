//! Hands that hold, in headless apps: what becomes of a generated clip under physics.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bevy::ecs::system::RunSystemOnce;
use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::avatar::{Avatar, AvatarPlugin, AvatarRig};
use bevy_chois::clip::bake::Retargeter;
use bevy_chois::clip::{ClipPlugin, MotionClip};
use bevy_chois::contact::{
    BodyMotion, ContactEvent, ContactMode, ContactObstacle, ContactOutcome, Material,
    ObjectPhysics, PhysicalObjects, PhysicsAdapter, PhysicsAdapterPlugin,
};
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::frame;
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::events::{
    ContactLost, ContactMade, HandLetGo, InteractionFinished, InteractionInterrupted,
    ObjectReleased, PhysicsStarted,
};
use bevy_chois::playback::{
    HeldBy, InteractionPlayer, InteractionState, LivePhysics, PlaybackPlugin,
};
use bevy_chois::synthesis::{
    CheckpointFiles, GenerationFailed, GenerationFinished, InteractionOrder, Job, Model,
    ModelLoader, MotionSynthesizer, SynthesisPlugin,
};
use bevy_chois_tests::{engine, hear, heard, puppet, tick, tick_times, tick_until};
use chois::contact::LetGo;
use chois::contact::palm::{Palm, pad};
use chois::diffusion::{Flow, Progress};
use chois::geometry::{ObjectGeometry, Surface};
use chois::motion::{FPS, Frame};
use chois::retarget::{BodyPart, Bone, Digit, Rig, Side};
use chois::skeleton::{Pose, ROTATIONS, Skeleton, joint};
use chois_tests::tiny;
use nalgebra::{UnitQuaternion, Vector3};

/// Seconds that anything may take on a busy machine.
const PATIENCE: f32 = 20.0;
/// Frames in which the hands of [`carry`] touch the box.
const TOUCH: std::ops::Range<usize> = 15..80;
/// How far the palms of [`carry`] are off the box on either side, metres.
const OFF: f32 = 0.03;

/// A folder of assets with the tiny checkpoint.
static TINY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contact");
    tiny::checkpoint()
        .save(&folder.join("models/tiny"), false)
        .expect("a checkpoint");
    folder
});

/// Somebody stands with the forearms before them, palms to each other.
fn pose() -> Pose {
    let turn = chois::frame::y_up_to_z_up();
    let quarter = std::f32::consts::FRAC_PI_2;
    let mut rotations = [turn; ROTATIONS];
    let forward = UnitQuaternion::from_euler_angles(-quarter, 0.0, 0.0);
    for (hand, sign) in [(0, -1.0), (1, 1.0)] {
        let down = UnitQuaternion::from_euler_angles(0.0, 0.0, sign * quarter);
        rotations[joint::LEFT_SHOULDER + hand] = turn * down;
        rotations[joint::LEFT_ELBOW + hand] = turn * forward * down;
        rotations[joint::LEFT_WRIST + hand] = turn * forward * down;
    }
    Pose {
        root: Vector3::new(0.0, 0.0, 0.92),
        rotations,
    }
}

/// Where both palms are, world.
fn pads(clip: &chois::MotionClip, f: usize) -> [Vector3<f32>; 2] {
    let palms = Palm::of(&clip.skeleton);
    let joints = clip.joints(f);
    let turns = clip.frames[f].pose.rotations;
    [0, 1].map(|hand| {
        let turn = turns[joint::LEFT_WRIST + hand];
        pad(&palms[hand], hand, &joints, &turn)
    })
}

/// A box that all but fits between the palms of [`pose`], its origin in its middle.
fn parcel() -> ObjectGeometry {
    let [left, right] = between();
    let width = (left - right).norm() - 2.0 * OFF;
    let size = [width, 0.3, 0.3];
    let mesh = tiny::cuboid(size.map(|s| -s / 2.0), size);
    ObjectGeometry::new("parcel", mesh.refined()).expect("a box")
}

fn between() -> [Vector3<f32>; 2] {
    let frame = Frame {
        pose: pose(),
        object_position: Vector3::zeros(),
        object_rotation: UnitQuaternion::identity(),
        contact: [0.0; 4],
    };
    pads(&clip_of(vec![frame]), 0)
}

fn clip_of(frames: Vec<Frame>) -> chois::MotionClip {
    chois::MotionClip {
        name: "carry".into(),
        subject: String::new(),
        object: "parcel".into(),
        text: "Carry the parcel.".into(),
        fps: FPS,
        skeleton: Skeleton::adult(),
        frames,
    }
}

/// Somebody carries the parcel half a metre on (to -y), palms [`OFF`] its sides all the time.
fn carry() -> chois::MotionClip {
    let [left, right] = between();
    let middle = (left + right) / 2.0;
    let frame = |f: usize| {
        let s = ((f as f32 - 20.0) / 50.0).clamp(0.0, 1.0);
        let way = s * s * (3.0 - 2.0 * s);
        let shift = Vector3::new(0.0, -0.5 * way, 0.2 * way * (1.0 - way));
        let mut pose = pose();
        pose.root += shift;
        let touches = f32::from(u8::from(TOUCH.contains(&f)));
        Frame {
            pose,
            object_position: middle + shift,
            object_rotation: UnitQuaternion::identity(),
            contact: [touches, touches, 0.0, 0.0],
        }
    };
    clip_of((0..100).map(frame).collect())
}

/// How far each palm is from the parcel's surface while it holds, metres.
fn palm_distances(clip: &chois::MotionClip) -> Vec<f32> {
    let parcel = parcel();
    let surface = Surface::new(&parcel);
    let mut out = Vec::new();
    for (f, frame) in clip.frames.iter().enumerate() {
        for (hand, pad) in pads(clip, f).into_iter().enumerate() {
            if frame.contact[hand] > 0.5 {
                let back = frame.object_rotation.inverse();
                let local = back * (pad - frame.object_position) - parcel.center();
                let near = surface.nearest(&local).expect("a surface");
                out.push((near.position - local).norm());
            }
        }
    }
    out
}

/// A model that answers every order with the same clip.
#[derive(Clone, Debug)]
struct Fixed(chois::MotionClip);

impl ModelLoader for Fixed {
    fn load(&self, _: &CheckpointFiles) -> chois::Result<Box<dyn Model>> {
        Ok(Box::new(self.clone()))
    }
}

impl Model for Fixed {
    fn generate(
        &mut self,
        jobs: &[Job],
        _: &mut dyn FnMut(usize, Progress) -> Flow,
        _: &mut dyn FnMut(usize, chois::MotionClip),
        done: &mut dyn FnMut(usize, chois::Result<chois::MotionClip>),
    ) {
        for index in 0..jobs.len() {
            done(index, Ok(self.0.clone()));
        }
    }
}

/// An app whose model always makes this clip, and an entity with the parcel's shape.
fn stage(clip: chois::MotionClip) -> (App, Entity) {
    let mut app = engine(&TINY);
    let synthesis = SynthesisPlugin {
        checkpoint: "models/tiny/config.json".into(),
        warm_up: false,
        loader: Arc::new(Fixed(clip)),
        ..default()
    };
    let group = ChoisPlugins { synthesis };
    app.add_plugins(group.build().disable::<DebugDrawPlugin>());
    hear::<GenerationFinished>(&mut app);
    hear::<GenerationFailed>(&mut app);
    let geometry = Arc::new(parcel());
    let object = (Transform::from_xyz(0.0, 0.5, 0.0), ObjectShape { geometry });
    let object = app.world_mut().spawn(object).id();
    (app, object)
}

/// Orders a clip and waits for it.
fn made(
    app: &mut App,
    object: Entity,
    change: impl Fn(InteractionOrder) -> InteractionOrder,
) -> (Arc<chois::MotionClip>, ContactOutcome) {
    let order = change(InteractionOrder::new(object, "Carry the parcel."));
    let ask = move |mut synthesizer: MotionSynthesizer| synthesizer.generate(order.clone());
    let handle = app.world_mut().run_system_once(ask).expect("a system");
    let count = heard::<GenerationFinished>(app).len();
    let there = tick_until(app, PATIENCE, |world| {
        world
            .resource::<bevy_chois_tests::Heard<GenerationFinished>>()
            .0
            .len()
            > count
    });
    assert!(there, "no clip came: {:?}", heard::<GenerationFailed>(app));
    let finished = heard::<GenerationFinished>(app).pop().expect("a message");
    let clips = app.world().resource::<Assets<MotionClip>>();
    let clip = clips.get(&handle).expect("a clip").motion.clone();
    (clip, finished.contact)
}

#[test]
fn a_generated_clip_comes_with_hands_that_hold() {
    let (mut app, object) = stage(carry());
    let (clip, outcome) = made(&mut app, object, |o| o);
    let ContactOutcome::Corrected { efforts, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    let before = palm_distances(&carry());
    assert!(before.iter().all(|d| *d > 0.8 * OFF), "the task is none");
    let after = palm_distances(&clip);
    assert!(after.len() > 80, "{} frames of contact", after.len());
    let worst = after.iter().fold(0.0f32, |a, b| a.max(*b));
    assert!(worst < 0.01, "a palm is {worst} m off the surface");
    for hand in 0..2 {
        let held = (outcome.events().iter())
            .any(|e| matches!(e, ContactEvent::Held { hand: h, .. } if *h == hand));
        assert!(held, "hand {hand}: {:?}", outcome.events());
        assert!(efforts[hand].force > 1.0, "{efforts:?}");
    }
}

#[test]
fn contact_may_be_left_alone() {
    let (mut app, object) = stage(carry());
    let (clip, outcome) = made(&mut app, object, |o| o.contact(ContactMode::Off));
    assert_eq!(outcome, ContactOutcome::Off);
    assert!(*clip == carry());
}

#[test]
fn a_clip_that_cannot_be_corrected_comes_as_it_is() {
    // The physics refuses numbers that are none, and names the frame.
    let mut broken = carry();
    broken.frames[40].object_position.x = f32::NAN;
    let (mut app, object) = stage(broken);
    let (clip, outcome) = made(&mut app, object, |o| o);
    let ContactOutcome::Failed(reason) = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("40"), "{reason}");
    assert!(clip.frames[39] == carry().frames[39]);
    assert_eq!(clip.frames.len(), carry().frames.len());
    // A weight that is none, too.
    let (mut app, object) = stage(carry());
    let weightless = ObjectPhysics::weighing(f32::NAN);
    app.world_mut().entity_mut(object).insert(weightless);
    let (clip, outcome) = made(&mut app, object, |o| o);
    assert!(
        matches!(&outcome, ContactOutcome::Failed(r) if r.contains("mass")),
        "{outcome:?}"
    );
    assert!(*clip == carry());
}

#[test]
fn what_an_object_weighs_is_read_from_it_and_its_parts_are_kept() {
    let (mut app, object) = stage(carry());
    let force = |outcome: &ContactOutcome| match outcome {
        ContactOutcome::Corrected { efforts, .. } => efforts[0].force + efforts[1].force,
        other => panic!("{other:?}"),
    };
    let kept = |app: &App| app.world().resource::<PhysicalObjects>().len();
    let cardboard = ObjectPhysics::of(Material::Cardboard);
    app.world_mut().entity_mut(object).insert(cardboard);
    let (first, light) = made(&mut app, object, |o| o);
    assert_eq!(kept(&app), 1);
    let (again, _) = made(&mut app, object, |o| o);
    assert_eq!(kept(&app), 1, "the same shape is made once");
    assert!(*first == *again, "the same bits");
    let heavy = ObjectPhysics::weighing(15.0);
    app.world_mut().entity_mut(object).insert(heavy);
    let (_, heavy) = made(&mut app, object, |o| o);
    assert_eq!(kept(&app), 2);
    assert!(force(&heavy) > 3.0 * force(&light), "{light:?} {heavy:?}");
}

/// A puppet about to play [`carry`] with the parcel under physics; paused at its beginning.
fn live_stage() -> (App, Entity, Entity) {
    live_stage_with(|_| {})
}

/// The same in an app that has more to it.
fn live_stage_with(more: impl FnOnce(&mut App)) -> (App, Entity, Entity) {
    let mut app = puppet::app();
    more(&mut app);
    hear::<PhysicsStarted>(&mut app);
    hear::<HandLetGo>(&mut app);
    hear::<ObjectReleased>(&mut app);
    hear::<InteractionFinished>(&mut app);
    hear::<InteractionInterrupted>(&mut app);
    let clip = carry();
    let place = frame::isometry(
        clip.frames[0].object_position,
        clip.frames[0].object_rotation,
    );
    let geometry = Arc::new(parcel());
    let object = (Transform::from_isometry(place), ObjectShape { geometry });
    let object = app.world_mut().spawn(object).id();
    let clip = puppet::add(&mut app, clip);
    let avatar = puppet::spawn(&mut app, Transform::IDENTITY);
    let mut interaction = InteractionPlayer::new(clip)
        .with_object(object)
        .with_blend_in(0.0)
        .live(LivePhysics::default());
    interaction.pause();
    app.world_mut().entity_mut(avatar).insert(interaction);
    ready(&mut app, 1);
    (app, avatar, object)
}

/// Waits until physics has begun so many times.
fn ready(app: &mut App, times: usize) {
    let there = tick_until(app, PATIENCE, |world| {
        world
            .resource::<bevy_chois_tests::Heard<PhysicsStarted>>()
            .0
            .len()
            >= times
    });
    assert!(there, "physics does not begin");
}

fn player(app: &mut App, avatar: Entity) -> Mut<'_, InteractionPlayer> {
    let avatar = app.world_mut().entity_mut(avatar);
    avatar.into_mut::<InteractionPlayer>().expect("it plays")
}

fn at(app: &App, entity: Entity) -> Vec3 {
    app.world()
        .get::<Transform>(entity)
        .expect("a place")
        .translation
}

/// No transform holds a number that is none.
fn all_finite(app: &mut App) {
    let mut all = app.world_mut().query::<&Transform>();
    assert!(all.iter(app.world()).all(Transform::is_finite));
}

#[test]
fn live_palms_are_on_the_object_that_they_carry() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 90);
    all_finite(&mut app);
    let time = player(&mut app, avatar).time;
    let moved = at(&app, object);
    let clips = frame::vec3(carry().frames[(time * FPS) as usize].object_position);
    assert!(moved.distance(clips) < 0.05, "{moved} for {clips}");
    // The palms' knuckles are as near to the box as palms that lie on it; the clip's own are 3 cm further.
    let joint =
        |j: usize| Vec3::from(puppet::place(&app, puppet::bone(&app, avatar, j)).translation);
    let width = joint(joint::LEFT_PALM).distance(joint(joint::RIGHT_PALM));
    let own = carry().joints(0);
    let clips = (own[joint::LEFT_PALM] - own[joint::RIGHT_PALM]).norm();
    assert!(
        width < clips - 1.5 * OFF,
        "{width} m, the clip's are {clips} m apart"
    );
    assert!(heard::<HandLetGo>(&app).is_empty());
    tick_times(&mut app, 150);
    assert_eq!(heard::<InteractionFinished>(&app).len(), 1);
    assert!(app.world().get::<HeldBy>(object).is_none());
}

#[test]
fn an_object_that_is_yanked_away_is_the_games_again() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 80);
    assert!(app.world().get::<HeldBy>(object).is_some());
    let theirs = Vec3::new(3.0, 0.2, 1.0);
    app.world_mut()
        .get_mut::<Transform>(object)
        .expect("a place")
        .translation = theirs;
    tick_times(&mut app, 3);
    let let_go = heard::<HandLetGo>(&app);
    assert_eq!(let_go.len(), 2, "{let_go:?}");
    assert!(
        let_go
            .iter()
            .all(|l| l.reason == LetGo::Taken && l.object == object)
    );
    let released = heard::<ObjectReleased>(&app);
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].velocity, Vec3::ZERO, "its speed is the game's");
    assert!(app.world().get::<HeldBy>(object).is_none());
    tick_times(&mut app, 150);
    all_finite(&mut app);
    assert_eq!(at(&app, object), theirs, "nobody else writes it");
    assert_eq!(heard::<InteractionFinished>(&app).len(), 1);
    assert!(heard::<InteractionInterrupted>(&app).is_empty());
}

#[test]
fn taking_held_by_off_takes_it_out_of_the_hands() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 80);
    app.world_mut().entity_mut(object).remove::<HeldBy>();
    tick_times(&mut app, 3);
    assert_eq!(heard::<HandLetGo>(&app).len(), 2);
    assert_eq!(heard::<ObjectReleased>(&app).len(), 1);
    let theirs = at(&app, object);
    tick_times(&mut app, 150);
    assert_eq!(at(&app, object), theirs, "nobody writes it");
    assert!(heard::<InteractionInterrupted>(&app).is_empty());
}

#[test]
fn despawned_things_end_it() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 60);
    app.world_mut().entity_mut(object).despawn();
    tick_times(&mut app, 60);
    all_finite(&mut app);
    assert_eq!(heard::<InteractionInterrupted>(&app).len(), 1);
    let state = app.world().get::<InteractionState>(avatar);
    assert_eq!(state, Some(&InteractionState::Interrupted));
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 60);
    app.world_mut().entity_mut(avatar).despawn();
    tick_times(&mut app, 10);
    assert!(app.world().get::<HeldBy>(object).is_none());
    assert_eq!(heard::<InteractionInterrupted>(&app).len(), 1);
}

#[test]
fn it_pauses_and_seeks_with_its_player() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 60);
    player(&mut app, avatar).pause();
    tick(&mut app);
    let paused = at(&app, object);
    tick_times(&mut app, 30);
    assert!(at(&app, object).distance(paused) < 1e-4);
    // Back, and physics begins anew there.
    player(&mut app, avatar).seek(0.2);
    ready(&mut app, 2);
    tick(&mut app);
    let start = frame::vec3(carry().frames[6].object_position);
    assert!(at(&app, object).distance(start) < 0.02);
    player(&mut app, avatar).play();
    tick_times(&mut app, 240);
    all_finite(&mut app);
    assert_eq!(heard::<InteractionFinished>(&app).len(), 1);
    assert!(
        heard::<HandLetGo>(&app).is_empty(),
        "{:?}",
        heard::<HandLetGo>(&app)
    );
}

#[test]
fn backwards_it_plays_as_the_clip_is() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).seek(2.0);
    ready(&mut app, 2);
    player(&mut app, avatar).speed = -1.0;
    player(&mut app, avatar).play();
    tick_times(&mut app, 90);
    let began = heard::<PhysicsStarted>(&app).len();
    assert_eq!(began, 2, "physics is prepared for nothing");
    let time = player(&mut app, avatar).time;
    let clips = Frame::between(
        &carry().frames[(time * 30.0) as usize],
        &carry().frames[(time * 30.0) as usize + 1],
        (time * 30.0).fract(),
    );
    let off = at(&app, object).distance(frame::vec3(clips.object_position));
    assert!(off < 0.02, "{off} m");
    // Forward again, physics takes it over.
    player(&mut app, avatar).speed = 1.0;
    ready(&mut app, 3);
}

#[test]
fn a_seek_past_its_end_puts_the_object_down() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 80);
    player(&mut app, avatar).seek(3.2);
    tick(&mut app);
    let (place, end) = (at(&app, object), carry().frames[99].object_position);
    let end = frame::vec3(end);
    assert!(place.distance(end) < 1e-3, "{place} for {end}");
    assert!(app.world().get::<HeldBy>(object).is_none());
    assert_eq!(heard::<ObjectReleased>(&app).len(), 1);
    assert!(heard::<InteractionInterrupted>(&app).is_empty());
}

#[test]
fn physics_begins_anew_on_other_bones() {
    let (mut app, avatar, _) = live_stage_with(|app| {
        app.insert_resource(Retargeter::default());
    });
    let swap = |app: &mut App, rig: Rig| {
        let other = puppet::spawn_with(app, Transform::IDENTITY, rig.into());
        let rig = app.world_mut().entity_mut(other).take::<AvatarRig>();
        let rig = rig.expect("a rig");
        app.world_mut().entity_mut(avatar).insert(rig);
    };
    let plain = puppet::rig(&Skeleton::adult());
    // The same body behind eight bones that are none of it, so that its last ones are beyond the plain rig's.
    let prop = |k: usize| Bone {
        name: format!("Prop{k}"),
        parent: (k > 0).then_some(0),
        translation: Vector3::zeros(),
        rotation: UnitQuaternion::identity(),
        scale: Vector3::repeat(1.0),
        skinned: false,
    };
    let mut more: Vec<Bone> = (0..8).map(prop).collect();
    more.extend(plain.bones.iter().cloned().map(|bone| Bone {
        parent: Some(bone.parent.map_or(0, |p| p + 8)),
        ..bone
    }));
    swap(&mut app, Rig { bones: more });
    ready(&mut app, 2);
    swap(&mut app, plain);
    ready(&mut app, 3);
    player(&mut app, avatar).play();
    tick_times(&mut app, 90);
    all_finite(&mut app);
    assert!(heard::<InteractionInterrupted>(&app).is_empty());
}

#[test]
fn what_stands_in_the_way_blocks() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 30);
    // A wall 10 cm before the parcel; the way is 50 cm (the model's -y is Bevy's +Z).
    let wall = at(&app, object) + Vec3::new(0.0, 0.0, 0.15 + 0.1 + 0.05);
    let half = Vec3::new(2.0, 2.0, 0.05);
    app.world_mut().spawn((
        ContactObstacle::Box { half },
        Transform::from_translation(wall),
    ));
    tick_times(&mut app, 200);
    all_finite(&mut app);
    let place = at(&app, object);
    assert!(place.z < wall.z - 0.1, "{place} went through {wall}");
    let reasons: Vec<_> = heard::<HandLetGo>(&app).iter().map(|l| l.reason).collect();
    assert!(reasons.contains(&LetGo::Blocked), "{reasons:?}");
}

#[test]
fn a_blow_knocks_it_out_of_the_hands() {
    let (mut app, avatar, object) = live_stage();
    player(&mut app, avatar).play();
    tick_times(&mut app, 80);
    let point = at(&app, object);
    player(&mut app, avatar).strike(Vec3::new(0.0, -200.0, 0.0), point);
    tick_times(&mut app, 60);
    all_finite(&mut app);
    assert!(!heard::<HandLetGo>(&app).is_empty());
}

/// Somebody carries the parcel while a shelf, as wide as the room, stands in its way when the order is given.
#[test]
fn a_clip_is_made_with_what_stands_about() {
    let reasons = |wall: bool, shape: bool| {
        let (mut app, object) = stage(carry());
        if wall {
            let way = frame::vec3(carry().frames[99].object_position);
            let at = Transform::from_translation(way + Vec3::new(0.0, 0.0, -0.15));
            let half = Vec3::new(2.0, 2.0, 0.05);
            let mut entity = app.world_mut().spawn(at);
            if shape {
                let mesh = tiny::cuboid([-2.0, -0.05, -2.0], [4.0, 0.1, 4.0]);
                let geometry = ObjectGeometry::new("shelf", mesh).expect("a mesh");
                let geometry = Arc::new(geometry);
                entity.insert((ContactObstacle::Shape, ObjectShape { geometry }));
            } else {
                entity.insert(ContactObstacle::Box { half });
            }
            tick_times(&mut app, 2);
        }
        let (clip, outcome) = made(&mut app, object, |o| o);
        let went = clip.frames[99].object_position.y - clip.frames[0].object_position.y;
        let reasons: Vec<LetGo> = (outcome.events().iter())
            .filter_map(|e| match e {
                ContactEvent::Released { reason, .. } => Some(*reason),
                _ => None,
            })
            .collect();
        (went, reasons)
    };
    let (went, free) = reasons(false, false);
    assert!((went + 0.5).abs() < 0.05, "{went}");
    assert!(!free.contains(&LetGo::Blocked), "{free:?}");
    for shape in [false, true] {
        let (went, blocked) = reasons(true, shape);
        assert!(went > -0.4, "it went {went} m, through a wall");
        assert!(blocked.contains(&LetGo::Blocked), "{shape}: {blocked:?}");
    }
}

#[test]
fn hands_are_told_to_touch_while_physics_has_them_hold() {
    let (mut app, avatar, object) = live_stage();
    hear::<ContactMade>(&mut app);
    hear::<ContactLost>(&mut app);
    player(&mut app, avatar).play();
    tick_times(&mut app, 80);
    let made = heard::<ContactMade>(&app);
    assert_eq!(made.len(), 2, "{made:?}");
    let at = at(&app, object);
    for contact in &made {
        // On the parcel's left or right side, where it was then.
        let off = (contact.point - at).abs();
        assert!(
            off.x > 0.08 && off.x < 0.4 && off.y < 0.3,
            "{contact:?} {at}"
        );
    }
    assert!(heard::<ContactLost>(&app).is_empty());
    let theirs = Vec3::new(3.0, 0.2, 1.0);
    app.world_mut()
        .get_mut::<Transform>(object)
        .expect("a place")
        .translation = theirs;
    tick_times(&mut app, 3);
    let lost = heard::<ContactLost>(&app);
    assert_eq!(lost.len(), 2, "{lost:?}");
}

#[test]
fn bodies_change_hands_by_the_adapter() {
    #[derive(Component, Default, PartialEq, Debug)]
    struct Body {
        given: usize,
        back: Vec<BodyMotion>,
    }
    struct Engine;
    impl PhysicsAdapter for Engine {
        fn give(&self, mut body: EntityWorldMut) {
            if let Some(mut body) = body.get_mut::<Body>() {
                body.given += 1;
            }
        }

        fn take_back(&self, mut body: EntityWorldMut, motion: BodyMotion) {
            if let Some(mut body) = body.get_mut::<Body>() {
                body.back.push(motion);
            }
        }
    }
    let (mut app, avatar, object) = live_stage_with(|app| {
        app.add_plugins(PhysicsAdapterPlugin::new(Engine));
    });
    // The clip took it before there was a body; a seek has no part in that.
    app.world_mut().entity_mut(object).insert(Body::default());
    player(&mut app, avatar).play();
    tick_times(&mut app, 250);
    let body = app.world().get::<Body>(object).expect("a body");
    assert_eq!(body.back.len(), 1, "{body:?}");
    assert!(body.back[0].velocity.length() < 0.2, "it rests: {body:?}");
    // Again, from the beginning.
    let again = player(&mut app, avatar).clone().starting_at(0.0);
    app.world_mut().entity_mut(avatar).insert(again);
    tick_times(&mut app, 30);
    let body = app.world().get::<Body>(object).expect("a body");
    assert_eq!(body.given, 1, "{body:?}");
}

/// Where bones of an avatar are, frame by frame, and how far its fingers are bent.
fn film(app: &mut App, avatar: Entity, frames: usize) -> Vec<(Vec<Vec3>, f32)> {
    let rig = app.world().get::<AvatarRig>(avatar).expect("a rig").clone();
    let of = |part: BodyPart| rig.bones[rig.map.bone(part).expect("it has one")];
    let parts = Side::BOTH.map(|side| {
        [
            BodyPart::Foot(side),
            BodyPart::Toes(side),
            BodyPart::Hand(side),
        ]
    });
    let bones: Vec<Entity> = parts.into_iter().flatten().map(of).collect();
    let finger = of(BodyPart::Finger(Side::Left, Digit::Middle, 1));
    let bind = app
        .world()
        .get::<Transform>(finger)
        .expect("a bone")
        .rotation;
    (0..frames)
        .map(|_| {
            tick(app);
            let places = bones.iter();
            let places = places.map(|b| puppet::place(app, *b).translation.into());
            let bone = app.world().get::<Transform>(finger).expect("a bone");
            (places.collect(), bone.rotation.angle_between(bind))
        })
        .collect()
}

#[test]
fn live_feet_stay_planted_and_fingers_open_when_the_object_is_gone() {
    /// A shipped person with fingers plays the carried parcel.
    fn woman(live: bool) -> (App, Entity, Entity) {
        let mut app = engine(&bevy_chois_tests::assets());
        app.add_plugins((ClipPlugin, AvatarPlugin, PlaybackPlugin));
        hear::<PhysicsStarted>(&mut app);
        let clip = carry();
        let first = clip.frames[0];
        let place = frame::isometry(first.object_position, first.object_rotation);
        let geometry = Arc::new(parcel());
        let object = (Transform::from_isometry(place), ObjectShape { geometry });
        let object = app.world_mut().spawn(object).id();
        let clip = puppet::add(&mut app, clip);
        let woman = Avatar::from_gltf(app.world().resource(), "avatars/woman.glb");
        let avatar = app.world_mut().spawn(woman).id();
        let mut interaction = InteractionPlayer::new(clip)
            .with_object(object)
            .with_blend_in(0.0);
        if live {
            interaction = interaction.live(LivePhysics::default());
        }
        interaction.pause();
        app.world_mut().entity_mut(avatar).insert(interaction);
        if live {
            ready(&mut app, 1);
        } else {
            let plays = |world: &mut World| {
                world.get::<InteractionState>(avatar) == Some(&InteractionState::Playing)
            };
            assert!(tick_until(&mut app, PATIENCE, plays));
        }
        player(&mut app, avatar).play();
        (app, avatar, object)
    }
    let (mut app, avatar, _) = woman(false);
    let baked = film(&mut app, avatar, 120);
    let (mut app, avatar, object) = woman(true);
    let live = film(&mut app, avatar, 80);
    for (f, ((a, _), (b, _))) in baked.iter().zip(&live).enumerate() {
        for foot in [0, 1, 3, 4] {
            let off = a[foot].distance(b[foot]);
            assert!(off < 0.012, "frame {f}, foot {foot}: {off}");
        }
    }
    // No faster than people are: nothing jumps when physics takes over.
    for (f, pair) in live.windows(2).enumerate() {
        for (k, (a, b)) in pair[0].0.iter().zip(&pair[1].0).enumerate() {
            assert!(
                a.distance(*b) < 0.04,
                "frame {f}, bone {k}: {}",
                a.distance(*b)
            );
        }
    }
    let closed = live.last().expect("frames").1;
    assert!(
        (closed - baked[79].1).abs() < 0.05,
        "fingers are as in the clip"
    );
    let theirs = Vec3::new(3.0, 0.2, 1.0);
    (app.world_mut()
        .get_mut::<Transform>(object)
        .expect("a place"))
    .translation = theirs;
    let after = film(&mut app, avatar, 30);
    let open = after.last().expect("frames").1;
    let still = baked[109].1;
    assert!(
        (still - open).abs() > 0.1,
        "{open} with nothing in the hand, {still} with it"
    );
    for (f, (a, _)) in after.iter().enumerate() {
        for foot in [0, 1, 3, 4] {
            let off = a[foot].distance(baked[80 + f].0[foot]);
            assert!(off < 0.012, "frame {f}, foot {foot}: {off}");
        }
    }
    all_finite(&mut app);
}
