//! Captured motion with other objects: the same movement, by somebody of another size, with a thing of another size or
//! shape, along another path. Hands are brought to the new surface roughly here and exactly by [`crate::contact`].

use std::sync::Arc;

use nalgebra::{Rotation2, UnitQuaternion, Vector2, Vector3};
use rand::{Rng, RngExt};

use super::catalogue::Thing;
use super::resample::at_times;
use super::stepping::stand;
use super::upright::Upright;
use super::words::Action;
use crate::contact::palm::{Palm, pad};
use crate::geometry::{ObjectGeometry, Surface};
use crate::ik;
use crate::motion::{FPS, Frame, MotionClip, mirror};
use crate::skeleton::{Pose, Skeleton, joint};
use crate::training::dataset::Source;

/// Smallest and largest person relative to the captured one; how much longer or shorter arms are beside that.
const BODY: [f32; 2] = [0.92, 1.08];
const ARMS: f32 = 0.04;
/// Slowest and quickest relative to the captured motion.
const SPEED: [f32; 2] = [0.82, 1.2];
/// Shortest and longest way relative to the captured one, and how far it is turned by at its end, radians.
const WAY: [f32; 2] = [0.8, 1.2];
const BEND: f32 = 0.7;
/// A way that is shorter than this is not bent, metres.
const SHORT: f32 = 0.4;
/// A hand nearer than this to the surface goes wholly with it, one beyond the second distance not at all, metres.
const NEAR: [f32; 2] = [0.08, 0.3];
/// An object is carried at the height of its grasps, not of its bottom, when it is this high over the floor, metres.
const LIFTED: f32 = 0.25;
/// A thing made by code stands in for a captured object only while that is this upright at the start (cosine).
const UPRIGHT: f32 = 0.95;

/// A captured clip made ready: on its floor, contact from distance, where its object's top and side are.
pub struct Captured {
    /// The motion.
    pub source: Source,
    /// Its object's shape.
    pub geometry: Arc<ObjectGeometry>,
    /// What is done.
    pub action: Action,
    /// Index of its object.
    pub base: usize,
    /// The upright frame of its object.
    pub upright: Upright,
}

impl Captured {
    /// A clip of an object that stands as `upright` says, unless the clip is mirrored.
    pub fn new(
        source: Source,
        geometry: Arc<ObjectGeometry>,
        action: Action,
        base: usize,
        upright: &Upright,
    ) -> Self {
        let upright = if source.name.starts_with('~') {
            Upright::turned(&geometry, mirror::rotation(&upright.turn))
        } else {
            *upright
        };
        Self {
            source,
            geometry,
            action,
            base,
            upright,
        }
    }

    /// Whether a thing can take the place of the object: what is made by code must stand as it is made to.
    pub fn takes(&self, thing: &Thing) -> bool {
        let standing = self.source.motion.object_rotation[0] * self.upright.turn.inverse();
        thing.base == Some(self.base) && (thing.stretched || (standing * Vector3::z()).z > UPRIGHT)
    }
}

/// What is changed of a captured clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variation {
    /// Size of the person relative to the captured one, and of the arms beside that.
    pub body: f32,
    /// Length of the arms relative to the rest.
    pub arms: f32,
    /// Frames of the source per frame.
    pub speed: f32,
    /// Length of the way relative to the captured one.
    pub way: f32,
    /// How far it is turned by at its end, radians.
    pub bend: f32,
}

impl Variation {
    /// A random one.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut within = |[low, high]: [f32; 2]| low + (high - low) * rng.random::<f32>();
        Self {
            body: within(BODY),
            arms: 1.0 + within([-ARMS, ARMS]),
            speed: within(SPEED),
            way: within(WAY),
            bend: within([-BEND, BEND]),
        }
    }
}

/// A person whose every bone is `body` as long, those of the arms `arms` longer still.
fn scaled(skeleton: &Skeleton, body: f32, arms: f32) -> Skeleton {
    let mut out = skeleton.clone();
    for offset in &mut out.rest_offsets {
        *offset *= body;
    }
    for j in [
        joint::LEFT_ELBOW,
        joint::RIGHT_ELBOW,
        joint::LEFT_WRIST,
        joint::RIGHT_WRIST,
    ] {
        out.rest_offsets[j] *= arms;
    }
    out
}

