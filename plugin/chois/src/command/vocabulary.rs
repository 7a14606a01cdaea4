//! Steps in the words that the network was taught: the captions of OMOMO.

use super::{Action, Manner};
use crate::scene::Item;

/// The nouns of the captions, and other names of the same things.
pub const NOUNS: [(&str, &[&str]); 13] = [
    (
        "floorlamp",
        &["floor lamp", "standing lamp", "lamp", "light"],
    ),
    (
        "clothesstand",
        &[
            "clothes stand",
            "coat rack",
            "coat stand",
            "clothes rack",
            "hat stand",
            "garment rack",
        ],
    ),
    ("tripod", &["camera tripod", "camera stand"]),
    ("largetable", &["large table", "dining table", "desk"]),
    (
        "smalltable",
        &[
            "small table",
            "table",
            "coffee table",
            "side table",
            "stool",
            "footstool",
        ],
    ),
    (
        "woodchair",
        &["wood chair", "wooden chair", "chair", "armchair", "seat"],
    ),
    ("whitechair", &["white chair", "plastic chair"]),
    ("smallbox", &["small box", "parcel", "package"]),
    (
        "largebox",
        &["large box", "box", "crate", "carton", "cardboard box"],
    ),
    (
        "plasticbox",
        &["plastic box", "storage box", "tub", "plastic crate"],
    ),
    ("suitcase", &["trolley case", "travel case", "luggage"]),
    ("monitor", &["computer screen", "screen", "television"]),
    (
        "trashcan",
        &[
            "trash can",
            "bin",
            "waste bin",
            "garbage can",
            "rubbish bin",
            "dustbin",
            "wastebasket",
        ],
    ),
];

/// The caption's noun for an item by its names, the longest that fits first; none where no name is of the vocabulary.
pub(super) fn known_noun(item: &Item) -> Option<&'static str> {
    let names = std::iter::once(&item.name).chain(&item.synonyms);
    let names: Vec<String> = names
        .map(|n| n.to_lowercase().replace(['_', '-'], " "))
        .collect();
    let mut best: Option<(usize, &'static str)> = None;
    // The item's own name counts before its other names.
    for name in &names {
        for (noun, others) in NOUNS {
            for other in others.iter().chain(std::iter::once(&noun)) {
                let fits = name == other
                    || name
                        .strip_suffix(other)
                        .is_some_and(|before| before.ends_with(' '));
                if fits && best.is_none_or(|(length, _)| other.len() > length) {
                    best = Some((other.len(), noun));
                }
            }
        }
        if best.is_some() {
            break;
        }
    }
    let (_, noun) = best?;
    // A box is large or small by its size: the captions' small box measures 0.12 m x 0.29 m x 0.24 m, the large one
    // 0.31 m x 0.47 m x 0.38 m.
    let volume: f32 = item.geometry.extents().iter().product();
    Some(match noun {
        "largebox" if volume < 0.02 => "smallbox",
        "smallbox" if volume > 0.04 => "largebox",
        noun => noun,
    })
}

/// The sentence of an action on a thing in the style of the captions; empty where the network is not asked.
pub fn sentence(action: Action, noun: &str, manner: &Manner) -> String {
    match action {
        Action::Carry if manner.overhead => {
            format!("Lift the {noun} above your head, walk, and put the {noun} down.")
        }
        Action::Carry => format!("Lift the {noun}, move the {noun}, and put down the {noun}."),
        Action::PickUp if manner.overhead => format!("Lift the {noun} above your head."),
        Action::PickUp => format!("Lift the {noun}."),
        Action::Hold => format!("Hold the {noun}."),
        Action::PutDown => format!("Put down the {noun}."),
        Action::Push => format!("Push the {noun}, and set it back down."),
        Action::Pull => format!("Pull the {noun}, and set it back down."),
        Action::Drag => {
            format!(
                "Push the {noun}, release the hands, then drag the {noun}, and set it back down."
            )
        }
        Action::Kick => format!("Kick the {noun}, and set it back down."),
        Action::Rotate if manner.overhead => {
            format!("Lift the {noun} above your head, spin it and put the {noun} down.")
        }
        Action::Rotate => format!("Lift the {noun}, rotate the {noun}, and set it back down."),
        Action::Tilt => format!("Grab the {noun}, tilt the {noun}."),
        Action::Flip => {
            format!("Lift the {noun}, flip it upside down and place it on the floor.")
        }
        Action::Swing => {
            format!("Grab the top of the {noun}, swing the {noun}, and put down the {noun}.")
        }
        Action::LayDown => format!("Put the {noun} horizontally down."),
        Action::PickUpFallen => format!("Pick up the fallen {noun}."),
        Action::Walk | Action::ComeBack | Action::Stop => String::new(),
    }
}
