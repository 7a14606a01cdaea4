//! The game's book of orders.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use bevy::asset::{AssetHandleProvider, Handle, StrongHandle};
use bevy::ecs::entity::Entity;
use bevy::ecs::resource::Resource;
use bevy::log::error;
use bevy::math::{Isometry3d, Vec3};

use super::checkpoint::{Checkpoint, CheckpointFiles};
use super::event::{CancelReason, OrderId};
use super::order::{InteractionOrder, OrderObject};
use super::synthesizer::GenerationStatus;
use super::terms::Terms;
use super::walk::WalkOrder;
use super::worker::{Id, Report, Settings, Token, Word, Worker};
use crate::clip::MotionClip;

/// All orders, and the thread that works on them.
#[derive(Resource)]
pub(super) struct Generations {
    /// Reserves handles. None where there are no assets; then every order is refused.
    pub provider: Option<AssetHandleProvider>,
    pub entries: HashMap<Id, Entry>,
    /// Orders that are not over, the earliest first.
    pub open: Vec<Id>,
    /// Orders that cannot have a handle.
    pub stillborn: Vec<OrderId>,
    /// The asset, once it was asked for.
    pub checkpoint: Option<Handle<Checkpoint>>,
    settings: Settings,
    /// In a lock because its receivers cannot be shared; nobody else ever holds it.
    worker: Mutex<Option<Worker>>,
    /// What is known of the checkpoint, for a thread that starts later.
    known: Option<Result<Arc<CheckpointFiles>, String>>,
    /// The line of the log that was written last.
    spoken: Option<String>,
}

/// What is asked for.
pub(super) enum Wanted {
    Interaction(Box<InteractionOrder>),
    Walk(Box<WalkOrder>),
}

impl Wanted {
    fn terms(&self) -> &Terms {
        match self {
            Self::Interaction(order) => &order.terms,
            Self::Walk(order) => &order.terms,
        }
    }

    fn object(&self) -> Option<Entity> {
        match self {
            Self::Interaction(order) => match order.object {
                OrderObject::Entity(entity) => Some(entity),
                OrderObject::Geometry(_) => None,
            },
            Self::Walk(_) => None,
        }
    }
}

/// One order.
pub(super) struct Entry {
    pub id: OrderId,
    pub status: GenerationStatus,
    pub token: Arc<Token>,
    pub asked: Instant,
    /// What is asked for, until the thread has it.
    pub order: Option<Wanted>,
    pub origin: Isometry3d,
    /// Where the object's origin was when the thread was told, game's world.
    pub object_place: Option<Vec3>,
    /// Whether [`MotionSynthesizer::cancel`](super::MotionSynthesizer::cancel) was called.
    pub called_off: bool,
    handle: Weak<StrongHandle>,
}

impl Entry {
    /// The handle, where somebody still holds it.
    pub fn handle(&self) -> Option<Handle<MotionClip>> {
        self.handle.upgrade().map(Handle::Strong)
    }

    /// Why the order is not wanted any more, as far as the entry itself knows.
    pub fn unwanted(&self) -> Option<CancelReason> {
        if self.called_off {
            Some(CancelReason::Asked)
        } else if self.handle.strong_count() == 0 {
            Some(CancelReason::HandleDropped)
        } else if self.token.is_late() {
            Some(CancelReason::Deadline)
        } else {
            None
        }
    }
}

impl Generations {
    pub fn new(provider: Option<AssetHandleProvider>, settings: Settings) -> Self {
        Self {
            provider,
            entries: HashMap::new(),
            open: Vec::new(),
            stillborn: Vec::new(),
            checkpoint: None,
            settings,
            worker: Mutex::new(None),
            known: None,
            spoken: None,
        }
    }

