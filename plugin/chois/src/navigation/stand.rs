//! Where a person stands to take hold of an item.

use nalgebra::Vector2;

use super::map::{Agent, Map};
use crate::command::Action;
use crate::request::PersonPlace;
use crate::request::plan::{PATH_SIDE, STEP_AWAY};
use crate::scene::{Footprint, ItemId};

/// Farthest that the middle of an item may be from the pelvis of who takes it, metres: an arm and half a body.
const REACH: f32 = 1.05;
/// Directions that are tried around an item.
const DIRECTIONS: usize = 32;
/// Gaps between the pelvis and the item, metres, the one of captured people first.
const GAPS: [f32; 4] = [STEP_AWAY, 0.38, 0.55, 0.7];

/// What is taken, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grasp<'a> {
    pub item: ItemId,
    /// Where its middle is.
    pub center: Vector2<f32>,
    /// What it covers there.
    pub hull: &'a Footprint,
    pub action: Action,
    /// The direction in which it leaves, unit; none where it stays.
    pub leaves: Option<Vector2<f32>>,
    /// Whether it stands on something that keeps the person away.
    pub raised: bool,
    /// Items that are no obstacle to the person.
    pub without: &'a [ItemId],
}

/// Places to stand at, the best first, and how much each is worse than what the network knows best. All are free and can be
/// walked to from `person`.
pub(super) fn places(
    map: &mut Map,
    agent: &Agent,
    grasp: &Grasp<'_>,
    person: Vector2<f32>,
) -> Vec<(f32, PersonPlace)> {
    let free = map.free(agent, grasp.without);
    let reachable: Vec<usize> = free
        .nearest(person)
        .iter()
        .take(1)
        .map(|(piece, _)| *piece)
        .collect();
    // A person within something leaves to where they can.
    let mut found: Vec<(f32, PersonPlace)> = Vec::new();
    for k in 0..DIRECTIONS {
        let angle = std::f32::consts::TAU * k as f32 / DIRECTIONS as f32;
        let way = Vector2::new(angle.cos(), angle.sin());
        for (rank, gap) in GAPS.iter().enumerate() {
            let Some(at) = beyond(grasp, way, *gap) else {
                continue;
            };
            let place = if free.contains(at) {
                at
            } else if grasp.raised {
                // At the edge of what it stands on.
                match free.nearest(at).first() {
                    Some((_, edge)) => *edge,
                    None => continue,
                }
            } else {
                continue;
            };
            let away = (place - grasp.center).norm();
            if grasp.hull.distance(place) > 0.75 && away > REACH {
                continue;
            }
            let Some(piece) = free.piece(place) else {
                continue;
            };
            if !reachable.contains(&piece) {
                continue;
            }
            // Nothing between the person and the item, but for what it stands on.
            let between = map.obstacles.iter().any(|o| {
                o.id != grasp.item
                    && !grasp.without.contains(&o.id)
                    && !(grasp.raised && o.area.contains(grasp.center))
                    && o.area.crosses(place, grasp.center)
                    && !o.area.meets(grasp.hull)
            });
            if between {
                continue;
            }
            let facing = grasp.center - place;
            let facing = facing.y.atan2(facing.x);
            let worse = turn(grasp, facing) + 0.25 * rank as f32 + 0.15 * (place - person).norm();
            found.push((
                worse,
                PersonPlace {
                    position: place.into(),
                    facing: facing.to_degrees(),
                },
            ));
            break;
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found
}

/// How far the facing is from what the network has seen, radians: most captured people carry to one side; who pushes or
/// kicks faces the way, who pulls or drags has it behind them.
fn turn(grasp: &Grasp<'_>, facing: f32) -> f32 {
    let Some(leaves) = grasp.leaves else {
        return 0.0;
    };
    let way = leaves.y.atan2(leaves.x);
    let off = |wanted: f32| {
        let d = (facing - wanted).rem_euclid(std::f32::consts::TAU);
        d.min(std::f32::consts::TAU - d)
    };
    match grasp.action {
        Action::Push | Action::Kick => off(way),
        Action::Pull | Action::Drag => off(way + std::f32::consts::PI),
        _ => 0.5 * off(way - PATH_SIDE).min(off(way + PATH_SIDE)),
    }
}

/// The point in a direction from the item's middle whose distance to the item is `gap`.
fn beyond(grasp: &Grasp<'_>, way: Vector2<f32>, gap: f32) -> Option<Vector2<f32>> {
    let (mut near, mut far) = (0.0, 4.0);
    if grasp.hull.distance(grasp.center + way * far) < gap {
        return None;
    }
    for _ in 0..16 {
        let middle = (near + far) / 2.0;
        if grasp.hull.distance(grasp.center + way * middle) < gap {
            near = middle;
        } else {
            far = middle;
        }
    }
    Some(grasp.center + way * far)
}
