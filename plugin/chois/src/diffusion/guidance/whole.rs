//! Where person and object are as a whole: turned about the object, or the person moved aside, so that the object comes to
//! be turned as asked and nobody stands in what stands about. All else of guidance bends limbs; the network is given the
//! rest to make steps of.

use nalgebra::{Matrix3, Vector2, Vector3};

use super::field::SceneField;
use super::interaction::{InteractionGuide, mean_turn};
use super::person::{Joints, frame};
use super::smoothing::{mean, widened};
use crate::motion::features::{FEATURES, JOINT_ROTATIONS, OBJECT_ROTATION};
use crate::skeleton::JOINTS;

/// Joints for which there is to be room: all but hands. And bones, by both ends, in the middle of which there is to be.
const BODY: [usize; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19];
const BONES: [[usize; 2]; 4] = [[1, 4], [2, 5], [4, 7], [5, 8]];
/// All these points.
const POINTS: usize = BODY.len() + BONES.len();
/// How thick the body is about them beyond what the scene allows for, metres.
const TORSO: f32 = 0.03;
/// Which of these points are of pelvis and legs, which keep out of what is carried too; and how far, metres.
const LEGS: [usize; 13] = [0, 1, 2, 4, 5, 7, 8, 10, 11, 18, 19, 20, 21];
const LEG: f32 = 0.06;
/// Reaches of the mean filters by which a step aside comes and goes, frames.
const ASIDE: [usize; 2] = [5, 6];

/// Frames from one place at which a swing about the object is considered to the next, and radians from one turn to the
/// next; from one frame to the next considered one it changes by one such turn at most.
const KNOT: usize = 4;
const NOTCH: f32 = std::f32::consts::PI / 18.0;
/// Farthest that they swing to either side, in such turns.
const NOTCHES: i64 = 18;
/// What a notch more or less costs, and being off by a notch at a knot, in squared metres of depth.
const SWINGING: f32 = 4e-4;
const SWUNG: f32 = 2e-5;
/// Vertices of the object that are looked at.
const VERTICES: usize = 40;
/// Reaches of the mean filters that make a smooth motion of knots, frames.
const SWAY: [usize; 2] = [3, 4];

/// How an object is to be turned about the vertical in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnGoal {
    /// Since the reference frame, radians.
    pub angle: f32,
    /// In how many ways it looks the same on one turn.
    pub alike: u32,
    /// The share of what is missing that this window makes up for; later ones do the rest.
    pub share: f32,
}

impl TurnGoal {
    /// How far an object that is turned by `angle` still has to turn, the nearest way, radians.
    fn missing(&self, angle: f32) -> f32 {
        let step = std::f32::consts::TAU / self.alike.max(1) as f32;
        let off = self.angle - angle;
        (off - (off / step).round() * step) * self.share
    }
}

