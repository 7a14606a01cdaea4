//! Bevy's own gizmo on what was taken: a mouse drags its arrows and rings.

use bevy::gizmos::transform_gizmo::{
    TransformGizmoCamera, TransformGizmoFocus, TransformGizmoMode, TransformGizmoPlugin,
    TransformGizmoSettings, TransformGizmoSpace, TransformGizmoState,
};
use bevy::prelude::*;
use bevy_chois::editor::{Handle as Grip, Kind, Page, Panel, Part, SceneKnobs, Tone, Tool};
use chois::motion::edit::JointTouchUp;
use chois::project::{Deed, Edit};

use super::*;

/// Where the gizmo stands, how long its axes are, and the eye.
fn stood(app: &mut App) -> Option<(GlobalTransform, f32, Vec3)> {
    let world = app.world_mut();
    let mut focus = world.query_filtered::<&GlobalTransform, With<TransformGizmoFocus>>();
    let focus = *focus.single(world).ok()?;
    let mut eyes = world.query_filtered::<&GlobalTransform, With<Camera>>();
    let eye = eyes.single(world).expect("an eye").translation();
    let scale = world
        .resource::<TransformGizmoSettings>()
        .screen_scale_factor;
    let far = eye.distance(focus.translation());
    Some((focus, far * scale, eye))
}

fn on_screen(app: &mut App, at: Vec3) -> Vec2 {
    seen(app, frame::vector(at).into())
}

/// Has the mouse go through places, pressed from the first to the last; whether something was dragged.
fn pull(app: &mut App, path: &[Vec3]) -> bool {
    let path: Vec<Vec2> = path.iter().map(|at| on_screen(app, *at)).collect();
    mouse(app, &[To(path[0])]);
    mouse(app, &[Press]);
    let taken = app.world().resource::<TransformGizmoState>().active;
    for at in &path[1..] {
        mouse(app, &[To(*at)]);
    }
    mouse(app, &[Release]);
    (0..2).for_each(|_| app.update());
    taken
}

/// Drags an arrow, metres.
fn arrow(app: &mut App, along: Vec3, by: f32) -> bool {
    let (focus, long, _) = stood(app).expect("it stands somewhere");
    // Where no knob lies over it.
    let knobs = app.world().resource::<SceneKnobs>().0.clone();
    let free = [0.6, 0.9, 0.4].into_iter().find(|share| {
        let at = on_screen(app, focus.translation() + along * long * *share);
        knobs.iter().all(|knob| knob.2.distance(at) > 14.0)
    });
    let from = focus.translation() + along * long * free.expect("it can be taken");
    let path: Vec<Vec3> = (0..=5)
        .map(|i| from + along * by * i as f32 / 5.0)
        .collect();
    pull(app, &path)
}

/// Drags a ring, degrees.
fn ring(app: &mut App, about: Vec3, by: f32) -> bool {
    let (focus, long, eye) = stood(app).expect("it stands somewhere");
    let at = focus.translation();
    // At its side: Bevy takes no part of a ring that is seen much nearer to its middle than the ring is wide.
    let near = about.cross(eye - at).normalize();
    let path: Vec<Vec3> = (0..=6)
        .map(|i| Quat::from_axis_angle(about, by.to_radians() * i as f32 / 6.0))
        .map(|turn| at + turn * near * long)
        .collect();
    pull(app, &path)
}

fn take(app: &mut App, handle: Grip) {
    let at = knob(app, handle, Part::Floor);
    mouse(app, &[To(at), Press, Release]);
    (0..2).for_each(|_| app.update());
}

fn turn(app: &App) -> Option<f32> {
    match &editor(app).strip().expect("a strip").deed {
        Deed::Interact { turn, .. } => turn.map(|t| t.yaw),
        Deed::Walk { facing, .. } => *facing,
        Deed::Idle => None,
    }
}

