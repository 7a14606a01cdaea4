//! Feet on the floor z = 0: soles that stand where they sink, toes that bend where the heel lifts.
//!
//! The network knows ankles and toe joints, no soles, and turns the toes with the ankle. Small errors of an ankle's
//! height or pitch would sink the heel, a lifted heel would push the toes through the floor. Three corrections, each
//! only where the floor asks for it and eased over time: a toe joint lower than the sole is thick is raised, a sunk
//! heel turns the foot about the toe joint, toes bend up. Hip and knee follow the ankle; the pelvis stays.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::Figure;
use crate::ik;
use crate::motion::MotionClip;
use crate::skeleton::{Pose, TOE_HEIGHT, joint};

/// Farthest the toes bend upward, radians.
const TOES_MOST: f32 = 1.0;
/// Farthest a foot turns to lift its heel, radians.
const HEEL_MOST: f32 = 0.45;
/// Farthest a foot is raised, metres; what is deeper is no noise.
const RAISE_MOST: f32 = 0.08;
/// What sinks less than this is left alone, metres.
const TOLERANCE: f32 = 5e-4;
/// Half the time over which corrections come and go, seconds.
const EASE: f32 = 0.1;
/// Steps in which an angle is looked for before it is halved.
const STEPS: usize = 24;

/// The poses of a clip with the feet over the floor. `figure` must be [fitted](Figure::fitted) to the clip's skeleton.
/// Only hips, knees, ankles and toe joints are turned.
pub fn over_floor(figure: &Figure, clip: &MotionClip) -> Vec<Pose> {
    let mut poses: Vec<Pose> = clip.frames.iter().map(|f| f.pose).collect();
    let half = (EASE * clip.fps).round() as usize;
    for side in 0..2 {
        let (ankle, toe) = (joint::LEFT_ANKLE + side, joint::LEFT_TOE + side);
        let limb = [ik::LEFT_LEG, ik::RIGHT_LEG][side];
        let toes = underside(figure, toe, toe);
        let rear = underside(figure, ankle, toe);

        let height = |pose: &Pose| clip.skeleton.forward(pose)[toe].z;
        let sunk = |pose: &Pose| match TOE_HEIGHT - height(pose) {
            sunk if sunk > TOLERANCE => sunk.min(RAISE_MOST),
            _ => 0.0,
        };
        let raise = ease(poses.iter().map(sunk), half);
        let heel = ease(
            poses.iter().zip(&raise).map(|(pose, raise)| {
                let turned = |angle| forward(angle, &pose.rotations[ankle]) * pose.rotations[ankle];
                least(&rear, height(pose) + raise, turned, HEEL_MOST)
            }),
            half,
        );
        for (pose, (raise, heel)) in poses.iter_mut().zip(raise.iter().zip(&heel)) {
            if *raise > 0.0 || *heel > 0.0 {
                let joints = clip.skeleton.forward(pose);
                let turn = forward(*heel, &pose.rotations[ankle]);
                let target = joints[toe]
                    + turn * (joints[ankle] - joints[toe])
                    + Vector3::new(0.0, 0.0, *raise);
                pose.rotations[ankle] = turn * pose.rotations[ankle];
                pose.rotations[toe] = turn * pose.rotations[toe];
                ik::reach(&clip.skeleton, pose, limb, target);
            }
        }
        let bend = ease(
            poses.iter().map(|pose| {
                let turned = |angle| pose.rotations[toe] * up(angle);
                least(&toes, height(pose), turned, TOES_MOST)
            }),
            half,
        );
        for (pose, angle) in poses.iter_mut().zip(bend) {
            pose.rotations[toe] *= up(angle);
        }
    }
    poses
}

