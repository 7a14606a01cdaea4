//! Spots that are told by things: beside them, before and behind them, against them, between two of them.

use std::sync::Arc;

use nalgebra::Vector2;

use super::body::{Body, Candidate, Turn, left, reach, turned};
use super::points::{grid, point};
use super::{APART, SOME_WAY, Wanted};
use crate::command::{Goal, Relation, Target};
use crate::navigation::map::Map;
use crate::navigation::refusal::NavigationRefusal;
use crate::scene::{Footprint, Item, ItemKind};

/// Room to a wall that something stands against, metres.
const TO_WALL: f32 = 0.03;
/// Farthest from an item that is close to it where furniture stands close together, metres, and from one spot that is looked at
/// there to the next.
const CLOSE: f32 = 0.5;
const CLOSELY: f32 = 0.1;

/// Spots around an item.
pub(super) fn near_item(
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
    let to_left = wanted.scene.left_of(target);
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
pub(super) fn around(
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

/// Spots along an item's faces, the back to it.
pub(super) fn against(
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
pub(super) fn between(
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
