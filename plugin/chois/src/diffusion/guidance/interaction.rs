//! Guidance of a window of an interaction.

use nalgebra::{Matrix3, Unit, UnitQuaternion, Vector3};

use super::descent::{Mobility, Pull, arms, mobility, shared, standing, step};
use super::field::SceneField;
use super::given::{FADE, faded, interpolated};
use super::person::{Person, Thing, frame, frame_mut};
use super::whole::TurnGoal;
use super::{Moment, WindowGuide};
use crate::geometry::ObjectGeometry;
use crate::motion::features::{
    CONTACT, FEATURES, OBJECT_POSITION, OBJECT_ROTATION, Statistics, nearest_rotation,
};
use crate::motion::feet;
use crate::request::GuidanceConfig;
use crate::request::plan::{Ground, LEANING, SETTLE};
use crate::skeleton::Skeleton;

/// How many steps before all else guidance begins to turn the object, and to keep out of what stands about.
const EARLY: usize = 4;

/// What of an object's way through a window is given.
#[derive(Clone, Debug)]
pub struct GivenWay<'a> {
    /// Given values of the frames that exist (T x 220, normalised): all of the first frame, the object's x and y, and its z, at
    /// the frames below.
    pub values: &'a [f32],
    /// Frames at which the object's x and y are given, ascending, from the first to the last that exists.
    pub places: Vec<usize>,
    /// The same of its z.
    pub heights: Vec<usize>,
    /// The object rests up to the first of these frames, and from the second on; no term else keeps it still while nobody
    /// holds it.
    pub rest: [Option<usize>; 2],
    /// How it is turned where it stands, but for its turn about the vertical, in the window's frame.
    pub standing: UnitQuaternion<f32>,
    /// What it stays on all the while; none where it may be lifted.
    pub ground: Option<Ground>,
    /// How it is to be turned between those frames.
    pub turn: Option<TurnGoal>,
    /// Frames that are kept from the window before.
    pub kept: usize,
}

/// Guidance for samplers of few steps.
pub struct InteractionGuide<'a> {
    pub(super) person: Person,
    pub(super) thing: Thing<'a>,
    pub(super) config: GuidanceConfig,
    given: &'a [f32],
    given_frames: [Vec<usize>; 2],
    /// Shares over time of the resting pose at the start and of the one at the end in the object's motion.
    pub(super) rest: [Option<Vec<f32>>; 2],
    /// Of the one at the end, in which the object comes to rest: how it is turned then is how it is put down.
    pub(super) settles: Option<Vec<f32>>,
    /// How the reference is turned from how the object stands.
    standing: Matrix3<f32>,
    ground: Option<Ground>,
    pub(super) turn: Option<TurnGoal>,
    /// Frames between which the object is on its way, after as many as are kept from the window before.
    pub(super) way: [usize; 2],
    /// Whether the object comes to rest in this window.
    pub(super) arrives: bool,
    scene: Option<SceneField<'a>>,
    /// Rough distance to the object in its rest frame, for legs to be kept out of it. Only where there is something to step
    /// aside from is it asked where the legs are.
    pub(super) columns: Option<SceneField<'a>>,
    mobility: Mobility,
    arms: Mobility,
}

