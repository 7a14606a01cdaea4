//! Ghosts: the avatar's meshes on skeletons of their own, the object's meshes at its other places.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::{AssetId, Assets, Handle};
use bevy::camera::visibility::{NoFrustumCulling, Visibility};
use bevy::color::{Mix, Oklaba};
use bevy::ecs::hierarchy::{ChildOf, Children};
use bevy::ecs::prelude::*;
use bevy::math::{Isometry3d, Vec4};
use bevy::mesh::morph::MeshMorphWeights;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::mesh::{Mesh, Mesh3d};
use bevy::pbr::MeshMaterial3d;
use bevy::prelude::{GlobalTransform, Transform};
use chois::motion::MotionClip as Motion;
use chois::retarget::Rig;

use super::clip_view::{length, object_place};
use super::material::{GhostMaterial, GhostUniform};
use super::plugin::{Settings, drawing};
use super::ribbon::linear;
use super::{DebugDraw, DebugDrawing, GhostTimes, Ghosts};
use crate::avatar::AvatarRig;
use crate::clip::bake::{BakeJob, Baked, BakedClips, Retargeter};
use crate::clip::plugin::root_scale;
use crate::clip::{MotionClip, RiggedClip};
use crate::frame;
use crate::object::ObjectShape;
use crate::playback::InteractionPlayer;

/// One ghost: an entity for the person, one for the object, and their colour.
struct Ghost {
    person: Option<Body>,
    object: Option<Entity>,
    material: Handle<GhostMaterial>,
    /// When it was last posed for, and where.
    posed: Option<(f32, Isometry3d)>,
}

/// The skeleton of a ghost, bones in the rig's order.
struct Body {
    root: Entity,
    bones: Vec<Entity>,
}

/// A mesh to copy: whose, which, and under which bone (none: the root).
#[derive(Clone, Debug, PartialEq)]
struct Part {
    source: Entity,
    mesh: AssetId<Mesh>,
}

/// All ghosts of one avatar.
#[derive(Default)]
struct GhostSet {
    motion: Option<Arc<Motion>>,
    poses: Option<Arc<RiggedClip>>,
    rig: Option<Arc<Rig>>,
    person: Vec<Part>,
    object: Vec<Part>,
    ghosts: Vec<Ghost>,
}

/// The ghosts of every avatar.
#[derive(Resource, Default)]
pub(super) struct GhostSets(HashMap<Entity, GhostSet>);

fn same<T>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn dismiss(commands: &mut Commands, ghost: &Ghost) {
    let roots = ghost.person.iter().map(|b| b.root).chain(ghost.object);
    for root in roots {
        commands.entity(root).try_despawn();
    }
}

type Playing<'a> = (
    Entity,
    &'a InteractionPlayer,
    Option<&'a AvatarRig>,
    Option<&'a GlobalTransform>,
    Option<&'a DebugDraw>,
);
type Source<'a> = (
    &'a Mesh3d,
    Option<&'a SkinnedMesh>,
    Option<&'a MeshMorphWeights>,
);

/// What ghosts are copied from.
#[derive(bevy::ecs::system::SystemParam)]
pub(super) struct Originals<'w, 's> {
    children: Query<'w, 's, &'static Children>,
    parents: Query<'w, 's, &'static ChildOf>,
    locals: Query<'w, 's, &'static Transform>,
    sources: Query<'w, 's, Source<'static>, Without<DebugDrawing>>,
}

impl Originals<'_, '_> {
    fn parts(&self, root: Entity) -> Vec<Part> {
        let below = std::iter::once(root).chain(self.children.iter_descendants(root));
        below
            .filter_map(|source| {
                let mesh = self.sources.get(source).ok()?.0.id();
                Some(Part { source, mesh })
            })
            .collect()
    }

    /// The nearest ancestor-or-self that `known` holds and the way from there down to an entity.
    fn under<T>(
        &self,
        entity: Entity,
        known: impl Fn(Entity) -> Option<T>,
    ) -> Option<(T, Transform)> {
        let mut at = entity;
        let mut way = Transform::IDENTITY;
        loop {
            if let Some(known) = known(at) {
                return Some((known, way));
            }
            way = self.locals.get(at).copied().unwrap_or_default() * way;
            at = self.parents.get(at).ok()?.parent();
        }
    }
}

