//! Commands carried out from the sentence to the last clip, in the rooms of `assets/scenes`: what the plugin's people do, one
//! leg after the other, without an engine.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chois::command::{CommandParser, Grammar, Pace};
use chois::contact::{ContactOptions, ObjectPhysics, PhysicalObject, correct};
use chois::diffusion::Flow;
use chois::geometry::Surface;
use chois::motion::MotionClip;
use chois::navigation::{Leg, NavigationConfig, NavigationRefusal, Navigator, TRIES};
use chois::request::{ObjectPlace, PersonPlace};
use chois::scene::{Footprint, Item, ItemId, Scene, place_of};
use chois::skeleton::{PARENTS, joint};
use chois::synthesis::{Order, Synthesizer, WalkOrder};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};

/// Commands by room.
pub const COMMANDS: [(&str, [&str; 20]); 3] = [
    (
        "living_room",
        [
            "Move the floor lamp next to the table.",
            "Put the suitcase against the wall.",
            "Carry the chair to the window.",
            "Take the storage box to the sofa.",
            "Bring the stool in front of the sofa.",
            "Push the box next to the shelf.",
            "Put the bin beside the sofa, then come back.",
            "Move the lamp away from the window.",
            "Carry the small table to the rug.",
            "Put the bin between the sofa and the table.",
            "Take the suitcase to the door.",
            "Move the box one metre to the left.",
            "Bring the clothes stand to the plant.",
            "Place the tripod near the window.",
            "Put the chair behind the table.",
            "Set the storage box next to the sofa.",
            "Go to the sofa.",
            "Walk to the window, then go to the door.",
            "Pull the suitcase to the table.",
            "Take the bin to the shelf and come back.",
        ],
    ),
    (
        "warehouse",
        [
            "Take the crate to the north shelf.",
            "Carry the box next to the table.",
            "Put the storage box beside the crate.",
            "Move the suitcase to the door.",
            "Carry the chair to the table.",
            "Bring the bin next to the lamp.",
            "Put the stool near the clothes stand.",
            "Push the box to the crate.",
            "Move the tripod away from the wall.",
            "Carry the lamp next to the bin.",
            "Take the clothes stand to the south shelf.",
            "Put the crate in front of the chair.",
            "Carry the table to the marker A.",
            "Move the storage box one metre to the right.",
            "Put the suitcase behind the lamp.",
            "Go to the stool.",
            "Walk to the crate and come back.",
            "Put the bin against the wall.",
            "Pull the suitcase next to the chair.",
            "Take the box to the middle shelf, then go to the door.",
        ],
    ),
    (
        "clutter",
        [
            "Put the suitcase against the wall.",
            "Move the floor lamp next to the table.",
            "Carry the chair to the window.",
            "Take the bin to the door.",
            "Put the stool next to the sofa.",
            "Bring the crate to the table.",
            "Move the box away from the sofa.",
            "Carry the storage box next to the crate.",
            "Put the tripod against the wall.",
            "Move the clothes stand near the window.",
            "Push the box to the wall.",
            "Take the chair to the table.",
            "Put the lamp beside the sofa.",
            "Bring the bin next to the chair.",
            "Pull the suitcase to the door.",
            "Go to the window.",
            "Walk to the door, then come back.",
            "Put the crate behind the chair.",
            "Carry the stool to the marker A.",
            "Take the suitcase to the table and come back.",
        ],
    ),
];

/// So near an item is to its place, metres.
pub const PLACE: f32 = 0.15;
/// So little it is turned otherwise than it should be, radians.
pub const TURN: f32 = 15.0 * std::f32::consts::PI / 180.0;
/// So deep at most anything is in anything else, metres.
pub const DEPTH: f32 = 0.02;

/// What came of a command.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Where it was given.
    pub room: String,
    /// Its words.
    pub text: String,
    /// Why nothing was done.
    pub refused: Option<String>,
    /// Nothing is to be done: the item is where it should be, and the player is told so.
    pub already: Option<String>,
    /// Clips made, and their length, seconds.
    pub clips: Vec<(String, f32)>,
    /// How far the item last moved is from where it should be, metres, and turned from how it should be, radians.
    pub off: Option<(f32, f32)>,
    /// How far the person is from where a last walk should have ended, metres.
    pub astray: Option<f32>,
    /// Deepest that the item is in anything else.
    pub item_depth: Deepest,
    /// Deepest that the body is in anything but the item.
    pub body_depth: Deepest,
    /// The same of the model's motion, before hands held.
    pub model_depth: Deepest,
    /// Understanding and planning.
    pub thought: Duration,
    /// The parts of that: the sentence, the map of the scene, the plan's ways, what stands about them.
    pub thinking: [Duration; 4],
    /// Clips that were made again, for they left the item elsewhere.
    pub tries: usize,
    /// From the command to the first clip.
    pub first: Duration,
    /// Everything.
    pub all: Duration,
    /// What was planned and made, leg by leg.
    pub made: Vec<Made>,
}

