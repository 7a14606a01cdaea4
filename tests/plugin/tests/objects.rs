//! Objects: their shapes are read from whatever meshes hang below them, shared, and refused with a reason.

use std::sync::{Arc, Mutex};

use bevy::asset::RenderAssetUsages;
use bevy::gltf::GltfAssetLabel;
use bevy::mesh::{PrimitiveTopology, VertexAttributeValues};
use bevy::prelude::*;
use bevy_chois::avatar::Avatar;
use bevy_chois::object::{
    Interactable, NotPartOfObject, ObjectPlugin, ObjectReady, ObjectRefused, ObjectShape,
};
use bevy_chois_tests::{Heard, assets, engine, hear, heard, tick, tick_times, tick_until};

/// Seconds that anything may take.
const PATIENCE: f32 = 30.0;

fn app() -> App {
    let mut app = engine(&assets());
    app.add_plugins(ObjectPlugin);
    hear::<ObjectReady>(&mut app);
    hear::<ObjectRefused>(&mut app);
    app
}

fn add(app: &mut App, mesh: impl Into<Mesh>) -> Handle<Mesh> {
    let mut meshes = app.world_mut().resource_mut::<Assets<Mesh>>();
    meshes.add(mesh.into())
}

fn cuboid(app: &mut App, x: f32, y: f32, z: f32) -> Handle<Mesh> {
    add(app, Cuboid::new(x, y, z))
}

fn scene(app: &App, path: &'static str) -> WorldAssetRoot {
    let server = app.world().resource::<AssetServer>();
    WorldAssetRoot(server.load(GltfAssetLabel::Scene(0).from_asset(path)))
}

/// Waits for the shape of an object.
fn shape(app: &mut App, object: Entity) -> ObjectShape {
    let came = tick_until(app, PATIENCE, |world| {
        world.get::<ObjectShape>(object).is_some()
    });
    assert!(came, "no shape; {:?}", heard::<ObjectRefused>(app));
    let shape = app.world().get::<ObjectShape>(object);
    shape.cloned().expect("it came")
}

/// Waits until a shape with that height (Y) is there.
fn height(app: &mut App, object: Entity, want: f32) {
    let came = tick_until(app, PATIENCE, |world| {
        let shape = world.get::<ObjectShape>(object);
        shape.is_some_and(|s| (s.size().y - want).abs() < 1e-3)
    });
    let now = app.world().get::<ObjectShape>(object);
    let now = now.map(ObjectShape::size);
    assert!(came, "never {want} high; {now:?}");
}

/// Waits for the refusal of an object, which comes once.
fn refusal(app: &mut App, object: Entity) -> String {
    let came = tick_until(app, PATIENCE, |world| {
        let heard = world.resource::<Heard<ObjectRefused>>();
        heard.0.iter().any(|r| r.entity == object)
    });
    assert!(came, "no refusal");
    tick_times(app, 5);
    assert!(app.world().get::<ObjectShape>(object).is_none());
    let mut told = heard::<ObjectRefused>(app);
    told.retain(|r| r.entity == object);
    assert_eq!(told.len(), 1, "told once");
    told.remove(0).reason
}

fn near(a: Vec3, b: Vec3) -> bool {
    (a - b).length() < 2e-3
}

