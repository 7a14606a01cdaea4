//! The words that the grammar knows by heart. Names of things come from the scene.

use super::{Direction, Hands, Pace, Relation};

/// What a verb means before its particles and its place are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// To another place: "move", "carry". Pushes what cannot be lifted.
    Move,
    /// To another place, in the hands.
    Carry,
    /// To the speaker, unless another place is said.
    Bring,
    /// Up, or to another place where one is said.
    Take,
    /// Up.
    Lift,
    Hold,
    /// To a place, or down.
    Put,
    /// Down.
    Drop,
    Push,
    /// "Slide": a push.
    Slide,
    Pull,
    Drag,
    Kick,
    Turn,
    Tilt,
    Tip,
    Flip,
    Swing,
    Lay,
    /// "Stand": a person somewhere, or a thing up.
    Stand,
    /// "Return": a person, or a thing to its place.
    Return,
    Come,
    Go,
    Run,
    Stop,
    /// "Stay", "keep".
    Stay,
    /// "Face": where something is to look.
    Face,
    /// "Stack", "leave": to a place that must be said.
    Leave,
    /// "Remove", "clear": away.
    Remove,
}

/// The verb of a base form.
pub(super) fn verb(base: &str) -> Option<Verb> {
    Some(match base {
        "move" | "shift" | "reposition" => Verb::Move,
        "carry" | "transport" | "relocate" | "transfer" | "deliver" | "lug" | "cart" | "convey"
        | "arrange" | "rearrange" => Verb::Carry,
        "bring" | "fetch" | "give" | "hand" | "pass" => Verb::Bring,
        "take" | "get" => Verb::Take,
        "lift" | "pick" | "grab" | "grasp" | "raise" | "hoist" | "seize" | "collect" | "grip" => {
            Verb::Lift
        }
        "hold" | "keep" => Verb::Hold,
        "put" | "set" | "place" | "position" | "deposit" => Verb::Put,
        "lower" | "drop" | "release" => Verb::Drop,
        "push" | "shove" | "nudge" | "scooch" => Verb::Push,
        "slide" | "scoot" => Verb::Slide,
        "pull" | "tug" | "yank" => Verb::Pull,
        "drag" | "haul" | "tow" => Verb::Drag,
        "kick" | "boot" => Verb::Kick,
        "rotate" | "turn" | "spin" | "twist" | "swivel" | "reorient" | "pivot" | "adjust" => {
            Verb::Turn
        }
        "tilt" | "lean" => Verb::Tilt,
        "tip" | "topple" | "knock" => Verb::Tip,
        "flip" | "invert" | "overturn" => Verb::Flip,
        "swing" => Verb::Swing,
        "lay" => Verb::Lay,
        "stand" | "right" | "erect" => Verb::Stand,
        "return" => Verb::Return,
        "come" => Verb::Come,
        "go" | "walk" | "head" | "step" | "travel" | "stroll" | "proceed" | "approach"
        | "wander" => Verb::Go,
        "run" | "hurry" | "rush" | "dash" => Verb::Run,
        "stop" | "wait" | "halt" | "freeze" | "pause" => Verb::Stop,
        "stay" | "remain" => Verb::Stay,
        "face" => Verb::Face,
        "leave" | "stack" => Verb::Leave,
        "remove" | "clear" => Verb::Remove,
        _ => return None,
    })
}

/// All base forms, for slips of the pen.
pub(super) const VERBS: &[&str] = &[
    "move",
    "carry",
    "transport",
    "relocate",
    "transfer",
    "deliver",
    "bring",
    "fetch",
    "take",
    "lift",
    "pick",
    "grab",
    "grasp",
    "raise",
    "hold",
    "place",
    "position",
    "lower",
    "release",
    "push",
    "shove",
    "slide",
    "pull",
    "drag",
    "kick",
    "rotate",
    "turn",
    "spin",
    "twist",
    "tilt",
    "flip",
    "swing",
    "stand",
    "return",
    "walk",
    "stop",
    "wait",
    "remove",
];

