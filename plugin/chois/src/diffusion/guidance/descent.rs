//! Energies of a window and their gradients: squared errors in metres, half of them, summed over frames.

use nalgebra::{Matrix3, Vector2, Vector3};

use super::field::SceneField;
use super::person::{Joints, Person, Thing, frame, frame_mut, held};
use super::smoothing::{GENTLE, mean, widened};
use crate::motion::features::{
    FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, Statistics,
};
use crate::skeleton::{JOINTS, TOE_HEIGHT, joint};

/// Distance of palm and surface that counts as held, metres.
const HELD: f32 = 0.02;
/// Vertices of the object that are to be out of what stands about.
const VERTICES: usize = 1_000;
/// The toe joints.
const TOES: [usize; 2] = [joint::LEFT_TOE, joint::RIGHT_TOE];
const PALMS: [usize; 2] = [joint::LEFT_PALM, joint::RIGHT_PALM];
/// Frames in which a stance comes and goes: a foot that is held and let go in one frame jumps.
const EASE: f32 = 4.0;

/// How far each feature gives way to a gradient.
pub(super) type Mobility = [f32; FEATURES];

/// Gradients of energies on joints and on the object's centre, frame by frame.
pub(super) struct Pull {
    joints: Vec<Joints>,
    centers: Vec<Vector3<f32>>,
}

impl Pull {
    /// None yet.
    pub(super) fn new(frames: usize) -> Self {
        Self {
            joints: vec![[Vector3::zeros(); JOINTS]; frames],
            centers: vec![Vector3::zeros(); frames],
        }
    }

    /// Lower toe on the floor.
    pub(super) fn toes_down(&mut self, joints: &[Joints], weight: f32) {
        for (pull, joints) in self.joints.iter_mut().zip(joints) {
            let lower = lower_toe(joints);
            pull[lower].z += (joints[lower].z - TOE_HEIGHT) * weight;
        }
    }

    /// Standing toes at one place. `stances` finds stretches of frames in the path of a toe.
    pub(super) fn toes_still(
        &mut self,
        joints: &[Joints],
        weight: f32,
        stances: impl Fn(&[Vector3<f32>]) -> Vec<(usize, usize)>,
    ) {
        for toe in TOES {
            let path: Vec<Vector3<f32>> = joints.iter().map(|joints| joints[toe]).collect();
            for (from, to) in stances(&path) {
                let sum: Vector3<f32> = path[from..to].iter().sum();
                let place: Vector2<f32> = sum.xy() / (to - from) as f32;
                for t in from..to {
                    let firm = ((t - from + 1).min(to - t) as f32 / EASE).min(1.0);
                    let off = (path[t].xy() - place) * (firm * weight);
                    self.joints[t][toe] += Vector3::new(off.x, off.y, 0.0);
                }
            }
        }
    }

    /// Joints out of what stands about.
    pub(super) fn joints_out(&mut self, joints: &[Joints], scene: &SceneField<'_>, weight: f32) {
        for (pull, joints) in self.joints.iter_mut().zip(joints) {
            for (pull, point) in pull.iter_mut().zip(joints) {
                if let Some(out) = out_of(scene, point) {
                    *pull += out * weight;
                }
            }
        }
    }