#[test]
fn the_crate_is_read_from_its_scene() {
    let mut app = app();
    let triggered = Arc::new(Mutex::new(Vec::new()));
    let write = Arc::clone(&triggered);
    app.add_observer(move |event: On<ObjectReady>| {
        write.lock().expect("nobody panicked").push(event.entity);
    });
    let root = scene(&app, "objects/crate.glb");
    let object = app
        .world_mut()
        .spawn((
            Interactable::named("crate"),
            root,
            Transform::from_xyz(3.0, 1.0, -2.0).with_rotation(Quat::from_rotation_y(1.0)),
        ))
        .id();
    let shape = shape(&mut app, object);
    let file = chois::geometry::load_mesh(&assets().join("objects/crate.glb"), None)
        .expect("the file of the repository");
    assert_eq!(shape.geometry.name(), "crate");
    let extents = shape.geometry.extents();
    assert!((extents - file.extents()).norm() < 1e-3, "{extents}");
    let (low, _) = file.bounds();
    let bounds = shape.bounds();
    assert!((bounds.min.y - low.z).abs() < 1e-3, "up is up");
    // The same shape, whether it came by way of Bevy or from the file.
    let direct = chois::geometry::ObjectGeometry::new("crate", file.welded().refined());
    let direct = direct.expect("a good mesh");
    assert!((shape.geometry.center() - direct.center()).norm() < 1e-2);
    tick(&mut app);
    assert_eq!(heard::<ObjectReady>(&app).len(), 1);
    assert_eq!(*triggered.lock().expect("nobody panicked"), [object]);
    // It says where it rests.
    let lying = Quat::from_rotation_x(1.2);
    let place = shape.rest_on(0.25, Isometry3d::new(Vec3::new(1.0, 9.0, 2.0), lying));
    let lowest = shape.geometry.vertices().iter().map(|v| {
        let v = bevy_chois::frame::vec3(v + shape.geometry.center());
        (place * v).y
    });
    let lowest = lowest.fold(f32::INFINITY, f32::min);
    assert!((lowest - 0.25).abs() < 1e-4, "{lowest}");
    assert_eq!((place.translation.x, place.translation.z), (1.0, 2.0));
}

#[test]
fn nesting_and_scale_are_applied_once() {
    let mut app = app();
    let mesh = cuboid(&mut app, 50.0, 100.0, 20.0);
    let parent = app
        .world_mut()
        .spawn((
            Transform::from_xyz(5.0, 0.0, 0.0)
                .with_rotation(Quat::from_rotation_y(0.7))
                .with_scale(Vec3::splat(2.0)),
            Visibility::default(),
        ))
        .id();
    let object = app
        .world_mut()
        .spawn((
            Interactable::named("box"),
            Transform::from_rotation(Quat::from_rotation_z(0.4)),
            ChildOf(parent),
        ))
        .id();
    let between = app
        .world_mut()
        .spawn((
            Transform::from_scale(Vec3::splat(0.01)).with_translation(Vec3::Y),
            Visibility::default(),
            ChildOf(object),
        ))
        .id();
    app.world_mut()
        .spawn((Mesh3d(mesh.clone()), ChildOf(between)));
    // Another object below it keeps its meshes to itself.
    let inner = app
        .world_mut()
        .spawn((
            Interactable::named("inner"),
            Mesh3d(mesh),
            Transform::from_xyz(100.0, 0.0, 0.0),
            ChildOf(between),
        ))
        .id();
    let outer_shape = shape(&mut app, object);
    assert!(near(outer_shape.size(), Vec3::new(1.0, 2.0, 0.4)));
    assert!(near(outer_shape.center(), Vec3::new(0.0, 2.0, 0.0)));
    let inner_shape = shape(&mut app, inner);
    assert!(near(inner_shape.size(), Vec3::new(1.0, 2.0, 0.4)));
    assert!(near(inner_shape.center(), Vec3::ZERO));
    // A vertex stands where the renderer draws it.
    let global = app.world().get::<GlobalTransform>(object).expect("one");
    let drawn = app.world().get::<GlobalTransform>(between).expect("one");
    let place = Isometry3d::new(global.translation(), global.rotation());
    let corner = drawn.transform_point(Vec3::new(25.0, 50.0, 10.0));
    let nearest = outer_shape.geometry.vertices().iter().map(|v| {
        let v = bevy_chois::frame::vec3(v + outer_shape.geometry.center());
        (place * v).distance(corner)
    });
    assert!(nearest.fold(f32::INFINITY, f32::min) < 1e-4);
}

