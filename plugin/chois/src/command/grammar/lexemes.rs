//! From words to the units of the grammar.

use std::collections::HashSet;

use super::clause::Pronoun;
use crate::command::lexicon::{
    SMALL_WORDS, Tag, VERBS, Verb, determiner, is_common, phrase, size, verb,
};
use crate::command::words::{Token, corrected, singular};
use crate::text::verb::base_forms;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lexeme {
    Word(String),
    Number(f32),
    Tag(Tag),
    Possessive,
    Comma,
    Stop,
}

pub(super) fn is_verb(word: &str) -> Option<Verb> {
    base_forms(word).iter().find_map(|base| verb(base))
}

/// Mends slips of the pen in words that nobody knows.
pub(super) fn correct(tokens: &mut [Token], known: &HashSet<String>) {
    for i in 0..tokens.len() {
        let Token::Word(word) = &tokens[i] else {
            continue;
        };
        let familiar = known.contains(word)
            || known.contains(&singular(word).0)
            || is_verb(word).is_some()
            || determiner(word).is_some()
            || phrase(&[word]).is_some()
            || is_common(word)
            || size(word).is_some()
            || SMALL_WORDS.contains(&word.as_str());
        if familiar {
            continue;
        }
        // A tie between lists is decided by their order.
        let mended = corrected(word, known.iter().map(String::as_str))
            .or_else(|| corrected(word, VERBS.iter().copied()))
            .or_else(|| corrected(word, SMALL_WORDS.iter().copied()))
            .map(str::to_owned);
        if let Some(mended) = mended {
            tokens[i] = Token::Word(mended);
        }
    }
}

pub(super) fn lexemes(tokens: &[Token], known: &HashSet<String>) -> Vec<Lexeme> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            Token::Word(word) => {
                let run: Vec<&str> = tokens[i..]
                    .iter()
                    .take(6)
                    .map_while(|t| match t {
                        Token::Word(w) => Some(w.as_str()),
                        _ => None,
                    })
                    .collect();
                match phrase(&run) {
                    // A scene may have a thing called "round table".
                    Some((n, tag)) if n > 1 || !names(&run, known) => {
                        found.push(Lexeme::Tag(tag));
                        i += n;
                        continue;
                    }
                    _ => found.push(Lexeme::Word(word.clone())),
                }
            }
            Token::Number(value) => found.push(Lexeme::Number(*value)),
            Token::Possessive => found.push(Lexeme::Possessive),
            Token::Comma => found.push(Lexeme::Comma),
            Token::Stop | Token::Question => found.push(Lexeme::Stop),
        }
        i += 1;
    }
    found
}

/// Whether the first word, together with the next, is of the scene.
pub(super) fn names(run: &[&str], known: &HashSet<String>) -> bool {
    known.contains(run[0])
        && run
            .get(1)
            .is_some_and(|next| known.contains(*next) || known.contains(&singular(next).0))
        && !matches!(run[0], "on" | "in" | "to" | "of" | "and" | "by")
}

/// Words that begin a question.
pub(super) fn asks(word: &str) -> bool {
    matches!(
        word,
        "what"
            | "where"
            | "who"
            | "why"
            | "how"
            | "when"
            | "which"
            | "is"
            | "are"
            | "does"
            | "did"
            | "was"
            | "were"
            | "whose"
            | "do"
            | "am"
    )
}

pub(super) fn pronoun(word: &str) -> Option<Pronoun> {
    Some(match word {
        "it" | "this" | "that" => Pronoun::It,
        "them" | "they" | "these" | "those" | "both" => Pronoun::Them,
        "itself" | "themselves" => Pronoun::Itself,
        "me" | "us" | "myself" | "i" => Pronoun::Speaker,
        "you" | "yourself" => Pronoun::Listener,
        _ => return None,
    })
}

/// Metres of a unit of length.
pub(super) fn unit(word: &str) -> Option<f32> {
    Some(match word {
        "m" | "metre" | "metres" | "meter" | "meters" => 1.0,
        "cm" | "centimetre" | "centimetres" | "centimeter" | "centimeters" => 0.01,
        "foot" | "feet" | "ft" => 0.3048,
        "step" | "steps" | "pace" | "paces" => 0.7,
        "inch" | "inches" => 0.0254,
        "yard" | "yards" => 0.9144,
        _ => return None,
    })
}
