//! The program `chois` as a user meets it: what it writes, and what it says when it cannot.

use std::path::PathBuf;
use std::process::{Command, Output};

use chois::clip::{read_clip, write_clip};
use chois::condition::{Fill, Skip, WalkSkip, Walking};
use chois::model::checkpoint::{WEIGHTS_FILE, parse_config};
use chois::text::MiniLm;
use chois_tests::tiny;
use nalgebra::{UnitQuaternion, Vector3};

/// A folder with a model, an object and a place for results that does not exist yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        tiny::checkpoint()
            .save(&folder.path().join("model"), false)
            .expect("a checkpoint");
        let mesh = tiny::cuboid([0.0; 3], [0.4, 0.5, 0.6]);
        std::fs::write(folder.path().join("box.obj"), tiny::obj(&mesh)).expect("written");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, working in the folder.
    fn chois(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chois"));
        command.current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.chois().args(arguments).output().expect("it runs")
    }

    /// `chois generate` with everything that it needs, and more.
    fn generate(&self, more: &[&str]) -> Output {
        self.run(&[&GENERATE[..], more].concat())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.0.path())
            .expect("a folder")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into())
            .collect();
        names.sort();
        names
    }

    /// Fails unless the program refused in one line of these words and left nothing behind.
    #[track_caller]
    fn refused(&self, before: &[String], output: &Output, words: &[&str]) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1..)), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let (progress, error): (Vec<_>, Vec<_>) =
            said.lines().partition(|l| l.starts_with("reading "));
        assert!(
            progress.len() <= 1 && error.len() == 1,
            "one sentence: {said}"
        );
        assert!(error[0].starts_with("error: "), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
        assert_eq!(self.names(), before, "nothing is left behind");
    }
}

const GENERATE: [&str; 9] = [
    "generate",
    "--model",
    "model",
    "--object",
    "box.obj",
    "--text",
    "Lift the box.",
    "--seed",
    "7",
];
const OUT: [&str; 2] = ["--out", "new/carry.glb"];

fn text_encoder_is_there() {
    let folder = MiniLm::default_folder();
    assert!(
        folder.exists(),
        "`cargo setup` provides {}",
        folder.display()
    );
}

