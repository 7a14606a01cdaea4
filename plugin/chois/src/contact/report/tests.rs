use nalgebra::{UnitQuaternion, Vector3};

use super::*;
use crate::contact::palm::{self, Palm};
use crate::frame;
use crate::geometry::Mesh;
use crate::motion::Frame;
use crate::skeleton::{Pose, ROTATIONS, Skeleton};

/// A box of these edges, its mesh's origin 1 m below and 0.5 m beside its centre.
pub(super) fn cuboid(size: [f32; 3]) -> ObjectGeometry {
    let size = Vector3::from(size);
    let corner = |i: u32| Vector3::new(i & 1, i >> 1 & 1, i >> 2 & 1).cast::<f32>();
    let quads = [
        [0, 2, 3, 1],
        [4, 5, 7, 6],
        [0, 1, 5, 4],
        [2, 6, 7, 3],
        [0, 4, 6, 2],
        [1, 3, 7, 5],
    ];
    let mesh = Mesh {
        vertices: (0..8)
            .map(|i| (corner(i) - Vector3::repeat(0.5)).component_mul(&size) + ORIGIN)
            .collect(),
        triangles: (quads.iter())
            .flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]])
            .collect(),
    };
    ObjectGeometry::new("box", mesh).expect("a box")
}

/// Where the centre of [`cuboid`] is from its mesh's origin.
const ORIGIN: Vector3<f32> = Vector3::new(0.5, 0.0, 1.0);

/// A person in T-pose, soles on the floor, and the object's centre 10 m off along y at this height.
pub(super) fn resting(height: f32) -> Frame {
    let toe = Skeleton::adult().rest_positions()[joint::LEFT_TOE];
    Frame {
        pose: Pose {
            root: Vector3::new(0.0, 0.0, TOE_HEIGHT - toe.y),
            rotations: [frame::y_up_to_z_up(); ROTATIONS],
        },
        object_position: Vector3::new(0.0, 10.0, height) - ORIGIN,
        object_rotation: UnitQuaternion::identity(),
        contact: [0.0; 4],
    }
}

/// As many frames, of the scene at these seconds.
pub(super) fn clip(frames: usize, at: impl Fn(f32) -> Frame) -> MotionClip {
    MotionClip {
        name: "carry".into(),
        subject: String::new(),
        object: "box".into(),
        text: String::new(),
        fps: 30.0,
        skeleton: Skeleton::adult(),
        frames: (0..frames).map(|t| at(t as f32 / 30.0)).collect(),
    }
}

/// The pad of the left palm.
fn pad(frame: &Frame) -> Vector3<f32> {
    let skeleton = Skeleton::adult();
    let joints = skeleton.forward(&frame.pose);
    let wrist = &frame.pose.rotations[joint::LEFT_WRIST];
    palm::pad(&Palm::of(&skeleton)[0], 0, &joints, wrist)
}

fn report(clip: &MotionClip, object: &ObjectGeometry, mass: f32, friction: f32) -> ContactReport {
    let options = ReportOptions {
        mass,
        friction,
        skin: false,
    };
    ContactReport::of(clip, object, &options).expect("a report")
}

fn close(value: Option<f64>, want: f64, within: f64) {
    let value = value.expect("measured");
    assert!((value - want).abs() < within, "{value}, not {want}");
}

