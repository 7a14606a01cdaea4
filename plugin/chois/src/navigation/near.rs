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
struct Column {
    /// Its outlines' lines: from where, to where from there, and one over the square of their length.
    edges: Vec<(Vector2<f32>, Vector2<f32>, f32)>,
    bounds: [Vector2<f32>; 2],
    heights: [f32; 2],
}

impl Column {
    fn new(area: &Footprint, bounds: [Vector2<f32>; 2], heights: [f32; 2]) -> Self {
        let outlines = area.outlines();
        let edges = outlines.iter().flat_map(|outline| {
            let next = outline.iter().cycle().skip(1);
            outline.iter().zip(next).map(|(a, b)| {
                let along = b - a;
                (*a, along, 1.0 / along.norm_squared().max(1e-12))
            })
        });
        Self {
            edges: edges.collect(),
            bounds,
            heights,
        }
    }

    /// Metres to the area, negative within; None where it is [`FAR`] or more.
    fn aside(&self, at: Vector2<f32>) -> Option<f32> {
        let [low, high] = self.bounds;
        let off = (low - at).sup(&(at - high)).sup(&Vector2::zeros());
        if off.norm_squared() >= FAR * FAR {
            return None;
        }
        let (mut least, mut within) = (f32::INFINITY, false);
        for (from, along, less) in &self.edges {
            let off = at - from;
            let t = (off.dot(along) * less).clamp(0.0, 1.0);
            least = least.min((off - along * t).norm_squared());
            // A ray along x: an odd number of crossings begins within.
            if (off.y < 0.0) != (off.y < along.y) && (off.x < along.x * (off.y / along.y)) {
                within = !within;
            }
        }
        let rim = least.sqrt();
        if within {
            Some(-rim)
        } else {
            (rim < FAR).then_some(rim)
        }
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
    let columns: Vec<Column> = (map.obstacles())
        .filter(|(id, ..)| !without.contains(id))
        .filter_map(|(_, area, [base, top])| {
            let bounds = area.bounds()?;
            let [low, high] = bounds;
            let within =
                (0..2).all(|i| high[i] > (middle - reach)[i] && low[i] < (middle + reach)[i]);
            // Feet near the floor are as far within as knees are.
            let base = if base < STANDS {
                f32::NEG_INFINITY
            } else {
                base
            };
            within.then(|| Column::new(area, bounds, [base, top]))
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
                (columns.iter()).filter_map(|column| Some((column.aside(place)?, column.heights))),
            );
            for z in 0..upward {
                let height = centre.z + at(z, upward);
                let distance = (near.iter()).fold(FAR, |least, &(aside, [base, top])| {
                    let over = (base - height).max(height - top);
                    if aside.max(over) >= least {
                        least
                    } else if aside > 0.0 && over > 0.0 {
                        least.min((aside * aside + over * over).sqrt())
                    } else {
                        aside.max(over)
                    }
                });
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

    #[test]
    fn out_of_a_thin_wall_the_way_is_back_into_the_room() {
        let mesh = Mesh::cuboid(Vector3::new(-2.0, -0.1, 0.0), Vector3::new(4.0, 0.2, 2.5));
        let wall = ObjectGeometry::new("wall", mesh).expect("a box");
        let place = ObjectPlace {
            position: [0.0, 1.0, 0.0],
            ..ObjectPlace::default()
        };
        let mut wall = Item::new(ItemId(1), "wall", wall, place);
        wall.kind = crate::scene::ItemKind::Wall;
        let leg = Leg::Walk(WalkLeg {
            step: 0,
            points: vec![[-0.5, 0.5], [0.5, 0.5]],
            times: vec![0.0, 1.0],
            facing: 0.0,
        });
        let floor = |far: f32| Some(vec![[-3.0, -3.0], [3.0, -3.0], [3.0, far], [-3.0, far]]);
        let mut scene = Scene {
            items: vec![wall],
            floor: floor(1.0),
            ..Scene::default()
        };
        // Three quarters of the way through.
        let point = Vector3::new(0.0, 1.05, 1.0);
        let out = |scene: &Scene| {
            let made = distances(&Map::new(scene), std::slice::from_ref(&leg));
            let grid = made[0].as_ref().expect("a grid");
            let (distance, slope) = grid.query_with_gradient(&point);
            (distance, slope.y)
        };
        let (distance, slope) = out(&scene);
        assert!(distance < -0.17 && slope < -0.5, "{distance} {slope}");
        // One with floor on both sides is left on the nearer one.
        scene.floor = floor(3.0);
        let (_, slope) = out(&scene);
        assert!(slope > 0.0, "{slope}");
    }
}
