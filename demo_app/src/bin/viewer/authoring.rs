//! The authoring panel in the viewer: its project is made of what was chosen, and clicks set the selected strip's way.

use bevy::asset::AssetPath;
use bevy::prelude::*;
use bevy_chois::editor::{Choice, Editor, EditorObject, EditorPerson};
use bevy_chois::frame;
use bevy_chois::object::{Interactable, ObjectShape};
use chois::project::{Deed, Strip, StripId};
use chois::request::{PersonPlace, Waypoint};
use chois::scene::place_of;
use nalgebra::{Isometry3, Translation3};

use crate::app::AssetFolder;
use crate::cast::Cast;
use crate::catalogue::Catalogue;
use crate::room::Room;
use crate::shows::Shows;
use crate::wishes::Wishes;

/// Whether the panel is shown.
pub fn is_shown(editor: Res<Editor>) -> bool {
    editor.shown
}

/// Shows the panel when it is to be shown, in place of the viewer's own.
pub fn toggle(mut editor: ResMut<Editor>, shows: Res<Shows>) {
    if editor.shown != shows.editor {
        editor.shown = shows.editor;
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
    people: Query<(Entity, &EditorPerson)>,
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

/// The way of a strip over the floor, the end last: x and z of the room.
fn way(strip: &Strip) -> Vec<Vec2> {
    let (waypoints, end) = match &strip.deed {
        Deed::Walk { waypoints, end, .. } => (waypoints, Some(*end)),
        Deed::Interact { waypoints, end, .. } => (waypoints, end.map(|[x, y, _]| [x, y])),
        Deed::Idle => return Vec::new(),
    };
    let places = waypoints.iter().map(|w| w.at).chain(end);
    places.map(|[x, y]| Vec2::new(x, -y)).collect()
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

/// Keeps the marks on the floor and the selected strip's way the same: whichever was changed wins.
pub fn share_way(
    mut editor: ResMut<Editor>,
    mut wishes: ResMut<Wishes>,
    mut before: Local<Option<(Option<StripId>, Vec<Vec2>)>>,
) {
    let selected = editor.selected;
    let now = editor.strip().map(way).unwrap_or_default();
    let clicked = matches!(&*before, Some((id, known)) if *id == selected && wishes.waypoints != *known && *known == now);
    if clicked && let Some(id) = selected {
        let places = wishes.waypoints.clone();
        editor.edit("Move end", |p| {
            if let Some(strip) = p.strip_mut(id) {
                set_way(strip, &places);
            }
            Ok(())
        });
    }
    let now = editor.strip().map(way).unwrap_or_default();
    if wishes.waypoints != now {
        wishes.waypoints.clone_from(&now);
    }
    *before = Some((selected, now));
}
