//! A row of a table: one system's figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Metric;
use crate::error::{Error, Result};
use crate::evaluation::metrics::{ClipMetrics, LongMetrics};
use crate::evaluation::walks::WalkMetrics;

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

    /// Means over clips of generated motion (see [`crate::evaluation::aggregate`]).
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
            .metres(Metric::Reach, m.reach)
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
            .metres(Metric::Reach, means.true_reach)
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
            .metres(Metric::Reach, means.reach)
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

    pub(super) fn published(name: &str, values: &[f64; 16]) -> Self {
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
