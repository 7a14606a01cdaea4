//! One pose of the model's skeleton on a rig.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use super::calibrate::{Calibration, foot_bone, hand_joint, smooth};
use super::{BodyPart, Digit, Rig, RigMap, RootPlace, Side};
use crate::figure::hands::{self, Bend, Hand, HandPoints};
use crate::frame;
use crate::ik::{hinged, two_bone};
use crate::skeleton::{Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};
use crate::{Error, Result};

type Turn = UnitQuaternion<f32>;
/// World rotations of the source's joints, Y up.
pub(super) type Turns = [Turn; ROTATIONS];

/// A leg straightens ever more slowly beyond the first share of its length, never to the second.
const SOFT: [f32; 2] = [0.985, 0.9995];

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
    above: Turn,
    /// Bind rotation relative to the parent.
    local: Turn,
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
    hips: usize,
    /// From the hips bone to the middle between the hip joints in the bind pose, person's frame, metres.
    middle: Vector3<f32>,
    /// From the root's frame to the person's: the turn that makes it face +Z.
    pub(super) to_person: Turn,
    /// From a point in metres in the root's frame to the hips' parent's frame.
    into_parent: Matrix3<f32>,
    parent_position: Vector3<f32>,
    /// Metres per unit of the root's frame.
    scale: f32,
    /// Height of the hip joints over the floor, metres, of the rig and of the source.
    pub(super) height: [f32; 2],
    /// Bones that turn, and their links.
    bones: Vec<usize>,
    moving: Vec<usize>,
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

    /// One pose, for live use: legs reach the floor, hands where `palms` say. Nothing is known of the frames before and
    /// after, so feet are not held in place; nothing is allocated. Fingers keep what they had.
    ///
    /// `palms`: where the left and the right palm shall be (model's world, metres, Z up) and how much that matters,
    /// 0 to 1.
    pub fn solve(&self, pose: &Pose, palms: [Option<(Vector3<f32>, f32)>; 2], out: &mut RigPose) {
        let mut turns = source_turns(pose);
        let joints = self.source.forward(pose);
        let balls = [0, 1].map(|side| {
            let ball = frame::to_y_up(joints[joint::LEFT_TOE + side]);
            let heading = heading_turn(heading(&turns[0]).unwrap_or(out.heading));
            Some(self.ball_target(side, &ball, &heading))
        });
        let palms = palms.map(|p| p.map(|(at, w)| (frame::to_y_up(at), w)));
        let goals = Goals {
            palms,
            balls,
            ..Goals::default()
        };
        self.pose(pose, &mut turns, &goals, out);
        self.write(&turns, out);
    }

    /// The middle between the source's hip joints about the pelvis at rest.
    fn rest_middle(&self) -> Vector3<f32> {
        (self.source.rest_offsets[joint::LEFT_HIP] + self.source.rest_offsets[joint::RIGHT_HIP])
            / 2.0
    }

    /// Where the ball of a foot belongs when the source's is at `ball` (Y up).
    pub(super) fn ball_target(
        &self,
        side: usize,
        ball: &Vector3<f32>,
        heading: &Turn,
    ) -> Vector3<f32> {
        let leg = &self.legs[side];
        let mut out = ball + heading * leg.aside;
        out.y = (leg.ball_height + (ball.y - TOE_HEIGHT) * self.size()).max(leg.ball_height);
        out
    }

    /// Where the middle between the hip joints belongs, Y-up world.
    fn hips_target(&self, pose: &Pose, turns: &Turns) -> Vector3<f32> {
        let mut middle = frame::to_y_up(pose.root) + turns[0] * self.rest_middle();
        middle.y *= self.size();
        middle
    }

    /// Places all links for a pose with the goals reached. `turns` come back as they became.
    pub(super) fn pose(&self, pose: &Pose, turns: &mut Turns, goals: &Goals, out: &mut RigPose) {
        if let Some(lean) = goals.lean {
            for (j, share) in [
                (joint::SPINE1, 0.34),
                (joint::SPINE2, 0.67),
                (joint::SPINE3, 1.0),
                (joint::LEFT_COLLAR, 1.0),
                (joint::RIGHT_COLLAR, 1.0),
                (joint::NECK, 0.6),
                (joint::HEAD, 0.3),
            ] {
                turns[j] = Turn::identity().slerp(&lean, share) * turns[j];
            }
        }
        let middle = self.hips_target(pose, turns) + goals.shift;
        self.place(turns, &middle, out);
        // The pieces of a limb need not lie on one line: what is left after the first time is little.
        let mut wrists = [None; 2];
        for round in 0..3 {
            for side in 0..2 {
                if let Some(ball) = goals.balls[side] {
                    self.stand(side, ball, turns, out, round == 0, goals.lifts[side]);
                }
                if let Some((palm, weight)) = goals.palms[side].filter(|g| g.1 > 0.0) {
                    let arm = &self.arms[side];
                    let wrist = *wrists[side].get_or_insert_with(|| {
                        let wanted = palm - turns[joint::LEFT_WRIST + side] * arm.palm;
                        out.places[arm.hand].lerp(&wanted, weight)
                    });
                    self.reach(side, wrist, turns, out);
                }
            }
            self.place(turns, &middle, out);
        }
    }

    /// Turns and places of all links, the hip joints' middle at `middle`.
    pub(super) fn place(&self, turns: &Turns, middle: &Vector3<f32>, out: &mut RigPose) {
        for (i, link) in self.links.iter().enumerate() {
            let turn = match (&link.role, link.parent) {
                (Role::Joints(mix), _) => mixed(mix, turns) * link.turn,
                (
                    Role::Share {
                        base,
                        whole,
                        share,
                        about,
                    },
                    _,
                ) => {
                    let base = out.turns[*base];
                    match whole {
                        Whole::Own { joint } => {
                            let on = base.inverse() * turns[*joint] * link.turn;
                            let roll = roll(&on, about);
                            // All of the swing, a share of the roll.
                            base * on * part(&roll, 1.0 - share).inverse()
                        }
                        Whole::Next { joint, part: end } => {
                            let on = base.inverse() * turns[*joint] * self.turn_of(*end);
                            base * part(&roll(&on, about), *share)
                        }
                    }
                }
                (_, Some(p)) => out.turns[p],
                (_, None) => Turn::identity(),
            };
            out.turns[i] = turn;
            out.places[i] = match link.parent {
                None => middle - turn * self.middle,
                Some(p) => out.places[p] + out.turns[p] * link.offset,
            };
        }
    }

    fn turn_of(&self, part: BodyPart) -> Turn {
        match part {
            BodyPart::Hand(side) => self.links[self.arms[side.index()].hand].turn,
            BodyPart::Foot(side) => self.links[self.legs[side.index()].foot].turn,
            _ => Turn::identity(),
        }
    }

    /// How far heel and toes of a foot with its ball at a height must be turned so that they are not in the floor:
    /// radians about the level axis across the foot.
    pub(super) fn lifts(&self, side: usize, height: f32, turns: &Turns) -> [f32; 2] {
        let leg = &self.legs[side];
        let (ankle, toe) = (
            turns[joint::LEFT_ANKLE + side],
            turns[joint::LEFT_TOE + side],
        );
        let mut out = [0.0; 2];
        let mut on = Turn::identity();
        if let Some(axis) = across(&ankle) {
            out[0] = lift(&(ankle * (leg.heel - leg.ball)), height, &axis);
            on = Turn::from_axis_angle(&axis, out[0]);
        }
        let toe = on * toe;
        if let (true, Some(axis)) = (leg.toes, across(&toe)) {
            out[1] = lift(&(toe * leg.tip), height, &axis);
        }
        out
    }

    /// Turns a foot and its toes as [`Self::lifts`] says.
    fn lift_sole(&self, side: usize, lifts: [f32; 2], turns: &mut Turns) {
        let (ankle, toe) = (joint::LEFT_ANKLE + side, joint::LEFT_TOE + side);
        if let Some(axis) = across(&turns[ankle]) {
            let turn = Turn::from_axis_angle(&axis, lifts[0]);
            turns[ankle] = turn * turns[ankle];
            turns[toe] = turn * turns[toe];
        }
        if let Some(axis) = across(&turns[toe]) {
            turns[toe] = Turn::from_axis_angle(&axis, lifts[1]) * turns[toe];
        }
    }

    /// Turns hip and knee so that the ball of the foot comes to its place, the sole over the floor.
    fn stand(
        &self,
        side: usize,
        ball: Vector3<f32>,
        turns: &mut Turns,
        out: &mut RigPose,
        first: bool,
        lifts: Option<[f32; 2]>,
    ) {
        let leg = &self.legs[side];
        let (hip, knee, ankle) = (
            joint::LEFT_HIP + side,
            joint::LEFT_KNEE + side,
            joint::LEFT_ANKLE + side,
        );
        if first {
            let lifts = lifts.unwrap_or_else(|| self.lifts(side, ball.y, turns));
            self.lift_sole(side, lifts, turns);
        }
        let (a, b, c) = (
            out.places[leg.upper],
            out.places[leg.lower],
            out.places[leg.foot],
        );
        let goal = a + within(
            ball - turns[ankle] * leg.ball - a,
            (b - a).norm() + (c - b).norm(),
        );
        let hinge = turns[hip] * Vector3::x();
        let straight = 0.02 * leg.length * leg.length;
        if let Some((upper, lower)) = hinged(a, b, c, goal, hinge, straight) {
            turns[hip] = upper * turns[hip];
            turns[knee] = lower * turns[knee];
        }
    }

    /// Turns shoulder and elbow so that the wrist comes to its place, the hand keeping its rotation.
    fn reach(&self, side: usize, wrist: Vector3<f32>, turns: &mut Turns, out: &RigPose) {
        let arm = &self.arms[side];
        let (shoulder, elbow) = (joint::LEFT_SHOULDER + side, joint::LEFT_ELBOW + side);
        let (a, b, c) = (
            out.places[arm.upper],
            out.places[arm.lower],
            out.places[arm.hand],
        );
        let bend = if side == 0 {
            -Vector3::y()
        } else {
            Vector3::y()
        };
        let hinge = turns[shoulder] * bend;
        let straight = 0.002 * arm.length * arm.length;
        if let Some((upper, lower)) = two_bone(a, b, c, wrist, hinge, straight) {
            turns[shoulder] = upper * turns[shoulder];
            turns[elbow] = lower * turns[elbow];
        }
    }

    /// Root, hips and rotations relative to parents from what was placed.
    pub(super) fn write(&self, turns: &Turns, out: &mut RigPose) {
        let yaw = heading(&turns[0]).unwrap_or(out.heading);
        self.write_with(yaw, out);
    }

    pub(super) fn write_with(&self, yaw: f32, out: &mut RigPose) {
        out.heading = yaw;
        let heading = heading_turn(yaw);
        let hips = out.places[0];
        let middle = hips + out.turns[0] * self.middle;
        let root = Vector3::new(middle.x, 0.0, middle.z);
        out.root = RootPlace {
            position: frame::from_y_up(root),
            rotation: frame::rotation_from_y_up(heading * self.to_person),
        };
        let back = heading.inverse();
        let in_root = self.to_person.inverse() * (back * (hips - root)) / self.scale;
        out.hips_translation = self.into_parent * (in_root - self.parent_position);
        for (k, &i) in self.moving.iter().enumerate() {
            let link = &self.links[i];
            let on = match (&link.role, link.parent) {
                // Fingers bend from the T-pose of what carries them, wherever that is.
                (Role::Finger(side, digit, p), Some(parent)) => {
                    let side = side.index();
                    let bend = out.bends[side][*digit as usize][*p];
                    let turn = self.hands[side].rotation(*digit as usize, *p, bend);
                    self.links[parent].turn.inverse() * turn * link.turn
                }
                (_, Some(p)) => out.turns[p].inverse() * out.turns[i],
                (_, None) => back * out.turns[i],
            };
            let local = link.above.inverse() * on * link.above * link.local;
            out.rotations[k] = UnitQuaternion::new_normalize(local.into_inner());
        }
    }

    /// World position (Y up) of a palm of the rig as placed.
    pub(super) fn palm(&self, side: usize, turns: &Turns, out: &RigPose) -> Vector3<f32> {
        out.places[self.arms[side].hand] + turns[joint::LEFT_WRIST + side] * self.arms[side].palm
    }
}

