//! A track's takes one after another, with every object of the scene.

use std::path::Path;

use nalgebra::{UnitQuaternion, Vector3};

use super::document::{ObjectId, Project, Strip};
use super::library::{Library, Thing};
use crate::clip::glb::{self, GlbOptions, Prop};
use crate::clip::usda;
use crate::error::{Error, Result};
use crate::geometry::ObjectGeometry;
use crate::motion::edit::resample;
use crate::motion::{FPS, Frame, MotionClip};
use crate::request::ObjectPlace;
use crate::retarget;
use crate::scene;
use crate::skeleton::turned_between;

/// Most places of objects over time that a project's tracks may come to.
pub(super) const MOST_PLACES: usize = 20_000_000;

/// A track from the project's beginning to the end of its last strip, [`FPS`] frames a second. Between strips the person
/// stands as the strip before left them.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The person. Its object is the one that is handled at the time, or the last; named only where it is one throughout.
    pub clip: MotionClip,
    /// Every object of the scene, whoever moves it.
    pub props: Vec<Placed>,
}

/// An object over time.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Which.
    pub object: ObjectId,
    /// Its shape.
    pub thing: Thing,
    /// Where the mesh's origin is in every frame, and how it is turned.
    pub places: Vec<(Vector3<f32>, UnitQuaternion<f32>)>,
    /// Frames in which the track's person handles it.
    pub handled: Vec<bool>,
}

fn first_frame(strip: &Strip) -> usize {
    (strip.start * FPS).round() as usize
}

/// Where the mesh's origin of an object at a place is.
pub fn origin(place: &ObjectPlace, thing: &Thing) -> (Vector3<f32>, UnitQuaternion<f32>) {
    let turn = scene::rotation(place);
    let [x, y, z] = place.position;
    let center = Vector3::new(x, y, z - thing.geometry.lowest(&turn));
    (center - turn * thing.geometry.center(), turn)
}

/// A track's takes, one after another.
///
/// # Errors
/// [`Error::Invalid`] for a track that is none or has no strips, and for a strip without a take or whose clip is missing.
pub fn track(project: &Project, library: &Library, number: usize) -> Result<Sequence> {
    let track = project
        .tracks
        .get(number)
        .ok_or_else(|| Error::invalid("track", format!("{number} is none of the project's")))?;
    let mut strips: Vec<&Strip> = track.strips.iter().map(|s| &**s).collect();
    strips.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut parts = Vec::with_capacity(strips.len());
    for strip in &strips {
        parts.push((*strip, shown(library, strip)?));
    }
    let (Some((first, opening)), Some((last, ending))) = (parts.first(), parts.last()) else {
        return Err(Error::invalid(
            format!("track {:?}", track.name),
            "has no strips; add one",
        ));
    };
    let count = first_frame(last) + ending.frames.len();
    if count.saturating_mul(project.objects.len()) > MOST_PLACES {
        return Err(Error::invalid(
            format!("track {:?}", track.name),
            format!(
                "{:.0} s with {} objects are too much to write at once; move its strips nearer to the beginning, or take \
                 objects away",
                count as f32 / FPS,
                project.objects.len()
            ),
        ));
    }
    let mut frames: Vec<Frame> = Vec::with_capacity(count);
    // Until the first strip the person stands as it begins.
    let mut still = opening.frames[0];
    still.contact = [0.0; 4];
    frames.resize(first_frame(first), still);
    for (i, (strip, clip)) in parts.iter().enumerate() {
        let begin = first_frame(strip);
        frames.resize(begin.max(frames.len()), still);
        // A strip that overlaps by rounding, or by a take that is too long, gives way to the next.
        let until = parts
            .get(i + 1)
            .map_or(usize::MAX, |(next, _)| first_frame(next));
        frames.truncate(begin);
        frames.extend(clip.frames.iter().take(until.saturating_sub(begin)));
        if let Some(end) = frames.last() {
            still = *end;
            still.contact = [0.0; 4];
        }
    }
    let mut props = Vec::with_capacity(project.objects.len());
    for object in &project.objects {
        let Some(thing) = library.thing(object.id) else {
            continue;
        };
        let mut places = vec![origin(&object.place, thing); frames.len()];
        let mut handled = vec![false; frames.len()];
        let movers = project.strips().into_iter();
        for (k, strip) in movers.filter(|(_, s)| s.object() == Some(object.id)) {
            // Another person's strip without a take leaves the object where it is.
            let Some(clip) = library.shown(strip) else {
                continue;
            };
            let begin = first_frame(strip);
            for t in begin..frames.len() {
                let frame = &clip.frames[(t - begin).min(clip.frames.len() - 1)];
                places[t] = (frame.object_position, frame.object_rotation);
                handled[t] = k == number && t - begin < clip.frames.len();
            }
        }
        props.push(Placed {
            object: object.id,
            thing: thing.clone(),
            places,
            handled,
        });
    }
    // A walk's frames know of no object.
    let touched: Vec<&Placed> = props.iter().filter(|p| p.handled.contains(&true)).collect();
    let mut with = touched.first().copied();
    for (t, frame) in frames.iter_mut().enumerate() {
        with = touched.iter().copied().find(|p| p.handled[t]).or(with);
        if let Some(prop) = with {
            (frame.object_position, frame.object_rotation) = prop.places[t];
        }
    }
    let object = match &touched[..] {
        [one] => one.thing.geometry.name().to_owned(),
        _ => String::new(),
    };
    let words: Vec<&str> = strips.iter().map(|s| s.text()).collect();
    let clip = MotionClip {
        name: track.name.clone(),
        subject: opening.subject.clone(),
        object,
        text: words.join(" "),
        fps: FPS,
        skeleton: opening.skeleton.clone(),
        frames,
    };
    Ok(Sequence { clip, props })
}

