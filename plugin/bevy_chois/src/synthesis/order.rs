//! What a game asks for, in Bevy's terms, and the model's request that it comes to.

use std::sync::Arc;
use std::time::Duration;

use bevy::ecs::entity::Entity;
use bevy::math::{Isometry3d, Quat, Vec3};
use chois::geometry::{ObjectGeometry, SdfGrid};
use chois::request::{GuidanceConfig, ObjectPlace, SamplingConfig, Waypoint};
use chois::{InteractionRequest, Result};

use super::terms::{self, Terms, ground, say_terms};
use crate::contact::{ContactMode, Grip};
use crate::frame;

/// The object of an order.
#[derive(Clone, Debug)]
pub enum OrderObject {
    /// An entity with an [`ObjectShape`](crate::object::ObjectShape), or one that will have it soon.
    Entity(Entity),
    /// A shape without an entity.
    Geometry(Arc<ObjectGeometry>),
}

impl From<Entity> for OrderObject {
    fn from(entity: Entity) -> Self {
        Self::Entity(entity)
    }
}

impl From<Arc<ObjectGeometry>> for OrderObject {
    fn from(geometry: Arc<ObjectGeometry>) -> Self {
        Self::Geometry(geometry)
    }
}

/// Where the object is to be at the end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The point it stands on.
    Stands(Vec3),
    /// Its entity's origin, were it turned as at the start.
    Origin(Vec3),
}

/// One interaction, in Bevy's world (metres, Y up).
///
/// Places of the object on its way and at its end are the points that it is over and stands on: under its centre (the
/// mean of its vertices), whatever its shape. So a place where a ray meets the floor, or a table's top, can be given as
/// it is.
///
/// ```no_run
/// # use bevy::prelude::*;
/// # use bevy_chois::synthesis::{InteractionOrder, MotionSynthesizer};
/// # fn ask(lamp: Entity, person: Entity, mut synthesizer: MotionSynthesizer) {
/// let clip = synthesizer.generate(
///     InteractionOrder::new(lamp, "Lift the lamp, move the lamp, and put down the lamp.")
///         .avatar(person)
///         .waypoints([vec3(0.8, 0.0, 0.0), vec3(1.6, 0.0, -0.4)])
///         .end(vec3(2.1, 0.0, -0.7))
///         .seed(7),
/// );
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InteractionOrder {
    /// What is not said in Bevy's terms below: text, length, seed, sampling, guidance. Places in it are of the model's
    /// world (metres, Z up) relative to [`Self::origin`]; those given by the builder win over them. A start that is not
    /// the default wins over where the object's entity is.
    pub request: InteractionRequest,
    pub(super) object: OrderObject,
    pub(super) terms: Terms,
    pub(super) contact: ContactMode,
    pub(super) grip: Grip,
    start: Option<Isometry3d>,
    waypoints: Vec<(Vec3, Option<f32>)>,
    end: Option<End>,
    person: Option<(Vec3, Vec3)>,
}

impl InteractionOrder {
    /// What happens to an object, as a sentence: "Lift the box, move the box, and put down the box."
    pub fn new(object: impl Into<OrderObject>, text: impl Into<String>) -> Self {
        Self::from_request(object, InteractionRequest::new(text))
    }

    /// The same with all that the model's own request can say (metres, Z up).
    pub fn from_request(object: impl Into<OrderObject>, request: InteractionRequest) -> Self {
        Self {
            request,
            object: object.into(),
            terms: Terms::default(),
            contact: ContactMode::default(),
            grip: Grip::default(),
            start: None,
            waypoints: Vec::new(),
            end: None,
            person: None,
        }
    }

    /// Where the object's origin is at the start, and how it is turned. Without it, where its entity is when the order
    /// is worked on.
    #[must_use]
    pub fn start(mut self, place: Isometry3d) -> Self {
        self.start = Some(place);
        self
    }