/// Other words worth correcting.
pub(super) const SMALL_WORDS: &[&str] = &[
    "the",
    "and",
    "then",
    "next",
    "beside",
    "near",
    "behind",
    "front",
    "left",
    "right",
    "under",
    "between",
    "against",
    "above",
    "please",
    "slowly",
    "quickly",
    "carefully",
    "with",
    "both",
    "from",
    "away",
    "towards",
    "toward",
    "corner",
    "middle",
    "floor",
    "room",
    "back",
    "down",
    "over",
    "into",
    "onto",
    "head",
    "this",
    "that",
    "marker",
    "here",
    "there",
    "away",
];

/// Words that are met within phrases or where they are no names; no slip of anything else.
pub(super) fn is_common(word: &str) -> bool {
    is_part(word)
        || is_body(word)
        || matches!(
            word,
            "let"
                | "us"
                | "like"
                | "mean"
                | "meant"
                | "would"
                | "could"
                | "should"
                | "want"
                | "need"
                | "needs"
                | "have"
                | "has"
                | "had"
                | "will"
                | "make"
                | "sure"
                | "means"
                | "what"
                | "when"
                | "where"
                | "they"
                | "them"
                | "these"
                | "those"
                | "itself"
                | "yourself"
                | "way"
                | "spot"
                | "mark"
                | "point"
                | "one"
                | "ones"
                | "thing"
                | "half"
                | "metre"
                | "metres"
                | "meter"
                | "meters"
                | "step"
                | "steps"
                | "hold"
                | "bit"
                | "little"
                | "order"
                | "center"
                | "centre"
                | "ceiling"
                | "ground"
                | "touch"
                | "moment"
        )
}

/// Words for colours and materials: who says one means it.
pub(super) fn is_attribute(word: &str) -> bool {
    matches!(
        word,
        "red"
            | "green"
            | "blue"
            | "yellow"
            | "orange"
            | "purple"
            | "violet"
            | "pink"
            | "brown"
            | "black"
            | "white"
            | "grey"
            | "gray"
            | "beige"
            | "golden"
            | "silver"
            | "turquoise"
            | "dark"
            | "bright"
            | "wood"
            | "wooden"
            | "plastic"
            | "metal"
            | "steel"
            | "iron"
            | "glass"
            | "leather"
            | "cardboard"
            | "paper"
            | "stone"
            | "marble"
            | "cloth"
            | "striped"
            | "spotted"
            | "round"
            | "square"
            | "broken"
            | "empty"
            | "full"
            | "new"
            | "old"
    )
}

/// What a run of words stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tag {
    /// A preposition of place.
    Place(Relation),
    /// "To": a place to go to, or the beginning of a purpose.
    To,
    /// "In", "into".
    In,
    /// "From", "off".
    From,
    /// "With", "using".
    With,
    Without,
    Of,
    For,
    /// A preposition whose place does not matter: "across the room".
    Across,
    /// "Inside".
    Inside,
    Here,
    There,
    /// Where it was.
    Home,
    OutOfTheWay,
    /// What is in the hands.
    Held,
    /// A side of a person: whose, and which.
    SideOf(Person, Direction),
    /// A way without a goal: "to the left".
    Way(Direction),
    /// "Back", which may be a way, a particle, or nothing.
    Back,
    Up,
    Down,
    Over,
    Around,
    Out,
    Still,
    Pace(Pace),
    Careful,
    Hands(Hands),
    Foot,
    Overhead,
    Flat,
    UpsideDown,
    Upright,
    /// "To face".
    Facing,
    /// "Closest to".
    Nearest,
    /// "That is", "which stands".
    That,
    /// "That has fallen".
    Fallen,
    /// Words that add nothing.
    Filler,
    /// A clause that tells how or why; it is passed over.
    Aside,
    /// "I mean": what follows takes the place of what was said.
    Correction,
    Not,
    And,
    Then,
}

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Person {
    Speaker,
    Listener,
}

/// Runs of words, the longest first among those that begin alike.
pub(super) fn phrase(words: &[&str]) -> Option<(usize, Tag)> {
    let longest = words.len().min(6);
    (1..=longest)
        .rev()
        .find_map(|n| Some((n, tag(&words[..n].join(" "))?)))
}

