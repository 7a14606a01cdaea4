//! The thread that owns the model: what it is told, what it tells, and how it goes on when something breaks.
//!
//! The queue belongs to the thread. Between the game and the thread there are two channels and no lock, so that a thread
//! that the operating system has put to sleep never keeps the game waiting.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bevy::asset::AssetId;
use chois::contact::{ContactOptions, Obstacle, correct};
use chois::diffusion::{Flow, Progress};
use chois::request::SamplingConfig;

use super::checkpoint::CheckpointFiles;
use super::model::{Job, Model, ModelLoader, WalkJob};
use super::queue::Queue;
use crate::clip::MotionClip;
use crate::contact::{ContactOutcome, Grip, ObjectPhysics, PhysicalObjects};

/// First pause after a panic; each further one in a row doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the end of the app waits for the thread: a denoising step, or a checkpoint being read.
const FAREWELL: Duration = Duration::from_secs(5);

/// What helps against damaged files.
const RESTORE: &str = "restore the file, or name another checkpoint in SynthesisPlugin::checkpoint";

/// Which clip a ticket is for.
pub(super) type Id = AssetId<MotionClip>;

/// Lets the game call an order off.
#[derive(Debug, Default)]
pub(super) struct Token {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

impl Token {
    pub fn until(deadline: Option<Instant>) -> Self {
        Self {
            cancelled: AtomicBool::new(false),
            deadline,
        }
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    /// Whether nobody wants the clip any more.
    pub fn is_over(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.is_late()
    }
}

/// How contact is to be enforced in a clip.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub physics: ObjectPhysics,
    pub grip: Grip,
    /// What is in the way, in the clip's world.
    pub obstacles: Vec<Obstacle>,
}

/// What an order is for.
pub(super) enum Work {
    Interaction(Job),
    Walk(WalkJob),
}

impl Work {
    /// What goes through the network together.
    fn key(&self) -> Key {
        match self {
            Self::Interaction(job) => Key::Interaction(job.request.sampling),
            Self::Walk(job) => Key::Walk(job.request.sampling),
        }
    }
}

/// See [`Work::key`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Interaction(SamplingConfig),
    Walk(SamplingConfig),
}

/// Something else that is to be done on the thread, between two batches.
pub(super) type Errand = Box<dyn FnOnce() + Send>;

/// An order, ready for the model.
pub(super) struct Ticket {
    pub id: Id,
    pub work: Work,
    pub priority: i32,
    pub alone: bool,
    /// None: not at all.
    pub contact: Option<Contact>,
    pub token: Arc<Token>,
}

/// What the thread is told.
pub(super) enum Word {
    /// A new order.
    Order(Box<Ticket>),
    /// Something else that is the thread's to do.
    Errand(Errand),
    /// The checkpoint was read, or has changed.
    Checkpoint(Arc<CheckpointFiles>),
    /// The checkpoint cannot be read.
    NoCheckpoint(String),
}

/// What the thread tells.
pub(super) enum Report {
    Started(Id),
    Progress(Id, Progress),
    /// What there is so far of a clip that is streamed.
    Part(Id, MotionClip),
    Finished(Id, MotionClip, ContactOutcome),
    Failed(Id, String),
    Cancelled(Id),
    /// The model is loaded; the checkpoint's name.
    Ready(String),
    /// The model cannot be loaded; why.
    Broken(String),
}

/// How the thread works.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub loader: Arc<dyn ModelLoader>,
    pub warm_up: bool,
    pub max_batch: usize,
    pub background: bool,
    pub objects: PhysicalObjects,
}

/// The game's end of the thread.
pub(super) struct Worker {
    words: Option<Sender<Word>>,
    reports: Receiver<Report>,
    stop: Arc<AtomicBool>,
    gone: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(settings: Settings) -> std::io::Result<Self> {
        let (words, inbox) = channel();
        let (out, reports) = channel();
        let (leaving, gone) = channel::<()>();
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::Builder::new()
            .name("chois".into())
            .spawn(move || {
                // Dropped when the thread ends, however it does.
                let _leaving = leaving;
                Desk::new(settings, inbox, out, told).serve();
            })?;
        Ok(Self {
            words: Some(words),
            reports,
            stop,
            gone,
            thread: Some(thread),
        })
    }

    /// Gives the thread something to do; false when it is no more.
    #[must_use]
    pub fn tell(&self, word: Word) -> bool {
        (self.words.as_ref()).is_some_and(|words| words.send(word).is_ok())
    }

