//! What a clip must be to be learned from, measured by the contact report.

use std::collections::BTreeMap;
use std::fmt;

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

use crate::contact::report::{ContactReport, ReportOptions};
use crate::contact::{ContactEvent, Corrected, LetGo, PhysicalObject};
use crate::error::Result;
use crate::evaluation::metrics::{feet_height, foot_sliding};
use crate::motion::MotionClip;
use crate::skeleton::{JOINTS, TOE_HEIGHT, joint};

/// Every so many frames the skin is looked at: it is most of the work.
const SKIN_STRIDE: usize = 6;

/// Bones of trunk and legs, and how thick the flesh about them is, metres.
const FLESH: [(usize, usize, f32); 8] = [
    (joint::PELVIS, joint::SPINE2, 0.09),
    (joint::SPINE2, joint::SPINE3, 0.09),
    (joint::SPINE3, joint::NECK, 0.08),
    (joint::NECK, joint::HEAD, 0.06),
    (joint::LEFT_HIP, joint::LEFT_KNEE, 0.06),
    (joint::RIGHT_HIP, joint::RIGHT_KNEE, 0.06),
    (joint::LEFT_KNEE, joint::LEFT_ANKLE, 0.045),
    (joint::RIGHT_KNEE, joint::RIGHT_ANKLE, 0.045),
];
/// A surface is this deep inside it at most, 95th percentile of the frames, metres.
const BURIED: f64 = 0.035;

/// How far a thing may move with nobody at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freedom {
    /// Not at all.
    #[default]
    None,
    /// It comes to rest by itself, as a pole that was laid down.
    Settles,
    /// It goes where physics has it go, as what is kicked, but goes somewhere.
    Slides,
}

/// Share of frames in which what settles or slides may do so with nobody near.
const SETTLES: f64 = 0.35;
/// What is kicked goes this far at least, metres.
const MOVED: f64 = 0.08;
/// What is kicked is tipped over by no more than this in the end, radians.
const TIPPED: f64 = 0.3;

/// Bounds of a clip, metres and seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Palm to surface in contact, 95th percentile.
    pub hand_distance: f64,
    /// A hand inside the object, 95th percentile of the frames.
    pub hand_penetration: f64,
    /// The rest of the body inside the object, 95th percentile of the frames.
    pub body_penetration: f64,
    /// Foot skate FS, metres a frame.
    pub foot_skate: f64,
    /// Deepest that the object, and that a sole is below the floor.
    pub below_floor: [f64; 2],
    /// Peak acceleration of any joint, metres a second squared.
    pub acceleration: f64,
    /// How far the object is from where it was meant to be: 95th percentile of the frames, and at the end.
    pub stray: [f64; 2],
    /// Largest share of frames in which the object moves with nobody near.
    pub unreached: f64,
    /// Least time that hands or feet touch the object, seconds.
    pub contact: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hand_distance: 0.02,
            hand_penetration: 0.02,
            body_penetration: 0.05,
            foot_skate: 0.0035,
            below_floor: [0.005, 0.02],
            acceleration: 90.0,
            stray: [0.12, 0.12],
            unreached: 0.1,
            contact: 0.4,
        }
    }
}

/// Why a clip was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The motion could not be made: no way, no grasp, no clip for it.
    NotMade,
    /// Physics or the report refused the clip.
    Refused,
    /// A hand finds no surface within reach.
    OutOfReach,
    /// The object is lost, too heavy or blocked.
    Lost,
    /// The object moves with nobody there.
    NobodyThere,
    /// Too little contact.
    NoContact,
    /// Palms off the surface.
    HandDistance,
    /// Hands inside the object.
    HandPenetration,
    /// The body inside the object.
    BodyPenetration,
    /// Feet slide.
    FootSkate,
    /// Object or feet below the floor.
    BelowFloor,
    /// Something jumps.
    Jitter,
    /// The object does not go where it was meant to.
    Stray,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMade => "could not be made",
            Self::Refused => "refused by physics",
            Self::OutOfReach => "hand out of reach",
            Self::Lost => "object lost",
            Self::NobodyThere => "object moves by itself",
            Self::NoContact => "too little contact",
            Self::HandDistance => "palm off the surface",
            Self::HandPenetration => "hand in object",
            Self::BodyPenetration => "body in object",
            Self::FootSkate => "foot skate",
            Self::BelowFloor => "below the floor",
            Self::Jitter => "jitter",
            Self::Stray => "object astray",
        })
    }
}

