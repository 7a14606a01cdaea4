//! The object under physics: gravity, a floor, a scene, and hands that move it with what force a person has.
//!
//! The object is a dynamic body. What a hand wants is a kinematic anchor: the place where its grasp would be if the object
//! were where the clip has it. A held object hangs on its anchors by springs of limited force and torque (rapier's joint
//! motors), so that it lags, tilts, drags and is lost as its weight and the things in its way have it. Nothing else moves
//! an object that nobody touches.

use std::f32::consts::{PI, TAU};

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rapier3d::prelude::{
    ColliderBuilder, ColliderHandle, GenericJointBuilder, Group, ImpulseJointHandle,
    InteractionGroups, InteractionTestMode, JointAxesMask, JointAxis, MotorModel, PhysicsWorld,
    Pose, RigidBodyBuilder, RigidBodyHandle, SharedShape,
};
use serde::{Deserialize, Serialize};

use super::convert::{from_pose, from_vec, to_pose, to_vec};
use super::grasp::{Grasp, opposed};
use super::object::PhysicalObject;
use super::scene::Obstacle;
use crate::error::{Error, Result};
use crate::skeleton::{JOINTS, Pose as BodyPose, Skeleton, joint};

/// A physics step, seconds, which rapier divides by four again; other times are divided into steps about as long.
const STEP: f32 = 1.0 / 60.0;
/// Each axis has at least this share of a hand's force or torque, whatever is asked there.
const LEAST_SHARE: f32 = 0.2;
/// Force or torque above this share of all there is is all there is.
const ALL: f32 = 0.97;
/// Gravity, metres a second squared.
pub const GRAVITY: f32 = 9.81;
/// How stiffly hands hold: natural frequency in hertz, critically damped. Two hands sag by 2 mm under gravity.
const FREQUENCY: f32 = 8.0;
const STIFFNESS: f32 = (TAU * FREQUENCY) * (TAU * FREQUENCY);
const DAMPING: f32 = 2.0 * TAU * FREQUENCY;
/// Friction of skin: a palm that presses carries this share of its force along the surface.
const SKIN: f32 = 0.8;
/// Radius of a shoe about the line from ankle to toe, metres.
const SHOE: f32 = 0.045;
/// Radius of the points that the object stands on, metres.
const TIP: f32 = 0.001;
/// The floor is stood on by points, not by the convex parts (see `object::supports`).
const FLOOR: Group = Group::GROUP_1;
const PART: Group = Group::GROUP_2;
const SUPPORT: Group = Group::GROUP_3;
/// Penetration that rapier leaves alone, metres.
const SLOP: f32 = 5e-4;
/// An object faster than this, metres or radians a second, is not of this world.
const WILD: f32 = 200.0;

/// What a hand can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grip {
    /// Most force of one hand, newtons. 250 N: two hands lift 50 kg, near what an untrained adult can lift once (Snook and
    /// Ciriello 1991 find 23 to 35 kg acceptable for half of men).
    pub force: f32,
    /// Most torque of one hand, newton metres. 40 N m: a wrist alone has about 10, forearm and body help.
    pub torque: f32,
    /// Most force, newtons, with which a flat palm pulls at, or slides along, what its fingers cannot close around and no
    /// other hand presses against. 60 N: skin sticks, fingertips find something. More than that takes pressing: sliding
    /// then has the friction of skin.
    pub pull: f32,
    /// How far the object may stay behind the hand before the hand lets go, metres.
    pub lag: f32,
}

impl Default for Grip {
    fn default() -> Self {
        Self {
            force: 250.0,
            torque: 40.0,
            pull: 60.0,
            lag: 0.3,
        }
    }
}

impl Grip {
    /// # Errors
    /// [`Error::Invalid`] for what is not finite or not above zero.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in [
            ("grip.force", self.force),
            ("grip.torque", self.torque),
            ("grip.pull", self.pull),
            ("grip.lag", self.lag),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::invalid(
                    field,
                    format!("{value}; give a number above 0"),
                ));
            }
        }
        Ok(())
    }
}

/// What a hand did over one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HandFacts {
    /// Force on the object, newtons.
    pub force: f32,
    /// Torque on the object, newton metres.
    pub torque: f32,
    /// How far the grasp is from where the hand wants it, metres.
    pub lag: f32,
    /// Whether force or torque is all there is.
    pub strained: bool,
    /// Whether the palm slides: nothing presses it on what its fingers cannot close around.
    pub slides: bool,
}

