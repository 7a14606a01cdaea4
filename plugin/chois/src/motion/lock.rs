//! Keys that stay: what of a moment comes out as it was, whatever is generated around it.
//!
//! The sampler is told of them in every step (`diffusion::inpaint`); what is left of the way is closed here, once on what
//! the network made and once after contact was enforced, the correction coming and going within [`LEAD`] frames.

use nalgebra::{UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::{FPS, Frame, MotionClip};
use crate::error::{Error, Result};
use crate::ik;
use crate::skeleton::{JOINTS, NAMES, Pose, ROTATIONS, Skeleton, joint};

/// Frames within which a correction comes, and goes.
pub const LEAD: usize = 15;
/// Most keys of one request.
pub const MAX_KEYS: usize = 64;
/// What a hand's arm cannot make up for moves the body, by so much at most, metres.
const LEAN: f32 = 0.4;

/// What of a moment is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Where the pelvis is, and how every joint is turned.
    Body,
    /// Where the object is, and how it is turned.
    Object,
    /// Where the left palm is, and how the hand is turned.
    LeftHand,
    /// Where the right palm is, and how the hand is turned.
    RightHand,
    /// How a joint is turned in the world: one of [`NAMES`] that turns.
    Joint(String),
}

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectPose {
    /// Position of the mesh's origin, metres.
    pub position: Vector3<f32>,
    /// Rotation of the mesh.
    pub rotation: UnitQuaternion<f32>,
}

/// A moment that is held, or parts of it. Metres, Z up, the scene's frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedKey {
    /// When, seconds from the start.
    pub at: f32,
    /// What of it is held; at least one part.
    pub parts: Vec<Part>,
    /// The person then.
    pub pose: Pose,
    /// The object then; needed where it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectPose>,
}

impl LockedKey {
    /// A moment of a clip, with its object where it has one; none past the clip's end.
    pub fn of(clip: &MotionClip, at: f32, parts: Vec<Part>) -> Option<Self> {
        let frame = clip.frames.get((at * clip.fps).round().max(0.0) as usize)?;
        let object = clip.has_object().then_some(ObjectPose {
            position: frame.object_position,
            rotation: frame.object_rotation,
        });
        Some(Self {
            at,
            parts,
            pose: frame.pose,
            object,
        })
    }

    /// Its frame, at [`FPS`].
    pub fn frame(&self) -> usize {
        (self.at * FPS).round().max(0.0) as usize
    }

    /// Whether a part is held.
    pub fn holds(&self, part: &Part) -> bool {
        self.parts.contains(part)
    }

    /// Whether a clip comes through it: to a centimetre and three degrees, since what is made of a clip afterwards brings it
    /// there exactly.
    pub fn is_met_by(&self, clip: &MotionClip) -> bool {
        /// Metres and radians.
        const NEAR: (f32, f32) = (0.01, 0.052);
        let Some(frame) = clip.frames.get(self.frame()).filter(|_| clip.fps == FPS) else {
            return false;
        };
        let pose = &frame.pose;
        let turned = |j: usize| self.pose.rotations[j].angle_to(&pose.rotations[j]) < NEAR.1;
        let [then, now] = [&self.pose, pose].map(|pose| clip.skeleton.forward(pose));
        let there = |j: usize| (then[j] - now[j]).norm() < NEAR.0;
        self.turned().all(turned)
            && self.parts.iter().all(|part| match part {
                Part::Body => there(joint::PELVIS),
                Part::LeftHand => there(joint::LEFT_PALM),
                Part::RightHand => there(joint::RIGHT_PALM),
                Part::Joint(_) => true,
                Part::Object => self.object.is_none_or(|object| {
                    (object.position - frame.object_position).norm() < NEAR.0
                        && object.rotation.angle_to(&frame.object_rotation) < NEAR.1
                }),
            })
    }

    /// Joints whose turn is held.
    pub(crate) fn turned(&self) -> impl Iterator<Item = usize> + '_ {
        (0..ROTATIONS).filter(|j| {
            self.parts.iter().any(|part| match part {
                Part::Body => true,
                Part::Joint(name) => NAMES[*j] == name,
                Part::LeftHand => *j == joint::LEFT_WRIST,
                Part::RightHand => *j == joint::RIGHT_WRIST,
                Part::Object => false,
            })
        })
    }
}

