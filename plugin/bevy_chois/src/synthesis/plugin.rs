//! The systems between the game and the thread.

use std::sync::Arc;
use std::time::Duration;

use bevy::app::{App, AppExit, Last, Plugin, PostUpdate, PreUpdate, Startup};
use bevy::asset::{
    AssetApp, AssetEvent, AssetLoadError, AssetLoadFailedEvent, AssetServer, Assets,
};
use bevy::ecs::entity::{Entities, Entity};
use bevy::ecs::event::{EntityEvent, Event};
use bevy::ecs::message::{Message, MessageReader, MessageWriter};
use bevy::ecs::schedule::{IntoScheduleConfigs, SystemSet};
use bevy::ecs::system::{Commands, Query, Res, ResMut, SystemParam};
use bevy::ecs::world::World;
use bevy::log::{debug, error, info, warn};
use bevy::prelude::GlobalTransform;
use bevy::transform::TransformSystems;

use super::checkpoint::{Checkpoint, CheckpointLoader};
use super::event::{
    CancelReason, GenerationCancelled, GenerationFailed, GenerationFinished, GenerationProgress,
    GenerationStarted, ModelFailed, ModelReady, OrderId,
};
use super::generations::{Entry, Generations, Wanted};
use super::model::{Job, Libtorch, ModelLoader, WalkJob};
use super::order::OrderObject;
use super::synthesizer::GenerationStatus;
use super::worker::{Contact, Id, Report, Settings, Ticket, Word, Work};
use crate::clip::MotionClip;
use crate::contact::{
    ContactMode, ContactOutcome, ContactPlugin, ObjectPhysics, PhysicalObjects, Solid,
};
use crate::error::Error;
use crate::object::{ObjectRefused, ObjectShape, ObjectSystems};

/// An object that is moved by more than this while its clip is made is worth a line of the log, metres.
const MOVED: f32 = 0.1;

/// The inference worker.
#[derive(Clone, Debug)]
pub struct SynthesisPlugin {
    /// Asset path of the checkpoint's `config.json`; `model.safetensors` lies beside it.
    pub checkpoint: String,
    /// Whether the checkpoint is loaded and a first clip made when the app starts, on the worker's thread, so that the
    /// first order is as quick as the others. Without it, the first order does that.
    pub warm_up: bool,
    /// Most orders that are made together; 1 makes each alone, which is also the way to the same bits whatever else is
    /// asked for at the time. On a CPU core a batch of four took a tenth less time per clip than one alone, and the first
    /// clip is there only when the last is: choose 1 where each clip is awaited, more where many are, or on a GPU.
    pub max_batch: usize,
    /// How long an order waits for its object's [`ObjectShape`], a command for what is being loaded when its turn comes, and
    /// somebody's clip for the bones of their avatar.
    pub patience: Duration,
    /// Whether the worker leaves the cores to the game's threads where they want them (Linux: a nice value of 10).
    pub background: bool,
    /// What makes a model of the checkpoint.
    pub loader: Arc<dyn ModelLoader>,
}

impl Default for SynthesisPlugin {
    fn default() -> Self {
        Self {
            checkpoint: "models/chois-compact/config.json".into(),
            warm_up: true,
            max_batch: 4,
            patience: Duration::from_secs(10),
            background: true,
            loader: Arc::new(Libtorch::default()),
        }
    }
}

/// When the worker is heard and told.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SynthesisSystems {
    /// Takes in what the worker has made and told: in `PreUpdate`.
    Receive,
    /// Gives orders to the worker and ends those that are not wanted any more: in `PostUpdate`, after transforms were
    /// propagated and shapes read.
    Submit,
}

/// How long orders wait for their objects, and people for what they need.
#[derive(bevy::ecs::resource::Resource, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

/// The asset path of the checkpoint.
#[derive(bevy::ecs::resource::Resource, Clone)]
struct CheckpointPath(String);

