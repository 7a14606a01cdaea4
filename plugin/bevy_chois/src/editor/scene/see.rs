//! What else can be seen of the takes at the playhead: ghosts, trajectories, foot skate, heat, the source skeleton.

use std::sync::Arc;

use bevy::color::{Alpha, Color};
use bevy::ecs::prelude::*;
use bevy::gizmos::config::{GizmoConfigGroup, GizmoConfigStore};
use bevy::gizmos::gizmos::Gizmos;
use bevy::math::{Isometry3d, Vec3};
use bevy::reflect::Reflect;
use bevy::reflect::std_traits::ReflectDefault;
use chois::motion::MotionClip;
use chois::project::Measures;
use chois::skeleton::{PARENTS, joint};
use nalgebra::{Vector2, Vector3};

use super::lens::Cameras;
use super::way::Planned;
use crate::debug_draw::{ContactHeat, DebugDraw, GhostTimes, Ghosts, Show};
use crate::editor::session::Editor;
use crate::editor::stage::{EditorPerson, Staged, staged};
use crate::frame;

/// A foot that slides faster than this while it is down leaves a mark, metres a second.
const SKATES: f32 = 0.15;
/// How far beside the avatar the source skeleton stands, metres: where it is clear of handles, else as near as it can be.
const BESIDE: [f32; 2] = [0.9, 1.5];
/// It is clear of what is farther away than this, metres.
const CLEAR: f32 = 0.55;
const LEFT: Color = Color::srgb(0.43, 0.70, 1.0);
const RIGHT: Color = Color::srgb(1.0, 0.63, 0.35);
const OBJECT: Color = Color::srgb(0.55, 0.95, 0.62);
const MARK: Color = Color::srgb(1.0, 0.22, 0.16);
/// From a palm to the surface.
const GAP: Color = Color::srgb(1.0, 0.85, 0.3);
const BONE: Color = Color::srgb(0.95, 0.95, 1.0);

/// How the editor's lines are drawn.
#[derive(Default, Reflect, GizmoConfigGroup)]
#[reflect(Default)]
pub struct EditorGizmos;

/// What is shown of the takes at the playhead.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct See {
    /// Ghosts of person and object, so many seconds apart.
    pub ghosts: Option<f32>,
    /// The ways of both palms and of the object, brighter where they have been.
    pub paths: bool,
    /// How near palms are to the object's surface.
    pub heat: bool,
    /// Where feet slide that should stand.
    pub skate: bool,
    /// The take as the network made it, before hands were made to hold; only of takes that were made since the project was
    /// opened.
    pub uncorrected: bool,
    /// The skeleton that the avatar's motion is made from, beside it.
    pub skeleton: bool,
}

impl See {
    fn draws(&self) -> DebugDraw {
        let mut draw = DebugDraw::default();
        if self.heat {
            draw.contact_heat = Show::Always(ContactHeat::default());
            // Centimetres do not show in a glow: a line goes from each palm to the surface.
            draw.palms = Show::Always(GAP);
        }
        if let Some(step) = self.ghosts {
            draw.ghosts = Show::Always(Ghosts {
                times: GhostTimes::Every(step.max(0.1)),
                ..Ghosts::default()
            });
        }
        draw
    }
}

/// An avatar whose [`DebugDraw`] is the editor's.
#[derive(Component)]
pub(super) struct Seen;

/// Has the avatars of the project show what is to be seen.
pub(super) fn dress(
    mut commands: Commands,
    editor: Res<Editor>,
    mut people: Query<(
        Entity,
        Option<&EditorPerson>,
        Option<&mut DebugDraw>,
        Has<Seen>,
    )>,
) {
    let wanted = editor.scene.see.draws();
    let any = editor.shown && wanted != DebugDraw::default();
    for (entity, person, draw, seen) in &mut people {
        match (any && person.is_some(), draw) {
            (true, Some(mut draw)) if seen => {
                draw.set_if_neq(wanted.clone());
            }
            // The game's own stays.
            (true, None) => {
                commands.entity(entity).insert((Seen, wanted.clone()));
            }
            (false, Some(_)) if seen => {
                commands.entity(entity).remove::<(Seen, DebugDraw)>();
            }
            _ => {}
        }
    }
}

/// A take's trajectories, one place a frame. Bevy's world, metres.
struct Lines {
    of: Arc<MotionClip>,
    palms: [Vec<Vec3>; 2],
    object: Vec<Vec3>,
    toes: [Vec<Vec3>; 2],
    /// Speed of each toe over the floor while it is low, metres a second.
    skate: [Vec<f32>; 2],
}

impl Lines {
    fn of(clip: &Arc<MotionClip>, center: Option<Vector3<f32>>) -> Self {
        let joints: Vec<_> = (0..clip.frames.len()).map(|f| clip.joints(f)).collect();
        let line = |j: usize| joints.iter().map(|all| frame::vec3(all[j])).collect();
        let on_floor = |j: usize| {
            let flat = |v: Vector3<f32>| Vector3::new(v.x, v.y, 0.012);
            joints.iter().map(|all| frame::vec3(flat(all[j]))).collect()
        };
        let object = center.map_or_else(Vec::new, |center| {
            let place = |f: &chois::motion::Frame| f.object_position + f.object_rotation * center;
            clip.frames.iter().map(|f| frame::vec3(place(f))).collect()
        });
        Self {
            of: clip.clone(),
            palms: [line(joint::LEFT_PALM), line(joint::RIGHT_PALM)],
            object,
            toes: [on_floor(joint::LEFT_TOE), on_floor(joint::RIGHT_TOE)],
            skate: Measures::of(clip, None).skate,
        }
    }
}