/// One take as a track of its own, with the object that it moves.
pub fn take(clip: &MotionClip, object: Option<(ObjectId, Thing)>) -> Sequence {
    let props = object.filter(|_| clip.has_object()).map(|(object, thing)| {
        let places = clip.frames.iter();
        let places = places.map(|f| (f.object_position, f.object_rotation));
        Placed {
            object,
            thing,
            places: places.collect(),
            handled: vec![true; clip.frames.len()],
        }
    });
    Sequence {
        clip: clip.clone(),
        props: props.into_iter().collect(),
    }
}

fn shown(library: &Library, strip: &Strip) -> Result<std::sync::Arc<MotionClip>> {
    library.shown(strip).ok_or_else(|| {
        let reason = match strip.shown.and_then(|take| library.fault(take)) {
            Some(fault) => fault.to_owned(),
            None => "has no take that could be shown; generate it".to_owned(),
        };
        Error::invalid(format!("strip {}", strip.id.0), reason)
    })
}

impl Sequence {
    /// The same at another frame rate, frames a second.
    ///
    /// # Errors
    /// Those of [`resample`].
    pub fn at_rate(&self, fps: f32) -> Result<Self> {
        let clip = resample(&self.clip, fps)?;
        let step = self.clip.fps / fps;
        let last = self.clip.frames.len() - 1;
        let props = self.props.iter().map(|prop| {
            let frames = (0..clip.frames.len()).map(|f| {
                let at = (f as f32 * step).min(last as f32);
                let (a, b) = (at as usize, (at as usize + 1).min(last));
                let ((p, q), (r, s)) = (prop.places[a], prop.places[b]);
                let place = (p.lerp(&r, at.fract()), turned_between(&q, &s, at.fract()));
                (place, prop.handled[a])
            });
            let (places, handled) = frames.unzip();
            Placed {
                object: prop.object,
                thing: prop.thing.clone(),
                places,
                handled,
            }
        });
        Ok(Self {
            props: props.collect(),
            clip,
        })
    }

    /// Writes person and objects as a `.glb`.
    ///
    /// # Errors
    /// Those of [`glb::write_scene`].
    pub fn write_glb(&self, path: &Path, options: &GlbOptions) -> Result<()> {
        let props: Vec<Prop<'_>> = self.props.iter().map(Placed::prop).collect();
        glb::write_scene(path, &self.clip, &props, options)
    }

    /// Writes an avatar's own body with the motion on it, and the objects, as a `.glb`.
    ///
    /// # Errors
    /// Those of [`retarget::export::write_scene`].
    pub fn write_avatar(&self, path: &Path, avatar: &Path, options: &GlbOptions) -> Result<()> {
        let props: Vec<Prop<'_>> = self.props.iter().map(Placed::prop).collect();
        retarget::export::write_scene(path, avatar, &self.clip, &props, self.held(), options)
    }

    /// The same as a `.usda`; the avatar's pictures become files beside it.
    ///
    /// # Errors
    /// Those of [`retarget::usd::write_scene`].
    pub fn write_avatar_usda(
        &self,
        path: &Path,
        avatar: &Path,
        options: &GlbOptions,
    ) -> Result<()> {
        let props: Vec<Prop<'_>> = self.props.iter().map(Placed::prop).collect();
        retarget::usd::write_scene(path, avatar, &self.clip, &props, self.held(), options)
    }

    /// What hands close around: of several objects, the clip's own is now the one and now the other.
    fn held(&self) -> Option<&ObjectGeometry> {
        let mut held = self.props.iter().filter(|p| p.handled.contains(&true));
        match (held.next(), held.next()) {
            (Some(one), None) => Some(&one.thing.geometry),
            _ => None,
        }
    }

    /// Writes person, as the mannequin, and objects as a `.usda`.
    ///
    /// # Errors
    /// Those of [`usda::write_scene`].
    pub fn write_usda(&self, path: &Path, options: &GlbOptions) -> Result<()> {
        let props: Vec<Prop<'_>> = self.props.iter().map(Placed::prop).collect();
        usda::write_scene(path, &self.clip, &props, options)
    }
}

impl Placed {
    /// As a scene's file takes it.
    fn prop(&self) -> Prop<'_> {
        Prop {
            name: self.thing.geometry.name(),
            mesh: &self.thing.mesh,
            places: &self.places,
            handled: &self.handled,
        }
    }
}
