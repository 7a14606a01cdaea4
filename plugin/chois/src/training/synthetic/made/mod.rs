//! Motion made from nothing but an action, a thing and chance.
//!
//! [`actions`] lays out in time where the person goes ([`course`]), where the thing is and which hands hold it where
//! ([`handling`]). [`body`] puts a person to it: steps under the body ([`footing`]), the life of walking ([`gait`]), stooping
//! and stretching to where the hands must be ([`posture`]), arms to their places. Of captured motion it takes how people
//! walk and stoop; without any, rules do. Walks with nothing to handle ([`stroll`]) are made by the same body.

mod actions;
mod body;
mod course;
mod footing;
mod gait;
mod handling;
mod kick;
mod poles;
mod posture;
mod stage;
mod stroll;

use nalgebra::{UnitQuaternion, Vector3};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

pub use gait::Gait;
pub use posture::Postures;

use super::catalogue::Thing;
use super::words::Action;
use crate::motion::MotionClip;
use crate::motion::canonical;
use crate::request::plan::relaxed;
use crate::skeleton::{ROTATIONS, Skeleton, joint};
use crate::training::dataset::Source;
use body::Actor;
use gait::Walker;
use posture::Table;

type Turn = UnitQuaternion<f32>;

/// Smallest and largest person relative to those that are known, and how much longer or shorter legs, arms and trunk are.
const BODY: [f32; 2] = [0.9, 1.1];
const LIMBS: f32 = 0.04;
/// What people who act are made of.
#[derive(Default)]
pub struct People {
    /// Bones; an adult's where there are none.
    pub skeletons: Vec<Skeleton>,
    /// Standing poses, world rotations, facing -Y.
    pub standing: Vec<[Turn; ROTATIONS]>,
    /// How they walk; by rule where there is nothing.
    pub gaits: Vec<Gait>,
    /// How they stoop; by rule where there is nothing.
    pub postures: Postures,
}

impl People {
    /// What captured clips and walks show.
    pub fn of<'a>(sources: impl Iterator<Item = &'a Source> + Clone, walks: &[MotionClip]) -> Self {
        let mut out = Self {
            postures: Postures::of(sources.clone()),
            gaits: walks.iter().filter_map(Gait::of).collect(),
            ..Self::default()
        };
        for source in sources {
            out.skeletons.push(source.skeleton.clone());
            let last = source.motion.len() - 1;
            for t in [0, last] {
                let rotations = &source.motion.rotations[t];
                if upright(rotations) {
                    let back = canonical::heading(&rotations[0]).inverse();
                    out.standing.push(rotations.map(|q| back * q));
                }
            }
        }
        out
    }

    /// Bones of somebody: of one who is known, larger or smaller.
    fn skeleton(&self, rng: &mut impl Rng) -> Skeleton {
        let mut out = (self.skeletons.choose(rng).cloned()).unwrap_or_else(Skeleton::adult);
        let [low, high] = BODY;
        let body = low + (high - low) * rng.random::<f32>();
        let mut limb = || body * (1.0 + rng.random_range(-LIMBS..LIMBS));
        let (legs, arms, trunk) = (limb(), limb(), limb());
        for (j, offset) in out.rest_offsets.iter_mut().enumerate() {
            *offset *= match j {
                1 | 2 | 4 | 5 | 7 | 8 | 10 | 11 => legs,
                16..=23 => arms,
                _ => trunk,
            };
        }
        out
    }
}

/// Whether somebody stands straight.
fn upright(rotations: &[Turn; ROTATIONS]) -> bool {
    let trunk = rotations[joint::SPINE3] * Vector3::y();
    let thighs = [joint::LEFT_HIP, joint::RIGHT_HIP].map(|j| (rotations[j] * Vector3::y()).z);
    trunk.z > 0.96 && thighs[0] > 0.94 && thighs[1] > 0.94
}

/// Whether an action makes sense with a thing.
pub fn suits(action: Action, thing: &Thing) -> bool {
    actions::suits(action, thing)
}

