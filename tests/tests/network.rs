//! The denoiser, its encoders, the schedule and the training losses against the published PyTorch code.

use chois::condition::WALK_CHANNELS;
use chois::diffusion::Schedule;
use chois::model::Network;
use chois::model::config::{Architecture, FeatureScale, Spread};
use chois::model::denoiser::{Activations, Denoiser, position_table, time_embedding};
use chois::model::fused::FusedDenoiser;
use chois::model::kinematics::Bounds;
use chois::model::weights::{Weights, shapes};
use chois::motion::features::{FEATURES, JOINT_ROTATIONS};
use chois::training::losses::{LossWeights, Losses, Target};
use chois::training::optimiser::{Adam, Ema};
use chois_tests::network::{config, small, small_weights, statistics};
use chois_tests::{Golden, assert_close, assert_tensors_close};
use tch::{Device, Kind, Tensor};

#[test]
fn schedule_matches_pytorch() {
    let golden = Golden::open("schedule");
    for steps in [1000, 20, 8] {
        let s = Schedule::cosine(steps);
        for (name, values) in [
            ("betas", &s.betas),
            ("alphas_cumprod", &s.alphas_cumprod),
            ("alphas_cumprod_prev", &s.alphas_cumprod_prev),
            ("sqrt_alphas_cumprod", &s.sqrt_alphas_cumprod),
            (
                "sqrt_one_minus_alphas_cumprod",
                &s.sqrt_one_minus_alphas_cumprod,
            ),
            (
                "log_one_minus_alphas_cumprod",
                &s.log_one_minus_alphas_cumprod,
            ),
            ("sqrt_recip_alphas_cumprod", &s.sqrt_recip_alphas_cumprod),
            (
                "sqrt_recipm1_alphas_cumprod",
                &s.sqrt_recipm1_alphas_cumprod,
            ),
            ("posterior_variance", &s.posterior_variance),
            (
                "posterior_log_variance_clipped",
                &s.posterior_log_variance_clipped,
            ),
            ("posterior_mean_coef1", &s.posterior_mean_coef1),
            ("posterior_mean_coef2", &s.posterior_mean_coef2),
            ("p2_loss_weight", &s.p2_loss_weight),
        ] {
            assert_close(name, values, &golden.f32(&format!("t{steps}.{name}")), 1e-6);
        }
    }
    let names: Vec<&str> = golden
        .names()
        .filter(|n| !n.starts_with('t') || n.starts_with("time"))
        .collect();
    assert!(!names.is_empty());
    for name in names {
        println!("{name} {:?}", golden.shape(name));
    }
    assert_tensors_close(
        "position table",
        &position_table(122, 64),
        &golden.tensor("pos_table_64"),
        1e-6,
    );
}

#[test]
fn denoiser_matches_pytorch() {
    let golden = Golden::open("denoiser_small");
    let weights = small_weights();
    let denoiser = Denoiser::new(&small(), &weights, Device::Cpu).expect("a denoiser");
    let fused = FusedDenoiser::new(&denoiser);
    let (x, t, condition) = (
        golden.tensor("in.x"),
        golden.tensor("in.t"),
        golden.tensor("in.cond"),
    );
    let language = golden.tensor("in.lang");
    let padding = golden.tensor("in.padding_mask");
    let mut kept = Activations::default();
    for (variant, language, padding) in [
        ("full", Some(&language), None),
        ("nolang", None, None),
        ("padded", Some(&language), Some(&padding)),
    ] {
        let keep = (variant == "full").then_some(&mut kept);
        let got = denoiser.forward(&x, &t, &condition, language, padding, keep);
        assert_tensors_close(
            variant,
            &got,
            &golden.tensor(&format!("out.{variant}")),
            1e-5,
        );
        let constants = fused.constants(&condition, language, padding);
        let fast = fused.forward(&x, &fused.time_tokens(&t), &constants, 0.0);
        assert_tensors_close(&format!("fast path, {variant}"), &fast, &got, 2e-6);
    }
    let close = |name: &str, got: &Tensor| {
        assert_tensors_close(name, got, &golden.tensor(&format!("act.{name}")), 1e-5);
    };
    close("time_mlp", kept.time.as_ref().expect("kept"));
    close("start_conv", kept.start.as_ref().expect("kept"));
    for (i, (attention, out)) in kept.layers.iter().enumerate() {
        close(&format!("layer{i}.attn_out"), attention);
        close(&format!("layer{i}.out"), out);
    }
}

