//! A furnished home whose things have names, for commands: two chairs, two boxes, things that stay and things that are too
//! heavy to lift.

use chois::geometry::{Mesh, ObjectGeometry};
use chois::request::{ObjectPlace, PersonPlace};
use chois::scene::{Item, ItemId, ItemKind, Marker, Mobility, Scene};
use nalgebra::Vector3;

/// What a thing is called in labels, its name, other names, tags, a description, its size (metres) and its place (x, y,
/// height of its lowest point, yaw).
type Thing = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    [f32; 3],
    [f32; 4],
);

const THINGS: [Thing; 19] = [
    (
        "sofa",
        "sofa",
        &["couch"],
        &["grey", "big"],
        "a soft grey sofa for three people",
        [2.0, 0.9, 0.85],
        [-3.4, 0.0, 0.0, 90.0],
    ),
    (
        "armchair",
        "armchair",
        &[],
        &["brown", "leather"],
        "a heavy leather armchair",
        [0.8, 0.8, 0.9],
        [-2.0, 2.2, 0.0, 0.0],
    ),
    (
        "table",
        "table",
        &["smalltable"],
        &["wooden"],
        "a wooden table",
        [0.9, 0.6, 0.72],
        [0.5, 0.6, 0.0, 0.0],
    ),
    (
        "desk",
        "desk",
        &[],
        &["white"],
        "a white writing desk",
        [1.4, 0.7, 0.74],
        [3.2, 1.5, 0.0, -90.0],
    ),
    (
        "wood_chair",
        "wooden chair",
        &["wood chair"],
        &["wooden", "brown"],
        "a wooden chair with a back",
        [0.45, 0.5, 0.83],
        [0.5, -0.2, 0.0, 180.0],
    ),
    (
        "white_chair",
        "white chair",
        &["plastic chair"],
        &["white", "plastic"],
        "a white plastic chair with a back",
        [0.45, 0.5, 0.8],
        [1.2, 2.3, 0.0, 0.0],
    ),
    (
        "red_box",
        "red box",
        &["largebox"],
        &["red", "cardboard"],
        "a large red cardboard box",
        [0.5, 0.42, 0.36],
        [2.5, -2.2, 0.0, 10.0],
    ),
    (
        "blue_box",
        "blue box",
        &["smallbox"],
        &["blue", "cardboard"],
        "a small blue cardboard box",
        [0.3, 0.25, 0.2],
        [0.5, 0.6, 0.72, 0.0],
    ),
    (
        "lamp",
        "floor lamp",
        &[],
        &["tall"],
        "a tall standing lamp with a lampshade",
        [0.44, 0.44, 1.58],
        [-3.3, -1.9, 0.0, 0.0],
    ),
    (
        "suitcase",
        "suitcase",
        &[],
        &["green"],
        "a travel suitcase with wheels",
        [0.44, 0.24, 0.77],
        [-1.0, -2.4, 0.0, 30.0],
    ),
    (
        "monitor",
        "monitor",
        &[],
        &["black"],
        "a computer monitor with a screen",
        [0.54, 0.18, 0.45],
        [3.2, 1.5, 0.74, -90.0],
    ),
    (
        "trashcan",
        "trash can",
        &[],
        &[],
        "a bin for rubbish",
        [0.32, 0.32, 0.36],
        [2.6, 0.5, 0.0, 0.0],
    ),
    (
        "stand",
        "clothes stand",
        &[],
        &[],
        "a stand for coats and clothes",
        [1.1, 0.48, 1.44],
        [-0.6, 2.5, 0.0, 0.0],
    ),
    (
        "tripod",
        "tripod",
        &[],
        &[],
        "a tripod for a camera",
        [0.8, 0.7, 1.29],
        [-0.8, 1.2, 0.0, 35.0],
    ),
    (
        "stool",
        "stool",
        &[],
        &["round"],
        "a seat without a back or armrests",
        [0.38, 0.38, 0.46],
        [-1.4, 0.2, 0.0, 0.0],
    ),
    (
        "shelf",
        "shelf",
        &["bookcase"],
        &["tall"],
        "a shelf for books",
        [0.96, 0.34, 1.2],
        [3.75, -0.6, 0.0, -90.0],
    ),
    (
        "plant",
        "plant",
        &[],
        &["green"],
        "a potted plant with leaves",
        [0.4, 0.4, 1.0],
        [-3.5, 2.5, 0.0, 0.0],
    ),
    (
        "piano",
        "piano",
        &[],
        &["black"],
        "an upright piano",
        [1.5, 0.6, 1.2],
        [0.2, -2.65, 0.0, 180.0],
    ),
    (
        "rug",
        "rug",
        &[],
        &["red"],
        "a rug on the floor",
        [2.0, 1.4, 0.01],
        [-1.6, -0.6, 0.0, 0.0],
    ),
];

