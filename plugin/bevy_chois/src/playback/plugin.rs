//! The systems of playback.

use bevy::app::{AnimationSystems, App, Plugin, PostUpdate};
use bevy::asset::Assets;
use bevy::ecs::message::Messages;
use bevy::ecs::schedule::common_conditions::resource_exists;
use bevy::ecs::schedule::{IntoScheduleConfigs, SystemSet};
use bevy::time::Time;
use bevy::transform::TransformSystems;

use super::events::{
    ContactLost, ContactMade, HandLetGo, InteractionFinished, InteractionInterrupted,
    InteractionStarted, ObjectReleased, ObjectTaken, PhysicsStarted,
};
use super::{play, prepare};
use crate::avatar::AvatarSystems;
use crate::clip::MotionClip;
use crate::contact::ContactPlugin;

/// When playback happens, in `PostUpdate`.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaybackSystems {
    /// Clips are looked up and put on rigs.
    Prepare,
    /// Bones, avatars and objects are moved: after Bevy's `AnimationSystems`, before transforms are propagated.
    Play,
}

/// Plays [`InteractionPlayer`](super::InteractionPlayer)s.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaybackPlugin;

impl Plugin for PlaybackPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app
            .world()
            .contains_resource::<Messages<InteractionStarted>>()
        {
            return;
        }
        app.add_plugins(ContactPlugin);
        app.add_message::<InteractionStarted>()
            .add_message::<ContactMade>()
            .add_message::<ContactLost>()
            .add_message::<InteractionFinished>()
            .add_message::<InteractionInterrupted>()
            .add_message::<HandLetGo>()
            .add_message::<PhysicsStarted>()
            .add_message::<ObjectTaken>()
            .add_message::<ObjectReleased>()
            .add_observer(play::inserted)
            .add_observer(play::despawned)
            .add_observer(play::removed)
            .configure_sets(
                PostUpdate,
                (
                    PlaybackSystems::Prepare,
                    PlaybackSystems::Play
                        .after(AnimationSystems)
                        .before(AvatarSystems::Follow)
                        .before(TransformSystems::Propagate),
                )
                    .chain(),
            )
            .add_systems(
                PostUpdate,
                (
                    prepare::prepare.in_set(PlaybackSystems::Prepare),
                    play::play.in_set(PlaybackSystems::Play),
                )
                    .run_if(resource_exists::<Assets<MotionClip>>)
                    .run_if(resource_exists::<Time>),
            );
    }
}
