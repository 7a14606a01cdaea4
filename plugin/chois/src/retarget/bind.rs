//! The pose that a skin was bound in.
//!
//! The nodes of a glTF file stand in whatever pose it was exported in: often the bind pose, sometimes the first frame of
//! a dance. What the skin was made for is said by its inverse bind matrices: joint by joint, `B = inverse(IBM)` is where
//! the joint stood in the mesh's own space (glTF 2.0, section 3.7.3.1, "Skins"). That space is the root's up to one
//! transform `W` that the file does not say, since skinning ignores the mesh's node; it is found here.

use nalgebra::{Matrix3, Matrix4, Rotation3, UnitQuaternion, Vector3};

use super::{Bone, Rig};

/// A skin: bones of a [`Rig`] and where they stood when the mesh was bound to them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skin {
    /// Its name, for messages.
    pub name: String,
    /// Its joints in the file's order; None for a joint that is no bone of the rig.
    pub joints: Vec<Option<usize>>,
    /// Inverse bind matrices, one a joint, as the file has them.
    pub inverse_bind: Vec<Matrix4<f32>>,
    /// The node that carries the mesh, relative to the rig's root.
    pub mesh: Matrix4<f32>,
}

/// How much two estimates of the same transform may differ: of its own size, and of the skeleton's.
const TOLERANCE: f64 = 0.01;
/// Sine of the angle by which axes may miss the right angle before it is worth a word.
const SHEAR: f64 = 0.02;

/// What [`to_bind_pose`] learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// What is wrong with the skins, one sentence each; those parts of the rig stay as they were.
    pub notes: Vec<String>,
    /// For each skin the transform from the space of its mesh's vertices in the bind pose to the rig's root; None when
    /// the skin does not say what pose that is.
    pub spaces: Vec<Option<Matrix4<f32>>>,
}

/// Puts the bones of a rig, which stand as the file's nodes do, into the pose that its skins were bound in. Bones that
/// no skin says anything about keep their transform relative to their parent.
pub fn to_bind_pose(rig: &mut Rig, skins: &[Skin]) -> Bound {
    let mut notes = Vec::new();
    let mut spaces = vec![None; skins.len()];
    let nodes = globals(rig);
    let size = extent(nodes.iter().map(position));
    let mut bound: Vec<Option<Matrix4<f64>>> = vec![None; rig.bones.len()];
    // The largest skin knows best: usually the body, before hair and clothes.
    let mut order: Vec<usize> = (0..skins.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(skins[*i].joints.len()));
    for i in order {
        let skin = &skins[i];
        match bind_globals(skin, &nodes, size) {
            Ok((space, found)) => {
                spaces[i] = Some(space.cast());
                for (bone, global) in found {
                    bound[bone].get_or_insert(global);
                }
            }
            Err(Fault::Absent) => {}
            Err(Fault::Broken(reason)) => notes.push(format!(
                "skin \"{}\" {reason}; the pose of the file's nodes is taken for its bind pose; export it again",
                skin.name
            )),
        }
    }
    let mut sheared: Option<&str> = None;
    let mut placed: Vec<Matrix4<f64>> = Vec::with_capacity(rig.bones.len());
    let scale = size.max(f64::MIN_POSITIVE);
    for (i, bone) in rig.bones.iter_mut().enumerate() {
        let parent = bone.parent.map_or(Matrix4::identity(), |p| placed[p]);
        let file = local(bone);
        let wanted = bound[i].and_then(|global| Some(parent.try_inverse()? * global));
        // What the file says is exact; what was computed is used where it differs.
        let changed = wanted.filter(|wanted| {
            let unit = scale / linear(&parent).norm().max(f64::MIN_POSITIVE);
            differ(wanted, &file, unit) > 1e-3
        });
        if let Some(wanted) = changed {
            let (translation, rotation, stretch, shear) = decompose(&wanted);
            bone.translation = translation.cast();
            bone.rotation = rotation.cast();
            bone.scale = stretch.cast();
            if shear > SHEAR {
                sheared.get_or_insert(&bone.name);
            }
        }
        placed.push(parent * local(bone));
    }
    if let Some(name) = sheared {
        notes.push(format!(
            "the bind pose of bone \"{name}\" is sheared, which is left out; apply uneven scale before exporting"
        ));
    }
    Bound { notes, spaces }
}

/// Why a skin says nothing about its bind pose.
enum Fault {
    /// It has no matrices, or only identities.
    Absent,
    /// Its matrices cannot be used.
    Broken(String),
}

/// Bones and placements.
type Placements = Vec<(usize, Matrix4<f64>)>;

