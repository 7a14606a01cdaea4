//! The basis point set: the fixed points from which the network sees a shape (section 3 of the specification).

use std::sync::OnceLock;

use nalgebra::Vector3;

use super::legacy_rng::LegacyRandom;
use crate::{Error, Result};

/// Number of basis points, fixed by the network's input (1,024 x 3 = 3,072 numbers).
pub const BASIS_POINTS: usize = 1024;

/// [`BASIS_POINTS`] points about an object's centre, metres, axes of the window frame.
#[derive(Clone, Debug, PartialEq)]
pub struct BpsBasis {
    points: Vec<Vector3<f32>>,
}

impl BpsBasis {
    /// The published basis: points in the unit ball, drawn from NumPy's legacy stream with seed 13.
    pub fn standard() -> &'static Self {
        static STANDARD: OnceLock<BpsBasis> = OnceLock::new();
        STANDARD.get_or_init(|| {
            let mut random = LegacyRandom::new(13);
            // All directions come first, then all radii: the order is part of the recipe.
            let directions: Vec<Vector3<f64>> = (0..BASIS_POINTS)
                .map(|_| Vector3::from_fn(|_, _| random.normal()))
                .collect();
            let points = directions
                .iter()
                .map(|d| (d / d.norm() * random.uniform().cbrt()).cast())
                .collect();
            Self { points }
        })
    }

    /// A basis from a table, for checkpoints trained with another one.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are exactly [`BASIS_POINTS`] finite points.
    pub fn from_points(points: Vec<Vector3<f32>>) -> Result<Self> {
        if points.len() != BASIS_POINTS {
            return Err(Error::invalid(
                "basis points",
                format!("{} were given, {BASIS_POINTS} are needed", points.len()),
            ));
        }
        if let Some(i) = points.iter().position(|p| !p.iter().all(|c| c.is_finite())) {
            return Err(Error::invalid(
                "basis points",
                format!("point {i} is not finite"),
            ));
        }
        Ok(Self { points })
    }

    /// The points, metres about the object's centre.
    pub fn points(&self) -> &[Vector3<f32>] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_basis_lies_in_the_unit_ball_and_is_made_once() {
        let basis = BpsBasis::standard();
        assert_eq!(basis.points().len(), BASIS_POINTS);
        assert!(basis.points().iter().all(|p| p.norm() <= 1.0));
        assert!(std::ptr::eq(basis, BpsBasis::standard()));
    }

    #[test]
    fn tables_are_checked() {
        let mut points = BpsBasis::standard().points().to_vec();
        assert!(BpsBasis::from_points(points.clone()).is_ok());
        points[7].x = f32::NAN;
        let error = BpsBasis::from_points(points.clone()).expect_err("a NaN");
        assert!(error.to_string().contains("point 7"));
        points.pop();
        assert!(BpsBasis::from_points(points).is_err());
    }
}
