//! The game's own physics engine beside ours: bodies change hands.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::ecs::observer::On;
use bevy::ecs::system::Commands;
use bevy::ecs::world::{EntityWorldMut, World};
use bevy::math::Vec3;

use crate::playback::events::{ObjectReleased, ObjectTaken};

/// How a physics engine of the game gives a body away and takes it back. The body must leave the entity's transform alone in
/// between; should it write it all the same, the hands let go.
///
/// With avian (the same with rapier's `RigidBody::KinematicPositionBased` and `Velocity`):
///
/// ```ignore
/// struct Avian;
///
/// impl PhysicsAdapter for Avian {
///     fn give(&self, mut body: EntityWorldMut) {
///         body.insert(RigidBody::Kinematic);
///     }
///
///     fn take_back(&self, mut body: EntityWorldMut, motion: BodyMotion) {
///         if motion.taken {
///             return; // Whoever took it away has said how it goes on.
///         }
///         body.insert((
///             RigidBody::Dynamic,
///             LinearVelocity(motion.velocity),
///             AngularVelocity(motion.angular_velocity),
///         ));
///     }
/// }
///
/// app.add_plugins(PhysicsAdapterPlugin::new(Avian));
/// ```
pub trait PhysicsAdapter: Send + Sync + 'static {
    /// A clip moves this object from now on: its body becomes kinematic. Objects without a body of the game's come here too.
    fn give(&self, body: EntityWorldMut<'_>);

    /// The object is the game's again: its body goes on as it moves at this moment, unless the game has
    /// [taken](BodyMotion::taken) it.
    fn take_back(&self, body: EntityWorldMut<'_>, motion: BodyMotion);
}

/// How a body moves, world.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BodyMotion {
    /// Metres per second.
    pub velocity: Vec3,
    /// Radians per second.
    pub angular_velocity: Vec3,
    /// Whether the game took the object away while the clip had it: what the game has done with its body is to stay.
    pub taken: bool,
}

/// Tells a physics engine of the game what [`PhysicsAdapter`] says, whenever a clip takes or releases an object.
pub struct PhysicsAdapterPlugin<A>(Arc<A>);

impl<A: PhysicsAdapter> PhysicsAdapterPlugin<A> {
    /// For this engine.
    pub fn new(adapter: A) -> Self {
        Self(Arc::new(adapter))
    }
}

impl<A: PhysicsAdapter> Plugin for PhysicsAdapterPlugin<A> {
    fn build(&self, app: &mut App) {
        let adapter = self.0.clone();
        app.add_observer(move |taken: On<ObjectTaken>, mut commands: Commands| {
            let (adapter, object) = (adapter.clone(), taken.entity);
            commands.queue(move |world: &mut World| {
                if let Ok(body) = world.get_entity_mut(object) {
                    adapter.give(body);
                }
            });
        });
        let adapter = self.0.clone();
        app.add_observer(
            move |released: On<ObjectReleased>, mut commands: Commands| {
                let (adapter, object) = (adapter.clone(), released.entity);
                let motion = BodyMotion {
                    velocity: released.velocity,
                    angular_velocity: released.angular_velocity,
                    taken: released.taken,
                };
                commands.queue(move |world: &mut World| {
                    if let Ok(body) = world.get_entity_mut(object) {
                        adapter.take_back(body, motion);
                    }
                });
            },
        );
    }
}
