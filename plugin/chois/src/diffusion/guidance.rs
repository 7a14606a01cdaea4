//! Guidance: what a clean prediction is moved toward while sampling (specification, section 8).
//!
//! [`Published`] is the release's rule for the ancestral sampler: losses as means over everything, large weights, active
//! for steps 9 to 1 of 1,000. At few steps that rule touches almost nothing, so [`FewStep`] states the same terms as
//! energies per frame in metres and descends them on the prediction of the last steps, with weights that mean "which share
//! of the error one iteration removes". What has a closed form is done by it: given places, the object at rest and over the
//! floor, the body's height over the floor.

use nalgebra::{UnitQuaternion, Vector3};
use tch::{Device, Kind, Tensor};

use super::aside::TurnGoal;
use super::sampler::{Guide, Moment};
use crate::geometry::SdfGrid;
use crate::model::kinematics::{self, Bounds};
use crate::motion::canonical::Canonical;
use crate::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION,
    Statistics,
};
use crate::motion::feet;
use crate::request::GuidanceConfig;
use crate::skeleton::{TOE_HEIGHT, joint};

/// Distance of palm and surface that counts as held, metres.
const HELD: f64 = 0.02;
/// Height of the lower toe joint over the floor, metres.
pub(super) const TOE: f64 = TOE_HEIGHT as f64;
/// Contact channels above this are contact, in the published rule.
const CONTACT_THRESHOLD: f64 = 0.95;

/// The person and the object that a prediction is about. B windows.
pub struct Interaction {
    /// Normalisation.
    pub bounds: Bounds,
    /// Bones (B, 24, 3), metres.
    pub offsets: Tensor,
    /// Vertices of the object at rest, relative to its centre, (V, 3), metres.
    pub vertices: Tensor,
    /// The object's rotation at the reference frame, (B, 3, 3).
    pub reference: Tensor,
    /// Reference of the consistency term: the same, except in the published first window (Q2).
    pub consistency_reference: Tensor,
    /// Rough distance to the object in its rest frame, for legs to be kept out of it.
    pub columns: Option<SceneField>,
    /// Whether predicted rotations of the object become rotations by way of a quaternion, as published, and not the nearest
    /// ones.
    pub by_quaternion: bool,
}

/// A prediction in metres.
pub(super) struct Posed {
    pub joints: Tensor,
    pub center: Tensor,
    /// As predicted, not orthonormal.
    relative: Tensor,
    pub rotation: Tensor,
}

/// Losses of the published rule, unweighted.
pub struct PublishedLosses {
    /// Palms to the object.
    pub contact: Tensor,
    /// Palms fixed relative to the object.
    pub consistency: Tensor,
    /// Object over the floor.
    pub object_floor: Tensor,
    /// Lower toe on the floor, times the number of windows.
    pub feet: Tensor,
    /// Number of windows.
    batch: f64,
}

impl PublishedLosses {
    /// Contact, consistency and object-floor together, as the release weighs them.
    pub fn hand_object(&self) -> Tensor {
        (&self.contact + &self.consistency + &self.object_floor * 100.0) * self.batch
    }

    /// What is descended.
    pub fn total(&self) -> Tensor {
        self.hand_object() * 1e4 + &self.feet * 3e5
    }
}

/// The rotation nearest to each matrix (..., 3, 3), by Newton's iteration for the polar factor (Higham, "Computing the polar
/// decomposition", 1986). What a prediction's rotation is far from one (flat or mirrored) goes through a quaternion.
fn nearest_rotation(m: &Tensor) -> Tensor {
    const ROUNDS: usize = 4;
    let mut x = m.shallow_clone();
    for _ in 0..ROUNDS {
        // Rows of the inverse's transpose: cross products of the other rows over the determinant.
        let row = |i: i64| x.select(-2, i);
        let cofactors = Tensor::stack(
            &[
                row(1).linalg_cross(&row(2), -1),
                row(2).linalg_cross(&row(0), -1),
                row(0).linalg_cross(&row(1), -1),
            ],
            -2,
        );
        let determinant = (row(0) * cofactors.select(-2, 0)).sum_dim_intlist(-1, true, Kind::Float);
        let inverse = cofactors / determinant.clamp_min(1e-2).unsqueeze(-1);
        x = (&x + inverse) * 0.5;
    }
    let off = x.matmul(&x.transpose(-2, -1)) - Tensor::eye(3, (Kind::Float, x.device()));
    let far = off.abs().amax([-2, -1], true).lt(1e-2).logical_not();
    through_quaternion(m).where_self(&far, &x)
}

