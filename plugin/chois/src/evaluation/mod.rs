//! The metrics of the paper (specification, section 10).
//!
//! Plain Rust, except for the feature networks in [`t2m`] and their files in [`evaluator`].

pub mod evaluator;
pub mod facts;
pub mod long;
pub mod metrics;
pub mod page;
pub mod reach;
pub mod report;
pub mod slip;
pub mod study;
pub mod t2m;
pub mod walks;
pub mod windows;

pub use facts::{ClipFacts, Goals};
pub use metrics::{ClipMetrics, LongMetrics, Trajectory, aggregate};
pub use report::{Benchmark, Metric, Report, Row};