/// Where the clip on the avatar's bones comes from: the same that playback plays.
#[derive(bevy::ecs::system::SystemParam)]
pub(super) struct Baking<'w, 's> {
    retargeter: Option<Res<'w, Retargeter>>,
    baked: Option<ResMut<'w, BakedClips>>,
    shapes: Query<'w, 's, &'static ObjectShape>,
}

impl Baking<'_, '_> {
    fn poses(
        &mut self,
        motion: &Arc<Motion>,
        rig: &AvatarRig,
        place: Option<&GlobalTransform>,
        object: Option<Entity>,
    ) -> Option<Arc<RiggedClip>> {
        let shape = object.and_then(|object| self.shapes.get(object).ok());
        let job = BakeJob {
            motion: motion.clone(),
            rig: rig.rig.clone(),
            map: rig.map.clone(),
            scale: root_scale(place),
            geometry: shape.map(|shape| shape.geometry.clone()),
        };
        let (baked, retargeter) = (self.baked.as_mut()?, self.retargeter.as_ref()?);
        match baked.get(&job, retargeter) {
            Baked::Ready(clip) => Some(clip),
            Baked::Working | Baked::Failed(_) => None,
        }
    }
}

/// Calls ghosts into being, and sends away those that are not wanted.
pub(super) fn summon(
    mut commands: Commands,
    settings: Settings,
    playing: Query<Playing>,
    clips: Res<Assets<MotionClip>>,
    originals: Originals,
    mut baking: Baking,
    mut sets: ResMut<GhostSets>,
    mut materials: ResMut<Assets<GhostMaterial>>,
) {
    sets.0.retain(|avatar, set| {
        let wanted = playing
            .get(*avatar)
            .is_ok_and(|(_, i, .., own)| settings.ghosts(own).is_some() && clips.contains(&i.clip));
        if !wanted {
            set.ghosts.iter().for_each(|g| dismiss(&mut commands, g));
        }
        wanted
    });
    for (avatar, interaction, rig, place, own) in &playing {
        let (Some(look), Some(clip)) = (settings.ghosts(own), clips.get(&interaction.clip)) else {
            continue;
        };
        let body = rig.filter(|_| look.person).and_then(|rig| {
            let poses = baking.poses(&clip.motion, rig, place, interaction.object)?;
            Some((rig, poses))
        });
        let object = interaction.object.filter(|_| look.object);
        let new = GhostSet {
            motion: Some(clip.motion.clone()),
            poses: body.as_ref().map(|(_, poses)| poses.clone()),
            rig: body.as_ref().map(|(rig, _)| rig.rig.clone()),
            person: body
                .as_ref()
                .map_or_else(Vec::new, |_| originals.parts(avatar)),
            object: object.map_or_else(Vec::new, |object| originals.parts(object)),
            ghosts: Vec::new(),
        };
        let set = sets.0.entry(avatar).or_default();
        let unchanged = same(set.motion.as_ref(), new.motion.as_ref())
            && same(set.poses.as_ref(), new.poses.as_ref())
            && same(set.rig.as_ref(), new.rig.as_ref())
            && set.person == new.person
            && set.object == new.object;
        if !unchanged {
            set.ghosts.iter().for_each(|g| dismiss(&mut commands, g));
            *set = new;
        }
        let count = look
            .times
            .seconds(length(&clip.motion), interaction.time)
            .len();
        // Those that stay about the present come and go with it: they are kept, and hidden by their pose.
        let keep = match &look.times {
            GhostTimes::Around(offsets) => offsets.len().min(super::MAX_GHOSTS).max(count),
            _ => count,
        };
        for ghost in set.ghosts.drain(keep.min(set.ghosts.len())..) {
            dismiss(&mut commands, &ghost);
        }
        if set.ghosts.len() >= count {
            continue;
        }
        let depth = materials.add(GhostMaterial {
            depth_only: true,
            ..Default::default()
        });
        for _ in set.ghosts.len()..count {
            let material = materials.add(GhostMaterial::default());
            let mut copy = Copyist {
                commands: &mut commands,
                originals: &originals,
                avatar,
                passes: [depth.clone(), material.clone()],
            };
            let person = body
                .as_ref()
                .map(|(rig, _)| copy.person(avatar, rig, &set.person));
            let object = object.map(|object| copy.object(object, &set.object));
            set.ghosts.push(Ghost {
                person,
                object,
                material,
                posed: None,
            });
        }
    }
}

