//! Fingers: open and relaxed in the air, closed around what the hand holds.
//!
//! The network moves no fingers. A hand that touches the object closes joint by joint until the surface stops each
//! phalanx, outer phalanges going on when inner ones have stopped (the grasp of Miller and Allen, "GraspIt!", 2004).

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::{FINGERS, Figure, PHALANGES, finger_joint};
use crate::geometry::{Mesh, bvh::Bvh};
use crate::motion::MotionClip;
use crate::skeleton::joint;

/// A palm this near to the surface closes its hand, metres.
const TOUCH: f32 = 0.05;
/// The same where the clip says that the hand touches, metres.
const LABELLED_TOUCH: f32 = 0.12;
/// Pauses of contact shorter than this are held through, seconds.
const PAUSE: f32 = 0.3;
/// Half the time over which a hand opens or closes, seconds.
const EASE: f32 = 0.14;
/// The grip is looked for every so many frames and blended between.
const STRIDE: usize = 3;
/// A hand opens this long before it touches, to this share of wide open.
const READY: f32 = 0.35;
const READY_SHARE: f32 = 0.7;
/// Steps of a closing finger.
const STEPS: usize = 28;

/// Bend of each finger's joints, degrees: index, middle, little, ring, thumb.
pub(crate) type Bend = [[f32; PHALANGES]; FINGERS];
/// A hand that does nothing.
pub(crate) const RELAXED: Bend = [
    [16.0, 24.0, 14.0],
    [21.0, 29.0, 16.0],
    [28.0, 34.0, 18.0],
    [25.0, 32.0, 17.0],
    [10.0, 12.0, 14.0],
];
const OPEN: Bend = [
    [-8.0, 4.0, 2.0],
    [-8.0, 4.0, 2.0],
    [-8.0, 4.0, 2.0],
    [-8.0, 4.0, 2.0],
    [-4.0, 0.0, 0.0],
];
/// How far knuckles (and the thumb's root) bend back when the object is in the way of the open hand, degrees: as of a hand
/// that pushes with its heel. And in what steps that is looked for.
const BACK: [f32; FINGERS] = [-50.0, -50.0, -50.0, -50.0, -30.0];
const BACK_STEP: f32 = 3.0;
/// Steps in which a finger that is in the object is opened.
const OPENING: usize = 8;
/// A fist.
pub(crate) const CLOSED: Bend = [
    [82.0, 98.0, 62.0],
    [84.0, 100.0, 64.0],
    [84.0, 96.0, 62.0],
    [84.0, 100.0, 64.0],
    [44.0, 42.0, 55.0],
];
/// A finger that finds nothing bends by this share from relaxed to closed.
const EMPTY: f32 = 0.22;
/// Share of the rest pose's spread that fingers give up.
const ADDUCTION: f32 = 0.5;

/// One finger about the wrist's rest position, SMPL axes, metres.
#[derive(Clone, Debug)]
struct Finger {
    joints: [Vector3<f32>; PHALANGES],
    tip: Vector3<f32>,
    axes: [Unit<Vector3<f32>>; PHALANGES],
    /// Turns the finger toward the middle finger.
    adduction: UnitQuaternion<f32>,
    radius: f32,
}

impl Finger {
    fn rotation(&self, phalanx: usize, degrees: f32) -> UnitQuaternion<f32> {
        let bend = UnitQuaternion::from_axis_angle(&self.axes[phalanx], degrees.to_radians());
        if phalanx == 0 {
            self.adduction * bend
        } else {
            bend
        }
    }

    /// Ends of the phalanges in the wrist's frame.
    fn ends(&self, bend: &[f32; PHALANGES]) -> [Vector3<f32>; PHALANGES + 1] {
        let mut out = [self.joints[0]; PHALANGES + 1];
        let mut turn = UnitQuaternion::identity();
        for p in 0..PHALANGES {
            turn *= self.rotation(p, bend[p]);
            let next = self.joints.get(p + 1).unwrap_or(&self.tip);
            out[p + 1] = out[p] + turn * (next - self.joints[p]);
        }
        out
    }

