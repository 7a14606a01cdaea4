//! Who understands commands and finds ways: on the worker's thread, which owns libtorch.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::resource::Resource;
use bevy::log::warn;
use chois::command::{Action, CommandParser, CommandPlan, Grammar};
use chois::geometry::SdfGrid;
use chois::navigation::{Leg, NavigationConfig, Navigator, WalkLeg};
use chois::request::PersonPlace;
use chois::scene::Scene;
use chois::text::{MiniLm, TextEncoder};

use super::events::Refusal;
use super::plan::covered;
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
    /// Corners of what each leg's item covers at its end: x and y, metres.
    pub goals: Vec<Vec<[f32; 2]>>,
}

/// A walk from where somebody has come to stand.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub leg: WalkLeg,
    /// What stands about it, for guidance.
    pub about: Option<Arc<SdfGrid>>,
}

/// An answer that is on its way. In a lock because it cannot be shared; nobody else ever holds it.
pub(super) struct Answer<T>(Mutex<Receiver<Result<T, Refusal>>>);

impl<T> Answer<T> {
    /// The answer, once it is there.
    pub fn get(&mut self) -> Option<Result<T, Refusal>> {
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

    /// Has a scene looked over before anybody is told anything in it. Where that cannot be done the first command does it.
    pub fn prepare(&self, synthesizer: &mut MotionSynthesizer, scene: Scene) {
        let asked = self.errand(synthesizer, 0, move |mind| {
            let mut parser = mind.parser.lock().unwrap_or_else(PoisonError::into_inner);
            if parser.is_none() {
                // The first command tells why there is none.
                *parser = (mind.make)().ok();
            }
            if let Some(Err(error)) = parser.as_mut().map(|parser| parser.prepare(&scene)) {
                warn!("commands are not prepared for: {error}");
            }
            mind.with_navigator(&scene, |navigator| navigator.prepare(&scene));
            Ok(())
        });
        if let Err(refusal) = asked {
            warn!("commands are not prepared for: {refusal}");
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
    ) -> Result<Answer<Thought>, Refusal> {
        self.errand(synthesizer, seed, move |mind| mind.think(question, &scene))
    }

    /// Has a walk found anew from where somebody has come to stand.
    ///
    /// # Errors
    /// [`Refusal::NoMind`] where there is no thread for it.
    pub fn ask_way(
        &self,
        synthesizer: &mut MotionSynthesizer,
        leg: WalkLeg,
        person: PersonPlace,
        scene: Scene,
    ) -> Result<Answer<Way>, Refusal> {
        self.errand(synthesizer, 0, move |mind| {
            mind.with_navigator(&scene, |navigator| {
                let leg = navigator.again(&leg, person, &scene);
                let about = navigator.distances(&[Leg::Walk(leg.clone())]);
                let about = about.into_iter().next().flatten().map(Arc::new);
                Ok(Way { leg, about })
            })
        })
    }

    fn errand<T: Send + 'static>(
        &self,
        synthesizer: &mut MotionSynthesizer,
        seed: u64,
        think: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Answer<T>, Refusal> {
        let (send, receive) = channel();
        let mut mind = self.clone();
        mind.navigation.seed = seed;
        synthesizer
            .errand(move || {
                // Who asked may be gone.
                let _ = send.send(think(&mind));
            })
            .map_err(Refusal::NoMind)?;
        Ok(Answer(Mutex::new(receive)))
    }

    /// What a map of the scene as it is tells.
    fn with_navigator<T>(&self, scene: &Scene, tell: impl FnOnce(&mut Navigator) -> T) -> T {
        let mut navigator = (self.navigator.lock()).unwrap_or_else(PoisonError::into_inner);
        let navigator = match &mut *navigator {
            Some(navigator) => {
                navigator.follow(scene);
                navigator.configure(self.navigation);
                navigator
            }
            none => none.insert(Navigator::new(scene, self.navigation)),
        };
        tell(navigator)
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
        let (legs, about) = self.with_navigator(scene, |navigator| {
            let legs = navigator.plan(&plan, scene).map_err(Refusal::Navigation)?;
            let about = navigator.distances(&legs);
            Ok((legs, about))
        })?;
        let goals = legs.iter().map(|leg| match leg {
            Leg::Interact(leg) => covered(scene, leg.item, leg.end),
            Leg::Walk(_) | Leg::Wait { .. } => Vec::new(),
        });
        let goals = goals.collect();
        let words = plan.describe(scene).to_string();
        Ok(Thought {
            words,
            plan: Arc::new(plan),
            legs,
            goals,
            about: (about.into_iter()).map(|grid| grid.map(Arc::new)).collect(),
        })
    }
}
