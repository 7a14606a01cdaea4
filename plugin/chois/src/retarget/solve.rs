//! A rig made ready: its links, limbs and hands measured against the source.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use super::calibrate::{Calibration, foot_bone, hand_joint};
use super::links::links;
use super::{BodyPart, Digit, Rig, RigMap, RootPlace, Side};
use crate::figure::hands::{self, Bend, Hand, HandPoints};
use crate::frame;
use crate::skeleton::{Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};
use crate::{Error, Result};

pub(super) type Turn = UnitQuaternion<f32>;
/// World rotations of the source's joints, Y up.
pub(super) type Turns = [Turn; ROTATIONS];

/// What moves a bone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// Stays as it is on its parent.
    Follow,
    /// Turns like a mixture of up to four joints of the source: joint and weight.
    Joints([(usize, f32); 4]),
    /// Takes a share of the roll of a limb: `base` carries the limb, `whole` is the bone that has the whole turn,
    /// `about` the limb's direction in the bind pose. With `after`, the roll is that of `whole` on `base` and only
    /// comes after the bone's own turn (forearm and shin).
    Share {
        base: usize,
        whole: Whole,
        share: f32,
        about: Vector3<f32>,
    },
    /// A phalanx: side, finger, number.
    Finger(Side, Digit, usize),
}

/// What the roll is measured on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Whole {
    /// The limb itself on what carries it: the bone keeps the limb's direction.
    Own { joint: usize },
    /// The end of the limb on the limb: the bone keeps the limb's turn but for roll.
    Next { joint: usize, part: BodyPart },
}

/// A bone that can move, with all that is known of it beforehand.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub bone: usize,
    pub parent: Option<usize>,
    /// From the parent's place to its own in the bind pose, person's frame, metres.
    pub offset: Vector3<f32>,
    /// Rotation of the parent in the bind pose, person's frame.
    pub above: Turn,
    /// Bind rotation relative to the parent.
    pub local: Turn,
    /// From bind to T-pose.
    pub turn: Turn,
    pub role: Role,
}

/// Links of a leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub upper: usize,
    pub lower: usize,
    pub foot: usize,
    /// From the ankle to the ball of the foot in the T-pose, metres.
    pub ball: Vector3<f32>,
    /// From the ankle to the heel's underside in the T-pose, metres.
    pub heel: Vector3<f32>,
    /// From the ball to the tip of the toes' underside in the T-pose, metres.
    pub tip: Vector3<f32>,
    /// Height of the ball over the floor in the T-pose, metres.
    pub ball_height: f32,
    /// Whether the toes bend.
    pub toes: bool,
    pub length: f32,
    /// How much farther to the side the ball is than the source's, in the T-pose, metres, person's frame.
    pub aside: Vector3<f32>,
}

/// Links of an arm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub upper: usize,
    pub lower: usize,
    pub hand: usize,
    /// From the wrist to the palm in the T-pose, metres.
    pub palm: Vector3<f32>,
    pub length: f32,
}

/// A rig made ready to be moved by one person's motion: see [`Retarget::new`].
#[derive(Clone, Debug)]
pub struct Retarget {
    pub(super) links: Vec<Link>,
    pub(super) source: Skeleton,
    pub(super) legs: [Leg; 2],
    pub(super) arms: [Arm; 2],
    pub(super) hands: [Hand; 2],
    /// The link that carries the body is the first; this is the bone.
    pub(super) hips: usize,
    /// From the hips bone to the middle between the hip joints in the bind pose, person's frame, metres.
    pub(super) middle: Vector3<f32>,
    /// From the root's frame to the person's: the turn that makes it face +Z.
    pub(super) to_person: Turn,
    /// From a point in metres in the root's frame to the hips' parent's frame.
    pub(super) into_parent: Matrix3<f32>,
    pub(super) parent_position: Vector3<f32>,
    /// Metres per unit of the root's frame.
    pub(super) scale: f32,
    /// Height of the hip joints over the floor, metres, of the rig and of the source.
    pub(super) height: [f32; 2],
    /// Bones that turn, and their links.
    bones: Vec<usize>,
    pub(super) moving: Vec<usize>,
}