struct Held {
    joint: ImpulseJointHandle,
    /// The grasp's frame about the object's centre: x is the surface's normal.
    frame: Isometry3<f32>,
    /// Whether fingers close around what is there.
    closes: bool,
    /// Force with which the palm pressed at the last step, newtons.
    pressed: f32,
    /// Most that it can pull along the normal if it pulls, and most across it, newtons.
    most: (f32, f32),
}

impl Held {
    fn normal(&self) -> Vector3<f32> {
        self.frame.rotation * Vector3::x()
    }
}

/// The physical world of one object. Metres, Z up, floor at z = 0.
pub struct Simulation {
    world: PhysicsWorld,
    object: RigidBodyHandle,
    anchors: [RigidBodyHandle; 2],
    held: [Option<Held>; 2],
    feet: [(RigidBodyHandle, ColliderHandle); 2],
    scene: Vec<(RigidBodyHandle, Vec<ColliderHandle>)>,
    floor: ColliderHandle,
    grip: Grip,
    wanted: Isometry3<f32>,
    mass: f32,
}

impl Simulation {
    /// A world with a floor and obstacles, the object at a place.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a grip that is none.
    pub fn new(
        object: &PhysicalObject,
        at: &Isometry3<f32>,
        skeleton: &Skeleton,
        grip: Grip,
        obstacles: &[Obstacle],
    ) -> Result<Self> {
        grip.validate()?;
        let mut world = PhysicsWorld {
            gravity: to_vec(&Vector3::new(0.0, 0.0, -GRAVITY)),
            ..PhysicsWorld::default()
        };
        world.integration_parameters.dt = STEP;
        world.integration_parameters.normalized_allowed_linear_error = SLOP;
        let floor = world.insert_collider(
            ColliderBuilder::new(SharedShape::halfspace(to_vec(&Vector3::z())))
                .friction(object.friction())
                .collision_groups(groups(FLOOR, SUPPORT)),
            None,
        );
        let body = world.insert_body(
            RigidBodyBuilder::dynamic()
                .pose(to_pose(at))
                .additional_mass_properties(object.properties())
                .can_sleep(false),
        );
        for shape in object.shapes() {
            world.insert_collider(
                ColliderBuilder::new(shape.clone())
                    .density(0.0)
                    .friction(object.friction())
                    .restitution(object.restitution())
                    .collision_groups(groups(PART, Group::ALL.difference(FLOOR))),
                Some(body),
            );
        }
        let middle = object.center_of_mass();
        for corner in object.supports() {
            let inward = (middle - corner)
                .try_normalize(1e-6)
                .unwrap_or_else(Vector3::zeros);
            world.insert_collider(
                ColliderBuilder::ball(TIP)
                    .translation(to_vec(&(corner + inward * TIP)))
                    .density(0.0)
                    .friction(object.friction())
                    .restitution(object.restitution())
                    .collision_groups(groups(SUPPORT, Group::ALL)),
                Some(body),
            );
        }
        let anchors =
            [0, 1].map(|_| world.insert_body(RigidBodyBuilder::kinematic_position_based()));
        let feet = [joint::LEFT_TOE, joint::RIGHT_TOE].map(|toe| {
            let shoe = world.insert_body(RigidBodyBuilder::kinematic_position_based());
            let tip = to_vec(&skeleton.rest_offsets[toe]);
            let shape = SharedShape::capsule(to_vec(&Vector3::zeros()), tip, SHOE);
            let collider = ColliderBuilder::new(shape).friction(0.8).enabled(false);
            (shoe, world.insert_collider(collider, Some(shoe)))
        });
        let mut out = Self {
            mass: object.mass(),
            world,
            object: body,
            anchors,
            held: [None, None],
            feet,
            scene: Vec::new(),
            floor,
            grip,
            wanted: *at,
        };
        for obstacle in obstacles {
            out.add(obstacle);
        }
        Ok(out)
    }

    /// Adds an obstacle; the number names it.
    pub fn add(&mut self, obstacle: &Obstacle) -> usize {
        let body = self.world.insert_body(
            RigidBodyBuilder::kinematic_position_based().pose(to_pose(&obstacle.place)),
        );
        let colliders = obstacle.shape.shapes().iter().map(|shape| {
            let collider = ColliderBuilder::new(shape.clone()).friction(obstacle.friction);
            self.world.insert_collider(collider, Some(body))
        });
        let colliders = colliders.collect();
        self.scene.push((body, colliders));
        self.scene.len() - 1
    }