    pub fn ask(&mut self, order: Wanted) -> Handle<MotionClip> {
        let asked = Instant::now();
        let handle: Option<Handle<MotionClip>> =
            (self.provider.as_ref()).map(|p| p.reserve_handle().typed());
        let id = OrderId {
            clip: handle.as_ref().map_or_else(Id::default, Handle::id),
            avatar: order.terms().avatar,
            object: order.object(),
        };
        let Some(Handle::Strong(strong)) = &handle else {
            self.stillborn.push(id);
            return Handle::default();
        };
        // A deadline beyond the end of time is none.
        let deadline = order
            .terms()
            .deadline
            .and_then(|after| asked.checked_add(after));
        let entry = Entry {
            id,
            status: GenerationStatus::Waiting,
            token: Arc::new(Token::until(deadline)),
            asked,
            origin: order.terms().origin,
            order: Some(order),
            object_place: None,
            called_off: false,
            handle: Arc::downgrade(strong),
        };
        self.entries.insert(id.clip, entry);
        self.open.push(id.clip);
        handle.unwrap_or_default()
    }

    pub fn cancel(&mut self, id: Id) -> bool {
        match self.entries.get_mut(&id) {
            Some(entry) if !entry.status.is_over() && !entry.called_off => {
                entry.called_off = true;
                // The thread need not wait for the end of the frame.
                entry.token.cancel();
                true
            }
            _ => false,
        }
    }

    pub fn status(&self, id: Id) -> Option<&GenerationStatus> {
        self.entries.get(&id).map(|entry| &entry.status)
    }

    pub fn pending(&self) -> usize {
        self.open.len() + self.stillborn.len()
    }

    /// Ends an order; its entry, unless it had ended before.
    pub fn end(&mut self, id: Id, status: GenerationStatus) -> Option<&Entry> {
        let entry = self.entries.get_mut(&id).filter(|e| !e.status.is_over())?;
        entry.status = status;
        entry.order = None;
        if entry.status != GenerationStatus::Finished {
            entry.token.cancel();
        }
        self.open.retain(|open| *open != id);
        Some(entry)
    }

    /// Writes a line of the log, unless it is the last one again.
    pub fn say(&mut self, line: &str) {
        if self.spoken.as_deref() != Some(line) {
            error!("{line}");
            self.spoken = Some(line.to_owned());
        }
    }

    fn worker(&mut self) -> &mut Option<Worker> {
        match self.worker.get_mut() {
            Ok(worker) => worker,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Starts the thread unless it runs.
    pub fn start(&mut self) -> Result<(), String> {
        if self.worker().is_some() {
            return Ok(());
        }
        match Worker::start(self.settings.clone()) {
            Ok(worker) => {
                *self.worker() = Some(worker);
                match self.known.clone() {
                    Some(Ok(files)) => self.tell(Word::Checkpoint(files)),
                    Some(Err(reason)) => self.tell(Word::NoCheckpoint(reason)),
                    None => Ok(()),
                }
            }
            Err(error) => Err(format!(
                "the inference worker cannot be started: {error}; the operating system allows no further thread"
            )),
        }
    }

    /// Tells the thread something; it is started again by the next order if it is gone.
    pub fn tell(&mut self, word: Word) -> Result<(), String> {
        let told = (self.worker().as_ref()).is_some_and(|worker| worker.tell(word));
        if told {
            Ok(())
        } else {
            *self.worker() = None;
            Err("the inference worker has ended; ask once more to start it again".into())
        }
    }

    /// Passes the state of the checkpoint on to the thread, now or when it starts.
    pub fn learn(&mut self, known: Result<Arc<CheckpointFiles>, String>) {
        let word = match &known {
            Ok(files) => Word::Checkpoint(files.clone()),
            Err(reason) => Word::NoCheckpoint(reason.clone()),
        };
        // What worked goes on working.
        if known.is_ok() || !matches!(self.known, Some(Ok(_))) {
            self.known = Some(known);
        }
        if self.worker().is_some() {
            let _ = self.tell(word);
        }
    }

    /// What the thread has to say.
    pub fn hear(&mut self) -> Option<Report> {
        self.worker().as_ref()?.hear()
    }

    /// Has the thread end, without waiting for it.
    pub fn stop(&mut self) {
        if let Some(worker) = self.worker() {
            worker.stop();
        }
    }
}
