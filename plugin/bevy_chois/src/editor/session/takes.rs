//! Takes: shown, judged, edited; moments of them that are locked.

use std::sync::Arc;

use chois::motion::lock::{LockedKey, Part};
use chois::motion::{FPS, MotionClip};
use chois::project::generate::{Made, add};
use chois::project::{Edit, StripId, TakeId, Verdict};

use super::Editor;

impl Editor {
    /// Shows another take of a strip.
    pub fn show_take(&mut self, strip: StripId, take: TakeId) {
        self.edit("Show take", |p| {
            if let Some(strip) = p.strip_mut(strip) {
                strip.shown = Some(take);
            }
            Ok(())
        });
    }

    /// Says what is thought of a take. One that is accepted is shown, and the only one that is.
    pub fn judge(&mut self, strip: StripId, take: TakeId, verdict: Verdict) {
        let label = match verdict {
            Verdict::Open => "Leave take open",
            Verdict::Kept => "Keep take",
            Verdict::Accepted => "Accept take",
            Verdict::Discarded => "Discard take",
        };
        self.edit(label, |p| {
            let Some(strip) = p.strip_mut(strip) else {
                return Ok(());
            };
            for other in &mut strip.takes {
                if other.id == take {
                    other.edit().verdict = verdict;
                } else if verdict == Verdict::Accepted && other.verdict == Verdict::Accepted {
                    other.edit().verdict = Verdict::Kept;
                }
            }
            if verdict == Verdict::Accepted {
                strip.shown = Some(take);
            } else if verdict == Verdict::Discarded && strip.shown == Some(take) {
                let left = strip.takes.iter().rev();
                let next = left.into_iter().find(|t| t.verdict != Verdict::Discarded);
                strip.shown = next.map(|t| t.id);
            }
            Ok(())
        });
    }

    /// Edits the take that the selected strip shows; a strip is then as long as its take.
    pub fn edit_take(&mut self, label: &str, edit: Edit) -> bool {
        let Some((of, take)) = self.strip().and_then(|s| Some((s.clone(), s.shown?))) else {
            return false;
        };
        let strip = of.id;
        // Tried first, so that what cannot be done is refused with its own words.
        let Some(clip) = self.library.clip(take) else {
            self.complain(&"the take's clip is missing");
            return false;
        };
        let seconds = match self.library.apply(&of, &clip, &edit) {
            Ok(clip) => clip.seconds(),
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        self.edit(label, |p| {
            let Some(strip) = p.strip_mut(strip) else {
                return Ok(());
            };
            strip.stretch(seconds);
            strip.keys.retain_mut(|key| match edit.when(key.at) {
                Some(at) => {
                    key.at = at;
                    key.frame() > 0
                }
                None => false,
            });
            if let Some(take) = strip.takes.iter_mut().find(|t| t.id == take) {
                take.edit().edits.push(edit);
            }
            Ok(())
        })
    }

    /// Tunes the shown take: the last of its edits by hand becomes this one where `same` says that it goes on with it, else it
    /// comes after it. Tunings of one `key` are one step.
    pub fn tune(
        &mut self,
        key: &str,
        label: &str,
        same: impl Fn(&Edit) -> bool,
        edit: Edit,
    ) -> bool {
        let Some((of, take)) = self.strip().and_then(|s| Some((s.clone(), s.shown?))) else {
            return false;
        };
        let Some(mut edits) = of.take(take).map(|t| t.edits.clone()) else {
            return false;
        };
        if edits.last().is_some_and(same) {
            edits.pop();
        }
        edits.push(edit);
        // Tried first, so that what cannot be done is refused with its own words.
        let seconds = match self.library.with_edits(&of, take, &edits) {
            Ok(clip) => clip.seconds(),
            Err(error) => {
                self.complain(&error);
                return false;
            }
        };
        let key = format!("{key} {}", take.0);
        self.drag(&key, label, |p| {
            if let Some(strip) = p.strip_mut(of.id) {
                strip.seconds = seconds;
                if let Some(own) = strip.takes.iter_mut().find(|t| t.id == take) {
                    own.edit().edits = edits;
                }
            }
            Ok(())
        })
    }

    /// Adds what was generated; `before` are the same clips before hands were made to hold.
    pub(in crate::editor) fn add_takes(
        &mut self,
        made: Made,
        before: Vec<Arc<MotionClip>>,
    ) -> bool {
        let (library, uncorrected) = (&mut self.library, &mut self.uncorrected);
        let changed = self.history.edit("Generate", |p| {
            uncorrected.extend(add(p, library, made)?.into_iter().zip(before));
            Ok(())
        });
        self.after(changed)
    }

    /// The clip by which a take is seen: as its edits leave it, or before contact where that is to be seen and known.
    pub(in crate::editor) fn seen_clip(&self, take: TakeId) -> Option<Arc<MotionClip>> {
        let before = self.uncorrected.get(&take);
        match before.filter(|_| self.scene.see.uncorrected) {
            Some(clip) => {
                let (strip, take) = self.project().take(take)?;
                // When hands are told to hold is told to what corrects the clip.
                let mut edits = (take.edits.iter()).filter(|e| !matches!(e, Edit::Contact { .. }));
                edits
                    .try_fold(clip.clone(), |clip, edit| {
                        self.library.apply(strip, &clip, edit).map(Arc::new)
                    })
                    .ok()
            }
            None => self.library.clip(take),
        }
    }

    /// Locks a moment of the shown take at the playhead: what is generated from now on goes through it. Parts that are
    /// locked there already stay locked.
    pub fn lock(&mut self, parts: Vec<Part>) -> bool {
        let Some((id, start, take)) = self.strip().and_then(|s| Some((s.id, s.start, s.shown?)))
        else {
            self.complain(&"only a strip with a take can be locked; generate it first");
            return false;
        };
        let at = ((self.playhead - start) * FPS).round() / FPS;
        let key = self.library.clip(take);
        let Some(key) = key.and_then(|clip| LockedKey::of(&clip, at, parts)) else {
            self.complain(&"the playhead is not in the strip; put it where the moment is");
            return false;
        };
        self.edit("Lock", |p| {
            let Some(strip) = p.strip_mut(id) else {
                return Ok(());
            };
            match strip.keys.iter_mut().find(|k| k.frame() == key.frame()) {
                Some(own) => {
                    let mut all = own.parts.clone();
                    all.extend(key.parts.iter().filter(|&p| !own.holds(p)).cloned());
                    *own = LockedKey { parts: all, ..key };
                }
                None => {
                    strip.keys.push(key);
                    strip.keys.sort_by(|a, b| a.at.total_cmp(&b.at));
                }
            }
            Ok(())
        })
    }

    /// Unlocks a moment of the selected strip: the number of its key.
    pub fn unlock(&mut self, key: usize) -> bool {
        let Some(id) = self.selected else {
            return false;
        };
        self.edit("Unlock", |p| {
            if let Some(strip) = p.strip_mut(id)
                && key < strip.keys.len()
            {
                strip.keys.remove(key);
            }
            Ok(())
        })
    }
}
