//! Light that comes by way of walls, floor and furniture: traced once, when the room is there.
//!
//! What arrives at points of a grid from six directions (ambient cubes: Mitchell, Shading in Valve's Source Engine,
//! 2006), and what a polished thing in the middle of the room would mirror.

use bevy::math::{Dir3, Quat, Ray3d, UVec3, Vec3};

use super::sky;
use super::tracer::{Hit, Tracer, directions};

/// Metres between the grid's points.
const SPACING: f32 = 0.4;
/// Rays from each point.
const RAYS: usize = 320;
/// Times that light is given back.
const BOUNCES: usize = 3;
/// Farthest that a ray is followed, metres.
const FAR: f32 = 60.0;
/// Most points along an axis.
const MOST: u32 = 48;
/// A point of whose rays so many meet the back of something is inside it.
const INSIDE: f32 = 0.25;
/// The directions of an ambient cube, in the order of [`Bounced::cubes`].
const AXES: [Vec3; 6] = [
    Vec3::X,
    Vec3::NEG_X,
    Vec3::Y,
    Vec3::NEG_Y,
    Vec3::Z,
    Vec3::NEG_Z,
];

/// What lights the room from outside.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    /// The direction that sunlight travels.
    pub sunlight: Dir3,
    /// Light of the sun on a surface that faces it, lux, by colour.
    pub sun: Vec3,
}

/// Light given back in a room.
#[derive(Clone, Debug)]
pub struct Bounced {
    /// Smallest corner of the grid, metres.
    pub min: Vec3,
    /// Largest corner, metres.
    pub max: Vec3,
    /// Points along each axis; each stands in the middle of its cell.
    pub size: UVec3,
    /// For each point, x running fastest and then y: what arrives from +X, -X, +Y, -Y, +Z and -Z on a surface that
    /// faces there, divided by pi; candela per square metre.
    pub cubes: Vec<[Vec3; 6]>,
    /// Pixels along an edge of [`mirrored`](Self::mirrored).
    pub face: u32,
    /// What is seen from the middle, as the six faces of a cube of pictures; candela per square metre.
    pub mirrored: Vec<Vec3>,
}

/// What a ray of the grid saw.
#[derive(Clone, Copy)]
enum Seen {
    Sky(Vec3),
    /// Light of the surface by itself, under the sun; its albedo; where it is and where it faces.
    Surface {
        light: Vec3,
        albedo: Vec3,
        at: Vec3,
        normal: Vec3,
    },
}

/// Traces a room; none where there is nothing to trace.
pub fn bounce(tracer: &Tracer, outside: &Outside) -> Option<Bounced> {
    let (low, high) = tracer.bounds()?;
    // A hair wider, so that floor and walls are inside.
    let (min, max) = (low - 0.02, high + 0.02);
    let cells = ((max - min) / SPACING).ceil().as_uvec3();
    let size = cells.clamp(UVec3::ONE, UVec3::splat(MOST));
    let cell = (max - min) / size.as_vec3();
    let points: Vec<Vec3> = (0..size.element_product())
        .map(|i| {
            let at = UVec3::new(i % size.x, i / size.x % size.y, i / (size.x * size.y));
            min + (at.as_vec3() + 0.5) * cell
        })
        .collect();
    let rays: Vec<Dir3> = directions(RAYS).collect();
    let seen = in_threads(&points, |i, point| look(tracer, outside, *point, i, &rays));
    let mut bounced = Bounced {
        min,
        max,
        size,
        cubes: vec![[Vec3::ZERO; 6]; points.len()],
        face: 16,
        mirrored: Vec::new(),
    };
    for _ in 0..=BOUNCES {
        let before = &bounced;
        let cubes = in_threads(&seen, |_, (inside, seen)| {
            (!inside).then(|| gather(before, seen))
        });
        bounced.cubes = fill(cubes, size);
    }
    let middle = (min + max) / 2.0;
    let middle = Vec3::new(middle.x, min.y + 1.3, middle.z);
    bounced.mirrored = (0..6 * bounced.face * bounced.face)
        .map(|i| {
            let (face, pixel) = (i / bounced.face.pow(2), i % bounced.face.pow(2));
            let toward = sky::direction(
                face,
                pixel % bounced.face,
                pixel / bounced.face,
                bounced.face,
            );
            let toward = Dir3::new(toward).unwrap_or(Dir3::Y);
            let (_, seen) = see(tracer, outside, Ray3d::new(middle, toward));
            bounced.light_of(&seen)
        })
        .collect();
    Some(bounced)
}

