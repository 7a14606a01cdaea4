//! A whole clip on a rig. What one pose cannot know comes from the frames around it: feet that stand stay where they
//! are, hands go over to the object in good time, the hips sink gently where legs or arms would be too short.

use nalgebra::{UnitQuaternion, Vector3};

use super::calibrate::{smooth, swing};
use super::pose::{heading, source_turns};
use super::solve::{Goals, Turns};
use super::stance::{balls, soles};
use super::{Retarget, RigClip};
use crate::figure::feet::ease;
use crate::figure::hands::{self, Bend, Track};
use crate::frame;
use crate::geometry::{ObjectGeometry, bvh::Bvh};
use crate::motion::MotionClip;
use crate::skeleton::joint;
use crate::{Error, Result};

/// The shortest and the longest time in which a hand goes over to the object or leaves it, seconds, and how fast it
/// may be moved on the way, metres a second.
const TAKE: [f32; 2] = [0.2, 0.8];
const TAKE_SPEED: f32 = 0.6;
/// Pauses of contact shorter than this are held through, spells shorter than that are none, seconds.
const PAUSE: f32 = 0.3;
const SPELL: f32 = 0.1;
/// Half the time over which hips sink and the trunk leans, seconds.
const EASE: f32 = 0.3;
/// A leg is as long as this share of its bones, an arm that reaches without strain as that one.
const LEG: f32 = 0.993;
const ARM: f32 = 0.97;
/// Farthest that the hips sink or go aside to help the hands, share of their height.
const SINK: f32 = 0.25;
/// Farthest that the trunk leans to help the hands, radians.
const LEAN: f32 = 0.35;
/// How much the heading may turn from frame to frame, radians at 30 frames a second.
const TURN: f32 = 0.25;

/// What is kept, and what is added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetargetOptions {
    /// Feet that stand stay where they are, soles on the floor.
    pub plant_feet: bool,
    /// Palms are on the object where the clip says that they touch it.
    pub reach_object: bool,
    /// Fingers close around the object and open before it.
    pub fingers: bool,
}

impl Default for RetargetOptions {
    fn default() -> Self {
        Self {
            plant_feet: true,
            reach_object: true,
            fingers: true,
        }
    }
}

impl Retarget {
    /// A clip on this rig, solved frame by frame. `object` is the shape that the clip's object poses are of; without it
    /// fingers stay relaxed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the clip has no frames, or bones far from those that this was made for.
    pub fn bake(
        &self,
        clip: &MotionClip,
        object: Option<&ObjectGeometry>,
        options: &RetargetOptions,
    ) -> Result<RigClip> {
        if clip.frames.is_empty() {
            return Err(Error::invalid(
                format!("clip {:?}", clip.name),
                "it has no frames; a clip needs at least one",
            ));
        }
        let finite = |v: &Vector3<f32>| v.iter().all(|x| x.is_finite());
        if let Some(f) = clip.frames.iter().position(|f| {
            !finite(&f.pose.root)
                || f.pose
                    .rotations
                    .iter()
                    .any(|q| !q.coords.iter().all(|x| x.is_finite()))
                || !finite(&f.object_position)
        }) {
            return Err(Error::invalid(
                format!("clip {:?}", clip.name),
                format!("frame {f} holds a number that is not finite"),
            ));
        }
        let differs = |(a, b): (&Vector3<f32>, &Vector3<f32>)| (a - b).norm() > 1e-3;
        let pairs = clip
            .skeleton
            .rest_offsets
            .iter()
            .zip(&self.source.rest_offsets);
        if pairs.skip(1).any(differs) {
            return Err(Error::invalid(
                format!("clip {:?}", clip.name),
                "it shows a person with other bones; make a Retarget for this clip's skeleton",
            ));
        }
        let plan = Plan::new(self, clip, options);
        Ok(self.play(clip, object, options, &plan))
    }

