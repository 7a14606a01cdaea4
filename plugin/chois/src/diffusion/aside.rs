//! Where person and object are as a whole: turned about the object, or the person moved aside, so that the object comes to
//! be turned as asked and nobody stands in what stands about. All else of guidance bends limbs; the network is given the
//! rest to make steps of.

use tch::{Kind, Tensor};

use super::guidance::{FewStep, SceneField, gradient, mean_filtered, widened};
use crate::motion::features::{JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION};

/// Joints for which there is to be room: all but hands. And bones, by both ends, in the middle of which there is to be.
const BODY: [i64; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19];
const BONES: [[i64; 2]; 4] = [[1, 4], [2, 5], [4, 7], [5, 8]];
/// How thick the body is about them beyond what the scene allows for, metres.
const TORSO: f64 = 0.03;
/// Which of these points are of pelvis and legs, which keep out of what is carried too; and how far, metres.
const LEGS: [i64; 13] = [0, 1, 2, 4, 5, 7, 8, 10, 11, 18, 19, 20, 21];
const LEG: f64 = 0.06;
/// Reaches of the mean filters by which a step aside comes and goes, frames.
const ASIDE: [i64; 2] = [5, 6];

/// Frames from one place at which a swing about the object is considered to the next, and radians from one turn to the
/// next; from one frame to the next considered one it changes by one such turn at most.
const KNOT: i64 = 4;
const NOTCH: f64 = std::f64::consts::PI / 18.0;
/// Farthest that they swing to either side, in such turns.
const NOTCHES: i64 = 18;
/// What a notch more or less costs, and being off by a notch at a knot, in squared metres of depth.
const SWINGING: f32 = 4e-4;
const SWUNG: f32 = 2e-5;
/// Vertices of the object that are looked at.
const VERTICES: i64 = 40;
/// Reaches of the mean filters that make a smooth motion of knots, frames.
const SWAY: [i64; 2] = [3, 4];

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

