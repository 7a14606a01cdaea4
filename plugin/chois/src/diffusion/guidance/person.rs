//! Person and object of a prediction in metres, and what a change of theirs is as a change of features.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use crate::geometry::ObjectGeometry;
use crate::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION,
    Statistics, matrix_from_6d, nearest_rotation,
};
use crate::skeleton::{JOINTS, PARENTS, ROTATIONS, Skeleton};

/// Joint positions, metres.
pub(super) type Joints = [Vector3<f32>; JOINTS];

/// Most vertices that guidance looks at where all are asked: more cost time and say the same.
const VERTICES: usize = 2_000;

/// A frame's features.
pub(super) fn frame(x: &[f32], t: usize) -> &[f32] {
    &x[t * FEATURES..][..FEATURES]
}

/// A frame's features, to be changed.
pub(super) fn frame_mut(x: &mut [f32], t: usize) -> &mut [f32] {
    &mut x[t * FEATURES..][..FEATURES]
}

/// How sure the contact channels are of each hand: 0 at 0.5, 1 from 0.9 on.
pub(super) fn held(row: &[f32]) -> [f32; 2] {
    [0, 1].map(|hand| ((row[CONTACT.start + hand] - 0.5) / 0.4).clamp(0.0, 1.0))
}

/// A person's bones and the normalisation of their joints.
pub(super) struct Person {
    low: Joints,
    /// Metres per normalised unit.
    unit: Joints,
    bones: Joints,
}

impl Person {
    pub(super) fn new(statistics: &Statistics, skeleton: &Skeleton) -> Self {
        let low: Joints = std::array::from_fn(|j| Vector3::from(statistics.joint_min[j]));
        Self {
            unit: std::array::from_fn(|j| (Vector3::from(statistics.joint_max[j]) - low[j]) * 0.5),
            low,
            bones: skeleton.rest_offsets,
        }
    }

    /// A joint's position as the features state it; [`Self::joints`] has those that the pelvis and the rotations make.
    pub(super) fn stated(&self, row: &[f32], joint: usize) -> Vector3<f32> {
        let n = Vector3::from_column_slice(&row[JOINT_POSITIONS.start + 3 * joint..][..3]);
        (n.add_scalar(1.0)).component_mul(&self.unit[joint]) + self.low[joint]
    }

    pub(super) fn state(&self, row: &mut [f32], joint: usize, place: &Vector3<f32>) {
        let n = (place - self.low[joint]).component_div(&self.unit[joint]);
        let out = &mut row[JOINT_POSITIONS.start + 3 * joint..][..3];
        out.copy_from_slice(n.add_scalar(-1.0).as_slice());
    }

    /// Where the pelvis and the rotations of a frame put the joints.
    pub(super) fn joints(&self, row: &[f32]) -> Joints {
        let turns: [Matrix3<f32>; ROTATIONS] =
            std::array::from_fn(|j| matrix_from_6d(&row[JOINT_ROTATIONS.start + 6 * j..][..6]));
        let mut out = [self.stated(row, 0); JOINTS];
        for j in 1..JOINTS {
            let parent = PARENTS[j].unwrap_or(0);
            out[j] = out[parent] + turns[parent] * self.bones[j];
        }
        out
    }

    /// The same in every frame of a window.
    pub fn over(&self, x: &[f32]) -> Vec<Joints> {
        x.chunks_exact(FEATURES)
            .map(|row| self.joints(row))
            .collect()
    }

