//! Exact distances to an object's surface.

use nalgebra::Vector3;

use super::bvh::Bvh;
use super::object::ObjectGeometry;

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
        let inside = distance.is_finite() && self.0.winding(local).abs() > 0.5;
        if inside { -distance } else { distance }
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
        assert_eq!(at(f32::INFINITY, 0.0, 0.0), f32::INFINITY);
    }
}
