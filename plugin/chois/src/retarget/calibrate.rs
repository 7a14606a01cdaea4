//! What turns each bone from the bind pose into the source's T-pose.
//!
//! Bind poses differ: T, A, arms forward; bones with any roll; feet that point outward. For every part of the body this
//! finds the turn that brings the bind pose to the rest pose of the model's skeleton, so that from there on the same
//! world rotation means the same pose. Limbs are turned so that their bones point where the source's do, their children
//! going along; where a bend, the foot or the hand's shape tells how the limb is rolled, the roll is turned too.

use nalgebra::{Matrix3, Rotation3, Unit, UnitQuaternion, Vector3};

use super::{BodyPart, Digit, RigMap, Side};
use crate::skeleton::{Skeleton, joint};

type Turn = UnitQuaternion<f32>;

/// A trunk within this of vertical stands upright: it was modelled upright, and upright is the source's rest pose.
const UPRIGHT: f32 = 0.4;
/// A limb bent by less than the first angle says nothing about its hinge, by more than the second everything.
const BENT: [f32; 2] = [0.2, 0.5];

/// From the wrist to the knuckles and joints of the left hand in the rest pose, SMPL-X's mean, metres: index, middle,
/// little, ring, thumb.
pub(super) const HAND: [[[f32; 3]; 3]; 5] = [
    [
        [0.1019, -0.0087, 0.0194],
        [0.1339, -0.0065, 0.0224],
        [0.1564, -0.0088, 0.0224],
    ],
    [
        [0.1094, -0.0063, -0.0040],
        [0.1400, -0.0055, -0.0080],
        [0.1635, -0.0075, -0.0121],
    ],
    [
        [0.0841, -0.0145, -0.0438],
        [0.0995, -0.0157, -0.0558],
        [0.1151, -0.0173, -0.0670],
    ],
    [
        [0.0974, -0.0093, -0.0273],
        [0.1255, -0.0078, -0.0326],
        [0.1483, -0.0092, -0.0397],
    ],
    [
        [0.0406, -0.0180, 0.0256],
        [0.0577, -0.0170, 0.0506],
        [0.0782, -0.0222, 0.0661],
    ],
];

/// A joint of [`HAND`] on either side.
pub(super) fn hand_joint(side: Side, digit: Digit, phalanx: usize) -> Vector3<f32> {
    let [x, y, z] = HAND[digit as usize][phalanx.min(2)];
    match side {
        Side::Left => Vector3::new(x, y, z),
        Side::Right => Vector3::new(-x, y, z),
    }
}

/// The turn of every part from bind to T-pose, in the person's frame (Y up, facing +Z).
pub(super) struct Calibration {
    turns: Vec<Turn>,
    /// Whether the feet stand flat in the bind pose.
    pub(super) feet_flat: bool,
}

impl Calibration {
    pub(super) fn turn(&self, part: BodyPart) -> Turn {
        self.turns[part.index()]
    }

