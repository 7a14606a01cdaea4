//! Object geometry against the published code's numbers, and loaders against files as tools write them.

use std::path::Path;

use chois::geometry::{
    BpsBasis, Mesh, MeshFormat, ObjectGeometry, SdfGrid, UpAxis, load_mesh, parse_mesh,
};
use chois_tests::{Golden, assert_close};
use nalgebra::{UnitQuaternion, Vector3};
use proptest::prelude::*;

fn vectors(values: &[f32]) -> Vec<Vector3<f32>> {
    values
        .chunks_exact(3)
        .map(Vector3::from_row_slice)
        .collect()
}

fn flat(vectors: &[Vector3<f32>]) -> Vec<f32> {
    vectors.iter().flat_map(|v| [v.x, v.y, v.z]).collect()
}

/// An object with these vertices; the triangles only make it a mesh.
fn object(vertices: Vec<Vector3<f32>>) -> ObjectGeometry {
    let triangles = (2..vertices.len() as u32)
        .map(|i| [i - 2, i - 1, i])
        .collect();
    let mesh = Mesh {
        vertices,
        triangles,
    };
    ObjectGeometry::new("golden", mesh).expect("a usable mesh")
}

#[test]
fn standard_basis_is_the_published_one() {
    let golden = Golden::open("conversions");
    let basis = flat(BpsBasis::standard().points());
    assert_close("bps.basis", &basis, &golden.f32("bps.basis"), 3e-8);
}

#[test]
fn bps_matches_the_published_code() {
    let golden = Golden::open("conversions");
    let object = object(vectors(&golden.f32("bps.verts")));
    assert_close(
        "bps.center",
        object.center().as_slice(),
        &golden.f32("bps.center"),
        1e-6,
    );
    let deltas = object.bps(&UnitQuaternion::identity(), BpsBasis::standard());
    assert_close(
        "bps.deltas",
        &flat(&deltas),
        &golden.f32("bps.deltas"),
        1e-5,
    );
}

#[test]
fn bps_of_a_turned_object_is_bps_of_turned_vertices() {
    let golden = Golden::open("conversions");
    let vertices = vectors(&golden.f32("bps.verts"));
    let turn = UnitQuaternion::from_euler_angles(0.7, -0.4, 2.1);
    let turned = object(vertices.iter().map(|v| turn * v).collect());
    let there = object(vertices).bps(&turn, BpsBasis::standard());
    let here = turned.bps(&UnitQuaternion::identity(), BpsBasis::standard());
    // Two vertices can be equally near to a basis point; then only the distances agree.
    let lengths = |deltas: &[Vector3<f32>]| deltas.iter().map(Vector3::norm).collect::<Vec<_>>();
    assert_close("distances", &lengths(&there), &lengths(&here), 1e-5);
    let equal = there
        .iter()
        .zip(&here)
        .filter(|(a, b)| (*a - *b).norm() < 1e-4)
        .count();
    assert!(equal > 1000, "{equal} of 1024 deltas agree");
}

#[test]
fn distance_queries_match_the_published_code() {
    let golden = Golden::open("metrics");
    let one = |key: &str| Vector3::from_row_slice(&golden.f32(key));
    let grid = SdfGrid::new(
        [16; 3],
        one("sdf.centroid"),
        one("sdf.extents"),
        golden.f32("sdf.grid"),
    )
    .expect("a usable grid");
    let got: Vec<f32> = vectors(&golden.f32("sdf.points"))
        .iter()
        .map(|p| grid.query(p))
        .collect();
    assert_close("sdf.out", &got, &golden.f32("sdf.out"), 1e-4);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("thing.ply.npy");
    grid.save(&path).expect("saved");
    assert!(folder.path().join("thing.ply.json").exists());
    assert_eq!(SdfGrid::load(&path).expect("loaded"), grid);
    std::fs::write(
        folder.path().join("thing.ply.json"),
        r#"{"centroid": [0, 0, 0], "extents": [1, 1, 1], "grid_dim": 17}"#,
    )
    .expect("written");
    let error = SdfGrid::load(&path).expect_err("another size").to_string();
    assert!(
        error.contains("thing.ply.npy") && error.contains("17 x 17 x 17"),
        "{error}"
    );
}

