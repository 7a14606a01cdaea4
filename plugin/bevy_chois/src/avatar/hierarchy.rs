//! From entities to a rig: which nodes below an avatar are its bones, and which skins hang on them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use bevy::asset::{AssetId, AssetServer, Assets, LoadState};
use bevy::camera::visibility::{DynamicSkinnedMeshBounds, NoFrustumCulling};
use bevy::ecs::entity::{Entity, EntityHashMap};
use bevy::ecs::hierarchy::{ChildOf, Children};
use bevy::ecs::name::Name;
use bevy::ecs::query::{Has, Or, With};
use bevy::ecs::system::{Query, Res, SystemParam};
use bevy::math::Mat4;
use bevy::mesh::skinning::{SkinnedMesh, SkinnedMeshInverseBindposes};
use bevy::mesh::{Mesh, Mesh3d, VertexAttributeValues};
use bevy::prelude::Transform;
use chois::retarget::{BodyPart, Bone, Facing, Rig, Skin};

use super::{Avatar, HumanoidBone};
use crate::frame::{same_matrix, same_rotation, same_vector};
use crate::object::Interactable;
use crate::scene::{Scene, Scenes};

/// Share of a second skeleton's bones that must have the names of the first's for it to be a copy.
const COPY: f32 = 0.6;

/// What is below avatars, and the assets it refers to.
#[derive(SystemParam)]
pub(super) struct Hierarchy<'w, 's> {
    nodes: Query<
        'w,
        's,
        (
            &'static Transform,
            Option<&'static Children>,
            Option<&'static Name>,
            Option<&'static HumanoidBone>,
            Has<Mesh3d>,
        ),
    >,
    skins: Query<
        'w,
        's,
        (
            &'static SkinnedMesh,
            Option<&'static Mesh3d>,
            Has<DynamicSkinnedMeshBounds>,
            Has<NoFrustumCulling>,
        ),
    >,
    scenes: Scenes<'w, 's>,
    others: Query<'w, 's, (), Or<(With<Avatar>, With<Interactable>)>>,
    avatars: Query<'w, 's, (), With<Avatar>>,
    parents: Query<'w, 's, &'static ChildOf>,
    meshes: Option<Res<'w, Assets<Mesh>>>,
    bindposes: Option<Res<'w, Assets<SkinnedMeshInverseBindposes>>>,
    server: Option<Res<'w, AssetServer>>,
}

/// What a look at an avatar found.
pub(super) enum Look {
    /// There is no skin, and no scene that could bring one.
    Nothing,
    /// Its scene is on its way.
    Waiting,
    /// It cannot be used: one sentence, to be read after the avatar's name.
    Refused(String),
    /// All is there.
    Found(Skeleton),
}

/// The skeleton of one avatar.
#[derive(Default)]
pub(super) struct Skeleton {
    /// The entity of each bone of `rig`.
    pub bones: Vec<Entity>,
    /// As the nodes stand now.
    pub rig: Rig,
    pub skins: Vec<Skin>,
    /// The mesh of each of `skins`.
    pub meshes: Vec<Option<AssetId<Mesh>>>,
    bindposes: Vec<AssetId<SkinnedMeshInverseBindposes>>,
    /// See [`super::AvatarRig::followers`].
    pub followers: Vec<(Entity, usize)>,
    /// What the file says: part and bone.
    pub humanoid: Vec<(BodyPart, usize)>,
    /// Where the file's format says that people face.
    pub facing: Option<Facing>,
    /// Skinned meshes whose bounds cannot follow the joints.
    pub boundless: Vec<Entity>,
}

/// One entity below an avatar.
struct Node<'a> {
    entity: Entity,
    parent: Option<usize>,
    transform: Transform,
    /// Relative to the avatar.
    global: Mat4,
    name: Option<&'a str>,
    mesh: bool,
    humanoid: Option<HumanoidBone>,
}

/// One skin, its joints as indices of nodes.
struct Hung<'a> {
    node: usize,
    joints: Vec<Option<usize>>,
    component: &'a SkinnedMesh,
    mesh: Option<AssetId<Mesh>>,
    dynamic: bool,
    never_culled: bool,
}