    /// The open finger, bent back where that would be in the object.
    fn open(
        &self,
        finger: usize,
        inside: impl Fn(&Vector3<f32>) -> bool,
        blocked: impl Fn(&Vector3<f32>, f32) -> bool,
    ) -> [f32; PHALANGES] {
        let mut bend = OPEN[finger];
        while bend[0] > BACK[finger] && !self.free(finger, &bend, &inside, &blocked) {
            bend[0] = (bend[0] - BACK_STEP).max(BACK[finger]);
        }
        bend
    }

    /// Whether the finger is out of the object: skin may touch.
    fn free(
        &self,
        finger: usize,
        bend: &[f32; PHALANGES],
        inside: impl Fn(&Vector3<f32>) -> bool,
        blocked: impl Fn(&Vector3<f32>, f32) -> bool,
    ) -> bool {
        let ends = self.ends(bend);
        let middle = |p: usize| (ends[p] + ends[p + 1]) / 2.0;
        let mut points = ends[1..].iter().copied().chain((1..PHALANGES).map(middle));
        let out = |p: &Vector3<f32>, share: f32| !blocked(p, share * self.radius) && !inside(p);
        // Fingers are thick next to the palm; the thumb's root is in it.
        points.all(|p| out(&p, 0.5)) && (finger == FINGERS - 1 || out(&middle(0), 1.0))
    }

    /// Closes until `blocked` says of a point that it lies within the finger's radius of the surface; relaxed when
    /// nothing is found. `inside` is only asked of the open finger, which bends back as far as it must: what begins
    /// outside cannot come inside unnoticed, since a step is shorter than a finger is thick.
    fn close(
        &self,
        finger: usize,
        inside: impl Fn(&Vector3<f32>) -> bool,
        blocked: impl Fn(&Vector3<f32>, f32) -> bool,
    ) -> [f32; PHALANGES] {
        let open = self.open(finger, &inside, &blocked);
        let mut bend = open;
        let mut first_free = 0;
        let mut met = false;
        for step in 0..=STEPS {
            let t = step as f32 / STEPS as f32;
            let mut next = bend;
            for p in first_free..PHALANGES {
                next[p] = open[p] + (CLOSED[finger][p] - open[p]) * t;
            }
            let ends = self.ends(&next);
            // The outermost phalanx that meets the surface stops itself and all joints before it.
            let stopped = (first_free..PHALANGES).rev().find(|&p| {
                let middle = (ends[p] + ends[p + 1]) / 2.0;
                let met = |point: &Vector3<f32>| {
                    blocked(point, self.radius) || (step == 0 && inside(point))
                };
                met(&ends[p + 1]) || (p > 0 && met(&middle))
            });
            match stopped {
                Some(p) => {
                    met = true;
                    first_free = p + 1;
                    if first_free == PHALANGES {
                        return bend;
                    }
                }
                None => bend = next,
            }
        }
        if met {
            // The tip went past the edge of the object: no tighter than a hook.
            for p in first_free..PHALANGES {
                bend[p] = bend[p].min(0.75 * CLOSED[finger][p]);
            }
            return bend;
        }
        std::array::from_fn(|p| {
            let relaxed = RELAXED[finger][p];
            relaxed + (CLOSED[finger][p] - relaxed) * EMPTY
        })
    }
}

/// Where the fingers of a hand are about the wrist in the rest pose, SMPL axes, metres.
#[derive(Clone, Debug)]
pub(crate) struct HandPoints {
    /// The joints of each finger from the knuckle outwards.
    pub joints: [[Vector3<f32>; PHALANGES]; FINGERS],
    /// How far the middle of each fingertip lies beyond the last joint, and how thick the finger is there.
    pub tips: [(f32, f32); FINGERS],
}

/// One hand.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    fingers: [Finger; FINGERS],
}

