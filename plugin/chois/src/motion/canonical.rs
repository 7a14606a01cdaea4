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
    /// The frame of a person with this pelvis position and rotation at the first frame: the pelvis stands over the
    /// origin.
    pub fn of(pelvis: &Vector3<f32>, rotation: &UnitQuaternion<f32>) -> Self {
        Self::of_subject(pelvis, rotation, &Vector3::zeros())
    }

    /// The frame as published, for a subject whose SMPL translation is the pelvis position plus `trans2joint`
    /// (specification, section 2, steps 5 and 6). Translations are turned, but the pelvis then lies at the turned
    /// translation minus `trans2joint` *unturned*, and the object's centre makes the same detour. Both are carried
    /// along by the turned `trans2joint` minus itself, so that the pelvis stands at minus `trans2joint` (x and y), not
    /// over the origin. Official checkpoints learned this.
    pub fn of_subject(
        pelvis: &Vector3<f32>,
        rotation: &UnitQuaternion<f32>,
        trans2joint: &Vector3<f32>,
    ) -> Self {
        let rotation = heading(rotation).inverse();
        let shift = rotation * pelvis + trans2joint;
        Self {
            rotation,
            origin: Vector3::new(shift.x, shift.y, 0.0),
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
    turn_between(&Vector3::x(), &(flat / (flat.norm() + 1e-8)))
}

/// The shortest turn that carries direction `a` to direction `b`; half a turn about z where they are opposite.
pub fn turn_between(a: &Vector3<f32>, b: &Vector3<f32>) -> UnitQuaternion<f32> {
    let cross = a.cross(b);
    let w = (a.norm_squared() * b.norm_squared()).sqrt() + a.dot(b);
    let n = (w * w + cross.norm_squared()).sqrt();
    if n < 1e-7 {
        // The half-vector form cannot express half a turn.
        return UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f32::consts::PI);
    }
    UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(
        w / n,
        cross.x / n,
        cross.y / n,
        cross.z / n,
    ))
}
