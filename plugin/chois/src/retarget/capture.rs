//! Retargeting the other way: a captured person's bones on the model's skeleton.
//!
//! The file's bones have axes of their own and no common rest pose. What is common is how a person stands: the mean pose
//! of the capture, arms hanging and legs under the body, is taken for the model's standing pose with its limbs turned to
//! where the capture's point on average; the feet's reference is where they stand flat. From there on both turn alike.

use nalgebra::{Quaternion, UnitQuaternion, Vector3};

use super::{BodyPart, Bone, Rig, RigHints, RigMap, Side, find_bones};
use crate::clip::bvh::read::Bvh;
use crate::error::{Error, Result};
use crate::frame;
use crate::ik;
use crate::motion::{blend, canonical};
use crate::skeleton::{JOINTS, PARENTS, Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};

type Turn = UnitQuaternion<f32>;

/// Every so many frames count for the mean.
const STRIDE: usize = 3;
/// The slowest share of an ankle's frames is when its foot stands flat.
const FLAT: f32 = 0.25;

/// Bones of one captured person and what turns them into the model's joints.
pub struct Capture {
    map: RigMap,
    skeleton: Skeleton,
    /// Model's world: rotation of the joint where its bone has the mean rotation, times the inverse of that.
    reference: [(Turn, Turn); ROTATIONS],
    /// Which bones turn a joint: two and the share of the second.
    bones: [(usize, usize, f32); ROTATIONS],
    /// Metres of the model's person per unit of the file.
    scale: f32,
}

impl Capture {
    /// Looks at all motions of one person (same bones in the same order, Y up). `standing` are the world rotations of the
    /// model's person standing, facing -y.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no motion, bones differ between motions, or those of a body are not found.
    pub fn new(motions: &[Bvh], skeleton: &Skeleton, standing: &[Turn; ROTATIONS]) -> Result<Self> {
        let first = motions
            .first()
            .filter(|m| !m.frames.is_empty())
            .ok_or_else(|| {
                Error::invalid("captured motions", "there is none; give at least one")
            })?;
        let same = |m: &Bvh| {
            m.bones.len() == first.bones.len()
                && m.bones
                    .iter()
                    .zip(&first.bones)
                    .all(|(a, b)| a.name == b.name && a.parent == b.parent)
        };
        if let Some(odd) = motions.iter().position(|m| !same(m)) {
            return Err(Error::invalid(
                "captured motions",
                format!("number {odd} has other bones than the first; give files of one skeleton"),
            ));
        }
        let map = find_bones(&rig(first), &RigHints::default())?;
        let bones = bones(&map);
        let mean = Mean::new(motions, &map)?;

        let offset = |part: BodyPart, next: BodyPart| {
            let (a, b) = (bone(&map, part), bone(&map, next));
            mean.places[b] - mean.places[a]
        };
        let length = |side: Side| {
            offset(BodyPart::UpperLeg(side), BodyPart::LowerLeg(side)).norm()
                + offset(BodyPart::LowerLeg(side), BodyPart::Foot(side)).norm()
        };
        let legs = length(Side::Left) + length(Side::Right);
        let own: f32 = [4, 5, 7, 8]
            .iter()
            .map(|j| skeleton.rest_offsets[*j].norm())
            .sum();
        if !(legs > 0.0 && own > 0.0) {
            return Err(Error::invalid(
                "captured motions",
                "its legs have no length",
            ));
        }

        let mut rest = *standing;
        for side in Side::BOTH {
            let s = side.index();
            let mut limb = |joints: [usize; 2], ends: [BodyPart; 3], last: &[usize]| {
                let mut turn = Turn::identity();
                for (j, pair) in joints.iter().zip(ends.windows(2)) {
                    let next = (0..JOINTS)
                        .find(|n| PARENTS[*n] == Some(j + s))
                        .unwrap_or(j + s);
                    let has = standing[j + s] * skeleton.rest_offsets[next];
                    let wants = frame::from_y_up(offset(pair[0], pair[1]));
                    turn = canonical::turn_between(&has, &wants);
                    rest[j + s] = turn * standing[j + s];
                }
                for j in last {
                    rest[j + s] = turn * standing[j + s];
                }
            };
            limb(
                [joint::LEFT_SHOULDER, joint::LEFT_ELBOW],
                [
                    BodyPart::UpperArm(side),
                    BodyPart::LowerArm(side),
                    BodyPart::Hand(side),
                ],
                &[joint::LEFT_WRIST],
            );
            limb(
                [joint::LEFT_HIP, joint::LEFT_KNEE],
                [
                    BodyPart::UpperLeg(side),
                    BodyPart::LowerLeg(side),
                    BodyPart::Foot(side),
                ],
                &[],
            );
            // Flat in both; only where the foot points is the capture's.
            let ankle = joint::LEFT_ANKLE + s;
            let level = |v: Vector3<f32>| Vector3::new(v.x, v.y, 0.0);
            let has = level(standing[ankle] * skeleton.rest_offsets[joint::LEFT_TOE + s]);
            let wants = level(frame::from_y_up(mean.feet[s]));
            if has.norm() > 1e-4 && wants.norm() > 1e-4 {
                rest[ankle] = canonical::turn_between(&has, &wants) * standing[ankle];
            }
            rest[joint::LEFT_TOE + s] = rest[ankle];
        }
        let reference = std::array::from_fn(|j| {
            let (a, b, share) = bones[j];
            let turn = mixed(mean.turns[a], mean.turns[b], share);
            (rest[j], frame::rotation_from_y_up(turn).inverse())
        });
        Ok(Self {
            map,
            skeleton: skeleton.clone(),
            reference,
            bones,
            scale: own / legs,
        })
    }