#[test]
fn arrows_and_rings_move_and_turn_where_an_object_ends() {
    let (mut app, object) = app();
    assert!(app.is_plugin_added::<TransformGizmoPlugin>());
    editor_mut(&mut app).add_strip(0, Kind::Interact(object));
    (0..2).for_each(|_| app.update());
    assert!(stood(&mut app).is_none(), "nothing is taken");
    let [x, y, z] = end(&app);
    take(&mut app, Grip::End);
    let before = steps(&app);
    let (focus, ..) = stood(&mut app).expect("it stands at the end");
    let wanted = frame::vec3(Vector3::new(x, y, z));
    assert!(focus.translation().distance(wanted) < 1e-4);

    // Its own arrow for heights gives way; a drag is one step, and is where it was dragged to.
    let knobs = app.world().resource::<SceneKnobs>();
    assert_eq!(knobs.at(Grip::End, Part::Height), None);
    assert!(knobs.at(Grip::End, Part::Turn).is_some());
    assert!(arrow(&mut app, Vec3::X, 0.5));
    assert_near(&end(&app), &[x + 0.5, y, z], 0.02);
    assert_eq!(steps(&app), before + 1);
    assert_eq!(editor(&app).history().undoes(), Some("Move end"));
    // Z of Bevy is -y of the project's.
    assert!(arrow(&mut app, Vec3::Z, 0.4));
    assert_near(&end(&app), &[x + 0.5, y - 0.4, z], 0.03);
    assert!(arrow(&mut app, Vec3::Y, 0.5));
    assert_near(&end(&app), &[x + 0.5, y - 0.4, z + 0.5], 0.04);
    assert_eq!(steps(&app), before + 3);
    // Down again, it is drawn to the floor.
    let high = end(&app)[2];
    assert!(arrow(&mut app, Vec3::Y, 0.02 - high));
    assert_eq!(end(&app)[2], 0.0);
    (0..4).for_each(|_| editor_mut(&mut app).undo());
    app.update();
    assert_eq!(end(&app), [x, y, z]);
    let (focus, ..) = stood(&mut app).expect("it goes along");
    assert!(focus.translation().distance(wanted) < 1e-4);

    // The ring instead of the knob's.
    editor_mut(&mut app).scene.tool = Tool::Turn;
    (0..2).for_each(|_| app.update());
    let knobs = app.world().resource::<SceneKnobs>();
    assert_eq!(knobs.at(Grip::End, Part::Turn), None);
    assert!(ring(&mut app, Vec3::Y, 60.0));
    assert!(
        (turn(&app).expect("a turn") - 60.0).abs() < 1.5,
        "{:?}",
        turn(&app)
    );
    assert_eq!(end(&app), [x, y, z], "it stays where it is");
    assert_eq!(steps(&app), before + 1);
    // It is upright, and stays so.
    assert!(!ring(&mut app, Vec3::X, 30.0));
    assert_eq!(steps(&app), before + 1);
}

#[test]
fn it_snaps_is_given_up_and_stops_at_what_is_in_the_way() {
    let (mut app, object) = app();
    editor_mut(&mut app).add_strip(0, Kind::Interact(object));
    app.update();
    take(&mut app, Grip::End);
    let [x, y, z] = end(&app);
    editor_mut(&mut app).scene.snap.on = true;
    app.update();
    assert!(arrow(&mut app, Vec3::X, 0.27));
    assert_near(&end(&app), &[x + 0.3, y, z], 1e-4);
    editor_mut(&mut app).scene.tool = Tool::Turn;
    app.update();
    assert!(ring(&mut app, Vec3::Y, 38.0));
    assert!(
        (turn(&app).expect("a turn") - 45.0).abs() < 1e-2,
        "{:?}",
        turn(&app)
    );
    editor_mut(&mut app).undo();
    editor_mut(&mut app).undo();
    editor_mut(&mut app).scene.snap.on = false;
    editor_mut(&mut app).scene.tool = Tool::Move;
    (0..2).for_each(|_| app.update());

    let before = steps(&app);
    let (focus, long, _) = stood(&mut app).expect("it stands");
    let from = focus.translation() + Vec3::X * long * 0.6;
    let [at, to] = [from, from + Vec3::X * 0.4].map(|at| on_screen(&mut app, at));
    for does in [To(at), Press, To(at.lerp(to, 0.5)), To(to)] {
        mouse(&mut app, &[does]);
    }
    app.update();
    assert!(end(&app)[0] > x + 0.1, "it is dragged: {:?}", end(&app));
    let escape = bevy::input::keyboard::KeyboardInput {
        key_code: KeyCode::Escape,
        logical_key: bevy::input::keyboard::Key::Escape,
        state: ButtonState::Pressed,
        text: None,
        repeat: false,
        window: Entity::PLACEHOLDER,
    };
    app.world_mut().write_message(escape);
    app.update();
    mouse(&mut app, &[To(to + 20.0)]);
    mouse(&mut app, &[Release]);
    app.update();
    assert_eq!((end(&app), steps(&app)), ([x, y, z], before));

    block(&mut app, [x + 0.9, y]);
    assert!(arrow(&mut app, Vec3::X, 0.8));
    let stopped = end(&app)[0] - x;
    assert!((0.05..0.75).contains(&stopped), "{stopped}");
    let (line, tone) = editor(&app).status();
    assert!(
        tone == Tone::Bad && line.contains("the block is in the way"),
        "{line}"
    );
    // Over it, it goes where it likes.
    assert!(arrow(&mut app, Vec3::Y, 0.7));
    let left = x + 0.9 - end(&app)[0];
    assert!(arrow(&mut app, Vec3::X, left));
    assert_near(&end(&app)[..2], &[x + 0.9, y], 0.05);
}

