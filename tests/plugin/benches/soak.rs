//! What generation costs the game: an app that ticks at 60 Hz, with the network at work without pause and without it, in
//! turns; and how long a clip takes from the request to the frame that has it.
//!
//! `cargo bench --profile dev -p bevy_chois -p bevy_chois_tests -p chois_demo --bench soak -- [--seconds 60]
//! [--work 0] [--threads N] [--batch N] [--pending 2] [--no-background]`. `--work` is what each tick of the game computes
//! beside Bevy, milliseconds.
//!
//! A tick begins when it is due (the thread sleeps until a millisecond before, then waits actively). Its stall is the time
//! from when it was due to its end, so that a core that was not to be had counts as much as slow systems do. It is an
//! overrun when the stall exceeds the sixtieth of a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bevy::ecs::system::RunSystemOnce;
use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::clip::MotionClip;
use bevy_chois::debug_draw::DebugDrawPlugin;
use bevy_chois::synthesis::{
    GenerationFinished, InteractionOrder, Libtorch, ModelReady, MotionSynthesizer, SynthesisPlugin,
};
use bevy_chois_tests::{TICK, assets, engine, start};
use chois::geometry::{ObjectGeometry, load_mesh};

/// Turns of the two states.
const TURNS: u32 = 6;
/// Upper ends of the histogram's classes, milliseconds.
const CLASSES: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.667, f64::INFINITY];

struct Arguments {
    seconds: f64,
    work: f64,
    threads: Option<usize>,
    batch: usize,
    pending: usize,
    background: bool,
}

impl Arguments {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let value = |name: &str| {
            let at = words.iter().position(|w| w == name)?;
            words.get(at + 1)?.parse::<f64>().ok()
        };
        Self {
            seconds: value("--seconds").unwrap_or(60.0),
            work: value("--work").unwrap_or(0.0),
            threads: value("--threads").map(|n| n as usize),
            batch: value("--batch").map_or(SynthesisPlugin::default().max_batch, |n| n as usize),
            pending: value("--pending").map_or(2, |n| n as usize),
            background: !words.iter().any(|w| w == "--no-background"),
        }
    }
}

/// Orders that are to be under way at all times, and the clips asked for.
#[derive(Resource)]
struct Demand {
    wanted: usize,
    object: Arc<ObjectGeometry>,
    open: Vec<Handle<MotionClip>>,
    asked: u64,
    made: u64,
}

fn order(object: &Arc<ObjectGeometry>, seed: u64) -> InteractionOrder {
    InteractionOrder::new(
        object.clone(),
        "Lift the largebox, move the largebox, and put down the largebox.",
    )
    .waypoints([Vec3::new(0.6, 0.0, -0.1), Vec3::new(1.1, 0.0, -0.4)])
    .end(Vec3::new(1.4, 0.0, -0.8))
    .seed(seed)
}

/// Keeps the network busy.
fn demand(
    mut demand: ResMut<Demand>,
    mut finished: MessageReader<GenerationFinished>,
    mut synthesizer: MotionSynthesizer,
) {
    for done in finished.read() {
        demand.made += 1;
        demand.open.retain(|open| *open != done.clip);
    }
    if demand.wanted == 0 {
        // Whatever is still under way is cancelled with its handle.
        demand.open.clear();
    }
    while demand.open.len() < demand.wanted {
        demand.asked += 1;
        let order = order(&demand.object, demand.asked);
        demand.open.push(synthesizer.generate(order));
    }
}

/// What the game itself computes.
#[derive(Resource, Clone, Copy)]
struct Work(Duration);