/// Refuses keys that cannot be held in `frames` frames.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub fn check_keys(keys: &[LockedKey], frames: usize, with_object: bool) -> Result<()> {
    let bad = |field: String, reason: String| Err(Error::invalid(field, reason));
    if keys.len() > MAX_KEYS {
        return bad(
            "keys".into(),
            format!("{} of them; {MAX_KEYS} are the limit", keys.len()),
        );
    }
    for (i, key) in keys.iter().enumerate() {
        let field = format!("keys[{i}]");
        let last = frames.saturating_sub(1);
        if !key.at.is_finite() || key.frame() == 0 || key.frame() > last {
            return bad(
                format!("{field}.at"),
                format!(
                    "{:.2} s is not after the first frame and up to the last at {:.2} s; move the key, or delete it",
                    key.at,
                    last as f32 / FPS
                ),
            );
        }
        if keys[..i].iter().any(|other| other.frame() == key.frame()) {
            return bad(
                format!("{field}.at"),
                format!(
                    "{:.2} s has a key already; put their parts together",
                    key.at
                ),
            );
        }
        if key.parts.is_empty() {
            return bad(
                format!("{field}.parts"),
                "holds nothing; name a part, or delete the key".into(),
            );
        }
        for part in &key.parts {
            match part {
                Part::Joint(name) if !NAMES[..ROTATIONS].contains(&&**name) => {
                    return bad(
                        format!("{field}.parts"),
                        format!(
                            "{name:?} is no joint that turns; choose one of {}",
                            NAMES[..ROTATIONS].join(", ")
                        ),
                    );
                }
                Part::Object if !with_object => {
                    return bad(
                        format!("{field}.parts"),
                        "hold the object, and there is none in a walk; leave it out".into(),
                    );
                }
                Part::Object if key.object.is_none() => {
                    return bad(
                        format!("{field}.object"),
                        "is not given; say where the object is, or leave it out of the parts"
                            .into(),
                    );
                }
                _ => {}
            }
        }
        if let Some(object) = &key.object {
            let fine = object.position.iter().all(|v| v.abs() <= 4_000.0)
                && (object.rotation.norm() - 1.0).abs() < 0.01;
            if !fine {
                return bad(
                    format!("{field}.object"),
                    "is no place within 4000 m, or its rotation is no quaternion of length 1"
                        .into(),
                );
            }
        }
    }
    Ok(())
}

/// How much of the correction at each key is made at each frame, key by key: 1 at the key, 0 from [`LEAD`] frames away on,
/// sooner where another key or one of the `ends` is nearer: of two keys together it is 1 between them.
pub(crate) fn shares(frames: usize, keys: &[usize], ends: [Option<usize>; 2]) -> Vec<Vec<f32>> {
    let ease = |away: usize, reach: usize| {
        let u = (away as f32 / reach.max(1) as f32).min(1.0);
        (1.0 + (std::f32::consts::PI * u).cos()) / 2.0
    };
    let share = |key: usize| {
        let before = keys.iter().copied().filter(|k| *k < key);
        let after = keys.iter().copied().filter(|k| *k > key);
        let before = before.chain(ends[0].filter(|e| *e < key)).max();
        let after = after.chain(ends[1].filter(|e| *e > key)).min();
        let reach = [
            before.map_or(LEAD, |b| (key - b).min(LEAD)),
            after.map_or(LEAD, |a| (a - key).min(LEAD)),
        ];
        (0..frames)
            .map(|t| match t.cmp(&key) {
                std::cmp::Ordering::Less => ease(key - t, reach[0]),
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Greater => ease(t - key, reach[1]),
            })
            .collect()
    };
    keys.iter().map(|key| share(*key)).collect()
}

/// Brings a clip to its keys. `physical` says that physics moved the object, and where in the wrist's frame each hand touches
/// it: then it is moved only while a hand holds it, and goes on lying where it lies else. Hands that hold go along with the
/// object and stay where they are on it, however they are turned; an object that no key holds goes along with a hand that
/// holds it and is held by a key.
pub(crate) fn hold(clip: &mut MotionClip, keys: &[LockedKey], physical: Option<[Vector3<f32>; 2]>) {
    let count = clip.frames.len();
    let mut keys: Vec<&LockedKey> = keys.iter().filter(|k| k.frame() < count).collect();
    keys.sort_by_key(|k| k.frame());
    if keys.is_empty() || clip.fps != FPS {
        return;
    }
    let palms = [joint::LEFT_PALM, joint::RIGHT_PALM].map(|p| clip.skeleton.rest_offsets[p]);
    let hands = Hands(physical.unwrap_or(palms));
    if clip.has_object() {
        move_object(clip, &keys, &hands, physical.is_some());
    }
    let held = on_object(clip, &hands);
    turn_body(clip, &keys, &hands, &held);
    for (hand, part) in [(0, Part::LeftHand), (1, Part::RightHand)] {
        move_hand(clip, &keys, &hands, hand, &part);
    }
}

