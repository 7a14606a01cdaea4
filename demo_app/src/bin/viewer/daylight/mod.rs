//! Daylight: sun and sky, and what the room gives back of them.

mod bounce;
mod sky;
mod sun;
mod tracer;

use std::collections::HashMap;

use bevy::asset::RenderAssetUsages;
use bevy::ecs::system::SystemParam;
use bevy::light::{EnvironmentMapLight, IrradianceVolume};
use bevy::mesh::{Indices, PrimitiveTopology, VertexAttributeValues};
use bevy::prelude::*;
use bevy::render::render_resource::{
    Extent3d, TextureDimension, TextureFormat, TextureViewDescriptor, TextureViewDimension,
};
use bevy::tasks::futures::check_ready;
use bevy::tasks::{AsyncComputeTaskPool, Task};
use half::f16;
pub use sky::{LUMINANCE as SKY_LUMINANCE, cube as sky_cube};
pub use sun::{illuminance, spawn};

use crate::cast::{Spawned, Unloadable};
use crate::eye::Eye;
use crate::room::{OfRoom, Room};
use bounce::{Bounced, Outside, bounce};
use tracer::{Tracer, Triangle};

/// Values in pictures of light stand for so many candela per square metre: half floats are finest near one.
const UNIT: f32 = 1_000.0;
/// What an emissive value of one looks like, candela per square metre, with the eye's exposure.
const EMISSIVE: f32 = 1_600.0;

/// How far the room's light is known.
#[derive(Resource, Default)]
pub enum Daylight {
    /// The room is not there yet.
    #[default]
    Waiting,
    /// Being traced.
    Tracing(Task<Option<Bounced>>),
    /// Known and shown.
    Done,
}

/// What a room's triangles are read from.
#[derive(SystemParam)]
pub struct Surfaces<'w, 's> {
    pieces: Query<'w, 's, (Entity, Has<Spawned>, Has<Unloadable>), With<OfRoom>>,
    children: Query<'w, 's, &'static Children>,
    drawn: Query<
        'w,
        's,
        (
            &'static Mesh3d,
            &'static MeshMaterial3d<StandardMaterial>,
            &'static GlobalTransform,
        ),
    >,
    meshes: Res<'w, Assets<Mesh>>,
    materials: Res<'w, Assets<StandardMaterial>>,
}

/// Traces the room's light once it stands there, beside everything else.
pub fn trace(
    mut commands: Commands,
    mut daylight: ResMut<Daylight>,
    room: Res<Room>,
    surfaces: Surfaces,
    mut images: ResMut<Assets<Image>>,
    mut ambient: ResMut<GlobalAmbientLight>,
    eyes: Query<Entity, With<Eye>>,
) {
    match &mut *daylight {
        Daylight::Waiting => {
            if surfaces
                .pieces
                .iter()
                .any(|(_, spawned, lost)| !spawned && !lost)
            {
                return;
            }
            let tracer = Tracer::new(triangles(&surfaces, &images));
            let outside = Outside {
                sunlight: room.sunlight(),
                sun: illuminance(),
            };
            let task = async move { bounce(&tracer, &outside) };
            *daylight = Daylight::Tracing(AsyncComputeTaskPool::get().spawn(task));
        }
        Daylight::Tracing(task) => {
            let Some(bounced) = check_ready(task) else {
                return;
            };
            *daylight = Daylight::Done;
            let Some(bounced) = bounced else {
                return;
            };
            ambient.brightness = 0.0;
            commands.spawn((
                IrradianceVolume {
                    voxels: images.add(cubes_image(&bounced)),
                    intensity: UNIT,
                    ..default()
                },
                Transform::from_translation((bounced.min + bounced.max) / 2.0)
                    .with_scale(bounced.max - bounced.min),
            ));
            let mirrored = EnvironmentMapLight {
                diffuse_map: images.add(mirrored_image(&bounced, bounced.face)),
                specular_map: images.add(mirrored_image(&bounced, 1)),
                intensity: UNIT,
                ..default()
            };
            for eye in &eyes {
                commands.entity(eye).insert(mirrored.clone());
            }
        }
        Daylight::Done => {}
    }
}

/// The triangles of a room's pieces, in the world.
fn triangles(surfaces: &Surfaces, images: &Assets<Image>) -> Vec<Triangle> {
    let mut all = Vec::new();
    let mut means = HashMap::new();
    for (piece, ..) in &surfaces.pieces {
        for entity in surfaces.children.iter_descendants(piece) {
            let Ok((mesh, material, place)) = surfaces.drawn.get(entity) else {
                continue;
            };
            let mesh = surfaces.meshes.get(&mesh.0);
            let (Some(mesh), Some(material)) = (mesh, surfaces.materials.get(&material.0)) else {
                continue;
            };
            // Light goes through glass.
            if !matches!(material.alpha_mode, AlphaMode::Opaque | AlphaMode::Mask(_)) {
                continue;
            }
            let mut albedo = material.base_color.to_linear().to_vec3();
            if let Some(texture) = &material.base_color_texture {
                let mean = |id| images.get(id).and_then(mean_color).unwrap_or(Vec3::ONE);
                albedo *= *means.entry(texture.id()).or_insert_with(|| mean(texture));
            }
            let emission = material.emissive.to_vec3() * EMISSIVE;
            // What is wholly metal mirrors; it gives back about as much.
            let albedo = albedo.clamp(Vec3::ZERO, Vec3::splat(0.9));
            for corners in corners(mesh) {
                all.push(Triangle {
                    corners: corners.map(|corner| place.transform_point(corner)),
                    albedo,
                    emission,
                });
            }
        }
    }
    all
}

