//! Dropout draws from libtorch's own generator, which is one for the whole process: this test has a process of its own.

use std::sync::Arc;

use chois::training::dataset::Dataset;
use chois::training::trainer::{Trainer, TrainingConfig};
use chois_tests::tiny::{self, Digested};
use tch::Device;

#[test]
fn a_run_with_dropout_resumes_exactly_and_hangs_on_its_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    chois_tests::carry::write(folder.path());
    let data = Dataset::load(folder.path(), folder.path(), &Digested, true).expect("a clip");
    let data = Arc::new(data);
    let checkpoint = tiny::checkpoint();
    let mut model = checkpoint.config.clone();
    model.architecture.dropout = 0.3;
    let begin = |seed: u64| {
        let settings = TrainingConfig {
            batch: 4,
            steps: 6,
            warm_up: 0,
            keypoints: 4,
            ema_after: 0,
            seed,
            ..TrainingConfig::default()
        };
        Trainer::tune(model.clone(), settings, Device::Cpu, &checkpoint.weights).expect("a run")
    };
    let same = |a: &Trainer, b: &Trainer| {
        let mut pairs = a.average().iter().zip(b.average().iter());
        pairs.all(|((_, a), (_, b))| a.equal(b))
    };
    let mut whole = begin(7);
    whole.run(&data, |_, _| Ok(true)).expect("trained");
    // Whatever else draws from it meanwhile.
    tch::manual_seed(99);
    let state = folder.path().join("state.safetensors");
    let mut half = begin(7);
    half.run(&data, |trainer, _| Ok(trainer.step_count() < 3))
        .expect("trained");
    half.save(&state).expect("saved");
    tch::manual_seed(5);
    let mut rest = Trainer::resume(&state, Device::Cpu, None).expect("resumed");
    rest.run(&data, |_, _| Ok(true)).expect("trained");
    assert!(same(&whole, &rest), "bit for bit");
}
