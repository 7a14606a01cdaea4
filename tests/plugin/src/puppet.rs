//! A person without a file: the model's own skeleton as a rig, and clips made of formulas.
//!
//! On this rig retargeting is exact ([`put_on`]), so tests of playback compare with forward kinematics and do not
//! depend on how well any solver does.

use std::sync::Arc;

use bevy::prelude::*;
use bevy_chois::avatar::{Avatar, AvatarRig};
use bevy_chois::clip::bake::{BakeJob, Retargeter};
use bevy_chois::clip::{ClipPlugin, MotionClip};
use bevy_chois::frame;
use bevy_chois::playback::PlaybackPlugin;
use chois::motion::{FPS, Frame};
use chois::retarget::{Bone, Rig, RigClip, RigHints, RootPlace, find_bones};
use chois::skeleton::{JOINTS, NAMES, PARENTS, Pose, ROTATIONS, Skeleton, joint, local_rotations};
use nalgebra::{UnitQuaternion, Vector3};

/// The model's skeleton as a rig: its joints are bones, named as they are, in metres; the rest pose is the bind pose,
/// the pelvis a metre up.
pub fn rig(skeleton: &Skeleton) -> Rig {
    let bones = (0..JOINTS).map(|j| Bone {
        name: NAMES[j].into(),
        parent: PARENTS[j],
        translation: match PARENTS[j] {
            Some(_) => skeleton.rest_offsets[j],
            None => Vector3::y(),
        },
        rotation: UnitQuaternion::identity(),
        scale: Vector3::repeat(1.0),
        skinned: true,
    });
    Rig {
        bones: bones.collect(),
    }
}

/// A clip on [`rig`]: exact. The root stands under the pelvis, unturned.
///
/// # Errors
/// [`chois::error::Error::Invalid`] when the rig is no [`rig`].
pub fn put_on(job: &BakeJob) -> chois::error::Result<RigClip> {
    if job.rig.bones.len() != JOINTS {
        return Err(chois::error::Error::invalid("rig", "it is no puppet"));
    }
    let motion = &job.motion;
    let to_y_up = chois::frame::y_up_to_z_up().inverse();
    let mut rotations = Vec::new();
    let mut roots = Vec::new();
    let mut hips = Vec::new();
    for frame in &motion.frames {
        let mut local = local_rotations(&frame.pose.rotations);
        local[joint::PELVIS] = to_y_up * local[joint::PELVIS];
        rotations.extend(local);
        let root = frame.pose.root;
        hips.push(Vector3::new(0.0, root.z / job.scale, 0.0));
        roots.push(RootPlace {
            position: Vector3::new(root.x, root.y, 0.0),
            rotation: UnitQuaternion::identity(),
        });
    }
    Ok(RigClip {
        fps: motion.fps,
        bones: (0..ROTATIONS).collect(),
        rotations,
        hips: joint::PELVIS,
        hips_translations: hips,
        roots,
    })
}

/// Bevy with clips and playback, and [`put_on`] as the solver; nothing else of the plugin.
pub fn app() -> App {
    app_reading(&crate::assets())
}

/// The same, reading the assets of another folder.
pub fn app_reading(folder: &std::path::Path) -> App {
    let mut app = crate::engine(folder);
    app.add_plugins((ClipPlugin, PlaybackPlugin));
    app.insert_resource(Retargeter(Arc::new(put_on)));
    app
}

/// Spawns a puppet: an avatar with its bones, in its bind pose.
pub fn spawn(app: &mut App, transform: Transform) -> Entity {
    let rig = Arc::new(rig(&Skeleton::adult()));
    spawn_with(app, transform, rig)
}

/// Spawns a puppet that shares its rig with others.
pub fn spawn_with(app: &mut App, transform: Transform, rig: Arc<Rig>) -> Entity {
    let world = app.world_mut();
    let avatar = world.spawn((Avatar::default(), transform)).id();
    let mut bones: Vec<Entity> = Vec::new();
    for bone in &rig.bones {
        let parent = bone.parent.map_or(avatar, |p| bones[p]);
        let transform = Transform {
            translation: frame::same_vec3(bone.translation),
            rotation: frame::same_quat(bone.rotation),
            scale: frame::same_vec3(bone.scale),
        };
        let name = Name::new(bone.name.clone());
        bones.push(world.spawn((name, transform, ChildOf(parent))).id());
    }
    // Rigs that are no people are for tests of what is refused.
    let map = find_bones(&rig, &RigHints::default()).unwrap_or_default();
    world.entity_mut(avatar).insert(AvatarRig {
        map: Arc::new(map),
        rig,
        bones,
        followers: Vec::new(),
    });
    avatar
}

