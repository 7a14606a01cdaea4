//! What is let go of in the air falls, and stands again: rooms have no other physics.

use bevy::prelude::*;
use bevy::time::Real;
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::HeldBy;
use bevy_chois::playback::events::ObjectReleased;

const GRAVITY: f32 = 9.81;
/// How fast what leans comes upright, per second.
const RIGHTING: f32 = 14.0;
/// Leaning less than this is standing, radians.
const UPRIGHT: f32 = 0.005;
/// Longest step, seconds.
const STEP: f32 = 0.05;

/// On a thing that nobody holds and that does not stand yet.
#[derive(Component, Clone, Copy, Debug)]
pub struct Falling {
    /// How fast it goes down, metres per second.
    speed: f32,
}

/// Marks what was let go of.
pub fn let_go(mut commands: Commands, mut released: MessageReader<ObjectReleased>) {
    for event in released.read() {
        if let Ok(mut thing) = commands.get_entity(event.entity) {
            let speed = (-event.velocity.y).max(0.0);
            thing.try_insert(Falling { speed });
        }
    }
}

/// Lets it fall. In real time: a clip that is paused holds nothing up.
pub fn fall(
    mut commands: Commands,
    time: Res<Time<Real>>,
    mut things: Query<(
        Entity,
        &mut Transform,
        &ObjectShape,
        &mut Falling,
        Has<HeldBy>,
    )>,
) {
    let dt = time.delta_secs().min(STEP);
    for (entity, mut place, shape, mut falling, held) in &mut things {
        let stands = held || falling.step(&mut place, dt, |rotation| shape.lowest(rotation));
        if stands {
            commands.entity(entity).try_remove::<Falling>();
        }
    }
}

impl Falling {
    /// Goes on falling onto the floor at 0; `lowest` is the height of the lowest vertex over the origin. Returns whether it stands.
    fn step(&mut self, place: &mut Transform, dt: f32, lowest: impl Fn(Quat) -> f32) -> bool {
        self.speed += GRAVITY * dt;
        let upright = upright(place.rotation);
        let mut rotation = place.rotation.slerp(upright, 1.0 - (-RIGHTING * dt).exp());
        let straight = rotation.angle_between(upright) < UPRIGHT;
        if straight {
            rotation = upright;
        }
        let floor = -lowest(rotation);
        let height = place.translation.y - self.speed * dt;
        let down = height <= floor;
        place.rotation = rotation;
        place.translation.y = height.max(floor);
        down && straight
    }
}

/// What of a turn is about the vertical.
fn upright(rotation: Quat) -> Quat {
    let twist = Quat::from_xyzw(0.0, rotation.y, 0.0, rotation.w);
    if twist.length_squared() > 1e-6 {
        twist.normalize()
    } else {
        Quat::IDENTITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_and_stands() {
        // A cube of one metre about its origin.
        let lowest = |q: Quat| {
            let axes = [q * Vec3::X, q * Vec3::Y, q * Vec3::Z];
            -0.5 * axes.iter().map(|a| a.y.abs()).sum::<f32>()
        };
        let turn = Quat::from_rotation_y(0.7);
        let mut place =
            Transform::from_xyz(0.3, 1.5, -0.2).with_rotation(Quat::from_rotation_x(0.4) * turn);
        let mut falling = Falling { speed: 0.0 };
        let mut steps = 0;
        while !falling.step(&mut place, 1.0 / 60.0, lowest) {
            assert!(place.translation.y + lowest(place.rotation) > -1e-5);
            steps += 1;
            assert!(steps < 120);
        }
        // A fall of a metre takes 0.45 s.
        assert!(steps > 20);
        assert!((place.translation - Vec3::new(0.3, 0.5, -0.2)).length() < 1e-5);
        assert!((place.rotation * Vec3::Y - Vec3::Y).length() < 1e-5);
    }
}
