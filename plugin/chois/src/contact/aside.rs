//! Arms keep out of what stands about: elbows swivel, and hands that lie on nothing go beside it.
//!
//! With its palm on the object an arm still has one freedom, the turn about the line from shoulder to wrist. Which turn it
//! takes when is found over the whole clip by dynamic programming, so that it neither flips from one side to the other nor
//! moves where nothing is near. A wrist that is bent as far as it goes cannot make up for a wide turn: turns that would lift the
//! palm from its place are not taken. A hand on its way, or with nothing to do, is besides pushed out, along the distance's
//! slope.

use nalgebra::{Unit, UnitQuaternion, Vector3};

use super::follow::{ARMS, Follower, HandGoal, Help, ease, smoothed, widened};
use super::notches;
use crate::geometry::SdfGrid;
use crate::skeleton::{JOINTS, Pose, joint};

/// Things in the distance are larger than they are by the flesh about a joint; an arm, which is thinner, may be in them by so
/// much, metres.
const GIVES: f32 = 0.012;
/// A hand that is deeper than this in something is meant to be there, as in a shelf, metres.
const MEANT: f32 = 0.2;
/// Farthest that an elbow swivels, radians; turns that are told apart, an odd number.
const SWIVEL: f32 = 1.35;
const NOTCHES: usize = 19;
/// What a unit of each costs: metres of an arm's point in something, radians of swivel, radians of a wrist that is bent more
/// than it was, notches from one frame to the next.
const DEEP: f32 = 0.01;
const TURN: f32 = 1.2;
const BENT: f32 = 0.35;
const NOTCH: f32 = 1.0;
/// The same of metres that a palm is lifted because its wrist cannot make up for a swivel, and how far it may be.
const LIFTED: f32 = 0.004;
const MOST_LIFT: f32 = 0.008;
/// Depth beyond which deeper is no worse, metres: there is no way out by swivelling.
const DEEPEST: f32 = 0.1;
/// How long before and after a need swivel and push are there in full, and how long they come and go, seconds.
const BEFORE: f32 = 0.1;
const SWIVELS: f32 = 0.3;
const PUSHES: f32 = 0.2;
/// A hand is pushed until so much of its palm lies on something.
const LAID: f32 = 0.6;
/// Farthest that a hand is pushed, metres, and rounds in which the way is found.
const FARTHEST: f32 = 0.15;
const ROUNDS: usize = 3;

/// How an arm keeps out of what stands about.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Aside {
    /// How far the hand goes, world.
    pub push: Vector3<f32>,
    /// How the elbow turns about the line from shoulder to wrist, radians.
    pub swivel: f32,
}

impl Aside {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// At `t` of the way from `a` (0) to `b` (1).
    pub fn between(a: &Self, b: &Self, t: f32) -> Self {
        Self {
            push: a.push.lerp(&b.push, t),
            swivel: a.swivel + (b.swivel - a.swivel) * t,
        }
    }
}

/// How far a point of a hand is from being out of what stands about, metres.
pub(super) fn lacking(scene: &SdfGrid, point: &Vector3<f32>) -> f32 {
    let depth = -scene.query(point) - GIVES;
    depth.min(MEANT - depth).max(0.0)
}

/// The same as a way out.
fn way_out(scene: &SdfGrid, point: &Vector3<f32>) -> Vector3<f32> {
    let far = lacking(scene, point);
    if far <= 0.0 {
        return Vector3::zeros();
    }
    let (_, slope) = scene.query_with_gradient(point);
    slope
        .try_normalize(0.1)
        .map_or_else(Vector3::zeros, |way| way * far)
}

/// How free a hand is to be pushed: wholly, until it is about to lie on something.
fn free(goal: &Option<HandGoal>) -> f32 {
    goal.map_or(1.0, |goal| 1.0 - ease((goal.laid - LAID) / (1.0 - LAID)))
}

/// An arm in a pose.
struct Arm {
    shoulder: Vector3<f32>,
    elbow: Vector3<f32>,
    wrist: Vector3<f32>,
    knuckle: Vector3<f32>,
}

impl Arm {
    fn of(joints: &[Vector3<f32>; JOINTS], hand: usize) -> Self {
        let arm = ARMS[hand];
        Self {
            shoulder: joints[arm.upper],
            elbow: joints[arm.middle],
            wrist: joints[arm.end],
            knuckle: joints[joint::LEFT_PALM + hand],
        }
    }

    /// With the elbow turned about the line from shoulder to wrist.
    fn elbow_at(&self, angle: f32) -> Vector3<f32> {
        match Unit::try_new(self.wrist - self.shoulder, 1e-4) {
            Some(axis) => {
                let turn = UnitQuaternion::from_axis_angle(&axis, angle);
                self.shoulder + turn * (self.elbow - self.shoulder)
            }
            None => self.elbow,
        }
    }

