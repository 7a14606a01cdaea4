//! A pose that is shown, changed as the person's pose was: for what happens while a clip plays that was baked before.
//!
//! A baked clip has planted feet and closed fingers; a pose that physics changes has neither. So what is shown is the clip's
//! own pose on the rig and, on top of it, what the change makes of every bone.

use nalgebra::{Matrix3, UnitQuaternion, Vector3};

use super::RootPlace;
use super::solve::{Arm, Retarget, RigPose, Role, Turn};
use crate::frame;
use crate::ik::two_bone;
use crate::motion::blend::slerp;
use crate::skeleton::Pose;

/// How a person's pose was changed, on a rig. Make it with [`Retarget::unchanged`].
#[derive(Clone, Debug)]
pub struct Change {
    from: RigPose,
    to: RigPose,
    /// World rotations (Y up) from bind and places of all links as shown, and where the root is.
    turns: Vec<Turn>,
    places: Vec<Vector3<f32>>,
}

impl Retarget {
    /// No change yet: a buffer for [`Change::set`].
    pub fn unchanged(&self) -> Change {
        Change {
            from: self.rest(),
            to: self.rest(),
            turns: vec![Turn::identity(); self.links.len()],
            places: vec![Vector3::zeros(); self.links.len()],
        }
    }
}

impl Change {
    /// The change from one pose of the person to another.
    pub fn set(&mut self, retarget: &Retarget, from: &Pose, to: &Pose) {
        retarget.solve(from, [None, None], &mut self.from);
        // A person on their side keeps facing where they did.
        self.to.heading = self.from.heading;
        retarget.solve(to, [None, None], &mut self.to);
    }

    /// Rotation of one of [`Retarget::bones`] changed by a share, 0 to 1. `open` is how much of a finger's bend is undone.
    pub fn rotation(
        &self,
        retarget: &Retarget,
        k: usize,
        shown: &UnitQuaternion<f32>,
        share: f32,
        open: [f32; 2],
    ) -> UnitQuaternion<f32> {
        let (from, to) = (&self.from.rotations[k], &self.to.rotations[k]);
        if let Role::Finger(side, ..) = retarget.links[retarget.moving[k]].role {
            // A relaxed hand's, in both.
            return slerp(shown, to, open[side.index()] * share);
        }
        let whole = from.inverse() * to;
        let part = if share < 1.0 {
            slerp(&UnitQuaternion::identity(), &whole, share)
        } else {
            whole
        };
        UnitQuaternion::new_normalize((shown * part).into_inner())
    }

    /// Translation of [`Retarget::hips`] changed by a share.
    pub fn hips(&self, shown: &Vector3<f32>, share: f32) -> Vector3<f32> {
        shown + (self.to.hips_translation - self.from.hips_translation) * share
    }

    /// Place of the root (metres, Z up) changed by a share.
    pub fn root(&self, shown: &RootPlace, share: f32) -> RootPlace {
        let turn = self.to.root.rotation * self.from.root.rotation.inverse();
        let turn = slerp(&UnitQuaternion::identity(), &turn, share);
        RootPlace {
            position: shown.position + (self.to.root.position - self.from.root.position) * share,
            rotation: turn * shown.rotation,
        }
    }

    /// Turns the arms of `shown` (rotations of [`Retarget::bones`], hips and root) so that the palms come to their places
    /// (world, metres, Z up), each as far as its weight (0 to 1) says. Hands keep their rotation.
    pub fn reach(
        &mut self,
        retarget: &Retarget,
        palms: [Option<(Vector3<f32>, f32)>; 2],
        shown: &mut RigPose,
    ) {
        if palms.iter().flatten().all(|(_, weight)| *weight <= 0.0) {
            return;
        }
        self.place(retarget, shown);
        for (side, palm) in palms.into_iter().enumerate() {
            if let Some((at, weight)) = palm.filter(|p| p.1 > 0.0) {
                self.bend(retarget, side, &frame::to_y_up(at), weight, shown);
            }
        }
    }

    /// Where all links are, from rotations relative to their parents.
    fn place(&mut self, retarget: &Retarget, shown: &RigPose) {
        let heading = frame::rotation_to_y_up(shown.root.rotation) * retarget.to_person.inverse();
        let from_parent = retarget
            .into_parent
            .try_inverse()
            .unwrap_or_else(Matrix3::identity);
        let in_root = from_parent * shown.hips_translation + retarget.parent_position;
        let hips = frame::to_y_up(shown.root.position)
            + heading * (retarget.to_person * in_root * retarget.scale);
        let mut moving = retarget.moving.iter().zip(&shown.rotations).peekable();
        for (i, link) in retarget.links.iter().enumerate() {
            let on = match moving.next_if(|(m, _)| **m == i) {
                Some((_, local)) => {
                    link.above * local * link.local.inverse() * link.above.inverse()
                }
                None => Turn::identity(),
            };
            (self.turns[i], self.places[i]) = match link.parent {
                Some(p) => (
                    self.turns[p] * on,
                    self.places[p] + self.turns[p] * link.offset,
                ),
                None => (heading * on, hips),
            };
        }
    }

    fn bend(
        &self,
        retarget: &Retarget,
        side: usize,
        palm: &Vector3<f32>,
        weight: f32,
        shown: &mut RigPose,
    ) {
        let Arm {
            upper,
            lower,
            hand,
            palm: to_palm,
            length,
        } = retarget.arms[side];
        let links = &retarget.links;
        let from_t_pose = |link: usize| self.turns[link] * links[link].turn.inverse();
        let (a, b, c) = (self.places[upper], self.places[lower], self.places[hand]);
        let wanted = palm - from_t_pose(hand) * to_palm;
        let goal = c.lerp(&wanted, weight.min(1.0));
        let bend = if side == 0 {
            -Vector3::y()
        } else {
            Vector3::y()
        };
        let hinge = from_t_pose(upper) * bend;
        let straight = 0.002 * length * length;
        let Some((turn_upper, turn_lower)) = two_bone(a, b, c, goal, hinge, straight) else {
            return;
        };
        // What a link's parent has become: between shoulder and elbow it goes with the upper arm, and so on.
        let parent = |link: usize, above: &Turn| {
            links[link]
                .parent
                .map_or(Turn::identity(), |p| above * self.turns[p])
        };
        let still = Turn::identity();
        for (link, above, world) in [
            (upper, still, turn_upper * self.turns[upper]),
            (lower, turn_upper, turn_lower * self.turns[lower]),
            (hand, turn_lower, self.turns[hand]),
        ] {
            let Ok(k) = retarget.moving.binary_search(&link) else {
                continue;
            };
            let on = parent(link, &above).inverse() * world;
            let l = &links[link];
            let local = l.above.inverse() * on * l.above * l.local;
            shown.rotations[k] = UnitQuaternion::new_normalize(local.into_inner());
        }
    }
}
