//! Reading Biovision BVH: the bones of a file and how they move, as the file has them.
//!
//! Units and axes are the file's own (most often centimetres, Y up). Where a joint has position channels they take the
//! place of its offset, as motion capture software writes them.

use std::path::Path;

use nalgebra::{Unit, UnitQuaternion, Vector3};

use crate::error::{self, Error, Result};

const KIND: &str = "BVH file";
/// Most bones, frames and bytes of a file.
const MAX_BONES: usize = 1_000;
const MAX_FRAMES: usize = 1_000_000;
/// Most poses of single joints, over all frames.
const MAX_POSES: usize = 20_000_000;
/// Largest number of an offset or a frame: in whatever unit, nobody is so far away or turns so often.
const MAX_NUMBER: f32 = 1e7;
const MAX_BYTES: usize = 1 << 30;

/// One channel of a joint.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Channel {
    /// Translation along an axis.
    Position(usize),
    /// Turn about an axis, degrees; turns apply in the order of the channels.
    Rotation(usize),
}

/// A joint of the hierarchy.
#[derive(Clone, Debug, PartialEq)]
pub struct BvhBone {
    /// Its name.
    pub name: String,
    /// Its parent; always with a smaller index.
    pub parent: Option<usize>,
    /// Vector from the parent where no channel says otherwise.
    pub offset: Vector3<f32>,
    channels: Vec<Channel>,
}

/// Bones and their motion.
#[derive(Clone, Debug, PartialEq)]
pub struct Bvh {
    /// Parents before children.
    pub bones: Vec<BvhBone>,
    /// Frames per second.
    pub fps: f32,
    /// Translation and rotation of each bone relative to its parent, frame by frame.
    pub frames: Vec<Vec<(Vector3<f32>, UnitQuaternion<f32>)>>,
}

impl Bvh {
    /// Position and rotation of each bone at a frame, in the file's world.
    pub fn world(&self, frame: usize) -> Vec<(Vector3<f32>, UnitQuaternion<f32>)> {
        chain(&self.bones, &self.frames[frame])
    }

    /// The index of a bone by its name.
    pub fn bone(&self, name: &str) -> Option<usize> {
        self.bones.iter().position(|b| b.name == name)
    }
}

/// World poses from poses relative to the parent.
pub(crate) fn chain(
    bones: &[BvhBone],
    local: &[(Vector3<f32>, UnitQuaternion<f32>)],
) -> Vec<(Vector3<f32>, UnitQuaternion<f32>)> {
    let mut out: Vec<(Vector3<f32>, UnitQuaternion<f32>)> = Vec::with_capacity(bones.len());
    for (bone, (at, turn)) in bones.iter().zip(local) {
        out.push(match bone.parent.map(|p| out[p]) {
            Some((place, rotation)) => (place + rotation * at, rotation * turn),
            None => (*at, *turn),
        });
    }
    out
}

/// Reads a `.bvh`.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read, [`Error::Malformed`] with the line where it stops making sense.
pub fn read(path: &Path) -> Result<Bvh> {
    parse(&error::read(path)?, path)
}

