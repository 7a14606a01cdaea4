//! The clip format: one safetensors file per clip.
//!
//! Metres, Z up, right-handed, quaternions x y z w. T is the number of frames.
//!
//! | tensor | shape | meaning |
//! |---|---|---|
//! | `joint_positions` | T x 24 x 3 | world positions of the joints; the first is the root, the rest repeat forward kinematics |
//! | `joint_rotations` | T x 22 x 4 | world rotations of the joints |
//! | `rest_offsets` | 24 x 3 | bones in the rest pose, SMPL axes |
//! | `object_position`, `object_rotation` | T x 3, T x 4 | pose of the object's mesh |
//! | `contact` | T x 4 | contact of left hand, right hand, left foot, right foot with the object, 0 to 1 |
//! | `object_contact` | T x 1 | 1 where anything touches the object |
//! | `body_contact` | T x 4 | labels of left wrist, right wrist, left palm, right palm: 1, 0, or -1 for unknown |
//!
//! Text metadata: `name`, `subject`, `object`, `text`, `fps`, `up` ("z"), `units` ("m"), `quaternion` ("xyzw").
//! Captured clips carry no `contact`; then the hands come from `body_contact` and the feet are free. A file with
//! neither has no contact at all. Float tensors of any width are read; `f32` is written.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use safetensors::{Dtype, SafeTensors};

use crate::error::{self, Error, Result};
use crate::motion::{Frame, MOST_FRAMES, MotionClip};
use crate::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton};

const KIND: &str = "motion clip";
/// Shortest and longest clip, frames.
pub(super) const FRAMES: std::ops::RangeInclusive<usize> = 2..=MOST_FRAMES;
/// Positions further out than this are not metres.
pub(super) const FARTHEST: f32 = 10_000.0;
/// Longest bone, metres.
pub(super) const LONGEST_BONE: f32 = 2.0;
/// How far positions may stray from forward kinematics, metres: wide enough for 16-bit files, narrow enough to
/// catch rotations in another order or in another frame.
const STRAY: f32 = 0.1;

/// Reads a clip file (format: the top of the module `clip::file`).
///
/// # Errors
/// [`Error::Read`] when the file cannot be read, [`Error::Malformed`] when a tensor or a metadata entry is
/// missing, misshapen or out of range.
pub fn read_clip(path: &Path) -> Result<MotionClip> {
    parse_clip(&error::read(path)?, path)
}

/// Reads a clip from bytes; `path` is for messages, and for the name of a clip that has none.
///
/// # Errors
/// [`Error::Malformed`], as [`read_clip`].
pub fn parse_clip(bytes: &[u8], path: &Path) -> Result<MotionClip> {
    let bad = |reason: String| Error::malformed(path, KIND, reason);
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| bad(format!("not safetensors: {e}")))?;
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|e| bad(format!("not safetensors: {e}")))?;
    let empty = Default::default();
    let reader = Reader {
        path,
        tensors,
        metadata: header.metadata().as_ref().unwrap_or(&empty),
    };

    for (key, want) in [("up", "z"), ("units", "m"), ("quaternion", "xyzw")] {
        let got = reader.word(key)?;
        if got != want {
            return Err(bad(format!(
                "metadata `{key}` is {got:?}; convert the clip so that it is {want:?}"
            )));
        }
    }
    let fps = reader
        .word("fps")?
        .parse::<f32>()
        .ok()
        .filter(|f| (1.0..=240.0).contains(f))
        .ok_or_else(|| bad("metadata `fps` must be a number from 1 to 240".into()))?;
    let object = reader.word("object")?.to_owned();
    let name = reader.metadata.get("name").cloned().unwrap_or_else(|| {
        path.file_stem()
            .map_or_else(String::new, |s| s.to_string_lossy().into_owned())
    });

    let (count, positions) = reader.rows("joint_positions", &[JOINTS, 3], None)?;
    if !FRAMES.contains(&count) {
        return Err(bad(format!(
            "it has {count} frames; {} to {} can be used",
            FRAMES.start(),
            FRAMES.end()
        )));
    }
    let positions = reader.vectors("joint_positions", &positions, FARTHEST)?;
    let rotations = reader.rotations("joint_rotations", &[ROTATIONS, 4], count)?;
    let (_, offsets) = reader.rows("rest_offsets", &[3], Some(JOINTS))?;
    let offsets = reader.vectors("rest_offsets", &offsets, LONGEST_BONE)?;
    for tensor in ["object_position", "object_rotation"] {
        if reader.tensors.tensor(tensor).is_err() {
            return Err(bad(format!(
                "it has no tensor `{tensor}`: a clip shows a person and an object, so give the object's pose in \
                 every frame"
            )));
        }
    }
    let (_, object_positions) = reader.rows("object_position", &[3], Some(count))?;
    let object_positions = reader.vectors("object_position", &object_positions, FARTHEST)?;
    let object_rotations = reader.rotations("object_rotation", &[4], count)?;
    let contact = reader.contact(count)?;

    let mut skeleton = Skeleton {
        rest_offsets: [Vector3::zeros(); JOINTS],
    };
    skeleton.rest_offsets.copy_from_slice(&offsets);
    let mut frames = Vec::with_capacity(count);
    for f in 0..count {
        let joints = &positions[f * JOINTS..][..JOINTS];
        let mut pose = Pose {
            root: joints[0],
            rotations: [UnitQuaternion::identity(); ROTATIONS],
        };
        pose.rotations
            .copy_from_slice(&rotations[f * ROTATIONS..][..ROTATIONS]);
        let computed = skeleton.forward(&pose);
        if let Some(j) = (0..JOINTS).find(|&j| (computed[j] - joints[j]).norm() > STRAY) {
            return Err(bad(format!(
                "`joint_positions` and `joint_rotations` disagree by {:.2} m at frame {f}, joint {j}; rotations \
                 must be world rotations, x y z w, in the SMPL rest pose's frame",
                (computed[j] - joints[j]).norm()
            )));
        }
        frames.push(Frame {
            pose,
            object_position: object_positions[f],
            object_rotation: object_rotations[f],
            contact: contact[f],
        });
    }
    let optional = |key: &str| reader.metadata.get(key).cloned().unwrap_or_default();
    Ok(MotionClip {
        name,
        subject: optional("subject"),
        object,
        text: optional("text"),
        fps,
        skeleton,
        frames,
    })
}

