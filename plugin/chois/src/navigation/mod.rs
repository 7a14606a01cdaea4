//! Navigation: from a plan's relations to exactly where things go, and the ways there.
//!
//! [`Navigator`] keeps a map of a scene (obstacles, free floor, navigation meshes by `polyanya`) and turns a
//! [`CommandPlan`] into [`Leg`]s: walking to where an item can be taken, the interaction with it as an
//! [`InteractionRequest`] whose waypoints the network knows how to follow, and walking back. What cannot be done is refused
//! with a reason for the player. Metres, Z up, floor at 0.

mod clear;
mod legs;
mod map;
mod near;
mod pace;
mod pair;
mod place;
mod refusal;
mod route;
mod stand;
mod walk;

use nalgebra::{UnitQuaternion, Vector2, Vector3};
use serde::{Deserialize, Serialize};

pub use map::{Agent, Map};
pub use refusal::NavigationRefusal;
pub use route::Route;

use crate::command::{CommandPlan, Manner};
use crate::geometry::SdfGrid;
use crate::request::{InteractionRequest, ObjectPlace, PersonPlace, WalkRequest};
use crate::scene::{Footprint, Item, ItemId, Scene, rotation};
use crate::skeleton::{Pose, joint};

/// How much room people take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NavigationConfig {
    /// Half the width of a walking person, metres.
    pub person_radius: f32,
    /// Room on both sides of what is carried, metres.
    pub margin: f32,
    /// Seed of the first request; each further one counts up.
    pub seed: u64,
}

impl Default for NavigationConfig {
    fn default() -> Self {
        Self {
            person_radius: 0.25,
            margin: 0.04,
            seed: 0,
        }
    }
}

/// One part of carrying a command out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The person walks with empty hands.
    Walk(WalkLeg),
    /// The person does something with an item.
    Interact(Box<InteractLeg>),
    /// The person stands still.
    Wait {
        /// The step of the plan.
        step: usize,
    },
}

/// Walking with empty hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WalkLeg {
    /// The step of the plan that this is for.
    pub step: usize,
    /// Where the pelvis passes: x and y, metres. The first is where the person stands.
    pub points: Vec<[f32; 2]>,
    /// When, seconds from the beginning of the leg; one for each point.
    pub times: Vec<f32>,
    /// Direction faced at the end, degrees from +x, counter-clockwise.
    pub facing: f32,
}

/// Places that a walk is asked to pass are no nearer to each other than this, metres, ...
const SPACING: f32 = 0.35;
/// ... unless the way would be farther off without one.
const STRAIGHTER: f32 = 0.04;

impl WalkLeg {
    /// What the network is asked for; the person is still to be set. The pace is the usual one unless the leg's own times
    /// are to be kept.
    pub fn request(&self, timed: bool) -> WalkRequest {
        let points: Vec<Vector2<f32>> = self.points.iter().map(|p| (*p).into()).collect();
        let end = self.points.last().copied().unwrap_or_default();
        let mut places: Vec<[f32; 2]> = Vec::new();
        let mut last = 0;
        for i in 1..points.len().saturating_sub(1) {
            let apart = |j: usize| (points[i] - points[j]).norm();
            let cut = points[last + 1..=i].iter().any(|p| {
                let along = points[i + 1] - points[last];
                let t = (p - points[last]).dot(&along) / along.norm_squared().max(1e-9);
                (p - points[last] - along * t.clamp(0.0, 1.0)).norm() > STRAIGHTER
            });
            let spaced = apart(last) >= SPACING && apart(points.len() - 1) >= SPACING;
            if spaced || (cut && apart(last) > 2.0 * STRAIGHTER) {
                places.push(self.points[i]);
                last = i;
            }
        }
        let mut request = WalkRequest::to(end).waypoints(places).facing(self.facing);
        if timed {
            request.seconds = self.times.last().copied();
        }
        request
    }
}

