//! Objects that code makes: furniture and containers of every size that a person handles.
//!
//! Each is made about the origin, standing upright, Z up, its longer side along X, its back (of a chair) at -Y.

use nalgebra::Vector3;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::furniture::{
    bin, cabinet, chair, lamp, monitor, shelf, stand, stool, suitcase, table, tripod, tub,
};
use super::solid::Solid;
use crate::contact::Material;

/// What kind of thing an object is: how it looks, what it is called, how it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A closed box, crate or chest.
    Box,
    /// A container open at the top, with or without handles.
    Tub,
    /// A bin or barrel.
    Bin,
    /// A suitcase, upright, with a handle.
    Suitcase,
    /// A table on legs, side panels or one foot.
    Table,
    /// A chair with a back.
    Chair,
    /// A stool.
    Stool,
    /// A floor lamp.
    Lamp,
    /// A stand for clothes.
    Stand,
    /// A tripod.
    Tripod,
    /// A screen on a foot.
    Monitor,
    /// A shelf.
    Shelf,
}

impl Kind {
    /// Whether it is held by a pole.
    pub fn is_pole(self) -> bool {
        matches!(self, Self::Lamp | Self::Stand | Self::Tripod)
    }

    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Box,
        Self::Tub,
        Self::Bin,
        Self::Suitcase,
        Self::Table,
        Self::Chair,
        Self::Stool,
        Self::Lamp,
        Self::Stand,
        Self::Tripod,
        Self::Monitor,
        Self::Shelf,
    ];

    /// What an object is whose name is in the captured data's vocabulary, or one of ours.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "largebox" | "smallbox" | "box" | "crate" => Self::Box,
            "plasticbox" | "storage_box" => Self::Tub,
            "trashcan" | "bin" => Self::Bin,
            "suitcase" => Self::Suitcase,
            "largetable" | "smalltable" | "table" => Self::Table,
            "woodchair" | "whitechair" | "chair" => Self::Chair,
            "stool" => Self::Stool,
            "floorlamp" | "floor_lamp" => Self::Lamp,
            "clothesstand" | "clothes_stand" => Self::Stand,
            "tripod" => Self::Tripod,
            "monitor" => Self::Monitor,
            "shelf" => Self::Shelf,
            _ => return None,
        })
    }

    /// Kinds that are handled alike, so that one can take the other's place in a captured clip.
    pub fn stand_ins(self) -> &'static [Self] {
        match self {
            Self::Box => &[Self::Box, Self::Tub, Self::Suitcase, Self::Bin, Self::Stool],
            Self::Tub => &[Self::Tub, Self::Box, Self::Bin],
            Self::Bin => &[Self::Bin, Self::Tub, Self::Stool, Self::Box],
            Self::Suitcase => &[Self::Suitcase, Self::Box],
            Self::Table => &[Self::Table, Self::Table, Self::Shelf],
            Self::Chair => &[Self::Chair],
            Self::Stool => &[Self::Stool, Self::Bin],
            Self::Lamp | Self::Stand | Self::Tripod => &[Self::Lamp, Self::Stand, Self::Tripod],
            Self::Monitor => &[Self::Monitor],
            Self::Shelf => &[Self::Shelf],
        }
    }

    /// Smallest and largest of a kind: width (x), depth (y), height (z), metres.
    pub fn sizes(self) -> [[f32; 3]; 2] {
        match self {
            Self::Box => [[0.25, 0.2, 0.2], [0.6, 0.5, 0.6]],
            Self::Tub => [[0.3, 0.25, 0.2], [0.6, 0.45, 0.4]],
            Self::Bin => [[0.22, 0.22, 0.28], [0.42, 0.42, 0.65]],
            Self::Suitcase => [[0.35, 0.2, 0.5], [0.5, 0.3, 0.75]],
            Self::Table => [[0.55, 0.4, 0.42], [1.3, 0.75, 0.78]],
            Self::Chair => [[0.4, 0.42, 0.78], [0.52, 0.55, 1.02]],
            Self::Stool => [[0.3, 0.3, 0.4], [0.42, 0.42, 0.7]],
            Self::Lamp => [[0.26, 0.26, 1.2], [0.42, 0.42, 1.75]],
            Self::Stand => [[0.4, 0.4, 1.45], [0.6, 0.6, 1.8]],
            Self::Tripod => [[0.5, 0.45, 1.0], [0.8, 0.7, 1.5]],
            Self::Monitor => [[0.45, 0.18, 0.38], [0.65, 0.25, 0.52]],
            Self::Shelf => [[0.4, 0.25, 0.6], [0.8, 0.35, 1.1]],
        }
    }

    /// Whether one of this kind can be about so large, metres.
    pub fn can_be(self, size: &Vector3<f32>) -> bool {
        let [low, high] = self.sizes();
        (0..3).all(|axis| (low[axis] * 0.8..=high[axis] * 1.25).contains(&size[axis]))
    }

    /// Lightest and heaviest, kilograms.
    pub fn masses(self) -> [f32; 2] {
        match self {
            Self::Box => [0.8, 10.0],
            Self::Tub => [0.6, 8.0],
            Self::Bin => [0.6, 5.0],
            Self::Suitcase => [2.0, 14.0],
            Self::Table => [3.0, 16.0],
            Self::Chair => [2.5, 8.0],
            Self::Stool => [1.5, 5.0],
            Self::Lamp => [1.5, 6.0],
            Self::Stand => [1.5, 5.0],
            Self::Tripod => [1.0, 4.0],
            Self::Monitor => [2.0, 7.0],
            Self::Shelf => [4.0, 14.0],
        }
    }

    /// What it may be made of.
    pub fn materials(self) -> &'static [Material] {
        match self {
            Self::Box => &[Material::Cardboard, Material::Wood, Material::Plastic],
            Self::Tub | Self::Bin => &[Material::Plastic, Material::Metal],
            Self::Suitcase => &[Material::Plastic, Material::Fabric],
            Self::Table | Self::Chair | Self::Stool | Self::Shelf => {
                &[Material::Wood, Material::Metal]
            }
            Self::Lamp | Self::Stand | Self::Tripod => &[Material::Metal, Material::Wood],
            Self::Monitor => &[Material::Plastic],
        }
    }

    /// A size between smallest and largest.
    pub fn size(self, rng: &mut impl Rng) -> Vector3<f32> {
        let [low, high] = self.sizes();
        let all: f32 = rng.random();
        Vector3::from_fn(|axis, _| {
            // Half of it common to all axes: large things are large all over.
            let share = 0.5 * all + 0.5 * rng.random::<f32>();
            low[axis] + (high[axis] - low[axis]) * share
        })
    }

    /// One of this kind with this bounding box, metres.
    pub fn make(self, size: Vector3<f32>, rng: &mut impl Rng) -> Solid {
        let mut solid = Solid::default();
        let s = &mut solid;
        let (w, d, h) = (size.x, size.y, size.z);
        match self {
            Self::Box => cabinet(s, w, d, h, rng),
            Self::Tub => tub(s, w, d, h, rng),
            Self::Bin => bin(s, w, d, h, rng),
            Self::Suitcase => suitcase(s, w, d, h, rng),
            Self::Table => table(s, w, d, h, rng),
            Self::Chair => chair(s, w, d, h, rng),
            Self::Stool => stool(s, w, d, h, rng),
            Self::Lamp => lamp(s, w, h, rng),
            Self::Stand => stand(s, w, h, rng),
            Self::Tripod => tripod(s, w, h, rng),
            Self::Monitor => monitor(s, w, d, h, rng),
            Self::Shelf => shelf(s, w, d, h, rng),
        }
        solid.fitted(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Mass, ObjectPhysics};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn every_kind_makes_things_of_the_size_asked_for() {
        for kind in Kind::ALL {
            for seed in 0..8 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let size = kind.size(&mut rng);
                let solid = kind.make(size, &mut rng);
                solid.mesh().check().expect("a usable mesh");
                let physics = ObjectPhysics {
                    mass: Mass::Kilograms(3.0),
                    ..ObjectPhysics::default()
                };
                let object = solid.object("thing", &physics).expect("an object");
                let extents = object.geometry().extents();
                assert!((extents - size).norm() < 1e-3, "{kind:?} {seed}");
                assert!(object.geometry().vertices().len() > 150, "{kind:?}");
                // The same seed, the same thing.
                let mut again = ChaCha8Rng::seed_from_u64(seed);
                let size = kind.size(&mut again);
                assert_eq!(kind.make(size, &mut again), solid);
            }
        }
    }
}
