//! The program `viewer` as a user without a screen meets it: what it draws, and what it says when it cannot.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Pictures are small: drawing without a graphics card takes its time.
const SIZE: [usize; 2] = [320, 180];

/// Part of a picture's pixels that differ.
const SOME: f64 = 0.003;
/// Pictures of the same differ in less.
const SAME: f64 = 0.0015;

/// A folder for scripts and pictures.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// The program, on a machine without a screen.
    fn viewer(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viewer"));
        command
            .current_dir(self.0.path())
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env("CHOIS_ASSETS", assets());
        command
    }

    /// Plays a script into a folder. `None` where nothing can be drawn: that is said, and no failure.
    #[track_caller]
    fn play(&self, script: &str, into: &str) -> Option<Output> {
        let script = self.script("script.ron", script);
        let output = self
            .viewer()
            .args(["--size", &format!("{}x{}", SIZE[0], SIZE[1])])
            .arg("--script")
            .arg(script)
            .args(["--screenshot", into])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("no graphics driver") {
            eprintln!("SKIPPED: {said}");
            return None;
        }
        assert!(output.status.success(), "{said}");
        Some(output)
    }

    fn picture(&self, name: &str) -> Picture {
        Picture::read(&self.path(name))
    }
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

/// Red, green and blue of every pixel.
struct Picture(Vec<[u8; 3]>);

impl Picture {
    #[track_caller]
    fn read(path: &Path) -> Self {
        let file = std::fs::File::open(path).expect("a picture");
        let mut reader = png::Decoder::new(std::io::BufReader::new(file))
            .read_info()
            .expect("a PNG file");
        let mut data = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut data).expect("pixels");
        assert_eq!([info.width as usize, info.height as usize], SIZE);
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Self(data.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect())
    }

    /// Part of the pixels that clearly differ.
    fn differs(&self, other: &Self) -> f64 {
        let far = |(a, b): (&[u8; 3], &[u8; 3])| (0..3).any(|i| a[i].abs_diff(b[i]) > 12);
        let different = self
            .0
            .iter()
            .zip(&other.0)
            .filter(|pair| far(*pair))
            .count();
        different as f64 / self.0.len() as f64
    }

    /// Brightness of every column, 0 to 1, the mean of some rows, about its own mean.
    fn profile(&self, rows: &[usize]) -> Vec<f64> {
        let [width, _] = SIZE;
        let at = |x: usize, y: usize| -> f64 {
            self.0[y * width + x]
                .iter()
                .map(|v| f64::from(*v) / 765.0)
                .sum()
        };
        let column = |x| rows.iter().map(|y| at(x, *y)).sum::<f64>() / rows.len() as f64;
        let columns: Vec<f64> = (0..width).map(column).collect();
        let mean = columns.iter().sum::<f64>() / width as f64;
        columns.into_iter().map(|c| c - mean).collect()
    }

    /// Mean brightness, 0 to 1, and how far pixels stray from it.
    fn brightness(&self) -> [f64; 2] {
        let each = |p: &[u8; 3]| p.iter().map(|v| f64::from(*v)).sum::<f64>() / 765.0;
        let count = self.0.len() as f64;
        let mean = self.0.iter().map(each).sum::<f64>() / count;
        let variance = self.0.iter().map(|p| (each(p) - mean).powi(2)).sum::<f64>() / count;
        [mean, variance.sqrt()]
    }
}

#[test]
fn a_script_draws_the_room_and_twice_the_same() {
    let place = Place::new();
    let script = r#"[
        Show(Panel, false),
        Screenshot("one"),
        Show(Avatar, false),
        Screenshot("empty"),
        Show(Avatar, true),
        Waypoints([(0.2, 0.6), (0.5, 0.9)]),
        Screenshot("marks"),
        Waypoints([]),
        Camera(from: (-2.0, 1.7, 2.2), at: (0.5, 0.8, -1.0)),
        Screenshot("other"),
        Show(Panel, true),
        Screenshot("panel"),
    ]"#;
    let Some(first) = place.play(script, "a") else {
        return;
    };
    let said = String::from_utf8_lossy(&first.stdout);
    assert_eq!(
        said.lines().filter(|l| l.starts_with("written ")).count(),
        5,
        "{said}"
    );
    let one = place.picture("a/one.png");
    let [mean, deviation] = one.brightness();
    assert!((0.2..0.85).contains(&mean), "neither night nor fog: {mean}");
    assert!(deviation > 0.08, "light and shadow: {deviation}");
    for (other, least) in [
        ("empty", SOME),
        ("marks", SOME / 4.0),
        ("other", 0.3),
        ("panel", 0.3),
    ] {
        let part = one.differs(&place.picture(&format!("a/{other}.png")));
        assert!(part > least, "{other}: {part}");
    }
    place.play(script, "b").expect("it could draw");
    for name in ["one", "empty", "marks", "other", "panel"] {
        let [a, b] = ["a", "b"].map(|folder| place.picture(&format!("{folder}/{name}.png")));
        // Which of two touching surfaces wins a pixel hangs on the order in which files were read.
        let part = a.differs(&b);
        assert!(
            part < SAME,
            "{name} is another picture the second time: {part}"
        );
    }
}

