//! An order on its way through its windows, alone or beside others.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::UnitQuaternion;

use super::{Order, Synthesizer};
use crate::diffusion::window::WindowInput;
use crate::diffusion::{Flow, Progress};
use crate::error::{Error, Result};
use crate::motion::WINDOW;
use crate::motion::canonical::Canonical;
use crate::motion::features::{FEATURES, OBJECT_POSITION, Window};
use crate::motion::seam::Seam;
use crate::request::SamplingConfig;
use crate::request::plan::Plan;

/// An order with what has been made of it.
pub(super) struct Course<'a> {
    /// Which of the batch.
    pub index: usize,
    pub order: &'a Order<'a>,
    pub plan: Plan,
    /// Frames made so far, scene frame.
    pub sequence: Window,
    /// Windows made so far.
    pub made: usize,
    sentence: Arc<Vec<f32>>,
    /// First frame of each window.
    starts: Vec<usize>,
}

impl Course<'_> {
    /// Windows of equal keys can be made together: how they are sampled, and how many frames they keep.
    pub fn key(&self) -> (SamplingConfig, usize) {
        let keep = self.sequence.len().saturating_sub(self.starts[self.made]);
        (self.order.request.sampling, keep)
    }

    /// Whether all windows are made.
    pub fn is_complete(&self) -> bool {
        self.made == self.starts.len()
    }
}

/// The next window of a course, before the network.
struct Prepared {
    /// Where it is joined to the frames before it.
    seam: Option<Seam>,
    canonical: Canonical,
    range: Range<usize>,
    features: Vec<f32>,
    reference: UnitQuaternion<f32>,
    keep: Vec<f32>,
}

impl Synthesizer {
    /// Sets an order on its way.
    pub(super) fn course<'a>(&mut self, index: usize, order: &'a Order<'a>) -> Result<Course<'a>> {
        Ok(Course {
            index,
            order,
            plan: self.plan(order)?,
            sentence: self.sentence(&order.request.text)?,
            starts: order.request.window_starts(),
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
        let plan = &course.plan;
        let start = course.starts[course.made];
        let range = start..(start + WINDOW).min(plan.path.len());
        let (seam, canonical, known) = if course.made == 0 {
            let canonical = Canonical::of_subject(
                &plan.pose.root,
                &plan.pose.rotations[0],
                &self.trans2joint(),
            );
            let mut first = Window {
                joints: vec![self.skeleton.forward(&plan.pose)],
                rotations: vec![plan.pose.rotations],
                object_center: vec![plan.center(0)],
                object_rotation: vec![plan.rotation],
                contact: vec![[0.0; 4]],
            };
            canonical.apply(&mut first);
            (None, canonical, first)
        } else {
            let sequence = &course.sequence;
            let seam = Seam::new(sequence, sequence.len() - start, &self.trans2joint())?;
            let (canonical, known) = (seam.canonical, seam.overlap.clone());
            (Some(seam), canonical, known)
        };
        let statistics = &self.checkpoint.config.statistics;
        let reference = known.object_rotation[0];
        let overlap = known.encode(statistics, &reference, known.len());
        let mut features = vec![0.0; WINDOW * FEATURES];
        features[..FEATURES].copy_from_slice(&overlap[..FEATURES]);
        // All of the plan; which frames of it the network and the guidance are told is theirs to pick.
        for t in 1..range.len() {
            let center = canonical.point(&plan.center(range.start + t));
            features[t * FEATURES..][OBJECT_POSITION]
                .copy_from_slice(&statistics.normalise_object(&center));
        }
        Ok(Prepared {
            keep: if known.len() > 1 { overlap } else { Vec::new() },
            seam,
            canonical,
            range,
            features,
            reference,
        })
    }

    fn input<'a>(&'a self, course: &'a Course<'_>, window: &Prepared) -> WindowInput<'a> {
        let (plan, range) = (&course.plan, &window.range);
        let keys = |frames: &[usize], more: &[usize]| -> Vec<usize> {
            frames
                .iter()
                .chain(more)
                .filter(|f| range.contains(f))
                .map(|f| f - range.start)
                .collect()
        };
        WindowInput {
            request: course.order.request,
            object: course.order.object,
            skeleton: &self.skeleton,
            sentence: course.sentence.clone(),
            features: window.features.clone(),
            length: range.len(),
            reference: window.reference,
            path_keys: keys(&plan.waypoint_frames, &plan.path_keys),
            height_keys: keys(&plan.height_keys, &[]),
            // A later window may begin after the object has left, an early one end before it arrives.
            rest: plan.rest.map_or([None; 2], |[until, from]| {
                [
                    until.checked_sub(range.start),
                    from.checked_sub(range.start).filter(|f| *f < range.len()),
                ]
            }),
            keep: window.keep.clone(),
            scene: course.order.scene.map(|s| (s, window.canonical)),
            index: course.made as u64,
        }
    }

    /// Puts what the network made at the end of the sequence.
    fn join(&self, course: &mut Course<'_>, window: Prepared, features: &[f32]) -> Result<()> {
        let mut made = Window::decode(
            &features[..window.range.len() * FEATURES],
            &self.checkpoint.config.statistics,
            &UnitQuaternion::identity(),
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
