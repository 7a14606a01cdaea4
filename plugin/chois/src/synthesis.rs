//! A request becomes a clip: plan, conditions, denoising, back to the scene.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::Vector3;
use tch::Device;

use crate::diffusion::window::{Generator, WindowInput};
use crate::diffusion::{Flow, Progress, Schedule};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, SdfGrid};
use crate::model::config::TextEncoderKind;
use crate::model::{Checkpoint, Network};
use crate::motion::canonical::Canonical;
use crate::motion::features::{FEATURES, OBJECT_POSITION, Window};
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
    standing: [nalgebra::UnitQuaternion<f32>; ROTATIONS],
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
        let windows = order.request.windows();
        if windows > 1 {
            return Err(Error::invalid(
                "seconds",
                format!(
                    "{} needs {windows} windows of {} s; sequences of windows are not available yet: choose at most 4",
                    order.request.seconds,
                    WINDOW as f32 / FPS
                ),
            ));
        }
        let sentence = self.sentence(&order.request.text)?;
        let statistics = &self.checkpoint.config.statistics;
        let length = plan.path.len();
        let canonical = Canonical::of(&plan.pose.root, &plan.pose.rotations[0]);
        let reference = canonical.rotation * plan.rotation;
        let center =
            |t: usize, z: f32| canonical.point(&Vector3::new(plan.path[t].x, plan.path[t].y, z));
        let mut first = Window {
            joints: vec![self.skeleton.forward(&plan.pose)],
            rotations: vec![plan.pose.rotations],
            object_center: vec![Vector3::new(
                plan.path[0].x,
                plan.path[0].y,
                plan.heights[0],
            )],
            object_rotation: vec![plan.rotation],
            contact: vec![[0.0; 4]],
        };
        canonical.apply(&mut first);
        let mut features = first.encode(statistics, &reference, WINDOW);
        for t in 1..length {
            // The network is told some of these; guidance knows the rest.
            let z = if t + 1 == length {
                plan.heights[1]
            } else {
                plan.heights[0]
            };
            features[t * FEATURES..][OBJECT_POSITION]
                .copy_from_slice(&statistics.normalise_object(&center(t, z)));
        }
        let generator = Generator {
            config: &self.checkpoint.config,
            network: &self.network,
            schedule: &self.schedule,
            basis: &self.checkpoint.basis,
        };
        let out = generator.windows(
            &[WindowInput {
                request: order.request,
                object: order.object,
                skeleton: &self.skeleton,
                sentence,
                features,
                length,
                reference,
                also: plan.waypoint_frames.clone(),
                keep: Vec::new(),
                scene: order.scene.map(|s| (s, canonical)),
                index: 0,
            }],
            progress,
        )?;
        let mut window = Window::decode(&out[0][..length * FEATURES], statistics, &reference);
        canonical.apply_back(&mut window);
        Ok(Generated {
            clip: self.clip(order, &window)?,
            plan,
        })
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