/// What holds the home together: as [`THINGS`], with a kind.
const SHELL: [(&str, &str, ItemKind, [f32; 3], [f32; 4]); 6] = [
    (
        "north_wall",
        "north wall",
        ItemKind::Wall,
        [8.0, 0.1, 2.6],
        [0.0, 3.05, 0.0, 0.0],
    ),
    (
        "south_wall",
        "south wall",
        ItemKind::Wall,
        [8.0, 0.1, 2.6],
        [0.0, -3.05, 0.0, 180.0],
    ),
    (
        "east_wall",
        "east wall",
        ItemKind::Wall,
        [6.0, 0.1, 2.6],
        [4.05, 0.0, 0.0, -90.0],
    ),
    (
        "west_wall",
        "west wall",
        ItemKind::Wall,
        [6.0, 0.1, 2.6],
        [-4.05, 0.0, 0.0, 90.0],
    ),
    (
        "window",
        "window",
        ItemKind::Window,
        [1.4, 0.12, 1.2],
        [1.0, 3.05, 0.9, 0.0],
    ),
    (
        "door",
        "door",
        ItemKind::Door,
        [0.9, 0.12, 2.1],
        [3.0, -3.05, 0.0, 180.0],
    ),
];

/// What the items are called in labels, in the order of their numbers.
pub fn labels() -> Vec<&'static str> {
    let things = THINGS.iter().map(|t| t.0);
    things.chain(SHELL.iter().map(|s| s.0)).collect()
}

/// The home.
pub fn home() -> Scene {
    let mut items = Vec::new();
    let mut add = |name: &str, size: [f32; 3], place: [f32; 4]| {
        let mesh = Mesh::cuboid(Vector3::from(size) * -0.5, size.into());
        let geometry = ObjectGeometry::new(name, mesh).expect("a box");
        let [x, y, z, yaw] = place;
        let place = ObjectPlace {
            position: [x, y, z],
            yaw,
            rotation: None,
        };
        let id = ItemId(items.len() as u64);
        items.push(Item::new(id, name, geometry, place));
    };
    for (_, name, _, _, _, size, place) in &THINGS {
        add(name, *size, *place);
    }
    for (_, name, _, size, place) in &SHELL {
        add(name, *size, *place);
    }
    let strings = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    for (item, thing) in items.iter_mut().zip(&THINGS) {
        item.synonyms = strings(thing.2);
        item.tags = strings(thing.3);
        item.description = thing.4.to_owned();
        item.mobility = match thing.0 {
            "sofa" | "armchair" => Mobility::Pushable,
            "desk" | "shelf" | "piano" | "rug" => Mobility::Fixed,
            _ => Mobility::Liftable,
        };
        item.surface = matches!(
            thing.0,
            "table"
                | "desk"
                | "shelf"
                | "red_box"
                | "sofa"
                | "wood_chair"
                | "white_chair"
                | "stool"
        );
        if thing.0 == "rug" {
            item.kind = ItemKind::Floor;
        }
    }
    for (item, shell) in items[THINGS.len()..].iter_mut().zip(&SHELL) {
        item.kind = shell.2;
        item.mobility = Mobility::Fixed;
    }
    let marker = |name: &str, at: [f32; 2]| Marker {
        name: name.to_owned(),
        at,
    };
    Scene {
        items,
        markers: vec![
            marker("A", [1.8, -0.6]),
            marker("B", [-2.4, -2.4]),
            marker("blue cross", [1.9, 1.2]),
        ],
        floor: Some(vec![[-4.0, -3.0], [4.0, -3.0], [4.0, 3.0], [-4.0, 3.0]]),
        listener: PersonPlace {
            position: [0.0, -1.2],
            facing: 90.0,
        },
        speaker: Some(PersonPlace {
            position: [-2.2, -1.4],
            facing: 45.0,
        }),
        pointed: Some([1.4, -1.4]),
        held: None,
        recent: Vec::new(),
    }
}
