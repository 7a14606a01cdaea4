//! A request becomes a clip: plan, conditions, denoising, back to the scene.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::{UnitQuaternion, Vector3};
use tch::Device;

use crate::diffusion::window::{Generator, WindowInput};
use crate::diffusion::{Flow, Progress, Schedule};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, SdfGrid};
use crate::model::config::TextEncoderKind;
use crate::model::{Checkpoint, Network};
use crate::motion::canonical::Canonical;
use crate::motion::features::{FEATURES, OBJECT_POSITION, Window};
use crate::motion::feet;
use crate::motion::seam::Seam;
use crate::motion::{FPS, Frame, MotionClip, WINDOW};
use crate::request::InteractionRequest;
use crate::request::plan::Plan;
use crate::skeleton::{Pose, ROTATIONS, Skeleton};
use crate::text::{ClipText, MiniLm, TextEncoder};

/// A loaded model, ready for requests. Belongs to one thread: libtorch's.
pub struct Synthesizer {
    checkpoint: Checkpoint,
    network: Network,
    schedule: Schedule,
    encoder: Box<dyn TextEncoder>,
    sentences: HashMap<String, Arc<Vec<f32>>>,
    skeleton: Skeleton,
    standing: [UnitQuaternion<f32>; ROTATIONS],
}

/// A request with its object and scene.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// What is asked for.
    pub request: &'a InteractionRequest,
    /// The object.
    pub object: &'a ObjectGeometry,
    /// Distance to the scene's geometry, for the scene term of guidance.
    pub scene: Option<&'a SdfGrid>,
}

/// One window of an order.
struct WindowTask<'a> {
    order: &'a Order<'a>,
    plan: &'a Plan,
    sentence: Arc<Vec<f32>>,
    index: u64,
}

/// A generated clip with what was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The clip, scene frame.
    pub clip: MotionClip,
    /// The plan it follows.
    pub plan: Plan,
}

impl Synthesizer {
    /// Loads a checkpoint folder and the text encoder it was trained with. `clip_weights` names the CLIP weights for
    /// checkpoints that need them.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`], [`MiniLm::load`] and [`ClipText::load`].
    pub fn load(folder: &Path, clip_weights: Option<&Path>, device: Device) -> Result<Self> {
        let checkpoint = Checkpoint::load(folder)?;
        let encoder: Box<dyn TextEncoder> = match (checkpoint.config.text_encoder, clip_weights) {
            (TextEncoderKind::MiniLm, _) => Box::new(MiniLm::load(&MiniLm::default_folder())?),
            (TextEncoderKind::ClipVitB32, Some(path)) => Box::new(ClipText::load(path)?),
            (TextEncoderKind::ClipVitB32, None) => {
                return Err(Error::invalid(
                    "clip-weights",
                    "this checkpoint understands sentences through CLIP ViT-B/32; name the safetensors file of its text \
                     tower (Hugging Face key names)",
                ));
            }
        };
        Self::new(checkpoint, encoder, device)
    }

    /// From a checkpoint and a text encoder.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the encoder's vectors are not as long as the network's input for them.
    pub fn new(
        checkpoint: Checkpoint,
        encoder: Box<dyn TextEncoder>,
        device: Device,
    ) -> Result<Self> {
        let width = checkpoint.config.architecture.text_width;
        if encoder.dimension() as i64 != width {
            return Err(Error::invalid(
                "text encoder",
                format!(
                    "{} gives vectors of {}, the checkpoint takes {width}",
                    encoder.name(),
                    encoder.dimension()
                ),
            ));
        }
        Ok(Self {
            network: checkpoint.network(device)?,
            schedule: Schedule::cosine(checkpoint.config.diffusion.steps as usize),
            skeleton: checkpoint.skeleton(),
            standing: checkpoint.standing(),
            sentences: HashMap::new(),
            encoder,
            checkpoint,
        })
    }