#[test]
fn the_ribbon_points_where_the_object_goes() {
    let place = Place::new();
    // From above, where the box goes from the right to the left.
    let script = r#"[
        Show(Panel, false),
        Object("box"),
        Waypoints([(1.15, 1.4)]),
        Show(Marks, false),
        Show(Ribbon, true),
        Camera(from: (1.45, 1.2, 0.2), at: (1.15, 0.0, 0.2)),
        Screenshot("ribbon"),
    ]"#;
    if place.play(script, "a").is_none() {
        return;
    }
    let picture = place.picture("a/ribbon.png");
    let middle = SIZE[1] / 2;
    let tips = picture.profile(&[middle - 1, middle, middle + 1]);
    let arms = picture.profile(&[middle - 7, middle - 6, middle + 6, middle + 7]);
    // How far to the right of the tips of its chevrons their arms are.
    let fit = |shift: i32| -> f64 {
        let pairs =
            (20..SIZE[0] as i32 - 20).map(|x| tips[x as usize] * arms[(x + shift) as usize]);
        pairs.sum()
    };
    let shift = (-12..=12).max_by(|a, b| fit(*a).total_cmp(&fit(*b)));
    assert!(matches!(shift, Some(3..=9)), "{shift:?} pixels");
}

#[test]
fn what_cannot_be_done_is_refused_in_one_sentence() {
    let place = Place::new();
    place.script("jump.ron", "[\n  Show(Panel, false),\n  Jump(3),\n]");
    place.script("nobody.ron", "[Avatar(\"nobody\")]");
    place.script("early.ron", "[Play(1.0)]");
    place.script("empty_room.ron", "(pieces: [], sun: (0, 1, 0))");
    place.script("cube.obj", "v 0 0 0");
    let play = |script: &'static str| vec!["--script", script, "--screenshot", "out"];
    for (arguments, words) in [
        (play("jump.ron"), vec!["jump.ron", "line 3", "Jump"]),
        (
            play("nobody.ron"),
            vec!["step 1 (Avatar)", "nobody", "mannequin"],
        ),
        (play("early.ron"), vec!["step 1 (Play)", "Generate"]),
        (play("none.ron"), vec!["none.ron"]),
        (vec!["--script", "jump.ron"], vec!["--screenshot"]),
        (vec!["--headless", "--size", "0x9"], vec!["0x9"]),
        (
            vec!["--headless", "--room", "empty_room.ron"],
            vec!["empty_room.ron", "line 1"],
        ),
        (
            vec!["--headless", "--avatar", "missing.glb"],
            vec!["missing.glb"],
        ),
        (
            vec!["--headless", "--object", "cube.obj"],
            vec!["cube.obj", ".glb"],
        ),
        (vec!["--headless", "--model", "missing"], vec!["missing"]),
    ] {
        let output = place.viewer().args(&arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(1..)),
            "{arguments:?}: {output:?}"
        );
        assert!(
            said.contains("error: ") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
        for word in words {
            assert!(
                said.contains(word),
                "{arguments:?}: {word:?} is not in: {said}"
            );
        }
        assert!(!place.path("out").exists() && !place.path("target").exists());
    }
}

#[test]
fn where_nothing_can_draw_it_says_so() {
    let place = Place::new();
    place.script("a.ron", "[Screenshot(\"a\")]");
    let output = place
        .viewer()
        // A backend that this build has not.
        .env("WGPU_BACKEND", "gl")
        .args(["--script", "a.ron", "--screenshot", "out"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no graphics driver") && said.contains("mesa-vulkan-drivers"),
        "{said}"
    );
    let errors = said
        .lines()
        .filter(|line| line.starts_with("error: no graphics"));
    assert_eq!(errors.count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
