//! Finds the bones of avatars: notices what spawned, looks at it, shares what was found.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::app::{AnimationSystems, App, Plugin, PostUpdate};
use bevy::asset::{AssetApp, AssetEvent, AssetId, AssetServer, Assets, Handle, LoadState};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::ecs::change_detection::DetectChangesMut;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::lifecycle::{Despawn, Remove};
use bevy::ecs::message::{MessageReader, MessageWriter};
use bevy::ecs::name::Name;
use bevy::ecs::observer::On;
use bevy::ecs::query::{Added, Changed, Or};
use bevy::ecs::resource::Resource;
use bevy::ecs::schedule::common_conditions::resource_exists;
use bevy::ecs::schedule::{IntoScheduleConfigs, SystemSet};
use bevy::ecs::system::{Commands, Query, Res, ResMut};
use bevy::gltf::extensions::GltfExtensionHandlers;
use bevy::gltf::{DefaultGltfImageSampler, GltfLoader, GltfSkinnedMeshBoundsPolicy};
use bevy::image::{CompressedImageFormatSupport, CompressedImageFormats};
use bevy::log::{debug, error, info, warn};
use bevy::mesh::skinning::{SkinnedMesh, SkinnedMeshInverseBindposes};
use bevy::prelude::Transform;
use bevy::time::Time;
use bevy::transform::TransformSystems;
use bevy::world_serialization::{WorldAssetRoot, WorldInstanceReady};
use chois::error::Error;
use chois::retarget::{Rig, RigHints, RigMap, find_bones, to_bind_pose};

use super::hierarchy::{Hierarchy, Look, Skeleton};
use super::vrm::HumanoidExtension;
use super::{
    Avatar, AvatarBone, AvatarOverrides, AvatarOverridesLoader, AvatarReady, AvatarRefused,
    AvatarRig, HumanoidBone, VrmLoader,
};

/// Seconds that an avatar without any skin or scene is waited for.
const PATIENCE: f32 = 5.0;
/// Rigs kept for avatars still to come.
const KEPT_RIGS: usize = 256;

/// When bones are found.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AvatarSystems {
    /// Looks at new scenes and inserts [`AvatarRig`]: in `PostUpdate`, before animation and transform propagation.
    Find,
    /// Moves [`AvatarRig::followers`] like their bones: in `PostUpdate`, after whatever moves bones (Bevy's animation,
    /// playback), before transforms are propagated. Order your own bone-moving systems before it.
    Follow,
}

/// Finds bones.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvatarPlugin;

