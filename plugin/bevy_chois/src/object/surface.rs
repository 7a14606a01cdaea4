//! From Bevy's meshes to one surface of the model's world.

use crate::frame;
use bevy::math::{Affine3A, Mat4, Vec3};
use bevy::mesh::{
    Indices, Mesh, MeshAccessError, PrimitiveTopology, VertexAttributeValues, VertexFormat,
};
use chois::error::Error;
use chois::geometry::{MAX_TRIANGLES, ObjectGeometry};

/// What one mesh contributes: a copy of its data, so that it can be worked on while the asset is used elsewhere.
pub(super) struct Part {
    positions: Vec<[f32; 3]>,
    indices: Option<Indices>,
    strip: bool,
    /// Joint indices and weights of each vertex.
    influences: Option<(Vec<[u16; 4]>, Vec<[f32; 4]>)>,
    placement: Placement,
}

/// Where a mesh stands in its object: relative to the entity's origin, in the entity's world axes, world scale applied.
#[derive(Clone, Debug)]
pub(super) enum Placement {
    /// As one piece.
    Rigid(Affine3A),
    /// By joints: each one's placement times its inverse bind matrix.
    Skinned(Vec<Mat4>),
}

/// Whether a mesh has a surface at all.
pub(super) fn is_surface(mesh: &Mesh) -> bool {
    matches!(
        mesh.primitive_topology(),
        PrimitiveTopology::TriangleList | PrimitiveTopology::TriangleStrip
    )
}

impl Part {
    /// Copies what is needed of a mesh.
    ///
    /// # Errors
    /// One sentence, to be read after the name of the object, when its data is not there or in an unusual format.
    pub(super) fn copy(mesh: &Mesh, placement: Placement) -> Result<Self, String> {
        let gone = |error| match error {
            MeshAccessError::ExtractedToRenderWorld => {
                "its mesh was handed to the renderer and is not in main memory; load it with `RenderAssetUsages::\
                 default()`, which keeps `MAIN_WORLD`"
            }
            MeshAccessError::NotFound => "its mesh has no vertex positions; export it again",
        };
        let positions = mesh.try_attribute(Mesh::ATTRIBUTE_POSITION).map_err(gone)?;
        let VertexAttributeValues::Float32x3(positions) = positions else {
            let format = VertexFormat::from(positions);
            return Err(format!(
                "its vertex positions are stored as {format:?}; only three 32-bit floats can be read"
            ));
        };
        let influences = match (
            mesh.attribute(Mesh::ATTRIBUTE_JOINT_INDEX),
            mesh.attribute(Mesh::ATTRIBUTE_JOINT_WEIGHT),
            &placement,
        ) {
            (
                Some(VertexAttributeValues::Uint16x4(joints)),
                Some(VertexAttributeValues::Float32x4(weights)),
                Placement::Skinned(_),
            ) => Some((joints.clone(), weights.clone())),
            _ => None,
        };
        Ok(Self {
            positions: positions.clone(),
            indices: mesh.try_indices_option().map_err(gone)?.cloned(),
            strip: mesh.primitive_topology() == PrimitiveTopology::TriangleStrip,
            influences,
            placement,
        })
    }

    /// Adds the vertices and triangles to a mesh of the model's world.
    fn add_to(&self, out: &mut chois::geometry::Mesh) {
        let base = out.vertices.len() as u32;
        let count = self.positions.len() as u32;
        out.vertices.extend((0..self.positions.len()).map(|i| {
            let placed = self.place(i);
            frame::vector(placed)
        }));
        let mut triangles = triangles(self.indices.as_ref(), count, self.strip);
        // A mirroring placement turns the surface inside out.
        let mirrored = match &self.placement {
            Placement::Rigid(affine) => affine.matrix3.determinant() < 0.0,
            Placement::Skinned(_) => false,
        };
        if mirrored {
            triangles.iter_mut().for_each(|t| t.swap(1, 2));
        }
        // Corners that do not exist are left out by welding.
        let shift = |i: u32| if i < count { base + i } else { u32::MAX };
        out.triangles
            .extend(triangles.into_iter().map(|t| t.map(shift)));
    }

