//! When hands hold the object, from what the clip predicts and from how the object moves.
//!
//! A network's contact channels come late, end early and flicker. An object that moves is moved by somebody: where a hand
//! that is said to touch is near the object while it moves, it holds all the while.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::event::ContactEvent;
use super::follow::easing;
use super::grasp::{self, Grasp, Near};
use super::object::PhysicalObject;
use super::palm::{Palm, flesh, pad, part};
use super::pin::Pins;
use super::simulation::{GRAVITY, Grip};
use super::{ContactOptions, away};
use crate::motion::touch::{Touch, touches};
use crate::motion::{ContactPart, MotionClip};
use crate::skeleton::joint;

/// An object moves when its centre is faster than this, metres a second, or turns faster than that, radians a second.
const MOVES: f32 = 0.06;
const TURNS: f32 = 0.25;
/// It is raised when its lowest point is this much higher than at both ends of the clip, metres.
const RAISED: f32 = 0.03;
/// Motions with a shorter pause between them are one, seconds; shorter ones, or over less than so many metres or radians,
/// are noise.
const PAUSE: f32 = 0.25;
const SHORTEST: f32 = 0.12;
const LEAST_WAY: f32 = 0.02;
const LEAST_TURN: f32 = 0.1;
/// A hand that is said to touch holds on while it is nearer than this, metres; one that is not said to touch moves an
/// object only from nearer than that.
const HOLDS: f32 = 0.2;
const UNSAID: f32 = 0.12;
/// A hand takes part in a motion that it touches for this share of the time.
const TAKES_PART: f32 = 0.25;

/// How many of a hold's frames tell how the hand is turned on the surface.
const TURNED: usize = 3;

/// The share of what a flat palm can pull that is counted on.
const MARGIN: f32 = 0.4;

/// A hand that holds the object over a stretch of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// 0 left, 1 right.
    pub hand: usize,
    /// First frame.
    pub first: usize,
    /// Last frame.
    pub last: usize,
    /// Where it holds.
    pub grasp: Grasp,
}

/// A stretch of frames in which the object moves, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: usize,
    pub last: usize,
}

/// What a clip comes to for contact.
#[derive(Clone, Debug)]
pub(crate) struct HoldPlan {
    /// Holds in the order in which they begin.
    pub holds: Vec<Hold>,
    /// Feet that push the object.
    pub kicks: Vec<Touch>,
    /// What was noticed.
    pub events: Vec<ContactEvent>,
}

