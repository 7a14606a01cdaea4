//! Where a hand touches: the middle of the palm's skin.
//!
//! The skeleton's "palm" joint is the knuckle of the middle finger, two centimetres above what a hand lies on. What is laid
//! on an object is the flesh between it and the wrist.

use std::collections::HashSet;
use std::sync::LazyLock;

use nalgebra::{Unit, UnitQuaternion, Vector3};

use crate::figure::{Figure, finger_joint};
use crate::motion::ContactPart;
use crate::skeleton::{JOINTS, Skeleton, joint};

/// The plane on which a hand lies when it is laid flat: through this share of the way from wrist to knuckle, ...
const ALONG: f32 = 0.62;
/// ... this share of that way's length below it, ...
const DEPTH: f32 = 0.235;
/// ... rising toward the fingers, since the ball of the thumb is thicker than the knuckles are, ...
const PITCH: f32 = 0.19;
/// ... and toward the little finger. The plane that 3 mm of the mannequin's palm give way to, by linear programming over
/// its skin.
const ROLL: f32 = 0.05;

/// One palm in the frame of its wrist: metres, SMPL axes of the rest pose, relative to the wrist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palm {
    /// The middle of what lies on a flat surface.
    pub pad: Vector3<f32>,
    /// Out of the palm, toward what it touches.
    pub inward: Unit<Vector3<f32>>,
    /// From the wrist to the knuckle of the middle finger.
    pub along: Unit<Vector3<f32>>,
    /// Length from the wrist to that knuckle.
    pub length: f32,
    /// From the palm's middle line toward the thumb, in the plane on which the hand lies.
    pub thumb: Unit<Vector3<f32>>,
}

impl Palm {
    /// The left (0) and the right (1) palm of a person.
    pub fn of(skeleton: &Skeleton) -> [Self; 2] {
        [joint::LEFT_PALM, joint::RIGHT_PALM].map(|knuckle| {
            let bone = skeleton.rest_offsets[knuckle];
            let along = Unit::try_new(bone, 1e-6).unwrap_or_else(Vector3::x_axis);
            let length = bone.norm();
            // In the rest pose palms face the floor and thumbs the front.
            let down = -Vector3::y();
            let flat = down - along.into_inner() * down.dot(&along);
            let below = Unit::try_new(flat, 1e-6).unwrap_or_else(|| -Vector3::y_axis());
            let front = along.cross(&below);
            let front = front * front.z.signum();
            let inward = below.into_inner() + along.into_inner() * PITCH - front * ROLL;
            let inward = Unit::new_normalize(inward);
            let thumb = front - inward.into_inner() * front.dot(&inward);
            Self {
                pad: bone * ALONG + below.into_inner() * (DEPTH * length),
                inward,
                along,
                length,
                thumb: Unit::try_new(thumb, 1e-6).unwrap_or_else(Vector3::z_axis),
            }
        })
    }

    /// From the palm's middle toward the fingers, in the plane on which the hand lies.
    fn fingers(&self) -> Vector3<f32> {
        let flat =
            self.along.into_inner() - self.inward.into_inner() * self.along.dot(&self.inward);
        flat.try_normalize(1e-6).unwrap_or_else(Vector3::x)
    }

    /// Points of the plane on which the hand lies, five along it and three across, relative to the wrist.
    pub fn skin(&self) -> [Vector3<f32>; 15] {
        let fingers = self.fingers();
        std::array::from_fn(|i| {
            let (row, column) = (i / 3, i % 3);
            let along = (row as f32 - 2.0) * 0.22;
            let aside = (column as f32 - 1.0) * 0.33;
            self.pad + (fingers * along + self.thumb.into_inner() * aside) * self.length
        })
    }
}

/// Skin of the left and of the right palm that no finger moves, relative to the wrist in the rest pose: metres, SMPL axes.
/// The mannequin's, at this person's size; the back of the hand is in nothing that the palm lies on.
pub(crate) fn flesh(skeleton: &Skeleton) -> [Vec<Vector3<f32>>; 2] {
    let (standard, palms) = (&*FLESH, Palm::of(skeleton));
    [0, 1].map(|hand| {
        let (bone, points) = &standard[hand];
        let size = skeleton.rest_offsets[joint::LEFT_PALM + hand].norm() / bone.max(1e-6);
        let palm = &palms[hand];
        (points.iter().map(|p| p * size))
            .filter(|p| (p - palm.pad).dot(&palm.inward) > -THICK * palm.length)
            .collect()
    })
}

