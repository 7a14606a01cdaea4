//! Clips as binary glTF 2.0: a skinned person and the object, moving, for any viewer or engine.
//!
//! glTF's world is metres, Y up. The file has one scene with the pelvis, the skinned body (`person`) and the object
//! (named after the clip's object); one animation; and the clip's text, frame rate and contacts as `extras` of the
//! scene:
//!
//! ```json
//! { "text": "...", "fps": 30.0, "subject": "...", "object": "...",
//!   "contact": { "left_hand": [[0.5, 2.1]], "right_hand": [], "left_foot": [], "right_foot": [] } }
//! ```
//!
//! Contact is given in spells of seconds, from the clip's contact channels above one half.

use std::path::Path;

use nalgebra::{UnitQuaternion, Vector3};
use serde_json::{Map, Value, json};

use super::shading::shade;
use crate::error::{self, Error, Result};
use crate::figure::{FIGURE_JOINTS, Figure, feet, hands};
use crate::frame;
use crate::geometry::Mesh;
use crate::motion::{ContactPart, Frame, MotionClip};
use crate::skeleton::{PARENTS, Pose, ROTATIONS, joint};

/// How a clip is written.
#[derive(Clone, Debug, PartialEq)]
pub struct GlbOptions {
    /// Whether fingers close around the object; else they stay relaxed.
    pub grip: bool,
    /// Whether feet are kept over the floor, z = 0 (see [`feet`]); else they go where the clip says.
    pub floor: bool,
    /// Colour of the object, linear, red green blue, 0 to 1.
    pub object_color: [f32; 3],
    /// Edges of the object sharper than this are drawn sharp, degrees.
    pub crease: f32,
}

impl Default for GlbOptions {
    fn default() -> Self {
        Self {
            grip: true,
            floor: true,
            object_color: [0.12, 0.26, 0.38],
            crease: 40.0,
        }
    }
}

/// Writes a clip as a `.glb`. `object` is the object's mesh in the frame that the clip's object poses turn (its rest
/// frame, Z up, metres); without it the file shows the person alone. The same clip gives the same bytes.
///
/// # Errors
/// Those of [`to_bytes`]; [`Error::Write`] when the file cannot be written.
pub fn write(
    path: &Path,
    clip: &MotionClip,
    object: Option<&Mesh>,
    options: &GlbOptions,
) -> Result<()> {
    error::write_atomically(path, &to_bytes(clip, object, options)?)
}

/// The bytes of a clip's `.glb`, see [`write()`].
///
/// # Errors
/// [`Error::Invalid`] when the clip is empty, holds a value that is not finite or has a frame rate that is none, when
/// the mesh fails [`Mesh::check`], or when an option is out of range.
pub fn to_bytes(clip: &MotionClip, object: Option<&Mesh>, options: &GlbOptions) -> Result<Vec<u8>> {
    let (places, handled): (Vec<_>, Vec<_>) = (clip.frames.iter())
        .map(|f| ((f.object_position, f.object_rotation), true))
        .unzip();
    let prop = object.map(|mesh| Prop {
        name: object_name(clip),
        mesh,
        places: &places,
        handled: &handled,
    });
    scene_to_bytes(clip, prop.as_slice(), options)
}

/// An object of a scene over time.
#[derive(Clone, Copy, Debug)]
pub struct Prop<'a> {
    /// What its node is called.
    pub name: &'a str,
    /// Its mesh in its rest frame, Z up, metres.
    pub mesh: &'a Mesh,
    /// Where the mesh's origin is in every frame of the clip, and how it is turned.
    pub places: &'a [(Vector3<f32>, UnitQuaternion<f32>)],
    /// In which frames the person's contacts are with it: fingers close around it.
    pub handled: &'a [bool],
}