#[test]
fn a_box_held_exactly_does_not_slip() {
    let object = cuboid([0.2, 0.2, 0.2]);
    // The person turns about the vertical, the box with them, its lid under the left palm.
    let clip = clip(31, |t| {
        let mut frame = resting(0.0);
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 1.5 * t);
        frame.pose.root += Vector3::new(0.4 * t, 0.3 * t * t, 0.0);
        frame.pose.rotations = [turn * frame::y_up_to_z_up(); ROTATIONS];
        frame.object_rotation = turn;
        frame.object_position = pad(&frame) - turn * (ORIGIN + Vector3::new(0.03, 0.0, 0.1));
        frame.contact[0] = 1.0;
        frame
    });
    let report = report(&clip, &object, 3.0, 0.5);
    assert_eq!((report.frames, report.contact_frames), (31, 31));
    assert_eq!(report.holds.len(), 1);
    let hold = report.holds[0];
    assert_eq!((hold.hand, hold.first, hold.last), (0, 0, 30));
    assert!(hold.slip < 1e-5 && hold.drift < 1e-5, "{hold:?}");
    let slip = report.slip.expect("a hold");
    assert!(slip.speed < 1e-4 && slip.worst < 1e-5);
    assert!(report.hand_distance.expect("a hold").max < 1e-5);
    assert_eq!(report.unexplained_impulse, Some(0.0));
    assert_eq!(report.unreached_impulse, Some(0.0));
    assert_eq!(report.moved_unreached, Some(0.0));
    assert_eq!(report.assumed_support, 0.0);
    assert_eq!(report.object_below_floor, Some(0.0));
    assert!(report.feet_below_floor.expect("feet") < 1e-6);
}

#[test]
fn a_carried_box_weighs_in_the_hand() {
    let object = cuboid([0.2, 0.2, 0.2]);
    // 2 m/s^2 along x, the centre 10 cm below the palm: 3 kg need 3 * sqrt(2^2 + 9.81^2) N, and 6 N at 0.1 m.
    let clip = clip(20, |t| {
        let mut frame = resting(0.0);
        frame.pose.root.x += t * t;
        frame.object_position = pad(&frame) - ORIGIN - Vector3::new(0.0, 0.0, 0.1);
        frame.contact[0] = 1.0;
        frame
    });
    let report = report(&clip, &object, 3.0, 0.5);
    let (force, torque) = (report.grip_force, report.grip_torque);
    close(force.map(|f| f.max), 30.0354, 0.01);
    close(force.map(|f| f.p99), 30.0354, 0.01);
    close(torque.map(|t| t.max), 0.6, 0.005);
    close(report.object_jerk.map(|j| j.p99), 0.0, 0.2);
}

#[test]
fn a_turned_box_takes_torque() {
    // A box of 0.6 x 0.2 x 0.2 m and 6 kg spins up about z with 4 rad/s^2 under a palm on its lid:
    // 6 / 12 * (0.6^2 + 0.2^2) * 4 N m.
    let object = cuboid([0.6, 0.2, 0.2]);
    let clip = clip(20, |t| {
        let mut frame = resting(0.0);
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 2.0 * t * t);
        frame.object_rotation = turn;
        frame.object_position = pad(&frame) - Vector3::new(0.0, 0.0, 0.1) - turn * ORIGIN;
        frame.contact[0] = 1.0;
        frame
    });
    let report = report(&clip, &object, 6.0, 0.5);
    close(report.grip_torque.map(|t| t.max), 0.8, 0.01);
    close(report.grip_force.map(|f| f.max), 58.86, 0.01);
}

/// The left palm lies still on the lid of a box that stands on the floor and slides along x at so many m/s.
fn dragged(speed: f32) -> (MotionClip, ObjectGeometry) {
    let height = pad(&resting(0.0)).z;
    let clip = clip(31, |t| {
        let mut frame = resting(0.0);
        let lid = pad(&frame);
        frame.object_position = lid + Vector3::new(speed * t, 0.0, -height / 2.0) - ORIGIN;
        frame.contact[0] = 1.0;
        frame
    });
    (clip, cuboid([0.4, 0.4, height]))
}

