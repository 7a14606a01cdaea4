//! Guidance: what a clean prediction is moved toward while sampling (specification, section 8).
//!
//! [`published`] is the release's rule for the ancestral sampler: losses as means over everything, large weights, active
//! for steps 9 to 1 of 1,000. At few steps that rule touches almost nothing, so [`InteractionGuide`] and [`WalkGuide`] state
//! the same terms as energies per frame in metres and descend them on the prediction of the last steps, with weights that
//! mean "which share of the error one iteration removes". What has a closed form is done by it: given places, the object at
//! rest and over the floor, the body's height over the floor.
//!
//! They work on plain numbers, one window at a time, with gradients of their own: a window's few thousand sines and products
//! are nothing to a core, and were most of a request's time as tensors.

mod along;
mod descent;
mod field;
mod given;
mod interaction;
mod person;
pub mod published;
mod smoothing;
mod walk;
mod whole;

use tch::{Device, Kind, Tensor};

pub use field::SceneField;
pub use interaction::{GivenWay, InteractionGuide};
pub use walk::WalkGuide;
pub use whole::TurnGoal;

use super::sampler::{Guide, Moment};
use crate::motion::features::FEATURES;

/// Moves the clean prediction of one window.
pub trait WindowGuide: Sync {
    /// Changes the features `x` of the frames that exist (T x 220, row-major, normalised). False: there was nothing to do at
    /// this moment, and `x` is as it was.
    fn guide(&self, x: &mut [f32], at: Moment) -> bool;
}

/// The guidance of a window, and how many of its frames exist: what the network says of others means nothing, and must not
/// be taken for a pose that hands hold or an object rests in.
pub struct Guided<'a> {
    /// Its guidance.
    pub guide: Box<dyn WindowGuide + 'a>,
    /// Its frames.
    pub frames: usize,
}

/// Guidance of the windows of a batch, each by its own guide or by none.
pub struct Batch<'a>(pub Vec<Option<Guided<'a>>>);

impl Guide for Batch<'_> {
    /// `x0` (B, T, 220). The windows are shared out among as many threads as libtorch has; each comes out the same alone.
    fn guide(&self, x0: &Tensor, at: Moment) -> Option<Tensor> {
        if self.0.iter().all(Option::is_none) {
            return None;
        }
        let size = x0.size();
        let flat = x0.to_kind(Kind::Float).to_device(Device::Cpu);
        // A prediction is always dense, so this cannot fail; where it did, it would be left alone.
        let mut values = Vec::<f32>::try_from(&flat.contiguous().view(-1)).ok()?;
        let window = size[1] as usize * FEATURES;
        let mut jobs: Vec<(&(dyn WindowGuide + '_), &mut [f32])> = (self.0.iter())
            .zip(values.chunks_exact_mut(window))
            .filter_map(|(guided, x)| {
                let Guided { guide, frames } = guided.as_ref()?;
                Some((&**guide, x.get_mut(..frames * FEATURES)?))
            })
            .collect();
        let threads = (tch::get_num_threads().max(1) as usize).min(jobs.len());
        let share = jobs.len().div_ceil(threads);
        let work = |jobs: &mut [(&(dyn WindowGuide + '_), &mut [f32])]| {
            jobs.iter_mut()
                .fold(false, |any, (guide, x)| guide.guide(x, at) | any)
        };
        let any = std::thread::scope(|scope| {
            let (own, others) = jobs.split_at_mut(share);
            let others: Vec<_> = (others.chunks_mut(share))
                .map(|jobs| scope.spawn(move || work(jobs)))
                .collect();
            let mut any = work(own);
            for other in others {
                any |= other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            any
        });
        any.then(|| {
            Tensor::from_slice(&values)
                .view(size.as_slice())
                .to_device(x0.device())
        })
    }
}
