//! The shipped people: what `make_people.py` promises of them, which is what retargeting is tested against.

use std::collections::HashMap;
use std::path::Path;

use gltf::mesh::util::ReadColors;
use nalgebra::{Matrix4, Point3, Vector3};

/// A person's file: joints by name, and the skin as it stands in its bind pose.
struct Person {
    name: &'static str,
    document: gltf::Document,
    /// Of every node.
    world: Vec<Matrix4<f32>>,
    inverse_bind: Vec<Matrix4<f32>>,
    positions: Vec<Point3<f32>>,
    normals: Vec<Vector3<f32>>,
    weights: Vec<[(u16, f32); 4]>,
}

impl Person {
    fn load(name: &'static str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../assets/avatars/{name}.glb"));
        let bytes = std::fs::read(path).expect("a file");
        assert!(bytes.len() < 3_000_000, "{name} has {} bytes", bytes.len());
        let gltf::Gltf { document, blob } = gltf::Gltf::from_slice(&bytes).expect("a glTF file");
        let blob = blob.expect("a binary file");
        let buffer = |_: gltf::Buffer| Some(blob.as_slice());
        let mut world = vec![Matrix4::identity(); document.nodes().len()];
        let mut stack: Vec<_> = document
            .scenes()
            .next()
            .expect("a scene")
            .nodes()
            .map(|n| (n, Matrix4::identity()))
            .collect();
        while let Some((node, above)) = stack.pop() {
            let here = above * Matrix4::from(node.transform().matrix());
            world[node.index()] = here;
            stack.extend(node.children().map(|child| (child, here)));
        }
        let skin = document.skins().next().expect("a skin");
        let inverse_bind = skin
            .reader(buffer)
            .read_inverse_bind_matrices()
            .expect("bind matrices")
            .map(Matrix4::from)
            .collect();
        let (mut positions, mut normals, mut weights) = (vec![], vec![], vec![]);
        for primitive in document
            .meshes()
            .flat_map(|m| m.primitives().collect::<Vec<_>>())
        {
            let reader = primitive.reader(buffer);
            positions.extend(
                reader
                    .read_positions()
                    .expect("positions")
                    .map(Point3::from),
            );
            normals.extend(reader.read_normals().expect("normals").map(Vector3::from));
            assert!(
                matches!(reader.read_colors(0), Some(ReadColors::RgbaU16(_))),
                "{name}: vertex colours"
            );
            let joints = reader.read_joints(0).expect("joints").into_u16();
            let shares = reader.read_weights(0).expect("weights").into_f32();
            weights.extend(
                joints
                    .zip(shares)
                    .map(|(j, w)| [0, 1, 2, 3].map(|k| (j[k], w[k]))),
            );
        }
        Self {
            name,
            world,
            inverse_bind,
            positions,
            normals,
            weights,
            document,
        }
    }

    fn joints(&self) -> Vec<(String, Matrix4<f32>)> {
        let skin = self.document.skins().next().expect("a skin");
        skin.joints()
            .map(|j| (j.name().expect("a name").to_owned(), self.world[j.index()]))
            .collect()
    }

    fn at(&self, joint: &str) -> Vector3<f32> {
        let joints = self.joints();
        let (_, world) = joints
            .iter()
            .find(|(n, _)| n == joint)
            .unwrap_or_else(|| panic!("{}: no {joint}", self.name));
        world.column(3).xyz()
    }
}

/// Name of the file, height with shoes, number of joints, degrees by which the left upper arm hangs, and the names of
/// upper arm, lower arm, hand, thigh, shin, foot, head, and last joint of the index finger on the left.
type Promise = (&'static str, f32, usize, f32, [&'static str; 8]);

const PROMISES: [Promise; 3] = [
    (
        "woman",
        1.642,
        52,
        0.0,
        [
            "mixamorig:LeftArm",
            "mixamorig:LeftForeArm",
            "mixamorig:LeftHand",
            "mixamorig:LeftUpLeg",
            "mixamorig:LeftLeg",
            "mixamorig:LeftFoot",
            "mixamorig:Head",
            "mixamorig:LeftHandIndex3",
        ],
    ),
    (
        "man",
        1.902,
        53,
        48.0,
        [
            "upperarm_l",
            "lowerarm_l",
            "hand_l",
            "thigh_l",
            "calf_l",
            "foot_l",
            "head",
            "index_03_l",
        ],
    ),
    (
        "elder",
        1.742,
        163,
        48.0,
        [
            "upperarm01.L",
            "lowerarm01.L",
            "wrist.L",
            "upperleg01.L",
            "lowerleg01.L",
            "foot.L",
            "head",
            "finger2-3.L",
        ],
    ),
];

