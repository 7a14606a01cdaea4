//! What can be said of one generated clip without a captured one to compare it with.

use std::fmt;

use nalgebra::{UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::metrics::{CONTACT_DISTANCE, feet_height, foot_sliding, hand_bone_points};
use crate::error::{Error, Result};
use crate::geometry::{ObjectGeometry, Surface};
use crate::motion::MotionClip;
use crate::skeleton::{TOE_HEIGHT, joint};

/// An object is moved while some point of it is faster than this, metres per second.
const MOVING: f64 = 0.1;

/// Positions farther from the origin than this are no motion of a person, metres.
const FARTHEST: f32 = 1e5;

/// Where the object was asked to be: positions of its centre (mean vertex), metres, world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Goals {
    /// At the first frame.
    pub start: Option<Vector3<f32>>,
    /// On the way: a frame, and where on the floor.
    pub waypoints: Vec<(usize, [f32; 2])>,
    /// At the last frame.
    pub end: Option<Vector3<f32>>,
}

/// How far from a waypoint the object passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaypointFact {
    /// The frame at which it should have been there.
    pub frame: usize,
    /// Where on the floor it should have been, metres.
    pub goal: [f32; 2],
    /// Distance on the floor, metres.
    pub error: f64,
}

/// Facts of one generated clip. Metres and seconds; shares from 0 to 1. `Display` is a short aligned list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipFacts {
    /// Number of frames.
    pub frames: usize,
    /// Length in seconds.
    pub seconds: f64,
    /// Distance of the object's centre from the asked start at the first frame.
    pub start_error: Option<f64>,
    /// Each waypoint in the order asked.
    pub waypoints: Vec<WaypointFact>,
    /// Distance of the object's centre from the asked end at the last frame.
    pub end_error: Option<f64>,
    /// Share of frames in which some point of the object is faster than 0.1 m/s.
    pub moving_share: f64,
    /// Of those frames, the share with a palm within 5 cm of the object's surface; none when the object never moves.
    pub contact_share: Option<f64>,
    /// Foot sliding per frame (FS of the paper), over the feet's own floor: feet that float a little slide too.
    pub foot_skate: f64,
    /// Height of the feet's floor (H_feet of the paper).
    pub feet_height: f64,
    /// Deepest that a sole (2 cm below a toe joint) comes below the floor.
    pub foot_penetration: f64,
    /// Deepest that a vertex of the object comes below the floor.
    pub object_penetration: f64,
    /// Share of frames in which a bone of a hand lies inside the object.
    pub hand_penetration_share: f64,
    /// Deepest that a bone of a hand lies inside the object.
    pub hand_penetration: f64,
    /// Fastest that the object's centre moves, metres per second.
    pub max_object_speed: f64,
}

