//! Tables of measured figures beside published ones.

mod metric;
mod published;
mod row;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use metric::{Better, Metric};
pub use published::Benchmark;
pub use row::{Origin, Row};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::ClipMetrics;

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
}
