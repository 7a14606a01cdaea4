//! What an item covers, seen from above.

use geo::bool_ops::FillRule;
use geo::{
    Area, BooleanOps, BoundingRect, Contains, ConvexHull, Coord, CoordsIter, Intersects, Line,
    LineString, LinesIter, MultiPoint, MultiPolygon, Orient, Point, Polygon, Rect, Simplify,
    orient, unary_union,
};
use nalgebra::{Vector2, Vector3};

use super::Item;
use crate::geometry::convex_hull;

/// Corners of the polygon that stands for a circle. It is drawn around the circle, so that nothing grown is too small.
const CIRCLE: usize = 16;
/// Outlines lose details below this, metres; growing makes up for it.
const DETAIL: f64 = 0.008;
/// Half the thickness of a surface, metres.
const EDGE: f64 = 0.002;
/// Faces that are joined at once.
const FEW: usize = 32;
/// What convex hulls lose of their roundness, metres.
const SMOOTH: f64 = 0.004;
/// Smaller holes are the insides of closed surfaces, square metres.
const ROOM: f64 = 1.0;

/// An area of the floor: polygons with holes, metres.
#[derive(Clone, Debug)]
pub struct Footprint(pub(crate) MultiPolygon<f64>);

/// An area as rings that may cross: it is what they run around more often counter-clockwise than clockwise. Putting them
/// together is dear, and no matter to what is taken away from something else.
#[derive(Clone, Debug)]
pub(crate) struct Swept(Vec<Polygon<f64>>);

impl Default for Footprint {
    fn default() -> Self {
        Self(MultiPolygon::new(Vec::new()))
    }
}

impl Footprint {
    /// The convex hull of all that an item has between two heights over the floor, metres.
    pub fn hull(item: &Item, heights: [f32; 2]) -> Self {
        let points: Vec<Point<f64>> = corners(item, heights)
            .into_iter()
            .map(|v| Point::new(f64::from(v.x), f64::from(v.y)))
            .collect();
        if points.len() < 2 {
            return Self::default();
        }
        let hull = MultiPoint::new(points).convex_hull().simplify(SMOOTH);
        // Something seen from its edge has an area all the same.
        if hull.unsigned_area() < 1e-6 {
            return Self(union(vec![thick(hull.exterior().coords())]));
        }
        Self(MultiPolygon::new(vec![hull]))
    }

    /// The area that an item has between two heights over the floor, metres: the legs of a table, a wall without its
    /// doorway. Closed surfaces are filled.
    pub fn slice(item: &Item, heights: [f32; 2]) -> Self {
        let parts = slices(item, heights).into_iter().map(|corners| {
            let ring: Vec<Coord<f64>> = corners
                .iter()
                .map(|v| Coord {
                    x: f64::from(v.x),
                    y: f64::from(v.y),
                })
                .collect();
            thick(ring.iter())
        });
        let joined = gathered(parts.collect());
        let filled = joined.into_iter().map(|polygon| {
            let (outline, holes) = polygon.into_inner();
            let open = |hole: &LineString<f64>| {
                Polygon::new(hole.clone(), Vec::new()).unsigned_area() > ROOM
            };
            Polygon::new(outline, holes.into_iter().filter(open).collect()).simplify(EDGE)
        });
        // Filling may have covered parts that stood within.
        Self(union(filled.collect()))
    }

    /// A polygon from its corners in order; what is no polygon covers nothing.
    pub fn polygon(corners: &[[f32; 2]]) -> Self {
        let ring: Vec<Coord<f64>> = corners
            .iter()
            .filter(|c| c.iter().all(|v| v.is_finite()))
            .map(|[x, y]| Coord {
                x: f64::from(*x),
                y: f64::from(*y),
            })
            .collect();
        if ring.len() < 3 {
            return Self::default();
        }
        let polygon = Polygon::new(LineString::new(ring), Vec::new());
        // Crossing edges are cut apart.
        let nothing = MultiPolygon::new(Vec::new());
        let joined = MultiPolygon::new(vec![polygon]).union(&nothing);
        if joined.unsigned_area() < 1e-4 {
            return Self::default();
        }
        Self(joined)
    }

