//! Tables of measured figures beside published ones.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::metrics::{ClipMetrics, LongMetrics};
use super::walks::WalkMetrics;
use crate::error::{Error, Result};

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
    pub const ALL: [Self; 28] = [
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

    fn is_length(self) -> bool {
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
            | Self::ContactSlip => true,
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
            Self::Diversity | Self::Multimodality => Better::LikeCaptured,
            _ => Better::Lower,
        }
    }
}

/// Where figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By this crate.
    Measured,
    /// In the paper.
    Published,
}

/// The figures of one system. Lengths in centimetres.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was evaluated.
    pub name: String,
    /// Where the figures come from.
    pub origin: Origin,
    /// Number of clips that the figures are means of, where known.
    pub clips: Option<usize>,
    /// The figures; what was not measured is not there.
    pub values: BTreeMap<Metric, f64>,
    /// Seeds that the figures are means over; 1 when there was no more than one.
    #[serde(default = "one_seed", skip_serializing_if = "is_one")]
    pub seeds: usize,
    /// How far the seeds' means lie from their mean: half of the greatest less the least. Empty for one seed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<Metric, f64>,
}

fn one_seed() -> usize {
    1
}

fn is_one(seeds: &usize) -> bool {
    *seeds == 1
}

impl Row {
    /// Nothing measured yet.
    pub fn new(name: impl Into<String>, clips: usize) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Measured,
            clips: Some(clips),
            values: BTreeMap::new(),
            seeds: 1,
            spread: BTreeMap::new(),
        }
    }

    /// The mean of rows of the same system with different seeds, and their spread. A figure that a seed lacks is the mean
    /// over the others.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no row.
    pub fn over_seeds(rows: &[Self]) -> Result<Self> {
        let Some(first) = rows.first() else {
            return Err(Error::invalid("seeds", "there is no row of any seed"));
        };
        let mut out = Self {
            seeds: rows.len(),
            values: BTreeMap::new(),
            ..first.clone()
        };
        for metric in Metric::ALL {
            let values: Vec<f64> = (rows.iter())
                .filter_map(|r| r.values.get(&metric).copied())
                .collect();
            if values.is_empty() {
                continue;
            }
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            out.values.insert(metric, mean);
            if rows.len() > 1 {
                out.spread.insert(metric, (most - least) / 2.0);
            }
        }
        Ok(out)
    }

    /// "1.23", or "1.23±0.04" where there were several seeds; none where it was not measured.
    pub fn cell(&self, metric: Metric) -> Option<String> {
        let value = self.values.get(&metric)?;
        Some(match self.spread.get(&metric) {
            Some(spread) => format!("{value:.2}±{spread:.2}"),
            None => format!("{value:.2}"),
        })
    }

    /// Means over clips of generated motion (see [`super::aggregate`]).
    pub fn measured(name: impl Into<String>, clips: usize, means: &ClipMetrics) -> Self {
        let m = means;
        Self::new(name, clips)
            .metres(Metric::Start, Some(m.start_error))
            .metres(Metric::End, Some(m.end_error))
            .metres(Metric::Waypoints, m.waypoint_error)
            .metres(Metric::FeetHeight, Some(m.feet_height))
            .metres(Metric::FootSliding, Some(m.foot_sliding))
            .with(Metric::ContactPrecision, m.contact_precision)
            .with(Metric::ContactRecall, m.contact_recall)
            .with(Metric::ContactF1, m.contact_f1)
            .with(Metric::ContactAccuracy, m.contact_accuracy)
            .with(Metric::ContactShare, m.contact_share)
            .metres(Metric::ContactSlip, m.contact_slip)
            .metres(Metric::HandPenetration, m.hand_penetration)
            .metres(
                Metric::HandPenetrationCorrected,
                m.hand_penetration_corrected,
            )
            .metres(Metric::Joints, Some(m.joint_error))
            .metres(Metric::Vertices, m.vertex_error)
            .metres(Metric::Hands, Some(m.hand_error))
            .metres(Metric::RootTranslation, Some(m.root_translation_error))
            .with(Metric::RootRotation, m.root_rotation_error)
            .metres(Metric::ObjectTranslation, Some(m.object_translation_error))
            .with(Metric::ObjectRotation, m.object_rotation_error)
    }

    /// The captured motions of the same clips, as far as a figure is about one motion only.
    pub fn captured(clips: usize, means: &ClipMetrics) -> Self {
        Self::new("captured", clips)
            .metres(Metric::FeetHeight, Some(means.true_feet_height))
            .metres(Metric::FootSliding, Some(means.true_foot_sliding))
            .with(Metric::ContactShare, means.true_contact_share)
            .metres(Metric::ContactSlip, means.true_contact_slip)
    }

    /// A long sequence, or means over several.
    pub fn long(name: impl Into<String>, sequences: usize, means: &LongMetrics) -> Self {
        Self::new(name, sequences)
            .metres(Metric::Start, Some(means.start_error))
            .metres(Metric::End, Some(means.end_error))
            .metres(Metric::Waypoints, means.waypoint_error)
            .metres(Metric::FeetHeight, Some(means.feet_height))
            .metres(Metric::FootSliding, Some(means.foot_sliding))
            .with(Metric::ContactShare, means.contact_share)
            .metres(Metric::ContactSlip, means.contact_slip)
    }

    /// A walk, or means over several.
    pub fn walk(name: impl Into<String>, means: &WalkMetrics) -> Self {
        Self::new(name, means.windows)
            .metres(Metric::End, Some(means.end_error))
            .metres(Metric::Waypoints, Some(means.waypoint_error))
            .metres(Metric::FeetHeight, Some(means.feet_height[0]))
            .metres(Metric::FootSliding, Some(means.foot_sliding[0]))
            .metres(Metric::Joints, Some(means.joint_error))
            .metres(Metric::RootTranslation, Some(means.root_error))
            .with(Metric::Heading, means.heading_error)
    }

    /// The captured walks, as far as a figure is about one motion only.
    pub fn captured_walk(means: &WalkMetrics) -> Self {
        Self::new("captured", means.windows)
            .metres(Metric::FeetHeight, Some(means.feet_height[1]))
            .metres(Metric::FootSliding, Some(means.foot_sliding[1]))
    }

    /// Adds a figure, lengths in centimetres. One that is not finite counts as not measured.
    pub fn with(mut self, metric: Metric, value: f64) -> Self {
        if value.is_finite() {
            self.values.insert(metric, value);
        }
        self
    }

    fn metres(self, metric: Metric, value: Option<f64>) -> Self {
        self.with(metric, value.map_or(f64::NAN, |m| m * 100.0))
    }

    fn published(name: &str, values: &[f64; 16]) -> Self {
        let row = Self {
            name: name.to_owned(),
            origin: Origin::Published,
            clips: None,
            values: BTreeMap::new(),
            seeds: 1,
            spread: BTreeMap::new(),
        };
        let columns = Metric::ALL.into_iter().zip(values);
        columns.fold(row, |row, (metric, value)| row.with(metric, *value))
    }
}

