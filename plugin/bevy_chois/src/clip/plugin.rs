//! The systems of clips.

use bevy::app::{App, Plugin, Update};
use bevy::asset::AssetApp;
use bevy::ecs::schedule::IntoScheduleConfigs;
use bevy::ecs::system::ResMut;
use bevy::transform::components::GlobalTransform;

use super::animation::{self, AnimationBaked, AnimationFailed};
use super::bake::{BakedClips, Retargeter};
use super::{MotionClip, MotionClipLoader};

/// [`MotionClip`] as an asset, loaded from files and made into Bevy `AnimationClip`s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClipPlugin;

impl Plugin for ClipPlugin {
    fn build(&self, app: &mut App) {
        app.init_asset::<MotionClip>()
            .init_asset_loader::<MotionClipLoader>()
            .init_resource::<Retargeter>()
            .init_resource::<BakedClips>()
            .init_resource::<animation::Wanted>()
            .add_message::<AnimationBaked>()
            .add_message::<AnimationFailed>()
            .add_systems(Update, (animation::make, tidy).chain());
    }
}

fn tidy(mut baked: ResMut<BakedClips>) {
    baked.tidy();
}

/// Metres per unit of an avatar's root. A root with unequal scales counts by its height.
pub(crate) fn root_scale(place: Option<&GlobalTransform>) -> f32 {
    let scale = place.map_or(1.0, |place| place.scale().y.abs());
    if scale.is_finite() && scale > 0.0 {
        scale
    } else {
        1.0
    }
}
