//! Commands in headless apps: what people do when they are told, and what is told of it. The model is a stand-in that slides
//! people and things along, so that these tests are about commands and not about motion.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bevy::ecs::system::RunSystemOnce;
use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::avatar::AvatarRefused;
use bevy_chois::clip::bake::Retargeter;
use bevy_chois::contact::ContactMode;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::npc::events::{
    CommandAccepted, CommandCancelled, CommandFailed, CommandFinished, CommandRefused,
    CommandStepFinished, CommandStepStarted,
};
use bevy_chois::npc::{
    Action, Grammar, Mobility, Npc, NpcCommand, NpcPlan, NpcPlugin, NpcState, PauseNpc, Refusal,
    SceneFloor, SceneMarker, SceneObject, StopNpc,
};
use bevy_chois::object::{Interactable, ObjectShape};
use bevy_chois::playback::{HeldBy, InteractionPlayer, InteractionState};
use bevy_chois::synthesis::{
    CheckpointFiles, Job, Model, ModelLoader, MotionSynthesizer, SynthesisPlugin, WalkJob,
};
use bevy_chois_tests::{engine, hear, heard, puppet, tick, tick_times, tick_until};
use chois::command::{CommandParser, CommandPlan, CommandRefusal};
use chois::diffusion::{Flow, Progress};
use chois::geometry::ObjectGeometry;
use chois::motion::{FPS, Frame, MotionClip};
use chois::request::PersonPlace;
use chois::request::plan::{relaxed, stand};
use chois::scene::Scene;
use chois::skeleton::{Pose, Skeleton};
use chois_tests::tiny;
use nalgebra::{UnitQuaternion, Vector2, Vector3};

/// Seconds that anything may take on a busy machine.
const PATIENCE: f32 = 20.0;
/// How long people wait for what does not come.
const AWAITED: Duration = Duration::from_secs(4);

static TINY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npc");
    tiny::checkpoint()
        .save(&folder.join("models/tiny"), false)
        .expect("a checkpoint");
    folder
});

/// Slides people and things to where they are to be.
#[derive(Clone, Debug, Default)]
struct Sliding {
    /// How many clips were made at once, batch by batch.
    batches: Arc<Mutex<Vec<usize>>>,
    /// Whether the first try of an interaction leaves the thing a metre away.
    clumsy: bool,
    /// Of walks and of interactions: whether all but the first half is yet to be made.
    halves: [Arc<AtomicBool>; 2],
}

impl Sliding {
    /// The first half of a clip that is streamed, and the rest when its time has come.
    fn make(
        &self,
        kind: usize,
        streamed: bool,
        made: MotionClip,
        part: &mut dyn FnMut(MotionClip),
    ) -> MotionClip {
        if streamed {
            let mut half = made.clone();
            half.frames.truncate(made.frames.len() / 2);
            part(half);
        }
        while self.halves[kind].load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        made
    }
}

impl ModelLoader for Sliding {
    fn load(&self, _: &CheckpointFiles) -> chois::Result<Box<dyn Model>> {
        Ok(Box::new(self.clone()))
    }
}

fn begin(pose: Option<Pose>, person: PersonPlace) -> Pose {
    pose.unwrap_or_else(|| {
        let at = Vector2::from(person.position);
        stand(
            &Skeleton::adult(),
            &relaxed(),
            at,
            person.facing.to_radians(),
        )
    })
}

fn clip(text: &str, frames: Vec<Frame>) -> MotionClip {
    MotionClip {
        name: "sliding".into(),
        subject: String::new(),
        object: "thing".into(),
        text: text.into(),
        fps: FPS,
        skeleton: Skeleton::adult(),
        frames,
    }
}

impl Model for Sliding {
    fn generate(
        &mut self,
        jobs: &[Job],
        _: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, chois::Result<MotionClip>),
    ) {
        self.batches.lock().expect("no panic").push(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let request = &job.request;
            let pose = begin(request.pose, request.person.unwrap_or_default());
            let rotation = request.start.rotation.map_or_else(
                || {
                    let yaw = request.start.yaw.to_radians();
                    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
                },
                |[x, y, z, w]| {
                    UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(w, x, y, z))
                },
            );
            let shape = &job.object;
            let origin = |place: [f32; 3]| {
                let low = shape.lowest(&rotation);
                let center = Vector3::new(place[0], place[1], place[2] - low);
                center - rotation * shape.center()
            };
            let (from, mut to) = (
                origin(request.start.position),
                origin(request.end.unwrap_or(request.start.position)),
            );
            // Once is enough.
            let first = self.batches.lock().expect("no panic").len() <= 2;
            if self.clumsy && first && request.seed < 1_000_000 {
                to.x += 1.0;
            }
            let frames = (0..40).map(|f| Frame {
                pose,
                object_position: from.lerp(&to, f as f32 / 39.0),
                object_rotation: rotation,
                contact: [1.0, 1.0, 0.0, 0.0].map(|c| if (5..35).contains(&f) { c } else { 0.0 }),
            });
            let made = clip(&request.text, frames.collect());
            let made = self.make(1, job.streamed, made, &mut |half| part(index, half));
            done(index, Ok(made));
        }
    }

    fn walk(
        &mut self,
        jobs: &[WalkJob],
        _: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, chois::Result<MotionClip>),
    ) {
        self.batches.lock().expect("no panic").push(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let request = &job.request;
            let pose = begin(request.pose, request.person);
            let shift = Vector2::from(request.end) - pose.root.xy();
            let frames = (0..40).map(|f| {
                let mut pose = pose;
                let way = shift * (f as f32 / 39.0);
                pose.root += Vector3::new(way.x, way.y, 0.0);
                Frame {
                    pose,
                    object_position: Vector3::zeros(),
                    object_rotation: UnitQuaternion::identity(),
                    contact: [0.0; 4],
                }
            });
            let made = clip(&request.text, frames.collect());
            let made = self.make(0, job.streamed, made, &mut |half| part(index, half));
            done(index, Ok(made));
        }
    }
}

