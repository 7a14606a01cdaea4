//! Generation in headless apps: from an order to a clip, and everything that can come between.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::{Duration, Instant};

use bevy::ecs::system::RunSystemOnce;
use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::clip::MotionClip;
use bevy_chois::contact::ContactMode;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::frame;
use bevy_chois::object::{ObjectRefused, ObjectShape};
use bevy_chois::synthesis::{
    CancelReason, CheckpointFiles, GenerationCancelled, GenerationFailed, GenerationFinished,
    GenerationProgress, GenerationStarted, GenerationStatus, InteractionOrder, Job, Model,
    ModelFailed, ModelLoader, ModelReady, MotionSynthesizer, SynthesisPlugin,
};
use bevy_chois_tests::tiny_model::Tiny;
use bevy_chois_tests::{
    Heard, assets, engine, hear, heard, tick, tick_times, tick_until, watched_engine,
};
use chois::diffusion::{Flow, Progress};
use chois::geometry::ObjectGeometry;
use chois::request::SamplingConfig;
use chois_tests::tiny;

/// Seconds that anything may take on a busy machine.
const PATIENCE: f32 = 60.0;
/// Steps that the scripted model makes of every job.
const STEPS: usize = 4;

/// A folder of assets with the tiny checkpoint, in the form of the shipped one.
static TINY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("synthesis");
    tiny::checkpoint()
        .save(&folder.join("models/tiny"), false)
        .expect("a checkpoint");
    folder
});

const TINY_PATH: &str = "models/tiny/config.json";

/// What a scripted model does, step by step as the test allows, and what it has done.
#[derive(Debug, Default)]
struct Script {
    /// Steps that it may still make.
    allowed: Mutex<usize>,
    more: Condvar,
    /// Seeds of the jobs of each call.
    calls: Mutex<Vec<Vec<u64>>>,
    /// Steps made.
    steps: AtomicUsize,
    /// Models loaded.
    loads: AtomicUsize,
}

impl Script {
    /// Lets this many steps happen.
    fn allow(&self, steps: usize) {
        let mut allowed = self.allowed.lock().expect("a lock");
        *allowed = allowed.saturating_add(steps);
        self.more.notify_all();
    }

    fn await_step(&self) {
        let allowed = self.allowed.lock().expect("a lock");
        let (mut allowed, _) = (self.more)
            .wait_timeout_while(allowed, Duration::from_secs(30), |a| *a == 0)
            .expect("a lock");
        *allowed = allowed.saturating_sub(1);
        self.steps.fetch_add(1, Ordering::SeqCst);
    }

    fn calls(&self) -> Vec<Vec<u64>> {
        self.calls.lock().expect("a lock").clone()
    }
}

/// Loads scripted models.
#[derive(Debug)]
struct Scripted(Arc<Script>);

impl ModelLoader for Scripted {
    fn load(&self, files: &CheckpointFiles) -> chois::Result<Box<dyn Model>> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        if files.config.name == "explosive" {
            panic!("the checkpoint exploded");
        }
        Ok(Box::new(Scripted(self.0.clone())))
    }
}

/// A clip without frames that tells which job it is of.
fn clip_of(job: &Job) -> chois::MotionClip {
    chois::MotionClip {
        name: job.request.seed.to_string(),
        subject: String::new(),
        object: job.object.name().to_owned(),
        text: job.request.text.clone(),
        fps: 30.0,
        skeleton: tiny::checkpoint().skeleton(),
        frames: Vec::new(),
    }
}

impl Model for Scripted {
    fn generate(
        &mut self,
        jobs: &[Job],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        _: &mut dyn FnMut(usize, chois::MotionClip),
        done: &mut dyn FnMut(usize, chois::Result<chois::MotionClip>),
    ) {
        let seeds = jobs.iter().map(|j| j.request.seed).collect();
        self.0.calls.lock().expect("a lock").push(seeds);
        let mut wanted = vec![true; jobs.len()];
        for step in 1..=STEPS {
            self.0.await_step();
            for (index, job) in jobs.iter().enumerate() {
                if job.request.text.contains("poison") {
                    panic!("job {} is poisoned", job.request.seed);
                }
                let p = Progress {
                    done: step,
                    total: STEPS,
                };
                wanted[index] = wanted[index] && progress(index, p) == Flow::Continue;
            }
            if !wanted.contains(&true) {
                break;
            }
        }
        for (index, job) in jobs.iter().enumerate() {
            done(
                index,
                if wanted[index] {
                    Ok(clip_of(job))
                } else {
                    Err(chois::Error::Cancelled)
                },
            );
        }
    }
}

