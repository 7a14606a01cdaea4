//! The figures of the tables: what they are called, what they mean, in which unit, and which way they get better.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A figure of the tables, in the order of the paper's columns, then those that the paper has no column for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Metric {
    #[serde(rename = "T_s")]
    Start,
    #[serde(rename = "T_e")]
    End,
    #[serde(rename = "T_xy")]
    Waypoints,
    #[serde(rename = "H_feet")]
    FeetHeight,
    #[serde(rename = "FS")]
    FootSliding,
    #[serde(rename = "R_prec")]
    RPrecision,
    #[serde(rename = "FID")]
    Fid,
    #[serde(rename = "C_prec")]
    ContactPrecision,
    #[serde(rename = "C_rec")]
    ContactRecall,
    #[serde(rename = "C_F1")]
    ContactF1,
    #[serde(rename = "C_%")]
    ContactShare,
    #[serde(rename = "P_hand")]
    HandPenetration,
    #[serde(rename = "MPJPE")]
    Joints,
    #[serde(rename = "T_root")]
    RootTranslation,
    #[serde(rename = "T_obj")]
    ObjectTranslation,
    #[serde(rename = "O_obj")]
    ObjectRotation,
    #[serde(rename = "C_acc")]
    ContactAccuracy,
    #[serde(rename = "P_hand_corrected")]
    HandPenetrationCorrected,
    #[serde(rename = "JPE_hand")]
    Hands,
    #[serde(rename = "MPVPE")]
    Vertices,
    #[serde(rename = "O_root")]
    RootRotation,
    #[serde(rename = "Diversity")]
    Diversity,
    #[serde(rename = "Multimodality")]
    Multimodality,
    #[serde(rename = "Slip")]
    ContactSlip,
    #[serde(rename = "Reach")]
    Reach,
    #[serde(rename = "R_top1")]
    RPrecisionTop1,
    #[serde(rename = "R_top2")]
    RPrecisionTop2,
    #[serde(rename = "Matching")]
    Matching,
    #[serde(rename = "Heading")]
    Heading,
}

/// Which way a figure gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Small is good.
    Lower,
    /// Large is good.
    Higher,
    /// Near to that of captured motions is good.
    LikeCaptured,
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lower => "↓",
            Self::Higher => "↑",
            Self::LikeCaptured => "→",
        })
    }
}

impl Metric {
    /// All, in the order of the tables.
    pub const ALL: [Self; 29] = [
        Self::Start,
        Self::End,
        Self::Waypoints,
        Self::FeetHeight,
        Self::FootSliding,
        Self::RPrecision,
        Self::Fid,
        Self::ContactPrecision,
        Self::ContactRecall,
        Self::ContactF1,
        Self::ContactShare,
        Self::HandPenetration,
        Self::Joints,
        Self::RootTranslation,
        Self::ObjectTranslation,
        Self::ObjectRotation,
        Self::ContactAccuracy,
        Self::HandPenetrationCorrected,
        Self::Hands,
        Self::Vertices,
        Self::RootRotation,
        Self::Diversity,
        Self::Multimodality,
        Self::ContactSlip,
        Self::Reach,
        Self::RPrecisionTop1,
        Self::RPrecisionTop2,
        Self::Matching,
        Self::Heading,
    ];