#[test]
fn generate_writes_a_figure_a_clip_and_facts() {
    text_encoder_is_there();
    let place = Place::new();
    let run = |folder: &str| {
        let (out, clip) = (format!("{folder}/a.glb"), format!("{folder}/a.safetensors"));
        let arguments = ["--out", &out, "--clip", &clip, "--json", "--seconds", "3"];
        let ways = [
            "--waypoint",
            "-0.2,0.1",
            "--waypoint=0.3,0.4",
            "--end",
            "0.5,-0.1,0.2",
        ];
        let output = place.generate(&[&arguments[..], &ways].concat());
        assert!(output.status.success(), "{output:?}");
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(facts["out"], *out);
        assert_eq!(facts["clip"], *clip);
        assert_eq!(facts["frames"], 90);
        assert_eq!(facts["seed"], 7);
        assert!(
            facts["wall_time"].as_f64().is_some_and(|t| t > 0.0),
            "{facts}"
        );
        let read = |name: &str| std::fs::read(place.path(name)).expect("written");
        (read(&out), read(&clip))
    };
    let (first, again) = (run("one"), run("deep/er/two"));
    assert!(first == again, "the same seed gives the same files");
    assert_eq!(&first.0[..4], b"glTF");
    let clip = read_clip(&place.path("one/a.safetensors")).expect("a clip");
    assert_eq!((clip.frames.len(), &*clip.object), (90, "box"));
    assert_eq!(clip.text, "Lift the box.");
    let left = std::fs::read_dir(place.path("one")).expect("a folder");
    assert_eq!(left.count(), 2, "nothing but the two files");

    let output = place.run(&["export", "--clip", "one/a.safetensors", "--out", "b.glb"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("90 frames"));
    assert!(place.path("b.glb").is_file());

    let output = place.run(&["demo", "--model", "model", "--out", "demo"]);
    assert!(output.status.success(), "{output:?}");
    assert!(place.path("demo/carry.glb").is_file());
}

#[test]
fn unusable_arguments_are_refused_in_one_sentence() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder.glb")).expect("a folder");
    std::fs::write(place.path("file"), b"in the way").expect("written");
    std::fs::write(place.path("points.obj"), "v 0 0 0\nv 1 0 0\nv 0 1 0\n").expect("written");
    std::fs::write(place.path("nan.ply"), "ply\n").expect("written");
    let before = place.names();
    let with_out: [(&[&str], &[&str]); 14] = [
        (&["--text", ""], &["text: is empty"]),
        (
            &["--text", &"x".repeat(10_000)],
            &["text", "10000 characters"],
        ),
        (&["--seconds", "0"], &["seconds: 0 is not between 1 and 60"]),
        (&["--seconds", "NaN"], &["seconds: NaN"]),
        (&["--seconds", "1e9"], &["seconds: 1000000000"]),
        (&["--steps", "0"], &["sampling.steps: is 0"]),
        (&["--waypoint", "nan,0"], &["waypoints[0].at: NaN"]),
        (
            &["--waypoint", "0,0.1@2", "--waypoint", "0,0.2@1"],
            &["waypoints[1].time: 1 s does not come after 2 s"],
        ),
        (&["--end", "0,0,9"], &["end: height 9 m"]),
        (&["--object", "none.glb"], &["cannot read none.glb"]),
        (&["--object", "points.obj"], &["points.obj", "no triangles"]),
        (&["--object", "nan.ply"], &["nan.ply is not a usable mesh"]),
        (
            &["--object", "file"],
            &["file", ".glb, .gltf, .obj and .ply"],
        ),
        (&["--scene", "points.obj"], &["points.obj", "no triangles"]),
    ];
    for (arguments, words) in with_out {
        let mut all: Vec<&str> = GENERATE.to_vec();
        for pair in arguments.chunks(2) {
            match all.iter().position(|a| *a == pair[0]) {
                Some(at) if pair[0] != "--waypoint" => all[at + 1] = pair[1],
                _ => all.extend(pair),
            }
        }
        place.refused(&before, &place.run(&[&all[..], &OUT].concat()), words);
    }
    for (out, words) in [
        ("folder.glb", &["cannot write folder.glb", "directory"]),
        (
            "file/below.glb",
            &["cannot write file/below.glb", "directory"],
        ),
        ("..", &["cannot write ..", "writable place"]),
    ] {
        place.refused(&before, &place.generate(&["--out", out]), words);
        place.refused(&before, &place.generate(&["--clip", out]), words);
    }
    place.refused(
        &before,
        &place.generate(&[]),
        &["out: nothing to write", "--clip"],
    );
    let twice = ["--out", "new/a", "--clip", "new/a"];
    place.refused(
        &before,
        &place.generate(&twice),
        &["new/a would be written twice"],
    );
}