/// Values that come and go gently: nowhere less than asked for, zero where nothing near asks.
pub(crate) fn ease(values: impl Iterator<Item = f32>, half: usize) -> Vec<f32> {
    let values: Vec<f32> = values.collect();
    let around = |list: &[f32], f: usize| -> Vec<f32> {
        let last = list.len() as isize - 1;
        (-(half as isize)..=half as isize)
            .map(|k| list[(f as isize + k).clamp(0, last) as usize])
            .collect()
    };
    let widened: Vec<f32> = (0..values.len())
        .map(|f| around(&values, f).into_iter().fold(0.0, f32::max))
        .collect();
    let weights: Vec<f32> = (0..=2 * half)
        .map(|k| (std::f32::consts::PI * (k + 1) as f32 / (2 * half + 2) as f32).sin())
        .map(|s| s * s)
        .collect();
    let total: f32 = weights.iter().sum();
    (0..values.len())
        .map(|f| {
            let near = around(&widened, f);
            near.iter().zip(&weights).map(|(v, w)| v * w).sum::<f32>() / total
        })
        .collect()
}

/// Turns a foot toes down, heel up, about the level axis across it.
fn forward(angle: f32, foot: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let across = foot * Vector3::x();
    let level = Vector3::new(across.x, across.y, 0.0);
    match Unit::try_new(level, 1e-3) {
        Some(axis) => UnitQuaternion::from_axis_angle(&axis, angle),
        None => UnitQuaternion::identity(),
    }
}

/// The toes turned up by an angle about the foot's own side-to-side axis (forward is +Z at rest, up +Y).
fn up(angle: f32) -> UnitQuaternion<f32> {
    UnitQuaternion::from_axis_angle(&Unit::new_unchecked(-Vector3::x()), angle)
}

/// Points of the underside that `joint` moves, about the toe joint, rest pose.
fn underside(figure: &Figure, joint: usize, toe: usize) -> Vec<Vector3<f32>> {
    let at = figure.joints[toe].position;
    let mut out = Vec::new();
    for part in &figure.parts {
        for i in 0..part.vertices.len() {
            let own =
                |k: usize| usize::from(part.joints[i][k]) == joint && part.weights[i][k] > 127;
            let v = part.vertices[i] - at;
            // The lowest half of the height from sole to ankle holds whatever can touch the floor.
            if (0..4).any(own) && part.normals[i].y < 0.0 && v.y < TOE_HEIGHT {
                out.push(v);
            }
        }
    }
    out
}

