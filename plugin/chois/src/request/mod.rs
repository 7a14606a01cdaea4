//! What a user asks for: one interaction of a person with an object.
//!
//! The frame is the scene's: metres, Z up, the floor at z = 0. A place of the object is the x and y of its centre (the
//! mean of its vertices) and the height of its lowest point over the floor, so that an object that stands on the floor
//! is at z = 0 whatever its shape.

pub(crate) mod curve;
pub mod file;
pub mod guidance;
pub mod plan;
pub mod walk;
pub mod walk_plan;

pub use guidance::GuidanceConfig;
use serde::{Deserialize, Serialize};
pub use walk::WalkRequest;

use crate::error::{Error, Result};
use crate::motion::lock::{LockedKey, check_keys};
use crate::motion::{FPS, OVERLAP, WINDOW};
use crate::skeleton::Pose;
use crate::text::MAX_TEXT_CHARS;

/// Fastest planned motion of an object, metres a second. The fastest captured one is 1.4 over half a second; clips in
/// training were played up to 1.6 times as fast.
pub const MAX_SPEED: f32 = 2.2;
/// Shortest interaction, seconds.
pub const MIN_SECONDS: f32 = 1.0;
/// Longest interaction, seconds.
pub const MAX_SECONDS: f32 = 60.0;
/// A last window of fewer frames has little to go on.
const SHORTEST_WINDOW: usize = 60;
/// Most waypoints of one request.
pub const MAX_WAYPOINTS: usize = 256;
/// Places beyond this distance from the origin are refused, metres: half a millimetre is the resolution of f32 there.
const FARTHEST: f32 = 4_000.0;

/// Where the object is, and how it is turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObjectPlace {
    /// x and y of the centre, z of the lowest point, metres.
    pub position: [f32; 3],
    /// Turn about the vertical, degrees, counter-clockwise seen from above.
    pub yaw: f32,
    /// Any rotation (quaternion x, y, z, w), applied before `yaw`.
    pub rotation: Option<[f32; 4]>,
}

/// How the object is turned about the vertical at the end. What the network makes is turned there, person and all, about the
/// object, while it is on its way; nothing in it has the object lie otherwise than the sentence says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndTurn {
    /// Degrees, as `start.yaw` says it: an object with the same yaw at both ends has not turned.
    pub yaw: f32,
    /// In how many ways it looks the same on one turn about the vertical: 1 for a chair, 2 for a box, 4 for a square table.
    /// The one that is nearest is taken.
    #[serde(default = "one")]
    pub alike: u32,
}

fn one() -> u32 {
    1
}

/// Whether the person has the object in hand as an interaction begins, and as it ends, as where one goes on from another in
/// the middle of carrying: nothing is reached for then, and nothing is put down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InHand {
    /// At the start: the object is on its way from the first frame. Asks for `pose`, with hands at the object.
    pub start: bool,
    /// At the end: the object is on its way up to the last frame.
    pub end: bool,
}

impl InHand {
    /// Neither.
    pub(crate) fn is_neither(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the person stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonPlace {
    /// x and y of the pelvis, metres.
    pub position: [f32; 2],
    /// Direction the person faces, degrees from +x, counter-clockwise seen from above.
    pub facing: f32,
}

/// A place on the floor that the object's centre passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// x and y, metres.
    pub at: [f32; 2],
    /// When, seconds from the start. Without it the time follows from the distance.
    #[serde(default)]
    pub time: Option<f32>,
}

/// Other noise that is mixed into a seed's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// Seed of the other noise.
    pub seed: u64,
    /// How much of it, 0 (nothing changes) to 1 (nothing is left of what was).
    pub amount: f32,
}

/// Most variations of variations.
const MAX_VARIATIONS: usize = 64;

/// Which sampler turns noise into motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Deterministic DDIM with both ends of the schedule and guidance for few steps.
    #[default]
    FewStep,
    /// Of each clean prediction the next noisy motion is made with fresh noise, as consistency models are sampled
    /// (for checkpoints made by [`crate::training::distillation`]), with guidance for few steps.
    Consistency,
    /// The published `ddim_sample`: eta 1, even steps.
    Ddim,
    /// The published sampler with the published guidance: every step of the schedule, ancestral.
    Ancestral,
}