fn plugin(loader: impl ModelLoader) -> SynthesisPlugin {
    SynthesisPlugin {
        checkpoint: TINY_PATH.into(),
        warm_up: false,
        loader: Arc::new(loader),
        ..default()
    }
}

fn app_with(folder: &Path, synthesis: SynthesisPlugin) -> App {
    let mut app = engine(folder);
    add_plugin(&mut app, synthesis);
    app
}

fn add_plugin(app: &mut App, synthesis: SynthesisPlugin) {
    let group = ChoisPlugins { synthesis };
    app.add_plugins(group.build().disable::<DebugDrawPlugin>());
    hear::<GenerationStarted>(app);
    hear::<GenerationProgress>(app);
    hear::<GenerationFinished>(app);
    hear::<GenerationFailed>(app);
    hear::<GenerationCancelled>(app);
    hear::<ModelReady>(app);
    hear::<ModelFailed>(app);
}

/// An app whose model does what the script says.
fn scripted(change: impl FnOnce(&mut SynthesisPlugin)) -> (App, Arc<Script>) {
    let script = Arc::new(Script::default());
    let mut synthesis = plugin(Scripted(script.clone()));
    change(&mut synthesis);
    (app_with(&TINY, synthesis), script)
}

fn geometry() -> Arc<ObjectGeometry> {
    Arc::new(tiny::object())
}

fn order(seed: u64) -> InteractionOrder {
    InteractionOrder::new(
        geometry(),
        "Lift the box, move the box, and put down the box.",
    )
    .waypoints([Vec3::new(0.5, 0.0, -0.1), Vec3::new(0.9, 0.0, -0.4)])
    .end(Vec3::new(1.1, 0.3, -0.8))
    .seed(seed)
}

fn generate(app: &mut App, order: InteractionOrder) -> Handle<MotionClip> {
    let ask = move |mut synthesizer: MotionSynthesizer| synthesizer.generate(order.clone());
    app.world_mut().run_system_once(ask).expect("a system")
}

fn status(app: &mut App, clip: &Handle<MotionClip>) -> Option<GenerationStatus> {
    let id = clip.id();
    let ask = move |synthesizer: MotionSynthesizer| synthesizer.status(id).cloned();
    app.world_mut().run_system_once(ask).expect("a system")
}

fn cancel(app: &mut App, clip: &Handle<MotionClip>) -> bool {
    let id = clip.id();
    let ask = move |mut synthesizer: MotionSynthesizer| synthesizer.cancel(id);
    app.world_mut().run_system_once(ask).expect("a system")
}

fn pending(app: &mut App) -> usize {
    let ask = |synthesizer: MotionSynthesizer| synthesizer.pending();
    app.world_mut().run_system_once(ask).expect("a system")
}