    /// Points that the object passes over, in order; their height plays no part.
    #[must_use]
    pub fn waypoints(mut self, places: impl IntoIterator<Item = Vec3>) -> Self {
        self.waypoints = places.into_iter().map(|at| (at, None)).collect();
        self
    }

    /// One more point that the object passes over, that many seconds after the start. Give all of them a time, or none.
    #[must_use]
    pub fn waypoint_at(mut self, place: Vec3, seconds: f32) -> Self {
        self.waypoints.push((place, Some(seconds)));
        self
    }

    /// The point that the object stands on at the end.
    #[must_use]
    pub fn end(mut self, place: Vec3) -> Self {
        self.end = Some(End::Stands(place));
        self
    }

    /// Where the origin of the object's entity is at the end (its translation), should it be turned as at the start.
    #[must_use]
    pub fn end_origin(mut self, translation: Vec3) -> Self {
        self.end = Some(End::Origin(translation));
        self
    }

    /// Where the person begins, and the direction they face; heights play no part.
    #[must_use]
    pub fn person(mut self, at: Vec3, facing: Vec3) -> Self {
        self.person = Some((at, facing));
        self
    }

    /// Length, seconds.
    #[must_use]
    pub fn seconds(mut self, seconds: f32) -> Self {
        self.request.seconds = seconds;
        self
    }