/// How to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// The sampler.
    pub method: Method,
    /// Steps, 1 to the schedule's; the ancestral sampler always makes all.
    pub steps: usize,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self {
            method: Method::FewStep,
            steps: 8,
        }
    }
}

/// One interaction. Everything but the text has a sensible default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InteractionRequest {
    /// What happens, as a sentence: "Lift the box, move the box, and put down the box."
    pub text: String,
    /// The object at the start.
    #[serde(default)]
    pub start: ObjectPlace,
    /// Places on the way, in order.
    #[serde(default)]
    pub waypoints: Vec<Waypoint>,
    /// The object at the end: x and y of the centre, z of the lowest point, metres. Without it, the last waypoint at
    /// the starting height, or the start.
    #[serde(default)]
    pub end: Option<[f32; 3]>,
    /// How the object is turned at the end. Without it, as the motion leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_turn: Option<EndTurn>,
    /// The person at the start. Without it, a step away from the object, facing it, the path to the left.
    #[serde(default)]
    pub person: Option<PersonPlace>,
    /// Whether the person has the object in hand at the start, and at the end.
    #[serde(default, skip_serializing_if = "InHand::is_neither")]
    pub in_hand: InHand,
    /// The person's whole first pose in the scene's frame, such as the last of the clip before; takes the place of `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// Length, seconds.
    #[serde(default = "four")]
    pub seconds: f32,
    /// Moments that stay as they are given, whatever is generated around them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<LockedKey>,
    /// The same seed gives the same clip.
    #[serde(default)]
    pub seed: u64,
    /// Mixed into the seed's noise, one after another: a clip like the seed's, and not the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variations: Vec<Variation>,
    /// How to sample.
    #[serde(default)]
    pub sampling: SamplingConfig,
    /// What the motion is moved toward while sampling.
    #[serde(default)]
    pub guidance: GuidanceConfig,
}

fn four() -> f32 {
    4.0
}

