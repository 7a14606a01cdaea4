//! The inference worker: one thread owns libtorch; requests go in, progress and clips come out.

use bevy::app::{App, Plugin};

/// The inference worker.
#[derive(Clone, Debug, Default)]
pub struct SynthesisPlugin;

impl Plugin for SynthesisPlugin {
    fn build(&self, _app: &mut App) {}
}