/// The golden files' generator of weights from names (see `denoiser_full.json`, `weights_formula`).
fn hash_uniform(name: &str, count: usize) -> Vec<f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (0..count as u64)
        .map(|i| {
            let mut z = seed.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
        })
        .collect()
}

/// The published size with weights by formula.
fn full_weights() -> Weights {
    Weights::from_tensors(
        shapes(&Architecture::official())
            .into_iter()
            .map(|(name, shape)| {
                let mut values = hash_uniform(&name, shape.iter().product::<i64>() as usize);
                if shape.len() >= 2 {
                    let fan_in = shape[1..].iter().product::<i64>() as f64;
                    let scale = (1.0 / fan_in.sqrt()) as f32;
                    values.iter_mut().for_each(|v| *v *= scale);
                } else if name.ends_with("layer_norm.weight") {
                    values.iter_mut().for_each(|v| *v = 1.0 + 0.1 * *v);
                } else {
                    values.iter_mut().for_each(|v| *v *= 0.1);
                }
                let tensor = Tensor::from_slice(&values).view(&shape[..]);
                (name, tensor)
            }),
    )
}

#[test]
fn official_size_matches_pytorch() {
    let golden = Golden::open("denoiser_full");
    let weights = full_weights();
    for name in [
        "denoise_fn.linear_out.weight",
        "denoise_fn.motion_transformer.layer_stack.3.self_attn.w_q.weight",
    ] {
        let head = weights
            .get(name)
            .expect("a weight")
            .view(-1)
            .narrow(0, 0, 16);
        assert_tensors_close(
            name,
            &head,
            &golden.tensor(&format!("weight_head.{name}")),
            0.0,
        );
    }
    let conversions = Golden::open("conversions");
    let mut config = config(statistics(&conversions, "stats."));
    config.architecture = Architecture::official();
    let network = Network::new(&config, &weights, Device::Cpu).expect("a network");
    let language = network.encode_sentence(&golden.tensor("in.clip"));
    assert_tensors_close(
        "clip_encoder",
        &language,
        &golden.tensor("out.clip_encoder"),
        1e-5,
    );
    let object = network.encode_object(&golden.tensor("in.bps"));
    assert_tensors_close(
        "bps_encoder",
        &object,
        &golden.tensor("out.bps_encoder"),
        1e-5,
    );
    let (x, t, condition) = (
        golden.tensor("in.x"),
        golden.tensor("in.t"),
        golden.tensor("in.cond"),
    );
    let mut kept = Activations::default();
    let got =
        network
            .denoiser()
            .forward(&x, &t, &condition, Some(&language), None, Some(&mut kept));
    assert_tensors_close("output", &got, &golden.tensor("out.y"), 1e-5);
    for i in [0, 3] {
        let every_eighth = kept.layers[i].1.slice(1, None, None, 8);
        assert_tensors_close(
            "layer",
            &every_eighth,
            &golden.tensor(&format!("act.layer{i}.out")),
            1e-5,
        );
    }
    let fused = network.fused();
    let constants = fused.constants(&condition, Some(&language), None);
    let fast = fused.forward(&x, &fused.time_tokens(&t), &constants, 0.0);
    assert_tensors_close("fast path", &fast, &got, 2e-6);
}

#[test]
fn encoders_match_pytorch() {
    let golden = Golden::open("encoders_small");
    let config = config(statistics(&Golden::open("conversions"), "stats."));
    let network = Network::new(&config, &small_weights(), Device::Cpu).expect("a network");
    assert_tensors_close(
        "bps_encoder",
        &network.encode_object(&golden.tensor("in.bps")),
        &golden.tensor("out.bps"),
        1e-6,
    );
    assert_tensors_close(
        "clip_encoder",
        &network.encode_sentence(&golden.tensor("in.clip")),
        &golden.tensor("out.clip"),
        1e-6,
    );
}

#[test]
fn time_embedding_matches_pytorch() {
    let golden = Golden::open("schedule");
    let name = golden
        .names()
        .find(|n| n.starts_with("time_emb") && !n.ends_with(".t"))
        .expect("a time embedding")
        .to_owned();
    let t = golden
        .names()
        .find(|n| n.starts_with("time_emb") && n.ends_with(".t"))
        .map(|n| golden.tensor(n));
    println!("{name} {:?}", golden.shape(&name));
    let t = t.unwrap_or_else(|| Tensor::from_slice(&[0_i64, 1, 417, 999]));
    assert_tensors_close(
        "time embedding",
        &time_embedding(&t),
        &golden.tensor(&name),
        1e-6,
    );
}

