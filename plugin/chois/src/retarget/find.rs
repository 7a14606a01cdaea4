//! Finding the bones of a humanoid: what a person says, what the file says, names, shape; then sanity.

use super::finish::finish;
use super::skeletons::Skeletons;
use super::words::{self, Kind, Reading};
use super::{BodyPart, Digit, Naming, Rig, RigHints, RigMap, Side, shape};
use crate::{Error, Result};

/// Bones of a draft by part.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    bones: Vec<Option<usize>>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            bones: vec![None; BodyPart::COUNT],
        }
    }
}

impl Draft {
    pub(super) fn get(&self, part: BodyPart) -> Option<usize> {
        self.bones[part.index()]
    }

    pub(super) fn set(&mut self, part: BodyPart, bone: Option<usize>) {
        self.bones[part.index()] = bone;
    }

    pub(super) fn fill(&mut self, part: BodyPart, bone: Option<usize>) {
        if self.get(part).is_none() {
            self.set(part, bone);
        }
    }

    pub(super) fn holds(&self, bone: usize) -> bool {
        self.bones.contains(&Some(bone))
    }

    pub(super) fn missing(&self) -> Vec<BodyPart> {
        BodyPart::all()
            .filter(|p| p.required() && self.get(*p).is_none())
            .collect()
    }
}

/// Finds which bone is which part of the body: first what the overrides say, then what the file says (VRM), then by
/// name, then by the shape of the skeleton.
///
/// # Errors
/// [`Error::Invalid`] when the rig is damaged, an override names no bone, a required part has no bone, two bones could
/// be the same part, or what was found cannot be a body (a lower arm that the upper arm does not carry, bones without
/// length, sheared bones).
pub fn find_bones(rig: &Rig, hints: &RigHints) -> Result<RigMap> {
    rig.check()?;
    let mut notes = Vec::new();
    let mut fixed = Draft::default();
    for (part, bone) in &hints.humanoid {
        if *bone < rig.bones.len() {
            fixed.set(*part, Some(*bone));
        }
    }
    let from_file = fixed.bones.iter().flatten().count();
    for (part, name) in &hints.overrides.bones {
        fixed.set(*part, Some(named(rig, *part, name)?));
    }
    for part in &hints.overrides.without {
        if part.required() {
            return Err(Error::invalid(
                format!("rig overrides: without {part}"),
                "a body cannot do without it; name its bone instead",
            ));
        }
    }

    let names: Vec<&str> = rig.bones.iter().map(|b| b.name.as_str()).collect();
    let readings = words::read_all(&names);
    let mut naming = words::naming(&names);
    if from_file > 0 {
        naming = Naming::Vrm;
    }
    if hints.overrides.bones.len() > from_file.max(12) {
        naming = Naming::Overrides;
    }
    let skeletons = Skeletons::new(rig);
    let all = Finder::new(rig, &readings).by_names(&fixed);
    let whole = |d: &Draft| d.missing().is_empty() && skeletons.is_one(d, &fixed);
    let mut draft = match all {
        Ok(draft) if whole(&draft) => draft,
        all => match skeletons.by_names(rig, &readings, &fixed)? {
            Some((draft, top)) => {
                notes.push(format!(
                    "of several skeletons the one under {:?} has a whole body; the others are left out",
                    rig.bones[top].name
                ));
                draft
            }
            None => {
                let draft = all?;
                skeletons.refuse_mixture(rig, &readings, &draft, &fixed)?;
                draft
            }
        },
    };
    let unknown = draft.missing();
    if !unknown.is_empty() {
        let by_shape = shape::find(rig, &fixed)
            .filter(whole)
            .or_else(|| skeletons.by_shape(rig, &fixed))
            .or_else(|| shape::find(rig, &fixed).filter(|d| d.missing().is_empty()));
        match by_shape {
            Some(by_shape) => {
                // All or nothing: a mixture of two opinions is neither.
                draft = by_shape;
                for part in BodyPart::all().filter(|p| fixed.get(*p).is_some()) {
                    draft.set(part, fixed.get(part));
                }
                naming = Naming::Shape;
                notes.push(format!(
                    "the names do not say which bone is the {}; all bones were found by the shape of the skeleton",
                    list(&unknown)
                ));
            }
            None => return Err(incomplete(rig, &draft, &unknown)),
        }
    }
    for part in &hints.overrides.without {
        draft.set(*part, None);
    }
    finish(rig, hints, &readings, draft, naming, notes)
}

