//! Bringing clips onto avatars in the background, each only once.
//!
//! The work is a [`Retargeter`]'s; it runs in Bevy's `AsyncComputeTaskPool`. Results are kept in [`BakedClips`] for as
//! long as somebody else holds their clip and their rig, so a clip that fifty avatars with one rig play is solved once.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::ecs::resource::Resource;
use bevy::tasks::{AsyncComputeTaskPool, Task, futures::check_ready};
use chois::geometry::ObjectGeometry;
use chois::motion::MotionClip;
use chois::retarget::{Retarget, RetargetOptions, Rig, RigClip, RigMap};

use super::RiggedClip;

/// With more clips than this, those that nobody plays are forgotten.
const MANY: usize = 256;

/// What is to be retargeted.
#[derive(Clone, Debug)]
pub struct BakeJob {
    /// The motion.
    pub motion: Arc<MotionClip>,
    /// The avatar's bones.
    pub rig: Arc<Rig>,
    /// Which of them is what.
    pub map: Arc<RigMap>,
    /// Metres per unit of the avatar's root.
    pub scale: f32,
    /// The shape of the object in hand, where there is one.
    pub geometry: Option<Arc<ObjectGeometry>>,
}

/// Two jobs with the same key have the same result. Addresses, not contents: a job keeps what they point to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    motion: usize,
    rig: usize,
    map: usize,
    scale: u32,
    geometry: usize,
}

impl BakeJob {
    fn key(&self) -> Key {
        Key {
            motion: Arc::as_ptr(&self.motion).addr(),
            rig: Arc::as_ptr(&self.rig).addr(),
            map: Arc::as_ptr(&self.map).addr(),
            scale: self.scale.to_bits(),
            geometry: self.geometry.as_ref().map_or(0, |g| Arc::as_ptr(g).addr()),
        }
    }

    /// Whether nobody but the cache needs the result any more.
    fn forgotten(&self) -> bool {
        Arc::strong_count(&self.motion) == 1 || Arc::strong_count(&self.rig) == 1
    }
}

/// Puts a clip on a rig: [`chois::retarget::Retarget`] with [`RetargetOptions::default`] by default. Insert another one
/// to change its options or to bring a solver of your own; clips that are on their rigs already stay as they are.
#[derive(Resource, Clone)]
pub struct Retargeter(
    pub Arc<dyn Fn(&BakeJob) -> chois::error::Result<RigClip> + Send + Sync + 'static>,
);

impl Retargeter {
    /// [`chois::retarget::Retarget`] with other options.
    pub fn with_options(options: RetargetOptions) -> Self {
        Self(Arc::new(move |job| {
            Retarget::new(&job.rig, &job.map, &job.motion.skeleton, job.scale)?.bake(
                &job.motion,
                job.geometry.as_deref(),
                &options,
            )
        }))
    }
}

impl Default for Retargeter {
    fn default() -> Self {
        Self::with_options(RetargetOptions::default())
    }
}

/// How far a job is.
#[derive(Clone, Debug)]
pub enum Baked {
    /// A task works on it; ask again next frame.
    Working,
    /// Done.
    Ready(Arc<RiggedClip>),
    /// Refused, with the reason. It stays refused until the clip or the rig changes.
    Failed(Arc<str>),
}

enum State {
    Working(Task<Result<Arc<RiggedClip>, Arc<str>>>),
    Done(Baked),
}

impl State {
    /// Looks whether the task is done.
    fn look(&mut self) {
        if let Self::Working(task) = self
            && let Some(result) = check_ready(task)
        {
            *self = Self::Done(match result {
                Ok(clip) => Baked::Ready(clip),
                Err(reason) => Baked::Failed(reason),
            });
        }
    }
}

/// Clips on rigs, made or in the making.
#[derive(Resource, Default)]
pub struct BakedClips {
    entries: HashMap<Key, (BakeJob, State)>,
}

impl BakedClips {
    /// How far a job is; starts it when it is new.
    pub fn get(&mut self, job: &BakeJob, retargeter: &Retargeter) -> Baked {
        let (_, state) = self
            .entries
            .entry(job.key())
            .or_insert_with(|| (job.clone(), State::Working(start(job, retargeter))));
        state.look();
        match state {
            State::Done(baked) => baked.clone(),
            State::Working(_) => Baked::Working,
        }
    }

    /// Number of clips kept or in the making.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops what nobody can ask for again and, when there are very many, what nobody plays.
    pub(super) fn tidy(&mut self) {
        let many = self.entries.len() > MANY;
        self.entries.retain(|_, (job, state)| {
            // What nobody asks for any more is done, too.
            state.look();
            let idle = match state {
                State::Done(Baked::Ready(clip)) => Arc::strong_count(clip) == 1,
                State::Done(_) => true,
                State::Working(_) => false,
            };
            !(job.forgotten() || many && idle)
        });
    }
}

fn start(job: &BakeJob, retargeter: &Retargeter) -> Task<Result<Arc<RiggedClip>, Arc<str>>> {
    // Weak references would let the addresses of the key be given to something else meanwhile; the task has its own.
    let job = job.clone();
    let retargeter = retargeter.clone();
    AsyncComputeTaskPool::get_or_init(Default::default).spawn(async move {
        let baked = (retargeter.0)(&job)
            .map_err(crate::error::Error::from)
            .and_then(|clip| {
                RiggedClip::new(&job.motion, &job.rig, &clip, job.geometry.as_deref())
            });
        match baked {
            Ok(clip) => Ok(Arc::new(clip)),
            Err(e) => Err(e.to_string().into()),
        }
    })
}