impl FewStep<'_> {
    /// Person and object turned about the object, more and more over the time that it is on its way, until it is turned as
    /// it is to be in the end: what hands and object do with each other stays. Feet are left to the network, which takes
    /// further steps from here.
    pub(super) fn turn_to(&self, x: &Tensor) -> Tensor {
        let [from, to] = self.way;
        let Some(goal) = self.turn.filter(|_| from < to) else {
            return x.shallow_clone();
        };
        let (batch, frames) = (x.size()[0], x.size()[1]);
        let rows = x.narrow(2, OBJECT_ROTATION.start as i64, 9);
        let at = |x: &Tensor, i: i64| x.narrow(2, i, 1);
        // What the frames in which it is at rest again agree on, or the last of a window before it is; see `upright`.
        let end = match &self.rest[1] {
            Some(share) => {
                (&rows * share).sum_dim_intlist([1_i64].as_slice(), true, Kind::Float)
                    / (share.sum(Kind::Float) + 1e-6)
            }
            None => rows.narrow(1, to.min(frames - 1), 1),
        };
        let angle = (at(&end, 3) - at(&end, 1)).atan2(&(at(&end, 0) + at(&end, 4)));
        let shares: Vec<f32> = (0..frames)
            .map(|t| {
                let u = ((t - from) as f32 / (to - from) as f32).clamp(0.0, 1.0);
                u * u * (3.0 - 2.0 * u)
            })
            .collect();
        let missing: Vec<f32> = (0..batch)
            .map(|b| goal.missing(angle.double_value(&[b, 0, 0]) as f32))
            .collect();
        let turn = Tensor::from_slice(&missing).view([batch, 1, 1])
            * Tensor::from_slice(&shares).view([1, frames, 1]);
        self.turned(x, &turn.to_device(x.device()))
    }

    /// Person and object turned about the object by angles (B, T, 1).
    fn turned(&self, x: &Tensor, turn: &Tensor) -> Tensor {
        let (batch, frames) = (x.size()[0], x.size()[1]);
        let (sine, cosine) = (turn.sin(), turn.cos());
        // The first two rows of a rotation, or x and y of a place, mix; what else there is stays.
        let mixed = |first: &Tensor, second: &Tensor, s: &Tensor, c: &Tensor| {
            (first * c - second * s, first * s + second * c)
        };
        let rows = x.narrow(2, OBJECT_ROTATION.start as i64, 9);
        let object = {
            let (a, b) = mixed(&rows.narrow(2, 0, 3), &rows.narrow(2, 3, 3), &sine, &cosine);
            Tensor::cat(&[a, b, rows.narrow(2, 6, 3)], 2)
        };
        let many = |t: &Tensor| t.unsqueeze(-1);
        let bones = x
            .narrow(
                2,
                JOINT_ROTATIONS.start as i64,
                JOINT_ROTATIONS.len() as i64,
            )
            .view([batch, frames, -1, 6]);
        let bones = {
            let (a, b) = mixed(
                &bones.narrow(3, 0, 3),
                &bones.narrow(3, 3, 3),
                &many(&sine),
                &many(&cosine),
            );
            Tensor::cat(&[a, b], 3).reshape([batch, frames, -1])
        };
        let bounds = &self.interaction.bounds;
        let places = x
            .narrow(
                2,
                JOINT_POSITIONS.start as i64,
                JOINT_POSITIONS.len() as i64,
            )
            .view([batch, frames, -1, 3]);
        let middle = bounds.object(&x.narrow(2, OBJECT_POSITION.start as i64, 3));
        let middle =
            middle.unsqueeze(2) * Tensor::from_slice(&[1.0f32, 1.0, 0.0]).to_device(x.device());
        let off = bounds.joints(&places) - &middle;
        let (a, b) = mixed(
            &off.narrow(3, 0, 1),
            &off.narrow(3, 1, 1),
            &many(&sine),
            &many(&cosine),
        );
        let turned = Tensor::cat(&[a, b, off.narrow(3, 2, 1)], 3) + &middle;
        let places = bounds
            .normalise_joints(&turned)
            .reshape([batch, frames, -1]);
        let out = x.copy();
        for (range, values) in [
            (OBJECT_ROTATION, object),
            (JOINT_ROTATIONS, bones),
            (JOINT_POSITIONS, places),
        ] {
            out.narrow(2, range.start as i64, range.len() as i64)
                .copy_(&values);
        }
        out
    }

    /// Person and object swung about the object to where there is room for both while it is on its way: a person who cannot
    /// pass a table beside what they carry passes behind it. Of all such turns over time, each at most so fast, the one that
    /// is least deep in what stands about, and then the least, by dynamic programming. Nothing where all is well.
    pub(super) fn swing(&self, x: &Tensor, scene: &SceneField) -> Tensor {
        let frames = x.size()[1];
        let [from, to] = self.way;
        // The smoothing reaches so far beyond the knots.
        let reach: i64 = SWAY.iter().sum();
        let knots: Vec<i64> = (from + reach..(to - reach).min(frames))
            .step_by(KNOT as usize)
            .collect();
        if knots.len() < 3 {
            return x.shallow_clone();
        }
        let device = x.device();
        let posed = self.interaction.pose(x);
        let at = Tensor::from_slice(&knots).to_device(device);
        let vertices = &self.interaction.vertices;
        let stride = (vertices.size()[0] / VERTICES).max(1);
        let object = vertices
            .slice(0, None, None, stride)
            .matmul(&posed.rotation.transpose(2, 3))
            + posed.center.unsqueeze(2);
        let body = self::body(&posed.joints);
        let mut rows = Vec::new();
        for b in 0..x.size()[0] {
            let pick = |points: &Tensor| points.get(b).index_select(0, &at);
            let centre = posed.center.get(b).index_select(0, &at).unsqueeze(1);
            let depths = depths(scene, &pick(&body), &pick(&object), &centre);
            let path = least(
                &depths,
                self.turn.map_or(1, |goal| goal.alike),
                self.arrives,
            );
            rows.push(path.map(|path| over_time(&path, &knots, frames)));
        }
        if rows.iter().all(Option::is_none) {
            return x.shallow_clone();
        }
        let still = vec![0.0; frames as usize];
        let flat: Vec<f32> = rows
            .into_iter()
            .flat_map(|r| r.unwrap_or_else(|| still.clone()))
            .collect();
        let turn = Tensor::from_slice(&flat)
            .view([-1, 1, frames])
            .to_device(device);
        self.turned(x, &mean_filtered(turn, &SWAY).transpose(1, 2))
    }

    /// The whole person moved aside, out of what stands about: what limbs alone cannot do. Every frame gets what the frames
    /// about it need, so that nothing jumps.
    pub(super) fn step_aside(&self, x: &Tensor, scene: &SceneField) -> Tensor {
        let posed = self.interaction.pose(x);
        let body = self::body(&posed.joints);
        let mut asked: Vec<Tensor> = push(&body, TORSO, |points| scene.distance(points))
            .into_iter()
            .collect();
        if let Some(own) = &self.interaction.columns {
            let which = Tensor::from_slice(&LEGS).to_device(x.device());
            let legs = body.index_select(2, &which);
            let size = legs.size();
            asked.extend(push(&legs, LEG, |points| {
                let local = (points.view(size.as_slice()) - posed.center.detach().unsqueeze(2))
                    .matmul(&posed.rotation.detach());
                own.distance(&local.reshape([-1, 3]))
            }));
        }
        if asked.is_empty() {
            return x.shallow_clone();
        }
        tch::no_grad(|| {
            let by = together(&asked) * (self.config.scene * 2.0).min(1.0);
            let x = x.copy();
            for axis in 0..2 {
                let shift = by.select(2, axis) * self.level[axis as usize];
                let _ = x
                    .select(2, JOINT_POSITIONS.start as i64 + axis)
                    .g_add_(&shift);
            }
            x
        })
    }
}