    /// `at` gives the bind position of a bone in the person's frame.
    pub(super) fn new(map: &RigMap, source: &Skeleton, at: &dyn Fn(usize) -> Vector3<f32>) -> Self {
        let rest = source.rest_positions();
        let place = |p: BodyPart| map.bone(p).map(at);
        let must = |p: BodyPart| place(p).unwrap_or_else(Vector3::zeros);
        let middle = |p: BodyPart| (must(p) + must(p.mirrored())) / 2.0;
        let across = |p: BodyPart| must(p) - must(p.mirrored());

        let hips = middle(BodyPart::UpperLeg(Side::Left));
        let top = place(BodyPart::Neck).unwrap_or_else(|| must(BodyPart::Head));
        let trunk = top - hips;
        let upright = trunk.angle(&Vector3::y()) < UPRIGHT;

        let source_hips = (rest[joint::LEFT_HIP] + rest[joint::RIGHT_HIP]) / 2.0;
        let source_trunk = rest[joint::NECK] - source_hips;
        let pelvis = if upright {
            Turn::identity()
        } else {
            align(
                [trunk, across(BodyPart::UpperLeg(Side::Left))],
                [source_trunk, Vector3::x()],
            )
        };
        let shoulders = across(BodyPart::UpperArm(Side::Left));
        let level = pelvis * shoulders;
        let yaw = (-level.z).atan2(level.x);
        let chest = if upright && yaw.abs() < 0.2 {
            pelvis
        } else if upright {
            Turn::from_axis_angle(&Vector3::y_axis(), -yaw) * pelvis
        } else {
            align([trunk, shoulders], [source_trunk, Vector3::x()])
        };

        let mut turns = vec![chest; BodyPart::COUNT];
        turns[BodyPart::Hips.index()] = pelvis;
        let mut feet_flat = upright;
        for side in Side::BOTH {
            let bone = |a: BodyPart, b: BodyPart| must(b) - must(a);
            let rest_bone = |a: usize, b: usize| rest[b + side.index()] - rest[a + side.index()];
            // Legs.
            let (upper, lower, foot) = (
                BodyPart::UpperLeg(side),
                BodyPart::LowerLeg(side),
                BodyPart::Foot(side),
            );
            let thigh = rest_bone(joint::LEFT_HIP, joint::LEFT_KNEE);
            let shin = rest_bone(joint::LEFT_KNEE, joint::LEFT_ANKLE);
            let (u, l) = limb(
                pelvis,
                [bone(upper, lower), bone(lower, foot)],
                [thigh, shin],
                Vector3::x(),
            );
            turns[upper.index()] = u;
            turns[lower.index()] = l;
            let f = match foot_bone(map, at, side) {
                Some(way) => {
                    let wanted = rest_bone(joint::LEFT_ANKLE, joint::LEFT_TOE);
                    let down = (-way.y).atan2(way.xz().norm());
                    let hip_height = must(upper).y - must(foot).y;
                    let level =
                        (must(foot).y - must(foot.mirrored()).y).abs() < 0.08 * hip_height.abs();
                    if upright && level && (0.0..1.15).contains(&down) && hip_height > 0.0 {
                        // The sole is flat in both; the ankle's height is its own.
                        let turn = way.x.atan2(way.z) - wanted.x.atan2(wanted.z);
                        Turn::from_axis_angle(&Vector3::y_axis(), -turn)
                    } else {
                        feet_flat = false;
                        swing(l * way, wanted) * l
                    }
                }
                None if upright => Turn::identity(),
                None => l,
            };
            turns[foot.index()] = f;
            turns[BodyPart::Toes(side).index()] = f;
            // Arms.
            let (upper, lower, hand) = (
                BodyPart::UpperArm(side),
                BodyPart::LowerArm(side),
                BodyPart::Hand(side),
            );
            let hinge = match side {
                Side::Left => -Vector3::y(),
                Side::Right => Vector3::y(),
            };
            let (u, l) = limb(
                chest,
                [bone(upper, lower), bone(lower, hand)],
                [
                    rest_bone(joint::LEFT_SHOULDER, joint::LEFT_ELBOW),
                    rest_bone(joint::LEFT_ELBOW, joint::LEFT_WRIST),
                ],
                hinge,
            );
            turns[upper.index()] = u;
            turns[lower.index()] = l;
            let knuckle = |d: Digit| place(BodyPart::Finger(side, d, 0));
            let palm = rest_bone(joint::LEFT_WRIST, joint::LEFT_PALM);
            let outer = knuckle(Digit::Little).or_else(|| knuckle(Digit::Ring));
            let h = match (knuckle(Digit::Middle), knuckle(Digit::Index), outer) {
                (Some(m), Some(i), Some(o)) => {
                    let other = if knuckle(Digit::Little).is_some() {
                        Digit::Little
                    } else {
                        Digit::Ring
                    };
                    let reference = hand_joint(side, Digit::Index, 0) - hand_joint(side, other, 0);
                    align([m - must(hand), i - o], [palm, reference])
                }
                (m, i, _) => match m.or(i) {
                    Some(knuckle) => swing(l * (knuckle - must(hand)), palm) * l,
                    None => l,
                },
            };
            turns[hand.index()] = h;
            for digit in Digit::ALL {
                let mut turn = h;
                for p in 0..3 {
                    let part = BodyPart::Finger(side, digit, p);
                    let next = (p < 2).then(|| BodyPart::Finger(side, digit, p + 1));
                    if let (Some(a), Some(b)) = (place(part), next.and_then(place)) {
                        let wanted = hand_joint(side, digit, usize::from(p) + 1)
                            - hand_joint(side, digit, usize::from(p));
                        turn = swing(turn * (b - a), wanted) * turn;
                    }
                    turns[part.index()] = turn;
                }
            }
        }
        Self { turns, feet_flat }
    }
}

