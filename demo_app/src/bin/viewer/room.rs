//! The room: what stands where, read from a file of `assets/scenes`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bevy::asset::AssetPath;
use bevy::camera::primitives::Aabb;
use bevy::camera::visibility::RenderLayers;
use bevy::prelude::*;
use bevy_chois::npc::{ItemKind, Mobility, SceneObject};
use bevy_chois::object::{Interactable, ObjectShape};
use chois::geometry::ObjectGeometry;
use chois::{Error, Result};
use serde::Deserialize;

use crate::catalogue::name_of;
use crate::eye::{Eye, View};
use crate::ron_file;

/// Farthest that anything may stand from the middle, metres.
const FARTHEST: f32 = 100.0;
/// The layer of what throws shadows but is not seen.
pub const UNSEEN: usize = 1;

/// A room. Bevy's axes: metres, Y up.
#[derive(Resource, Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// What stands in it.
    pub pieces: Vec<Piece>,
    /// The direction that sunlight travels.
    pub sun: [f32; 3],
    /// Where the eye is at first.
    pub camera: ViewPlace,
    /// Where the person stands at first.
    pub person: PersonPlace,
    /// The folder that files are named relative to.
    #[serde(skip)]
    folder: PathBuf,
}

/// Something that stands in a room.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// What people call it; by default its file's name.
    #[serde(default)]
    pub name: String,
    /// The glTF file, relative to the room's.
    pub file: PathBuf,
    /// Where its origin is, metres.
    #[serde(default)]
    pub at: [f32; 3],
    /// Turn about the vertical, degrees, counter-clockwise seen from above.
    #[serde(default)]
    pub yaw: f32,
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub enum Kind {
    /// A thing that a person can move.
    #[default]
    Thing,
    /// Stays where it is.
    Fixed,
    /// Not drawn when it stands between the eye and the room. It faces along its +Z.
    Wall,
    /// Not drawn when the eye is above it. It keeps the sky out all the same.
    Ceiling,
}

/// Where the eye is, and what it looks at, metres.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewPlace {
    from: [f32; 3],
    at: [f32; 3],
}

impl ViewPlace {
    /// Whether it is two places, neither of them far away.
    pub fn is_usable(&self) -> bool {
        within(self.from.into_iter().chain(self.at))
            && Vec3::from(self.from).distance(self.at.into()) >= 0.1
    }

    /// As the eye takes it.
    pub fn view(&self) -> View {
        View {
            from: self.from.into(),
            at: self.at.into(),
        }
    }
}

/// Where a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonPlace {
    /// x and z, metres.
    pub at: [f32; 2],
    /// Direction faced, degrees from +Z toward +X.
    pub facing: f32,
}

impl PersonPlace {
    /// Feet and direction; avatars face along +Z.
    pub fn transform(&self) -> Transform {
        let [x, z] = self.at;
        Transform::from_xyz(x, 0.0, z)
            .with_rotation(Quat::from_rotation_y(self.facing.to_radians()))
    }
}

impl Room {
    /// The file of a thing, relative to the folder of assets.
    pub fn file_of(&self, name: &str) -> Option<AssetPath<'static>> {
        let piece = self.pieces.iter().find(|p| p.name == name)?;
        Some(AssetPath::from_path_buf(piece.file.clone()))
    }

    /// Reads a room; its files are then named relative to the folder of assets, or in full where they lie elsewhere.
    ///
    /// # Errors
    /// Those of [`ron_file::read`]; [`Error::Malformed`] for what cannot be built; [`Error::Missing`] for a file.
    pub fn read(path: &Path, assets: &Path) -> Result<Self> {
        let mut room: Self = ron_file::read(path, "room")?;
        let malformed = |reason: String| Error::malformed(path, "room", reason);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut names = HashSet::new();
        for (i, piece) in room.pieces.iter_mut().enumerate() {
            if piece.name.is_empty() {
                piece.name = name_of(&piece.file);
            }
            if piece.kind == Kind::Thing && !names.insert(piece.name.clone()) {
                let name = &piece.name;
                let reason = format!("pieces[{i}]: a second thing called {name:?}; give it a name");
                return Err(malformed(reason));
            }
            let numbers = piece.at.into_iter().chain([piece.yaw / 360.0]);
            if !within(numbers) {
                return Err(malformed(format!("pieces[{i}]: at or yaw is out of range")));
            }
            let file = folder.join(&piece.file);
            let file = file.canonicalize().map_err(|_| Error::Missing {
                what: "a piece of the room",
                path: file,
                remedy: "correct `file` in the room's file; it is relative to that file",
            })?;
            let inside = assets.canonicalize().ok();
            let inside = inside.and_then(|a| Some(file.strip_prefix(a).ok()?.to_owned()));
            piece.file = inside.unwrap_or(file);
        }
        room.folder = assets.to_owned();
        let person = room
            .person
            .at
            .into_iter()
            .chain([room.person.facing / 360.0]);
        if !within(room.sun.into_iter().chain(person)) {
            return Err(malformed("sun or person is out of range".into()));
        }
        if Vec3::from(room.sun).y > -0.05 {
            return Err(malformed(
                "sun: its light must travel downward, y below -0.05".into(),
            ));
        }
        if !room.camera.is_usable() {
            return Err(malformed(
                "camera: from and at must be two places within 100 m".into(),
            ));
        }
        Ok(room)
    }

    /// The direction that sunlight travels, unit.
    pub fn sunlight(&self) -> Dir3 {
        Dir3::new(self.sun.into()).unwrap_or(Dir3::NEG_Y)
    }
}