    /// The object out of what stands about, by its centre. A thousand vertices say as much as all.
    pub(super) fn thing_out(
        &mut self,
        (x, rotations, thing): (&[f32], &[Matrix3<f32>], &Thing<'_>),
        scene: &SceneField<'_>,
        weight: f32,
    ) {
        let step = (thing.vertices.len() / VERTICES).max(1);
        let count = thing.vertices.len().div_ceil(step);
        let weight = weight / (count as f32).sqrt();
        for (t, (pull, rotation)) in self.centers.iter_mut().zip(rotations).enumerate() {
            let center = thing.center(frame(x, t));
            if scene.is_far(&center, thing.radius) {
                continue;
            }
            for vertex in thing.vertices.iter().step_by(step) {
                if let Some(out) = out_of(scene, &(rotation * vertex + center)) {
                    *pull += out * weight;
                }
            }
        }
    }

    /// Palms that are held to be in contact on the surface, the object's turn left to the network.
    pub(super) fn palms_on(
        &mut self,
        joints: &[Joints],
        (x, rotations, thing): (&[f32], &[Matrix3<f32>], &Thing<'_>),
        weight: f32,
    ) {
        let sure = coming(x);
        for (t, rotation) in rotations.iter().enumerate() {
            let center = thing.center(frame(x, t));
            for (hand, palm) in PALMS
                .into_iter()
                .enumerate()
                .filter(|(hand, _)| sure[t][*hand] > 0.0)
            {
                let place = joints[t][palm] - center;
                let (vertex, distance) = thing.geometry.nearest_vertex(&(rotation.tr_mul(&place)));
                if distance > HELD {
                    let off = place - rotation * thing.geometry.vertices()[vertex];
                    let share = (distance - HELD) / distance.max(1e-6);
                    let pull = off * (share * sure[t][hand] * weight);
                    self.joints[t][palm] += pull;
                    self.centers[t] -= pull;
                }
            }
        }
    }

    /// Palms at one place of the object while in contact.
    pub(super) fn palms_still(
        &mut self,
        joints: &[Joints],
        (x, rotations, thing): (&[f32], &[Matrix3<f32>], &Thing<'_>),
        weight: f32,
    ) {
        let sure = coming(x);
        for (hand, palm) in PALMS.into_iter().enumerate() {
            let local: Vec<Vector3<f32>> = (rotations.iter().enumerate())
                .map(|(t, rotation)| {
                    rotation.tr_mul(&(joints[t][palm] - thing.center(frame(x, t))))
                })
                .collect();
            let holds = |t: usize| held(frame(x, t))[hand];
            let total: f32 = (0..local.len()).map(holds).sum();
            let sum: Vector3<f32> = local.iter().enumerate().map(|(t, p)| p * holds(t)).sum();
            let place = sum / (total + 1e-6);
            for (t, rotation) in rotations.iter().enumerate() {
                let off = rotation * (local[t] - place);
                self.joints[t][palm] += off * (sure[t][hand] * weight);
            }
        }
    }

    /// The gradient on features, T x 220, of a window `x`.
    pub(super) fn features(
        self,
        x: &[f32],
        person: &Person,
        thing: Option<&Thing<'_>>,
    ) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        for (t, (joints, center)) in self.joints.into_iter().zip(self.centers).enumerate() {
            let row = frame_mut(&mut out, t);
            person.back(frame(x, t), joints, row);
            if let Some(thing) = thing {
                let pull = center.component_mul(&thing.unit);
                row[OBJECT_POSITION].copy_from_slice(pull.as_slice());
            }
        }
        out
    }
}

/// The toe joint that is lower.
fn lower_toe(joints: &Joints) -> usize {
    match joints[TOES[0]].z <= joints[TOES[1]].z {
        true => TOES[0],
        false => TOES[1],
    }
}

/// Half the square of how deep a point is in what stands about, as its gradient; None outside.
fn out_of(scene: &SceneField<'_>, point: &Vector3<f32>) -> Option<Vector3<f32>> {
    let (distance, slope) = scene.with_slope(point);
    (distance < 0.0).then(|| slope * distance)
}

/// Weights of each hand that are [`held`]'s while it holds, and rise and fall outside of that: contact channels change within
/// a frame or two, and a hand that is only then brought to the surface jumps there.
fn coming(x: &[f32]) -> Vec<[f32; 2]> {
    let mut rows: Vec<f32> = x.chunks_exact(FEATURES).flat_map(held).collect();
    widened(&mut rows, 2, &GENTLE);
    rows.chunks_exact(2).map(|row| [row[0], row[1]]).collect()
}

/// A gradient in the metric in which motions far apart in speed are far apart, and not only those far apart in place (a
/// Sobolev gradient): what one frame asks for, those about it share. The nearest vertex to a palm is now on this side of a
/// pole and now on that; followed frame by frame hands would jump.
pub(super) fn shared(mut gradient: Vec<f32>) -> Vec<f32> {
    mean(&mut gradient, FEATURES, &GENTLE);
    gradient
}

/// One step down a gradient.
pub(super) fn step(x: &mut [f32], gradient: &[f32], mobility: &Mobility) {
    for (row, gradient) in x
        .chunks_exact_mut(FEATURES)
        .zip(gradient.chunks_exact(FEATURES))
    {
        for ((x, g), m) in row.iter_mut().zip(gradient).zip(mobility) {
            *x -= g * m;
        }
    }
}

/// How far a person is to be moved up or down at each frame so that the lower toe stands on the floor, metres: what the
/// gradient takes many small steps for. Out of the floor at once, down to it by `down` of the way. Smoothed over time, so
/// that a step's last contact and the next one's first do not jolt the body.
pub(super) fn standing(person: &Person, x: &[f32], down: f32) -> Vec<f32> {
    const REACH: usize = 3;
    let mut off: Vec<f32> = (x.chunks_exact(FEATURES))
        .map(|row| {
            let joints = person.joints(row);
            TOE_HEIGHT - joints[lower_toe(&joints)].z
        })
        .collect();
    mean(&mut off, 1, &[REACH]);
    for off in &mut off {
        *off = off.max(0.0) + off.min(0.0) * down;
    }
    off
}

/// Joints of the arms and how far they give way.
const ARMS: [(&[usize], f32); 3] = [(&[13, 14], 1.5), (&[16, 17, 18, 19], 4.0), (&[20, 21], 2.0)];

/// How far each feature gives way. Positions: per metre of error, in normalised units, less for the root and least for the
/// object, which has its path. Rotations: each bone contributes its own vector, so all bones of an arm (or leg) together
/// make up a palm's (or toe's) error.
pub(super) fn mobility(s: &Statistics) -> Mobility {
    let mut m = arms();
    for a in 0..3 {
        let object = 2.0 / (s.object_max[a] - s.object_min[a]);
        m[OBJECT_POSITION.start + a] = object * object * if a == 2 { 0.6 } else { 0.05 };
        let root = 2.0 / (s.joint_max[0][a] - s.joint_min[0][a]);
        m[JOINT_POSITIONS.start + a] = root * root * if a == 2 { 0.4 } else { 0.03 };
    }
    let trunk: &[usize] = &[0, 3, 6, 9];
    rotations(
        &mut m,
        &[(&[1, 2, 4, 5], 2.0), (&[7, 8], 1.0), (trunk, 1.0)],
    );
    m
}

/// Mobility of the arms alone.
pub(super) fn arms() -> Mobility {
    let mut m = [0.0; FEATURES];
    rotations(&mut m, &ARMS);
    m
}

fn rotations(m: &mut Mobility, parts: &[(&[usize], f32)]) {
    for (joints, give) in parts {
        for j in *joints {
            let at = JOINT_ROTATIONS.start + 6 * j;
            m[at..at + 6].fill(*give);
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::UnitQuaternion;

    use super::*;
    use crate::geometry::{Mesh, ObjectGeometry, SdfGrid};
    use crate::motion::canonical::Canonical;
    use crate::motion::features::CONTACT;
    use crate::motion::feet;
    use crate::skeleton::Skeleton;

    const FRAMES: usize = 12;

    fn statistics() -> Statistics {
        Statistics {
            joint_min: (0..JOINTS)
                .map(|j| [-1.0 - j as f32 * 0.1, -2.0, -0.3])
                .collect(),
            joint_max: (0..JOINTS)
                .map(|j| [1.5, 1.0 + j as f32 * 0.05, 2.0])
                .collect(),
            object_min: [-1.0, -0.8, -0.1],
            object_max: [1.0, 1.2, 1.4],
        }
    }

    fn skeleton() -> Skeleton {
        let rest_offsets = std::array::from_fn(|j| {
            let j = j as f32;
            Vector3::new((j * 0.7).sin(), (j * 1.3).cos(), (j * 0.4).sin()) * 0.2
        });
        Skeleton { rest_offsets }
    }

    /// A window of which hands hold something, more and less surely, and feet stand about.
    fn window() -> Vec<f32> {
        let mut x: Vec<f32> = (0..FRAMES)
            .flat_map(|t| {
                (0..FEATURES).map(move |k| (k as f32 * 1.7).sin() * 0.6 + (t + k) as f32 * 2e-3)
            })
            .collect();
        for (t, row) in x.chunks_exact_mut(FEATURES).enumerate() {
            row[CONTACT.start] = 0.4 + t as f32 * 0.05;
            row[CONTACT.start + 1] = 0.95;
        }
        x
    }

    /// Checks a gradient against the slope of an energy. Detached parts of it are worked out by `energy` at the window first.
    fn check(
        pull: impl FnOnce(&mut Pull, &[Joints], (&[f32], &[Matrix3<f32>], &Thing<'_>)),
        energy: impl Fn(&[Joints], &[Vector3<f32>], &[Matrix3<f32>]) -> f64,
        object_too: bool,
    ) {
        let (statistics, skeleton) = (statistics(), skeleton());
        let person = Person::new(&statistics, &skeleton);
        let mesh = Mesh::cuboid(Vector3::repeat(-0.2), Vector3::new(0.4, 0.5, 0.6));
        let object = ObjectGeometry::new("box", mesh.refined()).expect("an object");
        let turn = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.7);
        let thing = Thing::new(&statistics, &object, &turn);
        let mut x = window();
        let pose = |x: &[f32]| {
            let rows = || x.chunks_exact(FEATURES);
            let joints: Vec<Joints> = rows().map(|row| person.joints(row)).collect();
            let centers: Vec<Vector3<f32>> = rows().map(|row| thing.center(row)).collect();
            (joints, centers)
        };
        let rotations: Vec<Matrix3<f32>> = x
            .chunks_exact(FEATURES)
            .map(|row| thing.rotation(row))
            .collect();
        let mut all = Pull::new(FRAMES);
        let (joints, _) = pose(&x);
        pull(&mut all, &joints, (&x, &rotations, &thing));
        let gradient = all.features(&x, &person, Some(&thing));
        let size = gradient.iter().map(|g| g.abs()).fold(0.0, f32::max);
        assert!(size > 1e-3, "nothing pulls");
        let places = OBJECT_POSITION.filter(|_| object_too);
        let features: Vec<usize> = places
            .chain(JOINT_POSITIONS.start..JOINT_POSITIONS.start + 3)
            .chain(JOINT_ROTATIONS)
            .collect();
        for t in [0, 3, FRAMES / 2, FRAMES - 1] {
            for k in &features {
                let at = t * FEATURES + k;
                let (here, by) = (x[at], 2e-3);
                let mut value = |v: f32| {
                    x[at] = v;
                    let (joints, centers) = pose(&x);
                    energy(&joints, &centers, &rotations)
                };
                let slope = (value(here + by) - value(here - by)) / (2.0 * f64::from(by));
                value(here);
                let off = (gradient[at] - slope as f32).abs();
                assert!(
                    off < 0.02 * size + 0.02 * slope.abs() as f32,
                    "{t} {k}: {} {slope}",
                    gradient[at]
                );
            }
        }
    }

    fn half_square(v: impl IntoIterator<Item = f32>) -> f64 {
        v.into_iter().map(|v| f64::from(v).powi(2) * 0.5).sum()
    }

    #[test]
    fn feet_are_pulled_down_and_held() {
        check(
            |pull, joints, _| pull.toes_down(joints, 1.0),
            |joints, _, _| {
                half_square(
                    joints
                        .iter()
                        .map(|j| j[TOES[0]].z.min(j[TOES[1]].z) - TOE_HEIGHT),
                )
            },
            false,
        );
        let (person, x) = (Person::new(&statistics(), &skeleton()), window());
        let before: Vec<Joints> = x
            .chunks_exact(FEATURES)
            .map(|row| person.joints(row))
            .collect();
        // Both toes stand over the same frames, whatever they do.
        let stands = |_: &[Vector3<f32>]| vec![(1, 5), (6, 12)];
        check(
            |pull, joints, _| pull.toes_still(joints, 1.0, stands),
            |joints, _, _| {
                let mut sum = 0.0;
                for toe in TOES {
                    for (from, to) in stands(&[]) {
                        let all = before[from..to].iter().map(|j| j[toe].xy());
                        let place = all.sum::<Vector2<f32>>() / (to - from) as f32;
                        for t in from..to {
                            let firm = ((t - from + 1).min(to - t) as f32 / EASE).min(1.0);
                            let off = (joints[t][toe].xy() - place) * firm.sqrt();
                            sum += half_square([off.x, off.y]);
                        }
                    }
                }
                sum
            },
            false,
        );
        // The stances that guidance asks for are those of a foot.
        assert!(feet::stances(&[Vector3::new(0.0, 0.0, 0.02); 20], feet::SLOW) == [(0, 20)]);
    }

    #[test]
    fn palms_are_pulled_to_the_surface_and_held() {
        let sure = coming(&window());
        assert!(sure[0][0] < sure[FRAMES - 1][0] && sure[0][1] > 0.9);
        let mesh = Mesh::cuboid(Vector3::repeat(-0.2), Vector3::new(0.4, 0.5, 0.6)).refined();
        let object = ObjectGeometry::new("box", mesh).expect("an object");
        check(
            |pull, joints, object| pull.palms_on(joints, object, 0.7),
            |joints, centers, rotations| {
                let mut sum = 0.0;
                for t in 0..FRAMES {
                    for hand in 0..2 {
                        let local = rotations[t].tr_mul(&(joints[t][PALMS[hand]] - centers[t]));
                        let off = (object.nearest_vertex(&local).1 - HELD).max(0.0);
                        sum += 0.7 * half_square([off * sure[t][hand].sqrt()]);
                    }
                }
                sum
            },
            true,
        );
        // Where they are to stay is a mean over what holds, and is not itself moved.
        let (statistics, skeleton, x) = (statistics(), skeleton(), window());
        let person = Person::new(&statistics, &skeleton);
        let turn = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.7);
        let thing = Thing::new(&statistics, &object, &turn);
        let place = [0, 1].map(|hand| {
            let (mut sum, mut total) = (Vector3::zeros(), 0.0);
            for row in x.chunks_exact(FEATURES) {
                let palm = person.joints(row)[PALMS[hand]] - thing.center(row);
                sum += thing.rotation(row).tr_mul(&palm) * held(row)[hand];
                total += held(row)[hand];
            }
            sum / total
        });
        check(
            |pull, joints, object| pull.palms_still(joints, object, 0.3),
            |joints, centers, rotations| {
                let mut sum = 0.0;
                for t in 0..FRAMES {
                    for hand in 0..2 {
                        let local = rotations[t].tr_mul(&(joints[t][PALMS[hand]] - centers[t]));
                        let off = (local - place[hand]) * sure[t][hand].sqrt();
                        sum += 0.3 * half_square([off.x, off.y, off.z]);
                    }
                }
                sum
            },
            false,
        );
    }

    #[test]
    fn body_and_object_are_pushed_out() {
        let wall = Mesh::cuboid(Vector3::new(-1.0, -1.6, -0.4), Vector3::new(2.2, 2.25, 2.4));
        let grid = SdfGrid::from_mesh(&wall, 48).expect("a grid");
        let canonical = Canonical {
            rotation: UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.4),
            origin: Vector3::new(0.1, -0.2, 0.0),
        };
        let scene = SceneField::new(&grid, canonical);
        let depth = |p: &Vector3<f32>| scene.distance(p).min(0.0);
        check(
            |pull, joints, _| pull.joints_out(joints, &scene, 1.0),
            |joints, _, _| half_square(joints.iter().flatten().map(depth)),
            false,
        );
        let mesh = Mesh::cuboid(Vector3::repeat(-0.2), Vector3::new(0.4, 0.5, 0.6)).refined();
        let object = ObjectGeometry::new("box", mesh).expect("an object");
        let turn = UnitQuaternion::identity();
        let thing = Thing::new(&statistics(), &object, &turn);
        let step = (thing.vertices.len() / VERTICES).max(1);
        let some: Vec<Vector3<f32>> = thing.vertices.iter().step_by(step).copied().collect();
        check(
            |pull, _, object| pull.thing_out(object, &scene, 1.0),
            |_, centers, rotations| {
                let points = (0..FRAMES)
                    .flat_map(|t| some.iter().map(move |v| rotations[t] * v + centers[t]));
                half_square(points.map(|p| depth(&p))) / (some.len() as f64).sqrt()
            },
            true,
        );
    }
}