/// A hand on its way past an object: everything in the frame of the object's mesh, metres.
pub(crate) struct Track {
    /// Frames per second.
    pub fps: f32,
    /// The wrist and the hand's rotation from the rest pose.
    pub wrists: Vec<(Vector3<f32>, UnitQuaternion<f32>)>,
    /// The palm.
    pub palms: Vec<Vector3<f32>>,
    /// Where the clip says that the hand touches.
    pub labelled: Vec<bool>,
}

impl Hand {
    fn new(figure: &Figure, hand: usize) -> Self {
        let wrist = figure.joints[joint::LEFT_WRIST + hand].position;
        let joints: [[Vector3<f32>; PHALANGES]; FINGERS] = std::array::from_fn(|finger| {
            std::array::from_fn(|p| figure.joints[finger_joint(hand, finger, p)].position - wrist)
        });
        let tips = std::array::from_fn(|finger| {
            let outer = (joints[finger][2] - joints[finger][1]).try_normalize(1e-6);
            let outer = outer.unwrap_or_else(Vector3::x);
            tip(figure, finger_joint(hand, finger, 2), &outer)
        });
        Self::of(&HandPoints { joints, tips }, hand)
    }

    /// A left (0) or right (1) hand with its fingers at these points.
    pub(crate) fn of(points: &HandPoints, hand: usize) -> Self {
        let at = |finger: usize, phalanx: usize| points.joints[finger][phalanx];
        let palm = at(1, 0);
        let along = palm.try_normalize(1e-6).unwrap_or_else(Vector3::x);
        // From the little finger to the index.
        let across = (at(0, 0) - at(2, 0)).try_normalize(1e-6);
        let across = across.unwrap_or_else(Vector3::z);
        let side = if hand == 0 { 1.0 } else { -1.0 };
        let inward = (along.cross(&across) * side)
            .try_normalize(1e-6)
            .unwrap_or_else(|| -Vector3::y());
        let flat = |v: Vector3<f32>| v - inward * v.dot(&inward);
        let straight = flat(at(1, 2) - at(1, 0));
        let fingers = std::array::from_fn(|finger| {
            let joints: [Vector3<f32>; PHALANGES] = std::array::from_fn(|p| at(finger, p));
            let outer = (joints[2] - joints[1]).try_normalize(1e-6).unwrap_or(along);
            let (tip, radius) = points.tips[finger];
            let thumb = finger == FINGERS - 1;
            let axes = std::array::from_fn(|p| {
                let bone = match joints.get(p + 1) {
                    Some(next) => next - joints[p],
                    None => outer,
                };
                // Fingers bend into the palm; the thumb first goes under it, then across.
                let toward = match (thumb, p) {
                    (false, _) => inward,
                    (true, 0) => inward - across * 0.25,
                    (true, _) => inward * 0.45 - across + along * 0.2,
                };
                Unit::try_new(bone.cross(&toward), 1e-9)
                    .unwrap_or_else(|| Unit::new_normalize(across * -side))
            });
            let adduction = if thumb {
                None
            } else {
                UnitQuaternion::scaled_rotation_between(
                    &flat(joints[2] - joints[0]),
                    &straight,
                    ADDUCTION,
                )
            };
            Finger {
                joints,
                tip: joints[2] + outer * tip,
                axes,
                adduction: adduction.unwrap_or_else(UnitQuaternion::identity),
                radius,
            }
        });
        Self { fingers }
    }

    /// Rotation of a phalanx on the one before it (or on the hand), bent by so many degrees, SMPL axes.
    pub(crate) fn rotation(
        &self,
        finger: usize,
        phalanx: usize,
        degrees: f32,
    ) -> UnitQuaternion<f32> {
        self.fingers[finger].rotation(phalanx, degrees)
    }

    fn rotations(&self, bend: &Bend) -> [UnitQuaternion<f32>; FINGERS * PHALANGES] {
        std::array::from_fn(|i| {
            let (finger, phalanx) = (i / PHALANGES, i % PHALANGES);
            self.fingers[finger].rotation(phalanx, bend[finger][phalanx])
        })
    }
}