#[test]
fn a_box_that_slides_under_the_hand_slips_as_far() {
    let (mut clip, object) = dragged(0.06);
    // Two holds: 14 steps of 2 mm and, after a pause, 7.
    clip.frames
        .iter_mut()
        .skip(15)
        .take(8)
        .for_each(|f| f.contact[0] = 0.0);
    let report = report(&clip, &object, 2.0, 0.75);
    assert_eq!(report.holds.len(), 2);
    let [a, b] = [report.holds[0], report.holds[1]];
    assert_eq!([a.first, a.last, b.first, b.last], [0, 14, 23, 30]);
    for (value, want) in [
        (a.slip, 0.028),
        (a.path, 0.028),
        (a.drift, 0.014),
        (b.slip, 0.014),
        (b.drift, 0.007),
    ] {
        assert!((value - want).abs() < 1e-5, "{value}, not {want}");
    }
    let slip = report.slip.expect("holds");
    assert!((slip.speed - 0.06).abs() < 1e-5);
    assert!((slip.mean - 0.021).abs() < 1e-5 && (slip.worst - 0.028).abs() < 1e-5);
    assert!(report.hand_distance.expect("holds").max < 1e-5);
    // 2 kg dragged over a floor of friction 0.75, pulled at the best angle: 19.62 * 0.75 / sqrt(1 + 0.75^2) N.
    close(report.grip_force.map(|f| f.max), 11.772, 0.01);
    assert_eq!(report.moved_unreached, Some(0.0));
}

#[test]
fn a_box_that_stands_under_the_hand_asks_nothing_of_it() {
    let (clip, object) = dragged(0.0);
    let report = report(&clip, &object, 2.0, 0.75);
    close(report.grip_force.map(|f| f.max), 0.0, 0.05);
    close(report.grip_torque.map(|t| t.max), 0.0, 0.05);
    assert!(report.holds[0].slip < 1e-6);
}

#[test]
fn a_hand_in_the_box_is_as_deep_as_it_is() {
    let object = cuboid([0.5, 0.5, 0.3]);
    // The pad this far below the lid of a box that ends 1.2 cm beyond the wrist, so that little more than the hand is in.
    let at = |depth: f32| {
        let clip = clip(6, |_| {
            let mut frame = resting(0.0);
            let pad = pad(&frame);
            let wrist = Skeleton::adult().forward(&frame.pose)[joint::LEFT_WRIST];
            let center = Vector3::new(wrist.x + 0.238, pad.y, pad.z + depth - 0.15);
            frame.object_position = center - ORIGIN;
            frame.contact[0] = 1.0;
            frame
        });
        ContactReport::of(&clip, &object, &ReportOptions::default()).expect("a report")
    };
    let (three, four) = (at(0.03), at(0.04));
    let distance = three.hand_distance.expect("a hold");
    for value in [distance.median, distance.p95, distance.max] {
        assert!((value - 0.03).abs() < 1e-5, "{value}");
    }
    let depth = |r: &ContactReport| r.hand_penetration.expect("a hold").max;
    // The pad is about the lowest place of the palm; fingers hang a little lower.
    assert!((0.028..0.05).contains(&depth(&three)), "{}", depth(&three));
    assert!((depth(&four) - depth(&three) - 0.01).abs() < 1e-4);
    let share = |r: &ContactReport| r.hand_inside.expect("a hold");
    // Fingers bend back out of the box, the palm does not.
    assert!((0.3..=1.0).contains(&share(&three)), "{}", share(&three));
    assert!(share(&four) > share(&three));
    // From farther in they cannot.
    assert!(share(&at(0.12)) > 0.8, "{}", share(&at(0.12)));
    let deep = |r: &ContactReport| r.hand_penetration.expect("a hold").deep;
    assert_eq!((deep(&three), deep(&at(-0.2))), (1.0, 0.0));
    // The right hand is far away and in no contact; the left forearm begins in the box.
    let body = three.body_penetration.expect("skin");
    assert!(body.max > 0.0 && body.max < depth(&three), "{body:?}");
    assert_eq!(at(-0.2).hand_penetration.expect("a hold").max, 0.0);
    assert_eq!(at(-0.2).body_penetration.expect("skin").max, 0.0);
    assert_eq!(at(-0.2).hand_inside, Some(0.0));
}

