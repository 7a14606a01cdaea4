//! Which meshes make up an object, and where they stand in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use bevy::asset::{AssetId, AssetServer, Assets, LoadState};
use bevy::ecs::entity::{Entity, EntityHashMap};
use bevy::ecs::hierarchy::{ChildOf, Children};
use bevy::ecs::query::{Has, Or, With};
use bevy::ecs::system::{Query, Res, SystemParam};
use bevy::math::{Affine3A, Mat3A, Mat4};
use bevy::mesh::skinning::{SkinnedMesh, SkinnedMeshInverseBindposes};
use bevy::mesh::{Mesh, Mesh3d};
use bevy::prelude::{GlobalTransform, Transform};
use chois::geometry::MAX_VERTICES;

use super::surface::{Part, Placement, is_surface};
use super::{Interactable, NotPartOfObject};
use crate::avatar::Avatar;
use crate::scene::{Scene, Scenes};

/// The hierarchy below objects and the assets it refers to.
#[derive(SystemParam)]
pub(super) struct Parts<'w, 's> {
    nodes: Query<
        'w,
        's,
        (
            &'static Transform,
            Option<&'static Children>,
            Option<&'static Mesh3d>,
            Option<&'static SkinnedMesh>,
        ),
    >,
    scenes: Scenes<'w, 's>,
    others: Query<'w, 's, (), Or<(With<NotPartOfObject>, With<Interactable>, With<Avatar>)>>,
    parents: Query<'w, 's, (&'static ChildOf, Has<NotPartOfObject>)>,
    objects: Query<'w, 's, (), With<Interactable>>,
    meshes: Res<'w, Assets<Mesh>>,
    bindposes: Option<Res<'w, Assets<SkinnedMeshInverseBindposes>>>,
    server: Option<Res<'w, AssetServer>>,
}

/// What a look at an object's meshes found.
pub(super) enum Look {
    /// There is nothing yet that could become a shape, and nothing on its way.
    Nothing,
    /// Scenes or meshes are on their way.
    Waiting,
    /// It cannot be read: one sentence, to be read after the object's name.
    Refused(String),
    /// All is there.
    Found(Vec<Placed>),
}

/// One mesh of an object.
pub(super) struct Placed {
    mesh: AssetId<Mesh>,
    placement: Placement,
}

/// Which meshes stood where: two objects with the same key have the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Vec<(AssetId<Mesh>, u64)>);

impl Key {
    pub(super) fn new(parts: &[Placed]) -> Self {
        let part = |placed: &Placed| (placed.mesh, fingerprint(&placed.placement));
        Self(parts.iter().map(part).collect())
    }

