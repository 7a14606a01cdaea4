//! Feet that stand still while they stand, and leave the floor when they step.
//!
//! A network that averages over what it has seen lets feet creep. Where a toe joint is low and slow it is held at one
//! place on the floor; on the way to the next such place the correction goes over smoothly and the foot is lifted. Hips
//! and knees follow by two-bone inverse kinematics; pelvis, ankles' rotations and everything above stay.

use nalgebra::Vector3;

use crate::ik;
use crate::skeleton::{Pose, Skeleton, TOE_HEIGHT, joint};

/// A toe joint stands below this height, metres, ...
const LOW: f32 = 0.09;
/// ... slower than this, metres a frame at 30 frames a second.
pub(crate) const SLOW: f32 = 0.015;
/// The same of somebody who walks: as a share of the pelvis' speed, and at most. A network's feet creep more at a walk, and
/// the other foot is far faster.
const SLOW_SHARE: f32 = 0.6;
const SLOW_WALK: f32 = 0.03;
/// A walker's toe joint that creeps farther than this does not stand, metres.
const CREEP: f32 = 0.15;
/// Feet that go along with the body are no faster than this many times its speed, and than so many metres a frame.
const ALONG: f32 = 1.3;
const ALONG_MOST: f32 = 0.05;
/// Somebody whose foot has gone along with the body for longer than this has not stepped, frames; steps are put in, each
/// foot's in every other stretch of so many frames.
const GLIDE: usize = 30;
const SLOT: usize = 12;
/// Farthest that a foot creeps which stands from the first frame to the last.
const UNMOVED: f32 = 0.03;
/// The shortest stance and the longest gap within one, frames.
const STANCE: usize = 4;
const GAP: usize = 2;
/// Farthest that a foot is moved, metres: what is farther off is no creeping.
const FARTHEST: f32 = 0.2;
/// How high a step is that goes as far as `STEP`, metres.
const CLEARANCE: f32 = 0.06;
const STEP: f32 = 0.2;
/// Frames in which a correction comes before the first stance, and goes after the last.
const COMES: usize = 10;

/// Holds standing feet in place. `strength` 0 leaves the poses as they are, 1 holds them exactly where the legs reach.
/// Metres, Z up, floor at z = 0, 30 frames a second. The first frame stays as it is.
pub fn plant(skeleton: &Skeleton, poses: &mut [Pose], strength: f32) {
    plant_offsets(skeleton, poses, strength, |_, path| {
        offsets(path, &stances(path, SLOW), false)
    });
}

/// [`plant`] for somebody who walks: at a walk feet that creep faster are held too, and the last frame stays as it is.
pub fn plant_walk(skeleton: &Skeleton, poses: &mut [Pose], strength: f32) {
    let pelvis: Vec<Vector3<f32>> = poses.iter().map(|p| p.root).collect();
    plant_offsets(skeleton, poses, strength, |foot, path| {
        offsets(path, &steps(path, &pelvis, foot), true)
    });
}

/// Stances of a walker who must have stepped: [`walk_stances`], and those between steps that are put in where a foot (0
/// left, 1 right) glides along with the body.
fn steps(path: &[Vector3<f32>], pelvis: &[Vector3<f32>], foot: usize) -> Vec<(usize, usize)> {
    let speed = pace(pelvis);
    let along = slow_stretches(path, |t| (speed(t) * ALONG).clamp(SLOW, ALONG_MOST));
    let mut out = Vec::new();
    for (from, to) in along {
        let creep = path[from..to]
            .iter()
            .map(|p| (p - path[from]).xy().norm())
            .fold(0.0, f32::max);
        let unmoved = from == 0 && to == path.len() && creep > UNMOVED;
        if !unmoved && (creep < CREEP || to - from <= GLIDE) {
            out.push((from, to));
            continue;
        }
        let mut stance = None;
        for t in from..to {
            let steps = (t / SLOT) % 2 == foot && t > 0 && t + 1 < path.len();
            match (steps, stance) {
                (false, None) => stance = Some(t),
                (true, Some(since)) => {
                    out.push((since, t));
                    stance = None;
                }
                _ => {}
            }
        }
        out.extend(stance.map(|since| (since, to)));
    }
    out.retain(|(from, to)| to - from >= STANCE || *from == 0 || *to == path.len());
    out
}

/// The pelvis' speed at a frame, metres a frame.
fn pace(pelvis: &[Vector3<f32>]) -> impl Fn(usize) -> f32 {
    let last = pelvis.len().saturating_sub(1);
    move |t| {
        let (a, b) = (t.saturating_sub(4), (t + 4).min(last));
        (pelvis[b] - pelvis[a]).xy().norm() / (b - a).max(1) as f32
    }
}