#[test]
fn fingers_lie_on_the_lid_that_the_palm_lies_on() {
    // Relaxed fingers would dip into it by centimetres.
    let object = cuboid([0.6, 0.6, 0.3]);
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 0.7);
    let clip = clip(6, |_| {
        let mut frame = resting(0.0);
        frame.object_rotation = turn;
        frame.object_position = pad(&frame) - Vector3::new(0.0, 0.0, 0.15) - turn * ORIGIN;
        frame.contact[0] = 1.0;
        frame
    });
    let report = ContactReport::of(&clip, &object, &ReportOptions::default()).expect("a report");
    let depth = report.hand_penetration.expect("a hold").max;
    assert!(depth < 0.012, "{depth}");
}

#[test]
fn a_hand_without_contact_counts_with_the_body() {
    let object = cuboid([0.3, 0.3, 0.3]);
    let clip = clip(4, |_| {
        let mut frame = resting(0.0);
        frame.object_position = pad(&frame) + Vector3::new(0.1, 0.0, -0.1) - ORIGIN;
        frame
    });
    let report = ContactReport::of(&clip, &object, &ReportOptions::default()).expect("a report");
    assert_eq!((report.hand_penetration, report.hand_inside), (None, None));
    assert!(report.body_penetration.expect("skin").max > 0.04);
}

/// A small box 10 m from the person, its lowest point at height `z`, at `x` after so many seconds.
fn alone(frames: usize, x: impl Fn(f32) -> f32, z: impl Fn(f32) -> f32) -> MotionClip {
    clip(frames, |t| {
        let mut frame = resting(0.1 + z(t));
        frame.object_position.x += x(t);
        frame
    })
}

#[test]
fn free_fall_is_explained_and_hovering_is_not() {
    let object = cuboid([0.2, 0.2, 0.2]);
    let falling = alone(30, |t| 0.8 * t, |t| 5.0 + t - 4.905 * t * t);
    let fallen = report(&falling, &object, 4.0, 0.5);
    assert_eq!(fallen.unexplained_impulse, Some(0.0));
    assert_eq!(fallen.assumed_support, 0.0);
    assert_eq!(fallen.moved_unreached, Some(1.0));
    // It glides through the air for 29 / 30 s between the second and the last frame but one: 4 * 9.81 * 29 / 30.
    let gliding = alone(31, |t| 0.5 * t, |_| 1.0);
    let glided = report(&gliding, &object, 4.0, 0.5);
    close(glided.unexplained_impulse, 37.932, 0.01);
    // One that rests in the air may stand on something: that is told apart.
    let resting = alone(30, |_| 0.0, |_| 1.0);
    let rested = report(&resting, &object, 4.0, 0.5);
    assert_eq!(rested.unexplained_impulse, Some(0.0));
    assert!((rested.assumed_support - 1.0).abs() < 1e-9);
    assert_eq!(rested.moved_unreached, Some(0.0));
    // It drops onto the floor, and lies: the floor may push up as hard as that takes.
    let landing = alone(40, |_| 0.0, |t| (1.0 - 4.905 * t * t).max(0.0));
    assert_eq!(
        report(&landing, &object, 4.0, 0.5).unexplained_impulse,
        Some(0.0)
    );
}

#[test]
fn what_speeds_up_untouched_is_told_to_the_newton_second() {
    let object = cuboid([0.2, 0.2, 0.2]);
    // 4 kg at 3 m/s^2 in 29 frames; friction 0.5 could give 4.9 m/s^2, but it only brakes.
    let driven = alone(31, |t| 1.5 * t * t, |_| 0.0);
    let driven = report(&driven, &object, 4.0, 0.5);
    close(driven.unexplained_impulse, 11.6, 0.02);
    close(driven.unreached_impulse, 11.6, 0.02);
    // Slower than noise, or braked by friction.
    let crept = alone(31, |t| 0.12 * t * t, |_| 0.0);
    assert_eq!(
        report(&crept, &object, 4.0, 0.5).unexplained_impulse,
        Some(0.0)
    );
    let braked = alone(22, |t| 1.5 * t - t * t, |_| 0.0);
    assert_eq!(
        report(&braked, &object, 4.0, 0.5).unexplained_impulse,
        Some(0.0)
    );
    // Braked by 8 m/s^2: (8 - 0.5 * 9.81) / sqrt(1.25) too much in 9 frames.
    let stopped = alone(11, |t| 3.0 * t - 4.0 * t * t, |_| 0.0);
    close(
        report(&stopped, &object, 4.0, 0.5).unexplained_impulse,
        3.3218,
        0.01,
    );
}

