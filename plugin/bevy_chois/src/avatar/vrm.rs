//! VRM: glTF files that say which node is which part of the body.

use std::collections::HashMap;

use bevy::asset::io::Reader;
use bevy::asset::{AssetLoader, LoadContext};
use bevy::ecs::component::Component;
use bevy::ecs::reflect::ReflectComponent;
use bevy::ecs::world::EntityWorldMut;
use bevy::gltf::extensions::{ErasedGltfExtensionHandler, GltfExtensionHandler};
use bevy::gltf::{Gltf, GltfError, GltfLoader, GltfLoaderSettings};
use bevy::reflect::{Reflect, TypePath};
use chois::retarget::{BodyPart, Facing, is_vrm_0, vrm_humanoid};
use serde_json::{Map, Value};

/// On a node of a rig: the file says that it is this part of the body. Inserted on the nodes of VRM files.
#[derive(Component, Reflect, Clone, Copy, Debug, PartialEq)]
#[reflect(opaque)]
#[reflect(Component, Clone)]
pub struct HumanoidBone {
    /// The part.
    pub part: BodyPart,
    /// Where the format says that people face.
    pub facing: Option<Facing>,
}

/// Reads VRM's humanoid map while a glTF file loads.
#[derive(Clone, Default)]
pub(super) struct HumanoidExtension {
    /// By node of the file.
    bones: HashMap<usize, HumanoidBone>,
}

impl GltfExtensionHandler for HumanoidExtension {
    fn dyn_clone(&self) -> Box<dyn ErasedGltfExtensionHandler> {
        Box::new(self.clone())
    }

    fn on_root(
        &mut self,
        _load_context: &mut LoadContext<'_>,
        gltf: &gltf::Gltf,
        _settings: &GltfLoaderSettings,
    ) {
        // Only what is asked for: the rest of VRM's data may be large.
        let humanoid = ["VRM", "VRMC_vrm"].into_iter().filter_map(|name| {
            let humanoid = gltf.extension_value(name)?.get("humanoid")?.clone();
            let inner = Map::from_iter([("humanoid".to_owned(), humanoid)]);
            Some((name.to_owned(), Value::Object(inner)))
        });
        let extensions = Value::Object(humanoid.collect());
        let facing = is_vrm_0(&extensions).then_some(Facing::MinusZ);
        self.bones = vrm_humanoid(&extensions)
            .into_iter()
            .map(|(part, node)| (node, HumanoidBone { part, facing }))
            .collect();
    }

    fn on_gltf_node(
        &mut self,
        _load_context: &mut LoadContext<'_>,
        gltf_node: &gltf::Node,
        entity: &mut EntityWorldMut,
    ) {
        if let Some(bone) = self.bones.get(&gltf_node.index()) {
            entity.insert(*bone);
        }
    }
}

/// Bevy's glTF loader for files that end in `.vrm`.
#[derive(TypePath)]
pub struct VrmLoader(pub GltfLoader);

impl AssetLoader for VrmLoader {
    type Asset = Gltf;
    type Settings = GltfLoaderSettings;
    type Error = GltfError;

    async fn load(
        &self,
        reader: &mut dyn Reader,
        settings: &GltfLoaderSettings,
        load_context: &mut LoadContext<'_>,
    ) -> Result<Gltf, GltfError> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await?;
        GltfLoader::load_gltf(&self.0, &bytes, load_context, settings).await
    }

    fn extensions(&self) -> &[&str] {
        &["vrm"]
    }
}
