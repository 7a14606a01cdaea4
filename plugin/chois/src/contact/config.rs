//! What is wanted of contact, as a request file says it.

use serde::{Deserialize, Serialize};

use super::material::{Mass, Material};
use super::object::ObjectPhysics;
use super::simulation::Grip;
use super::{ContactOptions, Obstacle};

/// Whether and how contact is enforced on what is generated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactConfig {
    /// Whether the clip is corrected at all.
    pub enforce: bool,
    /// The object's mass, kilograms; without it, guessed from its shape and `material`.
    pub mass: Option<f32>,
    /// What the object is made of.
    pub material: Material,
    /// Friction of the object against the floor; without it, the material's.
    pub friction: Option<f32>,
    /// What a hand can do.
    pub grip: Grip,
}

impl Default for ContactConfig {
    fn default() -> Self {
        Self {
            enforce: true,
            mass: None,
            material: Material::default(),
            friction: None,
            grip: Grip::default(),
        }
    }
}

impl ContactConfig {
    /// The object's share of it.
    pub fn physics(&self) -> ObjectPhysics {
        ObjectPhysics {
            mass: self.mass.map_or(Mass::Of(self.material), Mass::Kilograms),
            friction: self.friction.or(Some(self.material.friction())),
            ..ObjectPhysics::default()
        }
    }

    /// The hands' share of it, with these obstacles.
    pub fn options(&self, obstacles: Vec<Obstacle>) -> ContactOptions {
        ContactOptions {
            grip: self.grip,
            obstacles,
            ..ContactOptions::default()
        }
    }
}
