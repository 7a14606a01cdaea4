//! Bones by the shape of the skeleton, when names say nothing.

use nalgebra::Vector3;

use super::find::Draft;
use super::rig::Placed;
use super::{BodyPart, Rig, Side};

/// The tree of the bones that matter: skinned ones and what carries them.
struct Tree {
    placed: Vec<Placed>,
    children: Vec<Vec<usize>>,
    /// Lowest, highest and most sideways point of each subtree.
    low: Vec<f32>,
    high: Vec<f32>,
    /// Length of the longest way down each subtree, and where it begins.
    reach: Vec<f32>,
    size: f32,
}

impl Tree {
    fn new(rig: &Rig) -> Option<Self> {
        let n = rig.bones.len();
        let mut alive = vec![!rig.bones.iter().any(|b| b.skinned); n];
        for b in (0..n).rev() {
            alive[b] |= rig.bones[b].skinned;
            if let (true, Some(p)) = (alive[b], rig.bones[b].parent) {
                alive[p] = true;
            }
        }
        let placed = rig.placed();
        let mut children = rig.children();
        for list in &mut children {
            list.retain(|c| alive[*c]);
        }
        let mut low: Vec<f32> = placed.iter().map(|p| p.position.y).collect();
        let mut high = low.clone();
        let mut reach = vec![0.0f32; n];
        for b in (0..n).rev().filter(|b| alive[*b]) {
            if let Some(p) = rig.bones[b].parent {
                low[p] = low[p].min(low[b]);
                high[p] = high[p].max(high[b]);
                let length = (placed[b].position - placed[p].position).norm();
                reach[p] = reach[p].max(reach[b] + length);
            }
        }
        let inside =
            || (0..n).filter(|b| alive[*b] && (rig.bones[*b].skinned || children[*b].is_empty()));
        let bottom = inside()
            .map(|b| placed[b].position.y)
            .fold(f32::INFINITY, f32::min);
        let top = inside()
            .map(|b| placed[b].position.y)
            .fold(f32::NEG_INFINITY, f32::max);
        let size = top - bottom;
        (size.is_finite() && size > 0.0).then_some(Self {
            placed,
            children,
            low,
            high,
            reach,
            size,
        })
    }

    fn at(&self, bone: usize) -> Vector3<f32> {
        self.placed[bone].position
    }

    /// The way down from a bone along its longest branches.
    fn way(&self, from: usize) -> Vec<usize> {
        let mut out = vec![from];
        let mut at = from;
        while let Some(&next) = self.children[at].iter().max_by(|a, b| {
            let far = |c: usize| self.reach[c] + (self.at(c) - self.at(at)).norm();
            far(**a).total_cmp(&far(**b))
        }) {
            out.push(next);
            at = next;
        }
        out
    }
}