fn tag(words: &str) -> Option<Tag> {
    use Direction::{Back, Forward, Left, Right};
    use Person::{Listener, Speaker};
    use Relation as R;
    Some(match words {
        "next to" | "beside" | "by" | "alongside" | "adjacent to" | "right next to"
        | "to the side of" | "at the side of" | "by the side of" | "right beside"
        | "side by side with" => Tag::Place(R::NextTo),
        "near" | "near to" | "close to" | "close by" | "in the vicinity of" | "around by" => {
            Tag::Place(R::Near)
        }
        "in front of" | "to the front of" | "at the front of" | "before" | "opposite"
        | "opposite to" | "opposite from" | "across from" => Tag::Place(R::InFrontOf),
        "behind" | "at the back of" | "in back of" | "to the back of" | "round the back of" => {
            Tag::Place(R::Behind)
        }
        "to the left of"
        | "on the left of"
        | "left of"
        | "on the left side of"
        | "to the left side of"
        | "at the left of"
        | "at the left side of"
        | "left from" => Tag::Place(R::LeftOf),
        "to the right of"
        | "on the right of"
        | "right of"
        | "on the right side of"
        | "to the right side of"
        | "at the right of"
        | "at the right side of"
        | "right from" => Tag::Place(R::RightOf),
        "on" | "onto" | "on to" | "on top of" | "on the top of" | "atop" | "upon" | "above" => {
            Tag::Place(R::On)
        }
        "under" | "underneath" | "beneath" | "below" => Tag::Place(R::Under),
        "between" | "in between" => Tag::Place(R::Between),
        "against" | "up against" | "flush with" | "flush against" => Tag::Place(R::Against),
        "away from" | "far from" | "far away from" | "clear of" => Tag::Place(R::AwayFrom),
        "toward"
        | "towards"
        | "closer to"
        | "nearer to"
        | "nearer"
        | "in the direction of"
        | "further to" => Tag::Place(R::Toward),
        "to" | "over to" | "across to" | "up to" | "down to" | "back to" | "at" | "along to"
        | "through to" => Tag::To,
        "in" | "into" | "back into" | "in to" => Tag::In,
        "from" | "off" | "off of" | "out of" | "down from" | "up from" => Tag::From,
        "inside" | "inside of" | "within" => Tag::Inside,
        "with" | "using" | "by means of" => Tag::With,
        "without" => Tag::Without,
        "of" => Tag::Of,
        "for" => Tag::For,
        "across" | "through" | "along" | "past" | "around in" => Tag::Across,
        "here" | "over here" | "to here" | "this way" | "right here" | "in here"
        | "on this spot" | "to this spot" | "to this place" => Tag::Here,
        "there" | "over there" | "to there" | "that way" | "right there" | "up there"
        | "down there" | "in there" | "to that spot" | "on that spot" | "to that place" => {
            Tag::There
        }
        "where you were"
        | "to where you were"
        | "back to where you were"
        | "where you started"
        | "to where you started"
        | "back to where you started"
        | "to your place"
        | "back to your place"
        | "where it was"
        | "to where it was"
        | "back to where it was"
        | "back where it was"
        | "to its place"
        | "in its place"
        | "back to its place"
        | "back in its place"
        | "where it came from"
        | "back where it came from"
        | "where it belongs"
        | "back where it belongs"
        | "to its old place"
        | "back to its old place" => Tag::Home,
        "what you are holding"
        | "what you hold"
        | "whatever you are holding"
        | "what you are carrying"
        | "what is in your hands" => Tag::Held,
        "out of the way" | "out of my way" | "aside" | "to one side" | "to the side" => {
            Tag::OutOfTheWay
        }
        "to my left" | "on my left" | "at my left" | "on my left side" | "to my left side"
        | "left of me" | "to the left of me" | "on the left of me" => Tag::SideOf(Speaker, Left),
        "to my right" | "on my right" | "at my right" | "on my right side" | "to my right side"
        | "right of me" | "to the right of me" | "on the right of me" => {
            Tag::SideOf(Speaker, Right)
        }
        "to your left"
        | "on your left"
        | "at your left"
        | "on your left side"
        | "to the left of you"
        | "left of you"
        | "left of yourself"
        | "to the left of yourself" => Tag::SideOf(Listener, Left),
        "to your right"
        | "on your right"
        | "at your right"
        | "on your right side"
        | "to the right of you"
        | "right of you"
        | "right of yourself"
        | "to the right of yourself" => Tag::SideOf(Listener, Right),
        "to the left" | "leftwards" | "leftward" | "to left" | "left" => Tag::Way(Left),
        "to the right" | "rightwards" | "rightward" | "to right" | "right" => Tag::Way(Right),
        "forward" | "forwards" | "ahead" | "straight ahead" | "to the front" => Tag::Way(Forward),
        "backward" | "backwards" | "to the back" | "to the rear" => Tag::Way(Back),
        "back" => Tag::Back,
        "up" => Tag::Up,
        "down" => Tag::Down,
        "over" => Tag::Over,
        "around" | "round" | "about" => Tag::Around,
        "out" | "away" => Tag::Out,
        "still" | "where you are" => Tag::Still,
        "slowly" | "slow" | "unhurriedly" | "at a slow pace" | "leisurely" => Tag::Pace(Pace::Slow),
        "quickly"
        | "fast"
        | "quick"
        | "rapidly"
        | "swiftly"
        | "hurriedly"
        | "immediately"
        | "at once"
        | "as fast as you can"
        | "as quickly as you can" => Tag::Pace(Pace::Quick),
        "carefully" | "gently" | "with care" | "cautiously" | "softly" | "delicately" => {
            Tag::Careful
        }
        "with one hand"
        | "one handed"
        | "using one hand"
        | "single handed"
        | "with a single hand"
        | "use one hand to"
        | "with your left hand"
        | "with your right hand" => Tag::Hands(Hands::One),
        "with both hands"
        | "using both hands"
        | "with two hands"
        | "using two hands"
        | "two handed"
        | "use both hands to"
        | "use two hands to"
        | "with your hands"
        | "with your two hands" => Tag::Hands(Hands::Two),
        "with your foot" | "with a foot" | "with the foot" | "using your foot"
        | "with your feet" | "use the foot to" | "use your foot to" | "use a foot to" => Tag::Foot,
        "above your head"
        | "over your head"
        | "overhead"
        | "over head"
        | "above the head"
        | "over the head"
        | "above head"
        | "high above your head"
        | "high over your head"
        | "up over your head"
        | "up above your head" => Tag::Overhead,
        "horizontally" | "flat" | "sideways" | "on its side" | "down flat" | "on the side"
        | "down on its side" | "horizontally down" | "down horizontally" => Tag::Flat,
        "upside down" | "on its head" | "bottom up" => Tag::UpsideDown,
        "upright" | "back upright" | "straight up" => Tag::Upright,
        "to face" | "so that it faces" | "so it faces" | "facing towards" | "so it is facing"
        | "and face it to" => Tag::Facing,
        "closest to" | "nearest to" | "nearest" | "closest" => Tag::Nearest,
        "that has fallen"
        | "that fell"
        | "which has fallen"
        | "which fell"
        | "that fell over"
        | "that has fallen over"
        | "which has fallen over"
        | "that is lying down" => Tag::Fallen,
        "made of" | "made from" | "made out of" | "that is" | "which is" | "that are"
        | "which are" | "that stands" | "which stands" | "that sits" | "which sits"
        | "standing" | "sitting" | "lying" | "located" | "that lies" | "which lies" => Tag::That,
        "so that it stands"
        | "so it stands"
        | "so that it is"
        | "so it is"
        | "so that it sits"
        | "a bit"
        | "a little"
        | "a little bit"
        | "slightly"
        | "please"
        | "pls"
        | "plz"
        | "now"
        | "just"
        | "kindly"
        | "ok"
        | "okay"
        | "so"
        | "hey"
        | "well"
        | "very"
        | "really"
        | "quite"
        | "gladly"
        | "can you"
        | "could you"
        | "would you"
        | "will you"
        | "can you please"
        | "could you please"
        | "would you mind"
        | "would you please"
        | "i want you to"
        | "i need you to"
        | "i would like you to"
        | "you should"
        | "you must"
        | "you have to"
        | "you need to"
        | "you can"
        | "let us"
        | "try to"
        | "go and"
        | "go ahead and"
        | "i would like"
        | "i want"
        | "i need"
        | "we need"
        | "make sure"
        | "for me"
        | "oh"
        | "alright"
        | "the base of"
        | "the top of"
        | "the back of"
        | "the side of"
        | "the sides of"
        | "the edge of"
        | "the edges of"
        | "the leg of"
        | "the legs of"
        | "the handle of"
        | "the bottom of"
        | "the rear of"
        | "the end of"
        | "the rim of"
        | "one side of"
        | "all the way"
        | "straight"
        | "somewhere"
        | "once"
        | "again"
        | "high"
        | "also"
        | "everyone"
        | "buddy"
        | "robot"
        | "sir" => Tag::Filler,
        "so only" | "as you" | "while" | "as it" | "because" | "since" | "until"
        | "in order to" | "facing" | "if you can" | "if possible" | "so that" | "to change"
        | "to adjust" | "to move" | "as well" => Tag::Aside,
        "i mean" | "no wait" | "or rather" | "rather" | "sorry" | "i meant" | "no i mean" => {
            Tag::Correction
        }
        "do not" | "never" | "not" => Tag::Not,
        "and" | "plus" => Tag::And,
        "then" | "and then" | "after that" | "and after that" | "afterwards" | "afterward"
        | "finally" | "first" | "and finally" | "first of all" | "second" | "secondly"
        | "lastly" | "next" | "then finally" | "before you" => Tag::Then,
        _ => return None,
    })
}