    /// Adds to `out` what a gradient on the joints of a frame is on its features: the reverse of [`Self::joints`].
    pub(super) fn back(&self, row: &[f32], mut on: Joints, out: &mut [f32]) {
        // On the rows of each rotation: a bone turns with its parent, and all that hangs on it goes along.
        let mut turns = [[Vector3::<f32>::zeros(); 3]; ROTATIONS];
        for j in (1..JOINTS).rev() {
            let parent = PARENTS[j].unwrap_or(0);
            let pull = on[j];
            if pull != Vector3::zeros() {
                for (axis, turn) in turns[parent].iter_mut().enumerate() {
                    *turn += self.bones[j] * pull[axis];
                }
                on[parent] += pull;
            }
        }
        for axis in 0..3 {
            out[JOINT_POSITIONS.start + axis] += on[0][axis] * self.unit[0][axis];
        }
        for (j, turn) in turns.iter().enumerate() {
            if turn.iter().any(|pull| *pull != Vector3::zeros()) {
                let at = JOINT_ROTATIONS.start + 6 * j;
                orthonormal_back(&row[at..at + 6], turn, &mut out[at..at + 6]);
            }
        }
    }

    /// Moves the whole person: all joints, as the features state them.
    pub(super) fn shift(&self, row: &mut [f32], by: &Vector3<f32>) {
        for (j, joint) in row[JOINT_POSITIONS].chunks_exact_mut(3).enumerate() {
            for axis in 0..3 {
                joint[axis] += by[axis] / self.unit[j][axis];
            }
        }
    }

    /// Moves the pelvis alone, and with it all that the rotations put about it.
    pub(super) fn carry(&self, row: &mut [f32], by: &Vector3<f32>) {
        for axis in 0..3 {
            row[JOINT_POSITIONS.start + axis] += by[axis] / self.unit[0][axis];
        }
    }
}

/// Rows of a 6D form that are shorter than this give way no more than rows of this length: the slope of a direction grows
/// without bound as its vector vanishes, and one step down it would turn a bone that is hardly told at random.
const SHORT: f32 = 0.2;

/// Adds what a gradient on the rows of a rotation is on its 6D form: the reverse of Gram-Schmidt ([`matrix_from_6d`]).
fn orthonormal_back(d: &[f32], rows: &[Vector3<f32>; 3], out: &mut [f32]) {
    let a = Vector3::from_column_slice(&d[..3]);
    let b = Vector3::from_column_slice(&d[3..]);
    let first = a.norm().max(1e-12);
    let r1 = a / first;
    let rest = b - r1 * r1.dot(&b);
    let second = rest.norm().max(1e-12);
    let r2 = rest / second;
    // The third row is the product of the others.
    let mut on_first = rows[0] + r2.cross(&rows[2]);
    let on_second = rows[1] + rows[2].cross(&r1);
    let on_rest = (on_second - r2 * r2.dot(&on_second)) / second.max(SHORT);
    let along = r1.dot(&on_rest);
    let on_b = on_rest - r1 * along;
    on_first -= b * along + on_rest * r1.dot(&b);
    let on_a = (on_first - r1 * r1.dot(&on_first)) / first.max(SHORT);
    for axis in 0..3 {
        out[axis] += on_a[axis];
        out[3 + axis] += on_b[axis];
    }
}

/// The object and the normalisation of its place.
pub(super) struct Thing<'a> {
    pub(super) geometry: &'a ObjectGeometry,
    /// Its rotation at the reference frame, from which features count.
    reference: Matrix3<f32>,
    low: Vector3<f32>,
    /// Metres per normalised unit.
    pub(super) unit: Vector3<f32>,
    /// Some of its vertices, and the farthest of all from its centre.
    pub(super) vertices: Vec<Vector3<f32>>,
    pub(super) radius: f32,
}

impl<'a> Thing<'a> {
    pub(super) fn new(
        statistics: &Statistics,
        geometry: &'a ObjectGeometry,
        reference: &UnitQuaternion<f32>,
    ) -> Self {
        let low = Vector3::from(statistics.object_min);
        let all = geometry.vertices();
        Self {
            geometry,
            reference: reference.to_rotation_matrix().into_inner(),
            low,
            unit: (Vector3::from(statistics.object_max) - low) * 0.5,
            vertices: (all
                .iter()
                .step_by(all.len().div_ceil(VERTICES).max(1))
                .copied())
            .collect(),
            radius: all.iter().map(Vector3::norm).fold(0.0, f32::max),
        }
    }

