//! The game's scene as commands and ways see it.

use std::collections::HashMap;

use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::query::{Or, With, Without};
use bevy::ecs::resource::Resource;
use bevy::ecs::system::{Local, Query, Res, ResMut, SystemParam};
use bevy::math::{Isometry3d, Vec3};
use bevy::transform::components::{GlobalTransform, Transform};
use chois::geometry::ObjectGeometry;
use chois::request::{ObjectPlace, PersonPlace};
use chois::scene::{Item, ItemId, ItemKind, Marker, Mobility, Scene, place_of};
use nalgebra::Isometry3;

use super::mind::Mind;
use super::{Npc, NpcCommand};
use crate::frame;
use crate::object::{Interactable, ObjectShape, ReadingState};
use crate::synthesis::MotionSynthesizer;

/// Describes a thing further than its [`Interactable`] does: other names, what it is like, what can be done with it. A table
/// without it can be lifted, and nothing is put on it. What is no `Interactable` needs an [`ObjectShape`] of its own.
#[derive(Component, Clone, Debug, Default)]
pub struct SceneObject {
    /// What people call it, where it is no [`Interactable`] or that has no name.
    pub name: String,
    /// Other names: "lamp", "standing lamp".
    pub synonyms: Vec<String>,
    /// Words that tell it from others: colour, material, size.
    pub tags: Vec<String>,
    /// A sentence about it; may be empty.
    pub description: String,
    /// What it is.
    pub kind: ItemKind,
    /// What can be done with it.
    pub mobility: Mobility,
    /// Whether things can be put on it.
    pub surface: bool,
}

/// A named spot on the floor.
#[derive(Component, Clone, Debug)]
#[require(Transform)]
pub struct SceneMarker {
    /// What people call it: "A", "blue cross".
    pub name: String,
}

/// Outline of the floor that people can walk on: corners in order, world, metres; their height plays no part. Without one, as
/// far as things and people are, and a little more.
#[derive(Resource, Clone, Debug, Default)]
pub struct SceneFloor(pub Vec<Vec3>);

/// Where things belong: where they were first seen.
#[derive(Resource, Default)]
pub(super) struct Homes(HashMap<Entity, ObjectPlace>);

/// A thing that begins this far below the floor does not stand on it, metres.
const BELOW: f32 = 0.1;
/// Height above which nothing is in a person's way or reach, metres.
const BEYOND_REACH: f32 = 2.5;
/// Frames for which nothing more has come before a scene is taken for whole.
const SETTLED: u32 = 20;

/// How many things there are, and for how many frames there have been so many.
#[derive(Default)]
pub(super) struct Seen(usize, u32);

/// Has a scene looked over once it has settled, where there is somebody who may be told something: the first command does not
/// wait for it then.
pub(super) fn look_over(
    npcs: Query<(Entity, &Npc)>,
    mut around: Surroundings,
    mut synthesizer: MotionSynthesizer,
    mind: Res<Mind>,
    mut seen: Local<Seen>,
) {
    let Some((npc, settings)) = npcs.iter().next() else {
        return;
    };
    let count = around.all().count();
    let Seen(was, frames) = &mut *seen;
    if *was != count {
        (*was, *frames) = (count, 0);
    } else if count > 0 && *frames <= SETTLED {
        *frames += 1;
        if *frames == SETTLED {
            let scene = around.scene(&NpcCommand::new(npc, ""), &[], settings.floor);
            mind.prepare(&mut synthesizer, scene);
        }
    }
}

/// Everything that a scene is made of.
#[derive(SystemParam)]
pub(super) struct Surroundings<'w, 's> {
    things: Query<
        'w,
        's,
        (
            Entity,
            &'static ObjectShape,
            &'static GlobalTransform,
            Option<&'static Interactable>,
            Option<&'static SceneObject>,
        ),
        Or<(With<Interactable>, With<SceneObject>)>,
    >,
    markers: Query<'w, 's, (&'static SceneMarker, &'static GlobalTransform)>,
    places: Query<'w, 's, &'static GlobalTransform>,
    floor: Option<Res<'w, SceneFloor>>,
    /// Things whose shapes are not known yet.
    coming: Query<'w, 's, (Entity, &'static ReadingState), Without<ObjectShape>>,
    homes: ResMut<'w, Homes>,
}

impl Surroundings<'_, '_> {
    /// Things that are being loaded.
    pub fn coming(&self) -> impl Iterator<Item = Entity> + '_ {
        let reading = (self.coming.iter()).filter(|(_, state)| state.is_reading());
        reading.map(|(entity, _)| entity)
    }

