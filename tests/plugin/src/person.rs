//! A small rigged person as a glTF file: good by default, and as broken as a test wants it.

use bevy::math::{Mat4, Quat, Vec3};
use serde_json::{Value, json};

/// A bone without roll: its axes are the world's in the bind pose.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// Its parent, with a smaller index.
    pub parent: Option<usize>,
    /// Where it is in the bind pose: metres, Y up, facing +Z.
    pub at: Vec3,
    /// How far the file's node is turned away from the bind pose.
    pub turned: Quat,
}

/// A person to be written as a glTF file: an armature, bones, and one mesh with a triangle at each bone.
#[derive(Clone, Debug)]
pub struct Person {
    /// The bones, parents first.
    pub joints: Vec<Joint>,
    /// Scale of the node that carries the bones; they are placed so that the person keeps its size.
    pub armature_scale: f32,
    /// The `extensions` of the file.
    pub extensions: Value,
}

impl Default for Person {
    /// 22 bones with plain English names in T-pose, 1.7 m.
    fn default() -> Self {
        let mut person = Self {
            joints: Vec::new(),
            armature_scale: 1.0,
            extensions: json!({}),
        };
        let mut add = |name: &str, parent: &str, at: [f32; 3]| person.add(name, parent, at);
        add("Hips", "", [0.0, 0.95, 0.0]);
        add("Spine", "Hips", [0.0, 1.05, 0.0]);
        add("Chest", "Spine", [0.0, 1.2, 0.0]);
        add("UpperChest", "Chest", [0.0, 1.32, 0.0]);
        add("Neck", "UpperChest", [0.0, 1.48, 0.0]);
        add("Head", "Neck", [0.0, 1.56, 0.02]);
        for (side, sign) in [("Left", 1.0), ("Right", -1.0)] {
            let mut limb = |part: &str, parent: &str, [x, y, z]: [f32; 3]| {
                let parent = match parent {
                    "Hips" | "UpperChest" => parent.to_owned(),
                    other => format!("{side}{other}"),
                };
                add(&format!("{side}{part}"), &parent, [sign * x, y, z]);
            };
            limb("Shoulder", "UpperChest", [0.05, 1.42, 0.0]);
            limb("UpperArm", "Shoulder", [0.17, 1.42, 0.0]);
            limb("LowerArm", "UpperArm", [0.44, 1.42, -0.01]);
            limb("Hand", "LowerArm", [0.69, 1.42, 0.0]);
            limb("UpperLeg", "Hips", [0.09, 0.9, 0.0]);
            limb("LowerLeg", "UpperLeg", [0.1, 0.5, 0.01]);
            limb("Foot", "LowerLeg", [0.1, 0.08, -0.02]);
            limb("Toes", "Foot", [0.1, 0.02, 0.1]);
        }
        person
    }
}

impl Person {
    /// Adds a bone; an unknown parent makes it a child of the armature.
    pub fn add(&mut self, name: &str, parent: &str, at: [f32; 3]) {
        self.joints.push(Joint {
            name: name.to_owned(),
            parent: self.index(parent),
            at: at.into(),
            turned: Quat::IDENTITY,
        });
    }