fn plant_offsets(
    skeleton: &Skeleton,
    poses: &mut [Pose],
    strength: f32,
    offsets: impl Fn(usize, &[Vector3<f32>]) -> Vec<Vector3<f32>>,
) {
    for (foot, (toe, limb)) in [
        (joint::LEFT_TOE, ik::LEFT_LEG),
        (joint::RIGHT_TOE, ik::RIGHT_LEG),
    ]
    .into_iter()
    .enumerate()
    {
        let path: Vec<Vector3<f32>> = poses.iter().map(|p| skeleton.forward(p)[toe]).collect();
        let offsets = offsets(foot, &path);
        for (pose, offset) in poses.iter_mut().zip(offsets).skip(1) {
            if offset.norm() > 1e-5 {
                let ankle = skeleton.forward(pose)[limb.tip];
                ik::reach(skeleton, pose, limb, ankle + offset * strength);
            }
        }
    }
}

/// Stretches of frames in which a toe joint stands, slower than `slow` (metres a frame): first frame, and the one past the
/// last.
pub(crate) fn stances(path: &[Vector3<f32>], slow: f32) -> Vec<(usize, usize)> {
    slow_stretches(path, |_| slow)
}

/// [`stances`] of a walker's toe joint, the pelvis on its own path.
pub(crate) fn walk_stances(path: &[Vector3<f32>], pelvis: &[Vector3<f32>]) -> Vec<(usize, usize)> {
    let speed = pace(pelvis);
    let mut out = slow_stretches(path, |t| (speed(t) * SLOW_SHARE).clamp(SLOW, SLOW_WALK));
    out.retain(|(from, to)| (path[to - 1] - path[*from]).xy().norm() < CREEP);
    out
}

fn slow_stretches(path: &[Vector3<f32>], slow: impl Fn(usize) -> f32) -> Vec<(usize, usize)> {
    let last = path.len().saturating_sub(1);
    let stands = |t: usize| {
        let (a, b) = (t.saturating_sub(2), (t + 2).min(last));
        let way = (path[b] - path[a]).xy().norm();
        path[t].z < LOW && way < slow(t) * (b - a).max(1) as f32
    };
    let mut out: Vec<(usize, usize)> = Vec::new();
    for t in (0..path.len()).filter(|t| stands(*t)) {
        match out.last_mut() {
            Some((_, end)) if t <= *end + GAP => *end = t + 1,
            _ => out.push((t, t + 1)),
        }
    }
    out.retain(|(from, to)| to - from >= STANCE || *from == 0);
    out
}

