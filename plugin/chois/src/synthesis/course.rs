//! An order on its way through its windows, alone or beside others.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{UnitQuaternion, Vector3};

use super::{Order, Synthesizer, WalkOrder};
use crate::condition::{Mode, WALK_CHANNELS};
use crate::diffusion::inpaint::HeldFrame;
use crate::diffusion::window::{InteractionWindow, WalkWindow, WindowInput, WindowTask};
use crate::diffusion::{Flow, Progress, TurnGoal};
use crate::error::{Error, Result};
use crate::motion::WINDOW;
use crate::motion::canonical::Canonical;
use crate::motion::features::{
    FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION, Orthonormal,
    Window,
};
use crate::motion::lock::{LockedKey, Part, shares};
use crate::motion::seam::Seam;
use crate::request::plan::Plan;
use crate::request::walk_plan::WalkPlan;
use crate::request::{SamplingConfig, window_starts};
use crate::skeleton::{JOINTS, Skeleton, joint};

/// Guidance holds a walker to the way at every so many frames: half a step.
const ON_WAY: usize = 15;

/// What a course is about, and its plan.
pub(super) enum Task<'a> {
    Interaction {
        order: &'a Order<'a>,
        plan: Box<Plan>,
    },
    Walk {
        order: &'a WalkOrder<'a>,
        plan: Box<WalkPlan>,
    },
}

/// An order with what has been made of it.
pub(super) struct Course<'a> {
    /// Which of the batch.
    pub index: usize,
    pub task: Task<'a>,
    /// Frames made so far, scene frame.
    pub sequence: Window,
    /// Windows made so far.
    pub made: usize,
    sentence: Arc<Vec<f32>>,
    /// First frame of each window.
    starts: Vec<usize>,
}

impl Course<'_> {
    /// Windows of equal keys can be made together: how they are sampled, what they are about, and how many frames they keep.
    pub fn key(&self) -> (SamplingConfig, Mode, usize) {
        let keep = self.sequence.len().saturating_sub(self.starts[self.made]);
        match &self.task {
            Task::Interaction { order, .. } => (order.request.sampling, Mode::Interaction, keep),
            Task::Walk { order, .. } => (order.request.sampling, Mode::Walk, keep),
        }
    }

    /// Whether all windows are made.
    pub fn is_complete(&self) -> bool {
        self.made == self.starts.len()
    }

    /// Moments that stay.
    pub fn keys(&self) -> &[LockedKey] {
        match &self.task {
            Task::Interaction { order, .. } => &order.request.keys,
            Task::Walk { order, .. } => &order.request.keys,
        }
    }

    /// Frames of all windows together.
    fn frames(&self) -> usize {
        match &self.task {
            Task::Interaction { plan, .. } => plan.path.len(),
            Task::Walk { plan, .. } => plan.frames(),
        }
    }

    /// The first frame, scene frame.
    fn first(&self, skeleton: &Skeleton) -> Window {
        let (pose, center, rotation) = match &self.task {
            Task::Interaction { plan, .. } => (&plan.pose, plan.center(0), plan.rotation),
            Task::Walk { plan, .. } => {
                let nothing = (Vector3::zeros(), UnitQuaternion::identity());
                (&plan.pose, nothing.0, nothing.1)
            }
        };
        Window {
            joints: vec![skeleton.forward(pose)],
            rotations: vec![pose.rotations],
            object_center: vec![center],
            object_rotation: vec![rotation],
            contact: vec![[0.0; 4]],
        }
    }
}

/// By how much the planned way is elsewhere so that it leads through what is held.
struct Bend(Vec<(Vec<f32>, Vector3<f32>)>);

impl Bend {
    fn new(
        keys: &[LockedKey],
        frames: usize,
        off: impl Fn(&LockedKey) -> Option<Vector3<f32>>,
    ) -> Self {
        let held: Vec<(usize, Vector3<f32>)> = (keys.iter().filter(|k| k.frame() < frames))
            .filter_map(|key| Some((key.frame(), off(key)?)))
            .collect();
        let at: Vec<usize> = held.iter().map(|(frame, _)| *frame).collect();
        let shares = shares(frames, &at, [Some(0), None]);
        Self(
            shares
                .into_iter()
                .zip(held.into_iter().map(|h| h.1))
                .collect(),
        )
    }

