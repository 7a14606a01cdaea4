//! Where a person goes: the place between the feet and the way they face, frame by frame.

use nalgebra::{Rotation2, UnitQuaternion, Vector2, Vector3};

use crate::motion::FPS;

/// Time in which a walk gains or loses its speed, seconds.
const RAMP: f32 = 0.7;
/// Share of a way over which a walker turns from how they stood to where they go, and to how they are to stand.
const TURNING: f32 = 0.35;
/// A turn by a radian takes as long as so many metres.
const LEVER: f32 = 0.45;

/// Half the way over which a walker's direction along a curve is taken, metres.
const AHEAD: f32 = 0.2;
/// Places along a curve at which its direction is told.
const TOLD: usize = 64;

/// A place on the floor and a facing: metres; radians about Z, 0 faces -Y.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ground {
    pub at: Vector2<f32>,
    pub yaw: f32,
}

impl Ground {
    pub fn turn(&self) -> UnitQuaternion<f32> {
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.yaw)
    }

    /// Unit vector straight ahead.
    pub fn ahead(&self) -> Vector2<f32> {
        Rotation2::new(self.yaw) * Vector2::new(0.0, -1.0)
    }

    /// Unit vector to the left.
    pub fn left(&self) -> Vector2<f32> {
        Rotation2::new(self.yaw) * Vector2::new(1.0, 0.0)
    }

    /// The place this far ahead and to the left.
    pub fn offset(&self, ahead: f32, left: f32) -> Vector2<f32> {
        self.at + self.ahead() * ahead + self.left() * left
    }

    /// The yaw that faces along a direction.
    pub fn facing(way: &Vector2<f32>) -> f32 {
        way.x.atan2(-way.y)
    }
}

/// From 0 to 1 with no jerk at the ends: the minimum-jerk profile.
pub(super) fn minimum_jerk(u: f32) -> f32 {
    let u = u.clamp(0.0, 1.0);
    u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
}

/// An angle's equal between -pi and pi.
pub(super) fn wrapped(angle: f32) -> f32 {
    angle.sin().atan2(angle.cos())
}

/// A smooth curve through places: Catmull-Rom with chord-length knots, which neither loops nor cuts corners.
fn spline(keys: &[Vector2<f32>]) -> Vec<Vector2<f32>> {
    const PIECES: usize = 24;
    let last = keys.len() - 1;
    // Beyond its ends it goes on straight.
    let key = |k: isize| match k {
        k if k < 0 => keys[0] * 2.0 - keys[1],
        k if k as usize > last => keys[last] * 2.0 - keys[last - 1],
        k => keys[k as usize],
    };
    let mut out = vec![keys[0]];
    for k in 0..last as isize {
        let [a, b, c, d] = [-1, 0, 1, 2].map(|n| key(k + n));
        let knot = |p: Vector2<f32>, q: Vector2<f32>| (q - p).norm().sqrt().max(1e-3);
        let (t1, t2, t3) = (
            knot(a, b),
            knot(a, b) + knot(b, c),
            knot(a, b) + knot(b, c) + knot(c, d),
        );
        for n in 1..=PIECES {
            let t = t1 + (t2 - t1) * n as f32 / PIECES as f32;
            let mix = |p: Vector2<f32>, q: Vector2<f32>, from: f32, to: f32| {
                p.lerp(&q, (t - from) / (to - from))
            };
            let (ab, bc, cd) = (mix(a, b, 0.0, t1), mix(b, c, t1, t2), mix(c, d, t2, t3));
            let (abc, bcd) = (mix(ab, bc, 0.0, t2), mix(bc, cd, t1, t3));
            out.push(mix(abc, bcd, t1, t2));
        }
    }
    out
}

/// Frames from one step to the next. Walks are to one beat, the left foot's at even ones: a network that sees a part of a walk
/// can tell from it where in a step it is, and of somebody who stands, which foot sets off and when.
pub(super) const BEAT: usize = 15;
/// Who goes or turns aside by more than this sets off with the foot on that side, metres.
const ASIDE: f32 = 0.15;

/// A stretch of frames with steps, ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Walk {
    pub first: usize,
    pub last: usize,
    /// The foot that sets off: 0 left, 1 right.
    pub leader: usize,
}

/// The foot on the side to which one goes or turns, where that matters.
pub(super) fn leader(from: &Ground, to: &Ground) -> Option<usize> {
    let aside = (to.at - from.at).dot(&from.left()) + 0.5 * (to.yaw - from.yaw);
    (aside.abs() > ASIDE).then_some(usize::from(aside < 0.0))
}

/// A person's way so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub ground: Vec<Ground>,
    pub walks: Vec<Walk>,
}

impl Course {
    pub fn new(start: Ground) -> Self {
        Self {
            ground: vec![start],
            walks: Vec::new(),
        }
    }

