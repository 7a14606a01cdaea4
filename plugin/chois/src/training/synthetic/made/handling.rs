//! Where hands take a thing: on opposite sides, at an edge, on a pole, a back or a handle.

use nalgebra::{Unit, Vector2, Vector3};
use rand::{Rng, RngExt};

use crate::contact::PhysicalObject;
use crate::training::synthetic::catalogue::Thing;
use crate::training::synthetic::things::Kind;

/// Two hands reach round what is this wide, metres.
const BETWEEN_HANDS: f32 = 0.62;
/// A surface that faces this much away from the hand (cosine) is not taken there.
const FACES: f32 = 0.5;

/// How a thing is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// To lift it: both hands, left and right of it or on its near edge.
    Lift,
    /// To push it: palms on the near side.
    Push,
    /// To pull it: both hands on near edges, sides or the pole.
    Pull,
    /// With one hand, high up.
    OneHand,
    /// A pole, high up, by both hands.
    High,
}

/// A place for a hand: the thing's upright frame, about the middle of its bounding box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// 0 left, 1 right.
    pub hand: usize,
    pub point: Vector3<f32>,
    pub normal: Unit<Vector3<f32>>,
}

/// The side of a thing before which a person stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Side {
    /// From the thing toward the person, level.
    pub toward: Vector2<f32>,
    /// To the person's left.
    pub left: Vector2<f32>,
    /// From the middle to the near side, and to the left one, metres.
    pub deep: f32,
    pub wide: f32,
}

impl Side {
    /// One of the four sides of a thing; of a chair mostly its back and its flanks.
    pub fn choose(thing: &Thing, manner: Manner, rng: &mut impl Rng) -> Self {
        let quarter = match (thing.kind, manner) {
            (Kind::Chair, Manner::OneHand | Manner::Push | Manner::Pull) => 3,
            (Kind::Chair, _) if rng.random_bool(0.6) => 3,
            // Long things are carried by their short ends' sides: from before the long one.
            _ if thing.size.x > 1.5 * thing.size.y && manner == Manner::Lift => {
                if thing.size.x > BETWEEN_HANDS && rng.random_bool(0.5) {
                    2 * rng.random_range(0..2)
                } else {
                    1 + 2 * rng.random_range(0..2)
                }
            }
            _ => rng.random_range(0..4),
        };
        // Quarter 3 is -Y, where the back of a chair is.
        let angle = quarter as f32 * std::f32::consts::FRAC_PI_2;
        let toward = Vector2::new(angle.cos().round(), angle.sin().round());
        // Who stands there and faces the thing has this to the left.
        let left = Vector2::new(toward.y, -toward.x);
        let half = thing.size.xy() / 2.0;
        let along = |way: &Vector2<f32>| half.component_mul(way).abs().sum();
        Self {
            toward,
            left,
            deep: along(&toward),
            wide: along(&left),
        }
    }

    fn at(&self, toward: f32, left: f32, height: f32) -> Vector3<f32> {
        let flat = self.toward * toward + self.left * left;
        Vector3::new(flat.x, flat.y, height)
    }

    fn way(&self, toward: f32, left: f32) -> Vector3<f32> {
        self.at(toward, left, 0.0).normalize()
    }
}

/// The first place of the surface on a line, and which way it faces there.
fn trace(
    object: &PhysicalObject,
    middle: &Vector3<f32>,
    from: Vector3<f32>,
    way: Vector3<f32>,
    most: f32,
) -> Option<(Vector3<f32>, Unit<Vector3<f32>>)> {
    let surface = object.surface();
    let mut gone = 0.0;
    while gone < most {
        let at = from + way * gone;
        let distance = surface.signed_distance(&(at + middle));
        if distance < 0.002 {
            let found = surface.nearest(&(at + middle))?;
            return Some((found.position - middle, found.normal));
        }
        gone += distance;
    }
    None
}

