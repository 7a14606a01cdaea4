//! The object in hand: whose its transform is, and what touches it.

use bevy::ecs::change_detection::DetectChangesMut;
use bevy::ecs::world::World;
use bevy::log::{debug, warn};
use bevy::math::{Isometry3d, Vec3};
use bevy::transform::components::Transform;
use chois::motion::ContactPart;

use super::events::{
    ContactLost, ContactMade, InteractionInterrupted, InterruptReason, ObjectReleased, ObjectTaken,
    tell,
};
use super::play::Turn;
use super::player::{Decay, Phase};
use super::{HeldBy, InteractionState};
use crate::clip::RiggedClip;

/// The object may differ by this from where we put it, metres and radians: physics engines round.
const TOUCHED: f32 = 2e-3;
/// When a looping clip begins again, avatar and object go back smoothly from up to so far, metres.
pub(super) const LOOP_STEP: f32 = 0.25;

/// In the order of the contact channels.
const PARTS: [ContactPart; 4] = [
    ContactPart::LeftHand,
    ContactPart::RightHand,
    ContactPart::LeftFoot,
    ContactPart::RightFoot,
];

/// How the object comes to where the clip has it when the clip takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Take {
    /// From where it stands; the clip's pose to go over from is this old, seconds.
    Smoothly {
        /// Seconds.
        age: f32,
    },
    /// At once.
    AtOnce,
    /// The clip begins again: smoothly when it is near.
    Again,
}

/// Whether somebody else has moved what we have put somewhere.
pub(super) fn is_moved(put: &Transform, present: &Transform) -> bool {
    // Not by `angle_between`: of two equal quaternions whose length is off by rounding it makes some hundredths.
    let turn = 2.0 * (put.rotation.inverse() * present.rotation).xyz().length();
    // What is no number is elsewhere.
    !(put.translation.distance(present.translation) <= TOUCHED && turn <= TOUCHED)
}

impl Turn<'_, '_, '_, '_> {
    /// Sees to it that the object is ours while the clip moves it, and the game's when not. False when the interaction
    /// was interrupted.
    pub(super) fn take_object(&mut self, clip: &RiggedClip, how: Take) -> bool {
        let Some(object) = self.player.object else {
            return true;
        };
        let ours = self.player.moves_object();
        let refused = self.player.refused.take();
        if !ours && self.player.driven == 0 {
            // The game's: who has it now, and whether it is there at all, is nothing to us.
            return true;
        }
        if self.player.live.lost {
            // The game took it out of the hands.
            self.release(true);
            return true;
        }
        let Ok(present) = self.scene.transforms.get(object).copied() else {
            self.interrupt(InterruptReason::ObjectDespawned);
            return false;
        };
        let holder = self.scene.held.get(object).ok().map(|held| held.avatar);
        if let Some(by) = holder.filter(|by| *by != self.avatar) {
            // Who gives it back in this very frame loses the marker only when all have had their turn.
            if self.player.driven == 0 && refused.is_none() {
                self.player.refused = Some(how);
                return true;
            }
            self.interrupt(InterruptReason::ObjectHeld { by });
            return false;
        }
        // What was to be exact is exact a frame later, too.
        let how = refused.filter(|_| how != Take::AtOnce).unwrap_or(how);
        let put = self.player.object_places[0];
        let driven = self.player.driven;
        if driven > 0 && self.player.live.drives() {
            if driven > 1 && holder.is_none() {
                self.player.live.grabbed = true;
            }
            // Given back after physics has brought it to this frame: [`Self::release_live`].
            return true;
        }
        if driven > 0 {
            let moved = is_moved(&put, &present);
            // The marker is there from the frame after the one in which we asked for it.
            if moved || driven > 1 && holder.is_none() {
                self.interrupt(InterruptReason::ObjectMoved);
                return false;
            }
        }
        if !ours {
            // A seek or a long frame may have come from far: it stands where the clip puts it down.
            self.pose_object(clip, &clip.tap(clip.release()));
            self.release(false);
            return true;
        }
        if driven == 0 {
            let avatar = self.avatar;
            (self.scene.commands.entity(object)).try_insert(HeldBy { avatar });
            let taken = ObjectTaken {
                entity: object,
                avatar,
            };
            tell(&mut self.scene.commands, taken);
            self.player.driven = 1;
        } else if matches!(how, Take::Smoothly { .. }) {
            // It is under way.
            return true;
        }
        let tap = clip.tap(self.player.time);
        let speed = self.moving_speed();
        let Some(target) = self.object(clip, &tap, speed) else {
            return true;
        };
        let far = target.translation.distance(present.translation) > LOOP_STEP;
        let (age, blend_in) = match how {
            Take::AtOnce => (0.0, 0.0),
            Take::Again if far => (0.0, 0.0),
            Take::Again => (self.dt, self.interaction.blend_in),
            Take::Smoothly { age } => (age, self.interaction.blend_in),
        };
        if put == present {
            self.player.blend_object(&target, blend_in, age, self.dt);
        } else {
            // Where it was a frame ago is not known.
            self.player.object_places = [present; 2];
            self.player.blend_object(&target, blend_in, 0.0, 0.0);
        }
        true
    }

