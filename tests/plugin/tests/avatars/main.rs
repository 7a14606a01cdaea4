//! Avatars: bones are found in whatever skinned scene comes, shared, and refused with a reason.

mod bad_files;

use std::path::Path;
use std::sync::{Arc, Mutex};

use bevy::camera::visibility::{DynamicSkinnedMeshBounds, NoFrustumCulling};
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy_chois::avatar::{
    Avatar, AvatarBone, AvatarOverrides, AvatarPlugin, AvatarReady, AvatarRefused, AvatarRig,
};
use bevy_chois_tests::person::{Person, glb};
use bevy_chois_tests::{Heard, assets, engine, hear, heard, tick, tick_times, tick_until};
use chois::retarget::{BodyPart, Facing, Naming, RigOverrides, Side};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Seconds that anything may take.
const PATIENCE: f32 = 30.0;

fn app(folder: &Path) -> App {
    let mut app = engine(folder);
    app.add_plugins(AvatarPlugin);
    hear::<AvatarReady>(&mut app);
    hear::<AvatarRefused>(&mut app);
    app
}

/// An app whose assets are one file, `person.glb`.
fn app_with(file: &[u8]) -> (App, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("person.glb"), file).expect("a file");
    (app(folder.path()), folder)
}

fn spawn(app: &mut App, path: &'static str) -> Entity {
    let server = app.world().resource::<AssetServer>().clone();
    app.world_mut().spawn(Avatar::from_gltf(&server, path)).id()
}

/// Waits for the bones of an avatar.
fn rig(app: &mut App, avatar: Entity) -> AvatarRig {
    let came = tick_until(app, PATIENCE, |world| {
        world.get::<AvatarRig>(avatar).is_some()
            || !world.resource::<Heard<AvatarRefused>>().0.is_empty()
    });
    let refused = heard::<AvatarRefused>(app);
    assert!(came && refused.is_empty(), "no rig; {refused:?}");
    app.world()
        .get::<AvatarRig>(avatar)
        .cloned()
        .expect("it came")
}

/// Waits for the refusal of an avatar, which comes once.
fn refusal(app: &mut App, avatar: Entity) -> String {
    let came = tick_until(app, PATIENCE, |world| {
        let heard = world.resource::<Heard<AvatarRefused>>();
        heard.0.iter().any(|r| r.entity == avatar)
    });
    assert!(came, "no refusal; {:?}", heard::<AvatarReady>(app));
    tick_times(app, 5);
    assert!(app.world().get::<AvatarRig>(avatar).is_none());
    let mut told = heard::<AvatarRefused>(app);
    told.retain(|r| r.entity == avatar);
    assert_eq!(told.len(), 1, "told once: {told:?}");
    told.remove(0).reason
}

/// The bones of a file that is an avatar.
fn rig_of(file: &[u8]) -> AvatarRig {
    let (mut app, _folder) = app_with(file);
    let avatar = spawn(&mut app, "person.glb");
    rig(&mut app, avatar)
}

/// The refusal of a file that is none.
fn refusal_of(file: &[u8]) -> String {
    let (mut app, _folder) = app_with(file);
    let avatar = spawn(&mut app, "person.glb");
    refusal(&mut app, avatar)
}

