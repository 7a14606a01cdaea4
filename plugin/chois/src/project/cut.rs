//! A strip cut in two: what each part is asked for, so that it comes out alike when it is generated again.

use nalgebra::{Isometry3, Translation3, Vector2};

use super::document::{Deed, Project, Strip};
use super::library::Library;
use super::task::stands;
use crate::motion::{FPS, MotionClip};
use crate::request::{EndTurn, InHand, ObjectPlace, Waypoint, end_of};
use crate::scene::{self, place_of};

/// An object this near to where it begins, or ends, is there, metres, and radians.
const AT_REST: f32 = 0.03;
const TURNED: f32 = 0.1;
/// Frames about one in which a hand that has an object is seen to have it: contact flickers.
const NEAR: usize = 5;
/// A waypoint with a time this near to a cut is neither part's, frames: there the first ends and the second begins.
const AT_THE_CUT: f32 = 3.0;

impl Project {
    /// What the parts of a strip ask for when the take that it shows, `clip`, is cut before a frame: the first ends where
    /// the take is then, the second goes on to the strip's own end, and each has the waypoints that the take passes in it.
    /// The sentence is both parts'.
    pub fn cut(
        &self,
        library: &Library,
        strip: &Strip,
        clip: &MotionClip,
        frame: usize,
    ) -> [Deed; 2] {
        let [mut first, mut second] = [strip.deed.clone(), strip.deed.clone()];
        let Some(at) = frame.checked_sub(1).and_then(|last| clip.frames.get(last)) else {
            return [first, second];
        };
        match [&mut first, &mut second] {
            [
                Deed::Walk {
                    waypoints,
                    end,
                    facing,
                    ..
                },
                Deed::Walk {
                    waypoints: later, ..
                },
            ] => {
                let person = stands(&at.pose);
                (*end, *facing) = (person.position, Some(person.facing));
                let way = clip.frames.iter().map(|f| f.pose.root.xy());
                [*waypoints, *later] = parted(waypoints, way, frame);
            }
            [
                Deed::Interact {
                    object,
                    waypoints,
                    end,
                    turn,
                    in_hand,
                    ..
                },
                Deed::Interact {
                    waypoints: later,
                    end: last,
                    turn: rest,
                    in_hand: still,
                    ..
                },
            ] => {
                let Some(geometry) = library.thing(*object).map(|thing| &thing.geometry) else {
                    return [first, second];
                };
                let place = |f: &crate::motion::Frame| {
                    let at = Translation3::from(f.object_position);
                    place_of(geometry, &Isometry3::from_parts(at, f.object_rotation))
                };
                let (Some(start), Some(now)) =
                    (self.object_place(library, *object, strip.start), place(at))
                else {
                    return [first, second];
                };
                // Where it is not said it follows from where the whole begins.
                *last = Some(end_of(*last, &start, waypoints));
                *end = Some(now.position);
                let carried = carries(clip, frame, *in_hand);
                (in_hand.end, still.start) = (carried, carried);
                // What is tilted has its turn in its rotation: a yaw is told from the one that the part begins with.
                let turned = turned(&start, &now);
                if let (Some(turn), Some(rest)) = (turn, rest) {
                    rest.yaw += now.yaw - (start.yaw + turned);
                    *turn = EndTurn {
                        yaw: start.yaw + turned,
                        ..*turn
                    };
                }
                let way = (clip.frames.iter())
                    .map(|f| (f.object_position + f.object_rotation * geometry.center()).xy());
                [*waypoints, *later] = parted(waypoints, way, frame);
            }
            _ => {}
        }
        [first, second]
    }
}

/// Whether a hand has the object before a frame, and it has left where it was and has still to go; a clip that begins or ends
/// with it in hand does not have it rest there.
fn carries(clip: &MotionClip, frame: usize, in_hand: InHand) -> bool {
    let at = &clip.frames[frame - 1];
    let is_there = |other: Option<&crate::motion::Frame>| {
        other.is_some_and(|o| {
            (o.object_position - at.object_position).norm() < AT_REST
                && o.object_rotation.angle_to(&at.object_rotation) < TURNED
        })
    };
    let left = in_hand.start || !is_there(clip.frames.first());
    let goes_on = in_hand.end || !is_there(clip.frames.last());
    held(clip, frame - 1) && left && goes_on
}

