//! Debug drawing in apps without a screen: it is off until asked for, leaves the game's things alone, and goes without
//! a trace; its shaders compose.

use std::ops::Not;
use std::sync::Arc;

use bevy::asset::LoadState;
use bevy::mesh::skinning::{SkinnedMesh, SkinnedMeshInverseBindposes};
use bevy::pbr::ExtendedMaterial;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::{WgpuFeatures, WgpuSettings};
use bevy::shader::{ShaderCache, ShaderDefVal};
use bevy::time::TimeUpdateStrategy;
use bevy::window::ExitCondition;
use bevy::winit::WinitPlugin;
use bevy_chois::avatar::{Avatar, AvatarPlugin, AvatarRig};
use bevy_chois::clip::bake::Retargeter;
use bevy_chois::clip::{ClipPlugin, MotionClip};
use bevy_chois::debug_draw::material::{
    CONTACT_HEAT_SHADER, ContactHeatMaterial, GHOST_SHADER, GhostMaterial, RIBBON_SHADER,
    RibbonMaterial,
};
use bevy_chois::debug_draw::{
    ChoisGizmos, ContactHeat, DebugDraw, DebugDrawPlugin, DebugDrawing, GhostTimes, Ghosts, Ribbon,
    Show, WaypointRibbon,
};
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::InteractionPlayer;
use bevy_chois_tests::{TICK, assets, engine, tick, tick_times, tick_until};
use chois::geometry::{Mesh as Shape, ObjectGeometry};
use chois::motion::Frame;
use chois::retarget::{BodyPart, Bone, Rig, RigClip, RootPlace, Side};
use chois::skeleton::{Pose, ROTATIONS, Skeleton};
use nalgebra::{UnitQuaternion, Vector3};

/// Bevy with its materials and shaders, without a window and without a device.
fn app_without_device() -> App {
    let no_device = WgpuSettings {
        backends: None,
        ..default()
    };
    app_with(RenderPlugin {
        render_creation: no_device.into(),
        ..default()
    })
}

fn app_with(renderer: RenderPlugin) -> App {
    let mut app = App::new();
    let window = WindowPlugin {
        primary_window: None,
        exit_condition: ExitCondition::DontExit,
        ..default()
    };
    let folder = AssetPlugin {
        file_path: assets().to_string_lossy().into_owned(),
        ..default()
    };
    let bevy = DefaultPlugins.set(window).set(renderer).set(folder);
    app.add_plugins(
        bevy.disable::<WinitPlugin>()
            .disable::<bevy::log::LogPlugin>(),
    );
    app.add_plugins((ClipPlugin, DebugDrawPlugin));
    app.insert_resource(Retargeter(Arc::new(|job| Ok(poses(&job.motion)))));
    app.insert_resource(TimeUpdateStrategy::ManualDuration(TICK));
    app
}

/// Two seconds in which an object slides by a metre a second; both hands touch in the second one.
fn motion() -> chois::motion::MotionClip {
    let up = chois::frame::y_up_to_z_up();
    let frame = |i: usize| Frame {
        pose: Pose {
            root: Vector3::new(i as f32 / 30.0, -0.6, 0.95),
            rotations: [up; ROTATIONS],
        },
        object_position: Vector3::new(i as f32 / 30.0, 0.0, 0.9),
        object_rotation: UnitQuaternion::identity(),
        contact: [f32::from(i >= 30), f32::from(i >= 30), 0.0, 0.0],
    };
    chois::motion::MotionClip {
        name: "slide".into(),
        subject: String::new(),
        object: "box".into(),
        text: "Push the box.".into(),
        fps: 30.0,
        skeleton: Skeleton::adult(),
        frames: (0..61).map(frame).collect(),
    }
}

fn rig() -> Rig {
    let bone = |name: &str, parent, y| Bone {
        name: name.into(),
        parent,
        translation: Vector3::new(0.0, y, 0.0),
        rotation: UnitQuaternion::identity(),
        scale: Vector3::repeat(1.0),
        skinned: true,
    };
    Rig {
        bones: vec![bone("hips", None, 0.95), bone("spine", Some(0), 0.4)],
    }
}