impl<'a> InteractionGuide<'a> {
    /// Guidance of a person with an object whose rotation at the reference frame is `reference`.
    pub fn new(
        statistics: &Statistics,
        skeleton: &Skeleton,
        object: &'a ObjectGeometry,
        reference: &UnitQuaternion<f32>,
        config: GuidanceConfig,
        given: GivenWay<'a>,
        scene: Option<SceneField<'a>>,
    ) -> Self {
        let last = given.places.last().copied().unwrap_or_default();
        let frames = given.values.len() / FEATURES;
        let rest = resting(given.rest, &given.places, frames);
        let rests = given.rest[1].map_or(0.0, |from| from as f32 + SETTLE);
        let settles = rest[1].as_ref().map(|shares| {
            let until = shares.iter().enumerate();
            until
                .map(|(t, share)| if t as f32 <= rests { *share } else { 0.0 })
                .collect()
        });
        Self {
            person: Person::new(statistics, skeleton),
            thing: Thing::new(statistics, object, reference),
            config,
            standing: (reference * given.standing.inverse()).into(),
            ground: given.ground,
            turn: given.turn,
            way: [
                given.rest[0].unwrap_or_default().max(given.kept),
                given.rest[1].unwrap_or(last),
            ],
            arrives: given.rest[1].is_some() || given.turn.is_some_and(|goal| goal.share >= 1.0),
            rest,
            settles,
            given: given.values,
            given_frames: [
                given.places,
                match given.ground {
                    // Where it ends leaning, its centre is elsewhere than planned, and the ground is where it was.
                    Some(_) if config.object_floor > 0.0 => vec![0],
                    _ => given.heights,
                },
            ],
            columns: (scene.as_ref().and(object.columns())).map(SceneField::still),
            scene: scene.filter(|_| config.scene > 0.0),
            mobility: mobility(statistics),
            arms: arms(),
        }
    }

    pub(super) fn frames(&self, x: &[f32]) -> usize {
        x.len() / FEATURES
    }

    pub(super) fn rotations(&self, x: &[f32]) -> Vec<Matrix3<f32>> {
        let rows = x.chunks_exact(FEATURES);
        rows.map(|row| self.thing.rotation(row)).collect()
    }

    /// Down the energy of all terms by one step.
    fn descend(&self, x: &mut [f32], rotations: &[Matrix3<f32>]) {
        let c = &self.config;
        let joints = self.person.over(x);
        let mut pull = Pull::new(joints.len());
        let object = (&*x, rotations, &self.thing);
        if c.contact > 0.0 {
            pull.palms_on(&joints, object, c.contact as f32);
        }
        if c.consistency > 0.0 {
            pull.palms_still(&joints, object, c.consistency as f32);
        }
        if c.feet_floor > 0.0 {
            // Most of it is done by standing; this lets the legs help.
            pull.toes_down(&joints, 0.3 * c.feet_floor as f32);
        }
        if c.feet_slide > 0.0 {
            let stances = |path: &[_]| feet::stances(path, feet::SLOW);
            pull.toes_still(&joints, c.feet_slide as f32, stances);
        }
        if let Some(scene) = &self.scene {
            pull.joints_out(&joints, scene, c.scene as f32);
            pull.thing_out(object, scene, c.scene as f32);
        }
        let gradient = pull.features(x, &self.person, Some(&self.thing));
        step(x, &shared(gradient), &self.mobility);
    }

    /// Palms to the surface, by the arms alone.
    fn reach(&self, x: &mut [f32], rotations: &[Matrix3<f32>]) {
        let joints = self.person.over(x);
        let mut pull = Pull::new(joints.len());
        pull.palms_on(
            &joints,
            (x, rotations, &self.thing),
            self.config.contact as f32,
        );
        let gradient = pull.features(x, &self.person, Some(&self.thing));
        step(x, &shared(gradient), &self.arms);
    }

    /// The whole person moved up or down so that the lower toe stands on the floor.
    fn stand(&self, x: &mut [f32]) {
        let off = standing(&self.person, x, self.config.feet_floor.min(1.0) as f32);
        for (row, off) in x.chunks_exact_mut(FEATURES).zip(off) {
            self.person.carry(row, &Vector3::new(0.0, 0.0, off));
        }
    }

    /// The object raised out of the floor, and let down to what it stays on.
    fn ground(&self, x: &mut [f32]) {
        let weight = self.config.object_floor as f32;
        let share = if self.ground.is_some() {
            (2.0 * weight).min(1.0)
        } else {
            weight.min(1.0)
        };
        for row in x.chunks_exact_mut(FEATURES) {
            if let Some(ground) = &self.ground {
                self.level(row, ground, share);
            }
            let up = self.thing.rotation(row).row(2).transpose();
            let lowest = (self.thing.vertices.iter())
                .map(|v| up.dot(v))
                .fold(f32::INFINITY, f32::min);
            let lowest = lowest + self.thing.center(row).z;
            let over = match self.ground {
                Some(ground) => lowest - ground.height,
                None => lowest.min(0.0),
            };
            row[OBJECT_POSITION.start + 2] -= over * share / self.thing.unit.z;
        }
    }

