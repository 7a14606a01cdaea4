//! Where a hand takes hold: a point of the real surface near where the model put the palm.

use nalgebra::{Isometry3, Point3, Unit, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use super::aside;
use super::palm::Palm;
use crate::geometry::{SdfGrid, Surface, SurfacePoint};

/// Farthest that a hand is moved to the surface, metres.
pub const FARTHEST: f32 = 0.35;
/// What one unit of each cost is: metres away from the model's palm, radians of turn, metres inside the object, metres of
/// air under the palm, metres nearer to the other hand than two hands are wide.
const AWAY: f32 = 0.06;
const TURN: f32 = 1.0;
const INSIDE: f32 = 0.008;
const AIR: f32 = 0.03;
const CROWDED: f32 = 0.02;
/// What one unit of an arm that is too short costs, metres: the body has to go along.
const STRETCHED: f32 = 0.06;
/// What one unit of a bent wrist costs, radians beyond what is easy.
const BENT: f32 = 0.4;
const EASY: f32 = 0.8;
/// What one unit of a hand and its forearm in what stands about costs, metres deep, and how much of the forearm counts, metres.
const BESIDE: f32 = 0.01;
const FOREARM: f32 = 0.12;
/// What a palm costs that would slip off.
const SLIPS: f32 = 4.0;
/// Palms whose surfaces' normals have less than this as their product press against each other.
const OPPOSED: f32 = -0.3;
/// Two palms side by side, metres.
const TWO_HANDS: f32 = 0.11;
/// How deep the skin of a palm gives, metres.
const GIVES: f32 = 0.004;
/// How deep the flesh of the whole palm gives, and how far off the surface a palm lies for the rest of it, metres.
pub(super) const YIELDS: f32 = 0.0035;
const MOST_LIFT: f32 = 0.009;
/// Flesh that is deeper than it gives by this much, metres, looks for a better place, so far aside, metres; each metre of that
/// is worth this much depth. The surface there faces the same way.
const BAD: f32 = 0.001;
const SHIFTS: [f32; 4] = [0.012, 0.025, 0.045, 0.07];
const ASIDE: f32 = 0.05;
const SAME_SIDE: f32 = 0.5;
/// Fingers close around what is no thicker than this, or ends so near to the palm's middle, metres; and how closely that is
/// looked at.
const GRASPED: f32 = 0.1;
const PROBE: f32 = 0.01;
/// Distances at which the surface is looked for about the palm, metres.
const PROBES: [f32; 4] = [0.04, 0.09, 0.18, 0.3];

/// A place to hold an object by. Relative to the object's centre, rest frame, metres: it stays while the object moves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grasp {
    /// Where the middle of the palm lies on the surface.
    pub point: Vector3<f32>,
    /// The surface's outward normal there; the palm faces the other way.
    pub normal: Unit<Vector3<f32>>,
    /// How far off the surface the middle of the palm is, metres: where the ball of the thumb or the knuckles meet an edge or
    /// something round before the palm's middle does.
    pub lift: f32,
    /// How the hand is turned (from its rest pose), palm on the surface.
    pub rotation: UnitQuaternion<f32>,
    /// Whether fingers close around what is there, an edge or something thin: such a hand pulls as hard as it pushes.
    pub closes: bool,
}

impl Grasp {
    /// The middle of the palm.
    pub fn pad(&self) -> Vector3<f32> {
        self.point + self.normal.into_inner() * self.lift
    }

