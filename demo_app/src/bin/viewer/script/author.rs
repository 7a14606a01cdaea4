//! Steps of the authoring panel.

use bevy::prelude::*;
use bevy_chois::editor::{self, Ask, Editor, Film, FilmKind, Kind, Panel, See, Tone};
use bevy_egui::{EguiContext, EguiInput, egui};
use chois::motion::edit::{JointTouchUp, RootKey};
use chois::motion::lock::Part;
use chois::project::export::Format;
use chois::project::generate::Which;
use chois::project::{Edit, StripId, TakeId, Verdict};
use serde::Deserialize;

use super::hand::{self, Axis, By, Knob, Pull};
use crate::authoring::set_way;
use crate::eye::PanelEye;

/// One step of an animator. Strips and takes count from 1, in the order in which they begin and were made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Author {
    /// Adds one more person; strips are theirs until a strip of another is selected.
    Person,
    /// Adds a strip after the last one of the selected strip's person, else of the last one, and selects it.
    Add(Strip),
    /// Selects a strip.
    Select(usize),
    /// Says what happens in the selected strip.
    Write(String),
    /// Sets the strip's way, x and z; it ends at the last.
    Way(Vec<[f32; 2]>),
    /// Clicks there, x and z: on the floor for one more waypoint, on the way for one in between.
    Click([f32; 2]),
    /// Drags a handle of the strip to where the eye sees a place, x, y and z.
    Drag(Knob, By, [f32; 3]),
    /// The same, and does not let go.
    Grab(Knob, By, [f32; 3]),
    /// Lets go.
    Drop,
    /// Clicks the disc of a handle: Bevy's gizmo stands on it.
    Pick(Knob),
    /// Whether the gizmo moves or turns.
    Tool(Tool),
    /// Drags an arrow of the gizmo, metres along its axis.
    Arrow(Axis, f32),
    /// Drags a ring of the gizmo, degrees about its axis.
    Ring(Axis, f32),
    /// Has the pointer rest over the panel, logical pixels from the left and from the top.
    Point([f32; 2]),
    /// Deletes the waypoint that was taken last.
    Remove,
    /// Whether handles snap.
    Snap(bool),
    /// What is shown of the takes at the playhead.
    See(Sight),
    /// Films the timeline beside the pictures: a name without ending, pixels, frames a second.
    Film(Movie, String, [u32; 2], u32),
    /// Says how the person faces in the end of a walk, degrees from +x, counter-clockwise.
    Facing(f32),
    /// Stretches the strip, seconds.
    Length(f32),
    /// The strip's seed.
    Seed(u64),
    /// How many takes are generated at once.
    Takes(usize),
    /// Generates all that is out of date, and waits for it.
    Generate,
    /// Generates more takes of the selected strip, and waits for them.
    Again,
    /// Shows a take of the selected strip.
    Show(usize),
    /// Says what is thought of a take.
    Judge(usize, Verdict),
    /// Puts the playhead somewhere, seconds.
    Seek(f32),
    /// Trims the shown take, seconds of the take.
    Trim(f32, f32),
    /// Mixes a share of an older take into the shown one.
    Blend(usize, f32),
    /// Locks parts of the moment at the playhead.
    Lock(Vec<Part>),
    /// Unlocks a moment of the selected strip.
    Unlock(usize),
    /// Has the left and the right hand of the shown take hold then, seconds of the take, and waits for physics.
    Hold(Vec<[f32; 2]>, Vec<[f32; 2]>),
    /// Generates takes like the shown one, and waits for them.
    Like,
    /// Turns a joint about the playhead, degrees about its own axes, within that many seconds.
    Turn(String, [f32; 3], f32),
    /// Shifts the way from the playhead on, metres along x and y of the project.
    Shift([f32; 2]),
    /// Plays the shown take so that it lasts that long, seconds.
    Retime(f32),
    /// Compares the shown take with another.
    Compare(usize),
    /// Opens a page of the inspector.
    Page(Page),
    /// Opens an empty document beside.
    New,
    /// Shows an open document.
    Document(usize),
    /// Cuts strip and take in two at the playhead.
    Split,
    /// Undoes that many steps.
    Undo(usize),
    /// Does that many steps again.
    Redo(usize),
    /// Light or dark.
    Light(bool),
    /// Saves the project beside the pictures: the name of a file without `.chois.ron`.
    Save(String),
    /// Writes all tracks and takes beside the pictures.
    Export,
    /// The same at so many frames a second, in these formats.
    ExportAs(f32, Vec<Format>),
}