/// How far the skin reaches beyond a finger's last joint to the middle of its tip, and the radius there, metres.
fn tip(figure: &Figure, last: usize, outer: &Vector3<f32>) -> (f32, f32) {
    let at = figure.joints[last].position;
    let mut reach = 0.0f32;
    let mut thick = 0.0f32;
    for part in &figure.parts {
        for i in 0..part.vertices.len() {
            let own = |k: usize| usize::from(part.joints[i][k]) == last && part.weights[i][k] > 127;
            if (0..4).any(own) {
                let v = part.vertices[i] - at;
                reach = reach.max(v.dot(outer));
                thick = thick.max((v - outer * v.dot(outer)).norm());
            }
        }
    }
    // The skin is a little off its bone; the pad is thinner than the farthest vertex says.
    let radius = (thick * 0.75).clamp(0.004, 0.012);
    ((reach - radius).max(0.0), radius)
}

/// Rotations of the finger joints relative to their parents, for each frame: fifteen of the left hand, then fifteen of
/// the right, in the order of [`finger_joint`]. Without an object the hands stay relaxed. `figure` must be
/// [fitted](Figure::fitted) to the clip's skeleton; `object` is in its own rest frame, Z up, as the clip's poses
/// expect it.
pub fn finger_rotations(
    figure: &Figure,
    clip: &MotionClip,
    object: Option<&Mesh>,
) -> Vec<[UnitQuaternion<f32>; 2 * FINGERS * PHALANGES]> {
    let surface = object.map(Bvh::new);
    let hands = [0, 1].map(|hand| {
        let shape = Hand::new(figure, hand);
        let bends = match &surface {
            Some(surface) => bends(&shape, &track(hand, clip), surface),
            None => vec![RELAXED; clip.frames.len()],
        };
        bends.iter().map(|b| shape.rotations(b)).collect::<Vec<_>>()
    });
    (0..clip.frames.len())
        .map(|f| {
            std::array::from_fn(|i| {
                let per_hand = FINGERS * PHALANGES;
                hands[i / per_hand][f][i % per_hand]
            })
        })
        .collect()
}

/// The way of a clip's hand past the object.
fn track(hand: usize, clip: &MotionClip) -> Track {
    let mut out = Track {
        fps: clip.fps,
        wrists: Vec::with_capacity(clip.frames.len()),
        palms: Vec::with_capacity(clip.frames.len()),
        labelled: clip.frames.iter().map(|f| f.contact[hand] > 0.5).collect(),
    };
    let wrist = joint::LEFT_WRIST + hand;
    for (f, frame) in clip.frames.iter().enumerate() {
        let joints = clip.joints(f);
        let back = frame.object_rotation.inverse();
        let local = |v: Vector3<f32>| back * (v - frame.object_position);
        let turn = back * frame.pose.rotations[wrist];
        out.wrists.push((local(joints[wrist]), turn));
        out.palms.push(local(joints[joint::LEFT_PALM + hand]));
    }
    out
}

/// Whether a hand touches the object in each frame: the palm within 5 cm of the surface, or within 12 cm where the clip
/// says that the hand touches; short pauses are closed.
fn touches(track: &Track, surface: &Bvh) -> Vec<bool> {
    let mut out: Vec<bool> = (track.palms.iter().zip(&track.labelled))
        .map(|(palm, labelled)| {
            let reach = if *labelled { LABELLED_TOUCH } else { TOUCH };
            surface.distance(palm, reach) < reach || surface.winding(palm) > 0.5
        })
        .collect();
    let pause = (PAUSE * track.fps) as usize;
    let mut last: Option<usize> = None;
    for f in 0..out.len() {
        if out[f] {
            if let Some(last) = last
                && f - last <= pause + 1
            {
                out[last..f].fill(true);
            }
            last = Some(f);
        }
    }
    out
}

