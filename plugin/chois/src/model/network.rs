//! The whole network: object encoder, sentence layer and denoiser.

use tch::{Device, Kind, Tensor};

use super::config::{Conditioning, FeatureScale, ModelConfig, Spread};
use super::denoiser::{Affine, Denoiser};
use super::fused::FusedDenoiser;
use super::weights::Weights;
use crate::condition::{Mode, Skip, WALK_CHANNELS, WalkSkip};
use crate::error::Result;
use crate::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, Statistics,
};
use crate::skeleton::{JOINTS, ROTATIONS};

/// Farthest that a given value reaches the network, deviations from the mean: what the data did not have must not drown the
/// rest. A way may be long, but joints are turned little farther than the data turned them: with 8 for both, a network that
/// never saw captured people held nothing once one of them was under way; with 3 for both, nobody followed an object beyond
/// 60 cm.
const FARTHEST: f32 = 8.0;
const FARTHEST_TURNED: f32 = 3.0;

/// The network of a checkpoint.
pub struct Network {
    device: Device,
    object_in: Affine,
    object_out: Affine,
    sentence: Affine,
    features: Option<FeatureScale>,
    denoiser: Denoiser,
    fused: FusedDenoiser,
    path: PathSkip,
    /// The units of given values, where they have any.
    given: Option<GivenUnits>,
}

impl Network {
    /// The network of these weights. They are shared, not copied: what trains them trains this.
    pub fn new(config: &ModelConfig, weights: &Weights, device: Device) -> Result<Self> {
        let denoiser = Denoiser::new(&config.architecture, weights, device)?;
        Ok(Self {
            device,
            object_in: Affine::new(weights, "bps_encoder.0")?,
            object_out: Affine::new(weights, "bps_encoder.2")?,
            sentence: Affine::new(weights, "clip_encoder.0")?,
            features: config.conditioning.features,
            fused: FusedDenoiser::new(&denoiser),
            denoiser,
            path: PathSkip::new(&config.conditioning, &config.statistics, device),
            given: (config.conditioning.spread.as_ref())
                .map(|spread| GivenUnits::new(spread, device)),
        })
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The parity path.
    pub fn denoiser(&self) -> &Denoiser {
        &self.denoiser
    }

    /// The fast path.
    pub fn fused(&self) -> &FusedDenoiser {
        &self.fused
    }

    /// Rearranges the fast path after the weights have changed, with autograd passing through and the large products in
    /// `compute`.
    pub fn refresh(&mut self, compute: Kind) {
        self.fused = FusedDenoiser::with_kind(&self.denoiser, compute);
    }

    /// Object feature (B, 1, object width) from flattened basis point sets (B, 1, 3 x points).
    pub fn encode_object(&self, bps: &Tensor) -> Tensor {
        let feature = self.object_out.linear(&self.object_in.linear(bps).relu());
        match self.features {
            Some(scale) => feature * f64::from(scale.object),
            None => feature,
        }
    }

    /// Language feature (B, width) from sentence vectors (B, text width).
    pub fn encode_sentence(&self, sentence: &Tensor) -> Tensor {
        let feature = self.sentence.linear(sentence);
        match self.features {
            Some(scale) => feature * f64::from(scale.sentence),
            None => feature,
        }
    }

    /// Condition of the denoiser, (B, T, object width + 220), from object features and given values (B, T, 220).
    pub fn condition(&self, object: &Tensor, given: &Tensor) -> Tensor {
        let (batch, frames) = (given.size()[0], given.size()[1]);
        let object = object.expand([batch, frames, -1], false);
        let given = match &self.given {
            Some(units) => units.of(given),
            None => given.shallow_clone(),
        };
        Tensor::cat(&[object, given], -1)
    }

    /// What the network's raw output is measured from, (B, T, 220), from the normalised path (B, T, 3) of each window, the
    /// object's or the walker's, and what it is given (B, T, 220); `None` in the published form.
    pub fn base(&self, path: &Tensor, given: &Tensor, modes: &[Mode]) -> Option<Tensor> {
        let walks = |m: &Mode| *m == Mode::Walk;
        match (modes.iter().any(walks), modes.iter().all(walks)) {
            (false, _) => self.path.base(path, given),
            (true, true) => self.path.walk_base(path, given),
            (true, false) => {
                let rows: Vec<Tensor> = modes
                    .iter()
                    .enumerate()
                    .map(|(i, mode)| {
                        let own = |of: &Tensor| of.narrow(0, i as i64, 1);
                        let base = match mode {
                            Mode::Interaction => self.path.base(&own(path), &own(given)),
                            Mode::Walk => self.path.walk_base(&own(path), &own(given)),
                        };
                        base.unwrap_or_else(|| {
                            let size = [1, path.size()[1], FEATURES as i64];
                            Tensor::zeros(size, (path.kind(), path.device()))
                        })
                    })
                    .collect();
                Some(Tensor::cat(&rows, 0))
            }
        }
    }

    /// 1 at the channels that each window's mode uses, (B, 1, 220); `None` where all use all. Others are zero in what the
    /// network sees and in what it says.
    pub fn channels(&self, modes: &[Mode]) -> Option<Tensor> {
        if modes.iter().all(|m| *m == Mode::Interaction) {
            return None;
        }
        let values: Vec<f32> = modes
            .iter()
            .flat_map(|mode| crate::condition::channels(*mode))
            .collect();
        Some(
            Tensor::from_slice(&values)
                .view([modes.len() as i64, 1, FEATURES as i64])
                .to_device(self.device),
        )
    }
}

/// The units of given values, (220) each.
struct GivenUnits {
    mean: Tensor,
    deviation: Tensor,
    /// Farthest that each reaches the network, deviations.
    farthest: Tensor,
}

impl GivenUnits {
    fn new(spread: &Spread, device: Device) -> Self {
        let row = |v: &[f32]| Tensor::from_slice(v).to_device(device);
        let mut farthest = [FARTHEST; FEATURES];
        farthest[JOINT_ROTATIONS].fill(FARTHEST_TURNED);
        // Where to go, not how to stand.
        for channel in WALK_CHANNELS {
            farthest[channel] = FARTHEST;
        }
        Self {
            mean: row(&spread.mean),
            deviation: row(&spread.deviation),
            farthest: row(&farthest),
        }
    }

