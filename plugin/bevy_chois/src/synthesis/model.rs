//! What the worker runs: a model made of a checkpoint. The usual one is [`Libtorch`]; games and tests may bring others.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use chois::Result;
use chois::diffusion::{Flow, Progress};
use chois::geometry::{Mesh, ObjectGeometry, SdfGrid};
use chois::model::Checkpoint as Parts;
use chois::motion::MotionClip;
use chois::request::{InteractionRequest, WalkRequest};
use chois::synthesis::{Generated, GeneratedWalk, Order, Synthesizer, WalkOrder};
use nalgebra::Vector3;

use super::checkpoint::CheckpointFiles;

/// One interaction to be made: everything in the model's frame (metres, Z up), nothing of Bevy's world.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is asked for.
    pub request: InteractionRequest,
    /// The object.
    pub object: Arc<ObjectGeometry>,
    /// Distance to the scene's geometry, in the request's frame.
    pub scene: Option<Arc<SdfGrid>>,
    /// Whether parts of it are wanted while it is made.
    pub streamed: bool,
}

/// One walk to be made, in the model's frame.
#[derive(Clone, Debug)]
pub struct WalkJob {
    /// What is asked for.
    pub request: WalkRequest,
    /// Distance to the scene's geometry, in the request's frame.
    pub scene: Option<Arc<SdfGrid>>,
    /// Whether parts of it are wanted while it is made.
    pub streamed: bool,
}

/// Makes clips. Lives and dies on the worker's thread; a panic in it fails what it was at and has it loaded again.
pub trait Model {
    /// Makes the clips of jobs that ask for the same sampling. `progress` hears of every step of each job still wanted
    /// and may cancel it; `part` may be told what there is so far of a job that is [streamed](Job::streamed), its beginning,
    /// longer each time; `done` is told the result of every job exactly once, by its index, as soon as there is one.
    fn generate(
        &mut self,
        jobs: &[Job],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, Result<MotionClip>),
    );

    /// Makes walks, in the same way. A model that knows none fails them all.
    fn walk(
        &mut self,
        jobs: &[WalkJob],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, Result<MotionClip>),
    ) {
        let _ = (progress, part);
        for index in 0..jobs.len() {
            let reason = "this model knows no walking without an object; use one that does";
            done(index, Err(chois::Error::invalid("model", reason)));
        }
    }

    /// Does once what makes the first job slow. `progress` may cancel.
    ///
    /// # Errors
    /// Whatever keeps it from making clips.
    fn warm_up(&mut self, progress: &mut dyn FnMut(Progress) -> Flow) -> Result<()> {
        let _ = progress;
        Ok(())
    }
}

/// Turns a checkpoint into a model, on the worker's thread.
pub trait ModelLoader: Debug + Send + Sync + 'static {
    /// The model.
    ///
    /// # Errors
    /// One sentence that says what to do.
    fn load(&self, checkpoint: &CheckpointFiles) -> Result<Box<dyn Model>>;
}

/// What libtorch computes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// A CUDA device where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
}

/// The network, on libtorch.
#[derive(Clone, Debug, Default)]
pub struct Libtorch {
    /// What it computes on.
    pub device: Device,
    /// Threads that share one product on the CPU. `None`: all cores but one, at least one, so that the game keeps its.
    pub threads: Option<usize>,
    /// CLIP weights (safetensors), for checkpoints that understand sentences through CLIP.
    pub clip_weights: Option<PathBuf>,
}

impl Libtorch {
    fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or(cores - 1).max(1)
    }
}

impl ModelLoader for Libtorch {
    fn load(&self, checkpoint: &CheckpointFiles) -> Result<Box<dyn Model>> {
        chois::device::set_threads(self.threads());
        let parts = Parts::from_parts(
            checkpoint.config.clone(),
            &checkpoint.weights,
            &checkpoint.weights_path,
        )?;
        let device = match self.device {
            Device::Auto => chois::device::choose(),
            Device::Cpu => chois::device::Device::Cpu,
        };
        Ok(Box::new(Synthesizer::from_checkpoint(
            parts,
            self.clip_weights.as_deref(),
            device,
        )?))
    }
}

impl Model for Synthesizer {
    fn generate(
        &mut self,
        jobs: &[Job],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, Result<MotionClip>),
    ) {
        let orders: Vec<_> = (jobs.iter())
            .map(|job| Order {
                request: &job.request,
                object: &job.object,
                scene: job.scene.as_deref(),
            })
            .collect();
        let mut done = |index, made: Result<Generated>| done(index, made.map(|made| made.clip));
        if jobs.iter().any(|job| job.streamed) {
            let mut part = |index: usize, made: Generated| {
                if jobs.get(index).is_some_and(|job| job.streamed) {
                    part(index, made.clip);
                }
            };
            self.generate_streamed(&orders, progress, &mut part, &mut done);
        } else {
            self.generate_batch(&orders, progress, &mut done);
        }
    }

    fn walk(
        &mut self,
        jobs: &[WalkJob],
        progress: &mut dyn FnMut(usize, Progress) -> Flow,
        part: &mut dyn FnMut(usize, MotionClip),
        done: &mut dyn FnMut(usize, Result<MotionClip>),
    ) {
        let orders: Vec<_> = (jobs.iter())
            .map(|job| WalkOrder {
                request: &job.request,
                scene: job.scene.as_deref(),
            })
            .collect();
        let mut done = |index, made: Result<GeneratedWalk>| done(index, made.map(|made| made.clip));
        if jobs.iter().any(|job| job.streamed) {
            let mut part = |index: usize, made: GeneratedWalk| {
                if jobs.get(index).is_some_and(|job| job.streamed) {
                    part(index, made.clip);
                }
            };
            self.walk_streamed(&orders, progress, &mut part, &mut done);
        } else {
            self.walk_batch(&orders, progress, &mut done);
        }
    }

    fn warm_up(&mut self, progress: &mut dyn FnMut(Progress) -> Flow) -> Result<()> {
        let request = InteractionRequest::new("Lift the box, move the box, and put down the box.");
        let cube = Mesh::cuboid(Vector3::zeros(), Vector3::repeat(0.4));
        let object = ObjectGeometry::new("box", cube.refined())?;
        let order = Order {
            request: &request,
            object: &object,
            scene: None,
        };
        Synthesizer::generate(self, &order, progress).map(|_| ())
    }
}
