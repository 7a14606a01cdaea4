//! The sky seen through the window, and what it adds to polished surfaces.

use bevy::asset::RenderAssetUsages;
use bevy::prelude::*;
use bevy::render::render_resource::{
    Extent3d, TextureDimension, TextureFormat, TextureViewDescriptor, TextureViewDimension,
};

/// Pixels along an edge of a face of the sky.
const FACE: u32 = 64;
/// What the brightest value of the picture stands for, candela per square metre: a bright hazy sky.
pub const LUMINANCE: f32 = 9_000.0;

/// Radiance of the sky in a direction (unit, world), as part of [`LUMINANCE`]; `sun` points to the sun.
pub fn radiance(direction: Vec3, sun: Vec3) -> Vec3 {
    const ZENITH: Vec3 = Vec3::new(0.16, 0.33, 0.66);
    const HORIZON: Vec3 = Vec3::new(0.74, 0.83, 0.92);
    const GROUND: Vec3 = Vec3::new(0.20, 0.19, 0.15);
    if direction.y < 0.0 {
        // Haze hides where the ground ends.
        return HORIZON.lerp(GROUND, (-direction.y * 9.0).min(1.0).powf(0.6));
    }
    let glow = direction.dot(sun).max(0.0).powf(24.0) * 0.5;
    HORIZON.lerp(ZENITH, direction.y.powf(0.45)) + Vec3::new(1.0, 0.86, 0.62) * glow
}

/// The sky as a cube of pictures.
pub fn cube(sun: Vec3) -> Image {
    let mut data = Vec::with_capacity((FACE * FACE * 6 * 4) as usize);
    for face in 0..6 {
        for y in 0..FACE {
            for x in 0..FACE {
                let light = radiance(direction(face, x, y, FACE), sun).min(Vec3::ONE);
                let color = LinearRgba::rgb(light.x, light.y, light.z);
                data.extend(Srgba::from(color).to_u8_array());
            }
        }
    }
    let size = Extent3d {
        width: FACE,
        height: FACE,
        depth_or_array_layers: 6,
    };
    let mut image = Image::new(
        size,
        TextureDimension::D2,
        data,
        TextureFormat::Rgba8UnormSrgb,
        RenderAssetUsages::RENDER_WORLD,
    );
    image.texture_view_descriptor = Some(TextureViewDescriptor {
        dimension: Some(TextureViewDimension::Cube),
        ..default()
    });
    image
}

/// Where a pixel of a face of `edge` pixels looks, world axes. Cubes are left-handed: their z runs against the world's.
pub fn direction(face: u32, x: u32, y: u32, edge: u32) -> Vec3 {
    let at = |v: u32| (v as f32 + 0.5) / edge as f32 * 2.0 - 1.0;
    let (u, v) = (at(x), at(y));
    let cube = match face {
        0 => Vec3::new(1.0, -v, -u),
        1 => Vec3::new(-1.0, -v, u),
        2 => Vec3::new(u, 1.0, v),
        3 => Vec3::new(u, -1.0, -v),
        4 => Vec3::new(u, -v, 1.0),
        _ => Vec3::new(-u, -v, -1.0),
    };
    (cube * Vec3::new(1.0, 1.0, -1.0)).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_look_where_they_should() {
        let middle = FACE / 2;
        let axes = [
            Vec3::X,
            Vec3::NEG_X,
            Vec3::Y,
            Vec3::NEG_Y,
            Vec3::NEG_Z,
            Vec3::Z,
        ];
        for (face, axis) in axes.into_iter().enumerate() {
            assert!(
                direction(face as u32, middle, middle, FACE).dot(axis) > 0.99,
                "{face}"
            );
        }
        // The first row of a side face is its upper edge.
        assert!(
            direction(0, middle, 0, FACE).y > 0.6 && direction(0, middle, FACE - 1, FACE).y < -0.6
        );
    }

    #[test]
    fn the_sky_is_blue_above_and_bright_about_the_sun() {
        let sun = Vec3::new(0.5, 0.6, 0.2).normalize();
        let above = radiance(Vec3::Y, sun);
        assert!(above.z > above.x);
        assert!(radiance(sun, sun).x > radiance(Vec3::new(-sun.x, sun.y, -sun.z), sun).x + 0.3);
    }
}
