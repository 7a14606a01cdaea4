//! The metrics against the published evaluation code.

use chois::evaluation::metrics::{
    ClipMetrics, LongMetrics, ObjectFrame, Trajectory, palm_distances, penetration,
    scene_penetration,
};
use chois::evaluation::{ClipFacts, Goals};
use chois::geometry::{Mesh, ObjectGeometry, SdfGrid};
use chois::motion::{Frame, MotionClip};
use chois::skeleton::JOINTS;
use chois::skeleton::{Pose, ROTATIONS, Skeleton};
use chois_tests::{Golden, assert_close};
use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector3};
use proptest::prelude::*;

const TOLERANCE: f32 = 1e-4;

fn vectors(golden: &Golden, key: &str) -> Vec<Vector3<f32>> {
    let values = golden.f32(key);
    values
        .chunks_exact(3)
        .map(Vector3::from_row_slice)
        .collect()
}

fn matrices(golden: &Golden, key: &str) -> Vec<Matrix3<f32>> {
    let values = golden.f32(key);
    values
        .chunks_exact(9)
        .map(Matrix3::from_row_slice)
        .collect()
}

fn joints(golden: &Golden, key: &str) -> Vec<[Vector3<f32>; JOINTS]> {
    vectors(golden, key)
        .chunks_exact(JOINTS)
        .map(|frame| frame.try_into().expect("24 joints"))
        .collect()
}

/// Points of each frame.
fn frames(golden: &Golden, key: &str) -> Vec<Vec<Vector3<f32>>> {
    let points = golden.shape(key)[1] as usize;
    vectors(golden, key)
        .chunks_exact(points)
        .map(<[_]>::to_vec)
        .collect()
}

fn trajectory(golden: &Golden, side: &str) -> Trajectory {
    let key = |name: &str| format!("in.{side}_{name}");
    let joints = joints(golden, &key("jpos"));
    let palm_distances =
        palm_distances(&joints, &frames(golden, &key("obj_verts"))).expect("distances");
    Trajectory {
        translation: vectors(golden, &key("trans")),
        // 22 joints a frame; the first is the pelvis.
        root_rotation: (matrices(golden, &key("rot")).into_iter())
            .step_by(22)
            .collect(),
        object_center: vectors(golden, &key("obj_com")),
        object_rotation: matrices(golden, &key("obj_rot")),
        body_vertices: Some(frames(golden, &key("verts"))),
        joints,
        palm_distances,
    }
}

fn grid(golden: &Golden, scale: f32) -> SdfGrid {
    let one = |key: &str| vectors(golden, key)[0] * scale;
    SdfGrid::new(
        [16; 3],
        one("sdf.centroid"),
        one("sdf.extents"),
        golden.f32("sdf.grid"),
    )
    .expect("a usable grid")
}

/// Every scalar of this prefix in the golden file is among `got`, and agrees.
fn assert_scalars(golden: &Golden, prefix: &str, got: &[(&str, f64)]) {
    let mut wanted: Vec<&str> = (golden.names())
        .filter_map(|n| n.strip_prefix(prefix))
        .collect();
    let mut names: Vec<&str> = got.iter().map(|(name, _)| *name).collect();
    wanted.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, wanted);
    for (name, value) in got {
        let want = golden.f32(&format!("{prefix}{name}"));
        assert_close(name, &[*value as f32], &want, TOLERANCE);
    }
}

