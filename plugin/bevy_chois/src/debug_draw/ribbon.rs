//! The ribbon on the floor: from points and times to a mesh, and when it is there.

use std::sync::Arc;

use bevy::asset::{Assets, RenderAssetUsages};
use bevy::camera::primitives::MeshAabb;
use bevy::color::{Color, ColorToComponents, LinearRgba};
use bevy::ecs::prelude::*;
use bevy::math::{Isometry3d, Vec2, Vec3, Vec4};
use bevy::mesh::{Indices, Mesh, Mesh3d, PrimitiveTopology};
use bevy::pbr::MeshMaterial3d;
use nalgebra::Vector3;

use super::clip_view::object_path;
use super::material::{RibbonMaterial, RibbonUniform};
use super::plugin::{Settings, drawing};
use super::{DebugDraw, Ribbon, RibbonPoint, WaypointRibbon};
use crate::clip::MotionClip;
use crate::object::ObjectShape;
use crate::playback::InteractionPlayer;

/// Points along the ribbon are this far apart, metres.
const STEP: f32 = 0.03;
/// At most so many.
const MOST_STEPS: f32 = 4_000.0;
/// Movements smaller than this are trembling, metres.
const TREMBLING: f32 = 0.004;
/// A path shorter than this is no path, metres.
const SHORTEST: f32 = 0.03;
/// Room beside the band for its shadow and for ticks that stick out, as a share of half the width.
const MARGIN: f32 = 1.4;
/// Kinds of markers; the shader knows them.
const START: f32 = 1.0;
const WAYPOINT: f32 = 2.0;
const GOAL: f32 = 3.0;

/// One place along the middle of the ribbon.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    position: Vec3,
    /// Metres from the beginning.
    along: f32,
    seconds: f32,
    /// Metres a second.
    speed: f32,
}

/// Points with distances, trembling and disorder taken out: (position, metres along, seconds).
fn legs(points: &[RibbonPoint]) -> Vec<(Vec3, f32, f32)> {
    let mut legs: Vec<(Vec3, f32, f32)> = Vec::with_capacity(points.len());
    for point in points {
        if !(point.position.is_finite() && point.seconds.is_finite()) {
            continue;
        }
        let Some(&(last, along, before)) = legs.last() else {
            legs.push((point.position, 0.0, point.seconds));
            continue;
        };
        let seconds = point.seconds.max(before);
        let length = last.distance(point.position);
        if length >= TREMBLING {
            legs.push((point.position, along + length, seconds));
        } else if let Some(last) = legs.last_mut()
            && along == 0.0
        {
            // It sets out when it last stood at its start.
            last.2 = seconds;
        }
    }
    legs
}

/// Even samples of the path with its corners rounded to the ribbon's width. Empty where there is no path.
fn centre_line(points: &[RibbonPoint], width: f32) -> Vec<Sample> {
    let legs = legs(points);
    let total = legs.last().map_or(0.0, |l| l.1);
    if !(SHORTEST..1e6).contains(&total) {
        return Vec::new();
    }
    let step = STEP.max(total / MOST_STEPS);
    let count = (total / step).ceil() as usize + 1;
    let mut leg = 0;
    let even: Vec<Sample> = (0..count)
        .map(|i| {
            let along = total * i as f32 / (count - 1) as f32;
            while leg + 2 < legs.len() && legs[leg + 1].1 < along {
                leg += 1;
            }
            let (a, b) = (legs[leg], legs[leg + 1]);
            let share = ((along - a.1) / (b.1 - a.1)).clamp(0.0, 1.0);
            let pause = b.2 - a.2;
            Sample {
                position: a.0.lerp(b.0, share),
                along,
                seconds: a.2 + pause * share,
                // No time at all is faster than anything.
                speed: (b.1 - a.1) / pause.max(1e-4),
            }
        })
        .collect();

    // A Gaussian over places rounds corners, over speeds it calms steps. Near the ends it narrows, so that they stay.
    let sigma = 0.5 * width.clamp(0.02, 2.0) / step;
    let widest = (3.0 * sigma).ceil() as usize;
    let mut smooth: Vec<Sample> = (0..count)
        .map(|i| {
            let radius = widest.min(i).min(count - 1 - i);
            let mut sum = (Vec3::ZERO, 0.0, 0.0);
            for (j, sample) in even
                .iter()
                .enumerate()
                .take(i + radius + 1)
                .skip(i - radius)
            {
                let d = (j as f32 - i as f32) / sigma;
                let weight = (-0.5 * d * d).exp();
                sum.0 += sample.position * weight;
                // Times add up, speeds do not.
                sum.1 += weight / sample.speed.max(1e-3);
                sum.2 += weight;
            }
            Sample {
                position: sum.0 / sum.2,
                speed: sum.2 / sum.1,
                ..even[i]
            }
        })
        .collect();
    let mut along = 0.0;
    for i in 1..count {
        along += smooth[i].position.distance(smooth[i - 1].position);
        smooth[i].along = along;
    }
    smooth
}

