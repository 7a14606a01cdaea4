//! Hands that a key locks: on the object they hold it as they do at that moment, elsewhere they hold nothing about it.

use nalgebra::{Isometry3, Unit, UnitQuaternion, Vector3};

use super::event::ContactEvent;
use super::grasp::{Grasp, closes};
use super::hold::Span;
use super::object::PhysicalObject;
use super::palm::{Palm, flesh, pad};
use crate::motion::lock::{LEAD, LockedKey, Part};
use crate::motion::{FPS, Frame, MotionClip};
use crate::skeleton::joint;

/// A locked palm this near to the surface of the object as it was then is on it, metres.
const ON: f32 = 0.02;
/// One this near to the object as it is now, facing it, is brought onto it by moving the object, metres.
const NEAR: f32 = 0.08;
/// How far such a palm may be tilted, as the cosine.
const FACES: f32 = 0.5;
/// Shorter stretches on either side of a lock are no holds, frames.
const SHORTEST: usize = 6;

/// A hand at a key.
#[derive(Clone, Copy, Debug)]
struct Pin {
    hand: usize,
    frame: usize,
    /// How it holds; or how far from it the object is, metres.
    grasp: Result<Grasp, f32>,
}

/// What keys say of the hands of a clip.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(Vec<Pin>);

impl Pins {
    /// `places` are the object's centre, one a frame; the clip comes through its keys already.
    pub fn of(
        clip: &MotionClip,
        object: &PhysicalObject,
        places: &[Isometry3<f32>],
        palms: &[Palm; 2],
        keys: &[LockedKey],
    ) -> Self {
        if clip.fps != FPS {
            return Self::default();
        }
        let flesh = flesh(&clip.skeleton);
        let mut pins: Vec<Pin> = Vec::new();
        for key in keys {
            let frame = key.frame();
            let Some(place) = places.get(frame) else {
                continue;
            };
            let joints = clip.skeleton.forward(&key.pose);
            for (hand, part) in [(0, Part::LeftHand), (1, Part::RightHand)] {
                if !(key.holds(&part) || key.holds(&Part::Body)) {
                    continue;
                }
                let rotation = key.pose.rotations[joint::LEFT_WRIST + hand];
                let at = pad(&palms[hand], hand, &joints, &rotation);
                let about = |place: &Isometry3<f32>| Hand {
                    palm: &palms[hand],
                    at: place.inverse_transform_point(&at.into()).coords,
                    turn: place.rotation.inverse() * rotation,
                };
                let then = key.object.map(|o| {
                    object.place(&Frame {
                        object_position: o.position,
                        object_rotation: o.rotation,
                        ..clip.frames[frame]
                    })
                });
                let grasp = then
                    .and_then(|place| about(&place).on(object))
                    .map_or_else(|| about(place).near(object, &flesh[hand]), Ok);
                pins.push(Pin { hand, frame, grasp });
            }
        }
        pins.sort_by_key(|p| p.frame);
        Self(pins)
    }

    /// How a hand holds over a stretch, if a key in it says so; the first of several.
    pub fn grasp(&self, hand: usize, span: &Span) -> Option<Grasp> {
        let mut own = self.0.iter().filter(|p| p.hand == hand);
        own.find_map(|p| {
            p.grasp
                .ok()
                .filter(|_| (span.first..=span.last).contains(&p.frame))
        })
    }

    /// The stretches of both hands without the time about keys that lock a hand away from the object. What is left on both
    /// sides stays where the other hand holds meanwhile; else the longer one does: nobody takes up again at once what fell.
    pub fn cut(&self, spans: [Vec<Span>; 2]) -> ([Vec<Span>; 2], Vec<ContactEvent>) {
        let mut events = Vec::new();
        let all = spans.clone();
        let cut = [0, 1].map(|hand| {
            let mut own = all[hand].clone();
            for pin in self.0.iter().filter(|p| p.hand == hand) {
                let Err(distance) = pin.grasp else { continue };
                let gap = Span {
                    first: pin.frame.saturating_sub(LEAD),
                    last: pin.frame + LEAD,
                };
                let held = spans[1 - hand].iter();
                let helped = { held }.any(|s| s.first < gap.first && s.last > gap.last);
                own = (own.into_iter())
                    .flat_map(|span| {
                        if !(span.first..=span.last).contains(&pin.frame) {
                            return vec![span];
                        }
                        events.push(ContactEvent::OutOfReach {
                            hand,
                            first: gap.first.max(span.first),
                            last: gap.last.min(span.last),
                            distance,
                        });
                        parts(&span, &gap, helped)
                    })
                    .collect();
            }
            own
        });
        (cut, events)
    }
}

