//! From a walk to the numbers the network is told: the pelvis' path and heading over time, the first pose and the last.

use std::f32::consts::PI;

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use super::curve::{Curve, OnTheWay, eased};
use super::plan::stand;
use super::walk::{MAX_WALK_SPEED, PACE, WalkRequest};
use super::{MAX_SECONDS, MIN_SECONDS};
use crate::error::{Error, Result};
use crate::motion::FPS;
use crate::motion::canonical;
use crate::skeleton::{Pose, ROTATIONS, Skeleton};

/// A way shorter than this is made in steps aside, forth or back, metres.
const SHUFFLE: f32 = 1.0;
/// Who faces farther from the way than this turns on the spot first, radians; the same at the end.
const TURN: f32 = PI / 3.0;
/// Turning on the spot, radians a second, and a second more to begin and end.
const TURN_RATE: f32 = 2.4;
/// Seconds of speeding up, and of slowing down.
const RAMP: f32 = 0.8;
/// Seconds in which the heading goes over to that of the way, and from it to the last.
const LEAN_IN: f32 = 0.7;
/// Seconds of standing at the end.
const REST: f32 = 0.3;
/// Speed of steps aside, metres a second.
const SHUFFLE_PACE: f32 = 0.45;

/// A walk made definite. Scene frame, metres, Z up.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkPlan {
    /// The first pose.
    pub pose: Pose,
    /// The last pose: standing.
    pub arrival: Pose,
    /// x and y of the pelvis at every frame.
    pub path: Vec<Vector2<f32>>,
    /// Where the person faces at every frame, radians from +x, without jumps.
    pub headings: Vec<f32>,
    /// Frames at which the pelvis passes the waypoints.
    pub waypoint_frames: Vec<usize>,
}

/// The parts of a walk in time, seconds: a turn, the way, a turn, standing.
struct Parts {
    before: f32,
    way: f32,
    after: f32,
    rest: f32,
}

impl Parts {
    fn seconds(&self) -> f32 {
        self.before + self.way + self.after + self.rest
    }
}

impl WalkPlan {
    /// Works a walk out for a person whose standing pose (world rotations, facing -y) is `standing`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the request is not valid or the person would have to walk faster than
    /// [`MAX_WALK_SPEED`].
    pub fn new(
        request: &WalkRequest,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
    ) -> Result<Self> {
        Self::limited(request, skeleton, standing, MAX_WALK_SPEED)
    }

    /// The same however fast the person would have to walk: for showing where that is too fast.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the request is not valid, or too long where it gives no length in time.
    pub fn at_any_speed(
        request: &WalkRequest,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
    ) -> Result<Self> {
        Self::limited(request, skeleton, standing, f32::INFINITY)
    }