/// A floor with a marker, a crate, a sofa that stays, and a person.
struct Room {
    app: App,
    person: Entity,
    crate_: Entity,
}

fn shape(size: [f32; 3]) -> ObjectShape {
    let mesh = tiny::cuboid([-size[0] / 2.0, -size[1] / 2.0, 0.0], size);
    let geometry = ObjectGeometry::new("thing", mesh.refined()).expect("a box");
    ObjectShape {
        geometry: Arc::new(geometry),
    }
}

impl Room {
    fn new() -> Self {
        Self::with(&Sliding::default())
    }

    fn with(model: &Sliding) -> Self {
        let npc = NpcPlugin {
            parser: Arc::new(|| Ok(Box::new(Grammar::new(None)))),
            ..default()
        };
        Self::listening(model, npc)
    }

    fn listening(model: &Sliding, npc: NpcPlugin) -> Self {
        let mut app = engine(&TINY);
        let synthesis = SynthesisPlugin {
            checkpoint: "models/tiny/config.json".into(),
            warm_up: false,
            patience: AWAITED,
            loader: Arc::new(model.clone()),
            ..default()
        };
        let group = ChoisPlugins { synthesis }.build();
        app.add_plugins(group.disable::<DebugDrawPlugin>().set(npc));
        app.insert_resource(Retargeter(Arc::new(puppet::put_on)));
        hear::<CommandAccepted>(&mut app);
        hear::<CommandRefused>(&mut app);
        hear::<CommandStepStarted>(&mut app);
        hear::<CommandStepFinished>(&mut app);
        hear::<CommandFinished>(&mut app);
        hear::<CommandFailed>(&mut app);
        hear::<CommandCancelled>(&mut app);
        let thing = |name: &str, mobility: Mobility| SceneObject {
            name: name.into(),
            mobility,
            ..default()
        };
        let crate_ = (app.world_mut())
            .spawn((
                Transform::from_xyz(1.5, 0.0, 0.0),
                shape([0.4, 0.3, 0.3]),
                thing("crate", Mobility::Liftable),
            ))
            .id();
        app.world_mut().spawn((
            Transform::from_xyz(0.0, 0.0, 3.0),
            shape([1.8, 0.8, 0.7]),
            thing("sofa", Mobility::Fixed),
        ));
        let name = "blue cross".into();
        (app.world_mut()).spawn((Transform::from_xyz(-1.5, 0.0, -1.0), SceneMarker { name }));
        let person = Self::somebody(&mut app, Vec3::ZERO);
        Self {
            app,
            person,
            crate_,
        }
    }

    fn somebody(app: &mut App, at: Vec3) -> Entity {
        let person = puppet::spawn(app, Transform::from_translation(at));
        let npc = Npc {
            contact: ContactMode::Off,
            ..default()
        };
        app.world_mut().entity_mut(person).insert(npc);
        person
    }

    fn say(&mut self, npc: Entity, text: &str) {
        self.app.world_mut().trigger(NpcCommand::new(npc, text));
    }

    fn until<E: Message + Clone>(&mut self, count: usize) -> Vec<E> {
        let there = tick_until(&mut self.app, PATIENCE, |world| {
            let heard = world.resource::<bevy_chois_tests::Heard<E>>();
            heard.0.len() >= count
        });
        let heard = heard::<E>(&self.app);
        assert!(there, "{} of {count} events came", heard.len());
        heard
    }

    fn at(&self, entity: Entity) -> Vec3 {
        let place = self.app.world().get::<Transform>(entity);
        place.expect("a place").translation
    }
}

