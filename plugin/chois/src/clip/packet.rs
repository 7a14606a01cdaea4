//! A clip as few bytes, to be sent: where several machines show the same people, one of them generates and sends the clip.
//!
//! Seeds alone do not do: another processor's rounding makes another clip of them. Of each frame 166 bytes are sent, which is 5
//! kB a second at 30 frames (a clip file takes 21): places as they are, rotations in six bytes, contact in one each; before
//! that the bones and the words, some 400 bytes. A rotation comes back within 0.01 degrees, so that joints do within 0.2 mm.
//!
//! All numbers little-endian: `CHOISMC1`; frames (`u32`); frames a second (`f32`); name, subject, object and text, each as its
//! length (`u16`) and UTF-8; rest offsets (24 x 3 `f32`); then frame by frame the root (3 `f32`), 22 rotations, the object's
//! place (3 `f32`) and rotation, contact (4 `u8`). A rotation is 48 bits: which of x, y, z, w is the largest (2 bits), then the
//! others in their order, 15 bits each, from -1/sqrt(2) to 1/sqrt(2), for the quaternion whose largest is positive.

use std::f32::consts::FRAC_1_SQRT_2;

use nalgebra::{Quaternion, UnitQuaternion, Vector3};

use super::file::{FARTHEST, FRAMES, LONGEST_BONE};
use crate::error::{Error, Result};
use crate::motion::{Frame, MotionClip};
use crate::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton};

const MAGIC: [u8; 8] = *b"CHOISMC1";
/// Largest value of 15 bits.
const MOST: f32 = 32767.0;
/// Bytes of a frame.
const FRAME: usize = 12 + 6 * ROTATIONS + 12 + 6 + 4;

/// A clip as bytes to be sent; [`from_bytes`] reads them.
///
/// # Errors
/// [`Error::Invalid`] for a clip that [`from_bytes`] would refuse, or with words of more than 65,535 bytes.
pub fn to_bytes(clip: &MotionClip) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(512 + FRAME * clip.frames.len());
    out.extend(MAGIC);
    let count = u32::try_from(clip.frames.len()).map_err(|_| bad("it has too many frames"))?;
    out.extend(count.to_le_bytes());
    out.extend(clip.fps.to_le_bytes());
    for word in [&clip.name, &clip.subject, &clip.object, &clip.text] {
        let length = u16::try_from(word.len())
            .map_err(|_| bad("a word of it is longer than 65,535 bytes; shorten it"))?;
        out.extend(length.to_le_bytes());
        out.extend(word.as_bytes());
    }
    for offset in &clip.skeleton.rest_offsets {
        put(&mut out, offset);
    }
    for frame in &clip.frames {
        put(&mut out, &frame.pose.root);
        for rotation in &frame.pose.rotations {
            out.extend(packed(rotation));
        }
        put(&mut out, &frame.object_position);
        out.extend(packed(&frame.object_rotation));
        out.extend(
            frame
                .contact
                .map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8),
        );
    }
    // What is sent must be readable where it comes to.
    from_bytes(&out)?;
    Ok(out)
}

