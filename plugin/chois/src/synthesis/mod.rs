//! A request becomes a clip: plan, conditions, denoising, back to the scene. Several go through the network together.

mod course;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::{UnitQuaternion, Vector3};
use tch::Device;

use crate::diffusion::window::{Generator, cannot_walk};
use crate::diffusion::{Flow, Progress, Schedule};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, SdfGrid};
use crate::model::config::TextEncoderKind;
use crate::model::{Checkpoint, Network};
use crate::motion::features::Window;
use crate::motion::{FPS, MotionClip};
use crate::motion::{feet, lock};
use crate::request::plan::Plan;
use crate::request::walk_plan::WalkPlan;
use crate::request::{InteractionRequest, SamplingConfig, WalkRequest};
use crate::skeleton::{Pose, ROTATIONS, Skeleton};
use crate::text::{ClipText, MiniLm, TextEncoder};

use course::{Course, Task};

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

/// A generated clip with what was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The clip, scene frame.
    pub clip: MotionClip,
    /// The plan it follows.
    pub plan: Plan,
}

/// A walk with its scene.
#[derive(Clone, Copy)]
pub struct WalkOrder<'a> {
    /// What is asked for.
    pub request: &'a WalkRequest,
    /// Distance to the scene's geometry, for the scene term of guidance.
    pub scene: Option<&'a SdfGrid>,
}

/// A generated walk with what was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedWalk {
    /// The clip, scene frame; without an object (see [`MotionClip::has_object`]).
    pub clip: MotionClip,
    /// The plan it follows.
    pub plan: WalkPlan,
}

impl Synthesizer {
    /// Loads a checkpoint folder and the text encoder it was trained with. `clip_weights` names the CLIP weights for
    /// checkpoints that need them.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`], [`MiniLm::load`] and [`ClipText::load`].
    pub fn load(folder: &Path, clip_weights: Option<&Path>, device: Device) -> Result<Self> {
        Self::from_checkpoint(Checkpoint::load(folder)?, clip_weights, device)
    }

