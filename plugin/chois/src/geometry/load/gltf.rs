//! glTF 2.0, binary and text.
//!
//! Numbers come from [`GltfFile`], which checks them; that nodes are a tree is checked here.

use std::path::Path;

use gltf_json::mesh::{Mode, Primitive, Semantic};
use gltf_json::scene::Node;
use gltf_json::validation::Checked;
use gltf_json::{Accessor, Index, Root};
use nalgebra::{Matrix4, Point3, Quaternion, UnitQuaternion, Vector3};

use super::super::mesh::{Mesh, too_many_triangles, too_many_vertices};
use super::super::{MAX_TRIANGLES, MAX_VERTICES};
use super::{brief, malformed, read_file};
use crate::Result;
use crate::gltf_file::{GltfFile, get, usize_of};

/// All triangles of the default scene in its Y-up frame. `folder` is where buffers in files of their own lie.
pub(super) fn parse(bytes: &[u8], name: &Path, folder: Option<&Path>) -> Result<Mesh> {
    let refuse = |reason: String| malformed(name, reason);
    let file = GltfFile::read(bytes, refuse, |i, uri| match folder {
        Some(folder) => read_file(&folder.join(relative_path(uri).map_err(&refuse)?)),
        None => Err(refuse(format!(
            "buffer {i} lies in another file; use a .glb, which holds everything"
        ))),
    })?;
    supported(&file.root).map_err(&refuse)?;
    Document { file: &file }.scene().map_err(refuse)
}

/// Refuses files whose geometry cannot be read without an extension.
fn supported(root: &Root) -> Result<(), String> {
    const HARMLESS: [&str; 6] = [
        "KHR_materials_",
        "KHR_texture_",
        "EXT_texture_",
        "MSFT_texture_",
        "KHR_lights_",
        "KHR_mesh_quantization",
    ];
    match root
        .extensions_required
        .iter()
        .find(|e| !HARMLESS.iter().any(|h| e.starts_with(h)))
    {
        None => Ok(()),
        Some(e) => Err(format!(
            "it requires the extension {}; export it without (mesh compression off)",
            brief(e)
        )),
    }
}

/// A buffer's URI as a path below the folder of the glTF file.
fn relative_path(uri: &str) -> Result<String, String> {
    let refused = || format!("its buffer address {} is not a relative path", brief(uri));
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        let byte = hex.and_then(|h| u8::from_str_radix(h, 16).ok());
        bytes.push(byte.ok_or_else(refused)?);
        rest = &tail[2..];
    }
    let path = String::from_utf8(bytes).map_err(|_| refused())?;
    if path.contains(':') || path.contains('\0') || Path::new(&path).has_root() {
        return Err(refused());
    }
    Ok(path)
}

struct Document<'a> {
    file: &'a GltfFile,
}

