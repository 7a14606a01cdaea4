//! The meshes of an avatar's file, in memory: every index and range of it is checked.

use std::path::Path;

use nalgebra::{Matrix4, Vector3};
use serde_json::Value;

use super::GltfRig;
use crate::{Error, Result};

const KIND: &str = "avatar";
/// Sets of four bones that a point may hang on.
const SETS: usize = 2;

/// What of an avatar is seen.
pub(super) struct Body {
    pub skins: Vec<Skin>,
    pub parts: Vec<BodyPart>,
    pub looks: Vec<Look>,
    pub pictures: Vec<Picture>,
}

/// How points hang on bones.
pub(super) struct Skin {
    /// Bones of the rig, in the skin's order.
    pub bones: Vec<usize>,
    /// From the mesh's frame to each bone's own in the bind pose.
    pub inverse: Vec<Matrix4<f32>>,
}

/// A mesh in its own frame, Y up.
pub(super) struct BodyPart {
    pub name: String,
    pub hung: Hung,
    pub points: Vec<Vector3<f32>>,
    pub normals: Vec<Vector3<f32>>,
    pub coords: Vec<[f32; 2]>,
    pub colors: Vec<Vector3<f32>>,
    pub triangles: Vec<[u32; 3]>,
    pub look: Option<usize>,
}

/// What a mesh hangs on.
pub(super) enum Hung {
    /// A skin: so many bones a point, by their place in the skin, with their weights.
    Skin {
        skin: usize,
        per: usize,
        joints: Vec<usize>,
        weights: Vec<f32>,
    },
    /// A bone of the rig, whole.
    Bone(usize),
}

/// A material.
pub(super) struct Look {
    pub color: [f32; 3],
    pub roughness: f32,
    pub double: bool,
    /// Its colours, among the pictures.
    pub picture: Option<usize>,
    /// Alpha under which nothing is seen.
    pub cut: Option<f32>,
}

/// A picture's file.
pub(super) struct Picture {
    pub ending: &'static str,
    pub bytes: Vec<u8>,
}

impl Body {
    /// Reads it; `file` is the same file's rig.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what is no binary glTF, or has numbers that cannot be.
    pub fn parse(bytes: &[u8], path: &Path, file: &GltfRig) -> Result<Self> {
        let bad = |reason: String| Error::malformed(path, KIND, reason);
        let glb = ::gltf::binary::Glb::from_slice(bytes)
            .map_err(|_| bad("it is no binary glTF; save it as one .glb".into()))?;
        let root: Value =
            serde_json::from_slice(&glb.json).map_err(|e| bad(format!("not glTF: {e}")))?;
        let blob = glb.bin.unwrap_or_default();
        Source {
            root: &root,
            blob: &blob,
            file,
        }
        .body()
        .map_err(bad)
    }
}

struct Source<'a> {
    root: &'a Value,
    blob: &'a [u8],
    file: &'a GltfRig,
}

type Read<T> = std::result::Result<T, String>;

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn number(of: &Value, key: &str) -> Option<usize> {
    of.get(key)?.as_u64().map(|n| n as usize)
}