const ARMS: [ik::Limb; 2] = [ik::LEFT_ARM, ik::RIGHT_ARM];
const LEGS: [ik::Limb; 2] = [ik::LEFT_LEG, ik::RIGHT_LEG];
/// Joints between the trunk and a hand that an arm reaches with.
const REACHING: [[usize; 2]; 2] = [
    [joint::LEFT_SHOULDER, joint::LEFT_ELBOW],
    [joint::RIGHT_SHOULDER, joint::RIGHT_ELBOW],
];
/// Nearer than this a hand is where it is to be, metres.
const THERE: f32 = 1e-4;

/// Where each hand touches what it holds, in the frame of its wrist in the rest pose, metres.
struct Hands([Vector3<f32>; 2]);

impl Hands {
    /// Where a hand touches in a pose.
    fn at(&self, skeleton: &Skeleton, pose: &Pose, hand: usize) -> Vector3<f32> {
        let wrist = joint::LEFT_WRIST + hand;
        skeleton.forward(pose)[wrist] + pose.rotations[wrist] * self.0[hand]
    }

    /// Has the arm bring a hand somewhere, turned as it is; what is missing, metres.
    fn reach(&self, skeleton: &Skeleton, pose: &mut Pose, hand: usize, goal: Vector3<f32>) -> f32 {
        let palm = skeleton.rest_offsets[joint::LEFT_PALM + hand];
        let aside = pose.rotations[joint::LEFT_WRIST + hand] * (self.0[hand] - palm);
        ik::reach(skeleton, pose, ARMS[hand], goal - aside)
    }

    /// Has arms bring hands to their places, the body coming nearer where they are too short, feet staying; `most` is how
    /// far, metres.
    fn bring(
        &self,
        skeleton: &Skeleton,
        pose: &mut Pose,
        goals: &[Option<Vector3<f32>>; 2],
        most: f32,
    ) {
        let (before, feet) = (*pose, skeleton.forward(pose));
        let mut lean = Vector3::<f32>::zeros();
        for round in 0..8 {
            let mut missing = Vector3::<f32>::zeros();
            for (hand, goal) in goals.iter().enumerate() {
                let Some(goal) = goal else { continue };
                if self.reach(skeleton, pose, hand, *goal) > THERE {
                    let off = goal - self.at(skeleton, pose, hand);
                    missing = if off.norm() > missing.norm() {
                        off
                    } else {
                        missing
                    };
                }
            }
            if missing.norm() < THERE || most < THERE || round == 7 {
                break;
            }
            lean = (lean + missing).cap_magnitude(most);
            *pose = before;
            lean_by(skeleton, pose, &lean, &feet);
        }
    }
}

/// Moves the pelvis; feet stay where they were.
fn lean_by(
    skeleton: &Skeleton,
    pose: &mut Pose,
    by: &Vector3<f32>,
    before: &[Vector3<f32>; JOINTS],
) {
    pose.root += by;
    for leg in LEGS {
        ik::reach(skeleton, pose, leg, before[leg.tip]);
    }
}

fn holding(frame: &Frame, hand: usize) -> bool {
    frame.contact[hand] > 0.5
}

/// A rotation by a share of itself.
fn part_of(turn: &UnitQuaternion<f32>, share: f32) -> UnitQuaternion<f32> {
    UnitQuaternion::from_scaled_axis(turn.scaled_axis() * share)
}