impl InteractionGuide<'_> {
    /// Person and object turned about the object, more and more over the time that it is on its way, until it is turned as
    /// it is to be in the end: what hands and object do with each other stays. Feet are left to the network, which takes
    /// further steps from here.
    pub(super) fn turn_to(&self, x: &mut [f32]) {
        let [from, to] = self.way;
        let Some(goal) = self.turn.filter(|_| from < to) else {
            return;
        };
        let frames = self.frames(x);
        // As it comes to rest, or in the last frame of a window before it does.
        let end = match &self.settles {
            Some(shares) => mean_turn(x, shares),
            None => {
                let last = &frame(x, to.min(frames - 1))[OBJECT_ROTATION];
                std::array::from_fn(|k| last[k])
            }
        };
        let missing = goal.missing((end[3] - end[1]).atan2(end[0] + end[4]));
        let turn: Vec<f32> = (0..frames)
            .map(|t| {
                let u = ((t as f32 - from as f32) / (to - from) as f32).clamp(0.0, 1.0);
                missing * u * u * (3.0 - 2.0 * u)
            })
            .collect();
        self.turned(x, &turn);
    }

    /// Person and object turned about the object, by an angle each frame.
    fn turned(&self, x: &mut [f32], turn: &[f32]) {
        for (row, angle) in x.chunks_exact_mut(FEATURES).zip(turn) {
            let (s, c) = angle.sin_cos();
            // The first two rows of a rotation, or x and y of a place, mix; what else there is stays.
            let mix = |first: f32, second: f32| (first * c - second * s, first * s + second * c);
            let rotations =
                std::iter::once(OBJECT_ROTATION.start).chain(JOINT_ROTATIONS.step_by(6));
            for at in rotations {
                for k in at..at + 3 {
                    (row[k], row[k + 3]) = mix(row[k], row[k + 3]);
                }
            }
            let middle = self.thing.center(row);
            for j in 0..JOINTS {
                let place = self.person.stated(row, j);
                let (x, y) = mix(place.x - middle.x, place.y - middle.y);
                let place = Vector3::new(middle.x + x, middle.y + y, place.z);
                self.person.state(row, j, &place);
            }
        }
    }

    /// Person and object swung about the object to where there is room for both while it is on its way: a person who cannot
    /// pass a table beside what they carry passes behind it. Of all such turns over time, each at most so fast, the one that
    /// is least deep in what stands about, and then the least, by dynamic programming. Nothing where all is well.
    pub(super) fn swing(&self, x: &mut [f32], scene: &SceneField<'_>) {
        let frames = self.frames(x);
        let [from, to] = self.way;
        // The smoothing reaches so far beyond the knots.
        let reach: usize = SWAY.iter().sum();
        let knots: Vec<usize> = (from + reach..to.saturating_sub(reach).min(frames))
            .step_by(KNOT)
            .collect();
        if knots.len() < 3 {
            return;
        }
        let stride = (self.thing.vertices.len() / VERTICES).max(1);
        let depths: Vec<Vec<f32>> = (knots.iter())
            .map(|t| {
                let row = frame(x, *t);
                let (center, rotation) = (self.thing.center(row), self.thing.rotation(row));
                let body = body(&self.person.joints(row)).map(|p| p - center);
                let object: Vec<Vector3<f32>> = (self.thing.vertices.iter().step_by(stride))
                    .map(|v| rotation * v)
                    .collect();
                depths(scene, &body, &object, &center)
            })
            .collect();
        let alike = self.turn.map_or(1, |goal| goal.alike);
        if let Some(path) = least(&depths, alike, self.arrives) {
            let mut turn = over_time(&path, &knots, frames);
            mean(&mut turn, 1, &SWAY);
            self.turned(x, &turn);
        }
    }

    /// The whole person moved aside, out of what stands about: what limbs alone cannot do. Every frame gets what the frames
    /// about it need, so that nothing jumps.
    pub(super) fn step_aside(&self, x: &mut [f32], scene: &SceneField<'_>) {
        let bodies: Vec<[Vector3<f32>; POINTS]> = self.person.over(x).iter().map(body).collect();
        let mut asked = Asked::new(bodies.len());
        asked.push(bodies.iter().map(|body| body.as_slice()), TORSO, |_, p| {
            scene.with_slope(p)
        });
        if let Some(own) = &self.columns {
            let poses: Vec<(Vector3<f32>, Matrix3<f32>)> = (x.chunks_exact(FEATURES))
                .map(|row| (self.thing.center(row), self.thing.rotation(row)))
                .collect();
            let legs: Vec<[Vector3<f32>; LEGS.len()]> =
                bodies.iter().map(|body| LEGS.map(|k| body[k])).collect();
            asked.push(legs.iter().map(|legs| legs.as_slice()), LEG, |t, p| {
                let (center, rotation) = &poses[t];
                let (distance, slope) = own.with_slope(&rotation.tr_mul(&(p - center)));
                (distance, rotation * slope)
            });
        }
        let Some(by) = asked.together() else {
            return;
        };
        let share = (self.config.scene as f32 * 2.0).min(1.0);
        for (row, by) in x.chunks_exact_mut(FEATURES).zip(by) {
            self.person
                .carry(row, &(Vector3::new(by.x, by.y, 0.0) * share));
        }
    }
}

/// Points of the body for which there is to be room, metres.
fn body(joints: &Joints) -> [Vector3<f32>; POINTS] {
    std::array::from_fn(|k| match k.checked_sub(BODY.len()) {
        None => joints[BODY[k]],
        Some(bone) => (joints[BONES[bone][0]] + joints[BONES[bone][1]]) * 0.5,
    })
}

