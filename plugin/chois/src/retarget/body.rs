//! The meshes of an avatar's file, in memory.

use std::collections::HashMap;
use std::path::Path;

use gltf_json::material::AlphaMode;
use gltf_json::mesh::{Mode, Primitive, Semantic};
use gltf_json::validation::Checked;
use gltf_json::{Accessor, Image, Index, Material, Root};
use nalgebra::{Matrix4, Vector3};

use super::GltfRig;
use crate::geometry::{MAX_TRIANGLES, MAX_VERTICES};
use crate::gltf_file::{GltfFile, get, inline, width};
use crate::{Error, Result};

const KIND: &str = "avatar";
/// Sets of four bones that a point may hang on.
const SETS: u32 = 2;
/// Most bind matrices of a skin, which may have more than joints.
const MAX_MATRICES: usize = 1 << 16;
/// Most bytes of all pictures together.
const MAX_PICTURES: usize = 1 << 29;

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
        if !bytes.starts_with(b"glTF") {
            return Err(bad("it is no binary glTF; save it as one .glb".into()));
        }
        let gltf = GltfFile::read(bytes, bad, |i, _| {
            Err(bad(format!(
                "its buffer {i} lies in another file; save it as one .glb with everything in it"
            )))
        })?;
        Source {
            root: &gltf.root,
            gltf: &gltf,
            rig: file,
        }
        .body()
        .map_err(bad)
    }
}

/// The pictures of a file, each once.
#[derive(Default)]
struct Album {
    pictures: Vec<Picture>,
    bytes: usize,
    /// Where each image of the file is among them, as far as it was looked for.
    known: HashMap<usize, Option<usize>>,
}

struct Source<'a> {
    root: &'a Root,
    gltf: &'a GltfFile,
    rig: &'a GltfRig,
}

type Read<T> = std::result::Result<T, String>;

