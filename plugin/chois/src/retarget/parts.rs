//! The parts of a body that a rig can have a bone for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Left or right, the person's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The person's left.
    Left,
    /// The person's right.
    Right,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// 0 for left, 1 for right: the offset from a left joint to its right counterpart in SMPL's order.
    pub fn index(self) -> usize {
        self as usize
    }

    fn word(self) -> &'static str {
        ["left", "right"][self as usize]
    }
}

/// A finger, in the order of [`crate::figure`] (SMPL-X's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digit {
    /// Index finger.
    Index,
    /// Middle finger.
    Middle,
    /// Little finger.
    Little,
    /// Ring finger.
    Ring,
    /// Thumb.
    Thumb,
}

impl Digit {
    /// All five, in the order of [`crate::figure`].
    pub const ALL: [Self; 5] = [
        Self::Index,
        Self::Middle,
        Self::Little,
        Self::Ring,
        Self::Thumb,
    ];

    fn word(self) -> &'static str {
        ["index", "middle", "little", "ring", "thumb"][self as usize]
    }
}

/// A part of the body that a bone can move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BodyPart {
    /// The bone that carries legs and spine.
    Hips,
    /// Lowest bone of the spine.
    Spine,
    /// A bone in the middle of the spine.
    Chest,
    /// Highest bone of the spine: what the shoulders hang on.
    UpperChest,
    /// Lowest bone of the neck.
    Neck,
    /// The head.
    Head,
    /// Collar bone.
    Shoulder(Side),
    /// From the shoulder joint to the elbow.
    UpperArm(Side),
    /// From the elbow to the wrist.
    LowerArm(Side),
    /// The hand, turning about the wrist.
    Hand(Side),
    /// From the hip joint to the knee.
    UpperLeg(Side),
    /// From the knee to the ankle.
    LowerLeg(Side),
    /// The foot, turning about the ankle.
    Foot(Side),
    /// The toes, turning about the ball of the foot.
    Toes(Side),
    /// A phalanx of a finger: 0 at the knuckle, 2 at the tip.
    Finger(Side, Digit, u8),
}

impl BodyPart {
    /// How many parts there are.
    pub const COUNT: usize = 6 + 2 * (8 + 15);

    /// Every part, the trunk first, then the left side, then the right.
    pub fn all() -> impl Iterator<Item = Self> {
        let trunk = [
            Self::Hips,
            Self::Spine,
            Self::Chest,
            Self::UpperChest,
            Self::Neck,
            Self::Head,
        ];
        trunk
            .into_iter()
            .chain(Side::BOTH.into_iter().flat_map(|s| {
                let limbs = [
                    Self::Shoulder(s),
                    Self::UpperArm(s),
                    Self::LowerArm(s),
                    Self::Hand(s),
                    Self::UpperLeg(s),
                    Self::LowerLeg(s),
                    Self::Foot(s),
                    Self::Toes(s),
                ];
                let fingers = Digit::ALL
                    .into_iter()
                    .flat_map(move |d| (0..3).map(move |p| Self::Finger(s, d, p)));
                limbs.into_iter().chain(fingers)
            }))
    }

    /// Place of this part in [`Self::all`].
    pub fn index(self) -> usize {
        let side = |s: Side, k: usize| 6 + 23 * s.index() + k;
        match self {
            Self::Hips => 0,
            Self::Spine => 1,
            Self::Chest => 2,
            Self::UpperChest => 3,
            Self::Neck => 4,
            Self::Head => 5,
            Self::Shoulder(s) => side(s, 0),
            Self::UpperArm(s) => side(s, 1),
            Self::LowerArm(s) => side(s, 2),
            Self::Hand(s) => side(s, 3),
            Self::UpperLeg(s) => side(s, 4),
            Self::LowerLeg(s) => side(s, 5),
            Self::Foot(s) => side(s, 6),
            Self::Toes(s) => side(s, 7),
            Self::Finger(s, d, p) => side(s, 8 + 3 * d as usize + usize::from(p.min(2))),
        }
    }

    /// Whether a rig without a bone for this part cannot be used. The trunk also needs one bone between hips and head.
    pub fn required(self) -> bool {
        !matches!(
            self,
            Self::Spine
                | Self::Chest
                | Self::UpperChest
                | Self::Neck
                | Self::Shoulder(_)
                | Self::Toes(_)
                | Self::Finger(..)
        )
    }

    /// The same part on the other side of the body.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Shoulder(s) => Self::Shoulder(s.other()),
            Self::UpperArm(s) => Self::UpperArm(s.other()),
            Self::LowerArm(s) => Self::LowerArm(s.other()),
            Self::Hand(s) => Self::Hand(s.other()),
            Self::UpperLeg(s) => Self::UpperLeg(s.other()),
            Self::LowerLeg(s) => Self::LowerLeg(s.other()),
            Self::Foot(s) => Self::Foot(s.other()),
            Self::Toes(s) => Self::Toes(s.other()),
            Self::Finger(s, d, p) => Self::Finger(s.other(), d, p),
            middle => middle,
        }
    }
}

/// The part in words, as in a sentence: "left upper arm", "right index 1".
impl fmt::Display for BodyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hips => write!(f, "hips"),
            Self::Spine => write!(f, "spine"),
            Self::Chest => write!(f, "chest"),
            Self::UpperChest => write!(f, "upper chest"),
            Self::Neck => write!(f, "neck"),
            Self::Head => write!(f, "head"),
            Self::Shoulder(s) => write!(f, "{} shoulder", s.word()),
            Self::UpperArm(s) => write!(f, "{} upper arm", s.word()),
            Self::LowerArm(s) => write!(f, "{} lower arm", s.word()),
            Self::Hand(s) => write!(f, "{} hand", s.word()),
            Self::UpperLeg(s) => write!(f, "{} upper leg", s.word()),
            Self::LowerLeg(s) => write!(f, "{} lower leg", s.word()),
            Self::Foot(s) => write!(f, "{} foot", s.word()),
            Self::Toes(s) => write!(f, "{} toes", s.word()),
            Self::Finger(s, d, p) => write!(f, "{} {} {}", s.word(), d.word(), p + 1),
        }
    }
}

/// Reads what [`fmt::Display`] writes; underscores are as good as spaces.
impl FromStr for BodyPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.trim().replace(['_', '-'], " ").to_lowercase();
        Self::all()
            .find(|part| part.to_string() == wanted)
            .ok_or_else(|| {
                format!(
                    "{text:?} is no part of the body; parts are hips, spine, chest, upper_chest, neck, head, and with \
                     left_ or right_ before: shoulder, upper_arm, lower_arm, hand, upper_leg, lower_leg, foot, toes, \
                     thumb_1 to thumb_3, index_1, middle_1, ring_1, little_1 and so on"
                )
            })
    }
}

impl TryFrom<String> for BodyPart {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<BodyPart> for String {
    fn from(part: BodyPart) -> Self {
        part.to_string().replace(' ', "_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_names_and_mirrors_agree() {
        let all: Vec<_> = BodyPart::all().collect();
        assert_eq!(all.len(), BodyPart::COUNT);
        for (i, part) in all.into_iter().enumerate() {
            assert_eq!(part.index(), i);
            assert_eq!(part.to_string().parse(), Ok(part));
            assert_eq!(String::from(part).parse(), Ok(part));
            assert_eq!(part.mirrored().mirrored(), part);
        }
        assert!("left_wing".parse::<BodyPart>().is_err());
    }
}
