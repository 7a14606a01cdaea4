//! Whatever a user may bring that cannot be used: one clear sentence that names it, and nothing written.

use std::path::{Path, PathBuf};

use chois::diffusion::Flow;
use chois::geometry::{Mesh, ObjectGeometry, load_mesh};
use chois::model::checkpoint::{CONFIG_FILE, WEIGHTS_FILE, parse_config, write_tensors};
use chois::model::{Checkpoint, Weights};
use chois::request::{InteractionRequest, Waypoint};
use chois::synthesis::{Order, Synthesizer};
use chois::{Error, clip};
use chois_tests::tiny;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use tch::{Device, Kind, Tensor};

/// Fails unless the message is one sentence that holds all of these words.
#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert!(!text.contains('\n'), "more than a line: {text}");
    assert!(text.len() < 1000, "{} characters: {text}", text.len());
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

/// A checkpoint's folder and what may be done to it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        tiny::checkpoint()
            .save(folder.path(), false)
            .expect("a checkpoint");
        Self(folder)
    }

    fn weights(&self) -> PathBuf {
        self.0.path().join(WEIGHTS_FILE)
    }

    fn config(&self) -> PathBuf {
        self.0.path().join(CONFIG_FILE)
    }

    /// Rewrites the weights with one tensor changed, or left out.
    fn change_tensor(&self, name: &str, change: impl Fn(&Tensor) -> Option<Tensor>) {
        let mut met = false;
        let tensors: Vec<(String, Tensor)> = tiny::checkpoint()
            .weights
            .iter()
            .filter_map(|(n, t)| {
                if n == name {
                    met = true;
                    change(t).map(|t| (n.to_owned(), t))
                } else {
                    Some((n.to_owned(), t.shallow_clone()))
                }
            })
            .collect();
        assert!(met, "the network has a tensor {name}");
        write_tensors(&self.weights(), &tensors, false, None).expect("written");
    }

    /// Rewrites the config.
    fn change_config(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let bytes = std::fs::read(self.config()).expect("a config");
        let mut config = serde_json::from_slice(&bytes).expect("JSON");
        change(&mut config);
        std::fs::write(self.config(), config.to_string()).expect("written");
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) {
        let before = listing(self.0.path());
        match Checkpoint::load(self.0.path()) {
            Ok(_) => panic!("a damaged checkpoint was loaded"),
            Err(error) => says(&error, words),
        }
        assert_eq!(listing(self.0.path()), before);
    }
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_whole_checkpoint_is_loaded() {
    let folder = Folder::new();
    let read = Checkpoint::load(folder.0.path()).expect("a checkpoint");
    let made = tiny::checkpoint();
    assert_eq!(read.config, made.config);
    for ((a, x), (b, y)) in read.weights.iter().zip(made.weights.iter()) {
        assert_eq!(a, b);
        assert_eq!(x, y, "{a}");
    }
}

#[test]
fn missing_and_truncated_checkpoints_name_the_file() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.weights()).expect("weights");
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(folder.weights(), &whole[..length]).expect("written");
        folder.refused(&[WEIGHTS_FILE, "checkpoint", "truncated"]);
    }
    std::fs::write(folder.weights(), vec![0xff; 4096]).expect("written");
    folder.refused(&[WEIGHTS_FILE, "truncated or not safetensors"]);
    std::fs::remove_file(folder.weights()).expect("removed");
    folder.refused(&["cannot read", WEIGHTS_FILE]);
    std::fs::remove_file(folder.config()).expect("removed");
    folder.refused(&["cannot read", CONFIG_FILE]);

    for nowhere in [folder.0.path().join("no-such-model"), folder.config()] {
        let error = Checkpoint::load(&nowhere).err().expect("no checkpoint");
        let name = nowhere.file_name().expect("a name").to_string_lossy();
        says(&error, &[&name, "not a folder", WEIGHTS_FILE, CONFIG_FILE]);
    }
}