/// What of a stretch is outside a gap.
fn parts(span: &Span, gap: &Span, both: bool) -> Vec<Span> {
    let before = gap.first.checked_sub(1).map(|last| Span {
        first: span.first,
        last,
    });
    let after = Span {
        first: gap.last + 1,
        last: span.last,
    };
    let length = |s: &Span| (s.last + 1).saturating_sub(s.first);
    let mut parts: Vec<Span> = (before.into_iter().chain([after]))
        .filter(|s| length(s) >= SHORTEST)
        .collect();
    if !both && parts.len() == 2 {
        let shorter = usize::from(length(&parts[1]) <= length(&parts[0]));
        parts.remove(shorter);
    }
    parts
}

/// A hand seen from the object's centre.
struct Hand<'a> {
    palm: &'a Palm,
    at: Vector3<f32>,
    turn: UnitQuaternion<f32>,
}

impl Hand<'_> {
    /// The grasp of a hand that lies on the object: exactly as it lies.
    fn on(&self, object: &PhysicalObject) -> Option<Grasp> {
        let off = object.surface().signed_distance(&self.at);
        (off.abs() < ON).then(|| self.grasp(self.at, object))
    }

    /// The grasp of a hand that is near the object, on its surface, turned as it is; else how far the surface is.
    fn near(&self, object: &PhysicalObject, flesh: &[Vector3<f32>]) -> Result<Grasp, f32> {
        let off = object.surface().signed_distance(&self.at);
        let found = object.surface().nearest(&self.at);
        let found = found.filter(|_| off.abs() < NEAR).ok_or(off.abs())?;
        let grasp = self.grasp(found.position, object);
        if grasp.normal.dot(&found.normal) < FACES {
            return Err(off.abs());
        }
        Ok(grasp.lifted(self.palm, flesh, [&self.turn], object.surface()))
    }

    /// A palm at a point of the object. Its normal is the palm's own, so that nothing turns the hand.
    fn grasp(&self, point: Vector3<f32>, object: &PhysicalObject) -> Grasp {
        let grasp = Grasp {
            point,
            normal: Unit::new_normalize(-(self.turn * self.palm.inward.into_inner())),
            lift: 0.0,
            rotation: self.turn,
            closes: false,
        };
        Grasp {
            closes: closes(self.palm, &grasp, object.surface()),
            ..grasp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: usize, last: usize) -> Span {
        Span { first, last }
    }

    #[test]
    fn a_hand_that_is_locked_elsewhere_does_not_hold_about_that_time() {
        let away = Pin {
            hand: 0,
            frame: 50,
            grasp: Err(0.3),
        };
        let pins = Pins(vec![away]);
        // Alone, the longer part is left.
        let ([left, right], events) = pins.cut([vec![span(20, 110)], Vec::new()]);
        assert_eq!((left, right.len()), (vec![span(66, 110)], 0));
        let told = ContactEvent::OutOfReach {
            hand: 0,
            first: 35,
            last: 65,
            distance: 0.3,
        };
        assert_eq!(events, [told]);
        // While the other hand has the object, both are.
        let ([left, right], _) = pins.cut([vec![span(20, 110)], vec![span(20, 110)]]);
        assert_eq!(left, [span(20, 34), span(66, 110)]);
        assert_eq!(right, [span(20, 110)]);
        // Stretches that it is not in stay.
        let ([left, _], events) = pins.cut([vec![span(60, 110)], Vec::new()]);
        assert_eq!((left, events.len()), (vec![span(60, 110)], 0));
        // One that is all in it is gone.
        let ([left, _], _) = pins.cut([vec![span(40, 60)], Vec::new()]);
        assert_eq!(left, []);
    }
}
