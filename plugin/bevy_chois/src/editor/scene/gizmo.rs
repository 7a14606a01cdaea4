//! Bevy's own transform gizmo, on what was taken last: it moves a waypoint, moves and turns where an object or a person begins
//! and ends, and turns the joint that is touched up.
//!
//! The gizmo works on an entity of the editor's, whose place is read in every frame and brought into the project as a drag of
//! the handle is. What the app has the gizmo do is put aside meanwhile, and is there again as soon as nothing is taken: its
//! focus, its camera, its settings. Where the app gives the focus to something else, the editor lets go.

use bevy::ecs::prelude::*;
use bevy::gizmos::transform_gizmo::{
    TransformGizmoAxis, TransformGizmoCamera, TransformGizmoFocus, TransformGizmoMode,
    TransformGizmoSettings, TransformGizmoSpace, TransformGizmoState,
};
use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::math::Quat;
use bevy::transform::components::Transform;
use chois::frame::y_up_to_z_up;
use chois::motion::edit::JointTouchUp;
use chois::project::{StripId, TakeId};
use nalgebra::{UnitQuaternion, Vector3};

use super::grip::{Grip, To};
use super::handles::{Handle, Part};
use super::lens::Cameras;
use super::pointer::ScenePointer;
use super::route::EditorDrawing;
use super::snap::Snap;
use super::walls::Walls;
use super::way::Planned;
use crate::editor::panel::{Page, Panel, touch};
use crate::editor::session::Editor;
use crate::frame;

/// Length of an arrow, share of the distance to the eye: longer than Bevy's 0.1, for a handle's disc and ring lie within.
const LONG: f32 = 0.15;
/// The same of rings about a joint, which are not to hide the person.
const SMALL: f32 = 0.06;
/// So near an arrow or a ring counts as on it, logical pixels: less than Bevy's own 35, for there are other handles about.
const NEAR: f32 = 10.0;

/// What Bevy's gizmo does with what is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tool {
    /// It moves it.
    #[default]
    Move,
    /// It turns it, where it can be turned.
    Turn,
}

/// The entity that the gizmo moves.
#[derive(Component)]
pub(super) struct Proxy;

/// What the gizmo stands on.
#[derive(Clone, Debug, PartialEq)]
enum On {
    Handle(StripId, Handle),
    Joint(TakeId, String),
}

/// What it drags.
enum Held {
    Handle(Box<Grip>),
    Joint {
        by: JointTouchUp,
        at: f32,
        /// How the joint is turned without this.
        bare: UnitQuaternion<f32>,
        /// What it was turned by before.
        before: [f32; 3],
    },
}

/// The gizmo, as far as it is the editor's.
#[derive(Resource, Default)]
pub(super) struct Gizmo {
    on: Option<On>,
    proxy: Option<Entity>,
    held: Option<Held>,
    /// Axes that can be dragged.
    pub axes: Vec<TransformGizmoAxis>,
    aside: Option<Aside>,
}

/// What the app has the gizmo do.
struct Aside {
    focus: Vec<Entity>,
    cameras: Vec<Entity>,
    settings: TransformGizmoSettings,
}

impl Gizmo {
    /// Whether it stands on something of the editor's.
    pub fn stands(&self) -> bool {
        self.proxy.is_some()
    }
}

/// Where it stands, and what it can do there.
struct Stand {
    on: On,
    place: Transform,
    tool: Tool,
    axes: Vec<TransformGizmoAxis>,
    /// Whether its axes are the thing's own.
    own: bool,
    /// The handle's part that it stands for.
    replaces: Option<(Handle, Part)>,
}