/// All bones of a humanoid that stands with its feet lowest and its head highest. None when it has no such shape.
pub(super) fn find(rig: &Rig, fixed: &Draft) -> Option<Draft> {
    let tree = Tree::new(rig)?;
    let n = rig.bones.len();
    let bottom = (0..n).map(|b| tree.low[b]).fold(f32::INFINITY, f32::min);
    // Legs: the lowest fork of which two branches of like length go down to the floor.
    let near_floor = |b: usize| tree.low[b] < bottom + 0.12 * tree.size;
    let like = |a: f32, b: f32| (a - b).abs() < 0.15 * a.max(b);
    let legs = (0..n).rev().find_map(|b| {
        let down: Vec<usize> = (tree.children[b].iter().copied())
            .filter(|c| near_floor(*c) && tree.reach[*c] > 0.25 * tree.size)
            .collect();
        match down.as_slice() {
            [l, r] if like(tree.reach[*l], tree.reach[*r]) => Some((b, *l, *r)),
            _ => None,
        }
    })?;
    let (fork, leg_a, leg_b) = legs;
    let across = tree.at(leg_a) - tree.at(leg_b);
    let across = Vector3::new(across.x, 0.0, across.z).try_normalize(1e-9)?;
    let centre = (tree.at(leg_a) + tree.at(leg_b)) / 2.0;
    let sideways = |b: usize| (tree.at(b) - centre).dot(&across);

    // Arms: a fork above with two branches of like length that end far to either side.
    let tip = |b: usize| tree.way(b).last().copied().unwrap_or(b);
    let mut arms = None;
    for b in 0..n {
        if tree.at(b).y < centre.y + 0.05 * tree.size
            || rig.carries(leg_a, b)
            || rig.carries(leg_b, b)
        {
            continue;
        }
        let children = &tree.children[b];
        for (i, &l) in children.iter().enumerate() {
            for &r in &children[i + 1..] {
                let (a, c) = (sideways(tip(l)), sideways(tip(r)));
                let fits = like(tree.reach[l], tree.reach[r])
                    && tree.reach[l] > 0.2 * tree.size
                    && a * c < 0.0
                    && a.abs().min(c.abs()) > 0.08 * tree.size;
                let better = arms.is_none_or(|(_, x, _)| tree.reach[l] > 1.2 * tree.reach[x]);
                if fits && better {
                    arms = Some((b, l, r));
                }
            }
        }
    }
    let (chest, arm_a, arm_b) = arms?;
    let hips = rig.common(fork, chest)?;

    // Head: the highest way up from the chest that is no arm; its top is the first bone past the neck.
    let up = (tree.children[chest].iter().copied())
        .filter(|c| *c != arm_a && *c != arm_b)
        .max_by(|a, b| tree.high[*a].total_cmp(&tree.high[*b]))?;
    let mut neck = vec![up];
    let mut at = up;
    while let Some(&next) = (tree.children[at].iter())
        .filter(|c| sideways(**c).abs() < 0.03 * tree.size)
        .max_by(|a, b| tree.high[**a].total_cmp(&tree.high[**b]))
    {
        neck.push(next);
        at = next;
        if neck.len() > 8 {
            break;
        }
    }
    // A fork is a face: the bone that carries it is the head. A last bone without children is the top of the head.
    let face = neck.iter().position(|b| tree.children[*b].len() > 1);
    let head = match face {
        Some(k) => neck[k],
        None if neck.len() >= 3 && !rig.bones[neck[neck.len() - 1]].skinned => neck[neck.len() - 2],
        None if neck.len() >= 3 => neck[neck.len() - 2],
        None => neck[neck.len() - 1],
    };

    let mut draft = Draft::default();
    draft.set(BodyPart::Hips, Some(hips));
    draft.set(BodyPart::Head, Some(head));
    let a = leg(&tree, leg_a, bottom)?;
    let b = leg(&tree, leg_b, bottom)?;
    // Forward is where the toes are; left follows from it.
    let forward: Vector3<f32> = [&a, &b]
        .into_iter()
        .map(|l| {
            let end = l.toes.unwrap_or(l.last);
            let way = tree.at(end) - tree.at(l.foot);
            Vector3::new(way.x, 0.0, way.z)
        })
        .sum();
    let forward = if forward.norm() > 0.02 * tree.size {
        forward
    } else {
        Vector3::z()
    };
    let left = Vector3::y().cross(&forward);
    let a_is_left = across.dot(&left) > 0.0;
    let order = |swap: bool| {
        if swap {
            [Side::Left, Side::Right]
        } else {
            [Side::Right, Side::Left]
        }
    };
    for (leg, side) in [a, b].into_iter().zip(order(a_is_left)) {
        draft.set(BodyPart::UpperLeg(side), Some(leg.upper));
        draft.set(BodyPart::LowerLeg(side), Some(leg.lower));
        draft.set(BodyPart::Foot(side), Some(leg.foot));
        draft.set(BodyPart::Toes(side), leg.toes);
    }
    let arm_a_is_left = (sideways(tip(arm_a)) > 0.0) == a_is_left;
    for (branch, side) in [arm_a, arm_b].into_iter().zip(order(arm_a_is_left)) {
        let arm = arm(&tree, branch)?;
        draft.set(BodyPart::Shoulder(side), arm.shoulder);
        draft.set(BodyPart::UpperArm(side), Some(arm.upper));
        draft.set(BodyPart::LowerArm(side), Some(arm.lower));
        draft.set(BodyPart::Hand(side), Some(arm.hand));
    }
    for part in BodyPart::all() {
        if let Some(bone) = fixed.get(part) {
            draft.set(part, Some(bone));
        }
    }
    Some(draft)
}