    /// The same with the hand off the surface as far as it takes for its `flesh` (see [`super::palm::flesh`]) not to be in
    /// the object, turned like any of `rotations` (object's frame) and laid on the surface.
    pub(crate) fn lifted<'r>(
        self,
        palm: &Palm,
        flesh: &[Vector3<f32>],
        rotations: impl IntoIterator<Item = &'r UnitQuaternion<f32>>,
        surface: &Surface,
    ) -> Self {
        let mut out = self;
        for rotation in rotations {
            let turn = self.aligned(palm, rotation);
            // Off the surface depths shrink by less than the way where it is steep there.
            for _ in 0..2 {
                let place = out.pad();
                let deepest = (flesh.iter())
                    .map(|p| -surface.signed_distance(&(place + turn * (p - palm.pad))))
                    .fold(0.0, f32::max);
                out.lift = (out.lift + (deepest - YIELDS).max(0.0)).min(MOST_LIFT);
            }
        }
        out
    }

    /// The same lifted, or, where that is not enough, a little aside on the surface: where bars cross, the palm lies on one and
    /// the ball of the thumb would be in the other. `others` are grasps that the other hand has at the same time.
    pub(crate) fn settled(
        self,
        palm: &Palm,
        flesh: &[Vector3<f32>],
        rotations: &[UnitQuaternion<f32>],
        surface: &Surface,
        others: &[Grasp],
    ) -> Self {
        let deepest = |grasp: &Self, rotations: &[UnitQuaternion<f32>]| {
            let depths = rotations.iter().flat_map(|rotation| {
                let turn = grasp.aligned(palm, rotation);
                let place = grasp.pad();
                (flesh.iter()).map(move |p| place + turn * (p - palm.pad))
            });
            (depths.map(|at| -surface.signed_distance(&at))).fold(0.0, f32::max)
        };
        let lifted = self.lifted(palm, flesh, rotations, surface);
        let now = deepest(&lifted, rotations);
        let middle = &rotations[rotations.len() / 2..][..1.min(rotations.len())];
        if now < YIELDS + BAD || middle.is_empty() {
            return lifted;
        }
        let room = |grasp: &Self| {
            (others.iter())
                .map(|other| (other.point - grasp.point).norm())
                .fold(TWO_HANDS, f32::min)
        };
        let turn = self.aligned(palm, &middle[0]);
        let across = [
            turn * palm.along.into_inner(),
            turn * palm.thumb.into_inner(),
        ];
        let mut best: Option<(f32, Self)> = None;
        for aside in SHIFTS {
            for k in 0..8 {
                let (sin, cos) = (k as f32 * std::f32::consts::FRAC_PI_4).sin_cos();
                let probe = self.point + (across[0] * cos + across[1] * sin) * aside;
                let Some(found) = surface.nearest(&probe) else {
                    continue;
                };
                let grasp = Self {
                    point: found.position,
                    normal: found.normal,
                    rotation: lay(palm, &self.rotation, &found.normal),
                    ..self
                };
                let turned = grasp.normal.dot(&self.normal) < SAME_SIDE;
                if turned || room(&grasp) < room(&self) {
                    continue;
                }
                // Lifting takes no more off a depth than it lifts.
                let hopeless = best.as_ref().is_some_and(|(least, _)| {
                    let most = least - ASIDE * aside + MOST_LIFT;
                    let turn = grasp.aligned(palm, &middle[0]);
                    (flesh.iter())
                        .map(|p| grasp.pad() + turn * (p - palm.pad))
                        .any(|at| -surface.signed_distance(&at) > most)
                });
                if hopeless || (self.closes && !closes(palm, &grasp, surface)) {
                    continue;
                }
                let grasp = grasp.lifted(palm, flesh, middle, surface);
                // Farther aside is a little worse.
                let cost = deepest(&grasp, middle) + ASIDE * aside;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, grasp));
                }
            }
            if best
                .as_ref()
                .is_some_and(|(cost, _)| *cost < YIELDS + BAD + ASIDE * aside)
            {
                break;
            }
        }
        match best.map(|(_, grasp)| grasp.lifted(palm, flesh, rotations, surface)) {
            Some(found) if deepest(&found, rotations) < now - BAD => found,
            _ => lifted,
        }
    }

    /// The direction in which the fingers close around what is held.
    pub fn closing(&self, palm: &Palm) -> Vector3<f32> {
        self.rotation * palm.inward.into_inner()
    }

    /// A hand that is turned like `rotation` (object's frame), turned no further than it takes to lay its palm on the
    /// surface: the hand stays free to turn about the normal. A hand that faces away keeps the grasp's own rotation.
    pub fn aligned(&self, palm: &Palm, rotation: &UnitQuaternion<f32>) -> UnitQuaternion<f32> {
        let faces = rotation * palm.inward.into_inner();
        let into = -self.normal.into_inner();
        // Near the opposite direction the shortest turn is any; go over to the grasp's own before it jumps about.
        let trust = ((faces.dot(&into) + 0.5) / 0.7).clamp(0.0, 1.0);
        let own = lay(palm, &self.rotation, &self.normal);
        if trust <= 0.0 {
            return own;
        }
        let laid = lay(palm, rotation, &self.normal);
        own.try_slerp(&laid, trust, 1e-4).unwrap_or(laid)
    }
}

