//! Spots that are told by points: markers, people, corners, directions, or nothing at all.

use nalgebra::Vector2;

use super::body::{Body, Candidate, Turn, left, turned};
use super::{SOME_WAY, Wanted};
use crate::command::{Action, Direction, Goal, Relation, Target};
use crate::navigation::map::Map;
use crate::navigation::refusal::NavigationRefusal;
use crate::scene::{Footprint, Item, Scene};

/// Room that is left around somebody, metres.
const ELBOW: f32 = 0.45;

/// A target that is a point. `item` is what belongs somewhere.
pub(in crate::navigation) fn point(
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
pub(super) fn near_point(
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

/// Spots where nobody said where: a little way off, to a side of the person, or along the way they push.
pub(super) fn anywhere(wanted: &Wanted<'_>, body: &Body, candidates: &mut Vec<Candidate>) {
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

/// Points of a grid over an area's bounds.
pub(super) fn grid(area: &Footprint, step: f32, mut each: impl FnMut(Vector2<f32>)) {
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