/// A mesh and its length, metres.
struct Laid {
    mesh: Mesh,
    length: f32,
}

#[derive(Default)]
struct Vertices {
    positions: Vec<Vec3>,
    uv: Vec<Vec2>,
    timing: Vec<Vec2>,
    indices: Vec<u32>,
}

impl Vertices {
    fn push(&mut self, position: Vec3, uv: Vec2, timing: Vec2) {
        self.positions.push(position);
        self.uv.push(uv);
        self.timing.push(timing);
    }

    fn marker(&mut self, centre: Vec3, half: f32, seconds: f32, kind: f32) {
        let reach = half * 1.3 + 0.05;
        let first = self.positions.len() as u32;
        for (x, z) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)] {
            let at = Vec2::new(x, z) * reach;
            self.push(
                centre + Vec3::new(at.x, 0.0, at.y),
                at,
                Vec2::new(seconds, -kind),
            );
        }
        self.indices
            .extend([0, 1, 2, 0, 2, 3].map(|corner| first + corner));
    }
}

/// The mesh of a ribbon (see `shaders/ribbon.wgsl` for its attributes) with markers at its ends and at `stops`. None
/// where there is no path.
fn lay_mesh(points: &[RibbonPoint], stops: &[RibbonPoint], look: &Ribbon) -> Option<Laid> {
    if !(look.width.is_finite() && look.width > 0.0 && look.height.is_finite()) {
        return None;
    }
    let line = centre_line(points, look.width);
    let (first, last) = (*line.first()?, *line.last()?);
    let half = 0.5 * look.width;
    let margin = half * MARGIN;
    let lift = Vec3::Y * look.height;
    let direction = |i: usize| {
        let (a, b) = (line[i.saturating_sub(1)], line[(i + 1).min(line.len() - 1)]);
        let flat = (b.position - a.position).with_y(0.0);
        flat.try_normalize().unwrap_or(Vec3::X)
    };

    let mut out = Vertices::default();
    let mut row = |sample: &Sample, forward: Vec3, bend: f32, beyond: f32| {
        let right = forward.cross(Vec3::Y);
        let centre = sample.position + lift + forward * beyond;
        let timing = Vec2::new(sample.seconds, sample.speed);
        for side in [-1.0f32, 1.0] {
            // The inner edge of a tight bend must not fold over.
            let room = if bend * side > 1e-3 {
                (0.9 / (bend * side)).min(margin)
            } else {
                margin
            };
            let uv = Vec2::new(side * room, sample.along + beyond);
            out.push(centre + right * side * room, uv, timing);
        }
    };
    row(&first, direction(0), 0.0, -margin);
    for (i, sample) in line.iter().enumerate() {
        let forward = direction(i);
        let (before, after) = (
            direction(i.saturating_sub(1)),
            direction((i + 1).min(line.len() - 1)),
        );
        let distance = line[(i + 1).min(line.len() - 1)].along - line[i.saturating_sub(1)].along;
        // To the right is positive.
        let turn = before.cross(after).y.clamp(-1.0, 1.0).asin();
        row(sample, forward, -turn / distance.max(1e-4), 0.0);
    }
    row(&last, direction(line.len() - 1), 0.0, margin);
    let rows = out.positions.len() as u32 / 2;
    for r in 0..rows - 1 {
        let corner = 2 * r;
        out.indices
            .extend([0, 1, 3, 0, 3, 2].map(|offset| corner + offset));
    }

    for stop in stops.iter().filter(|_| look.stops) {
        // On the rounded line, where the path comes nearest at that time.
        let near = |sample: &&Sample| {
            let place = sample.position.distance_squared(stop.position);
            place + (sample.seconds - stop.seconds).powi(2) * 0.01
        };
        let at = line
            .iter()
            .min_by(|a, b| near(a).total_cmp(&near(b)))
            .copied()
            .unwrap_or(first);
        out.marker(at.position + lift, half, at.seconds, WAYPOINT);
    }
    out.marker(first.position + lift, half, first.seconds, START);
    out.marker(last.position + lift, half, last.seconds, GOAL);

    let up = vec![Vec3::Y; out.positions.len()];
    let mesh = Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, out.positions)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, up)
    .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, out.uv)
    .with_inserted_attribute(Mesh::ATTRIBUTE_UV_1, out.timing)
    .with_inserted_indices(Indices::U32(out.indices));
    Some(Laid {
        mesh,
        length: last.along,
    })
}