/// Words before a noun that say which.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Determiner {
    /// "The", "that", "my".
    Definite,
    /// "A", "any".
    Indefinite,
    /// "All", "every".
    All,
    /// A number.
    Count(usize),
}

pub(super) fn determiner(word: &str) -> Option<Determiner> {
    Some(match word {
        "the" | "this" | "that" | "these" | "those" | "my" | "your" | "his" | "her" | "their"
        | "its" | "our" => Determiner::Definite,
        "a" | "an" | "any" | "some" => Determiner::Indefinite,
        "all" | "every" | "each" => Determiner::All,
        "both" => Determiner::Count(2),
        _ => Determiner::Count(number(word)?),
    })
}

/// A number word.
pub(super) fn number(word: &str) -> Option<usize> {
    let numbers = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    numbers.iter().position(|n| *n == word).map(|i| i + 1)
}

/// A word for a size, and what is measured: the larger the better, or the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Big,
    Small,
    Tall,
    Short,
}

pub(super) fn size(word: &str) -> Option<Size> {
    Some(match word {
        "big" | "bigger" | "biggest" | "large" | "larger" | "largest" | "huge" => Size::Big,
        "small" | "smaller" | "smallest" | "little" | "littlest" | "tiny" => Size::Small,
        "tall" | "taller" | "tallest" | "high" | "highest" | "long" | "longer" | "longest" => {
            Size::Tall
        }
        "short" | "shorter" | "shortest" => Size::Short,
        _ => return None,
    })
}

