//! The surfaces of an item that things can stand on.

use geo::{Area, Coord, LineString, Polygon};

use super::Item;
use super::footprint::{Footprint, slices, union};

/// Faces steeper than this are no place to stand: the height of the unit normal.
const LEVEL: f32 = 0.97;
/// Faces within this height of each other are one level, metres.
const STEP: f32 = 0.012;
/// Smaller levels are rims and handles, square metres.
const SMALLEST: f32 = 0.01;

/// A level surface.
#[derive(Clone, Debug)]
pub struct Level {
    /// Height over the floor, metres.
    pub height: f32,
    /// Where it is.
    pub area: Footprint,
}

/// The level surfaces of an item, the highest first.
pub fn levels(item: &Item) -> Vec<Level> {
    let mut faces: Vec<(f32, Polygon<f64>)> = Vec::new();
    for corners in slices(item, [f32::MIN, f32::MAX]) {
        let [a, b, c] = corners[..] else {
            continue;
        };
        let normal = (b - a).cross(&(c - a));
        let length = normal.norm();
        if length < 1e-10 || normal.z / length < LEVEL {
            continue;
        }
        let ring = [a, b, c].map(|v| Coord {
            x: f64::from(v.x),
            y: f64::from(v.y),
        });
        let face = Polygon::new(LineString::new(ring.to_vec()), Vec::new());
        faces.push((a.z.max(b.z).max(c.z), face));
    }
    faces.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut levels = Vec::new();
    let mut i = 0;
    while i < faces.len() {
        let height = faces[i].0;
        let end = faces[i..].partition_point(|(z, _)| *z > height - STEP) + i;
        let parts: Vec<Polygon<f64>> = faces[i..end].iter().map(|(_, face)| face.clone()).collect();
        let area: f64 = parts.iter().map(Area::unsigned_area).sum();
        if area as f32 >= SMALLEST {
            levels.push(Level {
                height,
                area: Footprint(union(parts)),
            });
        }
        i = end.max(i + 1);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::request::ObjectPlace;
    use crate::scene::ItemId;
    use nalgebra::Vector3;

    #[test]
    fn a_box_has_one_level_on_its_top() {
        let mesh = Mesh::cuboid(Vector3::new(-0.5, -0.3, 0.0), Vector3::new(1.0, 0.6, 0.7));
        let geometry = ObjectGeometry::new("box", mesh).expect("a box");
        let place = ObjectPlace {
            position: [1.0, 2.0, 0.1],
            ..ObjectPlace::default()
        };
        let levels = levels(&Item::new(ItemId(0), "box", geometry, place));
        assert_eq!(levels.len(), 1);
        assert!((levels[0].height - 0.8).abs() < 1e-5);
        assert!((levels[0].area.area() - 0.6).abs() < 1e-4);
    }
}