/// Ticks until an order is over; how.
#[track_caller]
fn outcome(app: &mut App, clip: &Handle<MotionClip>) -> GenerationStatus {
    let over = |app: &mut App| status(app, clip).filter(GenerationStatus::is_over);
    let end = Instant::now() + Duration::from_secs_f32(PATIENCE);
    loop {
        tick(app);
        if let Some(status) = over(app) {
            return status;
        }
        let now = status(app, clip);
        assert!(Instant::now() < end, "still {now:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ticks until something holds.
#[track_caller]
fn wait(app: &mut App, what: &str, mut done: impl FnMut(&mut World) -> bool) {
    assert!(tick_until(app, PATIENCE, |w| done(w)), "never {what}");
}

fn clip(app: &App, handle: &Handle<MotionClip>) -> Arc<chois::MotionClip> {
    let clips = app.world().resource::<Assets<MotionClip>>();
    clips.get(handle).expect("a clip").motion.clone()
}

/// Furthest that a joint or the object's origin is apart, metres.
fn apart(a: &chois::MotionClip, b: &chois::MotionClip) -> f32 {
    assert_eq!(a.frames.len(), b.frames.len());
    (0..a.frames.len())
        .flat_map(|t| {
            let joints = (a.joints(t).into_iter().zip(b.joints(t))).map(|(a, b)| (a - b).norm());
            let object = a.frames[t].object_position - b.frames[t].object_position;
            joints.chain([object.norm()])
        })
        .fold(0.0, f32::max)
}

/// Which entities were told of what, in order.
#[derive(Resource, Default)]
struct Told(Vec<(Entity, &'static str)>);

fn watch(app: &mut App, entity: Entity) {
    app.init_resource::<Told>();
    let mut entity = app.world_mut().entity_mut(entity);
    entity
        .observe(|e: On<GenerationStarted>, mut told: ResMut<Told>| {
            told.0.push((e.entity, "started"));
        })
        .observe(|e: On<GenerationFinished>, mut told: ResMut<Told>| {
            told.0.push((e.entity, "finished"));
        })
        .observe(|e: On<GenerationFailed>, mut told: ResMut<Told>| {
            told.0.push((e.entity, "failed"));
        })
        .observe(|e: On<GenerationCancelled>, mut told: ResMut<Told>| {
            told.0.push((e.entity, "cancelled"));
        });
}

#[test]
fn an_order_becomes_a_clip_with_the_shipped_checkpoint() {
    let synthesis = SynthesisPlugin::default();
    assert!(synthesis.warm_up);
    let mut app = app_with(&assets(), synthesis);
    let turn = Quat::from_rotation_y(0.4);
    let object = app
        .world_mut()
        .spawn((
            Transform::from_xyz(1.0, 0.0, -2.0).with_rotation(turn),
            ObjectShape {
                geometry: geometry(),
            },
        ))
        .id();
    let avatar = (app.world_mut())
        .spawn(Transform::from_xyz(0.2, 0.0, -2.1).with_rotation(Quat::from_rotation_y(1.5)))
        .id();
    watch(&mut app, object);
    watch(&mut app, avatar);
    let asked = InteractionOrder::new(
        object,
        "Lift the largebox, move the largebox, and put it down.",
    )
    .avatar(avatar)
    .end(Vec3::new(2.2, 0.0, -2.5))
    .seed(7);
    let handle = generate(&mut app, asked.clone());
    assert_eq!(status(&mut app, &handle), Some(GenerationStatus::Waiting));
    assert!(
        !app.world()
            .resource::<Assets<MotionClip>>()
            .contains(&handle)
    );
    // The clip is there in the frame that says so.
    wait(&mut app, "finished", |world| {
        let there = world.resource::<Assets<MotionClip>>().contains(&handle);
        let messages = world.resource::<Messages<GenerationFinished>>();
        let said = messages.iter_current_update_messages().next().is_some();
        assert_eq!(there, said, "clip and message come together");
        said
    });
    assert_eq!(status(&mut app, &handle), Some(GenerationStatus::Finished));
    assert_eq!(pending(&mut app), 0);
    assert_eq!(heard::<ModelReady>(&app).len(), 1);
    assert_eq!(heard::<ModelReady>(&app)[0].name, "chois-compact");

    let motion = clip(&app, &handle);
    assert_eq!(motion.frames.len(), 120);
    let first = &motion.frames[0];
    let there = frame::vec3(first.object_position);
    assert!(
        (there - Vec3::new(1.0, 0.0, -2.0)).length() < 0.02,
        "{there}"
    );
    let rotation = frame::quat(first.object_rotation);
    assert!(rotation.angle_between(turn) < 0.05, "{rotation}");
    let pelvis = frame::vec3(first.pose.root);
    let off = Vec2::new(pelvis.x - 0.2, pelvis.z + 2.1).length();
    assert!(off < 0.02, "{pelvis}");
    let end = frame::vec3(motion.frames[119].object_position);
    let shape = geometry();
    let last = motion.frames[119].object_rotation * shape.center();
    let center = end + frame::vec3(last);
    assert!(
        Vec2::new(center.x - 2.2, center.z + 2.5).length() < 0.02,
        "{center}"
    );

    let started = heard::<GenerationStarted>(&app);
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].order.clip, handle.id());
    assert_eq!(started[0].entity, avatar);
    let steps: Vec<_> = heard::<GenerationProgress>(&app)
        .iter()
        .map(|p| p.done)
        .collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6, 7, 8]);
    let finished = heard::<GenerationFinished>(&app);
    assert_eq!(finished.len(), 1);
    assert_eq!(finished[0].clip, handle);
    assert_eq!(finished[0].object_moved, 0.0);
    let mut told = app.world_mut().remove_resource::<Told>().expect("told").0;
    told.sort();
    let mut want = vec![
        (avatar, "finished"),
        (avatar, "started"),
        (object, "finished"),
        (object, "started"),
    ];
    want.sort();
    assert_eq!(told, want);
    app.init_resource::<Told>();

    // The same again is the same, another seed is not; and an object that is moved meanwhile is noticed.
    let again = generate(&mut app, asked.clone());
    assert_eq!(outcome(&mut app, &again), GenerationStatus::Finished);
    assert!(*clip(&app, &again) == *motion, "the same bits");
    let other = generate(&mut app, asked.seed(8));
    tick(&mut app);
    let mut place = app
        .world_mut()
        .get_mut::<Transform>(object)
        .expect("a place");
    place.translation.x += 0.5;
    assert_eq!(outcome(&mut app, &other), GenerationStatus::Finished);
    assert!(apart(&clip(&app, &other), &motion) > 0.01);
    let moved = heard::<GenerationFinished>(&app)[2].object_moved;
    assert!((moved - 0.5).abs() < 1e-4, "{moved}");
}

#[test]
fn clips_of_a_batch_are_those_made_alone() {
    let mut synthesis = plugin(Tiny);
    synthesis.max_batch = 3;
    let mut app = app_with(&TINY, synthesis);
    // Contact decides where and when a hand takes hold: what is millimetres apart before it may be centimetres apart after.
    let free = |order: InteractionOrder| order.contact(ContactMode::Off);
    let sizes = [
        free(order(1)),
        free(order(2).seconds(7.6)),
        free(order(3)),
        order(4).alone(),
    ];
    let together: Vec<_> = sizes
        .iter()
        .map(|o| generate(&mut app, o.clone()))
        .collect();
    for handle in &together {
        assert_eq!(outcome(&mut app, handle), GenerationStatus::Finished);
    }
    for (index, (order, beside)) in sizes.into_iter().zip(&together).enumerate() {
        let alone = generate(&mut app, order.alone());
        assert_eq!(outcome(&mut app, &alone), GenerationStatus::Finished);
        let (beside, alone) = (clip(&app, beside), clip(&app, &alone));
        if index == 3 {
            assert!(*beside == *alone, "the same bits");
        }
        let apart = apart(&beside, &alone);
        assert!(apart < 5e-3, "{apart} m");
    }
}

#[test]
fn orders_that_wait_together_go_together_by_priority_and_sampling() {
    let (mut app, script) = scripted(|s| s.max_batch = 2);
    let first = generate(&mut app, order(0));
    wait(&mut app, "begun", |_| !script.calls().is_empty());
    let eight = SamplingConfig {
        steps: 9,
        ..default()
    };
    let orders = [
        order(1),
        order(2).priority(5),
        order(3).sampling(eight),
        order(4),
        order(5).alone(),
        order(6).priority(5),
        order(7),
        order(8).priority(-1),
    ];
    let rest: Vec<_> = orders.into_iter().map(|o| generate(&mut app, o)).collect();
    tick(&mut app);
    assert_eq!(pending(&mut app), 9);
    assert_eq!(status(&mut app, &rest[0]), Some(GenerationStatus::Queued));
    script.allow(usize::MAX);
    for handle in rest.iter().chain([&first]) {
        assert_eq!(outcome(&mut app, handle), GenerationStatus::Finished);
    }
    let want = [
        vec![0],
        vec![2, 6],
        vec![1, 4],
        vec![3],
        vec![5],
        vec![7],
        vec![8],
    ];
    assert_eq!(script.calls(), want);
    assert_eq!(
        clip(&app, &rest[2]).name,
        "3",
        "each handle has its own clip"
    );
    assert_eq!(script.loads.load(Ordering::SeqCst), 1);
}

#[test]
fn cancelling_stops_between_two_steps_and_leaves_the_others() {
    let (mut app, script) = scripted(|_| {});
    let running = generate(&mut app, order(1));
    script.allow(2);
    let half = GenerationStatus::Running {
        done: 2,
        total: STEPS,
    };
    wait(&mut app, "half way", |_| {
        script.steps.load(Ordering::SeqCst) == 2
    });
    let end = Instant::now() + Duration::from_secs_f32(PATIENCE);
    while status(&mut app, &running) != Some(half.clone()) {
        tick(&mut app);
        assert!(Instant::now() < end);
    }
    let (queued, next, third) = (
        generate(&mut app, order(2)),
        generate(&mut app, order(3)),
        generate(&mut app, order(4)),
    );
    tick(&mut app);
    assert!(cancel(&mut app, &running));
    assert!(!cancel(&mut app, &running), "once");
    assert!(cancel(&mut app, &queued));
    tick(&mut app);
    let asked = GenerationStatus::Cancelled(CancelReason::Asked);
    assert_eq!(status(&mut app, &running), Some(asked.clone()));
    assert_eq!(status(&mut app, &queued), Some(asked.clone()));
    // The running one ends with the step it is in; of the next two, one is cancelled inside the batch.
    script.allow(3);
    wait(&mut app, "in the next batch", |_| {
        script.steps.load(Ordering::SeqCst) == 5
    });
    assert_eq!(script.calls(), [vec![1], vec![3, 4]]);
    assert!(cancel(&mut app, &third));
    script.allow(usize::MAX);
    assert_eq!(outcome(&mut app, &next), GenerationStatus::Finished);
    assert_eq!(outcome(&mut app, &third), asked);
    assert_eq!(script.steps.load(Ordering::SeqCst), 3 + STEPS);
    assert_eq!(heard::<GenerationCancelled>(&app).len(), 3);
    assert!(!cancel(&mut app, &next), "over already");
    assert!(!cancel(&mut app, &Handle::default()), "never heard of");
    let clips = app.world().resource::<Assets<MotionClip>>();
    assert_eq!(clips.len(), 1);
}

#[test]
fn what_is_not_wanted_any_more_is_cancelled_with_its_reason() {
    let (mut app, script) = scripted(|_| {});
    let shape = || ObjectShape {
        geometry: geometry(),
    };
    let object = app.world_mut().spawn((Transform::default(), shape())).id();
    let avatar = app.world_mut().spawn(Transform::default()).id();
    watch(&mut app, avatar);
    let by = |o: Entity| InteractionOrder::new(o, "Lift the box.").end(Vec3::X * 0.5);
    let late = generate(&mut app, order(1).deadline(Duration::from_millis(40)));
    let later = generate(&mut app, order(2).deadline(Duration::from_millis(40)));
    let soon = generate(&mut app, order(3).deadline(Duration::MAX));
    let orphan = generate(&mut app, by(object));
    let widow = generate(&mut app, order(4).avatar(avatar));
    let dropped = generate(&mut app, order(5));
    let dropped_id = dropped.id();
    tick(&mut app);
    drop(dropped);
    let cancelled = |reason| GenerationStatus::Cancelled(reason);
    let deadline = cancelled(CancelReason::Deadline);
    assert_eq!(outcome(&mut app, &late), deadline, "running");
    assert_eq!(outcome(&mut app, &later), deadline, "waiting");
    app.world_mut().despawn(object);
    app.world_mut().despawn(avatar);
    let despawned = cancelled(CancelReason::ObjectDespawned);
    assert_eq!(outcome(&mut app, &orphan), despawned);
    let despawned = cancelled(CancelReason::AvatarDespawned);
    assert_eq!(outcome(&mut app, &widow), despawned);
    let heard = heard::<GenerationCancelled>(&app);
    let gone = heard.iter().find(|c| c.order.clip == dropped_id);
    assert_eq!(gone.expect("told").reason, CancelReason::HandleDropped);
    assert_eq!(heard.len(), 5);
    script.allow(usize::MAX);
    assert_eq!(outcome(&mut app, &soon), GenerationStatus::Finished);
    // What nobody can ask about is forgotten.
    let id = soon.id();
    drop(soon);
    app.insert_resource(Heard::<GenerationFinished>::default());
    tick_times(&mut app, 6);
    let ask = move |s: MotionSynthesizer| s.status(id).is_none() && s.status(dropped_id).is_none();
    assert!(app.world_mut().run_system_once(ask).expect("a system"));
    assert!(app.world().resource::<Assets<MotionClip>>().is_empty());
}

#[test]
fn an_object_is_waited_for_but_not_for_ever() {
    let (mut app, script) = scripted(|s| s.patience = Duration::from_millis(1500));
    script.allow(usize::MAX);
    let bare = app.world_mut().spawn(Transform::default()).id();
    let slow = app.world_mut().spawn(Transform::default()).id();
    watch(&mut app, bare);
    let text = "Lift the box and put it down.";
    let never = generate(&mut app, InteractionOrder::new(bare, text));
    let soon = generate(&mut app, InteractionOrder::new(slow, text));
    tick_times(&mut app, 3);
    assert_eq!(status(&mut app, &soon), Some(GenerationStatus::Waiting));
    let shape = ObjectShape {
        geometry: geometry(),
    };
    app.world_mut().entity_mut(slow).insert(shape);
    assert_eq!(outcome(&mut app, &soon), GenerationStatus::Finished);
    let GenerationStatus::Failed(reason) = outcome(&mut app, &never) else {
        panic!("there is nothing to lift");
    };
    assert!(reason.contains("no ObjectShape for 1.5 s"), "{reason}");
    assert!(reason.contains("put Interactable on"), "{reason}");
    let failed = heard::<GenerationFailed>(&app);
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].order.object, Some(bare));
    assert_eq!(app.world().resource::<Told>().0, [(bare, "failed")]);
    // An object that can never have a shape says so before patience ends.
    let dust = app.world_mut().spawn(Transform::default()).id();
    let none = generate(&mut app, InteractionOrder::new(dust, text));
    app.world_mut().write_message(ObjectRefused {
        entity: dust,
        reason: "dust has no triangles".into(),
    });
    tick(&mut app);
    let reason = GenerationStatus::Failed("dust has no triangles".into());
    assert_eq!(status(&mut app, &none), Some(reason));
}

