//! Bone names as words: what any exporter's style has in common.

use super::{Digit, Naming, Side};

/// What a bone is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Hips,
    Trunk,
    Neck,
    Head,
    Shoulder,
    UpperArm,
    LowerArm,
    Hand,
    UpperLeg,
    LowerLeg,
    Foot,
    Toes,
    Finger(Digit),
}

/// A bone's name, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub side: Option<Side>,
    /// What it may be; the smaller the number, the surer.
    pub kinds: Vec<(Kind, u8)>,
    /// It takes a share of a limb's roll.
    pub twist: bool,
    /// It says "ankle", "wrist" or the like: a joint rather than the part below it.
    pub joint_word: bool,
}

impl Reading {
    /// How sure it is that this is a bone of that kind.
    pub fn rank(&self, kind: Kind) -> Option<u8> {
        let found = self.kinds.iter().find(|(k, _)| *k == kind);
        found.map(|(_, rank)| *rank)
    }
}

/// Words that make a bone something else: controls, ends, faces, clothes.
const IGNORED: &[&str] = &[
    "ik",
    "pole",
    "target",
    "ctrl",
    "control",
    "controller",
    "mch",
    "org",
    "helper",
    "breast",
    "bust",
    "boob",
    "pec",
    "pectoral",
    "eye",
    "eyes",
    "eyeball",
    "jaw",
    "hair",
    "skirt",
    "cloth",
    "cape",
    "tail",
    "ear",
    "tongue",
    "teeth",
    "tooth",
    "brow",
    "eyebrow",
    "lid",
    "eyelid",
    "lip",
    "cheek",
    "nose",
    "face",
    "facial",
    "chin",
    "mouth",
    "weapon",
    "prop",
    "socket",
    "attach",
    "holder",
    "muscle",
    "jiggle",
    "physics",
    "collider",
    "end",
    "nub",
    "top",
    "tip",
    "effector",
    "site",
    "camera",
    "light",
    "mesh",
    "heel",
    "glue",
    "correct",
    "corrective",
    "metacarpal",
    "carpal",
    "palm",
    "inhand",
    "metatarsal",
    "hat",
    "glasses",
    "bag",
    "strap",
    "sleeve",
    "sec",
    "adj",
    "driver",
    "lookat",
    "aim",
    "ribbon",
    "tie",
    "belt",
    "coat",
    "collider",
    "genital",
    "glute",
    "buttock",
    "butt",
];

/// Words that say nothing.
const NOISE: &[&str] = &[
    "bone",
    "jnt",
    "joint",
    "jt",
    "bind",
    "def",
    "deform",
    "skin",
    "skel",
    "sk",
    "bn",
    "rig",
    "bip",
    "b",
    "c",
    "j",
    "cc",
    "f",
    "base",
    "main",
    "mixamorig",
    "character",
    "char",
    "armature",
    "valve",
    "valvebiped",
    "biped",
    "stretch",
    "x",
    "bend",
    "center",
    "centre",
    "m",
    "geo",
    "fk",
    "human",
    "g",
    "skeleton",
    "anim",
    "rigged",
    "o",
    "hd",
    "proxy",
];

/// Words of the body, longest match first within a run of letters without a break.
const BODY: &[&str] = &[
    "upperchest",
    "collarbone",
    "clavicle",
    "shoulder",
    "upperarm",
    "lowerarm",
    "upperleg",
    "lowerleg",
    "forearm",
    "proximal",
    "intermediate",
    "distal",
    "metacarpal",
    "ribcage",
    "abdomen",
    "stomach",
    "toebase",
    "collar",
    "middle",
    "little",
    "finger",
    "pelvis",
    "thorax",
    "pinkie",
    "uparm",
    "upleg",
    "torso",
    "waist",
    "spine",
    "chest",
    "thigh",
    "ankle",
    "elbow",
    "wrist",
    "index",
    "pinky",
    "small",
    "thumb",
    "shldr",
    "upper",
    "lower",
    "right",
    "twist",
    "neck",
    "head",
    "hips",
    "hand",
    "knee",
    "shin",
    "calf",
    "foot",
    "feet",
    "toes",
    "ball",
    "ring",
    "left",
    "clav",
    "roll",
    "back",
    "base",
    "bend",
    "root",
    "mid",
    "hip",
    "arm",
    "leg",
    "toe",
    "low",
    "fore",
    "end",
    "up",
];