    /// Whether it covers nothing.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// Square metres.
    pub fn area(&self) -> f32 {
        self.0.unsigned_area() as f32
    }

    /// Both together.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    /// All of them together.
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let polygons: Vec<Polygon<f64>> = parts
            .into_iter()
            .flat_map(|part| part.0.0.iter().cloned())
            .collect();
        Self(union(polygons))
    }

    /// This without the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0))
    }

    /// This without some others.
    #[must_use]
    pub(crate) fn without_all<'a>(&self, others: impl IntoIterator<Item = &'a Swept>) -> Self {
        let rings = others.into_iter().flat_map(|swept| swept.0.iter().cloned());
        let taken = MultiPolygon::new(rings.collect());
        let oriented = self.0.orient(orient::Direction::Default);
        Self(oriented.difference_with_fill_rule(&taken, FillRule::Positive))
    }

    /// Everything nearer than `radius` metres, and a little more: what the middle of somebody of that radius keeps out of.
    #[must_use]
    pub fn grown(&self, radius: f32) -> Self {
        let swept = MultiPolygon::new(self.swept(radius).0);
        let nothing = MultiPolygon::new(Vec::new());
        Self(swept.union_with_fill_rule(&nothing, FillRule::Positive))
    }

    /// The same where its outlines need not be told from what they cross.
    pub(crate) fn swept(&self, radius: f32) -> Swept {
        let circle = circle(f64::from(radius.max(0.0)) + DETAIL);
        let mut rings = Vec::new();
        for polygon in &self.0.0 {
            let polygon = polygon.simplify(DETAIL).orient(orient::Direction::Default);
            let outlines = std::iter::once(polygon.exterior()).chain(polygon.interiors());
            rings.extend(outlines.map(|ring| sweep(ring, &circle)));
        }
        Swept(rings)
    }

    /// The neighbourhood of its outlines alone: what keeps somebody of that radius off the edge of a floor.
    #[must_use]
    pub(crate) fn rim(&self, radius: f32) -> Swept {
        let radius = f64::from(radius.max(0.0)) + EDGE;
        let lines = self.0.lines_iter();
        Swept(
            lines
                .map(|line| around([line.start, line.end].into_iter(), radius))
                .collect(),
        )
    }

    /// Whether the point is within.
    pub fn contains(&self, point: Vector2<f32>) -> bool {
        self.0.contains(&at(point))
    }

    /// Whether all of the other is within.
    pub fn covers(&self, other: &Self) -> bool {
        let inside = |c: &Coord<f64>| self.0.contains(c);
        let mut corners = other.0.exterior_coords_iter();
        !other.is_empty() && corners.all(|c| inside(&c)) && !self.cuts(other)
    }

    /// Whether outlines of the two cross or touch.
    fn cuts(&self, other: &Self) -> bool {
        let Some(bounds) = other.0.bounding_rect() else {
            return false;
        };
        let near = |line: &Line<f64>| bounds.intersects(&line.bounding_rect());
        let lines: Vec<Line<f64>> = self.0.lines_iter().filter(near).collect();
        other
            .0
            .lines_iter()
            .any(|edge| lines.iter().any(|line| line.intersects(&edge)))
    }

    /// Whether the two share any point.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.intersects(&other.0)
    }

    /// Whether the line from one point to another touches it.
    pub fn crosses(&self, from: Vector2<f32>, to: Vector2<f32>) -> bool {
        let line = Line::new(coord(from), coord(to));
        self.0.intersects(&line)
    }

    /// Metres to a point outside; 0 within. Infinite where it covers nothing.
    pub fn distance(&self, point: Vector2<f32>) -> f32 {
        let point = coord(point);
        let (mut least, mut within) = (f64::INFINITY, false);
        for line in self.0.lines_iter() {
            let (a, b) = (line.start, line.end);
            // A line is no nearer than the rectangle about it.
            let x = (a.x.min(b.x) - point.x)
                .max(point.x - a.x.max(b.x))
                .max(0.0);
            let y = (a.y.min(b.y) - point.y)
                .max(point.y - a.y.max(b.y))
                .max(0.0);
            if x * x + y * y < least {
                least = least.min(aside(&line, point));
            }
            // A ray along x: an odd number of crossings begins within.
            if (a.y > point.y) != (b.y > point.y)
                && point.x < a.x + (b.x - a.x) * (point.y - a.y) / (b.y - a.y)
            {
                within = !within;
            }
        }
        if within { 0.0 } else { least.sqrt() as f32 }
    }

    /// Whether the whole line from one point to another is within.
    pub fn sees(&self, from: Vector2<f32>, to: Vector2<f32>) -> bool {
        let line = Line::new(coord(from), coord(to));
        let near = line.bounding_rect();
        let side = |line: &Line<f64>, p: Coord<f64>| {
            let (d, v) = (line.delta(), p - line.start);
            d.x * v.y - d.y * v.x
        };
        let mut touched = false;
        for edge in self.0.lines_iter() {
            if !edge.bounding_rect().intersects(&near) {
                continue;
            }
            let across = side(&edge, line.start) * side(&edge, line.end);
            let along = side(&line, edge.start) * side(&line, edge.end);
            if across < 0.0 && along < 0.0 {
                return false;
            }
            touched |= across <= 0.0 && along <= 0.0;
        }
        // What only touches an outline is seldom, and dear to find out about.
        if touched {
            self.0.contains(&line)
        } else {
            self.contains(from)
        }
    }

    /// Whether less than `limit` metres are between the two.
    pub fn is_within(&self, limit: f32, other: &Self) -> bool {
        self.gap_within(limit, other).is_some()
    }

    /// [`Self::gap`] where it is less than `limit` metres.
    pub fn gap_within(&self, limit: f32, other: &Self) -> Option<f32> {
        let limit = f64::from(limit);
        let (a, b) = (self.0.bounding_rect()?, other.0.bounding_rect()?);
        let apart = |low: f64, high: f64| low - high >= limit;
        if apart(a.min().x, b.max().x)
            || apart(b.min().x, a.max().x)
            || apart(a.min().y, b.max().y)
            || apart(b.min().y, a.max().y)
        {
            return None;
        }
        // Lines that are farther than that from all of the other cannot be what is near.
        let reach = |rect: Rect<f64>| {
            let more = Coord { x: limit, y: limit };
            Rect::new(rect.min() - more, rect.max() + more)
        };
        let gap = self.gap_of(other, reach(b), reach(a));
        (gap < limit as f32).then_some(gap)
    }

    /// Metres between the two; 0 where they meet. Infinite where one covers nothing.
    pub fn gap(&self, other: &Self) -> f32 {
        let all = Rect::new(
            Coord {
                x: f64::MIN,
                y: f64::MIN,
            },
            Coord {
                x: f64::MAX,
                y: f64::MAX,
            },
        );
        self.gap_of(other, all, all)
    }

    /// The same of those lines of this and of the other that come into a rectangle each.
    fn gap_of(&self, other: &Self, mine: Rect<f64>, others: Rect<f64>) -> f32 {
        let corner = |shape: &Self| shape.0.exterior_coords_iter().next();
        let (Some(first), Some(other_first)) = (corner(self), corner(other)) else {
            return f32::INFINITY;
        };
        if self.0.contains(&other_first) || other.0.contains(&first) {
            return 0.0;
        }
        let into = |rect: Rect<f64>| move |line: &Line<f64>| line.bounding_rect().intersects(&rect);
        let edges: Vec<Line<f64>> = other.0.lines_iter().filter(into(others)).collect();
        let mut least = f64::INFINITY;
        for line in self.0.lines_iter().filter(into(mine)) {
            for edge in &edges {
                least = least.min(between(&line, edge));
                if least <= 0.0 {
                    return 0.0;
                }
            }
        }
        least.sqrt() as f32
    }

    /// Smallest and largest corner; none where it covers nothing.
    pub fn bounds(&self) -> Option<[Vector2<f32>; 2]> {
        let rect = self.0.bounding_rect()?;
        let corner = |c: Coord<f64>| Vector2::new(c.x as f32, c.y as f32);
        Some([corner(rect.min()), corner(rect.max())])
    }

    /// The same shape elsewhere: turned by `turn` radians about the origin, then moved.
    #[must_use]
    pub fn moved(&self, turn: f32, by: Vector2<f32>) -> Self {
        use geo::MapCoords;
        let (sin, cos) = f64::from(turn).sin_cos();
        Self(self.0.map_coords(|c| Coord {
            x: cos * c.x - sin * c.y + f64::from(by.x),
            y: sin * c.x + cos * c.y + f64::from(by.y),
        }))
    }

    /// Outlines, the outer of each polygon before its holes; corners in order, the first not repeated.
    pub fn outlines(&self) -> Vec<Vec<Vector2<f32>>> {
        let rings = self
            .0
            .0
            .iter()
            .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
        rings
            .map(|ring| {
                let corners = ring.coords().map(|c| Vector2::new(c.x as f32, c.y as f32));
                let count = ring.0.len().saturating_sub(1);
                corners.take(count).collect()
            })
            .collect()
    }
}