    /// Moves an obstacle over the next step; unknown numbers are left alone.
    pub fn move_obstacle(&mut self, obstacle: usize, place: &Isometry3<f32>) {
        if let Some((body, _)) = self.scene.get(obstacle)
            && let Some(body) = self.world.bodies.get_mut(*body)
        {
            body.set_next_kinematic_position(to_pose(place));
        }
    }

    /// Lets an obstacle be there or not.
    pub fn enable_obstacle(&mut self, obstacle: usize, there: bool) {
        if let Some((_, colliders)) = self.scene.get(obstacle) {
            for collider in colliders {
                if let Some(collider) = self.world.colliders.get_mut(*collider) {
                    collider.set_enabled(there);
                }
            }
        }
    }

    /// Where the object's centre is.
    pub fn place(&self) -> Isometry3<f32> {
        (self.world.bodies.get(self.object))
            .map_or_else(Isometry3::identity, |b| from_pose(b.position()))
    }

    /// The object's velocity at its centre of gravity, metres a second, and its turning, radians a second, world.
    pub fn velocity(&self) -> (Vector3<f32>, Vector3<f32>) {
        let body = &self.world.bodies[self.object];
        (from_vec(body.linvel()), from_vec(body.angvel()))
    }

    /// Puts the object elsewhere, at rest.
    pub fn put(&mut self, place: &Isometry3<f32>) {
        let body = &mut self.world.bodies[self.object];
        body.set_position(to_pose(place), true);
        body.set_linvel(to_vec(&Vector3::zeros()), true);
        body.set_angvel(to_vec(&Vector3::zeros()), true);
    }

    /// Strikes the object: an impulse (newton seconds) at a point, world.
    pub fn strike(&mut self, impulse: &Vector3<f32>, point: &Vector3<f32>) {
        let body = &mut self.world.bodies[self.object];
        body.apply_impulse_at_point(to_vec(impulse), to_vec(point), true);
    }

    /// Where the hands want the object, the next step beginning there.
    pub fn want(&mut self, place: &Isometry3<f32>) {
        self.wanted = *place;
    }

