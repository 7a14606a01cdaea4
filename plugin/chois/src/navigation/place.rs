//! From a relation to exactly where an item goes: a spot that is free, in reach, and turned sensibly.

use std::sync::Arc;

use nalgebra::Vector2;

use super::map::{Agent, Map};
use super::refusal::NavigationRefusal;
use super::stand::{self, Grasp};
use crate::command::{Action, Direction, Goal, Relation, Step, Target};
use crate::request::{ObjectPlace, PersonPlace};
use crate::scene::{Footprint, Item, ItemId, ItemKind, Scene};

/// Room between two things that stand side by side, metres.
const APART: f32 = 0.02;
/// Room to a wall that something stands against, metres.
const TO_WALL: f32 = 0.03;
/// Highest surface that something is put on, metres.
const HIGHEST: f32 = 1.6;
/// Height at which putting something down is easiest, metres.
const EASIEST: f32 = 0.8;
/// How much of something may hang over the edge of what it stands on, metres.
const OVERHANG: f32 = 0.02;
/// A wall nearer than this is what something turns its back to, metres.
const BY_WALL: f32 = 0.4;
/// How far something is moved when no distance is said, metres.
const SOME_WAY: f32 = 1.2;
/// Room that is left around somebody, metres.
const ELBOW: f32 = 0.45;
/// Farthest from an item that is close to it where furniture stands close together, metres, and from one spot that is looked at
/// there to the next.
const CLOSE: f32 = 0.5;
const CLOSELY: f32 = 0.1;
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

/// A spot that may do.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: Vector2<f32>,
    height: f32,
    /// Degrees.
    yaw: f32,
    /// The lower the better.
    cost: f32,
}

/// How an item is turned at its spot.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Keep,
    /// Its front in this direction.
    Front(Vector2<f32>),
    /// Its front toward this point.
    Face(Vector2<f32>),
}

/// The item's shape about its centre, not turned about the vertical.
struct Body {
    hull: Footprint,
    height: f32,
    /// Direction of its front, radians.
    front: f32,
    yaw: f32,
}

impl Body {
    fn new(item: &Item) -> Self {
        let mut still = item.clone();
        still.place.position = [0.0; 3];
        still.place.yaw = 0.0;
        let front = still.front();
        Self {
            hull: Footprint::hull(&still, [f32::MIN, f32::MAX]),
            height: still.height(),
            front: front.y.atan2(front.x),
            yaw: item.place.yaw,
        }
    }

    fn at(&self, c: &Candidate) -> Footprint {
        self.hull.moved(c.yaw.to_radians(), c.at)
    }

    fn yaw(&self, turn: Turn, at: Vector2<f32>) -> f32 {
        let toward = |way: Vector2<f32>| {
            if way.norm() < 1e-3 {
                return self.yaw;
            }
            let yaw = (way.y.atan2(way.x) - self.front).to_degrees();
            (yaw + 180.0).rem_euclid(360.0) - 180.0
        };
        match turn {
            Turn::Keep => self.yaw,
            Turn::Front(way) => toward(way),
            Turn::Face(point) => toward(point - at),
        }
    }

    /// How far it reaches in a direction from its centre when turned, metres.
    fn reach(&self, yaw: f32, way: Vector2<f32>) -> f32 {
        reach(
            &self.hull.moved(yaw.to_radians(), Vector2::zeros()),
            Vector2::zeros(),
            way,
        )
    }
}

fn reach(area: &Footprint, center: Vector2<f32>, way: Vector2<f32>) -> f32 {
    let corners = area.outlines().into_iter().flatten();
    corners.map(|c| (c - center).dot(&way)).fold(0.0, f32::max)
}

fn left(way: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(-way.y, way.x)
}

fn is_seat(item: &Item) -> bool {
    called(
        item,
        &[
            "chair", "stool", "armchair", "bench", "seat", "sofa", "couch",
        ],
    )
}

fn is_table(item: &Item) -> bool {
    called(item, &["table", "desk", "counter", "bench"])
}

