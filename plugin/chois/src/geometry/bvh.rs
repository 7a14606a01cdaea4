//! A bounding volume hierarchy over triangles: exact distance, and the generalised winding number.
//!
//! The winding number says inside from outside without asking that a mesh be closed: it fades across holes instead
//! of flipping. Far clusters of triangles enter as one dipole (Barill et al., "Fast winding numbers for soups and
//! clouds", 2018).

use nalgebra::{Matrix3, Vector3};

use super::mesh::{Mesh, bounds};

/// Triangles per leaf.
const LEAF: usize = 4;
/// A cluster counts as far beyond this many of its radii.
const FAR: f32 = 2.0;

pub(crate) type Triangle = [Vector3<f32>; 3];

pub(crate) struct Bvh {
    nodes: Vec<Node>,
    triangles: Vec<Triangle>,
}

struct Node {
    low: Vector3<f32>,
    high: Vector3<f32>,
    children: Children,
    /// Mean of the triangles' centroids, weighted by area.
    center: Vector3<f32>,
    /// Distance from `center` to the farthest corner.
    radius: f32,
    /// Sum of the triangles' normals times their areas.
    dipole: Vector3<f32>,
}

enum Children {
    /// The left child follows its parent; this is the right one.
    Right(usize),
    /// A leaf's range of triangles.
    Triangles(usize, usize),
}

impl Bvh {
    /// A hierarchy over all triangles; the mesh must have passed its check.
    pub(crate) fn new(mesh: &Mesh) -> Self {
        let mut triangles: Vec<Triangle> =
            (0..mesh.triangles.len()).map(|t| mesh.corners(t)).collect();
        let mut nodes = Vec::with_capacity(triangles.len());
        build(&mut nodes, &mut triangles, 0);
        Self { nodes, triangles }
    }

    /// Distance from a point to the surface. `at_most` is a bound known beforehand (infinity when none is): it
    /// prunes, and is what comes back when nothing is nearer.
    pub(crate) fn distance(&self, point: &Vector3<f32>, at_most: f32) -> f32 {
        let mut best = at_most * at_most;
        self.search(point, &mut best);
        best.sqrt()
    }

    /// The nearest point of the surface nearer than `at_most`, with the triangle it is on; None when there is none, as
    /// for a point that is not finite.
    pub(crate) fn nearest(
        &self,
        point: &Vector3<f32>,
        at_most: f32,
    ) -> Option<(Vector3<f32>, &Triangle)> {
        let mut best = at_most * at_most;
        let triangle = self.search(point, &mut best)?;
        Some((closest(triangle, point), triangle))
    }

    /// The triangle nearest to a point whose squared distance is below `best`, which becomes that.
    fn search(&self, point: &Vector3<f32>, best: &mut f32) -> Option<&Triangle> {
        let mut found = None;
        let mut stack = Vec::with_capacity(64);
        stack.push((0, self.square_to_box(0, point)));
        while let Some((index, square)) = stack.pop() {
            if square >= *best {
                continue;
            }
            match self.nodes[index].children {
                Children::Triangles(start, end) => {
                    for triangle in &self.triangles[start..end] {
                        let square = (closest(triangle, point) - point).norm_squared();
                        if square < *best {
                            *best = square;
                            found = Some(triangle);
                        }
                    }
                }
                Children::Right(right) => {
                    let left = index + 1;
                    let near = (left, self.square_to_box(left, point));
                    let far = (right, self.square_to_box(right, point));
                    // The nearer one is looked at first.
                    if near.1 <= far.1 {
                        stack.extend([far, near]);
                    } else {
                        stack.extend([near, far]);
                    }
                }
            }
        }
        found
    }

    fn square_to_box(&self, index: usize, point: &Vector3<f32>) -> f32 {
        let node = &self.nodes[index];
        (point.sup(&node.low).inf(&node.high) - point).norm_squared()
    }

    /// How often the surface winds round a point: 1 inside a closed surface with its normals outward, 0 outside.
    pub(crate) fn winding(&self, point: &Vector3<f32>) -> f32 {
        let mut solid_angle = 0.0;
        let mut stack = Vec::with_capacity(64);
        stack.push(0);
        while let Some(index) = stack.pop() {
            let node = &self.nodes[index];
            let away = node.center - point;
            let distance = away.norm();
            if distance > FAR * node.radius && distance > 0.0 {
                solid_angle += node.dipole.dot(&away) / distance.powi(3);
                continue;
            }
            match node.children {
                Children::Right(right) => stack.extend([right, index + 1]),
                Children::Triangles(start, end) => {
                    for triangle in &self.triangles[start..end] {
                        solid_angle += solid_angle_of(triangle, point);
                    }
                }
            }
        }
        solid_angle / (4.0 * std::f32::consts::PI)
    }
}

