//! Rotations, kinematics, canonical frame, features, conditions, blending and paths against the published code.

use std::collections::HashSet;

use chois::condition;
use chois::geometry::{BpsBasis, Mesh, ObjectGeometry};
use chois::model::kinematics::{self, Bounds};
use chois::motion::canonical::Canonical;
use chois::motion::features::{
    FEATURES, JOINT_POSITIONS, OBJECT_POSITION, OBJECT_ROTATION, Orthonormal, Statistics, Window,
    from_6d, matrix_from_6d, matrix_to_quaternion, quaternion, to_6d,
};
use chois::motion::path::{self, Spacing};
use chois::motion::{WINDOW, blend};
use chois::skeleton::{
    JOINTS, PARENTS, Pose, ROTATIONS, Skeleton, local_rotations, world_rotations,
};
use chois_tests::{Golden, assert_close};
use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector2, Vector3};
use tch::{Device, Kind};

/// What the golden files ask for.
const TOLERANCE: f32 = 1e-5;

type Rotations = [UnitQuaternion<f32>; ROTATIONS];

fn golden() -> Golden {
    Golden::open("conversions")
}

fn vectors(golden: &Golden, key: &str) -> Vec<Vector3<f32>> {
    let values = golden.f32(key);
    values
        .chunks_exact(3)
        .map(Vector3::from_row_slice)
        .collect()
}

/// Frames of as many joints as the shape says; `N` of them.
fn joints<const N: usize>(golden: &Golden, key: &str) -> Vec<[Vector3<f32>; N]> {
    let all = vectors(golden, key);
    all.chunks_exact(N)
        .map(|c| std::array::from_fn(|j| c[j]))
        .collect()
}

fn matrices(golden: &Golden, key: &str) -> Vec<Matrix3<f32>> {
    let values = golden.f32(key);
    values
        .chunks_exact(9)
        .map(Matrix3::from_row_slice)
        .collect()
}

fn rotations_of_matrices(golden: &Golden, key: &str) -> Vec<UnitQuaternion<f32>> {
    matrices(golden, key).iter().map(quaternion).collect()
}

/// Quaternions stored as w, x, y, z.
fn quaternions(golden: &Golden, key: &str) -> Vec<UnitQuaternion<f32>> {
    golden
        .f32(key)
        .chunks_exact(4)
        .map(|q| UnitQuaternion::new_normalize(Quaternion::new(q[0], q[1], q[2], q[3])))
        .collect()
}

fn frames(all: Vec<UnitQuaternion<f32>>) -> Vec<Rotations> {
    all.chunks_exact(ROTATIONS)
        .map(|c| std::array::from_fn(|j| c[j]))
        .collect()
}

fn frames_of_6d(golden: &Golden, key: &str) -> Vec<Rotations> {
    frames(golden.f32(key).chunks_exact(6).map(from_6d).collect())
}

fn flat<'a>(all: impl IntoIterator<Item = &'a Vector3<f32>>) -> Vec<f32> {
    all.into_iter().flat_map(|v| [v.x, v.y, v.z]).collect()
}

fn row_major(m: &Matrix3<f32>) -> Vec<f32> {
    m.transpose().iter().copied().collect()
}

fn as_matrices<'a>(all: impl IntoIterator<Item = &'a UnitQuaternion<f32>>) -> Vec<f32> {
    all.into_iter()
        .flat_map(|q| row_major(q.to_rotation_matrix().matrix()))
        .collect()
}

fn wxyz<'a>(all: impl IntoIterator<Item = &'a UnitQuaternion<f32>>) -> Vec<f32> {
    all.into_iter().flat_map(|q| [q.w, q.i, q.j, q.k]).collect()
}

fn as_6d(all: &[Rotations]) -> Vec<f32> {
    all.as_flattened().iter().flat_map(to_6d).collect()
}

fn statistics(golden: &Golden) -> Statistics {
    let triples = |key: &str| {
        let values = golden.f32(key);
        values.as_chunks::<3>().0.to_vec()
    };
    Statistics {
        joint_min: triples("stats.jpos_min"),
        joint_max: triples("stats.jpos_max"),
        object_min: triples("stats.obj_min")[0],
        object_max: triples("stats.obj_max")[0],
    }
}