fn coord(p: Vector2<f32>) -> Coord<f64> {
    Coord {
        x: f64::from(p.x),
        y: f64::from(p.y),
    }
}

fn at(p: Vector2<f32>) -> Point<f64> {
    Point(coord(p))
}

/// The union of very many small faces that come in the order of a mesh: neighbours first, for outlines of a few faces are
/// simpler than the faces.
fn gathered(mut parts: Vec<Polygon<f64>>) -> MultiPolygon<f64> {
    while parts.len() > FEW {
        let before = parts.len();
        parts = parts
            .chunks(FEW)
            .flat_map(|chunk| union(chunk.to_vec()))
            .map(|polygon| polygon.simplify(EDGE / 2.0))
            .collect();
        if parts.len() * 2 > before {
            break;
        }
    }
    union(parts)
}

/// The square of the metres between two line segments; 0 where they cross.
fn between(a: &Line<f64>, b: &Line<f64>) -> f64 {
    if a.intersects(b) {
        return 0.0;
    }
    aside(a, b.start)
        .min(aside(a, b.end))
        .min(aside(b, a.start))
        .min(aside(b, a.end))
}

/// The square of the metres from a line segment to a point.
fn aside(line: &Line<f64>, p: Coord<f64>) -> f64 {
    let (d, v) = (line.delta(), p - line.start);
    let t = (v.x * d.x + v.y * d.y) / (d.x * d.x + d.y * d.y).max(1e-18);
    let t = t.clamp(0.0, 1.0);
    let (x, y) = (v.x - d.x * t, v.y - d.y * t);
    x * x + y * y
}