/// A leg and what came of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// As planned.
    pub leg: Leg,
    /// The motion; hands hold.
    pub clip: MotionClip,
    /// How the model left the item turned, before hands held it, degrees.
    pub model_turn: Option<f32>,
    /// Outlines of what stands about: name, and from and to which height, metres.
    pub standing: Vec<(String, [f32; 2], Footprint)>,
}

/// A clip that came of an interaction.
struct Try {
    clip: MotionClip,
    model: MotionClip,
    place: ObjectPlace,
    off: (f32, f32),
    model_turn: Option<f32>,
}

/// See [`Outcome`].
#[derive(Clone, Debug, Default)]
pub struct Deepest {
    /// How deep.
    pub metres: f32,
    /// In what.
    pub what: String,
    /// The joint at the end of the bone, of a body.
    pub bone: Option<usize>,
    /// In which clip.
    pub clip: usize,
    /// At which of its frames.
    pub frame: usize,
}

impl Outcome {
    /// Whether all bars are met.
    pub fn done(&self) -> bool {
        self.refused.is_none()
            && self
                .off
                .is_none_or(|(way, turn)| way < PLACE && turn < TURN)
            && self.astray.is_none_or(|way| way < PLACE)
            && self.item_depth.metres < DEPTH
            && self.body_depth.metres < DEPTH
    }
}

/// Carries commands out.
pub struct Doer {
    synthesizer: Synthesizer,
    grammar: Grammar,
    navigator: Option<Navigator>,
    surfaces: HashMap<String, Surface>,
    objects: HashMap<String, PhysicalObject>,
}

/// An item that is in the way: its surface, its place, and the box about it, world.
struct Standing<'a> {
    item: &'a Item,
    surface: &'a Surface,
    back: Isometry3<f32>,
    low: Vector3<f32>,
    high: Vector3<f32>,
}

/// How thick a person is about the line from a joint's parent to it, metres.
fn thickness(j: usize) -> f32 {
    use joint as n;
    match j {
        n::SPINE1 | n::SPINE2 | n::SPINE3 => 0.1,
        n::HEAD => 0.08,
        n::LEFT_KNEE | n::RIGHT_KNEE => 0.06,
        n::LEFT_ANKLE | n::RIGHT_ANKLE => 0.045,
        n::LEFT_ELBOW | n::RIGHT_ELBOW | n::LEFT_WRIST | n::RIGHT_WRIST => 0.035,
        n::LEFT_PALM | n::RIGHT_PALM => 0.015,
        _ => 0.03,
    }
}

/// Points along the bones, with how thick the body is there.
fn body(clip: &MotionClip, frame: usize) -> Vec<(Vector3<f32>, f32, usize)> {
    let joints = clip.joints(frame);
    let mut out = Vec::new();
    for j in 1..joints.len() {
        let Some(parent) = PARENTS[j] else {
            continue;
        };
        let (a, b) = (joints[parent], joints[j]);
        let count = ((b - a).norm() / 0.06).ceil().max(1.0) as usize;
        for k in 1..=count {
            out.push((a.lerp(&b, k as f32 / count as f32), thickness(j), j));
        }
    }
    out
}

impl Doer {
    /// Understands and moves by these.
    pub fn new(synthesizer: Synthesizer, grammar: Grammar) -> Self {
        Self {
            synthesizer,
            grammar,
            navigator: None,
            surfaces: HashMap::new(),
            objects: HashMap::new(),
        }
    }

    /// Comes into a room: what a game does while it loads.
    ///
    /// # Panics
    /// When its names cannot be encoded.
    pub fn enter(&mut self, scene: &Scene) {
        self.grammar.prepare(scene).expect("names can be encoded");
        let config = NavigationConfig::default();
        let navigator = match &mut self.navigator {
            Some(navigator) => navigator,
            none => none.insert(Navigator::new(scene, config)),
        };
        navigator.prepare(scene);
    }