fn poses(motion: &chois::motion::MotionClip) -> RigClip {
    let lean = |i: usize| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), i as f32 * 0.01);
    let frames = motion.frames.len();
    let root = |f: &Frame| RootPlace {
        position: Vector3::new(f.pose.root.x, f.pose.root.y, 0.0),
        rotation: UnitQuaternion::identity(),
    };
    RigClip {
        fps: motion.fps,
        bones: vec![1],
        rotations: (0..frames).map(lean).collect(),
        hips: 0,
        hips_translations: vec![Vector3::new(0.0, 0.95, 0.0); frames],
        roots: motion.frames.iter().map(root).collect(),
    }
}

fn box_shape() -> ObjectShape {
    let mesh = Shape::cuboid(Vector3::repeat(-0.15), Vector3::repeat(0.3));
    let geometry = ObjectGeometry::new("box", mesh).expect("a box");
    ObjectShape {
        geometry: Arc::new(geometry),
    }
}

/// What the tests draw about.
struct Stage {
    avatar: Entity,
    avatar_mesh: Entity,
    spine: Entity,
    object: Entity,
    object_mesh: Entity,
    material: Handle<StandardMaterial>,
}

/// An avatar of two bones with one skinned mesh, playing; an object whose mesh is two levels down.
fn stage(app: &mut App) -> Stage {
    let motion = motion();
    let world = app.world_mut();
    let clip = world
        .resource_mut::<Assets<MotionClip>>()
        .add(MotionClip::from(motion));
    let cube = world
        .resource_mut::<Assets<Mesh>>()
        .add(Cuboid::from_length(0.3));
    let joints_of = |i: usize| [i as u16, 0, 0, 0];
    let body = Mesh::from(Cuboid::new(0.3, 1.7, 0.2));
    let count = body.count_vertices();
    let body = body
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_INDEX,
            bevy::mesh::VertexAttributeValues::Uint16x4(
                (0..count).map(|i| joints_of(i % 2)).collect(),
            ),
        )
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_JOINT_WEIGHT,
            vec![[1.0, 0.0, 0.0, 0.0]; count],
        );
    let body = world.resource_mut::<Assets<Mesh>>().add(body);
    let material = world
        .resource_mut::<Assets<StandardMaterial>>()
        .add(StandardMaterial::from_color(Color::srgb(0.2, 0.3, 0.8)));
    let bind = world
        .resource_mut::<Assets<SkinnedMeshInverseBindposes>>()
        .add(vec![
            Mat4::from_translation(Vec3::Y * -0.95),
            Mat4::from_translation(Vec3::Y * -1.35),
        ]);

    let avatar = world
        .spawn((Transform::default(), Visibility::default()))
        .id();
    let hips = world
        .spawn((
            Transform::from_xyz(0.0, 0.95, 0.0),
            Visibility::default(),
            ChildOf(avatar),
        ))
        .id();
    let spine = world
        .spawn((
            Transform::from_xyz(0.0, 0.4, 0.0),
            Visibility::default(),
            ChildOf(hips),
        ))
        .id();
    let avatar_mesh = world
        .spawn((
            Mesh3d(body),
            MeshMaterial3d(material.clone()),
            SkinnedMesh {
                inverse_bindposes: bind,
                joints: vec![hips, spine],
            },
            ChildOf(avatar),
        ))
        .id();
    let object = world
        .spawn((
            Transform::from_xyz(1.0, 0.9, 0.0),
            Visibility::default(),
            box_shape(),
        ))
        .id();
    let middle = world
        .spawn((
            Transform::from_xyz(0.0, 0.1, 0.0),
            Visibility::default(),
            ChildOf(object),
        ))
        .id();
    let object_mesh = world
        .spawn((
            Mesh3d(cube),
            MeshMaterial3d(material.clone()),
            Transform::from_xyz(0.0, -0.1, 0.0).with_scale(Vec3::new(1.0, 1.0, 1.2)),
            ChildOf(middle),
        ))
        .id();
    let interaction = InteractionPlayer {
        time: 1.0,
        paused: true,
        ..InteractionPlayer::new(clip).with_object(object)
    };
    world.entity_mut(avatar).insert((
        AvatarRig {
            rig: Arc::new(rig()),
            map: Default::default(),
            bones: vec![hips, spine],
            followers: Default::default(),
        },
        interaction,
    ));
    Stage {
        avatar,
        avatar_mesh,
        spine,
        object,
        object_mesh,
        material,
    }
}

