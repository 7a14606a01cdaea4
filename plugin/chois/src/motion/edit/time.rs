//! Parts of a clip, and other times.

use super::monotone::Monotone;
use super::usable;
use crate::error::{Error, Result};
use crate::motion::{Frame, MOST_FRAMES, MotionClip};

/// A time this near to a frame is the frame's, frames.
const ON_FRAME: f64 = 1e-3;

/// The frame that a time begins.
fn frame_of(clip: &MotionClip, seconds: f32) -> usize {
    let frame = (seconds * clip.fps).round().max(0.0);
    (frame as usize).min(clip.frames.len())
}

fn part(clip: &MotionClip, from: usize, to: usize) -> MotionClip {
    MotionClip {
        frames: clip.frames[from..to].to_vec(),
        name: clip.name.clone(),
        subject: clip.subject.clone(),
        object: clip.object.clone(),
        text: clip.text.clone(),
        fps: clip.fps,
        skeleton: clip.skeleton.clone(),
    }
}

/// The part between two times, seconds, cut at the nearest frames.
///
/// # Errors
/// [`Error::Invalid`] when less than two frames would be left, or the clip is none.
pub fn trim(clip: &MotionClip, from: f32, to: f32) -> Result<MotionClip> {
    usable(clip)?;
    let (first, end) = (frame_of(clip, from), frame_of(clip, to));
    if first + 2 > end {
        return Err(Error::invalid(
            "trim",
            format!(
                "{from:.2} s to {to:.2} s leave less than two frames of {:.2} s; choose a longer part",
                clip.seconds()
            ),
        ));
    }
    Ok(part(clip, first, end))
}

/// Both parts of a clip that is cut at a time, seconds.
///
/// # Errors
/// [`Error::Invalid`] when one of them would have less than two frames, or the clip is none.
pub fn split(clip: &MotionClip, at: f32) -> Result<[MotionClip; 2]> {
    usable(clip)?;
    let (cut, end) = (frame_of(clip, at), clip.frames.len());
    if cut < 2 || cut + 2 > end {
        return Err(Error::invalid(
            "split",
            format!(
                "{at:.2} s leaves less than two frames on one side of a clip of {:.2} s; cut nearer to the middle",
                clip.seconds()
            ),
        ));
    }
    Ok([part(clip, 0, cut), part(clip, cut, end)])
}

/// Refuses keys of a [`warp`] that are none.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_keys(keys: &[[f32; 2]]) -> Result<()> {
    let bad = |reason: String| Err(Error::invalid("keys", reason));
    if keys.len() < 2 {
        return bad(format!("{} of them; give at least two", keys.len()));
    }
    if !keys.iter().flatten().all(|v| (0.0..=36_000.0).contains(v)) {
        return bad("hold a time that is not between 0 and 36000 s".into());
    }
    if keys[0][1] != 0.0 {
        return bad(format!("begin at {} s; the first comes at 0", keys[0][1]));
    }
    match keys
        .windows(2)
        .position(|k| k[1][0] - k[0][0] < 1e-3 || k[1][1] - k[0][1] < 1e-3)
    {
        Some(i) => bad(format!("do not rise after key {i}; order them by time")),
        None => Ok(()),
    }
}

/// The clip at other times: what was at `then` is at `now` for each key `[then, now]`, seconds; between keys time runs
/// smoothly and never back. The result begins at the first key and ends at the last. Poses go straight from frame to
/// frame in between, contact is that of the later one.
///
/// # Errors
/// [`Error::Invalid`] for keys that do not rise, a first key that is not at 0, a last that is past the clip's end, or a
/// clip that is none.
pub fn warp(clip: &MotionClip, keys: &[[f32; 2]]) -> Result<MotionClip> {
    usable(clip)?;
    check_keys(keys)?;
    let [until, length] = keys[keys.len() - 1];
    if until > clip.seconds() + 1.0 / clip.fps {
        return Err(Error::invalid(
            "keys",
            format!(
                "end at {until:.2} s of a clip of {:.2} s; move the last key to its end",
                clip.seconds()
            ),
        ));
    }
    let fps = f64::from(clip.fps);
    let then = Monotone::through(
        keys.iter()
            .map(|&[then, now]| [f64::from(now), f64::from(then)])
            .collect(),
    );
    let count = few((f64::from(length) * fps).round(), "keys")?;
    let mut out = part(clip, 0, 0);
    out.frames = (0..count)
        .map(|f| sample(clip, then.at(f as f64 / fps) * fps))
        .collect();
    Ok(out)
}

/// When what was at a time, seconds, is after [`warp`]; none for what is no longer there.
pub fn warped(keys: &[[f32; 2]], then: f32) -> Option<f32> {
    check_keys(keys).ok()?;
    let (first, last) = (keys.first()?, keys.last()?);
    if !(first[0]..=last[0]).contains(&then) {
        return None;
    }
    let curve = Monotone::through(
        keys.iter()
            .map(|&[then, now]| [f64::from(now), f64::from(then)])
            .collect(),
    );
    // The curve rises: halved until a thousandth of a frame is no question.
    let (mut low, mut high) = (f64::from(first[1]), f64::from(last[1]));
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if curve.at(middle) < f64::from(then) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(((low + high) / 2.0) as f32)
}

/// The clip at another frame rate, frames a second; as long as before to within a frame.
///
/// # Errors
/// [`Error::Invalid`] for a rate that is not between 1 and 240, and for a clip that is none.
pub fn resample(clip: &MotionClip, fps: f32) -> Result<MotionClip> {
    usable(clip)?;
    if !(1.0..=240.0).contains(&fps) {
        return Err(Error::invalid(
            "fps",
            format!("{fps} is not between 1 and 240"),
        ));
    }
    if fps == clip.fps {
        return Ok(clip.clone());
    }
    let step = f64::from(clip.fps) / f64::from(fps);
    let count = few((clip.frames.len() as f64 / step).round(), "fps")?;
    let mut out = part(clip, 0, 0);
    out.fps = fps;
    out.frames = (0..count).map(|f| sample(clip, f as f64 * step)).collect();
    Ok(out)
}

/// So many frames, two at least, where they are not too many for a clip; `field` is what asks for them.
fn few(frames: f64, field: &str) -> Result<usize> {
    if frames > MOST_FRAMES as f64 {
        return Err(Error::invalid(
            field,
            format!(
                "ask for {frames} frames; {MOST_FRAMES} are the most of a clip, make it shorter"
            ),
        ));
    }
    Ok((frames as usize).max(2))
}

/// The clip at a frame that need not be whole.
pub(super) fn sample(clip: &MotionClip, frame: f64) -> Frame {
    let last = clip.frames.len() - 1;
    let nearest = frame.round();
    if (frame - nearest).abs() < ON_FRAME {
        return clip.frames[(nearest.max(0.0) as usize).min(last)];
    }
    let at = (frame.max(0.0).floor() as usize).min(last);
    let next = (at + 1).min(last);
    Frame::between(
        &clip.frames[at],
        &clip.frames[next],
        (frame - at as f64).clamp(0.0, 1.0) as f32,
    )
}
