//! Whether the scenes of files have come.

use bevy::asset::{AssetServer, LoadState};
use bevy::ecs::entity::Entity;
use bevy::ecs::system::{Query, Res, SystemParam};
use bevy::world_serialization::{WorldAssetRoot, WorldInstance, WorldInstanceSpawner};

/// The scenes that entities carry.
#[derive(SystemParam)]
pub(crate) struct Scenes<'w, 's> {
    roots: Query<'w, 's, (&'static WorldAssetRoot, Option<&'static WorldInstance>)>,
    server: Option<Res<'w, AssetServer>>,
    spawner: Option<Res<'w, WorldInstanceSpawner>>,
}

/// How far an entity's scene is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scene {
    /// The entity carries none.
    Absent,
    /// It is on its way.
    Coming,
    /// It has been spawned.
    Spawned,
    /// It will not come: one sentence, to be read after the entity's name.
    Failed(String),
}

impl Scenes<'_, '_> {
    /// How far the scene is that an entity itself carries.
    pub(crate) fn of(&self, entity: Entity) -> Scene {
        let Ok((root, instance)) = self.roots.get(entity) else {
            return Scene::Absent;
        };
        if let (Some(instance), Some(spawner)) = (instance, &self.spawner)
            && spawner.instance_is_ready(**instance)
        {
            return Scene::Spawned;
        }
        match self.server.as_ref().map(|s| s.load_state(root.id())) {
            Some(LoadState::Failed(error)) => {
                Scene::Failed(format!("its scene could not be loaded: {error}"))
            }
            _ => Scene::Coming,
        }
    }

    /// The file of an entity's scene, for messages.
    pub(crate) fn path(&self, entity: Entity) -> Option<String> {
        let (root, _) = self.roots.get(entity).ok()?;
        Some(self.server.as_ref()?.get_path(root.id())?.to_string())
    }
}
