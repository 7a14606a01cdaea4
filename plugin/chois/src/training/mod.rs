//! Training: data set, losses, optimiser, loop (specification, section 7).

pub mod contact_labels;
pub mod dataset;
pub mod distillation;
pub mod evaluator;
pub mod footwork;
pub mod hold_out;
pub mod locomotion;
pub mod losses;
pub mod optimiser;
pub mod synthetic;
pub mod trainer;
