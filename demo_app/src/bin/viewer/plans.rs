//! The plan of who carries a command out, drawn into the room: the ways as ribbons, what a thing will cover, and the step.

use bevy::prelude::*;
use bevy_chois::debug_draw::{DebugDraw, Ribbon, Show, WaypointRibbon};
use bevy_chois::npc::NpcPlan;
use bevy_egui::EguiContexts;
use bevy_egui::egui;

use crate::eye::Eye;
use crate::shows::Shows;

/// Height of lines over the floor, metres.
const OVER: f32 = 0.02;
/// Width of a walker's ribbon, metres; of one for a thing.
const WALK: f32 = 0.1;
const CARRY: f32 = 0.2;

/// A ribbon of a leg.
#[derive(Component)]
pub struct OfPlan {
    npc: Entity,
    leg: usize,
}

/// Lays ribbons along the ways that are still to come, and lines about the places where things go.
pub fn draw(
    mut commands: Commands,
    mut gizmos: Gizmos,
    shows: Res<Shows>,
    plans: Query<(Entity, &NpcPlan)>,
    ribbons: Query<(Entity, &OfPlan, &WaypointRibbon)>,
) {
    let wanted = |of: &OfPlan| {
        let (_, plan) = plans.get(of.npc).ok()?;
        (shows.plan && of.leg >= plan.now).then(|| plan.legs.get(of.leg))?
    };
    let mut there = Vec::new();
    for (entity, of, ribbon) in &ribbons {
        match wanted(of) {
            Some(leg) if *ribbon == laid(leg) => there.push((of.npc, of.leg)),
            _ => commands.entity(entity).despawn(),
        }
    }
    if !shows.plan {
        return;
    }
    for (npc, plan) in &plans {
        for (k, leg) in plan.legs.iter().enumerate().skip(plan.now) {
            if leg.way.len() > 1 && !there.contains(&(npc, k)) {
                let look = Ribbon {
                    width: if leg.object.is_some() { CARRY } else { WALK },
                    ..Ribbon::default()
                };
                let draw = DebugDraw {
                    ribbon: Show::Always(look),
                    ..DebugDraw::default()
                };
                commands.spawn((OfPlan { npc, leg: k }, laid(leg), draw));
            }
            let corners = leg.goal.iter().chain(leg.goal.first());
            gizmos.linestrip(
                corners.map(|corner| corner.with_y(OVER)),
                Color::srgb(0.2, 0.95, 0.45),
            );
        }
    }
}

fn laid(leg: &bevy_chois::npc::NpcLeg) -> WaypointRibbon {
    WaypointRibbon::even(leg.way.iter().copied(), leg.seconds.max(0.1))
}

/// Writes what is being done over the place where that ends.
pub fn label(
    mut contexts: EguiContexts,
    shows: Res<Shows>,
    plans: Query<(Entity, &NpcPlan)>,
    eye: Single<(&Camera, &GlobalTransform), With<Eye>>,
) -> Result {
    if !shows.plan {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let (camera, place) = *eye;
    for (npc, plan) in &plans {
        let Some(leg) = plan.ahead().first() else {
            continue;
        };
        let Some(end) = leg.way.last() else {
            continue;
        };
        let Ok(at) = camera.world_to_viewport(place, end.with_y(0.35)) else {
            continue;
        };
        egui::Area::new(egui::Id::new(("plan", npc)))
            .fixed_pos(egui::pos2(at.x, at.y))
            .pivot(egui::Align2::CENTER_CENTER)
            .interactable(false)
            .show(&context, |ui| {
                egui::Frame::popup(ui.style()).show(ui, |ui| {
                    ui.label(format!("{}. {}", leg.step + 1, leg.words));
                });
            });
    }
    Ok(())
}
