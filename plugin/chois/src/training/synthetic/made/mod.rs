//! Motion made from nothing but an action, a thing and chance.
//!
//! `actions` lays out in time where the person goes (`course`), where the thing is and which hands hold it where
//! (`handling`). `body` puts a person to it: steps under the body (`footing`), the life of walking (`gait`), stooping
//! and stretching to where the hands must be (`posture`), arms to their places and shoulders along with them
//! (`shoulders`). Of captured motion it takes how people walk and stoop; without any, rules do. Walks with nothing to
//! handle (`stroll`) are made by the same body.

mod actions;
mod body;
mod course;
mod footing;
mod gait;
mod handling;
mod kick;
mod poles;
mod posture;
mod shoulders;
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
use shoulders::Shoulders;

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

/// Somebody's own way of standing: arms nearer to the body than in [`relaxed`], upper arms more or less behind it, elbows
/// more or less bent; the spine more or less curved, feet more or less turned out.
fn at_rest(rng: &mut impl Rng) -> [Turn; ROTATIONS] {
    let mut out = relaxed();
    let (nearer, ahead, bent) = (
        rng.random_range(0.1..0.24f32),
        rng.random_range(-0.25..0.0f32),
        rng.random_range(0.05..0.5f32),
    );
    let (curved, turned_out) = (
        rng.random_range(0.0..0.33f32),
        rng.random_range(0.08..0.34f32),
    );
    let about = |axis: Vector3<f32>, angle: f32| Turn::from_scaled_axis(axis * angle);
    for (side, sign) in [(0, 1.0), (1, -1.0)] {
        // They face -Y, their left is X: the left arm comes down about Y, both come forward about -X.
        let arm = about(-Vector3::x(), ahead) * about(Vector3::y(), sign * nearer);
        for j in [joint::LEFT_SHOULDER, joint::LEFT_ELBOW, joint::LEFT_WRIST] {
            out[j + side] = arm * out[j + side];
        }
        for j in [joint::LEFT_ELBOW, joint::LEFT_WRIST] {
            out[j + side] = about(-Vector3::x(), bent) * out[j + side];
        }
        for (j, share) in [
            (joint::LEFT_HIP, 0.5),
            (joint::LEFT_KNEE, 0.7),
            (joint::LEFT_ANKLE, 1.0),
            (joint::LEFT_TOE, 1.0),
        ] {
            out[j + side] = about(Vector3::z(), sign * turned_out * share) * out[j + side];
        }
    }
    for (j, share) in [
        (joint::PELVIS, -0.6),
        (joint::SPINE1, 0.2),
        (joint::SPINE2, 0.9),
        (joint::SPINE3, 1.0),
        (joint::NECK, 1.1),
        (joint::HEAD, 0.5),
    ] {
        out[j] = about(Vector3::x(), curved * share) * out[j];
    }
    out
}

/// One of the people, as chance has them.
struct Somebody {
    skeleton: Skeleton,
    standing: [Turn; ROTATIONS],
    shoulders: Option<Shoulders>,
    table: Table,
}

impl Somebody {
    fn of(people: &People, rng: &mut impl Rng) -> Self {
        let skeleton = people.skeleton(rng);
        let (standing, shoulders) = match people.standing.choose(rng) {
            Some(known) => (*known, None),
            None => {
                let (mut standing, shoulders) = (at_rest(rng), Shoulders::of_somebody(rng));
                shoulders.hang(&skeleton, &mut standing);
                (standing, Some(shoulders))
            }
        };
        let table = people.postures.somebody(&skeleton, &standing, rng);
        Self {
            skeleton,
            standing,
            shoulders,
            table,
        }
    }

