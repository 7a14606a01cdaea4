//! What stands in the way of a handle, and what things can stand on.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::ecs::prelude::*;
use bevy::tasks::futures_lite::future;
use bevy::tasks::{AsyncComputeTaskPool, Task, block_on};
use bevy::transform::components::GlobalTransform;
use chois::contact::{Obstacle, ObstacleShape};
use chois::geometry::ObjectGeometry;
use chois::project::{ObjectId, Strip, sequence};
use chois::scene::{Item, ItemId, Scene, place_of};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector2, Vector3};

use super::lens::Sight;
use crate::contact::model;
use crate::editor::session::Editor;
use crate::editor::stage::EditorObject;
use crate::npc::{ItemKind, SceneObject};
use crate::object::{Interactable, ObjectShape};

/// Room that a person takes who stands, metres: what is lower is stepped over, what is higher walked under.
const STEP: f32 = 0.15;
const HEAD: f32 = 1.75;
const BODY: f32 = 0.17;
/// Highest surface that something is put on, metres.
const HIGHEST: f32 = 1.6;
/// Things stand so close on what they stand on, metres: nearer is no touch.
const CLOSE: f32 = 0.02;
/// A surface that is no steeper than this carries something: height of its unit normal.
const LEVEL: f32 = 0.95;

/// What stands about in the app: entities with an [`ObjectShape`] that are [`Interactable`]s or [`SceneObject`]s.
#[derive(Resource, Default)]
pub(in crate::editor) struct Walls {
    all: HashMap<Entity, Standing>,
}

struct Standing {
    geometry: Arc<ObjectGeometry>,
    name: String,
    kind: ItemKind,
    object: Option<ObjectId>,
    place: Isometry3<f32>,
    shape: Shape,
}

enum Shape {
    /// Being made, elsewhere than here.
    Coming(Task<Option<ObstacleShape>>),
    Made(ObstacleShape),
    None,
}

/// Looks where everything is.
pub(super) fn look(
    editor: Res<Editor>,
    mut walls: ResMut<Walls>,
    things: Query<
        (
            Entity,
            &ObjectShape,
            &GlobalTransform,
            Option<&Interactable>,
            Option<&SceneObject>,
            Option<&EditorObject>,
        ),
        Or<(With<Interactable>, With<SceneObject>)>,
    >,
) {
    if !editor.shown {
        return;
    }
    walls.all.retain(|entity, _| things.contains(*entity));
    for (entity, shape, place, thing, more, project) in &things {
        let kind = more.map_or(ItemKind::Object, |more| more.kind);
        if matches!(kind, ItemKind::Floor | ItemKind::Ceiling) {
            continue;
        }
        let known = walls.all.get_mut(&entity);
        let place = model(place.to_isometry());
        let object = project.map(|o| o.object);
        match known.filter(|known| Arc::ptr_eq(&known.geometry, &shape.geometry)) {
            Some(known) => {
                (known.place, known.object) = (place, object);
                if let Shape::Coming(task) = &mut known.shape
                    && let Some(made) = block_on(future::poll_once(task))
                {
                    known.shape = made.map_or(Shape::None, Shape::Made);
                }
            }
            None => {
                let geometry = shape.geometry.clone();
                let own = thing.map_or("", |t| t.name.trim());
                let other = more.map_or("", |m| m.name.trim());
                let name = [own, other].into_iter().find(|n| !n.is_empty());
                let of = geometry.clone();
                let task = AsyncComputeTaskPool::get()
                    .spawn(async move { ObstacleShape::mesh(&of.original()).ok() });
                let standing = Standing {
                    geometry,
                    name: name.unwrap_or("thing").to_owned(),
                    kind,
                    object,
                    place,
                    shape: Shape::Coming(task),
                };
                walls.all.insert(entity, standing);
            }
        }
    }
}

