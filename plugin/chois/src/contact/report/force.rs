//! What must have pushed the object: its motion differentiated twice, against what floor and hands can give.
//!
//! Newton asks for a force m (a - g) in every frame, from whoever may act. The floor gives forces of a cone about the
//! vertical (Coulomb); where it slides under the object, friction does not push the way that the object goes. What is
//! left is the hands', or, if nobody is there, nobody's.

use nalgebra::{Vector2, Vector3};

use super::measure::MOVING;
use super::track::{Track, covered};
use super::{Peak, ReportOptions};
use crate::contact::simulation;

/// Metres per second squared.
const GRAVITY: f64 = simulation::GRAVITY as f64;
/// Acceleration that counts as none where nothing explains it, metres per second squared: a centre unsteady by a third of
/// a millimetre from frame to frame, at 30 frames per second.
const NOISE: f64 = 0.3;
/// An object with its lowest vertex this near to the floor, or to a height at which it rests, stands on it, metres. What
/// is not higher than this over its lowest vertex touches.
const STANDS: f64 = 0.015;
/// Rest lasts this long at least, seconds.
const REST: f64 = 0.2;
/// What touches the floor slides if it is faster than this, metres per second.
const SLIDES: f64 = 0.02;

/// See [`super::ContactReport`].
pub(super) struct Forces {
    pub unexplained: Option<f64>,
    pub unreached: Option<f64>,
    pub assumed_support: f64,
    pub grip_force: Option<Peak>,
    pub grip_torque: Option<Peak>,
}

/// What the object's motion asks for in each frame that has one before and one after.
pub(super) fn forces(track: &Track<'_>, options: &ReportOptions) -> Forces {
    let frames = track.len();
    let labelled = covered(frames, track.touches.iter());
    let somebody = (labelled.iter().zip(&track.reached)).map(|(l, r)| *l || *r);
    let somebody = widened(&somebody.collect::<Vec<_>>());
    let reached = widened(&track.reached);
    let supports = Supports::new(track, &somebody);

    let (mass, friction) = (f64::from(options.mass), f64::from(options.friction));
    let (mut unexplained, mut unreached) = (0.0, 0.0);
    let (mut grip_forces, mut grip_torques) = (vec![], vec![]);
    for t in 1..frames.saturating_sub(1) {
        let held = [0, 1].map(|hand| track.held[hand][t]);
        let alone = !somebody[t] || !reached[t];
        if !alone && held == [false; 2] {
            continue;
        }
        let asked = (acceleration(&track.centers, t, track.fps) + Vector3::z() * GRAVITY) * mass;
        let footprint = supports.stands(t).then(|| Footprint::new(track, t));
        if alone {
            let given = footprint
                .as_ref()
                .map(|f| nearest(asked, friction, f.slide));
            let excess = (asked - given.unwrap_or_default()).norm();
            if excess > NOISE * mass {
                let impulse = excess / track.fps;
                unexplained += if somebody[t] { 0.0 } else { impulse };
                unreached += if reached[t] { 0.0 } else { impulse };
            }
        }
        if held != [false; 2] {
            let ground = footprint.map(|f| (f.force(asked, friction), f));
            let given = ground
                .as_ref()
                .map_or(Vector3::zeros(), |(force, _)| *force);
            let hands = asked - given;
            grip_forces.push(hands.norm());
            let center = track.centers[t];
            let pads: Vec<_> = (0..2)
                .filter(|h| held[*h])
                .map(|h| track.pads[h][t])
                .collect();
            let middle = pads.iter().sum::<Vector3<f64>>() / pads.len() as f64;
            let mut torque = moment(track, t, mass) + (center - middle).cross(&hands);
            if let Some((force, footprint)) = &ground {
                torque -= (footprint.middle - center).cross(force);
                footprint.relieve(&mut torque, force.z, friction);
            }
            grip_torques.push(torque.norm());
        }
    }
    let enough = frames > 2;
    let assumed = (0..frames)
        .filter(|t| !somebody[*t] && supports.hangs(*t))
        .count();
    Forces {
        unexplained: enough.then_some(unexplained),
        unreached: enough.then_some(unreached),
        assumed_support: assumed as f64 / track.fps,
        grip_force: Peak::of(grip_forces),
        grip_torque: Peak::of(grip_torques),
    }
}

/// True also in the frames beside: a second difference sees three frames.
fn widened(frames: &[bool]) -> Vec<bool> {
    (0..frames.len())
        .map(|t| frames[t.saturating_sub(1)..frames.len().min(t + 2)].contains(&true))
        .collect()
}

