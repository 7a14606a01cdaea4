//! Checkpoints as assets: `config.json` with `model.safetensors` beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bevy::asset::io::Reader;
use bevy::asset::{Asset, AssetLoader, LoadContext};
use bevy::reflect::TypePath;
use chois::model::ModelConfig;
use chois::model::checkpoint::{WEIGHTS_FILE, parse_config};

use crate::error::{Error, Result};

/// A checkpoint's files as read. The weights become tensors on the worker's thread, not here.
#[derive(Debug)]
pub struct CheckpointFiles {
    /// Everything that is not a weight, checked.
    pub config: ModelConfig,
    /// The bytes of `model.safetensors`, unchecked.
    pub weights: Vec<u8>,
    /// Where they were read, for messages.
    pub weights_path: PathBuf,
}

/// A network to generate with: the asset of the path to its `config.json`. When it changes on disk and assets are watched
/// (Bevy's feature `file_watcher`), or is reloaded by hand, the worker goes over to the new one between two batches.
#[derive(Asset, TypePath, Clone, Debug)]
pub struct Checkpoint {
    /// Its files, shared with the worker: what is dropped last is dropped there.
    pub files: Arc<CheckpointFiles>,
}

/// Loads [`Checkpoint`]s. It claims no extension: ask for the type, `assets.load::<Checkpoint>("models/x/config.json")`.
#[derive(Default, TypePath)]
pub struct CheckpointLoader;

impl AssetLoader for CheckpointLoader {
    type Asset = Checkpoint;
    type Settings = ();
    type Error = Error;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        (): &(),
        context: &mut LoadContext<'_>,
    ) -> Result<Checkpoint> {
        let path = context.path().clone();
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes).await;
        read.map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        let config = parse_config(&bytes, path.path())?;
        let folder = path.path().parent().unwrap_or(Path::new(""));
        let beside = path.resolve_embed_str(WEIGHTS_FILE);
        let beside = beside.map_err(|e| chois::Error::malformed(folder, "checkpoint", e))?;
        let weights = context.read_asset_bytes(&beside).await.map_err(|e| {
            let reason = format!("it needs {WEIGHTS_FILE} beside its config.json: {e}");
            chois::Error::malformed(folder, "checkpoint", reason)
        })?;
        let weights_path = beside.path().to_owned();
        Ok(Checkpoint {
            files: Arc::new(CheckpointFiles {
                config,
                weights,
                weights_path,
            }),
        })
    }
}
