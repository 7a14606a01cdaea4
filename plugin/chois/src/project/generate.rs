//! Strips become takes.

use super::document::{Draw, Project, StripId, Take, TakeId, Verdict};
use super::library::Library;
use super::stale;
use super::task::Task;
use crate::diffusion::{Flow, Progress};
use crate::error::{Error, Result};
use crate::motion::MotionClip;
use crate::request::Variation;
use crate::synthesis::{Order, Synthesizer, WalkOrder};

/// What is to be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that is out of date.
    Stale,
    /// One strip, whether out of date or not.
    Strip(StripId),
    /// Takes like one that is there, of its strip.
    Like(TakeId),
}

/// How much of a take's noise is other noise in one that is to be like it.
pub const LIKE: f32 = 0.35;

/// What was generated for a strip: each take's seed and clip.
#[derive(Clone, Debug)]
pub struct Made {
    /// For which.
    pub strip: StripId,
    /// What it was generated from.
    pub fingerprint: String,
    /// What each was drawn from, and the clips.
    pub clips: Vec<(Draw, MotionClip)>,
}

/// The noise of several takes of a task: the task's own seed and the numbers after it.
pub fn draws(task: &Task, count: usize) -> Vec<Draw> {
    (0..count.max(1) as u64)
        .map(|k| Draw {
            seed: task.seed().wrapping_add(k),
            variations: Vec::new(),
        })
        .collect()
}

/// The noise of several takes like one of a strip: no two that were ever made of the strip are the same.
///
/// # Errors
/// [`Error::Invalid`] for a take that is none of the project's, or that was made by hand.
pub fn draws_like(project: &Project, take: TakeId, count: usize) -> Result<(StripId, Vec<Draw>)> {
    let name = || format!("take {}", take.0);
    let (strip, like) = project
        .take(take)
        .ok_or_else(|| Error::invalid(name(), "is none of the project's"))?;
    if like.made.is_none() {
        return Err(Error::invalid(
            name(),
            "was made by hand, from no noise that another could be like; generate takes and choose one",
        ));
    }
    let first = strip.takes.len() as u64;
    let draws = (0..count.max(1) as u64).map(|k| {
        let mut variations = like.variations.clone();
        variations.push(Variation {
            seed: first + k,
            amount: LIKE,
        });
        Draw {
            seed: like.seed,
            variations,
        }
    });
    Ok((strip.id, draws.collect()))
}