#[test]
fn arguments_that_cannot_be_read_are_named() {
    let place = Place::new();
    let before = place.names();
    for (arguments, word) in [
        (&["--waypoint", "a,b"][..], "\"a\" is not a number"),
        (&["--waypoint", "1,2,3"], "3 numbers where 2 are expected"),
        (
            &["--waypoint", "1,2@soon"],
            "\"soon\" is not a number of seconds",
        ),
        (&["--end", "1"], "1 numbers where 3 are expected"),
        (
            &["--method", "magic"],
            "few-step, consistency, ddim, ancestral",
        ),
        (&["--sed", "3"], "'--sed'"),
        (&["--steps", "-1"], "'-1'"),
    ] {
        let output = place.generate(&[arguments, &OUT].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(said.starts_with("error: ") && said.contains(word), "{said}");
        assert_eq!(place.names(), before);
    }
}

#[test]
fn unusable_request_files_name_file_job_and_field() {
    let place = Place::new();
    let job = |fields: &str| format!("(object: \"box.obj\", out: \"new/a.glb\", {fields})");
    let text = "text: \"Lift the box.\"";
    let files = [
        ("[]".to_owned(), "no job"),
        (job(&format!("request: ({text}, sedonds: 3)")), "sedonds"),
        (
            job(&format!("request: ({text}, seconds: 0)")),
            "job 0: seconds: 0",
        ),
        (
            job(&format!("request: ({text}, end: (30, 0, 0))")),
            "limit is 2.2 m/s",
        ),
        (job("request: (text: \" \")"), "job 0: text: is empty"),
        (job(""), "request"),
        ("(((((".repeat(10_000), "jobs.ron"),
        (
            format!("(object: \"box.obj\", request: ({text}))"),
            "job 0: out: nothing to write",
        ),
        (
            format!("[{0}, {0}]", job(&format!("request: ({text})"))),
            "job 1: out: new/a.glb would be written twice",
        ),
    ];
    for (file, word) in files {
        std::fs::write(place.path("jobs.ron"), &file).expect("written");
        let before = place.names();
        let output = place.run(&["generate", "--model", "model", "--request", "jobs.ron"]);
        place.refused(&before, &output, &[word]);
    }
    let before = place.names();
    let output = place.run(&["generate", "--request", "none.json"]);
    place.refused(&before, &output, &["cannot read none.json"]);
}

#[test]
fn unusable_models_are_named() {
    let place = Place::new();
    let before = place.names();
    let generate = |model: &str| {
        let mut all = GENERATE.to_vec();
        all[2] = model;
        place.run(&[&all[..], &OUT].concat())
    };
    place.refused(
        &before,
        &generate("none"),
        &["none is not a usable checkpoint"],
    );
    place.refused(&before, &generate("box.obj"), &["box.obj", "not a folder"]);
    for steps in ["1001", "100000"] {
        let output = place.generate(&["--steps", steps, OUT[0], OUT[1]]);
        place.refused(
            &before,
            &output,
            &["sampling.steps", steps, "schedule's 1000"],
        );
    }
    let fast = place.generate(&["--end", "30,0,0", OUT[0], OUT[1]]);
    place.refused(&before, &fast, &["asks for 18.18 m/s", "limit is 2.2 m/s"]);

    let weights = place.path("model").join(WEIGHTS_FILE);
    let mut bytes = std::fs::read(&weights).expect("weights");
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&weights, &bytes).expect("written");
    place.refused(
        &before,
        &generate("model"),
        &[WEIGHTS_FILE, "tensor", "not finite"],
    );
    std::fs::write(&weights, &bytes[..end]).expect("written");
    place.refused(&before, &generate("model"), &[WEIGHTS_FILE, "truncated"]);
    std::fs::remove_file(&weights).expect("removed");
    place.refused(&before, &generate("model"), &["cannot read", WEIGHTS_FILE]);
}

#[test]
fn an_absent_text_encoder_says_how_to_get_it() {
    let place = Place::new();
    let before = place.names();
    let output = place
        .chois()
        .args(GENERATE)
        .args(OUT)
        .env("CHOIS_TEXT_ENCODER", "/nonexistent")
        .output()
        .expect("it runs");
    let words = [
        "MiniLM",
        "/nonexistent/model.safetensors",
        "cargo setup",
        "CHOIS_TEXT_ENCODER",
    ];
    place.refused(&before, &output, &words);
}

