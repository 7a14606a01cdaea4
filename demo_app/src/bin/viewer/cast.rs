//! Who plays, and with what: the chosen avatar and the chosen object.

use bevy::asset::LoadState;
use bevy::prelude::*;
use bevy::world_serialization::WorldInstanceReady;
use bevy_chois::avatar::Avatar;
use bevy_chois::object::Interactable;
use bevy_chois::playback::InteractionPlayer;

use crate::catalogue::{Catalogue, names};
use crate::ease::Ease;
use crate::journal::Journal;
use crate::room::Room;
use crate::wishes::Ask;

/// The avatar and the object of the next interaction.
#[derive(Resource, Clone, Debug, Default)]
pub struct Cast {
    /// The avatar.
    pub avatar: Option<Entity>,
    /// What it is called.
    pub avatar_name: String,
    /// The object.
    pub object: Option<Entity>,
    /// What it is called.
    pub object_name: String,
}

/// A scene that has been spawned.
#[derive(Component)]
pub struct Spawned;

/// A scene that cannot be.
#[derive(Component)]
pub struct Unloadable;

/// Spawned because it was chosen, not part of the room.
#[derive(Component)]
pub struct Guest;

/// Changes the cast as asked.
pub fn choose(
    mut commands: Commands,
    mut asks: MessageReader<Ask>,
    mut cast: ResMut<Cast>,
    catalogue: Res<Catalogue>,
    (room, ease): (Res<Room>, Res<Ease>),
    assets: Res<AssetServer>,
    things: Query<(Entity, &Interactable, Has<Guest>)>,
    playing: Query<(&Transform, Option<&InteractionPlayer>), With<Avatar>>,
    mut journal: ResMut<Journal>,
) {
    for ask in asks.read() {
        match ask {
            Ask::Avatar(name) => {
                let Some(entry) = catalogue.avatar(name) else {
                    let known = names(&catalogue.avatars);
                    journal.bad(format!("there is no avatar {name:?}; there are {known}"));
                    continue;
                };
                let old = cast.avatar.and_then(|old| playing.get(old).ok());
                let place = old.map_or(room.person.transform(), |(place, _)| *place);
                let scene = GltfAssetLabel::Scene(0).from_asset(entry.path.clone());
                // The new one goes on with what the old one did.
                let interaction = old.and_then(|(_, interaction)| interaction).cloned();
                let entity = (commands)
                    .spawn((
                        Avatar::default(),
                        Name::new(entry.name.clone()),
                        WorldAssetRoot(assets.load(scene)),
                        place,
                        interaction.unwrap_or_else(|| ease.at(&place)),
                    ))
                    .id();
                if let Some(old) = cast.avatar.replace(entity) {
                    commands.entity(old).despawn();
                }
                cast.avatar_name.clone_from(&entry.name);
            }
            Ask::Object(name) => {
                if cast.object_name == *name {
                    continue;
                }
                let standing = things.iter().find(|(_, thing, _)| thing.name == *name);
                let entity = match (standing, catalogue.object(name)) {
                    (Some((entity, ..)), _) => entity,
                    (None, Some(entry)) => {
                        let scene = GltfAssetLabel::Scene(0).from_asset(entry.path.clone());
                        let thing = Interactable { name: name.clone() };
                        let place = Transform::default();
                        let scene = WorldAssetRoot(assets.load(scene));
                        let name = Name::new(name.clone());
                        commands.spawn((Guest, thing, name, scene, place)).id()
                    }
                    (None, None) => {
                        let known = names(&catalogue.objects);
                        journal.bad(format!("there is no object {name:?}; there are {known}"));
                        continue;
                    }
                };
                // A guest leaves when another thing is chosen.
                if let Some(old) = cast.object.replace(entity)
                    && things.get(old).is_ok_and(|(.., guest)| guest)
                {
                    commands.entity(old).despawn();
                }
                cast.object_name.clone_from(name);
            }
            Ask::Generate | Ask::Cancel | Ask::Say(_) | Ask::Stop => {}
        }
    }
}

/// Remembers which scenes are there.
pub fn on_spawned(ready: On<WorldInstanceReady>, mut commands: Commands) {
    if let Ok(mut entity) = commands.get_entity(ready.entity) {
        entity.insert(Spawned);
    }
}

/// Tells which scenes cannot be loaded.
pub fn watch_loading(
    mut commands: Commands,
    waiting: Query<(Entity, &WorldAssetRoot), (Without<Spawned>, Without<Unloadable>)>,
    assets: Res<AssetServer>,
    mut journal: ResMut<Journal>,
) {
    for (entity, scene) in &waiting {
        if let LoadState::Failed(reason) = assets.load_state(&scene.0) {
            journal.bad(format!("{reason}"));
            commands.entity(entity).insert(Unloadable);
        }
    }
}
