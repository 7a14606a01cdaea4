//! Plays a script: one step after the other, each only when the one before is done.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy::render::view::screenshot::Screenshot;
use bevy_chois::editor::FilmCamera;
use bevy_chois::object::ObjectShape;
use bevy_chois::playback::{InteractionPlayer, InteractionState};
use bevy_panorbit_camera::PanOrbitCamera;

use super::author::{self, Waits};
use super::hand::Pull;
use super::{Part, Step};
use crate::cast::{Cast, Spawned, Unloadable};
use crate::daylight::Daylight;
use crate::ease::Ease;
use crate::eye::{self, Eye};
use crate::fall::Falling;
use crate::journal::{Journal, Status};
use crate::making::{self, Making};
use crate::picture::{self, Picture};
use crate::player::Player;
use crate::say::Talk;
use crate::shows::Shows;
use crate::wishes::{Ask, Wishes, sentence};

/// Longest wait for files to be loaded.
const LOADING: Duration = Duration::from_secs(180);
/// Frames drawn before a picture is taken, so that all that was changed has reached the renderer.
const DRAWN: u32 = 3;

/// A script under way.
#[derive(Resource)]
pub struct Runner {
    steps: std::vec::IntoIter<Step>,
    /// Where pictures go.
    folder: PathBuf,
    /// What they are taken of.
    target: Handle<Image>,
    waiting: Waiting,
    since: Instant,
    /// What was written.
    pub written: Vec<PathBuf>,
    /// How it ended.
    pub ended: Option<Result<(), String>>,
}

/// What the next step waits for.
#[derive(Clone, Debug, PartialEq)]
enum Waiting {
    /// Everything that was asked for is there.
    Loaded,
    /// The clip is there.
    Made,
    /// The clip has played so far.
    Played(f32),
    /// What was said is passed on.
    Said,
    /// What was asked for in the authoring panel is done.
    Authored,
    /// The gizmo is dragged.
    Pulled(Pull),
    /// The person begins to do what they were told.
    Begun,
    /// The person has done it.
    Done,
    /// Time passes, seconds.
    Time(f32),
    /// Frames are drawn; then the picture of that name is taken.
    Drawn(u32, PathBuf),
    /// The picture is drawn.
    Taken,
    /// The picture is written.
    Written,
    /// Nothing: that file was written.
    Saved(PathBuf),
}

impl Runner {
    /// Before the first step.
    pub fn new(steps: Vec<Step>, folder: PathBuf, target: Handle<Image>) -> Self {
        Self {
            steps: steps.into_iter(),
            folder,
            target,
            waiting: Waiting::Loaded,
            since: Instant::now(),
            written: Vec::new(),
            ended: None,
        }
    }

    /// Whether what is drawn is looked at: drawing without a graphics card takes its time.
    fn draws(&self) -> bool {
        matches!(self.waiting, Waiting::Drawn(..) | Waiting::Taken)
    }

    /// Whether time passes in the room.
    fn moves(&self) -> bool {
        matches!(
            self.waiting,
            Waiting::Played(_) | Waiting::Time(_) | Waiting::Begun | Waiting::Done
        )
    }

    /// Whether there is nothing to do but wait for others.
    pub fn is_idle(&self) -> bool {
        matches!(
            self.waiting,
            Waiting::Loaded | Waiting::Made | Waiting::Written | Waiting::Authored
        )
    }
}

/// Plays on.
pub fn run(world: &mut World) {
    world.resource_scope(|world, mut runner: Mut<Runner>| {
        if runner.ended.is_none() {
            go_on(world, &mut runner);
        }
        if runner.ended.is_some() {
            world.write_message(AppExit::Success);
        }
        let moves = runner.moves();
        let mut time = world.resource_mut::<Time<Virtual>>();
        if moves == time.is_paused() {
            if moves { time.unpause() } else { time.pause() }
        }
        let draws = runner.draws();
        // A film's own camera sees to itself.
        let mut cameras = world.query_filtered::<&mut Camera, Without<FilmCamera>>();
        for mut camera in cameras.iter_mut(world) {
            if camera.is_active != draws {
                camera.is_active = draws;
            }
        }
    });
}

fn go_on(world: &mut World, runner: &mut Runner) {
    loop {
        if let Status::Bad(line) = &world.resource::<Journal>().status {
            runner.ended = Some(Err(line.clone()));
            return;
        }
        match is_over(world, runner) {
            Ok(true) => runner.waiting = Waiting::Loaded,
            Ok(false) => return,
            Err(reason) => {
                runner.ended = Some(Err(reason));
                return;
            }
        }
        let Some(step) = runner.steps.next() else {
            runner.ended = Some(Ok(()));
            return;
        };
        runner.since = Instant::now();
        match take(world, runner, step) {
            Ok(None) => {}
            Ok(Some(waiting)) => {
                runner.waiting = waiting;
                return;
            }
            Err(reason) => {
                runner.ended = Some(Err(reason));
                return;
            }
        }
    }
}