fn show(app: &mut App, config: ChoisGizmos) {
    let mut store = app.world_mut().resource_mut::<GizmoConfigStore>();
    *store.config_mut::<ChoisGizmos>().1 = config;
}

fn drawn<T: Component>(app: &mut App) -> Vec<Entity> {
    let world = app.world_mut();
    let mut query = world.query_filtered::<Entity, (With<DebugDrawing>, With<T>)>();
    query.iter(world).collect()
}

fn meshes(app: &mut App) -> usize {
    drawn::<Mesh3d>(app).len()
}

type Skin = MeshMaterial3d<ContactHeatMaterial>;
type Lying = MeshMaterial3d<RibbonMaterial>;
type Ghostly = MeshMaterial3d<GhostMaterial>;

fn heat() -> ChoisGizmos {
    ChoisGizmos {
        contact_heat: Some(ContactHeat::default()),
        ..default()
    }
}

fn ghosts(times: GhostTimes) -> ChoisGizmos {
    ChoisGizmos {
        ghosts: Some(Ghosts { times, ..default() }),
        ..default()
    }
}

#[test]
fn a_server_has_the_settings_and_nothing_else() {
    let mut app = engine(&assets());
    app.add_plugins((ClipPlugin, DebugDrawPlugin));
    let world = app.world_mut();
    let clip = world
        .resource_mut::<Assets<MotionClip>>()
        .add(MotionClip::from(motion()));
    world.spawn((
        Transform::default(),
        InteractionPlayer::new(clip),
        DebugDraw::always(),
    ));
    show(&mut app, ChoisGizmos::all());
    tick_times(&mut app, 3);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
    // Twice the settings is once the settings.
    let store = app.world().resource::<GizmoConfigStore>();
    assert_eq!(*store.config::<ChoisGizmos>().1, ChoisGizmos::all());
}

#[test]
fn nothing_is_drawn_unless_asked_for() {
    let mut app = app_without_device();
    stage(&mut app);
    tick_times(&mut app, 3);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
    show(&mut app, ChoisGizmos::all());
    tick_times(&mut app, 3);
    assert!(meshes(&mut app) > 5);
    show(&mut app, ChoisGizmos::default());
    tick_times(&mut app, 2);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
    // What they were drawn with has gone too.
    let world = app.world();
    assert!(world.resource::<Assets<ContactHeatMaterial>>().is_empty());
    assert!(world.resource::<Assets<RibbonMaterial>>().is_empty());
    assert!(world.resource::<Assets<GhostMaterial>>().is_empty());
}

