//! VRM files say themselves which node is which part of the body.

use serde_json::Value;

use super::{BodyPart, Digit, Side};

/// The humanoid map of a VRM file: part and glTF node. `extensions` is the `extensions` object at the top of the
/// glTF; both VRM 0 (`VRM`) and VRM 1 (`VRMC_vrm`) are read. Empty when there is neither.
pub fn humanoid(extensions: &Value) -> Vec<(BodyPart, usize)> {
    let node = |v: &Value| v.get("node").and_then(Value::as_u64).map(|n| n as usize);
    let one = extensions
        .pointer("/VRMC_vrm/humanoid/humanBones")
        .and_then(Value::as_object);
    if let Some(bones) = one {
        return bones
            .iter()
            .filter_map(|(name, bone)| Some((part(name, true)?, node(bone)?)))
            .collect();
    }
    let zero = extensions
        .pointer("/VRM/humanoid/humanBones")
        .and_then(Value::as_array);
    zero.into_iter()
        .flatten()
        .filter_map(|bone| {
            let name = bone.get("bone").and_then(Value::as_str)?;
            Some((part(name, false)?, node(bone)?))
        })
        .collect()
}

/// Whether it is VRM 0, whose people face -Z.
pub fn is_vrm_0(extensions: &Value) -> bool {
    extensions.get("VRMC_vrm").is_none() && extensions.get("VRM").is_some()
}

/// VRM's name of a bone. In VRM 1 the thumb begins with its metacarpal, in VRM 0 the same bone is called proximal.
fn part(name: &str, one: bool) -> Option<BodyPart> {
    let whole = match name {
        "hips" => Some(BodyPart::Hips),
        "spine" => Some(BodyPart::Spine),
        "chest" => Some(BodyPart::Chest),
        "upperChest" => Some(BodyPart::UpperChest),
        "neck" => Some(BodyPart::Neck),
        "head" => Some(BodyPart::Head),
        _ => None,
    };
    if whole.is_some() {
        return whole;
    }
    let (side, rest) = match name.strip_prefix("left") {
        Some(rest) => (Side::Left, rest),
        None => (Side::Right, name.strip_prefix("right")?),
    };
    let digit = [
        ("Thumb", Digit::Thumb),
        ("Index", Digit::Index),
        ("Middle", Digit::Middle),
        ("Ring", Digit::Ring),
        ("Little", Digit::Little),
    ];
    for (word, digit) in digit {
        if let Some(phalanx) = rest.strip_prefix(word) {
            let thumb = one && digit == Digit::Thumb;
            let number = match phalanx {
                "Metacarpal" if thumb => 0,
                "Proximal" => u8::from(thumb),
                "Intermediate" => 1,
                "Distal" => 2,
                _ => return None,
            };
            return Some(BodyPart::Finger(side, digit, number));
        }
    }
    Some(match rest {
        "Shoulder" => BodyPart::Shoulder(side),
        "UpperArm" => BodyPart::UpperArm(side),
        "LowerArm" => BodyPart::LowerArm(side),
        "Hand" => BodyPart::Hand(side),
        "UpperLeg" => BodyPart::UpperLeg(side),
        "LowerLeg" => BodyPart::LowerLeg(side),
        "Foot" => BodyPart::Foot(side),
        "Toes" => BodyPart::Toes(side),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_versions_are_read() {
        let zero = json!({"VRM": {"humanoid": {"humanBones": [
            {"bone": "hips", "node": 3}, {"bone": "leftThumbProximal", "node": 9}, {"bone": "leftEye", "node": 1},
        ]}}});
        let got = humanoid(&zero);
        assert_eq!(got.len(), 2);
        assert!(got.contains(&(BodyPart::Finger(Side::Left, Digit::Thumb, 0), 9)));
        assert!(is_vrm_0(&zero));
        let one = json!({"VRMC_vrm": {"humanoid": {"humanBones": {
            "hips": {"node": 3}, "rightThumbProximal": {"node": 9}, "rightThumbMetacarpal": {"node": 8},
            "rightUpperLeg": {"node": 12}, "jaw": {"node": 2},
        }}}});
        let got = humanoid(&one);
        assert_eq!(got.len(), 4);
        assert!(got.contains(&(BodyPart::Finger(Side::Right, Digit::Thumb, 1), 9)));
        assert!(!is_vrm_0(&one));
        assert!(humanoid(&json!({"VRM": {"humanoid": 3}})).is_empty());
        assert!(humanoid(&Value::Null).is_empty());
    }
}
