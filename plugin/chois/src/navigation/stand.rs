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
    let hull = Hull::new(grasp.hull);
    for k in 0..DIRECTIONS {
        let angle = std::f32::consts::TAU * k as f32 / DIRECTIONS as f32;
        let way = Vector2::new(angle.cos(), angle.sin());
        for (rank, gap) in GAPS.iter().enumerate() {
            let Some(at) = hull.beyond(grasp.center, way, *gap) else {
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
            if away > REACH && grasp.hull.distance(place) > 0.75 {
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
                    && o.crosses(place, grasp.center)
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

/// Farthest from an item's middle that its edge is looked for, metres.
const FARTHEST: f32 = 4.0;

/// The edges of a convex hull: from where, and to where from there.
struct Hull(Vec<[Vector2<f32>; 2]>);

impl Hull {
    fn new(hull: &Footprint) -> Self {
        let outlines = hull.outlines();
        let edges = outlines.iter().flat_map(|outline| {
            let next = outline.iter().cycle().skip(1);
            outline.iter().zip(next).map(|(a, b)| [*a, b - a])
        });
        Self(edges.collect())
    }

    /// The farthest point in a direction from `center` whose distance to the hull is `gap`; None where it is too far.
    fn beyond(&self, center: Vector2<f32>, way: Vector2<f32>, gap: f32) -> Option<Vector2<f32>> {
        let mut far = 0.0_f32;
        for [corner, along] in &self.0 {
            let off = corner - center;
            // Around the corner.
            let across = way.perp(&off);
            let half = gap * gap - across * across;
            if half >= 0.0 {
                far = far.max(way.dot(&off) + half.sqrt());
            }
            // Beside the edge.
            let length = along.norm();
            let (slope, lies) = (along.perp(&way) / length, along.perp(&-off) / length);
            if slope.abs() < 1e-6 {
                continue;
            }
            let t = ((gap - lies) / slope).max((-gap - lies) / slope);
            let beside = (way * t - off).dot(along) / (length * length);
            if (0.0..=1.0).contains(&beside) {
                far = far.max(t);
            }
        }
        (far <= FARTHEST).then(|| center + way * far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_as_far_from_a_hull_as_they_should_be() {
        let hull = Footprint::polygon(&[[0.2, -0.3], [0.9, -0.1], [0.7, 0.6], [-0.1, 0.4]]);
        for center in [Vector2::new(0.4, 0.1), Vector2::new(0.25, -0.2)] {
            for k in 0..32 {
                let angle = k as f32 * 0.2;
                let way = Vector2::new(angle.cos(), angle.sin());
                for gap in GAPS {
                    let at = Hull::new(&hull).beyond(center, way, gap).expect("a place");
                    let off = hull.distance(at);
                    assert!((off - gap).abs() < 1e-4, "{way} {gap} {off}");
                }
            }
        }
        // The hull of something far away.
        let away = Vector2::new(9.0, 0.0);
        let toward = Hull::new(&hull).beyond(away, -Vector2::x(), 0.4);
        assert_eq!(toward, None);
    }
}