/// The skin's space, and where its joints stood when it was bound, both relative to the rig's root.
fn bind_globals(
    skin: &Skin,
    nodes: &[Matrix4<f64>],
    size: f64,
) -> Result<(Matrix4<f64>, Placements), Fault> {
    if skin.inverse_bind.is_empty() {
        return Err(Fault::Absent);
    }
    if skin.inverse_bind.len() < skin.joints.len() {
        return Err(Fault::Broken(format!(
            "has {} inverse bind matrices for {} joints",
            skin.inverse_bind.len(),
            skin.joints.len()
        )));
    }
    let mut joints = Vec::with_capacity(skin.joints.len());
    for (i, (joint, inverse)) in skin.joints.iter().zip(&skin.inverse_bind).enumerate() {
        let inverse = inverse.cast::<f64>();
        let affine = (inverse.row(3) - Matrix4::identity().row(3)).norm() < 1e-3;
        let bind = inverse.try_inverse().filter(|_| affine);
        let bind = bind.filter(|bind| bind.iter().all(|v| v.is_finite()));
        let Some(bind) = bind else {
            return Err(Fault::Broken(format!(
                "has an inverse bind matrix that is no placement (joint {i})"
            )));
        };
        if let Some(joint) = *joint
            && joint < nodes.len()
        {
            joints.push((joint, bind, nodes[joint] * inverse));
        }
    }
    // A file without matrices means identities: all joints at one place tell nothing.
    let spread = extent(joints.iter().map(|(_, bind, _)| position(bind)));
    if joints.is_empty() || (joints.len() > 1 && spread <= 0.0) {
        return Err(Fault::Absent);
    }
    let root = skin_space(skin, &joints, nodes, size);
    let placed = joints
        .into_iter()
        .map(|(joint, bind, _)| (joint, root * bind));
    Ok((root, placed.collect()))
}

/// `W`: the transform from the space that a skin was bound in to the rig's root. Each joint gives its bone, its bind
/// placement `B` and the estimate `node * IBM`, which is `W` where the node stands as it did when the skin was bound.
fn skin_space(
    skin: &Skin,
    joints: &[(usize, Matrix4<f64>, Matrix4<f64>)],
    nodes: &[Matrix4<f64>],
    size: f64,
) -> Matrix4<f64> {
    let same = |a: &Matrix4<f64>, b: &Matrix4<f64>| differ(a, b, size) <= TOLERANCE;
    let agreeing = |w: &Matrix4<f64>| joints.iter().filter(|(.., e)| same(e, w)).count();
    // Parents come first: the smallest index is nearest to the root.
    let Some((.., by_root)) = joints.iter().min_by_key(|(joint, ..)| *joint) else {
        return Matrix4::identity();
    };
    let by_root = *by_root;
    let share = agreeing(&by_root) as f64 / joints.len() as f64;
    if share > 0.95 {
        return by_root;
    }
    // The nodes are posed. Exporters bind in the scene's space or in that of the mesh's node.
    let usual = [Matrix4::identity(), skin.mesh.cast::<f64>()];
    if let Some(exact) = usual.iter().find(|w| same(w, &by_root)) {
        return *exact;
    }
    if share > 0.2 && agreeing(&by_root) >= 3 {
        return by_root;
    }
    // Posing turns and moves bones but does not scale them.
    let volume = |m: &Matrix4<f64>| linear(m).determinant().abs().cbrt();
    let fits = |w: &&Matrix4<f64>| (volume(w) / volume(&by_root) - 1.0).abs() < 0.02;
    let distance = |w: &Matrix4<f64>| -> f64 {
        let apart = joints
            .iter()
            .map(|(joint, bind, _)| (position(&(w * bind)) - position(&nodes[*joint])).norm());
        apart.sum()
    };
    let best = usual
        .iter()
        .filter(fits)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    best.copied().unwrap_or(by_root)
}

/// How far apart two transforms are: the larger of the relative difference of their linear parts and the difference of
/// their translations relative to `size`.
fn differ(a: &Matrix4<f64>, b: &Matrix4<f64>, size: f64) -> f64 {
    let turn = (linear(a) - linear(b)).norm() / linear(b).norm().max(f64::MIN_POSITIVE);
    let shift = (position(a) - position(b)).norm() / size.max(f64::MIN_POSITIVE);
    // No number is far from everything.
    match turn.max(shift) {
        d if d.is_finite() => d,
        _ => f64::INFINITY,
    }
}

/// Placement of every bone relative to the rig's root.
fn globals(rig: &Rig) -> Vec<Matrix4<f64>> {
    let mut placed: Vec<Matrix4<f64>> = Vec::with_capacity(rig.bones.len());
    for bone in &rig.bones {
        let parent = bone.parent.map_or(Matrix4::identity(), |p| placed[p]);
        placed.push(parent * local(bone));
    }
    placed
}

