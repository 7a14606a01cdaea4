//! From noun phrases to what they mean in a scene.

use std::collections::{HashMap, HashSet};

use nalgebra::Vector2;

use super::grammar::{Nearest, NounPhrase, Pronoun};
use super::lexicon::{Determiner, Size, THESAURUS, is_attribute, size};
use super::refusal::{Candidate, CommandRefusal};
use super::similarity::Similarity;
use super::words::{Token, singular, tokens};
use super::{Relation, Target};
use crate::scene::{Item, ItemId, ItemKind, Mobility, Scene};

/// From this similarity on a description is taken for the item's, if no other is nearly as alike.
const ALIKE: f32 = 0.60;
/// How much more alike than the second it must be.
const MARGIN: f32 = 0.05;
/// From this similarity on an item is offered where nothing is called so.
const OFFERED: f32 = 0.30;
/// Farthest that something is still by something else, metres between the two.
const BY: f32 = 1.5;

/// What a noun phrase means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Referent {
    Items(Vec<ItemId>),
    Place(Target),
    /// The floor as a whole: no place in particular.
    Floor,
    Ceiling,
    /// The object of the same clause.
    Itself,
}

/// The words of one item.
struct Words {
    /// Its name and other names, each as words in the singular.
    labels: Vec<Vec<String>>,
    /// What such things are called elsewhere.
    alike: Vec<Vec<String>>,
    all: HashSet<String>,
    /// What the sentence encoder is shown.
    texts: Vec<String>,
}

/// How well a noun phrase fits an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    None,
    /// The noun fits, a word before it does not.
    Noun,
    /// Such things are called so elsewhere.
    Alike,
    /// All words fit.
    Words,
    /// It is one of its names.
    Name,
    /// It is its first name.
    FirstName,
}

/// A scene's names.
pub(super) struct Names<'a> {
    pub scene: &'a Scene,
    words: Vec<Words>,
}

fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = tokens(&text.replace('_', " "))
        .into_iter()
        .filter_map(|t| match t {
            Token::Word(w) => Some(w),
            Token::Number(n) => Some(n.to_string()),
            _ => None,
        })
        .collect();
    if let Some(last) = words.last_mut() {
        *last = singular(last).0;
    }
    words
}

fn is_generic(word: &str) -> bool {
    matches!(
        word,
        "one" | "thing" | "object" | "item" | "stuff" | "piece"
    )
}

impl<'a> Names<'a> {
    pub fn new(scene: &'a Scene) -> Self {
        let words = scene.items.iter().map(|item| {
            let mut labels: Vec<Vec<String>> = std::iter::once(&item.name)
                .chain(&item.synonyms)
                .map(|label| split(label))
                .collect();
            let kind = match item.kind {
                ItemKind::Wall => Some("wall"),
                ItemKind::Window => Some("window"),
                ItemKind::Door => Some("door"),
                ItemKind::Ceiling => Some("ceiling"),
                ItemKind::Object | ItemKind::Floor => None,
            };
            labels.extend(kind.map(|word| vec![word.to_owned()]));
            labels.retain(|label| !label.is_empty());
            let mut alike = Vec::new();
            for others in THESAURUS {
                let others: Vec<Vec<String>> = others.iter().map(|l| split(l)).collect();
                let has = |label: &Vec<String>| others.iter().any(|a| label.ends_with(a));
                if labels.iter().any(has) {
                    alike.extend(others);
                }
            }
            let tags = item.tags.iter().flat_map(|tag| split(tag));
            let names = labels.iter().chain(&alike).flatten().cloned();
            let all = names.chain(tags).collect();
            let mut texts = vec![item.name.clone()];
            texts.extend(item.synonyms.iter().cloned());
            if !item.tags.is_empty() {
                texts.push(format!("{} {}", item.tags.join(" "), item.name));
            }
            if !item.description.is_empty() {
                texts.push(item.description.clone());
            }
            Words {
                labels,
                alike,
                all,
                texts,
            }
        });
        Self {
            scene,
            words: words.collect(),
        }
    }

