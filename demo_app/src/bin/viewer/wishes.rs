//! What the user asks for.

use bevy::prelude::*;

/// What is asked for at the next press of the button.
#[derive(Resource, Clone, Debug, PartialEq)]
pub struct Wishes {
    /// What happens, as a sentence.
    pub text: String,
    /// Places on the floor that the object passes, x and z of the room, metres; it ends at the last.
    pub waypoints: Vec<Vec2>,
    /// Length, seconds.
    pub seconds: f32,
    /// The same seed gives the same clip.
    pub seed: u64,
    /// Sampling steps.
    pub steps: usize,
    /// Whether the motion is moved toward contact and waypoints while sampling.
    pub guidance: bool,
    /// What the object weighs, kilograms; guessed from its shape unless given.
    pub mass: Option<f32>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            text: String::new(),
            waypoints: Vec::new(),
            seconds: 4.0,
            seed: 7,
            steps: 8,
            guidance: true,
            mass: None,
        }
    }
}

/// Something to be done, by the panel, by a click or by a script.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Ask {
    /// Another avatar, by its name.
    Avatar(String),
    /// Another object, by its name: one that stands in the room, or one of the shipped files.
    Object(String),
    /// Generate what is wished.
    Generate,
    /// Stop generating.
    Cancel,
    /// Tell the person to do something: "move the lamp next to the sofa".
    Say(String),
    /// Have the person come to where they can leave off, and do nothing more.
    Stop,
}

/// The sentence that the model knows best, about an object.
pub fn sentence(object: &str) -> String {
    format!("Lift the {object}, move the {object}, and put down the {object}.")
}
