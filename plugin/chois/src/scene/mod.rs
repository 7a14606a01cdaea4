//! A scene as commands, placements and paths see it: what stands where, what it is called, who speaks and who listens.
//!
//! The frame is that of [`crate::request`]: metres, Z up, the floor at z = 0; places of items are [`ObjectPlace`]s. An item
//! that is not turned has its front toward -y, as glTF's +Z comes out in the model's world. A game describes its scene once
//! and moves items in it as they move.

mod footprint;
mod shape;

use std::collections::HashSet;
use std::sync::Arc;

use nalgebra::{Isometry3, Point2, Quaternion, UnitQuaternion, Vector2, Vector3};
use serde::{Deserialize, Serialize};

pub use footprint::Footprint;
pub(crate) use footprint::Swept;
pub use shape::{Level, levels};

use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, Silhouette};
use crate::request::{ObjectPlace, PersonPlace};

/// Most items of a scene.
pub const MAX_ITEMS: usize = 4_096;
/// Longest name, synonym or tag, characters.
pub const MAX_NAME_CHARS: usize = 80;
/// Longest description, characters.
pub const MAX_DESCRIPTION_CHARS: usize = 400;
/// Places beyond this distance from the origin are refused, metres.
const FARTHEST: f32 = 4_000.0;

/// Which item; the game's own number for it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct ItemId(pub u64);

/// What an item is to somebody who walks and carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemKind {
    /// Furniture and things.
    #[default]
    Object,
    /// A wall. One goes around it or through its openings, and things stand against it.
    Wall,
    /// A window.
    Window,
    /// A door or doorway.
    Door,
    /// The floor, a rug, anything one walks on: never in the way.
    Floor,
    /// The ceiling.
    Ceiling,
}

/// What a person can do with an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mobility {
    /// It can be lifted.
    #[default]
    Liftable,
    /// It can be pushed, pulled, dragged and turned, not lifted.
    Pushable,
    /// It stays where it is.
    Fixed,
}

/// Something that stands in a scene.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which.
    pub id: ItemId,
    /// What people call it: "floor lamp".
    pub name: String,
    /// Other names: "lamp", "standing lamp".
    pub synonyms: Vec<String>,
    /// Words that tell it from others: colour, material, size.
    pub tags: Vec<String>,
    /// A sentence about it, for the sentence encoder; may be empty.
    pub description: String,
    /// Its shape.
    pub geometry: ObjectGeometry,
    /// Where it is.
    pub place: ObjectPlace,
    /// Where it belongs, for "put it back"; none where it has no such place.
    pub home: Option<ObjectPlace>,
    /// What it is.
    pub kind: ItemKind,
    /// What can be done with it.
    pub mobility: Mobility,
    /// Whether things can be put on it.
    pub surface: bool,
}

impl Item {
    /// A thing that can be lifted and is no surface; its home is its place.
    pub fn new(
        id: ItemId,
        name: impl Into<String>,
        geometry: ObjectGeometry,
        place: ObjectPlace,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            synonyms: Vec::new(),
            tags: Vec::new(),
            description: String::new(),
            geometry,
            place,
            home: Some(place),
            kind: ItemKind::Object,
            mobility: Mobility::Liftable,
            surface: false,
        }
    }

    /// Its rotation, world.
    pub fn rotation(&self) -> UnitQuaternion<f32> {
        rotation(&self.place)
    }

    /// x and y of its centre, metres.
    pub fn center(&self) -> Point2<f32> {
        Point2::new(self.place.position[0], self.place.position[1])
    }

    /// The direction its front looks, unit.
    pub fn front(&self) -> Vector2<f32> {
        let front = self.rotation() * -Vector3::y();
        let front = Vector2::new(front.x, front.y);
        front.try_normalize(1e-3).unwrap_or_else(|| -Vector2::y())
    }

    /// Height over its lowest point, metres.
    pub fn height(&self) -> f32 {
        let [low, high] = self.silhouette().heights;
        high - low
    }

    /// What is outermost of it, seen from above; the same however it is turned about the vertical.
    pub(crate) fn silhouette(&self) -> Arc<Silhouette> {
        self.geometry.silhouette(&tilt(&self.place))
    }

    /// Whether one walks on it or under it, whatever its shape.
    pub fn is_passable(&self) -> bool {
        matches!(self.kind, ItemKind::Floor | ItemKind::Ceiling)
    }
}

/// The rotation of a place, world.
pub fn rotation(place: &ObjectPlace) -> UnitQuaternion<f32> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), place.yaw.to_radians()) * tilt(place)
}

/// The same without the turn about the vertical.
fn tilt(place: &ObjectPlace) -> UnitQuaternion<f32> {
    place
        .rotation
        .map_or_else(UnitQuaternion::identity, |[x, y, z, w]| {
            UnitQuaternion::try_new(Quaternion::new(w, x, y, z), 1e-6)
                .unwrap_or_else(UnitQuaternion::identity)
        })
}

