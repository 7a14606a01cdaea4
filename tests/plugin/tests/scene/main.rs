//! The editor's handles: a mouse over a window that nothing is drawn into, clicks, drags, and what is in the way.

mod gizmo;
mod see;

use std::sync::Arc;

use bevy::input::ButtonState;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButtonInput;
use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy::window::{CursorMoved, PrimaryWindow, WindowEvent};
use bevy_chois::debug_draw::WaypointRibbon;
use bevy_chois::editor::{
    Choice, Editor, EditorDrawing, EditorPlugin, Handle as Grip, Kind, Part, SceneKnobs,
    ScenePointer, Tone,
};
use bevy_chois::frame;
use bevy_chois::npc::SceneObject;
use bevy_chois::object::ObjectShape;
use bevy_chois_tests::{assets, window};
use chois::geometry::{Mesh as Surface, ObjectGeometry};
use chois::project::stale::State;
use chois::project::{Deed, ObjectId, Project};
use chois::request::{ObjectPlace, PersonPlace, Waypoint};
use nalgebra::Vector3;

/// An editor over an empty floor, seen from above and aside; somebody stands at (0, -1) with a box at (0.8, 0).
fn app() -> (App, ObjectId) {
    let mut app = App::new();
    app.add_plugins((window::plugins(), EditorPlugin { drafts: None }));
    app.insert_resource(TimeUpdateStrategy::ManualDuration(bevy_chois_tests::TICK));
    let eye = Transform::from_xyz(0.6, 4.0, 4.0).looking_at(Vec3::new(0.6, 0.0, 0.0), Vec3::Y);
    app.world_mut().spawn((Camera3d::default(), eye));
    app.finish();
    app.cleanup();
    let mut editor = app.world_mut().resource_mut::<Editor>();
    editor.set_project(Project::default(), None);
    let person = PersonPlace {
        position: [0.0, -1.0],
        facing: 90.0,
    };
    assert!(editor.add_track("Ann", person));
    let object = editor
        .add_object(&Choice {
            name: "box".into(),
            file: assets().join("objects/storage_box.glb"),
            place: ObjectPlace {
                position: [0.8, 0.0, 0.0],
                ..default()
            },
        })
        .expect("an object");
    assert_eq!(editor.missing, []);
    // Bounds and the camera's size.
    (0..3).for_each(|_| app.update());
    (app, object)
}

