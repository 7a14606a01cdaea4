//! What an object weighs, and how its mass is spread.

use nalgebra::{Matrix3, Vector3};
use rapier3d::prelude::{MassProperties, SharedShape};

use super::convert::to_vec;
use super::material::Mass;
use crate::error::{Error, Result};
use crate::geometry::{Mesh, ObjectGeometry};

/// Mass, centre of gravity and inertia. What is weighed by its walls has its mass in them.
pub(super) fn weigh(
    geometry: &ObjectGeometry,
    mass: Mass,
    shapes: &[SharedShape],
) -> Result<MassProperties> {
    let parts: Vec<_> = (shapes.iter())
        .map(|s| (rapier3d::prelude::Pose::IDENTITY, s.clone()))
        .collect();
    let mut hulls = MassProperties::from_compound(1.0, &parts);
    let (solid, walls) = (
        Moments::solid(geometry.mesh()),
        Moments::walls(geometry.mesh()),
    );
    // The integral over an open mesh, or over one whose sides face anywhere, is no volume.
    let closed =
        solid.size > 0.05 * f64::from(hulls.mass()) && solid.size < 1.5 * f64::from(hulls.mass());
    let volume = if closed {
        solid.size as f32
    } else {
        hulls.mass()
    };
    let mass_of = mass.kilograms(volume, walls.size as f32)?;
    let hollow = match mass {
        Mass::Of(material) => walls.size as f32 * material.wall() < volume,
        Mass::Kilograms(_) => false,
    };
    let exact = if hollow {
        walls.properties(mass_of)
    } else if closed {
        solid.properties(mass_of)
    } else {
        None
    };
    if let Some(exact) = exact {
        return Ok(exact);
    }
    hulls.set_mass(mass_of, true);
    let sane = hulls.mass() > 0.0 && hulls.principal_inertia().min_element() > 0.0;
    if sane && hulls.principal_inertia().is_finite() {
        return Ok(hulls);
    }
    Err(Error::invalid(
        format!("mesh of {}", geometry.name()),
        "its convex parts have no volume; give it some thickness",
    ))
}

/// Size (cubic or square metres) and moments of a mesh: the integrals of 1, x and x x' over it.
pub(super) struct Moments {
    pub size: f64,
    first: Vector3<f64>,
    second: Matrix3<f64>,
}

impl Moments {
    fn none() -> Self {
        Self {
            size: 0.0,
            first: Vector3::zeros(),
            second: Matrix3::zeros(),
        }
    }

    /// Over what is inside, whichever way the triangles face.
    pub fn solid(mesh: &Mesh) -> Self {
        let mut out = Self::none();
        for t in 0..mesh.triangles.len() {
            let corners = mesh.corners(t).map(|v| v.cast::<f64>());
            let [a, b, c] = corners;
            // A tetrahedron with its top in the origin.
            out.add(&corners, a.dot(&b.cross(&c)) / 6.0, 4.0, 20.0);
        }
        if out.size < 0.0 {
            out.size = -out.size;
            out.first = -out.first;
            out.second = -out.second;
        }
        out
    }

    /// Over the surface.
    fn walls(mesh: &Mesh) -> Self {
        let mut out = Self::none();
        for t in 0..mesh.triangles.len() {
            let corners = mesh.corners(t).map(|v| v.cast::<f64>());
            let [a, b, c] = corners;
            out.add(&corners, (b - a).cross(&(c - a)).norm() / 2.0, 3.0, 12.0);
        }
        out
    }

    fn add(&mut self, corners: &[Vector3<f64>; 3], size: f64, one: f64, two: f64) {
        let sum: Vector3<f64> = corners.iter().sum();
        let squares: Matrix3<f64> = corners.iter().map(|v| v * v.transpose()).sum();
        self.size += size;
        self.first += sum * (size / one);
        self.second += (squares + sum * sum.transpose()) * (size / two);
    }

    /// Spread evenly over it; None when that gives no inertia.
    fn properties(&self, mass: f32) -> Option<MassProperties> {
        let center = self.first / self.size;
        let about = self.second / self.size - center * center.transpose();
        let inertia = (Matrix3::identity() * about.trace() - about) * f64::from(mass);
        let least = inertia.symmetric_eigenvalues().min();
        if !(inertia.iter().all(|v| v.is_finite()) && least > 1e-9) {
            return None;
        }
        let m = inertia.cast::<f32>();
        let column = |i: usize| to_vec(&m.column(i).into_owned());
        let matrix = rapier3d::math::Matrix::from_cols(column(0), column(1), column(2));
        let properties = MassProperties::with_inertia_matrix(to_vec(&center.cast()), mass, matrix);
        properties
            .principal_inertia()
            .is_finite()
            .then_some(properties)
    }
}