fn work(work: Res<Work>) {
    let end = Instant::now() + work.0;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

/// Durations of ticks, milliseconds.
#[derive(Default)]
struct Ticks {
    /// From the beginning of the update to its end.
    updates: Vec<f64>,
    /// From when the tick was due to its end.
    stalls: Vec<f64>,
}

impl Ticks {
    fn overruns(&self) -> usize {
        let period = TICK.as_secs_f64() * 1e3;
        self.stalls.iter().filter(|s| **s > period).count()
    }
}

/// Ticks at 60 Hz for some time. A tick that comes too late does not push the others.
fn run(app: &mut App, seconds: f64, ticks: &mut Ticks) {
    let began = Instant::now();
    let mut due = began;
    while due.duration_since(began).as_secs_f64() < seconds {
        let early = due - Duration::from_millis(1).min(due.duration_since(began));
        if let Some(rest) = early.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        let at = Instant::now();
        app.update();
        ticks.updates.push(at.elapsed().as_secs_f64() * 1e3);
        ticks.stalls.push(due.elapsed().as_secs_f64() * 1e3);
        due += TICK;
        // What was missed was counted once; the schedule goes on from here.
        while due + TICK < Instant::now() {
            due += TICK;
        }
    }
}

/// The value below which that share of the sorted values lies.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (share * last as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// CPU seconds that all programs together, and this one, have used since boot (Linux).
fn cpu_seconds() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = (stat.lines().next()?.split_whitespace().skip(1))
        .filter_map(|f| f.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq
    let all = fields.iter().take(3).sum::<f64>() + fields.iter().skip(5).take(2).sum::<f64>();
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    let own: Vec<&str> = own.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |i: usize| own.get(i)?.parse::<f64>().ok();
    Some((all / 100.0, (ticks(11)? + ticks(12)?) / 100.0))
}

/// Milliseconds from the request to the frame that has the clip, with ticks at 60 Hz.
fn latency(app: &mut App, object: &Arc<ObjectGeometry>, seed: u64) -> f64 {
    let asked = order(object, seed);
    let ask = move |mut synthesizer: MotionSynthesizer| synthesizer.generate(asked.clone());
    let began = Instant::now();
    let handle = app.world_mut().run_system_once(ask).expect("a system");
    let mut due = began;
    loop {
        app.update();
        if (app.world().resource::<Assets<MotionClip>>()).contains(&handle) {
            return began.elapsed().as_secs_f64() * 1e3;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no clip");
        due += TICK;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn main() {
    let arguments = Arguments::read();
    let mesh = load_mesh(&assets().join("objects/crate.glb"), None).expect("the crate");
    let object = ObjectGeometry::new("crate", mesh.refined()).expect("the crate");
    let object = Arc::new(object);
    let mut app = engine(&assets());
    let group = ChoisPlugins {
        synthesis: SynthesisPlugin {
            max_batch: arguments.batch,
            background: arguments.background,
            loader: Arc::new(Libtorch {
                threads: arguments.threads,
                ..default()
            }),
            ..default()
        },
    };
    app.add_plugins(group.build().disable::<DebugDrawPlugin>())
        .insert_resource(Work(Duration::from_secs_f64(arguments.work / 1e3)))
        .insert_resource(Demand {
            wanted: 0,
            object: object.clone(),
            open: Vec::new(),
            asked: 0,
            made: 0,
        })
        .add_systems(Update, (demand, work));
    start(&mut app);
    let began = Instant::now();
    while (app.world().resource::<Messages<ModelReady>>()).is_empty() {
        app.update();
        std::thread::sleep(Duration::from_millis(5));
        assert!(began.elapsed() < Duration::from_secs(120), "no model");
    }
    println!(
        "model loaded and warm after {:.2} s",
        began.elapsed().as_secs_f64()
    );

    let cpu = cpu_seconds();
    let clock = Instant::now();
    let [mut off, mut on] = [Ticks::default(), Ticks::default()];
    let turn = arguments.seconds / f64::from(TURNS);
    for _ in 0..TURNS {
        app.world_mut().resource_mut::<Demand>().wanted = 0;
        // What was under way ends between two steps; that time belongs to neither.
        run(&mut app, 0.5, &mut Ticks::default());
        run(&mut app, turn, &mut off);
        app.world_mut().resource_mut::<Demand>().wanted = arguments.pending;
        run(&mut app, turn, &mut on);
    }
    app.world_mut().resource_mut::<Demand>().wanted = 0;
    run(&mut app, 0.5, &mut Ticks::default());
    let wall = clock.elapsed().as_secs_f64();
    let made = app.world().resource::<Demand>().made;
    println!(
        "{made} clips in {:.0} s of generation, {} at a time, batches of {} at most, {:.1} ms of other work a tick",
        arguments.seconds, arguments.pending, arguments.batch, arguments.work
    );
    if let (Some((all, own)), Some((all_after, own_after))) = (cpu, cpu_seconds()) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let share = |seconds: f64| seconds / wall / cores * 100.0;
        let own = own_after - own;
        println!(
            "of {cores} cores this program used {:.0}% and others {:.0}%",
            share(own),
            share(all_after - all - own)
        );
    }
    println!("\nstall, ms      off      on");
    let mut low = 0.0;
    for high in CLASSES {
        let count = |ticks: &Ticks| {
            let within = |s: &&f64| low < **s && **s <= high;
            ticks.stalls.iter().filter(within).count()
        };
        let class = if high.is_finite() {
            format!("to {high:.2}")
        } else {
            "more".into()
        };
        println!("{class:<10}{:>8}{:>8}", count(&off), count(&on));
        low = high;
    }
    println!("overruns  {:>8}{:>8}", off.overruns(), on.overruns());
    for (name, share) in [
        ("median", 0.5),
        ("99%", 0.99),
        ("99.9%", 0.999),
        ("longest", 1.0),
    ] {
        let at = |values: &[f64]| percentile(&sorted(values), share);
        println!(
            "{name:<10}{:>8.3}{:>8.3}   update alone{:>8.3}{:>8.3}",
            at(&off.stalls),
            at(&on.stalls),
            at(&off.updates),
            at(&on.updates)
        );
    }

    let latencies: Vec<f64> = (0..20)
        .map(|seed| latency(&mut app, &object, 1_000_000 + seed))
        .collect();
    let latencies = sorted(&latencies);
    println!(
        "\nrequest to the frame that has the clip, ms: best {:.0}, median {:.0}, worst {:.0} of {}",
        percentile(&latencies, 0.0),
        percentile(&latencies, 0.5),
        percentile(&latencies, 1.0),
        latencies.len()
    );
    // What is under way is called off, and the thread joined, when the app is dropped.
    let leaving = Instant::now();
    drop(app);
    println!(
        "the app ended in {:.0} ms",
        leaving.elapsed().as_secs_f64() * 1e3
    );
}