/// Places for the hands; None where the thing offers none for this manner. `size` is the person's height, metres.
pub(super) fn places(
    thing: &Thing,
    side: &Side,
    manner: Manner,
    size: f32,
    rng: &mut impl Rng,
) -> Option<Vec<Place>> {
    let half = thing.size.z / 2.0;
    let middle = thing.middle();
    let pole = thing.kind.is_pole();
    let find = |hand: usize, from: Vector3<f32>, way: Vector3<f32>| {
        let (point, normal) = trace(&thing.object, &middle, from, way, 1.5)?;
        // Poles are round: any of their sides will do.
        (pole || normal.dot(&way) < -FACES).then_some(Place {
            hand,
            point,
            normal,
        })
    };
    let sign = |hand: usize| if hand == 0 { 1.0 } else { -1.0 };
    let beside = |hand: usize, toward: f32, height: f32| {
        let s = sign(hand);
        let from = side.at(toward, s * (side.wide + 0.3), height);
        find(hand, from, side.way(0.0, -s))
    };
    let before = |hand: usize, left: f32, height: f32| {
        find(
            hand,
            side.at(side.deep + 0.3, left, height),
            side.way(-1.0, 0.0),
        )
    };
    // From the middle of the box to a height over the floor.
    let over_floor = |z: f32| z - half;
    let mut share = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    if pole {
        let reach = (0.7 * size).min(thing.size.z * 0.8);
        let high = over_floor(match manner {
            Manner::High => (0.66 * size).min(thing.size.z * 0.78),
            _ => share(0.85, 1.0) * reach,
        });
        let apart = share(0.1, 0.22);
        let upper = usize::from(share(0.0, 1.0) < 0.5);
        let hands: &[usize] = if manner == Manner::OneHand {
            &[upper]
        } else {
            &[0, 1]
        };
        return (hands.iter())
            .map(|&hand| {
                let z = if hand == upper { high } else { high - apart };
                let s = sign(hand);
                let from = side.at(0.25, 0.35 * s, z);
                find(hand, from, side.way(-0.25, -0.35 * s))
            })
            .collect();
    }
    // Of what is deep, nearer than its middle: arms are short.
    let near = share(0.0, 0.6) * side.deep + (side.deep - 0.2).clamp(0.0, 0.2) * 0.6;
    match manner {
        Manner::OneHand => {
            let hand = usize::from(share(0.0, 1.0) < 0.5);
            let left = side.wide * share(0.0, 0.35) * sign(hand);
            let tall = thing.size.z > 0.6;
            (0..6)
                .filter_map(|k| before(hand, left, half - 0.03 - 0.05 * k as f32))
                .next()
                .filter(|_| tall)
                .map(|place| vec![place])
        }
        Manner::Push => {
            let wanted = share(0.7, 0.92) * thing.size.z;
            let top = wanted.min(0.68 * size);
            let apart = (side.wide * share(0.4, 0.75)).min(0.22);
            (0..8).find_map(|k| {
                let z = over_floor(top - 0.06 * k as f32);
                let one = before(0, apart, z)?;
                let two = before(1, -apart, z)?;
                Some(vec![one, two])
            })
        }
        Manner::Lift | Manner::Pull | Manner::High => {
            let sides = 2.0 * side.wide <= BETWEEN_HANDS;
            // Heights that people take things at: tops of tables and chairs, the upper half of boxes.
            let first = match thing.kind {
                Kind::Table | Kind::Stool => half - 0.015,
                Kind::Chair if manner == Manner::Pull => half - share(0.05, 0.15),
                Kind::Chair => half - share(0.08, 0.3),
                Kind::Tub => half - share(0.015, 0.05),
                _ => over_floor(thing.size.z * share(0.45, 0.8)),
            };
            let towards = if thing.kind == Kind::Chair && side.toward.y < -0.5 {
                // A back's edges are where the person stands.
                [side.deep - 0.03; 2]
            } else {
                // What is thin over a wide foot has its sides in the middle.
                [near, 0.0]
            };
            let steps = [0.0, -0.03, 0.03, -0.08, 0.08, -0.16];
            let both = |one: Option<Place>, two: Option<Place>| Some(vec![one?, two?]);
            towards.iter().find_map(|toward| {
                steps.iter().find_map(|step| {
                    // What is thin has no room between.
                    let z = (first + step).min(half - 0.008).max((0.02 - half).min(0.0));
                    if sides {
                        both(beside(0, *toward, z), beside(1, *toward, z))
                    } else {
                        let apart = (side.wide * 0.7).min(0.26);
                        both(before(0, apart, z), before(1, -apart, z))
                    }
                })
            })
        }
    }
}