/// Whether a hand has the object at a frame.
pub(super) fn held(clip: &MotionClip, frame: usize) -> bool {
    let near = frame.saturating_sub(NEAR)..(frame + NEAR + 1).min(clip.frames.len());
    let mut hands = clip.frames[near].iter().flat_map(|f| &f.contact[..2]);
    hands.any(|share| *share > 0.5)
}

/// By how many degrees an object is turned about the vertical between two places.
pub(super) fn turned(from: &ObjectPlace, to: &ObjectPlace) -> f32 {
    let between = scene::rotation(to) * scene::rotation(from).inverse();
    let half = between.k.atan2(between.w).to_degrees();
    (2.0 * half + 180.0).rem_euclid(360.0) - 180.0
}

/// Waypoints passed before a frame, and those after it; one that has its time there is neither. What has no time is passed
/// where the way comes nearest once the one before is passed.
fn parted(
    waypoints: &[Waypoint],
    way: impl Iterator<Item = Vector2<f32>>,
    frame: usize,
) -> [Vec<Waypoint>; 2] {
    let way: Vec<Vector2<f32>> = way.collect();
    let (mut before, mut after, mut from) = (Vec::new(), Vec::new(), 0);
    for waypoint in waypoints {
        let at = Vector2::from(waypoint.at);
        let far = |t: &usize| (way[*t] - at).norm_squared();
        let nearest = (from..way.len()).min_by(|a, b| far(a).total_cmp(&far(b)));
        from = nearest.unwrap_or(from);
        // Frames since the second part's first.
        let off = waypoint.time.map(|time| time * FPS - frame as f32);
        match off {
            Some(off) if off.abs() < AT_THE_CUT => {}
            Some(off) if off > 0.0 => after.push(Waypoint {
                time: Some(off / FPS),
                ..*waypoint
            }),
            None if from >= frame => after.push(*waypoint),
            _ => before.push(*waypoint),
        }
    }
    [before, after]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waypoints_go_to_the_part_that_passes_them() {
        // There and back past the same place: the first waypoint is met going, the last coming back.
        let way = (0..=100).map(|t| Vector2::new(1.0 - (t as f32 / 50.0 - 1.0).abs(), 0.0));
        let at = |x: f32, time| Waypoint { at: [x, 0.1], time };
        let free = [at(0.98, None), at(0.3, None)];
        assert_eq!(
            parted(&free, way.clone(), 60),
            [vec![free[0]], vec![free[1]]]
        );
        assert_eq!(parted(&free, way.clone(), 20), [vec![], free.to_vec()]);
        let timed = [at(0.4, Some(1.0)), at(0.4, Some(2.5))];
        let [before, after] = parted(&timed, way.clone(), 60);
        assert_eq!(before, [timed[0]]);
        assert_eq!(after, [at(0.4, Some(0.5))]);
        // Cut at a waypoint, and a frame after it: there the first part ends anyway.
        for frame in [30, 31, 75] {
            let [before, after] = parted(&timed, way.clone(), frame);
            assert_eq!(before.len() + after.len(), 1, "cut at {frame}");
            assert!(after.iter().all(|w| w.time > Some(0.1)));
        }
    }

    #[test]
    fn turns_are_told_from_the_rotation() {
        let flat = |yaw| ObjectPlace {
            yaw,
            ..ObjectPlace::default()
        };
        assert!((turned(&flat(10.0), &flat(50.0)) - 40.0).abs() < 1e-3);
        assert!((turned(&flat(170.0), &flat(-170.0)) - 20.0).abs() < 1e-3);
        let tilted = nalgebra::UnitQuaternion::from_euler_angles(0.1, 0.0, 0.6);
        let tilted = ObjectPlace {
            rotation: Some([tilted.i, tilted.j, tilted.k, tilted.w]),
            ..flat(0.0)
        };
        assert!((turned(&flat(0.0), &tilted) - 0.6_f32.to_degrees()).abs() < 0.2);
    }
}