/// The least angle that keeps all points over the floor, or the one that keeps them highest. `points` are about a joint
/// at `height`.
fn least(
    points: &[Vector3<f32>],
    height: f32,
    turned: impl Fn(f32) -> UnitQuaternion<f32>,
    most: f32,
) -> f32 {
    let lowest = |angle: f32| {
        let row = turned(angle).inverse() * Vector3::z();
        let heights = points.iter().map(|p| height + row.dot(p));
        heights.fold(f32::INFINITY, f32::min)
    };
    let mut best = (lowest(0.0), 0.0);
    if best.0 >= -TOLERANCE {
        return 0.0;
    }
    for step in 1..=STEPS {
        let angle = most * step as f32 / STEPS as f32;
        let low = lowest(angle);
        if low > best.0 {
            best = (low, angle);
        }
        if low >= 0.0 {
            break;
        }
    }
    if best.0 < 0.0 {
        return best.1;
    }
    // Between the last step that was too low and this one.
    let (mut low, mut high) = (best.1 - most / STEPS as f32, best.1);
    for _ in 0..8 {
        let middle = (low + high) / 2.0;
        if lowest(middle) >= 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::refit::tests::stretched;
    use crate::frame;
    use crate::motion::Frame;
    use crate::skeleton::{ROTATIONS, Skeleton};

    const SIDE: usize = 0;
    const TOE: usize = joint::LEFT_TOE;
    const ANKLE: usize = joint::LEFT_ANKLE;

    /// Standing with knees a little bent; the left foot pitched by `pitch` degrees (toes down), its toe joint `lift`
    /// over where it stands flat.
    fn clip(pitch: f32, lift: f32) -> (Figure, MotionClip) {
        let skeleton: Skeleton = stretched(|_| 1.0);
        let up = frame::y_up_to_z_up();
        let turn = |degrees: f32| {
            up * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), degrees.to_radians())
        };
        let mut pose = Pose {
            root: Vector3::zeros(),
            rotations: [up; ROTATIONS],
        };
        (pose.rotations[1], pose.rotations[4]) = (turn(-15.0), turn(15.0));
        (pose.rotations[ANKLE], pose.rotations[TOE]) = (turn(pitch), turn(pitch));
        pose.root.z = TOE_HEIGHT + lift - skeleton.forward(&pose)[TOE].z;
        // The other foot is off the floor.
        pose.rotations[2] = turn(-60.0);
        let frame = Frame {
            pose,
            object_position: Vector3::zeros(),
            object_rotation: UnitQuaternion::identity(),
            contact: [0.0; 4],
        };
        let clip = MotionClip {
            name: String::new(),
            subject: String::new(),
            object: String::new(),
            text: String::new(),
            fps: 30.0,
            skeleton,
            frames: vec![frame; 5],
        };
        (Figure::standard().fitted(&clip.skeleton), clip)
    }

    /// Lowest points of the rear of the foot and of the toes.
    fn lowest(figure: &Figure, clip: &MotionClip, pose: &Pose) -> [f32; 2] {
        let at = clip.skeleton.forward(pose)[TOE];
        [ANKLE, TOE].map(|j| {
            let points = underside(figure, j, joint::LEFT_TOE + SIDE);
            assert!(points.len() > 20);
            let heights = points.iter().map(|p| (at + pose.rotations[j] * p).z);
            heights.fold(f32::INFINITY, f32::min)
        })
    }

    #[test]
    fn a_foot_that_stands_is_left_alone() {
        let (figure, clip) = clip(0.0, 1e-4);
        let poses = over_floor(&figure, &clip);
        assert!(lowest(&figure, &clip, &poses[2])[0] < 1e-3);
        for (pose, frame) in poses.iter().zip(&clip.frames) {
            for j in 0..ROTATIONS {
                assert!(pose.rotations[j].angle_to(&frame.pose.rotations[j]) < 1e-5);
            }
        }
    }

    #[test]
    fn toes_bend_when_the_heel_lifts() {
        for pitch in [25.0, 35.0, 45.0] {
            let (figure, clip) = clip(pitch, 0.01);
            assert!(lowest(&figure, &clip, &clip.frames[2].pose)[1] < -0.005);
            let pose = over_floor(&figure, &clip)[2];
            assert!(lowest(&figure, &clip, &pose)[1].abs() < 2e-3);
            assert_eq!(pose.rotations[ANKLE], clip.frames[2].pose.rotations[ANKLE]);
        }
    }

    #[test]
    fn a_sunk_heel_turns_the_foot_about_the_toes() {
        let (figure, clip) = clip(-8.0, 0.0);
        let before = clip.frames[2].pose;
        assert!(lowest(&figure, &clip, &before)[0] < -0.015);
        let pose = over_floor(&figure, &clip)[2];
        assert!(lowest(&figure, &clip, &pose)[0].abs() < 2e-3);
        let moved = clip.skeleton.forward(&pose)[TOE] - clip.skeleton.forward(&before)[TOE];
        assert!(moved.norm() < 2e-3, "{moved}");
        assert_eq!(pose.root, before.root);
    }

    #[test]
    fn a_sunk_foot_is_raised() {
        let (figure, clip) = clip(0.0, -0.03);
        let pose = over_floor(&figure, &clip)[2];
        for low in lowest(&figure, &clip, &pose) {
            assert!((-1e-3..4e-3).contains(&low), "{low}");
        }
    }

    #[test]
    fn easing_never_asks_for_less() {
        let values = [
            0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        let eased = ease(values.into_iter(), 2);
        for (e, v) in eased.iter().zip(values) {
            assert!(*e >= v - 1e-6);
        }
        assert_eq!(eased[12], 0.0);
        assert!(eased.windows(2).all(|w| (w[1] - w[0]).abs() < 0.15));
    }
}
