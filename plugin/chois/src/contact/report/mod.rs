//! How well a person holds an object in a clip, in figures: before and after the correction, side by side.
//!
//! Everything is measured from the clip's motion alone, so that the same questions can be put to any clip, however it
//! was made. `Display` is a table for people (centimetres), serde the same for machines (metres).

mod force;
mod measure;
mod skin;
#[cfg(test)]
mod tests;
mod track;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evaluation::metrics::{feet_height, foot_sliding};
use crate::geometry::ObjectGeometry;
use crate::motion::MotionClip;
use crate::skeleton::{TOE_HEIGHT, joint};
use measure::Sample;
use track::Track;

/// What a clip does not tell about its object, and how much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportOptions {
    /// Mass of the object, kilograms.
    pub mass: f32,
    /// Coefficient of friction between the object and what it stands on.
    pub friction: f32,
    /// Whether to put the mannequin's skin on the person to measure penetration: exact, and most of the work.
    pub skin: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            mass: 5.0,
            friction: 0.5,
            skin: true,
        }
    }
}

/// Slip in one hold: a hand's contact with the object without a pause (see [`crate::motion::touch`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldSlip {
    /// The left (0) or the right (1) hand.
    pub hand: usize,
    /// First frame of the contact.
    pub first: usize,
    /// Last frame of the contact.
    pub last: usize,
    /// Slip: the greatest distance between any two places of the palm's pad on the object, metres, object's frame.
    pub slip: f64,
    /// The greatest distance of the pad from its median place on the object, metres.
    pub drift: f64,
    /// Length of the pad's way over the object, metres.
    pub path: f64,
}

/// Distances between palm and surface, metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Greatest.
    pub max: f64,
}

/// How far contacts slip over the object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slip {
    /// Mean speed of the palm's pad over the object while in contact, metres per second.
    pub speed: f64,
    /// Mean over the holds of [`HoldSlip::slip`], metres.
    pub mean: f64,
    /// Greatest [`HoldSlip::slip`], metres.
    pub worst: f64,
}

/// The deepest point of each frame inside the object, metres; 0 in a frame in which nothing is inside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Depths {
    /// 95th percentile over the frames.
    pub p95: f64,
    /// Deepest of all frames.
    pub max: f64,
    /// Share of the frames that are deeper than [`DEEP`].
    #[serde(default)]
    pub deep: f64,
}

/// What flesh gives, metres: who is deeper is seen to be inside.
pub const DEEP: f64 = 0.005;

/// The upper end of a quantity: newton or newton metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// 99th percentile: second differences make a spike of a single unsteady frame.
    pub p99: f64,
    /// Greatest.
    pub max: f64,
}

/// Third differences over time, metres per second cubed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jerk {
    /// Mean.
    pub mean: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// Contact in one clip, in figures: metres, seconds, newton; shares from 0 to 1. None where there is nothing to measure:
/// no contact, or too few frames. `Display` is a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactReport {
    /// What the figures were measured with.
    pub options: ReportOptions,
    /// Number of frames.
    pub frames: usize,
    /// Length, seconds.
    pub seconds: f64,
    /// Frames in which a hand at least is in contact.
    pub contact_frames: usize,
    /// Each hold of a hand, in the order in which they begin.
    pub holds: Vec<HoldSlip>,
    /// Distance of the palm's pad from the object's surface, inside or outside, in all frames of all holds.
    pub hand_distance: Option<Distances>,
    /// Slip of the hands over the object.
    pub slip: Option<Slip>,
    /// How deep the skin of a hand, fingers closed around the object, is inside it in the frames of that hand's holds.
    pub hand_penetration: Option<Depths>,
    /// Of the points of a hand's skin, the share inside the object, mean over the frames of that hand's holds.
    pub hand_inside: Option<f64>,
    /// How deep the rest of the skin is inside the object in each frame; so are hands while they are not in contact.
    pub body_penetration: Option<Depths>,
    /// Foot skate as the paper has it (FS), metres per frame over the feet's own floor; the paper gives centimetres
    /// (0.35). Comparable at 30 frames per second only.
    pub foot_skate: Option<f64>,
    /// Deepest that a vertex of the object comes below the floor, metres.
    pub object_below_floor: Option<f64>,
    /// Deepest that a sole (2 cm below a toe joint) comes below the floor, metres.
    pub feet_below_floor: Option<f64>,
    /// Impulse that the object got from nothing, newton seconds: what its motion needs beyond gravity in frames in which
    /// nobody holds it, less what the floor can give (a push upward, and friction that does not speed it up). Somebody
    /// holds it, and anything goes, while a hand or a foot touches it by the clip's word or comes within 5 cm, and one
    /// frame to either side. An acceleration of less than 0.3 m/s^2 too much counts as none.
    pub unexplained_impulse: Option<f64>,
    /// The same if the clip's word counts for nothing: with no hand or foot within 5 cm nobody holds the object.
    pub unreached_impulse: Option<f64>,
    /// Time that the object, held by nobody, is at a height over the floor at which it rests in this clip, seconds. It is
    /// taken to stand on furniture there; if there is none, it hovers.
    pub assumed_support: f64,
    /// Force of the hands in the frames of holds, newton: the least that explains the motion of the object together with
    /// gravity and, where it stands on something, the best that this can give. All hands together, no squeezing: what two
    /// hands press against each other moves nothing.
    pub grip_force: Option<Peak>,
    /// Torque of the hands about the middle of the pads that hold, newton metres, the object taken as a solid box of its
    /// extents about its centre. Where it stands on something, that can press anywhere within its footprint.
    pub grip_torque: Option<Peak>,
    /// Jerk of the palms' pads.
    pub hand_jerk: Option<Jerk>,
    /// Jerk of the object's centre.
    pub object_jerk: Option<Jerk>,
    /// Share of the frames in which some point of the object moves faster than 5 cm/s with no palm or foot within 5 cm: it
    /// flies off, or wobbles on its feet, or rolls on.
    pub moved_unreached: Option<f64>,
}