#[test]
fn a_request_that_cannot_be_had_fails_with_its_sentence() {
    let mut app = app_with(&TINY, plugin(Tiny));
    let far = order(1).waypoints([Vec3::new(90.0, 0.0, 0.0)]);
    let bad = [
        (InteractionOrder::new(geometry(), " "), "text: is empty"),
        (order(1).seconds(0.1), "seconds: 0.1"),
        (order(1).end(Vec3::new(0.0, 9.0, 0.0)), "end: height 9 m"),
        (order(1).waypoints([Vec3::NAN]), "waypoints[0].at: NaN"),
        (
            order(1).origin(Isometry3d::from_rotation(Quat::from_rotation_z(1.0))),
            "origin: ",
        ),
        (far, "waypoints: a path of"),
    ];
    let good = generate(&mut app, order(2));
    let handles: Vec<_> = (bad.iter())
        .map(|(order, _)| generate(&mut app, order.clone()))
        .collect();
    for (handle, (_, want)) in handles.iter().zip(&bad) {
        match outcome(&mut app, handle) {
            GenerationStatus::Failed(reason) => {
                assert!(reason.starts_with(want), "{reason} for {want}");
            }
            other => panic!("{other:?} for {want}"),
        }
    }
    assert_eq!(outcome(&mut app, &good), GenerationStatus::Finished);
    assert_eq!(heard::<GenerationFailed>(&app).len(), bad.len());
}