/// Parses the bytes of a `.bvh`; `path` is for messages.
///
/// # Errors
/// [`Error::Malformed`], as [`read`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Bvh> {
    let bad = |reason: String| Error::malformed(path, KIND, reason);
    if bytes.len() > MAX_BYTES {
        return Err(bad(format!(
            "{} bytes; {MAX_BYTES} are the limit",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| bad(format!("not a text: {e}")))?;
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line.split_whitespace().collect::<Vec<_>>()))
        .filter(|(_, words)| !words.is_empty());
    match lines.next() {
        Some((_, words)) if words[0] == "HIERARCHY" => {}
        _ => return Err(bad("it does not begin with HIERARCHY".into())),
    }
    let mut bones: Vec<BvhBone> = Vec::new();
    // The joints around the present line; an end site is None.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut named = None;
    for (n, words) in lines.by_ref() {
        let bad = |reason: String| bad(format!("line {n}: {reason}"));
        let number = |word: &str| {
            word.parse::<f32>()
                .ok()
                .filter(|v| v.abs() <= MAX_NUMBER)
                .ok_or_else(|| {
                    bad(format!(
                        "{word:?} is not a number, or larger than {MAX_NUMBER}"
                    ))
                })
        };
        match words.as_slice() {
            ["MOTION"] => break,
            ["ROOT" | "JOINT", name @ ..] => {
                if bones.len() == MAX_BONES {
                    return Err(bad(format!("more than {MAX_BONES} joints")));
                }
                let parent = open.iter().rev().flatten().next().copied();
                if parent.is_none() && !bones.is_empty() {
                    return Err(bad("a second root; keep one person in a file".into()));
                }
                bones.push(BvhBone {
                    name: name.join(" "),
                    parent,
                    offset: Vector3::zeros(),
                    channels: Vec::new(),
                });
                named = Some(Some(bones.len() - 1));
            }
            ["End", ..] => named = Some(None),
            ["{"] => match named.take() {
                Some(joint) => open.push(joint),
                None => return Err(bad("a brace without a joint".into())),
            },
            ["}"] => {
                if open.pop().is_none() {
                    return Err(bad("a closing brace too many".into()));
                }
            }
            ["OFFSET", x, y, z] => {
                let offset = Vector3::new(number(x)?, number(y)?, number(z)?);
                if let Some(Some(joint)) = open.last() {
                    bones[*joint].offset = offset;
                }
            }
            ["CHANNELS", count, names @ ..] => {
                let channels: Option<Vec<Channel>> =
                    names.iter().map(|name| channel(name)).collect();
                let channels = channels
                    .filter(|c| count.parse() == Ok(c.len()))
                    .ok_or_else(|| {
                        bad(
                            "channels must be their count and as many of Xposition ... Zrotation"
                                .into(),
                        )
                    })?;
                match open.last() {
                    Some(Some(joint)) => bones[*joint].channels = channels,
                    _ => return Err(bad("channels outside a joint".into())),
                }
            }
            other => return Err(bad(format!("{:?} is not understood", other.join(" ")))),
        }
    }
    if bones.is_empty() {
        return Err(bad("it has no joints".into()));
    }
    if !open.is_empty() {
        return Err(bad("the hierarchy ends before its braces are closed".into()));
    }
    let count: usize = match lines.next() {
        Some((_, words)) if words.len() == 2 && words[0] == "Frames:" => words[1].parse().ok(),
        _ => None,
    }
    .filter(|n| (1..=MAX_FRAMES).contains(n))
    .ok_or_else(|| bad(format!("`Frames:` must follow MOTION, 1 to {MAX_FRAMES}")))?;
    if count * bones.len() > MAX_POSES {
        return Err(bad(format!(
            "{count} frames of {} joints are too many; cut the capture into shorter files",
            bones.len()
        )));
    }
    let seconds: f32 = match lines.next() {
        Some((_, words)) if words.len() == 3 && words[..2] == ["Frame", "Time:"] => {
            words[2].parse().ok()
        }
        _ => None,
    }
    .filter(|s| (0.001..=1.0).contains(s))
    .ok_or_else(|| bad("`Frame Time:` must be between 0.001 and 1 seconds".into()))?;
    let channels: usize = bones.iter().map(|b| b.channels.len()).sum();
    let mut frames = Vec::new();
    for (n, words) in lines {
        let values: Option<Vec<f32>> = words
            .iter()
            .map(|w| w.parse::<f32>().ok().filter(|v| v.abs() <= MAX_NUMBER))
            .collect();
        if frames.len() == count {
            return Err(bad(format!(
                "line {n}: it announces {count} frames and has more"
            )));
        }
        match values {
            Some(values) if values.len() == channels => frames.push(posed(&bones, &values)),
            _ => {
                return Err(bad(format!("line {n}: a frame must be {channels} numbers")));
            }
        }
    }
    if frames.len() != count {
        return Err(bad(format!(
            "it announces {count} frames and has {}",
            frames.len()
        )));
    }
    Ok(Bvh {
        bones,
        // Rates are whole numbers or thousandths; the file rounds their inverse.
        fps: (1000.0 / seconds).round() / 1000.0,
        frames,
    })
}