/// Has the object, and the hands that hold it, come through the keys.
fn move_object(clip: &mut MotionClip, keys: &[&LockedKey], hands: &Hands, physical: bool) {
    let count = clip.frames.len();
    // Frame, shift of the mesh's origin, turn, and the frames about it within which it may move.
    type Way = (usize, Vector3<f32>, UnitQuaternion<f32>, [Option<usize>; 2]);
    let mut ways: Vec<Way> = Vec::new();
    for key in keys {
        let f = key.frame();
        let frame = &clip.frames[f];
        let held = |f: usize| (0..2).any(|hand| holding(&clip.frames[f], hand));
        let span = if physical {
            if !held(f) {
                continue;
            }
            let first = (0..f).rev().find(|g| !held(*g));
            [first, (f + 1..count).find(|g| !held(*g))]
        } else {
            [Some(0), None]
        };
        if let Some(object) = key.object.filter(|_| key.holds(&Part::Object)) {
            let turn = object.rotation * frame.object_rotation.inverse();
            ways.push((f, object.position - frame.object_position, turn, span));
            continue;
        }
        let held: Vec<[Vector3<f32>; 2]> = (0..2)
            .filter(|&hand| {
                let part = [Part::LeftHand, Part::RightHand][hand].clone();
                (key.holds(&part) || key.holds(&Part::Body)) && holding(frame, hand)
            })
            .map(|hand| [&frame.pose, &key.pose].map(|p| hands.at(&clip.skeleton, p, hand)))
            .collect();
        let still = UnitQuaternion::identity();
        match held[..] {
            [[now, then]] => ways.push((f, then - now, still, span)),
            // Two hands turn it as well.
            [[a, b], [c, d]] => {
                let turn = UnitQuaternion::rotation_between(&(c - a), &(d - b)).unwrap_or(still);
                let at = frame.object_position;
                let shift = (b + d) / 2.0 + turn * (at - (a + c) / 2.0) - at;
                ways.push((f, shift, turn, span));
            }
            _ => {}
        }
    }
    if ways.is_empty() {
        return;
    }
    let frames: Vec<usize> = ways.iter().map(|w| w.0).collect();
    let floor = (clip.frames.iter())
        .map(|f| f.object_position.z)
        .fold(f32::INFINITY, f32::min);
    for (k, (_, shift, turn, span)) in ways.iter().enumerate() {
        let share = shares(count, &frames, *span).swap_remove(k);
        for (f, share) in share.into_iter().enumerate().filter(|(_, s)| *s > 0.0) {
            let (skeleton, frame) = (&clip.skeleton, &mut clip.frames[f]);
            let was = (frame.object_position, frame.object_rotation);
            let turn = part_of(turn, share);
            let least = was.0.z.min(floor);
            frame.object_position += shift * share;
            frame.object_position.z = frame.object_position.z.max(least);
            frame.object_rotation = turn * was.1;
            frame.object_rotation.renormalize();
            let goals = [0, 1].map(|hand| {
                let at = hands.at(skeleton, &frame.pose, hand);
                holding(frame, hand).then(|| frame.object_position + turn * (at - was.0))
            });
            for hand in (0..2).filter(|hand| goals[*hand].is_some()) {
                let wrist = &mut frame.pose.rotations[joint::LEFT_WRIST + hand];
                *wrist = turn * *wrist;
            }
            hands.bring(skeleton, &mut frame.pose, &goals, LEAN);
        }
    }
}

/// Where each hand that holds is, frame by frame.
fn on_object(clip: &MotionClip, hands: &Hands) -> Vec<[Option<Vector3<f32>>; 2]> {
    let at = |frame: &Frame, hand: usize| {
        let holds = clip.has_object() && holding(frame, hand);
        holds.then(|| hands.at(&clip.skeleton, &frame.pose, hand))
    };
    (clip.frames.iter())
        .map(|frame| [at(frame, 0), at(frame, 1)])
        .collect()
}

