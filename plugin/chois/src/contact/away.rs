//! How hands leave their own way for the object, and return to it.

use nalgebra::{Unit, Vector3};

use crate::motion::inertia;

/// How hard a hand is moved beside its own motion on its way to and from the object, metres a second squared, and how long
/// that takes at least and at most, seconds. A radian counts as so many metres.
const GENTLE: f32 = 3.0;
pub(super) const WAY: [f32; 2] = [0.3, 0.9];
pub(super) const LEVER: f32 = 0.1;

/// Seconds that a hand takes to come so far aside, metres, and to turn so far beside its own motion, radians.
pub(super) fn seconds(shift: f32, turn: f32) -> f32 {
    inertia::seconds(shift.max(turn * LEVER), 0.0, GENTLE).clamp(WAY[0], WAY[1])
}

/// How a hand's place differs from the clip's: what decays after it let go, or grows before it takes hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Away {
    /// When it is all there.
    pub at: f32,
    /// How long it takes, seconds.
    pub seconds: f32,
    /// Metres, and metres a second, world.
    shift: Vector3<f32>,
    shift_rate: Vector3<f32>,
    /// As rotation vectors, world.
    turn: Vector3<f32>,
    turn_rate: Vector3<f32>,
    /// The surface's normal under the palm, world.
    pub normal: Unit<Vector3<f32>>,
}

impl Away {
    /// From what differs at a time, and how fast that changes; takes `pace` times as long as usual.
    pub fn new(
        at: f32,
        [shift, shift_rate]: [Vector3<f32>; 2],
        [turn, turn_rate]: [Vector3<f32>; 2],
        normal: Unit<Vector3<f32>>,
        pace: f32,
    ) -> Self {
        let along = |x: &Vector3<f32>, v: &Vector3<f32>| {
            let size = x.norm();
            // Only what goes on away from zero takes longer.
            let rate = if size > 1e-6 {
                v.dot(x) / size
            } else {
                v.norm()
            };
            inertia::seconds(size, rate.max(0.0), GENTLE)
        };
        let by_turn = along(&(turn * LEVER), &(turn_rate * LEVER));
        Self {
            at,
            seconds: along(&shift, &shift_rate)
                .max(by_turn)
                .clamp(WAY[0], WAY[1])
                * pace,
            shift,
            shift_rate,
            turn,
            turn_rate,
            normal,
        }
    }

    /// What differs `since` seconds away from when all of it is there.
    pub fn left(&self, since: f32) -> (Vector3<f32>, Vector3<f32>) {
        let (of_x, of_v) = inertia::left(since / self.seconds);
        let of_v = of_v * self.seconds;
        (
            self.shift * of_x + self.shift_rate * of_v,
            self.turn * of_x + self.turn_rate * of_v,
        )
    }
}