/// A table of the paper (CHOIS, Li et al., ECCV 2024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Benchmark {
    /// Captured objects of the FullBodyManipulation data, subjects 16 and 17; single windows.
    FullBodyManipulation,
    /// Objects of 3D-FUTURE, not seen in training; single windows.
    UnseenObjects,
    /// Long sequences in scenes, captured objects.
    Long,
    /// Long sequences in scenes, objects of 3D-FUTURE.
    LongUnseenObjects,
}

impl Benchmark {
    /// Every published row.
    pub fn rows(self) -> Vec<Row> {
        let table: &[(&str, [f64; 16])] = match self {
            Self::FullBodyManipulation => &FULL_BODY_MANIPULATION,
            Self::UnseenObjects => &UNSEEN_OBJECTS,
            Self::Long => &LONG,
            Self::LongUnseenObjects => &LONG_UNSEEN_OBJECTS,
        };
        let row = |(name, values): &(&str, [f64; 16])| Row::published(name, values);
        table.iter().map(row).collect()
    }

    /// The published rows of CHOIS itself: as it is, then without guidance.
    pub fn chois(self) -> Vec<Row> {
        let rows = self.rows();
        ["CHOIS", "CHOIS w/o guidance"]
            .iter()
            .filter_map(|name| rows.iter().find(|r| r.name == *name).cloned())
            .collect()
    }
}