/// Whether the wait is over.
fn is_over(world: &mut World, runner: &mut Runner) -> Result<bool, String> {
    match &mut runner.waiting {
        Waiting::Loaded => {
            let over = is_loaded(world)?;
            if !over && runner.since.elapsed() > LOADING {
                return Err(format!(
                    "not everything was loaded in {} s",
                    LOADING.as_secs()
                ));
            }
            Ok(over)
        }
        Waiting::Made => {
            let making = world.resource::<Making>();
            let made = making.progress.is_none() && making.clip.is_some();
            let avatar = world.resource::<Cast>().avatar;
            let state = avatar.and_then(|avatar| world.get::<InteractionState>(avatar));
            let begun = state.is_some_and(|state| !matches!(state, InteractionState::Waiting(_)));
            if made
                && begun
                && !is_falling(world)
                // Not what the avatar did before.
                && let Some(mut interaction) = interaction(world)
            {
                interaction.paused = true;
                interaction.time = 0.0;
                return Ok(true);
            }
            if made && runner.since.elapsed() > LOADING {
                let limit = LOADING.as_secs();
                return Err(format!(
                    "the clip is there, but the avatar did not take it in {limit} s"
                ));
            }
            Ok(false)
        }
        Waiting::Played(until) => {
            let until = *until;
            let Some(mut interaction) = interaction(world) else {
                return Err("the interaction ended before that time of the clip".into());
            };
            if interaction.time < until - 1e-4 {
                return Ok(false);
            }
            interaction.paused = true;
            interaction.time = until;
            Ok(true)
        }
        Waiting::Begun | Waiting::Done if runner.since.elapsed() > LOADING => Err(format!(
            "what was said is not done in {} s",
            LOADING.as_secs()
        )),
        Waiting::Authored => {
            if !author::is_done(world)? {
                return Ok(false);
            }
            // What is shown from now on must be on the avatar.
            runner.since = Instant::now();
            runner.waiting = Waiting::Loaded;
            Ok(false)
        }
        Waiting::Pulled(pull) => pull.go_on(world),
        Waiting::Said => {
            if world.resource::<Talk>().busy.is_some() {
                runner.waiting = Waiting::Begun;
            }
            Ok(false)
        }
        Waiting::Begun => {
            let talk = world.resource::<Talk>();
            Ok(talk.moves || talk.busy.is_none())
        }
        Waiting::Done => Ok(world.resource::<Talk>().busy.is_none()),
        Waiting::Time(left) => {
            *left -= world.resource::<Time>().delta_secs();
            Ok(*left <= 1e-4)
        }
        Waiting::Drawn(0, path) => {
            let path = std::mem::take(path);
            let target = runner.target.clone();
            picture::take(&mut world.commands(), Screenshot::image(target), &path);
            world.flush();
            runner.waiting = Waiting::Taken;
            // Drawn once more: into the picture.
            Ok(false)
        }
        Waiting::Drawn(frames, _) => {
            *frames -= 1;
            Ok(false)
        }
        Waiting::Saved(path) => {
            runner.written.push(std::mem::take(path));
            Ok(true)
        }
        Waiting::Taken => {
            runner.waiting = Waiting::Written;
            Ok(false)
        }
        Waiting::Written => match world.resource::<Picture>() {
            Picture::Written(path) => {
                runner.written.push(path.clone());
                Ok(true)
            }
            Picture::Failed(reason) => Err(reason.clone()),
            Picture::None | Picture::Waiting => Ok(false),
        },
    }
}

/// Whether every scene has been spawned, the room's light is known and the object's shape has been read.
fn is_loaded(world: &mut World) -> Result<bool, String> {
    let mut lost = world.query_filtered::<&Name, With<Unloadable>>();
    if let Some(name) = lost.iter(world).next() {
        return Err(format!("{name} could not be loaded"));
    }
    let mut waiting = world.query_filtered::<(), (With<WorldAssetRoot>, Without<Spawned>)>();
    if waiting.iter(world).next().is_some() {
        return Ok(false);
    }
    if !matches!(world.resource::<Daylight>(), Daylight::Done) {
        return Ok(false);
    }
    if is_falling(world) {
        return Ok(false);
    }
    let cast = world.resource::<Cast>();
    let (avatar, object) = (cast.avatar, cast.object);
    // Until then the person stands as the bones were bound.
    let state = avatar.and_then(|avatar| world.get::<InteractionState>(avatar));
    if matches!(state, Some(InteractionState::Waiting(_))) {
        return Ok(false);
    }
    Ok(object.is_none_or(|object| world.get::<ObjectShape>(object).is_some()))
}

