//! Rotations and forward kinematics on tensors, differentiable: what the losses and the guidance need.

use tch::Tensor;

use crate::motion::features::{JOINT_ROTATIONS, Statistics};
use crate::skeleton::{JOINTS, PARENTS, ROTATIONS};

/// Bounds of the normalisation as tensors.
pub struct Bounds {
    joint_min: Tensor,
    joint_span: Tensor,
    object_min: Tensor,
    object_span: Tensor,
}

impl Bounds {
    /// From plain statistics.
    pub fn new(s: &Statistics, device: tch::Device) -> Self {
        let joints = |v: &[[f32; 3]]| {
            Tensor::from_slice(v.as_flattened())
                .view([JOINTS as i64, 3])
                .to_device(device)
        };
        let (low, high) = (joints(&s.joint_min), joints(&s.joint_max));
        let object_min = Tensor::from_slice(&s.object_min).to_device(device);
        let object_max = Tensor::from_slice(&s.object_max).to_device(device);
        Self {
            joint_span: high - &low,
            joint_min: low,
            object_span: object_max - &object_min,
            object_min,
        }
    }

    /// Joint positions in metres, (..., 24, 3), from normalised ones of the same shape.
    pub fn joints(&self, n: &Tensor) -> Tensor {
        (n + 1.0) * 0.5 * &self.joint_span + &self.joint_min
    }

    /// The inverse of [`Self::joints`].
    pub fn normalise_joints(&self, metres: &Tensor) -> Tensor {
        (metres - &self.joint_min) * 2.0 / &self.joint_span - 1.0
    }

    /// One joint's position in metres, (..., 3), from a normalised one.
    pub fn joint(&self, joint: usize, n: &Tensor) -> Tensor {
        (n + 1.0) * 0.5 * self.joint_span.get(joint as i64) + self.joint_min.get(joint as i64)
    }

    /// The object's centre in metres, (..., 3), from a normalised one.
    pub fn object(&self, n: &Tensor) -> Tensor {
        (n + 1.0) * 0.5 * &self.object_span + &self.object_min
    }
}

fn unit(v: &Tensor) -> Tensor {
    v / v.norm_scalaropt_dim(2, [-1], true).clamp_min(1e-12)
}

/// Matrices (..., 3, 3) from the 6D form (..., 6): Gram-Schmidt on rows.
pub fn matrix_from_6d(d: &Tensor) -> Tensor {
    let a = d.narrow(-1, 0, 3);
    let b = d.narrow(-1, 3, 3);
    let r1 = unit(&a);
    let dot = (&r1 * &b).sum_dim_intlist(-1, true, None);
    let r2 = unit(&(b - dot * &r1));
    let r3 = r1.linalg_cross(&r2, -1);
    Tensor::stack(&[r1, r2, r3], -2)
}

/// World rotations (B, T, 22, 3, 3) of features (B, T, 220).
pub fn joint_rotations(x: &Tensor) -> Tensor {
    let (batch, frames) = (x.size()[0], x.size()[1]);
    matrix_from_6d(
        &x.narrow(
            2,
            JOINT_ROTATIONS.start as i64,
            JOINT_ROTATIONS.len() as i64,
        )
        .view([batch, frames, ROTATIONS as i64, 6]),
    )
}

/// Joint positions (B, T, 24, 3), metres: `root` (B, T, 3), world rotations (B, T, 22, 3, 3), `offsets` (B, 24, 3).
pub fn forward(root: &Tensor, rotations: &Tensor, offsets: &Tensor) -> Tensor {
    // All bone vectors at once: each bone turns with its parent.
    let parents: Vec<i64> = PARENTS[1..].iter().map(|p| p.unwrap_or(0) as i64).collect();
    let index = Tensor::from_slice(&parents).to_device(rotations.device());
    let turned = rotations.index_select(2, &index);
    let bones = turned
        .matmul(
            &offsets
                .narrow(1, 1, JOINTS as i64 - 1)
                .unsqueeze(1)
                .unsqueeze(-1),
        )
        .squeeze_dim(-1)
        .unbind(2);
    let mut joints: Vec<Tensor> = Vec::with_capacity(JOINTS);
    joints.push(root.shallow_clone());
    for j in 1..JOINTS {
        let parent = PARENTS[j].unwrap_or(0);
        joints.push(&joints[parent] + &bones[j - 1]);
    }
    Tensor::stack(&joints, 2)
}