#[test]
fn a_thing_is_brought_where_it_was_said() {
    let mut room = Room::new();
    room.say(
        room.person,
        "Take the crate to the blue cross, then come back.",
    );
    let accepted = room.until::<CommandAccepted>(1);
    assert!(
        accepted[0].words.contains("carry crate"),
        "{}",
        accepted[0].words
    );
    let finished = room.until::<CommandFinished>(1);
    assert_eq!(finished[0].command, accepted[0].command);
    let marker = Vec3::new(-1.5, 0.0, -1.0);
    let there = room.at(room.crate_);
    assert!(there.distance(marker) < 0.5, "{there}");
    let started: Vec<_> = heard::<CommandStepStarted>(&room.app);
    assert_eq!(started[0].action, Action::Carry);
    assert_eq!(started[0].object, Some(room.crate_));
    let done = heard::<CommandStepFinished>(&room.app);
    assert_eq!(done.len(), started.len(), "{done:?}");
    assert!(done[0].off.expect("a thing") < 0.05, "{done:?}");
    // Back to where they were.
    let home = room.at(room.person);
    assert!(home.length() < 0.3, "{home}");
    assert!(heard::<CommandFailed>(&room.app).is_empty());
    tick_times(&mut room.app, 2);
    assert_eq!(
        room.app.world().get::<NpcState>(room.person),
        Some(&NpcState::Idle)
    );
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let mut room = Room::new();
    for (k, (text, words)) in [
        ("Bring the piano to the blue cross.", "piano"),
        ("Lift the sofa and carry it to the blue cross.", "sofa"),
        ("", "nothing"),
        ("Pick up the crate.", "hands"),
        ("qwertz uiop", ""),
    ]
    .into_iter()
    .enumerate()
    {
        room.say(room.person, text);
        let refused = room.until::<CommandRefused>(k + 1);
        let reason = refused[k].refusal.to_string();
        assert!(reason.to_lowercase().contains(words), "{text:?}: {reason}");
        assert!(reason.len() > 10, "{reason}");
    }
    assert!(heard::<CommandAccepted>(&room.app).is_empty());
    assert_eq!(room.at(room.crate_), Vec3::new(1.5, 0.0, 0.0));
}

#[test]
fn one_gets_it_the_other_is_told() {
    let mut room = Room::new();
    let other = Room::somebody(&mut room.app, Vec3::new(3.0, 0.0, 0.5));
    room.say(room.person, "Take the crate to the blue cross.");
    room.say(other, "Take the crate to the blue cross.");
    let refused = room.until::<CommandRefused>(1);
    let by = match &refused[0].refusal {
        Refusal::Taken { by, .. } => *by,
        other => panic!("{other}"),
    };
    assert_ne!(by, refused[0].entity);
    let finished = room.until::<CommandFinished>(1);
    assert_eq!(finished[0].entity, by);
    // Now it is free.
    let told = refused[0].entity;
    room.say(told, "Take the crate to the sofa.");
    room.until::<CommandAccepted>(2);
}

#[test]
fn commands_wait_replace_and_are_called_off() {
    let mut room = Room::new();
    let person = room.person;
    room.say(person, "Take the crate to the blue cross.");
    room.say(person, "Go to the sofa.");
    room.until::<CommandStepStarted>(1);
    // The one that waits is called off at once, the other with its clip.
    let instead = NpcCommand::new(person, "Go to the blue cross.").replacing();
    let last = instead.id;
    room.app.world_mut().trigger(instead);
    let cancelled = room.until::<CommandCancelled>(2);
    assert_ne!(cancelled[0].command, cancelled[1].command);
    let finished = room.until::<CommandFinished>(1);
    assert_eq!(finished[0].command, last);
    let at = room.at(person);
    assert!(at.distance(Vec3::new(-1.5, 0.0, -1.0)) < 1.2, "{at}");
    // Freezing leaves them where they are.
    room.say(person, "Take the crate to the sofa.");
    room.until::<CommandStepStarted>(3);
    tick_times(&mut room.app, 10);
    room.app.world_mut().trigger(StopNpc {
        entity: person,
        at_once: true,
    });
    room.until::<CommandCancelled>(3);
    tick_times(&mut room.app, 3);
    assert!(room.app.world().get::<InteractionPlayer>(person).is_none());
}

#[test]
fn a_thing_that_was_moved_is_gone_for_again() {
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandStepStarted>(1);
    // While they walk there.
    let elsewhere = Vec3::new(1.0, 0.0, 1.2);
    (room.app.world_mut().get_mut::<Transform>(room.crate_))
        .expect("a place")
        .translation = elsewhere;
    room.until::<CommandFinished>(1);
    let there = room.at(room.crate_);
    assert!(there.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5, "{there}");
    assert!(heard::<CommandFailed>(&room.app).is_empty());
}

#[test]
fn things_and_people_that_are_gone_end_it_with_a_reason() {
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandStepStarted>(1);
    room.app.world_mut().entity_mut(room.crate_).despawn();
    let failed = room.until::<CommandFailed>(1);
    assert!(!failed[0].reason.is_empty());
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandAccepted>(1);
    room.app.world_mut().entity_mut(room.person).despawn();
    tick_times(&mut room.app, 30);
    // Who is nobody's listener.
    let nobody = room.app.world_mut().spawn_empty().id();
    room.say(nobody, "Take the crate to the blue cross.");
    tick_times(&mut room.app, 3);
}

