//! What the plugin's tests share: headless apps that tick by hand.
//!
//! [`app`] is Bevy without window and renderer, with the assets of this repository and the plugin in it; [`engine`] is
//! the same without the plugin. Nothing moves until a test asks for it: [`tick`] lets exactly one step of time pass,
//! [`tick_until`] waits for work that other threads do (assets, generation).

pub mod carry;
pub mod person;
pub mod puppet;
pub mod tiny_model;
pub mod window;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bevy::animation::AnimationPlugin;
use bevy::asset::io::file::FileAssetReader;
use bevy::asset::io::{AssetSourceBuilder, AssetSourceEvent, AssetSourceId, AssetWatcher};
use bevy::camera::visibility::VisibilityPlugin;
use bevy::gltf::GltfPlugin;
use bevy::mesh::MeshPlugin;
use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy::world_serialization::WorldSerializationPlugin;
use bevy_chois::ChoisPlugins;
use bevy_chois::debug_draw::DebugDrawPlugin;

/// Time that one [`tick`] lets pass unless the test changes it: a sixtieth of a second.
pub const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The folder of this repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The folder of the assets that the repository ships.
pub fn assets() -> PathBuf {
    repository().join("assets")
}

/// Bevy and the plugin, without window and renderer, reading the repository's assets.
pub fn app() -> App {
    app_reading(&assets())
}

/// The same, reading the assets of another folder.
pub fn app_reading(folder: &Path) -> App {
    let mut app = engine(folder);
    // Drawing needs a renderer.
    app.add_plugins(ChoisPlugins::default().build().disable::<DebugDrawPlugin>());
    app
}

/// Bevy as a server would run it, without the plugin: tasks, time, assets, hierarchy, glTF, meshes, animation.
pub fn engine(assets: &Path) -> App {
    let mut app = App::new();
    add_engine(
        &mut app,
        AssetPlugin {
            file_path: assets.to_string_lossy().into_owned(),
            ..default()
        },
    );
    app
}

/// The same, reading assets from a folder, and telling what the test says of files that change there: without looking.
pub fn watched_engine(assets: &Path) -> (App, FileChanges) {
    let mut app = App::new();
    let (send, changes) = std::sync::mpsc::channel();
    let folder = assets.to_owned();
    let source = AssetSourceBuilder::new(move || Box::new(FileAssetReader::new(&folder)))
        .with_watcher(move |to_bevy| {
            let tell = move |event| to_bevy.try_send(event).is_ok();
            send.send(FileChanges(Box::new(tell))).ok()?;
            Some(Box::new(Unwatched))
        });
    app.register_asset_source(AssetSourceId::Default, source);
    add_engine(
        &mut app,
        AssetPlugin {
            watch_for_changes_override: Some(true),
            ..default()
        },
    );
    (app, changes.recv().expect("a watcher"))
}

/// Where [`watched_engine`] hears of files that changed.
pub struct FileChanges(Box<dyn Fn(AssetSourceEvent) -> bool + Send>);

impl FileChanges {
    /// A file changed, by its path within the folder of assets.
    pub fn tell(&self, path: &str) {
        let told = (self.0)(AssetSourceEvent::ModifiedAsset(path.into()));
        assert!(told, "the app has gone");
    }
}

struct Unwatched;

impl AssetWatcher for Unwatched {}

fn add_engine(app: &mut App, assets: AssetPlugin) {
    app.add_plugins((
        MinimalPlugins,
        TransformPlugin,
        assets,
        WorldSerializationPlugin,
        ImagePlugin::default(),
        MeshPlugin,
        VisibilityPlugin,
        GltfPlugin::default(),
        AnimationPlugin,
    ));
    app.insert_resource(TimeUpdateStrategy::ManualDuration(TICK));
}

/// What runners do before the first update; the second call does nothing. [`tick`] calls it.
pub fn start(app: &mut App) {
    #[derive(Resource)]
    struct Started;
    if app.world().contains_resource::<Started>() {
        return;
    }
    app.insert_resource(Started);
    app.finish();
    app.cleanup();
}

/// Lets one step of time pass.
pub fn tick(app: &mut App) {
    start(app);
    app.update();
}

/// Lets a number of steps pass.
pub fn tick_times(app: &mut App, times: usize) {
    for _ in 0..times {
        tick(app);
    }
}

/// Ticks until `done` says so; gives up (false) after that many seconds of the test's own clock. The app's time goes on
/// by one step a tick, however long that took.
#[must_use]
pub fn tick_until(app: &mut App, seconds: f32, mut done: impl FnMut(&mut World) -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs_f32(seconds);
    loop {
        tick(app);
        if done(app.world_mut()) {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        // Loaders and workers share the machine's few cores with this loop.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Everything that was written of one kind of message, in order. See [`hear`].
#[derive(Resource, Debug)]
pub struct Heard<M: Message>(pub Vec<M>);

impl<M: Message> Default for Heard<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Keeps every message of a kind; call before the first tick.
pub fn hear<M: Message + Clone>(app: &mut App) {
    app.init_resource::<Heard<M>>();
    app.add_systems(
        Last,
        |mut reader: MessageReader<M>, mut heard: ResMut<Heard<M>>| {
            heard.0.extend(reader.read().cloned());
        },
    );
}

/// The messages kept so far, see [`hear`]. None when the kind was never asked for.
pub fn heard<M: Message + Clone>(app: &App) -> Vec<M> {
    let heard = app.world().get_resource::<Heard<M>>();
    heard.map(|h| h.0.clone()).unwrap_or_default()
}