/// A box of 0.4 x 0.6 x 0.8 (x, y, z of the file) as each format's text.
fn boxes() -> [(&'static str, Vec<u8>); 3] {
    let corners: Vec<[f32; 3]> = (0..8u8)
        .map(|i| {
            [
                0.4 * f32::from(i & 1),
                0.6 * f32::from(i >> 1 & 1),
                0.8 * f32::from(i >> 2),
            ]
        })
        .collect();
    let quads: [[u32; 4]; 6] = [
        [0, 2, 3, 1],
        [4, 5, 7, 6],
        [0, 1, 5, 4],
        [2, 6, 7, 3],
        [0, 4, 6, 2],
        [1, 3, 7, 5],
    ];
    let mut obj = String::new();
    let mut ply = "ply\nformat ascii 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n\
                   element face 6\nproperty list uchar uint vertex_indices\nend_header\n"
        .to_owned();
    for [x, y, z] in &corners {
        obj += &format!("v {x} {y} {z}\n");
        ply += &format!("{x} {y} {z}\n");
    }
    for [a, b, c, d] in quads {
        obj += &format!("f {} {} {} {}\n", a + 1, b + 1, c + 1, d + 1);
        ply += &format!("4 {a} {b} {c} {d}\n");
    }
    let positions: Vec<u8> = (corners.iter().flatten())
        .flat_map(|c| c.to_le_bytes())
        .collect();
    let indices: Vec<u8> = (quads.iter())
        .flat_map(|q| [q[0], q[1], q[2], q[0], q[2], q[3]])
        .flat_map(u32::to_le_bytes)
        .collect();
    let blob = [positions, indices].concat();
    let mut json = serde_json::json!({
        "asset": { "version": "2.0" },
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0 }],
        "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0 }, "indices": 1 }] }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3" },
            { "bufferView": 1, "componentType": 5125, "count": 36, "type": "SCALAR" },
        ],
        "bufferViews": [
            { "buffer": 0, "byteLength": 96 },
            { "buffer": 0, "byteOffset": 96, "byteLength": 144 },
        ],
        "buffers": [{ "byteLength": 240 }],
    })
    .to_string()
    .into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let mut glb = b"glTF\x02\0\0\0".to_vec();
    glb.extend((28 + json.len() as u32 + blob.len() as u32).to_le_bytes());
    for (kind, data) in [(b"JSON", json), (b"BIN\0", blob)] {
        glb.extend((data.len() as u32).to_le_bytes());
        glb.extend(kind);
        glb.extend(data);
    }
    [
        ("box.glb", glb),
        ("box.obj", obj.into_bytes()),
        ("box.ply", ply.into_bytes()),
    ]
}

#[test]
fn every_format_loads_into_the_same_world() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in boxes() {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).expect("written");
        let as_is = load_mesh(&path, Some(UpAxis::Z)).expect(name);
        assert_eq!(
            (as_is.vertices.len(), as_is.triangles.len()),
            (8, 12),
            "{name}"
        );
        assert_eq!(as_is.extents(), Vector3::new(0.4, 0.6, 0.8), "{name}");
        let turned = load_mesh(&path, Some(UpAxis::Y)).expect(name);
        assert_eq!(turned.extents(), Vector3::new(0.4, 0.8, 0.6), "{name}");
        assert_eq!(turned.bounds().0.z, 0.0, "{name} stands on the floor");
        let usual = load_mesh(&path, None).expect(name);
        assert_eq!(
            usual,
            if name == "box.ply" { as_is } else { turned },
            "{name}"
        );
        let object = ObjectGeometry::load(&path, None).expect(name);
        assert_eq!(object.name(), "box");
    }
}

#[test]
fn text_gltf_finds_its_buffers() {
    let folder = tempfile::tempdir().expect("a folder");
    let [(_, glb), ..] = boxes();
    let length = u32::from_le_bytes([glb[12], glb[13], glb[14], glb[15]]) as usize;
    let mut json: serde_json::Value =
        serde_json::from_slice(&glb[20..20 + length]).expect("the JSON chunk");
    std::fs::write(folder.path().join("my box.bin"), &glb[28 + length..]).expect("written");
    let path = folder.path().join("box.gltf");
    let mut load = |uri: &str| {
        json["buffers"][0]["uri"] = uri.into();
        std::fs::write(&path, json.to_string()).expect("written");
        load_mesh(&path, None)
    };
    let beside = load("my%20box.bin").expect("a buffer beside the file");
    // The same bytes in the file itself.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base64: String = glb[28 + length..]
        .chunks_exact(3)
        .flat_map(|c| {
            let n = u32::from_be_bytes([0, c[0], c[1], c[2]]);
            [18, 12, 6, 0].map(|shift| char::from(alphabet[(n >> shift & 63) as usize]))
        })
        .collect();
    let inside =
        load(&format!("data:application/octet-stream;base64,{base64}")).expect("a data URI");
    assert_eq!(inside, beside);
    let error = load("nowhere.bin").expect_err("no such buffer").to_string();
    assert!(error.contains("nowhere.bin"), "{error}");
    assert!(load(".").is_err());
}