    fn limited(
        request: &WalkRequest,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
        limit: f32,
    ) -> Result<Self> {
        request.validate()?;
        let place = &request.person;
        let pose = request.pose.unwrap_or_else(|| {
            let at = Vector2::from(place.position);
            stand(skeleton, standing, at, place.facing.to_radians())
        });
        let start = pose.root.xy();
        let first = facing(&pose);
        let mut points = vec![start];
        points.extend(request.waypoints.iter().map(|w| Vector2::from(w.at)));
        points.push(Vector2::from(request.end));
        let curve = Curve::through(&points);
        let length = curve.length();
        let shuffles = length < SHUFFLE && !request.backward;
        // Where the way asks to face at an arc length.
        let along = |s: f32| {
            let way = curve.direction(s.clamp(0.0, length)).unwrap_or(first);
            if request.backward { way + PI } else { way }
        };
        let (set_off, arrive) = if shuffles {
            (first, first)
        } else {
            (along(0.0), along(length))
        };
        let last = request.facing.map_or(arrive, f32::to_radians);
        // Headings without jumps: each the nearest to the one before.
        let set_off = near(set_off, first);
        let turns = |angle: f32| !shuffles && angle.abs() > TURN;
        let time = |angle: f32| angle.abs() / TURN_RATE + 0.4;
        let is_timed = request.waypoints.iter().any(|w| w.time.is_some());
        let mut parts = Parts {
            before: if turns(set_off - first) && !is_timed {
                time(set_off - first)
            } else {
                0.0
            },
            way: if shuffles {
                let turn = near(last, first) - first;
                (length / SHUFFLE_PACE).max(turn.abs() / TURN_RATE) + 0.4
            } else {
                length / PACE + RAMP
            },
            after: if turns(near(last, arrive) - arrive) && !is_timed {
                time(near(last, arrive) - arrive)
            } else {
                0.0
            },
            rest: if is_timed { 0.0 } else { REST },
        };
        let seconds = match request.seconds {
            Some(seconds) => seconds,
            None => {
                let seconds = parts.seconds().max(MIN_SECONDS);
                if seconds > MAX_SECONDS {
                    return Err(Error::invalid(
                        "end",
                        format!(
                            "a walk of {length:.0} m takes {seconds:.0} s; {MAX_SECONDS} s are the limit: walk it in parts"
                        ),
                    ));
                }
                seconds
            }
        };
        let frames = ((seconds * FPS).round() as usize).max(2);
        // Time to spare is walked more slowly, up to twice as slowly, then stood.
        let other = parts.seconds() - parts.way;
        let slack = seconds - other;
        // A walk whose places have times is on its way all the while.
        let way = if is_timed {
            slack
        } else {
            slack.clamp(slack.min(parts.way), parts.way * 2.0)
        };
        parts.way = way.max(1.0 / FPS);
        let (path, waypoint_frames) = if is_timed {
            let all = OnTheWay {
                from: 0.0,
                to: (frames - 1) as f32,
                moves: [false; 2],
            };
            curve.timed(&request.waypoints, &all, frames, limit)?
        } else {
            let ramp = (RAMP / parts.way).min(0.5);
            let speed = length / (1.0 - ramp) / parts.way;
            if limit.is_finite() && slack <= 0.0 || speed > limit {
                let enough = other + length / limit + RAMP;
                return Err(Error::invalid(
                    "seconds",
                    format!(
                        "{length:.2} m in {seconds} s, {other:.1} s of them turning and standing, ask for more than the \
                         limit of {limit} m/s: give {:.1} seconds or a shorter way",
                        enough.max(MIN_SECONDS) + 0.05
                    ),
                ));
            }
            let share = |t: usize| eased((t as f32 / FPS - parts.before) / parts.way, ramp);
            let path = (0..frames)
                .map(|t| curve.point(share(t) * length))
                .collect();
            let at = |i: usize| {
                let wanted = curve.at[i + 1] / length.max(1e-6);
                (0..frames)
                    .min_by(|a, b| {
                        (share(*a) - wanted)
                            .abs()
                            .total_cmp(&(share(*b) - wanted).abs())
                    })
                    .unwrap_or(0)
            };
            (path, (0..request.waypoints.len()).map(at).collect())
        };
        let headings = headings(&path, &parts, shuffles, first, last, request.backward);
        let end = Vector2::from(request.end);
        let last = headings[frames - 1];
        Ok(Self {
            pose,
            arrival: stand(skeleton, standing, end, last),
            path,
            headings,
            waypoint_frames,
        })
    }

    /// Frames of the whole walk.
    pub fn frames(&self) -> usize {
        self.path.len()
    }

    /// The pelvis' x and y and the level direction of the body's left axis at a frame.
    pub fn at(&self, frame: usize) -> (Vector3<f32>, Vector3<f32>) {
        let p = self.path[frame];
        let left = self.headings[frame] + PI / 2.0;
        (
            Vector3::new(p.x, p.y, 0.0),
            Vector3::new(left.cos(), left.sin(), 0.0),
        )
    }
}

/// Where a pose faces, radians from +x, between -pi and pi.
pub fn facing(pose: &Pose) -> f32 {
    // Identity faces -y.
    let left = canonical::heading(&pose.rotations[0]) * Vector3::x();
    near(left.y.atan2(left.x) - PI / 2.0, 0.0)
}

/// The angle that is the same direction as `angle` and nearest to `other`.
fn near(angle: f32, other: f32) -> f32 {
    angle - 2.0 * PI * ((angle - other) / (2.0 * PI)).round()
}