    /// The next report, if there is one.
    pub fn hear(&self) -> Option<Report> {
        self.reports.try_recv().ok()
    }

    /// Has the thread end at its next step, without waiting for it.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.words = None;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
        // A thread inside libtorch when the process tears it down would crash; one that hangs must not hang the app.
        let ended = self.gone.recv_timeout(FAREWELL);
        if !matches!(ended, Err(RecvTimeoutError::Timeout))
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Where the checkpoint's files are.
enum Source {
    /// Being read.
    Unknown,
    /// Read; whether they are newer than the model.
    Files {
        files: Arc<CheckpointFiles>,
        new: bool,
    },
    /// They cannot be read.
    None(String),
}

/// The thread's end.
struct Desk {
    settings: Settings,
    inbox: Receiver<Word>,
    out: Sender<Report>,
    stop: Arc<AtomicBool>,
    queue: Queue<Option<Key>, Ticket>,
    source: Source,
    /// The files that the present model was made of.
    proven: Option<Arc<CheckpointFiles>>,
    model: Option<Box<dyn Model>>,
    /// What was said last about a model that cannot be loaded.
    trouble: Option<String>,
    /// The next pause after a panic.
    pause: Duration,
    /// Until when it rests after one.
    resting: Option<Instant>,
}

impl Desk {
    fn new(
        settings: Settings,
        inbox: Receiver<Word>,
        out: Sender<Report>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            settings,
            inbox,
            out,
            stop,
            queue: Queue::default(),
            source: Source::Unknown,
            proven: None,
            model: None,
            trouble: None,
            pause: FIRST_PAUSE,
            resting: None,
        }
    }

    fn serve(mut self) {
        if self.settings.background {
            yield_to_the_game();
        }
        while self.listen() && !self.is_stopped() {
            self.tidy();
            if self.resting.is_some() {
                continue;
            }
            if self.settings.warm_up || self.model.is_some() || !self.queue.is_empty() {
                self.renew();
            }
            self.work();
        }
        self.retire();
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, report: Report) {
        // Nobody listens any more when the app has ended; the next word says so.
        let _ = self.out.send(report);
    }

