//! From bones to a map: what was found must be able to be a body; where it faces, its trunk, what rolls along, its floor.

use nalgebra::Vector3;

use super::find::{Draft, incomplete};
use super::rig::Placed;
use super::words::{Kind, Reading};
use super::{BodyPart, Digit, Facing, Naming, Rig, RigHints, RigMap, Side, TwistBone};
use crate::skeleton::{Skeleton, joint};
use crate::{Error, Result};

/// Arms that are shorter than usual by more than this share are told of.
const SHORT: f32 = 0.12;

/// Checks what was found and adds what follows from it.
pub(super) fn finish(
    rig: &Rig,
    hints: &RigHints,
    readings: &[Reading],
    mut draft: Draft,
    naming: Naming,
    mut notes: Vec<String>,
) -> Result<RigMap> {
    let missing = draft.missing();
    if !missing.is_empty() {
        return Err(incomplete(rig, &draft, &missing));
    }
    // A bone is one part only.
    let all: Vec<(BodyPart, usize)> = BodyPart::all()
        .filter_map(|p| Some((p, draft.get(p)?)))
        .collect();
    for (i, (part, bone)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..i].iter().find(|(_, b)| b == bone) {
            return Err(Error::invalid(
                format!("bone {:?}", rig.bones[*bone].name),
                format!(
                    "it was taken for the {other} and the {part}; say which it is in an override file"
                ),
            ));
        }
    }
    hierarchy(rig, &mut draft, &mut notes)?;
    let placed = rig.placed();
    let bone = |draft: &Draft, part: BodyPart| draft.get(part).expect("required parts are there");
    for part in BodyPart::all().filter(|p| draft.get(*p).is_some()) {
        rig.check_scales_above(bone(&draft, part))?;
    }
    for side in Side::BOTH {
        let limb = [
            BodyPart::UpperLeg(side),
            BodyPart::LowerLeg(side),
            BodyPart::Foot(side),
            BodyPart::UpperArm(side),
            BodyPart::LowerArm(side),
            BodyPart::Hand(side),
        ];
        let height = extent(&placed);
        for pair in limb.chunks(3).flat_map(|l| l.windows(2)) {
            let (a, b) = (bone(&draft, pair[0]), bone(&draft, pair[1]));
            let length = (placed[b].position - placed[a].position).norm();
            if length < 0.005 * height || !length.is_finite() {
                return Err(Error::invalid(
                    format!("bone {:?}", rig.bones[a].name),
                    format!(
                        "taken for the {}, it has no length; name the right bone in an override file",
                        pair[0]
                    ),
                ));
            }
        }
    }

    let mut facing = facing(&draft, &placed, hints, &mut notes)?;
    if swapped(&draft, &placed, &facing) {
        let before = draft.clone();
        for part in BodyPart::all() {
            draft.set(part, before.get(part.mirrored()));
        }
        let turned = if hints.overrides.facing.is_some() || hints.facing.is_some() {
            facing
        } else {
            -facing
        };
        facing = turned;
        notes.push(
            "the feet point backward if left is what the names call left; left and right were exchanged (the model is \
             mirrored or its sides are named from the viewer)"
                .to_owned(),
        );
    }

    let mut map = RigMap {
        naming,
        facing,
        ..RigMap::default()
    };
    map.remember_names(rig);
    (map.spine, map.neck) = trunk(rig, readings, &draft);
    if map.spine.is_empty() {
        return Err(Error::invalid(
            "avatar",
            "no bone lies between hips and head; use a rig with a spine, or name a bone as spine in an override file",
        ));
    }
    let n = map.spine.len();
    draft.fill(BodyPart::Spine, Some(map.spine[0]));
    if n > 1 && draft.get(BodyPart::UpperChest).is_none() && n > 2 {
        draft.set(BodyPart::UpperChest, Some(map.spine[n - 1]));
    }
    let chest = if n > 2 {
        map.spine[n / 2]
    } else {
        map.spine[n - 1]
    };
    if n > 1 && draft.get(BodyPart::Chest).is_none() && !draft.holds(chest) {
        draft.set(BodyPart::Chest, Some(chest));
    }
    draft.fill(BodyPart::Neck, map.neck.first().copied());
    for part in BodyPart::all() {
        map.set(part, draft.get(part));
    }
    map.twists = twists(rig, readings, &draft);
    map.companions = companions(rig, readings, &draft, &map.twists);
    map.floor = floor(&draft, &placed, hints);
    if let Some(short) = short_arms(&draft, &placed) {
        notes.push(format!(
            "the arms are {:.0}% shorter for its legs than an adult's; hands may not reach what they hold",
            short * 100.0
        ));
    }
    map.notes = notes;
    Ok(map)
}