impl Bounced {
    /// What arrives at a place, on a surface that faces a direction, divided by pi.
    fn at(&self, place: Vec3, normal: Vec3) -> Vec3 {
        let last = self.size.as_vec3() - 1.0;
        let at = (place - self.min) / (self.max - self.min) * self.size.as_vec3() - 0.5;
        let at = at.clamp(Vec3::ZERO, last);
        let low = at.floor();
        let part = at - low;
        let mut sum = Vec3::ZERO;
        for corner in 0..8u32 {
            let step = UVec3::new(corner & 1, corner >> 1 & 1, corner >> 2);
            let cell = (low.as_uvec3() + step).min(self.size - 1);
            let weight = Vec3::select(step.cmpeq(UVec3::ONE), part, 1.0 - part).element_product();
            let cube =
                &self.cubes[(cell.x + self.size.x * (cell.y + self.size.y * cell.z)) as usize];
            for axis in 0..3 {
                let toward = &cube[axis * 2 + usize::from(normal[axis] < 0.0)];
                sum += toward * (normal[axis] * normal[axis] * weight);
            }
        }
        sum
    }

    /// The light of what was seen.
    fn light_of(&self, seen: &Seen) -> Vec3 {
        match seen {
            Seen::Sky(light) => *light,
            Seen::Surface {
                light,
                albedo,
                at,
                normal,
            } => light + albedo * self.at(*at, *normal),
        }
    }
}

/// What a point sees in all directions, and whether it is inside of something.
fn look(
    tracer: &Tracer,
    outside: &Outside,
    point: Vec3,
    index: usize,
    rays: &[Dir3],
) -> (bool, Vec<(Dir3, Seen)>) {
    // Turned differently at each point, else the grid would show the spiral.
    let turn =
        Quat::from_rotation_y(index as f32 * 2.399) * Quat::from_rotation_x(index as f32 * 1.31);
    let mut behind = 0;
    let seen: Vec<_> = rays
        .iter()
        .map(|ray| {
            let toward = turn * *ray;
            let (back, seen) = see(tracer, outside, Ray3d::new(point, toward));
            behind += usize::from(back);
            (toward, seen)
        })
        .collect();
    (behind as f32 > INSIDE * rays.len() as f32, seen)
}

/// What a ray sees, and whether it is the back of something.
fn see(tracer: &Tracer, outside: &Outside, ray: Ray3d) -> (bool, Seen) {
    let Some(Hit {
        distance,
        triangle,
        behind,
    }) = tracer.nearest(ray, FAR)
    else {
        let light = sky::radiance(*ray.direction, -*outside.sunlight) * sky::LUMINANCE;
        return (false, Seen::Sky(light));
    };
    let triangle = tracer.triangle(triangle);
    let front = triangle.normal();
    let normal = if behind { -front } else { front };
    let at = ray.get_point(distance) + normal * 1e-3;
    let facing = normal.dot(-*outside.sunlight).max(0.0);
    let mut light = triangle.emission;
    if facing > 0.0 && !tracer.blocked(Ray3d::new(at, -outside.sunlight)) {
        light += triangle.albedo * outside.sun * (facing / std::f32::consts::PI);
    }
    let seen = Seen::Surface {
        light,
        albedo: triangle.albedo,
        at,
        normal,
    };
    (behind, seen)
}

/// What arrives on the six sides of a cube.
fn gather(before: &Bounced, seen: &[(Dir3, Seen)]) -> [Vec3; 6] {
    let mut sides = [Vec3::ZERO; 6];
    for (toward, seen) in seen {
        let light = before.light_of(seen);
        for (side, axis) in sides.iter_mut().zip(AXES) {
            *side += light * toward.dot(axis).max(0.0);
        }
    }
    // Each ray stands for 4 pi / count of the sphere.
    sides.map(|side| side * (4.0 / seen.len() as f32))
}

