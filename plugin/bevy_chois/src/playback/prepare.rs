//! Gets ready what an interaction needs: its clip, the avatar's bones, the object's shape, and the clip on the bones.

use bevy::asset::{AssetServer, Assets, LoadState};
use bevy::ecs::change_detection::DetectChangesMut;
use bevy::ecs::system::{Query, Res, ResMut};
use bevy::transform::components::{GlobalTransform, Transform};

use super::events::InterruptReason;
use super::player::{Phase, Player, Ready};
use super::{InteractionPlayer, InteractionState, WaitingFor};
use crate::avatar::AvatarRig;
use crate::clip::MotionClip;
use crate::clip::bake::{BakeJob, Baked, BakedClips, Retargeter};
use crate::clip::plugin::root_scale;
use crate::object::{Interactable, ObjectShape};
use crate::synthesis::{GenerationStatus, GenerationStatuses};

/// Scales of avatars that differ by no more than this share are one.
const SAME_SCALE: f32 = 1e-4;
/// Frames for which an avatar's scale has been the same once a clip is retargeted for it.
const STEADY: u8 = 10;

/// Finds [`Player::next`] for those who wait, and for those whose clip or rig has changed.
pub(super) fn prepare(
    mut avatars: Query<(
        &InteractionPlayer,
        &mut InteractionState,
        &mut Player,
        Option<&AvatarRig>,
        Option<&GlobalTransform>,
    )>,
    objects: Query<(
        Option<&Interactable>,
        Option<&ObjectShape>,
        Option<&Transform>,
    )>,
    clips: Res<Assets<MotionClip>>,
    server: Option<Res<AssetServer>>,
    retargeter: Res<Retargeter>,
    generations: GenerationStatuses,
    mut baked: ResMut<BakedClips>,
) {
    for (interaction, mut state, mut player, rig, place) in &mut avatars {
        let asked = Some((interaction.clip.id(), interaction.object));
        // A component that is changed in place asks for something else, too.
        if player.inserted || player.asked != asked {
            player.inserted = false;
            if player.phase == Phase::Playing {
                player.interrupt = Some(InterruptReason::Replaced);
            }
            player.asked = asked;
            player.wanted = true;
            player.next = None;
            player.warned = false;
        }
        if !(player.wanted || matches!(player.phase, Phase::Playing | Phase::Finished)) {
            continue;
        }
        let scale = root_scale(place);
        player.steady = match (player.scale - scale).abs() <= SAME_SCALE * scale {
            true => player.steady.saturating_add(1),
            false => 0,
        };
        player.scale = scale;
        let outcome = look(
            interaction,
            &player,
            rig,
            &objects,
            &clips,
            server.as_deref(),
            &generations,
            &retargeter,
            &mut baked,
        );
        let waits = match outcome {
            Outcome::Same => continue,
            Outcome::Ready(ready) => {
                player.next = Some(*ready);
                WaitingFor::Start
            }
            Outcome::Wait(what) => what,
            Outcome::Fail(reason) => {
                player.wanted = false;
                player.next = None;
                player.interrupt = Some(reason);
                continue;
            }
        };
        if player.wanted {
            state.set_if_neq(InteractionState::Waiting(waits));
        }
    }
}

enum Outcome {
    /// What plays, or is to play next, is what should.
    Same,
    Ready(Box<Ready>),
    Wait(WaitingFor),
    Fail(InterruptReason),
}

fn look(
    interaction: &InteractionPlayer,
    player: &Player,
    rig: Option<&AvatarRig>,
    objects: &Query<(
        Option<&Interactable>,
        Option<&ObjectShape>,
        Option<&Transform>,
    )>,
    clips: &Assets<MotionClip>,
    server: Option<&AssetServer>,
    generations: &GenerationStatuses,
    retargeter: &Retargeter,
    baked: &mut BakedClips,
) -> Outcome {
    let id = interaction.clip.id();
    let Some(clip) = clips.get(id) else {
        if !player.wanted {
            return Outcome::Fail(InterruptReason::ClipUnloaded);
        }
        match generations.get(id) {
            Some(GenerationStatus::Failed(reason)) => {
                return Outcome::Fail(InterruptReason::ClipFailed(reason.as_str().into()));
            }
            Some(GenerationStatus::Cancelled(reason)) => {
                let reason = format!("its generation was cancelled ({reason})");
                return Outcome::Fail(InterruptReason::ClipFailed(reason.into()));
            }
            _ => {}
        }
        return match server.and_then(|server| server.get_load_state(id)) {
            Some(LoadState::Failed(e)) => {
                Outcome::Fail(InterruptReason::ClipFailed(e.to_string().into()))
            }
            _ => Outcome::Wait(WaitingFor::Clip),
        };
    };
    let status = generations.get(id);
    let complete = status.is_none_or(|status| *status == GenerationStatus::Finished);
    // What plays, or is to, is a beginning, and the rest will not come.
    if player.wanted || (player.playing.as_ref()).is_some_and(|playing| !playing.complete) {
        match status {
            Some(GenerationStatus::Failed(reason)) => {
                return Outcome::Fail(InterruptReason::ClipFailed(reason.as_str().into()));
            }
            Some(GenerationStatus::Cancelled(reason)) => {
                let reason = format!("its generation was cancelled ({reason})");
                return Outcome::Fail(InterruptReason::ClipFailed(reason.into()));
            }
            _ => {}
        }
    }
    // What the clip has put down may go.
    let needed = player.wanted
        || player.driven > 0
        || player.phase == Phase::Playing && player.moves_object();
    let geometry = match interaction.object.map(|object| objects.get(object)) {
        None => None,
        // An object without a transform cannot be moved either.
        Some(Err(_) | Ok((_, _, None))) if needed => {
            return Outcome::Fail(InterruptReason::ObjectDespawned);
        }
        Some(Err(_) | Ok((_, _, None))) => {
            (player.playing.as_ref()).and_then(|ready| ready.job.geometry.as_ref())
        }
        Some(Ok((Some(_), None, _))) => return Outcome::Wait(WaitingFor::Object),
        Some(Ok((_, shape, _))) => shape.map(|shape| &shape.geometry),
    };
    let Some(rig) = rig else {
        return Outcome::Wait(WaitingFor::Rig);
    };
    let scale = player.scale;
    let same = |ready: &Ready| {
        let job = &ready.job;
        std::sync::Arc::ptr_eq(&job.motion, &clip.motion)
            && std::sync::Arc::ptr_eq(&job.rig, &rig.rig)
            && std::sync::Arc::ptr_eq(&job.map, &rig.map)
            // While it changes, what is there is shown.
            && (player.steady < STEADY || (job.scale - scale).abs() <= SAME_SCALE * scale)
            && match (&job.geometry, geometry) {
                (Some(a), Some(b)) => std::sync::Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            }
            && ready.entities == rig.bones
            && ready.complete == complete
    };
    let current = match &player.next {
        None if player.wanted => None,
        None => player.playing.as_ref(),
        next => next.as_ref(),
    };
    if current.is_some_and(same) {
        return Outcome::Same;
    }
    let job = BakeJob {
        motion: clip.motion.clone(),
        rig: rig.rig.clone(),
        map: rig.map.clone(),
        scale,
        geometry: geometry.cloned(),
    };
    match baked.get(&job, retargeter) {
        Baked::Working => Outcome::Wait(WaitingFor::Retargeting),
        Baked::Failed(reason) => Outcome::Fail(InterruptReason::Retarget(reason)),
        Baked::Ready(clip) => Outcome::Ready(Box::new(Ready {
            job,
            entities: rig.bones.clone(),
            clip,
            complete,
        })),
    }
}
