//! Guidance of a walk: the walker through the given places, feet on the floor and still while they stand.
//!
//! As [`super::guidance::FewStep`] is for interactions: what has a closed form is done by it, a gradient on energies in
//! metres does the rest. Places are met exactly by shifting the whole person, the correction spread over time.

use nalgebra::Vector3;
use tch::{Device, Kind, Tensor};

use super::aside::walk_aside;
use super::guidance::{
    FADE, SceneField, TOE, TOES, gradient, interpolation, mobility, planted, smooth,
};
use super::sampler::{Guide, Moment};
use crate::condition::WALK_CHANNELS;
use crate::model::kinematics::{self, Bounds};
use crate::motion::features::{JOINT_POSITIONS, JOINT_ROTATIONS, Statistics};
use crate::motion::feet;
use crate::request::GuidanceConfig;
use crate::skeleton::{JOINTS, joint};

/// Guidance of windows that walk.
pub struct WalkGuide<'a> {
    bounds: Bounds,
    /// Bones (B, 24, 3), metres.
    offsets: Tensor,
    config: GuidanceConfig,
    /// Given values (B, T, 220), normalised.
    given: Tensor,
    /// Frames at which the pelvis' x and y are given, ascending, from the first to the last that exists.
    frames: Vec<i64>,
    /// Whether the last pose is given whole.
    arrives: bool,
    scene: Option<&'a SceneField>,
    mobility: Tensor,
    /// Normalised units of the pelvis over those of each joint, (24, 3): a shift of all that is in metres.
    alike: Tensor,
    /// Normalised units per metre of the pelvis' height.
    upward: f64,
    /// The same of its x and y.
    level: [f64; 2],
}

impl<'a> WalkGuide<'a> {
    /// Guidance of a walk. `given` holds the given values: the first frame's pose, the pelvis' x and y at `frames`, and the
    /// last frame's pose where the walk `arrives` in this window.
    pub fn new(
        statistics: &Statistics,
        offsets: &Tensor,
        config: GuidanceConfig,
        given: &Tensor,
        frames: &[usize],
        arrives: bool,
        scene: Option<&'a SceneField>,
    ) -> Self {
        let device = given.device();
        let span = |j: usize, a: usize| statistics.joint_max[j][a] - statistics.joint_min[j][a];
        let alike: Vec<f32> = (0..JOINTS)
            .flat_map(|j| (0..3).map(move |a| span(0, a) / span(j, a)))
            .collect();
        Self {
            bounds: Bounds::new(statistics, device),
            offsets: offsets.shallow_clone(),
            config,
            given: given.shallow_clone(),
            frames: frames.iter().map(|f| *f as i64).collect(),
            arrives,
            scene,
            mobility: mobility(statistics).to_device(device),
            alike: Tensor::from_slice(&alike)
                .view([JOINTS as i64, 3])
                .to_device(device),
            upward: 2.0 / f64::from(span(0, 2)),
            level: [0, 1].map(|a| 2.0 / f64::from(span(0, a))),
        }
    }

    /// Joints (B, T, 24, 3), metres, of a prediction.
    fn joints(&self, x: &Tensor) -> Tensor {
        let root = self
            .bounds
            .joint(0, &x.narrow(2, JOINT_POSITIONS.start as i64, 3));
        kinematics::forward(&root, &kinematics::joint_rotations(x), &self.offsets)
    }

    /// All joint positions of `x` moved by (B, T, 3), normalised as the pelvis'. Changes `x`.
    fn shift(&self, x: &Tensor, by: &Tensor) {
        let size = x.size();
        let all = (by.unsqueeze(2) * &self.alike).view([size[0], size[1], -1]);
        let _ = x
            .narrow(2, JOINT_POSITIONS.start as i64, all.size()[2])
            .g_add_(&all);
    }

    /// The walker through the given places, out of the given pose and, on arrival, into the last.
    fn meet_given(&self, x: &Tensor) -> Tensor {
        let count = x.size()[1];
        let x = x.copy();
        let share = self.config.given;
        let at = Tensor::from_slice(&self.frames).to_device(x.device());
        let weights = interpolation(&self.frames, count).to_device(x.device());
        let pelvis = WALK_CHANNELS[0] as i64;
        let off = (&self.given - &x).narrow(2, pelvis, 2).index_select(1, &at);
        // (B, K, 2) at the given frames to (B, T, 2) at all.
        let spread = weights.matmul(&off) * share;
        let level = Tensor::cat(&[&spread, &spread.narrow(2, 0, 1).zeros_like()], 2);
        self.shift(&x, &level);
        let from = JOINT_POSITIONS.start as i64;
        let person = JOINT_ROTATIONS.end as i64 - from;
        let last = self.frames[self.frames.len() - 1];
        let fade = |frame: i64, fade: &dyn Fn(i64) -> f32| {
            let shares: Vec<f32> = (0..count).map(|t| fade(t) * share as f32).collect();
            let shares = Tensor::from_slice(&shares)
                .view([1, -1, 1])
                .to_device(x.device());
            let error = (&self.given - &x)
                .narrow(1, frame, 1)
                .narrow(2, from, person);
            let _ = x.narrow(2, from, person).g_add_(&(error * shares));
        };
        fade(0, &|t| eased(t, last));
        if self.arrives && last > 0 {
            fade(last, &|t| {
                if t > last { 1.0 } else { eased(last - t, last) }
            });
        }
        x
    }