/// Systems beside each other. `Display` is an aligned text table, serde the same for machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was evaluated on what.
    pub title: String,
    /// The unit of lengths, "cm".
    pub unit_of_length: String,
    /// The systems.
    pub rows: Vec<Row>,
    /// What a reader must know to compare.
    pub notes: Vec<String>,
}

impl Report {
    /// These rows beside the published ones of CHOIS.
    pub fn new(
        title: impl Into<String>,
        measured: impl IntoIterator<Item = Row>,
        benchmark: Benchmark,
    ) -> Self {
        Self {
            title: title.into(),
            unit_of_length: "cm".into(),
            rows: measured.into_iter().chain(benchmark.chois()).collect(),
            notes: Vec::new(),
        }
    }

    /// Adds a line below the table.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Narrowest column of figures.
const COLUMN: usize = 9;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<Metric> = (Metric::ALL.into_iter())
            .filter(|m| self.rows.iter().any(|r| r.values.contains_key(m)))
            .collect();
        let symbols = shown.iter().map(|m| m.symbol().len());
        let first = symbols.max().unwrap_or(0).max(6);
        let width = |row: &Row| {
            let cells = shown.iter().filter_map(|m| row.cell(*m));
            cells
                .chain([row.name.clone()])
                .map(|c| c.chars().count())
                .max()
                .unwrap_or(0)
                .max(COLUMN)
        };
        let widths: Vec<usize> = self.rows.iter().map(width).collect();
        let mut line = |head: [&str; 3], cell: &dyn Fn(&Row) -> String| -> fmt::Result {
            let [symbol, unit, better] = head;
            let mut text = format!("{symbol:<first$}  {unit:<2}  {better:<1}");
            for (row, width) in self.rows.iter().zip(&widths) {
                text += &format!("  {:>width$}", cell(row));
            }
            writeln!(f, "{}", text.trim_end())
        };
        if !self.title.is_empty() {
            line([&self.title, "", ""], &|_| String::new())?;
        }
        line(["", "", ""], &|row| row.name.clone())?;
        line(["", "", ""], &|row| {
            match row.origin {
                Origin::Measured => "measured",
                Origin::Published => "published",
            }
            .into()
        })?;
        line(["clips", "", ""], &|row| {
            row.clips.map_or("-".into(), |n| n.to_string())
        })?;
        if self.rows.iter().any(|r| r.seeds > 1) {
            line(["seeds", "", ""], &|row| match row.origin {
                Origin::Measured => row.seeds.to_string(),
                Origin::Published => "-".into(),
            })?;
        }
        for metric in shown.iter().copied() {
            let better = metric.better().to_string();
            line([metric.symbol(), metric.unit(), &better], &|row| {
                row.cell(metric).unwrap_or("-".into())
            })?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        Ok(())
    }
}

/// A column that a table does not have.
const N: f64 = f64::NAN;

/// Tables 1 and 3 of the paper.
const FULL_BODY_MANIPULATION: [(&str, [f64; 16]); 10] = [
    (
        "InterDiff",
        [
            0.0, 158.84, 72.72, 0.9, 0.42, 0.08, 208.0, 0.63, 0.28, 0.33, 0.27, 0.55, 25.91, 63.44,
            88.35, 1.65,
        ],
    ),
    (
        "MDM",
        [
            5.18, 33.07, 19.42, 6.72, 0.48, 0.51, 6.16, 0.72, 0.47, 0.53, 0.43, 0.66, 17.86, 34.16,
            24.46, 1.85,
        ],
    ),
    (
        "Lin-OMOMO",
        [
            0.0, 0.0, 0.0, 7.21, 0.41, 0.29, 15.33, 0.68, 0.56, 0.57, 0.54, 0.51, 21.73, 36.62,
            17.12, 1.21,
        ],
    ),
    (
        "Pred-OMOMO",
        [
            2.39, 8.03, 4.15, 7.08, 0.4, 0.54, 4.19, 0.73, 0.66, 0.66, 0.62, 0.58, 18.66, 28.39,
            16.36, 1.05,
        ],
    ),
    (
        "GT-OMOMO",
        [
            0.0, 0.0, 0.0, 7.1, 0.41, 0.48, 5.69, 0.77, 0.66, 0.67, 0.59, 0.55, 15.82, 24.75, 0.0,
            0.0,
        ],
    ),
    (
        "CHOIS w/o geometry loss",
        [
            5.76, 14.16, 8.44, 6.55, 0.4, 0.65, 3.26, 0.75, 0.5, 0.55, 0.43, 0.66, 14.34, 21.97,
            15.53, 0.98,
        ],
    ),
    (
        "CHOIS w/o guidance",
        [
            1.75, 6.61, 2.69, 6.64, 0.38, 0.65, 3.58, 0.78, 0.49, 0.55, 0.41, 0.65, 15.23, 24.13,
            11.51, 0.99,
        ],
    ),
    (
        "CHOIS",
        [
            1.71, 6.31, 2.87, 4.2, 0.35, 0.64, 0.69, 0.8, 0.64, 0.67, 0.54, 0.59, 15.3, 24.43,
            12.53, 0.99,
        ],
    ),
    (
        "CHOIS w/o contact guidance",
        [
            1.7, 6.42, 2.7, 3.93, 0.32, 0.66, 0.74, 0.78, 0.49, 0.55, 0.41, 0.65, 15.41, 23.63,
            11.44, 0.99,
        ],
    ),
    (
        "CHOIS w/o feet guidance",
        [
            1.72, 6.34, 2.9, 6.65, 0.39, 0.63, 3.76, 0.81, 0.64, 0.66, 0.54, 0.58, 15.44, 25.09,
            13.31, 0.99,
        ],
    ),
];

