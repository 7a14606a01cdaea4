//! Metrics of single clips, as the published evaluation computes them (specification, section 10).
//!
//! Every length is in metres; the published code prints millimetres, the paper centimetres. Sums run in `f64`. Where the
//! published code does something that its name does not say, that is kept and a comment says so.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::slip::contact_slip;
use crate::condition::WAYPOINT_FRAMES;
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, SdfGrid};
use crate::motion::features::Window;
use crate::motion::{MotionClip, WINDOW};
use crate::skeleton::{JOINTS, Skeleton, joint};

/// A palm nearer than this to a vertex of the object touches it, metres.
pub const CONTACT_DISTANCE: f32 = 0.05;
/// Frames between the starts of two windows of a long sequence.
pub const LONG_STRIDE: usize = 110;

/// A toe that moves less than this from frame to frame stands, metres.
const STATIC_STEP: f64 = 0.005;
/// Radius of the density clustering of the heights of standing toes, metres.
const CLUSTER_RADIUS: f64 = 0.005;
/// Heights within the radius, its own included, that make a height a core of a cluster.
const CLUSTER_CORE: usize = 3;
/// Ankles below this height slide, metres.
const ANKLE_HEIGHT: f64 = 0.08;
/// Toes below this height slide, metres.
const TOE_HEIGHT: f64 = 0.04;

/// A motion of a person and an object as the metrics see it, T frames. Metres, Z up, world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// Positions of the joints.
    pub joints: Vec<[Vector3<f32>; JOINTS]>,
    /// SMPL's translation of the body: the pelvis without its offset in the subject's rest pose.
    pub translation: Vec<Vector3<f32>>,
    /// World rotation of the pelvis.
    pub root_rotation: Vec<Matrix3<f32>>,
    /// Centre (mean vertex) of the object.
    pub object_center: Vec<Vector3<f32>>,
    /// Rotation of the object from its rest pose. The published metric takes the network's matrix as it is, not made a
    /// rotation (Q9); [`Self::from_window`] can only give rotations.
    pub object_rotation: Vec<Matrix3<f32>>,
    /// Distances of the left and the right palm to the nearest VERTEX of the object (not its surface).
    pub palm_distances: Vec<[f32; 2]>,
    /// Vertices of a skinned body, as many in each frame, where there is one.
    pub body_vertices: Option<Vec<Vec<Vector3<f32>>>>,
}

impl Trajectory {
    /// The trajectory of a window, whose person has these bones.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the parts of the window have different lengths.
    pub fn from_window(
        window: &Window,
        skeleton: &Skeleton,
        object: &ObjectGeometry,
    ) -> Result<Self> {
        let frames = window.joints.len();
        for (name, length) in [
            ("rotations", window.rotations.len()),
            ("object_center", window.object_center.len()),
            ("object_rotation", window.object_rotation.len()),
        ] {
            same_length(name, length, frames)?;
        }
        let mut out = Self::default();
        for t in 0..frames {
            out.push(
                window.joints[t],
                &window.rotations[t][joint::PELVIS],
                window.object_center[t],
                &window.object_rotation[t],
                skeleton,
                object,
            );
        }
        Ok(out)
    }

    /// The trajectory of a clip; `object` is the mesh that the clip's object poses are about.
    pub fn from_clip(clip: &MotionClip, object: &ObjectGeometry) -> Self {
        let mut out = Self::default();
        for (t, frame) in clip.frames.iter().enumerate() {
            out.push(
                clip.joints(t),
                &frame.pose.rotations[joint::PELVIS],
                frame.object_rotation * object.center() + frame.object_position,
                &frame.object_rotation,
                &clip.skeleton,
                object,
            );
        }
        out
    }

    fn push(
        &mut self,
        joints: [Vector3<f32>; JOINTS],
        root_rotation: &UnitQuaternion<f32>,
        center: Vector3<f32>,
        rotation: &UnitQuaternion<f32>,
        skeleton: &Skeleton,
        object: &ObjectGeometry,
    ) {
        let matrix = |q: &UnitQuaternion<f32>| q.to_rotation_matrix().into_inner();
        self.translation
            .push(joints[joint::PELVIS] - skeleton.rest_offsets[joint::PELVIS]);
        self.root_rotation.push(matrix(root_rotation));
        self.palm_distances
            .push([joint::LEFT_PALM, joint::RIGHT_PALM].map(|palm| {
                let local = rotation.inverse() * (joints[palm] - center);
                object.nearest_vertex(&local).1
            }));
        self.joints.push(joints);
        self.object_center.push(center);
        self.object_rotation.push(matrix(rotation));
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.joints.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.joints.is_empty()
    }