#[test]
fn losses_gradients_and_adam_match_pytorch() {
    let golden = Golden::open("losses");
    let statistics = statistics(&golden, "in.");
    let bounds = Bounds::new(&statistics, Device::Cpu);
    let config = config(statistics);
    let weights = Weights::from_tensors(
        small_weights()
            .iter()
            .map(|(n, t)| (n.to_owned(), t.copy().set_requires_grad(true))),
    );
    let network = Network::new(&config, &weights, Device::Cpu).expect("a network");
    let x0 = golden.tensor("in.x_start");
    let mask = golden.tensor("in.cond_mask");
    let padding = golden.tensor("in.padding_mask");
    let schedule = Schedule::cosine(1000);
    let steps = golden.i64("in.t");
    let noisy = schedule.add_noise(&x0, &steps, &golden.tensor("in.noise"));
    let object = network.encode_object(&golden.tensor("in.bps"));
    let language = network.encode_sentence(&golden.tensor("in.clip"));
    let given = &x0 * (1.0 - &mask);
    let condition = network.condition(&object, &given);
    let prediction = network.denoiser().forward(
        &noisy,
        &golden.tensor("in.t"),
        &condition,
        Some(&language),
        Some(&padding),
        None,
    );
    let frames = padding.get(0).size()[1] - 1;
    let frames = padding
        .to_kind(Kind::Float)
        .narrow(2, 1, frames)
        .squeeze_dim(1);
    let (offsets, rest) = (
        golden.tensor("in.rest_offsets"),
        golden.tensor("in.rest_pose_obj_pts"),
    );
    let keypoints = golden.tensor("in.ori_obj_keypoints");
    let reference = golden.tensor("in.reference_obj_rot_mat").squeeze_dim(1);
    let in_units = |unit: Option<&Tensor>| {
        let target = Target {
            features: &x0,
            frames: &frames,
            offsets: &offsets,
            keypoints_rest: &rest,
            keypoints: &keypoints,
            reference: &reference,
            channels: None,
            unit,
        };
        Losses::new(&prediction, &target, &bounds, &LossWeights::default())
    };
    let losses = in_units(None);
    assert_eq!(
        losses.units.double_value(&[]),
        0.0,
        "the published model has none"
    );
    // Half the unit, twice the error, which its weight adds.
    let halves = in_units(Some(&Tensor::from_slice(&[0.5_f32]).view([1, 1, 1])));
    let twice = &losses.diffusion * 2.0;
    assert_tensors_close("units", &halves.units, &twice, 1e-5);
    let weighed = LossWeights {
        units: 3.0,
        ..LossWeights::default()
    };
    let added = halves.total(&weighed) - halves.total(&LossWeights::default());
    assert_tensors_close("weighed", &added, &(&losses.diffusion * 6.0), 1e-4);
    let total = losses.total(&LossWeights::default());
    for (name, loss) in [
        ("diffusion", &losses.diffusion),
        ("object", &losses.object),
        ("human", &losses.human),
        ("contact", &losses.contact),
        ("fk", &losses.kinematics),
        ("obj_pts", &losses.keypoints),
        ("total", &total),
    ] {
        assert_tensors_close(name, loss, &golden.tensor(&format!("loss.{name}")), 1e-5);
    }
    total.backward();
    for name in golden.names().filter(|n| n.starts_with("gradnorm.")) {
        let weight = name.trim_start_matches("gradnorm.");
        let norm = weights.get(weight).expect("a weight").grad().norm();
        assert_tensors_close(name, &norm, &golden.tensor(name), 1e-4);
    }
    for name in golden.names().filter(|n| n.starts_with("grad.")) {
        let weight = name.trim_start_matches("grad.");
        let gradient = weights.get(weight).expect("a weight").grad();
        let want = golden.tensor(name);
        let scale = want.abs().max().double_value(&[]).max(1e-12);
        assert_tensors_close(name, &(gradient / scale), &(want / scale), 1e-4);
    }
    let before: Vec<(String, Tensor)> = golden
        .names()
        .filter_map(|n| n.strip_prefix("adam1."))
        .map(|n| {
            (
                n.to_owned(),
                weights.get(n).expect("a weight").detach().copy(),
            )
        })
        .collect();
    let mut adam = Adam::new(&weights);
    adam.step(&weights, 2e-4, 1.0);
    for (name, before) in before {
        // Adam's first step is a sign function: where the gradient is noise, so is the step.
        let got = weights.get(&name).expect("a weight").detach() - &before;
        let want = golden.tensor(&format!("adam1.{name}")) - &before;
        let apart = (got - want)
            .abs()
            .gt(1e-6)
            .to_kind(Kind::Float)
            .mean(Kind::Float);
        assert!(
            apart.double_value(&[]) < 0.01,
            "Adam's first step of {name}"
        );
    }
}

