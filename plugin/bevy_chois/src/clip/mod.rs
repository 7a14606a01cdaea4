//! Clips: a generated or recorded interaction as a Bevy asset.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::asset::{Asset, AssetApp};
use bevy::reflect::TypePath;

/// A person and an object moving together, in the model's world (metres, Z up); see [`chois::motion::MotionClip`].
#[derive(Asset, TypePath, Clone, Debug)]
pub struct MotionClip {
    /// The motion. Shared, so that tasks can read it while the asset is replaced.
    pub motion: Arc<chois::motion::MotionClip>,
}

impl From<chois::motion::MotionClip> for MotionClip {
    fn from(motion: chois::motion::MotionClip) -> Self {
        Self {
            motion: Arc::new(motion),
        }
    }
}

/// [`MotionClip`] as an asset.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClipPlugin;

impl Plugin for ClipPlugin {
    fn build(&self, app: &mut App) {
        app.init_asset::<MotionClip>();
    }
}
