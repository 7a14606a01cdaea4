//! The tables of the paper.

use serde::{Deserialize, Serialize};

use super::Row;

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
    use super::super::Metric;
    use super::*;

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
