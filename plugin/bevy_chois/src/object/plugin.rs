//! Reads the shapes of objects: notices what changed, copies the meshes, works on them in a task, shares the results.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::app::{App, Plugin, PostUpdate};
use bevy::asset::{AssetEvent, Assets};
use bevy::ecs::change_detection::DetectChanges;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::hierarchy::Children;
use bevy::ecs::lifecycle::{Remove, RemovedComponents};
use bevy::ecs::message::{MessageReader, MessageWriter};
use bevy::ecs::name::Name;
use bevy::ecs::observer::On;
use bevy::ecs::query::{Added, Changed, Or};
use bevy::ecs::resource::Resource;
use bevy::ecs::schedule::common_conditions::resource_exists;
use bevy::ecs::schedule::{IntoScheduleConfigs, SystemSet};
use bevy::ecs::system::{Commands, Query, Res, ResMut};
use bevy::ecs::world::Ref;
use bevy::log::{error, warn};
use bevy::math::Mat3A;
use bevy::mesh::{Mesh, Mesh3d};
use bevy::prelude::GlobalTransform;
use bevy::tasks::futures::check_ready;
use bevy::tasks::{AsyncComputeTaskPool, Task};
use bevy::time::Time;
use bevy::transform::TransformSystems;
use bevy::world_serialization::WorldAssetRoot;
use chois::geometry::ObjectGeometry;

use super::parts::{Key, Look, Parts, world_scale};
use super::surface::{Part, shape};
use super::{Interactable, NotPartOfObject, ObjectReady, ObjectRefused, ObjectShape};

/// Seconds that an object without any mesh or scene is waited for.
const PATIENCE: f32 = 5.0;
/// Shapes kept for objects still to come.
const KEPT_SHAPES: usize = 128;
/// Meshes copied in one frame, in objects: copying is the only work on the main thread.
const READS_PER_FRAME: usize = 8;
/// Relative change of the world scale that makes a shape stale.
const SCALE_TOLERANCE: f32 = 1e-3;

/// When shapes are read.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectSystems {
    /// Looks for changes and inserts finished shapes: in `PostUpdate`, after transforms were propagated.
    Read,
}

/// Reads shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectPlugin;

impl Plugin for ObjectPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<Shapes>() {
            return;
        }
        app.init_resource::<Shapes>()
            .register_type::<NotPartOfObject>()
            .add_message::<ObjectReady>()
            .add_message::<ObjectRefused>()
            .add_observer(read_again)
            .add_observer(forget)
            .add_systems(
                PostUpdate,
                (evict, notice, read)
                    .chain()
                    .in_set(ObjectSystems::Read)
                    .after(TransformSystems::Propagate)
                    .run_if(resource_exists::<Assets<Mesh>>),
            );
    }

    fn finish(&self, app: &mut App) {
        if !app.world().contains_resource::<Assets<Mesh>>() {
            error!(
                "ObjectPlugin: there are no mesh assets, so no object can be read; add Bevy's AssetPlugin and \
                 MeshPlugin (DefaultPlugins has both)"
            );
        }
    }
}

/// How far reading an object has come.
#[derive(Component, Debug)]
pub(crate) struct ReadingState {
    /// Whether its meshes must be looked at.
    stale: bool,
    /// Seconds without anything to look at.
    waited: f32,
    /// What is being read.
    pending: Option<Key>,
    /// World scale of the last look.
    scale: Mat3A,
    /// Whether the last word was a refusal.
    refused: bool,
}

impl Default for ReadingState {
    fn default() -> Self {
        Self {
            stale: true,
            waited: 0.0,
            pending: None,
            scale: Mat3A::ZERO,
            refused: false,
        }
    }
}

impl ReadingState {
    /// Whether a shape may still come: neither read nor refused.
    pub(crate) fn is_reading(&self) -> bool {
        self.stale || self.pending.is_some()
    }
}

/// Shapes by what they are made of.
#[derive(Resource, Default)]
struct Shapes {
    known: HashMap<Key, Reading>,
    /// Counts reads, to know the oldest.
    reads: u64,
}

struct Reading {
    result: Progress,
    read: u64,
}

enum Progress {
    Running(Task<Result<ObjectGeometry, String>>),
    Done(Result<ObjectGeometry, String>),
}

impl Shapes {
    fn start(&mut self, key: Key, parts: Vec<Part>) {
        self.reads += 1;
        let result = match AsyncComputeTaskPool::try_get() {
            Some(pool) => Progress::Running(pool.spawn(async move { shape(&parts) })),
            None => Progress::Done(shape(&parts)),
        };
        let reading = Reading {
            result,
            read: self.reads,
        };
        self.known.insert(key, reading);
        if self.known.len() > KEPT_SHAPES {
            let finished = self
                .known
                .iter()
                .filter(|(_, r)| matches!(r.result, Progress::Done(_)));
            let oldest = finished
                .min_by_key(|(_, r)| r.read)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.known.remove(&oldest);
            }
        }
    }

    /// The shape, if it is known by now; the outer `None` when nobody is reading it.
    fn get(&mut self, key: &Key) -> Option<Option<Result<ObjectGeometry, String>>> {
        let reading = self.known.get_mut(key)?;
        if let Progress::Running(task) = &mut reading.result
            && let Some(result) = check_ready(task)
        {
            reading.result = Progress::Done(result);
        }
        match &reading.result {
            Progress::Running(_) => Some(None),
            Progress::Done(result) => Some(Some(result.clone())),
        }
    }
}