impl Source<'_> {
    fn body(&self) -> Read<Body> {
        let mut pictures = Vec::new();
        let looks = list(self.root, "materials").iter();
        let looks = looks
            .map(|look| self.look(look, &mut pictures))
            .collect::<Read<_>>()?;
        let skins = list(self.root, "skins").iter();
        let skins = skins
            .map(|skin| self.skin(skin))
            .collect::<Read<Vec<_>>>()?;
        let mut parts = Vec::new();
        let nodes = list(self.root, "nodes");
        for (bone, node) in self.file.nodes.iter().enumerate() {
            let node = &nodes[*node];
            let Some(mesh) = number(node, "mesh") else {
                continue;
            };
            let meshes = list(self.root, "meshes");
            let mesh = (meshes.get(mesh)).ok_or_else(|| format!("it has no mesh {mesh}"))?;
            let skin = number(node, "skin").filter(|s| *s < skins.len());
            let name = (node.get("name").and_then(Value::as_str)).unwrap_or("body");
            for primitive in list(mesh, "primitives") {
                // Points and lines are no body.
                if number(primitive, "mode").is_none_or(|mode| mode == 4) {
                    let count = skin.map(|s| (s, skins[s].bones.len()));
                    parts.push(self.part(name, primitive, count, bone)?);
                }
            }
        }
        Ok(Body {
            skins,
            parts,
            looks,
            pictures,
        })
    }

    fn skin(&self, skin: &Value) -> Read<Skin> {
        let bones = list(skin, "joints").iter().map(|joint| {
            let node = joint.as_u64().map(|n| n as usize);
            let bone = self.file.nodes.iter().position(|n| Some(*n) == node);
            bone.ok_or_else(|| format!("joint {joint} of a skin is no node of the scene"))
        });
        let bones = bones.collect::<Read<Vec<_>>>()?;
        let inverse = match number(skin, "inverseBindMatrices") {
            None => vec![Matrix4::identity(); bones.len()],
            Some(accessor) => {
                let all = self.floats(accessor, 16)?;
                let all = all.chunks_exact(16).map(Matrix4::from_column_slice);
                all.collect()
            }
        };
        if inverse.len() < bones.len() {
            return Err("a skin has fewer bind matrices than joints".into());
        }
        Ok(Skin { bones, inverse })
    }

    fn part(
        &self,
        name: &str,
        primitive: &Value,
        skin: Option<(usize, usize)>,
        bone: usize,
    ) -> Read<BodyPart> {
        let own = primitive.get("attributes").unwrap_or(&Value::Null);
        let read = |key: &str, width: usize| -> Read<Option<Vec<f32>>> {
            number(own, key)
                .map(|accessor| self.floats(accessor, width))
                .transpose()
        };
        let threes = |key: &str| -> Read<Vec<Vector3<f32>>> {
            let all = read(key, 3)?.unwrap_or_default();
            Ok(all
                .chunks_exact(3)
                .map(Vector3::from_column_slice)
                .collect())
        };
        let points = threes("POSITION")?;
        let count = points.len();
        let triangles: Vec<u32> = match number(primitive, "indices") {
            Some(accessor) => self.floats_or_indices(accessor)?,
            None => (0..count as u32).collect(),
        };
        if triangles.iter().any(|i| *i as usize >= count) {
            return Err(format!(
                "a corner of the mesh {name:?} is none of its points"
            ));
        }
        let corners = triangles.chunks_exact(3);
        let triangles: Vec<[u32; 3]> = corners.map(|t| [t[0], t[1], t[2]]).collect();
        let mut normals = threes("NORMAL")?;
        if normals.len() != count {
            normals = smooth(&points, &triangles);
        }
        let coords = read("TEXCOORD_0", 2)?.unwrap_or_default();
        // With or without alpha.
        let colors = match number(own, "COLOR_0") {
            Some(accessor) => {
                let width = self.width(accessor)?;
                if !(3..=4).contains(&width) {
                    return Err(format!(
                        "the colours of the mesh {name:?} have {width} numbers each; 3 or 4 can be"
                    ));
                }
                let all = self.floats(accessor, width)?;
                all.chunks_exact(width)
                    .map(|c| Vector3::new(c[0], c[1], c[2]))
                    .collect()
            }
            None => Vec::new(),
        };
        let hung = match skin {
            None => Hung::Bone(bone),
            Some((skin, bones)) => {
                let (mut joints, mut weights) = (Vec::new(), Vec::new());
                for set in 0..SETS {
                    let of = |what: &str| number(own, &format!("{what}_{set}"));
                    if let (Some(j), Some(w)) = (of("JOINTS"), of("WEIGHTS")) {
                        joints.push(self.floats(j, 4)?);
                        weights.push(self.floats(w, 4)?);
                    }
                }
                let per = 4 * joints.len();
                if per == 0
                    || joints
                        .iter()
                        .chain(&weights)
                        .any(|all| all.len() != 4 * count)
                {
                    return Err(format!(
                        "the mesh {name:?} has a skin, and points that hang on no bones"
                    ));
                }
                let all = |sets: &[Vec<f32>]| -> Vec<f32> {
                    let point =
                        |i: usize| sets.iter().flat_map(move |s| s[4 * i..4 * i + 4].to_vec());
                    (0..count).flat_map(point).collect()
                };
                let joints: Vec<usize> = all(&joints).into_iter().map(|j| j as usize).collect();
                if joints.iter().any(|j| *j >= bones) {
                    return Err(format!(
                        "a point of the mesh {name:?} hangs on a bone that its skin has not"
                    ));
                }
                Hung::Skin {
                    skin,
                    per,
                    joints,
                    weights: all(&weights),
                }
            }
        };
        Ok(BodyPart {
            name: name.to_owned(),
            hung,
            normals,
            coords: coords.chunks_exact(2).map(|c| [c[0], c[1]]).collect(),
            colors,
            triangles,
            look: number(primitive, "material"),
            points,
        })
    }

    fn look(&self, look: &Value, pictures: &mut Vec<Picture>) -> Read<Look> {
        let pbr = look.get("pbrMetallicRoughness").unwrap_or(&Value::Null);
        let real = |of: &Value, key: &str| of.get(key).and_then(Value::as_f64).map(|v| v as f32);
        let factor = list(pbr, "baseColorFactor");
        let channel = |i: usize| factor.get(i).and_then(Value::as_f64).unwrap_or(1.0) as f32;
        let texture = pbr.get("baseColorTexture").and_then(|t| number(t, "index"));
        let image = texture.and_then(|t| number(list(self.root, "textures").get(t)?, "source"));
        let picture = match image.and_then(|i| list(self.root, "images").get(i)) {
            Some(image) => self.picture(image)?,
            None => None,
        };
        let mask = look.get("alphaMode").and_then(Value::as_str) == Some("MASK");
        Ok(Look {
            color: [channel(0), channel(1), channel(2)],
            roughness: real(pbr, "roughnessFactor").unwrap_or(1.0),
            double: look.get("doubleSided").and_then(Value::as_bool) == Some(true),
            picture: picture.map(|picture| {
                pictures.push(picture);
                pictures.len() - 1
            }),
            cut: mask.then(|| real(look, "alphaCutoff").unwrap_or(0.5)),
        })
    }

    /// A picture that USD takes.
    fn picture(&self, image: &Value) -> Read<Option<Picture>> {
        let bytes = match (
            number(image, "bufferView"),
            image.get("uri").and_then(Value::as_str),
        ) {
            (Some(view), _) => self.view(view)?.0.to_vec(),
            (None, Some(uri)) if uri.starts_with("data:") => {
                let source = ::gltf::buffer::Source::Uri(uri);
                let data = ::gltf::buffer::Data::from_source(source, None);
                data.map_err(|e| format!("a picture cannot be decoded: {e}"))?
                    .0
            }
            _ => return Ok(None),
        };
        let ending = match &bytes[..] {
            [0x89, b'P', b'N', b'G', ..] => "png",
            [0xff, 0xd8, ..] => "jpg",
            _ => return Ok(None),
        };
        Ok(Some(Picture { ending, bytes }))
    }

    /// The bytes of a view, and the distance of its elements where it says so.
    fn view(&self, view: usize) -> Read<(&[u8], Option<usize>)> {
        let none = || format!("part {view} of its data is not there; export the model again");
        let view = list(self.root, "bufferViews").get(view).ok_or_else(none)?;
        let start = number(view, "byteOffset").unwrap_or(0);
        let end = number(view, "byteLength").and_then(|long| start.checked_add(long));
        let bytes = end
            .and_then(|end| self.blob.get(start..end))
            .ok_or_else(none)?;
        Ok((bytes, number(view, "byteStride")))
    }

    fn accessor(&self, accessor: usize) -> Read<&Value> {
        let all = list(self.root, "accessors");
        let found = all
            .get(accessor)
            .ok_or_else(|| format!("it has no accessor {accessor}"))?;
        if found.get("sparse").is_some() {
            return Err("its data is sparse; export the model without compression".into());
        }
        Ok(found)
    }

    fn width(&self, accessor: usize) -> Read<usize> {
        let kind = self.accessor(accessor)?.get("type").and_then(Value::as_str);
        match kind {
            Some("SCALAR") => Ok(1),
            Some("VEC2") => Ok(2),
            Some("VEC3") => Ok(3),
            Some("VEC4") => Ok(4),
            Some("MAT4") => Ok(16),
            other => Err(format!("accessor {accessor} is of the kind {other:?}")),
        }
    }

    /// The numbers of an accessor of that width.
    fn floats(&self, accessor: usize, width: usize) -> Read<Vec<f32>> {
        if self.width(accessor)? != width {
            return Err(format!("accessor {accessor} has not {width} numbers each"));
        }
        let normalized = self
            .accessor(accessor)?
            .get("normalized")
            .and_then(Value::as_bool);
        let scale = move |most: f32| {
            if normalized == Some(true) {
                1.0 / most
            } else {
                1.0
            }
        };
        let all = self.elements(accessor, width, |kind, bytes| match (kind, bytes) {
            (5126, &[a, b, c, d]) => Some(f32::from_le_bytes([a, b, c, d])),
            (5121, &[a]) => Some(f32::from(a) * scale(255.0)),
            (5120, &[a]) => Some((f32::from(a as i8) * scale(127.0)).max(-1.0)),
            (5123, &[a, b]) => Some(f32::from(u16::from_le_bytes([a, b])) * scale(65535.0)),
            (5122, &[a, b]) => Some(f32::from(i16::from_le_bytes([a, b])) * scale(32767.0)),
            _ => None,
        })?;
        match all.iter().all(|v| v.is_finite()) {
            true => Ok(all),
            false => Err(format!(
                "accessor {accessor} holds a number that is not finite"
            )),
        }
    }

    fn floats_or_indices(&self, accessor: usize) -> Read<Vec<u32>> {
        self.elements(accessor, 1, |kind, bytes| match (kind, bytes) {
            (5125, &[a, b, c, d]) => Some(u32::from_le_bytes([a, b, c, d])),
            (5123, &[a, b]) => Some(u32::from(u16::from_le_bytes([a, b]))),
            (5121, &[a]) => Some(u32::from(a)),
            _ => None,
        })
    }

    fn elements<T>(
        &self,
        accessor: usize,
        width: usize,
        read: impl Fn(u64, &[u8]) -> Option<T>,
    ) -> Read<Vec<T>> {
        let short = || format!("the data of accessor {accessor} is cut short or of no known kind");
        let own = self.accessor(accessor)?;
        let kind = own
            .get("componentType")
            .and_then(Value::as_u64)
            .ok_or_else(short)?;
        let size = match kind {
            5120 | 5121 => 1,
            5122 | 5123 => 2,
            5125 | 5126 => 4,
            _ => return Err(short()),
        };
        let count = number(own, "count").ok_or_else(short)?;
        let (bytes, stride) = self.view(number(own, "bufferView").ok_or_else(short)?)?;
        let start = number(own, "byteOffset").unwrap_or(0);
        let stride = stride.unwrap_or(size * width);
        // Before anything is made room for: where the last one ends.
        let last = count.saturating_sub(1).checked_mul(stride);
        let end = last
            .and_then(|last| last.checked_add(start)?.checked_add(size * width))
            .ok_or_else(short)?;
        // All at one place would be none of a file's bytes.
        if end > bytes.len() || count > bytes.len() {
            return Err(short());
        }
        let mut out = Vec::with_capacity(count * width);
        for i in 0..count {
            for k in 0..width {
                let at = start + i * stride + k * size;
                let own = bytes.get(at..at + size).ok_or_else(short)?;
                out.push(read(kind, own).ok_or_else(short)?);
            }
        }
        Ok(out)
    }
}

/// Normals of a mesh that has none.
fn smooth(points: &[Vector3<f32>], triangles: &[[u32; 3]]) -> Vec<Vector3<f32>> {
    let mut out = vec![Vector3::zeros(); points.len()];
    for t in triangles {
        let [a, b, c] = t.map(|i| points[i as usize]);
        let normal = (b - a).cross(&(c - a));
        t.iter().for_each(|i| out[*i as usize] += normal);
    }
    for normal in &mut out {
        *normal = normal.try_normalize(1e-12).unwrap_or_else(Vector3::y);
    }
    out
}
