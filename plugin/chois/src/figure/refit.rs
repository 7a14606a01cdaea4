//! A figure on other bones.
//!
//! Every vertex moves by the blend of its joints' maps. A limb's map turns and stretches along its bone and scales
//! the girth evenly; trunk, hands and feet each have one map of their own, so that nothing in them shears.

use nalgebra::{Matrix3, Rotation3, Vector3};

use super::{Figure, FigurePart, PHALANGES, finger_joint};
use crate::skeleton::{JOINTS, ROTATIONS, Skeleton, TOE_HEIGHT, joint};

/// No part of a body becomes this much smaller or larger.
const SCALES: std::ops::RangeInclusive<f32> = 0.4..=2.5;

/// v -> to + matrix (v - from).
#[derive(Clone, Copy)]
struct Affine {
    from: Vector3<f32>,
    to: Vector3<f32>,
    matrix: Matrix3<f32>,
}

impl Affine {
    fn apply(&self, v: &Vector3<f32>) -> Vector3<f32> {
        self.to + self.matrix * (v - self.from)
    }
}

/// The trunk: heights follow hips and shoulders, widths blend from those of the hips to those of the shoulders.
struct Trunk {
    hips: [Vector3<f32>; 2],
    shoulders: [Vector3<f32>; 2],
    width: [f32; 2],
    girth: f32,
}

impl Trunk {
    fn new(source: &[Vector3<f32>], target: &[Vector3<f32>], girth: f32) -> Self {
        let middle = |p: &[Vector3<f32>], l: usize, r: usize| (p[l] + p[r]) / 2.0;
        let span = |p: &[Vector3<f32>], l: usize, r: usize| (p[l].x - p[r].x).abs();
        let (lh, rh) = (joint::LEFT_HIP, joint::RIGHT_HIP);
        let (ls, rs) = (joint::LEFT_SHOULDER, joint::RIGHT_SHOULDER);
        Self {
            hips: [middle(source, lh, rh), middle(target, lh, rh)],
            shoulders: [middle(source, ls, rs), middle(target, ls, rs)],
            width: [
                ratio(span(target, lh, rh), span(source, lh, rh)),
                ratio(span(target, ls, rs), span(source, ls, rs)),
            ],
            girth,
        }
    }

    fn apply(&self, v: &Vector3<f32>) -> Vector3<f32> {
        // 0 at the hips, 1 at the shoulders; heights go on beyond them, widths do not.
        let t = (v.y - self.hips[0].y) / (self.shoulders[0].y - self.hips[0].y);
        let source = self.hips[0].lerp(&self.shoulders[0], t);
        let target = self.hips[1].lerp(&self.shoulders[1], t);
        let s = t.clamp(0.0, 1.0);
        let s = s * s * (3.0 - 2.0 * s);
        let width = self.width[0] + (self.width[1] - self.width[0]) * s;
        target + Vector3::new((v.x - source.x) * width, 0.0, (v.z - source.z) * self.girth)
    }
}

impl Figure {
    /// This figure on a person's bones, the pelvis at the origin as in [`Skeleton::rest_positions`]. Body joints lie
    /// exactly where the skeleton has them, the knuckle of the middle finger where it has the palm; soles lie 2 cm
    /// below the toe joints.
    #[must_use]
    pub fn fitted(&self, skeleton: &Skeleton) -> Self {
        let source: Vec<_> = self.joints.iter().map(|j| j.position).collect();
        let target = self.fitted_joints(&source, &skeleton.rest_positions());
        let maps = Maps::new(self, &source, &target);
        let mut out = self.clone();
        for (joint, position) in out.joints.iter_mut().zip(target) {
            joint.position = position;
        }
        for part in &mut out.parts {
            for i in 0..part.vertices.len() {
                let v = part.vertices[i];
                part.vertices[i] = (0..4)
                    .filter(|&k| part.weights[i][k] > 0)
                    .map(|k| {
                        let weight = f32::from(part.weights[i][k]) / 255.0;
                        maps.apply(usize::from(part.joints[i][k]), &v) * weight
                    })
                    .sum();
            }
            part.normals = normals(part);
        }
        out
    }

    /// Joints of the figure on a person's 24 rest positions: hands are turned and scaled as a whole.
    fn fitted_joints(
        &self,
        source: &[Vector3<f32>],
        rest: &[Vector3<f32>; JOINTS],
    ) -> Vec<Vector3<f32>> {
        let mut target = rest[..ROTATIONS].to_vec();
        for j in ROTATIONS..self.joints.len() {
            let hand = (j - ROTATIONS) / (super::FINGERS * PHALANGES);
            target.push(hand_map(source, rest, hand).apply(&source[j]));
        }
        target
    }
}

