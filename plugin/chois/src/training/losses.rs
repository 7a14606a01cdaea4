//! Training losses (specification, section 7). Means run over all entries, padded zeros included, as published.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::model::kinematics::{self, Bounds};
use crate::motion::features::{CONTACT, JOINT_POSITIONS, OBJECT_POSITION, OBJECT_ROTATION};
use crate::skeleton::JOINTS;

/// Hands of the forward-kinematics loss: wrists and palms.
const HANDS: [i64; 4] = [20, 21, 22, 23];
/// Feet of the forward-kinematics loss: ankles and toes.
const FEET: [i64; 4] = [7, 8, 10, 11];
/// Least unit that an error is divided by, normalised units: what is lost by rounding in the first steps of the schedule is
/// no error.
const LEAST_UNIT: f64 = 1e-4;

/// Weights of the losses beside the diffusion loss. The first three are the published ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossWeights {
    /// Contact channels.
    pub contact: f64,
    /// Hands and feet by forward kinematics.
    pub kinematics: f64,
    /// Whether errors of hands and feet move the predicted pelvis too, as published, or the joints' rotations alone. In metres
    /// the pelvis drowns the rest in a network that begins from nothing: gradients of a norm of 10 to 50 with it, of 1 to 3
    /// without.
    pub pelvis: bool,
    /// Points on the object.
    pub keypoints: f64,
    /// Palm relative to the object's centre while in contact. Not in the published model.
    pub hand_object: f64,
    /// Velocity of a palm in the object's own frame while in contact, metres per frame. Not in the published model: where a
    /// person and an object are each drawn a centimetre off their places, a step later to the other side, every other loss
    /// counts two small errors and who looks sees hands that slide.
    pub hand_slip: f64,
    /// Speed of ankles and toes, metres per frame. Not in the published model.
    pub foot_speed: f64,
    /// Squared error of all features. Not in the published model: of what could be either way, such as which foot comes next,
    /// the error itself asks for the middle until it is more likely one than the other, the square for as much as is known.
    pub squared: f64,
    /// What the network says, in the data's units, of a preconditioned network alone. Not in the published model: there what
    /// varies by decimetres in a room counts as little as it is, and so does what is left of the noise in the last steps; a
    /// pelvis trembles.
    pub units: f64,
    /// Squared acceleration of all joints, metres per frame and frame. Not in the published model: a network that does not
    /// know in which frame a hand lets go leaves all of the way to one frame, which costs the other losses nothing.
    pub acceleration: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self {
            contact: 1.0,
            kinematics: 0.5,
            pelvis: true,
            keypoints: 1.0,
            hand_object: 0.0,
            hand_slip: 0.0,
            foot_speed: 0.0,
            squared: 0.0,
            units: 0.0,
            acceleration: 0.0,
        }
    }
}

/// What the losses compare a prediction with. B windows of T frames.
pub struct Target<'a> {
    /// Clean features (B, T, 220).
    pub features: &'a Tensor,
    /// 1 at frames that exist, (B, T).
    pub frames: &'a Tensor,
    /// Bones (B, 24, 3), metres.
    pub offsets: &'a Tensor,
    /// Points of the object in its rest frame, relative to the centre, (B, K, 3), metres.
    pub keypoints_rest: &'a Tensor,
    /// The same points posed, (B, T, K, 3); zero at frames that do not exist.
    pub keypoints: &'a Tensor,
    /// The object's rotation at the reference frame, (B, 3, 3).
    pub reference: &'a Tensor,
    /// 1 at the channels that count, (B, 1, 220); all where `None`. A window whose object does not count has no object.
    pub channels: Option<&'a Tensor>,
    /// What a preconditioned network's raw output was multiplied by, (B, 1, 220), see
    /// [`crate::diffusion::Preconditioning::unit`].
    pub unit: Option<&'a Tensor>,
}

