//! Seeing what happens: contact heat on objects and palms, the waypoints' ribbon, ghosts of a clip.

use bevy::app::{App, Plugin};

/// Draws what is switched on.
#[derive(Clone, Copy, Debug, Default)]
pub struct DebugDrawPlugin;

impl Plugin for DebugDrawPlugin {
    fn build(&self, _app: &mut App) {}
}