#[test]
fn heat_covers_meshes_and_leaves_them_as_they_are() {
    let mut app = app_without_device();
    let stage = stage(&mut app);
    tick_times(&mut app, 2);
    let look = |app: &App| {
        [stage.avatar_mesh, stage.object_mesh].map(|mesh| {
            let entity = app.world().entity(mesh);
            let names: Vec<_> = entity.archetype().components().to_vec();
            let material = entity.get::<MeshMaterial3d<StandardMaterial>>().cloned();
            (names, material, entity.get::<Children>().is_some())
        })
    };
    let before = look(&app);
    show(&mut app, heat());
    tick_times(&mut app, 3);
    assert_eq!(drawn::<Skin>(&mut app).len(), 2);
    assert!(before == look(&app));

    // The skin of the hands bends with the avatar's own joints; that of the object stands where its mesh stands.
    let place = app
        .world()
        .get::<GlobalTransform>(stage.object_mesh)
        .copied();
    let world = app.world_mut();
    let mut skins = world.query_filtered::<(&GlobalTransform, Option<&SkinnedMesh>), With<Skin>>();
    let (bent, rigid): (Vec<_>, Vec<_>) = skins.iter(world).partition(|s| s.1.is_some());
    assert_eq!((bent.len(), rigid.len()), (1, 1));
    assert_eq!(bent[0].1.expect("joints").joints[1], stage.spine);
    assert_eq!(Some(*rigid[0].0), place);
    let mut moved = app
        .world_mut()
        .get_mut::<Transform>(stage.object)
        .expect("an object");
    moved.translation.x = 7.0;
    tick(&mut app);
    let world = app.world_mut();
    let mut skins = world.query_filtered::<&GlobalTransform, (With<Skin>, Without<SkinnedMesh>)>();
    assert!((skins.single(world).expect("one").translation().x - 7.0).abs() < 1e-5);

    // The game may change the material, even for another kind, and the mesh.
    #[derive(Asset, TypePath, bevy::render::render_resource::AsBindGroup, Clone)]
    struct Nothing {}
    impl bevy::pbr::MaterialExtension for Nothing {}
    let other: Handle<ExtendedMaterial<StandardMaterial, Nothing>> = Handle::default();
    let sphere = app
        .world_mut()
        .resource_mut::<Assets<Mesh>>()
        .add(Sphere::new(0.2));
    let mut mesh = app.world_mut().entity_mut(stage.object_mesh);
    mesh.remove::<MeshMaterial3d<StandardMaterial>>();
    mesh.insert((MeshMaterial3d(other), Mesh3d(sphere.clone())));
    tick_times(&mut app, 2);
    let skins = drawn::<Skin>(&mut app);
    assert_eq!(skins.len(), 2);
    let has = |e: &Entity| app.world().get::<Mesh3d>(*e).is_some_and(|m| m.0 == sphere);
    assert_eq!(skins.iter().filter(|e| has(e)).count(), 1);
    assert!(
        app.world()
            .resource::<Assets<StandardMaterial>>()
            .contains(&stage.material)
    );
}

#[test]
fn heat_knows_the_palms() {
    let mut app = app_without_device();
    let stage = stage(&mut app);
    show(&mut app, heat());
    tick_times(&mut app, 3);
    let told = |app: &App| -> Vec<_> {
        let materials = app.world().resource::<Assets<ContactHeatMaterial>>();
        materials.iter().map(|(_, m)| m.heat).collect()
    };
    let heats = told(&app);
    assert_eq!(heats.len(), 2);
    let motion = motion();
    let joint = chois::skeleton::joint::LEFT_PALM;
    let palm = bevy_chois::frame::vec3(motion.joints(30)[joint]);
    let reach = ContactHeat::default().reach;
    for heat in &heats {
        assert!(heat.palms[0].truncate().distance(palm) < 1e-4);
        assert!((0.3..0.9).contains(&heat.palms[0].w), "{}", heat.palms[0].w);
        assert_eq!(heat.style.x, reach);
    }
    // The distance to the box, measured by hand: the object is where the clip says.
    let local = palm - Vec3::new(1.0, 0.9, 0.0);
    let outside = (local.abs() - Vec3::splat(0.15)).max(Vec3::ZERO).length();
    assert!(
        (heats[0].gaps.x - outside).abs() < 1e-3,
        "{} {outside}",
        heats[0].gaps.x
    );
    let mut playing = app
        .world_mut()
        .get_mut::<InteractionPlayer>(stage.avatar)
        .expect("playing");
    playing.time = 2.0;
    tick(&mut app);
    assert!(told(&app).iter().all(|heat| heat.palms[1].w == 1.0));
}

