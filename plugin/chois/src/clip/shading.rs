//! Vertex normals for a mesh that has none: smooth over gentle bends, sharp over creases.

use std::collections::HashMap;

use nalgebra::Vector3;

use crate::geometry::Mesh;

/// Where more triangles than this meet in a point, each keeps its own normal.
const FAN: usize = 128;

/// A mesh with a unit normal per vertex; vertices are split along creases.
pub(super) struct Shaded {
    pub vertices: Vec<Vector3<f32>>,
    pub normals: Vec<Vector3<f32>>,
    pub triangles: Vec<[u32; 3]>,
}

/// Normals of a mesh whose triangles are shaded as one surface where they meet at less than `crease` radians. Vertices
/// at the same place count as one; triangles without area are left out.
pub(super) fn shade(mesh: &Mesh, crease: f32) -> Shaded {
    let mesh = mesh.welded();
    let faces: Vec<Option<Vector3<f32>>> = (0..mesh.triangles.len())
        .map(|t| {
            // In f64: squares of micrometres vanish in f32.
            let [a, b, c] = mesh.corners(t).map(|v| v.cast::<f64>());
            let normal = (b - a).cross(&(c - a)).try_normalize(1e-18);
            normal.map(|n| n.cast())
        })
        .collect();
    let mut around = vec![Vec::new(); mesh.vertices.len()];
    for (t, triangle) in mesh.triangles.iter().enumerate() {
        if faces[t].is_some() {
            for &v in triangle {
                around[v as usize].push(t);
            }
        }
    }
    let least = crease.cos();
    let mut made: HashMap<(u32, [u32; 3]), u32> = HashMap::new();
    let mut out = Shaded {
        vertices: Vec::new(),
        normals: Vec::new(),
        triangles: Vec::with_capacity(mesh.triangles.len()),
    };
    for (t, triangle) in mesh.triangles.iter().enumerate() {
        let Some(own) = faces[t] else { continue };
        let corners = triangle.map(|v| {
            let near = &around[v as usize];
            let mut sum = Vector3::zeros();
            if near.len() <= FAN {
                for &other in near {
                    if let Some(face) = faces[other]
                        && face.dot(&own) >= least
                    {
                        sum += face * angle_at(&mesh, other, v);
                    }
                }
            }
            let normal = sum.try_normalize(1e-6).unwrap_or(own);
            *made
                .entry((v, normal.map(f32::to_bits).into()))
                .or_insert_with(|| {
                    out.vertices.push(mesh.vertices[v as usize]);
                    out.normals.push(normal);
                    out.vertices.len() as u32 - 1
                })
        });
        out.triangles.push(corners);
    }
    out
}

/// The angle of a triangle at one of its vertices.
fn angle_at(mesh: &Mesh, triangle: usize, vertex: u32) -> f32 {
    let corners = mesh.triangles[triangle];
    let k = corners.iter().position(|&v| v == vertex).unwrap_or(0);
    let at = |k: usize| mesh.vertices[corners[k % 3] as usize];
    (at(k + 1) - at(k)).angle(&(at(k + 2) - at(k)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A strip of two triangles pairs that meet at x = 0 under an angle, radians.
    fn roof(angle: f32) -> Mesh {
        let (s, c) = angle.sin_cos();
        let v = Vector3::new;
        Mesh {
            vertices: vec![
                v(-1.0, 0.0, 0.0),
                v(-1.0, 1.0, 0.0),
                v(0.0, 0.0, 0.0),
                v(0.0, 1.0, 0.0),
                v(c, 0.0, -s),
                v(c, 1.0, -s),
            ],
            triangles: vec![[0, 2, 3], [0, 3, 1], [2, 4, 5], [2, 5, 3]],
        }
    }

    #[test]
    fn creases_split_and_bends_do_not() {
        let crease = 40f32.to_radians();
        let smooth = shade(&roof(0.5), crease);
        assert_eq!(smooth.vertices.len(), 6);
        let sharp = shade(&roof(1.2), crease);
        assert_eq!(sharp.vertices.len(), 8);
        assert_eq!(sharp.triangles.len(), 4);
        for (i, n) in sharp.normals.iter().enumerate() {
            assert!((n.norm() - 1.0).abs() < 1e-5);
            assert!(n.z > 0.0, "vertex {i}");
        }
        // On the ridge of the smooth roof the normal stands halfway between both sides.
        let ridge = smooth
            .vertices
            .iter()
            .position(|v| v.x == 0.0)
            .expect("a ridge");
        let tilt = smooth.normals[ridge].x.atan2(smooth.normals[ridge].z);
        assert!((tilt - 0.25).abs() < 0.09, "{tilt}");
    }

    #[test]
    fn triangles_without_area_are_left_out() {
        let mut mesh = roof(0.2);
        mesh.vertices.push(Vector3::new(-0.5, 0.0, 0.0));
        mesh.triangles.push([0, 6, 2]);
        let shaded = shade(&mesh, 0.7);
        assert_eq!(shaded.triangles.len(), 4);
        assert!(shaded.normals.iter().flatten().all(|c| c.is_finite()));
    }

    #[test]
    fn a_crowded_vertex_takes_no_square_of_time() {
        let mut mesh = Mesh::default();
        mesh.vertices.push(Vector3::zeros());
        let n = 60_000;
        for i in 0..=n {
            let turn = i as f32 / n as f32 * std::f32::consts::PI;
            mesh.vertices
                .push(Vector3::new(turn.cos(), turn.sin(), 0.0));
        }
        mesh.triangles = (1..=n).map(|i| [0, i, i + 1]).collect();
        let shaded = shade(&mesh, 0.7);
        assert!(shaded.normals.iter().all(|n| n.z > 0.999));
    }
}