/// Whether something that was let go of does not stand yet.
fn is_falling(world: &mut World) -> bool {
    let mut falling = world.query_filtered::<(), With<Falling>>();
    falling.iter(world).next().is_some()
}

/// The interaction with the last clip; who stands at ease plays none.
fn interaction(world: &mut World) -> Option<Mut<'_, InteractionPlayer>> {
    let avatar = world.resource::<Cast>().avatar?;
    let clip = world.resource::<Making>().clip.clone();
    (world.get_mut::<InteractionPlayer>(avatar))
        .filter(|interaction| clip.as_ref() == Some(&interaction.clip))
}

/// Does a step; returns what to wait for.
fn take(world: &mut World, runner: &Runner, step: Step) -> Result<Option<Waiting>, String> {
    let mut wishes = world.resource_mut::<Wishes>();
    match step {
        Step::Avatar(name) => {
            world.write_message(Ask::Avatar(name));
            return Ok(Some(Waiting::Loaded));
        }
        Step::Object(name) => {
            world.write_message(Ask::Object(name));
            return Ok(Some(Waiting::Loaded));
        }
        Step::Person(place) => {
            let avatar = world
                .resource::<Cast>()
                .avatar
                .ok_or("there is no avatar")?;
            let place = place.transform();
            let ease = world.resource::<Ease>().at(&place);
            world.entity_mut(avatar).insert((place, ease));
        }
        Step::Text(text) => wishes.text = text,
        Step::Waypoints(places) => {
            wishes.waypoints = places.into_iter().map(Vec2::from).collect();
        }
        Step::Seconds(seconds) => wishes.seconds = seconds,
        Step::Seed(seed) => wishes.seed = seed,
        Step::Steps(steps) => wishes.steps = steps,
        Step::Guidance(guidance) => wishes.guidance = guidance,
        Step::Mass(mass) => wishes.mass = Some(mass),
        Step::Generate => {
            if wishes.text.is_empty() {
                let object = world.resource::<Cast>().object_name.clone();
                world.resource_mut::<Wishes>().text = sentence(&object);
            }
            world.resource_mut::<Making>().clip = None;
            world.write_message(Ask::Generate);
            return Ok(Some(Waiting::Made));
        }
        Step::Author(step) => {
            return Ok(Some(match author::take(world, &runner.folder, step)? {
                Waits::Asked => Waiting::Authored,
                // A frame, so that it is shown.
                Waits::No => Waiting::Time(0.0),
                Waits::Pulled(pull) => Waiting::Pulled(pull),
            }));
        }
        Step::Say(text) => {
            world.write_message(Ask::Say(text));
            // Until it is passed on nobody is busy.
            let mut talk = world.resource_mut::<Talk>();
            talk.moves = false;
            return Ok(Some(Waiting::Said));
        }
        Step::Done => return Ok(Some(Waiting::Done)),
        Step::Play(until) => {
            let until = until.min(seconds(world)?);
            let mut interaction = interaction(world).ok_or("nothing plays")?;
            interaction.paused = false;
            return Ok(Some(Waiting::Played(until)));
        }
        Step::Seek(time) => {
            let time = time.min(seconds(world)?);
            let mut interaction = interaction(world).ok_or("nothing plays")?;
            interaction.time = time;
            interaction.paused = true;
            return Ok(Some(Waiting::Time(0.0)));
        }
        Step::Speed(speed) => world.resource_mut::<Player>().speed = speed,
        Step::Wait(seconds) => return Ok(Some(Waiting::Time(seconds))),
        Step::Camera(place) => {
            let mut eyes = world.query_filtered::<&mut PanOrbitCamera, With<Eye>>();
            for mut orbit in eyes.iter_mut(world) {
                eye::look(&mut orbit, place.view());
            }
        }
        Step::Show(part, shown) => {
            let mut shows = world.resource_mut::<Shows>();
            let which = match part {
                Part::Panel => &mut shows.panel,
                Part::Editor => &mut shows.editor,
                Part::Avatar => &mut shows.avatar,
                Part::Room => &mut shows.room,
                Part::Marks => &mut shows.marks,
                Part::Heat => &mut shows.heat,
                Part::Ribbon => &mut shows.ribbon,
                Part::Ghosts => &mut shows.ghosts,
                Part::Plan => &mut shows.plan,
            };
            *which = shown;
        }
        Step::Screenshot(name) => {
            let path = runner.folder.join(name).with_extension("png");
            return Ok(Some(Waiting::Drawn(DRAWN, path)));
        }
        Step::Save(name) => {
            let path = runner.folder.join(name).with_extension("glb");
            making::save(world, &path).map_err(|e| e.to_string())?;
            return Ok(Some(Waiting::Saved(path)));
        }
    }
    Ok(None)
}

/// Length of the clip that plays.
fn seconds(world: &mut World) -> Result<f32, String> {
    let clip = making::clip(world).ok_or("there is no clip")?;
    Ok(clip.seconds())
}
