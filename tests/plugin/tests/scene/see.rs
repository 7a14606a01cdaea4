//! What can be seen of the takes beside the motion: each is there when it is asked for, and leaves nothing behind.

use std::any::TypeId;
use std::sync::Arc;

use bevy::gizmos::{GizmoAsset, GizmoHandles};
use bevy::mesh::VertexAttributeValues;
use bevy::mesh::skinning::{SkinnedMesh, SkinnedMeshInverseBindposes};
use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy_chois::avatar::AvatarRig;
use bevy_chois::clip::ClipPlugin;
use bevy_chois::clip::bake::Retargeter;
use bevy_chois::debug_draw::material::{ContactHeatMaterial, GhostMaterial};
use bevy_chois::debug_draw::{DebugDraw, DebugDrawPlugin, DebugDrawing};
use bevy_chois::editor::{Editor, EditorGizmos, EditorObject, EditorPerson, EditorPlugin, See};
use bevy_chois::object::ObjectShape;
use bevy_chois_tests::{TICK, carry, puppet, window};
use chois::skeleton::Skeleton;

/// Seconds of the take that is shown.
pub const NOW: f32 = 2.0;

type Skin = MeshMaterial3d<ContactHeatMaterial>;
type Ghostly = MeshMaterial3d<GhostMaterial>;

/// A project in which somebody carries a box, with a body and a box that show it.
pub fn app() -> App {
    let mut app = App::new();
    app.add_plugins((
        window::plugins(),
        ClipPlugin,
        DebugDrawPlugin,
        EditorPlugin { drafts: None },
    ));
    app.insert_resource(Retargeter(Arc::new(puppet::put_on)));
    app.insert_resource(TimeUpdateStrategy::ManualDuration(TICK));
    let eye = Transform::from_xyz(0.3, 2.0, 4.0).looking_at(Vec3::Y, Vec3::Y);
    app.world_mut().spawn((Camera3d::default(), eye));
    app.finish();
    app.cleanup();

    let folder = tempfile::tempdir().expect("a folder");
    let path = carry::project(folder.path());
    let mut editor = app.world_mut().resource_mut::<Editor>();
    editor.open(&path).expect("opened");
    assert_eq!(editor.missing, []);
    editor.selected = editor.project().strips().first().map(|(_, s)| s.id);
    editor.playhead = NOW;
    let object = editor.project().objects[0].id;
    let geometry = editor
        .library()
        .thing(object)
        .expect("a box")
        .geometry
        .clone();
    body(&mut app);
    let world = app.world_mut();
    let mesh = world
        .resource_mut::<Assets<Mesh>>()
        .add(Cuboid::new(0.4, 0.3, 0.3));
    let material = world
        .resource_mut::<Assets<StandardMaterial>>()
        .add(Color::WHITE);
    let shape = ObjectShape {
        geometry: Arc::new(geometry),
    };
    let place = (Transform::default(), Visibility::default());
    let thing = world.spawn((EditorObject { object }, shape, place)).id();
    world.spawn((Mesh3d(mesh), MeshMaterial3d(material), ChildOf(thing)));
    // The clip comes onto the body elsewhere.
    for _ in 0..40 {
        app.update();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    app
}

/// A body of the model's own bones, with a skin that hangs on the first.
fn body(app: &mut App) {
    let rig = puppet::rig(&Skeleton::adult());
    let world = app.world_mut();
    let mesh = Mesh::from(Cuboid::new(0.3, 1.7, 0.2));
    let count = mesh.count_vertices();
    let mesh = mesh
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_INDEX,
            VertexAttributeValues::Uint16x4(vec![[0; 4]; count]),
        )
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_WEIGHT,
            vec![[1.0, 0.0, 0.0, 0.0]; count],
        );
    let mesh = world.resource_mut::<Assets<Mesh>>().add(mesh);
    let material = world
        .resource_mut::<Assets<StandardMaterial>>()
        .add(Color::WHITE);
    let binds = vec![Mat4::IDENTITY; rig.bones.len()];
    let inverse_bindposes = world
        .resource_mut::<Assets<SkinnedMeshInverseBindposes>>()
        .add(binds);
    let place = || (Transform::default(), Visibility::default());
    let person = world.spawn((EditorPerson { track: 0 }, place())).id();
    let mut bones: Vec<Entity> = Vec::new();
    for bone in &rig.bones {
        let parent = bone.parent.map_or(person, |p| bones[p]);
        bones.push(world.spawn((place(), ChildOf(parent))).id());
    }
    world.spawn((
        Mesh3d(mesh),
        MeshMaterial3d(material),
        SkinnedMesh {
            inverse_bindposes,
            joints: bones.clone(),
        },
        ChildOf(person),
    ));
    world.entity_mut(person).insert(AvatarRig {
        rig: Arc::new(rig),
        map: default(),
        bones,
        followers: default(),
    });
}