/// The triangles of a mesh, in its own frame.
fn corners(mesh: &Mesh) -> Vec<[Vec3; 3]> {
    let Some(VertexAttributeValues::Float32x3(positions)) =
        mesh.attribute(Mesh::ATTRIBUTE_POSITION)
    else {
        return Vec::new();
    };
    if mesh.primitive_topology() != PrimitiveTopology::TriangleList {
        return Vec::new();
    }
    let at = |i: usize| positions.get(i).map(|p| Vec3::from(*p));
    let indices: Vec<usize> = match mesh.indices() {
        Some(Indices::U16(indices)) => indices.iter().map(|i| usize::from(*i)).collect(),
        Some(Indices::U32(indices)) => indices.iter().map(|i| *i as usize).collect(),
        None => (0..positions.len()).collect(),
    };
    let triangles = indices.chunks_exact(3);
    triangles
        .filter_map(|t| Some([at(t[0])?, at(t[1])?, at(t[2])?]))
        .collect()
}

/// The mean colour of a picture, linear.
fn mean_color(image: &Image) -> Option<Vec3> {
    if image.texture_descriptor.format != TextureFormat::Rgba8UnormSrgb {
        return None;
    }
    let pixels = image.data.as_ref()?.chunks_exact(4);
    // A few hundred tell enough.
    let step = (pixels.len() / 512).max(1);
    let (mut sum, mut count) = (Vec3::ZERO, 0.0f32);
    for pixel in pixels.step_by(step) {
        sum += LinearRgba::from(Srgba::rgb_u8(pixel[0], pixel[1], pixel[2])).to_vec3();
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}

fn halves(light: Vec3) -> impl Iterator<Item = u8> {
    let scaled = (light / UNIT)
        .clamp(Vec3::ZERO, Vec3::splat(60_000.0))
        .extend(1.0);
    scaled
        .to_array()
        .into_iter()
        .flat_map(|v| f16::from_f32(v).to_le_bytes())
}

/// Ambient cubes as Bevy's irradiance volumes have them: for x, y and z a slab each, positive sides below negative ones.
fn cubes_image(bounced: &Bounced) -> Image {
    let UVec3 { x, y, z } = bounced.size;
    let mut data = Vec::with_capacity((x * y * z * 6 * 8) as usize);
    for axis in 0..3 {
        for k in 0..z {
            for negative in 0..2 {
                for j in 0..y {
                    for i in 0..x {
                        let cube = &bounced.cubes[(i + x * (j + y * k)) as usize];
                        data.extend(halves(cube[axis * 2 + negative]));
                    }
                }
            }
        }
    }
    Image::new(
        Extent3d {
            width: x,
            height: y * 2,
            depth_or_array_layers: z * 3,
        },
        TextureDimension::D3,
        data,
        TextureFormat::Rgba16Float,
        RenderAssetUsages::RENDER_WORLD,
    )
}

/// A cube of pictures with all its coarser copies, beginning with the one that is `coarser` times as coarse.
fn mirrored_image(bounced: &Bounced, coarser: u32) -> Image {
    let edge = bounced.face / coarser;
    let mut data = Vec::new();
    for face in bounced
        .mirrored
        .chunks_exact((bounced.face * bounced.face) as usize)
    {
        let mut level = face.to_vec();
        let mut width = bounced.face;
        loop {
            if width <= edge {
                data.extend(level.iter().flat_map(|light| halves(*light)));
            }
            if width == 1 {
                break;
            }
            let half = width / 2;
            level = (0..half * half)
                .map(|i| {
                    let (x, y) = (i % half * 2, i / half * 2);
                    let at = |dx, dy| level[(x + dx + (y + dy) * width) as usize];
                    (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0
                })
                .collect();
            width = half;
        }
    }
    let size = Extent3d {
        width: edge,
        height: edge,
        depth_or_array_layers: 6,
    };
    let mut image = Image::new_uninit(
        size,
        TextureDimension::D2,
        TextureFormat::Rgba16Float,
        RenderAssetUsages::RENDER_WORLD,
    );
    image.data = Some(data);
    image.texture_descriptor.mip_level_count = edge.ilog2() + 1;
    image.texture_view_descriptor = Some(TextureViewDescriptor {
        dimension: Some(TextureViewDimension::Cube),
        ..default()
    });
    image
}