    /// What it costs to be in something with the elbow turned so.
    fn deep(&self, angle: f32, scene: &SdfGrid) -> f32 {
        let elbow = self.elbow_at(angle);
        let upper = [0.5, 0.75].map(|t| self.shoulder.lerp(&elbow, t));
        let fore = [0.0, 0.25, 0.5, 0.75].map(|t| elbow.lerp(&self.wrist, t));
        (upper.iter().chain(&fore))
            .map(|point| (-scene.query(point) - GIVES).clamp(0.0, DEEPEST) / DEEP)
            .map(|depth| depth * depth)
            .sum()
    }

    /// What it costs to bend the wrist more than it is.
    fn bent(&self, angle: f32) -> f32 {
        let along = self.knuckle - self.wrist;
        let now = (self.wrist - self.elbow).angle(&along);
        let then = (self.wrist - self.elbow_at(angle)).angle(&along);
        ((then - now).max(0.0) / BENT).powi(2)
    }
}

/// Plans over a whole clip how the arms keep out of `scene`, beside what `helps` do already.
pub(super) fn plan(
    follower: &Follower,
    poses: &[Pose],
    goals: &[[Option<HandGoal>; 2]],
    helps: &mut [Help],
    scene: &SdfGrid,
    fps: f32,
) {
    let frames = |seconds: f32| (seconds * fps).round().max(1.0) as usize;
    let followed = |helps: &[Help]| -> Vec<(Pose, [Arm; 2])> {
        (poses.iter().zip(goals).zip(helps))
            .map(|((pose, goals), help)| {
                let out = follower.follow(pose, goals, help);
                let joints = follower.skeleton.forward(&out);
                (out, [0, 1].map(|hand| Arm::of(&joints, hand)))
            })
            .collect()
    };
    // Whoever begins a clip begins it as they are.
    let fade = |f: usize| ease(f as f32 / (2 * frames(PUSHES)) as f32);
    let mut now = followed(helps);
    let mut need = [0, 1].map(|_| vec![Vector3::<f32>::zeros(); poses.len()]);
    for _ in 0..ROUNDS {
        let mut lacks = false;
        for (hand, need) in need.iter_mut().enumerate() {
            for (f, need) in need.iter_mut().enumerate() {
                if free(&goals[f][hand]) < 0.05 {
                    continue;
                }
                let arm = &now[f].1[hand];
                let [wrist, knuckle] = [arm.wrist, arm.knuckle].map(|p| way_out(scene, &p));
                let out = if wrist.norm() < knuckle.norm() {
                    knuckle
                } else {
                    wrist
                };
                lacks |= out.norm() > 1e-3;
                *need = (*need + out * 1.05).cap_magnitude(FARTHEST);
            }
        }
        if !lacks {
            break;
        }
        for hand in 0..2 {
            let smooth = widened(&need[hand], frames(PUSHES));
            for (f, push) in smooth.iter().enumerate() {
                helps[f].aside[hand].push = push * (free(&goals[f][hand]) * fade(f));
            }
        }
        now = followed(helps);
    }
    for hand in 0..2 {
        let arms: Vec<&Arm> = now.iter().map(|(_, arms)| &arms[hand]).collect();
        // By how much more than without.
        let lifted = |f: usize, angle: f32| match &goals[f][hand] {
            Some(goal) if goal.laid > 0.0 => {
                let lifted = |angle: f32| follower.lifted(hand, goal, &poses[f], &now[f].0, angle);
                (lifted(angle) - lifted(0.0)).max(0.0)
            }
            _ => 0.0,
        };
        let Some(swivels) = swivels(&arms, scene, lifted, frames(BEFORE)) else {
            continue;
        };
        for (f, swivel) in smoothed(&swivels, frames(SWIVELS)).into_iter().enumerate() {
            helps[f].aside[hand].swivel = swivel * fade(f);
        }
    }
}

fn angle(notch: usize) -> f32 {
    notches::angle::<NOTCHES>(notch, SWIVEL)
}

