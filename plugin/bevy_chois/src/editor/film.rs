//! Films of the timeline: an image sequence, or a GIF or MP4 where ffmpeg is found.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use bevy::asset::{Assets, Handle};
use bevy::camera::{Camera, RenderTarget};
use bevy::ecs::entity::EntityCloner;
use bevy::ecs::prelude::*;
use bevy::image::Image;
use bevy::render::render_resource::TextureFormat;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::tasks::futures_lite::future;
use bevy::tasks::{AsyncComputeTaskPool, Task, block_on};

use super::scene::{EditorCamera, Overlay};
use super::session::{Ask, Editor};
use super::stage::EditorPerson;
use crate::playback::InteractionState;

/// Frames a second that can be chosen.
pub const RATES: [u32; 3] = [24, 30, 60];
/// Frames drawn before the first picture, so that all that is new has reached the renderer.
const WARM: u32 = 6;
/// Pictures that are written at once.
const WRITING: usize = 4;
/// Smallest and largest side, pixels.
const SIDES: [u32; 2] = [16, 8192];
/// What of a camera makes its picture: components of these crates are Bevy's own, and no game looks for them.
const OPTICS: [&str; 9] = [
    "bevy_anti_alias::",
    "bevy_camera::",
    "bevy_core_pipeline::",
    "bevy_light::",
    "bevy_pbr::",
    "bevy_post_process::",
    "bevy_render::",
    "bevy_solari::",
    "bevy_transform::",
];

/// What a film becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilmKind {
    /// PNG files, numbered from 0, in a folder.
    Images,
    /// An animated GIF; players show at most 50 of its frames a second.
    Gif,
    /// A video.
    Mp4,
}

impl FilmKind {
    fn ending(self) -> &'static str {
        match self {
            Self::Images => "",
            Self::Gif => "gif",
            Self::Mp4 => "mp4",
        }
    }
}

/// A film of the whole timeline through the editor's camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Film {
    /// The folder of the images; the file, with its ending or without, of anything else.
    pub to: PathBuf,
    /// What it becomes.
    pub kind: FilmKind,
    /// Width and height, pixels.
    pub size: [u32; 2],
    /// Frames a second: 24, 30 or 60.
    pub fps: u32,
}

impl Default for Film {
    fn default() -> Self {
        Self {
            to: "film".into(),
            kind: FilmKind::Images,
            size: [1280, 720],
            fps: 30,
        }
    }
}

impl Film {
    /// How many pictures a timeline of so many seconds has.
    pub fn frames(&self, seconds: f32) -> usize {
        (seconds * self.fps as f32).round() as usize
    }

    /// Why it cannot be made; `path` is where programs are looked for.
    fn refuse(&self, seconds: f32, path: Option<&OsStr>) -> Option<String> {
        if !RATES.contains(&self.fps) {
            return Some(format!("{} frames a second: choose 24, 30 or 60", self.fps));
        }
        let [low, high] = SIDES;
        if self.size.iter().any(|side| !(low..=high).contains(side)) {
            let [width, height] = self.size;
            return Some(format!(
                "{width} x {height} pixels: each side must be from {low} to {high}"
            ));
        }
        if self.to.as_os_str().is_empty() {
            return Some("say where the film goes to".into());
        }
        if self.frames(seconds) == 0 {
            return Some("the timeline is empty; there is nothing to film".into());
        }
        if self.kind != FilmKind::Images && ffmpeg(path).is_none() {
            return Some(format!(
                "{} needs ffmpeg, which is not on the PATH; install it, or choose images",
                self.kind.ending().to_uppercase()
            ));
        }
        None
    }

    /// The file or folder that comes of it.
    fn target(&self) -> PathBuf {
        match self.kind {
            FilmKind::Images => self.to.clone(),
            kind => self.to.with_extension(kind.ending()),
        }
    }

    /// The folder that its pictures are written into.
    fn pictures(&self) -> PathBuf {
        match self.kind {
            FilmKind::Images => self.to.clone(),
            _ => self.to.with_extension("frames"),
        }
    }
}