#[test]
fn clip_metrics_match_the_published_code() {
    let golden = Golden::open("metrics");
    let m = ClipMetrics::compare(&trajectory(&golden, "pred"), &trajectory(&golden, "gt"))
        .expect("metrics");
    // The published code gives lengths in millimetres, heights in metres.
    let mm = |metres: f64| metres * 1000.0;
    let got = [
        ("lhand_jpe", mm(m.left_hand_error)),
        ("rhand_jpe", mm(m.right_hand_error)),
        ("hand_jpe", mm(m.hand_error)),
        ("mpvpe", mm(m.vertex_error.expect("vertices"))),
        ("mpjpe", mm(m.joint_error)),
        ("rot_dist", m.root_rotation_error),
        ("trans_err", mm(m.root_translation_error)),
        ("gt_contact_percent", m.true_contact_share),
        ("contact_percent", m.contact_share),
        ("gt_foot_sliding", mm(m.true_foot_sliding)),
        ("foot_sliding", mm(m.foot_sliding)),
        ("contact_precision", m.contact_precision),
        ("contact_recall", m.contact_recall),
        ("contact_acc", m.contact_accuracy),
        ("contact_f1", m.contact_f1),
        ("obj_rot_dist", m.object_rotation_error),
        ("obj_com_err", mm(m.object_translation_error)),
        ("start_err", mm(m.start_error)),
        ("end_err", mm(m.end_error)),
        ("waypoint_xy_err", mm(m.waypoint_error.expect("waypoints"))),
        ("gt_floor_height", m.true_feet_height),
        ("floor_height", m.feet_height),
    ];
    assert_scalars(&golden, "m.", &got);
}

#[test]
fn long_metrics_match_the_published_code() {
    let golden = Golden::open("metrics");
    let joints = joints(&golden, "long.in.jpos");
    let object_center = vectors(&golden, "long.in.obj_com");
    let object_rotation = matrices(&golden, "long.in.obj_rot");
    let rest = vectors(&golden, "long.in.obj_rest_verts");
    let vertices: Vec<Vec<_>> = (object_center.iter().zip(&object_rotation))
        .map(|(c, r)| rest.iter().map(|v| r * v + c).collect())
        .collect();
    let frames = joints.len();
    let generated = Trajectory {
        palm_distances: palm_distances(&joints, &vertices).expect("distances"),
        translation: vec![Vector3::zeros(); frames],
        root_rotation: vec![Matrix3::identity(); frames],
        joints,
        object_center,
        object_rotation,
        body_vertices: None,
    };
    let m = LongMetrics::of(&generated, &vectors(&golden, "long.in.target_com")).expect("metrics");
    let mm = |metres: f64| metres * 1000.0;
    let got = [
        ("foot_sliding", mm(m.foot_sliding)),
        ("floor_height", m.feet_height),
        ("contact_percent", m.contact_share),
        ("start_err", mm(m.start_error)),
        ("end_err", mm(m.end_error)),
        ("waypoint_xy_err", mm(m.waypoint_error.expect("windows"))),
    ];
    assert_scalars(&golden, "long.m.", &got);
}

#[test]
fn penetration_matches_the_published_code() {
    let golden = Golden::open("metrics");
    let grid = grid(&golden, 1.0);
    let body = frames(&golden, "pen.verts");
    let hands: Vec<Vec<_>> = (body.iter())
        .map(|points| points.iter().copied().step_by(2).collect())
        .collect();
    let generated = trajectory(&golden, "pred");
    let depth = |points: &[Vec<Vector3<f32>>], frame| {
        penetration(
            points,
            &generated.object_center,
            &generated.object_rotation,
            frame,
            |p| grid.query(p),
        )
        .expect("a depth")
    };
    let body_depth = depth(&body, ObjectFrame::Published);
    let m = ClipMetrics::default()
        .with_hand_penetration(&hands, &generated, |p| grid.query(p))
        .expect("a depth");
    let published = m.hand_penetration.expect("published");
    let corrected = m.hand_penetration_corrected.expect("corrected");
    for (key, got) in [("pen.hand", published), ("pen.body", body_depth)] {
        // A depth of 2 cm: the relative measure of the golden files would forgive 0.1 mm.
        assert_close(key, &[got as f32], &golden.f32(key), 1e-6);
    }
    assert_eq!(corrected, depth(&hands, ObjectFrame::Corrected));
    assert!(
        (corrected - published).abs() > 1e-4,
        "the transposed rotation measures something else: {corrected} {published}"
    );
}