/// Bends of a hand's fingers in each frame: closed around what it touches, open shortly before, else relaxed.
pub(crate) fn bends(shape: &Hand, track: &Track, surface: &Bvh) -> Vec<Bend> {
    let touching = touches(track, surface);
    let mut out = vec![RELAXED; touching.len()];
    let ready = blend(&RELAXED, &OPEN, READY_SHARE);
    let before = (READY * track.fps).round() as usize;
    let mut start = 0;
    while start < touching.len() {
        if !touching[start] {
            start += 1;
            continue;
        }
        let end = start + touching[start..].iter().take_while(|t| **t).count();
        for f in start.saturating_sub(before)..start {
            if !touching[f] {
                out[f] = ready;
            }
        }
        hold(shape, track, surface, start, end, &mut out);
        start = end;
    }
    let half = (EASE * track.fps).round() as usize;
    let mut out = smooth(&out, half);
    clear(shape, track, surface, &touching, half, &mut out);
    out
}

/// Opens fingers that easing, or a hand that turns on the surface, has put into the object: each as far as it must, and
/// gently before and after.
fn clear(
    shape: &Hand,
    track: &Track,
    surface: &Bvh,
    touching: &[bool],
    half: usize,
    bends: &mut [Bend],
) {
    for (finger, bones) in shape.fingers.iter().enumerate() {
        let mut opened = vec![0.0f32; bends.len()];
        let mut open = vec![[0.0; PHALANGES]; bends.len()];
        for f in (0..bends.len()).filter(|f| touching[*f]) {
            let (place, turn) = track.wrists[f];
            let inside = |point: &Vector3<f32>| surface.winding(&(place + turn * point)) > 0.5;
            let blocked = |point: &Vector3<f32>, radius: f32| {
                surface.distance(&(place + turn * point), radius) < radius
            };
            if bones.free(finger, &bends[f][finger], inside, blocked) {
                continue;
            }
            open[f] = bones.open(finger, inside, blocked);
            let at = |t: f32| mix(&bends[f][finger], &open[f], t);
            opened[f] = (1..=OPENING)
                .map(|k| k as f32 / OPENING as f32)
                .find(|t| bones.free(finger, &at(*t), inside, blocked))
                .unwrap_or(1.0);
        }
        if opened.iter().all(|t| *t == 0.0) {
            continue;
        }
        // Where a neighbour opens, this frame does a part of it, toward what the neighbour opens to.
        for f in 0..bends.len() {
            let near = f.saturating_sub(half)..(f + half + 1).min(bends.len());
            let share = |g: usize| opened[g] * (1.0 - f.abs_diff(g) as f32 / (half + 1) as f32);
            let most = near
                .max_by(|a, b| share(*a).total_cmp(&share(*b)))
                .unwrap_or(f);
            if share(most) > 0.0 {
                bends[f][finger] = mix(&bends[f][finger], &open[most], share(most));
            }
        }
    }
}

fn mix(a: &[f32; PHALANGES], b: &[f32; PHALANGES], t: f32) -> [f32; PHALANGES] {
    std::array::from_fn(|p| a[p] + (b[p] - a[p]) * t)
}

/// Grips over one spell of contact, frames `start` to `end`.
fn hold(shape: &Hand, track: &Track, surface: &Bvh, start: usize, end: usize, out: &mut [Bend]) {
    let mut before = (start, grip(shape, track, surface, start));
    out[start] = before.1;
    while before.0 + 1 < end {
        let at = (before.0 + STRIDE).min(end - 1);
        let next = grip(shape, track, surface, at);
        for f in before.0 + 1..=at {
            let t = (f - before.0) as f32 / (at - before.0) as f32;
            out[f] = blend(&before.1, &next, t);
        }
        before = (at, next);
    }
}

/// The hand closed around the object in one frame.
fn grip(shape: &Hand, track: &Track, surface: &Bvh, frame: usize) -> Bend {
    let (place, turn) = track.wrists[frame];
    let local = |point: &Vector3<f32>| place + turn * point;
    let inside = |point: &Vector3<f32>| surface.winding(&local(point)) > 0.5;
    let blocked =
        |point: &Vector3<f32>, radius: f32| surface.distance(&local(point), radius) < radius;
    std::array::from_fn(|finger| shape.fingers[finger].close(finger, inside, blocked))
}

