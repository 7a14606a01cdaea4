//! From a request to the numbers the network is told: the object's path over time and the person's first pose.

use nalgebra::{Quaternion, UnitQuaternion, Vector2, Vector3};

use super::curve::{Curve, OnTheWay, eased, eased_at};
use super::{InHand, InteractionRequest, MAX_SPEED, end_of};
use crate::error::{Error, Result};
use crate::geometry::ObjectGeometry;
use crate::motion::FPS;
use crate::skeleton::{Pose, ROTATIONS, Skeleton, TOE_HEIGHT, joint};
use crate::text::verb::base_forms;

/// Distance from the pelvis to the object's nearest point, metres: the median of captured starts.
pub(crate) const STEP_AWAY: f32 = 0.45;
/// Direction of the path from the facing direction, radians: captured people mostly carry to one side.
pub(crate) const PATH_SIDE: f32 = 1.75;
/// Share of the time before the object leaves its place and after it has arrived, as in captured clips, and the most
/// seconds of each.
const REACH: (f32, f32) = (0.25, 1.5);
const RETURN: (f32, f32) = (0.2, 0.9);
/// Speed at which what has a time to be somewhere is fetched there in the mean, metres a second: it rests as long as that
/// leaves time for.
const FETCHING: f32 = 0.8;
/// What ends, or begins, with the object in hand is a part of an interaction, and has the whole one's time for reaching, or
/// for leaving: of one so many times as long.
const WHOLE: f32 = 2.0;
/// Frames in which an object goes over from rest to motion, and from motion to rest.
pub(crate) const SETTLE: f32 = 8.0;
/// An object that leans by less than the first angle stands, as it would without; one that leans by more than the second was
/// laid down on purpose. Radians.
pub(crate) const LEANING: (f32, f32) = (0.4, 0.7);
/// Farthest that what is pushed, pulled or dragged leans, radians, unless the sentence says more: captured things lean by 14
/// degrees at most.
const SLIDING_LEAN: f32 = 0.25;
/// What is pushed from one height to another by no more than this stays level, metres.
const LEVEL: f32 = 0.02;
/// Way over which something is carried as high as ever, metres; over less, it need not be lifted as high.
const FAR: f32 = 0.5;
/// Frames between those at which the height of something lifted is held to the plan.
const HEIGHT_KEYS: usize = 4;
/// Share of the carrying time spent speeding up, and slowing down.
pub(crate) const RAMP: f32 = 0.25;
/// Seconds that lifting takes, as does setting down, less in haste; and the share of it spent speeding up, and slowing down:
/// what comes down as fast as that and stops at once is slammed onto the floor.
const LIFTING: f32 = 0.9;
const LIFTING_RAMP: f32 = 0.4;

/// What an object stays on while it is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    /// Its height, metres.
    pub height: f32,
    /// Farthest that the object leans from how it stands, radians.
    pub lean: f32,
}

/// A request made definite. Scene frame, metres, Z up.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The person's first pose.
    pub pose: Pose,
    /// The object's rotation at the start.
    pub rotation: UnitQuaternion<f32>,
    /// The rotation, but for its turn about the vertical, in which it stands where it is put down: as it stood at the start,
    /// or upright where it was in hand then and hardly leant.
    pub standing: UnitQuaternion<f32>,
    /// x and y of the object's centre at every frame.
    pub path: Vec<Vector2<f32>>,
    /// Height of the object's centre at every frame, roughly: only the first and the last are asked for exactly. What is
    /// lifted is carried in between (specification, section 9).
    pub heights: Vec<f32>,
    /// Frames at which the object passes the waypoints.
    pub waypoint_frames: Vec<usize>,
    /// Further frames at which guidance holds the object to the path: when it leaves its place and when it arrives.
    pub path_keys: Vec<usize>,
    /// The object rests up to the first of these frames and from the second on; none where it is in hand, or where times of
    /// waypoints leave no time for it.
    pub rest: [Option<usize>; 2],
    /// Frames at which guidance holds the object to its heights; none unless something is lifted.
    pub height_keys: Vec<usize>,
    /// What the object stays on all the while: what is pushed, pulled or dragged is not lifted. Captured clips of it raise an
    /// object's lowest point by two centimetres at most.
    pub ground: Option<Ground>,
    /// How the object is turned about the vertical at the end since the start, radians, and in how many ways it looks the
    /// same.
    pub turn: Option<(f32, u32)>,
}