    /// The last frame.
    pub fn now(&self) -> usize {
        self.ground.len() - 1
    }

    pub fn here(&self) -> Ground {
        self.ground[self.now()]
    }

    /// Stands for so many seconds.
    pub fn stand(&mut self, seconds: f32) -> usize {
        let frames = (seconds * FPS).round() as usize;
        self.ground.extend(std::iter::repeat_n(self.here(), frames));
        self.now()
    }

    /// Walks to a place along a curve, `bulge` times its length to the side, facing where it goes, or away from there when
    /// `backward`, at up to `speed` metres a second; in the end facing as asked.
    pub fn walk(&mut self, to: Ground, bulge: f32, backward: bool, speed: f32) -> usize {
        let from = self.here();
        let way = to.at - from.at;
        let length = way.norm();
        let side = Vector2::new(-way.y, way.x) * bulge;
        let middle = from.at + way / 2.0 + side * 2.0;
        let at = |s: f32| {
            from.at * (1.0 - s) * (1.0 - s) + middle * (2.0 * s * (1.0 - s)) + to.at * s * s
        };
        let tangent = |s: f32| (middle - from.at) * (1.0 - s) + (to.at - middle) * s;
        let flip = if backward { std::f32::consts::PI } else { 0.0 };
        let along = |s: f32| Ground::facing(&tangent(s.clamp(0.02, 0.98))) + flip;
        let long = length > 0.3;
        let turned = wrapped(to.yaw - from.yaw);
        let (first, last) = (wrapped(from.yaw - along(0.0)), wrapped(to.yaw - along(1.0)));
        let yaw = |s: f32| {
            if long {
                let begin = 1.0 - minimum_jerk(s / TURNING);
                let end = minimum_jerk((s - 1.0 + TURNING) / TURNING);
                // Told from how the walker stood, so that nobody turns all the way round.
                let set_off = from.yaw - first;
                set_off + wrapped(along(s) - along(0.0)) + first * begin + last * end
            } else {
                from.yaw + turned * s
            }
        };
        let turning = if long {
            first.abs() + last.abs()
        } else {
            turned.abs()
        };
        let effort = length * (1.0 + 2.0 * bulge.abs()) + LEVER * turning;
        self.go(effort, speed, |s| Ground {
            at: at(s),
            yaw: yaw(s),
        })
    }

    /// Walks through places and on to the last without a stop, along a smooth curve, at up to `speed` metres a second; faces
    /// where it goes, and in the end as asked.
    pub fn through(&mut self, places: &[Vector2<f32>], yaw: f32, speed: f32) -> usize {
        let from = self.here();
        let mut keys = vec![from.at];
        keys.extend_from_slice(places);
        let line = spline(&keys);
        let lengths: Vec<f32> = std::iter::once(0.0)
            .chain(line.windows(2).scan(0.0, |sum, w| {
                *sum += (w[1] - w[0]).norm();
                Some(*sum)
            }))
            .collect();
        let all = lengths[lengths.len() - 1];
        let at = |way: f32| {
            let k = lengths
                .partition_point(|l| *l <= way)
                .clamp(1, line.len() - 1);
            let share = (way - lengths[k - 1]) / (lengths[k] - lengths[k - 1]).max(1e-6);
            line[k - 1].lerp(&line[k], share.clamp(0.0, 1.0))
        };
        // Where one will be half a step on.
        let along = |way: f32| {
            let (a, b) = ((way - AHEAD).max(0.0), (way + AHEAD).min(all));
            Ground::facing(&(at(b) - at(a)))
        };
        // Told as one angle that goes on, so that nobody spins.
        let mut last = from.yaw;
        let facing: Vec<f32> = (0..=TOLD)
            .map(|k| {
                last += wrapped(along(all * k as f32 / TOLD as f32) - last);
                last
            })
            .collect();
        let (first, end) = (from.yaw - facing[0], wrapped(yaw - facing[TOLD]));
        let ground = |s: f32| {
            let place = s.clamp(0.0, 1.0) * TOLD as f32;
            let k = (place as usize).min(TOLD - 1);
            let along = facing[k] + (facing[k + 1] - facing[k]) * (place - k as f32);
            let begin = 1.0 - minimum_jerk(s / TURNING);
            let close = minimum_jerk((s - 1.0 + TURNING) / TURNING);
            Ground {
                at: at(s * all),
                yaw: along + first * begin + end * close,
            }
        };
        let effort = all + LEVER * (first.abs() + end.abs());
        self.go(effort, speed, ground)
    }

    /// Steps to a place in any direction while turning by no more than is asked.
    pub fn aside(&mut self, to: Ground, speed: f32) -> usize {
        let from = self.here();
        let turned = wrapped(to.yaw - from.yaw);
        let effort = (to.at - from.at).norm() + LEVER * turned.abs();
        self.go(effort, speed, |s| Ground {
            at: from.at.lerp(&to.at, s),
            yaw: from.yaw + turned * s,
        })
    }

