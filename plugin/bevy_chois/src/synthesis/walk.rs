//! A walk without an object, as a game asks for it.

use std::sync::Arc;
use std::time::Duration;

use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Vec3};
use chois::geometry::SdfGrid;
use chois::request::{PersonPlace, WalkRequest};
use chois::{Error, Result};

use crate::frame;

/// One walk of a person to a place, in Bevy's world (metres, Y up). It ends standing, ready for an interaction.
#[derive(Clone, Debug)]
pub struct WalkOrder {
    /// What is not said in Bevy's terms below: pace, seed, sampling, guidance. Places in it are of the model's world
    /// (metres, Z up) relative to [`Self::origin`]. Its pose, or a person that is not the default, wins over where the
    /// avatar is.
    pub request: WalkRequest,
    pub(super) avatar: Option<Entity>,
    pub(super) scene: Option<Arc<SdfGrid>>,
    pub(super) priority: i32,
    pub(super) deadline: Option<Duration>,
    pub(super) alone: bool,
    pub(super) streamed: bool,
    pub(super) origin: Isometry3d,
}

impl WalkOrder {
    /// A walk that the model's own request says (metres, Z up).
    pub fn from_request(request: WalkRequest) -> Self {
        Self {
            request,
            avatar: None,
            scene: None,
            priority: 0,
            deadline: None,
            alone: false,
            streamed: false,
            origin: Isometry3d::IDENTITY,
        }
    }

    /// A walk to a place; its height plays no part.
    pub fn to(place: Vec3) -> Self {
        let at = frame::vector(place);
        Self::from_request(WalkRequest::to([at.x, at.y]))
    }

    /// Places on the way, in order; their height plays no part.
    #[must_use]
    pub fn waypoints(mut self, places: impl IntoIterator<Item = Vec3>) -> Self {
        let places = places.into_iter().map(|place| {
            let at = frame::vector(place);
            [at.x, at.y]
        });
        self.request = self.request.waypoints(places);
        self
    }

    /// Who walks: from where this entity is, facing where its +Z points. It is told what happens to the order.
    #[must_use]
    pub fn avatar(mut self, avatar: Entity) -> Self {
        self.avatar = Some(avatar);
        self
    }

    /// Distance to the scene's geometry, in the request's frame, for the scene term of guidance.
    #[must_use]
    pub fn scene(mut self, scene: Arc<SdfGrid>) -> Self {
        self.scene = Some(scene);
        self
    }

    /// Higher ones are made first; 0 unless given.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Time after which the clip is not wanted any more.
    #[must_use]
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Not in one batch with others: the same bits whatever else is asked for at the time.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Not whole: `Assets` has the clip's beginning as soon as there is one, and longer ones in its place until the whole is
    /// there, which is told by [`GenerationFinished`](super::GenerationFinished) as always. An
    /// [`InteractionPlayer`](crate::playback::InteractionPlayer) plays on through all of them. The whole clip is the same bit
    /// for bit as without; of its beginnings contact is enforced in each anew, so that they may differ from it by what the
    /// player goes over smoothly.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// Where the floor is: the clip's world stands here in the game's. Only a turn about the vertical is possible.
    #[must_use]
    pub fn origin(mut self, origin: Isometry3d) -> Self {
        self.origin = origin;
        self
    }

    /// The model's request, for an avatar that is at this place of the game's world.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the avatar lies on its back, or what comes out is not valid.
    pub fn resolve(&self, avatar: Option<Isometry3d>) -> Result<WalkRequest> {
        let mut request = self.request.clone();
        let given = request.pose.is_some() || request.person != PersonPlace::default();
        if let Some(avatar) = avatar.filter(|_| !given) {
            let place = self.origin.inverse() * avatar;
            let facing = frame::vector(place.rotation * Vec3::Z);
            let level = facing.x.hypot(facing.y);
            if !level.is_finite() || level < 1e-3 {
                return Err(Error::invalid(
                    "person.facing",
                    "points neither way along the floor; stand the avatar upright",
                ));
            }
            let at = frame::vector(place.translation.into());
            request.person = PersonPlace {
                position: [at.x, at.y],
                facing: facing.y.atan2(facing.x).to_degrees(),
            };
        }
        request.validate()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::FRAC_PI_2;

    use bevy::math::Quat;

    use super::*;

    #[test]
    fn the_walker_begins_where_the_avatar_stands() {
        let avatar = Isometry3d::new(Vec3::new(1.0, 0.0, 3.0), Quat::from_rotation_y(FRAC_PI_2));
        let order = WalkOrder::to(Vec3::new(4.0, 0.0, -2.0)).waypoints([Vec3::new(2.0, 1.0, 0.0)]);
        let request = order.resolve(Some(avatar)).expect("valid");
        assert_eq!(request.end, [4.0, 2.0]);
        assert_eq!(request.waypoints[0].at, [2.0, 0.0]);
        assert_eq!(request.person.position, [1.0, -3.0]);
        assert!(request.person.facing.abs() < 1e-3);
        let lying = Isometry3d::from_rotation(Quat::from_rotation_x(-FRAC_PI_2));
        assert!(order.resolve(Some(lying)).is_err());
        let nowhere = WalkOrder::to(Vec3::NAN);
        assert!(nowhere.resolve(Some(avatar)).is_err());
    }
}