/// What is added to a toe joint's position at each frame, standing where `stances` say. The first frame stays as it is, and
/// where somebody `arrives` the last.
fn offsets(path: &[Vector3<f32>], stances: &[(usize, usize)], arrives: bool) -> Vec<Vector3<f32>> {
    let mut out = vec![Vector3::zeros(); path.len()];
    let smooth = |u: f32| u * u * (3.0 - 2.0 * u);
    let last = path.len().saturating_sub(1);
    for &(from, to) in stances {
        let place = if from == 0 {
            path[0]
        } else if arrives && to == path.len() {
            path[to - 1]
        } else {
            path[from..to].iter().sum::<Vector3<f32>>() / (to - from) as f32
        };
        for t in from..to {
            // A foot that hangs over the floor in a frame that stays comes down from there, and goes up to there.
            let hangs = |frame: usize| {
                let near = (t.abs_diff(frame) as f32 / COMES as f32).min(1.0);
                (path[frame].z - TOE_HEIGHT) * (1.0 - smooth(near))
            };
            let mut height = TOE_HEIGHT;
            if from == 0 {
                height += hangs(0);
            }
            if arrives && to == path.len() {
                height += hangs(last);
            }
            let wanted = Vector3::new(place.x, place.y, height) - path[t];
            let size = wanted.norm();
            out[t] = if size > FARTHEST {
                wanted * (FARTHEST / size)
            } else {
                wanted
            };
        }
    }
    for pair in stances.windows(2) {
        let ((_, from), (to, _)) = (pair[0], pair[1]);
        let (a, b) = (out[from - 1], out[to]);
        let way = (path[to] + b - path[from - 1] - a).xy().norm();
        let height = CLEARANCE * (way / STEP).min(1.0);
        let frames = (to + 1 - from) as f32;
        for t in from..to {
            let u = (t + 1 - from) as f32 / frames;
            out[t] = a.lerp(&b, smooth(u));
            let high = TOE_HEIGHT + height * (std::f32::consts::PI * u).sin();
            out[t].z = out[t].z.max(high - path[t].z);
        }
    }
    // Before the first stance it comes, so that a foot that begins in the air does not jump where it lands; where there is no
    // time for that, while it stands.
    if let Some(&(first, end)) = stances.first().filter(|(first, _)| *first > 0) {
        let to = out[first];
        let frames = first.clamp(COMES / 2, COMES);
        let begin = first.saturating_sub(frames);
        for t in begin..(begin + frames).min(end) {
            let share = smooth((t - begin) as f32 / frames as f32);
            if t < first {
                out[t] = to * share;
                // Not into the floor from what is higher.
                out[t].z = out[t].z.max((TOE_HEIGHT - path[t].z).min(0.0));
            } else {
                out[t] *= share;
            }
        }
    }
    // Past the last stance the correction dies away.
    if let Some(&(_, end)) = stances.last() {
        let from = out[end - 1];
        for (k, o) in out[end..].iter_mut().enumerate() {
            *o = from * (1.0 - smooth(((k + 1) as f32 / COMES as f32).min(1.0)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creeping_stops_and_steps_are_lifted() {
        // Stands and creeps 6 cm in 30 frames, shuffles 30 cm in 10, creeps on.
        let mut path = Vec::new();
        let mut x = 0.0;
        for t in 0..80 {
            x += if (30..40).contains(&t) { 0.03 } else { 0.002 };
            path.push(Vector3::new(x, 0.0, 0.03));
        }
        let corrected: Vec<Vector3<f32>> = path
            .iter()
            .zip(offsets(&path, &stances(&path, SLOW), false))
            .map(|(p, o)| p + o)
            .collect();
        for t in 1..24 {
            assert!(
                (corrected[t] - corrected[t - 1]).xy().norm() < 1e-5,
                "stands at {t}"
            );
            // It hangs a centimetre over the floor in the first frame, and comes down from there.
            assert!((corrected[t].z - corrected[t - 1].z).abs() < 0.002);
            assert!(t < COMES || (corrected[t].z - TOE_HEIGHT).abs() < 1e-5);
        }
        assert_eq!(corrected[0], path[0], "the first frame stays");
        assert!(corrected[34].z > 0.06, "is lifted: {}", corrected[34].z);
        assert!((corrected[70] - corrected[60]).norm() < 1e-5);
        for t in 1..80 {
            let v = (corrected[t] - corrected[t - 1]).norm();
            assert!(v < 0.08, "nothing jumps: {v} at {t}");
        }
        // A foot that never stands is left alone.
        let flying: Vec<_> = path
            .iter()
            .map(|p| p + Vector3::new(0.0, 0.0, 0.5))
            .collect();
        assert!(
            offsets(&flying, &stances(&flying, SLOW), false)
                .iter()
                .all(|o| o.norm() == 0.0)
        );
        assert!(offsets(&[], &[], false).is_empty());
    }

    #[test]
    fn a_foot_that_begins_in_the_air_lands_without_a_jump() {
        // Comes down for 12 frames, lands 4 cm too high and creeps on by 6 mm a frame.
        let path: Vec<Vector3<f32>> = (0..40)
            .map(|t| match t {
                0..12 => Vector3::new(0.06 * t as f32, 0.0, 0.3 - 0.02 * t as f32),
                _ => Vector3::new(0.66 + 0.006 * (t - 11) as f32, 0.0, TOE_HEIGHT + 0.04),
            })
            .collect();
        let stands = [(12, 40)];
        let out = offsets(&path, &stands, false);
        assert_eq!(out[0], Vector3::zeros());
        assert!(out[12].norm() > 0.05, "{:?}", out[12]);
        for t in 1..40 {
            let jump = (out[t] - out[t - 1]).norm();
            assert!(jump < 0.03, "{jump} at {t}");
            assert!(
                path[t].z + out[t].z > TOE_HEIGHT - 1e-5,
                "in the floor at {t}"
            );
        }
    }

    #[test]
    fn a_walker_is_held_at_pace_and_ends_where_it_ends() {
        // Hips at 1.1 m/s; the toe creeps at a third of that for 14 frames, steps in 12, then creeps on and stands.
        let (mut toe, mut hips) = (0.0, 0.0);
        let (mut path, mut pelvis) = (Vec::new(), Vec::new());
        for t in 0..60 {
            hips += if t < 40 { 0.037 } else { 0.0 };
            toe += match t {
                0..14 => 0.01,
                14..26 => 0.1,
                26..40 => 0.013,
                _ => 0.001,
            };
            path.push(Vector3::new(toe, 0.0, 0.03));
            pelvis.push(Vector3::new(hips, 0.0, 0.9));
        }
        let stances = walk_stances(&path, &pelvis);
        assert_eq!(stances.len(), 1, "the second one creeps on: {stances:?}");
        // Somebody who glides is made to step: both feet, in turns, ending where they end.
        let gliding: Vec<_> = (0..60)
            .map(|t| Vector3::new(t as f32 * 0.015, 0.0, 0.03))
            .collect();
        let both = [0, 1].map(|foot| steps(&gliding, &gliding, foot));
        assert!(both.iter().all(|s| s.len() >= 3), "{both:?}");
        for t in 1..59 {
            let stands = both
                .iter()
                .filter(|s| s.iter().any(|(a, b)| (*a..*b).contains(&t)));
            assert_eq!(stands.count(), 1, "one foot stands at {t}");
        }
        assert_eq!(both.map(|s| s[s.len() - 1].1), [60, 60]);
        // Somebody who stands is held as ever; what creeps far is no stance.
        let still = vec![Vector3::new(0.0, 0.0, 0.9); 60];
        let creeping: Vec<_> = (0..60)
            .map(|t| Vector3::new(t as f32 * 0.012, 0.0, 0.03))
            .collect();
        assert!(walk_stances(&creeping, &still).is_empty());
        let slowly: Vec<_> = creeping.iter().map(|p| p * 0.1).collect();
        let offsets = offsets(&slowly, &[(20, 60)], true);
        assert!(offsets[59].norm() < 1e-6, "the last frame stays");
        assert!(offsets[30].x > 0.0);
    }
}
