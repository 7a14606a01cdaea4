//! Single tries: a captured clip with another thing, or an action made from nothing, played by physics and judged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::captured::{Captured, Variation, varied};
use super::catalogue::{Base, Thing};
use super::limits::{Figures, Freedom, Rejection};
use super::made::{self, People};
use super::settings::Settings;
use super::things::Kind;
use super::upright::Upright;
use super::words::{Action, nouns};
use crate::contact::{self, ContactOptions};
use crate::error::{Error, Result};
use crate::motion::MotionClip;
use crate::request::plan::relaxed;
use crate::text::TextEncoder;
use crate::training::dataset::Dataset;
use crate::training::locomotion::{self, LocomotionOptions};

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

/// One try's outcome: what was tried, with which thing, and the clip or why there is none.
pub(super) struct Outcome {
    pub kind: String,
    pub thing: usize,
    pub clip: Result<(MotionClip, Figures), Rejection>,
}

/// Captured clips whose sentence and object are known, mirrored twins with them, and their objects.
pub(super) fn read(clips: &Path, objects: &Path) -> Result<(Vec<Captured>, Vec<Base>)> {
    let data = Dataset::load(clips, objects, &Mute, true)?;
    let mut bases: Vec<Base> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for source in data.sources.iter().filter(|s| !s.name.starts_with('~')) {
        let Some(geometry) = &source.geometry else {
            continue;
        };
        let name = geometry.name();
        let Some(kind) = Kind::of_name(name).filter(|_| !numbers.contains_key(name)) else {
            continue;
        };
        let standing = source.motion.object_rotation[0];
        numbers.insert(name.to_owned(), bases.len());
        bases.push(Base {
            name: name.to_owned(),
            kind,
            upright: Upright::of(geometry, &standing, kind),
            geometry: Arc::clone(geometry),
        });
    }
    let captured: Vec<Captured> = (data.sources.into_iter())
        .filter_map(|source| {
            let geometry = source.geometry.clone()?;
            let base = *numbers.get(geometry.name())?;
            let action = Action::of_sentence(&source.text, geometry.name())?;
            let upright = &bases[base].upright;
            Some(Captured::new(source, geometry, action, base, upright))
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
pub(super) fn reused(
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
        "{}_{}_{number:06}",
        source.source.name.replace('~', "mirrored_"),
        settings.seed
    );
    Outcome {
        kind,
        thing,
        clip: played(settings, wanted, with, Freedom::None),
    }
}

/// Somebody who does something with a thing.
pub(super) fn acted(
    settings: &Settings,
    people: &People,
    suiting: &[(Action, Vec<usize>)],
    things: &[Thing],
    number: u64,
    mut rng: ChaCha8Rng,
) -> Outcome {
    // In turn, so that a short corpus has of everything.
    let (action, fit) = match suiting.get(number as usize % suiting.len().max(1)) {
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
    wanted.name = format!(
        "made_{}_{}_{number:06}",
        action.name().replace(' ', "_"),
        settings.seed
    );
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

/// Somebody who walks, with nothing to handle.
pub(super) fn strolled(
    settings: &Settings,
    people: &People,
    number: u64,
    mut rng: ChaCha8Rng,
) -> Result<(MotionClip, Figures), Rejection> {
    let mut clip = made::walked(people, &mut rng);
    let said = locomotion::SENTENCES.choose(&mut rng).copied();
    said.unwrap_or_default().clone_into(&mut clip.text);
    clip.name = format!("made_walk_{}_{number:06}", settings.seed);
    let figures = settings.limits.judge_walk(&clip)?;
    Ok((clip, figures))
}

/// Those who act: what captured clips and walks show of people, or rules.
pub(super) fn people(settings: &Settings, captured: &[Captured]) -> Result<People> {
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
