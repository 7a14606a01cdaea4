//! A walk without an object, as a game asks for it.

use std::sync::Arc;
use std::time::Duration;

use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Vec3};
use chois::Result;
use chois::geometry::SdfGrid;
use chois::request::{PersonPlace, WalkRequest};

use super::terms::{self, Terms, ground, say_terms};

/// One walk of a person to a place, in Bevy's world (metres, Y up). It ends standing, ready for an interaction.
#[derive(Clone, Debug)]
pub struct WalkOrder {
    /// What is not said in Bevy's terms below: pace, seed, sampling, guidance. Places in it are of the model's world
    /// (metres, Z up) relative to [`Self::origin`]; those given by the builder win over them. Its pose, or a person that is not the default, wins over where the
    /// avatar is.
    pub request: WalkRequest,
    pub(super) terms: Terms,
    to: Option<Vec3>,
    waypoints: Vec<Vec3>,
}

impl WalkOrder {
    /// A walk that the model's own request says (metres, Z up).
    pub fn from_request(request: WalkRequest) -> Self {
        Self {
            request,
            terms: Terms::default(),
            to: None,
            waypoints: Vec::new(),
        }
    }

    /// A walk to a place; its height plays no part.
    pub fn to(place: Vec3) -> Self {
        Self {
            to: Some(place),
            ..Self::from_request(WalkRequest::to([0.0; 2]))
        }
    }

    /// Places on the way, in order; their height plays no part.
    #[must_use]
    pub fn waypoints(mut self, places: impl IntoIterator<Item = Vec3>) -> Self {
        self.waypoints = places.into_iter().collect();
        self
    }

    say_terms!();

    /// The model's request, for an avatar that is at this place of the game's world.
    ///
    /// # Errors
    /// [`Error::Invalid`](chois::Error::Invalid) where the origin leans, the avatar lies on its back, or what comes out is
    /// not valid.
    pub fn resolve(&self, avatar: Option<Isometry3d>) -> Result<WalkRequest> {
        let local = self.terms.local()?;
        let mut request = self.request.clone();
        if let Some(place) = self.to {
            request.end = ground(local, place);
        }
        if !self.waypoints.is_empty() {
            let places = self.waypoints.iter().map(|at| ground(local, *at));
            request = request.waypoints(places);
        }
        let given = request.pose.is_some() || request.person != PersonPlace::default();
        if let Some(avatar) = avatar.filter(|_| !given) {
            let facing = avatar.rotation * Vec3::Z;
            request.person = terms::person(local, avatar.translation.into(), facing)?;
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
        // Seen from a floor that is elsewhere, and turned, it is the same walk there.
        let origin = Isometry3d::new(Vec3::new(40.0, 2.0, -7.0), Quat::from_rotation_y(0.7));
        let there = WalkOrder::to(origin * Vec3::new(4.0, 0.0, -2.0))
            .waypoints([origin * Vec3::new(2.0, 1.0, 0.0)])
            .origin(origin);
        let same = there.resolve(Some(origin * avatar)).expect("valid");
        let near = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < 1e-4;
        assert!(near(same.end, request.end) && near(same.waypoints[0].at, [2.0, 0.0]));
        assert!(near(same.person.position, [1.0, -3.0]) && same.person.facing.abs() < 1e-3);
        let leaning = Isometry3d::from_rotation(Quat::from_rotation_x(0.5));
        assert!(order.clone().origin(leaning).resolve(None).is_err());
        let nowhere = WalkOrder::to(Vec3::NAN);
        assert!(nowhere.resolve(Some(avatar)).is_err());
    }
}
