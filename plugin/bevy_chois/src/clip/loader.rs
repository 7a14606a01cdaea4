//! Clip files as assets.

use bevy::asset::io::Reader;
use bevy::asset::{AssetLoader, LoadContext};
use bevy::reflect::TypePath;

use super::MotionClip;
use crate::error::Error;

/// Loads [`MotionClip`]s from the clip format of [`chois::clip`] (`.safetensors`; captured clips and clips written by
/// [`MotionClip::save`] or the command line).
#[derive(Clone, Copy, Debug, Default, TypePath)]
pub struct MotionClipLoader;

impl AssetLoader for MotionClipLoader {
    type Asset = MotionClip;
    type Settings = ();
    type Error = Error;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        _settings: &(),
        context: &mut LoadContext<'_>,
    ) -> Result<MotionClip, Error> {
        let mut bytes = Vec::new();
        let path = context.path();
        reader
            .read_to_end(&mut bytes)
            .await
            .map_err(|source| Error::Read {
                path: path.clone_owned(),
                source,
            })?;
        Ok(chois::clip::parse_clip(&bytes, path.path())?.into())
    }

    fn extensions(&self) -> &[&str] {
        &["clip.safetensors", "safetensors"]
    }
}
