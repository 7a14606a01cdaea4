//! Reach: how far from the body an object is while it is moved.
//!
//! The paper has no such figure. Palms may touch in every frame of somebody who falls behind what they carry, arms stretched
//! and back bent; this tells.

use super::metrics::Trajectory;
use crate::motion::FPS;
use crate::skeleton::joint;

/// Speed from which an object moves, metres a second.
const MOVES: f32 = 0.1;

/// Mean distance on the floor, in metres, from the pelvis to the object's centre, over the frames before which the object moved
/// at 0.1 m/s or faster. None where it never did.
pub fn reach(motion: &Trajectory) -> Option<f64> {
    let steps = motion.object_center.windows(2);
    let apart: Vec<f64> = (steps.zip(&motion.joints[1.min(motion.joints.len())..]))
        .filter(|(step, _)| (step[1] - step[0]).norm() * FPS >= MOVES)
        .map(|(step, joints)| f64::from((step[1] - joints[joint::PELVIS]).xy().norm()))
        .collect();
    (!apart.is_empty()).then(|| apart.iter().sum::<f64>() / apart.len() as f64)
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;

    use super::*;
    use crate::skeleton::JOINTS;

    /// A pelvis that goes at a metre a second, and an object above it that goes at `speed`, both along x from frame `first` on.
    fn motion(speed: f32, first: usize) -> Trajectory {
        let mut out = Trajectory::default();
        for t in 0..30_usize {
            let gone = t.saturating_sub(first) as f32 / FPS;
            out.joints.push([Vector3::new(gone, 0.0, 0.9); JOINTS]);
            let center = Vector3::new(0.3 + speed * gone, 0.4, 2.0);
            out.object_center.push(center);
        }
        out
    }

    #[test]
    fn who_goes_along_keeps_their_reach_and_who_falls_behind_does_not() {
        let along = reach(&motion(1.0, 10)).expect("it moves");
        assert!((along - 0.5).abs() < 1e-6, "{along}");
        let behind = reach(&motion(2.0, 10)).expect("it moves");
        // 19 frames, the last of them 0.63 m ahead.
        let want = (1..=19)
            .map(|k| (0.3 + f64::from(k) / 30.0).hypot(0.4))
            .sum::<f64>()
            / 19.0;
        assert!((behind - want).abs() < 1e-5, "{behind}, {want}");
    }

    #[test]
    fn what_stands_is_not_measured() {
        assert_eq!(reach(&motion(1.0, 30)), None);
        assert_eq!(reach(&motion(0.05, 0)), None);
        assert_eq!(reach(&Trajectory::default()), None);
    }
}
