//! Clips as Bevy `AnimationClip`s, for a game's own animation graph.
//!
//! [`ClipAnimations::bake`] gives a handle at once and fills it in the background. The curves are named by the
//! `AnimationTargetId`s that the avatar's bones carry: those of its glTF scene where that has animations of its own, so
//! that one graph blends, masks and cross-fades both; ours ([`rig_targets`]) elsewhere, and then the avatar gets an
//! `AnimationPlayer` too. See [`AnimationTargets`].
//!
//! An [`InteractionPlayer`](crate::playback::InteractionPlayer) is written after Bevy's animation and covers it, so use one or the
//! other for a bone at a time, or fade with [`InteractionPlayer::weight`](crate::playback::InteractionPlayer::weight).

use std::sync::Arc;

use bevy::animation::{
    AnimatedBy, AnimationClip, AnimationEvent, AnimationPlayer, AnimationTargetId, animated_field,
    animation_curves::{AnimatableCurve, AnimatedField},
};
use bevy::asset::{Assets, Handle};
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::event::EntityEvent;
use bevy::ecs::message::Message;
use bevy::ecs::query::Without;
use bevy::ecs::resource::Resource;
use bevy::ecs::system::{Commands, Query, Res, ResMut, SystemParam};
use bevy::log::error;
use bevy::math::curve::{Curve, Interval};
use bevy::math::{Isometry3d, Quat, Vec3, Vec4};
use bevy::reflect::Reflect;
use bevy::transform::components::{GlobalTransform, Transform};
use chois::motion::ContactPart;
use chois::motion::spline::Tap;
use chois::retarget::Rig;

use super::bake::{BakeJob, Baked, BakedClips, Retargeter};
use super::{MotionClip, RiggedClip};
use crate::avatar::AvatarRig;
use crate::object::{Interactable, ObjectShape};

/// What of a clip becomes part of an `AnimationClip`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnimationOptions {
    /// Where the clip's world stands in the frame of the avatar's parent: then the avatar's root moves. None: it stays
    /// where it is and the person moves on the spot.
    pub root_motion: Option<Isometry3d>,
    /// Whether the object's motion is part of it (with [`Self::root_motion`]; the target is [`object_target`]).
    pub object: bool,
}

/// A touch in an `AnimationClip`, triggered on the entity with the `AnimationPlayer`.
#[derive(AnimationEvent, Clone, Copy, Debug, PartialEq)]
pub struct ClipTouch {
    /// What touches.
    pub part: ContactPart,
    /// Whether it begins to touch; else it lets go.
    pub made: bool,
}

/// The names of an avatar's bones in `AnimationClip`s. Inserted on the avatar by the first [`ClipAnimations::bake`];
/// bones that had no target then have one, and a player.
#[derive(Component, Clone, Debug)]
pub struct AnimationTargets {
    /// The entity whose `AnimationPlayer` moves the bones: where the glTF scene has one, that; else the avatar.
    pub player: Entity,
    /// The name of each bone of the avatar's rig, in its order.
    pub bones: Vec<AnimationTargetId>,
    /// The name of the avatar's own entity, for root motion.
    pub root: AnimationTargetId,
}

/// An `AnimationClip` that was asked for is there. On the avatar.
#[derive(EntityEvent, Message, Clone, Debug)]
pub struct AnimationBaked {
    /// The avatar.
    pub entity: Entity,
    /// The handle that was given.
    pub animation: Handle<AnimationClip>,
}

/// An `AnimationClip` that was asked for will not come. On the avatar.
#[derive(EntityEvent, Message, Clone, Debug)]
pub struct AnimationFailed {
    /// The avatar.
    pub entity: Entity,
    /// The handle that was given.
    pub animation: Handle<AnimationClip>,
    /// Why, and what to do.
    pub reason: Arc<str>,
}

/// The target of an avatar's own entity.
pub fn root_target() -> AnimationTargetId {
    AnimationTargetId::from_iter(["bevy_chois", "avatar"])
}

/// The target of the object: put it, with `AnimatedBy` the avatar's player, on the entity that is to move.
pub fn object_target() -> AnimationTargetId {
    AnimationTargetId::from_iter(["bevy_chois", "object"])
}

/// Names for the bones of a rig whose scene gives them none: the path of names from the root, as glTF scenes have it.
pub fn rig_targets(rig: &Rig) -> Vec<AnimationTargetId> {
    let mut paths: Vec<Vec<&str>> = Vec::with_capacity(rig.bones.len());
    for bone in &rig.bones {
        let mut path = bone.parent.map_or_else(Vec::new, |p| paths[p].clone());
        path.push(&bone.name);
        paths.push(path);
    }
    paths
        .into_iter()
        .map(AnimationTargetId::from_iter)
        .collect()
}