    /// Takes in what was said; waits for it when there is nothing to do. False when nothing will be said any more.
    fn listen(&mut self) -> bool {
        let idle = self.queue.is_empty() || matches!(self.source, Source::Unknown);
        let mut word = match self.resting {
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                match self.inbox.recv_timeout(left) {
                    Ok(word) => Some(word),
                    Err(RecvTimeoutError::Timeout) => {
                        self.resting = None;
                        None
                    }
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            }
            None if idle => match self.inbox.recv() {
                Ok(word) => Some(word),
                Err(_) => return false,
            },
            None => None,
        };
        loop {
            match word.take() {
                Some(Word::Order(ticket)) => {
                    let ticket = *ticket;
                    let key = (!ticket.alone).then(|| ticket.work.key());
                    self.queue.push(ticket.priority, key, ticket);
                }
                Some(Word::Errand(errand)) => {
                    // Who waits for it hears that it has ended, one way or the other.
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(errand)) {
                        self.tell(Report::Broken(panicked(&word_of(panic))));
                    }
                }
                Some(Word::Checkpoint(files)) => self.source = Source::Files { files, new: true },
                Some(Word::NoCheckpoint(reason)) => {
                    // What worked goes on working.
                    if self.proven.is_none() {
                        self.source = Source::None(reason.clone());
                    }
                    self.broken(reason);
                }
                None => {}
            }
            match self.inbox.try_recv() {
                Ok(next) => word = Some(next),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Takes out what nobody wants any more.
    fn tidy(&mut self) {
        for ticket in self.queue.extract(|t| t.token.is_over()) {
            self.tell(Report::Cancelled(ticket.id));
        }
    }

    /// Sees to it that there is a model of the newest files, or else of the last that worked.
    fn renew(&mut self) {
        let Source::Files { files, new } = &mut self.source else {
            return;
        };
        if self.model.is_some() && !*new {
            return;
        }
        // Files that failed are tried again for every order while there is nothing better: what is missing beside them
        // may have been provided.
        let files = match &self.proven {
            Some(proven) if !*new => proven.clone(),
            _ => files.clone(),
        };
        let was_new = std::mem::replace(new, false);
        match self.load(&files) {
            Ok(mut model) => {
                let warmed = self.warm_up(&mut model);
                self.retire();
                if let Err(reason) = warmed {
                    self.fall(&reason);
                    self.broken(reason);
                    return;
                }
                self.model = Some(model);
                self.proven = Some(files.clone());
                self.trouble = None;
                self.tell(Report::Ready(files.config.name.clone()));
            }
            Err(reason) => {
                self.broken(reason.clone());
                if self.model.is_none() {
                    if was_new && self.proven.is_some() {
                        // The files that worked are still at hand.
                        return self.renew();
                    }
                    self.refuse(&reason);
                }
            }
        }
    }

    fn load(&self, files: &CheckpointFiles) -> Result<Box<dyn Model>, String> {
        let loader = self.settings.loader.clone();
        match catch_unwind(AssertUnwindSafe(|| loader.load(files))) {
            Ok(loaded) => loaded.map_err(|error| match error {
                chois::Error::Malformed { .. } => format!("{error}; {RESTORE}"),
                other => other.to_string(),
            }),
            Err(panic) => Err(format!(
                "loading the checkpoint {} panicked: {}; {RESTORE}",
                files.weights_path.display(),
                word_of(panic)
            )),
        }
    }

    /// Warms a new model up; why it cannot be, should it panic. An error of the model is left for orders to meet.
    fn warm_up(&self, model: &mut Box<dyn Model>) -> Result<(), String> {
        if !self.settings.warm_up {
            return Ok(());
        }
        let flow = || {
            if self.is_stopped() {
                Flow::Cancel
            } else {
                Flow::Continue
            }
        };
        match catch_unwind(AssertUnwindSafe(|| model.warm_up(&mut |_| flow()))) {
            Ok(_) => Ok(()),
            Err(panic) => Err(panicked(&word_of(panic))),
        }
    }

    /// Tells that there is no model, once per reason.
    fn broken(&mut self, reason: String) {
        if self.trouble.as_ref() != Some(&reason) {
            self.tell(Report::Broken(reason.clone()));
            self.trouble = Some(reason);
        }
    }

    /// Fails all that wait.
    fn refuse(&mut self, reason: &str) {
        for ticket in self.queue.extract(|_| true) {
            self.tell(Report::Failed(ticket.id, reason.to_owned()));
        }
    }

    /// Works on the next orders, if there is something to work with.
    fn work(&mut self) {
        if let Source::None(reason) = &self.source {
            let reason = reason.clone();
            return self.refuse(&reason);
        }
        let Some(mut model) = self.model.take() else {
            return;
        };
        let taken = self.queue.take(self.settings.max_batch, Option::is_some);
        if taken.is_empty() {
            self.model = Some(model);
            return;
        }
        let (tickets, works): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .map(|(_, t)| ((t.id, t.priority, t.contact, t.token), t.work))
            .unzip();
        // All of one kind: they have one key, or there is one.
        let jobs: Vec<Job> = (works.iter())
            .filter_map(|work| match work {
                Work::Interaction(job) => Some(job.clone()),
                Work::Walk(_) => None,
            })
            .collect();
        let walks: Vec<WalkJob> = (works.iter())
            .filter_map(|work| match work {
                Work::Walk(job) => Some(job.clone()),
                Work::Interaction(_) => None,
            })
            .collect();
        for (id, ..) in &tickets {
            self.tell(Report::Started(*id));
        }
        let mut open = vec![true; tickets.len()];
        let run = catch_unwind(AssertUnwindSafe(|| {
            let mut progress = |index: usize, progress| {
                let Some((id, .., token)) = tickets.get(index) else {
                    return Flow::Cancel;
                };
                if self.is_stopped() || token.is_over() {
                    return Flow::Cancel;
                }
                self.tell(Report::Progress(*id, progress));
                Flow::Continue
            };
            // Contact is enforced in what there is, each time from the beginning: hands are planned by all that is known.
            let mut part = |index: usize, motion: chois::MotionClip| {
                let Some((id, _, contact, token)) = tickets.get(index) else {
                    return;
                };
                if token.is_over() {
                    return;
                }
                let motion = match jobs.get(index) {
                    Some(job) => enforce(motion, contact.as_ref(), job, &self.settings.objects).0,
                    None => motion,
                };
                self.tell(Report::Part(*id, motion.into()));
            };
            let mut done = |index: usize, result: chois::Result<chois::MotionClip>| {
                let (Some((id, _, contact, _)), Some(open)) =
                    (tickets.get(index), open.get_mut(index))
                else {
                    return;
                };
                if std::mem::take(open) {
                    self.tell(match result {
                        Ok(motion) => {
                            let (motion, contact) = match jobs.get(index) {
                                Some(job) => {
                                    enforce(motion, contact.as_ref(), job, &self.settings.objects)
                                }
                                None => (motion, ContactOutcome::Off),
                            };
                            Report::Finished(*id, motion.into(), contact)
                        }
                        Err(chois::Error::Cancelled) => Report::Cancelled(*id),
                        Err(error) => Report::Failed(*id, error.to_string()),
                    });
                }
            };
            if walks.is_empty() {
                model.generate(&jobs, &mut progress, &mut part, &mut done);
            } else {
                model.walk(&walks, &mut progress, &mut part, &mut done);
            }
        }));
        let left = (tickets.into_iter().zip(works))
            .zip(open)
            .filter_map(|(ticket, open)| open.then_some(ticket));
        match run {
            Ok(()) => {
                for ((id, ..), _) in left {
                    let reason = "the model has not answered; this is a fault of the model";
                    self.tell(Report::Failed(id, reason.into()));
                }
                self.model = Some(model);
                self.pause = FIRST_PAUSE;
            }
            Err(panic) => {
                let reason = panicked(&word_of(panic));
                let left: Vec<_> = left.collect();
                if let [((id, ..), _)] = left.as_slice() {
                    self.tell(Report::Failed(*id, reason.clone()));
                } else {
                    // One of them did it. Each by itself, the others get their clips.
                    for ((id, priority, contact, token), work) in left.into_iter().rev() {
                        let ticket = Ticket {
                            id,
                            work,
                            priority,
                            alone: true,
                            contact,
                            token,
                        };
                        self.queue.push_front(priority, None, ticket);
                    }
                }
                self.model = Some(model);
                self.retire();
                self.rest();
                self.tell(Report::Broken(reason));
            }
        }
    }

    /// Fails what waits for a model that panics before it does anything.
    fn fall(&mut self, reason: &str) {
        self.refuse(reason);
        self.rest();
    }

    /// Lets some time pass after a panic, more each time.
    fn rest(&mut self) {
        self.resting = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Gives the model up.
    fn retire(&mut self) {
        if let Some(model) = self.model.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(model)));
        }
    }
}