/// Somebody does something with a thing. None where it offers no hold for it. The clip's text and name are empty; contact is
/// where it is meant to be, enforced only by [`crate::contact::correct`]. Metres, Z up, floor at 0.
pub fn made(
    action: Action,
    thing: &Thing,
    people: &People,
    rng: &mut impl Rng,
) -> Option<MotionClip> {
    let somebody = Somebody::of(people, rng);
    let cast = stage::Cast {
        thing,
        size: somebody.skeleton.height(),
        table: &somebody.table,
    };
    let plan = actions::plan(action, &cast, rng)?;
    Some(somebody.actor(people, rng).act(&plan, thing))
}

/// Somebody walks. The clip's text and name are empty, and it has no object. Metres, Z up, floor at 0.
pub fn walked(people: &People, rng: &mut impl Rng) -> MotionClip {
    let somebody = Somebody::of(people, rng);
    let plan = stroll::stroll(rng);
    somebody.actor(people, rng).walk(&plan)
}

/// One of the people, as chance has them.
struct Somebody {
    skeleton: Skeleton,
    standing: [Turn; ROTATIONS],
    table: Table,
}

impl Somebody {
    fn of(people: &People, rng: &mut impl Rng) -> Self {
        let skeleton = people.skeleton(rng);
        let standing = (people.standing.choose(rng).copied()).unwrap_or_else(relaxed);
        let table = people.postures.somebody(&skeleton, &standing, rng);
        Self {
            skeleton,
            standing,
            table,
        }
    }

    fn actor<'a>(&'a self, people: &'a People, rng: &mut impl Rng) -> Actor<'a> {
        Actor {
            skeleton: &self.skeleton,
            standing: &self.standing,
            table: &self.table,
            walkers: [false, true].map(|backward| Walker::choose(&people.gaits, backward, rng)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ObjectPhysics;
    use crate::training::synthetic::seeded;
    use crate::training::synthetic::things::Kind;

    /// How somebody carries a box, as chance has it.
    fn carried(seed: u64) -> Option<stage::Plan> {
        let mut rng = seeded(seed, "test", 0);
        let size = Vector3::repeat(0.4);
        let object = Kind::Box.make(size, &mut rng);
        let object = object.object("box", &ObjectPhysics::default());
        let thing = Thing {
            name: "box".into(),
            kind: Kind::Box,
            base: None,
            stretched: false,
            size,
            object: object.expect("an object"),
        };
        let somebody = Somebody::of(&People::default(), &mut rng);
        let cast = stage::Cast {
            thing: &thing,
            size: somebody.skeleton.height(),
            table: &somebody.table,
        };
        actions::plan(Action::Carry, &cast, &mut rng)
    }

    #[test]
    fn what_is_carried_leaves_the_floor_and_comes_back_to_it() {
        let (mut under_way, mut standing) = (0, 0);
        for seed in 0..24 {
            let Some(plan) = carried(seed) else { continue };
            let heights: Vec<f32> = plan.thing.iter().map(|(at, _)| at.z).collect();
            let (rest, end) = (heights[0], heights[heights.len() - 1]);
            assert!((end - rest).abs() < 1e-3, "{seed}: {rest}, {end}");
            let highest = heights.iter().copied().fold(0.0, f32::max);
            assert!(highest > rest + 0.25, "{seed}: {highest}");
            let steps = heights.windows(2).map(|w| (w[1] - w[0]).abs());
            assert!(steps.fold(0.0, f32::max) < 0.12, "{seed}");
            let taken = plan.grips[0].first;
            let walk = plan.course.walks.iter().find(|w| w.first >= taken);
            let lifted = heights[walk.expect("a walk").first] > highest - 0.01;
            *(if lifted {
                &mut standing
            } else {
                &mut under_way
            }) += 1;
        }
        assert!(under_way > 2 && standing > 2, "{under_way}, {standing}");
    }
}