/// A clip as an `AnimationClip`: smooth curves (see [`chois::motion::spline`]) for every bone that moves, and a
/// [`ClipTouch`] where a touch begins and ends. `bones` names the bones of the rig, in its order.
pub fn to_animation_clip(
    clip: &RiggedClip,
    bones: &[AnimationTargetId],
    options: &AnimationOptions,
) -> AnimationClip {
    let mut animation = AnimationClip::default();
    animation.set_duration(clip.duration());
    let fps = clip.fps();
    for (k, (bone, bind)) in clip.bones().iter().enumerate() {
        let Some(&target) = bones.get(*bone) else {
            continue;
        };
        if let Some(coefficients) = clip.rotation_curve(k) {
            add_rotation(&mut animation, target, fps, coefficients);
        }
        // A game's own clips may move any bone; ours says where it belongs.
        let translations = clip
            .translation_curve(k)
            .map_or_else(|| vec![bind.translation; 2], <[Vec3]>::to_vec);
        let fps = if translations.len() == clip.frames() {
            fps
        } else {
            1.0 / clip.duration().max(1e-6)
        };
        add_translation(&mut animation, target, fps, translations);
    }
    if let Some(origin) = options.root_motion {
        let mut moving = |target, (positions, rotations): (&[Vec3], &[Vec4])| {
            let turned = |q: &Vec4| Vec4::from(origin.rotation * Quat::from_vec4(*q));
            let moved = |v: &Vec3| origin.transform_point(*v).into();
            add_translation(
                &mut animation,
                target,
                fps,
                positions.iter().map(moved).collect(),
            );
            add_rotation(
                &mut animation,
                target,
                fps,
                rotations.iter().map(turned).collect(),
            );
        };
        moving(root_target(), clip.root_curves());
        if let Some(object) = clip.object_curves().filter(|_| options.object) {
            moving(object_target(), object);
        }
    }
    for touch in clip.touches() {
        let part = touch.part;
        animation.add_event(touch.begins, ClipTouch { part, made: true });
        animation.add_event(touch.ends, ClipTouch { part, made: false });
    }
    animation
}

fn add_rotation(
    animation: &mut AnimationClip,
    target: AnimationTargetId,
    fps: f32,
    coefficients: Vec<Vec4>,
) {
    let curve = RotationCurve { fps, coefficients };
    let property = animated_field!(Transform::rotation);
    animation.add_curve_to_target(target, AnimatableCurve::new(property, curve));
}

fn add_translation(
    animation: &mut AnimationClip,
    target: AnimationTargetId,
    fps: f32,
    coefficients: Vec<Vec3>,
) {
    let curve = TranslationCurve { fps, coefficients };
    let property = animated_field!(Transform::translation);
    animation.add_curve_to_target(target, AnimatableCurve::new(property, curve));
}

/// A spline of rotations (see [`chois::motion::spline`]): coefficients x y z w at regular times.
#[derive(Clone, Debug, PartialEq, Reflect)]
pub struct RotationCurve {
    fps: f32,
    coefficients: Vec<Vec4>,
}

/// A spline of translations (see [`chois::motion::spline`]): coefficients at regular times.
#[derive(Clone, Debug, PartialEq, Reflect)]
pub struct TranslationCurve {
    fps: f32,
    coefficients: Vec<Vec3>,
}

fn domain(frames: usize, fps: f32) -> Interval {
    Interval::new(0.0, frames.saturating_sub(1) as f32 / fps).unwrap_or(Interval::UNIT)
}

impl Curve<Quat> for RotationCurve {
    fn domain(&self) -> Interval {
        domain(self.coefficients.len(), self.fps)
    }

    fn sample_unchecked(&self, t: f32) -> Quat {
        let tap = Tap::new(t * self.fps, self.coefficients.len());
        Quat::from_vec4(tap.value(&self.coefficients, 1, 0)).normalize()
    }
}

impl Curve<Vec3> for TranslationCurve {
    fn domain(&self) -> Interval {
        domain(self.coefficients.len(), self.fps)
    }

    fn sample_unchecked(&self, t: f32) -> Vec3 {
        Tap::new(t * self.fps, self.coefficients.len()).value(&self.coefficients, 1, 0)
    }
}

/// What was asked for and is not there yet.
#[derive(Resource, Default)]
pub(super) struct Wanted(Vec<Want>);

struct Want {
    avatar: Entity,
    object: Option<Entity>,
    clip: Handle<MotionClip>,
    options: AnimationOptions,
    animation: Handle<AnimationClip>,
}

/// Turns clips into `AnimationClip`s of avatars.
#[derive(SystemParam)]
pub struct ClipAnimations<'w> {
    animations: Option<Res<'w, Assets<AnimationClip>>>,
    wanted: ResMut<'w, Wanted>,
}

