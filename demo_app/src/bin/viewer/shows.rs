//! What is shown.

use bevy::prelude::*;

use crate::cast::Cast;
use crate::floor::Mark;
use crate::room::OfRoom;

/// What is shown.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Shows {
    /// The panel.
    pub panel: bool,
    /// The person.
    pub avatar: bool,
    /// The room's pieces.
    pub room: bool,
    /// The waypoints' marks.
    pub marks: bool,
    /// Contact heat on object and palms.
    pub heat: bool,
    /// The waypoints' ribbon.
    pub ribbon: bool,
    /// The clip's ghosts.
    pub ghosts: bool,
}

impl Default for Shows {
    fn default() -> Self {
        Self {
            panel: true,
            avatar: true,
            room: true,
            marks: true,
            heat: false,
            ribbon: false,
            ghosts: false,
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
        show(mark, shows.marks);
    }
    for piece in &pieces {
        show(piece, shows.room || cast.object == Some(piece));
    }
    if let Some(avatar) = cast.avatar {
        show(avatar, shows.avatar);
    }
}
