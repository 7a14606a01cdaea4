//! A clip whose end is its beginning.

use nalgebra::{UnitQuaternion, Vector3};

use super::usable;
use crate::error::{Error, Result};
use crate::motion::inertia::left;
use crate::motion::{Frame, MotionClip};
use crate::skeleton::{ROTATIONS, local_rotations, world_rotations};

/// An object that ends within this of where it began can be looped, metres and radians.
const SAME_PLACE: f32 = 0.02;
const SAME_TURN: f32 = 0.1;

/// The person's direction: a turn about the vertical.
fn heading(q: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let ahead = q * Vector3::z();
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), ahead.y.atan2(ahead.x))
}

/// A frame as what goes over: the pelvis' height or place, its turn, and the joints'. Seen from the person's own
/// direction where the way stays.
struct State {
    place: Vector3<f32>,
    turns: [UnitQuaternion<f32>; ROTATIONS],
    object: (Vector3<f32>, UnitQuaternion<f32>),
}

impl State {
    fn of(frame: &Frame, travels: bool) -> Self {
        let mut turns = local_rotations(&frame.pose.rotations);
        let mut place = frame.pose.root;
        if travels {
            turns[0] = heading(&turns[0]).inverse() * turns[0];
            place = Vector3::new(0.0, 0.0, place.z);
        }
        Self {
            place,
            turns,
            object: (frame.object_position, frame.object_rotation),
        }
    }
}

/// What `q` must be turned by, in its own axes, to be `goal`.
fn turn(q: &UnitQuaternion<f32>, goal: &UnitQuaternion<f32>) -> Vector3<f32> {
    (q.inverse() * goal).scaled_axis()
}

/// The last `seconds` go over into the first frame, in pose and speed; the last frame is the first. `travels` keeps the
/// way and the direction, as a walk that goes on from where it came to; else the person comes back to where they began.
/// Feet slide by what they are apart at both ends: trim to where the same foot is in front.
///
/// # Errors
/// [`Error::Invalid`] where the object ends elsewhere than it began (it would slide back), for seconds that are none of
/// the clip's, and for a clip that is none.
pub fn looped(clip: &MotionClip, seconds: f32, travels: bool) -> Result<MotionClip> {
    usable(clip)?;
    let count = clip.frames.len();
    let over = (seconds * clip.fps).round();
    if !(over >= 2.0 && count >= 4 && over <= (count - 2) as f32) {
        return Err(Error::invalid(
            "loop.seconds",
            format!(
                "{seconds} s of a clip of {:.2} s; choose between {:.2} and {:.2}",
                clip.seconds(),
                2.0 / clip.fps,
                (count.max(4) - 2) as f32 / clip.fps
            ),
        ));
    }
    let (first, last) = (&clip.frames[0], &clip.frames[count - 1]);
    if clip.has_object() {
        let way = (last.object_position - first.object_position).norm();
        let angle = last.object_rotation.angle_to(&first.object_rotation);
        if way > SAME_PLACE || angle > SAME_TURN {
            return Err(Error::invalid(
                "loop",
                format!(
                    "the object ends {way:.2} m and {:.0} degrees from where it began and would slide back; trim to a part \
                     in which it does not move",
                    angle.to_degrees()
                ),
            ));
        }
    }
    let over = over as usize;
    let duration = over as f32 / clip.fps;
    let states = |a: usize| State::of(&clip.frames[a], travels);
    let (begin, next, before, end) = (states(0), states(1), states(count - 2), states(count - 1));
    let fps = clip.fps;
    // How much is missing in the end, and how much faster it must then be: of places, and of turns.
    let mut place = (
        begin.place - end.place,
        ((next.place - begin.place) - (end.place - before.place)) * fps,
    );
    if travels {
        // What is gone on with, seen from the direction that was come to.
        let step = clip.frames[1].pose.root - first.pose.root;
        let turned = heading(&last.pose.rotations[0]) * heading(&first.pose.rotations[0]).inverse();
        let was = last.pose.root - clip.frames[count - 2].pose.root;
        let more = (turned * step - was) * fps;
        place.1 = Vector3::new(more.x, more.y, place.1.z);
    }
    let turns: Vec<(Vector3<f32>, Vector3<f32>)> = (0..ROTATIONS)
        .map(|j| {
            let speed =
                turn(&begin.turns[j], &next.turns[j]) - turn(&before.turns[j], &end.turns[j]);
            (turn(&end.turns[j], &begin.turns[j]), speed * fps)
        })
        .collect();
    let still = |(missing, speed): &(Vector3<f32>, Vector3<f32>)| {
        missing.norm() < 1e-6 && speed.norm() < 1e-5
    };
    if still(&place) && turns.iter().all(still) {
        return Ok(clip.clone());
    }
    let object = (
        begin.object.0 - end.object.0,
        turn(&end.object.1, &begin.object.1),
    );
    let mut out = clip.clone();
    for f in count - over..count {
        let frame = &mut out.frames[f];
        let (value, velocity) = left((count - 1 - f) as f32 / over as f32);
        // Time runs back from the end, so does speed.
        let at = |(missing, speed): &(Vector3<f32>, Vector3<f32>)| {
            missing * value - speed * (velocity * duration)
        };
        let mut local = local_rotations(&frame.pose.rotations);
        for (q, offset) in local.iter_mut().zip(&turns) {
            *q *= UnitQuaternion::from_scaled_axis(at(offset));
        }
        let mut world = world_rotations(&local);
        world.iter_mut().for_each(|q| {
            q.renormalize();
        });
        frame.pose.rotations = world;
        frame.pose.root += at(&place);
        frame.object_position += object.0 * value;
        frame.object_rotation *= UnitQuaternion::from_scaled_axis(object.1 * value);
        frame.object_rotation.renormalize();
    }
    Ok(out)
}
