//! Where a hand touches: the middle of the palm's skin.
//!
//! The skeleton's "palm" joint is the knuckle of the middle finger, a centimetre and a half under the skin. What is laid on
//! an object is the skin between it and the wrist.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use crate::motion::ContactPart;
use crate::skeleton::{JOINTS, Skeleton, joint};

/// Where the middle of the palm lies between wrist and knuckle, as a share of that way.
const ALONG: f32 = 0.72;
/// How far the skin of the palm lies below the line from wrist to knuckle, as a share of its length (measured on the
/// mannequin that ships with the project, whose palm is 11 cm long).
const DEPTH: f32 = 0.165;

/// One palm in the frame of its wrist: metres, SMPL axes of the rest pose, relative to the wrist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palm {
    /// Middle of the palm's skin.
    pub pad: Vector3<f32>,
    /// Out of the palm, toward what it touches.
    pub inward: Unit<Vector3<f32>>,
    /// From the wrist to the knuckle of the middle finger.
    pub along: Unit<Vector3<f32>>,
    /// Length from the wrist to that knuckle.
    pub length: f32,
}

impl Palm {
    /// The left (0) and the right (1) palm of a person.
    pub fn of(skeleton: &Skeleton) -> [Self; 2] {
        [joint::LEFT_PALM, joint::RIGHT_PALM].map(|knuckle| {
            let bone = skeleton.rest_offsets[knuckle];
            let along = Unit::try_new(bone, 1e-6).unwrap_or_else(Vector3::x_axis);
            let length = bone.norm();
            // In the rest pose palms face the floor.
            let down = -Vector3::y();
            let flat = down - along.into_inner() * down.dot(&along);
            let inward = Unit::try_new(flat, 1e-6).unwrap_or_else(|| -Vector3::y_axis());
            Self {
                pad: bone * ALONG + inward.into_inner() * (DEPTH * length),
                inward,
                along,
                length,
            }
        })
    }

    /// From the palm's middle line toward the thumb.
    pub fn across(&self) -> Vector3<f32> {
        self.along.cross(&self.inward)
    }

    /// Points of the palm's skin, five along it and three across, relative to the wrist.
    pub fn skin(&self) -> [Vector3<f32>; 15] {
        let across = self.across();
        std::array::from_fn(|i| {
            let (row, column) = (i / 3, i % 3);
            let along = 0.35 + 0.65 * row as f32 / 4.0;
            let aside = (column as f32 - 1.0) * 0.33;
            self.along.into_inner() * (along * self.length)
                + self.inward.into_inner() * (DEPTH * self.length)
                + across * (aside * self.length)
        })
    }
}

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
    fn the_pad_is_on_the_mannequins_skin() {
        let skeleton = Skeleton::adult();
        let figure = Figure::standard().fitted(&skeleton);
        for (hand, palm) in Palm::of(&skeleton).iter().enumerate() {
            assert!(palm.inward.dot(&palm.along).abs() < 1e-5);
            let wrist = joint::LEFT_WRIST + hand;
            let at = figure.joints[wrist].position + palm.pad;
            let nearest = (figure.parts.iter().flat_map(|p| &p.vertices))
                .map(|v| (v - at).norm())
                .fold(f32::INFINITY, f32::min);
            assert!(nearest < 0.008, "{hand}: {nearest}");
            // Seen from the pad, the hand is on the other side.
            let below = (figure.parts.iter())
                .flat_map(|p| p.vertices.iter().zip(p.joints.iter().zip(&p.weights)))
                .filter(|(_, (j, w))| usize::from(j[0]) == wrist && w[0] > 200)
                .filter(|(v, _)| {
                    let off = *v - at;
                    let flat = off - palm.inward.into_inner() * off.dot(&palm.inward);
                    flat.norm() < 0.02
                })
                .map(|(v, _)| (v - at).dot(&palm.inward))
                .fold(f32::NEG_INFINITY, f32::max);
            assert!(below.abs() < 0.006, "{hand}: skin {below} beyond the pad");
        }
    }
}
