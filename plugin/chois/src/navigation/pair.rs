//! The way of a person together with what they carry: beside, before or behind it as there is room, turning about it.
//!
//! Who carries something keeps to their side of it, so the two are one body that moves along the object's way and turns
//! about the object's middle. How it turns is found by dynamic programming over the way and the turn; what is left of
//! furniture that cannot be avoided tells one way of taking and placing an object from another.

use std::collections::HashMap;

use nalgebra::{Rotation2, Vector2};

use super::map::Map;
use super::route::sampled;
use crate::scene::ItemId;

/// Metres from one place on the way to the next that is looked at.
const STRIDE: f32 = 0.15;
/// Turns that are told apart on a full circle. From one place to the next it changes by one of them at most.
const TURNS: usize = 24;
/// Room that the body takes about the pelvis, and about the knees that are so far before it, metres.
const HIPS: f32 = 0.32;
const KNEES: f32 = 0.2;
const AHEAD: f32 = 0.22;
/// The same about the arms of who reaches for an object or sets it down.
const ARMS: f32 = 0.14;
const REACHING: f32 = 0.45;
/// What one turn more costs, in square metres of body in furniture.
const TURNING: f32 = 4e-3;
/// Taking and putting down an object take as long as so many places on the way.
const STANDING: f32 = 3.0;
/// Cells in which room is measured once, metres.
const CELL: f32 = 0.04;

/// Where the two go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    /// How far both have turned at the end, degrees, counter-clockwise.
    pub turn: f32,
    /// What it costs: square metres of body in furniture, and turning.
    pub cost: f32,
    /// The part of it that is body in furniture.
    pub blocked: f32,
}

/// Room about places, each measured once.
pub(super) struct Room<'a> {
    map: &'a Map,
    without: &'a [ItemId],
    known: HashMap<[i32; 2], f32>,
}

impl<'a> Room<'a> {
    pub fn new(map: &'a Map, without: &'a [ItemId]) -> Self {
        Self {
            map,
            without,
            known: HashMap::new(),
        }
    }

    /// How much less than `radius` there is about a place, metres.
    fn lacking(&mut self, at: Vector2<f32>, radius: f32) -> f32 {
        let cell = [0, 1].map(|i| (at[i] / CELL).round() as i32);
        let (map, without) = (self.map, self.without);
        let clear = self.known.entry(cell).or_insert_with(|| {
            let middle = Vector2::new(cell[0] as f32, cell[1] as f32) * CELL;
            map.room(middle, without, HIPS)
        });
        (radius - *clear).max(0.0)
    }

    /// Square metres of a body at `at` in furniture, what it holds being at `toward`.
    fn blocked(&mut self, at: Vector2<f32>, toward: Vector2<f32>, arms: Arms) -> f32 {
        let ahead = |far: f32| at + (toward - at).cap_magnitude(far);
        let mut lacking = self.lacking(at, HIPS);
        if arms != Arms::Over {
            lacking += self.lacking(ahead(AHEAD), KNEES);
        }
        if arms == Arms::Down {
            lacking += self.lacking(ahead(REACHING), ARMS);
        }
        lacking * STRIDE
    }
}

/// What somebody does with their arms.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arms {
    /// Holds something before them.
    Hold,
    /// Reaches down to the floor.
    Down,
    /// Reaches over what an object stands on.
    Over,
}