/// What a clip that was looked at measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Palm to surface, 95th percentile, metres.
    pub hand_distance: f64,
    /// Hand inside, 95th percentile, metres.
    pub hand_penetration: f64,
    /// Body inside, 95th percentile, metres.
    pub body_penetration: f64,
    /// Foot skate FS, metres a frame.
    pub foot_skate: f64,
    /// Peak acceleration of any joint, metres a second squared.
    pub acceleration: f64,
    /// Distance of the object from where it was meant to be, 95th percentile, metres.
    pub stray: f64,
    /// Deepest that a sole is below the floor, metres.
    pub feet_below: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "mean of the clips: palm to surface {:.2} cm, hand in object {:.2} cm, body in object {:.2} cm, foot skate {:.2} cm, \
             peak acceleration {:.0} m/s^2, object astray {:.1} cm, feet below floor {:.2} cm",
            self.hand_distance * 100.0,
            self.hand_penetration * 100.0,
            self.body_penetration * 100.0,
            self.foot_skate * 100.0,
            self.acceleration,
            self.stray * 100.0,
            self.feet_below * 100.0
        )
    }
}

impl Limits {
    /// Judges a clip that physics has played: `wanted` is what it was made of.
    /// `freedom` is how far the thing may move by itself.
    ///
    /// # Errors
    /// The first limit that it violates; cheap ones are looked at first.
    pub fn judge(
        &self,
        wanted: &MotionClip,
        played: &Corrected,
        object: &PhysicalObject,
        freedom: Freedom,
    ) -> Result<Figures, Rejection> {
        for event in &played.events {
            match event {
                ContactEvent::OutOfReach { .. } => return Err(Rejection::OutOfReach),
                ContactEvent::NobodyThere { .. } => return Err(Rejection::NobodyThere),
                ContactEvent::Released { reason, .. } if *reason != LetGo::Planned => {
                    return Err(Rejection::Lost);
                }
                _ => {}
            }
        }
        let clip = &played.clip;
        let mut figures = Figures {
            acceleration: acceleration(clip),
            ..Figures::default()
        };
        above(figures.acceleration, self.acceleration, Rejection::Jitter)?;
        let stray = strays(wanted, clip, object);
        if freedom == Freedom::Slides {
            let way = went(clip);
            above(MOVED - way, 0.0, Rejection::Stray)?;
            above(tipped(clip), TIPPED, Rejection::Stray)?;
        } else {
            figures.stray = percentile(&stray, 0.95);
            above(figures.stray, self.stray[0], Rejection::Stray)?;
            let end = stray.last().copied().unwrap_or_default();
            above(end, self.stray[1], Rejection::Stray)?;
        }
        let options = ReportOptions {
            mass: object.mass(),
            friction: object.friction(),
            skin: false,
        };
        let refused = |_| Rejection::Refused;
        let report = ContactReport::of(clip, object.geometry(), &options).map_err(refused)?;
        let feet = clip.frames.iter();
        let feet = feet
            .filter(|f| f.contact[2].max(f.contact[3]) > 0.5)
            .count();
        let touched = (report.contact_frames + feet) as f64 / f64::from(clip.fps);
        // A kick is short.
        if touched
            < if freedom == Freedom::Slides {
                0.1
            } else {
                self.contact
            }
        {
            return Err(Rejection::NoContact);
        }
        figures.hand_distance = report.hand_distance.map_or(0.0, |d| d.p95);
        above(
            figures.hand_distance,
            self.hand_distance,
            Rejection::HandDistance,
        )?;
        figures.foot_skate = report.foot_skate.unwrap_or_default();
        above(figures.foot_skate, self.foot_skate, Rejection::FootSkate)?;
        let object_below = report.object_below_floor.unwrap_or_default();
        above(object_below, self.below_floor[0], Rejection::BelowFloor)?;
        figures.feet_below = report.feet_below_floor.unwrap_or_default();
        above(
            figures.feet_below,
            self.below_floor[1],
            Rejection::BelowFloor,
        )?;
        let unreached = report.moved_unreached.unwrap_or_default();
        let allowed = match freedom {
            Freedom::None => self.unreached,
            Freedom::Settles | Freedom::Slides => self.unreached.max(SETTLES),
        };
        above(unreached, allowed, Rejection::NobodyThere)?;

        above(buried(clip, object), BURIED, Rejection::BodyPenetration)?;
        let thin = MotionClip {
            fps: clip.fps / SKIN_STRIDE as f32,
            frames: clip.frames.iter().step_by(SKIN_STRIDE).copied().collect(),
            ..clip.clone()
        };
        let options = ReportOptions {
            skin: true,
            ..options
        };
        let report = ContactReport::of(&thin, object.geometry(), &options).map_err(refused)?;
        figures.hand_penetration = report.hand_penetration.map_or(0.0, |d| d.p95);
        above(
            figures.hand_penetration,
            self.hand_penetration,
            Rejection::HandPenetration,
        )?;
        figures.body_penetration = report.body_penetration.map_or(0.0, |d| d.p95);
        above(
            figures.body_penetration,
            self.body_penetration,
            Rejection::BodyPenetration,
        )?;
        Ok(figures)
    }

