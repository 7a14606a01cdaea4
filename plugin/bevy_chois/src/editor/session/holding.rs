//! When hands hold: what is told to physics, and what came of it.

use std::sync::Arc;

use chois::motion::MotionClip;
use chois::motion::lock::{LockedKey, Part};
use chois::project::{Edit, Strip, TakeId};

use super::Editor;

impl Editor {
    /// Has the hands of the shown take hold at other times, `[from, to]` in seconds of the take; physics runs elsewhere, and
    /// what it makes is an edit of the take. Returns whether there is such a take.
    pub fn set_contact(&mut self, left: Vec<[f32; 2]>, right: Vec<[f32; 2]>) -> bool {
        let Some(take) = self.strip().and_then(|s| s.object().and(s.shown)) else {
            return false;
        };
        self.wanted_contact = Some((take, left, right));
        true
    }

    /// Whether hands are being told to hold at other times.
    pub fn is_holding(&self) -> bool {
        self.holding.is_some() || self.wanted_contact.is_some()
    }

    /// A take as it was before its hands were told to hold at other times, with the edits that made it so.
    pub(in crate::editor) fn before_contact(
        &self,
        take: TakeId,
    ) -> Option<(Strip, Arc<MotionClip>, Vec<Edit>)> {
        let (strip, own) = self.project().take(take)?;
        let mut edits = own.edits.clone();
        if matches!(edits.last(), Some(Edit::Contact { .. })) {
            edits.pop();
        }
        let clip = self.library.with_edits(strip, take, &edits).ok()?;
        Some((strip.clone(), clip, edits))
    }

    /// The take with hands that hold at other times is there; `from` are the edits that the take had when it was begun.
    pub(in crate::editor) fn finish_contact(
        &mut self,
        take: TakeId,
        from: &[Edit],
        edits: Vec<Edit>,
        clip: MotionClip,
    ) {
        let now = self.project().take(take);
        // Of a take that was trimmed meanwhile, the bars' times are others.
        let Some(strip) = now.filter(|(_, own)| own.edits == from).map(|(s, _)| s.id) else {
            self.complain(
                &"the take was changed while physics ran, and hands hold as before; change the bar again",
            );
            return;
        };
        let heard = match edits.last() {
            Some(Edit::Contact { left, right, keys }) => {
                let given = [left.clone(), right.clone()];
                kept_to(&clip, &given, keys)
            }
            _ => None,
        };
        self.library.know(take, edits.clone(), clip);
        self.edit("Change contact", |p| {
            if let Some(strip) = p.strip_mut(strip)
                && let Some(own) = strip.takes.iter_mut().find(|t| t.id == take)
            {
                own.edit().edits = edits;
            }
            Ok(())
        });
        match heard {
            None => self.say("hands hold as they are told"),
            Some(line) => self.complain(&line),
        }
    }
}

/// What hands could not do of what they were told, as one sentence.
fn kept_to(clip: &MotionClip, given: &[Vec<[f32; 2]>; 2], keys: &[LockedKey]) -> Option<String> {
    /// Frames that rounding may cost.
    const SLACK: usize = 3;
    for (hand, name) in [(0, "left"), (1, "right")] {
        for [from, to] in &given[hand] {
            let frames = (from * clip.fps).round() as usize..(to * clip.fps).round() as usize;
            let frames = frames.start..frames.end.min(clip.frames.len());
            let holds = |f: &usize| clip.frames[*f].contact[hand] > 0.5;
            let lost = frames.clone().filter(|f| !holds(f)).count();
            if lost > SLACK {
                let first = frames.clone().find(|f| !holds(f)).unwrap_or_default();
                let last = frames.rev().find(|f| !holds(f)).unwrap_or_default();
                let locked = keys.iter().find(|key| {
                    let own = [Part::LeftHand, Part::RightHand][hand].clone();
                    let about = first..=last;
                    (key.holds(&own) || key.holds(&Part::Body)) && about.contains(&key.frame())
                });
                return Some(match locked {
                    Some(key) => format!(
                        "the {name} hand cannot hold all the while: it is locked beside the object at {:.2} s; unlock that \
                         moment, or shorten the bar",
                        key.at
                    ),
                    None => format!(
                        "the {name} hand cannot hold all the while: at {:.2} s the object is out of its reach or lost; \
                         shorten the bar",
                        first as f32 / clip.fps
                    ),
                });
            }
        }
    }
    None
}