/// A convex face with its surface's thickness.
fn thick<'a>(corners: impl Iterator<Item = &'a Coord<f64>>) -> Polygon<f64> {
    let points = corners.flat_map(|c| {
        [(-EDGE, -EDGE), (EDGE, -EDGE), (EDGE, EDGE), (-EDGE, EDGE)]
            .map(|(x, y)| Point::new(c.x + x, c.y + y))
    });
    MultiPoint::new(points.collect()).convex_hull()
}

/// The union of polygons, whichever way round they run.
pub(super) fn union(polygons: Vec<Polygon<f64>>) -> MultiPolygon<f64> {
    let oriented: Vec<Polygon<f64>> = polygons
        .iter()
        .map(|polygon| polygon.orient(orient::Direction::Default))
        .collect();
    unary_union(&oriented)
}

/// Corners of the polygon around a circle about the origin, counter-clockwise from +x.
fn circle(radius: f64) -> [Coord<f64>; CIRCLE] {
    let radius = radius / (std::f64::consts::PI / CIRCLE as f64).cos();
    std::array::from_fn(|k| {
        let (sin, cos) = (std::f64::consts::TAU * k as f64 / CIRCLE as f64).sin_cos();
        Coord {
            x: radius * cos,
            y: radius * sin,
        }
    })
}