impl ClipFacts {
    /// Facts of a clip of this object and these goals. Some 10 ms for a window and an object of some thousand triangles.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the clip has no frames, no frame rate or positions that cannot be used, or a goal is not finite
    /// or lies at a frame that the clip does not have.
    pub fn of(clip: &MotionClip, object: &ObjectGeometry, goals: &Goals) -> Result<Self> {
        check(clip, goals)?;
        let frames = clip.frames.len();
        let fps = f64::from(clip.fps);
        let joints: Vec<_> = (0..frames).map(|t| clip.joints(t)).collect();
        let rotations: Vec<UnitQuaternion<f32>> =
            clip.frames.iter().map(|f| f.object_rotation).collect();
        let centers: Vec<Vector3<f32>> = (clip.frames.iter())
            .map(|f| f.object_rotation * object.center() + f.object_position)
            .collect();
        let turned = |q: &UnitQuaternion<f32>| (q.norm() - 1.0).abs() < 0.01;
        if !joints.iter().flatten().flatten().all(near)
            || !centers.iter().flatten().all(near)
            || !rotations.iter().all(turned)
        {
            return Err(Error::invalid(
                "clip",
                "its poses are not finite, no rotations or too far away; generate it anew",
            ));
        }
        let surface = Surface::new(object);
        let local = |t: usize, p: &Vector3<f32>| rotations[t].inverse() * (p - centers[t]);
        let moving = moving_frames(object, &centers, &rotations, fps);
        let touching = |t: usize| {
            [joint::LEFT_PALM, joint::RIGHT_PALM].iter().any(|palm| {
                surface.signed_distance(&local(t, &joints[t][*palm])) <= CONTACT_DISTANCE
            })
        };
        let moved = moving.iter().filter(|m| **m).count();
        let held = (0..frames).filter(|t| moving[*t] && touching(*t)).count();
        let depths: Vec<f32> = (hand_bone_points(&joints).iter().enumerate())
            .map(|(t, points)| {
                (points.iter())
                    .map(|p| -surface.signed_distance(&local(t, p)))
                    .fold(0.0, f32::max)
            })
            .collect();
        let toes =
            (joints.iter()).flat_map(|j| [joint::LEFT_TOE, joint::RIGHT_TOE].map(|t| j[t].z));
        let lowest = (centers.iter().zip(&rotations)).map(|(c, r)| c.z + object.lowest(r));
        let distance = |a: &Vector3<f32>, b: &Vector3<f32>| f64::from((a - b).norm());
        let feet_height = feet_height(&joints);
        Ok(Self {
            frames,
            seconds: frames as f64 / fps,
            start_error: goals.start.map(|goal| distance(&goal, &centers[0])),
            waypoints: (goals.waypoints.iter())
                .map(|(frame, goal)| WaypointFact {
                    frame: *frame,
                    goal: *goal,
                    error: f64::from(
                        (centers[*frame].xy() - nalgebra::Vector2::from(*goal)).norm(),
                    ),
                })
                .collect(),
            end_error: goals.end.map(|goal| distance(&goal, &centers[frames - 1])),
            moving_share: moved as f64 / frames as f64,
            contact_share: (moved > 0).then(|| held as f64 / moved as f64),
            foot_skate: foot_sliding(&joints, feet_height),
            feet_height,
            foot_penetration: below(toes.map(|z| z - TOE_HEIGHT)),
            object_penetration: below(lowest),
            hand_penetration_share: depths.iter().filter(|d| **d > 0.0).count() as f64
                / frames as f64,
            hand_penetration: f64::from(depths.iter().copied().fold(0.0, f32::max)),
            max_object_speed: (centers.windows(2))
                .map(|w| distance(&w[0], &w[1]) * fps)
                .fold(0.0, f64::max),
        })
    }

    /// Mean of the waypoints' errors, metres; none when no waypoint was asked.
    pub fn waypoint_error(&self) -> Option<f64> {
        let sum: f64 = self.waypoints.iter().map(|w| w.error).sum();
        (!self.waypoints.is_empty()).then(|| sum / self.waypoints.len() as f64)
    }
}

/// Whether a coordinate can be one of a motion; what is no number cannot.
fn near(coordinate: &f32) -> bool {
    coordinate.abs() < FARTHEST
}

fn check(clip: &MotionClip, goals: &Goals) -> Result<()> {
    let frames = clip.frames.len();
    if frames == 0 || !clip.fps.is_finite() || clip.fps <= 0.0 {
        return Err(Error::invalid(
            "clip",
            format!("{frames} frames at {} a second tell nothing", clip.fps),
        ));
    }
    for (name, goal) in [("start", goals.start), ("end", goals.end)] {
        if goal.is_some_and(|g| !g.iter().all(near)) {
            return Err(Error::invalid(
                name,
                "it is not finite or too far away; give metres",
            ));
        }
    }
    for (i, (frame, goal)) in goals.waypoints.iter().enumerate() {
        if *frame >= frames || !goal.iter().all(near) {
            return Err(Error::invalid(
                format!("waypoint {}", i + 1),
                format!("frame {frame} at {goal:?}; give metres at a frame below {frames}"),
            ));
        }
    }
    Ok(())
}

/// Whether a corner of the object's bounding box is faster than [`MOVING`]; the last frame is as the one before.
fn moving_frames(
    object: &ObjectGeometry,
    centers: &[Vector3<f32>],
    rotations: &[UnitQuaternion<f32>],
    fps: f64,
) -> Vec<bool> {
    let (low, high) = object.mesh().bounds();
    let corners: [Vector3<f32>; 8] = std::array::from_fn(|i| {
        Vector3::from_fn(|axis, _| {
            if i >> axis & 1 == 0 {
                low[axis]
            } else {
                high[axis]
            }
        })
    });
    let at = |t: usize, corner: &Vector3<f32>| rotations[t] * corner + centers[t];
    let mut moving: Vec<bool> = (1..centers.len())
        .map(|t| {
            (corners.iter()).any(|c| f64::from((at(t, c) - at(t - 1, c)).norm()) * fps > MOVING)
        })
        .collect();
    moving.push(moving.last().copied().unwrap_or(false));
    moving
}