/// How somebody who stands at `stand` takes what is at the first of `points` along them, for it to have turned in the end by
/// one of `ends`, degrees; None without any of these. `raised`: whether it stands on something at first, and in the end.
pub(super) fn best(
    room: &mut Room<'_>,
    points: &[Vector2<f32>],
    stand: Vector2<f32>,
    ends: &[f32],
    raised: [bool; 2],
) -> Option<Pair> {
    let way = sampled(points, STRIDE);
    let off = stand - *way.first()?;
    let step = std::f32::consts::TAU / TURNS as f32;
    let offs: Vec<Vector2<f32>> = (0..TURNS)
        .map(|k| Rotation2::new(step * k as f32) * off)
        .collect();
    // A short way leaves time to turn all the same.
    let last = (way.len() - 1).max(TURNS / 2);
    let mut cost = [f32::INFINITY; TURNS];
    let mut blocked = [0.0; TURNS];
    cost[0] = 0.0;
    for i in 0..=last {
        let at = way[i * (way.len() - 1) / last.max(1)];
        let weight = match i {
            0 => STANDING,
            i if i == last => STANDING,
            _ => (way.len() as f32 / last as f32).min(1.0),
        };
        let (before, was) = (cost, blocked);
        for k in 0..TURNS {
            let from = [k, (k + 1) % TURNS, (k + TURNS - 1) % TURNS];
            let paid = |j: usize| before[j] + if j == k { 0.0 } else { TURNING };
            let Some(j) = from
                .into_iter()
                .min_by(|a, b| paid(*a).total_cmp(&paid(*b)))
            else {
                continue;
            };
            // At first nothing has turned yet.
            let j = if i == 0 { k } else { j };
            if !before[j].is_finite() {
                cost[k] = f32::INFINITY;
                continue;
            }
            let arms = match (i == 0, i == last) {
                (true, _) if raised[0] => Arms::Over,
                (_, true) if raised[1] => Arms::Over,
                (false, false) => Arms::Hold,
                _ => Arms::Down,
            };
            let here = room.blocked(at + offs[k], at, arms) * weight;
            cost[k] = if i == 0 { before[k] } else { paid(j) } + here;
            blocked[k] = was[j] + here;
        }
    }
    ends.iter()
        .map(|turn| {
            let notch = turn.to_radians() / step;
            let k = notch.round() as i64;
            // What lies between two turns is turned a little further.
            let rest = (notch - k as f32).abs() * TURNING;
            let k = k.rem_euclid(TURNS as i64) as usize;
            Pair {
                turn: *turn,
                cost: cost[k] + rest,
                blocked: blocked[k],
            }
        })
        .filter(|pair| pair.cost.is_finite())
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::request::ObjectPlace;
    use crate::scene::{Item, Scene};
    use nalgebra::Vector3;

    fn map(posts: &[[f32; 2]]) -> Map {
        let items = posts.iter().enumerate().map(|(i, at)| {
            let mesh = Mesh::cuboid(Vector3::new(-0.2, -0.2, 0.0), Vector3::new(0.4, 0.4, 1.0));
            let post = ObjectGeometry::new("post", mesh).expect("a box");
            let place = ObjectPlace {
                position: [at[0], at[1], 0.0],
                ..ObjectPlace::default()
            };
            Item::new(ItemId(i as u64), "post", post, place)
        });
        Map::new(&Scene {
            items: items.collect(),
            floor: Some(vec![[-6.0, -6.0], [6.0, -6.0], [6.0, 6.0], [-6.0, 6.0]]),
            ..Scene::default()
        })
    }

    const WAY: [Vector2<f32>; 2] = [Vector2::new(0.0, 0.0), Vector2::new(3.0, 0.0)];

    #[test]
    fn in_an_empty_room_nobody_turns() {
        let map = map(&[]);
        let pair = best(
            &mut Room::new(&map, &[]),
            &WAY,
            Vector2::new(0.0, -0.6),
            &[0.0, 90.0],
            [false; 2],
        );
        let pair = pair.expect("a way");
        assert_eq!((pair.turn, pair.cost), (0.0, 0.0));
    }

    #[test]
    fn who_cannot_pass_beside_turns_behind_what_they_carry() {
        let map = map(&[[1.5, -0.75]]);
        let mut room = Room::new(&map, &[]);
        let beside =
            best(&mut room, &WAY, Vector2::new(0.0, -0.6), &[0.0], [false; 2]).expect("a way");
        assert!(beside.blocked < 0.01, "{beside:?}");
        assert!(
            beside.cost > TURNING * 3.0,
            "it turns and turns back: {beside:?}"
        );
        // On the other side nothing is in the way.
        let other =
            best(&mut room, &WAY, Vector2::new(0.0, 0.6), &[0.0], [false; 2]).expect("a way");
        assert_eq!(other.cost, 0.0);
    }

    #[test]
    fn where_there_is_no_room_at_the_end_another_turn_is_taken() {
        let map = map(&[[3.0, -0.7]]);
        let mut room = Room::new(&map, &[]);
        let stand = Vector2::new(0.0, -0.6);
        let straight = best(&mut room, &WAY, stand, &[0.0], [false; 2]).expect("a way");
        let turned = best(&mut room, &WAY, stand, &[0.0, -90.0], [false; 2]).expect("a way");
        assert!(straight.blocked > 0.05, "{straight:?}");
        assert_eq!(turned.turn, -90.0);
        assert!(turned.blocked < 0.01, "{turned:?}");
    }
}