/// Points (B, T, N, 3) of the body for which there is to be room, metres.
fn body(joints: &Tensor) -> Tensor {
    let device = joints.device();
    let at = |which: &[i64]| joints.index_select(2, &Tensor::from_slice(which).to_device(device));
    let middles = (at(&BONES.map(|b| b[0])) + at(&BONES.map(|b| b[1]))) * 0.5;
    Tensor::cat(&[at(&BODY), middles], 2)
}

/// One shift (B, T, 2) for all that is asked, (B, T, N, 2) each: what the joint that is deepest each way asks for. Every frame
/// gets what the frames about it need, so that nothing jumps.
fn together(asked: &[Tensor]) -> Tensor {
    let all = Tensor::cat(asked, 2);
    let most = all.amax([2], false).clamp_min(0.0) + all.amin([2], false).clamp_max(0.0);
    let rows = most.transpose(1, 2);
    let by = widened(&rows.clamp_min(0.0), &ASIDE) - widened(&(-&rows).clamp_min(0.0), &ASIDE);
    by.transpose(1, 2)
}

/// How far a walker with these joints (B, T, 24, 3) is to go aside, (B, T, 2), metres; None where there is room.
pub(super) fn walk_aside(joints: &Tensor, scene: &SceneField) -> Option<Tensor> {
    let asked = push(&body(joints), TORSO, |points| scene.distance(points))?;
    Some(tch::no_grad(|| together(&[asked])))
}

/// How far points (B, T, N, 3) are to go to be `thick` out of what `distance` tells of, level, (B, T, N, 2); None where none
/// is to.
fn push(points: &Tensor, thick: f64, distance: impl Fn(&Tensor) -> Tensor) -> Option<Tensor> {
    let size = points.size();
    let flat = points.detach().reshape([-1, 3]);
    let depth = tch::no_grad(|| (-distance(&flat) + thick).clamp_min(0.0));
    if depth.max().double_value(&[]) < 1e-3 {
        return None;
    }
    let out = gradient(&flat, |p| distance(p).sum(Kind::Float));
    Some(tch::no_grad(|| {
        let out = out.narrow(1, 0, 2);
        let way = &out / out.norm_scalaropt_dim(2, [1], true).clamp_min(1e-3);
        (way * depth.unsqueeze(1)).view([size[0], size[1], size[2], 2])
    }))
}

/// How deep body (K, N, 3) and object (K, M, 3) are in what stands about at each knot when swung about the object's centre
/// (K, 1, 3): squared metres, summed over the points, by knot and notch from -[`NOTCHES`] on.
fn depths(scene: &SceneField, body: &Tensor, object: &Tensor, centre: &Tensor) -> Vec<Vec<f32>> {
    let (knots, bodies) = (body.size()[0], body.size()[1]);
    let points = Tensor::cat(&[body, object], 1) - centre;
    let count = points.size()[1];
    let notches = 2 * NOTCHES + 1;
    let turn = (Tensor::arange(notches, (Kind::Float, points.device())) - NOTCHES as f64) * NOTCH;
    let (s, c) = (turn.sin().view([1, -1, 1]), turn.cos().view([1, -1, 1]));
    let along = |axis: i64| points.select(2, axis).unsqueeze(1);
    let (px, py, pz) = (along(0), along(1), along(2));
    let swung = Tensor::stack(
        &[
            &px * &c - &py * &s,
            &px * &s + &py * &c,
            pz.expand([knots, notches, count], false),
        ],
        -1,
    ) + centre.unsqueeze(1);
    let distance = scene
        .distance(&swung.view([-1, 3]))
        .view([knots, notches, count]);
    let depth = |from: i64, many: i64, thick: f64| {
        (-distance.narrow(2, from, many) + thick)
            .clamp_min(0.0)
            .square()
            .sum_dim_intlist([2].as_slice(), false, Kind::Float)
    };
    let all = depth(0, bodies, TORSO) + depth(bodies, count - bodies, 0.0);
    let flat = all.to_device(tch::Device::Cpu).contiguous().view(-1);
    let flat =
        Vec::<f32>::try_from(&flat).unwrap_or_else(|_| vec![0.0; (knots * notches) as usize]);
    flat.chunks(notches as usize).map(<[f32]>::to_vec).collect()
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
    let full = (std::f64::consts::TAU / NOTCH).round() as i64;
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
fn over_time(path: &[i64], knots: &[i64], frames: i64) -> Vec<f32> {
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
            notch * NOTCH as f32
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
        let notch = NOTCH as f32;
        assert_eq!((angles[0], angles[8], angles[30]), (0.0, 0.0, 0.0));
        assert!((angles[10] - notch / 2.0).abs() < 1e-6);
        assert!((angles[14] - notch).abs() < 1e-6);
    }
}