impl Document<'_> {
    /// The default scene (the first, or all root nodes, when none is named) as one mesh.
    fn scene(&self) -> Result<Mesh, String> {
        let root = &self.file.root;
        let scene = match root.scene {
            Some(index) => Some(get(&root.scenes, index, "scene")?),
            None => root.scenes.first(),
        };
        let starts: Vec<usize> = match scene {
            Some(scene) => scene.nodes.iter().map(Index::value).collect(),
            None => {
                let mut is_child = vec![false; root.nodes.len()];
                for child in root.nodes.iter().flat_map(|n| n.children.iter().flatten()) {
                    if let Some(slot) = is_child.get_mut(child.value()) {
                        *slot = true;
                    }
                }
                (0..root.nodes.len()).filter(|i| !is_child[*i]).collect()
            }
        };
        let mut mesh = Mesh::default();
        let mut seen = vec![false; root.nodes.len()];
        let mut stack: Vec<_> = starts
            .into_iter()
            .rev()
            .map(|node| (node, Matrix4::identity()))
            .collect();
        while let Some((index, parent)) = stack.pop() {
            let node = root
                .nodes
                .get(index)
                .ok_or_else(|| format!("node {index} does not exist"))?;
            // glTF demands a tree; a cycle would never end.
            if std::mem::replace(&mut seen[index], true) {
                return Err(format!("node {index} has more than one parent"));
            }
            let world = parent * transform(node);
            if let Some(part) = node.mesh {
                for primitive in &get(&root.meshes, part, "mesh")?.primitives {
                    self.add(primitive, &world, &mut mesh)?;
                }
            }
            let children = node.children.iter().flatten().rev();
            stack.extend(children.map(|c| (c.value(), world)));
        }
        Ok(mesh)
    }

    /// Adds the triangles of one primitive, placed in the world.
    fn add(
        &self,
        primitive: &Primitive,
        world: &Matrix4<f32>,
        mesh: &mut Mesh,
    ) -> Result<(), String> {
        let Checked::Valid(mode) = primitive.mode else {
            return Err("a primitive has an unknown mode".to_owned());
        };
        if matches!(
            mode,
            Mode::Points | Mode::Lines | Mode::LineLoop | Mode::LineStrip
        ) {
            return Ok(());
        }
        let Some(positions) = primitive
            .attributes
            .get(&Checked::Valid(Semantic::Positions))
        else {
            return Ok(());
        };
        let base = mesh.vertices.len();
        let room = MAX_VERTICES - base.min(MAX_VERTICES);
        if self.count(*positions)? > room {
            return Err(too_many_vertices());
        }
        let local = self.file.vectors::<3>(*positions, "positions", room)?;
        let count = local.len() as u32;
        let order = match primitive.indices {
            Some(indices) if self.count(indices)? > 3 * MAX_TRIANGLES => {
                return Err(too_many_triangles());
            }
            Some(indices) => self.file.indices(indices)?,
            None => (0..count).collect(),
        };
        if let Some(i) = order.iter().find(|i| **i >= count) {
            return Err(format!(
                "a triangle asks for vertex {i} of a part that has only {count} vertices"
            ));
        }
        let mut triangles: Vec<[u32; 3]> = match mode {
            Mode::TriangleStrip => order
                .windows(3)
                .enumerate()
                .map(|(i, w)| match i % 2 {
                    0 => [w[0], w[1], w[2]],
                    _ => [w[1], w[0], w[2]],
                })
                .collect(),
            Mode::TriangleFan => match order.split_first() {
                Some((hub, rim)) => rim.windows(2).map(|w| [*hub, w[0], w[1]]).collect(),
                None => Vec::new(),
            },
            _ => order.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
        };
        if mesh.triangles.len() + triangles.len() > MAX_TRIANGLES {
            return Err(too_many_triangles());
        }
        // A mirroring transform turns the surface inside out.
        if world.fixed_view::<3, 3>(0, 0).determinant() < 0.0 {
            for t in &mut triangles {
                t.swap(1, 2);
            }
        }
        let place = |v: &[f32; 3]| {
            (world.fixed_view::<3, 4>(0, 0) * Point3::from(*v).to_homogeneous()).into_owned()
        };
        mesh.vertices.extend(local.iter().map(place));
        mesh.triangles
            .extend(triangles.iter().map(|t| t.map(|i| i + base as u32)));
        Ok(())
    }

    fn count(&self, index: Index<Accessor>) -> Result<usize, String> {
        let accessor = get(&self.file.root.accessors, index, "accessor")?;
        Ok(usize_of(accessor.count))
    }
}

