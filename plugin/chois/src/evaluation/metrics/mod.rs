//! Metrics of single clips, as the published evaluation computes them (specification, section 10).
//!
//! Every length is in metres; the published code prints millimetres, the paper centimetres. Sums run in `f64`. Where the
//! published code does something that its name does not say, that is kept and a comment says so.

mod feet;
mod penetration;
mod trajectory;

use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};

use super::reach::reach;
use super::slip::contact_slip;
use crate::condition::WAYPOINT_FRAMES;
use crate::error::{Error, Result};
use crate::motion::WINDOW;
use crate::skeleton::joint;

pub use feet::{feet_height, foot_sliding};
pub use penetration::{ObjectFrame, hand_bone_points, penetration, scene_penetration};
use trajectory::same_length;
pub use trajectory::{Trajectory, palm_distances};

/// A palm nearer than this to a vertex of the object touches it, metres.
pub const CONTACT_DISTANCE: f32 = 0.05;
/// Frames between the starts of two windows of a long sequence.
pub const LONG_STRIDE: usize = 110;

/// Metrics of one clip against the captured motion of the same clip, or their means over clips. Lengths in metres,
/// shares from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClipMetrics {
    /// T_s: distance of the object's centre at the first frame.
    pub start_error: f64,
    /// T_e: distance of the object's centre at the last frame.
    pub end_error: f64,
    /// T_xy: mean distance on the floor at the waypoint frames that the clip has; none for a clip shorter than them.
    pub waypoint_error: Option<f64>,
    /// H_feet: height of the feet's floor.
    pub feet_height: f64,
    /// The same of the captured motion.
    pub true_feet_height: f64,
    /// FS: foot sliding per frame.
    pub foot_sliding: f64,
    /// The same of the captured motion.
    pub true_foot_sliding: f64,
    /// C_prec: of the frames in contact, the share that should be.
    pub contact_precision: f64,
    /// C_rec: of the frames that should be in contact, the share that is.
    pub contact_recall: f64,
    /// Share of frames whose contact is right.
    pub contact_accuracy: f64,
    /// C_F1: harmonic mean of precision and recall.
    pub contact_f1: f64,
    /// C_%: share of frames in contact.
    pub contact_share: f64,
    /// The same of the captured motion.
    pub true_contact_share: f64,
    /// Contact slip, metres a frame (see [`contact_slip`]); none where no palm touches.
    #[serde(default)]
    pub contact_slip: Option<f64>,
    /// The same of the captured motion.
    #[serde(default)]
    pub true_contact_slip: Option<f64>,
    /// Distance on the floor of the pelvis from the object while it moves (see [`reach`]); none where it does not.
    #[serde(default)]
    pub reach: Option<f64>,
    /// The same of the captured motion.
    #[serde(default)]
    pub true_reach: Option<f64>,
    /// P_hand: how deep points of the hands lie in the object on average, as published (Q3).
    pub hand_penetration: Option<f64>,
    /// The same with the points taken into the object's frame.
    pub hand_penetration_corrected: Option<f64>,
    /// MPJPE: mean distance of the joints relative to the pelvis.
    pub joint_error: f64,
    /// MPVPE: the same of body vertices, where both motions have them.
    pub vertex_error: Option<f64>,
    /// Distance of the left palm, in the world.
    pub left_hand_error: f64,
    /// Distance of the right palm, in the world.
    pub right_hand_error: f64,
    /// Mean of both.
    pub hand_error: f64,
    /// T_root: mean distance of the body's translation.
    pub root_translation_error: f64,
    /// O_root: mean Frobenius norm of I - R R_true^-1 of the pelvis.
    pub root_rotation_error: f64,
    /// T_obj: mean distance of the object's centre.
    pub object_translation_error: f64,
    /// O_obj: mean Frobenius norm of I - R R_true^-1 of the object.
    pub object_rotation_error: f64,
}