impl ContactReport {
    /// Measures a clip of this object. Some 200 ms for a window and an object of some thousand triangles with skin, 10 ms
    /// without.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the clip has no usable frame rate, a value in it is not finite, too far away or no rotation
    /// (the first such frame is named), or an option is out of range.
    pub fn of(clip: &MotionClip, object: &ObjectGeometry, options: &ReportOptions) -> Result<Self> {
        for (name, value, low) in [
            ("mass", options.mass, f32::MIN_POSITIVE),
            ("friction", options.friction, 0.0),
        ] {
            // What is no number is in no range.
            if !(low..=1e6).contains(&value) {
                return Err(Error::invalid(
                    name,
                    format!("{value} cannot be; give a number of 0 or more, a mass above 0"),
                ));
            }
        }
        let track = Track::new(clip, object)?;
        let frames = track.len();
        let some = frames > 0;
        let holds = measure::holds(&track);
        let held = |t: usize| track.held.iter().any(|h| h[t]);
        let forces = force::forces(&track, options);
        let skin = options.skin.then(|| skin::penetration(&track));
        let soles = (track.joints.iter())
            .flat_map(|j| [joint::LEFT_TOE, joint::RIGHT_TOE].map(|toe| j[toe].z - TOE_HEIGHT))
            .map(f64::from);
        let pads = track.pads.iter().map(Vec::as_slice);
        Ok(Self {
            options: *options,
            frames,
            seconds: frames as f64 / track.fps,
            contact_frames: (0..frames).filter(|t| held(*t)).count(),
            hand_distance: measure::hand_distance(&track),
            slip: measure::slip(&track, &holds),
            holds,
            hand_penetration: skin.as_ref().and_then(|s| s.hands),
            hand_inside: skin.as_ref().and_then(|s| s.inside),
            body_penetration: skin.as_ref().and_then(|s| s.body),
            foot_skate: some.then(|| foot_sliding(&track.joints, feet_height(&track.joints))),
            object_below_floor: some.then(|| below(track.lowest.iter().copied())),
            feet_below_floor: some.then(|| below(soles)),
            unexplained_impulse: forces.unexplained,
            unreached_impulse: forces.unreached,
            assumed_support: forces.assumed_support,
            grip_force: forces.grip_force,
            grip_torque: forces.grip_torque,
            hand_jerk: measure::jerk(pads, track.fps),
            object_jerk: measure::jerk([track.centers.as_slice()], track.fps),
            moved_unreached: measure::moved_unreached(&track),
        })
    }

