//! Playback: clips on avatars and objects, and what happens meanwhile.

use bevy::app::{App, Plugin};
use bevy::asset::Handle;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::math::Isometry3d;

use crate::clip::MotionClip;

/// A clip that an avatar plays, with the object it moves. Insert it on the avatar; remove it to stop.
#[derive(Component, Clone, Debug)]
pub struct Interaction {
    /// What is played.
    pub clip: Handle<MotionClip>,
    /// The [`Interactable`](crate::object::Interactable) that the clip moves; without it the person moves alone.
    pub object: Option<Entity>,
    /// Where the clip's world stands in the game's, metres.
    pub origin: Isometry3d,
    /// Seconds since the clip's first frame.
    pub time: f32,
    /// 1 is the clip's own speed; negative goes backwards.
    pub speed: f32,
    /// Whether time stands still.
    pub paused: bool,
    /// Whether it begins again when it ends.
    pub looping: bool,
}

impl Interaction {
    /// Plays a clip once, from its beginning, in the world's own frame.
    pub fn new(clip: Handle<MotionClip>) -> Self {
        Self {
            clip,
            object: None,
            origin: Isometry3d::IDENTITY,
            time: 0.0,
            speed: 1.0,
            paused: false,
            looping: false,
        }
    }

    /// Sets the object that moves.
    #[must_use]
    pub fn with_object(mut self, object: Entity) -> Self {
        self.object = Some(object);
        self
    }
}

/// Plays interactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaybackPlugin;

impl Plugin for PlaybackPlugin {
    fn build(&self, _app: &mut App) {}
}