/// Writes a clip file; the same clip gives the same bytes.
///
/// # Errors
/// [`Error::Invalid`] when [`read_clip`] would refuse the result, [`Error::Write`] when the file cannot be written.
pub fn write_clip(path: &Path, clip: &MotionClip) -> Result<()> {
    let bytes = clip_bytes(clip);
    // What we write, we must be able to read.
    parse_clip(&bytes, path).map_err(|e| match e {
        Error::Malformed { reason, .. } => Error::invalid(format!("clip {:?}", clip.name), reason),
        other => other,
    })?;
    error::write_atomically(path, &bytes)
}

/// The bytes of a clip file. The header is built here because the library's metadata has no fixed order.
pub(crate) fn clip_bytes(clip: &MotionClip) -> Vec<u8> {
    let count = clip.frames.len();
    let frames = || clip.frames.iter();
    let vector = |v: &Vector3<f32>| [v.x, v.y, v.z];
    let quaternion = |q: &UnitQuaternion<f32>| [q.i, q.j, q.k, q.w];
    let label = |c: f32| f32::from(c > 0.5);
    let tensors: [(&str, Vec<usize>, Vec<f32>); 8] = [
        (
            "body_contact",
            vec![count, 4],
            frames()
                .flat_map(|f| [-1.0, -1.0, label(f.contact[0]), label(f.contact[1])])
                .collect(),
        ),
        (
            "contact",
            vec![count, 4],
            frames().flat_map(|f| f.contact).collect(),
        ),
        (
            "joint_positions",
            vec![count, JOINTS, 3],
            (0..count)
                .flat_map(|f| clip.joints(f))
                .flat_map(|p| vector(&p))
                .collect(),
        ),
        (
            "joint_rotations",
            vec![count, ROTATIONS, 4],
            frames()
                .flat_map(|f| f.pose.rotations)
                .flat_map(|q| quaternion(&q))
                .collect(),
        ),
        (
            "object_contact",
            vec![count, 1],
            frames()
                .map(|f| label(f.contact.iter().copied().fold(0.0, f32::max)))
                .collect(),
        ),
        (
            "object_position",
            vec![count, 3],
            frames().flat_map(|f| vector(&f.object_position)).collect(),
        ),
        (
            "object_rotation",
            vec![count, 4],
            frames()
                .flat_map(|f| quaternion(&f.object_rotation))
                .collect(),
        ),
        (
            "rest_offsets",
            vec![JOINTS, 3],
            clip.skeleton.rest_offsets.iter().flat_map(vector).collect(),
        ),
    ];

    let fps = clip.fps.to_string();
    let metadata = BTreeMap::from([
        ("name", clip.name.as_str()),
        ("subject", &clip.subject),
        ("object", &clip.object),
        ("text", &clip.text),
        ("fps", &fps),
        ("up", "z"),
        ("units", "m"),
        ("quaternion", "xyzw"),
    ]);
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".into(), serde_json::json!(metadata));
    let mut end = 0;
    for (name, shape, values) in &tensors {
        let start = end;
        end += size_of_val(values.as_slice());
        header.insert(
            (*name).into(),
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}),
        );
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + end);
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    for (_, _, values) in &tensors {
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }
    bytes
}

