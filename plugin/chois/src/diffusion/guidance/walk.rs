//! Guidance of a walk: the walker through the given places, feet on the floor and still while they stand.
//!
//! As [`super::InteractionGuide`] is for interactions: what has a closed form is done by it, a gradient on energies in metres
//! does the rest. Places are met exactly by shifting the whole person, the correction spread over time.

use nalgebra::{Vector2, Vector3};

use super::descent::{Mobility, Pull, mobility, standing, step};
use super::field::SceneField;
use super::given::{FADE, faded, interpolated};
use super::person::{Person, frame, frame_mut};
use super::whole::walk_aside;
use super::{Moment, WindowGuide};
use crate::motion::features::{FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, Statistics};
use crate::motion::feet;
use crate::request::GuidanceConfig;
use crate::skeleton::{Skeleton, joint};

/// Guidance of a window that walks.
pub struct WalkGuide<'a> {
    person: Person,
    config: GuidanceConfig,
    given: &'a [f32],
    /// Frames at which the pelvis' x and y are given, ascending, from the first to the last that exists.
    frames: Vec<usize>,
    /// Whether the last pose is given whole.
    arrives: bool,
    scene: Option<SceneField<'a>>,
    mobility: Mobility,
}

impl<'a> WalkGuide<'a> {
    /// Guidance of a walk. `given` holds the given values of the frames that exist (T x 220, normalised): the first frame's pose, the pelvis' x and y
    /// at `frames`, and the last frame's pose where the walk `arrives` in this window.
    pub fn new(
        statistics: &Statistics,
        skeleton: &Skeleton,
        config: GuidanceConfig,
        given: &'a [f32],
        frames: Vec<usize>,
        arrives: bool,
        scene: Option<SceneField<'a>>,
    ) -> Self {
        Self {
            person: Person::new(statistics, skeleton),
            config,
            given,
            frames,
            arrives,
            scene: scene.filter(|_| config.scene > 0.0),
            mobility: mobility(statistics),
        }
    }

    /// The walker through the given places, out of the given pose and, on arrival, into the last.
    fn meet_given(&self, x: &mut [f32]) {
        let count = x.len() / FEATURES;
        let share = self.config.given as f32;
        let off = |t: usize| {
            let place = |x: &[f32]| self.person.stated(frame(x, t), joint::PELVIS);
            (place(self.given) - place(x)) * share
        };
        let along = |axis: usize| {
            let off: Vec<f32> = self.frames.iter().map(|t| off(*t)[axis]).collect();
            interpolated(&self.frames, &off, count)
        };
        let (right, ahead) = (along(0), along(1));
        for t in 0..count {
            let by = Vector3::new(right[t], ahead[t], 0.0);
            self.person.shift(frame_mut(x, t), &by);
        }
        let last = self.frames.last().copied().unwrap_or_default();
        self.lead_to_pose(x, 0, |t| eased(t, last));
        if self.arrives && last > 0 {
            self.lead_to_pose(
                x,
                last,
                |t| if t > last { 1.0 } else { eased(last - t, last) },
            );
        }
    }

    /// What the pose is off at a frame added to each, by a share.
    fn lead_to_pose(&self, x: &mut [f32], at: usize, share: impl Fn(usize) -> f32) {
        let person = JOINT_POSITIONS.start..JOINT_ROTATIONS.end;
        let off: Vec<f32> = (frame(self.given, at)[person.clone()].iter())
            .zip(&frame(x, at)[person.clone()])
            .map(|(given, is)| given - is)
            .collect();
        for (t, row) in x.chunks_exact_mut(FEATURES).enumerate() {
            let share = share(t) * self.config.given as f32;
            for (value, off) in row[person.clone()].iter_mut().zip(&off) {
                *value += off * share;
            }
        }
    }

    /// The whole person moved up or down so that the lower toe stands on the floor.
    fn stand(&self, x: &mut [f32]) {
        let off = standing(&self.person, x, self.config.feet_floor.min(1.0) as f32);
        for (row, off) in x.chunks_exact_mut(FEATURES).zip(off) {
            self.person.shift(row, &Vector3::new(0.0, 0.0, off));
        }
    }

    /// The whole person moved aside.
    fn aside(&self, x: &mut [f32], by: &[Vector2<f32>]) {
        let share = (self.config.scene as f32 * 2.0).min(1.0);
        for (row, by) in x.chunks_exact_mut(FEATURES).zip(by) {
            self.person
                .shift(row, &(Vector3::new(by.x, by.y, 0.0) * share));
        }
    }

    /// Down the energy of all terms by one step.
    fn descend(&self, x: &mut [f32]) {
        let c = &self.config;
        let joints = self.person.over(x);
        let mut pull = Pull::new(joints.len());
        if c.feet_floor > 0.0 {
            pull.toes_down(&joints, 0.3 * c.feet_floor as f32);
        }
        if c.feet_slide > 0.0 {
            let pelvis: Vec<Vector3<f32>> = joints.iter().map(|j| j[joint::PELVIS]).collect();
            let stances = |path: &[_]| feet::walk_stances(path, &pelvis);
            pull.toes_still(&joints, c.feet_slide as f32, stances);
        }
        if let Some(scene) = &self.scene {
            pull.joints_out(&joints, scene, c.scene as f32);
        }
        let gradient = pull.features(x, &self.person, None);
        step(x, &gradient, &self.mobility);
    }
}

/// 1 at the frame itself, 0 from [`FADE`] frames away on, sooner where a window of `last + 1` frames is shorter than two of
/// them: a correction of one end must not reach the other.
fn eased(away: usize, last: usize) -> f32 {
    faded(away, FADE.min((last / 2).max(1)))
}

impl WindowGuide for WalkGuide<'_> {
    fn guide(&self, x: &mut [f32], at: Moment) -> bool {
        let c = &self.config;
        if at.remaining >= c.last_steps {
            return false;
        }
        if c.given > 0.0 {
            self.meet_given(x);
        }
        if let Some(scene) = &self.scene
            && let Some(by) = walk_aside(&self.person.over(x), scene)
        {
            self.aside(x, &by);
        }
        for _ in 0..c.iterations {
            if c.feet_floor > 0.0 {
                self.stand(x);
            }
            self.descend(x);
        }
        if at.remaining == 0 && c.feet_floor > 0.0 {
            self.stand(x);
        }
        if c.given > 0.0 {
            self.meet_given(x);
        }
        true
    }
}
