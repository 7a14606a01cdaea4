//! Where somebody of a certain width can be: the floor without its obstacles, grown, as a navigation mesh.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use geo::line_measures::{Distance, Euclidean};
use geo::{Centroid, Closest, ClosestPoint, Contains, Point, Polygon};
use nalgebra::{Vector2, Vector3};

use super::clear::{self, Grid};
use crate::geometry::{ObjectGeometry, alike_turns};
use crate::request::PersonPlace;
use crate::scene::{Footprint, Item, ItemId, ItemKind, Level, Scene, Swept, levels};

/// What is lower is stepped over, metres.
const STEP: f32 = 0.05;
/// What is higher is walked under, metres.
const HEAD: f32 = 1.9;
/// What the floor reaches beyond everything in a scene that does not say, metres.
const AROUND: f32 = 1.5;
/// Smallest item that is a floor rather than a rug, square metres.
const FLOOR: f32 = 6.0;
/// Most obstacles that are kept which are no more where they were.
const GONE: usize = 32;
/// Most navigation meshes that are kept.
const KEPT: usize = 48;
/// How far into free space a point on its edge is moved, metres.
const NUDGE: f64 = 0.004;
/// How far behind a wall at the edge of the floor there is nothing to be, metres.
const BEHIND: f32 = 0.3;
/// How far around things room is kept once it has been measured, metres.
const NEAR: f32 = 0.35;

/// Something that moves: how near its middle gets to what stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agent {
    /// Of the person, metres.
    pub person: f32,
    /// Of the person together with what is carried, metres; at least that of the person.
    pub carried: f32,
    /// Height over the floor above which the carried object is; what is lower is in the way of the person alone. Metres.
    pub over: f32,
}

impl Agent {
    /// A person with empty hands.
    pub fn person(radius: f32) -> Self {
        Self {
            person: radius,
            carried: radius,
            over: f32::INFINITY,
        }
    }

    /// The same with this much more room on every side.
    #[must_use]
    pub fn with_room(self, more: f32) -> Self {
        Self {
            person: self.person + more,
            carried: self.carried + more,
            ..self
        }
    }
}

/// An item as an obstacle.
#[derive(Clone, Debug)]
pub(super) struct Obstacle {
    pub id: ItemId,
    pub name: String,
    pub kind: ItemKind,
    /// What it covers between the height that is stepped over and that of a head.
    pub area: Footprint,
    /// Smallest and largest corner of that; none where it covers nothing.
    pub bounds: Option<[Vector2<f32>; 2]>,
    /// Its convex hull at any height.
    pub hull: Footprint,
    /// From and to which height it reaches, metres.
    pub heights: [f32; 2],
    /// Tells apart shapes and places.
    stamp: u64,
    grown: HashMap<u32, Swept>,
    /// How far it is from what is near it, metres.
    near: Option<Grid>,
    /// What it covers, and what is behind it.
    solid: OnceLock<Footprint>,
}

impl Obstacle {
    /// Whether the line from one point to another touches what it covers.
    pub fn crosses(&self, from: Vector2<f32>, to: Vector2<f32>) -> bool {
        let beside = |[low, high]: [Vector2<f32>; 2]| {
            (0..2).any(|i| from[i].min(to[i]) > high[i] || from[i].max(to[i]) < low[i])
        };
        self.bounds.is_some_and(|bounds| !beside(bounds)) && self.area.crosses(from, to)
    }
}

/// Free space for one agent.
pub(super) struct Free {
    pub area: Footprint,
    pieces: Vec<Piece>,
}

struct Piece {
    polygon: Polygon<f64>,
    /// Made when first gone through.
    mesh: OnceLock<polyanya::Mesh>,
}

/// Free space is the same where this is: moving something away and back makes nothing anew.
#[derive(PartialEq)]
struct Key {
    agent: [u32; 3],
    without: Vec<ItemId>,
    /// Of all that is in the way.
    stamps: u64,
    /// Of a floor that is what lies around everything.
    around: Option<[u32; 4]>,
}

