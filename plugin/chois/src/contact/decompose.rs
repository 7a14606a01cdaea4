//! Convex parts of a mesh, and the corners that it stands on.

use nalgebra::Vector3;
use rapier3d::glamx::Vec3;
use rapier3d::parry::transformation::vhacd::{VHACD, VHACDParameters};
use rapier3d::prelude::SharedShape;

use super::convert::{from_vec, to_vec};
use super::weigh::Moments;
use crate::geometry::Mesh;

/// Most convex parts of one object.
const MAX_HULLS: u32 = 48;
/// Meshes with more triangles are decomposed from their voxels alone, in seconds instead of minutes.
const MANY_TRIANGLES: usize = 60_000;
/// Parts thinner than this, metres, are made this thick: rapier tells inside from outside by the way in.
const THIN: f32 = 0.004;
/// Most points that an object stands on, and how far they are apart at least, metres.
const SUPPORTS: usize = 56;
const APART: f32 = 0.005;
/// Most of them on one side, whose corners are those so near to the outermost, metres.
const SIDE: usize = 10;
const FLAT: f32 = 0.002;
/// A hull that is so little larger than the mesh it is of stands for all of it.
const NEARLY_CONVEX: f32 = 1.04;

/// Convex parts of a mesh, as the corners of their hulls. Never empty.
pub(super) fn decompose(mesh: &Mesh) -> Vec<Vec<Vector3<f32>>> {
    let whole = hull_of(&mesh.vertices);
    if let Some(whole) = &whole {
        let volume = Moments::solid(mesh).size as f32;
        let hull = convex(whole).map_or(0.0, |s| s.mass_properties(1.0).mass());
        if hull > 0.0 && hull <= NEARLY_CONVEX * volume {
            return vec![whole.clone()];
        }
    }
    let points: Vec<Vec3> = mesh.vertices.iter().map(to_vec).collect();
    let parameters = VHACDParameters {
        max_convex_hulls: MAX_HULLS,
        ..VHACDParameters::default()
    };
    let exact = mesh.triangles.len() <= MANY_TRIANGLES;
    // The decomposition is another's code and asserts what it takes for granted; a strange mesh must not end a program.
    let parts = std::panic::catch_unwind(|| {
        let parts = VHACD::decompose(&parameters, &points, &mesh.triangles, exact);
        if exact {
            (parts
                .compute_primitive_intersections(&points, &mesh.triangles)
                .into_iter())
            .map(|part| part.into_iter().map(from_vec).collect::<Vec<_>>())
            .collect::<Vec<_>>()
        } else {
            (parts.compute_convex_hulls(4).into_iter())
                .map(|(corners, _)| corners.into_iter().map(from_vec).collect())
                .collect()
        }
    });
    let parts: Vec<_> = (parts.unwrap_or_default().iter())
        .filter_map(|part| hull_of(part))
        .collect();
    match (parts.is_empty(), whole) {
        (false, _) => parts,
        (true, Some(whole)) => vec![whole],
        (true, None) => {
            let (low, high) = mesh.bounds();
            vec![box_corners(&low, &high)]
        }
    }
}

/// Corners of the convex hull of some points, made at least [`THIN`]; None for fewer than three.
pub(super) fn hull_of(points: &[Vector3<f32>]) -> Option<Vec<Vector3<f32>>> {
    if points.len() < 3 {
        return None;
    }
    let thick = thickened(points);
    let points: Vec<Vec3> = thick.iter().map(to_vec).collect();
    let hull =
        std::panic::catch_unwind(|| rapier3d::parry::transformation::try_convex_hull(&points).ok());
    let (corners, _) = hull.ok()??;
    Some(corners.into_iter().map(from_vec).collect())
}

/// The points and, where they lie in a plane or nearly so, the same on both sides of it.
fn thickened(points: &[Vector3<f32>]) -> Vec<Vector3<f32>> {
    let n = points.len() as f32;
    let mean = points.iter().sum::<Vector3<f32>>() / n;
    let mut spread = nalgebra::Matrix3::zeros();
    for p in points {
        let d = p - mean;
        spread += d * d.transpose() / n;
    }
    let axes = spread.symmetric_eigen();
    let least = axes.eigenvalues.imin();
    let normal: Vector3<f32> = axes.eigenvectors.column(least).into_owned();
    let reach = (points.iter().map(|p| (p - mean).dot(&normal).abs())).fold(0.0, f32::max);
    if 2.0 * reach >= THIN {
        return points.to_vec();
    }
    let aside = normal * (THIN / 2.0);
    points.iter().flat_map(|p| [p + aside, p - aside]).collect()
}

pub(super) fn convex(corners: &[Vector3<f32>]) -> Option<SharedShape> {
    let points: Vec<Vec3> = corners.iter().map(to_vec).collect();
    let shape = std::panic::catch_unwind(|| SharedShape::convex_hull(&points)).ok()??;
    let mass = shape.mass_properties(1.0).mass();
    (mass.is_finite() && mass > 0.0).then_some(shape)
}

pub(super) fn box_corners(low: &Vector3<f32>, high: &Vector3<f32>) -> Vec<Vector3<f32>> {
    let middle = (low + high) / 2.0;
    let half = ((high - low) / 2.0).sup(&Vector3::repeat(THIN / 2.0));
    (0..8)
        .map(|i| {
            let sign = |bit: usize| if i >> bit & 1 == 1 { 1.0 } else { -1.0 };
            middle + half.component_mul(&Vector3::new(sign(0), sign(1), sign(2)))
        })
        .collect()
}

/// Corners of the convex hull to stand on: those of the six sides first, then such as are far from all before. Rapier takes
/// no more than four corners of a face into account, so that the round foot of a lamp would stand on one side of it; points
/// stand all round.
pub(super) fn supports(corners: &[Vector3<f32>]) -> Vec<Vector3<f32>> {
    let mut out: Vec<Vector3<f32>> = Vec::new();
    for side in 0..6 {
        let axis = side / 2;
        let sign = if side % 2 == 0 { -1.0 } else { 1.0 };
        let most = corners
            .iter()
            .map(|c| sign * c[axis])
            .fold(f32::NEG_INFINITY, f32::max);
        let face: Vec<Vector3<f32>> = (corners.iter().copied())
            .filter(|c| sign * c[axis] > most - FLAT)
            .collect();
        spread(&face, SIDE, &mut out);
    }
    spread(corners, SUPPORTS.saturating_sub(out.len()), &mut out);
    out
}

/// Adds up to `count` of some points, each the farthest from those that are there already.
fn spread(points: &[Vector3<f32>], count: usize, out: &mut Vec<Vector3<f32>>) {
    let center = points.iter().sum::<Vector3<f32>>() / points.len().max(1) as f32;
    let mut away: Vec<f32> = (points.iter())
        .map(|p| {
            let nearest = out
                .iter()
                .map(|o| (o - p).norm())
                .fold(f32::INFINITY, f32::min);
            // The first of all is one far from the middle.
            if nearest.is_finite() {
                nearest
            } else {
                1e3 + (p - center).norm()
            }
        })
        .collect();
    for _ in 0..count {
        let farthest = (0..points.len()).max_by(|a, b| away[*a].total_cmp(&away[*b]));
        let Some(next) = farthest.filter(|&i| away[i] > APART) else {
            return;
        };
        for (away, point) in away.iter_mut().zip(points) {
            *away = away.min((point - points[next]).norm());
        }
        out.push(points[next]);
    }
}
