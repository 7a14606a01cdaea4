//! Override files for rigs as assets.

use bevy::asset::io::Reader;
use bevy::asset::{Asset, AssetLoader, LoadContext};
use bevy::reflect::TypePath;
use chois::retarget::RigOverrides;

use crate::error::{Error, Result};

/// Corrections for one rig, see [`RigOverrides`]. From a file that ends in `.rig.ron`, or made by code.
#[derive(Asset, TypePath, Clone, Debug, Default)]
pub struct AvatarOverrides(pub RigOverrides);

/// Loads [`AvatarOverrides`].
#[derive(TypePath, Clone, Copy, Debug, Default)]
pub struct AvatarOverridesLoader;

impl AssetLoader for AvatarOverridesLoader {
    type Asset = AvatarOverrides;
    type Settings = ();
    type Error = Error;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        _settings: &Self::Settings,
        load_context: &mut LoadContext<'_>,
    ) -> Result<Self::Asset> {
        let path = load_context.path().clone();
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes).await;
        let text = read
            .and_then(|_| String::from_utf8(bytes).map_err(std::io::Error::other))
            .map_err(|source| Error::Read {
                path: path.clone_owned(),
                source,
            })?;
        Ok(AvatarOverrides(RigOverrides::parse(&text, path.path())?))
    }

    fn extensions(&self) -> &[&str] {
        &["rig.ron"]
    }
}
