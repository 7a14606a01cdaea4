//! Samplers and guidance against the published PyTorch code.

use chois::diffusion::Schedule;
use chois::diffusion::guidance::published::{Interaction, Published, gradient};
use chois::diffusion::sampler::{
    Ancestral, Consistency, Ddim, Flow, Guide, Moment, ParityPredictor, Predict, Progress,
    RecordedNoise, Run, Sampler, SeededNoise,
};
use chois::model::Network;
use chois::model::denoiser::Denoiser;
use chois::model::kinematics::Bounds;
use chois_tests::network::{config, small, small_weights, statistics};
use chois_tests::{Golden, assert_tensors_close};
use tch::{Device, Kind, Tensor};

fn denoiser() -> Denoiser {
    Denoiser::new(&small(), &small_weights(), Device::Cpu).expect("a denoiser")
}

/// One ancestral step; returns the next state and the posterior's mean.
fn ancestral_step(
    schedule: &Schedule,
    predictor: &dyn Predict,
    guide: Option<&dyn Guide>,
    x: &Tensor,
    step: usize,
    noise: &Tensor,
) -> (Tensor, Tensor) {
    let run = Run {
        schedule,
        predictor,
        guide,
        noise: &mut RecordedNoise::new(vec![]),
        shape: (x.size()[0], x.size()[1]),
        start: None,
        keep: None,
        inpaint: None,
        clamp: true,
        progress: &mut |_| Flow::Continue,
    };
    Ancestral::step(&run, x, step, noise)
}

#[test]
fn ancestral_steps_match_pytorch() {
    let golden = Golden::open("p_sample");
    let schedule = Schedule::cosine(1000);
    let denoiser = denoiser();
    let (x, noise) = (golden.tensor("in.x"), golden.tensor("in.noise"));
    let (condition, language) = (golden.tensor("in.cond"), golden.tensor("in.lang"));
    let padding = golden.tensor("in.padding_mask");
    let predictor = |padding| ParityPredictor {
        denoiser: &denoiser,
        condition: &condition,
        language: Some(&language),
        padding,
    };
    for step in [999, 500, 5, 0] {
        let (out, mean) = ancestral_step(&schedule, &predictor(None), None, &x, step, &noise);
        let close = |name: &str, got: &Tensor| {
            let name = format!("t{step}.{name}");
            assert_tensors_close(&name, got, &golden.tensor(&name), 1e-5);
        };
        close("out", &out);
        close("mean", &mean);
        let both = |v: f32| Tensor::from_slice(&[v, v]);
        close("var", &both(schedule.posterior_variance[step]));
        close(
            "logvar",
            &both(schedule.posterior_log_variance_clipped[step]),
        );
    }
    let (out, _) = ancestral_step(&schedule, &predictor(Some(&padding)), None, &x, 500, &noise);
    assert_tensors_close("padded", &out, &golden.tensor("t500.out_padded"), 1e-5);

    let steps = golden.i64("q_sample.t");
    assert_tensors_close(
        "q_sample",
        &schedule.add_noise(&x, &steps, &noise),
        &golden.tensor("q_sample.out"),
        1e-5,
    );
    assert_tensors_close(
        "noise from start",
        &schedule.noise_from_start(&x, &steps, &x.tanh()),
        &golden.tensor("eps_from_x0.out"),
        1e-5,
    );
}

/// Person and object of a golden file.
fn interaction(golden: &Golden, data: &Golden, prefix: &str, given: &str) -> Interaction {
    Interaction {
        bounds: Bounds::new(&statistics(data, prefix), Device::Cpu),
        offsets: data.tensor(&format!("{prefix}rest_offsets")).unsqueeze(0),
        vertices: data.tensor(&format!("{prefix}obj_rest_verts")),
        reference: golden
            .tensor(&format!("{given}reference_obj_rot_mat"))
            .squeeze_dim(1),
        consistency_reference: golden.tensor(&format!("{given}obj_rot_mat")).select(1, 0),
    }
}

/// Language token and condition of a request in a golden file, by our own encoders.
fn encoded(golden: &Golden) -> (Tensor, Tensor) {
    let conversions = Golden::open("conversions");
    let config = config(statistics(&conversions, "stats."));
    let network = Network::new(&config, &small_weights(), Device::Cpu).expect("a network");
    let given = golden.tensor("in.x_start") * (1.0 - golden.tensor("in.cond_mask"));
    let object = network.encode_object(&golden.tensor("in.bps"));
    (
        network.encode_sentence(&golden.tensor("in.clip")),
        network.condition(&object, &given),
    )
}

