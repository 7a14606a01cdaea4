//! The whole of it: settings in, a folder of clips and a folder of objects out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::captured::{Captured, Variation, varied};
use super::catalogue::{Base, Counts, Thing, catalogue, write_obj};
use super::limits::{Figures, Freedom, Limits, Rejection, Tally};
use super::made::{self, People};
use super::parallel::parallel;
use super::seeded;
use super::things::Kind;
use super::upright::Upright;
use super::words::{Action, nouns};
use crate::clip::write_clip;
use crate::contact::{self, ContactOptions};
use crate::error::{Error, Result, write_atomically};
use crate::motion::{FPS, MotionClip};
use crate::request::plan::relaxed;
use crate::text::TextEncoder;
use crate::training::dataset::Dataset;
use crate::training::locomotion::{self, LocomotionOptions};

/// Clips that are tried between two looks at how much there is.
const BATCH: usize = 64;
/// Most tries for one clip that is taken, over the whole corpus.
const TRIES: usize = 40;

/// What is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Folder that the clips (`clips/*.safetensors`) and meshes (`objects/*.obj`) are written to.
    pub out: PathBuf,
    /// Hours of motion.
    pub hours: f64,
    /// Where all chance comes from.
    pub seed: u64,
    /// Threads that work.
    pub threads: usize,
    /// Folder of captured clips, and of their objects.
    pub captured: Option<(PathBuf, PathBuf)>,
    /// Folder of captured walking, BVH.
    pub locomotion: Option<PathBuf>,
    /// Nothing of what is made comes from captured motion or captured objects.
    pub own_motion_only: bool,
    /// Share of tries that are made from nothing, the others being captured clips with other objects.
    pub made_share: f64,
    /// Folder of meshes that are handled besides.
    pub meshes: Option<PathBuf>,
    /// Variants of each captured object, stretched and by a stand-in.
    pub variants: [usize; 2],
    /// Objects of each kind that code makes.
    pub made: usize,
    /// What is taken.
    pub limits: Limits,
}

impl Settings {
    /// An hour from captured clips, seed 0, all the processor's threads.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            hours: 1.0,
            seed: 0,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            captured: None,
            locomotion: None,
            own_motion_only: false,
            made_share: 0.5,
            meshes: None,
            variants: [14, 14],
            made: 12,
            limits: Limits::default(),
        }
    }

    fn validate(&self) -> Result<()> {
        if !(self.hours > 0.0 && self.hours <= 1000.0) {
            return Err(Error::invalid(
                "hours",
                format!("{}; give more than 0 and at most 1000", self.hours),
            ));
        }
        let named = self.captured.is_some() || self.locomotion.is_some();
        if self.own_motion_only && named {
            return Err(Error::invalid(
                "own_motion_only",
                "captured clips or walking are named beside it; name none, or leave it out",
            ));
        }
        if !self.own_motion_only && self.captured.is_none() {
            return Err(Error::invalid(
                "captured",
                "name a folder of captured clips and one of their objects, or ask for own motion only",
            ));
        }
        if !(0.0..=1.0).contains(&self.made_share) {
            return Err(Error::invalid(
                "made_share",
                format!("{}; give between 0 and 1", self.made_share),
            ));
        }
        let clips = self.out.join("clips");
        if std::fs::read_dir(&clips).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::invalid(
                "out",
                format!(
                    "{} holds files already, which would mix with what is made; name a new folder or empty it",
                    clips.display()
                ),
            ));
        }
        if self.captured.is_some() && self.variants == [0, 0] {
            return Err(Error::invalid("variants", "give one of either at least"));
        }
        Ok(())
    }
}

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
}

/// No sentence is needed as a vector here.
struct Mute;

impl TextEncoder for Mute {
    fn dimension(&self) -> usize {
        0
    }
    fn name(&self) -> &str {
        "none"
    }
    fn encode(&self, _: &str) -> Result<Vec<f32>> {
        Ok(Vec::new())
    }
}