/// Wrist to wrist, knuckle of the middle finger to palm.
fn hand_map(source: &[Vector3<f32>], rest: &[Vector3<f32>], hand: usize) -> Affine {
    let wrist = joint::LEFT_WRIST + hand;
    let from = source[finger_joint(hand, 1, 0)] - source[wrist];
    let to = rest[joint::LEFT_PALM + hand] - rest[wrist];
    let turn = Rotation3::rotation_between(&from, &to).unwrap_or_else(Rotation3::identity);
    Affine {
        from: source[wrist],
        to: rest[wrist],
        matrix: turn.into_inner() * ratio(to.norm(), from.norm()),
    }
}

/// The map of every joint.
struct Maps {
    trunk: Trunk,
    /// None where the trunk's map holds.
    affine: Vec<Option<Affine>>,
}

impl Maps {
    fn new(figure: &Figure, source: &[Vector3<f32>], target: &[Vector3<f32>]) -> Self {
        let girth = girth(source, target);
        let mut affine = vec![None; source.len()];
        let mut bone = |j: usize, child: usize| {
            affine[j] = Some(bone_map(source, target, j, child, girth));
        };
        for side in 0..2 {
            bone(joint::LEFT_HIP + side, joint::LEFT_KNEE + side);
            bone(joint::LEFT_KNEE + side, joint::LEFT_ANKLE + side);
            bone(joint::LEFT_SHOULDER + side, joint::LEFT_ELBOW + side);
            bone(joint::LEFT_ELBOW + side, joint::LEFT_WRIST + side);
        }
        bone(joint::NECK, joint::HEAD);
        affine[joint::HEAD] = Some(Affine {
            from: source[joint::HEAD],
            to: target[joint::HEAD],
            // Heads vary less than bodies.
            matrix: Matrix3::identity() * (0.5 + 0.5 * girth),
        });
        for side in 0..2 {
            let map = foot_map(figure, source, target, side, girth);
            affine[joint::LEFT_ANKLE + side] = Some(map);
            affine[joint::LEFT_TOE + side] = Some(map);
            // The fitted knuckle is where the palm is.
            let mut rest = target[..ROTATIONS].to_vec();
            rest.extend((0..2).map(|hand| target[finger_joint(hand, 1, 0)]));
            let map = hand_map(source, &rest, side);
            affine[joint::LEFT_WRIST + side] = Some(map);
            for finger in 0..super::FINGERS {
                for phalanx in 0..PHALANGES {
                    affine[finger_joint(side, finger, phalanx)] = Some(map);
                }
            }
        }
        Self {
            trunk: Trunk::new(source, target, girth),
            affine,
        }
    }

    fn apply(&self, joint: usize, v: &Vector3<f32>) -> Vector3<f32> {
        match &self.affine[joint] {
            Some(map) => map.apply(v),
            None => self.trunk.apply(v),
        }
    }
}

/// Size of one skeleton against another: legs, and trunk up to the neck.
fn girth(source: &[Vector3<f32>], target: &[Vector3<f32>]) -> f32 {
    let size = |p: &[Vector3<f32>]| {
        let along =
            |chain: &[usize]| -> f32 { chain.windows(2).map(|w| (p[w[1]] - p[w[0]]).norm()).sum() };
        along(&[1, 4, 7]) + along(&[2, 5, 8]) + 2.0 * along(&[0, 3, 6, 9, 12])
    };
    ratio(size(target), size(source))
}

/// Turns with the bone, stretches along it, scales its girth.
fn bone_map(
    source: &[Vector3<f32>],
    target: &[Vector3<f32>],
    j: usize,
    child: usize,
    girth: f32,
) -> Affine {
    let (from, to) = (source[child] - source[j], target[child] - target[j]);
    let turn = Rotation3::rotation_between(&from, &to).unwrap_or_else(Rotation3::identity);
    let axis = from.normalize();
    let along = axis * axis.transpose();
    let stretch = along * ratio(to.norm(), from.norm()) + (Matrix3::identity() - along) * girth;
    Affine {
        from: source[j],
        to: target[j],
        matrix: turn.into_inner() * stretch,
    }
}

/// Turns the foot about the vertical and scales it so that ankle, toe joint and sole are where they must be.
fn foot_map(
    figure: &Figure,
    source: &[Vector3<f32>],
    target: &[Vector3<f32>],
    side: usize,
    girth: f32,
) -> Affine {
    let (ankle, toe) = (joint::LEFT_ANKLE + side, joint::LEFT_TOE + side);
    let flat = |v: Vector3<f32>| Vector3::new(v.x, 0.0, v.z);
    let (from, to) = (
        flat(source[toe] - source[ankle]),
        flat(target[toe] - target[ankle]),
    );
    let turn = Rotation3::rotation_between(&from, &to).unwrap_or_else(Rotation3::identity);
    let axis = from.try_normalize(1e-6).unwrap_or_else(Vector3::z);
    let sole = sole(figure, [ankle, toe]);
    let height = target[ankle].y - (target[toe].y - TOE_HEIGHT);
    let length = ratio(to.norm(), from.norm());
    let along = axis * axis.transpose();
    let up = Vector3::y() * Vector3::y().transpose();
    let stretch = along * length
        + up * ratio(height, source[ankle].y - sole)
        // Long feet are wider, but not by as much.
        + (Matrix3::identity() - along - up) * (length * girth).sqrt();
    Affine {
        from: source[ankle],
        to: target[ankle],
        matrix: turn.into_inner() * stretch,
    }
}