    /// Gives back what physics drove up to this frame, when the clip has put it down.
    pub(super) fn release_live(&mut self, clip: &RiggedClip) {
        if self.player.driven == 0 || self.player.time <= clip.release() {
            return;
        }
        if !self.player.live.drives() && !self.player.live.lost {
            // After a seek physics begins anew, and has not come here.
            self.pose_object(clip, &clip.tap(clip.release()));
        }
        self.release(self.player.live.lost);
    }

    /// Gives the object back to the game, if the clip has it and the game has not `taken` it.
    pub(super) fn release(&mut self, taken: bool) {
        if self.player.driven == 0 {
            return;
        }
        self.player.driven = 0;
        self.player.object_decay = Decay::default();
        let (Some(object), avatar) = (self.player.object, self.avatar) else {
            return;
        };
        if self.scene.transforms.get(object).is_err() {
            return;
        }
        // Somebody else may have taken it meanwhile.
        self.scene.commands.queue(move |world: &mut World| {
            if world.get::<HeldBy>(object) == Some(&HeldBy { avatar })
                && let Ok(mut object) = world.get_entity_mut(object)
            {
                object.remove::<HeldBy>();
            }
        });
        let turn = self.player.settings.origin.rotation;
        let live = self.player.live.velocity();
        let (velocity, angular_velocity) = match (live, &self.player.playing) {
            (Some((velocity, angular)), _) => (turn * velocity, turn * angular),
            (None, Some(ready)) => {
                let tap = ready.clip.tap(self.player.time);
                let (velocity, angular) = ready.clip.object_velocity(&tap);
                let speed = self.moving_speed();
                (turn * velocity * speed, turn * angular * speed)
            }
            (None, None) => Default::default(),
        };
        tell(
            &mut self.scene.commands,
            ObjectReleased {
                entity: object,
                avatar,
                velocity,
                angular_velocity,
                taken,
            },
        );
    }

    /// Tells which parts touch now and did not, and the other way round.
    pub(super) fn touch(&mut self, clip: &RiggedClip) {
        let time = self.player.time;
        let mut touching = 0;
        for touch in clip.touches() {
            if touch.begins <= time && time < touch.ends {
                touching |= 1 << touch.part as u8;
            }
        }
        // With physics, hands touch what they hold.
        if let Some((holding, _)) = self.player.live.held() {
            for (part, holds) in PARTS.iter().zip(holding) {
                let bit = 1 << *part as u8;
                touching = touching & !bit | if holds { bit } else { 0 };
            }
        }
        self.tell_touches(clip, touching);
    }

    /// Ends contact and hold; the game may have `taken` the object.
    pub(super) fn let_go(&mut self, taken: bool) {
        if let Some(clip) = self.player.playing.as_ref().map(|p| p.clip.clone()) {
            self.tell_touches(&clip, 0);
        }
        self.release(taken);
    }

