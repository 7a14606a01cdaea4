//! Noise schedule, samplers and guidance (specification, sections 6, 8 and 9).

pub mod schedule;

pub use schedule::Schedule;