/// A rotation matrix (..., 3, 3) through a quaternion, which makes a matrix that is not quite a rotation one.
fn through_quaternion(m: &Tensor) -> Tensor {
    let e = |r: i64, c: i64| m.select(-2, r).select(-1, c);
    let (m00, m11, m22) = (e(0, 0), e(1, 1), e(2, 2));
    let square = |a: f64, b: f64, c: f64| (&m00 * a + &m11 * b + &m22 * c + 1.0).clamp_min(0.0);
    let squares = Tensor::stack(
        &[
            square(1.0, 1.0, 1.0),
            square(1.0, -1.0, -1.0),
            square(-1.0, 1.0, -1.0),
            square(-1.0, -1.0, 1.0),
        ],
        -1,
    );
    let (x, y, z) = (e(2, 1) - e(1, 2), e(0, 2) - e(2, 0), e(1, 0) - e(0, 1));
    let (xy, xz, yz) = (e(1, 0) + e(0, 1), e(0, 2) + e(2, 0), e(1, 2) + e(2, 1));
    let own = |i: i64| squares.select(-1, i);
    // Each row is the quaternion times four of its own components; the largest component is the safe divisor.
    let rows = Tensor::stack(
        &[
            Tensor::stack(&[&own(0), &x, &y, &z], -1),
            Tensor::stack(&[&x, &own(1), &xy, &xz], -1),
            Tensor::stack(&[&y, &xy, &own(2), &yz], -1),
            Tensor::stack(&[&z, &xz, &yz, &own(3)], -1),
        ],
        -2,
    );
    let best = squares.argmax(-1, true).unsqueeze(-1);
    let size = best.size();
    let index = best.expand(
        size[..size.len() - 1]
            .iter()
            .copied()
            .chain([4])
            .collect::<Vec<_>>(),
        false,
    );
    let q = rows.gather(-2, &index, false).squeeze_dim(-2);
    let scale = q
        .square()
        .sum_dim_intlist(-1, false, Kind::Float)
        .clamp_min(1e-12);
    let (w, x, y, z) = (
        q.select(-1, 0),
        q.select(-1, 1),
        q.select(-1, 2),
        q.select(-1, 3),
    );
    let two = scale.reciprocal() * 2.0;
    let row = |a: Tensor, b: Tensor, c: Tensor| Tensor::stack(&[a, b, c], -1);
    Tensor::stack(
        &[
            row(
                -(&y * &y + &z * &z) * &two + 1.0,
                (&x * &y - &z * &w) * &two,
                (&x * &z + &y * &w) * &two,
            ),
            row(
                (&x * &y + &z * &w) * &two,
                -(&x * &x + &z * &z) * &two + 1.0,
                (&y * &z - &x * &w) * &two,
            ),
            row(
                (&x * &z - &y * &w) * &two,
                (&y * &z + &x * &w) * &two,
                -(&x * &x + &y * &y) * &two + 1.0,
            ),
        ],
        -2,
    )
}

impl Interaction {
    pub(super) fn pose(&self, x: &Tensor) -> Posed {
        let (b, t) = (x.size()[0], x.size()[1]);
        let root = self
            .bounds
            .joint(0, &x.narrow(2, JOINT_POSITIONS.start as i64, 3));
        let relative = x
            .narrow(2, OBJECT_ROTATION.start as i64, 9)
            .view([b, t, 3, 3]);
        Posed {
            joints: kinematics::forward(&root, &kinematics::joint_rotations(x), &self.offsets),
            center: self
                .bounds
                .object(&x.narrow(2, OBJECT_POSITION.start as i64, 3)),
            rotation: {
                let turned = relative.matmul(&self.reference.unsqueeze(1));
                if self.by_quaternion {
                    through_quaternion(&turned)
                } else {
                    // Guidance for few steps leaves the object's rotation to the network.
                    tch::no_grad(|| nearest_rotation(&turned))
                }
            },
            relative,
        }
    }

    /// Joints (B, T, 24, 3) and object vertices (B, T, V, 3) of a prediction, metres.
    pub fn joints_and_vertices(&self, x: &Tensor) -> (Tensor, Tensor) {
        let posed = self.pose(x);
        let vertices = self.posed_vertices(&posed);
        (posed.joints, vertices)
    }

    fn posed_vertices(&self, posed: &Posed) -> Tensor {
        self.vertices.matmul(&posed.rotation.transpose(2, 3)) + posed.center.unsqueeze(2)
    }

    /// Height (B, T) of the object's lowest vertex, metres.
    fn lowest(&self, posed: &Posed) -> Tensor {
        posed
            .rotation
            .select(2, 2)
            .matmul(&self.vertices.transpose(0, 1))
            .amin([-1_i64].as_slice(), false)
            + posed.center.select(-1, 2)
    }

