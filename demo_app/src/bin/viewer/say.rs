//! Commands: what the person is told to do, and what comes of it.

use bevy::prelude::*;
use bevy_chois::npc::events::{
    CommandAccepted, CommandCancelled, CommandFailed, CommandFinished, CommandRefused,
    CommandStepStarted,
};
use bevy_chois::npc::{CommandId, Npc, NpcCommand, StopNpc};
use bevy_chois::object::Interactable;

use crate::cast::Cast;
use crate::journal::Journal;
use crate::wishes::Ask;

/// Commands remembered.
const HISTORY: usize = 50;

/// What is being said, was said, and is being done.
#[derive(Resource, Debug, Default)]
pub struct Talk {
    /// The line that is being written.
    pub line: String,
    /// What was said, the newest last.
    pub said: Vec<String>,
    /// Which of these the line shows, counted from the newest.
    pub back: Option<usize>,
    /// The command that is under way.
    pub busy: Option<CommandId>,
    /// Whether it has come to moving.
    pub moves: bool,
}

impl Talk {
    /// Goes back (true) or forward in what was said.
    pub fn recall(&mut self, back: bool) {
        let at = match (self.back, back) {
            (None, true) => Some(0),
            (Some(at), true) => Some((at + 1).min(self.said.len().saturating_sub(1))),
            (Some(0) | None, false) => None,
            (Some(at), false) => Some(at - 1),
        };
        self.back = at.filter(|_| !self.said.is_empty());
        self.line = match self.back {
            Some(at) => self.said[self.said.len() - 1 - at].clone(),
            None => String::new(),
        };
    }

    /// Completes the last word of the line to the first of these names that begins with it; a name may be of several words.
    pub fn complete<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let line = self.line.to_lowercase();
        let mut best: Option<(usize, &str)> = None;
        for name in names {
            let lower = name.to_lowercase();
            // The longest end of the line that begins the name.
            let starts = line
                .char_indices()
                .map(|(i, _)| i)
                .filter(|&i| i == 0 || line[..i].ends_with(' '));
            for i in starts {
                let part = &line[i..];
                if !part.is_empty()
                    && lower.starts_with(part)
                    && lower != part
                    && best.is_none_or(|(at, _)| i < at)
                {
                    best = Some((i, name));
                }
            }
        }
        if let Some((at, name)) = best
            && self.line.is_char_boundary(at)
        {
            self.line.truncate(at);
            self.line.push_str(name);
        }
    }
}

/// Passes on what is said, and calls off.
pub fn say(
    mut commands: Commands,
    mut asks: MessageReader<Ask>,
    mut talk: ResMut<Talk>,
    mut journal: ResMut<Journal>,
    cast: Res<Cast>,
    people: Query<Has<Npc>>,
) {
    for ask in asks.read() {
        match ask {
            Ask::Say(text) => {
                let Some(avatar) = cast.avatar else {
                    journal.bad("choose a person first");
                    continue;
                };
                if !people.get(avatar).unwrap_or(false) {
                    commands.entity(avatar).insert(Npc::default());
                }
                let command = NpcCommand::new(avatar, text.clone());
                talk.busy = Some(command.id);
                talk.moves = false;
                talk.back = None;
                talk.said.retain(|said| said != text);
                talk.said.push(text.clone());
                if talk.said.len() > HISTORY {
                    talk.said.remove(0);
                }
                commands.trigger(command);
            }
            Ask::Stop => {
                if let Some(avatar) = cast.avatar {
                    commands.trigger(StopNpc {
                        entity: avatar,
                        at_once: false,
                    });
                }
            }
            _ => {}
        }
    }
}

/// Notes what comes of it.
pub fn hear(
    mut talk: ResMut<Talk>,
    mut journal: ResMut<Journal>,
    things: Query<&Interactable>,
    mut accepted: MessageReader<CommandAccepted>,
    mut refused: MessageReader<CommandRefused>,
    mut started: MessageReader<CommandStepStarted>,
    mut finished: MessageReader<CommandFinished>,
    mut failed: MessageReader<CommandFailed>,
    mut cancelled: MessageReader<CommandCancelled>,
) {
    let mut over = |command: CommandId| {
        if talk.busy == Some(command) {
            (talk.busy, talk.moves) = (None, false);
        }
    };
    for event in accepted.read() {
        journal.good(format!("understood: {}", event.words));
    }
    for event in refused.read() {
        journal.bad(event.refusal.to_string());
        over(event.command);
    }
    for event in finished.read() {
        journal.good("done");
        over(event.command);
    }
    for event in failed.read() {
        journal.bad(&event.reason);
        over(event.command);
    }
    for event in cancelled.read() {
        journal.note("called off");
        over(event.command);
    }
    for event in started.read() {
        let thing = event.object.and_then(|object| things.get(object).ok());
        let thing = thing.map_or(String::new(), |thing| format!(" {}", thing.name));
        journal.note(format!("{:?}{thing}", event.action).to_lowercase());
        if talk.busy == Some(event.command) {
            talk.moves = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_comes_back() {
        let mut talk = Talk {
            said: vec!["one".into(), "two".into()],
            ..Talk::default()
        };
        for (back, line) in [
            (true, "two"),
            (true, "one"),
            (true, "one"),
            (false, "two"),
            (false, ""),
            (false, ""),
        ] {
            talk.recall(back);
            assert_eq!(talk.line, line);
        }
        let mut nothing = Talk::default();
        nothing.recall(true);
        assert_eq!(nothing.line, "");
    }

    #[test]
    fn names_are_completed() {
        let names = ["floor lamp", "sofa", "storage box"];
        for (line, whole) in [
            ("move the fl", "move the floor lamp"),
            ("move the floor l", "move the floor lamp"),
            ("put it on the so", "put it on the sofa"),
            ("go to the moon", "go to the moon"),
            ("", ""),
            ("bring me the \u{e9}", "bring me the \u{e9}"),
        ] {
            let mut talk = Talk {
                line: line.into(),
                ..Talk::default()
            };
            talk.complete(names.into_iter());
            assert_eq!(talk.line, whole);
        }
    }
}