impl ClipMetrics {
    /// Everything that two motions of the same length tell. Penetration needs points and a distance field: see
    /// [`Self::with_hand_penetration`].
    ///
    /// # Errors
    /// [`Error::Invalid`] when lengths differ, there is no frame, a value is not finite, a captured rotation cannot be
    /// inverted, or the bodies have different numbers of vertices.
    pub fn compare(generated: &Trajectory, captured: &Trajectory) -> Result<Self> {
        generated.check("generated")?;
        captured.check("captured")?;
        let frames = captured.len();
        same_length("the generated motion", generated.len(), frames)?;
        let contact = ContactScores::of(generated.touching(), captured.touching());
        let generated_feet = feet_height(&generated.joints);
        let captured_feet = feet_height(&captured.joints);
        let centers = || generated.object_center.iter().zip(&captured.object_center);
        let palm = |palm: usize| {
            let pairs = generated.joints.iter().zip(&captured.joints);
            mean(pairs.map(|(a, b)| distance(&a[palm], &b[palm])))
        };
        let (left_hand_error, right_hand_error) = (palm(joint::LEFT_PALM), palm(joint::RIGHT_PALM));
        Ok(Self {
            start_error: centers().next().map_or(0.0, |(a, b)| distance(a, b)),
            end_error: centers().next_back().map_or(0.0, |(a, b)| distance(a, b)),
            waypoint_error: waypoint_error(
                &generated.object_center,
                &captured.object_center,
                &WAYPOINT_FRAMES,
            ),
            feet_height: generated_feet,
            true_feet_height: captured_feet,
            foot_sliding: foot_sliding(&generated.joints, generated_feet),
            true_foot_sliding: foot_sliding(&captured.joints, captured_feet),
            contact_precision: contact.precision,
            contact_recall: contact.recall,
            contact_accuracy: contact.accuracy,
            contact_f1: contact.f1,
            contact_share: share(generated.touching()),
            true_contact_share: share(captured.touching()),
            contact_slip: contact_slip(generated),
            true_contact_slip: contact_slip(captured),
            reach: reach(generated),
            true_reach: reach(captured),
            hand_penetration: None,
            hand_penetration_corrected: None,
            joint_error: mean((generated.joints.iter().zip(&captured.joints)).flat_map(
                |(a, b)| (a.iter().zip(b)).map(|(p, q)| relative_distance(p, &a[0], q, &b[0])),
            )),
            vertex_error: vertex_error(generated, captured)?,
            left_hand_error,
            right_hand_error,
            hand_error: (left_hand_error + right_hand_error) / 2.0,
            root_translation_error: mean(
                (generated.translation.iter().zip(&captured.translation))
                    .map(|(a, b)| distance(a, b)),
            ),
            root_rotation_error: rotation_error(
                "pelvis",
                &generated.root_rotation,
                &captured.root_rotation,
            )?,
            object_translation_error: mean(centers().map(|(a, b)| distance(a, b))),
            object_rotation_error: rotation_error(
                "object",
                &generated.object_rotation,
                &captured.object_rotation,
            )?,
        })
    }

    /// Adds P_hand, published and corrected: `hands` are points of both hands per frame (the published ones are the 1,535
    /// vertices of SMPL-X's hands; [`hand_bone_points`] stands in for them), `distance` the signed distance to the object
    /// relative to its centre in its rest pose.
    ///
    /// # Errors
    /// As [`penetration`].
    pub fn with_hand_penetration(
        mut self,
        hands: &[Vec<Vector3<f32>>],
        generated: &Trajectory,
        distance: impl Fn(&Vector3<f32>) -> f32,
    ) -> Result<Self> {
        let in_convention = |convention| {
            penetration(
                hands,
                &generated.object_center,
                &generated.object_rotation,
                convention,
                &distance,
            )
        };
        self.hand_penetration = Some(in_convention(ObjectFrame::Published)?);
        self.hand_penetration_corrected = Some(in_convention(ObjectFrame::Corrected)?);
        Ok(self)
    }
}

/// Metrics of a long sequence, which has a plan but no captured motion. Lengths in metres.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LongMetrics {
    /// T_s: distance of the object's centre to the plan at the first frame.
    pub start_error: f64,
    /// T_e: the same at the last frame.
    pub end_error: f64,
    /// T_xy: distance on the floor at frames 29, 59, 89 and 119 of each whole window, mean of the windows' means; none
    /// for a sequence shorter than a window.
    pub waypoint_error: Option<f64>,
    /// H_feet: height of the feet's floor.
    pub feet_height: f64,
    /// FS: foot sliding per frame.
    pub foot_sliding: f64,
    /// C_%: share of frames in contact.
    pub contact_share: f64,
    /// Contact slip, metres a frame (see [`contact_slip`]); none where no palm touches.
    #[serde(default)]
    pub contact_slip: Option<f64>,
    /// Distance on the floor of the pelvis from the object while it moves (see [`reach`]); none where it does not.
    #[serde(default)]
    pub reach: Option<f64>,
}