    /// Distance (B, T, 2) of each palm to the nearest vertex, metres. The choice of the vertex carries no gradient.
    fn palm_distance(&self, posed: &Posed) -> Tensor {
        let palms = posed.joints.narrow(2, joint::LEFT_PALM as i64, 2);
        let nearest = tch::no_grad(|| {
            // In the object's frame the vertices stand still: one product for all frames.
            let local = (&palms - posed.center.unsqueeze(2)).matmul(&posed.rotation);
            let norms = self
                .vertices
                .square()
                .sum_dim_intlist(-1, false, Kind::Float);
            let score = norms - local.matmul(&self.vertices.transpose(0, 1)) * 2.0;
            score.argmin(-1, false)
        });
        let chosen = self
            .vertices
            .index_select(0, &nearest.view(-1))
            .view(palms.size().as_slice());
        let world = chosen.matmul(&posed.rotation.transpose(2, 3)) + posed.center.unsqueeze(2);
        (palms - world)
            .square()
            .sum_dim_intlist(-1, false, Kind::Float)
            .clamp_min(1e-12)
            .sqrt()
    }

    /// Losses of the published rule (specification, section 8). `length` cuts the hand-object terms to the frames that exist.
    pub fn published(&self, x: &Tensor, length: Option<i64>) -> PublishedLosses {
        let batch = x.size()[0] as f64;
        let toes = |x: &Posed| {
            let z = |j: usize| x.joints.select(2, j as i64).select(-1, 2);
            z(joint::LEFT_TOE).min_other(&z(joint::RIGHT_TOE))
        };
        let whole = self.pose(x);
        let feet = (toes(&whole) - TOE).square().mean(Kind::Float) * batch;
        let cut = match length {
            Some(length) if length < x.size()[1] => x.narrow(1, 0, length),
            _ => x.shallow_clone(),
        };
        let posed = self.pose(&cut);
        let held = cut
            .narrow(2, CONTACT.start as i64, 2)
            .detach()
            .gt(CONTACT_THRESHOLD)
            .to_kind(Kind::Float);
        let contact = (&held * self.palm_distance(&posed) - HELD)
            .clamp_min(0.0)
            .mean(Kind::Float);

        let rotation = posed
            .relative
            .matmul(&self.consistency_reference.unsqueeze(1))
            .detach();
        let center = posed.center.detach().unsqueeze(2);
        let palms = posed.joints.narrow(2, joint::LEFT_PALM as i64, 2);
        // Row vectors times R is R^T v.
        let local = (palms - center).matmul(&rotation);
        let unit = &local / local.square().sum_dim_intlist(-1, true, Kind::Float).sqrt();
        let unit = unit.transpose(1, 2);
        let alike = unit.matmul(&unit.transpose(2, 3));
        let hands = held.transpose(1, 2);
        let mask = hands.unsqueeze(-1) * hands.unsqueeze(-2);
        let consistency = (-(alike * mask).mean_dim([0_i64, 2, 3].as_slice(), false, Kind::Float)
            + 1.0)
            .sum(Kind::Float);

        let object_floor = self
            .posed_vertices(&posed)
            .select(-1, 2)
            .clamp_max(0.0)
            .abs()
            .mean(Kind::Float);
        PublishedLosses {
            contact,
            consistency,
            object_floor,
            feet,
            batch,
        }
    }
}

/// Gradient of a loss with respect to a prediction; not through the network.
pub fn gradient(x: &Tensor, loss: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    tch::with_grad(|| {
        let x = x.detach().set_requires_grad(true);
        let loss = loss(&x);
        // Where all terms are off it is a constant, and libtorch crashes on a graph without nodes.
        if !loss.requires_grad() {
            return x.zeros_like();
        }
        Tensor::run_backward(&[loss], &[&x], false, false).remove(0)
    })
}

/// The published rule: at steps 9 to 1, x0 moves by variance x 1000 against the gradient.
pub struct Published<'a> {
    /// Person and object.
    pub interaction: &'a Interaction,
    /// Frames that exist.
    pub length: Option<i64>,
}

impl Guide for Published<'_> {
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor> {
        if at.step == 0 || at.step >= 10 {
            return None;
        }
        let g = gradient(x0, |x| self.interaction.published(x, self.length).total());
        Some(x0 - g * (f64::from(at.variance) * 1000.0))
    }
}

/// A scene's signed distance, as a tensor.
pub struct SceneField {
    /// (1, 1, X, Y, Z).
    values: Tensor,
    centroid: Tensor,
    /// Half of the largest extent, metres.
    half: f64,
    /// Canonical to scene.
    turn: Tensor,
    origin: Tensor,
}

