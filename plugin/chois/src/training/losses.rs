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
        let hand_object =
            ((grip(&predicted, &predicted_center) - grip(&truth, &center(target.features))).abs()
                * &held)
                .sum(Kind::Float)
                / (held.sum(Kind::Float) * 3.0 + 1.0);

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