#[test]
fn other_commands_name_what_is_missing_too() {
    let place = Place::new();
    std::fs::write(place.path("clip.safetensors"), b"no clip").expect("written");
    let before = place.names();
    let data = ["--clips", "none", "--objects", "none"];
    for (arguments, words) in [
        (
            &["export", "--clip", "none.safetensors", "--out", "a.glb"][..],
            &["cannot read none"][..],
        ),
        (
            &["export", "--clip", "clip.safetensors", "--out", "a.glb"],
            &["clip.safetensors is not a usable motion clip"],
        ),
        (&[&["train", "--out", "run"], &data[..]].concat(), &["none"]),
        (
            &[&["evaluate", "--model", "model"], &data[..]].concat(),
            &["none"],
        ),
        (
            &[&["evaluate", "--model", "none"], &data[..]].concat(),
            &["none", "checkpoint"],
        ),
        (
            &[
                &["evaluate", "--model", "model", "--evaluator", "none"],
                &data[..],
            ]
            .concat(),
            &["none", "evaluator", "not a folder"],
        ),
        (
            &[&["evaluate", "--model", "model", "--seeds", "0"], &data[..]].concat(),
            &["seeds: 0 of them"],
        ),
        (
            &[
                &["evaluate", "--model", "model", "--clips", "more"],
                &data[..],
            ]
            .concat(),
            &["objects: 1 folders of objects for 2 of clips"],
        ),
        (
            &[
                &[
                    "evaluate",
                    "--model",
                    "model",
                    "--report",
                    "clip.safetensors/a.html",
                ],
                &data[..],
            ]
            .concat(),
            &["cannot write clip.safetensors/a.html", "directory"],
        ),
        (
            &[&["train-evaluator", "--out", "new"], &data[..]].concat(),
            &["cannot read none"],
        ),
        (
            &[
                &["train-evaluator", "--out", "new", "--steps", "0"],
                &data[..],
            ]
            .concat(),
            &["steps: is 0"],
        ),
        (
            &["synthesize", "--out", "new", "--hours", "0"],
            &["hours: ", "more than 0"],
        ),
        (
            &["synthesize", "--out", "new"],
            &["captured: ", "own motion only"],
        ),
        (
            &[
                "synthesize",
                "--out",
                "new",
                "--captured",
                "none",
                "--captured-objects",
                "none",
            ],
            &["cannot read none"],
        ),
        (
            &[
                "synthesize",
                "--out",
                "new",
                "--own-motion-only",
                "--actions",
                "dance",
            ],
            &["action: ", "kick-carry"],
        ),
        (
            &[
                "import",
                "--model",
                "none.pt",
                "--statistics",
                "none.p",
                "--bps",
                "none.pt",
                "--out",
                "new",
            ],
            &["cannot read none.p"],
        ),
    ] {
        place.refused(&before, &place.run(arguments), words);
    }
}