#[test]
fn who_pauses_goes_on_where_they_were() {
    let mut room = Room::new();
    let person = room.person;
    room.say(person, "Take the crate to the blue cross.");
    room.until::<CommandStepStarted>(1);
    tick_times(&mut room.app, 10);
    let pause = |room: &mut Room, paused: bool| {
        let entity = person;
        (room.app.world_mut()).trigger(PauseNpc { entity, paused });
    };
    pause(&mut room, true);
    // What was going over from standing to the clip comes to its end.
    tick_times(&mut room.app, 60);
    let (at, done) = (room.at(person), heard::<CommandStepFinished>(&room.app));
    tick_times(&mut room.app, 120);
    // The rest of a streamed clip may have come meanwhile, which is the same but for rounding.
    assert!(room.at(person).distance(at) < 1e-5, "nobody moves");
    assert_eq!(heard::<CommandStepFinished>(&room.app), done);
    let state = room.app.world().get::<NpcState>(person);
    assert_eq!(state, Some(&NpcState::Paused { step: 0 }));
    pause(&mut room, false);
    room.until::<CommandFinished>(1);
    let there = room.at(room.crate_);
    assert!(there.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5, "{there}");
    // Who has nothing to do pauses, too; what is said meanwhile waits.
    pause(&mut room, true);
    room.say(person, "Go to the sofa.");
    tick_times(&mut room.app, 60);
    assert_eq!(heard::<CommandAccepted>(&room.app).len(), 1);
    // Stopping ends it, and calls that off.
    room.app.world_mut().trigger(StopNpc {
        entity: person,
        at_once: false,
    });
    room.until::<CommandCancelled>(1);
    room.say(person, "Go to the sofa.");
    room.until::<CommandFinished>(2);
}

#[test]
fn what_is_still_to_come_can_be_seen() {
    let mut room = Room::new();
    let person = room.person;
    room.say(person, "Take the crate to the blue cross, then come back.");
    room.until::<CommandStepStarted>(1);
    tick_times(&mut room.app, 1);
    let plan = (room.app.world().get::<NpcPlan>(person))
        .expect("a plan")
        .clone();
    assert_eq!(plan.legs.len(), 3, "{plan:?}");
    assert_eq!((plan.now, plan.ahead().len()), (0, 3));
    assert!(plan.legs[0].way[0].distance(Vec3::ZERO) < 0.05, "{plan:?}");
    let carry = &plan.legs[1];
    assert_eq!(
        (carry.object, carry.words.as_str()),
        (Some(room.crate_), "carry crate")
    );
    assert!(
        carry.way[0].distance(Vec3::new(1.5, 0.0, 0.0)) < 0.05,
        "{carry:?}"
    );
    let middle = carry.goal.iter().sum::<Vec3>() / carry.goal.len() as f32;
    assert!(
        middle.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5,
        "{carry:?}"
    );
    room.until::<CommandStepFinished>(1);
    tick_times(&mut room.app, 2);
    let now = room.app.world().get::<NpcPlan>(person).map(|plan| plan.now);
    assert_eq!(now, Some(2));
    room.until::<CommandFinished>(1);
    tick_times(&mut room.app, 2);
    assert!(room.app.world().get::<NpcPlan>(person).is_none());
}

#[test]
fn what_ends_elsewhere_is_made_again_before_it_is_played() {
    let model = Sliding {
        clumsy: true,
        ..Sliding::default()
    };
    let mut room = Room::with(&model);
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandFinished>(1);
    let done = heard::<CommandStepFinished>(&room.app);
    assert!(done[0].off.expect("a thing") < 0.05, "{done:?}");
    // A walk, the clumsy try and the better one.
    assert_eq!(*model.batches.lock().expect("no panic"), [1, 1, 1]);
}

#[test]
fn who_is_waited_for_goes_while_the_rest_is_made() {
    let model = Sliding::default();
    let mut room = Room::with(&model);
    let [walks, _] = &model.halves;
    walks.store(true, Ordering::SeqCst);
    room.say(room.person, "Go to the sofa.");
    room.until::<CommandStepStarted>(1);
    // As far as there is a way, and no farther; nobody is told that it has ended.
    tick_times(&mut room.app, 120);
    let half = room.at(room.person);
    tick_times(&mut room.app, 30);
    assert!(half.length() > 0.5, "{half}");
    assert!(room.at(room.person).distance(half) < 1e-3, "they wait");
    assert!(heard::<CommandStepFinished>(&room.app).is_empty());
    let state = room.app.world().get::<NpcState>(room.person);
    assert_eq!(state, Some(&NpcState::Acting { step: 0 }));
    walks.store(false, Ordering::SeqCst);
    // They go on from there without a jump, evenly faster, and arrive.
    let (mut last, mut speed) = (half, 0.0);
    for _ in 0..200 {
        tick_times(&mut room.app, 1);
        let now = room.at(room.person);
        let faster = now.distance(last) - speed;
        assert!(faster < 0.005, "{last} {now}");
        (last, speed) = (now, now.distance(last));
    }
    room.until::<CommandFinished>(1);
    // They stood at frame 19 of 39.
    assert!(
        (last.length() / half.length() - 39.0 / 19.0).abs() < 0.02,
        "{half} {last}"
    );
    assert_eq!(heard::<CommandStepStarted>(&room.app).len(), 1);
    assert_eq!(heard::<CommandStepFinished>(&room.app).len(), 1);
}