/// Parts of a person.
pub(super) fn is_body(word: &str) -> bool {
    matches!(
        word,
        "hand" | "hands" | "foot" | "feet" | "arm" | "arms" | "finger" | "fingers" | "body"
    )
}

/// Parts of a thing.
pub(super) fn is_part(word: &str) -> bool {
    matches!(
        word,
        "leg"
            | "legs"
            | "edge"
            | "edges"
            | "side"
            | "sides"
            | "back"
            | "top"
            | "base"
            | "bottom"
            | "handle"
            | "handles"
            | "end"
            | "ends"
            | "orientation"
            | "direction"
    )
}

/// Words for things that are alike; a scene's own synonyms come before them.
pub(super) const THESAURUS: &[&[&str]] = &[
    &["sofa", "couch", "settee"],
    &[
        "trash can",
        "trashcan",
        "bin",
        "waste bin",
        "garbage can",
        "rubbish bin",
        "dustbin",
        "wastebasket",
    ],
    &[
        "clothes stand",
        "clothesstand",
        "coat rack",
        "coat stand",
        "clothes rack",
        "hat stand",
    ],
    &["suitcase", "trolley case", "travel case"],
    &["monitor", "computer screen", "screen"],
    &["lamp", "light"],
    &["shelf", "bookcase", "bookshelf", "shelves"],
    &["stool", "footstool"],
    &["rug", "carpet", "mat"],
    &["box", "crate", "carton"],
];