/// Values of the losses, differentiable.
pub struct Losses {
    /// All features.
    pub diffusion: Tensor,
    /// The object's features (logging only; part of `diffusion`).
    pub object: Tensor,
    /// The person's and contact features (logging only; part of `diffusion`).
    pub human: Tensor,
    /// Contact channels.
    pub contact: Tensor,
    /// Hands and feet by forward kinematics.
    pub kinematics: Tensor,
    /// Points on the object.
    pub keypoints: Tensor,
    /// Palm relative to the object while in contact.
    pub hand_object: Tensor,
    /// Velocity of a palm in the object's own frame while in contact.
    pub hand_slip: Tensor,
    /// Speed of the feet.
    pub foot_speed: Tensor,
    /// Squared error of all features.
    pub squared: Tensor,
    /// Error of the network's raw output; 0 where it is not preconditioned.
    pub units: Tensor,
    /// Acceleration of all joints.
    pub acceleration: Tensor,
}

impl Losses {
    /// Losses of a prediction (B, T, 220), not yet weighted.
    pub fn new(
        prediction: &Tensor,
        target: &Target<'_>,
        bounds: &Bounds,
        weights: &LossWeights,
    ) -> Self {
        let mean = |t: Tensor| t.mean(Kind::Float);
        let frames = target.frames.unsqueeze(-1);
        let mut error = (prediction - target.features).abs() * &frames;
        if let Some(channels) = target.channels {
            error *= channels;
        }
        let part =
            |start: usize, end: usize| mean(error.narrow(2, start as i64, (end - start) as i64));

        let joints = |x: &Tensor| {
            let (b, t) = (x.size()[0], x.size()[1]);
            bounds.joints(
                &x.narrow(
                    2,
                    JOINT_POSITIONS.start as i64,
                    JOINT_POSITIONS.len() as i64,
                )
                .view([b, t, JOINTS as i64, 3]),
            )
        };
        let truth = joints(target.features);
        let mut root = bounds.joint(0, &prediction.narrow(2, JOINT_POSITIONS.start as i64, 3));
        if !weights.pelvis {
            root = root.detach();
        }
        let predicted = kinematics::forward(
            &root,
            &kinematics::joint_rotations(prediction),
            target.offsets,
        );
        let pick = |x: &Tensor, ids: &[i64]| {
            x.index_select(2, &Tensor::from_slice(ids).to_device(x.device()))
        };
        let frames4 = frames.unsqueeze(-1);
        let distance =
            |ids: &[i64]| mean((pick(&predicted, ids) - pick(&truth, ids)).abs() * &frames4);
        let kinematics = distance(&HANDS) + distance(&FEET);

        let center = |x: &Tensor| bounds.object(&x.narrow(2, OBJECT_POSITION.start as i64, 3));
        let (b, t) = (prediction.size()[0], prediction.size()[1]);
        let rotation = prediction
            .narrow(2, OBJECT_ROTATION.start as i64, 9)
            .view([b, t, 3, 3])
            .matmul(&target.reference.unsqueeze(1));
        let predicted_center = center(prediction);
        let points = target
            .keypoints_rest
            .unsqueeze(1)
            .matmul(&rotation.transpose(2, 3))
            + predicted_center.unsqueeze(2);
        let mut keypoints = (points - target.keypoints).abs() * &frames4;
        if let Some(channels) = target.channels {
            keypoints *= channels
                .narrow(2, OBJECT_POSITION.start as i64, 1)
                .unsqueeze(-1);
        }
        let keypoints = mean(keypoints);

        let held = target
            .features
            .narrow(2, CONTACT.start as i64, 2)
            .gt(0.5)
            .to_kind(Kind::Float)
            .unsqueeze(-1)
            * &frames4;
        let grip = |joints: &Tensor, center: &Tensor| joints.narrow(2, 22, 2) - center.unsqueeze(2);
        let predicted_grip = grip(&predicted, &predicted_center);
        let true_grip = grip(&truth, &center(target.features));
        let hand_object = ((&predicted_grip - &true_grip).abs() * &held).sum(Kind::Float)
            / (held.sum(Kind::Float) * 3.0 + 1.0);

        // Rows of a matrix times the matrix are its transpose times columns: from the room into the object's frame.
        let true_rotation = target
            .features
            .narrow(2, OBJECT_ROTATION.start as i64, 9)
            .view([b, t, 3, 3])
            .matmul(&target.reference.unsqueeze(1));
        let slip = |grip: &Tensor, rotation: &Tensor| {
            let palms = grip.matmul(rotation);
            palms.narrow(1, 1, t - 1) - palms.narrow(1, 0, t - 1)
        };
        let still_held = held.narrow(1, 1, t - 1) * held.narrow(1, 0, t - 1);
        let hand_slip = ((slip(&predicted_grip, &rotation) - slip(&true_grip, &true_rotation))
            .abs()
            * &still_held)
            .sum(Kind::Float)
            / (still_held.sum(Kind::Float) * 3.0 + 1.0);

        let speed = |x: &Tensor| {
            let feet = pick(x, &FEET);
            feet.narrow(1, 1, t - 1) - feet.narrow(1, 0, t - 1)
        };
        let foot_speed =
            mean((speed(&predicted) - speed(&truth)).abs() * frames4.narrow(1, 1, t - 1));

        let acceleration = |x: &Tensor| {
            x.narrow(1, 2, t - 2) - x.narrow(1, 1, t - 2) * 2.0 + x.narrow(1, 0, t - 2)
        };
        let acceleration = mean(
            (acceleration(&predicted) - acceleration(&truth)).square()
                * frames4.narrow(1, 2, t - 2),
        );

        Self {
            diffusion: mean(error.shallow_clone()),
            object: part(0, OBJECT_ROTATION.end),
            human: part(JOINT_POSITIONS.start, CONTACT.end),
            contact: part(CONTACT.start, CONTACT.end),
            kinematics,
            keypoints,
            hand_object,
            hand_slip,
            foot_speed,
            squared: mean(error.square()),
            units: match target.unit {
                Some(unit) => mean(&error / unit.clamp_min(LEAST_UNIT)),
                None => Tensor::from(0.0_f32).to_device(error.device()),
            },
            acceleration,
        }
    }

