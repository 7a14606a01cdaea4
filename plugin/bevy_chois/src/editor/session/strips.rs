//! Strips: added, copied, cut, deleted.

use chois::motion::FPS;
use chois::project::{Deed, Strip, StripId, Take, TakeId, Verdict};

use super::{Editor, Kind, NEW_SECONDS};

impl Editor {
    /// Adds a strip after the last of a track, and selects it.
    pub fn add_strip(&mut self, track: usize, kind: Kind) -> Option<StripId> {
        let stands = self.stands(track);
        let start = (self.project().tracks.get(track)?.strips.iter())
            .map(|s| s.end())
            .fold(0.0, f32::max);
        let ahead = stands.facing.to_radians();
        let deed = match kind {
            Kind::Walk => Deed::Walk {
                text: "Walk.".into(),
                waypoints: Vec::new(),
                end: [
                    stands.position[0] + 1.5 * ahead.cos(),
                    stands.position[1] + 1.5 * ahead.sin(),
                ],
                facing: None,
                backward: false,
            },
            Kind::Idle => Deed::Idle,
            Kind::Interact(object) => {
                let name = self.project().object(object)?.name.clone();
                let place = self.project().object_place(&self.library, object, start);
                let [x, y, z] = place.unwrap_or_default().position;
                Deed::Interact {
                    text: format!("Lift the {name}, move the {name}, and put down the {name}."),
                    object,
                    waypoints: Vec::new(),
                    // To the left, where people mostly carry.
                    end: Some([x - ahead.sin(), y + ahead.cos(), z]),
                    turn: None,
                    in_hand: chois::request::InHand::default(),
                }
            }
        };
        let mut id = None;
        let added = self.edit("Add strip", |p| {
            let new = StripId(p.fresh());
            id = Some(new);
            let seconds = if kind == Kind::Idle { 2.0 } else { NEW_SECONDS };
            let strip = Strip::new(new, start, seconds, deed);
            p.tracks[track].edit().strips.push(strip.into());
            Ok(())
        });
        if added {
            self.selected = id;
        }
        id.filter(|_| added)
    }

    /// A strip by its words, as many as fit in a line with others.
    pub(in crate::editor) fn named(&self, id: StripId) -> String {
        const ROOM: usize = 32;
        let text = self.project().strip(id).map_or("", |s| s.text());
        match text.char_indices().nth(ROOM) {
            Some((end, _)) => format!("\"{}…\"", text[..end].trim_end()),
            None => format!("\"{text}\""),
        }
    }

    /// Deletes the selected strip; its takes' clips stay where they are.
    pub fn delete_strip(&mut self) {
        let Some(id) = self.selected else { return };
        self.edit("Delete strip", |p| {
            if let Some(k) = p.track_of(id) {
                p.tracks[k].edit().strips.retain(|s| s.id != id);
            }
            Ok(())
        });
    }

    /// Puts a copy of the selected strip, without takes, after the last one.
    pub fn duplicate_strip(&mut self) {
        let Some(strip) = self.strip().cloned() else {
            return;
        };
        let mut id = None;
        let done = self.edit("Duplicate strip", |p| {
            let Some(k) = p.track_of(strip.id) else {
                return Ok(());
            };
            let new = StripId(p.fresh());
            id = Some(new);
            let end = p.tracks[k]
                .strips
                .iter()
                .map(|s| s.end())
                .fold(0.0, f32::max);
            let copy = Strip {
                id: new,
                start: end,
                takes: Vec::new(),
                shown: None,
                ..strip
            };
            p.tracks[k].edit().strips.push(copy.into());
            Ok(())
        });
        if done {
            self.selected = id;
        }
    }

    /// Changes the selected strip; edits of one `key` are one step.
    pub fn change_strip(
        &mut self,
        key: &str,
        label: &str,
        change: impl FnOnce(&mut Strip),
    ) -> bool {
        let Some(id) = self.selected else {
            return false;
        };
        self.drag(&format!("{key} {}", id.0), label, |p| {
            if let Some(strip) = p.strip_mut(id) {
                change(strip);
            }
            Ok(())
        })
    }

    /// Times that a strip may begin and end at, between its neighbours.
    pub fn room(&self, id: StripId) -> [f32; 2] {
        let mut room = [0.0, f32::INFINITY];
        let project = self.project();
        let (Some(track), Some(own)) = (project.track_of(id), project.strip(id)) else {
            return room;
        };
        for other in project.tracks[track].strips.iter().filter(|s| s.id != id) {
            if other.start < own.start {
                room[0] = f32::max(room[0], other.end());
            } else {
                room[1] = f32::min(room[1], other.start);
            }
        }
        room
    }

    /// Cuts the selected strip and the take it shows in two at the playhead (see [`chois::project::Project::cut`]).
    pub fn split_strip(&mut self) -> bool {
        let Some(strip) = self.strip().cloned() else {
            return false;
        };
        let at = ((self.playhead - strip.start) * FPS).round() / FPS;
        let Some(take) = strip.shown().cloned() else {
            self.complain(&"only a strip with a take can be split; generate it first");
            return false;
        };
        let Some(clip) = self.library.clip(take.id) else {
            self.complain(&"the take's clip is missing");
            return false;
        };
        let parts = match chois::motion::edit::split(&clip, at) {
            Ok(parts) => parts,
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        if parts
            .iter()
            .any(|p| p.seconds() < chois::request::MIN_SECONDS)
        {
            self.complain(&"each part must be at least a second long; move the playhead");
            return false;
        }
        let [first, second] = parts;
        let deeds = (self.project()).cut(&self.library, &strip, &clip, first.frames.len());
        let [mut one, mut other] = deeds.map(|deed| Strip {
            deed,
            ..strip.clone()
        });
        let library = &mut self.library;
        let changed = self.history.edit("Split strip", |p| {
            let Some(k) = p.track_of(strip.id) else {
                return Ok(());
            };
            for (part, clip) in [(&mut one, first), (&mut other, second)] {
                let id = TakeId(p.fresh());
                part.seconds = clip.seconds();
                library.insert(id, clip);
                part.shown = Some(id);
                let by_hand = Take {
                    id,
                    seed: take.seed,
                    variations: take.variations.clone(),
                    verdict: Verdict::Kept,
                    made: None,
                    edits: Vec::new(),
                };
                part.takes = vec![by_hand.into()];
            }
            other.id = StripId(p.fresh());
            other.start = one.start + one.seconds;
            one.keys.retain(|key| key.at < one.seconds);
            other.keys.retain_mut(|key| {
                key.at -= one.seconds;
                key.frame() > 0
            });
            let strips = &mut p.tracks[k].edit().strips;
            strips.retain(|s| s.id != strip.id);
            strips.push(one.into());
            strips.push(other.into());
            Ok(())
        });
        self.after(changed)
    }

    /// The strip of a track at a time.
    pub fn at(&self, track: usize, seconds: f32) -> Option<&Strip> {
        let track = self.project().tracks.get(track)?;
        let strips = track.strips.iter();
        strips
            .map(|s| &**s)
            .find(|s| (s.start..s.end()).contains(&seconds))
    }
}