impl ClipAnimations<'_> {
    /// The clip as an animation of an avatar. The handle is good at once (for an animation graph, say); the animation
    /// follows when the clip is loaded, the avatar's bones are found and the clip is on them: [`AnimationBaked`], or
    /// [`AnimationFailed`] when the avatar is gone or the clip cannot be put on it. `object` is the thing in hand, so
    /// that the hands fit its shape.
    pub fn bake(
        &mut self,
        avatar: Entity,
        clip: Handle<MotionClip>,
        object: Option<Entity>,
        options: AnimationOptions,
    ) -> Handle<AnimationClip> {
        let animation = match &self.animations {
            Some(animations) => animations.reserve_handle(),
            None => {
                error!("clips cannot become animations without Bevy's AnimationPlugin; add it");
                return Handle::default();
            }
        };
        self.wanted.0.push(Want {
            avatar,
            object,
            clip,
            options,
            animation: animation.clone(),
        });
        animation
    }
}

/// Makes what was asked for and can be made.
pub(super) fn make(
    mut commands: Commands,
    mut wanted: ResMut<Wanted>,
    clips: Res<Assets<MotionClip>>,
    animations: Option<ResMut<Assets<AnimationClip>>>,
    retargeter: Res<Retargeter>,
    mut baked: ResMut<BakedClips>,
    avatars: Query<(
        Option<&AvatarRig>,
        Option<&GlobalTransform>,
        Option<&AnimationTargets>,
    )>,
    shapes: Query<(Option<&Interactable>, Option<&ObjectShape>)>,
    named: Query<(&AnimationTargetId, &AnimatedBy)>,
    unplayed: Query<(), Without<AnimationPlayer>>,
) {
    let Some(mut animations) = animations else {
        return;
    };
    wanted.0.retain(|want| {
        let fail = |commands: &mut Commands, reason: &str| {
            error!("no animation for avatar {}: {reason}", want.avatar);
            let failed = AnimationFailed {
                entity: want.avatar,
                animation: want.animation.clone(),
                reason: reason.into(),
            };
            commands.trigger(failed.clone());
            commands.write_message(failed);
            false
        };
        let Ok((rig, place, targets)) = avatars.get(want.avatar) else {
            return fail(
                &mut commands,
                "it was despawned; ask again for one that lives",
            );
        };
        let (Some(rig), Some(clip)) = (rig, clips.get(&want.clip)) else {
            return true;
        };
        let geometry = match want.object.map(|object| shapes.get(object)) {
            None => None,
            // Its meshes have not spawned yet.
            Some(Ok((Some(_), None))) => return true,
            Some(Ok((_, shape))) => shape.map(|shape| shape.geometry.clone()),
            Some(Err(_)) => {
                return fail(&mut commands, "its object was despawned; ask again without");
            }
        };
        let job = BakeJob {
            motion: clip.motion.clone(),
            rig: rig.rig.clone(),
            map: rig.map.clone(),
            scale: super::plugin::root_scale(place),
            geometry,
        };
        let clip = match baked.get(&job, &retargeter) {
            Baked::Working => return true,
            Baked::Failed(reason) => return fail(&mut commands, &reason),
            Baked::Ready(clip) => clip,
        };
        let bones = match targets {
            Some(targets) => targets.bones.clone(),
            None => {
                let targets = name_bones(&mut commands, want.avatar, rig, &named, &unplayed);
                let bones = targets.bones.clone();
                commands.entity(want.avatar).try_insert(targets);
                bones
            }
        };
        let animation = to_animation_clip(&clip, &bones, &want.options);
        if animations.insert(want.animation.id(), animation).is_ok() {
            let done = AnimationBaked {
                entity: want.avatar,
                animation: want.animation.clone(),
            };
            commands.trigger(done.clone());
            commands.write_message(done);
        }
        false
    });
}

/// Gives a name and a player to every bone that has none.
fn name_bones(
    commands: &mut Commands,
    avatar: Entity,
    rig: &AvatarRig,
    named: &Query<(&AnimationTargetId, &AnimatedBy)>,
    unplayed: &Query<(), Without<AnimationPlayer>>,
) -> AnimationTargets {
    let player = rig
        .bones
        .iter()
        .find_map(|bone| named.get(*bone).ok())
        .map_or(avatar, |(_, AnimatedBy(player))| *player);
    if unplayed.contains(player) {
        commands
            .entity(player)
            .try_insert(AnimationPlayer::default());
    }
    let ours = rig_targets(&rig.rig);
    let bones = rig
        .bones
        .iter()
        .zip(ours)
        .map(|(bone, ours)| match named.get(*bone) {
            Ok((id, _)) => *id,
            Err(_) => {
                commands
                    .entity(*bone)
                    .try_insert((ours, AnimatedBy(player)));
                ours
            }
        })
        .collect();
    let root = root_target();
    commands
        .entity(avatar)
        .try_insert((root, AnimatedBy(player)));
    AnimationTargets {
        player,
        bones,
        root,
    }
}
