//! A network that runs in an instant: everything around it is real, its weights were never trained.

use chois::Result;
use chois::condition::{Fill, Skip, Walking};
use chois::geometry::{BpsBasis, Mesh, ObjectGeometry};
use chois::model::config::{
    Architecture, Basis, CONFIG_VERSION, Conditioning, DiffusionConfig, Provenance, TextEncoderKind,
};
use chois::model::{Checkpoint, ModelConfig, Weights};
use chois::motion::features::Statistics;
use chois::skeleton::JOINTS;
use chois::synthesis::Synthesizer;
use chois::text::TextEncoder;
use sha2::{Digest, Sha256};
use tch::Device;

use crate::network::small;

/// Length of MiniLM's sentence vectors.
pub const TEXT_WIDTH: i64 = 384;
/// Steps of the checkpoint's schedule.
pub const STEPS: usize = 1000;

/// An adult in SMPL's rest pose (x to the left, y up, z forward), metres, roughly.
const BONES: [[f32; 3]; JOINTS] = [
    [0.0, 0.0, 0.0],
    [0.06, -0.09, 0.0],
    [-0.06, -0.09, 0.0],
    [0.0, 0.12, -0.03],
    [0.04, -0.38, 0.0],
    [-0.04, -0.38, 0.0],
    [0.0, 0.14, 0.03],
    [-0.01, -0.4, -0.04],
    [0.01, -0.4, -0.04],
    [0.0, 0.06, 0.0],
    [0.03, -0.06, 0.12],
    [-0.03, -0.06, 0.12],
    [0.0, 0.21, -0.03],
    [0.08, 0.12, -0.02],
    [-0.08, 0.12, -0.02],
    [0.0, 0.09, 0.05],
    [0.1, 0.04, -0.01],
    [-0.1, 0.04, -0.01],
    [0.26, -0.01, -0.02],
    [-0.26, -0.01, -0.02],
    [0.25, 0.01, 0.0],
    [-0.25, 0.01, 0.0],
    [0.08, 0.0, 0.0],
    [-0.08, 0.0, 0.0],
];

/// Architecture of the checkpoint.
pub fn architecture() -> Architecture {
    Architecture {
        object_hidden: 64,
        object_width: 32,
        text_width: TEXT_WIDTH,
        dropout: 0.0,
        ..small()
    }
}

/// A checkpoint of untrained weights, in the form that the shipped one has.
pub fn checkpoint() -> Checkpoint {
    let architecture = architecture();
    Checkpoint {
        weights: Weights::initialise(&architecture, 5),
        config: ModelConfig {
            version: CONFIG_VERSION,
            name: "tiny".into(),
            architecture,
            conditioning: Conditioning {
                fill: Fill::Interpolate,
                skip: Skip::Object,
                spread: None,
                features: None,
                walking: None,
            },
            diffusion: DiffusionConfig {
                steps: STEPS as i64,
                clamp: false,
                spread: None,
                walk_spread: None,
            },
            text_encoder: TextEncoderKind::MiniLm,
            statistics: Statistics {
                joint_min: vec![[-4.0, -4.0, -0.5]; JOINTS],
                joint_max: vec![[4.0, 4.0, 2.5]; JOINTS],
                object_min: [-4.0, -4.0, -0.5],
                object_max: [4.0, 4.0, 2.5],
            },
            skeleton: BONES.to_vec(),
            trans2joint: [0.0; 3],
            standing: None,
            basis: Basis::Standard,
            provenance: Provenance::default(),
        },
        basis: BpsBasis::standard().clone(),
    }
}

/// The same checkpoint in the form of one that knows walking.
pub fn walking_checkpoint() -> Checkpoint {
    let mut checkpoint = checkpoint();
    checkpoint.config.conditioning.walking = Some(Walking::default());
    checkpoint
}

/// A synthesizer of the walking checkpoint with [`Digested`] sentences.
pub fn walking_synthesizer() -> Synthesizer {
    Synthesizer::new(walking_checkpoint(), Box::new(Digested), Device::Cpu).expect("a synthesizer")
}

/// Vectors of unit length that follow from the text alone: stands in for MiniLM where loading it would cost more than
/// what is tested.
pub struct Digested;

impl TextEncoder for Digested {
    fn dimension(&self) -> usize {
        TEXT_WIDTH as usize
    }

    fn name(&self) -> &str {
        "SHA-256"
    }

    fn encode(&self, sentence: &str) -> Result<Vec<f32>> {
        let vector: Vec<f32> = (0..TEXT_WIDTH as u32 / 32)
            .flat_map(|block| Sha256::digest(format!("{block} {sentence}")))
            .map(|byte| f32::from(byte) / 128.0 - 1.0)
            .collect();
        let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        Ok(vector.iter().map(|v| v / length).collect())
    }
}

/// A synthesizer of the checkpoint with [`Digested`] sentences.
pub fn synthesizer() -> Synthesizer {
    Synthesizer::new(checkpoint(), Box::new(Digested), Device::Cpu).expect("a synthesizer")
}

/// A closed box with its smallest corner at `low`, metres.
pub fn cuboid(low: [f32; 3], size: [f32; 3]) -> Mesh {
    Mesh::cuboid(low.into(), size.into())
}

/// A box of half a metre, with even triangles.
pub fn object() -> ObjectGeometry {
    let mesh = cuboid([0.1, 0.0, 0.0], [0.4, 0.5, 0.6]);
    ObjectGeometry::new("box", mesh.refined()).expect("an object")
}

/// The text of an OBJ file of a mesh.
pub fn obj(mesh: &Mesh) -> String {
    let vertices = (mesh.vertices.iter()).map(|v| format!("v {} {} {}\n", v.x, v.y, v.z));
    let faces = mesh.triangles.iter().map(|t| {
        let [a, b, c] = t.map(|i| i + 1);
        format!("f {a} {b} {c}\n")
    });
    vertices.chain(faces).collect()
}