fn called(item: &Item, words: &[&str]) -> bool {
    let names = std::iter::once(&item.name).chain(&item.synonyms);
    names
        .flat_map(|name| name.split([' ', '_', '-']))
        .any(|word| words.contains(&word.to_lowercase().as_str()))
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

/// Spots around an item.
fn near_item(
    wanted: &Wanted<'_>,
    body: &Body,
    relation: Relation,
    goal: &Goal,
    target: &Item,
    candidates: &mut Vec<Candidate>,
) {
    let area = Footprint::hull(target, [f32::MIN, f32::MAX]);
    let center = target.center().coords;
    let front = target.front();
    // Who stands before its front has its left on the left hand.
    let mut to_left = Vector2::new(front.y, -front.x);
    if let Some(speaker) = wanted.scene.speaker {
        let sight = center - Vector2::from(speaker.position);
        if let Some(sight) = sight.try_normalize(1e-3) {
            to_left = left(sight);
        }
    }
    let from = wanted.center();
    let direct = (from - center).try_normalize(1e-3).unwrap_or(front);
    let distance = goal.distance;
    let gaps = |near: &[f32]| match distance {
        Some(metres) => vec![metres],
        None => near.to_vec(),
    };
    let sides = [front, left(front), -left(front), -front];
    let (ways, gaps): (Vec<(Vector2<f32>, f32)>, Vec<f32>) = match relation {
        Relation::InFrontOf => (vec![(front, 0.0)], gaps(&[0.35, 0.5, 0.2, 0.8])),
        Relation::Behind => (vec![(-front, 0.0)], gaps(&[0.1, 0.25, 0.05])),
        Relation::LeftOf => (vec![(to_left, 0.0)], gaps(&[0.12, 0.25, 0.06, 0.5])),
        Relation::RightOf => (vec![(-to_left, 0.0)], gaps(&[0.12, 0.25, 0.06, 0.5])),
        Relation::Near => (
            sides
                .iter()
                .map(|w| (*w, 0.3 - 0.3 * w.dot(&direct)))
                .collect(),
            gaps(&[0.5, 0.35, 0.8, 1.1, 1.4]),
        ),
        Relation::AwayFrom => {
            let metres = distance.unwrap_or(SOME_WAY);
            let start = (from - center).dot(&direct).max(0.0);
            let fan = [0.0_f32, 0.35, -0.35, 0.7, -0.7, 1.1, -1.1, 1.6, -1.6];
            for (k, turn) in fan.iter().enumerate() {
                let way = turned(direct, *turn);
                for (m, more) in [0.0, 0.4, -0.3].iter().enumerate() {
                    let at =
                        center + way * (start + metres + more).max(reach(&area, center, way) + 0.6);
                    candidates.push(Candidate {
                        at,
                        height: 0.0,
                        yaw: body.yaw,
                        cost: 0.1 * k as f32 + 0.15 * m as f32,
                    });
                }
            }
            return;
        }
        Relation::Toward => {
            let metres = distance.unwrap_or(SOME_WAY);
            let whole = (from - center).norm();
            let least = reach(&area, center, direct) + body.reach(body.yaw, -direct) + 0.15;
            for (k, share) in [1.0_f32, 0.8, 0.6, 1.2].iter().enumerate() {
                for (m, turn) in [0.0_f32, 0.25, -0.25, 0.5, -0.5].iter().enumerate() {
                    let length = (metres * share).min((whole - least).max(0.0));
                    candidates.push(Candidate {
                        at: from + turned(-direct, *turn) * length,
                        height: 0.0,
                        yaw: body.yaw,
                        cost: 0.15 * k as f32 + 0.2 * m as f32,
                    });
                }
            }
            return;
        }
        // Beside its sides rather than before its front, and rather there than behind it.
        Relation::NextTo => {
            let worth = [0.25, 0.0, 0.0, 0.5];
            let ways = sides.iter().zip(worth);
            (
                ways.map(|(w, cost)| (*w, cost - 0.1 * w.dot(&direct)))
                    .collect(),
                gaps(&[0.12, 0.2, 0.06, 0.3]),
            )
        }
        _ => {
            let worth = [0.0, 0.1, 0.1, 0.4];
            let ways = sides.iter().zip(worth);
            (
                ways.map(|(w, cost)| (*w, cost - 0.3 * w.dot(&direct)))
                    .collect(),
                gaps(&[0.25, 0.4, 0.12, 0.6, 0.9]),
            )
        }
    };
    for (way, worth) in ways {
        let turn = if is_seat(wanted.item) && is_table(target) {
            Turn::Face(center)
        } else if target.kind == ItemKind::Object && relation != Relation::InFrontOf {
            Turn::Front(front)
        } else {
            Turn::Keep
        };
        let span = reach(&area, center, left(way)).max(0.2);
        for (rank, gap) in gaps.iter().enumerate() {
            for slide in [0.0_f32, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1.0, -1.0] {
                let shift = left(way) * (slide * span);
                // The turn depends on the place, and the place on how far the turned item reaches.
                let rough = center + way + shift;
                let yaw = body.yaw(turn, rough);
                let out = reach(&area, center, way) + gap + body.reach(yaw, -way);
                let at = center + way * out + shift;
                let yaw = match turn {
                    Turn::Face(_) => body.yaw(Turn::Front(-way), at),
                    _ => yaw,
                };
                let cost = worth
                    + 0.08 * rank as f32
                    + 0.25 * slide.abs() * span
                    + 0.03 * (at - from).norm();
                candidates.push(Candidate {
                    at,
                    height: 0.0,
                    yaw,
                    cost,
                });
            }
        }
    }
}

/// Spots all around an item, close to it and to each other.
fn around(
    map: &Map,
    wanted: &Wanted<'_>,
    body: &Body,
    target: &Item,
    candidates: &mut Vec<Candidate>,
) {
    let area = Footprint::hull(target, [f32::MIN, f32::MAX]);
    let center = target.center().coords;
    let from = wanted.center();
    let front = body.yaw(Turn::Front(target.front()), center);
    let yaws = [front, front + 90.0, body.yaw];
    let corners = body.hull.outlines().into_iter().flatten();
    let wide = corners.map(|c| c.norm()).fold(0.0, f32::max);
    let floor = map.floor();
    grid(&area.grown(CLOSE + wide), CLOSELY, |at| {
        if !floor.contains(at) {
            return;
        }
        for (rank, yaw) in yaws.iter().enumerate() {
            let candidate = Candidate {
                at,
                height: 0.0,
                yaw: *yaw,
                cost: 0.0,
            };
            let gap = area.gap(&body.at(&candidate));
            if (APART..CLOSE).contains(&gap) {
                candidates.push(Candidate {
                    cost: 0.5 * gap + 0.1 * rank as f32 + 0.03 * (at - from).norm(),
                    ..candidate
                });
            }
        }
    });
}

fn turned(way: Vector2<f32>, by: f32) -> Vector2<f32> {
    let (sin, cos) = by.sin_cos();
    Vector2::new(cos * way.x - sin * way.y, sin * way.x + cos * way.y)
}

/// Spots along an item's faces, the back to it.
fn against(
    map: &mut Map,
    wanted: &Wanted<'_>,
    body: &Body,
    wall: &Item,
    candidates: &mut Vec<Candidate>,
) {
    let area = match wall.kind {
        ItemKind::Object => Arc::new(Footprint::hull(wall, [f32::MIN, f32::MAX])),
        _ => map.slice(wall, [0.05, 1.9]),
    };
    let from = wanted.center();
    for ring in area.outlines() {
        for (i, a) in ring.iter().enumerate() {
            let b = ring[(i + 1) % ring.len()];
            let along = b - a;
            let length = along.norm();
            if length < 0.25 {
                continue;
            }
            let along = along / length;
            // Outlines run counter-clockwise, holes clockwise: outside is to the right.
            let out = -left(along);
            let yaw = body.yaw(Turn::Front(out), *a);
            let depth = body.reach(yaw, -out) + TO_WALL;
            let steps = (length / 0.12).ceil().clamp(1.0, 200.0) as usize;
            for k in 0..=steps {
                let at = a + along * (length * k as f32 / steps as f32) + out * depth;
                if !map.floor().contains(at) {
                    continue;
                }
                candidates.push(Candidate {
                    at,
                    height: 0.0,
                    yaw,
                    cost: 0.2 * (at - from).norm(),
                });
            }
        }
    }
}

/// Spots between two targets.
fn between(
    wanted: &Wanted<'_>,
    body: &Body,
    goal: &Goal,
    candidates: &mut Vec<Candidate>,
) -> Result<(), NavigationRefusal> {
    let mut ends = Vec::new();
    for target in goal.targets.iter().take(2) {
        ends.push(match target {
            Target::Item(id) => {
                let item = wanted.find(*id)?;
                (
                    item.center().coords,
                    Footprint::hull(item, [f32::MIN, f32::MAX]),
                )
            }
            other => (
                point(wanted.scene, Some(wanted.item), other)?,
                Footprint::default(),
            ),
        });
    }
    let [(a, first), (b, second)] = &ends[..] else {
        return Err(wanted.no_room());
    };
    let way = (b - a)
        .try_normalize(1e-3)
        .ok_or_else(|| wanted.no_room())?;
    // The middle of what is free between the two.
    let begin = a + way * reach(first, *a, way);
    let end = b - way * reach(second, *b, -way);
    let (middle, room) = ((begin + end) / 2.0, (end - begin).dot(&way));
    let yaw = body.yaw;
    for k in 0..9 {
        let along = (k as f32 / 8.0 - 0.5) * room.max(0.0);
        for side in [0.0_f32, 0.12, -0.12, 0.25, -0.25, 0.4, -0.4] {
            for yaw in [yaw, yaw + 90.0] {
                candidates.push(Candidate {
                    at: middle + way * along + left(way) * side,
                    height: 0.0,
                    yaw,
                    cost: along.abs() + side.abs() + if yaw == body.yaw { 0.0 } else { 0.05 },
                });
            }
        }
    }
    Ok(())
}

/// A target that is a point. `item` is what belongs somewhere.
pub(super) fn point(
    scene: &Scene,
    item: Option<&Item>,
    target: &Target,
) -> Result<Vector2<f32>, NavigationRefusal> {
    let known = |at: Option<Vector2<f32>>, what: &str| {
        at.ok_or_else(|| NavigationRefusal::Unusable {
            reason: format!("the scene does not say where {what} is"),
        })
    };
    let speaker = scene.speaker.map(|s| Vector2::from(s.position));
    let pointed = scene.pointed.map(Vector2::from);
    let listener = Vector2::from(scene.listener.position);
    let center = |item: &Item| item.center().coords;
    match target {
        Target::Item(id) => known(scene.item(*id).map(center), "an item of the plan"),
        Target::Marker(name) => {
            let marker = scene.markers.iter().find(|m| m.name == *name);
            known(marker.map(|m| m.at.into()), name)
        }
        Target::Speaker => known(speaker, "the speaker"),
        Target::Here => known(pointed.or(speaker), "\"here\""),
        Target::There => known(pointed, "\"there\""),
        Target::Home => {
            let home = item.and_then(|item| item.home);
            let at = home.map(|home| Vector2::new(home.position[0], home.position[1]));
            known(at, "its place")
        }
        Target::Listener | Target::Corner | Target::Middle | Target::Direction(_) => Ok(listener),
    }
}

/// Spots around a point, a person, or in a direction.
fn near_point(
    map: &Map,
    wanted: &Wanted<'_>,
    body: &Body,
    relation: Relation,
    goal: &Goal,
    candidates: &mut Vec<Candidate>,
) -> Result<(), NavigationRefusal> {
    let scene = wanted.scene;
    let mut spot = |at: Vector2<f32>, yaw: f32, cost: f32| {
        candidates.push(Candidate {
            at,
            height: 0.0,
            yaw,
            cost,
        });
    };
    let Some(target) = goal.targets.first() else {
        return Err(wanted.no_room());
    };
    match target {
        Target::Home => {
            let home = wanted.item.home.unwrap_or(wanted.item.place);
            candidates.push(Candidate {
                at: Vector2::new(home.position[0], home.position[1]),
                height: home.position[2],
                yaw: home.yaw,
                cost: 0.0,
            });
        }
        Target::Corner => {
            let corners: Vec<Vector2<f32>> = map
                .floor()
                .outlines()
                .into_iter()
                .take(1)
                .flatten()
                .collect();
            let from = wanted.center();
            for (i, corner) in corners.iter().enumerate() {
                let (a, b) = (
                    corners[(i + corners.len() - 1) % corners.len()] - corner,
                    corners[(i + 1) % corners.len()] - corner,
                );
                let (Some(a), Some(b)) = (a.try_normalize(0.3), b.try_normalize(0.3)) else {
                    continue;
                };
                // Its back to one of the two walls.
                let yaws = [a, b].map(|way| body.yaw(Turn::Front(way), *corner));
                for u in 0..12 {
                    for v in 0..12 {
                        let at = corner + a * (0.12 + 0.1 * u as f32) + b * (0.12 + 0.1 * v as f32);
                        let cost = (at - corner).norm() + 0.15 * (corner - from).norm();
                        for yaw in yaws {
                            spot(at, yaw, cost);
                        }
                    }
                }
            }
        }
        Target::Middle => {
            let Some([low, high]) = map.floor().bounds() else {
                return Err(wanted.no_room());
            };
            let middle = (low + high) / 2.0;
            rings(2.0, |off| spot(middle + off, body.yaw, off.norm()));
        }
        Target::Direction(direction) => {
            // The listener's directions, as they stood when they were told.
            let facing = scene.listener.facing.to_radians();
            let ahead = Vector2::new(facing.cos(), facing.sin());
            let way = match direction {
                Direction::Forward => ahead,
                Direction::Back => -ahead,
                Direction::Left => left(ahead),
                Direction::Right => -left(ahead),
            };
            let metres = goal.distance.unwrap_or(SOME_WAY);
            for (k, share) in [1.0_f32, 0.8, 0.6, 0.4].iter().enumerate() {
                for (m, turn) in [0.0_f32, 0.2, -0.2, 0.45, -0.45].iter().enumerate() {
                    let at = wanted.center() + turned(way, *turn) * (metres * share);
                    spot(at, body.yaw, 0.3 * k as f32 + 0.15 * m as f32);
                }
            }
        }
        Target::Speaker | Target::Listener => {
            let person = match target {
                Target::Speaker => scene.speaker.ok_or_else(|| wanted.no_room())?,
                _ => scene.listener,
            };
            let here = Vector2::from(person.position);
            let facing = person.facing.to_radians();
            let ahead = Vector2::new(facing.cos(), facing.sin());
            let to_item = (wanted.center() - here)
                .try_normalize(1e-3)
                .unwrap_or(ahead);
            let way = match relation {
                Relation::LeftOf => left(ahead),
                Relation::RightOf => -left(ahead),
                Relation::Behind => -ahead,
                Relation::AwayFrom => to_item,
                Relation::InFrontOf => ahead,
                _ => (ahead + to_item * 0.5).try_normalize(1e-3).unwrap_or(ahead),
            };
            let far = match relation {
                Relation::AwayFrom => SOME_WAY + (wanted.center() - here).norm(),
                _ => goal.distance.unwrap_or(ELBOW + body.reach(body.yaw, -way)),
            };
            for (k, more) in [0.0_f32, 0.15, 0.3, 0.5].iter().enumerate() {
                for m in 0..13 {
                    let turn = 0.22 * ((m + 1) / 2) as f32 * if m % 2 == 0 { 1.0 } else { -1.0 };
                    let at = here + turned(way, turn) * (far + more);
                    spot(at, body.yaw, 0.1 * k as f32 + 0.4 * turn.abs());
                }
            }
        }
        other => {
            let center = point(wanted.scene, Some(wanted.item), other)?;
            let away = (wanted.center() - center)
                .try_normalize(1e-3)
                .unwrap_or(Vector2::x());
            match relation {
                Relation::AwayFrom => {
                    let metres = goal.distance.unwrap_or(SOME_WAY);
                    for k in 0..15 {
                        let turn =
                            0.25 * ((k + 1) / 2) as f32 * if k % 2 == 0 { 1.0 } else { -1.0 };
                        let at = wanted.center() + turned(away, turn) * metres;
                        spot(at, body.yaw, 0.2 * turn.abs());
                    }
                }
                Relation::Toward => {
                    let metres = goal.distance.unwrap_or(SOME_WAY);
                    let length = metres.min((wanted.center() - center).norm());
                    for k in 0..9 {
                        let turn = 0.2 * ((k + 1) / 2) as f32 * if k % 2 == 0 { 1.0 } else { -1.0 };
                        let at = wanted.center() + turned(-away, turn) * length;
                        spot(at, body.yaw, 0.2 * turn.abs());
                    }
                }
                Relation::NextTo | Relation::Near => {
                    rings(1.0, |off| {
                        let wide = (off.norm() - 0.4).abs();
                        spot(center + off, body.yaw, wide - 0.1 * off.dot(&away));
                    });
                }
                _ => rings(0.7, |off| spot(center + off, body.yaw, off.norm())),
            }
        }
    }
    Ok(())
}

/// Offsets from nothing to `radius` metres.
fn rings(radius: f32, mut each: impl FnMut(Vector2<f32>)) {
    each(Vector2::zeros());
    let steps = (radius / 0.12).ceil() as usize;
    for k in 1..=steps {
        let r = radius * k as f32 / steps as f32;
        let count = 6 + 4 * k;
        for i in 0..count {
            let angle = std::f32::consts::TAU * i as f32 / count as f32;
            each(Vector2::new(angle.cos(), angle.sin()) * r);
        }
    }
}

/// Points of a grid over an area's bounds.
fn grid(area: &Footprint, step: f32, mut each: impl FnMut(Vector2<f32>)) {
    let Some([low, high]) = area.bounds() else {
        return;
    };
    let size = high - low;
    // An area of any size is looked at in as many points.
    let step = step.max(size.max() / 24.0);
    let count = |length: f32| (length / step).floor() as usize;
    let (nx, ny) = (count(size.x), count(size.y));
    for i in 0..=nx {
        for j in 0..=ny {
            let rest = size - Vector2::new(nx as f32, ny as f32) * step;
            each(low + rest / 2.0 + Vector2::new(i as f32, j as f32) * step);
        }
    }
}

/// Spots where nobody said where: a little way off, to a side of the person, or along the way they push.
fn anywhere(wanted: &Wanted<'_>, body: &Body, candidates: &mut Vec<Candidate>) {
    let from = wanted.center();
    let action = wanted.step.action;
    if !(action == Action::Carry || action.slides()) {
        candidates.push(Candidate {
            at: from,
            height: wanted.item.place.position[2],
            yaw: body.yaw,
            cost: 0.0,
        });
        return;
    }
    let away = from - Vector2::from(wanted.person.position);
    let away = away.try_normalize(1e-3).unwrap_or(Vector2::x());
    let way = match action {
        Action::Push | Action::Kick => away,
        Action::Pull | Action::Drag => -away,
        _ => left(away),
    };
    for (k, metres) in [SOME_WAY, 0.9, 1.5, 0.6].iter().enumerate() {
        for m in 0..16 {
            let turn = 0.4 * ((m + 1) / 2) as f32 * if m % 2 == 0 { 1.0 } else { -1.0 };
            candidates.push(Candidate {
                at: from + turned(way, turn) * *metres,
                height: 0.0,
                yaw: body.yaw,
                cost: 0.1 * k as f32 + 0.1 * turn.abs(),
            });
        }
    }
}

/// Spots on the surfaces of an item.
fn on_top(
    map: &mut Map,
    wanted: &Wanted<'_>,
    body: &Body,
    on: &Item,
    candidates: &mut Vec<Candidate>,
) -> Result<(), NavigationRefusal> {
    let levels = map.levels(on);
    let lowest = levels
        .iter()
        .map(|l| l.height)
        .fold(f32::INFINITY, f32::min);
    if lowest > HIGHEST {
        let height = if lowest.is_finite() {
            lowest
        } else {
            on.height()
        };
        return Err(NavigationRefusal::SurfaceTooHigh {
            on: on.name.clone(),
            height,
            reach: HIGHEST,
        });
    }
    let person = Vector2::from(wanted.person.position);
    let front = on.front();
    let mut widest = Vector2::zeros();
    for level in levels
        .iter()
        .filter(|l| l.height <= HIGHEST && l.height > 0.05)
    {
        if let Some([low, high]) = level.area.bounds() {
            let size = high - low;
            if size.x * size.y > widest.x * widest.y {
                widest = size;
            }
        }
        // What rises from the surface, such as a back or the next shelf, is in the way.
        let rises = map.slice(on, [level.height + 0.02, level.height + body.height]);
        let free = if rises.is_empty() {
            level.area.clone()
        } else {
            level.area.without(&rises)
        };
        let room = free.grown(OVERHANG);
        let yaws = [body.yaw(Turn::Front(front), on.center().coords), body.yaw];
        let mut quarter = yaws.to_vec();
        quarter.push(yaws[0] + 90.0);
        let center = on.center().coords;
        grid(&free, 0.05, |at| {
            for (rank, yaw) in quarter.iter().enumerate() {
                let candidate = Candidate {
                    at,
                    height: level.height,
                    yaw: *yaw,
                    cost: 0.6 * (at - center).norm()
                        + 0.1 * rank as f32
                        + 0.8 * (level.height - EASIEST).abs()
                        + 0.05 * (at - person).norm()
                        // Rims are no shelves.
                        - 0.6 * free.area().min(0.5),
                };
                let hull = body.at(&candidate);
                if room.covers(&hull) && !rises.is_within(APART / 2.0, &hull) {
                    candidates.push(candidate);
                }
            }
        });
    }
    if candidates.is_empty() {
        let wide = |way: Vector2<f32>| body.reach(0.0, way) + body.reach(0.0, -way);
        return Err(NavigationRefusal::SurfaceTooSmall {
            name: wanted.item.name.clone(),
            on: on.name.clone(),
            wide: wide(Vector2::x()),
            deep: wide(Vector2::y()),
            has_wide: widest.x,
            has_deep: widest.y,
        });
    }
    Ok(())
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
