//! Rays against the room's triangles.

use bevy::math::{Dir3, Ray3d, Vec3};

/// Most triangles of a leaf.
const LEAF: usize = 4;

/// A triangle that gives light back.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    /// Corners, metres, counter-clockwise seen from its front.
    pub corners: [Vec3; 3],
    /// Part of the light that it gives back: linear red, green, blue.
    pub albedo: Vec3,
    /// Light of its own, candela per square metre.
    pub emission: Vec3,
}

/// What a ray meets.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// Metres from the ray's origin.
    pub distance: f32,
    /// Which triangle.
    pub triangle: u32,
    /// Whether it is met from behind.
    pub behind: bool,
}

/// Triangles in a tree of boxes.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    triangles: Vec<Triangle>,
    nodes: Vec<Node>,
}

/// A box with its triangles, or with two boxes: the next node, and `other`.
#[derive(Clone, Copy, Debug)]
struct Node {
    min: Vec3,
    max: Vec3,
    /// First triangle, or the second child.
    start: u32,
    /// Triangles; none in a node with children.
    count: u32,
}

impl Tracer {
    /// Builds the tree.
    pub fn new(mut triangles: Vec<Triangle>) -> Self {
        triangles.retain(|t| t.corners.iter().all(|c| c.is_finite()));
        let mut nodes = Vec::new();
        if !triangles.is_empty() {
            build(&mut triangles, 0, &mut nodes);
        }
        Self { triangles, nodes }
    }

    /// A triangle.
    pub fn triangle(&self, index: u32) -> &Triangle {
        &self.triangles[index as usize]
    }

    /// Smallest and largest corner of everything.
    pub fn bounds(&self) -> Option<(Vec3, Vec3)> {
        self.nodes.first().map(|node| (node.min, node.max))
    }

    /// The nearest triangle that a ray meets within a distance.
    pub fn nearest(&self, ray: Ray3d, within: f32) -> Option<Hit> {
        self.walk(ray, within, false)
    }

    /// Whether anything is in the way.
    pub fn blocked(&self, ray: Ray3d) -> bool {
        self.walk(ray, f32::INFINITY, true).is_some()
    }

    fn walk(&self, ray: Ray3d, within: f32, any: bool) -> Option<Hit> {
        let inverse = ray.direction.recip();
        let mut best: Option<Hit> = None;
        let mut stack = [0u32; 64];
        let mut depth = usize::from(!self.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let index = stack[depth];
            let node = &self.nodes[index as usize];
            let far = best.map_or(within, |hit| hit.distance);
            if !node.meets(ray.origin, inverse, far) {
                continue;
            }
            if node.count == 0 {
                stack[depth] = node.start;
                stack[depth + 1] = index + 1;
                depth += 2;
                continue;
            }
            for i in node.start..node.start + node.count {
                let far = best.map_or(within, |hit| hit.distance);
                if let Some((distance, behind)) = meet(&self.triangles[i as usize], ray)
                    && distance < far
                {
                    best = Some(Hit {
                        distance,
                        triangle: i,
                        behind,
                    });
                    if any {
                        return best;
                    }
                }
            }
        }
        best
    }
}

impl Triangle {
    /// Unit normal of its front.
    pub fn normal(&self) -> Vec3 {
        let [a, b, c] = self.corners;
        (b - a).cross(c - a).normalize_or(Vec3::Y)
    }
}

impl Node {
    fn meets(&self, origin: Vec3, inverse: Vec3, far: f32) -> bool {
        let (a, b) = ((self.min - origin) * inverse, (self.max - origin) * inverse);
        let enters = a.min(b).max_element();
        let leaves = a.max(b).min_element();
        leaves >= enters.max(0.0) && enters < far
    }
}

