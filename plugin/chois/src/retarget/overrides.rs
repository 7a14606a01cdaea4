//! What a person says about a rig, when the names and the shape do not.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BodyPart;
use crate::{Error, Result, error};

/// Where a rig faces in its bind pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Facing {
    /// Toward +Z, glTF's own.
    PlusZ,
    /// Toward -Z, as VRM 0 does.
    MinusZ,
    /// Toward +X.
    PlusX,
    /// Toward -X.
    MinusX,
}

/// Corrections for one rig, usually from a `.ron` file beside the model:
///
/// ```ron
/// (
///     bones: {
///         "left_upper_arm": "Bone.012",
///         "hips": "Bone.001",
///     },
///     facing: Some(PlusZ),
/// )
/// ```
///
/// Parts that are not mentioned are found as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RigOverrides {
    /// The name of the bone of a part.
    pub bones: BTreeMap<BodyPart, String>,
    /// Parts that shall have no bone even if one seems to be theirs; only those that are not required.
    pub without: Vec<BodyPart>,
    /// Where the rig faces in its bind pose; found from the sides and the feet if not given.
    pub facing: Option<Facing>,
    /// Height of the floor under the bind pose, in the root's frame and units; found from the feet if not given.
    pub floor: Option<f32>,
}

impl RigOverrides {
    /// Overrides from RON text. `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        ron::from_str(text).map_err(|e| Error::malformed(path, "rig override file", e))
    }

    /// Overrides from a file.
    ///
    /// # Errors
    /// [`Error::Read`], and those of [`Self::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = error::read(path)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::malformed(path, "rig override file", "it is not text"))?;
        Self::parse(&text, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retarget::Side;

    #[test]
    fn ron_is_read_and_faults_are_told() {
        let path = Path::new("rig.ron");
        let text =
            r#"(bones: {"left_upper_arm": "Bone.012", "hips": "Bone"}, facing: Some(MinusZ))"#;
        let read = RigOverrides::parse(text, path).expect("good overrides");
        assert_eq!(read.bones[&BodyPart::UpperArm(Side::Left)], "Bone.012");
        assert_eq!(read.facing, Some(Facing::MinusZ));
        let back = ron::to_string(&read).expect("RON");
        assert_eq!(RigOverrides::parse(&back, path).expect("again"), read);
        for bad in ["(bones: {\"left_wing\": \"x\"})", "(bons: {})", "("] {
            let error = RigOverrides::parse(bad, path).expect_err(bad).to_string();
            assert!(error.starts_with("rig.ron is not a usable rig override file"));
        }
    }
}