    fn rows(&self) -> Vec<Row> {
        let row = |name, unit, digits, value| Row {
            name,
            unit,
            digits,
            value,
        };
        let cm = |name, metres: Option<f64>| row(name, "cm", 2, metres.map(|m| m * 100.0));
        let percent = |name, share: Option<f64>| row(name, "%", 1, share.map(|s| s * 100.0));
        let count = |name, n: usize| row(name, "", 0, Some(n as f64));
        let (distance, slip) = (self.hand_distance, self.slip);
        let (hand, body) = (self.hand_penetration, self.body_penetration);
        let (force, torque) = (self.grip_force, self.grip_torque);
        let (hands, object) = (self.hand_jerk, self.object_jerk);
        vec![
            row("length", "s", 2, Some(self.seconds)),
            count("frames in contact", self.contact_frames),
            count("holds", self.holds.len()),
            cm("palm to surface, median", distance.map(|d| d.median)),
            cm("palm to surface, 95th percentile", distance.map(|d| d.p95)),
            cm("palm to surface, greatest", distance.map(|d| d.max)),
            row("slip speed, mean", "cm/s", 2, slip.map(|s| s.speed * 100.0)),
            cm("slip per hold, mean", slip.map(|s| s.mean)),
            cm("slip per hold, greatest", slip.map(|s| s.worst)),
            cm("hand in object, 95th percentile", hand.map(|d| d.p95)),
            cm("hand in object, deepest", hand.map(|d| d.max)),
            percent("hand in object, points", self.hand_inside),
            cm("body in object, 95th percentile", body.map(|d| d.p95)),
            cm("body in object, deepest", body.map(|d| d.max)),
            cm("foot skate per frame (FS)", self.foot_skate),
            cm("object below floor", self.object_below_floor),
            cm("feet below floor", self.feet_below_floor),
            row("unexplained impulse", "N s", 2, self.unexplained_impulse),
            row(
                "unexplained, labels ignored",
                "N s",
                2,
                self.unreached_impulse,
            ),
            row("rests over the floor", "s", 2, Some(self.assumed_support)),
            row("grip force, 99th percentile", "N", 1, force.map(|p| p.p99)),
            row("grip force, greatest", "N", 1, force.map(|p| p.max)),
            row(
                "grip torque, 99th percentile",
                "N m",
                2,
                torque.map(|p| p.p99),
            ),
            row("grip torque, greatest", "N m", 2, torque.map(|p| p.max)),
            row("palm jerk, mean", "m/s^3", 1, hands.map(|j| j.mean)),
            row(
                "palm jerk, 99th percentile",
                "m/s^3",
                1,
                hands.map(|j| j.p99),
            ),
            row("object jerk, mean", "m/s^3", 1, object.map(|j| j.mean)),
            row(
                "object jerk, 99th percentile",
                "m/s^3",
                1,
                object.map(|j| j.p99),
            ),
            percent("moves out of reach", self.moved_unreached),
        ]
    }
}

impl fmt::Display for ContactReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table(f, &[self.rows()])
    }
}

/// The same clip before and after it was corrected. `Display` is a table: measure, before, after, unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The clip as it was generated.
    pub before: ContactReport,
    /// The clip as it is played.
    pub after: ContactReport,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<34}{:>10}{:>10}", "", "before", "after")?;
        table(f, &[self.before.rows(), self.after.rows()])
    }
}

/// One line of the table, in the unit that is shown.
struct Row {
    name: &'static str,
    unit: &'static str,
    digits: usize,
    value: Option<f64>,
}

/// Columns of the same rows beside each other.
fn table(f: &mut fmt::Formatter<'_>, columns: &[Vec<Row>]) -> fmt::Result {
    let Some(first) = columns.first() else {
        return Ok(());
    };
    for (i, Row { name, unit, .. }) in first.iter().enumerate() {
        let mut line = format!("{name:<34}");
        for row in columns.iter().filter_map(|column| column.get(i)) {
            let value = row
                .value
                .map_or("-".into(), |v| format!("{v:.*}", row.digits));
            line += &format!("{value:>10}");
        }
        writeln!(f, "{}", format!("{line}  {unit}").trim_end())?;
    }
    Ok(())
}

/// How deep the lowest of these heights is below 0.
fn below(heights: impl Iterator<Item = f64>) -> f64 {
    heights.fold(0.0, |depth, z| depth.max(-z))
}

impl Depths {
    fn of(depths: impl IntoIterator<Item = f64>) -> Option<Self> {
        let depths: Vec<f64> = depths.into_iter().collect();
        let deep = depths.iter().filter(|depth| **depth > DEEP).count();
        let deep = deep as f64 / depths.len().max(1) as f64;
        let sample = Sample::new(depths)?;
        Some(Self {
            p95: sample.percentile(0.95),
            max: sample.percentile(1.0),
            deep,
        })
    }
}

impl Peak {
    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let sample = Sample::new(values)?;
        Some(Self {
            p99: sample.percentile(0.99),
            max: sample.percentile(1.0),
        })
    }
}
