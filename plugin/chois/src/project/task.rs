//! What a strip asks the synthesizer for, and how what it makes becomes a take's clip.

use nalgebra::{Isometry3, Translation3};
use sha2::{Digest, Sha256};

use super::check::SAME_TIME;
use super::cut::held;
use super::document::{Deed, Draw, ObjectId, Project, Strip, StripId};
use super::library::{About, Library, Thing};
use crate::contact::{PhysicalObject, correct};
use crate::error::{Error, Result};
use crate::motion::MotionClip;
use crate::motion::lock::{LockedKey, Part};
use crate::request::{InteractionRequest, ObjectPlace, PersonPlace, WalkRequest};
use crate::scene::place_of;
use crate::skeleton::Pose;

/// How a strip begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beginning {
    /// The person's pose at the end of the strip before, where there is one.
    pub pose: Option<Pose>,
    /// Where the person stands where there is none before.
    pub person: PersonPlace,
    /// Where the strip's object is.
    pub object: Option<ObjectPlace>,
}

/// What is to be generated for a strip. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Task {
    /// A walk, or standing.
    Walk(Box<WalkRequest>),
    /// Something done with an object.
    Interact(Box<InteractionRequest>, Thing),
}

impl Strip {
    /// Its request as a walk, for a walk or for standing; whatever for an interaction.
    pub(super) fn walk(&self, person: PersonPlace) -> WalkRequest {
        let mut request = WalkRequest::to(person.position).from(person.position, person.facing);
        if let Deed::Walk {
            text,
            waypoints,
            end,
            facing,
            backward,
        } = &self.deed
        {
            request.text.clone_from(text);
            request.waypoints.clone_from(waypoints);
            request.end = *end;
            request.facing = *facing;
            request.backward = *backward;
        }
        if self.object().is_none() {
            request.keys.clone_from(&self.keys);
        }
        request.seconds = Some(self.seconds);
        request.seed = self.seed;
        request.sampling = self.sampling;
        request.guidance = self.guidance;
        request
    }

    /// Its request as an interaction, if it is one.
    pub(super) fn interaction(&self) -> Option<InteractionRequest> {
        let Deed::Interact {
            text,
            waypoints,
            end,
            turn,
            in_hand,
            ..
        } = &self.deed
        else {
            return None;
        };
        let mut request = InteractionRequest::new(text.clone()).seconds(self.seconds);
        request.waypoints.clone_from(waypoints);
        request.end = *end;
        request.end_turn = *turn;
        request.in_hand = *in_hand;
        request.keys.clone_from(&self.keys);
        request.seed = self.seed;
        request.sampling = self.sampling;
        request.guidance = self.guidance;
        Some(request)
    }
}

impl Project {
    /// The strip before another on its track.
    pub fn before(&self, strip: StripId) -> Option<&Strip> {
        let track = &self.tracks[self.track_of(strip)?];
        let own = track.strips.iter().find(|s| s.id == strip)?;
        let earlier = track
            .strips
            .iter()
            .filter(|s| s.id != strip && s.start < own.start);
        earlier
            .max_by(|a, b| a.start.total_cmp(&b.start))
            .map(|s| &**s)
    }

    /// The last strip that moves an object and ends before a time, seconds.
    pub fn mover(&self, object: ObjectId, before: f32) -> Option<&Strip> {
        let all = self.tracks.iter().flat_map(|t| t.strips.iter());
        all.filter(|s| s.object() == Some(object) && s.end() <= before + SAME_TIME)
            .max_by(|a, b| a.start.total_cmp(&b.start))
            .map(|s| &**s)
    }

    /// How a strip begins; none where it waits for the take of a strip before it, or for a clip that is missing.
    pub fn beginning(&self, library: &Library, strip: &Strip) -> Option<Beginning> {
        let track = self.track_of(strip.id)?;
        let pose = match self.before(strip.id) {
            Some(before) => Some(library.shown(before)?.frames.last()?.pose),
            None => None,
        };
        let object = match strip.object() {
            Some(id) => Some(self.object_place(library, id, strip.start)?),
            None => None,
        };
        Some(Beginning {
            pose,
            person: self.tracks[track].person,
            object,
        })
    }

    /// Where an object is once all that moves it before a time has been done; none where that is not known yet.
    pub fn object_place(
        &self,
        library: &Library,
        object: ObjectId,
        before: f32,
    ) -> Option<ObjectPlace> {
        let Some(mover) = self.mover(object, before) else {
            return self.object(object).map(|o| o.place);
        };
        let last = *library.shown(mover)?.frames.last()?;
        let origin = Isometry3::from_parts(
            Translation3::from(last.object_position),
            last.object_rotation,
        );
        place_of(&library.thing(object)?.geometry, &origin)
    }

    /// Whether the strip before one has an object in hand as it ends.
    fn is_handed_on(
        &self,
        library: &Library,
        strip: StripId,
        object: ObjectId,
        start: f32,
    ) -> bool {
        let Some(before) = self.before(strip) else {
            return false;
        };
        let Deed::Interact { in_hand, .. } = &before.deed else {
            return false;
        };
        // Nobody has moved it since.
        let is_mover = self
            .mover(object, start)
            .is_some_and(|mover| mover.id == before.id);
        let has_it = |clip: &MotionClip| held(clip, clip.frames.len().saturating_sub(1));
        is_mover && (in_hand.end || library.shown(before).is_some_and(|clip| has_it(&clip)))
    }

