//! Bones and palms, drawn with Bevy's gizmos.

use bevy::asset::Assets;
use bevy::color::{Alpha, Color, Mix};
use bevy::ecs::prelude::*;
use bevy::gizmos::gizmos::Gizmos;
use bevy::math::{Isometry3d, Quat, Vec3};
use bevy::prelude::GlobalTransform;
use nalgebra::Vector3;

use super::clip_view::palms;
use super::heat::{Surfaces, in_object};
use super::plugin::Settings;
use super::{ChoisGizmos, DebugDraw};
use crate::avatar::AvatarRig;
use crate::clip::MotionClip;
use crate::frame;
use crate::object::ObjectShape;
use crate::playback::InteractionPlayer;

/// Radius of a palm's ring, metres.
const PALM: f32 = 0.045;
/// A palm's line to the surface is drawn up to this length, metres.
const FARTHEST: f32 = 1.0;

/// Draws both.
pub(super) fn draw(
    mut gizmos: Gizmos<ChoisGizmos>,
    settings: Settings,
    playing: Query<(&InteractionPlayer, Option<&AvatarRig>, Option<&DebugDraw>)>,
    places: Query<&GlobalTransform>,
    objects: Query<(&GlobalTransform, &ObjectShape)>,
    clips: Res<Assets<MotionClip>>,
    mut surfaces: ResMut<Surfaces>,
) {
    for (interaction, rig, own) in &playing {
        if let (Some(color), Some(rig)) = (settings.bones(own), rig) {
            bones(&mut gizmos, *color, rig, &places);
        }
        let Some(color) = settings.palms(own) else {
            continue;
        };
        let Some(clip) = clips.get(&interaction.clip) else {
            continue;
        };
        let Some(palms) = palms(&clip.motion, &interaction.origin, interaction.time) else {
            continue;
        };
        let object = interaction
            .object
            .and_then(|o| Some((o, objects.get(o).ok()?)));
        for palm in palms {
            let mut up = Vec3::Y;
            if let Some((entity, (place, shape))) = object {
                let surface = surfaces.of(entity, shape);
                let local = in_object(place, shape, palm.position);
                let distance = surface.signed_distance(&local);
                let slope = slope(|p| surface.signed_distance(&p), local);
                if let Some(slope) = slope
                    && distance.abs() < FARTHEST
                {
                    up = place.rotation() * frame::vec3(slope);
                    let foot = palm.position - up * distance;
                    gizmos.line(palm.position, foot, color.with_alpha(0.7));
                    gizmos.sphere(Isometry3d::from_translation(foot), 0.006, *color);
                }
            }
            let facing = Quat::from_rotation_arc(Vec3::Z, up.try_normalize().unwrap_or(Vec3::Y));
            let ring = Isometry3d::new(palm.position, facing);
            gizmos.circle(ring, PALM, *color);
            // The firmer the touch, the fuller the ring.
            let full = color.mix(&Color::WHITE, 0.3);
            for ring_in in 1..=4 {
                let radius = PALM * ring_in as f32 / 5.0;
                if palm.contact * 4.0 >= ring_in as f32 - 0.5 {
                    gizmos.circle(ring, radius, full);
                }
            }
        }
    }
}

fn bones(
    gizmos: &mut Gizmos<ChoisGizmos>,
    color: Color,
    rig: &AvatarRig,
    places: &Query<&GlobalTransform>,
) {
    let place = |i: usize| {
        let entity = rig.bones.get(i)?;
        Some(places.get(*entity).ok()?.translation())
    };
    for (i, bone) in rig.rig.bones.iter().enumerate() {
        let Some(parent) = bone.parent else { continue };
        // Nodes over the hips are no bones.
        let bony = rig.rig.bones.get(parent).is_some_and(|p| p.skinned);
        if let (true, Some(from), Some(to)) = (bony, place(parent), place(i)) {
            gizmos.line(from, to, color);
        }
    }
}

/// The direction in which a distance grows.
fn slope(distance: impl Fn(Vector3<f32>) -> f32, at: Vector3<f32>) -> Option<Vector3<f32>> {
    const STEP: f32 = 1e-3;
    let along = |axis: Vector3<f32>| distance(at + axis * STEP) - distance(at - axis * STEP);
    let slope = Vector3::new(
        along(Vector3::x()),
        along(Vector3::y()),
        along(Vector3::z()),
    );
    let finite = slope.iter().all(|s| s.is_finite());
    slope.try_normalize(1e-9).filter(|_| finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_points_away() {
        let away = slope(|p| p.norm() - 0.5, Vector3::new(0.0, 2.0, 0.0)).expect("a slope");
        assert!((away - Vector3::y()).norm() < 1e-3);
        assert!(slope(|_| f32::INFINITY, Vector3::zeros()).is_none());
        assert!(slope(|_| 1.0, Vector3::zeros()).is_none());
    }
}