    /// Judges a walk with nothing to handle, by those limits that are about feet and joints.
    ///
    /// # Errors
    /// The first limit that it violates.
    pub fn judge_walk(&self, clip: &MotionClip) -> Result<Figures, Rejection> {
        let joints: Vec<_> = (0..clip.frames.len()).map(|f| clip.joints(f)).collect();
        let lowest = (joints.iter())
            .map(|j| j[joint::LEFT_TOE].z.min(j[joint::RIGHT_TOE].z))
            .fold(f32::INFINITY, f32::min);
        let figures = Figures {
            acceleration: acceleration(clip),
            foot_skate: foot_sliding(&joints, feet_height(&joints)),
            feet_below: f64::from(TOE_HEIGHT - lowest).max(0.0),
            ..Figures::default()
        };
        for (value, limit, why) in [
            (figures.acceleration, self.acceleration, Rejection::Jitter),
            (figures.foot_skate, self.foot_skate, Rejection::FootSkate),
            (
                figures.feet_below,
                self.below_floor[1],
                Rejection::BelowFloor,
            ),
        ] {
            above(value, limit, why)?;
        }
        Ok(figures)
    }
}

/// What is no number is over every limit.
fn above(value: f64, limit: f64, why: Rejection) -> Result<(), Rejection> {
    if value <= limit { Ok(()) } else { Err(why) }
}

/// Peak acceleration of any joint, metres a second squared.
fn acceleration(clip: &MotionClip) -> f64 {
    let joints: Vec<_> = (0..clip.frames.len()).map(|f| clip.joints(f)).collect();
    let mut most = 0.0f32;
    for w in joints.windows(3) {
        for j in 0..JOINTS {
            most = most.max((w[2][j] - w[1][j] * 2.0 + w[0][j]).norm());
        }
    }
    f64::from(most * clip.fps * clip.fps)
}

/// How far the surface is inside the flesh about the bones of trunk and legs, metres, 95th percentile of the frames: a board
/// that goes through somebody is nowhere deep inside.
fn buried(clip: &MotionClip, object: &PhysicalObject) -> f64 {
    let center = object.geometry().center();
    let (low, high) = object.geometry().mesh().bounds();
    let depths: Vec<f64> = (0..clip.frames.len())
        .step_by(SKIN_STRIDE)
        .map(|t| {
            let frame = &clip.frames[t];
            let joints = clip.joints(t);
            let middle = frame.object_rotation * center + frame.object_position;
            let mut deepest = 0.0f32;
            for (a, b, radius) in FLESH {
                for share in [0.15, 0.4, 0.65, 0.9] {
                    let place = joints[a].lerp(&joints[b], share);
                    let local = frame.object_rotation.inverse() * (place - middle);
                    let near =
                        (0..3).all(|i| (low[i] - radius..=high[i] + radius).contains(&local[i]));
                    if near {
                        let distance = object.surface().signed_distance(&local).abs();
                        deepest = deepest.max(radius - distance);
                    }
                }
            }
            f64::from(deepest)
        })
        .collect();
    percentile(&depths, 0.95)
}