impl Source<'_> {
    fn body(&self) -> Read<Body> {
        let mut album = Album::default();
        let looks = (self.root.materials.iter())
            .map(|look| self.look(look, &mut album))
            .collect::<Read<_>>()?;
        let skins = self.root.skins.iter().map(|skin| self.skin(skin));
        let skins = skins.collect::<Read<Vec<_>>>()?;
        let mut parts = Vec::new();
        let (mut points, mut triangles) = (0, 0);
        for (bone, node) in self.rig.nodes.iter().enumerate() {
            let node = get(&self.root.nodes, Index::new(*node as u32), "node")?;
            let Some(mesh) = node.mesh else {
                continue;
            };
            let skin = node.skin.map(|s| s.value()).filter(|s| *s < skins.len());
            let name = node.name.as_deref().unwrap_or("body");
            for primitive in &get(&self.root.meshes, mesh, "mesh")?.primitives {
                // Points and lines are no body.
                if primitive.mode == Checked::Valid(Mode::Triangles) {
                    let count = skin.map(|s| (s, skins[s].bones.len()));
                    let part = self.part(name, primitive, count, bone)?;
                    points += part.points.len();
                    triangles += part.triangles.len();
                    if points > MAX_VERTICES || triangles > MAX_TRIANGLES {
                        return Err(format!(
                            "it has more than {MAX_VERTICES} points or {MAX_TRIANGLES} triangles; simplify it"
                        ));
                    }
                    parts.push(part);
                }
            }
        }
        Ok(Body {
            skins,
            parts,
            looks,
            pictures: album.pictures,
        })
    }

    fn skin(&self, skin: &gltf_json::Skin) -> Read<Skin> {
        let bones = skin.joints.iter().map(|joint| {
            let joint = joint.value();
            let bone = self.rig.nodes.iter().position(|n| *n == joint);
            bone.ok_or_else(|| format!("joint {joint} of a skin is no node of the scene"))
        });
        let bones = bones.collect::<Read<Vec<_>>>()?;
        let inverse = match skin.inverse_bind_matrices {
            None => vec![Matrix4::identity(); bones.len()],
            Some(accessor) => {
                let all = self.numbers::<16>(accessor, "bind matrices", MAX_MATRICES)?;
                all.iter().map(|m| Matrix4::from_column_slice(m)).collect()
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
        primitive: &Primitive,
        skin: Option<(usize, usize)>,
        bone: usize,
    ) -> Read<BodyPart> {
        let own = |semantic| primitive.attributes.get(&Checked::Valid(semantic)).copied();
        let threes = |semantic, what| -> Read<Vec<Vector3<f32>>> {
            let Some(accessor) = own(semantic) else {
                return Ok(Vec::new());
            };
            let all = self.numbers::<3>(accessor, what, MAX_VERTICES)?;
            Ok(all.into_iter().map(Vector3::from).collect())
        };
        let points = threes(Semantic::Positions, "positions")?;
        let count = points.len();
        let corners = match primitive.indices {
            Some(accessor) => self.gltf.indices(accessor)?,
            None => (0..count as u32).collect(),
        };
        if corners.iter().any(|i| *i as usize >= count) {
            return Err(format!(
                "a corner of the mesh {name:?} is none of its points"
            ));
        }
        let triangles = corners.as_chunks::<3>().0.to_vec();
        let mut normals = threes(Semantic::Normals, "normals")?;
        if normals.len() != count {
            normals = smooth(&points, &triangles);
        }
        let coords = match own(Semantic::TexCoords(0)) {
            Some(accessor) => self.numbers::<2>(accessor, "texture coordinates", MAX_VERTICES)?,
            None => Vec::new(),
        };
        let colors = match own(Semantic::Colors(0)) {
            Some(accessor) => self.colors(name, accessor)?,
            None => Vec::new(),
        };
        let hung = match skin {
            None => Hung::Bone(bone),
            Some((skin, bones)) => {
                let (mut joints, mut weights) = (Vec::new(), Vec::new());
                for set in 0..SETS {
                    let [j, w] = [Semantic::Joints(set), Semantic::Weights(set)].map(own);
                    if let (Some(j), Some(w)) = (j, w) {
                        joints.push(self.numbers::<4>(j, "joints", MAX_VERTICES)?);
                        weights.push(self.numbers::<4>(w, "weights", MAX_VERTICES)?);
                    }
                }
                let every = |sets: &[Vec<[f32; 4]>]| sets.iter().all(|all| all.len() == count);
                if joints.is_empty() || !every(&joints) || !every(&weights) {
                    return Err(format!(
                        "the mesh {name:?} has a skin, and points that hang on no bones"
                    ));
                }
                let all = |sets: &[Vec<[f32; 4]>]| -> Vec<f32> {
                    let point = |i: usize| sets.iter().flat_map(move |s| s[i]);
                    (0..count).flat_map(point).collect()
                };
                let per = 4 * joints.len();
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
            coords,
            colors,
            triangles,
            look: primitive.material.map(|look| look.value()),
            points,
        })
    }

    /// Colours of points, with or without alpha.
    fn colors(&self, name: &str, accessor: Index<Accessor>) -> Read<Vec<Vector3<f32>>> {
        let three = |[r, g, b]: [f32; 3]| Vector3::new(r, g, b);
        match width(get(&self.root.accessors, accessor, "accessor")?) {
            Some(3) => {
                let all = self.numbers::<3>(accessor, "colours", MAX_VERTICES)?;
                Ok(all.into_iter().map(three).collect())
            }
            Some(4) => {
                let all = self.numbers::<4>(accessor, "colours", MAX_VERTICES)?;
                Ok(all
                    .into_iter()
                    .map(|[r, g, b, _]| three([r, g, b]))
                    .collect())
            }
            _ => Err(format!(
                "the colours of the mesh {name:?} are no three or four numbers each"
            )),
        }
    }

    fn look(&self, look: &Material, album: &mut Album) -> Read<Look> {
        let pbr = &look.pbr_metallic_roughness;
        let picture = match &pbr.base_color_texture {
            Some(info) => {
                let texture = get(&self.root.textures, info.index, "texture")?;
                self.shown(texture.source.value(), album)?
            }
            None => None,
        };
        let [r, g, b, _] = pbr.base_color_factor.0;
        let mask = look.alpha_mode == Checked::Valid(AlphaMode::Mask);
        Ok(Look {
            color: [r, g, b],
            roughness: pbr.roughness_factor.0,
            double: look.double_sided,
            picture,
            cut: mask.then(|| look.alpha_cutoff.map_or(0.5, |cut| cut.0)),
        })
    }

    /// The number in the album of an image that USD takes, put there when it is first seen.
    fn shown(&self, image: usize, album: &mut Album) -> Read<Option<usize>> {
        if let Some(known) = album.known.get(&image) {
            return Ok(*known);
        }
        let picture = match self.root.images.get(image) {
            Some(image) => self.picture(image)?,
            None => None,
        };
        let number = match picture {
            Some(picture) => {
                album.bytes += picture.bytes.len();
                if album.bytes > MAX_PICTURES {
                    return Err(format!(
                        "its pictures hold more than {MAX_PICTURES} bytes together; make them smaller"
                    ));
                }
                album.pictures.push(picture);
                Some(album.pictures.len() - 1)
            }
            None => None,
        };
        album.known.insert(image, number);
        Ok(number)
    }

    /// A picture that USD takes.
    fn picture(&self, image: &Image) -> Read<Option<Picture>> {
        let bytes = match (image.buffer_view, &image.uri) {
            (Some(view), _) => self.gltf.view(view)?.to_vec(),
            (None, Some(uri)) if uri.starts_with("data:") => {
                inline(uri).map_err(|e| format!("a picture cannot be decoded: {e}"))?
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

    /// [`GltfFile::vectors`] that are finite.
    fn numbers<const N: usize>(
        &self,
        accessor: Index<Accessor>,
        what: &str,
        most: usize,
    ) -> Read<Vec<[f32; N]>> {
        let all = self.gltf.vectors::<N>(accessor, what, most)?;
        match all.iter().flatten().all(|v| v.is_finite()) {
            true => Ok(all),
            false => Err(format!("its {what} hold a number that is not finite")),
        }
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