/// Where ffmpeg is, among the folders of `path`.
fn ffmpeg(path: Option<&OsStr>) -> Option<PathBuf> {
    let name = format!("ffmpeg{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path?)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

/// Makes the file of the pictures that were written, and takes them away.
fn encode(film: &Film, path: Option<&OsStr>) -> Result<PathBuf, String> {
    let target = film.target();
    if film.kind == FilmKind::Images {
        return Ok(target);
    }
    let pictures = film.pictures();
    let program = ffmpeg(path).ok_or("ffmpeg has gone from the PATH")?;
    let mut command = Command::new(program);
    command
        .args(["-y", "-loglevel", "error", "-framerate"])
        .arg(film.fps.to_string())
        .arg("-i")
        .arg(pictures.join("%05d.png"));
    if film.kind == FilmKind::Gif {
        let palette = "split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=bayer";
        command.args(["-filter_complex", palette]);
    } else {
        // Players want even sides and this kind of colour.
        let even = "pad=ceil(iw/2)*2:ceil(ih/2)*2";
        command.args([
            "-vf",
            even,
            "-pix_fmt",
            "yuv420p",
            "-movflags",
            "+faststart",
        ]);
    }
    let done = command.arg(&target).output();
    let done = done.map_err(|e| format!("ffmpeg cannot be run: {e}"))?;
    if !done.status.success() {
        let words = String::from_utf8_lossy(&done.stderr);
        let last = words.lines().last().unwrap_or("it said nothing");
        return Err(format!(
            "ffmpeg failed: {last}; the pictures are in {}",
            pictures.display()
        ));
    }
    std::fs::remove_dir_all(&pictures)
        .map_err(|e| format!("cannot take away {}: {e}", pictures.display()))?;
    Ok(target)
}

/// The camera of a film under way, for programs that switch cameras on and off.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct FilmCamera;

/// The picture that was taken last.
type Taken = Arc<Mutex<Option<Image>>>;

/// A film under way.
#[derive(Resource, Default)]
pub(super) struct Filming(Option<Shot>);

struct Shot {
    film: Film,
    camera: Entity,
    image: Handle<Image>,
    count: usize,
    next: usize,
    /// Frames to let pass before a picture is taken.
    wait: u32,
    taken: Taken,
    asked: bool,
    /// A picture is taken of this frame.
    asks: bool,
    writing: Vec<Task<Result<(), String>>>,
    encoding: Option<Task<Result<PathBuf, String>>>,
    /// Playhead, and whether time ran, before.
    was: (f32, bool),
}

impl Shot {
    /// Whether it is drawn that all that is new reaches the renderer.
    fn warms(&self) -> bool {
        self.next == 0 && self.wait > 0
    }
}

/// Begins, goes on with and ends films.
pub(super) fn film(
    mut commands: Commands,
    mut editor: ResMut<Editor>,
    mut filming: ResMut<Filming>,
    mut images: ResMut<Assets<Image>>,
    cameras: Query<
        (Entity, Has<EditorCamera>),
        (With<Camera>, Without<FilmCamera>, Without<Overlay>),
    >,
    mut own: Query<&mut Camera, With<FilmCamera>>,
    people: Query<&InteractionState, With<EditorPerson>>,
) {
    if filming.0.is_none() && editor.asks.is_empty() {
        return;
    }
    let stop = editor.asks.contains(&Ask::StopFilm);
    if stop {
        editor.asks.retain(|a| *a != Ask::StopFilm);
    }
    let Some(shot) = &mut filming.0 else {
        let ask = editor.asks.iter().find_map(|ask| match ask {
            Ask::Film(film) => Some(film.clone()),
            _ => None,
        });
        let Some(wish) = ask else { return };
        let marked = cameras.iter().find(|(_, marked)| *marked);
        let only = || cameras.single().ok();
        let camera = marked.or_else(only).map(|(entity, _)| entity);
        let seconds = editor.project().seconds();
        let path = std::env::var_os("PATH");
        let refusal = wish.refuse(seconds, path.as_deref());
        let refusal = refusal.or_else(|| {
            let none = "there is no camera to film with; mark one with EditorCamera";
            camera.is_none().then(|| none.to_owned())
        });
        // Last: a film that is refused leaves no folder.
        let refusal = refusal.or_else(|| {
            let made = std::fs::create_dir_all(wish.pictures());
            let why = made.err()?;
            Some(format!("cannot make {}: {why}", wish.pictures().display()))
        });
        let (None, Some(camera)) = (&refusal, camera) else {
            end(&mut editor);
            editor.complain(&refusal.unwrap_or_default());
            return;
        };
        let [width, height] = wish.size;
        let format = TextureFormat::Rgba8UnormSrgb;
        let image = images.add(Image::new_target_texture(width, height, format, None));
        let own = commands.spawn_empty().id();
        let target = RenderTarget::Image(image.clone().into());
        commands.queue(move |world: &mut World| equip(world, camera, own, target));
        filming.0 = Some(Shot {
            count: wish.frames(seconds),
            film: wish,
            camera: own,
            image,
            next: 0,
            wait: WARM,
            taken: Taken::default(),
            asked: false,
            asks: false,
            writing: Vec::new(),
            encoding: None,
            was: (editor.playhead, editor.playing),
        });
        editor.scene.filming = Some(0.0);
        editor.playing = false;
        editor.playhead = 0.0;
        return;
    };
    let outcome = if stop {
        Some(Err("the film was stopped; its pictures stay".to_owned()))
    } else {
        advance(shot, &mut editor, &mut commands, &people)
    };
    // Only what becomes a picture is drawn, and what is drawn before the first.
    let draws = shot.warms() || shot.asks;
    shot.asks = false;
    if let Ok(mut camera) = own.get_mut(shot.camera)
        && camera.is_active != draws
    {
        camera.is_active = draws;
    }
    let Some(outcome) = outcome else { return };
    commands.entity(shot.camera).try_despawn();
    (editor.playhead, editor.playing) = shot.was;
    let count = shot.count;
    filming.0 = None;
    end(&mut editor);
    match outcome {
        Ok(target) => editor.say(format!("filmed {count} pictures: {}", target.display())),
        Err(reason) => editor.complain(&reason),
    }
}

fn end(editor: &mut Editor) {
    editor.asks.retain(|a| !matches!(a, Ask::Film(_)));
    editor.scene.filming = None;
}

/// Gives a new camera the optics of another.
fn equip(world: &mut World, from: Entity, to: Entity, target: RenderTarget) {
    let Ok(all) = world.inspect_entity(from) else {
        return;
    };
    let optics: Vec<_> = all
        .filter(|c| {
            let name = c.name().to_string();
            OPTICS.iter().any(|own| name.starts_with(own))
        })
        .map(|c| c.id())
        .collect();
    EntityCloner::build_opt_in(world)
        .allow_by_ids(optics)
        .clone_entity(from, to);
    let Ok(mut camera) = world.get_entity_mut(to) else {
        return;
    };
    camera.insert((FilmCamera, target));
    if let Some(mut camera) = camera.get_mut::<Camera>() {
        camera.viewport = None;
        camera.is_active = true;
        // Before those that show it.
        camera.order -= 1;
    }
}

/// One frame of the app; how it ended, if it did.
fn advance(
    shot: &mut Shot,
    editor: &mut Editor,
    commands: &mut Commands,
    people: &Query<&InteractionState, With<EditorPerson>>,
) -> Option<Result<PathBuf, String>> {
    let mut failed = None;
    shot.writing
        .retain_mut(|task| match block_on(future::poll_once(task)) {
            None => true,
            Some(done) => {
                failed = failed.take().or(done.err());
                false
            }
        });
    if let Some(reason) = failed {
        return Some(Err(reason));
    }
    if let Some(task) = &mut shot.encoding {
        return block_on(future::poll_once(task));
    }
    if shot.next == shot.count {
        if shot.writing.is_empty() {
            let film = shot.film.clone();
            shot.encoding = Some(AsyncComputeTaskPool::get().spawn(async move {
                let path = std::env::var_os("PATH");
                encode(&film, path.as_deref())
            }));
        }
        return None;
    }
    let taken = match shot.taken.lock() {
        Ok(mut taken) => taken.take(),
        Err(poisoned) => poisoned.into_inner().take(),
    };
    if let Some(image) = taken {
        let path = shot.film.pictures().join(format!("{:05}.png", shot.next));
        shot.writing
            .push(AsyncComputeTaskPool::get().spawn(async move { write(image, &path) }));
        shot.asked = false;
        shot.next += 1;
        shot.wait = 1;
        let share = shot.next as f32 / shot.count as f32;
        editor.scene.filming = Some(share * 0.95);
        if shot.next < shot.count {
            editor.playhead = shot.next as f32 / shot.film.fps as f32;
        }
        return None;
    }
    if shot.asked || shot.writing.len() >= WRITING {
        return None;
    }
    if shot.wait > 0 {
        shot.wait -= 1;
        return None;
    }
    // Who is not ready would stand as before.
    if people
        .iter()
        .any(|s| matches!(s, InteractionState::Waiting(_)))
    {
        return None;
    }
    let slot = shot.taken.clone();
    commands
        .spawn(Screenshot::image(shot.image.clone()))
        .observe(move |captured: On<ScreenshotCaptured>| {
            let image = Some(captured.image.clone());
            match slot.lock() {
                Ok(mut slot) => *slot = image,
                Err(poisoned) => *poisoned.into_inner() = image,
            }
        });
    (shot.asked, shot.asks) = (true, true);
    None
}

fn write(image: Image, path: &Path) -> Result<(), String> {
    let failed = |reason: String| format!("cannot write {}: {reason}", path.display());
    let image = image
        .try_into_dynamic()
        .map_err(|e| failed(e.to_string()))?;
    // Alpha holds brightness where more than a screen can show was drawn.
    (image.to_rgb8().save(path)).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_filmed_is_refused_with_the_remedy() {
        let good = Film::default();
        assert_eq!(good.refuse(2.0, None), None);
        assert_eq!(good.frames(2.0), 60);
        let refused = |film: Film, seconds: f32| film.refuse(seconds, None).unwrap_or_default();
        let odd = Film {
            fps: 25,
            ..good.clone()
        };
        assert!(refused(odd, 2.0).contains("24, 30 or 60"));
        let large = Film {
            size: [9000, 10],
            ..good.clone()
        };
        assert!(refused(large, 2.0).contains("9000 x 10"));
        assert!(refused(good.clone(), 0.0).contains("empty"));
        let video = Film {
            kind: FilmKind::Mp4,
            ..good
        };
        assert!(refused(video, 2.0).contains("MP4 needs ffmpeg"));
    }

    /// A program in a folder of its own that stands for ffmpeg.
    #[cfg(unix)]
    fn stand_in(script: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ffmpeg");
        std::fs::write(&file, script).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&file, mode).expect("allowed");
        folder
    }

    #[cfg(unix)]
    #[test]
    fn pictures_become_a_file_or_stay_where_they_are() {
        let out = tempfile::tempdir().expect("a folder");
        let film = Film {
            to: out.path().join("walk"),
            kind: FilmKind::Mp4,
            ..Film::default()
        };
        std::fs::create_dir_all(film.pictures()).expect("made");
        let good = stand_in("#!/bin/sh\nfor last; do :; done\necho \"$@\" > \"$last\"\n");
        let bad = stand_in("#!/bin/sh\necho no such codec >&2\nexit 1\n");
        let error = encode(&film, Some(bad.path().as_os_str())).expect_err("it failed");
        assert!(
            error.contains("no such codec") && film.pictures().is_dir(),
            "{error}"
        );
        let target = encode(&film, Some(good.path().as_os_str())).expect("a file");
        assert_eq!(target, out.path().join("walk.mp4"));
        let said = std::fs::read_to_string(&target).expect("written");
        assert!(
            said.contains("-framerate 30") && said.contains("%05d.png"),
            "{said}"
        );
        assert!(!film.pictures().exists());
    }
}