impl Skeleton {
    /// Equal for avatars with the same skeleton and skins, in whatever pose they stand.
    pub(super) fn key(&self) -> (Vec<AssetId<SkinnedMeshInverseBindposes>>, u64) {
        let mut hasher = DefaultHasher::new();
        let steps = |value: f32| (value * 1e4).round() as i64;
        for bone in &self.rig.bones {
            (&bone.name, bone.parent, bone.skinned).hash(&mut hasher);
            if !bone.skinned {
                bone.translation
                    .iter()
                    .for_each(|v| steps(*v).hash(&mut hasher));
                let turn = bone.rotation.coords;
                turn.iter().for_each(|v| steps(*v).hash(&mut hasher));
                bone.scale.iter().for_each(|v| steps(*v).hash(&mut hasher));
            }
        }
        for (part, bone) in &self.humanoid {
            (part.to_string(), bone).hash(&mut hasher);
        }
        (self.bindposes.clone(), hasher.finish())
    }
}

impl Hierarchy<'_, '_> {
    /// The avatar that an entity belongs to, itself or an ancestor.
    pub(super) fn owner(&self, entity: Entity) -> Option<Entity> {
        let mut at = entity;
        loop {
            if self.avatars.contains(at) {
                return Some(at);
            }
            at = self.parents.get(at).ok()?.parent();
        }
    }

    /// What an avatar's scene is called, for messages.
    pub(super) fn path(&self, avatar: Entity) -> Option<String> {
        self.scenes.path(avatar)
    }

    /// Looks at everything below an avatar.
    pub(super) fn look(&self, avatar: Entity) -> Look {
        let own = self.scenes.of(avatar);
        let mut scene_came = false;
        match &own {
            Scene::Absent => {}
            Scene::Coming => return Look::Waiting,
            Scene::Spawned => scene_came = true,
            Scene::Failed(reason) => return Look::Refused(reason.clone()),
        }
        let mut nodes: Vec<Node> = Vec::new();
        let mut index = EntityHashMap::default();
        let mut stack: Vec<(Entity, Option<usize>)> = Vec::new();
        self.push_children(avatar, None, &mut stack);
        while let Some((entity, parent)) = stack.pop() {
            let Ok((transform, _, name, humanoid, mesh)) = self.nodes.get(entity) else {
                continue;
            };
            match self.scenes.of(entity) {
                Scene::Absent => {}
                // Something that was attached: a bag, a hat.
                _ if own != Scene::Absent => continue,
                Scene::Coming => return Look::Waiting,
                Scene::Spawned => scene_came = true,
                Scene::Failed(reason) => return Look::Refused(reason),
            }
            let above = parent.map_or(Mat4::IDENTITY, |p| nodes[p].global);
            index.insert(entity, nodes.len());
            nodes.push(Node {
                entity,
                parent,
                transform: *transform,
                global: above * transform.to_matrix(),
                name: name.map(Name::as_str),
                mesh,
                humanoid: humanoid.copied(),
            });
            self.push_children(entity, Some(nodes.len() - 1), &mut stack);
        }
        let hung: Vec<Hung> = nodes
            .iter()
            .enumerate()
            .filter_map(|(node, n)| {
                let (component, mesh, dynamic, never_culled) = self.skins.get(n.entity).ok()?;
                let joints = component.joints.iter().map(|j| index.get(j).copied());
                Some(Hung {
                    node,
                    joints: joints.collect(),
                    component,
                    mesh: mesh.map(|m| m.id()),
                    dynamic,
                    never_culled,
                })
            })
            .collect();
        if hung.iter().all(|s| s.joints.iter().all(Option::is_none)) {
            return match scene_came {
                true => Look::Refused(
                    "its scene has no skeleton: no mesh of it is skinned; rig the model and bind its skin before \
                     exporting"
                        .to_owned(),
                ),
                false => Look::Nothing,
            };
        }
        for skin in &hung {
            let id = skin.component.inverse_bindposes.id();
            let state = self.server.as_ref().map(|s| s.load_state(id));
            let here = self.bindposes.as_ref().is_some_and(|b| b.contains(id));
            if !here && matches!(state, Some(LoadState::Loading)) {
                return Look::Waiting;
            }
        }
        Look::Found(self.skeleton(&nodes, &hung))
    }

