//! The text and motion feature networks and their scores against the published evaluation code.

use chois::evaluation::t2m::{
    Extractor, Gaussian, MotionEncoder, MovementEncoder, TextEncoder, fid, matching_score,
    mean_pair_distance, r_precision,
};
use chois::model::Weights;
use chois_tests::{Golden, assert_close, assert_tensors_close};
use nalgebra::{DMatrix, Vector3};
use tch::{Device, Kind, Tensor};

const TOLERANCE: f32 = 1e-4;

fn matrix(golden: &Golden, key: &str) -> DMatrix<f64> {
    let shape = golden.shape(key);
    DMatrix::from_row_slice(shape[0] as usize, shape[1] as usize, &golden.f64(key))
}

fn row_major(m: &DMatrix<f64>) -> Vec<f32> {
    m.transpose().iter().map(|v| *v as f32).collect()
}

fn weights(golden: &Golden) -> Weights {
    let names = golden.names().filter_map(|n| n.strip_prefix("net."));
    Weights::from_tensors(names.map(|n| (n.to_owned(), golden.tensor(&format!("net.{n}")))))
}

#[test]
fn networks_match_the_published_code() {
    let golden = Golden::open("t2m");
    let weights = weights(&golden);
    let tolerance = f64::from(TOLERANCE);
    let movement = MovementEncoder::new(&weights, "movement.").expect("a movement encoder");
    let steps = movement
        .forward(&golden.tensor("net.in.motion"))
        .expect("steps");
    let want = golden.tensor("net.out.movement");
    assert_tensors_close("movement", &steps, &want, tolerance);
    let motion = MotionEncoder::new(&weights, "motion.").expect("a motion encoder");
    let got = motion.forward(&steps, &[30; 4]).expect("embeddings");
    assert_tensors_close("motion", &got, &golden.tensor("net.out.motion"), tolerance);

    let text = TextEncoder::new(&weights, "text.").expect("a text encoder");
    let (words, parts) = (golden.tensor("net.in.word"), golden.tensor("net.in.pos"));
    let lengths = golden.i64("net.in.cap_lens");
    let got = text.forward(&words, &parts, &lengths).expect("embeddings");
    let want = golden.tensor("net.out.text");
    assert_tensors_close("text", &got, &want, tolerance);
    // The order of the sentences does not matter.
    let turned = |x: &Tensor| x.flip([0]);
    let backwards: Vec<i64> = lengths.iter().rev().copied().collect();
    let got = text
        .forward(&turned(&words), &turned(&parts), &backwards)
        .expect("embeddings");
    assert_tensors_close("text, backwards", &turned(&got), &want, tolerance);
    assert!(lengths[0] > lengths[3], "lengths differ");

    for bad in [[0, 1, 1, 1], [13, 1, 1, 1]] {
        assert!(text.forward(&words, &parts, &bad).is_err());
    }
    assert!(text.forward(&words, &parts, &lengths[..3]).is_err());
    assert!(text.forward(&parts, &words, &lengths).is_err());
    let three = golden.tensor("net.in.motion").narrow(1, 0, 3);
    assert!(movement.forward(&three).is_err());
    assert!(movement.forward(&words).is_err());
    let error = MotionEncoder::new(&weights, "movement.").err();
    let message = error.expect("no such tensors").to_string();
    assert!(message.contains("movement.input_emb.weight"), "{message}");
}

#[test]
fn scores_match_the_published_code() {
    let golden = Golden::open("t2m");
    let (text, motion) = (matrix(&golden, "rp.text"), matrix(&golden, "rp.motion"));
    let distances = DMatrix::from_fn(32, 32, |t, m| (text.row(t) - motion.row(m)).norm());
    assert_close(
        "rp.dist",
        &row_major(&distances),
        &golden.f32("rp.dist"),
        TOLERANCE,
    );
    let hits: Vec<i64> = (r_precision(&text, &motion, 3, 32)
        .expect("precision")
        .iter())
    .map(|share| (share * 32.0).round() as i64)
    .collect();
    assert_eq!(hits, golden.i64("rp.topk_counts"));
    // The published code sums.
    let score = matching_score(&text, &motion).expect("a score") * 32.0;
    assert_close(
        "rp.matching",
        &[score as f32],
        &golden.f32("rp.matching"),
        TOLERANCE,
    );

    let samples = matrix(&golden, "fid.a");
    let a = Gaussian::of(&samples).expect("statistics");
    let b = Gaussian::of(&matrix(&golden, "fid.b")).expect("statistics");
    let mean: Vec<f32> = a.mean.iter().map(|v| *v as f32).collect();
    assert_close("fid.mu_a", &mean, &golden.f32("fid.mu_a"), TOLERANCE);
    assert_close(
        "fid.cov_a",
        &row_major(&a.covariance),
        &golden.f32("fid.cov_a"),
        TOLERANCE,
    );
    let value = fid(&a, &b).expect("a distance") as f32;
    assert_close("fid.value", &[value], &golden.f32("fid.value"), TOLERANCE);

    let indices =
        |key: &str| -> Vec<usize> { golden.i64(key).iter().map(|i| *i as usize).collect() };
    let value = mean_pair_distance(&samples, &indices("div.idx1"), &indices("div.idx2"));
    assert_close(
        "div.value",
        &[value.expect("a diversity") as f32],
        &golden.f32("div.value"),
        TOLERANCE,
    );
}