fn smooth(u: f32) -> f32 {
    let u = u.clamp(0.0, 1.0);
    u * u * (3.0 - 2.0 * u)
}

/// Where the person faces at every frame: from the first facing over the way's own to the last.
fn headings(
    path: &[Vector2<f32>],
    parts: &Parts,
    shuffles: bool,
    first: f32,
    last: f32,
    backward: bool,
) -> Vec<f32> {
    let seconds = |t: usize| t as f32 / FPS;
    if shuffles {
        let last = near(last, first);
        return (0..path.len())
            .map(|t| first + (last - first) * smooth(seconds(t) / parts.way))
            .collect();
    }
    // The way's own heading: over so many frames that it says where the way goes, not where it trembles.
    const REACH: usize = 4;
    let mut along: Vec<Option<f32>> = (0..path.len())
        .map(|t| {
            let (a, b) = (t.saturating_sub(REACH), (t + REACH).min(path.len() - 1));
            let way = path[b] - path[a];
            (way.norm() > 0.02).then(|| way.y.atan2(way.x) + if backward { PI } else { 0.0 })
        })
        .collect();
    // Where nothing moves, what comes next holds, or what was.
    let mut next = None;
    for h in along.iter_mut().rev() {
        *h = h.or(next);
        next = *h;
    }
    let mut before = first;
    let mut own = Vec::with_capacity(path.len());
    for h in along {
        before = near(h.unwrap_or(before), before);
        own.push(before);
    }
    let arrived = parts.before + parts.way;
    let last = near(last, before);
    let (lean_in, lean_out) = (
        if parts.before > 0.0 {
            parts.before
        } else {
            LEAN_IN
        },
        if parts.after > 0.0 {
            parts.after
        } else {
            LEAN_IN
        },
    );
    let out_from = if parts.after > 0.0 {
        arrived
    } else {
        arrived - lean_out
    };
    own.iter()
        .enumerate()
        .map(|(t, own)| {
            let now = first + (own - first) * smooth(seconds(t) / lean_in);
            now + (last - now) * smooth((seconds(t) - out_from) / lean_out)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::plan::relaxed;
    use super::super::{GuidanceConfig, SamplingConfig, Waypoint};
    use super::*;

    fn plan(request: &WalkRequest) -> Result<WalkPlan> {
        WalkPlan::new(request, &Skeleton::adult(), &relaxed())
    }

    fn degrees(radians: f32) -> f32 {
        near(radians, 0.0).to_degrees()
    }

    #[test]
    fn who_has_time_for_a_place_faces_the_way_up_to_the_end() {
        let mut request = WalkRequest::to([2.0, 0.0])
            .waypoints([[1.0, 0.0]])
            .seconds(12.0);
        request.facing = Some(90.0);
        request.waypoints[0].time = Some(6.0);
        let plan = plan(&request).expect("a plan");
        let end = plan.frames() - 1;
        for seconds in [3, 6, 8, 10] {
            let faces = degrees(plan.headings[seconds * 30]);
            assert!(faces.abs() < 5.0, "{faces} degrees after {seconds} s");
        }
        assert!((degrees(plan.headings[end]) - 90.0).abs() < 5.0);
    }

    #[test]
    fn path_begins_passes_and_ends_where_asked_and_faces_the_way() {
        let request = WalkRequest::to([3.0, 2.0])
            .from([0.5, 0.0], 0.0)
            .waypoints([[2.0, 0.0], [3.0, 1.0]]);
        let plan = plan(&request).expect("a plan");
        let end = plan.frames() - 1;
        assert!((plan.path[0] - Vector2::new(0.5, 0.0)).norm() < 1e-6);
        assert!((plan.path[end] - Vector2::new(3.0, 2.0)).norm() < 1e-4);
        for (frame, w) in plan.waypoint_frames.iter().zip(&request.waypoints) {
            let off = (plan.path[*frame] - Vector2::from(w.at)).norm();
            assert!(off < 0.03, "{off} m at frame {frame}");
        }
        assert!(degrees(plan.headings[0]).abs() < 1.0);
        assert!((degrees(plan.headings[end]) - 90.0).abs() < 15.0);
        let turned = facing(&plan.arrival) - plan.headings[end];
        assert!(near(turned, 0.0).abs() < 1e-3, "{turned} rad");
        let fastest = plan.path.windows(2).map(|p| (p[1] - p[0]).norm() * FPS);
        assert!(fastest.fold(0.0, f32::max) < MAX_WALK_SPEED);
        for pair in plan.headings.windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.2, "headings do not jump");
        }
    }

    #[test]
    fn who_faces_elsewhere_turns_before_and_after() {
        let request = WalkRequest::to([2.0, 0.0])
            .from([0.0, 0.0], 180.0)
            .facing(90.0);
        let plan = plan(&request).expect("a plan");
        let moves = plan
            .path
            .iter()
            .position(|p| p.norm() > 0.05)
            .expect("it moves");
        assert!(moves > 30, "stands while turning: {moves}");
        assert!(degrees(plan.headings[moves]).abs() < 12.0);
        assert!((degrees(plan.headings[plan.frames() - 1]) - 90.0).abs() < 1e-2);
    }

    #[test]
    fn a_few_steps_and_walking_backward_keep_the_facing() {
        let aside = plan(&WalkRequest::to([0.0, 0.6]).from([0.0, 0.0], 0.0)).expect("a plan");
        assert!(aside.headings.iter().all(|h| degrees(*h).abs() < 1e-3));
        let back = WalkRequest::to([-2.0, 0.0])
            .from([0.0, 0.0], 0.0)
            .backward(true);
        let back = plan(&back).expect("a plan");
        assert!(back.headings.iter().all(|h| degrees(*h).abs() < 1.0));
        let still = plan(&WalkRequest::to([0.0, 0.0])).expect("a plan");
        assert!(still.path.iter().all(|p| p.norm() < 1e-6));
    }

    #[test]
    fn too_fast_says_limit_and_remedy() {
        let error = |r: &WalkRequest| plan(r).expect_err("too fast").to_string();
        let e = error(&WalkRequest::to([9.0, 0.0]).seconds(3.0));
        assert!(
            e.contains("1.6 m/s") && e.contains("seconds or a shorter way"),
            "{e}"
        );
        // What is proposed can be done.
        let words: Vec<&str> = e.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "give").expect("a remedy");
        let enough: f32 = words[at + 1].parse().expect("a number");
        plan(&WalkRequest::to([9.0, 0.0]).seconds(enough)).expect("enough");
        let mut timed = WalkRequest::to([4.0, 0.0]).seconds(4.0);
        timed.waypoints = vec![Waypoint {
            at: [3.0, 0.0],
            time: Some(1.0),
        }];
        assert!(error(&timed).contains("waypoint 0"), "{}", error(&timed));
        timed.seconds = None;
        assert!(error(&timed).contains("seconds"));
        assert!(error(&WalkRequest::to([100.0, 0.0])).contains("in parts"));
    }

    #[test]
    fn unusable_walks_are_refused_by_field() {
        let good = WalkRequest::to([1.0, 0.0]);
        let mut pose = plan(&good).expect("a plan").pose;
        pose.root.z = -1.0;
        let cases = [
            (
                WalkRequest {
                    text: " ".into(),
                    ..good.clone()
                },
                "text",
            ),
            (WalkRequest::to([f32::NAN, 0.0]), "end"),
            (good.clone().facing(f32::INFINITY), "facing"),
            (good.clone().seconds(0.2), "seconds"),
            (good.clone().pose(pose), "pose.root"),
            (good.clone().waypoints([[1e9, 0.0]]), "waypoints[0].at"),
            (
                WalkRequest {
                    sampling: SamplingConfig {
                        steps: 0,
                        ..Default::default()
                    },
                    ..good.clone()
                },
                "sampling.steps",
            ),
            (
                WalkRequest {
                    guidance: GuidanceConfig {
                        given: -1.0,
                        ..Default::default()
                    },
                    ..good.clone()
                },
                "guidance.given",
            ),
        ];
        for (request, field) in cases {
            let error = plan(&request).expect_err(field).to_string();
            assert!(error.starts_with(field), "{field}: {error}");
        }
    }
}