/// Has the pelvis and the joints come through the keys; hands that hold stay where they are meanwhile.
fn turn_body(
    clip: &mut MotionClip,
    keys: &[&LockedKey],
    hands: &Hands,
    held: &[[Option<Vector3<f32>>; 2]],
) {
    let count = clip.frames.len();
    let whole: Vec<&&LockedKey> = keys.iter().filter(|k| k.holds(&Part::Body)).collect();
    let frames: Vec<usize> = whole.iter().map(|k| k.frame()).collect();
    let body = shares(count, &frames, [Some(0), None]);
    let shifts: Vec<Vector3<f32>> = (whole.iter())
        .map(|key| key.pose.root - clip.frames[key.frame()].pose.root)
        .collect();
    for (share, shift) in body.iter().zip(&shifts) {
        for (frame, share) in clip.frames.iter_mut().zip(share) {
            frame.pose.root += shift * *share;
        }
    }
    // What a hand that holds is away from its key where that is, whatever the object does: nothing, where the two agree.
    let away: Vec<[Vector3<f32>; 2]> = (whole.iter())
        .map(|key| {
            [0, 1].map(|hand| {
                let then = hands.at(&clip.skeleton, &key.pose, hand);
                held[key.frame()][hand].map_or_else(Vector3::zeros, |now| then - now)
            })
        })
        .collect();
    // How much of a turn that was locked there is, of any joint, and of those that an arm reaches with.
    let mut turned = vec![0.0_f32; count];
    let mut stiff = vec![[0.0_f32; 2]; count];
    for j in 0..ROTATIONS {
        let own: Vec<&&LockedKey> = keys.iter().filter(|k| k.turned().any(|t| t == j)).collect();
        let frames: Vec<usize> = own.iter().map(|k| k.frame()).collect();
        let turns: Vec<UnitQuaternion<f32>> = (own.iter())
            .map(|key| key.pose.rotations[j] * clip.frames[key.frame()].pose.rotations[j].inverse())
            .collect();
        for (share, turn) in shares(count, &frames, [Some(0), None]).iter().zip(&turns) {
            for (f, share) in share.iter().enumerate().filter(|(_, s)| **s > 0.0) {
                let own = &mut clip.frames[f].pose.rotations[j];
                *own = part_of(turn, *share) * *own;
                own.renormalize();
                turned[f] = turned[f].max(*share);
                for hand in 0..2 {
                    if REACHING[hand].contains(&j) {
                        stiff[f][hand] = stiff[f][hand].max(*share);
                    }
                }
            }
        }
    }
    for f in 0..count {
        // At the key itself the body has the last word.
        let whole: f32 = body.iter().map(|s| s[f]).sum();
        if whole >= 1.0 || (whole <= 0.0 && turned[f] <= 0.0) {
            continue;
        }
        let (skeleton, pose) = (&clip.skeleton, &mut clip.frames[f].pose);
        let goals = [0, 1].map(|hand| {
            let away = body.iter().zip(&away).map(|(s, a)| a[hand] * s[f]);
            Some(held[f][hand]? + away.sum::<Vector3<f32>>())
        });
        // An arm that is locked does not reach: the body brings it.
        let feet = skeleton.forward(pose);
        for hand in 0..2 {
            let stiff = stiff[f][hand].min(1.0) * (1.0 - whole);
            if let Some(goal) = goals[hand].filter(|_| stiff > 0.0) {
                let off = goal - hands.at(skeleton, pose, hand);
                let lean = (off * stiff).cap_magnitude(LEAN);
                lean_by(skeleton, pose, &lean, &feet);
            }
        }
        let reaching = [0, 1].map(|hand| goals[hand].filter(|_| stiff[f][hand] < 1.0));
        let free = 1.0 - whole.max(stiff[f][0]).max(stiff[f][1]);
        hands.bring(skeleton, pose, &reaching, LEAN * free);
    }
}

/// Has a palm come through the keys: the arm, and the body where the arm is too short, feet staying where they are.
fn move_hand(clip: &mut MotionClip, keys: &[&LockedKey], hands: &Hands, hand: usize, part: &Part) {
    let count = clip.frames.len();
    let own: Vec<&&LockedKey> = keys.iter().filter(|k| k.holds(part)).collect();
    let frames: Vec<usize> = own.iter().map(|k| k.frame()).collect();
    for (key, share) in own.iter().zip(shares(count, &frames, [Some(0), None])) {
        let f = key.frame();
        let goal = hands.at(&clip.skeleton, &key.pose, hand);
        let off = goal - hands.at(&clip.skeleton, &clip.frames[f].pose, hand);
        if off.norm() < THERE {
            continue;
        }
        let mut tried = clip.frames[f].pose;
        let mut lean = Vector3::zeros();
        // Where the arm ends short of it, the body comes nearer.
        for _ in 0..8 {
            if hands.reach(&clip.skeleton, &mut tried, hand, goal) < THERE {
                break;
            }
            lean += goal - hands.at(&clip.skeleton, &tried, hand);
            lean = lean.cap_magnitude(LEAN);
            tried = clip.frames[f].pose;
            tried.root += lean;
        }
        for (f, share) in share.into_iter().enumerate().filter(|(_, s)| *s > 0.0) {
            let (skeleton, frame) = (&clip.skeleton, &mut clip.frames[f]);
            let other = 1 - hand;
            let own = hands.at(skeleton, &frame.pose, hand);
            let place = hands.at(skeleton, &frame.pose, other);
            if lean != Vector3::zeros() {
                let feet = skeleton.forward(&frame.pose);
                lean_by(skeleton, &mut frame.pose, &(lean * share), &feet);
                if holding(frame, other) {
                    hands.reach(skeleton, &mut frame.pose, other, place);
                }
            }
            hands.reach(skeleton, &mut frame.pose, hand, own + off * share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_come_and_go_and_are_whole_between_keys() {
        let all = shares(120, &[40, 50, 100], [Some(0), None]);
        for (share, key) in all.iter().zip([40, 50, 100]) {
            assert_eq!(share[key], 1.0);
        }
        for t in 40..=50 {
            assert!((all[0][t] + all[1][t] - 1.0).abs() < 1e-6, "{t}");
        }
        assert_eq!((all[0][25], all[2][85], all[2][115]), (0.0, 0.0, 0.0));
        // As early as that, there is less room.
        let early = &shares(120, &[5], [Some(0), None])[0];
        assert_eq!((early[0], early[5], early[20]), (0.0, 1.0, 0.0));
    }
}
