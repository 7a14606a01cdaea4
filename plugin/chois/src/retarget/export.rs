//! An avatar's own file with a clip in it: the body as its maker left it, moving, and the objects beside it.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{GltfRig, Retarget, RetargetOptions, RigClip, find_bones};
use crate::clip::glb::{Builder, GlbOptions, Prop, check_scene, continuous, positions};
use crate::error::{self, Error, Result};
use crate::frame;
use crate::geometry::ObjectGeometry;
use crate::motion::MotionClip;

const KIND: &str = "avatar";
/// What of the avatar's document is taken up part by part, or is none of a moving copy.
const OWN: [&str; 11] = [
    "accessors",
    "animations",
    "asset",
    "bufferViews",
    "buffers",
    "materials",
    "meshes",
    "nodes",
    "scene",
    "scenes",
    "skins",
];

/// Writes an avatar's `.glb` or `.vrm` with a clip on its bones as a `.glb`, and objects as
/// [`write_scene`](crate::clip::glb::write_scene) does. `held` is the shape of the object that the clip's object poses are
/// of, around which fingers close. Animations that the file had are left out; its pictures and materials stay.
///
/// # Errors
/// [`Error::Read`] and [`Error::Write`]; [`Error::Malformed`] for a file that is no avatar or has parts in other files;
/// those of [`find_bones`], [`Retarget::new`] and [`Retarget::bake`].
pub fn write_scene(
    path: &Path,
    avatar: &Path,
    clip: &MotionClip,
    props: &[Prop<'_>],
    held: Option<&ObjectGeometry>,
    options: &GlbOptions,
) -> Result<()> {
    let bytes = scene_to_bytes(&error::read(avatar)?, avatar, clip, props, held, options)?;
    error::write_atomically(path, &bytes)
}

/// The bytes of [`write_scene`]; `avatar` is for messages.
///
/// # Errors
/// As [`write_scene`].
pub fn scene_to_bytes(
    bytes: &[u8],
    avatar: &Path,
    clip: &MotionClip,
    props: &[Prop<'_>],
    held: Option<&ObjectGeometry>,
    options: &GlbOptions,
) -> Result<Vec<u8>> {
    check_scene(clip, props, options)?;
    let file = GltfRig::parse(bytes, avatar)?;
    let motion = baked(&file, clip, held, options)?;

    let (mut out, tops) = taken_apart(bytes, avatar)?;
    let root = out.nodes.len();
    out.nodes
        .push(json!({ "name": "avatar", "children": tops }));
    let nodes: Vec<usize> = props.iter().map(|p| out.object(p, options)).collect();
    let time = out.times(clip);
    let places = positions(motion.roots.iter().map(|r| r.position));
    out.channel(time, root, "translation", &places);
    let turns = motion.roots.iter();
    let turns = continuous(turns.map(|r| frame::rotation_to_y_up(r.rotation)));
    out.channel(time, root, "rotation", &turns);
    let count = motion.bones.len();
    for bone in motion.bones.iter().chain([&motion.hips]) {
        let (bind, node) = (&file.rig.bones[*bone], file.nodes[*bone]);
        // What moves has no matrix.
        if let Some(Value::Object(node)) = out.nodes.get_mut(node)
            && node.remove("matrix").is_some()
        {
            let q = bind.rotation;
            node.insert("translation".into(), json!(bind.translation.as_slice()));
            node.insert("rotation".into(), json!([q.i, q.j, q.k, q.w]));
            node.insert("scale".into(), json!(bind.scale.as_slice()));
        }
    }
    for (i, bone) in motion.bones.iter().enumerate() {
        let turns = motion.rotations.iter().skip(i).step_by(count);
        let turns = continuous(turns.copied());
        out.channel(time, file.nodes[*bone], "rotation", &turns);
    }
    let hips = motion.hips_translations.iter();
    let hips: Vec<[f32; 3]> = hips.map(|v| (*v).into()).collect();
    out.channel(time, file.nodes[motion.hips], "translation", &hips);
    out.move_objects(time, props, &nodes);
    let mut roots = vec![root];
    roots.extend(nodes);
    out.finish(clip, &roots)
}

/// A clip on the bones of an avatar's file.
///
/// # Errors
/// Those of [`find_bones`], [`Retarget::new`] and [`Retarget::bake`].
pub(super) fn baked(
    file: &GltfRig,
    clip: &MotionClip,
    held: Option<&ObjectGeometry>,
    options: &GlbOptions,
) -> Result<RigClip> {
    let map = find_bones(&file.rig, &file.hints)?;
    // A file's units are metres; what is above its bones in it says otherwise itself.
    let retarget = Retarget::new(&file.rig, &map, &clip.skeleton, 1.0)?;
    let how = RetargetOptions {
        plant_feet: options.floor,
        fingers: options.grip,
        ..RetargetOptions::default()
    };
    retarget.bake(clip, held, &how)
}

/// An avatar's document, to be added to, and its scene's nodes.
fn taken_apart(bytes: &[u8], path: &Path) -> Result<(Builder, Vec<Value>)> {
    let bad = |reason: &str| Error::malformed(path, KIND, reason.to_owned());
    let glb = ::gltf::binary::Glb::from_slice(bytes)
        .map_err(|_| bad("it is no binary glTF; save it as one .glb"))?;
    let mut document: Map<String, Value> = serde_json::from_slice(&glb.json)
        .map_err(|e| Error::malformed(path, KIND, format!("not glTF: {e}")))?;
    let elsewhere = |key: &str| {
        let all = document.get(key).and_then(Value::as_array).into_iter();
        let mut uris = { all }.flatten().filter_map(|v| v.get("uri")?.as_str());
        uris.any(|uri| !uri.starts_with("data:"))
    };
    let buffers = document.get("buffers").and_then(Value::as_array);
    let one = buffers.is_some_and(|all| all.len() == 1 && all[0].get("uri").is_none());
    if !one || elsewhere("images") {
        return Err(bad(
            "parts of it lie in other files; save it as one .glb with everything in it",
        ));
    }
    let scene = document.get("scene").and_then(Value::as_u64).unwrap_or(0) as usize;
    let scenes = document.get("scenes").and_then(Value::as_array);
    let tops = scenes.and_then(|all| all.get(scene)?.get("nodes")?.as_array());
    let tops = tops
        .cloned()
        .ok_or_else(|| bad("it has no scene; export the model again"))?;
    let copyright = (document.get("asset"))
        .and_then(|a| a.get("copyright")?.as_str())
        .map(str::to_owned);
    let mut list = |key: &str| match document.remove(key) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let mut buffer = glb.bin.map(|b| b.into_owned()).unwrap_or_default();
    buffer.resize(buffer.len().next_multiple_of(4), 0);
    let mut out = Builder {
        buffer,
        views: list("bufferViews"),
        accessors: list("accessors"),
        materials: list("materials"),
        meshes: list("meshes"),
        skins: list("skins"),
        nodes: list("nodes"),
        copyright,
        ..Builder::default()
    };
    document.retain(|key, _| !OWN.contains(&&**key));
    out.rest = document;
    Ok((out, tops))
}