/// A block of 0.6 m stands at a place, 0.5 m high.
fn block(app: &mut App, at: [f32; 2]) {
    let mesh = Surface::cuboid(Vector3::new(-0.3, -0.3, 0.0), Vector3::new(0.6, 0.6, 0.5));
    let geometry = ObjectGeometry::new("block", mesh).expect("a block");
    let place = frame::vec3(Vector3::new(at[0], at[1], 0.0));
    app.world_mut().spawn((
        ObjectShape {
            geometry: Arc::new(geometry),
        },
        SceneObject {
            name: "block".into(),
            ..default()
        },
        Transform::from_translation(place),
    ));
    // Its shape is made by another thread.
    for _ in 0..50 {
        app.update();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// What the mouse does.
#[derive(Clone, Copy)]
enum Does {
    To(Vec2),
    Press,
    Release,
}
use Does::{Press, Release, To};

/// Tells the app as a window does, all before its next frame.
fn mouse(app: &mut App, all: &[Does]) {
    let world = app.world_mut();
    let mut windows = world.query_filtered::<Entity, With<PrimaryWindow>>();
    let window = windows.single(world).expect("a window");
    for does in all {
        let event = match *does {
            To(position) => {
                let mut own = world.get_mut::<Window>(window).expect("a window");
                own.set_cursor_position(Some(position));
                let moved = CursorMoved {
                    window,
                    position,
                    delta: None,
                };
                world.write_message(moved.clone());
                WindowEvent::from(moved)
            }
            Press | Release => {
                let input = MouseButtonInput {
                    button: MouseButton::Left,
                    state: if matches!(does, Press) {
                        ButtonState::Pressed
                    } else {
                        ButtonState::Released
                    },
                    window,
                };
                world.write_message(input);
                WindowEvent::from(input)
            }
        };
        world.write_message(event);
    }
    app.update();
}

/// Where a place (metres, Z up) is seen.
fn seen(app: &mut App, at: [f32; 3]) -> Vec2 {
    let world = app.world_mut();
    let mut eyes = world.query::<(&Camera, &GlobalTransform)>();
    let (camera, eye) = eyes.single(world).expect("an eye");
    let at = frame::vec3(Vector3::from(at));
    camera.world_to_viewport(eye, at).expect("in view")
}

fn click(app: &mut App, at: [f32; 2]) {
    let at = seen(app, [at[0], at[1], 0.0]);
    mouse(app, &[To(at), Press, Release]);
}

/// Where a knob is seen.
#[track_caller]
fn knob(app: &App, handle: Grip, part: Part) -> Vec2 {
    let knobs = app.world().resource::<SceneKnobs>();
    let at = knobs.at(handle, part);
    at.unwrap_or_else(|| panic!("no {part:?} of {handle:?} in {knobs:?}"))
}

/// Drags a knob by as much as one place is seen from another, frame by frame.
fn drag(app: &mut App, handle: Grip, part: Part, from: [f32; 3], to: [f32; 3]) {
    let at = knob(app, handle, part);
    let way = seen(app, to) - seen(app, from);
    mouse(app, &[To(at), Press]);
    for i in 1..=5 {
        mouse(app, &[To(at + way * i as f32 / 5.0)]);
    }
    mouse(app, &[Release]);
}

fn editor(app: &App) -> &Editor {
    app.world().resource::<Editor>()
}

fn editor_mut(app: &mut App) -> Mut<'_, Editor> {
    app.world_mut().resource_mut::<Editor>()
}

fn waypoints(app: &App) -> Vec<Waypoint> {
    match &editor(app).strip().expect("a strip").deed {
        Deed::Walk { waypoints, .. } | Deed::Interact { waypoints, .. } => waypoints.clone(),
        Deed::Idle => Vec::new(),
    }
}

fn end(app: &App) -> [f32; 3] {
    match editor(app).strip().expect("a strip").deed {
        Deed::Walk { end, .. } => [end[0], end[1], 0.0],
        Deed::Interact { end, .. } => end.expect("an end"),
        Deed::Idle => panic!("no end"),
    }
}

#[track_caller]
fn assert_near(got: &[f32], wanted: &[f32], within: f32) {
    let near =
        got.len() == wanted.len() && got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < within);
    assert!(near, "{got:?} is not {wanted:?}");
}

#[track_caller]
fn assert_way(app: &App, wanted: &[[f32; 2]]) {
    let got: Vec<f32> = waypoints(app).iter().flat_map(|w| w.at).collect();
    assert_near(&got, wanted.as_flattened(), 0.02);
}

fn steps(app: &App) -> usize {
    editor(app).history().len()[0]
}

#[test]
fn a_click_on_the_floor_is_a_waypoint_and_a_drag_is_one_step() {
    let (mut app, _) = app();
    // Nothing is selected: nothing happens.
    click(&mut app, [0.0, 0.0]);
    assert_eq!(steps(&app), 2);
    editor_mut(&mut app).add_strip(0, Kind::Walk);
    app.update();
    let before = steps(&app);
    let (a, b) = ([0.5, -0.6], [-0.6, 0.2]);
    let [at, other] = [a, b].map(|p| seen(&mut app, [p[0], p[1], 0.0]));
    // Two clicks in one slow frame.
    mouse(
        &mut app,
        &[To(at), Press, Release, To(other), Press, Release],
    );
    assert_way(&app, &[a, b]);
    assert_eq!(steps(&app), before + 2);
    let id = editor(&app).selected.expect("a strip");
    assert_eq!(*editor(&app).state(id), State::New);
    // What turns the camera sets nothing.
    mouse(
        &mut app,
        &[To(at + 80.0), Press, To(at + 120.0), To(at + 80.0), Release],
    );
    assert_eq!(waypoints(&app).len(), 2);

    drag(
        &mut app,
        Grip::Waypoint(0),
        Part::Floor,
        [0.5, -0.6, 0.0],
        [0.9, -0.9, 0.0],
    );
    assert_way(&app, &[[0.9, -0.9], b]);
    assert_eq!(steps(&app), before + 3, "a drag is one step");
    // A click on the way puts one in between.
    let middle = {
        let ribbon = {
            let world = app.world_mut();
            let mut ribbons = world.query_filtered::<&WaypointRibbon, With<EditorDrawing>>();
            ribbons.single(world).expect("the way is drawn").clone()
        };
        let of = |w: [f32; 2]| frame::vec3(Vector3::new(w[0], w[1], 0.0));
        let far = |p: &Vec3| (p.distance(of([0.9, -0.9])) - p.distance(of(b))).abs();
        let all = ribbon.points.iter().map(|p| p.position);
        frame::vector(
            all.min_by(|p, q| far(p).total_cmp(&far(q)))
                .expect("points"),
        )
    };
    click(&mut app, [middle.x, middle.y]);
    assert_eq!(waypoints(&app).len(), 3);
    assert_near(&waypoints(&app)[1].at, &[middle.x, middle.y], 0.05);
    // It was taken, and is what is deleted.
    assert!(editor_mut(&mut app).delete_picked());
    assert!(!editor_mut(&mut app).delete_picked(), "once");
    assert_way(&app, &[[0.9, -0.9], b]);
    for _ in 0..2 {
        editor_mut(&mut app).undo();
    }
    assert_way(&app, &[[0.9, -0.9], b]);
    editor_mut(&mut app).undo();
    assert_way(&app, &[a, b]);
}

