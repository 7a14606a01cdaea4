//! The authoring panel in the viewer: its project is made of what was chosen.

use bevy::asset::AssetPath;
use bevy::prelude::*;
use bevy_chois::avatar::Avatar;
use bevy_chois::editor::{Choice, Editor, EditorObject, EditorPerson};
use bevy_chois::frame;
use bevy_chois::object::{Interactable, ObjectShape};
use bevy_chois::playback::InteractionPlayer;
use chois::project::{Deed, Strip};
use chois::request::{PersonPlace, Waypoint};
use chois::scene::place_of;
use nalgebra::{Isometry3, Translation3, Vector3};

use crate::app::AssetFolder;
use crate::cast::Cast;
use crate::catalogue::Catalogue;
use crate::room::Room;
use crate::shows::Shows;

/// Whether the panel is shown.
pub fn is_shown(editor: Res<Editor>) -> bool {
    editor.shown
}

/// An avatar of a project's further people.
#[derive(Component)]
pub struct Extra;

/// Shows the panel when it is to be shown, in place of the viewer's own.
pub fn toggle(
    mut commands: Commands,
    mut editor: ResMut<Editor>,
    shows: Res<Shows>,
    extras: Query<Entity, With<Extra>>,
) {
    if editor.shown != shows.editor {
        editor.shown = shows.editor;
        if !editor.shown {
            extras.iter().for_each(|e| commands.entity(e).despawn());
        }
    }
}

/// Has the project's people after the first stand where they begin, in the chosen avatar's body; what they do the editor
/// shows.
pub fn extras(
    mut commands: Commands,
    editor: Res<Editor>,
    (cast, catalogue, assets): (Res<Cast>, Res<Catalogue>, Res<AssetServer>),
    mut extras: Query<
        (
            Entity,
            &EditorPerson,
            &mut Transform,
            Has<InteractionPlayer>,
        ),
        With<Extra>,
    >,
) {
    let tracks = &editor.project().tracks;
    let place = |person: &PersonPlace| {
        let [x, y] = person.position;
        let (sin, cos) = person.facing.to_radians().sin_cos();
        let ahead = frame::vec3(Vector3::new(cos, sin, 0.0));
        Transform::from_translation(frame::vec3(Vector3::new(x, y, 0.0)))
            .with_rotation(Quat::from_rotation_y(ahead.x.atan2(ahead.z)))
    };
    for (entity, person, mut transform, plays) in &mut extras {
        match tracks.get(person.track) {
            None => commands.entity(entity).despawn(),
            Some(track) if !plays => {
                transform.set_if_neq(place(&track.person));
            }
            Some(_) => {}
        }
    }
    let Some(entry) = catalogue.avatar(&cast.avatar_name) else {
        return;
    };
    for (number, track) in tracks.iter().enumerate().skip(1) {
        if extras.iter().any(|(_, person, ..)| person.track == number) {
            continue;
        }
        let scene = GltfAssetLabel::Scene(0).from_asset(entry.path.clone());
        commands.spawn((
            Extra,
            Avatar::default(),
            Name::new(track.name.clone()),
            WorldAssetRoot(assets.load(scene)),
            place(&track.person),
            EditorPerson { track: number },
        ));
    }
}

/// Begins a project with the person and the object that were chosen.
pub fn begin(
    mut editor: ResMut<Editor>,
    cast: Res<Cast>,
    (catalogue, room, folder): (Res<Catalogue>, Res<Room>, Res<AssetFolder>),
    places: TransformHelper,
    shapes: Query<&ObjectShape>,
) {
    if !editor.project().tracks.is_empty() {
        return;
    }
    let (Some(avatar), Some(object)) = (cast.avatar, cast.object) else {
        return;
    };
    // Where they are now, not where they were drawn last.
    let place = |entity| places.compute_global_transform(entity);
    let (Ok(person), Ok(thing), Ok(shape)) = (place(avatar), place(object), shapes.get(object))
    else {
        return;
    };
    let at = frame::vector(person.translation());
    let ahead = frame::vector(person.rotation() * Vec3::Z);
    let person = PersonPlace {
        position: [at.x, at.y],
        facing: ahead.y.atan2(ahead.x).to_degrees(),
    };
    let origin = Isometry3::from_parts(
        Translation3::from(frame::vector(thing.translation())),
        frame::rotation(thing.rotation()),
    );
    let (Some(place), Some(file)) = (
        place_of(&shape.geometry, &origin),
        file(&cast.object_name, &catalogue, &room),
    ) else {
        return;
    };
    let choice = Choice {
        name: cast.object_name.clone(),
        file: folder.0.join(file.path()),
        place,
    };
    editor.add_track(&cast.avatar_name, person);
    // The body that leaves with what is exported.
    let body = catalogue.avatar(&cast.avatar_name);
    let body = body.map(|entry| folder.0.join(entry.path.path()));
    editor.edit("Avatar", |p| {
        if let Some(track) = p.tracks.first_mut() {
            track.edit().avatar = body;
        }
        Ok(())
    });
    editor.add_object(&choice);
    // Where a project begins there is nothing to undo.
    let project = editor.project().clone();
    editor.set_project(project, None);
}

/// Where an object's file is.
fn file(name: &str, catalogue: &Catalogue, room: &Room) -> Option<AssetPath<'static>> {
    room.file_of(name)
        .or_else(|| catalogue.object(name).map(|entry| entry.path.clone()))
}

/// Has the chosen avatar and the project's objects show what the project says.
pub fn cast(
    mut commands: Commands,
    editor: Res<Editor>,
    cast: Res<Cast>,
    people: Query<(Entity, &EditorPerson), Without<Extra>>,
    things: Query<(Entity, &Interactable, Option<&EditorObject>)>,
) {
    for (entity, _) in &people {
        if Some(entity) != cast.avatar {
            commands.entity(entity).remove::<EditorPerson>();
        }
    }
    if let Some(avatar) = cast.avatar
        && !people.contains(avatar)
    {
        commands.entity(avatar).insert(EditorPerson { track: 0 });
    }
    for (entity, thing, shows) in &things {
        let objects = &editor.project().objects;
        let wanted = objects.iter().find(|o| o.name == thing.name).map(|o| o.id);
        match (wanted, shows) {
            (Some(object), None) => {
                commands.entity(entity).insert(EditorObject { object });
            }
            (None, Some(_)) => {
                commands.entity(entity).remove::<EditorObject>();
            }
            _ => {}
        }
    }
}

/// Sets a strip's way.
pub fn set_way(strip: &mut Strip, places: &[Vec2]) {
    let Some((last, on_the_way)) = places.split_last() else {
        return;
    };
    let ground = |at: &Vec2| [at.x, -at.y];
    let points = |old: &[Waypoint]| -> Vec<Waypoint> {
        let keep = |at: [f32; 2]| old.iter().find(|w| w.at == at).and_then(|w| w.time);
        let at = on_the_way.iter().map(ground);
        at.map(|at| Waypoint { at, time: keep(at) }).collect()
    };
    match &mut strip.deed {
        Deed::Walk { waypoints, end, .. } => {
            *waypoints = points(waypoints);
            *end = ground(last);
        }
        Deed::Interact { waypoints, end, .. } => {
            *waypoints = points(waypoints);
            let [x, y] = ground(last);
            *end = Some([x, y, end.map_or(0.0, |[.., z]| z)]);
        }
        Deed::Idle => {}
    }
}
