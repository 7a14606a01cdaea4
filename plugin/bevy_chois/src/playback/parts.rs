//! Which parts of the body a clip moves.

use chois::retarget::{BodyPart, Rig, RigMap, Side};

/// Parts of the body, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyParts(u8);

impl BodyParts {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Hips, spine and whatever is no limb.
    pub const TRUNK: Self = Self(1);
    /// Neck and head.
    pub const HEAD: Self = Self(2);
    /// Left arm from the collar down, with its fingers.
    pub const LEFT_ARM: Self = Self(4);
    /// Right arm from the collar down, with its fingers.
    pub const RIGHT_ARM: Self = Self(8);
    /// Left leg.
    pub const LEFT_LEG: Self = Self(16);
    /// Right leg.
    pub const RIGHT_LEG: Self = Self(32);
    /// Everything.
    pub const ALL: Self = Self(63);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These, but not the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The one of [`BodyParts`] that a bone belongs to: that of the nearest of it and its ancestors that is a known part.
pub(super) fn part_of(rig: &Rig, map: &RigMap, bone: usize) -> BodyParts {
    let mut next = Some(bone);
    while let Some(bone) = next {
        if let Some((part, _)) = map.matched().find(|(_, b)| *b == bone) {
            return whole(part);
        }
        next = rig.bones.get(bone).and_then(|b| b.parent);
    }
    BodyParts::TRUNK
}

fn whole(part: BodyPart) -> BodyParts {
    let (arm, leg) = match part {
        BodyPart::Neck | BodyPart::Head => return BodyParts::HEAD,
        BodyPart::Shoulder(side)
        | BodyPart::UpperArm(side)
        | BodyPart::LowerArm(side)
        | BodyPart::Hand(side)
        | BodyPart::Finger(side, ..) => (Some(side), None),
        BodyPart::UpperLeg(side)
        | BodyPart::LowerLeg(side)
        | BodyPart::Foot(side)
        | BodyPart::Toes(side) => (None, Some(side)),
        _ => (None, None),
    };
    match (arm, leg) {
        (Some(Side::Left), _) => BodyParts::LEFT_ARM,
        (Some(Side::Right), _) => BodyParts::RIGHT_ARM,
        (_, Some(Side::Left)) => BodyParts::LEFT_LEG,
        (_, Some(Side::Right)) => BodyParts::RIGHT_LEG,
        _ => BodyParts::TRUNK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let arms = BodyParts::LEFT_ARM.and(BodyParts::RIGHT_ARM);
        assert!(BodyParts::ALL.contains(arms));
        assert!(!BodyParts::ALL.without(arms).contains(BodyParts::LEFT_ARM));
        assert!(BodyParts::ALL.without(arms).contains(BodyParts::HEAD));
        assert!(arms.contains(BodyParts::NONE));
    }

    #[test]
    fn every_part_of_the_body_is_in_one() {
        let mut all = BodyParts::NONE;
        for part in BodyPart::all() {
            let whole = whole(part);
            assert!(whole.0.is_power_of_two(), "{part:?}");
            all = all.and(whole);
        }
        assert_eq!(all, BodyParts::ALL);
    }
}
