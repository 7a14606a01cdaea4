//! Spots on top of things.

use nalgebra::Vector2;

use super::body::{Body, Candidate, Turn};
use super::points::grid;
use super::{APART, Wanted};
use crate::navigation::map::Map;
use crate::navigation::refusal::NavigationRefusal;
use crate::scene::Item;

/// Highest surface that something is put on, metres.
const HIGHEST: f32 = 1.6;
/// Height at which putting something down is easiest, metres.
const EASIEST: f32 = 0.8;
/// How much of something may hang over the edge of what it stands on, metres.
const OVERHANG: f32 = 0.02;

/// Spots on the surfaces of an item.
pub(super) fn on_top(
    map: &mut Map,
    wanted: &Wanted<'_>,
    body: &Body,
    on: &Item,
    candidates: &mut Vec<Candidate>,
) -> Result<(), NavigationRefusal> {
    let levels = map.levels(on);
    let lowest = levels
        .iter()
        .map(|l| l.height)
        .fold(f32::INFINITY, f32::min);
    if lowest > HIGHEST {
        let height = if lowest.is_finite() {
            lowest
        } else {
            on.height()
        };
        return Err(NavigationRefusal::SurfaceTooHigh {
            on: on.name.clone(),
            height,
            reach: HIGHEST,
        });
    }
    let person = Vector2::from(wanted.person.position);
    let front = on.front();
    let mut widest = Vector2::zeros();
    for level in levels
        .iter()
        .filter(|l| l.height <= HIGHEST && l.height > 0.05)
    {
        if let Some([low, high]) = level.area.bounds() {
            let size = high - low;
            if size.x * size.y > widest.x * widest.y {
                widest = size;
            }
        }
        // What rises from the surface, such as a back or the next shelf, is in the way.
        let rises = map.slice(on, [level.height + 0.02, level.height + body.height]);
        let free = if rises.is_empty() {
            level.area.clone()
        } else {
            level.area.without(&rises)
        };
        let room = free.grown(OVERHANG);
        let yaws = [body.yaw(Turn::Front(front), on.center().coords), body.yaw];
        let mut quarter = yaws.to_vec();
        quarter.push(yaws[0] + 90.0);
        let center = on.center().coords;
        grid(&free, 0.05, |at| {
            for (rank, yaw) in quarter.iter().enumerate() {
                let candidate = Candidate {
                    at,
                    height: level.height,
                    yaw: *yaw,
                    cost: 0.6 * (at - center).norm()
                        + 0.1 * rank as f32
                        + 0.8 * (level.height - EASIEST).abs()
                        + 0.05 * (at - person).norm()
                        // Rims are no shelves.
                        - 0.6 * free.area().min(0.5),
                };
                let hull = body.at(&candidate);
                if room.covers(&hull) && !rises.is_within(APART / 2.0, &hull) {
                    candidates.push(candidate);
                }
            }
        });
    }
    if candidates.is_empty() {
        let wide = |way: Vector2<f32>| body.reach(0.0, way) + body.reach(0.0, -way);
        return Err(NavigationRefusal::SurfaceTooSmall {
            name: wanted.item.name.clone(),
            on: on.name.clone(),
            wide: wide(Vector2::x()),
            deep: wide(Vector2::y()),
            has_wide: widest.x,
            has_deep: widest.y,
        });
    }
    Ok(())
}