impl LongMetrics {
    /// Plain means over sequences, as [`aggregate`] takes them over clips.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are none.
    pub fn mean(sequences: &[Self]) -> Result<Self> {
        if sequences.is_empty() {
            return Err(Error::invalid(
                "long sequences",
                "there are none; evaluate at least one",
            ));
        }
        let of = |value: fn(&Self) -> f64| mean(sequences.iter().map(value));
        let some =
            |value: fn(&Self) -> Option<f64>| mean_of_some(sequences.iter().filter_map(value));
        Ok(Self {
            start_error: of(|s| s.start_error),
            end_error: of(|s| s.end_error),
            waypoint_error: some(|s| s.waypoint_error),
            feet_height: of(|s| s.feet_height),
            foot_sliding: of(|s| s.foot_sliding),
            contact_share: of(|s| s.contact_share),
            contact_slip: some(|s| s.contact_slip),
            reach: some(|s| s.reach),
        })
    }

    /// Compares a motion with the planned position of the object's centre in every frame (read only at the start, the end
    /// and the waypoints).
    ///
    /// # Errors
    /// [`Error::Invalid`] when lengths differ, there is no frame, or a value is not finite.
    pub fn of(generated: &Trajectory, plan: &[Vector3<f32>]) -> Result<Self> {
        generated.check("generated")?;
        let frames = generated.len();
        same_length("the plan", plan.len(), frames)?;
        if !plan.iter().flatten().all(|c| c.is_finite()) {
            return Err(Error::invalid(
                "the plan",
                "it holds values that are not finite",
            ));
        }
        let centers = &generated.object_center;
        let windows = (0..frames)
            .step_by(LONG_STRIDE)
            .take_while(|start| start + WINDOW <= frames);
        let [a, b, c] = WAYPOINT_FRAMES;
        let errors: Vec<f64> = windows
            .filter_map(|start| {
                let window = start..start + WINDOW;
                let frames = [a, b, c, WINDOW - 1];
                waypoint_error(&centers[window.clone()], &plan[window], &frames)
            })
            .collect();
        let feet_height = feet_height(&generated.joints);
        Ok(Self {
            start_error: distance(&centers[0], &plan[0]),
            end_error: distance(&centers[frames - 1], &plan[frames - 1]),
            waypoint_error: (!errors.is_empty()).then(|| mean(errors.into_iter())),
            feet_height,
            foot_sliding: foot_sliding(&generated.joints, feet_height),
            contact_share: share(generated.touching()),
            contact_slip: contact_slip(generated),
            reach: reach(generated),
        })
    }
}

/// Plain means over clips, as published: a long clip counts as much as a short one. A metric that some clips lack is the
/// mean over the others.
///
/// # Errors
/// [`Error::Invalid`] when there are no clips.
pub fn aggregate(clips: &[ClipMetrics]) -> Result<ClipMetrics> {
    if clips.is_empty() {
        return Err(Error::invalid(
            "evaluated clips",
            "there are none; evaluate at least one",
        ));
    }
    let of = |value: fn(&ClipMetrics) -> f64| mean(clips.iter().map(value));
    let some =
        |value: fn(&ClipMetrics) -> Option<f64>| mean_of_some(clips.iter().filter_map(value));
    Ok(ClipMetrics {
        start_error: of(|c| c.start_error),
        end_error: of(|c| c.end_error),
        waypoint_error: some(|c| c.waypoint_error),
        feet_height: of(|c| c.feet_height),
        true_feet_height: of(|c| c.true_feet_height),
        foot_sliding: of(|c| c.foot_sliding),
        true_foot_sliding: of(|c| c.true_foot_sliding),
        contact_precision: of(|c| c.contact_precision),
        contact_recall: of(|c| c.contact_recall),
        contact_accuracy: of(|c| c.contact_accuracy),
        contact_f1: of(|c| c.contact_f1),
        contact_share: of(|c| c.contact_share),
        true_contact_share: of(|c| c.true_contact_share),
        contact_slip: some(|c| c.contact_slip),
        true_contact_slip: some(|c| c.true_contact_slip),
        reach: some(|c| c.reach),
        true_reach: some(|c| c.true_reach),
        hand_penetration: some(|c| c.hand_penetration),
        hand_penetration_corrected: some(|c| c.hand_penetration_corrected),
        joint_error: of(|c| c.joint_error),
        vertex_error: some(|c| c.vertex_error),
        left_hand_error: of(|c| c.left_hand_error),
        right_hand_error: of(|c| c.right_hand_error),
        hand_error: of(|c| c.hand_error),
        root_translation_error: of(|c| c.root_translation_error),
        root_rotation_error: of(|c| c.root_rotation_error),
        object_translation_error: of(|c| c.object_translation_error),
        object_rotation_error: of(|c| c.object_rotation_error),
    })
}