#[test]
fn unusable_files_are_named_with_their_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let triangle = "f 1 2 3\n";
    for (name, text, words) in [
        (
            "a.obj",
            "v 0 0 0\nv 1 0 0\nv 0 1 0\n".to_owned(),
            "no triangles",
        ),
        (
            "b.obj",
            format!("v 0 0 0\nv 1 0 0\nv 0 nan 0\n{triangle}"),
            "vertex 2 is",
        ),
        (
            "c.obj",
            format!("v 0 0 0\nv 1 0 0\nv 0 inf 0\n{triangle}"),
            "vertex 2 is",
        ),
        (
            "d.obj",
            format!("v 0 0 0\nv 1 0 0\n{triangle}"),
            "out of bounds",
        ),
        (
            "e.obj",
            format!("v 0 0 0\nv 1e-4 0 0\nv 0 1e-4 0\n{triangle}"),
            "less than a millimetre",
        ),
        (
            "f.obj",
            format!("v 0 0 0\nv 80 0 0\nv 0 45 0\n{triangle}"),
            "centimetres",
        ),
        (
            "g.obj",
            format!("v 0 0 0\nv 0 0 0\nv 0 0 1\n{triangle}"),
            "no triangles",
        ),
        ("h.obj", String::new(), "empty"),
        ("i.glb", "glTF".to_owned(), "cut short"),
        ("j.gltf", "{".to_owned(), "JSON"),
        (
            "k.gltf",
            r#"{"asset":{"version":"2.0"}}"#.to_owned(),
            "no triangles",
        ),
        (
            "l.ply",
            "ply\nformat ascii 1.0\nend_header\n".to_owned(),
            "no triangles",
        ),
        ("m.ply", "obj\n".to_owned(), "ply"),
        ("n.stl", "solid".to_owned(), ".glb, .gltf, .obj and .ply"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        let error = load_mesh(&path, None).expect_err(name).to_string();
        assert!(
            error.contains(name) && error.contains(words),
            "{name}: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let missing = load_mesh(&folder.path().join("z.obj"), None).expect_err("no file");
    assert!(missing.to_string().contains("z.obj"));
    std::fs::create_dir(folder.path().join("y.obj")).expect("a folder");
    assert!(load_mesh(&folder.path().join("y.obj"), None).is_err());
}

/// What a loader makes of bytes must be a usable mesh or an error that names the file.
fn try_bytes(name: &str, bytes: &[u8]) {
    let path = Path::new(name);
    let format = MeshFormat::of(path).expect("a known ending");
    match parse_mesh(bytes, format, path, None) {
        Ok(mesh) => mesh.check().expect("a loaded mesh is usable"),
        Err(error) => assert!(error.to_string().contains(name), "{error}"),
    }
}

/// Bytes changed here and there, cut off, or doubled in part.
fn mutated(mut bytes: Vec<u8>, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    for (at, kind, value) in edits {
        let at = at % bytes.len().max(1);
        match kind % 8 {
            _ if bytes.is_empty() => {}
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, *value),
            4 => bytes[at] ^= 1 << (value % 8),
            5 => bytes[at] = b"0123456789-./ \n"[usize::from(*value) % 15],
            _ => bytes[at] = *value,
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec(any::<(usize, u8, u8)>(), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (name, prefix) in [
            ("a.glb", &b""[..]),
            ("a.glb", b"glTF\x02\0\0\0"),
            ("a.obj", b""),
            ("a.ply", b""),
            ("a.ply", b"ply\nformat ascii 1.0\n"),
            ("a.ply", b"ply\nformat binary_little_endian 1.0\nelement vertex 9\nproperty list uint float a\n\
                        end_header\n"),
        ] {
            try_bytes(name, &[prefix, &bytes].concat());
        }
    }

    #[test]
    fn damaged_files_never_panic(edits in edits()) {
        for (name, bytes) in boxes() {
            try_bytes(name, &mutated(bytes, &edits));
        }
    }

    #[test]
    fn damaged_distance_grids_never_panic(npy_edits in edits(), json_edits in edits(), which in 0..3) {
        let json = br#"{"centroid": [0, 0.5, 0], "extents": [1, 1, 2.5], "grid_dim": 2}"#.to_vec();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 2), }\n";
        let mut npy = b"\x93NUMPY\x01\0".to_vec();
        npy.extend((header.len() as u16).to_le_bytes());
        npy.extend(header.as_bytes());
        npy.extend((0..8).flat_map(|i| (i as f32).to_le_bytes()));
        let name = Path::new("a.ply.npy");
        prop_assert!(SdfGrid::parse(&npy, &json, name).is_ok());
        let npy = if which != 0 { mutated(npy, &npy_edits) } else { npy };
        let json = if which != 1 { mutated(json, &json_edits) } else { json };
        if let Ok(grid) = SdfGrid::parse(&npy, &json, name) {
            grid.query(&Vector3::repeat(0.3));
        }
    }

    #[test]
    fn nearest_vertex_is_the_nearest(
        points in proptest::collection::vec((-3i8..3, -3i8..3, -3i8..3), 3..200),
        at in (-4f32..4.0, -4f32..4.0, -4f32..4.0),
    ) {
        // Few distinct coordinates: many points share one along each axis, and many coincide.
        let mut vertices: Vec<_> = (points.iter())
            .map(|(x, y, z)| Vector3::new(*x, *y, *z).cast::<f32>())
            .collect();
        vertices.push(Vector3::repeat(5.0));
        let object = object(vertices);
        let at = Vector3::new(at.0, at.1, at.2);
        let (found, distance) = object.nearest_vertex(&at);
        let nearest = (object.vertices().iter())
            .map(|v| (v - at).norm())
            .fold(f32::INFINITY, f32::min);
        prop_assert!((distance - nearest).abs() < 1e-5);
        prop_assert!(((object.vertices()[found] - at).norm() - nearest).abs() < 1e-5);
    }
}
