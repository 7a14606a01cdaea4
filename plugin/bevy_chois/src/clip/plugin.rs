//! The systems of clips.

use bevy::app::{App, Plugin, Update};
use bevy::asset::{AssetApp, AssetServer};
use bevy::ecs::schedule::IntoScheduleConfigs;
use bevy::ecs::system::ResMut;
use bevy::log::error;
use bevy::transform::components::GlobalTransform;

use super::animation::{self, AnimationBaked, AnimationFailed};
use super::bake::{BakedClips, Retargeter};
use super::{MotionClip, MotionClipLoader};

/// [`MotionClip`] as an asset, loaded from files and made into Bevy `AnimationClip`s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClipPlugin;

impl Plugin for ClipPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        if app.world().contains_resource::<BakedClips>() {
            return;
        }
        app.init_resource::<Retargeter>()
            .init_resource::<BakedClips>()
            .init_resource::<animation::Wanted>()
            .add_message::<AnimationBaked>()
            .add_message::<AnimationFailed>();
        if !app.world().contains_resource::<AssetServer>() {
            error!(
                "ClipPlugin: there is no asset server, so there are no clips; add Bevy's AssetPlugin (DefaultPlugins has \
                 it) before ChoisPlugins"
            );
            return;
        }
        app.init_asset::<MotionClip>()
            .init_asset_loader::<MotionClipLoader>()
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
