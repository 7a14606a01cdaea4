//! The same clip on many rigs.

use nalgebra::{UnitQuaternion, Vector3};

use super::super::synthetic::{Body, SCHEMES, naming};
use super::*;
use crate::frame;
use crate::motion::{Frame, MotionClip};
use crate::skeleton::{Pose, ROTATIONS, Skeleton, joint, world_rotations};

/// A person who steps, bends, turns and moves the arms, and touches nothing.
fn clip(skeleton: &Skeleton) -> MotionClip {
    let frames = (0..60)
        .map(|f| {
            let t = f as f32 / 30.0;
            let mut local = [UnitQuaternion::identity(); ROTATIONS];
            let turn = |x: f32, y: f32, z: f32| UnitQuaternion::from_euler_angles(x, y, z);
            local[0] = frame::y_up_to_z_up() * turn(0.1 * t, 1.2 * t, 0.05);
            local[joint::SPINE1] = turn(0.2 * t, 0.1, 0.0);
            local[joint::SPINE3] = turn(0.1, 0.2 * t, 0.1);
            local[joint::NECK] = turn(0.1, 0.1, 0.0);
            local[joint::LEFT_HIP] = turn(-0.5 * t, 0.0, 0.05);
            local[joint::LEFT_KNEE] = turn(0.7 * t, 0.0, 0.0);
            local[joint::LEFT_ANKLE] = turn(-0.15 * t, 0.1, 0.0);
            local[joint::RIGHT_HIP] = turn(-0.2, 0.0, -0.1);
            local[joint::RIGHT_KNEE] = turn(0.3, 0.0, 0.0);
            local[joint::LEFT_SHOULDER] = turn(0.2, -0.4 * t, -1.1);
            local[joint::LEFT_ELBOW] = turn(0.3, -0.6 * t, 0.0);
            local[joint::LEFT_WRIST] = turn(0.4 * t, 0.0, 0.2);
            local[joint::RIGHT_SHOULDER] = turn(0.3 * t, 0.2, 0.9);
            local[joint::RIGHT_ELBOW] = turn(0.0, 0.9, 0.0);
            let mut pose = Pose {
                root: Vector3::new(0.3 * t, -0.1 * t, 0.0),
                rotations: world_rotations(&local),
            };
            let joints = skeleton.forward(&pose);
            let low = joints[joint::LEFT_TOE].z.min(joints[joint::RIGHT_TOE].z);
            pose.root.z = 0.02 - low;
            Frame {
                pose,
                object_position: Vector3::zeros(),
                object_rotation: UnitQuaternion::identity(),
                contact: [0.0; 4],
            }
        })
        .collect();
    MotionClip {
        name: "test".into(),
        subject: String::new(),
        object: String::new(),
        text: String::new(),
        fps: 30.0,
        skeleton: skeleton.clone(),
        frames,
    }
}

/// A rig as it stands in a frame of a clip.
fn posed(rig: &Rig, clip: &RigClip, f: usize) -> Rig {
    let mut rig = rig.clone();
    for (k, &b) in clip.bones.iter().enumerate() {
        rig.bones[b].rotation = clip.rotations[f * clip.bones.len() + k];
    }
    rig.bones[clip.hips].translation = clip.hips_translations[f];
    rig
}

/// Where each bone of a rig is in a frame of a clip, model's world, by nothing but the file's own transforms.
fn played(rig: &Rig, clip: &RigClip, f: usize, scale: f32) -> Vec<Vector3<f32>> {
    let rig = posed(rig, clip, f);
    let root = clip.roots[f];
    (rig.placed().iter())
        .map(|p| root.position + root.rotation * frame::from_y_up(p.position * scale))
        .collect()
}

fn part(map: &RigMap, part: BodyPart) -> usize {
    map.bone(part).unwrap_or_else(|| panic!("no {part}"))
}

fn free() -> RetargetOptions {
    RetargetOptions {
        plant_feet: false,
        reach_object: false,
        fingers: false,
    }
}

#[test]
fn the_source_on_itself_is_itself() {
    let skeleton = Skeleton::adult();
    let rig = Body::source(&skeleton).rig();
    let map = found(&rig);
    assert_eq!(map.naming, Naming::Smpl);
    let clip = clip(&skeleton);
    let retarget = Retarget::new(&rig, &map, &skeleton, 1.0).expect("a good rig");
    assert!((retarget.size() - 1.0).abs() < 1e-5);
    let baked = retarget.bake(&clip, None, &free()).expect("a good clip");
    for f in 0..clip.frames.len() {
        let got = played(&rig, &baked, f, 1.0);
        for (j, want) in clip.joints(f).iter().take(ROTATIONS).enumerate() {
            assert!((got[j] - want).norm() < 1e-4, "{f} {j}: {} {want}", got[j]);
        }
    }
}