impl InteractionRequest {
    /// A request with defaults for everything else.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            start: ObjectPlace::default(),
            waypoints: Vec::new(),
            end: None,
            end_turn: None,
            in_hand: InHand::default(),
            person: None,
            pose: None,
            seconds: four(),
            keys: Vec::new(),
            seed: 0,
            variations: Vec::new(),
            sampling: SamplingConfig::default(),
            guidance: GuidanceConfig::default(),
        }
    }

    /// Sets where the object is at the start, metres.
    #[must_use]
    pub fn start(mut self, position: [f32; 3]) -> Self {
        self.start.position = position;
        self
    }

    /// Sets the places on the way, metres.
    #[must_use]
    pub fn waypoints(mut self, places: impl IntoIterator<Item = [f32; 2]>) -> Self {
        self.waypoints = places
            .into_iter()
            .map(|at| Waypoint { at, time: None })
            .collect();
        self
    }

    /// Sets where the object is at the end, metres.
    #[must_use]
    pub fn end(mut self, position: [f32; 3]) -> Self {
        self.end = Some(position);
        self
    }

    /// Sets how the object is turned about the vertical at the end, degrees, as `start.yaw` says it.
    #[must_use]
    pub fn end_yaw(mut self, yaw: f32) -> Self {
        self.end_turn = Some(EndTurn { yaw, alike: 1 });
        self
    }

    /// Sets the person's whole first pose.
    #[must_use]
    pub fn pose(mut self, pose: Pose) -> Self {
        self.pose = Some(pose);
        self
    }

    /// Sets whether the person has the object in hand at the start, and at the end.
    #[must_use]
    pub fn in_hand(mut self, start: bool, end: bool) -> Self {
        self.in_hand = InHand { start, end };
        self
    }

    /// Sets the length, seconds.
    #[must_use]
    pub fn seconds(mut self, seconds: f32) -> Self {
        self.seconds = seconds;
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Frames of the whole interaction.
    pub fn frames(&self) -> usize {
        ((self.seconds * FPS).round() as usize).max(1)
    }

    /// Refuses what cannot be generated; the error names the field. Speeds are checked by [`plan::Plan::new`], which
    /// knows the path.
    pub fn validate(&self) -> Result<()> {
        let bad = |field: &str, reason: String| Err(Error::invalid(field, reason));
        check_text(&self.text, "Lift the box and put it down.")?;
        finite("start.position", &self.start.position)?;
        finite("start.yaw", &[self.start.yaw])?;
        if let Some(q) = self.start.rotation {
            finite("start.rotation", &q)?;
            let norm = q.iter().map(|v| v * v).sum::<f32>().sqrt();
            if (norm - 1.0).abs() > 0.05 {
                return bad(
                    "start.rotation",
                    format!("is a quaternion x, y, z, w of length {norm}; it must be 1"),
                );
            }
        }
        if !(MIN_SECONDS..=MAX_SECONDS).contains(&self.seconds) {
            return bad(
                "seconds",
                format!(
                    "{} is not between {MIN_SECONDS} and {MAX_SECONDS}",
                    self.seconds
                ),
            );
        }
        check_times(&self.waypoints, (self.frames() - 1) as f32 / FPS)?;
        if let Some(end) = &self.end {
            finite("end", end)?;
        }
        for (field, z) in [
            ("start.position", self.start.position[2]),
            ("end", self.end.map_or(0.0, |e| e[2])),
        ] {
            if !(-0.05..=2.5).contains(&z) {
                return bad(
                    field,
                    format!(
                        "height {z} m of the object's lowest point is out of a person's reach (0 to 2.5)"
                    ),
                );
            }
        }
        if let Some(turn) = &self.end_turn {
            finite("end_turn.yaw", &[turn.yaw])?;
            if !(1..=360).contains(&turn.alike) {
                return bad(
                    "end_turn.alike",
                    format!("{} is not between 1 and 360", turn.alike),
                );
            }
        }
        if let Some(person) = &self.person {
            finite("person.position", &person.position)?;
            finite("person.facing", &[person.facing])?;
        }
        if let Some(pose) = &self.pose {
            check_pose("pose", pose)?;
        }
        check_locks(&self.keys, self.frames(), true)?;
        check_variations(&self.variations)?;
        check_sampling(&self.sampling)?;
        self.guidance.validate()
    }

    /// How firmly [`crate::motion::feet::plant`] holds feet that stand, 0 to 1. What the published sampler makes is left as
    /// published.
    pub fn planting(&self) -> f32 {
        planting(&self.sampling, &self.guidance)
    }

    /// The first frame of each window of the network that this takes (specification, section 9). Windows overlap by
    /// [`OVERLAP`], or by more where else the last would be left with less than two seconds.
    pub fn window_starts(&self) -> Vec<usize> {
        window_starts(self.frames())
    }
}

/// Where an object ends: where that is not said, at the last waypoint, at the height of its start, or where it starts.
pub(crate) fn end_of(
    said: Option<[f32; 3]>,
    start: &ObjectPlace,
    waypoints: &[Waypoint],
) -> [f32; 3] {
    let [x, y, z] = start.position;
    let [x, y] = waypoints.last().map_or([x, y], |w| w.at);
    said.unwrap_or([x, y, z])
}

/// [`InteractionRequest::window_starts`] of so many frames.
pub fn window_starts(frames: usize) -> Vec<usize> {
    let windows = match frames.checked_sub(WINDOW) {
        None | Some(0) => 1,
        Some(more) => 1 + more.div_ceil(WINDOW - OVERLAP),
    };
    let hop = (WINDOW - OVERLAP).min(frames.saturating_sub(SHORTEST_WINDOW) / (windows - 1).max(1));
    (0..windows).map(|w| w * hop).collect()
}

/// [`InteractionRequest::planting`] of any request.
fn planting(sampling: &SamplingConfig, guidance: &GuidanceConfig) -> f32 {
    match sampling.method {
        Method::Ancestral => 0.0,
        Method::FewStep | Method::Consistency | Method::Ddim => {
            (guidance.feet_slide * 2.0).min(1.0) as f32
        }
    }
}