/// One pose of a rig; make it with [`Retarget::rest`], so that nothing is allocated later.
#[derive(Clone, Debug, PartialEq)]
pub struct RigPose {
    /// Where the root stands.
    pub root: RootPlace,
    /// Translation of [`Retarget::hips`] relative to its parent, the parent's units.
    pub hips_translation: Vector3<f32>,
    /// Rotations of [`Retarget::bones`] relative to their parents.
    pub rotations: Vec<UnitQuaternion<f32>>,
    /// How the fingers of the left and of the right hand are bent.
    pub(super) bends: [Bend; 2],
    /// World rotation (Y up) from bind of every link, and world position (Y up, metres).
    pub(super) turns: Vec<Turn>,
    pub(super) places: Vec<Vector3<f32>>,
    /// Heading of the last pose, for when there is none.
    pub(super) heading: f32,
}

/// Where hands and feet are to be in one frame, Y-up world, metres.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goals {
    /// Added to the hips.
    pub shift: Vector3<f32>,
    /// Turns the trunk, the whole at the chest.
    pub lean: Option<Turn>,
    /// The palms, and how much each of them matters, 0 to 1.
    pub palms: [Option<(Vector3<f32>, f32)>; 2],
    /// The balls of the feet.
    pub balls: [Option<Vector3<f32>>; 2],
    /// How far heels and toes are turned out of the floor, radians; None: as far as this frame needs.
    pub lifts: [Option<[f32; 2]>; 2],
}

