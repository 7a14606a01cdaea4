//! When which part of the body touches the object, from a clip's contact channels.

use super::{ContactPart, MotionClip};

/// Contact begins when a channel rises above this ...
const BEGINS: f32 = 0.5;
/// ... and ends when it falls below this, so that a channel about the threshold does not flicker.
const ENDS: f32 = 0.35;
/// Gaps of up to so many seconds are no release.
const GAP: f32 = 0.2;
/// Touches shorter than so many seconds are none.
const SHORTEST: f32 = 0.1;

/// One part of the body touching the object, without a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    /// What touches.
    pub part: ContactPart,
    /// First frame that touches.
    pub first: usize,
    /// Last frame that touches.
    pub last: usize,
}

/// All touches of a clip, in the order in which they begin.
pub fn touches(clip: &MotionClip) -> Vec<Touch> {
    let gap = (GAP * clip.fps) as usize;
    let shortest = (SHORTEST * clip.fps) as usize;
    let parts = [
        ContactPart::LeftHand,
        ContactPart::RightHand,
        ContactPart::LeftFoot,
        ContactPart::RightFoot,
    ];
    let mut all: Vec<Touch> = Vec::new();
    for part in parts {
        let mut found: Vec<Touch> = Vec::new();
        let mut touching = false;
        for (f, frame) in clip.frames.iter().enumerate() {
            let level = frame.contact[part as usize];
            touching = level > if touching { ENDS } else { BEGINS };
            if !touching {
                continue;
            }
            match found.last_mut() {
                Some(touch) if f - touch.last <= gap + 1 => touch.last = f,
                _ => found.push(Touch {
                    part,
                    first: f,
                    last: f,
                }),
            }
        }
        all.extend(
            found
                .into_iter()
                .filter(|t| t.last - t.first + 1 > shortest),
        );
    }
    all.sort_by_key(|t| (t.first, t.part as usize));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::Frame;
    use crate::skeleton::{Pose, ROTATIONS, Skeleton};
    use nalgebra::{UnitQuaternion, Vector3};

    fn found(levels: &[f32]) -> Vec<(usize, usize)> {
        let frames = levels.iter().map(|&level| Frame {
            pose: Pose {
                root: Vector3::zeros(),
                rotations: [UnitQuaternion::identity(); ROTATIONS],
            },
            object_position: Vector3::zeros(),
            object_rotation: UnitQuaternion::identity(),
            contact: [0.0, level, 0.0, 0.0],
        });
        let clip = MotionClip {
            name: String::new(),
            subject: String::new(),
            object: String::new(),
            text: String::new(),
            fps: 30.0,
            skeleton: Skeleton::adult(),
            frames: frames.collect(),
        };
        let all = touches(&clip);
        assert!(all.iter().all(|t| t.part == ContactPart::RightHand));
        all.iter().map(|t| (t.first, t.last)).collect()
    }

    #[test]
    fn hysteresis_gaps_and_blips() {
        let mut levels = vec![0.0; 60];
        levels[10..30].fill(0.9);
        assert_eq!(found(&levels), [(10, 29)]);
        // About the threshold: still one touch.
        for l in levels[10..30].iter_mut().skip(1).step_by(2) {
            *l = 0.4;
        }
        assert_eq!(found(&levels), [(10, 29)]);
        // A short gap closes, a long one does not.
        levels[15..20].fill(0.0);
        assert_eq!(found(&levels), [(10, 29)]);
        levels[15..25].fill(0.0);
        assert_eq!(found(&levels), [(10, 14), (26, 29)]);
        // A blip is none, and what is not a number is none.
        assert_eq!(found(&[0.0, 0.9, 0.0, 0.0]), []);
        assert_eq!(found(&[f32::NAN; 20]), []);
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[1.0; 20]), [(0, 19)]);
    }
}
