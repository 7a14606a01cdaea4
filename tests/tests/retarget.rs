//! Retargeting from outside: the avatars that ship, bad input, and rigs that no one would make.

use std::path::{Path, PathBuf};

use chois::MotionClip;
use chois::clip::glb::{GlbOptions, Prop};
use chois::frame;
use chois::geometry::Mesh;
use chois::motion::Frame;
use chois::retarget::{
    BodyPart, Bone, Digit, GltfRig, Naming, Retarget, RetargetOptions, Rig, RigClip, RigHints,
    RigOverrides, Side, export, find_bones, usd,
};
use chois::skeleton::{Pose, ROTATIONS, Skeleton, joint, world_rotations};
use nalgebra::{UnitQuaternion, Vector3};
use proptest::prelude::*;

fn avatar(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../assets/avatars")
        .join(name)
}

/// A person who bends down, takes something with both hands and lifts it.
fn lifting() -> MotionClip {
    let skeleton = Skeleton::adult();
    let frames = (0..90)
        .map(|f| {
            let t = f as f32 / 89.0;
            let bend = (t * std::f32::consts::PI).sin();
            let turn = |x: f32, y: f32, z: f32| UnitQuaternion::from_euler_angles(x, y, z);
            let mut local = [UnitQuaternion::identity(); ROTATIONS];
            local[0] = frame::y_up_to_z_up() * turn(0.3 * bend, 0.4 * t, 0.0);
            local[joint::SPINE1] = turn(0.4 * bend, 0.0, 0.0);
            local[joint::SPINE3] = turn(0.3 * bend, 0.0, 0.0);
            for (k, sign) in [(0, 1.0), (1, -1.0)] {
                local[joint::LEFT_HIP + k] = turn(-0.8 * bend - 0.1, 0.0, 0.0);
                local[joint::LEFT_KNEE + k] = turn(0.9 * bend + 0.15, 0.0, 0.0);
                local[joint::LEFT_ANKLE + k] = turn(-0.4 * bend - 0.05, 0.0, 0.0);
                local[joint::LEFT_SHOULDER + k] = turn(0.0, -0.6 * sign, -sign);
                local[joint::LEFT_ELBOW + k] = turn(0.0, -0.9 * sign, 0.0);
            }
            let mut pose = Pose {
                root: Vector3::zeros(),
                rotations: world_rotations(&local),
            };
            let joints = skeleton.forward(&pose);
            let ankles = (joints[joint::LEFT_TOE] + joints[joint::RIGHT_TOE]) / 2.0;
            pose.root = Vector3::new(-ankles.x, -ankles.y, 0.02 - ankles.z);
            let held = if (30..75).contains(&f) { 1.0 } else { 0.0 };
            Frame {
                pose,
                object_position: Vector3::new(0.0, -0.4, 0.5),
                object_rotation: UnitQuaternion::identity(),
                contact: [held, held, 0.0, 0.0],
            }
        })
        .collect();
    MotionClip {
        name: "lifting".into(),
        subject: String::new(),
        object: String::new(),
        text: String::new(),
        fps: 30.0,
        skeleton,
        frames,
    }
}

/// Where each bone is in a frame, by the file's own transforms.
fn played(rig: &Rig, clip: &RigClip, f: usize) -> Vec<Vector3<f32>> {
    let mut rig = rig.clone();
    for (k, &b) in clip.bones.iter().enumerate() {
        rig.bones[b].rotation = clip.rotations[f * clip.bones.len() + k];
    }
    rig.bones[clip.hips].translation = clip.hips_translations[f];
    let root = clip.roots[f];
    (rig.placed().iter())
        .map(|p| root.position + root.rotation * frame::from_y_up(p.position))
        .collect()
}

