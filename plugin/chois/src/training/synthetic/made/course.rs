//! Where a person goes: the place between the feet and the way they face, frame by frame.

use nalgebra::{Rotation2, UnitQuaternion, Vector2, Vector3};

use crate::motion::FPS;

/// Time in which a walk gains or loses its speed, seconds.
const RAMP: f32 = 0.7;
/// Share of a way over which a walker turns from how they stood to where they go, and to how they are to stand.
const TURNING: f32 = 0.35;
/// A turn by a radian takes as long as so many metres.
const LEVER: f32 = 0.45;

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

/// A stretch of frames with steps, ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Walk {
    pub first: usize,
    pub last: usize,
    /// Number of steps.
    pub steps: usize,
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
        let first = self.now();
        for t in 1..=frames {
            self.ground.push(path(progress(t as f32 / frames as f32)));
        }
        let pace = 0.52;
        let by_time = (seconds / pace).round() as usize;
        let by_way = (effort / 0.62).ceil() as usize + 1;
        self.walks.push(Walk {
            first,
            last: self.now(),
            steps: by_time.max(by_way).max(2),
        });
        self.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
