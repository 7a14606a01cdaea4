//! Rigs made in code, for tests: one body under many names, poses, units and habits.

mod naming;

use nalgebra::{UnitQuaternion, Vector3};

pub(crate) use naming::{SCHEMES, naming};

use super::{Bone, Rig};
use crate::skeleton::{JOINTS, PARENTS, ROTATIONS, Skeleton};

/// A bone of the body before it becomes a rig's: name, parent, position in the bind pose (metres, Y up, facing +Z).
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub name: String,
    pub parent: Option<usize>,
    pub at: Vector3<f32>,
}

/// A body and the habits of the program that made it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub parts: Vec<Part>,
    /// Rotation that each bone has in the bind pose, world.
    pub rolls: bool,
    /// Whether bones have scales of their own, those of their parents taken back.
    pub scales: bool,
    /// Units per metre.
    pub units: f32,
    /// A node above with scale 1/units and a quarter turn.
    pub armature: bool,
}

const SIDES: [(&str, f32); 2] = [("Left", 1.0), ("Right", -1.0)];

impl Body {
    /// A person of about 1.75 m in T-pose with fingers, under plain names.
    pub fn person() -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut add = |name: &str, parent: &str, at: [f32; 3]| {
            let parent = parts.iter().position(|p: &Part| p.name == parent);
            parts.push(Part {
                name: name.to_owned(),
                parent,
                at: Vector3::from(at),
            });
        };
        add("Hips", "", [0.0, 0.98, 0.0]);
        add("Spine", "Hips", [0.0, 1.08, -0.01]);
        add("Chest", "Spine", [0.0, 1.22, -0.01]);
        add("UpperChest", "Chest", [0.0, 1.35, -0.01]);
        add("Neck", "UpperChest", [0.0, 1.50, -0.02]);
        add("Head", "Neck", [0.0, 1.60, 0.01]);
        add("HeadEnd", "Head", [0.0, 1.75, 0.01]);
        for (side, x) in SIDES {
            let n = |part: &str| format!("{side}{part}");
            add(&n("UpperLeg"), "Hips", [0.09 * x, 0.92, 0.0]);
            add(&n("LowerLeg"), &n("UpperLeg"), [0.10 * x, 0.50, 0.01]);
            add(&n("Foot"), &n("LowerLeg"), [0.11 * x, 0.09, -0.03]);
            add(&n("Toes"), &n("Foot"), [0.13 * x, 0.02, 0.10]);
            add(&n("Shoulder"), "UpperChest", [0.03 * x, 1.45, 0.0]);
            add(&n("UpperArm"), &n("Shoulder"), [0.17 * x, 1.44, -0.02]);
            add(&n("LowerArm"), &n("UpperArm"), [0.45 * x, 1.44, -0.03]);
            add(&n("Hand"), &n("LowerArm"), [0.71 * x, 1.44, -0.02]);
            for (d, (digit, z)) in [
                ("Index", 0.025),
                ("Middle", 0.0),
                ("Ring", -0.02),
                ("Little", -0.04),
            ]
            .into_iter()
            .enumerate()
            {
                let out = [0.10, 0.105, 0.10, 0.09][d];
                let mut parent = n("Hand");
                for p in 0..3 {
                    let name = n(&format!("{digit}{}", p + 1));
                    let reach = 0.71 + out + [0.0, 0.035, 0.06][p];
                    add(&name, &parent, [reach * x, 1.435, -0.02 + z]);
                    parent = name;
                }
            }
            let mut parent = n("Hand");
            for (p, at) in [
                [0.74, 1.42, 0.01],
                [0.765, 1.42, 0.035],
                [0.785, 1.415, 0.055],
            ]
            .into_iter()
            .enumerate()
            {
                let name = n(&format!("Thumb{}", p + 1));
                add(&name, &parent, [at[0] * x, at[1], at[2]]);
                parent = name;
            }
        }
        Self {
            parts,
            rolls: false,
            scales: false,
            units: 1.0,
            armature: false,
        }
    }

    /// The model's own skeleton as a rig, under SMPL's names.
    pub fn source(skeleton: &Skeleton) -> Self {
        let rest = skeleton.rest_positions();
        let floor = rest[10].y - crate::skeleton::TOE_HEIGHT;
        let parts = (0..ROTATIONS)
            .map(|j| Part {
                name: crate::skeleton::NAMES[j].to_owned(),
                parent: PARENTS[j],
                at: rest[j] - Vector3::new(0.0, floor, 0.0),
            })
            .collect();
        let _ = JOINTS;
        Self {
            parts,
            rolls: false,
            scales: false,
            units: 1.0,
            armature: false,
        }
    }

    pub fn index(&self, name: &str) -> Option<usize> {
        self.parts.iter().position(|p| p.name == name)
    }

    /// Whether part `above` carries part `below` or is it.
    fn carries(&self, above: usize, below: usize) -> bool {
        std::iter::successors(Some(below), |b| self.parts[*b].parent).any(|b| b == above)
    }

    /// Turns a part and all it carries about its own place, in the world.
    pub fn turned(mut self, name: &str, turn: UnitQuaternion<f32>) -> Self {
        let Some(top) = self.index(name) else {
            return self;
        };
        let pivot = self.parts[top].at;
        for b in top..self.parts.len() {
            if self.carries(top, b) {
                self.parts[b].at = pivot + turn * (self.parts[b].at - pivot);
            }
        }
        self
    }

    /// The arms down by so many degrees.
    pub fn a_pose(self, degrees: f32) -> Self {
        let turn = |sign: f32| {
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), sign * degrees.to_radians())
        };
        self.turned("LeftUpperArm", turn(-1.0))
            .turned("RightUpperArm", turn(1.0))
    }

    /// Other names; a part whose new name is empty is taken out, its children go to its parent.
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        let names: Vec<String> = self.parts.iter().map(|p| name(&p.name)).collect();
        let kept: Vec<usize> = (0..names.len()).filter(|i| !names[*i].is_empty()).collect();
        let place = |i: usize| kept.iter().position(|k| *k == i);
        let parts = kept
            .iter()
            .map(|&i| {
                let mut parent = self.parts[i].parent;
                while let Some(p) = parent.filter(|p| names[*p].is_empty()) {
                    parent = self.parts[p].parent;
                }
                Part {
                    name: names[i].clone(),
                    parent: parent.and_then(place),
                    at: self.parts[i].at,
                }
            })
            .collect();
        self.parts = parts;
        self
    }

    /// Every length by a factor about the floor's origin.
    pub fn sized(mut self, factor: f32) -> Self {
        for part in &mut self.parts {
            part.at *= factor;
        }
        self
    }

    /// A bone put into the middle between a part and its child.
    pub fn split(mut self, part: &str, child: &str, name: &str, share: f32) -> Self {
        let (Some(a), Some(b)) = (self.index(part), self.index(child)) else {
            return self;
        };
        let at = self.parts[a].at.lerp(&self.parts[b].at, share);
        for p in &mut self.parts {
            if let Some(parent) = p.parent.filter(|x| *x >= b) {
                p.parent = Some(parent + 1);
            }
        }
        self.parts[b].parent = Some(b);
        self.parts.insert(
            b,
            Part {
                name: name.to_owned(),
                parent: Some(a),
                at,
            },
        );
        self
    }

    /// A leaf on a part, part of the way to another.
    pub fn leaf(mut self, part: &str, toward: &str, name: &str, share: f32) -> Self {
        let (Some(a), Some(b)) = (self.index(part), self.index(toward)) else {
            return self;
        };
        let at = self.parts[a].at.lerp(&self.parts[b].at, share);
        self.parts.push(Part {
            name: name.to_owned(),
            parent: Some(a),
            at,
        });
        self
    }

    pub fn with_rolls(mut self) -> Self {
        self.rolls = true;
        self
    }

    pub fn with_scales(mut self) -> Self {
        self.scales = true;
        self
    }

    /// Centimetres under an armature of scale 0.01, lying on its back as Blender's exporter leaves it.
    pub fn in_centimetres(mut self) -> Self {
        self.units = 100.0;
        self.armature = true;
        self
    }

    pub fn rig(&self) -> Rig {
        let mut bones = Vec::new();
        let quarter =
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -std::f32::consts::FRAC_PI_2);
        let (above_turn, shift) = if self.armature {
            bones.push(Bone {
                name: "Armature".into(),
                parent: None,
                translation: Vector3::zeros(),
                rotation: quarter,
                scale: Vector3::repeat(1.0 / self.units),
                skinned: false,
            });
            (quarter, 1)
        } else {
            (UnitQuaternion::identity(), 0)
        };
        let world = |i: usize| -> UnitQuaternion<f32> {
            if self.rolls {
                // Any rotation, a different one for each bone.
                let i = i as f32;
                UnitQuaternion::from_euler_angles(1.3 * i, 0.7 * i + 0.4, 2.1 * i)
            } else {
                UnitQuaternion::identity()
            }
        };
        let scale = |i: usize| match self.scales {
            true => [1.0, 0.8, 1.3][i % 3],
            false => 1.0,
        };
        for (i, part) in self.parts.iter().enumerate() {
            let (parent_turn, parent_at, above) = match part.parent {
                Some(p) => (world(p), self.parts[p].at, scale(p)),
                None => (above_turn, Vector3::zeros(), 1.0),
            };
            bones.push(Bone {
                name: part.name.clone(),
                parent: part.parent.map(|p| p + shift).or((shift > 0).then_some(0)),
                translation: parent_turn.inverse() * (part.at - parent_at) * self.units / above,
                rotation: parent_turn.inverse() * world(i),
                scale: Vector3::repeat(scale(i) / above),
                skinned: !part.name.ends_with("End"),
            });
        }
        Rig { bones }
    }
}
