//! Object geometry against the published code's numbers, and loaders against files as tools write them.

use chois::geometry::{BpsBasis, Mesh, ObjectGeometry};
use chois_tests::{Golden, assert_close};
use nalgebra::{UnitQuaternion, Vector3};

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