impl Plugin for SynthesisPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<Generations>() {
            warn!("SynthesisPlugin was added twice; the settings of the first are in use");
            return;
        }
        app.add_plugins(ContactPlugin);
        let settings = Settings {
            loader: self.loader.clone(),
            warm_up: self.warm_up,
            max_batch: self.max_batch.max(1),
            background: self.background,
            objects: app.world().resource::<PhysicalObjects>().clone(),
        };
        app.add_message::<GenerationStarted>()
            .add_message::<GenerationProgress>()
            .add_message::<GenerationFinished>()
            .add_message::<GenerationFailed>()
            .add_message::<GenerationCancelled>()
            .add_message::<ModelReady>()
            .add_message::<ModelFailed>()
            .add_message::<ObjectRefused>()
            .add_message::<AppExit>();
        if !app.world().contains_resource::<AssetServer>() {
            error!("{NO_ASSETS}");
            app.insert_resource(Generations::new(None, settings))
                .add_systems(PostUpdate, refuse.in_set(SynthesisSystems::Submit));
            return;
        }
        if !app.world().contains_resource::<Assets<MotionClip>>() {
            app.init_asset::<MotionClip>();
        }
        let provider = (app.world().resource::<Assets<MotionClip>>()).get_handle_provider();
        app.init_asset::<Checkpoint>()
            .init_asset_loader::<CheckpointLoader>()
            .insert_resource(Generations::new(Some(provider), settings))
            .insert_resource(Patience(self.patience))
            .insert_resource(CheckpointPath(self.checkpoint.clone()))
            .add_systems(
                PreUpdate,
                (watch_checkpoint, receive, forget)
                    .chain()
                    .in_set(SynthesisSystems::Receive),
            )
            .add_systems(
                PostUpdate,
                (end_unwanted, submit)
                    .chain()
                    .in_set(SynthesisSystems::Submit)
                    .after(TransformSystems::Propagate)
                    .after(ObjectSystems::Read),
            )
            .add_systems(Last, leave);
        if self.warm_up {
            app.add_systems(Startup, prepare);
        }
    }
}

const NO_ASSETS: &str = "SynthesisPlugin: there is no asset server, so nothing can be generated; add Bevy's AssetPlugin \
                         (DefaultPlugins has it) before ChoisPlugins";

/// Sends notifications.
#[derive(SystemParam)]
struct Announcer<'w, 's> {
    commands: Commands<'w, 's>,
    entities: &'w Entities,
    started: MessageWriter<'w, GenerationStarted>,
    progress: MessageWriter<'w, GenerationProgress>,
    finished: MessageWriter<'w, GenerationFinished>,
    failed: MessageWriter<'w, GenerationFailed>,
    cancelled: MessageWriter<'w, GenerationCancelled>,
}

impl Announcer<'_, '_> {
    /// Sends one notification: to the order's entities, and buffered.
    fn send<E>(
        commands: &mut Commands,
        entities: &Entities,
        writer: &mut MessageWriter<E>,
        order: OrderId,
        make: impl Fn(Entity) -> E,
    ) where
        E: Message + EntityEvent + for<'a> Event<Trigger<'a>: Default>,
    {
        let same = order.avatar == order.object;
        let targets = [order.avatar, order.object.filter(|_| !same)];
        for target in targets.into_iter().flatten() {
            if entities.contains(target) {
                commands.trigger(make(target));
            }
        }
        writer.write(make(order.entity()));
    }

    fn started(&mut self, order: OrderId) {
        Self::send(
            &mut self.commands,
            self.entities,
            &mut self.started,
            order,
            |entity| GenerationStarted { entity, order },
        );
    }

    fn progress(&mut self, order: OrderId, done: usize, total: usize) {
        Self::send(
            &mut self.commands,
            self.entities,
            &mut self.progress,
            order,
            |entity| GenerationProgress {
                entity,
                order,
                done,
                total,
            },
        );
    }

    fn finished(&mut self, order: OrderId, template: &GenerationFinished) {
        Self::send(
            &mut self.commands,
            self.entities,
            &mut self.finished,
            order,
            |entity| GenerationFinished {
                entity,
                ..template.clone()
            },
        );
    }

    fn failed(&mut self, order: OrderId, reason: &str) {
        Self::send(
            &mut self.commands,
            self.entities,
            &mut self.failed,
            order,
            |entity| GenerationFailed {
                entity,
                order,
                reason: reason.to_owned(),
            },
        );
    }

    fn cancelled(&mut self, order: OrderId, reason: CancelReason) {
        Self::send(
            &mut self.commands,
            self.entities,
            &mut self.cancelled,
            order,
            |entity| GenerationCancelled {
                entity,
                order,
                reason,
            },
        );
    }
}

