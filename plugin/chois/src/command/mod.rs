//! Commands: from a sentence and a scene to a plan of steps, or to a reason that can be shown to a player.
//!
//! [`Grammar`] understands English imperatives with a small grammar, finds what they speak of in the [`Scene`] by names,
//! synonyms, tags, places and the sentence encoder, and asks where it would have to guess. A game plugs a language model in
//! behind the same trait, [`CommandParser`]; [`CommandPlan::check`] holds whatever made a plan to the scene.
//!
//! A command is data. Nothing in it is ever run.

mod check;
mod grammar;
mod ground;
mod interpret;
mod lexicon;
mod refusal;
mod similarity;
mod vocabulary;
mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use interpret::Grammar;
pub use refusal::{Candidate, CommandRefusal};
pub use vocabulary::{NOUNS, sentence};

use crate::scene::{ItemId, Scene};

/// Longest command, characters.
pub const MAX_COMMAND_CHARS: usize = 400;
/// Most steps of one command.
pub const MAX_STEPS: usize = 16;

/// Turns what was said into a plan.
pub trait CommandParser: Send {
    /// The plan of a command in a scene.
    ///
    /// # Errors
    /// Why there is none, in words for the player.
    fn understand(&mut self, text: &str, scene: &Scene) -> Result<CommandPlan, CommandRefusal>;

    /// Does beforehand what commands in this scene take longest for, so that none waits for it. Nothing by default.
    ///
    /// # Errors
    /// What keeps it from that; commands may be understood all the same.
    fn prepare(&mut self, scene: &Scene) -> crate::Result<()> {
        let _ = scene;
        Ok(())
    }
}

/// What is to be done, step by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandPlan {
    /// In order; never empty.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What.
    pub action: Action,
    /// With which item. None for [`Action::Walk`], [`Action::ComeBack`] and [`Action::Stop`], and for
    /// [`Action::PutDown`] where it means whatever is held.
    #[serde(default)]
    pub object: Option<ItemId>,
    /// Where the item, or the person who walks, ends up. None leaves it to whoever plans.
    #[serde(default)]
    pub goal: Option<Goal>,
    /// What the item or the person is to face at the end.
    #[serde(default)]
    pub facing: Option<Target>,
    /// How.
    #[serde(default)]
    pub manner: Manner,
    /// The step as the network was taught to hear it; empty where no network is asked (walking, waiting).
    #[serde(default)]
    pub sentence: String,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Lift, move and put down.
    Carry,
    /// Lift and keep in the hands.
    PickUp,
    /// Keep in the hands.
    Hold,
    /// Put what is in the hands down.
    PutDown,
    /// Push along the floor.
    Push,
    /// Pull along the floor.
    Pull,
    /// Drag along the floor.
    Drag,
    /// Move with the foot.
    Kick,
    /// Turn about the vertical.
    Rotate,
    /// Tilt, and set back.
    Tilt,
    /// Turn upside down.
    Flip,
    /// Swing about.
    Swing,
    /// Put something that stands down on its side.
    LayDown,
    /// Set something up that has fallen.
    PickUpFallen,
    /// Go somewhere with empty hands.
    Walk,
    /// Go back to where the person stood before the command.
    ComeBack,
    /// Do nothing more.
    Stop,
}

impl Action {
    /// Whether the item leaves the floor.
    pub fn lifts(self) -> bool {
        matches!(
            self,
            Self::Carry | Self::PickUp | Self::Hold | Self::Flip | Self::Swing
        )
    }

    /// Whether the item stays on the floor on its way.
    pub fn slides(self) -> bool {
        matches!(self, Self::Push | Self::Pull | Self::Drag | Self::Kick)
    }

    /// Whether a step of it needs an item.
    pub fn needs_object(self) -> bool {
        !matches!(
            self,
            Self::PutDown | Self::Walk | Self::ComeBack | Self::Stop
        )
    }

    /// As written in plans: `pick_up`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Carry => "carry",
            Self::PickUp => "pick_up",
            Self::Hold => "hold",
            Self::PutDown => "put_down",
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Drag => "drag",
            Self::Kick => "kick",
            Self::Rotate => "rotate",
            Self::Tilt => "tilt",
            Self::Flip => "flip",
            Self::Swing => "swing",
            Self::LayDown => "lay_down",
            Self::PickUpFallen => "pick_up_fallen",
            Self::Walk => "walk",
            Self::ComeBack => "come_back",
            Self::Stop => "stop",
        }
    }
}

/// A place said in words: a relation to something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// The relation.
    pub relation: Relation,
    /// To what: two for [`Relation::Between`], else one.
    pub targets: Vec<Target>,
    /// How far, metres, where a number was said.
    #[serde(default)]
    pub distance: Option<f32>,
}