impl Plugin for AvatarPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<Rigs>() {
            return;
        }
        app.init_resource::<Rigs>()
            .init_resource::<Once>()
            .register_type::<HumanoidBone>()
            .add_message::<AvatarReady>()
            .add_message::<AvatarRefused>()
            .add_observer(scene_spawned)
            .add_observer(bone_lost)
            .add_observer(find_again)
            .add_observer(forget)
            .add_systems(
                PostUpdate,
                (evict, notice, find)
                    .chain()
                    .in_set(AvatarSystems::Find)
                    .before(AnimationSystems)
                    .before(TransformSystems::Propagate)
                    .run_if(resource_exists::<Assets<SkinnedMeshInverseBindposes>>)
                    .run_if(resource_exists::<Assets<AvatarOverrides>>),
            )
            .add_systems(
                PostUpdate,
                follow
                    .in_set(AvatarSystems::Follow)
                    .after(AnimationSystems)
                    .before(TransformSystems::Propagate),
            );
        if app.world().contains_resource::<AssetServer>() {
            app.init_asset::<AvatarOverrides>()
                .init_asset_loader::<AvatarOverridesLoader>()
                // Files that are asked for before the loader itself is made wait for it.
                .preregister_asset_loader::<VrmLoader>(&["vrm"]);
            let handlers = app
                .world_mut()
                .get_resource_or_init::<GltfExtensionHandlers>();
            let extension = Box::new(HumanoidExtension::default());
            handlers.0.write_blocking().push(extension);
        }
    }

    fn finish(&self, app: &mut App) {
        let world = app.world_mut();
        // The second of two plugins has nothing left to do.
        if std::mem::replace(&mut world.resource_mut::<Once>().checked, true) {
            return;
        }
        if !world.contains_resource::<Assets<SkinnedMeshInverseBindposes>>()
            || !world.contains_resource::<Assets<AvatarOverrides>>()
        {
            error!(
                "AvatarPlugin: there are no assets, so no avatar can be used; add Bevy's AssetPlugin, MeshPlugin and \
                 GltfPlugin (DefaultPlugins has them) before ChoisPlugins"
            );
        }
    }

    // After every plugin's `finish`, where Bevy's glTF plugin makes its sampler.
    fn cleanup(&self, app: &mut App) {
        let world = app.world_mut();
        if std::mem::replace(&mut world.resource_mut::<Once>().loads_vrm, true) {
            return;
        }
        let world = app.world();
        let (Some(sampler), Some(handlers)) = (
            world.get_resource::<DefaultGltfImageSampler>(),
            world.get_resource::<GltfExtensionHandlers>(),
        ) else {
            return;
        };
        let formats = world.get_resource::<CompressedImageFormatSupport>();
        let loader = GltfLoader {
            supported_compressed_formats: formats.map_or(CompressedImageFormats::NONE, |f| f.0),
            custom_vertex_attributes: Default::default(),
            default_sampler: sampler.get_internal(),
            default_convert_coordinates: Default::default(),
            extensions: Arc::clone(&handlers.0),
            default_skinned_mesh_bounds_policy: GltfSkinnedMeshBoundsPolicy::Dynamic,
        };
        app.register_asset_loader(VrmLoader(loader));
    }
}

/// How far finding an avatar's bones has come.
#[derive(Component, Debug)]
pub(super) struct FindingState {
    /// Whether it must be looked at.
    stale: bool,
    /// Seconds without anything to look at.
    waited: f32,
    /// Whether the last word was a refusal.
    refused: bool,
}

impl Default for FindingState {
    fn default() -> Self {
        Self {
            stale: true,
            waited: 0.0,
            refused: false,
        }
    }
}

/// What makes two avatars the same.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    skins: Vec<AssetId<SkinnedMeshInverseBindposes>>,
    structure: u64,
    overrides: Option<AssetId<AvatarOverrides>>,
}

/// What is the same for all avatars of one file.
#[derive(Clone)]
struct Found {
    rig: Arc<Rig>,
    map: Arc<RigMap>,
    report: Arc<str>,
}

/// What is done once however many plugins there are.
#[derive(Resource, Default)]
struct Once {
    checked: bool,
    loads_vrm: bool,
}

/// Rigs by what they were made of.
#[derive(Resource, Default)]
struct Rigs(HashMap<Key, Result<Found, String>>);

/// Forgets rigs whose skins or overrides changed or are gone.
fn evict(
    mut skins: MessageReader<AssetEvent<SkinnedMeshInverseBindposes>>,
    mut overrides: MessageReader<AssetEvent<AvatarOverrides>>,
    mut avatars: Query<(&Avatar, &mut FindingState)>,
    mut rigs: ResMut<Rigs>,
) {
    for event in skins.read() {
        if let AssetEvent::Modified { id } | AssetEvent::Removed { id } = event {
            rigs.0.retain(|key, _| !key.skins.contains(id));
        }
    }
    for event in overrides.read() {
        let (AssetEvent::Modified { id } | AssetEvent::Removed { id }) = event else {
            continue;
        };
        rigs.0.retain(|key, _| key.overrides != Some(*id));
        for (avatar, mut state) in &mut avatars {
            if avatar.overrides.as_ref().map(Handle::id) == Some(*id) {
                state.stale = true;
            }
        }
    }
}

/// Marks avatars that something spawned for.
fn notice(
    changed: Query<Entity, Or<(Changed<Avatar>, Changed<WorldAssetRoot>, Added<SkinnedMesh>)>>,
    hierarchy: Hierarchy,
    mut states: Query<&mut FindingState>,
) {
    for entity in &changed {
        if let Some(owner) = hierarchy.owner(entity)
            && let Ok(mut state) = states.get_mut(owner)
        {
            state.stale = true;
            state.waited = 0.0;
        }
    }
}