/// A person's file with something changed.
fn changed(person: &Person, change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<u8> {
    let (mut document, mut blob) = person.document();
    change(&mut document, &mut blob);
    glb(&document, &blob)
}

fn name(rig: &AvatarRig, part: BodyPart) -> &str {
    let bone = rig.map.bone(part);
    bone.map_or("none", |b| &rig.rig.bones[b].name)
}

#[test]
fn the_mannequin_is_ready() {
    let mut app = app(&assets());
    let triggered = Arc::new(Mutex::new(Vec::new()));
    let write = Arc::clone(&triggered);
    app.add_observer(move |event: On<AvatarReady>| {
        write.lock().expect("nobody panicked").push(event.entity);
    });
    let avatar = spawn(&mut app, "avatars/mannequin.glb");
    let rig = rig(&mut app, avatar);
    assert_eq!(rig.bones.len(), rig.rig.bones.len());
    for (index, (entity, bone)) in rig.bones.iter().zip(&rig.rig.bones).enumerate() {
        let name = app.world().get::<Name>(*entity).expect("a name");
        assert_eq!(name.as_str(), bone.name);
        assert!(bone.parent.is_none_or(|p| p < index));
        let mark = app.world().get::<AvatarBone>(*entity);
        assert_eq!(mark, Some(&AvatarBone { avatar, index }));
        let parent = app.world().get::<ChildOf>(*entity).expect("a parent");
        match bone.parent {
            Some(p) => assert_eq!(parent.parent(), rig.bones[p]),
            None => assert_eq!(parent.parent(), avatar),
        }
    }
    for part in [
        BodyPart::Hips,
        BodyPart::Head,
        BodyPart::Hand(Side::Left),
        BodyPart::Foot(Side::Right),
    ] {
        assert!(rig.map.bone(part).is_some(), "{part}");
    }
    tick(&mut app);
    let ready = heard::<AvatarReady>(&app);
    assert_eq!(ready.len(), 1);
    assert!(
        ready[0].report.contains("parts found"),
        "{}",
        ready[0].report
    );
    assert_eq!(*triggered.lock().expect("nobody panicked"), [avatar]);
    // Bounds follow the joints.
    let mut skins = app
        .world_mut()
        .query_filtered::<(Has<DynamicSkinnedMeshBounds>, Has<NoFrustumCulling>), With<SkinnedMesh>>();
    let skins: Vec<_> = skins.iter(app.world()).collect();
    assert!(!skins.is_empty());
    assert!(skins.iter().all(|(follows, never)| *follows && !never));
}

#[test]
fn everybody_who_is_shipped_is_ready() {
    let mut app = app(&assets());
    for path in ["avatars/woman.glb", "avatars/man.glb", "avatars/elder.glb"] {
        let avatar = spawn(&mut app, path);
        let rig = rig(&mut app, avatar);
        let missing: Vec<_> = rig
            .map
            .missing()
            .filter(|p| p.required())
            .map(|p| p.to_string())
            .collect();
        assert!(missing.is_empty(), "{path}: {missing:?}");
    }
}

#[test]
fn sixty_four_of_a_kind_share_what_was_found() {
    let (mut app, _folder) = app_with(&Person::default().glb());
    let avatars: Vec<Entity> = (0..64).map(|_| spawn(&mut app, "person.glb")).collect();
    let rigs: Vec<AvatarRig> = avatars.iter().map(|a| rig(&mut app, *a)).collect();
    let mut bones: Vec<Entity> = Vec::new();
    for other in &rigs {
        assert!(Arc::ptr_eq(&other.rig, &rigs[0].rig));
        assert!(Arc::ptr_eq(&other.map, &rigs[0].map));
        bones.extend(&other.bones);
    }
    bones.sort_unstable();
    bones.dedup();
    assert_eq!(bones.len(), 64 * rigs[0].bones.len());
    tick(&mut app);
    assert_eq!(heard::<AvatarReady>(&app).len(), 64);
}

#[test]
fn a_posed_file_is_measured_in_its_bind_pose() {
    let plain = rig_of(&Person::default().glb());
    let mut posed = Person {
        armature_scale: 0.01,
        ..Person::default()
    };
    let down = Quat::from_rotation_z(1.3);
    posed.turn("LeftUpperArm", down.inverse());
    posed.turn("RightUpperArm", down);
    posed.turn("Spine", Quat::from_rotation_x(0.4));
    let found = rig_of(&posed.glb());
    assert_eq!(found.map.missing().count(), plain.map.missing().count());
    let (want, have) = (plain.rig.placed(), found.rig.placed());
    assert_eq!(want.len(), have.len());
    for (a, b) in want.iter().zip(&have) {
        assert!((a.position - b.position).norm() < 1e-4);
    }
    // The floor is where the skin ends, not where the bones do.
    assert!((found.map.floor - 0.02).abs() < 1e-4, "{}", found.map.floor);
}

#[test]
fn scaled_entities_do_not_change_the_rig() {
    let (mut app, _folder) = app_with(&Person::default().glb());
    let plain = spawn(&mut app, "person.glb");
    let parent = app
        .world_mut()
        .spawn((
            Transform::from_scale(Vec3::splat(3.0)),
            Visibility::default(),
        ))
        .id();
    let scaled = spawn(&mut app, "person.glb");
    app.world_mut().entity_mut(scaled).insert((
        Transform::from_scale(Vec3::splat(0.5)).with_rotation(Quat::from_rotation_y(1.0)),
        ChildOf(parent),
    ));
    let (a, b) = (rig(&mut app, plain), rig(&mut app, scaled));
    assert!(Arc::ptr_eq(&a.rig, &b.rig));
}

#[test]
fn the_scene_may_be_on_a_child_and_things_may_hang_on_bones() {
    let (mut app, _folder) = app_with(&Person::default().glb());
    let plain = spawn(&mut app, "person.glb");
    let want = rig(&mut app, plain);
    let avatar = app.world_mut().spawn(Avatar::default()).id();
    let child = spawn(&mut app, "person.glb");
    app.world_mut()
        .entity_mut(child)
        .remove::<Avatar>()
        .insert((ChildOf(avatar), Name::new("body")));
    let have = rig(&mut app, avatar);
    assert_eq!(have.rig.bones.len(), want.rig.bones.len() + 1);
    assert_eq!(have.rig.bones[0].name, "body");
    // Another avatar on the hand of the first, and a hat with a skeleton of its own.
    let hand = want.map.bone(BodyPart::Hand(Side::Left)).expect("a hand");
    let rider = spawn(&mut app, "person.glb");
    app.world_mut()
        .entity_mut(rider)
        .insert(ChildOf(want.bones[hand]));
    let hat = spawn(&mut app, "person.glb");
    app.world_mut()
        .entity_mut(hat)
        .remove::<Avatar>()
        .insert(ChildOf(want.bones[hand]));
    assert!(Arc::ptr_eq(&rig(&mut app, rider).rig, &want.rig));
    tick_times(&mut app, 5);
    assert_eq!(rig(&mut app, plain).bones, want.bones);
}

#[test]
fn clothes_may_share_the_skeleton_or_bring_a_copy() {
    let person = Person::default();
    // A jacket with a skin of its own over some of the same joints.
    let shared = changed(&person, |document, _| {
        let nodes = document["nodes"].as_array_mut().expect("nodes");
        nodes.push(json!({ "name": "Jacket", "mesh": 0, "skin": 1 }));
        let last = nodes.len() - 1;
        let roots = document["scenes"][0]["nodes"].as_array_mut();
        roots.expect("nodes").push(json!(last));
        let joints = document["skins"][0]["joints"].as_array().cloned();
        let mut skin = json!({ "joints": joints.expect("joints")[..4], "inverseBindMatrices": 4 });
        skin["skeleton"] = json!(1);
        document["skins"].as_array_mut().expect("skins").push(skin);
        let mut matrices = document["accessors"][3].clone();
        matrices["count"] = json!(4);
        document["accessors"]
            .as_array_mut()
            .expect("accessors")
            .push(matrices);
    });
    let want = rig_of(&person.glb());
    let found = rig_of(&shared);
    assert_eq!(found.rig, want.rig);
    assert!(found.followers.is_empty());
    // The same with a copy of every bone but the head's.
    let copied = changed(&person, |document, _| {
        let nodes = document["nodes"].as_array_mut().expect("nodes");
        let first = nodes.len();
        let mut copies = nodes[..first - 1].to_vec();
        copies.retain(|n| n["name"] != "Head");
        let moved = |i: u64| -> usize {
            let head = 6;
            first + i as usize - usize::from(i > head)
        };
        for copy in &mut copies {
            let name = copy["name"].as_str().map(|n| format!("{n}.001"));
            copy["name"] = json!(name);
            let children = copy["children"].as_array().cloned().unwrap_or_default();
            let children: Vec<usize> = children
                .iter()
                .filter_map(Value::as_u64)
                .filter(|i| *i != 6)
                .map(moved)
                .collect();
            match children.is_empty() {
                true => copy.as_object_mut().and_then(|c| c.remove("children")),
                false => copy.get_mut("children").map(|c| c.take()),
            };
            if !children.is_empty() {
                copy["children"] = json!(children);
            }
        }
        let count = copies.len();
        nodes.extend(copies);
        nodes.push(json!({ "name": "Suit", "mesh": 0, "skin": 1 }));
        let suit = nodes.len() - 1;
        let roots = document["scenes"][0]["nodes"].as_array_mut();
        roots.expect("nodes").extend([json!(first), json!(suit)]);
        let joints: Vec<usize> = (first + 1..first + count).collect();
        let skin = json!({ "joints": joints });
        document["skins"].as_array_mut().expect("skins").push(skin);
    });
    let (mut app, _folder) = app_with(&copied);
    let avatar = spawn(&mut app, "person.glb");
    let found = rig(&mut app, avatar);
    assert_eq!(found.rig, want.rig);
    assert_eq!(found.followers.len(), 21);
    for (entity, bone) in &found.followers {
        let follower = app.world().get::<Name>(*entity).expect("a name");
        assert_eq!(
            follower.as_str(),
            format!("{}.001", found.rig.bones[*bone].name)
        );
        let (a, b) = (
            app.world().get::<Transform>(*entity),
            app.world().get::<Transform>(found.bones[*bone]),
        );
        assert_eq!(a, b);
    }
    // What moves a bone moves the clothes on it.
    let knee = found
        .rig
        .bones
        .iter()
        .position(|b| b.name == "LeftLowerLeg");
    let knee = knee.expect("a knee");
    let bent = Transform::from_rotation(Quat::from_rotation_x(1.0));
    app.world_mut().entity_mut(found.bones[knee]).insert(bent);
    tick(&mut app);
    let follower = found.followers.iter().find(|(_, bone)| *bone == knee);
    let (follower, _) = follower.expect("a trouser leg");
    assert_eq!(app.world().get::<Transform>(*follower), Some(&bent));
}

/// A person whose bones say nothing.
fn nameless() -> Person {
    let mut person = Person::default();
    for (i, joint) in person.joints.iter_mut().enumerate() {
        joint.name = format!("Bone.{i:03}");
    }
    person
}

const PARTS: [(&str, &str, &str); 16] = [
    ("Hips", "hips", "hips"),
    ("Spine", "spine", "spine"),
    ("Neck", "neck", "neck"),
    ("Head", "head", "head"),
    ("LeftUpperArm", "leftUpperArm", "left_upper_arm"),
    ("LeftLowerArm", "leftLowerArm", "left_lower_arm"),
    ("LeftHand", "leftHand", "left_hand"),
    ("RightUpperArm", "rightUpperArm", "right_upper_arm"),
    ("RightLowerArm", "rightLowerArm", "right_lower_arm"),
    ("RightHand", "rightHand", "right_hand"),
    ("LeftUpperLeg", "leftUpperLeg", "left_upper_leg"),
    ("LeftLowerLeg", "leftLowerLeg", "left_lower_leg"),
    ("LeftFoot", "leftFoot", "left_foot"),
    ("RightUpperLeg", "rightUpperLeg", "right_upper_leg"),
    ("RightLowerLeg", "rightLowerLeg", "right_lower_leg"),
    ("RightFoot", "rightFoot", "right_foot"),
];

#[test]
fn vrm_files_are_believed() {
    let named = Person::default();
    let bones = PARTS.map(|(name, vrm, _)| (vrm, named.node(name).expect("a node")));
    let one: Vec<_> = bones
        .iter()
        .map(|(vrm, node)| ((*vrm).to_owned(), json!({ "node": node })))
        .collect();
    let one = json!({ "VRMC_vrm": { "specVersion": "1.0", "humanoid": {
        "humanBones": Value::Object(one.into_iter().collect()),
    } } });
    let zero = bones
        .iter()
        .map(|(vrm, node)| json!({ "bone": vrm, "node": node }));
    let zero = json!({ "VRM": { "humanoid": { "humanBones": zero.collect::<Vec<_>>() } } });
    let folder = tempfile::tempdir().expect("a folder");
    for (file, extensions) in [("one.vrm", one), ("zero.vrm", zero)] {
        let person = Person {
            extensions,
            ..nameless()
        };
        std::fs::write(folder.path().join(file), person.glb()).expect("a file");
    }
    let mut app = app(folder.path());
    let hand = named.index("LeftHand").expect("a hand");
    let avatar = spawn(&mut app, "one.vrm");
    let found = rig(&mut app, avatar);
    assert_eq!(found.map.naming, Naming::Vrm);
    assert_eq!(
        name(&found, BodyPart::Hand(Side::Left)),
        format!("Bone.{hand:03}")
    );
    assert!(found.map.facing.z > 0.9);
    // VRM 0 says that people face the other way.
    let avatar = spawn(&mut app, "zero.vrm");
    let found = rig(&mut app, avatar);
    assert!(found.map.facing.z < -0.9, "{}", found.map.facing);
}

#[test]
fn overrides_have_the_last_word() {
    let named = Person::default();
    let mut text = "(bones: {".to_owned();
    for (bone, _, part) in PARTS {
        let index = named.index(bone).expect("a bone");
        text += &format!("\"{part}\": \"Bone.{index:03}\", ");
    }
    text += "}, facing: Some(PlusZ))";
    let folder = tempfile::tempdir().expect("a folder");
    for (file, bytes) in [
        ("person.glb", nameless().glb()),
        ("good.rig.ron", text.into_bytes()),
        ("bad.rig.ron", b"(bones: {\"wing\": \"x\"})".to_vec()),
        ("wrong.rig.ron", b"(bones: {\"hips\": \"Nobody\"})".to_vec()),
    ] {
        std::fs::write(folder.path().join(file), bytes).expect("a file");
    }
    let mut app = app(folder.path());
    let server = app.world().resource::<AssetServer>().clone();
    let with = |app: &mut App, overrides: Handle<AvatarOverrides>| {
        let avatar = spawn(app, "person.glb");
        app.world_mut()
            .entity_mut(avatar)
            .insert(Avatar::default().with_overrides(overrides));
        avatar
    };
    let good: Handle<AvatarOverrides> = server.load("good.rig.ron");
    let avatar = with(&mut app, good.clone());
    let found = rig(&mut app, avatar);
    let hand = named.index("RightHand").expect("a hand");
    assert_eq!(
        name(&found, BodyPart::Hand(Side::Right)),
        format!("Bone.{hand:03}")
    );
    assert!(found.map.facing.z > 0.9);
    // Changed overrides are read again.
    {
        let mut all = app.world_mut().resource_mut::<Assets<AvatarOverrides>>();
        let mut stored = all.get_mut(&good).expect("the overrides");
        stored.0.facing = Some(Facing::MinusZ);
    }
    let turned = tick_until(&mut app, PATIENCE, |world| {
        let rig = world.get::<AvatarRig>(avatar);
        rig.is_some_and(|r| r.map.facing.z < -0.9)
    });
    assert!(turned);
    // Made by code.
    let made = AvatarOverrides(RigOverrides {
        facing: Some(Facing::PlusX),
        ..RigOverrides::default()
    });
    let made = app
        .world_mut()
        .resource_mut::<Assets<AvatarOverrides>>()
        .add(made);
    let avatar = with(&mut app, made);
    assert!(rig(&mut app, avatar).map.facing.x > 0.9);
    let avatar = with(&mut app, server.load("bad.rig.ron"));
    let reason = refusal(&mut app, avatar);
    assert!(reason.contains("bad.rig.ron"), "{reason}");
    let avatar = with(&mut app, server.load("missing.rig.ron"));
    let reason = refusal(&mut app, avatar);
    assert!(reason.contains("missing.rig.ron"), "{reason}");
    let avatar = with(&mut app, server.load("wrong.rig.ron"));
    let reason = refusal(&mut app, avatar);
    assert!(reason.contains("Nobody"), "{reason}");
}

#[test]
fn lost_bones_take_the_rig_away_and_a_new_scene_brings_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut other = Person::default();
    other.add("Tail", "Hips", [0.0, 0.9, -0.2]);
    for (file, person) in [("person.glb", Person::default()), ("other.glb", other)] {
        std::fs::write(folder.path().join(file), person.glb()).expect("a file");
    }
    let mut app = app(folder.path());
    let avatar = spawn(&mut app, "person.glb");
    let first = rig(&mut app, avatar);
    let server = app.world().resource::<AssetServer>().clone();
    let scene = server.load(GltfAssetLabel::Scene(0).from_asset("other.glb"));
    app.world_mut()
        .entity_mut(avatar)
        .insert(WorldAssetRoot(scene));
    let second = tick_until(&mut app, PATIENCE, |world| {
        let rig = world.get::<AvatarRig>(avatar);
        rig.is_some_and(|r| r.rig.bones.len() == first.bones.len() + 1)
    });
    assert!(second);
    let second = rig(&mut app, avatar);
    assert!(
        second
            .bones
            .iter()
            .all(|b| app.world().get_entity(*b).is_ok())
    );
    // The scene goes while nobody looks.
    app.world_mut()
        .entity_mut(avatar)
        .despawn_related::<Children>();
    let reason = refusal(&mut app, avatar);
    assert!(reason.contains("no skeleton"), "{reason}");
}