/// Has the hands of a clip hold. Whatever goes wrong, the clip itself is never lost.
fn enforce(
    clip: chois::MotionClip,
    contact: Option<&Contact>,
    job: &Job,
    objects: &PhysicalObjects,
) -> (chois::MotionClip, ContactOutcome) {
    let Some(contact) = contact else {
        return (clip, ContactOutcome::Off);
    };
    let work = || {
        let object = objects.get(&job.object, &contact.physics)?;
        let options = ContactOptions {
            grip: contact.grip,
            obstacles: contact.obstacles.clone(),
            keys: job.request.keys.clone(),
            scene: job.scene.clone(),
            ..ContactOptions::default()
        };
        correct(&clip, &object, &options).map_err(|e| Arc::from(e.to_string()))
    };
    let corrected = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let word = word_of(panic);
        Err(format!("the physics panicked ({word}); report this if it recurs").into())
    });
    match corrected {
        Ok(corrected) => {
            let outcome = ContactOutcome::Corrected {
                events: corrected.events.into(),
                efforts: corrected.efforts,
            };
            (corrected.clip, outcome)
        }
        Err(reason) => (clip, ContactOutcome::Failed(reason)),
    }
}

/// What a panic said.
fn word_of(panic: Box<dyn Any + Send>) -> String {
    let word = (panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .or_else(|| panic.downcast_ref::<String>().cloned());
    // Dropping a payload may panic in turn.
    std::mem::forget(panic);
    word.unwrap_or_else(|| "no message".into())
}

fn panicked(word: &str) -> String {
    let line = word.lines().next().unwrap_or_default();
    format!(
        "the inference worker panicked ({line}) and starts again; ask once more, and report this if it recurs"
    )
}

/// Lowers this thread's priority, and with it that of the threads that libtorch starts from it: on a machine whose cores
/// are all busy, the game goes first.
#[cfg(target_os = "linux")]
fn yield_to_the_game() {
    const NICE: libc::c_int = 10;
    // SAFETY: plain system calls on this thread's own id. Failure is without consequence.
    unsafe {
        let thread = libc::gettid() as libc::id_t;
        let _ = libc::setpriority(libc::PRIO_PROCESS, thread, NICE);
    }
}

#[cfg(not(target_os = "linux"))]
fn yield_to_the_game() {}
