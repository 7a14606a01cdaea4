//! A rough distance field of an object: what knees and feet are kept out of.

use nalgebra::Vector3;

use super::SdfGrid;
use super::mesh::bounds;

/// Points along an axis.
const POINTS: usize = 32;
/// Room about the object, as a share of its largest extent.
const ABOUT: f32 = 0.15;

/// The signed distance, metres, to an object as columns along its own upright (z): what lies between the lowest and the
/// highest of its vertices over a cell is full. A box is a box, a table its top and its legs. `vertices` are relative to the
/// centre and dense. None for what has no size.
pub(super) fn columns(vertices: &[Vector3<f32>]) -> Option<SdfGrid> {
    let (low, high) = bounds(vertices);
    let side = (high - low).max() * (1.0 + 2.0 * ABOUT);
    if !(side.is_finite() && side > 0.0) {
        return None;
    }
    let middle = (low + high) / 2.0;
    let cell = side / (POINTS - 1) as f32;
    let index = |v: f32, axis: usize| {
        let at = (v - middle[axis] + side / 2.0) / cell;
        (at.round().max(0.0) as usize).min(POINTS - 1)
    };
    let mut spans = vec![None::<[usize; 2]>; POINTS * POINTS];
    for v in vertices {
        let z = index(v.z, 2);
        let span = &mut spans[index(v.x, 0) * POINTS + index(v.y, 1)];
        *span = Some(span.map_or([z, z], |[a, b]| [a.min(z), b.max(z)]));
    }
    let full: Vec<bool> = (0..POINTS.pow(3))
        .map(|i| spans[i / POINTS].is_some_and(|[a, b]| (a..=b).contains(&(i % POINTS))))
        .collect();
    let outside = squared_distances(&full);
    let inside = squared_distances(&full.iter().map(|f| !f).collect::<Vec<_>>());
    let values = (outside.iter().zip(&inside)).map(|(out, within)| {
        // From the middles of cells to the face between them.
        let cells = out.sqrt() - within.sqrt();
        let metres = (cells - 0.5 * cells.signum()) * cell;
        metres / (side / 2.0)
    });
    SdfGrid::new([POINTS; 3], middle, Vector3::repeat(side), values.collect()).ok()
}

/// Squared distance, in cells, of each cell to the nearest full one: along one axis after the other.
fn squared_distances(full: &[bool]) -> Vec<f32> {
    let far = (3 * POINTS * POINTS) as f32;
    let mut out: Vec<f32> = (full.iter()).map(|f| if *f { 0.0 } else { far }).collect();
    let mut line = [0.0_f32; POINTS];
    for stride in [1, POINTS, POINTS * POINTS] {
        for start in (0..out.len()).filter(|i| i / stride % POINTS == 0) {
            for (k, value) in line.iter_mut().enumerate() {
                *value = out[start + k * stride];
            }
            for k in 0..POINTS {
                let nearest = (0..POINTS).map(|j| line[j] + (j.abs_diff(k) as f32).powi(2));
                out[start + k * stride] = nearest.fold(f32::INFINITY, f32::min);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Mesh;

    #[test]
    fn a_box_is_a_box() {
        let mesh = Mesh::cuboid(Vector3::new(-0.3, -0.2, -0.2), Vector3::new(0.6, 0.4, 0.4));
        let grid = columns(&mesh.refined().vertices).expect("a grid");
        let at = |x: f32, y: f32, z: f32| grid.query(&Vector3::new(x, y, z));
        assert!(
            (at(0.0, 0.0, 0.0) + 0.2).abs() < 0.04,
            "{}",
            at(0.0, 0.0, 0.0)
        );
        assert!(
            (at(0.38, 0.0, 0.0) - 0.08).abs() < 0.03,
            "{}",
            at(0.38, 0.0, 0.0)
        );
        let slope = grid.query_with_gradient(&Vector3::new(0.24, 0.0, 0.0)).1;
        assert!(slope.x > 0.5 && slope.y.abs() < 0.2, "{slope}");
    }

    #[test]
    fn under_a_table_there_is_room() {
        let mut vertices = Vec::new();
        let mut push = |low: [f32; 3], size: [f32; 3]| {
            vertices.extend(Mesh::cuboid(low.into(), size.into()).refined().vertices);
        };
        push([-0.5, -0.3, 0.3], [1.0, 0.6, 0.03]);
        push([-0.5, -0.3, -0.4], [0.05, 0.05, 0.7]);
        push([0.45, 0.25, -0.4], [0.05, 0.05, 0.7]);
        let grid = columns(&vertices).expect("a grid");
        assert!(grid.query(&Vector3::new(0.0, 0.0, -0.1)) > 0.2);
        assert!(grid.query(&Vector3::new(-0.48, -0.28, 0.0)) < 0.02);
    }
}