    fn at(&self, frame: usize) -> Vector3<f32> {
        let parts = self.0.iter().map(|(share, off)| off * share[frame]);
        parts.fold(Vector3::zeros(), |a, b| a + b)
    }
}

/// The next window of a course, before the network.
struct Prepared {
    /// Where it is joined to the frames before it.
    seam: Option<Seam>,
    canonical: Canonical,
    range: Range<usize>,
    features: Vec<f32>,
    /// The object's rotation at the first frame; none in a walk.
    reference: UnitQuaternion<f32>,
    keep: Vec<f32>,
    /// Frames of which something is held.
    held: Vec<HeldFrame>,
}

impl Synthesizer {
    /// Sets an order on its way.
    pub(super) fn course<'a>(&mut self, index: usize, order: &'a Order<'a>) -> Result<Course<'a>> {
        Ok(Course {
            index,
            task: Task::Interaction {
                order,
                plan: Box::new(self.plan(order)?),
            },
            sentence: self.sentence(&order.request.text)?,
            starts: order.request.window_starts(),
            sequence: Window::default(),
            made: 0,
        })
    }

    /// Sets a walk on its way.
    pub(super) fn walk_course<'a>(
        &mut self,
        index: usize,
        order: &'a WalkOrder<'a>,
    ) -> Result<Course<'a>> {
        let plan = Box::new(self.plan_walk(order)?);
        Ok(Course {
            index,
            starts: window_starts(plan.frames()),
            task: Task::Walk { order, plan },
            sentence: self.sentence(&order.request.text)?,
            sequence: Window::default(),
            made: 0,
        })
    }

    /// Makes the next window of each course of a group of one key. An order that is cancelled while others are wanted
    /// is carried along to the end of the window.
    pub(super) fn advance(
        &self,
        group: &mut [Course<'_>],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
    ) -> Vec<Result<()>> {
        let prepared: Result<Vec<Prepared>> = group.iter().map(|c| self.prepare(c)).collect();
        let made = prepared.and_then(|prepared| {
            let inputs: Vec<_> = (group.iter().zip(&prepared))
                .map(|(course, window)| self.input(course, window))
                .collect();
            let mut wanted = vec![true; group.len()];
            let out = self.generator().windows(&inputs, &mut |p| {
                for (course, wanted) in group.iter().zip(&mut wanted) {
                    let p = Progress {
                        done: course.made * p.total + p.done,
                        total: course.starts.len() * p.total,
                    };
                    *wanted = *wanted && progress(course.index, p) == Flow::Continue;
                }
                if wanted.contains(&true) {
                    Flow::Continue
                } else {
                    Flow::Cancel
                }
            });
            match out {
                Err(Error::Cancelled) => Ok((prepared, None)),
                out => out.map(|out| (prepared, Some((out, wanted)))),
            }
        });
        match made {
            Ok((prepared, Some((out, wanted)))) => (group.iter_mut().zip(prepared))
                .zip(out.iter().zip(wanted))
                .map(|((course, window), (out, wanted))| {
                    if wanted {
                        self.join(course, window, out)
                    } else {
                        Err(Error::Cancelled)
                    }
                })
                .collect(),
            Ok((_, None)) => group.iter().map(|_| Err(Error::Cancelled)).collect(),
            Err(error) if group.len() == 1 => vec![Err(error)],
            // What one of them cannot have must not cost the others theirs.
            Err(_) => group
                .chunks_mut(1)
                .flat_map(|one| self.advance(one, progress))
                .collect(),
        }
    }

    /// What is known of a course's next window, in the window's canonical frame: its first frame, or the frames that it
    /// shares with the window before (specification, section 9), and the plan.
    fn prepare(&self, course: &Course<'_>) -> Result<Prepared> {
        let start = course.starts[course.made];
        let range = start..(start + WINDOW).min(course.frames());
        let (seam, canonical, known) = if course.made == 0 {
            let mut first = course.first(&self.skeleton);
            let canonical = Canonical::of_subject(
                &first.joints[0][0],
                &first.rotations[0][0],
                &self.trans2joint(),
            );
            canonical.apply(&mut first);
            (None, canonical, first)
        } else {
            let sequence = &course.sequence;
            let seam = Seam::new(sequence, sequence.len() - start, &self.trans2joint())?;
            let (canonical, known) = (seam.canonical, seam.overlap.clone());
            (Some(seam), canonical, known)
        };
        let statistics = &self.checkpoint.config.statistics;
        let mut features = vec![0.0; WINDOW * FEATURES];
        // All of the plan; which frames of it the network and the guidance are told is theirs to pick.
        let (reference, overlap) = match &course.task {
            Task::Interaction { plan, .. } => {
                let reference = known.object_rotation[0];
                let bend = Bend::new(course.keys(), plan.path.len(), |key| {
                    let object = key.object.filter(|_| key.holds(&Part::Object))?;
                    let Task::Interaction { order, .. } = &course.task else {
                        return None;
                    };
                    let center = object.position + object.rotation * order.object.center();
                    Some(center - plan.center(key.frame()))
                });
                for t in 1..range.len() {
                    let f = range.start + t;
                    let center = canonical.point(&(plan.center(f) + bend.at(f)));
                    features[t * FEATURES..][OBJECT_POSITION]
                        .copy_from_slice(&statistics.normalise_object(&center));
                }
                (reference, known.encode(statistics, &reference, known.len()))
            }
            Task::Walk { plan, .. } => {
                let bend = Bend::new(course.keys(), plan.frames(), |key| {
                    let mut off = key.pose.root - plan.at(key.frame()).0;
                    off.z = 0.0;
                    key.holds(&Part::Body).then_some(off)
                });
                for t in 1..range.len() {
                    let f = range.start + t;
                    let (place, left) = plan.at(f);
                    let place = place + bend.at(f);
                    let place = statistics.normalise_joint(0, &canonical.point(&place));
                    let left = canonical.rotation * left;
                    let values = [place[0], place[1], left.x, left.y];
                    for (channel, value) in WALK_CHANNELS.into_iter().zip(values) {
                        features[t * FEATURES + channel] = value;
                    }
                }
                if range.end == plan.frames() {
                    let mut last = Window {
                        joints: vec![self.skeleton.forward(&plan.arrival)],
                        rotations: vec![plan.arrival.rotations],
                        object_center: vec![Vector3::zeros()],
                        object_rotation: vec![UnitQuaternion::identity()],
                        contact: vec![[0.0; 4]],
                    };
                    canonical.apply(&mut last);
                    features[(range.len() - 1) * FEATURES..][..FEATURES]
                        .copy_from_slice(&last.encode_person(statistics, 1));
                }
                let overlap = known.encode_person(statistics, known.len());
                (UnitQuaternion::identity(), overlap)
            }
        };
        features[..FEATURES].copy_from_slice(&overlap[..FEATURES]);
        let held = self.held(course, &canonical, &range, &reference);
        Ok(Prepared {
            held,
            keep: if known.len() > 1 { overlap } else { Vec::new() },
            seam,
            canonical,
            range,
            features,
            reference,
        })
    }

    /// What is held of a window's frames, as the network sees it.
    fn held(
        &self,
        course: &Course<'_>,
        canonical: &Canonical,
        range: &Range<usize>,
        reference: &UnitQuaternion<f32>,
    ) -> Vec<HeldFrame> {
        let center = match &course.task {
            Task::Interaction { order, .. } => order.object.center(),
            Task::Walk { .. } => Vector3::zeros(),
        };
        (course.keys().iter())
            .filter(|key| range.contains(&key.frame()))
            .map(|key| {
                let object = key.object.filter(|_| key.holds(&Part::Object));
                let (place, turn) = object.map_or_else(Default::default, |o| {
                    (o.position + o.rotation * center, o.rotation)
                });
                let mut moment = Window {
                    joints: vec![self.skeleton.forward(&key.pose)],
                    rotations: vec![key.pose.rotations],
                    object_center: vec![place],
                    object_rotation: vec![turn],
                    contact: vec![[0.0; 4]],
                };
                canonical.apply(&mut moment);
                let statistics = &self.checkpoint.config.statistics;
                let values = moment.encode(statistics, reference, 1);
                let mut known = vec![false; FEATURES];
                if object.is_some() {
                    known[OBJECT_POSITION.start..OBJECT_ROTATION.end].fill(true);
                }
                let mut point = |j: usize| known[JOINT_POSITIONS.start + 3 * j..][..3].fill(true);
                for part in &key.parts {
                    match part {
                        Part::Body => (0..JOINTS).for_each(&mut point),
                        Part::LeftHand => point(joint::LEFT_PALM),
                        Part::RightHand => point(joint::RIGHT_PALM),
                        Part::Object | Part::Joint(_) => {}
                    }
                }
                for j in key.turned() {
                    known[JOINT_ROTATIONS.start + 6 * j..][..6].fill(true);
                }
                HeldFrame {
                    frame: key.frame() - range.start,
                    values,
                    known,
                }
            })
            .collect()
    }

    fn input<'a>(&'a self, course: &'a Course<'_>, window: &Prepared) -> WindowInput<'a> {
        let range = &window.range;
        let keys = |frames: &[usize], more: &[usize]| -> Vec<usize> {
            frames
                .iter()
                .chain(more)
                .filter(|f| range.contains(f))
                .map(|f| f - range.start)
                .collect()
        };
        let (sampling, guidance, seed, scene, task) = match &course.task {
            Task::Interaction { order, plan } => (
                order.request.sampling,
                order.request.guidance,
                order.request.seed,
                order.scene,
                WindowTask::Interaction(InteractionWindow {
                    object: order.object,
                    reference: window.reference,
                    path_keys: keys(&plan.waypoint_frames, &plan.path_keys),
                    height_keys: keys(&plan.height_keys, &[]),
                    // A later window may begin after the object has left, an early one end before it arrives.
                    rest: {
                        let within = |frame: Option<usize>| frame?.checked_sub(range.start);
                        [
                            within(plan.rest[0]),
                            within(plan.rest[1]).filter(|f| *f < range.len()),
                        ]
                    },
                    standing: window.canonical.rotation * plan.standing,
                    ground: plan.ground,
                    turn: plan.turn.map(|(angle, alike)| {
                        let goal = window.canonical.rotation
                            * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle)
                            * plan.rotation
                            * window.reference.inverse();
                        let m = goal.to_rotation_matrix();
                        TurnGoal {
                            angle: (m[(1, 0)] - m[(0, 1)]).atan2(m[(0, 0)] + m[(1, 1)]),
                            alike,
                            share: 1.0 / (course.starts.len() - course.made) as f32,
                        }
                    }),
                }),
            ),
            Task::Walk { order, plan } => (
                order.request.sampling,
                order.request.guidance,
                order.request.seed,
                order.scene,
                WindowTask::Walk(WalkWindow {
                    path_keys: keys(
                        &plan.waypoint_frames,
                        &(0..plan.frames()).step_by(ON_WAY).collect::<Vec<_>>(),
                    ),
                    arrives: range.end == plan.frames(),
                }),
            ),
        };
        WindowInput {
            sampling,
            guidance,
            seed,
            variations: match &course.task {
                Task::Interaction { order, .. } => &order.request.variations,
                Task::Walk { order, .. } => &order.request.variations,
            },
            held: window.held.clone(),
            index: course.made as u64,
            skeleton: &self.skeleton,
            sentence: course.sentence.clone(),
            features: window.features.clone(),
            length: range.len(),
            keep: window.keep.clone(),
            scene: scene.map(|s| (s, window.canonical)),
            task,
        }
    }

    /// Puts what the network made at the end of the sequence.
    fn join(&self, course: &mut Course<'_>, window: Prepared, features: &[f32]) -> Result<()> {
        let mut made = Window::decode(
            &features[..window.range.len() * FEATURES],
            &self.checkpoint.config.statistics,
            &UnitQuaternion::identity(),
            Orthonormal::Nearest,
        );
        for q in &mut made.object_rotation {
            *q *= window.reference;
        }
        match window.seam {
            Some(seam) => seam.join(&mut course.sequence, made)?,
            None => {
                window.canonical.apply_back(&mut made);
                course.sequence = made;
            }
        }
        course.made += 1;
        Ok(())
    }
}
