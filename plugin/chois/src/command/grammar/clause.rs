//! What a command says, clause by clause.

use crate::command::lexicon::{Determiner, Person, Size, Verb};
use crate::command::{Direction, Manner, Relation};

/// Something spoken of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::command) struct NounPhrase {
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
pub(in crate::command) enum Nearest {
    Listener,
    To(Box<NounPhrase>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Pronoun {
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
pub(in crate::command) enum Place {
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
pub(in crate::command) struct Clause {
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
    pub(super) fn says_only_how(&self) -> bool {
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
pub(in crate::command) struct Particles {
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
    pub(super) fn join(&mut self, other: Self) {
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