/// Ends an order that cannot be had: event, and a line of the log.
fn fail(generations: &mut Generations, announcer: &mut Announcer, id: Id, reason: &str) {
    let status = GenerationStatus::Failed(reason.to_owned());
    if let Some(entry) = generations.end(id, status) {
        announcer.failed(entry.id, reason);
        generations.say(&format!("no clip was generated: {reason}"));
    }
}

/// Ends an order that is not wanted any more: event, and a line of the log where nobody asked for it.
fn cancel(generations: &mut Generations, announcer: &mut Announcer, id: Id, reason: CancelReason) {
    let status = GenerationStatus::Cancelled(reason);
    if let Some(entry) = generations.end(id, status) {
        announcer.cancelled(entry.id, reason);
        match reason {
            CancelReason::Asked | CancelReason::HandleDropped => {
                debug!("a clip is not generated: {reason}");
            }
            CancelReason::Deadline => {
                warn!("a clip is not generated: {reason}; allow more time, or ask earlier");
            }
            CancelReason::ObjectDespawned | CancelReason::AvatarDespawned => {
                warn!(
                    "a clip is not generated: {reason}; cancel orders before despawning what they name"
                );
            }
        }
    }
}

/// Without assets there are no clips.
fn refuse(mut generations: ResMut<Generations>, mut announcer: Announcer) {
    if generations.stillborn.is_empty() {
        return;
    }
    for order in std::mem::take(&mut generations.stillborn) {
        announcer.failed(order, NO_ASSETS);
    }
}

/// Has the checkpoint read and the thread started, once.
fn open(
    generations: &mut Generations,
    assets: &AssetServer,
    path: &CheckpointPath,
) -> Result<(), String> {
    if generations.checkpoint.is_none() {
        generations.checkpoint = Some(assets.load(path.0.clone()));
    }
    generations.start()
}

/// Starts everything with the app.
fn prepare(
    mut generations: ResMut<Generations>,
    assets: Res<AssetServer>,
    path: Res<CheckpointPath>,
) {
    if let Err(reason) = open(&mut generations, &assets, &path) {
        generations.say(&reason);
    }
}

/// Tells the thread what became of the checkpoint.
fn watch_checkpoint(
    mut generations: ResMut<Generations>,
    checkpoints: Res<Assets<Checkpoint>>,
    mut changes: MessageReader<AssetEvent<Checkpoint>>,
    mut failures: MessageReader<AssetLoadFailedEvent<Checkpoint>>,
) {
    let Some(ours) = generations.checkpoint.as_ref().map(|c| c.id()) else {
        changes.clear();
        failures.clear();
        return;
    };
    let mut changed = false;
    for change in changes.read() {
        changed |= change.is_added(ours) || change.is_modified(ours);
    }
    if changed && let Some(checkpoint) = checkpoints.get(ours) {
        generations.learn(Ok(checkpoint.files.clone()));
    }
    for failure in failures.read().filter(|f| f.id == ours) {
        let why = match &failure.error {
            AssetLoadError::AssetLoaderError(e) => match e.error().downcast_ref::<Error>() {
                Some(own) => own.to_string(),
                None => e.error().to_string(),
            },
            other => other.to_string(),
        };
        generations.learn(Err(format!(
            "cannot load the checkpoint {}: {}; a folder with config.json and model.safetensors belongs there, such as \
             assets/models/chois-compact of bevy_chois, or name another in SynthesisPlugin::checkpoint",
            failure.path,
            why.trim_end()
        )));
    }
}