    fn tell_touches(&mut self, clip: &RiggedClip, touching: u8) {
        let changed = touching ^ self.player.touching;
        if changed == 0 {
            return;
        }
        self.player.touching = touching;
        let object = self.player.object;
        let (avatar, time) = (self.avatar, self.player.time);
        let live = self.player.live.held();
        for part in PARTS {
            let bit = 1 << part as u8;
            if changed & bit == 0 {
                continue;
            }
            let made = touching & bit != 0;
            // The touch that begins or ends nearest to now.
            let away = |t: f32| (t - time).abs();
            let edge = |begins: f32, ends: f32| if made { begins } else { ends };
            let nearest = (clip.touches().iter())
                .filter(|t| t.part == part)
                .min_by(|a, b| {
                    away(edge(a.begins, a.ends)).total_cmp(&away(edge(b.begins, b.ends)))
                });
            let held = live.and_then(|(_, points)| points.get(part as usize).copied());
            let planned = nearest.map_or(Vec3::ZERO, |t| t.points[usize::from(!made)]);
            let point = held.unwrap_or(planned);
            let point = self.object_point(clip, point);
            if made {
                let made = ContactMade {
                    entity: avatar,
                    object,
                    part,
                    point,
                };
                tell(&mut self.scene.commands, made);
            } else {
                let lost = ContactLost {
                    entity: avatar,
                    object,
                    part,
                    point,
                };
                tell(&mut self.scene.commands, lost);
            }
        }
    }

    /// A point of the object in the world: of the one in the game, or of the clip's where there is none.
    fn object_point(&self, clip: &RiggedClip, point: Vec3) -> Vec3 {
        if let Some(object) = self.player.object
            && let Ok(transform) = self.scene.transforms.get(object)
        {
            // The shape is in metres, whatever the entity's scale.
            let local = Isometry3d::new(transform.translation, transform.rotation);
            return match self.parent(object) {
                None => local.transform_point(point).into(),
                Some((affine, rotation)) => {
                    affine.transform_point3(transform.translation)
                        + rotation * (transform.rotation * point)
                }
            };
        }
        let place = clip.object(&clip.tap(self.player.time));
        (self.player.settings.origin * place.unwrap_or_default())
            .transform_point(point)
            .into()
    }

    /// Ends what plays early: tells it, gives the object back and lets the avatar come to rest. What is wanted next
    /// is not touched.
    pub(super) fn interrupt(&mut self, reason: InterruptReason) {
        let taken = matches!(
            reason,
            InterruptReason::ObjectMoved | InterruptReason::ObjectHeld { .. }
        );
        self.let_go(taken);
        self.player.phase = match self.player.phase {
            Phase::Playing => Phase::Stopping(0.0),
            Phase::Finished => Phase::Idle,
            other => other,
        };
        if reason != InterruptReason::Replaced {
            self.state.set_if_neq(InteractionState::Interrupted);
        }
        match reason {
            // The game's own doing.
            InterruptReason::Removed
            | InterruptReason::Replaced
            | InterruptReason::AvatarDespawned => {
                debug!("interaction of avatar {} ended: {reason}", self.avatar);
            }
            _ => warn!("interaction of avatar {} ended: {reason}", self.avatar),
        }
        let interrupted = InteractionInterrupted {
            entity: self.avatar,
            object: self.player.object,
            reason,
        };
        tell(&mut self.scene.commands, interrupted);
    }
}

#[cfg(test)]
mod tests {
    use bevy::math::{Quat, Vec3};

    use super::*;

    #[test]
    fn rounding_moves_nothing_and_somebody_does() {
        // A rotation between two close ones, a hundred-thousandth too short.
        let rotation = Quat::from_xyzw(0.002_169_75, 0.017_258_47, -0.004_459_69, 0.999_829_1);
        assert!(rotation.angle_between(rotation) > TOUCHED);
        let put = Transform::from_xyz(0.17, 0.21, -0.03).with_rotation(rotation);
        assert!(!is_moved(&put, &put));
        let other = put.with_rotation(-rotation);
        assert!(!is_moved(&put, &other), "the same rotation");
        assert!(is_moved(
            &put,
            &put.with_rotation(rotation * Quat::from_rotation_y(0.01))
        ));
        let shifted = put.with_translation(put.translation + Vec3::X * 0.01);
        assert!(is_moved(&put, &shifted));
        assert!(is_moved(&put, &put.with_translation(Vec3::NAN)));
    }
}
