//! Footwork that captures of walking lack: coming to a stand, setting off, turning on the spot. Made by rule from a
//! walk and a standing pose, so that a network trained on it can begin and end a walk where a person stands.
//!
//! Metres, Z up, floor at z = 0, 30 frames a second.

use nalgebra::{UnitQuaternion, Vector3};

use crate::ik;
use crate::motion::{FPS, blend, canonical};
use crate::skeleton::{Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};

type Turn = UnitQuaternion<f32>;

/// Frames in which a walk comes to a stand, and those of its first step.
const HALT: usize = 28;
const FIRST_STEP: usize = 12;
/// Share of a constant speed's way that is made while coming to a stand: between a third, where the hips would swing
/// forth and back, and a half.
const WAY: f32 = 0.42;
/// Frames over which a joint goes on turning as it did.
const INERTIA: f32 = 4.0;
/// Height of a step made by rule, metres.
const STEP_HEIGHT: f32 = 0.07;
/// Most that one step turns on the spot, radians, and the frames of such a step.
const STEP_TURN: f32 = 0.9;
const TURN_STEP: usize = 12;
/// How far the hips go toward the standing foot, metres.
const SWAY: f32 = 0.02;

/// Frames of a walk at which one foot passes the other: the least distance of the ankles, and where a person can stop or
/// set off.
pub fn passings(skeleton: &Skeleton, poses: &[Pose]) -> Vec<usize> {
    const NEAR: f32 = 0.3;
    let apart: Vec<f32> = poses
        .iter()
        .map(|p| {
            let j = skeleton.forward(p);
            (j[joint::LEFT_ANKLE] - j[joint::RIGHT_ANKLE]).xy().norm()
        })
        .collect();
    (2..poses.len().saturating_sub(2))
        .filter(|&t| {
            let around = &apart[t - 2..=t + 2];
            apart[t] < NEAR && around.iter().all(|a| *a >= apart[t])
        })
        .collect()
}

/// A standing pose, its pelvis over a point, facing as `like` faces.
pub fn standing_at(
    skeleton: &Skeleton,
    standing: &[Turn; ROTATIONS],
    place: &Vector3<f32>,
    like: &Turn,
) -> Pose {
    let turn = canonical::heading(like) * canonical::heading(&standing[0]).inverse();
    let mut pose = Pose {
        root: Vector3::new(place.x, place.y, 0.0),
        rotations: standing.map(|q| turn * q),
    };
    let j = skeleton.forward(&pose);
    pose.root.z = TOE_HEIGHT - j[joint::LEFT_TOE].z.min(j[joint::RIGHT_TOE].z);
    pose
}

/// The frames that follow a walk's last, a passing (see [`passings`]): two steps, then the standing pose. None when the walk
/// is too short to have a speed.
pub fn halt(skeleton: &Skeleton, walk: &[Pose], standing: &[Turn; ROTATIONS]) -> Option<Vec<Pose>> {
    let (before, last) = match walk {
        [.., a, _, b] => (a, b),
        _ => return None,
    };
    let per_frame = |a: Vector3<f32>, b: Vector3<f32>| (b - a) / 2.0;
    let (old, now) = (skeleton.forward(before), skeleton.forward(last));
    let ankles = [joint::LEFT_ANKLE, joint::RIGHT_ANKLE];
    let speed = ankles.map(|a| per_frame(old[a], now[a]));
    // The slower foot stands; the other is on its way and steps first.
    let first = usize::from(speed[1].xy().norm() > speed[0].xy().norm());
    let level = |v: Vector3<f32>| Vector3::new(v.x, v.y, 0.0);
    let velocity = level(per_frame(before.root, last.root));
    let frames = HALT as f32;
    let goal = level(last.root) + velocity * (frames * WAY);
    let end = standing_at(skeleton, standing, &goal, &last.rotations[0]);
    let places = skeleton.forward(&end);
    let spin: [Vector3<f32>; ROTATIONS] = std::array::from_fn(|j| {
        (last.rotations[j] * before.rotations[j].inverse()).scaled_axis() / 2.0
    });
    let limbs = [ik::LEFT_LEG, ik::RIGHT_LEG];
    Some(
        (1..=HALT)
            .map(|t| {
                let u = t as f32 / frames;
                let on = INERTIA * (1.0 - (-(t as f32) / INERTIA).exp());
                let rotations: [Turn; ROTATIONS] = std::array::from_fn(|j| {
                    let carried = Turn::from_scaled_axis(spin[j] * on) * last.rotations[j];
                    blend::slerp(&carried, &end.rotations[j], smooth(u))
                });
                let root = hermite(last.root, velocity * frames, end.root, u);
                let mut pose = Pose { root, rotations };
                for foot in 0..2 {
                    let (from, to, speed) = if foot == first {
                        (0, FIRST_STEP, speed[foot])
                    } else {
                        (FIRST_STEP - 1, HALT - 3, Vector3::zeros())
                    };
                    let s = ((t as f32 - from as f32) / (to - from) as f32).clamp(0.0, 1.0);
                    let tangent = if foot == first {
                        level(speed) * (to - from) as f32
                    } else {
                        Vector3::zeros()
                    };
                    let mut at = hermite(now[ankles[foot]], tangent, places[ankles[foot]], s);
                    let way = level(places[ankles[foot]] - now[ankles[foot]]).norm();
                    if foot != first {
                        at.z += STEP_HEIGHT * (way / 0.2).min(1.0) * bump(s);
                    }
                    // A foot turns while it is in the air.
                    for j in [ankles[foot], ankles[foot] + 3] {
                        pose.rotations[j] =
                            blend::slerp(&last.rotations[j], &end.rotations[j], smooth(s));
                    }
                    ik::reach(skeleton, &mut pose, limbs[foot], at);
                }
                pose
            })
            .collect(),
    )
}

