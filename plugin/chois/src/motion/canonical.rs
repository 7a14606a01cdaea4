//! The canonical frame of a window (specification, section 2): the person's left axis at the first frame points
//! along +x (the person faces -y) and the person stands at the origin of the floor.

use nalgebra::{UnitQuaternion, Vector3};

use super::features::Window;

/// The turn about z and the shift on the floor that bring a window into its canonical frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canonical {
    /// Turn about z; applied first, about the origin.
    pub rotation: UnitQuaternion<f32>,
    /// Subtracted after the turn; z is zero.
    pub origin: Vector3<f32>,
}

impl Canonical {
    /// The frame for a person with this pelvis position and rotation. `root` is what is put at the origin: SMPL's
    /// `trans` when a subject has one that differs from the pelvis joint.
    pub fn of(root: &Vector3<f32>, pelvis: &UnitQuaternion<f32>) -> Self {
        let rotation = heading(pelvis).inverse();
        let turned = rotation * root;
        Self {
            rotation,
            origin: Vector3::new(turned.x, turned.y, 0.0),
        }
    }

    /// A point of the world in the canonical frame.
    pub fn point(&self, p: &Vector3<f32>) -> Vector3<f32> {
        self.rotation * p - self.origin
    }

    /// A point of the canonical frame in the world.
    pub fn point_back(&self, p: &Vector3<f32>) -> Vector3<f32> {
        self.rotation.inverse() * (p + self.origin)
    }

    /// A window of the world in the canonical frame.
    pub fn apply(&self, window: &mut Window) {
        self.map(window, |p| self.point(p), self.rotation);
    }

    /// A window of the canonical frame in the world.
    pub fn apply_back(&self, window: &mut Window) {
        self.map(window, |p| self.point_back(p), self.rotation.inverse());
    }

    fn map(
        &self,
        window: &mut Window,
        point: impl Fn(&Vector3<f32>) -> Vector3<f32>,
        turn: UnitQuaternion<f32>,
    ) {
        for joint in window.joints.iter_mut().flatten() {
            *joint = point(joint);
        }
        for center in &mut window.object_center {
            *center = point(center);
        }
        for rotation in window.rotations.iter_mut().flatten() {
            *rotation = turn * *rotation;
        }
        for rotation in &mut window.object_rotation {
            *rotation = turn * *rotation;
        }
    }
}

/// The turn about z that carries +x to the body's left axis on the floor. Epsilons are the specification's.
pub fn heading(pelvis: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
    let left = pelvis * Vector3::x();
    let flat = Vector3::new(left.x, left.y, 0.0);
    let f = flat / (flat.norm() + 1e-8);
    let x = Vector3::x();
    let cross = x.cross(&f);
    let w = (x.norm_squared() * f.norm_squared()).sqrt() + x.dot(&f);
    let n = (w * w + cross.norm_squared()).sqrt();
    if n < 1e-7 {
        // Left axis exactly along -x: half a turn, which the half-vector form cannot express.
        return UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f32::consts::PI);
    }
    UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(
        w / n,
        cross.x / n,
        cross.y / n,
        cross.z / n,
    ))
}