impl Plan {
    /// Works a request out for an object and a person whose standing pose (world rotations, facing -y) is `standing`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the request is not valid or the object would have to move faster than [`MAX_SPEED`].
    pub fn new(
        request: &InteractionRequest,
        object: &ObjectGeometry,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
    ) -> Result<Self> {
        Self::limited(request, object, skeleton, standing, MAX_SPEED)
    }

    /// The same however fast the object would have to move: for showing where that is too fast.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the request is not valid.
    pub fn at_any_speed(
        request: &InteractionRequest,
        object: &ObjectGeometry,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
    ) -> Result<Self> {
        Self::limited(request, object, skeleton, standing, f32::INFINITY)
    }

    fn limited(
        request: &InteractionRequest,
        object: &ObjectGeometry,
        skeleton: &Skeleton,
        standing: &[UnitQuaternion<f32>; ROTATIONS],
        limit: f32,
    ) -> Result<Self> {
        request.validate()?;
        let given = request
            .start
            .rotation
            .map_or_else(UnitQuaternion::identity, |q| {
                UnitQuaternion::from_quaternion(Quaternion::new(q[3], q[0], q[1], q[2]))
            });
        let yaw = request.start.yaw.to_radians();
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw) * given;
        let InHand {
            start: from_hand,
            end: to_hand,
        } = request.in_hand;
        let standing_turn = if from_hand && !to_hand {
            upright(&rotation)
        } else {
            rotation
        };
        let start = request.start.position;
        let end = end_of(request.end, &request.start, &request.waypoints);

        let mut points = vec![Vector2::new(start[0], start[1])];
        points.extend(request.waypoints.iter().map(|w| Vector2::from(w.at)));
        points.push(Vector2::new(end[0], end[1]));
        let frames = request.frames();
        let curve = Curve::through(&points);
        let is_timed = request.waypoints.iter().any(|w| w.time.is_some());
        let way = on_the_way(request, &curve);
        let (path, waypoint_frames) = if is_timed {
            curve.timed(&request.waypoints, &way, frames, limit)?
        } else {
            untimed(request, &curve, &way, limit)?
        };
        let moving = [way.from as usize, (way.to.ceil() as usize).min(frames - 1)];
        let rest = [
            (moving[0] > 0).then_some(moving[0]),
            (way.to < (frames - 1) as f32).then_some(moving[1]),
        ];
        let person = match &request.person {
            Some(p) => {
                let facing = p.facing.to_radians();
                (Vector2::from(p.position), facing)
            }
            None => beside(object, &rotation, &points),
        };
        Ok(Self {
            pose: request
                .pose
                .unwrap_or_else(|| stand(skeleton, standing, person.0, person.1)),
            rotation,
            standing: standing_turn,
            path,
            heights: heights(
                request,
                &way,
                curve.length(),
                [
                    start[2] - object.lowest(&rotation),
                    end[2] - object.lowest(&standing_turn),
                ],
            ),
            waypoint_frames,
            path_keys: rest.into_iter().flatten().collect(),
            rest,
            height_keys: if lifts(request) {
                // So close that the object's height follows the plan: clips played fast have taught the network to snatch.
                (moving[0]..moving[1])
                    .step_by(HEIGHT_KEYS)
                    .chain([moving[1]])
                    .collect()
            } else {
                Vec::new()
            },
            ground: (slides(request) && (end[2] - start[2]).abs() < LEVEL).then(|| Ground {
                height: start[2],
                lean: if leans(request) {
                    std::f32::consts::PI
                } else {
                    SLIDING_LEAN
                },
            }),
            turn: (request.end_turn)
                .map(|turn| ((turn.yaw - request.start.yaw).to_radians(), turn.alike)),
        })
    }
}

impl Plan {
    /// The object's centre at a frame, metres.
    pub fn center(&self, frame: usize) -> Vector3<f32> {
        let p = self.path[frame];
        Vector3::new(p.x, p.y, self.heights[frame])
    }
}