#[test]
fn what_no_clock_can_wait_for_is_refused_before_a_run_begins() {
    let place = Place::new();
    let before = place.names();
    for (argument, value) in [
        ("--validate-every", "0"),
        ("--save-every", "-1"),
        ("--save-every", "nan"),
        ("--save-every", "inf"),
    ] {
        let argument = format!("{argument}={value}");
        let data = ["--clips", "none", "--objects", "none"];
        let output = place.run(&[&["train", "--out", "run", &argument], &data[..]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(value) && said.contains("--"), "{said}");
        assert_eq!(place.names(), before);
    }
}

/// Whether a process has asked to be told of Ctrl-C.
#[cfg(target_os = "linux")]
fn listens(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
    // SIGINT is number 2, the second bit.
    caught
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 2 != 0)
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    text_encoder_is_there();
    let place = Place::new();
    let before = place.names();
    // Before the first step, and in the midst of thousands.
    for wait in [0, 2500] {
        let child = place
            .chois()
            .args(GENERATE)
            .args(OUT)
            .args(["--method", "ancestral", "--seconds", "60"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        while !listens(child.id()) {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "it never listened"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(wait));
        let told = Command::new("sh")
            .args(["-c", &format!("kill -INT {}", child.id())])
            .status()
            .expect("a shell");
        assert!(told.success(), "it was still running");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        place.refused(&before, &output, &["cancelled"]);
        assert!(
            began.elapsed() < Duration::from_secs(150),
            "at once, or nearly"
        );
    }
}

#[test]
fn contact_is_enforced_and_reported() {
    text_encoder_is_there();
    let place = Place::new();
    let before = place.names();
    for (wrong, words) in [
        (["--mass", "-1"], ["mass", "kg"]),
        (["--mass", "nan"], ["mass", "kg"]),
        (["--friction", "9"], ["friction", "between 0 and 4"]),
        (["--grip-force", "0"], ["grip.force", "above 0"]),
    ] {
        let output = place.generate(&[&OUT[..], &wrong].concat());
        place.refused(&before, &output, &words);
    }
    let free = ["--no-contact", "--clip", "free.safetensors", "--json"];
    let output = place.generate(&free);
    assert!(output.status.success(), "{output:?}");
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(facts["contact"].is_null(), "{facts}");
    assert!(!place.path("box.obj.hulls").exists());

    let contact = [
        "contact",
        "--clip",
        "free.safetensors",
        "--object",
        "box.obj",
    ];
    let more = ["--mass", "3", "--write", "held.safetensors", "--json"];
    let output = place.run(&[&contact[..], &more].concat());
    assert!(output.status.success(), "{output:?}");
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(facts["mass"], 3.0);
    assert_eq!(facts["convex_parts"], 1);
    assert!(facts["report"]["before"]["frames"].is_number(), "{facts}");
    let [free, held] = ["free.safetensors", "held.safetensors"]
        .map(|name| read_clip(&place.path(name)).expect("a clip"));
    assert_eq!(free.frames.len(), held.frames.len());
    assert!(
        place.path("box.obj.hulls").exists(),
        "kept for the next time"
    );
    // The same by generating.
    let output = place.generate(&["--mass", "3", "--clip", "both.safetensors"]);
    assert!(output.status.success(), "{output:?}");
    let both = read_clip(&place.path("both.safetensors")).expect("a clip");
    assert_eq!(both, held);
}

#[test]
fn walks_are_written_and_interactions_go_on_from_them() {
    let place = Place::new();
    tiny::walking_checkpoint()
        .save(&place.path("walker"), false)
        .expect("a checkpoint");
    let walk = |more: &[&str]| {
        let start = ["walk", "--model", "walker", "--clip", "walk.safetensors"];
        place.run(&[&start[..], more].concat())
    };
    let output = walk(&[
        "--end", "1.2,-0.4", "--facing", "-90", "--out", "walk.glb", "--json",
    ]);
    assert!(output.status.success(), "{output:?}");
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(
        facts["end_error"].as_f64().expect("a number") < 1e-2,
        "{facts}"
    );
    let walked = read_clip(&place.path("walk.safetensors")).expect("a clip");
    assert!(!walked.has_object());
    assert!(place.path("walk.glb").is_file());

    let more = [
        "--model",
        "walker",
        "--start",
        "1.2,-1.0,0",
        "--after",
        "walk.safetensors",
    ];
    let text = [
        "--text",
        "Lift the box.",
        "--clip",
        "lift.safetensors",
        "--no-contact",
    ];
    let generate = ["generate", "--object", "box.obj"];
    let output = place.run(&[&generate[..], &more, &text].concat());
    assert!(output.status.success(), "{output:?}");
    let lifted = read_clip(&place.path("lift.safetensors")).expect("a clip");
    let last = walked.frames.len() - 1;
    let off = (walked.joints(last)[0] - lifted.joints(0)[0]).norm();
    assert!(off < 5e-3, "{off} m");

    // What a clip leaves in hand is there still, leaning as it was.
    let mut held = walked.clone();
    held.object = "box".into();
    for frame in &mut held.frames {
        frame.object_position = frame.pose.root + Vector3::new(0.3, 0.1, 0.1);
        frame.object_rotation = UnitQuaternion::from_euler_angles(0.2, 0.1, 0.5);
    }
    write_clip(&place.path("held.safetensors"), &held).expect("written");
    let go_on = |after| {
        place.run(&[
            "generate",
            "--object",
            "box.obj",
            "--model",
            "walker",
            "--text",
            "Lift the box.",
            "--clip",
            "on.safetensors",
            "--no-contact",
            "--in-hand-start",
            "--after",
            after,
        ])
    };
    let output = go_on("held.safetensors");
    assert!(output.status.success(), "{output:?}");
    let on = read_clip(&place.path("on.safetensors")).expect("a clip");
    let [end, start] = [&held.frames[held.frames.len() - 1], &on.frames[0]];
    let off = (end.object_position - start.object_position).norm();
    let turned = end.object_rotation.angle_to(&start.object_rotation);
    assert!(off < 5e-3 && turned < 0.02, "{off} m, {turned} rad");

    let before = place.names();
    let refused = |output: &Output, words: &[&str]| place.refused(&before, output, words);
    refused(&walk(&["--end", "90,0"]), &["end", "in parts"]);
    refused(
        &walk(&["--end", "3,0", "--seconds", "1"]),
        &["seconds", "1.6 m/s"],
    );
    refused(
        &go_on("walk.safetensors"),
        &["walk.safetensors has no object", "--in-hand-start"],
    );
    refused(
        &walk(&["--end", "1,0", "--after", "none.safetensors"]),
        &["none.safetensors"],
    );
    let cannot = place.run(&[
        "walk",
        "--model",
        "model",
        "--end",
        "1,0",
        "--clip",
        "a.safetensors",
    ]);
    refused(&cannot, &["not learned to walk"]);
    let nothing = place.run(&["walk", "--model", "walker", "--end", "1,0"]);
    refused(&nothing, &["nothing to write"]);
}

#[test]
fn evaluation_is_the_same_each_time_and_no_name_breaks_its_page() {
    text_encoder_is_there();
    let place = Place::new();
    // A folder and a model whose names are markup, where the file system allows such.
    let clips = if cfg!(windows) {
        "clips"
    } else {
        "\"><img src=x onerror=alert(1)>"
    };
    let clip = format!("{clips}/a.safetensors");
    let output = place.generate(&["--clip", &clip, "--seconds", "5", "--no-contact"]);
    assert!(output.status.success(), "{output:?}");
    let config = place.path("model").join("config.json");
    let text = std::fs::read_to_string(&config).expect("a config");
    let text = text.replace("\"tiny\"", "\"<script>alert(1)</script>\"");
    std::fs::write(&config, text).expect("written");
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "--model", "model", "--objects", ".", "--clips"];
        let ways = ["--seeds", "2", "--steps", "1,2", "--long", "2"];
        let output = place.run(&[&start[..], &[clips], &ways, more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let page = ["--report", "new/page.html", "--keep", "new/windows"];
    let json = evaluate(&[&["--json", "--no-evaluator"], &page[..]].concat());
    assert_eq!(
        json,
        evaluate(&["--json", "--no-evaluator"]),
        "the same bits"
    );
    let reports: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&json)
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("JSON");
    assert_eq!(reports.len(), 2, "windows, then long sequences");
    let row = |report: usize, name: &str| -> serde_json::Value {
        let rows = reports[report]["rows"].as_array().expect("rows");
        let row = rows.iter().find(|r| r["name"] == name);
        row.unwrap_or_else(|| panic!("no {name} in {json}")).clone()
    };
    for name in ["guided, 1 step", "no guidance, 2 steps"] {
        let row = row(0, name);
        assert_eq!((&row["clips"], &row["seeds"]), (&2.into(), &2.into()));
        assert!(row["values"]["MPJPE"].is_number() && row["spread"]["MPJPE"].is_number());
    }
    // Seeds differ, and the same seed of another run does not.
    let spread = &row(0, "no guidance, 1 step")["spread"]["MPJPE"];
    assert!(spread.as_f64().expect("a number") > 0.0, "{json}");
    assert!(row(1, "guided, 2 steps")["values"]["FS"].is_number());
    let page = std::fs::read_to_string(place.path("new/page.html")).expect("a page");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("http"));
    assert!(page.contains("<polyline") && page.contains("Long sequences"));
    // What was generated lies beside what it was made after.
    let clip = |what: &str| {
        let name = format!("new/windows/box-0-{what}");
        assert!(place.path(&format!("{name}.glb")).is_file());
        read_clip(&place.path(&format!("{name}.safetensors"))).expect("a clip")
    };
    let (made, captured) = (clip("generated"), clip("captured"));
    assert_eq!((made.frames.len(), captured.frames.len()), (120, 120));
    assert_eq!(made.object, captured.object);
    let apart = |t: usize| {
        let pairs = made.joints(t).into_iter().zip(captured.joints(t));
        pairs.map(|(a, b)| (a - b).norm()).fold(0.0, f32::max)
    };
    assert!(apart(0) < 0.01 && apart(60) > 0.01);
}

#[test]
fn a_project_is_rendered_and_what_was_made_is_made_once() {
    text_encoder_is_there();
    let place = Place::new();
    tiny::walking_checkpoint()
        .save(&place.path("walker"), false)
        .expect("a checkpoint");
    std::fs::write(
        place.path("a.chois.ron"),
        r#"(version: 1, next: 4, tracks: [(name: "Ann B.", strips: [
            (id: 1, start: 0.0, seconds: 2.0, deed: Walk(end: (0.8, 0.1)), sampling: (steps: 1)),
            (id: 2, start: 2.5, seconds: 1.0, deed: Idle, sampling: (steps: 1)),
        ])])"#,
    )
    .expect("written");
    let render = |more: &[&str]| {
        let arguments = ["render", "a.chois.ron", "--model", "walker", "--json"];
        let output = place.run(&[&arguments[..], more].concat());
        assert!(output.status.success(), "{output:?}");
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (
            facts["generated"].as_array().expect("a list").len(),
            facts["written"].as_array().expect("a list").len(),
        )
    };
    assert_eq!(
        render(&["--out", "x", "--format", "glb,bvh,safetensors"]),
        (2, 3)
    );
    // It was not to be saved.
    assert_eq!(
        render(&[
            "--out",
            "y",
            "--save",
            "--variations",
            "2",
            "--all-takes",
            "--fps",
            "60"
        ]),
        (2, 5)
    );
    assert_eq!(render(&["--out", "z", "--format", "safetensors"]), (0, 1));
    let clip = read_clip(&place.path("x/Ann_B_.safetensors")).expect("a clip");
    assert_eq!((clip.frames.len(), &*clip.object), (105, ""));
    assert!(place.path("a.takes").is_dir());
    let names = place.names();
    for (text, words) in [
        ("(version: 7)", "newer"),
        ("(version: 1)", "no strips"),
        (
            "(version: 1, tracks: [(name: \"A\", strips: [(id: 1, start: 0, seconds: 0.1, deed: Idle)])])",
            "next",
        ),
    ] {
        std::fs::write(place.path("a.chois.ron"), text).expect("written");
        let output = place.run(&["render", "a.chois.ron", "--model", "walker", "--out", "q"]);
        place.refused(&names, &output, &[words, "a.chois.ron"]);
    }
}