#[test]
fn damaged_tensors_are_named() {
    let folder = Folder::new();
    let name = "denoise_fn.motion_transformer.layer_stack.1.self_attn.fc.weight";
    folder.change_tensor(name, |_| None);
    folder.refused(&[WEIGHTS_FILE, name, "is missing"]);
    folder.change_tensor(name, |t| Some(t.transpose(0, 1).contiguous()));
    folder.refused(&[WEIGHTS_FILE, name, "[32, 64]", "[64, 32]", CONFIG_FILE]);
    folder.change_tensor(name, |_| {
        Some(Tensor::zeros([0], (Kind::Float, Device::Cpu)))
    });
    folder.refused(&[WEIGHTS_FILE, name, "holds nothing"]);
    for (value, half) in [(f64::NAN, false), (f64::INFINITY, false), (1e9, true)] {
        folder.change_tensor(name, |t| {
            let t = t.copy();
            let _ = t.get(3).get(5).fill_(value);
            // A weight too large for half precision is infinite in it.
            Some(if half {
                t.to_kind(Kind::Half).to_kind(Kind::Float)
            } else {
                t
            })
        });
        folder.refused(&[WEIGHTS_FILE, name, "not finite"]);
    }
    // Other networks' buffers do no harm.
    folder.change_tensor(name, |t| Some(t.copy()));
    Checkpoint::load(folder.0.path()).expect("whole again");
}

/// What is done to a config.
type Change<'a> = &'a dyn Fn(&mut serde_json::Value);

#[test]
fn unusable_configs_name_the_field() {
    let folder = Folder::new();
    let cases: [(&str, Change, &[&str]); 12] = [
        (
            "an unknown field",
            &|c| c["guidence"] = 1.into(),
            &["unknown field `guidence`"],
        ),
        (
            "a missing field",
            &|c| {
                c.as_object_mut().expect("a map").remove("statistics");
            },
            &["missing field `statistics`"],
        ),
        (
            "another version",
            &|c| c["version"] = 9.into(),
            &["version: 9", "reads version 1"],
        ),
        (
            "too few bounds",
            &|c| c["statistics"]["joint_min"] = serde_json::json!([[0.0, 0.0, 0.0]]),
            &["statistics", "1 and 24 joints", "expected 24"],
        ),
        (
            "bounds the wrong way round",
            &|c| c["statistics"]["object_max"] = serde_json::json!([-9.0, 4.0, 4.0]),
            &["statistics", "-4 to -9"],
        ),
        (
            "bounds that are no numbers",
            &|c| c["statistics"]["object_max"][0] = serde_json::Value::Null,
            &["invalid type: null"],
        ),
        (
            "too few bones",
            &|c| c["skeleton"] = serde_json::json!([[0.0, 0.0, 0.0]]),
            &["skeleton", "1 bones, expected 24"],
        ),
        (
            "a bone of a giant",
            &|c| c["skeleton"][3][1] = 50.0.into(),
            &["skeleton", "longer than 3 m"],
        ),
        (
            "a pose that is no rotation",
            &|c| c["standing"] = serde_json::json!(vec![[1.0, 1.0, 0.0, 0.0]; 22]),
            &["standing", "length 1"],
        ),
        (
            "a network of no size",
            &|c| c["architecture"]["heads"] = 0.into(),
            &["architecture.heads", "0 is not between 1 and 64"],
        ),
        (
            "another window",
            &|c| c["architecture"]["window"] = 60.into(),
            &["architecture.window", "60 frames", "windows of 120"],
        ),
        (
            "no steps",
            &|c| c["diffusion"]["steps"] = 0.into(),
            &["diffusion.steps", "0 is not between 1 and 10000"],
        ),
    ];
    let whole = std::fs::read(folder.config()).expect("a config");
    for (what, change, words) in cases {
        folder.change_config(change);
        println!("{what}");
        folder.refused(&[&[CONFIG_FILE, "checkpoint config"], words].concat());
        std::fs::write(folder.config(), &whole).expect("written");
    }
    folder.change_config(|c| c["architecture"]["basis_points"] = 512.into());
    folder.refused(&[WEIGHTS_FILE, "1024 basis points", "asks for 512"]);
    std::fs::write(folder.config(), &whole[..whole.len() / 2]).expect("written");
    folder.refused(&[CONFIG_FILE, "EOF", "line"]);
}