/// Height of the lowest vertex that these joints alone move.
fn sole(figure: &Figure, joints: [usize; 2]) -> f32 {
    let mut lowest = f32::INFINITY;
    for part in &figure.parts {
        for ((v, js), ws) in part.vertices.iter().zip(&part.joints).zip(&part.weights) {
            let own = |k: usize| ws[k] == 0 || joints.contains(&usize::from(js[k]));
            if (0..4).all(own) {
                lowest = lowest.min(v.y);
            }
        }
    }
    lowest
}

/// Ratio of two lengths within what a body can be.
fn ratio(target: f32, source: f32) -> f32 {
    (target / source.max(1e-6)).clamp(*SCALES.start(), *SCALES.end())
}

/// Vertex normals; each face counts by its angle at the vertex.
fn normals(part: &FigurePart) -> Vec<Vector3<f32>> {
    let mut out = vec![Vector3::zeros(); part.vertices.len()];
    for triangle in &part.triangles {
        let corners = triangle.map(|i| part.vertices[i as usize]);
        let face = (corners[1] - corners[0]).cross(&(corners[2] - corners[0]));
        let Some(face) = face.try_normalize(1e-14) else {
            continue;
        };
        for k in 0..3 {
            let a = corners[(k + 1) % 3] - corners[k];
            let b = corners[(k + 2) % 3] - corners[k];
            out[triangle[k] as usize] += face * a.angle(&b);
        }
    }
    out.iter()
        .zip(&part.normals)
        .map(|(n, before)| n.try_normalize(1e-9).unwrap_or(*before))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::figure::FIGURE_JOINTS;
    use crate::skeleton::{NAMES, PARENTS};

    /// The figure's own bones, each stretched by its own factor.
    pub(crate) fn stretched(scale: impl Fn(usize) -> f32) -> Skeleton {
        let figure = Figure::standard();
        let palm = |hand: usize| figure.joints[finger_joint(hand, 1, 0)].position;
        let mut at: Vec<_> = figure.joints[..ROTATIONS]
            .iter()
            .map(|j| j.position)
            .collect();
        at.extend([palm(0), palm(1)]);
        let mut rest_offsets = [Vector3::zeros(); JOINTS];
        for j in 1..JOINTS {
            let parent = PARENTS[j].expect("all but the pelvis have one");
            rest_offsets[j] = (at[j] - at[parent]) * scale(j);
        }
        Skeleton { rest_offsets }
    }

    #[test]
    fn own_bones_leave_the_body_as_it_is() {
        let figure = Figure::standard();
        let fitted = figure.fitted(&stretched(|_| 1.0));
        let pelvis = figure.joints[0].position;
        let feet = [7u8, 8, 10, 11];
        for (a, b) in figure.parts.iter().zip(&fitted.parts) {
            for i in 0..a.vertices.len() {
                // Feet get the sole that the skeleton asks for.
                if a.joints[i].iter().any(|j| feet.contains(j)) {
                    continue;
                }
                let moved = (b.vertices[i] + pelvis - a.vertices[i]).norm();
                assert!(moved < 1e-5, "{moved}");
                assert!(a.normals[i].dot(&b.normals[i]) > 0.999);
            }
        }
    }

    #[test]
    fn joints_lie_on_the_bones_and_soles_under_the_toes() {
        for factor in [0.6, 0.85, 1.0, 1.3] {
            let skeleton = stretched(|j| factor * [0.9, 1.05, 1.1][j % 3]);
            let rest = skeleton.rest_positions();
            let fitted = Figure::standard().fitted(&skeleton);
            assert_eq!(fitted.joints.len(), FIGURE_JOINTS);
            for j in 0..ROTATIONS {
                assert_eq!(fitted.joints[j].position, rest[j], "{}", NAMES[j]);
            }
            for hand in 0..2 {
                let knuckle = fitted.joints[finger_joint(hand, 1, 0)].position;
                assert!((knuckle - rest[joint::LEFT_PALM + hand]).norm() < 1e-5);
            }
            for side in 0..2 {
                let feet = [joint::LEFT_ANKLE + side, joint::LEFT_TOE + side];
                let below = rest[feet[1]].y - sole(&fitted, feet);
                assert!((below - TOE_HEIGHT).abs() < 1e-4, "{below}");
            }
        }
    }

    #[test]
    fn bones_without_length_give_a_finite_body() {
        let fitted = Figure::standard().fitted(&stretched(|_| 0.0));
        for part in &fitted.parts {
            assert!(part.vertices.iter().flatten().all(|c| c.is_finite()));
            assert!(part.normals.iter().all(|n| (n.norm() - 1.0).abs() < 1e-3));
        }
    }
}