/// The least turn of a hand that lays its palm on a surface with this normal.
fn lay(
    palm: &Palm,
    rotation: &UnitQuaternion<f32>,
    normal: &Unit<Vector3<f32>>,
) -> UnitQuaternion<f32> {
    let faces = rotation * palm.inward.into_inner();
    let into = -normal.into_inner();
    let swing = UnitQuaternion::rotation_between(&faces, &into).unwrap_or_else(|| {
        // The back of the hand: over the knuckles.
        let over = rotation * palm.thumb;
        UnitQuaternion::from_axis_angle(&over, std::f32::consts::PI)
    });
    swing * rotation
}

/// A hand near an object over one hold.
#[derive(Clone, Debug)]
pub(crate) struct Near<'a> {
    /// Where the model puts the palm's middle, and how the hand is turned: object's frame.
    pub pads: Vec<Vector3<f32>>,
    pub rotations: Vec<UnitQuaternion<f32>>,
    /// Direction of the forearm, from elbow to wrist.
    pub forearm: Vector3<f32>,
    /// Where the shoulder is over the hold, object's frame, and how far the palm's middle can be from it.
    pub shoulders: Vec<Vector3<f32>>,
    pub arm: f32,
    /// Whether a flat palm alone would slip off: better one that closes around something, or presses against the other.
    pub firm: bool,
    /// What stands about, and where the object is in it when the hold begins and ends.
    pub about: Option<(&'a SdfGrid, [Isometry3<f32>; 2])>,
}

/// Whether palms on surfaces with these normals press against each other.
pub(crate) fn opposed(a: &Vector3<f32>, b: &Vector3<f32>) -> bool {
    a.dot(b) < OPPOSED
}

/// The best place for a hand; `others` are grasps that the other hand has at the same time. Err: how far the surface is,
/// when that is more than [`FARTHEST`].
pub(crate) fn find(
    palm: &Palm,
    near: &Near<'_>,
    surface: &Surface,
    others: &[Grasp],
) -> Result<Grasp, f32> {
    let middle = median(&near.pads);
    let rotation = mean_rotation(&near.rotations);
    let mut probes = vec![middle];
    let stride = near.pads.len().div_ceil(8).max(1);
    probes.extend(near.pads.iter().step_by(stride));
    for distance in PROBES {
        for i in 0..27usize {
            let axis = |k: usize| (i / 3usize.pow(k as u32) % 3) as f32 - 1.0;
            let way = Vector3::new(axis(0), axis(1), axis(2));
            if let Some(way) = way.try_normalize(0.5) {
                probes.push(middle + way * distance);
            }
        }
    }
    let mut nearest = f32::INFINITY;
    let mut candidates = Vec::with_capacity(probes.len());
    for probe in probes {
        let Some(found) = surface.nearest(&probe) else {
            continue;
        };
        let away = (found.position - middle).norm();
        nearest = nearest.min(away);
        if away <= FARTHEST {
            candidates.push(judge(palm, near, &middle, &rotation, &found, others));
        }
    }
    // How the palm fits is dear to find out, and only adds: who costs more than the best already is not asked.
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<(f32, Grasp)> = None;
    for (cost, grasp) in candidates {
        if best.as_ref().is_some_and(|(least, _)| cost >= *least) {
            break;
        }
        let mut cost = cost + fit(palm, &grasp, surface);
        let firm = || {
            others.iter().any(|o| opposed(&o.normal, &grasp.normal))
                || closes(palm, &grasp, surface)
        };
        if near.firm && !firm() {
            cost += SLIPS;
        }
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, grasp));
        }
    }
    best.map(|(_, grasp)| Grasp {
        closes: closes(palm, &grasp, surface),
        ..grasp
    })
    .ok_or(nearest)
}