#[test]
fn a_panic_fails_its_order_and_the_worker_goes_on() {
    let (mut app, script) = scripted(|_| {});
    let poison = |seed| InteractionOrder::new(geometry(), "poison").seed(seed);
    script.allow(1);
    let alone = generate(&mut app, poison(1));
    let GenerationStatus::Failed(reason) = outcome(&mut app, &alone) else {
        panic!("poison works");
    };
    assert!(reason.contains("panicked (job 1 is poisoned)"), "{reason}");
    // Beside others it costs the others nothing but time.
    let before = generate(&mut app, order(9));
    wait(&mut app, "at work again", |_| script.calls().len() == 2);
    let orders = [order(2), poison(3), order(4)];
    let handles: Vec<_> = (orders.into_iter())
        .map(|o| generate(&mut app, o))
        .collect();
    tick(&mut app);
    script.allow(usize::MAX);
    assert_eq!(outcome(&mut app, &before), GenerationStatus::Finished);
    let outcomes: Vec<_> = handles.iter().map(|h| outcome(&mut app, h)).collect();
    assert_eq!(outcomes[0], GenerationStatus::Finished);
    assert!(matches!(&outcomes[1], GenerationStatus::Failed(r) if r.contains("job 3")));
    assert_eq!(outcomes[2], GenerationStatus::Finished);
    let want = [vec![1], vec![9], vec![2, 3, 4], vec![2], vec![3], vec![4]];
    assert_eq!(script.calls(), want);
    // The checkpoint was loaded anew each time: at first, after 1, after the batch, after 3.
    assert_eq!(script.loads.load(Ordering::SeqCst), 4);
    assert_eq!(heard::<ModelFailed>(&app).len(), 3);
    assert_eq!(heard::<GenerationFailed>(&app).len(), 2);
}

