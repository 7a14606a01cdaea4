//! A body to look at: a skinned mannequin with fingers, refitted to any person's bones.
//!
//! The network moves 24 joints. A [`Figure`] hangs a body on them: the 22 joints that turn, fifteen finger joints
//! a hand below each wrist, and a mesh that follows. [`Figure::standard`] is the body that ships with the project;
//! [`Figure::fitted`] gives it a person's bones; [`hands`] bends the fingers around what the hands touch and
//! [`feet`] keeps the toes flat where the heel leaves the floor.

pub mod feet;
pub mod hands;
pub(crate) mod refit;

use std::sync::LazyLock;

use nalgebra::Vector3;

use crate::skeleton::{NAMES, ROTATIONS};

/// Joints of one finger, from the knuckle outwards.
pub const PHALANGES: usize = 3;
/// Fingers of one hand, in the order index, middle, little, ring, thumb (SMPL-X's).
pub const FINGERS: usize = 5;
/// Joints of a figure: the 22 that turn, then the fingers of the left and of the right hand.
pub const FIGURE_JOINTS: usize = ROTATIONS + 2 * FINGERS * PHALANGES;

/// The joint of a figure that is phalanx `phalanx` of finger `finger` of the left (0) or right (1) hand.
pub const fn finger_joint(hand: usize, finger: usize, phalanx: usize) -> usize {
    ROTATIONS + (hand * FINGERS + finger) * PHALANGES + phalanx
}

/// One joint of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureJoint {
    /// Its name: SMPL's for the body, `left_index1` and the like for fingers.
    pub name: String,
    /// The joint that carries it; always one with a smaller index.
    pub parent: Option<usize>,
    /// Where it is in the rest pose, metres, SMPL axes (Y up, facing +Z). All rest rotations are identity.
    pub position: Vector3<f32>,
}

/// A part of the body's surface with one material.
#[derive(Clone, Debug, PartialEq)]
pub struct FigurePart {
    /// The material.
    pub material: FigureMaterial,
    /// Vertices in the rest pose, metres, SMPL axes.
    pub vertices: Vec<Vector3<f32>>,
    /// Unit normals of the vertices.
    pub normals: Vec<Vector3<f32>>,
    /// The four joints that move each vertex; unused ones are 0.
    pub joints: Vec<[u8; 4]>,
    /// Their weights in 255ths; each four sum to 255.
    pub weights: Vec<[u8; 4]>,
    /// Corners of each triangle, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

/// How a part looks.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureMaterial {
    /// Its name.
    pub name: String,
    /// Colour, linear, red green blue alpha.
    pub color: [f32; 4],
    /// Roughness, 0 to 1.
    pub roughness: f32,
}

/// A body: joints and the skin on them. The rest pose is a T-pose, Y up, facing +Z, left hand on +X, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The [`FIGURE_JOINTS`] joints: the 22 of [`crate::skeleton`] that turn, in their order, then the fingers.
    pub joints: Vec<FigureJoint>,
    /// The surface.
    pub parts: Vec<FigurePart>,
}

static STANDARD: LazyLock<Figure> = LazyLock::new(|| {
    const BYTES: &[u8] = include_bytes!("../../../../assets/avatars/mannequin.glb");
    // A file of our own, tested; not one a user can change.
    parse(BYTES).expect("the mannequin is a usable figure")
});

impl Figure {
    /// The mannequin that ships with the project (`assets/avatars/mannequin.glb`), standing on y = 0.
    pub fn standard() -> &'static Self {
        &STANDARD
    }

    /// Number of vertices.
    pub fn vertex_count(&self) -> usize {
        self.parts.iter().map(|p| p.vertices.len()).sum()
    }
}

