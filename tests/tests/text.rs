//! Text encoders against the published Python code (`tests/golden/make_text_fixtures.py`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chois::Error;
use chois::text::{MiniLm, TextEncoder};
use chois_tests::{assert_close, relative_error};
use tch::{Kind, Tensor};

/// Sentences and tensors of a fixture. These are the project's own, so they stay in `tests/golden` where
/// `CHOIS_GOLDEN_DIR` points elsewhere.
fn fixture(name: &str) -> (Vec<String>, HashMap<String, Tensor>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let json = std::fs::read(folder.join(format!("{name}.json"))).expect("the fixture's text");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("the fixture is JSON");
    let sentences = json["sentences"]
        .as_array()
        .expect("a list of sentences")
        .iter()
        .map(|s| s.as_str().expect("a sentence").to_owned())
        .collect();
    let tensors = Tensor::read_safetensors(folder.join(format!("{name}.safetensors")))
        .expect("the fixture's tensors");
    (sentences, tensors.into_iter().collect())
}

/// The rows of a matrix.
fn rows(t: &Tensor) -> Vec<Vec<f32>> {
    Vec::<Vec<f32>>::try_from(t.to_kind(Kind::Float)).expect("a matrix")
}

/// A folder of this test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("chois_text_{name}_{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

fn minilm() -> MiniLm {
    MiniLm::load(&MiniLm::default_folder()).expect("the encoder that `cargo setup` provides")
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn minilm_matches_sentence_transformers() {
    let encoder = minilm();
    assert_eq!(encoder.dimension(), 384);
    assert_eq!(encoder.name(), "all-MiniLM-L6-v2");
    let (sentences, tensors) = fixture("text_minilm");
    let want = rows(&tensors["out.embedding"]);
    assert_eq!(want.len(), sentences.len());
    let mut worst = 0.0f32;
    for (sentence, want) in sentences.iter().zip(&want) {
        let start = Instant::now();
        let got = encoder.encode(sentence).expect("a sentence");
        println!(
            "{:5} characters: {:6.1} ms, error {:.1e}",
            sentence.chars().count(),
            start.elapsed().as_secs_f64() * 1e3,
            relative_error(&got, want)
        );
        worst = worst.max(relative_error(&got, want));
        assert_close(sentence, &got, want, 1e-5);
        assert!((cosine(&got, &got) - 1.0).abs() < 1e-5, "unit length");
    }
    println!("largest relative error {worst:.1e}");
}

#[test]
fn minilm_is_deterministic_and_ignores_case() {
    let encoder = minilm();
    let first = encoder.encode("Push the small box.").expect("a sentence");
    assert_eq!(
        first,
        encoder.encode("Push the small box.").expect("a sentence")
    );
    assert_eq!(
        first,
        encoder.encode("PUSH THE SMALL BOX.").expect("a sentence")
    );
    assert_eq!(
        first,
        minilm().encode("Push the small box.").expect("a sentence")
    );
}

#[test]
fn minilm_tells_meaning_apart() {
    let encoder = minilm();
    let vector = |s| encoder.encode(s).expect("a sentence");
    let lift = vector("Lift the wooden chair and carry it away.");
    let raise = vector("Pick up the chair and move it somewhere else.");
    let other = vector("The stock market fell sharply on Monday.");
    assert!(cosine(&lift, &raise) > cosine(&lift, &other) + 0.3);
}

#[test]
fn minilm_reads_text_only_up_to_its_window() {
    let encoder = minilm();
    // 300 words of one piece each; 254 are read.
    let long = "box ".repeat(300);
    let cut = "box ".repeat(254);
    let shorter = "box ".repeat(253);
    let vector = |s: &str| encoder.encode(s).expect("a sentence");
    assert_eq!(vector(&long), vector(&cut));
    assert_ne!(vector(&long), vector(&shorter));
}

#[test]
fn blank_and_overlong_text_is_invalid() {
    let encoder = minilm();
    for text in ["".to_owned(), " \n".to_owned(), "a".repeat(2001)] {
        let error = encoder.encode(&text).expect_err("text that cannot be used");
        assert!(matches!(&error, Error::Invalid { field, .. } if field == "text"));
    }
    // Characters that the tokenizer drops leave only the markers; that is a vector all the same.
    let odd = encoder.encode("\u{200b}\u{0301}").expect("odd, but text");
    assert!(odd.iter().all(|v| v.is_finite()));
}

#[test]
fn damaged_minilm_files_are_named() {
    let good = MiniLm::default_folder();
    let folder = scratch("minilm");
    let model = folder.join("model.safetensors");
    let tokenizer = folder.join("tokenizer.json");
    let failure = || match MiniLm::load(&folder) {
        Ok(_) => panic!("a damaged encoder loads"),
        Err(error) => error,
    };

    assert!(matches!(failure(), Error::Missing { .. }));
    std::fs::write(&model, b"short").expect("a file");
    assert!(matches!(failure(), Error::Malformed { .. }));
    std::fs::write(&model, [0xff; 64]).expect("a file");
    assert!(matches!(failure(), Error::Malformed { .. }));

    let bytes = std::fs::read(good.join("model.safetensors")).expect("the encoder");
    std::fs::write(&model, &bytes[..bytes.len() / 2]).expect("half the encoder");
    assert!(failure().to_string().contains("model.safetensors"));

    std::fs::write(&model, &bytes).expect("the encoder");
    assert!(failure().to_string().contains("tokenizer.json"));
    std::fs::write(&tokenizer, b"{\"version\": 3}").expect("a file");
    assert!(failure().to_string().contains("tokenizer.json"));

    std::fs::copy(good.join("tokenizer.json"), &tokenizer).expect("the tokenizer");
    MiniLm::load(&folder)
        .map(drop)
        .expect("an undamaged encoder");

    // The first tensors of the file that matter, edited one by one.
    let change = |edit: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors: HashMap<String, Tensor> =
            Tensor::read_safetensors(good.join("model.safetensors"))
                .expect("the encoder")
                .into_iter()
                .collect();
        edit(&mut tensors);
        let tensors: Vec<_> = tensors.iter().collect();
        Tensor::write_safetensors(&tensors, &model).expect("an edited encoder");
        let error = failure();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        error.to_string()
    };
    let query = "encoder.layer.3.attention.self.query.weight";
    assert!(change(&|t| drop(t.remove(query))).contains(query));
    let message = change(&|t| {
        drop(t.insert(
            query.into(),
            Tensor::zeros([384, 383], (Kind::Float, tch::Device::Cpu)),
        ))
    });
    assert!(
        message.contains(query) && message.contains("383"),
        "{message}"
    );
    let message = change(&|t| {
        let mut broken = t[query].copy();
        broken = broken.index_fill(0, &Tensor::from_slice(&[7i64]), f64::NAN);
        t.insert(query.into(), broken);
    });
    assert!(
        message.contains(query) && message.contains("NaN"),
        "{message}"
    );
    let words = "embeddings.word_embeddings.weight";
    assert!(
        change(&|t| drop(t.insert(words.into(), t[words].narrow(0, 0, 1000).copy())))
            .contains(words)
    );
    std::fs::remove_dir_all(&folder).ok();
}