    /// A vertex relative to the object's origin.
    fn place(&self, vertex: usize) -> Vec3 {
        let position = Vec3::from(self.positions[vertex]);
        match (&self.placement, &self.influences) {
            (Placement::Rigid(affine), _) => affine.transform_point3(position),
            (Placement::Skinned(joints), Some((indices, weights))) => {
                let (Some(indices), Some(weights)) = (indices.get(vertex), weights.get(vertex))
                else {
                    return position;
                };
                let total: f32 = weights.iter().sum();
                if total <= 0.0 {
                    // Hangs on nothing: glTF forbids it, exporters do it.
                    let joint = joints.get(usize::from(indices[0]));
                    return joint.map_or(position, |joint| joint.transform_point3(position));
                }
                let moved = indices.iter().zip(weights).filter_map(|(joint, weight)| {
                    let joint = joints.get(usize::from(*joint))?;
                    Some(*weight / total * joint.transform_point3(position))
                });
                moved.sum()
            }
            (Placement::Skinned(_), None) => position,
        }
    }
}

/// Corners of all triangles; a strip's indices may hold restarts.
fn triangles(indices: Option<&Indices>, count: u32, strip: bool) -> Vec<[u32; 3]> {
    let order: Vec<u32> = match indices {
        None => (0..count).collect(),
        Some(Indices::U16(indices)) => indices
            .iter()
            .map(|i| match *i {
                u16::MAX if strip => u32::MAX,
                i => i.into(),
            })
            .collect(),
        Some(Indices::U32(indices)) => indices.clone(),
    };
    if !strip {
        return order.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
    }
    order
        .split(|i| *i == u32::MAX)
        .flat_map(|run| {
            run.windows(3).enumerate().map(|(i, w)| match i % 2 {
                0 => [w[0], w[1], w[2]],
                // Every other triangle of a strip winds the other way.
                _ => [w[1], w[0], w[2]],
            })
        })
        .collect()
}

/// One object out of its parts: split vertices joined, long edges divided (see
/// [`chois::geometry::Mesh::refined`]). It has no name yet.
///
/// # Errors
/// One sentence, to be read after the name of the object.
pub(super) fn shape(parts: &[Part]) -> Result<ObjectGeometry, String> {
    let mut mesh = chois::geometry::Mesh::default();
    for part in parts {
        part.add_to(&mut mesh);
        if mesh.triangles.len() > MAX_TRIANGLES {
            return Err(format!(
                "it has more than {MAX_TRIANGLES} triangles; simplify it"
            ));
        }
    }
    // Welding drops what no triangle uses; a vertex that is no number must be seen before the surface is divided.
    let welded = mesh.welded();
    welded.check().map_err(reason)?;
    ObjectGeometry::new(String::new(), welded.refined()).map_err(reason)
}