/// Where a foot finds a thing at this height over the floor: how far toward the person and to their left of its middle. The
/// most central place that there is, since legs and feet of furniture are not in the middle.
pub(super) fn low_place(thing: &Thing, side: &Side, height: f32) -> Option<(f32, f32)> {
    let z = height - thing.size.z / 2.0;
    let shares = [
        0.0, 0.2, -0.2, 0.4, -0.4, 0.6, -0.6, 0.75, -0.75, 0.85, -0.85, 0.93, -0.93,
    ];
    shares.iter().find_map(|share| {
        let left = share * side.wide;
        let from = side.at(side.deep + 0.2, left, z);
        let (point, normal) = trace(
            &thing.object,
            &thing.middle(),
            from,
            side.way(-1.0, 0.0),
            side.deep + 0.2,
        )?;
        let toward = point.xy().dot(&side.toward);
        (normal.dot(&side.way(1.0, 0.0)) > FACES).then_some((toward, left))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ObjectPhysics;
    use crate::training::synthetic::seeded;

    #[test]
    fn what_is_thin_is_taken_or_left() {
        for height in [0.002, 0.012, 0.027, 0.03] {
            let mut rng = seeded(3, "test", 0);
            let size = Vector3::new(0.4, 0.3, height);
            let object = Kind::Box.make(size, &mut rng);
            let object = object.object("tray", &ObjectPhysics::default());
            let thing = Thing {
                name: "tray".into(),
                kind: Kind::Box,
                base: None,
                stretched: false,
                size,
                object: object.expect("an object"),
            };
            for manner in [Manner::Lift, Manner::Pull] {
                let side = Side::choose(&thing, manner, &mut rng);
                for place in places(&thing, &side, manner, 1.6, &mut rng).unwrap_or_default() {
                    let on =
                        (thing.object.surface()).signed_distance(&(place.point + thing.middle()));
                    assert!(on.abs() < 0.01, "{height}: {on}");
                }
            }
        }
    }

    #[test]
    fn every_kind_can_be_lifted_by_its_surface() {
        for kind in Kind::ALL {
            let mut found = 0;
            for seed in 0..6 {
                let mut rng = seeded(seed, "test", 0);
                let size = kind.size(&mut rng);
                let object = kind.make(size, &mut rng);
                let object = object.object("thing", &ObjectPhysics::default());
                let thing = Thing {
                    name: "thing".into(),
                    kind,
                    base: None,
                    stretched: false,
                    size,
                    object: object.expect("an object"),
                };
                let side = Side::choose(&thing, Manner::Lift, &mut rng);
                let Some(places) = places(&thing, &side, Manner::Lift, 1.6, &mut rng) else {
                    continue;
                };
                found += 1;
                assert_eq!(places.len(), 2);
                for place in &places {
                    let on = thing
                        .object
                        .surface()
                        .signed_distance(&(place.point + thing.middle()));
                    assert!(on.abs() < 0.003, "{kind:?}: {on}");
                }
                let apart = places[0].point - places[1].point;
                let left = side.at(0.0, 1.0, 0.0);
                assert!(apart.dot(&left) > -0.02, "{kind:?}: hands crossed");
            }
            // The thin splayed legs of a tripod are missed: made motion does not lift any.
            let least = if kind == Kind::Tripod { 0 } else { 4 };
            assert!(found >= least, "{kind:?}: {found}");
        }
    }
}