/// Understands nothing, and counts how often it was prepared, and for how many things.
struct Deaf(Arc<Mutex<Vec<usize>>>);

impl CommandParser for Deaf {
    fn understand(&mut self, _: &str, _: &Scene) -> Result<CommandPlan, CommandRefusal> {
        Err(CommandRefusal::Unusable {
            reason: "nothing is heard".into(),
        })
    }

    fn prepare(&mut self, scene: &Scene) -> chois::Result<()> {
        self.0.lock().expect("no panic").push(scene.items.len());
        Ok(())
    }
}

#[test]
fn a_scene_is_looked_over_before_anybody_is_told_anything() {
    let prepared: Arc<Mutex<Vec<usize>>> = Arc::default();
    let told = prepared.clone();
    let npc = NpcPlugin {
        parser: Arc::new(move || Ok(Box::new(Deaf(told.clone())))),
        ..default()
    };
    let mut room = Room::listening(&Sliding::default(), npc);
    let done = |count: usize| {
        let prepared = prepared.clone();
        move |_: &mut World| prepared.lock().expect("no panic").len() >= count
    };
    assert!(tick_until(&mut room.app, PATIENCE, done(1)));
    // Something else has come.
    room.app.world_mut().spawn((
        Transform::from_xyz(2.0, 0.0, -2.0),
        shape([0.3, 0.3, 0.3]),
        SceneObject::default(),
    ));
    assert!(tick_until(&mut room.app, PATIENCE, done(2)));
    tick_times(&mut room.app, 60);
    assert_eq!(*prepared.lock().expect("no panic"), [2, 3]);
}

#[test]
fn who_wants_whole_clips_waits_for_them() {
    let model = Sliding::default();
    let mut room = Room::with(&model);
    let [walks, _] = &model.halves;
    let mut npc = room.app.world_mut().get_mut::<Npc>(room.person);
    npc.as_mut().expect("a person").whole = true;
    walks.store(true, Ordering::SeqCst);
    room.say(room.person, "Go to the sofa.");
    room.until::<CommandAccepted>(1);
    tick_times(&mut room.app, 60);
    assert!(heard::<CommandStepStarted>(&room.app).is_empty());
    assert!(room.at(room.person).length() < 1e-3);
    walks.store(false, Ordering::SeqCst);
    room.until::<CommandFinished>(1);
}

#[test]
fn what_began_too_early_to_be_made_again_is_done_again() {
    let model = Sliding {
        clumsy: true,
        ..Sliding::default()
    };
    let mut room = Room::with(&model);
    let [_, interactions] = &model.halves;
    interactions.store(true, Ordering::SeqCst);
    room.say(room.person, "Take the crate to the blue cross.");
    let person = room.person;
    let carries = |world: &mut World| {
        (world.get::<InteractionPlayer>(person)).is_some_and(|player| player.object.is_some())
    };
    assert!(tick_until(&mut room.app, PATIENCE, carries));
    interactions.store(false, Ordering::SeqCst);
    room.until::<CommandFinished>(1);
    let there = room.at(room.crate_);
    assert!(there.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5, "{there}");
    assert!(heard::<CommandFailed>(&room.app).is_empty());
}

#[test]
fn where_no_way_is_left_planning_anew_ends_with_a_reason() {
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandStepStarted>(1);
    // While they walk, walls come to stand all about the cross, and a post on it.
    for (at, size) in [
        ([-1.5, -1.0], [0.8, 0.8, 1.0]),
        ([-2.6, -1.0], [0.3, 2.5, 2.0]),
        ([-0.4, -1.0], [0.3, 2.5, 2.0]),
        ([-1.5, -2.1], [2.5, 0.3, 2.0]),
        ([-1.5, 0.1], [2.5, 0.3, 2.0]),
    ] {
        room.app.world_mut().spawn((
            Transform::from_xyz(at[0], 0.0, at[1]),
            shape(size),
            SceneObject {
                name: "wall".into(),
                mobility: Mobility::Fixed,
                ..default()
            },
        ));
    }
    let failed = room.until::<CommandFailed>(1);
    assert!(failed[0].reason.len() > 20, "{}", failed[0].reason);
    // And that is the end of it.
    tick_times(&mut room.app, 60);
    assert_eq!(heard::<CommandFailed>(&room.app).len(), 1);
    assert!(heard::<CommandFinished>(&room.app).is_empty());
    let state = room.app.world().get::<NpcState>(room.person);
    assert_eq!(state, Some(&NpcState::Idle));
}