#[test]
fn escape_gives_a_drag_up_and_the_panel_keeps_its_clicks() {
    let (mut app, _) = app();
    editor_mut(&mut app).add_strip(0, Kind::Walk);
    app.update();
    click(&mut app, [0.5, -0.6]);
    let before = steps(&app);
    let at = knob(&app, Grip::Waypoint(0), Part::Floor);
    mouse(&mut app, &[To(at), Press, To(at + 60.0)]);
    assert!(app.world().resource::<ScenePointer>().is_busy());
    assert_eq!(steps(&app), before + 1);
    let escape = bevy::input::keyboard::KeyboardInput {
        key_code: KeyCode::Escape,
        logical_key: bevy::input::keyboard::Key::Escape,
        state: ButtonState::Pressed,
        text: None,
        repeat: false,
        window: Entity::PLACEHOLDER,
    };
    app.world_mut()
        .resource_mut::<ButtonInput<KeyCode>>()
        .reset_all();
    app.world_mut().write_message(escape);
    app.update();
    assert_way(&app, &[[0.5, -0.6]]);
    assert_eq!(steps(&app), before, "it is no step");
    mouse(&mut app, &[Release]);
    assert_eq!(steps(&app), before);
}

#[test]
fn nothing_is_put_into_furniture_and_the_reason_is_told() {
    let (mut app, object) = app();
    block(&mut app, [-0.9, 0.3]);
    editor_mut(&mut app).add_strip(0, Kind::Walk);
    app.update();
    click(&mut app, [0.3, -0.4]);
    drag(
        &mut app,
        Grip::Waypoint(0),
        Part::Floor,
        [0.3, -0.4, 0.0],
        [-0.9, 0.3, 0.0],
    );
    let at = waypoints(&app)[0].at;
    let (dx, dy) = ((at[0] + 0.9).abs(), (at[1] - 0.3).abs());
    assert!(dx > 0.4 || dy > 0.4, "{at:?} is in the block");
    assert!(at[0] < 0.2, "it went as far as it could: {at:?}");
    assert_eq!(editor(&app).status().1, Tone::Bad);
    assert!(
        editor(&app).status().0.contains("the block is in the way"),
        "{:?}",
        editor(&app).status()
    );
    // Nor by a click: its side is no floor.
    let top = seen(&mut app, [-0.9, 0.0, 0.3]);
    mouse(&mut app, &[To(top), Press, Release]);
    assert_eq!(waypoints(&app).len(), 1);

    // An object can stand on it.
    editor_mut(&mut app).add_strip(0, Kind::Interact(object));
    app.update();
    let from = end(&app);
    drag(&mut app, Grip::End, Part::Floor, from, [-0.9, 0.3, 0.5]);
    assert_near(&end(&app), &[-0.9, 0.3, 0.5], 0.03);
    let (_, tone) = editor(&app).status();
    assert_eq!(tone, Tone::Plain, "{:?}", editor(&app).status());
    // Raised, and lowered into it: it stops at the top. By its own arrow, which it has while it is not taken.
    let release = |app: &mut App| {
        editor_mut(app).scene.picked = None;
        (0..2).for_each(|_| app.update());
    };
    release(&mut app);
    drag(
        &mut app,
        Grip::End,
        Part::Height,
        [-0.9, 0.3, 0.5],
        [-0.9, 0.3, 0.9],
    );
    assert_near(&end(&app)[2..], &[0.9], 0.08);
    release(&mut app);
    drag(
        &mut app,
        Grip::End,
        Part::Height,
        [-0.9, 0.3, 0.9],
        [-0.9, 0.3, 0.1],
    );
    assert!(end(&app)[2] > 0.45, "{:?}", end(&app));
    // Where surfaces do not count, height stays what it was.
    editor_mut(&mut app).scene.snap.surface = false;
    editor_mut(&mut app).scene.snap.on = true;
    let from = end(&app);
    drag(
        &mut app,
        Grip::End,
        Part::Floor,
        from,
        [0.13, 0.77, from[2]],
    );
    assert_near(&end(&app), &[0.1, 0.8, from[2]], 1e-3);
}