#[test]
fn of_a_person_only_the_hands_glow() {
    let mut app = app_without_device();
    app.add_plugins(AvatarPlugin);
    let server = app.world().resource::<AssetServer>().clone();
    let world = app.world_mut();
    let clip = world
        .resource_mut::<Assets<MotionClip>>()
        .add(MotionClip::from(motion()));
    let person = Avatar::from_gltf(&server, "avatars/woman.glb");
    let avatar = world.spawn((person, InteractionPlayer::new(clip))).id();
    let came = tick_until(&mut app, 60.0, |world| {
        world.get::<AvatarRig>(avatar).is_some()
    });
    assert!(came, "no rig");
    show(&mut app, heat());
    tick_times(&mut app, 3);

    let world = app.world_mut();
    let triangles = |world: &World, mesh: &Mesh3d| {
        let mesh = world.resource::<Assets<Mesh>>().get(mesh);
        mesh.and_then(|m| m.indices()).map_or(0, |i| i.len() / 3)
    };
    let mut skins = world.query_filtered::<&Mesh3d, With<Skin>>();
    let mut bodies = world.query_filtered::<&Mesh3d, (With<SkinnedMesh>, Without<DebugDrawing>)>();
    let hot: usize = skins.iter(world).map(|m| triangles(world, m)).sum();
    let all: usize = bodies.iter(world).map(|m| triangles(world, m)).sum();
    assert!(hot > 100 && hot < all / 2, "{hot} of {all} triangles");

    // Palms are those of the person, not those of the clip, whose arms are elsewhere.
    let rig = world.get::<AvatarRig>(avatar).expect("a rig").clone();
    let materials = world.resource::<Assets<ContactHeatMaterial>>();
    let (_, material) = materials.iter().next().expect("a material");
    assert_eq!((materials.len(), material.heat.style.w), (1, 2.0));
    for (side, palm) in Side::BOTH.into_iter().zip(material.heat.palms) {
        let hand = rig.map.bone(BodyPart::Hand(side)).expect("a hand");
        let place = world.get::<GlobalTransform>(rig.bones[hand]);
        let away = place
            .expect("a place")
            .translation()
            .distance(palm.truncate());
        assert!((0.03..0.12).contains(&away), "{away} m from the wrist");
    }
}

#[test]
fn things_may_go_at_any_time() {
    let gone: [(&str, fn(&Stage) -> Entity); 5] = [
        ("object", |s| s.object),
        ("avatar", |s| s.avatar),
        ("spine", |s| s.spine),
        ("avatar mesh", |s| s.avatar_mesh),
        ("object mesh", |s| s.object_mesh),
    ];
    for (what, entity) in gone {
        let mut app = app_without_device();
        let stage = stage(&mut app);
        show(&mut app, ChoisGizmos::all());
        tick_times(&mut app, 3);
        let before = meshes(&mut app);
        app.world_mut().entity_mut(entity(&stage)).despawn();
        tick_times(&mut app, 3);
        let after = meshes(&mut app);
        if what == "avatar" {
            assert_eq!(drawn::<DebugDrawing>(&mut app), [], "{what}");
        } else if what != "spine" {
            assert!(after < before, "{what}: {before} to {after}");
        }
    }
    // The drawing itself may be despawned, and the clip unloaded.
    let mut app = app_without_device();
    let stage = stage(&mut app);
    show(&mut app, ChoisGizmos::all());
    tick_times(&mut app, 3);
    for entity in drawn::<DebugDrawing>(&mut app) {
        app.world_mut().despawn(entity);
    }
    tick_times(&mut app, 3);
    let clip = app
        .world()
        .get::<InteractionPlayer>(stage.avatar)
        .expect("playing")
        .clip
        .clone();
    app.world_mut()
        .resource_mut::<Assets<MotionClip>>()
        .remove(&clip);
    tick_times(&mut app, 3);
    assert_eq!(drawn::<Ghostly>(&mut app), []);
    assert_eq!(drawn::<Lying>(&mut app), []);
}

#[test]
fn one_entity_may_differ_and_one_switch_ends_it_all() {
    let mut app = app_without_device();
    let stage = stage(&mut app);
    let own = DebugDraw {
        contact_heat: Show::Always(ContactHeat {
            hands: false,
            ..default()
        }),
        ghosts: Show::Never,
        ..default()
    };
    app.world_mut().entity_mut(stage.avatar).insert(own);
    tick_times(&mut app, 2);
    assert_eq!(drawn::<Skin>(&mut app).len(), 1);
    show(&mut app, ChoisGizmos::all());
    tick_times(&mut app, 2);
    assert_eq!(drawn::<Skin>(&mut app).len(), 1);
    assert_eq!(drawn::<Ghostly>(&mut app), []);
    assert_eq!(drawn::<Lying>(&mut app).len(), 1);
    app.world_mut()
        .entity_mut(stage.avatar)
        .insert(DebugDraw::never());
    tick_times(&mut app, 2);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
    app.world_mut()
        .entity_mut(stage.avatar)
        .insert(DebugDraw::always());
    tick_times(&mut app, 2);
    assert!(meshes(&mut app) > 3);
    let mut store = app.world_mut().resource_mut::<GizmoConfigStore>();
    store.config_mut::<ChoisGizmos>().0.enabled = false;
    tick_times(&mut app, 2);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
}