/// A rotation without its lean, where it leans by little.
fn upright(rotation: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let m = rotation.to_rotation_matrix();
    if m[(2, 2)].clamp(-1.0, 1.0).acos() > LEANING.0 {
        return *rotation;
    }
    let yaw = (m[(1, 0)] - m[(0, 1)]).atan2(m[(0, 0)] + m[(1, 1)]);
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
}

/// Height of the object's centre at which something lifted is carried: the middle of the published ranges, and over
/// where it stood.
pub(crate) fn carried(resting: f32) -> f32 {
    (resting + 0.15).max(1.0)
}

/// Frames between which the object is on its way.
pub(crate) fn moving(seconds: f32) -> (f32, f32) {
    (
        (seconds * REACH.0).min(REACH.1) * FPS,
        (seconds - (seconds * RETURN.0).min(RETURN.1)) * FPS,
    )
}

/// When the object is on its way. Where waypoints have times, it leaves and arrives in time for the first and the last.
fn on_the_way(request: &InteractionRequest, curve: &Curve) -> OnTheWay {
    let last = (request.frames() - 1) as f32;
    let InHand { start, end } = request.in_hand;
    let (mut from, mut to) = moving(request.seconds);
    let whole = moving(request.seconds * WHOLE);
    if end {
        from = whole.0;
    }
    if start {
        to = whole.1 - (WHOLE - 1.0) * request.seconds * FPS;
    }
    let times = || request.waypoints.iter().filter_map(|w| w.time);
    if let (Some(first), Some(late)) = (times().next(), times().next_back()) {
        // At the waypoint it moves.
        let fetched = |length: f32| (length / FETCHING * FPS).max(SETTLE);
        let still = curve.length() - curve.at[curve.at.len() - 2];
        from = from.min(first * FPS - fetched(curve.at[1]));
        to = to.max(late * FPS + fetched(still));
    }
    OnTheWay {
        from: if start { 0.0 } else { from.max(0.0) },
        to: if end { last } else { to.min(last) },
        moves: [start, end],
    }
}

/// Whether the sentence has the object leave the floor (the published rule knows "lift" and "pick").
fn lifts(request: &InteractionRequest) -> bool {
    says(request, &["lift", "pick", "carry", "raise"])
}

/// Whether the sentence has the object moved and not lifted.
fn slides(request: &InteractionRequest) -> bool {
    says(request, &["push", "pull", "drag", "slide", "shove"]) && !lifts(request)
}

/// Whether the sentence has the object lean.
fn leans(request: &InteractionRequest) -> bool {
    says(
        request,
        &["tilt", "tip", "lean", "flip", "lay", "topple", "roll"],
    )
}

fn says(request: &InteractionRequest, verbs: &[&str]) -> bool {
    let text = request.text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.any(|word| base_forms(word).iter().any(|base| verbs.contains(&&**base)))
}

/// Height of the object's centre at every frame, on a way of a length, metres, between two heights of its centre.
fn heights(
    request: &InteractionRequest,
    way: &OnTheWay,
    length: f32,
    [start, end]: [f32; 2],
) -> Vec<f32> {
    let (from, to) = (way.from, way.to);
    let highest = start.max(end);
    // From hand to hand it goes straight; what is in hand at one end need not be lifted once more close to the other.
    let high =
        |from: f32| highest + (carried(from).max(highest) - highest) * (length / FAR).min(1.0);
    let carry = match (lifts(request), request.in_hand.start, request.in_hand.end) {
        (true, false, false) => carried(highest),
        (true, true, false) => high(end),
        (true, false, true) => high(start),
        _ => highest,
    };
    let straight = request.in_hand.start && request.in_hand.end;
    let rise = (FPS * LIFTING).min((to - from) / 2.4);
    let frames = request.frames();
    (0..frames)
        .map(|t| {
            if t + 1 == frames {
                return end;
            }
            let t = t as f32;
            if straight {
                return start + (end - start) * eased((t - from) / (to - from), RAMP);
            }
            let up = eased((t - from) / rise, LIFTING_RAMP);
            let down = eased((t - (to - rise)) / rise, LIFTING_RAMP);
            start + (carry - start) * up + (end - carry) * down
        })
        .collect()
}

