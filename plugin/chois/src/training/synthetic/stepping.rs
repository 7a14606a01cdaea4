//! Feet that stand while they stand, on legs that are long enough.
//!
//! Unlike [`crate::motion::feet::plant`], which mends what a network makes, this keeps the height and the roll of captured
//! feet: only their creeping over the floor, which a bent or stretched way brings about, is taken out.

use nalgebra::{Vector2, Vector3};

use crate::figure::feet::ease;
use crate::ik;
use crate::motion::feet::{SLOW, stances};
use crate::skeleton::{Pose, Skeleton, joint};

/// A leg is stretched to this share of its bones at most, unless it was before.
const LEG: f32 = 0.985;
/// No leg is straighter.
pub(super) const STRAIGHT: f32 = 0.995;
/// Half the time over which hips sink and rise again, frames.
const SINKS: usize = 8;
/// Most that the hips sink, metres.
const DEEPEST: f32 = 0.3;
/// Knees that are straighter than this (length of the normal of their bend, square metres) bend about their own axis.
const KNEE: f32 = 0.02;
/// Farthest that a foot is moved, metres.
const FARTHEST: f32 = 0.25;

/// Holds standing feet in place; 30 frames a second, metres, floor at 0.
pub(super) fn stand(skeleton: &Skeleton, poses: &mut [Pose]) {
    let sides = [
        (joint::LEFT_TOE, ik::LEFT_LEG),
        (joint::RIGHT_TOE, ik::RIGHT_LEG),
    ];
    let joints: Vec<_> = poses.iter().map(|p| skeleton.forward(p)).collect();
    let targets = sides.map(|(toe, leg)| {
        let path: Vec<Vector3<f32>> = joints.iter().map(|j| j[toe]).collect();
        let offsets = offsets(&path);
        let moved = joints.iter().zip(offsets);
        moved
            .map(|(j, o)| j[leg.tip] + Vector3::new(o.x, o.y, 0.0))
            .collect::<Vec<_>>()
    });
    reach_feet(skeleton, poses, &targets, false);
}

/// Legs bent so that the ankles are at their places; hips sink where legs are too short. `hinged`: knees bend to the front
/// whatever the poses say, as those of blended poses may not.
pub(super) fn reach_feet(
    skeleton: &Skeleton,
    poses: &mut [Pose],
    ankles: &[Vec<Vector3<f32>>; 2],
    hinged: bool,
) {
    let legs = [ik::LEFT_LEG, ik::RIGHT_LEG];
    let joints: Vec<_> = poses.iter().map(|p| skeleton.forward(p)).collect();
    let lacking = |t: usize| {
        let mut sink = 0.0f32;
        for (side, leg) in legs.iter().enumerate() {
            let length =
                skeleton.rest_offsets[leg.middle].norm() + skeleton.rest_offsets[leg.end].norm();
            let hip = joints[t][leg.upper];
            let before = (hip - joints[t][leg.tip]).norm().min(STRAIGHT * length);
            // Blended poses say nothing of how far somebody stretches.
            let most = if hinged {
                STRAIGHT * length
            } else {
                before.max(LEG * length)
            };
            let way = hip - ankles[side][t];
            let level = way.xy().norm_squared();
            let height = (most * most - level).max(0.0).sqrt();
            sink = sink.max(way.z - height);
        }
        sink.clamp(0.0, DEEPEST)
    };
    let sinks = ease((0..poses.len()).map(lacking), SINKS);
    for (t, pose) in poses.iter_mut().enumerate() {
        pose.root.z -= sinks[t];
        for (side, leg) in legs.iter().enumerate() {
            if hinged {
                hinge(skeleton, pose, *leg, ankles[side][t]);
            } else {
                ik::reach(skeleton, pose, *leg, ankles[side][t]);
            }
        }
    }
}

/// A leg bent about its knee's own axis.
fn hinge(skeleton: &Skeleton, pose: &mut Pose, leg: ik::Limb, ankle: Vector3<f32>) {
    let joints = skeleton.forward(pose);
    let (a, b, c) = (joints[leg.upper], joints[leg.middle], joints[leg.end]);
    let axis = pose.rotations[leg.upper] * Vector3::x();
    if let Some((upper, lower)) = ik::hinged(a, b, c, ankle, axis, KNEE) {
        pose.rotations[leg.upper] = upper * pose.rotations[leg.upper];
        pose.rotations[leg.middle] = lower * pose.rotations[leg.middle];
    }
}

/// What is added to a toe joint's place on the floor at each frame.
fn offsets(path: &[Vector3<f32>]) -> Vec<Vector2<f32>> {
    let mut out = vec![Vector2::zeros(); path.len()];
    let stances = stances(path, SLOW);
    for &(from, to) in &stances {
        let sum: Vector2<f32> = path[from..to].iter().map(|p| p.xy()).sum();
        let place = sum / (to - from) as f32;
        for t in from..to {
            let wanted = place - path[t].xy();
            out[t] = wanted * (FARTHEST / wanted.norm().max(FARTHEST));
        }
    }
    let smooth = |u: f32| u * u * (3.0 - 2.0 * u);
    for pair in stances.windows(2) {
        let ((_, from), (to, _)) = (pair[0], pair[1]);
        let (a, b) = (out[from - 1], out[to]);
        let frames = (to + 1 - from) as f32;
        for t in from..to {
            out[t] = a.lerp(&b, smooth((t + 1 - from) as f32 / frames));
        }
    }
    // Before the first and after the last stance the foot stays as far off as it is.
    if let (Some(&(first, _)), Some(&(_, end))) = (stances.first(), stances.last()) {
        let (before, after) = (out[first], out[end - 1]);
        out[..first].fill(before);
        out[end..].fill(after);
    }
    out
}
