//! A pose that is changed on top of what is shown.

use nalgebra::{UnitQuaternion, Vector3};

use super::super::synthetic::{Body, SCHEMES, naming};
use super::*;
use crate::frame;
use crate::skeleton::{Pose, ROTATIONS, Skeleton, joint, world_rotations};

/// Somebody stands; `bent` leans the trunk, sinks the hips and moves the arms.
fn pose(skeleton: &Skeleton, bent: f32) -> Pose {
    let turn = UnitQuaternion::from_euler_angles;
    let mut local = [UnitQuaternion::identity(); ROTATIONS];
    local[0] = frame::y_up_to_z_up() * turn(0.0, 0.8 + 0.1 * bent, 0.0);
    local[joint::SPINE1] = turn(0.3 * bent, 0.0, 0.0);
    local[joint::LEFT_HIP] = turn(-0.6 * bent, 0.0, 0.0);
    local[joint::LEFT_KNEE] = turn(1.0 * bent, 0.0, 0.0);
    local[joint::RIGHT_HIP] = turn(-0.6 * bent, 0.0, 0.0);
    local[joint::RIGHT_KNEE] = turn(1.0 * bent, 0.0, 0.0);
    local[joint::LEFT_SHOULDER] = turn(0.1, -0.5 - 0.4 * bent, -0.9);
    local[joint::LEFT_ELBOW] = turn(0.0, -0.7, 0.0);
    local[joint::RIGHT_SHOULDER] = turn(0.1, 0.5 + 0.2 * bent, 0.9);
    local[joint::RIGHT_ELBOW] = turn(0.0, 0.8 + 0.2 * bent, 0.0);
    let mut pose = Pose {
        root: Vector3::new(0.3, -0.2, 0.0),
        rotations: world_rotations(&local),
    };
    let joints = skeleton.forward(&pose);
    pose.root.z = 0.02 - joints[joint::LEFT_TOE].z.min(joints[joint::RIGHT_TOE].z);
    pose
}

fn apart(a: &RigPose, b: &RigPose) -> f32 {
    let turn = (a.rotations.iter().zip(&b.rotations))
        .map(|(a, b)| a.angle_to(b))
        .fold(0.0, f32::max);
    turn.max((a.hips_translation - b.hips_translation).norm())
        .max((a.root.position - b.root.position).norm())
        .max(a.root.rotation.angle_to(&b.root.rotation))
}

/// `shown` changed.
fn changed(change: &Change, rig: &Retarget, shown: &RigPose, share: f32) -> RigPose {
    let mut out = shown.clone();
    for (k, rotation) in out.rotations.iter_mut().enumerate() {
        *rotation = change.rotation(rig, k, &shown.rotations[k], share, [0.0; 2]);
    }
    out.hips_translation = change.hips(&shown.hips_translation, share);
    out.root = change.root(&shown.root, share);
    out
}

#[test]
fn a_change_leads_from_one_pose_to_the_other() {
    let skeleton = Skeleton::adult();
    let (from, to) = (pose(&skeleton, 0.0), pose(&skeleton, 0.5));
    for scheme in SCHEMES {
        let body = Body::person().renamed(naming(scheme)).with_rolls();
        let (rig, scale) = (body.rig(), 1.0);
        let map = found(&rig);
        let retarget = Retarget::new(&rig, &map, &skeleton, scale).expect("a person");
        let (mut a, mut b) = (retarget.rest(), retarget.rest());
        retarget.solve(&from, [None, None], &mut a);
        retarget.solve(&to, [None, None], &mut b);
        let mut change = retarget.unchanged();
        change.set(&retarget, &from, &to);
        assert!(apart(&changed(&change, &retarget, &a, 0.0), &a) < 1e-3);
        let whole = changed(&change, &retarget, &a, 1.0);
        assert!(
            apart(&whole, &b) < 2e-3,
            "{scheme:?}: {}",
            apart(&whole, &b)
        );
        let half = changed(&change, &retarget, &a, 0.5);
        assert!(apart(&half, &a) > 0.02 && apart(&half, &b) > 0.02);
        // No change, nothing changed; of a pose that neither solver made, too.
        change.set(&retarget, &to, &to);
        for rotation in &mut a.rotations {
            *rotation *= UnitQuaternion::from_euler_angles(0.05, 0.1, -0.1);
        }
        assert!(apart(&changed(&change, &retarget, &a, 1.0), &a) < 1e-3);
    }
}

#[test]
fn palms_come_to_their_places_on_what_is_shown() {
    let skeleton = Skeleton::adult();
    let from = pose(&skeleton, 0.2);
    let body = Body::person().with_rolls().in_centimetres();
    let rig = body.rig();
    let map = found(&rig);
    let retarget = Retarget::new(&rig, &map, &skeleton, 1.0).expect("a person");
    let mut shown = retarget.rest();
    retarget.solve(&from, [None, None], &mut shown);
    let mut change = retarget.unchanged();
    // What the solver itself makes of palms that are to be elsewhere is where they are to come.
    let joints = skeleton.forward(&from);
    for away in [
        Vector3::new(0.04, -0.06, 0.05),
        Vector3::new(-0.05, 0.03, -0.04),
    ] {
        let goals = [0, 1].map(|hand| joints[joint::LEFT_PALM + hand] + away);
        let mut wanted = retarget.rest();
        retarget.solve(&from, goals.map(|g| Some((g, 1.0))), &mut wanted);
        let mut reached = shown.clone();
        change.reach(&retarget, goals.map(|g| Some((g, 1.0))), &mut reached);
        let hands = |pose: &RigPose| {
            let mut rig = rig.clone();
            for (k, &bone) in retarget.bones().iter().enumerate() {
                rig.bones[bone].rotation = pose.rotations[k];
            }
            rig.bones[retarget.hips()].translation = pose.hips_translation;
            let placed = rig.placed();
            Side::BOTH.map(|side| {
                let hand = map.bone(BodyPart::Hand(side)).expect("a hand");
                let at = frame::from_y_up(placed[hand].position);
                let turn = placed[hand].linear;
                (pose.root.position + pose.root.rotation * at, turn)
            })
        };
        for ((a, turn), (b, other)) in hands(&reached).into_iter().zip(hands(&wanted)) {
            assert!((a - b).norm() < 2e-3, "{a} for {b}");
            assert!((turn - other).norm() < 0.02, "hands keep their rotation");
        }
        let mut half = shown.clone();
        change.reach(&retarget, goals.map(|g| Some((g, 0.0))), &mut half);
        assert_eq!(half, shown);
    }
}
