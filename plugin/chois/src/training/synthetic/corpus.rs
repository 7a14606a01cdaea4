//! The whole of it: settings in, a folder of clips and a folder of objects out.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::catalogue::{Counts, catalogue, write_obj};
use super::limits::{Figures, Rejection, Tally};
use super::made::{self, People};
use super::parallel::parallel;
use super::seeded;
use super::settings::Settings;
use super::tries::{acted, people, read, reused, strolled};
use super::words::Action;
use crate::clip::write_clip;
use crate::error::{Error, Result, write_atomically};
use crate::motion::FPS;

/// Clips that are tried between two looks at how much there is.
const BATCH: usize = 64;
/// Most tries for one clip that is taken, over the whole corpus.
const TRIES: usize = 40;

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Clips and meshes that were written.
    pub clips: usize,
    /// Meshes.
    pub objects: usize,
    /// Hours of motion.
    pub hours: f64,
    /// What was taken and what not.
    pub tally: Tally,
    /// Means over the clips taken.
    pub means: Figures,
    /// Walking with nothing to handle; not counted above.
    #[serde(default)]
    pub walks: Walks,
    /// Whether nothing of it comes from captured motion or captured objects.
    pub own_motion_only: bool,
}

/// Walks that were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Walks {
    /// Those that were written.
    pub clips: usize,
    /// Hours of motion.
    pub hours: f64,
    /// Why others were not.
    pub rejected: BTreeMap<Rejection, usize>,
    /// Means over those that were; what is about objects is 0.
    pub means: Figures,
}

/// Makes a corpus. `progress` is told of hours made so far.
///
/// # Errors
/// [`Error::Invalid`] for settings that cannot be, and when next to nothing that is tried is taken; those of reading the
/// clips and meshes that are named, and of writing.
pub fn synthesize(settings: &Settings, progress: &mut dyn FnMut(f64, &Tally)) -> Result<Summary> {
    settings.validate()?;
    let (captured, bases) = match &settings.captured {
        Some((clips, objects)) => read(clips, objects)?,
        None => (Vec::new(), Vec::new()),
    };
    let counts = Counts {
        stretched: settings.variants[0],
        stand_ins: settings.variants[1],
        made: settings.made,
    };
    let things = catalogue(
        &bases,
        counts,
        settings.meshes.as_deref(),
        settings.seed,
        settings.threads,
    )?;
    let pairs: Vec<Vec<usize>> = (captured.iter())
        .map(|c| (0..things.len()).filter(|k| c.takes(&things[*k])).collect())
        .collect();
    let people = people(settings, &captured)?;
    let suiting: Vec<(Action, Vec<usize>)> = (settings.actions.iter())
        .map(|&action| {
            let fit = (0..things.len()).filter(|k| made::suits(action, &things[*k]));
            (action, fit.collect::<Vec<_>>())
        })
        .filter(|(_, fit)| !fit.is_empty())
        .collect();
    let wanted = (settings.hours * 3600.0 * f64::from(FPS)).ceil() as usize;
    let mut summary = Summary {
        own_motion_only: settings.own_motion_only,
        ..Summary::default()
    };
    let mut used = BTreeSet::new();
    let mut sums = Figures::default();
    let mut tried = 0;
    while summary.tally.frames() < wanted {
        let outcomes = parallel(BATCH, settings.threads, |k| {
            let number = (tried + k) as u64;
            let mut rng = seeded(settings.seed, "clips", number);
            if settings.own_motion_only || rng.random_bool(settings.made_share) {
                acted(settings, &people, &suiting, &things, number, rng)
            } else {
                reused(settings, &captured, &pairs, &things, number, rng)
            }
        });
        tried += BATCH;
        for outcome in outcomes {
            if summary.tally.frames() >= wanted {
                break;
            }
            let frames = match &outcome.clip {
                Ok((clip, figures)) => {
                    // The mesh first: a run that is cut short leaves nothing that cannot be read.
                    if used.insert(outcome.thing) {
                        let thing = &things[outcome.thing];
                        let name = format!("objects/{}.obj", thing.name);
                        write_obj(&settings.out.join(name), thing)?;
                    }
                    let name = format!("clips/{}.safetensors", clip.name);
                    write_clip(&settings.out.join(name), clip)?;
                    add(&mut sums, figures);
                    Ok(clip.frames.len())
                }
                Err(why) => Err(*why),
            };
            summary.tally.count(&outcome.kind, frames);
        }
        if tried > TRIES * (summary.tally.clips() + BATCH) {
            let why = summary.tally.commonest();
            return Err(Error::invalid(
                "limits",
                format!(
                    "of {tried} clips {} were taken, most others refused for: {}; widen the limits, or name other clips \
                     and objects",
                    summary.tally.clips(),
                    why.map_or_else(|| "nothing".into(), |why| why.to_string()),
                ),
            ));
        }
        progress(hours(summary.tally.frames()), &summary.tally);
    }
    summary.clips = summary.tally.clips();
    summary.objects = used.len();
    summary.hours = hours(summary.tally.frames());
    summary.means = mean(&sums, summary.clips);
    summary.walks = walks(settings, &people)?;
    let text = serde_json::to_string_pretty(&summary).map_err(|e| Error::invalid("summary", e))?;
    write_atomically(&settings.out.join("corpus.json"), text.as_bytes())?;
    Ok(summary)
}

/// Makes the walks.
fn walks(settings: &Settings, people: &People) -> Result<Walks> {
    let wanted = (settings.walking * 3600.0 * f64::from(FPS)).ceil() as usize;
    let mut out = Walks::default();
    let mut sums = Figures::default();
    let (mut tried, mut frames) = (0, 0);
    while frames < wanted {
        let clips = parallel(BATCH, settings.threads, |k| {
            let number = (tried + k) as u64;
            strolled(
                settings,
                people,
                number,
                seeded(settings.seed, "walks", number),
            )
        });
        tried += BATCH;
        for clip in clips {
            if frames >= wanted {
                break;
            }
            let (clip, figures) = match clip {
                Ok(taken) => taken,
                Err(why) => {
                    *out.rejected.entry(why).or_default() += 1;
                    continue;
                }
            };
            write_clip(
                &settings
                    .out
                    .join(format!("walks/{}.safetensors", clip.name)),
                &clip,
            )?;
            add(&mut sums, &figures);
            out.clips += 1;
            frames += clip.frames.len();
        }
        if tried > TRIES * (out.clips + BATCH) {
            return Err(Error::invalid(
                "limits",
                format!(
                    "of {tried} walks {} were taken; widen the limits",
                    out.clips
                ),
            ));
        }
    }
    out.hours = hours(frames);
    out.means = mean(&sums, out.clips);
    Ok(out)
}

fn hours(frames: usize) -> f64 {
    frames as f64 / f64::from(FPS) / 3600.0
}

fn add(sums: &mut Figures, one: &Figures) {
    sums.hand_distance += one.hand_distance;
    sums.hand_penetration += one.hand_penetration;
    sums.body_penetration += one.body_penetration;
    sums.foot_skate += one.foot_skate;
    sums.acceleration += one.acceleration;
    sums.stray += one.stray;
    sums.feet_below += one.feet_below;
}

fn mean(sums: &Figures, clips: usize) -> Figures {
    let n = clips.max(1) as f64;
    Figures {
        hand_distance: sums.hand_distance / n,
        hand_penetration: sums.hand_penetration / n,
        body_penetration: sums.body_penetration / n,
        foot_skate: sums.foot_skate / n,
        acceleration: sums.acceleration / n,
        stray: sums.stray / n,
        feet_below: sums.feet_below / n,
    }
}
