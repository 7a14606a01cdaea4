//! What an animator looks at beside the motion: contact and feet over time.

use nalgebra::Vector3;

use super::library::Thing;
use crate::contact::palm::{Palm, pad};
use crate::geometry::Surface;
use crate::motion::MotionClip;
use crate::skeleton::joint;

/// A foot whose toe joint is lower than this stands or should, metres.
const LOW: f32 = 0.05;

/// One clip's figures, one a frame. Metres and seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Seconds of a frame.
    pub step: f32,
    /// Distance of the left and the right palm from the object's surface, negative inside; empty without an object.
    pub distance: [Vec<f32>; 2],
    /// Speed of the left and the right palm over the object while it touches, metres a second; 0 else.
    pub slip: [Vec<f32>; 2],
    /// Speed of the left and the right toe over the floor while it is low, metres a second; 0 else.
    pub skate: [Vec<f32>; 2],
    /// Stretches of frames in which the left and the right hand touch, both ends included.
    pub touches: [Vec<[usize; 2]>; 2],
}

impl Measures {
    /// Measures a clip and its object. Some milliseconds for a few seconds of motion.
    pub fn of(clip: &MotionClip, thing: Option<&Thing>) -> Self {
        let joints: Vec<_> = (0..clip.frames.len()).map(|f| clip.joints(f)).collect();
        let speed = |path: &[Vector3<f32>]| -> Vec<f32> {
            let way = |f: usize| (path[f] - path[f.saturating_sub(1)]).norm() * clip.fps;
            (0..path.len()).map(way).collect()
        };
        let skate = [joint::LEFT_TOE, joint::RIGHT_TOE].map(|toe| {
            let flat: Vec<Vector3<f32>> = joints
                .iter()
                .map(|j| Vector3::new(j[toe].x, j[toe].y, 0.0))
                .collect();
            let mut out = speed(&flat);
            for (v, j) in out.iter_mut().zip(&joints) {
                if j[toe].z > LOW {
                    *v = 0.0;
                }
            }
            out
        });
        let mut out = Self {
            step: 1.0 / clip.fps,
            skate,
            ..Self::default()
        };
        let Some(thing) = thing.filter(|_| clip.has_object()) else {
            return out;
        };
        let palms = Palm::of(&clip.skeleton);
        let surface = Surface::new(&thing.geometry);
        for (hand, palm) in palms.iter().enumerate() {
            // On the object, about the mesh's origin.
            let local: Vec<Vector3<f32>> = (clip.frames.iter().zip(&joints))
                .map(|(frame, joints)| {
                    let wrist = &frame.pose.rotations[joint::LEFT_WRIST + hand];
                    let at = pad(palm, hand, joints, wrist) - frame.object_position;
                    frame.object_rotation.inverse() * at
                })
                .collect();
            let center = thing.geometry.center();
            out.distance[hand] = (local.iter())
                .map(|p| surface.signed_distance(&(p - center)))
                .collect();
            out.slip[hand] = speed(&local);
            let touches: Vec<bool> = clip.frames.iter().map(|f| f.contact[hand] > 0.5).collect();
            for (f, v) in out.slip[hand].iter_mut().enumerate() {
                if !touches[f] || f == 0 || !touches[f - 1] {
                    *v = 0.0;
                }
            }
            for f in (0..touches.len()).filter(|f| touches[*f]) {
                match out.touches[hand].last_mut() {
                    Some([_, last]) if *last + 1 == f => *last = f,
                    _ => out.touches[hand].push([f, f]),
                }
            }
        }
        out
    }
}
