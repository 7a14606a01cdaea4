//! The rooms of `assets/scenes` as scenes for commands and paths.

use std::path::{Path, PathBuf};

use chois::geometry::ObjectGeometry;
use chois::request::PersonPlace;
use chois::scene::{Item, ItemId, ItemKind, Marker, Mobility, Scene, place_of};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use ron::Value;

/// Other names and tags of what stands in the rooms.
const WORDS: [(&str, &[&str], &[&str]); 5] = [
    ("floor lamp", &["lamp"], &["tall"]),
    ("bin", &["trash can"], &["small"]),
    ("chair", &["wooden chair"], &["wooden"]),
    ("table", &["small table"], &["wooden"]),
    ("plant", &["potted plant"], &["green"]),
];

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

fn number(value: &Value) -> f32 {
    match value {
        Value::Number(n) => n.into_f64() as f32,
        other => panic!("{other:?} is no number"),
    }
}

fn numbers<const N: usize>(value: &Value) -> [f32; N] {
    match value {
        Value::Seq(list) => std::array::from_fn(|i| number(&list[i])),
        other => panic!("{other:?} is no list of {N} numbers"),
    }
}

fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Map(map) => map
            .iter()
            .find_map(|(k, v)| (*k == Value::String(key.to_owned())).then_some(v)),
        _ => None,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    match get(value, key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A room by its file's name, in the model's axes. What is fixed stays; things can be lifted.
pub fn room(name: &str) -> Scene {
    let path = assets().join(format!("scenes/{name}.ron"));
    let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    // Kinds are names there; a value takes them for units.
    let mut quoted = source;
    for kind in ["Thing", "Fixed", "Wall", "Ceiling"] {
        quoted = quoted.replace(&format!("kind: {kind}"), &format!("kind: \"{kind}\""));
    }
    let room: Value = ron::from_str(&quoted).unwrap_or_else(|e| panic!("{name}: {e}"));
    let Some(Value::Seq(pieces)) = get(&room, "pieces") else {
        panic!("{name} has no pieces");
    };
    let mut items = Vec::new();
    for piece in pieces {
        let file = text(piece, "file").expect("a file");
        let stem = Path::new(file)
            .file_stem()
            .expect("a name")
            .to_string_lossy();
        let plain = stem.replace('_', " ");
        let name = text(piece, "name").unwrap_or(&plain);
        let geometry = ObjectGeometry::load(&assets().join("scenes").join(file), None)
            .unwrap_or_else(|e| panic!("{e}"));
        let [x, y, z] = get(piece, "at").map_or([0.0; 3], numbers);
        let yaw = get(piece, "yaw").map_or(0.0, number);
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw.to_radians());
        let origin = Isometry3::from_parts(Translation3::new(x, -z, y), turn);
        let place = place_of(&geometry, &origin).expect("a place");
        let mut item = Item::new(ItemId(items.len() as u64), name, geometry, place);
        let kind = text(piece, "kind").unwrap_or("Thing");
        if kind != "Thing" {
            item.mobility = Mobility::Fixed;
        }
        item.kind = match kind {
            "Wall" => ItemKind::Wall,
            "Ceiling" => ItemKind::Ceiling,
            _ if stem == "floor" || stem == "rug" => ItemKind::Floor,
            _ => ItemKind::Object,
        };
        if stem == "wall_window" {
            item.synonyms.push("window".into());
        }
        if stem == "wall_door" {
            item.synonyms.push("door".into());
        }
        item.surface = [
            "table",
            "shelf",
            "sofa",
            "box",
            "crate",
            "stool",
            "storage_box",
        ]
        .contains(&stem.as_ref());
        if let Some((_, synonyms, tags)) = WORDS.iter().find(|w| w.0 == item.name) {
            item.synonyms
                .extend(synonyms.iter().map(|s| (*s).to_owned()));
            item.tags.extend(tags.iter().map(|s| (*s).to_owned()));
        }
        items.push(item);
    }
    let person = get(&room, "person").expect("a person");
    let [x, z] = numbers(get(person, "at").expect("a place"));
    let facing = number(get(person, "facing").expect("a direction"));
    Scene {
        items,
        markers: vec![Marker {
            name: "A".into(),
            at: [0.9, -1.0],
        }],
        // The rooms' walls stand within this; doorways lead nowhere.
        floor: None,
        listener: PersonPlace {
            position: [x, -z],
            facing: facing - 90.0,
        },
        speaker: None,
        pointed: Some([0.5, -1.2]),
        held: None,
        recent: Vec::new(),
    }
}