/// Central second difference, metres per second squared; frame `t` has a neighbour on either side.
fn acceleration(centers: &[Vector3<f64>], t: usize, fps: f64) -> Vector3<f64> {
    (centers[t + 1] - centers[t] * 2.0 + centers[t - 1]) * (fps * fps)
}

/// Rate of change of the angular momentum about the centre, newton metres, world: a solid box of the object's extents.
fn moment(track: &Track<'_>, t: usize, mass: f64) -> Vector3<f64> {
    let turn = |t: usize| {
        (track.rotations[t + 1] * track.rotations[t].inverse()).scaled_axis() * track.fps
    };
    let (before, after) = (turn(t - 1), turn(t));
    let squares = track.object.extents().map(|e| f64::from(e).powi(2));
    let inertia = (Vector3::repeat(squares.sum()) - squares) * (mass / 12.0);
    let rotation = &track.rotations[t];
    let momentum = |spin: &Vector3<f64>| {
        rotation
            * rotation
                .inverse_transform_vector(spin)
                .component_mul(&inertia)
    };
    let spin = (before + after) / 2.0;
    momentum(&((after - before) * track.fps)) + spin.cross(&momentum(&spin))
}

/// The force of a cone about the vertical that is nearest to `asked`. If the object slides (unit direction, world), what
/// pushes that way is left out.
fn nearest(mut asked: Vector3<f64>, friction: f64, slide: Option<Vector2<f64>>) -> Vector3<f64> {
    if let Some(slide) = slide {
        let along = asked.xy().dot(&slide).max(0.0);
        asked -= (slide * along).push(0.0);
    }
    let aside = asked.xy().norm();
    if friction * aside <= -asked.z {
        Vector3::zeros()
    } else if aside <= friction * asked.z {
        asked
    } else {
        let press = (asked.z + friction * aside) / (1.0 + friction * friction);
        (asked.xy() * (friction * press / aside)).push(press)
    }
}

/// Where the object stands on something.
struct Supports<'a> {
    lowest: &'a [f64],
    /// Least and greatest height of the lowest vertex in each rest over the floor.
    rests: Vec<[f64; 2]>,
}

impl<'a> Supports<'a> {
    /// The scene is not known: where an object rests that nobody holds, there is something.
    fn new(track: &'a Track<'_>, somebody: &[bool]) -> Self {
        let lowest = &track.lowest;
        let steps = &track.speeds;
        let rests = |t: usize| {
            let around = t.saturating_sub(1)..steps.len().min(t + 1);
            !somebody[t] && lowest[t] > STANDS && steps[around].iter().all(|s| *s < MOVING)
        };
        let mut out = Vec::new();
        let mut t = 0;
        while t < lowest.len() {
            let end = t + (t..lowest.len()).take_while(|t| rests(*t)).count();
            if end > t + 1 && (end - t - 1) as f64 / track.fps >= REST {
                let heights = lowest[t..end].iter();
                out.push(
                    heights.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], h| {
                        [low.min(*h), high.max(*h)]
                    }),
                );
            }
            t = end + 1;
        }
        Self { lowest, rests: out }
    }

    /// Whether the object stands on something in a frame or one beside: it may land between two.
    fn stands(&self, t: usize) -> bool {
        let around = t.saturating_sub(1)..self.lowest.len().min(t + 2);
        (self.lowest[around].iter()).any(|h| *h <= STANDS || self.at_rest(*h))
    }

    /// Whether nothing but an earlier or later rest says that the object stands on something.
    fn hangs(&self, t: usize) -> bool {
        self.lowest[t] > STANDS && self.at_rest(self.lowest[t])
    }

    fn at_rest(&self, height: f64) -> bool {
        (self.rests.iter()).any(|[low, high]| (low - STANDS..=high + STANDS).contains(&height))
    }
}

/// What of an object touches what it stands on.
struct Footprint {
    /// Mean of the touching vertices, world.
    middle: Vector3<f64>,
    /// Distance of the farthest of them from there, on the floor.
    radius: f64,
    /// Which way they slide: a unit vector on the floor; none if they do not.
    slide: Option<Vector2<f64>>,
}