#[test]
fn ancestral_chain_matches_pytorch() {
    let golden = Golden::open("ddpm_chain");
    let schedule = Schedule::cosine(20);
    let denoiser = denoiser();
    let (language, condition) = encoded(&golden);
    assert_tensors_close("condition", &condition, &golden.tensor("x_cond"), 1e-6);
    let predictor = ParityPredictor {
        denoiser: &denoiser,
        condition: &condition,
        language: Some(&language),
        padding: None,
    };
    let interaction = interaction(&golden, &golden, "dd.", "dd.");
    let guide = Published {
        interaction: &interaction,
        length: None,
    };
    for (name, guide, tolerance) in [
        ("out.unguided", None, 1e-4),
        ("out.guided", Some(&guide as &dyn Guide), 1e-3),
    ] {
        let noise = golden.tensor("in.noise").unbind(0);
        let mut told = Vec::new();
        let out = Ancestral
            .sample(&mut Run {
                schedule: &schedule,
                predictor: &predictor,
                guide,
                noise: &mut RecordedNoise::new(noise),
                shape: (1, 120),
                start: Some(golden.tensor("in.x_T")),
                keep: None,
                inpaint: None,
                clamp: true,
                progress: &mut |p| {
                    told.push(p.done);
                    Flow::Continue
                },
            })
            .expect("a sample");
        assert_tensors_close(name, &out, &golden.tensor(name), tolerance);
        assert_eq!(told, (1..=20).collect::<Vec<_>>());
    }
    // The states on the way.
    let mut x = golden.tensor("in.x_T");
    for step in (0..20).rev() {
        let noise = golden.tensor("in.noise").get(19 - step as i64);
        (x, _) = ancestral_step(&schedule, &predictor, None, &x, step, &noise);
        if [19, 10, 4, 1].contains(&step) {
            let name = format!("step{step}.x");
            assert_tensors_close(&name, &x, &golden.tensor(&name), 1e-4);
        }
    }
}

#[test]
fn ddim_chain_matches_pytorch() {
    let golden = Golden::open("ddim_chain");
    let schedule = Schedule::cosine(1000);
    let times: Vec<i64> = Ddim::published()
        .times(1000)
        .expect("times")
        .into_iter()
        .map(|t| t as i64)
        .collect();
    let mut published = Golden::open("schedule").i64("ddim.times");
    assert_eq!(published.pop(), Some(-1));
    assert_eq!(times, published);

    let denoiser = denoiser();
    let (language, condition) = encoded(&golden);
    let predictor = ParityPredictor {
        denoiser: &denoiser,
        condition: &condition,
        language: Some(&language),
        padding: None,
    };
    let out = Ddim::published()
        .sample(&mut Run {
            schedule: &schedule,
            predictor: &predictor,
            guide: None,
            noise: &mut RecordedNoise::new(golden.tensor("in.noise").unbind(0)),
            shape: (1, 120),
            start: Some(golden.tensor("in.x_T")),
            keep: None,
            inpaint: None,
            clamp: false,
            progress: &mut |_| Flow::Continue,
        })
        .expect("a sample");
    assert_tensors_close("unguided", &out, &golden.tensor("out.unguided"), 1e-4);

    // The published guided variant descends through the network; one step of it is stored.
    let data = Golden::open("ddpm_chain");
    let interaction = interaction(&golden, &data, "dd.", "dd.");
    let x = golden.tensor("guided.t99.x").set_requires_grad(true);
    let x0 = tch::with_grad(|| predictor.predict(&x, 99));
    assert_tensors_close("x0", &x0, &golden.tensor("guided.t99.x0"), 1e-4);
    let loss = interaction.published(&x0, None).total();
    assert_tensors_close("loss", &loss, &golden.tensor("guided.t99.loss"), 1e-3);
    let step = -Tensor::run_backward(&[loss], &[&x], false, false).remove(0);
    let want = golden.tensor("guided.t99.grad");
    let scale = want.abs().max().double_value(&[]);
    assert_tensors_close("gradient", &(&step / scale), &(want / scale), 1e-2);
    let guided = x0.detach() + step * (f64::from(schedule.posterior_variance[99]) * 1e3);
    let next = Ddim::published().step(
        &schedule,
        &x.detach(),
        &guided,
        99,
        79,
        Some(&golden.tensor("in.noise").get(45)),
    );
    assert_tensors_close("next", &next, &golden.tensor("guided.t79.x"), 1e-2);
}

