//! Names of bones in the habits of many programs.

/// Names of the parts of [`super::Body::person`] in the habits of many programs. An empty name: there is no such bone.
pub(crate) fn naming(scheme: &str) -> impl Fn(&str) -> String {
    let scheme = scheme.to_owned();
    move |part: &str| {
        let (side, rest) = match (part.strip_prefix("Left"), part.strip_prefix("Right")) {
            (Some(rest), _) => ("Left", rest),
            (_, Some(rest)) => ("Right", rest),
            _ => ("", part),
        };
        let small = if side == "Left" { "l" } else { "r" };
        let big = if side == "Left" { "L" } else { "R" };
        let finger = ["Index", "Middle", "Ring", "Little", "Thumb"]
            .iter()
            .find_map(|d| {
                let number = rest.strip_prefix(d)?;
                Some((*d, number.parse::<usize>().ok()?))
            });
        let pick = |list: &[(&str, &str)]| -> String {
            list.iter()
                .find(|(k, _)| *k == rest)
                .map(|(_, v)| (*v).to_owned())
                .unwrap_or_default()
        };
        match scheme.as_str() {
            "mixamo" => {
                if let Some((d, n)) = finger {
                    let d = if d == "Little" { "Pinky" } else { d };
                    return format!("mixamorig:{side}Hand{d}{n}");
                }
                let core = pick(&[
                    ("Hips", "Hips"),
                    ("Spine", "Spine"),
                    ("Chest", "Spine1"),
                    ("UpperChest", "Spine2"),
                    ("Neck", "Neck"),
                    ("Head", "Head"),
                    ("HeadEnd", "HeadTop_End"),
                    ("UpperLeg", "UpLeg"),
                    ("LowerLeg", "Leg"),
                    ("Foot", "Foot"),
                    ("Toes", "ToeBase"),
                    ("Shoulder", "Shoulder"),
                    ("UpperArm", "Arm"),
                    ("LowerArm", "ForeArm"),
                    ("Hand", "Hand"),
                ]);
                format!("mixamorig:{side}{core}")
            }
            "unreal" => {
                if let Some((d, n)) = finger {
                    let d = if d == "Little" {
                        "pinky".into()
                    } else {
                        d.to_lowercase()
                    };
                    return format!("{d}_0{n}_{small}");
                }
                let core = pick(&[
                    ("Hips", "pelvis"),
                    ("Spine", "spine_01"),
                    ("Chest", "spine_02"),
                    ("UpperChest", "spine_03"),
                    ("Neck", "neck_01"),
                    ("Head", "head"),
                    ("UpperLeg", "thigh"),
                    ("LowerLeg", "calf"),
                    ("Foot", "foot"),
                    ("Toes", "ball"),
                    ("Shoulder", "clavicle"),
                    ("UpperArm", "upperarm"),
                    ("LowerArm", "lowerarm"),
                    ("Hand", "hand"),
                ]);
                if side.is_empty() || core.is_empty() {
                    core
                } else {
                    format!("{core}_{small}")
                }
            }
            "rigify" => {
                if let Some((d, n)) = finger {
                    let d = match d {
                        "Little" => "f_pinky".to_owned(),
                        "Thumb" => "thumb".to_owned(),
                        d => format!("f_{}", d.to_lowercase()),
                    };
                    return format!("DEF-{d}.0{n}.{big}");
                }
                let core = pick(&[
                    ("Hips", "spine"),
                    ("Spine", "spine.001"),
                    ("Chest", "spine.002"),
                    ("UpperChest", "spine.003"),
                    ("Neck", "spine.004"),
                    ("Head", "spine.006"),
                    ("UpperLeg", "thigh"),
                    ("LowerLeg", "shin"),
                    ("Foot", "foot"),
                    ("Toes", "toe"),
                    ("Shoulder", "shoulder"),
                    ("UpperArm", "upper_arm"),
                    ("LowerArm", "forearm"),
                    ("Hand", "hand"),
                ]);
                if core.is_empty() {
                    core
                } else if side.is_empty() {
                    format!("DEF-{core}")
                } else {
                    format!("DEF-{core}.{big}")
                }
            }
            "makehuman" => {
                if let Some((d, n)) = finger {
                    let f = ["Thumb", "Index", "Middle", "Ring", "Little"]
                        .iter()
                        .position(|x| *x == d)
                        .unwrap_or(0)
                        + 1;
                    return format!("finger{f}-{n}.{big}");
                }
                let core = pick(&[
                    ("Hips", "root"),
                    ("Spine", "spine05"),
                    ("Chest", "spine03"),
                    ("UpperChest", "spine01"),
                    ("Neck", "neck01"),
                    ("Head", "head"),
                    ("UpperLeg", "upperleg01"),
                    ("LowerLeg", "lowerleg01"),
                    ("Foot", "foot"),
                    ("Toes", "toe1-1"),
                    ("Shoulder", "clavicle"),
                    ("UpperArm", "upperarm01"),
                    ("LowerArm", "lowerarm01"),
                    ("Hand", "wrist"),
                ]);
                if side.is_empty() || core.is_empty() {
                    core
                } else {
                    format!("{core}.{big}")
                }
            }
            "smpl" => {
                if let Some((d, n)) = finger {
                    let d = if d == "Little" {
                        "pinky".into()
                    } else {
                        d.to_lowercase()
                    };
                    return format!("{}_{d}{n}", side.to_lowercase());
                }
                let core = pick(&[
                    ("Hips", "pelvis"),
                    ("Spine", "spine1"),
                    ("Chest", "spine2"),
                    ("UpperChest", "spine3"),
                    ("Neck", "neck"),
                    ("Head", "head"),
                    ("UpperLeg", "hip"),
                    ("LowerLeg", "knee"),
                    ("Foot", "ankle"),
                    ("Toes", "foot"),
                    ("Shoulder", "collar"),
                    ("UpperArm", "shoulder"),
                    ("LowerArm", "elbow"),
                    ("Hand", "wrist"),
                ]);
                if side.is_empty() || core.is_empty() {
                    core
                } else {
                    format!("{}_{core}", side.to_lowercase())
                }
            }
            "smpl short" => {
                let core = pick(&[
                    ("Hips", "Pelvis"),
                    ("Spine", "Spine1"),
                    ("Chest", "Spine2"),
                    ("UpperChest", "Spine3"),
                    ("Neck", "Neck"),
                    ("Head", "Head"),
                    ("UpperLeg", "Hip"),
                    ("LowerLeg", "Knee"),
                    ("Foot", "Ankle"),
                    ("Toes", "Foot"),
                    ("Shoulder", "Collar"),
                    ("UpperArm", "Shoulder"),
                    ("LowerArm", "Elbow"),
                    ("Hand", "Wrist"),
                ]);
                if side.is_empty() || core.is_empty() {
                    core
                } else {
                    format!("{big}_{core}")
                }
            }
            "vroid" => {
                let rest = if rest == "Toes" { "ToeBase" } else { rest };
                let middle = if side.is_empty() { "C" } else { big };
                format!("J_Bip_{middle}_{rest}")
            }
            "biped" => {
                if let Some((d, n)) = finger {
                    let f = ["Thumb", "Index", "Middle", "Ring", "Little"]
                        .iter()
                        .position(|x| *x == d)
                        .unwrap_or(0);
                    let n = ["", "1", "2"][n - 1];
                    return format!("Bip01 {big} Finger{f}{n}");
                }
                let core = pick(&[
                    ("Hips", "Pelvis"),
                    ("Spine", "Spine"),
                    ("Chest", "Spine1"),
                    ("UpperChest", "Spine2"),
                    ("Neck", "Neck"),
                    ("Head", "Head"),
                    ("HeadEnd", "HeadNub"),
                    ("UpperLeg", "Thigh"),
                    ("LowerLeg", "Calf"),
                    ("Foot", "Foot"),
                    ("Toes", "Toe0"),
                    ("Shoulder", "Clavicle"),
                    ("UpperArm", "UpperArm"),
                    ("LowerArm", "Forearm"),
                    ("Hand", "Hand"),
                ]);
                if side.is_empty() {
                    format!("Bip01 {core}")
                } else {
                    format!("Bip01 {big} {core}")
                }
            }
            "english snake" => {
                let mut out = String::new();
                for c in rest.chars() {
                    if (c.is_uppercase() || c.is_ascii_digit()) && !out.is_empty() {
                        out.push('_');
                    }
                    out.extend(c.to_lowercase());
                }
                if side.is_empty() {
                    out
                } else {
                    format!("{out}.{big}")
                }
            }
            "english words" => match rest {
                _ if side.is_empty() => rest.to_lowercase(),
                "UpperArm" => format!("{side} arm"),
                "LowerArm" => format!("{side} forearm"),
                "UpperLeg" => format!("{side} thigh"),
                "LowerLeg" => format!("{side} leg"),
                rest => format!("{side} {}", rest.to_lowercase()),
            },
            "exporter numbers" => {
                let n = part.bytes().map(usize::from).sum::<usize>() % 90;
                format!("Armature|{side}{rest}_0{n}")
            }
            _ => part.to_owned(),
        }
    }
}

/// All that [`naming`] knows.
pub(crate) const SCHEMES: &[&str] = &[
    "plain",
    "mixamo",
    "unreal",
    "rigify",
    "makehuman",
    "smpl",
    "smpl short",
    "vroid",
    "biped",
    "english snake",
    "english words",
    "exporter numbers",
];