/// An interaction with an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InteractLeg {
    /// The step of the plan that this is for.
    pub step: usize,
    /// The item.
    pub item: ItemId,
    /// What the network is asked for: text, start, waypoints, end, person, seconds.
    pub request: InteractionRequest,
    /// The item at the end, with the turn it should have; a request knows only of its position.
    pub end: ObjectPlace,
    /// The way of the item's centre in full: x and y, metres.
    pub path: Vec<[f32; 2]>,
    /// Where the person may stand when it is done: a guess, for the motion decides.
    pub person: PersonPlace,
}

/// How often the clip of an interaction is made that leaves its item elsewhere than it should, or its person bent over.
pub const TRIES: usize = 3;
/// Who leans more than this when it is done is still bent over what they have set down, radians.
const BENT: f32 = 0.7;
/// An item this near to its place, and turned this little otherwise, is where it should be: metres, radians.
const IN_PLACE: (f32, f32) = (0.15, 15.0 * std::f32::consts::PI / 180.0);

impl InteractLeg {
    /// Seed of a clip that is made for the `again`th time, from 0.
    pub fn seed(&self, again: usize) -> u64 {
        // Far from those of the other legs.
        self.request.seed.wrapping_add(again as u64 * 1_000_003)
    }

    /// How far a place of the item is from where it should be at the end, metres, and turned otherwise, radians, the nearest
    /// of the ways in which it looks the same.
    pub fn off(&self, place: &ObjectPlace) -> (f32, f32) {
        let way = Vector3::from(place.position) - Vector3::from(self.end.position);
        let alike = self.request.end_turn.map_or(1, |turn| turn.alike.max(1));
        let turn = (0..alike)
            .map(|k| {
                let way = std::f32::consts::TAU * k as f32 / alike as f32;
                let turned = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), way);
                rotation(place).angle_to(&(turned * rotation(&self.end)))
            })
            .fold(f32::INFINITY, f32::min);
        (way.norm(), turn)
    }

    /// Whether an item is where it should be at the end, and as it should.
    pub fn is_done(&self, place: &ObjectPlace) -> bool {
        let (way, turn) = self.off(place);
        way < IN_PLACE.0 && turn < IN_PLACE.1
    }

    /// Whether somebody whose last pose this is stands upright again. It is no fault where the next leg takes them on, but where
    /// there is a better clip it is looked for.
    pub fn is_upright(&self, pose: &Pose) -> bool {
        (pose.rotations[joint::SPINE2] * Vector3::y()).z > BENT.cos()
    }
}

/// A map of a scene, and plans on it.
pub struct Navigator {
    map: Map,
    config: NavigationConfig,
}

impl Navigator {
    /// The map of a scene.
    pub fn new(scene: &Scene, config: NavigationConfig) -> Self {
        Self {
            map: Map::new(scene),
            config,
        }
    }

    /// Makes beforehand what plans in this scene will ask of its things, so that no command waits for it. Plans are the same
    /// without it.
    pub fn prepare(&mut self, scene: &Scene) {
        self.follow(scene);
        let walker = Agent::person(self.config.person_radius.clamp(0.05, 2.0));
        self.map.prepare(scene, &walker);
    }

    /// Makes the map that of what the scene has become, as [`Self::new`] would; only what has moved is looked at.
    pub fn follow(&mut self, scene: &Scene) {
        self.map.follow(scene);
    }

    /// Sets how much room people take, and the seed of the next request.
    pub fn configure(&mut self, config: NavigationConfig) {
        self.config = config;
    }

    /// An item has come or moved. Tells the map; the navigation meshes that it concerns are made again when next needed.
    pub fn set(&mut self, item: &Item) {
        self.map.set(item);
    }

    /// An item is gone.
    pub fn remove(&mut self, id: ItemId) {
        self.map.remove(id);
    }

    /// The map.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The floor that a walking person can be on, for drawing.
    pub fn walkable(&mut self) -> Footprint {
        let agent = Agent::person(self.config.person_radius);
        self.map.free(&agent, &[]).area.clone()
    }