#[test]
fn moving_average_matches_ema_pytorch() {
    let golden = Golden::open("losses");
    let ema = Ema::new(&Weights::default(), 0.995, 10, 100);
    let got: Vec<f32> = golden
        .i64("ema.step")
        .iter()
        .map(|s| ema.decay(*s) as f32)
        .collect();
    assert_close("decay", &got, &golden.f32("ema.decay"), 1e-6);

    let one =
        |v: f64| Weights::from_tensors([("w".to_owned(), Tensor::from(v).to_kind(Kind::Float))]);
    let mut ema = Ema::new(&one(0.0), 0.995, 10, 100);
    let mut want = 0.0;
    for s in 0..400_i64 {
        let online = (s as f64 * 0.1).sin();
        ema.update(&one(online));
        if s % 10 == 0 {
            // 110 is the first update after the plain copies: it copies too.
            if s <= 110 {
                want = online;
            } else {
                let d = ema.decay(s + 1);
                want -= (1.0 - d) * (want - online);
            }
        }
    }
    let got = ema.average().get("w").expect("w").double_value(&[]);
    assert!((got - want).abs() < 1e-6, "{got} {want}");
}

/// A network that saw no captured people held nothing once one of them was under way: a shoulder blade that never turned in
/// its data was given as turned by 27 deviations.
#[test]
fn what_data_did_not_have_is_given_as_little_more_than_what_they_had() {
    let features = FEATURES as i64;
    let mut config = config(statistics(&Golden::open("conversions"), "stats."));
    config.conditioning.spread = Some(Spread {
        mean: vec![0.25; FEATURES],
        deviation: vec![0.1; FEATURES],
    });
    let network = Network::new(&config, &small_weights(), Device::Cpu).expect("a network");
    let given = Tensor::full([1, 2, features], 0.25, (Kind::Float, Device::Cpu));
    let turned = JOINT_ROTATIONS.start as i64 + 30;
    let heading = WALK_CHANNELS[2] as i64;
    let ways = [(1, 0.45), (2, 0.95), (3, -4.0), (heading, 0.95)];
    let values = ways.into_iter().chain([(turned, 2.95), (turned + 1, -4.0)]);
    for (channel, value) in values {
        let _ = given.narrow(2, channel, 1).fill_(value);
    }
    let object = Tensor::zeros([1, 1, 5], (Kind::Float, Device::Cpu));
    let seen = network.condition(&object, &given);
    // Ways are long, joints turn little.
    let wanted = [(0, 0.0), (1, 2.0), (2, 7.0), (3, -8.0), (heading, 7.0)];
    for (channel, want) in (wanted.into_iter()).chain([(turned, 3.0), (turned + 1, -3.0)]) {
        let got = seen.double_value(&[0, 1, 5 + channel]);
        assert!((got - want).abs() < 1e-5, "channel {channel}: {got}");
    }
}

/// Features of objects differ by hundredths, beside noise of variance 1: where data say so they are multiplied, and nothing
/// else is.
#[test]
fn features_reach_the_network_as_large_as_the_config_says() {
    let golden = Golden::open("encoders_small");
    let (object, sentence) = (golden.tensor("in.bps"), golden.tensor("in.clip"));
    let mut config = config(statistics(&Golden::open("conversions"), "stats."));
    let scale = FeatureScale {
        object: 20.0,
        sentence: 3.0,
    };
    config.conditioning.features = Some(scale);
    config.validate().expect("of use");
    let network = Network::new(&config, &small_weights(), Device::Cpu).expect("a network");
    let (got, want) = (network.encode_object(&object), golden.tensor("out.bps"));
    assert_tensors_close("object", &(got / 20.0), &want, 1e-6);
    let (got, want) = (
        network.encode_sentence(&sentence),
        golden.tensor("out.clip"),
    );
    assert_tensors_close("sentence", &(got / 3.0), &want, 1e-6);
    for odd in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        config.conditioning.features = Some(FeatureScale {
            sentence: odd,
            ..scale
        });
        let refused = config.validate().expect_err("of no use").to_string();
        let named = "conditioning.features.sentence";
        assert!(refused.contains(named), "{refused}");
    }
}
