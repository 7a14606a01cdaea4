//! The tiny network on the plugin's worker, with sentence vectors that need no download.

use bevy_chois::synthesis::{CheckpointFiles, Model, ModelLoader};
use chois::synthesis::Synthesizer;
use chois_tests::tiny;

/// Loads it from the files of a checkpoint.
#[derive(Debug)]
pub struct Tiny;

impl ModelLoader for Tiny {
    fn load(&self, files: &CheckpointFiles) -> chois::Result<Box<dyn Model>> {
        chois::device::set_threads(1);
        let parts = chois::model::Checkpoint::from_parts(
            files.config.clone(),
            &files.weights,
            &files.weights_path,
        )?;
        let cpu = chois::device::Device::Cpu;
        let synthesizer = Synthesizer::new(parts, Box::new(tiny::Digested), cpu)?;
        Ok(Box::new(synthesizer))
    }
}
