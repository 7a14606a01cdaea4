//! What objects cannot pass, besides the floor.

use bevy::ecs::change_detection::DetectChanges;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::query::Without;
use bevy::ecs::system::{Commands, Query};
use bevy::ecs::world::Ref;
use bevy::log::warn;
use bevy::math::{Isometry3d, Vec3};
use bevy::transform::components::{GlobalTransform, Transform};
use chois::contact::{Obstacle, ObstacleShape};
use nalgebra::{Isometry3, Translation3};

use crate::frame;
use crate::object::ObjectShape;

/// What held objects bump into and stand on. It counts when a clip is corrected (where it is when the order is given) and
/// with [`LivePhysics`](crate::playback::LivePhysics), where it may come, move and go.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
#[require(Transform)]
pub enum ContactObstacle {
    /// A box about the entity's origin and turned with it.
    Box {
        /// Half its lengths along the entity's axes, before the entity's scale; metres.
        half: Vec3,
    },
    /// The surface of the [`ObjectShape`] on the same entity, as it is: furniture that is an
    /// [`Interactable`](crate::object::Interactable). It counts as soon as that is read.
    Shape,
}

/// A [`ContactObstacle`] as physics sees it.
#[derive(Component, Clone, Debug)]
pub(crate) struct Solid {
    shape: ObstacleShape,
    /// The entity's world scale that it was made for.
    scale: Vec3,
}

impl Solid {
    /// Where it stands in a world whose origin has this inverse.
    pub fn place(back: Isometry3d, place: &GlobalTransform) -> Isometry3<f32> {
        model(back * place.to_isometry())
    }

    /// The obstacle at a place in the model's world.
    pub fn at(&self, place: Isometry3<f32>) -> Obstacle {
        Obstacle::new(self.shape.clone(), place)
    }
}

/// A place of Bevy's world in the model's.
pub(crate) fn model(place: Isometry3d) -> Isometry3<f32> {
    let at = frame::vector(place.translation.into());
    Isometry3::from_parts(Translation3::from(at), frame::rotation(place.rotation))
}

/// Makes [`Solid`]s of what is new or has changed. After transforms were propagated, so that what has just been spawned is
/// where it is.
pub(super) fn harden(
    mut commands: Commands,
    obstacles: Query<(
        Entity,
        Ref<ContactObstacle>,
        &GlobalTransform,
        Option<Ref<ObjectShape>>,
        Option<&Solid>,
    )>,
    orphans: Query<Entity, (bevy::ecs::query::With<Solid>, Without<ContactObstacle>)>,
) {
    for entity in &orphans {
        commands.entity(entity).try_remove::<Solid>();
    }
    for (entity, obstacle, place, shape, solid) in &obstacles {
        let scale = place.scale();
        let same = solid.is_some_and(|s| s.scale.distance(scale) < 1e-4);
        let changed = obstacle.is_changed()
            || *obstacle == ContactObstacle::Shape && shape.as_ref().is_some_and(Ref::is_changed);
        if same && !changed {
            continue;
        }
        let made = match *obstacle {
            ContactObstacle::Box { half } => {
                Some(ObstacleShape::cuboid(frame::vector(half * scale).abs()))
            }
            ContactObstacle::Shape => {
                shape.map(|shape| ObstacleShape::mesh(&shape.geometry.original()))
            }
        };
        match made {
            Some(Ok(shape)) => {
                commands.entity(entity).try_insert(Solid { shape, scale });
            }
            Some(Err(error)) => {
                if changed {
                    warn!("ContactObstacle {entity} is in nobody's way: {error}");
                }
                commands.entity(entity).try_remove::<Solid>();
            }
            // Its shape has yet to be read.
            None => {}
        }
    }
}