#[test]
fn the_avatars_that_ship_hold_what_the_clip_holds() {
    let clip = lifting();
    for (name, naming) in [
        ("mannequin.glb", Naming::Smpl),
        ("woman.glb", Naming::Mixamo),
        ("man.glb", Naming::Unreal),
        ("elder.glb", Naming::MakeHuman),
    ] {
        let file = GltfRig::load(&avatar(name)).unwrap_or_else(|e| panic!("{e}"));
        let map = find_bones(&file.rig, &file.hints).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(map.naming, naming, "{name}");
        assert_eq!(map.missing().count(), 0, "{name}\n{map}");
        let retarget = Retarget::new(&file.rig, &map, &clip.skeleton, 1.0)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let baked = retarget
            .bake(&clip, None, &RetargetOptions::default())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(baked.frames(), clip.frames.len());
        let knuckles = Side::BOTH.map(|s| {
            map.bone(BodyPart::Finger(s, Digit::Middle, 0))
                .expect("a knuckle")
        });
        let toes = Side::BOTH.map(|s| map.bone(BodyPart::Toes(s)).expect("toes"));
        let mut before: Option<Vec<Vector3<f32>>> = None;
        for (f, frame) in clip.frames.iter().enumerate() {
            let places = played(&file.rig, &baked, f);
            let joints = clip.joints(f);
            for side in 0..2 {
                if frame.contact[side] > 0.5 {
                    let off = (places[knuckles[side]] - joints[joint::LEFT_PALM + side]).norm();
                    assert!(off < 0.005, "{name}, frame {f}: a palm is {off} m off");
                }
            }
            if let Some(before) = before {
                for toe in toes {
                    // They stand all the time: the source's toes creep at most a few millimetres.
                    let slide = (places[toe] - before[toe]).xy().norm() * 30.0;
                    assert!(slide < 0.05, "{name}, frame {f}: toes slide at {slide} m/s");
                }
            }
            before = Some(places);
        }
    }
}

/// Where a `.glb`'s nodes are at a key of its only animation, world, Y up.
fn nodes_at(bytes: &[u8], key: usize) -> Vec<Vector3<f32>> {
    let file = gltf::Gltf::from_slice(bytes).expect("a glTF");
    let blob = file.blob.as_deref();
    type Place = (Vector3<f32>, UnitQuaternion<f32>, Vector3<f32>);
    let turned = |[x, y, z, w]: [f32; 4]| {
        UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(w, x, y, z))
    };
    let mut own: Vec<Place> = (file.nodes())
        .map(|node| {
            let (t, r, s) = node.transform().decomposed();
            (t.into(), turned(r), s.into())
        })
        .collect();
    let animation = file.animations().next().expect("an animation");
    assert_eq!(file.animations().count(), 1, "its own have gone");
    for channel in animation.channels() {
        use gltf::animation::util::ReadOutputs;
        let node = &mut own[channel.target().node().index()];
        let reader = channel.reader(|_| blob);
        match reader.read_outputs().expect("values") {
            ReadOutputs::Translations(mut all) => node.0 = all.nth(key).expect("a key").into(),
            ReadOutputs::Rotations(all) => {
                node.1 = turned(all.into_f32().nth(key).expect("a key"));
            }
            _ => panic!("only bones move"),
        }
    }
    let mut out = vec![Vector3::repeat(f32::NAN); own.len()];
    let mut open: Vec<(usize, nalgebra::Matrix4<f32>)> = (file.default_scene().expect("a scene"))
        .nodes()
        .map(|n| (n.index(), nalgebra::Matrix4::identity()))
        .collect();
    while let Some((node, above)) = open.pop() {
        let (t, r, s) = &own[node];
        let place = above
            * nalgebra::Matrix4::new_translation(t)
            * r.to_homogeneous()
            * nalgebra::Matrix4::new_nonuniform_scaling(s);
        out[node] = place.fixed_view::<3, 1>(0, 3).into_owned();
        let children = file.nodes().nth(node).expect("a node").children();
        let children: Vec<usize> = children.map(|c| c.index()).collect();
        open.extend(children.into_iter().map(|c| (c, place)));
    }
    out
}

