//! Training in mixed precision, on the device that is there: a GPU's where there is one.

use chois::device;
use chois::training::dataset::Dataset;
use chois::training::trainer::{StepReport, Trainer, TrainingConfig};
use chois_tests::tiny::{self, Digested};
use std::sync::Arc;

#[test]
fn mixed_precision_follows_the_full_run_and_resumes() {
    let folder = tempfile::tempdir().expect("a folder");
    chois_tests::carry::write(folder.path());
    let data = Dataset::load(folder.path(), folder.path(), &Digested, true).expect("a clip");
    let data = Arc::new(data);
    let checkpoint = tiny::checkpoint();
    let begin = |mixed: bool| {
        let settings = TrainingConfig {
            batch: 8,
            steps: 30,
            warm_up: 0,
            keypoints: 4,
            ema_after: 0,
            mixed,
            ..TrainingConfig::default()
        };
        let model = checkpoint.config.clone();
        Trainer::tune(model, settings, device::choose(), &checkpoint.weights).expect("a run")
    };
    let run = |trainer: &mut Trainer, until: u64| {
        let mut reports: Vec<StepReport> = Vec::new();
        let going = trainer.run(&data, |trainer, report| {
            reports.push(*report);
            Ok(trainer.step_count() < until)
        });
        going.expect("trained");
        assert!(reports.iter().all(|r| !r.skipped), "{reports:?}");
        reports
    };
    let (mut full, mut mixed) = (begin(false), begin(true));
    let losses = [run(&mut full, 30), run(&mut mixed, 30)];
    let total = |k: usize, t: usize| losses[k][t].total;
    for t in 0..5 {
        let off = (total(1, t) / total(0, t) - 1.0).abs();
        assert!(off < 0.02, "step {t}: {} and {}", total(0, t), total(1, t));
    }
    // Rounding leads elsewhere with every step, not to worse places.
    let late = |k: usize| (20..30).map(|t| total(k, t)).sum::<f64>();
    assert!(
        (late(1) / late(0) - 1.0).abs() < 0.05,
        "{} and {}",
        late(0),
        late(1)
    );
    // The first step's are those of one network: of bfloat16's eight bits some are seen.
    assert!((total(1, 0) / total(0, 0) - 1.0).abs() > 1e-7, "not mixed");
    assert!(total(1, 29) < 0.9 * total(1, 0), "it learns");
    // Weights stay whole, and a state goes on from where it was.
    let state = folder.path().join("state.safetensors");
    let mut half = begin(true);
    run(&mut half, 10);
    half.save(&state).expect("saved");
    let mut rest = Trainer::resume(&state, device::choose(), None).expect("resumed");
    let after = run(&mut rest, 30);
    for (t, report) in (10..).zip(&after) {
        let off = (report.total / total(1, t) - 1.0).abs();
        // A GPU adds up in any order.
        let most = if device::choose().is_cuda() {
            0.03
        } else {
            0.0
        };
        assert!(
            off <= most,
            "step {t}: {} and {}",
            total(1, t),
            report.total
        );
    }
    // What was learned is validated in full precision, as ever.
    let windows: Vec<_> = data.windows(15).into_iter().take(8).collect();
    let [plain, same] = [&full, &mixed].map(|run| run.validate(&data, &windows).expect("a loss"));
    assert!((same / plain - 1.0).abs() < 0.05, "{plain} and {same}");
}
