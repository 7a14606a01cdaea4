//! How well generated motions fit their sentences and resemble captured ones: the text and motion feature networks of the
//! published evaluation (Guo et al., "Generating diverse and natural 3D human motions from text", CVPR 2022), R-precision,
//! Fréchet distance, diversity and multimodality (specification, section 10).

mod networks;
mod scores;

pub use networks::{Extractor, MotionEncoder, MovementEncoder, TextEncoder, UNIT};
pub use scores::{
    DIVERSITY_PAIRS, Gaussian, POOL, diversity, fid, matching_score, mean_pair_distance,
    multimodality, r_precision, stack,
};
