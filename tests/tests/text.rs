//! Text encoders against the published Python code (`tests/golden/make_text_fixtures.py`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chois::Error;
use chois::text::{ClipText, MiniLm, TextEncoder};
use chois_tests::{assert_close, relative_error};
use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

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
            Tensor::zeros([384, 383], (Kind::Float, Device::Cpu)),
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

/// Numbers in [-1, 1) from FNV-1a-64 of the name and splitmix64, as in `make_text_fixtures.py`.
fn hash_uniform(name: &str, count: usize) -> Vec<f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, byte| {
        (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (1..=count as u64)
        .map(|i| {
            let mut z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
        })
        .collect()
}

/// The tensors of the fixture's CLIP: width 128, 2 layers, MLP 256, 32 outputs.
fn clip_weights() -> HashMap<String, Tensor> {
    let model = "text_model";
    let mut shapes: Vec<(String, Vec<i64>)> = vec![
        (
            format!("{model}.embeddings.token_embedding.weight"),
            vec![49408, 128],
        ),
        (
            format!("{model}.embeddings.position_embedding.weight"),
            vec![77, 128],
        ),
        (format!("{model}.final_layer_norm.weight"), vec![128]),
        (format!("{model}.final_layer_norm.bias"), vec![128]),
        ("text_projection.weight".to_owned(), vec![32, 128]),
    ];
    for layer in 0..2 {
        let mut add = |name: &str, weight: &[i64]| {
            let prefix = format!("{model}.encoder.layers.{layer}.{name}");
            shapes.push((format!("{prefix}.weight"), weight.to_vec()));
            shapes.push((format!("{prefix}.bias"), vec![weight[0]]));
        };
        for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            add(&format!("self_attn.{projection}"), &[128, 128]);
        }
        add("layer_norm1", &[128]);
        add("layer_norm2", &[128]);
        add("mlp.fc1", &[256, 128]);
        add("mlp.fc2", &[128, 256]);
    }
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let mut u = hash_uniform(&name, shape.iter().product::<i64>() as usize);
            let scale = match shape.as_slice() {
                [_, columns] => (1.0 / (*columns as f64).sqrt()) as f32,
                _ => 0.1,
            };
            let shift = if name.contains("layer_norm") && name.ends_with(".weight") {
                1.0
            } else {
                0.0
            };
            u.iter_mut().for_each(|u| *u = shift + scale * *u);
            (name, Tensor::from_slice(&u).reshape(shape))
        })
        .collect()
}

/// Writes a CLIP file of these tensors and loads it.
fn clip_of(name: &str, tensors: &HashMap<String, Tensor>) -> chois::Result<ClipText> {
    let folder = scratch(name);
    let path = folder.join("clip.safetensors");
    Tensor::write_safetensors(&tensors.iter().collect::<Vec<_>>(), &path).expect("a CLIP file");
    let clip = ClipText::load(&path);
    std::fs::remove_dir_all(&folder).ok();
    clip
}

#[test]
fn clip_matches_transformers() {
    let (sentences, tensors) = fixture("text_clip");
    let ids = tensors["in.tokens"].to_kind(Kind::Int64);
    let ids = Vec::<Vec<i64>>::try_from(ids).expect("a matrix of ids");
    let want = rows(&tensors["out.embedding"]);
    assert_eq!((ids.len(), want.len()), (sentences.len(), sentences.len()));

    let mut weights = clip_weights();
    // A release holds more than the text tower; the rest is left alone, whatever it is.
    weights.insert(
        "vision_model.junk".to_owned(),
        Tensor::from_slice(&[f32::NAN]),
    );
    weights.insert(
        "text_model.embeddings.position_ids".to_owned(),
        Tensor::from_slice(&[0i64]),
    );
    let clip = clip_of("clip", &weights).expect("a small CLIP");
    assert_eq!(clip.dimension(), 32);
    assert_eq!(clip.name(), "clip-text-2x128-32");

    let mut worst = 0.0f32;
    for ((sentence, ids), want) in sentences.iter().zip(&ids).zip(&want) {
        let got: Vec<i64> = clip
            .tokens(sentence)
            .expect("a sentence")
            .map(i64::from)
            .to_vec();
        assert_eq!(&got, ids, "tokens of {sentence}");
        let got = clip.encode(sentence).expect("a sentence");
        worst = worst.max(relative_error(&got, want));
        assert_close(sentence, &got, want, 1e-5);
        assert_eq!(
            got,
            clip.encode(sentence).expect("a sentence"),
            "deterministic"
        );
    }
    println!("largest relative error {worst:.1e}");
}

