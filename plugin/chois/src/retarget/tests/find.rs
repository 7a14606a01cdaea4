//! Bones by names and by shape.

use nalgebra::{UnitQuaternion, Vector3};

use super::super::synthetic::{Body, SCHEMES, naming};
use super::*;

#[test]
fn bones_are_found_in_every_naming() {
    let body = Body::person();
    for scheme in SCHEMES {
        let named = body.clone().renamed(naming(scheme));
        for variant in [
            named.clone(),
            named.clone().with_rolls(),
            named.clone().in_centimetres(),
        ] {
            let rig = variant.rig();
            let map =
                find_bones(&rig, &RigHints::default()).unwrap_or_else(|e| panic!("{scheme}: {e}"));
            assert_ne!(map.naming, Naming::Shape, "{scheme}");
            let skip = rig.bones.len() - variant.parts.len();
            // Every bone is where the body has that part.
            for (part, bone) in map.matched() {
                let name: String = part.to_string();
                let plain = plain_name(&name);
                let want = body
                    .index(&plain)
                    .unwrap_or_else(|| panic!("{name} {plain}"));
                let at = variant.parts[bone - skip].at;
                assert!(
                    (at - body.parts[want].at).norm() < 1e-5,
                    "{scheme}: {part} is {}",
                    rig.bones[bone].name
                );
            }
            let fingers = if *scheme == "smpl short" { 30 } else { 0 };
            assert_eq!(
                map.matched().count(),
                BodyPart::COUNT - fingers,
                "{scheme}\n{map}"
            );
            assert_eq!(map.facing, Vector3::z(), "{scheme}");
            assert!(map.notes.is_empty(), "{scheme}: {:?}", map.notes);
        }
    }
}

fn plain_name(part: &str) -> String {
    part.split(' ')
        .map(|w| {
            let (first, rest) = w.split_at(1);
            format!("{}{rest}", first.to_uppercase())
        })
        .collect()
}

#[test]
fn shape_finds_what_names_hide() {
    for body in [Body::person(), Body::person().a_pose(48.0)] {
        let body = body.renamed(|n| {
            if n.ends_with("End") {
                String::new()
            } else {
                n.to_owned()
            }
        });
        let truth = found(&body.rig());
        let mut rig = body.rig();
        for (i, bone) in rig.bones.iter_mut().enumerate() {
            bone.name = format!("Object.{i:03}");
        }
        let map = found(&rig);
        assert_eq!(map.naming, Naming::Shape);
        for part in BodyPart::all().filter(|p| p.required()) {
            assert_eq!(map.bone(part), truth.bone(part), "{part}");
        }
        assert_eq!(map.spine, truth.spine);
        assert_eq!(
            map.bone(BodyPart::Toes(Side::Left)),
            truth.bone(BodyPart::Toes(Side::Left))
        );
    }
}

/// Two rigs under one node.
fn together(parts: [&Rig; 2]) -> Rig {
    let mut out = Rig {
        bones: vec![Bone {
            name: "Scene".into(),
            parent: None,
            translation: Vector3::zeros(),
            rotation: UnitQuaternion::identity(),
            scale: Vector3::repeat(1.0),
            skinned: false,
        }],
    };
    for rig in parts {
        let first = out.bones.len();
        out.bones.extend(rig.bones.iter().map(|bone| Bone {
            parent: Some(bone.parent.map_or(0, |p| p + first)),
            ..bone.clone()
        }));
    }
    out
}

/// A horse with the names that an animal rig has: its hind legs are named like a person's.
fn horse() -> Rig {
    let animal = |n: &str| {
        let side = if n.starts_with("Left") { "L" } else { "R" };
        let part = n.trim_start_matches("Left").trim_start_matches("Right");
        match part {
            "Hips" => "spine.004".to_owned(),
            "Spine" => "spine.007".into(),
            "Chest" => "spine.008".into(),
            "UpperChest" => "spine.010".into(),
            "Head" => "spine.011".into(),
            "UpperLeg" => format!("thigh.{side}"),
            "LowerLeg" => format!("shin.{side}"),
            "Foot" => format!("foot.{side}"),
            "Toes" => format!("toe.{side}"),
            "Shoulder" => format!("shoulder.{side}"),
            "UpperArm" => format!("front_thigh.{side}"),
            "LowerArm" => format!("front_shin.{side}"),
            "Hand" => format!("front_foot.{side}"),
            _ => String::new(),
        }
    };
    Body::person().renamed(animal).rig()
}

#[test]
fn a_body_is_of_one_skeleton() {
    let person = Body::person().renamed(naming("unreal")).rig();
    let alone = found(&person);
    for (rig, shift) in [
        (together([&person, &horse()]), 1),
        (together([&horse(), &person]), 1 + horse().bones.len()),
    ] {
        let map = found(&rig);
        for (part, bone) in alone.matched() {
            assert_eq!(map.bone(part), Some(bone + shift), "{part}\n{map}");
        }
        assert_eq!(map.matched().count(), alone.matched().count());
    }

    // A rider whose legs have no knees, on a horse that has.
    let shins = |n: &str| {
        let name = if n.ends_with("LowerLeg") { "" } else { n };
        name.to_owned()
    };
    let rider = Body::person().renamed(shins).rig();
    for rig in [together([&horse(), &rider]), together([&rider, &horse()])] {
        let error = find_bones(&rig, &RigHints::default())
            .expect_err("no whole body")
            .to_string();
        for words in [
            "two skeletons",
            "LeftUpperArm",
            "left lower leg and right lower leg",
        ] {
            assert!(error.contains(words), "{error:?} does not say {words:?}");
        }
    }

    let error = find_bones(&together([&person, &person]), &RigHints::default())
        .expect_err("whose bones?")
        .to_string();
    assert!(error.contains("two skeletons of people"), "{error}");
}

#[test]
fn what_should_be_known_is_noted() {
    let rig = Body::person().in_centimetres().rig();
    let map = found(&rig);
    assert!(map.notes.is_empty(), "{:?}", map.notes);
    // The armature carries no skin, the head's end neither.
    let count = format!("among {} bones", rig.bones.len() - 2);
    assert!(map.to_string().contains(&count), "{map}");
    let mut short = rig;
    for bone in &mut short.bones {
        if bone.name.ends_with("LowerArm") || bone.name.ends_with("Hand") {
            bone.translation *= 0.6;
        }
    }
    let map = found(&short);
    assert!(
        map.notes.iter().any(|n| n.contains("shorter for its legs")),
        "{:?}",
        map.notes
    );
}
