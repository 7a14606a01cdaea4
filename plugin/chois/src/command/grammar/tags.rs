//! What stands beside verb and nouns: where, how far, which way, how.

use super::Parser;
use super::clause::{Clause, NounPhrase, Place, Pronoun};
use super::lexemes::{Lexeme, unit};
use super::nouns::last_noun;
use crate::command::lexicon::{Tag, Verb, is_body, is_part, number};
use crate::command::refusal::CommandRefusal;
use crate::command::{Direction, Relation};

impl Parser<'_> {
    /// Takes a tag within a clause. False where the clause is over.
    pub(super) fn tagged(&mut self, tag: Tag, clause: &mut Clause) -> Result<bool, CommandRefusal> {
        if self.adverb(tag, clause) {
            self.at += 1;
            return Ok(true);
        }
        match tag {
            Tag::And | Tag::Then | Tag::Correction => return Ok(false),
            Tag::Aside => {
                self.skip_aside();
                return Ok(true);
            }
            Tag::Not => {
                return Err(CommandRefusal::not_understood(
                    "a \"not\" in the middle; say what is to be done",
                ));
            }
            Tag::That | Tag::Nearest | Tag::Fallen => {
                let mut noun = match last_noun(clause) {
                    Some(noun) => std::mem::take(noun),
                    None if tag == Tag::Nearest => {
                        let noun = self.noun_phrase(0)?;
                        clause.objects.push(noun);
                        return Ok(true);
                    }
                    None => return Err(self.unexpected()),
                };
                self.after_noun(&mut noun, 0)?;
                if let Some(place) = last_noun(clause) {
                    *place = noun;
                }
                return Ok(true);
            }
            _ => (),
        }
        self.at += 1;
        match tag {
            Tag::Up => clause.particles.up = true,
            Tag::Down => clause.particles.down = true,
            Tag::Over => clause.particles.over = true,
            Tag::Out => clause.particles.out = true,
            Tag::Still => clause.particles.still = true,
            Tag::Flat => clause.particles.flat = true,
            Tag::UpsideDown => clause.particles.upside_down = true,
            Tag::Upright => clause.particles.upright = true,
            Tag::Around => (),
            Tag::Back if clause.distance.is_some() => {
                clause.places.push(Place::Way(Direction::Back));
            }
            Tag::Back => clause.particles.back = true,
            Tag::Here => clause.places.push(Place::Here),
            Tag::There => clause.places.push(Place::There),
            Tag::Home => clause.places.push(Place::Home),
            Tag::OutOfTheWay => clause.places.push(Place::OutOfTheWay),
            Tag::Held => clause.objects.push(NounPhrase {
                pronoun: Some(Pronoun::Held),
                ..NounPhrase::default()
            }),
            Tag::SideOf(person, side) => clause.places.push(Place::SideOf(person, side)),
            Tag::Way(way) => clause.places.push(Place::Way(way)),
            Tag::Place(relation) => self.place(relation, clause)?,
            Tag::To => {
                // A purpose: "to fit better".
                if self.verb_here().is_some() && self.word(1).is_none_or(|w| w != "of") {
                    self.skip_aside();
                } else {
                    self.place(Relation::At, clause)?;
                }
            }
            Tag::For => {
                let noun = self.noun_phrase(0)?;
                let goes = matches!(clause.verb, Some(Verb::Go | Verb::Run));
                if goes {
                    clause.places.push(Place::To(Relation::At, vec![noun]));
                }
            }
            Tag::In => {
                let noun = self.noun_phrase(0)?;
                clause.places.push(if is_open_place(&noun) {
                    Place::To(Relation::At, vec![noun])
                } else {
                    Place::Inside(noun)
                });
            }
            Tag::Inside => {
                let noun = self.noun_phrase(0)?;
                clause.places.push(Place::Inside(noun));
            }
            Tag::Across => {
                self.noun_phrase(0)?;
            }
            Tag::From => clause.from = Some(self.noun_phrase(0)?),
            Tag::Facing => {
                let noun = self.noun_phrase(0)?;
                let vague = noun
                    .words
                    .last()
                    .is_some_and(|w| is_part(w) || matches!(w.as_str(), "way" | "side" | "angle"));
                if !vague {
                    clause.facing = Some(noun);
                }
            }
            Tag::With | Tag::Without => {
                if self.verb_here().is_some() {
                    self.skip_aside();
                    return Ok(true);
                }
                let begin = self.at;
                let noun = self.noun_phrase(0)?;
                let body = noun.words.last().is_some_and(|w| is_body(w));
                let said = self.said(begin);
                match last_noun(clause) {
                    Some(of) if !body => {
                        let with = if tag == Tag::With { "with" } else { "without" };
                        of.detail = format!("{with} {said}");
                    }
                    _ => (),
                }
            }
            Tag::Of => return Err(self.unexpected()),
            Tag::Pace(_)
            | Tag::Careful
            | Tag::Hands(_)
            | Tag::Overhead
            | Tag::Foot
            | Tag::Filler
            | Tag::And
            | Tag::Then
            | Tag::Correction
            | Tag::Aside
            | Tag::Not
            | Tag::That
            | Tag::Fallen
            | Tag::Nearest => (),
        }
        Ok(true)
    }

    /// Takes a tag that tells how. False where it is another kind of tag.
    pub(super) fn adverb(&self, tag: Tag, clause: &mut Clause) -> bool {
        match tag {
            Tag::Pace(pace) => clause.manner.pace = pace,
            Tag::Careful => clause.manner.careful = true,
            Tag::Hands(hands) => clause.manner.hands = hands,
            Tag::Overhead => clause.manner.overhead = true,
            Tag::Foot => clause.particles.foot = true,
            Tag::Filler => (),
            _ => return false,
        }
        true
    }

    /// What follows a preposition of place.
    pub(super) fn place(
        &mut self,
        relation: Relation,
        clause: &mut Clause,
    ) -> Result<(), CommandRefusal> {
        match self.tag(0) {
            Some(Tag::Here) => {
                self.at += 1;
                clause.places.push(Place::Here);
                return Ok(());
            }
            Some(Tag::There) => {
                self.at += 1;
                clause.places.push(Place::There);
                return Ok(());
            }
            _ => (),
        }
        // "By one metre."
        if self.length(clause) {
            return Ok(());
        }
        let noun = self.noun_phrase(0)?;
        let last = noun.words.last().map(String::as_str).unwrap_or_default();
        // "By one of the edges": where it is taken, not where it goes.
        if relation == Relation::NextTo && is_part(last) {
            return Ok(());
        }
        // "To a different orientation": no place at all.
        if is_body(last) || matches!(last, "orientation" | "direction" | "angle" | "moment") {
            return Ok(());
        }
        let mut targets = vec![noun];
        if relation == Relation::Between && self.tag(0) == Some(Tag::And) {
            self.at += 1;
            targets.push(self.noun_phrase(0)?);
        }
        clause.places.push(Place::To(relation, targets));
        Ok(())
    }

    /// "two metres", "half a metre", "1.5 m": metres, and how many words it takes.
    pub(super) fn length_here(&self) -> Option<(f32, usize)> {
        let (value, words) = match self.peek(0)? {
            Lexeme::Number(value) => (*value, 1),
            Lexeme::Word(word) if word == "half" => match self.word(1) {
                Some("a" | "an") => (0.5, 2),
                _ => return None,
            },
            Lexeme::Word(word) if matches!(word.as_str(), "a" | "an") => (1.0, 1),
            Lexeme::Word(word) => (number(word)? as f32, 1),
            _ => return None,
        };
        let metres = self.word(words).and_then(unit)?;
        Some((value * metres, words + 1))
    }

    pub(super) fn is_length(&self) -> bool {
        self.length_here().is_some()
    }

    /// Takes a length.
    pub(super) fn length(&mut self, clause: &mut Clause) -> bool {
        let Some((metres, words)) = self.length_here() else {
            return false;
        };
        clause.distance = Some(metres);
        self.at += words;
        true
    }

    pub(super) fn said(&self, begin: usize) -> String {
        let words = self.lexemes[begin..self.at].iter().filter_map(|l| match l {
            Lexeme::Word(word) => Some(word.as_str()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Whether one can be in it without being inside a thing.
fn is_open_place(noun: &NounPhrase) -> bool {
    noun.pronoun.is_none()
        && noun.words.last().is_some_and(|word| {
            matches!(
                word.as_str(),
                "corner"
                    | "middle"
                    | "center"
                    | "centre"
                    | "room"
                    | "place"
                    | "spot"
                    | "way"
                    | "marker"
                    | "position"
                    | "doorway"
                    | "air"
            )
        })
}
