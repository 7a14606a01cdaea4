//! The way of a person together with what they carry: beside, before or behind it as there is room, turning about it.
//!
//! Who carries something keeps to their side of it, so the two are one body that moves along the object's way and turns
//! about the object's middle. How it turns is found by dynamic programming over the way and the turn; what is left of
//! furniture that cannot be avoided tells one way of taking and placing an object from another.

use nalgebra::{Rotation2, Vector2};

use super::clear::{self, Grid};
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
/// How far from a way the person is who goes with what they carry, metres; farther off it only takes longer.
const ABOUT: f32 = 1.6;

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
    map: &'a mut Map,
    without: &'a [ItemId],
    known: Grid,
}

impl<'a> Room<'a> {
    /// Room about a way, some items being no obstacle.
    pub fn new(map: &'a mut Map, without: &'a [ItemId], points: &[Vector2<f32>]) -> Self {
        let first = points.first().copied().unwrap_or_default();
        let bounds = (points.iter()).fold([first; 2], |[low, high], p| [low.inf(p), high.sup(p)]);
        Self {
            map,
            without,
            known: Grid::new(bounds, ABOUT),
        }
    }

    /// How much less than `radius` there is about a place, metres.
    fn lacking(&mut self, at: Vector2<f32>, radius: f32) -> f32 {
        let (map, without) = (&mut *self.map, self.without);
        let cell = clear::cell(at);
        let clear = self.known.at(cell, || map.room(cell, without, HIPS));
        (radius - clear).max(0.0)
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

/// What it costs to have turned so or so at the end of a way.
pub(super) struct Turning {
    cost: [f32; TURNS],
    blocked: [f32; TURNS],
}

/// What it costs somebody who stands at `stand` to take along them what is at the first of `points`, however both turn.
/// `raised`: whether it stands on something at first, and in the end. None where it costs `limit` or more in any case, or
/// where there are no points.
pub(super) fn turning(
    room: &mut Room<'_>,
    points: &[Vector2<f32>],
    stand: Vector2<f32>,
    raised: [bool; 2],
    limit: f32,
) -> Option<Turning> {
    let way = sampled(points, STRIDE);
    let off = stand - *way.first()?;
    let step = std::f32::consts::TAU / TURNS as f32;
    let offs: [Vector2<f32>; TURNS] =
        std::array::from_fn(|k| Rotation2::new(step * k as f32) * off);
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
        let arms = match (i == 0, i == last) {
            (true, _) if raised[0] => Arms::Over,
            (_, true) if raised[1] => Arms::Over,
            (false, false) => Arms::Hold,
            _ => Arms::Down,
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
            let here = room.blocked(at + offs[k], at, arms) * weight;
            cost[k] = if i == 0 { before[k] } else { paid(j) } + here;
            blocked[k] = was[j] + here;
        }
        // It only gets dearer.
        if cost.iter().all(|cost| *cost >= limit) {
            return None;
        }
    }
    Some(Turning { cost, blocked })
}

impl Turning {
    /// For both to have turned in the end by the best of `ends`, degrees; None without any of these.
    pub fn best(&self, ends: &[f32]) -> Option<Pair> {
        ends.iter()
            .map(|turn| {
                let notch = turn.to_radians() / (std::f32::consts::TAU / TURNS as f32);
                let k = notch.round() as i64;
                // What lies between two turns is turned a little further.
                let rest = (notch - k as f32).abs() * TURNING;
                let k = k.rem_euclid(TURNS as i64) as usize;
                Pair {
                    turn: *turn,
                    cost: self.cost[k] + rest,
                    blocked: self.blocked[k],
                }
            })
            .filter(|pair| pair.cost.is_finite())
            .min_by(|a, b| a.cost.total_cmp(&b.cost))
    }
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

    fn best(map: &mut Map, stand: [f32; 2], ends: &[f32]) -> Pair {
        let mut room = Room::new(map, &[], &WAY);
        let turning = turning(&mut room, &WAY, stand.into(), [false; 2], f32::INFINITY);
        turning.and_then(|t| t.best(ends)).expect("a way")
    }

    #[test]
    fn in_an_empty_room_nobody_turns() {
        let pair = best(&mut map(&[]), [0.0, -0.6], &[0.0, 90.0]);
        assert_eq!((pair.turn, pair.cost), (0.0, 0.0));
    }

    #[test]
    fn who_cannot_pass_beside_turns_behind_what_they_carry() {
        let mut map = map(&[[1.5, -0.75]]);
        let beside = best(&mut map, [0.0, -0.6], &[0.0]);
        assert!(beside.blocked < 0.01, "{beside:?}");
        assert!(
            beside.cost > TURNING * 3.0,
            "it turns and turns back: {beside:?}"
        );
        // On the other side nothing is in the way.
        let other = best(&mut map, [0.0, 0.6], &[0.0]);
        assert_eq!(other.cost, 0.0);
        // What costs more than something else is not looked at to its end.
        let mut room = Room::new(&mut map, &[], &WAY);
        let mut within = |limit| turning(&mut room, &WAY, [0.0, -0.6].into(), [false; 2], limit);
        assert!(within(TURNING).is_none());
        assert!(within(beside.cost * 2.0).is_some());
    }

    #[test]
    fn where_there_is_no_room_at_the_end_another_turn_is_taken() {
        let mut map = map(&[[3.0, -0.7]]);
        let straight = best(&mut map, [0.0, -0.6], &[0.0]);
        let turned = best(&mut map, [0.0, -0.6], &[0.0, -90.0]);
        assert!(straight.blocked > 0.05, "{straight:?}");
        assert_eq!(turned.turn, -90.0);
        assert!(turned.blocked < 0.01, "{turned:?}");
    }
}