/// A page of the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Page {
    /// What is asked for.
    Ask,
    /// The takes.
    Takes,
    /// What is changed by hand.
    Edit,
    /// Numbers and plots.
    Measure,
}

/// What is shown of the takes; what is not named is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sight {
    /// Seconds between ghosts.
    ghosts: Option<f32>,
    /// Ways of hands and object.
    paths: bool,
    /// Contact heat.
    heat: bool,
    /// Marks of feet that slide.
    skate: bool,
    /// As it was before hands were made to hold.
    uncorrected: bool,
    /// The source skeleton.
    skeleton: bool,
}

/// What the gizmo does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Tool {
    /// It moves what was taken.
    Move,
    /// It turns it.
    Turn,
}

/// What a film becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Movie {
    /// PNG files in a folder.
    Images,
    /// An animated GIF.
    Gif,
    /// A video.
    Mp4,
}

/// What is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Strip {
    /// A walk.
    Walk,
    /// Carrying the project's first object.
    Carry,
    /// Standing.
    Stand,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Waits {
    /// Nothing but that it is shown.
    No,
    /// What was asked for.
    Asked,
    /// A drag that takes its frames.
    Pulled(Pull),
}

/// Does a step.
pub fn take(world: &mut World, folder: &std::path::Path, step: Author) -> Result<Waits, String> {
    match step {
        Author::Arrow(axis, by) => Pull::arrow(world, axis, by).map(Waits::Pulled),
        Author::Ring(axis, by) => Pull::ring(world, axis, by).map(Waits::Pulled),
        step => do_at_once(world, folder, step).map(|waits| match waits {
            true => Waits::Asked,
            false => Waits::No,
        }),
    }
}

