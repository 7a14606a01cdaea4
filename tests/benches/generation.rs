//! Speed of one denoising step at the published size and of one window with the shipped checkpoint.
//!
//! Beside the step stands what the machine's matrix product allows, measured in the same run: times on a shared machine
//! mean little, ratios say more.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use chois::InteractionRequest;
use chois::diffusion::Flow;
use chois::geometry::{ObjectGeometry, load_mesh};
use chois::model::config::Architecture;
use chois::model::denoiser::Denoiser;
use chois::model::fused::FusedDenoiser;
use chois::model::weights::Weights;
use chois::synthesis::{Order, Synthesizer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tch::{Device, Kind, Tensor};

const FRAMES: i64 = 120;

/// Multiplications and additions of one forward pass for one window, counted from the shapes.
fn flops(a: &Architecture) -> f64 {
    let tokens = (FRAMES + 1) as f64;
    let (width, hidden) = (a.width as f64, a.hidden as f64);
    let inner = (a.heads * a.head_width) as f64;
    let input = (220 + a.condition_width()) as f64;
    let attention = 4.0 * width * inner * tokens + 2.0 * tokens * tokens * inner;
    let layer = attention + 2.0 * width * hidden * tokens;
    let ends = (input * width + width * 220.0) * tokens;
    2.0 * (a.layers as f64 * layer + ends)
}

/// Best of several products of large matrices, in operations a second: the limit of any network on this machine.
fn sgemm_peak() -> f64 {
    let n = 1024_i64;
    let options = (Kind::Float, Device::Cpu);
    let (a, b) = (Tensor::rand([n, n], options), Tensor::rand([n, n], options));
    let once = || {
        let began = Instant::now();
        let _ = black_box(a.matmul(&b));
        began.elapsed().as_secs_f64()
    };
    let best = (0..30).map(|_| once()).fold(f64::INFINITY, f64::min);
    2.0 * (n as f64).powi(3) / best
}

fn denoiser_step(c: &mut Criterion) {
    tch::set_num_threads(2);
    let _guard = tch::no_grad_guard();
    let architecture = Architecture::official();
    let weights = Weights::initialise(&architecture, 1);
    let parity = Denoiser::new(&architecture, &weights, Device::Cpu).expect("a denoiser");
    let fused = FusedDenoiser::new(&parity);
    let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
    let x = random(&[1, FRAMES, 220]);
    let condition = random(&[1, FRAMES, architecture.condition_width()]);
    let language = random(&[1, architecture.width]);
    let t = Tensor::from_slice(&[417_i64]);
    let constants = fused.constants(&condition, Some(&language), None);
    let time = fused.time_tokens(&t);

    let peak = sgemm_peak();
    let limit = flops(&architecture) / peak;
    let mut best = f64::INFINITY;
    for _ in 0..60 {
        let began = Instant::now();
        let _ = black_box(fused.forward(&x, &time, &constants, 0.0));
        best = best.min(began.elapsed().as_secs_f64());
    }
    println!(
        "sgemm peak {:.0} GFLOP/s, so a step of {:.2} GFLOP takes at least {:.1} ms; best fast-path step {:.1} ms, ratio \
         {:.2}",
        peak / 1e9,
        flops(&architecture) / 1e9,
        limit * 1e3,
        best * 1e3,
        best / limit
    );
    let mut group = c.benchmark_group("denoiser step, official size, 1 sample, 2 threads");
    group.bench_function("fast path", |b| {
        b.iter(|| fused.forward(&x, &time, &constants, 0.0));
    });
    group.bench_function("parity path", |b| {
        b.iter(|| parity.forward(&x, &t, &condition, Some(&language), None, None));
    });
    group.finish();
}

fn window(c: &mut Criterion) {
    tch::set_num_threads(2);
    let assets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets");
    let model = assets.join("models/chois-compact");
    let mut synthesizer =
        Synthesizer::load(&model, None, Device::Cpu).expect("the shipped checkpoint");
    let mesh = load_mesh(&assets.join("objects/crate.glb"), None).expect("the crate");
    let object = ObjectGeometry::new("crate", mesh.refined()).expect("the crate");
    let request =
        InteractionRequest::new("Lift the largebox, move the largebox, and put down the largebox.")
            .waypoints([[0.6, 0.1], [1.1, 0.4]])
            .end([1.4, 0.8, 0.0]);
    let unguided = InteractionRequest {
        guidance: chois::request::GuidanceConfig::off(),
        ..request.clone()
    };
    let mut group = c.benchmark_group("4-second window, shipped checkpoint, 8 steps");
    for (name, request) in [("guided", &request), ("no guidance", &unguided)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let order = Order {
                    request,
                    object: &object,
                    scene: None,
                };
                synthesizer
                    .generate(&order, &mut |_| Flow::Continue)
                    .expect("a clip")
            });
        });
    }
    group.finish();
}

/// Several requests through the network together: time per batch; per clip it is that over the number.
fn batch(c: &mut Criterion) {
    tch::set_num_threads(2);
    let assets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets");
    let model = assets.join("models/chois-compact");
    let mut synthesizer =
        Synthesizer::load(&model, None, Device::Cpu).expect("the shipped checkpoint");
    let mesh = load_mesh(&assets.join("objects/crate.glb"), None).expect("the crate");
    let object = ObjectGeometry::new("crate", mesh.refined()).expect("the crate");
    let requests: Vec<_> = (0..8)
        .map(|seed| {
            InteractionRequest::new("Lift the largebox, move the largebox, and put it down.")
                .waypoints([[0.6, 0.1], [1.1, 0.4]])
                .end([1.4, 0.8, 0.0])
                .seed(seed)
        })
        .collect();
    let orders: Vec<_> = requests
        .iter()
        .map(|request| Order {
            request,
            object: &object,
            scene: None,
        })
        .collect();
    let mut group = c.benchmark_group("batch of 4-second windows, shipped checkpoint, 8 steps");
    for count in [1, 2, 4, 8] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} together"), |b| {
            b.iter(|| {
                synthesizer.generate_batch(
                    &orders[..count],
                    &mut |_, _| Flow::Continue,
                    &mut |_, result| drop(black_box(result.expect("a clip"))),
                );
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = denoiser_step, window, batch
}
criterion_main!(benches);