/// A standing pose at a place, facing a direction (radians from +x), the lower toe at its height over the floor.
pub fn stand(
    skeleton: &Skeleton,
    standing: &[UnitQuaternion<f32>; ROTATIONS],
    at: Vector2<f32>,
    facing: f32,
) -> Pose {
    // The pose faces -y.
    let turn =
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), facing + std::f32::consts::FRAC_PI_2);
    let mut pose = Pose {
        root: Vector3::new(at.x, at.y, 0.0),
        rotations: standing.map(|q| turn * q),
    };
    let joints = skeleton.forward(&pose);
    pose.root.z = TOE_HEIGHT - joints[joint::LEFT_TOE].z.min(joints[joint::RIGHT_TOE].z);
    pose
}

/// A relaxed standing pose, world rotations, facing -y, for checkpoints that bring none of their own: arms hanging a
/// little away from the body, elbows slightly bent.
pub fn relaxed() -> [UnitQuaternion<f32>; ROTATIONS] {
    let mut local = [UnitQuaternion::identity(); ROTATIONS];
    let about = |axis: Vector3<f32>, degrees: f32| {
        UnitQuaternion::from_scaled_axis(axis * degrees.to_radians())
    };
    // SMPL axes: x to the person's left, y up, z forward.
    for (side, collar, shoulder, elbow) in [
        (
            1.0,
            joint::LEFT_COLLAR,
            joint::LEFT_SHOULDER,
            joint::LEFT_ELBOW,
        ),
        (
            -1.0,
            joint::RIGHT_COLLAR,
            joint::RIGHT_SHOULDER,
            joint::RIGHT_ELBOW,
        ),
    ] {
        local[collar] = about(Vector3::z(), -8.0 * side);
        local[shoulder] = about(Vector3::z(), -62.0 * side);
        local[elbow] = about(Vector3::y(), -14.0 * side);
    }
    for (hip, knee, ankle) in [
        (joint::LEFT_HIP, joint::LEFT_KNEE, joint::LEFT_ANKLE),
        (joint::RIGHT_HIP, joint::RIGHT_KNEE, joint::RIGHT_ANKLE),
    ] {
        local[hip] = about(Vector3::x(), -4.0);
        local[knee] = about(Vector3::x(), 8.0);
        local[ankle] = about(Vector3::x(), -4.0);
    }
    let up = crate::frame::y_up_to_z_up();
    crate::skeleton::world_rotations(&local).map(|q| up * q)
}

/// Where a person stands by default, and the direction they face: a step from the object, the path to their left.
fn beside(
    object: &ObjectGeometry,
    rotation: &UnitQuaternion<f32>,
    points: &[Vector2<f32>],
) -> (Vector2<f32>, f32) {
    let start = points[0];
    let away = points
        .iter()
        .map(|p| p - start)
        .find(|d| d.norm() > 0.2)
        .map_or(std::f32::consts::FRAC_PI_2 + PATH_SIDE, |d| d.y.atan2(d.x));
    let facing = away - PATH_SIDE;
    let forward = Vector2::new(facing.cos(), facing.sin());
    let side = Vector2::new(-forward.y, forward.x);
    // How far the object reaches toward the person, within the width of the body.
    let mut reach: f32 = 0.0;
    for v in object.vertices() {
        let v = rotation * v;
        let v = Vector2::new(v.x, v.y);
        if v.dot(&side).abs() < 0.3 {
            reach = reach.max(-v.dot(&forward));
        }
    }
    (start - forward * (reach + STEP_AWAY), facing)
}