/// What an error says beyond the field it names.
fn reason(error: Error) -> String {
    match error {
        Error::Invalid { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bevy::asset::RenderAssetUsages;
    use bevy::math::{Quat, primitives::Cuboid};
    use bevy::mesh::Meshable;
    use nalgebra::Vector3;

    use super::*;

    fn cuboid(size: Vec3) -> Mesh {
        Cuboid::from_size(size).mesh().into()
    }

    fn read(mesh: &Mesh, affine: Affine3A) -> Result<ObjectGeometry, String> {
        shape(&[Part::copy(mesh, Placement::Rigid(affine))?])
    }

    /// Six times the volume that the triangles enclose; positive when they face outward.
    fn volume(object: &ObjectGeometry) -> f32 {
        (0..object.triangles().len())
            .map(|t| {
                let [a, b, c] = object.mesh().corners(t);
                a.cross(&b).dot(&c)
            })
            .sum::<f32>()
            / 6.0
    }

    #[test]
    fn a_box_is_welded_divided_and_stands_where_it_was_put() {
        let affine = Affine3A::from_scale_rotation_translation(
            Vec3::splat(0.01),
            Quat::from_rotation_y(0.3),
            Vec3::new(1.0, 2.0, 3.0),
        );
        let object = read(&cuboid(Vec3::new(40.0, 60.0, 80.0)), affine).expect("a box");
        assert!((frame::vec3(object.center()) - Vec3::new(1.0, 2.0, 3.0)).length() < 1e-3);
        // Up is Z in the model's world.
        assert!((object.extents().z - 0.6).abs() < 1e-4);
        assert!((volume(&object) - 0.4 * 0.6 * 0.8).abs() < 1e-3);
        assert!(object.vertices().len() > 500);
    }

    #[test]
    fn a_mirrored_part_still_faces_outward() {
        let affine = Affine3A::from_scale(Vec3::new(-1.0, 1.0, 1.0));
        let object = read(&cuboid(Vec3::ONE), affine).expect("a box");
        assert!((volume(&object) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_strip_with_a_restart_is_two_quads() {
        let corners = |x: f32| {
            [
                [x, 0.0, 0.0],
                [x + 1.0, 0.0, 0.0],
                [x, 1.0, 0.0],
                [x + 1.0, 1.0, 0.0],
            ]
        };
        let positions = [corners(0.0), corners(5.0)].concat();
        let strip = Mesh::new(
            PrimitiveTopology::TriangleStrip,
            RenderAssetUsages::default(),
        )
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, positions)
        .with_inserted_indices(Indices::U16(vec![0, 1, 2, 3, u16::MAX, 4, 5, 6, 7]));
        let object = read(&strip, Affine3A::IDENTITY).expect("two quads");
        let area: Vector3<f32> = (0..object.triangles().len())
            .map(|t| {
                let [a, b, c] = object.mesh().corners(t);
                (b - a).cross(&(c - a)) / 2.0
            })
            .sum();
        // Both face +Z of Bevy, which is -Y of the model.
        assert!(
            (area - Vector3::new(0.0, -2.0, 0.0)).norm() < 1e-3,
            "{area}"
        );
    }

    #[test]
    fn corners_that_do_not_exist_are_left_out() {
        let mut mesh = cuboid(Vec3::ONE);
        let Some(Indices::U32(indices)) = mesh.indices_mut() else {
            panic!("a box with 32-bit indices");
        };
        indices.extend([0, 1, 9_000_000]);
        assert!(read(&mesh, Affine3A::IDENTITY).is_ok());
    }

    #[test]
    fn faults_are_told() {
        let fault = |mesh: &Mesh| read(mesh, Affine3A::IDENTITY).expect_err("a fault");
        assert!(fault(&cuboid(Vec3::splat(100.0))).contains("0.01"));
        assert!(fault(&cuboid(Vec3::splat(1e-5))).contains("millimetre"));
        let mut broken = cuboid(Vec3::ONE);
        if let Some(VertexAttributeValues::Float32x3(positions)) =
            broken.attribute_mut(Mesh::ATTRIBUTE_POSITION)
        {
            positions[3][1] = f32::NAN;
        }
        assert!(fault(&broken).contains("finite"));
        let mut handed_over = cuboid(Vec3::ONE);
        handed_over.take_gpu_data().expect("the first time");
        assert!(fault(&handed_over).contains("MAIN_WORLD"));
        let nothing = Mesh::new(
            PrimitiveTopology::TriangleList,
            RenderAssetUsages::default(),
        );
        assert!(fault(&nothing).contains("no vertex positions"));
    }

    #[test]
    fn skin_is_taken_in_its_present_pose() {
        let mesh = cuboid(Vec3::ONE);
        let count = mesh.count_vertices();
        let mesh = mesh
            .with_inserted_attribute(
                Mesh::ATTRIBUTE_JOINT_INDEX,
                VertexAttributeValues::Uint16x4(vec![[1, 0, 0, 0]; count]),
            )
            .with_inserted_attribute(
                Mesh::ATTRIBUTE_JOINT_WEIGHT,
                vec![[0.5, 0.0, 0.0, 0.0]; count],
            );
        let joints = vec![
            Mat4::IDENTITY,
            Mat4::from_translation(Vec3::new(0.0, 3.0, 0.0)),
        ];
        let part = Part::copy(&mesh, Placement::Skinned(joints)).expect("a mesh");
        let object = shape(&[part]).expect("a box");
        assert!((frame::vec3(object.center()) - Vec3::new(0.0, 3.0, 0.0)).length() < 1e-4);
    }
}