    /// Does what a command says. `scene` is afterwards as it was left.
    pub fn carry_out(&mut self, room: &str, text: &str, scene: &mut Scene, seed: u64) -> Outcome {
        let mut out = Outcome {
            room: room.into(),
            text: text.into(),
            ..Outcome::default()
        };
        let began = Instant::now();
        let plan = match self.grammar.understand(text, scene) {
            Ok(plan) => plan,
            Err(refusal) => {
                out.refused = Some(refusal.to_string());
                return out;
            }
        };
        let understood = began.elapsed();
        let config = NavigationConfig {
            seed,
            ..NavigationConfig::default()
        };
        let navigator = match &mut self.navigator {
            Some(navigator) => {
                navigator.follow(scene);
                navigator.configure(config);
                navigator
            }
            none => none.insert(Navigator::new(scene, config)),
        };
        let mapped = began.elapsed();
        let legs = match navigator.plan(&plan, scene) {
            Ok(legs) => legs,
            Err(already @ NavigationRefusal::AlreadyThere { .. }) => {
                out.already = Some(already.to_string());
                return out;
            }
            Err(refusal) => {
                out.refused = Some(refusal.to_string());
                return out;
            }
        };
        let planned = began.elapsed();
        let about = navigator.distances(&legs);
        out.thought = began.elapsed();
        out.thinking = [
            understood,
            mapped - understood,
            planned - mapped,
            out.thought - planned,
        ];
        for item in &scene.items {
            if !item.is_passable() && !self.surfaces.contains_key(item.geometry.name()) {
                let name = item.geometry.name().to_owned();
                self.surfaces.insert(name, Surface::new(&item.geometry));
            }
        }
        let mut pose = None;
        for (k, leg) in legs.iter().enumerate() {
            // What was done before has left the person somewhere.
            let (mut leg, mut about) = (leg.clone(), about[k].clone());
            if let (Leg::Walk(walk), Some(_), Some(navigator)) =
                (&leg, &pose, self.navigator.as_mut())
            {
                leg = Leg::Walk(navigator.again(walk, scene.listener, scene));
                about = navigator.distances(std::slice::from_ref(&leg)).remove(0);
            }
            let leg = &leg;
            let mut model_turn = None;
            let (clip, moved) = match leg {
                Leg::Wait { .. } => continue,
                Leg::Walk(walk) => {
                    let step = plan.steps.get(walk.step);
                    let timed = step.is_some_and(|s| s.manner.pace != Pace::Usual);
                    let mut request = walk.request(timed).seed(seed + k as u64);
                    request.person = scene.listener;
                    request.pose = pose;
                    let order = WalkOrder {
                        request: &request,
                        scene: about.as_ref(),
                    };
                    match self.synthesizer.walk(&order, &mut |_| Flow::Continue) {
                        Ok(made) => {
                            let last = made.clip.frames.last().expect("frames").pose.root;
                            let [x, y] = request.end;
                            out.astray = Some((last.x - x).hypot(last.y - y));
                            (made.clip, None)
                        }
                        Err(error) => {
                            out.refused = Some(error.to_string());
                            return out;
                        }
                    }
                }
                Leg::Interact(leg) => {
                    let item = scene.item(leg.item).expect("an item").clone();
                    let mut request = leg.request.clone();
                    request.pose = pose;
                    let thing = self
                        .objects
                        .entry(item.geometry.name().to_owned())
                        .or_insert_with(|| {
                            PhysicalObject::new(&item.geometry, &ObjectPhysics::default())
                                .expect("an object")
                        });
                    let options = ContactOptions {
                        scene: about.clone().map(Arc::new),
                        ..ContactOptions::default()
                    };
                    // What ends elsewhere than it should is made again, as people of the plugin do.
                    let mut best: Option<Try> = None;
                    for again in 0..TRIES {
                        request.seed = leg.seed(again);
                        let order = Order {
                            request: &request,
                            object: &item.geometry,
                            scene: about.as_ref(),
                        };
                        let made =
                            match (self.synthesizer).generate(&order, &mut |_| Flow::Continue) {
                                Ok(made) => made.clip,
                                Err(error) => {
                                    out.refused = Some(error.to_string());
                                    return out;
                                }
                            };
                        let held = correct(&made, thing, &options).expect("held");
                        let last = held.clip.frames.last().expect("frames");
                        let origin = Isometry3::from_parts(
                            Translation3::from(last.object_position),
                            last.object_rotation,
                        );
                        let place = place_of(&item.geometry, &origin).expect("a place");
                        let (way, turn) = leg.off(&place);
                        let turned_by = |q: &UnitQuaternion<f32>| q.euler_angles().2.to_degrees();
                        let done = leg.is_done(&place);
                        let upright = leg.is_upright(&last.pose);
                        // As it should be, then in its place, then nearest to it.
                        let better = |best: &Try| match (leg.is_done(&best.place), done) {
                            (was, is) if was != is => is,
                            (true, _) => upright,
                            _ => way < best.off.0,
                        };
                        if best.as_ref().is_none_or(better) {
                            best = Some(Try {
                                clip: held.clip,
                                model: made.clone(),
                                place,
                                off: (way, turn),
                                model_turn: made
                                    .frames
                                    .last()
                                    .map(|f| turned_by(&f.object_rotation)),
                            });
                        }
                        out.tries += usize::from(again > 0);
                        if done && upright {
                            break;
                        }
                    }
                    let best = best.expect("a try");
                    out.off = Some(best.off);
                    let depths = [&mut Deepest::default(), &mut out.model_depth];
                    self.look(&best.model, out.clips.len(), scene, Some(leg.item), depths);
                    model_turn = best.model_turn;
                    let (held, place) = (best.clip, best.place);
                    (held, Some((leg.item, place)))
                }
            };
            if out.clips.is_empty() {
                out.first = began.elapsed();
            }
            let item = moved.as_ref().map(|(id, _)| *id);
            let depths = [&mut out.item_depth, &mut out.body_depth];
            self.look(&clip, out.clips.len(), scene, item, depths);
            let standing = (scene.items.iter()).filter(|i| !i.is_passable() && Some(i.id) != item);
            out.made.push(Made {
                leg: leg.clone(),
                model_turn,
                standing: standing
                    .map(|i| {
                        let base = i.place.position[2];
                        let area = Footprint::hull(i, [0.02, 1.9]);
                        (i.name.clone(), [base, base + i.height()], area)
                    })
                    .collect(),
                clip: clip.clone(),
            });
            let last = clip.frames.last().expect("frames").pose;
            let faces = last.rotations[0] * Vector3::z();
            scene.listener = PersonPlace {
                position: [last.root.x, last.root.y],
                facing: faces.y.atan2(faces.x).to_degrees(),
            };
            pose = Some(last);
            let name = moved.as_ref().map_or_else(
                || "walk".to_owned(),
                |(id, _)| scene.item(*id).map_or_else(String::new, |i| i.name.clone()),
            );
            let seconds = clip.frames.len() as f32 / clip.fps;
            out.clips.push((name, seconds));
            if let Some((id, place)) = moved
                && let Some(item) = scene.items.iter_mut().find(|i| i.id == id)
            {
                item.place = place;
            }
        }
        if matches!(legs.last(), Some(Leg::Interact(_))) {
            out.astray = None;
        }
        out.all = began.elapsed();
        out
    }

