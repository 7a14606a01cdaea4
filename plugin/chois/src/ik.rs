//! Two-bone inverse kinematics: a shoulder and an elbow (or a hip and a knee) turn so that the end of the chain
//! reaches a point, the bend staying in its plane and the end keeping its own rotation.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use crate::skeleton::{Pose, Skeleton, joint};

/// A chain of three joints whose first two turn; the third carries `tip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limb {
    /// Shoulder or hip.
    pub upper: usize,
    /// Elbow or knee.
    pub middle: usize,
    /// Wrist or ankle; keeps its rotation in the world.
    pub end: usize,
    /// The joint that is to reach the target, carried by `end` (palm or toe), or `end` itself.
    pub tip: usize,
}

impl Limb {
    /// The axis about which it bends with its upper bone turned so (world rotation), a unit vector: in the rest pose elbows bend
    /// to the front, knees to the back.
    pub(crate) fn hinge(&self, upper: &UnitQuaternion<f32>) -> Vector3<f32> {
        upper
            * match self.upper {
                joint::LEFT_SHOULDER => -Vector3::y(),
                joint::RIGHT_SHOULDER => Vector3::y(),
                _ => Vector3::x(),
            }
    }
}

/// Left arm, to the palm.
pub const LEFT_ARM: Limb = Limb {
    upper: 16,
    middle: 18,
    end: 20,
    tip: 22,
};
/// Right arm, to the palm.
pub const RIGHT_ARM: Limb = Limb {
    upper: 17,
    middle: 19,
    end: 21,
    tip: 23,
};
/// Left leg, to the ankle.
pub const LEFT_LEG: Limb = Limb {
    upper: 1,
    middle: 4,
    end: 7,
    tip: 7,
};
/// Right leg, to the ankle.
pub const RIGHT_LEG: Limb = Limb {
    upper: 2,
    middle: 5,
    end: 8,
    tip: 8,
};

/// Turns the limb so that its tip comes to `target` (world), or as near as the limb is long. Returns what is left of
/// the distance, metres.
pub fn reach(skeleton: &Skeleton, pose: &mut Pose, limb: Limb, target: Vector3<f32>) -> f32 {
    let joints = skeleton.forward(pose);
    let (a, b, c) = (joints[limb.upper], joints[limb.middle], joints[limb.end]);
    // The end keeps its rotation, so its tip keeps its offset.
    let goal = target - (joints[limb.tip] - c);
    let hinge = limb.hinge(&pose.rotations[limb.upper]);
    let Some((turn_upper, turn_lower)) = bent_on(a, b, c, goal, hinge) else {
        return (joints[limb.tip] - target).norm();
    };
    pose.rotations[limb.upper] = turn_upper * pose.rotations[limb.upper];
    pose.rotations[limb.middle] = turn_lower * pose.rotations[limb.middle];
    let after = skeleton.forward(pose);
    (after[limb.tip] - target).norm()
}

/// Turns a limb about the line from its upper joint to its end, by radians; the end and what it carries stay.
pub(crate) fn swivel(skeleton: &Skeleton, pose: &mut Pose, limb: Limb, angle: f32) {
    if angle == 0.0 {
        return;
    }
    let joints = skeleton.forward(pose);
    if let Some(axis) = Unit::try_new(joints[limb.end] - joints[limb.upper], 1e-4) {
        let turn = UnitQuaternion::from_axis_angle(&axis, angle);
        for joint in [limb.upper, limb.middle] {
            pose.rotations[joint] = turn * pose.rotations[joint];
        }
    }
}

/// The part of a rotation that turns about a bone (any length): it is this after a bend.
pub(crate) fn twist(rotation: &UnitQuaternion<f32>, bone: &Vector3<f32>) -> UnitQuaternion<f32> {
    let Some(axis) = Unit::try_new(*bone, 1e-6) else {
        return UnitQuaternion::identity();
    };
    let along = rotation.imag().dot(&axis);
    let twist = nalgebra::Quaternion::from_parts(rotation.w, axis.into_inner() * along);
    if twist.norm() < 1e-6 {
        UnitQuaternion::identity()
    } else {
        UnitQuaternion::from_quaternion(twist)
    }
}