impl Walls {
    /// What stands about when a strip begins, but for its own object.
    fn obstacles<'a>(
        &'a self,
        editor: &'a Editor,
        strip: &'a Strip,
    ) -> impl Iterator<Item = (&'a Standing, Obstacle)> {
        self.all.values().filter_map(move |standing| {
            let Shape::Made(shape) = &standing.shape else {
                return None;
            };
            if standing.object.is_some() && standing.object == strip.object() {
                return None;
            }
            let place = self.place(editor, strip, standing);
            Some((standing, Obstacle::new(shape.clone(), place)))
        })
    }

    /// What stands about when a strip begins, but for its own object, as ways and arms see it.
    pub fn scene(&self, editor: &Editor, strip: &Strip) -> Scene {
        let mut items: Vec<Item> = (self.all.iter())
            .filter(|(_, standing)| standing.object.is_none_or(|o| Some(o) != strip.object()))
            .filter_map(|(entity, standing)| {
                let place = self.place(editor, strip, standing);
                let id = ItemId(entity.to_bits());
                let geometry = ObjectGeometry::clone(&standing.geometry);
                let place = place_of(&geometry, &place)?;
                Some(Item {
                    kind: standing.kind,
                    ..Item::new(id, standing.name.clone(), geometry, place)
                })
            })
            .collect();
        // The same scene in any order is the same.
        items.sort_by_key(|item| item.id.0);
        Scene {
            items,
            ..Scene::default()
        }
    }

    /// Where something is when a strip begins: where the project has it then, not where the playhead shows it.
    fn place(&self, editor: &Editor, strip: &Strip, standing: &Standing) -> Isometry3<f32> {
        let then = standing.object.and_then(|object| {
            let library = editor.library();
            let project = editor.project();
            let then = project.expected_object(library, object, strip.start)?;
            Some(sequence::origin(&then, library.thing(object)?))
        });
        then.map_or(standing.place, |(at, turn)| {
            Isometry3::from_parts(Translation3::from(at), turn)
        })
    }

    fn in_the_way(
        &self,
        editor: &Editor,
        strip: &Strip,
        body: &ObstacleShape,
        place: Isometry3<f32>,
    ) -> Option<String> {
        let hit = self
            .obstacles(editor, strip)
            .find(|(_, obstacle)| obstacle.meets(body, &place));
        if let Some((standing, _)) = hit {
            return Some(standing.name.clone());
        }
        let mut room = editor.library().obstacles().into_iter();
        let hit = room.any(|obstacle| obstacle.touches(body, &place));
        hit.then(|| "room".to_owned())
    }

    /// Why nobody can stand there: x and y, metres.
    pub fn refuse_person(
        &self,
        editor: &Editor,
        strip: &Strip,
        at: Vector2<f32>,
    ) -> Option<String> {
        let body = ObstacleShape::column((HEAD - STEP) / 2.0, BODY).ok()?;
        let place = Isometry3::translation(at.x, at.y, (HEAD + STEP) / 2.0);
        let name = self.in_the_way(editor, strip, &body, place)?;
        Some(format!(
            "nobody can stand there: the {name} is in the way; a person needs {:.2} m of room",
            2.0 * BODY
        ))
    }

    /// Why the strip's object cannot be there: its hull's centre and turn, metres.
    pub fn refuse_thing(
        &self,
        editor: &Editor,
        strip: &Strip,
        hull: &ObstacleShape,
        center: Vector3<f32>,
        turn: UnitQuaternion<f32>,
    ) -> Option<String> {
        let raised = Translation3::from(center + Vector3::z() * CLOSE);
        let place = Isometry3::from_parts(raised, turn);
        let name = self.in_the_way(editor, strip, hull, place)?;
        let object = strip.object().and_then(|id| editor.project().object(id));
        let what = object.map_or("object", |o| o.name.as_str());
        Some(format!(
            "the {what} cannot be there: the {name} is in the way; put it beside or on it"
        ))
    }

    /// What a sight rests on: the floor, or something that carries things, metres; or, where it meets the side of something
    /// first, what that is called. Walls and ceilings are looked through: what is seen through them gave way to the eye.
    pub fn seen(&self, editor: &Editor, strip: &Strip, sight: Sight) -> Option<Seen> {
        let down = -sight.along.z;
        if down < 1e-3 {
            return None;
        }
        let skipped = ((sight.from.z - HIGHEST) / down).max(0.0);
        let from = sight.from + sight.along * skipped;
        let mut nearest = from.z / down;
        let mut seen = Seen::Surface(from + sight.along * nearest);
        for (standing, obstacle) in self.obstacles(editor, strip) {
            if standing.kind != ItemKind::Object {
                continue;
            }
            if let Some((far, normal)) = obstacle.cast(&from, &sight.along)
                && far < nearest
            {
                nearest = far;
                seen = if normal.z.abs() > LEVEL {
                    Seen::Surface(from + sight.along * far)
                } else {
                    Seen::Side(standing.name.clone())
                };
            }
        }
        for obstacle in editor.library().obstacles() {
            // Of a room, what carries things alone.
            let mut passed = 0.0;
            while let Some((far, normal)) =
                obstacle.cast(&(from + sight.along * passed), &sight.along)
            {
                passed += far;
                if passed >= nearest {
                    break;
                }
                if normal.z > LEVEL {
                    nearest = passed;
                    seen = Seen::Surface(from + sight.along * passed);
                }
                passed += 1e-3;
            }
        }
        Some(seen)
    }

    /// How high what is under a place carries things, no higher than the place itself and a little; 0 for the floor.
    pub fn rest(&self, editor: &Editor, strip: &Strip, at: Vector3<f32>) -> f32 {
        let from = at + Vector3::z() * 0.05;
        let room = editor.library().obstacles();
        (self.obstacles(editor, strip).map(|(_, obstacle)| obstacle))
            .chain(room)
            .filter_map(|obstacle| obstacle.cast(&from, &-Vector3::z()))
            .filter(|(_, normal)| normal.z > LEVEL)
            .map(|(far, _)| from.z - far)
            .fold(0.0, f32::max)
    }
}

/// What a sight meets.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::editor) enum Seen {
    /// The floor or what carries things, metres.
    Surface(Vector3<f32>),
    /// The side of something of that name.
    Side(String),
}
