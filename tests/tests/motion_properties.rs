//! What must hold for any motion: conversions undo each other, blends begin and end where they should, paths keep
//! their ends, a mirror's mirror is the thing itself.

use chois::geometry::{Mesh, ObjectGeometry};
use chois::motion::canonical::{Canonical, turn_between};
use chois::motion::features::{
    FEATURES, Orthonormal, Statistics, Window, from_6d, matrix_from_6d, matrix_to_quaternion,
    nearest_rotation, quaternion, to_6d,
};
use chois::motion::path::{self, Spacing};
use chois::motion::{WINDOW, blend, mirror};
use chois::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton, local_rotations, world_rotations};
use chois::training::dataset::mirror_text;
use nalgebra::{Matrix3, Quaternion, UnitQuaternion, Vector2, Vector3};
use proptest::prelude::*;

fn vector(reach: f32) -> impl Strategy<Value = Vector3<f32>> {
    prop::array::uniform3(-reach..reach).prop_map(Vector3::from)
}

fn rotation() -> impl Strategy<Value = UnitQuaternion<f32>> {
    prop::array::uniform4(-1.0_f32..1.0)
        .prop_map(|q| Quaternion::new(q[0], q[1], q[2], q[3]))
        .prop_filter("has a direction", |q| q.norm() > 0.1)
        .prop_map(UnitQuaternion::new_normalize)
}

fn rotations() -> impl Strategy<Value = [UnitQuaternion<f32>; ROTATIONS]> {
    prop::array::uniform(rotation())
}

