//! Another way through the room.

use nalgebra::{Vector2, Vector3};
use serde::{Deserialize, Serialize};

use super::monotone::Monotone;
use super::{hold_feet, usable};
use crate::error::{Error, Result};
use crate::motion::MotionClip;
use crate::motion::touch::touches;

/// Farthest shift, metres.
const FARTHEST: f32 = 100.0;
/// How far a person may have been shifted when hands come to an object that has not, metres.
const REACHED: f32 = 0.01;

/// By how much everything is elsewhere at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootKey {
    /// When, seconds.
    pub at: f32,
    /// By how much, x and y, metres.
    pub shift: [f32; 2],
}

/// Refuses keys that are none.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_path(keys: &[RootKey]) -> Result<()> {
    let bad = |reason: String| Err(Error::invalid("keys", reason));
    if keys.is_empty() {
        return bad("there are none; give at least one".into());
    }
    if !keys.iter().all(|k| (0.0..=36_000.0).contains(&k.at)) {
        return bad("hold a time that is not between 0 and 36000 s".into());
    }
    if !keys
        .iter()
        .flat_map(|k| k.shift)
        .all(|v| v.abs() <= FARTHEST)
    {
        return bad(format!("shift by more than {FARTHEST} m"));
    }
    match keys.windows(2).position(|k| k[1].at - k[0].at < 1e-3) {
        Some(i) => bad(format!("do not rise after key {i}; order them by time")),
        None => Ok(()),
    }
}

/// Shifts the person's way by keys, smoothly between them; nothing is shifted at the start, unless the first key is
/// there, and what the last says stays. The object goes along from the first touch to the last and stays where it is
/// left. Feet stand where they stood, as much elsewhere.
///
/// # Errors
/// [`Error::Invalid`] for keys that are none, for a person who is elsewhere when they come to the object, and for a clip
/// that is none.
pub fn shift_path(clip: &MotionClip, keys: &[RootKey]) -> Result<MotionClip> {
    usable(clip)?;
    check_path(keys)?;
    if keys.iter().all(|k| k.shift == [0.0; 2]) {
        return Ok(clip.clone());
    }
    let axis = |i: usize| {
        let mut points = Vec::with_capacity(keys.len() + 1);
        if keys[0].at > 1e-3 {
            points.push([0.0, 0.0]);
        }
        points.extend(
            keys.iter()
                .map(|k| [f64::from(k.at), f64::from(k.shift[i])]),
        );
        Monotone::resting(points)
    };
    let (x, y) = (axis(0), axis(1));
    let shift = |frame: usize| {
        let seconds = frame as f64 / f64::from(clip.fps);
        Vector2::new(x.at(seconds) as f32, y.at(seconds) as f32)
    };
    let mut out = clip.clone();
    let all = if clip.has_object() {
        touches(clip)
    } else {
        Vec::new()
    };
    let held = all
        .iter()
        .map(|t| t.first)
        .min()
        .zip(all.iter().map(|t| t.last).max());
    if let Some((first, _)) = held
        && shift(first).norm() > REACHED
    {
        return Err(Error::invalid(
            "keys",
            format!(
                "the person is {:.2} m beside the object when they take it at {:.2} s; shift later than that",
                shift(first).norm(),
                first as f32 / clip.fps
            ),
        ));
    }
    for (f, frame) in out.frames.iter_mut().enumerate() {
        let by = shift(f);
        frame.pose.root += Vector3::new(by.x, by.y, 0.0);
        if let Some((first, last)) = held
            && f >= first
        {
            let by = shift(f.min(last));
            frame.object_position += Vector3::new(by.x, by.y, 0.0);
        }
    }
    hold_feet(&clip.frames, &mut out);
    Ok(out)
}