/// How far points of each frame ask the whole person to go aside: the farthest to either side along each axis, metres.
struct Asked {
    most: Vec<Vector2<f32>>,
    least: Vec<Vector2<f32>>,
    /// Whether anything is deep enough to be worth a step.
    any: bool,
}

impl Asked {
    fn new(frames: usize) -> Self {
        Self {
            most: vec![Vector2::zeros(); frames],
            least: vec![Vector2::zeros(); frames],
            any: false,
        }
    }

    /// Asks for points to be `thick` out of what `distance` tells of at a frame, with its slope.
    fn push<'p>(
        &mut self,
        points: impl Iterator<Item = &'p [Vector3<f32>]>,
        thick: f32,
        distance: impl Fn(usize, &Vector3<f32>) -> (f32, Vector3<f32>),
    ) {
        const WORTH: f32 = 1e-3;
        for (t, points) in points.enumerate() {
            for point in points {
                let (distance, slope) = distance(t, point);
                let depth = thick - distance;
                if depth > 0.0 {
                    self.any |= depth > WORTH;
                    let way = slope.xy() / slope.xy().norm().max(1e-3) * depth;
                    self.most[t] = self.most[t].sup(&way);
                    self.least[t] = self.least[t].inf(&way);
                }
            }
        }
    }

    /// One shift for all that is asked: what the point that is deepest each way asks for. Every frame gets what the frames
    /// about it need, so that nothing jumps. None where there is room.
    fn together(&self) -> Option<Vec<Vector2<f32>>> {
        self.any.then(|| {
            let all: Vec<Vector2<f32>> = self
                .most
                .iter()
                .zip(&self.least)
                .map(|(most, least)| most + least)
                .collect();
            let side = |sign: f32| {
                let mut rows: Vec<f32> = all
                    .iter()
                    .flat_map(|by| [by.x, by.y].map(|by| (by * sign).max(0.0)))
                    .collect();
                widened(&mut rows, 2, &ASIDE);
                rows
            };
            let (to, fro) = (side(1.0), side(-1.0));
            let pairs = to.chunks_exact(2).zip(fro.chunks_exact(2));
            pairs
                .map(|(to, fro)| Vector2::new(to[0] - fro[0], to[1] - fro[1]))
                .collect()
        })
    }
}

/// How far a walker with these joints is to go aside at each frame, metres; None where there is room.
pub(super) fn walk_aside(joints: &[Joints], scene: &SceneField<'_>) -> Option<Vec<Vector2<f32>>> {
    let bodies: Vec<[Vector3<f32>; POINTS]> = joints.iter().map(body).collect();
    let mut asked = Asked::new(joints.len());
    asked.push(bodies.iter().map(|body| body.as_slice()), TORSO, |_, p| {
        scene.with_slope(p)
    });
    asked.together()
}

/// How deep body and object (about the object's centre) are in what stands about when swung about that centre: squared metres,
/// summed over the points, by notch from -[`NOTCHES`] on.
fn depths(
    scene: &SceneField<'_>,
    body: &[Vector3<f32>],
    object: &[Vector3<f32>],
    center: &Vector3<f32>,
) -> Vec<f32> {
    let all = || body.iter().chain(object);
    let radius = all().map(Vector3::norm).fold(0.0, f32::max) + TORSO;
    if scene.is_far(center, radius) {
        return vec![0.0; 2 * NOTCHES as usize + 1];
    }
    (-NOTCHES..=NOTCHES)
        .map(|notch| {
            let (s, c) = (notch as f32 * NOTCH).sin_cos();
            let depth = |p: &Vector3<f32>, thick: f32| {
                let swung = Vector3::new(p.x * c - p.y * s, p.x * s + p.y * c, p.z) + center;
                (thick - scene.distance(&swung)).max(0.0).powi(2)
            };
            let of_body: f32 = body.iter().map(|p| depth(p, TORSO)).sum();
            of_body + object.iter().map(|p| depth(p, 0.0)).sum::<f32>()
        })
        .collect()
}