/// The parts of an open file, and the checks that name them.
struct Reader<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    metadata: &'a std::collections::HashMap<String, String>,
}

impl Reader<'_> {
    fn bad(&self, reason: String) -> Error {
        Error::malformed(self.path, KIND, reason)
    }

    /// A metadata entry that must be there.
    fn word(&self, key: &str) -> Result<&str> {
        self.metadata.get(key).map(String::as_str).ok_or_else(|| {
            self.bad(format!(
                "its metadata has no `{key}`; write the safetensors file with it"
            ))
        })
    }

    /// The values of a tensor N x `row`, all finite, and N, which must be `count` when that is given.
    fn rows(&self, name: &str, row: &[usize], count: Option<usize>) -> Result<(usize, Vec<f32>)> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| self.bad(format!("it has no tensor `{name}`")))?;
        let shape = tensor.shape();
        let fits = shape.len() == row.len() + 1
            && shape[1..] == *row
            && count.is_none_or(|count| shape[0] == count);
        if !fits {
            let first = count.map_or_else(|| "frames".into(), |c| c.to_string());
            return Err(self.bad(format!(
                "tensor `{name}` has shape {shape:?}; it must be [{first}, {}]",
                row.iter()
                    .map(usize::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            )));
        }
        let data = tensor.data();
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => numbers(data, f32::from_le_bytes),
            Dtype::F64 => numbers(data, |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => numbers(data, |b| half::f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => numbers(data, |b| half::bf16::from_le_bytes(b).to_f32()),
            other => {
                return Err(self.bad(format!(
                    "tensor `{name}` is {other:?}; store it as F32 (F16, BF16 and F64 can be read too)"
                )));
            }
        };
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(self.bad(format!(
                "tensor `{name}` holds a value that is not finite in row {}",
                at / row.iter().product::<usize>().max(1)
            )));
        }
        Ok((shape[0], values))
    }

    /// Values as vectors no longer than `longest` metres.
    fn vectors(&self, name: &str, values: &[f32], longest: f32) -> Result<Vec<Vector3<f32>>> {
        let vectors: Vec<_> = values
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&v| Vector3::from(v))
            .collect();
        match vectors.iter().find(|v| v.norm() > longest) {
            Some(v) => Err(self.bad(format!(
                "tensor `{name}` holds a vector of {} m; at most {longest} m can be right, so check the units",
                v.norm()
            ))),
            None => Ok(vectors),
        }
    }

    /// A tensor of quaternions x y z w, normalised.
    fn rotations(
        &self,
        name: &str,
        row: &[usize],
        count: usize,
    ) -> Result<Vec<UnitQuaternion<f32>>> {
        let (_, values) = self.rows(name, row, Some(count))?;
        values
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&[x, y, z, w]| {
                let q = Quaternion::new(w, x, y, z);
                let norm = q.norm();
                if (norm - 1.0).abs() < 1e-6 {
                    // As good as it gets; leaving it alone keeps files stable over rewriting.
                    Ok(UnitQuaternion::new_unchecked(q))
                } else if norm.is_finite() && norm > 1e-3 {
                    Ok(UnitQuaternion::new_unchecked(q / norm))
                } else {
                    Err(self.bad(format!(
                        "tensor `{name}` holds a quaternion of norm {norm}; rotations have norm 1"
                    )))
                }
            })
            .collect()
    }

    /// Contact channels of every frame, from whichever tensor the file has.
    fn contact(&self, count: usize) -> Result<Vec<[f32; 4]>> {
        if self.tensors.tensor("contact").is_ok() {
            let (_, values) = self.rows("contact", &[4], Some(count))?;
            let rows = values.as_chunks::<4>().0;
            return Ok(rows.iter().map(|r| r.map(|c| c.clamp(0.0, 1.0))).collect());
        }
        if self.tensors.tensor("body_contact").is_ok() {
            let (_, values) = self.rows("body_contact", &[4], Some(count))?;
            let rows = values.as_chunks::<4>().0;
            return Ok(rows
                .iter()
                .map(|&[left_wrist, right_wrist, left_palm, right_palm]| {
                    let hand = |wrist: f32, palm: f32| wrist.max(palm).clamp(0.0, 1.0);
                    [
                        hand(left_wrist, left_palm),
                        hand(right_wrist, right_palm),
                        0.0,
                        0.0,
                    ]
                })
                .collect());
        }
        Ok(vec![[0.0; 4]; count])
    }
}

/// Little-endian numbers of N bytes each.
fn numbers<const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&b| number(b)).collect()
}
