//! The person of a clip as Biovision BVH, for tools that take skeletons.
//!
//! Centimetres, Y up, rest pose a T-pose that faces +Z; the joints are [`crate::skeleton`]'s 22 that turn, by their names,
//! palms as end sites. Angles are degrees in the order Z, X, Y (the rotation is Z times X times Y) and run on
//! past half turns instead of jumping. BVH knows no objects and no contact; the `.glb` carries those.

pub mod read;

use std::fmt::Write as _;
use std::path::Path;

use nalgebra::{UnitQuaternion, Vector3};

use crate::error::{self, Error, Result};
use crate::frame;
use crate::motion::MotionClip;
use crate::skeleton::{JOINTS, NAMES, PARENTS, ROTATIONS};

/// Centimetres per metre.
const SCALE: f32 = 100.0;

/// Writes the person of a clip as a `.bvh`. The same clip gives the same bytes.
///
/// # Errors
/// Those of [`to_text`]; [`Error::Write`] when the file cannot be written.
pub fn write(path: &Path, clip: &MotionClip) -> Result<()> {
    error::write_atomically(path, to_text(clip)?.as_bytes())
}

/// The text of a clip's `.bvh`, see [`write()`].
///
/// # Errors
/// [`Error::Invalid`] when the clip is empty, holds a value that is not finite or has a frame rate that is none.
pub fn to_text(clip: &MotionClip) -> Result<String> {
    if let Some(reason) = clip.fault() {
        return Err(Error::invalid(format!("clip {:?}", clip.name), reason));
    }
    let mut out = String::from("HIERARCHY\n");
    let mut order = Vec::with_capacity(ROTATIONS);
    joint(&mut out, &mut order, clip, 0, 0);
    let seconds = 1.0 / f64::from(clip.fps);
    let _ = write!(
        out,
        "MOTION\nFrames: {}\nFrame Time: {seconds:.7}\n",
        clip.frames.len()
    );
    let from_z_up = frame::y_up_to_z_up().inverse();
    let mut before = [[0.0f32; 3]; ROTATIONS];
    for pose in clip.frames.iter().map(|f| &f.pose) {
        let root = frame::to_y_up(pose.root) * SCALE;
        let _ = write!(out, "{:.4} {:.4} {:.4}", root.x, root.y, root.z);
        for &j in &order {
            let local = match PARENTS[j] {
                Some(p) => pose.rotations[p].inverse() * pose.rotations[j],
                None => from_z_up * pose.rotations[j],
            };
            before[j] = angles(&local, &before[j]);
            let [z, x, y] = before[j];
            let _ = write!(out, " {z:.4} {x:.4} {y:.4}");
        }
        out.push('\n');
    }
    Ok(out)
}

/// Writes a joint and all below it; `order` is the order in which their channels come.
fn joint(out: &mut String, order: &mut Vec<usize>, clip: &MotionClip, j: usize, depth: usize) {
    let indent = "\t".repeat(depth);
    let offset = match PARENTS[j] {
        Some(_) => clip.skeleton.rest_offsets[j] * SCALE,
        // The root's place is in its channels.
        None => Vector3::zeros(),
    };
    let head = match (PARENTS[j], j < ROTATIONS) {
        (None, _) => format!("ROOT {}", NAMES[j]),
        (Some(_), true) => format!("JOINT {}", NAMES[j]),
        (Some(_), false) => "End Site".into(),
    };
    let _ = write!(
        out,
        "{indent}{head}\n{indent}{{\n{indent}\tOFFSET {:.6} {:.6} {:.6}\n",
        offset.x, offset.y, offset.z
    );
    if j < ROTATIONS {
        order.push(j);
        let channels = match PARENTS[j] {
            None => "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
            Some(_) => "3 Zrotation Xrotation Yrotation",
        };
        let _ = writeln!(out, "{indent}\tCHANNELS {channels}");
        let mut leaf = true;
        for child in (j + 1..JOINTS).filter(|&c| PARENTS[c] == Some(j)) {
            leaf = false;
            joint(out, order, clip, child, depth + 1);
        }
        if leaf {
            // Head and toes carry nothing; the format wants an end all the same.
            let end = clip.skeleton.rest_offsets[j] * SCALE * 0.5;
            let _ = write!(
                out,
                "{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET {:.6} {:.6} {:.6}\n{indent}\t}}\n",
                end.x, end.y, end.z
            );
        }
    }
    let _ = writeln!(out, "{indent}}}");
}

