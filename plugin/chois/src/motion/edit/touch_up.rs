//! A joint turned a little, for a while.

use nalgebra::{UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::{smooth, usable};
use crate::error::{Error, Result};
use crate::motion::MotionClip;
use crate::skeleton::{NAMES, PARENTS, ROTATIONS};

/// Longest rise, hold or fall, seconds.
const LONGEST: f32 = 600.0;

/// How a joint is turned, on top of what it does. The turn comes, stays and goes without a jump in speed or acceleration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointTouchUp {
    /// The joint, one of [`NAMES`] that turns.
    pub joint: String,
    /// When all of it is there, seconds.
    pub at: f32,
    /// How long it takes to come, seconds.
    pub rise: f32,
    /// How long it stays, seconds.
    #[serde(default)]
    pub hold: f32,
    /// How long it takes to go, seconds.
    pub fall: f32,
    /// The turn as a rotation vector, degrees, in the joint's own axes (SMPL's: x to the left, y up, z forward in the
    /// rest pose).
    pub turn: [f32; 3],
}

impl JointTouchUp {
    /// Refuses what cannot be done.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn validate(&self) -> Result<()> {
        self.index()?;
        for (field, value) in [
            ("at", self.at),
            ("rise", self.rise),
            ("hold", self.hold),
            ("fall", self.fall),
        ] {
            if !(0.0..=36_000.0).contains(&value) || (field != "at" && value > LONGEST) {
                return Err(Error::invalid(
                    field,
                    format!("{value} s is not between 0 and {LONGEST}"),
                ));
            }
        }
        if !self.turn.iter().all(|v| v.abs() <= 180.0) {
            return Err(Error::invalid(
                "turn",
                format!("{:?} degrees; each must be between -180 and 180", self.turn),
            ));
        }
        Ok(())
    }

    fn index(&self) -> Result<usize> {
        let turning = &NAMES[..ROTATIONS];
        turning
            .iter()
            .position(|n| *n == self.joint)
            .ok_or_else(|| {
                Error::invalid(
                    "joint",
                    format!(
                        "{:?} is none that turns; choose one of {}",
                        self.joint,
                        turning.join(", ")
                    ),
                )
            })
    }

    /// Its share at a time, 0 to 1.
    fn share(&self, seconds: f32) -> f32 {
        let until = self.at + self.hold;
        if seconds < self.at {
            smooth(1.0 - (self.at - seconds) / self.rise.max(1e-6))
        } else if seconds <= until {
            1.0
        } else {
            smooth(1.0 - (seconds - until) / self.fall.max(1e-6))
        }
    }
}

/// Turns a joint; what hangs on it goes along. Hands that hold something leave it where they are moved: enforce contact
/// once more where they must not.
///
/// # Errors
/// Those of [`JointTouchUp::validate`]; [`Error::Invalid`] for a clip that is none.
pub fn touch_up(clip: &MotionClip, by: &JointTouchUp) -> Result<MotionClip> {
    usable(clip)?;
    by.validate()?;
    let joint = by.index()?;
    let turn = Vector3::from(by.turn.map(f32::to_radians));
    let mut out = clip.clone();
    for (f, frame) in out.frames.iter_mut().enumerate() {
        let share = by.share(f as f32 / clip.fps);
        if share == 0.0 || turn == Vector3::zeros() {
            continue;
        }
        let pose = &mut frame.pose;
        let old = pose.rotations[joint];
        let new = old * UnitQuaternion::from_scaled_axis(turn * share);
        let by = new * old.inverse();
        for j in (0..ROTATIONS).filter(|j| hangs_on(*j, joint)) {
            pose.rotations[j] = by * pose.rotations[j];
            pose.rotations[j].renormalize();
        }
    }
    Ok(out)
}

/// Whether a joint moves with another.
fn hangs_on(joint: usize, on: usize) -> bool {
    std::iter::successors(Some(joint), |j| PARENTS[*j]).any(|j| j == on)
}
