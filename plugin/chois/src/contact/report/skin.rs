//! Penetration: points of the mannequin's skin, moved by the clip, inside the object.
//!
//! The skin is the body that a viewer sees. Capsules about the bones would be cheaper, but their radii would be guesses as
//! large as the depths to be measured.

use std::collections::HashSet;

use nalgebra::{UnitQuaternion, Vector3};

use super::Depths;
use super::measure::Sample;
use super::track::Track;
use crate::figure::hands::finger_rotations;
use crate::figure::{FIGURE_JOINTS, FINGERS, Figure, PHALANGES};
use crate::geometry::Mesh;
use crate::skeleton::{ROTATIONS, joint};

/// Points of one hand, at most: about one a centimetre.
const HAND_POINTS: usize = 300;
/// Points of the rest of the skin, at most: about one every three centimetres.
const BODY_POINTS: usize = 1500;
/// Edge of the cells of which each keeps one vertex, metres, to begin with; each try is this much coarser.
const CELL: f32 = 0.004;
const COARSER: f32 = 1.2;

/// Rotations of the fingers of both hands in one frame, see [`finger_rotations`].
type Fingers = [UnitQuaternion<f32>; 2 * FINGERS * PHALANGES];

/// See [`super::ContactReport`].
pub(super) struct Penetration {
    pub hands: Option<Depths>,
    pub inside: Option<f64>,
    pub body: Option<Depths>,
}

/// Skins the person in each frame.
pub(super) fn penetration(track: &Track<'_>) -> Penetration {
    let figure = Figure::standard().fitted(&track.clip.skeleton);
    // The fingers' grip is looked for in the frame of the clip's object poses, about the mesh's own origin.
    let centre = track.object.center();
    let mesh = Mesh {
        vertices: track.object.vertices().iter().map(|v| v + centre).collect(),
        triangles: track.object.triangles().to_vec(),
    };
    let fingers = finger_rotations(&figure, track.clip, Some(&mesh));
    let hands = [0, 1].map(|hand| points(&figure, Some(hand), HAND_POINTS));
    let rest = points(&figure, None, BODY_POINTS);

    let (mut depths, mut shares, mut body) = (vec![], vec![], vec![]);
    for (t, fingers) in fingers.iter().enumerate() {
        let placed = placed(&figure, track, t, fingers);
        let inside = |points: &[Point]| inside(track, &placed, points);
        let mut deepest = inside(&rest).0;
        for (hand, points) in hands.iter().enumerate() {
            let (depth, share) = inside(points);
            if track.held[hand][t] {
                depths.push(depth);
                shares.push(share);
            } else {
                deepest = deepest.max(depth);
            }
        }
        body.push(deepest);
    }
    Penetration {
        hands: Depths::of(depths),
        inside: Sample::new(shares).map(|s| s.mean()),
        body: Depths::of(body),
    }
}

/// A vertex of the skin.
#[derive(Clone)]
struct Point {
    /// In the rest pose, metres, SMPL axes.
    rest: Vector3<f32>,
    /// The joints that move it, and by how much: shares that sum to 1.
    pulls: [(usize, f32); 4],
}

/// The hand that a joint of a figure belongs to, fingers and all.
fn hand_of(joint: usize) -> Option<usize> {
    match joint {
        joint::LEFT_WRIST | joint::RIGHT_WRIST => Some(joint - joint::LEFT_WRIST),
        ROTATIONS.. => Some((joint - ROTATIONS) / (FINGERS * PHALANGES)),
        _ => None,
    }
}

/// Vertices that a hand moves for the most part, or, for none, those that neither does; thinned evenly to at most so many.
fn points(figure: &Figure, hand: Option<usize>, most: usize) -> Vec<Point> {
    let mut all = Vec::new();
    for part in &figure.parts {
        for ((rest, joints), weights) in part.vertices.iter().zip(&part.joints).zip(&part.weights) {
            let pulls: [(usize, f32); 4] =
                std::array::from_fn(|k| (usize::from(joints[k]), f32::from(weights[k]) / 255.0));
            let share = |hand: usize| -> f32 {
                let own = pulls.iter().filter(|(j, _)| hand_of(*j) == Some(hand));
                own.map(|(_, weight)| weight).sum()
            };
            if (0..2).find(|hand| share(*hand) > 0.5) == hand {
                all.push(Point { rest: *rest, pulls });
            }
        }
    }
    let mut cell = CELL;
    loop {
        // Large bodies have cells far out: as whole numbers those saturate, until cells are large enough.
        let key = |p: &Point| <[f32; 3]>::from(p.rest / cell).map(|c| c.floor() as i32);
        let mut taken = HashSet::new();
        let kept: Vec<Point> = (all.iter())
            .filter(|p| taken.insert(key(p)))
            .cloned()
            .collect();
        // Eight cells meet at the origin: no coarser cells have fewer.
        if kept.len() <= most.max(8) {
            return kept;
        }
        cell *= COARSER;
    }
}