#[test]
fn who_is_taken_away_from_again_and_again_gives_up() {
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    // Whenever they are about to take it, somebody has it elsewhere.
    let mut begun = 0;
    let ended = |room: &Room| {
        !heard::<CommandFailed>(&room.app).is_empty()
            || !heard::<CommandFinished>(&room.app).is_empty()
    };
    for _ in 0..6_000 {
        tick_times(&mut room.app, 1);
        let now = heard::<CommandStepStarted>(&room.app).len();
        if now > begun {
            begun = now;
            let side = if begun % 2 == 0 { 1.4 } else { -1.4 };
            let mut place = room.app.world_mut().get_mut::<Transform>(room.crate_);
            place.as_mut().expect("a place").translation =
                Vec3::new(1.5 + 0.2 * begun as f32, 0.0, side);
        }
        if ended(&room) {
            break;
        }
    }
    let failed = heard::<CommandFailed>(&room.app);
    assert_eq!(failed.len(), 1, "begun {begun} times");
    assert!(failed[0].reason.contains("moved"), "{}", failed[0].reason);
    assert!(begun <= 4, "{begun}");
}

#[test]
fn what_has_come_into_the_way_is_planned_around() {
    let mut room = Room::new();
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandStepStarted>(1);
    // While they walk there, somebody puts a barrel where it is to go.
    let barrel = Vec3::new(-1.5, 0.0, -1.0);
    room.app.world_mut().spawn((
        Transform::from_translation(barrel),
        shape([0.5, 0.5, 0.9]),
        SceneObject {
            name: "barrel".into(),
            mobility: Mobility::Fixed,
            ..default()
        },
    ));
    room.until::<CommandFinished>(1);
    let there = room.at(room.crate_);
    let apart = there.distance(barrel);
    assert!((0.35..1.6).contains(&apart), "{there}");
    assert!(heard::<CommandFailed>(&room.app).is_empty());
}

#[test]
fn eight_people_share_batches() {
    let model = Sliding::default();
    let mut room = Room::with(&model);
    let mut people = vec![room.person];
    for k in 1..8 {
        let at = Vec3::new(-2.0 + 0.6 * k as f32, 0.0, -3.0);
        people.push(Room::somebody(&mut room.app, at));
    }
    // Everybody is there, and the model too.
    room.say(room.person, "Go to the sofa.");
    room.until::<CommandFinished>(1);
    model.batches.lock().expect("no panic").clear();
    // The first batch takes as long as all others need to ask.
    model.halves[0].store(true, Ordering::SeqCst);
    for person in &people {
        room.say(*person, "Go to the blue cross.");
    }
    let asked = tick_until(&mut room.app, PATIENCE, |world| {
        let asked = |synthesizer: MotionSynthesizer| synthesizer.pending();
        world.run_system_once(asked).expect("a system") == people.len()
    });
    assert!(asked);
    // Orders go out at the end of the frame in which they are asked for.
    room.app.update();
    model.halves[0].store(false, Ordering::SeqCst);
    room.until::<CommandFinished>(1 + people.len());
    let batches = model.batches.lock().expect("no panic").clone();
    assert_eq!(batches.iter().sum::<usize>(), people.len(), "{batches:?}");
    // Of four at most, the first of those who were quickest.
    assert!(batches.len() <= 3, "{batches:?}");
}

#[test]
fn a_thing_in_the_hands_is_set_down_before_something_else_is_done() {
    let mut room = Room::new();
    let person = room.person;
    room.say(person, "Take the crate to the blue cross.");
    let carries = |world: &mut World| {
        (world.get::<InteractionPlayer>(person)).is_some_and(|player| player.object.is_some())
    };
    assert!(tick_until(&mut room.app, PATIENCE, carries));
    let instead = NpcCommand::new(person, "Go to the sofa.").replacing();
    room.app.world_mut().trigger(instead);
    room.until::<CommandFinished>(1);
    let there = room.at(room.crate_);
    assert!(there.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5, "{there}");
    assert!(there.y.abs() < 0.02, "{there}");
}

#[test]
fn what_is_called_off_is_not_planned_anew() {
    let mut room = Room::new();
    let (person, crate_) = (room.person, room.crate_);
    room.say(person, "Take the crate to the blue cross.");
    let held = |world: &mut World| world.get::<HeldBy>(crate_).is_some();
    assert!(tick_until(&mut room.app, PATIENCE, held));
    let instead = NpcCommand::new(person, "Go to the blue cross.").replacing();
    let last = instead.id;
    room.app.world_mut().trigger(instead);
    // Before it is set down, something has it out of their hands.
    let elsewhere = Vec3::new(1.0, 0.0, 1.2);
    (room.app.world_mut().get_mut::<Transform>(crate_))
        .expect("a place")
        .translation = elsewhere;
    let finished = room.until::<CommandFinished>(1);
    assert_eq!(finished[0].command, last);
    let cancelled = heard::<CommandCancelled>(&room.app);
    assert_eq!(cancelled.len(), 1, "{cancelled:?}");
    assert_ne!(cancelled[0].command, last);
    let there = room.at(crate_);
    assert!(there.distance(elsewhere) < 1e-3, "{there}");
}