#[test]
fn guidance_matches_pytorch() {
    let golden = Golden::open("guidance");
    let interaction = interaction(&golden, &golden, "in.", "in.");
    let x = golden.tensor("in.x");
    let (joints, vertices) = interaction.joints_and_vertices(&x);
    assert_tensors_close("joints", &joints, &golden.tensor("joints"), 1e-5);
    assert_tensors_close("vertices", &vertices, &golden.tensor("obj_verts"), 1e-5);

    let losses = interaction.published(&x, Some(120));
    for (name, got) in [
        ("comp.contact", &losses.contact),
        ("comp.consistency", &losses.consistency),
        ("comp.floor", &losses.object_floor),
        ("loss.feet", &losses.feet),
        ("loss.hand_object", &losses.hand_object()),
        ("loss.total", &losses.total()),
    ] {
        assert_tensors_close(name, got, &golden.tensor(name), 1e-4);
    }
    let close = |name: &str, got: &Tensor| {
        let want = golden.tensor(name);
        let scale = want.abs().max().double_value(&[]);
        assert!(scale > 0.0, "{name} says something");
        assert_tensors_close(name, &(got / scale), &(want / scale), 1e-3);
    };
    let published = |x: &Tensor| interaction.published(x, Some(120));
    close("grad.feet", &gradient(&x, |x| published(x).feet));
    close(
        "grad.hand_object",
        &gradient(&x, |x| published(x).hand_object()),
    );
    close("grad.total", &gradient(&x, |x| published(x).total()));

    // A later window of a long sequence has its own reference, for both terms.
    let reference = golden.tensor("win2.ref").squeeze_dim(1);
    let second = Interaction {
        reference: reference.shallow_clone(),
        consistency_reference: reference,
        ..self::interaction(&golden, &golden, "in.", "in.")
    };
    let total = second.published(&x, None).total();
    assert_tensors_close("win2.loss", &total, &golden.tensor("win2.loss"), 1e-4);
    close(
        "win2.grad",
        &gradient(&x, |x| second.published(x, None).total()),
    );

    let schedule = Schedule::cosine(1000);
    let denoiser = denoiser();
    let predictor = ParityPredictor {
        denoiser: &denoiser,
        condition: &golden.tensor("step.in.cond"),
        language: Some(&golden.tensor("step.in.lang")),
        padding: None,
    };
    let guide = Published {
        interaction: &interaction,
        length: Some(120),
    };
    for step in [9, 3, 1] {
        let (out, mean) = ancestral_step(
            &schedule,
            &predictor,
            Some(&guide),
            &golden.tensor("step.in.x_t"),
            step,
            &golden.tensor("step.in.noise"),
        );
        for (name, got) in [("out", out), ("mean", mean)] {
            let name = format!("step.t{step}.{name}");
            assert_tensors_close(&name, &got, &golden.tensor(&name), 1e-3);
        }
    }
    for step in [0, 10] {
        let at = Moment {
            step,
            remaining: step,
            variance: 1.0,
        };
        assert!(guide.guide(&x, at).is_none(), "step {step} is not guided");
    }
}

#[test]
fn cancelling_ends_the_run() {
    let golden = Golden::open("ddpm_chain");
    let denoiser = denoiser();
    let (language, condition) = encoded(&golden);
    let predictor = ParityPredictor {
        denoiser: &denoiser,
        condition: &condition,
        language: Some(&language),
        padding: None,
    };
    let mut steps = 0;
    let result = Ddim::few(8).sample(&mut Run {
        schedule: &Schedule::cosine(1000),
        predictor: &predictor,
        guide: None,
        noise: &mut RecordedNoise::new(vec![]),
        shape: (1, 120),
        start: Some(Tensor::zeros([1, 120, 220], (Kind::Float, Device::Cpu))),
        keep: None,
        inpaint: None,
        clamp: false,
        progress: &mut |Progress { done, total }| {
            steps = done;
            assert_eq!(total, 8);
            if done == 3 {
                Flow::Cancel
            } else {
                Flow::Continue
            }
        },
    });
    assert!(matches!(result, Err(chois::Error::Cancelled)));
    assert_eq!(steps, 3);
}

#[test]
fn a_consistent_prediction_is_what_consistency_sampling_gives() {
    /// Says the same of everything, and remembers how noisy it was.
    struct Sure(Tensor, std::cell::RefCell<Vec<(usize, f64)>>);
    impl Predict for Sure {
        fn predict(&self, x: &Tensor, step: usize) -> Tensor {
            let deviation = (x - &self.0).std(true).double_value(&[]);
            self.1.borrow_mut().push((step, deviation));
            self.0.copy()
        }
    }
    let schedule = Schedule::cosine(1000);
    let motion = Tensor::zeros([2, 120, 220], (Kind::Float, Device::Cpu));
    let sample = |steps: usize, seed: u64| {
        let sure = Sure(motion.shallow_clone(), Vec::new().into());
        let out = Consistency { steps }.sample(&mut Run {
            schedule: &schedule,
            predictor: &sure,
            guide: None,
            noise: &mut SeededNoise::new(seed, Device::Cpu),
            shape: (2, 120),
            start: None,
            keep: None,
            inpaint: None,
            clamp: false,
            progress: &mut |_| Flow::Continue,
        });
        (out, sure.1.into_inner())
    };
    let (out, seen) = sample(4, 3);
    assert!(out.expect("motion").equal(&motion));
    assert_eq!(
        seen.iter().map(|s| s.0).collect::<Vec<_>>(),
        [999, 749, 499, 249]
    );
    // Each step sees as much noise as the schedule has there, all of it fresh.
    for (step, deviation) in seen {
        let expected = f64::from(schedule.sqrt_one_minus_alphas_cumprod[step]);
        assert!((deviation - expected).abs() < 0.02, "{step}: {deviation}");
    }
    assert_eq!(Consistency { steps: 1 }.times(1000).expect("steps"), [999]);
    assert!(sample(0, 1).0.is_err() && sample(1001, 1).0.is_err());
}
