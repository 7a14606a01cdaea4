//! What playing costs the main thread: 64 avatars at once, microseconds each, and allocations per frame.
//!
//! Timed from before `PlaybackSystems::Prepare` to after `PlaybackSystems::Play`, in `PostUpdate` of a headless app.
//! The aim is 20 microseconds an avatar and no allocation. Predicted before the first run: a bone costs four products
//! of four numbers, a square root and one write to a component found by its entity, 30 to 60 ns in all; 25 bones and
//! two places make 1 to 2 microseconds an avatar, twice that while a pose goes over.
//!
//! What was measured stands in the README's figures; on busy cores it is up to three times that. No allocation in frames without events: those of other threads count too, so only "one thread"
//! tells about playback alone, and even there a few are others'.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy_chois::avatar::{Avatar, AvatarPlugin, AvatarRig};
use bevy_chois::clip::ClipPlugin;
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::events::PhysicsStarted;
use bevy_chois::playback::{
    InteractionPlayer, InteractionState, LivePhysics, PlaybackPlugin, PlaybackSystems,
};
use bevy_chois_tests::{assets, engine, hear, puppet, tick, tick_until};
use chois::retarget::Retarget;
use chois::skeleton::Skeleton;
use criterion::{Criterion, criterion_group, criterion_main};

/// Avatars that play at once.
const AVATARS: usize = 64;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is the system allocator's; only a count is kept.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one frame's playback took.
#[derive(Resource)]
struct Spent {
    began: Instant,
    allocations: u64,
    all: Vec<(Duration, u64)>,
}

fn begin(mut spent: ResMut<Spent>) {
    spent.allocations = ALLOCATIONS.load(Ordering::Relaxed);
    spent.began = Instant::now();
}

fn end(mut spent: ResMut<Spent>) {
    let took = spent.began.elapsed();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - spent.allocations;
    spent.all.push((took, allocations));
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// The model's own skeleton, see [`puppet`].
    Puppet,
    /// A shipped person with all fingers.
    Woman,
}

/// An app in which [`AVATARS`] play the same clip, looped, each with an object; and how many bones of each it moves.
fn crowd(who: Who, single_threaded: bool) -> (App, usize) {
    let mut app = match who {
        Who::Puppet => puppet::app(),
        Who::Woman => {
            let mut app = engine(&assets());
            app.add_plugins((ClipPlugin, AvatarPlugin, PlaybackPlugin));
            app
        }
    };
    app.insert_resource(Spent {
        began: Instant::now(),
        allocations: 0,
        all: Vec::with_capacity(100_000),
    });
    app.add_systems(
        PostUpdate,
        (
            begin.before(PlaybackSystems::Prepare),
            end.after(PlaybackSystems::Play)
                .before(TransformSystems::Propagate),
        ),
    );
    if single_threaded {
        app.edit_schedule(PostUpdate, |schedule| {
            schedule.set_executor(bevy::ecs::schedule::SingleThreadedExecutor::new());
        });
    }
    let clip = puppet::clip(120);
    let start = &clip.frames[0];
    let at = bevy_chois::frame::isometry(start.object_position, start.object_rotation);
    let handle = puppet::add(&mut app, clip);
    let rig = Arc::new(puppet::rig(&Skeleton::adult()));
    for _ in 0..AVATARS {
        let avatar = match who {
            Who::Puppet => puppet::spawn_with(&mut app, Transform::IDENTITY, rig.clone()),
            Who::Woman => {
                let woman = Avatar::from_gltf(app.world().resource(), "avatars/woman.glb");
                app.world_mut().spawn(woman).id()
            }
        };
        let object = app.world_mut().spawn(Transform::from_isometry(at)).id();
        let interaction = InteractionPlayer::new(handle.clone())
            .with_object(object)
            .looped();
        app.world_mut().entity_mut(avatar).insert(interaction);
    }
    let all_play = |world: &mut World| {
        let mut states = world.query::<&InteractionState>();
        states
            .iter(world)
            .all(|state| *state == InteractionState::Playing)
    };
    assert!(tick_until(&mut app, 120.0, all_play), "they all play");
    let mut rigs = app.world_mut().query::<&AvatarRig>();
    let rig = rigs.iter(app.world()).next().expect("an avatar");
    let bones = Retarget::new(&rig.rig, &rig.map, &Skeleton::adult(), 1.0).map(|r| r.bones().len());
    let bones = match who {
        Who::Puppet => rig.bones.len(),
        Who::Woman => bones.expect("a person"),
    };
    (app, bones)
}