/// Forgets shapes whose meshes changed or are gone.
fn evict(mut events: MessageReader<AssetEvent<Mesh>>, mut shapes: ResMut<Shapes>) {
    for event in events.read() {
        if let AssetEvent::Modified { id } | AssetEvent::Removed { id } = event {
            shapes.known.retain(|key, _| !key.contains(*id));
        }
    }
}

/// Marks objects whose meshes may have changed.
fn notice(
    changed: Query<
        Entity,
        Or<(
            Changed<Interactable>,
            Changed<Mesh3d>,
            Changed<Children>,
            Changed<WorldAssetRoot>,
            Added<NotPartOfObject>,
        )>,
    >,
    mut fewer_meshes: RemovedComponents<Mesh3d>,
    mut fewer_children: RemovedComponents<Children>,
    mut fewer_exceptions: RemovedComponents<NotPartOfObject>,
    parts: Parts,
    mut states: Query<&mut ReadingState>,
) {
    let removed = fewer_meshes
        .read()
        .chain(fewer_children.read())
        .chain(fewer_exceptions.read());
    for entity in changed.iter().chain(removed) {
        if let Some(owner) = parts.owner(entity)
            && let Ok(mut state) = states.get_mut(owner)
        {
            state.stale = true;
            state.waited = 0.0;
        }
    }
}

/// Looks at stale objects, starts reading them, hands out what was read.
fn read(
    time: Option<Res<Time>>,
    parts: Parts,
    mut objects: Query<(
        Entity,
        &Interactable,
        Option<&Name>,
        Ref<GlobalTransform>,
        &mut ReadingState,
        Option<&ObjectShape>,
    )>,
    mut shapes: ResMut<Shapes>,
    mut ready: MessageWriter<ObjectReady>,
    mut refused: MessageWriter<ObjectRefused>,
    mut commands: Commands,
) {
    let seconds = time.map_or(0.0, |time| time.delta_secs());
    let mut started = 0;
    for (entity, object, name, global, mut state, old) in &mut objects {
        if global.is_changed() && !state.stale && state.pending.is_none() {
            let scale = world_scale(&global);
            state.stale = !same_scale(&scale, &state.scale);
        }
        if !state.stale && state.pending.is_none() {
            continue;
        }
        let called = || match (object.name.as_str(), name) {
            ("", Some(name)) => format!("object \"{name}\""),
            ("", None) => format!("object {entity}"),
            (called, _) => format!("object \"{called}\""),
        };
        let mut outcome = None;
        if state.stale && started < READS_PER_FRAME {
            match parts.look(entity, &global) {
                Look::Nothing => {
                    state.waited += seconds;
                    if state.waited >= PATIENCE {
                        outcome = Some(Err(
                            "there are no meshes on or below it; put `Mesh3d` or `WorldAssetRoot` on it".to_owned(),
                        ));
                    }
                }
                Look::Waiting => {}
                Look::Refused(reason) => outcome = Some(Err(reason)),
                Look::Found(found) => {
                    let key = Key::new(&found);
                    if !shapes.known.contains_key(&key) {
                        match parts.copy(found) {
                            Ok(copies) => shapes.start(key.clone(), copies),
                            Err(reason) => outcome = Some(Err(reason)),
                        }
                        started += 1;
                    }
                    state.scale = world_scale(&global);
                    state.stale = false;
                    state.pending = outcome.is_none().then_some(key);
                }
            }
        }
        if let Some(key) = &state.pending {
            match shapes.get(key) {
                // A mesh changed meanwhile.
                None => {
                    state.pending = None;
                    state.stale = true;
                    continue;
                }
                Some(None) => continue,
                Some(Some(result)) => outcome = Some(result),
            }
        }
        match outcome {
            None => {}
            Some(Ok(geometry)) => {
                state.pending = None;
                state.refused = false;
                let geometry = Arc::new(geometry.named(object.name.clone()));
                // Only a shape that nobody took away is replaced; the same one again is no news.
                if let Some(old) = old
                    && old.geometry.is(&geometry)
                {
                    continue;
                }
                commands.entity(entity).try_insert(ObjectShape { geometry });
                ready.write(ObjectReady { entity });
                commands.trigger(ObjectReady { entity });
            }
            Some(Err(reason)) => {
                state.pending = None;
                state.stale = false;
                state.waited = 0.0;
                state.scale = world_scale(&global);
                state.refused = true;
                let reason = format!("{}: {reason}", called());
                warn!("{reason}");
                let event = ObjectRefused { entity, reason };
                refused.write(event.clone());
                commands.entity(entity).try_remove::<ObjectShape>();
                commands.trigger(event);
            }
        }
    }
}

/// Whether two world scales are the same but for rounding.
fn same_scale(a: &Mat3A, b: &Mat3A) -> bool {
    let size = |m: &Mat3A| {
        m.to_cols_array()
            .into_iter()
            .fold(0.0f32, |s, v| s.max(v.abs()))
    };
    size(&(*a - *b)) <= SCALE_TOLERANCE * size(b)
}

/// Reads a shape again that the game took away.
fn read_again(event: On<Remove, ObjectShape>, mut states: Query<&mut ReadingState>) {
    if let Ok(mut state) = states.get_mut(event.entity)
        && !state.refused
    {
        state.stale = true;
    }
}

/// Takes the shape away from what is no object any more.
fn forget(event: On<Remove, Interactable>, mut commands: Commands) {
    commands
        .entity(event.entity)
        .try_remove::<(ObjectShape, ReadingState)>();
}
