//! How alike two descriptions are to the sentence encoder, every vector made once.

use std::collections::HashMap;

use crate::error::Result;
use crate::text::TextEncoder;

/// Most vectors that are kept; then all are forgotten.
const KEPT: usize = 8_192;

/// A sentence encoder and the vectors it has made.
pub(super) struct Similarity {
    encoder: Box<dyn TextEncoder>,
    vectors: HashMap<String, Vec<f32>>,
}

impl Similarity {
    pub fn new(encoder: Box<dyn TextEncoder>) -> Self {
        Self {
            encoder,
            vectors: HashMap::new(),
        }
    }

    /// Makes a text's vector where there is none yet.
    pub fn prepare(&mut self, text: &str) -> Result<()> {
        if self.vectors.contains_key(text) {
            return Ok(());
        }
        if self.vectors.len() >= KEPT {
            self.vectors.clear();
        }
        let mut vector = self.encoder.encode(text)?;
        let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|v| *v /= norm.max(1e-12));
        self.vectors.insert(text.to_owned(), vector);
        Ok(())
    }

    /// The cosine of the angle between two texts, -1 to 1.
    pub fn between(&mut self, a: &str, b: &str) -> Result<f32> {
        self.prepare(a)?;
        self.prepare(b)?;
        // Both are there, unless the store was emptied between the two.
        self.prepare(a)?;
        let (Some(a), Some(b)) = (self.vectors.get(a), self.vectors.get(b)) else {
            return Ok(0.0);
        };
        Ok(a.iter().zip(b).map(|(x, y)| x * y).sum())
    }
}
