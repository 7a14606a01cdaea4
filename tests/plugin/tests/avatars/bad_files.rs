//! Files that are no avatar, or hardly one.

use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy_chois::avatar::{Avatar, AvatarReady};
use bevy_chois_tests::person::Person;
use bevy_chois_tests::{assets, heard, tick};
use chois::retarget::BodyPart;
use serde_json::{Value, json};

use crate::{app, app_with, changed, name, refusal, refusal_of, rig, rig_of, spawn};

#[test]
fn five_bones_are_too_few_and_five_hundred_are_not_too_many() {
    let mut stick = Person::default();
    stick.joints.truncate(5);
    let reason = refusal_of(&stick.glb());
    assert!(reason.contains("person.glb"), "{reason}");
    let mut hairy = Person::default();
    let mut above = "Head".to_owned();
    for i in 0..478u16 {
        let hair = format!("hair{i}");
        hairy.add(&hair, &above, [0.0, 1.6 + f32::from(i % 20) * 0.01, -0.1]);
        above = match i % 20 {
            19 => "Head".to_owned(),
            _ => hair,
        };
    }
    let rig = rig_of(&hairy.glb());
    // All of them, the armature, and the scene's own node.
    assert_eq!(rig.rig.bones.len(), 502);
    assert_eq!(name(&rig, BodyPart::Head), "Head");
}

#[test]
fn two_left_arms_are_refused() {
    let mut person = Person::default();
    for joint in &mut person.joints {
        joint.name = joint.name.replace("RightUpperArm", "LeftUpperArm");
        joint.name = joint.name.replace("RightLowerArm", "LeftLowerArm");
        joint.name = joint.name.replace("RightHand", "LeftHand");
        joint.name = joint.name.replace("RightShoulder", "LeftShoulder");
    }
    let reason = refusal_of(&person.glb());
    assert!(reason.contains("rm"), "{reason}");
}

#[test]
fn uneven_scale_is_refused() {
    let file = changed(&Person::default(), |document, _| {
        document["nodes"][0]["scale"] = json!([1.0, 1.5, 1.0]);
        // Without these, the nodes' pose is the bind pose.
        document["skins"][0]
            .as_object_mut()
            .expect("a skin")
            .remove("inverseBindMatrices");
    });
    let reason = refusal_of(&file);
    assert!(reason.contains("scale"), "{reason}");
}

#[test]
fn no_skeleton_is_refused() {
    let reason = refusal_of(&changed(&Person::default(), |document, _| {
        let nodes = document["nodes"].as_array_mut().expect("nodes");
        let body = nodes.last_mut().expect("the body").as_object_mut();
        body.expect("a node").remove("skin");
    }));
    assert!(reason.contains("no skeleton"), "{reason}");
    let mut app = app(&assets());
    let nothing = app.world_mut().spawn(Avatar::default()).id();
    assert!(refusal(&mut app, nothing).contains("no skinned mesh"));
    let crate_ = spawn(&mut app, "objects/crate.glb");
    assert!(refusal(&mut app, crate_).contains("no skeleton"));
}

#[test]
fn broken_files_are_refused_with_their_path() {
    let person = Person::default();
    let whole = person.glb();
    let mut app = app(&assets());
    let avatar = spawn(&mut app, "avatars/nobody.glb");
    assert!(refusal(&mut app, avatar).contains("avatars/nobody.glb"));
    for file in [
        b"not a glTF file".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        // A skin that hangs on a node that is not there.
        changed(&person, |document, _| {
            document["skins"][0]["joints"][3] = json!(999);
        }),
        // A skin that hangs on a node outside the scene.
        changed(&person, |document, _| {
            let nodes = document["nodes"].as_array_mut().expect("nodes");
            nodes.push(json!({ "name": "Elsewhere" }));
            document["skins"][0]["joints"][3] = json!(24);
        }),
        // A circle of nodes.
        changed(&person, |document, _| {
            document["nodes"][5]["children"] = json!([1]);
        }),
    ] {
        let reason = refusal_of(&file);
        assert!(reason.contains("person.glb"), "{reason}");
    }
}

#[test]
fn broken_inverse_bind_matrices_are_told_and_survived() {
    let person = Person::default();
    let start = |document: &Value| {
        let at = document["bufferViews"][3]["byteOffset"].as_u64();
        at.expect("an offset") as usize
    };
    for (file, words) in [
        (
            changed(&person, |document, _| {
                document["accessors"][3]["count"] = json!(7);
            }),
            "7 inverse bind matrices for 22 joints",
        ),
        (
            changed(&person, |document, blob| {
                let at = start(document) + 64 * 4;
                blob[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            }),
            "(joint 4)",
        ),
        (
            changed(&person, |document, blob| {
                let at = start(document) + 64 * 2;
                blob[at..at + 64].fill(0);
            }),
            "(joint 2)",
        ),
    ] {
        let (mut app, _folder) = app_with(&file);
        let avatar = spawn(&mut app, "person.glb");
        let found = rig(&mut app, avatar);
        tick(&mut app);
        let report = heard::<AvatarReady>(&app).remove(0).report;
        assert!(report.contains(words), "{report}");
        let want = rig_of(&person.glb());
        assert_eq!(found.rig, want.rig);
    }
    // Bevy passes over matrices that end beyond the buffer; the nodes' pose is all there is.
    let beyond = changed(&person, |document, _| {
        document["accessors"][3]["count"] = json!(100_000);
    });
    assert_eq!(rig_of(&beyond).rig, rig_of(&person.glb()).rig);
}

#[test]
fn too_few_matrices_switch_culling_off() {
    let file = changed(&Person::default(), |document, _| {
        document["accessors"][3]["count"] = json!(7);
    });
    let (mut app, _folder) = app_with(&file);
    let avatar = spawn(&mut app, "person.glb");
    rig(&mut app, avatar);
    tick(&mut app);
    let mut skins = app
        .world_mut()
        .query_filtered::<Has<NoFrustumCulling>, With<SkinnedMesh>>();
    assert!(skins.iter(app.world()).all(|never| never));
}