#[test]
fn an_avatars_own_file_moves_as_its_bones_were_baked() {
    let clip = chois::motion::edit::resample(&lifting(), 24.0).expect("resampled");
    let mesh = Mesh::cuboid(Vector3::repeat(-0.15), Vector3::repeat(0.3));
    let places =
        vec![(Vector3::new(0.0, -0.4, 0.5), UnitQuaternion::identity()); clip.frames.len()];
    let handled = vec![true; clip.frames.len()];
    let prop = Prop {
        name: "box",
        mesh: &mesh,
        places: &places,
        handled: &handled,
    };
    for name in ["mannequin.glb", "woman.glb", "man.glb", "elder.glb"] {
        let path = avatar(name);
        let source = std::fs::read(&path).expect("an avatar");
        let bytes =
            export::scene_to_bytes(&source, &path, &clip, &[prop], None, &GlbOptions::default())
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        let file = GltfRig::parse(&source, &path).expect("a rig");
        let map = find_bones(&file.rig, &file.hints).expect("bones");
        let retarget = Retarget::new(&file.rig, &map, &clip.skeleton, 1.0).expect("a body");
        let baked = retarget
            .bake(&clip, None, &RetargetOptions::default())
            .expect("baked");
        for f in [0, 20, 41, clip.frames.len() - 1] {
            let there = nodes_at(&bytes, f);
            for (bone, place) in played(&file.rig, &baked, f).into_iter().enumerate() {
                let off = (frame::from_y_up(there[file.nodes[bone]]) - place).norm();
                let who = &file.rig.bones[bone].name;
                assert!(off < 1e-4, "{name}, frame {f}, {who}: {off} m off");
            }
            // The object is the last node.
            let object = frame::from_y_up(*there.last().expect("nodes"));
            assert!((object - places[f].0).norm() < 1e-5, "{object}");
        }
        // Skin, pictures and whose they are stay.
        let [was, now] = [&source, &bytes].map(|b| gltf::Gltf::from_slice(b).expect("a glTF"));
        assert_eq!(now.skins().count(), was.skins().count());
        assert_eq!(now.images().count(), was.images().count());
        assert_eq!(now.textures().count(), was.textures().count());
        assert_eq!(now.meshes().count(), was.meshes().count() + 1);
        let copyright = |file: &gltf::Gltf| file.document.as_json().asset.copyright.clone();
        assert_eq!(copyright(&now), copyright(&was));
    }
    // What lies in several files is told, with the remedy.
    let path = avatar("woman.glb");
    let source = std::fs::read(&path).expect("an avatar");
    let mut glb = gltf::binary::Glb::from_slice(&source).expect("a glTF");
    let mut json: serde_json::Value = serde_json::from_slice(&glb.json).expect("JSON");
    json["images"] = serde_json::json!([{ "uri": "skin.png" }]);
    glb.json = serde_json::to_vec(&json).expect("JSON").into();
    let parts = glb.to_vec().expect("bytes");
    let error = export::scene_to_bytes(&parts, &path, &clip, &[], None, &GlbOptions::default());
    let error = error.expect_err("in several files").to_string();
    assert!(
        error.contains("woman.glb") && error.contains("with everything in it"),
        "{error}"
    );
}