/// Table 2.
const UNSEEN_OBJECTS: [(&str, [f64; 16]); 7] = [
    (
        "InterDiff",
        [
            0.0, 161.26, 72.77, -0.26, 0.42, 0.09, 207.3, N, N, N, 0.24, 0.11, N, N, N, N,
        ],
    ),
    (
        "MDM",
        [
            12.58, 40.55, 28.72, 7.02, 0.49, 0.53, 8.5, N, N, N, 0.34, 0.26, N, N, N, N,
        ],
    ),
    (
        "Lin-OMOMO",
        [
            0.0, 0.0, 0.0, 6.32, 0.42, 0.23, 23.17, N, N, N, 0.44, 0.11, N, N, N, N,
        ],
    ),
    (
        "Pred-OMOMO",
        [
            4.15, 9.03, 3.89, 6.08, 0.4, 0.46, 3.74, N, N, N, 0.5, 0.18, N, N, N, N,
        ],
    ),
    (
        "CHOIS w/o geometry loss",
        [
            6.7, 13.73, 7.99, 5.68, 0.41, 0.66, 3.26, N, N, N, 0.36, 0.3, N, N, N, N,
        ],
    ),
    (
        "CHOIS w/o guidance",
        [
            5.75, 7.96, 2.68, 5.84, 0.39, 0.62, 4.78, N, N, N, 0.33, 0.26, N, N, N, N,
        ],
    ),
    (
        "CHOIS",
        [
            4.12, 7.35, 2.92, 3.75, 0.38, 0.62, 1.6, N, N, N, 0.48, 0.15, N, N, N, N,
        ],
    ),
];

/// Table 4, captured objects.
const LONG: [(&str, [f64; 16]); 2] = [
    (
        "CHOIS w/o guidance",
        [
            1.5, 7.19, 5.1, 6.01, 0.43, N, N, N, N, N, 0.49, 0.7, N, N, N, N,
        ],
    ),
    (
        "CHOIS",
        [
            2.22, 9.94, 5.73, 4.57, 0.46, N, N, N, N, N, 0.63, 0.69, N, N, N, N,
        ],
    ),
];

