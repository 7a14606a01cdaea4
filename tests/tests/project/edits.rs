use chois::motion::edit::{
    JointTouchUp, RootKey, blend, looped, shift_path, split, touch_up, trim, warp,
};
use chois::motion::{FPS, MotionClip};
use chois::skeleton::{JOINTS, NAMES, PARENTS, joint};
use chois_tests::carry;
use nalgebra::Vector3;

/// A box carried 60 cm aside, hands on it.
fn clip() -> MotionClip {
    carry::clip(0.6, 0.0)
}

/// A person who walks 1.2 m a second along -y, swinging arms and legs, without an object.
fn walker() -> MotionClip {
    let mut clip = clip();
    clip.object.clear();
    for (f, frame) in clip.frames.iter_mut().enumerate() {
        let t = f as f32 / FPS;
        frame.pose.root = Vector3::new(0.0, -1.2 * t, 0.93 + 0.02 * (9.0 * t).sin());
        frame.pose.rotations = [chois::frame::y_up_to_z_up(); 22];
        for (j, side) in [(1, 1.0), (2, -1.0), (16, -1.0), (17, 1.0)] {
            let swing = nalgebra::UnitQuaternion::from_scaled_axis(
                Vector3::x() * (0.3 * side * (6.1 * t).sin()),
            );
            frame.pose.rotations[j] = frame.pose.rotations[0] * swing;
        }
        frame.contact = [0.0; 4];
    }
    clip
}

fn joints(clip: &MotionClip) -> Vec<[Vector3<f32>; JOINTS]> {
    (0..clip.frames.len()).map(|f| clip.joints(f)).collect()
}

/// Bones keep their lengths and turns are turns, in every frame.
#[track_caller]
fn assert_sound(clip: &MotionClip) {
    for (f, joints) in joints(clip).iter().enumerate() {
        for j in 1..JOINTS {
            let parent = PARENTS[j].expect("a parent");
            let length = (joints[j] - joints[parent]).norm();
            let want = clip.skeleton.rest_offsets[j].norm();
            assert!(
                (length - want).abs() < 1e-4,
                "{} at {f}: {length}",
                NAMES[j]
            );
        }
        let frame = &clip.frames[f];
        for q in frame.pose.rotations.iter().chain([&frame.object_rotation]) {
            assert!((q.norm() - 1.0).abs() < 1e-4, "frame {f}");
        }
    }
}

/// Fastest that any joint moves, and hardest that one accelerates: metres a frame, and a frame squared.
fn pace(clip: &MotionClip) -> [f32; 2] {
    let all = joints(clip);
    let speed = all
        .windows(2)
        .flat_map(|w| (0..JOINTS).map(|j| (w[1][j] - w[0][j]).norm()));
    let speed = speed.fold(0.0, f32::max);
    let change = all
        .windows(3)
        .flat_map(|w| (0..JOINTS).map(|j| (w[2][j] - w[1][j] * 2.0 + w[0][j]).norm()));
    [speed, change.fold(0.0, f32::max)]
}

#[test]
fn edits_that_change_nothing_change_no_bit() {
    let clip = clip();
    let whole = clip.seconds();
    assert_eq!(trim(&clip, 0.0, whole).expect("trimmed"), clip);
    assert_eq!(
        warp(&clip, &[[0.0, 0.0], [1.3, 1.3], [whole, whole]]).expect("warped"),
        clip
    );
    assert_eq!(
        blend(&clip, &carry::clip(0.2, 0.05), 0.0).expect("blended"),
        clip
    );
    assert_eq!(
        blend(&carry::clip(0.2, 0.05), &clip, 1.0).expect("blended"),
        clip
    );
    let nothing = [RootKey {
        at: 1.0,
        shift: [0.0; 2],
    }];
    assert_eq!(shift_path(&clip, &nothing).expect("shifted"), clip);
    let nothing = JointTouchUp {
        joint: "head".into(),
        at: 1.0,
        rise: 0.5,
        hold: 0.0,
        fall: 0.5,
        turn: [0.0; 3],
    };
    assert_eq!(touch_up(&clip, &nothing).expect("touched up"), clip);
    // What is looped already.
    let mut still = walker();
    let first = still.frames[0];
    still.frames.iter_mut().for_each(|f| *f = first);
    assert_eq!(looped(&still, 1.0, false).expect("looped"), still);
}