/// Splits at the median of the longest side. Depth is the logarithm of the number of triangles: the stack holds it.
fn build(triangles: &mut [Triangle], offset: u32, nodes: &mut Vec<Node>) {
    let (mut min, mut max) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
    for corner in triangles.iter().flat_map(|t| t.corners) {
        (min, max) = (min.min(corner), max.max(corner));
    }
    let index = nodes.len();
    // A hair's breadth, for triangles that lie in a side of their box.
    let margin = Vec3::splat(1e-4);
    nodes.push(Node {
        min: min - margin,
        max: max + margin,
        start: offset,
        count: triangles.len() as u32,
    });
    if triangles.len() <= LEAF {
        return;
    }
    let axis = (max - min).max_position();
    let middle = triangles.len() / 2;
    triangles.select_nth_unstable_by(middle, |a, b| {
        let at = |t: &Triangle| t.corners.iter().map(|c| c[axis]).sum::<f32>();
        at(a).total_cmp(&at(b))
    });
    let (left, right) = triangles.split_at_mut(middle);
    build(left, offset, nodes);
    nodes[index].start = nodes.len() as u32;
    nodes[index].count = 0;
    build(right, offset + middle as u32, nodes);
}

/// Möller and Trumbore: Fast, Minimum Storage Ray/Triangle Intersection, 1997.
fn meet(triangle: &Triangle, ray: Ray3d) -> Option<(f32, bool)> {
    let [a, b, c] = triangle.corners;
    let (ab, ac) = (b - a, c - a);
    let p = ray.direction.cross(ac);
    let volume = ab.dot(p);
    if volume.abs() < 1e-12 {
        return None;
    }
    let from = ray.origin - a;
    let u = from.dot(p) / volume;
    let q = from.cross(ab);
    let v = ray.direction.dot(q) / volume;
    let distance = ac.dot(q) / volume;
    (u >= 0.0 && v >= 0.0 && u + v <= 1.0 && distance > 1e-4).then_some((distance, volume < 0.0))
}

/// Directions spread evenly over the sphere: a spiral in golden-ratio turns.
pub fn directions(count: usize) -> impl Iterator<Item = Dir3> {
    let turn = std::f32::consts::PI * (3.0 - 5f32.sqrt());
    (0..count).map(move |i| {
        let y = 1.0 - 2.0 * (i as f32 + 0.5) / count as f32;
        let radius = (1.0 - y * y).max(0.0).sqrt();
        let (sin, cos) = (turn * i as f32).sin_cos();
        Dir3::new(Vec3::new(radius * cos, y, radius * sin)).unwrap_or(Dir3::Y)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sheet of triangles at a height, facing up.
    fn sheet(y: f32, cells: i32) -> Vec<Triangle> {
        let mut all = Vec::new();
        for x in -cells..cells {
            for z in -cells..cells {
                let at = |dx, dz| Vec3::new((x + dx) as f32, y, (z + dz) as f32);
                for corners in [
                    [at(0, 0), at(0, 1), at(1, 1)],
                    [at(0, 0), at(1, 1), at(1, 0)],
                ] {
                    all.push(Triangle {
                        corners,
                        albedo: Vec3::splat(0.5),
                        emission: Vec3::ZERO,
                    });
                }
            }
        }
        all
    }

    #[test]
    fn the_tree_finds_what_trying_all_finds() {
        let mut all = sheet(0.0, 6);
        all.extend(sheet(1.5, 3));
        let tracer = Tracer::new(all.clone());
        let mut met = 0;
        for (i, direction) in directions(400).enumerate() {
            let origin = Vec3::new((i % 7) as f32 - 3.2, 0.2 + (i % 5) as f32 * 0.6, 0.3);
            let ray = Ray3d::new(origin, direction);
            let slow = all.iter().filter_map(|t| meet(t, ray)).map(|(d, _)| d);
            let slow = slow.min_by(f32::total_cmp);
            let fast = tracer.nearest(ray, f32::INFINITY);
            assert_eq!(slow, fast.map(|hit| hit.distance));
            assert_eq!(tracer.blocked(ray), slow.is_some());
            met += usize::from(slow.is_some());
        }
        assert!((100..400).contains(&met), "{met} of 400");
    }

    #[test]
    fn sides_are_told_apart() {
        let tracer = Tracer::new(sheet(1.0, 2));
        let behind = |y: f32, direction| {
            let ray = Ray3d::new(Vec3::new(0.3, y, 0.1), direction);
            tracer.nearest(ray, 10.0).map(|hit| hit.behind)
        };
        assert_eq!(behind(2.0, Dir3::NEG_Y), Some(false));
        assert_eq!(behind(0.0, Dir3::Y), Some(true));
        assert_eq!(behind(0.0, Dir3::NEG_Y), None);
        assert!(Tracer::new(Vec::new()).bounds().is_none());
    }
}