    /// Refuses parts of different lengths, no frames, and values that are not finite.
    fn check(&self, whose: &str) -> Result<()> {
        let frames = self.len();
        if frames == 0 {
            return Err(Error::invalid(
                format!("{whose} motion"),
                "it has no frames; give at least one",
            ));
        }
        let finite = |v: &Vector3<f32>| v.iter().all(|c| c.is_finite());
        let matrix = |m: &Matrix3<f32>| m.iter().all(|c| c.is_finite());
        let parts = [
            ("joints", frames, self.joints.iter().flatten().all(finite)),
            (
                "translation",
                self.translation.len(),
                self.translation.iter().all(finite),
            ),
            (
                "root_rotation",
                self.root_rotation.len(),
                self.root_rotation.iter().all(matrix),
            ),
            (
                "object_center",
                self.object_center.len(),
                self.object_center.iter().all(finite),
            ),
            (
                "object_rotation",
                self.object_rotation.len(),
                self.object_rotation.iter().all(matrix),
            ),
            (
                "palm_distances",
                self.palm_distances.len(),
                self.palm_distances.iter().flatten().all(|d| d.is_finite()),
            ),
            (
                "body_vertices",
                self.body_vertices.as_ref().map_or(frames, Vec::len),
                self.body_vertices.iter().flatten().flatten().all(finite),
            ),
        ];
        for (name, length, finite) in parts {
            let name = format!("{name} of the {whose} motion");
            same_length(&name, length, frames)?;
            if !finite {
                return Err(Error::invalid(
                    name,
                    "it holds values that are not finite; leave such clips out",
                ));
            }
        }
        Ok(())
    }

    /// Whether either palm touches, per frame.
    fn touching(&self) -> impl Iterator<Item = bool> + '_ {
        (self.palm_distances.iter()).map(|d| d.iter().any(|d| *d < CONTACT_DISTANCE))
    }
}

fn same_length(name: &str, length: usize, frames: usize) -> Result<()> {
    if length == frames {
        return Ok(());
    }
    Err(Error::invalid(
        name,
        format!("it has {length} frames, expected {frames}"),
    ))
}

/// Distances of the left and the right palm to the nearest of the object's posed vertices, per frame, metres.
///
/// # Errors
/// [`Error::Invalid`] when the numbers of frames differ or a frame has no vertices.
pub fn palm_distances(
    joints: &[[Vector3<f32>; JOINTS]],
    vertices: &[Vec<Vector3<f32>>],
) -> Result<Vec<[f32; 2]>> {
    same_length("object vertices", vertices.len(), joints.len())?;
    if vertices.iter().any(Vec::is_empty) {
        return Err(Error::invalid(
            "object vertices",
            "a frame has none; give the posed vertices of every frame",
        ));
    }
    let nearest = |palm: &Vector3<f32>, vertices: &[Vector3<f32>]| {
        (vertices.iter())
            .map(|v| (v - palm).norm_squared())
            .fold(f32::INFINITY, f32::min)
            .sqrt()
    };
    Ok(joints
        .iter()
        .zip(vertices)
        .map(|(j, v)| [joint::LEFT_PALM, joint::RIGHT_PALM].map(|palm| nearest(&j[palm], v)))
        .collect())
}

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

/// Height of the floor that the toes stand on (H_feet), metres: the heights of toes that hardly move are clustered by
/// density; the smallest median of a cluster counts. 0 when no toe ever stands.
///
/// Kept from the published code: the last frame's speed is that of the frame before; heights that belong to no cluster
/// count as one cluster of their own; no offset is taken off for the height of the joint over the sole.
pub fn feet_height(joints: &[[Vector3<f32>; JOINTS]]) -> f64 {
    let mut heights = Vec::new();
    for toe in [joint::LEFT_TOE, joint::RIGHT_TOE] {
        let steps: Vec<f64> = (joints.windows(2))
            .map(|w| distance(&w[1][toe], &w[0][toe]))
            .collect();
        for (t, pose) in joints.iter().enumerate() {
            // A clip of one frame has no speed, and so no standing toe.
            let step = steps.get(t).or(steps.last());
            if step.is_some_and(|s| *s < STATIC_STEP) {
                heights.push(f64::from(pose[toe].z));
            }
        }
    }
    let lowest = (density_clusters(heights).into_iter())
        .map(median)
        .fold(f64::INFINITY, f64::min);
    if lowest.is_finite() { lowest } else { 0.0 }
}

/// DBSCAN in one dimension: the clusters and, last, what is noise; each in rising order.
fn density_clusters(mut values: Vec<f64>) -> Vec<Vec<f64>> {
    values.sort_by(f64::total_cmp);
    let near = |v: f64| {
        let from = values.partition_point(|s| v - s > CLUSTER_RADIUS);
        let to = values.partition_point(|s| s - v <= CLUSTER_RADIUS);
        from..to
    };
    // Neighbouring cores within the radius are one cluster.
    let mut clusters = 0;
    let mut cluster = vec![None; values.len()];
    let mut last: Option<usize> = None;
    for k in (0..values.len()).filter(|k| near(values[*k]).len() >= CLUSTER_CORE) {
        if last.is_none_or(|l| values[k] - values[l] > CLUSTER_RADIUS) {
            clusters += 1;
        }
        cluster[k] = Some(clusters - 1);
        last = Some(k);
    }
    let mut out = vec![Vec::new(); clusters + 1];
    for (k, v) in values.iter().enumerate() {
        // What is no core has at most one neighbour; if that is a core, it belongs to its cluster.
        let own = cluster[k].or_else(|| near(*v).find_map(|n| cluster[n]));
        out[own.unwrap_or(clusters)].push(*v);
    }
    out.retain(|members| !members.is_empty());
    out
}

