//! The bones that move, and what moves each: trunk by arc length, limbs one to one, rolls by shares.

use nalgebra::Vector3;

use super::calibrate::Calibration;
use super::solve::{Link, Role, Turn, Whole};
use super::{BodyPart, Digit, Rig, RigMap, Side};
use crate::skeleton::{Skeleton, joint};

/// All bones that can move, parents first, the hips first of all; and the link of each bone.
pub(super) fn links(
    rig: &Rig,
    map: &RigMap,
    source: &Skeleton,
    calibration: &Calibration,
    at: &dyn Fn(usize) -> Vector3<f32>,
    placed: &[super::Placed],
    to_person: Turn,
) -> (Vec<Link>, Vec<Option<usize>>) {
    let n = rig.bones.len();
    let hips = map.bone(BodyPart::Hips).unwrap_or(0);
    let mut roles: Vec<Option<(Role, Turn)>> = vec![None; n];
    let one = |j: usize| Role::Joints([(j, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)]);
    let whole = |part: BodyPart, j: usize| (one(j), calibration.turn(part));

    roles[hips] = Some(whole(BodyPart::Hips, 0));
    trunk_roles(rig, map, source, calibration, at, &mut roles);
    let mut limbs: Vec<(BodyPart, usize)> = vec![(BodyPart::Head, joint::HEAD)];
    for side in Side::BOTH {
        let k = side.index();
        limbs.extend([
            (BodyPart::Shoulder(side), joint::LEFT_COLLAR + k),
            (BodyPart::UpperArm(side), joint::LEFT_SHOULDER + k),
            (BodyPart::LowerArm(side), joint::LEFT_ELBOW + k),
            (BodyPart::Hand(side), joint::LEFT_WRIST + k),
            (BodyPart::UpperLeg(side), joint::LEFT_HIP + k),
            (BodyPart::LowerLeg(side), joint::LEFT_KNEE + k),
            (BodyPart::Foot(side), joint::LEFT_ANKLE + k),
            (BodyPart::Toes(side), joint::LEFT_TOE + k),
        ]);
        for digit in Digit::ALL {
            for p in 0..3u8 {
                let part = BodyPart::Finger(side, digit, p);
                if let Some(bone) = map.bone(part) {
                    let role = Role::Finger(side, digit, usize::from(p));
                    roles[bone] = Some((role, calibration.turn(part)));
                }
            }
        }
    }
    let joint_of = |part: BodyPart| limbs.iter().find(|(p, _)| *p == part).map(|(_, j)| *j);
    for (part, j) in &limbs {
        if let Some(bone) = map.bone(*part) {
            roles[bone] = Some(whole(*part, *j));
        }
    }
    for (part, bone) in &map.companions {
        if let Some(j) = joint_of(*part) {
            roles[*bone] = Some(whole(*part, j));
        }
    }

    // Whoever is needed, and whoever carries them.
    let mut needed = vec![false; n];
    let wanted = (0..n).filter(|b| roles[*b].is_some());
    for b in wanted.chain(map.twists.iter().map(|t| t.bone)) {
        if rig.carries(hips, b) {
            for a in rig.ancestors(b) {
                needed[a] = true;
                if a == hips {
                    break;
                }
            }
        }
    }
    let mut link_of = vec![None; n];
    let mut out: Vec<Link> = Vec::new();
    for b in (hips..n).filter(|b| needed[*b]) {
        let parent = rig.bones[b].parent;
        let above = parent.map_or_else(Turn::identity, |p| to_person * placed[p].rotation());
        // The person's frame is the root's, turned: the root's own parts stand in it turned, too.
        let above = if parent.is_none() { to_person } else { above };
        let parent_link = if b == hips {
            None
        } else {
            parent.and_then(|p| link_of[p])
        };
        let (role, turn) = roles[b].clone().unwrap_or((Role::Follow, Turn::identity()));
        link_of[b] = Some(out.len());
        out.push(Link {
            bone: b,
            parent: parent_link,
            offset: parent.map_or_else(Vector3::zeros, |p| at(b) - at(p)),
            above,
            local: rig.bones[b].rotation,
            turn,
            role,
        });
    }
    shares(rig, map, calibration, at, &link_of, &mut out);
    // What follows keeps its carrier's T-pose.
    for i in 0..out.len() {
        if let (Role::Follow, Some(p)) = (&out[i].role, out[i].parent) {
            out[i].turn = out[p].turn;
        }
    }
    (out, link_of)
}