impl SceneField {
    /// The scene as seen from a window's canonical frame.
    pub fn new(grid: &SdfGrid, canonical: &Canonical, device: Device) -> Self {
        let [x, y, z] = grid.dims().map(|d| d as i64);
        let matrix = canonical.rotation.inverse().to_rotation_matrix();
        let rows: Vec<f32> = (0..9).map(|i| matrix[(i / 3, i % 3)]).collect();
        Self {
            values: Tensor::from_slice(grid.values())
                .view([1, 1, x, y, z])
                .to_device(device),
            centroid: Tensor::from_slice(grid.centroid().as_slice()).to_device(device),
            half: f64::from(grid.extents().max()) / 2.0,
            turn: Tensor::from_slice(&rows).view([3, 3]).to_device(device),
            origin: Tensor::from_slice(canonical.origin.as_slice()).to_device(device),
        }
    }

    /// A distance in its own frame.
    pub fn still(grid: &SdfGrid, device: Device) -> Self {
        let still = Canonical {
            rotation: UnitQuaternion::identity(),
            origin: Vector3::zeros(),
        };
        Self::new(grid, &still, device)
    }

    /// Signed distance (N), metres, of points (N, 3) of the canonical frame; differentiable.
    pub(super) fn distance(&self, points: &Tensor) -> Tensor {
        let scene = (points + &self.origin).matmul(&self.turn.transpose(0, 1));
        let u = (scene - &self.centroid) / self.half;
        // grid_sample counts its last axis first.
        let grid = u.flip([1]).view([1, 1, 1, -1, 3]);
        self.values.grid_sampler(&grid, 0, 1, true).view([-1]) * self.half
    }
}

/// Guidance for samplers of few steps.
pub struct FewStep<'a> {
    pub(super) interaction: &'a Interaction,
    pub(super) config: GuidanceConfig,
    /// Given values (B, T, 220), normalised.
    given: Tensor,
    /// Frames at which the object's x and y, and its z, are given.
    given_frames: [Vec<i64>; 2],
    /// Shares (1, T, 1) of the resting pose at the start and of the one at the end in the object's motion.
    pub(super) rest: [Option<Tensor>; 2],
    /// How the object is to be turned.
    pub(super) turn: Option<TurnGoal>,
    /// Frames between which the object is on its way, after as many as are kept from the window before.
    pub(super) way: [i64; 2],
    /// Whether the object comes to rest in this window.
    pub(super) arrives: bool,
    scene: Option<&'a SceneField>,
    /// What a unit of gradient does to each feature, (220).
    mobility: Tensor,
    /// The same for the arms alone.
    arms: Tensor,
    /// Normalised units per metre of the pelvis' and of the object's height.
    upward: [f64; 2],
    /// Normalised units per metre of the pelvis' x and y.
    pub(super) level: [f64; 2],
}

/// How many steps before all else guidance begins to turn the object, and to keep out of what stands about.
const EARLY: usize = 4;

/// Frames over which a correction of the first pose fades.
pub(super) const FADE: i64 = 15;

impl<'a> FewStep<'a> {
    /// Guidance of a request. `given` holds the given values: those of the first frame, the object's x and y at the first of
    /// `given_frames` and its z at the second, both ascending, from the first frame to the last that exists. The object
    /// rests up to the first frame of `rest` and from the second on; no term else keeps it still while nobody holds it. It is
    /// turned to the goal of `turn` between those frames, after as many frames as are kept from the window before.
    pub fn new(
        interaction: &'a Interaction,
        config: GuidanceConfig,
        statistics: &Statistics,
        given: &Tensor,
        given_frames: [Vec<usize>; 2],
        rest: [Option<usize>; 2],
        turn: (Option<TurnGoal>, usize),
        scene: Option<&'a SceneField>,
    ) -> Self {
        let last = given_frames[0].last().copied().unwrap_or_default();
        let (goal, kept) = turn;
        Self {
            turn: goal,
            way: [
                rest[0].unwrap_or_default().max(kept) as i64,
                rest[1].unwrap_or(last) as i64,
            ],
            arrives: rest[1].is_some(),
            interaction,
            config,
            given: given.shallow_clone(),
            given_frames: given_frames.map(|frames| frames.into_iter().map(|f| f as i64).collect()),
            rest: resting(rest, given.size()[1])
                .map(|share| share.map(|s| s.to_device(given.device()))),
            scene,
            mobility: mobility(statistics).to_device(given.device()),
            arms: arms().to_device(given.device()),
            upward: [
                (statistics.joint_min[0][2], statistics.joint_max[0][2]),
                (statistics.object_min[2], statistics.object_max[2]),
            ]
            .map(|(low, high)| 2.0 / f64::from(high - low)),
            level: [0, 1]
                .map(|a| 2.0 / f64::from(statistics.joint_max[0][a] - statistics.joint_min[0][a])),
        }
    }