/// What a ribbon was laid from: when this changes it is laid anew.
#[derive(Clone, Debug)]
enum Track {
    Clip {
        motion: Arc<chois::motion::MotionClip>,
        origin: Isometry3d,
        centre: Vector3<f32>,
    },
    Points(Vec<RibbonPoint>),
}

impl Track {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Clip {
                    motion,
                    origin,
                    centre,
                },
                Self::Clip {
                    motion: motion_2,
                    origin: origin_2,
                    centre: centre_2,
                },
            ) => Arc::ptr_eq(motion, motion_2) && origin == origin_2 && centre == centre_2,
            (Self::Points(a), Self::Points(b)) => a == b,
            _ => false,
        }
    }

    fn mesh(&self, look: &Ribbon) -> Option<Laid> {
        match self {
            Self::Clip {
                motion,
                origin,
                centre,
            } => lay_mesh(&object_path(motion, origin, *centre), &[], look),
            Self::Points(points) => {
                let inner = points.len().saturating_sub(1).max(1);
                lay_mesh(points, points.get(1..inner).unwrap_or(&[]), look)
            }
        }
    }
}

/// A ribbon that lies somewhere.
#[derive(Component, Debug)]
pub(super) struct RibbonDrawing {
    of: Entity,
    /// Whether it shows a [`WaypointRibbon`]; else a playing clip.
    waypoints: bool,
    track: Track,
    width: f32,
    height: f32,
    /// None: there is no path to show.
    length: Option<f32>,
}

type Source<'a> = (
    Entity,
    Option<&'a InteractionPlayer>,
    Option<&'a WaypointRibbon>,
    Option<&'a DebugDraw>,
);

type HasPath = Or<(With<InteractionPlayer>, With<WaypointRibbon>)>;