/// Whether fingers close around what a palm lies on: it is thin, or ends under the fingers or the thumb.
pub(crate) fn closes(palm: &Palm, grasp: &Grasp, surface: &Surface) -> bool {
    let normal = grasp.normal.into_inner();
    let inside = |at: &Vector3<f32>| surface.signed_distance(at) < 0.0;
    let steps = |from: f32, to: f32| {
        let count = ((to - from) / PROBE).round() as usize;
        (0..=count).map(move |k| from + k as f32 * PROBE)
    };
    let thin = steps(PROBE, GRASPED).any(|depth| !inside(&(grasp.point - normal * depth)));
    let flat = |v: Vector3<f32>| {
        let v = grasp.rotation * v;
        (v - normal * v.dot(&normal)).try_normalize(1e-3)
    };
    let ends = |way: Option<Vector3<f32>>| {
        way.is_some_and(|way| {
            steps(PROBE, GRASPED).any(|s| !inside(&(grasp.point + way * s - normal * PROBE)))
        })
    };
    thin || ends(flat(palm.along.into_inner())) || ends(flat(palm.thumb.into_inner()))
}

/// A hand at a place of the surface, and what the way there and the body's part in it cost.
fn judge(
    palm: &Palm,
    near: &Near<'_>,
    middle: &Vector3<f32>,
    rotation: &UnitQuaternion<f32>,
    found: &SurfacePoint,
    others: &[Grasp],
) -> (f32, Grasp) {
    let grasp = Grasp {
        point: found.position,
        normal: found.normal,
        lift: 0.0,
        rotation: lay(palm, rotation, &found.normal),
        closes: false,
    };
    let turn = grasp.rotation.angle_to(rotation);
    let along = grasp.rotation * palm.along.into_inner();
    let bent = (along.angle(&near.forearm) - EASY).max(0.0);
    let stretched = (near.shoulders.iter())
        .map(|shoulder| ((shoulder - grasp.point).norm() - near.arm).max(0.0))
        .sum::<f32>()
        / near.shoulders.len().max(1) as f32;
    let crowded = (others.iter())
        .map(|other| TWO_HANDS - (other.point - grasp.point).norm())
        .fold(0.0, f32::max);
    let cost = (found.position - middle).norm() / AWAY
        + (turn / TURN).powi(2)
        + (bent / BENT).powi(2)
        + stretched / STRETCHED
        + crowded / CROWDED
        + beside(palm, near, &grasp) / BESIDE;
    (cost, grasp)
}

/// How deep hand and forearm would be in what stands about, metres: the mean of some points, at the worse end of the hold.
fn beside(palm: &Palm, near: &Near<'_>, grasp: &Grasp) -> f32 {
    let Some((scene, places)) = &near.about else {
        return 0.0;
    };
    let wrist = grasp.point - grasp.rotation * palm.pad;
    let knuckle = wrist + grasp.rotation * (palm.along.into_inner() * palm.length);
    let forearm = near.forearm.try_normalize(1e-6).unwrap_or_default();
    let points = [wrist, knuckle, wrist - forearm * FOREARM];
    (places.iter())
        .map(|place| {
            let depths = points.map(|p| aside::lacking(scene, &(place * Point3::from(p)).coords));
            depths.iter().sum::<f32>() / depths.len() as f32
        })
        .fold(0.0, f32::max)
}

/// What it costs that a palm stands in the object, or has air under it.
fn fit(palm: &Palm, grasp: &Grasp, surface: &Surface) -> f32 {
    let (mut deepest, mut air) = (0.0f32, 0.0);
    let skin = palm.skin();
    for point in &skin {
        let place = grasp.point + grasp.rotation * (point - palm.pad);
        let distance = surface.signed_distance(&place);
        deepest = deepest.max(-distance - GIVES);
        air += distance.clamp(0.0, 0.05) / skin.len() as f32;
    }
    deepest / INSIDE + air / AIR
}