/// Gives points inside of things what their neighbours have, so that no surface blends with darkness that is not there.
fn fill(mut cubes: Vec<Option<[Vec3; 6]>>, size: UVec3) -> Vec<[Vec3; 6]> {
    let index = |p: UVec3| (p.x + size.x * (p.y + size.y * p.z)) as usize;
    for _ in 0..size.max_element() {
        let old = cubes.clone();
        let mut missing = false;
        for i in 0..size.element_product() {
            let at = UVec3::new(i % size.x, i / size.x % size.y, i / (size.x * size.y));
            if old[index(at)].is_some() {
                continue;
            }
            missing = true;
            let (mut sum, mut count) = ([Vec3::ZERO; 6], 0.0f32);
            for axis in 0..3 {
                for step in [-1i32, 1] {
                    let mut near = at.as_ivec3();
                    near[axis] += step;
                    if near[axis] < 0 || near[axis] >= size[axis] as i32 {
                        continue;
                    }
                    if let Some(cube) = &old[index(near.as_uvec3())] {
                        for (sum, side) in sum.iter_mut().zip(cube) {
                            *sum += *side;
                        }
                        count += 1.0;
                    }
                }
            }
            if count > 0.0 {
                cubes[index(at)] = Some(sum.map(|side| side / count));
            }
        }
        if !missing {
            break;
        }
    }
    cubes.into_iter().map(Option::unwrap_or_default).collect()
}

/// The same for all, on all cores; the order is kept.
fn in_threads<T: Sync, R: Send>(items: &[T], each: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let share = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let each = &each;
        let handles: Vec<_> = items
            .chunks(share)
            .enumerate()
            .map(|(chunk, items)| {
                scope.spawn(move || {
                    let offset = chunk * share;
                    let done = items
                        .iter()
                        .enumerate()
                        .map(|(i, item)| each(offset + i, item));
                    done.collect::<Vec<_>>()
                })
            })
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap_or_default())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daylight::tracer::Triangle;

    /// A closed box of 4 x 3 x 4 m, seen from inside, whose walls shine by themselves.
    fn closed(emission: f32, albedo: f32) -> Tracer {
        let mut triangles = Vec::new();
        for axis in 0..3 {
            for side in [0.0f32, 1.0] {
                let half = Vec3::new(2.0, 1.5, 2.0);
                let at = |u: f32, v: f32| {
                    let mut p = Vec3::ZERO;
                    p[axis] = side * 2.0 - 1.0;
                    p[(axis + 1) % 3] = u;
                    p[(axis + 2) % 3] = v;
                    p * half
                };
                let [a, b, c, d] = [at(-1.0, -1.0), at(1.0, -1.0), at(1.0, 1.0), at(-1.0, 1.0)];
                let inward = |corners: [Vec3; 3]| {
                    let t = Triangle {
                        corners,
                        albedo: Vec3::splat(albedo),
                        emission: Vec3::splat(emission),
                    };
                    if t.normal().dot(-corners[0]) > 0.0 {
                        return t;
                    }
                    let [a, b, c] = corners;
                    Triangle {
                        corners: [a, c, b],
                        ..t
                    }
                };
                triangles.extend([inward([a, b, c]), inward([a, c, d])]);
            }
        }
        Tracer::new(triangles)
    }

    const NIGHT: Outside = Outside {
        sunlight: Dir3::NEG_Y,
        sun: Vec3::ZERO,
    };

    #[test]
    fn a_furnace_is_as_bright_as_its_walls() {
        let bounced = bounce(&closed(100.0, 0.0), &NIGHT).expect("a room");
        let middle = bounced.at(Vec3::ZERO, Vec3::new(0.6, 0.8, 0.0));
        assert!((middle - 100.0).abs().max_element() < 4.0, "{middle}");
        assert!(
            bounced
                .mirrored
                .iter()
                .all(|light| (light.x - 100.0).abs() < 1.0)
        );
    }

    #[test]
    fn light_given_back_adds_up() {
        // With three bounces of one half: 1 + 1/2 + 1/4 + 1/8.
        let bounced = bounce(&closed(100.0, 0.5), &NIGHT).expect("a room");
        let middle = bounced.at(Vec3::new(0.5, 0.2, -0.3), Vec3::Y);
        assert!((middle.y - 187.5).abs() < 12.0, "{middle}");
    }

    #[test]
    fn no_light_comes_into_a_closed_room() {
        let day = Outside {
            sun: Vec3::splat(50_000.0),
            ..NIGHT
        };
        let bounced = bounce(&closed(0.0, 0.5), &day).expect("a room");
        assert!(bounced.at(Vec3::ZERO, Vec3::Y).max_element() < 1e-3);
        assert!(bounce(&Tracer::default(), &day).is_none());
    }
}