/// How deep the lowest of these heights is below 0.
fn below(heights: impl Iterator<Item = f32>) -> f64 {
    f64::from(heights.fold(0.0, |depth: f32, z| depth.max(-z)))
}

impl fmt::Display for ClipFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(f, "{name:<24}{value:>10}");
        let cm = |metres: f64| format!("{:.1} cm", metres * 100.0);
        let share = |share: f64| format!("{:.0} %", share * 100.0);
        line("length", format!("{:.1} s", self.seconds))?;
        if let Some(error) = self.start_error {
            line("start error", cm(error))?;
        }
        for (i, waypoint) in self.waypoints.iter().enumerate() {
            let name = format!("waypoint {} at frame {}", i + 1, waypoint.frame);
            line(&name, cm(waypoint.error))?;
        }
        if let Some(error) = self.end_error {
            line("end error", cm(error))?;
        }
        line("object moves", share(self.moving_share))?;
        line(
            "held while it moves",
            self.contact_share.map_or("-".into(), share),
        )?;
        line("fastest", format!("{:.2} m/s", self.max_object_speed))?;
        line("object below floor", cm(self.object_penetration))?;
        line(
            "foot skate per frame",
            format!("{:.2} cm", self.foot_skate * 100.0),
        )?;
        line("toes stand at", cm(self.feet_height))?;
        line("feet below floor", cm(self.foot_penetration))?;
        line("hand inside the object", share(self.hand_penetration_share))?;
        line("deepest", cm(self.hand_penetration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Mesh;
    use crate::motion::Frame;
    use crate::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton};

    /// A box of 20 cm about its mesh origin, shifted by (1, 0, 0) in its mesh frame.
    fn cube() -> ObjectGeometry {
        let mesh = Mesh::cuboid(Vector3::new(0.9, -0.1, -0.1), Vector3::repeat(0.2));
        ObjectGeometry::new("cube", mesh).expect("a cube")
    }

    /// Ten frames: all joints but the right arm far above; the box moves 3 cm a frame from frame 4 on, with the right palm
    /// at `gap` from its side.
    fn clip(gap: f32) -> MotionClip {
        let mut rest_offsets = [Vector3::zeros(); JOINTS];
        // One long bone brings the wrist down; the palm is 8 cm further down.
        rest_offsets[joint::RIGHT_WRIST] = Vector3::new(0.0, 0.0, -5.0);
        rest_offsets[joint::RIGHT_PALM] = Vector3::new(0.0, 0.0, -0.08);
        let frames = (0..10)
            .map(|t| {
                let x = 0.03 * (t as f32 - 4.0).max(0.0);
                // Top of the box at 0.2: the palm is at 5 + 0.2 + 0.08 + gap less both bones.
                let root = Vector3::new(x, 0.0, 5.28 + gap);
                Frame {
                    pose: Pose {
                        root,
                        rotations: [UnitQuaternion::identity(); ROTATIONS],
                    },
                    object_position: Vector3::new(x - 1.0, 0.0, 0.1),
                    object_rotation: UnitQuaternion::identity(),
                    contact: [0.0; 4],
                }
            })
            .collect();
        MotionClip {
            name: "push".into(),
            subject: String::new(),
            object: "cube".into(),
            text: String::new(),
            fps: 30.0,
            skeleton: Skeleton { rest_offsets },
            frames,
        }
    }

    fn goals() -> Goals {
        Goals {
            start: Some(Vector3::new(0.0, 0.3, 0.5)),
            waypoints: vec![(5, [0.03, 0.04]), (9, [0.15, 0.0])],
            end: Some(Vector3::new(0.15, 0.0, 0.1)),
        }
    }

    #[test]
    fn facts_are_those_of_the_motion() {
        let facts = ClipFacts::of(&clip(0.03), &cube(), &goals()).expect("facts");
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{a} {b}");
        close(facts.start_error.expect("start"), 0.5);
        close(facts.waypoints[0].error, 0.04);
        close(facts.waypoints[1].error, 0.0);
        close(facts.waypoint_error().expect("waypoints"), 0.02);
        close(facts.end_error.expect("end"), 0.0);
        close(facts.max_object_speed, 0.9);
        close(facts.moving_share, 0.6);
        assert_eq!(facts.contact_share, Some(1.0));
        assert_eq!(facts.hand_penetration_share, 0.0);
        assert_eq!(facts.foot_penetration, 0.0);
        close(facts.object_penetration, 0.0);

        let apart = ClipFacts::of(&clip(0.07), &cube(), &Goals::default()).expect("facts");
        assert_eq!(apart.contact_share, Some(0.0));
        assert_eq!((apart.start_error, apart.waypoint_error()), (None, None));

        let inside = ClipFacts::of(&clip(-0.03), &cube(), &goals()).expect("facts");
        assert_eq!(inside.contact_share, Some(1.0));
        assert_eq!(inside.hand_penetration_share, 1.0);
        close(inside.hand_penetration, 0.03);
    }

    #[test]
    fn an_object_that_only_turns_moves() {
        let mut turning = clip(0.03);
        for (t, frame) in turning.frames.iter_mut().enumerate() {
            let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 0.1 * t as f32);
            // The centre, one metre off the mesh origin, stays where it is.
            frame.object_position = -(turn * Vector3::x()) + Vector3::new(0.0, 0.0, 0.05);
            frame.object_rotation = turn;
        }
        let facts = ClipFacts::of(&turning, &cube(), &Goals::default()).expect("facts");
        assert!(facts.max_object_speed < 1e-4);
        assert_eq!(facts.moving_share, 1.0);
        assert!((facts.object_penetration - 0.05).abs() < 1e-5);
        turning.frames.truncate(1);
        let facts = ClipFacts::of(&turning, &cube(), &Goals::default()).expect("facts");
        assert_eq!((facts.moving_share, facts.contact_share), (0.0, None));
    }

    #[test]
    fn feet_are_measured_against_the_floor() {
        let mut low = clip(0.03);
        for frame in &mut low.frames {
            frame.pose.root = Vector3::new(frame.pose.root.x, 0.0, 0.01);
        }
        let facts = ClipFacts::of(&low, &cube(), &Goals::default()).expect("facts");
        assert!((facts.foot_penetration - 0.01).abs() < 1e-6);
        // The toes stand for four frames, then ankles and toes slide five steps of 3 cm on that floor.
        assert!((facts.feet_height - 0.01).abs() < 1e-6);
        let want = 0.15 / 10.0;
        assert!(
            (facts.foot_skate - want).abs() < 1e-6,
            "{}",
            facts.foot_skate
        );
    }

    #[test]
    fn lists_and_json_are_complete() {
        let facts = ClipFacts::of(&clip(0.03), &cube(), &goals()).expect("facts");
        let text = facts.to_string();
        for want in [
            "waypoint 1 at frame 5 4.0 cm",
            "start error 50.0 cm",
            "fastest 0.90 m/s",
            "foot skate per frame 1.50 cm",
        ] {
            let words = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                text.lines().any(|l| words(l) == want),
                "{want} not in\n{text}"
            );
        }
        let widths: Vec<_> = text.lines().map(|l| l.chars().count()).collect();
        assert!(widths.iter().all(|w| *w == widths[0]), "{text}");
        let json = serde_json::to_string(&facts).expect("json");
        assert_eq!(
            serde_json::from_str::<ClipFacts>(&json).expect("facts"),
            facts
        );
    }

    #[test]
    fn unusable_clips_and_goals_are_refused() {
        let refused = |change: fn(&mut MotionClip, &mut Goals)| {
            let (mut clip, mut goals) = (clip(0.03), goals());
            change(&mut clip, &mut goals);
            matches!(
                ClipFacts::of(&clip, &cube(), &goals),
                Err(Error::Invalid { .. })
            )
        };
        assert!(!refused(|_, _| ()));
        assert!(refused(|c, _| c.frames.clear()));
        assert!(refused(|c, _| c.fps = 0.0));
        assert!(refused(|c, _| c.fps = f32::NAN));
        assert!(refused(|c, _| c.frames[3].pose.root.x = f32::NAN));
        assert!(refused(|c, _| c.frames[3].object_position.x = f32::INFINITY));
        assert!(refused(|c, _| {
            let nan = nalgebra::Quaternion::new(f32::NAN, 0.0, 0.0, 0.0);
            c.frames[3].object_rotation = UnitQuaternion::new_unchecked(nan);
        }));
        assert!(refused(|_, g| g.waypoints[0].0 = 10));
        assert!(refused(|_, g| g.waypoints[0].1[1] = f32::NAN));
        assert!(refused(|_, g| g.end = Some(Vector3::repeat(f32::NAN))));
    }
}
