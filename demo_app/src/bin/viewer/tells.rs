//! What the plugin tells of, into the journal.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_chois::avatar::AvatarRefused;
use bevy_chois::object::{Interactable, ObjectRefused};
use bevy_chois::playback::InteractionPlayer;
use bevy_chois::playback::events::{
    ContactLost, ContactMade, InteractionFinished, InteractionInterrupted, InteractionStarted,
    InterruptReason,
};
use chois::motion::ContactPart;

use crate::journal::Journal;

/// Everything that is told.
#[derive(SystemParam)]
pub struct Told<'w, 's> {
    started: MessageReader<'w, 's, InteractionStarted>,
    made: MessageReader<'w, 's, ContactMade>,
    lost: MessageReader<'w, 's, ContactLost>,
    finished: MessageReader<'w, 's, InteractionFinished>,
    interrupted: MessageReader<'w, 's, InteractionInterrupted>,
    refused: MessageReader<'w, 's, ObjectRefused>,
    strangers: MessageReader<'w, 's, AvatarRefused>,
}

/// Notes what was told.
pub fn listen(
    mut told: Told,
    interactions: Query<&InteractionPlayer>,
    things: Query<&Interactable>,
    mut journal: ResMut<Journal>,
) {
    let at = |avatar| {
        interactions
            .get(avatar)
            .map_or(0.0, |i: &InteractionPlayer| i.time)
    };
    let thing = |object: Option<Entity>| {
        let name = object.and_then(|object| things.get(object).ok());
        name.map_or("the object", |thing| thing.name.as_str())
            .to_owned()
    };
    // Who stands at ease has no object; there is nothing to tell of it.
    for event in told.started.read().filter(|event| event.object.is_some()) {
        journal.note(format!("{:.2} s: begins", at(event.entity)));
    }
    for event in told.made.read() {
        let (part, thing) = (part(event.part), thing(event.object));
        journal.note(format!("{:.2} s: {part} touches {thing}", at(event.entity)));
    }
    for event in told.lost.read() {
        let (part, thing) = (part(event.part), thing(event.object));
        journal.note(format!(
            "{:.2} s: {part} lets go of {thing}",
            at(event.entity)
        ));
    }
    for event in (told.finished.read()).filter(|event| event.object.is_some()) {
        journal.note(format!("{:.2} s: is done", at(event.entity)));
    }
    for event in told.interrupted.read() {
        match &event.reason {
            // These happen when something else is chosen.
            InterruptReason::Removed
            | InterruptReason::Replaced
            | InterruptReason::AvatarDespawned => {}
            reason => journal.bad(format!("interrupted: {reason}")),
        }
    }
    for event in told.refused.read() {
        journal.bad(&event.reason);
    }
    for event in told.strangers.read() {
        journal.bad(&event.reason);
    }
}

fn part(part: ContactPart) -> &'static str {
    match part {
        ContactPart::LeftHand => "the left hand",
        ContactPart::RightHand => "the right hand",
        ContactPart::LeftFoot => "the left foot",
        ContactPart::RightFoot => "the right foot",
    }
}