/// Takes in what was dragged, before the pointer is read.
pub(super) fn pull(
    keys: Option<Res<ButtonInput<KeyCode>>>,
    proxies: Query<&Transform, With<Proxy>>,
    walls: Res<Walls>,
    panel: Option<Res<Panel>>,
    mut editor: ResMut<Editor>,
    mut planned: ResMut<Planned>,
    mut gizmo: ResMut<Gizmo>,
    mut pointer: ResMut<ScenePointer>,
    mut state: ResMut<TransformGizmoState>,
) {
    let ours = gizmo.proxy.is_some();
    let dragged = ours && state.active && state.entity == gizmo.proxy;
    let busy = dragged || (ours && state.hovered_axis.is_some());
    if pointer.gizmo != busy {
        pointer.gizmo = busy;
    }
    let pressed = |key| keys.as_ref().is_some_and(|k| k.just_pressed(key));
    let place = gizmo.proxy.and_then(|proxy| proxies.get(proxy).ok());
    let Some(place) = place.filter(|_| dragged).copied() else {
        if gizmo.held.take().is_some() {
            editor.settle();
            pointer.tell(None, None);
        }
        return;
    };
    if pressed(KeyCode::Escape) {
        state.active = false;
        (state.axis, state.entity) = (None, None);
        pointer.tell(None, None);
        match gizmo.held.take() {
            Some(Held::Handle(grip)) => grip.give_up(&mut editor),
            Some(Held::Joint { by, at, before, .. }) => {
                touch::turn(&mut editor, JointTouchUp { turn: before, ..by }, at);
                editor.settle();
            }
            None => {}
        }
        return;
    }
    if place == state.start_transform && gizmo.held.is_none() {
        return;
    }
    if gizmo.held.is_none() {
        editor.settle();
        let up = state.axis == Some(TransformGizmoAxis::Y);
        gizmo.held = match gizmo.on.clone() {
            Some(On::Handle(_, handle)) => {
                let part = match editor.scene.tool {
                    Tool::Turn if !matches!(handle, Handle::Waypoint(_)) => Part::Turn,
                    _ if up => Part::Height,
                    _ => Part::Floor,
                };
                let grip = Grip::of(handle, part, &editor, &planned);
                grip.map(|grip| Held::Handle(Box::new(grip)))
            }
            Some(On::Joint(..)) => panel.and_then(|panel| joint(&editor, &panel)).map(|joint| {
                let Joint {
                    by, at, rotation, ..
                } = joint;
                let before = by.turn;
                let turned = Vector3::from(before.map(f32::to_radians));
                let bare = rotation * UnitQuaternion::from_scaled_axis(turned).inverse();
                Held::Joint {
                    by,
                    at,
                    bare,
                    before,
                }
            }),
            None => None,
        };
    }
    match &mut gizmo.held {
        Some(Held::Handle(grip)) => {
            let at = frame::vector(place.translation);
            let to = match grip.part {
                Part::Turn => {
                    let ahead = frame::rotation(place.rotation) * Vector3::x();
                    let degrees = ahead.y.atan2(ahead.x).to_degrees();
                    To::Turn(Snap::default().turn(degrees))
                }
                Part::Height => To::Place(at.xy(), Some(grip.height(at.z, &walls, &editor))),
                _ => To::Place(at.xy(), grip.stands().then_some(at.z)),
            };
            let trouble = grip.bring(to, &walls, &mut editor);
            planned.follow(&editor);
            pointer.tell(Some((grip.spot.handle, grip.part)), trouble);
        }
        Some(Held::Joint { by, at, bare, .. }) => {
            let turn = bare.inverse() * axes_of(place.rotation);
            by.turn = turn.scaled_axis().map(f32::to_degrees).into();
            touch::turn(&mut editor, by.clone(), *at);
        }
        None => {}
    }
}

/// The joint that is touched up, as it is at the playhead.
struct Joint {
    by: JointTouchUp,
    at: f32,
    place: Vector3<f32>,
    rotation: UnitQuaternion<f32>,
}