    /// Squared distance of palms that are held to be in contact and the surface, summed over frames.
    fn contact_energy(&self, x: &Tensor, posed: &Posed) -> Tensor {
        let off = (self.interaction.palm_distance(posed) - HELD).clamp_min(0.0);
        (off.square() * coming(&held(x))).sum(Kind::Float) * (0.5 * self.config.contact)
    }

    /// Energy whose descent is the guidance: squared errors in metres, summed over frames.
    fn energy(&self, x: &Tensor) -> Tensor {
        let c = &self.config;
        let i = self.interaction;
        let posed = i.pose(x);
        let half_square = |e: Tensor| e.square().sum(Kind::Float) * 0.5;
        let mut energy = Tensor::zeros([], (Kind::Float, x.device()));
        let held = held(x);
        if c.contact > 0.0 {
            energy += self.contact_energy(x, &posed);
        }
        if c.consistency > 0.0 {
            let palms = posed.joints.narrow(2, joint::LEFT_PALM as i64, 2);
            let local =
                (palms - posed.center.detach().unsqueeze(2)).matmul(&posed.rotation.detach());
            let weight = held.unsqueeze(-1);
            let place = tch::no_grad(|| {
                (&local * &weight).sum_dim_intlist([1_i64].as_slice(), true, Kind::Float)
                    / (weight.sum_dim_intlist([1_i64].as_slice(), true, Kind::Float) + 1e-6)
            });
            let weight = coming(&held).unsqueeze(-1);
            energy += half_square((local - place) * weight.sqrt()) * c.consistency;
        }
        let toe = |j: usize| posed.joints.select(2, j as i64);
        if c.feet_floor > 0.0 {
            let z = |j: usize| toe(j).select(-1, 2);
            let low = z(joint::LEFT_TOE).min_other(&z(joint::RIGHT_TOE));
            // Most of it is `stand`'s; this lets the legs help.
            energy += half_square(low - TOE) * (0.3 * c.feet_floor);
        }
        if c.feet_slide > 0.0 {
            let toes = Tensor::stack(&TOES.map(toe), 2);
            let (place, firm) =
                tch::no_grad(|| planted(&toes.detach(), |path, _| feet::stances(path, feet::SLOW)));
            let off = (toes.narrow(3, 0, 2) - place) * firm.sqrt();
            energy += half_square(off) * c.feet_slide;
        }
        if let (Some(scene), true) = (self.scene, c.scene > 0.0) {
            let inside = |points: &Tensor| {
                half_square(scene.distance(&points.reshape([-1, 3])).clamp_max(0.0))
            };
            energy += inside(&posed.joints) * c.scene;
            // A thousand vertices say as much as all.
            let step = (i.vertices.size()[0] / 1000).max(1);
            let some = i.vertices.slice(0, None, None, step);
            let posed_some =
                some.matmul(&posed.rotation.transpose(2, 3)) + posed.center.unsqueeze(2);
            let count = posed_some.size()[2] as f64;
            energy += inside(&posed_some) * (c.scene / count.sqrt());
        }
        energy
    }

    /// The object through its given positions and the person from the given pose: the correction at a given frame is
    /// spread over time, so that nothing jumps.
    fn meet_given(&self, x: &Tensor) -> Tensor {
        let frames = x.size()[1];
        let x = x.copy();
        let error = &self.given - &x;
        for (axis, given) in [
            (0, &self.given_frames[0]),
            (1, &self.given_frames[0]),
            (2, &self.given_frames[1]),
        ] {
            let weights = interpolation(given, frames).to_device(x.device());
            let at = Tensor::from_slice(given).to_device(x.device());
            let wanted = error.select(2, axis).index_select(1, &at);
            let correction = wanted.matmul(&weights.transpose(0, 1)) * self.config.given;
            let _ = x.select(2, axis).g_add_(&correction);
        }
        let fade: Vec<f32> = (0..frames)
            .map(|t| {
                let s = (t as f32 / FADE as f32).min(1.0);
                (1.0 + (std::f32::consts::PI * s).cos()) / 2.0 * self.config.given as f32
            })
            .collect();
        let fade = Tensor::from_slice(&fade)
            .view([1, -1, 1])
            .to_device(x.device());
        let from = OBJECT_ROTATION.start as i64;
        let count = CONTACT.start as i64 - from;
        let first = error.narrow(1, 0, 1).narrow(2, from, count);
        let _ = x.narrow(2, from, count).g_add_(&(first * fade));
        self.at_rest(&x)
    }

