//! The shape that goes somewhere, and spots for it.

use nalgebra::Vector2;

use crate::scene::{Footprint, Item};

/// A spot that may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub at: Vector2<f32>,
    pub height: f32,
    /// Degrees.
    pub yaw: f32,
    /// The lower the better.
    pub cost: f32,
}

/// How an item is turned at its spot.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    Keep,
    /// Its front in this direction.
    Front(Vector2<f32>),
    /// Its front toward this point.
    Face(Vector2<f32>),
}

/// The item's shape about its centre, not turned about the vertical.
pub(super) struct Body {
    pub hull: Footprint,
    pub height: f32,
    /// Direction of its front, radians.
    pub front: f32,
    pub yaw: f32,
}

impl Body {
    pub fn new(item: &Item) -> Self {
        let mut still = item.clone();
        still.place.position = [0.0; 3];
        still.place.yaw = 0.0;
        let front = still.front();
        Self {
            hull: Footprint::hull(&still, [f32::MIN, f32::MAX]),
            height: still.height(),
            front: front.y.atan2(front.x),
            yaw: item.place.yaw,
        }
    }

    pub fn at(&self, c: &Candidate) -> Footprint {
        self.hull.moved(c.yaw.to_radians(), c.at)
    }

    pub fn yaw(&self, turn: Turn, at: Vector2<f32>) -> f32 {
        let toward = |way: Vector2<f32>| {
            if way.norm() < 1e-3 {
                return self.yaw;
            }
            let yaw = (way.y.atan2(way.x) - self.front).to_degrees();
            (yaw + 180.0).rem_euclid(360.0) - 180.0
        };
        match turn {
            Turn::Keep => self.yaw,
            Turn::Front(way) => toward(way),
            Turn::Face(point) => toward(point - at),
        }
    }

    /// How far it reaches in a direction from its centre when turned, metres.
    pub fn reach(&self, yaw: f32, way: Vector2<f32>) -> f32 {
        reach(
            &self.hull.moved(yaw.to_radians(), Vector2::zeros()),
            Vector2::zeros(),
            way,
        )
    }
}

pub(super) fn reach(area: &Footprint, center: Vector2<f32>, way: Vector2<f32>) -> f32 {
    let corners = area.outlines().into_iter().flatten();
    corners.map(|c| (c - center).dot(&way)).fold(0.0, f32::max)
}

pub(super) fn left(way: Vector2<f32>) -> Vector2<f32> {
    Vector2::new(-way.y, way.x)
}

pub(super) fn turned(way: Vector2<f32>, by: f32) -> Vector2<f32> {
    let (sin, cos) = by.sin_cos();
    Vector2::new(cos * way.x - sin * way.y, sin * way.x + cos * way.y)
}