    /// The same seed gives the same clip (see [`Self::alone`]).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.request.seed = seed;
        self
    }

    /// How to sample. Orders that wait together are made together when they ask for the same.
    #[must_use]
    pub fn sampling(mut self, sampling: SamplingConfig) -> Self {
        self.request.sampling = sampling;
        self
    }

    /// What the motion is moved toward while sampling.
    #[must_use]
    pub fn guidance(mut self, guidance: GuidanceConfig) -> Self {
        self.request.guidance = guidance;
        self
    }

    /// Whether the clip is corrected so that hands hold; [`ContactMode::Baked`] unless given. What the object weighs is said
    /// by [`ObjectPhysics`](crate::contact::ObjectPhysics) on its entity.
    #[must_use]
    pub fn contact(mut self, mode: ContactMode) -> Self {
        self.contact = mode;
        self
    }

    /// What a hand can do: force, torque, and how far the object may stay behind.
    #[must_use]
    pub fn grip(mut self, grip: Grip) -> Self {
        self.grip = grip;
        self
    }

    say_terms!();

    /// The model's request, for an object of this shape whose entity, and whose avatar, are at these places of the game's
    /// world.
    ///
    /// # Errors
    /// [`chois::Error::Invalid`] where the origin leans, a direction is none, or what comes out is not valid.
    pub fn resolve(
        &self,
        shape: &ObjectGeometry,
        object: Option<Isometry3d>,
        avatar: Option<Isometry3d>,
    ) -> Result<InteractionRequest> {
        let local = self.terms.local()?;
        let mut request = self.request.clone();
        // Where an entity's origin is tells where the centre is, and the lowest point.
        let place = |translation: Vec3, turn: Quat| {
            let turn = frame::rotation(turn);
            let center = frame::vector(translation) + turn * shape.center();
            [center.x, center.y, center.z + shape.lowest(&turn)]
        };
        let given = request.start != ObjectPlace::default();
        let start = self.start.or(object.filter(|_| !given));
        let start = start.map(|place| local * place);
        if let Some(start) = start {
            let turn = frame::rotation(start.rotation);
            request.start = ObjectPlace {
                position: place(start.translation.into(), start.rotation),
                yaw: 0.0,
                rotation: Some([turn.i, turn.j, turn.k, turn.w]),
            };
        }
        if !self.waypoints.is_empty() {
            let waypoint = |(at, time): &(Vec3, Option<f32>)| Waypoint {
                at: ground(local, *at),
                time: *time,
            };
            request.waypoints = self.waypoints.iter().map(waypoint).collect();
        }
        match self.end {
            Some(End::Stands(at)) => {
                let at = frame::vector(local * at);
                request.end = Some([at.x, at.y, at.z]);
            }
            Some(End::Origin(translation)) => {
                let turn = start.map_or(Quat::IDENTITY, |s| s.rotation);
                request.end = Some(place(local * translation, turn));
            }
            None => {}
        }
        let avatar = avatar.filter(|_| request.person.is_none());
        let person = (self.person).or(avatar.map(|a| (a.translation.into(), a.rotation * Vec3::Z)));
        if let Some((at, facing)) = person {
            request.person = Some(terms::person(local, at, facing)?);
        }
        request.validate()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_2, PI};

    use chois::geometry::Mesh;
    use chois::request::plan::{Plan, relaxed};
    use chois::skeleton::{JOINTS, Skeleton};
    use nalgebra::Vector3;

    use super::*;

    /// A post of 0.2 x 0.2 x 1.0 (Z up) whose origin is at a lower corner.
    fn post() -> ObjectGeometry {
        let mesh = Mesh::cuboid(Vector3::zeros(), Vector3::new(0.2, 0.2, 1.0));
        ObjectGeometry::new("post", mesh).expect("a post")
    }

    fn order() -> InteractionOrder {
        InteractionOrder::new(Arc::new(post()), "Lift the post and put it down.")
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn an_entity_at_a_place_starts_there_whatever_its_origin() {
        let shape = post();
        // Bevy's (x, y, z) is the model's (x, -z, y).
        let place = Isometry3d::from_translation(Vec3::new(1.0, 0.5, -2.0));
        let request = order().resolve(&shape, Some(place), None).expect("valid");
        assert!(close(&request.start.position, &[1.1, 2.1, 0.5]));
        // Laid down on its side: about Bevy's Z by a quarter turn, so that what was up points to -X.
        let laid = Isometry3d::new(Vec3::new(0.0, 0.3, 0.0), Quat::from_rotation_z(FRAC_PI_2));
        let request = order().resolve(&shape, Some(laid), None).expect("valid");
        assert!(close(&request.start.position, &[-0.5, 0.1, 0.3]));
        // The plan, which the clip follows, puts the entity's vertices where the game has them.
        let skeleton = Skeleton {
            rest_offsets: [Vector3::new(0.0, 0.1, 0.0); JOINTS],
        };
        let plan = Plan::new(&request, &shape, &skeleton, &relaxed()).expect("a plan");
        for v in shape.vertices() {
            let planned = plan.center(0) + plan.rotation * v;
            let own = frame::vec3(shape.center() + v);
            let there = laid * own;
            assert!((frame::vec3(planned) - there).length() < 1e-5);
        }
    }

    #[test]
    fn what_the_request_says_wins_over_the_entity_and_the_builder_over_both() {
        let shape = post();
        let here = Isometry3d::from_translation(Vec3::new(9.0, 0.0, 9.0));
        let request = InteractionRequest::new("Kick it.").start([0.5, 0.5, 0.0]);
        let order = InteractionOrder::from_request(Arc::new(shape.clone()), request);
        let resolved = order.resolve(&shape, Some(here), None).expect("valid");
        assert_eq!(resolved.start.position, [0.5, 0.5, 0.0]);
        let start = Isometry3d::from_translation(Vec3::new(-0.1, 0.0, 0.1));
        let resolved = (order.start(start).resolve(&shape, Some(here), None)).expect("valid");
        assert!(close(&resolved.start.position, &[0.0, 0.0, 0.0]));
    }

    #[test]
    fn ends_and_waypoints_are_where_the_object_stands() {
        let shape = post();
        let order = order()
            .waypoints([Vec3::new(0.5, 7.0, -0.5)])
            .end(Vec3::new(1.0, 0.8, -1.0));
        let request = order.resolve(&shape, None, None).expect("valid");
        assert_eq!(request.waypoints[0].at, [0.5, 0.5]);
        assert_eq!(request.end, Some([1.0, 1.0, 0.8]));
        // As an entity's translation the same place is a corner off.
        let start = Isometry3d::from_translation(Vec3::new(0.0, 0.0, 0.0));
        let order = order.end_origin(Vec3::new(1.0, 0.8, -1.0));
        let request = order.resolve(&shape, Some(start), None).expect("valid");
        assert!(close(&request.end.expect("an end"), &[1.1, 1.1, 0.8]));
        let timed = order
            .waypoints([])
            .waypoint_at(Vec3::new(0.3, 0.0, 0.0), 1.5);
        let request = timed.resolve(&shape, Some(start), None).expect("valid");
        assert_eq!(request.waypoints[0].time, Some(1.5));
    }

    #[test]
    fn the_person_stands_and_faces_as_the_avatar_does() {
        let shape = post();
        // glTF people look along +Z, which is the model's -y; turned by 90 degrees they look along +X.
        for (turn, facing) in [(0.0, -90.0), (FRAC_PI_2, 0.0), (-FRAC_PI_2, 180.0)] {
            let avatar = Isometry3d::new(Vec3::new(1.0, 0.0, 3.0), Quat::from_rotation_y(turn));
            let request = order().resolve(&shape, None, Some(avatar)).expect("valid");
            let person = request.person.expect("a person");
            assert!(close(&person.position, &[1.0, -3.0]));
            let off = (person.facing - facing).rem_euclid(360.0);
            assert!(off.min(360.0 - off) < 1e-3, "{} for {turn}", person.facing);
        }
        let upward = order().person(Vec3::ZERO, Vec3::Y);
        let error = upward
            .resolve(&shape, None, None)
            .expect_err("no direction");
        assert!(error.to_string().starts_with("person.facing: "));
        // Lying on the back, looking up: no direction either.
        let lying = Isometry3d::from_rotation(Quat::from_rotation_x(-FRAC_PI_2));
        assert!(order().resolve(&shape, None, Some(lying)).is_err());
    }

    #[test]
    fn an_origin_moves_the_floor_and_turns_the_world() {
        let shape = post();
        let origin = Isometry3d::new(Vec3::new(100.0, 12.0, -50.0), Quat::from_rotation_y(0.7));
        let inside = order()
            .start(Isometry3d::from_rotation(Quat::from_rotation_y(0.3)))
            .waypoints([Vec3::new(0.5, 0.0, -0.5)])
            .end(Vec3::new(1.0, 0.8, -1.0))
            .person(Vec3::new(0.0, 0.0, 1.0), Vec3::NEG_Z);
        let outside = order()
            .start(origin * Isometry3d::from_rotation(Quat::from_rotation_y(0.3)))
            .waypoints([origin * Vec3::new(0.5, 0.0, -0.5)])
            .end(origin * Vec3::new(1.0, 0.8, -1.0))
            .person(
                origin * Vec3::new(0.0, 0.0, 1.0),
                origin.rotation * Vec3::NEG_Z,
            )
            .origin(origin);
        let want = inside.resolve(&shape, None, None).expect("valid");
        let got = outside.resolve(&shape, None, None).expect("valid");
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(near(&got.start.position, &want.start.position));
        let turn = |r: &InteractionRequest| r.start.rotation.expect("a rotation");
        assert!(near(&turn(&got), &turn(&want)));
        assert!(near(&got.waypoints[0].at, &want.waypoints[0].at));
        assert!(near(&got.end.expect("an end"), &want.end.expect("an end")));
        let person = |r: &InteractionRequest| r.person.expect("a person");
        assert!((person(&got).facing - person(&want).facing).abs() < 1e-2);
        let leaning = order().origin(Isometry3d::from_rotation(Quat::from_rotation_x(PI / 4.0)));
        assert!(leaning.resolve(&shape, None, None).is_err());
        let nowhere = order().origin(Isometry3d::from_translation(Vec3::NAN));
        assert!(nowhere.resolve(&shape, None, None).is_err());
    }
}