#[test]
fn a_basis_of_ones_own_is_checked() {
    let folder = Folder::new();
    folder.change_config(|c| c["basis"] = "tensor".into());
    folder.refused(&[WEIGHTS_FILE, "basis"]);
    let with_basis = |basis: Tensor| {
        let mut tensors: Vec<(String, Tensor)> = tiny::checkpoint()
            .weights
            .iter()
            .map(|(n, t)| (n.to_owned(), t.shallow_clone()))
            .collect();
        tensors.push(("basis".into(), basis));
        write_tensors(&folder.weights(), &tensors, false, None).expect("written");
    };
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    with_basis(zeros(&[1024]));
    folder.refused(&[WEIGHTS_FILE, "basis", "[1024]", "x 3"]);
    with_basis(zeros(&[7, 3]));
    folder.refused(&[WEIGHTS_FILE, "basis points", "7 were given"]);
    let nan = zeros(&[1024, 3]);
    let _ = nan.get(11).fill_(f64::NAN);
    with_basis(nan);
    folder.refused(&[WEIGHTS_FILE, "point 11 is not finite"]);
    with_basis(zeros(&[1024, 3]));
    Checkpoint::load(folder.0.path()).expect("a basis");
}

#[test]
fn weights_that_diverged_are_noticed_though_they_are_finite() {
    let made = tiny::checkpoint();
    let weights = Weights::from_tensors(made.weights.iter().map(|(n, t)| {
        let huge = n == "denoise_fn.linear_out.weight";
        (n.to_owned(), if huge { t.sign() * 3e38 } else { t.copy() })
    }));
    let checkpoint = Checkpoint { weights, ..made };
    let mut synthesizer =
        Synthesizer::new(checkpoint, Box::new(tiny::Digested), Device::Cpu).expect("a synthesizer");
    let object = tiny::object();
    let error = synthesizer
        .generate(
            &Order {
                request: &InteractionRequest::new("Lift the box."),
                object: &object,
                scene: None,
            },
            &mut |_| Flow::Continue,
        )
        .expect_err("no motion");
    says(&error, &["checkpoint", "not finite", "weights"]);
}

#[test]
fn unusable_meshes_are_named_and_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("thing.obj");
    let half = tiny::cuboid([0.0; 3], [0.5; 3]);
    let scaled = |by: f32| Mesh {
        vertices: half.vertices.iter().map(|v| v * by).collect(),
        triangles: half.triangles.clone(),
    };
    let points = Mesh {
        triangles: Vec::new(),
        ..half.clone()
    };
    let mut broken = half.clone();
    broken.vertices[5].y = f32::NAN;
    let mut endless = half.clone();
    endless.vertices[2].x = f32::INFINITY;
    let collapsed = scaled(0.0);
    for (mesh, words) in [
        (&points, &["no triangles", "surface"][..]),
        (&broken, &["NaN"]),
        (&endless, &["inf"]),
        (&collapsed, &["0e0 x 0e0 x 0e0 metres", "scale it"]),
        (&scaled(1e-5), &["less than a millimetre"]),
        (
            &scaled(200.0),
            &["100.0000 x 100.0000 x 100.0000 metres", "0.01"],
        ),
    ] {
        let error = ObjectGeometry::new("thing", mesh.clone()).expect_err("refused");
        says(&error, &[&["mesh of thing"], words].concat());
        std::fs::write(&path, tiny::obj(mesh)).expect("written");
        let error = load_mesh(&path, None).expect_err("refused");
        says(&error, &["thing.obj", "not a usable mesh"]);
        assert_eq!(listing(folder.path()), std::slice::from_ref(&path));
    }
    let nowhere = folder.path().join("none.glb");
    says(
        &load_mesh(&nowhere, None).expect_err("no file"),
        &["cannot read", "none.glb"],
    );
}