/// Median of values in rising order; there is at least one.
fn median(values: Vec<f64>) -> f64 {
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Foot sliding (FS), metres per frame: steps on the floor of ankles and toes that are low over `floor`, weighted by
/// 2 - 2^(height / limit), summed and divided by the number of frames, mean of the four joints.
///
/// Kept from the published code: the height is that of the step's first frame; the divisor is the number of frames, not of
/// steps or of low frames; below the floor the weight goes on growing towards 2.
pub fn foot_sliding(joints: &[[Vector3<f32>; JOINTS]], floor: f64) -> f64 {
    let limits = [
        (joint::LEFT_ANKLE, ANKLE_HEIGHT),
        (joint::LEFT_TOE, TOE_HEIGHT),
        (joint::RIGHT_ANKLE, ANKLE_HEIGHT),
        (joint::RIGHT_TOE, TOE_HEIGHT),
    ];
    let slid = |(foot, limit): (usize, f64)| -> f64 {
        (joints.windows(2))
            .map(|w| {
                (
                    f64::from(w[0][foot].z) - floor,
                    floor_distance(&w[0][foot], &w[1][foot]),
                )
            })
            .filter(|(height, _)| *height < limit)
            .map(|(height, step)| (step * (2.0 - (height / limit).exp2())).abs())
            // The sum of nothing would be -0.
            .fold(0.0, |sum, slid| sum + slid)
    };
    let frames = joints.len().max(1) as f64;
    let total = limits
        .into_iter()
        .map(slid)
        .fold(0.0, |sum, slid| sum + slid);
    total / frames / 4.0
}

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
    use super::*;

    fn still(frames: usize) -> Trajectory {
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
    fn sliding_toes_count_by_their_height() {
        let mut t = still(11);
        for (f, pose) in t.joints.iter_mut().enumerate() {
            for p in pose.iter_mut() {
                p.z += 1.0;
            }
            pose[joint::LEFT_TOE] = Vector3::new(0.01 * f as f32, 0.0, 0.0);
        }
        // Ten steps of 1 cm at height 0, weight 1, over 11 frames and 4 joints.
        assert!((foot_sliding(&t.joints, 0.0) - 0.1 / 11.0 / 4.0).abs() < 1e-7);
        assert_eq!(foot_sliding(&t.joints, -0.04), 0.0);
        assert_eq!(foot_sliding(&t.joints[..1], 0.0), 0.0);
        assert_eq!(foot_sliding(&[], 0.0), 0.0);
    }

    #[test]
    fn clusters_are_those_of_scikit_learn() {
        let clusters = |values: &[f64]| density_clusters(values.to_vec());
        assert!(clusters(&[]).is_empty());
        // Two are too few.
        assert_eq!(clusters(&[0.0, 0.004]), [[0.0, 0.004]]);
        // 0.0165 borders on the core 0.012; 0.03 and 0.05 are noise.
        assert_eq!(
            clusters(&[0.03, 0.012, 0.010, 0.011, 0.0165, 0.05]),
            [vec![0.010, 0.011, 0.012, 0.0165], vec![0.03, 0.05]]
        );
        // A value between two crowds is a core itself and joins them.
        let crowds = [0.019, 0.019, 0.010, 0.010, 0.019, 0.010];
        assert_eq!(clusters(&crowds).len(), 2);
        assert_eq!(clusters(&[&crowds[..], &[0.0145]].concat()).len(), 1);
    }

    #[test]
    fn lowest_cluster_is_the_floor_even_when_it_is_noise() {
        let mut t = still(40);
        for pose in &mut t.joints {
            pose[joint::LEFT_TOE].z = 0.05;
            pose[joint::RIGHT_TOE].z = 0.20;
        }
        assert!((feet_height(&t.joints) - 0.05).abs() < 1e-6);
        // One frame of the left toe far below: noise, but a cluster of its own.
        let mut alone = t.clone();
        for (f, pose) in alone.joints.iter_mut().enumerate() {
            pose[joint::LEFT_TOE].x = 100.0 * f as f32;
        }
        alone.joints[39][joint::LEFT_TOE] = Vector3::new(38.0 * 100.0, 0.0, 0.01);
        alone.joints[38][joint::LEFT_TOE] = Vector3::new(38.0 * 100.0, 0.0, 0.01);
        // Two standing heights (the last speed is repeated) are too few for a core.
        assert!((feet_height(&alone.joints) - 0.01).abs() < 1e-6);
        assert_eq!(feet_height(&t.joints[..1]), 0.0);
    }

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
