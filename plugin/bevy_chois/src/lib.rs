//! CHOIS in Bevy: characters that do things with objects.
//!
//! Add [`ChoisPlugins`] to an app that has Bevy's assets and transforms. The group is made of
//!
//! | plugin | what it does |
//! |---|---|
//! | [`clip::ClipPlugin`] | [`clip::MotionClip`] as an asset, loaded from files and made into Bevy `AnimationClip`s |
//! | [`synthesis::SynthesisPlugin`] | the thread that owns libtorch: requests in, progress and clips out, their hands holding ([`contact`]) |
//! | [`avatar::AvatarPlugin`] | finds the bones of skinned glTF avatars |
//! | [`object::ObjectPlugin`] | reads the shape of things that can be moved |
//! | [`contact::ContactPlugin`] | keeps objects' physics and obstacles (the two that need it add it) |
//! | [`playback::PlaybackPlugin`] | plays clips on avatars and objects, and tells what happens |
//! | [`npc::NpcPlugin`] | people who take commands: "move the lamp next to the sofa" |
//! | [`debug_draw::DebugDrawPlugin`] | contact heat, waypoints and ghosts (feature `debug_draw`) |
//!
//! With feature `editor` there is also `editor::EditorPlugin`, the authoring panel, which an app adds itself.
//!
//! The model's world has Z up, Bevy's has Y up; they meet in [`frame`] only.

use bevy::app::{PluginGroup, PluginGroupBuilder};

pub use chois;

pub mod avatar;
pub mod clip;
pub mod contact;
#[cfg(feature = "debug_draw")]
pub mod debug_draw;
#[cfg(feature = "editor")]
pub mod editor;
pub mod error;
pub mod frame;
pub mod npc;
pub mod object;
pub mod playback;
mod scene;
pub mod synthesis;

/// What a game usually needs: `use bevy_chois::prelude::*;`.
pub mod prelude {
    pub use crate::ChoisPlugins;
    pub use crate::avatar::{Avatar, AvatarReady, AvatarRefused, AvatarRig};
    pub use crate::clip::MotionClip;
    pub use crate::contact::{
        BodyMotion, ContactMode, ContactObstacle, ContactOutcome, ObjectPhysics, PhysicsAdapter,
        PhysicsAdapterPlugin,
    };
    pub use crate::npc::events::{
        CommandAccepted, CommandCancelled, CommandFailed, CommandFinished, CommandRefused,
        CommandStepFinished, CommandStepStarted,
    };
    pub use crate::npc::{
        Mobility, Npc, NpcCommand, NpcPlan, NpcState, PauseNpc, SceneFloor, SceneMarker,
        SceneObject, StopNpc,
    };
    pub use crate::object::{Interactable, ObjectReady, ObjectRefused, ObjectShape};
    pub use crate::playback::events::{
        ContactLost, ContactMade, HandLetGo, InteractionFinished, InteractionInterrupted,
        InteractionStarted, ObjectReleased, ObjectTaken,
    };
    pub use crate::playback::{InteractionPlayer, LivePhysics};
    pub use crate::synthesis::{
        GenerationCancelled, GenerationFailed, GenerationFinished, GenerationProgress,
        GenerationStarted, InteractionOrder, MotionSynthesizer,
    };
}

/// Everything: see the [crate's](crate) table.
#[derive(Clone, Debug, Default)]
pub struct ChoisPlugins {
    /// The inference worker's settings.
    pub synthesis: synthesis::SynthesisPlugin,
}

impl PluginGroup for ChoisPlugins {
    fn build(self) -> PluginGroupBuilder {
        let group = PluginGroupBuilder::start::<Self>()
            .add(clip::ClipPlugin)
            .add(self.synthesis)
            .add(avatar::AvatarPlugin)
            .add(object::ObjectPlugin)
            .add(playback::PlaybackPlugin)
            .add(npc::NpcPlugin::default());
        #[cfg(feature = "debug_draw")]
        let group = group.add(debug_draw::DebugDrawPlugin);
        group
    }
}
