//! Toes: the network turns them with the ankle, so a lifted heel would push them through the floor. Here they bend.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::Figure;
use crate::motion::MotionClip;
use crate::skeleton::joint;

/// Farthest the toes bend upward, radians.
const MOST: f32 = 1.0;

/// Rotations of the left and the right toe joint relative to the ankle, for each frame: as the clip has them, bent up
/// as far as keeps the tips over the floor z = 0. `figure` must be [fitted](Figure::fitted) to the clip's skeleton.
pub fn toe_rotations(figure: &Figure, clip: &MotionClip) -> Vec<[UnitQuaternion<f32>; 2]> {
    let feet = [0, 1].map(|side| {
        let points = sole(figure, side);
        let (ankle, toe) = (joint::LEFT_ANKLE + side, joint::LEFT_TOE + side);
        let bends: Vec<f32> = (0..clip.frames.len())
            .map(|f| {
                let turn = clip.frames[f].pose.rotations[toe];
                bend(&points, clip.joints(f)[toe].z, &turn)
            })
            .collect();
        (0..bends.len())
            .map(|f| {
                // Three frames' mean: the floor is met gently.
                let near = &bends[f.saturating_sub(1)..(f + 2).min(bends.len())];
                let angle = near.iter().sum::<f32>() / near.len() as f32;
                let rotations = &clip.frames[f].pose.rotations;
                let local = rotations[ankle].inverse() * rotations[toe];
                local * up(angle)
            })
            .collect::<Vec<_>>()
    });
    (0..clip.frames.len())
        .map(|f| [feet[0][f], feet[1][f]])
        .collect()
}

/// The toes turned up by an angle about the foot's own side-to-side axis (forward is +Z at rest, up +Y).
fn up(angle: f32) -> UnitQuaternion<f32> {
    UnitQuaternion::from_axis_angle(&Unit::new_unchecked(-Vector3::x()), angle)
}

/// Points of the underside of the toes about the toe joint, rest pose.
fn sole(figure: &Figure, side: usize) -> Vec<Vector3<f32>> {
    let toe = joint::LEFT_TOE + side;
    let at = figure.joints[toe].position;
    let mut out = Vec::new();
    for part in &figure.parts {
        for i in 0..part.vertices.len() {
            let own = |k: usize| usize::from(part.joints[i][k]) == toe && part.weights[i][k] > 127;
            let v = part.vertices[i] - at;
            if (0..4).any(own) && part.normals[i].y < 0.0 {
                out.push(v);
            }
        }
    }
    out
}

/// The least upward bend that keeps all points over the floor, or the one that keeps them highest.
fn bend(points: &[Vector3<f32>], height: f32, turn: &UnitQuaternion<f32>) -> f32 {
    let lowest = |angle: f32| {
        let turned = *turn * up(angle);
        let row = turned.inverse() * Vector3::z();
        let heights = points.iter().map(|p| height + row.dot(p));
        heights.fold(f32::INFINITY, f32::min)
    };
    if lowest(0.0) >= 0.0 {
        return 0.0;
    }
    let mut best = (lowest(0.0), 0.0);
    for step in 1..=20 {
        let angle = MOST * step as f32 / 20.0;
        let low = lowest(angle);
        if low > best.0 {
            best = (low, angle);
        }
        if low >= 0.0 {
            break;
        }
    }
    // Between the last step that was too low and this one.
    let (mut a, mut b) = ((best.1 - MOST / 20.0).max(0.0), best.1);
    if best.0 >= 0.0 {
        for _ in 0..8 {
            let middle = (a + b) / 2.0;
            if lowest(middle) >= 0.0 {
                b = middle;
            } else {
                a = middle;
            }
        }
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    #[test]
    fn toes_bend_as_far_as_the_floor_asks() {
        let points = sole(Figure::standard(), 0);
        assert!(points.len() > 20);
        let flat = frame::y_up_to_z_up();
        // At rest the soles are at zero, the joints as high as they are there.
        let height = Figure::standard().joints[joint::LEFT_TOE].position.y + 1e-4;
        assert_eq!(bend(&points, height, &flat), 0.0);
        let heel_up = |degrees: f32| {
            flat * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), degrees.to_radians())
        };
        let mut before = 0.0;
        for degrees in [25.0, 35.0, 45.0] {
            let turn = heel_up(degrees);
            let angle = bend(&points, height + 0.01, &turn);
            assert!(angle > before, "{degrees}: {angle}");
            before = angle;
            let row = (turn * up(angle)).inverse() * Vector3::z();
            let heights = points.iter().map(|p| height + 0.01 + row.dot(p));
            let lowest = heights.fold(f32::INFINITY, f32::min);
            assert!((-1e-3..0.01).contains(&lowest), "{degrees}: {lowest}");
        }
        // A foot deep in the floor cannot be saved, but stays a foot.
        assert!(bend(&points, -1.0, &flat) <= MOST);
    }
}
