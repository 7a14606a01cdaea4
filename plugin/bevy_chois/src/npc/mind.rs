//! Who understands commands and finds ways: on the worker's thread, which owns libtorch.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::resource::Resource;
use bevy::log::warn;
use chois::command::{Action, CommandParser, CommandPlan, Grammar};
use chois::geometry::SdfGrid;
use chois::navigation::{Leg, NavigationConfig, Navigator};
use chois::scene::Scene;
use chois::text::{MiniLm, TextEncoder};

use super::events::Refusal;
use crate::synthesis::MotionSynthesizer;

/// Makes whoever understands commands, on the worker's thread.
pub type ParserMaker = Arc<dyn Fn() -> Result<Box<dyn CommandParser>, String> + Send + Sync>;

/// The grammar with the sentence encoder that the set-up provides; without it where that is missing.
pub(super) fn grammar() -> Result<Box<dyn CommandParser>, String> {
    let encoder: Option<Box<dyn TextEncoder>> = match MiniLm::load(&MiniLm::default_folder()) {
        Ok(encoder) => Some(Box::new(encoder)),
        Err(error) => {
            warn!("commands know things by their names and synonyms only: {error}");
            None
        }
    };
    Ok(Box::new(Grammar::new(encoder)))
}

/// Understands commands. Its parser is made by the first.
#[derive(Resource, Clone)]
pub(super) struct Mind {
    make: ParserMaker,
    parser: Arc<Mutex<Option<Box<dyn CommandParser>>>>,
    /// The map of the scene as it was last thought about.
    navigator: Arc<Mutex<Option<Navigator>>>,
    navigation: NavigationConfig,
}

/// What is to be thought about.
pub(super) enum Question {
    /// A sentence.
    Command(String),
    /// What is left of a plan, once the world has changed.
    Plan(CommandPlan),
}

/// What a command comes to.
#[derive(Clone, Debug)]
pub(super) struct Thought {
    pub plan: Arc<CommandPlan>,
    pub words: String,
    pub legs: Vec<Leg>,
    /// What stands about each leg, for guidance.
    pub about: Vec<Option<Arc<SdfGrid>>>,
}

/// An answer that is on its way. In a lock because it cannot be shared; nobody else ever holds it.
pub(super) struct Answer(Mutex<Receiver<Result<Thought, Refusal>>>);

impl Answer {
    /// The answer, once it is there.
    pub fn get(&mut self) -> Option<Result<Thought, Refusal>> {
        use std::sync::mpsc::TryRecvError::{Disconnected, Empty};
        let receiver = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        match receiver.try_recv() {
            Ok(answer) => Some(answer),
            Err(Empty) => None,
            Err(Disconnected) => Some(Err(Refusal::NoMind(
                "thinking about it failed; see the log, and report this if it recurs".into(),
            ))),
        }
    }
}

impl Mind {
    pub fn new(make: ParserMaker, navigation: NavigationConfig) -> Self {
        Self {
            make,
            parser: Arc::default(),
            navigator: Arc::default(),
            navigation,
        }
    }

    /// Has a command thought about.
    ///
    /// # Errors
    /// [`Refusal::NoMind`] where there is no thread for it.
    pub fn ask(
        &self,
        synthesizer: &mut MotionSynthesizer,
        question: Question,
        scene: Scene,
        seed: u64,
    ) -> Result<Answer, Refusal> {
        let (send, receive) = channel();
        let mut mind = self.clone();
        mind.navigation.seed = seed;
        synthesizer
            .errand(move || {
                // Who asked may be gone.
                let _ = send.send(mind.think(question, &scene));
            })
            .map_err(Refusal::NoMind)?;
        Ok(Answer(Mutex::new(receive)))
    }

    fn think(&self, question: Question, scene: &Scene) -> Result<Thought, Refusal> {
        let plan = match question {
            Question::Plan(plan) => plan,
            Question::Command(text) => {
                let mut parser = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
                if parser.is_none() {
                    *parser = Some((self.make)().map_err(Refusal::NoMind)?);
                }
                let Some(parser) = parser.as_mut() else {
                    return Err(Refusal::NoMind("there is nobody who could".into()));
                };
                let plan = parser.understand(&text, scene).map_err(Refusal::Command)?;
                // Whoever made it.
                plan.check(scene).map_err(Refusal::Command)?;
                plan
            }
        };
        if let Some(step) =
            (plan.steps.iter()).find(|step| matches!(step.action, Action::PickUp | Action::Hold))
        {
            let item = step.object.and_then(|id| scene.item(id));
            return Err(Refusal::StaysInHands {
                name: item.map_or_else(|| "thing".into(), |item| item.name.clone()),
            });
        }
        let mut navigator = (self.navigator.lock()).unwrap_or_else(PoisonError::into_inner);
        let navigator = match &mut *navigator {
            Some(navigator) => {
                navigator.follow(scene);
                navigator.configure(self.navigation);
                navigator
            }
            none => none.insert(Navigator::new(scene, self.navigation)),
        };
        let legs = navigator.plan(&plan, scene).map_err(Refusal::Navigation)?;
        let about = navigator.distances(&legs);
        let words = plan.describe(scene).to_string();
        Ok(Thought {
            words,
            plan: Arc::new(plan),
            legs,
            about: (about.into_iter()).map(|grid| grid.map(Arc::new)).collect(),
        })
    }
}