    /// The paper's name.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Start => "T_s",
            Self::End => "T_e",
            Self::Waypoints => "T_xy",
            Self::FeetHeight => "H_feet",
            Self::FootSliding => "FS",
            Self::RPrecision => "R_prec",
            Self::Fid => "FID",
            Self::ContactPrecision => "C_prec",
            Self::ContactRecall => "C_rec",
            Self::ContactF1 => "C_F1",
            Self::ContactShare => "C_%",
            Self::HandPenetration => "P_hand",
            Self::Joints => "MPJPE",
            Self::RootTranslation => "T_root",
            Self::ObjectTranslation => "T_obj",
            Self::ObjectRotation => "O_obj",
            Self::ContactAccuracy => "C_acc",
            Self::HandPenetrationCorrected => "P_hand_corrected",
            Self::Hands => "JPE_hand",
            Self::Vertices => "MPVPE",
            Self::RootRotation => "O_root",
            Self::Diversity => "Diversity",
            Self::Multimodality => "Multimodality",
            Self::ContactSlip => "Slip",
            Self::Reach => "Reach",
            Self::RPrecisionTop1 => "R_top1",
            Self::RPrecisionTop2 => "R_top2",
            Self::Matching => "Matching",
            Self::Heading => "Heading",
        }
    }

    /// What it says, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Start => "object's place at the first frame",
            Self::End => "object's place at the last frame",
            Self::Waypoints => "object's place on the floor at waypoints",
            Self::FeetHeight => "height of the floor that the toes stand on",
            Self::FootSliding => "foot sliding per frame",
            Self::RPrecision => "own motion among the three nearest of 32",
            Self::Fid => "Fréchet distance to captured motions",
            Self::ContactPrecision => "frames in contact that should be",
            Self::ContactRecall => "frames that should be in contact and are",
            Self::ContactF1 => "precision and recall of contact in one",
            Self::ContactShare => "frames in contact",
            Self::HandPenetration => "the same, turned as the published code does",
            Self::Joints => "joints, relative to the pelvis",
            Self::RootTranslation => "place of the body",
            Self::ObjectTranslation => "place of the object",
            Self::ObjectRotation => "turn of the object",
            Self::ContactAccuracy => "frames whose contact is right",
            Self::HandPenetrationCorrected => "depth of the hands in the object",
            Self::Hands => "place of the palms",
            Self::Vertices => "skin, relative to the pelvis",
            Self::RootRotation => "turn of the pelvis",
            Self::Diversity => "distance of random pairs of motions",
            Self::Multimodality => "distance of motions of one sentence",
            Self::ContactSlip => "slide of touching palms over the object per frame",
            Self::Reach => "pelvis from the object while it moves, on the floor",
            Self::RPrecisionTop1 => "own motion the nearest of 32",
            Self::RPrecisionTop2 => "own motion among the two nearest of 32",
            Self::Matching => "distance of a sentence to its motion",
            Self::Heading => "facing of a walker at the last frame",
        }
    }

    /// "cm" for lengths, "°" for angles, nothing for scores.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Heading => "°",
            _ if self.is_length() => "cm",
            _ => "",
        }
    }

    pub(super) fn is_length(self) -> bool {
        match self {
            Self::Start
            | Self::End
            | Self::Waypoints
            | Self::FeetHeight
            | Self::FootSliding
            | Self::HandPenetration
            | Self::HandPenetrationCorrected
            | Self::Joints
            | Self::Vertices
            | Self::Hands
            | Self::RootTranslation
            | Self::ObjectTranslation
            | Self::ContactSlip
            | Self::Reach => true,
            Self::RPrecision
            | Self::RPrecisionTop1
            | Self::RPrecisionTop2
            | Self::Matching
            | Self::Fid
            | Self::ContactPrecision
            | Self::ContactRecall
            | Self::ContactF1
            | Self::ContactAccuracy
            | Self::ContactShare
            | Self::RootRotation
            | Self::ObjectRotation
            | Self::Diversity
            | Self::Multimodality
            | Self::Heading => false,
        }
    }

    /// Whether it comes out of an evaluator's networks, so that figures of different ones cannot be compared.
    pub fn is_of_an_evaluator(self) -> bool {
        matches!(
            self,
            Self::RPrecision
                | Self::RPrecisionTop1
                | Self::RPrecisionTop2
                | Self::Matching
                | Self::Fid
                | Self::Diversity
                | Self::Multimodality
        )
    }

    /// Which way it gets better, as the paper has it.
    pub fn better(self) -> Better {
        match self {
            Self::RPrecision
            | Self::RPrecisionTop1
            | Self::RPrecisionTop2
            | Self::ContactPrecision
            | Self::ContactRecall
            | Self::ContactF1
            | Self::ContactAccuracy
            | Self::ContactShare => Better::Higher,
            Self::Diversity | Self::Multimodality | Self::Reach => Better::LikeCaptured,
            _ => Better::Lower,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_the_names_in_json() {
        for metric in Metric::ALL {
            let name = serde_json::to_value(metric).expect("a name");
            assert_eq!(name, metric.symbol());
        }
        assert!(Metric::ALL.is_sorted());
    }
}
