//! What is known about a rig besides its bones.

use serde_json::Value;

use super::{BodyPart, Facing, RigOverrides, vrm};

/// What helps to find bones; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RigHints {
    /// What a person says.
    pub overrides: RigOverrides,
    /// What the file itself says: part and bone, by index in the rig.
    pub humanoid: Vec<(BodyPart, usize)>,
    /// Where the file's format says that people face.
    pub facing: Option<Facing>,
    /// Height of the lowest point of the skin in the bind pose, in the root's frame and units.
    pub floor: Option<f32>,
}

impl RigHints {
    /// Hints from the `extensions` object of a glTF file: VRM's humanoid map, if there is one. `bone_of_node` gives the
    /// rig's bone for a node of the file.
    pub fn from_extensions(
        extensions: &Value,
        bone_of_node: impl Fn(usize) -> Option<usize>,
    ) -> Self {
        let humanoid: Vec<_> = vrm::humanoid(extensions)
            .into_iter()
            .filter_map(|(part, node)| Some((part, bone_of_node(node)?)))
            .collect();
        Self {
            facing: (vrm::is_vrm_0(extensions) && !humanoid.is_empty()).then_some(Facing::MinusZ),
            humanoid,
            ..Self::default()
        }
    }
}