/// A copy of the tiny checkpoint in a folder of its own.
fn copy_of_tiny() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("models/tiny");
    std::fs::create_dir_all(&to).expect("a folder");
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(TINY.join("models/tiny").join(file), to.join(file)).expect("a copy");
    }
    (folder, to)
}

#[test]
fn without_a_usable_checkpoint_every_order_fails_with_the_remedy() {
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 5] = [
        (
            |f| std::fs::remove_dir_all(f).expect("removed"),
            "models/tiny/config.json",
        ),
        (
            |f| std::fs::remove_file(f.join("model.safetensors")).expect("removed"),
            "it needs model.safetensors beside its config.json",
        ),
        (
            |f| std::fs::write(f.join("config.json"), b"{\"version\": 1").expect("written"),
            "is not a usable checkpoint config",
        ),
        (
            |f| std::fs::write(f.join("model.safetensors"), b"no tensors").expect("written"),
            "truncated or not safetensors",
        ),
        (
            |f| {
                let path = f.join("config.json");
                let text = std::fs::read_to_string(&path).expect("read");
                let text = text.replace("\"tiny\"", "\"explosive\"");
                std::fs::write(path, text).expect("written");
            },
            "panicked: the checkpoint exploded",
        ),
    ];
    for (damage, want) in damages {
        let (folder, checkpoint) = copy_of_tiny();
        damage(&checkpoint);
        let script = Arc::new(Script::default());
        let loader = if want.contains("exploded") {
            plugin(Scripted(script))
        } else {
            plugin(Tiny)
        };
        let mut app = app_with(folder.path(), loader);
        let mut reasons = Vec::new();
        for seed in 0..3 {
            let handle = generate(&mut app, order(seed));
            match outcome(&mut app, &handle) {
                GenerationStatus::Failed(reason) => reasons.push(reason),
                other => panic!("{other:?} for {want}"),
            }
        }
        assert!(reasons[0].contains(want), "{} for {want}", reasons[0]);
        assert!(
            reasons[0].contains("SynthesisPlugin::checkpoint"),
            "{}",
            reasons[0]
        );
        assert_eq!(reasons[0], reasons[2]);
        tick_times(&mut app, 30);
        assert_eq!(heard::<GenerationFailed>(&app).len(), 3, "{want}");
        assert_eq!(
            heard::<ModelFailed>(&app).len(),
            1,
            "once per cause: {want}"
        );
    }
}