    /// How the bones were found.
    pub fn map(&self) -> &RigMap {
        &self.map
    }

    /// A motion of this person on the model's skeleton: metres, Z up, the standing toes at their height over the floor,
    /// ankles where the capture has them.
    pub fn poses(&self, motion: &Bvh) -> Vec<Pose> {
        let middle = (self.skeleton.rest_offsets[joint::LEFT_HIP]
            + self.skeleton.rest_offsets[joint::RIGHT_HIP])
            / 2.0;
        let mut ankles = Vec::with_capacity(motion.frames.len());
        let mut poses: Vec<Pose> = (0..motion.frames.len())
            .map(|f| {
                let world = motion.world(f);
                let at =
                    |part: BodyPart| frame::from_y_up(world[bone(&self.map, part)].0) * self.scale;
                let rotations: [Turn; ROTATIONS] = std::array::from_fn(|j| {
                    let (a, b, share) = self.bones[j];
                    let turn = mixed(world[a].1, world[b].1, share);
                    let (rest, inverse) = self.reference[j];
                    frame::rotation_from_y_up(turn) * inverse * rest
                });
                let hips = (at(BodyPart::UpperLeg(Side::Left))
                    + at(BodyPart::UpperLeg(Side::Right)))
                    / 2.0;
                ankles.push(Side::BOTH.map(|side| at(BodyPart::Foot(side))));
                Pose {
                    root: hips - rotations[0] * middle,
                    rotations,
                }
            })
            .collect();
        // The height at which the lower toe stands, by the twentieth percentile; ankles follow it.
        let mut low: Vec<f32> = poses
            .iter()
            .map(|p| {
                let j = self.skeleton.forward(p);
                j[joint::LEFT_TOE].z.min(j[joint::RIGHT_TOE].z)
            })
            .collect();
        low.sort_by(f32::total_cmp);
        let lower = low.get(low.len() / 5).copied().unwrap_or(0.0) - TOE_HEIGHT;
        // Legs of other proportions leave the ankles elsewhere: the mean difference stays, what wavers about it goes.
        let legs = [ik::LEFT_LEG, ik::RIGHT_LEG];
        let off: Vec<[Vector3<f32>; 2]> = poses
            .iter()
            .zip(&ankles)
            .map(|(pose, ankles)| {
                let heading = canonical::heading(&pose.rotations[0]).inverse();
                let joints = self.skeleton.forward(pose);
                std::array::from_fn(|s| heading * (joints[legs[s].tip] - ankles[s]))
            })
            .collect();
        let mean: [Vector3<f32>; 2] = std::array::from_fn(|s| {
            off.iter().map(|o| o[s]).sum::<Vector3<f32>>() / off.len().max(1) as f32
        });
        for (pose, ankles) in poses.iter_mut().zip(&ankles) {
            let heading = canonical::heading(&pose.rotations[0]);
            for (s, limb) in legs.into_iter().enumerate() {
                // Aside of the other foot and up, not along the way: there it would be a slide.
                let aside = heading * Vector3::new(mean[s].x, 0.0, mean[s].z);
                ik::reach(&self.skeleton, pose, limb, ankles[s] + aside);
            }
            pose.root.z -= lower;
        }
        poses
    }
}

