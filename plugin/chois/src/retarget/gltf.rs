//! Rigs from glTF files, without an engine.

use std::path::Path;

use nalgebra::{Matrix3, Matrix4, Quaternion, Rotation3, UnitQuaternion, Vector3};
use serde_json::Value;

use super::{Bone, Rig, RigHints};
use crate::{Error, Result};

const KIND: &str = "avatar";

/// What a glTF file says about bones.
#[derive(Clone, Debug, PartialEq)]
pub struct GltfRig {
    /// Every node of the default scene, parents first, bind pose.
    pub rig: Rig,
    /// VRM's humanoid map, if there is one, and how deep the skin reaches.
    pub hints: RigHints,
    /// The glTF node of each bone.
    pub nodes: Vec<usize>,
}

impl GltfRig {
    /// The rig of a `.glb`, `.vrm` or `.gltf` in memory. Buffers in other files are not needed. `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no glTF, or its nodes hang in a circle or hold numbers that cannot be.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::malformed(path, KIND, reason);
        let (json, blob) = if bytes.starts_with(b"glTF") {
            let glb = ::gltf::binary::Glb::from_slice(bytes)
                .map_err(|e| bad(format!("not a binary glTF: {e}")))?;
            (glb.json.into_owned(), glb.bin.map(|b| b.into_owned()))
        } else {
            (bytes.to_vec(), None)
        };
        let root: Value =
            serde_json::from_slice(&json).map_err(|e| bad(format!("not glTF: {e}")))?;
        let empty = Vec::new();
        let list = |key: &str| root.get(key).and_then(Value::as_array).unwrap_or(&empty);
        let nodes = list("nodes");
        let index = |v: &Value| v.as_u64().map(|n| n as usize).filter(|n| *n < nodes.len());
        let indices = |v: Option<&Value>| -> Vec<usize> {
            let items = v.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            items.iter().filter_map(index).collect()
        };

        let mut skinned = vec![false; nodes.len()];
        for skin in list("skins") {
            for joint in indices(skin.get("joints")) {
                skinned[joint] = true;
            }
        }
        let scene = root.get("scene").and_then(Value::as_u64).unwrap_or(0) as usize;
        let mut tops = indices(list("scenes").get(scene).and_then(|s| s.get("nodes")));
        if tops.is_empty() {
            // No scene: whatever hangs on nothing.
            let mut child = vec![false; nodes.len()];
            for node in nodes {
                for c in indices(node.get("children")) {
                    child[c] = true;
                }
            }
            tops = (0..nodes.len()).filter(|n| !child[*n]).collect();
        }
        let mut bone_of = vec![None; nodes.len()];
        let mut out = Self {
            rig: Rig::default(),
            hints: RigHints::default(),
            nodes: Vec::new(),
        };
        let mut open: Vec<(usize, Option<usize>)> =
            tops.into_iter().rev().map(|n| (n, None)).collect();
        while let Some((node, parent)) = open.pop() {
            if bone_of[node].is_some() {
                return Err(bad(format!(
                    "node {node} hangs on two nodes or in a circle; export the model again"
                )));
            }
            let bone = out.rig.bones.len();
            bone_of[node] = Some(bone);
            out.nodes.push(node);
            let (translation, rotation, scale) = transform(&nodes[node]).ok_or_else(|| {
                bad(format!(
                    "the transform of node {node} holds no usable numbers; export the model again"
                ))
            })?;
            let name = nodes[node].get("name").and_then(Value::as_str);
            out.rig.bones.push(Bone {
                name: name.map_or_else(|| format!("node {node}"), str::to_owned),
                parent,
                translation,
                rotation,
                scale,
                skinned: skinned[node],
            });
            let children = indices(nodes[node].get("children"));
            open.extend(children.into_iter().rev().map(|c| (c, Some(bone))));
        }
        if !skinned.contains(&true) {
            return Err(bad(
                "it has no skin, so no bones; use a model that is rigged and skinned".to_owned(),
            ));
        }
        out.rig.check().map_err(|e| bad(e.to_string()))?;
        if let Some(extensions) = root.get("extensions") {
            out.hints =
                RigHints::from_extensions(extensions, |n| bone_of.get(n).copied().flatten());
        }
        out.hints.floor = lowest_skin(&root, blob.as_deref(), &out.rig, &bone_of);
        Ok(out)
    }

    /// [`Self::parse`] of a file.
    ///
    /// # Errors
    /// [`Error::Read`], and those of [`Self::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&crate::error::read(path)?, path)
    }
}

fn numbers<const N: usize>(v: &Value) -> Option<[f32; N]> {
    let list = v.as_array()?;
    let mut out = [0.0; N];
    if list.len() != N {
        return None;
    }
    for (o, v) in out.iter_mut().zip(list) {
        *o = v.as_f64()? as f32;
    }
    Some(out)
}

