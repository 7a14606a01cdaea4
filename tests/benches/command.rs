//! How long it takes to understand a command and to plan the way, by `cargo bench --profile dev -p chois_tests --bench
//! command`.

use std::hint::black_box;
use std::time::Duration;

use chois::command::{CommandParser, Grammar};
use chois::navigation::{NavigationConfig, Navigator};
use chois::scene::{ItemKind, Scene};
use chois::text::MiniLm;
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

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = understanding, planning
}
criterion_main!(benches);