#[test]
fn a_label_on_a_far_hand_explains_only_by_word() {
    let object = cuboid([0.2, 0.2, 0.2]);
    let mut driven = alone(31, |t| 0.1 * t + 1.5 * t * t, |_| 0.0);
    driven.frames.iter_mut().for_each(|f| f.contact[1] = 0.9);
    let report = report(&driven, &object, 4.0, 0.5);
    assert_eq!(report.unexplained_impulse, Some(0.0));
    close(report.unreached_impulse, 11.6, 0.02);
    assert_eq!(report.holds[0].hand, 1);
    assert!(report.hand_distance.expect("a hold").median > 5.0);
    assert_eq!(report.moved_unreached, Some(1.0));
}

#[test]
fn a_foot_can_push() {
    let object = cuboid([0.2, 0.2, 0.2]);
    // In front of the left toes.
    let skeleton = Skeleton::adult();
    let toe = skeleton.forward(&resting(0.0).pose)[joint::LEFT_TOE];
    let clip = clip(31, |t| {
        let mut frame = resting(0.0);
        frame.pose.root.y -= 1.5 * t * t;
        frame.object_position = Vector3::new(toe.x, toe.y - 0.18 - 1.5 * t * t, 0.1) - ORIGIN;
        frame
    });
    let report = report(&clip, &object, 4.0, 0.5);
    assert_eq!(report.unexplained_impulse, Some(0.0));
    assert_eq!(report.moved_unreached, Some(0.0));
    assert_eq!(report.grip_force, None);
    // Both feet skate with the person.
    assert!(report.foot_skate.expect("feet") > 0.0);
}