/// Lays, changes and takes away ribbons.
pub(super) fn lay(
    mut commands: Commands,
    settings: Settings,
    sources: Query<Source, HasPath>,
    shapes: Query<&ObjectShape>,
    clips: Res<Assets<MotionClip>>,
    mut drawn: Query<(
        Entity,
        &mut RibbonDrawing,
        &Mesh3d,
        &MeshMaterial3d<RibbonMaterial>,
    )>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<RibbonMaterial>>,
) {
    let track_of = |source: &Source, waypoints: bool| {
        if waypoints {
            let points = source.2?.points.clone();
            return Some((Track::Points(points), -1.0));
        }
        let playing = source.1?;
        let motion = clips.get(&playing.clip)?.motion.clone();
        let shape = playing.object.and_then(|o| shapes.get(o).ok());
        let track = Track::Clip {
            motion,
            origin: playing.origin,
            centre: shape.map_or_else(Vector3::zeros, |s| s.geometry.center()),
        };
        Some((track, playing.time.max(0.0)))
    };

    for (entity, mut drawing, mesh, material) in &mut drawn {
        let source = sources.get(drawing.of).ok();
        let wanted = source.as_ref().and_then(|source| {
            let look = settings.ribbon(source.3)?;
            Some((look, track_of(source, drawing.waypoints)?))
        });
        let Some((look, (track, now))) = wanted else {
            commands.entity(entity).try_despawn();
            continue;
        };
        let same = drawing.track.same(&track)
            && drawing.width == look.width
            && drawing.height == look.height;
        if !same {
            let laid = track.mesh(look);
            drawing.length = laid.as_ref().map(|l| l.length);
            (drawing.width, drawing.height) = (look.width, look.height);
            drawing.track = track;
            if let Some(laid) = laid {
                let aabb = laid.mesh.compute_aabb();
                if let (Some(aabb), Ok(mut entity)) = (aabb, commands.get_entity(entity)) {
                    entity.try_insert(aabb);
                }
                if let Err(error) = meshes.insert(mesh.id(), laid.mesh) {
                    bevy::log::debug!("the ribbon's mesh could not be replaced: {error}");
                }
            }
        }
        let uniform = uniform(look, drawing.length, now);
        if materials.get(material).is_some_and(|m| m.ribbon != uniform)
            && let Some(mut material) = materials.get_mut(material)
        {
            material.ribbon = uniform;
        }
    }

    for source in &sources {
        let Some(look) = settings.ribbon(source.3) else {
            continue;
        };
        for waypoints in [false, true] {
            let there = |d: &RibbonDrawing| d.of == source.0 && d.waypoints == waypoints;
            if drawn.iter().any(|(_, d, ..)| there(d)) {
                continue;
            }
            let Some((track, now)) = track_of(&source, waypoints) else {
                continue;
            };
            let laid = track.mesh(look);
            let length = laid.as_ref().map(|l| l.length);
            let mesh = laid.map_or_else(empty, |l| l.mesh);
            commands.spawn((
                drawing(source.0, "path ribbon"),
                RibbonDrawing {
                    of: source.0,
                    waypoints,
                    track,
                    width: look.width,
                    height: look.height,
                    length,
                },
                Mesh3d(meshes.add(mesh)),
                MeshMaterial3d(materials.add(RibbonMaterial {
                    ribbon: uniform(look, length, now),
                })),
            ));
        }
    }
}

/// A mesh of one point, for a ribbon that has nothing to show yet: a mesh without vertices cannot be drawn.
fn empty() -> Mesh {
    let mut out = Vertices::default();
    for _ in 0..3 {
        out.push(Vec3::ZERO, Vec2::ZERO, Vec2::ZERO);
    }
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, out.positions)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, vec![Vec3::Y; 3])
    .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, out.uv)
    .with_inserted_attribute(Mesh::ATTRIBUTE_UV_1, out.timing)
    .with_inserted_indices(Indices::U32(vec![0, 1, 2]))
}

pub(super) fn linear(color: Color) -> Vec4 {
    LinearRgba::from(color).to_vec4()
}