    /// The object still where it stands before it is taken and after it is put down.
    fn at_rest(&self, x: &Tensor) -> Tensor {
        let from = OBJECT_POSITION.start as i64;
        let count = OBJECT_ROTATION.end as i64 - from;
        let strength = self.config.given.min(1.0);
        let mut object = x.narrow(2, from, count);
        let [before, after] = &self.rest;
        if let Some(share) = before {
            let start = self.given.narrow(1, 0, 1).narrow(2, from, count);
            object = &object + (start - &object) * share * strength;
        }
        if let Some(share) = after {
            // The place is given; how it is turned there is what the last frames agree on.
            let last = self.given_frames[0][self.given_frames[0].len() - 1];
            let place = self.given.narrow(1, last, 1).narrow(2, from, 3);
            let turn = (x.narrow(2, OBJECT_ROTATION.start as i64, 9) * share).sum_dim_intlist(
                [1_i64].as_slice(),
                true,
                Kind::Float,
            ) / (share.sum(Kind::Float) + 1e-6);
            let end = Tensor::cat(&[place, upright(&turn)], -1);
            object = &object + (end - &object) * share * strength;
        }
        let rest = x.narrow(2, count, FEATURES as i64 - count);
        Tensor::cat(&[object, rest], -1)
    }
}

/// Frames in which an object goes over from rest to motion, and from motion to rest.
const SETTLE: f32 = 8.0;
/// An object that is put down leaning by less than the first angle stands as it stood before, but for its turn about the
/// vertical; one that leans by more than the second was laid down on purpose. Radians.
const LEANING: (f64, f64) = (0.4, 0.7);

/// Shares (1, T, 1) of the resting poses over time: 1 up to the first frame of `rest`, and from the second on.
fn resting(rest: [Option<usize>; 2], frames: i64) -> [Option<Tensor>; 2] {
    let share = |f: &dyn Fn(f32) -> f32| {
        let values: Vec<f32> = (0..frames)
            .map(|t| {
                let u = f(t as f32).clamp(0.0, 1.0);
                u * u * (3.0 - 2.0 * u)
            })
            .collect();
        Tensor::from_slice(&values).view([1, -1, 1])
    };
    let [until, from] = rest.map(|frame| frame.map(|f| f as f32));
    [
        until.map(|until| share(&|t| 1.0 - (t - until) / SETTLE)),
        from.map(|from| share(&|t| (t - from + SETTLE) / SETTLE)),
    ]
}

/// A rotation since the start (B, 1, 9), row-major, without its lean.
fn upright(turn: &Tensor) -> Tensor {
    let e = |r: i64, c: i64| turn.narrow(2, 3 * r + c, 1);
    let (sine, cosine) = (e(1, 0) - e(0, 1), e(0, 0) + e(1, 1));
    let size = (&sine * &sine + &cosine * &cosine).sqrt().clamp_min(1e-6);
    let (s, c) = (sine / &size, cosine / &size);
    let (zero, one) = (s.zeros_like(), s.ones_like());
    let level = Tensor::cat(&[&c, &-&s, &zero, &s, &c, &zero, &zero, &zero, &one], 2);
    let lean = e(2, 2).clamp(-1.0, 1.0).acos();
    let share = ((-lean + LEANING.1) / (LEANING.1 - LEANING.0)).clamp(0.0, 1.0);
    turn + (level - turn) * share
}

impl FewStep<'_> {
    /// [`Self::keep_up`], where hands are to be on what they hold at all.
    fn kept_up(&self, x: &Tensor) -> Option<Tensor> {
        (self.config.contact > 0.0)
            .then(|| self.keep_up(x))
            .flatten()
    }

    /// The whole person moved up or down so that the lower toe stands on the floor: what the gradient takes many small
    /// steps for. Smoothed over time, so that a step's last contact and the next one's first do not jolt the body.
    fn stand(&self, x: &Tensor) -> Tensor {
        let posed = self.interaction.pose(x);
        let z = |j: usize| posed.joints.select(2, j as i64).select(-1, 2);
        let low = z(joint::LEFT_TOE).min_other(&z(joint::RIGHT_TOE));
        let off = smooth(&(-low + TOE));
        // Out of the floor at once, down to it as far as is asked for.
        let up = off.clamp_min(0.0);
        let down = off.clamp_max(0.0) * self.config.feet_floor.min(1.0);
        let shift = (up + down) * self.upward[0];
        let x = x.copy();
        let _ = x.select(2, JOINT_POSITIONS.start as i64 + 2).g_add_(&shift);
        x
    }

    /// The object raised out of the floor.
    fn raise(&self, x: &Tensor) -> Tensor {
        let depth = self
            .interaction
            .lowest(&self.interaction.pose(x))
            .clamp_max(0.0);
        let shift = depth * (-self.config.object_floor.min(1.0) * self.upward[1]);
        let x = x.copy();
        let _ = x.select(2, OBJECT_POSITION.start as i64 + 2).g_add_(&shift);
        x
    }
}