/// A figure from a `.glb` as `make_mannequin.py` writes it.
fn parse(bytes: &[u8]) -> Result<Figure, String> {
    let gltf::Gltf { document, blob } =
        gltf::Gltf::from_slice(bytes).map_err(|e| format!("not glTF: {e}"))?;
    let blob = blob.ok_or("no binary chunk")?;
    let skin = document.skins().next().ok_or("no skin")?;
    let nodes: Vec<_> = skin.joints().collect();
    if nodes.len() != FIGURE_JOINTS {
        return Err(format!("{} joints, not {FIGURE_JOINTS}", nodes.len()));
    }
    let place = |node: &gltf::Node<'_>| nodes.iter().position(|n| n.index() == node.index());
    let mut joints: Vec<FigureJoint> = Vec::with_capacity(nodes.len());
    for (j, node) in nodes.iter().enumerate() {
        let parent = nodes
            .iter()
            .find(|n| n.children().any(|c| c.index() == node.index()))
            .and_then(place);
        let name = node.name().unwrap_or_default().to_owned();
        if j < ROTATIONS && name != NAMES[j] {
            return Err(format!("joint {j} is {name:?}, not {:?}", NAMES[j]));
        }
        let base = match parent {
            Some(p) if p >= j => return Err(format!("joint {name:?} stands before its parent")),
            Some(p) => joints[p].position,
            None => Vector3::zeros(),
        };
        let (offset, ..) = node.transform().decomposed();
        joints.push(FigureJoint {
            name,
            parent,
            position: base + Vector3::from(offset),
        });
    }
    let mesh = document.meshes().next().ok_or("no mesh")?;
    let mut parts = Vec::new();
    for primitive in mesh.primitives() {
        let reader = primitive.reader(|_| Some(&blob));
        let vectors = |v: [f32; 3]| Vector3::from(v);
        let indices: Vec<u32> = (reader.read_indices().ok_or("no indices")?)
            .into_u32()
            .collect();
        let material = primitive.material();
        let look = material.pbr_metallic_roughness();
        let part = FigurePart {
            material: FigureMaterial {
                name: material.name().unwrap_or_default().to_owned(),
                color: look.base_color_factor(),
                roughness: look.roughness_factor(),
            },
            vertices: (reader.read_positions().ok_or("no positions")?)
                .map(vectors)
                .collect(),
            normals: (reader.read_normals().ok_or("no normals")?)
                .map(vectors)
                .collect(),
            joints: match reader.read_joints(0).ok_or("no joints")? {
                gltf::mesh::util::ReadJoints::U8(joints) => joints.collect(),
                gltf::mesh::util::ReadJoints::U16(_) => return Err("joints of 16 bits".into()),
            },
            weights: (reader.read_weights(0).ok_or("no weights")?)
                .into_u8()
                .collect(),
            triangles: indices.as_chunks::<3>().0.to_vec(),
        };
        let n = part.vertices.len();
        if [part.normals.len(), part.joints.len(), part.weights.len()] != [n; 3]
            || part.triangles.iter().flatten().any(|&i| i as usize >= n)
            || part
                .joints
                .iter()
                .flatten()
                .any(|&j| usize::from(j) >= FIGURE_JOINTS)
        {
            return Err(format!("part {:?} is inconsistent", part.material.name));
        }
        parts.push(part);
    }
    Ok(Figure { joints, parts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::PARENTS;

    #[test]
    fn the_mannequin_is_whole() {
        let figure = Figure::standard();
        assert_eq!(figure.joints.len(), FIGURE_JOINTS);
        for j in 0..ROTATIONS {
            assert_eq!(figure.joints[j].name, NAMES[j]);
            assert_eq!(figure.joints[j].parent, PARENTS[j]);
        }
        for (hand, side) in ["left", "right"].into_iter().enumerate() {
            for (finger, name) in ["index", "middle", "pinky", "ring", "thumb"]
                .into_iter()
                .enumerate()
            {
                for phalanx in 0..PHALANGES {
                    let at = finger_joint(hand, finger, phalanx);
                    let joint = &figure.joints[at];
                    assert_eq!(joint.name, format!("{side}_{name}{}", phalanx + 1));
                    let carrier = if phalanx == 0 { 20 + hand } else { at - 1 };
                    assert_eq!(joint.parent, Some(carrier));
                }
            }
        }
        assert!(figure.vertex_count() > 20_000);
        let lowest = |p: &FigurePart| p.vertices.iter().map(|v| v.y).fold(f32::INFINITY, f32::min);
        let floor = figure
            .parts
            .iter()
            .map(lowest)
            .fold(f32::INFINITY, f32::min);
        assert!(floor.abs() < 1e-4, "{floor}");
        for part in &figure.parts {
            for (joints, weights) in part.joints.iter().zip(&part.weights) {
                assert_eq!(weights.iter().map(|&w| u32::from(w)).sum::<u32>(), 255);
                for k in 0..4 {
                    assert!(weights[k] > 0 || joints[k] == 0);
                }
            }
            for normal in &part.normals {
                assert!((normal.norm() - 1.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_broken_figure_is_told() {
        assert!(parse(b"glTF").is_err());
        assert!(parse(&[]).is_err());
    }
}