impl Footprint {
    /// Frame `t` has a neighbour on either side.
    fn new(track: &Track<'_>, t: usize) -> Self {
        let up = track.rotations[t]
            .inverse_transform_vector(&Vector3::z())
            .cast::<f32>();
        let top = (track.lowest[t] - track.centers[t].z + STANDS) as f32;
        let touching: Vec<_> = (track.object.vertices().iter())
            .filter(|v| up.dot(v) <= top)
            .map(|v| v.cast::<f64>())
            .collect();
        let middle = touching.iter().sum::<Vector3<f64>>() / touching.len().max(1) as f64;
        let reach = |v: &Vector3<f64>| (track.rotations[t] * (v - middle)).xy().norm();
        let at = |t: usize| track.rotations[t] * middle + track.centers[t];
        let (came, went) = ((at(t) - at(t - 1)).xy(), (at(t + 1) - at(t)).xy());
        // What comes to rest, lands or tips over between two frames has been braked and held, each for a part of the time.
        let slide = (came.dot(&went) > 0.0)
            .then(|| ((came + went) * (track.fps / 2.0)).try_normalize(SLIDES))
            .flatten();
        Self {
            middle: at(t),
            radius: touching.iter().map(reach).fold(0.0, f64::max),
            slide,
        }
    }

    /// What this gives toward a force that hands share in. Where it slides, friction is all that there can be.
    fn force(&self, asked: Vector3<f64>, friction: f64) -> Vector3<f64> {
        match self.slide {
            Some(slide) => {
                let ray = (slide * -friction).push(1.0);
                ray * (asked.dot(&ray) / ray.norm_squared()).max(0.0)
            }
            None => nearest(asked, friction, None),
        }
    }

    /// Takes off a torque what this gives by pressing off its middle, and by friction against turning on the spot, that
    /// of a disk pressed evenly.
    fn relieve(&self, torque: &mut Vector3<f64>, press: f64, friction: f64) {
        let tilt = torque.xy().cap_magnitude(press * self.radius);
        let most = friction * press * self.radius * 2.0 / 3.0;
        *torque -= tilt.push(torque.z.clamp(-most, most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_gives_what_lies_in_its_cone() {
        let at = |x, z, slide| nearest(Vector3::new(x, 0.0, z), 0.5, slide);
        let right = Some(Vector2::x());
        // Inside, the force itself; friction may only brake.
        assert_eq!(at(0.4, 1.0, None), Vector3::new(0.4, 0.0, 1.0));
        assert_eq!(at(-0.4, 1.0, right), Vector3::new(-0.4, 0.0, 1.0));
        assert_eq!(at(0.4, 1.0, right), Vector3::new(0.0, 0.0, 1.0));
        // Nothing pulls down.
        assert_eq!(at(0.1, -1.0, None), Vector3::zeros());
        assert_eq!(at(0.0, 0.0, None), Vector3::zeros());
        // Beside the cone: (2, 1) on the line (0.5, 1) has its foot at n = (1 + 0.5 * 2) / 1.25.
        assert!((at(2.0, 1.0, None) - Vector3::new(0.8, 0.0, 1.6)).norm() < 1e-12);
        // Ice pushes up, and only up.
        let ice = |x, z| nearest(Vector3::new(x, 0.0, z), 0.0, None);
        assert_eq!(ice(3.0, 2.0), Vector3::new(0.0, 0.0, 2.0));
        assert_eq!(ice(0.0, 2.0), Vector3::new(0.0, 0.0, 2.0));
        assert_eq!(ice(0.0, -2.0), Vector3::zeros());
    }

    #[test]
    fn a_sliding_footprint_brakes_in_full() {
        let footprint = Footprint {
            middle: Vector3::zeros(),
            radius: 0.1,
            slide: Some(Vector2::x()),
        };
        let force = footprint.force(Vector3::new(0.0, 0.0, 10.0), 0.75);
        // 10 / (1 + 0.75^2) pressed.
        assert!((force - Vector3::new(-4.8, 0.0, 6.4)).norm() < 1e-12);
        let mut torque = Vector3::new(0.3, 0.4, -1.0);
        footprint.relieve(&mut torque, 3.0, 0.5);
        // 0.5 N m of tilt less 3 N at 0.1 m, 1 N m of turning less two thirds of 0.15.
        assert!((torque - Vector3::new(0.12, 0.16, -0.9)).norm() < 1e-12);
    }

    #[test]
    fn a_neighbour_is_enough() {
        let widened = widened(&[false, false, true, false, false]);
        assert_eq!(widened, [false, true, true, true, false]);
        assert_eq!(super::widened(&[]), [false; 0]);
    }
}