/// Looks at stale avatars and hands out what was found.
fn find(
    time: Option<Res<Time>>,
    hierarchy: Hierarchy,
    overrides: Res<Assets<AvatarOverrides>>,
    server: Option<Res<AssetServer>>,
    mut avatars: Query<(
        Entity,
        &Avatar,
        Option<&Name>,
        &mut FindingState,
        Option<&AvatarRig>,
    )>,
    mut rigs: ResMut<Rigs>,
    mut ready: MessageWriter<AvatarReady>,
    mut refused: MessageWriter<AvatarRefused>,
    mut commands: Commands,
) {
    let seconds = time.map_or(0.0, |time| time.delta_secs());
    for (entity, avatar, name, mut state, old) in &mut avatars {
        if !state.stale {
            continue;
        }
        let called = || match (name, hierarchy.path(entity)) {
            (Some(name), Some(path)) => format!("avatar \"{name}\" ({path})"),
            (Some(name), None) => format!("avatar \"{name}\""),
            (None, Some(path)) => format!("avatar {path}"),
            (None, None) => format!("avatar {entity}"),
        };
        let looked = match corrections(avatar, &overrides, server.as_deref()) {
            Ok(None) => continue,
            Ok(Some(corrections)) => match hierarchy.look(entity) {
                Look::Waiting => continue,
                Look::Nothing => {
                    if old.is_some() {
                        // Made by hand, for bones without skin.
                        state.stale = false;
                        continue;
                    }
                    state.waited += seconds;
                    if state.waited < PATIENCE {
                        continue;
                    }
                    Err(
                        "there is no skinned mesh below it; put `WorldAssetRoot` with the scene of a rigged glTF on it"
                            .to_owned(),
                    )
                }
                Look::Refused(reason) => Err(reason),
                Look::Found(skeleton) => {
                    let (skins, structure) = skeleton.key();
                    let key = Key {
                        skins,
                        structure,
                        overrides: avatar.overrides.as_ref().map(Handle::id),
                    };
                    if rigs.0.len() >= KEPT_RIGS && !rigs.0.contains_key(&key) {
                        rigs.0.clear();
                    }
                    let found = rigs.0.entry(key).or_insert_with(|| {
                        let found = bones(&hierarchy, &skeleton, corrections);
                        match &found {
                            Ok(found) => info!("{}: {}", called(), found.report.trim_end()),
                            Err(_) => debug!("{} refused", called()),
                        }
                        found
                    });
                    found.clone().map(|found| (found, skeleton))
                }
            },
            Err(reason) => Err(reason),
        };
        state.stale = false;
        state.waited = 0.0;
        match looked {
            Ok((found, skeleton)) => {
                state.refused = false;
                for mesh in skeleton.boundless {
                    commands.entity(mesh).try_insert(NoFrustumCulling);
                }
                let unchanged = old.is_some_and(|old| {
                    Arc::ptr_eq(&old.rig, &found.rig)
                        && Arc::ptr_eq(&old.map, &found.map)
                        && old.bones == skeleton.bones
                        && old.followers == skeleton.followers
                });
                if unchanged {
                    continue;
                }
                let bones = skeleton.bones.iter().copied().enumerate();
                let marks = bones.map(|(index, bone)| {
                    (
                        bone,
                        AvatarBone {
                            avatar: entity,
                            index,
                        },
                    )
                });
                commands.try_insert_batch(marks.collect::<Vec<_>>());
                commands.entity(entity).try_insert(AvatarRig {
                    rig: found.rig,
                    map: found.map,
                    bones: skeleton.bones,
                    followers: skeleton.followers,
                });
                let event = AvatarReady {
                    entity,
                    report: found.report,
                };
                ready.write(event.clone());
                commands.trigger(event);
            }
            Err(reason) => {
                state.refused = true;
                let reason = format!("{}: {reason}", called());
                warn!("{reason}");
                let event = AvatarRefused { entity, reason };
                refused.write(event.clone());
                commands.entity(entity).try_remove::<AvatarRig>();
                commands.trigger(event);
            }
        }
    }
}