/// Plans the holds of a clip. `places` are the object's, one a frame.
pub(crate) fn plan(
    clip: &MotionClip,
    object: &PhysicalObject,
    places: &[Isometry3<f32>],
    palms: &[Palm; 2],
    options: &ContactOptions,
) -> HoldPlan {
    let grip = &options.grip;
    let about = |span: &Span| {
        let scene = options.scene.as_deref()?;
        Some((scene, [places[span.first], places[span.last]]))
    };
    let tracks = [0, 1].map(|hand| Track::of(clip, object, places, palms, hand));
    let moved = motions(clip.fps, object, places);
    let all = touches(clip);
    let mut kicks: Vec<Touch> = (all.iter().copied())
        .filter(|t| matches!(t.part, ContactPart::LeftFoot | ContactPart::RightFoot))
        .collect();
    let mut events = Vec::new();
    // Stretches of each hand, and the frames of them in which the clip itself says that it touches.
    let mut wanted: [Vec<Span>; 2] = [0, 1].map(|hand| {
        (all.iter())
            .filter(|t| t.part == part(hand))
            .map(|t| Span {
                first: t.first,
                last: t.last,
            })
            .collect()
    });
    let said = wanted.clone();
    let given = [0, 1].map(|hand| {
        let stretches = options.given[hand].as_ref()?;
        Some(stretches_of(stretches, clip.fps, clip.frames.len()))
    });
    for span in &moved {
        let mut taking: Vec<usize> = (0..2)
            .filter(|&hand| takes_part(given[hand].as_ref().unwrap_or(&said[hand]), span))
            .collect();
        if taking.is_empty() {
            let kicked = kicks.iter().any(|k| overlap(k.first, k.last, span) > 0);
            if kicked {
                continue;
            }
            taking = (0..2)
                .filter(|&hand| given[hand].is_none() && tracks[hand].typical(span) < UNSAID)
                .collect();
        }
        if taking.is_empty() {
            events.push(ContactEvent::NobodyThere {
                first: span.first,
                last: span.last,
            });
            continue;
        }
        for hand in taking {
            let held = tracks[hand].extend(&said[hand], span);
            wanted[hand].extend(held);
        }
    }
    let mut holds: Vec<Hold> = Vec::new();
    let spans: [Vec<Span>; 2] = [0, 1].map(|hand| match &given[hand] {
        // What is given is neither lengthened nor joined.
        Some(given) => given.clone(),
        None => joined(std::mem::take(&mut wanted[hand]), pause(clip.fps)),
    });
    let pins = Pins::of(clip, object, places, palms, &options.keys);
    let (spans, away) = pins.cut(spans);
    events.extend(away);
    for (hand, spans) in spans.into_iter().enumerate() {
        for span in spans {
            if let Some(grasp) = pins.grasp(hand, &span) {
                holds.push(Hold {
                    hand,
                    first: span.first,
                    last: span.last,
                    grasp,
                });
                continue;
            }
            let near = Near {
                about: about(&span),
                ..tracks[hand].near(&said[hand], &span)
            };
            let others = others(&holds, hand, &span);
            match grasp::find(&palms[hand], &near, object.surface(), &others) {
                Ok(grasp) => holds.push(Hold {
                    hand,
                    first: span.first,
                    last: span.last,
                    grasp,
                }),
                Err(distance) => events.push(ContactEvent::OutOfReach {
                    hand,
                    first: span.first,
                    last: span.last,
                    distance,
                }),
            }
        }
    }
    // Palms that would slip look for something to close around.
    for k in 0..holds.len() {
        let Hold {
            hand,
            first,
            last,
            grasp,
        } = holds[k];
        let span = Span { first, last };
        let others = others(&holds, hand, &span);
        if grasp.closes
            || pins.grasp(hand, &span).is_some()
            || others
                .iter()
                .any(|o| grasp::opposed(&o.normal, &grasp.normal))
            || !slips(
                object,
                &places[first..=last],
                &grasp,
                1 + others.len().min(1),
                grip,
            )
        {
            continue;
        }
        let near = Near {
            firm: true,
            about: about(&span),
            ..tracks[hand].near(&said[hand], &span)
        };
        if let Ok(found) = grasp::find(&palms[hand], &near, object.surface(), &others) {
            holds[k].grasp = found;
        }
    }
    let flesh = flesh(&clip.skeleton);
    for k in 0..holds.len() {
        let Hold {
            hand,
            first,
            last,
            grasp,
        } = holds[k];
        if pins.grasp(hand, &Span { first, last }).is_some() {
            continue;
        }
        let few: Vec<_> = (first..=last)
            .step_by((last + 1 - first).div_ceil(TURNED))
            .map(|f| tracks[hand].turned(f, &grasp, &palms[hand]))
            .collect();
        let others = others(&holds, hand, &Span { first, last });
        let (palm, flesh) = (&palms[hand], &flesh[hand]);
        holds[k].grasp = grasp.settled(palm, flesh, &few, object.surface(), &others);
    }
    for hold in &mut holds {
        let span = Span {
            first: hold.first,
            last: hold.last,
        };
        if given[hold.hand].is_none() && pins.grasp(hold.hand, &span).is_none() {
            hold.first = tracks[hold.hand].in_time(hold, &moved, &palms[hold.hand], clip.fps);
        }
    }
    holds.sort_by_key(|h| (h.first, h.hand));
    // A foot that happens to be near what the hands carry does not kick it.
    kicks.retain(|k| {
        !(holds.iter()).any(|h| {
            overlap(
                h.first,
                h.last,
                &Span {
                    first: k.first,
                    last: k.last,
                },
            ) > 0
        })
    });
    HoldPlan {
        holds,
        kicks,
        events,
    }
}

/// Stretches in seconds as frames, in order, those that meet made one; what lies past the clip is left out.
fn stretches_of(seconds: &[[f32; 2]], fps: f32, frames: usize) -> Vec<Span> {
    let last = frames.saturating_sub(1);
    let spans = seconds.iter().filter_map(|[from, to]| {
        let first = (from * fps).round().max(0.0) as usize;
        // The frame that a stretch ends with begins before its end.
        let end = ((to * fps).round().max(1.0) as usize - 1).min(last);
        (first <= end).then_some(Span { first, last: end })
    });
    joined(spans.collect(), 0)
}