/// The local transform of a node; what is left out is the identity.
fn transform(node: &Node) -> Matrix4<f32> {
    if let Some(matrix) = node.matrix {
        return Matrix4::from_column_slice(&matrix);
    }
    let translation = node.translation.map_or(Vector3::zeros(), Vector3::from);
    let scale = node.scale.map_or(Vector3::repeat(1.0), Vector3::from);
    let [x, y, z, w] = node.rotation.map_or([0.0, 0.0, 0.0, 1.0], |r| r.0);
    let rotation = UnitQuaternion::try_new(Quaternion::new(w, x, y, z), 1e-12).unwrap_or_default();
    Matrix4::new_translation(&translation)
        * rotation.to_homogeneous()
        * Matrix4::new_nonuniform_scaling(&scale)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Four corners of a square, a bystander, and indices in three widths: 60 + 4 + 12 bytes.
    fn buffer() -> Vec<u8> {
        let corners: [[f32; 3]; 5] = [
            [0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [1.0, 1.0, 0.0],
            [2.0, 2.0, 0.0],
        ];
        let mut bytes: Vec<u8> = corners
            .iter()
            .flatten()
            .flat_map(|c| c.to_le_bytes())
            .collect();
        bytes.extend([0, 1, 2, 3]);
        bytes.extend([0u16, 1, 2, 1, 3, 2].iter().flat_map(|i| i.to_le_bytes()));
        bytes
    }

    fn document() -> Value {
        json!({
            "asset": { "version": "2.0" },
            "scene": 0,
            "scenes": [{ "nodes": [0] }],
            "nodes": [{ "mesh": 0 }],
            "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0 }, "indices": 2 }] }],
            "accessors": [
                { "bufferView": 0, "componentType": 5126, "count": 5, "type": "VEC3" },
                { "bufferView": 1, "componentType": 5121, "count": 4, "type": "SCALAR" },
                { "bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR" },
            ],
            "bufferViews": [
                { "buffer": 0, "byteLength": 60 },
                { "buffer": 0, "byteOffset": 60, "byteLength": 4 },
                { "buffer": 0, "byteOffset": 64, "byteLength": 12 },
            ],
            "buffers": [{ "byteLength": 76 }],
        })
    }

    fn glb(document: &Value) -> Vec<u8> {
        let mut json = document.to_string().into_bytes();
        json.resize(json.len().next_multiple_of(4), b' ');
        let blob = buffer();
        let mut bytes = b"glTF\x02\0\0\0".to_vec();
        let whole = 12 + 8 + json.len() + 8 + blob.len();
        bytes.extend((whole as u32).to_le_bytes());
        for (kind, data) in [(b"JSON", &json), (b"BIN\0", &blob)] {
            bytes.extend((data.len() as u32).to_le_bytes());
            bytes.extend(kind);
            bytes.extend(data);
        }
        bytes
    }

    fn read(document: &Value) -> Result<Mesh> {
        parse(&glb(document), Path::new("part.glb"), None)
    }

    /// Corners of all triangles.
    fn triangles(document: &Value) -> Vec<[Vector3<f32>; 3]> {
        let mesh = read(document).expect("a readable file");
        (0..mesh.triangles.len()).map(|t| mesh.corners(t)).collect()
    }

    #[test]
    fn every_kind_of_triangles_covers_the_square() {
        let mut d = document();
        let want = triangles(&d);
        assert_eq!(want.len(), 2);
        let primitive = |d: &mut Value, mode: u32, indices: Value| {
            d["meshes"][0]["primitives"][0] =
                json!({ "attributes": { "POSITION": 0 }, "mode": mode, "indices": indices });
        };
        primitive(&mut d, 5, json!(1));
        let strip = triangles(&d);
        assert_eq!(strip[0], want[0]);
        // The second triangle of a strip begins elsewhere and turns the same way.
        assert_eq!(strip[1], [want[1][2], want[1][0], want[1][1]]);
        primitive(&mut d, 6, json!(2));
        assert_eq!(triangles(&d).len(), 4);
        d["accessors"][0]["count"] = json!(3);
        primitive(&mut d, 4, Value::Null);
        assert_eq!(triangles(&d), want[..1]);
        // Lines are no surface.
        primitive(&mut d, 1, Value::Null);
        assert!(triangles(&d).is_empty());
    }

    #[test]
    fn transforms_multiply_down_the_tree_and_mirrors_turn_the_surface() {
        let mut d = document();
        let half = std::f32::consts::FRAC_1_SQRT_2;
        d["nodes"] = json!([
            { "children": [1], "translation": [0, 0, 5], "rotation": [0, 0, half, half] },
            { "mesh": 0, "children": [2], "scale": [2, 1, 1] },
            { "mesh": 0, "matrix": [-1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1] },
        ]);
        let t = triangles(&d);
        assert_eq!(t.len(), 4);
        // (1, 0, 0) becomes (2, 0, 0), turns to (0, 2, 0), rises to (0, 2, 5).
        assert!((t[0][1] - Vector3::new(0.0, 2.0, 5.0)).norm() < 1e-6);
        let normal = |t: &[Vector3<f32>; 3]| (t[1] - t[0]).cross(&(t[2] - t[0]));
        assert!(normal(&t[0]).z > 0.0);
        assert!(
            normal(&t[2]).z > 0.0,
            "the mirrored part faces the same way"
        );
    }

    #[test]
    fn quantised_sparse_and_interleaved_positions_are_read() {
        let mut d = document();
        d["accessors"][0] = json!({
            "componentType": 5126, "count": 4, "type": "VEC3",
            "sparse": {
                "count": 2,
                "indices": { "bufferView": 1, "byteOffset": 1, "componentType": 5121 },
                "values": { "bufferView": 0, "byteOffset": 12 },
            },
        });
        let mesh = read(&d).expect("sparse positions");
        assert_eq!(mesh.vertices[0], Vector3::zeros());
        assert_eq!(mesh.vertices[1], Vector3::x());
        assert_eq!(mesh.vertices[2], Vector3::y());
        let mut d = document();
        d["bufferViews"][0]["byteStride"] = json!(24);
        d["accessors"][0]["count"] = json!(3);
        d["meshes"][0]["primitives"][0]["indices"] = Value::Null;
        assert_eq!(
            triangles(&d),
            [[Vector3::zeros(), Vector3::y(), Vector3::new(2.0, 2.0, 0.0)]]
        );
        let mut d = document();
        d["extensionsRequired"] = json!(["KHR_mesh_quantization"]);
        d["accessors"][0] = json!({
            "bufferView": 2, "byteOffset": 2, "componentType": 5123, "count": 1, "type": "VEC3", "normalized": true
        });
        d["accessors"][2] =
            json!({ "bufferView": 1, "componentType": 5121, "count": 1, "type": "SCALAR" });
        let mesh = read(&d).expect("quantised positions");
        assert_eq!(mesh.vertices, [Vector3::new(1.0, 2.0, 1.0) / 65535.0]);
    }

    #[test]
    fn faults_are_named() {
        let fault = |path: &str, value: Value| {
            let mut d = document();
            let slot = d.pointer_mut(path);
            *slot.unwrap_or_else(|| panic!("{path}")) = value;
            read(&d).expect_err(path).to_string()
        };
        for (path, value, words) in [
            ("/scene", json!(3), "scene 3 does not exist"),
            ("/scenes/0/nodes/0", json!(9), "node 9 does not exist"),
            ("/nodes/0/mesh", json!(1), "mesh 1 does not exist"),
            (
                "/nodes",
                json!([{ "children": [0] }]),
                "more than one parent",
            ),
            (
                "/meshes/0/primitives/0/indices",
                json!(7),
                "accessor 7 does not exist",
            ),
            (
                "/meshes/0/primitives/0/indices",
                json!(0),
                "its indices are stored",
            ),
            (
                "/accessors/0/bufferView",
                json!(8),
                "buffer view 8 does not exist",
            ),
            (
                "/accessors/0/type",
                json!("VEC2"),
                "its positions are stored",
            ),
            ("/accessors/0/count", json!(6), "cut short"),
            (
                "/accessors/0/count",
                json!(3),
                "a triangle asks for vertex 3",
            ),
            (
                "/accessors/0/count",
                json!(u64::MAX),
                "more than 2000000 vertices",
            ),
            (
                "/accessors/2/count",
                json!(u64::MAX),
                "more than 8000000 triangles",
            ),
            ("/bufferViews/0/byteLength", json!(u64::MAX), "cut short"),
            (
                "/bufferViews/0",
                json!({ "buffer": 0, "byteLength": 60, "byteStride": 4 }),
                "overlap",
            ),
            ("/bufferViews/0/buffer", json!(1), "cut short"),
            (
                "/buffers/0",
                json!({ "byteLength": 76, "uri": "data:;base64,%%%" }),
                "cannot be decoded",
            ),
            (
                "/buffers/0",
                json!({ "byteLength": 76, "uri": "a.bin" }),
                "use a .glb",
            ),
            ("/asset", json!(1), "its JSON cannot be read"),
        ] {
            let error = fault(path, value);
            assert!(
                error.starts_with("part.glb is not a usable mesh: "),
                "{error}"
            );
            assert!(error.contains(words), "{path}: {error}");
        }
        let mut d = document();
        d["extensionsRequired"] = json!(["KHR_draco_mesh_compression"]);
        assert!(
            read(&d)
                .expect_err("draco")
                .to_string()
                .contains("KHR_draco_mesh_compression")
        );
    }

    #[test]
    fn one_mesh_used_very_often_does_not_fill_the_memory() {
        let mut d = document();
        d["accessors"][0] = json!({ "componentType": 5126, "count": 1_500_000, "type": "VEC3" });
        d["nodes"] = json!([{ "mesh": 0 }, { "mesh": 0 }]);
        d["scenes"][0]["nodes"] = json!([0, 1]);
        assert!(
            read(&d)
                .expect_err("too much")
                .to_string()
                .contains("more than 2000000")
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = glb(&document());
        for length in 0..whole.len() {
            assert!(
                parse(&whole[..length], Path::new("a.glb"), None).is_err(),
                "{length}"
            );
        }
        let mut version_one = whole;
        version_one[4] = 1;
        let error = parse(&version_one, Path::new("a.glb"), None).expect_err("version 1");
        assert!(error.to_string().contains("glTF version 1"));
    }

    #[test]
    fn buffer_addresses_stay_relative() {
        assert_eq!(
            relative_path("my%20parts/a.bin").as_deref(),
            Ok("my parts/a.bin")
        );
        for uri in [
            "/etc/passwd",
            "file:///a",
            "http://a/b",
            "%ff",
            "%4",
            "a%00b",
            "%2Fa",
            "c:a",
        ] {
            assert!(relative_path(uri).is_err(), "{uri}");
        }
    }
}
