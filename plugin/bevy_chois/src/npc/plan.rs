//! What somebody is about to do, for drawing and for games that want to know.

use std::collections::HashMap;

use bevy::ecs::component::Component;
use bevy::ecs::entity::Entity;
use bevy::math::Vec3;
use chois::command::Action;
use chois::navigation::Leg;
use chois::request::ObjectPlace;
use chois::scene::{Footprint, ItemId, Scene};
use nalgebra::Vector3;

use super::mind::Thought;
use super::scene::entity;
use crate::frame;

/// What an [`Npc`](super::Npc) does and will do, on it while it carries a command out. Read only.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct NpcPlan {
    /// One after the other.
    pub legs: Vec<NpcLeg>,
    /// Which of them is being done, or comes next.
    pub now: usize,
}

impl NpcPlan {
    /// Those that are being done or still to come.
    pub fn ahead(&self) -> &[NpcLeg] {
        &self.legs[self.now.min(self.legs.len())..]
    }
}

/// A part of carrying a command out. Places are on their floor ([`Npc::floor`](super::Npc::floor)), world,
/// metres.
#[derive(Clone, Debug, PartialEq)]
pub struct NpcLeg {
    /// Step of the command's plan, from 0.
    pub step: usize,
    /// What is done.
    pub action: Action,
    /// With what; none while they walk with empty hands.
    pub object: Option<Entity>,
    /// The step in words: "carry floor lamp".
    pub words: String,
    /// The way of the pelvis, or of the object's middle.
    pub way: Vec<Vec3>,
    /// How long it takes, seconds.
    pub seconds: f32,
    /// Corners of what the object will cover at its new place.
    pub goal: Vec<Vec3>,
}

/// Corners of what an item covers at a place.
pub(super) fn covered(scene: &Scene, item: ItemId, place: ObjectPlace) -> Vec<[f32; 2]> {
    let Some(mut item) = scene.item(item).cloned() else {
        return Vec::new();
    };
    item.place = place;
    let hull = Footprint::hull(&item, [f32::MIN, f32::MAX]);
    let outline = hull.outlines().into_iter().next().unwrap_or_default();
    outline.into_iter().map(|corner| corner.into()).collect()
}

/// The plan of a thought on a floor of this height; `done` steps were done before it.
pub(super) fn plan(
    thought: &Thought,
    done: usize,
    names: &HashMap<Entity, String>,
    floor: f32,
) -> NpcPlan {
    let on_floor = |[x, y]: [f32; 2]| frame::vec3(Vector3::new(x, y, floor));
    let legs = (thought.legs.iter().zip(&thought.goals)).map(|(leg, goal)| {
        let (step, way, seconds, object) = match leg {
            Leg::Walk(walk) => {
                let seconds = walk.times.last().copied().unwrap_or_default();
                (walk.step, walk.points.as_slice(), seconds, None)
            }
            Leg::Interact(leg) => {
                let object = entity(leg.item);
                (leg.step, leg.path.as_slice(), leg.request.seconds, object)
            }
            Leg::Wait { step } => (*step, &[][..], 0.0, None),
        };
        let told = thought.plan.steps.get(step);
        let action = told.map_or(Action::Walk, |told| told.action);
        let thing = told.and_then(|told| entity(told.object?));
        let name = thing.and_then(|thing| names.get(&thing));
        let words = match (leg, name) {
            (Leg::Walk(_), Some(name)) => format!("go to {name}"),
            (_, Some(name)) => format!("{} {name}", action.name().replace('_', " ")),
            _ => action.name().replace('_', " "),
        };
        NpcLeg {
            step: done + step,
            action,
            object,
            words,
            way: way.iter().copied().map(on_floor).collect(),
            seconds,
            goal: goal.iter().copied().map(on_floor).collect(),
        }
    });
    NpcPlan {
        legs: legs.collect(),
        now: 0,
    }
}
