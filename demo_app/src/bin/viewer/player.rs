//! The clip that plays: how fast, from where to where.

use bevy::prelude::*;
use bevy_chois::clip::MotionClip;
use bevy_chois::playback::InteractionPlayer;

use crate::cast::Cast;
use crate::making::Making;
use crate::say::Talk;

/// How clips are played.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Player {
    /// 1 is the clip's own speed.
    pub speed: f32,
    /// Whether it begins again when it ends.
    pub looping: bool,
}

impl Default for Player {
    fn default() -> Self {
        Self {
            speed: 1.0,
            looping: true,
        }
    }
}

/// The interaction of the chosen avatar with the last clip, and how long the clip is in seconds.
pub fn playing<'a>(
    cast: &Cast,
    making: &Making,
    interactions: &'a mut Query<&mut InteractionPlayer>,
    clips: &Assets<MotionClip>,
) -> Option<(Mut<'a, InteractionPlayer>, f32)> {
    let interaction = interactions.get_mut(cast.avatar?).ok()?;
    // Who stands at ease plays nothing that could be sought in.
    if making.clip.as_ref() != Some(&interaction.clip) {
        return None;
    }
    let seconds = clips.get(&interaction.clip)?.motion.seconds();
    Some((interaction, seconds))
}

/// Hands the user's settings on to what plays.
pub fn apply(
    player: Res<Player>,
    talk: Res<Talk>,
    mut interactions: Query<&mut InteractionPlayer>,
) {
    // What is done at a command is done once.
    let looping = player.looping && talk.busy.is_none();
    for mut interaction in &mut interactions {
        if interaction.speed != player.speed || interaction.looping != looping {
            interaction.speed = player.speed;
            interaction.looping = looping;
        }
    }
}