/// How far the object is tipped over in the end, radians.
fn tipped(clip: &MotionClip) -> f64 {
    match clip.frames.as_slice() {
        [first, .., last] => {
            let turn = last.object_rotation * first.object_rotation.inverse();
            f64::from((turn * Vector3::z()).angle(&Vector3::z()))
        }
        _ => 0.0,
    }
}

/// How far the object is in the end from where it was.
fn went(clip: &MotionClip) -> f64 {
    match clip.frames.as_slice() {
        [first, .., last] => f64::from((last.object_position - first.object_position).norm()),
        _ => 0.0,
    }
}

/// How far the object's centre is from where it was meant to be, frame by frame.
fn strays(wanted: &MotionClip, played: &MotionClip, object: &PhysicalObject) -> Vec<f64> {
    let center = object.geometry().center();
    (wanted.frames.iter().zip(&played.frames))
        .map(|(a, b)| {
            let at = |f: &crate::motion::Frame| f.object_rotation * center + f.object_position;
            f64::from((at(a) - at(b)).norm())
        })
        .collect()
}

fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// How many clips of each kind were taken, and why the others were not. `Display` is a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Clips and frames taken, by what they are.
    pub taken: BTreeMap<String, (usize, usize)>,
    /// Clips that were not, by what they are and why.
    pub rejected: BTreeMap<String, BTreeMap<Rejection, usize>>,
}

impl Tally {
    /// Counts a clip.
    pub fn count(&mut self, kind: &str, outcome: Result<usize, Rejection>) {
        match outcome {
            Ok(frames) => {
                let (clips, all) = self.taken.entry(kind.to_owned()).or_default();
                *clips += 1;
                *all += frames;
            }
            Err(why) => {
                let reasons = self.rejected.entry(kind.to_owned()).or_default();
                *reasons.entry(why).or_default() += 1;
            }
        }
    }

    /// Clips taken.
    pub fn clips(&self) -> usize {
        self.taken.values().map(|(clips, _)| clips).sum()
    }

    /// Frames taken.
    pub fn frames(&self) -> usize {
        self.taken.values().map(|(_, frames)| frames).sum()
    }

    /// What most clips were not taken for.
    pub fn commonest(&self) -> Option<Rejection> {
        let mut counts: BTreeMap<Rejection, usize> = BTreeMap::new();
        for (why, count) in self.rejected.values().flatten() {
            *counts.entry(*why).or_default() += count;
        }
        (counts.into_iter().max_by_key(|(_, count)| *count)).map(|(why, _)| why)
    }

    /// Clips that were not taken.
    pub fn refused(&self) -> usize {
        self.rejected.values().flat_map(BTreeMap::values).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28}{:>7}{:>9}{:>7}  rejected for",
            "", "tried", "taken", "%"
        )?;
        let mut kinds: Vec<&String> = self.taken.keys().chain(self.rejected.keys()).collect();
        kinds.sort();
        kinds.dedup();
        for kind in kinds {
            let taken = self.taken.get(kind).map_or(0, |(clips, _)| *clips);
            let none = BTreeMap::new();
            let reasons = self.rejected.get(kind).unwrap_or(&none);
            let tried = taken + reasons.values().sum::<usize>();
            let share = 100.0 * taken as f64 / tried.max(1) as f64;
            let mut why: Vec<_> = reasons.iter().map(|(why, n)| (*n, *why)).collect();
            why.sort_by(|a, b| b.cmp(a));
            let why: Vec<String> = why.iter().map(|(n, why)| format!("{why} {n}")).collect();
            let line = format!(
                "{kind:<28}{tried:>7}{taken:>9}{share:>7.0}  {}",
                why.join(", ")
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        let tried = self.clips() + self.refused();
        writeln!(
            f,
            "{:<28}{tried:>7}{:>9}{:>7.0}",
            "all",
            self.clips(),
            100.0 * self.clips() as f64 / tried.max(1) as f64
        )
    }
}