    fn play(
        &self,
        clip: &MotionClip,
        object: Option<&ObjectGeometry>,
        options: &RetargetOptions,
        plan: &Plan,
    ) -> RigClip {
        let count = clip.frames.len();
        let mut out = RigClip {
            fps: clip.fps,
            bones: self.bones().to_vec(),
            rotations: Vec::with_capacity(count * self.bones().len()),
            hips: self.hips(),
            hips_translations: Vec::with_capacity(count),
            roots: Vec::with_capacity(count),
        };
        let mut pose = self.rest();
        let n = self.bones().len();
        let bends =
            (object.filter(|_| options.fingers)).map(|object| self.bends(clip, object, plan));
        for (f, frame) in clip.frames.iter().enumerate() {
            let mut turns = source_turns(&frame.pose);
            self.pose(&frame.pose, &mut turns, &plan.goals[f], &mut pose);
            if let Some(bends) = &bends {
                pose.bends = [bends[0][f], bends[1][f]];
            }
            self.write_with(plan.headings[f], &mut pose);
            out.hips_translations.push(pose.hips_translation);
            out.roots.push(pose.root);
            for k in 0..n {
                let q = pose.rotations[k];
                // Neighbouring frames on one side of the sphere, so that they can be blended number by number.
                let last = (f > 0).then(|| out.rotations[(f - 1) * n + k]);
                out.rotations.push(match last {
                    Some(last) if last.coords.dot(&q.coords) < 0.0 => {
                        UnitQuaternion::new_unchecked(-q.into_inner())
                    }
                    _ => q,
                });
            }
        }
        for f in 1..count {
            let last = out.roots[f - 1].rotation.coords;
            let root = &mut out.roots[f].rotation;
            if last.dot(&root.coords) < 0.0 {
                *root = UnitQuaternion::new_unchecked(-root.into_inner());
            }
        }
        out
    }

    /// Bends of the fingers of both hands around the object.
    fn bends(&self, clip: &MotionClip, object: &ObjectGeometry, plan: &Plan) -> [Vec<Bend>; 2] {
        let surface = Bvh::new(object.mesh());
        let mut tracks = [0, 1].map(|side| Track {
            fps: clip.fps,
            wrists: Vec::with_capacity(clip.frames.len()),
            palms: Vec::with_capacity(clip.frames.len()),
            labelled: clip.frames.iter().map(|f| f.contact[side] > 0.5).collect(),
        });
        let mut pose = self.rest();
        for (f, frame) in clip.frames.iter().enumerate() {
            let mut turns = source_turns(&frame.pose);
            self.pose(&frame.pose, &mut turns, &plan.goals[f], &mut pose);
            let back = frame.object_rotation.inverse();
            // The geometry stands about its centre, the clip's poses are of the mesh's own origin.
            let local = |v: Vector3<f32>| {
                back * (frame::from_y_up(v) - frame.object_position) - object.center()
            };
            for (side, track) in tracks.iter_mut().enumerate() {
                let turn = back * frame::y_up_to_z_up() * turns[joint::LEFT_WRIST + side];
                let wrist = local(pose.places[self.arms[side].hand]);
                track.wrists.push((wrist, turn));
                track.palms.push(local(self.palm(side, &turns, &pose)));
            }
        }
        [0, 1].map(|side| hands::bends(&self.hands[side], &tracks[side], &surface))
    }
}

/// Goals of every frame.
struct Plan {
    goals: Vec<Goals>,
    headings: Vec<f32>,
}