    fn of(&self, given: &Tensor) -> Tensor {
        let units = (given - &self.mean) / &self.deviation;
        units.minimum(&self.farthest).maximum(&-&self.farthest)
    }
}

/// The skip from the interpolated path to the prediction (see [`Skip`]).
struct PathSkip {
    skip: Skip,
    walk: WalkSkip,
    /// Metres per normalised unit of the object's x and y, over those of each joint, (24, 2).
    ratio: Tensor,
    /// The same of the pelvis.
    walk_ratio: Tensor,
}

impl PathSkip {
    fn new(conditioning: &Conditioning, statistics: &Statistics, device: Device) -> Self {
        let object: [f32; 2] =
            std::array::from_fn(|a| statistics.object_max[a] - statistics.object_min[a]);
        let joint = |j: usize, a: usize| statistics.joint_max[j][a] - statistics.joint_min[j][a];
        let over_joints = |span: [f32; 2]| {
            let ratio: Vec<f32> = (0..JOINTS)
                .flat_map(|j| (0..2).map(move |a| span[a] / joint(j, a)))
                .collect();
            Tensor::from_slice(&ratio)
                .view([JOINTS as i64, 2])
                .to_device(device)
        };
        Self {
            skip: conditioning.skip,
            walk: conditioning.walking.map_or(WalkSkip::None, |w| w.skip),
            ratio: over_joints(object),
            walk_ratio: over_joints([joint(0, 0), joint(0, 1)]),
        }
    }

    /// The same for windows that walk.
    fn walk_base(&self, path: &Tensor, given: &Tensor) -> Option<Tensor> {
        let joints = match self.walk {
            WalkSkip::None => return None,
            WalkSkip::Pelvis => 1,
            WalkSkip::Joints | WalkSkip::Pose => JOINTS as i64,
        };
        let (batch, frames) = (path.size()[0], path.size()[1]);
        let place = path.narrow(2, 0, 2);
        let moved = &place - place.narrow(1, 0, 1);
        let xy = moved.unsqueeze(2) * self.walk_ratio.narrow(0, 0, joints);
        let base = Tensor::zeros(
            [batch, frames, FEATURES as i64],
            (path.kind(), path.device()),
        );
        let places = base
            .narrow(2, JOINT_POSITIONS.start as i64, 3 * joints)
            .view([batch, frames, joints, 3]);
        places.narrow(3, 0, 2).copy_(&xy);
        if self.walk == WalkSkip::Pose {
            places.narrow(3, 2, 1).copy_(&first_heights(given));
            let (start, count) = (JOINT_ROTATIONS.start as i64, JOINT_ROTATIONS.len() as i64);
            base.narrow(2, start, count).copy_(&turned(given));
        }
        Some(base)
    }

