//! Contact slip: how far palms slide over the object that they touch.
//!
//! The paper has no such figure. Later ones have (ROG, arXiv 2503.20172, its MDev), but define theirs otherwise than by
//! anything that could be checked here, so this is not theirs and not to be compared with it.

use super::metrics::{CONTACT_DISTANCE, Trajectory};
use crate::skeleton::joint;

/// Mean way, in metres a frame, that a palm makes in the object's own frame from one frame to the next, over all steps in
/// which that palm is nearer than [`CONTACT_DISTANCE`] to a vertex of the object at both ends, left and right together. 0
/// when hands and object move as one, whichever way they move. None when no palm touches for two frames in a row.
///
/// A hand that only strokes an object slips too, and a hand that never touches is not measured: read it beside C_%.
pub fn contact_slip(motion: &Trajectory) -> Option<f64> {
    let frames = (motion.joints.iter().zip(&motion.palm_distances))
        .zip(motion.object_center.iter().zip(&motion.object_rotation));
    let frames: Vec<_> = frames.collect();
    let (mut way, mut steps) = (0.0, 0_usize);
    for pair in frames.windows(2) {
        for (hand, palm) in [joint::LEFT_PALM, joint::RIGHT_PALM]
            .into_iter()
            .enumerate()
        {
            if pair.iter().any(|((_, d), _)| d[hand] >= CONTACT_DISTANCE) {
                continue;
            }
            let [a, b] = [0, 1].map(|k| {
                let ((joints, _), (center, rotation)) = pair[k];
                rotation
                    .cast::<f64>()
                    .tr_mul(&(joints[palm] - center).cast::<f64>())
            });
            way += (b - a).norm();
            steps += 1;
        }
    }
    (steps > 0).then(|| way / steps as f64)
}

#[cfg(test)]
mod tests {
    use nalgebra::{Rotation3, Vector3};

    use super::*;
    use crate::skeleton::JOINTS;

    /// A person whose palms are at `palms(t)` of an object that walks and turns, touching from frame 2 to 7 with the left
    /// hand only.
    fn moving(palms: impl Fn(usize) -> [Vector3<f32>; 2]) -> Trajectory {
        let mut out = Trajectory::default();
        for t in 0..10 {
            let turn = Rotation3::from_euler_angles(0.1, 0.2, 0.3 * t as f32);
            let center = Vector3::new(0.2 * t as f32, -0.1, 1.0);
            let mut joints = [Vector3::zeros(); JOINTS];
            for (palm, at) in [joint::LEFT_PALM, joint::RIGHT_PALM]
                .into_iter()
                .zip(palms(t))
            {
                joints[palm] = turn * at + center;
            }
            out.joints.push(joints);
            out.object_center.push(center);
            out.object_rotation.push(turn.into_inner());
            let left = if (2..8).contains(&t) { 0.01 } else { 0.2 };
            out.palm_distances.push([left, 0.05]);
        }
        out
    }

    #[test]
    fn hands_that_go_with_the_object_do_not_slip() {
        let fixed = moving(|_| [Vector3::new(0.3, 0.1, 0.2), Vector3::zeros()]);
        assert!(contact_slip(&fixed).expect("contact") < 1e-6);
    }

    #[test]
    fn only_steps_of_a_palm_in_contact_count() {
        // The left palm slides 1 cm a frame, the right, which is not near enough, a metre.
        let slides = moving(|t| {
            [
                Vector3::new(0.3, 0.01 * t as f32, 0.0),
                Vector3::new(t as f32, 0.0, 0.0),
            ]
        });
        assert!((contact_slip(&slides).expect("contact") - 0.01).abs() < 1e-6);
        // It jumps where contact begins and ends: those steps have one end outside.
        let jumps = moving(|t| {
            let away = if (2..8).contains(&t) { 0.0 } else { 5.0 };
            [Vector3::new(away, 0.0, 0.0), Vector3::zeros()]
        });
        assert!(contact_slip(&jumps).expect("contact") < 1e-6);
    }

    #[test]
    fn who_never_touches_does_not_slip_and_is_not_measured() {
        let mut apart = moving(|_| [Vector3::zeros(); 2]);
        apart.palm_distances.fill([0.06, 0.2]);
        assert_eq!(contact_slip(&apart), None);
        assert_eq!(contact_slip(&Trajectory::default()), None);
    }
}