/// Letters and numbers of a name, in lower case, cut where the style shows a break.
fn tokens(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let letters: Vec<char> = name.chars().collect();
    let mut word = String::new();
    let mut push = |word: &mut String| {
        if !word.is_empty() {
            out.push(std::mem::take(word).to_lowercase());
        }
    };
    for (i, &c) in letters.iter().enumerate() {
        if !c.is_alphanumeric() {
            push(&mut word);
            continue;
        }
        if let Some(last) = word.chars().last() {
            let next_is_lower = letters.get(i + 1).is_some_and(|n| n.is_lowercase());
            let camel = last.is_lowercase() && c.is_uppercase();
            // "LThumb": the last capital begins the word.
            let acronym = last.is_uppercase() && c.is_uppercase() && next_is_lower;
            if camel || acronym || last.is_numeric() != c.is_numeric() {
                push(&mut word);
            }
        }
        word.push(c);
    }
    push(&mut word);
    out
}

fn known(word: &str) -> bool {
    BODY.contains(&word) || IGNORED.contains(&word) || NOISE.contains(&word)
}

/// Longest run of letters that is cut.
const LONGEST_RUN: usize = 64;

/// The words that a run of letters is a sequence of; where there are several such, the earlier ones of [`BODY`] come first.
fn all(run: &str) -> Option<Vec<String>> {
    // The word that leads on from each place to the end, from the end on: names cost no more than their length.
    let mut next: Vec<Option<&str>> = vec![None; run.len()];
    for at in (0..run.len()).rev() {
        next[at] = BODY.iter().copied().find(|word| {
            let end = at + word.len();
            run[at..].starts_with(word) && next.get(end).is_none_or(Option::is_some)
        });
    }
    let (mut words, mut at) = (Vec::new(), 0);
    while at < run.len() {
        let word = next[at]?;
        words.push(word.to_owned());
        at += word.len();
    }
    Some(words)
}

/// Cuts "leftupperarm" or "lthigh" into words; a run that is no sequence of words stays whole.
fn cut(run: &str) -> Vec<String> {
    let fits = (3..=LONGEST_RUN).contains(&run.len());
    if !fits || known(run) || run.chars().any(|c| !c.is_ascii_lowercase()) {
        return vec![run.to_owned()];
    }
    let (first, last) = run.split_at(run.len() - 1);
    all(run)
        .or_else(|| {
            let rest = run.strip_prefix(['l', 'r'])?;
            let mut words = all(rest)?;
            words.insert(0, run[..1].to_owned());
            Some(words)
        })
        .or_else(|| {
            let mut words = matches!(last, "l" | "r").then(|| all(first))??;
            words.push(last.to_owned());
            Some(words)
        })
        .unwrap_or_else(|| vec![run.to_owned()])
}

/// The words of every name, without what most names share ("Bob:", "Character1_").
pub(super) fn words(names: &[&str]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = names
        .iter()
        .map(|name| {
            // A name space says who, not what.
            let name = name.rsplit([':', '|', '/']).next().unwrap_or(name);
            // Blender's prefixes, which may have lost their dash: "DEFupper_armL".
            let prefix = ["DEF", "ORG", "MCH"].into_iter().find_map(|p| {
                let rest = name.strip_prefix(p)?;
                (!rest.starts_with(|c: char| c.is_uppercase())).then_some((p, rest))
            });
            let (prefix, name) = prefix.unwrap_or(("", name));
            let mut words: Vec<String> = tokens(name).iter().flat_map(|t| cut(t)).collect();
            if !prefix.is_empty() {
                words.insert(0, prefix.to_lowercase());
            }
            words
        })
        .collect();
    // A few rounds: "Scene_Bob_LeftArm".
    for _ in 0..4 {
        let mut counts = std::collections::HashMap::<&str, usize>::new();
        for first in all.iter().filter_map(|w| w.first()) {
            *counts.entry(first).or_default() += 1;
        }
        let Some((word, _)) = counts
            .into_iter()
            .max_by_key(|(w, n)| (*n, *w))
            .filter(|(w, n)| {
                let body = BODY.contains(w) || matches!(*w, "l" | "r");
                *n * 2 > names.len() && names.len() > 3 && !body
            })
        else {
            break;
        };
        let word = word.to_owned();
        for words in &mut all {
            if words.first() == Some(&word) {
                words.remove(0);
            }
        }
    }
    all
}

