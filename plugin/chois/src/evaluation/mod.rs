//! The metrics of the paper (specification, section 10).

pub mod metrics;

pub use metrics::{ClipMetrics, LongMetrics, Trajectory, aggregate};