    /// Children in their order, the first on top.
    fn push_children(
        &self,
        of: Entity,
        index: Option<usize>,
        stack: &mut Vec<(Entity, Option<usize>)>,
    ) {
        let children = self
            .nodes
            .get(of)
            .ok()
            .and_then(|(_, children, ..)| children);
        for child in children.into_iter().flatten().rev() {
            if !self.others.contains(*child) {
                stack.push((*child, index));
            }
        }
    }

    fn skeleton(&self, nodes: &[Node], hung: &[Hung]) -> Skeleton {
        let copies = copies(nodes, hung);
        let mut joint = vec![false; nodes.len()];
        for (_, skin) in hung.iter().enumerate().filter(|(i, _)| !copies.contains(i)) {
            skin.joints.iter().flatten().for_each(|j| joint[*j] = true);
        }
        let mut copied = vec![false; nodes.len()];
        for skin in copies.iter().map(|i| &hung[*i]) {
            let own = skin.joints.iter().flatten().filter(|j| !joint[**j]);
            own.for_each(|j| copied[*j] = true);
        }
        // Bones, what carries them, and the named nodes at their ends: finger tips, toes.
        let mut kept = joint.clone();
        for i in (0..nodes.len()).rev() {
            let says = nodes[i].humanoid.is_some() && !copied[i];
            if (kept[i] || says)
                && let Some(parent) = nodes[i].parent
            {
                kept[parent] = true;
            }
            kept[i] |= says;
        }
        let mut end = joint.clone();
        for (i, node) in nodes.iter().enumerate() {
            let below = node.parent.is_some_and(|p| end[p]);
            if below && !node.mesh && node.name.is_some() && !copied[i] {
                end[i] = true;
                kept[i] = true;
            }
        }
        let mut skeleton = Skeleton::default();
        let mut bone_of = vec![None; nodes.len()];
        for (i, node) in nodes.iter().enumerate().filter(|(i, _)| kept[*i]) {
            bone_of[i] = Some(skeleton.bones.len());
            if let Some(humanoid) = node.humanoid {
                skeleton
                    .humanoid
                    .push((humanoid.part, skeleton.bones.len()));
                skeleton.facing = skeleton.facing.or(humanoid.facing);
            }
            skeleton.bones.push(node.entity);
            skeleton.rig.bones.push(Bone {
                name: node.name.unwrap_or_default().to_owned(),
                parent: node.parent.and_then(|p| bone_of[p]),
                translation: same_vector(node.transform.translation),
                rotation: same_rotation(node.transform.rotation),
                scale: same_vector(node.transform.scale),
                skinned: joint[i],
            });
        }
        for (i, skin) in hung.iter().enumerate() {
            let bindposes = self.bindposes.as_ref();
            let inverse = bindposes.and_then(|b| b.get(&skin.component.inverse_bindposes));
            let inverse = inverse.map(|i| &**i).unwrap_or_default();
            if !self.bounded(skin, inverse.len()) && !skin.never_culled {
                skeleton.boundless.push(nodes[skin.node].entity);
            }
            if copies.contains(&i) {
                continue;
            }
            let bones = skin.joints.iter().map(|j| j.and_then(|j| bone_of[j]));
            skeleton
                .bindposes
                .push(skin.component.inverse_bindposes.id());
            skeleton.meshes.push(skin.mesh);
            skeleton.skins.push(Skin {
                name: nodes[skin.node].name.unwrap_or_default().to_owned(),
                joints: bones.collect(),
                inverse_bind: inverse.iter().map(|m| same_matrix(*m)).collect(),
                mesh: same_matrix(nodes[skin.node].global),
            });
        }
        let by_name: HashMap<&str, usize> = nodes
            .iter()
            .zip(&bone_of)
            .filter_map(|(node, bone)| Some((plain(node.name?), (*bone)?)))
            .collect();
        skeleton.followers = nodes
            .iter()
            .zip(&copied)
            .filter(|(_, copied)| **copied)
            .filter_map(|(node, _)| {
                let bone = *by_name.get(plain(node.name?))?;
                let leader = &skeleton.rig.bones[bone];
                // In other units the leader's transform would tear the copy apart.
                let shift = same_vector(node.transform.translation) - leader.translation;
                let near = shift.norm() <= 0.05 * leader.translation.norm().max(1e-3);
                near.then_some((node.entity, bone))
            })
            .collect();
        skeleton
    }