/// The numbers of a value of a `.usda`, between what introduces it and the end of its brackets.
fn usda_numbers(text: &str, after: &str) -> Vec<f32> {
    let start = text.find(after).unwrap_or_else(|| panic!("no {after}")) + after.len();
    let rest = &text[start..];
    let mut depth = 0;
    let end = rest.find(|c| {
        depth += i32::from(c == '[' || c == '(') - i32::from(c == ']' || c == ')');
        depth == 0 && (c == ']' || c == ')')
    });
    let rest = &rest[..end.expect("an end")];
    let words = rest.split(|c: char| !(c.is_ascii_digit() || "+-.e".contains(c)));
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn an_avatar_as_usd_moves_as_its_glb_does() {
    let clip = lifting();
    let mesh = Mesh::cuboid(Vector3::repeat(-0.15), Vector3::repeat(0.3));
    let places =
        vec![(Vector3::new(0.0, -0.4, 0.5), UnitQuaternion::identity()); clip.frames.len()];
    let handled = vec![true; clip.frames.len()];
    let prop = Prop {
        name: "box",
        mesh: &mesh,
        places: &places,
        handled: &handled,
    };
    for name in ["mannequin.glb", "woman.glb", "man.glb", "elder.glb"] {
        let path = avatar(name);
        let source = std::fs::read(&path).expect("an avatar");
        let options = GlbOptions::default();
        let usd = usd::scene_to_text(&source, &path, "a", &clip, &[prop], None, &options)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(usd.pictures.is_empty(), "its colours are its points'");
        let text = usd.text;
        let bytes = export::scene_to_bytes(&source, &path, &clip, &[prop], None, &options)
            .expect("as it is as .glb");
        let file = GltfRig::parse(&source, &path).expect("a rig");
        let bones = &file.rig.bones;
        let part = |after: &str| text[text.find(after).expect(after)..].to_owned();
        let [moves, turns] = ["translations.timeSamples", "rotations.timeSamples"].map(part);
        let [stands, faces] = ["xformOp:translate.time", "xformOp:orient.time"].map(part);
        for f in [0, 50, clip.frames.len() - 1] {
            let there = nodes_at(&bytes, f);
            let key = match f {
                0 => "{0: ".to_owned(),
                f => format!(", {f}: "),
            };
            let moves = usda_numbers(&moves, &key);
            let turns = usda_numbers(&turns, &key);
            assert_eq!(
                (moves.len(), turns.len()),
                (3 * bones.len(), 4 * bones.len())
            );
            let turned = |q: &[f32]| {
                UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(q[0], q[1], q[2], q[3]))
            };
            let stands = Vector3::from_column_slice(&usda_numbers(&stands, &key));
            let faces = turned(&usda_numbers(&faces, &key));
            // The file says it stands up by a quarter about x.
            let up =
                UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f32::consts::FRAC_PI_2);
            let mut placed: Vec<(Vector3<f32>, UnitQuaternion<f32>)> = Vec::new();
            for (b, bone) in bones.iter().enumerate() {
                let at = Vector3::from_column_slice(&moves[3 * b..3 * b + 3]);
                let turn = turned(&turns[4 * b..4 * b + 4]);
                let (p, q) = bone.parent.map_or((stands, faces * up), |p| placed[p]);
                placed.push((p + q * at, q * turn));
                let wanted = frame::from_y_up(there[file.nodes[b]]);
                let off = (placed[b].0 - wanted).norm();
                assert!(off < 1e-4, "{name}, frame {f}, {}: {off} m off", bone.name);
            }
        }
        // Every part of the skin, and the box.
        let parts: usize = gltf::Gltf::from_slice(&source)
            .expect("a glTF")
            .meshes()
            .map(|m| m.primitives().count())
            .sum();
        assert_eq!(text.matches("def Mesh ").count(), parts + 1);
        assert_eq!(text.matches("SkelBindingAPI").count(), parts + 2);
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert!(!text.contains("NaN") && !text.contains("inf,"), "{name}");
        // Weights of a point are one together.
        let weights = usda_numbers(&text, "primvars:skel:jointWeights = ");
        for point in weights.chunks_exact(4) {
            assert!((point.iter().sum::<f32>() - 1.0).abs() < 0.01, "{point:?}");
        }
    }
}

#[test]
fn pictures_of_an_avatar_lie_beside_its_usd() {
    let clip = lifting();
    let path = avatar("woman.glb");
    let source = std::fs::read(&path).expect("an avatar");
    let mut glb = gltf::binary::Glb::from_slice(&source).expect("a glTF");
    let mut json: serde_json::Value = serde_json::from_slice(&glb.json).expect("JSON");
    let picture = b"\x89PNG\r\n\x1a\n, as far as anybody looks";
    let mut blob = glb.bin.take().expect("data").into_owned();
    let view = serde_json::json!({
        "buffer": 0, "byteOffset": blob.len(), "byteLength": picture.len()
    });
    blob.extend(picture);
    json["buffers"][0]["byteLength"] = blob.len().into();
    let views = json["bufferViews"].as_array_mut().expect("views");
    views.push(view);
    let last = views.len() - 1;
    json["images"] = serde_json::json!([{ "bufferView": last, "mimeType": "image/png" }]);
    json["textures"] = serde_json::json!([{ "source": 0 }]);
    let look = &mut json["materials"][0];
    look["pbrMetallicRoughness"]["baseColorTexture"] = serde_json::json!({ "index": 0 });
    look["alphaMode"] = "MASK".into();
    glb.bin = Some(blob.into());
    glb.json = serde_json::to_vec(&json).expect("JSON").into();
    let bytes = glb.to_vec().expect("bytes");
    let options = GlbOptions::default();
    let write = |stem| {
        usd::scene_to_text(&bytes, &path, stem, &clip, &[], None, &options).expect("written")
    };
    let plain = write("woman");
    assert_eq!(
        plain.pictures,
        [("woman_0.png".to_owned(), picture.to_vec())]
    );
    assert_eq!(plain.text.matches("UsdUVTexture").count(), 1);
    assert!(plain.text.contains("asset inputs:file = @./woman_0.png@\n"));
    assert!(plain.text.contains("opacityThreshold = 0.5"));
    // What ends a path is not to be read in one.
    let odd = write("a@b").text;
    assert!(odd.contains("asset inputs:file = @@@./a@b_0.png@@@\n"));
}