/// Bone of a part that every body has.
fn bone(map: &RigMap, part: BodyPart) -> usize {
    map.bone(part).unwrap_or(0)
}

/// Which bones turn each joint.
fn bones(map: &RigMap) -> [(usize, usize, f32); ROTATIONS] {
    let hips = bone(map, BodyPart::Hips);
    let spine = |share: f32| match map.spine.len() {
        0 => (hips, hips, 0.0),
        n => {
            let at = share * (n - 1) as f32;
            let low = at as usize;
            (map.spine[low], map.spine[(low + 1).min(n - 1)], at.fract())
        }
    };
    let (chest, _, _) = spine(1.0);
    let one = |b: usize| (b, b, 0.0);
    let head = bone(map, BodyPart::Head);
    let sided = |part: fn(Side) -> BodyPart, j: usize, at: usize| {
        let side = Side::BOTH[j - at];
        one(bone(map, part(side)))
    };
    std::array::from_fn(|j| match j {
        joint::SPINE1 => spine(0.0),
        joint::SPINE2 => spine(0.5),
        joint::SPINE3 => spine(1.0),
        joint::NECK => one(map.neck.first().copied().unwrap_or(head)),
        joint::HEAD => one(head),
        joint::LEFT_COLLAR | joint::RIGHT_COLLAR => {
            let side = Side::BOTH[j - joint::LEFT_COLLAR];
            one(map.bone(BodyPart::Shoulder(side)).unwrap_or(chest))
        }
        joint::LEFT_HIP | joint::RIGHT_HIP => sided(BodyPart::UpperLeg, j, joint::LEFT_HIP),
        joint::LEFT_KNEE | joint::RIGHT_KNEE => sided(BodyPart::LowerLeg, j, joint::LEFT_KNEE),
        joint::LEFT_ANKLE | joint::RIGHT_ANKLE => sided(BodyPart::Foot, j, joint::LEFT_ANKLE),
        joint::LEFT_TOE | joint::RIGHT_TOE => sided(BodyPart::Foot, j, joint::LEFT_TOE),
        joint::LEFT_SHOULDER | joint::RIGHT_SHOULDER => {
            sided(BodyPart::UpperArm, j, joint::LEFT_SHOULDER)
        }
        joint::LEFT_ELBOW | joint::RIGHT_ELBOW => sided(BodyPart::LowerArm, j, joint::LEFT_ELBOW),
        joint::LEFT_WRIST | joint::RIGHT_WRIST => sided(BodyPart::Hand, j, joint::LEFT_WRIST),
        _ => one(hips),
    })
}

fn mixed(a: Turn, b: Turn, share: f32) -> Turn {
    if share > 0.0 {
        blend::slerp(&a, &b, share)
    } else {
        a
    }
}