    /// Turns by an angle (left is positive) about a place.
    pub fn round(&mut self, about: Vector2<f32>, angle: f32, speed: f32) -> usize {
        let from = self.here();
        let arm = from.at - about;
        let effort = (arm.norm().max(LEVER)) * angle.abs();
        self.go(effort, speed, |s| Ground {
            at: about + Rotation2::new(angle * s) * arm,
            yaw: from.yaw + angle * s,
        })
    }

    /// Goes along a path of the parameter 0 to 1 that is as strenuous as so many metres, at up to this speed.
    fn go(&mut self, effort: f32, speed: f32, path: impl Fn(f32) -> Ground) -> usize {
        let ramp = RAMP.min(effort / speed);
        let seconds = (effort / speed + ramp).max(0.6);
        // The integral of a speed that rises and falls in minimum-jerk ramps.
        let share = ramp / seconds;
        let steps = 200;
        let rate = |u: f32| {
            minimum_jerk(u / share.max(1e-3)).min(minimum_jerk((1.0 - u) / share.max(1e-3)))
        };
        let mut table = vec![0.0f32];
        for k in 0..steps {
            let u = (k as f32 + 0.5) / steps as f32;
            table.push(table[k] + rate(u));
        }
        let all = table[steps].max(1e-6);
        let progress = |u: f32| {
            let at = u.clamp(0.0, 1.0) * steps as f32;
            let k = (at as usize).min(steps - 1);
            (table[k] + (table[k + 1] - table[k]) * (at - k as f32)) / all
        };
        let frames = (seconds * FPS).round().max(2.0) as usize;
        let leader = self.wait(leader(&path(0.0), &path(1.0)));
        let first = self.now();
        for t in 1..=frames {
            self.ground.push(path(progress(t as f32 / frames as f32)));
        }
        self.walks.push(Walk {
            first,
            last: self.now(),
            leader,
        });
        self.now()
    }

    /// Stands until the beat of that foot, or of any; the foot whose beat it is.
    fn wait(&mut self, leader: Option<usize>) -> usize {
        let beat = |t: usize| (t.is_multiple_of(BEAT)).then_some(t / BEAT % 2);
        loop {
            if let Some(foot) = beat(self.now())
                && leader.is_none_or(|leader| leader == foot)
            {
                return foot;
            }
            self.ground.push(self.here());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_pass_their_places_facing_where_they_go() {
        let places = [[1.2, -0.4], [2.0, -1.6], [1.0, -2.6]].map(Vector2::from);
        let mut course = Course::new(Ground::default());
        course.stand(0.2);
        course.through(&places, 1.0, 0.9);
        for place in places {
            let nearest = (course.ground.iter())
                .map(|g| (g.at - place).norm())
                .fold(f32::INFINITY, f32::min);
            assert!(nearest < 0.04, "{nearest}");
        }
        assert!(wrapped(course.here().yaw - 1.0).abs() < 1e-2);
        let frames = course.ground.len();
        for t in frames / 3..frames * 2 / 3 {
            let way = course.ground[t + 1].at - course.ground[t].at;
            let off = wrapped(Ground::facing(&way) - course.ground[t].yaw).abs();
            assert!(off < 0.6, "{off}");
        }
        for w in course.ground.windows(2) {
            assert!((w[1].at - w[0].at).norm() * FPS < 1.3);
            assert!((w[1].yaw - w[0].yaw).abs() < 0.15);
        }
    }

    #[test]
    fn ways_are_smooth_and_arrive() {
        for (to, yaw, bulge, backward) in [
            ([2.0, 0.0], 1.57, 0.1, false),
            ([0.0, 1.5], 0.0, 0.0, true),
            ([-1.0, -1.0], 3.0, -0.2, false),
            ([0.0, 0.0], 2.0, 0.0, false),
        ] {
            let mut course = Course::new(Ground::default());
            course.stand(0.3);
            let to = Ground {
                at: Vector2::from(to),
                yaw,
            };
            course.walk(to, bulge, backward, 0.8);
            let end = course.here();
            assert!((end.at - to.at).norm() < 1e-3);
            assert!(wrapped(end.yaw - to.yaw).abs() < 1e-2, "{} {yaw}", end.yaw);
            for walk in &course.walks {
                assert_eq!(walk.first % (2 * BEAT), walk.leader * BEAT);
            }
            for w in course.ground.windows(3) {
                let step = (w[1].at - w[0].at).norm() * FPS;
                assert!(step < 1.6, "{step}");
                let jump = (w[2].at - w[1].at * 2.0 + w[0].at).norm() * FPS * FPS;
                assert!(jump < 6.0, "{jump}");
                assert!((w[1].yaw - w[0].yaw).abs() < 0.2);
            }
        }
    }
}