#[test]
fn a_reloaded_checkpoint_takes_over_and_a_broken_one_does_not() {
    let (folder, checkpoint) = copy_of_tiny();
    let mut app = app_with(folder.path(), plugin(Tiny));
    let rename = |to: &str| {
        let path = checkpoint.join("config.json");
        let text = std::fs::read_to_string(TINY.join(TINY_PATH)).expect("read");
        std::fs::write(path, text.replace("\"tiny\"", &format!("\"{to}\""))).expect("written");
    };
    let reload = |app: &mut App| {
        let server = app.world().resource::<AssetServer>();
        server.reload(TINY_PATH);
    };
    let first = generate(&mut app, order(1));
    assert_eq!(outcome(&mut app, &first), GenerationStatus::Finished);
    let names = |app: &App| -> Vec<String> {
        let ready = heard::<ModelReady>(app);
        ready.into_iter().map(|r| r.name).collect()
    };
    assert_eq!(names(&app), ["tiny"]);

    // Other weights under another name: the same order gives another clip.
    let mut other = tiny::checkpoint();
    other.weights = chois::model::Weights::initialise(&tiny::architecture(), 6);
    other.config.name = "second".into();
    other.save(&checkpoint, false).expect("saved");
    reload(&mut app);
    wait(&mut app, "taken over", |w| {
        let heard = w.resource::<Heard<ModelReady>>();
        heard.0.len() == 2
    });
    assert_eq!(names(&app), ["tiny", "second"]);
    let second = generate(&mut app, order(1));
    assert_eq!(outcome(&mut app, &second), GenerationStatus::Finished);
    let far = apart(&clip(&app, &first), &clip(&app, &second));
    assert!(far > 0.01, "{far}");

    // Damaged weights are refused once they are read, a damaged config before: what worked goes on.
    let weights = std::fs::read(checkpoint.join("model.safetensors")).expect("read");
    std::fs::write(checkpoint.join("model.safetensors"), &weights[..100]).expect("written");
    rename("third");
    for (wanted, count) in [("truncated", 1), ("not a usable checkpoint config", 2)] {
        reload(&mut app);
        wait(&mut app, "refused", |w| {
            let heard = w.resource::<Heard<ModelFailed>>();
            heard.0.len() == count
        });
        let failed = heard::<ModelFailed>(&app);
        assert!(failed[count - 1].reason.contains(wanted), "{failed:?}");
        let again = generate(&mut app, order(1));
        assert_eq!(outcome(&mut app, &again), GenerationStatus::Finished);
        assert!(
            *clip(&app, &again) == *clip(&app, &second),
            "still the second"
        );
        std::fs::write(checkpoint.join("config.json"), b"{").expect("written");
    }
    assert_eq!(names(&app), ["tiny", "second"]);
}

