//! What stands about a leg, as the distance that guidance keeps body and object away from.

use nalgebra::{Vector2, Vector3};

use super::Leg;
use super::map::Map;
use crate::geometry::{MAX_GRID, SdfGrid};
use crate::scene::{Footprint, ItemId};

/// How far about a leg's way the grid reaches, metres.
const ABOUT: f32 = 1.2;
/// How high it reaches, metres.
const HIGH: f32 = 2.4;
/// Points across, and metres from one to the next upward.
const ACROSS: usize = 64;
const UPWARD: f32 = 0.12;
/// What is farther than this is as good as nowhere, metres.
const FAR: f32 = 0.6;
/// What begins lower stands on the floor: there is nothing to be under it, metres.
const STANDS: f32 = 0.1;
/// Flesh about the joints, metres: things are that much larger.
const FLESH: f32 = 0.06;

/// A thing as a column over its footprint.
struct Column<'a> {
    area: &'a Footprint,
    edges: Vec<[Vector2<f32>; 2]>,
    bounds: [Vector2<f32>; 2],
    heights: [f32; 2],
}

impl Column<'_> {
    /// Whether it may be nearer than [`FAR`].
    fn is_near(&self, at: Vector2<f32>) -> bool {
        let [low, high] = self.bounds;
        (0..2).all(|i| (low[i] - FAR..=high[i] + FAR).contains(&at[i]))
    }

    /// Metres to the area, negative within.
    fn aside(&self, at: Vector2<f32>) -> f32 {
        let rim = (self.edges.iter())
            .map(|[a, b]| {
                let along = b - a;
                let t = (at - a).dot(&along) / along.norm_squared().max(1e-12);
                (at - a - along * t.clamp(0.0, 1.0)).norm()
            })
            .fold(f32::INFINITY, f32::min);
        if self.area.contains(at) { -rim } else { rim }
    }
}

/// The distance to what stands about each of some legs, one after the other. What a leg moves, or one before it has moved, is
/// not among it. None for legs on which nobody goes anywhere.
pub(super) fn distances(map: &Map, legs: &[Leg]) -> Vec<Option<SdfGrid>> {
    let mut moved = Vec::new();
    (legs.iter())
        .map(|leg| {
            let points: &[[f32; 2]] = match leg {
                Leg::Wait { .. } => return None,
                Leg::Walk(walk) => &walk.points,
                Leg::Interact(interact) => {
                    moved.push(interact.item);
                    &interact.path
                }
            };
            grid(map, points, &moved)
        })
        .collect()
}

fn grid(map: &Map, points: &[[f32; 2]], without: &[ItemId]) -> Option<SdfGrid> {
    let (mut low, mut high) = (
        Vector2::repeat(f32::INFINITY),
        Vector2::repeat(f32::NEG_INFINITY),
    );
    for point in points {
        (low, high) = (low.inf(&(*point).into()), high.sup(&(*point).into()));
    }
    let side = ((high - low).max() + 2.0 * ABOUT).max(HIGH);
    let middle = (low + high) / 2.0;
    if !(side.is_finite() && middle.iter().all(|v| v.is_finite())) {
        return None;
    }
    let reach = Vector2::repeat(side / 2.0 + FAR);
    let columns: Vec<Column<'_>> = (map.obstacles())
        .filter(|(id, ..)| !without.contains(id))
        .filter_map(|(_, area, [base, top])| {
            let bounds = area.bounds()?;
            let [low, high] = bounds;
            let within =
                (0..2).all(|i| high[i] > (middle - reach)[i] && low[i] < (middle + reach)[i]);
            within.then(|| Column {
                area,
                bounds,
                edges: (area.outlines().iter())
                    .flat_map(|outline| {
                        let next = outline.iter().cycle().skip(1);
                        outline.iter().zip(next).map(|(a, b)| [*a, *b])
                    })
                    .collect(),
                // Feet near the floor are as far within as knees are.
                heights: [
                    if base < STANDS {
                        f32::NEG_INFINITY
                    } else {
                        base
                    },
                    top,
                ],
            })
        })
        .collect();
    let upward = ((side / UPWARD).ceil() as usize + 1).clamp(2, MAX_GRID);
    let at = |i: usize, count: usize| side * (i as f32 / (count - 1) as f32 - 0.5);
    let centre = Vector3::new(middle.x, middle.y, HIGH / 2.0);
    let mut values = Vec::with_capacity(ACROSS * ACROSS * upward);
    let mut near: Vec<(f32, [f32; 2])> = Vec::with_capacity(columns.len());
    for x in 0..ACROSS {
        for y in 0..ACROSS {
            let place = middle + Vector2::new(at(x, ACROSS), at(y, ACROSS));
            near.clear();
            near.extend(
                (columns.iter())
                    .filter(|column| column.is_near(place))
                    .map(|column| (column.aside(place), column.heights))
                    .filter(|(aside, _)| *aside < FAR),
            );
            for z in 0..upward {
                let height = centre.z + at(z, upward);
                let distance = (near.iter())
                    .map(|&(aside, [base, top])| {
                        let over = (base - height).max(height - top);
                        if aside > 0.0 && over > 0.0 {
                            (aside * aside + over * over).sqrt()
                        } else {
                            aside.max(over)
                        }
                    })
                    .fold(FAR, f32::min);
                values.push((distance - FLESH) / (side / 2.0));
            }
        }
    }
    SdfGrid::new(
        [ACROSS, ACROSS, upward],
        centre,
        Vector3::repeat(side),
        values,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::navigation::WalkLeg;
    use crate::request::ObjectPlace;
    use crate::scene::{Item, Scene};

    #[test]
    fn a_post_is_nearer_by_the_flesh_about_it() {
        let mesh = Mesh::cuboid(Vector3::new(-0.3, -0.3, 0.0), Vector3::new(0.6, 0.6, 1.0));
        let post = ObjectGeometry::new("post", mesh).expect("a box");
        let place = ObjectPlace {
            position: [1.0, 0.0, 0.0],
            ..ObjectPlace::default()
        };
        let scene = Scene {
            items: vec![Item::new(ItemId(1), "post", post, place)],
            ..Scene::default()
        };
        let leg = Leg::Walk(WalkLeg {
            step: 0,
            points: vec![[0.0, 0.0], [2.0, 0.5]],
            times: vec![0.0, 2.0],
            facing: 0.0,
        });
        let made = distances(&Map::new(&scene), &[leg, Leg::Wait { step: 1 }]);
        assert!(made[1].is_none());
        let grid = made[0].as_ref().expect("a grid");
        let from_side = grid.query(&Vector3::new(0.2, 0.0, 0.5));
        assert!((from_side - (0.5 - FLESH)).abs() < 0.06, "{from_side}");
        let within = grid.query(&Vector3::new(1.0, 0.0, 0.5));
        assert!(within < -0.2, "{within}");
        // Feet on the floor are as much within.
        let below = grid.query(&Vector3::new(0.9, 0.0, 0.02));
        assert!(below < -0.15, "{below}");
        // Over it there is room.
        let over = grid.query(&Vector3::new(1.0, 0.0, 1.6));
        assert!(over > 0.3, "{over}");
    }
}