/// A bone relative to its parent.
fn local(bone: &Bone) -> Matrix4<f64> {
    Matrix4::new_translation(&bone.translation.cast::<f64>())
        * bone.rotation.cast::<f64>().to_homogeneous()
        * Matrix4::new_nonuniform_scaling(&bone.scale.cast::<f64>())
}

fn linear(m: &Matrix4<f64>) -> Matrix3<f64> {
    m.fixed_view::<3, 3>(0, 0).into_owned()
}

fn position(m: &Matrix4<f64>) -> Vector3<f64> {
    m.fixed_view::<3, 1>(0, 3).into_owned()
}

/// Longest side of the box around some points.
fn extent(points: impl Iterator<Item = Vector3<f64>>) -> f64 {
    let bounds = points.fold(None, |bounds: Option<(Vector3<f64>, Vector3<f64>)>, p| {
        let (low, high) = bounds.unwrap_or((p, p));
        Some((low.inf(&p), high.sup(&p)))
    });
    bounds.map_or(0.0, |(low, high)| (high - low).max())
}

/// Translation, rotation, scale, and the largest cosine between two axes, which is 0 without shear. A mirrored
/// transform has a negative scale along x.
fn decompose(m: &Matrix4<f64>) -> (Vector3<f64>, UnitQuaternion<f64>, Vector3<f64>, f64) {
    let axes = linear(m);
    let mut scale = Vector3::from_fn(|i, _| axes.column(i).norm());
    if axes.determinant() < 0.0 {
        scale.x = -scale.x;
    }
    let unit = Matrix3::from_fn(|row, column| {
        let length: f64 = scale[column];
        axes[(row, column)] / if length == 0.0 { 1.0 } else { length }
    });
    let cosine = |a: usize, b: usize| unit.column(a).dot(&unit.column(b)).abs();
    let shear = cosine(0, 1).max(cosine(1, 2)).max(cosine(2, 0));
    let rotation = Rotation3::from_matrix_eps(&unit, 1e-9, 100, Rotation3::identity());
    (
        position(m),
        UnitQuaternion::from_rotation_matrix(&rotation),
        scale,
        shear,
    )
}

#[cfg(test)]
mod tests {
    use std::f32::consts::PI;

    use super::*;

    fn bone(name: &str, parent: Option<usize>, at: [f32; 3]) -> Bone {
        Bone {
            name: name.to_owned(),
            parent,
            translation: at.into(),
            rotation: UnitQuaternion::identity(),
            scale: Vector3::repeat(1.0),
            skinned: parent.is_some(),
        }
    }

