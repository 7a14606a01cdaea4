//! From a relation to exactly where an item goes: a spot that is free, in reach, and turned sensibly.

mod beside;
mod body;
mod points;
mod surface;

use nalgebra::Vector2;

pub(super) use points::point;

use self::beside::{against, around, between, near_item};
use self::body::{Body, Candidate, Turn};
use self::points::{anywhere, grid, near_point};
use self::surface::on_top;
use super::map::{Agent, Map};
use super::refusal::NavigationRefusal;
use super::stand::{self, Grasp};
use crate::command::{Action, Direction, Goal, Relation, Step, Target};
use crate::request::{ObjectPlace, PersonPlace};
use crate::scene::{Footprint, Item, ItemId, ItemKind, Scene};

/// Room between two things that stand side by side, metres.
const APART: f32 = 0.02;
/// A wall nearer than this is what something turns its back to, metres.
const BY_WALL: f32 = 0.4;
/// How far something is moved when no distance is said, metres.
const SOME_WAY: f32 = 1.2;
/// Spots whose surroundings are looked at.
const TRIED: usize = 48;
/// How far apart spots are that are offered, metres, and how much worse than the best one the last may be.
const ELSEWHERE: f32 = 0.2;
const WORSE: f32 = 0.6;
/// Room that is kept before doors, metres.
const DOORWAY: f32 = 0.7;

/// Where an item goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub place: ObjectPlace,
    /// Where a person may stand who puts it there.
    pub person: PersonPlace,
}

impl Spot {
    /// x and y, metres.
    pub fn at(&self) -> Vector2<f32> {
        Vector2::new(self.place.position[0], self.place.position[1])
    }
}

/// What a place is looked for.
pub(super) struct Wanted<'a> {
    pub scene: &'a Scene,
    /// The item where it is now.
    pub item: &'a Item,
    pub step: &'a Step,
    /// Where the person is who brings it, and how much room they need.
    pub person: PersonPlace,
    pub agent: &'a Agent,
}

/// A goal in words: "next to the sofa".
pub(super) fn described(goal: &Goal, scene: &Scene) -> String {
    let target = |target: &Target| match target {
        Target::Item(id) => scene
            .item(*id)
            .map_or_else(|| "thing".to_owned(), |item| format!("the {}", item.name)),
        Target::Marker(name) => format!("marker {name}"),
        Target::Speaker => "you".into(),
        Target::Listener => "me".into(),
        Target::Here => "this spot".into(),
        Target::There => "that spot".into(),
        Target::Home => "its old place".into(),
        Target::Corner => "the corner".into(),
        Target::Middle => "the middle of the room".into(),
        Target::Direction(Direction::Forward) => "the front".into(),
        Target::Direction(Direction::Back) => "the back".into(),
        Target::Direction(Direction::Left) => "the left".into(),
        Target::Direction(Direction::Right) => "the right".into(),
    };
    let relation = match goal.relation {
        Relation::LeftOf => "to the left of".to_owned(),
        Relation::RightOf => "to the right of".to_owned(),
        other => other.name().replace('_', " "),
    };
    let targets: Vec<String> = goal.targets.iter().map(target).collect();
    format!("{relation} {}", targets.join(" and "))
}

impl Wanted<'_> {
    fn no_room(&self) -> NavigationRefusal {
        let place = self.step.goal.as_ref().map_or_else(
            || "near where it is".to_owned(),
            |goal| described(goal, self.scene),
        );
        NavigationRefusal::NoRoom {
            name: self.item.name.clone(),
            place,
        }
    }

    fn center(&self) -> Vector2<f32> {
        self.item.center().coords
    }

    fn find(&self, id: ItemId) -> Result<&Item, NavigationRefusal> {
        self.scene
            .item(id)
            .ok_or_else(|| NavigationRefusal::Unusable {
                reason: format!("item {} is not in the scene", id.0),
            })
    }
}