    /// All words of the scene, in the singular and as written.
    pub fn known(&self) -> HashSet<String> {
        let markers = self.scene.markers.iter().flat_map(|m| split(&m.name));
        let known = self.words.iter().flat_map(|w| w.all.iter().cloned());
        known.chain(markers).collect()
    }

    /// What the sentence encoder will be shown of this scene.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.words.iter().flat_map(|w| &w.texts).map(String::as_str)
    }

    fn fit(&self, i: usize, phrase: &[String]) -> Fit {
        let words = &self.words[i];
        let together = phrase.concat();
        let name = split(&self.scene.items[i].name);
        if name.concat() == together {
            return Fit::FirstName;
        }
        if words.labels.iter().any(|label| label.concat() == together) {
            return Fit::Name;
        }
        let Some((noun, _)) = phrase.split_last() else {
            return Fit::None;
        };
        // The longest of its names that the phrase ends in, or the last word of one.
        let ending = |labels: &[Vec<String>]| {
            let ends = labels.iter().filter(|label| phrase.ends_with(label));
            ends.map(Vec::len).max()
        };
        let is_head = words.labels.iter().any(|label| label.last() == Some(noun));
        let (taken, fit) = match (ending(&words.labels), ending(&words.alike)) {
            (Some(taken), _) => (taken, Fit::Words),
            _ if is_generic(noun) || is_head => (1, Fit::Words),
            (None, Some(taken)) => (taken, Fit::Alike),
            (None, None) => return Fit::None,
        };
        let before = &phrase[..phrase.len() - taken];
        let fits = |word: &String| {
            words.all.contains(word) || size(word).is_some() || word == "own" || word == "same"
        };
        if before.iter().all(fits) {
            fit
        } else {
            Fit::Noun
        }
    }

    /// What a noun phrase means. `focus` is what was spoken of last, `mentioned` everything of this command, `apart` an
    /// item that it cannot be.
    pub fn resolve(
        &self,
        noun: &NounPhrase,
        focus: &[ItemId],
        mentioned: &[ItemId],
        similarity: &mut Option<Similarity>,
    ) -> Result<Referent, CommandRefusal> {
        if let Some(pronoun) = noun.pronoun {
            return self.pronoun(pronoun, focus);
        }
        let last = noun.words.last().map(String::as_str).unwrap_or_default();
        if let Some(marker) = self.marker(&noun.words) {
            return Ok(Referent::Place(Target::Marker(marker)));
        }
        let best = self.fitting(noun);
        if best.is_empty() {
            match last {
                "corner" => return Ok(Referent::Place(Target::Corner)),
                "middle" | "center" | "centre" => return Ok(Referent::Place(Target::Middle)),
                "floor" | "ground" | "room" | "place" => return Ok(Referent::Floor),
                "ceiling" | "roof" | "sky" => return Ok(Referent::Ceiling),
                _ => (),
            }
        }
        let mut found = if best.is_empty() || !noun.detail.is_empty() {
            self.alike(noun, &best, similarity)?
        } else {
            best
        };
        self.narrow(noun, &mut found, similarity)?;
        self.choose(noun, found, mentioned).map(Referent::Items)
    }

    fn pronoun(&self, pronoun: Pronoun, focus: &[ItemId]) -> Result<Referent, CommandRefusal> {
        let none = |word: &str| CommandRefusal::NoReferent {
            word: word.to_owned(),
        };
        let spoken = self.scene.recent.iter().copied();
        Ok(match pronoun {
            Pronoun::It => {
                let before = spoken.chain(self.scene.held).next();
                let id = focus.last().copied().or(before).ok_or_else(|| none("it"))?;
                Referent::Items(vec![id])
            }
            Pronoun::Them => {
                let all = if focus.is_empty() {
                    spoken.collect()
                } else {
                    focus.to_vec()
                };
                if all.is_empty() {
                    return Err(none("them"));
                }
                Referent::Items(all)
            }
            Pronoun::Held => {
                let id = self.scene.held.or(focus.last().copied());
                Referent::Items(vec![id.ok_or_else(|| none("what you are holding"))?])
            }
            Pronoun::Itself => Referent::Itself,
            Pronoun::Speaker => Referent::Place(Target::Speaker),
            Pronoun::Listener => Referent::Place(Target::Listener),
        })
    }

    fn marker(&self, words: &[String]) -> Option<String> {
        let bare = match words.first().map(String::as_str) {
            Some("marker" | "mark" | "point" | "spot" | "waypoint" | "position")
                if words.len() > 1 =>
            {
                &words[1..]
            }
            _ => words,
        };
        let named = self.scene.markers.iter().find(|m| {
            let name = split(&m.name);
            !name.is_empty() && (name == words || name == bare)
        });
        // "The cross", where only one marker is a cross.
        let ends = |m: &&crate::scene::Marker| split(&m.name).ends_with(bare) && !bare.is_empty();
        let mut ending = self.scene.markers.iter().filter(ends);
        let only = ending.next().filter(|_| ending.next().is_none());
        named.or(only).map(|m| m.name.clone())
    }

    /// Whether a noun phrase is made of the scene's own words.
    pub fn knows(&self, noun: &NounPhrase) -> bool {
        noun.pronoun.is_some() || !self.fitting(noun).is_empty()
    }

    /// Items that the words fit best.
    fn fitting(&self, noun: &NounPhrase) -> Vec<usize> {
        let generic = noun.words.len() == 1 && is_generic(&noun.words[0]);
        let vague = noun.size.is_none() && noun.nearest.is_none() && noun.whereabouts.is_empty();
        if generic && vague {
            return Vec::new();
        }
        let fits: Vec<Fit> = (0..self.words.len())
            .map(|i| self.fit(i, &noun.words))
            .collect();
        let best = fits.iter().copied().max().unwrap_or(Fit::None);
        if best < Fit::Alike {
            return Vec::new();
        }
        // "The chairs" are all chairs, also those with a longer name.
        let least = if noun.plural {
            best.min(Fit::Words)
        } else {
            best
        };
        let is_thing = |i: &usize| {
            let generic = noun.words.last().is_some_and(|w| is_generic(w));
            !generic || self.scene.items[*i].kind == ItemKind::Object
        };
        (0..fits.len())
            .filter(|i| fits[*i] >= least)
            .filter(is_thing)
            .collect()
    }

    /// Items that the sentence encoder finds alike, of `among` or of all.
    fn alike(
        &self,
        noun: &NounPhrase,
        among: &[usize],
        similarity: &mut Option<Similarity>,
    ) -> Result<Vec<usize>, CommandRefusal> {
        let phrase = described(noun);
        let nouns: Vec<usize> = (0..self.words.len())
            .filter(|i| self.fit(*i, &noun.words) == Fit::Noun)
            .collect();
        // "The green box": there are boxes, none of them green. The encoder would take any.
        let wrong = among.is_empty()
            && !nouns.is_empty()
            && (noun.insists || noun.words.iter().any(|word| is_attribute(word)));
        let mut scores: Vec<(f32, usize)> = Vec::new();
        if let Some(similarity) = similarity {
            for i in 0..self.words.len() {
                if !among.is_empty() && !among.contains(&i) {
                    continue;
                }
                let mut best: f32 = -1.0;
                for text in &self.words[i].texts {
                    let score = similarity.between(&phrase, text).map_err(unusable)?;
                    best = best.max(score);
                }
                scores.push((best, i));
            }
        }
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        if !among.is_empty() {
            // The words fit already; the detail decides where it can.
            return Ok(match scores[..] {
                [(first, i), (second, _), ..] if first - second > MARGIN => vec![i],
                [(_, i)] => vec![i],
                _ => among.to_vec(),
            });
        }
        match scores.first() {
            Some((best, _)) if *best >= ALIKE && !wrong => Ok(scores
                .iter()
                .filter(|(score, _)| *score > best - MARGIN)
                .map(|(_, i)| *i)
                .collect()),
            _ => {
                // Boxes of another colour say more than anything merely alike.
                let offered = scores
                    .iter()
                    .filter(|(score, _)| *score >= OFFERED && nouns.is_empty());
                let near = nouns.iter().copied().chain(offered.map(|(_, i)| *i));
                let mut suggestions: Vec<String> = Vec::new();
                for i in near {
                    let name = &self.scene.items[i].name;
                    if !suggestions.contains(name) && suggestions.len() < 3 {
                        suggestions.push(name.clone());
                    }
                }
                Err(CommandRefusal::UnknownObject {
                    words: phrase,
                    suggestions,
                })
            }
        }
    }

    /// Leaves those that are where they were said to be, and the biggest or nearest where that was said.
    fn narrow(
        &self,
        noun: &NounPhrase,
        found: &mut Vec<usize>,
        similarity: &mut Option<Similarity>,
    ) -> Result<(), CommandRefusal> {
        for (relation, to) in &noun.whereabouts {
            let Referent::Items(to) = self.resolve(to, &[], &[], similarity)? else {
                continue;
            };
            let to: Vec<&Item> = to.iter().filter_map(|id| self.scene.item(*id)).collect();
            self.at(found, *relation, &to);
            if found.is_empty() {
                return Err(CommandRefusal::UnknownObject {
                    words: described(noun),
                    suggestions: Vec::new(),
                });
            }
        }
        if found.len() > 1
            && let Some(size) = noun.size
        {
            let measure = |i: &usize| {
                let e = self.scene.items[*i].geometry.extents();
                match size {
                    Size::Big => e.iter().product(),
                    Size::Small => -e.iter().product::<f32>(),
                    Size::Tall => e.max(),
                    Size::Short => -e.max(),
                }
            };
            keep_best(found, noun.plural, measure);
        }
        if found.len() > 1
            && let Some(nearest) = &noun.nearest
        {
            let place = match nearest {
                Nearest::Listener => Vector2::from(self.scene.listener.position),
                Nearest::To(to) => match self.resolve(to, &[], &[], similarity)? {
                    Referent::Items(to) => {
                        let to: Vec<&Item> =
                            to.iter().filter_map(|id| self.scene.item(*id)).collect();
                        keep_best(found, false, |i| {
                            let gap = |t: &&Item| gap(&self.scene.items[*i], t);
                            -to.iter().map(gap).fold(f32::INFINITY, f32::min)
                        });
                        return Ok(());
                    }
                    Referent::Place(Target::Speaker) => match self.scene.speaker {
                        Some(speaker) => Vector2::from(speaker.position),
                        None => return Ok(()),
                    },
                    Referent::Place(Target::Marker(name)) => {
                        match self.scene.markers.iter().find(|m| m.name == name) {
                            Some(marker) => Vector2::from(marker.at),
                            None => return Ok(()),
                        }
                    }
                    _ => Vector2::from(self.scene.listener.position),
                },
            };
            keep_best(found, false, |i| {
                -(self.scene.items[*i].center().coords - place).norm()
            });
        }
        Ok(())
    }

    /// Leaves the items that stand in this relation to one of the others.
    fn at(&self, found: &mut Vec<usize>, relation: Relation, to: &[&Item]) {
        let items = &self.scene.items;
        let near = |i: &usize| {
            let gaps = to.iter().filter(|t| t.id != items[*i].id);
            gaps.map(|t| gap(&items[*i], t))
                .fold(f32::INFINITY, f32::min)
        };
        let holds = |i: &usize| {
            let item = &items[*i];
            to.iter().filter(|t| t.id != item.id).any(|t| {
                let over = gap(item, t) <= 0.0;
                let way = item.center() - t.center();
                let (front, base) = (t.front(), item.place.position[2]);
                let left = self.scene.left_of(t);
                match relation {
                    Relation::On => over && base > t.place.position[2] + 0.05,
                    Relation::Under => over && base < t.place.position[2] + t.height() / 2.0,
                    Relation::InFrontOf => gap(item, t) < BY && way.dot(&front) > 0.0,
                    Relation::Behind => gap(item, t) < BY && way.dot(&front) < 0.0,
                    Relation::LeftOf => gap(item, t) < BY && way.dot(&left) > 0.0,
                    Relation::RightOf => gap(item, t) < BY && way.dot(&left) < 0.0,
                    _ => gap(item, t) < BY,
                }
            })
        };
        found.retain(holds);
        // "By the table" is the one that is most so.
        let by = matches!(
            relation,
            Relation::NextTo | Relation::Near | Relation::At | Relation::Against
        );
        if by && found.len() > 1 {
            keep_best(found, false, |i| -near(i));
        }
    }

    /// As many as were asked for, or a question.
    fn choose(
        &self,
        noun: &NounPhrase,
        found: Vec<usize>,
        mentioned: &[ItemId],
    ) -> Result<Vec<ItemId>, CommandRefusal> {
        let ids = |found: &[usize]| found.iter().map(|i| self.scene.items[*i].id).collect();
        let nearest = |n: usize| {
            let here = Vector2::from(self.scene.listener.position);
            let mut sorted = found.clone();
            let away = |i: &usize| (self.scene.items[*i].center().coords - here).norm();
            sorted.sort_by(|a, b| away(a).total_cmp(&away(b)));
            sorted.truncate(n);
            sorted
        };
        match noun.determiner {
            Some(Determiner::Count(n)) if n > found.len() => {
                let there = match found.len() {
                    1 => format!("there is only one {}", described(noun)),
                    n => format!("there are only {n} of the {}", described(noun)),
                };
                return Err(CommandRefusal::contradictory(there));
            }
            Some(Determiner::Count(n)) if n == found.len() => return Ok(ids(&found)),
            Some(Determiner::Count(n)) => return Ok(ids(&nearest(n))),
            Some(Determiner::All) => return Ok(ids(&found)),
            Some(Determiner::Indefinite) => return Ok(ids(&nearest(1))),
            _ if noun.plural => return Ok(ids(&found)),
            _ => (),
        }
        if let [only] = found[..] {
            return Ok(ids(&[only]));
        }
        let before: Vec<usize> = found
            .iter()
            .copied()
            .filter(|i| mentioned.contains(&self.scene.items[*i].id))
            .collect();
        if let [only] = before[..] {
            return Ok(ids(&[only]));
        }
        // "The wooden one" beside a chair is a chair.
        if noun.words.last().is_some_and(|word| word == "one") {
            let like: Vec<usize> = found
                .iter()
                .copied()
                .filter(|i| self.is_like(*i, mentioned.last()))
                .collect();
            if let [only] = like[..] {
                return Ok(ids(&[only]));
            }
        }
        // Which wall or door does not matter, nor which of the shelves of a row: the nearest to what is moved will do.
        let item = |i: &usize| &self.scene.items[*i];
        let parts = found.iter().all(|i| item(i).kind != ItemKind::Object);
        let row = found.iter().all(|i| {
            let (one, first) = (item(i), item(&found[0]));
            one.mobility == Mobility::Fixed && one.name == first.name && one.tags == first.tags
        });
        if parts || row {
            return Ok(ids(&found));
        }
        Err(CommandRefusal::Ambiguous {
            words: described(noun),
            candidates: self.candidates(&found),
        })
    }

    /// Whether an item goes by the same noun as another.
    fn is_like(&self, i: usize, other: Option<&ItemId>) -> bool {
        let Some(k) = self
            .scene
            .items
            .iter()
            .position(|item| Some(&item.id) == other)
        else {
            return false;
        };
        let nouns = |i: usize| self.words[i].labels.iter().filter_map(|label| label.last());
        i != k && nouns(i).any(|noun| nouns(k).any(|other| other == noun))
    }

    /// The items and what tells each from the others.
    fn candidates(&self, found: &[usize]) -> Vec<Candidate> {
        let mut shared: HashMap<&str, usize> = HashMap::new();
        for i in found {
            for tag in &self.scene.items[*i].tags {
                *shared.entry(tag).or_default() += 1;
            }
        }
        let tell = |i: usize| {
            let item = &self.scene.items[i];
            let own: Vec<&str> = item
                .tags
                .iter()
                .map(String::as_str)
                .filter(|tag| shared[tag] < found.len())
                .collect();
            let names = found
                .iter()
                .filter(|k| self.scene.items[**k].name == item.name);
            if !own.is_empty() {
                return own.join(", ");
            }
            if names.count() == 1 {
                return String::new();
            }
            let others = self.scene.items.iter().enumerate().filter(|(k, other)| {
                !found.contains(k) && !matches!(other.kind, ItemKind::Floor | ItemKind::Ceiling)
            });
            let beside = others.min_by(|(_, a), (_, b)| gap(item, a).total_cmp(&gap(item, b)));
            beside.map_or_else(String::new, |(_, by)| format!("by the {}", by.name))
        };
        found
            .iter()
            .take(6)
            .map(|i| Candidate {
                id: self.scene.items[*i].id,
                name: self.scene.items[*i].name.clone(),
                differs: tell(*i),
            })
            .collect()
    }
}