/// Grasps of the other hand at the same time.
fn others(holds: &[Hold], hand: usize, span: &Span) -> Vec<Grasp> {
    (holds.iter())
        .filter(|h| h.hand != hand && overlap(h.first, h.last, span) > 0)
        .map(|h| h.grasp)
        .collect()
}

/// Whether a flat palm at a place cannot move the object as it moves over a hold, `hands` of them sharing its weight.
fn slips(
    object: &PhysicalObject,
    places: &[Isometry3<f32>],
    grasp: &Grasp,
    hands: usize,
    grip: &Grip,
) -> bool {
    let (Some(start), Some(end)) = (places.first(), places.last()) else {
        return false;
    };
    let height = |p: &Isometry3<f32>| p.translation.z + object.lowest(&p.rotation);
    let floor = height(start).max(height(end)) + RAISED;
    let weight = object.mass() * GRAVITY / hands as f32;
    // People start and stop faster than the weight alone asks for.
    let least = MARGIN * grip.pull;
    if let Some(raised) = places.iter().find(|p| height(p) > floor) {
        let under = (raised.rotation * grasp.normal.into_inner()).z < -0.5;
        return !under && weight > least;
    }
    let way = end.translation.vector - start.translation.vector;
    let pushes = way.dot(&(start.rotation * grasp.normal.into_inner())) < -0.3 * way.norm();
    !pushes && weight * object.friction() > least
}

fn pause(fps: f32) -> usize {
    (PAUSE * fps) as usize
}

fn overlap(first: usize, last: usize, span: &Span) -> usize {
    (last.min(span.last) + 1).saturating_sub(first.max(span.first))
}

fn takes_part(said: &[Span], span: &Span) -> bool {
    let touched: usize = said.iter().map(|t| overlap(t.first, t.last, span)).sum();
    touched as f32 >= TAKES_PART * (span.last + 1 - span.first) as f32
}

/// Stretches in order, those with at most `pause` frames between them made one.
fn joined(mut spans: Vec<Span>, pause: usize) -> Vec<Span> {
    spans.sort_by_key(|s| s.first);
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if span.first <= last.last + pause + 1 => {
                last.last = last.last.max(span.last);
            }
            _ => out.push(span),
        }
    }
    out
}

/// When the object moves.
pub(crate) fn motions(fps: f32, object: &PhysicalObject, places: &[Isometry3<f32>]) -> Vec<Span> {
    let Some(end) = places.len().checked_sub(1) else {
        return Vec::new();
    };
    let height = |p: &Isometry3<f32>| p.translation.z + object.lowest(&p.rotation);
    let floor = height(&places[0]).max(height(&places[end])) + RAISED;
    let frames = (0..=end).filter(|&f| {
        let (a, b) = (&places[f.saturating_sub(1)], &places[(f + 1).min(end)]);
        let seconds = ((f + 1).min(end) - f.saturating_sub(1)).max(1) as f32 / fps;
        let way = (b.translation.vector - a.translation.vector).norm();
        let turn = a.rotation.angle_to(&b.rotation);
        way > MOVES * seconds || turn > TURNS * seconds || height(&places[f]) > floor
    });
    let single = frames.map(|f| Span { first: f, last: f }).collect();
    let mut spans = joined(single, pause(fps));
    spans.retain(|s| {
        let (a, b) = (&places[s.first], &places[s.last]);
        let farthest = (s.first..=s.last)
            .map(|f| (places[f].translation.vector - a.translation.vector).norm())
            .fold(0.0, f32::max);
        (s.last + 1 - s.first) as f32 >= SHORTEST * fps
            && (farthest > LEAST_WAY || a.rotation.angle_to(&b.rotation) > LEAST_TURN)
    });
    spans
}

/// A hand seen from the object, frame by frame.
struct Track {
    pads: Vec<Vector3<f32>>,
    rotations: Vec<UnitQuaternion<f32>>,
    distances: Vec<f32>,
    forearms: Vec<Vector3<f32>>,
    shoulders: Vec<Vector3<f32>>,
    arm: f32,
}