/// What is wrong with a request, found before anything is generated.
#[track_caller]
fn request_refused(synthesizer: &mut Synthesizer, request: &InteractionRequest, words: &[&str]) {
    let object = tiny::object();
    let order = Order {
        request,
        object: &object,
        scene: None,
    };
    let mut steps = 0;
    let mut progress = |_| {
        steps += 1;
        Flow::Continue
    };
    match synthesizer.generate(&order, &mut progress) {
        Ok(_) => panic!("generated: {request:?}"),
        Err(error) => says(&error, words),
    }
    assert_eq!(steps, 0, "refused before the first step");
}

#[test]
fn unusable_requests_name_the_field_and_the_remedy() {
    let mut synthesizer = tiny::synthesizer();
    let mut refused = |request: InteractionRequest, words: &[&str]| {
        request_refused(&mut synthesizer, &request, words);
    };
    let lift = || InteractionRequest::new("Lift the box.");

    refused(InteractionRequest::new(""), &["text: is empty"]);
    refused(InteractionRequest::new(" \n\t "), &["text: is empty"]);
    refused(
        InteractionRequest::new("lift ".repeat(2000)),
        &["text", "10000 characters", "2000"],
    );

    for (seconds, shown) in [
        (0.0, "0"),
        (-4.0, "-4"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (1e9, "1000000000"),
    ] {
        refused(
            lift().seconds(seconds),
            &[&format!("seconds: {shown} is not between 1 and 60")],
        );
    }

    refused(
        lift().waypoints([[0.5, 0.0], [f32::NAN, 0.0]]),
        &["waypoints[1].at: NaN is not a number between"],
    );
    refused(
        lift().waypoints([[0.5, f32::INFINITY]]),
        &["waypoints[0].at: inf"],
    );
    refused(
        lift().waypoints([[0.0; 2]; 257]),
        &["waypoints: 257", "256"],
    );
    refused(lift().start([f32::NAN, 0.0, 0.0]), &["start.position: NaN"]);
    refused(lift().end([0.0, 1e9, 0.0]), &["end: 1000000000"]);
    refused(lift().end([0.0, 0.0, 7.0]), &["end: height 7 m", "reach"]);

    let timed = |times: &[Option<f32>]| InteractionRequest {
        waypoints: (times.iter().enumerate())
            .map(|(i, time)| Waypoint {
                at: [0.2 * i as f32, 0.0],
                time: *time,
            })
            .collect(),
        ..lift()
    };
    refused(
        timed(&[Some(2.0), Some(1.0)]),
        &["waypoints[1].time: 1 s does not come after 2 s", "order"],
    );
    refused(timed(&[Some(f32::NAN)]), &["waypoints[0].time: NaN s"]);
    refused(timed(&[Some(0.0)]), &["waypoints[0].time: 0 s"]);
    refused(
        timed(&[Some(1.0), Some(4.0)]),
        &["waypoints[1].time: 4 s is not before", "raise seconds"],
    );
    refused(
        timed(&[Some(1.0), None]),
        &["waypoints: 1 of 2 have a time", "all of them one, or none"],
    );

    // 30 m, carried for 2 s of which half is spent speeding up and slowing down.
    refused(
        lift().end([30.0, 0.0, 0.0]),
        &[
            "30.00 m in 4 s",
            "asks for 18.18 m/s",
            "limit is 2.2 m/s",
            "seconds",
        ],
    );
    // A mean of 2 m/s, but 3 m/s between rest and rest.
    let mut hurried = timed(&[Some(1.0)]);
    hurried.waypoints[0].at = [2.0, 0.0];
    refused(
        hurried.clone(),
        &[
            "from the start to waypoint 0 in 1.00 s",
            "asks for 3.00 m/s",
            "limit is 2.2 m/s",
            "more time",
        ],
    );
    hurried.waypoints[0].at = [1e3, 0.0];
    refused(hurried, &["1000.00 m/s", "limit is 2.2 m/s"]);

    for (steps, words) in [
        (0, ["sampling.steps: is 0", "at least 1"]),
        (100_000, ["sampling.steps: 100000", "1000"]),
    ] {
        let mut request = lift();
        request.sampling.steps = steps;
        refused(request, &words);
    }
    let mut request = lift();
    request.guidance.feet_slide = -1.0;
    refused(
        request,
        &["guidance.feet_slide: -1 is not between 0 and 10"],
    );
    let mut request = lift();
    request.guidance.last_steps = 1_000_000;
    refused(request, &["guidance.last_steps: 1000000"]);
}

#[test]
fn a_cancelled_run_ends_at_once_and_has_nothing_to_write() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    let request = InteractionRequest::new("Lift the box.").seconds(8.0);
    let order = Order {
        request: &request,
        object: &object,
        scene: None,
    };
    for last in [1, 8, 11] {
        let mut told = 0;
        let result = synthesizer.generate(&order, &mut |p| {
            told = p.done;
            if p.done == last {
                Flow::Cancel
            } else {
                Flow::Continue
            }
        });
        assert!(matches!(result, Err(Error::Cancelled)), "at step {last}");
        assert_eq!(told, last, "not one step more");
    }
    // The synthesizer is none the worse for it.
    synthesizer
        .generate(&order, &mut |_| Flow::Continue)
        .expect("a clip");
}

