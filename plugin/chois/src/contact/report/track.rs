//! A clip made ready to be measured: places of hands and object, who touches, who could.

use nalgebra::{UnitQuaternion, Vector3};

use crate::contact::palm::{self, Palm};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, Surface};
use crate::motion::touch::{Touch, touches};
use crate::motion::{Frame, MotionClip};
use crate::skeleton::{JOINTS, joint};

/// A hand or foot this near to the surface can act on the object, metres.
const REACH: f32 = 0.05;
/// A coordinate farther from the origin than this is none of a motion, metres.
const FARTHEST: f32 = 1e5;
/// More frames a second than this are none of a motion.
const FASTEST_RATE: f32 = 1000.0;
/// Points of a foot, as shares of the way from ankle to toe joint: beyond the joint are the toes.
const FOOT: [f32; 4] = [0.0, 0.5, 1.0, 1.4];

/// A clip of n frames as the measures see it. Metres, Z up, world, f64: differences over time eat digits.
pub(super) struct Track<'a> {
    pub clip: &'a MotionClip,
    pub object: &'a ObjectGeometry,
    pub surface: Surface,
    /// Least and greatest corner of the object's bounding box about its centre, rest frame.
    pub bounds: (Vector3<f32>, Vector3<f32>),
    /// Frames per second.
    pub fps: f64,
    pub joints: Vec<[Vector3<f32>; JOINTS]>,
    /// Centre of the object.
    pub centers: Vec<Vector3<f64>>,
    pub rotations: Vec<UnitQuaternion<f64>>,
    /// Height of the object's lowest vertex.
    pub lowest: Vec<f64>,
    /// Middle of the left and of the right palm's skin.
    pub pads: [Vec<Vector3<f64>>; 2],
    /// Signed distance of each pad to the surface, negative inside.
    pub distances: [Vec<f64>; 2],
    /// What the clip says: every contact of a hand or foot.
    pub touches: Vec<Touch>,
    /// Whether the left, the right hand is in contact, by the clip's word.
    pub held: [Vec<bool>; 2],
    /// Whether a palm or a foot is within reach of the surface.
    pub reached: Vec<bool>,
    /// Speed of the fastest corner of the object's bounding box from each frame to the next, metres per second: n - 1.
    pub speeds: Vec<f64>,
}

impl<'a> Track<'a> {
    /// # Errors
    /// [`Error::Invalid`] when the clip cannot be measured.
    pub fn new(clip: &'a MotionClip, object: &'a ObjectGeometry) -> Result<Self> {
        let refuse = |reason| Error::invalid(format!("clip {:?}", clip.name), reason);
        // What is no number is in no range.
        if !(f32::MIN_POSITIVE..=FASTEST_RATE).contains(&clip.fps) {
            let reason = format!(
                "its frame rate is {}; it must be above 0 and at most {FASTEST_RATE}",
                clip.fps
            );
            return Err(refuse(reason));
        }
        // A clip without frames is no fault here: there is nothing to measure in it.
        if !clip.frames.is_empty()
            && let Some(reason) = clip.fault()
        {
            return Err(refuse(reason));
        }
        let near = |v: &Vector3<f32>| v.iter().all(|c| c.abs() < FARTHEST);
        if !clip.skeleton.rest_offsets.iter().all(near) {
            return Err(refuse(
                "a bone of its skeleton is too long to be one".into(),
            ));
        }
        let near = |f: &Frame| near(&f.pose.root) && near(&f.object_position);
        if let Some(bad) = clip.frames.iter().position(|f| !near(f)) {
            let reason =
                format!("frame {bad} is too far from the origin; move the clip's scene there");
            return Err(refuse(reason));
        }
        Ok(Self::of_good(clip, object))
    }