#[test]
fn half_precision_clip_is_close() {
    let full = clip_of("clip_f32", &clip_weights()).expect("float32");
    let sentence = "Lift the box over your head, walk and then put it down.";
    let want = full.encode(sentence).expect("a sentence");
    // Weights are rounded once, then computed with in float32.
    for (kind, tolerance) in [(Kind::Half, 2e-3), (Kind::BFloat16, 2e-2)] {
        let weights = clip_weights()
            .into_iter()
            .map(|(name, t)| (name, t.to_kind(kind)))
            .collect();
        let clip = clip_of("clip_half", &weights).expect("half precision");
        let got = clip.encode(sentence).expect("a sentence");
        assert_close("half precision", &got, &want, tolerance);
        assert_ne!(got, want, "rounding shows");
    }
}

#[test]
fn damaged_clip_files_are_named() {
    let missing = ClipText::load(Path::new("/nowhere/at/all.safetensors"));
    assert!(matches!(missing.err(), Some(Error::Missing { .. })));

    let failure = |edit: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut weights = clip_weights();
        edit(&mut weights);
        match clip_of("clip_damaged", &weights) {
            Ok(_) => panic!("a damaged CLIP loads"),
            Err(error @ Error::Malformed { .. }) => error.to_string(),
            Err(error) => panic!("{error}"),
        }
    };
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    // Every tensor is needed, in its own shape; an extra column is noticed too.
    for name in clip_weights().keys() {
        if name.contains("encoder.layers.0") && !name.contains("fc1") {
            continue; // as layer 1
        }
        let message = failure(&|w| drop(w.remove(name)));
        assert!(message.contains(name.as_str()), "{message}");
    }
    for (name, shape) in [
        (
            "text_model.embeddings.token_embedding.weight",
            vec![49408, 100],
        ),
        (
            "text_model.embeddings.token_embedding.weight",
            vec![49408, 0],
        ),
        (
            "text_model.embeddings.token_embedding.weight",
            vec![1000, 128],
        ),
        ("text_model.embeddings.token_embedding.weight", vec![128]),
        (
            "text_model.embeddings.position_embedding.weight",
            vec![32, 128],
        ),
        ("text_model.encoder.layers.1.mlp.fc1.bias", vec![257]),
        ("text_projection.weight", vec![0, 128]),
        ("text_projection.weight", vec![32, 64]),
    ] {
        let message = failure(&|w| drop(w.insert(name.to_owned(), zeros(&shape))));
        assert!(message.contains(name), "{message}");
    }
    let name = "text_projection.weight";
    let message = failure(&|w| drop(w.insert(name.to_owned(), zeros(&[32, 128]) + f64::INFINITY)));
    assert!(
        message.contains(name) && message.contains("inf"),
        "{message}"
    );
    let message =
        failure(&|w| drop(w.insert(name.to_owned(), zeros(&[32, 128]).to_kind(Kind::Int))));
    assert!(
        message.contains(name) && message.contains("I32"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever is written, both encoders give finite numbers or say that the text cannot be used.
    #[test]
    fn any_text_is_encoded_or_refused(text in any::<String>()) {
        thread_local! {
            static MINILM: MiniLm = minilm();
            static CLIP: ClipText = clip_of("clip_any", &clip_weights()).expect("a small CLIP");
        }
        let answers = [MINILM.with(|e| e.encode(&text)), CLIP.with(|e| e.encode(&text))];
        for answer in answers {
            match answer {
                Ok(vector) => prop_assert!(vector.iter().all(|v| v.is_finite())),
                Err(error) => {
                    prop_assert!(text.trim().is_empty(), "{}", error);
                }
            }
        }
        if let Ok(ids) = CLIP.with(|e| e.tokens(&text)) {
            let end = ids.iter().position(|&id| id == 49407);
            prop_assert!(end.is_some_and(|end| (1..32).contains(&end)));
            prop_assert_eq!(ids[0], 49406);
            prop_assert!(ids[32..].iter().all(|&id| id == 0));
        }
    }
}
