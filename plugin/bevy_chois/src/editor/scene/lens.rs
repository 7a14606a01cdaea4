//! The camera of the handles: from the scene to the screen and back.

use bevy::camera::{Camera, NormalizedRenderTarget, RenderTarget};
use bevy::ecs::prelude::*;
use bevy::ecs::system::SystemParam;
use bevy::math::{Rect, Vec2};
use bevy::transform::components::GlobalTransform;
use bevy::window::PrimaryWindow;
use nalgebra::{Vector2, Vector3};

use super::EditorCamera;
use super::overlay::Overlay;
use crate::editor::film::FilmCamera;
use crate::frame;

/// Cameras that handles may be seen through.
#[derive(SystemParam)]
pub(in crate::editor) struct Cameras<'w, 's> {
    all: Query<
        'w,
        's,
        (
            Entity,
            &'static Camera,
            &'static GlobalTransform,
            Option<&'static RenderTarget>,
            Has<EditorCamera>,
        ),
        (Without<FilmCamera>, Without<Overlay>),
    >,
    window: Query<'w, 's, Entity, With<PrimaryWindow>>,
}

impl Cameras<'_, '_> {
    /// The one that counts.
    pub fn lens(&self) -> Option<Lens<'_>> {
        let mut marked = self.all.iter().filter(|(.., marked)| *marked);
        let only = || {
            let mut all = self.all.iter();
            all.next().filter(|_| all.next().is_none())
        };
        let (entity, camera, place, target, _) = marked.next().or_else(only)?;
        let window = self.window.single().ok();
        Some(Lens {
            entity,
            camera,
            place,
            target: target.and_then(|t| t.normalize(window)),
        })
    }
}

/// A camera.
pub(in crate::editor) struct Lens<'a> {
    pub entity: Entity,
    pub camera: &'a Camera,
    place: &'a GlobalTransform,
    /// What it draws to.
    pub target: Option<NormalizedRenderTarget>,
}

impl Lens<'_> {
    /// Where a place (metres, Z up) is seen, logical pixels; none behind the camera.
    pub fn screen(&self, at: Vector3<f32>) -> Option<Vec2> {
        self.camera
            .world_to_viewport(self.place, frame::vec3(at))
            .ok()
    }

    /// The part of the screen that it draws, logical pixels.
    pub fn frame(&self) -> Option<Rect> {
        self.camera.logical_viewport_rect()
    }

    /// What is seen at a place of the screen.
    pub fn ray(&self, at: Vec2) -> Option<Sight> {
        let ray = self.camera.viewport_to_world(self.place, at).ok()?;
        Some(Sight {
            from: frame::vector(ray.origin),
            along: frame::vector(*ray.direction),
        })
    }

    /// The level direction in which it looks.
    pub fn ahead(&self) -> Vector2<f32> {
        let ahead = frame::vector(*self.place.forward()).xy();
        let up = frame::vector(*self.place.up()).xy();
        ahead.try_normalize(1e-3).unwrap_or_else(|| {
            // Looking straight down, up on the screen is ahead.
            up.try_normalize(1e-3).unwrap_or_else(Vector2::x)
        })
    }
}

/// A ray from the eye. Metres, Z up.
#[derive(Clone, Copy, Debug)]
pub(in crate::editor) struct Sight {
    pub from: Vector3<f32>,
    /// Unit.
    pub along: Vector3<f32>,
}

impl Sight {
    /// Where it comes down to a height.
    pub fn level(&self, height: f32) -> Option<Vector3<f32>> {
        let t = (height - self.from.z) / self.along.z;
        (t.is_finite() && t > 0.0).then(|| self.from + self.along * t)
    }

    /// The height at which it meets an upright plane through a place, across a level direction.
    pub fn height(&self, through: Vector3<f32>, across: Vector2<f32>) -> Option<f32> {
        let way = (through - self.from).xy().dot(&across);
        let t = way / self.along.xy().dot(&across);
        (t.is_finite() && t > 0.0).then(|| self.from.z + self.along.z * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sights_meet_planes_ahead_of_them() {
        let sight = Sight {
            from: Vector3::new(0.0, -2.0, 2.0),
            along: Vector3::new(0.0, 1.0, -1.0).normalize(),
        };
        let floor = sight.level(0.0).expect("the floor");
        assert!((floor - Vector3::zeros()).norm() < 1e-5, "{floor}");
        assert!(sight.level(3.0).is_none(), "behind the eye");
        let height = sight.height(Vector3::new(5.0, -1.0, 0.3), Vector2::y());
        assert!((height.expect("a height") - 1.0).abs() < 1e-5);
        assert!(sight.height(Vector3::zeros(), Vector2::x()).is_none());
    }
}