impl Plan {
    fn new(rig: &Retarget, clip: &MotionClip, options: &RetargetOptions) -> Self {
        let turns: Vec<Turns> = clip.frames.iter().map(|f| source_turns(&f.pose)).collect();
        let headings = headings(&turns, clip.fps);
        let mut goals = vec![Goals::default(); turns.len()];
        if options.plant_feet {
            balls(rig, clip, &headings, &mut goals);
            soles(rig, &turns, clip.fps, &mut goals);
        }
        let mut pose = rig.rest();

        // Legs that are too short let the hips sink.
        let mut drops = vec![0.0f32; turns.len()];
        let mut wants = vec![[None; 2]; turns.len()];
        for (f, frame) in clip.frames.iter().enumerate() {
            let mut own = turns[f];
            let feet = Goals {
                balls: goals[f].balls,
                lifts: goals[f].lifts,
                shift: goals[f].shift,
                ..Goals::default()
            };
            rig.pose(&frame.pose, &mut own, &feet, &mut pose);
            for (side, leg) in rig.legs.iter().enumerate() {
                if let Some(ball) = goals[f].balls[side] {
                    let ankle = ball - own[joint::LEFT_ANKLE + side] * leg.ball;
                    let hip = pose.places[leg.upper];
                    drops[f] = drops[f].max(too_high(&(hip - ankle), LEG * leg.length));
                }
            }
            if options.reach_object {
                for side in 0..2 {
                    let palm = clip.skeleton.forward(&frame.pose)[joint::LEFT_PALM + side];
                    let palm = frame::to_y_up(palm);
                    let off = (rig.palm(side, &own, &pose) - palm).norm();
                    wants[f][side] = Some((palm, off));
                }
            }
        }
        let most = SINK * rig.height[0];
        let half = (EASE * clip.fps).round().max(1.0) as usize;
        let drops = ease(drops.iter().map(|d| d.min(most)), half);
        for (goal, drop) in goals.iter_mut().zip(&drops) {
            goal.shift.y -= drop;
        }
        if options.reach_object {
            for side in 0..2 {
                let weights = weights(clip, side, &|f| wants[f][side].map_or(0.0, |w| w.1));
                for (f, w) in weights.into_iter().enumerate() {
                    goals[f].palms[side] = wants[f][side].filter(|_| w > 0.0).map(|(p, _)| (p, w));
                }
            }
            help(rig, clip, &turns, &mut goals, half);
        }
        Self { goals, headings }
    }
}

/// Where the person faces, turning no faster than it can be blended.
fn headings(turns: &[Turns], fps: f32) -> Vec<f32> {
    let most = TURN * 30.0 / fps.max(1.0);
    let first = turns.iter().find_map(|t| heading(&t[0])).unwrap_or(0.0);
    let mut at = first;
    turns
        .iter()
        .map(|t| {
            if let Some(wanted) = heading(&t[0]) {
                let full = std::f32::consts::TAU;
                let off = (wanted - at + full / 2.0).rem_euclid(full) - full / 2.0;
                at += off.clamp(-most, most);
            }
            at
        })
        .collect()
}

/// How far a hip that stands at `above` from its ankle must sink for the leg to reach.
fn too_high(above: &Vector3<f32>, length: f32) -> f32 {
    let level = above.x.hypot(above.z);
    let allowed = if level < length {
        (length * length - level * level).sqrt()
    } else {
        0.0
    };
    (above.y - allowed).max(0.0)
}

/// How much the object's hold on a palm matters in each frame.
fn weights(clip: &MotionClip, side: usize, off: &dyn Fn(usize) -> f32) -> Vec<f32> {
    let touching: Vec<bool> = clip.frames.iter().map(|f| f.contact[side] > 0.5).collect();
    let mut spells: Vec<(usize, usize)> = Vec::new();
    let pause = (PAUSE * clip.fps) as usize;
    for f in (0..touching.len()).filter(|f| touching[*f]) {
        match spells.last_mut() {
            Some((_, end)) if f <= *end + pause => *end = f + 1,
            _ => spells.push((f, f + 1)),
        }
    }
    let shortest = (SPELL * clip.fps) as usize;
    spells.retain(|(from, to)| to - from > shortest.min(touching.len() / 2));
    let mut out = vec![0.0f32; touching.len()];
    for (from, to) in spells {
        let frames = |f: usize| ((off(f) / TAKE_SPEED).clamp(TAKE[0], TAKE[1]) * clip.fps).max(1.0);
        let (before, after) = (frames(from), frames(to - 1));
        for (f, w) in out.iter_mut().enumerate() {
            let own = if f < from {
                1.0 - (from - f) as f32 / before
            } else if f >= to {
                1.0 - (f + 1 - to) as f32 / after
            } else {
                1.0
            };
            *w = w.max(smooth(own));
        }
    }
    out
}