/// Lines of the takes that were drawn last, one for each person.
#[derive(Default)]
pub(super) struct Known(Vec<Option<Lines>>);

/// Lines are drawn thicker than others, and over what they are on.
pub(super) fn configure(store: Option<ResMut<GizmoConfigStore>>) {
    if let Some(mut store) = store {
        let (config, _) = store.config_mut::<EditorGizmos>();
        config.line.width = 3.0;
        config.depth_bias = -0.002;
    }
}

/// Draws trajectories, marks and skeletons.
pub(super) fn draw(
    mut gizmos: Gizmos<EditorGizmos>,
    mut known: Local<Known>,
    editor: Res<Editor>,
    cameras: Cameras,
    planned: Res<Planned>,
) {
    let see = editor.scene.see;
    if !editor.shown || !(see.paths || see.skate || see.skeleton) {
        return;
    }
    let tracks = editor.project().tracks.len();
    known.0.resize_with(tracks, || None);
    for (track, known) in known.0.iter_mut().enumerate() {
        let Some(Staged {
            strip, clip, time, ..
        }) = staged(&editor, track)
        else {
            continue;
        };
        let now = (time * clip.fps).round() as usize;
        if see.paths || see.skate {
            let thing = strip.object().and_then(|id| editor.library().thing(id));
            let fresh = known.as_ref().is_some_and(|k| Arc::ptr_eq(&k.of, &clip));
            if !fresh {
                let center = thing.map(|t| t.geometry.center());
                *known = Some(Lines::of(&clip, center));
            }
            if let Some(lines) = known {
                trajectories(&mut gizmos, lines, now, see);
            }
        }
        if see.skeleton && now < clip.frames.len() {
            let right = cameras.lens().map_or(Vector2::x(), |lens| {
                let ahead = lens.ahead();
                Vector2::new(ahead.y, -ahead.x)
            });
            let spots: Vec<Vector2<f32>> = planned.spots.iter().map(|s| s.at.xy()).collect();
            let aside = beside(&clip, right, &spots);
            let aside = Vector3::new(aside.x, aside.y, 0.0);
            skeleton(&mut gizmos, &clip, now, frame::vec3(aside));
        }
    }
}

fn trajectories(gizmos: &mut Gizmos<EditorGizmos>, lines: &Lines, now: usize, see: See) {
    let fading = |line: &[Vec3], color: Color| -> Vec<(Vec3, Color)> {
        let shade = |t: usize| color.with_alpha(if t <= now { 1.0 } else { 0.3 });
        (line.iter().enumerate())
            .map(|(t, at)| (*at, shade(t)))
            .collect()
    };
    if see.paths {
        for (line, color) in [
            (&lines.palms[0], LEFT),
            (&lines.palms[1], RIGHT),
            (&lines.object, OBJECT),
        ] {
            gizmos.linestrip_gradient(fading(line, color));
            if let Some(at) = line.get(now) {
                gizmos.sphere(Isometry3d::from_translation(*at), 0.02, color);
            }
        }
    }
    if see.skate {
        for (toes, speeds) in lines.toes.iter().zip(&lines.skate) {
            for (t, speed) in speeds.iter().enumerate().skip(1) {
                let (from, to) = (toes[t - 1], toes[t]);
                if *speed < SKATES || from.distance(to) < 1e-4 {
                    continue;
                }
                gizmos.line(from, to, MARK);
                // The faster, the wider.
                let across = (to - from).cross(Vec3::Y).normalize_or_zero();
                let half = across * (0.05 * speed).min(0.06);
                gizmos.line(to - half, to + half, MARK);
            }
        }
    }
}

/// Where the source skeleton goes beside the avatar, the same all along: clear of handles, or else as far from them as it gets.
fn beside(clip: &MotionClip, right: Vector2<f32>, spots: &[Vector2<f32>]) -> Vector2<f32> {
    /// Frames from one that is looked at to the next.
    const STEP: usize = 8;
    let room = |aside: Vector2<f32>| {
        let way = clip.frames.iter().step_by(STEP);
        let way = way.map(|f| f.pose.root.xy() + aside);
        let near = way.flat_map(|at| spots.iter().map(move |s| (s - at).norm()));
        near.fold(CLEAR, f32::min)
    };
    let mut best = (right * BESIDE[0], room(right * BESIDE[0]));
    for aside in BESIDE
        .into_iter()
        .flat_map(|far| [right * far, -right * far])
    {
        let room = room(aside);
        if room > best.1 + 1e-3 {
            best = (aside, room);
        }
    }
    best.0
}

fn skeleton(gizmos: &mut Gizmos<EditorGizmos>, clip: &MotionClip, now: usize, aside: Vec3) {
    let joints = clip.joints(now).map(|j| frame::vec3(j) + aside);
    for (j, parent) in PARENTS.iter().enumerate() {
        if let Some(parent) = *parent {
            gizmos.line(joints[parent], joints[j], BONE);
        }
        gizmos.sphere(
            Isometry3d::from_translation(joints[j]),
            0.014,
            BONE.with_alpha(0.8),
        );
    }
    for (palm, color) in [(joint::LEFT_PALM, LEFT), (joint::RIGHT_PALM, RIGHT)] {
        gizmos.sphere(Isometry3d::from_translation(joints[palm]), 0.03, color);
    }
}