struct Leg {
    upper: usize,
    lower: usize,
    foot: usize,
    toes: Option<usize>,
    last: usize,
}

/// Upper leg, knee, ankle and ball along a way down.
fn leg(tree: &Tree, from: usize, bottom: f32) -> Option<Leg> {
    let way = tree.way(from);
    let length = tree.at(from).y - bottom;
    let height = |b: usize| tree.at(b).y - bottom;
    let ankle = way.iter().position(|b| height(*b) < 0.22 * length)?;
    // The upper leg begins at the last bone that is still high, so that a piece of the pelvis is none.
    let top = tree.at(from).y;
    let upper = (way[..ankle].iter()).rposition(|b| top - tree.at(*b).y < 0.15 * length)?;
    let middle = (tree.at(way[upper]) + tree.at(way[ankle])) / 2.0;
    let lower = (upper + 1..ankle).min_by(|a, b| {
        let off = |k: usize| (tree.at(way[k]) - middle).norm();
        off(*a).total_cmp(&off(*b))
    })?;
    // The ball is farther forward than a piece of the ankle would be.
    let toes = way[ankle + 1..].first().copied().filter(|t| {
        let step = tree.at(*t) - tree.at(way[ankle]);
        Vector3::new(step.x, 0.0, step.z).norm() > 0.08 * length
    });
    Some(Leg {
        upper: way[upper],
        lower: way[lower],
        foot: way[ankle],
        toes,
        last: *way.last()?,
    })
}

struct Arm {
    shoulder: Option<usize>,
    upper: usize,
    lower: usize,
    hand: usize,
}

/// Shoulder, upper arm, elbow and wrist along a way out.
fn arm(tree: &Tree, from: usize) -> Option<Arm> {
    let way = tree.way(from);
    // Where fingers branch off is the hand.
    let fork = way.iter().position(|b| tree.children[*b].len() >= 3);
    let along: Vec<f32> = way
        .windows(2)
        .scan(0.0, |sum, w| {
            *sum += (tree.at(w[1]) - tree.at(w[0])).norm();
            Some(*sum)
        })
        .collect();
    let at = |k: usize| if k == 0 { 0.0 } else { along[k - 1] };
    // Without fingers: shoulder, upper arm, elbow, wrist and perhaps an end.
    let hand = match fork {
        Some(k) if k >= 2 => k,
        _ => match way.len() {
            3 => 2,
            4 => 3,
            n if n >= 5 => {
                let short = at(n - 1) - at(n - 2) < 0.6 * (at(n - 2) - at(n - 3));
                if short { n - 2 } else { n - 1 }
            }
            _ => return None,
        },
    };
    // A collar bone is shorter than what follows it.
    let collar = hand >= 3 && at(1) < 0.75 * (at(hand) - at(1)) / 2.0;
    let upper = usize::from(collar);
    let middle = (at(upper) + at(hand)) / 2.0;
    let lower = (upper + 1..hand)
        .min_by(|a, b| (at(*a) - middle).abs().total_cmp(&(at(*b) - middle).abs()))?;
    Some(Arm {
        shoulder: collar.then_some(way[0]),
        upper: way[upper],
        lower: way[lower],
        hand: way[hand],
    })
}