/// The first frame as a rig, for finding which bone is which.
fn rig(motion: &Bvh) -> Rig {
    Rig {
        bones: motion
            .bones
            .iter()
            .zip(&motion.frames[0])
            .map(|(bone, (at, turn))| Bone {
                name: bone.name.clone(),
                parent: bone.parent,
                translation: *at,
                rotation: *turn,
                scale: Vector3::repeat(1.0),
                skinned: true,
            })
            .collect(),
    }
}

/// The mean pose of a capture, Y up, facing +Z.
struct Mean {
    /// Rotation of each bone; of the feet where they stand flat.
    turns: Vec<Turn>,
    /// Place of each bone relative to the middle of the hips.
    places: Vec<Vector3<f32>>,
    /// Level direction from each ankle to the toes where the foot stands flat.
    feet: [Vector3<f32>; 2],
}

impl Mean {
    fn new(motions: &[Bvh], map: &RigMap) -> Result<Self> {
        let count = motions[0].bones.len();
        let legs = Side::BOTH.map(|s| bone(map, BodyPart::UpperLeg(s)));
        let feet = Side::BOTH.map(|s| bone(map, BodyPart::Foot(s)));
        let toes = Side::BOTH.map(|s| map.bone(BodyPart::Toes(s)));
        let mut turns = vec![Average::default(); count];
        let mut places = vec![Vector3::zeros(); count];
        // Speed of the ankle, rotation of the foot, way to the toes.
        let mut flat: [Vec<(f32, Turn, Vector3<f32>)>; 2] = [Vec::new(), Vec::new()];
        let mut frames = 0.0;
        for motion in motions {
            for f in (0..motion.frames.len().saturating_sub(1)).step_by(STRIDE) {
                let (world, next) = (motion.world(f), motion.world(f + 1));
                let left = world[legs[0]].0 - world[legs[1]].0;
                let yaw = (-left.z).atan2(left.x);
                let heading = Turn::from_axis_angle(&Vector3::y_axis(), yaw).inverse();
                let middle = (world[legs[0]].0 + world[legs[1]].0) / 2.0;
                for (b, (place, turn)) in world.iter().enumerate() {
                    turns[b].add(heading * turn);
                    places[b] += heading * (place - middle);
                }
                for s in 0..2 {
                    let ankle = world[feet[s]];
                    let speed = (next[feet[s]].0 - ankle.0).norm() * motion.fps;
                    let way = toes[s].map_or_else(Vector3::zeros, |t| world[t].0 - ankle.0);
                    flat[s].push((speed, heading * ankle.1, heading * way));
                }
                frames += 1.0;
            }
        }
        if frames < 1.0 {
            return Err(Error::invalid(
                "captured motions",
                "they have no two frames in a row; give longer ones",
            ));
        }
        let mut turns: Vec<Turn> = turns.iter().map(Average::turn).collect();
        places.iter_mut().for_each(|p| *p /= frames);
        let feet = std::array::from_fn(|s| {
            flat[s].sort_by(|a, b| a.0.total_cmp(&b.0));
            let slow = (flat[s].len() as f32 * FLAT).ceil() as usize;
            let (mut turn, mut way) = (Average::default(), Vector3::zeros());
            for (_, t, w) in &flat[s][..slow] {
                turn.add(*t);
                way += w;
            }
            turns[feet[s]] = turn.turn();
            Vector3::new(way.x, 0.0, way.z)
        });
        Ok(Self {
            turns,
            places,
            feet,
        })
    }
}

/// Mean of rotations that are not far apart.
#[derive(Clone, Default)]
struct Average(Option<Quaternion<f32>>);

impl Average {
    fn add(&mut self, turn: Turn) {
        let q = *turn.quaternion();
        self.0 = Some(match self.0 {
            None => q,
            Some(sum) if sum.dot(&q) < 0.0 => sum - q,
            Some(sum) => sum + q,
        });
    }

    fn turn(&self) -> Turn {
        self.0
            .filter(|q| q.norm() > 1e-6)
            .map_or_else(Turn::identity, Turn::new_normalize)
    }
}