impl Retarget {
    /// Makes a rig ready for a person's motion.
    ///
    /// `source` is the skeleton of the clips that will come; `scale` the world scale of the avatar's root (metres per
    /// unit of the root's frame).
    ///
    /// # Errors
    /// [`Error::Invalid`] when `map` is not of this rig, when the scale is not a positive number, or when the rig is
    /// no body in size: under 5 cm or over 50 m.
    pub fn new(rig: &Rig, map: &RigMap, source: &Skeleton, scale: f32) -> Result<Self> {
        rig.check()?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Error::invalid(
                "scale of the avatar",
                format!("{scale} is no positive number"),
            ));
        }
        let bone = |part: BodyPart| {
            map.bone(part).filter(|b| *b < rig.bones.len()).ok_or_else(|| {
                Error::invalid(
                    "rig map",
                    format!("it has no bone of this rig for the {part}; find the bones of this rig first"),
                )
            })
        };
        let hips = bone(BodyPart::Hips)?;
        let foreign = (map.spine.iter().chain(&map.neck).copied())
            .chain(map.twists.iter().map(|t| t.bone))
            .chain(map.companions.iter().map(|c| c.1))
            .chain(map.matched().map(|m| m.1))
            .any(|b| b >= rig.bones.len());
        if foreign {
            return Err(Error::invalid(
                "rig map",
                "it names bones that this rig does not have; find the bones of this rig first",
            ));
        }
        for part in BodyPart::all().filter(|p| p.required()) {
            rig.check_scales_above(bone(part)?)?;
        }

        let placed = rig.placed();
        let facing = Vector3::new(map.facing.x, 0.0, map.facing.z);
        let yaw = if facing.norm() > 1e-6 {
            facing.x.atan2(facing.z)
        } else {
            0.0
        };
        let to_person = Turn::from_axis_angle(&Vector3::y_axis(), -yaw);
        let at = |b: usize| to_person * placed[b].position * scale;
        let calibration = Calibration::new(map, source, &at);

        let (links, link_of) = links(rig, map, source, &calibration, &at, &placed, to_person);
        let parent = rig.bones[hips].parent;
        let above = parent.map_or_else(Matrix3::identity, |p| placed[p].linear);
        let into_parent = above.try_inverse().ok_or_else(|| {
            Error::invalid(
                "avatar",
                "a bone above the hips has scale 0; give it a scale above 0",
            )
        })?;
        let link = |part: BodyPart| -> Result<usize> {
            let b = bone(part)?;
            link_of[b].ok_or_else(|| {
                Error::invalid(
                    format!("bone {:?}", rig.bones[b].name),
                    format!("taken for the {part}, it does not hang on the hips"),
                )
            })
        };

        // The T-pose, hips at the origin.
        let mut places = vec![Vector3::zeros(); links.len()];
        let mut turns: Vec<Turn> = Vec::with_capacity(links.len());
        for (i, l) in links.iter().enumerate() {
            turns.push(match (&l.role, l.parent) {
                (Role::Follow, Some(p)) => turns[p],
                _ => l.turn,
            });
            if let Some(p) = l.parent {
                places[i] = places[p] + turns[p] * l.offset;
            }
        }
        let rest = source.rest_positions();
        let floor_source = rest[joint::LEFT_TOE].y.min(rest[joint::RIGHT_TOE].y) - TOE_HEIGHT;
        let hip_source = (rest[joint::LEFT_HIP].y + rest[joint::RIGHT_HIP].y) / 2.0 - floor_source;

        let mut legs = Vec::with_capacity(2);
        let mut arms = Vec::with_capacity(2);
        let mut floors = 0.0;
        for side in Side::BOTH {
            let (upper, lower, foot) = (
                link(BodyPart::UpperLeg(side))?,
                link(BodyPart::LowerLeg(side))?,
                link(BodyPart::Foot(side))?,
            );
            let length =
                (places[lower] - places[upper]).norm() + (places[foot] - places[lower]).norm();
            let source_ankle = rest[joint::LEFT_ANKLE + side.index()];
            let source_ball = rest[joint::LEFT_TOE + side.index()];
            let size = length / (hip_source - (source_ankle.y - floor_source)).max(0.1);
            let bind_ankle = bone(BodyPart::Foot(side)).map(at)?;
            let floor_bind = map.floor * scale;
            let flat = calibration.feet_flat;
            let way = foot_bone(map, &at, side).map(|w| calibration.turn(BodyPart::Foot(side)) * w);
            let ankle_height = if flat {
                (bind_ankle.y - floor_bind).max(0.0)
            } else {
                size * (source_ankle.y - floor_source)
            };
            // A foot without toes gets the source's, as long as its size says.
            let mut ball = way.unwrap_or_else(|| (source_ball - source_ankle) * size);
            if way.is_none() {
                ball.y = TOE_HEIGHT * size - ankle_height;
            }
            let ball_height = (ankle_height + ball.y).max(0.0);
            let along = Vector3::new(ball.x, 0.0, ball.z);
            floors += (places[foot].y - ankle_height) / 2.0;
            let middle_x = places[foot].x + ball.x;
            legs.push(Leg {
                upper,
                lower,
                foot,
                ball,
                heel: Vector3::new(0.0, -ankle_height, 0.0) - along * 0.35,
                tip: Vector3::new(0.0, -ball_height, 0.0) + along * 0.45,
                ball_height,
                toes: map.bone(BodyPart::Toes(side)).is_some(),
                length,
                aside: Vector3::new(middle_x - source_ball.x, 0.0, 0.0),
            });

            let (upper, lower, hand) = (
                link(BodyPart::UpperArm(side))?,
                link(BodyPart::LowerArm(side))?,
                link(BodyPart::Hand(side))?,
            );
            let fore = (places[hand] - places[lower]).norm();
            let wrist = joint::LEFT_WRIST + side.index();
            let palm = rest[joint::LEFT_PALM + side.index()] - rest[wrist];
            let source_fore = (rest[wrist] - rest[joint::LEFT_ELBOW + side.index()]).norm();
            let knuckle = (map.bone(BodyPart::Finger(side, Digit::Middle, 0)))
                .or(map.bone(BodyPart::Finger(side, Digit::Index, 0)));
            let size = match (knuckle, map.bone(BodyPart::Hand(side))) {
                (Some(k), Some(h)) => (at(k) - at(h)).norm() / palm.norm().max(1e-3),
                _ => fore / source_fore.max(1e-3),
            };
            arms.push(Arm {
                upper,
                lower,
                hand,
                palm: palm * size,
                length: (places[lower] - places[upper]).norm() + fore,
            });
        }
        let (legs, arms) = match (<[Leg; 2]>::try_from(legs), <[Arm; 2]>::try_from(arms)) {
            (Ok(l), Ok(a)) => (l, a),
            _ => return Err(Error::invalid("avatar", "it needs two legs and two arms")),
        };
        let mut legs = legs;
        let hip_middle = (places[legs[0].upper] + places[legs[1].upper]) / 2.0;
        for leg in &mut legs {
            leg.aside.x -=
                hip_middle.x - (rest[joint::LEFT_HIP].x + rest[joint::RIGHT_HIP].x) / 2.0;
        }
        let height = hip_middle.y - floors;
        if !(0.05..50.0).contains(&height) {
            return Err(Error::invalid(
                "avatar",
                format!(
                    "its hips are {height:.3} m over the floor; scale its root so that it has the size of a person"
                ),
            ));
        }
        let middle = turns[0].inverse() * hip_middle;
        let moving: Vec<usize> = (0..links.len())
            .filter(|i| links[*i].role != Role::Follow)
            .collect();
        Ok(Self {
            bones: moving.iter().map(|i| links[*i].bone).collect(),
            moving,
            source: source.clone(),
            legs,
            hands: [0, 1].map(|side| Hand::of(&points(side, &links, &arms[side], &places), side)),
            arms,
            hips,
            middle,
            to_person,
            into_parent,
            parent_position: parent.map_or_else(Vector3::zeros, |p| placed[p].position),
            scale,
            height: [height, hip_source],
            links,
        })
    }

    /// The bone that carries the body, by index in the rig.
    pub fn hips(&self) -> usize {
        self.hips
    }

    /// Bones that turn, by index in the rig: what [`RigPose::rotations`] and [`super::RigClip::rotations`] are of.
    pub fn bones(&self) -> &[usize] {
        &self.bones
    }

    /// How much longer the rig's legs are than the source's.
    pub fn size(&self) -> f32 {
        self.height[0] / self.height[1]
    }

    /// The T-pose at the world's origin: a buffer for [`Self::solve`].
    pub fn rest(&self) -> RigPose {
        let mut out = RigPose {
            root: RootPlace {
                position: Vector3::zeros(),
                rotation: Turn::identity(),
            },
            hips_translation: Vector3::zeros(),
            rotations: vec![Turn::identity(); self.bones.len()],
            bends: [hands::RELAXED; 2],
            turns: vec![Turn::identity(); self.links.len()],
            places: vec![Vector3::zeros(); self.links.len()],
            heading: 0.0,
        };
        let up = frame::y_up_to_z_up();
        let pose = Pose {
            root: Vector3::new(0.0, 0.0, self.height[1] - self.rest_middle().y),
            rotations: [up; ROTATIONS],
        };
        self.solve(&pose, [None; 2], &mut out);
        out
    }
}

/// Fingers of a hand about the wrist in the T-pose; those that the rig lacks are where others have them.
fn points(side: usize, links: &[Link], arm: &Arm, places: &[Vector3<f32>]) -> HandPoints {
    let which = Side::BOTH[side];
    let usual = hand_joint(which, Digit::Middle, 0).norm();
    let size = arm.palm.norm() / usual;
    let wrist = places[arm.hand];
    let mut joints: [[Vector3<f32>; 3]; 5] = std::array::from_fn(|d| {
        std::array::from_fn(|p| hand_joint(which, Digit::ALL[d], p) * size)
    });
    for (link, place) in links.iter().zip(places) {
        if let Role::Finger(s, digit, p) = link.role
            && s == which
        {
            let d = digit as usize;
            let at = place - wrist;
            let moved = at - joints[d][p];
            for outer in &mut joints[d][p..] {
                *outer += moved;
            }
        }
    }
    HandPoints {
        joints,
        // To the middle of the fingertip, and its radius: SMPL-X's, in proportion.
        tips: std::array::from_fn(|d| (if d == 4 { 0.02 } else { 0.016 } * size, 0.0085 * size)),
    }
}