/// Takes in what the thread has told.
fn receive(
    mut generations: ResMut<Generations>,
    mut clips: ResMut<Assets<MotionClip>>,
    places: Query<&GlobalTransform>,
    mut ready: MessageWriter<ModelReady>,
    mut broken: MessageWriter<ModelFailed>,
    mut announcer: Announcer,
) {
    while let Some(report) = generations.hear() {
        match report {
            Report::Started(id) => {
                let entry = generations.entries.get_mut(&id);
                if let Some(entry) = entry.filter(|e| e.status == GenerationStatus::Queued) {
                    entry.status = GenerationStatus::Running { done: 0, total: 0 };
                    announcer.started(entry.id);
                }
            }
            Report::Progress(id, p) => {
                let entry = generations.entries.get_mut(&id);
                if let Some(entry) = entry.filter(|e| !e.status.is_over()) {
                    entry.status = GenerationStatus::Running {
                        done: p.done,
                        total: p.total,
                    };
                    announcer.progress(entry.id, p.done, p.total);
                }
            }
            Report::Part(id, clip) => {
                let entry = (generations.entries.get(&id))
                    .filter(|entry| !entry.status.is_over() && !entry.called_off);
                if entry.and_then(Entry::handle).is_some() {
                    // Where it cannot be put, the whole one is told of it.
                    let _ = clips.insert(id, clip);
                }
            }
            Report::Finished(id, clip, contact) => {
                let Some(entry) = generations.entries.get(&id).filter(|e| !e.status.is_over())
                else {
                    continue;
                };
                if entry.called_off {
                    cancel(&mut generations, &mut announcer, id, CancelReason::Asked);
                    continue;
                }
                let Some(handle) = entry.handle().filter(|_| clips.insert(id, clip).is_ok()) else {
                    cancel(
                        &mut generations,
                        &mut announcer,
                        id,
                        CancelReason::HandleDropped,
                    );
                    continue;
                };
                let now = entry.id.object.and_then(|object| places.get(object).ok());
                let object_moved = match (entry.object_place, now) {
                    (Some(then), Some(now)) => then.distance(now.translation()),
                    _ => 0.0,
                };
                let template = GenerationFinished {
                    entity: Entity::PLACEHOLDER,
                    order: entry.id,
                    clip: handle,
                    origin: entry.origin,
                    object_moved,
                    contact,
                };
                if let ContactOutcome::Failed(reason) = &template.contact {
                    warn!(
                        "contact could not be enforced in the clip of \"{}\", which is as the network made it: {reason}",
                        clips.get(id).map_or("", |c| c.motion.text.as_str())
                    );
                }
                if object_moved > MOVED {
                    warn!(
                        "the object of \"{}\" was moved by {object_moved:.2} m while its clip was generated; the clip \
                         begins where it was: ask again from where it is now",
                        clips.get(id).map_or("", |c| c.motion.text.as_str())
                    );
                }
                generations.end(id, GenerationStatus::Finished);
                announcer.finished(template.order, &template);
            }
            Report::Failed(id, reason) => fail(&mut generations, &mut announcer, id, &reason),
            Report::Cancelled(id) => {
                let reason = (generations.entries.get(&id)).and_then(|e| e.unwanted());
                let reason = reason.unwrap_or(CancelReason::Deadline);
                cancel(&mut generations, &mut announcer, id, reason);
            }
            Report::Ready(name) => {
                info!("the model {name} is ready");
                ready.write(ModelReady { name });
            }
            Report::Broken(reason) => {
                generations.say(&reason);
                broken.write(ModelFailed { reason });
            }
        }
    }
}

/// Drops what is known of clips that nobody holds any more.
fn forget(mut generations: ResMut<Generations>, mut events: MessageReader<AssetEvent<MotionClip>>) {
    for event in events.read() {
        if let AssetEvent::Unused { id } = event
            && (generations.entries.get(id)).is_some_and(|e| e.status.is_over())
        {
            generations.entries.remove(id);
        }
    }
}

/// Ends orders that are not wanted any more.
fn end_unwanted(mut generations: ResMut<Generations>, mut announcer: Announcer) {
    if generations.open.is_empty() {
        return;
    }
    let mut unwanted = Vec::new();
    for id in &generations.open {
        let Some(entry) = generations.entries.get(id) else {
            continue;
        };
        let gone = |entity: Option<Entity>| entity.is_some_and(|e| !announcer.entities.contains(e));
        let reason = entry.unwanted().or_else(|| {
            if gone(entry.id.object) {
                Some(CancelReason::ObjectDespawned)
            } else if gone(entry.id.avatar) {
                Some(CancelReason::AvatarDespawned)
            } else {
                None
            }
        });
        unwanted.extend(reason.map(|reason| (*id, reason)));
    }
    for (id, reason) in unwanted {
        cancel(&mut generations, &mut announcer, id, reason);
    }
}

