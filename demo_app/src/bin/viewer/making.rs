//! Generating: the request, its progress, and the clip that comes of it.

use std::path::Path;
use std::sync::Arc;

use bevy::prelude::*;
use bevy_chois::clip::MotionClip;
use bevy_chois::object::ObjectShape;
use chois::clip::glb::{self, GlbOptions};
use chois::{Error, Result};

use crate::cast::Cast;

/// What is being generated, and what was.
#[derive(Resource, Debug, Default)]
pub struct Making {
    /// Denoising steps done and to do, while it lasts. Zero to do means that they are not known yet.
    pub progress: Option<[usize; 2]>,
    /// The last clip.
    pub clip: Option<Handle<MotionClip>>,
}

/// The last clip.
pub fn clip(world: &World) -> Option<Arc<chois::MotionClip>> {
    let clip = world.resource::<Making>().clip.as_ref()?;
    let clip = world.resource::<Assets<MotionClip>>().get(clip)?;
    Some(clip.motion.clone())
}

/// Writes the last clip, with the chosen object, as a `.glb`.
///
/// # Errors
/// [`Error::Invalid`] where there is none; those of [`glb::write`].
pub fn save(world: &World, path: &Path) -> Result<()> {
    let clip = clip(world).ok_or_else(|| Error::invalid("clip", "there is none; generate one"))?;
    let object = world.resource::<Cast>().object;
    let shape = object.and_then(|object| world.get::<ObjectShape>(object));
    let mesh = shape.map(|shape| shape.geometry.mesh());
    glb::write(path, &clip, mesh, &GlbOptions::default())
}