#[test]
fn an_avatar_that_usd_cannot_have_or_that_is_broken_is_told_of() {
    let clip = lifting();
    let path = avatar("man.glb");
    let source = std::fs::read(&path).expect("an avatar");
    let spoilt = |spoil: &dyn Fn(&mut serde_json::Value)| {
        let mut glb = gltf::binary::Glb::from_slice(&source).expect("a glTF");
        let mut json: serde_json::Value = serde_json::from_slice(&glb.json).expect("JSON");
        spoil(&mut json);
        glb.json = serde_json::to_vec(&json).expect("JSON").into();
        let bytes = glb.to_vec().expect("bytes");
        let made = usd::scene_to_text(&bytes, &path, "a", &clip, &[], None, &GlbOptions::default());
        made.err().map(|e| e.to_string())
    };
    assert_eq!(spoilt(&|_| {}), None);
    let told = |spoil: &dyn Fn(&mut serde_json::Value), words: &str| {
        let error = spoilt(spoil).unwrap_or_default();
        assert!(
            error.contains("man.glb") && error.contains(words),
            "{error}"
        );
    };
    let bone = |json: &serde_json::Value| json["skins"][0]["joints"][5].as_u64().expect("a joint");
    told(
        &|json| {
            let bone = bone(json) as usize;
            json["nodes"][bone]["scale"] = serde_json::json!([1.0, 2.0, 1.0]);
        },
        "apply scales",
    );
    let position = |json: &serde_json::Value| {
        json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
            .as_u64()
            .expect("points") as usize
    };
    told(
        &|json| {
            let at = position(json);
            json["accessors"][at]["byteOffset"] = serde_json::json!(u64::MAX);
        },
        "cut short",
    );
    told(
        &|json| {
            let at = position(json);
            let view = json["accessors"][at]["bufferView"]
                .as_u64()
                .expect("a view") as usize;
            json["bufferViews"][view]["byteStride"] = serde_json::json!(u64::MAX);
        },
        "cut short",
    );
    told(
        &|json| {
            let coords = json["accessors"].as_array().expect("accessors").len();
            let at = position(json);
            let mut flat = json["accessors"][at].clone();
            flat["type"] = serde_json::json!("VEC2");
            json["accessors"]
                .as_array_mut()
                .expect("accessors")
                .push(flat);
            json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = serde_json::json!(coords);
        },
        "colours",
    );
    told(
        &|json| {
            let at = position(json);
            json["accessors"][at]["count"] = serde_json::json!(40_000_000_000u64);
        },
        "positions in one part; simplify it",
    );
    told(
        &|json| {
            let at = position(json);
            json["accessors"][at]["bufferView"] = serde_json::json!(9999);
        },
        "9999",
    );
    told(
        &|json| {
            json["meshes"][0]["primitives"][0]["attributes"]["JOINTS_0"] =
                serde_json::json!(1_000_000)
        },
        "accessor 1000000 does not exist",
    );
}

/// Bones of a small whole body: name, parent, translation.
fn body() -> Rig {
    let mut bones: Vec<Bone> = Vec::new();
    let mut add = |name: &str, parent: &str, at: [f32; 3]| {
        let parent = bones.iter().position(|b: &Bone| b.name == parent);
        bones.push(Bone {
            name: name.into(),
            parent,
            translation: Vector3::from(at),
            rotation: UnitQuaternion::identity(),
            scale: Vector3::repeat(1.0),
            skinned: true,
        });
    };
    add("Hips", "", [0.0, 1.0, 0.0]);
    add("Spine", "Hips", [0.0, 0.2, 0.0]);
    add("Neck", "Spine", [0.0, 0.3, 0.0]);
    add("Head", "Neck", [0.0, 0.1, 0.0]);
    for (side, x) in [("Left", 1.0), ("Right", -1.0)] {
        let n = |part: &str| format!("{side}{part}");
        add(&n("UpLeg"), "Hips", [0.1 * x, -0.05, 0.0]);
        add(&n("Leg"), &n("UpLeg"), [0.0, -0.45, 0.0]);
        add(&n("Foot"), &n("Leg"), [0.0, -0.42, 0.0]);
        add(&n("Toe"), &n("Foot"), [0.0, -0.06, 0.14]);
        add(&n("Arm"), "Spine", [0.17 * x, 0.25, 0.0]);
        add(&n("ForeArm"), &n("Arm"), [0.28 * x, 0.0, 0.0]);
        add(&n("Hand"), &n("ForeArm"), [0.25 * x, 0.0, 0.0]);
    }
    Rig { bones }
}