/// The convex neighbourhood of some points: everything nearer than `radius` to their hull, and a little more.
fn around(points: impl Iterator<Item = Coord<f64>>, radius: f64) -> Polygon<f64> {
    let circle = circle(radius);
    let corners: Vec<[f64; 2]> = points
        .flat_map(|p| circle.iter().map(move |c| [p.x + c.x, p.y + c.y]))
        .collect();
    let ring = convex_hull(&corners).into_iter().map(|i| {
        let [x, y] = corners[i];
        Coord { x, y }
    });
    Polygon::new(LineString::new(ring.collect()), Vec::new())
}

/// The ring that a polygon with its area on the left becomes when a circle's middle goes along it (the convolution of the
/// two): each edge moves outward, a corner that sticks out is gone around, and one that does not is come back to.
fn sweep(ring: &LineString<f64>, circle: &[Coord<f64>; CIRCLE]) -> Polygon<f64> {
    let edges: Vec<Line<f64>> = ring.lines().filter(|line| line.start != line.end).collect();
    // The circle's corner that is farthest out from an edge.
    let out = |line: &Line<f64>| {
        let d = line.delta();
        let notch = (-d.x).atan2(d.y) / std::f64::consts::TAU * CIRCLE as f64;
        (notch.round() as i64).rem_euclid(CIRCLE as i64) as usize
    };
    let mut corners = Vec::with_capacity(2 * edges.len() + CIRCLE);
    for (i, edge) in edges.iter().enumerate() {
        let next = &edges[(i + 1) % edges.len()];
        let (d, e) = (edge.delta(), next.delta());
        let turn = d.x * e.y - d.y * e.x;
        let back = turn == 0.0 && d.x * e.x + d.y * e.y < 0.0;
        let (mut k, last) = (out(edge), out(next));
        corners.push(edge.end + circle[k]);
        if turn > 0.0 || back {
            while k != last {
                k = (k + 1) % CIRCLE;
                corners.push(edge.end + circle[k]);
            }
        } else if k != last {
            corners.extend([edge.end, edge.end + circle[last]]);
        }
    }
    Polygon::new(LineString::new(corners), Vec::new())
}

/// Points whose hull is that of an item between two heights, world.
fn corners(item: &Item, [low, high]: [f32; 2]) -> Vec<Vector3<f32>> {
    let seen = item.silhouette();
    let [lowest, highest] = seen.heights;
    let [x, y, z] = item.place.position;
    if low <= z && z + (highest - lowest) <= high {
        let rotation = item.rotation().to_rotation_matrix();
        let place = Vector3::new(x, y, z - lowest);
        return seen.rim.iter().map(|v| rotation * v + place).collect();
    }
    let (turned, place) = placed(item);
    let inside = |z: f32| (low..=high).contains(&z);
    let mut corners: Vec<Vector3<f32>> = Vec::new();
    // Each vertex once, though faces share it.
    let mut taken = vec![false; turned.len()];
    for triangle in item.geometry.triangles() {
        for k in 0..3 {
            let (i, j) = (triangle[k] as usize, triangle[(k + 1) % 3] as usize);
            let (a, b) = (turned[i] + place, turned[j] + place);
            if inside(a.z) && !std::mem::replace(&mut taken[i], true) {
                corners.push(a);
            }
            for plane in [low, high] {
                let (sa, sb) = (a.z - plane, b.z - plane);
                if (sa >= 0.0) != (sb >= 0.0) {
                    corners.push(a + (b - a) * (sa / (sa - sb)));
                }
            }
        }
    }
    corners
}

