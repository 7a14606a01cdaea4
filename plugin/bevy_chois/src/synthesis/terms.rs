//! What is said of any order, whatever it is for.

use std::sync::Arc;
use std::time::Duration;

use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Vec3};
use chois::geometry::SdfGrid;
use chois::request::PersonPlace;
use chois::{Error, Result};

use crate::frame;

/// For whom, when, and in which frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub avatar: Option<Entity>,
    pub scene: Option<Arc<SdfGrid>>,
    pub priority: i32,
    pub deadline: Option<Duration>,
    pub alone: bool,
    pub streamed: bool,
    pub origin: Isometry3d,
}

impl Terms {
    /// From the game's world to the clip's.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the floor leans or is nowhere.
    pub fn local(&self) -> Result<Isometry3d> {
        let up = self.origin.rotation * Vec3::Y;
        let upright = up.is_finite() && up.dot(Vec3::Y) > 0.9999;
        if !self.origin.translation.is_finite() || !upright {
            return Err(Error::invalid(
                "origin",
                "its rotation is not one about the vertical; the clip's floor must be level",
            ));
        }
        Ok(self.origin.inverse())
    }
}

/// x and y of a place of the game's world in the clip's, metres; its height plays no part.
pub(super) fn ground(local: Isometry3d, place: Vec3) -> [f32; 2] {
    let at = frame::vector(local * place);
    [at.x, at.y]
}

/// Where somebody stands who is at a place of the game's world and faces that way.
///
/// # Errors
/// [`Error::Invalid`] for a direction that goes nowhere along the floor.
pub(super) fn person(local: Isometry3d, at: Vec3, facing: Vec3) -> Result<PersonPlace> {
    let facing = frame::vector(local.rotation * facing);
    let level = facing.x.hypot(facing.y);
    if !level.is_finite() || level < 1e-3 {
        return Err(Error::invalid(
            "person.facing",
            "points neither way along the floor; give a horizontal direction, or stand the avatar upright",
        ));
    }
    Ok(PersonPlace {
        position: ground(local, at),
        facing: facing.y.atan2(facing.x).to_degrees(),
    })
}

/// What every order's builder can say of its `terms`.
macro_rules! say_terms {
    () => {
        /// Who does it: the person begins where this entity is and faces where its +Z points, which is where glTF people
        /// look. It is told what happens to the order.
        #[must_use]
        pub fn avatar(mut self, avatar: Entity) -> Self {
            self.terms.avatar = Some(avatar);
            self
        }

        /// Distance to the scene's geometry, which body and object keep out of, and arms also when hands are brought to
        /// hold: a grid in the model's frame (metres, Z up) relative to [`Self::origin`].
        #[must_use]
        pub fn scene(mut self, scene: Arc<SdfGrid>) -> Self {
            self.terms.scene = Some(scene);
            self
        }

        /// Higher ones are made first. 0 unless given.
        #[must_use]
        pub fn priority(mut self, priority: i32) -> Self {
            self.terms.priority = priority;
            self
        }

        /// Time from the request after which the clip is of no use: the order is then cancelled.
        #[must_use]
        pub fn deadline(mut self, after: Duration) -> Self {
            self.terms.deadline = Some(after);
            self
        }

        /// Never made together with others. A clip made beside others is the one made alone but for rounding; made alone
        /// it is the same bit for bit, on the same machine with the same number of threads.
        #[must_use]
        pub fn alone(mut self) -> Self {
            self.terms.alone = true;
            self
        }

        /// Not whole: `Assets` has the clip's beginning as soon as there is one, and longer ones in its place until the
        /// whole is there, which is told by [`GenerationFinished`](super::GenerationFinished) as always. An
        /// [`InteractionPlayer`](crate::playback::InteractionPlayer) plays on through all of them. The whole clip is the
        /// same bit for bit as without; of its beginnings contact is enforced in each anew, so that they may differ from
        /// it by what the player goes over smoothly.
        #[must_use]
        pub fn streamed(mut self) -> Self {
            self.terms.streamed = true;
            self
        }

        /// Where the floor is: the clip's world stands here in the game's, its floor through this point. Only a turn about
        /// the vertical is possible. Pass it on to
        /// [`InteractionPlayer::origin`](crate::playback::InteractionPlayer::origin). The game's own origin unless given.
        #[must_use]
        pub fn origin(mut self, origin: Isometry3d) -> Self {
            self.terms.origin = origin;
            self
        }
    };
}
pub(super) use say_terms;