/// Turns of the two bones a-b and b-c, in the world, that bring `c` to `goal`, or as near as they are long. The bend stays
/// in its plane; where the limb is straight to within `straight` (length of the normal, square metres) it bends about
/// `hinge`. None when the limb or the way has no length.
pub(crate) fn two_bone(
    a: Vector3<f32>,
    b: Vector3<f32>,
    c: Vector3<f32>,
    goal: Vector3<f32>,
    hinge: Vector3<f32>,
    straight: f32,
) -> Option<(UnitQuaternion<f32>, UnitQuaternion<f32>)> {
    let mut normal = (b - a).cross(&(c - a));
    if normal.norm() < straight {
        normal = hinge;
    }
    bend(a, b, c, goal, normal)
}

/// [`two_bone`] of a hinge joint: it bends about `hinge` (a unit vector) where it is straight, about the normal of its
/// present bend where that is far more than `straight` (length of the normal, square metres), between them gradually;
/// never to the other side.
pub(crate) fn hinged(
    a: Vector3<f32>,
    b: Vector3<f32>,
    c: Vector3<f32>,
    goal: Vector3<f32>,
    hinge: Vector3<f32>,
    straight: f32,
) -> Option<(UnitQuaternion<f32>, UnitQuaternion<f32>)> {
    let normal = (b - a).cross(&(c - a));
    let back = normal.dot(&hinge).min(0.0);
    bend(a, b, c, goal, normal + hinge * (straight - back))
}

/// [`two_bone`] that changes nothing where `c` is at `goal` already: the bend stays in its plane, and goes over to one about
/// `hinge` (a unit vector) gradually where it is less than three times `straight` (length of the normal, square metres).
pub(crate) fn in_plane(
    a: Vector3<f32>,
    b: Vector3<f32>,
    c: Vector3<f32>,
    goal: Vector3<f32>,
    hinge: Vector3<f32>,
    straight: f32,
) -> Option<(UnitQuaternion<f32>, UnitQuaternion<f32>)> {
    let normal = (b - a).cross(&(c - a));
    let unsure = (1.0 - normal.norm() / (3.0 * straight)).max(0.0);
    bend(a, b, c, goal, normal + hinge * (straight * unsure))
}

/// [`two_bone`] of a hinge joint that bends on from where it is: what it bends more than it does, it bends about `hinge` (a
/// unit vector). A limb that is all but straight bends to any side, and would take that side along however far it bends.
fn bent_on(
    a: Vector3<f32>,
    b: Vector3<f32>,
    c: Vector3<f32>,
    goal: Vector3<f32>,
    hinge: Vector3<f32>,
) -> Option<(UnitQuaternion<f32>, UnitQuaternion<f32>)> {
    let (upper, lower) = ((b - a).norm(), (c - b).norm());
    // How far it is from straight, radians, when its ends are so far apart.
    let bent = |apart: f32| {
        let cosine = (apart * apart - upper * upper - lower * lower) / (2.0 * upper * lower);
        cosine.clamp(-1.0, 1.0).acos()
    };
    let now = bent((c - a).norm());
    let more = (bent((goal - a).norm()) - now).max(0.0);
    let own = (b - a).cross(&(c - a)).try_normalize(1e-6).unwrap_or(hinge);
    let normal = own * now + hinge * more;
    let along = (c - a).try_normalize(1e-6)?;
    bend(a, b, c, goal, normal - along * normal.dot(&along))
}

