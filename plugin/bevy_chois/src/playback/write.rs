//! Where the clip has bones, avatar and object, and writing it there.

use bevy::ecs::change_detection::DetectChangesMut;
use bevy::ecs::entity::Entity;
use bevy::math::{Affine3A, Isometry3d, Quat, Vec3};
use bevy::transform::components::Transform;
use chois::motion::spline::Tap;

use super::parts::BodyParts;
use super::play::Turn;
use super::player::{Moving, Phase};
use crate::clip::RiggedClip;

impl Turn<'_, '_, '_, '_> {
    /// Where the clip has the avatar's entity, in its parent's frame.
    pub(super) fn root(&self, clip: &RiggedClip, tap: &Tap, speed: f32) -> Moving {
        let (velocity, turn) = clip.root_velocity(tap);
        self.local(self.avatar, clip.root(tap), velocity * speed, turn * speed)
    }

    /// Where the clip has the object's entity, in its parent's frame.
    pub(super) fn object(&self, clip: &RiggedClip, tap: &Tap, speed: f32) -> Option<Moving> {
        let (velocity, turn) = clip.object_velocity(tap);
        let place = clip.object(tap)?;
        let object = self.player.object?;
        Some(self.local(object, place, velocity * speed, turn * speed))
    }

    /// From the clip's world to the frame of an entity's parent.
    pub(super) fn local(
        &self,
        entity: Entity,
        place: Isometry3d,
        velocity: Vec3,
        turn: Vec3,
    ) -> Moving {
        let origin = self.player.settings.origin;
        let place = origin * place;
        let moving = Moving {
            translation: place.translation.into(),
            rotation: place.rotation,
            velocity: origin.rotation * velocity,
            angular_velocity: origin.rotation * turn,
        };
        let Some((affine, rotation)) = self.parent(entity) else {
            return moving;
        };
        let (inverse, back) = (affine.inverse(), rotation.inverse());
        let local = Moving {
            translation: inverse.transform_point3(moving.translation),
            rotation: back * moving.rotation,
            velocity: inverse.transform_vector3(moving.velocity),
            angular_velocity: back * moving.angular_velocity,
        };
        // A parent scaled to nothing shows nothing either.
        if local.translation.is_finite() && local.rotation.is_finite() {
            local
        } else {
            moving
        }
    }

    /// Where an entity's parent stands in the world this very frame, and its rotation; none for an entity without.
    pub(super) fn parent(&self, entity: Entity) -> Option<(Affine3A, Quat)> {
        let mut parent = self.scene.parents.get(entity).ok()?.parent();
        let mut affine = Affine3A::IDENTITY;
        loop {
            if let Ok(transform) = self.scene.transforms.get(parent) {
                affine = transform.compute_affine() * affine;
            }
            match self.scene.parents.get(parent) {
                Ok(next) => parent = next.parent(),
                Err(_) => break,
            }
        }
        let (_, rotation, _) = affine.to_scale_rotation_translation();
        Some((affine, rotation))
    }

    /// Writes the pose of the present time; with `places`, also where avatar and object stand.
    pub(super) fn pose(&mut self, places: bool) {
        let Some(ready) = &self.player.playing else {
            return;
        };
        let clip = ready.clip.clone();
        let tap = clip.tap(self.player.time);
        let stopping = matches!(self.player.phase, Phase::Stopping(_));
        self.pose_bones(&clip, &tap);
        if places || stopping {
            self.pose_root(&clip, &tap);
        }
        if places && self.player.driven > 0 && !self.player.live.drives() {
            self.pose_object(&clip, &tap);
        }
    }

    fn pose_bones(&mut self, clip: &RiggedClip, tap: &Tap) {
        let player = &mut *self.player;
        let Some(ready) = &player.playing else {
            return;
        };
        let settings = player.settings;
        let weight = settings.weight.clamp(0.0, 1.0);
        let left = player.decay.left();
        let all = settings.parts == BodyParts::ALL;
        for (k, (bone, _)) in clip.bones().iter().enumerate() {
            if !all && !settings.parts.contains(player.parts[k]) {
                continue;
            }
            let mut pose = clip.bone(tap, k);
            if let (Some(left), Some(offset)) = (&left, player.offsets.get(k)) {
                offset.lay_over(left, &mut pose.translation, &mut pose.rotation);
            }
            let Ok(mut transform) = self.scene.transforms.get_mut(ready.entities[*bone]) else {
                continue;
            };
            if weight < 1.0 {
                if weight == 0.0 {
                    pose = *transform;
                } else {
                    pose.translation = transform.translation.lerp(pose.translation, weight);
                    pose.rotation = transform.rotation.slerp(pose.rotation, weight);
                    pose.scale = transform.scale.lerp(pose.scale, weight);
                }
            }
            player.before[*bone] = player.now[*bone];
            player.now[*bone] = pose;
            transform.set_if_neq(pose);
        }
    }

    fn pose_root(&mut self, clip: &RiggedClip, tap: &Tap) {
        let mut root = self.root(clip, tap, 0.0);
        let player = &mut *self.player;
        if let Some(left) = player.decay.left() {
            (player.root_offset).lay_over(&left, &mut root.translation, &mut root.rotation);
        }
        if let Ok(mut transform) = self.scene.transforms.get_mut(self.avatar) {
            let place = Transform {
                translation: root.translation,
                rotation: root.rotation,
                scale: transform.scale,
            };
            player.root[1] = player.root[0];
            player.root[0] = place;
            transform.set_if_neq(place);
        }
    }

    pub(super) fn pose_object(&mut self, clip: &RiggedClip, tap: &Tap) {
        let Some(mut place) = self.object(clip, tap, 0.0) else {
            return;
        };
        let player = &mut *self.player;
        if let Some(left) = player.object_decay.left() {
            (player.object_offset).lay_over(&left, &mut place.translation, &mut place.rotation);
        }
        if let Some(Ok(mut transform)) = player.object.map(|o| self.scene.transforms.get_mut(o)) {
            let place = Transform {
                translation: place.translation,
                rotation: place.rotation,
                scale: transform.scale,
            };
            player.object_places[1] = player.object_places[0];
            player.object_places[0] = place;
            player.driven = player.driven.saturating_add(1);
            transform.set_if_neq(place);
        }
    }
}
