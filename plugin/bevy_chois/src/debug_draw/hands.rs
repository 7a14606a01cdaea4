//! Hands: which part of a mesh they move, and where their palms are.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::{AssetId, Assets, Handle};
use bevy::ecs::prelude::*;
use bevy::math::{Vec2, Vec3};
use bevy::mesh::skinning::SkinnedMesh;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology, VertexAttributeValues};
use bevy::prelude::GlobalTransform;
use chois::retarget::{BodyPart, Digit, RigMap, Side};

use crate::avatar::AvatarRig;

/// What of a mesh belongs to hands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cut {
    /// Nothing.
    Nothing,
    /// That cannot be told: all of it.
    Whole,
    /// These triangles, with the share that hands have of each vertex in `uv.x` and the side (0 left, 1 right) in
    /// `uv.y`.
    Hands(Handle<Mesh>),
}

/// What was cut before, by the entity that has the mesh.
#[derive(Resource, Default)]
pub(super) struct Cuts(HashMap<Entity, (AssetId<Mesh>, Arc<RigMap>, Cut)>);

impl Cuts {
    /// What of a mesh belongs to hands; none while the mesh is not there.
    pub fn of(
        &mut self,
        source: Entity,
        mesh: AssetId<Mesh>,
        skin: Option<&SkinnedMesh>,
        rig: &AvatarRig,
        meshes: &mut Assets<Mesh>,
    ) -> Option<Cut> {
        if let Some((of, map, cut)) = self.0.get(&source)
            && *of == mesh
            && Arc::ptr_eq(map, &rig.map)
        {
            return Some(cut.clone());
        }
        let cut = match skin {
            Some(skin) => {
                let sides = Sides::of(rig);
                let joints: Vec<_> = skin
                    .joints
                    .iter()
                    .map(|j| sides.0.get(j).copied())
                    .collect();
                match hands_of(meshes.get(mesh)?, &joints) {
                    Ok(Some(hands)) => Cut::Hands(meshes.add(hands)),
                    Ok(None) => Cut::Nothing,
                    Err(Unreadable) => Cut::Whole,
                }
            }
            // What hangs rigidly on an avatar is a thing of its own: a watch, a tool.
            None => Cut::Nothing,
        };
        self.0.insert(source, (mesh, rig.map.clone(), cut.clone()));
        Some(cut)
    }

    /// Forgets what is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(Entity) -> bool) {
        self.0.retain(|source, _| wanted(*source));
    }
}

/// Joints that are a hand's: its own and those of its fingers.
struct Sides(HashMap<Entity, Side>);

impl Sides {
    fn of(rig: &AvatarRig) -> Self {
        let side_of = |bone: usize| {
            Side::BOTH.into_iter().find(|side| {
                let hand = rig.map.bone(BodyPart::Hand(*side));
                hand.is_some_and(|hand| rig.rig.carries(hand, bone))
            })
        };
        let own = rig.bones.iter().copied().zip(0..rig.rig.bones.len());
        let all = own.chain(rig.followers.iter().copied());
        Self(
            all.filter_map(|(e, bone)| Some((e, side_of(bone)?)))
                .collect(),
        )
    }
}

/// Whether a rig says which bones its hands are.
pub(super) fn known(rig: &AvatarRig) -> bool {
    let hand = |side| rig.map.bone(BodyPart::Hand(side)).is_some();
    Side::BOTH.into_iter().any(hand)
}

/// The mesh cannot be looked into: it is on the graphics card only, or not made of triangles with joints.
#[derive(Debug, PartialEq)]
struct Unreadable;