fn window(frames: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Window> {
    let frame = (
        prop::array::uniform::<_, JOINTS>(vector(3.0)),
        rotations(),
        vector(3.0),
        rotation(),
        prop::array::uniform4(0.0_f32..1.0),
    );
    prop::collection::vec(frame, frames).prop_map(|frames| {
        let mut window = Window::default();
        for (joints, rotations, center, rotation, contact) in frames {
            window.joints.push(joints);
            window.rotations.push(rotations);
            window.object_center.push(center);
            window.object_rotation.push(rotation);
            window.contact.push(contact);
        }
        window
    })
}

fn path_3(least: usize) -> impl Strategy<Value = Vec<Vector3<f32>>> {
    prop::collection::vec(vector(10.0), least..8)
}

fn assert_same_rotation(a: &UnitQuaternion<f32>, b: &UnitQuaternion<f32>, tolerance: f32) {
    let apart = (a.coords - b.coords)
        .amax()
        .min((a.coords + b.coords).amax());
    assert!(apart <= tolerance, "{a} {b}");
}

fn assert_same_window(a: &Window, b: &Window, tolerance: f32) {
    assert_eq!(a.len(), b.len());
    let points = |w: &Window| [w.joints.as_flattened(), &w.object_center].concat();
    for (a, b) in points(a).iter().zip(&points(b)) {
        assert!((a - b).amax() <= tolerance, "{a} {b}");
    }
    let rotations = |w: &Window| [w.rotations.as_flattened(), &w.object_rotation].concat();
    for (a, b) in rotations(a).iter().zip(&rotations(b)) {
        assert_same_rotation(a, b, tolerance);
    }
    assert_eq!(a.contact, b.contact);
}

fn statistics() -> Statistics {
    Statistics {
        joint_min: vec![[-4.0, -3.5, -5.0]; JOINTS],
        joint_max: vec![[3.0, 4.0, 3.5]; JOINTS],
        object_min: [-3.0; 3],
        object_max: [3.0, 4.0, 5.0],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn six_numbers_hold_a_rotation(q in rotation()) {
        assert_same_rotation(&from_6d(&to_6d(&q)), &q, 2e-6);
    }

    #[test]
    fn any_six_numbers_become_a_rotation(d in prop::array::uniform6(-3.0_f32..3.0)) {
        let (a, b) = (Vector3::new(d[0], d[1], d[2]), Vector3::new(d[3], d[4], d[5]));
        prop_assume!(a.cross(&b).norm() > 0.01 * a.norm() * b.norm() && a.norm() > 0.01 && b.norm() > 0.01);
        let m = matrix_from_6d(&d);
        prop_assert!((m * m.transpose() - Matrix3::identity()).amax() < 1e-4);
        prop_assert!((m.determinant() - 1.0).abs() < 1e-4);
        // The first row keeps its direction: rows, not columns.
        prop_assert!((m.row(0).transpose() - a.normalize()).amax() < 1e-5);
    }

    #[test]
    fn matrix_and_quaternion_agree(q in rotation()) {
        let m = q.to_rotation_matrix();
        let back = quaternion(m.matrix());
        assert_same_rotation(&back, &q, 2e-6);
        prop_assert!(back.w >= 0.0);
        prop_assert!((matrix_to_quaternion(m.matrix()).norm() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_nearest_rotation_changes_no_faster_than_its_matrix(
        q in rotation(), size in 0.4_f32..1.5, off in [vector(0.1), vector(0.1), vector(0.1)], step in vector(1e-3),
    ) {
        let m = q.to_rotation_matrix();
        assert_same_rotation(&nearest_rotation(&(m.matrix() * size)), &q, 1e-5);
        // As a network gives it: shrunk and a little off. Where another component of the quaternion becomes the largest the
        // published conversion jumps.
        let seen = m.matrix() * 0.8 + Matrix3::from_columns(&off);
        let next = seen + Matrix3::from_columns(&[step, step, step]);
        let (a, b) = (nearest_rotation(&seen), nearest_rotation(&next));
        prop_assert!(a.angle_to(&b) < 8.0 * step.norm() + 1e-5, "{} {}", a.angle_to(&b), step.norm());
    }

    #[test]
    fn local_and_world_rotations_undo_each_other(world in rotations()) {
        let back = world_rotations(&local_rotations(&world));
        for (a, b) in back.iter().zip(&world) {
            assert_same_rotation(a, b, 1e-5);
        }
    }

    #[test]
    fn turn_between_carries_one_direction_to_the_other(a in vector(1.0), b in vector(1.0)) {
        prop_assume!(a.norm() > 0.1 && b.norm() > 0.1);
        let (a, b) = (a.normalize(), b.normalize());
        prop_assume!(a.dot(&b) > -0.99);
        prop_assert!((turn_between(&a, &b) * a - b).norm() < 1e-5);
    }

    #[test]
    fn canonical_frame_and_back_is_nothing(motion in window(1..6), shift in vector(0.5)) {
        let frame = Canonical::of_subject(&motion.joints[0][0], &motion.rotations[0][0], &shift);
        let mut moved = motion.clone();
        frame.apply(&mut moved);
        // The pelvis stands where it is told, the left axis points along +x, heights stay.
        prop_assert!((moved.joints[0][0].xy() + shift.xy()).norm() < 1e-5);
        let left = moved.rotations[0][0] * Vector3::x();
        let flat = left.xy().norm();
        prop_assume!(flat > 1e-3);
        prop_assert!((left.x - flat).abs() < 1e-4 && left.y.abs() < 1e-4);
        for (a, b) in moved.joints.as_flattened().iter().zip(motion.joints.as_flattened()) {
            prop_assert!((a.z - b.z).abs() < 1e-5);
        }
        frame.apply_back(&mut moved);
        assert_same_window(&moved, &motion, 2e-5);
    }

    #[test]
    fn features_hold_a_window(motion in window(1..6), reference in rotation()) {
        let features = motion.encode(&statistics(), &reference, WINDOW);
        prop_assert_eq!(features.len(), WINDOW * FEATURES);
        prop_assert!(features[motion.len() * FEATURES..].iter().all(|v| *v == 0.0));
        let rows = &features[..motion.len() * FEATURES];
        for orthonormal in [Orthonormal::Nearest, Orthonormal::Published] {
            let back = Window::decode(rows, &statistics(), &reference, orthonormal);
            assert_same_window(&back, &motion, 2e-5);
        }
    }

    #[test]
    fn a_blend_begins_with_the_old_and_ends_with_the_new(
        old in window(2..12), new in window(12..16), w in 0.0_f32..1.0,
    ) {
        let mut faded = new.clone();
        blend::fade(&old, &mut faded).expect("an overlap that fits");
        let n = old.len();
        let mut first = old.slice(0..1);
        first.contact[0] = new.contact[0];
        assert_same_window(&faded.slice(0..1), &first, 2e-6);
        assert_same_window(&faded.slice(n - 1..n), &new.slice(n - 1..n), 2e-6);
        prop_assert_eq!(faded.slice(n..new.len()), new.slice(n..new.len()));
        // Never farther from either end than they are apart.
        let (a, b) = (&old.object_rotation[0], &new.object_rotation[0]);
        let between = blend::slerp(a, b, w);
        let (way, apart) = (between.angle_to(a) + between.angle_to(b), a.angle_to(b));
        prop_assert!((way - apart).abs() < 5e-3, "{} {}", way, apart);

        let mut sequence = old.clone();
        blend::append(&mut sequence, &faded, n).expect("long enough");
        prop_assert_eq!(sequence.slice(0..faded.len()), faded);
        prop_assert!(blend::append(&mut sequence, &new, 1000).is_err());
    }

    #[test]
    fn resampled_paths_keep_their_ends_and_go_forward(path in path_3(2), count in 2_usize..40) {
        let points = path::resample(&path, count).expect("a path");
        prop_assert_eq!(points.len(), count);
        prop_assert_eq!(points[0], path[0]);
        prop_assert_eq!(points[count - 1], path[path.len() - 1]);
        // Every point lies on a leg, not before the one it follows.
        let step = path::length(&path) / (count - 1) as f32;
        let mut reached = 0.0;
        for (k, p) in points.iter().enumerate() {
            let mut before = 0.0;
            let at = path
                .windows(2)
                .filter_map(|leg| {
                    let (d, start) = (leg[1] - leg[0], before);
                    before += d.norm();
                    let u = ((p - leg[0]).dot(&d) / d.norm_squared().max(1e-12)).clamp(0.0, 1.0);
                    let near = (leg[0] + d * u - p).norm() < 1e-3;
                    near.then_some(start + u * d.norm())
                })
                .min_by(|a, b| {
                    let want = step * k as f32;
                    (a - want).abs().total_cmp(&(b - want).abs())
                });
            let at = at.expect("the point lies on the path");
            prop_assert!(at >= reached - 1e-3 && (at - step * k as f32).abs() < 1e-2);
            reached = at;
        }
    }

    #[test]
    fn dense_waypoints_keep_the_ends_and_meet_the_remainder(
        path in prop::collection::vec(prop::array::uniform2(-10.0_f32..10.0), 2..8),
        remainder in 0_usize..4,
    ) {
        let path: Vec<Vector2<f32>> = path.into_iter().map(Vector2::from).collect();
        for spacing in [Spacing::INTERACTION, Spacing::NAVIGATION] {
            let spacing = Spacing { remainder, ..spacing };
            let dense = path::sample_dense_waypoints(&path, &spacing).expect("a path");
            prop_assert_eq!(dense.len() % path::PER_WINDOW, remainder);
            prop_assert_eq!((dense[0], dense[dense.len() - 1]), (path[0], path[path.len() - 1]));
            // At most three points go; no gap exceeds the ones they left.
            for pair in dense.windows(2) {
                prop_assert!((pair[1] - pair[0]).norm() <= 4.0 * spacing.low + 1e-4);
            }
        }
        let path: Vec<_> = path.iter().map(|p| Vector3::new(p.x, p.y, 0.3)).collect();
        let waypoints = path::interaction_waypoints(&path).expect("a path");
        prop_assert_eq!(waypoints.len() % path::PER_WINDOW, 1);
        prop_assert_eq!(path::waypoint_frame(waypoints.len() - 2).1, WINDOW - 1);
    }

    #[test]
    fn a_canonical_path_is_the_path_turned(path in path_3(3)) {
        let (turn, turned) = path::canonicalise(&path).expect("a path");
        for (p, q) in path.iter().zip(&turned) {
            prop_assert!((turn.inverse() * q - p).norm() < 1e-4);
        }
        let leg = path[2] - path[1];
        prop_assume!(leg.norm() > 0.1 && leg.x / leg.norm() > -0.99);
        let leg = (turned[2] - turned[1]) / leg.norm();
        prop_assert!((leg - Vector3::x()).norm() < 1e-4);
    }

    #[test]
    fn a_mirror_of_a_mirror_is_the_thing_itself(
        motion in window(1..4),
        offsets in prop::array::uniform::<_, JOINTS>(vector(0.5)),
        corners in prop::collection::vec(vector(1.0), 4..12),
        words in "[ a-z]{0,12}(left|Right| ){0,3}[a-z ]{0,9}",
    ) {
        prop_assert_eq!(&motion.mirrored().mirrored(), &motion);
        let skeleton = Skeleton { rest_offsets: offsets };
        prop_assert_eq!(&skeleton.mirrored().mirrored(), &skeleton);
        prop_assert_eq!(mirror_text(&mirror_text(&words)), words);
        let triangles = (2..corners.len() as u32).map(|i| [0, i - 1, i]).collect();
        let object = ObjectGeometry::new("corners", Mesh { vertices: corners, triangles });
        if let Ok(object) = object {
            let twice = object.mirrored().mirrored();
            prop_assert_eq!(twice.mesh(), object.mesh());
        }
        // The mirrored skeleton in the mirrored pose stands where the mirrored joints are.
        let pose = Pose { root: motion.joints[0][0], rotations: motion.rotations[0] };
        let posed = Window { joints: vec![skeleton.forward(&pose)], ..motion.slice(0..1) };
        let mirrored = posed.mirrored();
        let pose = Pose { root: mirror::vector(&pose.root), rotations: mirrored.rotations[0] };
        for (a, b) in skeleton.mirrored().forward(&pose).iter().zip(&mirrored.joints[0]) {
            prop_assert!((a - b).norm() < 1e-4);
        }
    }
}