/// Entity of a bone of a puppet, by joint.
pub fn bone(app: &App, avatar: Entity, joint: usize) -> Entity {
    let rig = app.world().get::<AvatarRig>(avatar);
    rig.map_or(Entity::PLACEHOLDER, |rig| rig.bones[joint])
}

/// When the hands of [`clip`] touch the box, frames.
pub const TOUCH: std::ops::Range<usize> = 30..70;

/// Somebody walks, swings the arms, and carries a box from [`TOUCH`]'s beginning to its end, when both rest: `frames`
/// at 30 a second.
pub fn clip(frames: usize) -> chois::motion::MotionClip {
    let turn = chois::frame::y_up_to_z_up();
    let frame = |f: usize| {
        let t = f as f32 / FPS;
        let ease = |from: f32, to: f32| {
            let s = ((t - from) / (to - from)).clamp(0.0, 1.0);
            s * s * (3.0 - 2.0 * s)
        };
        let mut local = [UnitQuaternion::identity(); ROTATIONS];
        local[joint::PELVIS] =
            turn * UnitQuaternion::from_euler_angles(0.05 * (3.0 * t).sin(), 0.3 * t.sin(), 0.0);
        let swing = |phase: f32| (4.0 * t + phase).sin();
        local[joint::LEFT_SHOULDER] =
            UnitQuaternion::from_euler_angles(0.5 * swing(0.0), 0.0, -1.2 + 0.1 * swing(1.0));
        local[joint::RIGHT_SHOULDER] =
            UnitQuaternion::from_euler_angles(-0.5 * swing(0.0), 0.0, 1.2 + 0.1 * swing(2.0));
        local[joint::LEFT_ELBOW] =
            UnitQuaternion::from_euler_angles(0.0, -0.6 + 0.4 * swing(0.5), 0.0);
        local[joint::RIGHT_ELBOW] =
            UnitQuaternion::from_euler_angles(0.0, 0.6 + 0.4 * swing(0.7), 0.0);
        local[joint::LEFT_HIP] = UnitQuaternion::from_euler_angles(0.4 * swing(0.0), 0.0, 0.0);
        local[joint::RIGHT_HIP] = UnitQuaternion::from_euler_angles(-0.4 * swing(0.0), 0.0, 0.0);
        local[joint::LEFT_KNEE] =
            UnitQuaternion::from_euler_angles(0.3 - 0.3 * swing(0.3), 0.0, 0.0);
        local[joint::RIGHT_KNEE] =
            UnitQuaternion::from_euler_angles(0.3 + 0.3 * swing(0.3), 0.0, 0.0);
        let (from, to) = (TOUCH.start as f32 / FPS, TOUCH.end as f32 / FPS);
        let carried = ease(from, to);
        let lifted = 4.0 * carried * (1.0 - carried);
        let touches = f32::from(u8::from(TOUCH.contains(&f)));
        Frame {
            pose: Pose {
                root: Vector3::new(
                    0.1 * (2.0 * t).sin(),
                    -0.7 * t,
                    0.9 + 0.02 * (8.0 * t).sin(),
                ),
                rotations: chois::skeleton::world_rotations(&local),
            },
            object_position: Vector3::new(0.2, -0.5 - 1.0 * carried, 0.2 + 0.4 * lifted),
            object_rotation: UnitQuaternion::from_euler_angles(0.0, 0.2 * lifted, 0.5 * carried),
            contact: [touches, touches, 0.0, 0.0],
        }
    };
    chois::motion::MotionClip {
        name: "puppet".into(),
        subject: String::new(),
        object: "box".into(),
        text: "Carry the box.".into(),
        fps: FPS,
        skeleton: Skeleton::adult(),
        frames: (0..frames).map(frame).collect(),
    }
}

/// A clip as an asset.
pub fn add(app: &mut App, clip: chois::motion::MotionClip) -> Handle<MotionClip> {
    app.world_mut()
        .resource_mut::<Assets<MotionClip>>()
        .add(MotionClip::from(clip))
}

/// Where an entity stands in the world, from the transforms of the moment.
pub fn place(app: &App, entity: Entity) -> Isometry3d {
    let world = app.world();
    let mut affine = bevy::math::Affine3A::IDENTITY;
    let mut next = Some(entity);
    while let Some(entity) = next {
        if let Some(transform) = world.get::<Transform>(entity) {
            affine = transform.compute_affine() * affine;
        }
        next = world.get::<ChildOf>(entity).map(ChildOf::parent);
    }
    let (_, rotation, translation) = affine.to_scale_rotation_translation();
    Isometry3d::new(translation, rotation)
}