    /// Whether Bevy can keep the bounds of a skinned mesh around its joints.
    fn bounded(&self, skin: &Hung, matrices: usize) -> bool {
        let mesh = skin.mesh.zip(self.meshes.as_ref());
        let Some(mesh) = mesh.and_then(|(id, meshes)| meshes.get(id)) else {
            return skin.dynamic;
        };
        let joints = skin.joints.len().min(matrices);
        skin.dynamic
            && mesh.skinned_mesh_bounds().is_some_and(|bounds| {
                let indices = &bounds.aabb_index_to_joint_index;
                indices.iter().all(|j| usize::from(j.0) < joints)
            })
    }

    /// Height of the lowest vertex of all skins in the bind pose, in the frame and units of the rig's root. `spaces` are
    /// those of [`chois::retarget::Bound`].
    pub(super) fn floor(
        &self,
        skeleton: &Skeleton,
        spaces: &[Option<nalgebra::Matrix4<f32>>],
    ) -> Option<f32> {
        let meshes = self.meshes.as_ref()?;
        let mut lowest = f32::INFINITY;
        for (mesh, space) in skeleton.meshes.iter().zip(spaces) {
            let mesh = mesh.and_then(|id| meshes.get(id));
            let positions = mesh.and_then(|m| m.try_attribute(Mesh::ATTRIBUTE_POSITION).ok());
            if let (Some(VertexAttributeValues::Float32x3(positions)), Some(space)) =
                (positions, space)
            {
                let height = |p: &[f32; 3]| {
                    space.m21 * p[0] + space.m22 * p[1] + space.m23 * p[2] + space.m24
                };
                lowest = positions.iter().map(height).fold(lowest, f32::min);
            }
        }
        lowest.is_finite().then_some(lowest)
    }
}

/// The skins that hang on a copy of the main skeleton, by index.
fn copies(nodes: &[Node], hung: &[Hung]) -> Vec<usize> {
    let mut of_skin = vec![false; nodes.len()];
    let joints = |skin: &Hung| skin.joints.iter().flatten().copied().collect::<Vec<_>>();
    for skin in hung {
        joints(skin).into_iter().for_each(|j| of_skin[j] = true);
    }
    // A skeleton is known by its topmost joint.
    let top = |joint: usize| {
        let up = std::iter::successors(Some(joint), |n| nodes[*n].parent);
        up.filter(|n| of_skin[*n]).last().unwrap_or(joint)
    };
    let mut skeletons: HashMap<usize, Vec<usize>> = HashMap::new();
    for joint in (0..nodes.len()).filter(|j| of_skin[*j]) {
        skeletons.entry(top(joint)).or_default().push(joint);
    }
    let main = skeletons
        .iter()
        .max_by_key(|(top, joints)| (joints.len(), std::cmp::Reverse(**top)));
    let Some((main, joints_of_main)) = main else {
        return Vec::new();
    };
    let name = |joint: &usize| nodes[*joint].name.map(plain);
    let names: Vec<&str> = joints_of_main.iter().filter_map(name).collect();
    let is_copy = |skin: &Hung| {
        let own = joints(skin);
        let apart = !own.is_empty() && own.iter().all(|j| top(*j) != *main);
        let same = own.iter().filter_map(name).filter(|n| names.contains(n));
        apart && same.count() as f32 >= COPY * own.len() as f32
    };
    let indexed = hung.iter().enumerate();
    indexed
        .filter(|(_, skin)| is_copy(skin))
        .map(|(i, _)| i)
        .collect()
}

/// A name without the number that programs add to make it unique: `Hips.001`.
fn plain(name: &str) -> &str {
    match name.rsplit_once(['.', '_']) {
        Some((plain, number))
            if number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            plain
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_programs_add_are_left_out() {
        assert_eq!(plain("Hips.001"), "Hips");
        assert_eq!(plain("Hips_012"), "Hips");
        assert_eq!(plain("finger_01_l"), "finger_01_l");
        assert_eq!(plain("spine_01"), "spine_01");
        assert_eq!(plain("Hips"), "Hips");
    }
}