/// An item's vertices about its centre, turned, and where that is.
fn placed(item: &Item) -> (Vec<Vector3<f32>>, Vector3<f32>) {
    let rotation = item.rotation().to_rotation_matrix();
    let turned: Vec<Vector3<f32>> = item
        .geometry
        .vertices()
        .iter()
        .map(|v| rotation * v)
        .collect();
    let lowest = turned.iter().map(|v| v.z).fold(f32::INFINITY, f32::min);
    let [x, y, z] = item.place.position;
    (turned, Vector3::new(x, y, z - lowest))
}

/// The parts of an item's triangles between two heights, world: convex polygons of three to five corners.
pub(super) fn slices(item: &Item, [low, high]: [f32; 2]) -> Vec<Vec<Vector3<f32>>> {
    let (turned, place) = placed(item);
    let mut parts = Vec::new();
    for triangle in item.geometry.triangles() {
        let corners = triangle.map(|i| turned[i as usize] + place);
        let below = corners.iter().all(|c| c.z < low);
        let above = corners.iter().all(|c| c.z > high);
        if below || above {
            continue;
        }
        let cut = clip(&corners, |c| c.z - low);
        let cut = clip(&cut, |c| high - c.z);
        if cut.len() >= 2 {
            parts.push(cut);
        }
    }
    parts
}