#[test]
fn scene_penetration_matches_the_published_code() {
    let golden = Golden::open("metrics");
    let scene = grid(&golden, 10.0);
    let q = golden.f32("scene.quat");
    let turn = UnitQuaternion::from_quaternion(Quaternion::new(q[0], q[1], q[2], q[3]));
    let shift = vectors(&golden, "scene.move")[0];
    let points = vectors(&golden, "in.pred_jpos");
    let score = scene_penetration(points, &shift, &turn, &scene).expect("a score");
    assert_close(
        "scene.score",
        &[score as f32],
        &golden.f32("scene.score"),
        TOLERANCE,
    );
}

/// Mostly sensible lengths, now and then any `f32`.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![9999 => -2.0f32..2.0, 1 => any::<f32>()]
}

fn vector() -> impl Strategy<Value = Vector3<f32>> {
    prop::array::uniform3(number()).prop_map(Vector3::from)
}

/// Mostly `frames` values, now and then one less.
fn part<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T> + 'static,
    frames: usize,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![
        99 => Just(frames),
        1 => Just(frames.saturating_sub(1))
    ]
    .prop_flat_map({
        let of = of.boxed();
        move |n| prop::collection::vec(of.clone(), n)
    })
}

fn any_trajectory(frames: usize) -> impl Strategy<Value = Trajectory> {
    let matrix = || prop::array::uniform9(number()).prop_map(|m| Matrix3::from_row_slice(&m));
    (
        part(prop::array::uniform24(vector()), frames),
        part(vector(), frames),
        part(matrix(), frames),
        part(vector(), frames),
        part(matrix(), frames),
        part(prop::array::uniform2(number()), frames),
    )
        .prop_map(|parts| Trajectory {
            joints: parts.0,
            translation: parts.1,
            root_rotation: parts.2,
            object_center: parts.3,
            object_rotation: parts.4,
            palm_distances: parts.5,
            body_vertices: None,
        })
}

fn any_clip() -> impl Strategy<Value = MotionClip> {
    let rotation = || {
        prop::array::uniform4(number())
            .prop_map(|[w, x, y, z]| UnitQuaternion::new_normalize(Quaternion::new(w, x, y, z)))
    };
    let frame = (vector(), rotation(), vector(), rotation()).prop_map(|(root, r, p, q)| Frame {
        pose: Pose {
            root,
            rotations: [r; ROTATIONS],
        },
        object_position: p,
        object_rotation: q,
        contact: [0.0; 4],
    });
    let offsets = prop::array::uniform24(vector());
    (offsets, prop::collection::vec(frame, 0..6), number()).prop_map(
        |(rest_offsets, frames, fps)| MotionClip {
            name: String::new(),
            subject: String::new(),
            object: String::new(),
            text: String::new(),
            fps: fps.abs() * 30.0,
            skeleton: Skeleton { rest_offsets },
            frames,
        },
    )
}

/// What is written for machines holds numbers only: no null where the type promises a number.
macro_rules! all_finite {
    ($type:ty, $value:expr) => {
        serde_json::from_str::<$type>(&serde_json::to_string($value).expect("json")).is_ok()
    };
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_motion_is_measured_or_refused(
        (generated, captured) in (0..6usize).prop_flat_map(|n| (any_trajectory(n), any_trajectory(n)))
    ) {
        if let Ok(m) = ClipMetrics::compare(&generated, &captured) {
            prop_assert!(all_finite!(ClipMetrics, &m), "{m:?}");
        }
        if let Ok(m) = LongMetrics::of(&generated, &captured.object_center) {
            prop_assert!(all_finite!(LongMetrics, &m), "{m:?}");
        }
    }

    #[test]
    fn any_clip_has_facts_or_is_refused(
        clip in any_clip(),
        start in prop::option::of(vector()),
        waypoints in prop::collection::vec((0..6usize, prop::array::uniform2(number())), 0..3),
    ) {
        let corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let mesh = Mesh {
            vertices: corners.map(Vector3::from).to_vec(),
            triangles: vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]],
        };
        let object = ObjectGeometry::new("tetrahedron", mesh).expect("an object");
        let goals = Goals { start, waypoints, end: start };
        if let Ok(facts) = ClipFacts::of(&clip, &object, &goals) {
            prop_assert!(all_finite!(ClipFacts, &facts), "{facts:?}");
            prop_assert!(!facts.to_string().is_empty());
        }
    }
}
