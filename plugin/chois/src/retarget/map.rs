//! Which bone is which part of the body.

use std::fmt;

use nalgebra::Vector3;

use super::{BodyPart, Rig, Side};

/// How the bones of a rig were recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// Names in plain English, in any style.
    #[default]
    English,
    /// Mixamo: `mixamorig:LeftUpLeg`.
    Mixamo,
    /// Unreal Engine's mannequin: `thigh_l`.
    Unreal,
    /// Blender's Rigify: `DEF-thigh.L`, or its metarig.
    Rigify,
    /// MakeHuman's default rig: `upperleg01.L`.
    MakeHuman,
    /// SMPL and SMPL-X: `left_hip`, `L_Hip`.
    Smpl,
    /// VRoid: `J_Bip_L_UpperArm`.
    VRoid,
    /// 3ds Max Biped: `Bip01 L Thigh`.
    Biped,
    /// The file says it itself: VRM's humanoid map.
    Vrm,
    /// The names say nothing; the shape of the skeleton does.
    Shape,
    /// All by the override file.
    Overrides,
}

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::English => "plain English names",
            Self::Mixamo => "Mixamo names",
            Self::Unreal => "Unreal mannequin names",
            Self::Rigify => "Rigify names",
            Self::MakeHuman => "MakeHuman names",
            Self::Smpl => "SMPL names",
            Self::VRoid => "VRoid names",
            Self::Biped => "3ds Max Biped names",
            Self::Vrm => "the VRM humanoid map",
            Self::Shape => "the shape of the skeleton",
            Self::Overrides => "the override file",
        })
    }
}

/// A bone that takes a share of the roll of a limb.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwistBone {
    /// The bone, by index in the rig.
    pub bone: usize,
    /// The limb that it belongs to.
    pub part: BodyPart,
}

/// Which bone is which part of the body. Made by [`super::find_bones`]; [`fmt::Display`] is a report for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RigMap {
    /// How most bones were recognised.
    pub naming: Naming,
    /// Bones of the spine from the lowest (above the hips) to the one that carries the shoulders.
    pub spine: Vec<usize>,
    /// Bones of the neck from the lowest up.
    pub neck: Vec<usize>,
    /// Bones that only take a share of a limb's roll.
    pub twists: Vec<TwistBone>,
    /// Further bones that move like a part, such as the second to fifth toe.
    pub companions: Vec<(BodyPart, usize)>,
    /// What should be known about the match: sides that were exchanged, guesses, what was ignored.
    pub notes: Vec<String>,
    /// Where the rig faces in its bind pose: a level unit vector in the root's frame.
    pub facing: Vector3<f32>,
    /// Height of the floor in the root's frame and units.
    pub floor: f32,
    pub(super) bones: Vec<Option<usize>>,
    pub(super) names: Vec<String>,
    /// How many bones carry skin.
    pub(super) skinned: usize,
}

impl RigMap {
    /// The bone of a part, by index in the rig.
    pub fn bone(&self, part: BodyPart) -> Option<usize> {
        self.bones.get(part.index()).copied().flatten()
    }

    /// All parts that have a bone, with it.
    pub fn matched(&self) -> impl Iterator<Item = (BodyPart, usize)> + '_ {
        BodyPart::all().filter_map(|p| self.bone(p).map(|b| (p, b)))
    }

    /// All parts that have none.
    pub fn missing(&self) -> impl Iterator<Item = BodyPart> + '_ {
        BodyPart::all().filter(|p| self.bone(*p).is_none())
    }

    pub(super) fn set(&mut self, part: BodyPart, bone: Option<usize>) {
        if self.bones.is_empty() {
            self.bones = vec![None; BodyPart::COUNT];
        }
        self.bones[part.index()] = bone;
    }

    pub(super) fn remember_names(&mut self, rig: &Rig) {
        self.names = rig.bones.iter().map(|b| b.name.clone()).collect();
        self.skinned = rig.skinned();
    }

    fn name(&self, bone: usize) -> &str {
        self.names.get(bone).map_or("?", String::as_str)
    }
}

/// A report: what was matched by what, what is missing, what to know.
impl fmt::Display for RigMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matched = self.matched().count();
        writeln!(
            f,
            "{matched} of {} parts found among {} bones by {}",
            BodyPart::COUNT,
            self.skinned,
            self.naming
        )?;
        for (part, bone) in self.matched() {
            if !matches!(part, BodyPart::Finger(..)) {
                writeln!(f, "  {:<18} {}", part.to_string(), self.name(bone))?;
            }
        }
        let list = |bones: &[usize]| {
            let names: Vec<_> = bones.iter().map(|b| self.name(*b)).collect();
            names.join(", ")
        };
        if self.spine.len() > 1 {
            writeln!(f, "  {:<18} {}", "whole spine", list(&self.spine))?;
        }
        if self.neck.len() > 1 {
            writeln!(f, "  {:<18} {}", "whole neck", list(&self.neck))?;
        }
        for side in Side::BOTH {
            let fingers: Vec<usize> = self
                .matched()
                .filter(|(p, _)| matches!(p, BodyPart::Finger(s, ..) if *s == side))
                .map(|(_, b)| b)
                .collect();
            if !fingers.is_empty() {
                let which = format!("{} fingers", ["left", "right"][side.index()]);
                writeln!(f, "  {:<18} {} bones", which, fingers.len())?;
            }
        }
        if !self.twists.is_empty() {
            let bones: Vec<usize> = self.twists.iter().map(|t| t.bone).collect();
            writeln!(f, "  {:<18} {}", "roll is shared by", list(&bones))?;
        }
        let missing: Vec<_> = self
            .missing()
            .filter(|p| {
                !matches!(
                    p,
                    BodyPart::Finger(..) | BodyPart::Chest | BodyPart::UpperChest
                )
            })
            .map(|p| p.to_string())
            .collect();
        if !missing.is_empty() {
            writeln!(f, "  without a bone:    {}", missing.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        Ok(())
    }
}