fn within(numbers: impl IntoIterator<Item = f32>) -> bool {
    numbers.into_iter().all(|n| n.abs() <= FARTHEST)
}

/// A wall or a ceiling, which may stand in the way; it faces along this axis of its own.
#[derive(Component)]
pub struct Wall(Dir3);

/// Everything that belongs to the room.
#[derive(Component)]
pub struct OfRoom;

/// Spawns a room's pieces.
pub fn spawn(commands: &mut Commands, room: &Room, assets: &AssetServer) {
    for piece in &room.pieces {
        let scene =
            GltfAssetLabel::Scene(0).from_asset(AssetPath::from_path(&piece.file).into_owned());
        let place = Transform::from_translation(piece.at.into())
            .with_rotation(Quat::from_rotation_y(piece.yaw.to_radians()));
        let mut entity = commands.spawn((
            OfRoom,
            Name::new(piece.name.clone()),
            WorldAssetRoot(assets.load(scene)),
            place,
        ));
        match piece.kind {
            Kind::Thing => entity.insert(Interactable {
                name: piece.name.clone(),
            }),
            Kind::Fixed => &mut entity,
            Kind::Wall => entity.insert(Wall(Dir3::Z)),
            Kind::Ceiling => entity.insert(Wall(Dir3::NEG_Y)),
        };
        if piece.kind != Kind::Thing {
            let (object, shape) = fixture(room, piece);
            entity.insert(object);
            if let Some(shape) = shape {
                entity.insert(shape);
            }
        }
    }
}

/// Pieces whose files are named so are walked on, and those on which things can be put.
const FLOORS: [&str; 2] = ["floor", "rug"];
const SURFACES: [&str; 2] = ["shelf", "sofa"];

/// What commands and paths know of a piece that stays; what cannot be read is only drawn.
fn fixture(room: &Room, piece: &Piece) -> (SceneObject, Option<ObjectShape>) {
    let stem = piece.file.file_stem().unwrap_or_default().to_string_lossy();
    let kind = match piece.kind {
        Kind::Wall => ItemKind::Wall,
        Kind::Ceiling => ItemKind::Ceiling,
        _ if FLOORS.contains(&stem.as_ref()) => ItemKind::Floor,
        _ => ItemKind::Object,
    };
    let synonyms = (["window", "door"].into_iter())
        .filter(|part| stem.ends_with(part))
        .map(str::to_owned)
        .collect();
    let shape = ObjectGeometry::load(&room.folder.join(&piece.file), None)
        .inspect_err(|error| warn!("{error}"))
        .ok()
        .map(|geometry| ObjectShape {
            geometry: Arc::new(geometry),
        });
    let object = SceneObject {
        name: piece.name.clone(),
        synonyms,
        kind,
        mobility: Mobility::Fixed,
        surface: SURFACES.contains(&stem.as_ref()),
        ..default()
    };
    (object, shape)
}

/// Takes walls between the eye and the room out of the picture; they throw their shadows all the same.
pub fn open_walls(
    mut commands: Commands,
    eye: Single<&GlobalTransform, With<Eye>>,
    walls: Query<(Entity, &Wall)>,
    children: Query<&Children>,
    meshes: Query<(&GlobalTransform, &Aabb, Option<&RenderLayers>), With<Mesh3d>>,
) {
    for (wall, Wall(faces)) in &walls {
        for entity in children.iter_descendants(wall) {
            let Ok((place, bounds, old)) = meshes.get(entity) else {
                continue;
            };
            let toward = eye.translation() - place.transform_point(bounds.center.into());
            let behind = toward.dot(place.rotation() * **faces) < 0.0;
            let layers = RenderLayers::layer(if behind { UNSEEN } else { 0 });
            if old.cloned().unwrap_or_default() != layers {
                commands.entity(entity).insert(layers);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "sun: (0.5, -1.0, 0.2), camera: (from: (3.0, 2.0, 3.0), at: (0.0, 1.0, 0.0)), \
                        person: (at: (0.0, 1.0), facing: 90.0)";

    fn read(text: &str) -> Result<Room> {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["assets/objects", "assets/scenes"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        std::fs::write(folder.path().join("assets/objects/big_box.glb"), b"").expect("written");
        let path = folder.path().join("assets/scenes/room.ron");
        std::fs::write(&path, text).expect("written");
        Room::read(&path, &folder.path().join("assets"))
    }

    #[test]
    fn pieces_are_named_and_found() {
        let pieces =
            "pieces: [(file: \"../objects/big_box.glb\", at: (1.0, 0.0, -2.0), yaw: 90.0)]";
        let room = read(&format!("({pieces}, {REST})")).expect("a room");
        assert_eq!(room.pieces[0].name, "big box");
        assert_eq!(room.pieces[0].file, Path::new("objects/big_box.glb"));
        assert!((room.person.transform().rotation * Vec3::Z - Vec3::X).length() < 1e-6);
    }

    #[test]
    fn what_cannot_be_built_is_refused_in_words() {
        let piece = "(file: \"../objects/big_box.glb\")";
        for (text, words) in [
            (format!("(pieces: [{piece}, {piece}], {REST})"), "big box"),
            (
                format!("(pieces: [(file: \"none.glb\")], {REST})"),
                "none.glb",
            ),
            (
                format!("(pieces: [], {})", REST.replace("-1.0", "1.0")),
                "downward",
            ),
            (
                format!("(pieces: [], {})", REST.replace("3.0, 2.0", "inf, 2.0")),
                "two places",
            ),
            (format!("(pieces: [],\n color: 3, {REST})"), "line 2"),
        ] {
            let error = read(&text).expect_err(&text).to_string();
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
    }
}