/// Does a step; whether what was asked for takes its time.
fn do_at_once(world: &mut World, folder: &std::path::Path, step: Author) -> Result<bool, String> {
    if let Author::Point([x, y]) = step {
        let mut contexts = world.query_filtered::<&mut EguiInput, With<PanelEye>>();
        for mut input in contexts.iter_mut(world) {
            let at = egui::pos2(x, y);
            input.events.push(egui::Event::PointerMoved(at));
        }
        return Ok(false);
    }
    if let Author::Light(light) = step {
        let mut contexts = world.query::<&mut EguiContext>();
        for mut context in contexts.iter_mut(world) {
            let theme = if light {
                egui::Theme::Light
            } else {
                egui::Theme::Dark
            };
            context.get_mut().set_theme(theme);
        }
        return Ok(false);
    }
    let pointed = match step {
        Author::Click([x, z]) => Some(hand::click(world, Vec3::new(x, 0.0, z))),
        Author::Grab(knob, by, place) => Some(hand::grab(world, knob, by, place.into())),
        Author::Drag(knob, by, place) => {
            let grabbed = hand::grab(world, knob, by, place.into());
            Some(grabbed.and_then(|()| hand::drop(world)))
        }
        Author::Drop => Some(hand::drop(world)),
        Author::Pick(knob) => Some(hand::pick(world, knob)),
        _ => None,
    };
    if let Some(done) = pointed {
        // The editor takes it in in this frame; what cannot be is told in the panel, as to anybody who drags.
        return done.map(|()| false);
    }
    if let Author::Page(page) = step {
        // As a press in the panel does: the handle that was taken is let go of.
        world.resource_mut::<Editor>().scene.picked = None;
        world.resource_mut::<Panel>().page = match page {
            Page::Ask => editor::Page::Ask,
            Page::Takes => editor::Page::Takes,
            Page::Edit => editor::Page::Edit,
            Page::Measure => editor::Page::Measure,
        };
        return Ok(false);
    }
    let mut editor = world.resource_mut::<Editor>();
    let editor = &mut *editor;
    let strip = |editor: &Editor, number: usize| -> Result<StripId, String> {
        let all = editor.project().strips();
        let found = number
            .checked_sub(1)
            .and_then(|i| all.get(i))
            .map(|(_, s)| s.id);
        found.ok_or_else(|| format!("there is no strip {number}; there are {}", all.len()))
    };
    let selected = |editor: &Editor| {
        let id = editor.strip().map(|s| s.id);
        id.ok_or_else(|| "no strip is selected; put Select before it".to_owned())
    };
    let shown = |editor: &Editor, number: usize| -> Result<(StripId, TakeId), String> {
        let strip = editor
            .strip()
            .ok_or("no strip is selected; put Select before it")?;
        let take = number.checked_sub(1).and_then(|i| strip.takes.get(i));
        let take = take.ok_or_else(|| format!("the strip has no take {number}"))?;
        Ok((strip.id, take.id))
    };
    let at = |editor: &Editor| -> Result<f32, String> {
        let start = editor.strip().map(|s| s.start);
        let start = start.ok_or("no strip is selected; put Select before it")?;
        Ok(editor.playhead - start)
    };
    let mut waits = false;
    match step {
        Author::Add(kind) => {
            let object = editor.project().objects.first().map(|o| o.id);
            let kind = match (kind, object) {
                (Strip::Walk, _) => Kind::Walk,
                (Strip::Stand, _) => Kind::Idle,
                (Strip::Carry, Some(object)) => Kind::Interact(object),
                (Strip::Carry, None) => return Err("the project has no object".into()),
            };
            let of = editor.selected.and_then(|id| editor.project().track_of(id));
            let last = editor.project().tracks.len().saturating_sub(1);
            editor.add_strip(of.unwrap_or(last), kind);
        }
        Author::Person => {
            editor.add_person();
            editor.selected = None;
        }
        Author::Select(number) => editor.selected = Some(strip(editor, number)?),
        Author::Write(text) => {
            selected(editor)?;
            editor.change_strip("text", "Write", |s| match &mut s.deed {
                chois::project::Deed::Walk { text: own, .. }
                | chois::project::Deed::Interact { text: own, .. } => *own = text,
                chois::project::Deed::Idle => {}
            });
        }
        Author::Way(places) => {
            selected(editor)?;
            let places: Vec<Vec2> = places.into_iter().map(Vec2::from).collect();
            editor.change_strip("way", "Move end", |s| set_way(s, &places));
        }
        Author::Facing(degrees) => {
            selected(editor)?;
            editor.change_strip("facing", "Facing", |s| {
                if let chois::project::Deed::Walk { facing, .. } = &mut s.deed {
                    *facing = Some(degrees);
                }
            });
        }
        Author::Length(seconds) => {
            selected(editor)?;
            editor.change_strip("length", "Stretch strip", |s| s.stretch(seconds));
        }
        Author::Seed(seed) => {
            selected(editor)?;
            editor.change_strip("seed", "Seed", |s| s.seed = seed);
        }
        Author::Takes(count) => editor.variations = count,
        Author::Generate => {
            editor.asks.push(Ask::Generate(Which::Stale));
            waits = true;
        }
        Author::Again => {
            let id = selected(editor)?;
            editor.asks.push(Ask::Generate(Which::Strip(id)));
            waits = true;
        }
        Author::Show(number) => {
            let (strip, take) = shown(editor, number)?;
            editor.show_take(strip, take);
        }
        Author::Judge(number, verdict) => {
            let (strip, take) = shown(editor, number)?;
            editor.judge(strip, take, verdict);
        }
        Author::Seek(seconds) => editor.playhead = seconds.clamp(0.0, editor.project().seconds()),
        Author::Trim(from, to) => {
            editor.edit_take("Trim take", Edit::Trim { from, to });
        }
        Author::Blend(number, share) => {
            let (_, with) = shown(editor, number)?;
            editor.edit_take("Blend takes", Edit::Blend { with, share });
        }
        Author::Lock(parts) => {
            selected(editor)?;
            editor.lock(parts);
        }
        Author::Unlock(number) => {
            selected(editor)?;
            editor.unlock(number.saturating_sub(1));
        }
        Author::Hold(left, right) => {
            if !editor.set_contact(left, right) {
                return Err("no take of an object is shown; put Select before it".into());
            }
            waits = true;
        }
        Author::Like => {
            let take = editor.strip().and_then(|s| s.shown);
            let take = take.ok_or("no take is shown; put Select before it")?;
            editor.asks.push(Ask::Generate(Which::Like(take)));
            waits = true;
        }
        Author::Turn(joint, turn, fade) => {
            let at = at(editor)?;
            let by = JointTouchUp {
                joint,
                at,
                rise: fade,
                hold: 0.0,
                fall: fade,
                turn,
            };
            editor.tune("turn", "Turn joint", |_| false, Edit::Joint(by));
        }
        Author::Shift(shift) => {
            let at = at(editor)?;
            let keys = vec![RootKey { at, shift }];
            editor.tune("shift", "Shift way", |_| false, Edit::Path { keys });
        }
        Author::Retime(seconds) => {
            selected(editor)?;
            let long = editor.strip().and_then(|s| editor.library().shown(s));
            let long = long.ok_or("no take is shown")?.seconds();
            let keys = vec![[0.0, 0.0], [long, seconds]];
            editor.tune("retime", "Retime take", |_| false, Edit::Warp { keys });
        }
        Author::Compare(number) => editor.compared = Some(shown(editor, number)?.1),
        Author::New => editor.new_document(),
        Author::Document(number) => editor.show_document(number.saturating_sub(1)),
        Author::Split => {
            editor.split_strip();
        }
        Author::Undo(steps) => {
            let mut left = steps;
            while left > 0 && editor.history().undoes().is_some() {
                editor.undo();
                left -= 1;
            }
        }
        Author::Redo(steps) => {
            let mut left = steps;
            while left > 0 && editor.history().redoes().is_some() {
                editor.redo();
                left -= 1;
            }
        }
        Author::Save(name) => {
            let path = folder.join(format!("{name}.chois.ron"));
            editor.save(Some(&path)).map_err(|e| e.to_string())?;
        }
        Author::Export => {
            editor.asks.push(Ask::Export {
                folder: folder.to_owned(),
                takes: true,
                fps: chois::motion::FPS,
                formats: vec![Format::Glb, Format::Bvh],
            });
            waits = true;
        }
        Author::Remove => {
            if !editor.delete_picked() {
                return Err("no waypoint was taken before".into());
            }
        }
        Author::Snap(on) => editor.scene.snap.on = on,
        Author::Tool(tool) => {
            editor.scene.tool = match tool {
                Tool::Move => editor::Tool::Move,
                Tool::Turn => editor::Tool::Turn,
            }
        }
        Author::See(sight) => {
            editor.scene.see = See {
                ghosts: sight.ghosts,
                paths: sight.paths,
                heat: sight.heat,
                skate: sight.skate,
                uncorrected: sight.uncorrected,
                skeleton: sight.skeleton,
            };
        }
        Author::Film(movie, name, size, fps) => {
            editor.asks.push(Ask::Film(Film {
                to: folder.join(name),
                kind: match movie {
                    Movie::Images => FilmKind::Images,
                    Movie::Gif => FilmKind::Gif,
                    Movie::Mp4 => FilmKind::Mp4,
                },
                size,
                fps,
            }));
            waits = true;
        }
        Author::ExportAs(fps, formats) => {
            editor.asks.push(Ask::Export {
                folder: folder.to_owned(),
                takes: true,
                fps,
                formats,
            });
            waits = true;
        }
        Author::Light(_)
        | Author::Page(_)
        | Author::Point(_)
        | Author::Pick(_)
        | Author::Arrow(..)
        | Author::Ring(..)
        | Author::Click(_)
        | Author::Drag(..)
        | Author::Grab(..)
        | Author::Drop => {}
    }
    editor.settle();
    match editor.status() {
        (line, Tone::Bad) => Err(line.to_owned()),
        _ => Ok(waits),
    }
}

/// Whether what was asked for is done.
pub fn is_done(world: &World) -> Result<bool, String> {
    let editor = world.resource::<Editor>();
    match editor.status() {
        (line, Tone::Bad) => Err(line.to_owned()),
        _ => Ok(editor.asks.is_empty()
            && editor.progress.is_none()
            && editor.exports == 0
            && !editor.is_holding()),
    }
}