    /// The object turned back toward how it stands where it leans farther than it may.
    fn level(&self, row: &mut [f32], ground: &Ground, share: f32) {
        let turn = Matrix3::from_row_slice(&row[OBJECT_ROTATION]);
        if let Some(turn) = levelled(&turn, &self.standing, ground.lean, share) {
            for (k, value) in row[OBJECT_ROTATION].iter_mut().enumerate() {
                *value = turn[(k / 3, k % 3)];
            }
        }
    }

    /// The object through its given positions and the person from the given pose: the correction at a given frame is
    /// spread over time, so that nothing jumps.
    fn meet_given(&self, x: &mut [f32]) {
        let frames = self.frames(x);
        let share = self.config.given as f32;
        let rest = OBJECT_ROTATION.start..CONTACT.start;
        let first: Vec<f32> = rest.clone().map(|k| self.given[k] - x[k]).collect();
        for (axis, given) in [
            (0, &self.given_frames[0]),
            (1, &self.given_frames[0]),
            (2, &self.given_frames[1]),
        ] {
            let off: Vec<f32> = (given.iter())
                .map(|t| self.given[t * FEATURES + axis] - x[t * FEATURES + axis])
                .collect();
            for (t, off) in interpolated(given, &off, frames).into_iter().enumerate() {
                frame_mut(x, t)[axis] += off * share;
            }
        }
        for t in 0..FADE.min(frames) {
            let share = faded(t, FADE) * share;
            for (value, off) in frame_mut(x, t)[rest.clone()].iter_mut().zip(&first) {
                *value += off * share;
            }
        }
        self.at_rest(x);
    }

    /// The object still where it stands before it is taken and after it is put down.
    fn at_rest(&self, x: &mut [f32]) {
        let strength = self.config.given.min(1.0) as f32;
        let object = OBJECT_POSITION.start..OBJECT_ROTATION.end;
        let toward = |x: &mut [f32], shares: &[f32], pose: &[f32]| {
            for (t, share) in shares.iter().enumerate() {
                let row = &mut frame_mut(x, t)[object.clone()];
                for (value, wanted) in row.iter_mut().zip(pose) {
                    *value += (wanted - *value) * share * strength;
                }
            }
        };
        let [before, after] = &self.rest;
        // The network may turn it on for longer than the plan has it move: it rests as it was turned as it came to rest, and does
        // not snap to how it would have ended. The place is given.
        let turn =
            (self.settles.as_ref()).map(|shares| put_down(&mean_turn(x, shares), &self.standing));
        if let Some(shares) = before {
            toward(x, shares, &self.given[object.clone()]);
        }
        if let (Some(shares), Some(turn)) = (after, turn) {
            let last = self.given_frames[0].last().copied().unwrap_or_default();
            let mut end = frame(self.given, last)[OBJECT_POSITION].to_vec();
            end.extend(turn);
            toward(x, shares, &end);
        }
    }
}

/// A rotation since the reference that leans no farther than `most`, radians, by a share of the way; `standing` is how the
/// reference is turned from how the object stands. None where it leans little.
fn levelled(
    turn: &Matrix3<f32>,
    standing: &Matrix3<f32>,
    most: f32,
    share: f32,
) -> Option<Matrix3<f32>> {
    let turn = nearest_rotation(turn).to_rotation_matrix();
    let up = turn * standing.column(2);
    // From a half on it leans less and less than it would: it does not stop at once.
    let free = most / 2.0;
    let over = up.angle(&Vector3::z()) - free;
    if over <= 0.0 {
        return None;
    }
    // What stands on its head falls over any side.
    let axis = Unit::try_new(up.cross(&Vector3::z()), 1e-4)?;
    let back = over - free * (1.0 - (-over / free).exp());
    let back = UnitQuaternion::from_axis_angle(&axis, back * share);
    Some((back.to_rotation_matrix() * turn).into_inner())
}