    pub(super) fn center(&self, row: &[f32]) -> Vector3<f32> {
        let n = Vector3::from_column_slice(&row[OBJECT_POSITION]);
        n.add_scalar(1.0).component_mul(&self.unit) + self.low
    }

    /// The rotation nearest to what the features say.
    pub(super) fn rotation(&self, row: &[f32]) -> Matrix3<f32> {
        let relative = Matrix3::from_row_slice(&row[OBJECT_ROTATION]);
        let nearest = nearest_rotation(&(relative * self.reference));
        nearest.to_rotation_matrix().into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reverse_of_a_pose_is_its_slope() {
        let statistics = Statistics {
            joint_min: (0..JOINTS)
                .map(|j| [-1.0 - j as f32 * 0.1, -2.0, -0.3])
                .collect(),
            joint_max: (0..JOINTS)
                .map(|j| [1.5, 1.0 + j as f32 * 0.05, 2.0])
                .collect(),
            object_min: [-1.0; 3],
            object_max: [1.0; 3],
        };
        let bones = std::array::from_fn(|j| {
            let j = j as f32;
            Vector3::new((j * 0.7).sin(), (j * 1.3).cos(), (j * 0.4).sin()) * 0.3
        });
        let person = Person::new(
            &statistics,
            &Skeleton {
                rest_offsets: bones,
            },
        );
        let mut row: Vec<f32> = (0..FEATURES)
            .map(|k| (k as f32 * 1.7).sin() * 0.8)
            .collect();
        let on: Joints = std::array::from_fn(|j| {
            let j = j as f32;
            Vector3::new((j * 2.1).cos(), (j * 0.9).sin(), (j * 1.9).cos())
        });
        let value = |row: &[f32]| -> f64 {
            let joints = person.joints(row);
            joints
                .iter()
                .zip(&on)
                .map(|(p, on)| f64::from(p.dot(on)))
                .sum()
        };
        let mut slope = vec![0.0; FEATURES];
        person.back(&row, on, &mut slope);
        for k in (JOINT_POSITIONS.start..JOINT_POSITIONS.start + 3).chain(JOINT_ROTATIONS) {
            let (here, step) = (row[k], 2e-3);
            row[k] = here + step;
            let more = value(&row);
            row[k] = here - step;
            let less = value(&row);
            row[k] = here;
            let want = ((more - less) / (2.0 * f64::from(step))) as f32;
            assert!(
                (slope[k] - want).abs() < 0.01 + 0.01 * want.abs(),
                "{k}: {} {want}",
                slope[k]
            );
        }
        // Nothing else is pulled at.
        assert!(
            slope[JOINT_POSITIONS.start + 3..JOINT_POSITIONS.end]
                .iter()
                .all(|g| *g == 0.0)
        );
    }

    #[test]
    fn what_is_stated_is_read_and_shifted() {
        let statistics = Statistics {
            joint_min: vec![[-1.0, -2.0, 0.0]; JOINTS],
            joint_max: (0..JOINTS).map(|j| [1.0 + j as f32, 2.0, 2.0]).collect(),
            object_min: [-1.0; 3],
            object_max: [1.0; 3],
        };
        let skeleton = Skeleton {
            rest_offsets: [Vector3::zeros(); JOINTS],
        };
        let person = Person::new(&statistics, &skeleton);
        let mut row = vec![0.1; FEATURES];
        let place = Vector3::new(0.3, -0.4, 1.1);
        person.state(&mut row, 7, &place);
        assert!((person.stated(&row, 7) - place).norm() < 1e-5);
        let by = Vector3::new(0.2, 0.1, -0.3);
        let before = [0, 23].map(|j| person.stated(&row, j));
        person.shift(&mut row, &by);
        assert!((person.stated(&row, 7) - place - by).norm() < 1e-5);
        for (j, before) in [0, 23].into_iter().zip(before) {
            assert!((person.stated(&row, j) - before - by).norm() < 1e-5);
        }
    }
}
