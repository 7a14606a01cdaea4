//! Noise schedule, samplers and guidance (specification, sections 6, 8 and 9).

mod along;
mod aside;
pub mod guidance;
pub mod inpaint;
pub mod sampler;
pub mod schedule;
pub mod walk;
pub mod window;

pub use aside::TurnGoal;
pub use sampler::{Ancestral, Consistency, Ddim, Flow, Progress, Sampler};
pub use schedule::Schedule;