/// How sure the contact channels are of each hand, (B, T, 2): 0 at 0.5, 1 from 0.9 on. Carries no gradient.
pub(super) fn held(x: &Tensor) -> Tensor {
    ((x.narrow(2, CONTACT.start as i64, 2).detach() - 0.5) / 0.4).clamp(0.0, 1.0)
}

/// Reaches, in frames, of the two mean filters that make a smooth transition of a jump.
const GENTLE: [i64; 2] = [2, 3];

/// Rows (B, C, T), smoothed over time, the ends repeated.
fn gentle(rows: Tensor) -> Tensor {
    mean_filtered(rows, &GENTLE)
}

/// Rows (B, C, T) that are everywhere as large as they are within the reach of the filters, and rise and fall smoothly.
pub(super) fn widened(rows: &Tensor, reaches: &[i64]) -> Tensor {
    let reach: i64 = reaches.iter().sum();
    let widened =
        rows.replication_pad1d([reach, reach])
            .max_pool1d([2 * reach + 1], [1], [0], [1], false);
    mean_filtered(widened, reaches)
}

pub(super) fn mean_filtered(rows: Tensor, reaches: &[i64]) -> Tensor {
    (reaches.iter()).fold(rows, |x, &half| {
        x.replication_pad1d([half, half])
            .avg_pool1d([2 * half + 1], [1], [0], false, true)
    })
}

/// Weights (B, T, 2) that are `held`'s while a hand holds, and rise and fall outside of that: contact channels change
/// within a frame or two, and a hand that is only then brought to the surface jumps there.
fn coming(held: &Tensor) -> Tensor {
    widened(&held.transpose(1, 2), &GENTLE).transpose(1, 2)
}

/// A gradient (B, T, 220) in the metric in which motions far apart in speed are far apart, and not only those far apart in
/// place (a Sobolev gradient): what one frame asks for, those about it share. The nearest vertex to a palm is now on this
/// side of a pole and now on that; followed frame by frame hands would jump.
fn shared(gradient: &Tensor) -> Tensor {
    gentle(gradient.transpose(1, 2)).transpose(1, 2)
}

/// The toe joints.
pub(super) const TOES: [usize; 2] = [joint::LEFT_TOE, joint::RIGHT_TOE];
/// Frames in which a stance comes and goes: a foot that is held and let go in one frame jumps.
const EASE: f32 = 4.0;

/// Where each toe joint ought to stand, (B, T, 2, 2), and how firmly, (B, T, 2, 1), from positions (B, T, 2, 3) in metres:
/// over each stance at the stance's mean place. `stances` finds them in the path of a toe of a window.
pub(super) fn planted(
    toes: &Tensor,
    stances: impl Fn(&[Vector3<f32>], usize) -> Vec<(usize, usize)>,
) -> (Tensor, Tensor) {
    let size = toes.size();
    let (batch, frames) = (size[0] as usize, size[1] as usize);
    let count = batch * frames * TOES.len();
    let flat = toes.to_device(Device::Cpu).contiguous().view(-1);
    let values = Vec::<f32>::try_from(&flat).unwrap_or_else(|_| vec![0.0; 3 * count]);
    let mut places = vec![0.0_f32; 2 * count];
    let mut firm = vec![0.0_f32; count];
    for b in 0..batch {
        for k in 0..TOES.len() {
            let at = |t: usize| (b * frames + t) * TOES.len() + k;
            let path: Vec<Vector3<f32>> = (0..frames)
                .map(|t| Vector3::from_column_slice(&values[3 * at(t)..3 * at(t) + 3]))
                .collect();
            for (from, to) in stances(&path, b) {
                let mean = path[from..to].iter().sum::<Vector3<f32>>() / (to - from) as f32;
                for t in from..to {
                    places[2 * at(t)..2 * at(t) + 2].copy_from_slice(&[mean.x, mean.y]);
                    firm[at(t)] = ((t - from + 1).min(to - t) as f32 / EASE).min(1.0);
                }
            }
        }
    }
    let tensor = |values: &[f32], last: i64| {
        Tensor::from_slice(values)
            .view([size[0], size[1], TOES.len() as i64, last])
            .to_device(toes.device())
    };
    (tensor(&places, 2), tensor(&firm, 1))
}

/// Mean over seven frames of (B, T), the ends repeated.
pub(super) fn smooth(x: &Tensor) -> Tensor {
    const REACH: i64 = 3;
    x.unsqueeze(1)
        .replication_pad1d([REACH, REACH])
        .avg_pool1d([2 * REACH + 1], [1], [0], false, true)
        .squeeze_dim(1)
}