    /// A hand takes hold.
    pub fn hold(&mut self, hand: usize, grasp: &Grasp) {
        self.release(hand);
        let turn = UnitQuaternion::rotation_between(&Vector3::x(), &grasp.normal)
            .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), PI));
        let frame = &Isometry3::from_parts(Translation3::from(grasp.point), turn);
        let anchor = self.wanted * frame;
        self.world.bodies[self.anchors[hand]].set_position(to_pose(&anchor), true);
        let mut joint = GenericJointBuilder::new(JointAxesMask::empty())
            .local_frame1(Pose::IDENTITY)
            .local_frame2(to_pose(frame))
            .contacts_enabled(false);
        let Grip { force, torque, .. } = self.grip;
        for (axes, most) in [(LINEAR, force), (ANGULAR, torque)] {
            for axis in axes {
                joint = joint
                    .motor_model(axis, MotorModel::AccelerationBased)
                    .motor_position(axis, 0.0, STIFFNESS, DAMPING)
                    .motor_max_force(axis, most);
            }
        }
        let joint = self
            .world
            .insert_impulse_joint(self.anchors[hand], self.object, joint.build());
        self.held[hand] = Some(Held {
            joint,
            frame: *frame,
            closes: grasp.closes,
            pressed: 0.0,
            most: (self.grip.force, self.grip.force),
        });
    }

    /// What a hand can give over the next step, going from where it would have the object to where it will. Force and torque
    /// are limited as vectors: each axis gets its share of what is asked. A palm that neither closes around something nor has
    /// another palm against it pushes with all its force, but hardly pulls, and slides unless it presses.
    fn limit(&mut self, hand: usize, from: &Isometry3<f32>, wanted: &Isometry3<f32>) {
        let dt = self.world.integration_parameters.dt;
        let (place, (velocity, spin)) = (self.place(), self.velocity());
        let middle = from_vec(self.world.bodies[self.object].center_of_mass());
        let other = self.held[1 - hand].as_ref().map(Held::normal);
        let Some(held) = &mut self.held[hand] else {
            return;
        };
        let (was, goal, now) = (from * held.frame, wanted * held.frame, place * held.frame);
        let way = goal.translation.vector - now.translation.vector;
        let rate = (goal.translation.vector - was.translation.vector) / dt
            - (velocity + spin.cross(&(now.translation.vector - middle)));
        let turn = (goal.rotation * now.rotation.inverse()).scaled_axis();
        let turning = (goal.rotation * was.rotation.inverse()).scaled_axis() / dt - spin;
        let local = |v: Vector3<f32>| now.rotation.inverse() * v;
        // The springs', up to the mass.
        let asked = local(way * STIFFNESS + rate * DAMPING);
        let asked_torque = local(turn * STIFFNESS + turning * DAMPING);

        let Grip {
            force,
            torque,
            pull,
            ..
        } = self.grip;
        let sure = held.closes || other.is_some_and(|other| opposed(&other, &held.normal()));
        let pull = if sure { force } else { pull.min(force) };
        let across = if sure {
            force
        } else {
            (SKIN * held.pressed).clamp(pull, force)
        };
        held.most = (pull, across);
        let mut limits = shared(force, &asked);
        if !sure {
            let sliding = shared(across, &Vector3::new(0.0, asked.y, asked.z));
            limits = limits.inf(&Vector3::new(force, sliding.y, sliding.z));
            if way.dot(&(now.rotation * Vector3::x())) > 0.0 {
                limits.x = limits.x.min(pull);
            }
        }
        let torques = shared(torque, &asked_torque);
        if let Some(joint) = self.world.impulse_joints.get_mut(held.joint, false) {
            let axes = (LINEAR.into_iter().zip(limits.iter()))
                .chain(ANGULAR.into_iter().zip(torques.iter()));
            for (axis, most) in axes {
                joint.data.motors[axis as usize].max_force = *most;
            }
        }
    }

    /// A hand lets go.
    pub fn release(&mut self, hand: usize) {
        if let Some(held) = self.held[hand].take() {
            self.world.remove_impulse_joint(held.joint);
        }
    }

    /// What a hand can do.
    pub fn grip(&self) -> &Grip {
        &self.grip
    }

    /// Goes on for `seconds`, the hands going to where they would be with the object at `wanted`, feet that kick going to
    /// those of a pose. Hands and feet move evenly.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the object's motion is no longer one: then this world is of no further use.
    pub fn advance(
        &mut self,
        seconds: f32,
        wanted: &Isometry3<f32>,
        kicks: [Option<(&BodyPose, &[Vector3<f32>; JOINTS])>; 2],
    ) -> Result<[HandFacts; 2]> {
        let steps = (seconds / STEP).round().max(1.0);
        let dt = seconds / steps;
        if !(dt.is_finite() && dt > 0.0) {
            return Ok([HandFacts::default(); 2]);
        }
        self.world.integration_parameters.dt = dt;
        let from = self.wanted;
        let shoes = [0, 1].map(|side| self.shoe(side, kicks[side]));
        let mut facts = [HandFacts::default(); 2];
        let mut was = from;
        for step in 1..=steps as usize {
            let t = step as f32 / steps;
            let now = between(&from, wanted, t);
            for hand in 0..2 {
                self.limit(hand, &was, &now);
                if let Some(held) = &self.held[hand] {
                    let anchor = to_pose(&(now * held.frame));
                    self.world.bodies[self.anchors[hand]].set_next_kinematic_position(anchor);
                }
                if let Some((start, end)) = &shoes[hand] {
                    let place = to_pose(&between(start, end, t));
                    self.world.bodies[self.feet[hand].0].set_next_kinematic_position(place);
                }
            }
            self.world.step();
            self.check()?;
            for (hand, facts) in facts.iter_mut().enumerate() {
                self.feel(hand, dt, &now, facts);
            }
            was = now;
        }
        self.wanted = *wanted;
        Ok(facts)
    }

    /// The way of a foot that kicks over this step; a foot that does not is out of the object's way.
    fn shoe(
        &mut self,
        side: usize,
        kick: Option<(&BodyPose, &[Vector3<f32>; JOINTS])>,
    ) -> Option<(Isometry3<f32>, Isometry3<f32>)> {
        let (body, collider) = self.feet[side];
        let was = self.world.colliders[collider].is_enabled();
        self.world.colliders[collider].set_enabled(kick.is_some());
        let (pose, joints) = kick?;
        let ankle = joint::LEFT_ANKLE + side;
        let end = Isometry3::from_parts(Translation3::from(joints[ankle]), pose.rotations[ankle]);
        if !was {
            self.world.bodies[body].set_position(to_pose(&end), true);
            return Some((end, end));
        }
        Some((from_pose(self.world.bodies[body].position()), end))
    }

    fn check(&self) -> Result<()> {
        let body = &self.world.bodies[self.object];
        let sane = body.is_enabled()
            && body.position().is_finite()
            && body.linvel().length() < WILD
            && body.angvel().length() < WILD;
        if sane {
            return Ok(());
        }
        Err(Error::invalid(
            "contact",
            "the object's simulation diverged; its mesh, mass or scene is out of the ordinary: give it a mass of its own or \
             leave contact off",
        ))
    }

    fn feel(&mut self, hand: usize, dt: f32, now: &Isometry3<f32>, facts: &mut HandFacts) {
        let Some(held) = &self.held[hand] else {
            return;
        };
        let Some(joint) = self.world.impulse_joints.get(held.joint) else {
            return;
        };
        // Impulses are those of the last of the solver's own small steps.
        let small = dt
            / self
                .world
                .integration_parameters
                .num_solver_iterations
                .max(1) as f32;
        let given = |axes: [JointAxis; 3]| {
            Vector3::from(axes.map(|a| joint.data.motors[a as usize].impulse / small))
        };
        let (force, torque) = (given(LINEAR), given(ANGULAR));
        let normal = self.place().rotation * held.normal();
        let way =
            (now * held.frame).translation.vector - (self.place() * held.frame).translation.vector;
        let pulls = way.dot(&normal) > 0.0;
        let lag = self.apart(held, now);
        let Grip {
            force: most,
            torque: most_torque,
            ..
        } = self.grip;
        let (pull, across) = held.most;
        let slides = (across < ALL * most && force.yz().norm() > ALL * across)
            || (pulls && pull < ALL * most && force.x.abs() > ALL * pull);
        facts.slides = slides;
        facts.force = facts.force.max(force.norm());
        facts.torque = facts.torque.max(torque.norm());
        facts.lag = lag;
        facts.strained |= slides || force.norm() > ALL * most || torque.norm() > ALL * most_torque;
        if let Some(held) = &mut self.held[hand] {
            held.pressed = if pulls { 0.0 } else { force.x.abs() };
        }
    }

    /// How far a hand's grasp is from where the hand wants it with the object at `wanted`, metres.
    fn apart(&self, held: &Held, wanted: &Isometry3<f32>) -> f32 {
        let point = |place: &Isometry3<f32>| (place * held.frame).translation.vector;
        (point(wanted) - point(&self.place())).norm()
    }

    /// How far a hand's grasp is from where the hand wants it, metres; 0 for a hand that does not hold.
    pub fn lag(&self, hand: usize) -> f32 {
        let held = self.held.get(hand).and_then(Option::as_ref);
        held.map_or(0.0, |held| self.apart(held, &self.wanted))
    }

    /// Whether something other than floor and feet presses against the object, and does not merely carry it.
    pub fn is_obstructed(&self) -> bool {
        let mine = self.world.bodies[self.object].colliders();
        let feet = self.feet.map(|(_, collider)| collider);
        self.world.contact_pairs().any(|pair| {
            let (a, b) = (pair.collider1, pair.collider2);
            let other = if mine.contains(&a) { b } else { a };
            (mine.contains(&a) || mine.contains(&b))
                && other != self.floor
                && !feet.contains(&other)
                && {
                    let push = pair.total_impulse();
                    push.length() > 0.0 && push.z.abs() < 0.8 * push.length()
                }
        })
    }

    /// Whether the person could lift the object with the hands that hold it.
    pub fn is_too_heavy(&self) -> bool {
        let hands = self.held.iter().flatten().count() as f32;
        self.mass * GRAVITY > hands * self.grip.force
    }
}

fn groups(memberships: Group, filter: Group) -> InteractionGroups {
    InteractionGroups::new(memberships, filter, InteractionTestMode::And)
}

/// Limits along three axes that together limit a vector: each axis has its share of what is `asked`.
fn shared(most: f32, asked: &Vector3<f32>) -> Vector3<f32> {
    let size = asked.norm();
    if size < 1e-6 {
        return Vector3::repeat(most);
    }
    (asked / size).map(|share| most * share.abs().max(LEAST_SHARE))
}

const LINEAR: [JointAxis; 3] = [JointAxis::LinX, JointAxis::LinY, JointAxis::LinZ];
const ANGULAR: [JointAxis; 3] = [JointAxis::AngX, JointAxis::AngY, JointAxis::AngZ];

/// Between two places, turning the short way.
pub(crate) fn between(a: &Isometry3<f32>, b: &Isometry3<f32>, t: f32) -> Isometry3<f32> {
    let rotation = a.rotation.try_slerp(&b.rotation, t, 1e-6);
    Isometry3::from_parts(
        Translation3::from(a.translation.vector.lerp(&b.translation.vector, t)),
        rotation.unwrap_or_else(|| UnitQuaternion::from(b.rotation)),
    )
}
