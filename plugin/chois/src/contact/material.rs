//! What an object weighs and how it slides.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What an object is made of: enough to guess its mass from its shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// Corrugated board, 150 kg/m3, walls of 6 mm.
    Cardboard,
    /// Furniture wood, 600 kg/m3, walls of 12 mm.
    #[default]
    Wood,
    /// Moulded plastic, 950 kg/m3, walls of 3 mm.
    Plastic,
    /// Steel sheet and tube, 7,800 kg/m3, walls of 1 mm.
    Metal,
    /// Cloth on padding, 100 kg/m3, filled.
    Fabric,
    /// Glass and ceramics, 2,500 kg/m3, walls of 5 mm.
    Glass,
    /// Stone and concrete, 2,400 kg/m3, filled.
    Stone,
}

impl Material {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cardboard,
        Self::Wood,
        Self::Plastic,
        Self::Metal,
        Self::Fabric,
        Self::Glass,
        Self::Stone,
    ];

    /// Its name, as files and command lines say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cardboard => "cardboard",
            Self::Wood => "wood",
            Self::Plastic => "plastic",
            Self::Metal => "metal",
            Self::Fabric => "fabric",
            Self::Glass => "glass",
            Self::Stone => "stone",
        }
    }

    /// Kilograms a cubic metre.
    pub fn density(self) -> f32 {
        match self {
            Self::Cardboard => 150.0,
            Self::Wood => 600.0,
            Self::Plastic => 950.0,
            Self::Metal => 7_800.0,
            Self::Fabric => 100.0,
            Self::Glass => 2_500.0,
            Self::Stone => 2_400.0,
        }
    }

    /// Thickness of the walls of hollow things, metres; infinite for what is filled.
    pub fn wall(self) -> f32 {
        match self {
            Self::Cardboard => 0.006,
            Self::Wood => 0.012,
            Self::Plastic => 0.003,
            Self::Metal => 0.001,
            Self::Glass => 0.005,
            Self::Fabric | Self::Stone => f32::INFINITY,
        }
    }

    /// Coefficient of friction against a floor.
    pub fn friction(self) -> f32 {
        match self {
            Self::Cardboard => 0.45,
            Self::Wood => 0.4,
            Self::Plastic => 0.35,
            Self::Metal => 0.35,
            Self::Fabric => 0.6,
            Self::Glass => 0.4,
            Self::Stone => 0.6,
        }
    }
}

/// How heavy an object is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mass {
    /// So many kilograms.
    Kilograms(f32),
    /// Guessed from the shape: its volume, or that of its walls where that is less, times the density.
    Of(Material),
}

impl Default for Mass {
    fn default() -> Self {
        Self::Of(Material::default())
    }
}

/// Lightest and heaviest object, kilograms.
pub const MASSES: std::ops::RangeInclusive<f32> = 0.02..=2_000.0;

impl Mass {
    /// Kilograms of a shape with this volume (cubic metres) and surface (square metres).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a given mass outside [`MASSES`]; a guessed one is brought into it.
    pub fn kilograms(self, volume: f32, area: f32) -> Result<f32> {
        match self {
            Self::Kilograms(mass) if MASSES.contains(&mass) => Ok(mass),
            Self::Kilograms(mass) => Err(Error::invalid(
                "mass",
                format!(
                    "{mass} kg; give between {} and {} kg",
                    MASSES.start(),
                    MASSES.end()
                ),
            )),
            Self::Of(material) => {
                let walls = area * material.wall();
                let filled = volume.min(walls) * material.density();
                Ok(if filled.is_finite() {
                    filled.clamp(*MASSES.start(), *MASSES.end())
                } else {
                    *MASSES.start()
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hollow_things_weigh_their_walls() {
        // A cardboard box of 60 x 40 x 40 cm: 1.28 square metres of board.
        let mass = Mass::Of(Material::Cardboard).kilograms(0.096, 1.28);
        assert!((mass.expect("a mass") - 1.152).abs() < 1e-3);
        // A thin table leg is solid.
        let mass = Mass::Of(Material::Wood).kilograms(0.0007, 0.08);
        assert!((mass.expect("a mass") - 0.42).abs() < 1e-3);
        assert!(Mass::Kilograms(f32::NAN).kilograms(1.0, 1.0).is_err());
        assert!(Mass::Kilograms(-1.0).kilograms(1.0, 1.0).is_err());
        assert!(Mass::default().kilograms(f32::NAN, f32::NAN).is_ok());
        for material in Material::ALL {
            let json = serde_json::to_string(&material).expect("json");
            assert_eq!(json, format!("\"{}\"", material.name()));
        }
    }
}