/// Where the item may go, the best first: at least one spot, `most` at most.
pub(super) fn places(
    map: &mut Map,
    wanted: &Wanted<'_>,
    most: usize,
) -> Result<Vec<Spot>, NavigationRefusal> {
    let body = Body::new(wanted.item);
    let mut under = None;
    let mut surface = None;
    let mut close_to = None;
    let mut candidates = Vec::new();
    match &wanted.step.goal {
        None => anywhere(wanted, &body, &mut candidates),
        Some(goal) => {
            let target = match goal.targets.first() {
                Some(Target::Item(id)) => Some(wanted.find(*id)?.clone()),
                _ => None,
            };
            match (goal.relation, &target) {
                (Relation::On, Some(on)) if on.kind != ItemKind::Floor => {
                    surface = Some(on.id);
                    on_top(map, wanted, &body, on, &mut candidates)?;
                }
                (Relation::On | Relation::Under, Some(on)) => {
                    under = (goal.relation == Relation::Under).then(|| on.clone());
                    grid(&Footprint::hull(on, [f32::MIN, f32::MAX]), 0.08, |at| {
                        let cost = (at - on.center().coords).norm();
                        candidates.push(Candidate {
                            at,
                            height: 0.0,
                            yaw: body.yaw,
                            cost,
                        });
                    });
                }
                (Relation::Against, Some(wall)) => {
                    against(map, wanted, &body, wall, &mut candidates);
                }
                (Relation::Between, _) => between(wanted, &body, goal, &mut candidates)?,
                (relation, Some(beside)) => {
                    near_item(wanted, &body, relation, goal, beside, &mut candidates);
                    let anywhere =
                        matches!(relation, Relation::At | Relation::NextTo | Relation::Near);
                    close_to = (anywhere && goal.distance.is_none()).then(|| beside.clone());
                }
                (relation, None) => {
                    near_point(map, wanted, &body, relation, goal, &mut candidates)?;
                }
            }
        }
    }
    let turned = facing(wanted)?;
    let turn = |map: &Map, candidates: &mut Vec<Candidate>| {
        if let Some(turn) = turned {
            for c in candidates {
                c.yaw = body.yaw(turn, c.at);
            }
        } else if surface.is_none() {
            backs(map, &body, candidates);
        }
    };
    turn(map, &mut candidates);
    let found = best(
        map,
        wanted,
        &body,
        candidates,
        under.as_ref(),
        surface,
        most,
    );
    let (Err(_), Some(target)) = (&found, close_to) else {
        return found;
    };
    // Furniture that stands close together leaves room in odd places.
    let mut candidates = Vec::new();
    around(map, wanted, &body, &target, &mut candidates);
    turn(map, &mut candidates);
    let closely = best(map, wanted, &body, candidates, None, None, most);
    if closely.is_ok() { closely } else { found }
}

/// What the item is to face.
fn facing(wanted: &Wanted<'_>) -> Result<Option<Turn>, NavigationRefusal> {
    let scene = wanted.scene;
    Ok(match &wanted.step.facing {
        Some(Target::Item(id)) => Some(Turn::Face(wanted.find(*id)?.center().coords)),
        Some(Target::Speaker) => scene.speaker.map(|s| Turn::Face(s.position.into())),
        Some(Target::Listener) => Some(Turn::Face(wanted.person.position.into())),
        Some(Target::Marker(name)) => scene
            .markers
            .iter()
            .find(|m| m.name == *name)
            .map(|m| Turn::Face(m.at.into())),
        _ => None,
    })
}

/// Variants of what comes to stand by a wall, its back to the wall.
fn backs(map: &Map, body: &Body, candidates: &mut Vec<Candidate>) {
    let walls: Vec<(&Footprint, [Vector2<f32>; 2])> = (map.obstacles.iter())
        .filter(|o| o.kind == ItemKind::Wall)
        .filter_map(|o| Some((&o.area, o.bounds?)))
        .collect();
    let corners = body.hull.outlines().into_iter().flatten();
    let most = BY_WALL + corners.map(|c| c.norm()).fold(0.0, f32::max);
    let mut more = Vec::new();
    for c in candidates.iter() {
        let by = |[low, high]: [Vector2<f32>; 2]| {
            (0..2).all(|i| low[i] - most < c.at[i] && c.at[i] < high[i] + most)
        };
        if !walls.iter().any(|(_, bounds)| by(*bounds)) {
            continue;
        }
        let here = body.at(c);
        let near = (walls.iter())
            .filter(|(_, bounds)| by(*bounds))
            .filter_map(|(wall, _)| Some((wall, wall.gap_within(BY_WALL, &here)?)));
        let Some((wall, _)) = near.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        let Some(inward) = away_from(wall, c.at) else {
            continue;
        };
        more.push(Candidate {
            yaw: body.yaw(Turn::Front(inward), c.at),
            cost: c.cost - 0.15,
            ..*c
        });
    }
    candidates.extend(more);
}