/// The triangles of a mesh that hands move, given for each joint whose it is; none if there are none.
fn hands_of(mesh: &Mesh, joints: &[Option<Side>]) -> Result<Option<Mesh>, Unreadable> {
    if mesh.primitive_topology() != PrimitiveTopology::TriangleList {
        return Err(Unreadable);
    }
    let attribute = |of| mesh.try_attribute(of).map_err(|_| Unreadable);
    let (VertexAttributeValues::Uint16x4(indices), VertexAttributeValues::Float32x4(weights)) = (
        attribute(Mesh::ATTRIBUTE_JOINT_INDEX)?,
        attribute(Mesh::ATTRIBUTE_JOINT_WEIGHT)?,
    ) else {
        return Err(Unreadable);
    };
    let share = |(indices, weights): (&[u16; 4], &[f32; 4])| {
        let mut share = [0.0f32; 2];
        for (joint, weight) in indices.iter().zip(weights) {
            if let Some(Some(side)) = joints.get(usize::from(*joint)) {
                share[side.index()] += weight;
            }
        }
        let side = f32::from(share[1] > share[0]);
        Vec2::new(share[0].max(share[1]), side)
    };
    let shares: Vec<Vec2> = indices.iter().zip(weights).map(share).collect();
    let corners: Vec<u32> = match mesh.try_indices_option().map_err(|_| Unreadable)? {
        Some(Indices::U16(corners)) => corners.iter().map(|c| u32::from(*c)).collect(),
        Some(Indices::U32(corners)) => corners.clone(),
        None => (0..shares.len() as u32).collect(),
    };
    let moved = |c: &u32| shares.get(*c as usize).is_some_and(|s| s.x > 0.0);
    let kept = corners.chunks_exact(3).filter(|t| t.iter().any(moved));
    let kept: Vec<u32> = kept.flatten().copied().collect();
    if kept.is_empty() {
        return Ok(None);
    }
    let mut hands = mesh.clone();
    for unused in [
        Mesh::ATTRIBUTE_UV_1,
        Mesh::ATTRIBUTE_TANGENT,
        Mesh::ATTRIBUTE_COLOR,
    ] {
        hands.remove_attribute(unused);
    }
    hands.insert_attribute(Mesh::ATTRIBUTE_UV_0, shares);
    hands.insert_indices(Indices::U32(kept));
    Ok(Some(hands))
}

/// Left and right palm of a rig as it is posed, the world, metres; none for a hand that is not known.
pub(super) fn palms(rig: &AvatarRig, places: &Query<&GlobalTransform>) -> [Option<Vec3>; 2] {
    let place = |part| {
        let bone = rig.bones.get(rig.map.bone(part)?)?;
        Some(places.get(*bone).ok()?.translation())
    };
    Side::BOTH.map(|side| {
        let wrist = place(BodyPart::Hand(side))?;
        let knuckles = Digit::ALL.into_iter().filter(|d| *d != Digit::Thumb);
        let knuckles = knuckles.filter_map(|digit| place(BodyPart::Finger(side, digit, 0)));
        let (sum, count) = knuckles.fold((Vec3::ZERO, 0.0f32), |(s, n), k| (s + k, n + 1.0));
        if count > 0.0 {
            return Some(wrist.lerp(sum / count, 0.75));
        }
        // Without fingers: a palm is a quarter of a lower arm from the wrist.
        let elbow = place(BodyPart::LowerArm(side))?;
        Some(wrist + (wrist - elbow) * 0.25)
    })
}

#[cfg(test)]
mod tests {
    use bevy::asset::RenderAssetUsages;

    use super::*;

    /// Three triangles: moved by joint 0 alone, by joints 0 and 1, by joint 2 alone.
    fn three() -> Mesh {
        let joints: Vec<[u16; 4]> = (0..9)
            .map(|i| [[0; 4], [1, 0, 0, 0], [2; 4]][i / 3])
            .collect();
        let weight = |i: usize| match i / 3 {
            1 => [0.75, 0.25, 0.0, 0.0],
            _ => [1.0, 0.0, 0.0, 0.0],
        };
        Mesh::new(
            PrimitiveTopology::TriangleList,
            RenderAssetUsages::default(),
        )
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, vec![[0.0f32; 3]; 9])
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_INDEX,
            VertexAttributeValues::Uint16x4(joints),
        )
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_WEIGHT,
            (0..9).map(weight).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn only_what_hands_move_is_cut_out() {
        let joints = [None, Some(Side::Left), Some(Side::Right)];
        let hands = hands_of(&three(), &joints)
            .expect("readable")
            .expect("hands");
        let corners: Vec<_> = hands.indices().expect("indices").iter().collect();
        assert_eq!(corners, [3, 4, 5, 6, 7, 8]);
        let Some(VertexAttributeValues::Float32x2(shares)) = hands.attribute(Mesh::ATTRIBUTE_UV_0)
        else {
            panic!("two numbers each");
        };
        assert_eq!(
            (shares[0], shares[3], shares[6]),
            ([0.0, 0.0], [0.75, 0.0], [1.0, 1.0])
        );
        // Joints of the mesh that the skin does not have are nobody's.
        assert_eq!(hands_of(&three(), &[None]).map(|m| m.is_some()), Ok(false));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let bare = Mesh::new(
            PrimitiveTopology::TriangleList,
            RenderAssetUsages::default(),
        );
        assert!(hands_of(&bare, &[]).is_err());
        let lines = Mesh::new(PrimitiveTopology::LineList, RenderAssetUsages::default());
        assert!(hands_of(&lines, &[]).is_err());
    }
}