    /// What is to be generated for a strip; none while it waits for a strip before it.
    ///
    /// # Errors
    /// [`Error::Invalid`] where an object's file is missing, or where there is no such strip.
    pub fn task(&self, library: &Library, strip: StripId) -> Result<Option<Task>> {
        let unknown = || Error::invalid("strip", format!("{} is none of the project's", strip.0));
        let strip = self.strip(strip).ok_or_else(unknown)?;
        let Some(beginning) = self.beginning(library, strip) else {
            return Ok(None);
        };
        let Some(mut request) = strip.interaction() else {
            let mut person = beginning.person;
            if let Some(pose) = &beginning.pose {
                person = stands(pose);
            }
            let mut request = strip.walk(person);
            request.pose = beginning.pose;
            return Ok(Some(Task::Walk(Box::new(request))));
        };
        let id = strip.object().ok_or_else(unknown)?;
        let thing = library.thing(id).ok_or_else(unknown)?;
        if thing.placeholder {
            return Err(Error::invalid(
                id.describe(self),
                "its file is missing; relink it before generating",
            ));
        }
        request.start = beginning.object.unwrap_or_default();
        // A person who begins the track begins where the track says.
        request.person = Some(beginning.pose.as_ref().map_or(beginning.person, stands));
        request.pose = beginning.pose;
        request.in_hand.start &= self.is_handed_on(library, strip.id, id, strip.start);
        Ok(Some(Task::Interact(Box::new(request), thing.clone())))
    }
}

/// Where a pose stands, and faces.
pub(super) fn stands(pose: &Pose) -> PersonPlace {
    let ahead = pose.rotations[0] * nalgebra::Vector3::z();
    PersonPlace {
        position: [pose.root.x, pose.root.y],
        facing: ahead.y.atan2(ahead.x).to_degrees(),
    }
}

impl Task {
    /// The same, with an end to be met (see [`Project::kept_end`]). What a take was made from is told without it: it follows
    /// from the take before.
    #[must_use]
    pub fn ending(&self, end: Option<LockedKey>) -> Self {
        let mut task = self.clone();
        match &mut task {
            Self::Walk(request) => request.keys.extend(end),
            Self::Interact(request, _) => request.keys.extend(end),
        }
        task
    }

    /// The same with other noise.
    #[must_use]
    pub fn drawn(&self, draw: &Draw) -> Self {
        let mut task = self.clone();
        let (seed, variations) = match &mut task {
            Self::Walk(request) => (&mut request.seed, &mut request.variations),
            Self::Interact(request, _) => (&mut request.seed, &mut request.variations),
        };
        *seed = draw.seed;
        variations.clone_from(&draw.variations);
        task
    }

    /// A word that tells this task from others: the same for the same sentence, path, seed, steps, guidance, object and
    /// beginning, on every machine. The length is left out, since a take's own tells it.
    pub fn fingerprint(&self, room: Option<&str>) -> String {
        let mut hash = Sha256::new();
        let json = match self {
            Self::Walk(request) => {
                let mut request = request.clone();
                request.seconds = None;
                serde_json::to_vec(&request)
            }
            Self::Interact(request, thing) => {
                let mut request = request.clone();
                request.seconds = 0.0;
                hash.update(thing.digest.as_bytes());
                hash.update(serde_json::to_vec(&thing.contact).unwrap_or_default());
                serde_json::to_vec(&request)
            }
        };
        hash.update(json.unwrap_or_default());
        hash.update(room.unwrap_or_default());
        hex(&hash.finalize()[..8])
    }

    /// What the network made as the take's clip: for an object that hands are to hold, with hands that hold; what is locked
    /// as it is locked. A last frame that is locked whole is so to the bit: what goes on from it stays up to date.
    ///
    /// # Errors
    /// Those of [`PhysicalObject::new`] and [`correct`].
    pub fn finish(&self, clip: MotionClip, about: &About) -> Result<MotionClip> {
        let (mut clip, keys) = match self {
            Self::Interact(request, thing) if thing.contact.enforce => {
                let physical = thing.physical()?;
                let mut options = about.options(&thing.contact);
                options.keys.clone_from(&request.keys);
                (correct(&clip, &physical, &options)?.clip, &request.keys)
            }
            Self::Interact(request, _) => (clip, &request.keys),
            Self::Walk(request) => (clip, &request.keys),
        };
        let count = clip.frames.len();
        if let Some(last) = clip.frames.last_mut() {
            for key in keys.iter().filter(|key| key.frame() + 1 == count) {
                if key.holds(&Part::Body) {
                    last.pose = key.pose;
                }
                if let (true, Some(object)) = (key.holds(&Part::Object), key.object) {
                    last.object_position = object.position;
                    last.object_rotation = object.rotation;
                }
            }
        }
        Ok(clip)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// An object's shape once more, as physics takes it, made when it is first asked for.
impl Thing {
    /// A clip whose hands hold when they are told to. `keys` are moments that it comes through, and comes through then: hands
    /// that are locked elsewhere do not hold about that time, whatever they are told.
    ///
    /// # Errors
    /// Those of [`PhysicalObject::new`] and [`correct`].
    pub fn hold(
        &self,
        clip: &MotionClip,
        given: [Vec<[f32; 2]>; 2],
        keys: &[LockedKey],
        about: &About,
    ) -> Result<MotionClip> {
        let mut options = about.options(&self.contact);
        options.given = given.map(Some);
        options.keys = keys.to_vec();
        Ok(correct(clip, &*self.physical()?, &options)?.clip)
    }

    fn physical(&self) -> Result<std::sync::Arc<PhysicalObject>> {
        let mut known = match self.physical.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let made = PhysicalObject::new(&self.geometry, &self.contact.physics())?;
        Ok(known.insert(std::sync::Arc::new(made)).clone())
    }
}