    /// Whether the shape is made of this mesh.
    pub(super) fn contains(&self, mesh: AssetId<Mesh>) -> bool {
        self.0.iter().any(|(id, _)| *id == mesh)
    }
}

/// Equal for placements that differ by rounding only.
fn fingerprint(placement: &Placement) -> u64 {
    // A tenth of a millimetre, and a ten-thousandth of turn and scale.
    let steps = |value: f32| (value * 1e4).round() as i64;
    let mut hasher = DefaultHasher::new();
    match placement {
        Placement::Rigid(affine) => affine.to_cols_array().map(steps).hash(&mut hasher),
        Placement::Skinned(joints) => {
            for joint in joints {
                joint.to_cols_array().map(steps).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// What is left of a world transform when rotation and translation are taken away: scale, and shear where parents scale
/// unevenly.
pub(super) fn world_scale(global: &GlobalTransform) -> Mat3A {
    Mat3A::from_quat(global.rotation().inverse()) * global.affine().matrix3
}

impl Parts<'_, '_> {
    /// The object that an entity's meshes belong to, itself or an ancestor.
    pub(super) fn owner(&self, entity: Entity) -> Option<Entity> {
        let mut at = entity;
        loop {
            if self.objects.contains(at) {
                return Some(at);
            }
            at = self.parents.get(at).ok()?.0.parent();
        }
    }

    /// Looks at everything below an object, placed as its world transform says.
    pub(super) fn look(&self, object: Entity, global: &GlobalTransform) -> Look {
        let mut placed = Vec::new();
        let mut skinned = Vec::new();
        let mut places = EntityHashMap::default();
        let mut waiting = false;
        let scale = world_scale(global);
        if !scale.is_finite() || scale.determinant() == 0.0 {
            return Look::Refused(
                "its world scale is zero or no number; scale it to its real size".to_owned(),
            );
        }
        let mut stack = vec![(object, Affine3A::from_mat3(scale.into()))];
        while let Some((entity, place)) = stack.pop() {
            let Ok((_, children, mesh, skin)) = self.nodes.get(entity) else {
                continue;
            };
            places.insert(entity, place);
            match self.scenes.of(entity) {
                Scene::Absent | Scene::Spawned => {}
                Scene::Coming => waiting = true,
                Scene::Failed(reason) => return Look::Refused(reason),
            }
            if let Some(mesh) = mesh {
                match skin {
                    Some(skin) => skinned.push((mesh.id(), skin, place)),
                    None => placed.push(Placed {
                        mesh: mesh.id(),
                        placement: Placement::Rigid(place),
                    }),
                }
            }
            for child in children.into_iter().flatten().rev() {
                if let Ok((transform, ..)) = self.nodes.get(*child)
                    && !self.others.contains(*child)
                {
                    stack.push((*child, place * transform.compute_affine()));
                }
            }
        }
        for (mesh, skin, place) in skinned {
            placed.push(Placed {
                mesh,
                placement: self.skinned(skin, &places, place),
            });
        }
        if waiting {
            return Look::Waiting;
        }
        if placed.is_empty() {
            return Look::Nothing;
        }
        self.loaded(placed)
    }

    /// The joints of a skin as they stand now; the mesh's own place when they are not within the object.
    fn skinned(
        &self,
        skin: &SkinnedMesh,
        places: &EntityHashMap<Affine3A>,
        place: Affine3A,
    ) -> Placement {
        let bindposes = self.bindposes.as_ref();
        let Some(bind) = bindposes.and_then(|b| b.get(&skin.inverse_bindposes)) else {
            return Placement::Rigid(place);
        };
        let joints: Option<Vec<Mat4>> = skin
            .joints
            .iter()
            .zip(bind.iter())
            .map(|(joint, bind)| Some(Mat4::from(*places.get(joint)?) * *bind))
            .collect();
        match joints {
            Some(joints) if !joints.is_empty() => Placement::Skinned(joints),
            _ => Placement::Rigid(place),
        }
    }

    /// Keeps what has a surface, once every mesh has loaded.
    fn loaded(&self, placed: Vec<Placed>) -> Look {
        let mut kept = Vec::with_capacity(placed.len());
        let mut vertices = 0;
        for part in placed {
            let Some(mesh) = self.meshes.get(part.mesh) else {
                let state = self.server.as_ref().map(|s| s.load_state(part.mesh));
                if let Some(LoadState::Failed(error)) = state {
                    return Look::Refused(format!("a mesh of it could not be loaded: {error}"));
                }
                return Look::Waiting;
            };
            if is_surface(mesh) {
                // Counting the vertices of a mesh without data would panic.
                let positions = mesh.try_attribute_option(Mesh::ATTRIBUTE_POSITION);
                vertices += positions.ok().flatten().map_or(0, |p| p.len());
                kept.push(part);
            }
        }
        if kept.is_empty() {
            return Look::Refused(
                "it has no triangles, only lines or points; export it as a surface".to_owned(),
            );
        }
        if vertices > MAX_VERTICES {
            return Look::Refused(format!(
                "it has {vertices} vertices, and {MAX_VERTICES} is the most; simplify it, or mark what nobody touches \
                 with `NotPartOfObject`"
            ));
        }
        Look::Found(kept)
    }

    /// Copies the meshes' data.
    ///
    /// # Errors
    /// One sentence, to be read after the object's name.
    pub(super) fn copy(&self, placed: Vec<Placed>) -> Result<Vec<Part>, String> {
        let copies = placed.into_iter().filter_map(|part| {
            let mesh = self.meshes.get(part.mesh)?;
            Some(Part::copy(mesh, part.placement))
        });
        copies.collect()
    }
}