/// A rotation since the reference, row-major, without the object's lean from how it stands: `standing` is how the reference
/// is turned from that.
fn put_down(turn: &[f32; 9], standing: &Matrix3<f32>) -> [f32; 9] {
    let turn = Matrix3::from_row_slice(turn) * standing;
    let (sine, cosine) = (turn[(1, 0)] - turn[(0, 1)], turn[(0, 0)] + turn[(1, 1)]);
    let size = sine.hypot(cosine).max(1e-6);
    let (s, c) = (sine / size, cosine / size);
    let level = Matrix3::new(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0);
    let lean = turn[(2, 2)].clamp(-1.0, 1.0).acos();
    let share = ((LEANING.1 - lean) / (LEANING.1 - LEANING.0)).clamp(0.0, 1.0);
    let turn = (turn + (level - turn) * share) * standing.transpose();
    std::array::from_fn(|k| turn[(k / 3, k % 3)])
}

/// The object's rotation since the reference, as the features say it, row-major, weighed by shares over time.
pub(super) fn mean_turn(x: &[f32], shares: &[f32]) -> [f32; 9] {
    let total = shares.iter().sum::<f32>() + 1e-6;
    let mut sum = [0.0; 9];
    for (t, share) in shares.iter().enumerate() {
        for (sum, value) in sum.iter_mut().zip(&frame(x, t)[OBJECT_ROTATION]) {
            *sum += value * share;
        }
    }
    sum.map(|sum| sum / total)
}

/// Shares of the resting poses over time: 1 up to the first frame of `rest`, and from the second on; none at the nearest of
/// `places` on its way.
fn resting(rest: [Option<usize>; 2], places: &[usize], frames: usize) -> [Option<Vec<f32>>; 2] {
    let shares = |f: &dyn Fn(f32) -> f32| {
        (0..frames)
            .map(|t| {
                let u = f(t as f32).clamp(0.0, 1.0);
                u * u * (3.0 - 2.0 * u)
            })
            .collect()
    };
    let [until, from] = rest;
    let settle = |way: Option<usize>| way.map_or(SETTLE, |way| SETTLE.min(way as f32));
    [
        until.map(|until| {
            let next = places.iter().find(|place| **place > until);
            let settle = settle(next.map(|next| next - until));
            shares(&|t| 1.0 - (t - until as f32) / settle)
        }),
        from.map(|from| {
            let before = places.iter().rev().find(|place| **place < from);
            let settle = settle(before.map(|before| from - before));
            shares(&|t| (t - from as f32 + settle) / settle)
        }),
    ]
}

