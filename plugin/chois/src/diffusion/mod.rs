//! Noise schedule, samplers and guidance (specification, sections 6, 8 and 9).

pub mod guidance;
pub mod inpaint;
pub mod precondition;
pub mod sampler;
pub mod schedule;
pub mod window;

pub use guidance::TurnGoal;
pub use precondition::Preconditioning;
pub use sampler::{Ancestral, Consistency, Ddim, Flow, Progress, Sampler};
pub use schedule::Schedule;
