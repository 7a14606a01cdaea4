//! From words to clauses: who does what with which noun phrase, where and how. Nothing here knows the scene, but for its
//! words, so that slips of the pen can be told from names.

mod clause;
mod lexemes;
mod nouns;
mod tags;

use std::collections::HashSet;

use crate::command::Manner;
use crate::command::lexicon::{Tag, Verb};
use crate::command::refusal::CommandRefusal;
use crate::command::words::tokens;
pub(in crate::command) use clause::{Clause, Nearest, NounPhrase, Place, Pronoun};
use lexemes::{Lexeme, asks, correct, is_verb, lexemes};

/// Most tokens of a command.
const MAX_TOKENS: usize = 120;
/// Most clauses of a command.
const MAX_CLAUSES: usize = 32;

/// The clauses of a command. `known` are the words of the scene.
pub(in crate::command) fn clauses(
    text: &str,
    known: &HashSet<String>,
) -> Result<Vec<Clause>, CommandRefusal> {
    let mut tokens = tokens(text);
    if tokens.len() > MAX_TOKENS {
        return Err(CommandRefusal::TooLong {
            length: tokens.len(),
            limit: MAX_TOKENS,
            unit: "words".into(),
        });
    }
    correct(&mut tokens, known);
    let lexemes = lexemes(&tokens, known);
    Parser {
        lexemes: &lexemes,
        at: 0,
        clauses: Vec::new(),
    }
    .run()
}

/// What stands between two clauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Joined,
    Stopped,
}