/// One try's outcome.
struct Outcome {
    kind: String,
    thing: usize,
    clip: Result<(MotionClip, Figures), Rejection>,
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
    let suiting: Vec<(Action, Vec<usize>)> = (Action::ALL.into_iter())
        .map(|action| {
            let fit = (0..things.len()).filter(|k| made::suits(action, &things[*k]));
            (action, fit.collect::<Vec<_>>())
        })
        .filter(|(_, fit)| !fit.is_empty())
        .collect();
    let wanted = (settings.hours * 3600.0 * f64::from(FPS)).ceil() as usize;
    let mut summary = Summary::default();
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
                    let name = format!("clips/{}.safetensors", clip.name);
                    write_clip(&settings.out.join(name), clip)?;
                    used.insert(outcome.thing);
                    add(&mut sums, figures);
                    Ok(clip.frames.len())
                }
                Err(why) => Err(*why),
            };
            summary.tally.count(&outcome.kind, frames);
        }
        if tried > TRIES * (summary.tally.clips() + BATCH) {
            return Err(Error::invalid(
                "limits",
                format!(
                    "of {tried} clips {} were taken; widen the limits, or name other clips and objects\n{}",
                    summary.tally.clips(),
                    summary.tally
                ),
            ));
        }
        progress(hours(summary.tally.frames()), &summary.tally);
    }
    for thing in &used {
        let thing = &things[*thing];
        write_obj(
            &settings.out.join(format!("objects/{}.obj", thing.name)),
            thing,
        )?;
    }
    summary.clips = summary.tally.clips();
    summary.objects = used.len();
    summary.hours = hours(summary.tally.frames());
    summary.means = mean(&sums, summary.clips);
    let text = serde_json::to_string_pretty(&summary).map_err(|e| Error::invalid("summary", e))?;
    write_atomically(&settings.out.join("corpus.json"), text.as_bytes())?;
    Ok(summary)
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

/// Captured clips whose sentence and object are known, mirrored twins with them, and their objects.
fn read(clips: &Path, objects: &Path) -> Result<(Vec<Captured>, Vec<Base>)> {
    let data = Dataset::load(clips, objects, &Mute, true)?;
    let mut bases: Vec<Base> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for source in data.sources.iter().filter(|s| !s.name.starts_with('~')) {
        let name = source.geometry.name();
        let Some(kind) = Kind::of_name(name).filter(|_| !numbers.contains_key(name)) else {
            continue;
        };
        let standing = source.motion.object_rotation[0];
        numbers.insert(name.to_owned(), bases.len());
        bases.push(Base {
            name: name.to_owned(),
            kind,
            upright: Upright::of(&source.geometry, &standing, kind),
            geometry: Arc::clone(&source.geometry),
        });
    }
    let captured: Vec<Captured> = (data.sources.into_iter())
        .filter_map(|source| {
            let base = *numbers.get(source.geometry.name())?;
            let name = source.geometry.name().to_owned();
            let action = Action::of_sentence(&source.text, &name)?;
            Some(Captured::new(source, action, base, &bases[base].upright))
        })
        .collect();
    if captured.is_empty() {
        return Err(Error::malformed(
            clips,
            "folder of motion clips",
            "none of its clips has an object and a sentence of the vocabulary",
        ));
    }
    Ok((captured, bases))
}

/// One captured clip with another thing.
fn reused(
    settings: &Settings,
    captured: &[Captured],
    pairs: &[Vec<usize>],
    things: &[Thing],
    number: u64,
    mut rng: ChaCha8Rng,
) -> Outcome {
    let from = chosen(captured, &mut rng);
    let source = &captured[from];
    let kind = format!("captured, {}", source.action.name());
    let Some(&thing) = pairs[from].choose(&mut rng) else {
        return Outcome {
            kind,
            thing: 0,
            clip: Err(Rejection::NotMade),
        };
    };
    let with = &things[thing];
    let variation = Variation::random(&mut rng);
    let mut wanted = varied(source, with, &variation);
    let names = nouns(with.kind, with.size.into());
    let noun = names.choose(&mut rng).copied().unwrap_or("object");
    wanted.text = source.action.say(noun, &mut rng);
    wanted.name = format!(
        "{}_{number:06}",
        source.source.name.replace('~', "mirrored_")
    );
    Outcome {
        kind,
        thing,
        clip: played(settings, wanted, with, Freedom::None),
    }
}