/// The direction from the nearest point of an area to a point outside.
fn away_from(area: &Footprint, point: Vector2<f32>) -> Option<Vector2<f32>> {
    let mut best: Option<(f32, Vector2<f32>)> = None;
    for ring in area.outlines() {
        for (i, a) in ring.iter().enumerate() {
            let b = ring[(i + 1) % ring.len()];
            let along = b - a;
            let t = (point - a).dot(&along) / along.norm_squared().max(1e-12);
            let nearest = a + along * t.clamp(0.0, 1.0);
            let away = (point - nearest).norm();
            if best.is_none_or(|(d, _)| away < d) {
                best = Some((away, point - nearest));
            }
        }
    }
    best.and_then(|(_, way)| way.try_normalize(1e-4))
}

/// The best candidates that are free and beside which somebody can stand.
fn best(
    map: &mut Map,
    wanted: &Wanted<'_>,
    body: &Body,
    mut candidates: Vec<Candidate>,
    under: Option<&Item>,
    surface: Option<ItemId>,
    most: usize,
) -> Result<Vec<Spot>, NavigationRefusal> {
    candidates.retain(|c| c.at.iter().all(|v| v.is_finite()));
    // Doorways stay free, where there is another place.
    let doors: Vec<Footprint> = map
        .obstacles
        .iter()
        .filter(|o| o.kind == ItemKind::Door)
        .map(|o| o.hull.clone())
        .collect();
    for c in &mut candidates {
        if c.height < 0.05 && doors.iter().any(|door| door.distance(c.at) < DOORWAY) {
            c.cost += 0.6;
        }
    }
    candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut in_the_way: Vec<(String, usize)> = Vec::new();
    let mut stands = 0;
    let mut too_high = false;
    let people = people(wanted);
    // What of a shelter is in the way of what goes under it.
    let legs = under.map(|shelter| map.slice(shelter, [0.0, body.height + 0.02]));
    let mut spots: Vec<Spot> = Vec::new();
    let mut least = f32::INFINITY;
    for c in &candidates {
        if spots.len() == most || c.cost > least + WORSE {
            break;
        }
        let near = |spot: &Spot| (c.at - spot.at()).norm() < ELSEWHERE && c.yaw == spot.place.yaw;
        if spots.iter().any(near) {
            continue;
        }
        let hull = body.at(c);
        let raised = c.height > 0.05;
        if !raised && !map.floor().covers(&hull) {
            continue;
        }
        if people.iter().any(|p| !raised && hull.distance(*p) < 0.2) {
            continue;
        }
        let heights = [c.height + 0.01, c.height + body.height];
        if let Some(legs) = &legs
            && legs.is_within(APART, &hull)
        {
            too_high |= legs.meets(&hull);
            continue;
        }
        let by = map.obstacles.iter().find(|o| {
            let same = o.id == wanted.item.id || surface == Some(o.id);
            let below = under.is_some_and(|u| u.id == o.id);
            let apart = o.heights[1] <= heights[0] || o.heights[0] >= heights[1];
            let area = if o.kind == ItemKind::Object {
                &o.hull
            } else {
                &o.area
            };
            !same && !below && !apart && area.is_within(APART, &hull)
        });
        if let Some(by) = by {
            match in_the_way.iter_mut().find(|(name, _)| *name == by.name) {
                Some((_, count)) => *count += 1,
                None => in_the_way.push((by.name.clone(), 1)),
            }
            continue;
        }
        stands += 1;
        if stands > TRIED {
            break;
        }
        let grasp = Grasp {
            item: wanted.item.id,
            center: c.at,
            hull: &hull,
            action: Action::PutDown,
            leaves: None,
            raised: raised || under.is_some(),
            without: &[wanted.item.id],
        };
        let places = stand::places(map, wanted.agent, &grasp, wanted.person.position.into());
        if let Some((_, person)) = places.first() {
            least = least.min(c.cost);
            spots.push(Spot {
                place: ObjectPlace {
                    position: [c.at.x, c.at.y, c.height],
                    yaw: c.yaw,
                    rotation: wanted.item.place.rotation,
                },
                person: *person,
            });
        }
    }
    if !spots.is_empty() {
        return Ok(spots);
    }
    if too_high && let Some(under) = under {
        return Err(NavigationRefusal::TooHighFor {
            name: wanted.item.name.clone(),
            under: under.name.clone(),
            height: body.height,
        });
    }
    in_the_way.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match in_the_way.into_iter().next() {
        Some((by, _)) if stands == 0 => Err(NavigationRefusal::Occupied {
            name: wanted.item.name.clone(),
            by,
        }),
        _ => Err(wanted.no_room()),
    }
}

/// Where people stand who do not move: nothing is put on their feet.
fn people(wanted: &Wanted<'_>) -> Vec<Vector2<f32>> {
    let speaker = wanted.scene.speaker.map(|s| s.position.into());
    speaker.into_iter().collect()
}
