//! From words to clauses: who does what with which noun phrase, where and how. Nothing here knows the scene, but for its
//! words, so that slips of the pen can be told from names.

use std::collections::HashSet;

use super::lexicon::{
    Determiner, Person, SMALL_WORDS, Size, Tag, VERBS, Verb, determiner, is_body, is_common,
    is_part, number, phrase, size, verb,
};
use super::refusal::CommandRefusal;
use super::words::{Token, base_forms, corrected, singular, tokens};
use super::{Direction, Manner, Relation};

/// Most tokens of a command.
const MAX_TOKENS: usize = 120;
/// Most clauses of a command.
const MAX_CLAUSES: usize = 32;
/// Deepest nesting of one noun phrase in another.
const MAX_DEPTH: usize = 4;

/// Something spoken of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NounPhrase {
    /// The words that describe it, the noun last and in the singular. Empty for pronouns.
    pub words: Vec<String>,
    pub pronoun: Option<Pronoun>,
    pub determiner: Option<Determiner>,
    pub plural: bool,
    pub size: Option<Size>,
    /// "Closest to": the closest to this, or to the listener.
    pub nearest: Option<Nearest>,
    /// Where it is now: "the box on the table".
    pub whereabouts: Vec<(Relation, NounPhrase)>,
    /// "with the lampshade", "without armrests", as said.
    pub detail: String,
    /// "That is nice": whoever says it so wants nothing else.
    pub insists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Nearest {
    Listener,
    To(Box<NounPhrase>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pronoun {
    /// "It", "that".
    It,
    /// "Them", "those", "both".
    Them,
    Itself,
    Speaker,
    Listener,
    /// "What you are holding".
    Held,
}

/// A place as said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    To(Relation, Vec<NounPhrase>),
    Inside(NounPhrase),
    Here,
    There,
    Home,
    OutOfTheWay,
    SideOf(Person, Direction),
    Way(Direction),
}

/// One clause.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Clause {
    pub verb: Option<Verb>,
    pub objects: Vec<NounPhrase>,
    /// "Bring me".
    pub recipient: Option<Person>,
    pub places: Vec<Place>,
    pub from: Option<NounPhrase>,
    pub facing: Option<NounPhrase>,
    /// Metres.
    pub distance: Option<f32>,
    pub manner: Manner,
    pub negated: bool,
    pub particles: Particles,
    /// The object is a part of the person: "release the hands".
    pub of_body: bool,
    /// The object is a part of what was spoken of: "place the legs down".
    pub of_part: bool,
}

impl Clause {
    /// Whether it names neither things nor places.
    fn says_only_how(&self) -> bool {
        self.objects.is_empty()
            && self.places.is_empty()
            && self.recipient.is_none()
            && self.from.is_none()
            && !self.of_body
            && !self.of_part
    }
}

/// Little words that turn a verb's meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Particles {
    pub up: bool,
    pub down: bool,
    pub over: bool,
    pub back: bool,
    pub still: bool,
    pub out: bool,
    pub foot: bool,
    pub flat: bool,
    pub upside_down: bool,
    pub upright: bool,
}

impl Particles {
    fn join(&mut self, other: Self) {
        self.up |= other.up;
        self.down |= other.down;
        self.over |= other.over;
        self.back |= other.back;
        self.still |= other.still;
        self.out |= other.out;
        self.foot |= other.foot;
        self.flat |= other.flat;
        self.upside_down |= other.upside_down;
        self.upright |= other.upright;
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Lexeme {
    Word(String),
    Number(f32),
    Tag(Tag),
    Possessive,
    Comma,
    Stop,
}

/// The clauses of a command. `known` are the words of the scene.
pub(super) fn clauses(text: &str, known: &HashSet<String>) -> Result<Vec<Clause>, CommandRefusal> {
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

fn is_verb(word: &str) -> Option<Verb> {
    base_forms(word).iter().find_map(|base| verb(base))
}

/// Mends slips of the pen in words that nobody knows.
fn correct(tokens: &mut [Token], known: &HashSet<String>) {
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

fn lexemes(tokens: &[Token], known: &HashSet<String>) -> Vec<Lexeme> {
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
fn names(run: &[&str], known: &HashSet<String>) -> bool {
    known.contains(run[0])
        && run
            .get(1)
            .is_some_and(|next| known.contains(*next) || known.contains(&singular(next).0))
        && !matches!(run[0], "on" | "in" | "to" | "of" | "and" | "by")
}

/// Words that begin a question.
fn asks(word: &str) -> bool {
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

fn pronoun(word: &str) -> Option<Pronoun> {
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
fn unit(word: &str) -> Option<f32> {
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

    /// "two metres", "half a metre", "1.5 m": metres, and how many words it takes.
    fn length_here(&self) -> Option<(f32, usize)> {
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

    fn is_length(&self) -> bool {
        self.length_here().is_some()
    }

    /// Takes a length.
    fn length(&mut self, clause: &mut Clause) -> bool {
        let Some((metres, words)) = self.length_here() else {
            return false;
        };
        clause.distance = Some(metres);
        self.at += words;
        true
    }

    /// A noun phrase where the verb's object may stand. False where the clause is over.
    fn noun(&mut self, clause: &mut Clause) -> Result<bool, CommandRefusal> {
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

    /// Takes a tag that tells how. False where it is another kind of tag.
    fn adverb(&self, tag: Tag, clause: &mut Clause) -> bool {
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

    /// Takes a tag within a clause. False where the clause is over.
    fn tagged(&mut self, tag: Tag, clause: &mut Clause) -> Result<bool, CommandRefusal> {
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

    fn said(&self, begin: usize) -> String {
        let words = self.lexemes[begin..self.at].iter().filter_map(|l| match l {
            Lexeme::Word(word) => Some(word.as_str()),
            _ => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What follows a preposition of place.
    fn place(&mut self, relation: Relation, clause: &mut Clause) -> Result<(), CommandRefusal> {
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

    /// A noun phrase.
    fn noun_phrase(&mut self, depth: usize) -> Result<NounPhrase, CommandRefusal> {
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
    fn after_noun(&mut self, noun: &mut NounPhrase, depth: usize) -> Result<(), CommandRefusal> {
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

/// The noun phrase that was said last.
fn last_noun(clause: &mut Clause) -> Option<&mut NounPhrase> {
    match clause.places.last_mut() {
        Some(Place::To(_, targets)) => targets.last_mut(),
        Some(Place::Inside(noun)) => Some(noun),
        _ => clause.objects.last_mut(),
    }
}