fn index(rig: &Rig, name: &str) -> usize {
    rig.bones
        .iter()
        .position(|b| b.name == name)
        .expect("a bone")
}

fn refused(rig: &Rig, hints: &RigHints, words: &[&str]) {
    let error = find_bones(rig, hints)
        .expect_err("must be refused")
        .to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[test]
fn bad_rigs_are_refused_with_a_sentence() {
    let none = RigHints::default();
    refused(&Rig::default(), &none, &["avatar", "no bones"]);
    let mut few = body();
    few.bones.truncate(5);
    refused(
        &few,
        &none,
        &["left upper arm", "right foot", "5 bones", "override file"],
    );

    let mut two = body();
    let chest = index(&two, "Spine");
    let arm = index(&two, "LeftArm");
    for k in 0..3 {
        let mut bone = two.bones[arm + k].clone();
        bone.parent = Some(if k == 0 { chest } else { two.bones.len() - 1 });
        two.bones.push(bone);
    }
    refused(
        &two,
        &none,
        &["left upper arm", "two bones could be it", "LeftArm"],
    );

    let mut sheared = body();
    let spine = index(&sheared, "Spine");
    sheared.bones[spine].scale.y = 1.2;
    refused(&sheared, &none, &["Spine", "apply the scale"]);
    sheared.bones[spine].scale = Vector3::zeros();
    refused(&sheared, &none, &["Spine", "above 0"]);

    let mut crowd = body();
    let bone = crowd.bones[1].clone();
    crowd.bones.resize(5_000, bone);
    refused(&crowd, &none, &["5000 bones", "4096", "take away"]);

    let mut nan = body();
    nan.bones[3].translation.x = f32::NAN;
    refused(&nan, &none, &["Head", "not finite"]);
    let mut circle = body();
    circle.bones[2].parent = Some(4);
    refused(&circle, &none, &["Neck", "parents must stand before"]);

    let overrides = |text: &str| RigHints {
        overrides: RigOverrides::parse(text, Path::new("rig.ron")).expect("good RON"),
        ..RigHints::default()
    };
    refused(
        &body(),
        &overrides(r#"(bones: {"left_hand": "Paw"})"#),
        &["left hand", "Paw"],
    );
    refused(
        &body(),
        &overrides(r#"(bones: {"left_hand": "RightHand"})"#),
        &["RightHand"],
    );
    refused(
        &body(),
        &overrides(r#"(bones: {"left_lower_leg": "RightLeg"})"#),
        &["RightLeg"],
    );
    refused(
        &body(),
        &overrides(r#"(without: ["head"])"#),
        &["head", "cannot do without"],
    );

    let rig = body();
    let map = find_bones(&rig, &none).expect("a good body");
    for scale in [0.0, -1.0, f32::NAN, 1e6, 1e-6] {
        assert!(
            Retarget::new(&rig, &map, &Skeleton::adult(), scale).is_err(),
            "{scale}"
        );
    }
    let other = Rig {
        bones: rig.bones[..6].to_vec(),
    };
    assert!(Retarget::new(&other, &map, &Skeleton::adult(), 1.0).is_err());
    let retarget = Retarget::new(&rig, &map, &Skeleton::adult(), 1.0).expect("a good rig");
    let mut clip = lifting();
    clip.frames[3].pose.root.x = f32::NAN;
    assert!(
        retarget
            .bake(&clip, None, &RetargetOptions::default())
            .is_err()
    );
    clip.frames.clear();
    assert!(
        retarget
            .bake(&clip, None, &RetargetOptions::default())
            .is_err()
    );
}

#[test]
fn overrides_win_over_names() {
    let mut rig = body();
    let hand = index(&rig, "LeftHand");
    rig.bones[hand].name = "Blob".into();
    let hints = RigHints {
        overrides: RigOverrides::parse(r#"(bones: {"left_hand": "Blob"})"#, Path::new("rig.ron"))
            .expect("RON"),
        ..RigHints::default()
    };
    let map = find_bones(&rig, &hints).expect("named");
    assert_eq!(map.bone(BodyPart::Hand(Side::Left)), Some(hand));
}

#[test]
fn five_hundred_bones_are_no_trouble() {
    let mut rig = body();
    let head = index(&rig, "Head");
    for k in 0..900 {
        rig.bones.push(Bone {
            name: format!("hair_{k}"),
            parent: Some(if k % 9 == 0 {
                head
            } else {
                rig.bones.len() - 1
            }),
            translation: Vector3::new(0.0, 0.02, 0.0),
            rotation: UnitQuaternion::identity(),
            scale: Vector3::repeat(1.0),
            skinned: true,
        });
    }
    let map = find_bones(&rig, &RigHints::default()).expect("a body with hair");
    let retarget = Retarget::new(&rig, &map, &Skeleton::adult(), 1.0).expect("a good rig");
    assert!(retarget.bones().len() < 30);
}

#[test]
fn a_mirrored_rig_moves_its_own_left() {
    let clip = lifting();
    let mut rig = body();
    for bone in &mut rig.bones {
        bone.parent = Some(bone.parent.map_or(0, |p| p + 1));
    }
    rig.bones.insert(
        0,
        Bone {
            name: "mirror".into(),
            parent: None,
            translation: Vector3::zeros(),
            rotation: UnitQuaternion::identity(),
            scale: Vector3::new(-1.0, 1.0, 1.0),
            skinned: false,
        },
    );
    let map = find_bones(&rig, &RigHints::default()).expect("a mirrored body");
    assert_eq!(
        map.bone(BodyPart::Hand(Side::Left)),
        Some(index(&rig, "RightHand"))
    );
    assert!(
        map.notes.iter().any(|n| n.contains("exchanged")),
        "{:?}",
        map.notes
    );
    let baked = Retarget::new(&rig, &map, &clip.skeleton, 1.0)
        .and_then(|r| {
            r.bake(
                &clip,
                None,
                &RetargetOptions {
                    reach_object: false,
                    ..RetargetOptions::default()
                },
            )
        })
        .expect("baked");
    let places = played(&rig, &baked, 45);
    let joints = clip.joints(45);
    for (part, a, b) in [
        (BodyPart::LowerArm(Side::Left), 18, 20),
        (BodyPart::LowerArm(Side::Right), 19, 21),
    ] {
        let side = if a == 18 { Side::Left } else { Side::Right };
        let own = places[map.bone(BodyPart::Hand(side)).expect("hand")]
            - places[map.bone(part).expect("arm")];
        let angle = own.angle(&(joints[b] - joints[a]));
        assert!(angle < 0.02, "{part}: {angle}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn garbage_gives_a_sentence_or_numbers(
        moves in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0, -1.0f32..1.0), 18),
        turns in prop::collection::vec((-3.0f32..3.0, -1.5f32..1.5, -3.0f32..3.0), 18),
        size in 0.01f32..3.0,
        scales in prop::collection::vec(prop::sample::select(vec![1.0f32, 1.0, 1.0, 0.01, 100.0, -1.0]), 18),
    ) {
        let mut rig = body();
        for (k, bone) in rig.bones.iter_mut().enumerate() {
            let (x, y, z) = moves[k % 18];
            bone.translation = bone.translation * size + Vector3::new(x, y, z) * 0.2;
            let (a, b, c) = turns[k % 18];
            bone.rotation = UnitQuaternion::from_euler_angles(a, b, c);
            bone.scale = Vector3::repeat(scales[k % 18]);
        }
        let clip = lifting();
        if let Ok(map) = find_bones(&rig, &RigHints::default())
            && let Ok(retarget) = Retarget::new(&rig, &map, &clip.skeleton, 1.0)
        {
            let baked = retarget.bake(&clip, None, &RetargetOptions::default()).expect("a good clip");
            for q in &baked.rotations {
                prop_assert!((q.coords.norm() - 1.0).abs() < 1e-3);
            }
            for t in &baked.hips_translations {
                prop_assert!(t.iter().all(|v| v.is_finite()));
            }
        }
    }
}
