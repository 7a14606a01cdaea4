//! What the programs `chois` and `viewer` share.

pub mod assets;
pub mod facts;
pub mod jobs;
pub mod threads;