#[test]
fn a_checkpoint_whose_files_change_takes_over() {
    let (folder, checkpoint) = copy_of_tiny();
    let (mut app, changes) = watched_engine(folder.path());
    add_plugin(&mut app, plugin(Tiny));
    let first = generate(&mut app, order(1));
    assert_eq!(outcome(&mut app, &first), GenerationStatus::Finished);
    let taken_over = |app: &mut App, times: usize| {
        wait(app, "taken over", |w| {
            let heard = w.resource::<Heard<ModelReady>>();
            heard.0.len() == times
        });
    };

    // The weights alone: no asset of their own, but the checkpoint was read from them.
    let mut other = tiny::checkpoint();
    other.weights = chois::model::Weights::initialise(&tiny::architecture(), 6);
    other.save(&checkpoint, false).expect("saved");
    changes.tell("models/tiny/model.safetensors");
    taken_over(&mut app, 2);
    let second = generate(&mut app, order(1));
    assert_eq!(outcome(&mut app, &second), GenerationStatus::Finished);
    let far = apart(&clip(&app, &first), &clip(&app, &second));
    assert!(far > 0.01, "{far}");

    other.config.name = "second".into();
    other.save(&checkpoint, false).expect("saved");
    changes.tell(TINY_PATH);
    taken_over(&mut app, 3);
    let ready = heard::<ModelReady>(&app);
    assert_eq!(ready[2].name, "second");
}

#[test]
fn an_app_that_ends_takes_the_thread_along() {
    let (mut app, script) = scripted(|_| {});
    let running = generate(&mut app, order(1));
    wait(&mut app, "begun", |_| !script.calls().is_empty());
    app.world_mut().write_message(AppExit::Success);
    tick(&mut app);
    assert!(!status(&mut app, &running).expect("known").is_over());
    script.allow(1);
    let began = Instant::now();
    drop(app);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(script.steps.load(Ordering::SeqCst), 1, "no further step");
    assert_eq!(
        Arc::strong_count(&script),
        1,
        "the thread has let go of everything"
    );
}

#[test]
fn the_plugin_may_be_added_twice_and_without_assets() {
    let (mut app, script) = scripted(|_| {});
    script.allow(usize::MAX);
    app.add_plugins(plugin(Tiny));
    let handle = generate(&mut app, order(1));
    assert_eq!(outcome(&mut app, &handle), GenerationStatus::Finished);
    assert_eq!(script.calls(), [vec![1]], "the first one's settings");

    let mut bare = App::new();
    bare.add_plugins(MinimalPlugins);
    bare.add_plugins(plugin(Tiny));
    hear::<GenerationFailed>(&mut bare);
    let handle = generate(&mut bare, order(1));
    assert_eq!(status(&mut bare, &handle), None);
    tick_times(&mut bare, 3);
    let failed = heard::<GenerationFailed>(&bare);
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0].reason.contains("add Bevy's AssetPlugin"),
        "{}",
        failed[0].reason
    );
}
