//! The small network that the golden files were made with.

use chois::model::ModelConfig;
use chois::model::config::{Architecture, Conditioning, TextEncoderKind};
use chois::model::weights::Weights;
use chois::motion::features::Statistics;

use crate::Golden;

/// Architecture of `weights_small`.
pub fn small() -> Architecture {
    Architecture {
        width: 64,
        layers: 2,
        heads: 2,
        head_width: 16,
        hidden: 64,
        ..Architecture::official()
    }
}

/// The weights of `weights_small`.
pub fn small_weights() -> Weights {
    let golden = Golden::open("weights_small");
    Weights::checked(
        &small(),
        golden
            .names()
            .map(|n| (n.to_owned(), golden.tensor(n)))
            .collect(),
        "weights_small".as_ref(),
    )
    .expect("weights of the small network")
}

/// The bounds stored in a golden file under `<prefix>jpos_min` and so on.
pub fn statistics(golden: &Golden, prefix: &str) -> Statistics {
    let triples = |key: &str| {
        golden
            .f32(&format!("{prefix}{key}"))
            .chunks_exact(3)
            .map(|c| [c[0], c[1], c[2]])
            .collect::<Vec<_>>()
    };
    Statistics {
        joint_min: triples("jpos_min"),
        joint_max: triples("jpos_max"),
        object_min: triples("obj_min")[0],
        object_max: triples("obj_max")[0],
    }
}

/// A config of the small network.
pub fn config(statistics: Statistics) -> ModelConfig {
    ModelConfig {
        version: 1,
        name: "small".into(),
        architecture: small(),
        conditioning: Conditioning::default(),
        diffusion: Default::default(),
        text_encoder: TextEncoderKind::ClipVitB32,
        statistics,
        skeleton: vec![[0.0; 3]; 24],
        trans2joint: [0.0; 3],
        standing: None,
        basis: Default::default(),
        provenance: Default::default(),
    }
}