/// The notches, knot by knot, of the swing that costs least: it begins at none, and ends, where it `arrives`, at a turn at
/// which an object looks the same that does so in `alike` ways. None where not to swing costs least.
fn least(depths: &[Vec<f32>], alike: u32, arrives: bool) -> Option<Vec<i64>> {
    let middle = NOTCHES as usize;
    if depths.iter().all(|row| row[middle] < 1e-4) {
        return None;
    }
    let count = depths[0].len();
    let mut cost = vec![f32::INFINITY; count];
    cost[middle] = 0.0;
    let mut came: Vec<Vec<usize>> = Vec::with_capacity(depths.len());
    for row in depths {
        let mut next = vec![f32::INFINITY; count];
        let mut from = vec![middle; count];
        for now in 0..count {
            for before in now.saturating_sub(1)..=(now + 1).min(count - 1) {
                let moved = if before == now { 0.0 } else { SWINGING };
                if cost[before] + moved < next[now] {
                    (next[now], from[now]) = (cost[before] + moved, before);
                }
            }
            let off = now as f32 - middle as f32;
            next[now] += row[now] + SWUNG * off * off;
        }
        cost = next;
        came.push(from);
    }
    let full = (std::f32::consts::TAU / NOTCH).round() as i64;
    let ends = |notch: usize| {
        let off = notch as i64 - NOTCHES;
        !arrives || (off * i64::from(alike.max(1))) % full == 0
    };
    let mut at = (0..count)
        .filter(|notch| ends(*notch))
        .min_by(|a, b| cost[*a].total_cmp(&cost[*b]))?;
    let mut path = vec![0; depths.len()];
    for k in (0..depths.len()).rev() {
        path[k] = at as i64 - NOTCHES;
        at = came[k][at];
    }
    path.iter().any(|notch| *notch != 0).then_some(path)
}

/// Angles of every frame, radians, from notches at knots.
fn over_time(path: &[i64], knots: &[usize], frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|t| {
            let k = knots.partition_point(|knot| *knot <= t);
            let notch = match k {
                0 => 0.0,
                k if k == knots.len() => path[k - 1] as f32,
                k => {
                    let u = (t - knots[k - 1]) as f32 / (knots[k] - knots[k - 1]) as f32;
                    path[k - 1] as f32 + (path[k] - path[k - 1]) as f32 * u
                }
            };
            notch * NOTCH
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Depths at knots at which only some notches are free.
    fn depths(knots: usize, free: impl Fn(usize, i64) -> bool) -> Vec<Vec<f32>> {
        (0..knots)
            .map(|k| {
                let row = (-NOTCHES..=NOTCHES).map(|n| if free(k, n) { 0.0 } else { 0.05 });
                row.collect()
            })
            .collect()
    }

    #[test]
    fn where_all_is_well_nothing_swings() {
        assert_eq!(least(&depths(20, |_, _| true), 1, true), None);
    }

    #[test]
    fn a_swing_goes_out_of_the_way_in_time_and_comes_back() {
        let narrow = depths(24, |k, n| !(10..14).contains(&k) || n >= 5);
        let path = least(&narrow, 1, true).expect("a swing");
        assert!(path[10..14].iter().all(|n| *n == 5), "{path:?}");
        assert_eq!(path[23], 0, "{path:?}");
        assert!(
            path.windows(2).all(|p| (p[1] - p[0]).abs() <= 1),
            "{path:?}"
        );
        // What looks the same four times may stay turned by a quarter.
        let end = depths(24, |k, n| k < 18 || n >= 9);
        assert_eq!(least(&end, 4, true).expect("a swing")[23], 9);
        // Where it is to end as it began, going there and back in no time helps nobody.
        assert_eq!(least(&end, 1, true), None);
        assert_eq!(least(&end, 1, false).expect("a swing")[23], 9);
    }

    #[test]
    fn knots_are_met_and_what_lies_between_is_between() {
        let angles = over_time(&[0, 1, 1, 0], &[8, 12, 16, 20], 40);
        let notch = NOTCH;
        assert_eq!((angles[0], angles[8], angles[30]), (0.0, 0.0, 0.0));
        assert!((angles[10] - notch / 2.0).abs() < 1e-6);
        assert!((angles[14] - notch).abs() < 1e-6);
    }
}