#[test]
fn every_rig_does_the_same() {
    let skeleton = Skeleton::adult();
    let clip = clip(&skeleton);
    let person = Body::person();
    let mut bodies: Vec<(String, Body)> = Vec::new();
    for scheme in SCHEMES {
        let with = |b: Body| b.renamed(naming(scheme));
        bodies.push((format!("{scheme} T"), with(person.clone())));
        bodies.push((
            format!("{scheme} A rolled"),
            with(person.clone().a_pose(48.0)).with_rolls(),
        ));
        bodies.push((
            format!("{scheme} A cm"),
            with(person.clone().a_pose(30.0)).in_centimetres(),
        ));
    }
    let without = |n: &str| {
        if n.ends_with("Shoulder") {
            String::new()
        } else {
            n.to_owned()
        }
    };
    bodies.push((
        "scaled bones".into(),
        person.clone().a_pose(48.0).with_rolls().with_scales(),
    ));
    bodies.push(("no shoulders".into(), person.clone().renamed(without)));
    bodies.push((
        "pieces".into(),
        person
            .clone()
            .split("LeftUpperArm", "LeftLowerArm", "LeftUpperArm2", 0.5)
            .split("LeftLowerArm", "LeftHand", "LeftLowerArmTwist", 0.5)
            .leaf("RightLowerArm", "RightHand", "RightLowerArmTwist", 0.6)
            .split("LeftUpperLeg", "LeftLowerLeg", "LeftUpperLeg2", 0.5),
    ));
    let truth = {
        let rig = person.rig();
        let map = found(&rig);
        let baked =
            Retarget::new(&rig, &map, &skeleton, 1.0).and_then(|r| r.bake(&clip, None, &free()));
        (rig, map, baked.expect("a good clip"))
    };
    for (name, body) in bodies {
        let rig = body.rig();
        let map = find_bones(&rig, &RigHints::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let baked = Retarget::new(&rig, &map, &skeleton, 1.0)
            .and_then(|r| r.bake(&clip, None, &free()))
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        for f in [0, 20, 40, 59] {
            let (want, got) = (
                played(&truth.0, &truth.2, f, 1.0),
                played(&rig, &baked, f, 1.0),
            );
            let joints = clip.joints(f);
            for (p, b) in map.matched() {
                let Some(t) = truth.1.bone(p) else { continue };
                let off = (got[b] - want[t]).norm();
                assert!(off < 0.004, "{name}, frame {f}: the {p} is off by {off} m");
            }
            // Limbs point where the source's do.
            for (a, b, ja, jb) in [
                (
                    BodyPart::LowerArm(Side::Left),
                    BodyPart::Hand(Side::Left),
                    18,
                    20,
                ),
                (
                    BodyPart::UpperArm(Side::Right),
                    BodyPart::LowerArm(Side::Right),
                    17,
                    19,
                ),
                (
                    BodyPart::UpperLeg(Side::Left),
                    BodyPart::LowerLeg(Side::Left),
                    1,
                    4,
                ),
                (
                    BodyPart::LowerLeg(Side::Right),
                    BodyPart::Foot(Side::Right),
                    5,
                    8,
                ),
            ] {
                let own = got[part(&map, b)] - got[part(&map, a)];
                let angle = own.angle(&(joints[jb] - joints[ja]));
                assert!(angle < 0.03, "{name}: {a} is off by {angle}");
            }
        }
    }
}

/// Where a point that a bone carries in the bind pose is in a frame of a clip, model's world.
fn carried(rig: &Rig, clip: &RigClip, f: usize, bone: usize, point: Vector3<f32>) -> Vector3<f32> {
    let bind = rig.placed()[bone];
    let own = bind.linear.try_inverse().expect("a scale") * (point - bind.position);
    let now = posed(rig, clip, f).placed()[bone];
    let root = clip.roots[f];
    root.position + root.rotation * frame::from_y_up(now.position + now.linear * own)
}

#[test]
fn skin_on_twist_bones_stays_on_its_limb() {
    let skeleton = Skeleton::adult();
    let clip = clip(&skeleton);
    let limbs = [
        ("UpperArm", "LowerArm", "upperarm"),
        ("LowerArm", "Hand", "lowerarm"),
        ("UpperLeg", "LowerLeg", "thigh"),
        ("LowerLeg", "Foot", "calf"),
    ];
    let mut body = Body::person();
    for side in ["Left", "Right"] {
        for (upper, lower, name) in limbs {
            for (n, share) in [(1, 0.0), (2, 0.5), (3, 0.9)] {
                let small = if side == "Left" { "l" } else { "r" };
                let twist = format!("{name}_twist_0{n}_{small}");
                let [upper, lower] = [upper, lower].map(|part| format!("{side}{part}"));
                body = body.leaf(&upper, &lower, &twist, share);
            }
        }
    }
    let unreal = naming("unreal");
    let named = &|n: &str| {
        if n.contains("_twist_") {
            n.to_owned()
        } else {
            unreal(n)
        }
    };
    for body in [body.clone(), body.a_pose(48.0).with_rolls()] {
        let rig = body.renamed(named).rig();
        let map = found(&rig);
        assert_eq!(map.twists.len(), 24, "{map}");
        let baked = Retarget::new(&rig, &map, &skeleton, 1.0)
            .and_then(|r| r.bake(&clip, None, &free()))
            .expect("a good clip");
        let bind = rig.placed();
        for side in Side::BOTH {
            for (upper, lower) in [
                (BodyPart::UpperArm(side), BodyPart::LowerArm(side)),
                (BodyPart::LowerArm(side), BodyPart::Hand(side)),
                (BodyPart::UpperLeg(side), BodyPart::LowerLeg(side)),
                (BodyPart::LowerLeg(side), BodyPart::Foot(side)),
            ] {
                let end = part(&map, lower);
                for twist in map.twists.iter().filter(|t| t.part == upper) {
                    for f in [0, 20, 40, 59] {
                        let at = carried(&rig, &baked, f, twist.bone, bind[end].position);
                        let off = (at - played(&rig, &baked, f, 1.0)[end]).norm();
                        let name = &rig.bones[twist.bone].name;
                        assert!(off < 0.002, "frame {f}: {name} leaves its limb by {off} m");
                    }
                }
            }
        }
    }
}

/// Parts of two rigs are in the same places in a clip.
#[track_caller]
fn assert_same(truth: &Rig, other: &Rig, parts: impl Fn(BodyPart) -> bool, within: f32) {
    let skeleton = Skeleton::adult();
    let clip = clip(&skeleton);
    let [want, got] = [truth, other].map(|rig| {
        let map = found(rig);
        let baked = Retarget::new(rig, &map, &skeleton, 1.0)
            .and_then(|r| r.bake(&clip, None, &free()))
            .expect("a good clip");
        [0, 20, 40, 59].map(|f| {
            let places = played(rig, &baked, f, 1.0);
            let wanted = map.matched().filter(|(part, _)| parts(*part));
            wanted.map(|(_, bone)| places[bone]).collect::<Vec<_>>()
        })
    });
    let (want, got) = (want.concat(), got.concat());
    assert_eq!(want.len(), got.len());
    for (want, got) in want.iter().zip(&got) {
        assert!((want - got).norm() < within, "{got} is not {want}");
    }
}

#[test]
fn legs_that_hang_on_the_spine_stay_on_the_pelvis() {
    let truth = Body::person();
    let mut body = truth.clone();
    let spine = body.index("Spine");
    for leg in ["LeftUpperLeg", "RightUpperLeg"] {
        let leg = body.index(leg).expect("a leg");
        body.parts[leg].parent = spine;
    }
    let below = |part| {
        matches!(
            part,
            BodyPart::Hips | BodyPart::UpperLeg(_) | BodyPart::LowerLeg(_) | BodyPart::Foot(_)
        )
    };
    assert_same(&truth.rig(), &body.rig(), below, 0.002);
}

#[test]
fn a_body_that_hangs_on_the_floor_bends_like_others() {
    let truth = Body::person();
    let mut body = truth.clone();
    let hips = body.index("Hips").expect("hips");
    body.parts[hips].at.y = 0.0;
    assert_same(
        &truth.rig(),
        &body.rig(),
        |part| part != BodyPart::Hips,
        0.01,
    );
}

#[test]
fn small_and_tall_people_stand_on_the_floor() {
    let skeleton = Skeleton::adult();
    let clip = clip(&skeleton);
    for size in [0.7, 1.0, 1.25] {
        let rig = Body::person().sized(size).a_pose(40.0).rig();
        let map = found(&rig);
        let baked = Retarget::new(&rig, &map, &skeleton, 1.0)
            .and_then(|r| r.bake(&clip, None, &RetargetOptions::default()))
            .expect("a good clip");
        let standing = part(&map, BodyPart::Toes(Side::Right));
        for f in 0..clip.frames.len() {
            let got = played(&rig, &baked, f, 1.0);
            for side in Side::BOTH {
                let toes = got[part(&map, BodyPart::Toes(side))];
                assert!(toes.z > 0.02 * size - 0.002, "{size} {f}: {}", toes.z);
            }
            // The source's right foot is on the floor all the time.
            assert!(
                got[standing].z < 0.02 * size + 0.01,
                "{size} {f}: {}",
                got[standing].z
            );
        }
    }
}
