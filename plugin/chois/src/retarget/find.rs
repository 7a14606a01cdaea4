//! Finding the bones of a humanoid: what a person says, what the file says, names, shape; then sanity.

use nalgebra::Vector3;

use super::rig::Placed;
use super::words::{self, Kind, Reading};
use super::{BodyPart, Digit, Facing, Naming, Rig, RigHints, RigMap, Side, TwistBone, shape};
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

    fn fill(&mut self, part: BodyPart, bone: Option<usize>) {
        if self.get(part).is_none() {
            self.set(part, bone);
        }
    }

    fn holds(&self, bone: usize) -> bool {
        self.bones.contains(&Some(bone))
    }

    fn missing(&self) -> Vec<BodyPart> {
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
    let finder = Finder {
        rig,
        readings: &readings,
        weight: weights(rig, &readings),
    };
    let mut draft = finder.by_names(&fixed)?;
    let unknown = draft.missing();
    if !unknown.is_empty() {
        let by_shape = shape::find(rig, &fixed).filter(|d| d.missing().is_empty());
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
fn incomplete(rig: &Rig, draft: &Draft, missing: &[BodyPart]) -> Error {
    let n = rig.bones.len();
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

fn list(parts: &[BodyPart]) -> String {
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

struct Finder<'a> {
    rig: &'a Rig,
    readings: &'a [Reading],
    weight: Vec<usize>,
}

impl Finder<'_> {
    /// Bones whose name is of a kind and side, with how sure that is.
    fn candidates(&self, kind: Kind, side: Option<Side>) -> Vec<(usize, u8)> {
        (0..self.readings.len())
            .filter(|b| self.readings[*b].side == side && !self.readings[*b].twist)
            .filter_map(|b| Some((b, self.readings[b].rank(kind)?)))
            .collect()
    }

    /// Of several bones those that no other of them carries.
    fn tops(&self, bones: &[usize]) -> Vec<usize> {
        let carried = |b: usize| self.rig.ancestors(b).skip(1).any(|a| bones.contains(&a));
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

    fn by_names(&self, fixed: &Draft) -> Result<Draft> {
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

/// Checks what was found and adds what follows from it.
fn finish(
    rig: &Rig,
    hints: &RigHints,
    readings: &[Reading],
    mut draft: Draft,
    naming: Naming,
    mut notes: Vec<String>,
) -> Result<RigMap> {
    let missing = draft.missing();
    if !missing.is_empty() {
        return Err(incomplete(rig, &draft, &missing));
    }
    // A bone is one part only.
    let all: Vec<(BodyPart, usize)> = BodyPart::all()
        .filter_map(|p| Some((p, draft.get(p)?)))
        .collect();
    for (i, (part, bone)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..i].iter().find(|(_, b)| b == bone) {
            return Err(Error::invalid(
                format!("bone {:?}", rig.bones[*bone].name),
                format!(
                    "it was taken for the {other} and the {part}; say which it is in an override file"
                ),
            ));
        }
    }
    hierarchy(rig, &mut draft, &mut notes)?;
    let placed = rig.placed();
    let bone = |draft: &Draft, part: BodyPart| draft.get(part).expect("required parts are there");
    for part in BodyPart::all().filter(|p| draft.get(*p).is_some()) {
        rig.check_scales_above(bone(&draft, part))?;
    }
    for side in Side::BOTH {
        let limb = [
            BodyPart::UpperLeg(side),
            BodyPart::LowerLeg(side),
            BodyPart::Foot(side),
            BodyPart::UpperArm(side),
            BodyPart::LowerArm(side),
            BodyPart::Hand(side),
        ];
        let height = extent(&placed);
        for pair in limb.chunks(3).flat_map(|l| l.windows(2)) {
            let (a, b) = (bone(&draft, pair[0]), bone(&draft, pair[1]));
            let length = (placed[b].position - placed[a].position).norm();
            if length < 0.005 * height || !length.is_finite() {
                return Err(Error::invalid(
                    format!("bone {:?}", rig.bones[a].name),
                    format!(
                        "taken for the {}, it has no length; name the right bone in an override file",
                        pair[0]
                    ),
                ));
            }
        }
    }

    let mut facing = facing(&draft, &placed, hints, &mut notes)?;
    if swapped(&draft, &placed, &facing) {
        let before = draft.clone();
        for part in BodyPart::all() {
            draft.set(part, before.get(part.mirrored()));
        }
        let turned = if hints.overrides.facing.is_some() || hints.facing.is_some() {
            facing
        } else {
            -facing
        };
        facing = turned;
        notes.push(
            "the feet point backward if left is what the names call left; left and right were exchanged (the model is \
             mirrored or its sides are named from the viewer)"
                .to_owned(),
        );
    }

    let mut map = RigMap {
        naming,
        facing,
        ..RigMap::default()
    };
    map.remember_names(rig);
    (map.spine, map.neck) = trunk(rig, readings, &draft);
    if map.spine.is_empty() {
        return Err(Error::invalid(
            "avatar",
            "no bone lies between hips and head; use a rig with a spine, or name a bone as spine in an override file",
        ));
    }
    let n = map.spine.len();
    draft.fill(BodyPart::Spine, Some(map.spine[0]));
    if n > 1 && draft.get(BodyPart::UpperChest).is_none() && n > 2 {
        draft.set(BodyPart::UpperChest, Some(map.spine[n - 1]));
    }
    let chest = if n > 2 {
        map.spine[n / 2]
    } else {
        map.spine[n - 1]
    };
    if n > 1 && draft.get(BodyPart::Chest).is_none() && !draft.holds(chest) {
        draft.set(BodyPart::Chest, Some(chest));
    }
    draft.fill(BodyPart::Neck, map.neck.first().copied());
    for part in BodyPart::all() {
        map.set(part, draft.get(part));
    }
    map.twists = twists(rig, readings, &draft);
    map.companions = companions(rig, readings, &draft, &map.twists);
    map.floor = floor(&draft, &placed, hints);
    map.notes = notes;
    Ok(map)
}

/// Greatest extent of the rig in the bind pose.
fn extent(placed: &[Placed]) -> f32 {
    let low = placed
        .iter()
        .fold(Vector3::repeat(f32::MAX), |m, p| m.inf(&p.position));
    let high = placed
        .iter()
        .fold(Vector3::repeat(f32::MIN), |m, p| m.sup(&p.position));
    (high - low).max()
}

/// Whoever is farther from the trunk must be carried by who is nearer.
fn hierarchy(rig: &Rig, draft: &mut Draft, notes: &mut Vec<String>) -> Result<()> {
    let mut pairs = vec![(BodyPart::Hips, BodyPart::Head)];
    for side in Side::BOTH {
        // An optional bone in the wrong place is left out.
        let optional = [
            (BodyPart::Shoulder(side), BodyPart::UpperArm(side)),
            (BodyPart::Foot(side), BodyPart::Toes(side)),
        ];
        for (above, below) in optional {
            if let (Some(a), Some(b)) = (draft.get(above), draft.get(below))
                && !rig.carries(a, b)
            {
                let out = if above.required() { below } else { above };
                let bone = draft.get(out).unwrap_or(a);
                notes.push(format!(
                    "bone {:?} is no {out}: it hangs in the wrong place and was left out",
                    rig.bones[bone].name
                ));
                draft.set(out, None);
            }
        }
        pairs.extend([
            (BodyPart::Hips, BodyPart::UpperLeg(side)),
            (BodyPart::UpperLeg(side), BodyPart::LowerLeg(side)),
            (BodyPart::LowerLeg(side), BodyPart::Foot(side)),
            (BodyPart::Hips, BodyPart::UpperArm(side)),
            (BodyPart::UpperArm(side), BodyPart::LowerArm(side)),
            (BodyPart::LowerArm(side), BodyPart::Hand(side)),
        ]);
        for digit in Digit::ALL {
            let mut above = BodyPart::Hand(side);
            for p in 0..3 {
                let part = BodyPart::Finger(side, digit, p);
                if let (Some(a), Some(b)) = (draft.get(above), draft.get(part)) {
                    if rig.carries(a, b) {
                        above = part;
                    } else {
                        draft.set(part, None);
                    }
                }
            }
        }
    }
    for (above, below) in pairs {
        let (Some(a), Some(b)) = (draft.get(above), draft.get(below)) else {
            continue;
        };
        if !rig.carries(a, b) || a == b {
            return Err(Error::invalid(
                format!("bone {:?}", rig.bones[b].name),
                format!(
                    "taken for the {below}, it does not hang on {:?}, the {above}; parent it in the modelling program \
                     (for Rigify: export deform bones with their hierarchy), or name the right bones in an override \
                     file",
                    rig.bones[a].name
                ),
            ));
        }
    }
    Ok(())
}

/// The level direction in which the rig faces, by its sides.
fn facing(
    draft: &Draft,
    placed: &[Placed],
    hints: &RigHints,
    notes: &mut Vec<String>,
) -> Result<Vector3<f32>> {
    let said = hints.overrides.facing.or(hints.facing);
    if let Some(said) = said {
        return Ok(match said {
            Facing::PlusZ => Vector3::z(),
            Facing::MinusZ => -Vector3::z(),
            Facing::PlusX => Vector3::x(),
            Facing::MinusX => -Vector3::x(),
        });
    }
    let at = |part: BodyPart| {
        draft
            .get(part)
            .map_or_else(Vector3::zeros, |b| placed[b].position)
    };
    let across = |part: BodyPart| at(part) - at(part.mirrored());
    let left = across(BodyPart::UpperLeg(Side::Left))
        .try_normalize(1e-9)
        .unwrap_or_else(Vector3::zeros)
        + across(BodyPart::UpperArm(Side::Left))
            .try_normalize(1e-9)
            .unwrap_or_else(Vector3::zeros);
    // The person's own up: a rig may lie on its back.
    let up = (at(BodyPart::Head) - at(BodyPart::Hips)).try_normalize(1e-9);
    let up = up.unwrap_or_else(Vector3::y);
    let front = left.cross(&up);
    let level = Vector3::new(front.x, 0.0, front.z);
    let Some(level) = level.try_normalize(1e-3).filter(|_| front.norm() > 0.2) else {
        if left.norm() < 0.2 {
            return Err(Error::invalid(
                "avatar",
                "its left and right bones are in the same place; give its facing in an override file",
            ));
        }
        return Ok(Vector3::z());
    };
    let quarters = level.z.atan2(level.x) / std::f32::consts::FRAC_PI_2;
    // Nobody models a person that faces 3 degrees to the side; skeletons are crooked though.
    let nearest = quarters.round();
    if (quarters - nearest).abs() < 0.14 {
        let (sin, cos) = (nearest * std::f32::consts::FRAC_PI_2).sin_cos();
        return Ok(Vector3::new(cos.round(), 0.0, sin.round()));
    }
    notes.push(format!(
        "the bind pose faces {:.0} degrees from +Z",
        level.x.atan2(level.z).to_degrees()
    ));
    Ok(level)
}

/// Whether the feet say that left is right.
fn swapped(draft: &Draft, placed: &[Placed], facing: &Vector3<f32>) -> bool {
    let at = |part: BodyPart| draft.get(part).map(|b| placed[b].position);
    let mut votes = 0.0;
    let mut feet = 0;
    for side in Side::BOTH {
        if let (Some(ankle), Some(toes)) = (at(BodyPart::Foot(side)), at(BodyPart::Toes(side)))
            && let Some(way) = (toes - ankle).try_normalize(1e-9)
        {
            feet += 1;
            votes += way.dot(facing);
        }
    }
    let crossed = {
        let left = |p: BodyPart| match (at(p), at(p.mirrored())) {
            (Some(l), Some(r)) => l - r,
            _ => Vector3::zeros(),
        };
        // Left of a given facing.
        let side = Vector3::y().cross(facing);
        let hips = left(BodyPart::UpperLeg(Side::Left));
        let arms = left(BodyPart::UpperArm(Side::Left));
        (hips + arms).dot(&side) < 0.0 && (hips + arms).norm() > 1e-6
    };
    let backward = feet == 2 && votes / 2.0 < -0.3;
    // By its own sides a rig is never crossed; by a given facing it may be.
    if crossed { votes >= 0.0 } else { backward }
}

/// Bones of the spine and of the neck.
fn trunk(rig: &Rig, readings: &[Reading], draft: &Draft) -> (Vec<usize>, Vec<usize>) {
    let get = |p: BodyPart| draft.get(p);
    let (Some(hips), Some(head)) = (get(BodyPart::Hips), get(BodyPart::Head)) else {
        return (Vec::new(), Vec::new());
    };
    let path = rig.between(hips, head);
    let branch = |side: Side| get(BodyPart::Shoulder(side)).or(get(BodyPart::UpperArm(side)));
    let arms = match (branch(Side::Left), branch(Side::Right)) {
        (Some(l), Some(r)) => rig.common(l, r),
        _ => None,
    };
    let is_neck =
        |b: &usize| get(BodyPart::Neck) == Some(*b) || readings[*b].rank(Kind::Neck).is_some();
    let first_neck = path.iter().position(is_neck).or_else(|| {
        let arms = path.iter().position(|b| Some(*b) == arms)?;
        Some(arms + 1)
    });
    let cut = first_neck
        .unwrap_or(path.len())
        .max(usize::from(!path.is_empty()));
    (path[..cut].to_vec(), path[cut..].to_vec())
}

/// Bones that share a limb's roll: inner pieces of the limb, and leaves that say so.
fn twists(rig: &Rig, readings: &[Reading], draft: &Draft) -> Vec<TwistBone> {
    let mut out = Vec::new();
    for side in Side::BOTH {
        let limbs = [
            (
                BodyPart::UpperArm(side),
                BodyPart::LowerArm(side),
                Kind::UpperArm,
            ),
            (
                BodyPart::LowerArm(side),
                BodyPart::Hand(side),
                Kind::LowerArm,
            ),
            (
                BodyPart::UpperLeg(side),
                BodyPart::LowerLeg(side),
                Kind::UpperLeg,
            ),
            (
                BodyPart::LowerLeg(side),
                BodyPart::Foot(side),
                Kind::LowerLeg,
            ),
        ];
        for (part, next, kind) in limbs {
            let (Some(top), Some(end)) = (draft.get(part), draft.get(next)) else {
                continue;
            };
            let inner = rig.between(top, end);
            for &bone in &inner {
                if readings[bone].twist || readings[bone].rank(kind).is_some() {
                    out.push(TwistBone { bone, part });
                }
            }
            for bone in top + 1..rig.bones.len() {
                let leaf = readings[bone].twist
                    && !inner.contains(&bone)
                    && !draft.holds(bone)
                    && rig.carries(top, bone)
                    && !rig.carries(end, bone);
                if leaf {
                    out.push(TwistBone { bone, part });
                }
            }
        }
    }
    out
}

/// Further toes.
fn companions(
    rig: &Rig,
    readings: &[Reading],
    draft: &Draft,
    twists: &[TwistBone],
) -> Vec<(BodyPart, usize)> {
    let mut out = Vec::new();
    for side in Side::BOTH {
        let part = BodyPart::Toes(side);
        let (Some(foot), Some(toes)) = (draft.get(BodyPart::Foot(side)), draft.get(part)) else {
            continue;
        };
        for bone in foot + 1..rig.bones.len() {
            let toe = readings[bone].rank(Kind::Toes).is_some()
                && readings[bone].side.is_some()
                && rig.bones[bone].parent == rig.bones[toes].parent
                && bone != toes
                && !twists.iter().any(|t| t.bone == bone);
            if toe {
                out.push((part, bone));
            }
        }
    }
    out
}

/// Height of the floor under the bind pose.
fn floor(draft: &Draft, placed: &[Placed], hints: &RigHints) -> f32 {
    if let Some(floor) = hints.overrides.floor.or(hints.floor) {
        return floor;
    }
    let height = |p: BodyPart| draft.get(p).map(|b| placed[b].position.y);
    let lowest = Side::BOTH
        .into_iter()
        .flat_map(|s| [height(BodyPart::Foot(s)), height(BodyPart::Toes(s))])
        .flatten()
        .fold(f32::INFINITY, f32::min);
    let top = height(BodyPart::Head).unwrap_or(lowest);
    let tall = (top - lowest).abs();
    // A model usually stands on its origin; else its soles are a little below its lowest joint.
    if (0.0..0.12 * tall).contains(&lowest) {
        0.0
    } else {
        lowest - 0.015 * tall
    }
}