/// Path and waypoint frames when only places are given: the person first reaches, then carries, then lets go.
fn untimed(
    request: &InteractionRequest,
    curve: &Curve,
    way: &OnTheWay,
    limit: f32,
) -> Result<(Vec<Vector2<f32>>, Vec<usize>)> {
    let frames = request.frames();
    let ramps = way.moves.map(|moves| if moves { 0.0 } else { RAMP });
    let (from, to) = (way.from, way.to);
    // Of the fastest, the mean is so much.
    let mean = 1.0 - ramps.iter().sum::<f32>() / 2.0;
    let speed = curve.length() / mean / ((to - from) / FPS);
    if speed > limit {
        let enough = (curve.length() / (limit * mean)).max(1e-3) + REACH.1 + RETURN.1;
        return Err(Error::invalid(
            "waypoints",
            format!(
                "a path of {:.2} m in {} s asks for {speed:.2} m/s; the limit is {limit} m/s: give {:.1} seconds or a \
                 shorter path",
                curve.length(),
                request.seconds,
                enough.ceil()
            ),
        ));
    }
    let share = |t: usize| eased_at((t as f32 - from) / (to - from).max(1.0), ramps);
    let path = (0..frames)
        .map(|t| curve.point(share(t) * curve.length()))
        .collect();
    let waypoint_frames = (0..request.waypoints.len())
        .map(|i| {
            let wanted = curve.at[i + 1] / curve.length().max(1e-6);
            (0..frames)
                .min_by(|a, b| {
                    (share(*a) - wanted)
                        .abs()
                        .total_cmp(&(share(*b) - wanted).abs())
                })
                .unwrap_or(0)
        })
        .collect();
    Ok((path, waypoint_frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Mesh;
    use crate::request::Waypoint;

    fn object() -> ObjectGeometry {
        let mesh = Mesh::cuboid(Vector3::repeat(-0.2), Vector3::repeat(0.4));
        ObjectGeometry::new("box", mesh).expect("a box")
    }

    fn skeleton() -> Skeleton {
        let mut rest_offsets = [Vector3::zeros(); 24];
        for (j, o) in rest_offsets.iter_mut().enumerate() {
            *o = Vector3::new(0.0, if j < 12 { -0.2 } else { 0.1 }, 0.0);
        }
        Skeleton { rest_offsets }
    }

    fn plan(request: &InteractionRequest) -> Result<Plan> {
        Plan::new(request, &object(), &skeleton(), &relaxed())
    }

    #[test]
    fn path_begins_passes_and_ends_where_asked() {
        let request = InteractionRequest::new("Lift the box.")
            .waypoints([[0.8, 0.0], [1.4, 0.4]])
            .end([1.8, 0.9, 0.0]);
        let plan = plan(&request).expect("a plan");
        assert_eq!(plan.path.len(), 120);
        assert!(plan.path[0].norm() < 1e-6);
        assert!((plan.path[119] - Vector2::new(1.8, 0.9)).norm() < 1e-4);
        for (frame, w) in plan.waypoint_frames.iter().zip(&request.waypoints) {
            let off = (plan.path[*frame] - Vector2::from(w.at)).norm();
            assert!(off < 0.03, "{off} m at frame {frame}");
        }
        assert!((plan.heights[0] - 0.2).abs() < 1e-6, "stands on the floor");
        let fastest = plan
            .path
            .windows(2)
            .map(|p| (p[1] - p[0]).norm() * FPS)
            .fold(0.0, f32::max);
        assert!(fastest < MAX_SPEED, "{fastest}");
        // Before the reach nothing moves.
        assert!(plan.path[20].norm() < 0.01);
    }

    #[test]
    fn times_are_kept() {
        let mut request = InteractionRequest::new("Move it.").end([1.5, 0.0, 0.0]);
        request.waypoints = vec![
            Waypoint {
                at: [0.2, 0.0],
                time: Some(1.0),
            },
            Waypoint {
                at: [1.0, 0.3],
                time: Some(2.5),
            },
        ];
        let plan = plan(&request).expect("a plan");
        assert_eq!(plan.waypoint_frames, [30, 75]);
        assert!((plan.path[75] - Vector2::new(1.0, 0.3)).norm() < 1e-3);
        request.waypoints[1].time = Some(1.1);
        let error = super::super::plan::Plan::new(&request, &object(), &skeleton(), &relaxed())
            .expect_err("too fast")
            .to_string();
        assert!(
            error.contains("waypoint 0 to waypoint 1") && error.contains("2.2 m/s"),
            "{error}"
        );
    }

    #[test]
    fn what_has_times_rests_and_is_lifted_before_it_goes() {
        let timed = |times: [f32; 2]| {
            let mut request = InteractionRequest::new("Lift the box, move it and put it down.");
            request.end = Some([1.5, 0.0, 0.0]);
            request.waypoints = ([0.5, 1.0].into_iter().zip(times))
                .map(|(x, time)| Waypoint {
                    at: [x, 0.0],
                    time: Some(time),
                })
                .collect();
            plan(&request).expect("a plan")
        };
        let easy = timed([1.8, 2.4]);
        assert_eq!(easy.rest, [Some(30), Some(96)], "as without times");
        let first = easy.path.iter().position(|p| p.x > 0.15).expect("it goes");
        assert!(
            easy.heights[first] > 0.25,
            "slides: {}",
            easy.heights[first]
        );
        let landed = (easy.heights.iter().skip(60)).position(|h| *h < 0.25);
        let landed = 60 + landed.expect("it is put down");
        assert!(easy.path[landed].x > 1.4, "at {}", easy.path[landed].x);
        // Early and late places leave less time for resting, then none.
        let early = timed([1.0, 3.2]);
        let [Some(from), Some(to)] = early.rest else {
            panic!("{:?}", early.rest);
        };
        assert!((5..20).contains(&from) && to > 105, "{from} {to}");
        // A waypoint beside the start, or the end, is met on the way and not at rest.
        let mut request = InteractionRequest::new("Lift the box.").end([1.5, 0.0, 0.0]);
        request.waypoints = vec![Waypoint {
            at: [0.02, 0.0],
            time: Some(1.0),
        }];
        let close = plan(&request).expect("a plan").rest;
        assert!(close[0].is_some_and(|from| from + 8 <= 30), "{close:?}");
        let hasty = timed([0.5, 3.6]);
        assert_eq!(hasty.rest, [None; 2]);
        assert!(hasty.path[1].x < 0.01, "begins at rest all the same");
    }

    #[test]
    fn verbs_are_known_in_all_forms_and_words_like_them_are_not() {
        for (text, is_lifted, is_pushed) in [
            (
                "She carries the chair, then pushes it under the table.",
                true,
                false,
            ),
            ("He slid the crate along.", false, true),
            ("Keep sliding it.", false, true),
            ("Dragged to the wall", false, true),
            ("Raising the box", true, false),
            ("Take the dragon statue to the shelf.", false, false),
            ("Push the forklift.", false, true),
            ("Pick-up and go", true, false),
        ] {
            let request = InteractionRequest::new(text);
            assert_eq!(lifts(&request), is_lifted, "{text}");
            assert_eq!(slides(&request), is_pushed, "{text}");
        }
    }

    #[test]
    fn what_is_in_hand_goes_on_as_it_was_carried() {
        let lift = "Lift the box, move it and put it down.";
        let from_hand = InteractionRequest::new(lift)
            .start([0.0, 0.0, 0.8])
            .end([1.5, 0.0, 0.0]);
        let reached = plan(&from_hand).expect("a plan");
        assert!(
            reached.path[25].x < 0.01,
            "what stands on a table is reached for"
        );
        let plan = |start, end, request: InteractionRequest| {
            plan(&request.in_hand(start, end)).expect("a plan")
        };
        let taken = plan(true, false, from_hand.clone());
        assert_eq!(taken.rest, [None, Some(93)], "as of eight seconds");
        assert!(
            taken.path[15].x > 0.15,
            "goes at once: {}",
            taken.path[15].x
        );
        let highest = taken.heights.iter().copied().fold(0.0, f32::max);
        assert!((highest - 1.0).abs() < 1e-4, "stays as high: {highest}");
        assert!((taken.heights[93] - 0.2).abs() < 1e-3, "is put down");
        // Kept in hand: lifted, and not put down.
        let to_hand = InteractionRequest::new(lift).end([1.5, 0.0, 0.8]);
        let kept = plan(false, true, to_hand);
        assert_eq!(kept.rest, [Some(45), None]);
        assert!(kept.heights[73..].iter().all(|h| (h - 1.0).abs() < 1e-3));
        assert!(kept.path[118].x < 1.49, "is on its way up to the end");
        // What leans in the hands stands where it is put down, and what lies goes on lying.
        for (lean, height) in [
            (0.3_f32, 0.2),
            (std::f32::consts::FRAC_PI_2, 0.2),
            (0.6, 0.278),
        ] {
            let turn = UnitQuaternion::from_euler_angles(lean, 0.0, 0.0);
            let mut leaning = from_hand.clone();
            leaning.start.rotation = Some([turn.i, turn.j, turn.k, turn.w]);
            let down = plan(true, false, leaning);
            let end = down.heights[119];
            assert!((end - height).abs() < 2e-3, "{lean}: ends at {end}");
            assert!(down.rotation.angle_to(&turn) < 1e-3);
        }
        // From hand to hand, straight.
        let between = InteractionRequest::new(lift)
            .start([0.0, 0.0, 0.3])
            .end([0.5, 0.0, 0.6]);
        let between = plan(true, true, between);
        assert_eq!(between.rest, [None; 2]);
        assert!(between.heights.is_sorted());
        // Close to where it is put down it is not lifted once more.
        let down = InteractionRequest::new(lift)
            .start([0.0, 0.0, 0.3])
            .end([0.02, 0.0, 0.0]);
        let down = plan(true, false, down);
        assert!(down.heights.iter().all(|h| *h < 0.55), "{:?}", down.heights);
    }

    #[test]
    fn too_fast_says_speed_limit_and_remedy() {
        let request = InteractionRequest::new("Move it.").end([30.0, 0.0, 0.0]);
        let error = plan(&request).expect_err("too fast").to_string();
        assert!(
            error.contains("m/s") && error.contains("limit") && error.contains("seconds"),
            "{error}"
        );
    }

    #[test]
    fn what_is_lifted_is_carried_at_height_and_what_is_pushed_is_not() {
        let lift =
            InteractionRequest::new("Lift the box, move it and put it down.").end([1.5, 0.0, 0.3]);
        let up = plan(&lift).expect("a plan");
        let at = |share: f32| {
            up.heights[up.height_keys[(share * (up.height_keys.len() - 1) as f32) as usize]]
        };
        assert!(
            (at(0.0) - 0.2).abs() < 0.02,
            "leaves the floor at {}",
            at(0.0)
        );
        assert!(at(0.5) > 0.9, "is carried at {}", at(0.5));
        assert!((at(1.0) - 0.5).abs() < 0.02, "is put down at {}", at(1.0));
        assert!((up.heights[119] - 0.5).abs() < 1e-6);
        let push = InteractionRequest::new("Push the box.").end([1.5, 0.0, 0.0]);
        let down = plan(&push).expect("a plan");
        assert!(down.height_keys.is_empty());
        assert!(down.heights.iter().all(|h| (h - 0.2).abs() < 1e-5));
        // What is pushed stays on what it stands on, unless it ends elsewhere.
        let ground = |lean| Some(Ground { height: 0.0, lean });
        assert_eq!((up.ground, down.ground), (None, ground(SLIDING_LEAN)));
        let onto = InteractionRequest::new("Push the box.").end([1.5, 0.0, 0.3]);
        assert_eq!(plan(&onto).expect("a plan").ground, None);
        let tilted = InteractionRequest::new("Tilt the box and pull it.");
        assert_eq!(
            plan(&tilted).expect("a plan").ground,
            ground(std::f32::consts::PI)
        );
        let both = InteractionRequest::new("Lift the box by an edge and drag it.");
        assert_eq!(plan(&both).expect("a plan").ground, None);
    }

    #[test]
    fn person_stands_a_step_away_and_faces_the_object() {
        let request = InteractionRequest::new("Lift the box.").end([2.0, 0.0, 0.0]);
        let plan = plan(&request).expect("a plan");
        let root = plan.pose.root;
        let distance = Vector2::new(root.x, root.y).norm();
        assert!((0.6..0.8).contains(&distance), "{distance}");
        let left = plan.pose.rotations[0] * Vector3::x();
        let forward = Vector2::new(left.y, -left.x);
        assert!(forward.dot(&Vector2::new(-root.x, -root.y)) > 0.99 * distance);
        assert!(left.x > 0.9, "the path lies to the left");
        let joints = skeleton().forward(&plan.pose);
        let low = joints[10].z.min(joints[11].z);
        assert!((low - TOE_HEIGHT).abs() < 1e-5);
    }
}