    /// The scene in which a command is given, about a floor of this height. `recent` are the things spoken of before, the
    /// latest first.
    pub fn scene(&mut self, command: &NpcCommand, recent: &[Entity], floor: f32) -> Scene {
        let items = self
            .things
            .iter()
            .filter_map(|(entity, shape, place, thing, more)| {
                let name = name_of(thing, more);
                let here = object_place(&shape.geometry, place.to_isometry())?;
                let home = *self.homes.0.entry(entity).or_insert(here);
                let [here, home] = [here, home].map(|place| above(place, floor));
                if is_elsewhere(&shape.geometry, &here) {
                    return None;
                }
                let geometry = (*shape.geometry).clone();
                let mut item = Item::new(id(entity), name, geometry, here);
                item.home = Some(home);
                if thing.is_none() {
                    item.mobility = Mobility::Fixed;
                }
                if let Some(more) = more {
                    item.synonyms.clone_from(&more.synonyms);
                    item.tags.clone_from(&more.tags);
                    item.description.clone_from(&more.description);
                    (item.kind, item.surface) = (more.kind, more.surface);
                    item.mobility = more.mobility.clone();
                }
                Some(item)
            });
        let mut items: Vec<Item> = items.collect();
        // Whatever order the world has them in.
        items.sort_by_key(|item| item.id);
        let level = |at: Vec3| {
            let at = frame::vector(at);
            [at.x, at.y]
        };
        let markers = self.markers.iter().map(|(marker, place)| Marker {
            name: marker.name.clone(),
            at: level(place.translation()),
        });
        Scene {
            items,
            markers: markers.collect(),
            floor: (self.floor.as_ref())
                .filter(|floor| floor.0.len() >= 3)
                .map(|floor| floor.0.iter().copied().map(level).collect()),
            listener: self.person(command.entity).unwrap_or_default(),
            speaker: command.speaker.and_then(|speaker| self.person(speaker)),
            pointed: command.pointed.map(level),
            held: None,
            recent: recent.iter().copied().map(id).collect(),
        }
    }

    /// Where somebody stands; None for who is not there.
    pub fn person(&self, entity: Entity) -> Option<PersonPlace> {
        let place = self.places.get(entity).ok()?.to_isometry();
        let at = frame::vector(place.translation.into());
        let facing = frame::vector(place.rotation * Vec3::Z);
        Some(PersonPlace {
            position: [at.x, at.y],
            facing: facing.y.atan2(facing.x).to_degrees(),
        })
    }

    /// What people call a thing.
    pub fn name(&self, entity: Entity) -> String {
        match self.things.get(entity) {
            Ok((.., thing, more)) => name_of(thing, more).to_owned(),
            Err(_) => name_of(None, None).to_owned(),
        }
    }

    /// Where everything is.
    pub fn all(&self) -> impl Iterator<Item = (Entity, Vec3)> {
        (self.things.iter()).map(|(entity, _, place, ..)| (entity, place.translation()))
    }

    /// Where a thing is once its mesh's origin is here; None for one that is gone, or no place.
    pub fn place_at(&self, entity: Entity, origin: &Isometry3<f32>) -> Option<ObjectPlace> {
        let (_, shape, ..) = self.things.get(entity).ok()?;
        place_of(&shape.geometry, origin)
    }

    /// Where a thing is now, above a floor of this height; None for one that is gone.
    pub fn place(&self, entity: Entity, floor: f32) -> Option<ObjectPlace> {
        let (_, shape, place, ..) = self.things.get(entity).ok()?;
        let place = object_place(&shape.geometry, place.to_isometry())?;
        Some(above(place, floor))
    }
}

/// A place of the world above a floor.
fn above(mut place: ObjectPlace, floor: f32) -> ObjectPlace {
    place.position[2] -= floor;
    place
}

/// Whether a thing is in another storey: wholly below the floor, or beyond reach above it.
fn is_elsewhere(geometry: &ObjectGeometry, place: &ObjectPlace) -> bool {
    let low = place.position[2];
    if low >= -BELOW {
        return low > BEYOND_REACH;
    }
    let turn = chois::scene::rotation(place);
    let heights = || geometry.vertices().iter().map(|v| (turn * v).z);
    let [low_of, high_of] = [
        heights().fold(f32::INFINITY, f32::min),
        heights().fold(f32::NEG_INFINITY, f32::max),
    ];
    low + (high_of - low_of) < BELOW
}

/// What has no name is in the way all the same.
fn name_of<'a>(thing: Option<&'a Interactable>, more: Option<&'a SceneObject>) -> &'a str {
    let own = thing.map_or("", |thing| thing.name.trim());
    let other = more.map_or("", |more| more.name.trim());
    [own, other]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("thing")
}

/// An entity as an item's number.
pub(super) fn id(entity: Entity) -> ItemId {
    ItemId(entity.to_bits())
}

/// The entity of an item.
pub(super) fn entity(id: ItemId) -> Option<Entity> {
    Entity::try_from_bits(id.0)
}

/// A thing's place.
fn object_place(geometry: &ObjectGeometry, place: Isometry3d) -> Option<ObjectPlace> {
    let translation = frame::vector(place.translation.into()).into();
    let origin = Isometry3::from_parts(translation, frame::rotation(place.rotation));
    place_of(geometry, &origin)
}