/// Somebody who does something with a thing.
fn acted(
    settings: &Settings,
    people: &People,
    suiting: &[(Action, Vec<usize>)],
    things: &[Thing],
    number: u64,
    mut rng: ChaCha8Rng,
) -> Outcome {
    let (action, fit) = match suiting.choose(&mut rng) {
        Some((action, fit)) => (*action, fit.as_slice()),
        None => (Action::Carry, [].as_slice()),
    };
    let kind = format!("made, {}", action.name());
    let thing = fit.choose(&mut rng).copied();
    let clip = thing.and_then(|thing| made::made(action, &things[thing], people, &mut rng));
    let (Some(thing), Some(mut wanted)) = (thing, clip) else {
        return Outcome {
            kind,
            thing: 0,
            clip: Err(Rejection::NotMade),
        };
    };
    let with = &things[thing];
    let names = nouns(with.kind, with.size.into());
    let noun = names.choose(&mut rng).copied().unwrap_or("object");
    wanted.text = action.say(noun, &mut rng);
    wanted.name = format!("made_{}_{number:06}", action.name().replace(' ', "_"));
    let freedom = match action {
        Action::Kick | Action::KickCarry => Freedom::Slides,
        Action::LayDown | Action::LayAndPickUp => Freedom::Settles,
        _ => Freedom::None,
    };
    Outcome {
        kind,
        thing,
        clip: played(settings, wanted, with, freedom),
    }
}

/// Those who act: what captured clips and walks show of people, or rules.
fn people(settings: &Settings, captured: &[Captured]) -> Result<People> {
    let Some(first) = captured.first() else {
        return Ok(People::default());
    };
    let sources = captured.iter().map(|c| &c.source);
    let standing = People::of(sources.clone(), &[]).standing;
    let walks = match &settings.locomotion {
        Some(folder) => {
            let standing = standing.first().copied().unwrap_or_else(relaxed);
            let options = LocomotionOptions {
                footwork: false,
                seed: settings.seed,
            };
            locomotion::load(folder, &first.source.skeleton, &standing, &options)?
        }
        None => Vec::new(),
    };
    let walks: Vec<MotionClip> = walks.into_iter().flat_map(|w| w.clips).collect();
    Ok(People::of(sources, &walks))
}

/// A captured clip; of an action that was captured four times as often comes twice as much.
fn chosen(captured: &[Captured], rng: &mut impl Rng) -> usize {
    let mut groups: BTreeMap<Action, Vec<usize>> = BTreeMap::new();
    for (k, c) in captured.iter().enumerate() {
        groups.entry(c.action).or_default().push(k);
    }
    let weight = |group: &Vec<usize>| (group.len() as f64).sqrt();
    let all: f64 = groups.values().map(weight).sum();
    let mut at = rng.random::<f64>() * all;
    for group in groups.values() {
        at -= weight(group);
        if at < 0.0 {
            return group.choose(rng).copied().unwrap_or_default();
        }
    }
    0
}

/// A clip under physics, if it is good enough.
fn played(
    settings: &Settings,
    wanted: MotionClip,
    thing: &Thing,
    freedom: Freedom,
) -> Result<(MotionClip, Figures), Rejection> {
    let played = contact::correct(&wanted, &thing.object, &ContactOptions::default())
        .map_err(|_| Rejection::Refused)?;
    let figures = settings
        .limits
        .judge(&wanted, &played, &thing.object, freedom)?;
    Ok((played.clip, figures))
}