    /// The whole person moved up or down so that the lower toe stands on the floor.
    fn stand(&self, x: &Tensor) -> Tensor {
        let joints = self.joints(x);
        let z = |j: usize| joints.select(2, j as i64).select(-1, 2);
        let low = z(joint::LEFT_TOE).min_other(&z(joint::RIGHT_TOE));
        let off = smooth(&(-low + TOE));
        let up = off.clamp_min(0.0);
        let down = off.clamp_max(0.0) * self.config.feet_floor.min(1.0);
        let x = x.copy();
        let by = ((up + down) * self.upward).unsqueeze(-1);
        let level = by.zeros_like();
        self.shift(&x, &Tensor::cat(&[&level, &level, &by], 2));
        x
    }

    /// The whole person moved aside by (B, T, 2), metres.
    fn aside(&self, x: &Tensor, by: &Tensor) -> Tensor {
        let x = x.copy();
        let share = (self.config.scene * 2.0).min(1.0);
        let parts = [0, 1].map(|axis| by.select(2, axis) * (share * self.level[axis as usize]));
        let [right, ahead] = parts;
        let still = right.zeros_like();
        self.shift(&x, &Tensor::stack(&[right, ahead, still], 2));
        x
    }

    /// Squared errors in metres, summed over frames.
    fn energy(&self, x: &Tensor) -> Tensor {
        let c = &self.config;
        let joints = self.joints(x);
        let half_square = |e: Tensor| e.square().sum(Kind::Float) * 0.5;
        let mut energy = Tensor::zeros([], (Kind::Float, x.device()));
        let toe = |j: usize| joints.select(2, j as i64);
        if c.feet_floor > 0.0 {
            let z = |j: usize| toe(j).select(-1, 2);
            let low = z(joint::LEFT_TOE).min_other(&z(joint::RIGHT_TOE));
            energy += half_square(low - TOE) * (0.3 * c.feet_floor);
        }
        if c.feet_slide > 0.0 {
            let toes = Tensor::stack(&TOES.map(toe), 2);
            let (place, firm) = tch::no_grad(|| {
                let pelvis = pelvis_paths(&joints.detach());
                planted(&toes.detach(), |path, b| {
                    feet::walk_stances(path, &pelvis[b])
                })
            });
            let off = (toes.narrow(3, 0, 2) - place) * firm.sqrt();
            energy += half_square(off) * c.feet_slide;
        }
        if let (Some(scene), true) = (self.scene, c.scene > 0.0) {
            let points = joints.reshape([-1, 3]);
            energy += half_square(scene.distance(&points).clamp_max(0.0)) * c.scene;
        }
        energy
    }
}

/// The pelvis' path of each window, metres, from joints (B, T, 24, 3).
fn pelvis_paths(joints: &Tensor) -> Vec<Vec<Vector3<f32>>> {
    let size = joints.size();
    let flat = joints
        .select(2, joint::PELVIS as i64)
        .to_device(Device::Cpu)
        .contiguous()
        .view(-1);
    let count = (3 * size[0] * size[1]) as usize;
    let values = Vec::<f32>::try_from(&flat).unwrap_or_else(|_| vec![0.0; count]);
    values
        .chunks_exact(3 * size[1].max(1) as usize)
        .map(|path| {
            path.chunks_exact(3)
                .map(Vector3::from_column_slice)
                .collect()
        })
        .collect()
}

/// 1 at the frame itself, 0 from [`FADE`] frames away on, sooner where a window of `last + 1` frames is shorter than two of
/// them: a correction of one end must not reach the other.
fn eased(away: i64, last: i64) -> f32 {
    let reach = FADE.min((last / 2).max(1));
    let s = (away as f32 / reach as f32).min(1.0);
    (1.0 + (std::f32::consts::PI * s).cos()) / 2.0
}

impl Guide for WalkGuide<'_> {
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor> {
        if at.remaining >= self.config.last_steps {
            return None;
        }
        let mut x = x0.shallow_clone();
        if self.config.given > 0.0 {
            x = tch::no_grad(|| self.meet_given(&x));
        }
        if let (Some(scene), true) = (self.scene, self.config.scene > 0.0)
            && let Some(by) = walk_aside(&self.joints(&x), scene)
        {
            x = tch::no_grad(|| self.aside(&x, &by));
        }
        for _ in 0..self.config.iterations {
            if self.config.feet_floor > 0.0 {
                x = tch::no_grad(|| self.stand(&x));
            }
            let g = gradient(&x, |x| self.energy(x));
            x = tch::no_grad(|| x - g * &self.mobility);
        }
        if at.remaining == 0 && self.config.feet_floor > 0.0 {
            x = tch::no_grad(|| self.stand(&x));
        }
        if self.config.given > 0.0 {
            x = tch::no_grad(|| self.meet_given(&x));
        }
        Some(x)
    }
}