    /// The same for a checkpoint that was read already.
    ///
    /// # Errors
    /// Those of [`MiniLm::load`] and [`ClipText::load`].
    pub fn from_checkpoint(
        checkpoint: Checkpoint,
        clip_weights: Option<&Path>,
        device: Device,
    ) -> Result<Self> {
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
                    "{} gives vectors of {}, the checkpoint takes {width}: use the encoder that its config.json names",
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
    /// Those of [`Plan::new`], and [`Error::Invalid`] for more sampling steps than the schedule has or an object in hand at
    /// the start of a request without a pose.
    pub fn plan(&self, order: &Order<'_>) -> Result<Plan> {
        self.check_steps(&order.request.sampling)?;
        if order.request.in_hand.start && order.request.pose.is_none() {
            return Err(Error::invalid(
                "in_hand.start",
                "asks for pose: give the person's whole first pose, such as the last of the clip before, or leave it out",
            ));
        }
        Plan::new(order.request, order.object, &self.skeleton, &self.standing)
    }

    /// Whether this checkpoint knows walking without an object.
    pub fn can_walk(&self) -> bool {
        self.checkpoint.config.conditioning.walking.is_some()
    }

    /// What a walk comes to before anything is generated; the way to check one.
    ///
    /// # Errors
    /// Those of [`WalkPlan::new`], and [`Error::Invalid`] for more sampling steps than the schedule has or a checkpoint that
    /// does not know walking.
    pub fn plan_walk(&self, order: &WalkOrder<'_>) -> Result<WalkPlan> {
        if !self.can_walk() {
            return Err(cannot_walk());
        }
        self.check_steps(&order.request.sampling)?;
        WalkPlan::new(order.request, &self.skeleton, &self.standing)
    }

    fn check_steps(&self, sampling: &SamplingConfig) -> Result<()> {
        let (steps, most) = (sampling.steps, self.schedule.steps());
        if steps > most {
            return Err(Error::invalid(
                "sampling.steps",
                format!("{steps}; choose between 1 and the schedule's {most}"),
            ));
        }
        Ok(())
    }

    /// Generates one walk. `progress` hears of every denoising step and may cancel.
    ///
    /// # Errors
    /// Those of [`Self::plan_walk`] and the text encoder; [`Error::Cancelled`].
    pub fn walk(
        &mut self,
        order: &WalkOrder<'_>,
        progress: &mut dyn FnMut(Progress) -> Flow,
    ) -> Result<GeneratedWalk> {
        let mut made = Err(Error::Cancelled);
        self.walk_batch(
            std::slice::from_ref(order),
            &mut |_, p| progress(p),
            &mut |_, result| made = result,
        );
        made
    }

    /// Generates several walks at once, as [`Self::generate_batch`] does interactions.
    ///
    /// # Errors
    /// Told to `done`, per order: those of [`Self::walk`].
    pub fn walk_batch(
        &mut self,
        orders: &[WalkOrder<'_>],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        done: &mut dyn FnMut(usize, Result<GeneratedWalk>),
    ) {
        let (begin, finish) = (Self::walk_course, Self::finish_walk);
        self.all(orders, begin, finish, progress, None, done);
    }

    /// [`Self::walk_batch`], and `part` is told what there is so far, as [`Self::generate_streamed`] tells it.
    ///
    /// # Errors
    /// Told to `done`, per order: those of [`Self::walk`].
    pub fn walk_streamed(
        &mut self,
        orders: &[WalkOrder<'_>],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, GeneratedWalk),
        done: &mut dyn FnMut(usize, Result<GeneratedWalk>),
    ) {
        let (begin, finish) = (Self::walk_course, Self::finish_walk);
        self.all(orders, begin, finish, progress, Some(part), done);
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
        let mut made = Err(Error::Cancelled);
        self.generate_batch(
            std::slice::from_ref(order),
            &mut |_, p| progress(p),
            &mut |_, result| made = result,
        );
        made
    }

    /// Generates several clips at once: windows that ask for the same sampling and keep equally many frames go through
    /// the network together. Each order has its own seed, plan and guidance, and its own result, told to `done` with the
    /// order's index as soon as its last window is made; every order is told of exactly once. `progress` hears of every
    /// denoising step of each order that is still wanted; an order that it cancels ends there, the others go on.
    ///
    /// A clip made beside others is the clip made alone but for rounding: products of other shapes add in another
    /// order, and guidance, which chooses the nearest vertex, may carry the last bits further. A batch of one is
    /// [`Self::generate`], bit for bit.
    ///
    /// # Errors
    /// Told to `done`, per order: those of [`Self::generate`].
    pub fn generate_batch(
        &mut self,
        orders: &[Order<'_>],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        done: &mut dyn FnMut(usize, Result<Generated>),
    ) {
        self.all(orders, Self::course, Self::finish, progress, None, done);
    }

    /// [`Self::generate_batch`], and of an order of several windows `part` is told what there is so far: after the first
    /// window, and whenever there are twice as many. A part is the beginning of the clip, on the plan of the whole; what
    /// follows may change its last frames, for feet stand where they stand longest.
    ///
    /// # Errors
    /// Told to `done`, per order: those of [`Self::generate`].
    pub fn generate_streamed(
        &mut self,
        orders: &[Order<'_>],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, Generated),
        done: &mut dyn FnMut(usize, Result<Generated>),
    ) {
        self.all(
            orders,
            Self::course,
            Self::finish,
            progress,
            Some(part),
            done,
        );
    }

    /// All orders of a kind, from what each is planned to be (`begin`) to what it has become (`finish`).
    fn all<'a, Order, Made>(
        &mut self,
        orders: &'a [Order],
        begin: impl Fn(&mut Self, usize, &'a Order) -> Result<Course<'a>>,
        finish: impl Fn(&Self, &Course<'a>) -> Result<Made>,
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        mut part: Option<&mut dyn FnMut(usize, Made)>,
        done: &mut dyn FnMut(usize, Result<Made>),
    ) {
        let mut courses = Vec::with_capacity(orders.len());
        for (index, order) in orders.iter().enumerate() {
            match begin(self, index, order) {
                Ok(course) => courses.push(course),
                Err(error) => done(index, Err(error)),
            }
        }
        let mut told = |course: &Course<'a>| {
            let Some(part) = &mut part else { return };
            // What is wrong with it is told at the end.
            if let Ok(made) = finish(self, course) {
                part(course.index, made);
            }
        };
        self.run(courses, progress, &mut told, &mut |course, result| {
            let index = course.index;
            done(index, result.and_then(|()| finish(self, &course)));
        });
    }

    /// Makes all windows of all courses; each ends in `done`, all its windows made or not. `part` hears of those that have so
    /// many windows that twice as many are worth as much again, and are not complete.
    fn run<'a>(
        &self,
        mut courses: Vec<Course<'a>>,
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(&Course<'a>),
        done: &mut dyn FnMut(Course<'a>, Result<()>),
    ) {
        // The least advanced first, so that short orders are not held up by long ones.
        while let Some(first) = courses.iter().min_by_key(|c| c.made) {
            let key = first.key();
            let (mut group, rest): (Vec<_>, Vec<_>) =
                courses.into_iter().partition(|c| c.key() == key);
            courses = rest;
            let results = self.advance(&mut group, progress);
            for (course, result) in group.into_iter().zip(results) {
                if result.is_ok() && !course.is_complete() {
                    if course.made.is_power_of_two() {
                        part(&course);
                    }
                    courses.push(course);
                } else {
                    done(course, result);
                }
            }
        }
    }

    fn trans2joint(&self) -> Vector3<f32> {
        Vector3::from(self.checkpoint.config.trans2joint)
    }

    /// The clip of what has been made of an order.
    fn finish(&self, course: &Course<'_>) -> Result<Generated> {
        let Task::Interaction { order, plan } = &course.task else {
            return Err(Error::invalid("order", "it is a walk's"));
        };
        let mut clip = self.clip(Some(order.object), &order.request.text, &course.sequence)?;
        plant(&mut clip, order.request.planting(), feet::plant);
        lock::hold(&mut clip, &order.request.keys, None);
        let plan = (**plan).clone();
        Ok(Generated { clip, plan })
    }

    /// The clip of what has been made of a walk.
    fn finish_walk(&self, course: &Course<'_>) -> Result<GeneratedWalk> {
        let Task::Walk { order, plan } = &course.task else {
            return Err(Error::invalid("order", "it is an interaction's"));
        };
        let mut clip = self.clip(None, &order.request.text, &course.sequence)?;
        plant(&mut clip, order.request.planting(), feet::plant_walk);
        lock::hold(&mut clip, &order.request.keys, None);
        let plan = (**plan).clone();
        Ok(GeneratedWalk { clip, plan })
    }

    /// A window of the scene as a clip. Joints follow from rotations, so that bones keep their lengths.
    fn clip(
        &self,
        object: Option<&ObjectGeometry>,
        text: &str,
        window: &Window,
    ) -> Result<MotionClip> {
        let frames = window.frames(object.map(ObjectGeometry::center));
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
        let object = object.map_or("", ObjectGeometry::name);
        Ok(MotionClip {
            name: if object.is_empty() { "walk" } else { object }.to_owned(),
            subject: String::new(),
            object: object.to_owned(),
            text: text.to_owned(),
            fps: FPS,
            skeleton: self.skeleton.clone(),
            frames,
        })
    }
}

/// Holds standing feet in place.
fn plant(clip: &mut MotionClip, strength: f32, hold: fn(&Skeleton, &mut [Pose], f32)) {
    if strength > 0.0 {
        let mut poses: Vec<Pose> = clip.frames.iter().map(|f| f.pose).collect();
        hold(&clip.skeleton, &mut poses, strength);
        for (frame, pose) in clip.frames.iter_mut().zip(poses) {
            frame.pose = pose;
        }
    }
}