impl Track {
    fn of(
        clip: &MotionClip,
        object: &PhysicalObject,
        places: &[Isometry3<f32>],
        palms: &[Palm; 2],
        hand: usize,
    ) -> Self {
        let wrist = joint::LEFT_WRIST + hand;
        let mut out = Self {
            pads: Vec::with_capacity(places.len()),
            rotations: Vec::with_capacity(places.len()),
            distances: Vec::with_capacity(places.len()),
            forearms: Vec::with_capacity(places.len()),
            shoulders: Vec::with_capacity(places.len()),
            arm: clip.skeleton.rest_offsets[joint::LEFT_ELBOW + hand].norm()
                + clip.skeleton.rest_offsets[wrist].norm()
                + palms[hand].pad.norm() * 0.8,
        };
        for (f, place) in places.iter().enumerate() {
            let rotation = clip.frames[f].pose.rotations[wrist];
            let joints = clip.joints(f);
            let at = pad(&palms[hand], hand, &joints, &rotation);
            let shoulder = joints[joint::LEFT_SHOULDER + hand];
            out.shoulders
                .push(place.inverse_transform_point(&shoulder.into()).coords);
            let forearm = joints[wrist] - joints[joint::LEFT_ELBOW + hand];
            out.forearms
                .push(place.rotation.inverse() * forearm.try_normalize(1e-6).unwrap_or_default());
            let local = place.inverse_transform_point(&at.into()).coords;
            out.distances
                .push(object.surface().signed_distance(&local).max(0.0));
            out.pads.push(local);
            out.rotations.push(place.rotation.inverse() * rotation);
        }
        out
    }

    /// How a hand that has taken hold is turned in a frame, object's frame: laid on the surface, and as its wrist likes it.
    fn turned(&self, frame: usize, grasp: &Grasp, palm: &Palm) -> UnitQuaternion<f32> {
        let laid = grasp.aligned(palm, &self.rotations[frame]);
        let along = laid * palm.along.into_inner();
        let turn = easing(&grasp.normal, &along, &self.forearms[frame]);
        UnitQuaternion::from_axis_angle(&grasp.normal, turn) * laid
    }

    /// The frame in which a hand takes hold. What it touches at once when a clip begins it has no time to come to: it comes a
    /// little later, as long as the object rests.
    fn in_time(&self, hold: &Hold, moved: &[Span], palm: &Palm, fps: f32) -> usize {
        if hold.first == 0 {
            // What is in hand when the clip begins is.
            return 0;
        }
        let rotation = &self.rotations[hold.first];
        let turn = (hold.grasp.aligned(palm, rotation)).angle_to(rotation);
        let shift = (self.pads[hold.first] - hold.grasp.pad()).norm();
        let needed = (away::seconds(shift, turn) * fps).ceil() as usize;
        let moving = (moved.iter())
            .find(|span| span.last >= hold.first)
            .map_or(hold.last, |span| span.first.saturating_sub(1));
        needed.min(moving).min(hold.last).max(hold.first)
    }

    /// Median distance to the surface.
    fn typical(&self, span: &Span) -> f32 {
        let mut distances = self.distances[span.first..=span.last].to_vec();
        distances.sort_by(f32::total_cmp);
        distances[distances.len() / 2]
    }

    /// The stretch over which a hand holds while the object moves: all of it where it is near enough, with the frame
    /// before so that it is there when the motion begins.
    fn extend(&self, said: &[Span], span: &Span) -> Option<Span> {
        let (from, to) = (span.first.saturating_sub(1), span.last + 1);
        let to = to.min(self.distances.len() - 1);
        let touching = |f: usize| said.iter().any(|t| (t.first..=t.last).contains(&f));
        let near = |f: usize| self.distances[f] < HOLDS || touching(f);
        let first = (from..=to).find(|&f| near(f))?;
        let last = (first..=to).rev().find(|&f| near(f))?;
        Some(Span { first, last })
    }

    /// The frames that tell where the model means to hold: those in which it says so, else those in which the hand is
    /// nearest.
    fn near(&self, said: &[Span], span: &Span) -> Near<'static> {
        let inside = span.first..=span.last;
        let mut frames: Vec<usize> = inside
            .clone()
            .filter(|&f| said.iter().any(|t| (t.first..=t.last).contains(&f)))
            .collect();
        if frames.is_empty() {
            let least = (inside.clone().map(|f| self.distances[f])).fold(f32::INFINITY, f32::min);
            frames = inside
                .filter(|&f| self.distances[f] < least + 0.03)
                .collect();
        }
        Near {
            pads: frames.iter().map(|&f| self.pads[f]).collect(),
            rotations: frames.iter().map(|&f| self.rotations[f]).collect(),
            forearm: frames.iter().map(|&f| self.forearms[f]).sum(),
            shoulders: (span.first..=span.last)
                .step_by(4)
                .map(|f| self.shoulders[f])
                .collect(),
            arm: self.arm,
            firm: false,
            about: None,
        }
    }
}
