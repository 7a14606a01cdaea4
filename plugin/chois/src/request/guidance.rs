//! What a user may ask guidance to do.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Weights of the few-step guidance. Each is the share of an error that one iteration aims to remove; 0 switches a term off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuidanceConfig {
    /// Palms to the object's surface where the contact channels say so.
    pub contact: f64,
    /// Palms at one place of the object while in contact.
    pub consistency: f64,
    /// Object not under the floor, and on what it stands on where it is pushed, pulled or dragged
    /// ([`super::plan::Plan::ground`]), there with all of it from 0.5 on.
    pub object_floor: f64,
    /// Lower toe at the floor.
    pub feet_floor: f64,
    /// Feet that are down do not slide: while sampling, and once more at the end by bending the legs (see
    /// [`crate::motion::feet`]), with this share or all of it from 0.5 on.
    pub feet_slide: f64,
    /// Given start pose, waypoints and end. 1 meets them exactly.
    pub given: f64,
    /// Body and object outside the scene's geometry.
    pub scene: f64,
    /// How many of the sampler's last steps are guided.
    pub last_steps: usize,
    /// Iterations within each guided step.
    pub iterations: usize,
}

impl Default for GuidanceConfig {
    fn default() -> Self {
        Self {
            contact: 0.5,
            consistency: 0.15,
            object_floor: 0.8,
            feet_floor: 1.0,
            feet_slide: 0.5,
            given: 1.0,
            scene: 0.5,
            last_steps: 2,
            iterations: 4,
        }
    }
}

impl GuidanceConfig {
    /// No guidance at all.
    pub fn off() -> Self {
        Self {
            contact: 0.0,
            consistency: 0.0,
            object_floor: 0.0,
            feet_floor: 0.0,
            feet_slide: 0.0,
            given: 0.0,
            scene: 0.0,
            last_steps: 0,
            iterations: 0,
        }
    }

    /// Whether nothing is asked for.
    pub fn is_off(&self) -> bool {
        self.last_steps == 0
            || [
                self.contact,
                self.consistency,
                self.object_floor,
                self.feet_floor,
                self.feet_slide,
                self.given,
                self.scene,
            ]
            .iter()
            .all(|w| *w == 0.0)
    }

    /// Refuses weights that are not finite or negative.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("contact", self.contact),
            ("consistency", self.consistency),
            ("object_floor", self.object_floor),
            ("feet_floor", self.feet_floor),
            ("feet_slide", self.feet_slide),
            ("given", self.given),
            ("scene", self.scene),
        ] {
            if !value.is_finite() || !(0.0..=10.0).contains(&value) {
                return Err(Error::invalid(
                    format!("guidance.{name}"),
                    format!("{value} is not between 0 and 10"),
                ));
            }
        }
        for (name, value, limit) in [
            ("last_steps", self.last_steps, 10_000),
            ("iterations", self.iterations, 100),
        ] {
            if value > limit {
                return Err(Error::invalid(
                    format!("guidance.{name}"),
                    format!("{value}; {limit} is the most"),
                ));
            }
        }
        Ok(())
    }
}