/// Writes a clip with any number of objects as a `.glb`; what the clip's own frames say of an object plays no part.
///
/// # Errors
/// Those of [`scene_to_bytes`]; [`Error::Write`] when the file cannot be written.
pub fn write_scene(
    path: &Path,
    clip: &MotionClip,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> Result<()> {
    error::write_atomically(path, &scene_to_bytes(clip, props, options)?)
}

/// The bytes of [`write_scene`].
///
/// # Errors
/// Those of [`to_bytes`]; [`Error::Invalid`] where an object has not one place for each frame.
pub fn scene_to_bytes(
    clip: &MotionClip,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> Result<Vec<u8>> {
    check_scene(clip, props, options)?;
    let figure = Figure::standard().fitted(&clip.skeleton);
    let mut out = Builder {
        copyright: Some(MANNEQUIN.into()),
        ..Builder::default()
    };
    out.figure(&figure);
    let nodes: Vec<usize> = props.iter().map(|p| out.object(p, options)).collect();
    out.animate(clip, &figure, props, &nodes, options);
    let mut roots = vec![joint::PELVIS, FIGURE_JOINTS];
    roots.extend(nodes);
    out.finish(clip, &roots)
}

/// Refuses what cannot be written, see [`scene_to_bytes`].
pub(crate) fn check_scene(
    clip: &MotionClip,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> Result<()> {
    check(clip, options)?;
    for prop in props {
        prop.mesh.check()?;
        let frames = clip.frames.len();
        if prop.places.len() != frames || prop.handled.len() != frames {
            return Err(Error::invalid(
                format!("object {:?}", prop.name),
                format!(
                    "has {} places for {frames} frames; give one for each",
                    prop.places.len().min(prop.handled.len())
                ),
            ));
        }
    }
    Ok(())
}

/// The fingers' rotations in every frame, closed around what is handled at the time.
pub(super) fn fingers(
    clip: &MotionClip,
    figure: &Figure,
    props: &[Prop<'_>],
    grip: bool,
) -> Vec<[UnitQuaternion<f32>; FIGURE_JOINTS - ROTATIONS]> {
    let handled = |p: &&Prop<'_>| grip && p.handled.contains(&true);
    let mut out = None;
    for prop in props.iter().filter(handled) {
        // The clip as it would be with this object alone.
        let mut alone = clip.clone();
        for (frame, (place, holds)) in
            (alone.frames.iter_mut()).zip(prop.places.iter().zip(prop.handled))
        {
            (frame.object_position, frame.object_rotation) = *place;
            if !holds {
                frame.contact = [0.0; 4];
            }
        }
        let made = hands::finger_rotations(figure, &alone, Some(prop.mesh));
        match &mut out {
            None => out = Some(made),
            Some(out) => {
                for (t, row) in made.into_iter().enumerate() {
                    if prop.handled[t] {
                        out[t] = row;
                    }
                }
            }
        }
    }
    out.unwrap_or_else(|| hands::finger_rotations(figure, clip, None))
}

fn check(clip: &MotionClip, options: &GlbOptions) -> Result<()> {
    if let Some(reason) = clip.fault() {
        return Err(Error::invalid(format!("clip {:?}", clip.name), reason));
    }
    let colored = options.object_color.iter().all(|c| (0.0..=1.0).contains(c));
    if !colored {
        return Err(Error::invalid(
            "object_color",
            "each channel must be from 0 to 1",
        ));
    }
    if !(0.0..=180.0).contains(&options.crease) {
        return Err(Error::invalid("crease", "must be from 0 to 180 degrees"));
    }
    Ok(())
}

/// Whose body the mannequin is.
const MANNEQUIN: &str = "Body: mannequin-x by Andrea Boscolo Camiletto, Apache-2.0, modified";
/// glTF's numbers for component types and targets.
const U8: u32 = 5121;
const U16: u32 = 5123;
const U32: u32 = 5125;
const F32: u32 = 5126;
const VERTICES: u32 = 34962;
const INDICES: u32 = 34963;

/// A document under construction: JSON arrays, and the one buffer.
#[derive(Default)]
pub(crate) struct Builder {
    pub buffer: Vec<u8>,
    pub views: Vec<Value>,
    pub accessors: Vec<Value>,
    pub materials: Vec<Value>,
    pub meshes: Vec<Value>,
    pub skins: Vec<Value>,
    pub nodes: Vec<Value>,
    pub samplers: Vec<Value>,
    pub channels: Vec<Value>,
    /// Whose body it is, and on what terms.
    pub copyright: Option<String>,
    /// What else the document has.
    pub rest: Map<String, Value>,
}

impl Builder {
    fn accessor(
        &mut self,
        bytes: impl IntoIterator<Item = u8>,
        count: usize,
        kind: &str,
        component: u32,
        target: Option<u32>,
    ) -> &mut Map<String, Value> {
        let start = self.buffer.len();
        self.buffer.extend(bytes);
        let mut view = Map::new();
        view.insert("buffer".into(), json!(0));
        view.insert("byteOffset".into(), json!(start));
        view.insert("byteLength".into(), json!(self.buffer.len() - start));
        if let Some(target) = target {
            view.insert("target".into(), json!(target));
        }
        self.views.push(Value::Object(view));
        // Every accessor starts on a multiple of four.
        self.buffer.resize(self.buffer.len().next_multiple_of(4), 0);
        let mut accessor = Map::new();
        accessor.insert("bufferView".into(), json!(self.views.len() - 1));
        accessor.insert("componentType".into(), json!(component));
        accessor.insert("count".into(), json!(count));
        accessor.insert("type".into(), json!(kind));
        self.accessors.push(Value::Object(accessor));
        match self.accessors.last_mut() {
            Some(Value::Object(accessor)) => accessor,
            _ => unreachable!("an object was pushed"),
        }
    }

    /// Index of the accessor made last.
    fn last(&self) -> usize {
        self.accessors.len() - 1
    }

    fn floats<const N: usize>(
        &mut self,
        rows: &[[f32; N]],
        kind: &str,
        target: Option<u32>,
    ) -> &mut Map<String, Value> {
        let bytes = rows.iter().flatten().flat_map(|c| c.to_le_bytes());
        self.accessor(bytes, rows.len(), kind, F32, target)
    }

    fn positions(&mut self, vertices: &[Vector3<f32>]) -> usize {
        let rows: Vec<[f32; 3]> = vertices.iter().map(|v| (*v).into()).collect();
        let mut low = [f32::INFINITY; 3];
        let mut high = [f32::NEG_INFINITY; 3];
        for row in &rows {
            for c in 0..3 {
                low[c] = low[c].min(row[c]);
                high[c] = high[c].max(row[c]);
            }
        }
        let accessor = self.floats(&rows, "VEC3", Some(VERTICES));
        accessor.insert("min".into(), json!(low));
        accessor.insert("max".into(), json!(high));
        self.last()
    }

    fn normals(&mut self, normals: &[Vector3<f32>]) -> usize {
        let rows: Vec<[f32; 3]> = normals.iter().map(|v| (*v).into()).collect();
        self.floats(&rows, "VEC3", Some(VERTICES));
        self.last()
    }

    fn triangles(&mut self, triangles: &[[u32; 3]], vertices: usize) -> usize {
        let indices = triangles.iter().flatten();
        let count = triangles.len() * 3;
        // The largest number of each width means "restart" to some hardware.
        if vertices < usize::from(u16::MAX) {
            let bytes = indices.flat_map(|&i| (i as u16).to_le_bytes());
            self.accessor(bytes, count, "SCALAR", U16, Some(INDICES));
        } else {
            let bytes = indices.flat_map(|i| i.to_le_bytes());
            self.accessor(bytes, count, "SCALAR", U32, Some(INDICES));
        }
        self.last()
    }

    fn bytes(&mut self, rows: &[[u8; 4]], normalized: bool) -> usize {
        let bytes = rows.iter().flatten().copied();
        let accessor = self.accessor(bytes, rows.len(), "VEC4", U8, Some(VERTICES));
        if normalized {
            accessor.insert("normalized".into(), json!(true));
        }
        self.last()
    }

    fn material(&mut self, name: &str, color: [f32; 4], roughness: f32, two_sided: bool) -> usize {
        let mut material = Map::new();
        material.insert("name".into(), json!(name));
        material.insert(
            "pbrMetallicRoughness".into(),
            json!({ "baseColorFactor": color, "metallicFactor": 0.0, "roughnessFactor": roughness }),
        );
        if two_sided {
            material.insert("doubleSided".into(), json!(true));
        }
        self.materials.push(Value::Object(material));
        self.materials.len() - 1
    }

    /// Joints are nodes 0 to 51, the body is node 52.
    fn figure(&mut self, figure: &Figure) {
        let mut primitives = Vec::new();
        for part in &figure.parts {
            let look = &part.material;
            let material = self.material(&look.name, look.color, look.roughness, false);
            primitives.push(json!({
                "attributes": {
                    "POSITION": self.positions(&part.vertices),
                    "NORMAL": self.normals(&part.normals),
                    "JOINTS_0": self.bytes(&part.joints, false),
                    "WEIGHTS_0": self.bytes(&part.weights, true),
                },
                "indices": self.triangles(&part.triangles, part.vertices.len()),
                "material": material,
            }));
        }
        self.meshes
            .push(json!({ "name": "person", "primitives": primitives }));
        let inverse: Vec<[f32; 16]> = figure
            .joints
            .iter()
            .map(|j| {
                let p = -j.position;
                [
                    1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, p.x, p.y, p.z, 1.0,
                ]
            })
            .collect();
        self.floats(&inverse, "MAT4", None);
        self.skins.push(json!({
            "name": "person",
            "joints": (0..FIGURE_JOINTS).collect::<Vec<_>>(),
            "skeleton": 0,
            "inverseBindMatrices": self.last(),
        }));
        for (j, joint) in figure.joints.iter().enumerate() {
            let mut node = Map::new();
            node.insert("name".into(), json!(joint.name));
            let offset = joint.position
                - joint
                    .parent
                    .map_or(Vector3::zeros(), |p| figure.joints[p].position);
            node.insert("translation".into(), json!([offset.x, offset.y, offset.z]));
            let children: Vec<usize> = (j + 1..FIGURE_JOINTS)
                .filter(|&c| figure.joints[c].parent == Some(j))
                .collect();
            if !children.is_empty() {
                node.insert("children".into(), json!(children));
            }
            self.nodes.push(Value::Object(node));
        }
        self.nodes
            .push(json!({ "name": "person", "mesh": 0, "skin": 0 }));
    }

    /// Returns the object's node.
    pub fn object(&mut self, prop: &Prop<'_>, options: &GlbOptions) -> usize {
        let Prop { name, mesh, .. } = *prop;
        let upright = Mesh {
            vertices: mesh.vertices.iter().map(|v| frame::to_y_up(*v)).collect(),
            triangles: mesh.triangles.clone(),
        };
        let shaded = shade(&upright, options.crease.to_radians());
        let [r, g, b] = options.object_color;
        // Captured and found meshes are often open: both sides show.
        let material = self.material(name, [r, g, b, 1.0], 0.6, true);
        let primitive = json!({
            "attributes": {
                "POSITION": self.positions(&shaded.vertices),
                "NORMAL": self.normals(&shaded.normals),
            },
            "indices": self.triangles(&shaded.triangles, shaded.vertices.len()),
            "material": material,
        });
        self.meshes
            .push(json!({ "name": name, "primitives": [primitive] }));
        self.nodes
            .push(json!({ "name": name, "mesh": self.meshes.len() - 1 }));
        self.nodes.len() - 1
    }

    fn animate(
        &mut self,
        clip: &MotionClip,
        figure: &Figure,
        props: &[Prop<'_>],
        nodes: &[usize],
        options: &GlbOptions,
    ) {
        let time = self.times(clip);
        let roots = positions(clip.frames.iter().map(|f| f.pose.root));
        self.channel(time, joint::PELVIS, "translation", &roots);
        let poses: Vec<Pose> = if options.floor {
            feet::over_floor(figure, clip)
        } else {
            clip.frames.iter().map(|f| f.pose).collect()
        };
        let from_z_up = frame::y_up_to_z_up().inverse();
        for j in 0..ROTATIONS {
            let rotations = continuous(poses.iter().map(|pose| match PARENTS[j] {
                Some(p) => pose.rotations[p].inverse() * pose.rotations[j],
                // The rest pose is Y up already; only the world turns.
                None => from_z_up * pose.rotations[j],
            }));
            self.channel(time, j, "rotation", &rotations);
        }
        let fingers = fingers(clip, figure, props, options.grip);
        for i in 0..FIGURE_JOINTS - ROTATIONS {
            let rotations = continuous(fingers.iter().map(|f| f[i]));
            self.channel(time, ROTATIONS + i, "rotation", &rotations);
        }
        self.move_objects(time, props, nodes);
    }

    /// The accessor of the clip's times.
    pub fn times(&mut self, clip: &MotionClip) -> usize {
        let times: Vec<[f32; 1]> = (0..clip.frames.len())
            .map(|f| [(f as f64 / f64::from(clip.fps)) as f32])
            .collect();
        let last = times[times.len() - 1];
        let time = self.floats(&times, "SCALAR", None);
        time.insert("min".into(), json!([0.0]));
        time.insert("max".into(), json!(last));
        self.last()
    }

    /// Objects' nodes go as they go.
    pub fn move_objects(&mut self, time: usize, props: &[Prop<'_>], nodes: &[usize]) {
        for (prop, node) in props.iter().zip(nodes) {
            let places = positions(prop.places.iter().map(|(p, _)| *p));
            self.channel(time, *node, "translation", &places);
            let turns = prop.places.iter();
            let turns = continuous(turns.map(|(_, q)| frame::rotation_to_y_up(*q)));
            self.channel(time, *node, "rotation", &turns);
        }
    }

    /// Sets a node's first value, and lets it move if it moves at all.
    pub fn channel<const N: usize>(
        &mut self,
        time: usize,
        node: usize,
        path: &str,
        rows: &[[f32; N]],
    ) {
        if let Value::Object(node) = &mut self.nodes[node] {
            node.insert(path.into(), rows[0].to_vec().into());
        }
        let moves = |row: &[f32; N]| row.iter().zip(&rows[0]).any(|(a, b)| (a - b).abs() > 1e-6);
        if !rows.iter().any(moves) {
            return;
        }
        self.floats(rows, if N == 3 { "VEC3" } else { "VEC4" }, None);
        self.samplers
            .push(json!({ "input": time, "output": self.last() }));
        self.channels.push(json!({
            "sampler": self.samplers.len() - 1,
            "target": { "node": node, "path": path },
        }));
    }

    /// The file; `roots` are the scene's nodes.
    pub fn finish(self, clip: &MotionClip, roots: &[usize]) -> Result<Vec<u8>> {
        let mut asset = json!({
            "version": "2.0",
            "generator": concat!("chois ", env!("CARGO_PKG_VERSION")),
        });
        if let Some(copyright) = self.copyright {
            asset["copyright"] = copyright.into();
        }
        let mut document = json!({
            "asset": asset,
            "scene": 0,
            "scenes": [{ "name": clip_name(clip), "nodes": roots, "extras": extras(clip) }],
            "nodes": self.nodes,
            "meshes": self.meshes,
            "skins": self.skins,
            "materials": self.materials,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{ "byteLength": self.buffer.len() }],
        });
        if let Value::Object(document) = &mut document {
            document.extend(self.rest);
            // An empty list is no list to the format.
            document.retain(|_, v| v.as_array().is_none_or(|list| !list.is_empty()));
        }
        if !self.channels.is_empty() {
            document["animations"] = json!([{
                "name": clip_name(clip), "samplers": self.samplers, "channels": self.channels,
            }]);
        }
        let mut text = serde_json::to_vec(&document)
            .map_err(|e| Error::invalid(format!("clip {:?}", clip.name), e))?;
        text.resize(text.len().next_multiple_of(4), b' ');
        let total = 12 + 8 + text.len() + 8 + self.buffer.len();
        // The container counts its bytes in 32 bits.
        let Ok(length) = u32::try_from(total) else {
            return Err(Error::invalid(
                format!("clip {:?}", clip.name),
                "it would take more than 4 GB; cut it or simplify the mesh",
            ));
        };
        let mut out = Vec::with_capacity(total);
        out.extend(b"glTF");
        out.extend(2u32.to_le_bytes());
        out.extend(length.to_le_bytes());
        for (chunk, kind) in [(&text, b"JSON"), (&self.buffer, b"BIN\0")] {
            out.extend((chunk.len() as u32).to_le_bytes());
            out.extend(kind);
            out.extend(chunk);
        }
        Ok(out)
    }
}

fn clip_name(clip: &MotionClip) -> &str {
    if clip.name.is_empty() {
        "clip"
    } else {
        &clip.name
    }
}

fn object_name(clip: &MotionClip) -> &str {
    if clip.object.is_empty() {
        "object"
    } else {
        &clip.object
    }
}

/// Places of the model's world as the file has them.
pub(crate) fn positions(all: impl Iterator<Item = Vector3<f32>>) -> Vec<[f32; 3]> {
    all.map(|p| frame::to_y_up(p).into()).collect()
}

/// Quaternions x y z w, each in the half of the sphere where the one before it is, so that blending takes the short way.
pub(crate) fn continuous(rotations: impl Iterator<Item = UnitQuaternion<f32>>) -> Vec<[f32; 4]> {
    let mut out: Vec<[f32; 4]> = Vec::new();
    for q in rotations {
        let q = UnitQuaternion::new_normalize(q.into_inner());
        let mut row = [q.i, q.j, q.k, q.w];
        let same = match out.last() {
            Some(before) => row.iter().zip(before).map(|(a, b)| a * b).sum::<f32>(),
            None => q.w,
        };
        if same < 0.0 {
            row = row.map(|c| -c);
        }
        out.push(row);
    }
    out
}

fn extras(clip: &MotionClip) -> Value {
    let spells = |part: ContactPart| {
        let touches = |f: &Frame| f.contact[part as usize] > 0.5;
        let seconds = |f: usize| (f as f64 / f64::from(clip.fps) * 1e4).round() / 1e4;
        let mut out = Vec::new();
        let mut start = None;
        for (f, frame) in clip.frames.iter().enumerate() {
            match (touches(frame), start) {
                (true, None) => start = Some(f),
                (false, Some(s)) => {
                    out.push([seconds(s), seconds(f)]);
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(s) = start {
            out.push([seconds(s), seconds(clip.frames.len())]);
        }
        out
    };
    json!({
        "text": clip.text,
        "fps": clip.fps,
        "subject": clip.subject,
        "object": clip.object,
        "contact": {
            "left_hand": spells(ContactPart::LeftHand),
            "right_hand": spells(ContactPart::RightHand),
            "left_foot": spells(ContactPart::LeftFoot),
            "right_foot": spells(ContactPart::RightFoot),
        },
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::f32::consts::PI;

    use super::*;
    use crate::figure::{finger_joint, refit::tests::stretched};
    use crate::skeleton::{JOINTS, NAMES};

    /// A person who turns once about the vertical, arms swinging, and a box that hangs in the left hand from frame 10.
    pub(in crate::clip) fn clip(frames: usize) -> MotionClip {
        let skeleton = stretched(|j| if j % 2 == 0 { 0.95 } else { 1.02 });
        let height = -skeleton.rest_positions()[joint::LEFT_TOE].y + 0.021;
        let frames = (0..frames)
            .map(|f| {
                let t = f as f32 / 30.0;
                let up = UnitQuaternion::from_euler_angles(0.0, 0.0, 2.0 * PI * t)
                    * frame::y_up_to_z_up();
                let mut rotations = [up; ROTATIONS];
                let swing = UnitQuaternion::from_euler_angles(0.0, 0.3 * (9.0 * t).sin(), 0.0);
                for j in [16, 18, 20] {
                    rotations[j] = up * swing;
                }
                let pose = Pose {
                    root: Vector3::new(0.1 * t, -0.4 * t, height),
                    rotations,
                };
                let palm = skeleton.forward(&pose)[joint::LEFT_PALM];
                Frame {
                    pose,
                    object_position: palm - Vector3::new(0.0, 0.0, 0.15),
                    object_rotation: UnitQuaternion::from_euler_angles(0.0, 0.0, 2.0 * PI * t),
                    contact: [f32::from(f >= 10), 0.0, 0.0, 0.0],
                }
            })
            .collect();
        MotionClip {
            name: "turn".into(),
            subject: String::new(),
            object: "smallbox".into(),
            text: "Turn the \"smallbox\" around.".into(),
            fps: 30.0,
            skeleton,
            frames,
        }
    }

    fn small_box() -> Mesh {
        let half = Vector3::new(0.1, 0.1, 0.12);
        Mesh::cuboid(-half, half * 2.0)
    }

    struct Read {
        document: gltf::Document,
        blob: Vec<u8>,
    }

    impl Read {
        fn new(bytes: &[u8]) -> Self {
            // The crate validates the document.
            let gltf = gltf::Gltf::from_slice(bytes).expect("a valid file");
            Self {
                document: gltf.document,
                blob: gltf.blob.expect("a buffer"),
            }
        }

        fn node(&self, name: &str) -> gltf::Node<'_> {
            let mut nodes = self.document.nodes();
            nodes.find(|n| n.name() == Some(name)).expect("a node")
        }

        /// Values of a channel; the node's own value repeated when it has none.
        fn rotations(&self, node: &str, frames: usize) -> Vec<UnitQuaternion<f32>> {
            use gltf::animation::util::ReadOutputs;
            let node = self.node(node);
            let quaternion = |[x, y, z, w]: [f32; 4]| {
                UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(w, x, y, z))
            };
            for channel in self.document.animations().flat_map(|a| a.channels()) {
                if channel.target().node().index() == node.index()
                    && let Some(ReadOutputs::Rotations(r)) =
                        channel.reader(|_| Some(&self.blob)).read_outputs()
                {
                    return r.into_f32().map(quaternion).collect();
                }
            }
            vec![quaternion(node.transform().decomposed().1); frames]
        }

        fn translations(&self, node: &str) -> Vec<Vector3<f32>> {
            use gltf::animation::util::ReadOutputs;
            let node = self.node(node);
            for channel in self.document.animations().flat_map(|a| a.channels()) {
                if channel.target().node().index() == node.index()
                    && let Some(ReadOutputs::Translations(t)) =
                        channel.reader(|_| Some(&self.blob)).read_outputs()
                {
                    return t.map(Vector3::from).collect();
                }
            }
            vec![]
        }
    }

    #[test]
    fn what_is_read_back_is_the_clip() {
        let clip = clip(40);
        let bytes = to_bytes(&clip, Some(&small_box()), &GlbOptions::default()).expect("a file");
        let read = Read::new(&bytes);
        let skin = read.document.skins().next().expect("a skin");
        assert_eq!(skin.joints().count(), FIGURE_JOINTS);
        for (joint, name) in skin.joints().zip(NAMES).take(ROTATIONS) {
            assert_eq!(joint.name(), Some(name));
        }
        // Forward kinematics through the file's own nodes, against the clip's.
        let rotations: Vec<_> = NAMES[..ROTATIONS]
            .iter()
            .map(|name| read.rotations(name, clip.frames.len()))
            .collect();
        let roots = read.translations("pelvis");
        let offset = |name: &str| Vector3::from(read.node(name).transform().decomposed().0);
        for f in 0..clip.frames.len() {
            let mut turns = vec![UnitQuaternion::identity(); ROTATIONS];
            let mut places = vec![Vector3::zeros(); JOINTS];
            for j in 0..JOINTS {
                let name = match j {
                    joint::LEFT_PALM => "left_middle1",
                    joint::RIGHT_PALM => "right_middle1",
                    _ => NAMES[j],
                };
                match PARENTS[j] {
                    None => places[j] = roots[f],
                    Some(p) => places[j] = places[p] + turns[p] * offset(name),
                }
                if j < ROTATIONS {
                    let parent = PARENTS[j].map_or(UnitQuaternion::identity(), |p| turns[p]);
                    turns[j] = parent * rotations[j][f];
                }
            }
            for (j, want) in clip.joints(f).into_iter().enumerate() {
                let error = (places[j] - frame::to_y_up(want)).norm();
                assert!(error < 1e-4, "frame {f}, joint {j}: {error}");
            }
        }
        let object = read.translations("smallbox");
        let turns = read.rotations("smallbox", 40);
        for (f, frame) in clip.frames.iter().enumerate() {
            let v = Vector3::new(0.1, -0.1, 0.12);
            let want = frame::to_y_up(frame.object_rotation * v + frame.object_position);
            let got = turns[f] * frame::to_y_up(v) + object[f];
            assert!((got - want).norm() < 1e-5);
        }
    }

    #[test]
    fn the_file_keeps_what_the_format_asks() {
        let clip = clip(40);
        let bytes = to_bytes(&clip, Some(&small_box()), &GlbOptions::default()).expect("a file");
        let read = Read::new(&bytes);
        let source = |_: gltf::Buffer<'_>| Some(read.blob.as_slice());
        for primitive in read.document.meshes().flat_map(|m| m.primitives()) {
            let reader = primitive.reader(source);
            let positions: Vec<_> = reader.read_positions().expect("positions").collect();
            let bounds = primitive.bounding_box();
            for c in 0..3 {
                let of = |pick: fn(f32, f32) -> f32| {
                    positions.iter().map(|p| p[c]).reduce(pick).expect("some")
                };
                assert_eq!(bounds.min[c], of(f32::min));
                assert_eq!(bounds.max[c], of(f32::max));
            }
            for normal in reader.read_normals().expect("normals") {
                assert!((Vector3::from(normal).norm() - 1.0).abs() < 1e-4);
            }
            let indices = reader.read_indices().expect("indices").into_u32();
            assert!(indices.max().expect("some") < positions.len() as u32);
            if let Some(weights) = reader.read_weights(0) {
                for row in weights.into_u8() {
                    assert_eq!(row.iter().map(|w| u32::from(*w)).sum::<u32>(), 255);
                }
            }
        }
        let animation = read.document.animations().next().expect("an animation");
        for channel in animation.channels() {
            let reader = channel.reader(source);
            let times: Vec<f32> = reader.read_inputs().expect("times").collect();
            assert_eq!(times.len(), 40);
            assert_eq!((times[0], times[30]), (0.0, 1.0));
            if let Some(gltf::animation::util::ReadOutputs::Rotations(r)) = reader.read_outputs() {
                let rows: Vec<_> = r.into_f32().map(nalgebra::Vector4::from).collect();
                assert!(rows.iter().all(|q| (q.norm() - 1.0).abs() < 1e-5));
                // The person turns through a whole circle, past the sign's change.
                assert!(rows.windows(2).all(|w| w[0].dot(&w[1]) > 0.5));
            }
        }
        // Joints that stand still have no channel.
        let moving = |name: &str| {
            let node = read.node(name).index();
            animation
                .channels()
                .any(|c| c.target().node().index() == node)
        };
        assert!(moving("pelvis") && moving("left_shoulder") && moving("smallbox"));
        assert!(!moving("spine1") && !moving("left_knee") && !moving("head"));
        let scene = read.document.default_scene().expect("a scene");
        let extras = scene.extras().as_ref().expect("extras").get();
        let extras: Value = serde_json::from_str(extras).expect("JSON");
        assert_eq!(extras["text"], clip.text);
        assert_eq!(extras["fps"], 30.0);
        assert_eq!(extras["contact"]["left_hand"], json!([[0.3333, 1.3333]]));
        assert_eq!(extras["contact"]["right_hand"], json!([]));
    }

    #[test]
    fn fingers_answer_to_what_they_touch() {
        let clip = clip(40);
        let mesh = small_box();
        let held =
            Read::new(&to_bytes(&clip, Some(&mesh), &GlbOptions::default()).expect("a file"));
        let free = GlbOptions {
            grip: false,
            ..Default::default()
        };
        let free = Read::new(&to_bytes(&clip, Some(&mesh), &free).expect("a file"));
        let figure = Figure::standard().fitted(&clip.skeleton);
        for finger in 0..5 {
            let name = |hand| figure.joints[finger_joint(hand, finger, 0)].name.as_str();
            let bent = held.rotations(name(0), 40);
            let relaxed = free.rotations(name(0), 40);
            // The palm hovers over the box's lid: fingers lie flatter on it than in the air.
            assert!(bent[30].angle_to(&relaxed[30]) > 0.05, "{}", name(0));
            // The right hand is far away.
            let right = held.rotations(name(1), 40);
            assert!(right[30].angle_to(&free.rotations(name(1), 40)[30]) < 1e-5);
        }
    }

    #[test]
    fn large_meshes_get_wide_indices() {
        let n = 260;
        let mut mesh = Mesh::default();
        for i in 0..n {
            for k in 0..n {
                let v = Vector3::new(i as f32, k as f32, 0.0) * 0.004;
                mesh.vertices.push(v);
                if i + 1 < n && k + 1 < n {
                    let a = i * n + k;
                    let (b, c, d) = (a + 1, a + n, a + n + 1);
                    mesh.triangles.extend([[a, c, d], [a, d, b]]);
                }
            }
        }
        let read = Read::new(&to_bytes(&clip(2), Some(&mesh), &GlbOptions::default()).expect("it"));
        let object = read.node("smallbox").mesh().expect("a mesh");
        let primitive = object.primitives().next().expect("a part");
        let reader = primitive.reader(|_| Some(&read.blob));
        assert_eq!(
            reader.read_positions().expect("some").count(),
            (n * n) as usize
        );
        let indices: Vec<u32> = reader.read_indices().expect("some").into_u32().collect();
        assert_eq!(indices.len(), 3 * mesh.triangles.len());
        assert!(indices.iter().any(|i| *i > 65_535));
    }

    #[test]
    fn the_same_clip_gives_the_same_bytes() {
        let clip = clip(12);
        let bytes = || to_bytes(&clip, Some(&small_box()), &GlbOptions::default()).expect("a file");
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn one_frame_and_no_object_are_enough() {
        let bytes = to_bytes(&clip(1), None, &GlbOptions::default()).expect("a file");
        let read = Read::new(&bytes);
        assert_eq!(read.document.animations().count(), 0);
        assert!(read.document.nodes().all(|n| n.name() != Some("smallbox")));
    }

    #[test]
    fn what_cannot_be_shown_is_told() {
        let options = GlbOptions::default();
        let fault = |change: &dyn Fn(&mut MotionClip)| {
            let mut clip = clip(5);
            change(&mut clip);
            let error = to_bytes(&clip, Some(&small_box()), &options).expect_err("a fault");
            error.to_string()
        };
        assert!(fault(&|c| c.frames.clear()).contains("no frames"));
        assert!(fault(&|c| c.frames[3].pose.root.x = f32::NAN).contains("frame 3"));
        assert!(fault(&|c| c.frames[2].object_position.z = f32::INFINITY).contains("frame 2"));
        let nothing = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(0.0, 0.0, 0.0, 0.0));
        assert!(fault(&|c| c.frames[4].pose.rotations[7] = nothing).contains("frame 4"));
        assert!(fault(&|c| c.fps = 0.0).contains("frame rate"));
        assert!(fault(&|c| c.skeleton.rest_offsets[5].y = f32::NAN).contains("skeleton"));
        let mut broken = small_box();
        broken.triangles.clear();
        assert!(to_bytes(&clip(5), Some(&broken), &options).is_err());
        let color = GlbOptions {
            object_color: [2.0, 0.0, 0.0],
            ..Default::default()
        };
        let error = to_bytes(&clip(5), None, &color).expect_err("no color");
        assert!(error.to_string().starts_with("object_color"));
    }

    #[test]
    fn an_unwritable_place_is_told_and_left_alone() {
        let folder = std::env::temp_dir().join(format!("chois_glb_{}", std::process::id()));
        let path = folder.join("new/clip.glb");
        write(&path, &clip(2), None, &GlbOptions::default()).expect("written");
        let files = || std::fs::read_dir(folder.join("new")).expect("it").count();
        assert_eq!(files(), 1);
        // A file is no folder.
        let inside = path.join("clip.glb");
        let error = write(&inside, &clip(2), None, &GlbOptions::default()).expect_err("no folder");
        assert!(matches!(error, Error::Write { .. }), "{error}");
        assert_eq!(files(), 1);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
