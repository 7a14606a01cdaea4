//! Clips: a generated or recorded interaction as a Bevy asset.
//!
//! A [`MotionClip`] comes from the inference worker or from a file ([`MotionClipLoader`]). To be played it is brought
//! onto the bones of an avatar once, in the background ([`bake`]); the result, a [`RiggedClip`], is what
//! [`playback`](crate::playback) samples, and what becomes a Bevy `AnimationClip` for a game's own animation graph
//! ([`animation`]).

pub mod animation;
pub mod bake;
mod loader;
pub(crate) mod plugin;
mod rigged;

use std::path::Path;
use std::sync::Arc;

use bevy::asset::Asset;
use bevy::reflect::TypePath;

pub use loader::MotionClipLoader;
pub use plugin::ClipPlugin;
pub use rigged::{BodyPose, ObjectPlace, RiggedClip, RiggedTouch};

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

impl MotionClip {
    /// Writes the clip to a file that [`MotionClipLoader`] reads. Blocks; a game does this in a task.
    ///
    /// # Errors
    /// Those of [`chois::clip::write_clip`].
    pub fn save(&self, path: &Path) -> crate::error::Result<()> {
        Ok(chois::clip::write_clip(path, &self.motion)?)
    }
}