#[test]
fn clips_that_cannot_be_written_leave_nothing() {
    let mut synthesizer = tiny::synthesizer();
    let object = tiny::object();
    let request = InteractionRequest::new("Lift the box.").seconds(1.0);
    let order = Order {
        request: &request,
        object: &object,
        scene: None,
    };
    let generated = synthesizer
        .generate(&order, &mut |_| Flow::Continue)
        .expect("a clip");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"in the way").expect("written");
    std::fs::create_dir(folder.path().join("taken.safetensors")).expect("a folder");
    let before = listing(folder.path());
    for name in ["file/below.safetensors", "taken.safetensors"] {
        let error = clip::write_clip(&folder.path().join(name), &generated.clip)
            .expect_err("no place for a file");
        says(&error, &["cannot write", name, "choose a writable place"]);
        assert_eq!(listing(folder.path()), before);
    }
    assert_eq!(std::fs::read(&file).expect("the file"), b"in the way");

    let mut broken = generated.clip;
    broken.frames[7].object_position.x = f32::NAN;
    let path = folder.path().join("broken.safetensors");
    let error = clip::write_clip(&path, &broken).expect_err("no clip");
    says(&error, &["clip \"box\"", "object_position", "row 7"]);
    assert_eq!(listing(folder.path()), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The header says what is where: it is the part that a reader believes.
    #[test]
    fn damaged_weights_are_whole_or_refused(
        damage in vec((0_usize..3000, any::<u8>()), 1..4),
        cut in option::weighted(0.2, any::<Index>()),
    ) {
        let path = Path::new(WEIGHTS_FILE);
        let mut bytes = whole_weights().clone();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        match Checkpoint::from_parts(tiny::checkpoint().config, &bytes, path) {
            Ok(checkpoint) => prop_assert!(checkpoint.network(Device::Cpu).is_ok()),
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.starts_with(WEIGHTS_FILE) && !text.contains('\n'), "{text}");
            }
        }
    }

    #[test]
    fn damaged_configs_are_whole_or_refused(
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = serde_json::to_vec(&tiny::checkpoint().config).expect("JSON");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match parse_config(&bytes, Path::new(CONFIG_FILE)) {
            Ok(config) => prop_assert!(config.validate().is_ok()),
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.starts_with(CONFIG_FILE) && !text.contains('\n'), "{text}");
            }
        }
    }
}

/// The weights' file of the tiny checkpoint.
fn whole_weights() -> &'static Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| std::fs::read(Folder::new().weights()).expect("weights"))
}