/// The obstacles of a scene and the free space between them. It is told of items that come, move and go; only what a change
/// concerns is made anew.
pub struct Map {
    pub(super) obstacles: Vec<Obstacle>,
    outline: Footprint,
    floor: Option<Footprint>,
    people: Vec<[f32; 2]>,
    free: Vec<(Key, Arc<Free>)>,
    /// The outline's own thickness for people of a width, millimetres.
    rims: HashMap<u32, Swept>,
    /// 1 on the floor, 0 beside it.
    inside: Grid,
    /// Obstacles that were elsewhere before, or are gone: what comes back is not made anew.
    gone: Vec<Obstacle>,
    levels: HashMap<ItemId, Arc<Vec<Level>>>,
    /// Parts of items between two heights.
    slices: HashMap<(ItemId, [u32; 2]), Arc<Footprint>>,
    /// In how many ways shapes look the same, lying with this direction upward.
    alike: Vec<(ObjectGeometry, Vector3<f32>, u32)>,
    /// The floor and the items that it was made of, as they were.
    seen: (Option<Vec<[f32; 2]>>, Vec<Item>),
}

/// A number that differs where the item, its shape or its place differ.
fn stamp(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.id.hash(&mut hasher);
    (item.kind as u8).hash(&mut hasher);
    item.geometry.name().hash(&mut hasher);
    (item.geometry.vertices().as_ptr() as usize).hash(&mut hasher);
    let place = &item.place;
    let turn = place.rotation.unwrap_or_default();
    for value in place.position.iter().chain(&turn).chain([&place.yaw]) {
        value.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

/// The square of the metres from a rectangle to a point: what it is about is no nearer.
fn beside([low, high]: [Vector2<f32>; 2], point: Vector2<f32>) -> f32 {
    let off = (low - point).sup(&(point - high)).sup(&Vector2::zeros());
    off.norm_squared()
}

fn millimetres(metres: f32) -> u32 {
    (metres.clamp(0.0, 1e6) * 1e3).round() as u32
}

/// Where people are.
fn people(scene: &Scene) -> Vec<[f32; 2]> {
    std::iter::once(&scene.listener)
        .chain(&scene.speaker)
        .map(|p: &PersonPlace| p.position)
        .collect()
}

impl Map {
    /// The map of a scene.
    pub fn new(scene: &Scene) -> Self {
        let mut map = Self {
            obstacles: Vec::new(),
            outline: Footprint::default(),
            floor: scene.floor.as_deref().map(Footprint::polygon),
            people: people(scene),
            free: Vec::new(),
            rims: HashMap::new(),
            inside: Grid::default(),
            gone: Vec::new(),
            levels: HashMap::new(),
            slices: HashMap::new(),
            alike: Vec::new(),
            seen: (scene.floor.clone(), scene.items.clone()),
        };
        if map.floor.as_ref().is_none_or(Footprint::is_empty) {
            let floors = scene
                .items
                .iter()
                .filter(|item| item.kind == ItemKind::Floor)
                .map(|item| Footprint::hull(item, [f32::MIN, f32::MAX]))
                .filter(|hull| hull.area() > FLOOR);
            let floors: Vec<Footprint> = floors.collect();
            map.floor = (!floors.is_empty()).then(|| Footprint::union(&floors));
        }
        for item in &scene.items {
            map.add(item);
        }
        map.changed();
        map
    }

    /// Makes the map that of what the scene has become.
    pub fn follow(&mut self, scene: &Scene) {
        let (floor, items) = &self.seen;
        // What a floor is made of is looked at once.
        let same = *floor == scene.floor
            && items.len() == scene.items.len()
            && (items.iter().zip(&scene.items)).all(|(was, is)| {
                was.id == is.id
                    && was.kind == is.kind
                    && was.geometry.is(&is.geometry)
                    && (was.kind != ItemKind::Floor || was.place == is.place)
            });
        if !same {
            // Shapes stay what they are.
            let alike = std::mem::take(&mut self.alike);
            *self = Self::new(scene);
            self.alike = alike;
            return;
        }
        let moved: Vec<Item> = (items.iter().zip(&scene.items))
            .filter(|(was, is)| was.place != is.place || was.name != is.name)
            .map(|(_, is)| is.clone())
            .collect();
        self.people = people(scene);
        for item in &moved {
            self.take(item.id);
            self.add(item);
        }
        if !moved.is_empty() || self.floor.as_ref().is_none_or(Footprint::is_empty) {
            self.changed();
        }
        self.seen.1.clone_from(&scene.items);
    }

    /// Makes beforehand what plans will ask of things: a plan asks for little of it, but waits for that.
    pub(super) fn prepare(&mut self, scene: &Scene, walker: &Agent) {
        for item in &scene.items {
            match item.kind {
                ItemKind::Object => {
                    self.alike(item);
                }
                // What is gone up to.
                _ => {
                    self.slice(item, [f32::MIN, f32::MAX]);
                }
            }
            if item.surface {
                self.levels(item);
            }
        }
        for obstacle in &self.obstacles {
            self.solid(obstacle);
        }
        self.free(walker, &[]);
    }

    /// Puts an item where it is now, whether it was there before or not.
    pub fn set(&mut self, item: &Item) {
        self.take(item.id);
        self.add(item);
        // What follows a scene from here on looks at what has changed since.
        match self.seen.1.iter_mut().find(|seen| seen.id == item.id) {
            Some(seen) => seen.clone_from(item),
            None => self.seen.1.push(item.clone()),
        }
        self.changed();
    }

    /// Takes an item away.
    pub fn remove(&mut self, id: ItemId) {
        self.take(id);
        self.forget(id);
        self.seen.1.retain(|seen| seen.id != id);
        self.changed();
    }

    fn add(&mut self, item: &Item) {
        self.forget(item.id);
        if item.is_passable() {
            return;
        }
        let stamp = stamp(item);
        if let Some(k) = (self.gone.iter()).position(|o| o.stamp == stamp && o.id == item.id) {
            let mut back = self.gone.remove(k);
            back.name.clone_from(&item.name);
            self.obstacles.push(back);
            return;
        }
        // A wall may have a doorway, furniture is gone around.
        let area = match item.kind {
            ItemKind::Object => Footprint::hull(item, [STEP, HEAD]),
            _ => Footprint::slice(item, [STEP, HEAD]),
        };
        if item.kind != ItemKind::Object {
            let heights = [STEP, HEAD].map(f32::to_bits);
            self.slices
                .insert((item.id, heights), Arc::new(area.clone()));
        }
        let base = item.place.position[2];
        self.obstacles.push(Obstacle {
            id: item.id,
            name: item.name.clone(),
            kind: item.kind,
            bounds: area.bounds(),
            area,
            hull: Footprint::hull(item, [f32::MIN, f32::MAX]),
            heights: [base, base + item.height()],
            stamp,
            grown: HashMap::new(),
            near: None,
            solid: OnceLock::new(),
        });
    }

    /// Takes away what is where an item was.
    fn take(&mut self, id: ItemId) {
        while let Some(k) = self.obstacles.iter().position(|o| o.id == id) {
            if self.gone.len() >= GONE {
                self.gone.remove(0);
            }
            self.gone.push(self.obstacles.remove(k));
        }
    }

    fn changed(&mut self) {
        let outline = match &self.floor {
            Some(floor) if !floor.is_empty() => floor.clone(),
            _ => self.surroundings(),
        };
        if self.outline.0 != outline.0 {
            self.rims.clear();
            self.inside = (outline.bounds()).map_or_else(Grid::default, |b| Grid::new(b, 0.0));
            self.outline = outline;
            for obstacle in self.obstacles.iter_mut().chain(&mut self.gone) {
                obstacle.solid = OnceLock::new();
            }
        }
    }

    /// A rectangle around everything.
    fn surroundings(&self) -> Footprint {
        let (mut low, mut high) = (
            Vector2::repeat(f32::INFINITY),
            Vector2::repeat(f32::NEG_INFINITY),
        );
        let hulls = self.obstacles.iter().filter_map(|o| o.hull.bounds());
        let people = self.people.iter().map(|p| [Vector2::from(*p); 2]);
        for [a, b] in hulls.chain(people) {
            low = low.inf(&a);
            high = high.sup(&b);
        }
        let (low, high) = (low.add_scalar(-AROUND), high.add_scalar(AROUND));
        Footprint::polygon(&[
            [low.x, low.y],
            [high.x, low.y],
            [high.x, high.y],
            [low.x, high.y],
        ])
    }

    /// What stands in people's way: its area and its heights over the floor. A wall at the floor's edge is as thick as if it
    /// went on behind: who is in it comes out on the side of the room.
    pub(super) fn obstacles(&self) -> impl Iterator<Item = (ItemId, &Footprint, [f32; 2])> {
        (self.obstacles.iter()).map(|o| (o.id, self.solid(o), o.heights))
    }

    fn solid<'a>(&self, obstacle: &'a Obstacle) -> &'a Footprint {
        if obstacle.kind != ItemKind::Wall {
            return &obstacle.area;
        }
        obstacle.solid.get_or_init(|| {
            let behind = obstacle.area.grown(BEHIND).without(&self.outline);
            obstacle.area.joined(&behind)
        })
    }

    /// The floor that can be walked on, obstacles and all.
    pub fn floor(&self) -> &Footprint {
        &self.outline
    }

    /// The level surfaces of an item, the highest first.
    pub(super) fn levels(&mut self, item: &Item) -> Arc<Vec<Level>> {
        let made = self.levels.entry(item.id);
        Arc::clone(made.or_insert_with(|| Arc::new(levels(item))))
    }

    /// In how many ways an item looks the same on one turn about the vertical; see [`alike_turns`].
    pub(super) fn alike(&mut self, item: &Item) -> u32 {
        let rotation = item.rotation();
        let up = rotation.inverse() * Vector3::z();
        let known = (self.alike.iter())
            .find(|(geometry, side, _)| geometry.is(&item.geometry) && (side - up).norm() < 1e-3);
        if let Some((.., ways)) = known {
            return *ways;
        }
        let ways = alike_turns(&item.geometry, &rotation);
        self.alike.push((item.geometry.clone(), up, ways));
        ways
    }

    /// What an item, where the map has it, covers between two heights; see [`Footprint::slice`].
    pub(super) fn slice(&mut self, item: &Item, heights: [f32; 2]) -> Arc<Footprint> {
        let made = self.slices.entry((item.id, heights.map(f32::to_bits)));
        Arc::clone(made.or_insert_with(|| Arc::new(Footprint::slice(item, heights))))
    }

    /// What was made of an item is to be made anew.
    fn forget(&mut self, id: ItemId) {
        self.levels.remove(&id);
        self.slices.retain(|(of, _), _| *of != id);
    }

    /// Free space for an agent, some items not being there.
    pub(super) fn free(&mut self, agent: &Agent, without: &[ItemId]) -> Arc<Free> {
        let agent = Agent {
            carried: agent.carried.max(agent.person),
            ..*agent
        };
        let mut without = without.to_vec();
        without.sort_unstable();
        let key = Key {
            agent: [
                millimetres(agent.person),
                millimetres(agent.carried),
                millimetres(agent.over),
            ],
            stamps: (self.obstacles.iter())
                .filter(|o| !without.contains(&o.id))
                .fold(0, |all, o| all ^ o.stamp),
            around: match &self.floor {
                Some(floor) if !floor.is_empty() => None,
                _ => (self.outline.bounds()).map(|[a, b]| [a.x, a.y, b.x, b.y].map(f32::to_bits)),
            },
            without,
        };
        if let Some(i) = self.free.iter().position(|(k, _)| *k == key) {
            // What is used stays.
            let known = self.free.remove(i);
            let free = Arc::clone(&known.1);
            self.free.push(known);
            return free;
        }
        let rim = (self.rims.entry(millimetres(agent.person)))
            .or_insert_with(|| self.outline.rim(agent.person));
        let mut grown = vec![&*rim];
        for obstacle in &mut self.obstacles {
            if key.without.contains(&obstacle.id) || obstacle.area.is_empty() {
                continue;
            }
            let low = obstacle.heights[1] < agent.over;
            let radius = if low && agent.over.is_finite() {
                agent.person
            } else {
                agent.carried
            };
            let area = obstacle
                .grown
                .entry(millimetres(radius))
                .or_insert_with(|| obstacle.area.swept(radius));
            grown.push(&*area);
        }
        let area = self.outline.without_all(grown);
        let pieces = area.0.0.iter().filter_map(Piece::new).collect();
        let free = Arc::new(Free { area, pieces });
        if self.free.len() >= KEPT {
            self.free.remove(0);
        }
        self.free.push((key, Arc::clone(&free)));
        free
    }

    /// The items whose areas cross the line, but for some.
    pub(super) fn blocked(&self, from: Vector2<f32>, to: Vector2<f32>, without: &[ItemId]) -> bool {
        self.obstacles.iter().any(|o| {
            // Who stands within something may leave it.
            o.crosses(from, to) && !without.contains(&o.id) && !o.area.contains(from)
        })
    }

    /// [`Self::clearance`] at a point of the grid up to `most`, and 0 off the floor. Metres.
    pub(super) fn room(&mut self, cell: [i32; 2], without: &[ItemId], most: f32) -> f32 {
        let point = clear::place(cell);
        let outline = &self.outline;
        let on_floor = || f32::from(u8::from(outline.contains(point)));
        if self.inside.at(cell, on_floor) < 0.5 {
            return 0.0;
        }
        let mut least = most;
        for obstacle in &mut self.obstacles {
            let Some(bounds) = obstacle.bounds else {
                continue;
            };
            if beside(bounds, point) < least * least && !without.contains(&obstacle.id) {
                let (area, near) = (&obstacle.area, &mut obstacle.near);
                let near = near.get_or_insert_with(|| Grid::new(bounds, NEAR));
                least = least.min(near.at(cell, || area.distance(point)));
            }
        }
        least
    }

    /// The least distance of a point to any obstacle, metres.
    pub fn clearance(&self, point: Vector2<f32>, without: &[ItemId]) -> f32 {
        self.nearest(point, without, f32::INFINITY)
    }

    /// The same where it is less than `most`, else `most`.
    pub(super) fn nearest(&self, point: Vector2<f32>, without: &[ItemId], most: f32) -> f32 {
        let mut least = most;
        for obstacle in &self.obstacles {
            let Some(bounds) = obstacle.bounds else {
                continue;
            };
            if beside(bounds, point) < least * least && !without.contains(&obstacle.id) {
                least = least.min(obstacle.area.distance(point));
            }
        }
        least
    }
}