/// How a place lies to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// At it: on a spot of the floor, or within reach of an item.
    At,
    /// Right beside it.
    NextTo,
    /// Not far from it.
    Near,
    /// Before its front.
    InFrontOf,
    /// Behind its back.
    Behind,
    /// To its left, as the speaker sees it where the speaker is known, else as who stands before its front sees it.
    LeftOf,
    /// To its right; as [`Relation::LeftOf`].
    RightOf,
    /// On top of it.
    On,
    /// Beneath it.
    Under,
    /// Between two of them.
    Between,
    /// Touching it, as furniture stands against a wall.
    Against,
    /// Away from where it is, out of its neighbourhood.
    AwayFrom,
    /// Some way in its direction.
    Toward,
}

impl Relation {
    /// As written in plans: `next_to`.
    pub fn name(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::NextTo => "next_to",
            Self::Near => "near",
            Self::InFrontOf => "in_front_of",
            Self::Behind => "behind",
            Self::LeftOf => "left_of",
            Self::RightOf => "right_of",
            Self::On => "on",
            Self::Under => "under",
            Self::Between => "between",
            Self::Against => "against",
            Self::AwayFrom => "away_from",
            Self::Toward => "toward",
        }
    }
}

/// What a place is said in relation to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An item.
    Item(ItemId),
    /// A marker, by its name in the scene.
    Marker(String),
    /// Who speaks.
    Speaker,
    /// Who is spoken to.
    Listener,
    /// The point shown with the command; without one, the speaker.
    Here,
    /// The point shown with the command.
    There,
    /// Where the item belongs ([`crate::scene::Item::home`]).
    Home,
    /// The nearest corner of the floor.
    Corner,
    /// The middle of the floor.
    Middle,
    /// A direction as the listener sees it.
    Direction(Direction),
}

/// A direction as a person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Straight ahead.
    Forward,
    /// Straight back.
    Back,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// How something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manner {
    /// How fast.
    pub pace: Pace,
    /// With care.
    pub careful: bool,
    /// With how many hands.
    pub hands: Hands,
    /// Above the head.
    pub overhead: bool,
}

/// How fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Taking one's time.
    Slow,
    /// As usual.
    #[default]
    Usual,
    /// In haste.
    Quick,
}

/// With how many hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hands {
    /// Whatever it takes.
    #[default]
    Any,
    /// One.
    One,
    /// Both.
    Two,
}

impl Step {
    /// A step with nothing but an action and an item.
    pub fn new(action: Action, object: Option<ItemId>) -> Self {
        Self {
            action,
            object,
            goal: None,
            facing: None,
            manner: Manner::default(),
            sentence: String::new(),
        }
    }
}

impl CommandPlan {
    /// The items spoken of, the latest first: what [`Scene::recent`] wants for the next command.
    pub fn mentioned(&self) -> Vec<ItemId> {
        let mut seen = Vec::new();
        for step in self.steps.iter().rev() {
            let targets = step.goal.iter().flat_map(|goal| &goal.targets);
            let targets = targets.filter_map(|target| match target {
                Target::Item(id) => Some(*id),
                _ => None,
            });
            for id in step.object.into_iter().chain(targets) {
                if !seen.contains(&id) {
                    seen.push(id);
                }
            }
        }
        seen
    }

    /// Writes the plan with the scene's names for things: "carry floor lamp next_to sofa; come_back".
    pub fn describe<'a>(&'a self, scene: &'a Scene) -> impl fmt::Display + 'a {
        Described { plan: self, scene }
    }
}

struct Described<'a> {
    plan: &'a CommandPlan,
    scene: &'a Scene,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id: ItemId| {
            self.scene
                .item(id)
                .map_or_else(|| format!("#{}", id.0), |item| item.name.clone())
        };
        for (i, step) in self.plan.steps.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            f.write_str(step.action.name())?;
            if step.manner.overhead {
                f.write_str("_overhead")?;
            }
            match step.object {
                Some(id) => write!(f, " {}", name(id))?,
                None if step.action == Action::PutDown => f.write_str(" held")?,
                None => (),
            }
            if let Some(goal) = &step.goal {
                write!(f, " {} ", goal.relation.name())?;
                for (k, target) in goal.targets.iter().enumerate() {
                    if k > 0 {
                        f.write_str(", ")?;
                    }
                    match target {
                        Target::Item(id) => f.write_str(&name(*id))?,
                        Target::Marker(name) => f.write_str(name)?,
                        Target::Speaker => f.write_str("me")?,
                        Target::Listener => f.write_str("you")?,
                        Target::Here => f.write_str("here")?,
                        Target::There => f.write_str("there")?,
                        Target::Home => f.write_str("home")?,
                        Target::Corner => f.write_str("corner")?,
                        Target::Middle => f.write_str("middle")?,
                        Target::Direction(Direction::Forward) => f.write_str("forward")?,
                        Target::Direction(Direction::Back) => f.write_str("back")?,
                        Target::Direction(Direction::Left) => f.write_str("left")?,
                        Target::Direction(Direction::Right) => f.write_str("right")?,
                    }
                }
                if let Some(metres) = goal.distance {
                    write!(f, " {metres} m")?;
                }
            }
        }
        Ok(())
    }
}