fn see(app: &mut App, see: See) {
    app.world_mut().resource_mut::<Editor>().scene.see = see;
    (0..3).for_each(|_| app.update());
}

fn drawn<T: Component>(app: &mut App) -> usize {
    let world = app.world_mut();
    let mut all = world.query_filtered::<Entity, (With<DebugDrawing>, With<T>)>();
    all.iter(world).count()
}

/// Points of the editor's lines: of single ones, and of strips.
fn lines(app: &App) -> (Vec<Vec3>, Vec<Vec3>) {
    let handles = app.world().resource::<GizmoHandles>().handles();
    let Some(Some(handle)) = handles.get(&TypeId::of::<EditorGizmos>()) else {
        return default();
    };
    let all = app.world().resource::<Assets<GizmoAsset>>();
    let buffer = all.get(handle).expect("lines").buffer();
    (
        buffer.list_positions.clone(),
        buffer.strip_positions.clone(),
    )
}

#[track_caller]
fn assert_nothing_is_seen(app: &mut App) {
    see(app, See::default());
    // The way of the selected strip is none of it.
    assert_eq!((drawn::<Skin>(app), drawn::<Ghostly>(app)), (0, 0));
    let (single, strips) = lines(app);
    assert_eq!((single.len(), strips.len()), (0, 0));
    let world = app.world_mut();
    let mut dressed = world.query_filtered::<&DebugDraw, With<EditorPerson>>();
    assert_eq!(dressed.iter(world).count(), 0);
}