#[test]
fn fifty_copies_are_read_once() {
    let mut app = app();
    let mesh = cuboid(&mut app, 0.4, 0.3, 0.5);
    let objects: Vec<Entity> = (0..50u8)
        .map(|i| {
            let turn = Quat::from_rotation_y(f32::from(i));
            app.world_mut()
                .spawn((
                    Interactable::named("box"),
                    Mesh3d(mesh.clone()),
                    Transform::from_xyz(i.into(), 0.0, 0.0).with_rotation(turn),
                ))
                .id()
        })
        .collect();
    let shapes: Vec<ObjectShape> = objects.iter().map(|o| shape(&mut app, *o)).collect();
    assert!(shapes.iter().all(|s| s.geometry.is(&shapes[0].geometry)));
    tick(&mut app);
    assert_eq!(heard::<ObjectReady>(&app).len(), 50);
}

#[test]
fn what_is_not_part_of_it_stays_out_until_it_is() {
    let mut app = app();
    let small = cuboid(&mut app, 0.4, 0.5, 0.4);
    let tall = cuboid(&mut app, 0.1, 3.0, 0.1);
    let object = app
        .world_mut()
        .spawn((Interactable::named("table"), Mesh3d(small)))
        .id();
    let marker = app
        .world_mut()
        .spawn((
            NotPartOfObject,
            Transform::default(),
            Visibility::default(),
            ChildOf(object),
        ))
        .id();
    app.world_mut()
        .spawn((Mesh3d(tall.clone()), ChildOf(marker)));
    app.world_mut()
        .spawn((Avatar::default(), Mesh3d(tall), ChildOf(object)));
    height(&mut app, object, 0.5);
    app.world_mut()
        .entity_mut(marker)
        .remove::<NotPartOfObject>();
    height(&mut app, object, 3.0);
    app.world_mut().entity_mut(marker).despawn();
    height(&mut app, object, 0.5);
}

#[test]
fn changed_meshes_scale_and_name_are_read_again() {
    let mut app = app();
    let mesh = cuboid(&mut app, 0.4, 0.5, 0.4);
    let object = app
        .world_mut()
        .spawn((Interactable::named("box"), Mesh3d(mesh.clone())))
        .id();
    height(&mut app, object, 0.5);
    // Moving and turning is no change of shape.
    for i in 0..20u8 {
        let mut transform = app.world_mut().get_mut::<Transform>(object).expect("one");
        transform.translation.x = i.into();
        transform.rotation = Quat::from_rotation_y(f32::from(i) * 0.3);
        tick(&mut app);
    }
    assert_eq!(heard::<ObjectReady>(&app).len(), 1);
    let mut transform = app.world_mut().get_mut::<Transform>(object).expect("one");
    transform.scale = Vec3::splat(2.0);
    height(&mut app, object, 1.0);
    {
        let mut meshes = app.world_mut().resource_mut::<Assets<Mesh>>();
        let mut stored = meshes.get_mut(&mesh).expect("the mesh");
        *stored = Cuboid::new(0.4, 0.7, 0.4).into();
    }
    height(&mut app, object, 1.4);
    let other = cuboid(&mut app, 0.2, 0.2, 0.2);
    app.world_mut().entity_mut(object).insert(Mesh3d(other));
    height(&mut app, object, 0.4);
    let mut named = app
        .world_mut()
        .get_mut::<Interactable>(object)
        .expect("one");
    named.name = "cube".to_owned();
    assert!(tick_until(&mut app, PATIENCE, |world| {
        let shape = world.get::<ObjectShape>(object);
        shape.is_some_and(|s| s.geometry.name() == "cube")
    }));
    // Taking the shape away asks for it again; taking the component away ends it.
    app.world_mut().entity_mut(object).remove::<ObjectShape>();
    height(&mut app, object, 0.4);
    app.world_mut().entity_mut(object).remove::<Interactable>();
    tick_times(&mut app, 3);
    assert!(app.world().get::<ObjectShape>(object).is_none());
    assert!(heard::<ObjectRefused>(&app).is_empty());
}