/// The part of a polygon where `side` is not negative (Sutherland and Hodgman 1974).
fn clip(corners: &[Vector3<f32>], side: impl Fn(&Vector3<f32>) -> f32) -> Vec<Vector3<f32>> {
    let mut kept = Vec::with_capacity(corners.len() + 1);
    for (i, a) in corners.iter().enumerate() {
        let b = &corners[(i + 1) % corners.len()];
        let (sa, sb) = (side(a), side(b));
        if sa >= 0.0 {
            kept.push(*a);
        }
        if (sa >= 0.0) != (sb >= 0.0) {
            kept.push(a + (b - a) * (sa / (sa - sb)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::request::ObjectPlace;
    use crate::scene::ItemId;

    fn item(mesh: Mesh, at: [f32; 3]) -> Item {
        let geometry = ObjectGeometry::new("thing", mesh).expect("a mesh");
        let place = ObjectPlace {
            position: at,
            ..ObjectPlace::default()
        };
        Item::new(ItemId(0), "thing", geometry, place)
    }

    fn table() -> Mesh {
        let mut mesh = Mesh::cuboid(Vector3::new(-0.5, -0.4, 0.7), Vector3::new(1.0, 0.8, 0.05));
        for [x, y] in [[-0.5, -0.4], [0.45, -0.4], [-0.5, 0.35], [0.45, 0.35]] {
            let leg = Mesh::cuboid(Vector3::new(x, y, 0.0), Vector3::new(0.05, 0.05, 0.7));
            let base = mesh.vertices.len() as u32;
            mesh.vertices.extend(leg.vertices);
            mesh.triangles.extend(leg.triangles.map_base(base));
        }
        mesh
    }

    trait MapBase {
        fn map_base(self, base: u32) -> Vec<[u32; 3]>;
    }

    impl MapBase for Vec<[u32; 3]> {
        fn map_base(self, base: u32) -> Vec<[u32; 3]> {
            self.into_iter().map(|t| t.map(|i| i + base)).collect()
        }
    }

    #[test]
    fn a_table_is_its_legs_below_and_its_top_above() {
        let table = item(table(), [2.0, 1.0, 0.0]);
        let legs = Footprint::slice(&table, [0.05, 0.5]);
        assert_eq!(legs.0.0.len(), 4);
        assert!(
            (legs.area() - 4.0 * 0.05 * 0.05).abs() < 2e-3,
            "{}",
            legs.area()
        );
        assert!(!legs.contains(Vector2::new(2.0, 1.0)));
        let all = Footprint::slice(&table, [0.05, 1.9]);
        assert!((all.area() - 0.8).abs() < 0.02, "{}", all.area());
        assert!((Footprint::hull(&table, [0.05, 0.5]).area() - 0.8).abs() < 0.02);
    }

    #[test]
    fn growing_is_never_too_small() {
        let shape = Footprint::polygon(&[[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]);
        let grown = shape.grown(0.3);
        for k in 0..400 {
            let angle = k as f32 * 0.0157;
            for corner in [[0.0, 0.0], [1.0, 0.5]] {
                let p = Vector2::from(corner) + Vector2::new(angle.cos(), angle.sin()) * 0.2999;
                assert!(grown.contains(p), "{p}");
            }
        }
        assert!(!grown.contains(Vector2::new(-0.33, 0.2)));
        assert!((shape.distance(Vector2::new(-0.3, 0.2)) - 0.3).abs() < 1e-6);
    }

    #[test]
    fn what_grows_is_what_is_about_its_edges_and_inside_together() {
        let round: Vec<[f32; 2]> = (0..9)
            .map(|k| {
                let angle = k as f32 * 0.7;
                [1.0 + 0.6 * angle.cos(), 0.4 * angle.sin()]
            })
            .collect();
        let room = Footprint::polygon(&[[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 2.0]]);
        let wall = Footprint::polygon(&[[0.1, 0.1], [2.9, 0.1], [2.9, 1.9], [0.1, 1.9]]);
        let wide = Footprint::polygon(&[[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]);
        for shape in [
            Footprint::polygon(&round),
            Footprint::polygon(&[[0.0, 0.0], [1.0, 0.1], [0.9, 0.8], [-0.2, 0.5]]),
            // Corners that go inward, a narrow one among them.
            Footprint::polygon(&[
                [0.0, 0.0],
                [1.5, 0.0],
                [1.5, 1.0],
                [0.8, 1.0],
                [0.7, 0.2],
                [0.6, 1.0],
                [0.0, 1.0],
                [0.3, 0.5],
            ]),
            // A hole that stays, and one that is closed.
            room.without(&wall),
            room.without(&wide),
            // Two that come together.
            wide.joined(&wide.moved(0.4, Vector2::new(0.9, 0.1))),
        ] {
            for radius in [0.05, 0.35, 0.9] {
                let grown = shape.grown(radius);
                let mut parts: Vec<Polygon<f64>> = shape.0.0.clone();
                for polygon in &shape.0.0 {
                    let simple = polygon.simplify(DETAIL);
                    let more = f64::from(radius) + DETAIL;
                    let edges = simple.lines_iter();
                    parts.extend(edges.map(|l| around([l.start, l.end].into_iter(), more)));
                }
                let before = Footprint(union(parts));
                let off = grown.without(&before).area() + before.without(&grown).area();
                assert!(off < 1e-5, "{radius}: {off}");
                let left = room.without_all([&shape.swept(radius)]);
                let off = left.area() - room.without(&before).area();
                assert!(off.abs() < 1e-5, "{radius}: {off}");
            }
        }
    }

    #[test]
    fn what_is_no_polygon_covers_nothing() {
        assert!(Footprint::polygon(&[]).is_empty());
        assert!(Footprint::polygon(&[[0.0, 0.0], [1.0, 1.0]]).is_empty());
        assert!(Footprint::polygon(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]).is_empty());
        assert!(Footprint::polygon(&[[f32::NAN, 0.0], [1.0, 0.0], [0.0, 1.0]]).is_empty());
        let bow = Footprint::polygon(&[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
        assert!((bow.area() - 0.5).abs() < 1e-3, "{}", bow.area());
    }
}