/// (T, K) weights that spread values at K frames over all frames, linearly.
pub(super) fn interpolation(given: &[i64], frames: i64) -> Tensor {
    let mut weights = vec![0.0_f32; frames as usize * given.len()];
    for t in 0..frames {
        let row = &mut weights[t as usize * given.len()..][..given.len()];
        match given.iter().position(|g| *g >= t) {
            None => row[given.len() - 1] = 1.0,
            Some(0) => row[0] = 1.0,
            Some(n) => {
                let w = (t - given[n - 1]) as f32 / (given[n] - given[n - 1]).max(1) as f32;
                row[n - 1] = 1.0 - w;
                row[n] = w;
            }
        }
    }
    Tensor::from_slice(&weights).view([frames, given.len() as i64])
}

/// How far each feature gives way. Positions: per metre of error, in normalised units, less for the root and least for the
/// object, which has its path. Rotations: each bone contributes its own vector, so all bones of an arm (or leg) together
/// make up a palm's (or toe's) error.
pub(super) fn mobility(s: &Statistics) -> Tensor {
    let mut m = vec![0.0_f32; FEATURES];
    for a in 0..3 {
        let object = 2.0 / (s.object_max[a] - s.object_min[a]);
        m[OBJECT_POSITION.start + a] = object * object * if a == 2 { 0.6 } else { 0.05 };
        let root = 2.0 / (s.joint_max[0][a] - s.joint_min[0][a]);
        m[JOINT_POSITIONS.start + a] = root * root * if a == 2 { 0.4 } else { 0.03 };
    }
    for (joints, give) in [
        (&[1, 2, 4, 5][..], 2.0),
        (&[7, 8], 1.0),
        (&[0, 3, 6, 9], 1.0),
    ]
    .iter()
    .chain(&ARMS)
    {
        for j in *joints {
            let at = JOINT_ROTATIONS.start + 6 * j;
            m[at..at + 6].fill(*give);
        }
    }
    Tensor::from_slice(&m)
}

/// Joints of the arms and how far they give way.
const ARMS: [(&[usize], f32); 3] = [(&[13, 14], 1.5), (&[16, 17, 18, 19], 4.0), (&[20, 21], 2.0)];

/// Mobility of the arms alone.
fn arms() -> Tensor {
    let mut m = vec![0.0_f32; FEATURES];
    for (joints, give) in ARMS {
        for j in joints {
            let at = JOINT_ROTATIONS.start + 6 * j;
            m[at..at + 6].fill(give);
        }
    }
    Tensor::from_slice(&m)
}

impl Guide for FewStep<'_> {
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor> {
        let scene = self.scene.filter(|_| self.config.scene > 0.0);
        if at.remaining >= self.config.last_steps {
            // A turn is the whole body's affair: the network is told of it while it can still take other steps.
            let early = at.remaining < self.config.last_steps + EARLY;
            return early.then_some(()).and_then(|()| {
                tch::no_grad(|| {
                    let kept = self.kept_up(x0);
                    if kept.is_none() && self.turn.is_none() && scene.is_none() {
                        return None;
                    }
                    let x = self.turn_to(kept.as_ref().unwrap_or(x0));
                    Some(scene.map_or_else(|| x.shallow_clone(), |scene| self.swing(&x, scene)))
                })
            });
        }
        let mut x = x0.shallow_clone();
        // What has a closed form, the gradient for what remains, then what must hold exactly.
        tch::no_grad(|| {
            x = self.turn_to(&x);
            if self.config.given > 0.0 {
                x = self.meet_given(&x);
            }
            x = self.kept_up(&x).unwrap_or_else(|| x.shallow_clone());
        });
        if let Some(scene) = scene {
            x = tch::no_grad(|| self.swing(&x, scene));
            x = self.step_aside(&x, scene);
        }
        for _ in 0..self.config.iterations {
            if self.config.feet_floor > 0.0 {
                x = tch::no_grad(|| self.stand(&x));
            }
            let g = gradient(&x, |x| self.energy(x));
            x = tch::no_grad(|| x - shared(&g) * &self.mobility);
        }
        // Before the last step the network has the last word on the pose anyway.
        if at.remaining == 0 && self.config.feet_floor > 0.0 {
            x = tch::no_grad(|| self.stand(&x));
            // The body has moved once more: the arms make up for it.
            for _ in 0..self.config.iterations {
                let g = gradient(&x, |x| self.contact_energy(x, &self.interaction.pose(x)));
                x = tch::no_grad(|| x - shared(&g) * &self.arms);
            }
        }
        tch::no_grad(|| {
            if self.config.given > 0.0 {
                x = self.meet_given(&x);
            }
            if self.config.object_floor > 0.0 {
                x = self.raise(&x);
            }
        });
        Some(x)
    }
}
