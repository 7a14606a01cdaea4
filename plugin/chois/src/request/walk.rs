//! What a user asks for where nothing is carried: a walk to a place.

use serde::{Deserialize, Serialize};

use super::{
    GuidanceConfig, MAX_SECONDS, MIN_SECONDS, PersonPlace, SamplingConfig, Variation, Waypoint,
    check_locks, check_pose, check_sampling, check_text, check_times, check_variations, finite,
    planting,
};
use crate::error::{Error, Result};
use crate::motion::FPS;
use crate::motion::lock::LockedKey;
use crate::skeleton::Pose;

/// Fastest planned walk, metres a second: what captured people keep up over some steps.
pub const MAX_WALK_SPEED: f32 = 1.6;
/// Pace of a walk whose length in time is not given, metres a second: the captured mean.
pub const PACE: f32 = 1.1;

/// One walk of a person. Metres, Z up, floor at z = 0; places are the pelvis' x and y. It begins as `pose` or `person`
/// says and ends standing, feet side by side, ready for an interaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkRequest {
    /// What happens, as a sentence.
    #[serde(default = "walk")]
    pub text: String,
    /// Where the person stands at the start.
    #[serde(default)]
    pub person: PersonPlace,
    /// The person's whole first pose in the scene's frame, such as the last of the clip before; takes the place of
    /// `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// Places on the way, in order.
    #[serde(default)]
    pub waypoints: Vec<Waypoint>,
    /// Where the person stands at the end.
    pub end: [f32; 2],
    /// Where the person faces at the end, degrees from +x, counter-clockwise seen from above. Without it, as the walk
    /// arrives; after a few steps aside or back, as before.
    #[serde(default)]
    pub facing: Option<f32>,
    /// Walk backward.
    #[serde(default)]
    pub backward: bool,
    /// Length, seconds. Without it, what [`PACE`] takes.
    #[serde(default)]
    pub seconds: Option<f32>,
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
    /// What the motion is moved toward while sampling; terms that speak of the object have no part in it.
    #[serde(default)]
    pub guidance: GuidanceConfig,
}

fn walk() -> String {
    "Walk.".to_owned()
}

impl WalkRequest {
    /// A walk to a place, with defaults for everything else.
    pub fn to(end: [f32; 2]) -> Self {
        Self {
            text: walk(),
            person: PersonPlace::default(),
            pose: None,
            waypoints: Vec::new(),
            end,
            facing: None,
            backward: false,
            seconds: None,
            keys: Vec::new(),
            seed: 0,
            variations: Vec::new(),
            sampling: SamplingConfig::default(),
            guidance: GuidanceConfig::default(),
        }
    }

    /// Sets where the person stands at the start, metres, and faces, degrees from +x.
    #[must_use]
    pub fn from(mut self, position: [f32; 2], facing: f32) -> Self {
        self.person = PersonPlace { position, facing };
        self
    }

    /// Sets the person's whole first pose.
    #[must_use]
    pub fn pose(mut self, pose: Pose) -> Self {
        self.pose = Some(pose);
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

    /// Sets where the person faces at the end, degrees from +x.
    #[must_use]
    pub fn facing(mut self, degrees: f32) -> Self {
        self.facing = Some(degrees);
        self
    }

    /// Sets whether the person walks backward.
    #[must_use]
    pub fn backward(mut self, backward: bool) -> Self {
        self.backward = backward;
        self
    }

    /// Sets the length, seconds.
    #[must_use]
    pub fn seconds(mut self, seconds: f32) -> Self {
        self.seconds = Some(seconds);
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Refuses what cannot be generated; the error names the field. Speeds are checked by
    /// [`super::walk_plan::WalkPlan::new`], which knows the path.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn validate(&self) -> Result<()> {
        check_text(&self.text, "Walk.")?;
        finite("person.position", &self.person.position)?;
        finite("person.facing", &[self.person.facing])?;
        if let Some(pose) = &self.pose {
            check_pose("pose", pose)?;
        }
        finite("end", &self.end)?;
        if let Some(facing) = self.facing {
            finite("facing", &[facing])?;
        }
        let timed = self.waypoints.iter().any(|w| w.time.is_some());
        match self.seconds {
            Some(seconds) if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) => {
                return Err(Error::invalid(
                    "seconds",
                    format!("{seconds} is not between {MIN_SECONDS} and {MAX_SECONDS}"),
                ));
            }
            None if timed => {
                return Err(Error::invalid(
                    "seconds",
                    "is not given, but waypoints have times; say how long the walk is",
                ));
            }
            _ => {}
        }
        let seconds = self.seconds.unwrap_or(MAX_SECONDS);
        check_times(&self.waypoints, seconds - 1.0 / FPS)?;
        check_locks(&self.keys, (seconds * FPS).round() as usize, false)?;
        check_variations(&self.variations)?;
        check_sampling(&self.sampling)?;
        self.guidance.validate()
    }

    /// How firmly [`crate::motion::feet::plant`] holds feet that stand, 0 to 1.
    pub fn planting(&self) -> f32 {
        planting(&self.sampling, &self.guidance)
    }
}