/// Between two hands.
pub(crate) fn blend(a: &Bend, b: &Bend, t: f32) -> Bend {
    std::array::from_fn(|f| mix(&a[f], &b[f], t))
}

/// A raised-cosine window of `half` frames to each side; the ends are held.
fn smooth(bends: &[Bend], half: usize) -> Vec<Bend> {
    let weight = |k: isize| 0.5 + 0.5 * (std::f32::consts::PI * k as f32 / (half + 1) as f32).cos();
    let half = half as isize;
    let total: f32 = (-half..=half).map(weight).sum();
    (0..bends.len() as isize)
        .map(|f| {
            let mut out = [[0.0; PHALANGES]; FINGERS];
            for k in -half..=half {
                let at = (f + k).clamp(0, bends.len() as isize - 1) as usize;
                for finger in 0..FINGERS {
                    for p in 0..PHALANGES {
                        out[finger][p] += bends[at][finger][p] * weight(k) / total;
                    }
                }
            }
            out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingers_bend_into_the_palm_on_both_sides() {
        for hand in 0..2 {
            let shape = Hand::new(Figure::standard(), hand);
            for (finger, bones) in shape.fingers.iter().enumerate() {
                let (open, closed) = (bones.ends(&OPEN[finger]), bones.ends(&[45.0; 3]));
                let lengths = |e: &[Vector3<f32>; 4]| (e[3] - e[2]).norm() + (e[2] - e[1]).norm();
                assert!((lengths(&open) - lengths(&closed)).abs() < 1e-5);
                // In the T-pose palms face down.
                assert!(closed[3].y < open[3].y - 0.01, "{hand} {finger}");
                assert!((0.003..0.013).contains(&bones.radius));
                assert!((bones.tip - bones.joints[2]).norm() > 0.008);
            }
            // A fist: the fingertips come back to the palm.
            for finger in 0..4 {
                let bones = &shape.fingers[finger];
                let ends = bones.ends(&CLOSED[finger]);
                assert!(ends[3].norm() < 0.85 * bones.joints[1].norm());
            }
        }
        let (left, right) = (
            Hand::new(Figure::standard(), 0),
            Hand::new(Figure::standard(), 1),
        );
        for (a, b) in left.fingers.iter().zip(&right.fingers) {
            let (a, b) = (a.ends(&[50.0; 3])[3], b.ends(&[50.0; 3])[3]);
            // The source's hands are mirror images but for some millimetres.
            assert!((a - Vector3::new(-b.x, b.y, b.z)).norm() < 0.012, "{a} {b}");
        }
    }

    #[test]
    fn a_closing_finger_stops_at_the_surface() {
        let shape = Hand::new(Figure::standard(), 0);
        for finger in 0..FINGERS - 1 {
            let bones = &shape.fingers[finger];
            // A bar of 2 cm radius along z under the fingers' middle joints.
            let center = bones.joints[1] - Vector3::new(0.0, 0.032, 0.0);
            let off = |p: &Vector3<f32>| (p.x - center.x).hypot(p.y - center.y) - 0.02;
            let bend = bones.close(finger, |_| false, |p, radius| off(p) < radius);
            let ends = bones.ends(&bend);
            let middles = [1, 2].map(|p| (ends[p] + ends[p + 1]) / 2.0);
            let points = ends[1..].iter().chain(&middles);
            let nearest = points.map(off).fold(f32::INFINITY, f32::min);
            assert!(nearest >= bones.radius, "{finger}: {nearest}");
            assert!(nearest < bones.radius + 0.01, "{finger}: {nearest}");
            let total = |b: &[f32; 3]| b.iter().sum::<f32>();
            assert!(
                total(&bend) > total(&OPEN[finger]) + 20.0,
                "{finger}: {bend:?}"
            );
            // In empty air it keeps a loose bend.
            let empty = bones.close(finger, |_| false, |_, _| false);
            assert!(total(&empty) > total(&RELAXED[finger]));
            assert!(total(&empty) < 0.5 * total(&CLOSED[finger]));
        }
    }

    #[test]
    fn fingers_bend_back_from_what_a_heel_pushes() {
        let shape = Hand::new(Figure::standard(), 0);
        for finger in 0..FINGERS - 1 {
            let bones = &shape.fingers[finger];
            // A wall through the knuckle, rising toward the fingertips by 0.6 radians: the open finger is in it.
            let (root, normal) = (
                bones.joints[0],
                Vector3::new(-0.6f32.sin(), 0.6f32.cos(), 0.0),
            );
            let off = |p: &Vector3<f32>| (p - root).dot(&normal) + 0.002;
            let bend = bones.close(finger, |p| off(p) < 0.0, |p, radius| off(p).abs() < radius);
            assert!(bend[0] < OPEN[finger][0] - 15.0, "{finger}: {bend:?}");
            for end in &bones.ends(&bend)[1..] {
                assert!(off(end) > 0.0, "{finger}: {}", off(end));
            }
        }
    }

    #[test]
    fn a_hand_over_a_table_lies_on_it() {
        use crate::figure::refit::tests::stretched;
        use crate::motion::{Frame, MotionClip};
        use crate::skeleton::{Pose, ROTATIONS};

        let skeleton = stretched(|_| 1.0);
        let pose = Pose {
            root: Vector3::new(0.0, 0.0, 1.0),
            rotations: [crate::frame::y_up_to_z_up(); ROTATIONS],
        };
        let palm = skeleton.forward(&pose)[joint::LEFT_PALM];
        // In the T-pose the palm faces the floor: a plate 3 cm under the left hand, nothing under the right.
        let top = palm - Vector3::new(0.0, 0.0, 0.03);
        let corner =
            |i: u32| Vector3::new(i & 1, i >> 1 & 1, 0).cast::<f32>() - Vector3::new(0.5, 0.5, 0.0);
        let plate = Mesh {
            vertices: (0..4).map(corner).collect(),
            triangles: vec![[0, 1, 3], [0, 3, 2]],
        };
        let frame = Frame {
            pose,
            object_position: top,
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
            frames: vec![frame; 12],
        };
        let figure = Figure::standard().fitted(&clip.skeleton);
        let rotations = finger_rotations(&figure, &clip, Some(&plate));
        let wrist = clip.joints(6)[joint::LEFT_WRIST];
        let shape = Hand::new(&figure, 0);
        for (finger, bones) in shape.fingers.iter().enumerate().take(4) {
            // Along the file's own chain of rotations.
            let mut place = wrist + pose.rotations[20] * bones.joints[0];
            let mut turn = pose.rotations[20];
            let mut lowest = f32::INFINITY;
            for p in 0..PHALANGES {
                turn *= rotations[6][finger * PHALANGES + p];
                let next = bones.joints.get(p + 1).unwrap_or(&bones.tip);
                place += turn * (next - bones.joints[p]);
                lowest = lowest.min(place.z - top.z);
            }
            let gap = lowest - bones.radius;
            assert!((-1e-3..6e-3).contains(&gap), "finger {finger}: {gap}");
        }
        let free = finger_rotations(&figure, &clip, None);
        for i in 0..FINGERS * PHALANGES {
            let right = FINGERS * PHALANGES + i;
            assert!(rotations[6][right].angle_to(&free[6][right]) < 1e-4);
        }
    }

    #[test]
    fn easing_keeps_rest_and_joins_gently() {
        let mut bends = vec![RELAXED; 30];
        bends[15..].fill(CLOSED);
        let smoothed = smooth(&bends, 4);
        assert!((smoothed[0][1][1] - RELAXED[1][1]).abs() < 1e-3);
        assert!((smoothed[29][1][1] - CLOSED[1][1]).abs() < 1e-3);
        let steps = smoothed.windows(2).map(|w| w[1][1][1] - w[0][1][1]);
        let most = steps.fold(0.0, f32::max);
        assert!(most < 0.25 * (CLOSED[1][1] - RELAXED[1][1]), "{most}");
    }
}
