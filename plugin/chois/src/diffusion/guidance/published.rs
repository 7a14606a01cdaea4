//! Guidance as published (specification, section 8), for the ancestral sampler: losses as means over everything, large weights,
//! active for steps 9 to 1 of 1,000. On tensors, as its gradient is libtorch's.

use tch::{Kind, Tensor};

use crate::diffusion::sampler::{Guide, Moment};
use crate::model::kinematics::{self, Bounds};
use crate::motion::features::{CONTACT, JOINT_POSITIONS, OBJECT_POSITION, OBJECT_ROTATION};
use crate::skeleton::{TOE_HEIGHT, joint};

/// Distance of palm and surface that counts as held, metres.
const HELD: f64 = 0.02;
/// Height of the lower toe joint over the floor, metres.
const TOE: f64 = TOE_HEIGHT as f64;
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
}

/// A prediction in metres.
struct Posed {
    joints: Tensor,
    center: Tensor,
    /// As predicted, not orthonormal.
    relative: Tensor,
    rotation: Tensor,
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
    fn pose(&self, x: &Tensor) -> Posed {
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
            rotation: through_quaternion(&relative.matmul(&self.reference.unsqueeze(1))),
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
