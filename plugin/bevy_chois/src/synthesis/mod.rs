//! The inference worker: one thread owns libtorch; requests go in, progress and clips come out.
//!
//! [`MotionSynthesizer`] takes [`InteractionOrder`]s and [`WalkOrder`]s and answers with the handle of a clip that will be there later.
//! Nothing of the work is done on Bevy's threads. Orders that wait together and ask for the same sampling go through the
//! network as one batch. What happens is told by [`GenerationStarted`], [`GenerationProgress`], [`GenerationFinished`],
//! [`GenerationFailed`] and [`GenerationCancelled`], each a buffered message and an event on the order's entities.
//!
//! An order ends when its clip is there, when it is cancelled, when its deadline passes, when its object or avatar is
//! despawned, or when nobody holds its handle any more: the thread looks between any two denoising steps. A panic in the
//! model fails the order that caused it; the thread loads the checkpoint again and goes on. (A program built with
//! `panic = "abort"` ends instead, and so does one whose libtorch crashes.)
//!
//! On the CPU, libtorch's threads wait actively for each other unless `OMP_WAIT_POLICY=PASSIVE` stands in the environment
//! before the program starts; set it for a game that gives the worker more than one thread.
//!
//! The checkpoint is an asset, [`Checkpoint`]; when it is reloaded the worker goes over to it between two batches, and
//! keeps the old one if the new cannot be used.

mod checkpoint;
mod event;
mod generations;
mod model;
mod order;
mod plugin;
mod queue;
mod synthesizer;
mod terms;
mod walk;
mod worker;

pub use checkpoint::{Checkpoint, CheckpointFiles, CheckpointLoader};
pub use event::{
    CancelReason, GenerationCancelled, GenerationFailed, GenerationFinished, GenerationProgress,
    GenerationStarted, ModelFailed, ModelReady, OrderId,
};
pub use model::{Device, Job, Libtorch, Model, ModelLoader, WalkJob};
pub use order::{InteractionOrder, OrderObject};
pub(crate) use plugin::{Patience, synthesis_is_there};
pub use plugin::{SynthesisPlugin, SynthesisSystems};
pub use synthesizer::{GenerationStatus, GenerationStatuses, MotionSynthesizer};
pub use walk::WalkOrder;