#[test]
fn people_stand_on_the_floor_in_the_pose_and_with_the_names_they_promise() {
    for (name, height, count, hanging, bones) in PROMISES {
        let person = Person::load(name);
        assert_eq!(person.joints().len(), count, "{name}");
        let low = person
            .positions
            .iter()
            .map(|p| p.y)
            .fold(f32::INFINITY, f32::min);
        let high = person
            .positions
            .iter()
            .map(|p| p.y)
            .fold(f32::NEG_INFINITY, f32::max);
        assert!(low.abs() < 1e-3, "{name}: soles at {low} m");
        // Hair stands up to 3 cm above the head.
        assert!(
            (height..height + 0.03).contains(&high),
            "{name}: {high} m tall"
        );
        let [upper, lower, hand, thigh, shin, foot, head, finger] = bones.map(|b| person.at(b));
        let arm = lower - upper;
        let angle = (-arm.y).atan2(arm.x).to_degrees();
        assert!(
            (angle - hanging).abs() < 6.0,
            "{name}: the arm hangs by {angle} degrees"
        );
        assert!(arm.x > 0.0 && thigh.x > 0.0, "{name}: left is +X");
        assert!(
            thigh.y > shin.y && shin.y > foot.y && foot.y > 0.0 && head.y > upper.y,
            "{name}"
        );
        assert!(
            (finger - hand).norm() > 0.08 && (finger - lower).norm() > (hand - lower).norm(),
            "{name}"
        );
    }
}

#[test]
fn people_are_bound_where_they_stand() {
    for (name, ..) in PROMISES {
        let person = Person::load(name);
        for ((joint, world), inverse) in person.joints().iter().zip(&person.inverse_bind) {
            let off = (world * inverse - Matrix4::identity()).abs().max();
            assert!(off < 1e-4, "{name}: {joint} is off by {off}");
        }
    }
}

#[test]
fn every_vertex_hangs_on_bones_and_every_finger_moves_skin() {
    for (name, ..) in PROMISES {
        let person = Person::load(name);
        let joints = person.joints();
        let mut moved: HashMap<usize, usize> = HashMap::new();
        for weights in &person.weights {
            let sum: f32 = weights.iter().map(|(_, w)| w).sum();
            assert!((sum - 1.0).abs() < 1e-4, "{name}: weights sum to {sum}");
            for (joint, weight) in weights {
                assert!((*joint as usize) < joints.len(), "{name}");
                if *weight > 0.4 {
                    *moved.entry(usize::from(*joint)).or_default() += 1;
                }
            }
        }
        for (k, (joint, _)) in joints.iter().enumerate() {
            let joint = joint.to_lowercase();
            if ["index", "middle", "ring", "pinky", "thumb", "finger"]
                .iter()
                .any(|f| joint.contains(f))
            {
                assert!(
                    moved.get(&k).is_some_and(|n| *n > 10),
                    "{name}: {joint} moves no skin"
                );
            }
        }
        let worst = person
            .normals
            .iter()
            .map(|n| (n.norm() - 1.0).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-3, "{name}: a normal of length 1 ± {worst}");
    }
}

#[test]
fn the_womans_joints_lie_under_a_scaled_and_turned_armature() {
    let woman = Person::load("woman");
    let armature = woman
        .document
        .nodes()
        .find(|n| n.name() == Some("Armature"))
        .expect("an armature");
    let (_, rotation, scale) = armature.transform().decomposed();
    assert_eq!(scale, [0.01; 3]);
    assert!(
        (rotation[0] + 0.5f32.sqrt()).abs() < 1e-4 && (rotation[3] - 0.5f32.sqrt()).abs() < 1e-4
    );
    assert_eq!(
        armature.children().next().expect("a child").name(),
        Some("mixamorig:Hips")
    );
}