/// A walk that begins and ends standing: from one passing to a later one, set off and brought to a stand by rule, with
/// `still` frames of standing before and after.
pub fn rested(
    skeleton: &Skeleton,
    walk: &[Pose],
    standing: &[Turn; ROTATIONS],
    still: usize,
) -> Option<Vec<Pose>> {
    // Setting off is coming to a stand backward in time.
    let backward: Vec<Pose> = walk.iter().rev().copied().collect();
    let mut out = halt(skeleton, &backward, standing)?;
    out.reverse();
    let first = out[0];
    let end = halt(skeleton, walk, standing)?;
    out.splice(0..0, std::iter::repeat_n(first, still));
    out.extend_from_slice(walk);
    out.extend(end);
    let last = out[out.len() - 1];
    out.extend(std::iter::repeat_n(last, still));
    Some(out)
}

/// Standing frames that turn on the spot by `angle` radians (left is positive), beginning after `start`.
pub fn turn(skeleton: &Skeleton, start: &Pose, angle: f32) -> Vec<Pose> {
    let steps = (angle.abs() / STEP_TURN).ceil().max(1.0) as usize;
    let frames = (steps + 1) * TURN_STEP;
    let about = |a: f32| Turn::from_axis_angle(&Vector3::z_axis(), a);
    let center = Vector3::new(start.root.x, start.root.y, 0.0);
    let joints = skeleton.forward(start);
    let ankles = [joint::LEFT_ANKLE, joint::RIGHT_ANKLE];
    let limbs = [ik::LEFT_LEG, ik::RIGHT_LEG];
    // The foot on the side of the turn goes first: the knees stay apart.
    let leader = usize::from(angle < 0.0);
    (1..=frames)
        .map(|t| {
            let body = angle * smooth(t as f32 / frames as f32);
            let step = (t - 1) / TURN_STEP;
            let s = (t - step * TURN_STEP) as f32 / TURN_STEP as f32;
            let goal = |k: usize| angle * (k as f32 / steps as f32).min(1.0);
            let mut pose = Pose {
                root: start.root,
                rotations: start.rotations.map(|q| about(body) * q),
            };
            // Feet take turns; each goes to where the turn will be when the other comes after it.
            let foot_yaw: [f32; 2] = std::array::from_fn(|foot| {
                let own = (foot + leader) % 2;
                let done = |k: usize| match k {
                    0 => 0.0,
                    k => goal((2 * (k - 1) + own + 1).min(steps)),
                };
                let moves = |upto: usize| (0..upto).filter(|k| k % 2 == own).count();
                let (had, has) = (done(moves(step)), done(moves(step + 1)));
                had + (has - had) * smooth(s)
            });
            let moving = (step + leader) % 2;
            let standing = joints[ankles[1 - moving]];
            let toward = about(foot_yaw[1 - moving]) * (standing - center);
            pose.root += Vector3::new(toward.x, toward.y, 0.0)
                .try_normalize(1e-6)
                .unwrap_or_else(Vector3::zeros)
                * (SWAY * bump(s));
            for foot in 0..2 {
                let turn = about(foot_yaw[foot]);
                let mut at = center + turn * (joints[ankles[foot]] - center);
                if foot == moving {
                    at.z += 0.6 * STEP_HEIGHT * bump(s);
                }
                for j in [ankles[foot], ankles[foot] + 3] {
                    pose.rotations[j] = turn * start.rotations[j];
                }
                ik::reach(skeleton, &mut pose, limbs[foot], at);
            }
            pose
        })
        .collect()
}

/// Frames that [`turn`] takes.
pub fn turn_frames(angle: f32) -> usize {
    ((angle.abs() / STEP_TURN).ceil().max(1.0) as usize + 1) * TURN_STEP
}

/// Seconds that [`turn`] takes.
pub fn turn_seconds(angle: f32) -> f32 {
    turn_frames(angle) as f32 / FPS
}

fn smooth(u: f32) -> f32 {
    let u = u.clamp(0.0, 1.0);
    u * u * (3.0 - 2.0 * u)
}

/// 0 at both ends, 1 in the middle, level at both ends.
fn bump(u: f32) -> f32 {
    let s = (std::f32::consts::PI * u.clamp(0.0, 1.0)).sin();
    s * s
}

/// From `a` with tangent `m` (per unit of u) to `b`, where it rests.
fn hermite(a: Vector3<f32>, m: Vector3<f32>, b: Vector3<f32>, u: f32) -> Vector3<f32> {
    let (u2, u3) = (u * u, u * u * u);
    a * (2.0 * u3 - 3.0 * u2 + 1.0) + m * (u3 - 2.0 * u2 + u) + b * (3.0 * u2 - 2.0 * u3)
}