#[test]
fn who_takes_no_commands_any_more_has_them_called_off() {
    let mut room = Room::new();
    let person = room.person;
    room.say(person, "Take the crate to the blue cross.");
    room.say(person, "Go to the sofa.");
    room.until::<CommandStepStarted>(1);
    room.app.world_mut().entity_mut(person).remove::<Npc>();
    let cancelled = room.until::<CommandCancelled>(2);
    assert_ne!(cancelled[0].command, cancelled[1].command);
    assert!(room.app.world().get::<NpcState>(person).is_none());
    assert!(room.app.world().get::<NpcPlan>(person).is_none());
    // What they were at comes to its end without them.
    let over = |world: &mut World| {
        world.get::<InteractionState>(person) == Some(&InteractionState::Finished)
    };
    assert!(tick_until(&mut room.app, PATIENCE, over));
    tick_times(&mut room.app, 3);
    assert!(heard::<CommandStepFinished>(&room.app).is_empty());
    // Once they take commands again, they do what they are told.
    let npc = Npc {
        contact: ContactMode::Off,
        ..default()
    };
    room.app.world_mut().entity_mut(person).insert(npc);
    room.say(person, "Take the crate to the blue cross.");
    room.until::<CommandFinished>(1);
    room.say(person, "Take the crate to the sofa.");
    room.until::<CommandAccepted>(3);
    room.app.world_mut().entity_mut(person).despawn();
    let cancelled = room.until::<CommandCancelled>(3);
    assert_eq!(cancelled[2].entity, person);
    assert!(heard::<CommandFailed>(&room.app).is_empty());
}

#[test]
fn what_the_game_has_them_play_is_no_step_of_a_command() {
    let mut room = Room::new();
    let (person, crate_) = (room.person, room.crate_);
    room.say(person, "Take the crate to the blue cross.");
    let held = |world: &mut World| world.get::<HeldBy>(crate_).is_some();
    assert!(tick_until(&mut room.app, PATIENCE, held));
    // The game has them flinch.
    let still = Frame {
        pose: begin(None, PersonPlace::default()),
        object_position: Vector3::zeros(),
        object_rotation: UnitQuaternion::identity(),
        contact: [0.0; 4],
    };
    let flinch = puppet::add(&mut room.app, clip("Flinch.", vec![still; 20]));
    let plays = |room: &mut Room, player: InteractionPlayer| {
        room.app.world_mut().entity_mut(person).insert(player);
    };
    plays(&mut room, InteractionPlayer::new(flinch.clone()));
    // To its end, without a command's clip in its place.
    let over = |world: &mut World| {
        world.get::<InteractionState>(person) == Some(&InteractionState::Finished)
    };
    assert!(tick_until(&mut room.app, PATIENCE, over));
    tick_times(&mut room.app, 5);
    assert!(heard::<CommandStepFinished>(&room.app).is_empty());
    assert!(heard::<CommandFinished>(&room.app).is_empty());
    assert_eq!(heard::<CommandFailed>(&room.app).len(), 1);
    let player = room.app.world().get::<InteractionPlayer>(person);
    assert_eq!(player.map(|player| &player.clip), Some(&flinch));
    // What they play while they have nothing to do is in nobody's way.
    plays(&mut room, InteractionPlayer::new(flinch).looped());
    tick_times(&mut room.app, 120);
    room.say(person, "Go to the sofa.");
    room.until::<CommandFinished>(1);
    assert_eq!(heard::<CommandFailed>(&room.app).len(), 1);
}

#[test]
fn a_game_stops_them_and_has_them_play_in_one_frame() {
    let mut room = Room::new();
    let (person, crate_) = (room.person, room.crate_);
    let still = Frame {
        pose: begin(None, PersonPlace::default()),
        object_position: Vector3::zeros(),
        object_rotation: UnitQuaternion::identity(),
        contact: [0.0; 4],
    };
    let fall = puppet::add(&mut room.app, clip("Fall.", vec![still; 20]));
    let held = |world: &mut World| world.get::<HeldBy>(crate_).is_some();
    room.say(person, "Take the crate to the blue cross.");
    assert!(tick_until(&mut room.app, PATIENCE, held));
    let stop = |at_once| StopNpc {
        entity: person,
        at_once,
    };
    let world = room.app.world_mut();
    world.trigger(stop(true));
    world
        .entity_mut(person)
        .insert(InteractionPlayer::new(fall.clone()));
    room.until::<CommandCancelled>(1);
    tick_times(&mut room.app, 5);
    let player = room.app.world().get::<InteractionPlayer>(person);
    assert_eq!(player.map(|player| &player.clip), Some(&fall));
    // Drop it and run: what is said next does not take "at once" back.
    let mut room = Room::new();
    let (person, crate_) = (room.person, room.crate_);
    room.say(person, "Take the crate to the blue cross.");
    let held = |world: &mut World| world.get::<HeldBy>(crate_).is_some();
    assert!(tick_until(&mut room.app, PATIENCE, held));
    let at = room.at(crate_);
    let stop = StopNpc {
        entity: person,
        at_once: true,
    };
    room.app.world_mut().trigger(stop);
    let run = NpcCommand::new(person, "Go to the sofa.").replacing();
    room.app.world_mut().trigger(run);
    room.until::<CommandFinished>(1);
    assert!(room.at(crate_).distance(at) < 0.1, "dropped there");
}

