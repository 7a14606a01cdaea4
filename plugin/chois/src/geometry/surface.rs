//! Exact distances to an object's surface.

use nalgebra::{Unit, Vector3};

use super::bvh::Bvh;
use super::object::ObjectGeometry;

/// Nearer than this to the surface, metres, the direction to a point says little of which way the surface faces there.
const ON: f32 = 1e-3;

/// The place on a surface that is nearest to some point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfacePoint {
    /// The place (relative to the centre, rest frame), metres.
    pub position: Vector3<f32>,
    /// Which way is out. Over an edge or a corner it is the direction to the point asked for, if that is outside.
    pub normal: Unit<Vector3<f32>>,
    /// How far the point asked for is from it, metres, negative inside.
    pub distance: f32,
}

/// The surface of one object, for a few exact questions; for millions of rough ones there is [`super::SdfGrid`].
pub struct Surface(Bvh);

impl Surface {
    /// The surface of an object: all its triangles, in its rest frame about its centre.
    pub fn new(object: &ObjectGeometry) -> Self {
        Self(Bvh::new(object.mesh()))
    }

    /// Distance of a point (relative to the centre, rest frame) to the surface, metres, negative inside. A point is inside
    /// when the surface winds round it by more than a half, so that small holes do no harm. Infinite for a point that is
    /// not finite.
    pub fn signed_distance(&self, local: &Vector3<f32>) -> f32 {
        let distance = self.0.distance(local, f32::INFINITY);
        if self.is_inside(local, distance) {
            -distance
        } else {
            distance
        }
    }

    /// How deep a point is inside, metres; 0 outside and for a point that is not finite.
    pub fn depth(&self, local: &Vector3<f32>) -> f32 {
        (-self.signed_distance(local)).max(0.0)
    }

    /// The same where it is deeper than `least`, else 0: which side a point is on is what takes long to find out.
    pub fn depth_beyond(&self, local: &Vector3<f32>, least: f32) -> f32 {
        let distance = self.0.distance(local, f32::INFINITY);
        if distance > least && self.is_inside(local, distance) {
            distance
        } else {
            0.0
        }
    }

    /// The nearest place on the surface. None for a point that is not finite.
    pub fn nearest(&self, local: &Vector3<f32>) -> Option<SurfacePoint> {
        let (position, triangle) = self.0.nearest(local, f32::INFINITY)?;
        let away = local - position;
        let distance = away.norm();
        let inside = self.is_inside(local, distance);
        let outward = if inside { -away } else { away };
        let normal = if distance > ON {
            Unit::new_normalize(outward)
        } else {
            let [a, b, c] = triangle;
            let face = Unit::try_new((b - a).cross(&(c - a)), 1e-12);
            let face = face.or_else(|| Unit::try_new(outward, 1e-9))?;
            // A mesh may be turned inside out, or be one sheet: then either side may be out.
            let probe = position + face.into_inner() * (2.0 * ON);
            if self.0.winding(&probe).abs() > 0.5 {
                -face
            } else {
                face
            }
        };
        Some(SurfacePoint {
            position,
            normal,
            distance: if inside { -distance } else { distance },
        })
    }

    fn is_inside(&self, local: &Vector3<f32>, distance: f32) -> bool {
        distance.is_finite() && self.0.winding(local).abs() > 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::tests::cuboid;
    use super::*;

    #[test]
    fn distances_to_a_box_are_exact() {
        let mesh = cuboid(Vector3::new(1.0, 1.0, 1.0), Vector3::new(0.2, 0.4, 0.6));
        let surface = Surface::new(&ObjectGeometry::new("box", mesh).expect("an object"));
        let at = |x, y, z| surface.signed_distance(&Vector3::new(x, y, z));
        assert!((at(0.0, 0.0, 0.0) + 0.1).abs() < 1e-5);
        assert!((at(0.4, 0.0, 0.0) - 0.3).abs() < 1e-5);
        assert!((at(0.13, 0.24, 0.0) - 0.05).abs() < 1e-5);
        assert!((at(0.0, 0.0, 0.29) + 0.01).abs() < 1e-5);
        assert_eq!(at(f32::NAN, 0.0, 0.0), f32::INFINITY);
        let nearest = |x, y, z| surface.nearest(&Vector3::new(x, y, z));
        for (x, distance) in [(0.13, 0.03), (0.08, -0.02), (0.1, 0.0)] {
            let found = nearest(x, 0.05, 0.1).expect("a surface");
            assert!((found.position - Vector3::new(0.1, 0.05, 0.1)).norm() < 1e-5);
            assert!((found.normal.into_inner() - Vector3::x()).norm() < 1e-3);
            assert!((found.distance - distance).abs() < 1e-5, "{x}");
        }
        assert_eq!(nearest(f32::NAN, 0.0, 0.0), None);
        let inside = Vector3::new(0.08, 0.0, 0.0);
        assert!((surface.depth(&inside) - 0.02).abs() < 1e-5);
        assert_eq!(surface.depth_beyond(&inside, 0.01), surface.depth(&inside));
        assert_eq!(surface.depth_beyond(&inside, 0.03), 0.0);
        assert_eq!(
            surface.depth_beyond(&Vector3::new(0.5, 0.0, 0.0), 0.01),
            0.0
        );
        assert_eq!(at(f32::INFINITY, 0.0, 0.0), f32::INFINITY);
    }
}