/// The turns of an elbow over a clip that cost least; None where none is needed. `lifted` tells how far the palm is lifted by
/// a turn at a frame, metres.
fn swivels(
    arms: &[&Arm],
    scene: &SdfGrid,
    lifted: impl Fn(usize, f32) -> f32,
    before: usize,
) -> Option<Vec<f32>> {
    if arms.iter().all(|arm| arm.deep(0.0, scene) <= 0.0) {
        return None;
    }
    let deep: Vec<[f32; NOTCHES]> = (arms.iter().enumerate())
        .map(|(f, arm)| {
            std::array::from_fn(|notch| {
                let off = lifted(f, angle(notch));
                let spoilt = if off > MOST_LIFT {
                    f32::INFINITY
                } else {
                    (off / LIFTED).powi(2)
                };
                arm.deep(angle(notch), scene) + spoilt
            })
        })
        .collect();
    let last = arms.len() - 1;
    let costs: Vec<[f32; NOTCHES]> = (arms.iter().enumerate())
        .map(|(f, arm)| {
            let near = f.saturating_sub(before)..=(f + before).min(last);
            std::array::from_fn(|notch| {
                let worst = (deep[near.clone()].iter())
                    .map(|d| d[notch])
                    .fold(0.0, f32::max);
                worst + arm.bent(angle(notch)) + (angle(notch) / TURN).powi(2)
            })
        })
        .collect();
    let out: Vec<f32> = (notches::cheapest(&costs, NOTCH).into_iter())
        .map(angle)
        .collect();
    out.iter().any(|angle| *angle != 0.0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::super::follow::standing;
    use super::super::palm::pad;
    use super::*;

    const FPS: f32 = 30.0;
    const FRAMES: usize = 60;

    /// Everything at x beyond `x` is wall.
    fn wall(x: f32) -> SdfGrid {
        let values = (0..8).map(|corner| (x - if corner & 4 == 0 { -2.0 } else { 2.0 }) / 2.0);
        let side = Vector3::repeat(4.0);
        SdfGrid::new([2; 3], Vector3::zeros(), side, values.collect()).expect("a grid")
    }

    #[test]
    fn an_elbow_keeps_out_of_a_wall_while_the_hand_touches() {
        let (follower, pose) = standing();
        let rotation = pose.rotations[joint::LEFT_WRIST];
        let joints = follower.skeleton.forward(&pose);
        let now = pad(&follower.palms[0], 0, &joints, &rotation);
        // Before the belly: the elbow stands out to the left.
        let goal = HandGoal {
            pad: now + Vector3::new(-0.25, -0.25, 0.25),
            rotation,
            normal: Vector3::z_axis(),
            laid: 1.0,
            helped: true,
        };
        let goals = vec![[Some(goal), None]; FRAMES];
        let poses = vec![pose; FRAMES];
        let mut helps = follower.plan(&poses, &goals, |_, _, _| 0.0, FPS);
        let at = |helps: &[Help], f: usize| {
            let out = follower.follow(&pose, &goals[f], &helps[f]);
            let joints = follower.skeleton.forward(&out);
            // A hand that its wrist cannot lay flat touches with its edge: how far its lowest skin is over the surface.
            let turn = out.rotations[joint::LEFT_WRIST];
            let skin = follower.palms[0].skin().into_iter();
            let over = skin
                .map(|p| (joints[joint::LEFT_WRIST] + turn * p - goal.pad).dot(&goal.normal))
                .fold(f32::INFINITY, f32::min);
            (Arm::of(&joints, 0), over)
        };
        let (before, held) = at(&helps, 30);
        let scene = wall(before.elbow.x - 0.03);
        assert!(before.deep(0.0, &scene) > 1.0);
        let first = helps[0];
        plan(&follower, &poses, &goals, &mut helps, &scene, FPS);
        let (after, over) = at(&helps, 30);
        let (was, is) = (before.deep(0.0, &scene), after.deep(0.0, &scene));
        assert!(is < 0.3 * was, "{is} of {was}");
        // The hand hangs at its goal here: its skin lifts it by centimetres as its wrist gives way, which the swivel spares it.
        assert!((over - held).abs() < 0.06, "{over} was {held}");
        // It goes there gently, from how the clip begins.
        assert_eq!(helps[0], first);
        let steps = helps
            .windows(2)
            .map(|h| h[1].aside[0].swivel - h[0].aside[0].swivel);
        assert!(steps.fold(0.0, |most: f32, step| most.max(step.abs())) < 0.2);
        assert!(helps.iter().all(|help| help.aside[1].is_none()));
    }

    #[test]
    fn a_free_hand_goes_beside_what_it_would_be_in() {
        let (follower, pose) = standing();
        let wrist = |help: &Help| {
            let out = follower.follow(&pose, &[None, None], help);
            follower.skeleton.forward(&out)[joint::LEFT_WRIST].x
        };
        let scene = wall(wrist(&Help::default()) - 0.05);
        let (poses, goals) = (vec![pose; FRAMES], vec![[None, None]; FRAMES]);
        let mut helps = vec![Help::default(); FRAMES];
        plan(&follower, &poses, &goals, &mut helps, &scene, FPS);
        let limit = wrist(&Help::default()) - 0.05;
        assert!(wrist(&helps[40]) < limit + GIVES + 0.005);
        assert_eq!(helps[0], Help::default());
        // What is far, or so deep that it is meant, moves nobody.
        for x in [5.0, -1.0] {
            let mut helps = vec![Help::default(); FRAMES];
            plan(&follower, &poses, &goals, &mut helps, &wall(x), FPS);
            assert!(
                helps
                    .iter()
                    .all(|help| help.aside[1].push == Vector3::zeros()),
                "{x}"
            );
        }
    }
}