/// From nothing to a checkpoint that is asked for a walk: data made, learned from in their own units, gone on from.
#[test]
fn what_is_made_is_learned_from() {
    let place = Place::new();
    let ran = |arguments: &str| {
        let output = place.run(&arguments.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{arguments}: {output:?}");
    };
    ran("synthesize --own-motion-only --hours 0.01 --walks 0.02 --seed 4 --out made");
    std::fs::write(place.path("settings.json"), r#"{"batch": 2, "steps": 2}"#).expect("written");
    let data = "--clips made/clips --objects made/objects --walks made/walks --no-mirror";
    ran(&format!(
        "train {data} --settings settings.json --out run --precondition --fill hold --skip object-and-pose --walk-skip pose"
    ));
    let config = |folder: &str| {
        let path = place.path(folder).join("config.json");
        parse_config(&std::fs::read(&path).expect("read"), &path).expect("a config")
    };
    let first = config("run");
    assert_eq!(first.provenance.steps, 2);
    let conditioning = &first.conditioning;
    assert_eq!(conditioning.fill, Fill::Hold);
    assert_eq!(conditioning.skip, Skip::ObjectAndPose);
    let walking = Walking {
        fill: Fill::Hold,
        skip: WalkSkip::Pose,
    };
    assert_eq!(conditioning.walking, Some(walking));
    let spread = first.diffusion.spread.clone().expect("units");
    assert!(spread.deviation.iter().any(|d| *d > 0.1));
    let features = conditioning.features.expect("scales");
    assert!(
        features.object > 5.0 && features.sentence > 5.0,
        "{features:?}"
    );

    // What goes on from it is told the same in the same units.
    ran(&format!(
        "train {data} --settings settings.json --out more --from run"
    ));
    let more = config("more");
    assert_eq!(more.conditioning, first.conditioning);
    assert_eq!(more.diffusion, first.diffusion);
    ran("walk --model more --end 1,0 --seconds 2 --clip walk.safetensors");
    let clip = read_clip(&place.path("walk.safetensors")).expect("a clip");
    assert_eq!(clip.frames.len(), 60);

    let before = place.names();
    let both = format!("train {data} --out other --from run --precondition");
    let output = place.run(&both.split(' ').collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(place.names(), before);
}
