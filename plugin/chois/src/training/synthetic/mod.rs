//! Training data made by us: people who handle objects of every size and shape.
//!
//! Two sources. [`captured`]: captured clips with other objects, by other bodies, along other paths. [`made`]: motion put
//! together from nothing but a sentence, an object and a path. Both go through [`crate::contact::correct`], so that hands
//! lie on surfaces and weight shows, and through [`limits`], which refuses what a contact report would not accept. What is
//! left is written as clips and `.obj` meshes that [`super::dataset::Dataset::load`] reads.
//!
//! The same settings give the same files, whatever the number of threads.

pub mod captured;
pub mod catalogue;
pub mod corpus;
mod furniture;
pub mod limits;
pub mod made;
mod parallel;
mod resample;
mod settings;
pub mod solid;
mod stepping;
pub mod things;
mod tries;
pub mod upright;
pub mod words;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use corpus::{Summary, synthesize};
pub use settings::Settings;

/// The random numbers of one job: the same whichever thread does it.
fn seeded(seed: u64, what: &str, number: u64) -> ChaCha8Rng {
    // FNV-1a, so that jobs of different kinds draw different numbers.
    let kind = what.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ kind);
    rng.set_stream(number);
    rng
}