/// Gives the thread those orders whose objects are known.
fn submit(
    mut generations: ResMut<Generations>,
    assets: Res<AssetServer>,
    path: Res<CheckpointPath>,
    patience: Res<Patience>,
    shapes: Query<(&ObjectShape, &GlobalTransform)>,
    places: Query<&GlobalTransform>,
    physics: Query<&ObjectPhysics>,
    solids: Query<(Entity, &Solid, &GlobalTransform)>,
    mut refused: MessageReader<ObjectRefused>,
    mut announcer: Announcer,
) {
    let refusals: Vec<_> = refused.read().collect();
    if generations.open.is_empty() {
        return;
    }
    let waiting: Vec<Id> = (generations.open.iter())
        .filter(|id| (generations.entries.get(id)).is_some_and(|e| e.order.is_some()))
        .copied()
        .collect();
    for id in waiting {
        let Some(entry) = generations.entries.get_mut(&id) else {
            continue;
        };
        let Some(wanted) = &entry.order else {
            continue;
        };
        let order = match wanted {
            Wanted::Interaction(order) => order,
            Wanted::Walk(order) => {
                let avatar = order
                    .terms
                    .avatar
                    .and_then(|avatar| places.get(avatar).ok());
                let ticket = (order.resolve(avatar.map(GlobalTransform::to_isometry)))
                    .map_err(|error| error.to_string())
                    .map(|request| Ticket {
                        id,
                        work: Work::Walk(WalkJob {
                            request,
                            scene: order.terms.scene.clone(),
                            streamed: order.terms.streamed,
                        }),
                        priority: order.terms.priority,
                        alone: order.terms.alone,
                        contact: None,
                        token: entry.token.clone(),
                    });
                entry.order = None;
                entry.status = GenerationStatus::Queued;
                let told = ticket.and_then(|ticket| {
                    open(&mut generations, &assets, &path)?;
                    generations.tell(Word::Order(Box::new(ticket)))
                });
                if let Err(reason) = told {
                    fail(&mut generations, &mut announcer, id, &reason);
                }
                continue;
            }
        };
        let (geometry, place) = match &order.object {
            OrderObject::Geometry(geometry) => (geometry.clone(), None),
            OrderObject::Entity(object) => match shapes.get(*object) {
                Ok((shape, place)) => (shape.geometry.clone(), Some(place.to_isometry())),
                Err(_) => {
                    let refusal = refusals.iter().find(|r| r.entity == *object);
                    let reason = match refusal {
                        Some(refusal) => refusal.reason.clone(),
                        None if entry.asked.elapsed() < patience.0 => continue,
                        None => format!(
                            "the object {object} has had no ObjectShape for {:.1} s; put Interactable on the entity \
                             above its meshes, and see whether they load",
                            patience.0.as_secs_f32()
                        ),
                    };
                    fail(&mut generations, &mut announcer, id, &reason);
                    continue;
                }
            },
        };
        let avatar = order
            .terms
            .avatar
            .and_then(|avatar| places.get(avatar).ok());
        let avatar = avatar.map(GlobalTransform::to_isometry);
        let thing = match &order.object {
            OrderObject::Entity(object) => Some(*object),
            OrderObject::Geometry(_) => None,
        };
        let contact = (order.contact == ContactMode::Baked).then(|| {
            let physics = thing.and_then(|object| physics.get(object).ok());
            let back = order.terms.origin.inverse();
            let others = solids.iter().filter(|(solid, ..)| Some(*solid) != thing);
            Contact {
                physics: physics.copied().unwrap_or_default(),
                grip: order.grip,
                obstacles: others
                    .map(|(_, solid, place)| solid.at(Solid::place(back, place)))
                    .collect(),
            }
        });
        match order.resolve(&geometry, place, avatar) {
            Err(error) => fail(&mut generations, &mut announcer, id, &error.to_string()),
            Ok(request) => {
                let ticket = Ticket {
                    id,
                    work: Work::Interaction(Job {
                        request,
                        object: geometry,
                        scene: order.terms.scene.clone(),
                        streamed: order.terms.streamed,
                    }),
                    priority: order.terms.priority,
                    alone: order.terms.alone,
                    contact,
                    token: entry.token.clone(),
                };
                entry.object_place = place.map(|p| p.translation.into());
                entry.order = None;
                entry.status = GenerationStatus::Queued;
                let told = open(&mut generations, &assets, &path)
                    .and_then(|()| generations.tell(Word::Order(Box::new(ticket))));
                if let Err(reason) = told {
                    fail(&mut generations, &mut announcer, id, &reason);
                }
            }
        }
    }
}

/// Whether there is a [`SynthesisPlugin`].
pub(crate) fn synthesis_is_there(world: &World) -> bool {
    world.contains_resource::<Generations>()
}

/// Has the thread end together with the app.
fn leave(mut generations: ResMut<Generations>, mut exits: MessageReader<AppExit>) {
    if exits.read().next().is_some() {
        generations.stop();
    }
}