    /// The checkpoint in use.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The bones of the people it generates.
    pub fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    /// What generates single windows, without a plan.
    pub fn generator(&self) -> Generator<'_> {
        Generator {
            config: &self.checkpoint.config,
            network: &self.network,
            schedule: &self.schedule,
            basis: &self.checkpoint.basis,
        }
    }

    /// Vector of a sentence; each sentence is encoded once.
    pub fn sentence(&mut self, text: &str) -> Result<Arc<Vec<f32>>> {
        if let Some(known) = self.sentences.get(text) {
            return Ok(known.clone());
        }
        let vector = Arc::new(self.encoder.encode(text)?);
        // A game that speaks for days must not fill the memory.
        if self.sentences.len() >= 1024 {
            self.sentences.clear();
        }
        self.sentences.insert(text.to_owned(), vector.clone());
        Ok(vector)
    }

    /// What an order comes to before anything is generated; the way to check one.
    ///
    /// # Errors
    /// Those of [`Plan::new`], and [`Error::Invalid`] for more sampling steps than the schedule has.
    pub fn plan(&self, order: &Order<'_>) -> Result<Plan> {
        let steps = order.request.sampling.steps;
        if steps > self.schedule.steps() {
            return Err(Error::invalid(
                "sampling.steps",
                format!(
                    "{steps}; choose between 1 and the schedule's {}",
                    self.schedule.steps()
                ),
            ));
        }
        Plan::new(order.request, order.object, &self.skeleton, &self.standing)
    }

    /// Generates one clip. `progress` hears of every denoising step and may cancel.
    ///
    /// # Errors
    /// Those of [`Self::plan`] and the text encoder; [`Error::Cancelled`].
    pub fn generate(
        &mut self,
        order: &Order<'_>,
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Generated> {
        let plan = self.plan(order)?;
        let sentence = self.sentence(&order.request.text)?;
        let starts = order.request.window_starts();
        let windows = starts.len();
        let mut sequence = Window::default();
        for (index, start) in starts.into_iter().enumerate() {
            let mut tell = |p: Progress| {
                progress(Progress {
                    done: index * p.total + p.done,
                    total: windows * p.total,
                })
            };
            let window = WindowTask {
                order,
                plan: &plan,
                sentence: sentence.clone(),
                index: index as u64,
            };
            if index == 0 {
                self.first_window(&window, &mut sequence, &mut tell)?;
            } else {
                self.next_window(&window, start, &mut sequence, &mut tell)?;
            }
        }
        let mut clip = self.clip(order, &sequence)?;
        let planting = order.request.planting();
        if planting > 0.0 {
            let mut poses: Vec<Pose> = clip.frames.iter().map(|f| f.pose).collect();
            feet::plant(&clip.skeleton, &mut poses, planting);
            for (frame, pose) in clip.frames.iter_mut().zip(poses) {
                frame.pose = pose;
            }
        }
        Ok(Generated { clip, plan })
    }

    fn trans2joint(&self) -> Vector3<f32> {
        Vector3::from(self.checkpoint.config.trans2joint)
    }

    /// The window that begins with the planned pose.
    fn first_window(
        &self,
        task: &WindowTask<'_>,
        sequence: &mut Window,
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<()> {
        let plan = task.plan;
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
        let length = plan.path.len().min(WINDOW);
        let window = self.window(task, &canonical, &first, 0..length, progress)?;
        *sequence = window;
        canonical.apply_back(sequence);
        Ok(())
    }

    /// A window that goes on from where the sequence is (specification, section 9).
    fn next_window(
        &self,
        task: &WindowTask<'_>,
        start: usize,
        sequence: &mut Window,
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<()> {
        let seam = Seam::new(sequence, sequence.len() - start, &self.trans2joint())?;
        let range = start..(start + WINDOW).min(task.plan.path.len());
        let window = self.window(task, &seam.canonical, &seam.overlap, range, progress)?;
        seam.join(sequence, window)
    }

    /// Generates frames `range` of the plan as a window in its canonical frame; `known` holds its first frames, in that
    /// frame: one that is given, or more that are kept.
    fn window(
        &self,
        task: &WindowTask<'_>,
        canonical: &Canonical,
        known: &Window,
        range: std::ops::Range<usize>,
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Window> {
        let statistics = &self.checkpoint.config.statistics;
        let reference = known.object_rotation[0];
        let overlap = known.encode(statistics, &reference, known.len());
        let mut features = vec![0.0; WINDOW * FEATURES];
        features[..FEATURES].copy_from_slice(&overlap[..FEATURES]);
        // All of the plan; which frames of it the network and the guidance are told is theirs to pick.
        for t in 1..range.len() {
            let center = canonical.point(&task.plan.center(range.start + t));
            features[t * FEATURES..][OBJECT_POSITION]
                .copy_from_slice(&statistics.normalise_object(&center));
        }
        let plan = task.plan;
        let keys = |frames: &[usize], more: &[usize]| -> Vec<usize> {
            frames
                .iter()
                .chain(more)
                .filter(|f| range.contains(f))
                .map(|f| f - range.start)
                .collect()
        };
        let out = self.generator().windows(
            &[WindowInput {
                request: task.order.request,
                object: task.order.object,
                skeleton: &self.skeleton,
                sentence: task.sentence.clone(),
                features,
                length: range.len(),
                reference,
                path_keys: keys(&plan.waypoint_frames, &plan.path_keys),
                height_keys: keys(&plan.height_keys, &[]),
                // A later window may begin after the object has left, an early one end before it arrives.
                rest: plan.rest.map_or([None; 2], |[until, from]| {
                    [
                        until.checked_sub(range.start),
                        from.checked_sub(range.start).filter(|f| *f < range.len()),
                    ]
                }),
                keep: if known.len() > 1 { overlap } else { Vec::new() },
                scene: task.order.scene.map(|s| (s, *canonical)),
                index: task.index,
            }],
            progress,
        )?;
        let mut window = Window::decode(
            &out[0][..range.len() * FEATURES],
            statistics,
            &UnitQuaternion::identity(),
        );
        for q in &mut window.object_rotation {
            *q *= reference;
        }
        Ok(window)
    }

    /// A window of the scene as a clip. Joints follow from rotations, so that bones keep their lengths.
    fn clip(&self, order: &Order<'_>, window: &Window) -> Result<MotionClip> {
        let mesh_origin = order.object.center();
        let frames: Vec<Frame> = (0..window.len())
            .map(|t| Frame {
                pose: Pose {
                    root: window.joints[t][0],
                    rotations: window.rotations[t],
                },
                object_position: window.object_center[t] - window.object_rotation[t] * mesh_origin,
                object_rotation: window.object_rotation[t],
                contact: window.contact[t].map(|c| c.clamp(0.0, 1.0)),
            })
            .collect();
        let finite = frames.iter().all(|f| {
            f.pose.root.iter().all(|v| v.is_finite())
                && f.object_position.iter().all(|v| v.is_finite())
                && f.pose
                    .rotations
                    .iter()
                    .all(|q| q.coords.iter().all(|v| v.is_finite()))
                && f.contact.iter().all(|v| v.is_finite())
        });
        if !finite {
            return Err(Error::invalid(
                "checkpoint",
                "its network gave values that are not finite; the weights are damaged or were trained to divergence",
            ));
        }
        Ok(MotionClip {
            name: order.object.name().to_owned(),
            subject: String::new(),
            object: order.object.name().to_owned(),
            text: order.request.text.clone(),
            fps: FPS,
            skeleton: self.skeleton.clone(),
            frames,
        })
    }
}
