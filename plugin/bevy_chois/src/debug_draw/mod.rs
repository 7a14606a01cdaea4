//! Seeing what happens: contact heat, the path's ribbon, ghosts of a clip, bones and palms.
//!
//! Everything is off until it is switched on, in the gizmo config group [`ChoisGizmos`]:
//!
//! ```no_run
//! # use bevy::prelude::*;
//! use bevy_chois::debug_draw::{ChoisGizmos, ContactHeat};
//!
//! fn toggle(mut store: ResMut<GizmoConfigStore>) {
//!     let (_, chois) = store.config_mut::<ChoisGizmos>();
//!     chois.contact_heat = match chois.contact_heat {
//!         None => Some(ContactHeat::default()),
//!         Some(_) => None,
//!     };
//! }
//! ```
//!
//! | item | what it shows | on what |
//! |---|---|---|
//! | [`contact_heat`](ChoisGizmos::contact_heat) | how near the nearest palm is to each point of the surface, with contour lines; brighter where a palm touches | meshes of the object, and the hands (what skins give to the bones of hands and fingers) |
//! | [`ribbon`](ChoisGizmos::ribbon) | where the object goes: chevrons for the direction, a tick a second, colour for the speed (striped red over [`MAX_SPEED`]), a bead at the present | the floor under the object's path, and every [`WaypointRibbon`] |
//! | [`ghosts`](ChoisGizmos::ghosts) | person and object at other times of the clip, coloured by time | beside the playing avatar |
//! | [`bones`](ChoisGizmos::bones) | lines from bone to bone | the avatar |
//! | [`palms`](ChoisGizmos::palms) | the clip's palms: a ring each, filled by how firmly it touches, and a line to the object's surface | the avatar |
//!
//! All but [`WaypointRibbon`] are drawn for avatars that play an [`InteractionPlayer`](crate::playback::InteractionPlayer), paused
//! or not. The component [`DebugDraw`] overrides the group for one avatar or ribbon.
//!
//! Nothing that the game owns is touched: heat is a second skin over meshes that keep their materials, ghosts are
//! entities of their own. Switching off, or despawning what was drawn, removes every trace. Picking ignores all of it.
//! All that is drawn carries [`DebugDrawing`]. Without Bevy's PBR renderer the plugin only registers the settings.

mod clip_view;
mod ghost;
mod hands;
mod heat;
mod lines;
pub mod material;
mod plugin;
mod ribbon;

use bevy::color::Color;
use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::ecs::schedule::SystemSet;
use bevy::gizmos::config::GizmoConfigGroup;
use bevy::math::Vec3;
use bevy::reflect::Reflect;
use bevy::reflect::std_traits::ReflectDefault;
use chois::request::MAX_SPEED;

pub use plugin::DebugDrawPlugin;

/// What is drawn; nothing by default. A gizmo config group: reach it by
/// [`GizmoConfigStore::config_mut`](bevy::gizmos::config::GizmoConfigStore::config_mut). The group's `enabled` switches
/// everything off at once, its `render_layers` say which cameras see it, its `line` how bones and palms are drawn.
#[derive(Reflect, GizmoConfigGroup, Clone, Debug, Default, PartialEq)]
#[reflect(Default)]
pub struct ChoisGizmos {
    /// Nearness and contact of the palms on the object and the hands.
    pub contact_heat: Option<ContactHeat>,
    /// The object's path on the floor.
    pub ribbon: Option<Ribbon>,
    /// Person and object at other times.
    pub ghosts: Option<Ghosts>,
    /// Colour of lines from bone to bone.
    pub bones: Option<Color>,
    /// Colour of the palms' rings.
    pub palms: Option<Color>,
}

impl ChoisGizmos {
    /// Everything, as it comes.
    pub fn all() -> Self {
        Self {
            contact_heat: Some(ContactHeat::default()),
            ribbon: Some(Ribbon::default()),
            ghosts: Some(Ghosts::default()),
            bones: Some(Color::srgb(0.55, 0.85, 1.0)),
            palms: Some(Color::srgb(1.0, 0.85, 0.3)),
        }
    }
}