#[test]
fn parts_put_together_are_the_whole() {
    let clip = clip();
    let [a, b] = split(&clip, 1.51).expect("split");
    assert_eq!((a.frames.len(), b.frames.len()), (45, 75));
    let mut whole = a;
    whole.frames.extend(b.frames);
    assert_eq!(whole, clip);
    let middle = trim(&clip, 1.0, 2.0).expect("trimmed");
    assert_eq!(middle.frames, clip.frames[30..60]);
    for (from, to) in [(1.0, 1.03), (2.0, 1.0), (9.0, 10.0)] {
        assert!(trim(&clip, from, to).is_err(), "{from} to {to}");
    }
    for at in [0.0, 0.04, 3.97, 9.0] {
        assert!(split(&clip, at).is_err(), "{at}");
    }
}

#[test]
fn time_is_warped_smoothly() {
    let clip = clip();
    // The middle second takes two.
    let keys = [[0.0, 0.0], [1.5, 1.5], [2.5, 3.5], [4.0, 5.0]];
    let slow = warp(&clip, &keys).expect("warped");
    assert_eq!(slow.frames.len(), 150);
    assert_sound(&slow);
    for [then, now] in [[1.5, 1.5], [2.5, 3.5]] {
        let (a, b) = ((then * FPS) as usize, (now * FPS) as usize);
        let gap = (clip.joints(a)[15] - slow.joints(b)[15]).norm();
        assert!(gap < 1e-4, "{gap}");
    }
    let ([fast, hard], [speed, change]) = (pace(&clip), pace(&slow));
    assert!(
        speed < fast * 1.3 && change < hard * 1.7,
        "{speed} of {fast}, {change} of {hard}"
    );
    let bad: [&[[f32; 2]]; 6] = [
        &[[0.0, 0.0], [4.0, 36_000.0]],
        &[[0.0, 0.0]],
        &[[0.0, 0.5], [4.0, 4.0]],
        &[[0.0, 0.0], [2.0, 2.0], [1.0, 3.0]],
        &[[0.0, 0.0], [f32::NAN, 3.0]],
        &[[0.0, 0.0], [9.0, 4.0]],
    ];
    for keys in bad {
        let error = warp(&clip, keys).expect_err("no keys").to_string();
        assert!(error.starts_with("keys: "), "{error}");
    }
}

#[test]
fn a_loop_ends_as_it_begins() {
    let clip = walker();
    for travels in [false, true] {
        let round = looped(&clip, 1.0, travels).expect("looped");
        assert_sound(&round);
        assert!(round.frames[..80] == clip.frames[..80], "the rest stays");
        let (first, last) = (round.joints(0), round.joints(119));
        // Played twice, one after the other; the way goes on where it travels.
        let way = last[0] - first[0];
        assert_eq!(way.norm() > 1.0, travels);
        let mut twice = joints(&round);
        twice.extend((1..120).map(|f| round.joints(f).map(|p| p + way)));
        let worst = (0..JOINTS)
            .map(|j| (last[j] - first[j] - way).norm())
            .fold(0.0, f32::max);
        assert!(worst < 2e-3, "{worst}");
        let jump = |f: usize| -> f32 {
            (0..JOINTS)
                .map(|j| (twice[f + 1][j] - twice[f][j] * 2.0 + twice[f - 1][j]).norm())
                .fold(0.0, f32::max)
        };
        let usual = (1..119).map(jump).fold(0.0, f32::max);
        assert!(
            jump(119) < usual.max(0.02),
            "{} at the seam, {usual}",
            jump(119)
        );
    }
    // A box that was carried away would slide back.
    let error = looped(&crate::edits::clip(), 1.0, false).expect_err("no loop");
    assert!(error.to_string().contains("slide back"), "{error}");
    assert!(looped(&clip, 0.0, true).is_err() && looped(&clip, 4.0, true).is_err());
}