impl WindowGuide for InteractionGuide<'_> {
    fn guide(&self, x: &mut [f32], at: Moment) -> bool {
        let c = &self.config;
        let hands = c.contact > 0.0;
        if at.remaining >= c.last_steps {
            if at.remaining >= c.last_steps + EARLY {
                return false;
            }
            // A turn is the whole body's affair: the network is told of it while it can still take other steps.
            let kept_up = hands && self.keep_up(x);
            self.turn_to(x);
            if let Some(scene) = &self.scene {
                self.swing(x, scene);
            }
            return kept_up || self.turn.is_some() || self.scene.is_some();
        }
        // What has a closed form, the gradient for what remains, then what must hold exactly.
        self.turn_to(x);
        if c.given > 0.0 {
            self.meet_given(x);
        }
        if c.object_floor > 0.0 && self.ground.is_some() {
            // Palms are to find it where it will be.
            self.ground(x);
        }
        if hands {
            self.keep_up(x);
        }
        if let Some(scene) = &self.scene {
            self.swing(x, scene);
            self.step_aside(x, scene);
        }
        let rotations = self.rotations(x);
        for _ in 0..c.iterations {
            if c.feet_floor > 0.0 {
                self.stand(x);
            }
            self.descend(x, &rotations);
        }
        // Before the last step the network has the last word on the pose anyway.
        if at.remaining == 0 && c.feet_floor > 0.0 {
            self.stand(x);
            // The body has moved once more: the arms make up for it.
            for _ in 0..c.iterations {
                self.reach(x, &rotations);
            }
        }
        if c.given > 0.0 {
            self.meet_given(x);
        }
        if c.object_floor > 0.0 {
            self.ground(x);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;

    /// A box that is carried leaning stands where it is put down, whichever window its reference is from; what was laid down
    /// goes on lying.
    #[test]
    fn what_is_put_down_stands_as_it_stood() {
        let yaw = |angle: f32| Rotation3::from_axis_angle(&Vector3::z_axis(), angle);
        let lean = |angle: f32| Rotation3::from_axis_angle(&Vector3::x_axis(), angle);
        for (carried, put, stands) in [
            (lean(0.2), yaw(0.5), yaw(0.5)),
            (lean(0.2), yaw(0.5) * lean(-0.15), yaw(0.5)),
            (yaw(1.0), yaw(0.5), yaw(1.5)),
            (lean(1.5), yaw(0.5), yaw(0.5) * lean(1.5)),
        ] {
            let since: [f32; 9] = put
                .matrix()
                .transpose()
                .as_slice()
                .try_into()
                .expect("nine");
            let down = put_down(&since, carried.matrix());
            let down = Matrix3::from_row_slice(&down) * carried.matrix();
            let off = (down - stands.matrix()).abs().max();
            assert!(off < 1e-5, "{carried} {put}: {off}");
        }
    }

    #[test]
    fn what_slides_leans_no_farther_than_it_may() {
        let yaw = |angle: f32| Rotation3::from_axis_angle(&Vector3::z_axis(), angle);
        let lean = |angle: f32| Rotation3::from_axis_angle(&Vector3::x_axis(), angle);
        let leans = |m: &Matrix3<f32>| (m * Vector3::z()).angle(&Vector3::z());
        // The reference leans too: what counts is how the object stands.
        let standing = *lean(0.3).matrix();
        let mut last = 0.0;
        for k in 1..30 {
            let angle = 0.05 * k as f32;
            let turn = yaw(0.7) * lean(angle) * lean(-0.3);
            let level = levelled(turn.matrix(), &standing, 0.25, 1.0);
            let stands = level.unwrap_or(*turn.matrix()) * standing;
            let now = leans(&stands);
            assert!(
                now > last && now < 0.25 + 1e-4,
                "{angle}: {now} after {last}"
            );
            assert!((stands.determinant() - 1.0).abs() < 1e-4);
            // It goes on facing where it faced.
            let faced = (stands[(1, 0)] - stands[(0, 1)]).atan2(stands[(0, 0)] + stands[(1, 1)]);
            assert!((faced - 0.7).abs() < 1e-3, "{faced}");
            assert_eq!(level.is_none(), angle < 0.125, "{angle}");
            last = now;
        }
        // Half of what is asked for does a half, and anything goes where the sentence says so.
        let far = *lean(1.0).matrix();
        let half = levelled(&far, &Matrix3::identity(), 0.25, 0.5).expect("leans");
        assert!((leans(&half) - (1.0 + last) / 2.0).abs() < 0.01);
        let free = levelled(&far, &Matrix3::identity(), std::f32::consts::PI, 1.0);
        assert_eq!(free, None);
    }

    #[test]
    fn what_is_given_on_the_way_is_not_at_rest() {
        let [before, after] = resting([Some(20), Some(80)], &[0, 20, 23, 60, 78, 80, 99], 100);
        let (before, after) = (before.expect("rests"), after.expect("rests"));
        assert_eq!((before[20], before[23]), (1.0, 0.0));
        assert_eq!((after[78], after[80]), (0.0, 1.0));
        assert!(before[21] > 0.5 && after[79] < 1.0);
        let [before, after] = resting([Some(20), Some(80)], &[0, 20, 60, 80, 99], 100);
        let (before, after) = (before.expect("rests"), after.expect("rests"));
        assert!(before[27] > 0.0 && before[28] == 0.0 && after[72] == 0.0 && after[73] > 0.0);
    }
}