#[test]
fn what_is_below_the_floor_is_measured() {
    let object = cuboid([0.2, 0.2, 0.2]);
    let mut clip = alone(5, |_| 0.0, |t| if t > 0.0 { -0.03 } else { 0.0 });
    clip.frames[2].pose.root.z -= 0.04;
    let report = report(&clip, &object, 4.0, 0.5);
    close(report.object_below_floor, 0.03, 1e-5);
    close(report.feet_below_floor, 0.04, 1e-5);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let object = cuboid([0.2, 0.2, 0.2]);
    let fault = |change: &dyn Fn(&mut MotionClip)| {
        let mut clip = clip(5, |_| resting(0.1));
        change(&mut clip);
        let error = ContactReport::of(&clip, &object, &ReportOptions::default());
        error.expect_err("a fault").to_string()
    };
    assert!(fault(&|c| c.frames[3].pose.root.x = f32::NAN).contains("frame 3"));
    assert!(fault(&|c| c.frames[2].object_position.z = f32::INFINITY).contains("frame 2"));
    assert!(fault(&|c| c.frames[2].object_position.z = 1e30).contains("frame 2"));
    assert!(fault(&|c| c.frames[4].contact[1] = f32::NAN).contains("frame 4"));
    let nothing = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(0.0, 0.0, 0.0, 0.0));
    assert!(fault(&|c| c.frames[1].pose.rotations[7] = nothing).contains("frame 1"));
    assert!(fault(&|c| c.frames[0].object_rotation = nothing).contains("frame 0"));
    assert!(fault(&|c| c.skeleton.rest_offsets[5].y = f32::NAN).contains("skeleton"));
    for fps in [0.0, -30.0, f32::NAN, f32::INFINITY, 1e30] {
        assert!(fault(&|c| c.fps = fps).contains("frame rate"), "{fps}");
    }
    let clip = clip(5, |_| resting(0.1));
    for (mass, friction, name) in [
        (0.0, 0.5, "mass"),
        (f32::NAN, 0.5, "mass"),
        (5.0, -0.1, "friction"),
        (5.0, f32::INFINITY, "friction"),
    ] {
        let options = ReportOptions {
            mass,
            friction,
            skin: false,
        };
        let error = ContactReport::of(&clip, &object, &options).expect_err("a fault");
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn few_frames_say_little_but_break_nothing() {
    let object = cuboid([0.2, 0.2, 0.2]);
    for frames in 0..5 {
        for fps in [30.0, 0.5, 1000.0, f32::MIN_POSITIVE] {
            let mut clip = clip(frames, |_| resting(0.1));
            clip.fps = fps;
            clip.frames.iter_mut().for_each(|f| f.contact = [1.0; 4]);
            let report = ContactReport::of(&clip, &object, &ReportOptions::default());
            let report = report.expect("a report");
            assert_eq!(report.frames, frames);
            assert_eq!(report.foot_skate.is_some(), frames > 0);
            assert_eq!(report.moved_unreached.is_some(), frames > 1);
            assert_eq!(report.unexplained_impulse.is_some(), frames > 2);
            assert_eq!(report.object_jerk.is_some(), frames > 3);
            let text = report.to_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
    let nothing = report(&clip(0, |_| resting(0.1)), &object, 5.0, 0.5);
    assert_eq!(
        (nothing.seconds, nothing.hand_distance, nothing.slip),
        (0.0, None, None)
    );
}

#[test]
fn json_comes_back_and_none_is_null() {
    let object = cuboid([0.2, 0.2, 0.2]);
    let before = report(&alone(8, |t| t, |_| 0.5), &object, 4.0, 0.5);
    let after = report(&dragged(0.06).0, &object, 4.0, 0.5);
    let comparison = Comparison { before, after };
    let text = serde_json::to_string(&comparison).expect("JSON");
    assert!(text.contains("\"slip\":null") && text.contains("\"grip_force\":null"));
    let back: Comparison = serde_json::from_str(&text).expect("the same");
    assert_eq!(back.after.holds.len(), 1);
    assert_eq!(back.before.slip, None);
    assert_eq!(back.to_string(), comparison.to_string());
    assert_eq!(back.before.options, comparison.before.options);
}

#[test]
fn the_table_has_a_line_for_each_measure() {
    let (clip, object) = dragged(0.06);
    let after = report(&clip, &object, 2.0, 0.75);
    let before = report(&alone(31, |t| 0.5 * t, |_| 1.0), &object, 2.0, 0.75);
    let text = Comparison {
        before: before.clone(),
        after: after.clone(),
    }
    .to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + after.rows().len());
    let has = |words: &str| {
        lines
            .iter()
            .any(|l| l.split_whitespace().eq(words.split(' ')))
    };
    assert!(has("before after"), "{text}");
    assert!(has("length 1.03 1.03 s"), "{text}");
    assert!(has("holds 0 1"), "{text}");
    assert!(has("slip speed, mean - 6.00 cm/s"), "{text}");
    assert!(has("slip per hold, greatest - 6.00 cm"), "{text}");
    assert!(has("hand in object, deepest - - cm"), "{text}");
    // 2 kg glide for 29 frames: 2 * 9.81 * 29 / 30.
    assert!(has("unexplained impulse 18.97 0.00 N s"), "{text}");
    assert!(has("grip force, greatest - 11.8 N"), "{text}");
    assert!(has("moves out of reach 100.0 0.0 %"), "{text}");
    // Columns stand under each other.
    let ends = |l: &&str| l.chars().count() >= 54;
    assert!(lines.iter().all(ends), "{text}");
    let single = after.to_string();
    assert!(single.lines().count() == after.rows().len() && single.contains("6.00  cm/s"));
}
