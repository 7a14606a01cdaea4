//! Hands that hold: what objects weigh, and how contact is enforced with [`chois::contact`].
//!
//! A generated clip is corrected on the worker's thread before it becomes an asset ([`ContactMode::Baked`]): palms lie on
//! the surface, and the object moves because hands of limited strength move it. Put [`ObjectPhysics`] beside an
//! [`Interactable`](crate::object::Interactable) to say what it weighs; without it, it is of wood.
//! [`GenerationFinished::contact`](crate::synthesis::GenerationFinished::contact) says what came of it. What stands about
//! is in the way when it is a [`ContactObstacle`]. A physics engine of the game's own works beside by a [`PhysicsAdapter`].

mod adapter;
mod bodies;
mod obstacle;
mod plugin;

use std::sync::Arc;

use bevy::ecs::component::Component;
use chois::contact::bake::Effort;

pub use adapter::{BodyMotion, PhysicsAdapter, PhysicsAdapterPlugin};
pub use bodies::PhysicalObjects;
pub use chois::contact::{ContactEvent, Grip, LetGo, Mass, Material};
pub use obstacle::ContactObstacle;
pub(crate) use obstacle::{Solid, model};
pub use plugin::ContactPlugin;

/// How an object behaves when hands move it. On the entity with the [`Interactable`](crate::object::Interactable); read when
/// an order is given to the worker.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq)]
pub struct ObjectPhysics {
    /// How heavy it is: so many kilograms, or guessed from shape and material. Wood unless given.
    pub mass: Mass,
    /// Coefficient of friction against floor and scene, 0 to 4; None takes the material's, or 0.4 where the mass is given.
    pub friction: Option<f32>,
}

impl ObjectPhysics {
    /// Of a material; its mass is guessed from its shape.
    pub fn of(material: Material) -> Self {
        Self {
            mass: Mass::Of(material),
            friction: None,
        }
    }

    /// So heavy, kilograms.
    pub fn weighing(kilograms: f32) -> Self {
        Self {
            mass: Mass::Kilograms(kilograms),
            friction: None,
        }
    }

    /// Sets the coefficient of friction against floor and scene.
    #[must_use]
    pub fn with_friction(mut self, friction: f32) -> Self {
        self.friction = Some(friction);
        self
    }
}

impl From<ObjectPhysics> for chois::contact::ObjectPhysics {
    fn from(physics: ObjectPhysics) -> Self {
        Self {
            mass: physics.mass,
            friction: physics.friction,
            ..Self::default()
        }
    }
}

/// Whether the clip of an order is corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContactMode {
    /// On the worker's thread, before the clip is there. Some tens of milliseconds, and up to a second more for an object's
    /// first clip.
    #[default]
    Baked,
    /// Not at all: the clip is as the network made it.
    Off,
}

/// What came of enforcing contact in a clip.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ContactOutcome {
    /// It was not asked for.
    #[default]
    Off,
    /// Hands hold.
    Corrected {
        /// What happened, or could not.
        events: Arc<[ContactEvent]>,
        /// What the left and the right hand had to do at most.
        efforts: [Effort; 2],
    },
    /// It could not be done, for this reason; the clip is as the network made it.
    Failed(Arc<str>),
}

impl ContactOutcome {
    /// What happened, or could not; empty where nothing was corrected.
    pub fn events(&self) -> &[ContactEvent] {
        match self {
            Self::Corrected { events, .. } => events,
            Self::Off | Self::Failed(_) => &[],
        }
    }
}