    /// The sum that is minimised.
    pub fn total(&self, w: &LossWeights) -> Tensor {
        let mut total = &self.diffusion
            + &self.contact * w.contact
            + &self.kinematics * w.kinematics
            + &self.keypoints * w.keypoints;
        if w.hand_object != 0.0 {
            total += &self.hand_object * w.hand_object;
        }
        if w.hand_slip != 0.0 {
            total += &self.hand_slip * w.hand_slip;
        }
        if w.foot_speed != 0.0 {
            total += &self.foot_speed * w.foot_speed;
        }
        if w.squared != 0.0 {
            total += &self.squared * w.squared;
        }
        if w.units != 0.0 {
            total += &self.units * w.units;
        }
        if w.acceleration != 0.0 {
            total += &self.acceleration * w.acceleration;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Rotation3, Vector3};

    use super::*;
    use crate::motion::features::{FEATURES, JOINT_ROTATIONS, Statistics};

    const FRAMES: usize = 6;

    /// Features (1, T, 220) of a person of no size at `palm(t)` who holds an object at `object(t)`.
    fn features(
        palm: impl Fn(f32) -> Vector3<f32>,
        object: impl Fn(f32) -> (Vector3<f32>, Rotation3<f32>),
        held: impl Fn(usize) -> bool,
    ) -> Tensor {
        let mut out = vec![0.0_f32; FRAMES * FEATURES];
        for (t, row) in out.chunks_mut(FEATURES).enumerate() {
            let (center, turn) = object(t as f32);
            row[OBJECT_POSITION].copy_from_slice((center / 2.0).as_slice());
            let turn = turn.matrix().transpose();
            row[OBJECT_ROTATION].copy_from_slice(turn.as_slice());
            for joint in row[JOINT_POSITIONS].chunks_mut(3) {
                joint.copy_from_slice((palm(t as f32) / 2.0).as_slice());
            }
            for rotation in row[JOINT_ROTATIONS].chunks_mut(6) {
                rotation.copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
            }
            row[CONTACT][0] = f32::from(u8::from(held(t)));
        }
        Tensor::from_slice(&out).view([1, FRAMES as i64, FEATURES as i64])
    }

    fn losses(prediction: &Tensor, truth: &Tensor) -> Losses {
        let statistics = Statistics {
            joint_min: vec![[-2.0; 3]; JOINTS],
            joint_max: vec![[2.0; 3]; JOINTS],
            object_min: [-2.0; 3],
            object_max: [2.0; 3],
        };
        let float = |size: &[i64]| Tensor::zeros(size, (Kind::Float, tch::Device::Cpu));
        let target = Target {
            features: truth,
            frames: &(float(&[1, FRAMES as i64]) + 1.0),
            offsets: &float(&[1, JOINTS as i64, 3]),
            keypoints_rest: &float(&[1, 1, 3]),
            keypoints: &float(&[1, FRAMES as i64, 1, 3]),
            reference: &Tensor::eye(3, (Kind::Float, tch::Device::Cpu)).unsqueeze(0),
            channels: None,
            unit: None,
        };
        let bounds = Bounds::new(&statistics, tch::Device::Cpu);
        Losses::new(prediction, &target, &bounds, &LossWeights::default())
    }

    /// A palm on the front of an object that is carried in an arc.
    fn carried(t: f32) -> (Vector3<f32>, Rotation3<f32>) {
        let turn = Rotation3::from_euler_angles(0.1, -0.2, 0.3 * t);
        (Vector3::new(0.1 * t, 0.0, 1.0), turn)
    }

    const GRIP: Vector3<f32> = Vector3::new(0.2, -0.1, 0.05);

    fn on(object: (Vector3<f32>, Rotation3<f32>)) -> Vector3<f32> {
        object.0 + object.1 * GRIP
    }

    #[test]
    fn who_takes_the_object_along_elsewhere_does_not_slip() {
        let truth = features(|t| on(carried(t)), carried, |_| true);
        let elsewhere = |t: f32| {
            let way = Rotation3::from_euler_angles(0.0, 0.0, 0.4 - 0.1 * t);
            let (center, turn) = carried(t);
            (way * center, way * turn)
        };
        let other = losses(&features(|t| on(elsewhere(t)), elsewhere, |_| true), &truth);
        assert!(other.hand_slip.double_value(&[]) < 1e-6);
        assert!(other.keypoints.double_value(&[]) > 0.05);
    }

    #[test]
    fn a_palm_that_slides_slips_while_it_holds() {
        let truth = features(|t| on(carried(t)), carried, |_| true);
        // 2 cm a frame along one axis of the object, the left palm and the right alike, held by the left alone.
        let slides = |t: f32| {
            let (center, turn) = carried(t);
            center + turn * (GRIP + Vector3::x() * 0.02 * t)
        };
        let sliding = features(slides, carried, |_| true);
        let all = losses(&sliding, &truth).hand_slip.double_value(&[]);
        let steps = (FRAMES - 1) as f64;
        assert!(
            (all - 0.02 * steps / (steps * 3.0 + 1.0)).abs() < 1e-5,
            "{all}"
        );
        // Held in frames 0 to 2: two steps count, not the one in which it lets go.
        let truth = features(|t| on(carried(t)), carried, |t| t < 3);
        let held = losses(&sliding, &truth).hand_slip.double_value(&[]);
        assert!(
            (held - 0.02 * 2.0 / (2.0 * 3.0 + 1.0)).abs() < 1e-5,
            "{held}"
        );
    }
}