/// Greatest extent of the rig in the bind pose.
fn extent(placed: &[Placed]) -> f32 {
    let low = placed
        .iter()
        .fold(Vector3::repeat(f32::MAX), |m, p| m.inf(&p.position));
    let high = placed
        .iter()
        .fold(Vector3::repeat(f32::MIN), |m, p| m.sup(&p.position));
    (high - low).max()
}

/// Whoever is farther from the trunk must be carried by who is nearer.
fn hierarchy(rig: &Rig, draft: &mut Draft, notes: &mut Vec<String>) -> Result<()> {
    let mut pairs = vec![(BodyPart::Hips, BodyPart::Head)];
    for side in Side::BOTH {
        // An optional bone in the wrong place is left out.
        let optional = [
            (BodyPart::Shoulder(side), BodyPart::UpperArm(side)),
            (BodyPart::Foot(side), BodyPart::Toes(side)),
        ];
        for (above, below) in optional {
            if let (Some(a), Some(b)) = (draft.get(above), draft.get(below))
                && !rig.carries(a, b)
            {
                let out = if above.required() { below } else { above };
                let bone = draft.get(out).unwrap_or(a);
                notes.push(format!(
                    "bone {:?} is no {out}: it hangs in the wrong place and was left out",
                    rig.bones[bone].name
                ));
                draft.set(out, None);
            }
        }
        pairs.extend([
            (BodyPart::Hips, BodyPart::UpperLeg(side)),
            (BodyPart::UpperLeg(side), BodyPart::LowerLeg(side)),
            (BodyPart::LowerLeg(side), BodyPart::Foot(side)),
            (BodyPart::Hips, BodyPart::UpperArm(side)),
            (BodyPart::UpperArm(side), BodyPart::LowerArm(side)),
            (BodyPart::LowerArm(side), BodyPart::Hand(side)),
        ]);
        for digit in Digit::ALL {
            let mut above = BodyPart::Hand(side);
            for p in 0..3 {
                let part = BodyPart::Finger(side, digit, p);
                if let (Some(a), Some(b)) = (draft.get(above), draft.get(part)) {
                    if rig.carries(a, b) {
                        above = part;
                    } else {
                        draft.set(part, None);
                    }
                }
            }
        }
    }
    for (above, below) in pairs {
        let (Some(a), Some(b)) = (draft.get(above), draft.get(below)) else {
            continue;
        };
        if !rig.carries(a, b) || a == b {
            return Err(Error::invalid(
                format!("bone {:?}", rig.bones[b].name),
                format!(
                    "taken for the {below}, it does not hang on {:?}, the {above}; parent it in the modelling program \
                     (for Rigify: export deform bones with their hierarchy), or name the right bones in an override \
                     file",
                    rig.bones[a].name
                ),
            ));
        }
    }
    Ok(())
}