/// What the words of a name say. `biped_fingers`: "Finger0" is a thumb, "Finger11" the second phalanx of an index.
pub(super) fn read(words: &[String], biped_fingers: bool) -> Reading {
    let mut out = Reading::default();
    let mut numbers: Vec<&str> = Vec::new();
    let mut parts: Vec<&str> = Vec::new();
    let mut palm = false;
    for word in words {
        match word.as_str() {
            "left" | "l" | "lft" => out.side = out.side.or(Some(Side::Left)),
            "right" | "r" | "rgt" => out.side = out.side.or(Some(Side::Right)),
            "twist" | "roll" | "tw" => out.twist = true,
            n if n.bytes().all(|b| b.is_ascii_digit()) => numbers.push(n),
            // Numbers before it are of something else: "Bip01 L Finger0".
            "finger" => {
                numbers.clear();
                parts.push("finger");
            }
            // The thumb's is its first phalanx; the others lie in the palm.
            "metacarpal" => palm = true,
            w if IGNORED.contains(&w) => return Reading::default(),
            w if BODY.contains(&w) && w != "base" && w != "bend" && w != "end" => parts.push(w),
            w if NOISE.contains(&w) => {}
            // Something else, or a word that we do not know.
            _ => return Reading::default(),
        }
    }
    let has = |w: &str| parts.contains(&w);
    let upper = has("upper") || has("up");
    let lower = has("lower") || has("low") || has("fore");
    let digit = if has("thumb") {
        Some(Digit::Thumb)
    } else if has("index") {
        Some(Digit::Index)
    } else if has("middle") || (has("mid") && (has("finger") || has("hand") || !numbers.is_empty()))
    {
        Some(Digit::Middle)
    } else if has("ring") {
        Some(Digit::Ring)
    } else if has("pinky") || has("pinkie") || has("little") || has("small") {
        Some(Digit::Little)
    } else if has("finger") {
        numbered_finger(&numbers, biped_fingers)
    } else {
        None
    };
    if (digit.is_some() && has("toe")) || (palm && digit != Some(Digit::Thumb)) {
        return Reading::default();
    }
    let sided = out.side.is_some();
    let kinds = &mut out.kinds;
    if let Some(digit) = digit {
        if sided {
            kinds.push((Kind::Finger(digit), 0));
        }
    } else if has("finger") {
        // A mitten: one chain for all fingers. Nothing to bend one by one.
    } else if sided {
        if has("thigh") || has("upleg") || has("upperleg") || (upper && has("leg")) {
            kinds.push((Kind::UpperLeg, 0));
        } else if has("shin") || has("calf") || has("lowerleg") || (lower && has("leg")) {
            kinds.push((Kind::LowerLeg, 0));
        } else if has("knee") {
            kinds.push((Kind::LowerLeg, 1));
        } else if has("toe") || has("toes") || has("toebase") || has("ball") {
            kinds.push((Kind::Toes, 0));
        } else if has("foot") || has("feet") {
            kinds.push((Kind::Foot, 0));
        } else if has("ankle") {
            out.joint_word = true;
            kinds.push((Kind::Foot, 0));
        } else if has("leg") {
            kinds.extend([(Kind::LowerLeg, 2), (Kind::UpperLeg, 2)]);
        } else if has("hip") || has("hips") {
            kinds.push((Kind::UpperLeg, 1));
        } else if has("clavicle") || has("clav") || has("collar") || has("collarbone") {
            kinds.push((Kind::Shoulder, 0));
        } else if has("upperarm") || has("uparm") || (upper && has("arm")) {
            kinds.push((Kind::UpperArm, 0));
        } else if has("forearm") || has("lowerarm") || (lower && has("arm")) {
            kinds.push((Kind::LowerArm, 0));
        } else if has("elbow") {
            kinds.push((Kind::LowerArm, 1));
        } else if has("shoulder") || has("shldr") {
            kinds.extend([(Kind::Shoulder, 1), (Kind::UpperArm, 3)]);
        } else if has("hand") {
            kinds.push((Kind::Hand, 0));
        } else if has("wrist") {
            out.joint_word = true;
            kinds.push((Kind::Hand, 0));
        } else if has("arm") {
            kinds.extend([(Kind::UpperArm, 2), (Kind::LowerArm, 3)]);
        }
    } else if has("head") {
        kinds.push((Kind::Head, 0));
    } else if has("neck") {
        kinds.push((Kind::Neck, 0));
    } else if has("hips") || has("pelvis") || has("hip") {
        kinds.push((Kind::Hips, u8::from(has("hip"))));
    } else if [
        "spine",
        "chest",
        "upperchest",
        "ribcage",
        "abdomen",
        "stomach",
        "torso",
        "waist",
        "thorax",
        "back",
    ]
    .iter()
    .any(|w| has(w))
    {
        kinds.push((Kind::Trunk, 0));
    }
    out
}

