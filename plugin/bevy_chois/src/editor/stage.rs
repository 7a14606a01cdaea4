//! What is at the playhead, on the entities of the scene.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::{Assets, Handle};
use bevy::ecs::prelude::*;
use bevy::time::Time;
use bevy::transform::components::Transform;
use chois::motion::MotionClip as Motion;
use chois::project::{ObjectId, Strip, TakeId, sequence};

use super::session::Editor;
use crate::clip::MotionClip;
use crate::frame;
use crate::playback::{InteractionPlayer, InteractionState};

/// The avatar that shows a track's person.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditorPerson {
    /// The number of the track.
    pub track: usize,
}

/// The entity that shows an object of the project: an [`Interactable`](crate::object::Interactable).
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditorObject {
    /// Which.
    pub object: ObjectId,
}

/// Takes' clips as assets.
#[derive(Resource, Default)]
pub(super) struct Shown(HashMap<TakeId, (Arc<Motion>, Handle<MotionClip>)>);

/// What a track shows at the playhead.
pub(super) struct Staged<'a> {
    pub strip: &'a Strip,
    pub take: TakeId,
    pub clip: Arc<Motion>,
    /// Seconds of the clip.
    pub time: f32,
}

/// What a track shows at the playhead: between strips, the end of the one before; before the first, its beginning.
pub(super) fn staged(editor: &Editor, track: usize) -> Option<Staged<'_>> {
    let now = editor.playhead;
    let track = editor.project().tracks.get(track)?;
    let before = (track.strips.iter())
        .filter(|s| s.start <= now)
        .max_by(|a, b| a.start.total_cmp(&b.start));
    let first = || {
        let strips = track.strips.iter();
        strips.min_by(|a, b| a.start.total_cmp(&b.start))
    };
    let strip = before.or_else(first)?;
    let take = strip.shown?;
    let clip = editor.seen_clip(take)?;
    // Short of the end: a player that loops would begin again there.
    let last = (clip.frames.len().saturating_sub(1)) as f32 / clip.fps;
    Some(Staged {
        strip,
        take,
        time: (now - strip.start).clamp(0.0, (last - 1e-4).max(0.0)),
        clip,
    })
}

/// Lets time run.
pub(super) fn run_time(mut editor: ResMut<Editor>, time: Res<Time>) {
    if !editor.playing {
        return;
    }
    let end = editor.project().seconds();
    editor.playhead += time.delta_secs();
    if editor.playhead >= end {
        editor.playhead = end;
        editor.playing = false;
    }
}

/// Has persons and objects be where they are at the playhead.
pub(super) fn show(
    mut commands: Commands,
    editor: Res<Editor>,
    mut shown: ResMut<Shown>,
    mut clips: ResMut<Assets<MotionClip>>,
    mut people: Query<(
        Entity,
        &EditorPerson,
        Option<&mut InteractionPlayer>,
        Option<&InteractionState>,
    )>,
    mut objects: Query<(Entity, &EditorObject, &mut Transform), Without<EditorPerson>>,
) {
    if !editor.shown {
        return;
    }
    let now = editor.playhead;
    let mut handled = Vec::new();
    for (person, EditorPerson { track }, player, state) in &mut people {
        let Some(Staged {
            strip,
            take,
            clip,
            time,
        }) = staged(&editor, *track)
        else {
            // The object is put back below: a clip that held it would be interrupted.
            if let Some(mut player) = player
                && player.object.is_some()
            {
                player.object = None;
            }
            continue;
        };
        let object = strip.object();
        let entity = objects
            .iter()
            .find(|(_, o, _)| Some(o.object) == object)
            .map(|(entity, ..)| entity);
        if entity.is_some() && now >= strip.start {
            handled.extend(object);
        }
        let known = shown.0.get(&take);
        let handle = match known.filter(|(of, _)| Arc::ptr_eq(of, &clip)) {
            Some((_, handle)) => handle.clone(),
            None => {
                let handle = clips.add(MotionClip {
                    motion: clip.clone(),
                });
                shown.0.insert(take, (clip, handle.clone()));
                handle
            }
        };
        let entity = entity.filter(|_| now >= strip.start);
        let stopped = state == Some(&InteractionState::Interrupted);
        match player {
            // One that was interrupted does not go on: it is begun anew where the playhead goes, and not in every frame, for
            // what cannot be played is told each time.
            Some(mut player)
                if player.clip == handle
                    && player.object == entity
                    && (!stopped || player.time == time) =>
            {
                if player.time != time {
                    player.time = time;
                }
            }
            _ => {
                let mut player = InteractionPlayer::new(handle)
                    .starting_at(time)
                    .with_blend_in(0.0);
                player.object = entity;
                player.paused = true;
                commands.entity(person).insert(player);
            }
        }
    }
    for (_, EditorObject { object }, mut transform) in &mut objects {
        if handled.contains(object) {
            continue;
        }
        let project = editor.project();
        let place = project.object_place(editor.library(), *object, now);
        let place = place.or_else(|| project.object(*object).map(|o| o.place));
        let (Some(place), Some(thing)) = (place, editor.library().thing(*object)) else {
            continue;
        };
        let (origin, turn) = sequence::origin(&place, thing);
        let place = transform
            .with_translation(frame::vec3(origin))
            .with_rotation(frame::quat(turn));
        if *transform != place {
            *transform = place;
        }
    }
}