/// Copies meshes to ghosts.
struct Copyist<'a, 'w, 's, 'o, 'ow, 'os> {
    commands: &'a mut Commands<'w, 's>,
    originals: &'o Originals<'ow, 'os>,
    avatar: Entity,
    passes: [Handle<GhostMaterial>; 2],
}

impl Copyist<'_, '_, '_, '_, '_, '_> {
    fn root(&mut self, name: &'static str) -> Entity {
        let mut root = self.commands.spawn(drawing(self.avatar, name));
        // Until it is posed.
        root.insert(Visibility::Hidden).id()
    }

    fn mesh(&mut self, part: &Part, parent: Entity, place: Transform, joints: Option<Vec<Entity>>) {
        let Ok((mesh, skinned, morph)) = self.originals.sources.get(part.source) else {
            return;
        };
        for pass in self.passes.clone() {
            let mut copy = self.commands.spawn((
                drawing(self.avatar, "ghost"),
                Mesh3d(mesh.0.clone()),
                MeshMaterial3d(pass),
                ChildOf(parent),
            ));
            copy.insert(place);
            if let (Some(skinned), Some(joints)) = (skinned, &joints) {
                copy.insert((
                    SkinnedMesh {
                        inverse_bindposes: skinned.inverse_bindposes.clone(),
                        joints: joints.clone(),
                    },
                    NoFrustumCulling,
                ));
            }
            if let Some(morph) = morph {
                copy.insert(morph.clone());
            }
        }
    }

    fn person(&mut self, avatar: Entity, rig: &AvatarRig, parts: &[Part]) -> Body {
        let root = self.root("ghost of a person");
        let mut bones: Vec<Entity> = Vec::with_capacity(rig.rig.bones.len());
        for bone in &rig.rig.bones {
            let parent = bone.parent.and_then(|p| bones.get(p).copied());
            let entity = self.commands.spawn((
                DebugDrawing { of: self.avatar },
                bind(bone),
                Visibility::Inherited,
                ChildOf(parent.unwrap_or(root)),
            ));
            bones.push(entity.id());
        }
        let known = rig.bones.iter().copied().zip(bones.iter().copied());
        // Clothes on a copy of the skeleton hang on the ghost's one.
        let copies = rig.followers.iter();
        let copies = copies.filter_map(|(joint, bone)| Some((*joint, *bones.get(*bone)?)));
        let index: HashMap<Entity, Entity> = known.chain(copies).collect();
        for part in parts {
            let skinned = self
                .originals
                .sources
                .get(part.source)
                .ok()
                .and_then(|s| s.1);
            let joints = match skinned {
                Some(skin) => {
                    let joints: Option<Vec<_>> =
                        skin.joints.iter().map(|j| index.get(j).copied()).collect();
                    // A skin on bones that the rig does not know cannot be posed.
                    let Some(joints) = joints else { continue };
                    Some(joints)
                }
                None => None,
            };
            let known = |entity: Entity| {
                let bone = index.get(&entity).copied();
                bone.or((entity == avatar).then_some(root))
            };
            if let Some((parent, place)) = self.originals.under(part.source, known) {
                self.mesh(part, parent, place, joints);
            }
        }
        Body { root, bones }
    }

    fn object(&mut self, object: Entity, parts: &[Part]) -> Entity {
        let root = self.root("ghost of an object");
        for part in parts {
            let known = |entity: Entity| (entity == object).then_some(());
            if let Some((_, place)) = self.originals.under(part.source, known) {
                self.mesh(part, root, place, None);
            }
        }
        root
    }
}

fn bind(bone: &chois::retarget::Bone) -> Transform {
    Transform {
        translation: frame::same_vec3(bone.translation),
        rotation: frame::same_quat(bone.rotation),
        scale: frame::same_vec3(bone.scale),
    }
}

fn placed(place: Isometry3d, scale: bevy::math::Vec3) -> Transform {
    Transform {
        translation: place.translation.into(),
        rotation: place.rotation,
        scale,
    }
}