#[test]
fn despawned_while_it_loads() {
    let (mut app, _folder) = app_with(&Person::default().glb());
    for ticks in 0..6 {
        let avatar = spawn(&mut app, "person.glb");
        tick_times(&mut app, ticks);
        app.world_mut().entity_mut(avatar).despawn();
    }
    let last = spawn(&mut app, "person.glb");
    rig(&mut app, last);
    app.world_mut().entity_mut(last).despawn();
    tick_times(&mut app, 3);
    assert!(heard::<AvatarRefused>(&app).is_empty());
}

#[test]
fn no_avatar_any_more() {
    let (mut app, _folder) = app_with(&Person::default().glb());
    let avatar = spawn(&mut app, "person.glb");
    let found = rig(&mut app, avatar);
    app.world_mut().entity_mut(avatar).remove::<AvatarRig>();
    assert_eq!(rig(&mut app, avatar).bones, found.bones, "found again");
    app.world_mut().entity_mut(avatar).remove::<Avatar>();
    tick_times(&mut app, 3);
    assert!(app.world().get::<AvatarRig>(avatar).is_none());
    assert!(app.world().get::<AvatarBone>(found.bones[3]).is_none());
}

#[test]
fn without_assets_nothing_breaks() {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, AvatarPlugin));
    app.world_mut().spawn(Avatar::default());
    tick_times(&mut app, 3);
}
