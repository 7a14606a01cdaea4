//! What of a shape is outermost, seen from above: all that its footprint needs of thousands of vertices.

use nalgebra::{UnitQuaternion, Vector3};

/// A shape seen from above, lying in a certain way. It stays the same while the shape turns about the vertical.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Silhouette {
    /// The vertices whose convex hull is that of the shape, about its centre, rest frame, metres.
    pub rim: Vec<Vector3<f32>>,
    /// Height of the lowest and of the highest vertex over the centre, metres.
    pub heights: [f32; 2],
}

impl Silhouette {
    /// Of some vertices, turned by `tilt`.
    pub fn new(vertices: &[Vector3<f32>], tilt: &UnitQuaternion<f32>) -> Self {
        let turn = tilt.to_rotation_matrix();
        let mut heights = [f32::INFINITY, f32::NEG_INFINITY];
        let seen: Vec<[f64; 2]> = (vertices.iter())
            .map(|v| {
                let at = turn * v;
                heights = [heights[0].min(at.z), heights[1].max(at.z)];
                [f64::from(at.x), f64::from(at.y)]
            })
            .collect();
        let rim = convex_hull(&seen).into_iter().map(|i| vertices[i]);
        Self {
            rim: rim.collect(),
            heights,
        }
    }
}

/// The corners of the convex hull of some points, counter-clockwise (Andrew 1979); of points on a line the two ends.
pub(crate) fn convex_hull(points: &[[f64; 2]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| {
        let ([ax, ay], [bx, by]) = (points[a], points[b]);
        ax.total_cmp(&bx).then(ay.total_cmp(&by))
    });
    order.dedup_by(|a, b| points[*a] == points[*b]);
    if order.len() < 3 {
        return order;
    }
    let left = |a: usize, b: usize, c: usize| {
        let ([ax, ay], [bx, by], [cx, cy]) = (points[a], points[b], points[c]);
        (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0.0
    };
    let mut hull: Vec<usize> = Vec::new();
    // The lower side from left to right, then the upper one back.
    for back in [false, true] {
        let fixed = hull.len();
        let next = (0..order.len()).map(|k| order[if back { order.len() - 1 - k } else { k }]);
        for point in next {
            while hull.len() >= fixed + 2
                && !left(hull[hull.len() - 2], hull[hull.len() - 1], point)
            {
                hull.pop();
            }
            hull.push(point);
        }
        hull.pop();
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hull_has_the_outermost_points_in_order() {
        // A square with points on its edges, within, and twice.
        let points = [
            [0.0, 0.0],
            [1.0, 0.0],
            [2.0, 0.0],
            [2.0, 2.0],
            [1.0, 1.0],
            [0.0, 2.0],
            [0.0, 1.0],
            [2.0, 2.0],
        ];
        let corners: Vec<[f64; 2]> = (convex_hull(&points).into_iter())
            .map(|i| points[i])
            .collect();
        assert_eq!(corners, [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]);
        assert_eq!(convex_hull(&points[..3]), [0, 2]);
        assert_eq!(convex_hull(&points[..1]), [0]);
        assert!(convex_hull(&[]).is_empty());
    }

    #[test]
    fn a_tilted_box_is_as_high_as_it_is_wide() {
        let corners: Vec<Vector3<f32>> = (0..8)
            .map(|k| {
                let side = |bit: i32, size: f32| if k >> bit & 1 == 0 { -size } else { size };
                Vector3::new(side(0, 0.1), side(1, 0.2), side(2, 0.5))
            })
            .chain([Vector3::zeros()])
            .collect();
        let lying =
            UnitQuaternion::from_axis_angle(&Vector3::y_axis(), std::f32::consts::FRAC_PI_2);
        let seen = Silhouette::new(&corners, &lying);
        assert!((seen.heights[1] - 0.1).abs() < 1e-6 && (seen.heights[0] + 0.1).abs() < 1e-6);
        assert_eq!(seen.rim.len(), 4);
        assert!(seen.rim.iter().all(|v| v.z.abs() > 0.4));
    }
}