    /// How deep body and item are in what stands about.
    fn look(
        &self,
        clip: &MotionClip,
        number: usize,
        scene: &Scene,
        moved: Option<ItemId>,
        [item_depth, body_depth]: [&mut Deepest; 2],
    ) {
        let standing: Vec<Standing<'_>> = (scene.items.iter())
            .filter(|item| !item.is_passable() && Some(item.id) != moved)
            .map(|item| {
                let turn = item.rotation();
                let [x, y, z] = item.place.position;
                let center = Vector3::new(x, y, z - item.geometry.lowest(&turn));
                let place = Isometry3::from_parts(Translation3::from(center), turn);
                let corners = item.geometry.vertices().iter().map(|v| turn * v + center);
                let (low, high) = corners.fold(
                    (
                        Vector3::repeat(f32::INFINITY),
                        Vector3::repeat(f32::NEG_INFINITY),
                    ),
                    |(low, high), v| (low.inf(&v), high.sup(&v)),
                );
                Standing {
                    item,
                    surface: &self.surfaces[item.geometry.name()],
                    back: place.inverse(),
                    low,
                    high,
                }
            })
            .collect();
        let depth = |point: &Vector3<f32>,
                     thick: f32,
                     bone: Option<usize>,
                     deepest: &mut Deepest,
                     frame: usize| {
            for thing in &standing {
                let near = (0..3)
                    .all(|i| (thing.low[i] - thick..=thing.high[i] + thick).contains(&point[i]));
                if !near {
                    continue;
                }
                let local = (thing.back * Point3::from(*point)).coords;
                let metres = thick - thing.surface.signed_distance(&local);
                if metres > deepest.metres {
                    *deepest = Deepest {
                        metres,
                        what: thing.item.name.clone(),
                        bone,
                        clip: number,
                        frame,
                    };
                }
            }
        };
        let item = moved.and_then(|id| scene.item(id));
        for (f, frame) in clip.frames.iter().enumerate().step_by(4) {
            for (point, thick, bone) in body(clip, f) {
                depth(&point, thick, Some(bone), body_depth, f);
            }
            let Some(item) = item else { continue };
            let center = frame.object_position + frame.object_rotation * item.geometry.center();
            let vertices = item.geometry.vertices();
            let stride = (vertices.len() / 300).max(1);
            for v in vertices.iter().step_by(stride) {
                let at = center + frame.object_rotation * v;
                depth(&at, 0.0, None, item_depth, f);
            }
        }
    }
}
