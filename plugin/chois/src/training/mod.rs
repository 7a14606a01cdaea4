//! Training: data set, losses, optimiser, loop (specification, section 7).

pub mod losses;
pub mod optimiser;
