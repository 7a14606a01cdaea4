//! Where a person goes who is told to go somewhere.

use std::sync::Arc;

use nalgebra::Vector2;

use super::map::{Agent, Map};
use super::place::point;
use super::refusal::NavigationRefusal;
use super::stand::{self, Grasp};
use crate::command::{Action, Direction, Relation, Step, Target};
use crate::request::PersonPlace;
use crate::scene::{Footprint, ItemKind, Scene};

/// How far a person goes when no distance is said, metres.
const SOME_WAY: f32 = 1.5;
/// How far two people stand apart who talk, metres.
const TALKING: f32 = 0.9;
/// How far from the place asked for a person may end up, metres.
const NEARBY: f32 = 1.2;

/// Where a person ends up, facing what the goal is about.
pub(super) fn goal(
    map: &mut Map,
    agent: &Agent,
    scene: &Scene,
    step: &Step,
    person: PersonPlace,
) -> Result<PersonPlace, NavigationRefusal> {
    let here = Vector2::from(person.position);
    let facing = person.facing.to_radians();
    let ahead = Vector2::new(facing.cos(), facing.sin());
    let Some(goal) = &step.goal else {
        return free(
            map,
            agent,
            here + ahead * SOME_WAY,
            here + ahead * 9.0,
            here,
        );
    };
    let Some(target) = goal.targets.first() else {
        return free(
            map,
            agent,
            here + ahead * SOME_WAY,
            here + ahead * 9.0,
            here,
        );
    };
    let far = goal.distance.unwrap_or(SOME_WAY);
    let (to, look) = match (goal.relation, target) {
        (relation, Target::Item(id)) => {
            let item = scene.item(*id).ok_or_else(|| NavigationRefusal::Unusable {
                reason: format!("item {} is not in the scene", id.0),
            })?;
            let center = item.center().coords;
            let hull = match item.kind {
                ItemKind::Object => Arc::new(Footprint::hull(item, [f32::MIN, f32::MAX])),
                _ => map.slice(item, [f32::MIN, f32::MAX]),
            };
            let front = item.front();
            let side = scene.left_of(item);
            let beyond = |way: Vector2<f32>| {
                let corners = hull.outlines().into_iter().flatten();
                let reach = corners.map(|c| (c - center).dot(&way)).fold(0.0, f32::max);
                center + way * (reach + 0.5)
            };
            match relation {
                Relation::InFrontOf => (beyond(front), center),
                Relation::Behind => (beyond(-front), center),
                Relation::LeftOf => (beyond(side), center),
                Relation::RightOf => (beyond(-side), center),
                Relation::AwayFrom => {
                    let way = (here - center).try_normalize(1e-3).unwrap_or(ahead);
                    (here + way * far, here + way * 9.0)
                }
                Relation::Toward => {
                    let way = center - here;
                    (here + way.cap_magnitude(far), center)
                }
                Relation::Between => {
                    let other = match goal.targets.get(1) {
                        Some(other) => point(scene, None, other)?,
                        None => center,
                    };
                    ((center + other) / 2.0, center)
                }
                _ if item.kind == ItemKind::Object => {
                    let grasp = Grasp {
                        item: *id,
                        center,
                        hull: &hull,
                        action: Action::Walk,
                        leaves: None,
                        raised: item.place.position[2] > 0.2,
                        without: &[],
                    };
                    let places = stand::places(map, agent, &grasp, here);
                    return places.first().map(|(_, place)| *place).ok_or_else(|| {
                        NavigationRefusal::NoWay {
                            place: format!("the {}", item.name),
                        }
                    });
                }
                // Walls, windows and doors are gone up to, floors onto.
                _ if item.kind == ItemKind::Floor => (center, center),
                _ => {
                    let to = center + (here - center).cap_magnitude(0.6);
                    let front_of = beyond(front);
                    let nearer = if map.floor().contains(front_of) {
                        front_of
                    } else {
                        to
                    };
                    (nearer, center)
                }
            }
        }
        (_, Target::Direction(direction)) => {
            let left = Vector2::new(-ahead.y, ahead.x);
            let way = match direction {
                Direction::Forward => ahead,
                Direction::Back => -ahead,
                Direction::Left => left,
                Direction::Right => -left,
            };
            (here + way * far, here + way * 9.0)
        }
        (relation, Target::Speaker) => {
            let to = point(scene, None, target)?;
            // Their own left, whoever is spoken to.
            let ahead_of = scene.speaker.map_or(ahead, |speaker| {
                let facing = speaker.facing.to_radians();
                Vector2::new(facing.cos(), facing.sin())
            });
            let left_of = Vector2::new(-ahead_of.y, ahead_of.x);
            let way = match relation {
                Relation::LeftOf => left_of * TALKING,
                Relation::RightOf => -left_of * TALKING,
                Relation::InFrontOf => ahead_of * TALKING,
                Relation::Behind => -ahead_of * TALKING,
                Relation::AwayFrom => {
                    (here - to).try_normalize(1e-3).unwrap_or(ahead) * (far + (here - to).norm())
                }
                _ => (here - to).try_normalize(1e-3).unwrap_or(ahead) * TALKING,
            };
            (to + way, to)
        }
        (_, Target::Corner) => {
            let corners: Vec<Vector2<f32>> = map
                .floor()
                .outlines()
                .into_iter()
                .take(1)
                .flatten()
                .collect();
            let nearest = corners
                .into_iter()
                .min_by(|a, b| (a - here).norm().total_cmp(&(b - here).norm()));
            let corner = nearest.unwrap_or(here);
            (corner, here)
        }
        (_, Target::Middle) => {
            let bounds = map.floor().bounds().unwrap_or([here, here]);
            ((bounds[0] + bounds[1]) / 2.0, here + ahead * 9.0)
        }
        (Relation::AwayFrom, other) => {
            let from = point(scene, None, other)?;
            let way = (here - from).try_normalize(1e-3).unwrap_or(ahead);
            (here + way * far, here + way * 9.0)
        }
        (_, other) => {
            let to = point(scene, None, other)?;
            (to, to)
        }
    };
    free(map, agent, to, look, here)
}

/// The free place nearest to a point that can be walked to, facing another.
fn free(
    map: &mut Map,
    agent: &Agent,
    to: Vector2<f32>,
    look: Vector2<f32>,
    here: Vector2<f32>,
) -> Result<PersonPlace, NavigationRefusal> {
    let none = || NavigationRefusal::NoWay {
        place: "that place".into(),
    };
    let open = map.free(agent, &[]);
    let piece = open.nearest(here).first().map(|(piece, _)| *piece);
    let found = open
        .nearest(to)
        .into_iter()
        .find(|(other, _)| Some(*other) == piece)
        .map(|(_, at)| at)
        .filter(|at| (at - to).norm() <= NEARBY || !map.floor().contains(to));
    let at = found.ok_or_else(none)?;
    let sight = look - at;
    let sight = if sight.norm() > 0.05 {
        sight
    } else {
        at - here
    };
    Ok(PersonPlace {
        position: at.into(),
        facing: sight.y.atan2(sight.x).to_degrees(),
    })
}