/// Half the extent of a box along a level direction, metres.
fn half(size: &Vector3<f32>, way: &Vector2<f32>) -> f32 {
    // Of an ellipse rather than of the corners: people stand before sides.
    (size.xy().component_mul(way) / 2.0).norm()
}

/// The clip with another thing, changed. Hands near the object are near the new one; [`crate::contact::correct`] does the
/// rest. Metres, Z up, floor at 0.
pub fn varied(captured: &Captured, thing: &Thing, v: &Variation) -> MotionClip {
    let Captured {
        source, upright, ..
    } = captured;
    let frames = ((source.motion.len() - 1) as f32 / v.speed).floor() as usize + 1;
    let times: Vec<f32> = (0..frames).map(|t| t as f32 * v.speed).collect();
    let motion = at_times(&source.motion, &source.skeleton, &times);
    let skeleton = scaled(&source.skeleton, v.body, v.arms);

    // Everything in the size of the person: scene and object grow with the body, which changes no contact.
    let poses: Vec<Pose> = (motion.joints.iter().zip(&motion.rotations))
        .map(|(joints, rotations)| Pose {
            root: joints[0] * v.body,
            rotations: *rotations,
        })
        .collect();
    let size = upright.size * v.body;
    let stretch = thing.size.component_div(&size.sup(&Vector3::repeat(1e-4)));
    let old: Vec<(Vector3<f32>, UnitQuaternion<f32>)> = (motion.object_center.iter())
        .zip(&motion.object_rotation)
        .map(|(c, r)| {
            let turn = r * upright.turn.inverse();
            (c * v.body + turn * (upright.middle * v.body), turn)
        })
        .collect();

    // Hands in the upright frame about the middle of the box, as the original has them.
    let surface = Surface::new(&captured.geometry);
    let original = Palm::of(&source.skeleton);
    let hands: Vec<[(Vector3<f32>, f32); 2]> = (0..frames)
        .map(|t| {
            [0, 1].map(|hand| {
                let rotation = motion.rotations[t][joint::LEFT_WRIST + hand];
                let at = pad(&original[hand], hand, &motion.joints[t], &rotation);
                let local = motion.object_rotation[t].inverse() * (at - motion.object_center[t]);
                let distance = surface.signed_distance(&local).max(0.0);
                let place = (upright.turn * local - upright.middle) * v.body;
                (place, distance)
            })
        })
        .collect();

    let place = placed(
        captured,
        thing,
        &motion.contact,
        &poses,
        &old,
        &hands,
        &stretch,
        v,
    );
    let (place, poses) = warped(place, poses, &old, v);
    let mut poses = poses;
    stand(&skeleton, &mut poses);
    let palms = Palm::of(&skeleton);
    let limbs = [ik::LEFT_ARM, ik::RIGHT_ARM];
    for t in 0..frames {
        for hand in 0..2 {
            let (local, distance) = hands[t][hand];
            let near = ((NEAR[1] - distance) / (NEAR[1] - NEAR[0])).clamp(0.0, 1.0);
            let near = near * near * (3.0 - 2.0 * near);
            if near > 0.0 {
                let joints = skeleton.forward(&poses[t]);
                let rotation = poses[t].rotations[joint::LEFT_WRIST + hand];
                let now = pad(&palms[hand], hand, &joints, &rotation);
                let (middle, turn) = place[t];
                let wanted = middle + turn * local.component_mul(&stretch);
                let target = joints[limbs[hand].tip] + (wanted - now) * near;
                ik::reach(&skeleton, &mut poses[t], limbs[hand], target);
            }
        }
    }
    let out = poses.iter().zip(&place).zip(&motion.contact);
    MotionClip {
        name: source.name.clone(),
        subject: String::new(),
        object: thing.name.clone(),
        text: source.text.clone(),
        fps: FPS,
        skeleton,
        frames: out
            .map(|((pose, (middle, turn)), contact)| Frame {
                pose: *pose,
                object_position: *middle,
                object_rotation: *turn,
                contact: *contact,
            })
            .collect(),
    }
}

