//! How deep a hand would be in what it holds if it were turned about the normal of its grasp.

use std::cell::OnceCell;

use nalgebra::{UnitQuaternion, Vector3};

use super::grasp::{Grasp, YIELDS};
use super::palm::Palm;
use crate::geometry::Surface;
use crate::ik;

/// Turns looked at, evenly all around.
const AROUND: usize = 24;
/// Of so many points of flesh one is looked at: they are a centimetre apart.
const EVERY: usize = 2;

/// Depths of a hand's flesh beyond what it gives, metres, for all turns about the normal of a grasp; found when first asked for.
pub(super) struct Turned<'a> {
    grasp: Grasp,
    palm: &'a Palm,
    flesh: &'a [Vector3<f32>],
    surface: &'a Surface,
    /// The hand at angle 0, object's frame.
    from: UnitQuaternion<f32>,
    depths: [OnceCell<f32>; AROUND],
}

impl<'a> Turned<'a> {
    /// `flesh` is that of [`super::palm::flesh`].
    pub fn new(
        grasp: &Grasp,
        palm: &'a Palm,
        flesh: &'a [Vector3<f32>],
        surface: &'a Surface,
    ) -> Self {
        Self {
            grasp: *grasp,
            palm,
            flesh,
            surface,
            from: grasp.aligned(palm, &grasp.rotation),
            depths: [const { OnceCell::new() }; AROUND],
        }
    }

    fn depth(&self, k: usize) -> f32 {
        *self.depths[k].get_or_init(|| {
            let angle = k as f32 / AROUND as f32 * std::f32::consts::TAU;
            let rotation = UnitQuaternion::from_axis_angle(&self.grasp.normal, angle) * self.from;
            let place = |p: &Vector3<f32>| self.grasp.pad() + rotation * (p - self.palm.pad);
            let deepest = (self.flesh.iter().step_by(EVERY))
                .map(place)
                .fold(YIELDS, |most, at| {
                    self.surface.depth_beyond(&at, most).max(most)
                });
            deepest - YIELDS
        })
    }

    /// At what angle a hand on the grasp is turned; object's frame.
    pub fn angle(&self, rotation: &UnitQuaternion<f32>) -> f32 {
        let turn = ik::twist(&(rotation * self.from.inverse()), &self.grasp.normal);
        turn.scaled_axis().dot(&self.grasp.normal)
    }

    /// The depth at an angle.
    pub fn at(&self, angle: f32) -> f32 {
        let at = angle.rem_euclid(std::f32::consts::TAU) / std::f32::consts::TAU * AROUND as f32;
        let before = at as usize % AROUND;
        let t = at.fract();
        self.depth(before) * (1.0 - t) + self.depth((before + 1) % AROUND) * t
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Unit;

    use super::super::palm::flesh;
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::skeleton::Skeleton;

    #[test]
    fn a_hand_beside_a_step_is_in_it_only_where_it_is_turned_into_it() {
        let skeleton = Skeleton::adult();
        let (palms, flesh) = (Palm::of(&skeleton), flesh(&skeleton));
        // A floor, and a block on it whose face is 5 cm from the palm's middle.
        let mut mesh = Mesh::cuboid(Vector3::new(-0.3, -0.3, -0.1), Vector3::new(0.6, 0.6, 0.1));
        let block = Mesh::cuboid(Vector3::new(0.05, -0.3, -0.05), Vector3::new(0.2, 0.6, 0.2));
        let first = mesh.vertices.len() as u32;
        mesh.vertices.extend(block.vertices);
        (mesh.triangles).extend(block.triangles.iter().map(|t| t.map(|v| v + first)));
        let object = ObjectGeometry::new("step", mesh).expect("a mesh");
        let surface = Surface::new(&object);
        let middle = object.center();
        let hand = 0;
        let palm = &palms[hand];
        let down = UnitQuaternion::rotation_between(&palm.inward, &-Vector3::z()).expect("a turn");
        let grasp = Grasp {
            point: -middle,
            normal: Unit::new_normalize(Vector3::z()),
            lift: 0.002,
            rotation: down,
            closes: false,
        };
        let turned = Turned::new(&grasp, palm, &flesh[hand], &surface);
        // Fingers along x, toward the block, or away from it.
        let along = down * palm.along.into_inner();
        let into = -along.y.atan2(along.x);
        let away = into + std::f32::consts::PI;
        let depth = |angle: f32| {
            let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle) * down;
            assert!(
                (turned.angle(&rotation) - angle).rem_euclid(std::f32::consts::TAU) < 1e-3
                    || (angle - turned.angle(&rotation)).rem_euclid(std::f32::consts::TAU) < 1e-3
            );
            turned.at(turned.angle(&rotation))
        };
        let flat = depth(std::f32::consts::FRAC_PI_2 + into);
        let both = [depth(into), depth(away)];
        assert!(both[0].max(both[1]) > 0.008, "{both:?}");
        assert!(
            flat < 0.006 && flat < both[0].max(both[1]),
            "{flat} {both:?}"
        );
        // Between two angles that were looked at it goes over evenly.
        let step = std::f32::consts::TAU / AROUND as f32;
        let [a, b, c] = [1.0, 1.5, 2.0].map(|k| turned.at(k * step));
        assert!((b - (a + c) / 2.0).abs() < 1e-5);
    }
}
