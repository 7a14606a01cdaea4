//! The systems of [`Npc`](super::Npc)s.

use std::sync::Arc;

use bevy::app::{App, Plugin, PreUpdate};
use bevy::asset::Assets;
use bevy::ecs::message::Messages;
use bevy::ecs::schedule::common_conditions::resource_exists;
use bevy::ecs::schedule::{IntoScheduleConfigs, SystemSet};
use chois::navigation::NavigationConfig;

use super::act;
use super::events::{
    CommandAccepted, CommandCancelled, CommandFailed, CommandFinished, CommandRefused,
    CommandStepFinished, CommandStepStarted,
};
use super::mind::{Mind, ParserMaker, grammar};
use super::scene::{self, Homes};
use crate::avatar::AvatarRefused;
use crate::clip::MotionClip;
use crate::playback::events::{InteractionFinished, InteractionInterrupted};
use crate::synthesis::{SynthesisSystems, synthesis_is_there};

/// People who take commands. Needs the [`SynthesisPlugin`](crate::synthesis::SynthesisPlugin).
#[derive(Clone)]
pub struct NpcPlugin {
    /// Makes whoever understands commands: a [`Grammar`](super::Grammar) unless a game plugs in a language model.
    pub parser: ParserMaker,
    /// How much room people take.
    pub navigation: NavigationConfig,
}

impl Default for NpcPlugin {
    fn default() -> Self {
        Self {
            parser: Arc::new(grammar),
            navigation: NavigationConfig::default(),
        }
    }
}

/// When people are moved on.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NpcSystems {
    /// Commands are taken up, clips ordered and played: in `PreUpdate`, after
    /// [`SynthesisSystems::Receive`](crate::synthesis::SynthesisSystems::Receive).
    Act,
}

impl Plugin for NpcPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<Messages<CommandAccepted>>() {
            return;
        }
        app.add_message::<CommandAccepted>()
            .add_message::<CommandRefused>()
            .add_message::<CommandStepStarted>()
            .add_message::<CommandStepFinished>()
            .add_message::<CommandFinished>()
            .add_message::<CommandFailed>()
            .add_message::<CommandCancelled>()
            .add_message::<InteractionFinished>()
            .add_message::<InteractionInterrupted>()
            .add_message::<AvatarRefused>()
            .init_resource::<Homes>()
            .insert_resource(Mind::new(self.parser.clone(), self.navigation))
            .add_observer(act::told)
            .add_observer(act::stopped)
            .add_observer(act::paused)
            .add_observer(act::dismissed)
            .add_systems(
                PreUpdate,
                (act::act, scene::look_over)
                    .chain()
                    .in_set(NpcSystems::Act)
                    .after(SynthesisSystems::Receive)
                    .run_if(resource_exists::<Assets<MotionClip>>)
                    .run_if(synthesis_is_there),
            );
    }
}