/// Appends the node of `triangles`, which stand from `first` on in the whole list, and all nodes below it.
/// Halving bounds the depth by the logarithm of their number.
fn build(nodes: &mut Vec<Node>, triangles: &mut [Triangle], first: usize) {
    let corners: Vec<Vector3<f32>> = triangles.iter().flatten().copied().collect();
    let (low, high) = bounds(&corners);
    let mut dipole = Vector3::zeros();
    let mut weighted = Vector3::zeros();
    let mut area = 0.0;
    for [a, b, c] in triangles.iter() {
        let normal = (b - a).cross(&(c - a)) / 2.0;
        dipole += normal;
        weighted += (a + b + c) / 3.0 * normal.norm();
        area += normal.norm();
    }
    let center = if area > 0.0 {
        weighted / area
    } else {
        (low + high) / 2.0
    };
    let radius = corners
        .iter()
        .fold(0.0f32, |r, v| r.max((v - center).norm()));
    let index = nodes.len();
    nodes.push(Node {
        low,
        high,
        children: Children::Triangles(first, first + triangles.len()),
        center,
        radius,
        dipole,
    });
    if triangles.len() <= LEAF {
        return;
    }
    let axis = (high - low).imax();
    let half = triangles.len() / 2;
    let along = |t: &Triangle| t[0][axis] + t[1][axis] + t[2][axis];
    triangles.select_nth_unstable_by(half, |a, b| along(a).total_cmp(&along(b)));
    let (left, right) = triangles.split_at_mut(half);
    build(nodes, left, first);
    nodes[index].children = Children::Right(nodes.len());
    build(nodes, right, first + half);
}

/// The point of a triangle nearest to `p`, by the region of its plane that `p` lies over.
fn closest([a, b, c]: &Triangle, p: &Vector3<f32>) -> Vector3<f32> {
    let (ab, ac, ap) = (b - a, c - a, p - a);
    let normal = ab.cross(&ac);
    let square = normal.norm_squared();
    if square > 0.0 {
        // Barycentric coordinates of the foot of the perpendicular.
        let v = ap.cross(&ac).dot(&normal) / square;
        let w = ab.cross(&ap).dot(&normal) / square;
        if v >= 0.0 && w >= 0.0 && v + w <= 1.0 {
            return a + ab * v + ac * w;
        }
    }
    let on_edge = |from: &Vector3<f32>, to: &Vector3<f32>| {
        let along = to - from;
        let length = along.norm_squared();
        let t = if length > 0.0 {
            ((p - from).dot(&along) / length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        from + along * t
    };
    let edges = [on_edge(a, b), on_edge(b, c), on_edge(c, a)];
    let square_to = |q: &Vector3<f32>| (q - p).norm_squared();
    let nearer = |q, r| if square_to(&r) < square_to(&q) { r } else { q };
    nearer(nearer(edges[0], edges[1]), edges[2])
}

/// The solid angle under which a triangle is seen, positive from behind (Van Oosterom and Strackee, 1983).
fn solid_angle_of(triangle: &Triangle, point: &Vector3<f32>) -> f32 {
    let [a, b, c] = triangle.map(|v| v - point);
    let (la, lb, lc) = (a.norm(), b.norm(), c.norm());
    let volume = Matrix3::from_columns(&[a, b, c]).determinant();
    let rest = la * lb * lc + a.dot(&b) * lc + b.dot(&c) * la + c.dot(&a) * lb;
    2.0 * volume.atan2(rest)
}

#[cfg(test)]
mod tests {
    use super::super::mesh::tests::{ball, cuboid};
    use super::*;

    fn probes() -> impl Iterator<Item = Vector3<f32>> {
        (0..400).map(|i| {
            let t = i as f32;
            Vector3::new((t * 0.7).sin(), (t * 1.3).cos(), (t * 2.1).sin()) * 1.4
        })
    }

    #[test]
    fn distance_agrees_with_every_triangle() {
        let mesh = ball(12);
        let bvh = Bvh::new(&mesh);
        for p in probes() {
            let want = (0..mesh.triangles.len())
                .map(|t| (closest(&mesh.corners(t), &p) - p).norm())
                .fold(f32::INFINITY, f32::min);
            assert!((bvh.distance(&p, f32::INFINITY) - want).abs() < 1e-6);
            assert!((bvh.distance(&p, want + 0.1) - want).abs() < 1e-6);
            assert!(bvh.distance(&p, want / 2.0) <= want / 2.0 + 1e-6);
        }
    }

    #[test]
    fn distance_to_a_cuboid_is_the_formula() {
        let bvh = Bvh::new(&cuboid(Vector3::repeat(-0.5), Vector3::repeat(1.0)));
        for p in probes() {
            let over = p.abs() - Vector3::repeat(0.5);
            let outside = over.sup(&Vector3::zeros()).norm();
            let want = (outside + over.max().min(0.0)).abs();
            assert!((bvh.distance(&p, f32::INFINITY) - want).abs() < 1e-6);
        }
    }

    #[test]
    fn winding_tells_inside_from_outside_with_a_hole_too() {
        let mut mesh = ball(24);
        let closed = Bvh::new(&mesh);
        mesh.triangles.truncate(mesh.triangles.len() - 40);
        let open = Bvh::new(&mesh);
        for p in probes().filter(|p| (p.norm() - 1.0).abs() > 0.1) {
            let inside = p.norm() < 1.0;
            let exact: f32 = (closed.triangles.iter())
                .map(|t| solid_angle_of(t, &p))
                .sum::<f32>()
                / (4.0 * std::f32::consts::PI);
            assert!((exact - if inside { 1.0 } else { 0.0 }).abs() < 1e-3);
            assert!((closed.winding(&p) - exact).abs() < 0.05);
            assert_eq!(open.winding(&p) > 0.5, inside, "{p}");
        }
    }

    #[test]
    fn slivers_have_a_nearest_point() {
        let (a, b) = (Vector3::zeros(), Vector3::new(1.0, 0.0, 0.0));
        let p = Vector3::new(0.25, 1.0, 0.0);
        let foot = Vector3::new(0.25, 0.0, 0.0);
        assert_eq!(closest(&[a, b, b], &p), foot);
        assert_eq!(closest(&[a, b * 0.5, b], &p), foot);
        assert_eq!(closest(&[a, a, a], &p), a);
    }
}
