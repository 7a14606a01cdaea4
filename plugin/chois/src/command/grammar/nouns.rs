//! Noun phrases.

use super::Parser;
use super::clause::{Clause, Nearest, NounPhrase, Place, Pronoun};
use super::lexemes::{Lexeme, is_verb, pronoun};
use crate::command::Relation;
use crate::command::lexicon::{
    Determiner, Person, Tag, Verb, determiner, is_body, is_part, number, size,
};
use crate::command::refusal::CommandRefusal;
use crate::command::words::singular;

/// Deepest nesting of one noun phrase in another.
const MAX_DEPTH: usize = 4;

impl Parser<'_> {
    /// A noun phrase where the verb's object may stand. False where the clause is over.
    pub(super) fn noun(&mut self, clause: &mut Clause) -> Result<bool, CommandRefusal> {
        let complete = !clause.objects.is_empty() || clause.of_body || clause.of_part;
        // "The stool goes next to the piano."
        if clause.verb.is_none()
            && complete
            && let Some(
                "goes" | "go" | "belongs" | "belong" | "should" | "must" | "needs" | "need" | "has"
                | "have" | "wants",
            ) = self.word(0)
        {
            self.at += 1;
            while self.tag(0) == Some(Tag::To)
                && self.word(1).is_some_and(|w| w == "go" || w == "be")
                || self.word(0).is_some_and(|w| w == "go" || w == "be")
            {
                self.at += 1;
            }
            return Ok(true);
        }
        // "Go get the chair."
        let goes = matches!(clause.verb, Some(Verb::Go | Verb::Come | Verb::Run));
        if goes && self.verb_here().is_some() {
            return Ok(false);
        }
        // "Move move": a verb is no noun where no determiner says so.
        if clause.objects.is_empty() && self.verb_here().is_some() {
            return if clause.verb.is_some() {
                Ok(false)
            } else {
                Err(self.unexpected())
            };
        }
        let gives = matches!(clause.verb, Some(Verb::Bring | Verb::Take));
        if complete {
            return Err(self.unexpected());
        }
        let noun = self.noun_phrase(0)?;
        match noun.pronoun {
            // "Bring me the lamp."
            Some(Pronoun::Speaker | Pronoun::Listener) if gives && clause.recipient.is_none() => {
                clause.recipient = Some(if noun.pronoun == Some(Pronoun::Speaker) {
                    Person::Speaker
                } else {
                    Person::Listener
                });
            }
            _ if noun.words.last().is_some_and(|w| is_body(w)) => clause.of_body = true,
            _ if noun.words.last().is_some_and(|w| is_part(w)) => clause.of_part = true,
            _ => clause.objects.push(noun),
        }
        Ok(true)
    }

    /// A noun phrase.
    pub(super) fn noun_phrase(&mut self, depth: usize) -> Result<NounPhrase, CommandRefusal> {
        if depth > MAX_DEPTH {
            return Err(CommandRefusal::not_understood(
                "too many things in relation to other things; say it in two sentences",
            ));
        }
        let mut noun = NounPhrase::default();
        if self.tag(0) == Some(Tag::Held) {
            self.at += 1;
            noun.pronoun = Some(Pronoun::Held);
            return Ok(noun);
        }
        while self.tag(0) == Some(Tag::Filler) {
            self.at += 1;
        }
        // Determiners, of which there may be two: "both the chairs", "all of the boxes", "the two boxes".
        loop {
            if let Some(Lexeme::Number(n)) = self.peek(0) {
                if !(n.fract() == 0.0 && (1.0..100.0).contains(n)) {
                    return Err(CommandRefusal::not_understood(format!(
                        "{n} is no number of things"
                    )));
                }
                noun.determiner = Some(Determiner::Count(*n as usize));
                self.at += 1;
                continue;
            }
            let Some(word) = self.word(0).map(str::to_owned) else {
                break;
            };
            let next_is_noun = matches!(
                self.peek(1),
                Some(
                    Lexeme::Word(_)
                        | Lexeme::Number(_)
                        | Lexeme::Tag(Tag::Of | Tag::Nearest | Tag::Filler)
                )
            );
            if let Some(found) =
                pronoun(&word).filter(|_| !next_is_noun || determiner(&word).is_none())
            {
                self.at += 1;
                noun.pronoun = Some(found);
                return Ok(noun);
            }
            let Some(found) = determiner(&word) else {
                break;
            };
            // "One", "the red one": a noun.
            if word == "one" && (noun.determiner.is_some() || !next_is_noun) {
                break;
            }
            noun.determiner = Some(match (noun.determiner, found) {
                (Some(before), Determiner::Definite) => before,
                (_, found) => found,
            });
            self.at += 1;
            while matches!(self.tag(0), Some(Tag::Of | Tag::Filler)) {
                self.at += 1;
            }
        }
        if self.tag(0) == Some(Tag::Nearest) {
            self.at += 1;
            noun.nearest = Some(Nearest::Listener);
        }
        let mut words: Vec<String> = Vec::new();
        while let Some(word) = self.word(0) {
            let begins_another = determiner(word).is_some_and(|_| word != "one")
                || pronoun(word).is_some()
                || self.is_length();
            if begins_another {
                break;
            }
            // "The stool goes": no longer the noun.
            if !words.is_empty() && matches!(word, "goes" | "belongs" | "should" | "must" | "needs")
            {
                break;
            }
            // A verb after a noun without a comma: "take the lamp put it down".
            if !words.is_empty()
                && is_verb(word).is_some()
                && self
                    .word(1)
                    .is_some_and(|next| determiner(next).is_some() || pronoun(next).is_some())
            {
                break;
            }
            noun.size = noun.size.or(size(word));
            let spot = matches!(
                word,
                "marker" | "mark" | "point" | "spot" | "waypoint" | "position"
            );
            words.push(word.to_owned());
            self.at += 1;
            // "Marker A" has no article in it.
            if spot {
                match self.peek(0) {
                    Some(Lexeme::Word(name))
                        if name.chars().count() == 1 || number(name).is_some() =>
                    {
                        words.push(name.clone());
                        self.at += 1;
                    }
                    Some(Lexeme::Number(n)) => {
                        words.push(n.to_string());
                        self.at += 1;
                    }
                    _ => (),
                }
            }
            // "The chair's legs", "my friend's chair".
            if self.peek(0) == Some(&Lexeme::Possessive) {
                self.at += 1;
                if self.word(0).is_some_and(|w| is_part(w) || is_body(w)) {
                    self.at += 1;
                    break;
                }
            }
        }
        if let Some(last) = words.last_mut() {
            let (one, plural) = singular(last);
            noun.plural = plural;
            *last = one;
        }
        noun.words = words;
        if noun.words.is_empty() {
            // A size alone, "the biggest", has been taken as a word; what is left is nothing.
            return Err(match noun.determiner {
                Some(_) if noun.nearest.is_none() => {
                    CommandRefusal::nothing("the sentence ends before the thing is named")
                }
                _ => self.unexpected(),
            });
        }
        self.after_noun(&mut noun, depth)?;
        Ok(noun)
    }

    /// What belongs to a noun phrase behind its noun.
    pub(super) fn after_noun(
        &mut self,
        noun: &mut NounPhrase,
        depth: usize,
    ) -> Result<(), CommandRefusal> {
        loop {
            match self.tag(0) {
                // "The middle of the room", "one of the edges", "two of the boxes".
                Some(Tag::Of) => {
                    self.at += 1;
                    let whole = self.noun_phrase(depth + 1)?;
                    let last = noun.words.last().map(String::as_str).unwrap_or_default();
                    let stays = matches!(last, "middle" | "center" | "centre" | "corner");
                    if !stays {
                        let determiner = noun.determiner.or(whole.determiner);
                        *noun = NounPhrase {
                            determiner,
                            ..whole
                        };
                        if noun.words.last().is_some_and(|w| w == "one") {
                            noun.determiner = Some(Determiner::Indefinite);
                        }
                    }
                }
                Some(Tag::Nearest) => {
                    self.at += 1;
                    let to = self.noun_phrase(depth + 1)?;
                    noun.nearest = Some(Nearest::To(Box::new(to)));
                }
                Some(Tag::Fallen) => {
                    self.at += 1;
                    noun.words.insert(0, "fallen".to_owned());
                }
                Some(Tag::That) => {
                    self.at += 1;
                    while self.tag(0) == Some(Tag::Filler) {
                        self.at += 1;
                    }
                    match self.tag(0) {
                        Some(Tag::Place(relation)) => {
                            self.at += 1;
                            let to = self.noun_phrase(depth + 1)?;
                            noun.whereabouts.push((relation, to));
                        }
                        Some(Tag::To | Tag::In) => {
                            self.at += 1;
                            let to = self.noun_phrase(depth + 1)?;
                            noun.whereabouts.push((Relation::Near, to));
                        }
                        Some(Tag::Nearest) => (),
                        // "The chair that is white."
                        _ => match self.word(0).map(str::to_owned) {
                            Some(word) if determiner(&word).is_none() => {
                                self.at += 1;
                                noun.size = noun.size.or(size(&word));
                                noun.insists = true;
                                noun.words.insert(0, word);
                            }
                            _ => return Err(self.unexpected()),
                        },
                    }
                }
                _ => return Ok(()),
            }
        }
    }
}

/// The noun phrase that was said last.
pub(super) fn last_noun(clause: &mut Clause) -> Option<&mut NounPhrase> {
    match clause.places.last_mut() {
        Some(Place::To(_, targets)) => targets.last_mut(),
        Some(Place::Inside(noun)) => Some(noun),
        _ => clause.objects.last_mut(),
    }
}