#[test]
fn ends_are_turned_and_waypoints_timed_by_dragging() {
    let (mut app, object) = app();
    let strip = editor_mut(&mut app)
        .add_strip(0, Kind::Interact(object))
        .expect("a strip");
    app.update();
    click(&mut app, [0.3, 0.9]);
    editor_mut(&mut app).scene.snap.on = true;
    let at = end(&app);
    // The knob of the ring is where it points to.
    let knob = knob(&app, Grip::End, Part::Turn);
    let up = seen(&mut app, [at[0] - 0.5, at[1] + 0.52, at[2]]);
    mouse(
        &mut app,
        &[To(knob), Press, To(knob.lerp(up, 0.5)), To(up), Release],
    );
    let turn = match editor(&app).strip().expect("a strip").deed {
        Deed::Interact { turn, .. } => turn.expect("a turn").yaw,
        _ => panic!("no interaction"),
    };
    assert_eq!(turn, 135.0);

    let from = waypoints(&app)[0].at;
    assert_eq!(waypoints(&app)[0].time, None);
    let later = {
        let world = app.world_mut();
        let mut ribbons = world.query_filtered::<&WaypointRibbon, With<EditorDrawing>>();
        let ribbon = ribbons.single(world).expect("the way is drawn").clone();
        let passes = |p: &&bevy_chois::debug_draw::RibbonPoint| {
            let at = frame::vector(p.position);
            (at.x - from[0]).hypot(at.y - from[1])
        };
        let now = ribbon
            .points
            .iter()
            .min_by(|a, b| passes(a).total_cmp(&passes(b)));
        let now = now.expect("points").seconds;
        let later = ribbon
            .points
            .iter()
            .find(|p| p.seconds > now + 0.4)
            .copied();
        later.expect("it goes on")
    };
    let to = frame::vector(later.position);
    drag(
        &mut app,
        Grip::Waypoint(0),
        Part::Time,
        [from[0], from[1], 0.0],
        [to.x, to.y, 0.0],
    );
    let time = waypoints(&app)[0].time.expect("a time");
    assert!(
        (time - later.seconds).abs() < 0.15,
        "{time} is not {}",
        later.seconds
    );
    assert_eq!(waypoints(&app)[0].at, from, "it stays where it is");
    // One more gets a time between its neighbours'.
    assert!(editor_mut(&mut app).add_waypoint(1, [0.9, 1.3]));
    let times: Vec<f32> = waypoints(&app).iter().filter_map(|w| w.time).collect();
    assert!(
        times.len() == 2 && times[1] > times[0] && times[1] < 4.0,
        "{times:?}"
    );
    assert!(editor_mut(&mut app).free_times() && !editor(&app).is_timed());
    // What moves the object before is where the next strip begins.
    let second = editor_mut(&mut app)
        .add_strip(0, Kind::Interact(object))
        .expect("a strip");
    app.update();
    assert_ne!(strip, second);
    let knobs = app.world().resource::<SceneKnobs>();
    assert_eq!(knobs.at(Grip::Object, Part::Floor), None);
    assert!(knobs.at(Grip::End, Part::Floor).is_some());
}