/// Where the new thing is: its near side as far from the person as the old one's, standing while that stands, carried at
/// the height of the hands.
fn placed(
    captured: &Captured,
    thing: &Thing,
    contact: &[[f32; 4]],
    poses: &[Pose],
    old: &[(Vector3<f32>, UnitQuaternion<f32>)],
    hands: &[[(Vector3<f32>, f32); 2]],
    stretch: &Vector3<f32>,
    v: &Variation,
) -> Vec<(Vector3<f32>, UnitQuaternion<f32>)> {
    let held = |t: usize, hand: usize| contact[t][hand] > 0.5;
    // Which way the object is from the person while it is held, in its own frame.
    let mut way = Vector2::zeros();
    let mut count = 0.0f32;
    let (mut grasp, mut grasps) = (Vector3::zeros(), 0.0f32);
    for (t, (middle, turn)) in old.iter().enumerate() {
        for hand in (0..2).filter(|h| held(t, *h)) {
            let flat = (middle - poses[t].root).xy();
            let local = turn.inverse() * Vector3::new(flat.x, flat.y, 0.0);
            way += local.xy().try_normalize(1e-3).unwrap_or_default();
            count += 1.0;
            grasp += hands[t][hand].0;
            grasps += 1.0;
        }
    }
    let shift = match way.try_normalize(0.3 * count.max(1.0)) {
        // Who walks round it, or has it over the head, is before no side of it.
        Some(way) => {
            let size = captured.upright.size * v.body;
            let by = half(&thing.size, &way) - half(&size, &way);
            Vector3::new(way.x * by, way.y * by, 0.0)
        }
        None => Vector3::zeros(),
    };
    let grasp = grasp / grasps.max(1.0);
    let raised = grasp - grasp.component_mul(stretch);
    let middle = thing.middle();
    let geometry = &captured.geometry;
    (old.iter().zip(&captured_lowest(captured, geometry, old, v)))
        .map(|((at, turn), clearance)| {
            let lowest = thing.object.lowest(turn) - (turn * middle).z;
            let standing = clearance - lowest;
            let carried = (at.z + (turn * raised).z).max(-lowest);
            let lifted = (clearance / LIFTED).clamp(0.0, 1.0);
            let lifted = lifted * lifted * (3.0 - 2.0 * lifted);
            let z = standing + (carried - standing) * lifted;
            let aside = turn * shift;
            (Vector3::new(at.x + aside.x, at.y + aside.y, z), *turn)
        })
        .collect()
}

/// How high the old object's lowest point is over the floor.
fn captured_lowest(
    captured: &Captured,
    geometry: &ObjectGeometry,
    old: &[(Vector3<f32>, UnitQuaternion<f32>)],
    v: &Variation,
) -> Vec<f32> {
    let Upright { turn, middle, .. } = captured.upright;
    (old.iter())
        .map(|(at, now)| {
            let center = at.z - (now * (middle * v.body)).z;
            (center + geometry.lowest(&(now * turn)) * v.body).max(0.0)
        })
        .collect()
}

/// The way made longer or shorter and bent, where person and object go together; elsewhere both are moved as one.
fn warped(
    place: Vec<(Vector3<f32>, UnitQuaternion<f32>)>,
    poses: Vec<Pose>,
    old: &[(Vector3<f32>, UnitQuaternion<f32>)],
    v: &Variation,
) -> (Vec<(Vector3<f32>, UnitQuaternion<f32>)>, Vec<Pose>) {
    let step = |t: usize| (old[t].0 - old[t - 1].0).xy();
    let together = |t: usize| {
        let person = (poses[t].root - poses[t - 1].root).xy().norm();
        step(t).norm().min(person)
    };
    let all: f32 = (1..old.len()).map(together).sum();
    let bend = if all < SHORT { 0.0 } else { v.bend / all };
    let (mut at, mut angle) = (old[0].0.xy(), 0.0f32);
    let mut out = (
        Vec::with_capacity(place.len()),
        Vec::with_capacity(poses.len()),
    );
    for t in 0..place.len() {
        if t > 0 {
            let (way, both) = (step(t), together(t));
            angle += bend * both;
            let longer = way.try_normalize(1e-6).unwrap_or_default() * (both * (v.way - 1.0));
            at += Rotation2::new(angle) * (way + longer);
        }
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle);
        let moved = |p: &Vector3<f32>| {
            let flat = at + Rotation2::new(angle) * (p.xy() - old[t].0.xy());
            Vector3::new(flat.x, flat.y, p.z)
        };
        let (middle, rotation) = place[t];
        out.0.push((moved(&middle), turn * rotation));
        out.1.push(Pose {
            root: moved(&poses[t].root),
            rotations: poses[t].rotations.map(|q| turn * q),
        });
    }
    out
}
