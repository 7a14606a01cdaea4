//! What playback and the worker need of contact.

use bevy::app::{App, Plugin, PostUpdate};
use bevy::ecs::schedule::IntoScheduleConfigs;
use bevy::transform::TransformSystems;

use super::PhysicalObjects;
use super::obstacle::harden;
use crate::object::ObjectSystems;

/// Makes obstacles solid and keeps objects' convex parts. Playback and synthesis add it by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContactPlugin;

impl Plugin for ContactPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<PhysicalObjects>() {
            return;
        }
        app.init_resource::<PhysicalObjects>().add_systems(
            PostUpdate,
            harden
                .after(TransformSystems::Propagate)
                .after(ObjectSystems::Read),
        );
    }
}
