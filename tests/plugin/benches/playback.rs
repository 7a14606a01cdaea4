//! What playing costs the main thread: 64 avatars at once, microseconds each, and allocations per frame.
//!
//! Timed from before `PlaybackSystems::Prepare` to after `PlaybackSystems::Play`, in `PostUpdate` of a headless app.
//! The aim is 20 microseconds an avatar and no allocation. Predicted before the first run: a bone costs four products
//! of four numbers, a square root and one write to a component found by its entity, 30 to 60 ns in all; 25 bones and
//! two places make 1 to 2 microseconds an avatar, twice that while a pose goes over.
//!
//! Measured (two busy cores, the development profile): 3.5 microseconds an avatar with its object, 3.9 while a pose goes
//! over; no allocation in frames without events. Twice the prediction: looking entities up costs more than the products.
//! Allocations of other threads count too, so only "one thread" tells about playback alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy_chois::playback::{InteractionPlayer, InteractionState, PlaybackSystems};
use bevy_chois_tests::{puppet, tick, tick_until};
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

/// An app in which [`AVATARS`] play the same clip, looped, each with an object.
fn crowd(single_threaded: bool) -> App {
    let mut app = puppet::app();
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
    let rig = std::sync::Arc::new(puppet::rig(&Skeleton::adult()));
    for _ in 0..AVATARS {
        let avatar = puppet::spawn_with(&mut app, Transform::IDENTITY, rig.clone());
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
    assert!(tick_until(&mut app, 60.0, all_play), "they all play");
    app
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
    for single_threaded in [true, false] {
        let name = if single_threaded {
            "one thread"
        } else {
            "all threads"
        };
        let mut app = crowd(single_threaded);
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

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = playing
}
criterion_main!(benches);