/// Refuses numbers that are no places.
fn finite(field: &str, values: &[f32]) -> Result<()> {
    match values.iter().find(|v| !v.is_finite() || v.abs() > FARTHEST) {
        Some(v) => Err(Error::invalid(
            field,
            format!("{v} is not a number between -{FARTHEST} and {FARTHEST}"),
        )),
        None => Ok(()),
    }
}

/// Refuses sentences that are empty or too long.
fn check_text(text: &str, example: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(
            "text",
            format!("is empty; say what happens, for example {example:?}"),
        ));
    }
    let count = text.chars().count();
    if count > MAX_TEXT_CHARS {
        return Err(Error::invalid(
            "text",
            format!("has {count} characters; {MAX_TEXT_CHARS} are the limit"),
        ));
    }
    Ok(())
}

/// Refuses waypoints that are no places, too many, or whose times do not ascend to before `last` seconds.
fn check_times(waypoints: &[Waypoint], last: f32) -> Result<()> {
    let bad = |field: &str, reason: String| Err(Error::invalid(field, reason));
    if waypoints.len() > MAX_WAYPOINTS {
        return bad(
            "waypoints",
            format!("{} of them; {MAX_WAYPOINTS} are the limit", waypoints.len()),
        );
    }
    let timed = waypoints.iter().filter(|w| w.time.is_some()).count();
    if timed != 0 && timed != waypoints.len() {
        return bad(
            "waypoints",
            format!(
                "{timed} of {} have a time; give all of them one, or none",
                waypoints.len()
            ),
        );
    }
    let mut before = 0.0;
    for (i, w) in waypoints.iter().enumerate() {
        let field = format!("waypoints[{i}]");
        finite(&format!("{field}.at"), &w.at)?;
        if let Some(time) = w.time {
            if !time.is_finite() || time <= before {
                return bad(
                    &format!("{field}.time"),
                    format!("{time} s does not come after {before} s; order waypoints by time"),
                );
            }
            if time >= last {
                return bad(
                    &format!("{field}.time"),
                    format!("{time} s is not before the last frame at {last:.2} s; raise seconds"),
                );
            }
            before = time;
        }
    }
    Ok(())
}

/// Refuses what is no pose of a person on a floor at z = 0.
fn check_pose(field: &str, pose: &Pose) -> Result<()> {
    finite(&format!("{field}.root"), pose.root.as_slice())?;
    if !(0.1..=3.0).contains(&pose.root.z) {
        return Err(Error::invalid(
            format!("{field}.root"),
            format!(
                "the pelvis is {} m over the floor; between 0.1 and 3 can be a person's",
                pose.root.z
            ),
        ));
    }
    let unit = |q: &nalgebra::UnitQuaternion<f32>| (q.norm() - 1.0).abs() < 0.01;
    if !pose.rotations.iter().all(unit) {
        return Err(Error::invalid(
            format!("{field}.rotations"),
            "one is not a quaternion x, y, z, w of length 1",
        ));
    }
    Ok(())
}

/// Refuses keys that cannot be held.
pub(crate) fn check_locks(keys: &[LockedKey], frames: usize, with_object: bool) -> Result<()> {
    check_keys(keys, frames, with_object)?;
    for (i, key) in keys.iter().enumerate() {
        check_pose(&format!("keys[{i}].pose"), &key.pose)?;
    }
    Ok(())
}

/// Refuses shares of noise that are none.
fn check_variations(variations: &[Variation]) -> Result<()> {
    if variations.len() > MAX_VARIATIONS {
        return Err(Error::invalid(
            "variations",
            format!(
                "{} of them; {MAX_VARIATIONS} are the limit; begin again from a take of its own",
                variations.len()
            ),
        ));
    }
    match variations
        .iter()
        .position(|v| !(0.0..=1.0).contains(&v.amount))
    {
        Some(i) => Err(Error::invalid(
            format!("variations[{i}].amount"),
            format!("{} is not between 0 and 1", variations[i].amount),
        )),
        None => Ok(()),
    }
}

fn check_sampling(sampling: &SamplingConfig) -> Result<()> {
    if sampling.steps == 0 {
        return Err(Error::invalid("sampling.steps", "is 0; choose at least 1"));
    }
    Ok(())
}