/// Position and rotation of each joint of a figure in a frame, relative to the object's centre in its rest frame.
fn placed(
    figure: &Figure,
    track: &Track<'_>,
    t: usize,
    fingers: &Fingers,
) -> Vec<(Vector3<f32>, UnitQuaternion<f32>)> {
    let back = track.rotations[t].inverse().cast::<f32>();
    let rotations = &track.clip.frames[t].pose.rotations;
    let mut out = Vec::with_capacity(FIGURE_JOINTS);
    for j in 0..ROTATIONS {
        let place = track.local(t, &track.joints[t][j].cast());
        out.push((place.cast(), back * rotations[j]));
    }
    for (j, own) in figure.joints.iter().enumerate().skip(ROTATIONS) {
        // Every finger hangs on a joint before it.
        let parent = own.parent.unwrap_or_default();
        let (place, turn) = out[parent];
        let bone = own.position - figure.joints[parent].position;
        out.push((place + turn * bone, turn * fingers[j - ROTATIONS]));
    }
    for ((place, turn), own) in out.iter_mut().zip(&figure.joints) {
        // From here on: where the rest pose's origin goes.
        *place -= *turn * own.position;
    }
    out
}

/// Depth of the deepest of these points in the object, metres, and the share of them that is inside.
fn inside(
    track: &Track<'_>,
    placed: &[(Vector3<f32>, UnitQuaternion<f32>)],
    points: &[Point],
) -> (f64, f64) {
    let (low, high) = track.bounds;
    let (mut deepest, mut count) = (0.0f32, 0usize);
    for point in points {
        let at: Vector3<f32> = (point.pulls.iter())
            .filter(|(_, weight)| *weight > 0.0)
            .map(|(j, weight)| {
                let (origin, turn) = &placed[*j];
                (origin + turn * point.rest) * *weight
            })
            .sum();
        // What is outside the bounding box need not be asked of every triangle.
        if (0..3).all(|i| (low[i]..=high[i]).contains(&at[i])) {
            let depth = track.surface.depth(&at);
            deepest = deepest.max(depth);
            count += usize::from(depth > 0.0);
        }
    }
    let share = count as f64 / points.len().max(1) as f64;
    (f64::from(deepest), share)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{clip, cuboid, resting};
    use super::*;

    #[test]
    fn hands_and_the_rest_share_the_skin_out() {
        let figure = Figure::standard().fitted(&crate::skeleton::Skeleton::adult());
        let whole = |hand| points(&figure, hand, usize::MAX).len();
        let (left, right, rest) = (whole(Some(0)), whole(Some(1)), whole(None));
        assert!(left.abs_diff(right) < left / 10, "{left} {right}");
        assert!(rest > left + right);
        for (hand, most) in [
            (Some(0), HAND_POINTS),
            (Some(1), HAND_POINTS),
            (None, BODY_POINTS),
        ] {
            let thinned = points(&figure, hand, most);
            assert!(
                (most / 2..=most).contains(&thinned.len()),
                "{}",
                thinned.len()
            );
        }
        // In the T-pose the left hand is beyond its wrist, on +x.
        let wrist = figure.joints[joint::LEFT_WRIST].position.x;
        let hand = points(&figure, Some(0), HAND_POINTS);
        assert!(hand.iter().all(|p| p.rest.x > wrist - 0.03));
        assert!(points(&figure, Some(0), 0).len() <= 8);
    }

    #[test]
    fn the_skin_goes_where_its_joints_go() {
        // Stands in the rest pose but for the turn to Z up; the object is turned and elsewhere.
        let mut clip = clip(1, |_| resting(1.0));
        clip.frames[0].object_rotation = UnitQuaternion::from_euler_angles(0.3, -0.4, 1.0);
        clip.frames[0].object_position = Vector3::new(0.5, -1.0, 0.7);
        let object = cuboid([0.2, 0.3, 0.4]);
        let track = Track::new(&clip, &object).expect("a good clip");
        let figure = Figure::standard().fitted(&clip.skeleton);
        let straight = [UnitQuaternion::identity(); 2 * FINGERS * PHALANGES];
        let placed = placed(&figure, &track, 0, &straight);
        for point in points(&figure, Some(1), 50) {
            let world = clip.frames[0].pose.root + crate::frame::from_y_up(point.rest);
            let want = track.local(0, &world.cast()).cast::<f32>();
            let got: Vector3<f32> = (point.pulls.iter())
                .map(|(j, w)| (placed[*j].0 + placed[*j].1 * point.rest) * *w)
                .sum();
            assert!((got - want).norm() < 1e-5, "{got} {want}");
        }
    }
}