#[test]
fn waypoints_lie_on_the_floor_as_they_are_set() {
    let mut app = app_without_device();
    let places = [Vec3::ZERO, Vec3::X, Vec3::new(1.0, 0.0, 2.0)];
    let set = app
        .world_mut()
        .spawn(WaypointRibbon::even(places, 4.0))
        .id();
    tick(&mut app);
    assert_eq!(drawn::<Lying>(&mut app), []);
    show(
        &mut app,
        ChoisGizmos {
            ribbon: Some(Ribbon::default()),
            ..default()
        },
    );
    tick_times(&mut app, 2);
    let uniform = |app: &mut App| {
        let ribbons = drawn::<Lying>(app);
        assert_eq!(ribbons.len(), 1);
        let handle = app
            .world()
            .get::<Lying>(ribbons[0])
            .expect("a material")
            .0
            .clone();
        let materials = app.world().resource::<Assets<RibbonMaterial>>();
        materials.get(&handle).expect("a material").ribbon
    };
    let length = uniform(&mut app).extent.y;
    // The corner is rounded.
    assert!((2.8..=3.0).contains(&length), "{length}");
    let mut ribbon = app.world_mut().get_mut::<WaypointRibbon>(set).expect("set");
    ribbon.points.truncate(2);
    tick(&mut app);
    assert!((uniform(&mut app).extent.y - 1.0).abs() < 1e-3);
    let mut ribbon = app.world_mut().get_mut::<WaypointRibbon>(set).expect("set");
    ribbon.points[0].position = Vec3::NAN;
    tick(&mut app);
    assert_eq!(
        uniform(&mut app).marks.w,
        0.0,
        "nothing to show is invisible"
    );
    app.world_mut().despawn(set);
    tick(&mut app);
    assert_eq!(drawn::<DebugDrawing>(&mut app), []);
}

#[test]
fn ghosts_stand_as_the_clip_says() {
    let mut app = app_without_device();
    let stage = stage(&mut app);
    show(&mut app, ghosts(GhostTimes::At(vec![0.0, 0.5, 2.0])));
    tick_times(&mut app, 3);
    // Two passes each for the body and the object's mesh.
    assert_eq!(drawn::<Ghostly>(&mut app).len(), 3 * 2 * 2);
    let world = app.world_mut();
    let mut skins = world.query_filtered::<&SkinnedMesh, With<DebugDrawing>>();
    let joints: Vec<Entity> = skins.iter(world).map(|s| s.joints[1]).collect();
    assert!(
        !joints.contains(&stage.spine),
        "ghosts have bones of their own"
    );
    let mut leans: Vec<f32> = joints
        .iter()
        .map(|j| {
            world
                .get::<Transform>(*j)
                .expect("a bone")
                .rotation
                .to_axis_angle()
                .1
        })
        .collect();
    leans.sort_by(f32::total_cmp);
    leans.dedup_by(|a, b| (*a - *b).abs() < 1e-4);
    assert_eq!(leans.len(), 3);
    assert!(
        (leans[1] - 0.15).abs() < 1e-3 && (leans[2] - 0.6).abs() < 1e-3,
        "{leans:?}"
    );
    let mut boxes = world
        .query_filtered::<&GlobalTransform, (With<Ghostly>, Without<SkinnedMesh>)>()
        .iter(world)
        .map(|place| place.translation().x)
        .collect::<Vec<_>>();
    boxes.sort_by(f32::total_cmp);
    boxes.dedup();
    assert_eq!(boxes.len(), 3);
    assert!(
        (boxes[1] - 0.5).abs() < 1e-4 && (boxes[2] - 2.0).abs() < 1e-4,
        "{boxes:?}"
    );

    show(&mut app, ghosts(GhostTimes::Count(2)));
    tick_times(&mut app, 2);
    assert_eq!(drawn::<Ghostly>(&mut app).len(), 2 * 2 * 2);
    show(&mut app, ghosts(GhostTimes::Around(vec![-0.5, 5.0])));
    tick_times(&mut app, 2);
    let near = world_boxes(&mut app);
    assert!(near.iter().any(|x| (x - 0.5).abs() < 1e-4), "{near:?}");
    let mut playing = app
        .world_mut()
        .get_mut::<InteractionPlayer>(stage.avatar)
        .expect("playing");
    playing.time = 1.5;
    tick_times(&mut app, 2);
    let near = world_boxes(&mut app);
    assert!(near.iter().any(|x| (x - 1.0).abs() < 1e-4), "{near:?}");
}