/// Reads what [`to_bytes`] has made.
///
/// # Errors
/// [`Error::Invalid`] for anything else: bytes that are missing or too many, a place that cannot be.
pub fn from_bytes(bytes: &[u8]) -> Result<MotionClip> {
    let mut rest = Rest(bytes);
    if rest.take::<8>()? != MAGIC {
        return Err(bad("it does not begin with CHOISMC1"));
    }
    let count = u32::from_le_bytes(rest.take()?) as usize;
    if !FRAMES.contains(&count) {
        return Err(bad(format!(
            "it has {count} frames; {} to {} can be",
            FRAMES.start(),
            FRAMES.end()
        )));
    }
    let fps = rest.number()?;
    if !(1.0..=240.0).contains(&fps) {
        return Err(bad(format!(
            "it has {fps} frames a second; 1 to 240 can be"
        )));
    }
    let [name, subject, object, text] = [rest.word()?, rest.word()?, rest.word()?, rest.word()?];
    let mut skeleton = Skeleton {
        rest_offsets: [Vector3::zeros(); JOINTS],
    };
    for offset in &mut skeleton.rest_offsets {
        *offset = rest.vector(LONGEST_BONE)?;
    }
    // Asked before anything is made for so many.
    if rest.0.len() != count * FRAME {
        return Err(bad(format!(
            "{} bytes for {count} frames of {FRAME}",
            rest.0.len()
        )));
    }
    let mut frames = Vec::with_capacity(count);
    for _ in 0..count {
        let root = rest.vector(FARTHEST)?;
        let mut rotations = [UnitQuaternion::identity(); ROTATIONS];
        for rotation in &mut rotations {
            *rotation = unpacked(rest.take()?);
        }
        frames.push(Frame {
            pose: Pose { root, rotations },
            object_position: rest.vector(FARTHEST)?,
            object_rotation: unpacked(rest.take()?),
            contact: rest.take::<4>()?.map(|c| f32::from(c) / 255.0),
        });
    }
    Ok(MotionClip {
        name,
        subject,
        object,
        text,
        fps,
        skeleton,
        frames,
    })
}

fn bad(reason: impl std::fmt::Display) -> Error {
    Error::invalid("packet of a motion clip", reason)
}

fn put(out: &mut Vec<u8>, v: &Vector3<f32>) {
    out.extend(v.iter().flat_map(|v| v.to_le_bytes()));
}

fn packed(rotation: &UnitQuaternion<f32>) -> [u8; 6] {
    let q = rotation.coords;
    let largest = q.iamax();
    let sign = if q[largest] < 0.0 { -1.0 } else { 1.0 };
    let others = (0..4).filter(|k| *k != largest);
    let bits = others.fold(largest as u64, |bits, k| {
        let share = (sign * q[k] / FRAC_1_SQRT_2 + 1.0) / 2.0;
        (bits << 15) | (share.clamp(0.0, 1.0) * MOST).round() as u64
    });
    let [.., a, b, c, d, e, f] = bits.to_be_bytes();
    [f, e, d, c, b, a]
}

fn unpacked([f, e, d, c, b, a]: [u8; 6]) -> UnitQuaternion<f32> {
    let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let largest = (bits >> 45) as usize & 3;
    let mut q = [0.0; 4];
    let mut left = 1.0f32;
    for (n, k) in (0..4).filter(|k| *k != largest).enumerate() {
        let share = ((bits >> (15 * (2 - n))) & 0x7fff) as f32 / MOST;
        q[k] = (2.0 * share - 1.0) * FRAC_1_SQRT_2;
        left -= q[k] * q[k];
    }
    q[largest] = left.max(0.0).sqrt();
    let [x, y, z, w] = q;
    UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z))
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((taken, rest)) = self.0.split_first_chunk::<N>() else {
            return Err(bad("it ends too early"));
        };
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<f32> {
        self.take().map(f32::from_le_bytes)
    }

    fn word(&mut self) -> Result<String> {
        let length = usize::from(u16::from_le_bytes(self.take()?));
        let Some((word, rest)) = self.0.split_at_checked(length) else {
            return Err(bad("it ends too early"));
        };
        self.0 = rest;
        let word = std::str::from_utf8(word).map_err(|_| bad("a word of it is not UTF-8"))?;
        Ok(word.to_owned())
    }

    /// No longer than `longest`, metres.
    fn vector(&mut self, longest: f32) -> Result<Vector3<f32>> {
        let v = Vector3::new(self.number()?, self.number()?, self.number()?);
        // No number is no less than anything.
        if v.norm() <= longest {
            Ok(v)
        } else {
            Err(bad(format!(
                "a vector of {} m; at most {longest} can be",
                v.norm()
            )))
        }
    }
}