/// A noun phrase as said.
pub(super) fn described(noun: &NounPhrase) -> String {
    let words = noun.words.join(" ");
    if noun.detail.is_empty() {
        words
    } else {
        format!("{words} {}", noun.detail)
    }
}

pub(super) fn unusable(error: crate::Error) -> CommandRefusal {
    CommandRefusal::Unusable {
        reason: error.to_string(),
    }
}

/// Keeps the one with the highest measure; of a plural all but the lower half.
fn keep_best(found: &mut Vec<usize>, plural: bool, measure: impl Fn(&usize) -> f32) {
    found.sort_by(|a, b| measure(b).total_cmp(&measure(a)));
    let kept = if plural { found.len().div_ceil(2) } else { 1 };
    // Equals stay: they are not told apart by this.
    let last = measure(&found[kept - 1]);
    found.retain(|i| measure(i) >= last - 1e-4);
}

/// Metres between the bounds of two items, seen from above.
pub(super) fn gap(a: &Item, b: &Item) -> f32 {
    let (a, b) = (bounds(a), bounds(b));
    let apart = |k: usize| (a.0[k] - b.1[k]).max(b.0[k] - a.1[k]).max(0.0);
    apart(0).hypot(apart(1))
}

/// Metres from the bounds of an item to a point, seen from above.
pub(super) fn gap_to(item: &Item, point: Vector2<f32>) -> f32 {
    let (low, high) = bounds(item);
    let apart = |k: usize| (low[k] - point[k]).max(point[k] - high[k]).max(0.0);
    apart(0).hypot(apart(1))
}

fn bounds(item: &Item) -> ([f32; 2], [f32; 2]) {
    let rotation = item.rotation();
    let center = item.center();
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for v in item.geometry.vertices() {
        let v = rotation * v;
        for (k, c) in [center.x + v.x, center.y + v.y].into_iter().enumerate() {
            low[k] = low[k].min(c);
            high[k] = high[k].max(c);
        }
    }
    (low, high)
}
