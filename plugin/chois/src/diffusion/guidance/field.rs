//! Distance to what stands about, as a window sees it.

use nalgebra::{UnitQuaternion, Vector3};

use crate::geometry::SdfGrid;
use crate::motion::canonical::Canonical;

/// Between grid points a distance of slope 1 is interpolated to one of at most this slope.
const STEEPEST: f32 = 1.733;

/// A signed distance seen from a window's canonical frame. Metres.
#[derive(Clone, Copy)]
pub struct SceneField<'a> {
    grid: &'a SdfGrid,
    canonical: Canonical,
}

impl<'a> SceneField<'a> {
    /// The scene as seen from a window's canonical frame.
    pub fn new(grid: &'a SdfGrid, canonical: Canonical) -> Self {
        Self { grid, canonical }
    }

    /// A distance in its own frame.
    pub fn still(grid: &'a SdfGrid) -> Self {
        let canonical = Canonical {
            rotation: UnitQuaternion::identity(),
            origin: Vector3::zeros(),
        };
        Self { grid, canonical }
    }

    /// Signed distance of a point of the canonical frame, metres.
    pub(super) fn distance(&self, point: &Vector3<f32>) -> f32 {
        self.grid.query(&self.canonical.point_back(point))
    }

    /// [`Self::distance`], and how it changes with the point.
    pub(super) fn with_slope(&self, point: &Vector3<f32>) -> (f32, Vector3<f32>) {
        let at = self.canonical.point_back(point);
        let (distance, slope) = self.grid.query_with_gradient(&at);
        (distance, self.canonical.rotation * slope)
    }

    /// Whether nothing within `radius` of a point can be in what stands about.
    pub(super) fn is_far(&self, point: &Vector3<f32>, radius: f32) -> bool {
        self.distance(point) > STEEPEST * radius
    }
}