impl Piece {
    fn new(polygon: &Polygon<f64>) -> Option<Self> {
        // Slivers between two obstacles have no inside in single precision.
        let outline = polygon.exterior().0.len();
        if outline < 4 || geo::Area::unsigned_area(polygon) < 1e-4 {
            return None;
        }
        Some(Self {
            polygon: polygon.clone(),
            mesh: OnceLock::new(),
        })
    }

    fn mesh(&self) -> &polyanya::Mesh {
        self.mesh.get_or_init(|| {
            let small = geo::MapCoords::map_coords(&self.polygon, |c| geo::Coord {
                x: c.x as f32,
                y: c.y as f32,
            });
            let mut mesh = polyanya::Triangulation::from_geo_polygon(small).as_navmesh();
            mesh.merge_polygons();
            mesh.bake();
            mesh
        })
    }
}

impl Free {
    /// Whether a point is free.
    pub fn contains(&self, point: Vector2<f32>) -> bool {
        self.area.contains(point)
    }

    /// Whether the whole line is free.
    pub fn sees(&self, from: Vector2<f32>, to: Vector2<f32>) -> bool {
        self.area.sees(from, to)
    }

    /// Which connected piece a point is in.
    pub fn piece(&self, point: Vector2<f32>) -> Option<usize> {
        let point = Point::new(f64::from(point.x), f64::from(point.y));
        self.pieces.iter().position(|p| p.polygon.contains(&point))
    }