    /// An armature in centimetres, turned as some exporters do, with a spine, two arms of two bones and two legs.
    fn rig() -> Rig {
        let mut bones = vec![
            bone("Armature", None, [0.0, 0.0, 0.0]),
            bone("Hips", Some(0), [0.0, 0.0, 100.0]),
            bone("Spine", Some(1), [0.0, 0.0, 30.0]),
            bone("LeftArm", Some(2), [20.0, 0.0, 20.0]),
            bone("LeftForeArm", Some(3), [25.0, 0.0, 0.0]),
            bone("LeftHand", Some(4), [25.0, 0.0, 0.0]),
            bone("RightArm", Some(2), [-20.0, 0.0, 20.0]),
            bone("RightForeArm", Some(6), [-25.0, 0.0, 0.0]),
            bone("RightHand", Some(7), [-25.0, 0.0, 0.0]),
            bone("LeftLeg", Some(1), [10.0, 0.0, -10.0]),
            bone("RightLeg", Some(1), [-10.0, 0.0, -10.0]),
        ];
        bones[0].rotation = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -PI / 2.0);
        bones[0].scale = Vector3::repeat(0.01);
        Rig { bones }
    }

    /// The skin of a rig that stands in its bind pose, bound in the space `mesh`.
    fn skin(rig: &Rig, mesh: Matrix4<f32>) -> Skin {
        let joints: Vec<usize> = (1..rig.bones.len()).collect();
        let inverse_bind = joints
            .iter()
            .map(|j| {
                let global = globals(rig)[*j].cast::<f32>();
                global.try_inverse().expect("a placement") * mesh
            })
            .collect();
        Skin {
            name: "body".to_owned(),
            joints: joints.into_iter().map(Some).collect(),
            inverse_bind,
            mesh,
        }
    }

    /// Largest distance between the bones of two rigs, relative to the root.
    fn apart(a: &Rig, b: &Rig) -> f64 {
        let pairs = globals(a).into_iter().zip(globals(b));
        let turned = pairs.map(|(a, b)| differ(&a, &b, 1.0));
        turned.fold(0.0, f64::max)
    }

    fn pose(rig: &mut Rig, name: &str, axis: Vector3<f32>, angle: f32) {
        let bone = rig.bones.iter_mut().find(|b| b.name == name);
        let bone = bone.expect("a bone of that name");
        bone.rotation = UnitQuaternion::from_scaled_axis(axis * angle) * bone.rotation;
    }

    #[test]
    fn a_file_in_its_bind_pose_stays_exactly_as_it_is() {
        let want = rig();
        // Any space will do.
        for space in [
            Matrix4::identity(),
            Matrix4::new_scaling(0.01),
            Matrix4::new_translation(&Vector3::new(3.0, 2.0, 1.0)),
        ] {
            let mut found = want.clone();
            let mut skin = skin(&want, space);
            skin.mesh = Matrix4::identity();
            let bound = to_bind_pose(&mut found, &[skin]);
            assert!(bound.notes.is_empty());
            assert_eq!(found, want);
            let back = bound.spaces[0].expect("a space") * space.try_inverse().expect("one");
            assert!((back - Matrix4::identity()).norm() < 1e-3, "{back}");
        }
    }

    #[test]
    fn lowered_arms_are_raised_again() {
        let want = rig();
        let mut posed = want.clone();
        pose(&mut posed, "LeftArm", Vector3::y(), 1.2);
        pose(&mut posed, "RightArm", Vector3::y(), -1.2);
        let mut found = posed.clone();
        assert!(apart(&posed, &want) > 0.1);
        // Even in a space that nothing says.
        let mut skin = skin(&want, Matrix4::new_rotation(Vector3::new(0.0, 1.0, 0.0)));
        skin.mesh = Matrix4::identity();
        assert!(to_bind_pose(&mut found, &[skin]).notes.is_empty());
        assert!(apart(&found, &want) < 1e-4, "{}", apart(&found, &want));
        // The armature and what did not move are the file's, to the bit.
        assert_eq!(found.bones[..3], want.bones[..3]);
    }

    #[test]
    fn a_dancer_stands_up() {
        let want = rig();
        let mut posed = want.clone();
        for (i, bone) in posed.bones.iter_mut().enumerate().skip(1) {
            let turn = Vector3::new(0.3, -0.5, 0.8) * (i as f32).sin() * 2.0;
            bone.rotation = UnitQuaternion::from_scaled_axis(turn) * bone.rotation;
        }
        posed.bones[1].translation += Vector3::new(30.0, -20.0, -40.0);
        for mesh in [
            Matrix4::identity(),
            Matrix4::new_translation(&Vector3::new(0.5, 0.0, 0.0)),
        ] {
            let mut found = posed.clone();
            let bound = to_bind_pose(&mut found, &[skin(&want, mesh)]);
            assert!(bound.notes.is_empty());
            assert!(apart(&found, &want) < 1e-4, "{}", apart(&found, &want));
        }
    }

    #[test]
    fn clothes_share_joints_and_add_their_own() {
        let want = rig();
        let mut posed = want.clone();
        pose(&mut posed, "LeftArm", Vector3::y(), 1.2);
        let body = skin(&want, Matrix4::identity());
        let glove = Skin {
            name: "glove".to_owned(),
            joints: vec![Some(5), None],
            inverse_bind: vec![body.inverse_bind[4], Matrix4::identity()],
            mesh: Matrix4::identity(),
        };
        let mut found = posed;
        assert!(to_bind_pose(&mut found, &[glove, body]).notes.is_empty());
        assert!(apart(&found, &want) < 1e-4);
    }

    #[test]
    fn broken_matrices_are_told_and_left_alone() {
        let want = rig();
        let good = skin(&want, Matrix4::identity());
        let note = |change: &dyn Fn(&mut Skin)| {
            let mut broken = good.clone();
            change(&mut broken);
            let mut found = want.clone();
            let notes = to_bind_pose(&mut found, &[broken]).notes;
            assert_eq!(found, want);
            notes.join(" ")
        };
        assert!(note(&|s| s.inverse_bind.truncate(4)).contains("4 inverse bind matrices for 10"));
        assert!(note(&|s| s.inverse_bind[3][(1, 2)] = f32::NAN).contains("joint 3"));
        assert!(note(&|s| s.inverse_bind[2] = Matrix4::zeros()).contains("joint 2"));
        // No matrices, or those of a file that left them out, are no fault.
        assert_eq!(note(&|s| s.inverse_bind.clear()), "");
        assert_eq!(note(&|s| s.inverse_bind.fill(Matrix4::identity())), "");
    }

    #[test]
    fn shear_is_told() {
        let want = rig();
        let mut skin = skin(&want, Matrix4::identity());
        let mut shear = Matrix4::identity();
        shear[(0, 1)] = 0.5;
        skin.inverse_bind[4] = shear * skin.inverse_bind[4];
        let mut found = want.clone();
        let notes = to_bind_pose(&mut found, &[skin]).notes;
        assert!(notes[0].contains("LeftHand"), "{notes:?}");
        assert!(found.bones.iter().all(|b| b.rotation.norm().is_finite()));
    }
}