#[test]
fn ghosts_stand_as_far_apart_as_they_are_asked_to() {
    let mut app = app();
    assert_nothing_is_seen(&mut app);
    let ghosts = |app: &mut App, step: f32, count: usize| {
        let wanted = See {
            ghosts: Some(step),
            ..default()
        };
        see(app, wanted);
        // They come a frame or two after what they are of.
        for _ in 0..200 {
            if drawn::<Ghostly>(app) == count {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
            app.update();
        }
        assert_eq!(drawn::<Ghostly>(app), count);
    };
    // Of a take of 4 seconds, from its first frame to its last: body and box, in two passes each.
    ghosts(&mut app, 2.0, 2 * 2 * 2);
    ghosts(&mut app, 1.0, 4 * 2 * 2);
    assert_nothing_is_seen(&mut app);
}

#[test]
fn heat_covers_what_is_held_and_the_hands() {
    let mut app = app();
    let wanted = See {
        heat: true,
        ..default()
    };
    see(&mut app, wanted);
    assert_eq!(drawn::<Skin>(&mut app), 2, "the box and the body");
    assert_nothing_is_seen(&mut app);
}

#[test]
fn ways_go_where_hands_and_object_go() {
    let mut app = app();
    let wanted = See {
        paths: true,
        ..default()
    };
    see(&mut app, wanted);
    let (single, strips) = lines(&app);
    let clip = {
        let editor = app.world().resource::<Editor>();
        let shown = editor.strip().expect("a strip");
        editor.library().shown(shown).expect("a clip")
    };
    // Two palms and the object, one point a frame; and where they are now.
    let points = strips.iter().filter(|p| p.is_finite()).count();
    assert!(points >= 3 * clip.frames.len(), "{points}");
    assert!(!single.is_empty() || points > 3 * clip.frames.len());
    for (f, p) in [(0, 22), (60, 23), (clip.frames.len() - 1, 22)] {
        let palm = bevy_chois::frame::vec3(clip.joints(f)[p]);
        let near = strips.iter().map(|at| at.distance(palm));
        assert!(near.fold(f32::INFINITY, f32::min) < 1e-3, "frame {f}");
    }
    assert_nothing_is_seen(&mut app);
}

#[test]
fn feet_that_slide_leave_marks_and_others_do_not() {
    let mut app = app();
    let wanted = See {
        skate: true,
        ..default()
    };
    see(&mut app, wanted);
    let (marks, _) = lines(&app);
    let clip = {
        let editor = app.world().resource::<Editor>();
        let shown = editor.strip().expect("a strip");
        editor.library().shown(shown).expect("a clip")
    };
    // This person glides while the box is carried, and stands before and after: a mark for each foot in each frame in which
    // it is down and faster than 15 cm a second, of a line along and one across.
    let toes: Vec<[Vec3; 2]> = (0..clip.frames.len())
        .map(|f| [10, 11].map(|toe| bevy_chois::frame::vec3(clip.joints(f)[toe])))
        .collect();
    let slides = |w: &[[Vec3; 2]]| {
        let speed = |k: usize| (w[1][k] - w[0][k]).xz().length() * clip.fps;
        (0..2)
            .filter(|k| w[1][*k].y <= 0.05 && speed(*k) > 0.15)
            .count()
    };
    let sliding: usize = toes.windows(2).map(slides).sum();
    assert!(sliding > 20, "{sliding}");
    assert!(
        marks.len().abs_diff(4 * sliding) <= 16,
        "{} of {sliding}",
        marks.len()
    );
    assert!(marks.iter().all(|at| at.y.abs() < 0.05), "on the floor");
    // Played so slowly that nobody glides fast, there is none.
    let edit = chois::project::Edit::Warp {
        keys: vec![[0.0, 0.0], [clip.seconds(), 16.0]],
    };
    let mut editor = app.world_mut().resource_mut::<Editor>();
    assert!(editor.edit_take("Slower", edit), "{:?}", editor.status());
    see(&mut app, wanted);
    assert_eq!(lines(&app).0.len(), 0);
    assert_nothing_is_seen(&mut app);
}

#[test]
fn the_source_skeleton_stands_beside_the_body() {
    let mut app = app();
    let wanted = See {
        skeleton: true,
        ..default()
    };
    see(&mut app, wanted);
    let (bones, rings) = lines(&app);
    // Twenty-three bones, each a line.
    assert!(bones.len() >= 2 * 23, "{}", bones.len());
    let clip = {
        let editor = app.world().resource::<Editor>();
        let shown = editor.strip().expect("a strip");
        editor.library().shown(shown).expect("a clip")
    };
    let frame = (NOW * clip.fps).round() as usize;
    let joints = clip.joints(frame).map(bevy_chois::frame::vec3);
    // The same skeleton, aside by as much at every joint.
    let pelvis = joints[0];
    let hip = bones
        .iter()
        .chain(&rings)
        .copied()
        .filter(|at| (at.y - pelvis.y).abs() < 1e-3)
        .min_by(|a, b| {
            let far = |at: &Vec3| (at.distance(pelvis) - 0.9).abs();
            far(a).total_cmp(&far(b))
        })
        .expect("a pelvis");
    let aside = hip - pelvis;
    assert!((aside.length() - 0.9).abs() < 0.01, "{aside}");
    for j in [15, 20, 7] {
        let wanted = joints[j] + aside;
        let near = bones.iter().map(|at| at.distance(wanted));
        assert!(near.fold(f32::INFINITY, f32::min) < 5e-3, "joint {j}");
    }
    assert_nothing_is_seen(&mut app);
}