/// How contact heat looks.
#[derive(Reflect, Clone, Debug, PartialEq)]
#[reflect(Default)]
pub struct ContactHeat {
    /// Distance from a palm at which nothing glows any more, metres.
    pub reach: f32,
    /// 0 is invisible, 1 hides the mesh's own material where it is hottest.
    pub opacity: f32,
    /// Distance between contour lines, metres; 0 for none.
    pub contours: f32,
    /// Whether the object glows.
    pub object: bool,
    /// Whether the avatar's hands glow.
    pub hands: bool,
}

impl Default for ContactHeat {
    fn default() -> Self {
        Self {
            reach: 0.35,
            opacity: 0.92,
            contours: 0.05,
            object: true,
            hands: true,
        }
    }
}

/// How a path's ribbon looks.
#[derive(Reflect, Clone, Debug, PartialEq)]
#[reflect(Default)]
pub struct Ribbon {
    /// Width, metres.
    pub width: f32,
    /// Height over the floor, metres; raise it over thick carpets.
    pub height: f32,
    /// Distance between chevrons, metres; 0 for none.
    pub chevrons: f32,
    /// How fast chevrons move forward, metres a second; 0 lets them stand.
    pub flow: f32,
    /// Seconds between ticks; 0 for none.
    pub ticks: f32,
    /// Whether the points of a [`WaypointRibbon`] are marked.
    pub stops: bool,
    /// Colour of standing still.
    pub slow: Color,
    /// Colour of the fastest that can be reached.
    pub fast: Color,
    /// Colour of what is too fast.
    pub unreachable: Color,
    /// The fastest that can be reached, metres a second.
    pub max_speed: f32,
    /// 0 is invisible, 1 hides the floor.
    pub opacity: f32,
}

impl Default for Ribbon {
    fn default() -> Self {
        Self {
            width: 0.16,
            height: 0.012,
            chevrons: 0.22,
            flow: 0.25,
            ticks: 1.0,
            stops: true,
            slow: Color::srgb(0.13, 0.36, 0.75),
            fast: Color::srgb(0.98, 0.72, 0.18),
            unreachable: Color::srgb(0.86, 0.12, 0.16),
            max_speed: MAX_SPEED,
            opacity: 0.95,
        }
    }
}

/// At which times of a clip ghosts stand.
#[derive(Reflect, Clone, Debug, PartialEq)]
pub enum GhostTimes {
    /// Every so many seconds, from the first frame to the last; at most [`MAX_GHOSTS`].
    Every(f32),
    /// So many, evenly spread, the first and the last frame among them; at most [`MAX_GHOSTS`].
    Count(usize),
    /// At these seconds from the clip's first frame; the first [`MAX_GHOSTS`] of them.
    At(Vec<f32>),
    /// So many seconds from the present (negative: before it), moving with it; the first [`MAX_GHOSTS`] of them.
    Around(Vec<f32>),
}

/// Most ghosts of one avatar: each has a skeleton of its own.
pub const MAX_GHOSTS: usize = 24;

impl GhostTimes {
    /// The times, seconds from the first frame, for a clip of `length` seconds (first to last frame) at `now`. Times out
    /// of the clip are left out, as is what is no number.
    pub fn seconds(&self, length: f32, now: f32) -> Vec<f32> {
        let within = |t: &f32| (-1e-4..=length + 1e-4).contains(t);
        let spread = |count: usize, step: f32| (0..count).map(|i| i as f32 * step).collect();
        if !(length.is_finite() && length >= 0.0) {
            return Vec::new();
        }
        match self {
            Self::Every(step) if *step > 0.0 && step.is_finite() => {
                // At most MAX_GHOSTS: the step grows where there would be more.
                let step = step.max(length / (MAX_GHOSTS - 1) as f32).max(1e-3);
                spread((length / step + 1e-3) as usize + 1, step)
            }
            Self::Every(_) => Vec::new(),
            Self::Count(0) => Vec::new(),
            Self::Count(1) => vec![0.0],
            Self::Count(count) => {
                let count = (*count).min(MAX_GHOSTS);
                spread(count, length / (count - 1) as f32)
            }
            Self::At(times) => times
                .iter()
                .copied()
                .filter(within)
                .take(MAX_GHOSTS)
                .collect(),
            Self::Around(offsets) => offsets
                .iter()
                .map(|offset| now + offset)
                .filter(within)
                .take(MAX_GHOSTS)
                .collect(),
        }
    }
}