/// The turns of [`two_bone`] with the bend about a given normal.
fn bend(
    a: Vector3<f32>,
    b: Vector3<f32>,
    c: Vector3<f32>,
    goal: Vector3<f32>,
    normal: Vector3<f32>,
) -> Option<(UnitQuaternion<f32>, UnitQuaternion<f32>)> {
    let (upper, lower) = ((b - a).norm(), (c - b).norm());
    let reach = goal - a;
    let distance = reach.norm();
    if upper < 1e-4 || lower < 1e-4 || distance < 1e-5 || normal.norm() < 1e-7 {
        return None;
    }
    let (least, most) = ((upper - lower).abs() + 1e-4, (upper + lower) * 0.9995);
    // Not where a bone is a thousandth of the other, nor where there is no number.
    if !(least < most && most.is_finite() && distance.is_finite()) {
        return None;
    }
    let d = distance.clamp(least, most);
    let to_end = c - a;
    // The plane turns with the direction to the goal.
    let swing = UnitQuaternion::rotation_between(&to_end, &reach).unwrap_or_else(|| {
        UnitQuaternion::from_axis_angle(&Unit::new_normalize(normal), std::f32::consts::PI)
    });
    let normal = Unit::new_normalize(swing * normal);
    let direction = reach / distance;
    let cosine = ((upper * upper + d * d - lower * lower) / (2.0 * upper * d)).clamp(-1.0, 1.0);
    // The middle joint lies off the line a-goal, on the side where the present bend is.
    let side = UnitQuaternion::from_axis_angle(&normal, -cosine.acos());
    let new_middle = a + side * direction * upper;
    let new_end = a + direction * d;
    Some((
        swing_then(&(b - a), &(new_middle - a)),
        swing_then(&(c - b), &(new_end - new_middle)),
    ))
}

fn swing_then(from: &Vector3<f32>, to: &Vector3<f32>) -> UnitQuaternion<f32> {
    UnitQuaternion::rotation_between(from, to).unwrap_or_else(UnitQuaternion::identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_leg_that_hangs_a_little_aside_bends_to_the_front() {
        let skeleton = Skeleton::adult();
        // Y up, facing z. The knee is a few millimetres off the line from hip to ankle, to one side and even to the back.
        for aside in [-0.02_f32, 0.0, 0.02] {
            let mut pose = Pose {
                root: Vector3::new(0.0, 1.0, 0.0),
                rotations: [UnitQuaternion::identity(); crate::skeleton::ROTATIONS],
            };
            let turn = |about: Vector3<f32>| UnitQuaternion::from_scaled_axis(about);
            pose.rotations[LEFT_LEG.upper] = turn(Vector3::new(0.01, 0.0, aside));
            pose.rotations[LEFT_LEG.middle] = turn(Vector3::new(-0.01, 0.0, -aside));
            let ankle = skeleton.forward(&pose)[LEFT_LEG.end];
            let front = |hips: f32| {
                let mut low = pose;
                low.root.y -= hips;
                let left = reach(&skeleton, &mut low, LEFT_LEG, ankle);
                assert!(left < 1e-3, "{left} m off");
                let joints = skeleton.forward(&low);
                let middle = (joints[LEFT_LEG.upper] + joints[LEFT_LEG.end]) / 2.0;
                joints[LEFT_LEG.middle] - middle
            };
            let knees: Vec<Vector3<f32>> = (0..=20).map(|k| front(k as f32 * 0.01)).collect();
            let own = skeleton.forward(&pose);
            let middle = (own[LEFT_LEG.upper] + own[LEFT_LEG.end]) / 2.0;
            let stays = knees[0] - (own[LEFT_LEG.middle] - middle);
            assert!(stays.norm() < 2e-3, "where it is, it stays: {stays}");
            let last = knees[20];
            assert!(last.z > 0.15 && last.x.abs() < 0.05, "{aside}: {last}");
        }
    }

    #[test]
    fn limbs_that_cannot_bend_are_left_as_they_are() {
        let a = Vector3::new(0.0, 0.0, 1.0);
        let limb = |upper: f32, lower: f32, goal: f32| {
            let b = a - Vector3::z() * upper;
            let c = b - Vector3::z() * lower;
            two_bone(a, b, c, Vector3::new(goal, 0.0, 0.0), Vector3::x(), 1e-5)
        };
        assert!(limb(0.4, 0.4, 0.2).is_some());
        assert!(limb(2.0, 0.0003, 0.2).is_none());
        for odd in [f32::NAN, f32::INFINITY] {
            assert!(limb(odd, 0.4, 0.2).is_none());
            assert!(limb(0.4, odd, 0.2).is_none());
            assert!(limb(0.4, 0.4, odd).is_none());
        }
    }
}