/// The level direction in which the rig faces, by its sides.
fn facing(
    draft: &Draft,
    placed: &[Placed],
    hints: &RigHints,
    notes: &mut Vec<String>,
) -> Result<Vector3<f32>> {
    let said = hints.overrides.facing.or(hints.facing);
    if let Some(said) = said {
        return Ok(match said {
            Facing::PlusZ => Vector3::z(),
            Facing::MinusZ => -Vector3::z(),
            Facing::PlusX => Vector3::x(),
            Facing::MinusX => -Vector3::x(),
        });
    }
    let at = |part: BodyPart| {
        draft
            .get(part)
            .map_or_else(Vector3::zeros, |b| placed[b].position)
    };
    let across = |part: BodyPart| at(part) - at(part.mirrored());
    let left = across(BodyPart::UpperLeg(Side::Left))
        .try_normalize(1e-9)
        .unwrap_or_else(Vector3::zeros)
        + across(BodyPart::UpperArm(Side::Left))
            .try_normalize(1e-9)
            .unwrap_or_else(Vector3::zeros);
    // The person's own up: a rig may lie on its back.
    let up = (at(BodyPart::Head) - at(BodyPart::Hips)).try_normalize(1e-9);
    let up = up.unwrap_or_else(Vector3::y);
    let front = left.cross(&up);
    let level = Vector3::new(front.x, 0.0, front.z);
    let Some(level) = level.try_normalize(1e-3).filter(|_| front.norm() > 0.2) else {
        if left.norm() < 0.2 {
            return Err(Error::invalid(
                "avatar",
                "its left and right bones are in the same place; give its facing in an override file",
            ));
        }
        return Ok(Vector3::z());
    };
    let quarters = level.z.atan2(level.x) / std::f32::consts::FRAC_PI_2;
    // Nobody models a person that faces 3 degrees to the side; skeletons are crooked though.
    let nearest = quarters.round();
    if (quarters - nearest).abs() < 0.14 {
        let (sin, cos) = (nearest * std::f32::consts::FRAC_PI_2).sin_cos();
        return Ok(Vector3::new(cos.round(), 0.0, sin.round()));
    }
    notes.push(format!(
        "the bind pose faces {:.0} degrees from +Z",
        level.x.atan2(level.z).to_degrees()
    ));
    Ok(level)
}

/// Whether the feet say that left is right.
fn swapped(draft: &Draft, placed: &[Placed], facing: &Vector3<f32>) -> bool {
    let at = |part: BodyPart| draft.get(part).map(|b| placed[b].position);
    let mut votes = 0.0;
    let mut feet = 0;
    for side in Side::BOTH {
        if let (Some(ankle), Some(toes)) = (at(BodyPart::Foot(side)), at(BodyPart::Toes(side)))
            && let Some(way) = (toes - ankle).try_normalize(1e-9)
        {
            feet += 1;
            votes += way.dot(facing);
        }
    }
    let crossed = {
        let left = |p: BodyPart| match (at(p), at(p.mirrored())) {
            (Some(l), Some(r)) => l - r,
            _ => Vector3::zeros(),
        };
        // Left of a given facing.
        let side = Vector3::y().cross(facing);
        let hips = left(BodyPart::UpperLeg(Side::Left));
        let arms = left(BodyPart::UpperArm(Side::Left));
        (hips + arms).dot(&side) < 0.0 && (hips + arms).norm() > 1e-6
    };
    let backward = feet == 2 && votes / 2.0 < -0.3;
    // By its own sides a rig is never crossed; by a given facing it may be.
    if crossed { votes >= 0.0 } else { backward }
}

/// Bones of the spine and of the neck.
fn trunk(rig: &Rig, readings: &[Reading], draft: &Draft) -> (Vec<usize>, Vec<usize>) {
    let get = |p: BodyPart| draft.get(p);
    let (Some(hips), Some(head)) = (get(BodyPart::Hips), get(BodyPart::Head)) else {
        return (Vec::new(), Vec::new());
    };
    let path = rig.between(hips, head);
    let branch = |side: Side| get(BodyPart::Shoulder(side)).or(get(BodyPart::UpperArm(side)));
    let arms = match (branch(Side::Left), branch(Side::Right)) {
        (Some(l), Some(r)) => rig.common(l, r),
        _ => None,
    };
    let is_neck =
        |b: &usize| get(BodyPart::Neck) == Some(*b) || readings[*b].rank(Kind::Neck).is_some();
    let first_neck = path.iter().position(is_neck).or_else(|| {
        let arms = path.iter().position(|b| Some(*b) == arms)?;
        Some(arms + 1)
    });
    let cut = first_neck
        .unwrap_or(path.len())
        .max(usize::from(!path.is_empty()));
    (path[..cut].to_vec(), path[cut..].to_vec())
}

