//! What a clip says at a time, in Bevy's world.

use bevy::math::{Isometry3d, Vec3};
use chois::motion::{ContactPart, MotionClip};
use chois::skeleton::joint;
use nalgebra::Vector3;

use super::RibbonPoint;
use crate::frame;

/// Contact is averaged over so many frames to both sides: labels of the network may flicker.
const CONTACT_WINDOW: usize = 3;

/// One palm at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Palm {
    /// Where it is, Bevy's world, metres.
    pub position: Vec3,
    /// How firmly it touches the object, 0 to 1.
    pub contact: f32,
}

/// The frames before and after a time and how far it is between them. The clip's ends hold outside of it; what is no
/// number is the beginning. None for a clip without frames.
fn between(motion: &MotionClip, seconds: f32) -> Option<(usize, usize, f32)> {
    let last = motion.frames.len().checked_sub(1)?;
    let at = seconds * motion.fps;
    let at = if at.is_finite() {
        at.clamp(0.0, last as f32)
    } else {
        0.0
    };
    let before = (at as usize).min(last);
    Some((before, (before + 1).min(last), at - before as f32))
}

/// From the first to the last frame, seconds.
pub(super) fn length(motion: &MotionClip) -> f32 {
    motion.frames.len().saturating_sub(1) as f32 / motion.fps
}

/// Left and right palm.
pub(super) fn palms(motion: &MotionClip, origin: &Isometry3d, seconds: f32) -> Option<[Palm; 2]> {
    let (before, after, share) = between(motion, seconds)?;
    let (a, b) = (motion.joints(before), motion.joints(after));
    let nearest = if share < 0.5 { before } else { after };
    let window = nearest.saturating_sub(CONTACT_WINDOW)
        ..(nearest + CONTACT_WINDOW + 1).min(motion.frames.len());
    let parts = [
        (joint::LEFT_PALM, ContactPart::LeftHand),
        (joint::RIGHT_PALM, ContactPart::RightHand),
    ];
    Some(parts.map(|(joint, part)| {
        let labels = &motion.frames[window.clone()];
        let sum: f32 = labels.iter().map(|f| f.contact[part as usize]).sum();
        Palm {
            position: *origin * frame::vec3(a[joint].lerp(&b[joint], share)),
            contact: (sum / labels.len() as f32).clamp(0.0, 1.0),
        }
    }))
}

/// Where the object stands.
pub(super) fn object_place(
    motion: &MotionClip,
    origin: &Isometry3d,
    seconds: f32,
) -> Option<Isometry3d> {
    let (before, after, share) = between(motion, seconds)?;
    let (a, b) = (&motion.frames[before], &motion.frames[after]);
    let position = a.object_position.lerp(&b.object_position, share);
    let (a, b) = (
        frame::quat(a.object_rotation),
        frame::quat(b.object_rotation),
    );
    Some(*origin * Isometry3d::new(frame::vec3(position), a.slerp(b, share)))
}

/// The way of a point of the object (model's axes, about the object's origin, metres) over the floor.
pub(super) fn object_path(
    motion: &MotionClip,
    origin: &Isometry3d,
    point: Vector3<f32>,
) -> Vec<RibbonPoint> {
    let frames = motion.frames.iter().enumerate();
    frames
        .map(|(i, frame)| {
            let place = frame.object_position + frame.object_rotation * point;
            RibbonPoint {
                position: *origin * frame::vec3(Vector3::new(place.x, place.y, 0.0)),
                seconds: i as f32 / motion.fps,
            }
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use chois::motion::Frame;
    use chois::skeleton::{Pose, ROTATIONS, Skeleton};
    use nalgebra::UnitQuaternion;

    use super::*;

    /// The object slides along +x by a metre a second; the left hand touches from 0.5 s on.
    pub fn sliding(frames: usize) -> MotionClip {
        let up = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f32::consts::FRAC_PI_2);
        MotionClip {
            name: "sliding".into(),
            subject: String::new(),
            object: "box".into(),
            text: String::new(),
            fps: 30.0,
            skeleton: Skeleton::adult(),
            frames: (0..frames)
                .map(|i| Frame {
                    pose: Pose {
                        root: Vector3::new(i as f32 / 30.0, -0.5, 0.95),
                        rotations: [up; ROTATIONS],
                    },
                    object_position: Vector3::new(i as f32 / 30.0, 0.0, 0.4),
                    object_rotation: UnitQuaternion::identity(),
                    contact: [f32::from(i >= 15), 0.0, 0.0, 0.0],
                })
                .collect(),
        }
    }

    #[test]
    fn times_outside_hold_the_ends() {
        let clip = sliding(31);
        let at = |seconds| object_place(&clip, &Isometry3d::IDENTITY, seconds).expect("frames");
        let x = |seconds| at(seconds).translation.x;
        assert!((x(0.55) - 0.55).abs() < 1e-5);
        assert_eq!((x(-3.0), x(f32::NAN)), (0.0, 0.0));
        assert!((x(99.0) - 1.0).abs() < 1e-5);
        // Z up has become Y up.
        assert!((at(0.0).translation.y - 0.4).abs() < 1e-6);
        assert!((length(&clip) - 1.0).abs() < 1e-6);
        let empty = sliding(0);
        assert!(object_place(&empty, &Isometry3d::IDENTITY, 0.0).is_none());
        assert!(palms(&empty, &Isometry3d::IDENTITY, 0.0).is_none());
        assert_eq!(length(&empty), 0.0);
    }

    #[test]
    fn contact_comes_smoothly() {
        let clip = sliding(31);
        let left = |s| palms(&clip, &Isometry3d::IDENTITY, s).expect("frames")[0].contact;
        assert_eq!((left(0.1), left(0.9)), (0.0, 1.0));
        assert!((0.2..0.8).contains(&left(0.5)));
    }

    #[test]
    fn the_path_lies_on_the_floor_of_the_clip() {
        let clip = sliding(31);
        let origin = Isometry3d::from_translation(Vec3::new(5.0, 2.0, 0.0));
        let path = object_path(&clip, &origin, Vector3::new(0.1, 0.0, 0.3));
        assert!((path[0].position - Vec3::new(5.1, 2.0, 0.0)).length() < 1e-5);
        assert!((path[30].position - Vec3::new(6.1, 2.0, 0.0)).length() < 1e-5);
        assert!((path[30].seconds - 1.0).abs() < 1e-6);
    }
}