/// The middle of some places, each coordinate by itself: a stray one moves it little.
pub(crate) fn median(places: &[Vector3<f32>]) -> Vector3<f32> {
    let middle = |axis: usize| {
        let mut values: Vec<f32> = places.iter().map(|p| p[axis]).collect();
        values.sort_by(f32::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    Vector3::new(middle(0), middle(1), middle(2))
}

fn mean_rotation(rotations: &[UnitQuaternion<f32>]) -> UnitQuaternion<f32> {
    let Some(first) = rotations.get(rotations.len() / 2) else {
        return UnitQuaternion::identity();
    };
    let sum = rotations.iter().fold(nalgebra::Vector4::zeros(), |s, q| {
        // q and -q are one rotation.
        s + q.coords * q.coords.dot(&first.coords).signum()
    });
    if sum.norm() < 1e-3 {
        return *first;
    }
    UnitQuaternion::from_quaternion(nalgebra::Quaternion::from_vector(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry};
    use crate::skeleton::Skeleton;

    fn surface(mesh: Mesh) -> (Surface, Vector3<f32>) {
        let geometry = ObjectGeometry::new("thing", mesh).expect("a mesh");
        (Surface::new(&geometry), geometry.center())
    }

    fn near(palm: &Palm, pad: Vector3<f32>, rotation: UnitQuaternion<f32>) -> Near<'static> {
        Near {
            pads: vec![pad; 10],
            rotations: vec![rotation; 10],
            forearm: rotation * palm.along.into_inner(),
            shoulders: Vec::new(),
            arm: 0.6,
            firm: false,
            about: None,
        }
    }

    #[test]
    fn a_palm_beside_a_box_is_laid_on_its_side() {
        let (surface, _) = surface(Mesh::cuboid(Vector3::repeat(-0.2), Vector3::repeat(0.4)));
        let palm = Palm::of(&Skeleton::adult())[0];
        // Palm toward -x, tilted by 0.4 rad, 5 cm off; and the same 3 cm inside.
        let facing =
            UnitQuaternion::rotation_between(&palm.inward, &-Vector3::x()).expect("a turn");
        let tilted = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.4) * facing;
        for x in [0.25, 0.17] {
            let pad = Vector3::new(x, 0.05, 0.02);
            let grasp = find(&palm, &near(&palm, pad, tilted), &surface, &[]).expect("a grasp");
            assert!(
                (grasp.point - Vector3::new(0.2, 0.05, 0.02)).norm() < 0.03,
                "{}",
                grasp.point
            );
            assert!((grasp.point.x - 0.2).abs() < 1e-4);
            assert!((grasp.normal.into_inner() - Vector3::x()).norm() < 1e-3);
            assert!((grasp.closing(&palm) + Vector3::x()).norm() < 1e-3);
            assert!(grasp.rotation.angle_to(&tilted) < 0.41);
        }
        let far = near(&palm, Vector3::new(1.0, 0.0, 0.0), facing);
        let distance = find(&palm, &far, &surface, &[]).expect_err("too far");
        assert!((distance - 0.8).abs() < 0.1, "{distance}");
    }

    #[test]
    fn arms_are_not_stretched_for_a_nearer_place() {
        // A post; the model's hand is off it, low, while the shoulder is high.
        let (surface, _) = surface(Mesh::cuboid(
            Vector3::new(-0.02, -0.02, -0.5),
            Vector3::new(0.04, 0.04, 1.0),
        ));
        let palm = Palm::of(&Skeleton::adult())[0];
        let facing =
            UnitQuaternion::rotation_between(&palm.inward, &-Vector3::x()).expect("a turn");
        let mut low = near(&palm, Vector3::new(0.12, 0.0, -0.2), facing);
        let height = |near: &Near<'_>| find(&palm, near, &surface, &[]).expect("a grasp").point.z;
        let free = height(&low);
        low.shoulders = vec![Vector3::new(0.3, 0.0, 0.5); 5];
        assert!(height(&low) > free + 0.05);
    }

    #[test]
    fn a_palm_at_an_edge_does_not_stand_in_the_object() {
        let (surface, _) = surface(Mesh::cuboid(Vector3::repeat(-0.2), Vector3::repeat(0.4)));
        let palm = Palm::of(&Skeleton::adult())[0];
        // Over the top near an edge, palm down.
        let down = UnitQuaternion::rotation_between(&palm.inward, &-Vector3::z()).expect("a turn");
        let grasp = find(
            &palm,
            &near(&palm, Vector3::new(0.19, 0.0, 0.23), down),
            &surface,
            &[],
        )
        .expect("a grasp");
        for point in palm.skin() {
            let place = grasp.point + grasp.rotation * (point - palm.pad);
            assert!(surface.signed_distance(&place) > -0.006);
        }
        // Two hands at one place make way for each other.
        let other = find(
            &palm,
            &near(&palm, Vector3::new(0.19, 0.0, 0.23), down),
            &surface,
            &[grasp],
        )
        .expect("a grasp");
        assert!((other.point - grasp.point).norm() > 0.05);
    }

    #[test]
    fn fingers_close_around_edges_and_what_is_thin() {
        let palm = Palm::of(&Skeleton::adult())[0];
        let facing =
            UnitQuaternion::rotation_between(&palm.inward, &-Vector3::x()).expect("a turn");
        let closes = |half: [f32; 3], pad: [f32; 3]| {
            let half = Vector3::from(half);
            let (surface, _) = surface(Mesh::cuboid(-half, half * 2.0));
            let near = near(&palm, Vector3::from(pad), facing);
            find(&palm, &near, &surface, &[]).expect("a grasp").closes
        };
        // In the middle of a big box's side; on a board; on a post; at a big box's upper and farther edges.
        assert!(!closes([0.4, 0.4, 0.4], [0.42, 0.0, 0.0]));
        assert!(closes([0.02, 0.4, 0.4], [0.04, 0.0, 0.0]));
        assert!(closes([0.03, 0.03, 0.6], [0.05, 0.0, 0.0]));
        let fingers = facing * palm.along.into_inner();
        let edge = Vector3::new(0.42, 0.0, 0.0) + fingers * 0.34;
        assert!(closes([0.4, 0.4, 0.4], edge.into()));
        // Who must not slip looks for one.
        let (surface, _) = surface(Mesh::cuboid(Vector3::repeat(-0.4), Vector3::repeat(0.8)));
        let mut firm = near(&palm, Vector3::new(0.42, 0.0, 0.0) + fingers * 0.2, facing);
        assert!(!find(&palm, &firm, &surface, &[]).expect("a grasp").closes);
        firm.firm = true;
        assert!(find(&palm, &firm, &surface, &[]).expect("a grasp").closes);
    }

    #[test]
    fn a_palm_is_lifted_off_what_would_be_in_its_flesh() {
        let skeleton = Skeleton::adult();
        let palm = Palm::of(&skeleton)[0];
        let flesh = &crate::contact::palm::flesh(&skeleton)[0];
        assert!(flesh.len() > 15, "{}", flesh.len());
        let facing =
            UnitQuaternion::rotation_between(&palm.inward, &-Vector3::x()).expect("a turn");
        // A wall, a board's edge across the hand, a post along it.
        for half in [[0.4, 0.4, 0.4], [0.2, 0.4, 0.01], [0.2, 0.012, 0.4]] {
            let half = Vector3::from(half);
            let (surface, _) = surface(Mesh::cuboid(-half, half * 2.0));
            let grasp = Grasp {
                point: Vector3::new(half.x, 0.0, 0.0),
                normal: Vector3::x_axis(),
                lift: 0.0,
                rotation: facing,
                closes: true,
            };
            let deepest = |grasp: &Grasp| {
                (flesh.iter())
                    .map(|p| grasp.pad() + facing * (p - palm.pad))
                    .map(|place| -surface.signed_distance(&place))
                    .fold(0.0, f32::max)
            };
            let lifted = grasp.lifted(&palm, flesh, [&facing], &surface);
            assert!((0.0..=MOST_LIFT).contains(&lifted.lift));
            let (before, after) = (deepest(&grasp), deepest(&lifted));
            assert!(
                after <= before && after < (before - MOST_LIFT).max(YIELDS) + 1e-3,
                "{half:?}: {before} {after}"
            );
        }
    }

    #[test]
    fn the_hand_stays_free_to_turn_about_the_normal() {
        let palm = Palm::of(&Skeleton::adult())[1];
        let normal = Vector3::z_axis();
        let down = UnitQuaternion::rotation_between(&palm.inward, &-Vector3::z()).expect("a turn");
        let grasp = Grasp {
            point: Vector3::zeros(),
            normal,
            rotation: down,
            lift: 0.0,
            closes: true,
        };
        let turned = UnitQuaternion::from_axis_angle(&normal, 0.7) * down;
        assert!(grasp.aligned(&palm, &turned).angle_to(&turned) < 1e-3);
        let tilted = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), 0.5) * turned;
        assert!(grasp.aligned(&palm, &tilted).angle_to(&turned) < 1e-2);
        // A hand that faces away is turned over as the grasp says, without a jump on the way.
        let mut last = grasp.aligned(&palm, &down);
        for k in 1..=100 {
            let angle = std::f32::consts::PI * k as f32 / 100.0;
            let away = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), angle) * down;
            let laid = grasp.aligned(&palm, &away);
            assert!((laid * palm.inward.into_inner() + Vector3::z()).norm() < 0.05);
            assert!(laid.angle_to(&last) < 0.2, "{k}");
            last = laid;
        }
    }
}
