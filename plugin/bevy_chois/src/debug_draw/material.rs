//! The materials, each with its file in `shaders/`.
//!
//! All blend with premultiplied alpha, cast no shadow, and take no part in prepasses.

use bevy::app::App;
use bevy::asset::Asset;
use bevy::asset::io::embedded::EmbeddedAssetRegistry;
use bevy::material::AlphaMode;
use bevy::math::Vec4;
use bevy::mesh::MeshVertexBufferLayoutRef;
use bevy::pbr::{Material, MaterialPipeline, MaterialPipelineKey};
use bevy::reflect::TypePath;
use bevy::render::render_resource::{
    AsBindGroup, ColorWrites, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError,
};
use bevy::shader::ShaderRef;

/// Address of the shader of [`ContactHeatMaterial`].
pub const CONTACT_HEAT_SHADER: &str = "embedded://bevy_chois/shaders/contact_heat.wgsl";
/// Address of the shader of [`RibbonMaterial`].
pub const RIBBON_SHADER: &str = "embedded://bevy_chois/shaders/ribbon.wgsl";
/// Address of the shader of [`GhostMaterial`].
pub const GHOST_SHADER: &str = "embedded://bevy_chois/shaders/ghost.wgsl";

/// Puts the shaders of the top-level folder into the app.
pub(super) fn embed_shaders(app: &mut App) {
    let Some(registry) = app.world().get_resource::<EmbeddedAssetRegistry>() else {
        return;
    };
    // `embedded_asset!` makes its addresses from a path below `src`; these files lie beside all crates.
    macro_rules! embed {
        ($($name:literal),*) => {$(
            registry.insert_asset(
                concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/", $name).into(),
                concat!("bevy_chois/shaders/", $name).as_ref(),
                include_bytes!(concat!("../../../../shaders/", $name)),
            );
        )*};
    }
    embed!("contact_heat.wgsl", "ribbon.wgsl", "ghost.wgsl");
}

/// What lies on surfaces is drawn before all that floats in the air: transparent things are sorted by the distance of
/// their centres, which says little about what spans a room. Metres, added to that distance; negative is further.
const ON_THE_FLOOR: f32 = -2_000.0;
const ON_A_SURFACE: f32 = -1_000.0;
/// The depth of a ghost is drawn before its colour, that of its skin before the colour of its clothes too: metres.
const GHOST_DEPTH_FIRST: f32 = -0.6;

/// Towards the eye, in steps of the depth buffer and of the surface's slope: over what has the same depth.
fn lift(descriptor: &mut RenderPipelineDescriptor, constant: i32, slope_scale: f32) {
    if let Some(depth) = &mut descriptor.depth_stencil {
        depth.bias.constant = constant;
        depth.bias.slope_scale = slope_scale;
    }
}

/// A second skin that glows near palms.
#[derive(Asset, TypePath, AsBindGroup, Clone, Debug, Default, PartialEq)]
pub struct ContactHeatMaterial {
    /// What the shader reads.
    #[uniform(0)]
    pub heat: ContactHeatUniform,
}

/// See `shaders/contact_heat.wgsl`.
#[derive(ShaderType, Clone, Copy, Debug, Default, PartialEq)]
pub struct ContactHeatUniform {
    /// Left and right palm: place in the world, metres; contact, 0 to 1.
    pub palms: [Vec4; 2],
    /// Distance of the left and the right palm to the object's surface, metres.
    pub gaps: Vec4,
    /// Reach, metres; opacity; distance of contour lines, metres; 0 on objects, 1 on skins, 2 on hands.
    pub style: Vec4,
}

impl Material for ContactHeatMaterial {
    fn fragment_shader() -> ShaderRef {
        CONTACT_HEAT_SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        AlphaMode::Premultiplied
    }

    fn depth_bias(&self) -> f32 {
        ON_A_SURFACE
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _pipeline: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _layout: &MeshVertexBufferLayoutRef,
        _key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        // Sheets may be seen from both sides, as their own material may show them.
        descriptor.primitive.cull_mode = None;
        lift(descriptor, 16, 0.5);
        Ok(())
    }
}

/// A ribbon on the floor.
#[derive(Asset, TypePath, AsBindGroup, Clone, Debug, Default, PartialEq)]
pub struct RibbonMaterial {
    /// What the shader reads.
    #[uniform(0)]
    pub ribbon: RibbonUniform,
}

/// See `shaders/ribbon.wgsl`.
#[derive(ShaderType, Clone, Copy, Debug, Default, PartialEq)]
pub struct RibbonUniform {
    /// Linear colour of standing still.
    pub slow: Vec4,
    /// Linear colour of the limit.
    pub fast: Vec4,
    /// Linear colour over the limit.
    pub unreachable: Vec4,
    /// Width, metres; length, metres; the present, seconds, negative for none; the limit, m/s.
    pub extent: Vec4,
    /// Distance of chevrons, metres; their speed, m/s; seconds between ticks; opacity.
    pub marks: Vec4,
}

impl Material for RibbonMaterial {
    fn fragment_shader() -> ShaderRef {
        RIBBON_SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        AlphaMode::Premultiplied
    }

    fn depth_bias(&self) -> f32 {
        ON_THE_FLOOR
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _pipeline: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _layout: &MeshVertexBufferLayoutRef,
        _key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        descriptor.primitive.cull_mode = None;
        lift(descriptor, 64, 1.0);
        Ok(())
    }
}

/// Somebody or something at another time.
#[derive(Asset, TypePath, AsBindGroup, Clone, Debug, Default, PartialEq)]
#[bind_group_data(GhostKey)]
pub struct GhostMaterial {
    /// What the shader reads.
    #[uniform(0)]
    pub ghost: GhostUniform,
    /// Draws no colour, only depth: the first of a ghost's two passes.
    pub depth_only: bool,
}

/// See `shaders/ghost.wgsl`.
#[derive(ShaderType, Clone, Copy, Debug, Default, PartialEq)]
pub struct GhostUniform {
    /// Linear colour; opacity.
    pub color: Vec4,
    /// Share of the opacity face on; sharpness of the outline.
    pub style: Vec4,
}

/// Which of the two pipelines of [`GhostMaterial`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GhostKey {
    depth_only: bool,
}

impl From<&GhostMaterial> for GhostKey {
    fn from(material: &GhostMaterial) -> Self {
        Self {
            depth_only: material.depth_only,
        }
    }
}

impl Material for GhostMaterial {
    fn fragment_shader() -> ShaderRef {
        GHOST_SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        AlphaMode::Premultiplied
    }

    fn depth_bias(&self) -> f32 {
        if self.depth_only {
            GHOST_DEPTH_FIRST
        } else {
            0.0
        }
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _pipeline: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _layout: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        descriptor.primitive.cull_mode = None;
        if key.bind_group_data.depth_only {
            if let Some(depth) = &mut descriptor.depth_stencil {
                depth.depth_write_enabled = Some(true);
            }
            if let Some(fragment) = &mut descriptor.fragment {
                fragment.shader_defs.push("DEPTH_ONLY".into());
                for target in fragment.targets.iter_mut().flatten() {
                    target.blend = None;
                    target.write_mask = ColorWrites::empty();
                }
            }
        } else {
            // The same surface as its own depth.
            lift(descriptor, 4, 0.25);
        }
        Ok(())
    }
}