    /// The bone of a name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|j| j.name == name)
    }

    /// Turns the file's node of a bone away from the bind pose.
    pub fn turn(&mut self, name: &str, by: Quat) {
        if let Some(joint) = self.joints.iter_mut().find(|j| j.name == name) {
            joint.turned = by;
        }
    }

    /// The node of a bone in the file: the armature is the first, the mesh the last.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.index(name).map(|i| i + 1)
    }

    /// The glTF document and its only buffer. Accessor 0 holds positions, 1 joints, 2 weights, 3 inverse bind matrices;
    /// skin 0 the bones; the last node the mesh.
    pub fn document(&self) -> (Value, Vec<u8>) {
        let scale = self.armature_scale;
        let count = self.joints.len();
        let mut nodes = vec![json!({ "name": "Armature", "scale": [scale, scale, scale] })];
        for joint in &self.joints {
            let from = joint.parent.map_or(Vec3::ZERO, |p| self.joints[p].at);
            nodes.push(json!({
                "name": joint.name,
                "translation": ((joint.at - from) / scale).to_array(),
                "rotation": joint.turned.to_array(),
            }));
        }
        for (i, joint) in self.joints.iter().enumerate() {
            let parent = &mut nodes[joint.parent.map_or(0, |p| p + 1)];
            match parent["children"].as_array_mut() {
                Some(children) => children.push(json!(i + 1)),
                None => parent["children"] = json!([i + 1]),
            }
        }
        nodes.push(json!({ "name": "Body", "mesh": 0, "skin": 0 }));
        let mut blob = Vec::new();
        let mut views = Vec::new();
        let mut add = |bytes: Vec<u8>| {
            views.push(json!({ "buffer": 0, "byteOffset": blob.len(), "byteLength": bytes.len() }));
            blob.extend(bytes);
        };
        let floats = |values: Vec<f32>| -> Vec<u8> {
            values.into_iter().flat_map(f32::to_le_bytes).collect()
        };
        let corners = [Vec3::ZERO, Vec3::X * 0.02, Vec3::Y * 0.02];
        let vertices = self
            .joints
            .iter()
            .flat_map(|j| corners.map(|corner| j.at + corner));
        add(floats(vertices.flat_map(|v| v.to_array()).collect()));
        let joints = (0..count as u16).flat_map(|j| [[j, 0, 0, 0]; 3]).flatten();
        add(joints.flat_map(u16::to_le_bytes).collect());
        add(floats([1.0f32, 0.0, 0.0, 0.0].repeat(3 * count)));
        let inverse = self.joints.iter().flat_map(|joint| {
            let bind =
                Mat4::from_scale_rotation_translation(Vec3::splat(scale), Quat::IDENTITY, joint.at);
            bind.inverse().to_cols_array()
        });
        add(floats(inverse.collect()));
        let mut low = Vec3::INFINITY;
        let mut high = Vec3::NEG_INFINITY;
        for joint in &self.joints {
            low = low.min(joint.at);
            high = high.max(joint.at + 0.02);
        }
        let joints: Vec<usize> = (1..=count).collect();
        let document = json!({
            "asset": { "version": "2.0" },
            "scene": 0,
            "scenes": [{ "nodes": [0, count + 1] }],
            "nodes": nodes,
            "meshes": [{ "primitives": [{
                "attributes": { "POSITION": 0, "JOINTS_0": 1, "WEIGHTS_0": 2 },
            }] }],
            "skins": [{ "joints": joints, "inverseBindMatrices": 3 }],
            "accessors": [
                {
                    "bufferView": 0, "componentType": 5126, "count": 3 * count, "type": "VEC3",
                    "min": low.to_array(), "max": high.to_array(),
                },
                { "bufferView": 1, "componentType": 5123, "count": 3 * count, "type": "VEC4" },
                { "bufferView": 2, "componentType": 5126, "count": 3 * count, "type": "VEC4" },
                { "bufferView": 3, "componentType": 5126, "count": count, "type": "MAT4" },
            ],
            "bufferViews": views,
            "buffers": [{ "byteLength": blob.len() }],
            "extensions": self.extensions,
        });
        (document, blob)
    }

    /// The whole file.
    pub fn glb(&self) -> Vec<u8> {
        let (document, blob) = self.document();
        glb(&document, &blob)
    }
}

/// A binary glTF file.
pub fn glb(document: &Value, blob: &[u8]) -> Vec<u8> {
    let mut json = document.to_string().into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let mut blob = blob.to_vec();
    blob.resize(blob.len().next_multiple_of(4), 0);
    let mut bytes = b"glTF\x02\0\0\0".to_vec();
    let whole = 12 + 8 + json.len() + 8 + blob.len();
    bytes.extend((whole as u32).to_le_bytes());
    for (kind, data) in [(b"JSON", &json), (b"BIN\0", &blob)] {
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(kind);
        bytes.extend(data);
    }
    bytes
}