/// Angles about Z, X and Y in degrees, as near as can be to those of the frame before.
fn angles(rotation: &UnitQuaternion<f32>, before: &[f32; 3]) -> [f32; 3] {
    let m = rotation.to_rotation_matrix();
    let x = m[(2, 1)].clamp(-1.0, 1.0).asin();
    let (z, y) = if m[(2, 1)].abs() < 0.999_999 {
        ((-m[(0, 1)]).atan2(m[(1, 1)]), (-m[(2, 0)]).atan2(m[(2, 2)]))
    } else {
        // Only the sum or the difference of the two is given: the one keeps its value, the other follows.
        let z = before[0].to_radians();
        let sum = m[(1, 0)].atan2(m[(0, 0)]);
        (z, (sum - z) * m[(2, 1)].signum())
    };
    let found = [z, x, y].map(f32::to_degrees);
    let other = [found[0] + 180.0, 180.0 - found[1], found[2] + 180.0];
    let near = |candidate: [f32; 3]| -> [f32; 3] {
        std::array::from_fn(|k| candidate[k] - 360.0 * ((candidate[k] - before[k]) / 360.0).round())
    };
    let far = |candidate: &[f32; 3]| -> f32 {
        candidate
            .iter()
            .zip(before)
            .map(|(a, b)| (a - b).abs())
            .sum()
    };
    let (found, other) = (near(found), near(other));
    if far(&other) < far(&found) {
        other
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::glb::tests::clip;
    use super::*;

    /// A joint's name, parent and offset.
    type Joint = (String, Option<usize>, Vector3<f32>);

    /// What a file's text says: its joints in order, and the numbers of each frame.
    fn read(text: &str) -> (Vec<Joint>, Vec<Vec<f32>>) {
        let (hierarchy, motion) = text.split_once("MOTION\n").expect("both parts");
        let mut joints: Vec<Joint> = Vec::new();
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut at = None;
        for line in hierarchy.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["ROOT" | "JOINT", name] => {
                    let parent = open.iter().rev().flatten().next().copied();
                    joints.push(((*name).into(), parent, Vector3::zeros()));
                    at = Some(joints.len() - 1);
                }
                ["End", "Site"] => at = None,
                ["{"] => open.push(at),
                ["}"] => {
                    open.pop();
                }
                ["OFFSET", x, y, z] => {
                    if let Some(Some(j)) = open.last() {
                        joints[*j].2 = Vector3::from([x, y, z].map(|w| w.parse().expect("it")));
                    }
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "braces match");
        let rows = motion
            .lines()
            .skip(2)
            .map(|l| l.split(' ').map(|w| w.parse().expect("a number")).collect())
            .collect();
        (joints, rows)
    }

    #[test]
    fn what_is_read_back_is_the_person() {
        let clip = clip(40);
        let text = to_text(&clip).expect("a file");
        assert!(text.contains("Frames: 40\nFrame Time: 0.0333333\n"));
        let (joints, rows) = read(&text);
        assert_eq!(joints.len(), ROTATIONS);
        let axis = |axis: nalgebra::Unit<Vector3<f32>>, degrees: f32| {
            UnitQuaternion::from_axis_angle(&axis, degrees.to_radians())
        };
        for (f, row) in rows.iter().enumerate() {
            assert_eq!(row.len(), 3 + 3 * ROTATIONS);
            let want = clip.joints(f);
            let mut places = vec![Vector3::zeros(); ROTATIONS];
            let mut turns = vec![UnitQuaternion::identity(); ROTATIONS];
            for (k, (name, parent, offset)) in joints.iter().enumerate() {
                let local = axis(Vector3::z_axis(), row[3 + 3 * k])
                    * axis(Vector3::x_axis(), row[4 + 3 * k])
                    * axis(Vector3::y_axis(), row[5 + 3 * k]);
                match parent {
                    None => {
                        places[k] = Vector3::new(row[0], row[1], row[2]);
                        turns[k] = local;
                    }
                    Some(p) => {
                        places[k] = places[*p] + turns[*p] * offset;
                        turns[k] = turns[*p] * local;
                    }
                }
                let j = NAMES.iter().position(|n| n == name).expect("a joint");
                let error = (places[k] - frame::to_y_up(want[j]) * SCALE).norm();
                assert!(error < 0.02, "frame {f}, {name}: {error} cm");
            }
        }
        // The person turns once around: no angle jumps.
        for pair in rows.windows(2) {
            let steps = pair[0].iter().zip(&pair[1]).map(|(a, b)| (a - b).abs());
            assert!(steps.fold(0.0, f32::max) < 30.0);
        }
    }

    #[test]
    fn angles_are_found_everywhere() {
        let q = |z: f32, x: f32, y: f32| {
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), z.to_radians())
                * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), x.to_radians())
                * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), y.to_radians())
        };
        for want in [
            [10.0, 20.0, 30.0],
            [-170.0, -80.0, 100.0],
            [0.0, 90.0, 40.0],
            [25.0, -90.0, -15.0],
            [200.0, 15.0, 370.0],
        ] {
            let [z, x, y] = angles(&q(want[0], want[1], want[2]), &want);
            let turned = q(z, x, y).angle_to(&q(want[0], want[1], want[2]));
            assert!(turned < 2e-3, "{want:?}: {turned}");
            let got = [z, x, y];
            let far = got.iter().zip(&want).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f32::max) < 0.2, "{want:?}: {z} {x} {y}");
        }
    }

    #[test]
    fn an_empty_clip_is_told() {
        let error = to_text(&clip(0)).expect_err("nothing to write");
        assert!(error.to_string().contains("no frames"));
    }
}