/// The palm's side of a hand is so deep, in lengths of the palm.
const THICK: f32 = 0.3;
/// The middle finger's place among the fingers.
const MIDDLE: usize = 1;
/// Edge of the cells of which each keeps one point of skin, metres.
const CELL: f32 = 0.014;
/// The wrist moves a point of the palm by this share at least; the first bones of the fingers may move the rest.
const OWN: f32 = 0.3;

/// Length from the wrist to the middle finger's knuckle, and the skin, of each hand of the mannequin.
static FLESH: LazyLock<[(f32, Vec<Vector3<f32>>); 2]> = LazyLock::new(|| {
    let figure = Figure::standard();
    [0, 1].map(|hand| {
        let wrist = joint::LEFT_WRIST + hand;
        let (origin, forearm) = (figure.joints[wrist].position, joint::LEFT_ELBOW + hand);
        let mut taken = HashSet::new();
        let mut points = Vec::new();
        for part in &figure.parts {
            for ((place, joints), weights) in
                part.vertices.iter().zip(&part.joints).zip(&part.weights)
            {
                let share = |joint: usize| -> f32 {
                    (joints.iter().zip(weights))
                        .filter(|(j, _)| usize::from(**j) == joint)
                        .map(|(_, w)| f32::from(*w) / 255.0)
                        .sum()
                };
                let from_wrist = place - origin;
                let cell = <[f32; 3]>::from(from_wrist / CELL).map(|c| c.floor() as i32);
                if share(wrist) > OWN && share(forearm) < OWN && taken.insert(cell) {
                    points.push(from_wrist);
                }
            }
        }
        let knuckle = figure.joints[finger_joint(hand, MIDDLE, 0)].position;
        ((knuckle - origin).norm(), points)
    })
});

/// The middle of a palm in the world: `joints` are a pose's joint positions, `rotation` that of the wrist.
pub fn pad(
    palm: &Palm,
    hand: usize,
    joints: &[Vector3<f32>; JOINTS],
    rotation: &UnitQuaternion<f32>,
) -> Vector3<f32> {
    joints[joint::LEFT_WRIST + hand] + rotation * palm.pad
}

/// The channel of a hand, 0 left or 1 right.
pub(crate) fn part(hand: usize) -> ContactPart {
    if hand == 0 {
        ContactPart::LeftHand
    } else {
        ContactPart::RightHand
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figure;

    #[test]
    fn a_flat_hand_lies_on_its_palm() {
        let skeleton = Skeleton::adult();
        let figure = Figure::standard().fitted(&skeleton);
        for (hand, palm) in Palm::of(&skeleton).iter().enumerate() {
            assert!(palm.thumb.dot(&palm.inward).abs() < 1e-5);
            assert!(palm.thumb.z > 0.9, "thumbs point to the front");
            let wrist = joint::LEFT_WRIST + hand;
            let origin = figure.joints[wrist].position + palm.pad;
            // How far the skin of the palm reaches beyond the plane, and how far off it is at the middle.
            let (mut beyond, mut hollow) = (f32::NEG_INFINITY, f32::INFINITY);
            for part in &figure.parts {
                for (v, (j, w)) in (part.vertices.iter()).zip(part.joints.iter().zip(&part.weights))
                {
                    if usize::from(j[0]) != wrist || w[0] < 200 {
                        continue;
                    }
                    let off = v - origin;
                    beyond = beyond.max(off.dot(&palm.inward));
                    let flat = off - palm.inward.into_inner() * off.dot(&palm.inward);
                    if flat.norm() < 0.02 {
                        hollow = hollow.min(off.dot(&palm.inward).abs());
                    }
                }
            }
            assert!(beyond < 0.005, "{hand}: skin {beyond} beyond the plane");
            assert!(beyond > -0.004, "{hand}: the palm is off by {beyond}");
            assert!(hollow < 0.01, "{hand}: the palm is {hollow} off");
        }
    }
}