/// The golden object: points without triangles, which a geometry must have.
fn object(golden: &Golden) -> ObjectGeometry {
    let vertices = vectors(golden, "window.obj_rest_verts");
    let triangles = (2..vertices.len() as u32).map(|i| [0, i - 1, i]).collect();
    ObjectGeometry::new(
        "points",
        Mesh {
            vertices,
            triangles,
        },
    )
    .expect("a usable object")
}

/// Every tensor of the file is looked at by one of the tests of this file.
#[test]
fn no_tensor_is_forgotten() {
    let source = include_str!("conversions.rs");
    let looked_at = |name: &str| {
        let by_suffix = |prefix: &str| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| source.contains(&format!("(\"{rest}\"")))
        };
        source.contains(&format!("\"{name}\""))
            || by_suffix("item.full.")
            || by_suffix("item.short.")
    };
    let golden = golden();
    let forgotten: Vec<&str> = golden.names().filter(|n| !looked_at(n)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn rotations_match_pytorch3d() {
    let golden = golden();
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    let r = matrices(&golden, "rot.R");
    let q: Vec<_> = r.iter().map(quaternion).collect();
    close("rot.R_to_q", &wxyz(&q));
    let raw: Vec<f32> = r
        .iter()
        .map(matrix_to_quaternion)
        .flat_map(|q| [q.w, q.i, q.j, q.k])
        .collect();
    close("rot.R_to_q", &raw);
    let d6: Vec<f32> = q.iter().flat_map(to_6d).collect();
    close("rot.R_to_d6", &d6);
    let aa: Vec<_> = q.iter().map(UnitQuaternion::scaled_axis).collect();
    close("rot.R_to_aa", &flat(&aa));
    let raw = golden.f32("rot.d6_raw");
    let from_d6: Vec<f32> = raw
        .chunks_exact(6)
        .flat_map(|d| row_major(&matrix_from_6d(d)))
        .collect();
    close("rot.d6_to_R", &from_d6);
    let from_d6: Vec<_> = raw.chunks_exact(6).map(from_6d).collect();
    close("rot.d6_to_R", &as_matrices(&from_d6));
    close("rot.q_to_R", &as_matrices(&quaternions(&golden, "rot.q")));
    let from_aa: Vec<_> = raw
        .chunks_exact(6)
        .map(|d| UnitQuaternion::from_scaled_axis(Vector3::new(d[0], d[1], d[2])))
        .collect();
    close("rot.aa_to_R", &as_matrices(&from_aa));
}

#[test]
fn kinematics_match() {
    let golden = golden();
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    let parents: Vec<i64> = PARENTS.iter().map(|p| p.map_or(-1, |p| p as i64)).collect();
    assert_eq!(parents, golden.i64("fk.parents"));

    let local: Vec<Rotations> = joints::<ROTATIONS>(&golden, "fk.local_aa")
        .iter()
        .map(|f| f.map(UnitQuaternion::from_scaled_axis))
        .collect();
    let world: Vec<Rotations> = local.iter().map(world_rotations).collect();
    close("fk.global_R", &as_matrices(world.as_flattened()));
    let back: Vec<Rotations> = frames(rotations_of_matrices(&golden, "fk.global_R"))
        .iter()
        .map(local_rotations)
        .collect();
    close("fk.ik_local_R", &as_matrices(back.as_flattened()));
    // The published code follows the chain of quaternions; signs are not part of a rotation.
    let want = quaternions(&golden, "fk.global_q");
    for (got, want) in world.as_flattened().iter().zip(&want) {
        let same = (got.coords - want.coords)
            .amax()
            .min((got.coords + want.coords).amax());
        assert!(same < TOLERANCE, "fk.global_q: {got} {want}");
    }

    let lpos = joints::<JOINTS>(&golden, "fk.lpos");
    let skeleton = Skeleton {
        rest_offsets: lpos[0],
    };
    let got: Vec<_> = lpos
        .iter()
        .zip(&world)
        .map(|(offsets, rotations)| {
            assert_eq!(offsets[1..], lpos[0][1..], "one subject");
            skeleton.forward(&Pose {
                root: offsets[0],
                rotations: *rotations,
            })
        })
        .collect();
    close("fk.joints", &flat(got.as_flattened()));
    // The same on tensors, for losses and guidance.
    let root = golden.tensor("fk.lpos").select(1, 0).unsqueeze(0);
    let offsets = golden.tensor("fk.lpos").narrow(0, 0, 1);
    let got = kinematics::forward(&root, &golden.tensor("fk.global_R").unsqueeze(0), &offsets);
    chois_tests::assert_tensors_close(
        "fk.joints",
        &got.squeeze_dim(0),
        &golden.tensor("fk.joints"),
        f64::from(TOLERANCE),
    );
}

/// The world's motion of the canonicalisation's inputs.
fn world_window(golden: &Golden, object: &ObjectGeometry) -> Window {
    let x = joints::<JOINTS>(golden, "cano.in.X");
    let local = frames(quaternions(golden, "cano.in.Q"));
    let trans2joint = vectors(golden, "cano.in.trans2joint")[0];
    let skeleton = Skeleton {
        rest_offsets: joints::<JOINTS>(golden, "window.rest_offsets")[0],
    };
    let rotations: Vec<Rotations> = local.iter().map(world_rotations).collect();
    let object_rotation = quaternions(golden, "cano.in.obj_q");
    Window {
        joints: x
            .iter()
            .zip(&rotations)
            .map(|(x, rotations)| {
                // Slot 0 holds SMPL's translation.
                skeleton.forward(&Pose {
                    root: x[0] - trans2joint,
                    rotations: *rotations,
                })
            })
            .collect(),
        object_center: vectors(golden, "cano.in.obj_x")
            .iter()
            .zip(&object_rotation)
            .map(|(x, q)| x + q * object.center())
            .collect(),
        contact: vec![[0.0; 4]; x.len()],
        rotations,
        object_rotation,
    }
}

#[test]
fn canonical_frame_matches() {
    let golden = golden();
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    let x = joints::<JOINTS>(&golden, "cano.in.X");
    let trans2joint = vectors(&golden, "cano.in.trans2joint")[0];
    let object_x = vectors(&golden, "cano.in.obj_x");
    let object_q = quaternions(&golden, "cano.in.obj_q");
    let world: Vec<Rotations> = frames(quaternions(&golden, "cano.in.Q"))
        .iter()
        .map(world_rotations)
        .collect();
    let pelvis = x[0][0] - trans2joint;
    let subject = Canonical::of_subject(&pelvis, &world[0][0], &trans2joint);
    let turn = subject.rotation;

    // The published step only turns; the shift comes later. Data-preparation branch first.
    let trans: Vec<_> = x.iter().map(|x| turn * x[0]).collect();
    let want: Vec<_> = joints::<JOINTS>(&golden, "cano.out.X");
    assert_close(
        "cano.out.X, translation",
        &flat(&trans),
        &flat(want.iter().map(|f| &f[0])),
        TOLERANCE,
    );
    for (got, want) in x.iter().zip(&want) {
        // Offsets in the parent's frame do not feel the turn.
        assert_close("cano.out.X", &flat(&got[1..]), &flat(&want[1..]), TOLERANCE);
    }
    let turned: Vec<Rotations> = world.iter().map(|f| f.map(|q| turn * q)).collect();
    let local: Vec<Rotations> = turned.iter().map(local_rotations).collect();
    let standing = |q: &UnitQuaternion<f32>| quaternion(q.to_rotation_matrix().matrix());
    let local: Vec<_> = local.as_flattened().iter().map(standing).collect();
    let want: Vec<_> = quaternions(&golden, "cano.out.Q")
        .iter()
        .map(standing)
        .collect();
    assert_close("cano.out.Q", &wxyz(&local), &wxyz(&want), TOLERANCE);
    let shift = turn * x[0][0];
    let shift = Vector3::new(shift.x, shift.y, 0.0);
    let got: Vec<_> = object_x.iter().map(|c| subject.point(c) + shift).collect();
    close("cano.out.obj_x", &flat(&got));
    let got: Vec<_> = object_q.iter().map(|q| turn * q).collect();
    close("cano.out.obj_q", &wxyz(&got));

    // Positions that are joints already: windows after the first of a long sequence.
    let global_q = frames(quaternions(&golden, "canog.in.Q"));
    let global_x = joints::<JOINTS>(&golden, "canog.in.X");
    let window = Canonical::of(&global_x[0][0], &global_q[0][0]);
    let mut motion = Window {
        contact: vec![[0.0; 4]; global_x.len()],
        joints: global_x,
        rotations: global_q,
        object_center: object_x,
        object_rotation: object_q,
    };
    window.apply(&mut motion);
    motion.translate(&window.origin);
    close("canog.out.X", &flat(motion.joints.as_flattened()));
    close("canog.out.Q", &wxyz(motion.rotations.as_flattened()));
    close("canog.out.obj_x", &flat(&motion.object_center));
    close("canog.out.obj_q", &wxyz(&motion.object_rotation));
}

#[test]
fn window_features_match() {
    let golden = golden();
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    let object = object(&golden);
    let mut window = world_window(&golden, &object);
    let trans2joint = vectors(&golden, "cano.in.trans2joint")[0];
    let frame = Canonical::of_subject(&window.joints[0][0], &window.rotations[0][0], &trans2joint);
    frame.apply(&mut window);
    assert!((window.joints[0][0].xy() + trans2joint.xy()).norm() < 1e-6);
    close("window.global_jpos", &flat(window.joints.as_flattened()));
    let velocity: Vec<_> = (0..window.len())
        .flat_map(|t| {
            let next = window.joints[(t + 1).min(window.len() - 1)];
            let now = window.joints[t];
            (0..JOINTS).map(move |j| next[j] - now[j])
        })
        .collect();
    close("window.global_jvel", &flat(&velocity));
    close("window.global_rot_6d", &as_6d(&window.rotations));
    close("window.window_obj_com_pos", &flat(&window.object_center));
    close("window.obj_rot_mat", &as_matrices(&window.object_rotation));
    let origin: Vec<_> = window
        .object_center
        .iter()
        .zip(&window.object_rotation)
        .map(|(c, q)| c - q * object.center())
        .collect();
    close("window.obj_trans", &flat(&origin));

    let reference = window.object_rotation[golden.i64("rel.ref_idx")[0] as usize];
    let statistics = statistics(&golden);
    let features = window.encode(&statistics, &reference, WINDOW);
    let columns = |range: std::ops::Range<usize>| -> Vec<f32> {
        features
            .chunks_exact(FEATURES)
            .flat_map(|row| row[range.clone()].to_vec())
            .collect()
    };
    close("norm.jpos", &columns(JOINT_POSITIONS));
    close("norm.obj", &columns(OBJECT_POSITION));
    close("rel.out", &columns(OBJECT_ROTATION));
    let back = Window::decode(&features, &statistics, &reference, Orthonormal::Published);
    close("denorm.jpos", &flat(back.joints.as_flattened()));
    close("denorm.obj", &flat(&back.object_center));
    close("rel.back", &as_matrices(&back.object_rotation));
    close("window.global_rot_6d", &as_6d(&back.rotations));
    let bounds = Bounds::new(&statistics, Device::Cpu);
    for (key, got) in [
        ("denorm.jpos", bounds.joints(&golden.tensor("norm.jpos"))),
        ("denorm.obj", bounds.object(&golden.tensor("norm.obj"))),
    ] {
        let want = golden.tensor(key);
        chois_tests::assert_tensors_close(key, &got, &want, f64::from(TOLERANCE));
    }
}

#[test]
fn basis_point_set_matches() {
    let golden = golden();
    let basis = BpsBasis::standard();
    assert_close(
        "bps.basis",
        &flat(basis.points()),
        &golden.f32("bps.basis"),
        1e-6,
    );
    let object = object(&golden);
    let posed = vectors(&golden, "bps.verts");
    let center = vectors(&golden, "bps.center")[0];
    // The rotation that posed them, from three vertices of the rest pose.
    let triangle = |v: &[Vector3<f32>], c: Vector3<f32>| {
        let (a, b) = (v[0] - c, v[9] - c);
        Matrix3::from_columns(&[a, b, a.cross(&b)])
    };
    let rest = triangle(object.vertices(), Vector3::zeros());
    let rotation = triangle(&posed, center) * rest.try_inverse().expect("three directions");
    let rotation = quaternion(&rotation);
    let got: Vec<_> = object
        .vertices()
        .iter()
        .map(|v| rotation * v + center)
        .collect();
    assert_close("bps.verts", &flat(&got), &flat(&posed), TOLERANCE);
    let deltas = object.bps(&rotation, basis);
    assert_close(
        "bps.deltas",
        &flat(&deltas),
        &golden.f32("bps.deltas"),
        TOLERANCE,
    );
}

#[test]
fn dataset_items_match() {
    let golden = golden();
    for name in ["full", "short"] {
        let key = |k: &str| format!("item.{name}.{k}");
        let want = |k: &str| golden.f32(&key(k));
        let close = |k: &str, got: &[f32]| assert_close(&key(k), got, &want(k), TOLERANCE);
        let index = |k: &str| golden.i64(&key(k));
        let in_joints = |k: &str| joints::<JOINTS>(&golden, &key(k));
        let in_6d = |k: &str| frames_of_6d(&golden, &key(k));
        let in_matrices = |k: &str| rotations_of_matrices(&golden, &key(k));
        let in_vectors = |k: &str| vectors(&golden, &key(k));

        let joints = in_joints("in.global_jpos");
        let length = joints.len();
        // The window begins at frame 30 of its sequence.
        let contact: Vec<[f32; 4]> = want("in.contact")
            .as_chunks::<4>()
            .0
            .iter()
            .skip(30)
            .take(length)
            .copied()
            .collect();
        let window = Window {
            joints,
            rotations: in_6d("in.global_rot_6d"),
            object_center: in_vectors("in.obj_com"),
            object_rotation: in_matrices("in.obj_rot_mat"),
            contact,
        };
        let reference = window.object_rotation[index("in.ref_frame")[0] as usize];
        let features = window.encode(&statistics(&golden), &reference, WINDOW);
        let columns = |range: std::ops::Range<usize>| -> Vec<f32> {
            features
                .chunks_exact(FEATURES)
                .flat_map(|row| row[range.clone()].to_vec())
                .collect()
        };
        close("motion", &columns(12..216));
        close("obj_motion", &columns(0..12));
        close("contact_labels", &columns(216..220));
        assert_eq!(index("seq_len"), [length as i64]);

        let pad = |mut values: Vec<f32>, width: usize| {
            values.resize(WINDOW * width, 0.0);
            values
        };
        close("obj_com_pos", &pad(flat(&window.object_center), 3));
        close("obj_rot_mat", &pad(as_matrices(&window.object_rotation), 9));
        close("reference_obj_rot_mat", &as_matrices([&reference]));
        // Positions in metres beside the same relative rotations.
        let metres: Vec<f32> = window
            .object_center
            .iter()
            .zip(features.chunks_exact(FEATURES))
            .flat_map(|(c, row)| [flat([c]), row[OBJECT_ROTATION].to_vec()].concat())
            .collect();
        close("ori_obj_motion", &pad(metres, 12));

        let object = object(&golden);
        let basis = BpsBasis::standard();
        close("input_obj_bps", &flat(&object.bps(&reference, basis)));
        // Keypoints: vertices nearest to basis points about the origin of the (here not centred) rest mesh.
        let keypoints: Vec<_> = index("in.kp_idx")
            .iter()
            .map(|i| {
                let point = basis.points()[*i as usize] - object.center();
                object.vertices()[object.nearest_vertex(&point).0] + object.center()
            })
            .collect();
        close("rest_pose_obj_pts", &flat(&keypoints));
        let posed: Vec<_> = window
            .object_center
            .iter()
            .zip(&window.object_rotation)
            .flat_map(|(c, q)| keypoints.iter().map(move |k| q * k + c))
            .collect();
        close("ori_obj_keypoints", &pad(flat(&posed), 300));
    }
}

#[test]
fn condition_mask_matches() {
    let golden = golden();
    let mask: Vec<f32> = golden
        .i64("mask.seq_len")
        .iter()
        .flat_map(|length| condition::mask(*length as usize, WINDOW))
        .collect();
    assert_eq!(mask, golden.f32("mask.cond_mask"));
}

#[test]
fn blending_matches() {
    let golden = golden();
    let window = |com: &str, r: &str, joints_key: &str, d6: &str| {
        let joints = joints::<JOINTS>(&golden, joints_key);
        Window {
            contact: vec![[0.25; 4]; joints.len()],
            joints,
            rotations: frames_of_6d(&golden, d6),
            object_center: vectors(&golden, com),
            object_rotation: rotations_of_matrices(&golden, r),
        }
    };
    let previous = window(
        "blend.in.prev_com",
        "blend.in.prev_R",
        "blend.in.prev_jpos",
        "blend.in.prev_6d",
    );
    let unfaded = window(
        "blend.in.win_com",
        "blend.in.win_R",
        "blend.in.win_jpos",
        "blend.in.win_6d",
    );
    let mut next = unfaded.clone();
    blend::fade(&previous, &mut next).expect("an overlap that fits");
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    close("blend.out.com", &flat(&next.object_center));
    close("blend.out.R", &as_matrices(&next.object_rotation));
    close("blend.out.jpos", &flat(next.joints.as_flattened()));
    close("blend.out.r6d", &as_6d(&next.rotations));
    assert_eq!(next.contact, unfaded.contact);
    assert!(blend::fade(&unfaded, &mut previous.clone()).is_err());
}

#[test]
fn path_tools_match() {
    let golden = golden();
    let close = |key: &str, got: &[f32]| assert_close(key, got, &golden.f32(key), TOLERANCE);
    let (turn, turned) = path::canonicalise(&vectors(&golden, "path.in")).expect("a path");
    close("path.cano_quat", &wxyz(&[turn; 6]));
    close("path.cano", &flat(&turned));

    let sparse: Vec<Vector2<f32>> = golden
        .f32("dense.in")
        .chunks_exact(2)
        .map(Vector2::from_row_slice)
        .collect();
    let mut cases: Vec<(&str, Spacing)> = ["dense.r0", "dense.r1", "dense.r2", "dense.r3"]
        .into_iter()
        .enumerate()
        .map(|(remainder, key)| {
            let spacing = Spacing {
                remainder,
                ..Spacing::INTERACTION
            };
            (key, spacing)
        })
        .collect();
    cases.push(("dense.nav", Spacing::NAVIGATION));
    for (key, spacing) in cases {
        let dense = path::sample_dense_waypoints(&sparse, &spacing).expect("a path");
        let got: Vec<f32> = dense.iter().flat_map(|p| [p.x, p.y]).collect();
        close(key, &got);
    }
    let walk = path::navigation_waypoints(&sparse).expect("a path");
    assert_eq!(walk.len(), golden.shape("dense.nav")[0] as usize - 1);

    let habitat = golden.f32("habitat.in");
    let path = path::from_habitat(habitat.as_chunks::<3>().0);
    let waypoints = path::interaction_waypoints(&path).expect("a path");
    close("habitat.out", &flat(&waypoints));
    assert_eq!(golden.tensor("habitat.out").kind(), Kind::Float);
    let distinct: HashSet<[u32; 3]> = waypoints
        .iter()
        .map(|p| [p.x, p.y, p.z].map(f32::to_bits))
        .collect();
    assert_eq!(
        distinct.len(),
        waypoints.len() - 1,
        "only the first is doubled"
    );
}
