//! How deep points are in the object or the scene.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use super::trajectory::same_length;
use crate::error::{Error, Result};
use crate::geometry::SdfGrid;
use crate::skeleton::{JOINTS, joint};

/// How points are taken into the object's rest frame before its distance field is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectFrame {
    /// R (p - centre), as the published code does (Q3). Right only while R is its own inverse.
    Published,
    /// R^T (p - centre).
    Corrected,
}

/// Mean depth of points in the object over all frames and points, metres: mean |min(distance, 0)|. `points` per frame in
/// the world, `distance` the signed distance (negative inside) relative to the object's centre in its rest frame.
///
/// # Errors
/// [`Error::Invalid`] when the numbers of frames differ, there is no point, or a depth is not a number.
pub fn penetration(
    points: &[Vec<Vector3<f32>>],
    center: &[Vector3<f32>],
    rotation: &[Matrix3<f32>],
    frame: ObjectFrame,
    distance: impl Fn(&Vector3<f32>) -> f32,
) -> Result<f64> {
    same_length("object centre", center.len(), points.len())?;
    same_length("object rotation", rotation.len(), points.len())?;
    let depths = (points.iter())
        .zip(center.iter().zip(rotation))
        .flat_map(|(points, (c, r))| {
            let distance = &distance;
            points.iter().map(move |p| {
                distance(&match frame {
                    ObjectFrame::Published => r * (p - c),
                    ObjectFrame::Corrected => r.tr_mul(&(p - c)),
                })
            })
        });
    mean_depth(depths)
}

/// Mean depth of points in the scene, metres. The generated motion begins at the origin and was planned along a path
/// turned onto +x: the points are moved by `shift` and turned back by the inverse of `path_rotation`.
///
/// # Errors
/// [`Error::Invalid`] when there is no point or a depth is not a number.
pub fn scene_penetration(
    points: impl IntoIterator<Item = Vector3<f32>>,
    shift: &Vector3<f32>,
    path_rotation: &UnitQuaternion<f32>,
    scene: &SdfGrid,
) -> Result<f64> {
    let back = path_rotation.inverse();
    mean_depth((points.into_iter()).map(|p| scene.query(&(back * (p + shift)))))
}

fn mean_depth(distances: impl Iterator<Item = f32>) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for d in distances {
        // A comparison would take what is no number for a point outside.
        sum += if d > 0.0 { 0.0 } else { f64::from(d).abs() };
        count += 1;
    }
    if count == 0 {
        return Err(Error::invalid(
            "penetration",
            "there are no points to measure",
        ));
    }
    if !sum.is_finite() {
        return Err(Error::invalid(
            "penetration",
            "a point or a distance is not finite; leave such clips out",
        ));
    }
    Ok(sum / count as f64)
}

/// Points along the bones of the hands, five from each wrist to its palm, per frame. They stand in for the hands' vertices
/// where there is no skinned body; they have no flesh, so that what they measure is less than the published P_hand.
pub fn hand_bone_points(joints: &[[Vector3<f32>; JOINTS]]) -> Vec<Vec<Vector3<f32>>> {
    let hands = [
        (joint::LEFT_WRIST, joint::LEFT_PALM),
        (joint::RIGHT_WRIST, joint::RIGHT_PALM),
    ];
    (joints.iter())
        .map(|j| {
            (hands.iter())
                .flat_map(|(wrist, palm)| (0..5).map(|k| j[*wrist].lerp(&j[*palm], k as f32 / 4.0)))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penetration_conventions_differ_for_a_quarter_turn() {
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, std::f32::consts::FRAC_PI_2);
        let rotation = vec![turn.to_rotation_matrix().into_inner()];
        let points = vec![vec![Vector3::new(1.0, 2.0, 0.0)]];
        let field = |p: &Vector3<f32>| p.y;
        let center = vec![Vector3::new(0.0, 2.0, 0.0)];
        let depth = |frame| penetration(&points, &center, &rotation, frame, field);
        // p - c = (1, 0, 0): R gives y = 1, its transpose y = -1.
        assert!(depth(ObjectFrame::Published).expect("a depth").abs() < 1e-6);
        assert!((depth(ObjectFrame::Corrected).expect("a depth") - 1.0).abs() < 1e-6);
        let nothing = penetration(&[], &[], &[], ObjectFrame::Corrected, field);
        assert!(nothing.is_err());
        let no_number = |_: &Vector3<f32>| f32::NAN;
        assert!(
            penetration(
                &points,
                &center,
                &rotation,
                ObjectFrame::Corrected,
                no_number
            )
            .is_err()
        );
        assert!(penetration(&points, &[], &rotation, ObjectFrame::Corrected, field).is_err());
    }
}