    /// The free points nearest to a point, one of each piece, the nearest first.
    pub fn nearest(&self, point: Vector2<f32>) -> Vec<(usize, Vector2<f32>)> {
        let from = Point::new(f64::from(point.x), f64::from(point.y));
        let mut found: Vec<(f64, usize, Vector2<f32>)> = Vec::new();
        for (i, piece) in self.pieces.iter().enumerate() {
            if piece.polygon.contains(&from) {
                return vec![(i, point)];
            }
            let rings = std::iter::once(piece.polygon.exterior()).chain(piece.polygon.interiors());
            for ring in rings {
                let (Closest::SinglePoint(edge) | Closest::Intersection(edge)) =
                    ring.closest_point(&from)
                else {
                    continue;
                };
                let inward = nudged(&piece.polygon, from, edge);
                if let Some(inside) = inward {
                    let at = Vector2::new(inside.x() as f32, inside.y() as f32);
                    found.push((Euclidean.distance(from, inside), i, at));
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found.into_iter().map(|(_, i, p)| (i, p)).collect()
    }

    /// The shortest way within one piece, both ends included.
    pub fn way(
        &self,
        piece: usize,
        from: Vector2<f32>,
        to: Vector2<f32>,
    ) -> Option<Vec<Vector2<f32>>> {
        let mesh = self.pieces.get(piece)?.mesh();
        let found = mesh.path(
            polyanya::Coords::on_mesh(from.into()),
            polyanya::Coords::on_mesh(to.into()),
        )?;
        let mut points = vec![from];
        points.extend(found.path.iter().map(|p| Vector2::new(p.x, p.y)));
        points
            .iter()
            .all(|p| p.iter().all(|c| c.is_finite()))
            .then_some(points)
    }
}

/// A point within the polygon just behind its edge.
fn nudged(polygon: &Polygon<f64>, from: Point<f64>, edge: Point<f64>) -> Option<Point<f64>> {
    let way = edge - from;
    let length = way.x().hypot(way.y());
    let ahead = (length > 1e-9).then(|| Point::new(way.x() / length, way.y() / length));
    let around = (0..16).map(|k| {
        let angle = std::f64::consts::TAU * f64::from(k) / 16.0;
        Point::new(angle.cos(), angle.sin())
    });
    let middle = polygon.centroid().map(|c| c - edge).and_then(|way| {
        let length = way.x().hypot(way.y());
        (length > 1e-9).then(|| Point::new(way.x() / length, way.y() / length))
    });
    ahead
        .into_iter()
        .chain(middle)
        .chain(around)
        .map(|d| edge + d * NUDGE)
        .find(|p| polygon.contains(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Mesh;
    use crate::request::ObjectPlace;

    fn post(id: u64, at: [f32; 3]) -> Item {
        let low = Vector3::new(-0.2, -0.1, 0.0);
        let mesh = Mesh::cuboid(low, Vector3::new(0.4, 0.2, 1.0));
        let geometry = ObjectGeometry::new("post", mesh).expect("a box");
        let place = ObjectPlace {
            position: at,
            ..ObjectPlace::default()
        };
        let mut item = Item::new(ItemId(id), "post", geometry, place);
        item.kind = ItemKind::Wall;
        item
    }

    #[test]
    fn what_was_made_before_is_what_would_be_made_now() {
        let mut scene = Scene {
            items: vec![post(1, [0.0; 3]), post(2, [2.0, 0.0, 0.0])],
            ..Scene::default()
        };
        let walker = Agent::person(0.25);
        let mut map = Map::new(&scene);
        let first = map.free(&walker, &[]);
        map.slice(&scene.items[0], [0.1, 0.9]);
        // Away and back: the same, and nothing is made anew.
        let home = scene.items[0].clone();
        scene.items[0].place.position = [0.0, 1.5, 0.0];
        map.set(&scene.items[0]);
        let other = map.free(&walker, &[]);
        assert!(!Arc::ptr_eq(&first, &other));
        let fresh = Map::new(&scene).free(&walker, &[]);
        assert!((other.area.area() - fresh.area.area()).abs() < 1e-5);
        let moved = map.slice(&scene.items[0], [0.1, 0.9]);
        assert!(moved.contains(Vector2::new(0.0, 1.5)) && !moved.contains(Vector2::zeros()));
        map.set(&home);
        assert!(Arc::ptr_eq(&first, &map.free(&walker, &[])));
        // What was set is followed from there.
        map.set(&scene.items[0]);
        scene.items[0] = home;
        map.follow(&scene);
        assert!(Arc::ptr_eq(&first, &map.free(&walker, &[])));
    }
}
