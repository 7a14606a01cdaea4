//! What is shown.

use bevy::prelude::*;
use bevy_chois::debug_draw::{ChoisGizmos, ContactHeat, Ghosts, Ribbon, WaypointRibbon};
use bevy_chois::editor::EditorDrawing;
use bevy_chois::playback::InteractionPlayer;

use crate::cast::Cast;
use crate::floor::Mark;
use crate::plans::OfPlan;
use crate::room::OfRoom;
use crate::wishes::Wishes;

/// What is shown.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Shows {
    /// The panel.
    pub panel: bool,
    /// The authoring panel, in its place.
    pub editor: bool,
    /// The person.
    pub avatar: bool,
    /// The room's pieces.
    pub room: bool,
    /// The waypoints' marks.
    pub marks: bool,
    /// Contact heat on object and palms.
    pub heat: bool,
    /// The object's path on the floor; before there is a clip, that through the waypoints.
    pub ribbon: bool,
    /// The clip's ghosts.
    pub ghosts: bool,
    /// The ways of who carries a command out, and where things go.
    pub plan: bool,
}

impl Default for Shows {
    fn default() -> Self {
        Self {
            panel: true,
            editor: false,
            avatar: true,
            room: true,
            marks: true,
            heat: false,
            ribbon: false,
            ghosts: false,
            plan: false,
        }
    }
}

/// Shows and hides what belongs to the viewer.
pub fn apply(
    shows: Res<Shows>,
    cast: Res<Cast>,
    pieces: Query<Entity, With<OfRoom>>,
    marks: Query<Entity, With<Mark>>,
    mut visibility: Query<&mut Visibility>,
) {
    let mut show = |entity: Entity, shown: bool| {
        let wanted = if shown {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        };
        if let Ok(mut visibility) = visibility.get_mut(entity) {
            visibility.set_if_neq(wanted);
        }
    };
    for mark in &marks {
        // The editor has handles of its own.
        show(mark, shows.marks && !shows.editor);
    }
    for piece in &pieces {
        show(piece, shows.room || cast.object == Some(piece));
    }
    if let Some(avatar) = cast.avatar {
        show(avatar, shows.avatar);
    }
}

/// Whether a clip moves an object; who stands at ease moves none.
fn plays(interactions: &Query<&InteractionPlayer>) -> bool {
    interactions.iter().any(|i| i.object.is_some())
}

/// Switches the plugin's own drawing on and off.
pub fn draw(
    shows: Res<Shows>,
    interactions: Query<&InteractionPlayer>,
    mut store: ResMut<GizmoConfigStore>,
    mut before: Local<Option<(Shows, bool)>>,
) {
    let now = Some((*shows, plays(&interactions)));
    if *before == now {
        return;
    }
    *before = now;
    let (_, chois) = store.config_mut::<ChoisGizmos>();
    chois.contact_heat = shows.heat.then(ContactHeat::default);
    chois.ribbon = shows.ribbon.then(Ribbon::default);
    // Ghosts of who only stands would stand within them.
    chois.ghosts = (shows.ghosts && plays(&interactions)).then(Ghosts::default);
}

/// Lays a ribbon through the waypoints while no clip shows its own.
pub fn plan(
    mut commands: Commands,
    shows: Res<Shows>,
    wishes: Res<Wishes>,
    cast: Res<Cast>,
    places: Query<&GlobalTransform>,
    interactions: Query<&InteractionPlayer>,
    mut planned: Query<(Entity, &mut WaypointRibbon), (Without<OfPlan>, Without<EditorDrawing>)>,
) {
    let begin = cast.object.and_then(|object| places.get(object).ok());
    let begin = begin.filter(|_| shows.ribbon && !shows.editor && !plays(&interactions));
    let plan = begin.map(|begin| {
        let begin = begin.translation().with_y(0.0);
        let way = wishes.waypoints.iter().map(|at| Vec3::new(at.x, 0.0, at.y));
        WaypointRibbon::even(std::iter::once(begin).chain(way), wishes.seconds)
    });
    match (plan, planned.iter_mut().next()) {
        (Some(plan), Some((_, mut old))) => {
            old.set_if_neq(plan);
        }
        (Some(plan), None) => {
            commands.spawn(plan);
        }
        (None, Some((entity, _))) => commands.entity(entity).despawn(),
        (None, None) => {}
    }
}
