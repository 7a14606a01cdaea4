//! The way of the selected strip, drawn into the scene: its ribbon, and the object where it ends.

use bevy::asset::{Assets, RenderAssetUsages};
use bevy::color::{Color, ColorToComponents, LinearRgba};
use bevy::ecs::prelude::*;
use bevy::ecs::system::SystemParam;
use bevy::math::{Vec3, Vec4};
use bevy::mesh::{Mesh, Mesh3d, PrimitiveTopology};
use bevy::pbr::MeshMaterial3d;
use bevy::picking::Pickable;
use bevy::transform::components::Transform;
use chois::motion::FPS;
use chois::project::{ObjectId, sequence};
use chois::request::ObjectPlace;
use nalgebra::Vector3;

use super::handles::Handle;
use super::pointer::ScenePointer;
use super::way::{Planned, Way};
use crate::debug_draw::material::{GhostMaterial, GhostUniform};
use crate::debug_draw::{DebugDraw, Ribbon, RibbonPoint, Show, WaypointRibbon};
use crate::editor::session::Editor;
use crate::frame;

/// Width of the ribbon of somebody who walks, metres; of one for an object.
const WALK: f32 = 0.13;
const CARRY: f32 = 0.18;
/// Colour of its slow parts: strong enough for a sunlit floor and a busy carpet.
const SLOW: Color = Color::srgb(0.0, 0.36, 1.0);

/// Colour of the object where it will stand, and where it cannot.
const GOAL: Color = Color::srgb(0.25, 0.85, 0.45);
const REFUSED: Color = Color::srgb(1.0, 0.3, 0.22);

/// What the editor draws into the scene carries it, for those who list, count or save entities.
#[derive(Component, Clone, Copy, Debug)]
pub struct EditorDrawing;

/// The object as it will stand in the end.
#[derive(Component, PartialEq)]
pub(super) struct Goal {
    object: ObjectId,
    vertices: usize,
    /// It cannot be there.
    refused: bool,
}

/// Where meshes are drawn at all.
#[derive(SystemParam)]
pub(super) struct Drawn<'w> {
    meshes: Option<ResMut<'w, Assets<Mesh>>>,
    ghosts: Option<ResMut<'w, Assets<GhostMaterial>>>,
}

fn ribbon(way: &Way) -> (WaypointRibbon, DebugDraw) {
    let place = |(t, at): (usize, &nalgebra::Vector2<f32>)| RibbonPoint {
        position: frame::vec3(Vector3::new(at.x, at.y, 0.0)),
        seconds: t as f32 / FPS,
    };
    let points = way.path.iter().enumerate().map(place).collect();
    let look = Ribbon {
        width: if way.heights.is_some() { CARRY } else { WALK },
        max_speed: way.limit,
        slow: SLOW,
        opacity: 1.0,
        flow: 0.0,
        // Those have handles.
        stops: false,
        ..Ribbon::default()
    };
    let draw = DebugDraw {
        ribbon: Show::Always(look),
        ..DebugDraw::never()
    };
    (WaypointRibbon { points }, draw)
}

/// Lays and takes away what belongs to the selected strip.
pub(super) fn lay(
    mut commands: Commands,
    editor: Res<Editor>,
    planned: Res<Planned>,
    pointer: Res<ScenePointer>,
    mut drawn: Drawn,
    mut ribbons: Query<(Entity, &mut WaypointRibbon, &mut DebugDraw), With<EditorDrawing>>,
    mut goals: Query<(Entity, &Goal, &mut Transform)>,
) {
    // A film is of what happens, not of what is planned.
    let shown = editor.shown && editor.scene.filming.is_none();
    let way = planned.way.as_ref().filter(|way| {
        let length: f32 = way.speeds().sum::<f32>() / FPS;
        shown && length > 0.05
    });
    match (way.map(ribbon), ribbons.iter_mut().next()) {
        (Some((points, look)), Some((_, mut old, mut draw))) => {
            old.set_if_neq(points);
            draw.set_if_neq(look);
        }
        (Some(new), None) => {
            commands.spawn((EditorDrawing, new));
        }
        (None, Some((entity, ..))) => commands.entity(entity).despawn(),
        (None, None) => {}
    }

    let end = planned.spot(Handle::End).filter(|_| shown);
    let object = editor.strip().and_then(|s| s.object());
    let dragged = pointer
        .drags()
        .is_some_and(|(handle, _)| handle == Handle::End);
    let refused = dragged && pointer.trouble.is_some();
    let goal = end.zip(object).and_then(|(end, object)| {
        let thing = editor.library().thing(object)?;
        let still = planned.way.as_ref()?.start?;
        let place = ObjectPlace {
            position: end.at.into(),
            yaw: end.angle?.0.to_degrees(),
            ..still
        };
        let (origin, turn) = sequence::origin(&place, thing);
        let goal = Goal {
            object,
            vertices: thing.mesh.vertices.len(),
            refused,
        };
        let place =
            Transform::from_translation(frame::vec3(origin)).with_rotation(frame::quat(turn));
        Some((goal, place, thing))
    });
    for (entity, old, mut transform) in &mut goals {
        match &goal {
            Some((goal, place, _)) if goal == old => {
                transform.set_if_neq(*place);
            }
            _ => commands.entity(entity).despawn(),
        }
    }
    if let Some((goal, place, thing)) = goal
        && !goals.iter().any(|(_, old, _)| *old == goal)
        && let (Some(meshes), Some(ghosts)) = (&mut drawn.meshes, &mut drawn.ghosts)
    {
        let color = LinearRgba::from(if refused { REFUSED } else { GOAL });
        let ghost = GhostMaterial {
            ghost: GhostUniform {
                color: Vec4::from(color.to_f32_array()).truncate().extend(0.8),
                style: Vec4::new(0.3, 2.0, 0.0, 0.0),
            },
            ..GhostMaterial::default()
        };
        commands.spawn((
            EditorDrawing,
            goal,
            Mesh3d(meshes.add(surface(&thing.mesh))),
            MeshMaterial3d(ghosts.add(ghost)),
            place,
            Pickable::IGNORE,
        ));
    }
}

/// A mesh as Bevy draws it, with flat faces.
fn surface(mesh: &chois::geometry::Mesh) -> Mesh {
    let corners = mesh.triangles.iter().flatten();
    let positions: Vec<Vec3> = corners
        .filter_map(|i| mesh.vertices.get(*i as usize))
        .map(|v| frame::vec3(*v))
        .collect();
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::RENDER_WORLD,
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, positions)
    .with_computed_flat_normals()
}