/// Generates takes of a task in one batch, one for each draw of noise. `progress` hears of every denoising step, the batch's own, and may cancel.
///
/// # Errors
/// Those of [`Synthesizer::generate`], [`Synthesizer::walk`] and [`Task::finish`]; the first that a take has.
pub fn takes(
    synthesizer: &mut Synthesizer,
    task: &Task,
    library: &Library,
    draws: &[Draw],
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<(Draw, MotionClip)>> {
    let room = library.room();
    let room = room.as_deref();
    let tasks: Vec<Task> = draws.iter().map(|draw| task.drawn(draw)).collect();
    let mut made: Vec<Option<Result<MotionClip>>> = tasks.iter().map(|_| None).collect();
    let mut hear = |k: usize, p: Progress| match k {
        0 => progress(p),
        _ => Flow::Continue,
    };
    match task {
        Task::Walk(_) => {
            let requests: Vec<_> = tasks
                .iter()
                .filter_map(|t| match t {
                    Task::Walk(request) => Some(WalkOrder {
                        request,
                        scene: room,
                    }),
                    Task::Interact(..) => None,
                })
                .collect();
            synthesizer.walk_batch(&requests, &mut hear, &mut |k, result| {
                made[k] = Some(result.map(|walk| walk.clip));
            });
        }
        Task::Interact(_, thing) => {
            let requests: Vec<_> = tasks
                .iter()
                .filter_map(|t| match t {
                    Task::Interact(request, _) => Some(Order {
                        request,
                        object: &thing.geometry,
                        scene: room,
                    }),
                    Task::Walk(_) => None,
                })
                .collect();
            synthesizer.generate_batch(&requests, &mut hear, &mut |k, result| {
                made[k] = Some(result.map(|generated| generated.clip));
            });
        }
    }
    let about = library.about();
    draws
        .iter()
        .zip(tasks.iter().zip(made))
        .map(|(draw, (task, clip))| {
            let clip = clip.unwrap_or(Err(Error::Cancelled))?;
            Ok((draw.clone(), task.finish(clip, &about)?))
        })
        .collect()
}

/// Generates what is wanted, one strip after another, `variations` takes each, into the project and the library. Strips
/// that were done when it fails or is cancelled stay done, all others are as they were. Returns the strips that were
/// generated.
///
/// # Errors
/// Those of [`takes`] and [`Project::task`]; [`Error::Cancelled`].
pub fn generate(
    project: &mut Project,
    library: &mut Library,
    synthesizer: &mut Synthesizer,
    which: Which,
    variations: usize,
    progress: &mut dyn FnMut(StripId, Progress) -> Flow,
) -> Result<Vec<StripId>> {
    let mut done = Vec::new();
    let waits = |strip: StripId| {
        Error::invalid(
            format!("strip {}", strip.0),
            "the strip before it has no take to go on from; generate that one first",
        )
    };
    loop {
        let next = match which {
            Which::Strip(_) | Which::Like(_) if !done.is_empty() => None,
            Which::Strip(id) => {
                let task = project.task(library, id)?.ok_or_else(|| waits(id))?;
                let draws = draws(&task, variations);
                Some((id, task, draws))
            }
            Which::Like(take) => {
                let (id, draws) = draws_like(project, take, variations)?;
                let task = project.task(library, id)?.ok_or_else(|| waits(id))?;
                Some((id, task, draws))
            }
            // What was done cannot become right by doing it once more.
            Which::Stale => {
                stale::next(project, library, |id| !done.contains(&id))?.map(|(id, task)| {
                    let draws = draws(&task, variations);
                    (id, task, draws)
                })
            }
        };
        let Some((strip, task, draws)) = next else {
            return Ok(done);
        };
        let fingerprint = task.fingerprint(library.room_digest());
        let task = task.ending(project.kept_end(library, strip));
        let clips = takes(synthesizer, &task, library, &draws, &mut |p| {
            progress(strip, p)
        })?;
        add(
            project,
            library,
            Made {
                strip,
                fingerprint,
                clips,
            },
        )?;
        done.push(strip);
    }
}

/// Adds what was generated to a strip, which shows the first of it from now on. An accepted take stays accepted until
/// another is.
///
/// # Errors
/// [`Error::Invalid`] where the strip is no longer there.
pub fn add(project: &mut Project, library: &mut Library, made: Made) -> Result<Vec<TakeId>> {
    let gone = || {
        Error::invalid(
            format!("strip {}", made.strip.0),
            "was deleted while it was generated; undo that and generate again",
        )
    };
    project.strip(made.strip).ok_or_else(gone)?;
    let mut ids = Vec::with_capacity(made.clips.len());
    for (draw, clip) in made.clips {
        let id = TakeId(project.fresh());
        library.insert(id, clip);
        let take = Take {
            id,
            seed: draw.seed,
            variations: draw.variations,
            verdict: Verdict::Open,
            made: Some(made.fingerprint.clone()),
            edits: Vec::new(),
        };
        if let Some(strip) = project.strip_mut(made.strip) {
            strip.takes.push(take.into());
        }
        ids.push(id);
    }
    if let (Some(strip), Some(first)) = (project.strip_mut(made.strip), ids.first()) {
        strip.shown = Some(*first);
    }
    Ok(ids)
}

impl Task {
    /// Its seed.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Walk(request) => request.seed,
            Self::Interact(request, _) => request.seed,
        }
    }
}