fn report(name: &str, frames: &mut [(Duration, u64)]) {
    let allocations: u64 = frames.iter().map(|f| f.1).sum();
    frames.sort();
    let each = |k: usize| frames[k].0.as_secs_f64() * 1e6 / AVATARS as f64;
    println!(
        "{name}: {:.2} us an avatar (median of {} frames; 99th percentile {:.2}), {} allocations in all",
        each(frames.len() / 2),
        frames.len(),
        each(frames.len() * 99 / 100),
        allocations
    );
}

fn playing(c: &mut Criterion) {
    for (who, single_threaded) in [
        (Who::Puppet, true),
        (Who::Puppet, false),
        (Who::Woman, true),
        (Who::Woman, false),
    ] {
        let threads = match single_threaded {
            true => "one thread",
            false => "all threads",
        };
        let (mut app, bones) = crowd(who, single_threaded);
        let name = format!("{bones} bones, {threads}");
        let mut run = |name: String, frames: usize| {
            app.world_mut().resource_mut::<Spent>().all.clear();
            for _ in 0..frames {
                tick(&mut app);
            }
            report(&name, &mut app.world_mut().resource_mut::<Spent>().all);
        };
        run(format!("{name}, going over from another pose"), 20);
        run(format!("{name}, let the blend pass"), 40);
        run(format!("{name}, playing without contact changing"), 20);
        run(format!("{name}, whole loops with events"), 480);
        c.bench_function(&format!("play 64 avatars, {name}"), |b| {
            b.iter_custom(|frames| {
                app.world_mut().resource_mut::<Spent>().all.clear();
                for _ in 0..frames {
                    tick(&mut app);
                }
                let spent = app.world().resource::<Spent>();
                spent.all.iter().map(|(took, _)| *took).sum()
            });
        });
    }
}

/// What an avatar costs whose object is under physics: a step of it, the body that follows, and its bones.
fn live(_: &mut Criterion) {
    const PEOPLE: usize = 8;
    let mut app = engine(&assets());
    app.add_plugins((ClipPlugin, AvatarPlugin, PlaybackPlugin));
    app.insert_resource(Spent {
        began: Instant::now(),
        allocations: 0,
        all: Vec::with_capacity(1000),
    });
    app.add_systems(
        PostUpdate,
        (
            begin.before(PlaybackSystems::Prepare),
            end.after(PlaybackSystems::Play)
                .before(TransformSystems::Propagate),
        ),
    );
    let clip = chois_tests::carry::clip_at(0.0, 0.5, 0.03);
    let start = clip.frames[0];
    let at = bevy_chois::frame::isometry(start.object_position, start.object_rotation);
    let handle = puppet::add(&mut app, clip);
    let geometry = Arc::new(chois_tests::carry::thing());
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let woman = Avatar::from_gltf(app.world().resource(), "avatars/woman.glb");
        let woman = app.world_mut().spawn(woman).id();
        let shape = ObjectShape {
            geometry: geometry.clone(),
        };
        let object = (app.world_mut())
            .spawn((Transform::from_isometry(at), shape))
            .id();
        let mut interaction = InteractionPlayer::new(handle.clone())
            .with_object(object)
            .live(LivePhysics::default());
        interaction.pause();
        app.world_mut().entity_mut(woman).insert(interaction);
        people.push(woman);
    }
    hear::<PhysicsStarted>(&mut app);
    let all = |world: &mut World| {
        let heard = world.resource::<bevy_chois_tests::Heard<PhysicsStarted>>();
        heard.0.len() >= PEOPLE
    };
    assert!(tick_until(&mut app, 120.0, all), "physics begins");
    for woman in people {
        if let Some(mut player) = app.world_mut().get_mut::<InteractionPlayer>(woman) {
            player.play();
        }
    }
    app.world_mut().resource_mut::<Spent>().all.clear();
    for _ in 0..230 {
        tick(&mut app);
    }
    let mut frames = std::mem::take(&mut app.world_mut().resource_mut::<Spent>().all);
    frames.sort();
    let each = |k: usize| frames[k].0.as_secs_f64() * 1e6 / PEOPLE as f64;
    println!(
        "live, {PEOPLE} people with objects under physics: {:.0} us each a frame (median of {}; 95th percentile {:.0})",
        each(frames.len() / 2),
        frames.len(),
        each(frames.len() * 95 / 100)
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = live, playing
}
criterion_main!(benches);