/// Gives the spine's rotations to the rig's spine by arc length, and those of the neck to its neck.
fn trunk_roles(
    rig: &Rig,
    map: &RigMap,
    source: &Skeleton,
    calibration: &Calibration,
    at: &dyn Fn(usize) -> Vector3<f32>,
    roles: &mut [Option<(Role, Turn)>],
) {
    let lengths = [joint::SPINE1, joint::SPINE2, joint::SPINE3, joint::NECK]
        .map(|j| source.rest_offsets[j].norm());
    let total: f32 = lengths.iter().sum::<f32>().max(1e-6);
    // Where on the way from pelvis to neck each joint begins to rule.
    let mut breaks = [0.0f32; 5];
    for k in 0..4 {
        breaks[k + 1] = breaks[k] + lengths[k] / total;
    }
    let rulers = [joint::PELVIS, joint::SPINE1, joint::SPINE2, joint::SPINE3];

    let hips = map.bone(BodyPart::Hips).unwrap_or(0);
    let end = map
        .neck
        .first()
        .copied()
        .or(map.bone(BodyPart::Head))
        .unwrap_or(hips);
    let legs = Side::BOTH.map(|side| map.bone(BodyPart::UpperLeg(side)).unwrap_or(hips));
    let fork = (at(legs[0]) + at(legs[1])) / 2.0;
    // Where a whole body hangs on a bone at the floor, the trunk begins at the legs all the same.
    let far = (at(hips) - fork).norm() > 0.5 * (at(end) - fork).norm();
    let mut points = vec![if far { fork } else { at(hips) }];
    points.extend(map.spine.iter().map(|b| at(*b)));
    points.push(at(end));
    let mut along = vec![0.0f32];
    for w in points.windows(2) {
        along.push(along.last().copied().unwrap_or(0.0) + (w[1] - w[0]).norm());
    }
    let whole = along.last().copied().unwrap_or(0.0).max(1e-6);
    let n = map.spine.len();
    let (low, high) = (
        calibration.turn(BodyPart::Hips),
        calibration.turn(BodyPart::UpperChest),
    );
    for (k, &bone) in map.spine.iter().enumerate() {
        let carries_legs = legs.iter().any(|leg| rig.carries(bone, *leg));
        if carries_legs && k + 1 < n {
            // Called spine or not, it is pelvis.
            let pelvis = Role::Joints([(joint::PELVIS, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)]);
            roles[bone] = Some((pelvis, low));
            continue;
        }
        let (from, to) = (along[k + 1] / whole, along[k + 2] / whole);
        let mut mix = [(0usize, 0.0f32); 4];
        for (m, joint) in mix.iter_mut().zip(rulers) {
            m.0 = joint;
        }
        for r in 0..4 {
            let overlap = breaks[r + 1].min(to) - breaks[r].max(from);
            mix[r].1 = if overlap > 1e-3 { overlap } else { 0.0 };
        }
        if k + 1 == n || mix.iter().all(|m| m.1 == 0.0) {
            // The shoulders hang on it.
            mix = [(joint::SPINE3, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)];
        }
        // The first that counts stands first.
        mix.sort_by_key(|m| m.1 == 0.0);
        let share = (k + 1) as f32 / n as f32;
        roles[bone] = Some((Role::Joints(mix), low.slerp(&high, share)));
    }
    let n = map.neck.len();
    for (k, &bone) in map.neck.iter().enumerate() {
        let centre = (k as f32 + 0.5) / n as f32;
        let (a, b, t) = if centre < 0.5 {
            (joint::SPINE3, joint::NECK, centre * 2.0)
        } else {
            (joint::NECK, joint::HEAD, centre * 2.0 - 1.0)
        };
        let mut mix = [(a, 1.0 - t), (b, t), (0, 0.0), (0, 0.0)];
        mix.sort_by_key(|m| m.1 == 0.0);
        roles[bone] = Some((Role::Joints(mix), calibration.turn(BodyPart::Neck)));
    }
}

