//! How people stand while nothing plays: at ease, not in the pose that their bones were bound in.

use bevy::prelude::*;
use bevy_chois::clip::MotionClip;
use bevy_chois::playback::InteractionPlayer;
use chois::motion::{FPS, Frame};
use chois::request::plan::{relaxed, stand};
use chois::skeleton::Skeleton;
use nalgebra::{UnitQuaternion, Vector2, Vector3};

/// Frames of the clip: the least that time can pass in.
const FRAMES: usize = 2;

/// A clip of somebody who stands.
#[derive(Resource, Clone, Debug)]
pub struct Ease(Handle<MotionClip>);

impl FromWorld for Ease {
    fn from_world(world: &mut World) -> Self {
        let clip = MotionClip::from(standing());
        Self(world.resource_mut::<Assets<MotionClip>>().add(clip))
    }
}

impl Ease {
    /// Stands at a place, facing its +Z.
    pub fn at(&self, place: &Transform) -> InteractionPlayer {
        let mut interaction = InteractionPlayer::new(self.0.clone())
            .with_origin(place.to_isometry())
            .with_blend_in(0.0);
        interaction.paused = true;
        interaction
    }
}

/// Stands at the origin. The model's people face its -y, which is Bevy's +Z.
fn standing() -> chois::MotionClip {
    let skeleton = Skeleton::adult();
    let ahead = -std::f32::consts::FRAC_PI_2;
    let frame = Frame {
        pose: stand(&skeleton, &relaxed(), Vector2::zeros(), ahead),
        object_position: Vector3::zeros(),
        object_rotation: UnitQuaternion::identity(),
        contact: [0.0; 4],
    };
    chois::MotionClip {
        name: "at ease".into(),
        subject: String::new(),
        object: String::new(),
        text: String::new(),
        fps: FPS,
        skeleton,
        frames: vec![frame; FRAMES],
    }
}

#[cfg(test)]
mod tests {
    use chois::skeleton::joint;

    use super::*;

    #[test]
    fn arms_hang_and_feet_stand() {
        let joints = standing().joints(0);
        for wrist in [joint::LEFT_WRIST, joint::RIGHT_WRIST] {
            assert!(joints[wrist].z < joints[joint::PELVIS].z + 0.1);
        }
        assert!(joints[joint::LEFT_TOE].z < 0.05 && joints[joint::RIGHT_TOE].z < 0.05);
        // Toes point along the model's -y.
        assert!(joints[joint::LEFT_TOE].y < joints[joint::LEFT_ANKLE].y - 0.05);
    }
}
