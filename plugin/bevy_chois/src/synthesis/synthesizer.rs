//! What systems ask for clips with.

use bevy::asset::{AssetId, Handle};
use bevy::ecs::system::{Res, ResMut, SystemParam};

use super::event::CancelReason;
use super::generations::{Generations, Wanted};
use super::order::InteractionOrder;
use super::walk::WalkOrder;
use super::worker::Word;
use crate::clip::MotionClip;

/// Where an order stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GenerationStatus {
    /// For its object's shape, or for the end of this frame.
    Waiting,
    /// For its turn.
    Queued,
    /// The network is at work on it.
    Running {
        /// Denoising steps made.
        done: usize,
        /// Denoising steps in all; 0 before the first.
        total: usize,
    },
    /// Its clip is there.
    Finished,
    /// There will be none, for this reason.
    Failed(String),
    /// It is no longer wanted.
    Cancelled(CancelReason),
}

impl GenerationStatus {
    /// Whether nothing further will happen.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Finished | Self::Failed(_) | Self::Cancelled(_))
    }
}

/// Asks for clips: a system parameter.
#[derive(SystemParam)]
pub struct MotionSynthesizer<'w> {
    generations: ResMut<'w, Generations>,
}

impl MotionSynthesizer<'_> {
    /// Asks for a clip and gives its handle at once; the clip follows. Keep the handle: when the last one is dropped the
    /// order is cancelled.
    ///
    /// The places of the order's entities are read at the end of the frame, after transforms were propagated. Whatever
    /// is wrong with the order is told by [`GenerationFailed`](super::GenerationFailed).
    #[must_use = "the order is cancelled when nobody holds the handle"]
    pub fn generate(&mut self, order: InteractionOrder) -> Handle<MotionClip> {
        self.generations.ask(Wanted::Interaction(Box::new(order)))
    }

    /// The same for a walk without an object. Fails with a model that knows none.
    #[must_use = "the order is cancelled when nobody holds the handle"]
    pub fn walk(&mut self, order: WalkOrder) -> Handle<MotionClip> {
        self.generations.ask(Wanted::Walk(Box::new(order)))
    }

    /// Has something done on the worker's thread, between two batches: what needs libtorch and is no clip. It must not take
    /// longer than a denoising step or two.
    ///
    /// # Errors
    /// Why there is no such thread, in a sentence.
    pub(crate) fn errand(&mut self, errand: impl FnOnce() + Send + 'static) -> Result<(), String> {
        self.generations.start()?;
        self.generations.tell(Word::Errand(Box::new(errand)))
    }

    /// Calls an order off. False when it is over already, or not one of ours.
    pub fn cancel(&mut self, clip: impl Into<AssetId<MotionClip>>) -> bool {
        self.generations.cancel(clip.into())
    }

    /// Where an order stands. None for clips that were not asked for here.
    pub fn status(&self, clip: impl Into<AssetId<MotionClip>>) -> Option<&GenerationStatus> {
        self.generations.status(clip.into())
    }

    /// How much of an order is done, 0 to 1. None for clips that were not asked for here, and for those that will not
    /// come.
    pub fn progress(&self, clip: impl Into<AssetId<MotionClip>>) -> Option<f32> {
        match self.status(clip)? {
            GenerationStatus::Waiting | GenerationStatus::Queued => Some(0.0),
            GenerationStatus::Running { done, total } => {
                Some(*done as f32 / (*total).max(1) as f32)
            }
            GenerationStatus::Finished => Some(1.0),
            GenerationStatus::Failed(_) | GenerationStatus::Cancelled(_) => None,
        }
    }

    /// Number of orders that are not over.
    pub fn pending(&self) -> usize {
        self.generations.pending()
    }
}

/// Tells where orders stand: a system parameter that asks for nothing, and is also there without the
/// [`SynthesisPlugin`](super::SynthesisPlugin).
#[derive(SystemParam)]
pub struct GenerationStatuses<'w> {
    generations: Option<Res<'w, Generations>>,
}

impl GenerationStatuses<'_> {
    /// Where an order stands. None for clips that were not asked for here.
    pub fn get(&self, clip: impl Into<AssetId<MotionClip>>) -> Option<&GenerationStatus> {
        self.generations.as_ref()?.status(clip.into())
    }
}