struct Parser<'a> {
    lexemes: &'a [Lexeme],
    at: usize,
    clauses: Vec<Clause>,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<&Lexeme> {
        self.lexemes.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Lexeme::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn tag(&self, ahead: usize) -> Option<Tag> {
        match self.peek(ahead) {
            Some(Lexeme::Tag(tag)) => Some(*tag),
            _ => None,
        }
    }

    fn run(mut self) -> Result<Vec<Clause>, CommandRefusal> {
        let mut gap = Gap::None;
        let mut pending = Clause::default();
        let mut corrects = false;
        while let Some(lexeme) = self.peek(0) {
            match lexeme {
                Lexeme::Stop => {
                    gap = Gap::Stopped;
                    self.at += 1;
                }
                Lexeme::Comma | Lexeme::Tag(Tag::And | Tag::Then) => {
                    gap = gap.max(Gap::Joined);
                    self.at += 1;
                }
                Lexeme::Tag(Tag::Filler) | Lexeme::Possessive => self.at += 1,
                Lexeme::Tag(Tag::Not) => {
                    self.at += 1;
                    pending.negated = true;
                    // What is not to be done need not be known.
                    if self.word(0).is_some() && self.verb_here().is_none() {
                        self.skip_aside();
                        self.clauses.push(std::mem::take(&mut pending));
                    }
                }
                Lexeme::Tag(Tag::Correction) => {
                    corrects = true;
                    self.at += 1;
                }
                Lexeme::Tag(Tag::Aside) => self.skip_aside(),
                _ => {
                    if self.clauses.len() >= MAX_CLAUSES {
                        return Err(CommandRefusal::TooLong {
                            length: MAX_CLAUSES + 1,
                            limit: MAX_CLAUSES,
                            unit: "clauses".into(),
                        });
                    }
                    let begun = std::mem::take(&mut pending);
                    let clause = self.clause(begun)?;
                    // "With both hands, lift it": what comes before tells how to do what follows.
                    let bare = clause.verb.is_none() && clause.says_only_how();
                    if bare && (self.clauses.is_empty() || gap == Gap::Stopped) {
                        pending = clause;
                        continue;
                    }
                    self.join(clause, std::mem::take(&mut gap), corrects)?;
                    corrects = false;
                }
            }
        }
        Ok(self.clauses)
    }

    /// Passes over what tells how or why.
    fn skip_aside(&mut self) {
        self.at += 1;
        while !matches!(
            self.peek(0),
            None | Some(Lexeme::Comma | Lexeme::Stop | Lexeme::Tag(Tag::And | Tag::Then))
        ) {
            self.at += 1;
        }
    }

    /// A verb here: itself, and how many words it takes.
    fn verb_here(&self) -> Option<(Verb, usize)> {
        let word = self.word(0)?;
        if word == "let" && self.word(1) == Some("go") {
            return Some((Verb::Drop, 2));
        }
        Some((is_verb(word)?, 1))
    }

    /// Reads a clause up to what parts it from the next.
    fn clause(&mut self, mut clause: Clause) -> Result<Clause, CommandRefusal> {
        let begin = self.at;
        // Adverbs may stand before the verb.
        while let Some(tag) = self.tag(0) {
            if !self.adverb(tag, &mut clause) {
                break;
            }
            self.at += 1;
        }
        if let Some(word) = self.word(0).filter(|word| asks(word)) {
            return Err(CommandRefusal::not_understood(format!(
                "that is no command, it begins with \"{word}\""
            )));
        }
        if let Some((verb, words)) = self.verb_here() {
            clause.verb = Some(verb);
            self.at += words;
            // "Stop moving."
            if verb == Verb::Stop && self.verb_here().is_some() {
                self.skip_aside();
            }
        }
        while let Some(lexeme) = self.peek(0) {
            match lexeme {
                Lexeme::Comma | Lexeme::Stop => break,
                Lexeme::Possessive => self.at += 1,
                Lexeme::Number(_) | Lexeme::Word(_) => {
                    if self.length(&mut clause) {
                        continue;
                    }
                    if !self.noun(&mut clause)? {
                        break;
                    }
                }
                Lexeme::Tag(tag) => {
                    let tag = *tag;
                    if !self.tagged(tag, &mut clause)? {
                        break;
                    }
                }
            }
        }
        if self.at == begin {
            return Err(self.unexpected());
        }
        Ok(clause)
    }

    fn unexpected(&self) -> CommandRefusal {
        match self.peek(0) {
            Some(Lexeme::Word(word)) => {
                CommandRefusal::not_understood(format!("I do not know what \"{word}\" means there"))
            }
            _ => CommandRefusal::not_understood("the sentence is not complete"),
        }
    }

    /// Puts a clause to those before it: as one of its own, or as a part of the last.
    fn join(&mut self, new: Clause, gap: Gap, corrects: bool) -> Result<(), CommandRefusal> {
        let Some(last) = self.clauses.last_mut().filter(|_| new.verb.is_none()) else {
            self.clauses.push(new);
            return Ok(());
        };
        let has_noun = !new.objects.is_empty();
        let stopped = corrects || gap == Gap::Stopped;
        if has_noun && stopped && !new.places.is_empty() && !corrects && !last.places.is_empty() {
            // "Both chairs to the window" as a sentence of its own.
            self.clauses.push(new);
            return Ok(());
        }
        if has_noun && stopped {
            // "Kick it... the blue box!"
            match last.places.last_mut() {
                Some(Place::To(_, targets)) if new.places.is_empty() => {
                    targets.pop();
                    targets.extend(new.objects.into_iter().next());
                }
                _ => {
                    last.objects = new.objects;
                    last.places.extend(new.places);
                }
            }
        } else if has_noun && !last.places.is_empty() && !new.places.is_empty() {
            // "The monitor on the desk and the plant on the shelf."
            let verb = last.verb;
            self.clauses.push(Clause { verb, ..new });
            return Ok(());
        } else if has_noun {
            last.objects.extend(new.objects);
            last.places.extend(new.places);
        } else if corrects && !new.places.is_empty() {
            last.places.pop();
            last.places.extend(new.places);
        } else if !new.places.is_empty() && !last.places.is_empty() && gap == Gap::Joined {
            // "Go to the door and to the window."
            let again = Clause {
                verb: last.verb,
                objects: last.objects.clone(),
                ..new
            };
            self.clauses.push(again);
            return Ok(());
        } else {
            last.places.extend(new.places);
        }
        last.particles.join(new.particles);
        last.from = last.from.take().or(new.from);
        last.facing = last.facing.take().or(new.facing);
        last.distance = last.distance.or(new.distance);
        last.of_body |= new.of_body;
        if new.manner != Manner::default() {
            last.manner = new.manner;
        }
        Ok(())
    }
}