/// Poses and colours ghosts.
pub(super) fn pose(
    settings: Settings,
    playing: Query<Playing>,
    mut sets: ResMut<GhostSets>,
    mut transforms: Query<(&mut Transform, Option<&mut Visibility>), With<DebugDrawing>>,
    places: Query<&GlobalTransform>,
    mut materials: ResMut<Assets<GhostMaterial>>,
) {
    for (avatar, set) in &mut sets.0 {
        let Ok((_, interaction, .., own)) = playing.get(*avatar) else {
            continue;
        };
        let (Some(look), Some(motion)) = (settings.ghosts(own), set.motion.clone()) else {
            continue;
        };
        let length = length(&motion);
        let times = look.times.seconds(length, interaction.time);
        let scale = |entity| {
            places
                .get(entity)
                .map_or(bevy::math::Vec3::ONE, |p| p.scale())
        };
        for (i, ghost) in set.ghosts.iter_mut().enumerate() {
            let roots = [ghost.person.as_ref().map(|b| b.root), ghost.object];
            let Some(&seconds) = times.get(i) else {
                for root in roots.into_iter().flatten() {
                    if let Ok((_, Some(mut visibility))) = transforms.get_mut(root) {
                        visibility.set_if_neq(Visibility::Hidden);
                    }
                }
                continue;
            };
            let uniform = uniform(look, seconds, length, interaction.time);
            if materials
                .get(&ghost.material)
                .is_some_and(|m| m.ghost != uniform)
                && let Some(mut material) = materials.get_mut(&ghost.material)
            {
                material.ghost = uniform;
            }
            let shown = if uniform.color.w > 0.003 {
                Visibility::Visible
            } else {
                // Nothing but depth would be left.
                Visibility::Hidden
            };
            for root in roots.into_iter().flatten() {
                if let Ok((_, Some(mut visibility))) = transforms.get_mut(root) {
                    visibility.set_if_neq(shown);
                }
            }
            let now = (seconds, interaction.origin);
            if ghost.posed == Some(now) {
                continue;
            }
            if let (Some(body), Some(clip)) = (&ghost.person, &set.poses) {
                let tap = clip.tap(seconds);
                for (k, (index, _)) in clip.bones().iter().enumerate() {
                    let bone = body.bones.get(*index);
                    if let Some((mut bone, _)) = bone.and_then(|b| transforms.get_mut(*b).ok()) {
                        *bone = clip.bone(&tap, k);
                    }
                }
                if let Ok((mut transform, _)) = transforms.get_mut(body.root) {
                    *transform = placed(interaction.origin * clip.root(&tap), scale(*avatar));
                }
            }
            let object = ghost.object.zip(interaction.object);
            if let Some((root, original)) = object
                && let Some(place) = object_place(&motion, &interaction.origin, seconds)
                && let Ok((mut transform, _)) = transforms.get_mut(root)
            {
                *transform = placed(place, scale(original));
            }
            // Entities that were just spawned are not there yet: try again.
            let there = roots.into_iter().flatten().all(|r| transforms.contains(r));
            ghost.posed = there.then_some(now);
        }
    }
}

fn uniform(look: &Ghosts, seconds: f32, length: f32, now: f32) -> GhostUniform {
    let share = if length > 0.0 { seconds / length } else { 0.0 };
    let color = Oklaba::from(look.first).mix(&Oklaba::from(look.last), share.clamp(0.0, 1.0));
    let away = (seconds - now).abs();
    let clear = if look.clearance > 0.0 && away.is_finite() {
        let x = ((away / look.clearance - 0.5) * 2.0).clamp(0.0, 1.0);
        x * x * (3.0 - 2.0 * x)
    } else {
        1.0
    };
    let opacity = look.opacity.clamp(0.0, 1.0) * clear;
    GhostUniform {
        color: linear(color.into()).truncate().extend(opacity),
        style: Vec4::new(look.body.clamp(0.0, 1.0), look.sharpness.max(0.1), 0.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ghosts_near_the_present_fade() {
        let look = Ghosts::default();
        let opacity = |now| uniform(&look, 1.0, 4.0, now).color.w;
        assert_eq!(opacity(1.0), 0.0);
        assert_eq!(opacity(3.0), look.opacity);
        assert!(opacity(1.2) > 0.0 && opacity(1.2) < look.opacity);
        assert!(opacity(f32::NAN) > 0.0);
        let first = uniform(&look, 0.0, 4.0, 9.0).color;
        assert!((first.truncate() - linear(look.first).truncate()).length() < 1e-4);
    }
}