/// Hips and trunk help arms that are too short: down by the knees, level by a lean.
fn help(rig: &Retarget, clip: &MotionClip, turns: &[Turns], goals: &mut [Goals], half: usize) {
    let most = SINK * rig.height[0];
    // Twice, because a lean also moves the shoulders a little up or down.
    for _ in 0..2 {
        let mut pose = rig.rest();
        let mut down = vec![0.0f32; goals.len()];
        let mut lean = vec![Vector3::zeros(); goals.len()];
        for (f, frame) in clip.frames.iter().enumerate() {
            if goals[f].palms.iter().all(Option::is_none) {
                continue;
            }
            let mut own = turns[f];
            let trunk = Goals {
                palms: [None; 2],
                ..goals[f]
            };
            rig.pose(&frame.pose, &mut own, &trunk, &mut pose);
            let hips = (pose.places[rig.legs[0].upper] + pose.places[rig.legs[1].upper]) / 2.0;
            let mut need = Vector3::zeros();
            let mut chest = Vector3::zeros();
            for (side, arm) in rig.arms.iter().enumerate() {
                let shoulder = pose.places[arm.upper];
                chest += (shoulder - hips) / 2.0;
                if let Some((palm, weight)) = goals[f].palms[side] {
                    let wrist = palm - own[joint::LEFT_WRIST + side] * arm.palm;
                    let way = wrist - shoulder;
                    let over = way.norm() - ARM * arm.length;
                    if over > 0.0 {
                        let pull = way.normalize() * over * weight;
                        if pull.norm() > need.norm() {
                            need = pull;
                        }
                    }
                }
            }
            down[f] = (-need.y).clamp(0.0, most);
            // The lean that moves the chest by what is needed.
            let trunk = chest.norm();
            if trunk > 1e-3 && need.norm() > 1e-4 {
                let level = need - chest * (need.dot(&chest) / (trunk * trunk));
                let level = if need.y < 0.0 {
                    Vector3::new(level.x, 0.0, level.z)
                } else {
                    level
                };
                let axis = swing(chest, chest + level).scaled_axis();
                let angle = axis.norm();
                lean[f] = if angle > LEAN {
                    axis * (LEAN / angle)
                } else {
                    axis
                };
            }
        }
        let down = ease(down.into_iter(), half);
        let lean = ease_vectors(&lean, half);
        for f in 0..goals.len() {
            goals[f].shift.y -= down[f];
            let before = goals[f]
                .lean
                .map_or_else(Vector3::zeros, |q| q.scaled_axis());
            let sum = before + lean[f];
            let size = sum.norm();
            let sum = if size > LEAN {
                sum * (LEAN / size)
            } else {
                sum
            };
            goals[f].lean = (sum.norm() > 1e-5).then(|| UnitQuaternion::new(sum));
        }
    }
}

/// Vectors that come and go gently, along each axis and to either side as [`ease`] does it.
pub(super) fn ease_vectors(values: &[Vector3<f32>], half: usize) -> Vec<Vector3<f32>> {
    let side =
        |axis: usize, sign: f32| ease(values.iter().map(|v| (v[axis] * sign).max(0.0)), half);
    let axes: Vec<Vec<f32>> = (0..3)
        .map(|axis| {
            let (up, down) = (side(axis, 1.0), side(axis, -1.0));
            up.iter().zip(down).map(|(u, d)| u - d).collect()
        })
        .collect();
    (0..values.len())
        .map(|f| Vector3::new(axes[0][f], axes[1][f], axes[2][f]))
        .collect()
}