/// How ghosts look.
#[derive(Reflect, Clone, Debug, PartialEq)]
#[reflect(Default)]
pub struct Ghosts {
    /// When.
    pub times: GhostTimes,
    /// Colour at the clip's first frame.
    pub first: Color,
    /// Colour at the clip's last frame.
    pub last: Color,
    /// Opacity of the outline, 0 to 1.
    pub opacity: f32,
    /// Share of it that is left where a surface faces the eye, 0 to 1.
    pub body: f32,
    /// How sharp the outline is, 1 (soft) to 6.
    pub sharpness: f32,
    /// Ghosts nearer to the present than this fade away, seconds; 0 keeps them.
    pub clearance: f32,
    /// Whether the person has ghosts.
    pub person: bool,
    /// Whether the object has ghosts.
    pub object: bool,
}

impl Default for Ghosts {
    fn default() -> Self {
        Self {
            times: GhostTimes::Every(1.0),
            first: Color::srgb(0.1, 0.42, 0.95),
            last: Color::srgb(1.0, 0.5, 0.06),
            opacity: 0.9,
            body: 0.36,
            sharpness: 2.2,
            clearance: 0.25,
            person: true,
            object: true,
        }
    }
}

/// Whether one entity follows the group, and how it looks if it does not.
#[derive(Reflect, Clone, Debug, Default, PartialEq)]
pub enum Show<T> {
    /// As [`ChoisGizmos`] says.
    #[default]
    AsConfigured,
    /// Never here.
    Never,
    /// Always here, looking like this.
    Always(T),
}

impl<T> Show<T> {
    /// What holds, given what the group says.
    pub fn or<'a>(&'a self, group: Option<&'a T>) -> Option<&'a T> {
        match self {
            Self::AsConfigured => group,
            Self::Never => None,
            Self::Always(look) => Some(look),
        }
    }
}

/// Overrides [`ChoisGizmos`] for one avatar (or, for its ribbon, one [`WaypointRibbon`]). Everything still needs the
/// group's `enabled`.
#[derive(Component, Reflect, Clone, Debug, Default, PartialEq)]
#[reflect(Default)]
pub struct DebugDraw {
    /// Nearness and contact of the palms.
    pub contact_heat: Show<ContactHeat>,
    /// The object's path.
    pub ribbon: Show<Ribbon>,
    /// Person and object at other times.
    pub ghosts: Show<Ghosts>,
    /// Lines from bone to bone.
    pub bones: Show<Color>,
    /// The palms' rings.
    pub palms: Show<Color>,
}

impl DebugDraw {
    /// Nothing here, whatever the group says.
    pub fn never() -> Self {
        Self {
            contact_heat: Show::Never,
            ribbon: Show::Never,
            ghosts: Show::Never,
            bones: Show::Never,
            palms: Show::Never,
        }
    }

    /// Everything here, whatever the group says.
    pub fn always() -> Self {
        let all = ChoisGizmos::all();
        fn show<T>(look: Option<T>) -> Show<T> {
            look.map_or(Show::AsConfigured, Show::Always)
        }
        Self {
            contact_heat: show(all.contact_heat),
            ribbon: show(all.ribbon),
            ghosts: show(all.ghosts),
            bones: show(all.bones),
            palms: show(all.palms),
        }
    }
}

/// A place on a path and when it is reached.
#[derive(Reflect, Clone, Copy, Debug, PartialEq)]
pub struct RibbonPoint {
    /// On the floor, Bevy's world, metres.
    pub position: Vec3,
    /// Seconds from the start.
    pub seconds: f32,
}