#[test]
fn a_blend_lies_between_and_hands_stay_on_the_box() {
    let (a, b) = (carry::clip(0.6, 0.0), carry::clip(0.2, 0.0));
    let half = blend(&a, &b, 0.5).expect("blended");
    assert_sound(&half);
    let end = half.frames[119].object_position.x;
    assert!((end - 0.4).abs() < 1e-3, "{end}");
    for f in carry::HELD.0..=carry::HELD.1 {
        let on =
            |clip: &MotionClip, palm: usize| clip.joints(f)[palm] - clip.frames[f].object_position;
        for palm in [joint::LEFT_PALM, joint::RIGHT_PALM] {
            let want = on(&a, palm).lerp(&on(&b, palm), 0.5);
            let off = (on(&half, palm) - want).norm();
            assert!(off < 0.005, "{off} at {f}");
        }
    }
    // The person made by hand glides on straight legs, which reach no other place: the rest goes smoothly.
    let upper = |clip: &MotionClip| {
        let all = joints(clip);
        let legs = [1, 2, 4, 5, 7, 8, 10, 11];
        let second = |w: &[[Vector3<f32>; JOINTS]]| {
            let joints = (0..JOINTS).filter(|j| !legs.contains(j));
            joints
                .map(|j| (w[2][j] - w[1][j] * 2.0 + w[0][j]).norm())
                .fold(0.0, f32::max)
        };
        all.windows(3).map(second).fold(0.0, f32::max)
    };
    let most = upper(&a).max(upper(&b));
    assert!(upper(&half) < most * 1.5, "{} of {most}", upper(&half));
    let mut other = b.clone();
    other.object = "vase".into();
    assert!(blend(&a, &other, 0.5).is_err() && blend(&a, &b, 1.5).is_err());
}

#[test]
fn a_touch_up_turns_one_joint_and_fades() {
    let clip = walker();
    let by = JointTouchUp {
        joint: "neck".into(),
        at: 2.0,
        rise: 0.5,
        hold: 0.5,
        fall: 0.5,
        turn: [0.0, 40.0, 0.0],
    };
    let out = touch_up(&clip, &by).expect("touched up");
    assert_sound(&out);
    assert!(out.frames[..45] == clip.frames[..45]);
    assert!(out.frames[91..] == clip.frames[91..]);
    for f in [60, 70, 75] {
        let (a, b) = (&clip.frames[f].pose, &out.frames[f].pose);
        let turned = a.rotations[joint::HEAD].angle_to(&b.rotations[joint::HEAD]);
        assert!((turned.to_degrees() - 40.0).abs() < 0.1, "{turned}");
        assert_eq!(a.rotations[joint::SPINE3], b.rotations[joint::SPINE3]);
    }
    let ([_, hard], [_, change]) = (pace(&clip), pace(&out));
    assert!(change < hard * 1.2 + 0.005, "{change} of {hard}");
    let mut tail = by.clone();
    tail.joint = "tail".into();
    let error = touch_up(&clip, &tail).expect_err("no joint").to_string();
    assert!(
        error.contains("tail") && error.contains("left_wrist"),
        "{error}"
    );
}

#[test]
fn another_path_moves_hands_and_box_together() {
    let clip = clip();
    let keys = [
        RootKey {
            at: 1.0,
            shift: [0.0, 0.0],
        },
        RootKey {
            at: 2.0,
            shift: [0.0, -0.3],
        },
        RootKey {
            at: 2.9,
            shift: [0.2, -0.1],
        },
    ];
    let out = shift_path(&clip, &keys).expect("shifted");
    assert_sound(&out);
    for f in 0..120 {
        let by = out.frames[f].pose.root - clip.frames[f].pose.root;
        let with = out.frames[f].object_position - clip.frames[f].object_position;
        if (carry::HELD.0..=carry::HELD.1).contains(&f) {
            assert!((by - with).norm() < 1e-5, "{f}");
            for palm in [joint::LEFT_PALM, joint::RIGHT_PALM] {
                let moved = out.joints(f)[palm] - clip.joints(f)[palm];
                assert!((moved - by).norm() < 1e-4, "{f}");
            }
        }
    }
    assert!(out.frames[..30] == clip.frames[..30]);
    let end = out.frames[119].object_position - clip.frames[119].object_position;
    assert!((end - Vector3::new(0.2, -0.1, 0.0)).norm() < 1e-5, "{end}");
    // The box cannot be taken from beside it.
    let early = [RootKey {
        at: 0.5,
        shift: [0.3, 0.0],
    }];
    let error = shift_path(&clip, &early).expect_err("beside").to_string();
    assert!(error.contains("beside the object"), "{error}");
    let far = shift_path(&walker(), &early).expect("a walk goes anywhere");
    assert_sound(&far);
    let way = far.frames[119].pose.root - walker().frames[119].pose.root;
    assert!((way.x - 0.3).abs() < 1e-5);
}