#[test]
fn extractor_reads_its_file_and_embeds_joints_and_words() {
    let golden = Golden::open("t2m");
    let rename = |n: &str| match n.split_once('.') {
        Some((net @ ("movement" | "motion" | "text"), rest)) => {
            Some(format!("{net}_encoder.{rest}"))
        }
        _ => None,
    };
    let mut tensors: Vec<(String, Tensor)> = weights(&golden)
        .iter()
        .filter_map(|(n, t)| Some((rename(n)?, t.shallow_clone())))
        .collect();
    let options = (Kind::Float, Device::Cpu);
    tensors.push(("mean".into(), Tensor::full([72], 0.5, options)));
    tensors.push(("std".into(), Tensor::full([72], 2.0, options)));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("features.safetensors");
    Tensor::write_safetensors(&tensors, &path).expect("written");
    let extractor = Extractor::load(&path).expect("an extractor");

    // Joints whose standardised form is the golden input.
    let first: Vec<f32> = golden.f32("net.in.motion")[..120 * 72]
        .iter()
        .map(|v| v * 2.0 + 0.5)
        .collect();
    let joints: Vec<[Vector3<f32>; 24]> = first
        .chunks_exact(72)
        .map(|f| std::array::from_fn(|j| Vector3::from_row_slice(&f[3 * j..3 * j + 3])))
        .collect();
    let got: Vec<f32> = (extractor.motion(&joints).expect("an embedding").iter())
        .map(|v| *v as f32)
        .collect();
    let want = golden.f32("net.out.motion");
    assert_close("motion", &got, &want[..got.len()], TOLERANCE);

    let length = golden.i64("net.in.cap_lens")[0] as usize;
    let rows = |key: &str, width: usize| -> Vec<Vec<f32>> {
        golden.f32(key)[..length * width]
            .chunks_exact(width)
            .map(<[f32]>::to_vec)
            .collect()
    };
    let (words, parts) = (rows("net.in.word", 20), rows("net.in.pos", 15));
    let got: Vec<f32> = (extractor.text(&words, &parts).expect("an embedding").iter())
        .map(|v| *v as f32)
        .collect();
    let want = golden.f32("net.out.text");
    assert_close("text", &got, &want[..got.len()], TOLERANCE);

    assert!(extractor.motion(&joints[..3]).is_err());
    let mut broken = joints.clone();
    broken[7][3].x = f32::NAN;
    assert!(extractor.motion(&broken).is_err());
    assert!(extractor.text(&[], &[]).is_err());
    assert!(extractor.text(&words, &parts[..1]).is_err());
    assert!(
        extractor
            .text(&[vec![0.0; 20], vec![0.0; 19]], &parts[..2])
            .is_err()
    );

    let missing = Extractor::load(&folder.path().join("none.safetensors")).err();
    assert!(
        missing
            .expect("no file")
            .to_string()
            .contains("none.safetensors")
    );
    std::fs::write(&path, b"not a checkpoint").expect("written");
    let error = Extractor::load(&path)
        .err()
        .expect("no checkpoint")
        .to_string();
    assert!(error.contains("features.safetensors"), "{error}");
    tensors.retain(|(n, _)| n != "text_encoder.hidden");
    Tensor::write_safetensors(&tensors, &path).expect("written");
    let error = Extractor::load(&path)
        .err()
        .expect("a tensor less")
        .to_string();
    assert!(error.contains("text_encoder.hidden"), "{error}");
}