    fn base(&self, path: &Tensor, given: &Tensor) -> Option<Tensor> {
        if self.skip == Skip::None {
            return None;
        }
        let (batch, frames) = (path.size()[0], path.size()[1]);
        let options = (path.kind(), path.device());
        let joints = Tensor::zeros([batch, frames, JOINTS as i64, 3], options);
        match self.skip {
            Skip::ObjectAndJoints => {
                let moved = path.narrow(2, 0, 2) - path.narrow(2, 0, 2).narrow(1, 0, 1);
                let xy = moved.unsqueeze(2) * &self.ratio;
                joints.narrow(3, 0, 2).copy_(&xy);
            }
            Skip::ObjectAndPose => joints.narrow(3, 2, 1).copy_(&first_heights(given)),
            Skip::None | Skip::Object => {}
        }
        let joints = joints.view([batch, frames, JOINT_POSITIONS.len() as i64]);
        let turn = Tensor::zeros(
            [
                batch,
                frames,
                (JOINT_POSITIONS.start - OBJECT_POSITION.end) as i64,
            ],
            options,
        );
        let size = [batch, frames, JOINT_ROTATIONS.len() as i64];
        let rotations = if self.skip == Skip::ObjectAndPose {
            first_rotations(given).expand(size, false)
        } else {
            Tensor::zeros(size, options)
        };
        let contact = Tensor::zeros([batch, frames, CONTACT.len() as i64], options);
        let parts = [path.shallow_clone(), turn, joints, rotations, contact];
        Some(Tensor::cat(&parts, -1))
    }
}

/// Rotations of the first frame, (B, 1, 132), which every window is given.
fn first_rotations(given: &Tensor) -> Tensor {
    let range = (JOINT_ROTATIONS.start as i64, JOINT_ROTATIONS.len() as i64);
    given.narrow(1, 0, 1).narrow(2, range.0, range.1)
}

/// Heights of the first frame's joints, (B, 1, 24, 1), which every window is given.
fn first_heights(given: &Tensor) -> Tensor {
    let range = (JOINT_POSITIONS.start as i64, JOINT_POSITIONS.len() as i64);
    let places = given.narrow(1, 0, 1).narrow(2, range.0, range.1);
    places.reshape([-1, 1, JOINTS as i64, 3]).narrow(3, 2, 1)
}

/// Rotations of the first frame turned about the vertical as the pelvis' given heading has turned since, (B, T, 132).
fn turned(given: &Tensor) -> Tensor {
    let (batch, frames) = (given.size()[0], given.size()[1]);
    // The body's left axis as a complex number, over that of the first frame.
    let [x, y] = [WALK_CHANNELS[2], WALK_CHANNELS[3]].map(|c| given.narrow(2, c as i64, 1));
    let [x0, y0] = [&x, &y].map(|v| v.narrow(1, 0, 1));
    let (cos, sin) = (&x * &x0 + &y * &y0, &y * &x0 - &x * &y0);
    // Half a turn between two given frames passes through nothing.
    let length = (cos.square() + sin.square()).sqrt().clamp_min(1e-6);
    let [cos, sin] = [cos, sin].map(|v| (v / &length).unsqueeze(-1));
    let rotations = first_rotations(given).view([batch, 1, ROTATIONS as i64, 6]);
    let (first, second) = (rotations.narrow(3, 0, 3), rotations.narrow(3, 3, 3));
    let rows = [
        &first * &cos - &second * &sin,
        &first * &sin + &second * &cos,
    ];
    Tensor::cat(&rows, 3).view([batch, frames, JOINT_ROTATIONS.len() as i64])
}