/// How well frames in contact agree with those that should be. Scores without a denominator are 0, as published.
struct ContactScores {
    precision: f64,
    recall: f64,
    accuracy: f64,
    f1: f64,
}

impl ContactScores {
    fn of(generated: impl Iterator<Item = bool>, captured: impl Iterator<Item = bool>) -> Self {
        // [captured][generated]
        let mut counts = [[0usize; 2]; 2];
        for (is, should) in generated.zip(captured) {
            counts[usize::from(should)][usize::from(is)] += 1;
        }
        let [
            [true_negative, false_positive],
            [false_negative, true_positive],
        ] = counts.map(|row| row.map(|n| n as f64));
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let precision = ratio(true_positive, true_positive + false_positive);
        let recall = ratio(true_positive, true_positive + false_negative);
        let right = true_positive + true_negative;
        Self {
            precision,
            recall,
            accuracy: ratio(right, right + false_positive + false_negative),
            f1: ratio(2.0 * precision * recall, precision + recall),
        }
    }
}

fn vertex_error(generated: &Trajectory, captured: &Trajectory) -> Result<Option<f64>> {
    let (Some(a), Some(b)) = (&generated.body_vertices, &captured.body_vertices) else {
        return Ok(None);
    };
    let count = b.first().map_or(0, Vec::len);
    if count == 0 || a.iter().chain(b).any(|frame| frame.len() != count) {
        return Err(Error::invalid(
            "body vertices",
            "both motions must have the same number of vertices in every frame",
        ));
    }
    Ok(Some(mean(a.iter().zip(b).enumerate().flat_map(
        |(t, (a, b))| {
            let roots = (generated.joints[t][0], captured.joints[t][0]);
            (a.iter().zip(b)).map(move |(p, q)| relative_distance(p, &roots.0, q, &roots.1))
        },
    ))))
}

/// Mean distance on the floor at those of these frames that both have.
fn waypoint_error(
    generated: &[Vector3<f32>],
    wanted: &[Vector3<f32>],
    frames: &[usize],
) -> Option<f64> {
    let errors: Vec<f64> = (frames.iter())
        .filter_map(|f| Some(floor_distance(generated.get(*f)?, wanted.get(*f)?)))
        .collect();
    (!errors.is_empty()).then(|| mean(errors.into_iter()))
}

fn rotation_error(
    whose: &str,
    generated: &[Matrix3<f32>],
    captured: &[Matrix3<f32>],
) -> Result<f64> {
    let mut sum = 0.0;
    for (t, (a, b)) in generated.iter().zip(captured).enumerate() {
        let inverse = b.cast::<f64>().try_inverse().ok_or_else(|| {
            Error::invalid(
                format!("captured rotation of the {whose}"),
                format!("frame {t} is no rotation; give rotation matrices"),
            )
        })?;
        sum += (Matrix3::identity() - a.cast::<f64>() * inverse).norm();
    }
    Ok(sum / generated.len() as f64)
}

fn share(frames: impl Iterator<Item = bool>) -> f64 {
    mean(frames.map(|f| f64::from(u8::from(f))))
}

/// Mean of what the callers have made sure is not empty.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    sum / count.max(1) as f64
}

/// Mean of those that there are.
fn mean_of_some(values: impl Iterator<Item = f64>) -> Option<f64> {
    let present: Vec<f64> = values.collect();
    (!present.is_empty()).then(|| mean(present.into_iter()))
}

fn distance(a: &Vector3<f32>, b: &Vector3<f32>) -> f64 {
    (a.cast::<f64>() - b.cast::<f64>()).norm()
}

fn floor_distance(a: &Vector3<f32>, b: &Vector3<f32>) -> f64 {
    (a.xy().cast::<f64>() - b.xy().cast::<f64>()).norm()
}

/// Distance of p from q, each relative to its own origin.
fn relative_distance(
    p: &Vector3<f32>,
    p_origin: &Vector3<f32>,
    q: &Vector3<f32>,
    q_origin: &Vector3<f32>,
) -> f64 {
    let relative = |v: &Vector3<f32>, o: &Vector3<f32>| v.cast::<f64>() - o.cast::<f64>();
    (relative(p, p_origin) - relative(q, q_origin)).norm()
}