#[test]
fn what_has_no_size_is_refused_until_it_is_mended() {
    let mut app = app();
    let huge = cuboid(&mut app, 50.0, 60.0, 70.0);
    let object = app
        .world_mut()
        .spawn((Interactable::named("barn"), Mesh3d(huge)))
        .id();
    let reason = refusal(&mut app, object);
    assert!(
        reason.starts_with("object \"barn\": it measures"),
        "{reason}"
    );
    app.world_mut()
        .entity_mut(object)
        .insert(Transform::from_scale(Vec3::splat(0.01)));
    height(&mut app, object, 0.6);

    let object = app
        .world_mut()
        .spawn((
            Interactable::named("nought"),
            Transform::from_scale(Vec3::new(1.0, 0.0, 1.0)),
        ))
        .id();
    assert!(refusal(&mut app, object).contains("world scale"));

    let object = app.world_mut().spawn(Interactable::named("air")).id();
    assert!(refusal(&mut app, object).contains("no meshes"));
    // Late is not never.
    let mesh = cuboid(&mut app, 0.4, 0.5, 0.4);
    app.world_mut().spawn((Mesh3d(mesh), ChildOf(object)));
    height(&mut app, object, 0.5);
}

#[test]
fn meshes_that_cannot_be_read_are_refused_with_a_remedy() {
    let mut app = app();
    let mut flat = Mesh::from(Cuboid::new(1.0, 1.0, 1.0));
    if let Some(VertexAttributeValues::Float32x3(positions)) =
        flat.attribute_mut(Mesh::ATTRIBUTE_POSITION)
    {
        positions[0][0] = f32::NAN;
    }
    let flat = add(&mut app, flat);
    let object = app
        .world_mut()
        .spawn((Interactable::default(), Name::new("flat"), Mesh3d(flat)))
        .id();
    let reason = refusal(&mut app, object);
    assert!(reason.starts_with("object \"flat\": vertex"), "{reason}");

    let lines = Mesh::new(PrimitiveTopology::LineList, RenderAssetUsages::default())
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, vec![[0.0f32; 3]; 4]);
    let lines = add(&mut app, lines);
    let object = app
        .world_mut()
        .spawn((Interactable::named("rope"), Mesh3d(lines)))
        .id();
    assert!(refusal(&mut app, object).contains("only lines or points"));

    let mut rendered = Mesh::from(Cuboid::new(1.0, 1.0, 1.0));
    rendered.asset_usage = RenderAssetUsages::RENDER_WORLD;
    rendered.take_gpu_data().expect("as the renderer does");
    let rendered = add(&mut app, rendered);
    let object = app
        .world_mut()
        .spawn((Interactable::named("ghost"), Mesh3d(rendered)))
        .id();
    assert!(refusal(&mut app, object).contains("MAIN_WORLD"));

    let many = Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, vec![[0.5f32; 3]; 1_000_001]);
    let many = add(&mut app, many);
    let object = app
        .world_mut()
        .spawn((Interactable::named("cloud"), Mesh3d(many.clone())))
        .id();
    app.world_mut().spawn((Mesh3d(many), ChildOf(object)));
    assert!(refusal(&mut app, object).contains("2000002 vertices, and 2000000 is the most"));
}

#[test]
fn a_scene_that_never_comes_is_told_with_its_path() {
    let mut app = app();
    let root = scene(&app, "objects/no_such_thing.glb");
    let object = app
        .world_mut()
        .spawn((Interactable::named("crate"), root))
        .id();
    let reason = refusal(&mut app, object);
    assert!(reason.contains("no_such_thing.glb"), "{reason}");
}

#[test]
fn despawned_while_it_is_read() {
    let mut app = app();
    let mesh = cuboid(&mut app, 0.4, 0.5, 0.4);
    for ticks in 0..3 {
        let object = app
            .world_mut()
            .spawn((Interactable::named("box"), Mesh3d(mesh.clone())))
            .id();
        tick_times(&mut app, ticks);
        app.world_mut().entity_mut(object).despawn();
        tick_times(&mut app, 3);
    }
    assert!(heard::<ObjectRefused>(&app).is_empty());
}

#[test]
fn without_assets_nothing_breaks() {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, ObjectPlugin));
    app.world_mut().spawn(Interactable::named("box"));
    tick_times(&mut app, 3);
}