    fn of_good(clip: &'a MotionClip, object: &'a ObjectGeometry) -> Self {
        let frames = clip.frames.len();
        let rotations: Vec<_> = (clip.frames.iter())
            .map(|f| UnitQuaternion::new_normalize(f.object_rotation.into_inner().cast::<f64>()))
            .collect();
        let middle = object.center().cast::<f64>();
        let centers: Vec<_> = (clip.frames.iter().zip(&rotations))
            .map(|(f, r)| r * middle + f.object_position.cast::<f64>())
            .collect();
        let joints: Vec<_> = (0..frames).map(|t| clip.joints(t)).collect();
        let palms = Palm::of(&clip.skeleton);
        let pads = [0, 1].map(|hand| {
            (clip.frames.iter().zip(&joints))
                .map(|(f, joints)| {
                    let wrist = &f.pose.rotations[joint::LEFT_WRIST + hand];
                    palm::pad(&palms[hand], hand, joints, wrist).cast::<f64>()
                })
                .collect::<Vec<_>>()
        });
        let touches = touches(clip);
        let mut out = Self {
            clip,
            object,
            surface: Surface::new(object),
            bounds: object.mesh().bounds(),
            fps: f64::from(clip.fps),
            lowest: (clip.frames.iter().zip(&centers))
                .map(|(f, c)| c.z + f64::from(object.lowest(&f.object_rotation)))
                .collect(),
            speeds: speeds(object, &centers, &rotations, f64::from(clip.fps)),
            held: [0, 1].map(|hand| {
                let own = touches.iter().filter(|t| t.part == palm::part(hand));
                covered(frames, own)
            }),
            joints,
            centers,
            rotations,
            pads,
            distances: [vec![], vec![]],
            touches,
            reached: vec![],
        };
        out.distances = [0, 1].map(|hand| {
            (0..frames)
                .map(|t| {
                    f64::from(
                        out.surface
                            .signed_distance(&out.pad_on_object(hand, t).cast()),
                    )
                })
                .collect()
        });
        let reach = Vector3::repeat(REACH);
        let (low, high) = (out.bounds.0 - reach, out.bounds.1 + reach);
        let foot_near = |t: usize, side: usize| {
            let (ankle, toe) = (
                &out.joints[t][joint::LEFT_ANKLE + side],
                &out.joints[t][joint::LEFT_TOE + side],
            );
            FOOT.iter().any(|share| {
                let point = out.local(t, &ankle.lerp(toe, *share).cast()).cast::<f32>();
                (0..3).all(|i| (low[i]..=high[i]).contains(&point[i]))
                    && out.surface.signed_distance(&point) <= REACH
            })
        };
        let near = |d: &Vec<f64>, t: usize| d[t] <= f64::from(REACH);
        let reached = (0..frames)
            .map(|t| out.distances.iter().any(|d| near(d, t)) || foot_near(t, 0) || foot_near(t, 1))
            .collect();
        out.reached = reached;
        out
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.centers.len()
    }

    /// A place of the world relative to the object's centre, in the object's rest frame.
    pub fn local(&self, t: usize, place: &Vector3<f64>) -> Vector3<f64> {
        self.rotations[t].inverse_transform_vector(&(place - self.centers[t]))
    }

    /// Where a hand's pad is on the object: relative to its centre, in its rest frame.
    pub fn pad_on_object(&self, hand: usize, t: usize) -> Vector3<f64> {
        self.local(t, &self.pads[hand][t])
    }
}

/// Which frames these contacts cover.
pub(super) fn covered<'t>(frames: usize, touches: impl Iterator<Item = &'t Touch>) -> Vec<bool> {
    let mut out = vec![false; frames];
    for touch in touches {
        out[touch.first..=touch.last].fill(true);
    }
    out
}

fn speeds(
    object: &ObjectGeometry,
    centers: &[Vector3<f64>],
    rotations: &[UnitQuaternion<f64>],
    fps: f64,
) -> Vec<f64> {
    let (low, high) = object.mesh().bounds();
    let corners: [Vector3<f64>; 8] = std::array::from_fn(|i| {
        let end = |axis: usize| if i >> axis & 1 == 0 { low } else { high }[axis];
        Vector3::from_fn(|axis, _| f64::from(end(axis)))
    });
    let at = |t: usize, corner: &Vector3<f64>| rotations[t] * corner + centers[t];
    (1..centers.len())
        .map(|t| {
            let ways = corners.iter().map(|c| (at(t, c) - at(t - 1, c)).norm());
            ways.fold(0.0, f64::max) * fps
        })
        .collect()
}