/// Table 4, unseen objects.
const LONG_UNSEEN_OBJECTS: [(&str, [f64; 16]); 2] = [
    (
        "CHOIS w/o guidance",
        [
            6.29, 9.39, 5.26, 4.77, 0.39, N, N, N, N, N, 0.42, 0.55, N, N, N, N,
        ],
    ),
    (
        "CHOIS",
        [
            5.62, 12.08, 5.95, 4.27, 0.41, N, N, N, N, N, 0.65, 0.32, N, N, N, N,
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let means = ClipMetrics {
            start_error: 0.0123,
            waypoint_error: None,
            contact_f1: 0.625,
            ..Default::default()
        };
        let ours = Row::measured("ours", 60, &means).with(Metric::Fid, f64::NAN);
        Report::new("Training windows", [ours], Benchmark::FullBodyManipulation).note("A note.")
    }

    #[test]
    fn ours_stands_beside_the_published() {
        let text = report().to_string();
        let cells = |symbol: &str| -> Vec<String> {
            let line = text.lines().find(|l| l.split(' ').next() == Some(symbol));
            let cells = line.unwrap_or_else(|| panic!("no line {symbol} in\n{text}"));
            cells.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(cells("T_s"), ["T_s", "cm", "↓", "1.23", "1.71", "1.75"]);
        assert_eq!(cells("C_F1"), ["C_F1", "↑", "0.62", "0.67", "0.55"]);
        assert_eq!(cells("FID"), ["FID", "↓", "-", "0.69", "3.58"]);
        assert_eq!(cells("T_xy"), ["T_xy", "cm", "↓", "-", "2.87", "2.69"]);
        assert!(!text.contains("MPVPE"), "nobody has it");
        assert!(text.starts_with("Training windows\n") && text.ends_with("A note.\n"));
        // Figures stand below each other.
        let ends = |symbol: &str| {
            let line = text.lines().find(|l| l.starts_with(symbol));
            line.map(|l| l.chars().count())
        };
        assert_eq!(ends("T_s"), ends("FID"));
        assert_eq!(ends("C_% "), ends("clips"));
    }

    #[test]
    fn json_comes_back_as_it_was() {
        let report = report();
        let json = serde_json::to_string(&report).expect("json");
        assert!(json.contains(r#""T_s":1.23"#), "{json}");
        assert!(json.contains(r#""C_%":0.54"#), "{json}");
        assert_eq!(
            serde_json::from_str::<Report>(&json).expect("a report"),
            report
        );
    }

    #[test]
    fn seeds_have_a_mean_and_half_their_range() {
        let seed = |fs: f64, matching: f64| {
            Row::new("ours", 11)
                .with(Metric::FootSliding, fs)
                .with(Metric::Matching, matching)
        };
        let rows = [seed(0.1, f64::NAN), seed(0.4, 2.0), seed(0.7, 3.0)];
        let row = Row::over_seeds(&rows).expect("a row");
        assert_eq!((row.seeds, row.clips, &*row.name), (3, Some(11), "ours"));
        assert_eq!(row.cell(Metric::FootSliding).as_deref(), Some("0.40±0.30"));
        assert_eq!(row.cell(Metric::Matching).as_deref(), Some("2.50±0.50"));
        assert_eq!(row.cell(Metric::Fid), None);
        let alone = Row::over_seeds(&rows[1..2]).expect("a row");
        assert_eq!(alone, rows[1]);
        assert!(Row::over_seeds(&[]).is_err());
        let text = Report::new("", [row], Benchmark::FullBodyManipulation).to_string();
        let ends: Vec<_> = ["FS", "seeds", "clips"]
            .map(|s| {
                let line = text.lines().find(|l| l.starts_with(s)).expect("a line");
                line.split_whitespace().next_back().map(str::to_owned)
            })
            .into();
        assert_eq!(
            ends,
            [Some("0.38".into()), Some("-".into()), Some("-".into())]
        );
        let json = serde_json::to_string(&alone).expect("json");
        assert!(
            !json.contains("seeds") && !json.contains("spread"),
            "{json}"
        );
    }

    #[test]
    fn symbols_are_the_names_in_json() {
        for metric in Metric::ALL {
            let name = serde_json::to_value(metric).expect("a name");
            assert_eq!(name, metric.symbol());
        }
        assert!(Metric::ALL.is_sorted());
    }

    #[test]
    fn published_tables_have_their_columns() {
        let count = |b: Benchmark| b.rows().iter().map(|r| r.values.len()).collect::<Vec<_>>();
        assert_eq!(count(Benchmark::FullBodyManipulation), [16; 10]);
        assert_eq!(count(Benchmark::UnseenObjects), [9; 7]);
        assert_eq!(count(Benchmark::Long), [7; 2]);
        assert_eq!(count(Benchmark::LongUnseenObjects), [7; 2]);
        for benchmark in [
            Benchmark::FullBodyManipulation,
            Benchmark::LongUnseenObjects,
        ] {
            assert_eq!(benchmark.chois().len(), 2);
        }
        let long = &Benchmark::Long.chois()[0];
        assert_eq!(long.values[&Metric::HandPenetration], 0.69);
    }
}