fn uniform(look: &Ribbon, length: Option<f32>, now: f32) -> RibbonUniform {
    let opacity = if length.is_some() { look.opacity } else { 0.0 };
    RibbonUniform {
        slow: linear(look.slow),
        fast: linear(look.fast),
        unreachable: linear(look.unreachable),
        extent: Vec4::new(look.width, length.unwrap_or(0.0), now, look.max_speed),
        marks: Vec4::new(
            look.chevrons.max(0.0),
            look.flow,
            look.ticks.max(0.0),
            opacity.clamp(0.0, 1.0),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, z: f32, seconds: f32) -> RibbonPoint {
        RibbonPoint {
            position: Vec3::new(x, 0.0, z),
            seconds,
        }
    }

    #[test]
    fn speed_and_time_follow_the_points() {
        let points = [
            point(0.0, 0.0, 0.0),
            point(2.0, 0.0, 2.0),
            point(5.0, 0.0, 3.0),
        ];
        let line = centre_line(&points, 0.16);
        let (first, last) = (line[0], line[line.len() - 1]);
        assert_eq!((first.position, last.position), (Vec3::ZERO, Vec3::X * 5.0));
        assert!((last.along - 5.0).abs() < 1e-3);
        assert!((first.seconds, last.seconds) == (0.0, 3.0));
        assert!((first.speed - 1.0).abs() < 1e-3);
        assert!((last.speed - 3.0).abs() < 1e-3);
        let middle = line
            .iter()
            .min_by_key(|s| ((s.along - 1.0).abs() * 1e4) as i32);
        assert!((middle.expect("samples").seconds - 1.0).abs() < 0.05);
        assert!(line.windows(2).all(|w| w[1].along > w[0].along));
    }

    #[test]
    fn corners_are_rounded_and_ends_stay() {
        let points = [
            point(0.0, 0.0, 0.0),
            point(1.0, 0.0, 1.0),
            point(1.0, 1.0, 2.0),
        ];
        let line = centre_line(&points, 0.2);
        let corner = Vec3::X;
        let nearest = line.iter().map(|s| s.position.distance(corner));
        assert!(nearest.fold(f32::INFINITY, f32::min) > 0.02);
        assert_eq!(line[line.len() - 1].position, Vec3::new(1.0, 0.0, 1.0));
    }

    #[test]
    fn standing_is_no_path_and_waiting_is_no_speed() {
        assert!(centre_line(&[point(1.0, 1.0, 0.0), point(1.0, 1.0, 3.0)], 0.1).is_empty());
        assert!(centre_line(&[point(1.0, 1.0, 0.0)], 0.1).is_empty());
        assert!(centre_line(&[], 0.1).is_empty());
        // It waits two seconds before it sets out.
        let points = [
            point(0.0, 0.0, 0.0),
            point(0.0, 0.0, 2.0),
            point(1.0, 0.0, 3.0),
        ];
        let line = centre_line(&points, 0.1);
        assert!((line[0].seconds - 2.0).abs() < 1e-5);
        assert!((line[0].speed - 1.0).abs() < 1e-3);
    }

    #[test]
    fn nonsense_lays_nothing_and_does_not_panic() {
        let look = Ribbon::default();
        let nan = [point(f32::NAN, 0.0, 0.0), point(1.0, 0.0, f32::INFINITY)];
        assert!(lay_mesh(&nan, &[], &look).is_none());
        let far = [point(0.0, 0.0, 0.0), point(1e30, 0.0, 1.0)];
        assert!(lay_mesh(&far, &[], &look).is_none());
        let path = [point(0.0, 0.0, 0.0), point(1.0, 0.0, 1.0)];
        for width in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let look = Ribbon {
                width,
                ..look.clone()
            };
            assert!(lay_mesh(&path, &[], &look).is_none());
        }
        // Straight up, and back on itself.
        let up = [
            point(0.0, 0.0, 0.0),
            RibbonPoint {
                position: Vec3::Y,
                seconds: 1.0,
            },
        ];
        assert!(lay_mesh(&up, &[], &look).is_some());
        let back = [
            point(0.0, 0.0, 0.0),
            point(1.0, 0.0, 1.0),
            point(0.0, 0.0, 1.0),
        ];
        let laid = lay_mesh(&back, &back[1..2], &look).expect("a path");
        let positions = laid
            .mesh
            .attribute(Mesh::ATTRIBUTE_POSITION)
            .expect("places");
        let places = positions.as_float3().expect("three numbers each");
        assert!(places.iter().flatten().all(|c| c.is_finite()));
    }

    #[test]
    fn the_mesh_faces_up_and_is_as_long_as_the_path() {
        let look = Ribbon::default();
        let points = [point(0.0, 0.0, 0.0), point(0.0, 2.0, 2.0)];
        let laid = lay_mesh(&points, &[point(0.0, 1.0, 1.0)], &look).expect("a path");
        assert!((laid.length - 2.0).abs() < 1e-3);
        let positions = laid
            .mesh
            .attribute(Mesh::ATTRIBUTE_POSITION)
            .expect("places");
        let places = positions.as_float3().expect("three numbers each");
        assert!(places.iter().all(|p| (p[1] - look.height).abs() < 1e-6));
        let corners: Vec<_> = laid.mesh.indices().expect("indices").iter().collect();
        for t in corners.chunks(3) {
            let [a, b, c] = [t[0], t[1], t[2]].map(|i| Vec3::from(places[i]));
            assert!((b - a).cross(c - a).y > 0.0, "{a} {b} {c}");
        }
    }
}