#[cfg(test)]
mod tests {
    use nalgebra::UnitQuaternion;

    use super::*;
    use crate::skeleton::JOINTS;

    pub(super) fn still(frames: usize) -> Trajectory {
        let mut joints = [Vector3::zeros(); JOINTS];
        for (j, p) in joints.iter_mut().enumerate() {
            *p = Vector3::new(0.1 * j as f32, 0.0, 0.03 * j as f32);
        }
        Trajectory {
            joints: vec![joints; frames],
            translation: vec![Vector3::zeros(); frames],
            root_rotation: vec![Matrix3::identity(); frames],
            object_center: vec![Vector3::zeros(); frames],
            object_rotation: vec![Matrix3::identity(); frames],
            palm_distances: vec![[1.0, 0.01]; frames],
            body_vertices: None,
        }
    }

    #[test]
    fn a_motion_agrees_with_itself() {
        let m = ClipMetrics::compare(&still(120), &still(120)).expect("metrics");
        assert_eq!(m.start_error + m.end_error + m.joint_error, 0.0);
        assert_eq!(m.waypoint_error, Some(0.0));
        assert_eq!(m.object_rotation_error + m.root_rotation_error, 0.0);
        assert_eq!((m.contact_f1, m.contact_share), (1.0, 1.0));
        assert!((m.feet_height - 0.3).abs() < 1e-6, "{}", m.feet_height);
        let short = ClipMetrics::compare(&still(29), &still(29)).expect("metrics");
        assert_eq!(short.waypoint_error, None);
    }

    #[test]
    fn known_offsets_are_found() {
        let mut moved = still(120);
        for c in &mut moved.object_center {
            *c += Vector3::new(0.3, 0.4, 1.2);
        }
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, std::f32::consts::PI);
        moved
            .object_rotation
            .fill(turn.to_rotation_matrix().into_inner());
        moved.palm_distances.fill([1.0, 0.06]);
        let m = ClipMetrics::compare(&moved, &still(120)).expect("metrics");
        assert!((m.start_error - 1.3).abs() < 1e-6);
        assert!((m.waypoint_error.expect("waypoints") - 0.5).abs() < 1e-6);
        // Half a turn about z: diag(2, 2, 0).
        assert!((m.object_rotation_error - 8f64.sqrt()).abs() < 1e-6);
        assert_eq!(
            (
                m.contact_precision,
                m.contact_recall,
                m.contact_f1,
                m.contact_accuracy
            ),
            (0.0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn unusable_motions_are_refused() {
        let good = still(40);
        let refused = |change: fn(&mut Trajectory)| {
            let mut bad = good.clone();
            change(&mut bad);
            let both = [
                ClipMetrics::compare(&bad, &good),
                ClipMetrics::compare(&good, &bad),
            ];
            both.into_iter()
                .all(|r| matches!(r, Err(Error::Invalid { .. })))
        };
        assert!(!refused(|_| ()));
        assert!(refused(|t| t.joints.clear()));
        assert!(refused(|t| t.joints.truncate(39)));
        assert!(refused(|t| t.translation.truncate(39)));
        assert!(refused(|t| t.root_rotation.truncate(39)));
        assert!(refused(|t| t.object_center.truncate(39)));
        assert!(refused(|t| t.object_rotation.truncate(39)));
        assert!(refused(|t| t.palm_distances.truncate(39)));
        assert!(refused(|t| t.body_vertices = Some(vec![])));
        assert!(refused(|t| t.joints[3][4].x = f32::NAN));
        assert!(refused(|t| t.object_rotation[3].m11 = f32::INFINITY));
        assert!(refused(|t| *t = still(39)));
        let mut flat = good.clone();
        flat.object_rotation[7] = Matrix3::zeros();
        assert!(ClipMetrics::compare(&good, &flat).is_err());
        assert!(LongMetrics::of(&good, &[]).is_err());
        assert!(LongMetrics::of(&good, &vec![Vector3::repeat(f32::NAN); 40]).is_err());
        assert!(aggregate(&[]).is_err());
    }

    #[test]
    fn means_leave_out_what_was_not_measured() {
        let clip = |start_error, waypoint_error| ClipMetrics {
            start_error,
            waypoint_error,
            ..Default::default()
        };
        let m = aggregate(&[clip(1.0, None), clip(3.0, Some(0.5))]).expect("means");
        assert_eq!((m.start_error, m.waypoint_error), (2.0, Some(0.5)));
        assert_eq!(m.vertex_error, None);
    }
}