/// The corrections that an avatar asks for; the outer `None` while they load.
fn corrections<'a>(
    avatar: &Avatar,
    overrides: &'a Assets<AvatarOverrides>,
    server: Option<&AssetServer>,
) -> Result<Option<Option<&'a AvatarOverrides>>, String> {
    let Some(handle) = &avatar.overrides else {
        return Ok(Some(None));
    };
    if let Some(found) = overrides.get(handle) {
        return Ok(Some(Some(found)));
    }
    match server.map(|s| s.load_state(handle)) {
        Some(LoadState::Failed(error)) => {
            Err(format!("its overrides could not be loaded: {error}"))
        }
        _ => Ok(None),
    }
}

/// The bones of the body in a skeleton.
fn bones(
    hierarchy: &Hierarchy,
    skeleton: &Skeleton,
    corrections: Option<&AvatarOverrides>,
) -> Result<Found, String> {
    let mut rig = skeleton.rig.clone();
    let bound = to_bind_pose(&mut rig, &skeleton.skins);
    let hints = RigHints {
        overrides: corrections.map(|c| c.0.clone()).unwrap_or_default(),
        humanoid: skeleton.humanoid.clone(),
        facing: skeleton.facing,
        floor: hierarchy.floor(skeleton, &bound.spaces),
    };
    let told = |error: Error| match error {
        Error::Invalid { field, reason } if field == "avatar" => reason,
        other => other.to_string(),
    };
    let mut map = find_bones(&rig, &hints).map_err(told)?;
    map.notes.extend(bound.notes);
    if !skeleton.followers.is_empty() {
        map.notes.push(format!(
            "{} bones of a second skeleton with the same names follow the first",
            skeleton.followers.len()
        ));
    }
    Ok(Found {
        report: map.to_string().into(),
        rig: Arc::new(rig),
        map: Arc::new(map),
    })
}

/// Moves clothes with a skeleton of their own.
fn follow(rigs: Query<&AvatarRig>, mut transforms: Query<&mut Transform>) {
    for rig in &rigs {
        for (follower, bone) in &rig.followers {
            let leader = rig.bones.get(*bone).and_then(|b| transforms.get(*b).ok());
            if let Some(leader) = leader.copied()
                && let Ok(mut transform) = transforms.get_mut(*follower)
            {
                transform.set_if_neq(leader);
            }
        }
    }
}

/// A scene below an avatar spawned, for the first time or again.
fn scene_spawned(
    event: On<WorldInstanceReady>,
    hierarchy: Hierarchy,
    mut states: Query<&mut FindingState>,
) {
    if let Some(owner) = hierarchy.owner(event.entity)
        && let Ok(mut state) = states.get_mut(owner)
    {
        state.stale = true;
        state.waited = 0.0;
    }
}

/// A bone is gone, so its avatar has none until it was looked at again.
fn bone_lost(
    event: On<Despawn, AvatarBone>,
    bones: Query<&AvatarBone>,
    mut states: Query<&mut FindingState>,
    mut commands: Commands,
) {
    if let Ok(bone) = bones.get(event.entity)
        && let Ok(mut state) = states.get_mut(bone.avatar)
    {
        if !state.stale {
            commands.entity(bone.avatar).try_remove::<AvatarRig>();
        }
        state.stale = true;
    }
}

/// Finds bones again that the game took away.
fn find_again(event: On<Remove, AvatarRig>, mut states: Query<&mut FindingState>) {
    if let Ok(mut state) = states.get_mut(event.entity)
        && !state.refused
    {
        state.stale = true;
    }
}

/// Takes everything away from what is no avatar any more.
fn forget(event: On<Remove, Avatar>, rigs: Query<&AvatarRig>, mut commands: Commands) {
    for bone in rigs.get(event.entity).into_iter().flat_map(|r| &r.bones) {
        commands.entity(*bone).try_remove::<AvatarBone>();
    }
    commands
        .entity(event.entity)
        .try_remove::<(AvatarRig, FindingState)>();
}