/// "finger2-1" counts from the thumb as 1 (MakeHuman), "Finger21" from the thumb as 0 (Biped).
fn numbered_finger(numbers: &[&str], biped: bool) -> Option<Digit> {
    let from_thumb = [
        Digit::Thumb,
        Digit::Index,
        Digit::Middle,
        Digit::Ring,
        Digit::Little,
    ];
    let place = match numbers {
        [finger, _, ..] if !biped => finger.parse::<usize>().ok()?.checked_sub(1)?,
        [number, ..] if biped => usize::from(number.as_bytes().first()? - b'0'),
        _ => return None,
    };
    from_thumb.get(place).copied()
}

/// Readings of all names of a rig.
pub(super) fn read_all(names: &[&str]) -> Vec<Reading> {
    let words = words(names);
    let biped = words.iter().any(|w| {
        let at = w.iter().position(|x| x == "finger");
        at.is_some_and(|at| w.get(at + 1).is_some_and(|n| n == "0"))
    });
    words.iter().map(|w| read(w, biped)).collect()
}

/// Which convention the names follow.
pub(super) fn naming(names: &[&str]) -> Naming {
    let any = |f: &dyn Fn(&str) -> bool| names.iter().any(|n| f(n));
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
    let some = |part: &str| lower.iter().any(|n| n.contains(part));
    if some("mixamorig")
        || (any(&|n| n.ends_with("LeftUpLeg")) && any(&|n| n.ends_with("LeftForeArm")))
    {
        Naming::Mixamo
    } else if some("j_bip_") {
        Naming::VRoid
    } else if some("bip0") {
        Naming::Biped
    } else if some("upperleg01") && some("clavicle") {
        Naming::MakeHuman
    } else if some("thigh_l") && some("calf_l") {
        Naming::Unreal
    } else if some("def-thigh")
        || some("def_thigh")
        || (some("thigh") && some("shin") && some("upper_arm"))
    {
        Naming::Rigify
    } else if (some("left_hip") || some("l_hip")) && (some("left_collar") || some("l_collar")) {
        Naming::Smpl
    } else {
        Naming::English
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> (Option<Side>, Vec<Kind>, bool) {
        let reading = read_all(&[name]).remove(0);
        let kinds = reading.kinds.iter().map(|k| k.0).collect();
        (reading.side, kinds, reading.twist)
    }

    #[test]
    fn names_cost_no_more_than_their_length() {
        let of = |name: &str| cut(name).join(" ");
        assert_eq!(of("leftupperarm"), "left upperarm");
        assert_eq!(of("lthigh"), "l thigh");
        assert_eq!(of("armz"), "armz");
        // Each of these can be cut in two ways: a million ways for what fits, were they all tried.
        let many = "upperarm".repeat(8);
        assert_eq!(of(&many), ["upperarm"; 8].join(" "));
        for odd in [
            many[8..].to_owned() + "z",
            "upperarm".repeat(40) + "z",
            "leg".repeat(2_000_000),
        ] {
            assert_eq!(cut(&odd), [odd]);
        }
    }

    #[test]
    fn names_of_many_styles() {
        use Kind::*;
        use Side::*;
        for (name, side, kind) in [
            ("mixamorig:LeftUpLeg", Some(Left), UpperLeg),
            ("mixamorig9:RightForeArm_023", Some(Right), LowerArm),
            ("mixamorigLeftHandIndex1", Some(Left), Finger(Digit::Index)),
            ("thigh_l", Some(Left), UpperLeg),
            ("calf_r", Some(Right), LowerLeg),
            ("index_01_l", Some(Left), Finger(Digit::Index)),
            ("ball_l", Some(Left), Toes),
            ("spine_05", None, Trunk),
            ("DEF-thigh.L.001", Some(Left), UpperLeg),
            ("DEF-upper_arm.R", Some(Right), UpperArm),
            ("DEFupper_armR", Some(Right), UpperArm),
            ("DEF-f_index.01.L", Some(Left), Finger(Digit::Index)),
            ("upperleg02.L", Some(Left), UpperLeg),
            ("finger2-1.L", Some(Left), Finger(Digit::Index)),
            ("finger1-3.R", Some(Right), Finger(Digit::Thumb)),
            ("wrist.L", Some(Left), Hand),
            ("L_Hip", Some(Left), UpperLeg),
            ("left_collar", Some(Left), Shoulder),
            ("left_pinky2", Some(Left), Finger(Digit::Little)),
            ("J_Bip_L_UpperArm", Some(Left), UpperArm),
            ("J_Bip_C_UpperChest", None, Trunk),
            ("Bip01 L Thigh", Some(Left), UpperLeg),
            ("Bip001_Pelvis", None, Hips),
            ("ValveBiped.Bip01_R_Calf", Some(Right), LowerLeg),
            ("LThumb", Some(Left), Finger(Digit::Thumb)),
            ("lForearmBend", Some(Left), LowerArm),
            ("leftupperarm", Some(Left), UpperArm),
            ("lthigh", Some(Left), UpperLeg),
            ("upper_arm.L", Some(Left), UpperArm),
            ("Left lower leg", Some(Left), LowerLeg),
            ("HANDR", Some(Right), Hand),
            ("CC_Base_L_Calf", Some(Left), LowerLeg),
            ("Head_06", None, Head),
            ("neck_01", None, Neck),
            ("R_arm_JNT", Some(Right), UpperArm),
        ] {
            let (s, kinds, twist) = one(name);
            assert_eq!(
                (s, kinds.first().copied(), twist),
                (side, Some(kind), false),
                "{name}"
            );
        }
        for name in [
            "ik_hand_l",
            "HeadTop_End",
            "breast.L",
            "eye.R",
            "MCH-spine",
            "hand_weapon_l",
            "index_metacarpal_l",
            "Skirt_L_03",
            "special05.L",
            "Camera",
            "LeftToe_End",
            "",
        ] {
            assert!(one(name).1.is_empty(), "{name}");
        }
        assert_eq!(
            one("upperarm_twist_01_l"),
            (Some(Left), vec![UpperArm], true)
        );
        let biped = read_all(&["Bip01 L Finger0", "Bip01 L Finger11"]);
        assert_eq!(biped[0].kinds[0].0, Finger(Digit::Thumb));
        assert_eq!(biped[1].kinds[0].0, Finger(Digit::Index));
    }

    #[test]
    fn a_shared_prefix_says_nothing() {
        let names = [
            "Bob_Hips",
            "Bob_LeftArm",
            "Bob_RightArm",
            "Bob_Head",
            "Lamp",
        ];
        let readings = read_all(&names);
        assert!(
            readings[..4]
                .iter()
                .all(|r| r.kinds.len() == 1 || r.kinds.len() == 2)
        );
        assert!(readings[4].kinds.is_empty());
    }
}