impl RigPose {
    /// Bends the fingers of a hand: 0 is relaxed, 1 a fist. Holds until it is said again.
    pub fn grip(&mut self, side: Side, closed: f32) {
        let closed = if closed.is_finite() {
            closed.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.bends[side.index()] = hands::blend(&hands::RELAXED, &hands::CLOSED, closed);
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

/// The source's rotations in a Y-up world, from the rest pose.
pub(super) fn source_turns(pose: &Pose) -> Turns {
    let back = frame::y_up_to_z_up().inverse();
    pose.rotations.map(|q| back * q)
}

/// Angle about the vertical at which the pelvis faces; none when it lies on its side.
pub(super) fn heading(pelvis: &Turn) -> Option<f32> {
    let left = pelvis * Vector3::x();
    let level = (left.x * left.x + left.z * left.z).sqrt();
    (level > 0.25).then(|| (-left.z).atan2(left.x))
}

pub(super) fn heading_turn(yaw: f32) -> Turn {
    Turn::from_axis_angle(&Vector3::y_axis(), yaw)
}

/// A way that a limb of a length can go, straightening ever more slowly: a knee that is all but straight would snap.
fn within(way: Vector3<f32>, length: f32) -> Vector3<f32> {
    let (size, from, most) = (way.norm(), SOFT[0] * length, SOFT[1] * length);
    if size <= from {
        return way;
    }
    let rest = most - from;
    way * ((from + rest * (1.0 - ((from - size) / rest).exp())) / size)
}

/// The level axis across a foot, to its left; none when the foot stands on its side.
fn across(foot: &Turn) -> Option<nalgebra::Unit<Vector3<f32>>> {
    let side = foot * Vector3::x();
    nalgebra::Unit::try_new(Vector3::new(side.x, 0.0, side.z), 0.1)
}

/// The angle about an axis across the foot that lifts a point (about the ball) out of the floor, if it is below it.
fn lift(point: &Vector3<f32>, height: f32, axis: &Vector3<f32>) -> f32 {
    if height + point.y >= -1e-5 {
        return 0.0;
    }
    // Height over angle: m cos(angle - phase).
    let up = axis.cross(point).y;
    let m = point.y.hypot(up);
    if m < 1e-6 {
        return 0.0;
    }
    let phase = up.atan2(point.y);
    let reach = (-height / m).clamp(-1.0, 1.0).acos();
    let wrap = |a: f32| {
        let turn = std::f32::consts::TAU;
        (a + turn / 2.0).rem_euclid(turn) - turn / 2.0
    };
    let (a, b) = (wrap(phase - reach), wrap(phase + reach));
    let angle = if a.abs() < b.abs() { a } else { b };
    if angle.abs() < 1.2 { angle } else { 0.0 }
}

/// The roll of a turn about an axis, faded out where the turn is so far that there is none.
fn roll(on: &Turn, about: &Vector3<f32>) -> Turn {
    let along = on.imag().dot(about);
    let size = (on.w * on.w + along * along).sqrt();
    if size < 1e-4 {
        return Turn::identity();
    }
    let sign = if on.w < 0.0 { -1.0 } else { 1.0 };
    let angle = 2.0 * (sign * along).atan2(sign * on.w);
    let sure = smooth((size - 0.15) / 0.35);
    Turn::new(about * (angle * sure))
}

fn part(turn: &Turn, share: f32) -> Turn {
    Turn::new(turn.scaled_axis() * share)
}

fn mixed(mix: &[(usize, f32); 4], turns: &Turns) -> Turn {
    let (first, mut total) = mix[0];
    let mut out = turns[first];
    for &(joint, weight) in &mix[1..] {
        if weight > 0.0 {
            total += weight;
            out = crate::motion::blend::slerp(&out, &turns[joint], weight / total);
        }
    }
    out
}

/// All bones that can move, parents first, the hips first of all; and the link of each bone.
fn links(
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
    trunk_roles(map, source, calibration, at, &mut roles);
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
    let mut points = vec![at(hips)];
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
