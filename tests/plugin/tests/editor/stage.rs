//! Persons and objects at the playhead.

use std::sync::Arc;

use bevy::prelude::*;
use bevy_chois::clip::bake::Retargeter;
use bevy_chois::editor::{EditorObject, EditorPerson};
use bevy_chois::frame;
use bevy_chois::playback::InteractionState;
use bevy_chois_tests::{carry, puppet, tick_times, tick_until};
use chois::motion::FPS;

use crate::{PATIENCE, app, editor, strips};

#[test]
fn a_person_whose_object_was_taken_away_takes_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut app = app();
    app.insert_resource(Retargeter(Arc::new(puppet::put_on)));
    let (object, clip) = {
        let mut editor = editor(&mut app);
        editor.open(&carry::project(folder.path())).expect("opened");
        editor.selected = strips(&editor).first().copied();
        editor.playhead = 1.8;
        let strip = editor.strip().expect("a strip");
        let clip = editor.library().shown(strip).expect("a clip");
        (editor.project().objects[0].id, clip)
    };
    let person = puppet::spawn(&mut app, Transform::IDENTITY);
    let world = app.world_mut();
    world.entity_mut(person).insert(EditorPerson { track: 0 });
    let thing = world.spawn((EditorObject { object }, Transform::IDENTITY));
    let thing = thing.id();
    // How far the object is from where the take has it, metres.
    let off = |world: &World, seconds: f32| {
        let then = &clip.frames[(seconds * FPS).round() as usize];
        let at = world.get::<Transform>(thing).expect("a place").translation;
        at.distance(frame::vec3(then.object_position))
    };
    let carried = |app: &mut App, seconds: f32| {
        let there = tick_until(app, PATIENCE, |world| {
            let state = world.get::<InteractionState>(person);
            state == Some(&InteractionState::Playing) && off(world, seconds) < 0.01
        });
        let state = app.world().get::<InteractionState>(person);
        assert!(there, "{state:?}, {} m off", off(app.world(), seconds));
    };
    carried(&mut app, 1.8);
    // While there is nothing to be shown, the object is where the project has it.
    editor(&mut app).delete_strip();
    tick_times(&mut app, 30);
    assert!(off(app.world(), 1.8) > 0.1, "{}", off(app.world(), 1.8));
    editor(&mut app).undo();
    carried(&mut app, 1.8);
    // Somebody else moves it, until the playhead goes on.
    let place = app.world_mut().get_mut::<Transform>(thing);
    place.expect("a place").translation.x += 1.0;
    tick_times(&mut app, 30);
    let state = app.world().get::<InteractionState>(person);
    assert_eq!(state, Some(&InteractionState::Interrupted));
    editor(&mut app).playhead = 2.4;
    carried(&mut app, 2.4);
}