/// The place of an item whose mesh's origin is here: what a game knows of an entity. None for what is no place: a number
/// that is not finite, or a turn that is none.
pub fn place_of(geometry: &ObjectGeometry, origin: &Isometry3<f32>) -> Option<ObjectPlace> {
    let turn = origin.rotation;
    let center = origin.translation.vector + turn * geometry.center();
    let position = [center.x, center.y, center.z + geometry.lowest(&turn)];
    if !(position.iter().all(|v| v.is_finite()) && (turn.norm() - 1.0).abs() < 1e-2) {
        return None;
    }
    // A turn about the vertical is said as one: what is planned with it turns on.
    let upright = (turn * Vector3::z()).z > 0.9999;
    Some(ObjectPlace {
        position,
        yaw: if upright {
            turn.euler_angles().2.to_degrees()
        } else {
            0.0
        },
        rotation: (!upright).then_some([turn.i, turn.j, turn.k, turn.w]),
    })
}

/// A named spot on the floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// What people call it: "A", "blue cross".
    pub name: String,
    /// x and y, metres.
    pub at: [f32; 2],
}

/// A scene.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// What stands in it.
    pub items: Vec<Item>,
    /// Named spots on the floor.
    pub markers: Vec<Marker>,
    /// Outline of the floor that can be walked on, metres, in order; without one, the bounds of all items and people, and a
    /// little more.
    pub floor: Option<Vec<[f32; 2]>>,
    /// Who is spoken to.
    pub listener: PersonPlace,
    /// Who speaks: "me", "my left", "here".
    pub speaker: Option<PersonPlace>,
    /// The point shown with the command: "there", "here". x and y, metres.
    pub pointed: Option<[f32; 2]>,
    /// What the listener has in their hands.
    pub held: Option<ItemId>,
    /// What was spoken of before, the latest first: "it".
    pub recent: Vec<ItemId>,
}

impl Scene {
    /// The item of this number.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// Unit vector on the floor to what is left of an item: as the speaker sees it, or, where nobody is known to speak, as who
    /// stands before its front does.
    pub fn left_of(&self, item: &Item) -> Vector2<f32> {
        let speaker = self.speaker.as_ref();
        let sight = speaker.map(|s| item.center().coords - Vector2::from(s.position));
        let sight = sight.and_then(|sight| sight.try_normalize(1e-3));
        let sight = sight.unwrap_or_else(|| -item.front());
        Vector2::new(-sight.y, sight.x)
    }

    /// Refuses what no command can be grounded in.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let bad = |field: String, reason: String| Err(Error::Invalid { field, reason });
        if self.items.len() > MAX_ITEMS {
            return bad(
                "items".into(),
                format!("{} of them; {MAX_ITEMS} are the limit", self.items.len()),
            );
        }
        let finite = |field: String, values: &[f32]| match values
            .iter()
            .find(|v| !v.is_finite() || v.abs() > FARTHEST)
        {
            Some(v) => Err(Error::Invalid {
                field,
                reason: format!("{v} is not a number between -{FARTHEST} and {FARTHEST}"),
            }),
            None => Ok(()),
        };
        let mut ids = HashSet::new();
        for (i, item) in self.items.iter().enumerate() {
            if !ids.insert(item.id) {
                return bad(
                    format!("items[{i}].id"),
                    format!("{} is another item's; give each its own", item.id.0),
                );
            }
            let words = std::iter::once(&item.name)
                .chain(&item.synonyms)
                .chain(&item.tags);
            for word in words {
                if word.trim().is_empty() || word.chars().count() > MAX_NAME_CHARS {
                    return bad(
                        format!("items[{i}]"),
                        format!(
                            "name, synonyms and tags have 1 to {MAX_NAME_CHARS} characters, not {word:?}"
                        ),
                    );
                }
            }
            if item.description.chars().count() > MAX_DESCRIPTION_CHARS {
                return bad(
                    format!("items[{i}].description"),
                    format!("is longer than {MAX_DESCRIPTION_CHARS} characters; shorten it"),
                );
            }
            for place in std::iter::once(&item.place).chain(&item.home) {
                finite(format!("items[{i}].place"), &place.position)?;
                finite(format!("items[{i}].place.yaw"), &[place.yaw])?;
                finite(
                    format!("items[{i}].place.rotation"),
                    &place.rotation.unwrap_or_default(),
                )?;
            }
        }
        for (i, marker) in self.markers.iter().enumerate() {
            finite(format!("markers[{i}].at"), &marker.at)?;
        }
        for person in std::iter::once(&self.listener).chain(&self.speaker) {
            finite("person".into(), &person.position)?;
            finite("person.facing".into(), &[person.facing])?;
        }
        finite("pointed".into(), &self.pointed.unwrap_or_default())?;
        for corner in self.floor.iter().flatten() {
            finite("floor".into(), corner)?;
        }
        Ok(())
    }
}
