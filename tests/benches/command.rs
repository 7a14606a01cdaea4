//! How long it takes to understand a command and to plan the way, by `cargo bench --profile dev -p chois_tests --bench
//! command`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chois::command::{CommandParser, Grammar};
use chois::navigation::{NavigationConfig, Navigator};
use chois::scene::{ItemKind, Scene};
use chois::text::MiniLm;
use chois_tests::errands;
use chois_tests::rooms::room;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const COMMANDS: [(&str, &str); 4] = [
    ("living_room", "Move the floor lamp next to the table."),
    (
        "living_room",
        "Put the luggage in front of the couch, then come back.",
    ),
    (
        "warehouse",
        "Carry the crate to the south shelf nearest to the stool.",
    ),
    ("clutter", "Put the suitcase against the wall."),
];

fn grammar(scene: &Scene) -> Grammar {
    let encoder = MiniLm::load(&MiniLm::default_folder()).unwrap_or_else(|e| panic!("{e}"));
    let mut grammar = Grammar::new(Some(Box::new(encoder)));
    grammar.prepare(scene).expect("names can be encoded");
    grammar
}

fn understanding(c: &mut Criterion) {
    tch::set_num_threads(2);
    for (name, text) in COMMANDS {
        let scene = room(name);
        let mut parser = grammar(&scene);
        c.bench_function(&format!("understand, {name}: {text}"), |b| {
            b.iter(|| black_box(parser.understand(text, &scene)));
        });
    }
    // A word that nothing is called by goes to the encoder, every time another.
    let scene = room("living_room");
    let mut parser = grammar(&scene);
    let mut count = 0;
    c.bench_function("understand with the encoder", |b| {
        b.iter(|| {
            count += 1;
            let text = format!("Move the luggage number {count} to the table.");
            black_box(parser.understand(&text, &scene))
        });
    });
}

fn planning(c: &mut Criterion) {
    for (name, text) in COMMANDS {
        let scene = room(name);
        let plan = match grammar(&scene).understand(text, &scene) {
            Ok(plan) => plan,
            Err(refusal) => panic!("{text}: {refusal}"),
        };
        let mut navigator = Navigator::new(&scene, NavigationConfig::default());
        let moved = scene
            .items
            .iter()
            .find(|item| item.kind == ItemKind::Object)
            .expect("an item");
        c.bench_function(&format!("plan after a change, {name}: {text}"), |b| {
            b.iter(|| {
                // Makes the map forget its meshes, as a moving item would.
                navigator.set(moved);
                black_box(navigator.plan(&plan, &scene))
            });
        });
        c.bench_function(&format!("a new map, {name}"), |b| {
            b.iter_batched(
                || (),
                |()| black_box(Navigator::new(&scene, NavigationConfig::default())),
                BatchSize::PerIteration,
            );
        });
    }
}

/// Time that this thread has had a core, where the system tells: on a busy machine other work is not counted.
fn worked() -> Duration {
    // What a thread has worked is put down when it is asked to make room.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// The sixty commands of the errands, each in its room as it is at first, once: what a game waits for.
fn once_each(_: &mut Criterion) {
    tch::set_num_threads(2);
    let encoder = MiniLm::load(&MiniLm::default_folder()).unwrap_or_else(|e| panic!("{e}"));
    let mut grammar = Grammar::new(Some(Box::new(encoder)));
    let mut parts: [Vec<Duration>; 5] = Default::default();
    for (name, commands) in errands::COMMANDS {
        let scene = room(name);
        let began = Instant::now();
        grammar.prepare(&scene).expect("names can be encoded");
        let named = began.elapsed();
        let mut navigator = Navigator::new(&scene, NavigationConfig::default());
        navigator.prepare(&scene);
        println!(
            "{name}: names encoded in {named:?}, mapped in {:?}",
            began.elapsed() - named
        );
        for text in commands {
            let (began, before) = (Instant::now(), worked());
            let plan = (grammar.understand(text, &scene)).unwrap_or_else(|e| panic!("{text}: {e}"));
            let understood = began.elapsed();
            navigator.follow(&scene);
            let Ok(legs) = navigator.plan(&plan, &scene) else {
                continue;
            };
            let planned = began.elapsed();
            black_box(navigator.distances(&legs));
            let all = began.elapsed();
            let times = [
                understood,
                planned - understood,
                all - planned,
                all,
                worked() - before,
            ];
            for (part, time) in parts.iter_mut().zip(times) {
                part.push(time);
            }
        }
    }
    let names = [
        "sentence",
        "ways",
        "distances",
        "all",
        "all, without waiting for a core",
    ];
    for (what, part) in names.iter().zip(&mut parts) {
        part.sort();
        println!(
            "{what}: median {:?}, 95% {:?}, most {:?}",
            part[part.len() / 2],
            part[part.len() * 95 / 100],
            part[part.len() - 1]
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = once_each, understanding, planning
}
criterion_main!(benches);