/// Says what is missing and how to say which bone it is.
pub(super) fn incomplete(rig: &Rig, draft: &Draft, missing: &[BodyPart]) -> Error {
    let n = rig.skinned();
    let found = draft.bones.iter().flatten().count();
    Error::invalid(
        "avatar",
        format!(
            "no bone was found for {} (its {n} bones were matched to {found} parts); if the rig has them, name them in \
             an override file, else use a model with a whole humanoid skeleton",
            list(missing)
        ),
    )
}

pub(super) fn list(parts: &[BodyPart]) -> String {
    let names: Vec<String> = parts.iter().map(BodyPart::to_string).collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The bone that an override names.
fn named(rig: &Rig, part: BodyPart, name: &str) -> Result<usize> {
    let mut all = (0..rig.bones.len()).filter(|b| rig.bones[*b].name == name);
    let field = || format!("rig overrides: {part}");
    let Some(first) = all.next() else {
        let wanted = name.to_lowercase();
        let near = rig.bones.iter().find(|b| {
            let own = b.name.to_lowercase();
            !own.is_empty() && (own.contains(&wanted) || wanted.contains(&own))
        });
        let hint = near.map_or_else(String::new, |b| format!(" (is it {:?}?)", b.name));
        return Err(Error::invalid(
            field(),
            format!("the rig has no bone {name:?}{hint}; give a name as it stands in the file"),
        ));
    };
    match all.next() {
        None => Ok(first),
        Some(second) => {
            // Of two with one name the one that carries skin is meant.
            match (rig.bones[first].skinned, rig.bones[second].skinned) {
                (false, true) => Ok(second),
                (true, false) => Ok(first),
                _ => Err(Error::invalid(
                    field(),
                    format!(
                        "the rig has two bones named {name:?}; rename one in the modelling program"
                    ),
                )),
            }
        }
    }
}

/// For each bone how many bones of a body it carries, skinned ones counted more: which of two doubles is meant.
fn weights(rig: &Rig, readings: &[Reading]) -> Vec<usize> {
    let mut out: Vec<usize> = (0..rig.bones.len())
        .map(|b| {
            usize::from(!readings[b].kinds.is_empty()) * (1 + 2 * usize::from(rig.bones[b].skinned))
        })
        .collect();
    for b in (0..out.len()).rev() {
        if let Some(p) = rig.bones[b].parent {
            out[p] += out[b];
        }
    }
    out
}

/// Bones by their names.
pub(super) struct Finder<'a> {
    rig: &'a Rig,
    readings: &'a [Reading],
    weight: Vec<usize>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(rig: &'a Rig, readings: &'a [Reading]) -> Self {
        Self {
            rig,
            readings,
            weight: weights(rig, readings),
        }
    }

    /// Bones whose name is of a kind and side, with how sure that is.
    fn candidates(&self, kind: Kind, side: Option<Side>) -> Vec<(usize, u8)> {
        (0..self.readings.len())
            .filter(|b| self.readings[*b].side == side && !self.readings[*b].twist)
            .filter_map(|b| Some((b, self.readings[b].rank(kind)?)))
            .collect()
    }

    /// Of several bones those that no other of them carries.
    fn tops(&self, bones: &[usize]) -> Vec<usize> {
        let mut among = vec![false; self.rig.bones.len()];
        for bone in bones {
            among[*bone] = true;
        }
        let carried = |b: usize| self.rig.ancestors(b).skip(1).any(|a| among[a]);
        bones.iter().copied().filter(|b| !carried(*b)).collect()
    }

    /// The surest bone of a kind below `above`; the topmost of a chain.
    fn select(
        &self,
        part: BodyPart,
        kind: Kind,
        side: Option<Side>,
        above: Option<usize>,
        taken: &Draft,
    ) -> Result<Option<usize>> {
        let mut found = self.candidates(kind, side);
        found.retain(|(b, _)| !taken.holds(*b));
        if let Some(above) = above {
            // Strictly below; names elsewhere are of another body or of nobody.
            found.retain(|(b, _)| *b != above && self.rig.carries(above, *b));
        }
        let Some(best) = found.iter().map(|(_, rank)| *rank).min() else {
            return Ok(None);
        };
        let bones: Vec<usize> = (found.iter().filter(|(_, r)| *r == best))
            .map(|(b, _)| *b)
            .collect();
        self.one(part, self.tops(&bones)).map(Some)
    }

    /// The one that is meant, or a sentence about two.
    fn one(&self, part: BodyPart, mut bones: Vec<usize>) -> Result<usize> {
        if bones.len() > 1 && bones.iter().any(|b| self.skinned(*b)) {
            bones.retain(|b| self.skinned(*b));
        }
        let most = bones.iter().map(|b| self.weight[*b]).max().unwrap_or(0);
        bones.retain(|b| self.weight[*b] == most);
        let name = |b: usize| format!("{:?} (bone {b})", self.rig.bones[b].name);
        match bones.as_slice() {
            [a, b, ..] => Err(Error::invalid(
                format!("{part}"),
                format!(
                    "two bones could be it: {} and {}; remove one of them, or name the right one in an override file",
                    name(*a),
                    name(*b)
                ),
            )),
            [one] => Ok(*one),
            [] => Err(Error::invalid(format!("{part}"), "no bone could be it")),
        }
    }

    /// Whether the bone or one that it carries has skin.
    fn skinned(&self, bone: usize) -> bool {
        (bone..self.rig.bones.len()).any(|b| self.rig.bones[b].skinned && self.rig.carries(bone, b))
    }

    pub(super) fn by_names(&self, fixed: &Draft) -> Result<Draft> {
        let mut draft = fixed.clone();
        for side in Side::BOTH {
            self.leg(side, &mut draft)?;
            self.arm(side, &mut draft)?;
            self.fingers(side, &mut draft)?;
        }
        let head = self.select(BodyPart::Head, Kind::Head, None, None, &draft)?;
        draft.fill(BodyPart::Head, head);
        self.trunk(&mut draft)?;
        Ok(draft)
    }

    fn leg(&self, side: Side, draft: &mut Draft) -> Result<()> {
        let (upper, lower, foot, toes) = (
            BodyPart::UpperLeg(side),
            BodyPart::LowerLeg(side),
            BodyPart::Foot(side),
            BodyPart::Toes(side),
        );
        let s = Some(side);
        if draft.get(upper).is_none() {
            draft.set(upper, self.select(upper, Kind::UpperLeg, s, None, draft)?);
        }
        if draft.get(lower).is_none() {
            let above = draft.get(upper);
            draft.set(lower, self.select(lower, Kind::LowerLeg, s, above, draft)?);
        }
        // "hip, leg, knee": the leg is the upper leg.
        if let (Some(u), Some(l)) = (draft.get(upper), draft.get(lower))
            && self.readings[u].rank(Kind::UpperLeg) == Some(1)
        {
            let leg = (self.rig.between(u, l).into_iter())
                .find(|b| self.readings[*b].rank(Kind::UpperLeg).is_some());
            if leg.is_some() {
                draft.set(upper, leg);
            }
        }
        let above = draft.get(lower).or(draft.get(upper));
        if draft.get(foot).is_none() {
            draft.set(foot, self.select(foot, Kind::Foot, s, above, draft)?);
        }
        self.middle(upper, lower, foot, draft);
        if let Some(f) = draft.get(foot)
            && draft.get(toes).is_none()
        {
            let found: Vec<usize> = (self.candidates(Kind::Toes, s).into_iter())
                .map(|(b, _)| b)
                .filter(|b| self.rig.carries(f, *b) && *b != f)
                .collect();
            // Several toes: the first stands for all.
            let mut best = self.tops(&found).into_iter().min();
            if best.is_none() && self.readings[f].joint_word {
                // "ankle, foot": the foot bends about the ball.
                best = (self.candidates(Kind::Foot, s).into_iter())
                    .map(|(b, _)| b)
                    .filter(|b| self.rig.carries(f, *b) && *b != f)
                    .min();
            }
            draft.set(toes, best);
        }
        Ok(())
    }

    fn arm(&self, side: Side, draft: &mut Draft) -> Result<()> {
        let (shoulder, upper, lower, hand) = (
            BodyPart::Shoulder(side),
            BodyPart::UpperArm(side),
            BodyPart::LowerArm(side),
            BodyPart::Hand(side),
        );
        let s = Some(side);
        if draft.get(upper).is_none() {
            draft.set(upper, self.select(upper, Kind::UpperArm, s, None, draft)?);
        }
        if draft.get(lower).is_none() {
            let above = draft.get(upper);
            draft.set(lower, self.select(lower, Kind::LowerArm, s, above, draft)?);
        }
        let above = draft.get(lower).or(draft.get(upper));
        if draft.get(hand).is_none() {
            draft.set(hand, self.select(hand, Kind::Hand, s, above, draft)?);
        }
        self.middle(upper, lower, hand, draft);
        if draft.get(shoulder).is_none() {
            let found = self.select(shoulder, Kind::Shoulder, s, None, draft)?;
            let fits = |b: &usize| {
                draft
                    .get(upper)
                    .is_none_or(|u| u != *b && self.rig.carries(*b, u))
            };
            draft.set(shoulder, found.filter(fits));
        }
        // "shoulder, arm, hand": the shoulder is the upper arm.
        if draft.get(lower).is_none()
            && let (Some(sh), Some(up), Some(_)) =
                (draft.get(shoulder), draft.get(upper), draft.get(hand))
            && self.readings[sh].rank(Kind::UpperArm).is_some()
        {
            draft.set(shoulder, None);
            draft.set(upper, Some(sh));
            draft.set(lower, Some(up));
        }
        Ok(())
    }

    /// The middle of a limb whose ends are known: the bone between them that is nearest to the middle.
    fn middle(&self, upper: BodyPart, lower: BodyPart, end: BodyPart, draft: &mut Draft) {
        if let (Some(u), None, Some(e)) = (draft.get(upper), draft.get(lower), draft.get(end)) {
            let placed = self.rig.placed();
            let centre = (placed[u].position + placed[e].position) / 2.0;
            let bone = (self.rig.between(u, e).into_iter())
                .filter(|b| !self.readings[*b].twist && !draft.holds(*b))
                .min_by(|a, b| {
                    let off = |b: usize| (placed[b].position - centre).norm();
                    off(*a).total_cmp(&off(*b))
                });
            draft.set(lower, bone);
        }
    }

    fn fingers(&self, side: Side, draft: &mut Draft) -> Result<()> {
        let Some(hand) = draft.get(BodyPart::Hand(side)) else {
            return Ok(());
        };
        for digit in Digit::ALL {
            if (0..3).any(|p| draft.get(BodyPart::Finger(side, digit, p)).is_some()) {
                continue;
            }
            let all: Vec<usize> = (self.candidates(Kind::Finger(digit), Some(side)).into_iter())
                .map(|(b, _)| b)
                .filter(|b| *b != hand && self.rig.carries(hand, *b))
                .collect();
            let Some(last) = all.iter().copied().max_by_key(|b| {
                (
                    self.rig.ancestors(*b).filter(|a| all.contains(a)).count(),
                    usize::MAX - *b,
                )
            }) else {
                continue;
            };
            let mut chain: Vec<usize> = self
                .rig
                .ancestors(last)
                .filter(|a| all.contains(a))
                .collect();
            chain.reverse();
            if chain.len() > 3 {
                let placed = self.rig.placed();
                let length = |a: usize, b: usize| (placed[b].position - placed[a].position).norm();
                // The first of four within the palm is the bone of the palm.
                if digit != Digit::Thumb
                    && length(hand, chain[0]) < 0.6 * length(chain[0], chain[1])
                {
                    chain.remove(0);
                }
                chain.truncate(3);
            }
            for (p, bone) in (0..).zip(chain) {
                draft.set(BodyPart::Finger(side, digit, p), Some(bone));
            }
        }
        Ok(())
    }

    /// Hips and, when no bone is named so, the head.
    fn trunk(&self, draft: &mut Draft) -> Result<()> {
        let both = |a: BodyPart, draft: &Draft| {
            let (l, r) = (draft.get(a)?, draft.get(a.mirrored())?);
            self.rig.common(l, r)
        };
        let arms = both(BodyPart::UpperArm(Side::Left), draft);
        if draft.get(BodyPart::Head).is_none()
            && let Some(arms) = arms
        {
            // Rigify: the spine goes on to the head, under one name.
            let last = (self.candidates(Kind::Trunk, None).into_iter())
                .chain(self.candidates(Kind::Neck, None))
                .map(|(b, _)| b)
                .filter(|b| *b != arms && self.rig.carries(arms, *b))
                .max_by_key(|b| (self.rig.ancestors(*b).count(), usize::MAX - *b));
            draft.set(BodyPart::Head, last);
        }
        if draft.get(BodyPart::Hips).is_some() {
            return Ok(());
        }
        let legs = both(BodyPart::UpperLeg(Side::Left), draft);
        let (Some(legs), Some(head)) = (legs, draft.get(BodyPart::Head)) else {
            let named = self.select(BodyPart::Hips, Kind::Hips, None, None, draft)?;
            draft.set(BodyPart::Hips, named);
            return Ok(());
        };
        let fork = self.rig.common(legs, head);
        let hips = fork.map(|fork| {
            let is_hips = |b: &usize| {
                let reading = &self.readings[*b];
                reading.side.is_none() && reading.rank(Kind::Hips).is_some()
            };
            // Legs that hang on the spine: the pelvis is below it all the same.
            let above: Vec<usize> = self.rig.ancestors(fork).take(3).collect();
            above.iter().copied().find(is_hips).unwrap_or(fork)
        });
        draft.set(BodyPart::Hips, hips);
        Ok(())
    }
}
