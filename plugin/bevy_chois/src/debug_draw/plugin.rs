//! The plugin: settings for every app, drawing where there is a renderer.

use bevy::app::{App, Plugin, PostUpdate};
use bevy::asset::AssetEventSystems;
use bevy::camera::visibility::RenderLayers;
use bevy::ecs::prelude::*;
use bevy::ecs::system::SystemParam;
use bevy::gizmos::config::{GizmoConfig, GizmoConfigStore};
use bevy::gizmos::{AppGizmoBuilder, GizmoPlugin};
use bevy::light::{NotShadowCaster, NotShadowReceiver};
use bevy::pbr::{MaterialPlugin, PbrPlugin};
use bevy::picking::Pickable;
use bevy::prelude::{Name, Transform, Visibility};
use bevy::transform::TransformSystems;

use super::material::{ContactHeatMaterial, GhostMaterial, RibbonMaterial, embed_shaders};
use super::{
    ChoisGizmos, ContactHeat, DebugDraw, DebugDrawSystems, DebugDrawing, Ghosts, Ribbon, ghost,
    hands, heat, lines, ribbon,
};

/// Draws what is switched on. Add it after Bevy's own plugins. Where Bevy's PBR renderer is missing (a server) it only
/// registers the settings, so that the same code may switch things on everywhere; where gizmos are missing, bones and
/// palms are not drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct DebugDrawPlugin;

impl Plugin for DebugDrawPlugin {
    // Bevy panics when a unique plugin is added twice. The second one is ignored instead.
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        let store = app.world().get_resource::<GizmoConfigStore>();
        if store.is_some_and(|store| store.get_config::<ChoisGizmos>().is_some()) {
            return;
        }
        let gizmos = app.is_plugin_added::<GizmoPlugin>();
        if gizmos {
            app.init_gizmo_group::<ChoisGizmos>();
        } else {
            // The systems of a gizmo group need the gizmo plugin's assets; the settings do not.
            let mut store = app.world_mut().get_resource_or_init::<GizmoConfigStore>();
            store.insert(GizmoConfig::default(), ChoisGizmos::default());
        }
        if !app.is_plugin_added::<PbrPlugin>() {
            return;
        }
        embed_shaders(app);
        app.add_plugins((
            MaterialPlugin::<ContactHeatMaterial>::default(),
            MaterialPlugin::<RibbonMaterial>::default(),
            MaterialPlugin::<GhostMaterial>::default(),
        ))
        .init_resource::<hands::Cuts>()
        .init_resource::<heat::Surfaces>()
        .init_resource::<heat::HeatMaterials>()
        .init_resource::<ghost::GhostSets>()
        .configure_sets(
            PostUpdate,
            (
                DebugDrawSystems::Build.before(TransformSystems::Propagate),
                DebugDrawSystems::Follow
                    .after(TransformSystems::Propagate)
                    .before(AssetEventSystems)
                    .before(bevy::camera::visibility::VisibilitySystems::CheckVisibility),
            ),
        )
        .add_systems(
            PostUpdate,
            (
                (
                    heat::cover,
                    ribbon::lay,
                    ghost::summon,
                    ghost::pose.after(ghost::summon),
                )
                    .in_set(DebugDrawSystems::Build),
                (heat::follow, heat::glow, layers).in_set(DebugDrawSystems::Follow),
            ),
        );
        if gizmos {
            app.add_systems(PostUpdate, lines::draw.in_set(DebugDrawSystems::Follow));
        }
    }
}

/// What is switched on, for one entity.
#[derive(SystemParam)]
pub(super) struct Settings<'w> {
    store: Option<Res<'w, GizmoConfigStore>>,
}

/// Picks one item of the group and its override.
macro_rules! item {
    ($(#[$doc:meta])* $name:ident, $look:ty) => {
        $(#[$doc])*
        pub fn $name<'a>(&'a self, own: Option<&'a DebugDraw>) -> Option<&'a $look> {
            let (_, group) = self.group()?;
            let group = group.$name.as_ref();
            match own {
                Some(own) => own.$name.or(group),
                None => group,
            }
        }
    };
}

impl Settings<'_> {
    fn group(&self) -> Option<(&GizmoConfig, &ChoisGizmos)> {
        let group = self.store.as_ref()?.get_config::<ChoisGizmos>()?;
        group.0.enabled.then_some(group)
    }

    item!(
        /// Contact heat.
        contact_heat,
        ContactHeat
    );
    item!(
        /// The path's ribbon.
        ribbon,
        Ribbon
    );
    item!(
        /// Ghosts.
        ghosts,
        Ghosts
    );
    item!(
        /// Bones.
        bones,
        bevy::color::Color
    );
    item!(
        /// Palms.
        palms,
        bevy::color::Color
    );
}

/// What every drawn entity has, but its mesh.
pub(super) fn drawing(of: Entity, name: &'static str) -> impl Bundle {
    (
        Name::new(name),
        DebugDrawing { of },
        Transform::IDENTITY,
        Visibility::Inherited,
        NotShadowCaster,
        NotShadowReceiver,
        Pickable::IGNORE,
    )
}

/// Cameras see what the group's layers say.
fn layers(
    mut commands: Commands,
    store: Option<Res<GizmoConfigStore>>,
    drawn: Query<(Entity, Option<&RenderLayers>), With<DebugDrawing>>,
) {
    let Some((config, _)) = store.as_ref().and_then(|s| s.get_config::<ChoisGizmos>()) else {
        return;
    };
    let everywhere = config.render_layers == RenderLayers::default();
    for (entity, layers) in &drawn {
        let same = match layers {
            Some(layers) => *layers == config.render_layers,
            None => everywhere,
        };
        if !same && let Ok(mut entity) = commands.get_entity(entity) {
            entity.try_insert(config.render_layers.clone());
        }
    }
}