fn channel(name: &str) -> Option<Channel> {
    let axis = match name.as_bytes().first()? {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return None,
    };
    match &name[1..] {
        "position" => Some(Channel::Position(axis)),
        "rotation" => Some(Channel::Rotation(axis)),
        _ => None,
    }
}

/// A frame's numbers as poses relative to the parent.
fn posed(bones: &[BvhBone], values: &[f32]) -> Vec<(Vector3<f32>, UnitQuaternion<f32>)> {
    let mut values = values.iter();
    bones
        .iter()
        .map(|bone| {
            let (mut at, mut turn) = (bone.offset, UnitQuaternion::identity());
            for (channel, value) in bone.channels.iter().zip(values.by_ref()) {
                match channel {
                    Channel::Position(axis) => at[*axis] = *value,
                    Channel::Rotation(axis) => {
                        let mut about = Vector3::zeros();
                        about[*axis] = 1.0;
                        let about = Unit::new_unchecked(about);
                        turn *= UnitQuaternion::from_axis_angle(&about, value.to_radians());
                    }
                }
            }
            (at, turn)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::glb::tests::clip;
    use super::*;
    use crate::frame;
    use crate::skeleton::NAMES;

    #[test]
    fn what_the_writer_writes_is_read() {
        let clip = clip(20);
        let text = super::super::to_text(&clip).expect("a file");
        let bvh = parse(text.as_bytes(), Path::new("a.bvh")).expect("a person");
        assert_eq!((bvh.frames.len(), bvh.fps), (20, 30.0));
        for frame in [0, 7, 19] {
            let want = clip.joints(frame);
            for (name, (place, _)) in bvh.bones.iter().zip(bvh.world(frame)) {
                let joint = NAMES.iter().position(|n| *n == name.name).expect("a joint");
                let off = (place - frame::to_y_up(want[joint]) * 100.0).norm();
                assert!(off < 0.02, "{}: {off} cm", name.name);
            }
        }
    }

    #[test]
    fn faults_are_told_with_their_line() {
        let text = super::super::to_text(&clip(2)).expect("a file");
        let says = |text: &str| {
            parse(text.as_bytes(), Path::new("a.bvh"))
                .expect_err("a fault")
                .to_string()
        };
        for (from, to, word) in [
            ("HIERARCHY", "", "HIERARCHY"),
            ("OFFSET 0", "OFFSET zero", "line"),
            ("Frames: 2", "Frames: 3", "announces 3"),
            ("Frame Time: 0.03", "Frame Time: 9.03", "Frame Time"),
            ("Zrotation", "Wrotation", "channels"),
            ("MOTION", "}\nMOTION", "closing brace"),
        ] {
            let e = says(&text.replacen(from, to, 1));
            assert!(e.contains(word), "{word}: {e}");
        }
        let more = format!("{text}{}", text.lines().last().expect("a frame"));
        assert!(says(&more).contains("has more"), "{}", says(&more));
        let far = text.replacen("OFFSET 0", "OFFSET 3e38", 1);
        assert!(says(&far).contains("larger than"), "{}", says(&far));
        let last = text.trim_end().rfind(' ').expect("numbers");
        let far = format!("{} 3e38", &text[..last]);
        assert!(says(&far).contains("must be"), "{}", says(&far));
        let long = text.replacen("Frames: 2", "Frames: 999999", 1);
        assert!(says(&long).contains("shorter files"), "{}", says(&long));
        let cut = &text[..text.len() - 20];
        assert!(says(cut).contains("numbers"), "{}", says(cut));
        assert!(says("HIERARCHY\nMOTION").contains("no joints"));
        assert!(says("HIERARCHY\n{").contains("brace"));
        assert!(parse(&[0xff, 0xfe], Path::new("a.bvh")).is_err());
    }
}