    fn actor<'a>(&'a self, people: &'a People, rng: &mut impl Rng) -> Actor<'a> {
        Actor {
            skeleton: &self.skeleton,
            standing: &self.standing,
            table: &self.table,
            shoulders: self.shoulders.as_ref(),
            walkers: [false, true].map(|backward| Walker::choose(&people.gaits, backward, rng)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ObjectPhysics;
    use crate::contact::palm::{Palm, pad};
    use crate::ik;
    use crate::skeleton::Pose;
    use crate::training::synthetic::seeded;
    use crate::training::synthetic::things::Kind;

    /// A box of 40 cm.
    fn a_box(rng: &mut impl Rng) -> Thing {
        let size = Vector3::repeat(0.4);
        let object = Kind::Box.make(size, rng);
        let object = object.object("box", &ObjectPhysics::default());
        Thing {
            name: "box".into(),
            kind: Kind::Box,
            base: None,
            stretched: false,
            size,
            object: object.expect("an object"),
        }
    }

    /// How somebody carries a box, as chance has it.
    fn carried(seed: u64) -> Option<stage::Plan> {
        let mut rng = seeded(seed, "test", 0);
        let thing = a_box(&mut rng);
        let somebody = Somebody::of(&People::default(), &mut rng);
        let cast = stage::Cast {
            thing: &thing,
            size: somebody.skeleton.height(),
            table: &somebody.table,
        };
        actions::plan(Action::Carry, &cast, &mut rng)
    }

    /// No two alike, none of them a doll: arms hang beside the hips, a little bent, and feet point outward.
    #[test]
    fn everybody_stands_in_a_way_of_their_own() {
        let mut seen: Vec<[f32; 3]> = Vec::new();
        for seed in 0..40 {
            let somebody = Somebody::of(&People::default(), &mut seeded(seed, "test", 3));
            let pose = Pose {
                root: Vector3::zeros(),
                rotations: somebody.standing,
            };
            let joints = somebody.skeleton.forward(&pose);
            let size = somebody.skeleton.height();
            for (side, sign) in [(0, 1.0), (1, -1.0)] {
                let [shoulder, elbow, wrist] =
                    [joint::LEFT_SHOULDER, joint::LEFT_ELBOW, joint::LEFT_WRIST]
                        .map(|j| joints[j + side]);
                let ahead = pose.rotations[joint::LEFT_ANKLE + side] * Vector3::z();
                let values = [
                    sign * wrist.x / size,
                    (elbow - shoulder).angle(&(wrist - elbow)).to_degrees(),
                    (sign * ahead.x).atan2(-ahead.y).to_degrees(),
                ];
                let within = [0.11..0.22, 10.0..55.0, 3.0..22.0];
                for (value, range) in values.iter().zip(&within) {
                    assert!(range.contains(value), "{seed}: {values:?}");
                }
                seen.push(values);
            }
            let lean = |j: usize| (pose.rotations[j] * Vector3::y()).z.acos();
            assert!(
                lean(joint::SPINE3) < 0.35 && lean(joint::HEAD) < 0.2,
                "{seed}"
            );
        }
        for k in 0..3 {
            let of = |v: &[f32; 3]| v[k];
            let least = seen.iter().map(of).fold(f32::MAX, f32::min);
            let most = seen.iter().map(of).fold(f32::MIN, f32::max);
            assert!(most > 1.2 * least, "{k}: {least} to {most}");
        }
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

    /// What contact would have to add makes people squat before what is as high as their waist, and carry on bent knees.
    #[test]
    fn arms_are_long_enough_for_what_they_hold_and_legs_almost_straight_under_what_is_carried() {
        let (mut off, mut knees) = (Vec::new(), Vec::new());
        for seed in 0..24 {
            let mut rng = seeded(seed, "test", 1);
            let thing = a_box(&mut rng);
            let Some(clip) = made(Action::Carry, &thing, &People::default(), &mut rng) else {
                continue;
            };
            let palms = Palm::of(&clip.skeleton);
            let highest = (clip.frames.iter().map(|f| f.object_position.z)).fold(0.0, f32::max);
            for frame in clip.frames.iter().filter(|f| f.contact[0] > 0.5) {
                let joints = clip.skeleton.forward(&frame.pose);
                for (hand, palm) in palms.iter().enumerate() {
                    let wrist = frame.pose.rotations[joint::LEFT_WRIST + hand];
                    let at = pad(palm, hand, &joints, &wrist);
                    let local = frame.object_rotation.inverse() * (at - frame.object_position);
                    off.push(thing.object.surface().signed_distance(&local).abs());
                }
                if frame.object_position.z > highest - 0.01 {
                    let bent = [ik::LEFT_LEG, ik::RIGHT_LEG].map(|leg| {
                        let thigh = joints[leg.middle] - joints[leg.upper];
                        thigh.angle(&(joints[leg.end] - joints[leg.middle]))
                    });
                    knees.push(bent[0].min(bent[1]).to_degrees());
                }
            }
        }
        let share = |values: &[f32], most: f32| {
            values.iter().filter(|v| **v <= most).count() as f32 / values.len() as f32
        };
        assert!(share(&off, 0.01) > 0.95, "{}", share(&off, 0.01));
        assert!(share(&knees, 35.0) > 0.8, "{}", share(&knees, 35.0));
    }

    #[test]
    fn arms_swing_against_the_legs_ahead_and_backward() {
        // How far the left ankle and the left wrist are before the right ones, by the way they go.
        let mut seen: [Vec<[f32; 2]>; 2] = Default::default();
        for seed in 0..120 {
            let clip = walked(&People::default(), &mut seeded(seed, "test", 2));
            for t in 1..clip.frames.len() {
                let (joints, before) = (clip.joints(t), clip.joints(t - 1));
                let facing = canonical::heading(&clip.frames[t].pose.rotations[0]);
                let ahead = |v: Vector3<f32>| -(facing.inverse() * v).y;
                let speed = ahead(joints[joint::PELVIS] - before[joint::PELVIS]) * clip.fps;
                let way = match speed {
                    v if v > 0.5 => 0,
                    v if v < -0.25 => 1,
                    _ => continue,
                };
                seen[way].push([
                    ahead(joints[joint::LEFT_ANKLE] - joints[joint::RIGHT_ANKLE]),
                    ahead(joints[joint::LEFT_WRIST] - joints[joint::RIGHT_WRIST]),
                ]);
            }
        }
        for (way, seen) in ["ahead", "backward"].iter().zip(&seen) {
            let count = seen.len() as f32;
            assert!(count > 200.0, "{way}: {count}");
            let mean = [0, 1].map(|k| seen.iter().map(|v| v[k]).sum::<f32>() / count);
            let product = |a: usize, b: usize| -> f32 {
                (seen.iter().map(|v| (v[a] - mean[a]) * (v[b] - mean[b]))).sum()
            };
            let alike = product(0, 1) / (product(0, 0) * product(1, 1)).sqrt();
            // People swing more or less, and not at once; what swings the wrong way is positive.
            assert!(alike < -0.3, "{way}: {alike}");
        }
    }
}