/// Waypoints to show as a ribbon before there is a clip: put it on any entity. Points are in the world; the entity's own
/// place plays no part. Points that are not finite are left out; fewer than two show nothing.
#[derive(Component, Reflect, Clone, Debug, Default, PartialEq)]
pub struct WaypointRibbon {
    /// The places in order of time. Between them the path runs straight, corners rounded.
    pub points: Vec<RibbonPoint>,
}

impl WaypointRibbon {
    /// Places reached in even time: from 0 to `seconds`, by distance.
    pub fn even(places: impl IntoIterator<Item = Vec3>, seconds: f32) -> Self {
        let places: Vec<Vec3> = places.into_iter().filter(|p| p.is_finite()).collect();
        let total: f32 = places.windows(2).map(|leg| leg[0].distance(leg[1])).sum();
        let mut reached = 0.0;
        let points = places
            .iter()
            .enumerate()
            .map(|(i, &position)| {
                if i > 0 {
                    reached += places[i - 1].distance(position);
                }
                let share = if total > 0.0 { reached / total } else { 0.0 };
                RibbonPoint {
                    position,
                    seconds: share * seconds,
                }
            })
            .collect();
        Self { points }
    }
}

/// Everything that this plugin draws with meshes carries it, for those who list, count or save entities.
#[derive(Component, Reflect, Clone, Copy, Debug, PartialEq)]
pub struct DebugDrawing {
    /// The avatar or [`WaypointRibbon`] that it belongs to.
    pub of: Entity,
}

/// When it is drawn.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DebugDrawSystems {
    /// In `PostUpdate`, before transforms are propagated: entities come and go, ghosts are posed.
    Build,
    /// In `PostUpdate`, after transforms are propagated: heat follows what moved, lines are drawn.
    Follow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ghosts_stand_at_the_times_asked_for() {
        let at = |times: GhostTimes| times.seconds(4.0, 1.0);
        assert_eq!(at(GhostTimes::Every(1.0)), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(at(GhostTimes::Every(1.5)), [0.0, 1.5, 3.0]);
        assert_eq!(at(GhostTimes::Every(1e-9)).len(), MAX_GHOSTS);
        assert_eq!(at(GhostTimes::Every(f32::NAN)), [0.0; 0]);
        assert_eq!(at(GhostTimes::Every(0.0)), [0.0; 0]);
        assert_eq!(at(GhostTimes::Count(3)), [0.0, 2.0, 4.0]);
        assert_eq!(at(GhostTimes::Count(1)), [0.0]);
        assert_eq!(at(GhostTimes::Count(usize::MAX)).len(), MAX_GHOSTS);
        let odd = vec![-1.0, 0.5, f32::NAN, 4.0, 9.0];
        assert_eq!(at(GhostTimes::At(odd)), [0.5, 4.0]);
        assert_eq!(at(GhostTimes::Around(vec![-0.5, 0.5, 8.0])), [0.5, 1.5]);
        assert_eq!(GhostTimes::Every(1.0).seconds(f32::NAN, 0.0), [0.0; 0]);
        assert_eq!(GhostTimes::Count(4).seconds(0.0, 0.0), [0.0; 4]);
    }

    #[test]
    fn one_entity_may_differ_from_the_group() {
        let group = Some(&1);
        assert_eq!(Show::AsConfigured.or(group), Some(&1));
        assert_eq!(Show::Never.or(group), None);
        assert_eq!(Show::Always(2).or(group), Some(&2));
        assert_eq!(Show::Always(2).or(None), Some(&2));
        assert!(
            ChoisGizmos::default()
                == ChoisGizmos {
                    ..ChoisGizmos::default()
                }
        );
        assert!(ChoisGizmos::default().ghosts.is_none());
    }

    #[test]
    fn even_time_follows_the_distance() {
        let ribbon = WaypointRibbon::even([Vec3::ZERO, Vec3::X, Vec3::X * 4.0], 2.0);
        let seconds: Vec<_> = ribbon.points.iter().map(|p| p.seconds).collect();
        assert_eq!(seconds, [0.0, 0.5, 2.0]);
        assert_eq!(WaypointRibbon::even([Vec3::NAN], 1.0).points, []);
    }
}