/// Translation, rotation and scale of a node; what is not given is glTF's default.
fn transform(node: &Value) -> Option<(Vector3<f32>, UnitQuaternion<f32>, Vector3<f32>)> {
    if let Some(matrix) = node.get("matrix") {
        let m = Matrix4::from_column_slice(&numbers::<16>(matrix)?);
        let linear: Matrix3<f32> = m.fixed_view::<3, 3>(0, 0).into_owned();
        let mut scale = Vector3::from_fn(|i, _| linear.column(i).norm());
        if linear.determinant() < 0.0 {
            scale.x = -scale.x;
        }
        let turn =
            Matrix3::from_fn(|r, c| linear[(r, c)] / if scale[c] == 0.0 { 1.0 } else { scale[c] });
        let rotation =
            UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn));
        let at = Vector3::new(m[(0, 3)], m[(1, 3)], m[(2, 3)]);
        return Some((at, rotation, scale));
    }
    let three = |key: &str, default: f32| match node.get(key) {
        Some(v) => numbers::<3>(v).map(Vector3::from),
        None => Some(Vector3::repeat(default)),
    };
    let [x, y, z, w] = match node.get("rotation") {
        Some(v) => numbers::<4>(v)?,
        None => [0.0, 0.0, 0.0, 1.0],
    };
    let q = Quaternion::new(w, x, y, z);
    (q.norm() > 1e-3).then_some(())?;
    Some((
        three("translation", 0.0)?,
        UnitQuaternion::new_normalize(q),
        three("scale", 1.0)?,
    ))
}

/// Height of the lowest point of the skins' bounding boxes in the bind pose, root's frame and units.
fn lowest_skin(
    root: &Value,
    blob: Option<&[u8]>,
    rig: &Rig,
    bone_of: &[Option<usize>],
) -> Option<f32> {
    let placed = rig.placed();
    let get = |key: &str, i: usize| root.get(key)?.as_array()?.get(i);
    let mut lowest: Option<f32> = None;
    for node in root.get("nodes")?.as_array()? {
        let number = |v: &Value, key: &str| v.get(key).and_then(Value::as_u64).map(|n| n as usize);
        let (Some(mesh), Some(skin)) = (number(node, "mesh"), number(node, "skin")) else {
            continue;
        };
        // Skin space to root space by way of the first joint: the same for all joints in the bind pose.
        let skin = get("skins", skin)?;
        let joint = skin.get("joints")?.as_array()?.first()?.as_u64()? as usize;
        let bone = placed.get((*bone_of.get(joint)?)?)?;
        let inverse = match number(skin, "inverseBindMatrices") {
            Some(a) => first_matrix(root, get("accessors", a)?, blob?)?,
            None => Matrix4::identity(),
        };
        let mut world = Matrix4::identity();
        world.fixed_view_mut::<3, 3>(0, 0).copy_from(&bone.linear);
        world.fixed_view_mut::<3, 1>(0, 3).copy_from(&bone.position);
        let map = world * inverse;
        for primitive in get("meshes", mesh)?.get("primitives")?.as_array()? {
            let positions = primitive.pointer("/attributes/POSITION")?.as_u64()? as usize;
            let accessor = get("accessors", positions)?;
            let (min, max) = (
                numbers::<3>(accessor.get("min")?)?,
                numbers::<3>(accessor.get("max")?)?,
            );
            for corner in 0..8 {
                let v = Vector3::from_fn(|i, _| if corner >> i & 1 == 0 { min[i] } else { max[i] });
                let y = map.transform_point(&v.into()).y;
                if y.is_finite() {
                    lowest = Some(lowest.map_or(y, |l: f32| l.min(y)));
                }
            }
        }
    }
    lowest
}

fn first_matrix(root: &Value, accessor: &Value, blob: &[u8]) -> Option<Matrix4<f32>> {
    let number = |v: &Value, key: &str| v.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    let view = accessor.get("bufferView")?.as_u64()? as usize;
    let view = root.get("bufferViews")?.as_array()?.get(view)?;
    (number(view, "buffer") == 0).then_some(())?;
    let start = number(view, "byteOffset").checked_add(number(accessor, "byteOffset"))?;
    let bytes = blob.get(start..start.checked_add(64)?)?;
    let values: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    Some(Matrix4::from_column_slice(&values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retarget::{BodyPart, Naming, Side, find_bones};

    #[test]
    fn the_mannequin_is_a_rig() {
        let path = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../assets/avatars/mannequin.glb"
        ));
        let gltf = GltfRig::load(path).expect("our own file");
        assert!(gltf.hints.floor.is_some_and(|f| f.abs() < 1e-3));
        let map = find_bones(&gltf.rig, &gltf.hints).expect("a humanoid");
        assert_eq!(map.naming, Naming::Smpl);
        assert_eq!(map.missing().count(), 0, "{map}");
        let hand = map.bone(BodyPart::Hand(Side::Left)).expect("a hand");
        assert_eq!(gltf.rig.bones[hand].name, "left_wrist");
    }

    #[test]
    fn what_is_no_avatar_is_told() {
        let path = Path::new("x.glb");
        for bad in [
            &b"glTF"[..],
            b"{",
            b"{}",
            br#"{"nodes":[{"children":[1]},{"children":[0]}],"scenes":[{"nodes":[0]}],"skins":[{"joints":[0]}]}"#,
            br#"{"nodes":[{"rotation":[0,0,0,0]}],"skins":[{"joints":[0]}]}"#,
            br#"{"nodes":[{"translation":[1e39,0,0]}],"skins":[{"joints":[0]}]}"#,
        ] {
            let error = GltfRig::parse(bad, path).expect_err("bad").to_string();
            assert!(error.starts_with("x.glb is not a usable avatar: "), "{error}");
        }
    }
}
