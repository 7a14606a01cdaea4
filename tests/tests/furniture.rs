//! The shipped objects: what the tools under `assets/objects` promise of them, and that the living room has room.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chois::geometry::{Mesh, load_mesh};
use ron::Value;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

/// The meshes of a folder of assets by file name, Z up.
fn meshes(folder: &str) -> Vec<(String, Mesh)> {
    let files = std::fs::read_dir(assets().join(folder)).expect("a folder");
    let mut found: Vec<_> = files
        .map(|file| file.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "glb"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            let bytes = std::fs::metadata(&path).expect("a file").len();
            assert!(bytes < 600_000, "{name} has {bytes} bytes");
            let mesh = load_mesh(&path, None).unwrap_or_else(|e| panic!("{e}"));
            (name.into_owned(), mesh)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

#[test]
fn surfaces_are_closed_and_of_moderate_detail() {
    for (name, mesh) in meshes("objects").into_iter().chain(meshes("rooms")) {
        assert!(
            mesh.triangles.len() <= 20_000,
            "{name}: {} triangles",
            mesh.triangles.len()
        );
        let mut edges: HashMap<(u32, u32), i32> = HashMap::new();
        for [a, b, c] in &mesh.triangles {
            for (from, to) in [(a, b), (b, c), (c, a)] {
                let sign = if from < to { 1 } else { -1 };
                *edges.entry((*from.min(to), *from.max(to))).or_default() += sign;
            }
        }
        let open = edges.values().filter(|count| **count != 0).count();
        assert_eq!(
            open, 0,
            "{name}: edges with another number of triangles on either side"
        );
        let volume: f32 = (0..mesh.triangles.len())
            .map(|t| {
                let [a, b, c] = mesh.corners(t);
                a.cross(&b).dot(&c) / 6.0
            })
            .sum();
        assert!(volume > 0.0, "{name} is inside out");
    }
}

#[test]
fn what_can_be_carried_stands_on_the_floor_about_its_origin() {
    for (name, mesh) in meshes("objects") {
        let (low, high) = mesh.bounds();
        assert!(
            low.z.abs() < 0.002,
            "{name}: its lowest point is at {} m",
            low.z
        );
        let centre = (low + high) / 2.0;
        assert!(
            centre.xy().norm() < 0.13,
            "{name}: its middle is off by {centre}"
        );
        let size = high - low;
        assert!(size.max() < 1.7 && size.min() > 0.1, "{name}: {size}");
    }
}

/// What a piece covers of the floor: a turned rectangle, x and z of its corners in order.
struct Ground {
    name: String,
    corners: [[f32; 2]; 4],
}

impl Ground {
    /// Whether a line separates the two.
    fn is_apart(&self, other: &Self) -> bool {
        [self, other].iter().any(|one| {
            (0..2).any(|side| {
                let [p, q] = [one.corners[side], one.corners[side + 1]];
                let axis = [q[0] - p[0], q[1] - p[1]];
                let span = |g: &Self| {
                    let at = g.corners.map(|c| c[0] * axis[0] + c[1] * axis[1]);
                    let low = at.into_iter().fold(f32::INFINITY, f32::min);
                    (low, at.into_iter().fold(f32::NEG_INFINITY, f32::max))
                };
                let (a, b) = (span(self), span(other));
                a.1 < b.0 || b.1 < a.0
            })
        })
    }
}

fn field<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Map(map) = of else {
        panic!("not a struct: {of:?}")
    };
    map.iter()
        .find(|(k, _)| **k == Value::String(key.into()))
        .map(|(_, v)| v)
}

fn numbers(value: &Value) -> Vec<f32> {
    value.clone().into_rust().expect("numbers")
}

/// What stands on the floor of the living room: rugs, floors and walls left out.
fn living_room() -> Vec<Ground> {
    let scenes = assets().join("scenes");
    let text = std::fs::read_to_string(scenes.join("living_room.ron")).expect("a room");
    let room: Value = ron::from_str(&text).expect("RON");
    let Some(Value::Seq(pieces)) = field(&room, "pieces") else {
        panic!("a room has pieces")
    };
    let mut out = Vec::new();
    for piece in pieces {
        let file: String = field(piece, "file")
            .expect("a file")
            .clone()
            .into_rust()
            .expect("text");
        let mesh = load_mesh(&scenes.join(&file), None).unwrap_or_else(|e| panic!("{e}"));
        if ["floor.", "rug.", "wall_", "ceiling."]
            .iter()
            .any(|flat| file.contains(flat))
        {
            continue;
        }
        let at = field(piece, "at").map_or(vec![0.0; 3], numbers);
        let yaw: f32 = field(piece, "yaw").map_or(0.0, |v| v.clone().into_rust().expect("degrees"));
        assert_eq!(at[1], 0.0, "{file} does not stand on the floor");
        // The model's x and y are Bevy's x and -z.
        let (low, high) = mesh.bounds();
        let (sin, cos) = yaw.to_radians().sin_cos();
        let corners = [
            (low.x, low.y),
            (high.x, low.y),
            (high.x, high.y),
            (low.x, high.y),
        ]
        .map(|(x, y)| {
            let z = -y;
            [at[0] + x * cos + z * sin, at[2] - x * sin + z * cos]
        });
        out.push(Ground {
            name: file,
            corners,
        });
    }
    out
}

#[test]
fn nothing_stands_in_anything_else_or_in_the_way() {
    let standing = living_room();
    let [left, back, right, front] = [-1.7, -1.2, 1.3, 1.8];
    let free = Ground {
        name: "the free floor".into(),
        corners: [[left, back], [right, back], [right, front], [left, front]],
    };
    for (i, one) in standing.iter().enumerate() {
        for other in standing[i + 1..].iter().chain([&free]) {
            assert!(one.is_apart(other), "{} stands in {}", one.name, other.name);
        }
        for [x, z] in one.corners {
            assert!(
                x.abs() <= 3.0 && z.abs() <= 2.6,
                "{} stands in a wall: {x}, {z}",
                one.name
            );
        }
    }
    assert!(standing.len() > 10);
}