fn joint(editor: &Editor, panel: &Panel) -> Option<Joint> {
    let strip = editor.strip()?;
    let shown = strip.shown()?;
    let clip = editor.library().clip(shown.id)?;
    let at = editor.playhead - strip.start;
    if !(0.0..=clip.seconds()).contains(&at) {
        return None;
    }
    let by = touch::begun(panel, shown, at);
    let frame = ((at * clip.fps).round() as usize).min(clip.frames.len().checked_sub(1)?);
    let number = chois::skeleton::NAMES.iter().position(|n| *n == by.joint)?;
    Some(Joint {
        at,
        place: clip.joints(frame)[number],
        rotation: *clip.frames[frame].pose.rotations.get(number)?,
        by,
    })
}

/// The rotation whose axes are a joint's own x, y and z, seen in Bevy's world: the gizmo's rings are what the panel's numbers
/// turn about.
fn with_axes(joint: UnitQuaternion<f32>) -> Quat {
    frame::same_quat(y_up_to_z_up().inverse() * joint)
}

/// The other way.
fn axes_of(gizmo: Quat) -> UnitQuaternion<f32> {
    y_up_to_z_up() * frame::same_rotation(gizmo)
}

/// What it is to stand on.
fn wanted(editor: &Editor, panel: Option<&Panel>, planned: &Planned) -> Option<Stand> {
    use TransformGizmoAxis::{X, Y, Z};
    if !editor.shown || editor.playing || editor.scene.filming.is_some() {
        return None;
    }
    if let Some((strip, handle)) = editor.scene.picked
        && editor.selected == Some(strip)
    {
        let spot = planned.spot(handle)?;
        let (angle, tool) = match (spot.angle, editor.scene.tool) {
            (Some((angle, _)), tool) => (angle, tool),
            (None, _) => (0.0, Tool::Move),
        };
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle);
        let part = match tool {
            Tool::Move => spot.top.map(|_| Part::Height),
            Tool::Turn => Some(Part::Turn),
        };
        return Some(Stand {
            on: On::Handle(strip, handle),
            place: Transform::from_translation(frame::vec3(spot.at))
                .with_rotation(frame::quat(turn)),
            tool,
            axes: match (tool, spot.top) {
                (Tool::Move, Some(_)) => vec![X, Y, Z],
                (Tool::Move, None) => vec![X, Z],
                (Tool::Turn, _) => vec![Y],
            },
            own: false,
            replaces: part.map(|part| (handle, part)),
        });
    }
    let panel = panel.filter(|p| p.page == Page::Edit && !editor.scene.see.uncorrected)?;
    let joint = joint(editor, panel)?;
    Some(Stand {
        on: On::Joint(editor.strip()?.shown?, joint.by.joint.clone()),
        place: Transform::from_translation(frame::vec3(joint.place))
            .with_rotation(with_axes(joint.rotation)),
        tool: Tool::Turn,
        axes: vec![X, Y, Z],
        own: true,
        replaces: None,
    })
}

