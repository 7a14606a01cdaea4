//! Hands that hold: contact between the person and the object enforced with rapier3d.
//!
//! A diffusion model leaves hands some centimetres off, sliding, or inside the object. Here a clip is played against
//! physics: [`hold`] says when hands hold and [`grasp`] where on the real surface; in [`simulation`] the object is a dynamic
//! body that moves because hands of limited strength move it; `follow` brings the palms to their points on it, the body
//! helping. [`bake::correct`] does so with a whole clip, [`live::LiveContact`] step by step in a game; both run the same
//! [`session`]. [`report`] measures any clip, before and after.

mod aside;
mod away;
pub mod bake;
pub mod config;
mod convert;
mod decompose;
pub mod event;
mod follow;
pub mod grasp;
pub mod hold;
mod hulls;
pub mod live;
pub mod material;
mod notches;
pub mod object;
pub mod palm;
mod pin;
pub mod report;
pub mod scene;
pub mod session;
pub mod simulation;
mod stand;
mod turned;
mod weigh;

pub use bake::{Corrected, Effort, correct};
pub use config::ContactConfig;
pub use event::{ContactEvent, LetGo};
pub use grasp::Grasp;
pub use hold::Hold;
pub use live::{LiveContact, LiveFrame};
pub use material::{Mass, Material};
pub use object::{ObjectPhysics, PhysicalObject};
pub use scene::{Obstacle, ObstacleShape};
pub use simulation::Grip;

use std::sync::Arc;

use crate::geometry::SdfGrid;
use crate::motion::lock::LockedKey;

/// How contact is enforced.
#[derive(Clone, Debug)]
pub struct ContactOptions {
    /// What a hand can do.
    pub grip: Grip,
    /// What is in the way besides the floor.
    pub obstacles: Vec<Obstacle>,
    /// Distance to what stands about, in the clip's frame, which arms keep out of as far as they can while palms stay where
    /// they hold. As in generation, things are as much larger in it as there is flesh about the bones (see
    /// [`crate::navigation::Navigator::distances`]). Without it arms know of nothing but the object.
    pub scene: Option<Arc<SdfGrid>>,
    /// Whether an object that stands above the floor in the clip, with nothing in `obstacles` to stand on, stands all the
    /// same.
    pub supports: bool,
    /// When the left and the right hand hold, `[from, to]` in seconds of the clip; without it, as the clip says and the
    /// object's motion asks for. A hand that is given no stretch holds nothing.
    pub given: [Option<Vec<[f32; 2]>>; 2],
    /// Moments that stay (those that the clip was made with): a hand that is locked and is on the object holds it as it does
    /// there, one that is locked elsewhere does not hold about that time, and the clip comes through them in the end.
    pub keys: Vec<LockedKey>,
}

impl Default for ContactOptions {
    fn default() -> Self {
        Self {
            grip: Grip::default(),
            obstacles: Vec::new(),
            scene: None,
            supports: true,
            given: [None, None],
            keys: Vec::new(),
        }
    }
}