#[test]
fn a_waypoint_is_moved_over_the_floor_alone() {
    let (mut app, _) = app();
    editor_mut(&mut app).add_strip(0, Kind::Walk);
    app.update();
    click(&mut app, [0.5, -0.6]);
    (0..2).for_each(|_| app.update());
    // One that was clicked is taken.
    assert!(stood(&mut app).is_some());
    let before = steps(&app);
    assert!(arrow(&mut app, Vec3::X, 0.4));
    assert_way(&app, &[[0.9, -0.6]]);
    assert_eq!(steps(&app), before + 1);
    // It has no height, and is not turned whatever the tool.
    editor_mut(&mut app).scene.tool = Tool::Turn;
    (0..2).for_each(|_| app.update());
    let mode = app.world().resource::<TransformGizmoSettings>().mode;
    assert_eq!(mode, TransformGizmoMode::Translate);
    assert!(!arrow(&mut app, Vec3::Y, 0.3));
    assert_way(&app, &[[0.9, -0.6]]);
    // Where somebody walks to they are turned.
    take(&mut app, Grip::End);
    let now = turn(&app);
    assert!(ring(&mut app, Vec3::Y, 50.0));
    assert_ne!(turn(&app), now);
}

#[test]
fn what_the_app_does_with_the_gizmo_is_there_again() {
    let (mut app, object) = app();
    editor_mut(&mut app).add_strip(0, Kind::Interact(object));
    let own = app
        .world_mut()
        .spawn((Transform::from_xyz(-1.0, 0.5, 0.0), TransformGizmoFocus))
        .id();
    let mut settings = app.world_mut().resource_mut::<TransformGizmoSettings>();
    settings.space = TransformGizmoSpace::Local;
    settings.axis_hit_distance = 22.0;
    (0..2).for_each(|_| app.update());
    let focused = |app: &App| app.world().get::<TransformGizmoFocus>(own).is_some();
    let settled = |app: &App| {
        let settings = app.world().resource::<TransformGizmoSettings>();
        (settings.space, settings.axis_hit_distance)
    };
    assert!(focused(&app), "nothing is taken");
    take(&mut app, Grip::End);
    assert!(!focused(&app) && stood(&mut app).is_some());
    let world = app.world_mut();
    let mut eyes = world.query_filtered::<(), With<TransformGizmoCamera>>();
    assert_eq!(eyes.iter(world).count(), 1);
    assert_eq!(settled(&app).0, TransformGizmoSpace::World);
    editor_mut(&mut app).selected = None;
    (0..2).for_each(|_| app.update());
    assert!(focused(&app));
    assert_eq!(settled(&app), (TransformGizmoSpace::Local, 22.0));

    // Where the app takes it meanwhile, the editor lets go.
    let strip = editor(&app).project().strips()[0].1.id;
    editor_mut(&mut app).selected = Some(strip);
    app.update();
    take(&mut app, Grip::End);
    assert!(!focused(&app));
    app.world_mut().entity_mut(own).insert(TransformGizmoFocus);
    (0..2).for_each(|_| app.update());
    assert!(focused(&app));
    assert_eq!(editor(&app).scene.picked, None);
    let (at, ..) = stood(&mut app).expect("the app's alone");
    assert_eq!(at.translation(), Vec3::new(-1.0, 0.5, 0.0));
    assert_eq!(settled(&app), (TransformGizmoSpace::Local, 22.0));
}

#[test]
fn the_joint_that_is_touched_up_is_turned_by_its_rings() {
    let mut app = super::see::app();
    app.update();
    assert!(stood(&mut app).is_none());
    app.world_mut().resource_mut::<Panel>().page = Page::Edit;
    (0..2).for_each(|_| app.update());
    let (focus, ..) = stood(&mut app).expect("it stands at the neck");
    let clip = |app: &App| {
        let strip = editor(app).strip().expect("a strip");
        editor(app).library().shown(strip).expect("a clip")
    };
    let now = clip(&app);
    let frame = (super::see::NOW * now.fps).round() as usize;
    let neck = frame::vec3(now.joints(frame)[12]);
    assert!(focus.translation().distance(neck) < 1e-3);
    let before = steps(&app);
    // About its own axes.
    let up = focus.rotation() * Vec3::Y;
    assert!(ring(&mut app, up, 40.0));
    assert_eq!(steps(&app), before + 1);
    let turned = |app: &App| -> JointTouchUp {
        let strip = editor(app).strip().expect("a strip");
        match strip.shown().expect("a take").edits.last() {
            Some(Edit::Joint(by)) => by.clone(),
            other => panic!("{other:?}"),
        }
    };
    let by = turned(&app);
    assert_eq!(by.joint, "neck");
    assert_near(&by.turn, &[0.0, 40.0, 0.0], 1.5);
    // Once more is more of the same.
    let (focus, ..) = stood(&mut app).expect("it stays");
    let up = focus.rotation() * Vec3::Y;
    assert!(ring(&mut app, up, -15.0));
    assert_near(&turned(&app).turn, &[0.0, 25.0, 0.0], 2.0);
    let strip = editor(&app).strip().expect("a strip");
    assert_eq!(strip.shown().expect("a take").edits.len(), 1);
    editor_mut(&mut app).undo();
    editor_mut(&mut app).undo();
    assert!(Arc::ptr_eq(&clip(&app), &now) || clip(&app).frames == now.frames);
}
