//! Files with several skeletons, such as a rider on a horse: the bones of a body are those of one of them.

use super::find::{Draft, Finder, list};
use super::words::{Kind, Reading};
use super::{BodyPart, Rig, Side, shape};
use crate::{Error, Result};

/// A skeleton with fewer bones than this cannot be a body: head, spine and three bones of each limb.
const FEWEST: usize = 14;

/// Which bones hang together: a skinned bone that no skinned one carries begins a skeleton, all that it carries belongs
/// to it. Bones above belong to none.
pub(super) struct Skeletons {
    of: Vec<Option<usize>>,
    tops: Vec<usize>,
}

impl Skeletons {
    pub fn new(rig: &Rig) -> Self {
        let mut of: Vec<Option<usize>> = Vec::with_capacity(rig.bones.len());
        let mut tops = Vec::new();
        for (b, bone) in rig.bones.iter().enumerate() {
            let above = bone.parent.and_then(|p| of[p]);
            of.push(above.or_else(|| {
                bone.skinned.then(|| {
                    tops.push(b);
                    tops.len() - 1
                })
            }));
        }
        Self { of, tops }
    }

    /// The skeleton of a part that nobody named.
    fn at(&self, draft: &Draft, fixed: &Draft, part: BodyPart) -> Option<usize> {
        match fixed.get(part) {
            None => draft.get(part).and_then(|b| self.of[b]),
            Some(_) => None,
        }
    }

    /// Whether all parts that nobody named are bones of one skeleton; what carries skeletons may be the hips.
    pub fn is_one(&self, draft: &Draft, fixed: &Draft) -> bool {
        let mut found = BodyPart::all().filter_map(|p| self.at(draft, fixed, p));
        let first = found.next();
        found.all(|s| Some(s) == first)
    }

    /// The rig and what its names say with nothing but one skeleton and what carries it.
    fn only(&self, which: usize, rig: &Rig, readings: &[Reading]) -> (Rig, Vec<Reading>) {
        let (mut rig, mut readings) = (rig.clone(), readings.to_vec());
        for (b, of) in self.of.iter().enumerate() {
            if of.is_some_and(|s| s != which) {
                rig.bones[b].skinned = false;
                if let Some(reading) = readings.get_mut(b) {
                    *reading = Reading::default();
                }
            }
        }
        (rig, readings)
    }

    /// Skeletons that are large enough and hold all bones that someone named.
    fn possible(&self, fixed: &Draft) -> impl Iterator<Item = usize> {
        (0..self.tops.len()).filter(|s| {
            let own = |b: usize| self.of[b].is_none_or(|o| o == *s);
            let size = self.of.iter().filter(|o| **o == Some(*s)).count();
            size >= FEWEST && BodyPart::all().all(|p| fixed.get(p).is_none_or(own))
        })
    }

    /// The whole body that one skeleton has by its names, and the skeleton's top bone: the one with most parts. None
    /// when no skeleton has one.
    pub fn by_names(
        &self,
        rig: &Rig,
        readings: &[Reading],
        fixed: &Draft,
    ) -> Result<Option<(Draft, usize)>> {
        let mut bodies: Vec<(usize, Draft, usize)> = Vec::new();
        for which in self.possible(fixed) {
            let (own, readings) = self.only(which, rig, readings);
            if let Ok(draft) = Finder::new(&own, &readings).by_names(fixed)
                && draft.missing().is_empty()
            {
                let count = BodyPart::all().filter(|p| draft.get(*p).is_some()).count();
                bodies.push((count, draft, self.tops[which]));
            }
        }
        bodies.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
        if let [(a, _, first), (b, _, second), ..] = bodies.as_slice()
            && a == b
        {
            return Err(Error::invalid(
                "avatar",
                format!(
                    "it has two skeletons of people, under {:?} and under {:?}; keep one of them, or name the right \
                     bones in an override file",
                    rig.bones[*first].name, rig.bones[*second].name
                ),
            ));
        }
        Ok(bodies
            .into_iter()
            .next()
            .map(|(_, draft, top)| (draft, top)))
    }

    /// The whole body that one skeleton has by its shape.
    pub fn by_shape(&self, rig: &Rig, fixed: &Draft) -> Option<Draft> {
        self.possible(fixed).find_map(|which| {
            let (own, _) = self.only(which, rig, &[]);
            shape::find(&own, fixed).filter(|d| d.missing().is_empty() && self.is_one(d, fixed))
        })
    }

    /// Refuses a mixture: arms of one skeleton and legs of another, though one of the two has both.
    pub fn refuse_mixture(
        &self,
        rig: &Rig,
        readings: &[Reading],
        draft: &Draft,
        fixed: &Draft,
    ) -> Result<()> {
        let (leg, arm) = (
            BodyPart::UpperLeg(Side::Left),
            BodyPart::UpperArm(Side::Left),
        );
        let (Some(legs), Some(arms)) = (self.at(draft, fixed, leg), self.at(draft, fixed, arm))
        else {
            return Ok(());
        };
        let has = |which: usize, kinds: [Kind; 2]| {
            Side::BOTH.into_iter().all(|side| {
                (0..readings.len()).any(|b| {
                    self.of[b] == Some(which)
                        && readings[b].side == Some(side)
                        && kinds.iter().any(|k| readings[b].rank(*k).is_some())
                })
            })
        };
        let own_legs = has(arms, [Kind::UpperLeg, Kind::Foot]);
        let own_arms = has(legs, [Kind::UpperArm, Kind::Hand]);
        if legs == arms || !(own_legs || own_arms) {
            return Ok(());
        }
        let which = if own_legs { arms } else { legs };
        let (own, readings) = self.only(which, rig, readings);
        let lacking = Finder::new(&own, &readings)
            .by_names(fixed)
            .map_or_else(|_| "some part".to_owned(), |d| list(&d.missing()));
        let name = |b: usize| rig.bones[b].name.as_str();
        let bone = |part: BodyPart| draft.get(part).map_or("?", name);
        Err(Error::invalid(
            "avatar",
            format!(
                "its arms ({:?}) and its legs ({:?}) are of two skeletons, and none has a whole body: the one under \
                 {:?} has no bone for {lacking}; use a model of one person with a whole humanoid skeleton",
                bone(arm),
                bone(leg),
                name(self.tops[which])
            ),
        ))
    }
}