/// Has the gizmo stand where it is wanted, after the pointer was read.
pub(super) fn stand(
    mut commands: Commands,
    keys: Option<Res<ButtonInput<KeyCode>>>,
    cameras: Cameras,
    (panel, planned): (Option<Res<Panel>>, Res<Planned>),
    mut editor: ResMut<Editor>,
    mut gizmo: ResMut<Gizmo>,
    mut pointer: ResMut<ScenePointer>,
    (mut settings, mut state): (ResMut<TransformGizmoSettings>, ResMut<TransformGizmoState>),
    focused: Query<Entity, (With<TransformGizmoFocus>, Without<Proxy>)>,
    eyes: Query<Entity, With<TransformGizmoCamera>>,
    mut proxies: Query<&mut Transform, With<Proxy>>,
) {
    // Since the gizmo stands here, the app has given it to something else.
    if gizmo.stands() && !focused.is_empty() {
        editor.scene.picked = None;
        let_go(&mut commands, &mut gizmo, &mut settings, true);
        return;
    }
    let lens = cameras.lens();
    let stand = wanted(&editor, panel.as_deref(), &planned);
    let (Some(stand), Some(lens)) = (stand, lens) else {
        if pointer.replaced.is_some() {
            pointer.replaced = None;
        }
        if gizmo.stands() {
            let_go(&mut commands, &mut gizmo, &mut settings, false);
        }
        return;
    };
    let dragged = state.active && gizmo.proxy.is_some() && state.entity == gizmo.proxy;
    match gizmo.proxy {
        None => {
            let aside = Aside {
                focus: focused.iter().collect(),
                cameras: eyes.iter().filter(|eye| *eye != lens.entity).collect(),
                settings: copy(&settings),
            };
            for entity in &aside.focus {
                commands.entity(*entity).try_remove::<TransformGizmoFocus>();
            }
            for entity in &aside.cameras {
                commands
                    .entity(*entity)
                    .try_remove::<TransformGizmoCamera>();
            }
            commands
                .entity(lens.entity)
                .insert_if_new(TransformGizmoCamera);
            gizmo.aside = Some(aside);
            let proxy = (Proxy, EditorDrawing, TransformGizmoFocus, stand.place);
            gizmo.proxy = Some(commands.spawn(proxy).id());
        }
        Some(proxy) if !dragged => {
            if let Ok(mut place) = proxies.get_mut(proxy) {
                place.set_if_neq(stand.place);
            }
        }
        Some(_) => {}
    }
    if !dragged {
        gizmo.on = Some(stand.on);
    }
    let down = |any: [KeyCode; 2]| keys.as_ref().is_some_and(|k| k.any_pressed(any));
    let ctrl = down([KeyCode::ControlLeft, KeyCode::ControlRight]);
    let snap = editor.scene.snap.inverted(ctrl);
    settings.mode = match stand.tool {
        Tool::Move => TransformGizmoMode::Translate,
        Tool::Turn => TransformGizmoMode::Rotate,
    };
    settings.space = match stand.own {
        true => TransformGizmoSpace::Local,
        false => TransformGizmoSpace::World,
    };
    settings.axis_hit_distance = NEAR;
    settings.screen_scale_factor = if stand.own { SMALL } else { LONG };
    settings.snap_translate = (snap.on && snap.grid > 0.0).then_some(snap.grid);
    settings.snap_rotate = (snap.on && snap.angle > 0.0).then(|| snap.angle.to_radians());
    settings.confine_cursor = false;
    if pointer.replaced != stand.replaces {
        pointer.replaced = stand.replaces;
    }
    gizmo.axes = stand.axes;
    // Handles go before it, and so does what lies over the scene; what it has and this cannot do is no handle.
    let can = |axis| gizmo.axes.contains(&axis);
    if !dragged && (pointer.keeps() || !state.hovered_axis.is_none_or(can)) {
        state.hovered_axis = None;
    }
}

/// Gives the gizmo back to the app, which may have taken the focus itself.
fn let_go(
    commands: &mut Commands,
    gizmo: &mut Gizmo,
    settings: &mut TransformGizmoSettings,
    taken: bool,
) {
    if let Some(proxy) = gizmo.proxy.take() {
        commands.entity(proxy).try_despawn();
    }
    (gizmo.on, gizmo.held) = (None, None);
    gizmo.axes.clear();
    let Some(aside) = gizmo.aside.take() else {
        return;
    };
    *settings = aside.settings;
    for entity in aside.focus.into_iter().filter(|_| !taken) {
        if let Ok(mut entity) = commands.get_entity(entity) {
            entity.try_insert(TransformGizmoFocus);
        }
    }
    for entity in aside.cameras {
        if let Ok(mut entity) = commands.get_entity(entity) {
            entity.try_insert(TransformGizmoCamera);
        }
    }
}

fn copy(of: &TransformGizmoSettings) -> TransformGizmoSettings {
    TransformGizmoSettings { ..*of }
}