/// Shares of a limb's roll for its pieces and twist bones.
fn shares(
    rig: &Rig,
    map: &RigMap,
    calibration: &Calibration,
    at: &dyn Fn(usize) -> Vector3<f32>,
    link_of: &[Option<usize>],
    links: &mut [Link],
) {
    for side in Side::BOTH {
        let k = side.index();
        let limbs = [
            (
                BodyPart::UpperArm(side),
                BodyPart::LowerArm(side),
                joint::LEFT_SHOULDER + k,
                None,
            ),
            (
                BodyPart::LowerArm(side),
                BodyPart::Hand(side),
                joint::LEFT_ELBOW + k,
                Some(joint::LEFT_WRIST + k),
            ),
            (
                BodyPart::UpperLeg(side),
                BodyPart::LowerLeg(side),
                joint::LEFT_HIP + k,
                None,
            ),
            (
                BodyPart::LowerLeg(side),
                BodyPart::Foot(side),
                joint::LEFT_KNEE + k,
                Some(joint::LEFT_ANKLE + k),
            ),
        ];
        for (part, next, own, end) in limbs {
            let (Some(top), Some(bottom)) = (map.bone(part), map.bone(next)) else {
                continue;
            };
            let twists: Vec<usize> = (map.twists.iter().filter(|t| t.part == part))
                .map(|t| t.bone)
                .collect();
            let Some(about) = (at(bottom) - at(top)).try_normalize(1e-6) else {
                continue;
            };
            let (Some(top_link), false) = (link_of[top], twists.is_empty()) else {
                continue;
            };
            let length = (at(bottom) - at(top)).norm();
            let inner: Vec<usize> = rig
                .between(top, bottom)
                .into_iter()
                .filter(|b| twists.contains(b))
                .collect();
            let base = links[top_link].parent.unwrap_or(0);
            let turn = calibration.turn(part);
            for &bone in &twists {
                let Some(link) = link_of[bone] else { continue };
                let place = inner.iter().position(|b| *b == bone);
                let along = ((at(bone) - at(top)).dot(&about) / length).clamp(0.0, 1.0);
                links[link].turn = turn;
                links[link].role = match (end, place) {
                    // The last piece of an upper limb has all of its roll: the next joint hangs on it.
                    (None, Some(p)) if p + 1 == inner.len() => {
                        Role::Joints([(own, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)])
                    }
                    (None, place) => Role::Share {
                        base,
                        whole: Whole::Own { joint: own },
                        share: place.map_or(along, |p| (p + 2) as f32 / (inner.len() + 1) as f32),
                        about,
                    },
                    (Some(end), place) => Role::Share {
                        base: top_link,
                        whole: Whole::Next {
                            joint: end,
                            part: next,
                        },
                        share: place.map_or(along, |p| (p + 1) as f32 / (inner.len() + 1) as f32),
                        about,
                    },
                };
            }
            // With inner pieces the first has only its share, too.
            if end.is_none() && !inner.is_empty() {
                links[top_link].role = Role::Share {
                    base,
                    whole: Whole::Own { joint: own },
                    share: 1.0 / (inner.len() + 1) as f32,
                    about,
                };
            }
        }
    }
}