/// From the ankle to the ball of the foot in the bind pose: the mean of all toes.
pub(super) fn foot_bone(
    map: &RigMap,
    at: &dyn Fn(usize) -> Vector3<f32>,
    side: Side,
) -> Option<Vector3<f32>> {
    let toes = BodyPart::Toes(side);
    let ankle = at(map.bone(BodyPart::Foot(side))?);
    let first = at(map.bone(toes)?);
    let others = map.companions.iter().filter(|(p, _)| *p == toes);
    let (sum, n) = others.fold((first, 1.0), |(sum, n), (_, b)| (sum + at(*b), n + 1.0));
    let way = sum / n - ankle;
    (way.norm() > 1e-4).then_some(way)
}

/// Turns of a limb's two bones: the first from its carrier's turn, each pointing where the source's does.
fn limb(
    carrier: Turn,
    bind: [Vector3<f32>; 2],
    wanted: [Vector3<f32>; 2],
    hinge: Vector3<f32>,
) -> (Turn, Turn) {
    let mut upper = swing(carrier * bind[0], wanted[0]) * carrier;
    let bend = bind[0].angle(&bind[1]);
    let sure = smooth((bend - BENT[0]) / (BENT[1] - BENT[0]));
    if sure > 0.0
        && let Some(axis) = Unit::try_new(wanted[0], 1e-6)
    {
        let flat = |v: Vector3<f32>| v - axis.as_ref() * v.dot(&axis);
        let (has, wants) = (flat(upper * bind[0].cross(&bind[1])), flat(hinge));
        if has.norm() > 1e-9 && wants.norm() > 1e-9 {
            let angle = axis.dot(&has.cross(&wants)).atan2(has.dot(&wants));
            upper = Turn::from_axis_angle(&axis, angle * sure) * upper;
        }
    }
    let lower = swing(upper * bind[1], wanted[1]) * upper;
    (upper, lower)
}

pub(super) fn smooth(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// The shortest turn from one direction to another.
pub(super) fn swing(from: Vector3<f32>, to: Vector3<f32>) -> Turn {
    if from.norm() < 1e-9 || to.norm() < 1e-9 {
        return Turn::identity();
    }
    Turn::rotation_between(&from, &to).unwrap_or_else(|| {
        // Opposite: half a turn about the vertical, or about X where that is the direction.
        let up = if from.cross(&Vector3::y()).norm() > 1e-3 * from.norm() {
            Vector3::y()
        } else {
            Vector3::x()
        };
        let axis = up - from * (up.dot(&from) / from.norm_squared());
        Turn::from_axis_angle(&Unit::new_normalize(axis), std::f32::consts::PI)
    })
}

/// The turn that brings the first direction onto the first, and the second as near to the second as can be.
fn align(from: [Vector3<f32>; 2], to: [Vector3<f32>; 2]) -> Turn {
    let frame = |[a, b]: [Vector3<f32>; 2]| {
        let x = a.try_normalize(1e-9)?;
        let z = x.cross(&b).try_normalize(1e-9)?;
        Some(Matrix3::from_columns(&[x, z.cross(&x), z]))
    };
    match (frame(from), frame(to)) {
        (Some(a), Some(b)) => {
            Turn::from_rotation_matrix(&Rotation3::from_matrix_unchecked(b * a.transpose()))
        }
        _ => swing(from[0], to[0]),
    }
}