    /// The legs of a plan, one after the other, each beginning where the last has ended. `scene` is what the map was made
    /// of and told of since.
    ///
    /// # Errors
    /// The first reason for which a step cannot be done.
    pub fn plan(
        &mut self,
        plan: &CommandPlan,
        scene: &Scene,
    ) -> Result<Vec<Leg>, NavigationRefusal> {
        scene.validate().map_err(unusable)?;
        let mut planning = legs::Planning::new(&mut self.map, &self.config, scene);
        let made = planning.steps(&plan.steps);
        let moved = planning.moved();
        // What the plan would move is still where it was.
        for id in moved {
            if let Some(item) = scene.item(id) {
                self.map.set(item);
            }
        }
        made
    }

    /// A walk from where somebody came to stand: what they did before has not left them quite where it was planned. `scene` is
    /// as it is by then. The walk as it was where there is no other way.
    pub fn again(&mut self, leg: &WalkLeg, person: PersonPlace, scene: &Scene) -> WalkLeg {
        self.map.follow(scene);
        let mut walk = leg.clone();
        let (Some(goal), Some(first)) = (leg.points.last(), walk.points.first_mut()) else {
            return walk;
        };
        *first = person.position;
        if let Ok(route) = self.route(person.position, *goal) {
            let usual = |points: &[[f32; 2]]| {
                let points: Vec<Vector2<f32>> = points.iter().map(|p| (*p).into()).collect();
                pace::walking_times(&points, &Manner::default())
            };
            let whole = |times: &[f32]| times.last().copied().unwrap_or_default();
            let slower = whole(&leg.times) / whole(&usual(&leg.points)).max(1e-3);
            walk.points = places(&route.points);
            walk.times = (usual(&walk.points).iter()).map(|t| t * slower).collect();
        }
        walk
    }

    /// The distance to what stands about each leg of a plan, for guidance to keep body and object out of it; None for legs on
    /// which nobody goes anywhere. Things are as much larger as there is flesh about a joint.
    pub fn distances(&self, legs: &[Leg]) -> Vec<Option<SdfGrid>> {
        near::distances(&self.map, legs)
    }

    /// The way of a walking person to a point, with room to spare where there is room.
    ///
    /// # Errors
    /// [`NavigationRefusal::TooNarrow`], [`NavigationRefusal::NoWay`]; [`NavigationRefusal::Unusable`] for places that are
    /// not finite.
    pub fn route(&mut self, from: [f32; 2], to: [f32; 2]) -> Result<Route, NavigationRefusal> {
        let agent = Agent::person(self.config.person_radius);
        self.route_of(&agent, from, to, &[])
    }

    /// The way of any agent to a point, some items being no obstacle to it.
    ///
    /// # Errors
    /// As [`Self::route`].
    pub fn route_of(
        &mut self,
        agent: &Agent,
        from: [f32; 2],
        to: [f32; 2],
        without: &[ItemId],
    ) -> Result<Route, NavigationRefusal> {
        let finite = from.iter().chain(&to).all(|v| v.is_finite());
        let sane = agent.person.is_finite() && agent.person >= 0.0 && agent.carried.is_finite();
        if !finite || !sane {
            return Err(NavigationRefusal::Unusable {
                reason: "a way needs finite places and widths".into(),
            });
        }
        let ends = route::Ends {
            from: from.into(),
            to: to.into(),
            without,
        };
        route::find(&mut self.map, agent, ends)
            .map_err(|dead| no_way(dead, "person", agent, "that place".into()))
    }
}

fn unusable(error: crate::Error) -> NavigationRefusal {
    NavigationRefusal::Unusable {
        reason: error.to_string(),
    }
}

fn no_way(dead: route::Dead, name: &str, agent: &Agent, place: String) -> NavigationRefusal {
    match dead {
        route::Dead::End => NavigationRefusal::NoWay { place },
        route::Dead::Narrow { gap, at } => NavigationRefusal::TooNarrow {
            name: name.to_owned(),
            gap,
            needed: agent.carried.max(agent.person) * 2.0,
            at: at.into(),
        },
    }
}

fn places(points: &[Vector2<f32>]) -> Vec<[f32; 2]> {
    points.iter().map(|p| (*p).into()).collect()
}