fn world_boxes(app: &mut App) -> Vec<f32> {
    let world = app.world_mut();
    let mut boxes =
        world.query_filtered::<&GlobalTransform, (With<Ghostly>, Without<SkinnedMesh>)>();
    boxes
        .iter(world)
        .map(|place| place.translation().x)
        .collect()
}

/// All flags of a type of flags.
fn all<T: FromIterator<T> + Not<Output = T>>() -> T {
    !std::iter::empty::<T>().collect::<T>()
}

#[test]
fn shaders_compose_and_are_valid() {
    let mut app = app_without_device();
    let server = app.world().resource::<AssetServer>().clone();
    let ours = [
        (CONTACT_HEAT_SHADER, &[][..]),
        (RIBBON_SHADER, &["VERTEX_UVS_B"][..]),
        (GHOST_SHADER, &["DEPTH_ONLY"][..]),
    ]
    .map(|(address, own)| (server.load::<Shader>(address), address, own));
    let loaded = |world: &mut World| {
        let server = world.resource::<AssetServer>();
        let done = |h: &Handle<Shader>| matches!(server.get_load_state(h), Some(LoadState::Loaded));
        // Bevy's own files load beside ours.
        ours.iter().all(|(h, ..)| done(h)) && world.resource::<Assets<Shader>>().len() > 60
    };
    assert!(
        tick_until(&mut app, 60.0, loaded),
        "the shaders did not load"
    );
    tick_times(&mut app, 20);

    let mut cache: ShaderCache<(), ()> =
        ShaderCache::new((), WgpuFeatures::all(), all(), |_, _, _| Ok(()));
    let shaders = app.world().resource::<Assets<Shader>>();
    for (id, shader) in shaders.iter() {
        cache.set_shader(id, shader.clone());
    }
    let on = |name: &str| ShaderDefVal::Bool(name.into(), true);
    let number = |name: &str, value| ShaderDefVal::UInt(name.into(), value);
    let always = || {
        vec![
            number("MATERIAL_BIND_GROUP", 3),
            number("AVAILABLE_STORAGE_BUFFER_BINDINGS", 8),
            on("VERTEX_POSITIONS"),
            on("VIEW_PROJECTION_PERSPECTIVE"),
        ]
    };
    for (handle, address, own) in &ours {
        let mut sets = vec![always()];
        for extra in [
            &["VERTEX_NORMALS"][..],
            &[
                "VERTEX_NORMALS",
                "VERTEX_UVS",
                "VERTEX_UVS_A",
                "MULTISAMPLED",
            ],
        ] {
            let mut defs = always();
            defs.extend(extra.iter().map(|name| on(name)));
            sets.push(defs);
        }
        if *address == RIBBON_SHADER {
            // A ribbon's mesh always has both sets of coordinates.
            sets.iter_mut()
                .for_each(|s| s.extend([on("VERTEX_UVS_A"), on("VERTEX_UVS_B")]));
        }
        let mut with_own = sets.clone();
        with_own
            .iter_mut()
            .for_each(|s| s.extend(own.iter().map(|name| on(name))));
        sets.extend(with_own);
        for (i, defs) in sets.into_iter().enumerate() {
            if let Err(error) = cache.get(i, handle.id(), &defs) {
                panic!("{address} with {defs:?}: {error}");
            }
        }
    }
}