/// Bones that share a limb's roll: inner pieces of the limb, and leaves that say so.
fn twists(rig: &Rig, readings: &[Reading], draft: &Draft) -> Vec<TwistBone> {
    let mut out = Vec::new();
    for side in Side::BOTH {
        let limbs = [
            (
                BodyPart::UpperArm(side),
                BodyPart::LowerArm(side),
                Kind::UpperArm,
            ),
            (
                BodyPart::LowerArm(side),
                BodyPart::Hand(side),
                Kind::LowerArm,
            ),
            (
                BodyPart::UpperLeg(side),
                BodyPart::LowerLeg(side),
                Kind::UpperLeg,
            ),
            (
                BodyPart::LowerLeg(side),
                BodyPart::Foot(side),
                Kind::LowerLeg,
            ),
        ];
        for (part, next, kind) in limbs {
            let (Some(top), Some(end)) = (draft.get(part), draft.get(next)) else {
                continue;
            };
            let inner = rig.between(top, end);
            for &bone in &inner {
                if readings[bone].twist || readings[bone].rank(kind).is_some() {
                    out.push(TwistBone { bone, part });
                }
            }
            for bone in top + 1..rig.bones.len() {
                let leaf = readings[bone].twist
                    && !inner.contains(&bone)
                    && !draft.holds(bone)
                    && rig.carries(top, bone)
                    && !rig.carries(end, bone);
                if leaf {
                    out.push(TwistBone { bone, part });
                }
            }
        }
    }
    out
}

/// Further toes.
fn companions(
    rig: &Rig,
    readings: &[Reading],
    draft: &Draft,
    twists: &[TwistBone],
) -> Vec<(BodyPart, usize)> {
    let mut out = Vec::new();
    for side in Side::BOTH {
        let part = BodyPart::Toes(side);
        let (Some(foot), Some(toes)) = (draft.get(BodyPart::Foot(side)), draft.get(part)) else {
            continue;
        };
        for bone in foot + 1..rig.bones.len() {
            let toe = readings[bone].rank(Kind::Toes).is_some()
                && readings[bone].side.is_some()
                && rig.bones[bone].parent == rig.bones[toes].parent
                && bone != toes
                && !twists.iter().any(|t| t.bone == bone);
            if toe {
                out.push((part, bone));
            }
        }
    }
    out
}

/// By which share the arms are shorter than those of an adult with such legs, if that is much.
fn short_arms(draft: &Draft, placed: &[Placed]) -> Option<f32> {
    let length = |parts: [BodyPart; 3]| -> Option<f32> {
        let [a, b, c] = parts.map(|p| draft.get(p).map(|b| placed[b].position));
        Some((b? - a?).norm() + (c? - b?).norm())
    };
    let (mut arms, mut legs) = (0.0, 0.0);
    for s in Side::BOTH {
        arms += length([
            BodyPart::UpperArm(s),
            BodyPart::LowerArm(s),
            BodyPart::Hand(s),
        ])?;
        legs += length([
            BodyPart::UpperLeg(s),
            BodyPart::LowerLeg(s),
            BodyPart::Foot(s),
        ])?;
    }
    let adult = Skeleton::adult().rest_offsets;
    let usual = (adult[joint::LEFT_ELBOW].norm() + adult[joint::LEFT_WRIST].norm())
        / (adult[joint::LEFT_KNEE].norm() + adult[joint::LEFT_ANKLE].norm());
    let short = 1.0 - arms / (legs * usual);
    (short > SHORT).then_some(short)
}

/// Height of the floor under the bind pose.
fn floor(draft: &Draft, placed: &[Placed], hints: &RigHints) -> f32 {
    if let Some(floor) = hints.overrides.floor.or(hints.floor) {
        return floor;
    }
    let height = |p: BodyPart| draft.get(p).map(|b| placed[b].position.y);
    let lowest = Side::BOTH
        .into_iter()
        .flat_map(|s| [height(BodyPart::Foot(s)), height(BodyPart::Toes(s))])
        .flatten()
        .fold(f32::INFINITY, f32::min);
    let top = height(BodyPart::Head).unwrap_or(lowest);
    let tall = (top - lowest).abs();
    // A model usually stands on its origin; else its soles are a little below its lowest joint.
    if (0.0..0.12 * tall).contains(&lowest) {
        0.0
    } else {
        lowest - 0.015 * tall
    }
}