#[test]
fn what_is_being_loaded_is_waited_for() {
    let mut room = Room::new();
    let person = room.person;
    let place = Transform::from_xyz(1.5, 0.0, -1.5);
    let lamp = (room.app.world_mut())
        .spawn((Interactable::named("lamp"), place))
        .id();
    room.say(person, "Take the lamp to the blue cross.");
    tick_times(&mut room.app, 5);
    assert!(heard::<CommandRefused>(&room.app).is_empty());
    let state = room.app.world().get::<NpcState>(person);
    assert_eq!(state, Some(&NpcState::Thinking));
    (room.app.world_mut().entity_mut(lamp)).insert(shape([0.2, 0.2, 1.2]));
    room.until::<CommandFinished>(1);
    let there = room.at(lamp);
    assert!(there.distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5, "{there}");
    // What is called off while it waits is; what has no meshes is waited for no longer than that is known.
    (room.app.world_mut()).spawn((Interactable::named("vase"), place));
    let mut say = |text: &str| {
        room.say(person, text);
        tick_times(&mut room.app, 2);
    };
    say("Take the vase to the blue cross.");
    let stop = StopNpc {
        entity: person,
        at_once: false,
    };
    room.app.world_mut().trigger(stop);
    room.until::<CommandCancelled>(1);
    room.say(person, "Take the vase to the sofa.");
    let refused = room.until::<CommandRefused>(1);
    assert!(refused[0].refusal.to_string().contains("vase"));
}

#[test]
fn who_has_no_bones_fails_with_a_reason() {
    let mut room = Room::new();
    let (person, crate_) = (room.person, room.crate_);
    let nobody = room.app.world_mut().spawn(Npc::default()).id();
    room.say(nobody, "Take the crate to the blue cross.");
    let failed = room.until::<CommandFailed>(1);
    assert!(failed[0].reason.contains("AvatarRig"), "{failed:?}");
    assert!(room.app.world().get::<InteractionPlayer>(nobody).is_none());
    // The thing is free again.
    room.say(person, "Take the crate to the blue cross.");
    room.until::<CommandFinished>(1);
    // What is wrong with the avatar is told at once.
    room.say(nobody, "Go to the sofa.");
    let waits = InteractionState::Waiting(bevy_chois::playback::WaitingFor::Rig);
    let waits = |world: &mut World| world.get::<InteractionState>(nobody) == Some(&waits);
    assert!(tick_until(&mut room.app, PATIENCE, waits));
    let reason = "it has no skin".to_owned();
    let entity = nobody;
    room.app
        .world_mut()
        .write_message(AvatarRefused { entity, reason });
    let failed = room.until::<CommandFailed>(2);
    assert_eq!(failed[1].reason, "it has no skin");
    assert!(room.at(crate_).distance(Vec3::new(-1.5, 0.0, -1.0)) < 0.5);
}

#[test]
fn people_work_in_their_own_storey() {
    let mut room = Room::new();
    let up = Vec3::Y * 3.0;
    let corner = |x: f32, z: f32| Vec3::new(4.0 * x, 0.0, 4.0 * z);
    let floor = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    (room.app).insert_resource(SceneFloor(floor.map(|(x, z)| corner(x, z)).to_vec()));
    let thing = SceneObject {
        name: "crate".into(),
        mobility: Mobility::Liftable,
        ..default()
    };
    let above = (room.app.world_mut())
        .spawn((
            Transform::from_translation(up + Vec3::new(1.5, 0.0, 0.5)),
            shape([0.4, 0.3, 0.3]),
            thing,
        ))
        .id();
    let person = Room::somebody(&mut room.app, up);
    (room.app.world_mut().get_mut::<Npc>(person))
        .expect("an Npc")
        .floor = 3.0;
    tick(&mut room.app);
    room.say(person, "Take the crate to the blue cross.");
    room.until::<CommandAccepted>(1);
    let plan = room.app.world().get::<NpcPlan>(person).expect("a plan");
    let way = plan.legs.iter().flat_map(|leg| &leg.way);
    assert!(way.clone().count() > 0);
    assert!(way.into_iter().all(|at| (at.y - 3.0).abs() < 1e-4));
    room.until::<CommandFinished>(1);
    let there = room.at(above);
    let marker = up + Vec3::new(-1.5, 0.0, -1.0);
    assert!(there.distance(marker) < 0.5, "{there}");
    assert!((room.at(person).y - 3.0).abs() < 1e-3);
    // Downstairs there is one crate, too.
    room.say(room.person, "Take the crate to the blue cross.");
    room.until::<CommandFinished>(2);
    let there = room.at(room.crate_);
    assert!(there.distance(marker - up) < 0.5, "{there}");
    assert!(heard::<CommandRefused>(&room.app).is_empty());
}
