//! What objects stand on: the floor, and what the scene does not tell of.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

use super::hold::HoldPlan;
use super::object::PhysicalObject;
use super::scene::{Obstacle, ObstacleShape};
use super::simulation::Simulation;
use crate::error::Result;
use crate::motion::MotionClip;

/// An object that starts or ends this high over the floor, metres, stands on something.
const STANDS: f32 = 0.015;

/// The place raised until no part of the object is below the floor.
pub(super) fn over_floor(object: &PhysicalObject, mut place: Isometry3<f32>) -> Isometry3<f32> {
    let lowest = place.translation.z + object.lowest(&place.rotation);
    place.translation.z -= lowest.min(0.0);
    place
}

/// Where the clip's object stands above the floor at its start, or in the end when nobody holds it, without the scene
/// saying on what: plates under it. The second is there when the hands let go.
pub(super) fn supports(
    clip: &MotionClip,
    object: &PhysicalObject,
    places: &[Isometry3<f32>],
    plan: &HoldPlan,
    simulation: &mut Simulation,
) -> Result<[Option<usize>; 2]> {
    let last = places.len() - 1;
    let held = |f: usize| plan.holds.iter().any(|h| (h.first..=h.last).contains(&f));
    let still = (0.3 * clip.fps) as usize;
    let rests = |a: usize, b: usize| {
        let way = places[b].translation.vector - places[a].translation.vector;
        way.norm() < 0.02
    };
    let mut out = [None, None];
    for (end, frame) in [0, last].into_iter().enumerate() {
        let place = &places[frame];
        let lowest = place.translation.z + object.lowest(&place.rotation);
        let stays = match end {
            0 => rests(0, still.min(last)) || !held(0),
            _ => rests(last.saturating_sub(still), last) && !held(last),
        };
        if lowest < STANDS || !stays {
            continue;
        }
        let mut half = Vector3::<f32>::new(0.05, 0.05, 0.01);
        for v in object.geometry().vertices() {
            let v = place.rotation * v;
            half.x = half.x.max(v.x.abs());
            half.y = half.y.max(v.y.abs());
        }
        let top = Vector3::new(place.translation.x, place.translation.y, lowest - half.z);
        let plate = Obstacle::new(
            ObstacleShape::cuboid(half)?,
            Isometry3::from_parts(Translation3::from(top), UnitQuaternion::identity()),
        );
        let number = simulation.add(&plate);
        simulation.enable_obstacle(number, end == 0);
        out[end] = Some(number);
    }
    Ok(out)
}
